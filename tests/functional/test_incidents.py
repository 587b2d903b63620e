# SPDX-License-Identifier: BSD-3-Clause
"""Real losses are recorded like drills: when checks began to fail, when answers left, when it was well again, how far copies
lagged behind; through restarts and takeovers."""
import dns.message
import dns.query
import pytest

import kit
from takeovers import reaper, take_over  # noqa: F401  pylint: disable=unused-import
from test_last_health import wait_state


@pytest.fixture
def scene(site):
    at = kit.make_regions(site, azs=("us-east-1a", "eu-west-1a"))
    site.us, site.eu = ([at[az]] for az in ("us-east-1a", "eu-west-1a"))
    site.zone("example.com", "")
    site.policy("example.com", {"www": {"ttl": 5, "endpoints": ["web-*"], "tiers": [["us-east"], ["eu-west"]]}})
    site.topology["objectives"] = {"rto": "1m"}
    site.server["start_wait"] = "0s"
    site.web(*site.us), site.web(*site.eu)
    return site


def start(site):
    server = site.start()
    wait_state(server, "healthy"), wait_state(server, "healthy", "web-eu-west-1a")
    return server


def incidents(server):
    return server.get("/v1/incidents")["items"]


def wait_for(server, name, state):
    def look():
        return next((one for one in incidents(server) if one["name"] == name and one["state"] == state), None)
    return server.wait(look, f"an incident of {name} is {state}")


def lose(site, server):
    site.webs[0].kill()
    server.wait_answers("www.example.com", site.eu)
    server.wait(lambda: server.get("/v1/journal?kind=incident")["items"], "it is written down")
    return wait_for(server, "us-east", "open")


def turns(server):
    return {entry["reason"] for entry in server.get("/v1/journal?kind=incident&limit=1000")["items"]}


def ask_from(server, *numbers):
    """One resolver each, by addresses of its own."""
    address, port = server.site.listen[0]
    for number in numbers:
        dns.query.udp(dns.message.make_query("www.example.com.", "A"), address, port=port, timeout=kit.PATIENCE_S, source=f"127.0.3.{number}")


def measured(server, lost, holds, what):
    def look():
        drain = server.get(f"/v1/incidents/{lost['id']}")["drain"]
        return drain if drain and holds(drain) else None
    return server.wait(look, what)


def kept(server):
    """The drain as the store has it: of the latest entry."""
    entries = server.get("/v1/journal?kind=incident")["items"]
    return (entries[0]["after"] or {}).get("drain") if entries else None


def test_a_loss_is_told_in_the_terms_of_drills(scene):
    server = start(scene)
    assert incidents(server) == [] and server.addresses("www.example.com") == scene.us
    lost = lose(scene, server)
    assert lost["kind"] == "region" and lost["outcome"] == "refused" and not lost["overridden"]
    assert lost["endpoints"] == lost["unhealthy"] == lost["names"] == 1 and lost["ttl_s"] == 5
    lost = server.wait(lambda: (one := server.get(f"/v1/incidents/{lost['id']}"))["published"] and one, "it is published")
    assert lost["decision_ms"] == 0 and lost["decided"] == lost["lost"] and not lost["held"]
    assert lost["recovery_ms"] == lost["detection_ms"] + lost["publication_ms"] + 5000 and lost["rto"] == "met"
    assert 0 <= lost["detection_ms"] and 0 <= lost["publication_ms"]
    assert lost["recovery_ms"] < lost["recovery_most_ms"] and lost["rto_of"] is None
    assert lost["last_good"] < lost["failing"] <= lost["lost"] < lost["resolvers_until"] and lost["back"] is None and lost["copies"] == []
    assert [one["name"] for one in incidents(server)] == ["us-east"]  # not one more of the az in it
    assert 'steerd_incidents_open{kind="region"} 1\n' in server.request("GET", "/metrics").body.decode()
    lost = server.wait(lambda: (one := server.get(f"/v1/incidents/{lost['id']}"))["predicted"] and one, "it is predicted")
    # fall 3, an interval of 200 ms, refused at once; TTL 5 s, or 6 s with whole seconds
    assert lost["predicted"]["detection_ms"] == 400 and lost["predicted"]["recovery_ms"] == 5400
    assert lost["predicted"]["decision_ms"] == 600 and 5500 <= lost["predicted"]["moved_99_ms"] <= 6700
    assert 3000 <= lost["predicted"]["failed_ms"] <= 3600
    assert "detection 0.4 s, recovery 5.4 s" in server.ctl("incidents", lost["id"]).stdout
    scene.webs[0].start()
    over = wait_for(server, "us-east", "over")
    assert over["id"] == lost["id"] and over["lasted_ms"] >= 0 and over["lost"] == lost["lost"]
    assert server.get(f"/v1/incidents/{over['id']}") == over
    table = server.ctl("incidents").stdout
    assert "region:us-east" in table and "met" in table
    shown = server.ctl("incidents", over["id"]).stdout
    assert "1 of 1, first with refused" in shown
    assert "there is no incident" in server.ctl("incidents", "x", code=None).stderr
    server.wait_log("incident", "turn=lost", "target=region:us-east", "rto=met"), server.wait_log("incident", "turn=back")


