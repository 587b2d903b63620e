# SPDX-License-Identifier: BSD-3-Clause
"""Requests that fail, as others report them: what is shown of them, what a switchover makes of them, and the end of live drills."""
import json
import time

import pytest

import gatekit
import kit
import test_live
from test_live_documents import document
from test_shadow import look, scene as drilled, wait_end  # noqa: F401  pylint: disable=unused-import
from test_switchover import act, ask, begin, finding, scene, start, verify, wait_for  # noqa: F401  pylint: disable=unused-import
from test_switchover_steps import wait_held

EU = {"region": "eu-west"}


def report(server, status=200, **body):
    reply = server.request("POST", "/v1/report", body)
    assert reply.status == status, reply
    return reply.json


def metrics(server):
    return server.request("GET", "/metrics").body.decode()


def rows(server):
    return {(row["kind"], row["name"]): row for row in server.get("/v1/errors")["items"]}


def test_reports(scene):
    scene.topology["objectives"] = {"errors": "2%"}
    server = start(scene)
    assert rows(server) == {}
    assert report(server, **EU, errors=12, requests=1000, actor="lb-1", seq=7) == {
        "kind": "region", "name": "eu-west", "share": 0.012, "actor": "lb-1", "taken": True, "ignored": None}
    row = rows(server)["region", "eu-west"]
    assert (row["share"], row["errors"], row["requests"], row["sources"], row["actor"]) == (0.012, 12, 1000, 1, "lb-1")
    assert row["most"] == 0.02 and row["over"] is False and row["max_age_ms"] == 60000 and row["age_ms"] < 60000
    assert report(server, **EU, errors=99, requests=100, actor="lb-1", seq=7)["ignored"] == "replayed"
    long_ago = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() - 700))
    assert report(server, **EU, share=0.5, actor="lb-1", time=long_ago)["ignored"] == "late"
    assert rows(server)["region", "eu-west"]["share"] == 0.012
    report(server, **EU, errors=52, requests=1000, actor="lb-1", seq=8), report(server, **EU, errors=0, requests=300, actor="lb-2")
    row = rows(server)["region", "eu-west"]
    assert (row["errors"], row["requests"], row["sources"], row["share"], row["over"]) == (52, 1300, 2, 0.04, True)
    report(server, az="eu-west-1a", share=0), report(server, endpoint="web-eu-west-1a", share=0.25, ttl="1s")
    assert list(rows(server)) == [("region", "eu-west"), ("az", "eu-west-1a"), ("endpoint", "web-eu-west-1a")]
    assert 'steerd_errors_share{kind="region",name="eu-west"} 0.04\n' in metrics(server)
    server.wait(lambda: rows(server)["endpoint", "web-eu-west-1a"]["share"] is None, "the last report is too old")
    row = rows(server)["endpoint", "web-eu-west-1a"]
    assert row["last_share"] == 0.25 and row["over"] is None
    text = metrics(server)
    assert 'steerd_errors_age_seconds{kind="endpoint"' in text and 'steerd_errors_share{kind="endpoint"' not in text
    server.reload()
    assert rows(server)["region", "eu-west"]["share"] == 0.04

    text = server.ctl("errors").stdout.split("\n")
    assert text[0].split() == ["KIND", "NAME", "ERRORS", "REQUESTS", "MOST", "AGE", "SOURCE"]
    assert "4 %" in text[1] and "52 of 1300" in text[1] and "2 %" in text[1] and " and 1 more" in text[1]
    assert "unknown, was 25 %" in text[3]
    assert len(json.loads(server.ctl("errors", "--json").stdout)["items"]) == 3
    first = server.get("/v1/errors?limit=1")
    assert first["next_cursor"] == "region:eu-west"
    assert [row["kind"] for row in server.get("/v1/errors?cursor=region:eu-west")["items"]] == ["az", "endpoint"]
    assert server.request("GET", "/v1/errors?cursor=x").status == 422
    assert server.get("/v1/objectives")["items"][0]["errors"] == 0.02
    assert server.ctl("objectives").stdout.split("\n")[0].split()[:5] == ["OF", "RTO", "RPO", "CAPACITY", "ERRORS"]


def token(server, name, pki, at):
    reply = server.request("POST", "/v1/tokens", {"name": name, "role": "operator", "regions": ["eu-west"]})
    return gatekit.Remote(at, pki, token=reply.json["secret"])


