# SPDX-License-Identifier: BSD-3-Clause
"""The weight of what came back returns in steps, and goes on doing so through reloads, restarts and takeovers."""
import datetime

import pytest

import kit
from takeovers import reaper, take_over  # noqa: F401  pylint: disable=unused-import
from test_last_health import metric, wait_kept, wait_state

DRAWS = 300
LONG = {"steps": [1, 50, 100], "each": "1h"}  # nothing moves while the test looks


@pytest.fixture
def scene(site):
    """www in us-east, else eu-west; pool in both: each a region of one endpoint."""
    at = kit.make_regions(site, azs=("us-east-1a", "eu-west-1a"))
    site.us, site.eu = ([at[az]] for az in ("us-east-1a", "eu-west-1a"))
    site.zone("example.com", "")
    site.policy("example.com", {"www": {"ttl": 5, "endpoints": ["web-*"], "tiers": [["us-east"], ["eu-west"]]},
                                "pool": {"ttl": 5, "endpoints": ["web-*"]}})
    site.server["start_wait"] = "0s"
    site.web(*site.us), site.web(*site.eu)
    return site


def start(site):
    server = site.start()
    wait_state(server, "healthy"), wait_state(server, "healthy", "web-eu-west-1a")
    return server


def fall(site, server):
    site.webs[0].kill()
    wait_state(server, "unhealthy")
    server.wait_answers("www.example.com", site.eu)


def come_back(site, server):
    fall(site, server)
    site.webs[0].start()
    wait_state(server, "healthy")


def share(server, name, address):
    return sum(server.addresses(name) == address for _ in range(DRAWS)) / DRAWS


def read_time(text):
    return datetime.datetime.fromisoformat(text.replace("Z", "+00:00")).timestamp()


def ramp_of(server, path="/v1/endpoints/web-us-east-1a"):
    return server.get(path)["ramp"]


def test_an_endpoint_comes_back_in_steps(scene):
    scene.topology["endpoints"]["web-us-east-1a"]["ramp"] = LONG
    server = start(scene)
    assert ramp_of(server) is None and share(server, "www.example.com", scene.us) == 1  # nothing came back
    come_back(scene, server)
    ramp = ramp_of(server)
    assert ramp["percent"] == 1 and ramp["next_percent"] == 50 and set(ramp["families"]) == {"ipv4", "ipv6"}
    assert share(server, "www.example.com", scene.us) < 0.1  # the next tier goes on
    assert share(server, "pool.example.com", scene.us) < 0.1
    assert server.get("/v1/status")["ramping"] == {"regions": 0, "azs": 0, "endpoints": 1}
    assert metric(server, 'steerd_ramping{kind="endpoint"}') == 1 and metric(server, 'steerd_ramping{kind="region"}') == 0
    assert metric(server, 'steerd_ramp_ratio{kind="endpoint",name="web-us-east-1a"}') == 0.01
    assert "1 % of its weight until" in server.ctl("show", "endpoint:web-us-east-1a").stdout
    assert "endpoint web-us-east-1a came back and ramps: 1 % of its weight" in server.ctl("explain", "pool.example.com").stdout
    member, = (it for it in server.get("/v1/explain?name=pool.example.com")["members"] if it["endpoint"] == "web-us-east-1a")
    assert member["ramp_percent"] == 1 and member["effective_weight"] == member["weight"] / 100
    assert 0 < member["odds"] < 0.02
    assert "percent=1 next_percent=50" in server.read_log()
    fall(scene, server)
    assert ramp_of(server) is None
    scene.webs[0].start()
    wait_state(server, "healthy")
    assert ramp_of(server)["percent"] == 1
    server.ctl("up", "endpoint:web-us-east-1a", "--reason", "it is warm")
    assert ramp_of(server) is None and share(server, "www.example.com", scene.us) == 1
    server.ctl("auto", "endpoint:web-us-east-1a")
    assert ramp_of(server) is None and share(server, "www.example.com", scene.us) == 1


@pytest.mark.parametrize("where, path", [("az", "/v1/azs/us-east-1a"), ("region", "/v1/regions/us-east"),
                                         ("all", "/v1/endpoints/web-us-east-1a")])
def test_steps_pass_by_themselves(scene, where, path):
    region = scene.topology["regions"]["us-east"]
    {"az": region["azs"]["us-east-1a"], "region": region, "all": scene.topology}[where]["ramp"] = {
        "steps": "1-100", "each": "2s"}
    server = start(scene)
    come_back(scene, server)
    ramp = server.get(path)["ramp"]
    if ramp is not None:  # else this machine was busy for longer than a step
        assert ramp["percent"] == 1 and ramp["next_percent"] == 100
    server.wait(lambda: server.get(path)["ramp"] is None, "it has all of its weight again")
    server.wait_answers("www.example.com", scene.us)
    assert share(server, "www.example.com", scene.us) == 1
    assert "percent=100" in server.read_log()


