# SPDX-License-Identifier: BSD-3-Clause
"""A site of 100,000 steered names, a model of what it has to answer, and the rounds: something is broken around the
server, then endpoints die or come back, or an operator says something, and every answer has to follow, and nothing
else. What is measured is told, not asserted: machines are noisy."""
import collections
import contextlib
import datetime
import fcntl
import ipaddress
import os
import random
import resource
import signal
import subprocess
import threading
import time

import asking
import disk
import disturb
import kit
import losses
import running

AZS = {"us": ("us-a", "us-b"), "eu": ("eu-a", "eu-b")}
PER_AZ = 3
CHECK_PORT = running.world.CHECK_PORT
NAMES = int(os.environ.get("CHAOS_NAMES") or 100000)
POLICIES = 2000
DESCRIPTORS = 400
CLIENTS = 150  # of a sticky name
ENDPOINTS = [f"{az}-{i}" for azs in AZS.values() for az in azs for i in range(PER_AZ)]
FAR = {f"10.9.0.{i}": f"fd09::{i}" for i in range(1, 1 + len(ENDPOINTS))}  # addresses in a losses.Network
END_S = 20  # sanitizers are slow
# All of them lead to us while anything there serves, then to eu, and fall back when nothing does.
KINDS = [
    {"tiers": [["us"], ["eu"]]},
    {"tiers": [["us"], ["eu"]], "pick": "sticky"},
    {"tiers": [["us"], ["eu"]], "pick": "round-robin", "answers": 2},
    {"geo": [{"when": {"cidr": "127.0.0.0/8"}, "tiers": [["us"], ["eu"]]}], "tiers": [["eu"]]},
]


class Reader(threading.Thread):
    """Of the server's stderr, into its log file; may be paused, and then the pipe runs full."""

    def __init__(self, stream, path):
        super().__init__(daemon=True)
        self.stream, self.path, self.reads = stream, path, threading.Event()
        fcntl.fcntl(stream.fileno(), fcntl.F_SETPIPE_SZ, 4096)
        self.resume()
        self.start()

    def run(self):
        with open(self.path, "ab") as log:
            while True:
                self.reads.wait()
                octets = os.read(self.stream.fileno(), 65536)
                if not octets:
                    return
                log.write(octets)
                log.flush()

    def pause(self):
        self.reads.clear()

    def resume(self):
        self.reads.set()


class Server(kit.Server):
    """A steerd whose disk, log and descriptors are ours to spoil."""

    def __init__(self, site):
        super().__init__(site)
        self.disk = disk.Disk(site.folder, site.folder.with_name(site.folder.name + ".disk"))
        self.reader = None

    def start(self):
        limit = lambda: resource.setrlimit(resource.RLIMIT_NOFILE, (DESCRIPTORS, DESCRIPTORS))  # noqa: E731
        self.process = subprocess.Popen([str(kit.STEERD), "-c", str(self.site.config)], stderr=subprocess.PIPE,
                                        stdin=subprocess.DEVNULL, env=self.disk.environment(), preexec_fn=limit)
        self.reader = Reader(self.process.stderr, self.log_path)
        self.wait(lambda: self.answers() or self.process.poll() is not None, "started")
        assert self.process.poll() is None, f"steerd ended with {self.process.returncode}: {self.read_log()[-3000:]}"
        return self

    def answers(self):
        client = asking.Client(self.site.listen[0])
        try:
            client.udp.settimeout(0.2)
            return client.ask("n0.names.example", "A").rcode == 0
        except (OSError, AssertionError):
            return False
        finally:
            client.close()

    def end(self, number):
        """Returns the seconds that it took."""
        begun = time.monotonic()
        self.process.send_signal(number)
        try:
            code = self.process.wait(END_S)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
            raise AssertionError(f"steerd did not end within {END_S} s: {self.read_log()[-3000:]}") from None
        took = time.monotonic() - begun
        self.reader.resume()
        self.reader.join()
        self.process.stderr.close()
        self.assert_no_defect()
        assert code == (0 if number == signal.SIGTERM else -number), f"ended with {code}: {self.read_log()[-3000:]}"
        return took

    def close(self):
        if self.process is not None and self.process.poll() is None:
            self.disk.heal()
            self.end(signal.SIGTERM)
        self.disk.control.unlink(missing_ok=True)


