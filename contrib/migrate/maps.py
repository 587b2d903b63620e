# SPDX-License-Identifier: BSD-3-Clause
"""geoip maps -> geo rules over data centres: networks first, the longest before the shorter, then countries, then
continents, so that the first rule that holds is the one that gdnsd would take."""
import dataclasses
import ipaddress
import os

from . import vscf

CONTINENTS = ("AF", "AN", "AS", "EU", "NA", "OC", "SA")
V4_COMPATIBLE = ipaddress.ip_network("::/96")


@dataclasses.dataclass
class Map:
    name: str
    datacenters: list
    default: list
    rules: list       # (when, names of data centres, place)
    database: str     # path, or None


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

    def databases(self):
        """Those of all maps that are in use, once each."""
        return list(dict.fromkeys(each.database for each in self.known.values() if each.database is not None))

    def open_path(self, name):
        return name if os.path.isabs(name) else os.path.join(self.folder, name)


class Conversion:
    """One map on its way."""

    def __init__(self, maps, name, node):
        self.maps, self.report, self.name, self.node = maps, maps.report, name, node
        self.groups = {}  # (order, kind, data centres) -> [values, place]
        self.datacenters = [str(vscf.as_text(item, "datacenters")) for item in vscf.as_list(node["datacenters"])] \
            if "datacenters" in node else self.fail_missing("datacenters")

    def fail_missing(self, key):
        raise vscf.Failure(f"{self.node.place}: found no {key} in map {self.name}, which is required")

    def convert(self):
        node, default = self.node, self.datacenters
        if "auto_dc_coords" in node:
            self.report.leave_out(node.place_of("auto_dc_coords"),
                                  f"map {self.name}: data centres by distance; clients get the order of datacenters instead")
        if "ignore_ecs" in node and vscf.as_boolean(node["ignore_ecs"], "ignore_ecs"):
            self.report.leave_out(node.place_of("ignore_ecs"),
                                  f"map {self.name}: steerd takes the client subnet option into account")
        if "map" in node:
            default = self.walk_world(vscf.as_hash(node["map"], "map")) or default
        if "nets" in node:
            self.walk_nets(node["nets"])
        rules = [({kind: values}, list(datacenters), place)
                 for (_, kind, datacenters), (values, place) in sorted(self.groups.items(), key=lambda item: item[0][0])]
        return Map(self.name, self.datacenters, default, rules, self.find_database())

    def find_database(self):
        if "geoip2_db" not in self.node:
            return None
        path = self.maps.open_path(str(self.node["geoip2_db"]))
        if os.path.exists(path):
            return os.path.abspath(path)
        self.report.leave_out(self.node.place_of("geoip2_db"),
                              f"map {self.name}: there is no {path}; add a database to geo in steerd.json")
        return None

    def read_datacenters(self, value, place, who):
        """The names, or None where there is nothing to make a rule of."""
        if isinstance(value, vscf.Text) and value == "auto":
            return None  # what auto_dc_coords left out
        names = [str(vscf.as_text(item, "a data centre")) for item in vscf.as_list(value)]
        for name in names:
            if name not in self.datacenters:
                raise vscf.Failure(f"{place}: found data centre '{name}', expected one of {', '.join(self.datacenters)}")
        if not names:
            self.report.leave_out(place, f"map {self.name}: no data centre, and so no answer, for {who}; "
                                         "these clients get the default")
            return None
        return names

    def add(self, order, kind, value, names, place):
        self.groups.setdefault((order, kind, tuple(names)), [[], place])[0].append(value)

    # ---- places ----

    def walk_world(self, node):
        default = None
        for code, value in node.items():
            place = node.place_of(code)
            if code == "default":
                default = self.read_datacenters(value, place, "the rest of the world")
            elif code.upper() not in CONTINENTS:
                raise vscf.Failure(f"{place}: found '{code}', expected a continent: {', '.join(CONTINENTS)} or default")
            elif isinstance(value, vscf.Hash):
                self.walk_continent(code.upper(), value)
            else:
                self.add_place(1000, "continent", code.upper(), value, place)
        return default

    def add_place(self, order, kind, code, value, place):
        names = self.read_datacenters(value, place, f"{kind} {code}")
        if names is not None:
            self.add(order, kind, code, names, place)

    def walk_continent(self, continent, node):
        for code, value in node.items():
            place = node.place_of(code)
            if code == "default":
                self.add_place(1000, "continent", continent, value, place)
            elif isinstance(value, vscf.Hash):
                self.walk_country(code.upper(), value)
            else:
                self.add_place(900, "country", code.upper(), value, place)

    def walk_country(self, country, node):
        for code, value in node.items():
            if code == "default":
                self.add_place(900, "country", country, value, node.place_of(code))
            else:
                self.report.leave_out(node.place_of(code), f"map {self.name}: subdivision or city {country}/{code}; its "
                                                           "clients get what the country gets")

    # ---- networks ----

    def walk_nets(self, value):
        if isinstance(value, vscf.Text):
            path = self.maps.open_path(str(value))
            value = vscf.read(path, os.path.join("geoip", str(value)) if not os.path.isabs(value) else str(value))
        for prefix, datacenters in vscf.as_hash(value, "nets").items():
            place = value.place_of(prefix)
            network = self.read_network(prefix, place)
            names = self.read_datacenters(datacenters, place, prefix)
            if names is not None:
                self.add(-network.prefixlen, "cidr", str(network), names, place)

    @staticmethod
    def read_network(prefix, place):
        try:
            network = ipaddress.ip_network(prefix, strict=False)
        except ValueError as error:
            raise vscf.Failure(f"{place}: {error}") from None
        if network.version == 6 and network.subnet_of(V4_COMPATIBLE):
            return ipaddress.ip_network((int(network.network_address), network.prefixlen - 96))
        return network
