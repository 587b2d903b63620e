# SPDX-License-Identifier: BSD-3-Clause
"""Checks that ask another address than the one that is served, and checks of one family only."""
import pytest

import kit
from test_last_health import wait_kept, wait_state
from test_push import report

US, EU = "web-us-east-1a", "web-eu-west-1a"


@pytest.fixture
def scene(site):
    """The endpoint in us-east is served at addresses where nobody answers, and checked at one where somebody does."""
    site.at = kit.make_regions(site, azs=("us-east-1a", "eu-west-1a"))
    site.management = kit.new_address()
    site.zone("example.com", "")
    site.policy("example.com", {"www": {"ttl": 5, "endpoints": ["web-*"], "tiers": [["us-east"], ["eu-west"]]}})
    site.topology["endpoints"][US]["addresses"] = [site.at["us-east-1a"], "2001:db8::10"]
    site.topology["endpoints"][US]["checks"] = [{"check": "web", "address": site.management}]
    site.us, site.eu = [site.at["us-east-1a"]], [site.at["eu-west-1a"]]
    site.server["start_wait"] = "0s"
    site.web(site.management), site.web(*site.eu)
    return site


def rows(server, endpoint=US):
    return {(row["check"], row["family"]): row for row in server.get(f"/v1/endpoints/{endpoint}")["checks"]}


def test_what_is_asked_is_not_what_is_served(scene):
    server = scene.start()
    wait_state(server, "healthy"), wait_state(server, "healthy", EU)
    assert server.addresses("www.example.com") == scene.us
    both = rows(server)
    assert set(both) == {("web", "ipv4"), ("web", "ipv6")}, "it speaks for both families"
    assert {row["address"] for row in both.values()} == {f"{scene.management}:{kit.WEB_PORT}"}
    families = server.get(f"/v1/endpoints/{US}")["families"]
    assert families == {"ipv4": "healthy", "ipv6": "healthy"}
    assert scene.management in server.ctl("check", "run", US).stdout
    scene.webs[0].kill()
    server.wait_answers("www.example.com", scene.eu)
    assert server.get(f"/v1/endpoints/{US}")["families"] == {"ipv4": "unhealthy", "ipv6": "unhealthy"}
    scene.webs[0].start()
    server.wait_answers("www.example.com", scene.us)


def test_it_is_asked_once_for_all(scene):
    """Both families, and another endpoint with the same management address, share one check."""
    scene.topology["endpoints"]["web-us-spare"] = {
        "az": "us-east-1a", "addresses": ["192.0.2.77"], "checks": [{"check": "web", "address": scene.management}]}
    scene.topology["checks"]["web"]["interval"] = "1h"
    scene.topology["checks"]["web"]["timeout"] = "5s"
    server = scene.start()
    wait_state(server, "healthy"), wait_state(server, "healthy", "web-us-spare")
    assert len(scene.webs[0].requests(scene.management)) == 1


def test_another_address_is_another_question(scene):
    """The verdict stays until it has an answer of its own; a restart in between knows that as well."""
    server = scene.start()
    wait_state(server, "healthy")
    scene.webs[0].kill()
    server.wait_answers("www.example.com", scene.eu)
    since = server.get(f"/v1/endpoints/{US}")["since"]
    wait_kept(scene, server)
    other = kit.new_address()
    scene.topology["checks"]["web"]["interval"] = "1h"
    scene.topology["checks"]["web"]["timeout"] = "1s"
    scene.topology["endpoints"][US]["checks"][0]["address"] = other
    scene.write()
    server.ctl("reload")
    assert server.addresses("www.example.com") == scene.eu
    server.stop()
    scene.topology["endpoints"][US]["checks"] = ["web"]
    scene.write()
    server.start()
    assert server.addresses("www.example.com") == scene.eu
    assert server.get(f"/v1/endpoints/{US}")["since"] == since


def test_a_family_has_checks_of_its_own(scene):
    scene.topology["checks"] = {name: {"type": "push", "ttl": "1h", "fall": 1, "rise": 1} for name in ("app", "six")}
    scene.topology["endpoints"][US]["checks"] = ["app", {"check": "six", "family": "ipv6"}]
    scene.topology["endpoints"][EU]["checks"] = "app"
    scene.write()
    server = scene.start()
    for name in ("app", "six"):
        report(server, US, "up", name)
    assert set(rows(server)) == {("app", "ipv4"), ("app", "ipv6"), ("six", "ipv6")}
    report(server, US, "down", "six")
    assert server.get(f"/v1/endpoints/{US}")["families"] == {"ipv4": "healthy", "ipv6": "unhealthy"}
    assert server.addresses("www.example.com") == scene.us


@pytest.mark.parametrize("checks, words", [
    ([{"check": "web", "family": "ipv6", "address": "10.0.0.1"}], "no such address"),
    ([{"check": "web", "adress": "10.0.0.1"}], "did you mean"), ([{"check": "wep"}], "did you mean \"web\"")])
def test_what_is_wrong_is_told(scene, checks, words):
    scene.topology["endpoints"][EU]["checks"] = checks
    scene.write()
    done = kit.run_steerd("-c", str(scene.config), "--check")
    assert done.returncode == 1 and words in done.stderr
