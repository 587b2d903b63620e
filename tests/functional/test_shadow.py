# SPDX-License-Identifier: BSD-3-Clause
"""Drills on the server that serves: clients of a drill see a loss that nobody else does."""
import base64
import json

import dns.edns
import dns.message
import dns.query
import dns.tsig
import pytest

import kit
from takeovers import reaper, take_over  # noqa: F401  pylint: disable=unused-import
from test_clock import Clock

LOSE = ["region:us-east"]
DRILLER = "127.1.2.3"
KEYS = {name: {"algorithm": "hmac-sha256", "secret": base64.b64encode(name.encode() * 3).decode()}
        for name in ("drill.example.", "other.example.")}
CLIENTS = {"prefixes": ["127.1.2.0/24"]}


@pytest.fixture
def scene(site):
    """www in us-east, else eu-west."""
    at = kit.make_regions(site, azs=("us-east-1a", "eu-west-1a"), interval="100ms", timeout="100ms", fall=2)
    site.us, site.eu = ([at[az]] for az in ("us-east-1a", "eu-west-1a"))
    site.zone("example.com", "plain 300 IN A 192.0.2.7\nalias 300 IN CNAME www\n")
    site.policy("example.com", {"www": {"ttl": 60, "endpoints": ["web-*"], "tiers": [["us-east"], ["eu-west"]]}})
    site.server["keys"] = KEYS
    site.listen.append((kit.new_address(), kit.DNS_PORT))
    site.web(*site.us), site.web(*site.eu)
    server = site.start()
    server.wait_state("endpoint", "web-us-east-1a", effective="healthy")
    server.wait_state("endpoint", "web-eu-west-1a", effective="healthy")
    return site


def begin(server, status=201, **body):
    wanted = {"mode": "shadow", "lose": LOSE, "clients": CLIENTS, "reason": "a test", **body}
    reply = server.request("POST", "/v1/drills", {key: value for key, value in wanted.items() if value is not None})
    assert reply.status == status, reply
    return reply.json


def stop(server, drill):
    reply = server.request("DELETE", f"/v1/drills/{drill['id']}")
    assert reply.status == 200, reply
    return reply.json


def look(server, drill):
    return server.get(f"/v1/drills/{drill['id']}")


def wait_end(server, drill):
    return server.wait(lambda: (found := look(server, drill))["state"] == "ended" and found, "the drill has ended")


def ask(server, name="www.example.com", rtype="A", source=DRILLER, tcp=False, at=0, **options):
    query = dns.message.make_query(name, rtype, **options)
    query.id = 4711
    address, port = server.site.listen[at]
    return (dns.query.tcp if tcp else dns.query.udp)(query, address, port=port, source=source, timeout=10)


def addresses(reply):
    return sorted(rdata.to_text() for rrset in reply.answer for rdata in rrset if rrset.rdtype == 1)


def ttls(reply):
    return {rrset.ttl for section in (reply.answer, reply.authority, reply.additional) for rrset in section}


def others(server, at=0):
    """Everything that a client that is not the drill's gets, as octets."""
    return [ask(server, name, rtype, source=None, use_edns=0, at=at).to_wire() for name, rtype in (
        ("www.example.com", "A"), ("www.example.com", "AAAA"), ("alias.example.com", "A"), ("plain.example.com", "A"),
        ("none.example.com", "A"), ("example.com", "SOA"))]


def test_only_its_clients_see_the_loss(scene):
    server = scene.running[0]
    before = others(server)
    drill = begin(server)
    assert drill["proof"]["sampled"] > 0
    assert drill["state"] == "running" and drill["lose"] == LOSE and drill["clients"]["prefixes"] == CLIENTS["prefixes"]
    server.wait(lambda: addresses(ask(server)) == scene.eu, "clients of the drill are sent to eu-west")
    assert others(server) == before
    for tcp in False, True:
        for name, rtype in ("www.example.com", "A"), ("alias.example.com", "A"), ("plain.example.com", "A"), (
                "none.example.com", "A"), ("www.example.com", "AAAA"), ("example.com", "NS"), ("example.com", "SOA"):
            assert ttls(ask(server, name, rtype, tcp=tcp)) == {0}, (name, rtype)
    assert addresses(ask(server, "plain.example.com")) == ["192.0.2.7"]
    assert server.get("/v1/regions/us-east")["effective"] == "healthy"
    assert [item["id"] for item in server.get("/v1/drills")["items"]] == [drill["id"]]
    assert stop(server, drill)["state"] in ("ending", "ended")
    assert addresses(ask(server)) == scene.us and ttls(ask(server)) == {60}
    ended = wait_end(server, drill)
    assert others(server) == before
    assert ended["because"] == "stopped" and ended["queries"] >= 14
    measured, proof, report = ended["measured"], ended["proof"], ended["report"]
    assert measured["answers_changed"] >= 1 and measured["detection_ms"] <= measured["decision_ms"]
    assert proof["sampled"] > 0 and proof["differences"] == 0 and proof["hash"] == proof["hash_without"]
    assert report["answers_changed"] == 1 and report["ttl_ms"] == 60000 and report["answers_to_lost"] == 0
    assert report["mode"] == "shadow" and [phase["text"] for phase in report["phases"]] == ["region:us-east lost"]
    told = next(answer for answer in report["answers"] if answer["type"] == "A")
    assert told["before"] == "tier us-east" and told["after"] == "tier eu-west"
    assert told["decided_ms"] == measured["decision_ms"] and report["phases"][0]["detection_ms"] == measured["detection_ms"]
    assert any("region us-east lost" in event["text"] for event in report["timeline"])


