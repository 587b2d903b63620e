# SPDX-License-Identifier: BSD-3-Clause
"""Requests that others may read otherwise, and clients that take their time: at the socket and by TLS. Nothing of them is
ever carried out, and nothing behind them on the same connection."""
import socket

import pytest

import gatekit
import kit

LINE, HOST = b"GET /v1/status HTTP/1.1\r\n", b"Host: x\r\n"
POST = b"POST /v1/points HTTP/1.1\r\n" + HOST
NEXT = b"POST /v1/points HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 17\r\n\r\n{\"reason\": \"bad\"}"
CASES = {
    "bare LF": b"GET /v1/status HTTP/1.1\nHost: x\n\n",
    "bare LF in the head": LINE + b"Host: x\nX: y\r\n\r\n",
    "folded header": LINE + HOST + b"X: a\r\n b\r\n\r\n",
    "folded first header": LINE + b" X: a\r\n" + HOST + b"\r\n",
    "space before colon": LINE + b"Host : x\r\n\r\n",
    "space before colon of a length": POST + b"Content-Length : 17\r\n\r\n",
    "empty name": LINE + HOST + b": x\r\n\r\n",
    "two lengths": POST + b"Content-Length: 0\r\nContent-Length: 80\r\n\r\n",
    "two equal lengths": POST + b"Content-Length: 0\r\nContent-Length: 0\r\n\r\n",
    "list of lengths": POST + b"Content-Length: 0, 0\r\n\r\n",
    "signed length": POST + b"Content-Length: +0\r\n\r\n",
    "length and coding": POST + b"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "coding and length": POST + b"Transfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n0\r\n\r\n",
    "two codings": POST + b"Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n\r\n0\r\n\r\n",
    "another coding": POST + b"Transfer-Encoding: gzip\r\n\r\n0\r\n\r\n",
    "coding before chunked": POST + b"Transfer-Encoding: x, chunked\r\n\r\n0\r\n\r\n",
    "coding with a tab": POST + b"Transfer-Encoding:\x0bchunked\r\n\r\n0\r\n\r\n",
    "coding of HTTP/1.0": POST.replace(b"1.1", b"1.0") + b"Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "chunk extension": POST + b"Transfer-Encoding: chunked\r\n\r\n2;x=y\r\n{}\r\n0\r\n\r\n",
    "long chunk extension": POST + b"Transfer-Encoding: chunked\r\n\r\n0;" + b"x" * 4000 + b"\r\n\r\n",
    "bare LF in a chunk extension": POST + b"Transfer-Encoding: chunked\r\n\r\n2;\n\r\n{}\r\n0\r\n\r\n",
    "chunk size with a sign": POST + b"Transfer-Encoding: chunked\r\n\r\n+2\r\n{}\r\n0\r\n\r\n",
    "chunk size in 0x": POST + b"Transfer-Encoding: chunked\r\n\r\n0x2\r\n{}\r\n0\r\n\r\n",
    "chunk longer than it says": POST + b"Transfer-Encoding: chunked\r\n\r\n2\r\n{}{}\r\n0\r\n\r\n",
    "trailers": POST + b"Transfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\nHost: y\r\n\r\n",
    "absolute form": b"GET http://other/v1/status HTTP/1.1\r\n" + HOST + b"\r\n",
    "no host": LINE + b"\r\n",
    "two hosts": LINE + HOST + b"Host: y\r\n\r\n",
    "host with a path": LINE + b"Host: x/y\r\n\r\n",
    "NUL in a header": LINE + HOST + b"X: a\0b\r\n\r\n",
    "control in a header": LINE + HOST + b"X: a\x07b\r\n\r\n",
    "NUL in the target": b"GET /v1/status\0 HTTP/1.1\r\n" + HOST + b"\r\n",
    "control in the target": b"GET /v1/\x01status HTTP/1.1\r\n" + HOST + b"\r\n",
    "lower-case method": b"get /v1/status HTTP/1.1\r\n" + HOST + b"\r\n",
    "HTTP/2.0": b"GET /v1/status HTTP/2.0\r\n" + HOST + b"\r\n",
    "HTTP/1.11": b"GET /v1/status HTTP/1.11\r\n" + HOST + b"\r\n",
    "a line before the request": b"\r\n" + LINE + HOST + b"\r\n",
    "too many headers": LINE + HOST + b"X: y\r\n" * 101 + b"\r\n",
}


