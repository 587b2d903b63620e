# SPDX-License-Identifier: BSD-3-Clause
"""Live drills: all clients see a loss, a share of them first, and reality wins."""
import ctypes
import os
import pathlib
import pty
import subprocess

import pytest

import kit
from takeovers import reaper, take_over  # noqa: F401  pylint: disable=unused-import
from test_clock import Clock
from test_shadow import LOSE, addresses, ask, look, scene, stop, ttls, wait_end  # noqa: F401  pylint: disable=unused-import

BODY = {"mode": "live", "lose": LOSE, "reason": "game day", "confirm": "us-east", "failure": "refused"}
CLIENTS = [f"127.{i}.7.1" for i in range(1, 101)]


def begin(server, status=201, dry_run=False, **body):
    wanted = {key: value for key, value in {**BODY, **body}.items() if value is not None}
    reply = server.request("POST", "/v1/drills" + ("?dry_run=true" if dry_run else ""), wanted)
    assert reply.status == status, reply
    return reply.json


def wait_moved(scene, server, to=None):
    server.wait(lambda: addresses(ask(server, source=None)) == (to or scene.eu), "all are sent to eu-west")


def is_back(scene, server):
    reply = ask(server, source=None)
    assert addresses(reply) == scene.us and ttls(reply) == {60}
    return True


def test_everybody_sees_the_loss_until_it_is_stopped(scene):
    server = scene.running[0]
    drill = begin(server, canary=None)
    assert drill["mode"] == "live" and drill["live"]["share"] == 100 and drill["live"]["why"] is None
    wait_moved(scene, server)
    for source in None, "127.9.9.9":
        for tcp in False, True:
            reply = ask(server, source=source, tcp=tcp)
            assert addresses(reply) == scene.eu and ttls(reply) == {60}
    assert server.get("/v1/regions/us-east")["effective"] == "healthy"
    
    assert stop(server, drill)["because"] == "stopped"
    is_back(scene, server)
    ended = wait_end(server, drill)
    assert ended["queries"] >= 5 and ended["measured"]["decision_ms"] is not None and ended["measured"]["return_ms"] >= 0
    assert ended["report"]["answers_changed"] == 1 and ended["proof"]["differences"] == 0
    server.wait_log("drill", drill["id"], "turn=ended", "mode=live", "because=stopped")


def test_what_it_would_change_is_shown_before(scene):
    server = scene.running[0]
    seen = begin(server, 200, dry_run=True, confirm=None)
    assert seen["dry_run"] and seen["obstacle"] is None and seen["confirm"] == "us-east"
    assert seen["look"]["names"] == 1 and seen["look"]["ttl_s"] == 60 and seen["look"]["good"]
    assert any("eu-west" in step for step in seen["look"]["answers"]["steps"])
    assert server.get("/v1/drills")["items"] == []


def test_it_has_to_be_confirmed(scene):
    server = scene.running[0]
    for typed in None, "us-west", "region:us-east":
        problem = begin(server, 422, confirm=typed)
        assert [error["field"] for error in problem["errors"]] == ["confirm"]
    assert is_back(scene, server) and server.get("/v1/drills")["items"] == []


def test_bodies_that_cannot_be_meant(scene):
    server = scene.running[0]
    for body, field in (
            ({"canary": 0}, "canary"), ({"canary": "5"}, "canary"), ({"canary_for": "5s"}, "canary_for"),
            ({"canary": 5, "canary_for": "2h"}, "canary_for"), ({"abort_capacity": 101}, "abort_capacity"),
            ({"clients": {"prefixes": ["127.1.2.0/24"]}}, "clients"), ({"lose": ["region:nowhere"]}, "lose"), ({"reason": None}, "reason"),
            ({"accept": ["capacity"]}, "accept"), ({"duration": "2h"}, "duration")):
        assert [error["field"] for error in begin(server, 422, **body)["errors"]] == [field], body
    reply = server.request("POST", "/v1/drills?dry_run=true", {"mode": "shadow", "lose": LOSE, "clients": {"prefixes": ["127.1.2.0/24"]}})
    assert reply.status == 422 and reply.json["errors"][0]["field"] == "dry_run"


