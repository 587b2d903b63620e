# SPDX-License-Identifier: BSD-3-Clause
"""Three steerd, an etcd of three members, three vantages and two regions, each in a network namespace of its own; faults.py says
what each node has to make of what goes wrong. From another one, desk, somebody looks at etcd."""
import contextlib
import datetime
import http.client
import itertools
import json
import re
import signal
import time

import asking
import clusterkit
import etcdkit
import kit
import test_clock
import vantagekit
from faults import AT_LEAST, LEADER, LOOKERS, MEMBERS, NODES, REGIONS, VANTAGES, Model, count_flips, judge

DESK, PORT, PEER_PORT, SLOW_S = "desk", 5307, 5308, 0.25
HOSTS = (*NODES, *MEMBERS, *VANTAGES, *REGIONS, DESK)
# What orders are about: a place each, which leads to `blue` when it is drained. `plain` for those by etcd, the others for
# emergencies of one node each.
PLACES = ("plain", *(f"of-{node}" for node in NODES))
PLACE_AT = {place: f"198.51.100.{number + 1}" for number, place in enumerate(PLACES)}
BLUE, NOWHERE = "198.51.100.99", "192.0.2.99"
FALL = 2


def peek(server, path):
    """As Server.get(), but nobody holds the answer to the API's description: it is asked all the time."""
    connection = kit.UnixConnection(server.site.socket)
    try:
        connection.request("GET", path)
        reply = connection.getresponse()
        text = reply.read()
        assert reply.status == 200, (path, reply.status, text)
        return json.loads(text)
    finally:
        connection.close()


class Tail:
    """The lines of a log that are new."""

    def __init__(self, path):
        self.path, self.at = path, 0

    def read(self):
        if not self.path.exists():
            return []
        with open(self.path, "rb") as log:
            log.seek(self.at)
            octets = log.read()
        whole = octets[:octets.rfind(b"\n") + 1]
        self.at += len(whole)
        return whole.decode(errors="replace").splitlines()


class Said:
    """What has been said, and where it has to hold. By place: (number of the order, whether it is drained); a place has its orders from one
    node, or all of them by etcd, so the later one holds."""

    def __init__(self):
        self.numbers = itertools.count(1)
        self.stored = dict.fromkeys(PLACES, (0, False))
        self.shown = {node: dict(self.stored) for node in NODES}
        self.pending = {node: {} for node in NODES}  # place -> (number, whether it is drained, position of who was told)
        self.at = dict.fromkeys(NODES, 0)  # how many entries a node has
        self.entries = 0

    def is_drained(self, node, place):
        return self.shown[node][place][1]

    def say(self, place, to_drain, node=None):
        """An order, or, with the node, an emergency there without etcd."""
        number = next(self.numbers)
        if node is None:
            self.stored[place] = (number, to_drain)
            self.entries += 1
        else:
            self.pending[node][place] = (number, to_drain, self.at[node])
            self.shown[node][place] = (number, to_drain)

    def tell(self, one, other):
        """A node tells another one what is pending there, whoever gave it. One that has other entries than who was told cannot know what that
        one knew, and has the safer one in force (None: either, for of what was under way when it was stopped, or etcd, nobody knows whether
        it came). True: that was new."""
        news = {place: what for place, what in self.pending[one].items() if what[0] > self.shown[other][place][0]}
        for place, (number, to_drain, position) in news.items():
            self.shown[other][place] = (number, None if position != self.at[other] and not to_drain else to_drain)
        self.pending[other].update(news)
        return bool(news)

    def resume(self, node):
        """It was stopped, and has no etcd: of what was told meanwhile it may have been on the way to it, or not."""
        self.shown[node] = {place: what if what == self.stored[place] else (what[0], None) for place, what in self.shown[node].items()}
        self.at[node] = None

    def bring(self, node):
        news = {place: what[:2] for place, what in self.pending[node].items() if what[0] > self.stored[place][0]}
        self.stored.update(news)
        self.entries += len(news)
        self.pending[node] = {}

    def spread(self, connected, linked):
        """These nodes have etcd, and these pairs of nodes a link."""
        while any([self.tell(*pair) for pair in linked]):
            pass
        for node in connected:
            self.bring(node)
        for node in connected:
            self.shown[node], self.at[node] = dict(self.stored), self.entries


