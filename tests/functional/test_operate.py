# SPDX-License-Identifier: BSD-3-Clause
"""Switchovers and holds as a whole, against real things: a crowd of clients that keep to TTLs, a lag that is polled, a receiver that checks signatures,
and each verb with each token."""
import re
import threading
import time
import urllib.request

import dns.message
import dns.query
import pytest

import gatekit
import kit
import openapi
from receivers import SECRET, Receiver
from test_last_health import wait_state
from test_replication import Replica
from test_roles import NAMES, may_harm
from test_switchover import act, begin, state_of, verify, wait_for

CROWD = 32
ROLES = ["viewer", "operator", "editor", "admin"]


@pytest.fixture
def scene(site):
    """Two regions of two servers each; www in us-east, else eu-west."""
    site.at = kit.make_regions(site)
    site.us, site.eu = ([site.at[az] for az in site.at if az.startswith(region)] for region in ("us-east", "eu-west"))
    site.zone("example.com", "")
    site.policy("example.com", {"www": {"ttl": 1, "endpoints": ["web-*"], "tiers": [["us-east"], ["eu-west"]]}})
    site.server["start_wait"] = "0s"
    site.web(*site.us), site.web(*site.eu)
    return site


def start(site):
    server = site.start()
    for az in site.at:
        wait_state(server, "healthy", f"web-{az}")
    return server


# ---- many clients ----

class Crowd:
    """Each with a resolver of its own: an answer is used from before it was asked for until its TTL is over, and no longer."""

    def __init__(self, server, count):
        self.at, self.failed, self.served, self.ended = server.site.listen[0], [], {}, threading.Event()
        self.lock = threading.Lock()
        self.threads = [threading.Thread(target=self.run, args=(f"127.0.7.{number + 1}",)) for number in range(count)]
        for thread in self.threads:
            thread.start()

    def resolve(self, source):
        asked = time.monotonic()
        reply = dns.query.udp(dns.message.make_query("www.example.com.", "A"), self.at[0], port=self.at[1], timeout=10, source=source)
        return reply.answer[0][0].address, asked + reply.answer[0].ttl

    def run(self, source):
        until, address = 0, None
        while not self.ended.is_set():
            try:
                if time.monotonic() >= until:
                    address, until = self.resolve(source)
                with urllib.request.urlopen(f"http://{address}:{kit.WEB_PORT}/page", timeout=10) as reply:
                    assert reply.status == 200
                with self.lock:
                    self.served[address] = self.served.get(address, 0) + 1
            except (OSError, ValueError, IndexError, AssertionError, dns.exception.DNSException) as error:
                self.failed.append(f"{source} {address}: {error!r}")
            self.ended.wait(0.05)

    def count(self, addresses):
        with self.lock:
            return sum(self.served.get(address, 0) for address in addresses)

    def end(self):
        self.ended.set()
        for thread in self.threads:
            thread.join()


def test_a_crowd_is_not_let_down(scene):
    """A planned switch in steps and back. What was moved off is switched off as soon as the switch is verified: whoever went there still would fail."""
    server = start(scene)
    crowd = Crowd(server, CROWD)
    try:
        server.wait(lambda: crowd.count(scene.us) >= 5 * CROWD, "all of them are served in us-east")
        assert crowd.count(scene.eu) == 0
        made = begin(server, to="eu-west", steps=[25, 50], each="1s", execute=True)
        wait_for(server, made, "moved")
        verify(server, made)
        scene.webs[0].kill()
        gone = crowd.count(scene.us)
        here = crowd.count(scene.eu)
        server.wait(lambda: crowd.count(scene.eu) >= here + 5 * CROWD, "all of them are served in eu-west")
        assert crowd.count(scene.us) == gone
        act(server, made, "commit")
        scene.webs[0].start()
        for az in "us-east-1a", "us-east-1b":
            server.wait_state("endpoint", f"web-{az}", observed="healthy")
        act(server, made, "reprotect", accept=["replication"], confirm="us-east", reason="there are no data")
        act(server, made, "failback")
        wait_for(server, made, "returned")
        verify(server, made)
        act(server, made, "commit")
        server.wait(lambda: crowd.count(scene.us) >= gone + 5 * CROWD, "all of them are back")
    finally:
        crowd.end()
    assert crowd.failed == [] and state_of(server, made) == "closed"
    seen = {one["address"] for one in server.get("/v1/traffic/resolvers?limit=1000")["items"]}
    assert {f"127.0.7.{number + 1}" for number in range(CROWD)} <= seen, "each had a resolver of its own"


