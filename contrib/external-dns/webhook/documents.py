# SPDX-License-Identifier: BSD-3-Clause
"""Topology and policies of steerd: as they were read, as they are to be, and the edits between the two."""
import copy
import json
import re
import urllib.parse

from .api import Refused

MARK = "external-dns"  # member of "$comment"


BESIDE = re.compile("([a-z]+)-_apex")


def is_beside(relative):
    """Does this name of a zone hold what belongs beside the zone: a-_apex in example.com, the text for a-example.com?"""
    return relative is not None and BESIDE.fullmatch(relative) is not None


def write_name(relative, zone):
    """What a name of a zone is called outside."""
    if is_beside(relative):
        return f"{BESIDE.fullmatch(relative)[1]}-{zone}"
    return zone if relative == "@" else f"{relative}.{zone}".rstrip(".")


def relate(name, zone):
    """www.example.com in example.com → www; None: it is outside. Neither has a final dot, but for the root."""
    zone = zone.rstrip(".")
    if name == zone:
        return "@"
    if not zone:
        return name
    return name[:-len(zone) - 1] if name.endswith("." + zone) else None


def mark_of(thing):
    comment = thing.get("$comment") if isinstance(thing, dict) else None
    return comment.get(MARK) if isinstance(comment, dict) else None


def differ(old, new):
    """The patch (RFC 7396) that makes `new` of `old`."""
    patch = {key: None for key in old if key not in new}
    for key, value in new.items():
        if isinstance(value, dict) and isinstance(old.get(key), dict):
            if value != old[key]:
                patch[key] = differ(old[key], value)
        elif key not in old or value != old[key]:
            patch[key] = value
    return patch


class Documents:
    """`regions`, `checks`, `groups` and `endpoints` are those of all topologies, by name; names and static records are
    found and set by zone. Values are never changed in place: they are replaced."""

    def __init__(self, steerd, zones):
        _, config = steerd.ask("GET", "/v1/config")
        if config["owner"] != "api":
            raise Refused(503, 'the documents of steerd belong to their files: it needs "documents": {"owner": "api"} in steerd.json')
        self.tags, self.before, self.after, self.zones, self.topologies, self.keys = {}, {}, {}, {}, [], {}
        for document in config["documents"]:
            zone = None if document["zone"] is None else document["zone"].rstrip(".") or "."
            if zone is None or not zones or zone in zones:
                self.read(steerd, document["name"], zone)
        missing = sorted(set(zones) - set(self.zones))
        if missing:
            raise Refused(503, f"steerd has no policy document for the zone {', '.join(missing)}")
        if not self.topologies:
            raise Refused(503, 'steerd has no topology ("topology" in steerd.json)')
        self.regions, self.checks, self.groups = self.collect("regions"), self.collect("checks"), self.collect("groups")
        self.region_of = {az: region for region, value in self.regions.items() for az in value.get("azs", {})}
        self.endpoints = self.collect("endpoints")

    def read(self, steerd, name, zone):
        headers, value = steerd.ask("GET", f"/v1/config/documents/{urllib.parse.quote(name, safe='')}")
        self.tags[name] = headers["ETag"].strip('"')
        self.before[name], self.after[name] = value, copy.deepcopy(value)
        if zone is None:
            self.topologies.append(name)
        else:
            self.zones[zone] = name

    def collect(self, section):
        return {name: value for document in self.topologies for name, value in self.after[document].get(section, {}).items()
                if name != "$comment"}

    def set_endpoint(self, name, value):
        """None: it goes. A new one comes to the first topology."""
        holds = [document for document in self.topologies if name in self.after[document].get("endpoints", {})]
        endpoints = self.after[(holds or self.topologies)[0]].setdefault("endpoints", {})
        for where in (endpoints, self.endpoints):
            where.pop(name, None)
            if value is not None:
                where[name] = value

    def find_zone(self, name):
        """The zone of a DNS name and how it is called there; (None, None): none."""
        labels = name.split(".")
        for at in range(len(labels) + 1):
            zone = ".".join(labels[at:]) or "."
            if zone in self.zones:
                return zone, relate(name, zone)
        prefix, dash, zone = name.partition("-")  # by which the registry says whose the apex is: a-example.com
        return (zone, f"{prefix}-_apex") if dash and prefix.isalpha() and zone in self.zones else (None, None)

    def list_keys(self, zone, section):
        """What each name is called there: {"www": "WWW.example.com."}."""
        if (zone, section) not in self.keys:
            keys = self.keys[zone, section] = {}
            for key in self.after[self.zones[zone]].get(section, {}):
                plain = key.lower()
                if key != "$comment":
                    keys[relate(plain[:-1], zone) if plain.endswith(".") else plain] = key
        return self.keys[zone, section]

    def find_in(self, zone, section, relative):
        """What the policy says of a name; None: nothing."""
        key = self.list_keys(zone, section).get(relative)
        return None if key is None else self.after[self.zones[zone]][section][key]

    def set_in(self, zone, section, relative, value):
        keys = self.list_keys(zone, section)
        things = self.after[self.zones[zone]].setdefault(section, {})
        if value is not None:
            things[keys.setdefault(relative, relative)] = value
        elif relative in keys:
            del things[keys.pop(relative)]

    def write_edits(self):
        """A merge for each document that is another one now, on condition that it is still what was read."""
        return [{"op": "merge", "kind": "document", "name": name, "if_tag": self.tags[name], "value": differ(self.before[name], value)}
                for name, value in self.after.items() if json.dumps(value) != json.dumps(self.before[name])]
