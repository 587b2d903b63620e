# SPDX-License-Identifier: BSD-3-Clause
"""Steered records of any type: what a policy writes for its endpoints is answered as if it stood in the zone file, and
moves with the addresses. Health comes from overrides, so that nothing depends on the time that checks take."""
import json
import subprocess

import dns.edns
import dns.flags
import dns.message
import dns.name
import dns.rcode
import dns.rdata
import dns.rdatatype
import pytest

import kit
from test_geo import DATABASE
from transfers import as_set, fetch, serial_of

AZS = {"us-east-1a": "192.0.2.1", "us-east-1b": "192.0.2.2", "eu-west-1a": "192.0.2.11", "eu-west-1b": "192.0.2.12"}
ORIGIN = dns.name.from_text("example.com")
STATIC = """mx1.us 60 IN A 192.0.2.21
mx2.us 60 IN A 192.0.2.22
mx2.us 60 IN AAAA 2001:db8::22
mx.eu 60 IN A 192.0.2.31
ns2 60 IN A 192.0.2.54
@ 60 IN CAA 0 issue "ca.example.net"
fall 60 IN MX 50 mx.eu
dup 60 IN TXT "static"
"""
NAMES = {
    "@": {"addresses": True, "records": {
        "MX": {"us-east": ["10 mx1.us", "20 mx2.us"], "eu-west": "10 mx.eu"},
        "HTTPS": {"us-east": "1 . alpn=h2", "eu-west": "1 . alpn=h2,h3 port=8443"},
        "TXT": {"web-us-east-1a": '"a"', "us-east": '"us"', "*": '"other"'},
        "NS": {"us-east": ["ns1", "ns2"], "eu-west": "ns2"}}},
    "*.svc": {"records": {
        "SRV": {"us-east": "10 60 5060 mx1.us", "eu-west": "10 40 5061 mx.eu"},
        "TYPE65400": {"us-east": "\\# 3 010203", "eu-west": "\\# 0"}}},
    "cdn": {"records": {"CNAME": {"us-east": "a.cdn.example.net.", "eu-west": "in"}}},
    "in": {"records": {"TXT": {"*": '"in our zone"'}, "A": {"us-east": ["192.0.2.71", "192.0.2.72"]}}},
    "fall": {"records": {"MX": {"*": "10 mx1.us"}}, "fallback": "static"},
    "large": {"pick": "all", "records": {
        "TXT": {f"web-{az}": [f'"{az}-{i} {"x" * 200}"' for i in range(8)] for az in AZS}}},
    "all": {"pick": "all", "records": {"MX": {"web-us-east-1a": ["10 mx1.us", "20 mx2.us"],
                                              "web-us-east-1b": ["20 mx2.us", "30 mx.eu"], "eu-west": "10 mx.eu"}}},
}


@pytest.fixture
def server(site):
    return make(site).start()


def make(site, **more):
    kit.make_regions(site)
    site.topology["checks"] = {}
    site.topology["endpoints"] = {f"web-{az}": {"az": az, "addresses": [address]} for az, address in AZS.items()}
    site.zone("example.com", STATIC)
    site.policy("example.com", {
        name: {"endpoints": ["web-*"], "tiers": [["us-east"], ["eu-west"]], "ttl": 7, **settings}
        for name, settings in {**NAMES, **more}.items()})
    return site


def parse(rtype, *texts):
    return {dns.rdata.from_text("IN", rtype, text, origin=ORIGIN, relativize=False) for text in texts}


def owner_of(name):
    return "example.com" if name == "@" else f"{name}.example.com"


def answer(server, name, rtype, **options):
    """The set of rdata in the answer section, which holds nothing else."""
    reply = server.ask(owner_of(name), rtype, **options)
    assert reply.rcode() == dns.rcode.NOERROR and reply.flags & dns.flags.AA
    for rrset in reply.answer:
        assert rrset.rdtype == dns.rdatatype.from_text(rtype) and rrset.name == dns.name.from_text(owner_of(name))
        assert rrset.ttl == 7
    return {rdata for rrset in reply.answer for rdata in rrset}


