# SPDX-License-Identifier: BSD-3-Clause
"""knot.conf with mod-geoip, and the module's own files -> plans. Facts: Knot DNS documentation, module geoip, of 3.2 to 3.5.

A view (one "net", "geo" or "weight") becomes a region of the endpoints that its addresses are; its other records are what the
first of them answers. Clients in no view get what the zone file has, as they do in Knot."""
import dataclasses
import ipaddress
import os
import re

from .draft import complete_names, read_address
from .knotconf import Reader
from .maps import CONTINENTS
from .master import MasterFile
from .model import ALL, NOBODY, WEIGHTED, Plan, Target, Tier
from .report import Failure
from .zonefile import UNITS

MODULE = "mod-geoip"
MODES = {"geodb": "geo", "subnet": "net", "weighted": "weight"}
KEYS = {"country/iso_code": "country", "continent/code": "continent", "city/names/en": "city", "(id)city/geoname_id": "city",
        "subdivisions/0/iso_code": "subdivision", "subdivisions/1/iso_code": "subdivision",
        "(id)autonomous_system_number": "asn"}
STORAGE = "/var/lib/knot"
RECURSIVE = ("SOA", "DNAME", "DS", "RRSIG", "NSEC", "NSEC3", "DNSKEY", "NS")  # types that no endpoint answers with
NEEDLESS = {"log": "steerd logs to stderr, the journal or syslog (\"log\" in steerd.json)", "control": "the admin socket is \"admin\"",
            "database": "what steerd has to keep is in \"state\"", "statistics": "metrics are at /v1/metrics",
            "xdp": "steerd reads by recvmmsg", "module": "steerd has no modules"}
SERVER = {"rundir": "what steerd has to keep is in \"state\"", "user": "\"user\" in steerd.json", "pidfile": "there is none",
          "udp-workers": "\"threads\" in steerd.json", "tcp-workers": "\"threads\" in steerd.json",
          "background-workers": "steerd loads zones with as many threads as there are processors",
          "automatic-acl": "transfers are allowed by \"transfer\" of a zone"}


class Unconverted(Exception):
    """Why something is left out."""


