# SPDX-License-Identifier: BSD-3-Clause
"""Alert rules and dashboards (contrib/prometheus, contrib/grafana): promtool takes them, and what they ask for is what a real server exports:
every metric, every label, every value that a label is compared with. Each alert says what to run, and where to read on."""
import json
import pathlib
import re
import subprocess

import kit
import pytest
import tlskit
import yaml
from receivers import SECRET
from vantage_client import invite, listen

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
    with kit.new_site() as site:
        pki = tlskit.Pki(site.folder / "pki")
        pki.sign("soon", "root", days=(-1, 5.5))
        secure = tlskit.Listener(tlskit.talk(pki.context("soon"), tlskit.GOOD))
        try:
            server = start(site, pki, secure.port)
            return read(server)
        finally:
            secure.close()


def start(site, pki, port):
    at = kit.make_regions(site, azs=("us-east-1a", "eu-west-1a"))
    site.topology["regions"]["us-east"]["replicates_to"] = [{"to": "eu-west", "lag": "push", "rpo": "30s", "max_age": "10m"}]
    site.topology["rules"] = {"fresh": {"type": "lag", "stage": "any"}}
    site.topology["brake"] = {"hold": "1m"}
    site.topology["checks"]["tls"] = {"type": "https", "port": port, "host": tlskit.HOST, "interval": "500ms", "tls": {"ca": str(pki.root_pem)}}
    site.topology["endpoints"]["secure"] = {"az": "eu-west-1a", "addresses": ["127.0.0.1"], "checks": ["tls"]}
    site.zone("example.com", "").policy("example.com", {"www": {"ttl": 5, "endpoints": ["web-*"], "tiers": [["us-east"], ["eu-west"]]}})
    (site.folder / "secret").write_text(SECRET + "\n")
    (site.folder / "secret").chmod(0o600)
    site.server["webhooks"] = [{"name": "ops", "url": "http://127.0.0.1:9/", "secret_file": "secret"}]
    site.server["hooks"] = [{"name": "page", "command": ["/bin/true"], "on": ["override"]}]
    document = {"name": "d", "mode": "simulate", "duration": "1m", "events": [{"at": "0s", "what": "region:us-east", "how": "lost"}]}
    site.server["drills"] = {"schedule": [{"name": "d", "cron": "0 0 1 1 *", "document": document}]}
    site.vantages_at = listen(site, quorum="majority", at_least=1)
    site.web(*at.values())
    server = site.start()
    server.vantages_at = site.vantages_at
    invite(server, "fra-1")
    server.wait_state("region", "us-east", observed="healthy")
    assert server.request("POST", "/v1/report", {"from": "us-east", "to": "eu-west", "lag": 1}).status == 200
    server.ask("www.example.com")
    for kind, name in ("endpoint", "web-us-east-1a"), ("az", "us-east-1a"), ("region", "us-east"):
        server.override(kind, name, "drain")
    server.wait_answers("www.example.com", [at["eu-west-1a"]])
    return server


def read(server):
    def look():
        text = server.request("GET", "/metrics").body.decode()
        series = {}
        for name, labels in re.findall(r"^(\w+)(?:\{(.*)\})? \S+$", text, re.M):
            series.setdefault(name, []).append(dict(re.findall(r'(\w+)="((?:[^"\\]|\\.)*)"', labels or "")))
        return series if {"steerd_drain_share", "steerd_certificate_end_time_seconds", "steerd_drill_missed_total"} <= set(series) else None
    return server.wait(look, "the drain, the certificate and the drill are there")


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
