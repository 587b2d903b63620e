# SPDX-License-Identifier: BSD-3-Clause
"""Which class a client is of, by steerd-policy(5), with exact arithmetic and no tree: all addresses are cut where any
prefix begins or ends, and the rules are asked once per piece. Pieces of one class that touch are one; the scope of an
answer is the shortest prefix of the client that such a piece holds whole."""
import bisect
import collections
import ipaddress
import json
import math

BITS = {4: 32, 6: 128}
NETWORK = {4: ipaddress.IPv4Network, 6: ipaddress.IPv6Network}
CONTINENTS = {"US": "NA", "CA": "NA", "DE": "EU", "FR": "EU", "GB": "EU", "BR": "SA", "JP": "AS", "AU": "OC", "ZA": "AF"}
NARROWEST_FIRST = ("asn", "city", "subdivision", "country", "continent")

# Where IPv6 spells IPv4 addresses: from which bit on, and whether all of its bits are turned.
WAYS = [(ipaddress.IPv6Network(network), at, flipped) for network, at, flipped in (
    ("::/96", 96, False), ("::ffff:0:0/96", 96, False), ("::ffff:0:0:0/96", 96, False), ("64:ff9b::/96", 96, False),
    ("2001::/32", 96, True), ("2002::/16", 16, False))]

# What a database says of a network; None and () where it does not know.
Facts = collections.namedtuple("Facts", "continent country subdivisions city city_id asn location")
NOTHING = Facts(None, None, (), None, None, None, None)

# identity: equal for clients that get the same; tiers: None for those of the name; order: of places, for "nearest"
Class = collections.namedtuple("Class", "identity rule order")


def as_list(value):
    return value if isinstance(value, list) else [value]


def read_asn(value):
    return int(value[2:]) if isinstance(value, str) else value


def fill(facts, more):
    """`facts` of the databases so far, and what the next one adds: what is finer than a country only of the same."""
    if more.country and facts.country and more.country != facts.country:
        more = NOTHING._replace(asn=more.asn)
    city = facts.city or facts.city_id
    return Facts(*[mine or theirs for mine, theirs in zip(facts, more)])._replace(
        city=facts.city if city else more.city, city_id=facts.city_id if city else more.city_id)


def list_networks(network):
    """IPv4 is a part of the IPv6 tree of a database, ::/96, and what it says there holds for such addresses, too."""
    return [network] + ([ipaddress.IPv6Network((int(network.network_address), 96 + network.prefixlen))]
                        if network.version == 4 else [])


class Databases:
    """Each a list of (network, Facts); a longer network counts instead of a shorter one, in the same database."""

    def __init__(self, databases, centroids):
        self.databases = [{each: facts for network, facts in database for each in list_networks(network)}
                          for database in databases]
        self.centroids = centroids

    def networks(self):
        return [network for database in self.databases for network in database]

    def look_up(self, address):
        facts = NOTHING
        for database in self.databases:
            around = [network for network in database if network.version == address.version and address in network]
            if around:
                facts = fill(facts, database[max(around, key=lambda network: network.prefixlen)])
        return facts

    def locate(self, facts):
        return facts.location or self.centroids.get(facts.country)


def matches(when, facts, address):
    """None, or how narrow the rule is for this client: larger is narrower."""
    known = {"asn": {facts.asn}, "city": {facts.city and facts.city.lower(), facts.city_id},
             "subdivision": {text.lower() for text in facts.subdivisions}, "country": {facts.country},
             "continent": {facts.continent}}
    for kind in NARROWEST_FIRST:
        if kind in when:
            wanted = [read_asn(value) if kind == "asn" else value for value in as_list(when[kind])]
            wanted = {value.lower() if isinstance(value, str) and kind in ("city", "subdivision") else value
                      for value in wanted}
            if not wanted & (known[kind] - {None}):
                return None
    length = -1
    if "cidr" in when:
        networks = [ipaddress.ip_network(text) for text in as_list(when["cidr"])]
        around = [network.prefixlen for network in networks if network.version == address.version and address in network]
        if not around:
            return None
        length = max(around)
    return (length, *[kind in when for kind in NARROWEST_FIRST])


def choose_rule(rules, facts, address):
    """The number of the rule that wins, or None."""
    best, narrowest = None, None
    for number, rule in enumerate(rules):
        narrow = matches(rule["when"], facts, address)
        if narrow is not None and (narrowest is None or narrow > narrowest):
            best, narrowest = number, narrow
    return best


def distance(one, other):
    """Great circle, in radians (haversine)."""
    (lat1, lon1), (lat2, lon2) = [map(math.radians, place) for place in (one, other)]
    half = math.sin((lat2 - lat1) / 2) ** 2 + math.cos(lat1) * math.cos(lat2) * math.sin((lon2 - lon1) / 2) ** 2
    return 2 * math.asin(math.sqrt(min(1, half)))


