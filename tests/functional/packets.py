# SPDX-License-Identifier: BSD-3-Clause
"""Packets that no good client sends, and what the standards want in return: an rcode, or SILENCE. test_packets.py asks
them of steerd, tests/differential of other servers beside it, and tests/soak mutates them.

A case is written as the sentence of the standard that it stands for; where the standards leave a choice there are two
expectations, and where they say nothing ours is NSD's and Knot's, or else the stricter one."""
import collections
import struct

SILENCE = "silence"
OPT, A, SOA, IN = 41, 1, 6, 1
NSID, ECS, COOKIE, KEEPALIVE = 3, 8, 10, 11

# www has an address; nothing else is asked for that exists
ORIGIN = "example.com"
ZONE = "www 60 IN A 192.0.2.1\n"
QNAME = b"\3www\7example\3com\0"
LONG = b"\x3f" + b"a" * 63

Case = collections.namedtuple("Case", "name source expected wire")
groups = collections.OrderedDict()


def group(make):
    """Collect what a generator of (name, source, expected, wire) yields."""
    groups[make.__name__.strip("_")] = [Case(*case) for case in make()]
    return make


def header(flags=0, counts=(1, 0, 0, 0)):
    return struct.pack("!6H", 0x1234, flags, *counts)


def question(name=QNAME, rtype=A, rclass=IN):
    return name + struct.pack("!2H", rtype, rclass)


def record(name, rtype, rclass, ttl, rdata=b"", length=None):
    return name + struct.pack("!HHIH", rtype, rclass, ttl, len(rdata) if length is None else length) + rdata


def option(code, data=b"", length=None):
    return struct.pack("!2H", code, len(data) if length is None else length) + data


def opt(*options, name=b"\0", size=1232, version=0, flags=0, rcode=0, length=None):
    return record(name, OPT, size, rcode << 24 | version << 16 | flags, b"".join(options), length)


def subnet(family, source, scope, address):
    return option(ECS, struct.pack("!HBB", family, source, scope) + address)


def edns(*options, **how):
    return header(counts=(1, 0, 0, 1)) + question() + opt(*options, **how)


def named(name, end=struct.pack("!2H", A, IN)):
    return header() + name + end


def behind(owner):
    """A query with a record behind it that nobody asked for."""
    return header(counts=(1, 0, 0, 1)) + question() + record(owner, A, IN, 0, bytes(4))


ADDRESS = record(b"\xc0\x0c", A, IN, 60, b"\xc0\0\2\1")
PLAIN = header() + question()
FULL = edns(option(NSID), option(COOKIE, bytes(8)), subnet(1, 24, 0, b"\xc6\x33\x64"))


@group
def _header():
    for bit, name in ((0x400, "AA"), (0x200, "TC"), (0x100, "RD"), (0x80, "RA"), (0x40, "Z"), (0x20, "AD"), (0x10, "CD")):
        yield f"{name} set", "RFC 1035 4.1.1", "NOERROR", header(bit) + question()
    yield "every bit but QR and opcode", "RFC 1035 4.1.1", "NOERROR", header(0x7ff & ~0x000f) + question()
    yield "an rcode in a query", "RFC 1035 4.1.1", "NOERROR", header(15) + question()
    yield "a reply", "RFC 1035 4.1.1", SILENCE, header(0x8000) + question()
    yield "a reply with a format error", "RFC 1035 4.1.1", SILENCE, header(0x8001, (0, 0, 0, 0))
    for opcode in [1, 2, 3, *range(6, 16)]:  # NOTIFY and UPDATE are not for this table
        yield f"opcode {opcode}", "RFC 1035 4.1.1", "NOTIMP", header(opcode << 11) + question()
        yield f"opcode {opcode}, EDNS", "RFC 6891 6.1.1", "NOTIMP", header(opcode << 11, (1, 0, 0, 1)) + question() + opt()
    yield "opcode 2, header alone", "RFC 1035 4.1.1", "NOTIMP", header(2 << 11, (0, 0, 0, 0))


