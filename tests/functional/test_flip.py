# SPDX-License-Identifier: BSD-3-Clause
"""Losing a region that 20,000 steered names use: all of them answer from elsewhere at the same instant. Several clients
ask random names all the while; once any of them has seen an answer of the new state, no query that is sent after that
gets one of the old state. tests/bench/flip does it with a million names, and measures."""
import random
import threading
import time

import asking
import kit

ZONES, NAMES, CLIENTS = 4, 5000, 4
# What they have in common is that they lead to us while anything is there, and to eu when nothing is.
KINDS = [
    {"tiers": [["us"], ["eu"]]},
    {"tiers": [["us"], ["eu"]], "pick": "sticky"},
    {"tiers": [["us-a", "us-b"], ["eu"]], "pick": "round-robin", "answers": 2},
    {"tiers": [{"members": ["us"], "min_healthy": 1}, ["eu"]], "pick": "all", "ttl_failing": 1},
    {"geo": [{"when": {"cidr": "127.0.0.0/8"}, "tiers": [["us"], ["eu"]]}], "tiers": [["eu"]]},
    {"tiers": [["us"], ["eu"]], "weights": {"us-*": "30%", "us-2": 7}},
    {"endpoints": ["us-*"], "fallback": {"pool": ["eu-*"]}},
]


def make(site, us, eu, **check):
    """Two endpoints in two azs of each region; names n0 … in zones z0.example …, of all kinds by turns."""
    addresses = {"us-1": us[0], "us-2": us[1], "eu-1": eu[0], "eu-2": eu[1]}
    site.topology = {
        "regions": {region: {"azs": {f"{region}-a": {}, f"{region}-b": {}}} for region in ("us", "eu")},
        "checks": {"port": {"type": "tcp", "port": kit.WEB_PORT, "interval": "100ms", "timeout": "100ms", **check}},
        "endpoints": {name: {"az": name[:3] + "ab"[int(name[3]) - 1], "addresses": [address], "checks": ["port"]}
                      for name, address in addresses.items()}}
    site.server["threads"] = 2
    for zone in range(ZONES):
        names = {f"n{number}": {"ttl": 1 + number % 50, "endpoints": ["*"], **KINDS[number % len(KINDS)]}
                 for number in range(NAMES)}
        site.zone(f"z{zone}.example", "").policy(f"z{zone}.example", names)
    return site


class Stream(threading.Thread):
    """Asks random names one after another, each socket for itself; keeps (sent, received, addresses)."""

    def __init__(self, at, seed, ended):
        super().__init__()
        self.random, self.ended, self.answers, self.failure = random.Random(seed), ended, [], None
        self.client = asking.Client(at)

    def run(self):
        try:
            while not self.ended.is_set():
                name = f"n{self.random.randrange(NAMES)}.z{self.random.randrange(ZONES)}.example"
                sent = time.monotonic_ns()
                addresses = self.client.ask(name, "A").addresses
                self.answers.append((sent, time.monotonic_ns(), name, frozenset(addresses)))
        except (OSError, AssertionError) as error:
            self.failure = error
        finally:
            self.client.close()


def watch(site, event, new):
    """All answers, in the order in which they were asked for, of streams that go on until everything is new."""
    ended = threading.Event()
    streams = [Stream(site.listen[0], seed, ended) for seed in range(CLIENTS)]
    for stream in streams:
        stream.start()
    try:
        kit.wait_for(lambda: all(len(stream.answers) > 100 for stream in streams), "queries flow")
        event()
        kit.wait_for(lambda: all(answers <= new for stream in streams for *_, answers in stream.answers[-100:]),
                     "all answers are new ones")
    finally:
        ended.set()
        for stream in streams:
            stream.join()
    assert [stream.failure for stream in streams] == [None] * CLIENTS
    return sorted(answer for stream in streams for answer in stream.answers)


def judge(answers, old, new):
    """No answer mixes, and after the first new answer came no query is answered with an old one."""
    assert all(found and (found <= old or found <= new) for *_, found in answers), "an answer with both, or with nothing"
    first = min(received for _, received, _, found in answers if found <= new)
    late = [answer for answer in answers if answer[0] > first and not answer[3] <= new]
    assert not late, f"{len(late)} of {len(answers)} old answers after the first new one, such as {late[:3]}"
    after = sum(sent > first for sent, *_ in answers)
    assert after > 100 and any(found <= old for *_, found in answers), "both states were seen"
    print(f"{len(answers)} answers, {after} of them to queries after the first new answer")


def prepare(site):
    us, eu = [kit.new_address(), kit.new_address()], [kit.new_address(), kit.new_address()]
    east, _ = site.web(*us), site.web(*eu)
    server = make(site, us, eu, fall=2, rise=1).start()
    for name in site.topology["endpoints"]:
        server.wait_state("endpoint", name, observed="healthy")
    return server, east, frozenset(us), frozenset(eu)


def test_a_region_that_dies(site):
    """Its checks fail: first one endpoint is lost, then the other, then, with the same store, the region."""
    server, east, us, eu = prepare(site)
    answers = watch(site, east.kill, eu)
    judge(answers, us, eu)
    assert server.get("/v1/regions/us")["effective"] == "unhealthy"


def test_a_region_that_is_drained_and_comes_back(site):
    server, _, us, eu = prepare(site)
    judge(watch(site, lambda: server.override("region", "us", "drain"), eu), us, eu)
    judge(watch(site, lambda: server.override("region", "us", "auto"), us), eu, us)
