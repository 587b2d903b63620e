# SPDX-License-Identifier: BSD-3-Clause
"""A steerd that is watched: what its supervisor is told (sd_notify(3)), what SIGHUP does after an upgrade, and a process
that somebody else starts to take over (--takeover)."""
import fcntl
import os
import pathlib
import shutil
import signal
import socket
import struct
import subprocess
import sys
import threading
import time

import dns.message
import dns.query
import pytest

import kit
import takeovers as takeover
from takeovers import Stream, installed, reaper  # noqa: F401  pylint: disable=unused-import


class Supervisor:
    """As systemd with Type=notify and NotifyAccess=main: hears the main process only, which may name another one."""

    def __init__(self, folder):
        self.path, self.main, self.told, self.others = folder / "notify", None, [], []
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_PASSCRED, 1)
        self.socket.bind(str(self.path))
        self.thread = threading.Thread(target=self.run, daemon=True)
        self.thread.start()

    def run(self):
        while True:
            data, control, _, _ = self.socket.recvmsg(4096, 256)
            pid = struct.unpack("iii", control[0][2][:12])[0]
            lines = data.decode().split("\n")
            self.main = self.main or pid  # the first one is who was started
            if pid != self.main:
                self.others.append((pid, lines))
                continue
            for line in lines:
                if line.startswith("MAINPID="):
                    self.main = int(line[8:])
                    assert os.path.exists(f"/proc/{self.main}")
            self.told.append(lines)

    def heard(self, words, since=0):
        """Whether a message since then has all these lines (by their beginnings)."""
        return any(all(any(line.startswith(word) for line in lines) for word in words) for lines in self.told[since:])


@pytest.fixture
def supervisor(site):
    found = Supervisor(site.folder)
    site.environment = {**kit.make_environment(), "NOTIFY_SOCKET": str(found.path)}
    return found


def upgrade(link):
    """The same program as another file, put in place as a package manager does."""
    beside = link.with_name("steerd.new")
    shutil.copy(takeover.PROGRAM, beside)
    beside.rename(link)


def hang_up(server, supervisor):
    """Returns how many messages there were before."""
    since = len(supervisor.told)
    server.process.send_signal(signal.SIGHUP)
    return since


def test_a_signal_after_an_upgrade_takes_over(site, supervisor, installed):  # noqa: F811
    server = takeover.simple(site, hangup="upgrade").start()
    server.wait(lambda: supervisor.heard(["READY=1"]), "the supervisor is told")
    assert supervisor.main == server.process.pid
    with Stream(site.listen[0]) as stream:
        for _ in range(2):
            site.zone("example.com", "".join(f"n{i} 60 IN A 10.0.{i // 256}.{i % 256}\n" for i in range(1000)))
            site.write()
            since = hang_up(server, supervisor)
            server.wait(lambda since=since: supervisor.heard(["READY=1", "STATUS=reload ok"], since), "nothing new is installed: it reloads")
            assert supervisor.heard(["RELOADING=1", "MONOTONIC_USEC="], since) and supervisor.main == server.process.pid
            upgrade(installed)
            since = hang_up(server, supervisor)
            server.wait(lambda since=since: supervisor.heard(["READY=1", "MAINPID="], since), "it is replaced")
            assert supervisor.heard(["RELOADING=1", "MONOTONIC_USEC="], since)
            old = takeover.follow(server, supervisor.main)
            assert old.wait(kit.PATIENCE_S) == 0
            assert os.readlink(f"/proc/{supervisor.main}/exe") == str(installed)
            before = stream.answered
            server.wait(lambda before=before: stream.answered > before + 500, "answers go on")
    assert not stream.wrong
    assert not supervisor.others, "none spoke while it was not the service: systemd would not have heard it"
    since = len(supervisor.told)
    server.process.send_signal(signal.SIGTERM)
    server.process.wait()
    server.wait(lambda: supervisor.heard(["STOPPING=1"], since), "it says that it stops")


def test_by_itself_a_signal_reloads(site, installed):  # noqa: F811
    server = takeover.simple(site).start()
    upgrade(installed)
    server.process.send_signal(signal.SIGHUP)
    server.wait(lambda: server.get("/v1/status")["generation"] == 2, "it reloads")
    assert "takeover" not in server.read_log()


def test_an_upgrade_that_does_not_start(site, supervisor, installed):  # noqa: F811
    """What is on disk is in force all the same."""
    server = takeover.simple(site, hangup="upgrade").start()
    takeover.install(installed, "exit 3\n")
    site.zone("example.com", "a 60 IN A 192.0.2.7\n")
    site.write()
    since = hang_up(server, supervisor)
    server.wait(lambda: supervisor.heard(["READY=1", "STATUS=takeover failed: the new process ended with code 3"], since), "it is told")
    server.wait(lambda: server.addresses("a.example.com") == ["192.0.2.7"], "it reloads")
    server.wait(lambda: supervisor.heard(["READY=1", "STATUS=reload ok"], since), "it is told")
    assert supervisor.main == server.process.pid