def read_nearest(tiers):
    """(how many, whether all others follow), or None for tiers as listed."""
    if tiers == "nearest":
        return 3, True
    if isinstance(tiers, dict):
        return tiers["nearest"], tiers.get("others", True)
    return None


def order_sites(sites, count, place):
    """Numbers of the nearest ones; as they are listed for a client of whom nothing is known, and between equals."""
    if place is None:
        return tuple(range(min(count, len(sites))))
    return tuple(sorted(range(len(sites)), key=lambda number: distance(sites[number], place))[:count])


class Geography:
    """Of one name: its rules, its own tiers, the places of its endpoints in the order of the topology, and which rules
    give what the name gives."""

    def __init__(self, databases, rules, tiers, sites, is_default):
        self.databases, self.rules, self.tiers, self.sites = databases, rules, tiers, sites
        self.defaults = {number for number, rule in enumerate(rules) if is_default(rule)}
        own = [network for network in self.list_prefixes() if network.version == 6]
        self.ways = [way for way in WAYS if not any(network.subnet_of(way[0]) for network in own)]
        self.pieces = {}
        for version in BITS:
            self.pieces[version] = self.cut(version)

    def list_prefixes(self):
        return [ipaddress.ip_network(text) for rule in self.rules for text in as_list(rule["when"].get("cidr", []))]

    def find_way(self, address):
        return next((way for way in self.ways if address.version == 6 and address in way[0]), None)

    def is_flipped(self, way):
        """Its addresses are looked up one by one: what they stand for is at their end, so no piece is one of them."""
        return way is not None and way[2] and len(self.pieces[4]) > 1

    def translate(self, address):
        """To the IPv4 address that it stands for; else it is itself."""
        way = self.find_way(address)
        if way is None:
            return address
        bits = int(address) >> (128 - 32 - way[1]) & 0xffffffff
        return ipaddress.IPv4Address(bits ^ (0xffffffff if way[2] else 0))

    def classify(self, address):
        if self.is_flipped(self.find_way(address)):
            return Class("flipped", None, None)
        address = self.translate(address)
        facts = self.databases.look_up(address)
        number = choose_rule(self.rules, facts, address)
        number = None if number in self.defaults else number
        said = {"tiers": self.tiers} if number is None else {
            key: value for key, value in self.rules[number].items() if key != "when" and value is not False}
        nearest = read_nearest(said["tiers"])
        order = None
        if nearest is not None:
            order = order_sites(self.sites, nearest[0], self.databases.locate(facts))
            said = {**said, "tiers": nearest}
        elif number is None:
            said = "default"
        return Class(json.dumps([said, order], sort_keys=True), number, order)

    def find_unknown(self):
        """The class of a client of whom nothing is known: no address, no rule."""
        nearest = read_nearest(self.tiers)
        return Class("unknown", None, None if nearest is None else order_sites(self.sites, nearest[0], None))

    def cut(self, version):
        """[(first address, class)], ascending; each holds until the next one begins."""
        networks = self.databases.networks() if self.rules or read_nearest(self.tiers) else []
        networks = networks + self.list_prefixes()
        edges = {0}
        for network in networks:
            if network.version == version:
                edges |= {int(network.network_address), int(network.broadcast_address) + 1}
        inside = []
        for network, at, flipped in self.ways if version == 6 else []:
            first = int(network.network_address)
            behind = int(network.broadcast_address) + 1
            edges = {edge for edge in edges if not first <= edge < behind} | {behind}
            inside += [(first + (edge << (128 - 32 - at)), found) for edge, found in self.pieces[4]] if not flipped else [
                (first, self.classify(network.network_address))]
        outside = [(edge, None) for edge in edges - {1 << BITS[version], *(edge for edge, _ in inside)}]
        pieces = []
        for edge, found in sorted(inside + outside, key=lambda piece: piece[0]):
            found = found or self.classify(NETWORK[version]((edge, BITS[version])).network_address)
            if not pieces or pieces[-1][1].identity != found.identity:
                pieces.append((edge, found))
        return pieces

    def find(self, address):
        """(class, scope)"""
        way = self.find_way(address)
        if self.is_flipped(way):
            found, scope = self.find(self.translate(address))
            return found, way[1] + scope
        version, number = address.version, int(address)
        pieces = self.pieces[version]
        at = bisect.bisect_right(pieces, number, key=lambda piece: piece[0]) - 1
        first = pieces[at][0]
        last = (pieces[at + 1][0] if at + 1 < len(pieces) else 1 << BITS[version]) - 1
        for scope in range(BITS[version] + 1):
            low = number >> (BITS[version] - scope) << (BITS[version] - scope)
            if low >= first and low + (1 << (BITS[version] - scope)) - 1 <= last:
                return pieces[at][1], scope
        raise AssertionError("an address is in its own piece")