def test_a_server_that_hangs(scene):
    """It is seen when its check has timed out: what passed until then belongs to the outage, and to what is judged."""
    for check in scene.topology["checks"].values():
        check.update(interval="2s", timeout="1500ms", fall=1)
    scene.topology["objectives"] = {"rto": "6s"}  # the TTL alone is 5 s
    server = start(scene)
    scene.webs[0].behave("silent")
    lost = wait_for(server, "us-east", "open")
    lost = server.wait(lambda: (one := server.get(f"/v1/incidents/{lost['id']}"))["predicted"] and one, "it is predicted")
    assert lost["outcome"] == "timeout" and lost["detection_ms"] >= 1500 and lost["recovery_ms"] >= 6500
    assert lost["recovery_most_ms"] >= lost["recovery_ms"] + 1800 and lost["rto"] == "missed"
    assert lost["predicted"]["detection_ms"] == 1500 and lost["predicted"]["recovery_ms"] == 6500


def test_what_was_never_up_is_not_lost(scene):
    scene.webs[0].kill()
    server = scene.start()
    server.wait_state("region", "us-east", observed="unhealthy")
    server.wait_state("region", "eu-west", observed="healthy")
    scene.webs[1].kill()
    wait_for(server, "eu-west", "open")  # looked at since
    assert [one["name"] for one in incidents(server)] == ["eu-west"]
    scene.webs[0].start()
    server.wait_state("region", "us-east", observed="healthy")
    scene.webs[0].kill()
    wait_for(server, "us-east", "open")


def test_objectives_of_pairs_and_names(scene):
    scene.topology["objectives"] = {"rto": "1s", "pairs": [{"from": "us-east", "to": "eu-west", "rto": "2m"}],
                                    "names": {"www.example.com": {"rto": "3s"}}}
    server = start(scene)
    lost = lose(scene, server)
    assert lost["rto_ms"] == 120000 and lost["rto"] == "met" and lost["rto_of"] == "the pair us-east to eu-west"
    assert "met, that of the pair us-east to eu-west" in server.ctl("incidents", lost["id"]).stdout
    assert lost["own_objectives"] == lost["own_missed"] == 1
    assert "1 of 1 missed" in server.ctl("incidents", lost["id"]).stdout


@pytest.mark.parametrize("how", ["kill", "stop", "takeover"])
def test_one_goes_on(scene, how):
    server = start(scene)
    lost = lose(scene, server)
    server.wait(lambda: {"lost", "predicted", "drained"} <= turns(server), "all of it is written down, too")
    lost = server.get(f"/v1/incidents/{lost['id']}")
    assert lost["drain"]["state"] == "over" and lost["drain"]["resolvers"] == 1
    if how == "takeover":
        take_over(server)
    else:
        server.kill() if how == "kill" else server.stop()
        server = scene.start()
    assert wait_for(server, "us-east", "open") == lost and lost["predicted"]["detection_ms"] == 400
    scene.webs[0].start()
    over = wait_for(server, "us-east", "over")
    assert over["id"] == lost["id"] and over["lost"] == lost["lost"] and len(incidents(server)) == 1


