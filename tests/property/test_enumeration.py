# SPDX-License-Identifier: BSD-3-Clause
"""Scopes by enumeration alone, without an oracle: every address of a small network is asked for, with rules and databases
that cut it up. Each answer holds for all addresses within its scope, and not for all within one bit less."""
import ipaddress
import random

import pytest

import asking
import mmdb
import places

ROOTS = {4: ipaddress.ip_network("10.9.4.0/22"), 6: ipaddress.ip_network("2001:db8:5::c00/118")}
REGIONS = {f"r{number}": f"192.0.2.{number}" for number in range(4)}
COUNTRIES = sorted(places.CONTINENTS)


def draw_network(chance, root):
    length = chance.randint(root.prefixlen, root.max_prefixlen)
    number = int(root.network_address) + (chance.getrandbits(length - root.prefixlen) << root.max_prefixlen - length)
    return places.NETWORK[root.version]((number, length))


def make(site, seed):
    """Rules by prefix, by country, and by both; each leads to one of four regions, which an answer tells."""
    chance = random.Random(seed)
    roots = list(ROOTS.values())
    networks = {draw_network(chance, chance.choice(roots)): chance.choice(COUNTRIES) for _ in range(chance.randint(0, 30))}
    mmdb.write(site.folder / "country.mmdb", [(network, {"country_code": code}) for network, code in networks.items()] or
               [(ipaddress.ip_network("192.0.2.0/24"), {"country_code": "US"})])
    site.server["geo"] = ["country.mmdb"]
    site.topology = {"regions": {name: {"azs": {name + "-a": {}}} for name in REGIONS},
                     "endpoints": {"e-" + name: {"az": name + "-a", "addresses": [address]} for name, address in REGIONS.items()}}
    rules = []
    for _ in range(chance.randint(1, 25)):
        when = {}
        if chance.random() < 0.7:
            when["cidr"] = [str(draw_network(chance, chance.choice(roots))) for _ in range(chance.randint(1, 2))]
        if not when or chance.random() < 0.3:
            when["country"] = chance.sample(COUNTRIES, chance.randint(1, 3))
        rules.append({"when": when, "tiers": [[chance.choice(sorted(REGIONS))]]})
    site.zone("example.com", "").policy("example.com", {"www": {"endpoints": ["*"], "tiers": [["r0"]], "geo": rules}})
    return site.start()


@pytest.mark.parametrize("version", ROOTS)
def test_every_scope(site, seed, version):
    server = make(site, seed)
    root, client = ROOTS[version], asking.Client(site.listen[0])
    found = {}
    for number in range(int(root.network_address), int(root.broadcast_address) + 1):
        answer = client.ask("www.example.com", "A", places.NETWORK[version]((number, root.max_prefixlen)))
        assert answer.rcode == 0 and len(answer.addresses) == 1
        found[number] = (answer.addresses[0], answer.scope)
    client.close()
    server.assert_no_defect()
    for number, (address, scope) in found.items():
        for length, all_alike in (scope, True), (scope - 1, False):
            if length < root.prefixlen:  # the network around it is not asked for; what is inside is alike
                assert not all_alike or {one for one, _ in found.values()} == {address} or length >= root.prefixlen
                continue
            inside = places.NETWORK[version]((number, length), strict=False)
            answers = {found[each][0] for each in range(int(inside.network_address), int(inside.broadcast_address) + 1)}
            assert (answers == {address}) == all_alike, f"seed {seed}: {inside} around {number}: {answers}, scope {scope}"
