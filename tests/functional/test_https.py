# SPDX-License-Identifier: BSD-3-Clause
"""https checks against real servers, and against whatever may come instead: each way to fail has its own outcome, within
the time-out, and none costs more than it has to."""
import calendar
import time

import pytest

import kit
import tlskit

pytestmark = pytest.mark.skipif(tlskit.OPENSSL is None, reason="openssl is not installed (contrib/packages test)")
needs_nginx = pytest.mark.skipif(tlskit.NGINX is None, reason="nginx is not installed (contrib/packages test)")


@pytest.fixture(scope="module")
def pki(tmp_path_factory):
    pki = tlskit.Pki(tmp_path_factory.mktemp("pki") / "files")
    pki.sign("good", "middle", chain=["middle"])
    pki.sign("direct", "root")
    pki.sign("soon", "root", days=(-1, 5.5))
    pki.sign("expired", "root", days=(-9, -2))
    pki.sign("early", "root", days=(2, 9))
    pki.sign("wrong", "root", extensions="other")
    pki.sign("alone", None)
    pki.sign(tlskit.HOST, "root", extensions="bare")
    pki.sign("incomplete", "middle")
    pki.sign("client", "root", extensions="client")
    pki.sign("misused", "root", extensions="misused")
    return pki


@pytest.fixture
def things():
    """What is closed after the test."""
    made = []
    yield made
    for thing in reversed(made):
        thing.close()


def start(site, checks):
    """One endpoint, which has all these checks."""
    site.topology = {"regions": {"r": {"azs": {"a": {}}}}, "brake": False,
                     "checks": {name: {"type": "https", "interval": "500ms", "fall": 1, "rise": 1, **check} for name, check in checks.items()},
                     "endpoints": {"e": {"az": "a", "addresses": ["127.0.0.1"], "checks": list(checks)}}}
    site.zone("example.com", "")
    return site.start()


def look(server):
    return {check["check"]: check for check in server.get("/v1/endpoints/e")["checks"]}


def wait_outcomes(server, expected):
    def find():
        seen = {name: check["outcome"] for name, check in look(server).items()}
        return {name: (outcome, seen[name]) for name, outcome in expected.items()
                if seen[name] not in ([outcome] if isinstance(outcome, str) else outcome)}
    try:
        server.wait(lambda: not find(), "outcomes")
    except AssertionError as error:
        raise AssertionError(f"expected and seen: {find()}") from error


def wait_each(server, expected):
    """Each has ended so once: where the machine has much to do some may be late at any moment, so never all are well at
    the same one."""
    left = dict(expected)

    def find():
        for name, check in look(server).items():
            if name in left and check["outcome"] in ([left[name]] if isinstance(left[name], str) else left[name]):
                del left[name]
        return not left
    try:
        server.wait(find, "outcomes", 4 * kit.PATIENCE_S)
    except AssertionError as error:
        raise AssertionError(f"expected and not seen: {left}") from error


def count_outcomes(server):
    """Of all results so far, those that there were."""
    lines = server.request("GET", "/metrics").body.decode().splitlines()
    counts = {line.split('"')[1]: int(line.split()[-1]) for line in lines if line.startswith("steerd_checks_total{")}
    return {outcome: count for outcome, count in counts.items() if count}


LATE = {"tls_timeout", "timeout", "connect_timeout"}  # where the machine has much to do


def wait_closed(server, names, whole):
    """Each endpoint that closes too early has closed, and none of them was ever well; the whole one was."""
    wait_each(server, {name: "ok" if name == whole else ("closed", "reset") for name in names})
    assert set(count_outcomes(server)) <= {"ok", "closed", "reset"} | LATE
    assert {name for name, check in look(server).items() if check["verdict"] == "healthy"} <= {whole}


def listen(things, serve):
    things.append(tlskit.Listener(serve))
    return things[-1].port


def trusting(pki, port, **tls):
    return {"port": port, "host": tlskit.HOST, "tls": {"ca": pki.root_pem, **tls}}


