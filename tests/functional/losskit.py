# SPDX-License-Identifier: BSD-3-Clause
"""Predicted beside measured: a loss that a drill document computes, and the same one made real. Endpoints are processes that are
killed, stopped or slowed down, the server is the real one, and `steerctl observe` is its resolvers and clients.

Each scenario is a server of its own at addresses of its own, so that several run at once. Rounds are repeated: what is compared
are medians, and a round in which the harness itself came late is none."""
import concurrent.futures
import contextlib
import json
import statistics
import subprocess
import sys
import time

import kit

INTERVAL_MS, TIMEOUT_MS, FALL, RISE, TTL_S = 250, 200, 2, 2, 2
WARM_S = 1.0      # before the loss, so that the measurement has a start
LATE_MS = 60      # a round in which a resolver asked later than this is made again, …
AGAIN_MAX = 3     # … so often
RESOLVERS = 120
PATIENCE_MS = 600


class Scenario:
    """What happens when, in seconds since the loss: [(at, what, how, words of the document)], and how it is made real."""

    def __init__(self, name, azs, policy, events, lasts_s, **more):
        self.name, self.azs, self.policy, self.events, self.lasts_s = name, azs, policy, events, lasts_s
        self.owner = more.pop("owner", "www")
        self.check = {"interval": f"{INTERVAL_MS}ms", "timeout": f"{TIMEOUT_MS}ms", "fall": FALL, "rise": RISE, **more.pop("check", {})}
        self.topology = more.pop("topology", {})
        self.ecs = more.pop("ecs", None)
        self.copies = more.pop("copies", {})  # region -> replicates_to
        self.prepare = more.pop("prepare", None)  # (site, server) before the loss
        self.switchovers = more.pop("switchovers", [])  # of the document, and real ones, at 0
        self.source = more.pop("source", "healthy")
        assert not more, more

    def document(self):
        return {"name": self.name, "mode": "simulate", "from": self.source, "duration": f"{int(self.lasts_s * 1000)}ms",
                "events": [{"at": f"{int(at * 1000)}ms", "what": what, "how": how, **words} for at, what, how, words in self.events],
                "switchovers": [{"at": "0s", **one} for one in self.switchovers],
                "clients": {"resolvers": RESOLVERS, "timeout": f"{PATIENCE_MS}ms"}}


def build(site, scenario):
    """One endpoint per az, each a process of its own. Returns az -> address."""
    at = kit.make_regions(site, azs=scenario.azs, **scenario.check)
    for region, copies in scenario.copies.items():
        site.topology["regions"][region]["replicates_to"] = copies
    for key, value in scenario.topology.items():
        site.topology.setdefault(key, {}).update(value)
    site.zone("example.com", "")
    site.policy("example.com", {scenario.owner: {"ttl": TTL_S, "endpoints": ["web-*"], **scenario.policy}})
    return at


class Places:
    """The processes behind the endpoints, by az."""

    def __init__(self, site, at):
        self.site, self.at = site, at
        self.webs = {az: site.web(address) for az, address in at.items()}
        self.sight = None  # what checks ask, if that is something else than what clients do
        if site.topology["checks"]["web"]["port"] != kit.WEB_PORT:
            self.sight = kit.Web(*at.values(), port=site.topology["checks"]["web"]["port"])
            site.webs.append(self.sight)

    def find(self, what):
        kind, name = what.split(":")
        if kind in ("vantage", "copy"):
            return [self.sight] if kind == "vantage" else []
        if kind == "region":
            return [web for az, web in self.webs.items() if az.startswith(name)]
        return [self.webs[name.removeprefix("web-")]]

    def apply(self, what, how, words):
        for web in self.find(what):
            if how == "lost":
                web.stop()
            elif how == "refused":
                web.kill()
            elif how == "slow":
                web.behave("slow", seconds=float(words["after"].rstrip("s")))
            elif how == "recovered":
                web.resume()
                if web.process.poll() is not None:
                    web.start()
                else:
                    web.behave("ok")


