# SPDX-License-Identifier: BSD-3-Clause
"""Checks of type file: another program writes what is up and what is down. Whoever writes it, and however: what makes sense
is taken at once, what does not is refused as a whole, and what cannot be read counts against nobody."""
import itertools
import json
import os
import pathlib
import shutil
import subprocess
import threading
import time

import pytest

import kit
import nameserver
import takeovers
from takeovers import take_over
from test_last_health import wait_kept

reaper = takeovers.reaper  # a fixture

US, EU = "web-us-east-1a", "web-eu-west-1a"


@pytest.fixture
def scene(site):
    """US is the first choice; the file is told by `tell()`."""
    site.at = kit.make_regions(site, azs=("us-east-1a", "eu-west-1a"))
    site.told = site.folder / "told" / "health.json"
    site.told.parent.mkdir()
    site.topology["checks"] = {"noc": {"type": "file", "file": str(site.told), "interval": "1h"}}
    for endpoint in site.topology["endpoints"].values():
        endpoint["checks"] = ["noc"]
    site.zone("example.com", "")
    site.policy("example.com", {"www": {"ttl": 5, "endpoints": ["web-*"], "tiers": [["us-east"], ["eu-west"]]}})
    site.us, site.eu = [site.at["us-east-1a"]], [site.at["eu-west-1a"]]
    return site


@pytest.fixture
def unshared(scene):
    """Sets a limit of the kernel for this server alone: in a namespace of users of its own."""
    def limit(path, value):
        if subprocess.run(["unshare", "-Ur", "true"], check=False, capture_output=True).returncode != 0:
            pytest.skip("no user namespaces")
        scene.launcher = ["unshare", "-Ur", "sh", "-c", f'echo {value} >{path} && exec "$0" "$@"']

        def change(to):
            subprocess.run(["nsenter", "-U", "-t", str(scene.running[0].process.pid), "sh", "-c", f"echo {to} >{path}"], check=True)
        return change
    return limit


def write(path, text):
    """As programs do that care: beside it, then in its place."""
    new = path.with_name(path.name + ".new")
    new.write_text(text)
    new.rename(path)


def say(path, **states):
    write(path, json.dumps({US: "up", EU: "up", **{name.replace("_", "-"): state for name, state in states.items()}}))


def check_of(server, endpoint=US, name="noc"):
    return next(row for row in server.get(f"/v1/endpoints/{endpoint}")["checks"] if row["check"] == name)


def text_of(server, endpoint=US, name="noc"):
    return server.get(f"/v1/checks?endpoint={endpoint}&check={name}")["items"][0]["text"]


def wait_check(server, endpoint=US, name="noc", **expected):
    def look():
        row = check_of(server, endpoint, name)
        return {key: row[key] for key in expected} == expected
    server.wait(look, f"{endpoint} {expected}")


def wait_text(server, *words, endpoint=US, name="noc"):
    server.wait(lambda: all(word in (text_of(server, endpoint, name) or "") for word in words), f"the text {words}")


def flip(server, site, down):
    say(site.told, **({US.replace("-", "_"): "down"} if down else {}))
    server.wait_answers("www.example.com", site.eu if down else site.us)


def test_a_change_moves_answers_at_once(scene):
    """The interval is an hour: whatever is seen here was seen because the file changed."""
    say(scene.told)
    server = scene.start()
    wait_check(server, verdict="healthy", outcome="ok", type="file")
    assert server.addresses("www.example.com") == scene.us
    for _ in range(3):
        flip(server, scene, True)
        wait_check(server, verdict="unhealthy", outcome="reported_down")
        flip(server, scene, False)
    write(scene.told, json.dumps({US: {"state": "down", "reason": "disk is full\n\x1b[31m"}, EU: "up"}))
    server.wait_answers("www.example.com", scene.eu)
    wait_text(server, "disk is full??[31m")
    assert "disk is full" in server.ctl("checks").stdout


def test_written_in_place(scene):
    """Whoever writes into the file itself is waited for until he closes it: half a content is none."""
    say(scene.told)
    server = scene.start()
    wait_check(server, verdict="healthy")
    for round_number in range(20):
        state = "down" if round_number % 2 == 0 else "up"
        with open(scene.told, "w", encoding="utf-8") as file:
            file.write("{")
            file.flush()
            file.write(f'"{US}": "{state}", "{EU}": "up"')
            file.flush()
            file.write("}")
        server.wait_answers("www.example.com", scene.eu if state == "down" else scene.us)
    assert "refused" not in server.read_log(), "never seen halfway"


