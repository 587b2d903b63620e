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


def test_a_zone_with_a_policy_is_reloaded_with_everything(site):
    kit.make_regions(site)
    site.zone("example.com", "").policy("example.com", {"www": {"endpoints": ["web-us-east-1a"], "ttl": 7}})
    server = site.start()
    site.policy("example.com", {"www": {"endpoints": ["web-us-east-1a"], "ttl": 8}}).write()
    assert "generation 2" in server.ctl("reload", "example.com").stdout
    assert server.ask("www.example.com").answer[0].ttl == 8


def test_no_query_is_lost_while_zones_are_reloaded(server):
    for n in range(60):
        server.site.zone("example.com", f"www 60 IN A 192.0.2.{n + 1}\n").write()
        server.ctl("reload", "example.com")
        assert server.addresses("www.example.com") == [f"192.0.2.{n + 1}"]
        assert server.addresses("www.example.org") == ["192.0.2.1"]
