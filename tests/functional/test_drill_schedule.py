# SPDX-License-Identifier: BSD-3-Clause
"""Drills that the server does regularly: at their times, once, and told when they were missed."""
import json

import pytest

import kit
import receivers
from takeovers import reaper, take_over  # noqa: F401  pylint: disable=unused-import
from test_clock import Clock, DAY_S

DOCUMENT = {"name": "us-east for a while", "mode": "simulate", "duration": "2m", "clients": {"count": 100},
            "events": [{"at": "0s", "what": "region:us-east", "how": "lost"}], "objectives": {"rto": "1h"}}
SHADOW = {"mode": "shadow", "duration": "1s", "shadow": {"prefixes": ["127.1.2.0/24"]},
          "events": [{"at": "0s", "what": "region:us-east", "how": "lost"}]}
YEARLY = "0 0 1 1 *"


@pytest.fixture
def scene(site):
    at = kit.make_regions(site, azs=("us-east-1a", "eu-west-1a"), interval="100ms", timeout="100ms", fall=2)
    site.us, site.eu = ([at[az]] for az in ("us-east-1a", "eu-west-1a"))
    site.zone("example.com", "")
    site.policy("example.com", {"www": {"ttl": 60, "endpoints": ["web-*"], "tiers": [["us-east"], ["eu-west"]]}})
    site.web(*site.us), site.web(*site.eu)
    site.plan = lambda *items: site.server.update(drills={"schedule": [{"name": "d", "cron": YEARLY, "document": DOCUMENT, **item} for item in items]})
    site.begin = lambda: settle(site.start())
    return site


def settle(server):
    for name in "web-us-east-1a", "web-eu-west-1a":
        server.wait_state("endpoint", name, effective="healthy")
    return server


def look(server, name="d"):
    return server.get(f"/v1/drills/schedule/{name}")


def run(server, name="d", status=200):
    reply = server.request("POST", f"/v1/drills/schedule/{name}:run")
    assert reply.status == status, reply
    return reply.json


def wait(server, patience_s=60, **expected):
    return server.wait(lambda: (found := look(server))["running"] is False and all(found[key] == value for key, value in expected.items()) and found,
                       f"the drill is {expected}", patience_s)


def metric(server, name, more=""):
    line = next(line for line in server.request("GET", "/metrics").body.decode().splitlines() if line.startswith(f'{name}{{schedule="d"{more}}}'))
    return float(line.split()[-1])


@pytest.mark.parametrize("document, outcome", [(DOCUMENT, "met"), ({**DOCUMENT, "objectives": {"rto": "1s"}}, "missed"), (SHADOW, "met"),
                                               ({**DOCUMENT, "events": [{"at": "0s", "what": "region:x", "how": "lost"}]}, "not_run"),
                                               ({**SHADOW, "shadow": {"tsig_key": "nobody."}}, "not_run"), ({**SHADOW, "shadow": {}}, "not_run")])
def test_one_is_run_now(scene, document, outcome):
    scene.plan({"document": document})
    server = scene.begin()
    before = look(server)
    assert before["outcome"] is None and before["next"].endswith("-01-01T00:00:00.000Z") and before["last_run"] is None
    run(server)
    found = wait(server, outcome=outcome)
    kept = server.get(f"/v1/drills/reports/{found['report']}")
    assert kept["outcome"] == outcome and kept["schedule"] == "d" and kept["why"] == found["why"] and found["next"] == before["next"]
    assert (found["met"], found["not_met"], found["not_run"]) == tuple(int(outcome == one) for one in ("met", "missed", "not_run"))
    assert (found["last_success"] is not None) == (outcome == "met")
    server.wait_log("drill", "turn=met" if outcome == "met" else "turn=failed", "schedule=d", f"report={found['report']}")
    assert metric(server, "steerd_drill_last_run_timestamp_seconds") > 1e9
    assert (metric(server, "steerd_drill_last_success_timestamp_seconds") > 1e9) == (outcome == "met")
    assert metric(server, "steerd_drill_runs_total", f',result="{outcome}"') == 1


def test_one_that_somebody_stops_was_not_run(scene):
    scene.plan({"document": {**SHADOW, "duration": "5m"}})
    server = scene.begin()
    run(server)
    drill = server.wait(lambda: next(iter(server.get("/v1/drills")["items"]), None), "it has begun")
    server.wait(lambda: server.get(f"/v1/drills/{drill['id']}")["measured"]["answers_changed"], "an answer has changed")
    server.request("DELETE", f"/v1/drills/{drill['id']}?actor=bob")
    wait(server, outcome="not_run", why="interrupted: stopped by bob")
    assert metric(server, "steerd_drill_runs_total", ',result="not_run"') == 1 and metric(server, "steerd_drill_runs_total", ',result="met"') == 0


