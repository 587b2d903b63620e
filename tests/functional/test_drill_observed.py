# SPDX-License-Identifier: BSD-3-Clause
"""Drills that are begun and observed by one command: small caching resolvers beside a shadow or a live drill, and its steps as they happen."""
import contextlib
import json

import pytest

import kit
from test_drill_reports import reports, settle
from test_events import Events

NAME = "www.example.com"
CLIENTS = "127.1.2.0/24"
DOCUMENT = {"name": "gone for a while", "duration": "6s", "shadow": {"prefixes": [CLIENTS]},
            "events": [{"at": "1s", "what": "region:us-east", "how": "lost", "for": "3s"}]}


@pytest.fixture
def scene(site):
    at = kit.make_regions(site, azs=("us-east-1a", "eu-west-1a"), interval="300ms", timeout="300ms", fall=3)
    site.zone("example.com", "")
    site.policy("example.com", {"www": {"ttl": 1, "endpoints": ["web-*"], "tiers": [["us-east"], ["eu-west"]]}})
    site.web(*at.values())
    server = settle(site.start())
    server.path = site.folder / "document.json"
    server.path.write_text(json.dumps(DOCUMENT))
    server.dns = "{}:{}".format(*site.listen[0])
    return server


def observing(scene, *more):
    return ["--observe", NAME, "--server", scene.dns, "--resolvers", "16", *more]


def is_seen(observed):
    """Who was led to what is lost failed, and then went elsewhere."""
    users = observed["users"]
    return (observed["names"] == [f"{NAME}. A"] and 0 < observed["lost_ms"] < 2000 and observed["decision_ms"] is not None
            and users["moved_ms"]["50"] is not None and 0 < users["failed_share"] < 0.6)


def test_a_shadow_drill(scene):
    page = scene.site.folder / "page.html"
    done = scene.ctl("drill", "shadow", str(scene.path), *observing(scene, "--ttl", "1"), "--html", str(page), "--json")
    drill = json.loads(done.stdout)
    assert drill["state"] == "ended" and drill["complete"] and drill["proof"]["differences"] == 0
    assert is_seen(drill["observed"])
    kept = scene.get(f"/v1/drills/reports/{drill['id']}")
    assert kept["observed"] == drill["observed"] and kept["outcome"] == "met"
    assert json.dumps(drill["observed"]["names"][0]) in page.read_text()
    told = [line.strip().split("  ", 1)[1] for line in done.stderr.splitlines()]
    assert [line for line in told if line.startswith("region:")] == ["region:us-east lost", "region:us-east back"]
    assert told[0] == "region:us-east lost" and told[1] == "seen by the first check" and told[-1] == "ended: time"
    assert any(line.startswith("answers have changed, ") for line in told)


def test_a_live_drill(scene):
    words = ["drill", "live", str(scene.path), "--reason", "game day"]
    seen = scene.ctl_json(*words, "--dry-run")
    accepted = [word for finding in seen["look"]["findings"] if not finding["good"] for word in ("--accept", finding["name"])]
    done = scene.ctl(*words, *accepted, "--confirm", "us-east", *observing(scene))
    assert "Seen by resolvers" in done.stdout and "region:us-east lost" in done.stderr and "ended: time" in done.stderr
    assert is_seen(scene.get(f"/v1/drills/reports/{reports(scene)[0]['id']}")["observed"])


@pytest.mark.parametrize("words, why", [
    (["--observe", NAME, "--ttl", "1"], "--server"), (["--observe", "..", "--server", "127.0.0.1", "--ttl", "1"], "expected"),
    (["--observe", NAME, "--server", "127.0.0.1"], "--ttl"), (["--server", "127.0.0.1"], "belong to --observe"),
    (["--observe", NAME, "--server", "127.0.0.1", "--connect", "80"], "--connect")])
def test_what_cannot_be_observed_does_not_begin(scene, words, why):
    assert why in scene.ctl("drill", "shadow", str(scene.path), *words, code=2).stderr
    assert scene.get("/v1/drills")["items"] == []


def test_what_nobody_here_sees_is_stopped(scene):
    done = scene.ctl("drill", "shadow", "--lose", "region:us-east", "--client", "192.0.2.0/24", *observing(scene, "--ttl", "1"), code=2)
    assert "this machine has none of the addresses" in done.stderr and "was stopped" in done.stderr
    assert [item["because"] for item in scene.get("/v1/drills")["items"]] == ["stopped"]


def test_steps_are_events(scene):
    """Each with the time at which it happened; who follows one drill hears of no other one."""
    begun = scene.request("POST", "/v1/drills", {"mode": "shadow", "document": DOCUMENT}).json
    other = {**DOCUMENT, "shadow": {"prefixes": ["127.1.3.0/24"]}}
    assert scene.request("POST", "/v1/drills", {"mode": "shadow", "document": other}).status == 201
    with contextlib.closing(Events(scene, f"?kind=step,drill&target=drill:{begun['id']}&since={begun['started']}")) as stream:
        scene.wait(lambda: [item for item in stream.items if item["body"].get("turn") == "ended"], "it has ended")
        events = list(stream.items)
    assert {event["name"] for event in events} == {f"drill:{begun['id']}"}
    steps = [event["body"] for event in events if event["kind"] == "step"]
    assert {body["mode"] for body in steps} == {"shadow"} and {body["duration_ms"] for body in steps} == {6000}
    assert [body["step"] for body in steps if body["turn"] == "step"] == ["region:us-east lost", "region:us-east back"]
    lost, seen = steps[0], steps[1]
    assert lost["at_ms"] == 1000 and lost["percent"] == 16 and seen["turn"] == "seen" and 1000 <= seen["at_ms"] < 4000
    moved = [body for body in steps if body["turn"] == "moved"]
    report = scene.wait(lambda: scene.get(f"/v1/drills/{begun['id']}")["report"], "it has a report")
    assert moved[0]["answers_changed"] == 1 and moved[0]["at_ms"] == 1000 + report["phases"][0]["decision_ms"]
    assert moved[-1]["answers_changed"] == 2
