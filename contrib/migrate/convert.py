# SPDX-License-Identifier: BSD-3-Clause
"""A folder of gdnsd -> a folder of steerd. Nothing is written before all of it could be read."""
import os

from . import vscf
from .build import Name
from .folder import file_of, relative, write_folder
from .gdnsd import GdnsdBuilder
from .maps import Maps
from .model import Unsupported
from .overrides import Overrides
from .plugins import Plugins
from .report import Failure, Report
from .services import Services
from .settings import Settings
from .zonefile import Zone


class Conversion:
    def __init__(self, folder, report=None):
        self.folder, self.report = folder, report or Report()
        config = self.read_config()
        self.settings = Settings(self.section(config, "options"), self.report)
        self.services = Services(self.section(config, "service_types"), self.state_dir(config), self.report)
        plugins = self.section(config, "plugins")
        geoip = vscf.as_hash(plugins.get("geoip", vscf.Hash("config")), "plugin geoip")
        self.maps = Maps(vscf.as_hash(geoip.get("maps", vscf.Hash("config")), "maps"), os.path.join(folder, "geoip"),
                         self.report)
        self.plugins = Plugins(plugins, self.services, self.maps, self.report)
        self.zones, self.names = {}, []
        self.whoamis = []  # (origin, owner, whose address, record)
        self.files = {}  # path -> text or document
        self.overrides = None
        self.read_zones()
        self.make_files()
        self.read_admin_state(config)
        self.services.report_unused()
        self.plugins.report_unused()
        self.maps.report_unused()

    def read_config(self):
        path = os.path.join(self.folder, "config")
        if not os.path.isdir(self.folder):
            raise Failure(f"{self.folder}: not a folder")
        config = vscf.read(path, "config") if os.path.exists(path) else vscf.Hash("config")
        for key in vscf.as_hash(config, "the configuration"):
            if key not in ("options", "service_types", "plugins"):
                raise Failure(f"{config.place_of(key)}: found '{key}', expected options, service_types or plugins")
        return config

    @staticmethod
    def section(config, key):
        return vscf.as_hash(config.get(key, vscf.Hash("config")), key)

    def state_dir(self, config):
        return str(self.section(config, "options").get("state_dir", "/var/lib/gdnsd"))

    def read_admin_state(self, config):
        """Overrides are the operator's and live in the server: the report has the commands that make them again."""
        path = os.path.join(self.state_dir(config), "admin_state")
        try:
            node = vscf.as_hash(vscf.read(path, path), "states") if os.path.isfile(path) else {}
        except Failure as error:
            self.report.leave_out(path, str(error))
            return
        for key, value in node.items():
            made = self.overrides.convert(key, str(value)) if self.overrides is not None else []
            if made:
                self.report.leave_out(node.place_of(key), f"{key} => {value}: say it again: {'; '.join(made)}")
            else:
                self.report.pass_over(node.place_of(key), f"{key} => {value}: nothing that a zone names, or UP of what "
                                                          "other names have, too")

    # ---- zones ----

    def read_zones(self):
        folder = os.path.join(self.folder, "zones")
        for name in sorted(os.listdir(folder) if os.path.isdir(folder) else ()):
            path = os.path.join(folder, name)
            if not name.startswith(".") and os.path.isfile(path):
                origin = origin_of(name)
                self.zones[origin] = Zone(path, os.path.join("zones", name), origin, self.settings.limits, self.report)
        for origin, zone in self.zones.items():
            if zone.cname_place is not None and self.settings.ends_at_cname():
                self.report.approximate(zone.cname_place, "answers with a CNAME end there in gdnsd (experimental_no_chain); "
                                                          "steerd adds what it has of the target")
            for record in zone.records:
                self.read_record(origin, zone, record)

    def read_record(self, origin, zone, record):
        shown = f"{record.owner} {record.rtype} {record.plugin}" + (f"!{record.resource}" if record.resource else "")
        try:
            plan = self.plugins.resolve(record.plugin, record.resource, record.place)
            if plan.has_hosts():
                self.require_alone(origin, zone, record)
            if plan.whoami is not None:
                self.add_whoami(origin, zone, record, plan)
            elif plan.static:
                lines = [f"{record.owner} {record.ttl_max_s} {'AAAA' if ':' in address else 'A'} {address}"
                         for address in plan.static]
                zone.replace(record, lines)
            elif plan.only_host() is not None:
                zone.replace(record, [f"{record.owner} {record.ttl_max_s} CNAME {plan.only_host()}."])
            else:
                self.add_name(origin, zone, record, plan)
        except Unsupported as error:
            self.report.leave_out(record.place, f"{shown}: {error.reason}" +
                                  (f" ({error.place})" if error.place != record.place else ""))
            zone.comment_out(record, "left out")

    @staticmethod
    def require_alone(origin, zone, record):
        """A CNAME is the only record of its name (RFC 1034 section 3.6.2); gdnsd loads nothing else either."""
        owner = record.owner.lower()
        if record.rtype != "DYNC":
            raise Unsupported(record.place, "a CNAME, which is for DYNC only")
        if owner == origin.lower():
            raise Unsupported(record.place, "a CNAME at the apex of the zone")
        if zone.uses[owner] > 1:
            raise Unsupported(record.place, "a CNAME beside other records")

    def add_whoami(self, origin, zone, record, plan):
        if zone.uses[record.owner.lower()] > 1:
            raise Unsupported(record.place, "reflect beside other records")
        self.whoamis.append((origin, relative(record.owner, origin), plan.whoami, record))
        zone.comment_out(record, f"tells who asks, see {file_of(origin)}.json")
        self.report.approximate(record.place, f"{record.owner}: reflect: steerd answers with TTL 0, with no 0.0.0.0 where there is "
                                              "no client subnet, and by TXT with all that it knows")

    def add_name(self, origin, zone, record, plan):
        self.names.append(Name(origin, relative(record.owner, origin), plan, record.place, record.ttl_max_s,
                               record.ttl_min_s, record.limits, f"{record.plugin}!{record.resource}"))
        zone.comment_out(record, f"steered, see {file_of(origin)}.json")

    # ---- files ----

    def make_files(self):
        document = self.settings.document
        for _, owner, _, record in self.whoamis if not self.names else ():
            self.report.leave_out(record.place, f"{owner}: reflect: without any other name of a plugin there is no topology and "
                                                "no policy, which could say so")
        if self.names:
            builder = GdnsdBuilder(self.services, self.maps.locations(), self.report)
            builder.build(self.names)
            document["topology"] = "topology.json"
            self.overrides = Overrides(self.names, builder.topology, self.plugins.maps_of_resources())
            self.files["topology.json"] = builder.topology.document(builder.rules, self.overrides.documents())
            for origin, names in builder.policies.items():
                self.files[f"zones/{file_of(origin)}.json"] = {"names": names}
            for origin, owner, address, _ in self.whoamis:
                policy = self.files.setdefault(f"zones/{file_of(origin)}.json", {"names": {}})
                policy.setdefault("whoami", {})[owner] = {"address": address}
            self.report.count(len(self.names), "steered name")
            self.report.count(len(builder.topology.endpoints), "endpoint")
            self.report.count(len(self.files["topology.json"].get("checks", ())), "check")
        databases = self.maps.databases()
        if databases:
            document["geo"] = databases
        if len(databases) > 1:
            self.report.approximate("config", "several geoip2_db: in steerd all maps use all databases, the first one that "
                                              "knows a network counts")
        self.files["steerd.json"] = document
        for origin, zone in self.zones.items():
            self.files[f"zones/{file_of(origin)}.zone"] = zone.text()
        self.report.count(len(self.zones), "zone")

    def write(self, target, force):
        if os.path.realpath(target) == os.path.realpath(self.folder):
            raise Failure(f"{os.path.abspath(target)}: the folder of gdnsd itself")
        write_folder(self.files, target, force)


# ---- names of zones ----

def origin_of(name):
    """The zone that a file of gdnsd holds, with the final dot."""
    if name == "ROOT_ZONE":
        return "."
    return name.replace("@", "/").rstrip(".") + "."