def added(reply):
    return {(str(rrset.name), rdata.to_text()) for rrset in reply.additional for rdata in rrset}


# ---- each type ----

def test_apex_types(server):
    assert answer(server, "@", "MX") == parse("MX", "10 mx1.us", "20 mx2.us")
    assert answer(server, "@", "HTTPS") == parse("HTTPS", "1 . alpn=h2")
    assert answer(server, "@", "NS") == parse("NS", "ns1", "ns2")
    assert {frozenset(answer(server, "@", "TXT")) for _ in range(40)} == \
        {frozenset(parse("TXT", '"a"')), frozenset(parse("TXT", '"us"'))}
    assert answer(server, "@", "A") < parse("A", *AZS.values())
    assert server.ask("example.com", "CAA").answer[0].ttl == 60, "other types stay static"
    assert not server.ask("example.com", "AAAA").answer
    assert added(server.ask("example.com", "MX")) == {
        ("mx1.us.example.com.", "192.0.2.21"), ("mx2.us.example.com.", "192.0.2.22"),
        ("mx2.us.example.com.", "2001:db8::22")}


def test_everything_moves_at_once(server):
    """From the moment that the override is confirmed every type says so, the first time it is asked."""
    moves = {("@", "MX"): (parse("MX", "10 mx1.us", "20 mx2.us"), parse("MX", "10 mx.eu")),
             ("@", "NS"): (parse("NS", "ns1", "ns2"), parse("NS", "ns2")),
             ("@", "HTTPS"): (parse("HTTPS", "1 . alpn=h2"), parse("HTTPS", "1 . alpn=h2,h3 port=8443")),
             ("@", "A"): (parse("A", "192.0.2.1", "192.0.2.2"), parse("A", "192.0.2.11", "192.0.2.12")),
             ("x.svc", "SRV"): (parse("SRV", "10 60 5060 mx1.us"), parse("SRV", "10 40 5061 mx.eu")),
             ("x.svc", "TYPE65400"): (parse("TYPE65400", "\\# 3 010203"), parse("TYPE65400", "\\# 0")),
             ("in", "A"): (parse("A", "192.0.2.71", "192.0.2.72"), set())}
    for state, after in ("drain", 1), ("auto", 0), ("down", 1), ("auto", 0):
        server.override("region", "us-east", state)
        for (name, rtype), expected in moves.items():
            got = answer(server, name, rtype)
            assert got <= expected[after] and (got or not expected[after]), (name, rtype, state)


def test_wildcards(server):
    reply = server.ask("_sip._udp.svc.example.com", "SRV")
    assert str(reply.answer[0].name) == "_sip._udp.svc.example.com." and added(reply) == {
        ("mx1.us.example.com.", "192.0.2.21")}
    assert not server.ask("x.svc.example.com", "A").answer
    assert server.ask("svc.example.com", "SRV").rcode() == dns.rcode.NOERROR  # the asterisk's parent is there, empty


def test_aliases(server):
    for rtype in "A", "MX", "CNAME":
        reply = server.ask("cdn.example.com", rtype)
        assert [rrset.to_text() for rrset in reply.answer] == ["cdn.example.com. 7 IN CNAME a.cdn.example.net."]
        assert not reply.authority and reply.rcode() == dns.rcode.NOERROR
    server.override("region", "us-east", "down")
    reply = server.ask("cdn.example.com", "TXT")
    assert [rrset.to_text() for rrset in reply.answer] == [
        "cdn.example.com. 7 IN CNAME in.example.com.", 'in.example.com. 7 IN TXT "in our zone"']
    reply = server.ask("cdn.example.com", "A")  # in has no A in this region
    assert len(reply.answer) == 1 and reply.authority[0].rdtype == dns.rdatatype.SOA and reply.authority[0].ttl == 7