def test_it_ends_by_itself(scene):
    server = scene.running[0]
    drill = begin(server, duration="1s")
    ended = wait_end(server, drill)
    assert ended["because"] == "time" and addresses(ask(server)) == scene.us


def test_the_world_knows_what_it_says(scene):
    """Bodies that cannot be meant."""
    server = scene.running[0]
    for body, field in (
            ({"clients": {}}, "clients"), ({"clients": {"prefixes": ["0.0.0.0/0"]}}, "clients.prefixes"),
            ({"clients": {"prefixes": ["127.1.2.3/24"]}}, "clients.prefixes"), ({"clients": {"ecs": ["::/8"]}}, "clients.ecs"),
            ({"clients": {"prefixes": ["10.0.0.0/8", "10.1.0.0/16"]}}, "clients.prefixes"),
            ({"clients": {"tsig_key": "nobody."}}, "clients.tsig_key"), ({"lose": ["region:nowhere"]}, "lose"), ({"lose": []}, "lose"),
            ({"clients": {"listen": ["127.0.0.1"]}}, "clients.listen"), ({"clients": {"listen": ["127.0.0.1:99"]}}, "clients.listen"),
            ({"clients": {"listen": places(scene)}}, "clients.listen"), ({"duration": "2h"}, "duration"), ({"failure": "odd"}, "failure"), ({"from": "live"}, "from")):
        problem = begin(server, 422, **body)
        assert [error["field"] for error in problem["errors"]] == [field], body
    assert server.get("/v1/drills")["items"] == []
    assert server.request("GET", "/v1/drills/x").status == 404 and server.request("DELETE", "/v1/drills/x").status == 404


def test_several_at_once(scene):
    """Each has clients of its own, and one loses something else."""
    server = scene.running[0]
    one = begin(server)
    other = begin(server, lose=["az:eu-west-1a"], clients={"prefixes": ["127.1.3.0/24"]})
    assert one["id"] in begin(server, 409, clients={"prefixes": ["127.1.2.128/25"]})["detail"]
    server.wait(lambda: addresses(ask(server)) == scene.eu, "the first has lost us-east")
    assert addresses(ask(server, source="127.1.3.1")) == scene.us
    stop(server, one)
    assert ttls(ask(server)) == {60} and ttls(ask(server, source="127.1.3.1")) == {0}
    wait_end(server, one), stop(server, other)
    assert wait_end(server, other)["report"]["answers_changed"] == 0
    more = [begin(server, clients={"prefixes": [f"127.1.{i}.0/24"]}) for i in range(8)]
    assert "as many" in begin(server, 503, clients={"prefixes": ["127.2.0.0/16"]})["detail"]
    for drill in more:
        stop(server, drill)


