# SPDX-License-Identifier: BSD-3-Clause
"""https checks over HTTP/2, where ALPN leads to it: judged as over HTTP/1.1, against real servers and whatever may come
instead; connections that are kept; each way to fail has its own outcome, within the time-out, and none spins."""
import re
import ssl
import time

import pytest

import h2kit
import kit
import tlskit
from h2kit import ACK, CONTINUATION, DATA, END_HEADERS, END_STREAM, GOAWAY, HEADERS, PING, PRIORITY, PUSH_PROMISE, RST_STREAM, SETTINGS, \
    WINDOW_UPDATE, data, fields, frame, headers
from test_steerprobe import identities, scene, start as enrol  # noqa: F401
from test_https import listen, look, needs_nginx, pki, start, things, trusting, wait_closed, wait_outcomes  # noqa: F401

pytestmark = pytest.mark.skipif(tlskit.OPENSSL is None, reason="openssl is not installed (contrib/packages test)")
BOTH, ONLY = ["h2", "http/1.1"], ["h2"]


def speaking(pki, *protocols):
    context = pki.context("direct")
    if protocols:
        context.set_alpn_protocols(list(protocols))
    return context


def metrics_of(server):
    return server.request("GET", "/metrics").body.decode()


def count_results(server):
    return {line.split('"')[1]: int(line.split()[-1]) for line in metrics_of(server).splitlines()
            if line.startswith("steerd_checks_total{") and int(line.split()[-1])}


# ---- real servers ----

@needs_nginx
@pytest.mark.parametrize("version", ["TLSv1.2", "TLSv1.3"])
def test_judged_alike(site, pki, things, tmp_path, version):
    """Whatever is wanted of an answer, both versions lead to the same outcome; sessions are used again, and nothing about
    the checks is worth a line of the server's error log."""
    nginx = tlskit.Nginx(tmp_path / "nginx", pki, f"""
        ssl_protocols {version}; ssl_session_cache shared:it:1m; ssl_session_tickets on;
        location = /moved {{ return 301 /elsewhere; }}
        location = /gone {{ return 404; }}
        location = /empty {{ return 204; }}
        location = /big {{ root {tmp_path}; }}
        location = /json {{ default_type application/json; return 200 '{{"load": 7.5, "db": {{"up": true, "lag": 3}}}}'; }}
        location = /post {{ client_body_in_single_buffer on; proxy_ssl_protocols {version}; proxy_pass https://127.0.0.1:$server_port/; }}
        location / {{ add_header X-Way yes; return 200 'all is well, load 5\\n'; }}""")
    (tmp_path / "big").write_text("x" * 100000 + "needle" + "x" * 1000)
    things.append(nginx)
    json = {"path": "/json", "json": [{"pointer": "/db/up", "value": True}, {"pointer": "/db/lag", "op": "<", "value": 5}], "load": "/load"}
    wanted = {
        "plain": ({}, "ok"), "body": ({"expect": "is well"}, "ok"), "no-body": ({"expect": "is ill"}, "bad_body"),
        "regex": ({"expect_regex": "load [0-9]\n$"}, "ok"), "no-regex": ({"expect_regex": "load [0-9]$"}, "bad_body"),
        "json": (json, "ok"), "no-json": ({**json, "json": [{"pointer": "/db/lag", "op": ">", "value": 5}]}, "bad_body"),
        "head": ({"method": "HEAD"}, "ok"), "empty": ({"path": "/empty"}, "ok"), "nothing-in-it": ({"path": "/empty", "expect": "x"}, "bad_body"),
        "moved": ({"path": "/moved"}, "bad_status"), "moved-set": ({"path": "/moved", "status": "200,301-308"}, "ok"),
        "gone-set": ({"path": "/gone", "status": "200,404"}, "ok"), "gone-not": ({"path": "/gone", "status": "200-403,405-599"}, "bad_status"),
        "big": ({"path": "/big", "expect": "needle", "max_body": 200000}, "ok"), "big-cut": ({"path": "/big", "expect": "needle"}, "bad_body"),
        "days": ({"min": 1000}, "certificate_expiring"),
        "post": ({"path": "/post", "method": "POST", "send": "{\"a\": 1}", "headers": {"Content-Type": "application/json", "X-From": "steerd"}}, "ok")}
    checks, outcomes = {}, {}
    for name, (more, outcome) in wanted.items():
        more = dict(more)
        days = {"min_days": more.pop("min")} if "min" in more else {}
        for way, alpn in (("old", {}), ("both", {"alpn": BOTH}), ("only", {"alpn": ONLY})):
            for kept in (False, True):
                key = f"{name}-{way}{'-kept' if kept else ''}"
                checks[key] = {**trusting(pki, nginx.port, **alpn, **days), "interval": "1s", "keep_alive": kept, **more}
                outcomes[key] = outcome
    server = start(site, checks)
    wait_outcomes(server, outcomes)
    seen = look(server)
    assert {check["status"] for name, check in seen.items() if name.startswith("moved")} == {301}
    nginx_has = lambda text: lambda: text in nginx.read("access.log")  # noqa: E731
    server.wait(nginx_has(f'r {version} alpn=h2 sni={tlskit.HOST} 200 "GET / HTTP/2.0"'), "sessions used again")
    server.wait(nginx_has('"HEAD / HTTP/2.0"'), "a HEAD")
    server.wait(nginx_has('"POST /post HTTP/2.0" "steerd" "{\\x22a\\x22: 1}"'), "a POST")
    assert f'alpn=http/1.1 sni={tlskit.HOST} 200 "GET / HTTP/1.1"' in nginx.read("access.log")
    assert "/elsewhere" not in nginx.read("access.log")
    error = nginx.read("error.log")  # before the end of steerd, which cuts off what is in flight
    for word in ("reset by peer", "SSL_", "crit", "[error]", "invalid", "http2 flood"):
        assert word not in error.replace("directory", ""), error
    assert set(count_results(server)) <= {"ok", "bad_body", "bad_status", "certificate_expiring", "timeout", "tls_timeout", "connect_timeout"}


