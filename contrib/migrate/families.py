# SPDX-License-Identifier: BSD-3-Clause
"""A resource with IPv4 and IPv6 addresses. gdnsd decides for each family by itself; in steerd a name goes to one tier
whatever the type. So addresses of both families that belong together become one endpoint, which is healthy when both
are, and where none belong together the difference is reported."""
import dataclasses
import re

from .model import Plan, Tier


def strip_family(label):
    """lb01.v6, lb01_v6, lb01-ipv6, lb01v6 -> lb01."""
    return re.sub(r"[._-]?(ip)?v?[46]$", "", label) or label


def join_families(one, other, report):
    """One plan of two that differ in the family of their addresses."""
    tiers = [join_tiers(first, second, report) for first, second in zip(one.tiers, other.tiers)]
    return Plan(tiers)


def join_tiers(one, other, report):
    if one.pick is None and other.pick is None and len(one.targets) == len(other.targets) == 1:
        pairs = [(one.targets[0], other.targets[0])]
    else:
        pairs = find_pairs(one, other)
    if pairs is None:
        return keep_apart(one, other, report)
    if is_watched(one, other):
        report.approximate(one.place, f"{one.resource}: the IPv4 and IPv6 address of an endpoint go together; gdnsd takes "
                                      "out the one that fails")
    targets = tuple(join_targets(first, second, one, report) for first, second in pairs)
    return dataclasses.replace(one, targets=targets, enough=max(one.enough, other.enough),
                               enough_weight=max(one.enough_weight, other.enough_weight),
                               is_down=one.is_down or other.is_down, down_ttls=one.down_ttls + other.down_ttls)


def is_watched(*tiers):
    return any(target.services != ("up",) for tier in tiers for target in tier.targets)


def find_pairs(one, other):
    """Each target with its counterpart, or None if they do not correspond one to one."""
    if len(one.targets) != len(other.targets) or one.pick != other.pick or one.answers != other.answers:
        return None
    rest = {strip_family(target.label): target for target in other.targets}
    pairs = [(target, rest.pop(strip_family(target.label), None)) for target in one.targets]
    if any(second is None or first.weight != second.weight or first.services != second.services
           for first, second in pairs):
        return None
    return pairs


def join_targets(first, second, tier, report):
    services = tuple(dict.fromkeys(name for name in first.services + second.services if name != "up")) or ("up",)
    if first.services != second.services:
        report.approximate(tier.place, f"{tier.resource}: {', '.join(services)} watch both addresses of {first.label}, and "
                                       "both have to pass; in gdnsd the families have different service_types")
    return dataclasses.replace(first, addresses=first.addresses + second.addresses, services=services)


def keep_apart(one, other, report):
    if is_watched(one, other):
        report.approximate(one.place, f"{one.resource}: while all addresses of one family are down and some of the other "
                                      "are up, there is no answer for the former; gdnsd answers all of them")
    if is_watched(one, other) and max(one.enough, other.enough) > 1:
        report.approximate(one.place, f"{one.resource}: up_thresh: steerd answers those that are up, however few")
    if one.pick != other.pick or one.answers != other.answers:
        report.approximate(one.place, f"{one.resource}: IPv6 addresses are picked as IPv4 ones")
    taken = {target.label for target in one.targets}
    rest = tuple(dataclasses.replace(target, label=f"{target.label}-v6") if target.label in taken else target
                 for target in other.targets)
    return Tier(one.targets + rest, one.place, one.resource, one.pick or other.pick,
                one.answers if one.pick else other.answers, apart=one.apart or other.apart,
                is_down=one.is_down or other.is_down, down_ttls=one.down_ttls + other.down_ttls)