def test_a_canary_goes_first(scene):
    """Those of the canary see it, the same ones every time, and then all."""
    server = scene.running[0]
    drill = begin(server, canary=30, canary_for="30m", duration="1h")

    def seeing():
        return {client for client in CLIENTS if addresses(ask(server, source=client)) == scene.eu}
    server.wait(lambda: look(server, drill)["measured"]["decision_ms"] is not None, "it is decided")
    first = seeing()
    assert 10 < len(first) < 50 and seeing() == first and look(server, drill)["live"]["share"] == 30
    for client in sorted(first)[:3]:
        assert addresses(ask(server, source=client[:-1] + "77")) == scene.eu, "of a /24 all see it"
    stop(server, drill)
    wait_end(server, drill)
    drill = begin(server, canary=1, canary_for="1s", duration="1h")
    server.wait(lambda: look(server, drill)["live"]["share"] == 100, "all see it")
    server.wait(lambda: seeing() == set(CLIENTS), "all are sent to eu-west")
    server.wait_log("drill", drill["id"], "turn=whole")


def test_a_shadow_drill_goes_before(scene):
    server = scene.running[0]
    begin(server, lose=["region:eu-west"], confirm="eu-west")
    reply = server.request("POST", "/v1/drills", {"mode": "shadow", "lose": LOSE, "clients": {"prefixes": ["127.1.2.0/24"]}, "failure": "refused"})
    assert reply.status == 201, reply
    server.wait(lambda: addresses(ask(server)) == scene.eu, "its clients are sent to eu-west")
    assert ttls(ask(server)) == {0} and is_back(scene, server)


def test_it_waits_for_switchovers(scene):
    server = scene.running[0]
    reply = server.request("POST", "/v1/switchovers", {"source": ["region:us-east"], "steps": [5], "each": "1h", "execute": True, "reason": "x"})
    assert reply.status == 201, reply
    assert reply.json["id"] in begin(server, 409)["detail"] and reply.json["id"] in begin(server, 200, dry_run=True)["obstacle"]


def test_a_real_failure_wins(scene):
    """Where all have gone: it fails, and the drill ends before anybody could be sent nowhere."""
    server = scene.running[0]
    drill = begin(server, duration="1h")
    wait_moved(scene, server)
    scene.webs[1].kill()
    server.wait(lambda: addresses(ask(server, source=None)) == scene.us, "all are back")
    ended = wait_end(server, drill)
    assert ended["because"] == "real_failure" and "eu-west" in ended["live"]["why"] and is_back(scene, server)
    server.wait(lambda: server.get("/v1/incidents")["items"], "there is an incident")
    problem = begin(server, 409)
    assert problem["type"].endswith("conflict") and "incident" in problem["detail"]
    assert "incident" in begin(server, 200, dry_run=True)["obstacle"]


def test_it_ends_by_itself_and_there_is_one_at_a_time(scene):
    server = scene.running[0]
    drill = begin(server, duration="2s")
    assert drill["id"] in begin(server, 409, lose=["region:eu-west"], confirm="eu-west")["detail"]
    assert wait_end(server, drill)["because"] == "time"
    is_back(scene, server)


class StoppedThread:
    """The one that leads a server, and no other one of its process: by ptrace."""
    SEIZE, INTERRUPT, DETACH, WALL = 0x4206, 0x4207, 17, 0x40000000

    def __init__(self, server):
        self.pid = server.process.pid
        self.libc = ctypes.CDLL(None, use_errno=True)

    def trace(self, request):
        number = ctypes.c_long
        done = self.libc.ptrace(number(request), number(self.pid), number(0), number(0))
        assert done == 0, os.strerror(ctypes.get_errno())

    def __enter__(self):
        self.trace(self.SEIZE)
        self.trace(self.INTERRUPT)
        os.waitpid(self.pid, self.WALL)

    def __exit__(self, *_):
        self.trace(self.DETACH)


def state_of_thread(pid, tid):
    return pathlib.Path(f"/proc/{pid}/task/{tid}/stat").read_text().rsplit(")", 1)[1].split()[0]


@pytest.mark.parametrize("canary", [None, 50])
def test_its_time_is_up_although_nobody_leads_the_server(scene, canary):
    """The control thread hangs, so nobody takes the drill from DNS threads: the drill's own thread lets nobody see it any more."""
    server = scene.running[0]
    drill = begin(server, duration="4s", canary=canary, canary_for=canary and "1h")
    client = None if canary is None else next(one for one in CLIENTS if server.wait(
        lambda: look(server, drill)["measured"]["decision_ms"] is not None, "it is decided") and addresses(ask(server, source=one)) == scene.eu)
    server.wait(lambda: addresses(ask(server, source=client)) == scene.eu, "who sees it is sent to eu-west")
    with StoppedThread(server):
        pid = server.process.pid
        assert state_of_thread(pid, pid) == "t"
        server.wait(lambda: addresses(ask(server, source=client)) == scene.us, "it is as before")
        assert state_of_thread(pid, pid) == "t" and ttls(ask(server, source=client)) == {60}
    assert wait_end(server, drill)["because"] == "time" and is_back(scene, server)


