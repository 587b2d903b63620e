# SPDX-License-Identifier: BSD-3-Clause
"""Plans: what a gdnsd resource answers, in our words. Plugins make them, build.py writes them.

A plan has tiers in order of preference and, for geoip, rules that give other tiers. What gdnsd does with a name that is
more than that (several records, odds, limits) is in the tier's pick."""
import dataclasses

ALL, WEIGHTED, ROUND_ROBIN = "all", "weighted", "round-robin"


@dataclasses.dataclass(frozen=True)
class Target:
    """Addresses (one, or one of each family) that are answered together, and what watches them."""
    label: str
    addresses: tuple
    services: tuple
    weight: int = 1


@dataclasses.dataclass(frozen=True)
class Tier:
    targets: tuple
    place: str
    resource: str
    pick: str = None      # None: one target, so nothing is picked
    answers: int = 1      # for WEIGHTED
    enough: int = 1       # how many targets have to be up, by gdnsd's up_thresh
    enough_weight: int = 0  # or how much weight, where weights differ; enough is the least number that can have it then
    path: tuple = ()      # the data centres around it, outermost first: (plugin, name)

    def inside(self, plugin, datacenter):
        return dataclasses.replace(self, path=((plugin, datacenter),) + self.path)


class Nearest(list):
    """Tiers by distance to the client: the nearest `limit` of these, one for each data centre."""

    def __init__(self, tiers, limit):
        super().__init__(tiers)
        self.limit = limit


@dataclasses.dataclass
class Plan:
    tiers: list = dataclasses.field(default_factory=list)
    rules: list = dataclasses.field(default_factory=list)    # (when, tiers), narrowest first
    map_name: str = None                                     # of the geoip map that the rules are of
    cnames: list = dataclasses.field(default_factory=list)   # targets, each with its place
    static: list = dataclasses.field(default_factory=list)   # addresses that nothing watches or changes

    def choices(self):
        """The tiers of each class of clients."""
        return [self.tiers, *(tiers for _, tiers in self.rules)]

    def all_tiers(self):
        return [tier for tiers in self.choices() for tier in tiers]


class Unsupported(Exception):
    """A resource that cannot be expressed; place and reason."""

    def __init__(self, place, reason):
        super().__init__(f"{place}: {reason}")
        self.place, self.reason = place, reason
