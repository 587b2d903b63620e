# SPDX-License-Identifier: BSD-3-Clause
"""What stands between steerd and a member of etcd, and passes each request on, unless it says something of its own instead: an etcd
that is stopped half way, broken, or means ill."""
import base64
import collections
import contextlib
import json
import select
import socket
import ssl
import threading
import time
import urllib.parse

import kit

WATCH, TXN, RANGE, LOGIN = "/v3/watch", "/v3/kv/txn", "/v3/kv/range", "/v3/auth/authenticate"


def encode(text):
    return base64.b64encode(text if isinstance(text, bytes) else text.encode()).decode()


def decode(text):
    return base64.b64decode(text).decode(errors="replace")


def puts(body):
    """Keys that a transaction would write."""
    found = json.loads(body)
    return [decode(op["request_put"]["key"]) for op in found.get("success", []) if "request_put" in op]


class Front:
    """judge(path, body) returns None (pass it on) or what is done with the socket instead. counts: of requests, by path."""

    def __init__(self, behind=None, certificate=None):
        self.behind = urllib.parse.urlsplit(behind) if behind else None
        self.judge, self.counts, self.judged = (lambda path, body: None), collections.Counter(), collections.Counter()
        self.context = None
        self.listener = socket.create_server((kit.new_address(), 0))
        self.address = self.listener.getsockname()
        if certificate:
            self.show(certificate)
        self.scheme = "https" if certificate else "http"
        threading.Thread(target=self.accept, daemon=True).start()

    @property
    def url(self):
        return f"{self.scheme}://{self.address[0]}:{self.address[1]}"

    def show(self, certificate):
        """(certificate, key), from now on."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(*certificate)
        self.context = context

    def accept(self):
        while True:
            try:
                connection, _ = self.listener.accept()
            except OSError:
                return
            threading.Thread(target=self.serve, args=(connection,), daemon=True).start()

    def serve(self, connection):
        with contextlib.suppress(OSError, ValueError), connection:
            if self.context is not None:
                connection = self.context.wrap_socket(connection, server_side=True)
            head, body = read_request(connection)
            path = head.split(b" ", 2)[1].decode()
            self.counts[path] += 1
            do = self.judge(path, body)
            if do is not None:
                self.judged[path] += 1
                do(connection)
            elif self.behind is not None:
                self.pass_on(connection, head, body)

    def pass_on(self, connection, head, body):
        with socket.create_connection((self.behind.hostname, self.behind.port)) as member:
            member.sendall(head.replace(b"\r\n", b"\r\nConnection: close\r\n", 1) + body)
            while True:
                for one in select.select([member, connection], [], [])[0]:
                    octets = one.recv(65536)
                    if not octets or one is connection:
                        return
                    connection.sendall(octets)

    def wait_judged(self, count=3):
        """Until so many more have been answered by what is not etcd."""
        before = sum(self.judged.values())
        kit.wait_for(lambda: sum(self.judged.values()) >= before + count, f"{count} requests are judged")

    def close(self):
        self.listener.close()

    def __enter__(self):
        return self

    def __exit__(self, *why):
        self.close()


def read_request(connection):
    octets = b""
    while b"\r\n\r\n" not in octets:
        piece = connection.recv(65536)
        if not piece:
            raise ValueError("no request")
        octets += piece
    head, body = octets.split(b"\r\n\r\n", 1)
    length = next((int(line.split(b":")[1]) for line in head.split(b"\r\n") if line.lower().startswith(b"content-length:")), 0)
    while len(body) < length:
        piece = connection.recv(65536)
        if not piece:
            raise ValueError("no body")
        body += piece
    return head + b"\r\n\r\n", body


# ---- what it may say instead ----


def say(body, kind="application/json", status="200 OK", more=""):
    text = body if isinstance(body, bytes) else body.encode()
    head = f"HTTP/1.1 {status}\r\nContent-Type: {kind}\r\nContent-Length: {len(text)}\r\n{more}Connection: close\r\n\r\n".encode()

    def do(connection):
        connection.sendall(head + text)
        linger(connection)
    return do


def linger(connection):
    """Until the other side has taken it."""
    with contextlib.suppress(OSError):
        connection.shutdown(socket.SHUT_WR)
        connection.settimeout(kit.PATIENCE_S)
        connection.recv(1)


def close(connection):
    """Without an answer."""
    connection.close()


def hang(connection):
    connection.settimeout(None)
    connection.recv(1)


def pour(piece, head=b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n", pause_s=0):
    """Without an end."""
    def do(connection):
        connection.sendall(head)
        while True:
            connection.sendall(piece)
            time.sleep(pause_s)
    return do


def chunk(octets):
    return f"{len(octets):x}\r\n".encode() + octets + b"\r\n"


def lines(*texts, then=hang):
    """Of a watch; then it is silent."""
    def do(connection):
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n")
        for text in texts:
            connection.sendall(chunk(text.encode() + b"\n"))
        then(connection)
    return do