def predict(site, scenario, server):
    """The report of simulate."""
    site.put("drill.json", scenario.document())
    if scenario.source == "live":
        done = server.ctl("drill", "simulate", str(site.folder / "drill.json"), "--json", code=None)
    else:
        done = kit.run_steerd("-c", str(site.config), "--drill", str(site.folder / "drill.json"), "--json")
    assert done.returncode in (0, 1), done
    return json.loads(done.stdout)


@contextlib.contextmanager
def observing(site, scenario):
    """`steerctl observe` until the scenario is over; yields a function that waits for what it saw."""
    address, port = site.listen[0]
    words = ["observe", f"{scenario.owner}.example.com", "--server", f"{address}:{port}", "--connect", str(kit.WEB_PORT), "--path", "/",
             "--timeout", f"{PATIENCE_MS}ms", "--resolvers", str(RESOLVERS), "--for", f"{int((WARM_S + scenario.lasts_s) * 1000)}ms",
             "--json", *(["--ecs", scenario.ecs] if scenario.ecs else [])]
    process = subprocess.Popen([str(kit.STEERCTL), *words], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True,
                               env=kit.make_environment())
    try:
        yield lambda: json.loads(process.communicate(timeout=kit.PATIENCE_S + scenario.lasts_s)[0])
    finally:
        if process.poll() is None:
            process.kill()
        process.wait()


def happen(scenario, places, began, server):
    """All events, each in its time. How late the latest of them was, seconds."""
    late = 0
    for switchover in scenario.switchovers:
        time.sleep(max(0, began - time.monotonic()))
        reply = server.request("POST", "/v1/switchovers", {**switchover, "execute": True, "reason": "a loss will come"})
        assert reply.status == 201, reply
    for at, what, how, words in expand(scenario.events):
        pause = began + at - time.monotonic()
        if pause > 0:
            time.sleep(pause)
        late = max(late, time.monotonic() - began - at)
        places.apply(what, how, words)
    return late


def expand(events):
    """What ends by itself, and what flaps, as events that do not."""
    steps = []
    for at, what, how, words in events:
        until = at + seconds(words["for"]) if "for" in words else None
        if how == "flapping":
            down, up, now = seconds(words["down"]), seconds(words["up"]), at
            while now < until:
                steps += [(now, what, "lost", {}), (min(now + down, until), what, "recovered", {})]
                now += down + up
            continue
        steps.append((at, what, how, words))
        if until is not None:
            steps.append((until, what, "recovered", {}))
    return sorted(steps, key=lambda step: step[0])


def seconds(text):
    return float(text.removesuffix("ms")) / 1000 if text.endswith("ms") else float(text.removesuffix("s"))


def measure(scenario):
    """One round: (what simulate says, what was seen, how late the harness was in ms)."""
    with kit.new_site() as site:
        places = Places(site, build(site, scenario))
        server = site.start()
        for az in scenario.azs:
            server.wait_state("endpoint", f"web-{az}", effective="healthy")
        if scenario.prepare:
            scenario.prepare(site, server)
        predicted = predict(site, scenario, server)
        with observing(site, scenario) as wait:
            late = happen(scenario, places, time.monotonic() + WARM_S, server)
            seen = wait()
        return predicted, seen, max(seen["late_ms"], int(late * 1000))


def tell(predicted, seen):
    """The figures of both that are compared, in ms."""
    users, own = predicted["users"], seen["users"]
    lasts_ms = predicted["duration_ms"]
    stays = predicted["answers_to_lost"] + predicted["answers_held"] > 0 and seen["decision_ms"] is None  # answers go on leading there
    return {"decision": (None if stays else predicted["decision_ms"], seen["decision_ms"]),
            "failed": (users["failed_share"] * lasts_ms, own["failed_seconds"] * 1000),
            **{f"moved {share}": (users["moved_ms"][share], own["moved_ms"][share]) for share in ("50", "90", "100")}}


