# SPDX-License-Identifier: BSD-3-Clause
"""Random sites of which a region or az is moved off in steps, by drains and by switchovers, while its destination dies, comes
back, and is exchanged for another one. Who answers is held to an oracle of its own: so much has left as was said, it is at
the destination if that serves, and nobody who has left is ever back while anybody else serves."""
import collections
import ipaddress
import os
import random

import asking
from test_property import is_too_far

CLIENTS = int(os.environ.get("MOVES_CLIENTS", "2000"))
EVENTS, AHEAD, SHOWN = 6, 50, 5
CLASSES = {"default": "10.0.0.0/8", "ruled": "11.0.0.0/8"}
SAID = {"sent": "has been sent to where", "elsewhere": "nobody serves where an override sends"}


class World:
    """What there is, and what was done to it."""

    def __init__(self, seed):
        self.seed, self.random = seed, random.Random(seed)
        self.azs, self.endpoints, numbers = {}, {}, iter(range(1, 255))
        for region in [f"r{number}" for number in range(self.random.randint(2, 4))]:
            for az in [f"{region}-{letter}" for letter in "ab"[:self.random.randint(1, 2)]]:
                self.azs[az] = region
                for number in range(self.random.randint(1, 4)):
                    self.endpoints[f"{az}-{number}"] = {"az": az, "addresses": [f"198.18.0.{next(numbers)}"],
                                                        "weight": self.random.choice([1, 1, 1, 2, 5])}
        self.regions = sorted(set(self.azs.values()))
        self.names = {f"n{number}": self.make_name(pick) for number, pick in enumerate(["sticky", "sticky", "weighted"])}
        places = self.regions if self.random.random() < 0.7 else sorted(self.azs)
        self.source, self.to = self.random.choice(places), None
        self.groups = self.random.choice([None, None, ["g"]])
        self.share, self.dead = 0, set()

    def make_tiers(self):
        """Some places, by region or az, one tier each; some share one."""
        places = []
        for region in self.random.sample(self.regions, self.random.randint(2, len(self.regions))):
            inside = [az for az in self.azs if self.azs[az] == region]
            places += [[region]] if self.random.random() < 0.7 else [[az] for az in inside]
        if len(places) > 2 and self.random.random() < 0.2:
            places[0] += places.pop()
        return places

    def make_name(self, pick):
        document = {"endpoints": ["*"], "pick": pick, "tiers": self.make_tiers()}
        if self.random.random() < 0.4:
            document["geo"] = [{"when": {"cidr": [CLASSES["ruled"]]}, "tiers": self.make_tiers()}]
        return document

    def fill(self, site):
        azs = {region: {"azs": {az: {} for az in self.azs if self.azs[az] == region}} for region in self.regions}
        site.topology = {"regions": azs, "endpoints": self.endpoints, "name_groups": {"g": ["n0.example.com", "n2.example.com"]}}
        return site.zone("example.com", "").policy("example.com", self.names)

    # ---- the oracle ----

    def is_in(self, endpoint, place):
        az = self.endpoints[endpoint]["az"]
        return place in (az, self.azs[az])

    def is_meant(self, name):
        return self.share > 0 and (self.groups is None or name in ("n0", "n2"))

    def list_tiers(self, name, class_name):
        document = self.names[name]
        tiers = document["geo"][0]["tiers"] if class_name == "ruled" and "geo" in document else document["tiers"]
        return [[e for e in self.endpoints if any(self.is_in(e, place) for place in places)] for places in tiers]

    def spread(self, members, share, scale=None):
        weights = {e: self.endpoints[e]["weight"] * (scale or {}).get(e, 1) for e in members}
        return {e: share * weight / sum(weights.values()) for e, weight in weights.items() if weight}

    def find_first(self, tiers, serves):
        return next((found for found in ([e for e in tier if serves(e)] for tier in tiers) if found), [])

    def expect(self, name, class_name):
        """endpoint -> its share of all answers, None: nobody serves; and what became of what moved: "sent", "elsewhere", "mixed",
        "stays" (nobody else serves), or None: nothing of it moves."""
        tiers = self.list_tiers(name, class_name)
        is_meant = self.is_meant(name)

        def moves(e):
            return is_meant and self.is_in(e, self.source)

        def takes(e):
            return e not in self.dead and not moves(e)
        base = self.find_first(tiers, lambda e: moves(e) or e not in self.dead)
        here = [e for e in base if e not in self.dead]
        if not any(moves(e) for e in base):
            return self.spread(here, 1) if here else None, None
        if not all(moves(e) for e in base):
            scale = {e: 1 - self.share / 100 for e in base if moves(e)}
            return self.spread(here, 1, scale), "mixed"
        if not here:  # what is dead there, but another tier of it is not, stays as well
            here = self.find_first(tiers, lambda e: moves(e) and e not in self.dead)
        sent = self.find_first(tiers, lambda e: takes(e) and self.is_in(e, self.to))
        others = sent or self.find_first(tiers, takes)
        stays = 1 - self.share / 100 if here else 0
        if not others:
            all_here = [e for tier in tiers for e in tier if moves(e) and e not in self.dead]
            return (self.spread(all_here, 1) if stays else None), "stays"
        return self.spread(here, stays) | self.spread(others, 1 - stays), "sent" if sent else "elsewhere"


