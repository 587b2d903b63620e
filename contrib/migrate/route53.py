# SPDX-License-Identifier: BSD-3-Clause
"""What `aws route53 list-resource-record-sets`, `list-health-checks` and `list-cidr-blocks` say -> plans. Facts: Amazon
Route 53, API reference (ResourceRecordSet, HealthCheckConfig) and developer guide (routing policies, DNS failover).

A record set of a routing policy becomes an endpoint for each of its values; AWS regions become regions, what has none a region
of its name. Aliases to names of the same zone are followed, those to resources of AWS become host names."""
import dataclasses
import ipaddress
import os
import re

from . import jsonfile
from .draft import ZoneText, complete_names, read_address
from .healthchecks import HealthChecks
from .jsonfile import Object
from .merge import Different, merge_plans
from .model import ALL, NOBODY, WEIGHTED, Nearest, Plan, Target, Tier
from .places import AWS
from .report import Failure

PAGING = ("IsTruncated", "Marker", "MaxItems", "NextMarker", "NextToken", "NextRecordName", "NextRecordType", "NextRecordIdentifier")
POLICIES = {"Failover": "failover", "Weight": "weighted", "Region": "latency", "GeoLocation": "geolocation",
            "GeoProximityLocation": "geoproximity", "MultiValueAnswer": "multivalue", "CidrRoutingConfig": "IP-based"}
ALIAS_TTL_S = 60
NEAREST_MAX, ANSWERS_MAX, DEPTH_MAX = 8, 8, 8
REGION = re.compile(r"(?:^|[.-])([a-z]{2}(?:-gov)?-(?:north|south|east|west|central|northeast|northwest|southeast|southwest)-[0-9])(?=[.-])")


class Unconverted(Exception):
    """Why a name is left out."""


def plain_name(text, place):
    """\\052.example.com. -> *.example.com., other octal escapes as master files have them."""
    made = re.sub(r"\\([0-7]{3})", lambda found: "*" if found[1] == "052" else f"\\{int(found[1], 8):03d}", text)
    if not made or re.search(r"[\s\"();]", made):
        raise Failure(f"{place}: found the name {jsonfile.shorten(text)}, expected that of a record")
    return made if made.endswith(".") else made + "."


def label_of(owner):
    return owner.split(".")[0].replace("*", "any")


@dataclasses.dataclass
class Group:
    """Record sets of one name and type."""
    origin: str
    owner: str
    rtype: str
    records: list

    @property
    def place(self):
        return self.records[0].place

    def policy(self):
        """Its key in POLICIES; None: simple routing."""
        found = {key for record in self.records for key in POLICIES if record.get(key) not in (None, False)}
        if len(found) > 1:
            raise Failure(f"{self.place}: found {' and '.join(sorted(found))} at {self.owner} {self.rtype}, expected one routing policy")
        return found.pop() if found else None


