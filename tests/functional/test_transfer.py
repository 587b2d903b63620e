# SPDX-License-Identifier: BSD-3-Clause
"""Transfers out, with dnspython as the secondary: AXFR and IXFR with and without keys, zones of many messages, slow
readers, many at once; TSIG on ordinary queries."""
import socket
import struct
import threading
import time

import dns.edns
import dns.flags
import dns.message
import dns.query
import dns.rcode
import dns.rdatatype
import dns.rrset
import dns.tsig

import kit
from transfers import (ANYBODY, BULK, HEAD, KEY, KEYS, OTHER, SECRET, WRONG, as_set, ask, fetch, make_big, make_bulk, metric,
                       query, read_frame, read_zone)

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


# ---- what is copied ----

def test_a_copy_holds_every_record(site):
    site.zone("example.com", EVERYTHING)
    site.server["zone_options"] = ANYBODY
    server = site.start()
    records, messages = fetch(server)
    assert as_set(records) == read_zone(kit.SOA + EVERYTHING)
    assert messages == 1
    server.wait_log("transfer result=finished zone=example.com.", "serial=1 messages=1", "signed=no")


def test_the_log_tells_signed_transfers_of_any_length(site):
    site.zone("short.test", "a 60 IN A 192.0.2.1\n").zone("long.test", make_big(600))
    site.server["zone_options"] = ANYBODY
    site.server["keys"] = KEYS
    server = site.start()
    for origin in "short.test", "long.test":
        for key, signed in (None, "no"), (KEY, "yes"):
            fetch(server, origin, key=key)
            server.wait_log(f"transfer result=finished zone={origin}.", f"signed={signed}")


def test_zones_at_the_root_and_deep_down(site):
    deep = ".".join(["deep"] * 40)
    long = ".".join(["l" * 63] * 3 + ["o" * 61])
    text = kit.SOA + "$TTL 60\n@ TXT \"apex\"\na.b A 192.0.2.1\nal CNAME a.b\n"
    bare = "@ 60 IN SOA . . 1 1 1 1 1\n@ 60 IN NS .\n"
    zones = {".": text, f"{deep}.": text, f"{long}.": bare}
    site.zones = {f"{number}.test": content for number, content in enumerate(zones.values())}
    site.server["zones"] = [{"origin": origin, "file": f"zones/{number}.test.zone"} for number, origin in enumerate(zones)]
    site.server["zone_options"] = ANYBODY
    server = site.start()
    for origin, content in zones.items():
        records, _ = fetch(server, origin)
        assert as_set(records) == read_zone(content, origin.rstrip("."))


def test_a_zone_of_many_messages(site):
    text = make_big(6000)
    site.zone("example.com", text)
    site.server["zone_options"] = ANYBODY
    site.server["keys"] = KEYS
    server = site.start()
    expected = read_zone(kit.SOA + text)
    for key in None, KEY, OTHER:
        records, messages = fetch(server, key=key)
        assert as_set(records) == expected
        assert messages > 40
    assert metric(server, "steerd_transfers_total", result="finished") == 3


