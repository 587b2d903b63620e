# SPDX-License-Identifier: BSD-3-Clause
"""A random configuration by its seed: topology, databases, policies, clients and what happens to the endpoints. Only
documents come out of here; what they mean is the oracle's business. Everything drawn is valid: the generator leaves out
what steerd --check would refuse."""
import ipaddress
import random

import oracle
import places

ORIGINS = ("example.com", "example.net")
CHECK_PORT, LOW = 18081, 10
CITIES = [("US", "VA", "Virginia", "Ashburn", 4744870, 38.9, -77.5), ("US", "OR", "Oregon", "Boardman", 5714964, 45.8, -119.7),
          ("CA", "QC", "Quebec", "Montreal", 6077243, 45.5, -73.6), ("DE", "HE", "Hesse", "Frankfurt", 2925533, 50.1, 8.7),
          ("FR", "IDF", "Ile-de-France", "Paris", 2988507, 48.9, 2.4), ("US", "TX", "Texas", "Paris", 4717560, 33.7, -95.6),
          ("GB", "ENG", "England", "London", 2643743, 51.5, -0.1), ("BR", "SP", "Sao Paulo", "Sao Paulo", 3448439, -23.5, -46.6),
          ("JP", "13", "Tokyo", "Tokyo", 1850147, 35.7, 139.7), ("AU", "NSW", "New South Wales", "Sydney", 2147714, -33.9, 151.2),
          ("ZA", "WC", "Western Cape", "Cape Town", 3369157, -33.9, 18.4)]
ROOTS = [ipaddress.ip_network(text) for text in ("10.0.0.0/8", "10.32.0.0/11", "127.0.0.0/8", "2001:db8::/32",
                                                 "2001:db8:40::/42")]
NEEDS = [1, 2, 3, "25%", "50%", 0.5, "66.67%", "80%", "100%"]
SHARES = ["1%", "5%", "12.5%", "20%", "40%"]
WEIGHTS = [0, 1, 1, 1, 2, 5, 10, 60, 65535]


