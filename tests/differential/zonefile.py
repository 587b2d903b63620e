# SPDX-License-Identifier: BSD-3-Clause
"""Master files out of a seed, good ones in every legal dress and broken ones.

A good file is a list of records that make a zone, written with all the freedom that the syntax has. What a file uses
that some reader does not know is among its features: named, so that a rule of readers.py can excuse exactly that. A
broken file is a good one after one to three changes; some of them break nothing."""
import random

import dns.name
import dns.rdata
import dns.rdataclass
import dns.rdatatype

ORIGIN = dns.name.from_text("example.com.")
LABELS = [b"a", b"b", b"www", b"mail", b"_sip", b"_tcp", b"x-1", b"0", b"Mixed", b"h" * 40]
ODD_LABELS = [b"a.b", b"sp ace", b"\xff\xfe", b'q"uote', b"back\\slash", b"semi;colon", b"at@", b"$dollar", b"(paren)",
              b"l" * 63, b"-", b"**", b"a*", b"@", b"\x7f", b"0x1", b"in", b"TXT", b"300", b"\t"]
BASE64 = ["AQNRU3mG7TVTO2BkR47usntb102uFJtugbo6BSGvgqt4AQ==", "AA==", "AAAA", "q83v", "/+8="]
TYPES = ("A AAAA AFSDB APL CAA CDNSKEY CDS CERT CNAME CSYNC DHCID DLV DNAME DNSKEY DS EUI48 EUI64 GPOS HINFO HIP HTTPS "
         "IPSECKEY ISDN KEY KX L32 L64 LOC LP MB MG MINFO MR MX NAPTR NID NS NSAP NSEC NSEC3 NSEC3PARAM OPENPGPKEY PTR "
         "PX RP RRSIG RT SMIMEA SPF SRV SSHFP SVCB TLSA TXT URI WKS X25 ZONEMD TYPE65534 TYPE4711").split()
# types without a text form in Knot or in dnspython; a file may have them as its oddity
EXOTIC = "DLV GPOS HIP ISDN MB MG MR NSAP PX WKS X25 KEY MINFO".split()
FREQUENT = ["A", "AAAA", "MX", "TXT", "SRV", "CNAME", "NS", "PTR", "CAA"]
ALONE = {"CNAME", "DNAME", "NS", "DS"}
SINGLE = ALONE | {"NSEC"}  # dnspython keeps the last of several
# what a signed zone has and servers look at closely; never at the apex, where they belong
CHECKED_AT_APEX = {"DNSKEY", "CDS", "CDNSKEY", "NSEC3PARAM", "NSEC3", "ZONEMD", "KEY", "DLV"}


class Octets:
    """Text in which white space may be put anywhere: hexadecimal and base64 at the end of rdata."""

    def __init__(self, text, group):
        self.text, self.group = text, group


class String:
    """A character string, to be quoted and escaped."""

    def __init__(self, octets):
        self.octets = octets


class Record:
    def __init__(self, owner, ttl, rtype, rdata):
        self.owner, self.ttl, self.rtype, self.rdata = owner, ttl, rtype, rdata


class File:
    def __init__(self):
        self.text, self.includes, self.features, self.types = "", {}, set(), set()


# ---- rdata ----

