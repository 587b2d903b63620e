# SPDX-License-Identifier: BSD-3-Clause
"""Switchovers: planned, carried out in steps, verified, committed, rolled back, and back again; with real servers behind the
names, through restarts and takeovers, and by steerctl."""
import re
import threading
import time
import urllib.request

import pytest

import kit
from takeovers import reaper, take_over  # noqa: F401  pylint: disable=unused-import
from test_last_health import wait_state
from test_ramp import share


@pytest.fixture
def scene(site):
    """www in us-east, else eu-west: each a region of one endpoint. TTL 1, so that resolvers have moved after a second."""
    at = kit.make_regions(site, azs=("us-east-1a", "eu-west-1a"))
    site.us, site.eu = ([at[az]] for az in ("us-east-1a", "eu-west-1a"))
    site.zone("example.com", "")
    site.policy("example.com", {"www": {"ttl": 1, "endpoints": ["web-*"], "tiers": [["us-east"], ["eu-west"]]}})
    site.server["start_wait"] = "0s"
    site.web(*site.us), site.web(*site.eu)
    return site


def start(site):
    server = site.start()
    wait_state(server, "healthy"), wait_state(server, "healthy", "web-eu-west-1a")
    return server


def ask(server, path="", body=None, status=None):
    reply = server.request("POST", f"/v1/switchovers{path}", {"actor": "ann", **(body or {})})
    assert reply.status == (status or (200 if path.startswith("/") or "dry_run" in path else 201)), reply
    return reply.json


def begin(server, **body):
    return ask(server, body={"source": ["region:us-east"], "reason": "power work", **body})


def act(server, switchover, verb, status=200, **body):
    return ask(server, f"/{switchover['id']}:{verb}", body, status)


def state_of(server, switchover):
    return server.get(f"/v1/switchovers/{switchover['id']}")["state"]


def shown_allowed(server, switchover, state):
    """What it says itself that leads on, in this state."""
    found = server.get(f"/v1/switchovers/{switchover['id']}")
    assert found["state"] == state
    return found["allowed"]


def wait_for(server, switchover, state):
    server.wait(lambda: state_of(server, switchover) == state, f"the switchover is {state}")


def verify(server, switchover):
    """Once resolvers could not have old answers any more."""
    def good():
        reply = server.request("POST", f"/v1/switchovers/{switchover['id']}:verify", {})
        return reply.json if reply.status == 200 else None
    return server.wait(good, "it is verified")


def finding(look, name):
    return next(finding for finding in look["findings"] if finding["name"] == name)


