# SPDX-License-Identifier: BSD-3-Clause
"""Drill documents on the server that serves: what they say happens to the checks of some clients' world, in real time."""
import itertools
import json

import jsonschema
import pytest

import kit
from test_drill_library import AZS, ENDPOINTS, EXPECTED, LIBRARY, NAMES, schema
from test_shadow import look, wait_end

TIMES = {"at", "for", "duration", "up", "down"}
FASTEST = 600
# what would be too short then, ms
OWN = {"flapping-region": {"for": 2700, "up": 900, "down": 900}, "prober-blackout": {"for": 1000}, "growing-lag": {"for": 10000}}


@pytest.fixture
def fitting(site):
    """The names of the library, with endpoints that answer."""
    site.zone("example.com", "")
    site.policy("example.com", {name: {"ttl": 20} | policy for name, policy in NAMES.items()})
    at = {name: kit.new_address() for name in ENDPOINTS}
    site.topology = {
        "regions": {region: {"azs": {az: {} for az in azs}} for region, azs in AZS.items()},
        "checks": {"web": {"type": "http", "port": kit.WEB_PORT, "path": "/healthz", "interval": "100ms", "timeout": "100ms", "fall": 3,
                           "rise": 1}},
        "endpoints": {name: {"az": az, "addresses": [at[name]], "capacity": 1000, "checks": ["web"]} for name, az in ENDPOINTS.items()},
        "rules": {"data": {"type": "lag", "regions": ["us-east"], "stage": "any"}}}
    site.topology["regions"]["us-east"]["replicates_to"] = [{"to": "eu-west", "lag": "push", "rpo": "10s"}]
    site.web(*at.values())
    server = site.start()
    for name in ENDPOINTS:
        server.wait_state("endpoint", name, effective="healthy")
    reply = server.request("POST", "/v1/report", {"from": "us-east", "to": "eu-west", "lag": 0, "ttl": "1h"})
    assert reply.status == 200, reply
    return server


def milliseconds(text):
    number, unit = text.rstrip("msh"), text.lstrip("0123456789")
    return int(number) * {"ms": 1, "s": 1000, "m": 60000, "h": 3600000}[unit]


def shorten(name, factor):
    """The scenario, in which everything happens sooner."""
    document = json.loads((LIBRARY / f"{name}.json").read_text())
    for thing in [document, *document["events"]]:
        for key in TIMES & thing.keys():
            thing[key] = f"{milliseconds(thing[key]) // factor}ms"
    for key, value in OWN.get(name, {}).items():
        document["events"][0][key] = f"{value * FASTEST // factor}ms"
    if name == "flapping-region":
        document["duration"] = f"{3400 * FASTEST // factor}ms"
    if name == "region":  # TTLs are as they are, and so many fail
        document["objectives"]["max_failed"] = 1
    for move in document.get("switchovers", []):  # steps take a second at least
        move |= {"each": "1s", "for": "5s"}
        document["events"][0] |= {"at": "1500ms", "for": "1s"}
        document["duration"] = "6s"
    if name == "growing-lag":  # lags are told of once a second
        document["events"][0]["growing"] = 60
        document["events"][1]["at"] = "1100ms"
    return document


numbers = itertools.count(1)


def begin(server, document, status=201, **body):
    clients = {"prefixes": [f"127.2.{next(numbers)}.0/24"]}
    reply = server.request("POST", "/v1/drills", {"mode": "shadow", "document": document, "clients": clients, **body})
    assert reply.status == status, reply
    return reply.json


def told(report, owner, label):
    """Where its answers come from, one after the other."""
    rows = [row for row in report["answers"] if row["name"] == f"{owner}.example.com." and row["class"] == label]
    return [key for key, _ in itertools.groupby(step["from"] for step in report["courses"][rows[0]["course"]])]


def is_as_expected(name, report):
    code, courses = EXPECTED[name]
    for owner, steps in (courses or {}).items():
        seen = told(report, owner, "geo[0]" if owner == "split" else "default")
        wanted = [key for key, _ in itertools.groupby(tier for _, tier in steps)]
        if name == "flapping-region":
            seen, wanted = set(seen), {"tier us-east", "tier eu-west"}
        if seen != wanted:
            return False
    return report["failed"] == (code != 0) and (report["answers_held"] > 0) == (name == "growing-lag")


