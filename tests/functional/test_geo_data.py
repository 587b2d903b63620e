# SPDX-License-Identifier: BSD-3-Clause
"""Real country data against what is known of a few networks whose owners do not move: registries, universities,
research networks. The database is what contrib/geo-fetch fetches; STEERD_GEO is its path. contrib/runtests does that."""
import os
import pathlib

import pytest

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


def test_real_networks(site):
    where = {"us-east": [38.9, -77.0], "eu-west": [53.3, -6.3], "ap-south": [1.3, 103.8]}
    site.topology = {
        "regions": {name: {"location": location, "azs": {name + "-1": {}}} for name, location in where.items()},
        "endpoints": {f"web-{name}": {"az": name + "-1", "addresses": [f"192.0.2.{number}"]}
                      for number, name in enumerate(where, 1)}}
    site.server["geo"] = [DATABASE]
    site.zone("example.com", "").policy("example.com", {"www": {"endpoints": ["*"], "tiers": "nearest"}})
    server = site.start()
    wrong = []
    for client, country in COUNTRIES.items():
        said = server.get(f"/v1/explain?name=www.example.com&type=A&client={client}")
        place = said["geo"]["place"]
        found = (place["country"], place["continent"], said["tiers"][0]["label"])
        if found != (country, CONTINENT[country], NEAREST[country]):
            wrong.append((client, country, found))
    assert not wrong
    database, = server.get("/v1/geo")["items"]
    assert database["networks"] > 100000 and database["places"] > 200
