# SPDX-License-Identifier: BSD-3-Clause
"""Without etcd an emergency goes from node to node: it holds on all that are linked before it is answered, and is one entry when etcd is
back, whoever brings it; and a node that ends in order gives back at once what is its own."""
import json

import pytest

import clusterkit
import etcdkit
import kit
from clusterkit import desired, order
from vantage_client import Ended, Vantage, invite

pytestmark = pytest.mark.skipif(etcdkit.ETCD is None or not etcdkit.PROGRAM.exists(), reason="there is no etcd, or steerd-etcd was not built")
EVERYBODY = ["ns1", "ns2", "ns3"]


@pytest.fixture
def cluster():
    with clusterkit.new_cluster(has_links=True) as made:
        made.start().wait_fresh()
        made.report_all()
        wait_linked(made)
        yield made


def wait_linked(cluster):
    for name, node in cluster.nodes.items():
        for other in cluster.nodes:
            if other != name and node.process.poll() is None and cluster.nodes[other].process.poll() is None:
                node.wait(lambda n=node, o=other: is_linked(n, o), f"{name} and {other} are linked")


def is_linked(node, other):
    row = next((row for row in node.get("/v1/vantages")["items"] if row["name"] == f"node:{other}"), None)
    return row is not None and row["state"] == "connected" and row["node"]["state"] == "connected"


def lose_etcd(cluster):
    for member in cluster.etcd.members:
        member.kill()
    for name, node in cluster.nodes.items():
        if node.process.poll() is None:
            cluster.wait_phase(name, "away")


def find_etcd(cluster):
    for member in cluster.etcd.members:
        member.restart()
    for name, node in cluster.nodes.items():
        cluster.wait_phase(name, "following")
        node.wait(lambda node=node: node.get("/v1/cluster")["pending"] == 0, f"nothing is pending at {name}")
    cluster.wait_same()


def entries(cluster):
    lines = cluster.etcd.ctl("get", "--prefix", "/steerd/prod/entry/", "--print-value-only").splitlines()
    return [json.loads(line) for line in lines if line]


def expect_answers(cluster, region, *names):
    """Of each by itself, at once: it was said to be in force."""
    wanted = {cluster.at[endpoint] for endpoint in cluster.at if region in endpoint}
    for name in names:
        assert set(cluster.nodes[name].sample("www.example.com", 20)) <= wanted, name


def test_it_holds_on_all_before_the_reply(cluster):
    one, two, three = cluster.list()
    lose_etcd(cluster)
    reply = order(one, "regions/us-east", "down", emergency=True)
    assert reply.status == 200, reply
    told = reply.json["cluster"]
    assert (sorted(told["in_force_on"]), told["waiting_for"], told["provisional"], told["seq"]) == (EVERYBODY, [], True, None)
    expect_answers(cluster, "eu-west", *EVERYBODY)
    for node in one, two, three:
        assert desired(node) == "down" and node.get("/v1/cluster")["pending"] == 1
    find_etcd(cluster)
    brought = [entry for entry in entries(cluster) if any(op["key"] == "region:us-east" for op in entry["ops"])]
    assert len(brought) == 1, brought
    for node in one, two, three:
        assert desired(node) == "down" and node.get("/v1/cluster/conflicts")["items"] == []
    expect_answers(cluster, "eu-west", *EVERYBODY)


def test_its_end_goes_the_same_way(cluster):
    one, two, three = cluster.list()
    assert order(two, "regions/us-east", "drain").status == 200
    lose_etcd(cluster)
    reply = two.request("PUT", "/v1/regions/us-east/override", {"state": "auto", "reason": "a test", "emergency": True})
    assert reply.status == 200 and sorted(reply.json["cluster"]["in_force_on"]) == EVERYBODY, reply
    assert [desired(node) for node in (one, two, three)] == [None] * 3
    expect_answers(cluster, "us-east", *EVERYBODY)
    assert order(three, "regions/us-east", "down", emergency=True).json["cluster"]["waiting_for"] == []
    assert order(one, "regions/us-east", "auto", emergency=True).json["cluster"]["waiting_for"] == []  # laid over that of another node
    expect_answers(cluster, "us-east", *EVERYBODY)
    find_etcd(cluster)
    for node in one, two, three:
        assert desired(node) is None and node.get("/v1/cluster/conflicts")["items"] == []
    expect_answers(cluster, "us-east", *EVERYBODY)


def test_all_outlive_their_processes(cluster):
    lose_etcd(cluster)
    assert order(cluster.nodes["ns1"], "regions/us-east", "down", emergency=True).json["cluster"]["waiting_for"] == []
    for node in cluster.list():
        node.kill()
    cluster.nodes["ns2"].start()  # of those that were told one is enough
    assert desired(cluster.nodes["ns2"]) == "down"
    for member in cluster.etcd.members:
        member.restart()
    cluster.nodes["ns3"].start()
    cluster.nodes["ns1"].start()
    find_etcd(cluster)
    assert [desired(node) for node in cluster.list()] == ["down"] * 3
    assert [node.get("/v1/cluster/conflicts")["items"] for node in cluster.list()] == [[]] * 3


