# SPDX-License-Identifier: BSD-3-Clause
"""Random sites of which a region is drained step by step, to another region or to none, while endpoints there die and come
back and the destination changes. Two more servers are the oracle: one where nothing is drained, and one where the region is
drained in whole: answers are so much of what the first says, and for the rest at the destination or what the second says."""
import collections
import contextlib
import ipaddress
import pathlib
import random
import tempfile
import time

import pytest

import asking
import kit
from test_property import is_too_far

CLIENTS = 600
SOURCE, SHARES = "a", [20, 55, 85]


def place(endpoint):
    """e-a-1-0 -> a"""
    return endpoint.split("-")[1]


class Moves:
    def __init__(self, seed):
        self.random = random.Random(seed)
        self.regions = [SOURCE, "b", "c", "d"][:self.random.randint(2, 4)]
        self.endpoints, self.weights = {}, {}
        for region in self.regions:
            for az in range(self.random.randint(1, 2)):
                for number in range(self.random.randint(1, 3)):
                    name = f"e-{region}-{az}-{number}"
                    self.weights[name] = self.random.choice([1, 1, 2, 5])
                    self.endpoints[name] = {"az": f"{region}-{az}", "weight": self.weights[name],
                                            "addresses": [f"198.18.{len(self.endpoints)}.1"]}
        self.names = {f"n{number}": self.make_name() for number in range(8)}
        numbers = self.random.sample(range(1 << 24), CLIENTS)
        self.clients = [ipaddress.IPv4Network((number << 8, 24)) for number in numbers]

    def make_name(self):
        """Its tiers are regions, in an order of its own; sometimes one of them is missing, or two are one tier."""
        order = [region for region in self.random.sample(self.regions, len(self.regions))
                 if region == SOURCE or self.random.random() < .8]
        tiers = [[region] for region in order]
        if len(tiers) > 2 and self.random.random() < .2:
            tiers[-2:] = [tiers[-2] + tiers[-1]]
        document = {"endpoints": ["*"], "tiers": tiers}
        if self.random.random() < .5:
            document |= {"pick": "sticky", "sticky": {"ipv4_prefix": 24}}
        return document

    def start(self, folder):
        site = kit.Site(folder)
        regions = {region: {"azs": {f"{region}-{az}": {} for az in range(2)}} for region in self.regions}
        site.topology = {"regions": regions, "endpoints": self.endpoints}
        site.zone("example.com", "").policy("example.com", self.names)
        return site, site.start()

    def map(self, site, name):
        """client -> the endpoint of its answer"""
        by_address = {endpoint["addresses"][0]: endpoint_name for endpoint_name, endpoint in self.endpoints.items()}
        client, found = asking.Client(site.listen[0]), {}
        for network in self.clients:
            found[network] = by_address[client.ask(f"{name}.example.com", "A", network).addresses[0]]
        client.close()
        return found

    def is_mixed(self, name):
        return any(SOURCE in tier and len(tier) > 1 for tier in self.names[name]["tiers"])


@pytest.fixture
def three(seed):
    """The one that is looked at, the one without a drain, and the one where the region is drained in whole."""
    moves = Moves(seed)
    with contextlib.ExitStack() as stack:
        made = []
        for _ in range(3):
            folder = stack.enter_context(tempfile.TemporaryDirectory(prefix="steerd."))
            site, server = moves.start(pathlib.Path(folder))
            stack.callback(site.close)
            made.append((site, server))
        yield moves, made


def count(found):
    return collections.Counter(found.values())


def shares(found):
    return {endpoint: times / len(found) for endpoint, times in count(found).items()}