class Run:
    def __init__(self, world, site):
        self.world, self.server = world, world.fill(site).start()
        self.client, self.wrong, self.log = asking.Client(site.listen[0]), [], []
        self.by_address = {endpoint["addresses"][0]: name for name, endpoint in world.endpoints.items()}
        self.before, self.left = {}, collections.defaultdict(set)
        self.made = None

    # ---- what is seen ----

    def ask_all(self, name, networks):
        """client -> endpoint; some questions are under way at the same time"""
        found, queries = {}, [asking.write_query(number, f"{name}.example.com", "A", network)
                              for number, network in enumerate(networks)]
        for start in range(0, len(queries), AHEAD):
            waiting = set(range(start, min(start + AHEAD, len(queries))))
            for number in waiting:
                self.client.udp.send(queries[number])
            while waiting:
                wire = self.client.udp.recv(65535)
                number = int.from_bytes(wire[:2], "big")
                waiting.discard(number)
                addresses = asking.read(wire, "A").addresses
                found[networks[number]] = self.by_address[addresses[0]] if addresses else None
        return found

    def observe(self, what):
        self.log.append(what)
        for name in self.world.names:
            for class_name, block in CLASSES.items():
                first = int(ipaddress.IPv4Network(block)[0])
                networks = [ipaddress.IPv4Network((first + 256 * (number * 31 % 65536), 24)) for number in range(CLIENTS)]
                if class_name == "default" or "geo" in self.world.names[name]:
                    self.judge(name, class_name, self.ask_all(name, networks))

    # ---- what is wrong with it ----

    def note(self, name, class_name, text):
        world = self.world
        self.wrong.append(f"seed {world.seed}, {name} {class_name} of {world.names[name]}: {text}\n  after {self.log}\n"
                          f"  {world.source} to {world.to}: {world.share} % of {world.groups}, dead: {sorted(world.dead)}")

    def judge(self, name, class_name, seen):
        expected, becomes = self.world.expect(name, class_name)
        counts = collections.Counter(seen.values())
        is_wrong = expected is not None and (not set(counts) <= set(expected) or (becomes != "stays" and is_too_far(counts, expected)))
        if is_wrong:  # where nobody serves the fallback is no matter
            self.note(name, class_name, f"seen {dict(counts)}, not {({e: round(s * CLIENTS) for e, s in expected.items()})}")
        self.judge_explained(name, class_name, counts, becomes)
        if self.world.names[name]["pick"] == "sticky":
            self.judge_clients(name, class_name, seen, becomes)

    def judge_explained(self, name, class_name, counts, becomes):
        said = self.server.get(f"/v1/explain?name={name}.example.com&client={CLASSES[class_name].split('/')[0]}")
        told = {member["endpoint"]: member["odds"] for member in said["members"] if member["odds"]}
        if None not in counts and (not set(counts) <= set(told) or is_too_far(counts, told)):
            self.note(name, class_name, f"seen {dict(counts)}, explained {told}")
        steps = " ".join(said["steps"])
        words = [word for word, text in SAID.items() if text in steps]
        if words != [word for word in SAID if word == becomes]:
            self.note(name, class_name, f"explained {words}, expected {becomes}")

    def judge_clients(self, name, class_name, seen, becomes):
        """Nobody who has left comes back, and nobody moves whose endpoint and orders are what they were."""
        world, key = self.world, (name, class_name)
        before, dead, was = self.before.get(key, ({}, set(), None))
        self.before[key] = seen, set(world.dead), becomes
        is_source = {e: e is not None and world.is_in(e, world.source) for e in [None, *world.endpoints]}
        if becomes not in ("sent", "elsewhere"):
            self.left.pop(key, None)
            return
        back = [client for client in self.left[key] if is_source[seen[client]]]
        if back:
            self.note(name, class_name, f"{len(back)} of {len(self.left[key])} who have left the source are back")
        self.left[key] |= {client for client in seen if not is_source[seen[client]]}
        revived = dead - world.dead
        idle = [client for client, at in before.items() if is_source[at] and is_source[seen[client]] and at != seen[client]
                and at not in world.dead and not any(is_source[e] for e in revived)]
        if idle and was != "mixed":
            self.note(name, class_name, f"{len(idle)} moved within the source without need")

    # ---- what is done ----

    def let(self, endpoint, lives):
        self.server.override("endpoint", endpoint, "auto" if lives else "down")
        (self.world.dead.discard if lives else self.world.dead.add)(endpoint)

    def order(self, path, body):
        """What objects is accepted by its name."""
        reply = self.server.request("POST", f"/v1/switchovers{path}", body)
        if reply.status == 409:
            names = [error["field"] for error in reply.json["errors"]]
            reply = self.server.request("POST", f"/v1/switchovers{path}", body | {"accept": names})
        assert reply.status in (200, 201), (self.world.seed, self.log, reply)
        return reply.json

    def switch(self, share, to):
        """So much of it to that place. A step lasts an hour, so a further one is the first one of another switchover: what is
        answered follows from what is in force, and nobody asks in between."""
        world = self.world
        if self.made is not None and share == world.share:
            self.order(f"/{self.made['id']}:redirect", {"to": to, "reason": "a test"})
        else:
            if self.made is not None:
                self.order(f"/{self.made['id']}:rollback", {"reason": "a test"})
            kind = "region" if world.source in world.regions else "az"
            more = {} if world.groups is None else {"names": world.groups}
            more |= {} if share == 100 else {"steps": [share], "each": "1h"}
            self.made = self.order("", {"source": [f"{kind}:{world.source}"], "to": to, "execute": True, "reason": "a test", **more})
        world.share, world.to = share, to

    def close(self):
        self.client.close()


