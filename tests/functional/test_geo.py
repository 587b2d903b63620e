# SPDX-License-Identifier: BSD-3-Clause
"""Geography: rules by country, continent and network, the client subnet option, and its exact scope. The database is
tests/data/geo/country.mmdb (contrib/mkgeo): 192.0.2.0/25 US, 192.0.2.128/26 CA, 198.51.100.0/24 DE, 2001:db8::/48 FR."""
import pathlib

import dns.edns
import dns.message
import dns.rcode
import pytest

import kit

DATABASE = pathlib.Path(__file__).resolve().parent.parent / "data" / "geo" / "country.mmdb"
EAST, WEST = "192.0.2.201", "192.0.2.202"
EUROPE_FIRST = {"endpoints": ["web-*"], "tiers": [["us-east"], ["eu-west"]],
                "geo": [{"when": {"continent": "EU"}, "tiers": [["eu-west"], ["us-east"]]}]}


def make(site, **names):
    site.topology = {"regions": {"us-east": {"azs": {"us-east-1a": {}}}, "eu-west": {"azs": {"eu-west-1a": {}}}},
                     "endpoints": {"web-us": {"az": "us-east-1a", "addresses": [EAST]},
                                   "web-eu": {"az": "eu-west-1a", "addresses": [WEST]}}}
    site.server["geo"] = [str(DATABASE)]
    return site.zone("example.com", "plain 60 IN A 192.0.2.98\n").policy("example.com", names)


def ask(server, subnet, bits, name="www.example.com"):
    """The addresses of the answer and the scope of its client subnet option."""
    option = dns.edns.ECSOption(subnet, bits)
    reply = server.send(dns.message.make_query(name, "A", use_edns=0, options=[option]))
    assert reply.rcode() == dns.rcode.NOERROR
    scopes = [one.scopelen for one in reply.options if isinstance(one, dns.edns.ECSOption)]
    assert len(scopes) == 1, "the option comes back"
    return [rdata.to_text() for rrset in reply.answer for rdata in rrset], scopes[0]


@pytest.mark.parametrize("subnet, bits, expected", [
    ("198.51.100.0", 24, WEST), ("198.51.100.77", 32, WEST), ("2001:db8::", 56, WEST),
    ("192.0.2.0", 25, EAST), ("192.0.2.128", 26, EAST), ("2001:db8:1::", 48, EAST), ("8.8.8.0", 24, EAST)])
def test_the_class_of_the_client_gives_the_tiers(site, subnet, bits, expected):
    assert ask(make(site, www=EUROPE_FIRST).start(), subnet, bits)[0] == [expected]


def test_the_scope_is_as_wide_as_the_answer_holds(site):
    server = make(site, www=EUROPE_FIRST).start()
    assert ask(server, "198.51.100.0", 24) == ([WEST], 24)
    assert ask(server, "198.51.100.7", 32) == ([WEST], 24), "all of the /24 gets this answer"
    _, scope = ask(server, "198.51.101.0", 24)
    assert scope == 24, "its neighbour differs, so one bit less would be wrong"
    _, scope = ask(server, "8.8.8.0", 24)
    assert scope < 8, "nothing European is near"


def test_names_without_geography_have_scope_0(site):
    server = make(site, www=EUROPE_FIRST, flat={"endpoints": ["web-us"]}).start()
    assert ask(server, "198.51.100.0", 24, "flat.example.com") == ([EAST], 0)
    assert ask(server, "198.51.100.0", 24, "plain.example.com") == (["192.0.2.98"], 0)


def test_a_network_outranks_a_country(site):
    rules = {**EUROPE_FIRST, "geo": [{"when": {"country": ["DE", "FR"]}, "tiers": [["eu-west"]]},
                                     {"when": {"cidr": "198.51.100.128/25"}, "tiers": [["us-east"]]}]}
    server = make(site, www=rules).start()
    assert ask(server, "198.51.100.0", 25) == ([WEST], 25)
    assert ask(server, "198.51.100.128", 25) == ([EAST], 25)


def test_health_moves_a_class_too(site):
    server = make(site, www=EUROPE_FIRST).start()
    server.override("region", "eu-west", "down")
    assert ask(server, "198.51.100.0", 24) == ([EAST], 24)
    server.override("region", "eu-west", "auto")
    assert ask(server, "198.51.100.0", 24) == ([WEST], 24)


def test_explain_names_the_class(site):
    server = make(site, www=EUROPE_FIRST, same=EUROPE_FIRST).start()
    for name in "www", "same":  # one rule set, one tree
        said = server.get(f"/v1/explain?name={name}.example.com&type=A&client=198.51.100.9")
        assert said["class"] == "geo[0]" and said["scope"] == 24
        assert any(WEST in answer for answer in said["answers"])


def test_a_broken_database_is_refused_and_the_old_view_stays(site):
    server = make(site, www=EUROPE_FIRST).start()
    broken = site.folder / "broken.mmdb"
    broken.write_bytes(DATABASE.read_bytes()[:700])
    site.server["geo"] = [str(broken)]
    site.write()
    done = server.ctl("reload", code=1)
    assert "broken.mmdb" in done.stderr
    assert ask(server, "198.51.100.0", 24) == ([WEST], 24)


def test_a_broken_policy_keeps_the_steered_names_of_its_zone(site):
    """The last good version goes on, geography and all, while the topology beside it changes."""
    server = make(site, www=EUROPE_FIRST).zone("example.net", "www 60 IN A 192.0.2.97\n").start()
    site.policies["example.com"] = {"names": {"www": {"endpoints": ["nobody"]}}}
    site.topology["endpoints"] = {"new": {"az": "us-east-1a", "addresses": ["192.0.2.203"]}, **site.topology["endpoints"]}
    site.write()
    assert "nobody" in server.ctl("reload", code=1).stderr
    states = {zone["origin"]: zone["state"] for zone in server.get("/v1/zones")["items"]}
    assert states == {"example.com.": "stale", "example.net.": "current"}
    assert ask(server, "198.51.100.0", 24) == ([WEST], 24)
    server.override("region", "eu-west", "down")
    assert ask(server, "198.51.100.0", 24) == ([EAST], 24)
    del site.topology["endpoints"]["web-eu"]
    site.write()
    assert "web-eu" in server.ctl("reload", code=1).stderr, "an endpoint that the old version needs is gone: said by name"
    assert ask(server, "198.51.100.0", 24) == ([EAST], 24), "and nothing that was served is lost"
