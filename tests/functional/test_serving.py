# SPDX-License-Identifier: BSD-3-Clause
"""Plain serving: what any authoritative nameserver has to get right, from the real process over real sockets."""
import struct

import dns.edns
import dns.exception
import dns.flags
import dns.message
import dns.name
import dns.opcode
import dns.query
import dns.rcode
import dns.rdataclass
import dns.rdatatype
import pytest

import kit

ZONE = """
www 60 IN A 192.0.2.1
www 60 IN A 192.0.2.2
www 60 IN AAAA 2001:db8::1
@ 300 IN MX 10 mail
mail 300 IN A 192.0.2.25
alias 300 IN CNAME www
chain 300 IN CNAME alias
away 300 IN CNAME www.example.net.
lost 300 IN CNAME nothing.example.com.
loop-a 300 IN CNAME loop-b
loop-b 300 IN CNAME loop-a
*.wild 300 IN A 192.0.2.80
*.wild 300 IN TXT "wild"
host.wild 300 IN TXT "not wild"
deep.below.ent 300 IN A 192.0.2.81
sub 300 IN NS ns.sub
sub 300 IN NS ns.elsewhere.example.net.
ns.sub 300 IN A 192.0.2.54
ns.sub 300 IN AAAA 2001:db8::54
strange 300 IN TYPE65280 \\# 4 DEADBEEF
empty 300 IN TYPE65281 \\# 0
_sip._udp 300 IN SRV 1 2 5060 mail
quoted 300 IN TXT "a b" c\\"d \\032
""" + "".join(f"big 300 IN TXT \"{n:03d} {'x' * 200}\"\n" for n in range(20))


@pytest.fixture
def server(site):
    return site.zone("example.com", ZONE).start()


def texts(rrsets, rtype):
    wanted = dns.rdatatype.from_text(rtype)
    return sorted(f"{rrset.name} {rrset.ttl} {rdata}" for rrset in rrsets if rrset.rdtype == wanted
                  for rdata in rrset)


def assert_negative(reply, rcode):
    """No answer, and the SOA with the TTL that negative caching wants: the smaller of its TTL and its minimum."""
    assert reply.rcode() == rcode
    assert reply.flags & dns.flags.AA
    assert reply.answer == []
    assert [(str(rrset.name), rrset.ttl, rrset.rdtype) for rrset in reply.authority] == \
        [("example.com.", 30, dns.rdatatype.SOA)]


@pytest.mark.parametrize("tcp", [False, True])
def test_positive_answer(server, tcp):
    reply = server.ask("www.example.com", "A", tcp=tcp)
    assert reply.rcode() == dns.rcode.NOERROR
    assert reply.flags & dns.flags.QR and reply.flags & dns.flags.AA
    assert not reply.flags & (dns.flags.TC | dns.flags.RA | dns.flags.AD)
    assert texts(reply.answer, "A") == ["www.example.com. 60 192.0.2.1", "www.example.com. 60 192.0.2.2"]
    assert len(reply.answer) == 1
    assert reply.edns == -1, "an OPT record that was not asked for"


@pytest.mark.parametrize("rd", [False, True])
def test_rd_is_copied_and_ra_never_set(server, rd):
    query = dns.message.make_query("www.example.com", "A")
    query.flags = dns.flags.RD if rd else 0
    reply = server.send(query)
    assert bool(reply.flags & dns.flags.RD) == rd
    assert not reply.flags & dns.flags.RA


def test_question_comes_back_octet_by_octet(server):
    query = dns.message.make_query("wWw.ExAmPlE.cOm", "A").to_wire()
    reply = exchange(server, query)
    assert reply[:2] == query[:2]
    assert reply[12:len(query)] == query[12:]


def test_every_type_of_the_zone(server):
    assert texts(server.ask("example.com", "MX").answer, "MX") == ["example.com. 300 10 mail.example.com."]
    assert texts(server.ask("_sip._udp.example.com", "SRV").answer, "SRV") == \
        ["_sip._udp.example.com. 300 1 2 5060 mail.example.com."]
    assert texts(server.ask("www.example.com", "AAAA").answer, "AAAA") == ["www.example.com. 60 2001:db8::1"]
    assert [s for rrset in server.ask("quoted.example.com", "TXT").answer for s in rrset[0].strings] == \
        [b"a b", b'c"d', b" "]
    soa = server.ask("example.com", "SOA").answer[0]
    assert (soa.ttl, soa[0].serial, soa[0].minimum) == (300, 1, 30)
    assert texts(server.ask("example.com", "NS").answer, "NS") == ["example.com. 300 ns1.example.com."]


