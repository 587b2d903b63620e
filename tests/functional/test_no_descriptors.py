# SPDX-License-Identifier: BSD-3-Clause
"""No descriptor is left, while endpoints are asked in every way there is: that counts against nobody."""
import collections
import itertools
import json
import os
import resource

import dns.rrset
import pytest

import h2kit
import kit
import tlskit
from h2kit import END_HEADERS, END_STREAM, headers
from test_dns_checks import Liar
from test_https import LATE, listen, pki, things, trusting  # noqa: F401  pylint: disable=unused-import

WELL = h2kit.HELLO + headers((":status", 200), flags=END_HEADERS | END_STREAM)


def reply(query):
    answer = dns.message.make_response(query)
    answer.answer.append(dns.rrset.from_text(query.question[0].name, 60, "IN", "A", "192.0.2.1"))
    return [answer]


def truncated(query):
    answer = dns.message.make_response(query)
    answer.flags |= dns.flags.TC
    return [answer]


def web(connection, _=0):
    while b"\r\n\r\n" in connection.recv(4096):
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 12\r\n\r\n{\"lag\": 1.5}")


def speaking(pki, *names):  # pylint: disable=redefined-outer-name
    context = pki.context("direct")
    context.set_alpn_protocols(list(names))
    return context


@pytest.fixture
def every_kind(site, pki, things):  # pylint: disable=redefined-outer-name
    """An endpoint that is well by checks of all kinds, some of which keep their connections."""
    told = site.folder / "told.json"
    told.write_text('{"e": "up"}')
    udp, tcp = Liar(reply), Liar(truncated, reply)
    plain = listen(things, web)
    secure = listen(things, tlskit.secured(pki.context("direct"), web))
    two = listen(things, tlskit.secured(speaking(pki, "h2"), h2kit.answer(WELL)))
    health = listen(things, h2kit.answer(h2kit.GOOD))
    query = {"query": {"name": "www.example.com.", "type": "A"}}
    checks = {
        "tcp": {"type": "tcp", "port": plain},
        "http": {"type": "http", "port": plain},
        "http-kept": {"type": "http", "port": plain, "keep_alive": True},
        "https": {"type": "https", **trusting(pki, secure)},
        "https-kept": {"type": "https", **trusting(pki, secure), "keep_alive": True},
        "h2": {"type": "https", **trusting(pki, two, alpn=["h2"])},
        "dns": {"type": "dns", "port": udp.port, **query},
        "dns-tcp": {"type": "dns", "port": tcp.port, **query},
        "icmp": {"type": "icmp"},
        "grpc": {"type": "grpc", "port": health},
        "exec": {"type": "exec", "command": ["/bin/true"]},
        "file": {"type": "file", "file": str(told), "key": "e"},
    }
    site.topology = {"regions": {"r": {"azs": {"a": {}}}}, "brake": False,
                     "checks": {name: {"interval": "500ms", "fall": 3, "rise": 1, **check} for name, check in checks.items()},
                     "endpoints": {"e": {"az": "a", "addresses": ["127.0.0.1"], "checks": list(checks)}}}
    return site.zone("example.test", "")


class Eye:
    """One connection to the server, which has its descriptor already."""

    def __init__(self, server):
        self.server, self.connection = server, kit.UnixConnection(server.site.socket)
        self.get("/v1/status")
        self.socket = self.connection.sock

    def get(self, path):
        self.connection.request("GET", path)
        reply = self.connection.getresponse()
        body = reply.read()
        assert reply.status == 200, body
        return body

    def look(self):
        return {check["check"]: check for check in json.loads(self.get("/v1/checks?endpoint=e"))["items"]}

    def count(self):
        assert self.connection.sock is self.socket, "it was kept"
        counts = collections.Counter()
        for line in self.get("/metrics").decode().splitlines():
            if line.startswith("steerd_checks_total{") and not line.endswith(" 0"):
                counts[line.split('"')[1]] = int(line.split()[-1])
        return counts

    def wait_once(self, outcomes, names):
        """Each of them has ended like that once, whatever happened in between."""
        left = set(names)

        def find():
            left.difference_update(name for name, check in self.look().items() if check["outcome"] in outcomes)
            return not left
        try:
            self.server.wait(find, f"{outcomes}", 4 * kit.PATIENCE_S)
        except AssertionError as error:
            raise AssertionError(f"not {outcomes}: {left}: {error}") from error


def leave(server, room):
    """So many more descriptors can be opened."""
    _, hard = resource.prlimit(server.process.pid, resource.RLIMIT_NOFILE)
    taken = {int(fd) for fd in os.listdir(f"/proc/{server.process.pid}/fd")}
    most = next(most for most in itertools.count(3) if most - len([fd for fd in taken if fd < most]) >= room + (0 if most > 3 else 1))
    resource.prlimit(server.process.pid, resource.RLIMIT_NOFILE, (most, hard))


@pytest.mark.parametrize("room", range(4))
def test_of_every_kind(every_kind, room):
    """Some descriptors are left, or none: a check has two halves."""
    server = every_kind.start()
    names = list(every_kind.topology["checks"])
    eye = Eye(server)
    eye.wait_once(["ok"], names)
    before = eye.count()
    leave(server, room)
    if room == 0:
        eye.wait_once(["local_error"], set(names) - {"file", "icmp", "http-kept", "https-kept"})  # those need no other one
    server.wait(lambda: sum(eye.count().values()) > sum(before.values()) + 100, "a hundred more")
    assert {name: check["outcome"] for name, check in eye.look().items() if check["verdict"] != "healthy"} == {}
    during = eye.count()
    leave(server, 4096)
    eye.wait_once(["ok"], names)
    assert during["local_error"] or room > 1
    assert set(during) <= {"ok", "local_error"} | LATE, during
    assert "observed=unhealthy" not in server.read_log()
    eye.connection.close()