def test_there_and_back(scene):
    server = start(scene)
    assert server.addresses("www.example.com") == scene.us
    plan = ask(server, "?dry_run=true", {"source": "region:us-east", "reason": "a look", "to": "eu-west"})
    assert plan["dry_run"] and plan["look"]["good"], plan["look"]["findings"]
    assert plan["look"]["names"] == 1 and plan["look"]["ttl_s"] == 1
    assert finding(plan["look"], "destination")["text"] == "100.0 % of all answers move to eu-west"
    assert server.get("/v1/switchovers")["items"] == []
    assert finding(plan["look"], "traffic")["text"].startswith("100.0 % of the answers of the last 5 minutes led there, ")

    made = begin(server, to="eu-west", steps=[40], each="1s")
    assert made["state"] == "planned" and made["share"] == 0 and made["allowed"] == ["execute", "cancel"] and made["durable"]
    assert server.addresses("www.example.com") == scene.us
    moving = act(server, made, "execute")
    assert moving["state"] == "moving" and moving["share"] == 40
    assert server.get("/v1/regions/us-east")["override"]["share"] == 40
    wait_for(server, made, "moved")
    assert server.addresses("www.example.com") == scene.eu
    override = server.get("/v1/regions/us-east")["override"]
    assert override["state"] == "drain" and override["share"] is None
    assert override["reason"] == f"switchover {made['id']}: power work" and override["actor"] == "ann"

    too_early = act(server, made, "commit", 409)
    assert too_early["type"].endswith(":conflict") and "what does: verify, rollback" in too_early["detail"]
    assert too_early["allowed"] == ["verify", "rollback", "redirect"]
    verified = verify(server, made)
    assert verified["state"] == "verified" and {f["name"] for f in verified["look"]["findings"]} >= {
        "drained", "served", "capacity", "health", "resolvers", "answers"}
    assert finding(verified["look"], "answers")["text"] == "none of 4 answers leads to what was moved off (1 name for 1 client, at 1 address by udp and tcp)"
    assert "100.0 % of 1 resolvers that were led to us-east before have asked again" in finding(verified["look"], "drain")["text"]
    committed = act(server, made, "commit", reason="it looks good")
    assert committed["state"] == "unprotected" and not committed["protected"] and committed["allowed"] == ["reprotect", "close"]

    nothing_flows = act(server, made, "reprotect", 409)
    assert nothing_flows["type"].endswith(":objections") and nothing_flows["errors"][0]["field"] == "replication"
    untyped = act(server, made, "reprotect", 422, accept=["replication"], reason="there are no data")
    assert untyped["errors"][0]["field"] == "confirm" and '"us-east"' in untyped["errors"][0]["message"]
    protected = act(server, made, "reprotect", accept=["replication"], confirm="us-east", reason="there are no data")
    assert protected["state"] == "protected"

    returning = act(server, made, "failback", reason="power is back")
    assert returning["state"] == "returning" and returning["share"] == 60
    wait_for(server, made, "returned")
    assert server.addresses("www.example.com") == scene.us and server.get("/v1/overrides")["items"] == []
    assert finding(verify(server, made)["look"], "answers")["text"] == "2 of 4 answers lead there again (1 name for 1 client, at 1 address by udp and tcp)"
    closed = act(server, made, "commit")
    assert closed["state"] == "closed" and closed["allowed"] == []
    assert act(server, made, "rollback", 409)["allowed"] == []
    assert [note["what"] for note in closed["notes"]] == [
        "execute", "moved", "verify", "commit", "reprotect", "failback", "returned", "verify", "commit"]
    journal = server.get("/v1/journal?kind=switchover&limit=1000")["items"]
    assert len({entry["key"] for entry in journal}) == 1 and len(journal) >= 9


@pytest.mark.parametrize("stands_by", [False, True])
def test_what_is_closed_stays_where_it_is(scene, stands_by):
    """The source is drained by an override like any other, which goes nowhere by itself."""
    server = start(scene)
    made = begin(server, to="eu-west", execute=True)
    verify(server, made)
    act(server, made, "commit")
    if stands_by:
        act(server, made, "reprotect", accept=["replication"], confirm="us-east", reason="there are no data")
    before = server.get("/v1/regions/us-east")["override"]
    closed = act(server, made, "close", reason="for good")
    assert closed["state"] == "closed" and closed["share"] == 100
    assert server.get("/v1/regions/us-east")["override"] == before and server.addresses("www.example.com") == scene.eu
    server.kill()
    server = scene.start()
    assert server.get("/v1/regions/us-east")["override"] == before and server.addresses("www.example.com") == scene.eu
    assert server.get(f"/v1/switchovers/{made['id']}")["share"] == 100


def test_what_was_there_before_comes_back_with_a_rollback(scene):
    server = start(scene)
    server.override("az", "us-east-1a", "up", "its check is broken")
    server.override("region", "us-east", "drain", "a quarter", share=25)
    refused = server.request("POST", "/v1/switchovers", {"source": "region:us-east", "reason": "x", "execute": True})
    assert refused.status == 409 and [e["field"] for e in refused.json["errors"]] == ["drained"], refused
    made = begin(server, emergency=True)
    assert made["state"] == "moved"
    refused = server.request("POST", f"/v1/switchovers/{made['id']}:verify", {})
    assert refused.status == 409 and [e["field"] for e in refused.json["errors"]][0] == "drained"
    assert "web-us-east-1a" in refused.json["errors"][0]["message"]  # the narrower override keeps it up
    rolled = act(server, made, "rollback", reason="not today")
    assert rolled["state"] == "rolled_back" and rolled["allowed"] == []
    region = server.get("/v1/regions/us-east")
    assert region["override"]["share"] == 25 and region["override"]["reason"] == "a quarter"
    assert act(server, made, "execute", 409)["detail"].startswith("it is rolled_back")