def test_two_lose_the_same_place(scene):
    """At times of their own, with clients of their own, by source and by where they ask: each sees its own loss and return, production neither."""
    server = scene.running[0]
    before, own = others(server), places(scene)[1]

    def document(*events):
        return {"duration": "5m", "events": [{"at": at, "what": "region:us-east", "how": how} for at, how in events]}
    first = begin(server, lose=None, document=document(("0s", "refused"), ("3s", "recovered")), clients=CLIENTS)
    second = begin(server, lose=None, document=document(("3s", "refused")), clients={"listen": [own]})
    seen = {"first": lambda: addresses(ask(server)), "second": lambda: addresses(ask(server, source=None, at=1))}
    server.wait(lambda: seen["first"]() == scene.eu, "the first has lost it")
    if look(server, second)["progress"]["step"] is None:
        assert seen["second"]() == scene.us, "in the second it is not lost yet"
    server.wait(lambda: seen["second"]() == scene.eu, "now it is")
    server.wait(lambda: seen["first"]() == scene.us, "in the first it is back")
    assert seen["second"]() == scene.eu and others(server) == before
    for drill in first, second:
        stop(server, drill)
    assert seen["second"]() == scene.us and others(server) == before and others(server, at=1) == before
    ended = [wait_end(server, drill) for drill in (first, second)]
    assert [one["report"]["answers_changed"] for one in ended] == [1, 1] and [one["complete"] for one in ended] == [True, False]
    assert [[phase["text"] for phase in one["report"]["phases"]] for one in ended] == [["region:us-east lost", "region:us-east back"], ["region:us-east lost"]]
    for one in ended:
        assert one["measured"]["decision_ms"] is not None and one["proof"]["sampled"] > 0 and one["proof"]["differences"] == 0
    assert server.get("/v1/regions/us-east")["effective"] == "healthy"


def test_a_real_failure_is_seen_in_it(scene):
    """What is not lost fails in reality: in the drill as for everybody."""
    server = scene.running[0]
    begin(server, lose=["region:eu-west"])
    scene.webs[0].kill()
    server.wait(lambda: addresses(ask(server, source=None)) == scene.eu, "all others are in eu-west")
    server.wait(lambda: len(addresses(ask(server))) == 1 and server.get("/v1/regions/us-east")["effective"] == "unhealthy", "us-east is lost")
    server.wait(lambda: addresses(ask(server)) == scene.us, "in the drill nothing is left: the first tier")


def test_a_reload_ends_it(scene):
    server = scene.running[0]
    drill = begin(server)
    server.wait(lambda: addresses(ask(server)) == scene.eu, "clients of the drill are sent to eu-west")
    assert server.reload().status == 200
    assert addresses(ask(server)) == scene.us and wait_end(server, drill)["because"] == "reload"
    drill = begin(server)
    assert server.request("POST", "/v1/reload?zone=example.com").status == 200
    assert ttls(ask(server)) == {60} and wait_end(server, drill)["because"] == "reload"


def test_nothing_is_left_of_it_after_a_crash(scene):
    server = scene.running[0]
    drill, note = begin(server), scene.folder / "var/drills"
    server.wait(lambda: addresses(ask(server)) == scene.eu, "clients of the drill are sent to eu-west")
    server.wait(lambda: note.exists() and drill["id"] in note.read_text(), "it is written down that it runs")
    server.kill()
    server = scene.start()
    server.wait(lambda: addresses(ask(server)) == scene.us, "it is as before")
    assert ttls(ask(server)) == {60} and [item["because"] for item in server.get("/v1/drills")["items"]] == ["restart"]
    assert look(server, drill)["state"] == "ended"
    server.wait_log("drill", drill["id"], "because=restart")
    server.wait(lambda: note.read_text() == "", "that is told once")


def test_by_steerctl(scene):
    server = scene.running[0]
    begun = server.ctl("drill", "shadow", "--lose", "region:us-east", "--client", "127.1.2.0/24,127.1.4.4/32", "--for", "10m",
                       "--reason", "rehearsal").stdout
    assert "127.1.2.0/24, 127.1.4.4/32" in begun and "running" in begun
    server.wait(lambda: addresses(ask(server, source="127.1.4.4")) == scene.eu, "clients of the drill are sent to eu-west")
    drill = server.get("/v1/drills")["items"][0]["id"]
    assert drill in server.ctl("drill", "list").stdout
    server.ctl("drill", "stop", drill)
    wait_end(server, {"id": drill})
    shown = server.ctl("drill", "show", drill).stdout
    assert "tier us-east" in shown and "tier eu-west" in shown and " 0 differ" in shown and "rehearsal" in shown, shown
    server.ctl("drill", "show", "nobody", code=4)
    server.ctl("drill", "shadow", "--lose", "region:us-east", code=2)
    server.ctl("drill", "shadow", "--lose", "region:us-ea", "--client", "127.1.2.0/24", code=4)


