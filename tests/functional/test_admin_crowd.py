# SPDX-License-Identifier: BSD-3-Clause
"""The admin socket while clients misbehave: idle, dripping, leaving early, sending too much, deleting the socket."""
import json
import contextlib
import resource
import socket

import pytest

import gatekit
import kit

CAP, FEW = 64, 1024  # places where descriptors are that few
STATUS = b"GET /v1/status HTTP/1.1\r\nHost: x\r\n\r\n"


@pytest.fixture
def server(site):
    kit.make_regions(site, ["us-east-1a"], interval="1h")
    site.zone("example.com", "").policy("example.com", {"www": {"endpoints": ["*"]}})
    site.launcher = ["prlimit", f"--nofile={FEW}:{FEW}"]
    return site.start()


@pytest.fixture
def crowd(server):
    """Clients that said these octets and went on holding their connections."""
    with contextlib.ExitStack() as stack:
        def make(said=b"", count=CAP):
            clients = [stack.enter_context(socket.socket(socket.AF_UNIX)) for _ in range(count)]
            for client in clients:
                client.settimeout(kit.PATIENCE_S)
                client.connect(str(server.site.socket))
                client.sendall(said)
            return clients
        yield make


@pytest.mark.parametrize("said", [b"", STATUS, STATUS[:20]], ids=["silent", "served", "half"])
def test_idle_clients_make_room(server, crowd, said):
    """Their deadline is 10 s; the requests behind them need not wait for it (each has that long)."""
    clients = crowd(said)
    for _ in range(5):
        assert server.request("GET", "/v1/status").status == 200
    heard = b"".join(iter(lambda: clients[0].recv(1 << 16), b""))  # up to its end
    assert heard.startswith(b"HTTP/1.1 200" if said == STATUS else b"")


def test_early_leavers_free_their_places(server, crowd):
    for said in b"", STATUS, STATUS * 3, STATUS + b"POST /v1/reload HTTP/1.1\r\nHost: x\r\n\r\n":
        for client in crowd(said):
            client.close()
        assert server.request("GET", "/v1/status").status == 200


def test_a_crowd_is_served(server, crowd):
    """More at once than there are places, all in good faith; the kernel lets 128 wait."""
    for client in crowd(STATUS, 2 * CAP):
        assert client.recv(12) == b"HTTP/1.1 200"


@pytest.mark.skipif(resource.getrlimit(resource.RLIMIT_NOFILE)[1] < 2000, reason="descriptors are few")
def test_a_crowd_that_is_idle_has_room(site, server, crowd):
    """Nobody has to leave for somebody else, where there are descriptors."""
    server.stop()
    site.launcher = []
    site.start()
    clients = crowd(b"", 100)
    assert server.request("GET", "/v1/status").status == 200
    clients[0].sendall(STATUS)
    assert clients[0].recv(12) == b"HTTP/1.1 200"


@pytest.mark.parametrize("size", [(1 << 20) + 1, 16 << 20])
def test_overlong_bodies_get_413(server, size):
    reply = server.request("PUT", "/v1/regions/us-east/override", b" " * size)
    assert reply.status == 413 and reply.json["type"].endswith("too-large"), reply
    assert reply.headers["Content-Type"] == "application/problem+json"
    assert server.request("GET", "/v1/status").status == 200


OVERRIDE = b"PUT /v1/regions/us-east/override HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
MANIFEST = b"POST /v1/bundles HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
IMPORT = b"POST /v1/import?reason=x HTTP/1.1\r\nHost: x\r\nContent-Type: application/jsonl\r\n"
MIB = 1 << 20
OVERLONG = {
    "one field": (b"GET /v1/status HTTP/1.1\r\nHost: x\r\nX: " + b"a" * 65536 + b"\r\n\r\n", 0, "head of more than 65536"),
    "fields": (b"GET /v1/status HTTP/1.1\r\nHost: x\r\n" + b"X: %s\r\n" % (b"a" * 1000) * 66 + b"\r\n", 0, "head of more than 65536"),
    "target": (b"GET /v1/status?" + b"a" * 70000 + b" HTTP/1.1\r\nHost: x\r\n\r\n", 0, "head of more than 65536"),
    "far too long": (b"GET /v1/status HTTP/1.1\r\nHost: x\r\nX: ", 4 * MIB, "head of more than 65536"),
    "import": (IMPORT + b"Content-Length: %d\r\n\r\n" % (16 * MIB + 1), 16 * MIB + 1, "expected at most 16777216"),
    "manifest": (MANIFEST + b"Content-Length: %d\r\n\r\n" % (48 * MIB + 1), 48 * MIB + 1, "of a manifest 50331648"),
    "more than is read": (MANIFEST + b"Content-Length: %d\r\n\r\n" % (90 * MIB), 90 * MIB, "more than 64 MiB"),
    "chunks": (MANIFEST + b"Transfer-Encoding: chunked\r\n\r\n3100000\r\n", 49 * MIB, "of a manifest 50331648"),
    "asked before": (OVERRIDE + b"Expect: 100-continue\r\nContent-Length: %d\r\n\r\n" % (49 * MIB), 0, "body of more than 50331648"),
}


def connect_by(server, way):
    if way == "tls":
        server.site.pki = gatekit.make_pki(server.site)
        at = gatekit.listen(server.site, server.site.pki, client_ca=server.site.pki.root_pem)
        server.site.server["admin"]["client_roles"] = {"*": "admin"}
        server.site.write()
        assert server.request("POST", "/v1/reload").status == 200
        return gatekit.Remote(at, server.site.pki, "ops").connect()
    client = socket.socket(socket.AF_UNIX)
    client.connect(str(server.site.socket))
    return client


@pytest.mark.parametrize("way", ["unix", "tls"])
@pytest.mark.parametrize("case", sorted(OVERLONG))
def test_what_is_overlong_gets_413_and_no_reset(server, case, way):
    """Whoever sends all of it before reading hears why."""
    head, rest, words = OVERLONG[case]
    with connect_by(server, way) as client:
        client.settimeout(kit.PATIENCE_S)
        client.sendall(head)
        while rest > 0:
            client.sendall(b"a" * min(rest, MIB))
            rest -= MIB
        answer = b""
        while piece := client.recv(65536):
            answer += piece
    assert answer.startswith(b"HTTP/1.1 413 ") and b"Connection: close" in answer and words.encode() in answer, answer
    assert json.loads(answer.partition(b"\r\n\r\n")[2])["type"].endswith("too-large")
    assert server.request("GET", "/v1/status").status == 200


def test_a_deleted_socket_is_made_anew(server):
    for _ in range(2):
        offset = len(server.read_log())
        server.site.socket.unlink()
        server.wait_log("admin socket made anew", "result=ok", offset=offset)
        assert server.site.socket.stat().st_mode & 0o777 == 0o600
        assert server.request("GET", "/v1/status").status == 200


def test_what_lies_in_the_way_is_left_alone(server):
    """A file that is no socket is somebody's; when it is gone, the socket comes back."""
    server.site.socket.unlink()
    server.site.socket.write_text("precious")
    server.wait_log("admin socket lost", "not a socket")
    assert server.site.socket.read_text() == "precious"
    server.site.socket.unlink()
    server.wait_log("admin socket made anew", "result=ok")
    assert server.request("GET", "/v1/status").status == 200