class Importer:
    def __init__(self, draft, databases):
        self.draft, self.report = draft, draft.report
        draft.databases = [os.path.abspath(path) for path in databases]
        self.checks = HealthChecks(draft)
        self.groups, self.blocks, self.documents = {}, {}, []
        self.plans, self.open = {}, []

    # ---- files ----

    def read(self, path):
        document = jsonfile.read(path)
        self.documents.append(document)
        if document.get("IsTruncated"):
            raise Failure(f"{path}: found IsTruncated: the export is not complete; aws without --max-items gives all of it")
        document.pass_over(*PAGING)
        known = False
        if "HealthChecks" in document:
            self.checks.read(document.array("HealthChecks", Object))
            known = True
        if "CidrBlocks" in document:
            for block in document.array("CidrBlocks", Object):
                self.read_block(block)
            known = True
        if "ResourceRecordSets" in document:
            self.read_zone(document.array("ResourceRecordSets", Object), path)
            known = True
        if not known:
            raise Failure(f"{path}:1: found no ResourceRecordSets, HealthChecks or CidrBlocks, expected what aws route53 says of them")

    def read_block(self, block):
        text = block.need("CidrBlock", block.text("CidrBlock"))
        try:
            network = ipaddress.ip_network(text, strict=False)
        except ValueError:
            raise Failure(f"{block.place}: found {jsonfile.shorten(text)} as CidrBlock, expected a prefix") from None
        self.blocks.setdefault(block.need("LocationName", block.text("LocationName")), []).append(str(network))

    def read_zone(self, records, path):
        origin = next((plain_name(record.text("Name", ""), record.place) for record in records if record.get("Type") == "SOA"), None)
        if origin is None:
            raise Failure(f"{path}: found no SOA record, expected all record sets of a hosted zone")
        if origin in self.draft.zones:
            raise Failure(f"{path}: found the zone {origin} again")
        self.draft.zones[origin] = ZoneText(origin)
        for record in records:
            owner = plain_name(record.need("Name", record.text("Name")), record.place).lower()
            rtype = record.need("Type", record.text("Type"))
            if not re.fullmatch("[A-Z][A-Z0-9]{0,15}", rtype):
                raise Failure(f"{record.place}: found {jsonfile.shorten(rtype)} as Type, expected that of a record")
            if owner != origin.lower() and origin != "." and not owner.endswith("." + origin.lower()):
                raise Failure(f"{record.place}: found the name {owner}, expected one in {origin}")
            self.groups.setdefault((owner, rtype), Group(origin, owner, rtype, [])).records.append(record)

    # ---- all of it ----

    def convert(self):
        for group in self.groups.values():
            policy = group.policy()
            if policy is None and len(group.records) > 1:
                raise Failure(f"{group.records[1].place}: found {group.owner} {group.rtype} again, with no routing policy")
            if policy is None and "AliasTarget" not in group.records[0]:
                self.write_simple(group)
        owners = {}
        for group in self.groups.values():
            if group.policy() is not None or "AliasTarget" in group.records[0]:
                owners.setdefault(group.owner, []).append(group)
        for groups in owners.values():
            self.convert_name(groups)
        self.tell_zones()
        self.checks.report_unused()
        for document in self.documents:
            jsonfile.name_rest(document, self.report)

    def tell_zones(self):
        for origin, zone in self.draft.zones.items():
            if any("awsdns" in line for line in zone.lines):
                self.report.approximate(origin, "its SOA and NS records name servers of AWS: write yours")
        if self.checks.asked:
            self.report.approximate("health checks", "in AWS several places look, each once per RequestInterval, and 18 % of them are "
                                                     "enough for healthy; steerd looks itself, and from vantages by \"quorum\"")

    def ttl(self, record):
        return record.integer("TTL", ALIAS_TTL_S)

    def values(self, record):
        items = record.array("ResourceRecords", Object)
        values = [item.need("Value", item.text("Value")) for item in items]
        if not values:
            raise Failure(f"{record.place}: found no ResourceRecords and no AliasTarget")
        return [re.sub(r"\\([0-7]{3})", lambda found: f"\\{int(found[1], 8):03d}", value) for value in values]

    def read_value(self, rtype, value, place):
        if rtype in ("A", "AAAA"):
            address = read_address(rtype, value)
            if address is None:
                raise Failure(f"{place}: found {jsonfile.shorten(value)} as Value, expected an address for {rtype}")
            return address
        if not value.strip() or re.search(r"[\r\n\0]", value):
            raise Failure(f"{place}: found {jsonfile.shorten(value)} as Value, expected that of a record of type {rtype}")
        return complete_names(rtype, value)

    def write_simple(self, group):
        record = group.records[0]
        record.pass_over("SetIdentifier")
        for value in self.values(record):
            value = self.read_value(group.rtype, value, record.place)
            self.draft.zones[group.origin].add(group.owner, self.ttl(record), group.rtype, value)
        if record.text("HealthCheckId"):
            self.report.leave_out(record.place, f"{group.owner} {group.rtype}: HealthCheckId: there is nothing else to answer")

    def convert_name(self, groups):
        """All types of a name that are steered become one steered name."""
        made = []
        for group in sorted(groups, key=lambda group: group.rtype):
            try:
                plan = self.plan_of(group)
                if isinstance(plan, list):
                    self.copy_records(group, plan)
                else:
                    made.append((group, plan))
            except Unconverted as error:
                self.leave_out(group, str(error))
        if made:
            self.add_name(made)

    def leave_out(self, group, why):
        self.report.leave_out(group.place, f"{group.owner} {group.rtype}: {why}")
        for record in group.records:
            record.pass_all()

    def copy_records(self, group, others):
        record = group.records[0]
        for other in others:
            for value in self.values(other):
                self.draft.zones[group.origin].add(group.owner, self.ttl(other), group.rtype, self.read_value(group.rtype, value, other.place))
        evaluates = "with" if record["AliasTarget"].boolean("EvaluateTargetHealth") else "without"
        self.report.approximate(record.place, f"{group.owner} {group.rtype}: AliasTarget {evaluates} EvaluateTargetHealth: the records are copied; "
                                              "they do not follow those of the other name")

    def add_name(self, made):
        group, plan = made[0]
        plan = dataclasses.replace(plan)
        for other, more in made[1:]:
            if {group.rtype, other.rtype} != {"A", "AAAA"}:
                self.leave_out(other, f"steered beside {group.rtype}: all types of a steered name go to the same places")
                continue
            try:
                plan = merge_plans(plan, more)
            except Different as error:
                self.leave_out(other, f"{error} than {group.rtype}; all types of a steered name go to the same places")
        if plan.has_hosts() and group.rtype == "CNAME" and group.owner == group.origin.lower():
            self.leave_out(group, "a CNAME at the apex of the zone")
            return
        plan = self.untie(group, plan)
        ttls = [self.ttl(record) for other, _ in made for record in other.records]
        if len(set(ttls)) > 1:
            shown = ", ".join(map(str, dict.fromkeys(ttls)))
            self.report.approximate(group.place, f"{group.owner}: TTLs of {shown} s; steerd has one for a name: {min(ttls)}")
        self.draft.add_name(group.origin, group.owner, plan, group.place, min(ttls))

    def untie(self, group, plan):
        """Several addresses of one record set beside a host name, whose addresses are its own: an endpoint for each."""
        if not plan.has_hosts() or not any(target.records for target in plan.targets()):
            return plan
        self.report.approximate(group.place, f"{group.owner}: addresses of one record set that stand beside a host name: one of them in an "
                                             "answer")

        def split(tier):
            targets = []
            for target in tier.targets:
                values = [value for _, rdata in target.records for value in rdata] or [None]
                scale = len(values) if target.weight else 1
                targets += [dataclasses.replace(target, label=target.label if value is None else f"{target.label}-{value}", records=(),
                                                addresses=target.addresses if value is None else (value,),
                                                weight=max(target.weight // scale, 1) if target.weight else 0) for value in values]
            return dataclasses.replace(tier, targets=tuple(targets))
        return dataclasses.replace(plan, tiers=[split(tier) for tier in plan.tiers],
                                   rules=[(when, [split(tier) for tier in tiers]) for when, tiers in plan.rules])

    # ---- plans ----

    def plan_of(self, group):
        """A Plan; or record sets that are to be copied, of an alias to a name that is not steered."""
        key = group.owner, group.rtype
        if key in self.open or len(self.open) > DEPTH_MAX:
            raise Unconverted(f"an alias that leads back to itself, or through more than {DEPTH_MAX} names")
        if key not in self.plans:
            self.open.append(key)
            try:
                self.plans[key] = self.make_plan(group)
            finally:
                self.open.pop()
        return self.plans[key]

    def make_plan(self, group):
        policy = group.policy()
        maker = {None: self.simple, "Failover": self.failover, "Weight": self.weighted, "Region": self.latency,
                 "GeoLocation": self.geolocation, "GeoProximityLocation": self.geoproximity, "MultiValueAnswer": self.multivalue,
                 "CidrRoutingConfig": self.by_address}[policy]
        for record in group.records:
            record.pass_over("SetIdentifier")
            if record.get("TrafficPolicyInstanceId"):
                record.pass_over("TrafficPolicyInstanceId")
                self.report.approximate(record.place, f"{group.owner}: TrafficPolicyInstanceId: the records of the policy are converted, "
                                                      "not the policy")
        return maker(group)

    def place_of(self, group, record, region=None):
        """Region and az of a record set."""
        alias = record.get("AliasTarget")
        found = REGION.search(alias.get("DNSName", "")) if isinstance(alias, Object) and isinstance(alias.get("DNSName"), str) else None
        wanted = region or (found[1] if found else None)
        if wanted in AWS:
            self.draft.locations[wanted] = list(AWS[wanted])
            return (("region", wanted),)
        identifier = record.text("SetIdentifier")
        if wanted:
            return (("region", wanted),)
        return (("region", label_of(group.owner)), ("az", identifier)) if identifier else (("region", label_of(group.owner)),)

    def tiers_of(self, group, record, region=None, single=False):
        """What one record set answers, as tiers; single: as one target."""
        path = self.place_of(group, record, region)
        identifier = record.text("SetIdentifier") or label_of(group.owner)
        if record.object("AliasTarget") is not None:
            return self.follow(group, record, path, identifier)
        values = [self.read_value(group.rtype, value, record.place) for value in self.values(record)]
        checks, enough = self.checks_of(record, values)
        made = {"services": checks, "healthy_if": enough, "path": path}
        if group.rtype == "CNAME":
            targets = (Target(identifier, (), host=values[0].rstrip("."), **made),)
        elif group.rtype not in ("A", "AAAA"):
            targets = (Target(identifier, NOBODY, records=((group.rtype, tuple(values)),), **made),)
        elif single:
            more = ((group.rtype, tuple(values)),) if len(values) > 1 else ()
            targets = (Target(identifier, (values[0],), records=more, **made),)
        else:
            targets = tuple(Target(identifier if len(values) == 1 else f"{identifier}-{value}", (value,), **made)
                            for value in dict.fromkeys(values))
        return [Tier(targets, record.place, group.owner.rstrip("."), ALL if len(targets) > 1 else None, path=path)]

    def checks_of(self, record, values):
        name = record.text("HealthCheckId")
        return self.checks.use(name, record, values) if name else ((), 0)

    def follow(self, group, record, path, identifier):
        """An alias: of a resource of AWS a host name, of a name of these zones what that has."""
        alias = record.object("AliasTarget")
        target = plain_name(alias.need("DNSName", alias.text("DNSName")), alias.place).lower()
        evaluates = alias.boolean("EvaluateTargetHealth")
        alias.pass_over("HostedZoneId")
        own_checks, enough = self.checks_of(record, [target.rstrip(".")])
        other = self.groups.get((target, group.rtype))
        if other is None:
            if target in {owner for owner, _ in self.groups}:
                raise Unconverted(f"an alias of {target}, which has no {group.rtype} records")
            return [self.resource(group, record, path, (identifier, target, own_checks, enough, evaluates))]
        plan = self.plan_of(other)
        if isinstance(plan, list):
            tiers = self.tiers_of(other, plan[0])
        elif plan.rules or isinstance(plan.tiers, Nearest) or not plan.tiers:
            raise Unconverted(f"an alias of {target}, which is routed by where clients are; steerd has one such rule set per name")
        else:
            tiers = plan.tiers
        watched = own_checks or any(inner.services for tier in tiers for inner in tier.targets)
        if watched and (own_checks or not evaluates):
            self.report.approximate(record.place, f"{group.owner} {group.rtype}: EvaluateTargetHealth: steerd always follows the health of "
                                                  f"what {target} has, and no other")
        return tiers

    def resource(self, group, record, path, what):
        identifier, target, checks, enough, evaluates = what
        host = target.rstrip(".")
        text = f"{group.owner} {group.rtype}: AliasTarget {host}: steerd looks it up by \"resolver\" of steerd.json"
        if evaluates and not checks:
            text += "; EvaluateTargetHealth: it cannot ask AWS how that is: give it a check"
        self.report.approximate(record.place, text)
        return Tier((Target(identifier, (), checks, 1, host, path=path, healthy_if=enough),), record.place, group.owner.rstrip("."),
                    path=path)

    def host_answer(self, group):
        return "cname" if group.rtype == "CNAME" else "addresses"

    def plan(self, group, tiers, rules=(), **more):
        return Plan(list(tiers), list(rules), host_answer=self.host_answer(group), **{"fallback": "first", **more})

    # ---- routing policies ----

    def simple(self, group):
        record = group.records[0]
        if record.object("AliasTarget") is None:
            return [record]
        alias = record.object("AliasTarget")
        other = self.groups.get((plain_name(alias.need("DNSName", alias.text("DNSName")), alias.place).lower(), group.rtype))
        if other is not None:
            alias.boolean("EvaluateTargetHealth")
            alias.pass_over("HostedZoneId")
            return self.plan_of(other)
        return self.plan(group, self.follow(group, record, self.place_of(group, record), label_of(group.owner)))

    def failover(self, group):
        order = {"PRIMARY": 0, "SECONDARY": 1}
        found = {}
        for record in group.records:
            role = record.text("Failover")
            if role not in order or role in found:
                raise Failure(f"{record.place}: found {jsonfile.shorten(role)} as Failover{' again' if role in found else ''}, expected "
                              "PRIMARY or SECONDARY")
            found[role] = record
        tiers = []
        for role in sorted(found, key=order.get):
            tiers += self.tiers_of(group, found[role])
        return self.plan(group, tiers)

    def weighted(self, group):
        parts = []
        for record in group.records:
            weight = record.need("Weight", record.integer("Weight", None, 0, 255))
            tiers = self.tiers_of(group, record, single=True)
            if len(tiers) > 1:
                raise Unconverted("an alias of a name with a failover of its own, with a weight")
            parts.append((weight, tiers[0]))
        sums = [sum(target.weight for target in tier.targets) or 1 for _, tier in parts]
        scale = min(max(sums), 200) if max(sums) > 1 else 1
        targets = []
        for (weight, tier), total in zip(parts, sums):
            count = len(tier.targets)
            targets += [dataclasses.replace(target, weight=weight if count == 1 else max(round(weight * scale * target.weight / total), 1)
                                            if weight and target.weight else 0)
                        for target in tier.targets]
        if any(len(tier.targets) > 1 for _, tier in parts):
            self.report.approximate(group.place, f"{group.owner} {group.rtype}: what an alias leads to shares its weight, one address in an "
                                                 "answer; while some of it is down its share is smaller")
        return self.plan(group, [Tier(tuple(targets), group.place, group.owner.rstrip("."), WEIGHTED)], fallback="all")

    def multivalue(self, group):
        targets = tuple(target for record in group.records if record.boolean("MultiValueAnswer")
                        for tier in self.tiers_of(group, record) for target in tier.targets)
        answers = min(len(targets), ANSWERS_MAX)
        if group.rtype not in ("A", "AAAA"):
            self.report.approximate(group.place, f"{group.owner} {group.rtype}: multivalue: one record in an answer")
            answers = 1
        return self.plan(group, [Tier(targets, group.place, group.owner.rstrip("."), WEIGHTED, answers)], fallback="all")

    def latency(self, group):
        places = []
        for record in group.records:
            region = record.text("Region")
            if region not in AWS:
                raise Unconverted(f"Region {region}: nothing says where it is")
            places.append((record, region))
        self.report.approximate(group.place, f"{group.owner} {group.rtype}: Region: AWS sends clients where latency was measured to be least, "
                                             "steerd to the nearest region")
        return self.by_distance(group, places)

    def geoproximity(self, group):
        places = []
        for number, record in enumerate(group.records, 1):
            where = record.need("GeoProximityLocation", record.object("GeoProximityLocation"))
            region, coordinates = where.text("AWSRegion"), where.object("Coordinates")
            if where.integer("Bias", 0, -99, 99):
                self.report.leave_out(record.place, f"{group.owner} {group.rtype}: Bias {where.get('Bias')}: steerd's distances are those of "
                                                    "the map")
            if coordinates is not None:
                wanted = record.text("SetIdentifier") or f"{label_of(group.owner)}-{number}"
                location = [coordinates.need("Latitude", coordinates.number("Latitude", None, -90, 90)),
                            coordinates.need("Longitude", coordinates.number("Longitude", None, -180, 180))]
                self.draft.locations[wanted] = location
                region = wanted
            elif region is None or region not in AWS:
                group_name = where.text("LocalZoneGroup")
                raise Unconverted(f"{'AWSRegion ' + region if region else f'LocalZoneGroup {group_name}'}: nothing says where it is")
            places.append((record, region))
        return self.by_distance(group, places)

    def by_distance(self, group, places):
        tiers = []
        for record, region in places:
            made = self.tiers_of(group, record, region)
            if len(made) > 1:
                raise Unconverted(f"an alias of a name with a failover of its own, in {region}")
            targets = tuple(dataclasses.replace(target, path=(("region", region),)) for target in made[0].targets)
            tiers.append(dataclasses.replace(made[0], targets=targets, path=(("region", region),)))
        return self.plan(group, []) if not tiers else dataclasses.replace(
            self.plan(group, []), tiers=Nearest(tiers, min(len(tiers), NEAREST_MAX), others=len(tiers) > NEAREST_MAX))

    def geolocation(self, group):
        found = {}
        for record in group.records:
            where = record.need("GeoLocation", record.object("GeoLocation"))
            key = where.text("ContinentCode"), where.text("CountryCode"), where.text("SubdivisionCode")
            shown = "-".join(part for part in key if part)
            if shown == "" or (key[0] and key[1]) or (key[2] and not key[1]) or not self.is_place(key):
                raise Failure(f"{where.place}: found the GeoLocation {jsonfile.shorten(dict(where))}, expected a continent, a country or a "
                              "subdivision of one")
            if key in found:
                raise Failure(f"{where.place}: found the GeoLocation {shown} again")
            found[key] = self.tiers_of(group, record, "default" if key[1] == "*" else shown)
        default = found.pop((None, "*", None), [])
        rules = []
        for key, tiers in sorted(found.items(), key=lambda item: [part or "" for part in item[0]]):
            wider = found.get((None, key[1], None), []) if key[2] else []
            when = {"continent": key[0]} if key[0] else {"subdivision": f"{key[1]}-{key[2]}"} if key[2] else {"country": key[1]}
            rules.append((when, self.distinct(tiers + wider + default)))
        if any(key[1] for key in found) and any(key[0] for key in found):
            self.report.approximate(group.place, f"{group.owner} {group.rtype}: where what is for a country is down AWS tries its continent "
                                                 "next, steerd the rest of the world")
        if not default:
            self.report.pass_over(group.place, f"{group.owner} {group.rtype}: GeoLocation without a default: no answer for others, as in AWS")
        return self.plan(group, default, rules)

    @staticmethod
    def is_place(key):
        return (re.fullmatch("AF|AN|AS|EU|NA|OC|SA", key[0]) if key[0] else
                re.fullmatch(r"[A-Z]{2}|\*", key[1]) and (not key[2] or re.fullmatch("[A-Z0-9]{1,3}", key[2]) and key[1] != "*"))

    @staticmethod
    def distinct(tiers):
        return list(dict.fromkeys(tiers))

    def by_address(self, group):
        rules, default = [], []
        for record in group.records:
            config = record.need("CidrRoutingConfig", record.object("CidrRoutingConfig"))
            location = config.need("LocationName", config.text("LocationName"))
            config.pass_over("CollectionId")
            tiers = self.tiers_of(group, record, "default" if location == "*" else location)
            if location == "*":
                default = tiers
            elif location not in self.blocks:
                raise Unconverted(f"CidrRoutingConfig: {location}: its blocks are not in these files (aws route53 list-cidr-blocks)")
            else:
                rules.append(({"cidr": self.blocks[location]}, tiers))
        rules = [(when, self.distinct(tiers + default)) for when, tiers in rules]
        return self.plan(group, default, rules)


def convert(draft, arguments, databases):
    importer = Importer(draft, databases)
    for path in arguments:
        importer.read(path)
    if not draft.zones:
        raise Failure(f"{arguments[0]}: found no ResourceRecordSets in any file (aws route53 list-resource-record-sets)")
    importer.convert()