class Rdata:
    """Random rdata as a list of words: str, Name, String or Octets."""

    def __init__(self, draw, name):
        self.draw, self.name = draw, name

    def u8(self):
        return str(self.draw.choice([0, 1, 2, 3, 8, 127, 255, self.draw.randrange(256)]))

    def u16(self):
        return str(self.draw.choice([0, 1, 10, 443, 65535, self.draw.randrange(65536)]))

    def ipv4(self):
        return ".".join(str(self.draw.choice([0, 1, 10, 192, 255])) for _ in range(4))

    def ipv6(self):
        return self.draw.choice(["::", "::1", "2001:db8::1", "2001:DB8:0:0:0:0:0:1", "::ffff:192.0.2.1", "fe80::",
                                 "1:2:3:4:5:6:7:8", "2001:0db8::0:1"])

    def hex(self, octets):
        text = "".join(self.draw.choice("0123456789abcdefABCDEF") for _ in range(2 * octets))
        return Octets(text, 2)

    def base64(self):
        return Octets(self.draw.choice(BASE64), 4)

    def string(self, limit=256):
        kind, length = self.draw.random(), self.draw.randrange(20)
        if kind < 0.5:
            return String(bytes(self.draw.choice(b"abcXYZ019-=!,:/") for _ in range(length)))
        if kind < 0.9:
            octets = b'ab c;d"e(f)g\\h@$.\t\x00\x7f\xff' + bytes(range(48, 58))
            return String(bytes(self.draw.choice(octets) % limit for _ in range(length)))
        return String(b"x" * self.draw.choice([0, 1, 254, 255]))

    def types(self):
        return self.draw.sample(["A", "NS", "TXT", "AAAA", "MX", "TYPE1234", "RRSIG", "NSEC", "TYPE256", "CAA"],
                                self.draw.randrange(1, 6))

    def time(self):
        return self.draw.choice(["20300101000000", "20200229235959", "20261121000001", "20350119031408"])

    def gateway(self):
        kind = self.draw.randrange(4)
        return str(kind), [".", self.ipv4(), self.ipv6(), self.name()][kind]

    def params(self):
        keys = {"alpn": "alpn=h2,h3", "port": f"port={self.u16()}", "ipv4hint": "ipv4hint=192.0.2.1,192.0.2.2",
                "ipv6hint": "ipv6hint=2001:db8::1", "ech": "ech=AQI=", "key65000": 'key65000="a b"', "key7": "key667=xyz"}
        chosen = self.draw.sample(sorted(keys), self.draw.randrange(4))
        words = [keys[key] for key in chosen]
        if "alpn" in chosen and self.draw.random() < 0.3:
            words.append("no-default-alpn")
        if "port" in chosen and self.draw.random() < 0.3:
            words.append("mandatory=port")
        self.draw.shuffle(words)
        return words

    def loc(self):
        draw = self.draw
        def angle(most, hemispheres):
            words = [str(draw.randrange(most))]
            if draw.random() < 0.7:
                words.append(str(draw.randrange(60)))
                if draw.random() < 0.7:
                    words.append(draw.choice(["0", "59", "5.5", "59.999", "12.123"]))
            return words + [draw.choice(hemispheres)]
        size = ["1m", "10m", "200m", "0.05m", "10000m", "3000.00m"]
        return angle(90, "NS") + angle(180, "EW") + [draw.choice(["0m", "-24m", "10.25m", "-100000m", "12345.67"])] \
            + [draw.choice(size) for _ in range(draw.randrange(4))]

    def signature(self):
        return [self.draw.choice(["A", "MX", "TYPE1234"]), "8", "3", "300", self.time(), self.time(), self.u16(),
                ORIGIN, self.base64()]  # BIND compares its labels with the 3

    def make(self, rtype):
        u8, u16, name = self.u8, self.u16, self.name
        makers = {
            "A": lambda: [self.ipv4()], "AAAA": lambda: [self.ipv6()],
            "APL": lambda: self.draw.sample(["1:192.0.2.0/24", "!1:10.0.0.0/8", "2:2001:db8::/32", "1:0.0.0.0/0"],
                                            self.draw.randrange(1, 4)),
            "CAA": lambda: [self.draw.choice(["0", "128"]), self.draw.choice(["issue", "issuewild", "iodef"]),
                            String(b"ca.example.net; policy=ev")],
            "CERT": lambda: [self.draw.choice(["PKIX", "1", "65534"]), u16(), self.draw.choice(["8", "RSASHA256"]),
                             self.base64()],
            "CSYNC": lambda: [u16(), "3", *self.types()], "DHCID": lambda: [self.base64()],
            "EUI48": lambda: ["00-00-5e-00-53-2A"], "EUI64": lambda: ["00-00-5e-ef-10-00-00-2a"],
            "GPOS": lambda: [String(b"-32.6882"), String(b"116.8652"), String(b"10.0")],
            "HINFO": lambda: [self.string(128), self.string(128)],  # dnspython makes UTF-8 of more
            "HIP": lambda: [u8(), self.hex(16).text, BASE64[0], *[name() for _ in range(self.draw.randrange(3))]],
            "IPSECKEY": self.ipseckey, "ISDN": lambda: [String(b"150862028003217"), String(b"004")],
            "L32": lambda: [u16(), self.ipv4()], "L64": lambda: [u16(), "2001:0DB8:1140:1000"],
            "NID": lambda: [u16(), "0014:4fff:ff20:ee64"], "LOC": self.loc,
            "NAPTR": lambda: [u16(), u16(), String(self.draw.choice([b"u", b"S", b""])), String(b"E2U+sip"),
                              String(b"!^.*$!sip:x@y!"), name()],
            "NSAP": lambda: ["0x47.0005.80.005a00.0000.0001.e133.ffffff000161.00"],
            "NSEC": lambda: [name(), *self.types()],
            "NSEC3": lambda: ["1", u8(), u16(), self.draw.choice(["-", "aabbccdd"]), "2t7b4g4vsa5smi47k61mv5bv1a22bojr",
                              *self.types()],
            "NSEC3PARAM": lambda: ["1", "0", u16(), self.draw.choice(["-", "AABB"])],
            "OPENPGPKEY": lambda: [self.base64()], "PX": lambda: [u16(), name(), name()],
            "RRSIG": self.signature, "SRV": lambda: [u16(), u16(), u16(), name()],
            "SSHFP": lambda: ["4", "2", self.hex(32)], "TXT": self.texts, "SPF": self.texts,
            "URI": lambda: [u16(), u16(), String(b"https://www.example.com/a b\"c\\")],
            "WKS": lambda: [self.ipv4(), self.draw.choice(["6", "TCP", "udp"]), "25", "80", "443"],
            "X25": lambda: ["311061700956"], "ZONEMD": lambda: [u16(), "1", "1", self.hex(48)],
            "TYPE65534": self.generic, "TYPE4711": self.generic,
        }
        groups = {
            "CDNSKEY DNSKEY KEY": lambda: [self.draw.choice(["256", "257"]), "3", self.draw.choice(["8", "13"]),
                                           self.base64()],
            "CDS DS DLV": lambda: [u16(), self.draw.choice(["8", "13", "RSASHA256"]), "2", self.hex(32)],
            "CNAME DNAME NS PTR MB MG MR": lambda: [name()], "MINFO RP": lambda: [name(), name()],
            "AFSDB KX MX RT LP": lambda: [u16(), name()],
            "HTTPS SVCB": lambda: [self.draw.choice(["1", "2", "65535"]), name(), *self.params()],
            "SMIMEA TLSA": lambda: ["3", "1", "1", self.hex(32)],
        }
        for members, maker in groups.items():
            makers.update(dict.fromkeys(members.split(), maker))
        return makers[rtype]()

    def ipseckey(self):
        kind, gateway = self.gateway()
        return [self.u8(), kind, "2", gateway, self.base64()]

    def texts(self):
        return [self.string() for _ in range(self.draw.randrange(1, 4))]

    def generic(self):
        octets = self.draw.randrange(5)
        return ["\\#", str(octets)] + ([self.hex(octets)] if octets != 0 else [])


