# SPDX-License-Identifier: BSD-3-Clause
"""Two plans of a name, for records of different types, -> one. In steerd all types of a name go to the same tiers, and each
endpoint counts with the health of its family, so tiers are joined one by one; where the plans send clients to different
places for other reasons there is no such plan."""
import dataclasses

from .model import Nearest


class Different(Exception):
    """How the other one differs."""


def merge_plans(one, other):
    if (isinstance(one.tiers, Nearest), one.fallback, one.sticky) != (isinstance(other.tiers, Nearest), other.fallback, other.sticky):
        raise Different("it picks otherwise")
    if (one.pool is None) != (other.pool is None):
        raise Different("it has another pool")
    whens = [when for when, _ in one.rules], [when for when, _ in other.rules]
    if all(whens) and whens[0] != whens[1]:
        raise Different("it has other rules for clients")
    rules = [(when, merge_tiers(tiers, pick_rule(other, when))) for when, tiers in one.rules] or \
        [(when, merge_tiers(one.tiers, tiers)) for when, tiers in other.rules]
    pool = None if one.pool is None else merge_tier(one.pool, other.pool)
    return dataclasses.replace(one, tiers=merge_tiers(one.tiers, other.tiers), rules=rules, pool=pool)


def pick_rule(plan, when):
    return next((tiers for known, tiers in plan.rules if known == when), plan.tiers)


def merge_tiers(one, other):
    if isinstance(one, Nearest):
        return merge_nearest(one, other)
    longest = max(len(one), len(other))
    if min(len(one), len(other)) not in (0, longest):
        raise Different("it has other tiers")
    if not one or not other:
        return list(one or other)
    return [merge_tier(first, second) for first, second in zip(one, other)]


def merge_tier(one, other):
    if (one.pick, one.answers, one.enough) != (other.pick, other.answers, other.enough):
        raise Different("it picks otherwise")
    return dataclasses.replace(one, targets=one.targets + other.targets)


def merge_nearest(one, other):
    if not isinstance(other, Nearest):
        raise Different("it picks otherwise")
    tiers = list(one) + list(other)
    places = {tier.path or tier.targets[0].label for tier in tiers}
    merged = Nearest(tiers, min(len(places), max(one.limit, other.limit, 8)), one.others or other.others)
    merged.locations = {**getattr(one, "locations", {}), **getattr(other, "locations", {})}
    return merged