def test_the_time_of_a_shadow_drill_is_up_likewise(scene):
    server = scene.running[0]
    reply = server.request("POST", "/v1/drills", {"mode": "shadow", "lose": LOSE, "clients": {"prefixes": ["127.1.2.0/24"]}, "duration": "4s",
                                                  "failure": "refused"})
    server.wait(lambda: addresses(ask(server)) == scene.eu, "its clients are sent to eu-west")
    with StoppedThread(server):
        server.wait(lambda: addresses(ask(server)) == scene.us and ttls(ask(server)) == {60}, "it is as before")
        assert state_of_thread(server.process.pid, server.process.pid) == "t"
    assert wait_end(server, reply.json)["because"] == "time"


def test_objections_are_accepted_by_name(scene):
    server = scene.running[0]
    both = {"lose": ["region:us-east", "region:eu-west"]}
    problem = begin(server, 409, **both)
    assert problem["type"].endswith("objections") and "served" in [error["field"] for error in problem["errors"]]
    names = [error["field"] for error in problem["errors"]]
    stop(server, begin(server, accept=names, **both))


def test_nothing_is_left_of_it_after_a_crash(scene):
    server = scene.running[0]
    drill, note = begin(server, duration="1h"), scene.folder / "var/drills"
    wait_moved(scene, server)
    server.wait(lambda: note.exists() and drill["id"] in note.read_text(), "it is written down that it runs")
    server.kill()
    server = scene.start()
    server.wait(lambda: addresses(ask(server, source=None)) == scene.us, "it is as before")
    assert look(server, drill)["because"] == "restart" and look(server, drill)["mode"] == "live"
    server.wait_log("drill", drill["id"], "because=restart", "mode=live")


def test_a_reload_and_a_takeover_end_it(scene):
    server = scene.running[0]
    drill = begin(server, duration="1h")
    wait_moved(scene, server)
    assert server.reload().status == 200
    assert is_back(scene, server) and wait_end(server, drill)["because"] == "reload"
    begin(server, duration="1h")
    wait_moved(scene, server)
    take_over(server)
    server.wait(lambda: addresses(ask(server, source=None)) == scene.us, "it is as before")
    server.wait_log("drill", "mode=live", "turn=ended", "because=takeover")


def test_by_steerctl(scene):
    server = scene.running[0]
    words = ["drill", "live", "--lose", "region:us-east", "--for", "10m", "--canary", "100%", "--abort-capacity", "95%", "--failure", "refused"]
    server.ctl(*words, code=2)
    words += ["--reason", "game day"]
    dry = server.ctl(*words, "--dry-run").stdout
    assert "ALL clients" in dry and "eu-west" in dry and server.get("/v1/drills")["items"] == []
    refused = server.ctl(*words, code=1)
    assert "us-east" in refused.stderr
    begun = server.ctl(*words, "--confirm", "us-east").stdout
    assert "LIVE: 100 % of ALL clients see it" in begun
    wait_moved(scene, server)
    drill = server.get("/v1/drills")["items"][0]
    assert drill["live"]["abort_capacity"] == 95
    server.ctl("drill", "stop", drill["id"])
    is_back(scene, server)
    wait_end(server, drill)
    assert "live: 100 % of ALL clients saw it" in server.ctl("drill", "show", drill["id"]).stdout
    server.ctl("drill", "live", "--lose", "region:us-ea", "--reason", "x", code=4)


def test_it_is_typed_at_a_terminal(scene):
    """What is typed otherwise begins nothing."""
    server = scene.running[0]
    for typed, code in (b"us-west\n", 1), (b"us-east\n", 0):
        ours, theirs = pty.openpty()
        os.write(ours, typed)
        done = subprocess.run([str(kit.STEERCTL), "-s", str(scene.socket), "drill", "live", "--lose", "region:us-east", "--reason", "x"], stdin=theirs,
                              capture_output=True, text=True, timeout=kit.PATIENCE_S, check=False)
        os.close(ours), os.close(theirs)
        assert done.returncode == code and "Type us-east to begin" in done.stdout + done.stderr, done
        assert len(server.get("/v1/drills")["items"]) == (code == 0)


