# SPDX-License-Identifier: BSD-3-Clause
"""What steerd has to answer, computed from the documents and the state of the endpoints by what steerd-policy(5) and
steerd-topology(5) say: naively, with fractions, names and sets. Nothing here follows the code of the server."""
import collections
import copy
import fractions
import functools
import ipaddress
import math

import places
from reading import fits, read_seconds, read_share, tolerate, write_rdata

SERVING = {"healthy", "unknown", "forced_up"}
TYPES = "A", "AAAA", "CNAME", "MX", "SRV", "TXT"
FORCED = {"drain": "drained", "up": "forced_up", "down": "forced_down"}


# A share of the answers, and the endpoints that these are chosen among.
# trickles: its tier would have less than its trickle.
Part = collections.namedtuple("Part", "share tier members weights trickles")
# source: tier, pool, first, first_sick, all, static, nodata, servfail; parts: of the first five; scope: None without
# geography and luck
# ttl: of records of endpoints; limit: what all TTLs are cut to, or None
Expected = collections.namedtuple("Expected", "source parts ttl limit scope fence")


class Topology:
    def __init__(self, document):
        self.endpoints = document["endpoints"]
        self.regions = document["regions"]
        self.groups = document.get("groups", {})
        self.families = document.get("families", "apart")
        self.region_of = {az: region for region, what in self.regions.items() for az in what["azs"]}

    def az(self, endpoint):
        return self.endpoints[endpoint]["az"]

    def region(self, endpoint):
        return self.region_of[self.az(endpoint)]

    def addresses(self, endpoint, rtype):
        """None for types that are none of addresses."""
        return {ipaddress.ip_address(address).compressed for address in places.as_list(self.endpoints[endpoint]["addresses"])
                if rtype == ("AAAA" if ":" in address else "A")}

    def is_together(self, endpoint):
        return self.endpoints[endpoint].get("families", self.families) == "together"

    def narrowness(self, key, endpoint):
        """Of a key of records; None if it does not stand for the endpoint."""
        if key == "*":
            return 0
        kinds = [key == self.region(endpoint), key == self.az(endpoint), key in self.groups, "*" in key, key == endpoint]
        return max(rank for rank, is_such in enumerate(kinds, 1) if is_such) if endpoint in self.expand(key) else None

    def weight(self, endpoint):
        return self.endpoints[endpoint].get("weight", 1)

    def capacity(self, endpoint):
        return self.endpoints[endpoint].get("capacity")

    def location(self, endpoint):
        region = self.region(endpoint)
        az = self.regions[region]["azs"][self.az(endpoint)]
        for what in self.endpoints[endpoint], az, self.regions[region]:
            if "location" in what:
                return tuple(what["location"])
        return None

    def expand(self, reference):
        """The endpoints that a name, a pattern, a group, an az or a region stands for."""
        if reference in self.groups:
            return {name for item in places.as_list(self.groups[reference]) for name in self.expand(item)}
        if reference in self.regions:
            return {name for name in self.endpoints if self.region(name) == reference}
        if reference in self.region_of:
            return {name for name in self.endpoints if self.az(name) == reference}
        return {name for name in self.endpoints if fits(reference, name)}

    def expand_all(self, references):
        """In the order of the topology."""
        chosen = {name for reference in places.as_list(references) for name in self.expand(reference)}
        return [name for name in self.endpoints if name in chosen]


