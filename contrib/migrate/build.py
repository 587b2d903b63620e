# SPDX-License-Identifier: BSD-3-Clause
"""Plans -> topology and policies. Data centres become regions, addresses and targets of CNAMEs endpoints; equal ones of
one data centre with equal checks become one endpoint, so that one check and one override serve all names. gdnsd.py has what
is gdnsd's alone."""
import dataclasses
import re

from .model import NOBODY, STICKY, WEIGHTED, Nearest

WEIGHT_MAX = 65535
NAME_MAX = 63
REGION = "everywhere"  # of addresses in no data centre
UNCHECKED = "-unchecked"


class Names:
    """The one name space of regions, azs and endpoints."""

    def __init__(self):
        self.taken = set()

    def make(self, wanted):
        text = re.sub("[^A-Za-z0-9_.-]", "-", wanted).lstrip("-")[:NAME_MAX] or "x"
        made, number = text, 2
        while made in self.taken:
            made = f"{text[:NAME_MAX - len(str(number)) - 1]}-{number}"
            number += 1
        self.taken.add(made)
        return made


@dataclasses.dataclass
class Endpoint:
    name: str
    region: str
    az: str
    target: object
    checks: tuple
    capacity: int = 0  # its weight in gdnsd, where thresholds are sums of weights


class Topology:
    def __init__(self, services, locations):
        self.services, self.locations = services, locations
        self.names = Names()
        self.watched = set()  # regions with endpoints that are checked
        self.tree = {}        # region -> its name, azs
        self.endpoints = {}   # (place, addresses or host, checks) -> Endpoint
        self.anywhere = {}    # (addresses or host, checks) -> Endpoint

    @staticmethod
    def split_path(path):
        """Names of region and az of data centres: that of geoip is the region if there is one, else the outermost."""
        if not path:
            return REGION, "a"
        at = next((at for at, (plugin, _) in enumerate(path) if plugin == "geoip"), 0)
        return path[at][1], "-".join(name for _, name in path[at + 1:]) or "a"

    def watch(self, tier, target):
        """To be told of all targets before any is asked for: which regions have something that is checked."""
        if self.services.checks(target.services):
            self.watched.add(self.split_path(target.path or tier.path)[0])

    def locate(self, path, checks, group):
        region, az = self.split_path(path)
        az = f"{az}-{group}" if group else az
        if not checks and region in self.watched:
            region += UNCHECKED  # else it would be lost with those that are checked; gdnsd has no such roll-up
        if region not in self.tree:
            self.tree[region] = (self.names.make(region), {})
        name, azs = self.tree[region]
        if az not in azs:
            azs[az] = self.names.make(az if path and path[-1][0] == "pool" else f"{name}-{az}")
        return name, azs[az]

    def get(self, tier, target):
        checks, path = self.services.checks(target.services), target.path or tier.path
        group = f"{tier.resource}-{target.group}" if target.group else ""
        place = self.anywhere.get((target.where, checks)) if not path and not group else None
        key = (path or group) and self.locate(path, checks, group), target.where, checks, target.healthy_if
        if place is None and key not in self.endpoints:
            region, az = self.locate(path, checks, group)
            label = f"{tier.resource}-{target.label}" if tier.resource not in target.label else target.label
            made = Endpoint(self.names.make(label), region, az, target, checks)
            self.endpoints[key] = self.anywhere[target.where, checks] = made
        return place or self.endpoints[key]

    def locate_place(self, place):
        """Of a region, or a (region, az)."""
        return {"location": self.locations[place]} if place in self.locations else {}

    def document(self, rules, name_groups):
        def write(endpoint):
            target = endpoint.target
            what = {"host": target.host} if target.host is not None else {"addresses": list(target.addresses)}
            document = {"az": endpoint.az, **what}
            if target.weight != 1:
                document["weight"] = scale(target.weight)
            if endpoint.capacity:
                document["capacity"] = endpoint.capacity
            if endpoint.checks:
                document["checks"] = [self.services.use(check, target) for check in endpoint.checks]
            if endpoint.checks and target.healthy_if:
                document["healthy_if"] = {"at_least": target.healthy_if}
            return document
        used = {check for endpoint in self.endpoints.values() for check in endpoint.checks}
        document = {"regions": {}}
        for key, (region, azs) in self.tree.items():
            place = key.removesuffix(UNCHECKED)
            document["regions"][region] = {**self.locate_place(place),
                                           "azs": {az: self.locate_place((place, inner)) for inner, az in azs.items()}}
        checks = {name: check for name, check in self.services.documents().items() if name in used}
        if checks:
            document["checks"] = checks
        document["endpoints"] = {endpoint.name: write(endpoint) for endpoint in self.endpoints.values()}
        return {**document, **({"geo_rules": rules} if rules else {}), **({"name_groups": name_groups} if name_groups else {})}


