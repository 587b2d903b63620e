# SPDX-License-Identifier: BSD-3-Clause
"""doc/logging.md against the sources, both ways, and against what real servers write as JSON in many a scene: every line parses, has an event of that
page, and only fields of it, of the type that it says."""
import json
import re

import everykit
import gatekit
import kit
import logkit
import pytest

TEXT = (logkit.TOP / "doc" / "logging.md").read_text()
EVERY_LINE = {"time", "level", "event"}
AROUND = {"kind", "name", "actor", "peer", "reason"}  # of a change, beside what is in its body
FAMILIES = {"ipv4", "ipv4_was", "ipv6", "ipv6_was"}   # put into a body by a loop
ITS_OWN = {"log dropped": {"lines", "errors", "warnings", "infos", "debugs"}, "log target failed": {"socket", "error", "effect"}}


def section(title):
    return TEXT.split(f"\n## {title}\n")[1].split("\n## ")[0]


def read_rows(title):
    for line in section(title).splitlines():
        if line.startswith("| `"):
            yield [cell.strip() for cell in line.strip("|").split(" | ")]


CHANGES = {row[0].strip("`") for row in read_rows("Changes")}
EVENTS = {row[0].strip("`"): (set(row[1].split(", ")), set(re.findall("`([^`]+)`", row[2]))) for row in read_rows("Other lines")}
FIELDS = {row[0].strip("`"): row[1] for row in read_rows("Fields")}
QUERIES = {row[0].strip("`"): row[1] for row in read_rows("The query log")}


def test_the_page_and_the_sources_have_the_same_lines():
    calls = {event: (levels, set(fields)) for event, (levels, fields) in logkit.read_calls().items()}
    calls.update({"log dropped": ({"warning"}, ITS_OWN["log dropped"]), "log target failed": ({"error"}, ITS_OWN["log target failed"])})
    assert sorted(set(calls) - set(EVENTS)) == [], "are not in doc/logging.md"
    assert sorted(set(EVENTS) - set(calls)) == [], "are in doc/logging.md, and nothing writes them"
    assert {event: calls[event] for event in calls if calls[event] != EVENTS[event]} == {}


def test_the_page_and_the_sources_have_the_same_fields():
    kinds = {}
    for _, fields in logkit.read_calls().values():
        for key, found in fields.items():
            kinds.setdefault(key, set()).update(found)
    for key, found in logkit.read_changes().items():
        kinds.setdefault(key, set()).update(found)
    for key in AROUND | FAMILIES | ITS_OWN["log target failed"]:
        kinds.setdefault(key, set()).add("text")
    for key in ITS_OWN["log dropped"]:
        kinds.setdefault(key, set()).add("number")
    assert {key: found for key, found in kinds.items() if len(found) > 1} == {}, "one name, two types"
    assert {key: found.copy().pop() for key, found in kinds.items()} == FIELDS
    assert {key: found.pop() for key, found in logkit.read_query_log().items()} == QUERIES
    assert CHANGES == set(re.findall(r'\[CHANGE_\w+\] = "(\w+)"', (logkit.TOP / "src/events/change.c").read_text())) - {"host", "rendition"}


# ---- real lines ----

def take_pairs(pairs):
    keys = [key for key, _ in pairs]
    assert len(set(keys)) == len(keys), f"a key comes twice: {keys}"
    return dict(pairs)


def find_row(event):
    """Of the page; words that differ stand for the ellipsis."""
    for name, row in EVENTS.items():
        if name == event or "…" in name and re.fullmatch(re.escape(name).replace("…", ".+"), event):
            yield row


def judge(line):
    """Its event."""
    document = json.loads(line, object_pairs_hook=take_pairs)
    fields = set(document) - EVERY_LINE
    assert EVERY_LINE <= set(document) and re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", document["time"]), line
    if document["event"] == "query":
        assert fields <= set(QUERIES), line
        return "query"
    for key in fields:
        assert key in FIELDS and isinstance(document[key], str if FIELDS[key] == "text" else (int, float)), (key, line)
    is_change = document["event"] in CHANGES and (document["level"] == "info")
    assert is_change or any(document["level"] in levels and fields <= known for levels, known in find_row(document["event"])), line
    return document["event"]


