# SPDX-License-Identifier: BSD-3-Clause
"""geoip maps -> geo rules over data centres. In both servers the narrowest place wins: the longest network, else the city,
subdivision, country, continent. The rules stand in this order too, for those who read them."""
import dataclasses
import ipaddress
import os
import re

from . import vscf

CONTINENTS = ("AF", "AN", "AS", "EU", "NA", "OC", "SA")
SUBDIVISION = re.compile("[A-Z0-9]{1,3}")
MAP_KEYS = ("geoip2_db", "datacenters", "map", "nets", "auto_dc_coords", "auto_dc_limit", "ignore_ecs")
NEAREST_MAX = 8
PLACES = {"city": 600, "subdivision": 700, "country": 800, "continent": 900}  # behind all networks
V4_COMPATIBLE = ipaddress.ip_network("::/96")


class Auto(tuple):
    """The data centres that have coordinates, to be ordered by distance."""


@dataclasses.dataclass
class Map:
    name: str
    default: tuple      # names of data centres, or Auto
    rules: list         # (when, names or Auto, place)
    database: str       # path, or None
    locations: dict     # of data centres: [latitude, longitude]
    limit: int          # how many of the nearest data centres are tried
    ignores_subnet: bool


class Maps:
    def __init__(self, node, folder, report):
        self.node, self.folder, self.report = node, folder, report
        self.known = {}

    def get(self, name, place):
        if name not in self.known:
            if name not in self.node:
                raise vscf.Failure(f"{place}: found map '{name}', which maps does not define")
            self.known[name] = Conversion(self, name, vscf.as_hash(self.node[name], f"map {name}")).convert()
        return self.known[name]

    def report_unused(self):
        for name in self.node:
            if name not in self.known:
                self.report.pass_over(self.node.place_of(name), f"map {name}: no resource that a zone names uses it")

    def databases(self):
        """Those of all maps that are in use, once each."""
        return list(dict.fromkeys(each.database for each in self.known.values() if each.database is not None))

    def locations(self):
        """Of the data centres of all maps that are in use."""
        found = {}
        for each in self.known.values():
            for name, location in each.locations.items():
                if found.setdefault(name, location) != location:
                    self.report.approximate(self.node.place_of(each.name), f"map {each.name}: {name} has other coordinates in "
                                                                           "another map, which count for both")
        return found

    def open_path(self, name):
        return name if os.path.isabs(name) else os.path.join(self.folder, name)


