# SPDX-License-Identifier: BSD-3-Clause
"""A server may say what it likes: steerctl shows nothing that a terminal obeys, or that reorders what is around it."""
import contextlib
import http.client
import http.server
import json
import re
import socket
import socketserver
import subprocess
import threading

import kit
import pytest
from everykit import one_of_everything

ODD = "\u202eodd\x1b[2J\x9b\u2066\r\u2028"
DECEPTIVE = re.compile("[\x00-\x09\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]")
VERBS = """
status; regions; regions us-east; azs; endpoints; checks; replication; lag; errors; objectives; rules; rules check region:us-east=drain
watch --once; vantages; config show; config diff; tokens; token show one; overrides; history; events; webhooks; hooks; audit verify; check
operations; operations nobody; incidents; traffic; resolvers; drains; drains 7; switchover list; switchover plan region:us-east; switchover show nobody
point list; point show now; explain www.example.com; diff 1h; what-if region us-east down; zones; names; geo; drill list; drill reports
nodes; serving; cluster; bundles; acme list; show region:us-east; drain region:mars --reason x; up region:us-east --reason x; reload; restore now --dry-run
config get endpoint:late; export
""".replace("\n", ";").split(";")


def make_odd(value):
    if isinstance(value, dict):
        return {key: item if key in ("next_cursor", "seq") else make_odd(item) for key, item in value.items()}
    return [make_odd(item) for item in value] if isinstance(value, list) else value + ODD if isinstance(value, str) else value


class Relay(http.server.BaseHTTPRequestHandler):
    """Between steerctl and the server, whose texts it makes odd; raw or escaped, as JSON lets it."""
    protocol_version = "HTTP/1.1"

    def handle_any(self):
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        there = http.client.HTTPConnection("localhost")
        there.sock = socket.socket(socket.AF_UNIX)
        there.sock.connect(self.server.to)
        there.request(self.command, self.path, body, {name: text for name, text in self.headers.items() if name.lower() not in ("connection", "content-length", "host")})
        reply = there.getresponse()
        with contextlib.closing(there):
            if reply.getheader("Content-Type", "").startswith("text/event-stream"):
                self.stream(reply)
                return
            octets = reply.read()
        if "json" in reply.getheader("Content-Type", ""):
            octets = self.odd(octets)
        self.send_response(reply.status)
        for name, text in reply.getheaders():
            if name.lower() not in ("connection", "content-length", "transfer-encoding", "date", "server"):
                self.send_header(name, text)
        self.send_header("Content-Length", str(len(octets)))
        self.end_headers()
        self.wfile.write(octets)
        self.close_connection = True

    def odd(self, octets):
        lines = [json.dumps(make_odd(json.loads(line)), ensure_ascii=self.server.is_ascii) for line in ([octets] if b"\n{" not in octets else octets.splitlines())]
        return "\n".join(lines).encode()

    def stream(self, reply):
        self.send_response(200)
        self.send_header("Content-Type", "text/event-stream")
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        self.close_connection = True
        with contextlib.suppress(OSError):
            for line in reply:
                piece = b"data: " + self.odd(line[6:]) + b"\n" if line.startswith(b"data: {") else line
                self.wfile.write(b"%x\r\n%s\r\n" % (len(piece), piece))
                self.wfile.flush()

    do_GET = do_PUT = do_POST = do_PATCH = do_DELETE = handle_any

    def log_message(self, *_):
        pass

    def address_string(self):
        return "relay"


class Relays(socketserver.ThreadingMixIn, socketserver.UnixStreamServer):
    daemon_threads = True


@pytest.fixture(scope="module")
def relay():
    with one_of_everything() as server:
        assert server.request("POST", "/v1/tokens", {"name": "one", "role": "viewer", "reason": "a test"}).status == 201
        path = server.site.folder / "relay"
        with Relays(str(path), Relay) as relays:
            relays.to, relays.path = str(server.site.socket), str(path)
            threading.Thread(target=relays.serve_forever, daemon=True).start()
            yield relays
            relays.shutdown()


@pytest.mark.parametrize("is_ascii", [False, True])
@pytest.mark.parametrize("words", [words.strip() for words in VERBS if words.strip()])
def test_what_it_says_is_plain(relay, words, is_ascii):
    relay.is_ascii = is_ascii
    for more in [], ["--json"]:
        if more and words.split()[0] in ("watch", "export"):
            continue
        done = subprocess.run([str(kit.STEERCTL), "-s", relay.path, *words.split(), *more], capture_output=True, text=True, stdin=subprocess.DEVNULL,
                              timeout=kit.PATIENCE_S, check=False, env=kit.make_environment())
        found = DECEPTIVE.search(done.stdout + done.stderr)
        assert not found, (words, more, repr((done.stdout + done.stderr)[max(0, found.start() - 200):found.start() + 60]))
        assert done.stdout or done.stderr