def test_ready_scenarios(fitting):
    """Twelve of them, eight at a time; who had no time for it, on a busy machine, gets more."""
    factor, left = FASTEST, list(EXPECTED)
    while left:
        assert factor > 60, left
        running, waiting, missed = {}, list(left), []
        while running or waiting:
            while waiting and len(running) < 8:
                name = waiting.pop(0)
                running[name] = begin(fitting, shorten(name, factor))
            name, drill = next(iter(running.items()))
            del running[name]
            ended = wait_end(fitting, drill)
            report = ended["report"]
            jsonschema.validate(report, schema("drill-report.json"))
            assert ended["because"] == "time" and ended["proof"]["differences"] == 0
            if not is_as_expected(name, report):
                missed.append(name)
                continue
            assert report["mode"] == "shadow" and report["name"] == ended["name"] and "Measured on the server" in report["text"]
            assert [phase["back"] for phase in report["phases"]].count(False) >= 1
            if name == "growing-lag":
                assert report["copies"][0]["lag_ms"] == 66000
            if name == "prober-blackout":
                assert any("the brake holds" in event["text"] for event in report["timeline"])
                assert report["users"]["failed_share"] == 0
            if name == "region":
                back = report["phases"][1]
                assert back["back"] and back["decision_ms"] is not None and back["text"] == "region:us-east back"
        left, factor = missed, factor // 2


def document(*events, duration="1500ms", **more):
    return {"name": "a test", "duration": duration, "events": list(events), **more}


def test_slow_but_in_time_is_no_failure(fitting):
    slow = begin(fitting, document({"at": "0s", "what": "region:us-east", "how": "slow", "after": "40ms"},
                                   objectives={"must_not_move": "*"}))
    partial = begin(fitting, document({"at": "0s", "what": "check:web", "how": "partial", "checks": 1, "failure": "refused"},
                                      {"at": "500ms", "what": "check:web", "how": "recovered"}))
    report = wait_end(fitting, slow)["report"]
    assert not report["failed"] and report["answers_changed"] == 0
    phases = wait_end(fitting, partial)["report"]["phases"]
    assert [phase["text"] for phase in phases] == ["check:web failing in part", "check:web back"]


def test_by_steerctl(fitting, tmp_path):
    """It waits, has the exit codes of drills, and writes the page."""
    path, page = tmp_path / "us-east.json", tmp_path / "us-east.html"
    lost = {"at": "0s", "what": "region:us-east", "how": "refused"}
    path.write_text(json.dumps(document(lost, objectives={"must_not_move": "www.example.com"})))
    done = fitting.ctl("drill", "shadow", str(path), "--client", "127.3.1.0/24", "--wait", "--html", str(page), code=1)
    assert "FAILED: www.example.com. A (default) must not move" in done.stdout and "region:us-east lost" in done.stderr
    assert "<html" in page.read_text()
    assert fitting.ctl("drill", "simulate", str(path), code=1).stdout.splitlines()[0].startswith("a test: region:us-east")
    path.write_text(json.dumps(document(lost, mode="shadow", shadow={"prefixes": ["127.3.2.0/24"]}, duration="1h")))
    fitting.ctl("drill", "shadow", str(path), "--lose", "region:us-east", code=2)
    fitting.ctl("drill", "shadow", str(path), "--html", str(page), code=2)
    begun = fitting.ctl_json("drill", "shadow", str(path), "--reason", "rehearsal")
    assert begun["clients"]["prefixes"] == ["127.3.2.0/24"] and begun["reason"] == "rehearsal" and begun["lose"] == ["region:us-east"]
    fitting.wait(lambda: look(fitting, begun)["progress"]["step"] == "region:us-east lost", "its step is told")
    assert "region:us-east lost" in fitting.ctl("drill", "show", begun["id"]).stdout
    fitting.ctl("drill", "stop", begun["id"])
    wait_end(fitting, begun)
    fitting.ctl("drill", "show", begun["id"], "--html", str(page))
    assert fitting.ctl_json("drill", "show", begun["id"])["report"]["mode"] == "shadow"


def test_bad_documents(fitting):
    good = {"at": "0s", "what": "region:us-east", "how": "lost"}
    for body, word in (({"at": "0s", "what": "region:us-eest", "how": "lost"}, "us-east"),
                       ({"at": "0s", "what": "region:us-east", "how": "gone"}, "gone")):
        assert word in str(begin(fitting, document(body), 422)["errors"]), body
    assert begin(fitting, document(good, duration="2h"), 422)["errors"][0]["field"] == "duration"
    assert begin(fitting, document(good, duration="5ms"), 422)["errors"][0]["field"] == "duration"
    assert begin(fitting, document(good), 422, lose=["region:us-east"])["errors"][0]["field"] == "lose"
    assert begin(fitting, [], 422)["errors"][0]["field"] == "document"
    reply = fitting.request("POST", "/v1/drills", document(good, mode="shadow"))
    assert reply.status == 422 and reply.json["errors"][0]["field"] == "shadow"
    reply = fitting.request("POST", "/v1/drills", document(good, mode="shadow", shadow={"prefixes": ["0.0.0.0/0"]}))
    assert reply.status == 422 and reply.json["errors"][0]["field"] == "shadow.prefixes"
    reply = fitting.request("POST", "/v1/drills", document(good, mode="shadow", shadow={"prefixes": ["127.4.0.0/24"]}))
    assert reply.status == 201 and reply.json["name"] == "a test"
