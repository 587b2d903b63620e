# SPDX-License-Identifier: BSD-3-Clause
"""A configuration of steerd on its way, as the sources of `steerctl import` make it: zones, names, checks, places; and the
files that come of it."""
import ipaddress
import json

from .build import Builder, Name, Names
from .folder import file_of, relative
from .zonefile import TYPES_WITH_NAMES

NOWHERE = "invalid."  # RFC 6761 section 6.4: nobody is called so
NAMES = {**TYPES_WITH_NAMES, "HTTPS": (1,), "SVCB": (1,)}  # which words of a record are names
SOA_TIMES = "1 3600 600 604800 60"


def duration(seconds):
    """As the documents of steerd have it."""
    return f"{seconds:.0f}s" if seconds == int(seconds) else f"{max(round(seconds * 1000), 1)}ms"


def read_address(rtype, text):
    """That of an A or AAAA record; None: it is none."""
    try:
        address = ipaddress.ip_address(text)
    except ValueError:
        return None
    return str(address) if (address.version == 6) == (rtype == "AAAA") else None


def complete_names(rtype, rdata, origin="."):
    """Rdata whose names have their final dots: those without are below the origin, elsewhere than in a master file mostly "."."""
    words = rdata.split(" ")
    for index in NAMES.get(rtype, ()):
        if index < len(words) and words[index] and not words[index].endswith("."):
            words[index] = origin if words[index] == "@" else f"{words[index]}." if origin == "." else f"{words[index]}.{origin}"
    return " ".join(words)


class Checks:
    """Check documents by name; equal ones are one."""

    def __init__(self):
        self.names, self.known = Names(), {}  # text -> name, document

    def add(self, wanted, document):
        key = json.dumps(document, sort_keys=True)
        if key not in self.known:
            self.known[key] = self.names.make(wanted), document
        return self.known[key][0]

    # What Topology asks of them

    @staticmethod
    def checks(names):
        return tuple(names)

    @staticmethod
    def use(name, _target):
        return name

    def documents(self):
        return dict(self.known.values())


class ZoneText:
    """A master file that is made record by record."""

    def __init__(self, origin, head=""):
        self.origin, self.lines = origin, [head] if head else []
        self.types = {}  # owner in small letters -> types

    def add(self, owner, ttl, rtype, rdata):
        self.types.setdefault(owner.lower(), set()).add(rtype)
        self.lines.append(f"{owner} {ttl} IN {rtype} {rdata}\n")

    def has(self, owner, rtype):
        return rtype in self.types.get(owner.lower(), ())

    def comment(self, text):
        self.lines.append("".join(f"; {line}\n" for line in text.splitlines()))

    def text(self):
        return "".join(self.lines)

    def complete(self, place, report):
        """A zone needs a SOA record and name servers."""
        missing = [rtype for rtype in ("SOA", "NS") if not self.has(self.origin, rtype)]
        if "NS" in missing:
            self.lines.insert(0, f"{self.origin} 3600 IN NS ns.{NOWHERE}\n")
        if "SOA" in missing:
            self.lines.insert(0, f"{self.origin} 3600 IN SOA ns.{NOWHERE} hostmaster.{NOWHERE} {SOA_TIMES}\n")
        if missing:
            report.leave_out(place, f"{self.origin} {' and '.join(missing)}: not in there; write yours in place of ns.{NOWHERE}")


class Draft:
    def __init__(self, report):
        self.report, self.checks = report, Checks()
        self.zones = {}       # origin -> what has text()
        self.names = []
        self.locations = {}   # region, or (region, az) -> [latitude, longitude]
        self.databases = []   # paths
        self.listen = ["0.0.0.0:53", "[::]:53"]

    def add_name(self, origin, owner, plan, place, ttl):
        self.names.append(Name(origin, relative(owner, origin), plan, place, ttl, ttl, {}))

    def files(self):
        """path -> text or document."""
        settings = {"listen": self.listen, "zones": "zones", "state": "var", "admin": {"socket": "var/admin.sock"}}
        files = {"steerd.json": settings}
        if self.names:
            builder = Builder(self.checks, self.locations, self.report)
            builder.build(self.names)
            settings["topology"] = "topology.json"
            files["topology.json"] = builder.topology.document(builder.rules, {})
            for origin, names in builder.policies.items():
                files[f"zones/{file_of(origin)}.json"] = {"names": names}
            self.report.count(len(self.names), "steered name")
            self.report.count(len(builder.topology.endpoints), "endpoint")
            self.report.count(len(files["topology.json"].get("checks", ())), "check")
        if self.databases:
            settings["geo"] = self.databases
        for origin, zone in self.zones.items():
            files[f"zones/{file_of(origin)}.zone"] = zone.text()
        self.report.count(len(self.zones), "zone")
        return files