def scale(weight):
    """gdnsd's weights go up to 2^20, ours to 2^16; none becomes 0."""
    return weight if weight <= WEIGHT_MAX else max(weight >> 4, 1)


@dataclasses.dataclass
class Name:
    """A DYNA or DYNC record that becomes a steered name."""
    origin: str
    owner: str
    plan: object
    place: str
    ttl_max_s: int
    ttl_min_s: int
    limits: dict  # of addresses in an answer: "$ADDR_LIMIT_V4" -> number
    resource: str = ""  # that the record names, such as metafo!www


class Builder:
    def __init__(self, services, locations, report):
        self.services, self.report = services, report
        self.topology = Topology(services, locations)
        self.rule_names, self.rules, self.rule_sets = Names(), {}, {}
        self.policies = {}  # origin -> names

    def build(self, names):
        self.prepare(names)
        uses = [(tier, target) for name in names for tier in name.plan.all_tiers() + name.plan.pools() for target in tier.targets]
        for tier, target in uses:
            self.topology.watch(tier, target)
        for tier, target in sorted(uses, key=lambda use: not use[0].path):  # names in no data centre share endpoints
            self.topology.get(tier, target)
        self.settle(dict.fromkeys(tier for tier, _ in uses))
        for name in names:
            self.policies.setdefault(name.origin, {})[name.owner] = self.write_name(name)

    # ---- what a source may do otherwise ----

    def prepare(self, names):
        """Before anything is made of them."""

    def settle(self, tiers):
        """All endpoints are there."""

    def threshold(self, tier, kept=None):
        """min_healthy of a tier, None for one endpoint. kept: how many of its endpoints no earlier tier has."""
        enough = tier.enough if kept is None else min(tier.enough, kept)
        return enough if enough > 1 else None

    def general_threshold(self, _plan):
        """What the name says for all tiers."""
        return None

    def find_standby(self, _plan):
        """Names of endpoints that get the weight 0."""
        return set()

    def choose_pick(self, name):
        picks = [(tier.pick, tier.answers) for tier in name.plan.all_tiers() if tier.pick is not None]
        if len(set(picks)) > 1:
            self.report.approximate(name.place, f"{name.owner}: its places pick in different ways, steerd as the first of them does: "
                                                f"{picks[0][0]}")
        return picks[0] if picks else (WEIGHTED, 1)

    def choose_ttl(self, name):
        return name.ttl_max_s

    def report_differences(self, name):
        """All is known of it."""

    # ---- names ----

    def write_name(self, name):
        plan = name.plan
        pick, answers = self.choose_pick(name)
        document = {"ttl": self.choose_ttl(name), "endpoints": self.list_endpoints(plan)}
        weights = self.choose_weights(plan)
        if weights:
            document["weights"] = weights
        if len(plan.tiers) != 1 or plan.rules:
            inside = self.find_inside(plan)
            general = self.general_threshold(plan)
            document.update(self.write_default(plan, inside, general))
            if plan.rules:
                document["geo"] = self.share_rules(plan, inside, general)
        else:
            general = self.threshold(plan.tiers[0])
        if general is not None:
            document["min_healthy"] = general
        document["pick"] = pick
        if pick == STICKY and plan.sticky:
            document["sticky"] = plan.sticky
        if answers > 1:
            document["answers"] = answers
            if any(tier.apart for tier in plan.all_tiers()):
                document["apart"] = "az"
        records = self.write_records(plan)
        if records:
            document.update(addresses=self.has_addresses(plan), records=records)
        if plan.has_hosts():
            document["host_answer"] = plan.host_answer
        document.setdefault("fallback", self.write_fallback(plan))
        if plan.ignores_subnet:
            document["client_subnet"] = "ignore"
        self.report_differences(name)
        return document

    def members(self, tier):
        return list(dict.fromkeys(self.topology.get(tier, target).name for target in tier.targets))

    def list_endpoints(self, plan):
        return list(dict.fromkeys(name for tier in plan.all_tiers() for name in self.members(tier)))

    def write_fallback(self, plan):
        return plan.fallback if plan.pool is None else {"pool": self.members(plan.pool), "then": plan.fallback}

    @staticmethod
    def has_addresses(plan):
        """Whether endpoints answer with their own: where some of them are nobody's all addresses are written as records."""
        return all(target.addresses != NOBODY for target in plan.targets())

    def write_records(self, plan):
        """type -> endpoint -> rdata: what endpoints answer besides their addresses."""
        records, is_written = {}, not self.has_addresses(plan)
        for tier in plan.all_tiers():
            for target in tier.targets:
                own = dict(target.records)
                for address in target.addresses if is_written and target.addresses != NOBODY else ():
                    own.setdefault("AAAA" if ":" in address else "A", (address,))
                for rtype, rdata in own.items():
                    records.setdefault(rtype, {})[self.topology.get(tier, target).name] = list(rdata)
        return records

    def write_default(self, plan, inside, general):
        """For clients that no rule matches."""
        return {"tiers": self.write_tiers(inside, plan.tiers, general)} if plan.tiers else self.write_nothing(plan)

    def share_rules(self, plan, inside, general):
        """The name of a rule set of the topology: names of one map have the same. Rules of no map stand in the name."""
        own = {} if plan.tiers else {"fallback": self.write_fallback(plan)}
        written = [{"when": when, "tiers": self.write_tiers(inside, tiers, general), **own} if tiers else
                   {"when": when, **self.write_nothing(plan)} for when, tiers in plan.rules]
        if plan.map_name is None:
            return written
        key = plan.map_name, tuple((id(rule["when"]), repr(rule)) for rule in written)
        if key not in self.rule_sets:
            self.rule_sets[key] = self.rule_names.make(plan.map_name)
            self.rules[self.rule_sets[key]] = written
        return self.rule_sets[key]

    def write_nothing(self, plan):
        """For clients who get no answer of an endpoint: a tier that never has enough."""
        members = self.list_endpoints(plan)
        return {"tiers": [{"members": members, "min_healthy": len(members) + 1}], "fallback": plan.nothing}

    def find_inside(self, plan):
        """Which of a name's endpoints are in each region and az."""
        inside = {}
        for tier in plan.all_tiers():
            for target in tier.targets:
                endpoint = self.topology.get(tier, target)
                for place in endpoint.region, endpoint.az:
                    inside.setdefault(place, set()).add(endpoint.name)
        return inside

    def write_tiers(self, inside, tiers, general):
        """Each tier by the name of its region or az if that holds all of the name's endpoints there and no others, and
        with what it needs to serve, if that is not what the name says in general."""
        if isinstance(tiers, Nearest):
            return {"nearest": tiers.limit, "others": tiers.others}
        written, seen = [], set()
        for tier in tiers:
            members = [name for name in self.members(tier) if name not in seen]
            seen.update(members)
            endpoint = self.topology.get(tier, tier.targets[0])
            if members:
                holds = [place for place in (endpoint.region, endpoint.az) if inside[place] == set(members)]
                what = holds[:1] if (tier.path or tier.targets[0].path) and holds else members
                need = self.threshold(tier, len(members))
                written.append(what if need == general else {"members": what, "min_healthy": need or 1})
        return written

    def choose_weights(self, plan):
        """Weights of this name that are not those of the topology; 0 for what is behind the first tier."""
        weights, standby = {}, self.find_standby(plan)
        for tier in plan.all_tiers():
            for target in tier.targets:
                endpoint = self.topology.get(tier, target)
                weight = 0 if endpoint.name in standby else scale(target.weight)
                if weight != scale(endpoint.target.weight) and endpoint.name not in weights:
                    weights[endpoint.name] = weight
        return weights

    def is_watched(self, tier):
        return any(self.services.checks(target.services) for target in tier.targets)
