# SPDX-License-Identifier: BSD-3-Clause
"""The admin API from elsewhere: certificates, clients that talk TLS, and sockets that say what they like."""
import http.client
import json
import socket
import ssl

import kit
import openapi
import tlskit


def make_pki(site):
    """Authorities, a certificate of the server for 127.0.0.1 and www.example.com, and some of clients."""
    pki = tlskit.Pki(site.folder / "pki")
    pki.sign("good", "middle", chain=["middle"])
    for name in "ops", "desk":
        pki.sign(name, "root", extensions="client")
    pki.sign("stranger", "strange", extensions="client")
    return pki


class Remote:
    """A client of one address."""

    def __init__(self, at, pki, certificate=None, token=None, source=None):
        self.at, self.token, self.source = at, token, source and (source, 0)  # None: whatever address the kernel takes
        self.context = ssl.create_default_context(cafile=pki.root_pem)
        self.context.check_hostname = False  # every test has an address of its own
        if certificate:
            self.context.load_cert_chain(getattr(pki, f"{certificate}_pem"), getattr(pki, f"{certificate}_key"))

    def connect(self, timeout=kit.PATIENCE_S):
        raw = socket.create_connection(self.at, timeout, self.source)
        raw.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return self.context.wrap_socket(raw, server_hostname=self.at[0])

    def request(self, method, path, body=None, headers=None, judge=True):
        connection = http.client.HTTPConnection(*self.at)
        connection.sock = self.connect()
        try:
            headers = {**({"Authorization": f"Bearer {self.token}"} if self.token else {}), **(headers or {})}
            if body is not None:
                headers["Content-Type"] = "application/json"
                body = json.dumps(body)
            connection.request(method, path, body, headers)
            got = connection.getresponse()
            reply = kit.Reply(got.status, got.headers, got.read())
            if judge:
                openapi.judge(method, path, reply)
            return reply
        finally:
            connection.close()


def listen(site, pki, certificate="good", **more):
    """Configure a listener; returns its address."""
    at = (kit.new_address(), kit.find_port("127.0.0.1"))
    door = {"address": f"{at[0]}:{at[1]}", "certificate": getattr(pki, f"{certificate}_pem"),
            "key": getattr(pki, f"{certificate}_key"), **more}
    site.server["admin"].setdefault("listen", []).append(door)
    return at


class Lasting:
    """A request whose answer, or whose body, goes on."""

    def __init__(self, remote, method, path, headers="", body=b""):
        token = f"Authorization: Bearer {remote.token}\r\n" if remote.token else ""
        self.socket = remote.connect()
        self.socket.sendall(f"{method} {path} HTTP/1.1\r\nHost: {remote.at[0]}:{remote.at[1]}\r\n{token}{headers}\r\n".encode() + body)
        self.file = self.socket.makefile("rb")

    def read_until(self, word):
        """What came up to the line with this word; the test's patience is the socket's."""
        lines = []
        for line in self.file:
            lines.append(line.decode())
            if word in lines[-1]:
                return "".join(lines)
        raise AssertionError(f"ended without {word!r}: {lines}")

    def read_rest(self):
        rest = self.file.read().decode()
        self.socket.close()
        return rest
