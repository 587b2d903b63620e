# SPDX-License-Identifier: BSD-3-Clause
"""A steerd that is replaced by another one: no UDP query is lost, TCP connections end on the old one, what operators said
stays; and a new one that does not start changes nothing. TAKEOVERS (5) in a row under load; more of them is a soak."""
import os
import pathlib
import random
import re
import signal
import socket
import stat
import subprocess
import sys
import time

import dns.exception
import dns.message
import dns.query
import dns.rdatatype
import pytest

import kit
from test_primary import steered_site
from test_start import silent  # noqa: F401  pylint: disable=unused-import
from takeovers import PROGRAM, Heir, Stream, begin, follow, install, installed, is_served, reaper, simple, take_over  # noqa: F401  pylint: disable=unused-import
from transfers import serial_of

sys.path.append(str(pathlib.Path(__file__).resolve().parents[1] / "chaos"))
import disk  # noqa: E402  pylint: disable=wrong-import-position

ROUNDS = int(os.environ.get("TAKEOVERS", "5"))


def test_no_query_is_lost(site):
    server = simple(site, threads=2).start()
    with Stream(site.listen[0]) as stream:
        for _ in range(ROUNDS):
            before = stream.answered
            old, told = take_over(server)
            assert told["version"] == server.get("/v1/status")["version"]
            assert old.wait(kit.PATIENCE_S) == 0
            server.wait(lambda before=before: stream.answered > before + 1000, "answers go on")
    assert not stream.wrong and stream.asked == stream.answered
    assert (site.folder / "var/lock").read_text() == f"{server.process.pid}\n"
    assert (site.folder / "s.lock").read_text() == f"{server.process.pid}\n"
    assert stat.S_ISSOCK((site.folder / "s").stat().st_mode)


def test_a_connection_ends_on_the_old_one(site):
    server = simple(site).start()
    query = dns.message.make_query("n7.example.com", "A")
    with socket.create_connection(site.listen[0]) as one:
        dns.query.send_tcp(one, query)
        assert dns.query.receive_tcp(one)[0].answer
        old, _ = take_over(server)
        assert old.poll() is None, "it is connected"
        for _ in range(3):
            dns.query.send_tcp(one, query)
            assert dns.query.receive_tcp(one)[0].answer
        assert server.ask("a.example.com", tcp=True).answer
    assert old.wait(kit.PATIENCE_S) == 0