# ---- good files ----

# syntax that some reader does not know: a file has few of them, so that each reader can judge many files
ODDITIES = ["class-first", "class1", "relative-origin", "crlf", "no-final-newline", "generate", "odd-split", "include", "exotic",
            "last-ttl", "generic"]


class Writer:
    """Writes records with changing syntax; knows origin, owner and $TTL at this point of the file."""

    def __init__(self, draw, file, oddities=0):
        self.draw, self.file = draw, file
        self.origin, self.owner = ORIGIN, None
        self.ttl, self.has_default = None, True  # of a record without one; by $TTL
        self.allowed = set(draw.sample(ODDITIES, oddities))
        self.odd = draw.choice([0.0, 0.1, 0.4])  # a file is plain, a little odd, or very

    def may(self, oddity, probability=0.3):
        """Use this oddity here?"""
        used = oddity in self.allowed and self.draw.random() < probability
        if used:
            self.file.features.add(oddity)
        return used

    def chance(self, factor=1.0):
        return self.draw.random() < self.odd * factor

    def label(self, label):
        text = ""
        for octet in label:
            char = chr(octet)
            if octet <= 32 or octet >= 127 or (self.chance(0.1) and not char.isdigit()):
                text += f"\\{octet:03d}"
            elif char in '."();@$\\' or (self.chance(0.1) and not char.isdigit()):
                text += "\\" + char
            else:
                text += char
        return text

    def name(self, name):
        if name == self.origin and self.draw.random() < 0.5:
            return "@"
        relative = name.relativize(self.origin) if self.draw.random() < 0.7 else name
        if relative.labels == ():
            relative = name
        text = ".".join(self.label(label) for label in relative.labels if label)
        return text + "." if relative.is_absolute() else text

    def string(self, octets):
        plain = all(33 <= octet < 127 and chr(octet) not in '"();\\@$' for octet in octets) and octets \
            and octets != b"\\#"
        if plain and self.draw.random() < 0.5:
            return octets.decode()
        text = ""
        for octet in octets:
            if octet < 32 or octet >= 127 or self.chance(0.1):
                text += f"\\{octet:03d}"
            else:
                text += ("\\" if chr(octet) in '"\\' else "") + chr(octet)
        return f'"{text}"'

    def octets(self, text, group):
        pieces = []
        while text:
            at = self.draw.randrange(1, len(text) + 1) if self.chance() else len(text)
            if at % group != 0 and at < len(text) and not self.may("odd-split", 1):
                at = min(at + group - at % group, len(text))
            pieces.append(text[:at])
            text = text[at:]
        return pieces

    def words(self, rdata):
        words = []
        for word in rdata:
            if isinstance(word, dns.name.Name):
                words.append(self.name(word))
            elif isinstance(word, String):
                words.append(self.string(word.octets))
            elif isinstance(word, Octets):
                words += self.octets(word.text, word.group)
            else:
                words.append(word)
        return words

    def case(self, text):
        return self.draw.choice([text, text.lower(), text.capitalize()]) if self.chance() else text

    def period(self, seconds):
        if not self.chance(2) or seconds == 0:
            return str(seconds)
        text, left = "", seconds
        for unit, size in ("w", 604800), ("d", 86400), ("h", 3600), ("m", 60), ("s", 1):
            if left >= size and (unit == "s" or self.draw.random() < 0.7):
                text += f"{left // size}{self.case(unit)}"
                left %= size
        return text

    def head(self, record):
        """TTL and class in any order, each possibly left out."""
        inherits = record.ttl == self.ttl and self.draw.random() < 0.7
        words = [] if inherits else [self.period(record.ttl)]
        if self.draw.random() < 0.5:
            words.append("CLASS1" if self.may("class1") else self.case("IN"))
        if len(words) == 2 and self.may("class-first", 0.5):
            words.reverse()
        if not self.has_default:
            self.ttl = record.ttl
        return words

    def generic(self, record):
        """In the form of RFC 3597; dnspython knows the octets."""
        plain = Writer(random.Random(0), File())
        rtype = dns.rdatatype.from_text(record.rtype)
        rdata = dns.rdata.from_text(dns.rdataclass.IN, rtype, " ".join(plain.words(record.rdata)), ORIGIN, False)
        octets = rdata.to_wire()
        words = [f"TYPE{int(rtype)}" if self.draw.random() < 0.5 else self.case(record.rtype), "\\#", str(len(octets))]
        return words + self.octets(octets.hex(), 2)

    def blank(self):
        return self.draw.choice([" ", "\t", "  ", " \t "]) if self.chance() else " "

    def join(self, words):
        """With white space in between, perhaps within parentheses and over several lines."""
        if not self.chance(0.7):
            return self.blank().join(words)
        start = self.draw.randrange(len(words) + 1)
        end = self.draw.randrange(start, len(words) + 1)
        text = ""
        for at in range(len(words) + 1):
            if at == start:
                text += self.draw.choice([" (", " ( ", " (\n", " ( ; why\n\t"])
            if at == end:
                text += self.draw.choice([" )", ")", "\n)", " ; \")\n ) "])
            if at < len(words):
                between = self.draw.choice([" ", "\n", " ; comment ( \" \n  ", "\t"]) if start <= at < end else " "
                text += between + words[at]
        return text

    def line_end(self):
        """Knot takes a line of white space for a record without an owner while there is none to inherit."""
        end = self.draw.choice(["\n", " \n", "\t; comment\n", ";\n", "\n\n", "\n  \n", "\n; a ( \" line\n"]) \
            if self.chance() else "\n"
        return end if self.file.types or end != "\n  \n" else "\n"

    def record(self, record):
        self.file.types.add(record.rtype)
        owner = self.name(record.owner)
        if record.owner == self.owner and self.draw.random() < 0.6:
            owner = self.draw.choice([" ", "\t"])
        self.owner = record.owner
        words = self.head(record)
        if self.may("generic") and record.rtype not in EXOTIC:
            words += self.generic(record)
        else:
            words += [self.case(record.rtype)] + self.words(record.rdata)
        return owner + self.blank() + self.join(words).lstrip("\n") + self.line_end()