@needs_nginx
def test_kept_by_nginx(site, pki, things, tmp_path):
    """One connection serves many checks, also those that look at a part of a long answer: the rest is given up, not the
    connection. It goes on over a reload, and after a restart of the server there is another one."""
    nginx = tlskit.Nginx(tmp_path / "nginx", pki, f"""
        location = /big {{ root {tmp_path}; }}
        location = /long {{ root {tmp_path}; }}
        location / {{ return 200 'all is well\\n'; }}""")
    (tmp_path / "big").write_text("needle" + "x" * 3000000)
    (tmp_path / "long").write_text("x" * 200000 + "needle")
    things.append(nginx)
    often = {**trusting(pki, nginx.port, alpn=ONLY), "interval": "200ms", "timeout": "200ms", "keep_alive": True}
    checks = {"small": {**often, "expect": "well"}, "big": {**often, "path": "/big", "expect": "needle"},
              "limit": {**often, "path": "/big", "headers": {"X-From": "limit"}, "expect": "needle", "max_body": 200000},
              "long": {**often, "path": "/long", "expect": "needle", "max_body": 262144},
              "old": {**often, **trusting(pki, nginx.port), "path": "/long", "expect": "needle", "max_body": 262144}}
    server = start(site, checks)

    def find(path, marked):
        lines = [line for line in nginx.read("access.log").splitlines() if f'"GET {path}" "{marked}"' in line]
        return [line.rsplit("c=", 1)[1] for line in lines]
    ways = {"small": ("/ HTTP/2.0", "-"), "big": ("/big HTTP/2.0", "-"), "limit": ("/big HTTP/2.0", "limit"), "long": ("/long HTTP/2.0", "-"),
            "old": ("/long HTTP/1.1", "-")}
    server.wait(lambda: all(len(find(*way)) > 30 for way in ways.values()), "checks")
    wait_outcomes(server, dict.fromkeys(checks, "ok"))
    failed = sum(count for outcome, count in count_results(server).items() if outcome != "ok")
    for way in ways.values():
        assert len(set(find(*way))) <= 1 + failed  # where the machine has much to do a check may take too long
    site.topology["regions"]["r"]["location"] = [1, 1]
    site.write()
    before = {name: set(find(*way)) for name, way in ways.items()}
    failed = sum(count for outcome, count in count_results(server).items() if outcome != "ok")
    server.reload()
    counts = {name: len(find(*way)) for name, way in ways.items()}
    server.wait(lambda: all(len(find(*way)) > counts[name] + 5 for name, way in ways.items()), "more checks")
    failed = sum(count for outcome, count in count_results(server).items() if outcome != "ok") - failed
    for name, way in ways.items():
        assert len(set(find(*way)) - before[name]) <= failed
    assert "steerd_check_connections_kept" in metrics_of(server)
    for word in ("reset by peer", "crit", "[error]", "http2 flood"):
        assert word not in nginx.read("error.log"), nginx.read("error.log")
    nginx.process.send_signal(1)  # it says GOAWAY, or closes
    server.wait(lambda: all(set(find(*way)) - before[name] for name, way in ways.items()), "new connections")
    assert set(count_results(server)) <= {"ok", "timeout", "tls_timeout", "connect_timeout"}


