# SPDX-License-Identifier: BSD-3-Clause
"""Live drills by hooks: what is lost is really stopped, its failure is detected by its real checks, and whatever happens it is undone."""
import contextlib
import sqlite3

import pytest

import kit
from takeovers import reaper, take_over  # noqa: F401  pylint: disable=unused-import
from test_live import begin, is_back, wait_moved
from test_shadow import ask, addresses, look, wait_end
from test_shadow import stop as stop_drill

HOOKS = {"by": "hooks", "failure": None, "duration": "1h"}


@pytest.fixture
def scene(site):
    """www in us-east, else eu-west; the hooks stop the process of us-east (SIGSTOP), and let it go on."""
    at = kit.make_regions(site, azs=("us-east-1a", "eu-west-1a"), interval="200ms", timeout="200ms", fall=2, rise=1)
    site.us, site.eu = ([at[az]] for az in ("us-east-1a", "eu-west-1a"))
    site.zone("example.com", "")
    site.policy("example.com", {"www": {"ttl": 60, "endpoints": ["web-*"], "tiers": [["us-east"], ["eu-west"]]}})
    site.web(*site.us), site.web(*site.eu)
    (site.folder / "pid").write_text(str(site.webs[0].process.pid))
    site.server["hooks"] = []
    hook(site, "stop", "kill -STOP $(cat pid)")
    hook(site, "undo", "[ ! -f locked ] || { echo it is locked; exit 3; }; kill -CONT $(cat pid)")
    yield site
    site.webs[0].process.send_signal(18)  # SIGCONT: so that it can be ended


def hook(site, when, text, name=None, **options):
    path = site.folder / f"{name or when}.sh"
    path.write_text(f'#!/bin/sh\ncd {site.folder}\necho "$STEERD_WHEN $STEERD_KIND $STEERD_TARGET $STEERD_DRILL" >> trace\n{text}\n')
    path.chmod(0o755)
    site.server["hooks"].append({"name": name or when, "command": [str(path)], "on": ["drill"], "when": when, **options})


def start(site):
    server = site.start()
    for name in "web-us-east-1a", "web-eu-west-1a":
        server.wait_state("endpoint", name, effective="healthy")
    return server


def trace(site):
    path = site.folder / "trace"
    return path.read_text().splitlines() if path.exists() else []


def records(server):
    """Of what is to be undone, by target: the latest entry of the journal says whether it is there."""
    latest = {}
    for entry in server.get("/v1/journal?kind=drill-stop")["items"]:
        latest.setdefault(entry["key"], entry["after"])
    return {key for key, after in latest.items() if after is not None}


def check_undone(scene, server, drill):
    server.wait(lambda: is_stopped(scene) is False and addresses(ask(server, source=None)) == scene.us and is_back(scene, server), "it runs again")
    server.wait(lambda: not records(server), "nothing is to be undone any more")
    assert trace(scene)[-1] == f"undo drill region:us-east {drill['id']}"
    assert "\nsteerd_drill_not_undone 0\n" in server.request("GET", "/metrics").body.decode()


def is_stopped(scene):
    stat = (kit.pathlib.Path("/proc") / str(scene.webs[0].process.pid) / "stat").read_text()
    return stat.rsplit(")", 1)[1].split()[0] == "T"


def begin_hooks(scene, server, **body):
    drill = begin(server, **{**HOOKS, **body})
    wait_moved(scene, server)
    assert is_stopped(scene)
    return drill


def test_by_hooks(scene):
    """Detection, decision and the way back are those of a real failure; it does not end the drill, another one does."""
    server = start(scene)
    drill = begin_hooks(scene, server)
    assert drill["live"]["by"] == "hooks" and trace(scene) == [f"stop drill region:us-east {drill['id']}"] and len(records(server)) == 1
    server.wait_state("region", "us-east", observed="unhealthy")
    server.wait(lambda: server.get("/v1/incidents")["items"], "it is an incident, in reality")
    server.wait(lambda: look(server, drill)["measured"]["decision_ms"] is not None, "the drill knows")
    assert look(server, drill)["state"] == "running", "its own failure is none of others"
    stop_drill(server, drill)
    check_undone(scene, server, drill)
    ended = wait_end(server, drill)
    assert ended["measured"]["detection_ms"] >= 200 and ended["measured"]["decision_ms"] >= ended["measured"]["detection_ms"]
    assert ended["because"] == "stopped" and ended["report"]["answers_changed"] == 1
    runs = {one["name"]: one for one in server.get("/v1/hooks")["items"]}
    assert runs["stop"]["on"] == ["drill"] and runs["stop"]["outcomes"]["ok"] == 1 and runs["undo"]["outcomes"]["ok"] == 1


def test_others_may_not_fail(scene):
    server = start(scene)
    drill = begin_hooks(scene, server)
    scene.webs[1].kill()
    ended = wait_end(server, drill)
    assert ended["because"] in ("real_failure", "incident") and "eu-west" in ended["live"]["why"]
    check_undone(scene, server, drill)


def test_it_ends_by_itself(scene):
    server = start(scene)
    drill = begin_hooks(scene, server, duration="3s")
    assert wait_end(server, drill)["because"] == "time"
    check_undone(scene, server, drill)