def test_certificates(site, pki, things):
    """Each that is no good has an outcome of its own; with "verify": false all are taken."""
    ports = {name: listen(things, tlskit.talk(pki.context(name), tlskit.GOOD))
             for name in ("good", "direct", "soon", "expired", "early", "wrong", "alone", "incomplete", "misused", tlskit.HOST)}
    checks = {name: trusting(pki, port) for name, port in ports.items()}
    checks.update({f"any-{name}": {"port": port, "tls": {"verify": False}} for name, port in ports.items()})
    checks["system"] = {"port": ports["good"], "host": tlskit.HOST}
    checks["by-address"] = {"port": ports["good"], "tls": {"ca": pki.root_pem}}
    checks["by-name"] = {"port": ports["wrong"], "host": tlskit.HOST, "tls": {"ca": pki.root_pem, "name": "other.example.com"}}
    checks["pinned"] = {"port": ports["direct"], "host": tlskit.HOST, "tls": {"ca": pki.direct_pem}}
    checks["own"] = {"port": ports["alone"], "host": tlskit.HOST, "tls": {"ca": pki.alone_pem}}
    checks["min"] = trusting(pki, ports["soon"], min_days=9)
    server = start(site, checks)
    wait_outcomes(server, {
        "good": "ok", "direct": "ok", "soon": "ok", "expired": "certificate_expired", "early": "certificate_not_yet_valid",
        "wrong": "certificate_wrong_host", "alone": "certificate_self_signed", "incomplete": "certificate_untrusted",
        "misused": "certificate_invalid", tlskit.HOST: "certificate_wrong_host",
        **{f"any-{name}": "ok" for name in ports}, "system": "certificate_untrusted", "by-address": "ok", "by-name": "ok",
        "pinned": "ok", "own": "ok", "min": "certificate_expiring"})
    seen = look(server)
    assert seen["soon"]["verdict"] == "healthy" and seen["soon"]["certificate_ending"]
    assert not seen["direct"]["certificate_ending"]
    ends = calendar.timegm(time.strptime(seen["soon"]["certificate_ends"], "%Y-%m-%dT%H:%M:%S.000Z"))
    assert abs(ends - time.time() - 5.5 * 86400) < 3600
    server.wait_log("certificate", "name=e", "turn=ending", "check=soon", "days=5")
    metrics = server.request("GET", "/metrics").body.decode()
    assert 'steerd_certificate_end_time_seconds{endpoint="e",check="soon",family="ipv4"} ' in metrics
    assert 'steerd_checks_total{outcome="certificate_wrong_host"}' in metrics
    assert "CERTIFICATE ENDS" in server.ctl("show", "endpoint:e").stdout


def test_what_is_no_tls(site, pki, things):
    good = listen(things, tlskit.talk(pki.context("direct"), tlskit.GOOD))
    front = lambda change: listen(things, tlskit.pass_on(good, change))  # noqa: E731
    context = pki.context("direct")
    endless = lambda octets: lambda tls: [tls.sendall(octets) for _ in range(1 << 20)]  # noqa: E731
    ports = {
        "refused": (tlskit.free_port(), "refused"),
        "reset": (listen(things, tlskit.reset), "reset"),
        "at-once": (listen(things, lambda connection, _: None), ("tls_closed", "reset")),
        "silent": (listen(things, tlskit.hold), "tls_timeout"),
        "ssh": (listen(things, tlskit.say(b"SSH-2.0-OpenSSH_9.2\r\n")), "tls_error"),
        "clear": (listen(things, tlskit.say(tlskit.GOOD)), "tls_error"),
        "zeros": (listen(things, tlskit.say(bytes(100000))), "tls_error"),
        "stalls-1": (front(tlskit.stall_after(1)), "tls_timeout"),
        "stalls-100": (front(tlskit.stall_after(100)), "tls_timeout"),
        "stalls-300": (front(tlskit.stall_after(300)), "tls_timeout"),
        "drips": (front(tlskit.drip), "tls_timeout"),
        "cut": (front(tlskit.close_after(lambda _: 200)), "tls_closed"),
        "spoiled": (front(tlskit.spoil_at(3)), "tls_error"),
        "spoiled-later": (front(tlskit.spoil_at(200)), "tls_error"),
        "mute": (listen(things, tlskit.talk(context, lambda tls: tls.recv(1))), "timeout"),
        "no-answer": (listen(things, tlskit.talk(context, b"")), "closed"),
        "half": (listen(things, tlskit.talk(context, b"HTTP/1.1 200 OK\r\nContent-Le")), "closed"),
        "garbage": (listen(things, tlskit.talk(context, b"SSH-2.0-OpenSSH_9.2\r\n")), "bad_response"),
        "status": (listen(things, tlskit.talk(context, b"HTTP/1.1 503 Busy\r\n\r\n")), "bad_status"),
        "endless-head": (listen(things, tlskit.talk(context, endless(b"HTTP/1.1 100 Continue\r\n\r\n"))), "bad_response"),
    }
    server = start(site, {name: {**trusting(pki, port), "timeout": "400ms"} for name, (port, _) in ports.items()})
    wait_outcomes(server, {name: outcome for name, (_, outcome) in ports.items()})
    turns, cpu_s = kit.cost_checks(server, 2 * len(ports))
    assert turns < 100 and cpu_s < 0.05


