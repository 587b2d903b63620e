# SPDX-License-Identifier: BSD-3-Clause
"""Several steerd that are nodes of one cluster without etcd, on loopback, and endpoints that answer each of them as the test
says: whose socket asks is what the kernel tells of the processes."""
import contextlib
import http.server
import os
import pathlib
import select
import socket
import socketserver
import threading

import kit


# For who asserts that nothing flips: a check is not late, and nobody silent, because the machine is busy
PATIENT = {"vantages": {"expires": "8s"}, "interval": "3s", "timeout": "3s"}


def find_inode(port, at):
    """Of the socket with that local port which is connected to `at`."""
    wanted = f"{at[1]:04X}"
    for line in pathlib.Path("/proc/net/tcp").read_text(encoding="ascii").splitlines()[1:]:
        fields = line.split()
        if fields[1].endswith(f":{port:04X}") and fields[2].endswith(f":{wanted}"):
            return fields[9]
    return None


def owns(pid, inode):
    try:
        for entry in os.scandir(f"/proc/{pid}/fd"):
            with contextlib.suppress(OSError):
                if os.readlink(entry.path) == f"socket:[{inode}]":
                    return True
    except OSError:
        pass
    return False


class Endpoint(socketserver.ThreadingMixIn, http.server.HTTPServer):
    """Answers 200, but 503 to those in `blind` (names of nodes, "*" is everybody). `cluster` knows their processes."""
    daemon_threads, request_queue_size, allow_reuse_address = True, 128, True

    class Handler(http.server.BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.0"

        def do_GET(self):  # pylint: disable=invalid-name
            who = self.server.who(self.client_address[1])
            self.server.asked.add(who)
            self.send_response(503 if {"*", who} & self.server.blind else 200)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_):
            pass

    def __init__(self, cluster, address):
        super().__init__((address, kit.WEB_PORT), self.Handler)
        self.cluster, self.blind, self.asked = cluster, set(), set()
        self.thread = threading.Thread(target=self.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
        self.thread.start()

    def handle_error(self, request, client_address):
        pass

    def who(self, port):
        inode = find_inode(port, self.server_address)
        if inode is not None:
            for name, server in list(self.cluster.servers.items()):
                if server.process is not None and owns(server.process.pid, inode):
                    return name
        return "?"

    def close(self):
        self.shutdown()
        self.server_close()


class Wire:
    """From one node to another: what is said on it arrives, in both directions, but while it is cut, when nothing does, nor
    does anybody learn that."""

    def __init__(self, to):
        self.to, self.is_cut, self.ends = to, False, False
        self.listener = socket.create_server((kit.new_address(), 0))
        self.at = self.listener.getsockname()
        self.threads = [threading.Thread(target=self.accept, daemon=True)]
        self.threads[0].start()

    def accept(self):
        while not self.ends:
            if select.select([self.listener], [], [], 0.05)[0]:
                thread = threading.Thread(target=self.carry, args=(self.listener.accept()[0],), daemon=True)
                self.threads.append(thread)
                thread.start()

    def carry(self, near):
        far = None
        with contextlib.suppress(OSError), near:
            while self.is_cut and not self.ends:
                select.select([], [], [], 0.05)
            with socket.create_connection(self.to) as far:
                for end in (near, far):
                    end.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                while not self.ends:
                    for end in select.select([] if self.is_cut else [near, far], [], [], 0.05)[0]:
                        octets = end.recv(65536)
                        if not octets:
                            return
                        (far if end is near else near).sendall(octets)

    def close(self):
        self.ends = True
        for thread in self.threads:
            thread.join()
        self.listener.close()


class Cluster:
    """`count` nodes, ns1 and so on, with one region each for `US` and `EU`; www prefers the first."""

    def __init__(self, stack, count, vantages=None, **check):
        self.stack, self.servers, self.sites, self.places, self.wires = stack, {}, {}, {}, {}
        self.us, self.eu = kit.new_address(), kit.new_address()
        self.endpoints = {}
        for name in ("us", "eu"):
            self.endpoints[name] = Endpoint(self, getattr(self, name))
            stack.callback(self.endpoints[name].close)
        for i in range(1, count + 1):
            self.make(f"ns{i}", {"expires": "2s", "heartbeat": "200ms", **(vantages or {})}, check)
        self.fingerprints = {name: self.make_key(name) for name in self.sites}
        for name in self.sites:
            self.introduce(name)

    def make(self, name, vantages, check):
        site = self.stack.enter_context(kit.new_site())
        site.server.update({"vantages": vantages, "start_wait": "1ms"})
        site.topology = {
            "regions": {"us": {"azs": {"us-a": {}}}, "eu": {"azs": {"eu-a": {}}}},
            "checks": {"web": {"type": "http", "port": kit.WEB_PORT, "path": "/", "interval": "1s", "recheck": "100ms", "fall": 2, "rise": 2,
                               **check}},
            "endpoints": {"web-us": {"az": "us-a", "addresses": [self.us], "checks": ["web"]},
                          "web-eu": {"az": "eu-a", "addresses": [self.eu], "checks": ["web"]}},
        }
        site.zone("example.com", "")
        site.policy("example.com", {"www": {"ttl": 5, "endpoints": ["web-*"], "tiers": [["us"], ["eu"]]}})
        address = kit.new_address()
        self.sites[name], self.places[name] = site, (address, kit.find_port(address))

    def make_key(self, name):
        """As the first start does; the others have to know it before."""
        site = self.sites[name]
        site.server["cluster"] = {"name": "test", "node": name, "listen": ["%s:%d" % self.places[name]]}
        server = site.start()
        fingerprint = server.get("/v1/vantages")["fingerprint"]
        assert fingerprint in server.ctl("vantages").stdout
        server.stop()
        return fingerprint

    def wire(self):
        """From now on nodes reach each other by wires that can be cut: (from, to) -> Wire."""
        self.wires = {(one, other): Wire(self.places[other]) for one in self.sites for other in self.sites if one != other}
        for wire in self.wires.values():
            self.stack.callback(wire.close)
        for name in self.sites:
            self.introduce(name)
        return self

    def cut(self, is_cut, *pairs):
        for pair in pairs:
            self.wires[pair].is_cut = is_cut

    def introduce(self, name, others=None):
        at = {other: self.wires[name, other].at if self.wires else self.places[other] for other in self.sites if other != name}
        self.sites[name].server["cluster"]["peers"] = {
            other: {"at": "%s:%d" % at[other], "fingerprint": self.fingerprints[other]}
            for other in (self.sites if others is None else others) if other != name}
        self.sites[name].write()

    def start(self, *names):
        for name in names or self.sites:
            if name in self.servers:
                self.servers[name].start()
            else:
                self.servers[name] = self.sites[name].start()
        return self

    # ---- looking ----

    def row(self, name, other):
        return self.servers[name].get(f"/v1/vantages/node:{other}")

    def knows(self, name, other, both=True):
        """It is told by the other one, has its opinions of both endpoints, and tells it."""
        row = self.row(name, other)
        return (row["state"] == "connected" and row["opinions"]["count"] and row["opinions"]["up"] + row["opinions"]["down"] == 2 and
                (not both or row["node"]["state"] == "connected"))

    def wait_whole(self, *names):
        """All of these know each other."""
        names = names or tuple(self.sites)
        for name in names:
            for other in names:
                if other != name:
                    try:
                        self.servers[name].wait(lambda n=name, o=other: self.knows(n, o), f"{name} knows {other}")
                    except AssertionError as error:
                        raise AssertionError(f"{error}\n{self.row(name, other)}") from None

    def opinion(self, name, other, region):
        """What `name` counts of `other` ("local": of itself)."""
        rows = self.servers[name].get(f"/v1/checks?endpoint=web-{region}")["items"]
        vantage = other if other == "local" else f"node:{other}"
        return next((opinion["verdict"] for opinion in rows[0]["judgement"]["opinions"] if opinion["vantage"] == vantage), None)

    def see(self, region, *blind):
        """From now on these nodes find that region down, and all others up."""
        self.endpoints[region].blind = set(blind)

    def wait_opinion(self, region, other, verdict, *names):
        """All of these (default: all that run) count that of the other."""
        for name in names or self.servers:
            who = "local" if name == other else other
            self.servers[name].wait(lambda n=name, w=who: self.opinion(n, w, region) == verdict, f"{name} has that {other} says {verdict} of {region}")

    def wait_healthy(self):
        """Both places, as all judge them."""
        for server in self.servers.values():
            for place in ("us", "eu"):
                server.wait_state("endpoint", f"web-{place}", observed="healthy")
                server.wait_state("region", place, observed="healthy")

    def wait_answers(self, region, *names):
        for name in names or self.servers:
            self.servers[name].wait_answers("www.example.com", [getattr(self, region)])

    def since(self, *names):
        """When what was told of each place became so: the same later on means that nothing has flipped in between."""
        return {name: [(kind, place, self.servers[name].get(f"/v1/{kind}/{place}")["since"])
                       for kind, place in (("endpoints", "web-us"), ("endpoints", "web-eu"), ("regions", "us"), ("regions", "eu"))]
                for name in names or self.servers}


@contextlib.contextmanager
def new_cluster(count, **how):
    with contextlib.ExitStack() as stack:
        yield Cluster(stack, count, **how)