def judge_log(server):
    return {judge(line) for line in server.read_log().splitlines()}


def configure(site):
    site.pki = gatekit.make_pki(site)
    site.door = gatekit.listen(site, site.pki)
    site.server["log"] = {"format": "json", "level": "debug"}
    site.server["query_log"] = {}


def refuse(server):
    """Somebody whom nobody knows."""
    remote = gatekit.Remote(server.site.door, server.site.pki, token="x" * 40)
    assert remote.request("GET", "/v1/status").status == 401


def test_lines_of_a_server():
    with everykit.one_of_everything(configure) as server:
        site = server.site
        everykit.give_back(server)
        assert server.reload().status == 200
        zone, site.zones["example.com"] = site.zones["example.com"], site.zones["example.com"] + "what is this\n"
        site.write()
        server.reload()
        site.zones["example.com"] = zone
        site.write()
        assert server.reload().status == 200
        document = {"name": "d", "mode": "simulate", "duration": "1s", "events": [{"at": "0s", "what": "region:us-east", "how": "lost"}]}
        assert server.request("POST", "/v1/drills", document).status == 200
        shadow = {"mode": "shadow", "document": {**document, "mode": "shadow"}, "clients": {"prefixes": ["192.0.2.0/24"]}, "reason": "a test"}
        assert server.request("POST", "/v1/drills", shadow).status == 201
        refuse(server)
        done = server.request("POST", "/v1/switchovers", {"source": ["region:us-east"], "execute": True, "emergency": True, "reason": "a test"})
        assert done.status == 201, done
        assert server.request("POST", f"/v1/switchovers/{done.json['id']}:rollback", {"reason": "a test"}).status == 200
        web, = (web for web in site.webs if web.addresses == (server.at["us-east-1a"],))
        server.wait_state("region", "us-east", effective="healthy")
        web.behave("close")
        server.wait_log('"event":"incident"', '"turn":"lost"')
        web.behave("ok")
        server.wait_log('"event":"incident"', '"turn":"back"')
        server.wait_log('"event":"webhook"')
        server.wait_log('"event":"drill"', '"turn":"ended"')
        server.stop()
        seen = judge_log(server)
    assert seen >= {"steerd answers queries", "health", "override", "reload", "config", "drill", "step", "certificate", "ramp", "vantage", "replication", "incident", "switchover",
                    "rule", "access", "webhook", "hook", "report", "load", "query", "stopping", "stopped", "recovery point saved", "host", "confined", "journal anchor"}, seen


def test_lines_of_a_cluster():
    with everykit.node_of_a_cluster(lambda site: site.server.update({"log": {"format": "json", "level": "debug"}})) as node:
        node.override("region", "us-east", "drain")
        node.stop()
        seen = judge_log(node)
    assert seen >= {"cluster joined", "cluster phase", "node", "override", "health"}, seen


@pytest.mark.parametrize("line", ['{"time":"2026-11-21T04:05:06.789Z","level":"info","event":"nothing"}',
                                  '{"time":"2026-11-21T04:05:06.789Z","level":"info","event":"stopped","exit":"0"}',
                                  '{"time":"2026-11-21T04:05:06.789Z","level":"info","event":"stopped","colour":"red"}',
                                  '{"time":"2026-11-21T04:05:06.789Z","level":"info","event":"stopped","event":"stopped"}'])
def test_what_is_not_on_the_page_is_noticed(line):
    with pytest.raises(AssertionError):
        judge(line)


def test_the_examples_are_lines():
    example = next(line for line in TEXT.splitlines() if line.startswith('{"time"'))
    assert judge(example) == "override"
    assert kit.STEERD.exists()