@pytest.mark.parametrize("how", ["kill", "kill amid", "reload", "takeover", "stop"])
def test_it_is_undone_whatever_happens(scene, how):
    if how == "kill amid":  # while the hook runs
        hook(scene, "stop", "kill -STOP $(cat pid); sleep 60", "slowly")
    server = start(scene)
    if how == "kill amid":
        drill = begin(server, **HOOKS)
        server.wait(lambda: len(trace(scene)) == 2 and is_stopped(scene), "it is being stopped")
    else:
        drill = begin_hooks(scene, server)
    if how == "reload":
        assert server.reload().status == 200
    elif how == "takeover":
        take_over(server)
    else:
        server.kill() if how.startswith("kill") else server.stop()
        assert is_stopped(scene) or how == "stop"
        server = scene.start()
    check_undone(scene, server, drill)


def test_what_cannot_be_undone_is_told(scene):
    """In the log, as an event and a metric; all others are run, and it is tried again until it can, also by the next process."""
    hook(scene, "undo", "true", "also")
    server = start(scene)
    drill = begin_hooks(scene, server)
    (scene.folder / "locked").write_text("")
    stop_drill(server, drill)
    server.wait_log("not undone", drill["id"], "it is locked")
    server.wait(lambda: "\nsteerd_drill_not_undone 1\n" in server.request("GET", "/metrics").body.decode(), "a metric says so")
    assert is_stopped(scene) and len(records(server)) == 1 and trace(scene)[1:3] == [f"undo drill region:us-east {drill['id']}"] * 2
    server.wait_log("turn=not_undone", drill["id"], "it is locked")
    server.kill()
    server = scene.start()
    server.wait_log("not undone", drill["id"], "it is locked")
    (scene.folder / "locked").unlink()
    check_undone(scene, server, drill)


def test_what_cannot_be_stopped_ends_it(scene):
    hook(scene, "stop", "echo no; exit 1", "refuses")
    server = start(scene)
    drill = begin(server, **HOOKS)
    ended = wait_end(server, drill)
    assert ended["because"] == "failed" and "refuses" in ended["live"]["why"] and "no" in ended["live"]["why"]
    check_undone(scene, server, drill)


@pytest.mark.parametrize("how", ["stop", "takeover"])
def test_it_ends_while_it_is_being_stopped(scene, how):
    """A hook that stops is run once, to its end, before those that undo are, and another process takes over after that."""
    hook(scene, "stop", "sleep 2; echo stopped >> trace", "slowly")
    server = start(scene)
    drill = begin(server, **HOOKS)
    server.wait(lambda: len(trace(scene)) >= 2 and is_stopped(scene), "it is being stopped")
    stop_drill(server, drill) if how == "stop" else take_over(server)
    check_undone(scene, server, drill)
    told = f"drill region:us-east {drill['id']}"
    assert trace(scene) == [f"stop {told}", f"stop {told}", "stopped", f"undo {told}"]


def test_nothing_is_left_that_undoes(scene):
    """What hooks have stopped stays to be undone while no hook does that."""
    hooks = scene.server["hooks"]
    server = start(scene)
    drill = begin_hooks(scene, server)
    scene.server["hooks"] = []
    scene.write()
    assert server.reload().status == 200
    server.wait_log("not undone", drill["id"], "no hook that undoes")
    server.kill()
    server = scene.start()
    server.wait_log("not undone", drill["id"], "no hook that undoes")
    server.wait(lambda: "\nsteerd_drill_not_undone 1\n" in server.request("GET", "/metrics").body.decode(), "a metric says so")
    assert is_stopped(scene) and len(records(server)) == 1
    scene.server["hooks"] = hooks
    scene.write()
    assert server.reload().status == 200
    check_undone(scene, server, drill)


def test_lost_again_while_it_is_undone(scene):
    """It is undone first, and stopped once more then, however often its document says that it is lost."""
    hook(scene, "undo", "sleep 4; echo undone >> trace", "slowly")
    server = start(scene)
    events = [("0s", "lost"), ("0s", "lost"), ("2s", "recovered"), ("3s", "lost")]
    document = {"duration": "1h", "live": {"by": "hooks"}, "events": [{"at": at, "what": "region:us-east", "how": how} for at, how in events]}
    drill = begin(server, lose=None, failure=None, document=document)
    stop, undo = (f"{when} drill region:us-east {drill['id']}" for when in ("stop", "undo"))
    server.wait(lambda: len(trace(scene)) == 5, "it is stopped again")
    assert trace(scene) == [stop, undo, undo, "undone", stop]
    server.wait(lambda: is_stopped(scene), "it stands")
    assert look(server, drill)["state"] == "running" and len(records(server)) == 1
    stop_drill(server, drill)
    server.wait(lambda: len(trace(scene)) == 8, "it is undone again")
    server.wait(lambda: not is_stopped(scene) and not records(server), "nothing is to be undone any more")


def test_a_store_that_comes_back_after_the_start(scene):
    """What it says is to be undone is undone then."""
    server = start(scene)
    drill = begin_hooks(scene, server)
    server.kill()
    put_back = scene.hide_store()
    server = scene.start()
    server.wait_log("live drills unread")
    assert is_stopped(scene)
    put_back()
    check_undone(scene, server, drill)
    assert look(server, drill)["because"] == "restart"


def test_what_it_takes(scene):
    hooks = scene.server["hooks"]
    scene.server["hooks"] = []
    server = start(scene)
    error, = begin(server, 422, **HOOKS)["errors"]
    assert error["field"] == "by" and "no hooks" in error["message"]
    for wrong in ([hooks[0]], [{**hooks[0], "on": ["switchover"]}, hooks[1]], [{**hooks[0], "on": ["health"]}, hooks[1]]):
        scene.server["hooks"] = wrong
        scene.write()
        assert server.reload().status == 422
    scene.server["hooks"] = hooks
    scene.write()
    assert server.reload().status == 200
    assert begin(server, 422, **HOOKS, canary=5)["errors"][0]["field"] == "by"
