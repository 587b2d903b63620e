# SPDX-License-Identifier: BSD-3-Clause
"""Plugins and their resources -> plans: simplefo, multifo, weighted, static, null, metafo, geoip and reflect."""
import dataclasses
import ipaddress
import math

from . import vscf
from .families import join_families
from .maps import Auto
from .model import ALL, WEIGHTED, Nearest, Plan, Target, Tier, Unsupported

SETTINGS = ("service_types", "up_thresh", "multi", "ignore_health")
META_SETTINGS = {"metafo": ("resources",), "geoip": ("maps", "resources", "undefined_datacenters_ok")}
KNOWN = ("reflect", "null", "simplefo", "multifo", "weighted", "static", "metafo", "geoip")
PASSED_OVER = {"extmon": "steerd runs commands by a program of its own", "extfile": "", "http_status": "", "tcp_connect": ""}
RESOURCE_SETTINGS = ("datacenters", "dcmap", "map", "skip_first")


def read_address(text):
    """Its canonical form, or None: then it is a host name."""
    try:
        return str(ipaddress.ip_address(text))
    except ValueError:
        return None


class Plugins:
    def __init__(self, node, services, maps, report):
        self.node, self.services, self.maps, self.report = node, services, maps, report
        self.plans, self.open = {}, []
        self.makers = {"simplefo": self.make_simplefo, "multifo": self.make_multifo, "weighted": self.make_weighted}

    def resolve(self, plugin, resource, place):
        """The plan of plugin!resource; Unsupported if there can be none."""
        key = plugin, resource
        if key in self.open:
            raise vscf.Failure(f"{place}: found {plugin}!{resource} within itself")
        if key not in self.plans:
            self.open.append(key)
            try:
                self.plans[key] = self.make(plugin, resource, place)
            except Unsupported as error:
                self.plans[key] = error
            finally:
                self.open.pop()
        if isinstance(self.plans[key], Unsupported):
            raise self.plans[key]
        return self.plans[key]

    def maps_of_resources(self):
        """Of geoip: resource -> name of its map."""
        resources = self.node.get("geoip", {}).get("resources", {})
        return {name: str(node["map"]) for name, node in resources.items() if "map" in node}

    def report_unused(self):
        for plugin, config in self.node.items():
            if plugin in PASSED_OVER:
                for key in vscf.as_hash(config, f"plugin {plugin}"):
                    self.report.pass_over(config.place_of(key), f"plugin {plugin}: {key}: {PASSED_OVER[plugin]}")
            elif plugin not in KNOWN:
                self.report.leave_out(self.node.place_of(plugin), f"unknown plugin '{plugin}'")
            else:
                self.report_unused_of(plugin, vscf.as_hash(config, f"plugin {plugin}"))

    def report_unused_of(self, plugin, config):
        """Resources that no record leads to."""
        used = {resource.partition("/")[0] for name, resource in self.plans if name == plugin}
        resources = config.get("resources", {}) if plugin in META_SETTINGS else config
        for resource in resources:
            if resource not in used and (plugin in META_SETTINGS or resource not in SETTINGS):
                self.report.pass_over(resources.place_of(resource), f"{plugin} {resource}: no zone names it")

    def make(self, plugin, resource, place):
        if plugin == "reflect":
            return self.make_reflect(resource or "best", place)
        if plugin == "null":
            return make_static(["0.0.0.0", "::"], place, "null")
        if plugin not in KNOWN:
            raise Unsupported(place, f"unknown plugin '{plugin}'")
        config = vscf.as_hash(self.node.get(plugin, vscf.Hash(place)), f"plugin {plugin}")
        if plugin in META_SETTINGS:
            return self.make_meta(plugin, config, resource, place)
        if resource not in config:
            raise vscf.Failure(f"{place}: found {plugin}!{resource}, which plugin {plugin} does not define")
        if plugin == "static":
            value = vscf.as_text(config[resource], "a static resource")
            address = read_address(value)
            return make_cname(value, resource) if address is None else make_static([address], value.place, resource)
        return self.make_simple(plugin, resource, config[resource], config.key_places[resource])

    @staticmethod
    def make_reflect(resource, place):
        modes = {"best": "best", "dns": "resolver", "edns": "subnet", "both": "both"}
        if resource not in modes:
            raise vscf.Failure(f"{place}: found reflect!{resource}, expected one of {', '.join(modes)}")
        return Plan(whoami=modes[resource])

    def make_simple(self, plugin, resource, node, place):
        """A resource of addresses: its node, with the settings of the plugin as defaults."""
        config = self.node.get(plugin, {})
        settings = {key: config[key] for key in SETTINGS if key in config}
        if isinstance(node, vscf.Hash):
            settings.update({key: node[key] for key in SETTINGS if key in node})
            subs = [(key, node[key]) for key in ("addrs_v4", "addrs_v6") if key in node]
            if subs:
                plans = [self.settle_down(self.makers[plugin](resource, sub, place, self.inherit(settings, sub)))
                         for _, sub in subs]
                if any(plan.has_hosts() for plan in plans):
                    raise vscf.Failure(f"{place}: found a CNAME in addrs_v4 or addrs_v6 of {resource}, expected addresses")
                return plans[0] if len(plans) == 1 else join_families(*plans, self.report)
        return self.settle_down(self.makers[plugin](resource, node, place, settings))

    def settle_down(self, plan):
        """What is down for ever, in one family, is answered as if nothing watched it: there is never anything better. But
        around it the resource has failed."""
        if not any(self.services.is_down(target.services) for target in plan.targets()):
            return plan
        tier = plan.tiers[0]
        self.report.approximate(tier.place, f"{tier.resource}: what is DOWN by configuration is left out of checks, and where "
                                            "there is anything else, of answers")
        ttls = {self.services.known[service].up_ttl_s for target in plan.targets() for service in target.services} - {None}
        return dataclasses.replace(plan, tiers=[
            dataclasses.replace(each, is_down=True, down_ttls=tuple(ttls),
                                targets=tuple(dataclasses.replace(target, services=("up",)) for target in each.targets))
            for each in plan.tiers])

    @staticmethod
    def inherit(settings, node):
        own = {key: node[key] for key in SETTINGS if key in node} if isinstance(node, vscf.Hash) else {}
        return {**settings, **own}

    def read_services(self, settings):
        if "service_types" not in settings:
            return ("up",)
        names = [vscf.as_text(item, "service_types") for item in vscf.as_list(settings["service_types"])]
        for name in names:
            self.services.get(str(name), name.place)
        return tuple(dict.fromkeys(str(name) for name in names if name != "up")) or ("up",)

    @staticmethod
    def read_threshold(settings):
        return vscf.as_number(settings["up_thresh"], "up_thresh") if "up_thresh" in settings else 0.5

    # ---- plugins of addresses and CNAMEs ----

    def make_simplefo(self, resource, node, place, settings):
        services = self.read_services(settings)
        tiers = []
        for label in ("primary", "secondary"):
            if label not in vscf.as_hash(node, f"resource {resource}"):
                raise vscf.Failure(f"{place}: found no {label} in resource {resource}, which is required")
            address = require_address(node[label])
            tiers.append(Tier((Target(label, (address,), services),), place, resource))
        return Plan(tiers)

    def make_multifo(self, resource, node, place, settings):
        services = self.read_services(settings)
        if isinstance(node, vscf.Hash):
            items = [(label, value) for label, value in node.items() if label not in SETTINGS]
        else:
            items = [(str(number), value) for number, value in enumerate(vscf.as_list(node), 1)]
        if "ignore_health" in settings and vscf.as_boolean(settings["ignore_health"], "ignore_health"):
            services = ("up",)
            self.report.approximate(place, f"multifo {resource}: ignore_health: its addresses are not checked, so around "
                                           "them no data centre fails")
        targets = tuple(Target(label, (require_address(value),), services) for label, value in items)
        enough = math.ceil(self.read_threshold(settings) * len(targets))
        return Plan([Tier(targets, place, resource, ALL if len(targets) > 1 else None, enough=max(enough, 1))])

    def make_weighted(self, resource, node, place, settings):
        services = self.read_services(settings)
        groups = []
        for label, value in vscf.as_hash(node, f"resource {resource}").items():
            if label in SETTINGS:
                continue
            if isinstance(value, vscf.Hash):
                groups.append([(f"{label}-{inner}", item) for inner, item in value.items()])
            else:
                groups.append([(label, value)])
        items = [(label, *read_weighted(item)) for group in groups for label, item in group]
        multi = "multi" in settings and vscf.as_boolean(settings["multi"], "multi")
        apart = multi and any(len(group) > 1 for group in groups)
        group_of = {label: f"g{number}" if apart else "" for number, group in enumerate(groups, 1) for label, _ in group}
        if items and read_address(items[0][1]) is None:  # CNAMEs, of which there can be one in an answer
            targets = tuple(Target(label, (), services, weight, require_host(value)) for label, value, weight in items)
            pick, answers = WEIGHTED, 1
        else:
            targets = tuple(Target(label, (require_address(value),), services, weight, group=group_of[label])
                            for label, value, weight in items)
            pick, answers = self.read_pick(resource, place, multi, groups)
        weights = [target.weight for target in targets]
        weight = math.ceil(self.read_threshold(settings) * sum(weights))
        enough = sum(1 for at in range(len(weights)) if sum(sorted(weights, reverse=True)[:at]) < weight)
        return Plan([Tier(targets, place, resource, pick if len(targets) > 1 else None, answers, max(enough, 1),
                          weight if len(set(weights)) > 1 else 0, apart=apart)])

    def read_pick(self, resource, place, multi, groups):
        """gdnsd's four cases: (pick, answers)."""
        weights = [[read_weighted(item)[1] for _, item in group] for group in groups]
        heavy = [sum(group) for group in weights]
        grouped = any(len(group) > 1 for group in weights)
        expected = max(round(sum(heavy) / max(heavy)), 1) if heavy else 1
        if not grouped and not multi:
            return WEIGHTED, 1
        if not grouped and len(set(heavy)) == 1:
            return ALL, 1
        if not grouped:
            self.report.approximate(place, f"weighted {resource}: multi: gdnsd answers each address with the odds "
                                           f"weight/{max(heavy)}, steerd {expected} of them by weight")
            return WEIGHTED, expected
        if not multi:
            self.report.approximate(place, f"weighted {resource}: gdnsd draws one group and answers one or more of its "
                                           "addresses, steerd draws one address of all groups by weight")
            return WEIGHTED, 1
        if len(set(heavy)) > 1:
            self.report.approximate(place, f"weighted {resource}: multi: gdnsd leaves groups out with the odds of their weights, "
                                           f"steerd answers one address of each of the {len(groups)} groups")
        return WEIGHTED, len(groups)

    # ---- plugins of data centres ----

    def make_meta(self, plugin, config, resource, place):
        resources = vscf.as_hash(config.get("resources", vscf.Hash(place)), "resources")
        name, _, only = resource.partition("/")
        if resource in resources:
            name, only = resource, ""
        if name not in resources:
            raise vscf.Failure(f"{place}: found {plugin}!{resource}, which plugin {plugin} does not define")
        node = vscf.as_hash(resources[name], f"resource {name}")
        if "dcmap" not in node:
            raise vscf.Failure(f"{node.place}: found no dcmap in resource {name}, which is required")
        defaults = {key: value for key, value in config.items() if key not in META_SETTINGS[plugin]}
        defaults.update({key: value for key, value in node.items() if key not in RESOURCE_SETTINGS})
        meta = Meta(self, plugin, name, node, defaults)
        if only:
            return meta.plan_of(only, place)
        if plugin == "metafo":
            return meta.make_metafo()
        return meta.make_geoip(self.maps.get(str(node["map"]), node.place_of("map")),
                               "undefined_datacenters_ok" in config and
                               vscf.as_boolean(config["undefined_datacenters_ok"], "undefined_datacenters_ok"))


