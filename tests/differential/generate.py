# SPDX-License-Identifier: BSD-3-Clause
"""Zones and queries out of a seed: the same seed gives the same bytes.

Each world has a TLD, a zone below it, that zone's child and an unrelated zone, all on one server. Names are drawn
from few labels, so that they meet: wildcards beside empty non-terminals, CNAMEs that lead to each other, cuts with
every kind of glue. What is valid only by the letter of no RFC (NS at a wildcard, data beside a CNAME) is not generated:
there the oracles disagree with each other.
"""
import collections
import random

import dns.edns
import dns.message
import dns.name
import dns.rdata
import dns.rdatatype

LABELS = [b"a", b"b", b"c", b"www", b"mail", b"_sip", b"_tcp", b"x-1", b"0"]
ODD_LABELS = [b"\x00", b"a.b", b"sp ace", b"MiXed", b"\xff\xfe", b'q"uote', b"back\\slash", b"semi;colon", b"at@",
              b"$dollar", b"(paren)", b"l" * 63, b"q\x00r", b"-", b"**", b"a*"]
# no "a\\000b": Knot takes it for b.a and refuses the zone when that is there too
DATA_TYPES = ["A", "AAAA", "MX", "TXT", "SRV", "CAA", "HTTPS", "SVCB", "NAPTR", "PTR", "TLSA", "SSHFP", "HINFO", "LOC",
              "SPF", "TYPE65534", "TYPE4711"]
QUERY_TYPES = DATA_TYPES + ["NS", "SOA", "CNAME", "DS", "DNAME", "URI", "TYPE999", "ANY"]
SUBNETS = ["198.51.100.0/24", "2001:db8::/48", "0.0.0.0/0"]
STAR = b"*"

# payload None: no EDNS; subnet: of the client, as text, or None
Query = collections.namedtuple("Query", "name rtype rclass payload dnssec_ok subnet tcp recurse")


class Zone:
    """Owner -> type -> (ttl, [rdata text]), and what may not be put anywhere else: cuts, DNAMEs."""

    def __init__(self, origin):
        self.origin = dns.name.from_text(origin)
        self.nodes = collections.defaultdict(dict)
        self.closed = set()  # owners below which nothing else is generated

    def is_closed(self, name):
        while name != self.origin:
            if name in self.closed:
                return True
            name = name.parent()
        return False

    def may_have(self, name, rtype):
        types = self.nodes.get(name, {})
        if self.is_closed(name) or "CNAME" in types or len(name.to_wire()) > 255:
            return False
        if rtype in ("CNAME", "DNAME", "NS"):
            return name != self.origin and not types
        return True

    def add(self, name, rtype, ttl, rdatas):
        self.nodes[name][rtype] = (ttl, sorted(set(rdatas)))

    def records(self, name, rtype):
        """An RRset in the form that answers are compared in: (owner, type, ttl, rdata)."""
        ttl, texts = self.nodes.get(name, {}).get(rtype, (0, []))
        owner, number = name.canonicalize().to_text(), dns.rdatatype.from_text(rtype)
        return frozenset((owner, number, ttl, dns.rdata.from_text("IN", rtype, text).to_digestable())
                         for text in texts)

    def has_below(self, name):
        return any(other != name and other.is_subdomain(name) for other in self.nodes)

    def to_text(self):
        lines = []
        for name, types in self.nodes.items():
            for rtype, (ttl, rdatas) in types.items():
                lines += [f"{name.to_text()} {ttl} IN {rtype} {rdata}\n" for rdata in rdatas]
        soa = [line for line in lines if " IN SOA " in line]
        return "".join(soa + [line for line in lines if line not in soa])