def compare(scenario, rounds):
    """The median of each figure of so many good rounds: {figure: (predicted, measured)}, and how late the harness was."""
    told, late, again = [], [], 0
    while len(told) < rounds:
        predicted, seen, late_ms = measure(scenario)
        again += late_ms > LATE_MS
        if late_ms <= LATE_MS or again > AGAIN_MAX:
            told.append(tell(predicted, seen))
            late.append(late_ms)
    figures = {}
    for figure in told[0]:
        pairs = [each[figure] for each in told]
        figures[figure] = tuple(None if any(pair[i] is None for pair in pairs) else statistics.median(pair[i] for pair in pairs)
                                for i in (0, 1))
    return figures, max(late)


def compare_all(scenarios, rounds, at_once=4):
    with concurrent.futures.ThreadPoolExecutor(at_once) as pool:
        return dict(zip((scenario.name for scenario in scenarios), pool.map(lambda each: compare(each, rounds), scenarios)))


AZS = ("us-east-1a", "us-east-1b", "us-east-1c", "eu-west-1a")
CITY = ("city-1a", "city-1b", "cloud-1a")
OVERSEAS = {"tiers": [["us-east"], ["eu-west"]]}
CHECK_PORT = kit.WEB_PORT + 1


def fall_behind(_, server):
    """30 s, as events of the document say."""
    reply = server.request("POST", "/v1/report", {"from": "us-east", "to": "eu-west", "lag": 30, "unit": "s"})
    assert reply.status == 200, reply


LIBRARY = [
    Scenario("az-of-three", AZS, {**OVERSEAS, "pick": "all"}, [(0, "az:us-east-1a", "lost", {"for": "5s"})], 8),
    Scenario("primary-az", AZS, {"tiers": [["us-east-1a"], ["us-east-1b"], ["eu-west"]]}, [(0, "az:us-east-1a", "lost", {"for": "5s"})], 8),
    Scenario("one-vip", AZS, {**OVERSEAS, "pick": "all"}, [(0, "endpoint:web-us-east-1a", "refused", {"for": "5s"})], 8),
    Scenario("machine-room", CITY, {"tiers": [["city-1a"], ["city-1b"], ["cloud"]]}, [(0, "az:city-1a", "lost", {"for": "5s"})], 8),
    Scenario("region", AZS, OVERSEAS, [(0, "region:us-east", "lost", {"for": "5s"})], 8),
    Scenario("active-standby", CITY, {"tiers": [["city"], ["cloud"]]}, [(0, "region:city", "lost", {"for": "5s"})], 8),
    Scenario("active-active", AZS, {**OVERSEAS, "geo": [{"when": {"cidr": "198.51.100.0/24"}, "tiers": [["eu-west"], ["us-east"]]}]},
             [(0, "region:eu-west", "lost", {"for": "5s"})], 8, ecs="198.51.100.0/24,203.0.113.0/24"),
    Scenario("flapping-region", AZS, OVERSEAS, [(0, "region:us-east", "flapping", {"down": "2s", "up": "3s", "for": "10s"})], 12),
    Scenario("prober-blackout", AZS, OVERSEAS, [(0, "vantage:local", "lost", {"for": "3s"})], 5, check={"port": CHECK_PORT}),
    Scenario("brown-out", AZS, OVERSEAS, [(0, "region:us-east", "slow", {"after": "3s", "for": "5s"})], 8),
    Scenario("loss-during-switchover", AZS, OVERSEAS, [(2.5, "region:eu-west", "lost", {"for": "4s"})], 9,
             switchovers=[{"source": "region:us-east", "to": "eu-west", "steps": [50], "each": "5s"}]),
    Scenario("last-region", AZS, OVERSEAS, [(0, "region:us-east", "lost", {}), (4, "region:eu-west", "lost", {"for": "4s"}),
                                            (10, "region:us-east", "recovered", {})], 13),
    Scenario("growing-lag", AZS, OVERSEAS, [(0, "copy:us-east/eu-west", "lag", {"value": "30s"}), (0, "region:us-east", "lost", {"for": "4s"})],
             8, prepare=fall_behind, topology={"rules": {"data": {"type": "lag", "regions": ["us-east"], "stage": "any"}}},
             copies={"us-east": [{"to": "eu-west", "lag": "push", "rpo": "10s"}]}),
]


if __name__ == "__main__":
    sys.exit("a module for the tests beside it: pytest-3 tests/functional; tests/bench/predicted compares")
