# SPDX-License-Identifier: BSD-3-Clause
"""steerd against the oracle: random configurations, random states, random clients. A failure prints the seed, the
question, the policy and both answers; `--seeds SEED-SEED` repeats it."""
import collections
import math
import os

import pytest

import odds
import oracle
import running

STATES = int(os.environ.get("PROPERTY_STATES", "5"))
CLIENTS_PER_NAME, TRIES, SHOWN = 10, 2, 5


@pytest.fixture
def world(site, seed):
    made = running.Running(site, seed)
    try:
        yield made.start()
        made.server.assert_no_defect()
    finally:
        made.close()


class Findings:
    def __init__(self, world):
        self.world, self.asked, self.wrong = world, 0, []

    def hold(self, case, event=None):
        """One answer to the oracle; with a second thought where a check hiccuped."""
        self.asked += 1
        answer = self.world.ask(case)
        wrong = self.world.judge(case, answer)
        if wrong is not None:
            self.world.settle()
            answer = self.world.ask(case)
            wrong = self.world.judge(case, answer)
        if wrong is not None:
            self.wrong.append(f"seed {self.world.seed}, {case}\n  {wrong}\n  {answer}\n  {self.world.expect(case)}\n"
                              f"  overrides {self.world.overrides}\n  observed {self.world.observed}\n"
                              f"  loads {self.world.loads}\n  planned {self.world.planned}")

    def end(self):
        print(f"seed {self.world.seed}: {self.asked} questions, {len(self.world.names)} names")
        assert not self.wrong, f"{len(self.wrong)} of {self.asked} differ\n" + "\n".join(self.wrong[:SHOWN])


def choose_clients(world, name):
    """One of each class if there are few, and some of all; None is a client without the option."""
    by_class = {}
    for network in world.world.clients:
        found, _ = name.geography.find(network.network_address)
        by_class.setdefault(found.identity, []).append(network)
    chosen = [world.random.choice(networks) for networks in by_class.values()]
    world.random.shuffle(chosen)
    return chosen[:CLIENTS_PER_NAME] + world.random.sample(world.world.clients, 3) + [None]


def choose_types(name):
    """What is asked: all that is steered, and a type or two that may not be. A CNAME answers for every type."""
    steered = name.types()
    return sorted(steered) if "CNAME" in steered else sorted(steered | {"A", "AAAA", "TXT"})


def test_answers_are_the_oracles(world):
    """In each of some states: candidate sets, counts, TTLs, rcodes and scopes; nothing drained, nothing over a fence."""
    findings = Findings(world)
    for event in [{}, *world.world.make_events(STATES)]:
        world.advance(event)
        for origin, owner, name in world.names:
            for client in choose_clients(world, name):
                for rtype in choose_types(name):
                    case = world.make_case(origin, owner, name, rtype, client)
                    for _ in range(TRIES):
                        findings.hold(case)
        for origin in world.world.policies:
            answer = world.client("127.0.0.1").ask(f"mail.{origin}", "MX")
            drained = world.judge_invariants(None, answer, None)
            assert drained is None, f"seed {world.seed}: additional to MX: {drained}"
    findings.end()
    for origin in world.world.policies:
        world.hold_copy(origin)


def test_scopes_are_exact(world):
    """Every piece of the address space that prefixes of rules and databases cut out is asked from. That each scope is as
    wide as it can be and no wider follows by enumeration: the oracle finds it from the pieces alone."""
    findings = Findings(world)
    for origin, owner, name in world.names:
        rtype = world.random.choice(sorted(name.types()))
        for client in world.world.clients:
            findings.hold(world.make_case(origin, owner, name, rtype, client))
    findings.end()


def test_odds_are_the_oracles(world):
    """What explain says of chances, tiers and classes, exactly."""
    wrong = []
    for event in [{}, *world.world.make_events(2)]:
        world.advance(event)
        for origin, owner, name in world.names:
            for client in choose_clients(world, name)[:4]:
                case = world.make_case(origin, owner, name, world.random.choice(sorted(name.types())), client)
                if client is not None and not case.owner.startswith("alias"):
                    wrong += compare_odds(world, case)
    assert not wrong, f"seed {world.seed}: {len(wrong)} differ\n" + "\n".join(wrong[:SHOWN])


def compare_odds(world, case):
    expected, _ = world.expect(case)
    said = world.explain(case.owner, case.rtype, case.subnet.network_address)
    found = []
    if said["source"] != expected.source and not (expected.source == "nodata" and not said["answers"]):
        found.append(f"{case}\n  source {said['source']} is not {expected.source}")
    wanted = odds.list_odds(case.name, expected.parts)
    candidates = {member for part in expected.parts for member in part.members}
    told = {member["endpoint"]: member["odds"] for member in said["members"] if member["odds"]}
    if wanted is not None and not all(math.isclose(told.get(endpoint, 0), wanted[endpoint], abs_tol=1e-6)
                                      for endpoint in set(told) | candidates):
        found.append(f"{case}\n  odds {told} are not {dict(wanted)}\n  loads {world.loads}")
    elif case.name.document.get("pick") != "sticky" and set(told) != candidates:
        found.append(f"{case}\n  candidates {set(told)} are not {candidates}")
    return found


# ---- luck ----

SAMPLE, CASES = 1500, 3
RARE = 6.0  # deviations of a normal distribution: once in 10^9 samples


def is_too_far(counts, chances):
    """Pearson's test, with cells of too few expected answers taken together; the quantile by Wilson and Hilferty."""
    total = sum(counts.values())
    cells, rest = [], [0, 0.0]
    for key, chance in chances.items():
        if chance * total >= 10:
            cells.append((counts[key], chance * total))
        else:
            rest = [rest[0] + counts[key], rest[1] + chance * total]
    if rest[1] >= 10:
        cells.append(tuple(rest))
    degrees = len(cells) - 1
    if degrees < 1:
        return False
    statistic = sum((seen - expected) ** 2 / expected for seen, expected in cells)
    return statistic > degrees * (1 - 2 / (9 * degrees) + RARE * math.sqrt(2 / (9 * degrees))) ** 3


def list_lucky(world):
    """Cases whose answers are drawn from several sets of endpoints."""
    for origin, owner, name in world.names:
        for client in choose_clients(world, name)[:4]:
            case = world.make_case(origin, owner, name, world.random.choice(sorted(name.types())), client)
            expected, _ = world.expect(case)
            chances = odds.list_answers(name, expected.parts, case.rtype)
            if chances and len(chances) > 1 and not case.owner.startswith("alias"):
                yield case, expected, chances


def test_draws_follow_weights_and_shares(world):
    wrong = []
    for event in world.world.make_events(2):
        world.advance(event)
        lucky = sorted(list_lucky(world), key=lambda found: -len(found[1].parts))[:CASES]
        for case, _, chances in lucky:
            counts = collections.Counter(frozenset(world.ask(case).addresses) for _ in range(SAMPLE))
            if is_too_far(counts, chances) or not set(counts) <= set(chances):
                wrong.append(f"{case}\n  {dict(counts)}\n  {dict(chances)}")
    assert not wrong, f"seed {world.seed}: {len(wrong)} differ\n" + "\n".join(wrong[:SHOWN])
