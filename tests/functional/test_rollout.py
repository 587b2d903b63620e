# SPDX-License-Identifier: BSD-3-Clause
"""Bundles of configuration on three real nodes: all go over at once or not at all; who cannot is named, who was not there comes after,
and it does not matter who dies."""
import copy
import json
import os

import pytest

import bundlekit
import etcdkit
from bundlekit import Bundle, own, rollout, wait_ended, wait_served, which
from clusterkit import is_problem

pytestmark = pytest.mark.skipif(etcdkit.ETCD is None or not etcdkit.PROGRAM.exists(), reason="there is no etcd, or steerd-etcd was not built")


def test_all_go_over_and_back(tmp_path):
    with bundlekit.new_cluster() as cluster:
        settings = cluster.sites["ns3"].server["cluster"]
        settings["configuration"] = "files"  # not yet
        one, two, three = cluster.start().wait_fresh().list()
        assert [which(node) for node in (one, two, three)] == [None] * 3
        assert [bool(node.addresses("www.example.com")) for node in (one, two, three)] == [False, False, True]
        first = Bundle(bundlekit.make_files(cluster.topology, "192.0.2.1"))
        assert is_problem(first.activate(one), 404, "not-found")
        first.upload(one)
        assert first.activate(one, reason="x" * 300).status == 422
        assert own(one)["serves"] is None  # an upload is nobody's wish
        first.push(one)
        wait_served(first, "192.0.2.1", one, two)
        three.wait(lambda: rollout(three)["active"] and own(three)["is"] == "none", "it holds it")
        assert own(three)["own_files"] and own(three)["serves"] is None and which(three) is None
        settings["configuration"] = "bundle"
        cluster.sites["ns3"].write()
        assert three.request("POST", "/v1/reload").status == 200
        wait_served(first, "192.0.2.1", three)
        assert first.activate(two).json["changed"] is False
        bad = Bundle(bundlekit.make_files(cluster.topology, "192.0.2.2", **{"zones/example.com.zone": "no zone at all\n"})).push(two)
        last = wait_ended(one, bad, "failed")
        assert last["why"] == "a node cannot take it" and "example.com.zone" in last["nodes"][0]["why"], last
        second = Bundle(bundlekit.make_files(cluster.topology, "192.0.2.2", **{"geo/ballast.bin": bytes(range(256)) * 4096}))
        done = three.ctl("push", second.write(tmp_path), "--yes", "--reason", "a test")
        assert all(f"{name}          serves it" in done.stdout for name in cluster.nodes), done.stdout
        wait_served(second, "192.0.2.2", one, two, three)
        assert second.id[:12] in two.ctl("nodes").stdout
        assert rollout(three)["before"] == first.id and rollout(three)["active"]["reason"] == "a test"
        three.stop()  # and what is there stays
        three.start()
        assert own(three)["serves"] == second.id and which(three) == "192.0.2.2"
        cluster.wait_phase("ns3", "following")
        done = three.ctl("bundles", "activate", first.id[:8], "--reason", "back")
        assert "active" in done.stdout, done.stdout
        wait_served(first, "192.0.2.1", one, two, three)
        entries = [item for item in two.get("/v1/journal?kind=bundle")["items"] if item["after"]["active"]]
        assert entries[0]["reason"] == "back" and entries[0]["after"]["active"]["id"] == first.id
        metrics = two.request("GET", "/metrics").body.decode()
        assert "steerd_bundle_active_here 1\n" in metrics and "steerd_bundle_nodes_serving 3\n" in metrics
        assert 'steerd_bundle_rollouts_total{result="active"} 3\n' in metrics and 'steerd_bundle_rollouts_total{result="failed"} 1\n' in metrics