class Conversion:
    """One map on its way."""

    def __init__(self, maps, name, node):
        self.maps, self.report, self.name, self.node = maps, maps.report, name, node
        self.groups = {}     # (order, kind, data centres, other conditions) -> [values, place]
        self.more = {}       # the same keys -> the other conditions
        self.locations = {}
        self.datacenters = [str(vscf.as_text(item, "datacenters")) for item in vscf.as_list(node["datacenters"])] \
            if "datacenters" in node else self.fail_missing("datacenters")

    def fail_missing(self, key):
        raise vscf.Failure(f"{self.node.place}: found no {key} in map {self.name}, which is required")

    def convert(self):
        for key in self.node:
            if key not in MAP_KEYS:
                self.report.leave_out(self.node.place_of(key), f"map {self.name}: {key}: steerd has none like it")
        node, default = self.node, tuple(self.datacenters)
        if "auto_dc_coords" in node:
            self.read_coordinates(vscf.as_hash(node["auto_dc_coords"], "auto_dc_coords"))
            default = Auto(self.locations)
        if "map" in node:
            default = self.walk_world(vscf.as_hash(node["map"], "map")) or default
        if "nets" in node:
            self.walk_nets(node["nets"])
        rules = [({**self.more[key], key[1]: values}, key[2], place)
                 for key, (values, place) in sorted(self.groups.items(), key=lambda item: item[0][0])]
        return Map(self.name, default, rules, self.find_database(), self.locations, self.read_limit(),
                   "ignore_ecs" in node and vscf.as_boolean(node["ignore_ecs"], "ignore_ecs"))

    def read_limit(self):
        limit = vscf.as_integer(self.node["auto_dc_limit"], "auto_dc_limit") if "auto_dc_limit" in self.node else 3
        if limit > NEAREST_MAX or (limit == 0 and len(self.locations) > NEAREST_MAX):
            self.report.approximate(self.node.place_of("auto_dc_limit"),
                                    f"map {self.name}: the nearest {NEAREST_MAX} data centres, not more")
        return min(limit or NEAREST_MAX, NEAREST_MAX)

    def read_coordinates(self, node):
        for name, value in node.items():
            pair = [vscf.as_number(item, "a coordinate") for item in vscf.as_list(value)]
            if name not in self.datacenters or len(pair) != 2:
                raise vscf.Failure(f"{node.place_of(name)}: found '{name}', expected one of {', '.join(self.datacenters)} "
                                   "with [ latitude, longitude ]")
            self.locations[name] = pair

    def find_database(self):
        if "geoip2_db" not in self.node:
            return None
        path = self.maps.open_path(str(self.node["geoip2_db"]))
        if os.path.exists(path):
            return os.path.abspath(path)
        self.report.leave_out(self.node.place_of("geoip2_db"),
                              f"map {self.name}: there is no {path}; add a database to geo in steerd.json")
        return None

    def read_datacenters(self, value, place):
        """The names; none: there is no answer for these clients."""
        if isinstance(value, vscf.Text) and value == "auto":
            return Auto(self.locations)
        names = [str(vscf.as_text(item, "a data centre")) for item in vscf.as_list(value)]
        for name in names:
            if name not in self.datacenters:
                raise vscf.Failure(f"{place}: found data centre '{name}', expected one of {', '.join(self.datacenters)}")
        return tuple(names)

    def add(self, order, kind, value, names, place, **more):
        key = order, kind, names, isinstance(names, Auto), tuple(more.items())
        self.groups.setdefault(key, [[], place])[0].append(value)
        self.more[key] = more

    # ---- places ----

    def walk_world(self, node):
        default = None
        for code, value in node.items():
            place = node.place_of(code)
            if code == "default":
                default = self.read_datacenters(value, place)
                if not default:
                    self.report.leave_out(place, f"map {self.name}: no data centre, and so no answer, for the rest of the world; "
                                                 "these clients get all of them, as listed")
            elif code.upper() not in CONTINENTS:
                raise vscf.Failure(f"{place}: found '{code}', expected a continent: {', '.join(CONTINENTS)} or default")
            elif isinstance(value, vscf.Hash):
                self.walk_continent(code.upper(), value)
            else:
                self.add_place("continent", code.upper(), value, place)
        return default

    def add_place(self, kind, code, value, place, **more):
        self.add(PLACES[kind], kind, code, self.read_datacenters(value, place), place, **more)

    def walk_continent(self, continent, node):
        for code, value in node.items():
            place = node.place_of(code)
            if code == "default":
                self.add_place("continent", continent, value, place)
            elif isinstance(value, vscf.Hash):
                self.walk_country(code.upper(), value)
            else:
                self.add_place("country", code.upper(), value, place)

    def walk_country(self, country, node):
        """What stands below a country is a subdivision by its code, or a city by its name."""
        for code, value in node.items():
            place = node.place_of(code)
            if code == "default":
                self.add_place("country", country, value, place)
            elif isinstance(value, vscf.Hash):
                self.walk_subdivision(f"{country}-{code}", value)
            elif SUBDIVISION.fullmatch(code):
                self.add_place("subdivision", f"{country}-{code}", value, place)
            else:
                self.add_place("city", code, value, place, country=country)

    def walk_subdivision(self, subdivision, node):
        for code, value in node.items():
            place = node.place_of(code)
            if code == "default":
                self.add_place("subdivision", subdivision, value, place)
            elif isinstance(value, vscf.Hash):
                self.walk_subdivision(f"{subdivision.partition('-')[0]}-{code}", value)
            elif SUBDIVISION.fullmatch(code):
                self.add_place("subdivision", f"{subdivision.partition('-')[0]}-{code}", value, place)
            else:
                self.add_place("city", code, value, place, subdivision=subdivision)

    # ---- networks ----

    def walk_nets(self, value):
        if isinstance(value, vscf.Text):
            path = self.maps.open_path(str(value))
            value = vscf.read(path, os.path.join("geoip", str(value)) if not os.path.isabs(value) else str(value))
        for prefix, datacenters in vscf.as_hash(value, "nets").items():
            place = value.place_of(prefix)
            network = self.read_network(prefix, place)
            self.add(-network.prefixlen, "cidr", str(network), self.read_datacenters(datacenters, place), place)

    @staticmethod
    def read_network(prefix, place):
        try:
            network = ipaddress.ip_network(prefix, strict=False)
        except ValueError as error:
            raise vscf.Failure(f"{place}: {error}") from None
        if network.version == 6 and network.subnet_of(V4_COMPATIBLE):
            return ipaddress.ip_network((int(network.network_address), network.prefixlen - 96))
        return network
