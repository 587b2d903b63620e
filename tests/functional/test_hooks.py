# SPDX-License-Identifier: BSD-3-Clause
"""Hooks: commands are run because of events, with limits; one that hangs holds up neither others nor any answer."""
import json

import kit
import pytest
from test_events import metric
from test_history import order


@pytest.fixture
def scene(site):
    """Two regions that nobody checks, and a folder in which hooks leave their traces."""
    site.at = kit.make_regions(site, azs=("us-east-1a", "eu-west-1a"))
    for endpoint in site.topology["endpoints"].values():
        endpoint["checks"] = []
    site.zone("example.com", "").policy("example.com", {"www": {"endpoints": ["web-*"]}})
    site.server["points"] = {"every": "0s"}
    site.server["hooks"] = []
    return site


def script(scene, name, text, **options):
    path = scene.folder / f"{name}.sh"
    path.write_text(f"#!/bin/sh\ncd {scene.folder}\n{text}\n")
    path.chmod(0o755)
    scene.server["hooks"].append({"name": name, "command": [str(path)], "on": ["override"], **options})


def start(scene):
    scene.steerd = scene.start()


def look(scene, name):
    return next(item for item in scene.steerd.get("/v1/hooks")["items"] if item["name"] == name)


def wait_runs(scene, name, count, outcome):
    scene.steerd.wait(lambda: look(scene, name)["outcomes"][outcome] >= count, f"{name} has {count} {outcome}")
    return look(scene, name)["runs"]


def runs(pid):
    """Not ended, nor a zombie: its parent may be anybody by now."""
    try:
        with open(f"/proc/{pid}/stat", encoding="utf-8") as stat:
            return stat.read().rsplit(")", 1)[1].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False


def act(scene, count, first=0, target="us-east"):
    for i in range(first, first + count):
        order(scene, "region", target, ("drain", "up")[i % 2], reason=str(i))


def test_what_it_is_told(scene):
    script(scene, "told", 'env > told.env.new; mv told.env.new told.env; echo "first line"; echo "second ☎" >&2',
           environment={"TEAM": "ops"}, targets=["region:us-*"])
    start(scene)
    act(scene, 1, target="eu-west")
    act(scene, 1)
    run = wait_runs(scene, "told", 1, "ok")[0]
    told = dict(line.split("=", 1) for line in (scene.folder / "told.env").read_text().splitlines() if "=" in line)
    event = json.loads(told["STEERD_EVENT"])
    assert told["STEERD_HOOK"] == "told" and told["STEERD_WHEN"] == "after" and told["TEAM"] == "ops"
    assert told["STEERD_KIND"] == event["kind"] == "override" and told["STEERD_TARGET"] == event["name"] == "region:us-east"
    assert told["STEERD_ACTOR"] == "alice" and told["STEERD_REASON"] == "0" and told["STEERD_PEER"] == event["peer"]
    assert int(told["STEERD_SEQ"]) == event["seq"] == run["event"] and told["STEERD_ID"].endswith(f"-{event['seq']}")
    assert told["PATH"].startswith("/usr/local") and "HOME" not in told
    assert run["about"] == "override region:us-east" and run["exit_code"] == 0 and run["signal"] is None
    assert run["output"].split("\n")[0] == "first line" and "second ???" in run["output"]
    line = scene.steerd.wait_log("name=told", "outcome=ok")
    assert "output=\"second ???\"" in line and f"event_seq={event['seq']}" in line
    assert metric(scene.steerd, 'steerd_hook_runs_total{hook="told",outcome="ok"}') == 1


def test_outcomes(scene):
    script(scene, "exits", "exit 3")
    script(scene, "dies", "kill -9 $$")
    script(scene, "hangs", "echo begun; sleep 1000 & sleep 1000", timeout="300ms")
    scene.server["hooks"].append({"name": "missing", "command": ["/nowhere/hook"], "on": "override"})
    start(scene)
    act(scene, 1)
    assert wait_runs(scene, "exits", 1, "failed")[0]["exit_code"] == 3
    row = next(line for line in scene.steerd.ctl("hooks").stdout.splitlines() if line.startswith("exits"))
    assert "failed (3)" in row and "override region:us-east" in row
    assert wait_runs(scene, "dies", 1, "failed")[0]["signal"] == 9
    late = wait_runs(scene, "hangs", 1, "timeout")[0]
    assert late["exit_code"] is None and late["duration_ms"] >= 290
    assert "No such file" in wait_runs(scene, "missing", 1, "not_started")[0]["output"]
    assert scene.steerd.wait_log("name=hangs", "outcome=timeout")