class Meta:
    """One resource of metafo or geoip."""

    def __init__(self, plugins, plugin, name, node, defaults):
        self.plugins, self.plugin, self.name, self.node, self.defaults = plugins, plugin, name, node, defaults
        self.dcmap = vscf.as_hash(node["dcmap"], "dcmap")
        self.plans = {}

    def plan_of(self, datacenter, place):
        if datacenter not in self.dcmap:
            raise vscf.Failure(f"{place}: found data centre '{datacenter}', which the dcmap of {self.plugin} {self.name} "
                               "does not define")
        if datacenter not in self.plans:
            plan = self.make_datacenter(datacenter, self.dcmap[datacenter], self.dcmap.key_places[datacenter])
            if plan.whoami is not None:
                raise Unsupported(place, "reflect as a data centre")

            def inside(tiers):
                made = [tier.inside(self.plugin, datacenter) for tier in tiers]
                return Nearest(made, tiers.limit) if isinstance(tiers, Nearest) else made
            self.plans[datacenter] = dataclasses.replace(plan, static=[], tiers=inside(plan.tiers),
                                                         rules=[(when, inside(tiers)) for when, tiers in plan.rules])
        return self.plans[datacenter]

    def make_datacenter(self, datacenter, value, place):
        plugin = str(self.defaults.get("plugin", "multifo"))
        if isinstance(value, vscf.Text):
            if value.startswith(("%", "!")):
                named, _, resource = value.lstrip("%").partition("!")
                return self.plugins.resolve(named or plugin, resource, value.place)
            if read_address(value) is None:
                return self.plugins.settle_down(make_cname(value, f"{self.name}-{datacenter}",
                                                           self.plugins.read_services(self.defaults)))
        defaults = {key: value for key, value in self.defaults.items() if key != "plugin"}
        merged = vscf.Hash(place)
        for key, item in defaults.items():
            merged.add(key, item, item.place)
        if isinstance(value, vscf.Hash):
            plugin = str(value.get("plugin", plugin))
            items = [(key, item) for key, item in value.items() if key != "plugin"]
        else:
            plugin = "multifo"
            items = [(str(number), item) for number, item in enumerate(vscf.as_list(value), 1)]
        for key, item in items:
            merged.pop(key, None)
            merged.add(key, item, item.place)
        name = f"{self.name}-{datacenter}"
        if plugin in META_SETTINGS:  # geoip can make resources of metafo
            nested = {key: item for key, item in merged.items() if key not in RESOURCE_SETTINGS}
            return Meta(self.plugins, plugin, name, merged, nested).make_metafo()
        if plugin not in self.plugins.makers:
            raise Unsupported(place, f"a data centre made of plugin '{plugin}'")
        return self.plugins.make_simple(plugin, name, merged, place)

    def skips_first(self):
        return "skip_first" in self.node and vscf.as_boolean(self.node["skip_first"], "skip_first")

    def chain(self, names, place):
        """The plans of data centres, one after the other."""
        if self.skips_first() and len(names) > 1:
            names = names[1:]
        made = Plan()
        for name in names:
            made = self.append(made, self.plan_of(name, place), place)
        return made

    def append(self, first, second, place):
        if not first.tiers and not first.rules:
            return second
        if any(isinstance(tiers, Nearest) for plan in (first, second) for tiers in plan.choices()):
            raise Unsupported(place, f"{self.plugin} {self.name} goes on from data centres by distance to others")
        rules = [(when, tiers + second.tiers) for when, tiers in first.rules]
        if second.rules and not first.rules:
            rules = [(when, first.tiers + tiers) for when, tiers in second.rules]
        elif second.rules:
            if [when for when, _ in first.rules] != [when for when, _ in second.rules]:
                raise Unsupported(place, f"{self.plugin} {self.name} goes through two resources of different maps")
            rules = [(when, one + two) for (when, one), (_, two) in zip(first.rules, second.rules)]
        return Plan(first.tiers + second.tiers, rules, first.map_name or second.map_name,
                    first.ignores_subnet or second.ignores_subnet)

    def make_metafo(self):
        names = [str(item) for item in vscf.as_list(self.node["datacenters"])]
        return self.chain(names, self.node.place_of("datacenters"))

    def make_geoip(self, geo_map, undefined_ok):
        def choose(names, place):
            kept = [name for name in names if not undefined_ok or name in self.dcmap]
            lost = [name for name in kept if by_distance and name not in geo_map.locations]
            if lost:
                self.plugins.report.leave_out(place, f"geoip {self.name}: data centre {', '.join(lost)}, which has no "
                                                     "coordinates, in a name that goes by distance")
                kept = [name for name in kept if name not in lost]
            made = self.chain(kept, place) if not isinstance(names, Auto) else self.chain_nearest(kept, geo_map, place)
            if made.rules:
                raise Unsupported(place, f"geoip {self.name} leads to another geoip resource")
            return made
        by_distance = any(isinstance(names, Auto) for names in [geo_map.default, *(rule[1] for rule in geo_map.rules)])
        plan = dataclasses.replace(choose(geo_map.default, self.node.place_of("map")), map_name=geo_map.name,
                                   ignores_subnet=geo_map.ignores_subnet)
        for when, names, place in geo_map.rules:
            plan.rules.append((when, choose(names, place).tiers))
        if not plan.tiers:
            raise Unsupported(self.node.place_of("map"), f"geoip {self.name} has no data centre for clients that its map does not "
                                                         "know")
        return plan

    def chain_nearest(self, names, geo_map, place):
        plans = [self.plan_of(name, place) for name in names]
        if self.skips_first() or any(len(plan.tiers) != 1 for plan in plans):
            raise Unsupported(place, f"geoip {self.name} orders by distance what is more than one set of addresses in each "
                                     "data centre, or skips the first")
        return Plan(Nearest([plan.tiers[0] for plan in plans], geo_map.limit))


# ---- values ----

def make_static(addresses, place, resource):
    plan = Plan([Tier((Target("static", tuple(addresses), ("up",)),), place, resource)])
    plan.static = addresses
    return plan


def make_cname(value, resource, services=("up",)):
    return Plan([Tier((Target(resource, (), services, host=require_host(value)),), value.place, resource)])


def require_host(node):
    """The target of a CNAME, without its final dot."""
    text = vscf.as_text(node, "a name")
    if read_address(text) is not None or not text.endswith(".") or text == ".":
        raise vscf.Failure(f"{node.place}: found '{node}', expected a host name with a final dot")
    return str(text)[:-1]


def require_address(node):
    address = read_address(vscf.as_text(node, "an address"))
    if address is None:
        raise vscf.Failure(f"{node.place}: found '{node}', expected an address")
    return address


def read_weighted(node):
    """[address or name, weight] -> both."""
    if not isinstance(node, vscf.Array) or len(node) != 2:
        raise vscf.Failure(f"{node.place}: found {vscf.describe(node)}, expected [ address, weight ]")
    return vscf.as_text(node[0], "an address"), vscf.as_integer(node[1], "a weight")