@group
def _counts():
    yield "a header alone", "RFC 1035 4.1.1", "FORMERR", header(counts=(0, 0, 0, 0))
    yield "QDCOUNT 0 before a question", "RFC 1035 4.1.1", "FORMERR", header(counts=(0, 0, 0, 0)) + question()
    yield "QDCOUNT 2, two questions", "RFC 9619 4", "FORMERR", header(counts=(2, 0, 0, 0)) + question() * 2
    yield "QDCOUNT 2, two questions, EDNS", "RFC 9619 4", "FORMERR", header(counts=(2, 0, 0, 1)) + question() * 2 + opt()
    yield "QDCOUNT 2, one question", "RFC 9619 4", "FORMERR", header(counts=(2, 0, 0, 0)) + question()
    yield "QDCOUNT 65535", "RFC 9619 4", "FORMERR", header(counts=(65535, 0, 0, 0)) + question()
    for index, name in ((1, "ANCOUNT"), (2, "NSCOUNT"), (3, "ARCOUNT")):
        def counted(number, rest=b"", index=index):
            counts = [1, 0, 0, 0]
            counts[index] = number
            return header(counts=counts) + question() + rest
        for number in (1, 65535):
            yield f"{name} {number}, nothing there", "RFC 1035 4.1.1", "FORMERR", counted(number)
        yield f"{name} 2, one there", "RFC 1035 4.1.1", "FORMERR", counted(2, ADDRESS)
        yield f"{name} 0, one there", "RFC 1035 4.1.1", "FORMERR", counted(0, ADDRESS)
        yield f"{name} 1, one there", "RFC 1034 3.7", "NOERROR", counted(1, ADDRESS)
    yield "all counts 65535", "RFC 1035 4.1.1", "FORMERR", header(counts=(65535,) * 4) + question()
    yield "a record before OPT", "RFC 6891 6.1.1", "NOERROR", header(counts=(1, 0, 0, 2)) + question() + ADDRESS + opt()
    yield "a record behind OPT", "RFC 6891 6.1.1", "NOERROR", header(counts=(1, 0, 0, 2)) + question() + opt() + ADDRESS
    yield ("SOA in authority, OPT", "RFC 1995 3", "NOERROR",
           header(counts=(1, 0, 1, 1)) + question() + record(b"\xc0\x10", SOA, IN, 0, bytes(22)) + opt())
    yield "one octet behind", "RFC 1035 4.1", "FORMERR", PLAIN + b"\0"
    yield "100 octets behind", "RFC 1035 4.1", "FORMERR", PLAIN + b"x" * 100
    yield "one octet behind OPT", "RFC 1035 4.1", "FORMERR", edns() + b"\0"
    yield "two messages in one", "RFC 1035 4.1", "FORMERR", PLAIN * 2


@group
def _lengths():
    """Every beginning of a good query."""
    for what, wire in (("a plain query", PLAIN), ("a query with options", FULL)):
        for length in range(len(wire)):
            yield (f"{length} octets of {what}", "RFC 1035 4.1.1", SILENCE if length < 12 else "FORMERR", wire[:length])
        yield f"all of {what}", "RFC 1035 4.1.1", "NOERROR", wire


