# SPDX-License-Identifier: BSD-3-Clause
"""Plans: what a name answers, in our words, whatever server it comes from. The modules of the sources make them, build.py
writes them.

A plan has tiers in order of preference and may have rules that give other tiers to some clients. What the other server does
with a name that is more than that (several records, odds, limits) is in the tier's pick."""
import dataclasses

ALL, WEIGHTED, ROUND_ROBIN, STICKY = "all", "weighted", "round-robin", "sticky"
NOBODY = ("127.0.0.1",)  # addresses of what has records and no address: they are asked by nobody and answered to nobody


@dataclasses.dataclass(frozen=True)
class Target:
    """Addresses (one, or one of each family) that are answered together, or the target of a CNAME, and what watches it."""
    label: str
    addresses: tuple
    services: tuple
    weight: int = 1
    host: str = None  # without the final dot; there are no addresses then
    group: str = ""   # of which no other is in an answer with it: an az of its own
    path: tuple = ()  # where it is, if that is not where its tier is
    healthy_if: int = 0  # so many of its checks are enough; 0: all of them
    records: tuple = ()  # (type, rdata of all records) of what it answers besides its addresses, or instead of them

    @property
    def where(self):
        """What tells it from others."""
        if self.addresses == NOBODY:
            return NOBODY + (self.label, self.records)
        return self.addresses or (self.host.lower(),)


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
    apart: bool = False   # answers are of different groups
    is_down: bool = False  # its resource has failed for ever: what goes through data centres passes it over
    down_ttls: tuple = ()  # how long gdnsd has answers live all the same, where service types say that

    def inside(self, plugin, datacenter):
        return dataclasses.replace(self, path=((plugin, datacenter),) + self.path)


class Nearest(list):
    """Tiers by distance to the client: the nearest `limit` of these, one for each place; and maybe all others behind them."""

    def __init__(self, tiers, limit, others=False):
        super().__init__(tiers)
        self.limit, self.others = limit, others


@dataclasses.dataclass
class Plan:
    tiers: list = dataclasses.field(default_factory=list)
    rules: list = dataclasses.field(default_factory=list)    # (when, tiers), narrowest first; no tiers: no answer
    map_name: str = None                                     # of the map that names share and the rules are of, such as geoip's
    ignores_subnet: bool = False                             # what resolvers say of clients does not count
    whoami: str = None                                       # it answers with the client: whose address
    static: list = dataclasses.field(default_factory=list)   # addresses that nothing watches or changes
    down_ttls: tuple = ()                                    # of all tiers, also those that were left out
    fallback: str = "all"                                    # what is answered when no tier serves
    nothing: str = "nodata"                                  # what clients get who have no tiers
    pool: Tier = None                                        # that answers before the fallback does
    sticky: dict = None                                      # details of the pick
    host_answer: str = "cname"

    def choices(self):
        """The tiers of each class of clients."""
        return [self.tiers, *(tiers for _, tiers in self.rules)]

    def all_tiers(self):
        return [tier for tiers in self.choices() for tier in tiers]

    def pools(self):
        return [] if self.pool is None else [self.pool]

    def targets(self):
        return [target for tier in self.all_tiers() for target in tier.targets]

    def has_hosts(self):
        return any(target.host is not None for target in self.targets())

    def only_host(self):
        """The host name if there is no other answer and nothing watches it, else None."""
        found = {(target.where, target.services == ("up",)) for target in self.targets()}
        return self.targets()[0].host if len(found) == 1 and found.pop()[1] else None


class Unsupported(Exception):
    """A resource that cannot be expressed; place and reason."""

    def __init__(self, place, reason):
        super().__init__(f"{place}: {reason}")
        self.place, self.reason = place, reason
