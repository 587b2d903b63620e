# SPDX-License-Identifier: BSD-3-Clause
"""Two regions, a server, three vantages, and what can be cut between them; beside the real ones a model that says what the
server has to think of each region.

A cut between the server and a vantage takes that one's opinion away once it has been silent for `expires`; one between who looks
and a region makes its opinion of that "down". With fewer than AT_LEAST opinions the last verdict stands; else more than half of
them decide."""
import collections
import itertools
import re

import kit
import vantagekit

SERVER, VANTAGES, REGIONS = "steerd", ("fra-1", "sin-1", "iad-1"), ("us", "eu")
LOOKERS = (SERVER, *VANTAGES)
AT_LEAST, PORT = 2, 5307
CONTROL = [(SERVER, vantage) for vantage in VANTAGES]
DATA = list(itertools.product(LOOKERS, REGIONS))
LINKS = CONTROL + DATA


def judge(cut, region, last):
    """What is to be thought of a region while these links are cut, how many have an opinion, and how many of those say down."""
    heard = [SERVER] + [vantage for vantage in VANTAGES if (SERVER, vantage) not in cut]
    down = sum((looker, region) in cut for looker in heard)
    if len(heard) < AT_LEAST:
        return last, len(heard), down
    return "unhealthy" if 2 * down > len(heard) else "healthy", len(heard), down


class World:
    def __init__(self, site, internet):
        self.site, self.internet, self.probes, self.cut = site, internet, {}, set()
        self.thought = dict.fromkeys(REGIONS, "healthy")
        self.rows = []

    def describe(self):
        site = self.site
        site.topology = {
            "regions": {region: {"azs": {f"{region}-a": {}}} for region in REGIONS},
            "brake": False,  # it would hold what the server itself sees: tests/chaos does that
            # By the kernel there, three times: what a busy machine delays is no partition.
            "checks": {"port": {"type": "tcp", "port": kit.WEB_PORT, "interval": "200ms", "timeout": "200ms", "fall": 3,
                                "rise": 2}},
            "endpoints": {f"web-{region}": {"az": f"{region}-a", "addresses": [self.internet.address(region)],
                                            "checks": ["port"]} for region in REGIONS}}
        site.zone("example.com", "www 60 IN A 192.0.2.99\n")
        site.policy("example.com", {"www": {"endpoints": ["web-*"], "tiers": [["us"], ["eu"]], "fallback": "static"}})
        site.server["vantages"] = {"listen": [f"{self.internet.address(SERVER)}:{PORT}"], "heartbeat": "200ms", "expires": "1s",
                                   "at_least": AT_LEAST}

    def start(self):
        for region in REGIONS:
            with self.internet.at(region):
                self.site.web(self.internet.address(region))
        self.describe()
        with self.internet.at(SERVER):
            self.server = self.site.start()
        for name in VANTAGES:
            self.enrol(name)
        self.settle()

    def enrol(self, name):
        token = self.server.ctl_json("vantage", "enrol", name)["token"]
        probe = self.probes[name] = vantagekit.Probe(self.site.folder / name)
        with self.internet.at(name):
            probe.enrol(token, f"{self.internet.address(SERVER)}:{PORT}")
            probe.start()

    def close(self):
        for probe in self.probes.values():
            probe.close()

    # ---- what is so ----

    def read_own(self, vantage, region):
        """What a vantage thinks of a region, as its log says: also of one that the server does not hear."""
        lines = [line for line in self.probes[vantage].read_log().splitlines() if f' verdict target="web-{region} ' in line]
        return re.search(r" verdict=(\S+)", lines[-1])[1] if lines else None

    def find_unsettled(self):
        """Who does not think yet what it has to; None: everybody does. None of it is about what the server makes of it. One that is
        not heard has to be there as well: what it says when it is heard again would be of a moment ago."""
        vantages = {item["name"]: item for item in self.server.get("/v1/vantages")["items"]}
        for name in VANTAGES:
            heard = (SERVER, name) not in self.cut
            down = sum((name, region) in self.cut for region in REGIONS)
            opinions = vantages[name]["opinions"]
            if opinions["count"] != heard:
                return f"{name} is {'not ' if heard else ''}heard"
            for region in REGIONS:
                own = self.read_own(name, region)
                if own != ("down" if (name, region) in self.cut else "up"):
                    return f"{name} itself thinks that {region} is {own}"
            if heard and (opinions["up"], opinions["down"]) != (len(REGIONS) - down, down):
                return f"{name} says {opinions}, expected {down} down"
        for region in REGIONS:
            (check,) = self.server.get(f"/v1/checks?endpoint=web-{region}")["items"]
            own = [result["outcome"] == "ok" for result in check["results"] if result["vantage"] == "local"][:3]
            if own != [(SERVER, region) not in self.cut] * 3:
                return f"the server sees {own} of {region}"
        return None

    def settle(self):
        """Until everybody has seen what there is to see."""
        try:
            self.server.wait(lambda: self.find_unsettled() is None, "everybody knows")
        except AssertionError as error:
            logs = "".join(f"\n{name}: {probe.read_log()[-1500:]}" for name, probe in self.probes.items())
            raise AssertionError(f"{self.find_unsettled()}, cut: {sorted(self.cut)}: {error}{logs}") from None

    def observe(self, region):
        return self.server.get(f"/v1/endpoints/web-{region}")["observed"]

    def count_flips(self, region):
        return sum(f"kind=endpoint name=web-{region} " in line and "observed_was=healthy" in line or
                   f"kind=endpoint name=web-{region} " in line and "observed_was=unhealthy" in line
                   for line in self.server.read_log().splitlines())

    # ---- what happens ----

    def turn(self, link):
        """One link is cut that was whole, or whole again; then the server has to think what the model says, and nothing else in
        between."""
        before = {region: self.count_flips(region) for region in REGIONS}
        self.cut ^= {link}
        self.internet.set_cut(*link, link in self.cut)
        self.settle()
        for region in REGIONS:
            expected, opinions, down = judge(self.cut, region, self.thought[region])
            self.server.wait(lambda: self.observe(region) == expected,
                             f"{region} is {expected} while {sorted(self.cut)} are cut")
            flips = self.count_flips(region) - before[region]
            self.rows.append((sorted(f"{one}-{other}" for one, other in self.cut), region, opinions, down, expected,
                              self.observe(region), flips))
            assert flips == (expected != self.thought[region]), f"{flips} flips: {self.rows[-1]}"
            self.thought[region] = expected

    def print_table(self):
        """Every state, and then each kind of them: as in doc/vantages.md."""
        print(f"\n{'cut':<110} {'region':<6} opinions down expected   observed   flips")
        for cut, region, opinions, down, expected, observed, flips in self.rows:
            print(f"{' '.join(cut) or '-':<110} {region:<6} {opinions:<8} {down:<4} {expected:<10} {observed:<10} {flips}")
        kinds = collections.Counter(row[2:6] for row in self.rows)
        print("\nopinions down expected   observed   times")
        for (opinions, down, expected, observed), times in sorted(kinds.items(), reverse=True):
            print(f"{opinions:<8} {down:<4} {expected:<10} {observed:<10} {times}")
