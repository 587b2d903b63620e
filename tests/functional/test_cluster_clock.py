# SPDX-License-Identifier: BSD-3-Clause
"""Nodes of a cluster whose wall clocks are set by an hour, one of them, with a real etcd: see clock.c."""
import contextlib
import datetime
import time

import pytest

from clusterkit import Cluster, desired, order
from test_clock import Clock

HOUR_S = 3600


@pytest.fixture(name="world")
def new_world(request):
    with contextlib.ExitStack() as stack:
        cluster = Cluster(stack, 2, deadline="2s")
        cluster.clock = Clock(cluster.sites["ns2"])
        cluster.clock.set_unseen(request.node.callspec.params["starts"])
        yield cluster.start().wait_fresh()


def wait_desired(node, wanted, target="regions/us-east"):
    node.wait(lambda: desired(node, target) == wanted, f"{target} is {wanted}")


@pytest.mark.parametrize("starts", [HOUR_S, -HOUR_S], ids=["ahead", "behind"])
def test_a_length_is_one_on_every_node(world, starts):  # pylint: disable=unused-argument
    first, other = world.list()
    began = time.monotonic()
    reply = order(first, "regions/us-east", "drain", expires_in="8s")
    assert reply.status == 200 and sorted(reply.json["cluster"]["in_force_on"]) == ["ns1", "ns2"], reply
    assert desired(other) == "drain"
    wait_desired(first, None)
    wait_desired(other, None)
    assert 6 < time.monotonic() - began
    # the other way round
    reply = order(other, "regions/us-east", "drain", expires_in="8s")
    assert reply.status == 200 and sorted(reply.json["cluster"]["in_force_on"]) == ["ns1", "ns2"], reply
    assert desired(first) == "drain"
    wait_desired(other, None)
    wait_desired(first, None)


@pytest.mark.parametrize("starts", [HOUR_S], ids=["ahead"])
def test_where_it_has_ended_by_the_clock_it_is_not_said_to_be_in_force(world, starts):  # pylint: disable=unused-argument
    first, other = world.list()
    until = datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(minutes=10)
    reply = order(first, "regions/us-east", "drain", expires=until.isoformat(timespec="seconds"))
    assert reply.status == 200 and reply.json["cluster"]["in_force_on"] == ["ns1"], reply
    assert reply.json["cluster"]["waiting_for"] == ["ns2"] and desired(other) is None