class Scene:
    def __init__(self, stack, internet):
        self.stack, self.internet, self.active = stack, internet, {}  # fault -> its facts
        self.is_lost = {}  # process -> "dead" or "stopped"
        self.strangers, self.ahead = set(), {}
        self.thought = {node: dict.fromkeys(REGIONS, True) for node in NODES}
        self.said, self.turns = Said(), itertools.count()
        self.rows, self.failures, self.orders = [], [], []
        self.refusal = None  # the latest
        self.own = {}  # what a vantage thinks: (name, region) -> "up"
        self.flips, self.flipped = {}, dict.fromkeys(NODES, 0)  # flipped: when it was the last time, by the wall clock

    # ---- to begin ----

    def start(self):
        self.internet.make_slow(SLOW_S)
        with self.internet.at(DESK):
            self.etcd = self.stack.enter_context(etcdkit.Etcd(
                3, addresses=[self.internet.address(name) for name in MEMBERS], enter=lambda number: self.internet.at(MEMBERS[number])))
        self.members = dict(zip(MEMBERS, self.etcd.members))
        self.sites = {node: self.make_site(node) for node in NODES}
        self.webs = {}
        for region in REGIONS:
            with self.internet.at(region):
                self.webs[region] = self.sites["ns1"].web(self.internet.address(region))
        self.nodes, self.clients = {}, {}
        for node in NODES:
            with self.internet.at(node):
                self.nodes[node] = self.sites[node].start()
                self.clients[node] = asking.Client((self.internet.address(node), kit.DNS_PORT))
            self.stack.callback(self.clients[node].close)
        for node in NODES:
            self.nodes[node].wait(lambda node=node: peek(self.nodes[node], "/v1/cluster")["phase"] == "following", f"{node} follows")
        self.probes = {name: self.enrol(name) for name in VANTAGES}
        self.tails = {name: Tail(server.log_path) for name, server in [*self.nodes.items(), *self.probes.items()]}
        self.settle()
        self.read_logs()
        return self

    def make_site(self, node):
        site = self.stack.enter_context(kit.new_site())
        site.listen = [(self.internet.address(node), kit.DNS_PORT)]
        site.clock = test_clock.Clock(site)
        places = (*PLACES, "blue")
        site.topology = {
            "regions": {**{region: {"azs": {f"{region}-a": {}}} for region in REGIONS}, "ops": {"azs": {place: {} for place in places}}},
            "brake": False,  # it would hold what a node itself sees: tests/chaos does that
            "checks": {"port": {"type": "tcp", "port": kit.WEB_PORT, "interval": "500ms", "recheck": "100ms", "timeout": "500ms",
                                "fall": FALL, "rise": 2}},
            "endpoints": {**{f"web-{region}": {"az": f"{region}-a", "addresses": [self.internet.address(region)], "checks": ["port"]}
                             for region in REGIONS},
                          **{f"e-{place}": {"az": place, "addresses": [PLACE_AT.get(place, BLUE)], "checks": []} for place in places}}}
        site.zone("example.com", f"www 60 IN A {NOWHERE}\n")
        site.policy("example.com", {
            "www": {"ttl": 5, "endpoints": ["web-*"], "tiers": [["us"], ["eu"]], "fallback": "static"},
            **{place: {"ttl": 5, "endpoints": [f"e-{place}", "e-blue"], "tiers": [[place], ["blue"]]} for place in PLACES}})
        site.server["vantages"] = {"listen": [f"{self.internet.address(node)}:{PORT}"], "heartbeat": "300ms", "expires": "1500ms", "at_least": AT_LEAST}
        site.server["cluster"] = {"name": clusterkit.CLUSTER, "node": node, "etcd": self.etcd.urls, "acknowledge": "all",
                                  "listen": [f"{self.internet.address(node)}:{PEER_PORT}"]}
        return site

    def enrol(self, name):
        probe = vantagekit.Probe(self.sites["ns1"].folder / name)
        self.stack.callback(probe.close)
        for node in NODES:
            token = self.nodes[node].ctl_json("vantage", "enrol", name)["token"]
            with self.internet.at(name):
                probe.enrol(token, f"{self.internet.address(node)}:{PORT}")
        with self.internet.at(name):
            return probe.start()

    # ---- what goes wrong ----

    def find_facts(self):
        return frozenset().union(*self.active.values())

    def model(self):
        return Model(self.find_facts(), self.strangers)

    def name_leader(self):
        with self.internet.at(DESK):
            alive = [member for name, member in self.members.items() if name not in self.is_lost]
            for member in alive:
                found = self.etcd.run_ctl("endpoint", "status", "-w", "json", members=[member], check=False)
                if found.returncode == 0:
                    status = json.loads(found.stdout)[0]["Status"]
                    if status["header"]["member_id"] == status["leader"]:
                        return member.name
        return MEMBERS[0]

    def turn(self, one):
        """A fault begins, or ends."""
        before = self.find_facts()
        if one in self.active:
            del self.active[one]
        else:
            leader = self.name_leader() if any(LEADER in fact for fact in one.facts) else None
            self.active[one] = frozenset(tuple(leader if word == LEADER else word for word in fact) for fact in one.facts)
        after = self.find_facts()
        for kind, *words in before ^ after:
            if kind == "dark":
                self.internet.set_dark(*words, ("dark", *words) in after)
            elif kind == "ahead":
                self.sites[words[0]].clock.set_unseen(words[1] if (kind, *words) in after else -words[1])
        for way in {fact[1:] for fact in before ^ after if fact[0] in ("cut", "slow")}:
            self.internet.set_way(*way, "cut" if ("cut", *way) in after else "slow" if ("slow", *way) in after else None)
        for name in sorted({fact[1] for fact in before ^ after if fact[0] in ("dead", "stopped")}):
            self.lead(name, "dead" if ("dead", name) in after else "stopped" if ("stopped", name) in after else None)

    def lead(self, name, to):
        """A process: from how it is to how it has to be."""
        now = self.is_lost.pop(name, None)
        if to is not None:
            self.is_lost[name] = to
        if now == "stopped" and to != "stopped":
            self.signal(name, signal.SIGCONT)
            if name in NODES and not self.model().has_etcd(name):
                self.said.resume(name)
        if now == "dead" and to != "dead":
            self.start_again(name)
        if now != "dead" and to == "dead":
            self.wait_kept(name)
            self.find(name).kill()
        if now != "stopped" and to == "stopped":
            self.signal(name, signal.SIGSTOP)

    def skew(self, node):
        return sum(fact[2] for fact in self.find_facts() if fact[:2] == ("ahead", node))

    def wait_kept(self, name):
        """What a node thinks is on its disk, up to a second later: else it would begin with what it thought before."""
        if name in NODES:
            kept = self.sites[name].folder / "var/last-health"
            self.wait(lambda: kept.stat().st_mtime > self.flipped[name], f"what {name} thinks is on its disk")

    def find(self, name):
        return next(some[name] for some in (self.nodes, self.members, self.probes, self.webs) if name in some)

    def signal(self, name, number):
        self.find(name).process.send_signal(number)

    def start_again(self, name):
        with self.internet.at(name):
            if name in MEMBERS:
                self.members[name].start("existing")
                return
            self.find(name).start()
        if name in NODES and not self.model().has_etcd(name) and not self.knows_nodes(name):
            self.strangers.add(name)

    def knows_nodes(self, node):
        return any(item["name"].startswith("node:") for item in peek(self.nodes[node], "/v1/vantages")["items"])

    # ---- when everybody has seen what there is to see ----

    def read_logs(self):
        for name, tail in self.tails.items():
            for line in tail.read():
                if name in VANTAGES:
                    found = re.search(r' verdict target="?web-(\w+)\b.* verdict=(\S+)', line)
                    if found:
                        self.own[name, found[1]] = found[2]
                    continue
                found = re.search(r"kind=endpoint name=web-(\w+) .*observed_was=(?:un)?healthy", line)
                if found:
                    self.flips[name, found[1]] = self.flips.get((name, found[1]), 0) + 1
                    self.flipped[name] = datetime.datetime.fromisoformat(line.split()[0]).timestamp() - self.skew(name)

    def find_unsettled_node(self, model, node):
        server = self.nodes[node]
        cluster = peek(server, "/v1/cluster")
        phase = "following" if model.has_etcd(node) else "away"
        if (cluster["phase"], cluster["pending"] > 0) != (phase, phase == "away" and len(self.said.pending[node]) > 0):
            return f"{node} is {cluster['phase']}, {cluster['pending']} pending, expected {phase}"
        vantages = {item["name"]: item["opinions"] for item in peek(server, "/v1/vantages")["items"]}
        for who in LOOKERS:
            told = vantages.get(f"node:{who}" if who in NODES else who, {"count": False, "up": 0, "down": 0})
            if who == node or (not model.hears(node, who) and not told["count"]):
                continue
            up = sum(model.sees(who, region) for region in REGIONS)
            if not model.hears(node, who) or (told["count"], told["up"], told["down"]) != (True, up, len(REGIONS) - up):
                return f"at {node} {who} has {told}, expected {model.hears(node, who)}, {up} up"
        for region in REGIONS:
            (check,) = peek(server, f"/v1/checks?endpoint=web-{region}")["items"]
            own = [result["outcome"] == "ok" for result in check["results"] if result["vantage"] == "local"][:FALL]
            if own != [model.sees(node, region)] * FALL:
                return f"{node} itself sees {own} of {region}"
        return None

    def find_unsettled(self, model):
        """Who does not know yet what it has to; None: everybody does. One that is not heard has to be there as well: what it says when
        it is heard again would be of a moment ago."""
        self.read_logs()
        for name in VANTAGES:
            for region in REGIONS:
                expected = "up" if model.sees(name, region) else "down"
                if model.runs(name) and self.own.get((name, region)) != expected:
                    return f"{name} itself thinks that {region} is {self.own.get((name, region))}, expected {expected}"
        return next((why for why in (self.find_unsettled_node(model, node) for node in NODES if model.runs(node)) if why), None)

    def settle(self):
        model = self.model()
        self.strangers -= {node for node in NODES if model.runs(node) and model.has_etcd(node)}
        model = self.model()
        self.spread(model)
        self.wait_etcd(model)
        self.wait(lambda: self.find_unsettled(model) is None, "everybody knows", lambda: self.find_unsettled(model))
        return model

    def wait_etcd(self, model):
        """The members that have a leader say so: what comes next may be about it."""
        led = [self.members[name] for name in MEMBERS if model.runs(name)]
        if len(led) > len(MEMBERS) // 2 and not any(fact[0] == "cut" and set(fact[1:]) <= set(MEMBERS) for fact in model.facts):
            with self.internet.at(DESK):
                self.etcd.wait(led)

    def wait(self, holds, what, tell=lambda: ""):
        deadline = time.monotonic() + kit.PATIENCE_S
        while not holds():
            if time.monotonic() > deadline:
                logs = "".join(f"\n{node}: {server.read_log()[-1500:]}" for node, server in self.nodes.items())
                raise AssertionError(f"{self.tell_state()}: after {kit.PATIENCE_S} s still not: {what}: {tell()}{logs}")
            time.sleep(0.03)

    def fail(self, why):
        """Told at the end; the walk goes on."""
        print(f"FAILED: {why}", flush=True)
        self.failures.append(why)

    def tell_state(self):
        return " + ".join(sorted(one.name for one in self.active)) or "nothing"

    # ---- what each node answers ----

    def answer(self, node, name):
        (address,) = self.clients[node].ask(f"{name}.example.com", "A").addresses
        return address

    def expect(self, node):
        """What a node has to answer: name -> addresses, of which one."""
        thought = self.thought[node]
        www = next((self.internet.address(region) for region in REGIONS if thought[region]), NOWHERE)

        def lead(place):
            drained = self.said.is_drained(node, place)
            return {BLUE, PLACE_AT[place]} if drained is None else {BLUE} if drained else {PLACE_AT[place]}
        return {"www": {www}, **{place: lead(place) for place in PLACES}}

    def observe(self, node):
        return {name: self.answer(node, name) for name in ("www", *PLACES)}

    def check_answers(self, node):
        expected = self.expect(node)
        try:
            self.wait(lambda: all(address in expected[name] for name, address in self.observe(node).items()), f"{node} answers {expected}",
                      lambda: self.observe(node))
        except AssertionError as error:
            self.fail(str(error))

    # ---- orders ----

    def order(self, node, place, to_drain, **more):
        """The reply, or None: the connection was closed."""
        with contextlib.suppress(OSError, http.client.HTTPException):
            return clusterkit.order(self.nodes[node], f"azs/{place}", "drain" if to_drain else "auto", **more)

    def order_plain(self, node):
        """At one that has etcd: it holds on all of those before it is answered, as far as the answer says so."""
        to_drain, tries = not self.said.stored["plain"][1], 0
        deadline = time.monotonic() + kit.PATIENCE_S
        while True:
            tries += 1
            reply = self.order(node, "plain", to_drain)
            if reply is not None and reply.status == 200:
                break
            self.refusal = reply and reply.body
            assert reply is not None and reply.status == 503, f"{self.tell_state()}: order at {node}: {reply}"
            assert time.monotonic() < deadline, f"{self.tell_state()}: no order is taken at {node}: {reply}"
        address = BLUE if to_drain else PLACE_AT["plain"]
        told = reply.json["cluster"]
        if told["provisional"]:
            self.fail(f"{self.tell_state()}: an order that is no emergency is provisional: {told}")
        late = [other for other in told["in_force_on"] if self.model().runs(other) and self.answer(other, "plain") != address]
        if late or node not in told["in_force_on"]:
            self.fail(f"{self.tell_state()}: said to be in force at {told['in_force_on']}, and not at {late}")
        self.said.say("plain", to_drain)
        self.orders.append(("order", tries, len(told["in_force_on"])))

    def order_cut_off(self, node):
        """At one without etcd: an order is refused, an emergency holds."""
        reply = self.order(node, "plain", not self.said.is_drained(node, "plain"))
        if reply is None or not clusterkit.is_problem(reply, 503, "cluster-unreachable"):
            self.fail(f"{self.tell_state()}: an order at {node}, which has no etcd: {reply}")
        place = f"of-{node}"
        to_drain = not self.said.is_drained(node, place)
        reply = self.order(node, place, to_drain, emergency=True)
        if reply is None or reply.status != 200 or not reply.json["cluster"]["provisional"]:
            self.fail(f"{self.tell_state()}: an emergency at {node}, which has no etcd: {reply}")
            return
        self.said.say(place, to_drain, node)
        self.orders.append(("emergency", 1, 1))

    def spread(self, model):
        running = [node for node in NODES if model.runs(node)]
        self.said.spread([node for node in running if model.has_etcd(node)],
                         [(one, other) for one in running for other in running if one != other and model.hears(one, other)])

    def give_orders(self, model):
        number = next(self.turns)
        for has_etcd, give in ((True, self.order_plain), (False, self.order_cut_off)):
            able = [node for node in NODES if model.runs(node) and model.has_etcd(node) == has_etcd]
            if able:
                give(able[number % len(able)])
        self.spread(model)

    # ---- one state after the other ----

    def think(self, before, after):
        """What each node thinks now, and that it has not thought anything else in between."""
        for node in (node for node in NODES if after.runs(node)):
            for region in REGIONS:
                last, heard = self.thought[node][region], after.opinions(node, region)
                expected = judge(heard, last)
                was = before.opinions(node, region) if before.runs(node) else {}
                allowed = count_flips(was, heard, last) if was else {expected != last}
                server = self.nodes[node]
                self.wait(lambda: (peek(server, f"/v1/endpoints/web-{region}")["observed"] == "healthy") == expected,  # pylint: disable=cell-var-from-loop
                          f"{region} is {'healthy' if expected else 'unhealthy'} at {node}")
                self.thought[node][region] = expected
                self.read_logs()
                flips = self.flips.pop((node, region), 0)
                if flips not in allowed:
                    self.fail(f"{self.tell_state()}: {region} has flipped {flips} times at {node}, expected {allowed}: {was} -> {heard}\n" + self.tell_turns(node, region))

    def tell_turns(self, node, region):
        lines = [line for line in self.nodes[node].read_log().splitlines() if f"name=web-{region} " in line or "answers queries" in line or "clock" in line]
        return "\n".join(lines[-6:])

    def go(self, to):
        """One fault more, or one less."""
        before = self.model()
        begun = time.monotonic()
        for one in set(self.active) ^ to:
            self.turn(one)
        after = self.settle()
        self.flips = {key: count for key, count in self.flips.items() if after.runs(key[0])}
        self.think(before, after)
        count = len(self.failures)
        self.give_orders(after)
        for node in NODES:
            if after.runs(node):
                self.check_answers(node)
                (www,) = self.expect(node)["www"]
                self.rows.append((self.tell_state(), tuple(sorted(one.kind for one in self.active)), node,
                                  "following" if after.has_etcd(node) else "away",
                                  *("up" if self.thought[node][region] else "down" for region in REGIONS), www, len(self.failures) == count))
        tries = self.orders[-1][1] if self.orders and self.orders[-1][1] > 1 else ""
        print(f"{time.monotonic() - begun:5.1f} s {self.tell_state()}{tries and f' ({tries} tries: {self.refusal})'}", flush=True)

    def heal(self):
        for one in list(self.active):
            self.turn(one)

    def print_table(self):
        """Each state on each node, and then each kind of them, as in doc/cluster.md."""
        print(f"\n{'state':<60} node phase     us   eu   www        as expected")
        for state, _, node, phase, us, eu, www, is_good in self.rows:
            print(f"{state:<60} {node:<4} {phase:<9} {us:<4} {eu:<4} {www:<10} {'yes' if is_good else 'NO'}")
        tries = [tries for kind, tries, _ in self.orders if kind == "order"]
        print(f"{len({row[0] for row in self.rows})} states, {len(self.rows)} of a node, {len(tries)} orders, of which {sum(one == 1 for one in tries)} at the first try "
              f"(at most {max(tries, default=0)} tries), {sum(kind == 'emergency' for kind, _, _ in self.orders)} emergencies, {len(self.failures)} failures")
