# SPDX-License-Identifier: BSD-3-Clause
"""Before each step of a switchover it is looked again: what would leave traffic on nothing holds it until that is over, or
somebody accepts it by name; and all the while answers lead to who serves."""
import threading
import time

import pytest

import kit
from test_last_health import wait_state
from test_switchover import act, ask, begin, scene, start, state_of, verify, wait_for  # noqa: F401  pylint: disable=unused-import


class Asker:
    """Asks for www all the time, and keeps when which address was answered."""

    def __init__(self, server):
        self.server, self.answers, self.failed, self.ended = server, [], [], threading.Event()
        self.thread = threading.Thread(target=self.run)
        self.thread.start()

    def run(self):
        while not self.ended.is_set():
            try:
                self.answers.append((time.monotonic(), *self.server.addresses("www.example.com")))
            except Exception as error:  # pylint: disable=broad-except
                self.failed.append(repr(error))
            self.ended.wait(0.002)

    def wait_more(self, count):
        before = len(self.answers)
        self.server.wait(lambda: len(self.answers) > before + count, "it goes on asking")

    def end(self):
        self.ended.set()
        self.thread.join()
        assert self.failed == [] and self.answers != []
        return self.answers


def shown(server, made):
    return server.get(f"/v1/switchovers/{made['id']}")


def wait_held(server, made):
    return server.wait(lambda: shown(server, made)["held"] and shown(server, made), "its steps are held")


def metric(server, name):
    text = server.request("GET", "/metrics").body.decode()
    return next(float(line.split()[-1]) for line in text.splitlines() if line.startswith(name + " "))


def lose(scene, server, name="web-eu-west-1a", web=1):
    scene.webs[web].kill()
    wait_state(server, "unhealthy", name)
    return time.monotonic()


def come_back(scene, web=1):
    """Its servers are up again."""
    scene.webs[web].start()


@pytest.fixture
def asked():
    """Who asks, for the test to begin, and ended with it."""
    askers = []

    def make(server):
        askers.append(Asker(server))
        return askers[-1]
    yield make
    for asker in askers:
        asker.ended.set()
        asker.thread.join()


def test_a_destination_that_dies_holds_steps(scene, asked):
    """Between two steps: no more traffic moves, no answer leads to nothing, and it goes on when the servers are back."""
    server = start(scene)
    made = begin(server, to="eu-west", steps=[5], each="5s", execute=True)
    assert made["state"] == "moving" and made["held"] is None and made["accepted"] == []
    lost = lose(scene, server)
    asker = asked(server)
    held = wait_held(server, made)
    assert held["state"] == "moving" and held["share"] == 5 and held["allowed"] == ["rollback", "resume", "redirect"]
    assert held["held"]["by"] == "served" and "nobody serves 1 name any more" in held["held"]["why"]
    assert held["notes"][-1]["what"] == "held" and held["notes"][-1]["found"].startswith("served: ")
    server.wait_log("switchover held", made["id"], "by=served")
    server.wait_log("kind=switchover", made["id"], "held_by=served")
    assert metric(server, "steerd_switchovers_held") == 1
    assert "held" in server.ctl("switchover", "show", made["id"]).stdout
    asker.wait_more(500)  # many looks and 5 % of the draws later
    assert shown(server, made)["changes"] == held["changes"], "held once, and not again and again"
    for at, *addresses in asker.answers:
        assert at < lost or addresses == scene.us, "to nobody who is dead"
    server.kill()
    server = scene.start()
    wait_state(server, "unhealthy", "web-eu-west-1a")
    assert shown(server, made)["held"]["by"] == "served" and shown(server, made)["share"] == 5
    come_back(scene)
    wait_for(server, made, "moved")
    server.wait_answers("www.example.com", scene.eu)
    moved = shown(server, made)
    assert moved["held"] is None and [note["what"] for note in moved["notes"]] == ["execute", "held", "released", "moved"]
    assert metric(server, "steerd_switchovers_held") == 0


