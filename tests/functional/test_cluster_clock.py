# SPDX-License-Identifier: BSD-3-Clause
"""Nodes of a cluster whose wall clocks are set by an hour, one of them, with a real etcd: see clock.c. CLOCK_SEEDS: how many
random rounds, or which."""
import contextlib
import datetime
import os
import random
import time

import pytest

import kit
import seeds
from clusterkit import Cluster, desired, order
from test_clock import Clock, read_time

HOUR_S = 3600
SEEDS = seeds.parse(os.environ.get("CLOCK_SEEDS", ""), [1, 2])


@pytest.fixture(name="world")
def new_world(request):
    with contextlib.ExitStack() as stack:
        cluster = Cluster(stack, 2, deadline="2s")
        cluster.clock, cluster.first_clock = (Clock(cluster.sites[name]) for name in ("ns2", "ns1"))
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


def wait_all(cluster, wanted, target="regions/us-east"):
    for node in cluster.list():
        wait_desired(node, wanted, target)


@pytest.mark.parametrize("starts", [0], ids=["right"])
@pytest.mark.parametrize("step", [HOUR_S, -HOUR_S], ids=["ahead", "behind"])
def test_a_clock_that_was_wrong_for_a_while_ends_nothing_for_good(world, starts, step):  # pylint: disable=unused-argument
    """One until a time has ended there for as long as the clock said so; what has a length is left alone."""
    first, other = world.list()
    until = datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(minutes=10)
    assert order(first, "regions/us-east", "drain", expires=until.isoformat(timespec="seconds")).status == 200
    seq = order(first, "azs/eu-west-1a", "drain", expires_in="10m").json["cluster"]["seq"]
    ends = first.get("/v1/azs/eu-west-1a")["override"]["expires"]
    world.clock.set(other, step)
    if step > 0:
        wait_desired(other, None)
    world.clock.set(other, -step)
    wait_desired(other, "drain")
    for node in first, other:
        assert desired(node, "azs/eu-west-1a") == "drain"
        assert abs(read_time(node.get("/v1/azs/eu-west-1a")["override"]["expires"]) - read_time(ends)) < 1
    assert order(other, "regions/us-east", "auto").json["cluster"]["seq"] == seq + 1, "healing writes no entries"
    wait_all(world, None)


@pytest.mark.parametrize("starts", [0], ids=["right"])
def test_what_ended_while_nobody_saw_the_clock_step_is_taken_again(world, starts):  # pylint: disable=unused-argument
    """The process that saw the wrong clock was killed: the next one only sees that it differs."""
    first, other = world.list()
    until = datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(minutes=10)
    assert order(first, "regions/us-east", "drain", expires=until.isoformat(timespec="seconds")).status == 200
    world.clock.set(other, HOUR_S)
    wait_desired(other, None)
    other.wait(lambda: all(item["after"] is None for item in other.get("/v1/journal?kind=override&limit=1")["items"]), "its store has it no more")
    other.kill()
    world.clock.set_unseen(-HOUR_S)
    other.start()
    wait_desired(other, "drain")


@pytest.mark.parametrize("starts", [0], ids=["right"])
def test_what_is_over_leaves_etcd(world, starts):  # pylint: disable=unused-argument
    first, other = world.list()
    key = "/steerd/prod/object/override/region:us-east"
    assert order(first, "regions/us-east", "drain", expires_in="1s").status == 200
    assert order(first, "azs/eu-west-1a", "drain", expires_in="1h").status == 200
    wait_all(world, None)
    assert world.etcd.get(key)
    for clock, node in zip((world.clock, world.first_clock), (other, first)):
        clock.set(node, 300)
    kit.wait_for(lambda: not world.etcd.get(key), "etcd has it no more", 150)
    assert world.etcd.get("/steerd/prod/object/override/az:eu-west-1a")
    wait_all(world, "drain", "azs/eu-west-1a")


@pytest.mark.parametrize("starts", [HOUR_S, -HOUR_S], ids=["ahead", "behind"])
def test_without_etcd_a_length_is_one_on_every_node(starts):
    """What a node is told directly, while etcd is away."""
    with contextlib.ExitStack() as stack:
        cluster = Cluster(stack, 2, has_links=True, deadline="2s")
        Clock(cluster.sites["ns2"]).set_unseen(starts)
        first, other = cluster.start().wait_fresh().list()
        cluster.etcd.members[0].kill()
        for name in cluster.nodes:
            cluster.wait_phase(name, "away")
        reply = order(first, "regions/us-east", "drain", expires_in="8s", emergency=True)
        assert reply.status == 200 and sorted(reply.json["cluster"]["in_force_on"]) == ["ns1", "ns2"], reply
        assert desired(other) == "drain"
        wait_all(cluster, None)