def test_one_cannot(tmp_path):
    """The disk of ns3 takes no more than two megabytes."""
    with bundlekit.new_cluster() as cluster:
        cluster.sites["ns3"].launcher = ["prlimit", "--fsize=2000000"]
        one, two, three = cluster.start().wait_fresh().list()
        first = Bundle(bundlekit.make_files(cluster.topology, "192.0.2.1")).push(one)
        wait_served(first, "192.0.2.1", one, two, three)
        large = Bundle(bundlekit.make_files(cluster.topology, "192.0.2.2", **{"geo/ballast.bin": bytes(3 << 20)}))
        done = one.ctl("push", large.write(tmp_path), "--yes", "--reason", "a test", code=1)
        assert "a node cannot take it" in done.stderr and "ns3: " in done.stderr and "File too large" in done.stderr, done.stderr
        last = wait_ended(two, large, "failed")
        assert [item["name"] for item in last["nodes"]] == ["ns3"], last
        assert [which(node) for node in (one, two, three)] == ["192.0.2.1"] * 3
        cluster.sites["ns1"].server["cluster"]["activate"] = "majority"
        cluster.sites["ns1"].write()
        assert one.request("POST", "/v1/reload").status == 200
        done = one.ctl("bundles", "activate", large.id, "--reason", "most are enough", code=1)
        assert "not on all nodes" in done.stderr and "ns3" in done.stderr, done.stderr
        last = wait_ended(three, large, "active")
        assert [item["name"] for item in last["nodes"]] == ["ns3"], last
        wait_served(large, "192.0.2.2", one, two)
        assert own(three)["serves"] == first.id and own(three)["is"] == "failed" and which(three) == "192.0.2.1"
        three.kill()  # its disk is exchanged
        cluster.sites["ns3"].launcher = []
        cluster.nodes["ns3"] = three = cluster.sites["ns3"].start()
        wait_served(large, "192.0.2.2", three)


def test_safety_rules_are_asked(tmp_path):
    """Of the order, at the node that is told; others do what was ordered."""
    with bundlekit.new_cluster() as cluster:
        one, two, three = cluster.start().wait_fresh().list()
        topology = {**cluster.topology, "rules": {"two": {"type": "serving", "at_least": 2}}}
        first = Bundle(bundlekit.make_files(topology, "192.0.2.1")).push(one)
        wait_served(first, "192.0.2.1", one, two, three)
        idle = {name: {**endpoint, "weight": 0} for name, endpoint in topology["endpoints"].items() if endpoint["az"].startswith("us-east")}
        assert idle
        policy = {"names": {"www": {"ttl": 5, "endpoints": ["web-*"], "fallback": "static"}}}
        more = {"zones/example.com.json": json.dumps(policy)}
        second = Bundle(bundlekit.make_files({**topology, "endpoints": {**topology["endpoints"], **idle}}, "192.0.2.2", **more)).upload(two)
        told = two.request("POST", f"/v1/bundles/{second.id}:check").json
        assert [rule["rule"] for rule in told["rules"]] == ["two"]
        reply = second.activate(two)
        assert is_problem(reply, 409, "rules") and reply.json["errors"][0]["rule"] == "two" and rollout(two)["next"] is None
        dry = two.request("POST", f"/v1/bundles/{second.id}:activate?dry_run=true", {"reason": "x"}).json
        assert [rule["rule"] for rule in dry["rules"]] == ["two"]
        done = two.ctl("push", second.write(tmp_path), "--yes", "--reason", "x", code=1)
        assert "--override-rule two" in done.stderr, done.stderr
        two.ctl("push", str(tmp_path), "--yes", "--reason", "they are old", "--override-rule", "two")
        wait_served(second, "192.0.2.2", one, two, three)
        requests = [item["request"] for node in (one, two, three) for item in node.get("/v1/journal?kind=bundle")["items"]]
        assert f"POST /v1/bundles/{second.id}:activate?override_rules=two" in requests, requests
        assert first.activate(three).status == 200, "what gives back"
        wait_served(first, "192.0.2.1", one, two, three)