def test_everybody_who_looks_is_told(scene):
    """While it runs, and in the journal: who, and why it ended."""
    server = scene.running[0]

    def steps(name="www.example.com"):
        return server.get(f"/v1/explain?name={name}&client=127.1.2.3")["steps"]

    def count(metric):
        return next(float(line.split()[1]) for line in server.request("GET", "/metrics").body.decode().splitlines()
                    if line.startswith(metric + " "))
    assert server.get("/v1/status")["live_drill"] is None and count("steerd_drill_live") == 0 and "LIVE" not in steps()[0]
    drill = begin(server, duration="1h", canary=20, canary_for="1s", actor="alice")
    told = server.get("/v1/status")["live_drill"]
    assert told["id"] == drill["id"] and told["lose"] == LOSE and told["share"] in (20, 100) and "alice" in told["actor"], told
    for words in ["status"], ["watch", "--once"]:
        assert "LIVE DRILL" in server.ctl(*words).stdout, words
    assert count("steerd_drill_live") == 1 and count("steerd_drill_live_share") in (0.2, 1)
    assert "LIVE DRILL" in steps()[0] and scene.eu[0] in steps()[0], steps()
    server.wait(lambda: look(server, drill)["live"]["share"] == 100, "all see it")
    stop(server, drill)
    assert server.get("/v1/status")["live_drill"] is None and "LIVE" not in steps()[0]

    def entries():
        return [entry["reason"] for entry in server.get(f"/v1/journal?kind=live-drill&key={drill['id']}&order=oldest")["items"]]
    server.wait(lambda: len(entries()) == 3, "three entries of the journal")
    assert entries() == ["live drill began: game day", "all clients see the live drill", "live drill ended: stopped"]
    assert "live-drill" in server.ctl("history").stdout


def test_it_is_traffic_like_any_other(scene):
    """Queries, and where answers lead, are counted for what they are."""
    server = scene.running[0]

    def count():
        rows = {item["name"]: item["answers"] for item in server.get("/v1/traffic?by=region")["items"]}
        return rows.get("us-east", 0), rows.get("eu-west", 0)
    drill = begin(server, duration="1h")
    wait_moved(scene, server)
    before, replies = count(), look(server, drill)["queries"]
    for i in range(20):
        ask(server, source=CLIENTS[i])
    server.wait(lambda: count() == (before[0], before[1] + 20), "eu-west had 20 more")
    assert look(server, drill)["queries"] == replies + 20
    stop(server, drill)
    for i in range(10):
        ask(server, source=CLIENTS[i])
    server.wait(lambda: count() == (before[0] + 10, before[1] + 20), "us-east had 10 more")


def test_load_ends_it(scene):
    """Of an endpoint that takes what moves; that of who is lost is no matter."""
    scene.close(), scene.running.clear(), scene.webs.clear()
    for endpoint in scene.topology["endpoints"].values():
        endpoint["load"] = {"low": 0.5, "high": 0.8}
    scene.web(*scene.us), scene.web(*scene.eu)
    server = scene.start()
    for endpoint in "web-us-east-1a", "web-eu-west-1a":
        server.wait_state("endpoint", endpoint, effective="healthy")
    drill = begin(server, duration="1h", abort_capacity=90)
    server.put("/v1/endpoints/web-us-east-1a/load", {"value": 0.8})
    server.put("/v1/endpoints/web-eu-west-1a/load", {"value": 0.7})
    wait_moved(scene, server)
    assert look(server, drill)["state"] == "running"
    server.put("/v1/endpoints/web-eu-west-1a/load", {"value": 0.73})
    ended = wait_end(server, drill)
    assert ended["because"] == "capacity" and "web-eu-west-1a" in ended["live"]["why"] and is_back(scene, server)


def test_the_wall_clock_is_set(scene):
    """Its time goes by the monotonic clock."""
    scene.close(), scene.running.clear(), scene.webs.clear()
    clock = Clock(scene)
    scene.web(*scene.us), scene.web(*scene.eu)
    server = scene.start()
    for endpoint in "web-us-east-1a", "web-eu-west-1a":
        server.wait_state("endpoint", endpoint, effective="healthy")
    drill = begin(server, duration="2s")
    clock.set(server, -86400), clock.set(server, 2 * 86400)
    assert wait_end(server, drill)["because"] == "time" and is_back(scene, server)
