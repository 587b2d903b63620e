# SPDX-License-Identifier: BSD-3-Clause
"""Checks that keep their connection: it is used again, also over TLS and across reloads, and nothing follows from its end."""
import socket
import threading

import pytest

import tlskit
from test_https import needs_nginx, pki, things, start, wait_outcomes  # noqa: F401

GOOD = b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nok\n"
CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nok\n\r\n0\r\nX-Trailer: x\r\n\r\n"


class Keeper:
    """Answers request after request on each connection; how it ends them is said by `after` (requests) and `how`."""

    def __init__(self, answer=GOOD):
        self.answer, self.after, self.how = answer, 0, "close"
        self.connections = self.requests = self.closed = 0
        self.open = set()
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        threading.Thread(target=self.serve, daemon=True).start()

    def serve(self):
        while True:
            try:
                connection, _ = self.listener.accept()
            except OSError:
                return
            self.connections += 1
            self.open.add(connection)
            threading.Thread(target=self.talk, args=(connection,), daemon=True).start()

    def talk(self, connection):
        served, heard = 0, b""
        try:
            while True:
                while b"\r\n\r\n" not in heard:
                    more = connection.recv(4096)
                    if not more:
                        self.closed += 1
                        return
                    heard += more
                if self.after and served >= self.after and self.how == "drop":
                    return  # it has read the request, and says nothing
                head, heard = heard.split(b"\r\n\r\n", 1)
                assert b"connection: close" not in head.lower()
                connection.sendall(self.answer)
                served += 1
                self.requests += 1
                if self.after and served >= self.after and self.how == "close":
                    return
        except OSError:
            pass
        finally:
            self.open.discard(connection)
            connection.close()

    def end_all(self):
        for connection in list(self.open):
            connection.shutdown(socket.SHUT_RDWR)

    def close(self):
        try:
            self.listener.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass
        self.listener.close()
        self.end_all()


@pytest.fixture(name="keeper")
def fixture_keeper():
    keeper = Keeper()
    yield keeper
    keeper.close()


def check(port, **more):
    return {"type": "http", "port": port, "interval": "200ms", "timeout": "200ms", "keep_alive": True, **more}


def read_metric(server, name):
    line, = [line for line in server.request("GET", "/metrics").body.decode().splitlines() if line.startswith(name + " ") or line.startswith(name + "{")]
    return int(line.split()[-1])


def read_failures(server):
    lines = [line for line in server.request("GET", "/metrics").body.decode().splitlines() if line.startswith("steerd_checks_total{")]
    return {line.split('"')[1]: int(line.split()[-1]) for line in lines if int(line.split()[-1]) and '"ok"' not in line}


def late(failures):
    """What a busy machine may bring."""
    return {name for name in failures if name not in ("timeout", "connect_timeout", "tls_timeout")}


def wait_more(server, keeper, count):
    until = keeper.requests + count
    server.wait(lambda: keeper.requests >= until, "more checks")


@pytest.mark.parametrize("answer", [GOOD, CHUNKED])
def test_one_connection(site, keeper, answer):
    keeper.answer = answer
    server = start(site, {"it": check(keeper.port)})
    wait_more(server, keeper, 15)
    connections = keeper.connections
    assert connections <= 1 + sum(read_failures(server).values())
    server.wait(lambda: read_metric(server, "steerd_check_connections_kept") == 1, "a connection that rests")
    site.topology["regions"]["r"]["location"] = [1, 1]
    site.write()
    server.reload()
    wait_more(server, keeper, 5)
    connections = keeper.connections
    assert connections <= 1 + sum(read_failures(server).values())
    del site.topology["checks"]["it"]["keep_alive"]
    site.topology["checks"] = {"it": {**site.topology["checks"]["it"], "type": "tcp"}}
    site.write()
    server.reload()
    server.wait(lambda: read_metric(server, "steerd_check_connections_kept") == 0, "none")
    server.wait(lambda: keeper.closed >= 1, "its end, without a reset")


@pytest.mark.parametrize("after, how", [(1, "close"), (3, "close"), (1, "drop"), (2, "drop")])
def test_ends_are_no_failures(site, keeper, after, how):
    """It closes after so many answers, or with the next request, unheard."""
    keeper.after, keeper.how = after, how
    server = start(site, {"it": check(keeper.port)})
    wait_more(server, keeper, 12)
    assert not late(read_failures(server))
    assert keeper.connections >= 12 // (after + 1)
    keeper.after = 0
    wait_more(server, keeper, 5)
    for _ in range(5):
        keeper.end_all()
        wait_more(server, keeper, 3)
    assert not late(read_failures(server))
    keeper.listener.shutdown(socket.SHUT_RDWR)  # the connection goes on: it is as healthy as it says
    wait_more(server, keeper, 3)
    keeper.end_all()
    wait_outcomes(server, {"it": "refused"})


def test_what_is_not_kept(site, keeper):
    """Bodies beyond the limit, statuses that are not accepted, what comes behind the answer."""
    others = [Keeper(b"HTTP/1.1 503 Down\r\nContent-Length: 3\r\n\r\nno\n"), Keeper(GOOD + b"junk"), Keeper(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n" + b"x" * 9)]
    try:
        server = start(site, {"status": check(others[0].port), "junk": check(others[1].port), "big": check(others[2].port, max_body=5)})
        wait_outcomes(server, {"status": "bad_status", "junk": "ok", "big": "ok"})
        for other in others:
            wait_more(server, other, 5)
            assert other.connections >= other.requests - 1
        assert read_metric(server, "steerd_check_connections_kept") == 0
    finally:
        for other in others:
            other.close()


@needs_nginx
def test_nginx(site, pki, things, tmp_path):  # noqa: F811
    """TLS and HEAD; nginx ends connections after 7 requests, and has nothing to say about it."""
    nginx = tlskit.Nginx(tmp_path / "nginx", pki, "keepalive_requests 7; location / { return 200 'all is well\\n'; }")
    things.append(nginx)
    at = {"port": nginx.port, "host": tlskit.HOST, "tls": {"ca": pki.root_pem, "resume": False}, "interval": "100ms", "timeout": "100ms", "keep_alive": True}
    server = start(site, {"get": {**at, "path": "/get"}, "head": {**at, "path": "/head", "method": "HEAD"}, "body": {**at, "path": "/body", "expect_regex": "^all is well\n$"}})
    wait_outcomes(server, {"get": "ok", "head": "ok", "body": "ok"})
    for path in ("/get", "/head", "/body"):
        server.wait(lambda path=path: nginx.read("access.log").count(f"{path} HTTP/1.1") > 25, "checks")
    assert not late(read_failures(server))
    error = nginx.read("error.log")
    for word in ("reset by peer", "SSL_", "crit", "[error]"):
        assert word not in error, error
