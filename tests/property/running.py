# SPDX-License-Identifier: BSD-3-Clause
"""A world with a real steerd in it: databases and documents on disk, ports that open and close behind the checks, and
the oracle beside it. What the server says is held to what the oracle expects."""
import collections
import ipaddress
import itertools
import json
import math
import random
import re
import selectors
import socket
import threading
import time

import dns.query
import dns.rdatatype

import asking
import kit
import mmdb
import oracle
import places
import world

COPY_PATIENCE_S = 10
NEGATIVE_TTL = 30  # of kit.SOA
LAYOUTS = {"maxmind": {"record_size": 24}, "flat": {"record_size": 28}, "asn": {"record_size": 32}}


class Ports:
    """What checks connect to: an address listens while its endpoint is to be healthy."""

    def __init__(self):
        self.selector, self.listeners, self.ended = selectors.DefaultSelector(), {}, False
        self.lock, self.thread = threading.Lock(), threading.Thread(target=self.serve, daemon=True)
        self.thread.start()

    def serve(self):
        while not self.ended:
            with self.lock:
                ready = self.selector.select(0) if self.listeners else []
                for key, _ in ready:
                    try:
                        key.fileobj.accept()[0].close()
                    except OSError:
                        pass  # the check went away first
            if not ready:
                self.nap()

    @staticmethod
    def nap():
        threading.Event().wait(0.02)

    def open(self, address):
        with self.lock:
            if address not in self.listeners:
                listener = socket.socket(socket.AF_INET6 if ":" in address else socket.AF_INET)
                listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                listener.bind((address, world.CHECK_PORT))
                listener.listen(64)
                listener.setblocking(False)
                self.listeners[address] = listener
                self.selector.register(listener, selectors.EVENT_READ)

    def shut(self, address):
        with self.lock:
            listener = self.listeners.pop(address, None)
            if listener is not None:
                self.selector.unregister(listener)
                listener.close()

    def close(self):
        self.ended = True
        self.thread.join()
        for address in list(self.listeners):
            self.shut(address)


class Case(collections.namedtuple("Case", "origin name owner rtype subnet source")):
    """A question: owner as it is asked, subnet None for clients that are known by their source only."""
    def __str__(self):
        return f"{self.owner} {self.rtype} from {self.subnet or self.source}: {json.dumps(self.name.document)}"


def is_choice(sets, size, got):
    """Are these the records of so many endpoints?"""
    inside = [one for one in sets if one <= got]
    if len(inside) < size or got != set().union(*inside):
        return False
    return len(inside) == size or any(got == set().union(*chosen) for chosen in itertools.combinations(inside, size))


