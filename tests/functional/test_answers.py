# SPDX-License-Identifier: BSD-3-Clause
"""What goes into answers beside the records that were asked for, and the switches for it."""
import collections

import dns.edns
import dns.message
import dns.rcode
import pytest

import kit

ZONE = """$TTL 300
@ MX 10 mail
@ MX 20 www
mail A 192.0.2.25
mail AAAA 2001:db8::25
www A 192.0.2.9
many A 192.0.2.1
many A 192.0.2.2
many A 192.0.2.3
"""
WEB = ["127.0.0.61", "127.0.0.62"]


def texts(section):
    return {line for rrset in section for line in rrset.to_text().split("\n")}


def error_of(server, name, rtype="A"):
    """(rcode, code, text) of the extended error, or (rcode, None, None)."""
    reply = server.send(dns.message.make_query(name, rtype, use_edns=0))
    for option in reply.options:
        if option.otype == dns.edns.EDE:
            return dns.rcode.to_text(reply.rcode()), int(option.code), option.text
    return dns.rcode.to_text(reply.rcode()), None, None


MAIL = {"mail.example.com. 300 IN A 192.0.2.25", "mail.example.com. 300 IN AAAA 2001:db8::25"}
WWW = {"www.example.com. 300 IN A 192.0.2.9"}


def test_additional_data_and_minimal_responses(site):
    server = site.zone("example.com", ZONE).start()
    assert texts(server.ask("example.com", "MX").additional) == MAIL | WWW
    assert texts(server.ask("example.com", "MX", tcp=True).additional) == MAIL | WWW
    site.server["minimal_responses"] = True
    site.write()
    server.reload()
    assert not server.ask("example.com", "MX").additional
    assert len(server.ask("example.com", "MX").answer[0]) == 2


@pytest.fixture
def steered(site):
    """www is steered, with endpoints that nobody checks; api says SERVFAIL, app NODATA if none is left."""
    kit.make_regions(site)
    site.topology["checks"] = {}
    site.topology["endpoints"] = {
        f"web-{az}": {"az": az, "addresses": [address]}
        for az, address in {"us-east-1a": "198.51.100.1", "eu-west-1a": "198.51.100.2"}.items()}
    name = {"ttl": 30, "endpoints": ["web-*"], "tiers": [["us-east"], ["eu-west"]]}
    site.policy("example.com", {"www": {**name, "fallback": "static"}, "api": {**name, "fallback": "servfail"},
                                "app": {**name, "fallback": "nodata"}})
    return site.zone("example.com", ZONE).start()


def test_steered_targets_follow_health(steered):
    def added():
        return texts(steered.ask("example.com", "MX").additional) - MAIL
    assert added() == {"www.example.com. 30 IN A 198.51.100.1"}
    steered.override("region", "us-east", "down")
    assert added() == {"www.example.com. 30 IN A 198.51.100.2"}
    steered.override("region", "eu-west", "down")
    assert added() == WWW


def orders(server, name, count=60):
    found = collections.Counter()
    for _ in range(count):
        found[tuple(rdata.address for rdata in server.ask(name).answer[0])] += 1
    return found


def test_records_rotate_on_request(site):
    server = site.zone("example.com", ZONE).start()
    first = ("192.0.2.1", "192.0.2.2", "192.0.2.3")
    assert set(orders(server, "many.example.com", 20)) == {first}
    site.server["rotate"] = True
    site.write()
    server.reload()
    assert set(orders(server, "many.example.com")) == {first, first[1:] + first[:1], first[2:] + first[:2]}


def test_extended_errors(site):
    site.zone("example.com", ZONE).zone("broken.example", "www A not-an-address\n")
    server = site.start()
    assert error_of(server, "mail.example.com") == ("NOERROR", None, None)
    assert error_of(server, "www.elsewhere.test") == ("REFUSED", 20, None)
    assert error_of(server, "www.broken.example") == ("SERVFAIL", 24, "zone not loaded")
    assert not server.ask("www.elsewhere.test").options
    site.server["extended_errors"] = False
    site.write()
    server.reload()
    assert error_of(server, "www.elsewhere.test") == ("REFUSED", None, None)


def test_a_steered_name_with_nothing_to_offer_says_so(steered):
    assert error_of(steered, "api.example.com") == ("NOERROR", None, None)
    for region in "us-east", "eu-west":
        steered.override("region", region, "down")
    assert error_of(steered, "api.example.com") == ("SERVFAIL", 0, "no healthy endpoint")
    assert error_of(steered, "app.example.com") == ("NOERROR", 0, "no healthy endpoint")
    assert error_of(steered, "www.example.com") == ("NOERROR", None, None)