# ---- a lag that is polled ----

def test_a_polled_stage_lets_a_failover_go(scene):
    """us-east dies while its copy is not in real time: held. The feed says real_time at its next poll: released, by nobody's hand."""
    replica = Replica()
    try:
        scene.topology["checks"]["db"] = {"type": "http", "port": replica.port, "interval": "300ms", "timeout": "300ms",
                                          "lag": {"value": "/replica/lag", "unit": "s", "stage": "/replica/stage"}}
        scene.topology["regions"]["us-east"]["replicates_to"] = [
            {"to": "eu-west", "lag": {"check": "db", "address": "127.0.0.1"}, "rpo": "30s", "max_age": "1m", "hold": "0s"}]
        scene.topology["rules"] = {"fresh": {"type": "lag"}}
        replica.say({"replica": {"lag": 0.2, "stage": "full"}})
        server = start(scene)
        stage = lambda: server.get("/v1/replication")["items"][0]["stage"]  # noqa: E731
        server.wait(lambda: stage() == "full", "the feed was polled")
        scene.webs[0].kill()
        server.wait_state("region", "us-east", observed="unhealthy")
        server.wait_log("hold", "name=us-east", "turn=began", "rules=fresh")
        asked = replica.asked
        server.wait(lambda: replica.asked > asked + 2, "it is polled on")
        assert set(server.addresses("www.example.com")) <= set(scene.us), "it may not be left"
        replica.say({"replica": {"lag": 0.2, "stage": "real_time"}})
        server.wait(lambda: set(server.addresses("www.example.com")) <= set(scene.eu), "answers have left")
        assert stage() == "real_time"
        server.wait_log("hold", "name=us-east", "turn=allowed", "rules=fresh")
        assert server.get("/v1/overrides")["items"] == [] and "/v1/report" not in server.read_log()
        [lost] = [one for one in server.get("/v1/incidents")["items"] if one["name"] == "us-east"]
        server.wait(lambda: (one := server.get(f"/v1/incidents/{lost['id']}"))["held"] and one["published"], "the incident says so")
    finally:
        replica.close()


# ---- a receiver ----

def test_switchovers_reach_a_receiver_that_checks_signatures(scene):
    receiver = Receiver()
    try:
        (scene.folder / "secret").write_text(SECRET + "\n")
        (scene.folder / "secret").chmod(0o600)
        scene.server["webhooks"] = [{"name": "ops", "url": receiver.url, "secret_file": "secret", "kinds": ["switchover"], "timeout": "5s"}]
        server = start(scene)
        made = begin(server, to="eu-west", execute=True)
        verify(server, made)
        act(server, made, "rollback", reason="a test")
        name = f"switchover:{made['id']}"
        events = kit.wait_for(lambda: (found := receiver.events(kind="switchover", name=name)) and found[-1]["body"]["after"] == "rolled_back" and found,
                              "all of it has come")
        assert [event["body"]["after"] for event in events][-2:] == ["verified", "rolled_back"]
        assert {"moved"} <= {event["body"]["after"] for event in events} and events[0]["actor"] == "ann" and events[-1]["reason"] == "a test"
        assert receiver.wrong == [] and all("Steerd-Signature" in request["headers"] for request in receiver.requests)
        assert {event["kind"] for event in receiver.events()} == {"switchover"}
        # a receiver with another secret takes none of them for good
        request = receiver.requests[0]
        forged = dict(request["headers"], **{"Steerd-Signature": request["headers"]["Steerd-Signature"][:-1] + "x"})
        receiver.verify(forged, b"{}")
        assert len(receiver.wrong) == 1
    finally:
        receiver.close()