def test_what_is_wrong_is_refused_as_a_whole(scene):
    say(scene.told)
    server = scene.start()
    wait_check(server, verdict="healthy")
    write(scene.told, '{\n  "%s": "down",\n  "%s": "dwon"\n}' % (US, EU))
    wait_text(server, "line 3, column 21: found \"dwon\"", "stands", endpoint=EU)
    server.wait_log("check file refused", "line=3", "column=21", "what it said before stands")
    assert server.addresses("www.example.com") == scene.us, "nor is what was right in it"
    wait_check(server, verdict="healthy", outcome="ok")
    flip(server, scene, True)
    write(scene.told, "{")
    wait_text(server, "line 1, column 2")
    assert server.addresses("www.example.com") == scene.eu
    flip(server, scene, False)
    assert text_of(server) is None


def test_the_status_has_the_file(scene):
    """By path: what it is, what became of it, and of the content that stands how much it says and since when."""
    say(scene.told)
    server = scene.start()
    wait_check(server, verdict="healthy")
    assert "check file" not in server.ctl("status").stdout
    [good] = server.get("/v1/status")["files"]
    assert (good["path"], good["format"], good["state"], good["names"], good["error"]) == (
        str(scene.told), "steerd", "good", 2, None)
    assert good["changes"] >= 1 and good["written"] is not None and good["read"] is not None
    write(scene.told, "{")
    wait_text(server, "line 1, column 2")
    [refused] = server.get("/v1/status")["files"]
    assert refused["error"].startswith("line 1, column 2: ")
    assert {**refused, "error": None} == {**good, "state": "refused"}, "what it said before stands"
    assert "line 1, column 2" in server.ctl("status").stdout
    scene.told.unlink()
    wait_text(server, "No such file")
    [useless] = server.get("/v1/status")["files"]
    assert (useless["state"], useless["names"], useless["written"], useless["read"]) == ("useless", 0, None, None)
    assert "No such file" in useless["error"]
    say(scene.told)
    server.wait(lambda: server.get("/v1/status")["files"][0]["state"] == "good", "the file is good")
    scene.topology["checks"]["noc"] = {"type": "push", "ttl": "1h"}
    scene.write()
    server.reload()
    server.wait(lambda: server.get("/v1/status")["files"] == [], "nobody looks into it any more")


def break_missing(path):
    path.unlink()


def break_empty(path):
    write(path, "")


def break_nameless(path):
    write(path, "{}")


def break_large(path):
    with open(path, "r+b") as file:
        file.truncate((16 << 20) + 1)


def break_folder(path):
    path.unlink()
    path.mkdir()


def break_fifo(path):
    path.unlink()
    os.mkfifo(path)


def break_device(path):
    path.unlink()
    path.symlink_to("/dev/zero")


def break_link(path):
    path.unlink()
    path.symlink_to("nowhere")


@pytest.mark.parametrize("breaks, why", [
    (break_missing, "No such file"), (break_empty, "no name is in it"), (break_nameless, "no name is in it"),
    (break_large, "found 16777217 octets"), (break_folder, "found a folder"), (break_fifo, "found a FIFO"),
    (break_device, "found a device"), (break_link, "No such file")])
def test_what_cannot_be_read_counts_against_nobody(scene, breaks, why):
    scene.topology["checks"]["noc"]["interval"] = "200ms"
    say(scene.told)
    server = scene.start()
    wait_check(server, verdict="healthy")
    flip(server, scene, True)
    breaks(scene.told)
    wait_check(server, outcome="local_error", verdict="unhealthy")
    wait_check(server, endpoint=EU, outcome="local_error", verdict="healthy")
    wait_text(server, why)
    server.wait_log("check file not used", why)
    server.wait(lambda: 'steerd_checks_not_possible{cause="file"} 2' in server.request("GET", "/metrics").body.decode(),
                "the metric")
    assert server.addresses("www.example.com") == scene.eu
    if scene.told.is_dir() and not scene.told.is_symlink():
        scene.told.rmdir()
    flip(server, scene, False)
    wait_check(server, outcome="ok")


def test_unreadable_from_the_start(scene):
    """Nothing holds up the start, and what comes later is taken."""
    server = scene.start()
    wait_check(server, outcome="local_error", verdict="unknown")
    assert server.addresses("www.example.com") == scene.us, "unknown serves"
    write(scene.told, "nonsense")
    wait_text(server, "line 1, column 1: found 'n', expected '{'")
    assert check_of(server)["outcome"] == "local_error", "there is nothing that could stand"
    flip(server, scene, True)
    shutil.rmtree(scene.told.parent)
    wait_check(server, outcome="local_error")
    scene.told.parent.mkdir()
    flip(server, scene, False)
    moved = scene.told.parent.with_name("away")
    scene.told.parent.rename(moved)
    wait_check(server, outcome="local_error")
    moved.rename(scene.told.parent)
    wait_check(server, outcome="ok")
    flip(server, scene, True)


