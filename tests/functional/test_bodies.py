# SPDX-License-Identifier: BSD-3-Clause
"""What http checks want of bodies: regular expressions and values of JSON documents, with nginx and with Python's server."""
import http.server
import json
import threading

import pytest

import kit
import tlskit
from test_https import look, needs_nginx, start, wait_outcomes


class Talker(http.server.BaseHTTPRequestHandler):
    """Answers with the server's text, without a length: its end is where the connection closes."""

    def do_GET(self):
        self.send_response(200)
        self.end_headers()
        self.wfile.write(self.server.text.encode())

    def log_message(self, *_):
        pass


@pytest.fixture(name="talker")
def fixture_talker():
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Talker)
    server.text = json.dumps({"status": "up", "db": {"lag": 3}, "note": "caf\u00e9 \U0001f600"})
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield server
    server.shutdown()
    thread.join()
    server.server_close()


def at(talker, **more):
    return {"type": "http", "port": talker.server_address[1], "interval": "100ms", "timeout": "100ms", **more}


def test_values(site, talker):
    """A document that Python writes, with what it escapes; then it says something else."""
    server = start(site, {
        "up": at(talker, json=[{"pointer": "/status", "value": "up"}, {"pointer": "/db/lag", "op": "<", "value": 5}]),
        "lag": at(talker, json=[{"pointer": "/db/lag", "op": ">", "value": 3}]),
        "note": at(talker, json=[{"pointer": "/note", "value": "caf\u00e9 \U0001f600"}]),
        "error": at(talker, json=[{"pointer": "/error", "op": "exists", "value": False}]),
        "regex": at(talker, expect_regex="^\\{\"status\": \"(up|ok)\".*\\}$"),
        "other": at(talker, expect_regex="\"lag\": [4-9]")})
    wait_outcomes(server, {"up": "ok", "lag": "bad_body", "note": "ok", "error": "ok", "regex": "ok", "other": "bad_body"})
    talker.text = json.dumps({"status": "ok", "db": {"lag": 7}, "error": None})
    wait_outcomes(server, {"up": "bad_body", "lag": "ok", "note": "bad_body", "error": "bad_body", "regex": "ok", "other": "ok"})
    talker.text = "no JSON at all"
    wait_outcomes(server, {"up": "bad_body", "lag": "bad_body", "note": "bad_body", "error": "bad_body", "regex": "bad_body", "other": "bad_body"})


def test_a_reload(site, talker):
    """A check that is what it was goes on; one that wants something else of the body begins anew."""
    other = {"expect_regex": "u.", "json": [{"pointer": "/db/lag", "op": "<", "value": 5}]}
    server = start(site, {
        "same": at(talker, expect_regex="up"), "expect_regex": at(talker, expect_regex="up"),
        "json": at(talker, json=[{"pointer": "/db/lag", "op": "<", "value": 6}])})

    def streaks():
        return {name: check["streak"] for name, check in look(server).items()}
    server.wait(lambda: min(streaks().values()) >= 10, "streaks")
    for key, value in other.items():
        site.topology["checks"][key][key] = value
    site.write()
    assert server.reload().status == 200
    now = streaks()  # all are checked as often from now on
    assert now["same"] >= 10 and max(now["expect_regex"], now["json"]) <= now["same"] - 5


@needs_nginx
def test_nginx(site, tmp_path):
    """A large file of nginx, and an expression that a library which tries one way after the other would never be done with."""
    (tmp_path / "big").write_text("x" * 200000 + "needle\n")
    pki = tlskit.Pki(tmp_path / "pki")
    pki.sign("good", "root")
    nginx = tlskit.Nginx(tmp_path / "nginx", pki, f"location = /big {{ root {tmp_path}; }} location / {{ return 301 /elsewhere; }}",
                         clear=True)
    try:
        plain = {"type": "http", "port": nginx.port, "interval": "200ms", "timeout": "200ms"}
        big = {**plain, "path": "/big", "max_body": 262144}
        server = start(site, {
            "end": {**big, "expect_regex": "needle\n$"}, "cut": {**big, "expect_regex": "needle\n$", "max_body": 200003},
            "hostile": {**big, "expect_regex": "^(x+x+)+y"}, "moved": {**plain, "status": 301, "expect_regex": "<title>301 .*</title>"}})
        wait_outcomes(server, {"end": "ok", "cut": "bad_body", "hostile": "bad_body", "moved": "ok"})
    finally:
        nginx.close()


def test_errors(site, talker):
    site.topology = {"regions": {"r": {"azs": {"a": {}}}}, "endpoints": {},
                     "checks": {"c": at(talker, expect_regex="a.{30}b", json=[{"pointer": "/a", "op": "<", "value": "x"}])}}
    site.zone("example.com", "")
    site.write()
    done = kit.run_steerd("-c", str(site.folder / "steerd.json"), "--check")
    assert done.returncode == 1
    assert "in this regular expression found an expression that needs a table" in done.stderr
    assert "(at $.checks.c.json[0].value)" in done.stderr