def choose_places(world):
    places = [region for region in world.regions if not world.source.startswith(region)]
    return world.random.sample(places, min(2, len(places)))


def flip(run, endpoints):
    """Some of them die, or come back."""
    for endpoint in endpoints:
        run.let(endpoint, endpoint in run.world.dead)
    return f"flip {endpoints}"


def make_event(run, places):
    world, chance = run.world, run.world.random.random()
    inside = [e for e in world.endpoints if world.is_in(e, world.to)]
    if chance < 0.35:
        gone = set(inside) & world.dead
        return flip(run, sorted(gone) if gone else inside)
    if chance < 0.6:
        return flip(run, [world.random.choice(sorted(world.endpoints))])
    if chance < 0.8 and len(places) > 1:
        run.switch(world.share, next(place for place in places if place != world.to))
        return f"redirect to {world.to}"
    if world.share < 100:
        run.switch(min(100, world.share + world.random.choice([10, 25, 40])), world.to)
    return f"share {world.share}"


def test_what_has_moved_stays_moved(site, seed):
    world = World(seed)
    run, places = Run(world, site), choose_places(world)
    try:
        flip(run, world.random.sample(sorted(world.endpoints), world.random.randint(0, 2)))
        run.observe("start")
        run.switch(world.random.choice([20, 40, 60]), places[0])
        run.observe(f"switchover of {world.source} to {world.to}, {world.share} %")
        for _ in range(EVENTS):
            run.observe(make_event(run, places))
        if world.share < 100:
            run.switch(100, world.to)
        run.observe("all")
    finally:
        run.close()
    assert not run.wrong, f"{len(run.wrong)} wrong\n" + "\n".join(run.wrong[:SHOWN])
    run.server.assert_no_defect()