class Maker:
    """One good file; a plain one has no oddities."""

    def __init__(self, seed, plain):
        self.draw = random.Random(seed)
        self.file = File()
        self.writer = Writer(self.draw, self.file, 0 if plain else self.draw.choice([0, 1, 1, 2, 3]))
        self.rdata = Rdata(self.draw, self.target)
        self.nodes, self.closed, self.includes = {}, set(), 0
        types = [rtype for rtype in TYPES if rtype not in EXOTIC or self.writer.may("exotic", 1)]
        self.pool = self.draw.choice([FREQUENT, FREQUENT + self.draw.sample(types, 4), self.draw.sample(types, 12)])

    def new_name(self):
        name = ORIGIN
        for _ in range(self.draw.choice([1, 1, 1, 2, 2, 3])):
            label = self.draw.choice(ODD_LABELS if self.writer.chance(0.5) else LABELS)
            longer = dns.name.Name((label,) + name.labels) if len(name.to_wire()) + len(label) < 200 else name
            name = longer
        return dns.name.Name((b"*",) + name.labels) if self.draw.random() < 0.05 else name

    def target(self):
        kind = self.draw.random()
        if kind < 0.6 and self.nodes:
            return self.draw.choice(list(self.nodes))
        if kind < 0.8:
            return self.new_name()
        return dns.name.from_text(self.draw.choice(["other.net.", ".", "com.", "x.example.net."]))

    def is_closed(self, name):
        return any(name.is_subdomain(closed) for closed in self.closed)

    def allows(self, owner, rtype):
        types = self.nodes.get(owner, set())
        below = any(other != owner and other.is_subdomain(owner) for other in self.nodes)
        wild = b"*" in owner.labels
        if self.is_closed(owner) or "CNAME" in types or rtype in types:
            return False
        if rtype in ALONE:
            return not types and not below and not wild
        if rtype == "NSEC3" and wild:
            return False  # BIND refuses them there
        return not (rtype in CHECKED_AT_APEX and owner == ORIGIN)

    def rrset(self):
        owner = self.draw.choice(list(self.nodes)) if self.nodes and self.draw.random() < 0.4 else self.new_name()
        rtype = self.draw.choice(self.pool)
        if not self.allows(owner, rtype):
            return []
        self.nodes.setdefault(owner, set()).add(rtype)
        ttl = self.draw.choice([self.writer.ttl or 300, 0, 1, 300, 5400, 86400, 694861, 2147483647])
        if rtype in ("DNAME", "NS"):
            self.closed.add(owner)
        records = [Record(owner, ttl, rtype, self.rdata.make(rtype))
                   for _ in range(1 if rtype in SINGLE else self.draw.choice([1, 1, 2, 3]))]
        if rtype == "DS":
            self.closed.add(owner)
            records.append(Record(owner, ttl, "NS", [dns.name.from_text("ns.example.net.")]))
        return records

    def head(self):
        writer, draw = self.writer, self.draw
        lines = []
        if writer.may("last-ttl", 1):
            writer.has_default = False
        else:
            lines.append(self.change_ttl())
        if draw.random() < 0.3:
            lines.append(f"{writer.case('$ORIGIN')} {ORIGIN}\n")
        times = [writer.period(draw.choice([60, 3600, 86400])) for _ in range(4)]
        soa = [dns.name.from_text("ns", ORIGIN), dns.name.from_text("a\\.b", ORIGIN), str(draw.randrange(2 ** 32)), *times]
        lines.append(writer.record(Record(ORIGIN, writer.ttl or 60, "SOA", soa)))
        lines.append(writer.record(Record(ORIGIN, 300, "NS", [dns.name.from_text("ns", ORIGIN)])))
        lines.append(writer.record(Record(dns.name.from_text("ns", ORIGIN), 300, "A", ["192.0.2.53"])))
        self.nodes = {ORIGIN: {"SOA", "NS", "DNAME", "CNAME_", "DS"}, dns.name.from_text("ns", ORIGIN): {"A"}}
        return lines

    def change_ttl(self):
        self.writer.ttl = self.draw.choice([300, 3600, 90061])
        return f"{self.writer.case('$TTL')} {self.writer.period(self.writer.ttl)}{self.writer.line_end()}"

    def change_origin(self):
        writer = self.writer
        origin = self.draw.choice([ORIGIN, self.new_name(), ORIGIN])
        text = writer.name(origin) if writer.may("relative-origin", 1) else str(origin)
        text = str(origin) if text == "@" else text  # of which dnspython makes another name
        writer.origin = origin
        return f"{writer.case('$ORIGIN')} {text}{writer.line_end()}"

    def include(self):
        writer = self.writer
        self.includes += 1
        name, before = f"part{self.includes}.inc", (writer.origin, writer.ttl)
        line = f"{writer.case('$INCLUDE')} {name}"
        if self.draw.random() < 0.5:
            origin = self.new_name()
            line += " " + (writer.name(origin) if writer.may("relative-origin", 1) else str(origin))
            writer.origin = origin
        writer.owner = None
        self.file.includes[name] = "".join(self.body(self.draw.randrange(1, 5), False))
        writer.origin, writer.ttl = before
        writer.owner = None
        return line + writer.line_end()

    def generate(self):
        writer, draw = self.writer, self.draw
        start = draw.randrange(20)
        stop = start + draw.randrange(12)
        step = draw.choice(["", "", "/2", "/5"])
        number = draw.randrange(10 ** 6)  # owners of their own
        left, right = draw.choice([("$", "192.0.2.$"), ("${1}", "10.0.0.${100}"), ("${-0,3}", "10.$.0.1"),
                                   ("${3,4,x}", "10.0.0.${0,1,d}"), ("${0,0,o}", "10.0.${5}.${0}")])
        writer.owner = None
        self.file.types.add("A")
        # BIND adds the offset of a ${} to a plain $ behind it as well
        return f"{writer.case('$GENERATE')} {start}-{stop}{step} g{number}-{left} {draw.choice(['', '60 ', '60 IN '])}A {right}\n"

    def body(self, count, outermost):
        lines = []
        for _ in range(count):
            kind = self.draw.random()
            if self.writer.chance(0.3) and kind < 0.3:
                lines.append(self.change_origin())
            elif outermost and self.writer.may("include", 0.1):
                lines.append(self.include())
            elif outermost and self.writer.has_default and kind < 0.1:
                lines.append(self.change_ttl())
            elif outermost and not self.is_closed(self.writer.origin) and self.writer.may("generate", 0.1):
                lines.append(self.generate())
            else:
                lines += [self.writer.record(record) for record in self.rrset()]
        return lines

    def make(self):
        lines = self.head() + self.body(self.draw.randrange(3, 25), True)
        text = "".join(lines)
        if not lines[-1].startswith("$") and self.writer.may("no-final-newline", 1):
            text = text.rstrip("\n")  # BIND takes the end of a file for more text behind a directive
        if self.writer.may("crlf", 0.4):
            text = text.replace("\n", "\r\n")
        self.file.text = text
        return self.file


def make_good(seed, plain=False):
    return Maker(seed, plain).make()
