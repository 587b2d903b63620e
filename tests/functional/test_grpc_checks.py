# SPDX-License-Identifier: BSD-3-Clause
"""grpc checks against a real server, and against whatever may come instead: each way to fail has its own outcome, within the
time-out, and none spins."""
import re
import socket
import threading
import time

import pytest

import h2kit
import kit
import tlskit
from h2kit import ACK, CONTINUATION, DATA, END_HEADERS, END_STREAM, GOAWAY, HEADERS, PING, PRIORITY, PUSH_PROMISE, RST_STREAM, SETTINGS, \
    WINDOW_UPDATE, data, fields, frame, headers
from test_https import HEADS, behind, listen, look, pki, things, trusting, wait_closed, wait_outcomes  # noqa: F401

grpc = pytest.importorskip("grpc", reason="python3-grpcio is not installed (contrib/packages test)")


def start(site, checks):
    """One endpoint, which has all these checks."""
    site.topology = {"regions": {"r": {"azs": {"a": {}}}}, "brake": False,
                     "checks": {name: {"type": "grpc", "interval": "1s", "fall": 1, "rise": 1, **check} for name, check in checks.items()},
                     "endpoints": {"e": {"az": "a", "addresses": ["127.0.0.1"], "checks": list(checks)}}}
    site.zone("example.com", "")
    return site.start()


SERVICES = {"": "SERVING", "shop": "SERVING", "ill": "NOT_SERVING", "new": "UNKNOWN", "gone": "SERVICE_UNKNOWN",
            "no": grpc.StatusCode.UNIMPLEMENTED, "busy": grpc.StatusCode.UNAVAILABLE, "x" * 100: "SERVING"}
OUTCOMES = {"all": "ok", "shop": "ok", "ill": "not_serving", "new": "serving_unknown", "gone": "service_unknown", "never": "service_unknown",
            "no": "bad_grpc_status", "busy": "bad_grpc_status", "x" * 63: "service_unknown"}


def each_service(port, **more):
    return {name: {"port": port, **({} if name == "all" else {"service": name}), **more} for name in OUTCOMES}


def test_health_service(site, things):
    """In the clear; what is asked is what a gRPC client asks."""
    health = h2kit.Health(SERVICES)
    things.append(health)
    server = start(site, {**each_service(health.port), "kept": {"port": health.port, "keep_alive": True},
                          "meta": {"port": health.port, "host": "shop.example.com", "headers": {"Authorization": "Bearer x", "User-Agent": "me"}},
                          "long": {"port": health.port, "service": "x" * 100}})
    wait_outcomes(server, {**OUTCOMES, "kept": "ok", "meta": "ok", "long": "ok"})
    seen = look(server)
    assert seen["no"]["status"] == 12 and seen["busy"]["status"] == 14 and seen["never"]["status"] == 5 and seen["ill"]["status"] is None
    assert seen["all"]["type"] == "grpc" and seen["ill"]["verdict"] == "unhealthy"
    metas = [meta for _, meta, _, _ in health.asked]
    assert any(meta.get("authorization") == "Bearer x" and meta["user-agent"].startswith("me") for meta in metas)
    assert any(meta["user-agent"].startswith("steerd/") for meta in metas)
    assert all(0 < left <= 1 for _, _, _, left in health.asked)  # grpc-timeout is the check's
    metrics = server.request("GET", "/metrics").body.decode()
    assert 'steerd_check_results_total{type="grpc",outcome="not_serving"}' in metrics
    assert 'steerd_checks_total{outcome="bad_grpc_status"}' in metrics
    health.services["shop"] = "NOT_SERVING"
    wait_outcomes(server, {"shop": "not_serving"})
    health.services["shop"] = "SERVING"
    wait_outcomes(server, {"shop": "ok"})


def test_kept(site, things):
    """With keep_alive one connection serves many checks, over the death of the server and back."""
    health = h2kit.Health(SERVICES)
    things.append(health)
    often = {"port": health.port, "interval": "200ms"}
    server = start(site, {"kept": {**often, "keep_alive": True}, "fresh": {**often, "service": "shop"}})

    def find_peers(name):
        return [peer for request, _, peer, _ in list(health.asked) if request == h2kit.message(name)]
    server.wait(lambda: len(find_peers("")) > 20 and len(find_peers("shop")) > 20, "checks")
    assert len(set(find_peers("shop"))) > 20
    assert len(set(find_peers(""))) < 10  # one, but for checks that took too long where the machine has much to do
    health.close()
    wait_outcomes(server, {"kept": "refused", "fresh": "refused"})


