# SPDX-License-Identifier: BSD-3-Clause
"""Answers of 64 endpoints over TCP, larger than compression pointers reach (RFC 1035 section 4.1.4): dnspython, which shares no
code with steerd, reads every one of them and finds what the configuration says, additional section included."""
import collections
import ipaddress
import socket
import struct

import dns.flags
import dns.message
import pytest

import kit
import nameserver
from test_hosts import make_site, wait_host

POINTERS_REACH = 0x4000
ENDPOINTS, RECORDS, ADDRESSES = 64, 5, 8
# How a target is written, and the field that dnspython keeps it in
TYPES = {"MX": ("{n} {target}", "exchange"), "SRV": ("{n} 1 443 {target}", "target"), "HTTPS": ("{n} {target} port={n}", "target")}
WIDE = "." + "a" * 20


def target_of(rtype, endpoint, record):
    return f"{rtype.lower()}-{endpoint}-{record}" + (WIDE if rtype == "HTTPS" else "")


def make_crowds(site):
    kit.make_regions(site)
    site.topology["checks"] = {}
    site.topology["endpoints"] = {f"web-{i}": {"az": "us-east-1a", "addresses": [f"192.0.2.{i}"]} for i in range(ENDPOINTS)}
    lines, names = [], {}
    for rtype, (form, _) in TYPES.items():
        lists = {}
        for i in range(ENDPOINTS):
            targets = [target_of(rtype, i, k) for k in range(RECORDS)]
            lists[f"web-{i}"] = [form.format(n=k + 1, target=target) for k, target in enumerate(targets)]
            lines += [f"{target} 60 IN A 10.{i}.{k}.1\n" for k, target in enumerate(targets)]
            lines += [f"{target} 60 IN AAAA 2001:db8::{i}:{k}\n" for k, target in enumerate(targets)]
        lists["web-63"].append(form.format(n=9, target="steered"))
        names[f"crowd-{rtype.lower()}"] = {"endpoints": ["web-*"], "pick": "all", "records": {rtype: lists}}
    site.zone("example.com", "".join(lines))
    site.policy("example.com", {**names, "steered": {"endpoints": ["web-*"]}})
    return site


def ask(server, name, rtype):
    """A reply over TCP without TC, read by dnspython as it came; and how many octets it had."""
    query = dns.message.make_query(name, rtype, use_edns=False)
    with socket.create_connection(server.site.listen[0], kit.PATIENCE_S) as connection, connection.makefile("rb") as stream:
        connection.sendall(struct.pack("!H", len(query.to_wire())) + query.to_wire())
        wire = stream.read(struct.unpack("!H", stream.read(2))[0])
    reply = dns.message.from_wire(wire)
    assert query.is_response(reply) and not reply.flags & dns.flags.TC
    return reply, len(wire)


@pytest.mark.parametrize("rtype", TYPES)
def test_all_that_comes_along_can_be_read(site, rtype):
    server = make_crowds(site).start()
    reply, size = ask(server, f"crowd-{rtype.lower()}.example.com", rtype)
    assert size > POINTERS_REACH, "else this proves nothing"
    records = [rdata for rrset in reply.answer for rdata in rrset]
    targets = {getattr(rdata, TYPES[rtype][1]).to_text() for rdata in records}
    assert len(records) == ENDPOINTS * RECORDS + 1
    found = collections.defaultdict(set)
    for rrset in reply.additional:
        found[rrset.name.to_text()] |= {rdata.to_text() for rdata in rrset}
    expected = {f"{target_of(rtype, i, k)}.example.com.": {f"10.{i}.{k}.1", ipaddress.ip_address(f"2001:db8::{i}:{k}").compressed}
                for i in range(ENDPOINTS) for k in range(RECORDS)}
    steered = found.pop("steered.example.com.")
    assert len(steered) == 1 and steered.pop().startswith("192.0.2.")
    assert found == expected and targets == set(expected) | {"steered.example.com."}


def test_crowds_of_hosts_can_be_read(site):
    hosts = {f"lb-{i}.example.net": {"A": [f"10.{i}.0.{k}" for k in range(ADDRESSES)]} for i in range(ENDPOINTS)}
    resolver = nameserver.Nameserver(hosts)
    try:
        endpoints = {f"lb-{i}": {"host": f"lb-{i}.example.net"} for i in range(ENDPOINTS)}
        make_site(site, resolver, endpoints).zone("example.com", "mx 60 IN MX 5 www\n")
        site.policy("example.com", {"www": {"endpoints": ["lb-*"], "pick": "all", "host_answer": "addresses"}})
        server = site.start()
        for i in range(ENDPOINTS):
            wait_host(server, f"lb-{i}", ipv4={"state": "good"})
        expected = {address for host in hosts.values() for address in host["A"]}
        reply, _ = ask(server, "www.example.com", "A")
        assert {rdata.to_text() for rrset in reply.answer for rdata in rrset} == expected
        reply, _ = ask(server, "mx.example.com", "MX")
        assert {rdata.to_text() for rrset in reply.additional for rdata in rrset} == expected
    finally:
        resolver.close()

