# SPDX-License-Identifier: BSD-3-Clause
"""What doc/steering.md shows works as it stands: its topology and each of its policies load without a word, and answer."""
import json
import re

import dns.name
import dns.rcode
import dns.rdata
import kit
import nameserver
import pytest
from test_geo import DATABASE

TEXT = (kit.TOP / "doc/steering.md").read_text()
TOPOLOGY = json.loads(re.search(r"```json topology\n(.*?)```", TEXT, re.S)[1])
HOSTS = {"lb-1.cloud.example": {"A": ["192.0.2.201"]}, "lb-2.cloud.example": {"A": ["192.0.2.202"]}}
RECIPES = [(section.partition("\n")[0], json.loads(text)) for section in TEXT.split("\n### ")[1:]
           for text in re.findall(r"```json\n(.*?)```", section, re.S)]


def test_all_are_looked_at():
    assert {title for title, _ in RECIPES} == set(re.findall(r"^### (.+)$", TEXT, re.M)) and len(RECIPES) > 8


@pytest.fixture
def resolver():
    server = nameserver.Nameserver(HOSTS)
    yield server
    server.close()


def parse(rtype, text):
    return dns.rdata.from_text("IN", rtype, text, origin=dns.name.from_text("example.com"), relativize=False)


def list_types(name, settings, addresses):
    """Each type that the name is steered for, and all that it may answer with."""
    types = {}
    if settings["endpoints"] == ["lb-*"] and name != "@":
        types["A"] = {parse("CNAME", host + ".") for host in HOSTS}
    elif settings["endpoints"] == ["lb-*"]:
        types["A"] = {parse("A", HOSTS["lb-1.cloud.example"]["A"][0])}
    elif settings.get("addresses", "records" not in settings):
        types["A"] = {parse("A", address) for address in addresses}
    for rtype, lists in settings.get("records", {}).items():
        texts = [text for each in lists.values() for text in ([each] if isinstance(each, str) else each)]
        types[rtype] = {parse(rtype, text) for text in texts}
    return types


def answer_of(server, name, rtype):
    return [rdata for rrset in server.ask(name, rtype).answer for rdata in rrset]


@pytest.mark.parametrize("title, policy", RECIPES, ids=[title for title, _ in RECIPES])
def test_recipe(site, resolver, title, policy):
    site.server["resolver"] = {"servers": [resolver.at]}
    site.topology = TOPOLOGY
    site.server["geo"] = [str(DATABASE), str(DATABASE.parent / "asn.mmdb")]
    site.zone("example.com", "")
    if "names" in policy:
        site.policies["example.com"] = policy
    else:
        site.topology = {"endpoints": {}, **policy}
    site.write()
    done = kit.run_steerd("-c", str(site.config), "--check")
    assert done.returncode == 0 and done.stdout.endswith(" 0 warnings\n"), done.stderr
    if "names" not in policy:
        return
    server = site.start()
    for endpoint in ("lb-east", "lb-west"):
        path = f"/v1/endpoints/{endpoint}"
        server.wait(lambda path=path: server.get(path)["addresses"], f"{endpoint} has addresses")
    addresses = {endpoint.get("addresses") for endpoint in TOPOLOGY["endpoints"].values()} - {"192.0.2.80", None}
    for owner, settings in policy["names"].items():
        name = "example.com" if owner == "@" else f"{owner}.example.com"
        for rtype, known in list_types(owner, settings, addresses).items():
            seen = {rdata for _ in range(20) for rdata in answer_of(server, name, rtype)}
            assert seen and seen <= known, (name, rtype)
            for region in TOPOLOGY["regions"]:
                server.override("region", region, "drain", title)
            reply = server.ask(name, rtype)
            assert reply.rcode() == dns.rcode.NOERROR and not reply.answer  # drained is never served, by no recipe
            for region in TOPOLOGY["regions"]:
                server.override("region", region, "auto", title)


def test_what_is_shown_of_vantages(site):
    """doc/vantages.md: clients follow the vantages near them."""
    text = (kit.TOP / "doc/vantages.md").read_text().partition("\n## Clients follow")[2].partition("\n## ")[0]
    site.topology, policy = [json.loads(block) for block in re.findall(r"```json\n(.*?)```", text, re.S)]
    site.server["geo"] = [str(DATABASE)]
    site.zone("example.com", "")
    site.policies["example.com"] = policy
    site.write()
    done = kit.run_steerd("-c", str(site.config), "--check")
    assert done.returncode == 0 and done.stdout.endswith(" 0 warnings\n"), done