def test_tls(site, pki, things):
    """ALPN decides; all that TLS has its own outcomes for holds here."""
    good, wrong = (h2kit.Health(SERVICES, h2kit.credentials(pki, name)) for name in ("good", "wrong"))
    things += [good, wrong]
    clear = h2kit.Health(SERVICES)
    things.append(clear)
    context = pki.context("direct")
    context.set_alpn_protocols(["http/1.1"])
    old, none = (listen(things, tlskit.talk(it, tlskit.GOOD)) for it in (context, pki.context("direct")))
    picky = tlskit.s_server(pki, "direct", "-alpn", "http/1.1")
    things.append(picky)
    server = start(site, {
        **{name: {**check, "host": tlskit.HOST, "tls": {"ca": pki.root_pem}} for name, check in each_service(good.port).items()},
        "kept": {**trusting(pki, good.port), "keep_alive": True}, "wrong": trusting(pki, wrong.port), "any": {"port": wrong.port, "tls": {"verify": False}},
        "clear": trusting(pki, clear.port), "secured": {"port": good.port}, "old": trusting(pki, old), "none": trusting(pki, none),
        "picky": trusting(pki, picky.port)})
    wait_outcomes(server, {**OUTCOMES, "kept": "ok", "wrong": "certificate_wrong_host", "any": "ok", "clear": "tls_error",
                           "secured": ("closed", "reset", "bad_response"), "old": "no_h2", "none": "no_h2", "picky": "tls_refused"})
    shown = server.ctl("check", "run", "e", "--check", "all", code=0).stdout
    assert "ALPN h2" in shown and ":path: /grpc.health.v1.Health/Check" in shown and "grpc-status: 0" in shown, shown
    assert re.search(r"(?m)^> .* HEADERS stream 1$", shown) and re.search(r"(?m)^< .* DATA stream 1, 7 octets$", shown), shown
    assert "certificate_ends" in look(server)["all"]


def relay(port):
    """To the server at this port, whatever comes."""
    def copy(source, sink):
        while octets := source.recv(65536):
            sink.sendall(octets)
        sink.shutdown(socket.SHUT_WR)

    def serve(connection, _):
        with socket.create_connection(("127.0.0.1", port)) as server:
            back = threading.Thread(target=copy, args=(server, connection))
            back.start()
            copy(connection, server)
            back.join()
    return serve


def test_behind_the_proxy_protocol(site, pki, things):
    """The head comes once for each connection, before TLS and HTTP/2; without it, or with the other one, nobody is well."""
    clear, secure = h2kit.Health(SERVICES), h2kit.Health(SERVICES, h2kit.credentials(pki, "good"))
    things += [clear, secure]
    checks, expected = {}, {}
    for version, head in HEADS.items():
        other = "v1" if version == "v2" else "v2"
        for kind, health, tls in ("clear", clear, {}), ("secure", secure, {"host": tlskit.HOST, "tls": {"ca": pki.root_pem}}):
            good = {"port": listen(things, behind(head, relay(health.port))), "proxy": version, **tls}
            expected.update({f"{kind}-{version}": "ok", f"{kind}-{version}-kept": "ok", f"{kind}-{version}-ill": "not_serving"})
            checks.update({f"{kind}-{version}": good, f"{kind}-{version}-kept": {**good, "keep_alive": True}, f"{kind}-{version}-ill": {**good, "service": "ill"},
                           f"{kind}-{version}-other": {**good, "proxy": other}})
            checks[f"{kind}-{version}-none"] = {key: value for key, value in good.items() if key != "proxy"}
    server = start(site, checks)
    wait_outcomes(server, expected)
    server.wait(lambda: {check["verdict"] for name, check in look(server).items() if name.endswith(("-other", "-none"))} == {"unhealthy"}, "verdicts")
    assert {name for name, check in look(server).items() if check["verdict"] == "healthy"} == \
        {name for name, outcome in expected.items() if outcome == "ok"}


