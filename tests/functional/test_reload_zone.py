# SPDX-License-Identifier: BSD-3-Clause
"""Reloading one zone: only its files are read, and only it changes."""
import dns.rcode
import pytest

import kit


@pytest.fixture
def server(site):
    for origin in "example.com", "example.net", "example.org":
        site.zone(origin, "www 60 IN A 192.0.2.1\n")
    return site.start()


def test_one_zone_is_read_and_the_others_are_not(server):
    site = server.site
    site.zone("example.com", "www 60 IN A 192.0.2.2\n").zone("example.net", "www 60 IN A 192.0.2.2\n").write()
    done = server.ctl("reload", "example.com")
    assert done.stderr == "" and "generation 1" in done.stdout
    assert server.addresses("www.example.com") == ["192.0.2.2"]
    assert server.addresses("www.example.net") == ["192.0.2.1"], "nobody asked for this one"
    server.ctl("reload", "EXAMPLE.net.")
    assert server.addresses("www.example.net") == ["192.0.2.2"]


def test_serial_and_counts_follow(server):
    server.site.zone("example.com", "www 60 IN A 192.0.2.2\nmore 60 IN A 192.0.2.3\n",
                     soa=kit.SOA.replace("hostmaster 1 ", "hostmaster 7 ")).write()
    server.ctl("reload", "example.com")
    zones = {zone["origin"]: zone for zone in server.get("/v1/zones")["items"]}
    assert zones["example.com."]["serial"] == 7 and zones["example.net."]["serial"] == 1
    assert zones["example.com."]["records"] == zones["example.net."]["records"] + 1


def test_a_broken_zone_goes_on_as_it_was(server):
    server.site.zone("example.com", "www 60 IN A 192.0.2.300\n").write()
    done = server.ctl("reload", "example.com", code=1)
    assert "192.0.2.300" in done.stderr
    assert server.addresses("www.example.com") == ["192.0.2.1"]
    states = {zone["origin"]: zone["state"] for zone in server.get("/v1/zones")["items"]}
    assert states == {"example.com.": "stale", "example.net.": "current", "example.org.": "current"}
    server.site.zone("example.com", "www 60 IN A 192.0.2.3\n").write()
    server.ctl("reload", "example.com")
    assert server.addresses("www.example.com") == ["192.0.2.3"]
    assert {zone["state"] for zone in server.get("/v1/zones")["items"]} == {"current"}


def test_unknown_zones(server):
    done = server.ctl("reload", "example.edu", code=4)
    assert "zone" in done.stderr
    server.ctl("reload", "com", code=4)


def test_a_zone_that_failed_at_start_is_mended(site):
    site.zone("example.com", "www 60 IN A 192.0.2.300\n").zone("example.net", "www 60 IN A 192.0.2.1\n")
    server = site.start()
    assert server.ask("www.example.com").rcode() == dns.rcode.SERVFAIL
    site.zone("example.com", "www 60 IN A 192.0.2.4\n").write()
    server.ctl("reload", "example.com")
    assert server.addresses("www.example.com") == ["192.0.2.4"]


def test_a_zone_is_read_with_its_policy(site):
    kit.make_regions(site)
    site.zone("example.com", "").policy("example.com", {"www": {"endpoints": ["web-us-east-1a"], "ttl": 7}})
    site.zone("example.net", "").policy("example.net", {"www": {"endpoints": ["web-eu-west-1a"], "ttl": 7}})
    server = site.start()
    first, other = server.addresses("www.example.com"), server.addresses("www.example.net")
    assert first != other
    site.policy("example.com", {"api": {"endpoints": ["web-eu-west-1a"], "ttl": 8}, "www": {"endpoints": ["web-us-east-1a", "web-eu-west-1a"]}})
    site.policy("example.net", {"www": {"endpoints": ["web-us-east-1a"]}}).write()
    assert "generation 1" in server.ctl("reload", "example.com").stdout
    assert server.addresses("api.example.com") == other and server.ask("api.example.com").answer[0].ttl == 8
    assert server.addresses("www.example.net") == other, "nobody asked for this one"
    assert {name["name"] for name in server.get("/v1/names")["items"]} == \
        {"api.example.com.", "www.example.com.", "www.example.net."}
    server.override("region", "eu-west", "drain")
    assert server.addresses("www.example.com") == first, "overrides and the flip reach the new policy"


def test_overrides_go_on_when_a_steered_zone_is_reloaded(site):
    kit.make_regions(site)
    site.zone("example.com", "").policy("example.com", {"www": {"endpoints": ["web-*"]}})
    server = site.start()
    server.override("region", "us-east", "drain")
    site.policy("example.com", {"www": {"endpoints": ["web-us-east-1a"]}, "x": {"endpoints": ["web-us-east-1a"]}}).write()
    server.ctl("reload", "example.com")
    assert server.ask("x.example.com").answer == [], "drained"


def test_no_query_is_lost_while_zones_are_reloaded(server):
    for n in range(60):
        server.site.zone("example.com", f"www 60 IN A 192.0.2.{n + 1}\n").write()
        server.ctl("reload", "example.com")
        assert server.addresses("www.example.com") == [f"192.0.2.{n + 1}"]
        assert server.addresses("www.example.org") == ["192.0.2.1"]
