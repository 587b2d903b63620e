# SPDX-License-Identifier: BSD-3-Clause
"""Alert rules and dashboards (contrib/prometheus, contrib/grafana): promtool takes them, and what they ask for is what a real server exports:
every metric, every label, every value that a label is compared with. Each alert says what to run, and where to read on."""
import json
import pathlib
import re
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


def slugs(page):
    text = (CONTRIB.parent / page).read_text()
    return {re.sub(r"[^a-z0-9 -]", "", line.lstrip("# ").lower()).replace(" ", "-") for line in text.splitlines() if line.startswith("#")}


@pytest.mark.parametrize("alert", ALERTS)
def test_an_alert_says_what_to_do(alert):
    rule = ALERTS[alert]
    assert rule["labels"]["severity"] in ("critical", "warning", "info") and rule["annotations"]["summary"]
    page, anchor = rule["annotations"]["runbook"].split("#")
    assert anchor in slugs(page)
    verbs = kit.run_ctl("--help").stdout
    told = re.findall(r"steerctl ([a-z-]+)", rule["annotations"]["description"])
    assert all(re.search(rf"^  {verb} ", verbs, re.M) for verb in told), told


# ---- what is exported ----

@pytest.fixture(scope="module")
def exported():
    """All series of a server that has one of everything: metric -> [labels]."""
    with everykit.one_of_everything() as server:
        return everykit.read_series(server)


def judge(expression, told, series):
    """Every selector of a PromQL expression, and every label that it is grouped, joined or described by."""
    selectors = re.findall(r"\b(steerd_\w+)(?:\{([^}]*)\})?", expression)
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