def test_subnets_and_keys_tell(scene):
    """Whoever sends them; and no answer to a subnet is good for more than the drill."""
    server = scene.running[0]
    begin(server, clients={"ecs": ["198.51.100.0/24"], "tsig_key": "drill.example."})
    key = dns.tsig.Key("drill.example.", KEYS["drill.example."]["secret"], "hmac-sha256")

    def ask_subnet(subnet, bits):
        return ask(server, source=None, use_edns=0, options=[dns.edns.ECSOption(subnet, bits)])
    server.wait(lambda: addresses(ask_subnet("198.51.100.0", 24)) == scene.eu, "the subnet is sent to eu-west")
    reply = ask_subnet("198.51.100.128", 25)
    assert addresses(reply) == scene.eu and ttls(reply) == {0} and reply.options[0].scopelen == 24
    for subnet, bits in ("198.51.0.0", 16), ("198.51.101.0", 24), ("0.0.0.0", 0):
        reply = ask_subnet(subnet, bits)
        assert addresses(reply) == scene.us and ttls(reply) == {60} and reply.options[0].scopelen == 0
    query = dns.message.make_query("www.example.com", "A")
    query.use_tsig(key)
    address, port = server.site.listen[0]
    for over in dns.query.udp, dns.query.tcp:
        reply = over(query, address, port=port, timeout=10)
        assert reply.had_tsig and addresses(reply) == scene.eu and ttls(reply) == {0}
    query.use_tsig(dns.tsig.Key("other.example.", KEYS["other.example."]["secret"], "hmac-sha256"))
    reply = dns.query.udp(query, address, port=port, timeout=10)
    assert reply.had_tsig and addresses(reply) == scene.us and ttls(reply) == {60}
    assert "other" not in str(server.get("/v1/drills")["items"])
    query.use_tsig(dns.tsig.Key("drill.example.", KEYS["other.example."]["secret"], "hmac-sha256"))
    with pytest.raises(dns.tsig.PeerBadSignature):
        dns.query.udp(query, address, port=port, timeout=10)


def places(scene):
    return [f"{address}:{port}" for address, port in scene.listen]


def test_a_listen_address_tells(scene):
    """Whoever asks there, by UDP and TCP, as long as the drill lasts; who asks at another one gets the same octets as ever."""
    server = scene.running[0]
    before, own = others(server), places(scene)[1]
    assert others(server, at=1) == before
    drill = begin(server, clients={"listen": [own]})
    assert drill["clients"] == {"prefixes": [], "ecs": [], "listen": [own], "tsig_key": None}
    for tcp in False, True:
        server.wait(lambda: addresses(ask(server, source=None, at=1, tcp=tcp)) == scene.eu, "who asks there is sent to eu-west")
        for name in "www.example.com", "plain.example.com", "none.example.com":
            assert ttls(ask(server, name, source=None, at=1, tcp=tcp)) == {0}
        reply = ask(server, source=None, tcp=tcp)
        assert addresses(reply) == scene.us and ttls(reply) == {60}
    assert others(server) == before and others(server, at=1) != before
    assert drill["id"] in begin(server, 409, clients={"listen": [own], "prefixes": ["127.1.3.0/24"]})["detail"]
    expected = f"expected one of those that this server listens on: {', '.join(places(scene))}"
    assert expected in begin(server, 422, clients={"listen": ["127.0.0.1:99"]})["errors"][0]["message"]
    assert "everybody" in begin(server, 422, clients={"listen": places(scene)})["errors"][0]["message"]
    other = begin(server, lose=["az:eu-west-1a"])  # a source goes before
    assert addresses(ask(server, at=1)) == scene.us and ttls(ask(server, at=1)) == {0}
    stop(server, other), stop(server, drill)
    assert others(server, at=1) == before
    ended = wait_end(server, drill)
    assert ended["queries"] >= 8 and ended["proof"]["sampled"] > 0 and ended["proof"]["differences"] == 0


def test_a_listen_address_of_a_document(scene):
    server = scene.running[0]
    document = {"mode": "shadow", "duration": "5m", "shadow": {"listen": places(scene)[1]},
                "events": [{"at": "0s", "what": "region:us-east", "how": "lost"}]}
    (scene.folder / "d.json").write_text(json.dumps(document))
    shown = server.ctl("drill", "shadow", scene.folder / "d.json").stdout
    assert "listen" in shown and places(scene)[1] in shown
    drill = server.get("/v1/drills")["items"][0]
    server.wait(lambda: addresses(ask(server, source=None, at=1)) == scene.eu, "who asks there is sent to eu-west")
    stop(server, drill), wait_end(server, drill)
    shown = server.ctl("drill", "shadow", "--lose", "region:us-east", "--listen", places(scene)[1]).stdout
    assert places(scene)[1] in shown
    assert "this server listens on" in server.ctl("drill", "shadow", "--lose", "region:us-east", "--listen", "127.0.0.1:9", code=1).stderr