PLAIN = h2kit.HELLO
ENDED = END_HEADERS | END_STREAM


def message(octets, flag=0, length=None):
    return h2kit.HELLO + h2kit.HEAD + data(bytes([flag]) + (len(octets) if length is None else length).to_bytes(4, "big") + octets) + h2kit.TRAILERS


def drip(connection):
    for octet in h2kit.GOOD:
        connection.sendall(bytes([octet]))
        time.sleep(0.05)


SAID = {
    "good": (h2kit.GOOD, "ok"),
    "one-by-one": (lambda connection: [connection.sendall(bytes([octet])) for octet in h2kit.GOOD], "ok"),
    "padded": (PLAIN + frame(HEADERS, END_HEADERS | 8, 1, b"\5" + fields((":status", 200), ("content-type", "application/grpc+proto")) + bytes(5))
               + frame(DATA, 8, 1, b"\4" + h2kit.WELL + bytes(4)) + h2kit.TRAILERS, "ok"),
    "continued": (PLAIN + frame(HEADERS, 0, 1, fields((":status", 200))) + frame(CONTINUATION, END_HEADERS, 1, fields(("content-type", "application/grpc")))
                  + data(h2kit.WELL[:3]) + data(h2kit.WELL[3:]) + h2kit.TRAILERS, "ok"),
    "interim": (PLAIN + headers((":status", 103), ("link", "x")) + h2kit.HEAD + data(h2kit.WELL) + h2kit.TRAILERS, "ok"),
    "more-fields": (message(b"\x12\x03abc\x19" + bytes(8) + b"\x25" + bytes(4) + b"\x08\x02\x08\x01"), "ok"),
    "unknown-frames": (PLAIN + frame(0xfa, 0xff, 0, b"grease") + frame(0xfb, 0, 1) + h2kit.GOOD[len(h2kit.HELLO):], "ok"),
    "leaves-behind": (PLAIN + frame(GOAWAY, 0, 0, bytes(3) + b"\1" + bytes(4)) + h2kit.GOOD[len(h2kit.HELLO):], "ok"),
    "reset-behind": (h2kit.GOOD + frame(RST_STREAM, 0, 1, bytes(4)), "ok"),
    "trailers-only": (PLAIN + headers((":status", 200), ("content-type", "application/grpc"), ("grpc-status", 5), flags=ENDED), "service_unknown"),
    "failed-with-message": (PLAIN + h2kit.HEAD + data(h2kit.WELL) + headers(("grpc-status", 13), flags=ENDED), "bad_grpc_status"),
    "empty-message": (message(b""), "serving_unknown"),
    "odd-status": (message(b"\x08\x09"), "bad_response"),
    "no-message": (PLAIN + headers((":status", 200), ("content-type", "application/grpc"), ("grpc-status", 0), flags=ENDED), "bad_response"),
    "two-messages": (PLAIN + h2kit.HEAD + data(h2kit.WELL * 2) + h2kit.TRAILERS, "bad_response"),
    "compressed": (message(b"\x08\x01", flag=1), "bad_response"),
    "too-long": (message(b"\x08\x01", length=1 << 31), "bad_response"),
    "cut-message": (message(b"\x08\x01", length=3), "bad_response"),
    "broken-message": (message(b"\x08\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01"), "bad_response"),
    "group": (message(b"\x0b\x0c"), "bad_response"),
    "no-grpc-status": (PLAIN + h2kit.HEAD + data(h2kit.WELL, flags=END_STREAM), "bad_response"),
    "odd-grpc-status": (PLAIN + h2kit.HEAD + data(h2kit.WELL) + headers(("grpc-status", "ok"), flags=ENDED), "bad_response"),
    "no-grpc": (PLAIN + headers((":status", 200), ("content-type", "text/html")) + data(b"<html>", flags=END_STREAM), "bad_response"),
    "no-type": (PLAIN + headers((":status", 200)) + data(h2kit.WELL) + h2kit.TRAILERS, "bad_response"),
    "status": (PLAIN + headers((":status", 503), ("content-type", "text/plain"), flags=ENDED), "bad_status"),
    "status-goes-on": (PLAIN + headers((":status", 404)), "bad_status"),
    "reset": (PLAIN + frame(RST_STREAM, 0, 1, (8).to_bytes(4, "big")), "stream_reset"),
    "reset-within": (PLAIN + h2kit.HEAD + frame(RST_STREAM, 0, 1, (2).to_bytes(4, "big")), "stream_reset"),
    "refused-stream": (PLAIN + frame(RST_STREAM, 0, 1, (7).to_bytes(4, "big")), "stream_reset"),
    "goaway": (PLAIN + frame(GOAWAY, 0, 0, bytes(4) + (11).to_bytes(4, "big") + b"too_many_pings"), "goaway"),
    "goaway-before": (PLAIN + frame(GOAWAY, 0, 0, bytes(8)), "goaway"),
    "http1": (b"HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n", "bad_response"),
    "ssh": (b"SSH-2.0-OpenSSH_9.2\r\n", "bad_response"),
    "zeros": (bytes(100000), "bad_response"),
    "itself": (h2kit.PREFACE + frame(SETTINGS), "bad_response"),
    "no-settings": (h2kit.HEAD + data(h2kit.WELL) + h2kit.TRAILERS, "bad_response"),
    "settings-only": (PLAIN, "timeout"),
    "nothing": (b"", "timeout"),
    "stalls": (PLAIN + h2kit.HEAD, "timeout"),
    "stalls-within": (h2kit.GOOD[:-3], "timeout"),
    "drips": (drip, "timeout"),
    "no-status": (PLAIN + headers(("content-type", "application/grpc")) + data(h2kit.WELL) + h2kit.TRAILERS, "bad_response"),
    "two-statuses": (PLAIN + headers((":status", 200), (":status", 200)), "bad_response"),
    "data-first": (PLAIN + data(h2kit.WELL) + h2kit.TRAILERS, "bad_response"),
    "wrong-length": (PLAIN + headers((":status", 200), ("content-type", "application/grpc"), ("content-length", 99)) + data(h2kit.WELL) + h2kit.TRAILERS,
                     "bad_response"),
    "push": (PLAIN + frame(PUSH_PROMISE, END_HEADERS, 1, (2).to_bytes(4, "big") + fields((":path", "/"))), "bad_response"),
    "stream-0": (PLAIN + frame(HEADERS, END_HEADERS, 0, fields((":status", 200))), "bad_response"),
    "other-stream": (PLAIN + headers((":status", 200), stream=7), "bad_response"),
    "frame-too-long": (PLAIN + b"\xff\xff\xff\0\0\0\0\0\1", "bad_response"),
    "bad-hpack": (PLAIN + frame(HEADERS, END_HEADERS, 1, b"\xff" * 20), "bad_response"),
    "no-continuation": (PLAIN + frame(HEADERS, 0, 1, fields((":status", 200))) + frame(PING, 0, 0, bytes(8)), "bad_response"),
    "big-header": (PLAIN + headers((":status", 200), ("x", "y" * 16000)), "bad_response"),
    "many-headers": (PLAIN + frame(HEADERS, END_HEADERS, 1, fields((":status", 200), *[("x", "")] * 500)), "bad_response"),
    "bomb": (PLAIN + frame(HEADERS, END_HEADERS, 1, fields((":status", 200)) + b"\x40\1x" + h2kit.number(4000) + b"y" * 4000 + b"\xbe" * 10000), "bad_response"),
}