class World:
    """zones by origin, queries in order."""

    def __init__(self, seed, query_count):
        self.random = random.Random(seed)
        self.zones = [Zone(origin) for origin in ("example.", "one.example.", "sub.one.example.", "two.other.")]
        for zone in self.zones:
            self.fill(zone)
        self.tie()
        self.queries = self.make_queries(query_count)

    # ---- names ----

    def label(self, odd=0.12):
        return self.random.choice(ODD_LABELS if self.random.random() < odd else LABELS)

    def below(self, parent, depth=1):
        name = parent
        for _ in range(depth):
            name = self.prepend(self.label(), name)
        return name

    @staticmethod
    def prepend(label, name):
        try:
            return dns.name.Name((label,) + name.labels)
        except dns.name.NameTooLong:
            return name

    def long_name(self, parent):
        """As long as a name can be, or nearly."""
        name = parent
        while len(name.to_wire()) < 180:
            name = self.prepend(bytes([self.random.choice(b"lmn")]) * self.random.choice([1, 40, 63]), name)
        rest = 254 - len(name.to_wire()) - self.random.choice([0, 0, 1, 9])
        return self.prepend(b"z" * min(63, rest), name) if rest > 0 else name

    def any_name(self, zone=None):
        zone = zone or self.random.choice([other for other in self.zones if other.nodes])
        return self.random.choice(list(zone.nodes))

    # ---- rdata ----

    def target(self, zone):
        """What a CNAME, MX, NS or SRV may point to: something that is there, nearly there, or elsewhere."""
        draw = self.random.random()
        if draw < 0.45:
            return self.any_name(zone)
        if draw < 0.6:
            return self.any_name()
        if draw < 0.8:
            return self.below(self.any_name(zone))
        if draw < 0.9:
            return self.below(zone.origin, 2)
        return dns.name.from_text("away.invalid.")

    def address(self, rtype):
        if rtype == "A":
            return f"192.0.2.{self.random.randrange(256)}"
        return f"2001:db8::{self.random.randrange(65536):x}"

    def rdata(self, rtype, zone):  # pylint: disable=too-many-return-statements
        draw = self.random
        number = draw.randrange(1000)
        if rtype in ("A", "AAAA"):
            return self.address(rtype)
        to = self.target(zone).to_text()
        if rtype in ("TXT", "SPF"):
            return f'"t{number} {"x" * draw.choice([0, 5, 60, 200])}"'
        texts = {
            "MX": f"{number} {to}", "SRV": f"{number} 2 5060 {to}", "CAA": f'0 issue "ca{number}.example.net"',
            "HTTPS": self.service(zone),
            "SVCB": self.service(zone),
            "NAPTR": f'{number} 10 "u" "E2U+sip" "!^.*$!sip:x@y!" .', "PTR": to,
            "TLSA": f"3 1 1 {number:064x}", "SSHFP": f"4 2 {number:064x}", "HINFO": f'"cpu{number}" "os"',
            "LOC": f"{number % 90} 7 19.000 N 2 25 19.000 E {number}.00m 1.00m 10000.00m 10.00m",
            "TYPE65534": f"\\# 3 00{number:04x}", "TYPE4711": f"\\# 2 {number:04x}",
        }
        return texts[rtype]

    def service(self, zone):
        """Priority and target of SVCB and HTTPS: aliases that lead to each other or to nothing, the owner, a host."""
        priority = self.random.choice([0, 1, 1, 2, 300])
        draw = self.random.random()
        parameters = self.random.choice(["", " alpn=h2", " port=8443 ipv4hint=192.0.2.9"]) if priority else ""
        if draw < 0.3:
            return f"{priority} .{parameters}"
        if draw < 0.6:
            return f"{priority} svc{self.random.randrange(3)}.{zone.origin}{parameters}"
        return f"{priority} {self.target(zone).canonicalize()}{parameters}"  # nobody folds these names

    def ttl(self):
        return self.random.choice([0, 1, 30, 300, 3600, 86400])

    # ---- zones ----

    def fill(self, zone):
        draw, origin = self.random, zone.origin
        ns = dns.name.from_text("ns1", origin)
        minimum = draw.choice([0, 30, 300, 9000])
        zone.add(origin, "SOA", draw.choice([30, 300, 3600]), [f"{ns} hostmaster.{origin} 1 3600 600 604800 {minimum}"])
        zone.add(origin, "NS", self.ttl(), [str(ns), "ns.elsewhere.invalid."])
        zone.add(ns, "A", self.ttl(), [self.address("A")])
        for _ in range(14):
            self.add_data(zone, self.below(draw.choice([origin, self.any_name(zone)]), draw.choice([1, 1, 2, 3])))
        self.add_data(zone, self.long_name(origin))
        self.add_data(zone, origin)
        for _ in range(7):
            self.add_wildcard(zone)
        for _ in range(5):
            self.add_cut(zone)
        for _ in range(12):
            self.add_cname(zone, self.below(draw.choice([origin, self.any_name(zone)])))
        for name in (dns.name.from_text(f"svc{i}", origin) for i in range(3)):
            for rtype in draw.sample(["A", "AAAA", "HTTPS", "SVCB"], 2):
                if zone.may_have(name, rtype):
                    zone.add(name, rtype, self.ttl(), [self.rdata(rtype, zone)])
        self.add_chain(zone)
        self.add_large(zone)
        for _ in range(4):
            self.add_dname(zone)

    def add_data(self, zone, name):
        for rtype in self.random.sample(DATA_TYPES, self.random.choice([1, 1, 2, 4])):
            if zone.may_have(name, rtype):
                count = self.random.choice([1, 1, 2, 3])
                zone.add(name, rtype, self.ttl(), [self.rdata(rtype, zone) for _ in range(count)])

    def add_wildcard(self, zone):
        draw = self.random
        parent = draw.choice([zone.origin, self.any_name(zone), self.below(zone.origin)])
        if draw.random() < 0.3:  # an asterisk in the middle is a label like others
            parent = self.below(self.prepend(STAR, parent))
        name = self.prepend(STAR, parent)
        if draw.random() < 0.35:
            self.add_cname(zone, name)
        else:
            self.add_data(zone, name)
        if draw.random() < 0.6:  # a name beside it, with an empty non-terminal above
            self.add_data(zone, self.below(parent, 2))

    def add_cname(self, zone, name):
        if zone.may_have(name, "CNAME"):
            zone.add(name, "CNAME", self.ttl(), [self.target(zone).to_text()])

    def add_chain(self, zone):
        """A straight one, and a loop behind a tail."""
        names = [dns.name.from_text(f"chain{i}", zone.origin) for i in range(self.random.choice([3, 6]))]
        for name, to in zip(names, names[1:] + [self.any_name(zone)]):
            zone.add(name, "CNAME", self.ttl(), [to.to_text()])
        names = [dns.name.from_text(f"loop{i}", zone.origin) for i in range(4)]
        back = self.random.randrange(4)
        for name, to in zip(names, names[1:] + [names[back]]):
            zone.add(name, "CNAME", self.ttl(), [to.to_text()])

    def add_cut(self, zone):
        draw = self.random
        name = self.below(draw.choice([zone.origin, zone.origin, self.any_name(zone)]), draw.choice([1, 1, 2]))
        if STAR in name.labels or not zone.may_have(name, "NS") or zone.has_below(name):
            return
        self.delegate(zone, name)

    def delegate(self, zone, name):
        draw = self.random
        servers = []
        inside = [self.below(name) for _ in range(draw.choice([0, 1, 2]))]
        if draw.random() < 0.15:
            inside.append(name)  # the child's apex is its own name server
        child = next((other for other in self.zones if other.origin == name), None)
        if child is not None:  # NSD refuses a zone with a DNAME if another one has glue below that
            inside = [server for server in inside if not child.is_closed(server)]
        for server in inside:
            servers.append(server)
            for rtype in draw.choice([["A"], ["A", "AAAA"], ["AAAA"], []]):  # []: missing glue
                zone.add(server, rtype, self.ttl(), [self.address(rtype) for _ in range(draw.choice([1, 2]))])
        if draw.random() < 0.5:
            servers.append(self.sibling(zone, name))
        if draw.random() < 0.4 or not servers:
            servers.append(dns.name.from_text(f"ns{draw.randrange(9)}.elsewhere.invalid."))
        if draw.random() < 0.2:
            servers.append(dns.name.from_text("ns1", zone.origin))
        zone.add(name, "NS", self.ttl(), [server.to_text() for server in servers])
        if draw.random() < 0.4:
            zone.add(name, "DS", self.ttl(), [f"{draw.randrange(65536)} 13 2 {draw.randrange(1 << 128):064x}"])
        if draw.random() < 0.3:  # an address that no NS names: it does not exist for anybody
            unnamed = self.below(name, 2)
            if child is None or not child.is_closed(unnamed):
                zone.add(unnamed, "A", self.ttl(), [self.address("A")])
        zone.closed.add(name)

    def sibling(self, zone, name):
        """A name server below another cut of the zone, with glue there or not; or simply in the zone."""
        others = [cut for cut in sorted(zone.closed) if cut != name and "NS" in zone.nodes[cut]]
        if not others:
            return self.any_name(zone)
        server = self.prepend(b"ns-sib", self.random.choice(others))
        if self.random.random() < 0.7:
            zone.add(server, "A", self.ttl(), [self.address("A")])
        return server

    def add_large(self, zone):
        """RRsets around the sizes where UDP ends, one behind a CNAME, and a delegation with much glue."""
        for i, size in enumerate([300, 480, 700, 1150, 1300, 2500]):
            name = dns.name.from_text(f"large{i}", zone.origin)
            zone.add(name, "TXT", 300, [f'"{n:02d}{"y" * 96}"' for n in range(size // 100)])
            zone.add(name, "A", 300, [f"192.0.2.{n}" for n in range(min(size // 16, 95))])  # BIND takes 100
        alias = dns.name.from_text("to-large", zone.origin)
        zone.add(alias, "CNAME", 60, [f"large{self.random.randrange(6)}.{zone.origin}"])
        cut = dns.name.from_text("wide", zone.origin)
        zone.add(cut, "NS", 300, [f"ns{n}.{cut}" for n in range(13)])
        for n in range(13):
            server = dns.name.from_text(f"ns{n}", cut)
            zone.add(server, "A", 300, [f"192.0.2.{n}"])
            zone.add(server, "AAAA", 300, [f"2001:db8::{n}"])
        zone.closed.add(cut)

    def add_dname(self, zone):
        name = self.below(zone.origin, self.random.choice([1, 2]))
        if STAR in name.labels or not zone.may_have(name, "DNAME") or zone.has_below(name):
            return
        to = self.random.choice([self.target(zone), self.below(zone.origin), self.long_name(zone.origin), name])
        if to.is_subdomain(name):
            to = dns.name.from_text("away.invalid.")
        zone.add(name, "DNAME", self.ttl(), [to.to_text()])
        if self.random.random() < 0.5:
            zone.add(name, "TXT", 300, ['"beside a DNAME"'])
        zone.closed.add(name)

    def tie(self):
        """Parents delegate to the children that are here."""
        for zone in self.zones[1:3]:
            parent = next(other for other in self.zones if other.origin == zone.origin.parent())
            for name in [name for name in parent.nodes if name.is_subdomain(zone.origin)]:
                del parent.nodes[name]
                parent.closed.discard(name)
            self.delegate(parent, zone.origin)

    # ---- what the rules of comparison ask ----

    def zone_of(self, name):
        """The zone with the longest origin above the name, or None."""
        zones = [zone for zone in self.zones if name.is_subdomain(zone.origin)]
        return max(zones, key=lambda zone: len(zone.origin), default=None)

    def exists(self, name):
        """As a node or an empty non-terminal."""
        zone = self.zone_of(name)
        return zone is not None and (name in zone.nodes or zone.has_below(name))

    def is_below_cut(self, name):
        """At or below a delegation of its zone."""
        zone = self.zone_of(name)
        return zone is not None and any(name.is_subdomain(cut) for cut in zone.closed if "NS" in zone.nodes[cut])

    def ghost(self, name):
        """The closest encloser of the name, or the name, if it is one that only another zone has below the name's own:
        glue in the parent. None if the zone has the closest encloser itself."""
        zone = self.zone_of(name)
        for depth in range(len(name), len(zone.origin) if zone is not None else len(name), -1):
            encloser = name.split(depth)[1]
            if encloser in zone.nodes or zone.has_below(encloser):
                return None
            if any(owner.is_subdomain(encloser) for other in self.zones if other is not zone for owner in other.nodes):
                return encloser
        return None

    # ---- queries ----

    def make_queries(self, count):
        names = [name for zone in self.zones for name in zone.nodes]
        first = [(name, rtype) for zone in self.zones for name, types in zone.nodes.items() for rtype in types
                 if b"wide" not in name.labels[1:] or self.random.random() < 0.1]
        self.random.shuffle(first)
        queries = [self.query(name, rtype) for name, rtype in first[: count * 2 // 3]]
        while len(queries) < count:
            queries.append(self.query(self.near(self.random.choice(names)), self.random.choice(QUERY_TYPES)))
        return queries

    def near(self, name):  # pylint: disable=too-many-return-statements
        draw = self.random.random()
        if draw < 0.25:
            return name
        if draw < 0.45:
            return self.below(name, self.random.choice([1, 1, 2, 3]))
        if draw < 0.6:
            return self.below(name.parent()) if len(name) > 2 else name
        if draw < 0.7:
            return name.parent() if len(name) > 2 else name
        if draw < 0.8:
            return self.prepend(STAR, name)
        if draw < 0.88:
            return self.below(self.prepend(STAR, name))
        if draw < 0.96:  # what a wildcard stands for
            return self.below(name.parent(), 2) if len(name) > 2 else name
        return self.below(dns.name.from_text("nowhere.invalid."))

    def query(self, name, rtype):
        draw = self.random
        if draw.random() < 0.15:
            name = dns.name.Name([label.upper() if draw.random() < 0.6 else label for label in name.labels])
        payload = draw.choice([None, None, 512, 1232, 1232, 4096])
        subnet = draw.choice(SUBNETS) if payload is not None and draw.random() < 0.1 else None
        return Query(name, rtype, "ANY" if draw.random() < 0.02 else "IN", payload,
                     payload is not None and draw.random() < 0.2, subnet, draw.random() < 0.12, draw.random() < 0.3)


def to_message(query, number):
    message = dns.message.make_query(query.name, query.rtype, query.rclass, use_edns=False)
    message.flags = 0x0100 if query.recurse else 0
    message.id = number
    if query.payload is not None:
        options = [dns.edns.ECSOption.from_text(query.subnet)] if query.subnet else None
        message.use_edns(0, 0x8000 if query.dnssec_ok else 0, query.payload, options=options)
    return message


def to_text(query):
    return (f"{query.name.to_text()} {query.rclass} {query.rtype} edns={query.payload} do={int(query.dnssec_ok)} "
            f"subnet={query.subnet} {'tcp' if query.tcp else 'udp'} rd={int(query.recurse)}")