# ---- each verb with each token ----

def list_operations():
    """Every operation of the document, with {verb} as each of its verbs: method, path, the role that it needs."""
    for template, item in openapi.load()["paths"].items():
        for method in set(item) & {"get", "put", "patch", "post", "delete"}:
            operation = item[method]
            given = {one["name"]: one.get("schema", {}).get("enum") for one in [*item.get("parameters", []), *operation.get("parameters", [])] if "name" in one}
            for verb in given.get("verb") or [None]:
                names = {**NAMES, **({"verb": verb} if verb else {})}
                yield method.upper(), re.sub(r"\{([^}]+)\}", lambda found: names[found[1]], template), operation["x-role"]  # pylint: disable=cell-var-from-loop


OPERATIONS = sorted(set(list_operations()))
VERBS = sorted({path.rsplit(":", 1)[1] for method, path, _ in OPERATIONS if path.startswith("/v1/switchovers/") and method == "POST"})


@pytest.fixture
def far(scene):
    scene.pki = gatekit.make_pki(scene)
    scene.at_tls = gatekit.listen(scene, scene.pki)
    scene.topology["rules"] = {}
    server = start(scene)

    def use(name, role, **scopes):
        reply = server.request("POST", "/v1/tokens", {"name": name, "role": role, **scopes})
        assert reply.status == 201, reply
        return gatekit.Remote(scene.at_tls, scene.pki, token=reply.json["secret"])
    server.use = use
    return server


def is_forbidden(reply):
    return reply.status == 403 and reply.json["type"].endswith(":forbidden")


def test_the_document_has_all_verbs():
    """What the server says that it knows when it is asked for what it does not."""
    assert {"execute", "verify", "commit", "rollback", "reprotect", "failback", "cancel", "close", "resume"} <= set(VERBS)
    assert len(OPERATIONS) > 60


@pytest.mark.parametrize("role", [None, *ROLES])
def test_each_operation_with_a_token_of_each_role(far, role):
    remote = far.use("tester", role) if role else gatekit.Remote(far.site.at_tls, far.site.pki)
    for method, path, needed in OPERATIONS:
        may = role is not None and ROLES.index(role) >= ROLES.index(needed)
        if (may and may_harm(method, path)) or (role is None and path == "/v1/events"):
            continue
        reply = remote.request(method, path, {} if method in ("PUT", "PATCH", "POST") else None)
        if role is None:
            assert reply.status == 401, (method, path, reply)
        else:
            assert is_forbidden(reply) != may, (method, path, role, reply)


@pytest.mark.parametrize("verb", VERBS)
def test_a_verb_of_a_switchover_within_its_scope_only(far, verb):
    made = begin(far, to="eu-west")
    path, body = f"/v1/switchovers/{made['id']}:{verb}", {"reason": "x", **({"to": "eu-west"} if verb == "redirect" else {})}
    viewer, elsewhere, half = far.use("viewer", "viewer"), far.use("eu", "operator", regions=["eu-west"]), far.use("us", "operator", regions=["us-east"])
    zones, both = far.use("zones", "operator", zones=["example.com"]), far.use("both", "operator", regions=["us-east", "eu-west"])
    for remote in viewer, elsewhere, half, zones:
        for query in "", "?dry_run=true":
            reply = remote.request("POST", path + query, body)
            assert is_forbidden(reply), (verb, reply)
        assert remote.request("GET", f"/v1/switchovers/{made['id']}").json["state"] == "planned", "to look is no change, and nothing has moved"
    assert gatekit.Remote(far.site.at_tls, far.site.pki).request("POST", path, {}).status == 401
    reply = both.request("POST", path, body)
    assert reply.status in (200, 409) and (reply.status == 200) == (verb in made["allowed"]), reply
    if reply.status == 200:
        assert far.get("/v1/journal?kind=switchover")["items"][0]["peer"] == "token:both"