def test_closed_at_every_octet(site, pki, things):
    """Wherever an endpoint closes, it has closed; within the handshake, or behind it."""
    good = listen(things, tlskit.talk(pki.context("direct"), tlskit.GOOD))
    fronts = {}
    for first in range(128):
        fronts[f"from-{first}"] = tlskit.Listener(tlskit.pass_on(good, tlskit.close_after(lambda number, first=first: first + 128 * number)))
        things.append(fronts[f"from-{first}"])
    checks = {name: {**trusting(pki, front.port, resume=False), "interval": "1s"} for name, front in fronts.items()}
    site.server["probe"] = {"in_flight": 8}  # where the machine has much to do they wait, and do not all time out together
    server = start(site, checks)
    wait_each(server, {name: "ok" for name in fronts})  # from behind the last octet on
    counts = count_outcomes(server)
    assert set(counts) <= {"ok", "tls_closed", "closed", "reset"} | LATE
    assert counts["tls_closed"] > 300


def test_who_asks(site, pki, things):
    """Client certificates, versions that nobody has any more, and a broken session."""
    wants = tlskit.s_server(pki, "direct", "-Verify", "1", "-verify_return_error", "-CAfile", pki.root_pem)
    wants12 = tlskit.s_server(pki, "direct", "-Verify", "1", "-verify_return_error", "-CAfile", pki.root_pem, "-tls1_2")
    old = tlskit.s_server(pki, "direct", "-tls1_1", "-cipher", "DEFAULT@SECLEVEL=0")
    things += [wants, wants12, old]
    mine = {"certificate": pki.client_pem, "key": pki.client_key}
    server = start(site, {
        "with": trusting(pki, wants.port, **mine), "without": trusting(pki, wants.port),
        "with-12": trusting(pki, wants12.port, **mine), "without-12": trusting(pki, wants12.port), "old": trusting(pki, old.port)})
    wait_outcomes(server, {"with": "ok", "without": "tls_refused", "with-12": "ok", "without-12": "tls_refused", "old": "tls_refused"})


