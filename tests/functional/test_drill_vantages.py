# SPDX-License-Identifier: BSD-3-Clause
"""Shadow and live drills where several vantages judge: real ones, which go on looking and see nothing of it."""
import collections

import pytest

import kit
import vantagekit
from test_live import begin as begin_live
from test_shadow import CLIENTS, addresses, ask, begin, look, stop, wait_end

Scene = collections.namedtuple("Scene", "site server probes us eu")
NAMES = "fra-1", "sin-1"
INTERVAL_MS, FALL = 1000, 3
AZS = "us-east-1a", "eu-west-1a"


@pytest.fixture
def scene(site, request):
    """The server itself and two more; www in us-east, else eu-west."""
    at = kit.make_regions(site, azs=AZS, interval=f"{INTERVAL_MS}ms", timeout=f"{INTERVAL_MS}ms", fall=FALL)
    site.zone("example.com", "")
    site.policy("example.com", {"www": {"ttl": 60, "endpoints": ["web-*"], "tiers": [["us-east"], ["eu-west"]]}})
    site.webs_at = {az: site.web(at[az]) for az in AZS}
    address = kit.new_address()
    place = f"{address}:{kit.find_port(address)}"
    site.server["vantages"] = {"listen": [place], "heartbeat": "200ms", "expires": "3s",
                               "quorum": getattr(request, "param", "majority")}
    server = site.start()
    probes = {name: vantagekit.Probe(site.folder / name) for name in NAMES}
    try:
        for name, probe in probes.items():
            probe.enrol(server.ctl_json("vantage", "enrol", name)["token"], place)
            probe.start()
        server.wait(lambda: all(row["opinions"]["count"] and row["opinions"]["up"] == 2 for row in list_vantages(server)), "all see all")
        yield Scene(site, server, probes, *([at[az]] for az in AZS))
    finally:
        for probe in probes.values():
            probe.close()


def list_vantages(server):
    return [row for row in server.get("/v1/vantages")["items"] if row["name"] != "local"]


def wait_moved(scene, to, **source):
    scene.server.wait(lambda: addresses(ask(scene.server, **source)) == to, f"the answer is {to}")


def run(scene, *events, status=201, duration="60s", **more):
    """What happens by a document."""
    body = {"mode": "shadow", "name": "a test", "duration": duration, "events": list(events), "shadow": CLIENTS, **more}
    reply = scene.server.request("POST", "/v1/drills", body)
    assert reply.status == status, reply
    return reply.json


def lose_links(scene, *names, **more):
    """They do not reach us-east any more, and that is all that happens."""
    return run(scene, *({"at": "0s", "what": f"link:{name}/us-east", "how": "refused"} for name in names), **more)


def is_untouched(scene):
    """Nobody has seen anything in reality."""
    assert addresses(ask(scene.server, source=None)) == scene.us
    assert scene.server.get("/v1/regions/us-east")["effective"] == "healthy"
    assert not [line for line in scene.server.read_log().splitlines() if "kind=endpoint " in line and "was=unknown" not in line]
    assert all(row["opinions"]["down"] == 0 for row in list_vantages(scene.server))
    assert not any("verdict=down" in probe.read_log() for probe in scene.probes.values())


def test_a_region_is_lost_by_the_majority(scene):
    drill = begin(scene.server, failure="refused")
    wait_moved(scene, scene.eu)
    is_untouched(scene)
    scene.server.wait(lambda: look(scene.server, drill)["measured"]["decision_ms"] is not None, "it was seen to be decided")
    stop(scene.server, drill)
    wait_moved(scene, scene.us)
    report = (ended := wait_end(scene.server, drill))["report"]
    assert [(row["name"], row["weight"]) for row in report["vantages"]] == [("local", 1), ("fra-1", 1), ("sin-1", 1)]
    phase = report["phases"][0]
    assert phase["detection_ms"] is not None and phase["decision_ms"] >= (FALL - 1) * INTERVAL_MS
    assert ended["measured"]["detection_ms"] is not None and ended["proof"]["differences"] == 0
    assert report["answers"][0]["before"] == "tier us-east" and report["answers"][0]["after"] == "tier eu-west"
    assert any("first failed check of web-us-east-1a" in event["text"] for event in report["timeline"])
    is_untouched(scene)


def test_it_is_back_when_the_majority_says_so(scene):
    drill = run(scene, {"at": "0s", "what": "region:us-east", "how": "lost", "for": "15s"})
    wait_moved(scene, scene.eu)
    wait_moved(scene, scene.us)
    assert look(scene.server, drill)["state"] == "running"
    stop(scene.server, drill)
    back = wait_end(scene.server, drill)["report"]["phases"][1]
    assert back["back"] and back["detection_ms"] is not None and back["decision_ms"] >= INTERVAL_MS
    is_untouched(scene)