@group
def _names():
    for where, at in (("itself", 12), ("the header", 0), ("its own second octet", 13), ("what follows", 14),
                      ("behind the end", 200), ("far behind the end", 0x3fff)):
        yield f"a pointer to {where}", "RFC 1035 4.1.4", "FORMERR", named(struct.pack("!H", 0xc000 | at))
    yield "a label and a pointer to it", "RFC 1035 4.1.4", "FORMERR", named(b"\3www\xc0\x0c")
    yield "a label and a pointer to itself", "RFC 1035 4.1.4", "FORMERR", named(b"\3www\xc0\x10")
    yield "two pointers at each other", "RFC 1035 4.1.4", "FORMERR", named(b"\xc0\x0e\xc0\x0c")
    yield "half a pointer", "RFC 1035 4.1.4", "FORMERR", named(b"\3www\xc0", b"")
    for kind in (64, 65, 127, 128, 129, 191):
        yield f"a label of type {kind}", "RFC 6891 5", "FORMERR", named(bytes([kind]) + b"a" * kind + b"\0")
    yield "a bit-string label", "RFC 6891 5", "FORMERR", named(b"\x41\x08\xff\0")
    yield "a label of 63", "RFC 1035 2.3.4", "REFUSED", named(LONG + b"\0")
    yield "a name of 255", "RFC 1035 2.3.4", "REFUSED", named(LONG * 3 + b"\x3d" + b"a" * 61 + b"\0")
    yield "a name of 256", "RFC 1035 2.3.4", "FORMERR", named(LONG * 3 + b"\x3e" + b"a" * 62 + b"\0")
    yield "a name of 257", "RFC 1035 2.3.4", "FORMERR", named(LONG * 4 + b"\0")
    yield "127 labels", "RFC 1035 2.3.4", "REFUSED", named(b"\1a" * 127 + b"\0")
    yield "128 labels", "RFC 1035 2.3.4", "FORMERR", named(b"\1a" * 128 + b"\0")
    yield "500 labels", "RFC 1035 2.3.4", "FORMERR", named(b"\1a" * 500 + b"\0")
    yield "a name without its end", "RFC 1035 4.1.2", "FORMERR", named(QNAME[:-1], b"")
    yield "a label that ends behind the message", "RFC 1035 4.1.2", "FORMERR", named(b"\x3faaa", b"")
    yield "no type", "RFC 1035 4.1.2", "FORMERR", named(QNAME, b"")
    yield "no class", "RFC 1035 4.1.2", "FORMERR", named(QNAME, b"\0\1")
    yield "the root", "RFC 1035 4.1.2", "REFUSED", named(b"\0")
    octets = bytes(range(256))
    for at in range(0, 256, 64):
        label = octets[at:at + 63]
        yield (f"a label of the octets from {at} on", "RFC 2181 11", "NXDOMAIN",
               named(bytes([len(label)]) + label + b"\7example\3com\0"))
    yield "upper case", "RFC 4343 3", "NOERROR", named(b"\3wWw\7eXaMpLe\3COM\0")
    yield "a NUL in a label", "RFC 4343 2", "NXDOMAIN", named(b"\4www\0\7example\3com\0")
    yield "a dot in a label", "RFC 4343 2", "REFUSED", named(b"\x0bwww.example\3com\0")


@group
def _owners():
    """Names of records behind the question."""
    yield "an owner in full", "RFC 1035 4.1.3", "NOERROR", behind(b"\1a\0")
    yield "an owner by pointer", "RFC 1035 4.1.4", "NOERROR", behind(b"\1a\xc0\x10")
    yield "an owner that points at itself", "RFC 1035 4.1.4", "FORMERR", behind(b"\xc0\x21")
    yield "an owner that points forward", "RFC 1035 4.1.4", "FORMERR", behind(b"\xcf\xff")
    yield "an owner that is too long", "RFC 1035 2.3.4", "FORMERR", behind(LONG * 5 + b"\0")
    yield "an owner that is too long by its pointer", "RFC 1035 2.3.4", "FORMERR", behind(LONG * 3 + b"\x3a" + b"a" * 58 + b"\xc0\x0c")
    yield "an owner of a label type that does not exist", "RFC 6891 5", "FORMERR", behind(b"\x40")


@group
def _types():
    # OPT, TKEY and TSIG as question: NSD and Knot look them up like any other, BIND refuses to read them
    for rtype in (41, 100, 128, 249, 250, 253, 254, 65280, 65535):
        yield f"type {rtype}", "RFC 3597 3", "NOERROR", header() + question(rtype=rtype)
    yield "type ANY", "RFC 8482 4", "NOERROR", header() + question(rtype=255)
    yield "type 0", "RFC 6895 3.1", "NOERROR|NOTIMP", header() + question(rtype=0)
    for rclass in (0, 2, 4, 254, 65535):
        yield f"class {rclass}", "RFC 1035 3.2.4", "REFUSED", header() + question(rclass=rclass)