def test_what_is_held_is_rolled_back_or_accepted(scene):
    server = start(scene)
    made = begin(server, steps=[5, 50], each="4s", execute=True)
    lose(scene, server)
    held = wait_held(server, made)
    early = act(server, made, "resume", 409, reason="go on")
    assert early["type"].endswith(":objections") and "served" in [error["field"] for error in early["errors"]]
    assert shown(server, made)["held"] == held["held"], "nothing was done"
    idle = act(server, made, "resume", 422, accept=["served", "capacity"], reason="x")
    assert idle["errors"][0]["message"] == '"capacity" is nothing that objects'
    names = [error["field"] for error in early["errors"] if error["field"] in ("served", "destination", "health")]
    resumed = act(server, made, "resume", accept=names, reason="they are told")
    assert resumed["held"] is None and resumed["accepted"] == names and resumed["notes"][-1]["what"] == "resume"
    wait_for(server, made, "moved")  # all of its steps
    act(server, made, "rollback")
    assert server.addresses("www.example.com") == scene.us
    again = begin(server, steps=[5], each="1s", execute=True, accept=["served"] + (["health"] if "health" in names else []), reason="x")
    wait_for(server, again, "moved")  # what was accepted when it was executed holds no step
    act(server, again, "rollback")
    come_back(scene)
    wait_state(server, "healthy", "web-eu-west-1a")
    made = begin(server, steps=[5], each="4s", execute=True)
    assert "does not lead on" in act(server, made, "resume", 409)["detail"]
    lose(scene, server)
    wait_held(server, made)
    rolled = act(server, made, "rollback")
    assert rolled["state"] == "rolled_back" and rolled["held"] is None
    assert server.get("/v1/overrides")["items"] == []


def test_what_is_held_goes_on_at_once_as_an_emergency(scene):
    server = start(scene)
    made = begin(server, steps=[5, 50], each="4s", execute=True)
    lose(scene, server)
    wait_held(server, made)
    now = act(server, made, "resume", emergency=True, reason="all of it, it burns")
    assert now["state"] == "moved" and now["emergency"] and now["held"] is None and now["share"] == 100


def test_a_destination_that_dies_while_ttls_are_low_holds_it(scene, asked):
    """It has not begun to move, and does not; nor does its drain begin by itself when the time has come, or after a crash."""
    scene.policies["example.com"]["names"]["www"].update({"ttl": 3, "ttl_failing": 1})
    server = start(scene)
    made = begin(server, lower_ttl=True, to="eu-west", execute=True)
    assert made["state"] == "lowering"
    lose(scene, server)
    asker = asked(server)
    held = wait_held(server, made)
    assert held["state"] == "lowering" and held["share"] == 0 and held["allowed"] == ["rollback", "resume", "redirect"]
    [override] = server.get("/v1/overrides")["items"]
    assert override["planned"] and override["starts"] > held["next_step"]
    asker.wait_more(200)
    assert {tuple(addresses) for _, *addresses in asker.end()} == {tuple(scene.us)}
    assert server.ask("www.example.com", "A").answer[0].ttl == 1, "the TTL stays low"
    server.kill()
    server = scene.start()
    assert shown(server, made)["state"] == "lowering" and server.addresses("www.example.com") == scene.us
    come_back(scene)
    wait_for(server, made, "moved")
    server.wait_answers("www.example.com", scene.eu)
    act(server, made, "rollback")
    assert server.get("/v1/overrides")["items"] == []


def test_ttls_stay_low_from_step_to_step(scene):
    """They went down before it moves; the next step, or the way back, would wait for whoever got a long one in between."""
    scene.policies["example.com"]["names"]["www"].update({"ttl": 3, "ttl_failing": 1})
    server = start(scene)
    made = begin(server, lower_ttl=True, steps=[20, 60], each="4s", to="eu-west", execute=True)
    ttls = {}

    def look(until):
        before = shown(server, made)
        ttl = server.ask("www.example.com", "A").answer[0].ttl
        now = shown(server, made)
        if (before["state"], before["share"]) == (now["state"], now["share"]):
            ttls.setdefault((now["state"], now["share"]), set()).add(ttl)
        return before["state"] == until

    server.wait(lambda: shown(server, made)["share"] == 20 or look(None), "it begins to move")
    explained = server.get("/v1/explain?name=www.example.com")
    assert explained["ttl_reason"] == "planned"
    assert ("the TTL is at most 1 s (ttl_failing): drain of 20 % of region us-east by ann is not whole yet: "
            f"switchover {made['id']}: power work") in explained["steps"]
    server.wait(lambda: look("moved"), "it has moved")
    verify(server, made)
    assert look("verified")
    assert ttls == {("lowering", 0): {1}, ("moving", 20): {1}, ("moving", 60): {1}, ("moved", 100): {1}, ("verified", 100): {1}}
    act(server, made, "rollback")
    assert server.ask("www.example.com", "A").answer[0].ttl == 3


