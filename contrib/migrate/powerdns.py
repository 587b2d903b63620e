# SPDX-License-Identifier: BSD-3-Clause
"""Zones of PowerDNS with Lua records -> plans. Facts: PowerDNS Authoritative Server, documentation of Lua records
(docs/lua-records) of versions 4.7 to 5.0.

A record whose text is one call with literal arguments is converted; sets of addresses become regions, tiers in their order.
What runs as a program (conditions, variables, include) is left out by name: nothing is guessed."""
import dataclasses
import ipaddress
import os
import re
import urllib.parse

from . import lua
from .draft import complete_names, duration
from .master import MasterFile
from .merge import Different, merge_plans
from .mmdb import Database
from .model import ALL, NOBODY, STICKY, WEIGHTED, Nearest, Plan, Target, Tier
from .report import Failure
from .zonefile import find_word_end, unquote

ANSWERS_MAX, WEIGHT_MAX, NEAREST_MAX, TIMEOUT_S, INTERVAL_S = 64, 65535, 8, 2, 5
TEXT_MAX = 65535  # no record is longer
FAMILIES = {"A": 4, "AAAA": 6}
PICKS = {"random": WEIGHTED, "hashed": STICKY, "all": ALL, "pickclosest": WEIGHTED}
CHECK_OPTIONS = ("selector", "backupSelector", "source", "timeout", "interval", "minimumFailures", "failOnIncompleteCheck")
URL_OPTIONS = CHECK_OPTIONS + ("stringmatch", "useragent", "byteslimit", "httpcode")
ASKS = "it is answered out of the name that is asked for"
WHY = {  # functions that have no counterpart
    "createReverse": ASKS, "createReverse6": ASKS, "createForward": ASKS, "createForward6": ASKS, "filterForward": ASKS,
    "closestMagic": ASKS, "picknamehashed": ASKS + ", and what is sticky in steerd is so by client",
    "latlon": "steerd has no record of where the client is; whoami tells the class of one",
    "latlonloc": "steerd has no record of where the client is; whoami tells the class of one",
    "ifurlextup": "it asks URLs elsewhere in place of the addresses; have what asks there report to steerd: a check of type push",
    "pickselfweighted": "weights that endpoints report; steerd has \"load\" of a check for that",
    "dblookup": "it looks into the database of PowerDNS", "include": "it runs another Lua record",
    "continent": "a condition", "country": "a condition", "region": "a condition", "asnum": "a condition",
    "netmask": "a condition", "geoiplookup": "it tells what a database says of an address"}


class Unconverted(Exception):
    """Why a Lua record is left out."""


@dataclasses.dataclass
class Steered:
    """What Lua records of one name become."""
    plan: object
    rtypes: tuple
    record: object


def need(value, kind, what):
    if isinstance(value, (lua.Word, lua.Call)):
        raise Unconverted(f"found {value.name}, which is computed, expected a {what}")
    if isinstance(value, bool) or not isinstance(value, kind):
        raise Unconverted(f"found no {what} where one is expected")
    return value


def texts(value, what):
    """A list of texts, which is not empty."""
    table = need(value, lua.Table, f"list of {what}")
    if table.fields or not table.items:
        raise Unconverted(f"found an empty list, or one with names in it, expected {what}")
    return [need(item, str, "text among " + what) for item in table.items]


def address_sets(value):
    """{a, b} or {{a, b}, {c}} -> lists of texts."""
    table = need(value, lua.Table, "list of addresses")
    if table.items and all(isinstance(item, lua.Table) for item in table.items) and not table.fields:
        return [texts(item, "addresses") for item in table.items]
    return [texts(value, "addresses")]


def weighted_pairs(value):
    table = need(value, lua.Table, "list of weights")
    pairs = []
    for item in table.items:
        pair = need(item, lua.Table, "pair of a weight and a value").items
        if len(pair) != 2 or isinstance(pair[0], bool):
            raise Unconverted("found something else than a pair of a weight and a value")
        weight = int(pair[0]) if isinstance(pair[0], str) and re.fullmatch("[0-9]{1,9}", pair[0]) else pair[0]
        if not isinstance(weight, int) or not 0 <= weight < 1 << 31:
            raise Unconverted(f"found the weight {pair[0]}, expected a number from 0 on")
        pairs.append((weight, need(pair[1], str, "text behind a weight")))
    if not pairs or table.fields:
        raise Unconverted("found no pairs of a weight and a value")
    largest = max(weight for weight, _ in pairs)
    if largest == 0:
        raise Unconverted("all weights are 0, for which PowerDNS has no answer")
    if largest > WEIGHT_MAX:
        pairs = [(max(round(weight * WEIGHT_MAX / largest), 1) if weight else 0, text) for weight, text in pairs]
    return pairs


