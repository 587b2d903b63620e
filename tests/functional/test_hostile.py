# SPDX-License-Identifier: BSD-3-Clause
"""Input that nobody sends in good faith: the server neither answers nonsense nor stops answering everybody else. The
sanitizers' word at the end of each test counts too."""
import os
import random
import socket
import struct

import dns.message
import dns.rcode
import dns.rdatatype
import hypothesis
import hypothesis.strategies
import pytest

import kit


@pytest.fixture
def server(site):
    at = kit.make_regions(site, ["us-east-1a"])
    site.topology["checks"]["web"]["interval"] = "1h"
    site.zone("example.com", "static 60 IN A 192.0.2.1\n")
    site.policy("example.com", {"www": {"endpoints": ["*"]}})
    site.web(*at.values())
    return site.start()


def assert_alive(server):
    assert server.addresses("static.example.com") == ["192.0.2.1"]
    assert server.addresses("static.example.com", tcp=True) == ["192.0.2.1"]


def udp(server, wire, patience_s=0.3):
    """The reply's octets, or None if none comes; a query that is always answered tells when to stop waiting."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.settimeout(patience_s)
        sock.connect(server.site.listen[0])
        sock.send(wire)
        try:
            return sock.recv(65535)
        except socket.timeout:
            return None


QUERY = dns.message.make_query("static.example.com", "A", id=4660).to_wire()


def test_no_reply_to_what_is_no_query(server):
    assert udp(server, QUERY) is not None
    for wire in b"", b"\0" * 11, QUERY[:2] + b"\x84\0" + QUERY[4:]:
        assert udp(server, wire) is None, wire
    assert_alive(server)


@pytest.mark.parametrize("wire", [
    QUERY[:-1], QUERY[:-4], QUERY[:12],                            # ends early
    QUERY[:4] + b"\0\2" + QUERY[6:],                               # two questions, one there
    QUERY[:12] + b"\xc0\x0c" + QUERY[-4:],                         # a name that points at itself
    QUERY[:12] + b"\x3f" + b"a" * 20,                              # a label that ends behind the message
    QUERY[:12] + b"\x40" + b"a" * 64 + b"\0" + QUERY[-4:],         # a label type that does not exist
    QUERY[:12] + (b"\x3f" + b"a" * 63) * 5 + b"\0" + QUERY[-4:],   # a name of 321 octets
    QUERY[:10] + b"\0\1" + QUERY[12:] + b"\0\0\x29\x04\xd0" + b"\0" * 4 + b"\xff\xff",  # an OPT that ends early
], ids=range(9))
def test_malformed_queries_get_formerr(server, wire):
    reply = udp(server, wire, 10)
    assert reply is not None and reply[:2] == wire[:2]
    assert reply[2] & 0x80 and reply[3] & 15 == dns.rcode.FORMERR
    assert_alive(server)


def test_random_mutations(server):
    """Repeatable noise: a thousand queries with some octets changed. None stops the server."""
    noise = random.Random(20261121)
    base = dns.message.make_query("www.example.com", "A", use_edns=0, payload=1232).to_wire()
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.connect(server.site.listen[0])
        for _ in range(1000):
            wire = bytearray(base)
            for _ in range(noise.randrange(1, 8)):
                wire[noise.randrange(len(wire))] = noise.randrange(256)
            sock.send(wire[:noise.randrange(len(wire) + 1)] if noise.random() < 0.3 else wire)
    assert_alive(server)


@hypothesis.seed(int(os.environ.get("TEST_SEED", "7")))
@hypothesis.example(labels=[b"\0"], rtype=dns.rdatatype.IXFR)
@hypothesis.settings(max_examples=150, deadline=None, database=None, suppress_health_check=list(hypothesis.HealthCheck))
@hypothesis.given(labels=hypothesis.strategies.lists(hypothesis.strategies.binary(min_size=1, max_size=63), max_size=6),
                  rtype=hypothesis.strategies.integers(0, 65535))
def test_any_name_and_type_gets_a_reply(server, labels, rtype):
    name = b"".join(bytes([len(label)]) + label for label in labels + [b"example", b"com"]) + b"\0"
    hypothesis.assume(len(name) <= 255)
    wire = struct.pack("!6H", 7, 0, 1, 0, 0, 0) + name + struct.pack("!2H", rtype, 1)
    reply = udp(server, wire, 10)
    assert reply is not None and reply[:2] == wire[:2]
    parsed = dns.message.from_wire(reply)
    expected = {dns.rcode.NOERROR, dns.rcode.NXDOMAIN, dns.rcode.NOTIMP, dns.rcode.REFUSED, dns.rcode.FORMERR}
    transfers = {dns.rcode.NOTAUTH} if rtype in (dns.rdatatype.IXFR, dns.rdatatype.AXFR) else set()  # of what is no zone
    assert parsed.rcode() in expected | transfers


# ---- TCP ----

def connect(server):
    return socket.create_connection(server.site.listen[0], timeout=10)


def test_tcp_nonsense(server):
    for octets in b"\0\0", b"\0\1x", b"\xff\xff", b"\0\x0c" + b"\xff" * 12, b"GET / HTTP/1.1\r\n\r\n" * 50:
        with connect(server) as sock:
            sock.sendall(octets)
    assert_alive(server)


def test_tcp_clients_that_leave_do_not_hurt(server):
    for _ in range(50):
        with connect(server) as sock:
            sock.sendall(struct.pack("!H", len(QUERY)) + QUERY)
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    assert_alive(server)


def test_tcp_client_that_never_reads(server):
    """Answers pile up for one client; others are served all the same."""
    with connect(server) as sock:
        sock.setblocking(False)
        message = struct.pack("!H", len(QUERY)) + QUERY
        try:
            for _ in range(2000):
                sock.send(message * 100)
        except BlockingIOError:
            pass
        assert_alive(server)


def test_many_idle_tcp_clients(server):
    clients = [connect(server) for _ in range(200)]
    assert_alive(server)
    for client in clients:
        client.close()


# ---- the admin socket ----

def raw(server, octets):
    """What comes back until the other side closes or says nothing for a while."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as sock:
        sock.settimeout(10)
        sock.connect(str(server.site.socket))
        try:
            sock.sendall(octets)
            sock.shutdown(socket.SHUT_WR)
            reply = b""
            while True:
                more = sock.recv(65536)
                if not more:
                    return reply
                reply += more
        except (BrokenPipeError, ConnectionResetError):
            return b""