def test_it_goes_on_through_everything(scene, reaper):  # noqa: F811  pylint: disable=redefined-outer-name
    scene.topology["ramp"] = LONG
    server = start(scene)
    come_back(scene, server)
    paths = ("/v1/endpoints/web-us-east-1a", "/v1/regions/us-east")
    before = [server.get(path)["ramp"] for path in paths]
    assert [ramp["percent"] for ramp in before] == [1, 1]
    scene.topology["endpoints"]["web-us-east-1a"]["weight"] = 7
    scene.write()
    server.ctl("reload")
    after = [server.get(path)["ramp"] for path in paths]
    assert [it["percent"] for it in after] == [1, 1]
    assert all(abs(read_time(a["next"]) - read_time(b["next"])) < 1 for a, b in zip(after, before))
    take_over(server)
    assert [server.get(path)["ramp"]["percent"] for path in paths] == [1, 1]
    assert share(server, "www.example.com", scene.us) < 0.1
    wait_kept(scene, server)
    for end in (server.kill, server.stop):
        end()
        server.start()
        wait_state(server, "healthy")
        assert [server.get(path)["ramp"]["percent"] for path in paths] == [1, 1]
        assert share(server, "www.example.com", scene.us) < 0.1
    scene.topology["ramp"] = "off"
    scene.write()
    server.ctl("reload")
    assert [server.get(path)["ramp"] for path in paths] == [None, None]
    assert share(server, "www.example.com", scene.us) == 1


def test_drills_begin_with_what_ramps(scene):
    """A simulated loss of the region that serves meanwhile: who ramps takes all of it."""
    scene.topology["regions"]["us-east"]["ramp"] = LONG
    server = start(scene)
    come_back(scene, server)
    report = server.ctl_json("drill", "simulate", "--lose", "region:eu-west")
    www, = (it for it in report["answers"] if it["name"] == "www.example.com." and it["type"] == "A")
    told = {it["region"]: (round(it["before"], 2), round(it["after"], 2)) for it in www["shares"]}
    assert told == {"us-east": (0.01, 1), "eu-west": (0.99, 0)}
    assert ramp_of(server, "/v1/regions/us-east")["percent"] == 1


# ---- drained in part ----

def expect_partly_drained(server, scene):
    assert 0.45 < share(server, "www.example.com", scene.us) < 0.75
    explained = server.ctl("explain", "www.example.com").stdout
    assert "40 % of region us-east are drained by" in explained and "(a look): 60 % of its weight are left" in explained


def test_a_part_of_a_region_is_drained(scene):
    """As a ramp withholds weight: the next tier takes it; through a reload, a restart and a takeover."""
    server = start(scene)
    server.ctl("drain", "region:us-east", "--share", "40", "--reason", "a look", "--json")
    region = server.get("/v1/regions/us-east")
    assert region["override"]["share"] == 40 and region["effective"] == "healthy" and region["desired"] == "auto"
    assert region["ramp"] is None
    expect_partly_drained(server, scene)
    server.reload()
    expect_partly_drained(server, scene)
    server.kill()
    server = start(scene)
    expect_partly_drained(server, scene)
    take_over(server)
    expect_partly_drained(server, scene)
    assert server.get("/v1/overrides")["items"][0]["share"] == 40
    server.ctl("drain", "region:us-east", "--share", "100", "--reason", "all of it")
    assert share(server, "www.example.com", scene.us) == 0
    assert server.get("/v1/regions/us-east")["override"]["share"] is None
    server.ctl("auto", "region:us-east")
    assert share(server, "www.example.com", scene.us) == 1


@pytest.mark.parametrize("body, message", [
    ({"state": "down", "share": 5}, "only a drain has one"), ({"state": "drain", "share": 0}, "found 0, expected percent"),
    ({"state": "drain", "share": "5"}, "expected percent"), ({"state": "drain", "share": 101}, "found 101, expected percent")])
def test_a_share_that_is_none_is_refused(scene, body, message):
    server = start(scene)
    reply = server.request("PUT", "/v1/regions/us-east/override", {**body, "reason": "x"})
    assert reply.status == 422 and [error["field"] for error in reply.json["errors"]] == ["share"]
    assert message in reply.json["errors"][0]["message"]