def test_events_come_in_order(scene):
    script(scene, "slow", 'echo "$STEERD_REASON" >> order; sleep 0.05')
    start(scene)
    act(scene, 12)
    wait_runs(scene, "slow", 12, "ok")
    assert (scene.folder / "order").read_text().split() == [str(i) for i in range(12)]
    assert len(look(scene, "slow")["runs"]) == 12 and [run["outcome"] for run in look(scene, "slow")["runs"]] == ["ok"] * 12


def test_who_hangs_holds_up_nobody(scene):
    """Its own events wait, all else goes on: other hooks, overrides, answers; it takes no more than its places."""
    script(scene, "hangs", "echo x >> hanging; sleep 1000", timeout="60s", at_once=2)
    script(scene, "quick", "true")
    start(scene)
    act(scene, 20)
    wait_runs(scene, "quick", 20, "ok")
    item = look(scene, "hangs")
    assert item["running"] == 2 and item["waiting"] == 18
    assert scene.steerd.addresses("www.example.com") and (scene.folder / "hanging").read_text() == "x\nx\n"
    assert metric(scene.steerd, 'steerd_hook_waiting{hook="hangs"}') == 18


def test_too_many_wait(scene):
    script(scene, "hangs", "sleep 1000", timeout="60s")
    start(scene)
    act(scene, 260)
    scene.steerd.wait(lambda: look(scene, "hangs")["dropped"] == 3, "three are dropped")
    assert look(scene, "hangs")["waiting"] == 256


def test_much_output(scene):
    """Its end tells how it ended."""
    script(scene, "talks", "yes | head -c 10000000; echo; echo 'replica is behind' >&2; exit 1", output_max=1024)
    script(scene, "says", "seq 1 300; echo 'and that was all'", output_max=256)
    start(scene)
    act(scene, 1)
    output = wait_runs(scene, "talks", 1, "failed")[0]["output"]
    assert "y\ny\n" in output and output.endswith("\nreplica is behind") and len(output) == 511  # and a newline
    scene.steerd.wait_log("name=talks", 'output="replica is behind"')
    output = wait_runs(scene, "says", 1, "ok")[0]["output"]
    assert output.endswith("\n299\n300\nand that was all") and len(output) == 255


def test_reloads(scene):
    """One that goes is ended; one that changes does what it is told from then on."""
    script(scene, "goes", "echo $$ > pid.new; mv pid.new pid; sleep 1000", timeout="60s")
    script(scene, "stays", "echo before >> stays")
    start(scene)
    act(scene, 1)
    scene.steerd.wait((scene.folder / "pid").exists, "it runs")
    wait_runs(scene, "stays", 1, "ok")
    scene.server["hooks"] = scene.server["hooks"][1:]
    script(scene, "after", "true")
    scene.server["hooks"][0]["environment"] = {"TEAM": "b"}
    scene.write()
    assert scene.steerd.reload().status == 200
    pid = int((scene.folder / "pid").read_text())
    scene.steerd.wait(lambda: not runs(pid), "it is ended")
    assert scene.steerd.wait_log("name=goes", "outcome=called_off")
    act(scene, 1, 1)
    wait_runs(scene, "stays", 2, "ok"), wait_runs(scene, "after", 1, "ok")
    assert look(scene, "after")["outcomes"]["ok"] == 1


def test_an_end_takes_them_along(scene):
    script(scene, "hangs", "echo $$ > pid.new; mv pid.new pid; sleep 1000", timeout="60s")
    start(scene)
    act(scene, 1)
    scene.steerd.wait((scene.folder / "pid").exists, "it runs")
    pid = int((scene.folder / "pid").read_text())
    scene.steerd.stop()
    kit.wait_for(lambda: not runs(pid), "it has ended")


@pytest.mark.parametrize("hook, words", [
    ({"name": "x", "on": "health"}, ["command"]), ({"name": "x", "command": ["true"], "on": "health"}, ["absolute"]),
    ({"name": "x", "command": ["/bin/true"]}, ["on"]), ({"name": "x", "command": ["/bin/true"], "on": []}, ["at least one"]),
    ({"name": "x", "command": ["/bin/true"], "on": "hook"}, ["never ends"]),
    ({"name": "x", "command": ["/bin/true"], "on": "weather"}, ["weather"]),
    ({"name": "x", "command": ["/bin/true"], "on": "health", "when": "before"}, ["have happened"]),
    ({"name": "x", "command": ["/bin/true"], "on": "health", "at_once": 17}, ["at_once"]),
    ({"name": "x", "command": ["/bin/true", "y" * 9000], "on": "health"}, ["octets"]),
    ({"name": "x", "command": ["/bin/true"], "on": "health", "warning": "up"}, ["warning"])])
def test_what_is_wrong(scene, hook, words):
    scene.server["hooks"] = [hook]
    scene.write()
    done = kit.run_steerd("-c", str(scene.config), "--check")
    assert done.returncode == 1 and all(word in done.stderr for word in words), done.stderr