def is_free(at):
    """Nobody has a UDP socket there."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.bind(at)
        except OSError:
            return False
        return True


def test_who_leaves_holds_up_no_start(site):
    """The old one has a connection yet; the new one is killed, and a third one starts in its place."""
    server = simple(site).start()
    query = dns.message.make_query("n7.example.com", "A")
    with socket.create_connection(site.listen[0]) as one:
        dns.query.send_tcp(one, query)
        assert dns.query.receive_tcp(one)[0].answer
        old, _ = take_over(server)
        server.process.kill()
        server.process.wait()
        kit.wait_for(lambda: is_free(site.listen[0]), "the old one has read its sockets to their end")
        server.start()
        assert server.ask("a.example.com").answer and server.ask("a.example.com", tcp=True).answer
        assert server.get("/v1/status")["zones"]
        dns.query.send_tcp(one, query)
        assert dns.query.receive_tcp(one)[0].answer and old.poll() is None
    assert old.wait(kit.PATIENCE_S) == 0


def test_verdicts_stay(site):
    """Also one that has come a moment ago: the new one does not have to find out for itself."""
    at = kit.make_regions(site, azs=("us-east-1a", "eu-west-1a"))
    us, eu = at["us-east-1a"], at["eu-west-1a"]
    simple(site, start_wait="0s").policy("example.com", {"www": {"ttl": 5, "endpoints": ["web-*"], "tiers": [["us-east"], ["eu-west"]]}})
    site.web(us), site.web(eu)
    server = site.start()
    for name in "web-us-east-1a", "web-eu-west-1a":
        server.wait_state("endpoint", name, observed="healthy")
    site.topology["checks"]["web"] |= {"interval": "1h", "timeout": "10s"}  # of the new one, which reads it
    site.write()
    for _ in range(3):
        site.webs[0].kill()
        server.wait_answers("www.example.com", [eu])
        old, _ = take_over(server)
        assert set(server.sample("www.example.com", 20)) == {eu}
        assert server.get("/v1/endpoints/web-us-east-1a")["observed"] == "unhealthy"
        assert old.wait(kit.PATIENCE_S) == 0
        assert set(server.sample("www.example.com", 20)) == {eu}


def test_overrides_stay(pair):
    server = pair.server
    server.override("region", "us-east", "drain", reason="power work", expires_in="1h")
    server.override("az", "eu-west-1a", "down", starts_in="2h", expires_in="3h")
    server.put("/v1/endpoints/web-eu-west-1b/load", {"value": 0.5, "ttl": "1h"})
    before = server.get("/v1/overrides")
    assert len(before["items"]) == 2
    for _ in range(2):
        old, told = take_over(server)
        assert told["overrides"] == 2
        assert server.get("/v1/overrides") == before
        assert set(server.sample("www.example.com", 20)) <= set(pair.eu)
        load = server.get("/v1/endpoints/web-eu-west-1b")["load"]
        assert (load["value"], load["source"]) == (0.5, "push")
        assert old.wait(kit.PATIENCE_S) == 0
    server.ctl("auto", "region:us-east")
    server.wait_answers("www.example.com", pair.us)


def test_what_is_ordered_after_it_holds_for_all_answers(pair):
    """At once: the old one reads no queries any more when the new one takes orders."""
    server = pair.server
    for drained in (True, False) * 3:
        take_over(server)
        if drained:
            server.override("region", "us-east", "drain")
        else:
            assert server.request("DELETE", "/v1/regions/us-east/override").status == 200
        assert set(server.sample("www.example.com", 20)) <= set(pair.eu if drained else pair.us)


def test_the_store_changes_hands(pair):
    """What is ordered is durable before, after, and after a takeover that failed; kill -9 forgets none of it."""
    server = pair.server

    def order(kind, name):
        assert server.override(kind, name, "drain")["durable"] is True
    order("az", "us-east-1a")
    old, _ = take_over(server)
    assert old.wait(kit.PATIENCE_S) == 0
    order("az", "us-east-1b")
    thread, _, heir = begin(server)
    heir.kill()
    thread.join()
    order("az", "eu-west-1a")
    server.ctl("auto", "az:us-east-1b", "--yes-unserved")
    expected = server.get("/v1/overrides")
    assert len(expected["items"]) == 2
    server.process.kill()
    server.process.wait()
    server.start()
    assert server.get("/v1/overrides") == expected


@pytest.fixture
def full(site, tmp_path):
    """A server whose disk has become full, with two overrides that are durable and a third one that is not; one of the
    durable ones was taken back since."""
    site.disk = disk.Disk(site.folder / "var", tmp_path / "control")
    site.environment = site.disk.environment()
    kit.make_regions(site, azs=("us-east-1a", "eu-west-1a"))
    server = simple(site).start()
    assert server.override("region", "eu-west", "drain")["durable"] and server.override("az", "us-east-1a", "drain")["durable"]
    site.disk.set(disk.FULL, 1)
    if server.override("region", "us-east", "drain")["durable"] and any(
            name in kit.STEERD.read_bytes() for name in (b"libtsan", b"libasan")):
        pytest.skip("a sanitizer keeps the disk from obeying")
    server.ctl("auto", "region:eu-west")
    assert targets_of(server) == ["az:us-east-1a", "region:us-east"]
    return server


def targets_of(server):
    return sorted(f"{one['kind']}:{one['name']}" for one in server.get("/v1/overrides")["items"])


def assert_all_is_written(server):
    """Of what holds, and nothing else: a crash tells."""
    expected = server.get("/v1/overrides")
    server.process.kill()
    server.process.wait()
    server.start()
    assert targets_of(server) == ["az:us-east-1a", "region:us-east"] and server.get("/v1/overrides") == expected


def test_what_is_owed_to_the_store_goes_over(full, site):
    """The disk is full: who comes owes what who goes owed, also what was taken back, and writes it when there is room."""
    for _ in range(2):
        old, _ = take_over(full)
        assert targets_of(full) == ["az:us-east-1a", "region:us-east"]
        assert full.get("/v1/status")["store"]["state"] == "failing"
        assert old.wait(kit.PATIENCE_S) == 0
    offset = len(full.read_log())
    site.disk.heal()
    full.wait_log("store well", offset=offset)
    assert_all_is_written(full)


HEIR = """
import json, os, signal, socket, sys
until, does = {until!r}, {does!r}
other = socket.socket(fileno=3)
other.setblocking(True)

