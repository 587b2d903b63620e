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


def make_bulk(count):
    """A zone of as many kilobytes, in few records, which dnspython reads in no time."""
    text = " ".join([f'"{"b" * 240}"'] * 4)
    return "$TTL 60\n" + "".join(f"bulk-{i:06} TXT {text}\n" for i in range(count))


BULK = 12000  # more than the sockets of both ends hold
HEAD = 3  # records of kit.SOA


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


# ---- what is copied ----

def test_a_copy_holds_every_record(site):
    site.zone("example.com", EVERYTHING)
    site.server["zone_options"] = ANYBODY
    server = site.start()
    records, messages = fetch(server)
    assert as_set(records) == read_zone(kit.SOA + EVERYTHING)
    assert messages == 1
    server.wait_log("transfer result=finished zone=example.com.", "serial=1 messages=1", "signed=no")


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
    server = site.start()
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


def read_frame(stream):
    head = stream.read(2)
    assert len(head) == 2, "the connection ended"
    return stream.read(struct.unpack("!H", head)[0])


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
        asked = query(origin, "AXFR", key)
        reply = dns.query.tcp(asked, mine, port=site.listen[0][1], source=source, timeout=10)
        if reply.rcode() == dns.rcode.NOERROR:
            return True
        assert reply.rcode() == dns.rcode.REFUSED and not reply.answer and not reply.flags & dns.flags.AA
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


# ---- steered names ----

STEERED = {"www": {"ttl": 30, "endpoints": ["web-*"], "tiers": [["us-east"], ["eu-west"]], "fallback": "static"},
           "any": {"ttl": 30, "endpoints": ["web-*"], "tiers": [["us-east", "eu-west"]], "answers": 1, "fallback": "all"},
           "none": {"ttl": 30, "endpoints": ["web-us-*"], "tiers": [["us-east"]], "fallback": "nodata"}}
STATIC = "www 60 IN A 192.0.2.99\nwww 60 IN TXT \"www\"\nplain 60 IN A 192.0.2.98\n"


def steered_site(site, **options):
    at = kit.make_regions(site)
    site.webs_at = at
    site.web(*at.values())
    site.zone("example.com", STATIC).policy("example.com", STEERED)
    site.server["zone_options"] = {"example.com": {"transfer_to": ["0.0.0.0/0"], **options}}
    us, eu = ([at[f"{region}-1{az}"] for az in "ab"] for region in ("us-east", "eu-west"))
    return sorted(us), sorted(eu)


def copied(server, name, rtype="A"):
    wanted = dns.name.from_text(f"{name}.example.com")
    records, _ = fetch(server)
    return sorted(rdata.to_text() for owner, _, rdata in records
                  if owner == wanted and rdata.rdtype == dns.rdatatype.from_text(rtype))


def test_static_copies_hold_the_zone_file(site):
    steered_site(site)
    server = site.start()
    server.override("region", "us-east", "down")
    assert copied(server, "www") == ["192.0.2.99"]
    assert copied(server, "any") == [] and copied(server, "none") == []
    assert as_set(fetch(server)[0]) == read_zone(kit.SOA + STATIC)
    assert serial_of(server) == 1


def test_rendered_copies_follow_the_answers(site):
    us, eu = steered_site(site, transfer_steered="rendered")
    started = int(time.time())
    server = site.start()
    first = serial_of(server)
    assert first >= started, "at least the time of the change"
    records, _ = fetch(server)
    assert records[0][2].serial == first
    assert copied(server, "www") == us and copied(server, "none") == us
    assert copied(server, "any") == sorted(us + eu), "all that may be answered, not one of them"
    assert copied(server, "www", "TXT") == ['"www"'] and copied(server, "plain") == ["192.0.2.98"]
    assert {ttl for owner, ttl, rdata in records if rdata.rdtype == 1 and owner.labels[0] == b"www"} == {30}

    def after(change, *expected):
        """The serial rises and the copy changes with it, together."""
        before = serial_of(server)
        change()
        server.wait(lambda: serial_of(server) > before, "the serial rises")
        got, _ = fetch(server)
        assert got[0][2].serial == serial_of(server)
        assert [copied(server, name) for name in ("www", "any", "none")] == list(expected)
        return serial_of(server)

    after(lambda: server.override("region", "us-east", "down"), eu, eu, [])
    after(lambda: server.override("region", "eu-west", "drain"), ["192.0.2.99"], us, [])
    after(lambda: server.override("region", "eu-west", "auto"), eu, eu, [])
    last = after(lambda: server.override("region", "us-east", "auto"), us, sorted(us + eu), us)
    assert serial_of(server) == last
    zone = server.get("/v1/zones")["items"][0]
    assert zone["serial"] == last


