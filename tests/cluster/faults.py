# SPDX-License-Identifier: BSD-3-Clause
"""What can go wrong in a cluster, and a model of what each node has to make of it. Pure: no process is needed to test it.

A fault is a set of facts that hold while it lasts. Of each node the model says whose opinions it hears, what those are, and so what it
thinks of each region by the quorum rule of doc/vantages.md; and whether it reaches an etcd that has a leader."""
import dataclasses
import itertools

NODES, MEMBERS, VANTAGES, REGIONS = ("ns1", "ns2", "ns3"), ("m0", "m1", "m2"), ("fra-1", "sin-1", "iad-1"), ("us", "eu")
LOOKERS = NODES + VANTAGES
AT_LEAST = 3
DAY_S = 86400
LEADER = "leader"  # whichever member that is when the fault begins


@dataclasses.dataclass(frozen=True)
class Fault:
    name: str
    kind: str
    facts: frozenset


def cut(*pairs):
    return {("cut", *way) for one, other in pairs for way in ((one, other), (other, one))}


def fault(name, kind, facts):
    return Fault(name, kind, frozenset(facts))


FAULTS = [
    *(fault(f"{name} killed", "node killed", {("dead", name)}) for name in ("ns1", "ns2")),
    *(fault(f"{name} stopped", "node stopped", {("stopped", name)}) for name in ("ns1", "ns2")),
    fault("m0 killed", "member killed", {("dead", "m0")}),
    fault("m1 stopped", "member stopped", {("stopped", "m1")}),
    fault("leader killed", "leader killed", {("dead", LEADER)}),
    fault("leader stopped", "leader stopped", {("stopped", LEADER)}),
    fault("etcd killed", "etcd killed", {("dead", name) for name in MEMBERS}),
    fault("etcd stopped", "etcd stopped", {("stopped", name) for name in MEMBERS}),
    fault("fra-1 killed", "vantage killed", {("dead", "fra-1")}),
    fault("sin-1 stopped", "vantage stopped", {("stopped", "sin-1")}),
    *(fault(f"{one}-{other} cut", "link cut", cut((one, other))) for one, other in (
        ("ns1", "ns2"), ("ns1", "m0"), ("ns1", "fra-1"), ("ns1", "us"), ("fra-1", "us"), ("m0", "m1"))),
    fault("ns1-etcd cut", "node cut from etcd", cut(*(("ns1", name) for name in MEMBERS))),
    fault("ns1 dark", "node cut from all", {("dark", "ns1")}),
    *(fault(f"{one}>{other} cut", "cut one way", {("cut", one, other)}) for one, other in (
        ("ns1", "ns2"), ("m1", "ns1"), ("fra-1", "ns1"), ("us", "ns2"), ("m1", "m2"))),
    *(fault(f"{one}>{other} slow", "delayed", {("slow", one, other)}) for one, other in (
        ("ns1", "ns3"), ("sin-1", "ns1"), ("m0", "m2"), ("ns3", "us"))),
    fault("ns2>etcd slow", "delayed", {("slow", "ns2", name) for name in MEMBERS}),
    fault("ns1 a day ahead", "clock", {("ahead", "ns1", DAY_S)}),
    fault("ns3 a day behind", "clock", {("ahead", "ns3", -DAY_S)}),
    fault("us lost", "region lost", {("dark", "us")}),
    fault("us refuses", "region lost", {("dead", "us")}),
    fault("eu lost", "region lost", {("dark", "eu")}),
    fault("us not seen by 3 of 6", "region seen by half", cut(("ns1", "us"), ("fra-1", "us"), ("sin-1", "us"))),
    fault("us not seen by 4 of 6", "region seen by a third", cut(("ns1", "us"), ("ns2", "us"), ("fra-1", "us"), ("sin-1", "us"))),
]


def subjects(one):
    """Whose processes it is about. The leader is another one each time."""
    return {fact[1] for fact in one.facts if fact[0] in ("dead", "stopped", "ahead")} - {LEADER}


def can_be_together(one, other):
    """Two that are about the same process are one."""
    return not subjects(one) & subjects(other)


class Model:
    """What is so while these facts hold. strangers: nodes that were started while they could not learn who the others are."""

    def __init__(self, facts, strangers=()):
        self.facts, self.strangers = frozenset(facts), frozenset(strangers)

    def runs(self, name):
        return ("dead", name) not in self.facts and ("stopped", name) not in self.facts

    def passes(self, one, other):
        """A connection between the two: both ways are needed."""
        return not {("dark", one), ("dark", other), ("cut", one, other), ("cut", other, one)} & self.facts

    def hears(self, node, who):
        if node == who:
            return True
        return self.runs(who) and self.passes(node, who) and not (who in NODES and {node, who} & self.strangers)

    def sees(self, who, region):
        return ("dead", region) not in self.facts and self.passes(who, region)

    def has_etcd(self, node):
        """It reaches a member that can have a leader: one that reaches a majority, and this one."""
        alive = [name for name in MEMBERS if self.runs(name)]

        def beside(member):
            return [other for other in alive if other == member or self.passes(member, other)]
        led = {follower for member in alive if len(beside(member)) > len(MEMBERS) // 2 for follower in beside(member)}
        return any(self.passes(node, member) for member in led)

    def opinions(self, node, region):
        """Of whom it hears: who -> whether that one sees the region."""
        return {who: self.sees(who, region) for who in LOOKERS if self.hears(node, who)}


def judge(opinions, last):
    """True: it is healthy."""
    if len(opinions) < AT_LEAST:
        return last
    return 2 * list(opinions.values()).count(False) <= len(opinions)


def count_flips(before, after, last):
    """How often a verdict may change on the way from these opinions to those, which come one by one in any order."""
    changed = [who for who in LOOKERS if before.get(who) != after.get(who)]
    found = {}  # which have come -> {(verdict, flips)}
    for count in range(len(changed) + 1):
        for come in itertools.combinations(changed, count):
            now = {who: after.get(who) if who in come else before.get(who) for who in LOOKERS}
            now = {who: sees for who, sees in now.items() if sees is not None}
            ways = {(last, 0)} if not come else set().union(*(found[tuple(one for one in come if one != latest)] for latest in come))
            found[come] = {(verdict, flips + (verdict != was)) for was, flips in ways for verdict in [judge(now, was)]}
    return {flips for _, flips in found[tuple(changed)]}


def walk(draw, faults=None):
    """Sets of faults, each with one more or one less than the one before: each by itself, and each pair, once."""
    faults = list(FAULTS if faults is None else faults)
    draw.shuffle(faults)
    left = {one: [other for other in faults if other is not one and can_be_together(one, other)] for one in faults}
    here = faults[0]
    alone = set(faults)
    yield frozenset([here])
    while True:
        alone.discard(here)
        if left[here]:
            there = max(left[here], key=lambda other: (len(left[other]), draw.random()))
            left[here].remove(there)
            left[there].remove(here)
            yield frozenset([here, there])
            yield frozenset([there])
        else:
            there = next((one for one in faults if left[one]), None) or next(iter(alone), None)
            if there is None:
                return
            yield frozenset()
            yield frozenset([there])
        here = there