def test_at_its_time_once(scene):
    """The clock is set to shortly before the year ends, and a day back after it."""
    scene.plan({"cron": "0 0 * * *", "deadline": "24h"})
    clock = Clock(scene)
    server = scene.begin()
    server.wait(lambda: server.get("/v1/journal?kind=drill-schedule")["items"], "it is known since when it counts")
    clock.set(server, DAY_S)
    first = wait(server, outcome="met")
    assert first["met"] == 1 and first["missed"] == 0
    clock.set(server, -DAY_S)
    clock.set(server, DAY_S)
    again = look(server)
    assert (again["met"], again["report"], again["missed"]) == (1, first["report"], 0)
    clock.set(server, 3 * DAY_S)  # two are missed, and the last one is run
    last = wait(server, met=2)
    assert last["missed"] == 2 and metric(server, "steerd_drill_missed_total") == 2
    server.wait_log("drill", "turn=missed", "schedule=d", "count=2")


def test_what_was_due_while_nothing_ran_is_missed(scene):
    scene.plan({"cron": "0 0 * * *", "deadline": "1s"})
    clock = Clock(scene)
    server = scene.begin()
    server.wait(lambda: server.get("/v1/journal?kind=drill-schedule")["items"], "it is known since when it counts")
    server.kill()
    clock.set_unseen(2 * DAY_S)
    server = scene.start()
    found = wait(server, was_missed=True)
    assert found["missed"] in (1, 2) and found["why"] == "steerd did not run" and found["outcome"] is None
    server.wait_log("drill", "turn=missed", "schedule=d")


def test_a_real_incident_goes_first(scene):
    scene.plan({})
    server = scene.begin()
    scene.webs[0].kill()
    server.wait(lambda: server.get("/v1/incidents")["items"], "an incident is open")
    assert "an incident is open" in run(server, status=409)["detail"]
    assert "an incident is open" in server.ctl("drill", "run", "d", code=None).stderr


@pytest.mark.parametrize("how", ["kill", "takeover", "reload", "late"])
def test_what_is_known_outlives(scene, how):
    scene.plan({})
    server = scene.begin()
    run(server)
    before = wait(server, outcome="met")
    if how == "takeover":
        take_over(server)
    elif how == "reload":
        assert server.reload().status == 200
    else:
        server.wait(lambda: any((entry["after"] or {}).get("outcome") == "met" for entry in server.get("/v1/journal?kind=drill-schedule")["items"]),
                    "it is written down")
        server.kill()
        put_back = scene.hide_store() if how == "late" else lambda: None
        server = scene.start()
        if how == "late":
            server.wait(lambda: look(server)["waits_for"] == "the store cannot be read", "it waits")
            assert "the store cannot be read" in run(server, status=409)["detail"]
            put_back()
    assert wait(server, outcome="met") == before


@pytest.mark.parametrize("late", [False, True])
def test_one_that_was_interrupted(scene, late):
    scene.plan({"document": {**SHADOW, "duration": "5m"}})
    server = scene.begin()
    assert run(server)["running"] and "the one before is running" in run(server, status=409)["detail"]
    server.wait(lambda: any("running" in entry["after"] for entry in server.get("/v1/journal?kind=drill-schedule")["items"]), "it is written down")
    server.kill()
    put_back = scene.hide_store() if late else lambda: None
    server = scene.start()
    put_back()
    assert wait(server, outcome="not_run")["why"] == "interrupted: restart"


def test_steerctl_and_webhooks(scene, tmp_path):
    receiver = receivers.Receiver()
    try:
        scene.server["webhooks"] = [{"name": "hook", "url": receiver.url, "kinds": ["drill"]}]
        (scene.folder / "drill.json").write_text(json.dumps(DOCUMENT))
        scene.plan({"document": "drill.json", "time_zone": "Europe/Berlin"}, {"name": "off", "enabled": False})
        server = scene.begin()
        assert "d has begun" in server.ctl("drill", "run", "d").stdout
        found = wait(server, outcome="met")
        table = server.ctl("drill", "schedule").stdout
        assert found["report"] in table and "Europe/Berlin" in table and "off" in table and "met" in table
        assert [item["name"] for item in server.ctl_json("drill", "schedule")["items"]] == ["d", "off"]
        assert "no regular drill" in server.ctl("drill", "run", "x", code=None).stderr
        receiver.wait(kind="drill", name="schedule:d")
    finally:
        receiver.close()


@pytest.mark.parametrize("item, words", [
    ({"cron": "61 * * * *"}, "crontab"), ({"time_zone": "Nowhere/Else"}, "no time zone"), ({"document": "none.json"}, "cannot be read"),
    ({"document": 7}, "a file name or an object"), ({"name": "a b"}, "a name of"), ({"deadline": "0s"}, "deadline"),
    ({"document": {**SHADOW, "mode": "live"}}, "found a live drill"), ({"blackout": []}, "windows"), ({"odd": 1}, "odd")])
def test_what_cannot_be_meant(scene, item, words):
    scene.plan(item)
    scene.write()
    checked = kit.run_steerd("-c", scene.config, "--check")
    assert checked.returncode == 1 and words in checked.stderr, checked
