# SPDX-License-Identifier: BSD-3-Clause
"""kill -9 at random moments, by seed: while many order overrides, while steerd starts, when nothing happens. After each
restart everything that was acknowledged as durable is there, nothing that has expired lives, the chain is whole from the
anchors of the log on, and where nothing was ordered every name is answered as before. `KILL_ROUNDS=500 KILL_SEED=7
pytest-3 -s tests/chaos/test_kill.py` for more; a failure names its seed."""
import collections
import datetime
import json
import random
import re
import sqlite3
import subprocess
import threading
import time

import conftest
import kit

AZS = {"us": ("us-a", "us-b"), "eu": ("eu-a", "eu-b"), "short": ("short-a",)}
PER_AZ = 6
CLIENTS = 6
STATES = ("drain", "up", "down", "auto")
LONGEST_S = 0.4  # that orders are given before the kill

Order = collections.namedtuple("Order", "state reason expires")  # expires: POSIX time, or None
NOTHING = Order("auto", None, None)


def now():
    return time.time()


def is_over(order, at):
    return order.expires is not None and order.expires <= at


class Target:
    """What the server said of an endpoint, and what it was asked and did not come to say."""

    def __init__(self, name):
        self.name, self.held, self.doubts = name, NOTHING, []

    def said(self, order, durable):
        if durable:
            self.held, self.doubts = order, []
        else:
            self.doubts.append(order)

    def settle(self, found, before, after):
        """found: after a restart; looked at between these times."""
        possible = [self.held, *self.doubts]
        allowed = [order for order in possible if not is_over(order, before)]
        if found is None:
            assert any(order.state == "auto" or is_over(order, after) for order in possible), \
                f"{self.name}: found nothing, expected one of {allowed}"
            self.held = NOTHING
        else:
            match = [order for order in allowed if order.state != "auto" and order.reason == found["reason"]]
            assert match and match[0].state == found["state"], f"{self.name}: found {found}, expected one of {allowed}"
            self.held = match[0]
        self.doubts = []


class Client(threading.Thread):
    """Orders about targets of its own until the server is gone."""

    def __init__(self, world, number, targets):
        super().__init__(daemon=True)
        self.world, self.number, self.targets = world, number, targets
        self.random = random.Random(f"{world.random.random()} {number}")
        self.failure = None

    def run(self):
        connection = kit.UnixConnection(self.world.site.socket)
        try:
            while True:
                self.order(connection, self.random.choice(self.targets))
        except (OSError, EOFError, kit.http.client.HTTPException):
            pass
        except Exception as failure:  # pylint: disable=broad-except
            self.failure = failure
        finally:
            connection.close()

    def make(self, target):
        short = target.name.startswith("short") and self.random.random() < 0.7
        expires = round(now() + self.random.uniform(0.05, 3), 3) if short else None
        return Order(self.random.choice(STATES), f"{self.world.seed} {next(self.world.numbers)}", expires)

    def order(self, connection, target):
        order = self.make(target)
        body = {"state": order.state, "reason": order.reason, "allow_unserved": True, "actor": f"client {self.number}"}
        if order.state == "auto":
            body = {"state": "auto", "reason": order.reason, "allow_unserved": True}
        elif order.expires is not None:
            moment = datetime.datetime.fromtimestamp(order.expires, datetime.timezone.utc)
            body["expires"] = moment.strftime("%Y-%m-%dT%H:%M:%S.%f")[:-3] + "Z"
        target.doubts.append(order)
        connection.request("PUT", f"/v1/endpoints/{target.name}/override", json.dumps(body),
                           {"Content-Type": "application/json"})
        got = connection.getresponse()
        answer = json.loads(got.read())
        target.doubts.pop()
        assert got.status in (200, 422, 503), answer  # 422: too late for its expiry
        if got.status == 200:
            target.said(order, answer["durable"])
            self.world.count(order, answer["durable"])


