# SPDX-License-Identifier: BSD-3-Clause
"""Real losses are recorded like drills: when checks began to fail, when answers left, when it was well again, how far copies
lagged behind; through restarts and takeovers."""
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


def test_a_loss_is_told_in_the_terms_of_drills(scene):
    server = start(scene)
    assert incidents(server) == [] and server.addresses("www.example.com") == scene.us
    lost = lose(scene, server)
    assert lost["kind"] == "region" and lost["outcome"] == "refused" and not lost["overridden"]
    assert lost["endpoints"] == lost["unhealthy"] == lost["names"] == 1 and lost["ttl_s"] == 5
    assert 0 <= lost["detection_ms"] and lost["recovery_ms"] == lost["detection_ms"] + 5000 and lost["rto"] == "met"
    assert lost["failing"] <= lost["lost"] < lost["resolvers_until"] and lost["back"] is None and lost["copies"] == []
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
    assert "1 of 1, first with refused" in shown and "100.0 % of 1 resolvers have asked again" in shown
    assert "there is no incident" in server.ctl("incidents", "x", code=None).stderr
    server.wait_log("incident", "turn=lost", "target=region:us-east", "rto=met"), server.wait_log("incident", "turn=back")


def test_objectives_of_pairs_and_names(scene):
    scene.topology["objectives"] = {"rto": "1s", "pairs": [{"from": "us-east", "to": "eu-west", "rto": "2m"}],
                                    "names": {"www.example.com": {"rto": "3s"}}}
    server = start(scene)
    lost = lose(scene, server)
    assert lost["rto_ms"] == 120000 and lost["rto"] == "met"
    assert lost["own_objectives"] == lost["own_missed"] == 1
    assert "1 of 1 missed" in server.ctl("incidents", lost["id"]).stdout


@pytest.mark.parametrize("how", ["kill", "stop", "takeover"])
def test_one_goes_on(scene, how):
    server = start(scene)
    lost = lose(scene, server)
    server.wait(lambda: len(server.get("/v1/journal?kind=incident")["items"]) == 2, "the prediction is written down, too")
    lost = server.get(f"/v1/incidents/{lost['id']}")
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