# ---- who speaks what ----

def rename_protocol(_number, done, octets, _connection):
    """Of a server that has chosen http/1.1, as TLS 1.2 says it in the clear."""
    return octets.replace(b"\x09\x08http/1.1", b"\x09\x08http/1.9") if done == 0 else octets


def test_who_chooses(site, pki, things):
    """ALPN decides; who does not choose speaks HTTP/1.1, which is no HTTP/2."""
    well = h2kit.HELLO + headers((":status", 200)) + data(b"ok\n", flags=END_STREAM)
    new = listen(things, tlskit.secured(speaking(pki, "h2"), h2kit.answer(well)))
    old, none = (listen(things, tlskit.talk(speaking(pki, *names), tlskit.GOOD)) for names in (["http/1.1"], []))
    picky = tlskit.s_server(pki, "direct", "-alpn", "http/1.1")
    things.append(picky)
    clear_text = speaking(pki, "http/1.1")
    clear_text.maximum_version = ssl.TLSVersion.TLSv1_2
    liar = listen(things, tlskit.pass_on(listen(things, tlskit.talk(clear_text, tlskit.GOOD)), rename_protocol))
    expected = {"new": ("ok", "ok", "ok"), "old": ("ok", "no_h2", "ok"), "none": ("ok", "no_h2", "ok"), "picky": ("ok", "tls_refused", "ok"),
                "liar": ("tls_error", "no_h2", "tls_error")}
    ports = {"new": new, "old": old, "none": none, "picky": picky.port, "liar": liar}
    checks, outcomes = {}, {}
    for name, port in ports.items():
        for way, alpn, outcome in zip(("both", "only", "turned"), (BOTH, ONLY, BOTH[::-1]), expected[name]):
            checks[f"{name}-{way}"] = trusting(pki, port, alpn=alpn)
            outcomes[f"{name}-{way}"] = outcome
    checks.update(plain=trusting(pki, old), named=trusting(pki, old, alpn=["http/1.1"]))
    loaded = listen(things, tlskit.secured(speaking(pki, "h2"), h2kit.answer(h2kit.HELLO + headers((":status", 200)) + data(b'{"load": 7.5}', flags=END_STREAM))))
    checks["loaded"] = {**trusting(pki, loaded, alpn=ONLY), "load": "/load"}
    server = start(site, checks)
    wait_outcomes(server, {**outcomes, "plain": "ok", "named": "ok", "loaded": "ok"})
    assert server.get("/v1/endpoints/e")["load"]["value"] == 7.5
    assert look(server)["old-only"]["verdict"] == "unhealthy"
    assert 'steerd_check_results_total{type="https",outcome="no_h2"}' in metrics_of(server)
    shown = server.ctl("check", "run", "e", "--check", "new-both", code=0).stdout
    assert "ALPN h2" in shown and ":authority: www.example.com" in shown and "accept: */*" in shown, shown
    assert re.search(r"(?m)^> .* HEADERS stream 1, END_STREAM$", shown) and re.search(r"(?m)^< .* DATA stream 1, 3 octets, END_STREAM$", shown), shown
    shown = server.ctl("check", "run", "e", "--check", "old-both", code=0).stdout
    assert "ALPN http/1.1" in shown and "GET / HTTP/1.1" in shown, shown
    assert "no_h2, expected status 200-299, over HTTP/2" in server.ctl("check", "run", "e", "--check", "old-only", code=7).stdout