@needs_nginx
@pytest.mark.parametrize("version", ["TLSv1.2", "TLSv1.3"])
def test_nginx(site, pki, things, tmp_path, version):
    """Sessions are used again, ALPN and SNI are said, and nothing about the checks is worth a line of its error log."""
    nginx = tlskit.Nginx(tmp_path / "nginx", pki, f"""
        ssl_protocols {version}; ssl_session_cache shared:it:1m; ssl_session_tickets on;
        location = /moved {{ return 301 /elsewhere; }}
        location = /gone {{ return 404; }}
        location = /big {{ root {tmp_path}; }}
        location = /post {{ client_body_in_single_buffer on; proxy_ssl_protocols {version}; proxy_pass https://127.0.0.1:$server_port/; }}
        location / {{ add_header X-Way yes; return 200 'all is well, load 5\\n'; }}""")
    (tmp_path / "big").write_text("x" * 100000 + "needle" + "x" * 1000)
    things.append(nginx)
    at = trusting(pki, nginx.port)
    server = start(site, {
        "plain": at, "body": {**at, "expect": "is well"}, "no-body": {**at, "expect": "is ill"},
        "head": {**at, "method": "HEAD"}, "moved": {**at, "path": "/moved"}, "moved-set": {**at, "path": "/moved", "status": "200,301-308"},
        "gone-set": {**at, "path": "/gone", "status": "200,404"}, "gone-not": {**at, "path": "/gone", "status": "200-403,405-599"},
        "big": {**at, "path": "/big", "expect": "needle", "max_body": 200000}, "big-cut": {**at, "path": "/big", "expect": "needle"},
        "post": {**at, "path": "/post", "method": "POST", "send": "{\"a\": 1}", "headers": {"Content-Type": "application/json", "X-From": "steerd"}}})
    wait_outcomes(server, {
        "plain": "ok", "body": "ok", "no-body": "bad_body", "head": "ok", "moved": "bad_status", "moved-set": "ok", "gone-set": "ok",
        "gone-not": "bad_status", "big": "ok", "big-cut": "bad_body", "post": "ok"})
    server.wait(lambda: f'r {version} alpn=http/1.1 sni={tlskit.HOST} 200 "GET / HTTP/1.1"' in nginx.read("access.log"), "sessions used again")
    access = nginx.read("access.log")
    assert '"HEAD / HTTP/1.1"' in access and '"POST /post HTTP/1.1" "steerd" "{\\x22a\\x22: 1}"' in access
    assert "/elsewhere" not in access
    error = nginx.read("error.log")  # before the end of steerd, which cuts off what is in flight
    for word in ("reset by peer", "SSL_", "crit", "[error]"):
        assert word not in error.replace("directory", ""), error


@needs_nginx
def test_renewed(site, pki, things, tmp_path):
    """A certificate that is exchanged is seen after a reload of the server, and said to be renewed."""
    nginx = tlskit.Nginx(tmp_path / "nginx", pki, "location / { return 200; }", name="soon")
    things.append(nginx)
    server = start(site, {"it": trusting(pki, nginx.port)})
    server.wait(lambda: look(server)["it"]["certificate_ending"], "the warning")
    for kind in ("pem", "key"):
        (pki.folder / f"soon.{kind}.new").write_text((pki.folder / f"direct.{kind}").read_text())
    conf = nginx.folder / "nginx.conf"
    conf.write_text(conf.read_text().replace("/soon.", "/direct."))
    nginx.process.send_signal(1)
    server.wait_log("certificate", "turn=renewed", "check=it")
    assert not look(server)["it"]["certificate_ending"]


def test_reload_keeps_what_is_known(site, pki, things):
    """A reload that changes nothing of it disturbs no check; another authority begins anew."""
    port = listen(things, tlskit.talk(pki.context("direct"), tlskit.GOOD))
    server = start(site, {"it": trusting(pki, port)})
    wait_outcomes(server, {"it": "ok"})
    ends = look(server)["it"]["certificate_ends"]
    site.topology["regions"]["r"]["location"] = [1, 1]
    site.write()
    server.reload()
    assert look(server)["it"]["certificate_ends"] == ends
    site.topology["checks"]["it"]["tls"]["ca"] = pki.strange_pem
    site.write()
    server.reload()
    wait_outcomes(server, {"it": "certificate_untrusted"})