def test_unknown_types(server):
    strange = server.ask("strange.example.com", "TYPE65280").answer
    assert [rdata.data for rrset in strange for rdata in rrset] == [bytes.fromhex("deadbeef")]
    empty = server.ask("empty.example.com", "TYPE65281").answer
    assert [rdata.data for rrset in empty for rdata in rrset] == [b""]


def test_nxdomain_and_nodata(server):
    assert_negative(server.ask("nothing.example.com"), dns.rcode.NXDOMAIN)
    assert_negative(server.ask("a.b.c.nothing.example.com"), dns.rcode.NXDOMAIN)
    assert_negative(server.ask("below.www.example.com"), dns.rcode.NXDOMAIN)
    assert_negative(server.ask("www.example.com", "TXT"), dns.rcode.NOERROR)
    assert_negative(server.ask("example.com", "A"), dns.rcode.NOERROR)


def test_empty_nonterminals_exist(server):
    assert_negative(server.ask("ent.example.com"), dns.rcode.NOERROR)
    assert_negative(server.ask("below.ent.example.com"), dns.rcode.NOERROR)
    assert_negative(server.ask("other.ent.example.com"), dns.rcode.NXDOMAIN)
    assert_negative(server.ask("wild.example.com", "TXT"), dns.rcode.NOERROR)


def test_wildcards(server):
    assert texts(server.ask("any.wild.example.com").answer, "A") == ["any.wild.example.com. 300 192.0.2.80"]
    assert texts(server.ask("a.b.wild.example.com").answer, "A") == ["a.b.wild.example.com. 300 192.0.2.80"]
    assert texts(server.ask("*.wild.example.com").answer, "A") == ["*.wild.example.com. 300 192.0.2.80"]
    assert_negative(server.ask("any.wild.example.com", "AAAA"), dns.rcode.NOERROR)
    # RFC 4592 section 2.2.1: a name that exists is not covered, nor is what is below it
    assert_negative(server.ask("host.wild.example.com"), dns.rcode.NOERROR)
    assert_negative(server.ask("x.host.wild.example.com"), dns.rcode.NXDOMAIN)


def test_cname(server):
    reply = server.ask("chain.example.com")
    assert [str(rrset.name) for rrset in reply.answer] == \
        ["chain.example.com.", "alias.example.com.", "www.example.com."]
    assert len(texts(reply.answer, "A")) == 2
    only = server.ask("alias.example.com", "CNAME")
    assert texts(only.answer, "CNAME") == ["alias.example.com. 300 www.example.com."] and len(only.answer) == 1
    away = server.ask("away.example.com")
    assert away.rcode() == dns.rcode.NOERROR
    assert texts(away.answer, "CNAME") == ["away.example.com. 300 www.example.net."] and len(away.answer) == 1


def test_cname_to_a_missing_type_and_name(server):
    nodata = server.ask("alias.example.com", "MX")
    assert nodata.rcode() == dns.rcode.NOERROR
    assert [rrset.rdtype for rrset in nodata.answer] == [dns.rdatatype.CNAME]
    assert [rrset.rdtype for rrset in nodata.authority] == [dns.rdatatype.SOA]
    # RFC 6604 section 3: the code is that of the last name
    lost = server.ask("lost.example.com")
    assert lost.rcode() == dns.rcode.NXDOMAIN
    assert texts(lost.answer, "CNAME") == ["lost.example.com. 300 nothing.example.com."]
    assert [rrset.rdtype for rrset in lost.authority] == [dns.rdatatype.SOA]


def test_cname_loop_ends(server):
    reply = server.ask("loop-a.example.com")
    assert {rrset.rdtype for rrset in reply.answer} == {dns.rdatatype.CNAME}
    assert server.addresses("www.example.com") == ["192.0.2.1", "192.0.2.2"]