def test_another_list(site, pki, things):
    """It is followed with the next check; the one in another list that is the same goes on."""
    old = listen(things, tlskit.talk(speaking(pki, "http/1.1"), tlskit.GOOD))
    server = start(site, {"it": trusting(pki, old), "same": trusting(pki, old, alpn=BOTH)})
    wait_outcomes(server, {"it": "ok", "same": "ok"})
    for alpn, outcome in ((ONLY, "no_h2"), (["http/1.1"], "ok"), (ONLY, "no_h2"), (BOTH, "ok")):
        site.topology["checks"]["it"]["tls"]["alpn"] = alpn
        site.write()
        server.reload()
        wait_outcomes(server, {"it": outcome, "same": "ok"})


def test_elsewhere(scene, pki, things):
    """A vantage offers what the check says."""
    new = listen(things, tlskit.secured(speaking(pki, "h2"), h2kit.answer(h2kit.HELLO + headers((":status", 204), flags=END_HEADERS | END_STREAM))))
    old = listen(things, tlskit.talk(speaking(pki, "http/1.1"), tlskit.GOOD))
    checks = [({"type": "https", "port": port, "host": tlskit.HOST, "interval": "1s", "fall": 1, "rise": 1, "tls": {"ca": "root.pem", "alpn": ONLY}},
               {"root.pem": (pki.folder / "root.pem").read_text()}) for port in (new, old)]
    connection = enrol(scene)
    taken = connection.list(1, checks, [{"check": number, "addresses": ["127.0.0.1"]} for number in range(2)])
    assert not taken["refused"], taken
    connection.expect_opinion(0, "up")
    _, verdict, _, outcome, *_ = connection.expect_opinion(1, "down")
    assert (verdict, outcome) == ("down", "no_h2")


# ---- whatever may come ----

HEAD = headers((":status", 200), ("content-type", "text/plain"))
BODY = data(b"all is well\n", flags=END_STREAM)
PLAIN = h2kit.HELLO
GOOD = PLAIN + HEAD + BODY
ENDED = END_HEADERS | END_STREAM


def drip(connection):
    for octet in GOOD:
        connection.sendall(bytes([octet]))
        time.sleep(0.05)


