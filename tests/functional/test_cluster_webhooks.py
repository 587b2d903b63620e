# SPDX-License-Identifier: BSD-3-Clause
"""What all nodes of a cluster see is told to a receiver once, by the node that works, and by the next one when that dies in between;
without etcd by each."""
import json
import os

import pytest

import clusterkit
import etcdkit
import kit
from receivers import SECRET, Receiver

POST = kit.STEERD.parent / "steerd-post"
pytestmark = pytest.mark.skipif(etcdkit.ETCD is None or not etcdkit.PROGRAM.exists() or not os.access(POST, os.X_OK),
                                reason="there is no etcd, or steerd-etcd or steerd-post was not built")
REGION = "region:us-east"


@pytest.fixture
def scene():
    receiver = Receiver()
    with clusterkit.new_cluster() as cluster:
        for site in cluster.sites.values():
            (site.folder / "secret").write_text(SECRET + "\n")
            (site.folder / "secret").chmod(0o600)
            site.server["webhooks"] = [{"name": "ops", "url": receiver.url, "secret_file": "secret", "kinds": ["health"], "timeout": "5s"}]
        cluster.start().wait_fresh()
        cluster.report_all()
        kit.wait_for(lambda: holder(cluster) is not None, "somebody works")
        cluster.receiver = receiver
        yield cluster
    receiver.close()


def holder(cluster):
    lines = cluster.etcd.ctl("get", "/steerd/prod/work", "--print-value-only").splitlines()
    return json.loads(lines[0])["node"] if lines and lines[0] else None


def batches(cluster):
    """Each ID once, as receivers do."""
    seen = {}
    for request in list(cluster.receiver.requests):
        if request["mode"] == "take":
            seen.setdefault(request["headers"]["Steerd-Id"], request["body"])
    return list(seen.values())


def transitions(cluster, name=REGION):
    return [(event["body"]["effective_was"], event["body"]["effective"]) for batch in batches(cluster) for event in batch["events"]
            if event["name"] == name and event["body"].get("effective") != event["body"].get("effective_was") and event["body"].get("effective_was") != "unknown"]


def report(cluster, state, *names):
    for name in names or cluster.nodes:
        node = cluster.nodes[name]
        for endpoint in cluster.topology["endpoints"]:
            if "us-east" in endpoint:
                assert node.request("POST", "/v1/report", {"endpoint": endpoint, "check": "web", "state": state}).status == 200


def mark(cluster, number):
    """An event that comes behind all before, of all nodes: what was told by then is all that is told."""
    for name, node in cluster.nodes.items():
        if node.process.poll() is None:
            for state in ("down", "up"):
                assert node.request("POST", "/v1/report", {"endpoint": "web-eu-west-1a", "check": "web", "state": state}).status == 200
                node.wait_state("endpoint", "web-eu-west-1a", observed="unhealthy" if state == "down" else "healthy")
    kit.wait_for(lambda: len(transitions(cluster, "endpoint:web-eu-west-1a")) >= 2 * number, "the mark is told")


def test_each_is_told_once(scene):
    for number in range(1, 3):
        report(scene, "down")
        kit.wait_for(lambda n=number: len(transitions(scene)) >= 2 * n - 1, "the loss is told")
        report(scene, "up")
        kit.wait_for(lambda n=number: len(transitions(scene)) >= 2 * n, "that it is back is told")
    mark(scene, 1)
    told = transitions(scene)
    assert len(told) == 4 and told[0] == told[2] and told[1] == told[3] and told[0] != told[1], told
    assert len(transitions(scene, "endpoint:web-eu-west-1a")) == 2
    assert len(scene.receiver.requests) == len(batches(scene)), "nothing was sent twice"


def test_the_next_one_tells_what_the_first_one_could_not(scene):
    """The one that works is killed when it sees the loss: whatever it had done by then, the receiver has it once."""
    for _ in range(2):
        before = len(transitions(scene))
        worker = holder(scene)
        report(scene, "down")
        scene.nodes[worker].kill()
        kit.wait_for(lambda: len(transitions(scene)) > before, "the loss is told")
        kit.wait_for(lambda: holder(scene) not in (None, worker), "another one works")
        scene.nodes[worker].start()
        scene.wait_phase(worker, "following")
        scene.report_all()
        kit.wait_for(lambda: len(transitions(scene)) >= before + 2, "that it is back is told")
        told = transitions(scene)[before:]
        assert len(told) == 2 and told[0] != told[1], told


def test_a_receiver_that_is_away_is_told_by_the_next_one(scene):
    scene.receiver.mode = "503"
    worker = holder(scene)
    report(scene, "down")
    kit.wait_for(lambda: any(request["mode"] == "503" for request in scene.receiver.requests), "it was tried")
    scene.nodes[worker].kill()
    scene.receiver.mode = "take"
    kit.wait_for(lambda: transitions(scene), "the loss is told")
    assert len(transitions(scene)) == 1


def test_without_etcd_each_tells(scene):
    scene.etcd.members[0].kill()
    for name in scene.nodes:
        scene.wait_phase(name, "away")
    report(scene, "down")
    kit.wait_for(lambda: len(transitions(scene)) >= 3, "each has told")
    assert len({batch["id"] for batch in batches(scene)}) >= 3