@pytest.mark.parametrize("name, rtype", [("sub", "A"), ("sub", "NS"), ("a.b.sub", "TXT"), ("ns.sub", "A")])
def test_delegation(server, name, rtype):
    reply = server.ask(f"{name}.example.com", rtype)
    assert reply.rcode() == dns.rcode.NOERROR
    assert not reply.flags & dns.flags.AA
    assert reply.answer == []
    assert texts(reply.authority, "NS") == ["sub.example.com. 300 ns.elsewhere.example.net.",
                                            "sub.example.com. 300 ns.sub.example.com."]
    assert texts(reply.additional, "A") == ["ns.sub.example.com. 300 192.0.2.54"]
    assert texts(reply.additional, "AAAA") == ["ns.sub.example.com. 300 2001:db8::54"]


def test_ds_of_a_delegation_is_the_parents_business(server):
    assert_negative(server.ask("sub.example.com", "DS"), dns.rcode.NOERROR)


def test_refused_outside_our_zones(server):
    for name in "www.example.net", "com", ".", "example.com.evil.org":
        reply = server.ask(name)
        assert reply.rcode() == dns.rcode.REFUSED, name
        assert not reply.flags & dns.flags.AA
        assert reply.answer == reply.authority == []


def test_other_opcodes_and_classes(server):
    for opcode in dns.opcode.NOTIFY, dns.opcode.UPDATE, dns.opcode.STATUS:
        query = dns.message.make_query("example.com", "SOA")
        query.set_opcode(opcode)
        assert dns.message.from_wire(exchange(server, query.to_wire()), ignore_trailing=True).rcode() \
            == dns.rcode.NOTIMP
    chaos = server.send(dns.message.make_query("example.com", "TXT", rdclass=dns.rdataclass.CH))
    assert chaos.rcode() == dns.rcode.REFUSED


def test_transfers_are_not_given_away(server):
    reply = server.ask("example.com", "AXFR", tcp=True)
    assert reply.rcode() in (dns.rcode.REFUSED, dns.rcode.NOTIMP)
    assert reply.answer == []


# ---- EDNS and sizes ----

def exchange(server, wire):
    """Raw octets out, raw octets in."""
    with kit.socket.socket(kit.socket.AF_INET, kit.socket.SOCK_DGRAM) as sock:
        sock.settimeout(10)
        sock.connect(server.site.listen[0])
        sock.send(wire)
        return sock.recv(65535)


def test_edns(server):
    reply = server.ask("www.example.com", edns=0, payload=4096)
    assert reply.edns == 0 and reply.payload == 1232
    assert len(reply.answer) == 1


def test_badvers(server):
    query = bytearray(dns.message.make_query("www.example.com", "A", use_edns=0).to_wire())
    assert query[-6:] == bytes(6), "the OPT record stands at the end: extended rcode, version, flags, no data"
    query[-5] = 1
    reply = dns.message.from_wire(exchange(server, bytes(query)))
    assert reply.rcode() == dns.rcode.BADVERS
    assert reply.edns == 0
    assert reply.answer == []


def test_unknown_edns_options_are_ignored(server):
    option = dns.edns.GenericOption(65001, b"\1\2\3")
    reply = server.ask("www.example.com", edns=0, options=[option])
    assert reply.rcode() == dns.rcode.NOERROR and len(reply.answer) == 1
    assert reply.options == ()


def test_two_opt_records_are_a_format_error(server):
    query = bytearray(dns.message.make_query("www.example.com", "A", use_edns=0).to_wire())
    query += query[-11:]
    query[11] = 2
    assert exchange(server, bytes(query))[3] & 15 == dns.rcode.FORMERR


@pytest.mark.parametrize("payload", [None, 512, 1232, 4096])
def test_truncation_and_tcp(server, payload):
    options = {} if payload is None else {"edns": 0, "payload": payload}
    udp = server.ask("big.example.com", "TXT", **options)
    assert udp.flags & dns.flags.TC
    assert len(udp.to_wire()) <= (payload or 512)
    tcp = server.ask("big.example.com", "TXT", tcp=True, **options)
    assert not tcp.flags & dns.flags.TC
    assert len(tcp.answer[0]) == 20


def test_wire_size_of_udp_answers(server):
    for payload in 512, 700, 1232:
        query = dns.message.make_query("big.example.com", "TXT", use_edns=0, payload=payload)
        assert len(exchange(server, query.to_wire())) <= payload


# ---- sockets ----