def test_what_an_override_holds_moves_nothing(scene):
    server = start(scene)
    server.override("region", "us-east", "up", "its checks are broken")
    scene.webs[0].kill()
    lost = wait_for(server, "us-east", "open")
    assert lost["overridden"] and lost["recovery_ms"] is None and lost["rto"] is None and lost["resolvers_until"] is None


def test_an_az_in_a_region_that_is_drained_moves_nothing(site):
    at = kit.make_regions(site, azs=("us-east-1a", "us-east-1b", "eu-west-1a"))
    site.zone("example.com", "").policy("example.com", {"www": {"ttl": 5, "endpoints": ["web-*"], "tiers": [["us-east"], ["eu-west"]]}})
    site.web(at["us-east-1a"]), site.web(at["us-east-1b"]), site.web(at["eu-west-1a"])
    server = site.start()
    for az in at:
        wait_state(server, "healthy", f"web-{az}")
    server.override("region", "us-east", "drain")
    site.webs[0].kill()
    lost = wait_for(server, "us-east-1a", "open")
    assert lost["kind"] == "az" and lost["overridden"] and lost["decided"] is None and lost["published"] is None and lost["drain"] is None


def test_what_leaves_the_topology_is_not_lost_any_more(scene):
    server = start(scene)
    lose(scene, server)
    for kind, name in (("endpoints", "web-us-east-1a"), ("regions", "us-east")):
        del scene.topology[kind][name]
    scene.policy("example.com", {"www": {"ttl": 5, "endpoints": ["web-*"]}})
    scene.write()
    assert server.reload().status == 200
    wait_for(server, "us-east", "over")


def test_an_objective_that_was_missed(scene):
    scene.topology["objectives"] = {"rto": "1s"}
    server = start(scene)
    assert lose(scene, server)["rto"] == "missed"


@pytest.mark.parametrize("how", ["kill", "takeover"])
def test_what_was_seen_of_resolvers_outlives_it(scene, how):
    """Of eleven, six ask again and the others never do: marks are copied as they are reached, and stay."""
    scene.policies["example.com"]["names"]["www"]["ttl"] = 600
    server = start(scene)
    ask_from(server, *range(1, 12))
    scene.webs[0].kill()
    server.wait_state("region", "us-east", observed="unhealthy")
    lost = wait_for(server, "us-east", "open")
    measured(server, lost, lambda drain: drain["resolvers"] == 11 and drain["missing_share"] == 1, "nobody has asked yet")
    ask_from(server, *range(1, 7))
    drain = measured(server, lost, lambda drain: drain["moved_50_ms"] is not None, "half of them have")
    assert drain["state"] == "open" and drain["moved_90_ms"] is None and drain["moved_99_ms"] is None
    drain = measured(server, lost, lambda drain: drain["drained_share"] == pytest.approx(6 / 11), "six of eleven")
    server.wait(lambda: (found := kept(server)) and found.get("asked") == 6, "that is written down")
    if how == "takeover":
        take_over(server)
    else:
        server.kill()
        server = scene.start()
    again = wait_for(server, "us-east", "open")
    assert again["drain"] == {**drain, "state": "cut"} and again["published"] == lost["published"]
    shown = server.ctl("incidents", again["id"]).stdout
    assert "54.5 % of 11 resolvers" in shown and "90 % after -" in shown and "45.5 % have not asked again; not seen to its end" in shown


def test_all_of_them_have_asked(scene):
    server = start(scene)
    ask_from(server, *range(1, 5))
    scene.webs[0].kill()
    server.wait_state("region", "us-east", observed="unhealthy")
    lost = wait_for(server, "us-east", "open")
    measured(server, lost, lambda drain: drain["resolvers"] == 4, "it is known who was led there")
    ask_from(server, *range(1, 5))
    drain = measured(server, lost, lambda drain: drain["state"] == "over", "all have asked")
    assert 0 <= drain["moved_50_ms"] <= drain["moved_90_ms"] <= drain["moved_99_ms"]
    assert (drain["drained_share"], drain["missing_share"]) == (1, 0)
    server.wait_log("incident", "turn=drained", f"moved_99_ms={drain['moved_99_ms']}")
    server.wait(lambda: "drained" in turns(server), "it is written down")
    server.kill()
    server = scene.start()
    assert wait_for(server, "us-east", "open")["drain"] == drain


