# SPDX-License-Identifier: BSD-3-Clause
"""What takes long is computed beside the control thread: overrides do not wait for it, who leaves cancels it, too much of
it is refused, and the server ends in the middle of it. A drill here takes seconds: many rules, and checks that end at many
moments, each of which is computed; what a test proves is an order of events, never a time."""
import json
import threading

import pytest

import kit
import transfers

DRILL = {"mode": "simulate", "lose": ["region:us"], "from": "healthy"}  # nobody answers the checks of a test
WHAT_IF = {"assume": ["region:us=down"]}


def make_crowd(site, names=300, rules=40, endpoints=60):
    """As many policies as names, a class of clients for each rule; nothing answers the checks, most of an hour apart."""
    site.topology = {
        "regions": {name: {"azs": {name + "-1": {}}} for name in ("us", "eu")},
        "checks": {f"c{i}": {"type": "tcp", "port": 9, "interval": f"{3000 + i}s", "timeout": "1s"} for i in range(50)},
        "endpoints": {f"web-{i}": {"az": ("us-1", "eu-1")[i % 2], "addresses": [f"127.9.0.{i + 1}"],
                                   "checks": [f"c{i // 2 % 50}"]} for i in range(endpoints)}}
    geo = [{"when": {"cidr": [f"10.{i}.0.0/16"]}, "tiers": [{"members": ["eu"], "min_healthy": f"{i + 1}%"}, ["us"]]}
           for i in range(rules)]
    site.zone("example.com", "").policy("example.com", {
        f"n{i}": {"endpoints": [f"web-{j}" for j in range(endpoints) if j not in (i % endpoints, i // endpoints)],
                  "tiers": [["us"], ["eu"]], "geo": geo} for i in range(names)})


@pytest.fixture(name="crowd")
def fixture_crowd(site):
    make_crowd(site)
    return site.start()


class Asker(threading.Thread):
    """A request whose answer takes a while. leave() closes the connection."""

    def __init__(self, server, path, body):
        super().__init__()
        self.connection, self.reply = kit.UnixConnection(server.site.socket), None
        self.connection.timeout = None  # it may take minutes where a sanitizer looks on
        self.connection.request("POST", path, json.dumps(body), {"Content-Type": "application/json"})
        self.start()

    def run(self):
        try:
            got = self.connection.getresponse()
            self.reply = kit.Reply(got.status, got.headers, got.read())
        except (OSError, AttributeError, kit.http.client.HTTPException):
            pass  # left, or the server ended

    def leave(self):
        self.connection.sock.shutdown(2)
        self.join()
        self.connection.close()


def work(server):
    return server.get("/v1/status")["work"]


def wait_running(server, what):
    return server.wait(lambda: work(server) if work(server)["running"] == what else None, f"{what} is running")


def counters(server):
    lines = server.request("GET", "/metrics").body.decode().splitlines()
    return {result: int(line.split()[1]) for line in lines for result in ("ended", "cancelled", "refused")
            if line.startswith(f'steerd_work_total{{lane="long",result="{result}"')}


def count_taken(server):
    """Those that have ended, run or wait; None while that changes."""
    before, now, after = counters(server)["ended"], work(server), counters(server)["ended"]
    return before + (now["running"] is not None) + now["waiting"] if before == after else None


def test_overrides_do_not_wait_for_a_drill(crowd):
    """Many are acknowledged, and other answers made, before the drill that began first has its answer."""
    drill = Asker(crowd, "/v1/drills", DRILL)
    wait_running(crowd, "drill")
    before = work(crowd)
    for i in range(20):
        crowd.override("endpoint", f"web-{i}", "drain")
        assert crowd.get(f"/v1/endpoints/web-{i}")["effective"] == "drained"
    assert len(crowd.get("/v1/overrides")["items"]) == 20
    assert crowd.get("/v1/explain?name=n1.example.com")["steered"]
    assert crowd.request("PUT", "/v1/regions/eu/override?dry_run=true", {"state": "drain", "reason": "x"}).json["changes"]
    after = work(crowd)
    assert after["running"] == "drill" and drill.reply is None
    assert after["done"] > before["done"] and after["of"] >= after["done"]
    drill.join()
    drill.connection.close()
    assert drill.reply.status == 200 and drill.reply.json["names"] == 300
    assert counters(crowd) == {"ended": 1, "cancelled": 0, "refused": 0}
    assert work(crowd) == {"running": None, "running_ms": None, "done": None, "of": None, "waiting": 0}


def test_a_drill_is_of_the_moment_when_it_began(crowd):
    """It reads a snapshot: a reload in between changes the server, not the drill."""
    drill = Asker(crowd, "/v1/drills", DRILL)
    wait_running(crowd, "drill")
    make_crowd(crowd.site, names=3, rules=2)
    crowd.site.write()
    assert crowd.reload().status == 200
    assert crowd.get("/v1/status")["names"] == 3
    assert drill.reply is None
    drill.join()
    drill.connection.close()
    assert drill.reply.json["names"] == 300


def test_who_leaves_cancels(crowd):
    """The one that runs, and one that waits."""
    askers = [Asker(crowd, "/v1/drills", DRILL) for _ in range(3)]
    wait_running(crowd, "drill")
    crowd.wait(lambda: work(crowd)["waiting"] == 2, "two wait")
    askers[2].leave()
    crowd.wait(lambda: work(crowd)["waiting"] == 1, "one waits")
    askers[0].leave()
    crowd.wait(lambda: work(crowd)["waiting"] == 0, "the next one begins")
    assert counters(crowd) == {"ended": 0, "cancelled": 2, "refused": 0}
    askers[1].leave()
    crowd.wait(lambda: work(crowd)["running"] is None, "nothing is running")
    assert counters(crowd) == {"ended": 0, "cancelled": 3, "refused": 0}


def test_too_much_is_refused(crowd):
    """Whoever is not in the queue is told at once, and the rest of the API does not mind."""
    first = Asker(crowd, "/v1/drills", DRILL)
    wait_running(crowd, "drill")
    askers = [first] + [Asker(crowd, "/v1/drills", DRILL) for _ in range(40)]
    crowd.wait(lambda: counters(crowd)["refused"] == 25, "those that are too many are refused")
    crowd.wait(lambda: count_taken(crowd) == 16, "one runs, or has, and 15 wait")
    crowd.override("region", "us", "drain")
    refused = [asker for asker in askers if asker.reply is not None]
    for asker in refused:
        assert (asker.reply.status, asker.reply.json["type"]) == (503, "urn:steerd:problem:busy")
    for asker in askers:
        if asker not in refused:
            asker.leave()
    crowd.wait(lambda: work(crowd)["running"] is None, "nothing is running")


@pytest.mark.parametrize("path, body, what", [("/v1/drills", DRILL, "drill"), ("/v1/what-if", WHAT_IF, "what-if")])
def test_the_server_ends_in_the_middle(crowd, path, body, what):
    askers = [Asker(crowd, path, body) for _ in range(16)]
    wait_running(crowd, what)
    crowd.stop()
    for asker in askers:
        asker.join()
        asker.connection.close()
    assert any(asker.reply is None for asker in askers)


def test_what_is_known_of_secondaries_outlives_two_reloads(site):
    """A list of zones asks the control thread in the middle of it: the view it began with, the one that was asked, and the
    one that serves when it goes on may be three."""
    site.zone("example.com", "")
    site.server["keys"] = transfers.KEYS
    site.server["zone_options"] = {"*": {"transfer_to": "127.0.0.0/8", "notify": [
        {"address": "127.0.0.1:9", "key": "transfer.example"}]}}
    site.topology = {"regions": {"us": {"azs": {"us-1": {}}}}, "endpoints": {
        f"e{i}": {"az": "us-1", "addresses": f"127.9.{i // 250}.{i % 250 + 1}"} for i in range(1000)}}
    server, keys, ended = site.start(), set(), threading.Event()

    def look():
        while not ended.is_set():
            zones = server.request("GET", "/v1/zones")
            server.request("GET", "/v1/endpoints?limit=1000")
            keys.add(json.loads(zones.body)["items"][0]["secondaries"][0]["key"] if zones.status == 200 else zones.body)

    lookers = [threading.Thread(target=look) for _ in range(3)]
    for looker in lookers:
        looker.start()
    try:
        for _ in range(20):
            assert server.reload().status == 200
    finally:
        ended.set()
        for looker in lookers:
            looker.join()
    assert keys == {"transfer.example."}
