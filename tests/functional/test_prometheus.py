# SPDX-License-Identifier: BSD-3-Clause
"""contrib/prometheus and contrib/grafana in a real Prometheus that asks a real server, as prometheus.yml says it is done: every rule and every
panel is evaluated, those that have to have data have it, and endpoints that are killed make an alert fire, which ends when they are back."""
import contextlib
import json
import pathlib
import shutil
import subprocess
import urllib.error
import urllib.parse
import urllib.request

import everykit
import gatekit
import kit
import pytest
import yaml

CONTRIB = pathlib.Path(kit.__file__).parents[2] / "contrib"
PROMETHEUS = shutil.which("prometheus")
# What is empty while all is well; the rest has data on a server that has one of everything.
EMPTY = {"steerd_region_held > 0", "steerd_brake_holding > 0", "steerd_switchovers > 0"}  # and what a cluster has
VARIABLES = {'instance=~"$instance"': 'instance=~".+"', "$__rate_interval": "1m"}
PANELS = [(f"{path.stem}: {panel['title']}", target["expr"]) for path in sorted((CONTRIB / "grafana").glob("*.json"))
          for panel in json.loads(path.read_text())["panels"] for target in panel["targets"]]

pytestmark = pytest.mark.skipif(PROMETHEUS is None, reason="prometheus is not installed")


class Prometheus:
    """One that asks every 200 ms."""

    def __init__(self, folder, target, ca, token):
        self.folder, self.at = folder, f"{kit.new_address()}:{kit.find_port('127.0.0.1')}"
        config = yaml.safe_load((CONTRIB / "prometheus" / "prometheus.yml").read_text())
        config["global"] = {"scrape_interval": "200ms", "evaluation_interval": "200ms"}
        config["rule_files"] = [str(CONTRIB / "prometheus" / name) for name in config["rule_files"]]
        assert {pathlib.Path(name).name for name in config["rule_files"]} == {path.name for path in (CONTRIB / "prometheus").glob("*.rules.yml")}
        job, = config["scrape_configs"]
        job["authorization"]["credentials_file"] = str(token)
        job["tls_config"] = {"ca_file": str(ca), "server_name": "www.example.com"}
        job["static_configs"] = [{"targets": [target]}]
        (folder / "prometheus.yml").write_text(yaml.safe_dump(config))
        with open(folder / "log", "wb") as log:
            self.process = subprocess.Popen([PROMETHEUS, f"--config.file={folder}/prometheus.yml", f"--storage.tsdb.path={folder}/data",
                                             f"--web.listen-address={self.at}", "--log.level=warn"], stdout=log, stderr=log, stdin=subprocess.DEVNULL)

    def ask(self, path, **query):
        url = f"http://{self.at}/api/v1/{path}?{urllib.parse.urlencode(query)}"
        try:
            with urllib.request.urlopen(url, timeout=kit.PATIENCE_S) as reply:
                document = json.load(reply)
        except urllib.error.HTTPError as error:
            raise AssertionError(f"{path} {query}: {error.read()}") from None
        assert document["status"] == "success", document
        return document["data"]

    def talks(self):
        assert self.process.poll() is None, (self.folder / "log").read_text()
        try:
            with urllib.request.urlopen(f"http://{self.at}/-/ready", timeout=kit.PATIENCE_S) as reply:
                return reply.status == 200
        except OSError:
            return False

    def select(self, expression):
        return self.ask("query", query=expression)["result"]

    def firing(self):
        return {(alert["labels"]["alertname"], alert["labels"].get("kind")) for alert in self.ask("alerts")["alerts"] if alert["state"] == "firing"}

    def rules(self):
        return [rule for group in self.ask("rules")["groups"] for rule in group["rules"]]

    def close(self):
        self.process.kill()
        self.process.wait()


@pytest.fixture(scope="module")
def scene():
    def prepare(site):
        site.pki = gatekit.make_pki(site)
        site.door = gatekit.listen(site, site.pki)
    with everykit.one_of_everything(prepare) as server, contextlib.ExitStack() as stack:
        site = server.site
        (site.folder / "token").write_text(server.request("POST", "/v1/tokens", {"name": "prometheus", "role": "viewer"}).json["secret"])
        (site.folder / "prom").mkdir()
        server.prometheus = Prometheus(site.folder / "prom", "%s:%s" % site.door, site.pki.root_pem, site.folder / "token")
        stack.callback(server.prometheus.close)
        kit.wait_for(server.prometheus.talks, "Prometheus is there")
        server.wait(lambda: server.prometheus.select("steerd_build_info"), "it has asked")
        yield server


def test_every_rule_is_evaluated(scene):
    """Without an error; what is told of this server is what is so: it has just been started."""
    server = scene
    server.wait(lambda: all(rule["lastEvaluation"] > "0002" for rule in server.prometheus.rules()), "all rules were evaluated")
    rules = server.prometheus.rules()
    names = {rule["alert"] for path in (CONTRIB / "prometheus").glob("*.rules.yml")
             for group in yaml.safe_load(path.read_text())["groups"] for rule in group["rules"]}
    assert {rule["name"] for rule in rules} == names
    assert [(rule["name"], rule["lastError"]) for rule in rules if rule["health"] != "ok"] == []
    for rule in rules:
        server.prometheus.select(rule["query"])


def test_every_panel_has_data(scene):
    """As Grafana asks, with its variables filled in."""
    def fill(expression):
        for variable, value in VARIABLES.items():
            expression = expression.replace(variable, value)
        return expression
    assert not any("$" in fill(expression) for _, expression in PANELS)
    bare = {expression: expression.replace('{instance=~"$instance"}', "") for _, expression in PANELS}
    for panel, expression in PANELS:
        if bare[expression] in EMPTY or "steerd_cluster_" in expression:
            scene.prometheus.select(fill(expression))
        else:
            scene.wait(lambda filled=fill(expression): scene.prometheus.select(filled), f"{panel} has data: {expression}")


def test_endpoints_that_are_killed_are_told_and_those_that_are_back_are_not(scene):
    server, lost = scene, ("SteerdIncident", "region")
    everykit.give_back(server)
    server.wait(lambda: server.prometheus.select('steerd_incidents_open{kind="region"} == 0'), "Prometheus knows that all is well")
    assert lost not in server.prometheus.firing()
    web, = (web for web in server.site.webs if web.addresses == (server.at["us-east-1a"],))
    web.behave("close")
    server.wait(lambda: lost in server.prometheus.firing(), "the loss is told")
    alert, = (alert for alert in server.prometheus.ask("alerts")["alerts"] if alert["labels"].get("kind") == "region" and alert["state"] == "firing")
    assert alert["annotations"]["summary"].startswith("1 region(s) lost on ") and alert["labels"]["severity"] == "critical"
    web.behave("ok")
    server.wait(lambda: lost not in server.prometheus.firing(), "it is over")
