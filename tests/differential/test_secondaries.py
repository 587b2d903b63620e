# SPDX-License-Identifier: BSD-3-Clause
"""steerd as the primary of NSD, Knot and BIND: they copy its zones with a key (AXFR, TSIG), hear of changes (NOTIFY)
and then serve what steerd serves: after a reload, after a flip of a rendered name, and after a restart."""
import pathlib
import tempfile
import time

import dns.exception
import dns.message
import dns.name
import dns.query
import dns.rcode
import dns.rdatatype
import pytest

import kit
import secondaries

KEY, SECRET = "transfer.example.", "MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY="
PLAIN = """$TTL 300
@ MX 10 mail
mail A 192.0.2.25
mail AAAA 2001:db8::25
a.b.c.ent TXT "below empty names" "two strings"
alias CNAME mail
*.wild A 192.0.2.77
*.wild MX 5 mail
sub NS ns.sub
sub NS ns.elsewhere.test.
sub DS 1 8 2 AABBCCDDEEFF00112233445566778899AABBCCDDEEFF00112233445566778899
ns.sub A 192.0.2.88
gone DNAME other.test.
srv SRV 1 2 80 mail
https HTTPS 1 . alpn=h2 ipv4hint=192.0.2.1
odd TYPE65534 \\# 3 010203
r\\.p TXT "a dot in a label"
host A 192.0.2.90
host A 192.0.2.91
25.2.0.192.rev PTR mail
www 60 TXT "static beside steered"
mx.us A 192.0.2.26
ns.us A 192.0.2.56
@ HTTPS 1 . alpn=h1
"""
BIG = "$TTL 60\n" + "".join(f"host-{i:05}.{'x' * (i % 40 + 1)} A 10.0.{i >> 8}.{i & 255}\n" for i in range(6000))
BOTH = {"endpoints": ["web-*"], "tiers": [["us-east"], ["eu-west"]], "ttl": 30}
STEERED = {
    "www": BOTH,
    "@": {**BOTH, "records": {"MX": {"us-east": ["10 mail", "20 mx.us"], "eu-west": "10 mx.eu.elsewhere.test."},
                              "HTTPS": {"us-east": "1 . alpn=h2", "eu-west": "1 . alpn=h3 port=8443"},
                              "NS": {"us-east": ["ns1", "ns.us"], "eu-west": "ns1"}}},
    "*.svc": {**BOTH, "records": {"SRV": {"us-east": "1 2 3 mail", "eu-west": "1 2 3 mx.us"},
                                  "TYPE65400": {"us-east": "\\# 3 010203", "eu-west": "\\# 1 04"}}},
    "cdn": {**BOTH, "records": {"CNAME": {"us-east": "us.cdn.test.", "eu-west": "mail"}}},
    "list": {**BOTH, "pick": "all", "records": {"TXT": {"us-east": ["one", "two"], "web-us-east-1b": ["two", "three"],
                                                        "eu-west": "four"}}}}
# what copies answer while the first region serves, and else
ANSWERS = {("example.com.", "MX"): (["10 mail.example.com.", "20 mx.us.example.com."], ["10 mx.eu.elsewhere.test."]),
           ("example.com.", "NS"): (["ns.us.example.com.", "ns1.example.com."], ["ns1.example.com."]),
           ("x.svc.example.com.", "SRV"): (["1 2 3 mail.example.com."], ["1 2 3 mx.us.example.com."]),
           ("x.svc.example.com.", "TYPE65400"): (["\\# 3 010203"], ["\\# 1 04"]),
           ("cdn.example.com.", "CNAME"): (["us.cdn.test."], ["mail.example.com."]),
           ("list.example.com.", "TXT"): (['"one"', '"three"', '"two"'], ['"four"'])}
ORIGINS = "example.com.", "big.test."


def transfer(at, origin):
    """The messages of a transfer. NSD ends the processes that write one when it has taken over new content: then
    again."""
    for attempt in range(5):
        try:
            return list(dns.query.xfr(at[0], origin, port=at[1], relativize=False, timeout=10, lifetime=60))
        except (EOFError, ConnectionError):
            if attempt == 4:
                raise
            time.sleep(1)
    return []


def copy(at, origin):
    """All records of a zone as a server gives it away, the SOA once."""
    records = []
    for message in transfer(at, origin):
        records += [(rrset.name, rrset.ttl, rdata.rdtype, rdata.to_text()) for rrset in message.answer for rdata in rrset]
    assert records[0] == records[-1] and records[0][2] == dns.rdatatype.SOA
    found = set(records)
    assert len(found) == len(records) - 1
    return found


def serial(at, origin):
    """Of the SOA that a server answers with; None while it has none."""
    try:
        reply = dns.query.udp(dns.message.make_query(origin, "SOA"), at[0], port=at[1], timeout=2)
    except (OSError, dns.exception.DNSException):
        return None
    return reply.answer[0][0].serial if reply.rcode() == dns.rcode.NOERROR and reply.answer else None


def answers(at, name, rtype):
    reply = dns.query.udp(dns.message.make_query(name, rtype), at[0], port=at[1], timeout=5)
    return sorted(rdata.to_text() for rrset in reply.answer for rdata in rrset)


def addresses(at, name):
    return answers(at, name, "A")


def assert_answers(peers, column):
    """The primary and its copies."""
    for (name, rtype), expected in ANSWERS.items():
        for label, at in peers.items():
            assert answers(at, name, rtype) == expected[column], (label, name, rtype)