def test_several_endpoints_in_one_answer(server):
    assert answer(server, "all", "MX") == parse("MX", "10 mx1.us", "20 mx2.us", "30 mx.eu")
    assert len(server.ask("all.example.com", "MX").answer[0]) == 3, "each record once"
    server.override("endpoint", "web-us-east-1a", "down")
    assert answer(server, "all", "MX") == parse("MX", "20 mx2.us", "30 mx.eu")


def test_large_sets_go_over_tcp(server):
    everything = {text for az in ("us-east-1a", "us-east-1b") for text in NAMES["large"]["records"]["TXT"][f"web-{az}"]}
    for options in {}, {"edns": 0, "payload": 1232}:
        reply = server.ask("large.example.com", "TXT", **options)
        assert reply.flags & dns.flags.TC and not reply.answer
    assert answer(server, "large", "TXT", tcp=True) == parse("TXT", *everything)
    wired = [f"@{server.site.listen[0][0]}", "-p", str(server.site.listen[0][1])]
    dig = subprocess.run(["dig", *wired, "+short", "large.example.com", "TXT"], capture_output=True, text=True, check=True)
    assert sorted(line for line in dig.stdout.splitlines() if not line.startswith(";")) == sorted(everything)


def test_fallbacks(server):
    assert answer(server, "fall", "MX") == parse("MX", "10 mx1.us")
    for region in "us-east", "eu-west":
        server.override("region", region, "drain")
    reply = server.ask("fall.example.com", "MX")
    assert [rrset.to_text() for rrset in reply.answer] == ["fall.example.com. 60 IN MX 50 mx.eu.example.com."]
    assert [rrset.to_text() for rrset in server.ask("example.com", "NS").answer] == ["example.com. 300 IN NS ns1.example.com."]
    reply = server.ask("example.com", "MX")
    assert not reply.answer and reply.authority[0].ttl == 7


def test_geography(site):
    make(site, here={
        "records": {"MX": {"us-east": "10 mx1.us", "eu-west": "10 mx.eu"}},
        "geo": [{"when": {"cidr": "198.51.100.0/24"}, "tiers": [["eu-west"], ["us-east"]]}]})
    site.server["geo"] = [str(DATABASE)]
    server = site.start()

    def ask(client, rtype="MX"):
        option = dns.edns.ECSOption(client, 32)
        reply = server.send(dns.message.make_query("here.example.com", rtype, use_edns=0, options=[option]))
        scope, = [one.scopelen for one in reply.options if isinstance(one, dns.edns.ECSOption)]
        return {rdata for rrset in reply.answer for rdata in rrset}, scope
    assert ask("198.51.100.7") == (parse("MX", "10 mx.eu"), 24)
    got, scope = ask("192.0.2.7")
    assert got == parse("MX", "10 mx1.us") and 0 < scope < 24
    assert ask("198.51.100.7", "TXT") == (set(), 0), "nothing for anybody"
    server.override("region", "eu-west", "down")
    assert ask("198.51.100.7") == (parse("MX", "10 mx1.us"), 24)


# ---- what tells about it ----

def test_explain_and_names(server):
    told = server.get("/v1/explain?name=example.com&type=MX")
    chosen = [member for member in told["members"] if member["chosen"]]
    assert chosen and all(set(parse("MX", *member["records"])) == parse("MX", "10 mx1.us", "20 mx2.us") for member in chosen)
    types = {name["name"]: name["types"] for name in server.get("/v1/names")["items"]}
    assert set(types["example.com."]) == {"A", "MX", "HTTPS", "TXT", "NS"}
    assert set(types["*.svc.example.com."]) == {"SRV", "TYPE65400"} and types["cdn.example.com."] == ["CNAME"]
    assert "10 mx1.us.example.com." in server.ctl("explain", "example.com", "MX").stdout