def test_an_emergency_asks_nothing(scene):
    server = start(scene)
    scene.webs[1].kill()
    wait_state(server, "unhealthy", "web-eu-west-1a")
    objects = server.request("POST", "/v1/switchovers", {"source": "region:us-east", "reason": "x", "execute": True})
    assert objects.status == 409 and {e["field"] for e in objects.json["errors"]} >= {"served", "health"}
    assert server.get("/v1/switchovers")["items"] == []
    made = begin(server, emergency=True, steps=[5])
    assert made["state"] == "moved" and made["emergency"] and made["look"] is None
    assert server.get("/v1/regions/us-east")["effective"] == "drained"
    accepted = act(server, made, "verify", 409)
    names = [error["field"] for error in accepted["errors"]]
    idle = act(server, made, "verify", 422, accept=[*names, "drained"], reason="x")
    assert idle["errors"][0]["message"] == '"drained" is nothing that objects'
    act(server, made, "rollback")
    assert server.get("/v1/overrides")["items"] == []


@pytest.mark.parametrize("how", ["kill", "takeover"])
def test_steps_go_on(scene, how):
    server = start(scene)
    made = begin(server, steps=[10, 50], each="2s", execute=True)
    assert made["state"] == "moving" and made["share"] == 10
    if how == "kill":
        server.kill()
        server = scene.start()
    else:
        take_over(server)
    assert state_of(server, made) == "moving"
    wait_for(server, made, "moved")
    server.wait_answers("www.example.com", scene.eu)
    act(server, made, "rollback")
    server.wait_answers("www.example.com", scene.us)


def test_somebody_who_overrides_it_is_right(scene):
    server = start(scene)
    made = begin(server, steps=[10], each="1s", execute=True)
    server.override("region", "us-east", "up", "no, wait")
    server.wait_log("switchover held", "us-east")
    assert state_of(server, made) == "moving" and server.addresses("www.example.com") == scene.us
    act(server, made, "rollback")
    assert server.get("/v1/overrides")["items"] == []