class World:
    """steerd and those that copy from it."""

    def __init__(self, site, peers):
        self.site, self.peers = site, peers
        self.primary = site.listen[0]
        self.server = site.start()

    def wait_copied(self, why):
        """Until all have the serials of the primary; then they have its records."""
        for origin in ORIGINS:
            current = serial(self.primary, origin)
            for name, peer in self.peers.items():
                self.server.wait(lambda origin=origin, peer=peer, current=current: serial(peer.at, origin) == current,
                                 f"{name} copies {origin} {current}: {why}")

    def assert_alike(self):
        for origin in ORIGINS:
            mine = copy(self.primary, origin)
            for name, peer in self.peers.items():
                theirs = copy(peer.at, origin)
                assert theirs == mine, f"{name} {origin}: {sorted(map(str, theirs ^ mine))[:10]}"


@pytest.fixture
def site():
    with kit.new_site() as made:
        yield made


@pytest.fixture
def world(site):
    at = kit.make_regions(site)
    site.web(*at.values())
    us, eu = ([at[f"{region}-1{az}"] for az in "ab"] for region in ("us-east", "eu-west"))
    site.us, site.eu = sorted(us), sorted(eu)
    site.zone("example.com", PLAIN).zone("big.test", BIG)
    site.policy("example.com", STEERED)
    secondaries_settings = secondaries.Settings(site.listen[0], KEY, SECRET)
    with tempfile.TemporaryDirectory(prefix="steerd-secondaries.") as folder:
        peers, missing = {}, []
        for name, made in secondaries.SECONDARIES.items():
            if made.find() is None:
                missing.append(name)
                continue
            home = pathlib.Path(folder) / name
            home.mkdir()
            peers[name] = made(home, {})
            peers[name].settings = secondaries_settings
        if not peers:
            pytest.skip(f"none of {', '.join(missing)} is installed (contrib/packages oracle)")
        site.server["keys"] = {KEY: {"secret": SECRET}}
        site.server["zone_options"] = {
            "*": {"transfer_to": [{"key": KEY}, "127.0.0.1"],
                  "notify": [{"address": "{}:{}".format(*peer.at), "key": KEY} for peer in peers.values()]},
            "example.com": {"transfer_steered": "rendered"}}
        made = World(site, peers)
        made.missing = missing
        try:
            for peer in peers.values():
                peer.zones = {origin: "" for origin in ORIGINS}
                peer.start()
            yield made
        finally:
            for peer in peers.values():
                if peer.process is not None:
                    peer.stop()


def test_secondaries_follow(world):
    site, server = world.site, world.server
    world.wait_copied("the first copy")
    world.assert_alike()
    for peer in world.peers.values():
        assert addresses(peer.at, "www.example.com") == site.us
    ats = {"steerd": world.primary, **{name: peer.at for name, peer in world.peers.items()}}
    assert_answers(ats, 0)

    # a reload: new content and serial in both zones
    site.zone("big.test", BIG.replace("10.0.", "10.1."), soa=kit.SOA.replace("hostmaster 1 ", "hostmaster 2 "))
    site.zone("example.com", PLAIN + "new A 192.0.2.100\n").write()
    before = serial(world.primary, "example.com.")
    assert server.reload().status == 200
    assert serial(world.primary, "example.com.") > before, "rendered zones count by themselves"
    assert serial(world.primary, "big.test.") == 2
    world.wait_copied("after a reload")
    world.assert_alike()

    # one zone
    site.zone("big.test", BIG.replace("10.0.", "10.2."), soa=kit.SOA.replace("hostmaster 1 ", "hostmaster 3 ")).write()
    server.ctl("reload", "big.test")
    world.wait_copied("after the reload of one zone")
    world.assert_alike()

    # a region is lost, and comes back
    for state, expected in ("down", site.eu), ("auto", site.us):
        before = serial(world.primary, "example.com.")
        server.override("region", "us-east", state)
        server.wait(lambda before=before: serial(world.primary, "example.com.") > before, "the serial rises")
        world.wait_copied(f"after us-east {state}")
        world.assert_alike()
        for peer in world.peers.values():
            assert addresses(peer.at, "www.example.com") == expected
        assert_answers(ats, expected == site.eu)

    # all are known to know
    def known():
        zones = server.get("/v1/zones")["items"]
        return all(one["state"] == "acknowledged" and one["serial"] == zone["serial"]
                   for zone in zones for one in zone["secondaries"])
    server.wait(known, "all have acknowledged the last serial")
    print("secondaries:", ", ".join(world.peers), "missing:", ", ".join(world.missing) or "none")


def test_serials_go_on_over_restarts(world):
    world.wait_copied("the first copy")
    for how, state, expected in ("stop", "down", world.site.eu), ("kill", "auto", world.site.us):
        last = serial(world.primary, "example.com.")
        getattr(world.server, how)()
        world.server = world.site.start()
        assert serial(world.primary, "example.com.") >= last
        before = serial(world.primary, "example.com.")
        world.server.override("region", "us-east", state)
        world.server.wait(lambda before=before: serial(world.primary, "example.com.") > before, "the serial rises")
        world.wait_copied("after a restart")
        for peer in world.peers.values():
            assert addresses(peer.at, "www.example.com") == expected
    world.assert_alike()
