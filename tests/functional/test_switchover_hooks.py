# SPDX-License-Identifier: BSD-3-Clause
"""Commands that are run before traffic moves, and after: one that fails stops a planned switchover and never an emergency, and one
that hangs holds up nobody else."""
import json
import threading

import pytest

import kit
from takeovers import reaper, take_over  # noqa: F401  pylint: disable=unused-import
from test_switchover import act, ask, begin, state_of, wait_for


@pytest.fixture
def scene(site):
    """www in us-east, else eu-west, nobody checks; hooks leave their traces in the folder."""
    at = kit.make_regions(site, azs=("us-east-1a", "eu-west-1a"))
    for endpoint in site.topology["endpoints"].values():
        endpoint["checks"] = []
    site.us, site.eu = ([at[az]] for az in ("us-east-1a", "eu-west-1a"))
    site.zone("example.com", "")
    site.policy("example.com", {"www": {"ttl": 1, "endpoints": ["web-*"], "tiers": [["us-east"], ["eu-west"]]}})
    site.server["points"] = {"every": "0s"}
    site.server["hooks"] = []
    return site


def hook(scene, name, text, when="before", **options):
    path = scene.folder / f"{name}.sh"
    path.write_text(f"#!/bin/sh\ncd {scene.folder}\n{text}\n")
    path.chmod(0o755)
    scene.server["hooks"].append({"name": name, "command": [str(path)], "on": ["switchover"], "when": when, **options})


def hanging(scene):
    """Ends when the file `go` is there, with what is in it."""
    hook(scene, "waits", "echo x >> asked; while [ ! -f go ]; do sleep 0.02; done; exit $(cat go)")


def read(scene, name):
    path = scene.folder / name
    return path.read_text(encoding="utf-8") if path.exists() else ""


def outcome(server, name):
    return next(item for item in server.get("/v1/hooks")["items"] if item["name"] == name)["outcomes"]


class Asking:
    """A request whose answer takes its time."""

    def __init__(self, server, path, body):
        self.reply = None
        self.thread = threading.Thread(target=self.run, args=(server, path, body))
        self.thread.start()

    def run(self, server, path, body):
        try:
            self.reply = server.request("POST", path, {"actor": "ann", "reason": "power work", **body})
        except OSError:  # it was killed
            pass

    def end(self):
        self.thread.join(30)
        return self.reply


def execute(scene, server, made):
    """Its hook runs by then."""
    asking = Asking(server, f"/v1/switchovers/{made['id']}:execute", {})
    server.wait(lambda: read(scene, "asked") != "", "the hook runs")
    return asking


def whats(server, made):
    return [note["what"] for note in server.get(f"/v1/switchovers/{made['id']}")["notes"]]


def test_they_are_asked_before_and_told_after(scene):
    hook(scene, "first", 'env > first.env; echo "$STEERD_PHASE" >> order')
    hook(scene, "second", 'echo second >> order')
    hook(scene, "told", 'echo "$STEERD_EVENT" >> told', when="after")
    server = scene.start()
    made = begin(server, execute=True)
    assert made["state"] == "moved" and made["hooks_before"] is None and made["rules_ignored"] == []
    assert read(scene, "order") == "execute\nsecond\n"
    env = dict(line.split("=", 1) for line in read(scene, "first.env").splitlines())
    assert (env["STEERD_SWITCHOVER"], env["STEERD_TARGET"], env["STEERD_EMERGENCY"]) == (made["id"], "region:us-east", "0")
    assert (env["STEERD_ACTOR"], env["STEERD_REASON"], env["STEERD_WHEN"]) == ("ann", "power work", "before")
    shown = json.loads(env["STEERD_EVENT"])
    assert shown["state"] == "planned" and shown["hooks_before"] == "execute" and shown["source"] == ["region:us-east"]
    assert [note["what"] for note in made["notes"]] == ["hooks", "execute"]
    server.wait(lambda: any(json.loads(line)["body"].get("after") == "moved" for line in read(scene, "told").splitlines()),
                "it is told after")
    act(server, made, "rollback")
    server.wait(lambda: read(scene, "order").count("rollback") == 1, "the way back asks nobody and tells them")