def test_who_orders_while_it_is_being_changed_waits_for_that(scene):
    """One of them leads it back, the others are told that somebody has: nobody has to ask again."""
    server = start(scene)
    for _ in range(5):
        made, replies = begin(server, steps=[10], each="1s", execute=True), []
        path = f"/v1/switchovers/{made['id']}:rollback"
        threads = [threading.Thread(target=lambda path=path, replies=replies: replies.append(
            server.request("POST", path, {"actor": "ann", "reason": "power is back"}))) for _ in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert sorted(reply.status for reply in replies) == [200] + [409] * 7, replies
    assert server.get("/v1/overrides")["items"] == []


def test_two_of_the_same_do_not_go_together(scene):
    server = start(scene)
    made = begin(server, execute=True)
    other = server.request("POST", "/v1/switchovers", {"source": "az:us-east-1a", "reason": "x", "execute": True})
    assert other.status == 409 and made["id"] in other.json["detail"], other
    planned = begin(server, source=["endpoint:web-us-east-1a"])
    assert planned["state"] == "planned"
    assert made["id"] in act(server, planned, "execute", 409)["detail"]
    act(server, planned, "cancel")
    act(server, made, "rollback")


def test_an_emergency_lies_above_what_it_finds(scene):
    """Nothing refuses it, not even another one that moves the same; they go back in the other order."""
    server = start(scene)
    slow = begin(server, execute=True, steps=[40], each="1h")
    assert slow["share"] == 40
    now = begin(server, emergency=True)
    assert now["state"] == "moved" and server.addresses("www.example.com") == scene.eu
    assert now["id"] in act(server, slow, "rollback", 409)["detail"]
    act(server, now, "rollback")
    assert server.get("/v1/regions/us-east")["override"]["share"] == 40
    act(server, slow, "rollback")
    assert server.get("/v1/overrides")["items"] == []


def test_how_many_may_be_open(scene):
    server = start(scene)
    for _ in range(32):
        begin(server)
    one_more = ask(server, body={"source": "region:us-east", "reason": "x"}, status=503)
    assert one_more["type"].endswith(":busy") and "too many switchovers are open" in one_more["detail"]
    now = begin(server, emergency=True)  # which is never too many
    assert now["state"] == "moved"
    act(server, now, "rollback")
    act(server, server.get("/v1/switchovers")["items"][-1], "cancel")
    assert begin(server)["state"] == "planned"


@pytest.mark.parametrize("body, field", [
    ({}, "source"), ({"source": []}, "source"), ({"source": "us-east"}, "source"), ({"source": ["region:us-east", "region:us-east"]}, "source"),
    ({"source": "region:nowhere"}, "source"), ({"source": "region:us-east", "to": "nowhere"}, "to"), ({"source": 5}, "source"),
    ({"source": "region:us-east", "steps": [50, 25]}, "steps"), ({"source": "region:us-east", "steps": ["5"]}, "steps"),
    ({"source": "region:us-east", "steps": [0]}, "steps"), ({"source": "region:us-east", "each": "1ms"}, "each"),
    ({"source": "region:us-east", "colour": "red"}, "colour"), ({"source": "region:us-east", "reason": 5}, "reason")])
def test_bad_ones_are_refused(scene, body, field):
    server = start(scene)
    reply = server.request("POST", "/v1/switchovers", {"reason": "x", **body})
    assert reply.status == 422 and [error["field"] for error in reply.json["errors"]] == [field], reply


def test_by_steerctl(scene):
    server = start(scene)
    plan = server.ctl("switchover", "plan", "region:us-east", "--to", "eu-west").stdout
    assert "dry run: nothing has changed" in plan and "ok     destination  100.0 % of all answers move to eu-west" in plan
    started = server.ctl("switchover", "start", "region:us-east", "--reason", "power work", "--json").stdout
    made = kit.json.loads(started)
    assert made["state"] == "moved"
    early = server.ctl("switchover", "commit", made["id"], code=None)
    assert early.returncode != 0 and early.stderr.splitlines()[-1] == "allowed now: verify, rollback, redirect", early.stderr
    shown = server.ctl("switchover", "show", made["id"]).stdout
    assert "moved" in shown and "verify, rollback" in shown and "power work" in shown
    assert made["id"] in server.ctl("switchover", "list").stdout
    assert "rolled_back" in server.ctl("switchover", "rollback", made["id"], "--reason", "enough").stdout
    assert server.ctl("switchover", "commit", made["id"], code=None).stderr.splitlines()[-1] == "allowed now: nothing"
    assert server.ctl("switchover", "explode", made["id"], code=2).stderr.startswith('steerctl: found "switchover explode"')
    assert "there is no switchover" in server.ctl("switchover", "show", "x", code=None).stderr
    assert "needs --reason" in server.ctl("switchover", "now", "region:us-east", code=2).stderr
    now = server.ctl("switchover", "now", "region:us-east", "--reason", "it burns").stdout
    assert "an emergency" in now and "100 %" in now
    assert share(server, "www.example.com", scene.us) == 0


def test_it_is_watched_until_it_has_moved(scene):
    """Each step is a line, and standing still is not; what is JSON is so line by line."""
    server = start(scene)
    done = server.ctl("switchover", "start", "region:us-east", "--steps", "20,60", "--each", "1500ms", "--reason", "power work", "--watch")
    lines = [line.split(maxsplit=1)[1].split(", ")[0].split() for line in done.stdout.splitlines()]
    assert lines == [["moving", "20", "%"], ["moving", "60", "%"], ["moved", "100", "%"]], done.stdout
    made = server.get("/v1/switchovers")["items"][0]
    assert server.ctl("switchover", "show", made["id"], "--watch").stdout.split()[1] == "moved", "nothing more happens"
    done = server.ctl("switchover", "rollback", made["id"], "--reason", "enough", "--watch", "--json")
    said = [kit.json.loads(line) for line in done.stdout.splitlines()]
    assert [item["state"] for item in said] == ["rolled_back"] and said[0]["id"] == made["id"]
    for words in (["plan", "region:us-east"], ["list"], ["start", "region:us-east", "--reason", "x", "--dry-run"]):
        assert "there is none" in server.ctl("switchover", *words, "--watch", code=2).stderr
    assert server.ctl("switchover", "show", "x", "--watch", code=4).stdout == ""


def test_who_watches_hears_that_it_was_turned_back(scene):
    server = start(scene)
    made = begin(server, execute=True, steps=[20], each="1h")
    watching = kit.subprocess.Popen([str(kit.STEERCTL), "-s", str(server.site.socket), "switchover", "show", made["id"], "--watch"],
                                    stdout=kit.subprocess.PIPE, text=True, env=kit.make_environment())
    first = watching.stdout.readline()
    assert "moving" in first and " 20 %" in first and "the next step at" in first
    act(server, made, "rollback", reason="enough")
    rest, _ = watching.communicate(timeout=kit.PATIENCE_S)
    assert "rolled_back" in rest and len(rest.splitlines()) == 1 and watching.returncode == 1


def test_safety_rules_object_by_name(scene):
    scene.topology["rules"] = {"two": {"type": "serving", "kind": "region", "at_least": 2}}
    server = start(scene)
    plan = ask(server, "?dry_run=true", {"source": "region:us-east", "reason": "a look"})
    assert not plan["look"]["good"] and "1 of 2" in finding(plan["look"], "rule:two")["text"]
    refused = server.request("POST", "/v1/switchovers", {"source": "region:us-east", "reason": "x", "execute": True})
    assert refused.status == 409 and [error["field"] for error in refused.json["errors"]] == ["rule:two"]
    now = begin(server, emergency=True)  # it is told, and not asked
    [ignored] = now["rules_ignored"]
    assert now["state"] == "moved" and ignored["name"] == "two" and "1 of 2" in ignored["why"] and ignored["needs"]
    assert now["notes"][0]["found"] == "rules ignored: two"
    server.wait_log("kind=rule name=two turn=overridden", "ann")
    act(server, now, "rollback")
    made = begin(server, execute=True, accept=["rule:two"])
    assert made["rules_ignored"] == []
    assert made["state"] == "moved" and "rule:two" in made["notes"][0]["found"]
    assert act(server, made, "rollback")["state"] == "rolled_back"


@pytest.fixture
def three(site):
    """www in us-east, else eu-west, else ap-south, nobody checks."""
    at = kit.make_regions(site, azs=("us-east-1a", "eu-west-1a", "ap-south-1a"))
    for endpoint in site.topology["endpoints"].values():
        endpoint["checks"] = []
    site.us, site.eu, site.ap = ([at[az]] for az in ("us-east-1a", "eu-west-1a", "ap-south-1a"))
    site.zone("example.com", "")
    site.policy("example.com", {
        "www": {"ttl": 1, "endpoints": ["web-*"], "tiers": [["us-east"], ["eu-west"], ["ap-south"]]},
        "both": {"ttl": 1, "endpoints": ["web-*"], "tiers": [["us-east", "eu-west"], ["ap-south"]]}})
    return site


def only_www(site):
    del site.policies["example.com"]["names"]["both"]
    return site


def test_what_is_moved_goes_where_it_is_sent(three):
    """Not to the next tier; through a crash, a reload and a takeover; and as policies have it where that does not serve."""
    server = only_www(three).start()
    plan = ask(server, "?dry_run=true", {"source": "region:us-east", "reason": "a look", "to": "ap-south"})
    assert plan["look"]["good"] and finding(plan["look"], "destination")["text"] == "100.0 % of all answers move to ap-south"
    made = begin(server, to="ap-south", steps=[40], each="1h", execute=True)
    assert server.get("/v1/regions/us-east")["override"]["to"] == "ap-south"
    server.wait(lambda: share(server, "www.example.com", three.ap) > 0, "some go there")
    assert share(server, "www.example.com", three.eu) == 0
    act(server, made, "rollback")
    made = begin(server, to="ap-south", execute=True)
    assert server.addresses("www.example.com") == three.ap
    assert any("sent to where an override says" in step for step in server.get("/v1/explain?name=www.example.com")["steps"])
    server.kill()
    server = three.start()
    assert server.addresses("www.example.com") == three.ap
    server.reload()
    assert server.addresses("www.example.com") == three.ap
    take_over(server)
    assert server.addresses("www.example.com") == three.ap
    assert finding(verify(server, made)["look"], "destination")["good"]
    server.override("region", "ap-south", "down", "dark")
    assert server.addresses("www.example.com") == three.eu
    objects = {error["field"] for error in act(server, made, "verify", 409)["errors"]}
    assert "destination" in objects
    server.override("region", "ap-south", "auto")
    assert server.addresses("www.example.com") == three.ap
    act(server, made, "rollback")
    assert server.addresses("www.example.com") == three.us


def test_what_cannot_be_sent_there_objects(three):
    """eu-west shares a tier with us-east: it takes what that had, since its own answers may not move."""
    server = three.start()
    wanted = {"source": "region:us-east", "reason": "x", "to": "ap-south", "execute": True}
    refused = ask(server, body=wanted, status=409)
    assert [error["field"] for error in refused["errors"]] == ["destination"]
    assert "move to eu-west, not to ap-south" in refused["errors"][0]["message"]
    made = begin(server, to="ap-south", execute=True, accept=["destination"])
    assert made["state"] == "moved" and server.addresses("www.example.com") == three.ap
    assert server.addresses("both.example.com") == three.eu


def test_steps_weigh_as_the_plan_did(three):
    """Nobody asks for the name that would object: then it holds no step either."""
    server = three.start()
    for _ in range(100):
        server.addresses("www.example.com")
    server.wait(lambda: ask(server, "?dry_run=true", {"source": "region:us-east", "reason": "x", "to": "ap-south"})["look"]["good"], "it weighs nothing")
    made = begin(server, to="ap-south", steps=[40], each="1s", execute=True)
    wait_for(server, made, "moved")
    assert "held" not in [note["what"] for note in server.get(f"/v1/switchovers/{made['id']}")["notes"]]


class Client:
    """Resolves www, keeps it for its TTL, and asks what it found there for a page; counts what failed."""

    def __init__(self, server):
        self.server, self.failed, self.asked, self.ended = server, [], 0, threading.Event()
        self.thread = threading.Thread(target=self.run)
        self.thread.start()

    def run(self):
        until, address = 0, None
        while not self.ended.is_set():
            try:
                if time.monotonic() >= until:
                    [address] = self.server.addresses("www.example.com")
                    until = time.monotonic() + 1
                with urllib.request.urlopen(f"http://{address}:{kit.WEB_PORT}/healthz", timeout=5):
                    self.asked += 1
            except (OSError, ValueError, AssertionError) as error:
                self.failed.append(repr(error))
            self.ended.wait(0.005)

    def end(self):
        self.ended.set()
        self.thread.join()
        return self.failed


def test_nobody_is_let_down(scene):
    """A client that keeps to TTLs, through a planned switchover in steps, back, and an emergency."""
    server = start(scene)
    client = Client(server)
    made = begin(server, to="eu-west", steps=[50], each="1s", execute=True)
    wait_for(server, made, "moved")
    verify(server, made)
    act(server, made, "commit")
    act(server, made, "reprotect", accept=["replication"], confirm="us-east", reason="there are no data")
    act(server, made, "failback")
    wait_for(server, made, "returned")
    verify(server, made)
    act(server, made, "commit")
    now = begin(server, emergency=True)
    assert server.addresses("www.example.com") == scene.eu
    verify(server, now)  # resolvers have moved by then
    scene.webs[0].kill()
    before = client.asked
    server.wait(lambda: client.asked > before + 20, "it goes on asking")
    assert client.end() == [], client.failed


def lowering(scene):
    scene.policies["example.com"]["names"]["www"].update({"ttl": 3, "ttl_failing": 1})
    return start(scene)


def ttl_of(server):
    return server.ask("www.example.com", "A").answer[0].ttl


def test_ttls_go_down_before(scene):
    server = lowering(scene)
    plan = ask(server, "?dry_run=true", {"source": "region:us-east", "reason": "a look", "lower_ttl": True})
    assert finding(plan["look"], "ttl")["text"] == "TTLs go down to at most 1 s before it moves, and that takes 3 s"
    made = begin(server, lower_ttl=True, execute=True, steps=[50], each="1h")
    assert made["state"] == "lowering" and made["share"] == 0 and made["lower_ttl"] and made["allowed"] == ["rollback", "redirect"]
    assert ttl_of(server) == 1 and server.addresses("www.example.com") == scene.us
    override = server.get("/v1/regions/us-east")["override"]
    assert override["planned"] and override["share"] == 50 and override["starts"] > made["next_step"], "it is looked at again first"
    act(server, made, "rollback")
    assert ttl_of(server) == 3 and server.get("/v1/overrides")["items"] == []
    made = begin(server, lower_ttl=True, execute=True)
    server.kill()
    server = scene.start()
    assert state_of(server, made) in ("lowering", "moved")
    wait_for(server, made, "moved")
    server.wait_answers("www.example.com", scene.eu)
    assert ttl_of(server) == 1  # as long as it is drained: it would be back soon
    assert [note["what"] for note in server.get(f"/v1/switchovers/{made['id']}")["notes"]][:2] == ["execute", "lowered"]
    act(server, made, "rollback")
    sent = begin(server, to="eu-west", emergency=True)
    assert ttl_of(server) == 1 and server.addresses("www.example.com") == scene.eu
    act(server, sent, "rollback")
    now = begin(server, lower_ttl=True, execute=True)
    assert act(server, now, "execute", emergency=True, reason="it burns")["state"] == "moved"


def test_ttls_that_cannot_go_down_object(scene):
    server = start(scene)
    refused = ask(server, body={"source": "region:us-east", "reason": "x", "lower_ttl": True, "execute": True}, status=409)
    assert [error["field"] for error in refused["errors"]] == ["ttl"] and "1 of 1 names have no ttl_failing" in refused["errors"][0]["message"]


def test_a_group_is_its_endpoints(scene):
    scene.topology["groups"] = {"front": ["web-us-*"], "both": ["web-*"]}
    server = start(scene)
    made = begin(server, source="group:front", execute=True)
    assert made["source"] == ["endpoint:web-us-east-1a"] and server.addresses("www.example.com") == scene.eu
    assert "endpoint:web-us-east-1a" in server.ctl("switchover", "list").stdout
    act(server, made, "rollback")
    assert server.addresses("www.example.com") == scene.us
    text = server.ctl("switchover", "plan", "group:both", "az:us-east-1a").stdout
    assert "nobody serves 1 name" in text and "endpoint:web-eu-west-1a" in text, text
    refused = ask(server, body={"source": ["group:front", "group:none"], "reason": "x"}, status=422)
    assert refused["errors"] == [{"field": "source", "message": 'there is no group "none"'}]


def test_objectives_object(scene):
    scene.topology["objectives"] = {"rto": "1m", "names": {"www.example.com": {"rto": "500ms"}}}
    server = start(scene)
    plan = ask(server, "?dry_run=true", {"source": "region:us-east", "to": "eu-west", "reason": "a look"})
    assert not plan["look"]["good"]
    assert "own RTO (www.example.com.)" in finding(plan["look"], "objectives")["text"]
    scene.topology["objectives"] = {"capacity": "40%", "pairs": [{"from": "us-east", "to": "eu-west", "may_move": False}],
                                    "names": {"other.example.com": {"may_move": False}}}
    scene.put("topology.json", scene.topology)
    assert server.reload().status == 200
    look = ask(server, "?dry_run=true", {"source": "region:us-east", "to": "eu-west", "reason": "a look"})["look"]
    assert "may_move" in finding(look, "objectives")["text"]
    look = ask(server, "?dry_run=true", {"source": "region:us-east", "reason": "a look"})["look"]
    assert finding(look, "objectives")["good"] and look["good"]
    refused = server.request("POST", "/v1/switchovers", {"source": "region:us-east", "to": "eu-west", "reason": "x", "execute": True})
    assert refused.status == 409 and [error["field"] for error in refused.json["errors"]] == ["objectives"]
    made = begin(server, execute=True, to="eu-west", accept=["objectives"])
    assert made["state"] == "moved" and "objectives" in made["notes"][0]["found"]


@pytest.mark.parametrize("objectives, to, missed", [
    ({"names": {"www.example.com": {"capacity": "60%"}}}, None, "1 name would have less capacity left than their own objective (www.example.com.)"),
    ({"names": {"www.example.com": {"capacity": "25%"}}}, None, None),
    ({"pairs": [{"from": "us-east", "to": "eu-west", "capacity": "80%"}]}, "eu-west", "eu-west has 50.0 % of the capacity of us-east, expected at least 80 %"),
    ({"pairs": [{"from": "us-east", "to": "eu-west", "capacity": "50%"}]}, "eu-west", None),
    ({"pairs": [{"from": "us-east", "to": "eu-west", "capacity": "80%"}]}, None, None),  # it is not said that it goes there
    ({"pairs": [{"from": "eu-west", "to": "us-east", "capacity": "100%", "rpo": "1s"}]}, "eu-west", None),
    ({"pairs": [{"from": "us-east", "to": "eu-west", "rpo": "5s"}]}, "eu-west", None),
    ({"names": {"www.example.com": {"rpo": "3s"}}}, "eu-west", "copies are not known to be within the RPO of 1 name (www.example.com.)"),
    ({"names": {"www.example.com": {"rpo": "4s"}}}, "eu-west", None),
    ({"capacity": "40%"}, None, "33.3 % of the capacity would be left, expected at least 40 %"),
])
def test_objectives_of_pairs_and_names(scene, objectives, to, missed):
    """The copy lags 3.5 s behind; us-east has twice the capacity."""
    scene.topology["objectives"] = {"rpo": "1m", **objectives}
    for az, capacity in ("us-east-1a", 200), ("eu-west-1a", 100):
        scene.topology["endpoints"][f"web-{az}"]["capacity"] = capacity
    scene.topology["regions"]["us-east"]["replicates_to"] = [{"to": "eu-west", "lag": "push", "stage": "real_time", "max_age": "10m"}]
    server = start(scene)
    report = {"from": "us-east", "to": "eu-west", "lag": 3.5, "unit": "s"}
    assert server.request("POST", "/v1/report", report).status in (200, 204)
    look = ask(server, "?dry_run=true", {"source": "region:us-east", "reason": "a look", **({"to": to} if to else {})})["look"]
    found = finding(look, "objectives")
    assert (found["good"], found["text"]) == (missed is None, missed or "they would be met")


def test_an_rpo_of_a_pair_wants_a_copy(scene):
    scene.topology["objectives"] = {"pairs": [{"from": "us-east", "to": "eu-west", "rpo": "5s"}]}
    server = start(scene)
    look = ask(server, "?dry_run=true", {"source": "region:us-east", "reason": "a look", "to": "eu-west"})["look"]
    assert finding(look, "objectives")["text"] == \
        "no copy from us-east to eu-west is declared (replicates_to in the topology), the RPO is 5 s"



def test_a_plan_tells_ttls_zones_and_how_much_is_asked(scene):
    """When resolvers will have moved, by TTL, and how many of the latest answers that is about."""
    scene.policy("example.com", {name: {"ttl": ttl, "endpoints": ["web-*"], "tiers": [["us-east"], ["eu-west"]]}
                                 for name, ttl in (("www", 1), ("api", 30), ("old", 300))})
    scene.zone("example.net", "").policy("example.net", {
        "www": {"ttl": 30, "endpoints": ["web-*"], "tiers": [["us-east"], ["eu-west"]]},
        "eu": {"ttl": 7, "endpoints": ["web-eu-west-1a"], "tiers": [["eu-west"]]}})
    server = start(scene)
    silent = ask(server, "?dry_run=true", {"source": ["region:us-east"], "reason": "x"})["look"]
    assert silent["asked"] is None and {row["per_second"] for row in silent["ttls"]} == {None}
    assert [(row["ttl_s"], row["names"]) for row in silent["ttls"]] == [(1, 1), (30, 2), (300, 1)] and silent["names"] == 4
    assert silent["zones"] == {"count": 2, "items": [{"zone": "example.com.", "names": 3}, {"zone": "example.net.", "names": 1}]}
    for name, times in ("www.example.com", 60), ("api.example.com", 30), ("eu.example.net", 10):
        for _ in range(times):
            server.ask(name)
    server.wait(lambda: ask(server, "?dry_run=true", {"source": ["region:us-east"], "reason": "x"})["look"]["asked"], "it is counted")
    look = ask(server, "?dry_run=true", {"source": ["region:us-east"], "reason": "x"})["look"]
    assert abs(look["asked"]["share"] - 0.9) < 0.01, "what eu is asked for is not touched"
    rates = {row["ttl_s"]: row["per_second"] for row in look["ttls"]}
    assert abs(rates[1] / rates[30] - 2) < 0.01 and rates[300] == 0
    assert abs(sum(rates.values()) - look["asked"]["per_second"]) < 1e-6
    shown = server.ctl("switchover", "plan", "region:us-east").stdout
    assert re.search(r"moved after +1 s: 1 name \(66\.\d % of their answers\), 30 s: 2 names \(33\.\d %\), 300 s: 1 name \(0\.0 %\)\n", shown), shown
    assert re.search(r"zones +example\.com\. \(3\), example\.net\. \(1\)\n", shown) and re.search(r"asked +90\.\d % of all answers", shown), shown
