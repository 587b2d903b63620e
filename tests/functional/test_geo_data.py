# SPDX-License-Identifier: BSD-3-Clause
"""Real country data against what is known of a few networks whose owners do not move: registries, universities,
research networks. The database is what contrib/geo-fetch fetches; STEERD_GEO is its path. contrib/runtests does that."""
import ipaddress
import os
import pathlib
import random

import pytest

import asking

DATABASE = os.environ.get("STEERD_GEO", "")
pytestmark = pytest.mark.skipif(not pathlib.Path(DATABASE).is_file(),
                                reason="no real geo database: contrib/geo-fetch gets one, STEERD_GEO is its path")

COUNTRIES = {
    "8.8.8.8": "US",  # Google
    "17.0.0.1": "US",  # Apple
    "128.112.0.1": "US",  # Princeton
    "129.187.0.1": "DE",  # Leibniz computing centre, Munich
    "130.59.31.80": "CH",  # SWITCH
    "131.111.0.1": "GB",  # Cambridge
    "192.36.148.17": "SE",  # Netnod
    "193.0.6.139": "NL",  # RIPE NCC
    "196.216.2.1": "MU",  # AFRINIC
    "200.160.2.3": "BR",  # NIC.br
    "202.12.29.1": "AU",  # APNIC
    "203.119.1.1": "JP",  # JPRS
    "2001:200::1": "JP",  # WIDE
    "2001:388::1": "AU",  # AARNet
    "2001:620::1": "CH",  # SWITCH
    "2001:630::1": "GB",  # Janet
    "2001:67c:2e8:22::c100:68b": "NL",  # RIPE NCC
    "2001:12ff::1": "BR",  # NIC.br
    "2001:4860:4860::8888": "US",  # Google
    "2001:da8::1": "CN",  # CERNET
    "10.0.0.1": None, "203.0.113.1": None, "2001:db8::1": None,  # nobody's
}
CONTINENT = {"US": "NA", "DE": "EU", "CH": "EU", "GB": "EU", "SE": "EU", "NL": "EU", "MU": "AF", "BR": "SA", "AU": "OC",
             "JP": "AS", "CN": "AS", None: None}
NEAREST = {"US": "us-east", "DE": "eu-west", "CH": "eu-west", "GB": "eu-west", "SE": "eu-west", "NL": "eu-west", "MU": "ap-south",
           "BR": "us-east", "AU": "ap-south", "JP": "ap-south", "CN": "ap-south", None: "us-east"}


ADDRESSES = {"us-east": "192.0.2.1", "eu-west": "192.0.2.2", "ap-south": "192.0.2.3"}


def make(site):
    where = {"us-east": [38.9, -77.0], "eu-west": [53.3, -6.3], "ap-south": [1.3, 103.8]}
    site.topology = {
        "regions": {name: {"location": location, "azs": {name + "-1": {}}} for name, location in where.items()},
        "endpoints": {f"web-{name}": {"az": name + "-1", "addresses": [ADDRESSES[name]]} for name in where}}
    site.server["geo"] = [DATABASE]
    by_country = [{"when": {"country": ["DE", "CH", "SE"]}, "tiers": [["eu-west"]]},
                  {"when": {"country": ["JP", "CN"]}, "tiers": [["ap-south"]]}]
    site.zone("example.com", "").policy("example.com", {
        "www": {"endpoints": ["*"], "tiers": "nearest"},
        "country": {"endpoints": ["*"], "tiers": [["us-east"]], "geo": by_country}})
    return site.start()


def test_real_networks(site):
    server = make(site)
    client, wrong = asking.Client(site.listen[0]), []
    for address, country in COUNTRIES.items():
        said = server.get(f"/v1/explain?name=www.example.com&type=A&client={address}")
        place = said["geo"]["place"]
        answers = client.ask("www.example.com", "A", ipaddress.ip_network(address)).addresses
        found = (place["country"], place["continent"], said["tiers"][0]["label"], answers)
        nearest = NEAREST[country]
        if found != (country, CONTINENT[country], nearest, [ADDRESSES[nearest]]):
            wrong.append((address, country, found))
    client.close()
    assert not wrong
    database, = server.get("/v1/geo")["items"]
    assert database["networks"] > 100000 and database["places"] > 200


def walk(client, network, until):
    """Ask from the first address of a network, then from the first behind the scope of that answer, and so on through all
    of it, until an answer is not `until`. Returns that answer, or None."""
    at, end = int(network.network_address), int(network.broadcast_address)
    host = type(network)
    while at <= end:
        one = host((at, network.max_prefixlen))
        answer = client.ask("country.example.com", "A", one)
        if answer.addresses != until:
            return answer.addresses
        at = int(one.supernet(new_prefix=answer.scope).broadcast_address) + 1
    return None


def test_scopes_of_real_networks_are_exact(site):
    """Of the countries' class: within the scope nobody gets another answer, in the prefix one bit shorter somebody does."""
    make(site)
    client, drawn = asking.Client(site.listen[0]), random.Random(1)
    for address in COUNTRIES:
        one = ipaddress.ip_network(address)
        answer = client.ask("country.example.com", "A", one)
        scope = one.supernet(new_prefix=answer.scope)
        assert walk(client, scope, answer.addresses) is None, (address, scope)
        inside = [scope.network_address + drawn.randrange(scope.num_addresses) for _ in range(20)]
        assert all(client.ask("country.example.com", "A", ipaddress.ip_network(each)).addresses == answer.addresses
                   for each in inside), (address, scope)
        assert answer.scope > 0 and walk(client, scope.supernet(), answer.addresses) is not None, (address, scope)
    client.close()