@group
def _edns():
    yield "OPT twice", "RFC 6891 6.1.1", "FORMERR", header(counts=(1, 0, 0, 2)) + question() + opt() * 2
    yield "OPT not at the root", "RFC 6891 6.1.2", "FORMERR", edns(name=b"\3www\0")
    yield "OPT at the root by a pointer", "RFC 6891 6.1.2", "FORMERR", edns(name=b"\xc0\x1c")
    yield "OPT as an answer", "RFC 6891 6.1.1", "FORMERR", header(counts=(1, 1, 0, 0)) + question() + opt()
    yield "OPT as authority", "RFC 6891 6.1.1", "FORMERR", header(counts=(1, 0, 1, 0)) + question() + opt()
    for size in (0, 511, 512, 65535):
        yield f"a payload size of {size}", "RFC 6891 6.2.3", "NOERROR", edns(size=size)
    for version in (1, 255):
        yield f"EDNS version {version}", "RFC 6891 6.1.3", "BADVERS", edns(version=version)
    yield "EDNS version 1 with options", "RFC 6891 6.1.3", "BADVERS", edns(option(100, b"abc"), version=1)
    yield "EDNS version 1 with broken options", "RFC 6891 6.1.3", "BADVERS", edns(option(100, b"abc", 9), version=1)
    yield "DO", "RFC 3225 3", "NOERROR", edns(flags=0x8000)
    yield "all flags but DO", "RFC 6891 6.1.4", "NOERROR", edns(flags=0x7fff)
    yield "an extended rcode", "RFC 6891 6.1.3", "NOERROR", edns(rcode=255)
    yield "an unknown option", "RFC 6891 6.1.2", "NOERROR", edns(option(65001, b"abc"))
    yield "a hundred unknown options", "RFC 6891 6.1.2", "NOERROR", edns(*[option(65001)] * 100)
    yield "an option of 3,000 octets", "RFC 6891 6.1.2", "NOERROR", edns(option(65001, bytes(3000)))
    for length in (4, 65535):
        yield f"an option of 3 octets that says {length}", "RFC 6891 6.1.2", "FORMERR", edns(option(65001, b"abc", length))
    for length in (1, 2, 3):
        yield f"{length} octets of an option", "RFC 6891 6.1.2", "FORMERR", edns(b"\0\3\0"[:length])
    for length in (1, 65535):
        yield f"OPT that says {length} octets and has none", "RFC 1035 4.1.3", "FORMERR", edns(length=length)
    yield "OPT that says less than it has", "RFC 1035 4.1.3", "FORMERR", edns(option(65001, b"abc"), length=4)
    yield "NSID", "RFC 5001 2.1", "NOERROR", edns(option(NSID))
    yield "NSID with content", "RFC 5001 2.1", "NOERROR", edns(option(NSID, b"x" * 20))
    yield "NSID twice", "RFC 5001 2.1", "NOERROR", edns(option(NSID), option(NSID))
    for content in (b"", b"\0\7", b"\0"):
        yield f"keepalive of {len(content)} octets over UDP", "RFC 7828 3.2.1", "NOERROR", edns(option(KEEPALIVE, content))
    yield "padding", "RFC 7830 3", "NOERROR", edns(option(12, bytes(100)))
    yield "an extended error", "RFC 8914 3", "NOERROR", edns(option(15, b"\0\1"))