def test_drill(site):
    make(site)
    site.topology["checks"]["web"] = {"type": "tcp", "port": 80}
    for endpoint in site.topology["endpoints"].values():
        endpoint["checks"] = ["web"]
    site.write()
    done = kit.run_steerd("-c", str(site.config), "--drill", "region:us-east", "--json")
    assert done.returncode == 1, "something is left unserved"
    told = {(row["name"], row["type"]): row for row in json.loads(done.stdout)["answers"]}
    for key in ("example.com.", "MX"), ("example.com.", "A"), ("*.svc.example.com.", "TYPE65400"), ("cdn.example.com.", "CNAME"):
        shares = {share["region"]: (round(share["before"], 6), round(share["after"], 6)) for share in told[key]["shares"]}
        assert shares == {"us-east": (1, 0), "eu-west": (0, 1)} and told[key]["changes"], key
    assert told["in.example.com.", "A"]["unserved"], "no A in the other region"
    assert ("in.example.com.", "AAAA") not in told


def test_dump_is_what_was_written(site):
    make(site).write()
    done = kit.run_steerd("-c", str(site.config), "--dump", "example.com")
    assert done.returncode == 0 and "10 mx1.us.example.com." in done.stdout, done


# ---- reloads and copies ----

def test_one_zone_is_reloaded(site):
    server = make(site).start()
    server.override("endpoint", "web-us-east-1a", "down")
    policy = site.policies["example.com"]["names"]
    policy["@"]["records"] = {"MX": {"*": "5 mx.eu"}}
    policy["new"] = {"endpoints": ["web-us-*"], "records": {"LOC": {"*": "52 22 23.000 N 4 53 32.000 E -2.00m"}}, "ttl": 7}
    site.write()
    assert server.ctl("reload", "example.com").stderr == ""
    assert answer(server, "@", "MX") == parse("MX", "5 mx.eu")
    assert server.ask("example.com", "NS").answer[0].ttl == 300 and not server.ask("example.com", "HTTPS").answer
    assert len(answer(server, "new", "LOC")) == 1
    assert answer(server, "all", "MX") == parse("MX", "20 mx2.us", "30 mx.eu"), "what was decided holds"
    policy["@"]["records"]["MX"]["*"] = "5"
    site.write()
    done = server.ctl("reload", "example.com", code=1)
    assert "example.com.json:" in done.stderr and "records.MX" in done.stderr
    assert answer(server, "@", "MX") == parse("MX", "5 mx.eu")


def test_copies_hold_what_is_answered(site):
    make(site)
    site.server["zone_options"] = {"*": {"transfer_to": ["0.0.0.0/0"], "transfer_steered": "rendered"}}
    server = site.start()

    def copied(name, rtype):
        return {rdata for owner, _, rdata in fetch(server)[0]
                if owner == dns.name.from_text(owner_of(name)) and rdata.rdtype == dns.rdatatype.from_text(rtype)}
    everything = as_set(fetch(server)[0])
    assert len(everything) > 30
    assert copied("@", "MX") == parse("MX", "10 mx1.us", "20 mx2.us")
    assert copied("@", "NS") == parse("NS", "ns1", "ns2")
    assert copied("all", "MX") == parse("MX", "10 mx1.us", "20 mx2.us", "30 mx.eu")
    assert copied("*.svc", "TYPE65400") == parse("TYPE65400", "\\# 3 010203")
    assert len(copied("large", "TXT")) == 16 and copied("cdn", "CNAME") == parse("CNAME", "a.cdn.example.net.")
    before = serial_of(server)
    server.override("region", "us-east", "down")
    server.wait(lambda: serial_of(server) > before, "the serial rises")
    assert copied("@", "MX") == parse("MX", "10 mx.eu") and copied("@", "NS") == parse("NS", "ns2")
    assert copied("in", "A") == set() and copied("cdn", "CNAME") == parse("CNAME", "in")
    server.override("region", "eu-west", "drain")
    server.override("region", "us-east", "drain")
    server.wait(lambda: copied("@", "MX") == set(), "nothing is left")
    assert copied("@", "NS") == parse("NS", "ns1"), "no zone is without"
    assert copied("fall", "MX") == parse("MX", "50 mx.eu")
