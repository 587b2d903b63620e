# SPDX-License-Identifier: BSD-3-Clause
"""Records A, AAAA and CNAME: each target is an endpoint in an az, each name a steered one with the endpoints of all clusters.

An endpoint says of itself in "$comment" whose it is, for which name, and what was asked for; a name, that it was "made"
here, or that it takes "endpoints" of clusters while all else in it is somebody's own."""
import fnmatch
import hashlib
import json
import re

from .api import Refused
from .documents import MARK, mark_of
from .records import Record, split_texts, split_tiers

NAME_MAX, GROUPS_DEPTH = 63, 8


# ---- endpoints ----

def name_endpoint(record, target, options, taken):
    """Readable and always the same: what it is for, whose, which one. With a hash where that is too long, or taken."""
    plain = "_".join(filter(None, (record.name, options.id, record.set, target)))
    text = re.sub(r"[^A-Za-z0-9._-]", "-", plain.replace("*", "any")).lstrip("-")
    if len(text) > NAME_MAX or text in taken:
        digest = hashlib.sha256(json.dumps([record.name, options.id, record.set, target]).encode()).hexdigest()[:8]
        text = f"{text[:NAME_MAX - 9]}-{digest}"
    return text


def read_mark(endpoint):
    """What a cluster asked for with the endpoint; None: it is nobody's."""
    mark = mark_of(endpoint)
    if not isinstance(mark, dict) or not all(isinstance(mark.get(key), str) for key in ("id", "name")):
        return None
    return {"set": "", "ttl": 0, "properties": {}, **mark}


def make_endpoint(record, target, options, before):
    """Weight and checks that an operator has changed stay until the cluster says something else."""
    value = dict(before or {})
    asked_before = (read_mark(value) or {"properties": {}})["properties"]
    mark = {"id": options.id, "name": record.name, "set": record.set, "ttl": record.ttl, "properties": record.properties}
    value["$comment"] = {MARK: {key: one for key, one in mark.items() if one != ""}}
    value["az"] = record.properties["az"]
    value["host" if record.type == "CNAME" else "addresses"] = target if record.type == "CNAME" else [target]
    for name in ("weight", "checks"):
        asked = record.properties.get(name)
        if before is not None and asked == asked_before.get(name):
            continue
        value.pop(name, None)
        if asked is not None and asked != "none":
            value[name] = int(asked) if name == "weight" else split_texts(asked)
    return value


def type_of(endpoint):
    if "host" in endpoint:
        return "CNAME", endpoint["host"]
    addresses = endpoint.get("addresses", [])
    address = addresses if isinstance(addresses, str) else addresses[0]
    return "AAAA" if ":" in address else "A", address


def list_steered(documents, options):
    """Our records, and the endpoint of each target: {key: (record, {target: endpoint})}."""
    found = {}
    for name, endpoint in documents.endpoints.items():
        mark = read_mark(endpoint)
        if mark is None or mark["id"] != options.id:
            continue
        rtype, target = type_of(endpoint)
        new = Record(mark["name"], rtype, mark["set"], [], mark["ttl"], mark["properties"])
        record, endpoints = found.setdefault((new.name, rtype, new.set), (new, {}))
        record.targets.append(target)
        endpoints[target] = name
    return found


def list_served(documents, options):
    """Our records as far as their names have their endpoints: what somebody took out is to be published again."""
    for record, endpoints in list_steered(documents, options).values():
        zone, relative = documents.find_zone(record.name)
        policy = documents.find_in(zone, "names", relative) if zone is not None else None
        listed = (policy or {}).get("endpoints", [])
        targets = [target for target in record.targets if endpoints[target] in listed]
        if len(targets) < len(record.targets):  # or by a group or a pattern
            targets = [target for target in record.targets if endpoints[target] in expand(documents, listed)]
        if targets:
            yield record._replace(targets=targets)


# ---- names ----

def expand(documents, texts, depth=0):
    """The endpoints that names, groups and patterns stand for."""
    found = set()
    for text in [texts] if isinstance(texts, str) else texts:
        if text in documents.endpoints:
            found.add(text)
        elif text in documents.groups and depth < GROUPS_DEPTH:
            found |= expand(documents, documents.groups[text], depth + 1)
        elif "*" in text:
            found.update(fnmatch.filter(documents.endpoints, text))
    return found


def choose_tiers(wishes, members, documents):
    """The tiers of the wish that says most; what holds no member is left out, for steerd takes no tier that is empty."""
    wish = max(sorted(wishes), key=lambda text: len(split_tiers(text)), default="")
    inside = expand(documents, members)
    azs = {documents.endpoints[name].get("az") for name in inside}
    places = inside | azs | {documents.region_of.get(az) for az in azs}
    places |= {group for group, texts in documents.groups.items() if inside & expand(documents, texts)}
    tiers = [[place for place in tier if place in places] for tier in split_tiers(wish)]
    return [tier for tier in tiers if tier]


def settle_made(value, marks, asked_before, documents, options):
    """What clusters say of a name that is theirs."""
    value["ttl"] = min((mark["ttl"] or options.ttl for mark in marks), default=options.ttl)
    wishes = {mark["properties"].get("tiers") for mark in marks} - {None}
    if wishes or asked_before:
        value.pop("tiers", None)
        tiers = choose_tiers(wishes, value["endpoints"], documents)
        value.update({"tiers": tiers} if tiers else {})


def settle_name(documents, name, ours, before, options):
    """The name has the endpoints `ours` of all clusters and, behind nobody, those that somebody else gave it."""
    zone, relative = documents.find_zone(name)
    policy = documents.find_in(zone, "names", relative)
    listed = (policy or {}).get("endpoints", [])
    listed = [listed] if isinstance(listed, str) else listed
    others = [text for text in listed if text not in ours and read_mark(before.get(text)) is None]
    made = policy is None or mark_of(policy) == "made"
    if not others and not ours:
        if not made:
            raise Refused(500, f"{name} would be left without endpoints, and its policy is not of external-dns: give it one of its own", True)
        documents.set_in(zone, "names", relative, None)
        return
    value = {"$comment": {MARK: "made"}, **options.policy} if policy is None else dict(policy)
    value["endpoints"] = others + sorted(ours)
    if made:
        asked_before = any(mark["properties"].get("tiers") for mark in map(read_mark, map(before.get, listed)) if mark is not None)
        settle_made(value, [read_mark(documents.endpoints[one]) for one in sorted(ours)], asked_before, documents, options)
    documents.set_in(zone, "names", relative, value)


def apply_steered(documents, gone, wanted, options):
    before, have, of_name = dict(documents.endpoints), list_steered(documents, options), {}
    for key in sorted(gone | set(wanted)):
        record, old = wanted.get(key), have.get(key, (None, {}))[1]
        targets = record.targets if record is not None else []
        for target in set(old) - set(targets):
            documents.set_endpoint(old[target], None)
        for target in targets:
            name = old.get(target) or name_endpoint(record, target, options, documents.endpoints)
            documents.set_endpoint(name, make_endpoint(record, target, options, before.get(name)))
    for endpoint, value in documents.endpoints.items():
        mark = read_mark(value)
        if mark is not None:
            of_name.setdefault(mark["name"], set()).add(endpoint)
    for name in sorted({key[0] for key in gone | set(wanted) if key in have or key in wanted}):
        settle_name(documents, name, of_name.get(name, set()), before, options)