class State:
    """observed: endpoint -> A or AAAA, for each that it has an address of -> healthy or unhealthy, others are not checked;
    overrides: (kind, name) -> drain, up, down;
    outages: (kind, name) -> when it left and came back, each time, within the holds of all names;
    loads: endpoint -> what it reported;
    planned: (kind, name) of what is to be overridden later;
    ttls: (kind, name) -> the TTL of an override, planned or not, that has one."""

    def __init__(self, topology, observed, overrides, outages=None, loads=None, planned=(), ttls=None):
        self.topology, self.observed, self.overrides, self.outages = topology, observed, overrides, outages or {}
        self.loads, self.planned, self.ttls = loads or {}, set(planned), ttls or {}
        self.rtype = None
        self.lost = self.roll_up()

    def seen_for(self, rtype):
        """The same for who asks for this type."""
        seen = copy.copy(self)
        seen.rtype = rtype
        return seen

    def verdict(self, endpoint, rtype=None):
        """Without a type: of the endpoint as a whole."""
        families = self.observed.get(endpoint)
        if families is None:
            return "unknown"
        if self.topology.is_together(endpoint):
            return "unhealthy" if "unhealthy" in families.values() else "healthy"
        return families[rtype] if rtype in families else "healthy" if "healthy" in families.values() else "unhealthy"

    def roll_up(self):
        """azs and regions that are lost: of what is checked inside, the share that is out."""
        lost, topology = set(), self.topology
        for region, what in topology.regions.items():
            with_say = []
            for az, more in what["azs"].items():
                checked = [name for name in topology.endpoints if topology.az(name) == az and name in self.observed]
                out = [name for name in checked if self.verdict(name) == "unhealthy"]
                if checked:
                    with_say.append(az)
                    if is_lost(len(out), len(checked), more.get("lost_at", 1)):
                        lost.add(az)
            if with_say and is_lost(len(lost & set(with_say)), len(with_say), what.get("lost_at", 1)):
                lost.add(region)
        return lost

    @functools.lru_cache(maxsize=None)
    def effective(self, endpoint):
        az, region = self.topology.az(endpoint), self.topology.region(endpoint)
        for target in ("endpoint", endpoint), ("az", az), ("region", region):
            if target in self.overrides:
                return FORCED[self.overrides[target]]
        if {az, region} & self.lost:
            return "unhealthy"
        return self.verdict(endpoint, self.rtype)

    def serves(self, endpoint):
        return self.effective(endpoint) in SERVING

    def shed(self, endpoint):
        """The part of its weight that an endpoint sheds because of its load."""
        marks = self.topology.endpoints[endpoint].get("load")
        if marks is None or endpoint not in self.loads:
            return fractions.Fraction(0)
        part = fractions.Fraction(self.loads[endpoint] - marks["low"], marks["high"] - marks["low"])
        return min(max(part, fractions.Fraction(0)), fractions.Fraction(1))

    def places_of(self, endpoint):
        return ("endpoint", endpoint), ("az", self.topology.az(endpoint)), ("region", self.topology.region(endpoint))

    def awaits(self, endpoint):
        """Is something planned for it, and no narrower override in force?"""
        for target in self.places_of(endpoint):
            if target in self.planned:
                return True
            if target in self.overrides:
                return False
        return False

    def list_ttls(self, endpoint):
        """Of overrides that it follows or is going to: those that are wider than one in force say nothing."""
        for target in self.places_of(endpoint):
            if target in self.ttls:
                yield self.ttls[target]
            if target in self.overrides:
                return

    @functools.lru_cache(maxsize=None)
    def outage(self, endpoint):
        """(when it left, when it came back): outages of it, its az and its region that touch each other are one. Of each,
        the last two are known, and who leaves while it is held is taken to have been out all the time."""
        topology, spans = self.topology, []
        for target in ("endpoint", endpoint), ("az", topology.az(endpoint)), ("region", topology.region(endpoint)):
            known = self.outages.get(target, [])[-2:]
            spans.append((known[0][0], known[-1][1]) if known else (0, 0))
        left, back = max(spans, key=lambda span: span[1])
        for _ in spans:
            left = min([left] + [other for other, end in spans if end >= left])
        return (left, back) if back else (0, 0)


class Unheld:
    """A state in which nobody waits for having come back a moment ago; Held: one where they do."""

    def __init__(self, state):
        self.effective, self.serves, self.shed, self.rtype = state.effective, state.serves, state.shed, state.rtype

    def within(self, tier, name):
        """As it is for members of this tier."""
        return self


class Unloaded(Unheld):
    """A state in which load is ignored."""

    def __init__(self, state):
        super().__init__(state)
        self.state, self.shed = state, lambda endpoint: fractions.Fraction(0)

    def within(self, tier, name):
        return Unloaded(self.state.within(tier, name)) if isinstance(self.state, Unheld) else self


class Held(Unheld):
    """Who came back serves those who have to leave another endpoint of the tier after that, unless the tier had lost
    answers to others before the first one came back: then it gets them when holds are over."""

    def __init__(self, state):
        super().__init__(state)
        self.state = state

    def within(self, tier, name):
        outages = {member: self.state.outage(member) for member in tier.members}
        returns = [back for _, back in outages.values() if 0 < back < math.inf]
        tier_state = Unheld(self.state)
        if not returns:
            return tier_state
        first, latest = min(returns), max(left for left, _ in outages.values())
        then = Unloaded(self.state)
        then.serves = lambda member: outages[member][0] > first or \
            (self.state.serves(member) and not first <= outages[member][1] < math.inf)
        admits = Measure(tier, name, then).takes == 1
        tier_state.serves = lambda member: self.state.serves(member) and \
            (not 0 < outages[member][1] < math.inf or (admits and latest > outages[member][1]))
        return tier_state