def test_one_that_fails_stops_it(scene):
    hook(scene, "promote", '[ -f ready ] && exit 0; echo "the replica is not there"; exit 3')
    hook(scene, "later", "echo x >> later")
    server = scene.start()
    reply = server.request("POST", "/v1/switchovers", {"source": "region:us-east", "reason": "x", "execute": True, "actor": "ann"})
    assert reply.status == 409 and reply.json["type"].endswith(":hook"), reply
    assert reply.json["errors"] == [{"field": "hook:promote", "message": "failed with exit 3: the replica is not there"}]
    [made] = server.get("/v1/switchovers")["items"]
    assert made["id"] in reply.json["detail"] and made["state"] == "planned"
    server.wait(lambda: server.get(f"/v1/switchovers/{made['id']}")["hooks_before"] is None, "it is noted")
    notes = server.get(f"/v1/switchovers/{made['id']}")["notes"]
    assert [note["what"] for note in notes] == ["hooks", "stopped"]
    assert notes[1]["found"] == "hook promote: failed with exit 3: the replica is not there"
    assert server.addresses("www.example.com") == scene.us and server.get("/v1/overrides")["items"] == []
    server.wait_log("switchover stopped", "promote")
    (scene.folder / "ready").touch()
    assert act(server, made, "execute")["state"] == "moved" and read(scene, "later") == "x\n"
    assert server.addresses("www.example.com") == scene.eu


@pytest.mark.parametrize("what, message", [
    ({"text": "sleep 1000", "timeout": "100ms"}, "timeout after 100 ms"), ({"command": ["/nowhere/at-all"]}, "not_started: it cannot be run")])
def test_nor_does_it_go_on_without_an_answer(scene, what, message):
    hook(scene, "promote", what.pop("text", ""))
    scene.server["hooks"][0].update(what)
    server = scene.start()
    said = ask(server, body={"source": "region:us-east", "reason": "x", "execute": True}, status=409)
    assert said["errors"][0]["message"].startswith(message), said
    assert server.addresses("www.example.com") == scene.us


def test_an_emergency_waits_for_none(scene):
    hook(scene, "hangs", 'echo "$STEERD_EMERGENCY" > hangs; sleep 1000', timeout="200ms")
    hook(scene, "against", "exit 1")
    server = scene.start()
    made = begin(server, emergency=True)
    assert made["state"] == "moved" and server.addresses("www.example.com") == scene.eu
    server.wait(lambda: outcome(server, "hangs")["timeout"] == 1 and outcome(server, "against")["failed"] == 1, "they are run")
    assert read(scene, "hangs") == "1\n" and [note["what"] for note in made["notes"]] == ["execute"]


def test_one_that_hangs_holds_up_nobody(scene):
    hanging(scene)
    server = scene.start()
    made = begin(server)
    asking = execute(scene, server, made)
    shown = server.get(f"/v1/switchovers/{made['id']}")
    assert shown["state"] == "planned" and shown["hooks_before"] == "execute" and shown["allowed"] == ["execute", "cancel"]
    assert server.addresses("www.example.com") == scene.us
    assert act(server, made, "execute", 503)["detail"].startswith("hooks are run before it")
    other = begin(server, source=["region:eu-west"], emergency=True)  # and another one goes on
    assert other["state"] == "moved"
    act(server, other, "rollback")
    (scene.folder / "go").write_text("0")
    assert asking.end().json["state"] == "moved" and server.addresses("www.example.com") == scene.eu


def test_it_burns_while_they_run(scene):
    hanging(scene)
    server = scene.start()
    made = begin(server)
    asking = execute(scene, server, made)
    now = act(server, made, "execute", emergency=True, reason="it burns")
    assert now["state"] == "moved" and now["emergency"] and now["hooks_before"] is None
    assert server.addresses("www.example.com") == scene.eu
    (scene.folder / "go").write_text("0")
    late = asking.end()
    assert late.status == 503 and "changed meanwhile" in late.json["detail"]
    assert whats(server, made) == ["hooks", "execute"]


def test_it_is_called_off_while_they_run(scene):
    hanging(scene)
    server = scene.start()
    made = begin(server)
    asking = execute(scene, server, made)
    assert act(server, made, "cancel")["state"] == "cancelled"
    (scene.folder / "go").write_text("0")
    assert asking.end().status == 503 and state_of(server, made) == "cancelled"


