# SPDX-License-Identifier: BSD-3-Clause
"""gdnsd's admin_state -> orders for steerctl. Overrides live in a server and not in its files, so they are told as
commands, in the order of the file: later ones override earlier ones there as here.

A data centre of one resource is overridden by `--names`, for which the topology has a group of the names that have this
resource; where no other names have its endpoints, no group is needed. Only a drain is about some names: DOWN becomes one
there, and UP would be about all of them, so it has no command."""
import fnmatch

GROUPS_MAX = 64  # in a topology
VERBS = {"UP": "up", "DOWN": "down"}
META = ("metafo", "geoip")
REASON = "--reason gdnsd"


def resource_of(name):
    """The resource of a name, without the data centre that it may be about."""
    plugin, _, resource = name.resource.partition("!")
    return (plugin, resource.partition("/")[0]) if plugin in META else None


class Overrides:
    def __init__(self, names, topology, geo_maps):
        self.names, self.topology = names, topology
        self.maps = geo_maps  # resource of geoip -> its map
        self.groups = self.make_groups()

    def make_groups(self):
        """resource -> name of its group: of those whose endpoints others have, too."""
        users, members = {}, {}
        for name in self.names:
            resource = resource_of(name)
            members.setdefault(resource, []).append(name)
            for endpoint in self.endpoints(name):
                users.setdefault(endpoint, set()).add(resource)
        shared = [resource for resource, own in members.items() if resource is not None and
                  any(len(users[endpoint]) > 1 for name in own for endpoint in self.endpoints(name))]
        return {resource: self.topology.names.make(resource[1]) for resource in shared[:GROUPS_MAX]}

    def endpoints(self, name, plugin=None, datacenter=None):
        return list(dict.fromkeys(
            self.topology.get(tier, target).name for tier in name.plan.all_tiers() for target in tier.targets
            if datacenter is None or (plugin, datacenter) in tier.path))

    def documents(self):
        """"name_groups" of the topology."""
        made = {group: [] for group in self.groups.values()}
        for name in self.names:
            group = self.groups.get(resource_of(name))
            if group is not None:
                made[group].append(name.origin if name.owner == "@" else
                                   name.owner if name.owner.endswith(".") else
                                   f"{name.owner}." if name.origin == "." else f"{name.owner}.{name.origin}")
        return made

    # ---- commands ----

    def convert(self, key, value):
        """The commands for a line of admin_state; none: nothing that a zone names is meant."""
        state, _, ttl = value.partition("/")
        verb = VERBS.get(state.upper())
        if verb is None:
            return []
        options = f"--ttl {int(ttl)} {REASON}" if ttl.isdecimal() else REASON
        return [f"{command} {options}" for command in
                dict.fromkeys(self.convert_datacenters(key, verb) + self.convert_services(key, verb))]

    def convert_services(self, key, verb):
        """THING/service_type"""
        made = []
        for endpoint in self.topology.endpoints.values():
            things = endpoint.target.addresses or (f"{endpoint.target.host}.",)
            services = endpoint.checks or ("up",)
            if any(fnmatch.fnmatchcase(f"{thing}/{service}", key) for thing in things for service in services):
                made.append(f"steerctl {verb} endpoint:{endpoint.name}")
        return made

    def convert_datacenters(self, key, verb):
        """plugin/resource/datacenter, or of geoip also plugin/map/datacenter"""
        made = []
        for name in self.names:
            resource = resource_of(name)
            scopes = [] if resource is None else [resource[1], self.maps.get(resource[1], resource[1])]
            places = {place for tier in name.plan.all_tiers() for place in tier.path}
            for plugin, datacenter in sorted(places):
                if any(fnmatch.fnmatchcase(f"{plugin}/{scope}/{datacenter}", key) for scope in scopes):
                    made += self.command(verb, name, plugin, datacenter, self.groups.get(resource))
        return made

    def command(self, verb, name, plugin, datacenter, group):
        """By region or az where that is all that the name has there, else endpoint by endpoint."""
        if group and verb == "up":
            return []
        verb, only = ("drain", f" --names {group}") if group else (verb, "")
        inside = self.endpoints(name, plugin, datacenter)
        objects = [endpoint for endpoint in self.topology.endpoints.values() if endpoint.name in self.endpoints(name)]
        for kind, field in ("region", "region"), ("az", "az"):
            wanted = {getattr(endpoint, field) for endpoint in objects if endpoint.name in inside}
            held = {endpoint.name for endpoint in objects if getattr(endpoint, field) in wanted}
            if len(wanted) == 1 and held == set(inside):
                return [f"steerctl {verb} {kind}:{wanted.pop()}{only}"]
        return [f"steerctl {verb} endpoint:{endpoint}{only}" for endpoint in inside]
