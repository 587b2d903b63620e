# SPDX-License-Identifier: BSD-3-Clause
"""Receivers of webhooks: real HTTP servers that take what they are told, or refuse, hang, drip, close early; with TLS or without."""
import hashlib
import hmac
import http.server
import json
import socket
import ssl
import threading
import time

import kit

SECRET = "a secret of the receivers"


class Receiver:
    """One address. `mode` is how it answers from now on."""

    def __init__(self, mode="take", certificate=None, key=None, address=None):
        self.address, self.mode = (address or kit.new_address(), 0), mode
        self.requests, self.wrong, self.release = [], [], threading.Event()
        receiver = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self):  # pylint: disable=invalid-name
                receiver.serve(self)

            def log_message(self, *_):  # pylint: disable=arguments-differ
                pass
        self.server = http.server.ThreadingHTTPServer((self.address[0], 0), Handler)
        self.server.daemon_threads = True
        self.server.handle_error = lambda *_: None
        self.port = self.server.server_address[1]
        if certificate is not None:
            self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            self.show(certificate, key)
            self.server.socket = self.context.wrap_socket(self.server.socket, server_side=True)
        self.scheme = "http" if certificate is None else "https"
        self.thread = threading.Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.05})
        self.thread.start()

    @property
    def url(self):
        return f"{self.scheme}://{self.address[0]}:{self.port}/events?token=secret"

    def show(self, certificate, key):
        """This one from now on, to whoever connects."""
        self.context.load_cert_chain(certificate, key)

    def serve(self, handler):
        body = handler.rfile.read(int(handler.headers["Content-Length"]))
        self.verify(handler.headers, body)
        mode = self.mode
        self.requests.append({"mode": mode, "headers": dict(handler.headers), "body": json.loads(body)})
        if mode == "hang":
            self.release.wait(kit.PATIENCE_S * 4)
            handler.close_connection = True
        elif mode == "close":
            handler.close_connection = True
        elif mode == "drip":
            handler.send_response(200)
            handler.send_header("Content-Length", "100000")
            handler.end_headers()
            while not self.release.wait(0.05):
                handler.wfile.write(b".")
                handler.wfile.flush()
        elif mode == "flood":
            handler.send_response(200)
            handler.send_header("Content-Length", str(1 << 30))
            handler.end_headers()
            for _ in range(1 << 14):
                handler.wfile.write(b"x" * 65536)
        else:
            handler.send_response({"take": 204, "moved": 302}.get(mode) or int(mode))
            if mode == "moved":
                handler.send_header("Location", self.url)
            handler.send_header("Content-Length", "0")
            handler.end_headers()

    def verify(self, headers, body):
        """As doc/events.md says that receivers do."""
        if "Steerd-Signature" in headers:
            parts = [part.split("=", 1) for part in headers["Steerd-Signature"].split(",")]
            stamp = next(value for key, value in parts if key == "t")
            want = hmac.new(SECRET.encode(), stamp.encode() + b"." + body, hashlib.sha256).hexdigest()
            good = any(key == "v1" and hmac.compare_digest(value, want) for key, value in parts)
            if not good or abs(time.time() - int(stamp)) > 300 or stamp != headers["Steerd-Timestamp"]:
                self.wrong.append(dict(headers))

    def events(self, **wanted):
        """Of requests that were taken, in the order in which they came, each event once."""
        seen, found = set(), []
        for request in list(self.requests):
            for event in request["body"]["events"] if request["mode"] == "take" else ():
                mark = request["body"]["run"], event["seq"]
                if mark not in seen and all(event.get(key) == value for key, value in wanted.items()):
                    found.append(event)
                seen.add(mark)
        return found

    def wait(self, count=1, **wanted):
        kit.wait_for(lambda: len(self.events(**wanted)) >= count, f"{count} of {wanted} in {self.requests[-3:]}")
        return self.events(**wanted)

    def close(self):
        self.release.set()
        self.server.shutdown()
        self.thread.join()
        self.server.server_close()


def dead_port(address):
    """Where nobody listens."""
    with socket.socket() as probe:
        probe.bind((address, 0))
        return probe.getsockname()[1]