def say(what, **more):
    other.send(json.dumps(dict(say=what, **more)).encode())

def end(stage):
    if stage != until:
        return
    if does == "exit":
        os._exit(7)
    elif does == "abort":
        os.kill(os.getpid(), signal.SIGABRT)
    elif does == "garbage":
        other.send(b"\\xff{{{{[")
    elif does == "close":
        other.close()
    elif does == "fail":
        say("failed", why="it does not please")
        os._exit(1)
    signal.pause()

end("hello")
say("hello", channel={version}, version="9.9", pid=os.getpid())
while True:
    data, _, _, _ = socket.recv_fds(other, 65536, 253)
    said = json.loads(data)["say"] if data else sys.exit(9)
    end(said)
    if said == "begin":
        say("loaded")
    elif said == "frozen":
        say("answering", kept=[], admin=True, overrides=0)
"""


def install_heir(link, until, does, version=1):
    """A program that takes over up to here, and then fails so."""
    link.unlink()
    link.write_text(f"#!{sys.executable}\n" + HEIR.format(until=until, does=does, version=version))
    link.chmod(0o755)


@pytest.mark.parametrize("until", ["hello", "begin", "frozen", "commit"])
@pytest.mark.parametrize("does, words", [("exit", "code 7"), ("abort", "signal 6"), ("garbage", "cannot be understood"),
                                         ("close", "does not talk"), ("fail", "does not please")])
def test_a_program_that_fails_at_a_stage(site, installed, until, does, words):
    """Whatever the new one had by then, the old one goes on as if nothing had been."""
    kit.make_regions(site, azs=("us-east-1a", "eu-west-1a"))
    server = simple(site).start()
    server.override("region", "us-east", "drain")
    install_heir(installed, until, does)
    refused(server, words)
    assert server.override("az", "eu-west-1a", "drain")["durable"]
    assert targets_of(server) == ["az:eu-west-1a", "region:us-east"]
    installed.unlink()
    installed.symlink_to(PROGRAM)
    old, _ = take_over(server)
    assert old.wait(kit.PATIENCE_S) == 0
    assert targets_of(server) == ["az:eu-west-1a", "region:us-east"]


def test_a_program_of_another_time(site, installed):
    server = simple(site).start()
    install_heir(installed, "never", "exit", version=2)
    refused(server, "speaks version 2", "expected 1")


@pytest.mark.parametrize("until", ["begin", "frozen", "commit"])
def test_what_is_owed_outlives_a_takeover_that_fails(installed, full, site, until):
    """Also where the store was closed already."""
    install_heir(installed, until, "exit")
    reply = full.request("POST", "/v1/takeover")
    assert reply.status == 422 and "code 7" in reply.json["detail"]
    installed.unlink()
    installed.symlink_to(PROGRAM)
    assert targets_of(full) == ["az:us-east-1a", "region:us-east"]
    offset = len(full.read_log())
    site.disk.heal()
    full.wait_log("store well", offset=offset)
    assert_all_is_written(full)


def test_serials_go_on(site):
    steered_site(site, transfer_steered="rendered")
    server = site.start()
    server.wait_state("region", "us-east", effective="healthy")
    server.wait(lambda: serial_of(server, "example.com"), "there is a serial")
    before = serial_of(server, "example.com")
    old, _ = take_over(server)
    assert old.wait(kit.PATIENCE_S) == 0
    after = serial_of(server, "example.com")
    assert before <= after < before + 300, "no block of numbers is used up"
    server.override("region", "us-east", "down")
    server.wait(lambda: serial_of(server, "example.com") > after, "a flip gets a serial")


def refused(server, *words):
    """A takeover that fails; the old one goes on, and can be replaced afterwards. Returns the errors."""
    process = server.process
    with Stream(server.site.listen[0]) as stream:
        reply = server.request("POST", "/v1/takeover")
        server.wait(lambda: stream.answered > 500, "answers go on")
    assert not stream.wrong
    assert reply.status == 422 and reply.json["type"].endswith(":takeover-failed"), reply
    assert all(word in reply.json["detail"] for word in words), reply
    assert server.process is process and process.poll() is None
    server.wait_log("takeover failed", *words)
    assert server.reload().status == 200
    return reply.json.get("errors", [])


@pytest.mark.parametrize("text, words", [
    ("exit 1\n", ("code 1", "before it said who it is")),
    ("kill -SEGV $$\n", ("signal 11", "before it said who it is")),
    ("exec sleep 1000\n", ("took too long", "who it is")),
    ("exec sleep 1000 3>&-\n", ("does not talk",)),
])
def test_a_program_that_does_not_start(site, installed, text, words):
    server = simple(site).start()
    install(installed, text)
    refused(server, *words)
    installed.unlink()
    reply = server.request("POST", "/v1/takeover")
    assert reply.status == 422 and "No such file" in reply.json["detail"]
    installed.symlink_to(PROGRAM)
    take_over(server)


def test_a_configuration_that_cannot_be_used(site):
    server = simple(site).start()
    site.put("steerd.json", '{"listen": ["192.0.2.300:53"], "zones": "zones", "nonsense": 1}')
    process, reply = server.process, server.request("POST", "/v1/takeover")
    assert reply.status == 422 and "configuration" in reply.json["detail"]
    check = kit.run_steerd("-c", str(site.config), "--check")
    for error in reply.json["errors"]:
        assert error["message"] in check.stderr
        assert f"steerd.json:{error['line']}:{error['column']}: error: " in check.stderr
    assert len(reply.json["errors"]) >= 2
    done = server.ctl("takeover", code=1)
    assert "192.0.2.300" in done.stderr and "nonsense" in done.stderr
    assert server.process is process and server.ask("a.example.com").answer
    site.write()
    assert "taken over by process" in server.ctl("takeover").stdout
    follow(server, int((site.folder / "var/lock").read_text()))
    assert process.wait(kit.PATIENCE_S) == 0


# ---- kill -9, at any moment ----

@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGSTOP, signal.SIGTERM])
def test_the_new_one_ends_in_between(pair, silent, number):
    server, site = pair.server, pair.site
    site.server["start_wait"] = "2s"  # between having loaded and its turn there is time
    site.topology["checks"]["slow"] = {"type": "http", "port": kit.WEB_PORT, "interval": "1h", "timeout": "1m"}
    site.topology["endpoints"]["web-silent"] = {"az": "us-east-1a", "addresses": [silent], "checks": ["slow"]}
    site.write()
    server.override("region", "us-east", "drain")
    for pause in 0, 0.003, 0.01, 0.03, 0.1:
        thread, replies, heir = begin(server)
        time.sleep(pause)
        heir.send_signal(number)
        if number == signal.SIGSTOP:
            server.wait(lambda: server.ask("www.example.com").answer, "it answers")
            heir.kill()
        thread.join()
        assert isinstance(replies[0], kit.Reply) and replies[0].status == 422, replies
        assert "the new process" in replies[0].json["detail"]
        assert set(server.sample("www.example.com", 20)) <= set(pair.eu)
        server.ctl("drain", "region:us-east", "--reason", "still here", "--yes-unserved")
        assert server.reload().status == 200
    old, _ = take_over(server)
    assert old.wait(kit.PATIENCE_S) == 0
    assert set(server.sample("www.example.com", 20)) <= set(pair.eu)


def find_heir(server):
    """The process that was started with the same arguments, once its parent has ended; None: there is none."""
    for pid in pathlib.Path(f"/proc/self/task/{os.getpid()}/children").read_text().split():
        if str(server.site.config).encode() in pathlib.Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0"):
            return Heir(int(pid))
    return None


def kill_amid(server, pause, invited):
    """The old one, so long after it was asked; returns the new one, if there was one by then."""
    if invited:
        with open(server.log_path, "ab") as log:
            heir = subprocess.Popen([str(kit.STEERD), "-c", str(server.site.config), "--takeover"], stderr=log, env=kit.make_environment())
        time.sleep(pause)
        server.process.kill()
        server.process.wait()
        return heir
    with socket.socket(socket.AF_UNIX) as asked:
        asked.connect(str(server.site.socket))
        asked.sendall(b"POST /v1/takeover HTTP/1.1\r\nHost: localhost\r\nContent-Length: 0\r\n\r\n")
        time.sleep(pause)
        server.process.kill()
        server.process.wait()
    return find_heir(server)


@pytest.mark.parametrize("invited", [False, True])
def test_the_old_one_is_killed_in_between(pair, invited):
    """Whenever that is, the new one serves, with what was ordered: nobody else would."""
    server, site, went_on = pair.server, pair.site, 0
    server.override("region", "us-east", "drain")
    draw = random.Random(int(os.environ.get("TEST_SEED", "1")))
    for i in range(int(os.environ.get("TAKEOVER_KILLS", "12"))):
        heir = kill_amid(server, draw.choice((0.004, 0.01, 0.03, 0.1)) * draw.random(), invited)
        if heir is None:
            server.start()
            continue
        server.wait(lambda heir=heir: heir.poll() is not None or is_served(server, "www.example.com"), "the new one serves or has ended")
        assert heir.poll() is None, (i, server.read_log()[-3000:])
        server.process = heir
        server.wait(server.talks, "the API is there")
        server.wait(lambda heir=heir: (site.folder / "s.lock").read_text() == f"{heir.pid}\n", "the lock is signed")
        assert set(server.sample("www.example.com", 20)) <= set(pair.eu)
        old, _ = take_over(server)
        assert old.wait(kit.PATIENCE_S) == 0
        went_on += 1
    assert went_on > 0


def test_stopping_stops_both(site):
    server = simple(site).start()
    for i in range(5):
        thread, _, heir = begin(server)
        time.sleep(i * 0.01)
        server.stop()
        thread.join()
        if f"takeover done pid={heir.pid} " in server.read_log():
            server.process = heir
            server.stop()
        server.wait(lambda heir=heir: heir.poll() is not None, "the new one ends")
        server.start()


def test_one_at_a_time(site, installed):
    server = simple(site).start()
    install(installed, "exec sleep 1000\n")
    thread, replies, heir = begin(server)
    second = server.request("POST", "/v1/takeover")
    assert (second.status, second.json["type"]) == (409, "urn:steerd:problem:takeover-running")
    assert server.reload().status == 200, "a reload does not mind"
    heir.kill()
    thread.join()
    assert replies[0].status == 422


def test_thousands_of_azs_go_over(site):
    """What is counted of each goes over in pieces: a message has its limit."""
    site.topology = {"regions": {f"r{region}": {"azs": {f"az-with-a-rather-long-name-{region}-{az}": {} for az in range(300)}} for region in range(8)},
                     "endpoints": {f"e{region}": {"az": f"az-with-a-rather-long-name-{region}-0", "addresses": [f"192.0.2.{region + 1}"]} for region in range(8)}}
    site.zone("example.com", "").policy("example.com", {"www": {"endpoints": ["e*"]}})
    server = site.start()
    for state in "down", "auto":
        assert server.request("PUT", "/v1/azs/az-with-a-rather-long-name-7-0/override", {"state": state, "reason": "x", "actor": "x"}).status == 200
    wanted = r'steerd_transitions_total\{kind="az",name="az-with-a-rather-long-name-7-0",state="forced_down"\} 1\n'
    assert re.search(wanted, server.request("GET", "/metrics").body.decode())
    take_over(server)
    assert re.search(wanted, server.request("GET", "/metrics").body.decode())