class Lenient(Unheld):
    """A state in which those serve, too, that are in one of these states."""

    def __init__(self, state, also):
        super().__init__(state)
        self.serves = lambda endpoint: state.serves(endpoint) or state.effective(endpoint) in also


def is_lost(out, members, lost_at):
    share = read_share(lost_at)
    share = fractions.Fraction(1) if share is None else share
    return out >= 1 and (out >= members or out + tolerate(members) >= share * members)


def find_resorts(document, rules):
    """What a name and its rules fall back to."""
    return [document.get("fallback", "first"), *[rule["fallback"] for rule in rules if "fallback" in rule]]


def find_spares(document, rules, topology):
    """Endpoints that are in pools only."""
    found = {name for resort in find_resorts(document, rules) if isinstance(resort, dict)
             for name in topology.expand_all(resort["pool"])}
    return found - set(topology.expand_all(document["endpoints"]))


def wants_static(document, rules):
    return any((resort.get("then") if isinstance(resort, dict) else resort) == "static"
               for resort in find_resorts(document, rules))


class Records:
    """What endpoints answer with for a name."""

    def __init__(self, origin, document, topology):
        self.origin, self.document, self.topology = origin, document, topology
        self.find = functools.lru_cache(maxsize=None)(self.read)

    def read(self, endpoint, rtype):
        written, narrowest, found = self.document.get("records", {}).get(rtype, {}), -1, None
        for key, value in written.items():
            narrowness = self.topology.narrowness(key, endpoint)
            if narrowness is not None and narrowness >= narrowest:
                narrowest, found = narrowness, places.as_list(value)
        if found is not None:
            return frozenset(write_rdata(rtype, text, self.origin) for text in found)
        has_addresses = self.document.get("addresses", "records" not in self.document)
        return frozenset(self.topology.addresses(endpoint, rtype) if has_addresses else ())

    def types(self, endpoints):
        return {rtype for rtype in TYPES for name in endpoints if self.find(name, rtype)}


class Tier:
    def __init__(self, members, document, name):
        self.members = members
        self.min_healthy = document.get("min_healthy", name.document.get("min_healthy"))
        self.spill_below = document.get("spill_below", name.document.get("spill_below"))
        self.trickle = read_share(document["trickle"]) if "trickle" in document else fractions.Fraction(0)


class Measure:
    """How much of a tier is there."""

    def __init__(self, tier, name, state):
        topology = name.topology
        by_capacity = all(topology.capacity(member) for member in tier.members)
        self.unit = topology.capacity if by_capacity else lambda member: 1
        self.count, self.whole, self.serving, left, serving = 0, 0, 0, 0, []
        for members in name.split_counted(tier.members, state.rtype).values():
            weighted = [member for member in members if name.weights[member] > 0]
            normal = weighted or members
            those = [member for member in weighted if state.serves(member)] or \
                [member for member in members if state.serves(member) and name.weights[member] == 0]
            serving += those
            self.count, self.whole = self.count + len(normal), self.whole + self.sum(normal)
            self.serving += min(self.sum(those), self.sum(normal))  # more standbys than are needed make up for nobody else
            left += min(self.sum_left(those, state), self.sum(normal))
        self.takes, self.qualifies, self.left = fractions.Fraction(0), False, self.sum_left(serving, state)
        if serving and self.meets(tier.min_healthy, self.serving, len(serving)) == 1:
            self.qualifies = True
            self.takes = self.meets(tier.spill_below, left, sum(1 - state.shed(member) for member in serving))

    def sum(self, members):
        return fractions.Fraction(sum(self.unit(member) for member in members))

    def sum_left(self, members, state):
        return sum((1 - state.shed(member)) * self.unit(member) for member in members)

    def meets(self, need, serving, count):
        """The part of a need that is there, at most 1."""
        if need is None:
            return fractions.Fraction(1)
        share = read_share(need)
        if share is None:
            return min(fractions.Fraction(count) / need, fractions.Fraction(1))
        if serving + tolerate(self.count) * self.whole / self.count >= share * self.whole:
            return fractions.Fraction(1)
        return serving / (share * self.whole)


