# SPDX-License-Identifier: BSD-3-Clause
"""Plans -> topology and policies. Data centres become regions, addresses and targets of CNAMEs endpoints; equal ones of
one data centre with equal checks become one endpoint, so that one check and one override serve all names.

The secondary of a failover has weight 0, a standby: where everything is down, fallback "all" (which every name gets, since
steerd's default is another one) answers those that are no standbys, which is what gdnsd answers then."""
import dataclasses
import re

from .model import ALL, ROUND_ROBIN, WEIGHTED, Nearest

WEIGHT_MAX = 65535
ANSWERS_MAX = 64
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
            self.watched.add(self.split_path(tier.path)[0])

    def locate(self, path, checks, group):
        region, az = self.split_path(path)
        az = f"{az}-{group}" if group else az
        if not checks and region in self.watched:
            region += UNCHECKED  # else it would be lost with those that are checked; gdnsd has no such roll-up
        if region not in self.tree:
            self.tree[region] = (self.names.make(region), {})
        name, azs = self.tree[region]
        if az not in azs:
            azs[az] = self.names.make(f"{name}-{az}")
        return name, azs[az]

    def get(self, tier, target):
        checks = self.services.checks(target.services)
        group = f"{tier.resource}-{target.group}" if target.group else ""
        place = self.anywhere.get((target.where, checks)) if not tier.path and not group else None
        key = (tier.path or group) and self.locate(tier.path, checks, group), target.where, checks
        if place is None and key not in self.endpoints:
            region, az = self.locate(tier.path, checks, group)
            label = f"{tier.resource}-{target.label}" if tier.resource not in target.label else target.label
            made = Endpoint(self.names.make(label), region, az, target, checks)
            self.endpoints[key] = self.anywhere[target.where, checks] = made
        return place or self.endpoints[key]

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
            return document
        used = {check for endpoint in self.endpoints.values() for check in endpoint.checks}
        document = {"regions": {}}
        for key, (region, azs) in self.tree.items():
            location = self.locations.get(key.removesuffix(UNCHECKED))
            document["regions"][region] = {**({"location": location} if location else {}),
                                           "azs": {az: {} for az in azs.values()}}
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
        self.counted = set()  # tiers whose thresholds are weights that have to be counts

    def build(self, names):
        for name in names:
            name.plan = self.without_down(name.plan)
        uses = [(tier, target) for name in names for tier in name.plan.all_tiers() for target in tier.targets]
        for tier, target in uses:
            self.topology.watch(tier, target)
        for tier, target in sorted(uses, key=lambda use: not use[0].path):  # names in no data centre share endpoints
            self.topology.get(tier, target)
        for tier in dict.fromkeys(tier for tier, _ in uses):
            self.weigh(tier)
        for name in names:
            self.policies.setdefault(name.origin, {})[name.owner] = self.write_name(name)

    # ---- resources that are always down ----

    @staticmethod
    def without_down(plan):
        """What has failed for ever is never answered while anything else is in the name; else the first of it is."""
        def up(tiers):
            kept = [tier for tier in tiers if not tier.is_down]
            kept = kept or [tier for tier in tiers if (tier.resource, tier.path) == (tiers[0].resource, tiers[0].path)]
            return Nearest(kept, tiers.limit) if isinstance(tiers, Nearest) else kept
        return dataclasses.replace(plan, tiers=up(plan.tiers), rules=[(when, up(tiers)) for when, tiers in plan.rules],
                                   down_ttls=tuple(ttl for tier in plan.all_tiers() for ttl in tier.down_ttls))

    # ---- names ----

    def write_name(self, name):
        plan = name.plan
        pick, answers = self.choose_pick(name)
        document = {"ttl": self.choose_ttl(name), "endpoints": self.list_endpoints(plan)}
        weights = self.choose_weights(plan)
        if weights:
            document["weights"] = weights
        if len(plan.tiers) > 1 or plan.rules:
            inside = self.find_inside(plan)
            general = self.general_threshold(plan)
            document["tiers"] = self.write_tiers(inside, plan.tiers, general)
            if plan.rules:
                document["geo"] = self.share_rules(plan, inside, general)
        else:
            general = self.threshold(plan.tiers[0])
        if general is not None:
            document["min_healthy"] = general
        document["pick"] = pick
        if answers > 1:
            document["answers"] = answers
            if any(tier.apart for tier in plan.all_tiers()):
                document["apart"] = "az"
        if plan.has_hosts():
            document["host_answer"] = "cname"
        document["fallback"] = "all"
        if plan.ignores_subnet:
            document["client_subnet"] = "ignore"
        self.report_differences(name)
        return document

    def members(self, tier):
        return list(dict.fromkeys(self.topology.get(tier, target).name for target in tier.targets))

    def list_endpoints(self, plan):
        return list(dict.fromkeys(name for tier in plan.all_tiers() for name in self.members(tier)))

    def share_rules(self, plan, inside, general):
        """The name of a rule set of the topology: names of one map have the same."""
        written = [{"when": when, "tiers": self.write_tiers(inside, tiers, general)} if tiers else
                   {"when": when, **self.write_nothing(plan)} for when, tiers in plan.rules]
        key = plan.map_name, tuple((id(rule["when"]), repr(rule)) for rule in written)
        if key not in self.rule_sets:
            self.rule_sets[key] = self.rule_names.make(plan.map_name)
            self.rules[self.rule_sets[key]] = written
        return self.rule_sets[key]

    def write_nothing(self, plan):
        """For clients who get no answer: a tier that never has enough, and no fallback."""
        members = self.list_endpoints(plan)
        return {"tiers": [{"members": members, "min_healthy": len(members) + 1}], "fallback": "nodata"}

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
            return {"nearest": tiers.limit, "others": False}
        written, seen = [], set()
        for tier in tiers:
            members = [name for name in self.members(tier) if name not in seen]
            seen.update(members)
            endpoint = self.topology.get(tier, tier.targets[0])
            if members:
                holds = [place for place in (endpoint.region, endpoint.az) if inside[place] == set(members)]
                what = holds[:1] if tier.path and holds else members
                need = self.threshold(tier, len(members))
                written.append(what if need == general else {"members": what, "min_healthy": need or 1})
        return written

    # ---- thresholds, which count for what nothing watches as well: an operator may force it down ----

    def tell_threshold(self, tier, text):
        if self.is_watched(tier):
            self.report.approximate(tier.place, f"{tier.resource}: up_thresh: {text}")

    def weigh(self, tier):
        """Where gdnsd adds up different weights to see whether enough is up, they become capacities."""
        if not tier.enough_weight:
            return
        weights = {self.topology.get(tier, target).name: target for target in tier.targets}
        endpoints = [(self.topology.get(tier, target), target.weight) for target in weights.values()]
        if len(weights) < len(tier.targets) or any(endpoint.capacity not in (0, weight) for endpoint, weight in endpoints):
            self.counted.add(tier)
            self.tell_threshold(tier, f"gdnsd adds up the weights of those that are up, steerd counts them, and needs {tier.enough}")
            return
        for endpoint, weight in endpoints:
            endpoint.capacity = weight

    def threshold(self, tier, kept=None):
        """min_healthy of a tier, None for one endpoint. kept: how many of its endpoints no earlier tier has."""
        if max(tier.enough, tier.enough_weight) <= 1:
            return None
        if kept is not None and kept < len(self.members(tier)):
            self.tell_threshold(tier, "some of its addresses are in an earlier data centre, too; steerd answers those that are "
                                      "up of the others, however few")
            return None
        weights = [target.weight for target in tier.targets]
        if not tier.enough_weight or tier in self.counted:
            return tier.enough if tier.enough > 1 else None
        if tier.enough_weight <= min(weights):
            return None
        return f"{100 * tier.enough_weight / sum(weights):.6f}".rstrip("0").rstrip(".") + "%"

    def general_threshold(self, plan):
        """What the name says for all tiers: those by distance cannot say it themselves."""
        near = [tier for tiers in plan.choices() if isinstance(tiers, Nearest) for tier in tiers]
        needs = {self.threshold(tier) for tier in near}
        if len(needs) > 1:
            self.tell_threshold(near[0], "its data centres need different numbers; steerd orders them by distance and takes any "
                                         "of which something is up")
        return needs.pop() if len(needs) == 1 else None

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

    def find_standby(self, plan):
        """Endpoints behind the first tier, if that is the first one of all clients, and no weights are lost."""
        if any(isinstance(tiers, Nearest) for tiers in plan.choices()):
            return set()
        firsts = {tuple(self.members(tiers[0])) for tiers in plan.choices() if tiers}
        behind = [tier for tiers in plan.choices() for tier in tiers[1:]]
        if len(firsts) != 1 or any(len({target.weight for target in tier.targets}) > 1 for tier in behind):
            return set()
        return {name for tier in behind for name in self.members(tier)} - set(firsts.pop())

    @staticmethod
    def count_family(tiers, version):
        """The largest number of addresses of one family that a tier has."""
        return max(sum((":" in address) == (version == 6) for target in tier.targets for address in target.addresses)
                   for tier in tiers)

    def choose_pick(self, name):
        tiers = name.plan.all_tiers()
        picks = {(tier.pick, tier.answers) for tier in tiers if tier.pick is not None}
        pick, answers = next(((tier.pick, tier.answers) for tier in tiers if tier.pick is not None), (WEIGHTED, 1))
        if len(picks) > 1:
            self.report.approximate(name.place, f"{name.owner}: data centres pick in different ways, steerd as the first "
                                                f"of them does: {pick}")
        if name.plan.has_hosts():
            if pick == ALL or answers > 1:
                self.report.approximate(name.place, f"{name.owner}: gdnsd answers several addresses or a CNAME, steerd one "
                                                    "address or the CNAME")
            return (ROUND_ROBIN if pick == ALL else pick), 1
        largest = max(self.count_family(tiers, 4), self.count_family(tiers, 6))
        limit = min([number for number in name.limits.values() if number] or [largest])
        if pick == ALL and limit < largest:
            return ROUND_ROBIN, min(limit, ANSWERS_MAX)
        if pick == ALL and largest > ANSWERS_MAX:
            self.report.approximate(name.place, f"{name.owner}: answers have {ANSWERS_MAX} of {largest} addresses, in turn")
        return pick, min(answers, ANSWERS_MAX)

    def choose_ttl(self, name):
        """What gdnsd answers while everything is up."""
        services = {service for tier in name.plan.all_tiers() for target in tier.targets for service in target.services}
        known = [self.services.known[service].up_ttl_s for service in services]
        ttl = max(min([seconds for seconds in known if seconds is not None] + [name.ttl_max_s, *name.plan.down_ttls]),
                  name.ttl_min_s)
        for service in services:
            if self.services.known[service].check is not None and ttl != name.ttl_min_s:
                self.report.approximate(self.services.nodes.place_of(service),
                                        f"service type {service}: names that it watches have the TTL that gdnsd gives them "
                                        "while everything is up; gdnsd lowers it while something is not")
        return ttl

    # ---- what is different ----

    def report_differences(self, name):
        plan = name.plan
        if any(target.weight > WEIGHT_MAX for tier in plan.all_tiers() for target in tier.targets):
            self.report.approximate(name.place, f"{name.owner}: weights over {WEIGHT_MAX} are divided by 16")
        is_chosen = len(plan.all_tiers()) > 1 and len(self.list_endpoints(plan)) > 1
        if is_chosen and not self.find_standby(plan) and any(self.is_watched(tier) for tier in plan.all_tiers()):
            self.report.approximate(name.place, f"{name.owner}: where everything is down gdnsd answers the first data "
                                                "centre, steerd all of those that the client's rule names")

    def is_watched(self, tier):
        return any(self.services.checks(target.services) for target in tier.targets)