def test_nobody_reports_for_another_or_shuts_him_out(scene):
    """By his name, or by many."""
    pki = gatekit.make_pki(scene)
    at = gatekit.listen(scene, pki)
    server = start(scene)
    mallory = token(server, "mallory", pki, at)
    body = {"az": "eu-west-1a", "share": 0.5, "actor": "lb-1", "seq": 2**53, "ttl": "24h"}
    assert mallory.request("POST", "/v1/report", body).json["taken"]
    assert report(server, az="eu-west-1a", share=0.1, actor="lb-1", seq=1)["taken"]
    assert report(server, az="eu-west-1a", share=0.1, actor="lb-1", seq=1)["ignored"] == "replayed"
    assert rows(server)["az", "eu-west-1a"]["sources"] == 2
    body = {"endpoint": "web-eu-west-1a", "share": 0.5, "ttl": "24h"}
    for i in range(64):
        assert mallory.request("POST", "/v1/report", {**body, "actor": f"a{i}"}).status == 200
    full = mallory.request("POST", "/v1/report", {**body, "actor": "one more"})
    assert full.status == 503 and full.json["type"].endswith(":busy"), full
    assert "64 of a place, 1024 of one peer, 4096 in all" in full.json["detail"], full
    assert mallory.request("POST", "/v1/report", {**body, "actor": "a3"}).status == 200  # who is known stays so
    trent = token(server, "trent", pki, at)
    for i in range(32):  # others of the very same place get in, in the place of the oldest names of who has most
        assert trent.request("POST", "/v1/report", {**body, "actor": f"b{i}"}).status == 200, i
    assert trent.request("POST", "/v1/report", {**body, "actor": "b32"}).status == 503
    assert report(server, endpoint="web-eu-west-1a", share=0.1)["taken"]
    assert rows(server)["endpoint", "web-eu-west-1a"]["sources"] == 64
    assert report(server, **EU, share=0.1)["taken"] and report(server, endpoint="web-us-east-1a", share=0.1)["taken"]


@pytest.mark.parametrize("body, status, field", [
    ({"region": "nowhere", "share": 0.1}, 404, None), ({"az": "eu-west", "share": 0.1}, 404, None),
    ({"region": "eu-west", "az": "eu-west-1a", "share": 0.1}, 422, "az"), ({"share": 0.1}, 422, "region"),
    ({**EU, "errors": 3}, 422, "requests"), ({**EU, "requests": 3}, 422, "errors"), ({**EU}, 422, "errors"),
    ({**EU, "errors": 3, "requests": 2}, 422, "errors"), ({**EU, "errors": -1, "requests": 2}, 422, "errors"),
    ({**EU, "share": 1.1}, 422, "share"), ({**EU, "share": "2%"}, 422, "share"), ({**EU, "share": 0.1, "errors": 1}, 422, "share"),
    ({**EU, "share": 0.1, "ttl": "1h30"}, 422, "ttl"), ({**EU, "share": 0.1, "state": "up"}, 422, "state"), ({"region": 3, "share": 1}, 422, "region"),
])
def test_what_is_no_report(scene, body, status, field):
    server = start(scene)
    problem = report(server, status, **body)
    assert field is None or field in [error["field"] for error in problem["errors"]]
    assert rows(server) == {}


@pytest.mark.parametrize("value", [0, 1.5, "2", "101%", True])
def test_what_is_no_objective(scene, value):
    scene.topology["objectives"] = {"errors": value}
    scene.write()
    done = kit.run_steerd("-c", str(scene.config), "--check")
    assert done.returncode == 1 and "a share above 0 and at most 1" in done.stderr, done.stderr


def moved(server, **body):
    made = begin(server, to="eu-west", each="1s", **body)
    act(server, made, "execute", accept=["errors"], reason="it has to be")
    wait_for(server, made, "moved")
    return made


def test_a_switchover_is_not_verified(scene):
    scene.topology["objectives"] = {"errors": "2%"}
    server = start(scene)
    plan = ask(server, "?dry_run=true", {"source": "region:us-east", "reason": "a look", "to": "eu-west"})
    assert "errors" not in [found["name"] for found in plan["look"]["findings"]]
    report(server, region="us-east", share=0.9), report(server, **EU, errors=51, requests=1000)
    plan = ask(server, "?dry_run=true", {"source": "region:us-east", "reason": "a look", "to": "eu-west"})
    assert finding(plan["look"], "errors") == {"name": "errors", "good": False, "text":
        "5.1 % of the requests of region:eu-west (51 of 1000) fail; the objective is 2 % at most"}
    assert "5.1 % of the requests of region:eu-west" in server.ctl(
        "switchover", "plan", "region:us-east", "--to", "eu-west", "--reason", "a look", "--dry-run", code=None).stdout
    made = moved(server)
    server.wait(lambda: [found["field"] for found in act(server, made, "verify", 409)["errors"]] == ["errors"], "nothing else objects")
    report(server, **EU, errors=11, requests=1000)
    verified = verify(server, made)
    assert finding(verified["look"], "errors")["text"] == "1.1 % of the requests of region:eu-west (11 of 1000) fail; the objective is 2 % at most"
    act(server, made, "rollback", reason="back")