def divide(measures, spread):
    """The share of each tier, before trickles; None if no tier serves."""
    left, shares = fractions.Fraction(1), []
    for number, measure in enumerate(measures):
        share = fractions.Fraction(0) if spread and number > 0 else min(measure.takes, left)
        shares.append(share)
        left -= share
    if spread and left > 0:
        others = [measure.left if measure.takes > 0 and number > 0 else 0 for number, measure in enumerate(measures)]
        if sum(others) > 0:
            shares = [share + left * other / sum(others) for share, other in zip(shares, others)]
    total = sum(shares)
    return [share / total for share in shares] if total else None


def trickle(shares, tiers, measures):
    """Who would get less than its trickle gets it, the others give it in proportion: (shares, who that is)."""
    due = [tier.trickle if measure.qualifies else fractions.Fraction(0) for tier, measure in zip(tiers, measures)]
    raised = set()
    while True:
        rest = 1 - sum(due[number] for number in raised)
        total = sum(share for number, share in enumerate(shares) if number not in raised)
        now = [due[number] if number in raised else share * rest / total for number, share in enumerate(shares)]
        more = {number for number, share in enumerate(now) if share < due[number]}
        if not more:
            return now, raised
        raised |= more


class Name:
    """A steered name of a policy document."""

    def __init__(self, at, document, topology, databases, rule_sets, floor):
        """at: (origin, owner)"""
        (self.origin, self.owner), self.document, self.topology = at, document, topology
        self.records = Records(self.origin, document, topology)
        self.rdata = self.records.find
        self.endpoints = topology.expand_all(document["endpoints"])
        rules = document.get("geo", [])
        self.is_shared = isinstance(rules, str)
        self.rules = rule_sets[rules] if self.is_shared else rules
        self.spares = find_spares(document, self.rules, topology)
        self.weights, self.groups = self.read_weights()
        self.sites = []
        for endpoint in self.endpoints:
            if topology.location(endpoint) not in self.sites:
                self.sites.append(topology.location(endpoint))
        self.tiers = document.get("tiers")
        self.geography = places.Geography(databases, self.rules, self.tiers, self.sites, self.is_default)
        self.floor, self.ttl = floor, max(read_seconds(document.get("ttl", 30)), floor)
        self.ttl_failing = max(read_seconds(document["ttl_failing"]), floor) if "ttl_failing" in document else None
        self.count = document.get("answers", 1)

    def read_weights(self):
        """endpoint -> weight; endpoint -> (key, share) of those that have a share in common."""
        weights = {name: self.topology.weight(name) for name in self.topology.endpoints}
        groups, of_name = {}, set(self.endpoints) | self.spares
        keys = self.document.get("weights", {}).items()
        for exact in False, True:
            for key, value in keys:
                if (key in self.topology.endpoints) == exact:
                    for endpoint in self.topology.expand(key) & of_name:
                        groups.pop(endpoint, None)
                        if isinstance(value, str):
                            groups[endpoint] = (key, read_share(value))
                        else:
                            weights[endpoint] = value
        return weights, groups

    def types(self):
        """Which types are steered: those that any endpoint has."""
        return self.records.types([*self.endpoints, *self.spares])

    # ---- tiers of a class ----

    def list_tiers(self, tiers):
        if tiers is None:
            return [Tier(self.endpoints, {}, self)]
        listed, taken = [], set()
        for item in tiers:
            what = item if isinstance(item, dict) else {"members": item}
            inside = set(self.topology.expand_all(what["members"])) - taken
            members = [name for name in self.endpoints if name in inside]
            taken |= inside
            if members:
                listed.append(Tier(members, what, self))
        return listed

    def near_tiers(self, tiers, order):
        _, others = places.read_nearest(tiers)
        near = [self.sites[number] for number in order]
        lists = [[name for name in self.endpoints if self.topology.location(name) == site] for site in near]
        rest = [name for name in self.endpoints if self.topology.location(name) not in near]
        return [Tier(members, {}, self) for members in lists + ([rest] if others and rest else [])]

    def tiers_of(self, found):
        """The tiers of a class, and what else its rule says."""
        rule = {} if found.rule is None else self.rules[found.rule]
        tiers = rule.get("tiers", self.tiers)
        return self.list_tiers(tiers) if found.order is None else self.near_tiers(tiers, found.order), rule

    def is_default(self, rule):
        """Does a rule give what clients get that no rule matches?"""
        if isinstance(rule["tiers"], (str, dict)) or isinstance(self.tiers, (str, dict)) or rule.get("fence") or \
                "fallback" in rule or rule.get("spill", self.document.get("spill", "next")) != self.document.get("spill", "next"):
            return False
        one, other = [[(tier.members, str(read_share(tier.min_healthy)), str(read_share(tier.spill_below)),
                        tier.min_healthy if read_share(tier.min_healthy) is None else None,
                        tier.spill_below if read_share(tier.spill_below) is None else None, tier.trickle)
                       for tier in self.list_tiers(tiers)] for tiers in (rule["tiers"], self.tiers)]
        return one == other

    # ---- answers ----

    def offer(self, members, rtype, state):
        """Of members that serve: those with a weight, or else the standbys; of these, who has such a record; of these,
        who does not shed everything, if anybody."""
        chosen = [name for name in members if self.weights[name] > 0] or members
        able = [name for name in chosen if self.rdata(name, rtype)]
        return [name for name in able if state.shed(name) < 1] or able

    def split_groups(self, members):
        """Those that have a share in common, and all that have none."""
        by_group = {}
        for member in members:
            by_group.setdefault(self.groups.get(member), []).append(member)
        return by_group

    def split_counted(self, members, rtype):
        """The same, without those that have no such address, if some group has one by those who normally answer in it."""
        groups = self.split_groups(members)
        if rtype not in ("A", "AAAA"):
            return groups
        normal = {group: [name for name in inside if self.weights[name] > 0] or inside for group, inside in groups.items()}
        own = {group: [name for name in inside if self.rdata(name, rtype)] for group, inside in groups.items()
               if any(self.rdata(name, rtype) for name in normal[group])}
        return own or groups

    def list_counted(self, members, rtype):
        return [name for inside in self.split_counted(members, rtype).values() for name in inside]

    def split(self, tier, rtype, state):
        """[(share of the tier, members)]: one for each share that is written, and one for all others."""
        by_group, state = self.split_counted(tier.members, rtype), state.within(tier, self)
        offers = {group: self.offer([name for name in members if state.serves(name)], rtype, state)
                  for group, members in by_group.items()}
        offers = {group: members for group, members in offers.items() if members}
        shares = {group: group[1] for group in offers if group is not None}
        if None in offers:
            shares[None] = 1 - sum(shares.values())
        total = sum(shares.values())
        return [(share / total, offers[group]) for group, share in shares.items() if share] if total else \
            [(fractions.Fraction(1), members) for members in offers.values()]

    def make_part(self, share, tier, members, state, trickles=False):
        weights = [max(self.weights[name], 1) * float(1 - state.shed(name)) for name in members]  # standbys are all alike
        if not any(weights):
            return self.make_part(share, tier, members, Unloaded(state), trickles)
        return Part(share, tier, members, weights, trickles)

    def from_tiers(self, tiers, shares, rtype, state, raised=()):
        parts = [self.make_part(share * fraction, number, members, state, number in raised)
                 for number, (tier, share) in enumerate(zip(tiers, shares)) if share
                 for fraction, members in self.split(tier, rtype, state)]
        total = sum(part.share for part in parts)
        return [part._replace(share=part.share / total) for part in parts]

    def last_resort(self, rule):
        """(pool or None, then)"""
        own, general = rule.get("fallback"), self.document.get("fallback", "first")
        chosen = general if own is None else own
        if not isinstance(chosen, dict):
            return None, chosen
        pool = None if own is None and rule.get("fence") else self.topology.expand_all(chosen["pool"])
        return pool, chosen.get("then", "first")

    def fall_back(self, tiers, rule, rtype, state):
        """(source, parts, endpoints that were looked at)"""
        pool, then = self.last_resort(rule)
        if pool is not None and any(map(state.serves, self.list_counted(pool, rtype))):
            return "pool", self.from_tiers([Tier(pool, {}, self)], [fractions.Fraction(1)], rtype, state), pool
        if then == "first":
            source, number, parts = self.from_first(tiers, rule, rtype, state)
            return source, parts, (pool or []) + (self.endpoints if number == len(tiers) or source != "first" else [])
        if then != "all":
            return then, [], pool or []
        offered = [name for tier in tiers for name in tier.members] if rule.get("fence") else self.endpoints
        looked_at = offered + (pool or [])
        offered = [name for name in self.endpoints if name in offered and state.effective(name) != "drained"]
        unloaded = Unloaded(state)  # the load of what is out is not known
        members = self.offer(offered, rtype, unloaded)
        return ("all" if offered else "nodata", [self.make_part(fractions.Fraction(1), None, members, unloaded)] if members else [],
                looked_at)

    def from_first(self, tiers, rule, rtype, state):
        """(source, which tier, parts): tier by tier, and behind them, unless there is a fence, all others: who serves; else whom checks
        speak against; else who was taken down."""
        inside = {name for tier in tiers for name in tier.members}
        others = [] if rule.get("fence") else [name for name in self.endpoints if name not in inside]
        for source, also in ("first", set()), ("first_sick", {"unhealthy"}), ("first_sick", {"unhealthy", "forced_down"}):
            accepts = Lenient(state, also)
            for number, tier in enumerate([*tiers, Tier(others, {}, self)]):
                if any(map(accepts.serves, self.list_counted(tier.members, rtype))):
                    parts = self.from_tiers([tier], [fractions.Fraction(1)], rtype, accepts)
                    return source, number, [part._replace(tier=number) for part in parts]
        return "nodata", None, []

    def from_some_tiers(self, tiers, rule, rtype, state):
        """Parts, or None if no tier serves."""
        measures = [Measure(tier, self, state.within(tier, self)) for tier in tiers]
        spread = rule.get("spill", self.document.get("spill", "next")) == "capacity"
        shares = divide(measures, spread)
        if shares is None and any(map(state.shed, self.endpoints)):
            return self.from_some_tiers(tiers, rule, rtype, Unloaded(state))
        if shares is None:
            return None
        shares, raised = trickle(shares, tiers, measures)
        parts = self.from_tiers(tiers, shares, rtype, state, raised)
        if any(map(state.shed, self.endpoints)) and \
                all(state.shed(member) == 1 for part in parts for member in part.members):
            return self.from_some_tiers(tiers, rule, rtype, Unloaded(state))  # all that could answer shed everything
        return parts

    def evaluate(self, found, rtype, state):
        """(source, parts, what limits the TTL or None, the tiers) for a class."""
        tiers, rule = self.tiers_of(found)
        looked_at = [name for tier in tiers for name in tier.members]
        source, parts, unheld = "tier", None, Unheld(state)
        if "hold" in self.document.get("sticky", {}):
            parts = self.from_some_tiers(tiers, rule, rtype, Held(state))
        if parts is None:
            parts = self.from_some_tiers(tiers, rule, rtype, unheld)
        if parts is None:
            source, parts, more = self.fall_back(tiers, rule, rtype, unheld)
            looked_at += more
        failing = not all(map(state.serves, looked_at)) or any(map(state.awaits, looked_at))
        limits = [max(ttl, self.floor) for name in looked_at for ttl in state.list_ttls(name)]
        limits += [self.ttl_failing] if failing and self.ttl_failing is not None else []
        return source, parts, min(limits, default=None), tiers

    def expect(self, found, scope, rtype, subnet_bits, state):
        """subnet_bits: which of the client's addresses stick together, by its family."""
        source, parts, limit, tiers = self.evaluate(found, rtype, state.seen_for(rtype))
        candidates = sum(len(part.members) for part in parts)
        if self.document.get("pick") == "sticky" and candidates > 1:
            scope = max(scope, subnet_bits)
        if source in ("tier", "pool", "first", "first_sick", "all") and not parts:
            source = "nodata"
        ttl = self.ttl if limit is None else min(self.ttl, limit)
        return Expected(source, parts, ttl, limit, scope, self.list_fence(found, tiers))

    def list_fence(self, found, tiers):
        """Endpoints that clients of the class may be sent to at all; None: there is no fence."""
        rule = {} if found.rule is None else self.rules[found.rule]
        if not rule.get("fence"):
            return None
        own = rule.get("fallback")
        pool = self.topology.expand_all(own["pool"]) if isinstance(own, dict) else []
        return {name for tier in tiers for name in tier.members} | set(pool)

    def stick_bits(self, version):
        sticky = self.document.get("sticky", {})
        return sticky.get("ipv4_prefix", 24) if version == 4 else sticky.get("ipv6_prefix", 56)
