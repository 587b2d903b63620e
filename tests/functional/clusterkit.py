# SPDX-License-Identifier: BSD-3-Clause
"""A cluster of real steerds with a real etcd: sites of the same topology and zones, each a node of its own name."""
import contextlib
import re
import socket
import threading

import etcdkit
import kit

CLUSTER = "prod"


class Cluster:
    """nodes: name -> kit.Server."""

    def __init__(self, stack, count=3, etcd=None, has_links=False, **options):
        self.stack, self.etcd, self.options = stack, etcd or stack.enter_context(etcdkit.Etcd()), options
        self.sites, self.nodes = {}, {}
        self.at, self.has_links = None, has_links
        for number in range(1, count + 1):
            self.add(f"ns{number}")

    def add(self, name):
        site = self.stack.enter_context(kit.new_site())
        if self.at is None:
            self.at = kit.make_regions(site)
            self.topology = site.topology
            self.topology["checks"]["web"] = {"type": "push", "ttl": "10m"}
            site.web_processes = []
        site.topology = self.topology
        site.zone("example.com", "www 60 IN A 192.0.2.99\n")
        site.policy("example.com", {"www": {"ttl": 5, "endpoints": ["web-*"], "tiers": [["us-east"], ["eu-west"]], "fallback": "static"}})
        site.server["cluster"] = {"name": CLUSTER, "node": name, "etcd": self.etcd.urls, "acknowledge": "all", **self.options}
        if self.has_links:
            address = kit.new_address()
            site.server["cluster"]["listen"] = [f"{address}:{kit.find_port(address)}"]
        self.sites[name] = site
        return site

    def start(self, *names):
        for name in names or self.sites:
            self.nodes[name] = self.sites[name].start()
        for name in names or self.sites:
            self.wait_phase(name, "following")
        return self

    def wait_phase(self, name, phase):
        node = self.nodes[name]
        node.wait(lambda: node.get("/v1/cluster")["phase"] == phase, f"{name} is {phase}")

    def wait_fresh(self):
        """Until each hears all that run."""
        names = {name for name, node in self.nodes.items() if node.process.poll() is None}
        for name in names:
            node = self.nodes[name]
            node.wait(lambda node=node: {item["name"] for item in node.get("/v1/nodes")["items"] if item["fresh"]} >= names, f"{name} hears {names}")
        return self

    def report_all(self, state="up"):
        """Of each endpoint, to each node: without peers none hears what another one was told."""
        for node in self.nodes.values():
            for endpoint in self.topology["endpoints"]:
                assert node.request("POST", "/v1/report", {"endpoint": endpoint, "check": "web", "state": state}).status == 200
                node.wait_state("endpoint", endpoint, observed="healthy" if state == "up" else "unhealthy")

    def list(self):
        return [self.nodes[name] for name in sorted(self.nodes)]

    def wait_same(self):
        """Until all that run have applied the same, and count everything as the same."""
        for name, node in self.nodes.items():
            if node.process.poll() is None:
                node.wait(lambda node=node: all(item["behind"] == 0 and item["same_health"] for item in node.get("/v1/nodes")["items"] if item["fresh"]),
                          f"{name} finds all the same")


class Link:
    """A node's way to an etcd. freeze_at: octets at which nothing passes any more, as on a line that was cut, until thaw(); what was under
    way by then is lost."""

    def __init__(self, url):
        host, port = re.fullmatch(r"http://(.*):(\d+)", url).groups()
        self.to, self.address = (host, int(port)), kit.new_address()
        self.door = socket.create_server((self.address, 0))
        self.url = f"http://{self.address}:{self.door.getsockname()[1]}"
        self.freeze_at, self.frozen, self.pairs, self.refuses = None, threading.Event(), [], False
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self):
        while True:
            try:
                near, _ = self.door.accept()
            except OSError:
                return
            if self.refuses:
                near.close()
                continue
            try:
                far = socket.create_connection(self.to)
            except OSError:
                near.close()
                continue
            self.pairs.append((near, far))
            threading.Thread(target=self.carry, args=(near, far, True), daemon=True).start()
            threading.Thread(target=self.carry, args=(far, near, False), daemon=True).start()

    def carry(self, source, target, is_request):
        seen = b""
        try:
            while data := source.recv(65536):
                seen = (seen + data)[-70000:]
                if is_request and self.freeze_at is not None and self.freeze_at in seen:
                    self.frozen.set()
                if self.frozen.is_set():
                    return
                target.sendall(data)
        except OSError:
            pass
        if not self.frozen.is_set():
            for end in source, target:
                try:
                    end.shutdown(socket.SHUT_RDWR)
                except OSError:
                    pass

    def refuse(self):
        """There is nobody any more, until thaw()."""
        self.refuses = True
        self.drop()

    def thaw(self):
        self.freeze_at, self.refuses = None, False
        self.drop()

    def drop(self):
        pairs, self.pairs = self.pairs, []
        self.frozen.clear()
        for pair in pairs:
            for end in pair:
                with contextlib.suppress(OSError):
                    end.shutdown(socket.SHUT_RDWR)
                end.close()

    def close(self):
        self.door.close()
        self.thaw()


@contextlib.contextmanager
def new_cluster(count=3, **options):
    with contextlib.ExitStack() as stack:
        yield Cluster(stack, count, **options)


def desired(node, target="regions/us-east"):
    override = node.get(f"/v1/{target}")["override"]
    return override and override["state"]


def order(node, target, state, **more):
    return node.request("PUT", f"/v1/{target}/override", {"state": state, "reason": "a test", "allow_unserved": True, **more})


def is_problem(reply, status, kind):
    return reply.status == status and reply.json["type"] == f"urn:steerd:problem:{kind}"