class World:
    """new_address(): of an endpoint that is checked; new_v6_address() likewise, None: there are none to have. All else
    follows from the seed."""

    def __init__(self, seed, new_address, new_v6_address=None):
        self.random, self.new_address = random.Random(seed), new_address
        self.more = random.Random(-seed - 1)  # what came later leaves the worlds of old seeds as they were
        self.firsts = random.Random(f"first {seed}")  # likewise
        self.apart = random.Random(f"families {seed}")  # likewise
        self.checked = {}  # endpoint -> type -> address
        self.holds = self.chance(0.25)  # who came back when is only known where overrides decide alone
        self.topology = self.make_topology()
        if new_v6_address is not None:
            self.add_families(new_v6_address)
        self.watched = self.add_watermarks()
        self.known = oracle.Topology(self.topology)
        self.databases = [self.make_database(kind) for kind in self.some(["maxmind", "flat", "asn"], 0.7)]
        self.shared = {f"set{number}": self.make_rules(None) for number in range(self.random.randint(0, 2))}
        self.topology["geo_rules"] = {name: rules for name, rules in self.shared.items() if self.chance(0.5)}
        self.policies = {origin: self.make_policy() for origin in ORIGINS}
        for policy in self.policies.values():
            for owner, name in policy["names"].items():
                self.add_records(owner, name)
        self.clients = self.make_clients()

    # ---- drawing ----

    def chance(self, share):
        return self.random.random() < share

    def some(self, items, share=0.5):
        return [item for item in items if self.chance(share)]

    def one_or_more(self, items, most=3):
        return self.random.sample(items, min(len(items), self.random.randint(1, most)))

    def maybe(self, share, key, make):
        """A key, or none, for a document."""
        return {key: make()} if self.chance(share) else {}

    def network(self, root=None):
        """A prefix somewhere below a root, often near others."""
        root = root or self.random.choice(ROOTS)
        length = min(root.prefixlen + self.random.choice([1, 2, 3, 5, 8, 9, 13, 16, 20, 24, 32, 96]), root.max_prefixlen)
        bits = self.random.getrandbits(length - root.prefixlen) if length > root.prefixlen else 0
        bits &= self.random.choice([-1, 3, 1])  # crowd them
        number = int(root.network_address) + (bits << root.max_prefixlen - length)
        return places.NETWORK[root.version]((number, length))

    # ---- topology ----

    def location(self):
        city = self.random.choice(CITIES)
        return [city[5] + self.random.randint(-3, 3), city[6] + self.random.randint(-3, 3)]

    def make_topology(self):
        regions, endpoints = {}, {}
        capacities = self.random.choice(["none", "some", "all"])
        for number in range(self.random.randint(1, 4)):
            azs = {f"r{number}-{letter}": self.maybe(0.1, "location", self.location) |
                   self.maybe(0.3, "lost_at", lambda: self.random.choice([0.3, 0.5, "67%"]))
                   for letter in "abc"[:self.random.randint(1, 3)]}
            regions[f"r{number}"] = {"location": self.location(), "azs": azs} | self.maybe(0.2, "lost_at", lambda: "50%")
        azs = [az for region in regions.values() for az in region["azs"]]
        for number in range(self.random.randint(2, 16)):
            name = f"{self.random.choice(['web', 'api', 'db'])}{number}"
            endpoints[name] = self.make_endpoint(azs, capacities, number)
            if not self.holds and self.chance(0.4):
                self.checked[name] = {"A": self.new_address()}
                endpoints[name] |= {"addresses": [self.checked[name]["A"]], "checks": ["port"]}
        groups = {f"group{number}": self.one_or_more([*endpoints, "web*", "*1*"], 4) for number in range(3)}
        groups = {name: [item for item in items if any(oracle.fits(item, endpoint) for endpoint in endpoints)]
                  for name, items in groups.items()}
        return {"regions": regions, "endpoints": endpoints, "groups": {name: items for name, items in groups.items() if items},
                "checks": {"port": {"type": "tcp", "port": CHECK_PORT, "interval": "300ms", "timeout": "300ms", "fall": 2, "rise": 1}}}

    def add_families(self, new_v6_address):
        """To some of those that are checked; most of them have both families fail apart."""
        if self.apart.random() < 0.3:
            self.topology["families"] = self.apart.choice(["apart", "together"])
        for name, addresses in self.checked.items():
            if self.apart.random() < 0.6:
                addresses["AAAA"] = new_v6_address()
                self.topology["endpoints"][name]["addresses"].append(addresses["AAAA"])
            if self.apart.random() < 0.2:
                self.topology["endpoints"][name]["families"] = self.apart.choice(["apart", "together"])

    def make_endpoint(self, azs, capacities, number):
        v4, v6 = f"198.18.0.{number + 1}", f"2001:db8:ffff::{number + 1:x}"
        addresses = self.random.choice([[v4], [v4], [v6], [v4, v6]])
        has_capacity = capacities == "all" or (capacities == "some" and self.chance(0.7))
        return {"az": self.random.choice(azs), "addresses": addresses} | self.maybe(0.1, "location", self.location) | \
            self.maybe(0.6, "weight", lambda: self.random.choice(WEIGHTS)) | \
            ({"capacity": self.random.choice([1, 10, 100, 250, 1000])} if has_capacity else {})

    # ---- databases ----

    def make_database(self, kind):
        """(layout, [(network, record as written, facts)])"""
        entries = {}
        for _ in range(self.random.randint(3, 25)):
            network = self.network()
            entries[network] = getattr(self, "make_" + kind)()
        return kind, [(network, *entry) for network, entry in entries.items()]

    def make_maxmind(self):
        code, iso, state, city, number, latitude, longitude = self.random.choice(CITIES)
        record = {"country": {"iso_code": code}, "continent": {"code": places.CONTINENTS[code]}}
        facts = places.NOTHING._replace(country=code, continent=places.CONTINENTS[code])
        if self.chance(0.6):
            record["subdivisions"] = [{"iso_code": iso, "names": {"en": state}}]
            record["city"] = {"geoname_id": number, "names": {"en": city}}
            facts = facts._replace(subdivisions=(f"{code}-{iso}", f"{code}-{state}"), city=city, city_id=number)
        if self.chance(0.6):
            record["location"] = {"latitude": latitude, "longitude": longitude}
            facts = facts._replace(location=(latitude, longitude))
        return record, facts

    def make_flat(self):
        code, _, state, city, _, latitude, longitude = self.random.choice(CITIES)
        facts = places.NOTHING._replace(country=code, continent=places.CONTINENTS[code])
        if self.chance(0.5):
            return {"country_code": code}, facts
        return {"country_code": code, "state1": state, "city": city, "latitude": latitude, "longitude": longitude}, \
            facts._replace(subdivisions=(f"{code}-{state}",), city=city, location=(latitude, longitude))

    def make_asn(self):
        number = self.random.randint(64496, 64500)
        return {"autonomous_system_number": number}, places.NOTHING._replace(asn=number)

    # ---- policies ----

    def make_when(self):
        city = self.random.choice(CITIES)
        kinds = {"cidr": lambda: [str(network) for network in {self.network() for _ in range(self.random.randint(1, 3))}],
                 "asn": lambda: self.random.choice([64496, "AS64497", [64498, 64499]]),
                 "city": lambda: self.random.choice([city[3].upper(), city[4], [city[3], "Nowhere"]]),
                 "subdivision": lambda: self.random.choice([f"{city[0]}-{city[1]}", f"{city[0].lower()}-{city[2].lower()}"]),
                 "country": lambda: self.random.choice([city[0], [city[0], self.random.choice(CITIES)[0]]]),
                 "continent": lambda: self.random.choice(["NA", "EU", ["AS", "OC"]])}
        return {kind: kinds[kind]() for kind in self.one_or_more(list(kinds), self.random.choice([1, 1, 1, 2]))}

    def references(self, endpoints):
        """What tiers of a name may hold: everything that has one of its endpoints inside."""
        topology = self.known
        azs, regions = {topology.az(name) for name in endpoints}, {topology.region(name) for name in endpoints}
        groups = [group for group in topology.groups if topology.expand(group) & set(endpoints)]
        patterns = [pattern for pattern in ("web*", "api*", "*2") if topology.expand(pattern) & set(endpoints)]
        return sorted(azs) + sorted(regions) + groups + patterns + sorted(endpoints)

    def make_listed(self, endpoints):
        """Tiers of which none is empty. endpoints None: of a shared set, where they may be."""
        names = list(self.known.endpoints) if endpoints is None else endpoints
        tiers, taken, trickles = [], set(), 0.0
        for _ in range(self.random.choice([1, 2, 2, 3, 4])):
            members = self.one_or_more(self.references(names), 2)
            inside = set(self.known.expand_all(members)) & set(names)
            if not inside - taken:
                continue
            taken |= inside
            more = self.maybe(0.2, "min_healthy", lambda: self.random.choice(NEEDS)) | \
                self.maybe(0.2, "spill_below", lambda: self.random.choice(NEEDS))
            if tiers and trickles < 0.3 and self.chance(0.3):
                more["trickle"] = self.random.choice(["1%", 0.05, "20%"])
                trickles += float(oracle.read_share(more["trickle"]))
            tiers.append({"members": members, **more} if more or self.chance(0.1) else members)
        return tiers

    def make_tiers(self, endpoints):
        return self.random.choice(["nearest", {"nearest": self.random.randint(1, 4), "others": self.chance(0.5)}]) \
            if self.chance(0.25) else self.make_listed(endpoints)

    def make_rules(self, endpoints):
        rules = []
        for _ in range(self.random.randint(1, 6)):
            if rules and self.chance(0.2):
                rules.append({**self.random.choice(rules), "when": self.make_when()})  # a class of several rules
                continue
            rules.append({"when": self.make_when(), "tiers": self.make_tiers(endpoints)} |
                         self.maybe(0.3, "fence", lambda: self.chance(0.8)) |
                         self.maybe(0.15, "spill", lambda: "next") | self.maybe(0.3, "fallback", self.make_fallback))
        return rules

    def make_fallback(self):
        kinds = ["all", "static", "nodata", "servfail"]

        def choose():
            return "first" if self.firsts.random() < 0.4 else self.random.choice(kinds)
        if self.chance(0.3):
            return {"pool": self.one_or_more(list(self.known.endpoints), 3)} | self.maybe(0.6, "then", choose)
        return choose()

    def make_weights(self, endpoints):
        keys = [key for key in ("web*", "*", *self.known.groups, *endpoints) if self.known.expand(key) & set(endpoints)]
        weights, shares = {}, 0.0
        for key in self.one_or_more(keys, 3):
            share = self.random.choice(SHARES)
            if self.chance(0.5) and shares + float(oracle.read_share(share)) <= 1:
                weights[key] = share
                shares += float(oracle.read_share(share))
            else:
                weights[key] = self.random.choice(WEIGHTS)
        return weights

    def is_lost_on(self, rules, endpoints):
        """Has the name no endpoint in a rule of a shared set?"""
        return any(isinstance(rule["tiers"], list) and not any(
            set(self.known.expand_all(tier["members"] if isinstance(tier, dict) else tier)) & set(endpoints)
            for tier in rule["tiers"]) for rule in rules)

    def make_name(self):
        chosen = self.one_or_more([*self.known.endpoints, *self.known.groups, "*", "*", "web*"], 4)
        endpoints = self.known.expand_all([item for item in chosen if self.known.expand(item)] or ["*"])
        name = {"endpoints": [item for item in chosen if self.known.expand(item)] or ["*"],
                "ttl": self.random.choice([5, 30, 60, "2m"]),
                "pick": self.random.choice(["weighted", "weighted", "weighted", "round-robin", "all", "sticky"]),
                "answers": self.random.choice([1, 1, 1, 2, 3, 8]), "fallback": self.make_fallback()}
        name |= self.maybe(0.3, "weights", lambda: self.make_weights(endpoints))
        name |= self.maybe(0.8, "tiers", lambda: self.make_tiers(endpoints))
        name |= self.maybe(0.3, "min_healthy", lambda: self.random.choice(NEEDS))
        name |= self.maybe(0.4, "spill_below", lambda: self.random.choice(NEEDS))
        name |= self.maybe(0.5, "ttl_failing", lambda: self.random.choice([1, 3, 5]))
        if self.chance(0.6):
            fitting = [key for key, rules in self.shared.items() if not self.is_lost_on(rules, endpoints)]
            name["geo"] = self.random.choice(fitting) if fitting and self.chance(0.3) else self.make_rules(endpoints)
        if name["pick"] == "sticky" and self.chance(0.5):
            name["sticky"] = {"ipv4_prefix": self.random.choice([8, 12, 24, 32]), "ipv6_prefix": self.random.choice([32, 56, 64])}
            name["sticky"] |= {"hold": "24h"} if self.holds else {}
        if all(self.known.capacity(endpoint) for endpoint in self.known.endpoints):
            name |= self.maybe(0.5, "spill", lambda: "capacity")
        return name

    # ---- records and loads ----

    def add_watermarks(self):
        """The endpoints that shed, in half of the worlds."""
        share = self.more.choice([0, 0, 0.5, 0.9])
        watched = [name for name in self.topology["endpoints"] if self.more.random() < share]
        for name in watched:
            self.topology["endpoints"][name]["load"] = {"low": LOW, "high": LOW + 32, "max_age": "1h"}
        return watched

    def draw_loads(self):
        """Whole steps of 1/32, none of them and all included."""
        return {("load", name): LOW + self.more.choice([-5, 0, 1, 8, 16, 24, 31, 32, 32, 32, 50])
                for name in self.watched if self.more.random() < 0.7}

    def add_records(self, owner, name):
        """Some names answer with records, or with a CNAME alone."""
        endpoints = self.known.expand_all(name["endpoints"])
        if self.more.random() < 0.55:
            return
        if owner != "@" and self.more.random() < 0.3:
            name |= {"answers": 1, "pick": "weighted" if name["pick"] == "all" else name["pick"],
                     "records": {"CNAME": self.draw_records("CNAME", endpoints, 1)}}
            return
        rtypes = self.more.sample(["MX", "TXT", "SRV", "A", "AAAA"], self.more.choice([1, 1, 2, 3]))
        name["records"] = {rtype: self.draw_records(rtype, endpoints, 2) for rtype in rtypes}
        if self.more.random() < 0.6:
            name["addresses"] = self.more.random() < 0.8

    def draw_records(self, rtype, endpoints, most):
        """By keys of all kinds. One endpoint has some in any case: a name without any is not steered, and may not exist."""
        keys = [*self.references(endpoints), "*"]
        keys = list(dict.fromkeys([self.more.choice(endpoints), *self.more.sample(keys, min(len(keys), self.more.randint(0, 5)))]))
        found = {key: [self.draw_rdata(rtype) for _ in range(self.more.randint(most and 1, most))] for key in keys}
        for key in keys[1:]:
            if self.more.random() < 0.1:
                found[key] = []
        return {key: rdata[0] if len(rdata) == 1 and self.more.random() < 0.5 else list(dict.fromkeys(rdata))
                for key, rdata in found.items()}

    def draw_rdata(self, rtype):
        number = self.more.randint(0, 40)
        target = self.more.choice([f"n{number % 6}", f"t{number}.example.org."])
        return {"A": f"203.0.113.{number}", "AAAA": f"2001:db8:eeee::{number:x}", "CNAME": f"c{number}.example.org.",
                "MX": f"{number} {target}", "SRV": f"1 {number} 443 {target}", "TXT": f'"text{number}"'}[rtype]

    def make_policy(self):
        names = {f"n{number}": self.make_name() for number in range(6)}
        names["*.wild"], names["@"] = self.make_name(), self.make_name()
        own = {name: rules for name, rules in self.shared.items() if name not in self.topology["geo_rules"]}
        return {"names": names} | ({"geo_rules": own} if own else {}) | \
            self.maybe(0.5, "ttl_floor", lambda: self.random.choice([2, 4, 20]))

    def make_zone(self, number):
        """Static records of some names, of addresses that no endpoint has."""
        lines = []
        for owner in self.policies[ORIGINS[number]]["names"]:
            for rtype, address in ("A", f"192.0.2.{number}"), ("AAAA", f"2001:db8:dddd::{number}"):
                if self.chance(0.4):
                    lines.append(f"{owner} {self.random.choice([2, 60, 300])} IN {rtype} {address}\n")
            if self.more.random() < 0.4:
                lines.append(f'{owner} 90 IN TXT "static{number}"\n')
            if "CNAME" in self.policies[ORIGINS[number]]["names"][owner].get("records", {}):
                lines = [line for line in lines if line.split()[0] != owner]
            lines += self.list_lacking(number, owner, lines)
        lines += [f"mail IN MX 10 n{n}\n" for n in range(6)] + [f"alias{n} 60 IN CNAME n{n}\n" for n in range(6)]
        return "".join(lines)

    def list_lacking(self, number, owner, lines):
        """Static records that a name cannot be without that falls back on them."""
        document = self.policies[ORIGINS[number]]["names"][owner]
        rules = document.get("geo", [])
        rules = self.shared[rules] if isinstance(rules, str) else rules
        if not oracle.wants_static(document, rules):
            return []
        endpoints = {*self.known.expand_all(document["endpoints"]), *oracle.find_spares(document, rules, self.known)}
        steered = oracle.Records(ORIGINS[number], document, self.known).types(endpoints)
        lacking = steered - {line.split()[3] for line in lines if line.split()[0] == owner}
        if not {"A", "AAAA"} & steered <= lacking:
            lacking -= {"A", "AAAA"}
        rdata = {"A": f"192.0.2.{number}", "AAAA": f"2001:db8:dddd::{number}", "CNAME": "static.example.org.",
                 "MX": "7 static.example.org.", "SRV": "7 7 443 static.example.org.", "TXT": f'"static{number}"'}
        return [f"{owner} 60 IN {rtype} {rdata[rtype]}\n" for rtype in sorted(lacking)]

    # ---- clients and events ----

    def make_clients(self):
        """Networks as resolvers send them: at and around the edges of everything that was drawn, and anywhere."""
        edges = [network for _, entries in self.databases for network, *_ in entries]
        rules = [rule for policy in self.policies.values() for name in policy["names"].values()
                 for rule in (name.get("geo", []) if isinstance(name.get("geo"), list) else [])]
        rules += [rule for rules in self.shared.values() for rule in rules]
        edges += [ipaddress.ip_network(text) for rule in rules for text in rule["when"].get("cidr", [])]
        clients = {self.network() for _ in range(20)} | {ipaddress.ip_network(text) for text in ("9.9.9.0/24", "2600::/56",
                                                                                              "128.0.0.0/1", "8000::/1")}
        for edge in edges:
            low, high = int(edge.network_address), int(edge.broadcast_address)
            top = (1 << edge.max_prefixlen) - 1
            for number in low, high, max(low - 1, 0), min(high + 1, top):
                length = self.random.choice([edge.max_prefixlen, 24 if edge.version == 4 else 56])
                clients.add(places.NETWORK[edge.version]((number, length), strict=False))
        return sorted(clients, key=lambda network: (network.version, network))

    def draw_verdicts(self, name):
        """Of both families often the same."""
        verdict = self.random.choice(["healthy", "healthy", "unhealthy"])
        verdicts = dict.fromkeys(self.checked[name], verdict)
        if "AAAA" in verdicts and self.apart.random() < 0.6:
            verdicts["AAAA"] = self.apart.choice(["healthy", "unhealthy"])
        return verdicts

    def make_events(self, count):
        """[{(kind, name): "auto", "drain", "up" or "down"; ("check", name): type -> "healthy" or "unhealthy";
        ("load", name): what it reports; ("plan", (kind, name)): the state of later}], each on top of
        those before."""
        targets = [("region", name) for name in self.known.regions] + [("az", name) for name in self.known.region_of] + \
            [("endpoint", name) for name in self.known.endpoints] * 2
        events = []
        for _ in range(count):
            chosen = self.random.sample(targets, min(len(targets), self.random.choice([1, 2, 4, 8])))
            events.append({target: self.random.choice(["auto", "auto", "auto", "drain", "down", "up"])
                           for target in dict.fromkeys(chosen)})
            events[-1] |= {("check", name): self.draw_verdicts(name) for name in self.some(list(self.checked), 0.5)}
            if self.more.random() < 0.4:
                events[-1] |= self.draw_loads()
            if self.more.random() < 0.5:
                events[-1] |= {("plan", target): self.more.choice(["drain", "down", "up"])
                               for target in self.more.sample(targets, min(len(targets), self.more.choice([1, 2])))}
        return events