def test_a_dead_region_changes_the_copy(site):
    us, eu = steered_site(site, transfer_steered="rendered")
    server = site.start()
    server.wait_state("region", "us-east", effective="healthy")
    before = serial_of(server)
    web = site.webs[0]
    for address in us:
        web.behave("status", address, status=500)
    server.wait(lambda: serial_of(server) > before, "the serial rises")
    server.wait(lambda: copied(server, "www") == eu, "the copy holds the other region")
    server.wait_log("zone rendered zone=example.com.", "serial=")


def test_serials_survive_restarts(site):
    us, _ = steered_site(site, transfer_steered="rendered")
    site.zone("example.com", STATIC, soa=kit.SOA.replace("hostmaster 1 ", "hostmaster 2026112101 "))
    server = site.start()
    serials = [serial_of(server)]
    assert serials == [2026112101], "newer than the Unix time"
    for state in "down", "auto", "down":
        server.override("endpoint", "web-us-east-1a", state)
        server.wait(lambda: serial_of(server) > serials[-1], "the serial rises")
        serials.append(serial_of(server))
    assert serials == [2026112101 + i for i in range(4)]
    for how in "stop", "kill":
        getattr(server, how)()
        server = site.start()
        serials.append(serial_of(server))
        assert copied(server, "www") == us, "overrides do not survive yet: this is a change"
        assert serials[-1] > serials[-2]
        server.override("endpoint", "web-us-east-1a", "down")
        server.wait(lambda: serial_of(server) > serials[-1], "the serial rises")
        serials.append(serial_of(server))
    (site.folder / "var/serials").write_text("nonsense\n")
    server.stop()
    server = site.start()
    server.wait_log("serials partly read", "bad_lines=1")


def test_serials_follow_the_time_without_a_state(site):
    steered_site(site, transfer_steered="rendered", serial="unixtime")
    del site.server["state"]
    site.zone("example.com", STATIC, soa=kit.SOA.replace("hostmaster 1 ", "hostmaster 2026112101 "))
    started = int(time.time())
    server = site.start()
    assert started <= serial_of(server) <= int(time.time())
    server.stop()
    site.server["zone_options"]["example.com"]["serial"] = "auto"
    server = site.start()
    server.wait_log("serial unsafe zone=example.com.", "serial=2026112101")


def test_serial_of_its_own_for_static_zones(site):
    """serial auto: an operator who forgets to raise the file's is helped."""
    site.zone("example.com", "a 60 IN A 192.0.2.1\n").zone("example.net", "a 60 IN A 192.0.2.1\n")
    site.server["zone_options"] = {"*": {"transfer_to": "127.0.0.0/8"}, "example.com": {"serial": "auto"}}
    server = site.start()
    before = serial_of(server)
    assert serial_of(server, "example.net") == 1
    assert server.reload().status == 200
    assert serial_of(server) == before, "nothing changed"
    site.zone("example.com", "a 60 IN A 192.0.2.2\n").zone("example.net", "a 60 IN A 192.0.2.2\n").write()
    for how in "example.com", None:
        server.ctl("reload", *([how] if how else []))
        assert serial_of(server) > before
    assert serial_of(server, "example.net") == 1
    server.wait_log("zone changed zone=example.net.", "nobody will copy it")
    assert fetch(server, "example.com")[0][0][2].serial == serial_of(server)


# ---- NOTIFY ----

class Secondary:
    """Hears NOTIFY, and answers as told: an rcode, or None for silence."""

    def __init__(self, key=None, rcode=0):
        self.at, self.key, self.rcode = (kit.new_address(), 15353), key, rcode
        self.heard = []
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.bind(self.at)
        self.socket.settimeout(0.1)
        self.ending = False
        self.thread = threading.Thread(target=self.run)
        self.thread.start()

    def run(self):
        while not self.ending:
            try:
                wire, peer = self.socket.recvfrom(4096)
            except TimeoutError:
                continue
            request = dns.message.from_wire(wire, keyring={self.key.name: self.key} if self.key else None)
            self.heard.append((request, peer))
            if self.rcode is not None:
                reply = dns.message.make_response(request)
                reply.set_rcode(self.rcode)
                self.socket.sendto(reply.to_wire(), peer)

    def serials(self):
        return [request.answer[0][0].serial for request, _ in self.heard]

    def close(self):
        self.ending = True
        self.thread.join()
        self.socket.close()