def test_who_decides_dies_and_who_was_away_comes_after():
    with bundlekit.new_cluster() as cluster:
        nodes = cluster.start().wait_fresh().nodes
        first = Bundle(bundlekit.make_files(cluster.topology, "192.0.2.1")).push(nodes["ns1"])
        wait_served(first, "192.0.2.1", *cluster.list())
        leader = next(item["name"] for item in nodes["ns1"].get("/v1/nodes")["items"] if item["works"])
        here, there = (nodes[name] for name in nodes if name != leader)
        second = Bundle(bundlekit.make_files(cluster.topology, "192.0.2.2")).upload(here)
        nodes[leader].process.send_signal(19)  # it decides nothing any more, and has the work
        assert second.activate(here).status == 200

        def wait_ready():
            here.wait(lambda: all(own(node)["is"] == "ready" for node in (here, there)), "both are ready")
        wait_ready()
        assert there.request("POST", "/v1/bundles:cancel", {"reason": "wait"}).status == 200
        assert wait_ended(here, second, "cancelled")["why"] == "called off: wait"
        here.wait(lambda: own(here)["is"] == "none", "it holds nothing")
        assert second.activate(there).status == 200
        wait_ready()
        assert there.request("POST", "/v1/reload").status == 200  # what is held is of no use any more
        wait_ready()
        assert [which(node) for node in (here, there)] == ["192.0.2.1"] * 2
        nodes[leader].kill()
        assert [item["name"] for item in wait_ended(there, second, "active")["nodes"]] == [leader]
        wait_served(second, "192.0.2.2", here, there)
        cluster.etcd.members[0].kill()
        cluster.nodes[leader] = late = cluster.sites[leader].start()
        assert own(late)["serves"] == first.id  # by its own store, as nobody can say otherwise
        assert is_problem(first.activate(here), 503, "cluster-unreachable")
        assert which(here) == "192.0.2.2"
        cluster.etcd.members[0].restart()
        wait_served(second, "192.0.2.2", late)