def test_it_is_accepted_by_name_and_a_feed_that_ends_objects(scene):
    scene.topology["objectives"] = {"errors": 0.02}
    server = start(scene)
    report(server, endpoint="web-eu-west-1a", share=0.01, ttl="1s")
    server.wait(lambda: rows(server)["endpoint", "web-eu-west-1a"]["share"] is None, "the feed has ended")
    made = moved(server)

    def objects():
        errors = act(server, made, "verify", 409)["errors"]
        return [error["field"] for error in errors] == ["errors"] and "endpoint:web-eu-west-1a last reported" in errors[0]["message"]
    server.wait(objects, "nothing else objects")
    assert act(server, made, "verify", accept=["errors"], reason="its feed is being mended")["state"] == "verified"


def test_errors_hold_the_next_step(scene):
    """Those of what takes the traffic, and as long as there are too many."""
    scene.topology["objectives"] = {"errors": "2%"}
    server = start(scene)
    report(server, **EU, share=0.01, ttl="1h"), report(server, region="us-east", share=0.9, ttl="1h")
    made = begin(server, to="eu-west", steps=[5], each="5s", execute=True)
    report(server, **EU, share=0.03, ttl="1h")
    held = wait_held(server, made)
    assert held["share"] == 5 and held["held"]["by"] == "errors", held
    assert held["held"]["why"] == "3 % of the requests of region:eu-west fail; the objective is 2 % at most"
    report(server, **EU, share=0.01, ttl="1h")
    wait_for(server, made, "moved")
    assert [note["what"] for note in server.get(f"/v1/switchovers/{made['id']}")["notes"]] == ["execute", "held", "released", "moved"]


def test_errors_that_are_accepted_hold_no_step(scene):
    scene.topology["objectives"] = {"errors": "2%"}
    server = start(scene)
    made = begin(server, to="eu-west", steps=[5], each="5s", execute=True)
    report(server, **EU, share=0.03, ttl="1h")
    assert wait_held(server, made)["held"]["by"] == "errors"
    assert [error["field"] for error in act(server, made, "resume", 409)["errors"]] == ["errors"]
    act(server, made, "resume", accept=["errors"], reason="they are of one client")
    wait_for(server, made, "moved")
    assert server.get(f"/v1/switchovers/{made['id']}")["accepted"] == ["errors"]


def test_without_an_objective_it_is_told_only(scene):
    server = start(scene)
    report(server, **EU, share=0.5)
    plan = ask(server, "?dry_run=true", {"source": "region:us-east", "reason": "a look"})
    assert finding(plan["look"], "errors") == {"name": "errors", "good": True, "text":
        "50 % of the requests of region:eu-west fail; no objective says how many are too many"}


def test_errors_end_a_live_drill(drilled):
    """Those of what is lost are no matter."""
    server = drilled.running[0]
    report(server, **EU, share=0.01, ttl="1h"), report(server, region="us-east", share=0, ttl="1h")
    drill = test_live.begin(server, duration="1h", abort_errors="2%")
    assert drill["live"]["abort_errors"] == 0.02
    test_live.wait_moved(drilled, server)
    report(server, region="us-east", share=1)
    report(server, **EU, share=0.02, ttl="1h")
    assert look(server, drill)["state"] == "running"
    report(server, **EU, share=0.03, ttl="1h")
    ended = wait_end(server, drill)
    assert ended["because"] == "errors" and ended["live"]["why"] == "3 % of the requests of region:eu-west fail, 2 % may"
    assert test_live.is_back(drilled, server)


def test_a_feed_that_ends_ends_a_live_drill(drilled):
    server = drilled.running[0]
    report(server, **EU, share=0.01, ttl="5s")
    wanted = document({"at": "0s", "what": "region:us-east", "how": "refused"}, duration="1h", live={"abort": {"errors": 0.02}})
    body = {"mode": "live", "document": wanted, "reason": "game day", "confirm": "us-east"}
    reply = server.request("POST", "/v1/drills", body)
    assert reply.status == 201 and reply.json["live"]["abort_errors"] == 0.02, reply
    ended = wait_end(server, reply.json)
    assert ended["because"] == "errors" and ended["live"]["why"] == "nobody reports the failed requests of region:eu-west any more"
    # who is silent when it begins is not missed
    assert [error["field"] for error in test_live.begin(server, 409, duration="2s", abort_errors=0.02)["errors"]] == ["errors"]
    drill = test_live.begin(server, duration="2s", abort_errors=0.02, accept=["errors"])
    assert wait_end(server, drill)["because"] == "time"
    for wrong in 0, "2", "0%", 1.5:
        assert [error["field"] for error in test_live.begin(server, 422, abort_errors=wrong)["errors"]] == ["abort_errors"]


def test_the_objective_is_the_usual_limit_of_a_live_drill(drilled):
    server = drilled.running[0]
    assert test_live.begin(server, 200, dry_run=True)["dry_run"]
    drilled.topology["objectives"] = {"errors": "5%"}
    drilled.write(), server.reload()
    report(server, **EU, share=0.04, ttl="1h")
    drill = test_live.begin(server, duration="1h")
    assert drill["live"]["abort_errors"] == 0.05
    report(server, **EU, share=0.06, ttl="1h")
    assert wait_end(server, drill)["because"] == "errors"
