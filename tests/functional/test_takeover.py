# SPDX-License-Identifier: BSD-3-Clause
"""A steerd that is replaced by another one: no UDP query is lost, TCP connections end on the old one, what operators said
stays; and a new one that does not start changes nothing. TAKEOVERS (5) in a row under load; more of them is a soak."""
import ctypes
import os
import pathlib
import signal
import socket
import stat
import struct
import subprocess
import sys
import threading
import time

import dns.exception
import dns.message
import dns.query
import dns.rdatatype
import pytest

import kit
from test_primary import steered_site
from test_start import silent  # noqa: F401  pylint: disable=unused-import
from transfers import serial_of

sys.path.append(str(pathlib.Path(__file__).resolve().parents[1] / "chaos"))
import disk  # noqa: E402  pylint: disable=wrong-import-position

ROUNDS = int(os.environ.get("TAKEOVERS", "5"))
PR_SET_CHILD_SUBREAPER = 36
PROGRAM = kit.STEERD


class Heir:
    """A process that somebody else started; it becomes ours when that one ends."""

    def __init__(self, pid):
        self.pid, self.returncode = pid, None

    def poll(self):
        if self.returncode is None:
            try:
                pid, status = os.waitpid(self.pid, os.WNOHANG)
                if pid == self.pid:
                    self.returncode = os.waitstatus_to_exitcode(status)
            except ChildProcessError:
                if not os.path.exists(f"/proc/{self.pid}"):
                    self.returncode = 0  # whatever it was, its parent has heard it
        return self.returncode

    def wait(self, timeout=kit.PATIENCE_S):
        try:
            kit.wait_for(lambda: self.poll() is not None, f"process {self.pid} ends", timeout)
        except AssertionError:
            raise subprocess.TimeoutExpired("steerd", timeout) from None
        return self.returncode

    def send_signal(self, number):
        os.kill(self.pid, number)

    def kill(self):
        self.send_signal(signal.SIGKILL)


def adopt_orphans():
    """A process whose parent ends becomes a child of this one."""
    ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 1)


@pytest.fixture(autouse=True, scope="module")
def reaper():
    adopt_orphans()


def follow(server, pid):
    """The test goes on with the new process; returns the old one."""
    old, server.process = server.process, Heir(pid)
    return old


def take_over(server):
    """Returns the process that went, and what it said."""
    reply = server.request("POST", "/v1/takeover")
    assert reply.status == 200, (reply, server.read_log()[-3000:])
    return follow(server, reply.json["pid"]), reply.json


def simple(site, **options):
    site.server.update(options)
    return site.zone("example.com", "a 60 IN A 192.0.2.1\n" + "".join(
        f"n{i} 60 IN A 10.0.{i // 256}.{i % 256}\n" for i in range(1000)))


