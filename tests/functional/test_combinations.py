# SPDX-License-Identifier: BSD-3-Clause
"""How the checks of an endpoint combine: healthy_if, through reports, reloads, restarts and explanations."""
import pytest

import kit
from takeovers import reaper, take_over  # noqa: F401  pylint: disable=unused-import
from test_last_health import wait_kept
from test_push import report

US, EU = "web-us-east-1a", "web-eu-west-1a"
NAMES = ("app", "tls", "disk", "slow-page")


@pytest.fixture
def scene(site):
    """Checks that say what they are told to: they are reported."""
    site.at = kit.make_regions(site, azs=("us-east-1a", "eu-west-1a"))
    site.topology["checks"] = {name: {"type": "push", "ttl": "1h", "fall": 1, "rise": 1} for name in NAMES}
    for endpoint in site.topology["endpoints"].values():
        endpoint["checks"] = list(NAMES)
    site.topology["endpoints"]["other"] = {"az": "us-east-1a", "addresses": "192.0.2.1", "checks": "app"}  # the az stays
    site.zone("example.com", "")
    site.policy("example.com", {"www": {"ttl": 5, "endpoints": ["web-*"], "tiers": [["us-east"], ["eu-west"]]}})
    site.us, site.eu = [site.at["us-east-1a"]], [site.at["eu-west-1a"]]
    site.server["start_wait"] = "0s"
    return site


def start(site, rule):
    site.topology["endpoints"][US]["healthy_if"] = rule
    site.write()
    server = site.start()
    for name in NAMES:
        report(server, US, "up", name), report(server, EU, "up", name)
    report(server, "other", "up", "app")
    return server


def say(server, **states):
    """Tell each check how it is; returns where clients go."""
    for name, state in states.items():
        report(server, US, state, name.replace("_", "-"))
    return server.addresses("www.example.com")


def test_so_many_of_them(scene):
    server = start(scene, {"at_least": 2, "must_be_healthy": ["tls"], "monitoring_only": ["slow-page"]})
    assert say(server, slow_page="down") == scene.us, "it is looked at only"
    assert say(server, disk="down") == scene.us
    endpoint = server.get(f"/v1/endpoints/{US}")
    assert endpoint["observed"] == "healthy" and endpoint["combination"]["at_least"] == 2
    assert endpoint["combination"]["ipv6"] is None
    assert (endpoint["combination"]["ipv4"]["healthy"], endpoint["combination"]["ipv4"]["needed"]) == (2, 2)
    assert {row["check"]: row["role"] for row in endpoint["checks"]} == {
        "app": "counted", "tls": "required", "disk": "counted", "slow-page": "monitoring_only"}
    assert say(server, app="down") == scene.eu
    why = "1 of 3 checks healthy, 2 are needed; of 1 that must be healthy 1 is"
    assert server.get(f"/v1/endpoints/{US}")["combination"]["ipv4"]["why"] == why
    assert why in server.ctl("explain", "www.example.com").stdout
    assert why in server.ctl("show", f"endpoint:{US}").stdout
    assert "monitoring only, does not count" in server.ctl("checks", US).stdout
    assert say(server, app="up", disk="up", tls="down") == scene.eu, "two of three, but not this one"
    assert "of 1 that must be healthy 0 are" in server.ctl("explain", "www.example.com").stdout
    assert say(server, tls="up") == scene.us


def test_any_and_all(scene):
    server = start(scene, "any")
    assert say(server, app="down", tls="down", disk="down") == scene.us
    assert say(server, slow_page="down") == scene.eu
    assert say(server, disk="up") == scene.us
    scene.topology["endpoints"][US]["healthy_if"] = "all"
    scene.write()
    server.ctl("reload")
    assert server.addresses("www.example.com") == scene.eu, "the checks are what they were, the rule is not"
    assert "healthy_if" not in server.ctl("explain", "www.example.com").stdout
    assert server.get(f"/v1/endpoints/{US}")["combination"]["at_least"] is None


def test_it_holds_through_reloads_restarts_and_takeovers(scene, reaper):  # noqa: F811
    """Two of four are down, and that is enough: nobody else may think otherwise in between, and no time changes."""
    server = start(scene, {"at_least": 2})
    assert say(server, app="down", tls="down") == scene.us
    az, endpoint = server.get("/v1/azs/us-east-1a")["since"], server.get(f"/v1/endpoints/{US}")["since"]
    wait_kept(scene, server)
    scene.topology["endpoints"][US]["weight"] = 7
    scene.write()
    server.ctl("reload")
    for end in (lambda: None, server.kill, server.stop, lambda: take_over(server)):
        end()
        if server.process.poll() is not None:
            server.start()
        assert server.addresses("www.example.com") == scene.us
        assert server.get("/v1/azs/us-east-1a")["since"] == az
        assert server.get(f"/v1/endpoints/{US}")["since"] == endpoint
    assert say(server, disk="down") == scene.eu
    wait_kept(scene, server)
    server.kill()
    server.start()
    assert server.addresses("www.example.com") == scene.eu


def test_a_new_check_does_not_move_answers(scene):
    """What the endpoint does without is no reason for a check that comes to begin as unhealthy, however needed it is."""
    scene.topology["checks"]["new"] = {"type": "push", "ttl": "1h"}
    server = start(scene, {"at_least": 1})
    assert say(server, app="down", tls="down", disk="down") == scene.us
    scene.topology["endpoints"][US]["checks"] = [*NAMES, "new"]
    scene.topology["endpoints"][US]["healthy_if"] = {"at_least": 1, "must_be_healthy": "new"}
    scene.write()
    server.ctl("reload")
    assert server.addresses("www.example.com") == scene.us


def test_checks_that_only_watch(scene):
    """The endpoint is as one without checks, and counts nowhere."""
    server = start(scene, {"monitoring_only": list(NAMES)})
    assert say(server, **{name.replace("-", "_"): "down" for name in NAMES}) == scene.us
    assert server.get(f"/v1/endpoints/{US}")["observed"] == "unknown"
    assert server.get("/v1/azs/us-east-1a")["members"] == 1
    assert server.get(f"/v1/endpoints/{US}")["combination"]["ipv4"] is None
