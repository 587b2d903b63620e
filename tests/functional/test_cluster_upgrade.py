# SPDX-License-Identifier: BSD-3-Clause
"""Nodes are upgraded one after the other: clients lose no answer, and what is ordered meanwhile holds on all of them."""
import pytest

import clusterkit
import etcdkit
import takeovers
from clusterkit import desired, order
from takeovers import reaper  # noqa: F401: a fixture

pytestmark = pytest.mark.skipif(etcdkit.ETCD is None or not etcdkit.PROGRAM.exists(), reason="there is no etcd, or steerd-etcd was not built")


def test_one_node_after_the_other():
    with clusterkit.new_cluster(3, has_links=True) as cluster:
        for site in cluster.sites.values():
            site.zone("example.com", "www 60 IN A 192.0.2.99\n" + takeovers.RECORDS)
        cluster.start().wait_fresh().report_all()
        for number, (name, node) in enumerate(sorted(cluster.nodes.items())):
            before = node.process.pid
            with takeovers.Stream(node.site.listen[0]) as stream:
                takeovers.take_over(node)
                assert order(cluster.list()[number - 1], "azs/eu-west-1a", "drain").status == 200
                cluster.wait_phase(name, "following")
                assert node.process.pid != before
                reply = order(node, "azs/eu-west-1a", "auto")
                assert reply.status == 200 and not reply.json["cluster"]["provisional"], reply
            assert stream.asked == stream.answered != 0, stream.wrong[:5]
            cluster.wait_fresh()
            assert [desired(one, "azs/eu-west-1a") for one in cluster.list()] == [None] * 3
        cluster.wait_same()