@pytest.mark.parametrize("starts", [HOUR_S, -HOUR_S], ids=["ahead", "behind"])
def test_a_length_is_one_when_etcd_is_back(starts):
    """Where it was told directly, and where only the entry came."""
    with contextlib.ExitStack() as stack:
        cluster = Cluster(stack, 3, has_links=True, deadline="2s")
        for name in "ns2", "ns3":
            Clock(cluster.sites[name]).set_unseen(starts)
        first, other, third = cluster.start().wait_fresh().list()
        cluster.etcd.members[0].kill()
        for name in cluster.nodes:
            cluster.wait_phase(name, "away")
        third.kill()
        assert order(first, "regions/us-east", "drain", expires_in="2m", emergency=True).status == 200
        assert desired(other) == "drain"
        cluster.etcd.members[0].restart()
        third.start()
        for name, node in cluster.nodes.items():
            cluster.wait_phase(name, "following")
            node.wait(lambda node=node: node.get("/v1/cluster")["pending"] == 0, "it is an entry")
        assert desired(other) == "drain"
        wait_all(cluster, "drain")
        ends = [read_time(node.get("/v1/regions/us-east")["override"]["expires"]) for node in (first, other, third)]
        assert max(abs(ends[1] - starts - ends[0]), abs(ends[2] - starts - ends[0])) < 2, ends


class Round:
    """Orders until a time, of a length and without end, while clocks of nodes step by an hour, nodes are killed and etcd is away: when
    clocks are right again and all run, each has what holds, to the same end."""
    TARGETS = ["regions/us-east", "azs/eu-west-1a", "azs/eu-west-1b", "azs/us-east-1a"]

    def __init__(self, cluster, seed):
        self.cluster, self.random = cluster, random.Random(seed)
        self.clocks = {name: Clock(site) for name, site in cluster.sites.items()}
        self.ahead = dict.fromkeys(cluster.sites, 0)
        self.wanted, self.ordered = {}, {}

    def set_clock(self, name, ahead):
        self.clocks[name].set_unseen(ahead - self.ahead[name])
        self.ahead[name] = ahead

    def order(self, **how):
        """A time is said where the clock is right; a length anywhere."""
        name, target = self.random.choice(list(self.ahead)), self.random.choice(self.TARGETS)
        until = datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(minutes=20)
        state, more = self.random.choice([("drain", {}), ("drain", {"expires_in": "20m"}), ("down", {"expires": until.isoformat(timespec="seconds")}),
                                          ("auto", {})])
        if "expires" in more and self.ahead[name] != 0:
            more = {"expires_in": "20m"}
        reply = order(self.cluster.nodes[name], target, state, **more, **how)
        assert reply.status == 200, reply
        self.wanted[target] = None if state == "auto" else state
        self.ordered[target] = time.time() + 1200 if more else None

    def turn_clock(self, name):
        others = [ahead for other, ahead in self.ahead.items() if other != name]
        self.set_clock(name, self.random.choice([0, HOUR_S, -HOUR_S]) if others.count(0) == len(others) else 0)

    def restart(self, name):
        self.cluster.nodes[name].kill()
        self.cluster.nodes[name].start()

    def lose_etcd(self):
        """Each target is told something once: else it is a conflict, and the safer one holds."""
        etcd, targets = self.cluster.etcd.members[0], self.TARGETS
        etcd.kill()
        for name in self.cluster.nodes:
            self.cluster.wait_phase(name, "away")
        self.TARGETS = [self.random.choice(targets)]
        self.order(emergency=True)
        self.TARGETS = targets
        name = self.random.choice(list(self.cluster.nodes))
        self.random.choice([self.restart, self.turn_clock, lambda name: None])(name)
        etcd.restart()
        self.wait_following()

    def wait_following(self):
        for name, node in self.cluster.nodes.items():
            self.cluster.wait_phase(name, "following")
            node.wait(lambda node=node: node.get("/v1/cluster")["pending"] == 0, f"nothing is pending at {name}")

    def step(self):
        what, name = self.random.choice(["order", "order", "clock", "clock", "kill", "etcd"]), self.random.choice(list(self.cluster.nodes))
        if what == "order":
            self.order()
        elif what == "clock":
            self.turn_clock(name)
        elif what == "etcd":
            self.lose_etcd()
        else:
            self.restart(name)
            self.wait_following()
        time.sleep(self.random.choice([0, 0.3, 1.5, 3]))

    @staticmethod
    def ends_at(node, target, wanted):
        override = node.get(f"/v1/{target}")["override"]
        ends = override and override["expires"]
        return ends is None if wanted is None else ends is not None and abs(read_time(ends) - wanted) < 10

    def end(self):
        for name in self.ahead:
            self.set_clock(name, 0)
        for target in self.TARGETS:
            wait_all(self.cluster, self.wanted.get(target), target)
        self.cluster.wait_same()
        for target, wanted in self.ordered.items():
            for name, node in self.cluster.nodes.items():
                node.wait(lambda node=node, target=target, wanted=wanted: self.ends_at(node, target, wanted), f"{target} ends at {wanted} at {name}")


@pytest.mark.parametrize("seed", SEEDS)
def test_whatever_clocks_do_all_nodes_have_the_same_in_the_end(seed):
    with contextlib.ExitStack() as stack:
        cluster = Cluster(stack, 3, has_links=True, deadline="2s")
        this = Round(cluster, seed)
        cluster.start().wait_fresh()
        this.order()
        for _ in range(8):
            this.step()
        this.end()