class Importer:
    def __init__(self, draft, databases):
        self.draft, self.report = draft, draft.report
        draft.databases = [os.path.abspath(path) for path in databases]
        self.has_database = bool(databases)
        self.modules, self.templates, self.zones = {}, {}, []
        self.used = set()

    def read(self, path):
        self.folder = os.path.dirname(os.path.abspath(path))
        sections = Reader(path).sections
        for section in sections:
            self.read_section(section)
        for item in self.zones:
            self.read_zone(item)
        for name, item in self.modules.items():
            if name not in self.used:
                self.report.pass_over(item.place, f"{MODULE}/{name}: no zone uses it")
        for section in sections:
            self.name_rest(section)

    # ---- sections ----

    def read_section(self, section):
        if section.name == "server":
            for item in section.items:
                self.read_server(item)
        elif section.name == MODULE:
            self.collect(section, self.modules)
        elif section.name == "template":
            self.collect(section, self.templates)
        elif section.name == "zone":
            self.zones += section.items
        elif section.name in NEEDLESS:
            self.report.pass_over(section.place, f"{section.name}: {NEEDLESS[section.name]}")
        else:
            self.report.leave_out(section.place, f"{section.name}: steerd's counterpart, if there is one, is to be written by hand")

    @staticmethod
    def collect(section, known):
        for item in section.items:
            name = item.value("id")
            if name is None or name in known:
                raise Failure(f"{item.place}: found {'no id' if name is None else f'the id {name} again'} in {section.name}")
            known[name] = item

    def read_server(self, item):
        listen = [self.read_address(value, item.place) for value in item.values("listen")]
        if listen:
            self.draft.listen = listen
        if item.value("edns-client-subnet", "off") not in ("on", "true"):
            self.draft.listen = [{"address": address, "client_subnet": "off"} for address in self.draft.listen]
            self.report.approximate(item.place, "edns-client-subnet is off: \"client_subnet\": \"off\" at each listen address")
        for setting in item.settings:
            if setting.key in SERVER:
                setting.is_read = True
                self.report.pass_over(setting.place, f"{setting.key}: {SERVER[setting.key]}")

    @staticmethod
    def read_address(text, place):
        host, _, port = text.partition("@")
        try:
            address = ipaddress.ip_address(host)
            number = int(port or 53)
            if not 1 <= number <= 65535:
                raise ValueError
        except ValueError:
            raise Failure(f"{place}: found listen: {text[:60]}, expected ADDRESS or ADDRESS@PORT") from None
        return f"[{address}]:{number}" if address.version == 6 else f"{address}:{number}"

    def name_rest(self, section):
        """What nobody has read."""
        if section.name not in ("server", MODULE, "template", "zone"):
            return  # named as a whole
        for item in section.items:
            for setting in item.settings:
                if not setting.is_read and not (section.name == MODULE and item.value("id") not in self.used):
                    self.report.leave_out(setting.place, f"{section.name}: {setting.key}: steerd's counterpart, if there is one, is to "
                                                         "be written by hand")

    # ---- zones ----

    def setting(self, item, key, default=None):
        """Of a zone, or of its template."""
        name = item.value("template")
        if name is not None and name not in self.templates:
            raise Failure(f"{item.place}: found template: {name}, which there is none of")
        template = self.templates.get(name or "default")
        own = item.value(key)
        return own if own is not None else template.value(key, default) if template is not None else default

    def read_zone(self, item):
        domain = item.value("domain")
        if domain is None or re.search(r"[\s\"]", domain):
            raise Failure(f"{item.place}: found no domain, expected the name of a zone")
        origin = domain.rstrip(".") + "."
        if origin in self.draft.zones:
            raise Failure(f"{item.place}: found the zone {origin} again")
        zone = self.read_file(item, origin)
        modules = item.values("module") or self.template_modules(item)
        for module in modules:
            kind, _, name = module.partition("/")
            if kind != MODULE:
                self.report.leave_out(item.place, f"{origin} module: {module}: steerd has none like it")
            elif name not in self.modules:
                raise Failure(f"{item.place}: found module: {module}, which there is none of")
            else:
                self.used.add(name)
                self.read_module(self.modules[name], zone)

    def template_modules(self, item):
        template = self.templates.get(item.value("template") or "default")
        return template.values("module") if template is not None else []

    def read_file(self, item, origin):
        name = origin.rstrip(".")
        path = self.setting(item, "file", "%s.zone").replace("%s", name or "root")
        path = os.path.join(self.folder, self.setting(item, "storage", STORAGE), path)
        if not os.path.exists(path):
            raise Failure(f"{item.place}: {origin}: its file {path} is not there; name it by \"file\" and \"storage\"")
        zone = MasterFile(path, origin, (), self.report)
        if zone.origin.lower() != origin.lower():
            raise Failure(f"{path}: found the SOA record of {zone.origin}, expected that of {origin}")
        self.draft.zones[origin] = zone
        return zone

    # ---- the module ----

    def read_module(self, item, zone):
        mode, path = item.value("mode", "subnet"), item.value("config-file")
        if mode not in MODES or path is None:
            raise Failure(f"{item.place}: found mode: {mode} and config-file: {path}, expected one of {', '.join(MODES)} and a file")
        ttl_s = self.read_time(item.value("ttl", "60"), item.place)
        keys = item.values("geodb-key") or ["country/iso_code"] if mode == "geodb" else []
        if mode == "geodb":
            self.read_database(item)
            if not all(key in KEYS for key in keys):
                raise Failure(f"{item.place}: found geodb-key: {', '.join(key for key in keys if key not in KEYS)}, which steerd has "
                              f"no condition for; those are {', '.join(KEYS)}")
        for section in Reader(os.path.join(self.folder, path)).sections:
            self.read_name(section, zone, mode, keys, ttl_s)

    def read_database(self, item):
        path = item.value("geodb-file")
        path = path and os.path.join(self.folder, path)
        if self.has_database or path in self.draft.databases:
            return
        if path and os.path.exists(path):
            self.draft.databases.append(path)
        else:
            self.report.leave_out(item.place, f"geodb-file: {path} is not there; add a database to \"geo\" in steerd.json")

    @staticmethod
    def read_time(text, place):
        found = re.fullmatch("([0-9]{1,9})([smhdw]?)", text)
        if found is None or int(found[1]) * UNITS[found[2]] >= 1 << 31:
            raise Failure(f"{place}: found ttl: {text[:40]}, expected seconds")
        return int(found[1]) * UNITS[found[2]]

    def read_name(self, section, zone, mode, keys, ttl_s):
        owner = section.name.rstrip(".") + "."
        if zone.origin != "." and not ("." + owner.lower()).endswith("." + zone.origin.lower()):
            self.report.pass_over(section.place, f"{owner}: outside of {zone.origin}")
            return
        views = []
        for item in section.items:
            first = item.settings[0]
            if first.key != MODES[mode]:
                raise Failure(f"{item.place}: found {first.key}, expected {MODES[mode]} in mode {mode}")
            first.is_read = True
            views.append((item, first.value, self.read_records(item.settings[1:], owner)))
        views = [view for view in views if view[2]]
        if not views:
            self.report.pass_over(section.place, f"{owner}: it has no records")
            return
        try:
            plan = self.plan_weighted(owner, views) if mode == "weighted" else self.plan_rules(owner, views, mode, keys, zone)
            self.require_cname(plan, owner, zone)
            self.draft.add_name(zone.origin, owner, plan, section.place, ttl_s)
            self.report.approximate(section.place, f"{owner}: types that a view does not have: steerd has no answer for them, Knot before "
                                                   "3.5 that of the zone file")
        except Unconverted as error:
            self.report.leave_out(section.place, f"{owner}: {error}")

    @staticmethod
    def require_cname(plan, owner, zone):
        if plan.has_hosts() and owner.lower() == zone.origin.lower():
            raise Unconverted("a CNAME at the apex of the zone")
        others = set(zone.types.get(owner.lower(), ())) - {"CNAME"}
        if plan.has_hosts() and others:
            raise Unconverted(f"CNAMEs in views, and {', '.join(sorted(others))} in the zone file")
        if plan.has_hosts() and any(target.records for target in plan.targets()):
            raise Unconverted("CNAMEs in some views and other records than addresses in others")

    @staticmethod
    def read_records(settings, owner):
        """type -> values"""
        records = {}
        for setting in settings:
            setting.is_read, rtype = True, setting.key.upper()
            if rtype in RECURSIVE or not re.fullmatch("[A-Z][A-Z0-9-]*", rtype):
                raise Failure(f"{setting.place}: found {setting.key[:40]}, expected a type that endpoints can answer with")
            for value in setting.values:
                records.setdefault(rtype, []).append(Importer.read_value(rtype, value, setting.place, owner))
        return records

    @staticmethod
    def read_value(rtype, value, place, owner):
        if rtype in ("A", "AAAA"):
            address = read_address(rtype, value)
            if address is None:
                raise Failure(f"{place}: found '{value[:60]}', expected an address for {rtype}")
            return address
        if re.search(r"[\r\n]", value) or not value.strip():
            raise Failure(f"{place}: found an empty value of {rtype}")
        return complete_names(rtype, value, owner)  # as in a zone file: quotes of knot.conf are not those of a text

    # ---- plans ----

    def plan_weighted(self, owner, views):
        """One view by chance, with all that it has."""
        if all(view[1] == "0" for view in views):
            raise Unconverted("all weights are 0")
        targets = []
        for number, (item, text, records) in enumerate(views, 1):
            if not re.fullmatch("[0-9]{1,3}", text) or int(text) > 255:
                raise Failure(f"{item.place}: found weight: {text[:40]}, expected 0 to 255")
            if text == "0":
                self.report.approximate(item.place, f"{owner}: weight 0: steerd answers it where no other view is up, Knot never")
            path = (("region", owner.split(".")[0].replace("*", "any")), ("az", f"w{number}"))
            targets.append(self.whole(records, f"{owner.split('.')[0]}-{number}", int(text), path))
        return Plan([Tier(tuple(targets), views[0][0].place, owner.rstrip("."), WEIGHTED)])

    @staticmethod
    def whole(records, label, weight, path):
        """A target that answers all of a view."""
        addresses = tuple(values[0] for values in (records.get("A"), records.get("AAAA")) if values)
        more = tuple((rtype, tuple(values)) for rtype, values in records.items()
                     if rtype != "CNAME" and (rtype not in ("A", "AAAA") or len(values) > 1))
        host = records["CNAME"][0].rstrip(".") if "CNAME" in records else None
        if host is not None and len(records) > 1:
            raise Unconverted("a CNAME beside other records in a view")
        return Target(label, addresses if addresses or host else NOBODY, (), weight, host, path=path, records=more)

    def plan_rules(self, owner, views, mode, keys, zone):
        """A rule for each view; the rest of the world has the records of the zone file."""
        has_host = any("CNAME" in records for _, _, records in views)
        pick = WEIGHTED if has_host else ALL
        rules, types = [], set()
        for item, text, records in views:
            if has_host and any(len(values) > 1 for rtype, values in records.items() if rtype in ("A", "AAAA")):
                raise Unconverted("CNAMEs in some views and several addresses in others")
            when = self.read_net(text, item.place) if mode == "subnet" else self.read_geo(text, keys, item.place)
            label = re.sub("[^A-Za-z0-9.-]+", "-", text).strip("-") or "any"
            tier = Tier(self.separate(records, label), item.place, owner.rstrip("."), pick, path=(("region", label),))
            types |= {"A" if rtype in ("AAAA", "CNAME") else rtype for rtype in records}
            rules.append((when, [tier]))
        default, nothing = self.find_static(owner, types, zone, Tier((), views[0][0].place, owner.rstrip("."), pick))
        return Plan(default, rules, nothing=nothing)

    def separate(self, records, label):
        """An endpoint for each address: so each may have checks."""
        if "CNAME" in records:
            return (self.whole(records, label, 1, ()),)
        more = tuple((rtype, tuple(values)) for rtype, values in records.items() if rtype not in ("A", "AAAA"))
        addresses = dict.fromkeys(records.get("A", []) + records.get("AAAA", []))
        targets = [Target(address, (address,), ()) for address in addresses] or [Target(label, NOBODY, ())]
        first = Target(targets[0].label, targets[0].addresses, (), records=more)
        return (first, *targets[1:])

    def find_static(self, owner, types, zone, tier):
        """(tiers, what is answered without any) of clients in no view: the zone file as it is, or endpoints with what it has."""
        missing = {rtype for rtype in types if not zone.has(owner, rtype) and not (rtype == "A" and zone.has(owner, "AAAA"))}
        if not missing:
            return [], "static"
        if zone.has(owner, "CNAME"):
            raise Unconverted("the zone file has a CNAME there for clients in no view")
        if missing == types:
            self.report.approximate(tier.place, f"{owner}: clients in no view get no records, in Knot what the zone file says: maybe that "
                                                "there is no such name")
            return [], "nodata"
        if types - missing - {"A", "TXT"}:
            self.report.leave_out(tier.place, f"{owner}: clients in no view get no records: the zone file has no "
                                              f"{', '.join(sorted(missing))}, and steerd takes all types from there or none")
            return [], "nodata"
        records = {rtype: zone.rdata(owner, rtype) for rtype in ("A", "AAAA", "TXT") if zone.has(owner, rtype) and
                   (rtype in types or rtype == "AAAA" and "A" in types)}
        self.report.approximate(tier.place, f"{owner}: what clients in no view get is an endpoint, too; its TTL is that of the module")
        return [dataclasses.replace(tier, targets=self.separate(records, "rest"), path=(("region", "rest"),))], "nodata"

    @staticmethod
    def read_net(text, place):
        try:
            return {"cidr": str(ipaddress.ip_network(text, strict=False))}
        except ValueError:
            raise Failure(f"{place}: found net: {text[:60]}, expected ADDRESS or ADDRESS/LENGTH") from None

    def read_geo(self, text, keys, place):
        values = [value.strip() for value in text.split(";")]
        if len(values) > len(keys):
            raise Failure(f"{place}: found geo: {text[:60]} with {len(values)} values for {len(keys)} of geodb-key")
        when = {}
        for key, value in zip(keys, values):
            kind = KEYS[key]
            if value in ("*", ""):
                continue
            if key.startswith("(id)"):
                if not re.fullmatch("[1-9][0-9]{0,9}", value) or int(value) >= 1 << 31:
                    raise Failure(f"{place}: found '{value[:40]}' for {key}, expected a number")
                when[kind] = int(value)
            else:
                when[kind] = value
        if not when:
            return {"continent": list(CONTINENTS)}  # whom the database knows; who is not in it has the zone file
        if "subdivision" in when:
            if not re.fullmatch("[A-Za-z]{2}", when.get("country", "")):
                raise Failure(f"{place}: found geo: {text[:60]}: a subdivision without its country, which steerd needs to know it")
            when["subdivision"] = f"{when.pop('country')}-{when['subdivision']}"
        for kind, pattern in (("country", "[A-Za-z]{2}"), ("continent", "(?i:AF|AN|AS|EU|NA|OC|SA)")):
            if kind in when and not re.fullmatch(pattern, str(when[kind])):
                raise Failure(f"{place}: found '{str(when[kind])[:40]}', expected the code of a {kind}")
        if any(value in ("*", "") for value in values[:len(when)]):
            self.report.approximate(place, f"geo: {text}: of views that match steerd takes the narrowest: a city before a subdivision, "
                                           "a country, a continent; Knot by the order of geodb-key")
        return when


def convert(draft, arguments, databases):
    if len(arguments) != 1:
        raise Failure("knot: expected one file, knot.conf; it names the others")
    Importer(draft, databases).read(arguments[0])