@pytest.mark.parametrize("octets", [
    b"\0" * 100,
    b"nonsense\r\n\r\n",
    b"GET\r\n\r\n",
    b"GET /v1/status HTTP/9.9\r\nHost: a\r\n\r\n",
    b"GET /v1/status HTTP/1.1\r\nNo-Colon\r\nHost: a\r\n\r\n",
    b"GET /v1/status HTTP/1.1\r\nHost: a\r\nX: " + b"y" * 200000 + b"\r\n\r\n",
    b"GET /" + b"a" * 200000 + b" HTTP/1.1\r\nHost: a\r\n\r\n",
    b"PUT /v1/regions/us-east/override HTTP/1.1\r\nHost: a\r\nContent-Length: 99999999999\r\n\r\n{}",
    b"PUT /v1/regions/us-east/override HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\nContent-Length: 5\r\n\r\n{}abc",
    b"GET /v1/status HTTP/1.1\r\nHost: a\r\nX\0Y: z\r\n\r\n",
    b"GET /v1/status HTTP/1.1\r\nHost : a\r\n\r\n",
    b"GET /v1/status%zz HTTP/1.1\r\nHost: a\r\n\r\n",
    b"GET http://elsewhere/v1/status HTTP/1.1\r\n\r\n",
], ids=range(13))
def test_malformed_http(server, octets):
    reply = raw(server, octets)
    status = reply.split(b"\r\n", 1)[0]
    assert reply == b"" or status.split()[1][:1] in (b"4", b"5"), reply[:200]
    assert server.get("/v1/status")["zones"] == 1
    assert server.get("/v1/overrides")["items"] == []


@pytest.mark.parametrize("body", ["", "{", "[]", "null", "\"x\"", "{\"state\":\"drain\",\"state\":\"up\",\"reason\":\"x\"}",
                                  "{\"state\": \"drain\", \"reason\": \"\\u0000\"}", "[" * 100000,
                                  b"{\"state\":\"drain\",\"reason\":\"\xff\xfe\"}",
                                  "{\"state\": 1e999, \"reason\": {}}"], ids=range(10))
def test_malformed_bodies(server, body):
    reply = server.request("PUT", "/v1/regions/us-east/override", body)
    assert 400 <= reply.status < 500
    assert reply.headers["Content-Type"].startswith("application/problem+json") and reply.json["title"]
    assert server.get("/v1/overrides")["items"] == []


def test_slow_admin_client_does_not_block_others(server):
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as slow:
        slow.connect(str(server.site.socket))
        slow.sendall(b"GET /v1/sta")
        assert server.get("/v1/status")["zones"] == 1
        assert_alive(server)


def test_zone_names_that_file_systems_do_not_like(site):
    site.zones["%2E%2E%2Fescape"] = kit.SOA
    site.zone("example.com", "static 60 IN A 192.0.2.1\n").write()
    done = kit.run_steerd("-c", str(site.config), "--check")
    assert done.returncode in (0, 1)
