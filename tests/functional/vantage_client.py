# SPDX-License-Identifier: BSD-3-Clause
"""A vantage that says whatever a test wants it to, over the protocol of doc/vantages.md."""
import hashlib
import json
import socket
import ssl
import subprocess
import time

import kit

LATER = 30


class Ended(Exception):
    """The server has closed."""


class Vantage:
    """One host: a key and a certificate of its own, and connections to a server."""

    def __init__(self, folder, server, name):
        self.name, self.server, self.run = name, server, 1
        self.room = None  # of the socket, in octets, for what it does not take
        self.changes = False  # it takes changes of its list; else it is of a version that does not know them
        self.mark, self.whole, self.old = None, 0, []  # of its list; targets that were told whole; those of the list before
        self.pem = folder / f"{name}.pem"
        subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
                        "-subj", f"/CN={name}", "-keyout", self.pem, "-out", f"{self.pem}.crt"], check=True, capture_output=True)
        self.pem.write_text(self.pem.read_text() + open(f"{self.pem}.crt", encoding="ascii").read(), encoding="ascii")
        self.tls, self.rest, self.checks, self.targets, self.generation, self.seq = None, b"", [], [], None, 0

    def connect(self, certificate=True):
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        context.minimum_version = ssl.TLSVersion.TLSv1_3
        if certificate:
            context.load_cert_chain(self.pem)
        raw = socket.socket()
        raw.settimeout(LATER)
        if self.room is not None:
            raw.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, self.room)
        raw.connect(self.server.vantages_at)
        raw.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.tls, self.rest = context.wrap_socket(raw), b""
        return self

    @property
    def fingerprint(self):
        return hashlib.sha256(self.tls.getpeercert(binary_form=True)).hexdigest()

    def say_raw(self, octets):
        self.tls.sendall(octets)

    def say(self, kind, **body):
        self.say_raw(json.dumps({kind: body}).encode() + b"\n")

    def hear_any(self):
        while b"\n" not in self.rest:
            try:
                more = self.tls.recv(65536)
            except (ssl.SSLError, ConnectionError) as error:
                raise Ended(error) from error
            if not more:
                raise Ended()
            self.rest += more
        line, self.rest = self.rest.split(b"\n", 1)
        return next(iter(json.loads(line).items()))

    def hear(self, *kinds):
        """The next message of one of these kinds; heartbeats and, if not asked for, lists are taken on the way."""
        end = time.monotonic() + LATER
        while time.monotonic() < end:
            kind, body = self.hear_any()
            self.take(kind, body)
            if kind in kinds:
                return body
        raise AssertionError(f"none of {kinds} was heard")

    def take(self, kind, body):
        if kind == "mark":
            self.mark = body["mark"]
            if self.changes:
                self.say("can", change=True)
        elif kind in ("list", "change"):
            assert kind == "list" or body["from"] == self.generation
            self.old, self.checks, self.targets, self.whole = self.targets, [], [], 0
        elif kind == "keep":
            for first, count, shift in body["ranges"]:
                self.targets += [{**target, "check": target["check"] + shift} for target in self.old[first:first + count]]
        elif kind == "check":
            assert body["index"] == len(self.checks)
            self.checks.append(body)
        elif kind == "targets":
            self.targets += body
            self.whole += len(body)
        elif kind in ("listed", "same"):
            self.generation = body["generation"]
            self.say("taken", generation=self.generation, refused=[])
        elif kind == "aim":
            for item in body["items"]:
                self.targets[item["index"]].update(addresses=item["addresses"], idle=item["idle"])

    def enrol(self, token):
        self.connect()
        self.say("enrol", version=1, name=self.name, token=token)
        return self.hear("enrolled", "refused")

    def hello(self, version=1, **more):
        self.connect()
        self.say("hello", version=version, name=self.name, software="a test", run=f"{self.run:016x}", **more)
        return self.hear("welcome", "refused")

    def come(self, token=None):
        """Until it has its list."""
        if token is not None:
            assert self.enrol(token) == {"name": self.name}
            self.close()
        assert "server" in self.hello()
        if self.generation is None:
            self.hear("listed")
        return self

    def find(self, name):
        return next(i for i, target in enumerate(self.targets) if target["name"] == name)

    def think(self, opinions, everything=False, generation=None):
        """{name of a target: "up" | "down" | "none"}"""
        self.seq += 1
        outcomes = {"up": "ok", "down": "timeout", "none": "none"}
        items = [[self.find(name), verdict, 3, outcomes[verdict], 0, 1000, 5] for name, verdict in opinions.items()]
        self.say("opinions", generation=self.generation if generation is None else generation, seq=self.seq, all=everything,
                 items=items)

    def live(self):
        self.seq += 1
        self.say("alive", generation=self.generation or 0, seq=self.seq)

    def close(self):
        if self.tls is not None:
            self.tls.close()


def listen(site, **vantages):
    """Lets vantages come to the server of the site."""
    address = kit.new_address()
    port = kit.find_port(address)
    site.server["vantages"] = {"listen": f"{address}:{port}", "heartbeat": "300ms", "expires": "20s", **vantages}
    return address, port


def invite(server, name, **more):
    reply = server.request("POST", "/v1/vantages", {"name": name, **more})
    assert reply.status == 201, reply
    return reply.json["token"]


def row(server, name):
    return next((row for row in server.get("/v1/vantages")["items"] if row["name"] == name), None)