def test_what_came_meanwhile_objects(scene):
    """They took their time: nobody is left to serve."""
    hanging(scene)
    server = scene.start()
    made = begin(server)
    asking = execute(scene, server, made)
    server.override("region", "eu-west", "down", "dark")
    (scene.folder / "go").write_text("0")
    late = asking.end()
    assert late.status == 409 and "served" in [error["field"] for error in late.json["errors"]], late
    server.wait(lambda: whats(server, made) == ["hooks", "stopped"], "that is noted")
    assert state_of(server, made) == "planned" and server.addresses("www.example.com") == scene.us


def test_the_way_back_asks_them_too(scene):
    hook(scene, "asked", 'echo "$STEERD_PHASE" >> order; [ "$STEERD_PHASE" != failback ] || [ -f ready ]')
    server = scene.start()
    made = begin(server, execute=True)
    server.wait(lambda: server.request("POST", f"/v1/switchovers/{made['id']}:verify", {}).status == 200, "it is verified")
    act(server, made, "commit")
    act(server, made, "reprotect", accept=["replication"], confirm="us-east", reason="there are no data")
    refused = act(server, made, "failback", 409)
    assert refused["errors"][0]["message"] == "failed with exit 1" and refused["detail"].endswith("is protected")
    (scene.folder / "ready").touch()
    server.wait(lambda: server.get(f"/v1/switchovers/{made['id']}")["hooks_before"] is None, "it is noted")
    assert act(server, made, "failback")["state"] == "returned"
    assert read(scene, "order") == "execute\nfailback\nfailback\n"


@pytest.mark.parametrize("how", ["kill", "stop", "takeover"])
def test_an_end_while_they_run(scene, how):
    """Nothing has moved, it says where it was left, and goes on from there."""
    hanging(scene)
    server = scene.start()
    made = begin(server)
    asking = execute(scene, server, made)
    if how == "takeover":
        take_over(server)
        server.wait_log("switchover interrupted", made["id"])
        (scene.folder / "go").write_text("0")
        late = asking.end()
        assert late is None or late.status == 503, late
    else:
        (server.kill if how == "kill" else server.stop)()
        asking.end()
        (scene.folder / "go").write_text("0")
        server = scene.start()
    shown = server.get(f"/v1/switchovers/{made['id']}")
    assert shown["state"] == "planned" and shown["hooks_before"] is None and shown["allowed"] == ["execute", "cancel"]
    assert shown["notes"][0]["what"] == "hooks" and shown["notes"][-1]["what"] in ("interrupted", "stopped")
    assert server.addresses("www.example.com") == scene.us
    assert act(server, made, "execute")["state"] == "moved"


def test_a_reload_amid_them(scene):
    """Those that stand behind it now come next."""
    hanging(scene)
    hook(scene, "gone", "echo gone >> order")
    server = scene.start()
    made = begin(server)
    asking = execute(scene, server, made)
    scene.server["hooks"].pop()
    hook(scene, "new", "echo new >> order")
    scene.server["hooks"].insert(0, scene.server["hooks"].pop(0))
    scene.write()
    server.reload()
    (scene.folder / "go").write_text("0")
    assert asking.end().json["state"] == "moved" and read(scene, "order") == "new\n"
    wait_for(server, made, "moved")


def test_what_is_held_is_resumed_while_they_run(scene):
    """They are run before it goes elsewhere; it goes on where it was to go, and nobody waits for them any more."""
    hanging(scene)
    (scene.folder / "go").write_text("0")
    server = scene.start()
    made = begin(server, steps=[10], each="8s", execute=True)
    server.override("region", "eu-west", "down")
    server.wait(lambda: server.get(f"/v1/switchovers/{made['id']}")["held"], "its steps are held")
    (scene.folder / "go").unlink(), (scene.folder / "asked").unlink()
    accept = ["served", "health", "destination_serves"]
    asking = Asking(server, f"/v1/switchovers/{made['id']}:redirect", {"to": "eu-west", "accept": accept})
    server.wait(lambda: read(scene, "asked") != "", "the hook runs")
    assert server.get(f"/v1/switchovers/{made['id']}")["hooks_before"] == "redirect"
    now = act(server, made, "resume", accept=["served", "health"], reason="that is known")
    assert now["hooks_before"] is None and now["held"] is None
    (scene.folder / "go").write_text("0")
    assert "changed meanwhile" in asking.end().json["detail"]
    wait_for(server, made, "moved")
    assert whats(server, made) == ["hooks", "execute", "held", "hooks", "resume", "moved"]
