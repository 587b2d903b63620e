# SPDX-License-Identifier: BSD-3-Clause
"""What TCP clients may take: connections of one client and of all, descriptors, time. Who stays and who goes is asserted,
never how long it took."""
import contextlib
import os
import re
import resource
import socket
import struct
import time

import dns.message
import pytest

import kit
from test_limits import metric

QUERY = dns.message.make_query("host.example.com", "A", id=7).to_wire()
BIG = dns.message.make_query("big.example.com", "TXT", id=8).to_wire()


def frame(wire):
    return struct.pack("!H", len(wire)) + wire


@pytest.fixture
def site(site):  # pylint: disable=redefined-outer-name
    texts = " ".join('"%s"' % ("x" * 250) for _ in range(200))
    site.zone("example.com", f"host 60 IN A 192.0.2.1\nbig 60 IN TXT {texts}\n")
    return site


@pytest.fixture
def dial(site):
    """Connects from an address; what was connected is closed behind the test."""
    with contextlib.ExitStack() as stack:
        def connect(source=""):
            sock = socket.create_connection(site.listen[0], timeout=kit.PATIENCE_S, source_address=(source, 0))
            return stack.enter_context(sock)
        yield connect


def read(sock, count):
    octets = b""
    while len(octets) < count:
        more = sock.recv(count - len(octets))
        assert more, "the server has closed it"
        octets += more
    return octets


def read_reply(sock):
    return read(sock, struct.unpack("!H", read(sock, 2))[0])


def ask(sock):
    sock.sendall(frame(QUERY))
    reply = read_reply(sock)
    assert reply[:2] == QUERY[:2] and reply[3] & 15 == 0


def is_open(sock):
    """Does the server still hold it?"""
    sock.setblocking(False)
    try:
        return sock.recv(1) != b""
    except BlockingIOError:
        return True
    except ConnectionResetError:
        return False
    finally:
        sock.settimeout(kit.PATIENCE_S)


def closed_by(server, reason):
    return metric(server, f'steerd_tcp_closed_total{{by="{reason}"}}')


@pytest.mark.parametrize("threads", [1, 3])
def test_one_client_cannot_take_it_all(site, dial, threads):
    site.server.update({"threads": threads, "tcp": {"clients": 100, "clients_per_address": 10, "idle": "1h"}})
    server = site.start()
    others = [dial(f"127.1.1.{1 + i}") for i in range(20)]
    for sock in others:
        ask(sock)
    greedy = [dial("127.1.2.1") for _ in range(50)]
    ask(greedy[-1])  # who comes last is served
    server.wait(lambda: metric(server, "steerd_tcp_accepted_total") == 70, "all were accepted")
    left = [sock for sock in greedy if is_open(sock)]
    assert 10 <= len(left) <= 10 + threads - 1
    assert closed_by(server, "clients_per_address") == 50 - len(left)
    if threads == 1:
        assert left == greedy[-10:]  # the oldest went first
    for sock in others:
        ask(sock)
    assert metric(server, "steerd_tcp_clients") == 20 + len(left)


def test_too_many_in_all(site, dial):
    site.server["tcp"] = {"clients": 20, "clients_per_address": 0, "idle": "1h"}
    server = site.start()
    busy = dial()
    socks = []
    for i in range(60):
        socks.append(dial(f"127.1.{i}.1"))
        ask(socks[-1])
        ask(busy)  # the others are idle for longer
    assert [is_open(sock) for sock in socks] == [False] * 41 + [True] * 19
    assert closed_by(server, "clients") == 41
    assert metric(server, "steerd_tcp_clients") == 20
    # limits follow a reload
    site.server["tcp"] = {"clients": 20, "clients_per_address": 0, "idle": "100ms"}
    site.write()
    assert server.reload().status == 200
    server.wait(lambda: metric(server, "steerd_tcp_clients") == 0, "idle connections were closed")
    assert closed_by(server, "idle") == 20