def test_a_new_one_that_ends_while_the_old_one_is_connected(site, supervisor):
    """The supervisor does not hear of the end of a grandchild: the old one is the service again, and has failed."""
    server = takeover.simple(site).start()
    with socket.create_connection(site.listen[0]) as one:
        dns.query.send_tcp(one, dns.message.make_query("n7.example.com", "A"))
        assert dns.query.receive_tcp(one)[0].answer
        old, _ = takeover.take_over(server)
        server.wait(lambda: supervisor.main == server.process.pid, "the supervisor follows")
        server.process.kill()
        assert old.wait(kit.PATIENCE_S) == 1
        server.wait(lambda: len(supervisor.others) + len(supervisor.told) >= 4, "it says so")
        assert any(f"MAINPID={old.pid}" in lines for _, lines in supervisor.others) or supervisor.main == old.pid
    server.wait_log("takeover undone")
    server.start()


# ---- --takeover ----

class Started:
    """steerd --takeover, as an operator or another supervisor starts it."""

    def __init__(self, server):
        with open(server.log_path, "ab") as log:
            self.offset = log.tell()
            self.process = subprocess.Popen([str(kit.STEERD), "-c", str(server.site.config), "--takeover"], stderr=log,
                                            stdin=subprocess.DEVNULL, env=server.site.environment or kit.make_environment())
        self.server = server

    def wait_ready(self):
        self.server.wait(lambda: self.process.poll() is not None or "answers queries" in self.server.read_log(self.offset), "it answers")
        assert self.process.poll() is None, self.server.read_log(self.offset)
        return self


def test_whoever_is_started_takes_over(pair):
    server = pair.server
    server.override("region", "us-east", "drain", expires_in="1h")
    before = server.get("/v1/overrides")
    for _ in range(3):
        old, started = server.process, Started(server).wait_ready()
        server.process = started.process
        assert old.wait(kit.PATIENCE_S) == 0
        assert server.get("/v1/overrides") == before
        assert not os.path.exists(f"{pair.site.socket}.heir")
    old, _ = takeover.take_over(server)  # whoever was started so is replaced as any other
    assert old.wait(kit.PATIENCE_S) == 0
    assert server.get("/v1/overrides") == before


def test_under_a_supervisor_that_waits_for_its_child(site):
    """runit, s6, a container: `steerd --takeover` in its run script, and once by hand, is an upgrade."""
    server = takeover.simple(site)
    server.write()
    server = kit.Server(site)
    site.running.append(server)
    server.process = Started(server).wait_ready().process  # nobody is there: a start
    with Stream(site.listen[0]) as stream:
        for _ in range(2):
            by_hand = Started(server).wait_ready()
            assert server.process.wait(kit.PATIENCE_S) == 0
            before = stream.answered
            server.process = Started(server).wait_ready().process  # what such a supervisor does then
            assert by_hand.process.wait(kit.PATIENCE_S) == 0
            server.wait(lambda before=before: stream.answered > before + 500, "answers go on")
    assert not stream.wrong and stream.asked == stream.answered


def test_one_that_systemd_does_not_hear(site):
    """Its end is that of the service: it starts nobody, but somebody else may take over."""
    site.environment = kit.make_environment()
    server = takeover.simple(site, hangup="upgrade")
    server.write()
    server = kit.Server(site)
    site.running.append(server)
    with open(server.log_path, "ab") as log:
        server.process = subprocess.Popen(["sh", "-c", f"SYSTEMD_EXEC_PID=$$ exec {kit.STEERD} -c {site.config}"], stderr=log, env=site.environment)
    server.wait_log("answers queries")
    reply = server.request("POST", "/v1/takeover")
    assert (reply.status, reply.json["type"]) == (501, "urn:steerd:problem:unsupported"), reply
    old, started = server.process, Started(server).wait_ready()
    server.process = started.process
    assert old.wait(kit.PATIENCE_S) == 0


def test_a_configuration_that_cannot_be_used(site):
    server = takeover.simple(site).start()
    site.put("zones/example.com.zone", "broken")
    site.put("steerd.json", '{"listen": ["127.0.0.1:1"], "zones": "zones", "admin": {"socket": "s"}, "nonsense": 1}')
    assert Started(server).process.wait(kit.PATIENCE_S) == 1
    site.put("steerd.json", '{"listen": ["192.0.2.1:1"], "zones": "zones", "admin": {"socket": "s"}, "state": "var"}')
    assert Started(server).process.wait(kit.PATIENCE_S) == 1
    server.wait_log("takeover failed")
    site.zone("example.com", "a 60 IN A 192.0.2.1\n")
    site.write()
    old, started = server.process, Started(server).wait_ready()
    server.process = started.process
    assert old.wait(kit.PATIENCE_S) == 0


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM])
def test_whoever_was_started_ends_in_between(site, number):
    """The old one goes on, whenever that was; or the new one had everything."""
    server = takeover.simple(site).start()
    for i in range(15):
        started = Started(server)
        time.sleep(i * 0.004)
        started.process.send_signal(number)
        started.process.wait()
        pid = started.process.pid

        def is_over(offset=started.offset, pid=pid):
            log = server.read_log(offset)
            return f"takeover begins program=? pid={pid}" not in log or any(f"takeover {end} pid={pid} " in log for end in ("failed", "done"))
        server.wait(is_over, "it is over")
        if f"takeover done pid={pid} " in server.read_log(started.offset):
            assert server.process.wait(kit.PATIENCE_S) == 0
            server.start()
        assert server.process.poll() is None and server.ask("a.example.com").answer
        assert server.reload().status == 200
    old, started = server.process, Started(server).wait_ready()
    server.process = started.process
    assert old.wait(kit.PATIENCE_S) == 0