def test_one_of_three_moves_nothing_and_two_do(scene):
    drill = lose_links(scene, "fra-1", duration="6s")
    ended = wait_end(scene.server, drill)
    assert ended["because"] == "time" and ended["report"]["answers_changed"] == 0
    assert any("first failed check of web-us-east-1a by fra-1 (refused)" in event["text"] for event in ended["report"]["timeline"])
    drill = lose_links(scene, "fra-1", "sin-1")
    wait_moved(scene, scene.eu)
    stop(scene.server, drill)
    wait_end(scene.server, drill)
    is_untouched(scene)


@pytest.mark.parametrize("scene", ["all"], indirect=True)
def test_a_vantage_that_is_killed_leaves_the_drill(scene):
    """It was the only one that saw us-east still."""
    lose_links(scene, "local", "sin-1")
    scene.probes["fra-1"].kill()
    wait_moved(scene, scene.eu)
    scene.server.wait(lambda: not next(row for row in list_vantages(scene.server) if row["name"] == "fra-1")["opinions"]["count"],
                      "it does not count in production either")
    assert scene.server.get("/v1/regions/us-east")["effective"] == "healthy"
    assert addresses(ask(scene.server, source=None)) == scene.us
    scene.probes["fra-1"].start()
    wait_moved(scene, scene.us)
    is_untouched(scene)


@pytest.mark.parametrize("scene", ["all"], indirect=True)
def test_a_vantage_that_is_revoked_leaves_the_drill(scene):
    lose_links(scene, "local", "sin-1")
    scene.server.ctl("vantage", "revoke", "fra-1", "--yes")
    wait_moved(scene, scene.eu)
    assert addresses(ask(scene.server, source=None)) == scene.us


@pytest.mark.parametrize("scene", ["all"], indirect=True)
def test_the_document_silences_one(scene):
    """It goes on looking, and says all of it when it is heard again."""
    run(scene, *({"at": "0s", "what": f"link:{name}/us-east", "how": "refused"} for name in ("local", "sin-1")),
        {"at": "0s", "what": "vantage:fra-1", "how": "silent", "for": "15s"})
    wait_moved(scene, scene.eu)
    assert all(row["opinions"]["count"] for row in list_vantages(scene.server))
    wait_moved(scene, scene.us)
    is_untouched(scene)


def test_what_fails_in_reality_fails_in_it(scene):
    begin(scene.server, lose=["region:eu-west"])
    scene.site.webs_at["us-east-1a"].kill()
    wait_moved(scene, scene.eu, source=None)
    wait_moved(scene, scene.us)


def test_who_is_not_enrolled_does_not_look(scene):
    for event in {"what": "link:nyc-1/us-east", "how": "lost"}, {"what": "vantage:nyc-1", "how": "silent"}:
        problem = run(scene, {"at": "0s", **event}, status=422)
        assert "nyc-1" in str(problem["errors"])
    problem = run(scene, {"at": "0s", "what": "region:us-east", "how": "lost"}, status=422, vantages={"nyc-1": {}})
    assert "expected one that is enrolled" in str(problem["errors"])


def test_all_clients_see_a_live_one(scene):
    drill = begin_live(scene.server)
    wait_moved(scene, scene.eu, source=None)
    assert scene.server.get("/v1/regions/us-east")["effective"] == "healthy"
    assert stop(scene.server, drill)["because"] == "stopped"
    wait_moved(scene, scene.us, source=None)
    report = wait_end(scene.server, drill)["report"]
    assert [row["name"] for row in report["vantages"]] == ["local", *NAMES] and report["answers_changed"] == 1
    is_untouched(scene)


def test_what_a_live_one_of_links_would_change_is_shown(scene):
    def show(status, *events):
        reply = scene.server.request("POST", "/v1/drills?dry_run=true", {"mode": "live", "reason": "a test", "document": {
            "name": "a test", "duration": "1m", "events": list(events)}})
        assert reply.status == status, reply
        return reply.json
    seen = show(200, {"at": "0s", "what": "link:fra-1/us-east", "how": "lost"})
    assert seen["confirm"] == "fra-1/us-east" and seen["look"]["names"] == 1
    assert "nothing in it" in show(409, {"at": "0s", "what": "vantage:fra-1", "how": "silent"})["detail"]


def test_reality_ends_a_live_one(scene):
    """The place that took over is lost, by the opinions of those who look."""
    drill = begin_live(scene.server)
    wait_moved(scene, scene.eu, source=None)
    scene.site.webs_at["eu-west-1a"].kill()
    ended = wait_end(scene.server, drill)
    assert ended["because"] == "real_failure" and "eu-west" in ended["live"]["why"]
    wait_moved(scene, scene.us, source=None)