def test_no_descriptors_left(site, dial):
    """The one that is idle longest goes; the admin API and UDP do not suffer."""
    site.server["tcp"] = {"clients_per_address": 0, "idle": "1h"}
    server = site.start()
    busy = dial()
    ask(busy)
    limit = 2 * len(os.listdir(f"/proc/{server.process.pid}/fd"))  # the last quarter is for others
    resource.prlimit(server.process.pid, resource.RLIMIT_NOFILE, (limit, limit))
    socks = []
    for _ in range(100):
        socks.append(dial())
        ask(socks[-1])
        ask(busy)
    assert is_open(socks[-1])
    gone = [sock for sock in socks if not is_open(sock)]
    assert gone == socks[:len(gone)] and len(gone) > 40
    server.wait_log("tcp accept failed", "closes idle clients")
    assert server.addresses("host.example.com") == ["192.0.2.1"]
    assert closed_by(server, "descriptors") == len(gone)  # the admin API's descriptors are not theirs
    for sock in socks:
        sock.close()
    server.wait(lambda: metric(server, "steerd_tcp_clients") == 1, "the others left")
    assert closed_by(server, "descriptors") == len(gone)


def may_raise_limits():
    """CAP_SYS_RESOURCE: the hard limit is none."""
    with open("/proc/self/status", encoding="ascii") as status:
        capabilities = re.search(r"^CapEff:\s*(\w+)$", status.read(), re.M)[1]
    return bool(int(capabilities, 16) >> 24 & 1)


def test_fewer_descriptors_than_clients(site, dial, monkeypatch, tmp_path):
    wrapper = tmp_path / "steerd"
    wrapper.write_text(f'#!/bin/sh\nulimit -n 128 && exec "{kit.STEERD}" "$@"\n')
    wrapper.chmod(0o755)
    monkeypatch.setattr(kit, "STEERD", wrapper)
    site.server["tcp"] = {"clients": 5000, "clients_per_address": 0, "idle": "1h"}
    server = site.start()
    socks = [dial() for _ in range(90)]
    ask(socks[-1])
    if may_raise_limits():
        assert resource.prlimit(server.process.pid, resource.RLIMIT_NOFILE)[0] >= 5000 + 80
        assert "tcp clients limited" not in server.read_log()
        assert all(is_open(sock) for sock in socks)
        return
    server.wait_log("tcp clients limited clients=5000 serving=48", "LimitNOFILE")
    server.wait(lambda: metric(server, "steerd_tcp_clients") == 48, "48 are left")
    assert closed_by(server, "descriptors") == 0


def drip(sock, wire):
    """Octet by octet, until the server has enough of it; returns how many it took."""
    for sent, octet in enumerate(wire):
        try:
            sock.sendall(bytes([octet]))
        except (BrokenPipeError, ConnectionResetError):
            return sent
        if not is_open(sock):
            return sent
        time.sleep(0.01)
    return len(wire)


def test_slow_clients_are_cut(site, dial):
    site.server["tcp"] = {"idle": "300ms"}
    server = site.start()
    slow = dial()
    ask(slow)
    assert drip(slow, struct.pack("!H", 20000) + bytes(20000)) < 20000  # it would take minutes
    assert closed_by(server, "idle") == 1
    # one that asks and never reads: 50 kB an answer
    deaf = dial()
    with contextlib.suppress(BrokenPipeError, ConnectionResetError):
        for _ in range(2000):
            deaf.sendall(frame(BIG))
            if not is_open(deaf):
                break
    server.wait(lambda: closed_by(server, "idle") == 2, "the one that never reads was cut")
    # one that reads in time gets all of it
    good = dial()
    good.sendall(frame(BIG) * 100)
    for _ in range(100):
        assert len(read_reply(good)) > 50000


def test_fast_open(site):
    """TCP_FASTOPEN on the listener: data in the SYN is answered, whether or not the kernel lets it through."""
    server = site.start()
    for _ in range(3):
        with socket.socket() as sock:
            assert sock.sendto(frame(QUERY), socket.MSG_FASTOPEN, site.listen[0]) == len(frame(QUERY))
            sock.settimeout(kit.PATIENCE_S)
            assert read_reply(sock)[:2] == QUERY[:2]
    assert metric(server, "steerd_tcp_accepted_total") == 3
