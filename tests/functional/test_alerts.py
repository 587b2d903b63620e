# SPDX-License-Identifier: BSD-3-Clause
"""Alert rules and dashboards (contrib/prometheus, contrib/grafana): promtool takes them, and what they ask for is what a real server exports:
every metric, every label, every value that a label is compared with. Each alert says what to run, and where to read on."""
import json
import pathlib
import re
import shlex
import subprocess

import everykit
import kit
import pytest
import yaml

CONTRIB = pathlib.Path(kit.__file__).parents[2] / "contrib"
RULES = sorted((CONTRIB / "prometheus").glob("*.rules.yml"))
ALERTS = {rule["alert"]: rule for path in RULES for group in yaml.safe_load(path.read_text())["groups"] for rule in group["rules"]}
PANELS = {f"{path.stem}: {panel['title']}": panel["targets"] for path in sorted((CONTRIB / "grafana").glob("*.json"))
          for panel in json.loads(path.read_text())["panels"]}
PROMETHEUS_OWN = {"instance", "job"}  # put there by who scrapes


def promtool(*words):
    done = subprocess.run(["promtool", *map(str, words)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_promtool_takes_the_rules():
    promtool("check", "rules", *RULES)
    promtool("test", "rules", *sorted((CONTRIB / "prometheus").glob("*.test.yml")))


SECTIONS = {section.split("\n")[0]: section for section in re.split(r"^### ", (CONTRIB.parent / "doc/runbook.md").read_text(), flags=re.M)[1:]}
URGENCY = {"critical": "Critical", "warning": "Warning", "info": "Information"}


@pytest.mark.parametrize("alert", ALERTS)
def test_an_alert_says_what_to_do(alert):
    """A summary, a description whose commands are there, and a section of the runbook that answers five questions."""
    rule, section = ALERTS[alert], SECTIONS[alert]
    assert rule["annotations"]["summary"] and rule["annotations"]["runbook"] == f"doc/runbook.md#{alert.lower()}"
    assert section.split("\n\n")[1].startswith(URGENCY[rule["labels"]["severity"]])
    told = re.findall(r"^- \*\*(\w+)\*\*", section, re.M)
    assert told == ["Clients", "Look", "Do", "Harmless", "Over"]
    assert "`steerctl " in section
    verbs = kit.list_verbs()
    told = re.findall(r"steerctl ([a-z-]+)", rule["annotations"]["description"])
    assert set(told) <= set(verbs), told


def test_no_section_without_its_alert():
    assert list(SECTIONS) and set(SECTIONS) == set(ALERTS)


def list_commands():
    """What somebody would copy: code with steerctl in front, of the runbook, of the page beside it and of the rules."""
    for page in "runbook", "monitoring":
        text = (CONTRIB.parent / f"doc/{page}.md").read_text()
        yield from re.findall(r"`(steerctl [^`]+)`", text)
        yield from (line.split("  #")[0].strip() for block in re.findall(r"```sh\n(.*?)```", text, re.S) for line in block.splitlines() if line.startswith("steerctl "))
    for rule in ALERTS.values():
        yield from re.findall(r"`(steerctl [^`{]+)`", rule["annotations"]["description"])


def test_each_command_is_understood(tmp_path):
    """There is no server: who has understood the verb, its words and its options finds that out, or that nobody can be asked whether he means it."""
    told, faults = {"TARGET": "region:us-east", "DURATION": "1h"}, []
    for command in sorted(set(list_commands())):
        words = [told.get(word, word) for word in shlex.split(command)[1:]]
        done = kit.run_ctl("-s", str(tmp_path / "nobody"), *words)
        if done.returncode not in (2, 3) or not re.search("is steerd running|it takes --yes, or --confirm", done.stdout + done.stderr):
            faults.append(f"{command}: {done.stdout} {done.stderr}")
    assert not faults, "\n".join(faults)


# ---- what is exported ----

@pytest.fixture(scope="module")
def exported():
    """All series of a server that has one of everything: metric -> [labels]."""
    with everykit.one_of_everything() as server:
        series = everykit.read_series(server)
    with everykit.node_of_a_cluster() as server:
        return {**everykit.read_series(server), **series, "up": [{}]}


def judge(expression, told, series):
    """Every selector of a PromQL expression, and every label that it is grouped, joined or described by."""
    selectors = re.findall(r"\b(steerd_\w+|up(?={))(?:\{([^}]*)\})?", expression)
    assert selectors, expression
    for name, matchers in selectors:
        assert name in series, f"{name} is not exported"
        for label, how, value in re.findall(r'(\w+)\s*(=~|!=|!~|=)\s*"([^"]*)"', matchers):
            if label in PROMETHEUS_OWN:
                continue
            known = {labels.get(label) for labels in series[name]}
            values = value.split("|") if "~" in how else [value]
            assert all("%" in one or one in known for one in values), f"{name}: {label} is {known}, never {value}"
    labels = {label for clause in re.findall(r"\b(?:by|on)\s*\(([^)]*)\)", expression) for label in re.findall(r"\w+", clause)} | set(told)
    for label in labels - PROMETHEUS_OWN:
        assert any(label in one for name, _ in selectors for one in series[name]), f"{label} is no label of {expression}"


@pytest.mark.parametrize("alert", ALERTS)
def test_an_alert_asks_for_what_there_is(exported, alert):
    rule = ALERTS[alert]
    texts = " ".join(rule["annotations"].values())
    judge(rule["expr"], re.findall(r"\$labels\.(\w+)", texts), exported)
    for query in re.findall(r"printf [`\"](.*?)[`\"] ", texts):
        judge(query.replace("%s", "x").replace('{instance="x"}', "").replace('{webhook="x"}', ""), [], exported)


@pytest.mark.parametrize("panel", PANELS)
def test_a_panel_asks_for_what_there_is(exported, panel):
    for target in PANELS[panel]:
        judge(target["expr"], re.findall(r"\{\{(\w+)\}\}", target["legendFormat"]), exported)