@pytest.mark.parametrize("part", range(2))
def test_what_may_come(site, things, part):
    chosen = dict(list(SAID.items())[part::2])
    ports = {name: (listen(things, h2kit.answer(octets)), outcome) for name, (octets, outcome) in chosen.items()}
    server = start(site, {name: {"port": port, "timeout": "400ms"} for name, (port, _) in ports.items()})
    wait_outcomes(server, {name: outcome for name, (_, outcome) in ports.items()})
    details = {"reset": 8, "reset-within": 2, "refused-stream": 7, "goaway": 11, "status": 503, "status-goes-on": 404, "failed-with-message": 13}
    seen = look(server)
    assert {name: seen[name]["status"] for name in details if name in seen} == {name: details[name] for name in details if name in seen}


FLOODS = {
    "settings": h2kit.endless(frame(SETTINGS) * 100),
    "pings": h2kit.endless(frame(PING, 0, 0, bytes(8)) * 100),
    "ping-acks": h2kit.endless(frame(PING, ACK, 0, bytes(8)) * 100),
    "windows": h2kit.endless(frame(WINDOW_UPDATE, 0, 0, b"\0\0\0\1") * 100),
    "priorities": h2kit.endless(frame(PRIORITY, 0, 1, bytes(5)) * 100),
    "unknown": h2kit.endless(frame(0xee, 0, 0, bytes(1000))),
    "continuations": h2kit.endless(frame(CONTINUATION, 0, 1), PLAIN + frame(HEADERS, 0, 1, fields((":status", 200)))),
    "long-continuations": h2kit.endless(frame(CONTINUATION, 0, 1, fields(("x", "y" * 100)) * 100), PLAIN + frame(HEADERS, 0, 1, fields((":status", 200)))),
    "interims": h2kit.endless(headers((":status", 100)) * 10),
    "empty-data": h2kit.endless(data(b"") * 100, PLAIN + h2kit.HEAD),
    "data": h2kit.endless(data(bytes(1000)), PLAIN + h2kit.HEAD),
    "padding": h2kit.endless(frame(DATA, 8, 1, b"\xff" + bytes(255)), PLAIN + h2kit.HEAD),
    "settings-first": h2kit.endless(frame(SETTINGS, 0, 0, b"\0\4\0\0\0\0"), b""),
}