@pytest.mark.parametrize("what", ["instances", "watches"])
def test_the_kernel_tells_of_nothing(scene, what, unshared):
    """A limit of inotify is reached, which others may have done: changes are seen by looks, slowly, and that is said once. When
    there is room again they are seen at once."""
    limit = unshared(f"/proc/sys/user/max_inotify_{what}", 0)
    say(scene.told)
    server = scene.start()
    wait_check(server, verdict="healthy")
    server.wait_log("check file followed slowly", "file=")
    flip(server, scene, True)
    flip(server, scene, False)
    moved = scene.told.parent.with_name("away")
    scene.told.parent.rename(moved)
    wait_check(server, outcome="local_error")
    scene.told.parent.mkdir()
    flip(server, scene, True)
    assert server.read_log().count("followed slowly") == 1
    inotify = "anon_inode:inotify"
    limit(1000)
    folder = f"/proc/{server.process.pid}"
    def is_watched():
        for fd in os.listdir(f"{folder}/fd"):
            try:
                if os.readlink(f"{folder}/fd/{fd}") == inotify:
                    return "inotify wd" in pathlib.Path(f"{folder}/fdinfo/{fd}").read_text()
            except OSError:
                pass
        return False
    server.wait(is_watched, "it is watched")
    flip(server, scene, False)


def test_read_later_than_checks_wait(scene):
    """Somebody writes in the file for longer than the first checks wait for it: they are made when he is done, and not
    an interval later."""
    done = threading.Event()

    def keep_writing():
        with open(scene.told, "w", encoding="utf-8") as file:
            while not done.wait(0.001):
                file.seek(0)
                file.write(json.dumps({US: "down", EU: "up"}))
                file.flush()
    writer = threading.Thread(target=keep_writing)
    writer.start()
    try:
        server = scene.start()
        wait_check(server, outcome="local_error")
        wait_check(server, EU, outcome="local_error")
        wait_text(server, "could not be read in time")
    finally:
        done.set()
        writer.join()
    server.wait_answers("www.example.com", scene.eu)
    wait_check(server, EU, verdict="healthy")


def test_too_old(scene):
    scene.topology["checks"]["noc"].update(max_age="1h", interval="200ms")
    say(scene.told, web_us_east_1a="down")
    server = scene.start()
    server.wait_answers("www.example.com", scene.eu)
    os.utime(scene.told, (0, time.time() - 7200))
    wait_check(server, outcome="local_error", verdict="unhealthy")
    wait_text(server, "written 720", "expected at most 3600 s")
    os.utime(scene.told)
    wait_check(server, outcome="reported_down", verdict="unhealthy")
    assert server.addresses("www.example.com") == scene.eu


def test_what_is_not_named(scene):
    checks = scene.topology["checks"]
    for absent in ("up", "down"):
        checks[absent] = {**checks["noc"], "absent": absent}
    scene.topology["endpoints"][US]["checks"] = list(checks)
    write(scene.told, '{"other": "down", "$comment": "none of ours"}')
    server = scene.start()
    wait_check(server, outcome="local_error", verdict="unknown")
    wait_check(server, name="up", outcome="ok", verdict="healthy")
    wait_check(server, name="down", outcome="reported_down", verdict="unhealthy")
    wait_text(server, "does not name it")
    say(scene.told)
    for name in checks:
        wait_check(server, name=name, outcome="ok", verdict="healthy")


def test_keys(scene):
    """By name, by address however it is written, by host, and by what an endpoint is called there."""
    gdnsd = {"type": "file", "file": str(scene.told), "interval": "1h", "format": "gdnsd"}
    scene.topology["checks"] = {"address": {**gdnsd, "key": "address"}, "family": {**gdnsd, "key": "%ENDPOINT%/%FAMILY%"},
                                "own": gdnsd}
    scene.topology["endpoints"][US] = {"az": "us-east-1a", "addresses": [scene.at["us-east-1a"], "2001:db8::1"],
                                       "checks": ["address", "family", {"check": "own", "key": "lb 1"}]}
    v4 = scene.at["us-east-1a"]
    scene.topology["endpoints"][EU]["checks"] = "own"

    def states(server):
        rows = server.get(f"/v1/endpoints/{US}")["checks"]
        return {(row["check"], row["family"]): row["outcome"] for row in rows}
    write(scene.told, f'{v4} => DOWN/300\n2001:DB8:0::1 = up, "{US}/4" => UP ; all is well\n{US}/6 => down # nearly\n'
                      f'lb\\0321 => UP\n{EU} => UP\n')
    server = scene.start()
    for family, expected in (("ipv4", ("reported_down", "ok")), ("ipv6", ("ok", "reported_down"))):
        server.wait(lambda: tuple(states(server)[(name, family)] for name in ("address", "family")) == expected,
                    f"{family}: {expected}")
        assert states(server)[("own", family)] == "ok"
    metrics = server.request("GET", "/metrics").body.decode()
    assert "steerd_prober_checks 6" in metrics or "steerd_prober_checks" not in metrics
    write(scene.told, '"lb 1" => DOWN\n')
    server.wait(lambda: states(server)[("own", "ipv4")] == states(server)[("own", "ipv6")] == "reported_down", "its own name")
    write(scene.told, 'x => UP\ny => { z => UP }\n')
    server.wait_log("check file refused", "line=2", "column=6")