class Site:
    """Endpoints us-a-0 … eu-b-2, each an address that listens or does not; or two, behind a network that may be lost, a
    losses.Network."""

    def __init__(self, site, seed, network):
        self.site, self.random, self.ports, self.network = site, random.Random(seed), running.Ports(), network
        addresses = (kit.new_address() for _ in ENDPOINTS) if network is None else FAR
        self.endpoints = dict(zip(ENDPOINTS, addresses))
        self.alive, self.overrides = set(self.endpoints), {}
        self.kept = {}  # target -> the states that a restart may find: one, but for what was not durable
        self.were_alive = self.alive  # before the latest event
        self.figures = collections.defaultdict(list)
        self.fallback = self.random.choice(["first", "all"])
        self.serial, self.is_settled = None, False
        self.write()
        self.server = Server(site)

    def write(self):
        site = self.site
        site.topology = {
            "regions": {region: {"azs": {az: {} for az in azs}} for region, azs in AZS.items()},
            "checks": {"port": {"type": "tcp", "port": CHECK_PORT, "interval": "100ms", "timeout": "100ms",
                                "fall": 2, "rise": 2}},
            "endpoints": {name: {"az": name[:4], "addresses": self.all_of(address), "checks": ["port"]}
                          for name, address in self.endpoints.items()}}
        names = {f"n{i}": {"ttl": 5, "endpoints": ["*"], "fallback": self.fallback, **KINDS[i % len(KINDS)],
                           "weights": {"us-a-0": 1 + i % POLICIES}} for i in range(NAMES)}
        site.zone("names.example", "").policy("names.example", names)
        site.zone("rendered.example", "").policy("rendered.example", {"www": {"endpoints": ["*"], **KINDS[0]}})
        site.server["zone_options"] = {"rendered.example": {
            "transfer_to": "127.0.0.0/8", "transfer_steered": "rendered", "serial": "auto"}}
        site.write()

    def all_of(self, address):
        return [address] if self.network is None else [address, FAR[address]]

    def open(self, name):
        with contextlib.nullcontext() if self.network is None else self.network.far():
            for address in self.all_of(self.endpoints[name]):
                self.ports.open(address)

    def shut(self, name):
        for address in self.all_of(self.endpoints[name]):
            self.ports.shut(address)

    def ask(self, client):
        """What one of all names is answered with, by the IPv4 addresses of its endpoints; asked for in one of the families."""
        name = f"n{self.random.randrange(NAMES)}.names.example"
        if self.network is None or self.random.random() < 0.7:
            return set(client.ask(name, "A").addresses)
        first = {second: first for first, second in FAR.items()}
        return {first[address] for address in client.ask(name, "AAAA").addresses}

    def start(self):
        for name in self.alive:
            self.open(name)
        self.server.start()

    def close(self):
        self.server.close()
        self.ports.close()

    # ---- the model ----

    def desired(self, name):
        for target in ("endpoint", name), ("az", name[:4]), ("region", name[:2]):
            if target in self.overrides:
                return self.overrides[target]
        return None

    def serves(self, name):
        return {None: name in self.alive, "up": True}.get(self.desired(name), False)

    def expected(self):
        """The addresses that answers may have."""
        left = [name for name in self.endpoints if self.desired(name) != "drain"]
        spared = [name for name in left if self.desired(name) != "down"]
        serving = self.first_of([name for name in self.endpoints if self.serves(name)]) or \
            (left if self.fallback == "all" else self.first_of(spared or left))
        return {self.endpoints[name] for name in serving}

    @staticmethod
    def first_of(names):
        """Those in the first region that has any."""
        return next((chosen for chosen in ([name for name in names if name.startswith(region)] for region in AZS) if chosen), [])

    # ---- events ----

    def event(self):
        """Something happens; never is everything dead."""
        kind = self.random.choice(["az", "region", "endpoint", "back", "back", "override", "override"])
        if kind == "override":
            self.override()
        elif kind == "back":
            self.become(self.alive | set(self.random.sample(sorted(self.endpoints), 6)))
        else:
            victim = self.random.choice(sorted(self.endpoints))
            size = {"endpoint": len(victim), "az": 4, "region": 2}[kind]
            self.become({name for name in self.alive if name[:size] != victim[:size]})

    def become(self, alive):
        self.were_alive = self.alive
        if not alive:
            alive = {name for name in self.endpoints if name.startswith("eu")}
        for name in alive - self.alive:
            self.open(name)
        for name in self.alive - alive:
            self.shut(name)
        self.alive = alive

    def override(self):
        kind, name = self.random.choice([("region", "us"), ("region", "eu"), ("az", "us-a"), ("az", "eu-b"),
                                         ("endpoint", "us-b-1"), ("endpoint", "eu-a-0")])
        state = self.random.choice(["auto", "auto", "drain", "up", "down"])
        begun, self.were_alive = time.monotonic(), self.alive
        is_durable = self.put(kind, name, state)
        self.figures["override"].append(time.monotonic() - begun)
        before = self.kept.get((kind, name), {"auto"})
        self.kept[kind, name] = {state} if is_durable else before | {state}
        self.overrides.pop((kind, name), None)
        if state != "auto":
            self.overrides[kind, name] = state

    def put(self, kind, name, state):
        """Until it is acknowledged: the API may have no room for the first attempt. Returns whether it is durable."""
        body = {"state": state, "reason": "chaos " + "x" * self.random.randrange(200), "allow_unserved": True}

        def attempt():
            try:
                reply = self.server.request("PUT", f"/v1/{kind}s/{name}/override", body)
            except (OSError, kit.http.client.HTTPException):
                return False
            assert reply.status in (200, 503), reply
            return reply if reply.status == 200 else None
        return self.server.wait(attempt, f"{state} of {kind} {name} is acknowledged").json["durable"]

    # ---- rounds ----

    def follow(self, before, client):
        """From the old answers to the new ones and nothing else, until the API says that all is as it should be.
        Returns how long the last old answer was behind the event, None where no answer tells old from new."""
        now, begun, last, in_a_row = self.expected(), time.monotonic(), None, 0
        # of several that come back one may be seen before another that is preferred
        between = before | now | {self.endpoints[name] for name in self.endpoints if self.serves(name)}
        if not any(self.serves(name) and (name in self.were_alive or self.desired(name) == "up") for name in self.endpoints):
            # whoever lived has died, and those who come back are not known yet: for a moment nobody is healthy
            between |= {self.endpoints[name] for name in self.endpoints if self.desired(name) != "drain"}
        if self.alive - self.were_alive and self.were_alive - self.alive:
            # some died and others came: one that has died may be seen as it was when another one is seen dead already
            between |= {self.endpoints[name] for name in self.were_alive if self.desired(name) in (None, "up")}
        watcher = threading.Thread(target=self.settle, daemon=True)
        watcher.start()
        while in_a_row < 40 or watcher.is_alive():
            got = self.ask(client)
            assert got and got <= between, f"{got} is neither of {before} nor of {now}: {self.tell()}"
            in_a_row = in_a_row + 1 if got <= now else 0
            last = time.monotonic() - begun if not got <= now else last
            assert time.monotonic() < begun + kit.PATIENCE_S + 5, f"still {got}, expected {now}: {self.tell()}"
        assert self.is_settled, f"the API does not say so: {self.tell()}"
        return last

    def hold(self, client, seconds, expected=None):
        """Nothing happens that could be seen, so nothing moves."""
        now, until = expected or self.expected(), time.monotonic() + seconds
        while time.monotonic() < until:
            got = self.ask(client)
            assert got and got <= now, f"{got} without a reason, expected {now}: {self.tell()}"

    def tell(self):
        return f"alive {sorted(self.alive)}, overrides {self.overrides}\n{self.server.read_log()[-3000:]}"

    def watch_serial(self):
        reply = self.server.ask("rendered.example", "SOA")
        serial = reply.answer[0][0].serial
        assert self.serial is None or (serial - self.serial) % 2**32 < 2**31, f"{serial} after {self.serial}"
        self.serial = serial

    def settle(self):
        """Until what the checks say is what the model says."""
        self.is_settled = False

        def is_so():
            try:
                items = self.server.get("/v1/endpoints?limit=100")["items"]
            except (OSError, kit.http.client.HTTPException):
                return False  # no room for us yet
            wanted = {True: "healthy", False: "unhealthy"}  # unknown still serves
            return all(said == wanted[item["name"].removesuffix(disturb.ChangedChecks.mark) in self.alive]
                       for item in items for said in (item["observed"], *(check["verdict"] for check in item["checks"])))
        self.server.wait(is_so, f"health is as expected: {sorted(self.alive)}")
        self.is_settled = True

    def lose_network(self, client):
        """Nothing moves while nobody can be asked; what happened meanwhile is seen afterwards."""
        what = self.random.choice(sorted(losses.ALL))
        before, begun = self.expected(), time.monotonic()
        lose, give_back = losses.ALL[what]
        lose()
        try:
            if what not in losses.HALF and self.random.random() < 0.5:
                self.become(set(self.random.sample(sorted(self.endpoints), 5)))
            self.hold(client, self.random.uniform(0.5, 1.5), before)
        except AssertionError as error:
            raise AssertionError(f"{what} lost: {error}") from None
        finally:
            give_back()
        self.figures[f"without network ({what})"].append(time.monotonic() - begun)
        self.follow(before, client)

    def map_sticky(self, client):
        """What each of many clients is led to."""
        return {number: client.ask("n1.names.example", "A", ipaddress.IPv4Network((11 << 24 | number << 8, 24))).addresses[0]
                for number in range(CLIENTS)}

    def roll(self, client):
        """One endpoint after the other is started anew: clients of others stay, and its own ones come back to it."""
        before = self.map_sticky(client)
        names = [name for name in sorted(self.alive) if self.desired(name) is None and self.endpoints[name] in self.expected()]
        for name in self.random.sample(names, min(3, len(names))):
            address, was, alive = self.endpoints[name], self.expected(), self.alive
            if len(was) == 1:
                continue
            self.become(alive - {name})
            self.follow(was, client)
            moved = {number for number, now in self.map_sticky(client).items() if now != before[number]}
            assert moved == {number for number, old in before.items() if old == address}, f"{name} left: {self.tell()}"
            between = self.expected()
            self.become(alive)
            self.follow(between, client)
            assert self.map_sticky(client) == before, f"{name} is back: {self.tell()}"

    def step(self, kinds, client):
        before = self.expected()
        self.event()
        last = self.follow(before, client)
        if last is not None:
            self.figures["flip, " + ("disturbed" if kinds else "calm")].append(last)
        self.hold(client, 0.3)
        if self.network is not None and self.random.random() < 0.3:
            self.lose_network(client)

    def round(self):
        kinds = self.random.sample(disturb.ALL, self.random.randrange(0, 5))
        disturbances = [kind(self.server, self.random) for kind in kinds]
        client = asking.Client(self.site.listen[0])
        label = "+".join(sorted(kind.__name__ for kind in kinds)) or "nothing"
        try:
            for one in disturbances:
                one.begin()
            for _ in range(self.random.randrange(1, 4)):
                self.step(kinds, client)
            if self.random.random() < 0.2 and not {disturb.ChangedChecks, disturb.LiveDrills} & set(kinds):
                # the one renames, and clients go by names; of the other some of those that are looked at may be clients
                self.roll(client)
            self.watch_serial()
            if self.random.random() < 0.3:
                self.restart(disturbances, client)
        except AssertionError as error:
            raise AssertionError(f"with {label}: {error}") from None
        finally:
            for one in disturbances:
                one.end()
            client.close()
        self.settle()
        self.watch_serial()

    def wait_kept(self, disturbances):
        """Until what is known of health is kept. Returns whether it is: not on a disk that takes nothing, or takes long."""
        if {type(one) for one in disturbances} & {disturb.FullDisk, disturb.SlowSync}:
            return False
        since = time.time() + 1  # whoever began to write before does not know all

        def is_so():
            try:
                written = self.server.get("/v1/status")["last_health"]["written"]
            except (OSError, kit.http.client.HTTPException):
                return False  # no room for us yet
            return datetime.datetime.fromisoformat(written).timestamp() > since + self.server.disk.ahead_s()
        self.server.wait(is_so, "what is known of health is kept")
        return True

    def restart(self, disturbances, client):
        """In the middle of it. What was acknowledged as durable holds, and what is known of health, from the first answer on."""
        is_kept = self.wait_kept(disturbances)
        number = self.random.choice([signal.SIGTERM, signal.SIGKILL])
        took = self.server.end(number)
        if number == signal.SIGTERM:
            self.figures["end"].append(took)
        while disturbances:
            disturbances.pop().end()
        self.server.disk.heal()
        self.start()
        self.compare_overrides()
        if is_kept:
            self.hold(client, 0.3)
        self.settle()
        self.watch_serial()

    def compare_overrides(self):
        """With those that should have outlived a restart; from then on they are the model's."""
        items = self.server.get("/v1/overrides?limit=100")["items"]
        found = {(item["kind"], item["name"].removesuffix(disturb.ChangedChecks.mark)): item["state"] for item in items}
        for target in found.keys() | self.kept.keys():
            state, allowed = found.get(target, "auto"), self.kept.get(target, {"auto"})
            assert state in allowed, f"{target} is {state} after a restart, expected {allowed}: {self.tell()}"
        self.overrides, self.kept = found, {target: {state} for target, state in found.items()}