class Running:
    def __init__(self, site, seed):
        self.site, self.seed = site, seed
        self.network = self.make_network()
        v6 = (f"fd00:7::{number:x}" for number in itertools.count(1))
        self.world = world.World(seed, kit.new_address, None if self.network is None else lambda: next(v6))
        self.random, self.random_ttl = random.Random(seed + 1), random.Random(seed + 2)
        self.ports, self.clients = Ports(), {}
        self.overrides, self.outages, self.observed = {}, collections.defaultdict(list), self.all_healthy()
        self.loads, self.planned, self.ttls, self.now = {}, set(), {}, 0
        self.statics = {}
        self.server = None

    def start(self):
        site, made = self.site, self.world
        site.topology, site.policies = made.topology, made.policies
        site.server["geo"] = []
        site.server["zone_options"] = {"*": {"transfer_to": "127.0.0.0/8", "transfer_steered": "rendered"}}
        for kind, entries in made.databases:
            path = site.folder / f"{kind}.mmdb"
            mmdb.write(path, [(network, record) for network, record, _ in entries], **LAYOUTS[kind])
            site.server["geo"].append(path.name)
        for number, origin in enumerate(world.ORIGINS):
            site.zone(origin, made.make_zone(number))
            self.read_statics(origin, site.zones[origin])
        for rtype, address in self.list_checked():
            if rtype == "AAAA":
                kit.run_ip("address", "add", f"{address}/128", "dev", "lo", "nodad")
            self.ports.open(address)
        self.server = site.start()
        self.names = self.make_names()
        self.advance({})
        return self

    def close(self):
        for client in self.clients.values():
            client.close()
        self.ports.close()
        if self.network is not None:
            self.network.close()

    @staticmethod
    def make_network():
        """Where there are IPv6 addresses to have; only root may."""
        try:
            return kit.Network()
        except PermissionError:
            return None

    def all_healthy(self):
        return {name: dict.fromkeys(addresses, "healthy") for name, addresses in self.world.checked.items()}

    def list_checked(self):
        return [item for addresses in self.world.checked.values() for item in addresses.items()]

    def read_statics(self, origin, text):
        for line in text.splitlines():
            fields = line.split()
            if len(fields) >= 5 and fields[3] in ("A", "AAAA"):
                self.statics[origin, fields[0], fields[3]] = (int(fields[1]), ipaddress.ip_address(fields[4]).compressed)
            elif len(fields) >= 5 and fields[3] in oracle.TYPES:
                self.statics[origin, fields[0], fields[3]] = (int(fields[1]), " ".join(fields[4:]))

    def make_names(self):
        """[(origin, owner of the policy, oracle.Name)]"""
        topology = oracle.Topology(self.world.topology)
        databases = places.Databases([[(network, facts) for network, _, facts in entries]
                                      for _, entries in self.world.databases], self.read_centroids())
        names = []
        for origin, policy in self.world.policies.items():
            sets = {**self.world.topology["geo_rules"], **policy.get("geo_rules", {})}
            for owner, document in policy["names"].items():
                names.append((origin, owner, oracle.Name((origin, owner), document, topology, databases, sets,
                                                         policy.get("ttl_floor", 0))))
        return names

    @staticmethod
    def read_centroids():
        """The points that stand in for countries: the table of the server is data, not logic."""
        table = (kit.TOP / "src/geo/country.c").read_text()
        return {code: (int(latitude) / 10, int(longitude) / 10) for code, latitude, longitude in
                re.findall(r'\{"(\w\w)", "\w\w", (-?\d+), (-?\d+)\}', table)}

    # ---- events ----

    def advance(self, event):
        """Make something happen, and wait until it has."""
        for (kind, name), state in event.items():
            if kind == "check":
                self.observed[name] = state
                for rtype, address in self.world.checked[name].items():
                    (self.ports.open if state[rtype] == "healthy" else self.ports.shut)(address)
                continue
            if kind == "load":
                self.server.put(f"/v1/endpoints/{name}/load", {"value": state})
                self.loads[name] = state
                continue
            if kind == "plan":
                self.plan(name, state)
                continue
            self.server.override(kind, name, state, **self.draw_ttl((kind, name), state))
            self.planned.discard((kind, name))
            self.note_outage((kind, name), self.overrides.pop((kind, name), None), state)
            if state != "auto":
                self.overrides[kind, name] = state
        self.state = oracle.State(oracle.Topology(self.world.topology), dict(self.observed), dict(self.overrides),
                                  {target: list(known) for target, known in self.outages.items()}, dict(self.loads), set(self.planned),
                                  dict(self.ttls))
        self.cache = {}
        self.settle()

    def note_outage(self, target, before, after):
        """In the order of the orders, which are not of one millisecond."""
        blocked, blocks, known = before in ("drain", "down"), after in ("drain", "down"), self.outages[target]
        self.now += 1
        time.sleep(0.003)
        if blocks and not blocked:
            known.append((self.now, math.inf))
        elif blocked and not blocks:
            known[-1] = (known[-1][0], self.now)

    def plan(self, target, state):
        """For a time after the test; not where an override is in force."""
        if target not in self.overrides:
            self.server.override(*target, state, starts_in="24h", **self.draw_ttl(target, state))
            self.planned.add(target)

    def draw_ttl(self, target, state):
        """Of some overrides, shorter than what policies say or longer."""
        self.ttls.pop(target, None)
        if state == "auto" or self.random_ttl.random() > 0.3:
            return {}
        self.ttls[target] = self.random_ttl.choice([0, 1, 4, 100000])
        return {"ttl": self.ttls[target]}

    def settle(self):
        wanted = {name: (self.state.verdict(name), self.state.effective(name), float(self.state.shed(name)),
                         [self.state.verdict(name, rtype) if rtype in self.observed.get(name, ()) else None
                          for rtype in ("A", "AAAA")])
                  for name in self.world.topology["endpoints"]}
        seen = {}

        def is_so():
            items = self.get("/v1/endpoints?limit=100")["items"]
            seen.update({item["name"]: (item["observed"], item["effective"], (item["load"] or {}).get("shed") or 0,
                                        [item["families"][family] if item["name"] in self.observed else None
                                         for family in ("ipv4", "ipv6")]) for item in items})
            return seen == wanted
        try:
            self.server.wait(is_so, "all endpoints are as expected")
        except AssertionError:
            differ = {name: (seen[name], wanted[name]) for name in wanted if seen[name] != wanted[name]}
            raise AssertionError(f"seed {self.seed}: states (theirs, the oracle's): {differ}") from None

    def get(self, path):
        """As server.get(), but not held to the document: the functional tests do that, and it takes long."""
        connection = kit.UnixConnection(self.site.socket)
        try:
            connection.request("GET", path)
            reply = connection.getresponse()
            body = reply.read()
            assert reply.status == 200, (path, body)
            return json.loads(body)
        finally:
            connection.close()

    def explain(self, owner, rtype, address):
        return self.get(f"/v1/explain?name={owner}&type={rtype}&client={address}")

    # ---- questions ----

    def client(self, source):
        if source not in self.clients:
            self.clients[source] = asking.Client(self.site.listen[0], source)
        return self.clients[source]

    def ask(self, case):
        return self.client(case.source).ask(case.owner, case.rtype, case.subnet)

    def make_case(self, origin, owner, name, rtype, subnet):
        asked = {"@": origin, "*.wild": f"{self.random.choice('xyz')}.wild.{origin}"}.get(owner, f"{owner}.{origin}")
        if owner.startswith("n") and rtype != "CNAME" and self.random.random() < 0.1:
            asked = f"alias{owner[1:]}.{origin}"
        source = f"127.{self.random.choice([0, 1, 32, 64])}.0.{self.random.choice([1, 7])}"
        return Case(origin, name, asked, rtype, subnet, source)

    def expect(self, case):
        """(Expected, class), or (None, None) for a type that the name does not steer."""
        name = case.name
        if case.rtype not in name.types():
            return None, None
        address = ipaddress.ip_address(case.source) if case.subnet is None else case.subnet.network_address
        found, scope = name.geography.find(address)
        key = id(name), case.rtype, found.identity, scope, address.version
        if key not in self.cache:
            self.cache[key] = name.expect(found, scope, case.rtype, name.stick_bits(address.version), self.state)
        return self.cache[key], found

    def expect_copy(self, name, rtype):
        """Addresses that a copy of the zone holds: what clients may get of whom nothing is known."""
        if rtype not in name.types():
            return None
        found, scope = name.geography.find_unknown(), 0
        state = oracle.State(self.state.topology, self.state.observed, self.state.overrides)  # a hold plays no part
        expected = name.expect(found, scope, rtype, 0, state)
        if expected.source == "static":
            return None
        parts = [part for part in expected.parts if not part.trickles] or expected.parts
        return {text for part in parts for member in part.members for text in name.rdata(member, rtype)}

    def judge_copy(self, origin):
        """What is wrong with a copy of a zone; None if nothing is."""
        held = collections.defaultdict(set)
        for message in dns.query.xfr(self.site.listen[0][0], origin, port=self.site.listen[0][1], relativize=False):
            for rrset in message.answer:
                if dns.rdatatype.to_text(rrset.rdtype) in oracle.TYPES:
                    held[rrset.name.to_text().removesuffix(f"{origin}.").rstrip(".") or "@",
                         dns.rdatatype.to_text(rrset.rdtype)] |= {rdata.to_text() for rdata in rrset}
        for at, owner, name in self.names:
            for rtype in oracle.TYPES:
                wanted = self.expect_copy(name, rtype) if at == origin else held[owner, rtype]
                if wanted is None:
                    static = self.statics.get((origin, owner, rtype))
                    wanted = set() if static is None else {static[1]}
                if rtype == "CNAME" and len(wanted) > 1 and len(held[owner, rtype]) == 1:
                    wanted &= held[owner, rtype]  # there can be one only
                if held[owner, rtype] != wanted:
                    return f"{owner} {rtype} in the copy: {held[owner, rtype]} is not {wanted}: {name.document}"
        return None

    def hold_copy(self, origin):
        """Copies follow within a second or so."""
        wrong = [None]

        def is_right():
            wrong[0] = self.judge_copy(origin)
            return wrong[0] is None
        try:
            kit.wait_for(is_right, "copies are as expected", COPY_PATIENCE_S)
        except AssertionError:
            raise AssertionError(f"seed {self.seed}: {origin}: {wrong[0]}\n  overrides {self.overrides}") from None

    def judge(self, case, answer):
        """What is wrong with an answer, or None."""
        expected, _ = self.expect(case)
        wrong = self.judge_invariants(case, answer, expected)
        if answer.truncated:
            return "truncated"
        if wrong is not None:
            return wrong
        if case.owner.startswith("alias"):
            if not answer.ttls or answer.ttls[0] != 60:
                return "no CNAME"
            answer = answer._replace(ttls=answer.ttls[1:])
        scope = 0 if expected is None else expected.scope
        static = self.statics.get((case.origin, case.name.owner, case.rtype))
        source = "static" if expected is None else expected.source
        if source == "servfail":
            return self.judge_parts((2, [], [], scope), answer, case)
        if source == "static" and static is not None:
            ttl = static[0] if expected is None or expected.limit is None else min(static[0], expected.limit)
            return self.judge_parts((0, [static[1]], [ttl], scope), answer, case)
        if source in ("static", "nodata"):
            ttl = NEGATIVE_TTL if expected is None else min(NEGATIVE_TTL, expected.ttl)
            if answer.negative_ttl != ttl:
                return f"the negative TTL is {answer.negative_ttl}, not {ttl}"
            return self.judge_parts((0, [], [], 0), answer, case)
        return self.judge_steered(case, answer, expected)

    @staticmethod
    def judge_parts(wanted, answer, case):
        scope = None if case.subnet is None else wanted[3]
        found = (answer.rcode, sorted(answer.addresses), answer.ttls, answer.scope)
        return None if found == (*wanted[:3], scope) else f"{found} is not {(*wanted[:3], scope)}"

    def judge_steered(self, case, answer, expected):
        sets = [[case.name.rdata(member, case.rtype) for member in part.members] for part in expected.parts]
        pick = case.name.document.get("pick", "weighted")
        sizes = [len(one) if pick == "all" else min(len(one), case.name.count) for one in sets]
        got = set(answer.addresses)
        if len(got) != len(answer.addresses) or not any(map(is_choice, sets, sizes, [got] * len(sets))):
            return f"{answer.addresses} is no choice of any of {list(zip(sizes, sets))}"
        if set(answer.ttls) != {expected.ttl}:
            return f"TTLs {answer.ttls} are not {expected.ttl}"
        scope = None if case.subnet is None else expected.scope
        return None if (answer.rcode, answer.scope) == (0, scope) else f"scope {answer.scope} is not {scope}"

    def judge_invariants(self, case, answer, expected):
        """What must never be, whatever the oracle thinks of shares and tiers."""
        by_address = {address: name for rtype in ("A", "AAAA") for name in self.world.topology["endpoints"]
                      for address in self.state.topology.addresses(name, rtype)}
        for address in answer.addresses + answer.additional:
            endpoint = by_address.get(address)
            if endpoint is not None and self.state.effective(endpoint) == "drained":
                return f"{endpoint} is drained"
            if endpoint is not None and expected is not None and expected.fence is not None and \
                    address in answer.addresses and endpoint not in expected.fence:
                return f"{endpoint} is outside the fence"
        return None
