# SPDX-License-Identifier: BSD-3-Clause
"""Names that tell who asks ("whoami" of a policy): the resolver, the client subnet and the class, in place of gdnsd's
reflect."""
import dns.edns
import dns.message
import dns.rcode
import dns.rdatatype
import pytest

import kit

EUROPEAN, OTHER = "203.0.113.0", "2001:db8::"
US, EU = "192.0.2.201", "192.0.2.202"


@pytest.fixture
def world(site):
    site.topology = {"regions": {"us": {"azs": {"us-1": {}}}, "eu": {"azs": {"eu-1": {}}}},
                     "endpoints": {"a": {"az": "us-1", "addresses": [US]}, "b": {"az": "eu-1", "addresses": [EU]}},
                     "geo_rules": {"here": [{"when": {"cidr": "203.0.113.0/24"}, "tiers": [["eu"]]}]}}
    site.zone("example.com", "alias CNAME whoami\n")
    site.policies["example.com"] = {
        "names": {"www": {"endpoints": ["a", "b"], "tiers": [["us"]], "geo": "here"}},
        "whoami": {"whoami": {"of": "www"}, "resolver": {"address": "resolver"}, "subnet": {"address": "subnet"},
                   "both": {"address": "both"}, "*.who": {}}}
    return site


def ask(server, name, rtype, subnet=None):
    """Records, their TTLs, and the scope."""
    options = [dns.edns.ECSOption(*subnet)] if subnet else []
    reply = server.send(dns.message.make_query(f"{name}.example.com", rtype, use_edns=0, options=options))
    assert reply.rcode() == dns.rcode.NOERROR
    scopes = [one.scopelen for one in reply.options if isinstance(one, dns.edns.ECSOption)]
    if rtype in ("A", "AAAA", "TXT"):
        assert all(rrset.ttl == 0 for rrset in reply.answer + reply.authority if rrset.rdtype != dns.rdatatype.CNAME)
    found = {rdata.to_text().strip('"') for rrset in reply.answer for rdata in rrset if rrset.rdtype != dns.rdatatype.CNAME}
    return found, scopes[0] if scopes else None


def test_who_asks_is_told(world):
    server = world.start()
    here = "127.0.0.1"
    found, scope = ask(server, "whoami", "TXT")
    assert {"resolver=" + here, "class=default"} < found and len(found) == 3 and scope is None
    assert ask(server, "whoami", "TXT", (EUROPEAN, 24)) == (
        {"resolver=" + here, "subnet=203.0.113.0/24", "class=here[0]", "scope=24"}, 24)
    assert ask(server, "whoami", "A") == ({here}, None)
    for name, found in ("whoami", {EUROPEAN}), ("resolver", {here}), ("subnet", {EUROPEAN}), ("both", {EUROPEAN, here}), \
            ("x.y.who", {EUROPEAN}), ("alias", {EUROPEAN}):
        assert ask(server, name, "A", (EUROPEAN, 24)) == (found, 24), name
    assert ask(server, "whoami", "AAAA", (OTHER, 56)) == ({OTHER}, 56)
    assert ask(server, "whoami", "A", (OTHER, 56)) == (set(), 0), "no IPv4 address: none is made up"
    assert ask(server, "subnet", "A") == (set(), None)
    assert ask(server, "whoami", "MX")[0] == set() and ask(server, "whoami", "AAAA") == (set(), None)


def test_what_is_wrong_with_it_is_reported(world):
    server = world.start()
    world.policies["example.com"]["whoami"] = {"www": {}, "w": {"of": "nobody"}, "taken": {}, "x": {"address": "mine"}}
    world.zones["example.com"] += "taken TXT x\n"
    world.write()
    done = kit.run_steerd("-c", str(world.config), "--check")
    assert done.returncode == 1
    for text in "www.example.com. is steered, and cannot tell who asks", "expected a name of \"names\"", 'found "mine"':
        assert text in done.stderr, text
    world.policies["example.com"]["whoami"] = {"taken": {}}
    world.write()
    done = kit.run_steerd("-c", str(world.config), "--check")
    assert done.returncode == 1 and "taken.example.com. tells who asks: found a record of type TXT" in done.stderr
    assert ask(server, "whoami", "A") == ({"127.0.0.1"}, None), "what serves is what was good"


def test_a_zone_that_is_reloaded_alone_has_its_own(world):
    server = world.start()
    world.policies["example.com"]["whoami"] = {"other": {"of": "www"}}
    world.write()
    server.ctl("reload", "example.com")
    assert "class=here[0]" in ask(server, "other", "TXT", (EUROPEAN, 24))[0]
    reply = server.send(dns.message.make_query("whoami.example.com", "A"))
    assert reply.rcode() == dns.rcode.NXDOMAIN


def test_a_zone_that_is_broken_keeps_its_own(world):
    """What serves of it is a copy, whose policies have other numbers: those of a new zone come before."""
    server = world.start()
    world.zone("before.example", "")
    world.policy("before.example", {"one": {"endpoints": ["a"], "tiers": [["us"]]}, "two": {"endpoints": ["b"], "tiers": [["eu"]]}})
    world.zones["example.com"] += "broken A nonsense\n"
    world.write()
    for _ in range(3):
        server.ctl("reload", code=None)
        assert server.addresses("one.before.example") == [US]
        assert ask(server, "whoami", "TXT", (EUROPEAN, 24)) == ({"resolver=127.0.0.1", "subnet=203.0.113.0/24", "class=here[0]", "scope=24"}, 24)