def test_an_emergency_out_of_low_ttls_leads_back_to_what_was_before(scene):
    scene.policies["example.com"]["names"]["www"].update({"ttl": 60, "ttl_failing": 1})
    server = start(scene)
    made = begin(server, lower_ttl=True, execute=True)
    assert act(server, made, "execute", emergency=True, reason="it burns")["state"] == "moved"
    act(server, made, "rollback")
    assert server.get("/v1/overrides")["items"] == [], "not to the drain that it had planned itself"


def test_the_way_back_is_held_as_well(scene):
    """The source is dead again when it is to take it back: what has moved stays there."""
    server = start(scene)
    made = begin(server, steps=[50], each="7s", execute=True)
    wait_for(server, made, "moved")
    server.wait(lambda: server.request("POST", f"/v1/switchovers/{made['id']}:verify", {}).status == 200, "verified")
    act(server, made, "commit")
    act(server, made, "reprotect", accept=["replication"], confirm="us-east", reason="there are no data")
    assert act(server, made, "failback")["state"] == "returning"
    lose(scene, server, "web-us-east-1a", 0)
    held = wait_held(server, made)
    assert held["state"] == "returning" and held["share"] == 50 and held["held"]["by"] in ("served", "health")
    assert set(server.sample("www.example.com", 60)) == set(scene.eu)
    come_back(scene, 0)
    wait_for(server, made, "returned")
    server.wait_answers("www.example.com", scene.us)


def test_a_rule_that_begins_to_object_holds_steps(scene):
    """One that was accepted does not; nor does the wait between moves, of which its own steps are some."""
    scene.topology["rules"] = {"two": {"type": "serving", "kind": "region", "at_least": 2},
                               "slowly": {"type": "wait", "for": "1h"}}
    server = start(scene)
    refused = ask(server, body={"source": "region:us-east", "reason": "x", "execute": True}, status=409)
    names = [error["field"] for error in refused["errors"]]
    assert "rule:two" in names
    made = begin(server, steps=[5, 50], each="1s", execute=True, accept=names)
    wait_for(server, made, "moved")
    assert shown(server, made)["accepted"] == names
    act(server, made, "rollback")
    del scene.topology["rules"]["two"]
    scene.put("topology.json", scene.topology)
    assert server.reload().status == 200
    refused = server.request("POST", "/v1/switchovers", {"source": "region:us-east", "reason": "x", "steps": [5], "each": "5s", "execute": True})
    accept = {} if refused.status == 201 else {"accept": [error["field"] for error in refused.json["errors"]]}
    made = refused.json if refused.status == 201 else begin(server, steps=[5], each="5s", execute=True, **accept)
    scene.topology["rules"]["two"] = {"type": "serving", "kind": "region", "at_least": 2}
    scene.put("topology.json", scene.topology)
    assert server.reload().status == 200
    held = wait_held(server, made)
    assert held["held"]["by"] == "rule:two" and held["share"] == 5
    resumed = act(server, made, "resume", accept=["rule:two"], reason="agreed")
    assert "rule:two" in resumed["accepted"]
    wait_for(server, made, "moved")


def test_who_overrides_it_is_shown(scene):
    server = start(scene)
    made = begin(server, steps=[10], each="1s", execute=True)
    server.override("region", "us-east", "up", "no, wait")
    held = wait_held(server, made)
    assert held["held"]["by"] == "override" and "us-east" in held["held"]["why"]
    refused = act(server, made, "resume", 409, reason="go on")
    assert "somebody has overridden us-east since" in refused["detail"]
    assert server.addresses("www.example.com") == scene.us
    assert state_of(server, made) == "moving"


def test_a_long_reason_is_no_meddling(scene):
    """Of which an override keeps as much as it has room for, in whole characters: the same after a restart."""
    server = start(scene)
    made = begin(server, steps=[10], each="3s", execute=True, reason="机" * 60)
    server.kill()
    server = scene.start()
    wait_for(server, made, "moved")
    assert [note["what"] for note in shown(server, made)["notes"]] == ["execute", "moved"]


def test_an_override_from_before_that_ends_is_no_meddling(scene):
    """While TTLs go down what was desired before goes on, until its own end."""
    scene.policies["example.com"]["names"]["www"].update({"ttl": 5, "ttl_failing": 1})
    server = start(scene)
    server.override("region", "us-east", "drain", share=20, expires_in="3s")
    made = begin(server, lower_ttl=True, to="eu-west", execute=True)
    assert made["state"] == "lowering"
    wait_for(server, made, "moved")
    assert "override" not in [(note["found"] or "").partition(":")[0] for note in shown(server, made)["notes"]]
    act(server, made, "rollback")
    assert server.get("/v1/overrides")["items"] == [], "it has ended"