class Stream:
    """Asks for n0 … n999 with many sockets, as fast as one thread can: every query is answered, by its own answer."""

    def __init__(self, at, sockets=32):
        self.at, self.asked, self.answered, self.wrong = at, 0, 0, []
        self.sockets = [socket.socket(socket.AF_INET, socket.SOCK_DGRAM) for _ in range(sockets)]
        for one in self.sockets:
            one.connect(at)
            one.settimeout(5)
        self.stopping = threading.Event()
        self.thread = threading.Thread(target=self.run)
        self.queries = [dns.message.make_query(f"n{i}.example.com", "A", flags=0).to_wire() for i in range(1000)]

    def ask_all(self, number):
        """One query per socket, then their answers."""
        sent = []
        for one in self.sockets:
            which, ident = number % 1000, number % 65536
            one.send(struct.pack("!H", ident) + self.queries[which][2:])
            sent.append((one, ident, which))
            number += 1
        self.asked += len(sent)
        for one, ident, which in sent:
            try:
                reply = one.recv(512)
            except TimeoutError:
                self.wrong.append((number, "lost"))
                continue
            good = struct.unpack("!H", reply[:2])[0] == ident and reply[-4:] == bytes([10, 0, which // 256, which % 256])
            self.answered += good
            if not good:
                self.wrong.append((number, reply))
        return number

    def run(self):
        number = 0
        while not self.stopping.is_set():
            number = self.ask_all(number)

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.stopping.set()
        self.thread.join()
        for one in self.sockets:
            one.close()


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


def test_nothing_is_owed_to_a_store_that_changes_hands(site, tmp_path):
    site.disk = disk.Disk(site.folder / "var", tmp_path / "control")
    site.environment = site.disk.environment()
    kit.make_regions(site)
    server = simple(site).start()
    site.disk.set(disk.FULL, 1)
    if server.override("region", "us-east", "drain")["durable"] and any(
            name in kit.STEERD.read_bytes() for name in (b"libtsan", b"libasan")):
        pytest.skip("a sanitizer keeps the disk from obeying")
    reply = server.request("POST", "/v1/takeover")
    assert reply.status == 422 and "could not be written yet" in reply.json["detail"]
    assert len(server.get("/v1/overrides")["items"]) == 1
    site.disk.heal()
    server.wait_log("store well")
    take_over(server)
    assert len(server.get("/v1/overrides")["items"]) == 1


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


@pytest.fixture
def installed(site, monkeypatch):
    """The program is a link, which a test may let lead to another one."""
    link = site.folder / "steerd"
    link.symlink_to(kit.STEERD)
    monkeypatch.setattr(kit, "STEERD", link)
    return link


def install(link, text):
    """A script in the place of the program."""
    link.unlink()
    link.write_text("#!/bin/sh\n" + text)
    link.chmod(0o755)


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

def begin(server):
    """A takeover that somebody else waits for; returns the thread, a list that gets the reply, and the new process."""
    replies, offset = [], len(server.read_log())

    def ask():
        try:
            replies.append(server.request("POST", "/v1/takeover"))
        except OSError as error:
            replies.append(error)
    thread = threading.Thread(target=ask)
    thread.start()
    line = server.wait_log("takeover begins program=", offset=offset)
    return thread, replies, Heir(int(line.rsplit("pid=", 1)[1]))


def is_served(server):
    try:
        return server.send(dns.message.make_query("a.example.com", "A"), timeout=1).answer
    except (OSError, dns.exception.Timeout):
        return False


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


def test_the_old_one_is_killed_in_between(site):
    """Then the new one serves, or ends if it had nothing to serve with."""
    server, went_on = simple(site).start(), 0
    for i in range(12):
        thread, _, heir = begin(server)
        time.sleep(i * 0.006)
        server.process.kill()
        server.process.wait()
        thread.join()
        server.wait(lambda heir=heir: heir.poll() is not None or is_served(server), "the new one serves or has ended")
        if heir.poll() is None:
            went_on += 1
            server.process = heir
            server.wait(server.talks, "the API is there")
            server.wait(lambda: (site.folder / "s.lock").read_text() == f"{heir.pid}\n", "the lock is signed")
        else:
            server.start()
        old, _ = take_over(server)
        assert old.wait(kit.PATIENCE_S) == 0
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


# ---- another configuration ----

def test_other_addresses_and_threads(site):
    """Sockets that are not needed any more are read to their end; new ones open; the rest goes on."""
    server = simple(site, threads=3).start()
    first, second = site.listen[0], (kit.new_address(), kit.DNS_PORT)
    with Stream(first) as stream:
        for listen, threads in ([first, second], 1), ([first], 4), ([second, first], 2), ([("0.0.0.0", kit.DNS_PORT)], 2), ([first], 2):
            site.listen = listen
            site.server["threads"] = threads
            site.write()
            old, _ = take_over(server)
            assert old.wait(kit.PATIENCE_S) == 0
            before = stream.answered
            server.wait(lambda before=before: stream.answered > before + 500, "answers go on")
            for at in [first] if listen[0][0] == "0.0.0.0" else listen:
                assert server.ask("a.example.com", at=at).answer and server.ask("a.example.com", at=at, tcp=True).answer
    assert not stream.wrong and stream.asked == stream.answered
    with pytest.raises((ConnectionError, dns.exception.Timeout)):
        server.ask("a.example.com", at=second, tcp=True)


def test_a_thousand_addresses(site):
    port = kit.find_port("127.0.0.1")
    site.listen = [(f"127.{130 + os.getpid() % 100}.{i // 250}.{1 + i % 250}", port) for i in range(1000)]
    server = simple(site, threads=1).start()
    old, _ = take_over(server)
    assert old.wait(kit.PATIENCE_S) == 0
    for at in site.listen[::111]:
        assert server.ask("a.example.com", at=at).answer


def test_another_socket_of_the_api(site):
    server = simple(site).start()
    site.server["admin"] = {"socket": "other"}
    site.server["state"] = "var2"
    site.write()
    old, _ = take_over(server)
    assert old.wait(kit.PATIENCE_S) == 0
    assert not site.socket.exists()
    site.socket = site.folder / "other"
    assert server.get("/v1/status")["zones"] == 1
    take_over(server)


def test_an_address_that_cannot_be_had(site):
    server = simple(site).start()
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as taken:
        taken.bind((kit.new_address(), kit.DNS_PORT))
        site.listen.append(taken.getsockname())
        site.write()
        refusal = server.request("POST", "/v1/takeover")
        assert refusal.status == 422
        assert any("is another server running?" in error["message"] for error in refusal.json["errors"])
    assert server.ask("a.example.com").answer
    take_over(server)


def test_a_transfer_goes_on(site):
    site.zone("big.test", "".join(f"r{i} 60 IN TXT \"{'x' * 200}\"\n" for i in range(40000)))
    simple(site)
    site.server["zone_options"] = {"big.test": {"transfer_to": ["0.0.0.0/0"]}}
    server = site.start()
    query = dns.message.make_query("big.test", "AXFR")
    with socket.socket() as one:
        one.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 16384)
        one.connect(site.listen[0])
        dns.query.send_tcp(one, query)
        message = dns.query.receive_tcp(one)[0]
        records = sum(len(rrset) for rrset in message.answer)
        old, _ = take_over(server)
        assert old.poll() is None
        soas = 1
        while soas < 2:
            message = dns.query.receive_tcp(one, one_rr_per_rrset=True)[0]
            records += len(message.answer)
            soas += sum(rrset.rdtype == dns.rdatatype.SOA for rrset in message.answer)
    assert records == 40000 + 4
    assert old.wait(kit.PATIENCE_S) == 0


def test_a_signal_to_the_old_one_is_for_the_new_one(site):
    server = simple(site).start()
    with socket.create_connection(site.listen[0]) as one:
        dns.query.send_tcp(one, dns.message.make_query("a.example.com", "A"))
        assert dns.query.receive_tcp(one)[0].answer
        old, _ = take_over(server)
        site.zone("example.com", "a 60 IN A 192.0.2.10\n")
        site.write()
        old.send_signal(signal.SIGHUP)
        server.wait_answers("a.example.com", ["192.0.2.10"])
        assert old.poll() is None
        old.send_signal(signal.SIGTERM)
        assert old.wait(kit.PATIENCE_S) == 0
    assert server.addresses("a.example.com") == ["192.0.2.10"]
