# SPDX-License-Identifier: BSD-3-Clause
"""What tests of transfers share: keys, zones of several sizes, and dnspython as a secondary."""
import struct

import dns.message
import dns.name
import dns.query
import dns.rdatatype
import dns.tsig
import dns.zone

SECRET = "MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY="
KEY = dns.tsig.Key("transfer.example.", SECRET, "hmac-sha256")
OTHER = dns.tsig.Key("other.example.", SECRET, "hmac-sha512")
WRONG = dns.tsig.Key("transfer.example.", "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=", "hmac-sha256")
KEYS = {"transfer.example": {"secret": SECRET}, "Other.Example.": {"algorithm": "hmac-sha512", "secret": SECRET}}
ANYBODY = {"*": {"transfer_to": ["0.0.0.0/0", "::/0"]}}

def make_big(count):
    """A zone of several messages with names of all lengths."""
    return "$TTL 60\n" + "".join(f"host-{i:05}.{'x' * (i % 40 + 1)} A 10.{i >> 16 & 255}.{i >> 8 & 255}.{i & 255}\n"
                                 f"host-{i:05}.{'x' * (i % 40 + 1)} TXT \"{'t' * (i % 200)}\"\n" for i in range(count))


def make_bulk(count):
    """A zone of as many kilobytes, in few records, which dnspython reads in no time."""
    text = " ".join([f'"{"b" * 240}"'] * 4)
    return "$TTL 60\n" + "".join(f"bulk-{i:06} TXT {text}\n" for i in range(count))


BULK = 12000  # more than the sockets of both ends hold
HEAD = 3  # records of kit.SOA


def fetch(server, origin="example.com", key=None, **options):
    """The zone as dnspython gets it, and in how many messages."""
    at = server.site.listen[0]
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


def query(name, rtype, key=None, **options):
    made = dns.message.make_query(name, rtype, **options)
    if key is not None:
        made.use_tsig(key, key.name, algorithm=key.algorithm)
    return made


def ask(server, name, rtype, key=None, tcp=True, **options):
    """A reply whose signature dnspython has verified, if the query was signed."""
    return server.send(query(name, rtype, key, **options), tcp=tcp)


def metric(server, name, **labels):
    wanted = name + ("{" + ",".join(f'{key}="{value}"' for key, value in labels.items()) + "}" if labels else "")
    for line in server.request("GET", "/metrics").body.decode().splitlines():
        if line.startswith(wanted + " "):
            return int(line.split()[-1])
    raise AssertionError(f"no metric {wanted}")


def serial_of(server, name="example.com"):
    """The serial of the SOA, the same in a negative answer and in what the API says."""
    serial = server.ask(name, "SOA").answer[0][0].serial
    assert server.ask(f"no-such-name.{name}", "A").authority[0][0].serial >= serial
    return serial


def read_frame(stream):
    head = stream.read(2)
    assert len(head) == 2, "the connection ended"
    return stream.read(struct.unpack("!H", head)[0])
