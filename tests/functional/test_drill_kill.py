# SPDX-License-Identifier: BSD-3-Clause
"""kill -9 of steerd at every step of a drill on the server, and of the steerctl that waits for one: production is as before, nothing is
left of it after its lease but what is told of it, and the next one begins as if there had been none."""
import json
import signal
import socket
import subprocess

import pytest

import kit
from test_live import CLIENTS
from test_shadow import addresses, ask, look, others, scene, ttls, wait_end  # noqa: F401  pylint: disable=unused-import

LATE = [{"at": "30s", "what": "region:us-east", "how": "lost"}]
AT_ONCE = [{"at": "0s", "what": "region:us-east", "how": "refused"}]
UNTOLD = ("begun", "report")  # what is not on the disk yet nobody can tell
DRILLERS = {"prefixes": ["127.1.2.0/24"]}


def body_of(mode, step):
    events = LATE if step in ("begun", "nothing yet") else [{**AT_ONCE[0], "how": "lost"}] if mode == "override" else AT_ONCE
    document = {"name": "killed", "duration": "1h", "events": events}
    if mode == "shadow":
        return {"mode": "shadow", "document": document, "clients": DRILLERS, "reason": "x"}
    more = {"by": "override"} if mode == "override" else {}
    if step in ("canary", "widened"):
        more = {"canary": 50, "canary_for": "1s" if step == "widened" else "1h"}
    return {"mode": "live", "document": document, "reason": "x", "confirm": "us-east", **more}


def send(server, method, path, body=None):
    """A request whose answer nobody waits for."""
    text = b"" if body is None else json.dumps(body).encode()
    connection = socket.socket(socket.AF_UNIX)
    connection.connect(str(server.site.socket))
    connection.sendall(f"{method} {path} HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: {len(text)}\r\n\r\n".encode() + text)
    return connection


def begin(server, body):
    reply = server.request("POST", "/v1/drills", body)
    assert reply.status == 201, reply
    return reply.json


def is_seen(scene, server, mode, step):
    clients = ["127.1.2.3"] if mode == "shadow" else CLIENTS if step == "canary" else [None]
    return any(addresses(ask(server, source=client)) == scene.eu for client in clients)


def lead_to(scene, server, mode, step):
    """Until it is there."""
    if step == "starting":
        return send(server, "POST", "/v1/drills", body_of(mode, step))
    drill = begin(server, body_of(mode, step))
    if step == "begun":
        return drill
    if step == "nothing yet":
        server.wait(lambda: (note := scene.folder / "var/drills").exists() and drill["id"] in note.read_text(), "it is written down that it runs")
        assert look(server, drill)["measured"]["detection_ms"] is None
        return drill
    server.wait(lambda: look(server, drill)["measured"]["decision_ms"] is not None and is_seen(scene, server, mode, step), "it is decided")
    if step == "widened":
        server.wait(lambda: look(server, drill)["live"]["share"] == 100, "all see it")
    elif step == "ending":
        return send(server, "DELETE", f"/v1/drills/{drill['id']}")
    elif step == "report":
        server.request("DELETE", f"/v1/drills/{drill['id']}")
        server.wait(lambda: look(server, drill)["state"] == "ended", "it has ended; its report is on its way to the store")
    return drill


def check_nothing_left(scene, server, before):
    server.wait(lambda: not server.get("/v1/overrides")["items"] and others(server) == before, "production is as before")
    reply = ask(server)
    assert addresses(reply) == scene.us and ttls(reply) == {60}, "also for its clients"
    assert all(drill["state"] == "ended" for drill in server.get("/v1/drills")["items"]) and server.get("/v1/status")["live_drill"] is None
    assert "\nsteerd_drill_live 0\n" in server.request("GET", "/metrics").body.decode()
    note = scene.folder / "var/drills"
    server.wait(lambda: not note.exists() or note.read_text() == "", "no note is left")
    server.wait(lambda: (entries := server.get("/v1/journal?kind=live-drill")["items"]) == [] or entries[0]["after"] is None, "nor an object")


@pytest.mark.parametrize("mode, step", [(mode, step) for mode in ("shadow", "live", "override")
                                        for step in ("starting", "begun", "nothing yet", "decided", "canary", "widened", "ending", "report")
                                        if mode == "live" or step not in ("canary", "widened")])
def test_steerd_is_killed(scene, mode, step):
    server = scene.running[0]
    before = others(server)
    drill = lead_to(scene, server, mode, step)
    server.kill()
    server = scene.start()
    check_nothing_left(scene, server, before)
    if isinstance(drill, dict):
        kept = server.wait(lambda: next((one for one in server.get("/v1/drills/reports")["items"] if one["id"] == drill["id"]), None) or
                           (step in UNTOLD and "lost with the process"), "it is told what became of it")
        assert kept == "lost with the process" or kept["outcome"] == "not_run"
    server.wait_state("region", "us-east", effective="healthy")
    again = begin(server, body_of(mode, "decided"))
    server.wait(lambda: is_seen(scene, server, mode, "decided"), "another one is seen")
    assert server.request("DELETE", f"/v1/drills/{again['id']}").status == 200
    wait_end(server, again)
    check_nothing_left(scene, server, before)


@pytest.mark.parametrize("mode", ["shadow", "live", "override"])
def test_steerctl_is_killed(scene, mode):
    """Who waits for a drill is no part of it: that ends when its time is up, with a report."""
    server = scene.running[0]
    before = others(server)
    words = ["--client", "127.1.2.0/24"] if mode == "shadow" else ["--confirm", "us-east"] + (["--by", "override"] if mode == "override" else [])
    command = [str(kit.STEERCTL), "-s", str(scene.socket), "drill", "shadow" if mode == "shadow" else "live", "--lose", "region:us-east", "--for", "6s",
               "--failure", "refused", "--reason", "x", "--wait", *words]
    with subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as waiting:
        server.wait(lambda: is_seen(scene, server, mode, "decided"), "it is decided")
        waiting.kill()
        assert waiting.wait() == -signal.SIGKILL
    drill = server.get("/v1/drills")["items"][0]
    assert wait_end(server, drill)["because"] == "time"
    check_nothing_left(scene, server, before)
    kept = server.wait(lambda: next(iter(server.get("/v1/drills/reports")["items"]), None), "it is kept")
    assert kept["id"] == drill["id"] and kept["outcome"] == "met"
