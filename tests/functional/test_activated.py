# SPDX-License-Identifier: BSD-3-Clause
"""What systemd has for a service: sockets that it has bound, a store of descriptors over restarts, a watchdog. systemd is
this test: a datagram socket that hears, and a process that gives its descriptors to steerd and becomes it."""
import array
import os
import signal
import socket
import sys
import threading

import dns.message
import pytest

import kit
import takeovers
from takeovers import reaper  # noqa: F401  pylint: disable=unused-import

GIVER = """
import os, socket, sys
one = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
one.connect(sys.argv[1])
data, fds, _, _ = socket.recv_fds(one, 16, 64)
one.close()
high = [os.dup2(fd, 500 + i) for i, fd in enumerate(fds)]
for i, fd in enumerate(high):
    os.dup2(fd, 3 + i, inheritable=True)
os.environ.update(LISTEN_PID=str(os.getpid()), LISTEN_FDS=str(len(high)), LISTEN_FDNAMES=":".join(["dns"] * len(high)))
os.closerange(3 + len(high), 600)
os.execv(sys.argv[2], sys.argv[2:])
"""


class Systemd:
    """Holds descriptors for the service, and hears it."""

    def __init__(self, site):
        self.site, self.told, self.store = site, [], []
        self.given = []  # of a socket unit
        self.heard = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.heard.bind(str(site.folder / "notify"))
        self.door = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.door.bind(str(site.folder / "give"))
        self.door.listen()
        (site.folder / "giver.py").write_text(GIVER)
        site.launcher = [sys.executable, str(site.folder / "giver.py"), str(site.folder / "give")]
        site.environment = {**kit.make_environment(), "NOTIFY_SOCKET": str(site.folder / "notify"), "FDSTORE": "512"}
        for target in (self.hear, self.give):
            threading.Thread(target=target, daemon=True).start()

    def hear(self):
        while True:
            data, fds, _, _ = socket.recv_fds(self.heard, 4096, 253)
            lines = data.decode().split("\n")
            if "FDSTOREREMOVE=1" in lines:
                self.forget()
            self.store += fds
            assert not fds or lines == ["FDSTORE=1", "FDNAME=dns"]
            self.told.append(lines)

    def give(self):
        while True:
            one, _ = self.door.accept()
            fds = [*self.given, *self.store]
            one.sendmsg([b"."], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", fds))] if fds else [])
            one.close()

    def forget(self):
        while self.store:
            os.close(self.store.pop())

    def heard_of(self, word):
        return any(word in lines for lines in self.told)


def bind(kind, at, reuse=True):
    one = socket.socket(socket.AF_INET6 if ":" in at[0] else socket.AF_INET, kind)
    if reuse:
        one.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
    one.bind(at)
    if kind == socket.SOCK_STREAM:
        one.listen()
    return one


@pytest.fixture
def systemd(site):
    found = Systemd(site)
    yield found
    found.forget()


def count_bound(at, transport):
    """Sockets of this address in the kernel's table."""
    number = "".join(f"{byte:02X}" for byte in reversed(socket.inet_aton(at[0]))) + f":{at[1]:04X}"
    with open(f"/proc/net/{transport}", encoding="ascii") as table:
        return sum(line.split()[1] == number and line.split()[3] in ("07", "0A") for line in table.readlines()[1:])


def test_sockets_that_somebody_else_has_bound(site, systemd):
    """They are used as they are; what the configuration does not name is closed, and what is no such socket refused."""
    at, other = site.listen[0], (kit.new_address(), 5300)
    sockets = [bind(socket.SOCK_DGRAM, at, False), bind(socket.SOCK_STREAM, at, False), bind(socket.SOCK_DGRAM, other),
               socket.socket(socket.AF_INET, socket.SOCK_STREAM)]
    systemd.given = [one.fileno() for one in sockets]
    query = dns.message.make_query("early.example.com", "A").to_wire()
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as early:  # before steerd is there
        early.settimeout(kit.PATIENCE_S)
        early.sendto(query, at)
        server = site.zone("example.com", "early 60 IN A 192.0.2.7\na 60 IN A 192.0.2.1\n").start()
        assert bytes([192, 0, 2, 7]) in early.recv(512)
    assert server.addresses("a.example.com") == ["192.0.2.1"]
    assert server.addresses("a.example.com", tcp=True) == ["192.0.2.1"]
    assert count_bound(at, "udp") == count_bound(at, "tcp") == 1, "none was bound beside them"
    assert "sockets given count=3 unused=1" in server.read_log() and "socket refused fd=6" in server.read_log()
    environment = open(f"/proc/{server.process.pid}/environ", "rb").read()
    assert b"LISTEN_FDS" in environment  # of the start; what it starts does not have it
    for one in sockets:
        one.close()


def test_no_query_is_lost_in_a_restart(site, systemd):
    """Those that come while nobody is there wait in the sockets, after a kill as well."""
    site.server["threads"] = 2
    server = site.zone("example.com", "a 60 IN A 192.0.2.1\n").start()
    at = site.listen[0]
    server.wait(lambda: len(systemd.store) == 4, "its sockets are kept: two of UDP, two of TCP")
    query = dns.message.make_query("a.example.com", "A").to_wire()
    for number in (signal.SIGTERM, signal.SIGKILL):
        server.process.send_signal(number)
        server.process.wait()
        with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as stream:
            clients = [socket.socket(socket.AF_INET, socket.SOCK_DGRAM) for _ in range(20)]
            for one in clients:
                one.settimeout(kit.PATIENCE_S)
                one.sendto(query, at)
            stream.settimeout(kit.PATIENCE_S)
            stream.connect(at)
            stream.sendall(len(query).to_bytes(2, "big") + query)
            before = len(systemd.told)
            server.start()
            for one in clients:
                assert bytes([192, 0, 2, 1]) in one.recv(512)
                one.close()
            assert bytes([192, 0, 2, 1]) in stream.recv(512)
        server.wait(lambda before=before: ["FDSTORE=1", "FDNAME=dns"] in systemd.told[before:], "they are kept again")
        assert len(systemd.store) == 4 and count_bound(at, "udp") == 2


def test_a_takeover_changes_what_is_kept(site, systemd):
    server = site.zone("example.com", "a 60 IN A 192.0.2.1\n").start()
    server.wait(lambda: len(systemd.store) == 2, "its sockets are kept")
    before, second = len(systemd.told), (kit.new_address(), site.listen[0][1])
    site.listen.append(second)
    site.launcher = []
    site.write()
    old, _ = takeovers.take_over(server)
    assert old.wait(kit.PATIENCE_S) == 0
    server.wait(lambda: ["FDSTORE=1", "FDNAME=dns"] in systemd.told[before:] and len(systemd.store) == 4, "those of the new one are kept")
    assert server.addresses("a.example.com", at=second) == ["192.0.2.1"]


def test_nobody_keeps_sockets_who_does_not_say_so(site, systemd):
    del site.environment["FDSTORE"]
    site.zone("example.com", "a 60 IN A 192.0.2.1\n").start().wait(lambda: systemd.heard_of("READY=1"), "it is ready")
    assert not systemd.store and not systemd.heard_of("FDSTORE=1")


def test_the_watchdog_hears_it(site, systemd):
    site.environment["WATCHDOG_USEC"] = "300000"
    server = site.zone("example.com", "a 60 IN A 192.0.2.1\n").start()
    server.wait(lambda: sum("WATCHDOG=1" in lines for lines in systemd.told) > 3, "it says so again and again")
    ready = next(i for i, lines in enumerate(systemd.told) if "READY=1" in lines)
    assert not any("WATCHDOG=1" in lines for lines in systemd.told[:ready])
    site.launcher = []
    old, _ = takeovers.take_over(server)
    assert old.wait(kit.PATIENCE_S) == 0
    before = len(systemd.told)
    server.wait(lambda: sum("WATCHDOG=1" in lines for lines in systemd.told[before:]) > 3, "and so does who took over")