def test_one_that_does_not_answer_is_named_and_told_later(cluster):
    one, two, three = cluster.list()
    lose_etcd(cluster)
    three.process.send_signal(kit.signal.SIGSTOP)
    try:
        reply = order(one, "regions/us-east", "down", emergency=True)
        assert sorted(reply.json["cluster"]["in_force_on"]) == ["ns1", "ns2"] and reply.json["cluster"]["waiting_for"] == ["ns3"], reply
    finally:
        three.process.send_signal(kit.signal.SIGCONT)
    three.wait(lambda: desired(three) == "down", "it holds there, too")
    expect_answers(cluster, "eu-west", *EVERYBODY)
    find_etcd(cluster)
    assert [desired(node) for node in (one, two, three)] == ["down"] * 3


def test_of_two_sides_the_safer_one_holds(cluster):
    """ns1 and ns2 never run together before both have been told something else."""
    one, two, three = cluster.list()
    lose_etcd(cluster)
    two.kill()
    assert order(one, "regions/us-east", "down", emergency=True).json["cluster"]["waiting_for"] == ["ns2"]
    one.kill()
    three.kill()
    two.start()
    assert order(two, "regions/us-east", "up", emergency=True).status == 200
    one.start()
    three.start()
    find_etcd(cluster)
    for node in one, two, three:
        node.wait(lambda node=node: desired(node) == "down", "the safer one holds")
        (item,) = node.wait(lambda node=node: node.get("/v1/cluster/conflicts")["items"], "the conflict is told")
        assert item["id"] == "override:region:us-east"
    expect_answers(cluster, "eu-west", *EVERYBODY)


def test_who_alone_is_cut_off_is_heard_by_all():
    """ns1 does not reach etcd, and the others do: they bring what it was told."""
    with clusterkit.new_cluster(has_links=True) as cluster:
        link = clusterkit.Link(cluster.etcd.urls[0])
        cluster.stack.callback(link.close)
        cluster.sites["ns1"].server["cluster"]["etcd"] = [link.url]
        one, two, three = cluster.start().wait_fresh().list()
        wait_linked(cluster)
        link.refuse()
        cluster.wait_phase("ns1", "away")
        reply = order(one, "regions/us-east", "down", emergency=True)
        assert reply.status == 200 and sorted(reply.json["cluster"]["in_force_on"]) == EVERYBODY, reply
        assert [desired(node) for node in (one, two, three)] == ["down"] * 3
        for node in two, three:
            node.wait(lambda node=node: node.get("/v1/cluster")["pending"] == 0, "it is an entry")
        assert order(two, "regions/us-east", "auto").status == 200
        link.thaw()
        cluster.wait_phase("ns1", "following")
        one.wait(lambda: one.get("/v1/cluster")["pending"] == 0, "nothing is pending")
        cluster.wait_same()
        assert [desired(node) for node in (one, two, three)] == [None] * 3
        assert [node.get("/v1/cluster/conflicts")["items"] for node in (one, two, three)] == [[]] * 3


ORDER = {"at": None, "over": [], "entry": {}}


def test_who_is_no_node_may_not_say_what_holds(cluster):
    one = cluster.nodes["ns1"]
    token = invite(one, "a-vantage")
    address, port = cluster.sites["ns1"].server["cluster"]["listen"][0].rsplit(":", 1)
    one.vantages_at = (address, int(port))
    stranger = Vantage(one.site.folder, one, "a-vantage")
    stranger.enrol(token)
    stranger.hello()
    stranger.say("order", mark="feedbeef01234567", text=json.dumps(ORDER))
    assert "only nodes" in stranger.hear("holds")["why"]
    assert desired(one) is None and one.get("/v1/cluster")["pending"] == 0


def test_what_a_node_says_is_read_strictly(cluster):
    """Somebody has the key of ns2: what is no order changes nothing, and what is one holds."""
    one, two, _ = cluster.list()
    lose_etcd(cluster)
    assert order(two, "regions/us-east", "drain", emergency=True).json["cluster"]["waiting_for"] == []
    two.kill()
    address, port = cluster.sites["ns1"].server["cluster"]["listen"][0].rsplit(":", 1)
    one.vantages_at = (address, int(port))
    node = Vantage(one.site.folder, one, "ns2")
    node.pem = next(two.site.folder.rglob("vantages.pem"))
    node.hello()
    good = {"v": 1, "seq": 1}
    for text in ("", "[]", "{", "\u0001", json.dumps(ORDER), json.dumps({**ORDER, "entry": good}), "x" * 90000, json.dumps({"at": {"seq": -1}, "entry": 7})):
        node.say("order", mark="feedbeef01234567", text=text)
        assert node.hear("holds")["why"] != "", text
    assert one.get("/v1/cluster")["pending"] == 1 and desired(one) == "drain"
    node.say("order", mark="feedbeef01234567", text="x" * 200000)  # more than there can be: what it says cannot be understood
    with pytest.raises((Ended, AssertionError, OSError)):
        node.hear("holds")
    assert one.get("/v1/cluster")["pending"] == 1 and one.process.poll() is None


def holder(cluster, key):
    lines = cluster.etcd.ctl("get", f"/steerd/prod/{key}", "--print-value-only").splitlines()
    return json.loads(lines[0])["node"] if lines and lines[0] else None


def test_who_ends_in_order_gives_back_what_it_has(cluster):
    """At once: nobody waits for leases."""
    for _ in range(4):
        cluster.list()[0].wait(lambda: holder(cluster, "work") is not None, "somebody works")
        worker = holder(cluster, "work")
        assert holder(cluster, f"claim/{worker}") == worker
        cluster.nodes[worker].stop()
        assert holder(cluster, "work") != worker
        assert holder(cluster, f"claim/{worker}") is None
        cluster.nodes[worker].start()
        cluster.wait_phase(worker, "following")
