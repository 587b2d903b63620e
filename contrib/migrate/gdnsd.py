# SPDX-License-Identifier: BSD-3-Clause
"""What build.py does otherwise for gdnsd: thresholds of data centres, resources that are down for ever, TTLs that depend on
monitors, and telling what gdnsd does otherwise.

The secondary of a failover has weight 0, a standby: where everything is down, fallback "all" (which every name gets, since
steerd's default is another one) answers those that are no standbys, which is what gdnsd answers then."""
import dataclasses

from .build import WEIGHT_MAX, Builder, scale
from .model import ALL, ROUND_ROBIN, WEIGHTED, Nearest

ANSWERS_MAX = 64


class GdnsdBuilder(Builder):
    def __init__(self, services, locations, report):
        super().__init__(services, locations, report)
        self.counted = set()  # tiers whose thresholds are weights that have to be counts

    def prepare(self, names):
        for name in names:
            name.plan = self.without_down(name.plan)

    def settle(self, tiers):
        for tier in tiers:
            self.weigh(tier)

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

    # ---- names ----

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