class Watch:
    """What of a name was seen until now."""

    def __init__(self, moves, name):
        self.moves, self.name, self.gone = moves, name, set()
        self.is_sticky = moves.names[name].get("pick") == "sticky"

    def check(self, now, before, after, share, to, why):
        """now, before, after: client -> endpoint on the three servers; share: so much has moved."""
        regions = {region for tier in self.moves.names[self.name]["tiers"] for region in tier}
        if not any(self.is_up(region) for region in regions - {SOURCE}):
            return  # nobody else serves: who is drained in part does
        self.check_share(now, before, share, why)
        self.check_places(now, before, after, share, to, why)
        if self.is_sticky:
            left = {client for client, endpoint in before.items() if place(endpoint) == SOURCE and place(now[client]) != SOURCE}
            back = self.gone & {client for client, endpoint in now.items() if place(endpoint) == SOURCE}
            assert not back, f"{why}: {len(back)} clients that had left are back at the source"
            self.gone |= left
            for client, endpoint in before.items():
                assert place(endpoint) == SOURCE or to is not None or now[client] == endpoint, f"{why}: {client} moved without need"

    def check_share(self, now, before, share, why):
        kept = sum(place(endpoint) == SOURCE for endpoint in before.values()) / len(before) * (1 - share / 100)
        seen = {"source": sum(place(endpoint) == SOURCE for endpoint in now.values())}
        seen["others"] = len(now) - seen["source"]
        assert not is_too_far(seen, {"source": kept, "others": 1 - kept}), f"{why}: {seen}, not {kept:.2f} at the source"

    def check_places(self, now, before, after, share, to, why):
        """Who has moved is at the destination, if that serves this name, else where the third server has it."""
        moved = {place(endpoint) for endpoint in now.values()} - {place(endpoint) for endpoint in before.values()}
        tiers = self.moves.names[self.name]["tiers"]
        has_destination = to is not None and any(to in tier for tier in tiers) and self.is_up(to)
        if all(place(endpoint) == SOURCE for endpoint in before.values()):
            expected = {to} if has_destination else {place(endpoint) for endpoint in after.values()}
            assert moved <= expected, f"{why}: went to {moved}, not {expected}"

    def is_up(self, region):
        return any(place(name) == region and name not in self.moves.down for name in self.moves.endpoints)


def begin(server, to):
    """What objects is accepted: the oracle says what becomes of it."""
    body = {"source": [f"region:{SOURCE}"], "to": to, "steps": SHARES, "each": "4s", "reason": "a test", "execute": True}
    refused = server.request("POST", "/v1/switchovers", {**body, "execute": False}).json
    body["accept"] = [finding["name"] for finding in refused["look"]["findings"] if not finding["good"]]
    reply = server.request("POST", "/v1/switchovers", body)
    assert reply.status == 201, reply
    return reply.json


def test_moves(three, seed):
    moves, [(site, server), (before_site, plain), (after_site, whole)] = three
    moves.down = set()
    watches = [Watch(moves, name) for name in moves.names if not moves.is_mixed(name)]
    whole.override("region", SOURCE, "drain")
    others = moves.regions[1:]
    to = moves.random.choice(others)
    made = begin(server, to)

    def shown():
        return server.get(f"/v1/switchovers/{made['id']}")

    def look(what):
        """What is seen while the share is the same before and after it: answers move a moment before that is on disk and shown."""
        for watch in watches:
            before, after = moves.map(before_site, watch.name), moves.map(after_site, watch.name)
            share, now = -1, None
            while share != shown()["share"]:
                share = shown()["share"]
                now = moves.map(site, watch.name)
                time.sleep(.3)
            watch.check(now, before, after, share, to,
                        f"seed {seed}, {watch.name} {moves.names[watch.name]}, {share} % to {to}, down {moves.down}, {what}")

    def set_down(names, state):
        for name in names:
            for one in (server, plain, whole):
                one.override("endpoint", name, state)
        moves.down = moves.down | set(names) if state == "down" else moves.down - set(names)

    for share in SHARES:
        server.wait(lambda share=share: shown()["share"] >= share, f"{share} % have moved", 30)
        look("a step")
        event = moves.random.choice(["die", "die", "redirect", "none"])
        if event == "die":
            victims = [name for name in moves.endpoints if place(name) == to]
            set_down(victims, "down")
            look("it died")
            set_down(victims, "auto")
        elif event == "redirect" and shown()["state"] in ("moving", "moved"):
            to = moves.random.choice(others)
            reply = server.request("POST", f"/v1/switchovers/{made['id']}:redirect", {"to": to, "reason": "a test", "emergency": False})
            assert reply.status in (200, 409), reply
            to = shown()["to"]
            look("redirected")
