# SPDX-License-Identifier: BSD-3-Clause
"""What nodes of a cluster said of one object while they could not hear each other: the safer one holds until somebody orders
anew; and work that one of them does goes to another one."""
import pytest

import clusterkit
import etcdkit
from clusterkit import desired, order

pytestmark = pytest.mark.skipif(etcdkit.ETCD is None or not etcdkit.PROGRAM.exists(), reason="there is no etcd, or steerd-etcd was not built")


@pytest.fixture
def cluster():
    with clusterkit.new_cluster() as made:
        made.start().wait_fresh()
        yield made


def lose_etcd(cluster):
    cluster.etcd.members[0].kill()
    for name in cluster.nodes:
        cluster.wait_phase(name, "away")


def find_etcd(cluster):
    cluster.etcd.members[0].restart()
    for name, node in cluster.nodes.items():
        cluster.wait_phase(name, "following")
        node.wait(lambda node=node: node.get("/v1/cluster")["pending"] == 0, f"nothing is pending at {name}")


@pytest.mark.parametrize("first, second, holds", [("down", "up", "down"), ("up", "drain", "drain"), ("drain", "down", "down")])
def test_the_safer_one_holds_until_somebody_decides(cluster, first, second, holds):
    one, two, three = cluster.list()
    lose_etcd(cluster)
    assert order(one, "regions/us-east", first, emergency=True).json["cluster"]["provisional"]
    assert order(two, "regions/us-east", second, emergency=True).json["cluster"]["provisional"]
    assert [desired(node) for node in (one, two, three)] == [first, second, None]
    find_etcd(cluster)
    for node in one, two, three:
        node.wait(lambda node=node: desired(node) == holds, f"{holds} holds")
        (item,) = node.wait(lambda node=node: node.get("/v1/cluster/conflicts")["items"], "the conflict is told")
        assert item["id"] == "override:region:us-east"
    (row,) = [line.split() for line in three.ctl("cluster", "conflicts").stdout.splitlines() if "region:us-east" in line]
    said = {"ns1": first, "ns2": second}
    holder, loser = (name for name in sorted(said, key=lambda name: said[name] != holds))
    assert row[1:3] == [holds, holder] and row[3:5] == [said[loser], loser], row
    cluster.wait_same()
    assert order(three, "regions/us-east", "auto").status == 200
    for node in one, two, three:
        assert desired(node) is None
        node.wait(lambda node=node: node.get("/v1/cluster/conflicts")["items"] == [], "the conflict is over")


def test_what_nobody_else_touched_is_no_conflict(cluster):
    one, two, three = cluster.list()
    lose_etcd(cluster)
    for node, target in (one, "azs/us-east-1a"), (two, "azs/eu-west-1a"), (three, "azs/eu-west-1b"):
        assert order(node, target, "drain", emergency=True).status == 200
    find_etcd(cluster)
    for node in one, two, three:
        for target in "azs/us-east-1a", "azs/eu-west-1a", "azs/eu-west-1b":
            node.wait(lambda node=node, target=target: desired(node, target) == "drain", f"{target} is drained")
        assert node.get("/v1/cluster/conflicts")["items"] == []
    cluster.wait_same()


def find_worker(cluster):
    def look():
        for name, node in cluster.nodes.items():
            if node.process.poll() is None and any(item["self"] and item["works"] for item in node.get("/v1/nodes")["items"]):
                return name
        return None
    return cluster.list()[0].wait(look, "somebody works")


def test_a_switchover_goes_on_without_the_node_that_led_it(cluster):
    cluster.report_all()
    worker = find_worker(cluster)
    other = next(node for name, node in cluster.nodes.items() if name != worker)
    reply = other.request("POST", "/v1/switchovers", {"source": ["region:us-east"], "to": "eu-west", "steps": [50], "each": "2s", "execute": True,
                                                       "reason": "a test"})
    assert reply.status in (200, 201), reply
    switchover = reply.json["id"]
    for node in cluster.list():
        assert [item["id"] for item in node.get("/v1/switchovers")["items"]] == [switchover]
    cluster.nodes[worker].kill()
    rest = [node for name, node in cluster.nodes.items() if name != worker]
    for node in rest:
        node.wait(lambda node=node: node.get(f"/v1/switchovers/{switchover}")["state"] == "moved", "it has moved")
        assert desired(node) == "drain"
    assert find_worker(cluster) != worker
