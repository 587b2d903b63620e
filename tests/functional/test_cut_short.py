# SPDX-License-Identifier: BSD-3-Clause
"""Endpoints that end their answer behind so many octets, at every octet of it: they close, close one direction only, or say
nothing more. Each has its own outcome, and what waits for the rest costs no processor. https, HTTP/2 and gRPC have that in
their own tests."""
import socket

import dns.message
import pytest

import kit
import test_dns_checks
import tlskit
from test_https import LATE, count_outcomes, look, things, wait_each  # noqa: F401  pylint: disable=unused-import

EXPECTED = b"PONG"
TCP_ANSWER = b"+OK " + EXPECTED + b" more\r\n"
HEAD = b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 9\r\n\r\n"
HTTP_ANSWER = HEAD + b"it is ok\n"
CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5;x=y\r\nit is\r\n4\r\n ok\n\r\n0\r\n\r\n"


def read_until(connection, end):
    octets = b""
    while not octets.endswith(end):
        more = connection.recv(4096)
        if not more:
            raise OSError("it has gone")
        octets += more
    return octets


def hear_http(answer):
    def hear(connection):
        read_until(connection, b"\r\n\r\n")
        return answer
    return hear


def hear_tcp(connection):
    read_until(connection, b"\n")
    return TCP_ANSWER


def hear_dns(connection):
    size = int.from_bytes(connection.recv(2, socket.MSG_WAITALL), "big")
    wire = test_dns_checks.good(dns.message.from_wire(connection.recv(size, socket.MSG_WAITALL))).to_wire()
    return len(wire).to_bytes(2, "big") + wire


DNS_ANSWER_SIZE = 2 + len(test_dns_checks.good(dns.message.make_query("www.example.com.", "A", use_edns=0)).to_wire())
EXPECTS = {"type": "http", "expect": "is ok"}
# What is checked; who answers; how many octets there are, and of how many on it is well.
KINDS = {
    "http": ({"type": "http"}, hear_http(HTTP_ANSWER), len(HTTP_ANSWER), len(HEAD)),
    "body": (EXPECTS, hear_http(HTTP_ANSWER), len(HTTP_ANSWER), len(HTTP_ANSWER) - 1),
    "chunked": (EXPECTS, hear_http(CHUNKED), len(CHUNKED), CHUNKED.index(b" ok") + 3),
    "tcp": ({"type": "tcp", "send": "PING\r\n", "expect": EXPECTED.decode()}, hear_tcp, len(TCP_ANSWER),
            TCP_ANSWER.index(EXPECTED) + len(EXPECTED)),
    "dns": ({"type": "dns", "transport": "tcp", "query": test_dns_checks.QUERY, "answer": ["192.0.2.1", "192.0.2.2"]}, hear_dns,
            DNS_ANSWER_SIZE, DNS_ANSWER_SIZE),
}


def close(_):
    pass


def close_half(connection):
    connection.shutdown(socket.SHUT_WR)
    tlskit.hold(connection)


WAYS = {"closes": (close, "closed"), "closes-half": (close_half, "closed"), "stalls": (tlskit.hold, "timeout")}


def cut(hear, count, end):
    def serve(connection, _):
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        connection.sendall(hear(connection)[:count])
        end(connection)
    return serve


@pytest.mark.parametrize("kind", KINDS)
def test_an_answer_that_ends_at_any_octet(site, things, kind):  # noqa: F811  pylint: disable=redefined-outer-name
    check, hear, size, well = KINDS[kind]
    checks, expected = {}, {}
    for way, (end, outcome) in WAYS.items():
        for count in range(size + 1):
            name = f"{way}-behind-{count}"
            things.append(tlskit.Listener(cut(hear, count, end)))
            checks[name] = {**check, "port": things[-1].port, "interval": "1s", "timeout": "500ms", "fall": 1, "rise": 1}
            expected[name] = "ok" if count >= well else outcome
    site.topology = {"regions": {"r": {"azs": {"a": {}}}}, "brake": False, "checks": checks,
                     "endpoints": {"e": {"az": "a", "addresses": ["127.0.0.1"], "checks": list(checks)}}}
    site.zone("example.com", "")
    server = site.start()
    wait_each(server, expected)
    assert set(count_outcomes(server)) <= {"ok", "closed"} | LATE
    well_now = {name for name, row in look(server).items() if row["verdict"] == "healthy"}
    assert well_now <= {name for name, outcome in expected.items() if outcome == "ok"}
    turns, cpu_s = kit.cost_checks(server, 2 * len(checks))
    assert turns < 10 and cpu_s < 0.01
