# SPDX-License-Identifier: BSD-3-Clause
"""Random names with pick "sticky": losing endpoints moves their clients and nobody else, coming back brings them back,
the shares over many clients are the weights, and another server, or the same one started anew, says the same."""
import collections
import ipaddress
import pathlib
import random
import tempfile

import asking
import kit
from test_property import is_too_far

CLIENTS = 1500


class Sticky:
    def __init__(self, seed):
        self.random = random.Random(seed)
        count = self.random.randint(3, 14)
        self.endpoints = {f"e{number}": {"az": self.random.choice(["a-1", "b-1"]), "addresses": [f"198.18.0.{number + 1}"],
                                         "weight": self.random.choice([1, 1, 1, 2, 5, 50])} for number in range(count)}
        self.document = {"endpoints": ["*"], "pick": "sticky", "answers": self.random.choice([1, 1, 2]),
                         "sticky": {"ipv4_prefix": self.random.choice([16, 20, 24])}}
        bits = self.document["sticky"]["ipv4_prefix"]
        numbers = self.random.sample(range(1 << bits), CLIENTS)
        self.clients = [ipaddress.IPv4Network((number << 32 - bits, self.random.randint(bits, 32)), strict=False)
                        for number in numbers]

    def fill(self, site):
        order = list(self.endpoints)
        self.random.shuffle(order)
        site.topology = {"regions": {"a": {"azs": {"a-1": {}}}, "b": {"azs": {"b-1": {}}}},
                         "endpoints": {name: self.endpoints[name] for name in order}}
        return site.zone("example.com", "").policy("example.com", {"www": self.document})

    def map(self, site):
        """client -> the endpoints of its answer, in order"""
        by_address = {endpoint["addresses"][0]: name for name, endpoint in self.endpoints.items()}
        client, found = asking.Client(site.listen[0]), {}
        for network in self.clients:
            answer = client.ask("www.example.com", "A", network)
            assert answer.scope == self.document["sticky"]["ipv4_prefix"]
            found[network] = tuple(by_address[address] for address in answer.addresses)
        client.close()
        return found


def test_stickiness(site, seed):
    sticky = Sticky(seed)
    server = sticky.fill(site).start()
    before = sticky.map(site)
    weights = {name: endpoint["weight"] for name, endpoint in sticky.endpoints.items()}
    counts = collections.Counter(found[0] for found in before.values())
    chances = {name: weight / sum(weights.values()) for name, weight in weights.items()}
    assert not is_too_far(counts, chances), (seed, counts, chances)

    most = max(1, len(weights) - sticky.document["answers"] - 1)
    gone = set(sticky.random.sample(sorted(weights), min(sticky.random.randint(1, 2), most)))
    for name in gone:
        server.override("endpoint", name, sticky.random.choice(["down", "drain"]))
    away = sticky.map(site)
    for client, found in before.items():
        assert not gone & set(away[client])
        assert gone & set(found) or away[client] == found, f"seed {seed}: {client} moved without need"
        assert set(found) - gone <= set(away[client]), f"seed {seed}: {client} lost more than it had to"
    to = collections.Counter(away[client][0] for client, found in before.items() if found[0] in gone)
    rest = {name: weight for name, weight in weights.items() if name not in gone}
    assert not is_too_far(to, {name: weight / sum(rest.values()) for name, weight in rest.items()}), (seed, to, rest)

    for name in gone:
        server.override("endpoint", name, "auto")
    assert sticky.map(site) == before, f"seed {seed}: not everybody is back"


def lose_regions(server):
    for region in "a", "b":
        server.override("region", region, "down")


def test_servers_agree(site, seed):
    """The same one started anew, and another one whose topology is in another order: with all up, and on the fallback."""
    sticky = Sticky(seed)
    server = sticky.fill(site).start()
    before = sticky.map(site)
    server.stop()
    server = site.start()
    assert sticky.map(site) == before, f"seed {seed}: another map after a restart"
    with tempfile.TemporaryDirectory(prefix="steerd.") as folder:
        other = kit.Site(pathlib.Path(folder))
        try:
            second = sticky.fill(other).start()
            assert sticky.map(other) == before, f"seed {seed}: another map on a second server"
            lose_regions(server)
            lose_regions(second)
            assert sticky.map(other) == sticky.map(site), f"seed {seed}: another fallback on a second server"
        finally:
            other.close()