def secondaries(server, index=0):
    return server.get("/v1/zones")["items"][index]["secondaries"]


def test_secondaries_are_told_of_changes(site):
    plain, signed, rude = Secondary(), Secondary(KEY), Secondary(rcode=dns.rcode.REFUSED)
    try:
        site.zone("example.com", "a 60 IN A 192.0.2.1\n")
        site.server["keys"] = KEYS
        site.server["zone_options"] = {"*": {"transfer_to": "127.0.0.0/8", "notify": [
            "{}:{}".format(*plain.at), {"address": "{}:{}".format(*signed.at), "key": "transfer.example"},
            {"address": "{}:{}".format(*rude.at)}]}}
        server = site.start()
        for one in plain, signed, rude:
            server.wait(lambda one=one: one.heard, "the start is news")
            request, peer = one.heard[0]
            assert request.opcode() == dns.opcode.NOTIFY and request.flags & dns.flags.AA
            assert request.question[0].to_text() == "example.com. IN SOA"
            assert peer[0] == site.listen[0][0], "from the address that they know"
        assert signed.heard[0][0].had_tsig and not plain.heard[0][0].had_tsig
        server.wait(lambda: [one["state"] for one in secondaries(server)] ==
                    ["acknowledged", "acknowledged", "refused"], "all have answered")
        assert server.reload().status == 200
        site.zone("example.com", "a 60 IN A 192.0.2.2\n", soa=kit.SOA.replace("hostmaster 1 ", "hostmaster 5 ")).write()
        server.ctl("reload", "example.com")
        site.zone("example.com", "a 60 IN A 192.0.2.2\n", soa=kit.SOA.replace("hostmaster 1 ", "hostmaster 6 ")).write()
        assert server.reload().status == 200
        for one in plain, signed, rude:
            server.wait(lambda one=one: one.serials()[-1] == 6, "told of the last one")
            assert set(one.serials()) <= {1, 5, 6} and one.serials() == sorted(one.serials())
        server.wait(lambda: all(one["serial"] == 6 and one["state"] != "waiting" for one in secondaries(server)), "known")
        shown = secondaries(server)
        assert [one["address"] for one in shown] == ["{}:{}".format(*one.at) for one in (plain, signed, rude)]
        assert [one["key"] for one in shown] == [None, "transfer.example.", None]
        assert [one["rcode"] for one in shown] == ["NOERROR", "NOERROR", "REFUSED"]
        assert SECRET not in server.request("GET", "/v1/zones").body.decode() + server.read_log()
        assert metric(server, "steerd_notifies_total", result="refused") >= 1
        server.wait_log("notify result=refused zone=example.com.", "rcode=REFUSED")
    finally:
        for one in plain, signed, rude:
            one.close()


def test_silence_is_met_with_retries(site):
    silent = Secondary(rcode=None)
    try:
        site.zone("example.com", "")
        site.server["zone_options"] = {"*": {"notify": "{}:{}".format(*silent.at)}}
        server = site.start()
        server.wait(lambda: len(silent.heard) >= 2, "tried again")
        assert len({request.id for request, _ in silent.heard}) == len(silent.heard)
        assert secondaries(server)[0]["state"] == "waiting"
        silent.rcode = 0
        server.wait(lambda: secondaries(server)[0]["state"] == "acknowledged", "heard in the end")
        assert secondaries(server)[0]["attempts"] >= 2
    finally:
        silent.close()


def test_flips_are_told_once_a_second_at_most(site):
    listener = Secondary()
    try:
        steered_site(site, transfer_steered="rendered", notify="{}:{}".format(*listener.at))
        server = site.start()
        server.wait(lambda: listener.heard, "the start")
        begun = time.monotonic()
        for _ in range(30):
            server.override("region", "us-east", "down")
            server.override("region", "us-east", "auto")
        server.override("region", "us-east", "down")
        server.wait(lambda: serial_of(server) == listener.serials()[-1] and
                    copied(server, "www") == copied(server, "any"), "the last flip is told")
        assert len(set(listener.serials())) <= 3 + (time.monotonic() - begun), "not one per flip"
        assert listener.serials() == sorted(listener.serials())
    finally:
        listener.close()