def test_files_are_checked(site, pki, tmp_path):
    empty = tmp_path / "empty.pem"
    empty.write_text("nothing\n")
    broken = tmp_path / "broken.pem"
    broken.write_text((pki.folder / "root.pem").read_text().replace("M", "N", 3))
    locked = tmp_path / "locked.key"
    tlskit.run("ec", "-in", pki.good_key, "-aes128", "-passout", "pass:x", "-out", locked)
    cases = {
        "missing": ({"ca": "nowhere.pem"}, "cannot be read", "$.checks.missing.tls.ca"),
        "folder": ({"ca": str(tmp_path)}, "expected a regular file", "$.checks.folder.tls.ca"),
        "empty": ({"ca": str(empty)}, "is no list of authorities: found no certificate", "$.checks.empty.tls.ca"),
        "broken": ({"ca": str(broken)}, "is no list of authorities: found a certificate in it that is broken", "$.checks.broken.tls.ca"),
        "nocert": ({"certificate": str(empty), "key": pki.client_key}, "is no certificate", "$.checks.nocert.tls.certificate"),
        "nokey": ({"certificate": pki.client_pem, "key": str(empty)}, "is not the key", "$.checks.nokey.tls.key"),
        "other": ({"certificate": pki.client_pem, "key": pki.good_key}, "does not belong to the certificate", "$.checks.other.tls.key"),
        "locked": ({"certificate": pki.good_pem, "key": str(locked)}, "found a key with a passphrase", "$.checks.locked.tls.key"),
        "alone": ({"certificate": pki.client_pem}, "found \"certificate\" alone", "$.checks.alone.tls.certificate"),
        "unused": ({"verify": False, "ca": pki.root_pem}, "beside \"verify\": false", "$.checks.unused.tls.ca"),
        "days": ({"min_days": 9, "warn_days": 3}, "expected at least \"min_days\"", "$.checks.days.tls.warn_days"),
        "name": ({"name": "a b"}, "the host name or the address", "$.checks.name.tls.name"),
    }
    site.topology = {"regions": {"r": {"azs": {"a": {}}}},
                     "checks": {name: {"type": "https", "port": 443, "tls": tls} for name, (tls, _, _) in cases.items()}, "endpoints": {}}
    site.zone("example.com", "")
    site.write()
    done = kit.run_steerd("-c", str(site.folder / "steerd.json"), "--check")
    assert done.returncode == 1
    for _, words, place in cases.values():
        assert any(words in line and place in line for line in done.stderr.splitlines()), (words, done.stderr)


# ---- behind a proxy ----

HEADS = {"v1": b"PROXY UNKNOWN\r\n", "v2": b"\r\n\r\n\0\r\nQUIT\n\x20\0\0\0"}


def behind(head, serve):
    """Nobody is answered whose connection does not begin with exactly this."""
    def answer(connection, number):
        if connection.recv(len(head), tlskit.socket.MSG_WAITALL) == head:
            serve(connection, number)
    return answer


def test_endpoints_behind_the_proxy_protocol(site, pki, things):
    """The head comes before all else, and once for each connection; without it, or with the other one, they are not well."""
    def plain(connection, number):
        for _ in range(3):
            if b"GET / " not in connection.recv(4096):
                return
            connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nok\n")

    def greets(connection, number):
        connection.sendall(b"220 mail")
    checks, expected = {}, {}
    for version, head in HEADS.items():
        secure = listen(things, behind(head, tlskit.talk(pki.context("good"), tlskit.GOOD)))
        clear, mail = listen(things, behind(head, plain)), listen(things, behind(head, greets))
        other = "v1" if version == "v2" else "v2"
        more = {f"secure-{version}": {**trusting(pki, secure), "proxy": version}, f"clear-{version}": {"type": "http", "port": clear, "proxy": version},
                f"kept-{version}": {"type": "http", "port": clear, "proxy": version, "keep_alive": True},
                f"tcp-{version}": {"type": "tcp", "port": mail, "proxy": version, "expect": "220"},
                f"open-{version}": {"type": "tcp", "port": mail, "proxy": version}}
        expected.update({name: "ok" for name in more})
        checks.update(more)
        for kind, port in (("secure", secure), ("clear", clear)):
            for what, wrong in (("none", {}), ("other", {"proxy": other})):
                good = {key: value for key, value in more[f"{kind}-{version}"].items() if key != "proxy"}
                checks[f"{kind}-{version}-{what}"] = {**good, **wrong}
    server = start(site, checks)
    wait_outcomes(server, expected)
    server.wait(lambda: all(check["results"] != 0 if "results" in check else check["outcome"] for check in look(server).values()), "all have a result")
    assert {name for name, check in look(server).items() if check["outcome"] == "ok"} == set(expected)
    server.wait(lambda: {name for name, check in look(server).items() if check["verdict"] == "healthy"} == set(expected), "verdicts")
