# SPDX-License-Identifier: BSD-3-Clause
"""steerd against NSD, Knot and BIND: the same generated zones, the same queries, the same answers, but for the
differences that compare.RULES allows. A failure prints the seed, the query and both answers; `--seeds SEED-SEED`
repeats it. DIFF_QUERIES says how many queries a seed has."""
import collections
import os
import pathlib
import socket
import struct
import tempfile

import pytest

import compare
import generate
import kit
import oracles

QUERIES = int(os.environ.get("DIFF_QUERIES", "3000"))
TRIES, TIMEOUT_S = 4, 3
SHOWN = 5


class Client:
    """Asks one server: UDP on one socket, TCP on a connection per query."""

    def __init__(self, at):
        self.at = at
        self.udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.udp.settimeout(TIMEOUT_S)
        self.udp.connect(at)

    def close(self):
        self.udp.close()

    def ask(self, wire, tcp):
        for _ in range(TRIES):
            try:
                return self.ask_tcp(wire) if tcp else self.ask_udp(wire)
            except OSError:
                continue
        raise AssertionError(f"no answer from {self.at} to {wire.hex()}")

    def ask_udp(self, wire):
        self.udp.send(wire)
        while True:
            reply = self.udp.recv(65535)
            if reply[:2] == wire[:2]:
                return reply

    def ask_tcp(self, wire):
        with socket.create_connection(self.at, TIMEOUT_S) as tcp, tcp.makefile("rb") as stream:
            tcp.sendall(struct.pack("!H", len(wire)) + wire)
            head = stream.read(2)
            reply = stream.read(struct.unpack("!H", head)[0]) if len(head) == 2 else b""
            if not reply:
                raise OSError("closed without an answer")
            return reply


@pytest.fixture
def folder():
    # not tmp_path: the path of a unix socket has 107 octets at most
    with tempfile.TemporaryDirectory(prefix="steerd.") as made:
        yield pathlib.Path(made)


@pytest.fixture(params=sorted(oracles.ORACLES))
def oracle(request):
    made = oracles.ORACLES[request.param]
    if made.find() is None:
        pytest.skip(f"{made.program} is not installed (contrib/packages oracle)")
    return request.param


@pytest.fixture
def servers(folder, oracle, seed):
    """The world of the seed, and clients of steerd and of the oracle that serve it."""
    world = generate.World(seed, QUERIES)
    zones = {zone.origin.to_text(): zone.to_text() for zone in world.zones}
    site, peer = kit.Site(folder), oracles.ORACLES[oracle](folder / "oracle", zones)
    peer.folder.mkdir()
    for origin, text in zones.items():
        site.zone(origin.rstrip("."), text, soa="")
    clients = []
    try:
        server = site.start()
        peer.start()
        clients = [Client(site.listen[0]), Client(peer.at)]
        yield world, *clients
        server.assert_no_defect()
    finally:
        for client in clients:
            client.close()
        if peer.process is not None:
            peer.stop()
        site.close()


def describe(seed, case, differing):
    return (f"seed {seed}: {', '.join(differing)} differ for {generate.to_text(case.query)}\n"
            f"---- steerd\n{case.ours.message}\n---- oracle\n{case.theirs.message}\n")


def test_answers_are_the_same(servers, oracle, seed):
    world, ours, theirs = servers
    failures, kinds, used = [], collections.Counter(), collections.Counter()
    for number, query in enumerate(world.queries):
        wire = generate.to_message(query, number).to_wire()
        case = compare.Case(oracle, query, (ours.ask(wire, query.tcp), theirs.ask(wire, query.tcp)), world,
                            lambda wire=wire: (ours.ask(wire, True), theirs.ask(wire, True)))
        differing = compare.compare(case, used)
        if differing:
            kinds[" ".join(differing)] += 1
            failures.append(describe(seed, case, differing))
    print(f"{oracle}, seed {seed}: {len(world.queries)} queries, rules used: {dict(used)}")
    assert not failures, f"{len(failures)} of {len(world.queries)} answers differ: {dict(kinds)}\n" + \
        "\n".join(failures[:SHOWN])