def test_a_host_name_that_leads_nowhere(scene):
    """What a file says of a name needs no address; what it says of addresses cannot be looked for, and counts against nobody."""
    resolver = nameserver.Nameserver({"lb.example.net": {"A": ["127.0.0.9"], "AAAA": []}}, ttl=1)
    try:
        scene.server["resolver"] = {"servers": [resolver.at]}
        noc = {"type": "file", "file": str(scene.told), "interval": "200ms", "fall": 1}
        scene.topology["checks"] = {"noc": noc, "address": {**noc, "key": "%ADDRESS%"}}
        scene.topology["endpoints"][US] = {"az": "us-east-1a", "host": "lb.example.net", "checks": ["noc", "address"]}
        scene.topology["endpoints"][EU]["checks"] = "noc"
        say(scene.told, **{"127.0.0.9": "up"})

        def outcomes(server):
            return {(row["check"], row["outcome"]) for row in server.get(f"/v1/endpoints/{US}")["checks"] if row["outcome"] != "none"}
        server = scene.start()
        server.wait(lambda: outcomes(server) == {("noc", "ok"), ("address", "ok")}, "both are found")
        resolver.records["lb.example.net"] = {"A": [], "AAAA": []}
        server.wait(lambda: outcomes(server) == {("noc", "ok"), ("address", "local_error")}, "only the name is found")
        wait_text(server, "leads to no address", name="address")
        assert "unresolved" not in server.read_log() and "observed=unhealthy" not in server.read_log()
        say(scene.told, **{US.replace("-", "_"): "down"})
        server.wait(lambda: outcomes(server) == {("noc", "reported_down"), ("address", "local_error")}, "it is down")
        server.wait_state("endpoint", US, observed="unhealthy")
    finally:
        resolver.close()


def test_gdnsd_files_that_gdnsd_refuses(scene):
    scene.topology["checks"]["noc"]["format"] = "gdnsd"
    good = f"{US} => UP\n{EU} => UP\n"
    write(scene.told, good)
    server = scene.start()
    wait_check(server, verdict="healthy")
    for text, place in (("a => UP\na => DOWN\n", (2, 1)), ("a => MAYBE\n", (1, 6)), ("a => UP/268435456\n", (1, 6)),
                        ("{ a => UP }\n", (1, 1)), ("a UP\n", (1, 3)), ("a => [ UP ]\n", (1, 6)), ("a => UP,,b => UP\n", (1, 9)),
                        ("$include{other}\n", (1, 1)), ("a\\12x => UP\n", (1, 5)), ('a => "UP', (1, 9))):
        write(scene.told, text)
        wait_text(server, f"line {place[0]}, column {place[1]}: ")
        write(scene.told, good)
        server.wait(lambda: text_of(server) is None, "good again")
    assert check_of(server)["verdict"] == "healthy"


def test_many_names_and_one_of_them(scene):
    """One of 100,000 lines changes."""
    names = [f"host-{i}" for i in range(100000)]

    def tell(state):
        lines = [f'"{name}": {{"state": "up", "reason": "seen by 3 of 3"}}' for name in names]
        write(scene.told, "{" + ",\n".join(lines + [f'"{US}": "{state}"', f'"{EU}": "up"']) + "}")
    tell("up")
    server = scene.start()
    wait_check(server, verdict="healthy")
    for _ in range(3):
        tell("down")
        server.wait_answers("www.example.com", scene.eu)
        tell("up")
        server.wait_answers("www.example.com", scene.us)
    write(scene.told, "{" + ",\n".join(f'"{name}": "up"' for name in names + names[:1]) + "}")
    wait_text(server, 'line 100001, column 1: found "host-0" again, it is in line 1 already')


