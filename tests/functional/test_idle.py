# SPDX-License-Identifier: BSD-3-Clause
"""Idle TCP connections cost little: thousands of them are held, all others are served as before, and whoever held one
can still ask. IDLE_CLIENTS=20000 is the full number; steerd keeps some descriptors for others, so that takes ulimit -Hn 20200. With
less, as many are held as it allows."""
import os
import pathlib
import resource
import select
import socket
import struct

import kit
import packets
from test_soak import is_sanitized, memory_kb

WANTED = int(os.environ.get("IDLE_CLIENTS", "2000"))
SPARE = 100        # for who comes beside them
PER_ADDRESS = 20   # connections from one address
EACH_KB = 1        # of steerd's memory; what the kernel has for a socket is not in it
UDP_QUERIES = 2000
MESSAGE = struct.pack("!H", len(packets.PLAIN)) + packets.PLAIN


def raise_limit():
    """The number of clients that descriptors allow."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    return min(WANTED, hard - 64 - 16 - SPARE)


def connect(server, number):
    group = number // PER_ADDRESS
    client = socket.socket()
    client.settimeout(kit.PATIENCE_S)
    client.bind((f"127.{100 + group // 60000}.{group // 250 % 240}.{group % 250 + 1}", 0))
    client.connect(server.site.listen[0])
    return client


def ask(client):
    client.sendall(MESSAGE)
    reply = b""
    while len(reply) < 2 or len(reply) < 2 + struct.unpack("!H", reply[:2])[0]:
        more = client.recv(4096)
        assert more, "the connection was closed"
        reply += more
    assert packets.rcode_of(reply[2:]) == 0 and reply.endswith(b"\xc0\0\2\1")


def ask_udp(server, count):
    """steerd's CPU seconds for that many."""
    before = cpu_s(server)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.settimeout(kit.PATIENCE_S)
        sock.connect(server.site.listen[0])
        for _ in range(count):
            sock.send(packets.PLAIN)
            assert sock.recv(512).endswith(b"\xc0\0\2\1")
    return cpu_s(server) - before


def cpu_s(server):
    """Of all its threads, as the scheduler counts it."""
    tasks = pathlib.Path(f"/proc/{server.process.pid}/task").iterdir()
    return sum(int((task / "schedstat").read_text().split()[0]) for task in tasks) / 1e9


def hold(server, count):
    clients = []
    for number in range(count):
        clients.append(connect(server, number))
        if number % 100 == 99:
            ask(clients[-1])  # so that the queue of those who want to connect never fills
            ask_udp(server, 1)
    return clients


def test_idle_clients_cost_little_and_hurt_nobody(site):
    count = raise_limit()
    site.server["tcp"] = {"clients": count + SPARE, "clients_per_address": PER_ADDRESS, "idle": "1h"}
    server = site.zone(packets.ORIGIN, packets.ZONE).start()
    alone_s = ask_udp(server, UDP_QUERIES)
    before_kb = memory_kb(server)
    clients = hold(server, count)
    each_kb = (memory_kb(server) - before_kb) / count
    beside_s = ask_udp(server, UDP_QUERIES)
    print(f"{count} idle clients of {WANTED} wanted: {each_kb * 1024:.0f} octets each; CPU per query over UDP "
          f"{alone_s / UDP_QUERIES * 1e6:.1f} us alone, {beside_s / UDP_QUERIES * 1e6:.1f} us beside them")
    with socket.create_connection(server.site.listen[0], timeout=kit.PATIENCE_S) as another:
        ask(another)
    poll = select.poll()
    for client in clients:
        poll.register(client, select.POLLIN)
    assert poll.poll(0) == [], "none of them was closed"
    for client in clients[::max(1, count // 200)]:
        ask(client)
    for client in clients:
        client.close()
    assert is_sanitized(server) or each_kb <= EACH_KB
    server.wait(lambda: len(os.listdir(f"/proc/{server.process.pid}/fd")) < SPARE, "all are gone")
    assert server.addresses("www.example.com", tcp=True) == ["192.0.2.1"]
