# SPDX-License-Identifier: BSD-3-Clause
"""Bundles of configuration for nodes of a cluster, as steerctl push makes them: an upload by the API, and what comes of it."""
import hashlib
import json

import clusterkit
import kit

BLOCK = 256 << 10



class Bundle:
    """A tree: path -> text or bytes."""

    def __init__(self, files):
        self.files = {path: text if isinstance(text, bytes) else text.encode() for path, text in files.items()}
        listed = [{"path": path, "size": len(text), "sha256": hashlib.sha256(text).hexdigest()}
                  for path, text in sorted(self.files.items(), key=lambda item: item[0].encode())]
        self.manifest = json.dumps({"version": 1, "files": listed}, separators=(",", ":"), ensure_ascii=False)
        self.id = hashlib.sha256(self.manifest.encode()).hexdigest()
        self.stream = b"".join(self.files[item["path"]] for item in listed)

    def write(self, folder):
        for path, octets in self.files.items():
            (folder / path).parent.mkdir(parents=True, exist_ok=True)
            (folder / path).write_bytes(octets)
        return str(folder)

    def begin(self, node):
        """Returns what is missing: from block to block."""
        reply = node.request("POST", "/v1/bundles", self.manifest)
        assert reply.status == 200, reply
        return reply.json["missing"]

    def put_block(self, node, block):
        octets = self.stream[block * BLOCK:(block + 1) * BLOCK]
        reply = node.request("PUT", f"/v1/bundles/{self.id}/blocks/{block}", octets, {"Content-Type": "application/octet-stream"})
        assert reply.status == 200, reply

    def upload(self, node):
        for first, last in self.begin(node):
            for block in range(first, last + 1):
                self.put_block(node, block)
        node.wait(lambda: node.get(f"/v1/bundles/{self.id}")["state"] == "here", "it is here")
        return self

    def activate(self, node, **body):
        return node.request("POST", f"/v1/bundles/{self.id}:activate", {"reason": "a test", **body})

    def push(self, node):
        reply = self.upload(node).activate(node)
        assert reply.status == 200 and reply.json["changed"], reply
        return self


def make_files(topology, address, **more):
    """Of the cluster's topology, and a zone that says which one it is."""
    zone = f"{kit.SOA}which 60 IN A {address}\nwww 60 IN A 192.0.2.99\n"
    policy = {"names": {"www": {"ttl": 5, "endpoints": ["web-*"], "tiers": [["us-east"], ["eu-west"]], "fallback": "static"}}}
    return {"topology.json": json.dumps(topology), "zones/example.com.zone": zone, "zones/example.com.json": json.dumps(policy), **more}


def new_cluster(**options):
    return clusterkit.new_cluster(has_links=True, configuration="bundle", **options)


def rollout(node):
    return node.get("/v1/bundles")["rollout"]


def own(node):
    return next(item["bundle"] for item in node.get("/v1/nodes")["items"] if item["self"])


def which(node):
    """The address that tells which bundle it answers by; none: it serves no such zone."""
    return (node.addresses("which.example.com") or [None])[0]


def wait_served(bundle, address, *nodes):
    for node in nodes:
        node.wait(lambda node=node: own(node)["serves"] == bundle.id and which(node) == address, f"it serves {bundle.id[:12]}: {own(node)}")


def wait_ended(node, bundle, result):
    def has():
        last = rollout(node)["last"]
        return last and last["id"] == bundle.id and last["result"] == result and rollout(node)["next"] is None and last
    return node.wait(has, f"it ended: {rollout(node)}")