SAID = {
    "good": (GOOD, "ok"),
    "one-by-one": (lambda connection: [connection.sendall(bytes([octet])) for octet in GOOD], "ok"),
    "padded": (PLAIN + frame(HEADERS, END_HEADERS | 8, 1, b"\5" + fields((":status", 200)) + bytes(5))
               + frame(DATA, 8 | END_STREAM, 1, b"\4all is well" + bytes(4)), "ok"),
    "continued": (PLAIN + frame(HEADERS, 0, 1, fields((":status", 200))) + frame(CONTINUATION, END_HEADERS, 1, fields(("a", "b"))) + BODY, "ok"),
    "in-pieces": (PLAIN + HEAD + b"".join(data(bytes([octet])) for octet in b"all is well") + data(b"", flags=END_STREAM), "ok"),
    "right-length": (PLAIN + headers((":status", 200), ("content-length", 11)) + data(b"all is well", flags=END_STREAM), "ok"),
    "interim": (PLAIN + headers((":status", 103), ("link", "x")) + headers((":status", 100)) + HEAD + BODY, "ok"),
    "trailers": (PLAIN + HEAD + data(b"all is well\n") + headers(("x-sum", "1"), ("content-length", "7"), flags=ENDED), "ok"),
    "unknown-frames": (PLAIN + frame(0xfa, 0xff, 0, b"grease") + frame(0xfb, 0, 1) + HEAD + BODY, "ok"),
    "leaves-behind": (PLAIN + frame(GOAWAY, 0, 0, bytes(3) + b"\1" + bytes(4)) + HEAD + BODY, "ok"),
    "reset-behind": (GOOD + frame(RST_STREAM, 0, 1, bytes(4)), "ok"),
    "found-then-reset": (PLAIN + HEAD + data(b"all is well, but") + frame(RST_STREAM, 0, 1, (2).to_bytes(4, "big")), "ok"),
    "found-then-stalls": (PLAIN + HEAD + data(b"all is well, but"), "ok"),
    "not-found": (PLAIN + HEAD + data(b"all is ill\n", flags=END_STREAM), "bad_body"),
    "no-body": (PLAIN + headers((":status", 200), flags=ENDED), "bad_body"),
    "no-content": (PLAIN + headers((":status", 204), flags=ENDED), "bad_body"),
    "in-trailers": (PLAIN + HEAD + data(b"all is ") + headers(("x", "well"), flags=ENDED), "bad_body"),
    "over-the-limit": (PLAIN + HEAD + b"".join(data(b"x" * 10000) for _ in range(2)) + data(b"is well", flags=END_STREAM), "bad_body"),
    "status": (PLAIN + headers((":status", 503), flags=ENDED), "bad_status"),
    "status-goes-on": (PLAIN + headers((":status", 404)), "bad_status"),
    "moved": (PLAIN + headers((":status", 301), ("location", "/"), flags=ENDED), "bad_status"),
    "reset": (PLAIN + frame(RST_STREAM, 0, 1, (8).to_bytes(4, "big")), "stream_reset"),
    "reset-within": (PLAIN + HEAD + frame(RST_STREAM, 0, 1, (2).to_bytes(4, "big")), "stream_reset"),
    "refused-stream": (PLAIN + frame(RST_STREAM, 0, 1, (7).to_bytes(4, "big")), "stream_reset"),
    "goaway": (PLAIN + frame(GOAWAY, 0, 0, bytes(4) + (11).to_bytes(4, "big") + b"too_many_pings"), "goaway"),
    "goaway-before": (PLAIN + frame(GOAWAY, 0, 0, bytes(8)), "goaway"),
    "http1": (tlskit.GOOD, "bad_response"),
    "ssh": (b"SSH-2.0-OpenSSH_9.2\r\n", "bad_response"),
    "zeros": (bytes(100000), "bad_response"),
    "itself": (h2kit.PREFACE + frame(SETTINGS), "bad_response"),
    "no-settings": (HEAD + BODY, "bad_response"),
    "settings-only": (PLAIN, "timeout"),
    "nothing": (b"", "timeout"),
    "stalls": (PLAIN + HEAD, "timeout"),
    "stalls-within": (GOOD[:-3], "timeout"),
    "drips": (drip, "timeout"),
    "no-status": (PLAIN + headers(("content-type", "text/plain")) + BODY, "bad_response"),
    "two-statuses": (PLAIN + headers((":status", 200), (":status", 200)), "bad_response"),
    "switching": (PLAIN + headers((":status", 101)) + HEAD + BODY, "bad_response"),
    "interim-with-end": (PLAIN + headers((":status", 100), flags=ENDED), "bad_response"),
    "data-first": (PLAIN + BODY, "bad_response"),
    "longer": (PLAIN + headers((":status", 200), ("content-length", 2)) + data(b"x is well", flags=END_STREAM), "bad_response"),
    "shorter": (PLAIN + headers((":status", 200), ("content-length", 99)) + data(b"x is ill", flags=END_STREAM), "bad_response"),
    "odd-length": (PLAIN + headers((":status", 200), ("content-length", "-1")) + BODY, "bad_response"),
    "two-lengths": (PLAIN + headers((":status", 200), ("content-length", 12), ("content-length", 13)) + BODY, "bad_response"),
    "no-content-with": (PLAIN + headers((":status", 204)) + BODY, "bad_body"),
    "of-connections": (PLAIN + headers((":status", 200), ("connection", "close")) + BODY, "bad_response"),
    "upper-case": (PLAIN + headers((":status", 200), ("X-Way", "yes")) + BODY, "bad_response"),
    "push": (PLAIN + frame(PUSH_PROMISE, END_HEADERS, 1, (2).to_bytes(4, "big") + fields((":path", "/"))), "bad_response"),
    "stream-0": (PLAIN + frame(HEADERS, END_HEADERS, 0, fields((":status", 200))), "bad_response"),
    "other-stream": (PLAIN + headers((":status", 200), stream=7), "bad_response"),
    "frame-too-long": (PLAIN + b"\xff\xff\xff\0\0\0\0\0\1", "bad_response"),
    "bad-hpack": (PLAIN + frame(HEADERS, END_HEADERS, 1, b"\xff" * 20), "bad_response"),
    "no-continuation": (PLAIN + frame(HEADERS, 0, 1, fields((":status", 200))) + frame(PING, 0, 0, bytes(8)), "bad_response"),
    "big-header": (PLAIN + headers((":status", 200), ("x", "y" * 16320)), "bad_response"),
    "many-headers": (PLAIN + frame(HEADERS, END_HEADERS, 1, fields((":status", 200), *[("x", "")] * 500)), "bad_response"),
    "big-trailer": (PLAIN + HEAD + data(b"all is ") + headers(("x", "y" * 16350), flags=ENDED), "bad_response"),
    "bomb": (PLAIN + frame(HEADERS, END_HEADERS, 1, fields((":status", 200)) + b"\x40\1x" + h2kit.number(4000) + b"y" * 4000 + b"\xbe" * 10000), "bad_response"),
}
DETAILS = {"reset": 8, "reset-within": 2, "refused-stream": 7, "goaway": 11, "status": 503, "status-goes-on": 404, "not-found": 200, "good": 200}