def test_the_old_one_is_killed_in_between(site):
    server, went_on = takeover.simple(site).start(), 0
    for i in range(10):
        started = Started(server)
        time.sleep(0.004 + i * 0.004)
        server.process.kill()
        server.process.wait()
        server.wait(lambda started=started: started.process.poll() is not None or takeover.is_served(server), "it serves or has ended")
        if started.process.poll() is None:
            went_on += 1
            server.process = started.process
            server.wait(server.talks, "the API is there")
        else:
            server.start()
    assert went_on > 0


def test_two_at_once(site):
    """One of them is left."""
    server = takeover.simple(site).start()
    with Stream(site.listen[0]) as stream:
        for _ in range(5):
            old, several = server.process, [Started(server) for _ in range(6)]
            server.wait(lambda several=several: sum(one.process.poll() is None for one in several) == 1, "one is left")
            server.process = next(one.process for one in several if one.process.poll() is None)
            # the others came too late, or were first and then replaced themselves
            assert all(one.process.returncode in (0, 1) for one in several if one.process is not server.process)
            assert old.wait(kit.PATIENCE_S) == 0
    assert not stream.wrong and stream.asked == stream.answered


def test_turns_of_those_who_invite(site):
    """All of them listen at the same path: whoever comes while another one does waits, and takes nothing away from him."""
    server, old = takeover.simple(site).start(), None
    path = pathlib.Path(f"{site.socket}.heir")
    turn = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY)
    try:
        fcntl.flock(turn, fcntl.LOCK_EX)
        path.write_text("of whoever has the turn")
        started = Started(server)
        kit.wait_for(lambda: f"{path.parent}" in str([os.path.realpath(link) for link in pathlib.Path(f"/proc/{started.process.pid}/fd").iterdir()]),
                     "it is about to")
        time.sleep(0.1)
        assert started.process.poll() is None and path.read_text() == "of whoever has the turn"
        path.unlink()
    finally:
        os.close(turn)
    old, server.process = server.process, started.wait_ready().process
    assert old.wait(kit.PATIENCE_S) == 0 and not path.exists()


MUTE = """
import os, socket, sys
path = sys.argv[1]
one = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
one.bind(path)
one.listen(1)
print("listening", flush=True)
other = one.accept()[0]
sys.stdin.read()
"""


def test_somebody_who_says_nothing(site):
    """Is killed, and the old one goes on; nobody to meet is an error at once."""
    server = takeover.simple(site).start()
    reply = server.request("POST", "/v1/takeover", {"to": "heir"})
    assert reply.status == 422 and "could not be met" in reply.json["detail"], reply
    reply = server.request("POST", "/v1/takeover", {"to": "nobody"})
    assert reply.status == 422 and "expected" in str(reply.json), reply
    with subprocess.Popen([sys.executable, "-c", MUTE, f"{site.socket}.heir"], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as mute:
        assert mute.stdout.readline()
        reply = server.request("POST", "/v1/takeover", {"to": "heir"})
        assert reply.status == 422 and "who it is" in reply.json["detail"], reply
        assert mute.wait(kit.PATIENCE_S) == -signal.SIGKILL
    assert server.reload().status == 200


# ---- what is counted ----

def read_counters(server):
    """Every series of a counter."""
    counters = {}
    for line in server.request("GET", "/metrics").body.decode().splitlines():
        if not line.startswith("#") and "_total" in line.split("{")[0].split(" ")[0]:
            name, value = line.rsplit(" ", 1)
            counters[name] = float(value)
    return counters


GOES_ON = ("steerd_queries_", "steerd_answers_", "steerd_cookies_", "steerd_transfers_", "steerd_tsig_", "steerd_rrl_",
           "steerd_tcp_accepted_", "steerd_tcp_closed_", "steerd_checks_started_", "steerd_checks_total", "steerd_reloads_", "steerd_reload_failures_")


def test_counters_go_on(pair):
    server = pair.server
    for _ in range(50):
        server.ask("www.example.com")
    server.ask("www.example.com", tcp=True)
    assert server.reload().status == 200
    for _ in range(2):
        before = read_counters(server)
        old, _ = takeover.take_over(server)
        after = read_counters(server)
        assert old.wait(kit.PATIENCE_S) == 0
        back = {name: (before[name], after.get(name)) for name in before if name.startswith(GOES_ON) and after.get(name, -1) < before[name]}
        assert not back
        assert after['steerd_queries_total{transport="udp"}'] >= 50 and after["steerd_reloads_total"] == 1
