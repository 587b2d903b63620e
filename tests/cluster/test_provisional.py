# SPDX-License-Identifier: BSD-3-Clause
"""An etcd that does not answer, instead of one that is gone: what was acknowledged meanwhile, and what must not be."""
import contextlib
import http.client
import shutil
import threading
import time

import pytest

import clusterkit
import etcdkit
import kit
from clusterkit import desired, order

pytestmark = pytest.mark.skipif(etcdkit.ETCD is None or not etcdkit.PROGRAM.exists(), reason="there is no etcd, or steerd-etcd was not built")
HEAD = b'{"request_put":{"key":"L3N0ZWVyZC9wcm9kL2hlYWQ="'  # base64 of /steerd/prod/head


def test_an_emergency_outlives_its_process_though_etcd_says_nothing():
    with clusterkit.new_cluster(2) as cluster:
        one, two = cluster.start().wait_fresh().list()
        cluster.etcd.members[0].stop()
        reply = order(one, "regions/us-east", "down", emergency=True)
        assert reply.status == 200, reply
        one.kill()
        one.start()
        assert desired(one) == "down"
        cluster.etcd.members[0].go_on()
        two.wait(lambda: desired(two) == "down", "the order holds on the other node")
        cluster.wait_phase("ns1", "following")
        one.wait(lambda: one.get("/v1/cluster")["pending"] == 0, "nothing is pending")
        cluster.wait_same()


def test_an_order_that_lost_its_turn_is_none():
    """ns1 has the turn and has judged; its line to etcd goes dead when it writes; ns2 drains the other region of the pair meanwhile."""
    with clusterkit.new_cluster(2) as cluster:
        cluster.topology["rules"] = {"pair": {"type": "not_all_of", "targets": ["region:us-east", "region:eu-west"]}}
        link = clusterkit.Link(cluster.etcd.urls[0])
        cluster.stack.callback(link.close)
        cluster.sites["ns1"].server["cluster"]["etcd"] = [link.url]
        one, two = cluster.start().wait_fresh().list()
        replies = []

        def drain():
            replies.append(one.request("PUT", "/v1/regions/us-east/override", {"state": "drain", "reason": "a test"}))
        link.freeze_at = HEAD
        thread = threading.Thread(target=drain)
        thread.start()
        assert link.frozen.wait(kit.PATIENCE_S)

        def drain_other():
            reply = two.request("PUT", "/v1/regions/eu-west/override", {"state": "drain", "reason": "a test"})
            assert reply.status in (200, 409, 503), reply
            return reply.status == 200
        two.wait(drain_other, "the turn is free again")
        thread.join()
        link.thaw()
        cluster.wait_phase("ns1", "following")
        one.wait(lambda: one.get("/v1/cluster")["pending"] == 0, "nothing is pending")
        cluster.wait_same()
        for node in one, two:
            assert [desired(node, f"regions/{region}") for region in ("us-east", "eu-west")] == [None, "drain"], replies
        assert replies[0].status == 503, replies


def test_what_was_undone_long_ago_does_not_hold_on():
    """ns1's disk goes back to when its emergency was pending. The others were told of that, and have ended it; which entries those were is
    not kept any more."""
    with clusterkit.new_cluster(2) as cluster:
        one, two = cluster.start().wait_fresh().list()
        var, kept = one.site.folder / "var", one.site.folder / "kept"
        cluster.etcd.members[0].stop()
        assert order(one, "regions/us-east", "down", emergency=True).status == 200
        one.kill()
        shutil.copytree(var, kept)
        cluster.etcd.members[0].go_on()
        one.start()
        two.wait(lambda: desired(two) == "down", "the order holds on the other node")
        one.wait(lambda: one.get("/v1/cluster")["pending"] == 0, "nothing is pending")
        assert order(two, "regions/us-east", "auto").status == 200
        one.wait(lambda: desired(one) is None, "it is over")
        one.kill()
        shutil.rmtree(var)
        kept.rename(var)
        cluster.etcd.ctl("del", "--prefix", "/steerd/prod/entry/")
        one.start()
        cluster.wait_phase("ns1", "following")
        one.wait(lambda: one.get("/v1/cluster")["pending"] == 0, "nothing is pending")
        one.wait(lambda: desired(one) is None, "it is over here as well")
        cluster.wait_same()
        one.kill()
        one.start()
        assert desired(one) is None


def test_an_emergency_at_a_clean_end_is_no_conflict_with_what_was_before():
    with clusterkit.new_cluster(2) as cluster:
        one, two = cluster.start().wait_fresh().list()
        assert order(two, "regions/us-east", "drain").status == 200
        cluster.etcd.members[0].stop()

        def say():
            with contextlib.suppress(OSError, http.client.HTTPException):  # the server ends before it answers
                order(one, "regions/us-east", "down", emergency=True)
        thread = threading.Thread(target=say)
        thread.start()
        one.wait(lambda: desired(one) == "down", "it holds")
        one.stop()
        thread.join()
        cluster.etcd.members[0].go_on()
        one.start()
        cluster.wait_phase("ns1", "following")
        one.wait(lambda: one.get("/v1/cluster")["pending"] == 0, "nothing is pending")
        two.wait(lambda: desired(two) == "down", "it holds on the other node")
        assert [node.get("/v1/cluster/conflicts")["items"] for node in (one, two)] == [[], []]