def test_what_a_rule_holds_is_decided_when_it_lets_go(scene):
    scene.topology["regions"]["us-east"]["replicates_to"] = [{"to": "eu-west", "lag": "push", "rpo": "30s", "max_age": "10m", "hold": "0s"}]
    scene.topology["rules"] = {"fresh": {"type": "lag", "stage": "any"}}
    scene.topology["objectives"] = {"rto": "1m", "names": {"www.example.com": {"rto": "1ms"}}}
    server = start(scene)
    say = lambda lag: server.request("POST", "/v1/report", {"from": "us-east", "to": "eu-west", "lag": lag})  # noqa: E731
    assert say(31).status == 200
    ask_from(server, 1)
    scene.webs[0].kill()
    server.wait_state("region", "us-east", observed="unhealthy")
    held = wait_for(server, "us-east", "open")
    assert held["held"] and not held["overridden"] and server.addresses("www.example.com") == scene.us
    for key in "decided", "published", "decision_ms", "publication_ms", "recovery_ms", "rto", "resolvers_until", "drain":
        assert held[key] is None, key
    assert "none: safety rules keep answers" in server.ctl("incidents", held["id"]).stdout
    server.wait(lambda: "lost" in turns(server), "it is written down")
    server.kill()
    server = scene.start()
    again = wait_for(server, "us-east", "open")
    assert again["held"] and again["decided"] is None and server.addresses("www.example.com") == scene.us
    assert say(1).status == 200
    server.wait_answers("www.example.com", scene.eu)
    gone = server.wait(lambda: (one := server.get(f"/v1/incidents/{held['id']}"))["published"] and one, "it is decided and published")
    assert gone["held"] and gone["decided"] > gone["lost"] and gone["decision_ms"] > 0 and gone["own_missed"] == 1
    assert gone["recovery_ms"] == gone["detection_ms"] + gone["decision_ms"] + gone["publication_ms"] + 5000
    assert gone["rto"] in ("met", "missed")
    server.wait_log("incident", "turn=let_go", f"decision_ms={gone['decision_ms']}")
    assert "until then held by safety rules; published after" in server.ctl("incidents", held["id"]).stdout


def test_a_return_that_waits_for_its_data_is_no_loss(scene):
    """A planned drain ends, and us-east stays down until the copy of what eu-west has taken is there: nobody lost it."""
    for region, other in ("us-east", "eu-west"), ("eu-west", "us-east"):
        scene.topology["regions"][region]["replicates_to"] = [{"to": other, "lag": "push", "rpo": "30s", "hold": "0s", "max_age": "10m"}]
    scene.topology["rules"] = {"data": {"type": "lag", "targets": "real_time"}}
    server = start(scene)

    def say(source, to, lag):
        assert server.request("POST", "/v1/report", {"from": source, "to": to, "lag": lag, "stage": "real_time"}).json["taken"] is True

    say("us-east", "eu-west", 0)
    server.override("region", "us-east", "drain")
    server.wait_answers("www.example.com", scene.eu)
    say("eu-west", "us-east", 600)
    server.override("region", "us-east", "auto")
    server.wait(lambda: (server.get("/v1/regions/us-east")["stays_down"] or {}).get("because") == "data", "it waits")
    scene.webs[1].kill()
    wait_for(server, "eu-west", "open")
    assert [one["name"] for one in incidents(server)] == ["eu-west"]
    server.reload()
    scene.web(*scene.eu)
    wait_for(server, "eu-west", "over")
    assert [one["name"] for one in incidents(server)] == ["eu-west"]
    scene.webs[0].kill()  # that is one
    wait_for(server, "us-east", "open")