@pytest.mark.parametrize("part", range(2))
def test_what_may_come(site, pki, things, part):
    """Fresh connections and kept ones end alike."""
    context = speaking(pki, "h2")
    chosen = dict(list(SAID.items())[part::2])
    ports = {name: listen(things, tlskit.secured(context, h2kit.answer(octets))) for name, (octets, _) in chosen.items()}
    checks, outcomes = {}, {}
    for name, port in ports.items():
        for key, more in ((name, {}), (f"{name}-kept", {"keep_alive": True})):
            checks[key] = {**trusting(pki, port, alpn=BOTH), "timeout": "500ms", "interval": "1s", "expect": "is well", **more}
            outcomes[key] = chosen[name][1]
    server = start(site, checks)
    wait_outcomes(server, outcomes)
    seen = look(server)
    assert {name: seen[name]["status"] for name in DETAILS if name in seen} == {name: DETAILS[name] for name in DETAILS if name in seen}


FLOODS = {
    "settings": (h2kit.endless(frame(SETTINGS) * 100), "bad_response"),
    "pings": (h2kit.endless(frame(PING, 0, 0, bytes(8)) * 100), "bad_response"),
    "ping-acks": (h2kit.endless(frame(PING, ACK, 0, bytes(8)) * 100), "bad_response"),
    "windows": (h2kit.endless(frame(WINDOW_UPDATE, 0, 0, b"\0\0\0\1") * 100), "bad_response"),
    "priorities": (h2kit.endless(frame(PRIORITY, 0, 1, bytes(5)) * 100), "bad_response"),
    "unknown": (h2kit.endless(frame(0xee, 0, 0, bytes(1000))), "bad_response"),
    "continuations": (h2kit.endless(frame(CONTINUATION, 0, 1), PLAIN + frame(HEADERS, 0, 1, fields((":status", 200)))), "bad_response"),
    "long-continuations": (h2kit.endless(frame(CONTINUATION, 0, 1, fields(("x", "y" * 100)) * 100), PLAIN + frame(HEADERS, 0, 1, fields((":status", 200)))),
                           "bad_response"),
    "interims": (h2kit.endless(headers((":status", 100)) * 10), "bad_response"),
    "empty-data": (h2kit.endless(data(b"") * 100, PLAIN + HEAD), "bad_response"),
    "data": (h2kit.endless(data(bytes(1000)), PLAIN + HEAD), "bad_body"),
    "padding": (h2kit.endless(frame(DATA, 8, 1, b"\xff" + bytes(255)), PLAIN + HEAD), "bad_response"),
    "settings-first": (h2kit.endless(frame(SETTINGS, 0, 0, b"\0\4\0\0\0\0"), b""), "bad_response"),
    "data-behind": (h2kit.endless(data(bytes(1000)), PLAIN + HEAD + data(b"all is well")), "ok"),
    "pings-behind": (h2kit.endless(frame(PING, 0, 0, bytes(8)) * 100, GOOD), "ok"),
}