@group
def _subnet():
    good = {"IPv4 /24": (1, 24, b"\xc6\x33\x64"), "IPv4 /32": (1, 32, b"\xc6\x33\x64\1"), "IPv4 /0": (1, 0, b""),
            "IPv4 /1": (1, 1, b"\x80"), "IPv6 /56": (2, 56, b"\x20\1\x0d\xb8\0\0\0"), "IPv6 /128": (2, 128, bytes(16)),
            "IPv6 /0": (2, 0, b"")}
    for name, (family, source, address) in good.items():
        yield f"a subnet of {name}", "RFC 7871 6", "NOERROR", edns(subnet(family, source, 0, address))
    # as dig +subnet=0 and BIND have it; a family that is needed and not known is an error
    yield "a subnet of family 0 /0", "RFC 7871 7.1.2", "NOERROR", edns(subnet(0, 0, 0, b""))
    bad = {"family 0 /8": (0, 8, 0, b"\1"), "family 3 /8": (3, 8, 0, b"\1"), "family 3 /0": (3, 0, 0, b""),
           "family 65535": (65535, 0, 0, b""), "IPv4 /33": (1, 33, 0, bytes(5)), "IPv6 /129": (2, 129, 0, bytes(17)),
           "IPv4 /255": (1, 255, 0, bytes(32)), "IPv4 /24 in 2 octets": (1, 24, 0, b"\1\2"),
           "IPv4 /24 in 4 octets": (1, 24, 0, b"\1\2\3\0"), "IPv4 /0 in 1 octet": (1, 0, 0, b"\0"),
           "IPv4 /20 and a bit": (1, 20, 0, b"\1\2\3"), "IPv6 /1 and a bit": (2, 1, 0, b"\xc0"),
           "IPv4 /24 with a scope": (1, 24, 24, b"\1\2\3")}
    for name, fields in bad.items():
        yield f"a subnet of {name}", "RFC 7871 6, 7.2.1", "FORMERR", edns(subnet(*fields))
    for length in range(4):
        yield f"a subnet in {length} octets", "RFC 7871 6", "FORMERR", edns(option(ECS, b"\0\1\0\0"[:length]))
    yield "two subnets", "RFC 7871 7.2.1", "FORMERR", edns(subnet(1, 24, 0, b"\1\2\3"), subnet(1, 24, 0, b"\1\2\3"))


@group
def _cookies():
    for length in [*range(18), 24, 39, 40, 41, 42, 100]:
        good = length == 8 or 16 <= length <= 40
        yield (f"a cookie of {length}", "RFC 7873 5.2.2", "NOERROR|BADCOOKIE" if good else "FORMERR",
               edns(option(COOKIE, bytes(length))))
    yield "two cookies", "RFC 7873 4", "NOERROR", edns(option(COOKIE, bytes(8)), option(COOKIE, bytes(8)))
    alone = header(counts=(0, 0, 0, 1))
    yield "a cookie without a question", "RFC 7873 5.4", "NOERROR", alone + opt(option(COOKIE, bytes(8)))
    yield "a bad cookie without a question", "RFC 7873 5.4", "NOERROR|BADCOOKIE", alone + opt(option(COOKIE, bytes(24)))
    yield "a short cookie without a question", "RFC 7873 5.4", "FORMERR", alone + opt(option(COOKIE, bytes(7)))
    yield "EDNS without a question", "RFC 7873 5.4", "FORMERR", alone + opt()


BEHIND = b"\x43\x21" + PLAIN[2:]


def ask_udp(sock, wire):
    """The reply to a packet, or None. Who answers in order of arrival answers the good query behind it next: nobody has
    to wait for what does not come."""
    sock.send(wire)
    sock.send(BEHIND)
    reply = sock.recv(65535)
    if reply[:2] == BEHIND[:2]:
        return None
    assert sock.recv(65535)[:2] == BEHIND[:2]
    return reply


def rcode_of(reply):
    """Extended by an OPT that stands directly behind the question or the header."""
    at = 12
    if reply[5] == 1:
        while reply[at] != 0:
            at += reply[at] + 1
        at += 5
    return reply[3] & 15 | (reply[at + 5] << 4 if reply[at:at + 3] == b"\0\0\x29" else 0)


def every():
    return [case for cases in groups.values() for case in cases]
