# SPDX-License-Identifier: BSD-3-Clause
"""Transfers out, with dnspython as the secondary: AXFR and IXFR with and without keys, zones of many messages, slow
readers, many at once; TSIG on ordinary queries; what is rendered, and the serial that goes with it."""
import socket
import struct
import threading
import time

import dns.edns
import dns.exception
import dns.flags
import dns.message
import dns.name
import dns.query
import dns.rcode
import dns.rdatatype
import dns.rrset
import dns.tsig
import dns.xfr
import dns.zone

import kit

SECRET = "MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY="
KEY = dns.tsig.Key("transfer.example.", SECRET, "hmac-sha256")
OTHER = dns.tsig.Key("other.example.", SECRET, "hmac-sha512")
WRONG = dns.tsig.Key("transfer.example.", "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=", "hmac-sha256")
KEYS = {"transfer.example": {"secret": SECRET}, "Other.Example.": {"algorithm": "hmac-sha512", "secret": SECRET}}
ANYBODY = {"*": {"transfer_to": ["0.0.0.0/0", "::/0"]}}

EVERYTHING = """$TTL 300
@ MX 10 mail
@ MX 20 mail.elsewhere.test.
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
hidden.sub TXT "occluded, and yet part of the zone"
gone DNAME other.test.
srv SRV 1 2 80 mail
www HTTPS 1 . alpn=h2 ipv4hint=192.0.2.1
odd TYPE65534 \\# 3 010203
r\\.p TXT "a dot in a label"
host A 192.0.2.90
host A 192.0.2.91
25.2.0.192.rev PTR mail
"""


def make_big(count):
    """A zone of several messages with names of all lengths."""
    return "$TTL 60\n" + "".join(f"host-{i:05}.{'x' * (i % 40 + 1)} A 10.{i >> 16 & 255}.{i >> 8 & 255}.{i & 255}\n"
                                 f"host-{i:05}.{'x' * (i % 40 + 1)} TXT \"{'t' * (i % 200)}\"\n" for i in range(count))


def fetch(server, origin="example.com", key=None, **options):
    """The zone as dnspython gets it, and in how many messages."""
    at = server.site.listen[0]
    zone = dns.zone.Zone(dns.name.from_text(origin))
    messages = 0
    options = {"relativize": False, "timeout": 10, "lifetime": 60, **options}
    if key is not None:
        options.update(keyring=key, keyname=key.name, keyalgorithm=key.algorithm)
    records = []
    for message in dns.query.xfr(at[0], origin, port=at[1], **options):
        messages += 1
        records += [(rrset.name, rrset.ttl, rdata) for rrset in message.answer for rdata in rrset]
    assert records[0] == records[-1] and records[0][2].rdtype == dns.rdatatype.SOA
    return records, messages


def as_set(records):
    """Without the second SOA; each record is there once."""
    found = {(name, ttl, rdata.rdtype, rdata.to_text()) for name, ttl, rdata in records}
    assert len(found) == len(records) - 1
    return found


def read_zone(text, origin="example.com"):
    zone = dns.zone.from_text(f"$ORIGIN {origin}.\n{text}", origin=origin, relativize=False, check_origin=False)
    return {(name, ttl, rdata.rdtype, rdata.to_text()) for name, ttl, rdata in zone.iterate_rdatas()}


def test_a_copy_holds_every_record(site):
    site.zone("example.com", EVERYTHING)
    site.server["zone_options"] = ANYBODY
    server = site.start()
    records, messages = fetch(server)
    assert as_set(records) == read_zone(kit.SOA + EVERYTHING)
    assert messages == 1
    server.wait_log("transfer result=finished zone=example.com.", "serial=1 messages=1", "signed=no")