@pytest.mark.parametrize("how", ["rename", "in place"])
def test_rewritten_all_the_time_under_queries(scene, how):
    """1,000 times in a row: every answer is one that was said, the last one stands, and nothing is refused."""
    say(scene.told)
    server = scene.start()
    wait_check(server, verdict="healthy")
    seen, done = set(), threading.Event()

    def ask():
        while not done.is_set():
            seen.add(tuple(server.addresses("www.example.com")))
    asking = threading.Thread(target=ask)
    asking.start()
    try:
        for i, state in zip(range(1000), itertools.cycle(["down", "up"])):
            text = json.dumps({US: state, EU: "up", "round": {"state": "up", "reason": str(i)}})
            if how == "rename":
                write(scene.told, text)
            else:
                scene.told.write_text(text)
        flip(server, scene, True)
    finally:
        done.set()
        asking.join()
    assert seen <= {tuple(scene.us), tuple(scene.eu)}
    wait_check(server, outcome="reported_down", verdict="unhealthy")
    if how == "rename":
        assert "refused" not in server.read_log() and "not used" not in server.read_log()


def count_threads(server, name):
    count = 0
    for task in pathlib.Path(f"/proc/{server.process.pid}/task").iterdir():
        try:
            count += (task / "comm").read_text().strip() == name
        except OSError:
            pass  # it has ended
    return count


def test_reload_with_another_file(scene):
    say(scene.told)
    server = scene.start()
    wait_check(server, verdict="healthy")
    other = scene.told.with_name("other.json")
    say(other, web_us_east_1a="down")
    assert server.addresses("www.example.com") == scene.us
    scene.topology["checks"]["noc"]["file"] = "told/other.json"
    scene.write()
    server.reload()
    server.wait_answers("www.example.com", scene.eu)
    say(scene.told, web_us_east_1a="down")
    say(other)
    server.wait_answers("www.example.com", scene.us)
    server.wait(lambda: count_threads(server, "sheet") == 1, "the other one is not followed any more")


def test_restart_and_takeover(scene, reaper):  # pylint: disable=redefined-outer-name,unused-argument
    say(scene.told, web_us_east_1a="down")
    server = scene.start()
    server.wait_answers("www.example.com", scene.eu)
    take_over(server)
    assert server.addresses("www.example.com") == scene.eu
    flip(server, scene, False)
    flip(server, scene, True)
    wait_kept(scene, server)
    server.stop()
    scene.told.unlink()
    server.start()
    wait_check(server, outcome="local_error", verdict="unhealthy")
    assert server.addresses("www.example.com") == scene.eu, "what was known stands"


def test_check_run_shows_where_it_stands(scene):
    write(scene.told, '{\n"%s": {"state": "down", "reason": "in maintenance"}}' % US)
    server = scene.start()
    wait_check(server, outcome="reported_down")
    shown = server.ctl("check", "run", US, code=7).stdout
    assert f"{scene.told}: {US}: down (line 2), in maintenance" in shown, shown
    shown = server.ctl("check", "run", EU, code=7).stdout
    assert "the file does not name it" in shown, shown


def test_what_has_no_meaning_is_refused(scene):
    scene.write()
    for extra, words in (
            ({"port": 80}, "\"port\" has no meaning"), ({"timeout": "1s"}, "\"timeout\" has no meaning"),
            ({"quorum": "any"}, "\"quorum\" has no meaning"), ({"vantages": ["local"]}, "\"vantages\" has no meaning"),
            ({"format": "xml"}, "\"steerd\""), ({"key": "%ADRESS%"}, "found %ADRESS%"), ({"key": "%PORT%"}, "neither port"),
            ({"max_age": "0s"}, "max_age"), ({"absent": "away"}, "\"unknown\""), ({"file": ""}, "$.checks.noc.file")):
        topology = json.loads(json.dumps(scene.topology))
        topology["checks"]["noc"].update(extra)
        scene.put("topology.json", topology)
        result = kit.run_steerd("-c", scene.folder / "steerd.json", "--check")
        assert result.returncode == 1 and words in result.stderr, (extra, result.stderr)
    topology = json.loads(json.dumps(scene.topology))
    topology["checks"].update({f"c{i}": {"type": "file", "file": f"f{i}"} for i in range(64)})
    topology["brake"] = {"control": [{"address": "192.0.2.1", "check": "noc"}]}
    scene.put("topology.json", topology)
    result = kit.run_steerd("-c", scene.folder / "steerd.json", "--check")
    assert "one more different file than 64" in result.stderr and "goes by what others say" in result.stderr, result.stderr