def test_a_transfer_is_not_the_drills(scene):
    server = scene.running[0]
    before = ask(server, "example.com", "AXFR", tcp=True).to_wire()
    begin(server, clients={"prefixes": ["127.1.2.0/24"]})
    assert ask(server, "example.com", "AXFR", tcp=True).to_wire() == before


def test_counters_have_none_of_it(scene):
    server = scene.running[0]
    drill = begin(server)

    def count():
        return [line for line in server.request("GET", "/metrics").body.decode().splitlines()
                if line.startswith(("steerd_queries_total", "steerd_replies_total", "steerd_steered"))]
    before = count()
    for _ in range(5):
        ask(server), ask(server, tcp=True), ask(server, "none.example.com")
    assert count() == before and look(server, drill)["queries"] == 15


def test_a_takeover_ends_it(scene):
    server = scene.running[0]
    begin(server)
    server.wait(lambda: addresses(ask(server)) == scene.eu, "clients of the drill are sent to eu-west")
    take_over(server)
    server.wait(lambda: addresses(ask(server)) == scene.us and ttls(ask(server)) == {60}, "it is as before")
    assert server.get("/v1/drills")["items"] == []
    server.wait_log("drill", "turn=ended", "because=takeover")


def test_the_wall_clock_is_set(scene):
    """It lasts as long as ever: the monotonic clock counts."""
    scene.close(), scene.running.clear(), scene.webs.clear()
    clock = Clock(scene)
    scene.web(*scene.us), scene.web(*scene.eu)
    server = scene.start()
    server.wait_state("endpoint", "web-us-east-1a", effective="healthy")
    drill = begin(server, duration="5s")
    clock.set(server, -86400), clock.set(server, 2 * 86400)
    server.wait(lambda: addresses(ask(server)) == scene.eu, "clients of the drill are sent to eu-west")
    assert look(server, drill)["state"] == "running"
    assert wait_end(server, drill)["because"] == "time" and addresses(ask(server)) == scene.us


def test_no_more_are_kept_than_anybody_looks_at(scene):
    """One that ends beside the oldest of those that have: that one goes, and the way through the list is not over it."""
    server, others = scene.running[0], []
    stop(server, oldest := begin(server))
    wait_end(server, oldest)
    long = begin(server)
    for _ in range(31):
        others.append(begin(server, clients={"prefixes": ["127.1.3.0/24"]}))
        stop(server, others[-1])
        wait_end(server, others[-1])
    assert len(server.get("/v1/drills?limit=100")["items"]) == 33
    stop(server, long)
    wait_end(server, long)
    kept = [item["id"] for item in server.get("/v1/drills?limit=100")["items"]]
    assert kept == [drill["id"] for drill in reversed([long, *others])]


def test_overrides_hold_in_it(scene):
    """Of operators, while it runs: in it as for everybody."""
    server = scene.running[0]
    drill = begin(server, failure="refused")
    server.wait(lambda: addresses(ask(server)) == scene.eu, "clients of the drill are sent to eu-west")
    server.override("region", "eu-west", "down")
    server.wait(lambda: addresses(ask(server)) == scene.us, "nothing is left: the first tier")
    assert server.request("DELETE", "/v1/regions/eu-west/override").status == 200
    server.wait(lambda: addresses(ask(server)) == scene.eu and look(server, drill)["overrides_changed"], "it serves again")


def test_who_does_not_answer_is_waited_for(scene):
    """A check that would time out fails when its time is up, and not when the real one has ended."""
    server = scene.running[0]
    late, early = begin(server), begin(server, failure="refused", clients={"prefixes": ["127.1.3.0/24"]})
    for drill in late, early:
        server.wait(lambda d=drill: look(server, d)["measured"]["decision_ms"] is not None, "it is decided")
    assert look(server, late)["measured"]["decision_ms"] >= 100 + 100  # two failures, each after 100 ms


def test_reports_are_written_down_once(scene):
    """Those of what is not lost count in a drill as well; what is shown of them does not."""
    scene.close(), scene.running.clear(), scene.webs.clear()
    scene.topology["checks"] = {"web": {"type": "push", "ttl": "60s"}}
    server = scene.start()

    def report(endpoint):
        assert server.request("POST", "/v1/report", {"endpoint": endpoint, "check": "web", "state": "up"}).status == 200

    def count(endpoint):
        return len(server.get(f"/v1/checks?endpoint={endpoint}")["items"][0]["results"])
    begin(server)
    for endpoint in "web-us-east-1a", "web-eu-west-1a":
        report(endpoint), report(endpoint)
        assert count(endpoint) == 2, endpoint
