# SPDX-License-Identifier: BSD-3-Clause
"""Every single failure, and every pair, or a sample by seed: what each node answers is what the model says (faults.py, scene.py). One fault
begins or ends at a time, so each state is reached from one that differs in one thing."""
import contextlib
import itertools
import random
import time

import pytest

import conftest
import etcdkit
import faults
import internet
import scene as scenes
from faults import FAULTS, Model, count_flips, judge, walk

HEARD = ["ns1", "ns2", "ns3", "fra-1", "sin-1", "iad-1"]


def find(name):
    return next(one for one in FAULTS if one.name == name)


def model(*names, **more):
    return Model(frozenset().union(*(find(name).facts for name in names)), **more)


# ---- the model itself ----

def test_the_walk_meets_each_fault_and_each_pair_once():
    states = list(walk(random.Random(1)))
    assert all(len(one ^ other) == 1 for one, other in zip([frozenset(), *states], states))
    pairs = [state for state in states if len(state) == 2]
    assert len(pairs) == len(set(pairs)) and set(pairs) == {
        frozenset(pair) for pair in itertools.combinations(FAULTS, 2) if faults.can_be_together(*pair)}
    assert {one for state in states for one in state if len(state) == 1} == set(FAULTS)


@pytest.mark.parametrize("names,reach", [
    ((), "ns1 ns2 ns3"), (("m0 killed",), "ns1 ns2 ns3"), (("m0 killed", "m1 stopped"), ""), (("m0 killed", "m1>m2 cut"), ""),
    (("m0-m1 cut",), "ns1 ns2 ns3"), (("m0-m1 cut", "m1 stopped"), "ns1 ns2 ns3"), (("ns1-etcd cut",), "ns2 ns3"), (("ns1 dark", "m1 stopped"), "ns2 ns3"),
    (("ns1-m0 cut", "m1 stopped"), "ns1 ns2 ns3"), (("etcd stopped", "ns1 dark"), "")])
def test_who_has_etcd(names, reach):
    it = model(*names)
    assert " ".join(node for node in faults.NODES if it.has_etcd(node)) == reach


def test_who_is_heard():
    assert [who for who in HEARD if model("ns1>ns2 cut").hears("ns2", who)] == ["ns2", "ns3", "fra-1", "sin-1", "iad-1"]
    assert [who for who in HEARD if model("ns1 dark").hears("ns1", who)] == ["ns1"]
    assert [who for who in HEARD if model("sin-1 stopped", "ns2 killed").hears("ns1", who)] == ["ns1", "ns3", "fra-1", "iad-1"]
    assert [who for who in HEARD if model(strangers={"ns1"}).hears("ns1", who)] == ["ns1", "fra-1", "sin-1", "iad-1"]


@pytest.mark.parametrize("names,node,region,healthy", [
    (("us not seen by 3 of 6",), "ns1", "us", True), (("us not seen by 3 of 6", "ns2 killed"), "ns3", "us", False),
    (("us not seen by 4 of 6",), "ns3", "us", False), (("us lost",), "ns2", "us", False), (("us lost",), "ns2", "eu", True),
    (("us not seen by 3 of 6", "ns1-ns2 cut"), "ns1", "us", False), (("us not seen by 3 of 6", "ns1-ns2 cut"), "ns2", "us", True)])
def test_what_is_thought(names, node, region, healthy):
    assert judge(model(*names).opinions(node, region), True) == healthy


def test_alone_the_last_verdict_stands():
    assert [judge(model("ns1 dark").opinions("ns1", "us"), last) for last in (True, False)] == [True, False]


def test_how_often_a_verdict_changes_on_the_way():
    up, down = dict.fromkeys(HEARD, True), dict.fromkeys(HEARD, False)
    assert count_flips(up, down, True) == {1} and count_flips(up, up, True) == {0} and count_flips(down, up, False) == {1}
    half = {who: who in ("ns1", "fra-1", "sin-1") for who in HEARD}
    assert count_flips(up, half, True) == {0} and count_flips(half, {**half, "ns2": True}, True) == {0}
    assert count_flips({"ns1": False}, half, True) == {0, 2, 4}  # those who say down may be heard first


# ---- the real ones ----

@pytest.fixture
def scene():
    if etcdkit.ETCD is None or not etcdkit.PROGRAM.exists():
        pytest.skip("there is no etcd, or steerd-etcd was not built")
    try:
        net = internet.Internet(*scenes.HOSTS)
    except PermissionError:
        pytest.skip("needs network namespaces, which only root may make")
    with contextlib.ExitStack() as stack:
        stack.callback(net.close)
        made = scenes.Scene(stack, net)
        stack.callback(made.heal)
        made.start()
        stack.callback(made.print_table)
        yield made


def choose():
    """All states, the share of them that FAULTS says ("2/5"), so many of them, by seed, or these that begin or end one after the other
    ("etcd killed,ns1 dark,etcd killed")."""
    if any(one.name in conftest.FAULTS for one in FAULTS):
        return list(itertools.accumulate((frozenset([find(name)]) for name in conftest.FAULTS.split(",")), frozenset.symmetric_difference))
    states = list(walk(random.Random(conftest.FAULTS_SEED)))
    if conftest.FAULTS == "all":
        return states
    if "/" in conftest.FAULTS:
        part, of = map(int, conftest.FAULTS.split("/"))
        return states[len(states) * (part - 1) // of:len(states) * part // of]
    begin = random.Random(conftest.FAULTS_SEED).randrange(len(states))
    return (states * 2)[begin:begin + int(conftest.FAULTS)]


def go_to(scene, state):
    """Where it begins in the middle of the walk, several steps."""
    by_name = lambda some: sorted(some, key=lambda one: one.name)  # noqa: E731
    for one in [*by_name(set(scene.active) - state), *by_name(state - set(scene.active))]:
        scene.go(frozenset(scene.active) ^ {one})


@pytest.mark.parametrize("name", ["sin-1", "ns2"])
def test_who_was_stopped_says_nothing_of_before(scene, name):
    """It saw the region up then; two of five do, which are too few, and it does not any more."""
    gone, half = find(f"{name} stopped"), find("us not seen by 4 of 6")
    for state in ({gone}, {gone, half}, {half}, set()):
        scene.go(frozenset(state))
    assert not scene.failures, "\n".join(scene.failures)


def test_who_is_cut_off_from_etcd_is_heard_for_as_long_as_it_lasts(scene):
    """After 30 s what it has said of itself there is gone with its lease."""
    gone = find("ns1-etcd cut")
    scene.go(frozenset({gone}))
    with scene.internet.at(scenes.DESK):
        assert scene.etcd.ctl("del", "/steerd/prod/node/ns1").strip() == "1"
    scene.order_plain("ns2")  # which comes after that
    scene.settle()
    scene.go(frozenset())
    assert not scene.failures, "\n".join(scene.failures)


def test_each_node_answers_as_it_has_to(scene):
    scene.go(frozenset())
    for state in choose():
        if time.time() > conftest.UNTIL:
            break
        go_to(scene, state)
    go_to(scene, frozenset())
    assert not scene.failures, "\n".join(scene.failures)
