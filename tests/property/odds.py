# SPDX-License-Identifier: BSD-3-Clause
"""How likely each answer is that steerd may give, from the parts that the oracle expects: by trying all of them."""
import collections
import math

OUTCOMES_MAX, EXACT_MAX = 500, 12  # explain is exact up to so many endpoints of which several are drawn


def draw(members, weights, count):
    """Several draws by weight without putting back: set of members -> its chance."""
    chances = {frozenset(): 1.0}
    for _ in range(count):
        longer = collections.Counter()
        for drawn, chance in chances.items():
            left = sum(weight for member, weight in zip(members, weights) if member not in drawn)
            for member, weight in zip(members, weights):
                if member not in drawn:
                    longer[drawn | {member}] += chance * weight / left
        chances = longer
    return chances


def list_outcomes(name, parts):
    """Set of members of an answer -> its chance; None where luck plays no part, or there are too many sets."""
    pick, found = name.document.get("pick", "weighted"), collections.Counter()
    for part in parts:
        size = len(part.members)
        count = size if pick == "all" else min(name.count, size)
        if pick not in ("weighted", "all") or math.comb(size, count) > OUTCOMES_MAX or \
                (1 < count < size and size > EXACT_MAX):
            return None
        chances = {frozenset(part.members): 1.0} if count == size else draw(part.members, part.weights, count)
        for members, chance in chances.items():
            found[members] += float(part.share) * chance
    return found


def list_answers(name, parts, rtype):
    """Set of records of an answer -> its chance; None as for outcomes."""
    found, outcomes = collections.Counter(), list_outcomes(name, parts)
    for members, chance in (outcomes or {}).items():
        found[frozenset().union(*(name.rdata(member, rtype) for member in members))] += chance
    return None if outcomes is None else found


def list_odds(name, parts):
    """endpoint -> the chance to be in an answer; None if that is not known."""
    found = collections.Counter()
    if name.document.get("pick") == "round-robin":
        for part in parts:
            for member in part.members:
                found[member] += float(part.share) * min(name.count, len(part.members)) / len(part.members)
        return found
    outcomes = list_outcomes(name, parts)
    for members, chance in (outcomes or {}).items():
        for member in members:
            found[member] += chance
    return None if outcomes is None else found