class Importer:
    def __init__(self, draft, databases):
        self.draft, self.report = draft, draft.report
        self.databases = [Database(path) for path in databases]
        draft.databases = [os.path.abspath(path) for path in databases]
        self.regions, self.taken = {}, set()  # addresses of a set -> region; names of those

    def read(self, argument):
        """FILE, or ORIGIN=FILE where the file does not say its origin."""
        origin, _, path = argument.partition("=") if "=" in argument and not os.path.exists(argument) else ("", "", argument)
        if not origin:
            origin = re.sub(r"^(db|pri|zone)\.|\.(zone|db|txt|hosts)$", "", os.path.basename(path))
        zone = MasterFile(path, origin.rstrip(".") + ".", ("LUA", "ALIAS"), self.report)
        if not zone.has_soa:
            raise Failure(f"{path}: found no SOA record, expected a zone")
        if zone.origin in self.draft.zones:
            raise Failure(f"{path}: found the zone {zone.origin} again")
        self.draft.zones[zone.origin] = zone
        names = {}
        for record in zone.records:
            names.setdefault(record.owner.lower(), []).append(record)
        for records in names.values():
            self.convert_name(zone, records)
        if names:
            self.tell_once(path)

    def tell_once(self, path):
        self.report.approximate(path, "PowerDNS counts what it was never asked for as down until the first check is over, and stops "
                                      "checking what nobody asks for; steerd checks everything, from its start on")
        self.report.approximate(path, "steerd takes the client subnet of a query where there is one, PowerDNS only with "
                                      "edns-subnet-processing; \"client_subnet\": \"off\" at a listen address ignores it")

    # ---- names ----

    def convert_name(self, zone, records):
        """All Lua records of a name become one steered name, or records that do not change."""
        steered = None
        for record in records:
            shown = f"{record.owner} {record.rtype} {' '.join(record.rdata)[:60]}"
            try:
                if not self.inside(zone, record.owner):
                    raise Unconverted("outside of the zone")
                made = self.convert_alias(zone, record) if record.rtype == "ALIAS" else self.convert_lua(zone, record)
                if made is None:
                    continue
                steered = made if steered is None else self.join(steered, made, record)
                zone.comment_out(record.at, "steered, see the policy of the zone")
            except (Unconverted, lua.NotLiteral) as error:
                why = f"found {error}: more than a call with values" if isinstance(error, lua.NotLiteral) else str(error)
                self.report.leave_out(record.place, f"{shown}: {why}")
                zone.comment_out(record.at, "left out")
        if steered is not None:
            self.add(zone, steered)

    def join(self, one, other, record):
        if set(one.rtypes) & set(other.rtypes):
            raise Unconverted(f"a second Lua record for {other.rtypes[0]}; PowerDNS answers with what both say")
        if not set(one.rtypes + other.rtypes) <= set(FAMILIES):
            raise Unconverted(f"beside the one for {one.rtypes[0]}; all types of a steered name go to the same places")
        try:
            plan = merge_plans(one.plan, other.plan)
        except Different as error:
            raise Unconverted(f"{error} than the one for {one.rtypes[0]}; all types of a steered name go to the same places") \
                from None
        return Steered(plan, one.rtypes + other.rtypes, record if record.ttl_s < one.record.ttl_s else one.record)

    def add(self, zone, steered):
        record, plan = steered.record, steered.plan
        for rtype in steered.rtypes:
            if zone.has(record.owner, rtype):
                self.report.approximate(record.place, f"{record.owner} {rtype}: PowerDNS answers its record of the zone file, too; "
                                                      "steerd where nothing else is left")
        self.place(record, plan)
        self.draft.add_name(zone.origin, record.owner, plan, record.place, record.ttl_s)

    def place(self, record, plan):
        """Sets become regions: equal ones of several names the same."""
        label = record.owner.split(".")[0].replace("*", "any").strip("@") or "apex"
        tiers = plan.all_tiers()
        placed = {}
        for number, tier in enumerate(dict.fromkeys(tiers), 1):
            key = tuple(sorted(str(target.where) for target in tier.targets))
            wanted = label if len(dict.fromkeys(tiers)) == 1 else f"{label}-{number}"
            if key not in self.regions:
                self.regions[key] = wanted if wanted not in self.taken else f"{wanted}-{len(self.regions)}"
                self.taken.add(self.regions[key])
            region = self.regions[key]
            path = (("region", region), ("az", tier.targets[0].label)) if isinstance(plan.tiers, Nearest) else (("region", region),)
            placed[tier] = dataclasses.replace(tier, path=path)
            location = getattr(plan.tiers, "locations", {}).get(tier.targets[0].label)
            if location:
                self.draft.locations[(region, tier.targets[0].label)] = location
        for tiers in plan.choices():
            tiers[:] = [placed[tier] for tier in tiers]

    @staticmethod
    def inside(zone, owner):
        owner, origin = owner.lower(), zone.origin.lower()
        return origin == "." or owner == origin or owner.endswith("." + origin)

    # ---- records ----

    def convert_alias(self, zone, record):
        """ALIAS: addresses of another name, looked up by the server."""
        if len(record.rdata) != 1:
            raise Unconverted("found no target")
        host = MasterFile.absolute(record.rdata[0], zone.origin).rstrip(".")
        target = Target(host, (), (), host=host)
        self.report.approximate(record.place, f"{record.owner}: ALIAS: steerd looks {host} up by \"resolver\" in steerd.json, and "
                                              "answers 8 addresses at most")
        return Steered(Plan([Tier((target,), record.place, host)], host_answer="addresses"), ("A", "AAAA"), record)

    def convert_lua(self, zone, record):
        if len(record.rdata) < 2:
            raise Unconverted("found no type and text")
        rtype, pieces = record.rdata[0].upper(), record.rdata[1:]
        if rtype == "LUA":
            raise Unconverted("a program that other records include")
        if not all(piece.startswith('"') and len(piece) > 1 and find_word_end(piece, 0) == len(piece) and piece.endswith('"')
                   for piece in pieces):
            raise Unconverted("text without quotes")
        if sum(len(piece) for piece in pieces) > TEXT_MAX:
            raise Unconverted(f"more than {TEXT_MAX} characters")
        text = "".join(re.sub(r"\\([0-9]{3}|.)", self.unescape, unquote(piece), flags=re.S) for piece in pieces).strip()
        if text.startswith(";"):
            text = text[1:].lstrip()
            if not re.match(r"return\b", text):
                raise Unconverted("a program of its own, behind ';'")
        value = lua.parse(text)
        if isinstance(value, str):
            return self.make_static(zone, record, rtype, [value])
        if not isinstance(value, lua.Call):
            raise Unconverted("neither a call nor a text")
        return self.convert_call(zone, record, rtype, value)

    @staticmethod
    def unescape(found):
        return chr(int(found[1]) % 256) if len(found[1]) == 3 else found[1]

    def convert_call(self, zone, record, rtype, call):
        if call.name == "all":
            self.count_arguments(call, 1, 1)
            return self.make_static(zone, record, rtype, texts(call.arguments[0], "values"))
        maker = {"ifportup": self.ifportup, "ifurlup": self.ifurlup, "view": self.view, "pickclosest": self.pickclosest,
                 "pickrandom": self.pickrandom, "pickrandomsample": self.pickrandom, "pickhashed": self.pickrandom,
                 "pickwrandom": self.pickweighted, "pickwhashed": self.pickweighted,
                 "pickchashed": self.pickweighted}.get(call.name)
        if maker is None:
            raise Unconverted(f"{call.name}: {WHY.get(call.name, 'no function of PowerDNS that this knows')}")
        plan = maker(record, rtype, call)
        if plan.has_hosts() and record.owner.lower() == zone.origin.lower():
            raise Unconverted("a CNAME at the apex of the zone")
        if plan.has_hosts() and record.owner.lower() in zone.types:
            raise Unconverted("a CNAME beside other records")
        return Steered(plan, (rtype,), record)

    def make_static(self, zone, record, rtype, values):
        """What is always the same is a record."""
        for value in values:
            self.read_rdata(rtype, value)
        lines = "".join(f"{record.owner} {record.ttl_s} {rtype} {self.write_rdata(rtype, value)}\n" for value in values)
        zone.comment_out(record.at, "was")
        zone.lines[record.at] += lines
        zone.types.setdefault(record.owner.lower(), {}).setdefault(rtype, []).extend(values)

    @staticmethod
    def count_arguments(call, least, most):
        if not least <= len(call.arguments) <= most:
            raise Unconverted(f"{call.name} with {len(call.arguments)} arguments")

    # ---- values ----

    def read_rdata(self, rtype, text):
        if rtype in FAMILIES:
            try:
                return str(ipaddress.ip_address(text)) if ipaddress.ip_address(text).version == FAMILIES[rtype] else self.odd(rtype, text)
            except ValueError:
                return self.odd(rtype, text)
        if not text.strip() or re.search(r"[\r\n\0]", text):
            return self.odd(rtype, text)
        return text

    @staticmethod
    def odd(rtype, text):
        raise Unconverted(f"found '{text[:40]}', expected the value of a record of type {rtype}")

    @staticmethod
    def write_rdata(rtype, text):
        if rtype in ("TXT", "SPF") and not text.startswith('"'):
            return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'
        return complete_names(rtype, text)

    def target(self, rtype, text, weight=1, services=()):
        text = self.read_rdata(rtype, text)
        if rtype in FAMILIES:
            return Target(text, (text,), services, weight)
        if rtype == "CNAME":
            return Target(text.rstrip("."), (), services, weight, text.rstrip("."))
        return Target(text, NOBODY, services, weight, records=((rtype, (self.write_rdata(rtype, text),)),))

    def tier(self, record, rtype, values, pick, services=(), answers=1):
        """Values: (weight, text); the same text twice has both weights."""
        weights = {}
        for weight, text in values:
            weights[text] = weights.get(text, 0) + weight
        targets = tuple(self.target(rtype, text, weight, services) for text, weight in weights.items())
        if rtype not in FAMILIES and (pick == ALL or answers > 1) and len(targets) > 1:
            self.report.approximate(record.place, f"{record.owner}: one record of type {rtype} in an answer, in PowerDNS several")
            pick, answers = WEIGHTED, 1
        return Tier(targets, record.place, record.owner.rstrip("."), pick, answers)

    # ---- functions without checks ----

    def pickrandom(self, record, rtype, call):
        """pickrandom(values), pickrandomsample(n, values), pickhashed(values)"""
        is_sample = call.name == "pickrandomsample"
        self.count_arguments(call, 1 + is_sample, 1 + is_sample)
        values, answers = texts(call.arguments[-1], "values"), 1
        if is_sample:
            answers = min(max(need(call.arguments[0], int, "number"), 0), len(values))
            if answers == 0:
                raise Unconverted("a sample of none")
            if answers > ANSWERS_MAX:
                self.report.approximate(record.place, f"{record.owner}: {ANSWERS_MAX} records in an answer at most")
        pick = STICKY if call.name == "pickhashed" else WEIGHTED
        self.tell_sticky(record, call.name, pick)
        return Plan([self.tier(record, rtype, [(1, text) for text in values], pick, answers=min(answers, ANSWERS_MAX))])

    def pickweighted(self, record, rtype, call):
        self.count_arguments(call, 1, 1)
        pairs = weighted_pairs(call.arguments[0])
        kept = [(weight, text) for weight, text in pairs if weight]
        if kept != pairs:
            self.report.approximate(record.place, f"{record.owner}: {call.name}: what has the weight 0 is never answered in PowerDNS, "
                                                  "and is not in steerd's name")
        pick = WEIGHTED if call.name == "pickwrandom" else STICKY
        self.tell_sticky(record, call.name, pick)
        return Plan([self.tier(record, rtype, kept, pick)])

    def tell_sticky(self, record, function, pick):
        if pick == STICKY:
            self.report.approximate(record.place, f"{record.owner}: {function}: another hash: clients go elsewhere once; those in one /24 "
                                                  "or /56 go together (\"sticky\" of the policy)")

    def pickclosest(self, record, rtype, call):
        self.count_arguments(call, 1, 1)
        if rtype not in FAMILIES:
            raise Unconverted(f"pickclosest for {rtype}")
        tier = self.tier(record, rtype, [(1, text) for text in texts(call.arguments[0], "addresses")], WEIGHTED)
        return Plan(self.by_distance(record, "pickclosest", tier))

    def by_distance(self, record, function, tier):
        """A tier per address where all of them have a place, else the tier as it is."""
        if len(tier.targets) == 1:
            return [tier]
        locations = {target.label: self.locate(target.label) for target in tier.targets}
        missing = [label for label, location in locations.items() if location is None]
        if missing:
            self.report.leave_out(record.place, f"{record.owner}: {function}: nothing says where {', '.join(missing)} is: any of them is "
                                                "answered; give --geo FILE.mmdb, the one of PowerDNS, or write each \"location\" "
                                                "into topology.json and \"tiers\": \"nearest\" into the policy")
            return [tier]
        self.report.approximate(record.place, f"{record.owner}: {function}: where each address is was looked up now, once; distances "
                                              "are those of a sphere, in PowerDNS of degrees")
        tiers = Nearest([dataclasses.replace(tier, targets=(target,)) for target in tier.targets],
                        min(len(tier.targets), NEAREST_MAX), others=len(tier.targets) > NEAREST_MAX)
        tiers.locations = locations
        return tiers

    def locate(self, address):
        return next((place for place in (database.locate(address) for database in self.databases) if place is not None), None)

    def view(self, record, rtype, call):
        """The first netmask that matches counts; in steerd the longest."""
        self.count_arguments(call, 1, 1)
        rules, seen = [], []
        for number, item in enumerate(need(call.arguments[0], lua.Table, "list of views").items, 1):
            pair = need(item, lua.Table, "pair of netmasks and values").items
            if len(pair) != 2:
                raise Unconverted("found something else than a pair of netmasks and values")
            networks = [self.network(text) for text in texts(pair[0], "netmasks")]
            tier = self.tier(record, rtype, [(1, text) for text in texts(pair[1], "values")], WEIGHTED)
            kept = [network for network in networks if not any(network.version == other.version and network.subnet_of(other)
                                                               for other in seen)]
            hidden = [str(network) for network in networks if network not in kept]
            if hidden:
                self.report.pass_over(record.place, f"{record.owner}: view {number}: {', '.join(hidden)}: all of it is in views before")
            seen += kept
            if kept:
                rules.append(({"cidr": [str(network) for network in kept]}, [tier]))
        if not rules:
            raise Unconverted("found no views")
        return Plan([], rules)

    @staticmethod
    def network(text):
        try:
            return ipaddress.ip_network(text, strict=False)
        except ValueError:
            raise Unconverted(f"found '{text[:40]}', expected a netmask") from None

    # ---- functions with checks ----

    def options(self, call, record, known):
        if len(call.arguments) < 3:
            return {}
        table = need(call.arguments[2], lua.Table, "table of options")
        if table.items:
            raise Unconverted("found a value without a name among the options")
        for key in table.fields:
            if key not in known:
                self.report.leave_out(record.place, f"{record.owner}: {call.name}: {key}: steerd has none like it")
        if "source" in table.fields:
            self.report.leave_out(record.place, f"{record.owner}: {call.name}: source: steerd's checks leave from the address that "
                                                "the system gives them")
        if "failOnIncompleteCheck" in table.fields:
            self.report.pass_over(record.place, f"{record.owner}: {call.name}: failOnIncompleteCheck: what steerd knows nothing of yet "
                                                "is served")
        return table.fields

    def number(self, options, key, default, record):
        value = options.get(key, default)
        value = int(value) if isinstance(value, str) and re.fullmatch("[0-9]{1,6}", value) else value
        if isinstance(value, bool) or not isinstance(value, (int, float)) or not 0 <= value < 1e6:
            raise Unconverted(f"found '{value}' as {key}, expected a number")
        return value

    def timing(self, options, record):
        interval, timeout = (self.number(options, key, default, record) or default
                             for key, default in (("interval", INTERVAL_S), ("timeout", TIMEOUT_S)))
        interval_s = min(max(interval, 1), 3600)
        if timeout > interval_s:
            self.report.approximate(record.place, f"{record.owner}: timeout: a check takes as long as its interval at most, {interval_s} s")
        fall = int(min(max(self.number(options, "minimumFailures", 1, record), 1), 100))
        return {"interval": duration(interval_s), "timeout": duration(max(min(timeout, interval_s), .05)), "fall": fall, "rise": 1}

    def ifportup(self, record, rtype, call):
        self.count_arguments(call, 2, 3)
        options = self.options(call, record, CHECK_OPTIONS)
        port = need(call.arguments[0], int, "port")
        if not 1 <= port <= 65535:
            raise Unconverted(f"found the port {port}")
        check = self.draft.checks.add(f"tcp-{port}", {"type": "tcp", "port": port, **self.timing(options, record)})
        return self.checked(record, rtype, call, options, check)

    def ifurlup(self, record, rtype, call):
        self.count_arguments(call, 2, 3)
        options = self.options(call, record, URL_OPTIONS)
        check = self.http_check(need(call.arguments[0], str, "URL"), options, record)
        return self.checked(record, rtype, call, options, self.draft.checks.add(f"{check['type']}-{check['host']}", check))

    def http_check(self, url, options, record):
        try:
            parts = urllib.parse.urlsplit(url)
            host, port = parts.hostname, parts.port
        except ValueError:
            host, port, parts = None, None, urllib.parse.urlsplit("")
        if parts.scheme not in ("http", "https") or not host or not re.fullmatch(r"[A-Za-z0-9_.:-]+", host) or "@" in parts.netloc:
            raise Unconverted(f"found '{url[:60]}', expected http://HOST/PATH or https://")
        path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        if not re.fullmatch("/[!-~]*", path):
            raise Unconverted(f"found the path '{path[:60]}', which no URL can have")
        shown = f"[{host}]" if ":" in host else host
        check = {"type": parts.scheme, "port": port or (443 if parts.scheme == "https" else 80),
                 "host": f"{shown}:{port}" if port and port != (443 if parts.scheme == "https" else 80) else shown, "path": path,
                 "status": int(self.number(options, "httpcode", 200, record)), **self.timing(options, record)}
        if not 100 <= check["status"] <= 599:
            raise Unconverted(f"found the httpcode {check['status']}")
        if parts.scheme == "https":
            check["tls"] = {"verify": False}
        if options.get("stringmatch"):
            check["expect"] = need(options["stringmatch"], str, "text as stringmatch").replace("\\", "\\\\")
        check["headers"] = {"User-Agent": need(options.get("useragent", "PowerDNS Authoritative Server"), str, "text as useragent")}
        limit = int(self.number(options, "byteslimit", 0, record))
        if limit:
            check["max_body"] = min(limit, 262144)
        elif "expect" in check:
            check["max_body"] = 262144
            self.report.approximate(record.place, f"{record.owner}: stringmatch: is looked for in the first 256 kB")
        return check

    def checked(self, record, rtype, call, options, check):
        if rtype not in FAMILIES:
            raise Unconverted(f"{call.name} for {rtype}")
        selector, backup = (options.get(key, "random") for key in ("selector", "backupSelector"))
        if selector not in PICKS:
            raise Unconverted(f"found the selector '{selector}', expected one of {', '.join(PICKS)}")
        pick = PICKS[selector]
        self.tell_sticky(record, "hashed", pick)
        tiers = [self.tier(record, rtype, [(1, text) for text in values], pick, (check,))
                 for values in address_sets(call.arguments[1])]
        if selector == "pickclosest":
            tiers = self.nearest_of(record, tiers)
        if backup not in (selector, "empty"):
            self.report.approximate(record.place, f"{record.owner}: backupSelector '{backup}': where everything is down steerd picks among "
                                                  f"all as it does otherwise: {pick}")
        return Plan(tiers, fallback="nodata" if backup == "empty" else "all")

    def nearest_of(self, record, tiers):
        if len(tiers) > 1:
            self.report.leave_out(record.place, f"{record.owner}: pickclosest within several sets: any address of the set is answered")
            return tiers
        return self.by_distance(record, "pickclosest", tiers[0])


def convert(draft, arguments, databases):
    importer = Importer(draft, databases)
    for argument in arguments:
        importer.read(argument)