def test_a_push_that_was_broken_off_is_made_elsewhere(tmp_path):
    """ns2 has half of it, and fetches it when nobody brought anything for ten seconds; who goes on there later finds that nothing is
    missing."""
    with bundlekit.new_cluster() as cluster:
        one, two, three = cluster.start().wait_fresh().list()
        first = Bundle(bundlekit.make_files(cluster.topology, "192.0.2.1")).push(one)
        wait_served(first, "192.0.2.1", one, two, three)
        ballast = bytes(range(256)) * (5 * bundlekit.BLOCK // 256)
        second = Bundle(bundlekit.make_files(cluster.topology, "192.0.2.2", **{"geo/ballast.bin": ballast}))
        missing = [block for begin, end in second.begin(two) for block in range(begin, end + 1)]
        for block in missing[::2]:
            second.put_block(two, block)
        left = two.get(f"/v1/bundles/{second.id}")
        assert left["state"] == "coming" and left["missing_blocks"] > 0, left
        assert [is_problem(second.activate(node), 404, "not-found") for node in (one, two)] == [True] * 2
        assert "or not all of it: steerctl push goes on" in second.activate(two).json["detail"]
        done = one.ctl("push", second.write(tmp_path), "--yes", "--reason", "the other line broke")
        assert "ns2" in done.stdout, done.stdout
        wait_served(second, "192.0.2.2", one, two, three)
        whole = two.get(f"/v1/bundles/{second.id}")
        assert (whole["state"], whole["missing_blocks"], whole["damaged"], second.begin(two)) == ("here", 0, None, [])
        assert second.activate(two).json["changed"] is False
        assert [item["id"] for node in (one, two, three) for item in node.get("/v1/bundles")["items"]].count(second.id) == 3


def test_the_role_of_whoever_activates_travels_with_the_order():
    """ns1 has the command in its own files already, so nothing is new there; it is new for the others."""
    with bundlekit.new_cluster(count=2) as cluster:
        mine = cluster.sites["ns1"]
        mine.topology = copy.deepcopy(cluster.topology)
        mine.topology["checks"]["new"] = {"type": "exec", "command": ["/bin/true"]}
        mine.server["cluster"]["configuration"] = "files"
        mine.server["admin"]["socket_roles"] = {f"uid:{os.getuid()}": "editor"}
        one, two = cluster.start().wait_fresh().list()

        def use(role):
            mine.server["admin"]["socket_roles"] = {f"uid:{os.getuid()}": role}
            mine.write()
            offset = len(one.read_log())
            os.kill(one.process.pid, 1)
            one.wait_log("reload", "result=ok", offset=offset)
        first = Bundle(bundlekit.make_files(mine.topology, "192.0.2.1")).push(one)
        assert rollout(one)["next"]["role"] == "editor"
        last = wait_ended(one, first, "failed")
        assert last["nodes"][0]["name"] == "ns2" and "found a new exec check" in last["nodes"][0]["why"], last
        use("admin")
        assert first.activate(one).json["changed"]
        wait_served(first, "192.0.2.1", two)
        assert rollout(two)["active"]["role"] == "admin"
        mine.server["cluster"]["configuration"] = "bundle"
        use("editor")
        wait_served(first, "192.0.2.1", one)
        second = Bundle(bundlekit.make_files(mine.topology, "192.0.2.2")).push(one)
        wait_served(second, "192.0.2.2", one, two)
        assert rollout(two)["active"]["role"] == "admin"  # it has no other commands than the one before, which an admin brought
        cluster.add("ns3")
        late = cluster.start("ns3").nodes["ns3"]  # which has no commands of its own
        wait_served(second, "192.0.2.2", late)


@pytest.mark.parametrize("kind", [{"type": "exec", "command": ["/bin/true"]}, {"type": "file", "file": "/etc/hostname"}], ids=["exec", "file"])
def test_a_node_that_rules_commands_out_takes_none_from_others(kind):
    with bundlekit.new_cluster(activate="majority") as cluster:
        cluster.sites["ns3"].server["commands"] = "never"
        one, two, three = cluster.start().wait_fresh().list()
        topology = copy.deepcopy(cluster.topology)
        topology["checks"]["new"] = kind
        bundle = Bundle(bundlekit.make_files(topology, "192.0.2.1")).upload(three)
        checked = three.request("POST", f"/v1/bundles/{bundle.id}:check")
        assert checked.status == 422 and "\"commands\": \"never\"" in checked.json["errors"][0]["message"], checked
        bundle.push(one)
        last = wait_ended(one, bundle, "active")
        assert [node["name"] for node in last["nodes"]] == ["ns3"] and "\"commands\": \"never\"" in last["nodes"][0]["why"], last
        wait_served(bundle, "192.0.2.1", one, two)
        three.wait(lambda: own(three)["is"] == "failed", "it cannot take it")
        assert own(three)["serves"] is None and which(three) is None
        three.stop()
        three.start()
        cluster.wait_phase("ns3", "following")
        three.wait(lambda: own(three)["is"] == "failed", "nor after a start")
        assert own(three)["serves"] is None and which(three) is None


def test_what_a_node_may_not_take_it_does_not_begin_with():
    """Most nodes have the command already; the one that has not takes it neither by a reload nor by a start."""
    with bundlekit.new_cluster(activate="majority") as cluster:
        topology = copy.deepcopy(cluster.topology)
        topology["checks"]["new"] = {"type": "exec", "command": ["/bin/true"]}
        for name in "ns1", "ns3":
            cluster.sites[name].topology = topology
            cluster.sites[name].server["cluster"]["configuration"] = "files"
        cluster.sites["ns1"].server["admin"]["socket_roles"] = {f"uid:{os.getuid()}": "editor"}
        one, two, three = cluster.start().wait_fresh().list()
        bundle = Bundle(bundlekit.make_files(topology, "192.0.2.1")).push(one)
        assert [node["name"] for node in wait_ended(one, bundle, "active")["nodes"]] == ["ns2"]

        def stays():
            two.wait(lambda: own(two)["is"] == "failed" and "found a new exec check" in own(two)["why"], "it cannot take it")
            assert own(two)["serves"] is None and which(two) is None
        stays()
        assert two.request("POST", "/v1/reload").status == 200
        stays()
        two.stop()
        two.start()
        cluster.wait_phase("ns2", "following")
        stays()
        assert bundle.activate(two).json["changed"]  # by an admin
        wait_served(bundle, "192.0.2.1", two)
        two.stop()
        two.start()
        assert own(two)["serves"] == bundle.id and which(two) == "192.0.2.1"
