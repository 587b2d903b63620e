# SPDX-License-Identifier: BSD-3-Clause
"""A challenge that one node is told of is answered by all when steerctl returns, ends on all, and is an entry of all nodes' history."""
import threading

import pytest

import clusterkit
import etcdkit
from test_acme import NAME, ONE, TWO, put, texts

pytestmark = pytest.mark.skipif(etcdkit.ETCD is None or not etcdkit.PROGRAM.exists(), reason="there is no etcd, or steerd-etcd was not built")


@pytest.fixture(scope="module")
def cluster():
    """A reply comes when one more than half of the nodes have it: steerctl waits for the others."""
    with clusterkit.new_cluster(3, acknowledge="majority") as made:
        made.start().wait_fresh()
        yield made


def test_all_nodes_answer_it(cluster):
    for round_ in range(5):
        for node in cluster.list():
            value = f"{round_}{node.site.listen[0][1]:05}" + 37 * node.site.listen[0][0][-1]
            done = node.ctl("acme", "set", "www.example.com", value)
            assert all(value in texts(other) for other in cluster.list()), done
            assert "in force on" in done.stdout and "not known" not in done.stderr
            node.ctl("acme", "clear", "www.example.com", value)
            assert not any(value in texts(other) for other in cluster.list())


def test_two_nodes_are_told_at_once(cluster):
    """Of two values of one name: each is an object by itself, so none takes the other's place."""
    one, two, _ = cluster.list()
    threads = [threading.Thread(target=put, args=(node,), kwargs={"value": value}) for node, value in ((one, ONE), (two, TWO))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for node in cluster.list():
        node.wait(lambda node=node: texts(node) == sorted([ONE, TWO]), "both are answered")
    one.ctl("acme", "clear", "www.example.com")
    assert [texts(node) for node in cluster.list()] == [[], [], []]


def test_it_ends_on_all_nodes_and_once(cluster):
    one, two, _ = cluster.list()
    put(two, value=TWO, expires_in="1h")
    reply = put(one, expires_in="1s")
    assert reply["cluster"]["seq"] and "ns1" in reply["cluster"]["in_force_on"]
    for node in cluster.list():
        node.wait(lambda node=node: texts(node) == [TWO], "it has ended")
    for node in cluster.list():
        node.wait(lambda node=node: node.get("/v1/journal?kind=challenge&order=newest&limit=1")["items"][0]["after"] is None, "the store forgets it")
    gone = [len([entry for entry in node.get("/v1/journal?kind=challenge&limit=1000")["items"] if entry["key"] == f"{NAME}./{ONE}" and entry["reason"] == "its time is over"])
            for node in cluster.list()]
    assert gone == [1, 1, 1]
    assert cluster.etcd.ctl("get", "--prefix", "--keys-only", "/steerd/prod/object/challenge/").split() == [f"/steerd/prod/object/challenge/{NAME}./{TWO}"]
    two.kill()
    one.ctl("acme", "set", "www.example.com", ONE)
    two.start()
    two.wait(lambda: texts(two) == sorted([ONE, TWO]), "what it had, and what it missed")
    cluster.wait_phase("ns2", "following")


def test_without_etcd_it_is_refused(cluster):
    one, _, three = cluster.list()
    put(one, value=TWO, expires_in="1h")
    for member in cluster.etcd.members:
        member.kill()
    cluster.wait_phase("ns1", "away")
    reply = one.request("POST", "/v1/challenges", {"name": "b.example.com", "value": ONE})
    assert clusterkit.is_problem(reply, 503, "cluster-unreachable"), reply
    assert TWO in texts(one) and TWO in texts(three)