@pytest.fixture(scope="module")
def both():
    """One server for all cases: a client of each door."""
    with kit.new_site() as site:
        pki = gatekit.make_pki(site)
        at = gatekit.listen(site, pki, client_ca=pki.root_pem)
        site.server["admin"]["client_roles"] = {"cn:ops": "admin"}
        kit.make_regions(site)
        site.zone("example.com", "www 60 IN A 192.0.2.99\n")
        server = site.start()

        def dial(door):
            if door == "tls":
                return gatekit.Remote(at, pki, "ops").connect()
            raw = socket.socket(socket.AF_UNIX)
            raw.settimeout(kit.PATIENCE_S)
            raw.connect(str(site.socket))
            return raw
        server.dial = dial
        yield server
        server.assert_no_defect()


def hear(connection):
    """All until the server closes."""
    heard = b""
    try:
        while True:
            got = connection.recv(65536)
            if not got:
                return heard
            heard += got
    except ConnectionError:
        return heard


def count_points(server):
    return len([item for item in server.get("/v1/points")["items"] if item["reason"] == "bad"])


@pytest.mark.parametrize("door", ["socket", "tls"])
@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize("dripping", [False, True])
def test_smuggling(both, door, case, dripping):
    said = CASES[case] + NEXT
    if dripping and len(said) > 1000:
        pytest.skip("nothing new")
    with both.dial(door) as connection:
        try:
            for i in range(len(said)) if dripping else [0]:
                connection.sendall(said[i:i + 1] if dripping else said)
        except ConnectionError:
            pass  # it has been refused by now
        heard = hear(connection)
    assert heard.startswith(b"HTTP/1.1 400 "), heard
    assert heard.count(b"HTTP/1.1 4") == 1 and b"HTTP/1.1 2" not in heard and b"application/problem+json" in heard and b"\r\nConnection: close\r\n" in heard
    assert b'"urn:steerd:problem:bad-request"' in heard and b'"detail"' in heard
    assert count_points(both) == 0


@pytest.mark.parametrize("door", ["socket", "tls"])
def test_an_invented_method_ends_the_connection(both, door):
    with both.dial(door) as connection:
        connection.sendall(b"STEER /v1/status HTTP/1.1\r\nHost: x\r\n\r\n" + NEXT)
        heard = hear(connection)
    assert heard.startswith(b"HTTP/1.1 501 ") and b"urn:steerd:problem:unsupported" in heard
    assert heard.count(b"HTTP/1.1 ") == 1 and count_points(both) == 0


@pytest.mark.parametrize("door", ["socket", "tls"])
def test_what_came_before_is_answered(both, door):
    with both.dial(door) as connection:
        connection.sendall(LINE + HOST + b"\r\n" + CASES["bare LF in the head"] + NEXT)
        heard = hear(connection)
    assert heard.count(b"HTTP/1.1 200 ") == 1 and heard.count(b"HTTP/1.1 400 ") == 1, heard
    assert heard.rindex(b"HTTP/1.1 200 ") < heard.index(b"HTTP/1.1 400 ") and count_points(both) == 0


@pytest.mark.parametrize("door", ["socket", "tls"])
@pytest.mark.parametrize("said", [b"", b"G", LINE, LINE + HOST, POST + b"Content-Length: 100\r\n\r\n{",
                                  POST + b"Transfer-Encoding: chunked\r\n\r\n5\r\n{"])
def test_who_stops_talking_is_ended(both, door, said):
    with both.dial(door) as connection:
        connection.sendall(said)
        hear(connection)  # within the patience of the socket
    assert both.get("/v1/status")


@pytest.mark.parametrize("door", ["socket", "tls"])
def test_strict_requests_of_all_kinds_pass(both, door):
    with both.dial(door) as connection:
        connection.sendall(b"POST /v1/what-if HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n"
                           b"b\r\n{\"assume\": \r\n1a\r\n[\"region:us-east=down\"]}\n\n\r\n0\r\n\r\n" + LINE + HOST + b"Connection: close\r\n\r\n")
        heard = hear(connection)
    assert heard.count(b"HTTP/1.1 200 ") == 2, heard


def test_refusals_are_told(both):
    with both.dial("tls") as connection:
        connection.sendall(CASES["folded header"])
        hear(connection)
    metrics = both.request("GET", "/metrics").body.decode()
    assert int(metrics.split('steerd_admin_refused_total{cause="request"} ')[1].split("\n")[0]) > 0
    both.wait_log("access", "cause=request")