class World:
    def __init__(self, site, seed):
        self.site, self.seed, self.random = site, seed, random.Random(seed)
        self.numbers, self.lock, self.durable = iter(range(1, 1 << 30)), threading.Lock(), set()
        self.figures = collections.Counter()
        self.started = now()
        names = [(az, f"{az}-{i}") for azs in AZS.values() for az in azs for i in range(PER_AZ)]
        site.topology = {
            "regions": {region: {"azs": {az: {} for az in azs}} for region, azs in AZS.items()},
            "endpoints": {name: {"az": az, "checks": [], "addresses": [f"192.0.2.{number}"]}
                          for number, (az, name) in enumerate(names, 1)}}
        site.zone("example.com", "")
        site.policy("example.com", self.names()).write()
        self.targets = {name: Target(name) for name in site.topology["endpoints"]}
        self.server = site.start()

    @staticmethod
    def names():
        """Every endpoint alone, every az before the others; not those that end by themselves."""
        order = [az for region in ("us", "eu") for az in AZS[region]]
        endpoints = [f"{az}-{i}" for az in order for i in range(PER_AZ)]
        names = {f"only-{name}": {"endpoints": [name], "fallback": "nodata"} for name in endpoints}
        for i, az in enumerate(order):
            tiers = [[each] for each in order[i:] + order[:i]]
            names[az] = {"endpoints": [f"{each}-*" for each in order], "tiers": tiers, "pick": "all", "answers": 64}
        return names

    def count(self, order, durable):
        with self.lock:
            self.figures["durable" if durable else "not durable"] += 1
            if durable and order.state != "auto":
                self.durable.add(order.reason)

    # ---- what is done ----

    def kill_under_orders(self):
        clients = [Client(self, i, list(self.targets.values())[i::CLIENTS]) for i in range(CLIENTS)]
        for client in clients:
            client.start()
        time.sleep(self.random.uniform(0, LONGEST_S))
        self.server.kill()
        for client in clients:
            client.join()
            if client.failure is not None:
                raise client.failure

    def kill_a_start(self):
        """At any moment of it, before it answers or just after."""
        with open(self.server.log_path, "ab") as log:
            process = subprocess.Popen([str(kit.STEERD), "-c", str(self.site.config)], stderr=log,
                                       stdin=subprocess.DEVNULL, env=kit.make_environment())
        time.sleep(self.random.choice((0.01, 0.03, 0.1)) * self.random.random())
        process.kill()
        process.wait()
        self.figures["starts killed"] += 1

    def restart(self):
        for _ in range(self.random.choice((0, 0, 1, 3))):
            self.kill_a_start()
        self.started = now()
        self.server.start()

    # ---- what has to be ----

    def overrides(self):
        items, cursor = [], ""
        while cursor is not None:
            page = self.server.get(f"/v1/overrides?limit=400{cursor and '&cursor=' + cursor}")
            items += page["items"]
            cursor = page["next_cursor"]
        return {item["name"]: item for item in items}

    def answers(self):
        found = {}
        for name in self.names():
            reply = self.server.ask(f"{name}.example.com")
            found[name] = (reply.rcode(), tuple(sorted(str(record) for rrset in reply.answer for record in rrset)))
        return found

    def look(self):
        """What had expired before it was started never lived; what expires now may need a moment on a busy machine."""
        before = now()
        found = self.overrides()
        ends = {name: kit_time(item["expires"]) for name, item in found.items() if item["expires"] is not None}
        dead = [found[name] for name, end in ends.items() if end <= self.started]
        assert not dead, f"{dead} lived at {before}, started at {self.started}"
        return (found, before) if all(end > before for end in ends.values()) else None

    def check_objects(self):
        found, before = self.server.wait(self.look, "what has expired is gone")
        after = now()
        for name, target in self.targets.items():
            target.settle(found.get(name), before, after)

    def check_chain(self):
        anchors = re.findall(r"journal anchor seq=(\d+) hash=([0-9a-f]+)", self.server.read_log())
        anchor = [] if not anchors or anchors[-1][0] == "0" else ["--anchor", ":".join(anchors[-1])]
        self.server.ctl("audit", "verify", *anchor)

    def check_journal(self):
        """Every order that was acknowledged as durable has its entry, also those that others have replaced."""
        with sqlite3.connect(f"file:{self.site.folder}/var/store.db?mode=ro", uri=True) as store:
            reasons = {reason for (reason,) in store.execute("SELECT reason FROM journal")}
        assert self.durable <= reasons, f"{len(self.durable - reasons)} entries are missing: {min(self.durable - reasons)}"

    def round(self):
        if self.random.random() < 0.75:
            self.kill_under_orders()
            self.restart()
            self.check_objects()
            self.check_chain()
        else:
            before = self.answers(), {name: item for name, item in self.overrides().items() if item["expires"] is None}
            self.server.kill()
            self.restart()
            after = self.answers(), {name: item for name, item in self.overrides().items() if item["expires"] is None}
            assert after == before
        self.figures["rounds"] += 1


def kit_time(text):
    return datetime.datetime.fromisoformat(text.replace("Z", "+00:00")).timestamp()


def test_whatever_was_acknowledged_outlives_a_kill(kill_seed):
    with kit.new_site() as site:
        world = World(site, kill_seed)
        try:
            for _ in range(min(conftest.KILLS, conftest.KILLS_PER_SITE)):
                world.round()
            world.check_journal()
        finally:
            size = (site.folder / "var/store.db").stat().st_size
            print(f"  seed {kill_seed}: {dict(world.figures)}, store of {size} octets")