def test_records_that_fill_messages(site):
    """Records of 1 to 60 kB: those beyond the wanted size of a message have one for themselves."""
    text = "$TTL 60\n" + "".join(f"r{size} TXT " + '"' + '" "'.join(["x" * 250] * (size // 250)) + '"\n'
                                 for size in range(1000, 60001, 1000))
    site.zone("example.com", text)
    site.server["zone_options"] = ANYBODY
    site.server["keys"] = KEYS
    server = site.start()
    for key in None, KEY:
        records, _ = fetch(server, key=key)
        assert as_set(records) == read_zone(kit.SOA + text)


def test_first_and_other_messages(site):
    """RFC 5936: AA and the question in all of them, OPT in the first where the query has one, nothing else."""
    site.zone("example.com", make_big(3000))
    site.server["zone_options"] = ANYBODY
    site.start()
    for edns in False, 0:
        with socket.create_connection(site.listen[0], 10) as tcp, tcp.makefile("rb") as stream:
            asked = dns.message.make_query("EXAMPLE.com", "AXFR", use_edns=edns)
            wire = asked.to_wire()
            tcp.sendall(struct.pack("!H", len(wire)) + wire)
            soas, first = 0, True
            while soas < 2:
                message = dns.message.from_wire(read_frame(stream), xfr=True)
                assert message.id == asked.id and message.rcode() == 0
                assert message.flags & (dns.flags.AA | dns.flags.TC) == dns.flags.AA
                assert len(message.question) == 1 and not message.authority and not message.additional
                assert (message.edns == 0) == (first and edns is not False)
                soas += sum(len(rrset) for rrset in message.answer if rrset.rdtype == dns.rdatatype.SOA)
                first = False


# ---- who may ----

def test_only_those_who_may_ask(site):
    mine = site.listen[0][0]
    for origin in "open.test", "closed.test", "addressed.test", "keyed.test", "both.test":
        site.zone(origin, "")
    site.server["keys"] = KEYS
    site.server["zone_options"] = {
        "open.test": {"transfer_to": ["0.0.0.0/0", "::/0"]},
        "addressed.test": {"transfer_to": ["!127.0.0.1", "127.0.0.0/8"]},
        "keyed.test": {"transfer_to": {"key": "transfer.example"}},
        "both.test": {"transfer_to": [{"prefix": "192.0.2.0/24", "key": "transfer.example"},
                                      {"prefix": "127.0.0.0/8", "key": "other.example"}]}}
    server = site.start()

    def allowed(origin, key=None, source=mine):
        asked = query(origin, "AXFR", key, use_edns=0)
        reply = dns.query.tcp(asked, mine, port=site.listen[0][1], source=source, timeout=10)
        if reply.rcode() == dns.rcode.NOERROR:
            return True
        assert reply.rcode() == dns.rcode.REFUSED and not reply.answer and not reply.flags & dns.flags.AA
        assert [option.code for option in reply.options] == [dns.edns.EDECode.PROHIBITED]
        return False

    assert allowed("open.test") and allowed("open.test", KEY)
    assert not allowed("closed.test") and not allowed("closed.test", KEY)
    assert allowed("addressed.test") and not allowed("addressed.test", source="127.0.0.1")
    assert not allowed("keyed.test") and allowed("keyed.test", KEY) and not allowed("keyed.test", OTHER)
    assert not allowed("both.test") and not allowed("both.test", KEY) and allowed("both.test", OTHER)
    assert metric(server, "steerd_transfers_total", result="refused") == 7
    assert metric(server, "steerd_tsig_total", result="good") == 6


def test_what_is_no_transfer(site):
    site.zone("example.com", "www 60 IN A 192.0.2.1\n")
    site.server["zone_options"] = ANYBODY
    server = site.start()
    assert ask(server, "example.com", "AXFR", tcp=False).rcode() == dns.rcode.NOTIMP
    for name in "www.example.com", "example.net", "com", ".":
        assert ask(server, name, "AXFR").rcode() == dns.rcode.NOTAUTH
        assert ask(server, name, "IXFR", tcp=False).rcode() == dns.rcode.NOTAUTH
    assert server.addresses("www.example.com") == ["192.0.2.1"]


def test_a_broken_zone_is_not_copied(site):
    site.zone("example.com", "").zone("example.net", "www 60 IN A 192.0.2.300\n")
    site.server["zone_options"] = ANYBODY
    server = site.start()
    assert ask(server, "example.net", "AXFR").rcode() == dns.rcode.SERVFAIL
    assert fetch(server)[1] == 1


# ---- IXFR ----

def ixfr(name, serial):
    made = dns.message.make_query(name, "IXFR")
    made.authority.append(dns.rrset.from_text(f"{name}.", 0, "IN", "SOA", f". . {serial} 0 0 0 0"))
    return made


def test_ixfr_is_the_whole_or_nothing(site):
    site.zone("example.com", EVERYTHING, soa=kit.SOA.replace("hostmaster 1 ", "hostmaster 100 "))
    site.server["zone_options"] = ANYBODY
    server = site.start()
    for tcp in False, True:
        for serial in 100, 101, 100 + 2**31 - 1:
            reply = server.send(ixfr("example.com", serial), tcp=tcp)
            assert reply.rcode() == 0 and reply.flags & dns.flags.AA
            assert len(reply.answer) == 1 and reply.answer[0][0].serial == 100
    older = server.send(ixfr("example.com", 99), tcp=False)
    assert len(older.answer) == 1 and older.answer[0][0].serial == 100, "which sends it to TCP"
    whole = server.send(ixfr("example.com", 99), tcp=True)
    assert sum(len(rrset) for rrset in whole.answer) == len(read_zone(kit.SOA + EVERYTHING))  # dnspython merges the SOAs
    assert server.send(dns.message.make_query("example.com", "IXFR"), tcp=True).rcode() == dns.rcode.FORMERR


# ---- TSIG on any query ----

def test_signed_queries_get_signed_answers(site):
    site.zone("example.com", "www 60 IN A 192.0.2.1\n")
    site.server["keys"] = KEYS
    server = site.start()
    for key in KEY, OTHER:
        for tcp in False, True:
            for name, rtype in ("www.example.com", "A"), ("no.example.com", "A"), ("example.com", "SOA"), ("x.test", "A"):
                for edns in False, 0:
                    reply = ask(server, name, rtype, key, tcp, use_edns=edns)
                    assert reply.had_tsig and reply.tsig_error == 0
                    assert reply.edns == (-1 if edns is False else 0)
    assert server.addresses("www.example.com") == ["192.0.2.1"], "unsigned ones go on as ever"


def raw(server, wire):
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as udp:
        udp.settimeout(10)
        udp.connect(server.site.listen[0])
        udp.send(wire)
        return udp.recv(65535)


def test_wrong_signatures(site):
    site.zone("example.com", "www 60 IN A 192.0.2.1\n")
    site.server["keys"] = KEYS
    server = site.start()

    def rejected(asked, error):
        wire = raw(server, asked.to_wire())
        assert wire[3] & 15 == dns.rcode.NOTAUTH
        assert struct.unpack("!4H", wire[4:12]) == (1, 0, 0, 1), "a question and a TSIG record, no answer"
        try:
            dns.message.from_wire(wire, keyring={asked.keyring.name: asked.keyring}, request_mac=asked.mac)
        except error:
            return wire
        raise AssertionError(f"expected {error}")

    rejected(query("www.example.com", "A", WRONG), dns.tsig.PeerBadSignature)
    rejected(query("www.example.com", "A", dns.tsig.Key("unknown.example.", SECRET, "hmac-sha256")), dns.tsig.PeerBadKey)
    rejected(query("www.example.com", "A", dns.tsig.Key("transfer.example.", SECRET, "hmac-sha512")), dns.tsig.PeerBadKey)
    rejected(query("www.example.com", "A", dns.tsig.Key("transfer.example.", SECRET, "hmac-sha1")), dns.tsig.PeerBadKey)
    real = time.time
    for shift in -400, 400:
        try:
            time.time = lambda shift=shift: real() + shift
            asked = query("www.example.com", "A", KEY)
            wire = asked.to_wire()
        finally:
            time.time = real
        reply = raw(server, wire)
        assert reply[3] & 15 == dns.rcode.NOTAUTH
        # the record ends in error, length of other data, and the server's time
        error, length, high, low = struct.unpack("!HHHL", reply[-10:])
        assert (error, length) == (18, 6)
        assert abs((high << 32 | low) - real()) < 60
    for result, count in ("badsig", 1), ("badkey", 3), ("badtime", 2), ("good", 0):
        assert metric(server, "steerd_tsig_total", result=result) == count


def test_malformed_signatures(site):
    site.zone("example.com", "www 60 IN A 192.0.2.1\n")
    site.server["keys"] = KEYS
    server = site.start()
    wire = query("www.example.com", "A", KEY).to_wire()
    end = 12 + 17 + 4
    record = wire[end:]

    def rcode(changed):
        reply = raw(server, changed)
        assert reply[:2] == wire[:2]
        return reply[3] & 15

    assert rcode(wire) == dns.rcode.NOERROR
    assert rcode(wire[:10] + b"\0\2" + record + record) == dns.rcode.FORMERR
    assert rcode(wire[:10] + b"\0\2" + wire[12:] + record) == dns.rcode.FORMERR, "two of them"
    opt = b"\0\0\x29\x10\0\0\0\0\0\0\0"
    assert rcode(wire[:10] + b"\0\2" + wire[12:] + opt) == dns.rcode.FORMERR, "not the last one"
    assert rcode(wire[:6] + b"\0\1\0\0\0\0" + wire[12:]) == dns.rcode.FORMERR, "an answer"
    name = len(KEY.name.to_wire())
    broken = bytearray(wire)
    broken[end + name + 3] = 1  # class IN
    assert rcode(bytes(broken)) == dns.rcode.FORMERR
    broken = bytearray(wire)
    broken[end + name + 7] = 1  # TTL 1
    assert rcode(bytes(broken)) == dns.rcode.FORMERR


def test_large_answers_leave_room_for_the_signature(site):
    """Whatever its size, an answer over UDP fits with its signature, or is truncated and signed."""
    site.zone("example.com", "$TTL 60\n" + "".join(
        "".join(f"r{count} TXT \"{'x' * 30}{i}\"\n" for i in range(count)) for count in range(1, 40)))
    site.server["keys"] = KEYS
    server = site.start()
    truncated = 0
    for count in range(1, 40):
        for edns, payload in (False, 0), (0, 512), (0, 800), (0, 1232):
            asked = query(f"r{count}.example.com", "TXT", KEY, use_edns=edns, **({"payload": payload} if payload else {}))
            wire = raw(server, asked.to_wire())
            assert len(wire) <= (payload or 512)
            reply = dns.message.from_wire(wire, keyring={KEY.name: KEY}, request_mac=asked.mac)
            assert reply.had_tsig and reply.rcode() == 0
            truncated += bool(reply.flags & dns.flags.TC)
            assert reply.flags & dns.flags.TC or len(reply.answer[0]) == count
    assert 0 < truncated < 39 * 4


# ---- many, and slow ones ----

def test_a_hundred_at_once(site):
    text = make_bulk(100)
    site.zone("example.com", text)
    site.server["zone_options"] = ANYBODY
    site.server["keys"] = KEYS
    server = site.start()
    expected = read_zone(kit.SOA + text)
    failures = []

    def copy(number):
        try:
            assert as_set(fetch(server, key=(None, KEY)[number % 2])[0]) == expected
        except Exception as error:  # pylint: disable=broad-except
            failures.append(error)
    threads = [threading.Thread(target=copy, args=(number,)) for number in range(100)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not failures
    server.wait(lambda: metric(server, "steerd_transfers_total", result="finished") == 100, "all are counted")


def test_a_slow_reader_holds_up_nobody(site):
    site.zone("example.com", make_bulk(BULK) + "www A 192.0.2.1\n")
    site.server["zone_options"] = ANYBODY
    server = site.start()
    with socket.socket() as slow:
        slow.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        slow.settimeout(10)
        slow.connect(site.listen[0])
        wire = dns.message.make_query("example.com", "AXFR").to_wire()
        slow.sendall(struct.pack("!H", len(wire)) + wire)
        for _ in range(20):
            assert server.addresses("www.example.com", tcp=True) == ["192.0.2.1"]
        assert len(as_set(fetch(server)[0])) == BULK + HEAD + 1
        assert metric(server, "steerd_transfers_total", result="started") == 2
        assert metric(server, "steerd_transfers_total", result="finished") == 1
    server.wait(lambda: metric(server, "steerd_transfers_total", result="aborted") == 1, "its end is noticed")


def test_no_more_at_once_than_configured(site):
    site.zone("example.com", make_bulk(BULK))
    site.server["zone_options"] = ANYBODY
    site.server["max_transfers"] = 2
    server = site.start()
    wire = dns.message.make_query("example.com", "AXFR").to_wire()
    with socket.create_connection(site.listen[0], 10) as one, socket.create_connection(site.listen[0], 10) as two:
        for tcp in one, two:
            tcp.sendall(struct.pack("!H", len(wire)) + wire)
            tcp.recv(1)
        assert ask(server, "example.com", "AXFR").rcode() == dns.rcode.SERVFAIL
    server.wait(lambda: metric(server, "steerd_transfers_total", result="aborted") == 2, "they are gone")
    assert fetch(server)[1] > 500


def test_a_reload_does_not_touch_what_goes_on(site):
    """A transfer is of one state of the zone, from its first message to the last."""
    site.zone("example.com", make_bulk(BULK))
    site.server["zone_options"] = ANYBODY
    server = site.start()
    with socket.create_connection(site.listen[0], 10) as tcp, tcp.makefile("rb") as stream:
        wire = dns.message.make_query("example.com", "AXFR").to_wire()
        tcp.sendall(struct.pack("!H", len(wire)) + wire)
        records = [rdata for rrset in dns.message.from_wire(read_frame(stream), xfr=True).answer for rdata in rrset]
        site.zone("example.com", "$TTL 60\nother A 192.0.2.2\n", soa=kit.SOA.replace("hostmaster 1 ", "hostmaster 2 "))
        site.write()
        assert server.reload().status == 200
        assert server.addresses("other.example.com") == ["192.0.2.2"]
        assert metric(server, "steerd_transfers_total", result="finished") == 0, "it goes on"
        while sum(rdata.rdtype == dns.rdatatype.SOA for rdata in records) < 2:
            records += [rdata for rrset in dns.message.from_wire(read_frame(stream), xfr=True).answer for rdata in rrset]
    assert records[0] == records[-1] and records[0].serial == 1
    assert len(records) == BULK + HEAD + 1