def test_tcp_pipeline(server):
    """Many queries in one write; every answer comes, told apart by its id."""
    queries = {}
    for number in range(100):
        name = "www.example.com" if number % 2 else f"n{number}.example.com"
        query = dns.message.make_query(name, "A", id=number + 1)
        queries[query.id] = (query, dns.rcode.NOERROR if number % 2 else dns.rcode.NXDOMAIN)
    with kit.socket.create_connection(server.site.listen[0], timeout=10) as sock:
        sock.sendall(b"".join(struct.pack("!H", len(wire)) + wire
                              for wire in (query.to_wire() for query, _ in queries.values())))
        stream = sock.makefile("rb")
        for _ in range(len(queries)):
            length, = struct.unpack("!H", stream.read(2))
            reply = dns.message.from_wire(stream.read(length))
            query, rcode = queries.pop(reply.id)
            assert query.is_response(reply) and reply.rcode() == rcode
    assert queries == {}


def test_tcp_query_in_pieces(server):
    wire = dns.message.make_query("www.example.com", "A").to_wire()
    with kit.socket.create_connection(server.site.listen[0], timeout=10) as sock:
        for octet in struct.pack("!H", len(wire)) + wire:
            sock.sendall(bytes([octet]))
        stream = sock.makefile("rb")
        length, = struct.unpack("!H", stream.read(2))
        assert dns.message.from_wire(stream.read(length)).rcode() == dns.rcode.NOERROR


def has_ipv6():
    try:
        with kit.socket.socket(kit.socket.AF_INET6, kit.socket.SOCK_STREAM) as sock:
            sock.bind(("::1", 0))
        return True
    except OSError:
        return False


@pytest.mark.skipif(not has_ipv6(), reason="no IPv6 on this machine")
@pytest.mark.parametrize("tcp", [False, True])
def test_ipv6(site, tcp):
    with kit.socket.socket(kit.socket.AF_INET6, kit.socket.SOCK_DGRAM) as sock:
        sock.bind(("::1", 0))
        port = sock.getsockname()[1]
    site.listen = [("::1", port)]
    server = site.zone("example.com", ZONE).start()
    assert server.addresses("www.example.com", tcp=tcp) == ["192.0.2.1", "192.0.2.2"]


def test_several_addresses_and_threads(site):
    site.listen = [(kit.new_address(), kit.DNS_PORT), (kit.new_address(), kit.DNS_PORT),
                   (kit.new_address(), kit.DNS_PORT + 1)]
    site.server["threads"] = 3
    server = site.zone("example.com", ZONE).start()
    for at in site.listen:
        for _ in range(20):  # new sockets each time, so that every thread's share comes up
            assert server.addresses("www.example.com", at=at) == ["192.0.2.1", "192.0.2.2"]
            assert server.addresses("www.example.com", "AAAA", at=at, tcp=True) == ["2001:db8::1"]


def test_zones_alone_are_a_complete_configuration(site):
    site.server = {"zones": "zones"}
    server = site.zone("example.com", ZONE).start()
    assert server.addresses("www.example.com") == ["192.0.2.1", "192.0.2.2"]


def test_several_zones_and_the_closest_one_answers(site):
    site.zone("example.com", ZONE)
    site.zone("dept.example.com", "www 60 IN A 192.0.2.200\n")
    site.zone("example.org", "www 60 IN A 192.0.2.201\n")
    server = site.start()
    assert server.addresses("www.dept.example.com") == ["192.0.2.200"]
    assert server.addresses("www.example.org") == ["192.0.2.201"]
    missing = server.ask("nothing.dept.example.com")
    assert str(missing.authority[0].name) == "dept.example.com."


def test_zones_as_a_list_take_any_origin(site):
    site.server["zones"] = [{"origin": ".", "file": "zones/root.zone"},
                            {"origin": "example.com", "file": "zones/other.zone"}]
    site.zone("root", "www 60 IN A 192.0.2.9\n").zone("other", "www 60 IN A 192.0.2.10\n")
    server = site.start()
    assert server.addresses("www.example.com") == ["192.0.2.10"]
    assert server.addresses("www") == ["192.0.2.9"]
    assert server.ask("anything.else").rcode() == dns.rcode.NXDOMAIN


def test_taken_address_is_told(site):
    with kit.socket.socket(kit.socket.AF_INET, kit.socket.SOCK_DGRAM) as sock:
        sock.bind(site.listen[0])
        site.zone("example.com", ZONE).write()
        done = kit.run_steerd("-c", str(site.config))
    assert done.returncode == 1
    assert f"{site.listen[0][0]}:{site.listen[0][1]}" in done.stderr
    assert "in use" in done.stderr
