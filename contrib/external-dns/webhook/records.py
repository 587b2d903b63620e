# SPDX-License-Identifier: BSD-3-Clause
"""Records as external-dns tells them: read strictly, kept in one form, told in the same form again."""
import collections
import ipaddress
import json
import re

from .documents import is_beside, mark_of

STEERED = ("A", "AAAA", "CNAME")
TYPES = STEERED + ("TXT", "MX", "SRV", "NS", "PTR", "NAPTR", "CAA", "HTTPS", "SVCB")
PROPERTIES = ("az", "weight", "checks", "tiers")
PREFIX = "webhook/steerd-"  # what external-dns makes of external-dns.alpha.kubernetes.io/webhook-steerd-
LABEL = re.compile(r"(?!-)[a-z0-9_*-]{1,63}(?<!-)")  # "*" alone is a wildcard; a-*, of the registry, is a label as any other

Record = collections.namedtuple("Record", "name type set targets ttl properties")


def key_of(record):
    return record.name, record.type, record.set


def parse_name(value):
    name = str(value or "").lower().rstrip(".")
    labels = name.split(".")
    if len(name) > 253 or not all(LABEL.fullmatch(label) for label in labels) or "*" in labels[1:]:
        raise ValueError(f"the name {json.dumps(value)} is no domain name")
    return name


def parse_target(rtype, target):
    if not isinstance(target, str) or not target.strip() or re.search(r"[\x00-\x1f\x7f]", target):
        raise ValueError(f"the target {json.dumps(target)} is no text of one line")
    if rtype in ("A", "AAAA"):
        address = ipaddress.ip_address(target.strip())
        if address.version != (4 if rtype == "A" else 6):
            raise ValueError(f"{address} is no address for {rtype}")
        return str(address)
    if rtype == "CNAME":
        return parse_name(target.strip())
    return target.strip()


def split_texts(text):
    return [part.strip() for part in text.split(",") if part.strip()]


def split_tiers(text):
    """us-east,eu-west+eu-north → [[us-east], [eu-west, eu-north]]"""
    return [[place.strip() for place in tier.split("+") if place.strip()] for tier in split_texts(text)]


def parse_properties(raw, options, rtype):
    given = {item.get("name"): item.get("value") for item in raw or []}
    found = {name: str(given[PREFIX + name] or "").strip() for name in PROPERTIES if PREFIX + name in given}
    if rtype in STEERED:
        found = {"az": options.az, "checks": options.checks, "tiers": options.tiers, **{key: value for key, value in found.items() if value}}
    found = {name: value for name, value in found.items() if value}
    weight = found.get("weight", "1")
    if not re.fullmatch("[0-9]{1,5}", weight) or int(weight) > 65535:
        raise ValueError(f"{PREFIX}weight is {json.dumps(weight)}, expected 0 to 65535")
    return found


def parse_record(raw, options):
    """What is not said is filled in, what is not for steerd left out. ValueError: it cannot be."""
    name, rtype, targets, ttl = parse_name(raw.get("dnsName")), raw.get("recordType"), raw.get("targets"), raw.get("recordTTL") or 0
    if rtype not in TYPES:
        raise ValueError(f"the type {json.dumps(rtype)} is none of {', '.join(TYPES)}")
    if not isinstance(targets, list) or not targets:
        raise ValueError("there are no targets")
    if not isinstance(ttl, int) or isinstance(ttl, bool) or not 0 <= ttl < 1 << 31:
        raise ValueError(f"the TTL is {json.dumps(ttl)}, expected seconds")
    unique = sorted({parse_target(rtype, target) for target in targets})
    return Record(name, rtype, str(raw.get("setIdentifier") or ""), unique, ttl or options.ttl,
                  parse_properties(raw.get("providerSpecific"), options, rtype))


def write_record(record):
    raw = {"dnsName": record.name, "recordType": record.type, "targets": sorted(record.targets), "recordTTL": record.ttl}
    if record.set:
        raw["setIdentifier"] = record.set
    if record.properties:
        raw["providerSpecific"] = [{"name": PREFIX + name, "value": value} for name, value in sorted(record.properties.items())]
    return raw


def check_record(record, documents):
    """Does it fit what steerd has? ValueError: it does not."""
    zone, relative = documents.find_zone(record.name)
    if zone is None or (is_beside(relative) and record.type != "TXT"):
        raise ValueError("it is in no zone that has a policy")
    if record.type not in STEERED:
        return
    if record.properties["az"] not in documents.region_of:
        raise ValueError(f"there is no az {record.properties['az']}")
    strangers = set(split_texts(record.properties.get("checks", ""))) - {"none"} - set(documents.checks)
    if strangers:
        raise ValueError(f"there is no check {', '.join(sorted(strangers))}")
    known = [documents.region_of, documents.regions, documents.groups, documents.endpoints]
    strangers = [place for tier in split_tiers(record.properties.get("tiers", "")) for place in tier if not any(place in one for one in known)]
    if strangers:
        raise ValueError(f"of its tiers, there is no region, az, group or endpoint {', '.join(strangers)}")
    policy = documents.find_in(zone, "names", relative)
    if policy is not None and mark_of(policy) not in ("made", "endpoints"):
        raise ValueError('the name is there, and not by external-dns; "$comment": {"external-dns": "endpoints"} in its policy '
                         "lets it have the endpoints of clusters")