@pytest.mark.parametrize("keeps", [False, True])
def test_floods(site, pki, things, keeps):
    """Whoever never stops is stopped, at once and at no great cost."""
    context = speaking(pki, "h2")
    checks = {name: {**trusting(pki, listen(things, tlskit.secured(context, serve)), alpn=ONLY), "timeout": "1s", "interval": "1s", "expect": "is well",
                     "keep_alive": keeps} for name, (serve, _) in FLOODS.items()}
    server = start(site, checks)
    wait_outcomes(server, {name: outcome for name, (_, outcome) in FLOODS.items()})
    turns, cpu_s = kit.cost_checks(server, 2 * len(FLOODS))
    assert turns < 100 and cpu_s < 0.05


def test_closed_at_every_octet(site, pki, things):
    """Wherever an endpoint closes, it has closed; behind the last octet all is well."""
    context = speaking(pki, "h2")
    size = len(GOOD)
    ports = {f"at-{first}": listen(things, tlskit.secured(context, h2kit.answer(GOOD[:first], None))) for first in range(size + 1)}
    site.server["probe"] = {"in_flight": 8}  # where the machine has much to do they wait, and do not all time out together
    server = start(site, {name: {**trusting(pki, port, alpn=ONLY), "interval": "1s", "expect": "is well\n"} for name, port in ports.items()})
    wait_closed(server, ports, f"at-{size}")


# ---- kept connections ----

def well(stream):
    return b"".join(part[:5] + stream.to_bytes(4, "big") + part[9:] for part in (HEAD, BODY))


def long(stream):
    """More than is looked at; its stream is not ended."""
    return headers((":status", 200), stream=stream) + data(b"all is well", stream=stream) + b"".join(data(b"x" * 10000, stream=stream) for _ in range(4))


def late(stream):
    """What still comes of the one before counts for nothing."""
    return (data(b"x" * 10000, stream=stream - 2) + headers(("x", "y"), stream=stream - 2, flags=ENDED) if stream > 1 else b"") + long(stream)


def test_lost_between(site, pki, things):
    """What becomes of a kept connection while it rests says nothing of the endpoint, which is asked anew; what is no end of it
    ends it not."""
    leaves = lambda stream: frame(GOAWAY, 0, 0, (stream - 2).to_bytes(4, "big") + bytes(4))  # noqa: E731
    warned = lambda stream: well(stream) + frame(GOAWAY, 0, 0, stream.to_bytes(4, "big") + bytes(4))  # noqa: E731
    refuses = lambda stream: frame(RST_STREAM, 0, stream, (7).to_bytes(4, "big"))  # noqa: E731
    none_more = lambda stream: well(stream) + frame(SETTINGS, 0, 0, b"\0\3\0\0\0\0")  # noqa: E731
    talks = lambda stream: well(stream) + frame(PING, 0, 0, bytes(8)) + frame(SETTINGS, 0, 0, b"\0\4\0\1\0\0")  # noqa: E731
    ends = {"closes": h2kit.Stepping(well), "leaves": h2kit.Stepping(well, well, leaves, stays=0.2), "warns": h2kit.Stepping(warned, stays=30),
            "refuses": h2kit.Stepping(well, refuses, stays=30), "none-more": h2kit.Stepping(none_more, stays=30)}
    stays = {"talks": h2kit.Stepping(*[talks] * 200, stays=30), "long": h2kit.Stepping(*[long] * 200, stays=30), "late": h2kit.Stepping(*[late] * 200, stays=30)}
    context = speaking(pki, "h2")
    server = start(site, {name: {**trusting(pki, listen(things, tlskit.secured(context, serve)), alpn=BOTH), "keep_alive": True, "interval": "300ms",
                                 "timeout": "300ms", "expect": "is well"} for name, serve in {**ends, **stays}.items()})
    server.wait(lambda: all(serve.connections > 3 for serve in ends.values()), "new connections")
    wait_outcomes(server, dict.fromkeys({**ends, **stays}, "ok"))
    counts = count_results(server)
    assert set(counts) <= {"ok", "timeout", "tls_timeout", "connect_timeout"}, counts  # where the machine has much to do
    spoilt = sum(counts.values()) - counts["ok"]
    for name, serve in stays.items():
        assert serve.connections <= 1 + spoilt, name