def test_floods(site, things):
    """Whoever never stops is stopped, at once and at no great cost."""
    server = start(site, {name: {"port": listen(things, serve), "timeout": "400ms"} for name, serve in FLOODS.items()})
    wait_outcomes(server, dict.fromkeys(FLOODS, "bad_response"))
    turns, cpu_s = kit.cost_checks(server, 2 * len(FLOODS))
    assert turns < 100 and cpu_s < 0.05


def test_closed_at_every_octet(site, things):
    """Wherever an endpoint closes, it has closed; behind the last octet all is well."""
    fronts = {}
    size = len(h2kit.GOOD)
    for first in range(size + 1):
        fronts[f"at-{first}"] = tlskit.Listener(h2kit.answer(h2kit.GOOD[:first], None))
        things.append(fronts[f"at-{first}"])
    site.server["probe"] = {"in_flight": 8}  # where the machine has much to do they wait, and do not all time out together
    server = start(site, {name: {"port": front.port, "interval": "1s"} for name, front in fronts.items()})
    wait_closed(server, fronts, f"at-{size}")


def test_lost_between(site, things):
    """A kept connection that was left while it rested says nothing of the endpoint: it is asked anew."""
    good = lambda stream: b"".join(part[:5] + stream.to_bytes(4, "big") + part[9:] for part in  # noqa: E731
                                   (h2kit.HEAD, data(h2kit.WELL), h2kit.TRAILERS))
    leaves = lambda stream: frame(GOAWAY, 0, 0, (stream - 2).to_bytes(4, "big") + bytes(4))  # noqa: E731
    pings = lambda stream: good(stream) + frame(PING, 0, 0, bytes(8)) + frame(SETTINGS)  # noqa: E731
    servers = {"closes": h2kit.Stepping(good), "leaves": h2kit.Stepping(good, good, leaves, stays=0.2), "pings": h2kit.Stepping(*[pings] * 20)}
    server = start(site, {name: {"port": listen(things, serve), "keep_alive": True, "interval": "300ms"} for name, serve in servers.items()})
    server.wait(lambda: servers["closes"].connections > 3 and servers["leaves"].connections > 3, "new connections")
    wait_outcomes(server, dict.fromkeys(servers, "ok"))
    counts = server.request("GET", "/metrics").body.decode()
    for outcome in ("closed", "reset", "goaway"):
        assert f'outcome="{outcome}"' not in counts or f'steerd_check_results_total{{type="grpc",outcome="{outcome}"}}' not in counts
    assert servers["pings"].connections < servers["closes"].connections
