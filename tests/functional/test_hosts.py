# SPDX-License-Identifier: BSD-3-Clause
"""Endpoints that are host names: looked up at a nameserver of the test's own, followed, kept when it fails."""
import dns.rdatatype
import pytest

import kit
import nameserver

HOST = "lb-1.example.net"


@pytest.fixture
def resolver():
    server = nameserver.Nameserver({})
    yield server
    server.close()


def make_site(site, resolver, endpoints, checks=None):
    """Endpoints by name, each in us-east-1a."""
    site.server["resolver"] = {"servers": [resolver.at]}
    site.topology = {"regions": {"us-east": {"azs": {"us-east-1a": {}}}}, "checks": checks or {},
                     "endpoints": {name: {"az": "us-east-1a", **what} for name, what in endpoints.items()}}
    return site


def wait_host(server, endpoint, **expected):
    """Until fields of a family are as expected: wait_host(…, ipv4={"state": "good"}). Returns the host."""
    def look():
        host = server.get(f"/v1/endpoints/{endpoint}")["host"]
        good = all(host[family][key] == value for family, fields in expected.items() for key, value in fields.items())
        return host if good else None
    return server.wait(look, f"the host of {endpoint} is {expected}")


def test_the_api_shows_hosts(site, resolver):
    resolver.records[HOST] = {"A": ["192.0.2.2", "192.0.2.1"], "AAAA": ["2001:db8::1"]}
    make_site(site, resolver, {"lb": {"host": "LB-1.example.net."}, "plain": {"addresses": "192.0.2.9"}})
    server = site.zone("example.com", "").start()
    host = wait_host(server, "lb", ipv4={"state": "good"}, ipv6={"state": "good"})
    assert host["name"] == HOST and host["state"] == "good" and host["leads_back_to"] is None
    assert host["ipv4"]["addresses"] == ["192.0.2.1", "192.0.2.2"]
    assert host["ipv4"]["answered"] < host["ipv4"]["fresh_until"]
    endpoint = server.get("/v1/endpoints/lb")
    assert endpoint["addresses"] == ["192.0.2.1", "192.0.2.2", "2001:db8::1"]
    assert endpoint["observed"] == "unknown" and endpoint["checks"] == []
    assert server.get("/v1/endpoints/plain")["host"] is None


def test_last_good_addresses_are_kept_also_by_a_reload(site, resolver):
    resolver.records[HOST] = {"A": ["192.0.2.1"]}
    server = make_site(site, resolver, {"lb": {"host": HOST}}).zone("example.com", "").start()
    wait_host(server, "lb", ipv4={"state": "good"})
    resolver.mood = "NXDOMAIN"
    host = wait_host(server, "lb", ipv4={"state": "failing", "addresses": ["192.0.2.1"]})
    assert host["state"] == "failing" and host["ipv4"]["error"]
    server.wait_log("host name=lb-1.example.net", "family=ipv4", "state=failing", "kept=192.0.2.1")
    assert server.reload().status == 200
    host = wait_host(server, "lb", ipv4={"state": "failing", "addresses": ["192.0.2.1"]})
    resolver.records[HOST] = {"A": ["192.0.2.7"]}
    resolver.mood = "ok"
    wait_host(server, "lb", ipv4={"state": "good", "addresses": ["192.0.2.7"], "error": None})


def test_other_servers_are_asked_after_a_reload(site, resolver):
    resolver.mood = "silent"
    server = make_site(site, resolver, {"lb": {"host": HOST}}).zone("example.com", "").start()
    server.wait(lambda: resolver.asked[HOST, "A"], "the first server is asked")
    assert wait_host(server, "lb", ipv4={"state": "pending"})["ipv4"]["answered"] is None
    other = nameserver.Nameserver({HOST: {"A": ["192.0.2.1"]}})
    try:
        site.server["resolver"] = {"servers": [other.at]}
        site.write()
        assert server.reload().status == 200
        wait_host(server, "lb", ipv4={"state": "good", "addresses": ["192.0.2.1"]})
    finally:
        other.close()


CHECKS = {"web": {"type": "http", "port": kit.WEB_PORT, "path": "/healthz", "interval": "100ms", "timeout": "100ms",
                  "fall": 2, "rise": 1}}


def test_checks_go_to_all_addresses_in_turn_and_follow(site, resolver):
    first, second, third = kit.new_address(), kit.new_address(), kit.new_address()
    web, other = site.web(first, second), site.web(third)
    resolver.records[HOST] = {"A": [first, second]}
    make_site(site, resolver, {"lb": {"host": HOST, "checks": ["web"]}}, CHECKS)
    server = site.zone("example.com", "").start()
    server.wait_state("endpoint", "lb", observed="healthy", last_outcome="ok")
    server.wait(lambda: web.requests(first) and web.requests(second), "both are checked")
    assert f"Host: {HOST}:{kit.WEB_PORT}\r\n" in str(web.requests(first)[0]).replace("\\r\\n", "\r\n")
    check, = server.get("/v1/endpoints/lb")["checks"]
    assert (check["address"], check["family"]) == (f"{HOST}:{kit.WEB_PORT}", "ipv4")
    web.kill()
    server.wait_state("endpoint", "lb", observed="unhealthy", last_outcome="refused")
    resolver.records[HOST] = {"A": [third]}
    server.wait_state("endpoint", "lb", observed="healthy")
    assert other.requests(third)


def test_one_dead_address_of_two_does_not_take_the_endpoint_down(site, resolver):
    first, second = kit.new_address(), kit.new_address()
    web = site.web(first, second)
    web.behave("close", first)
    resolver.records[HOST] = {"A": [first, second]}
    make_site(site, resolver, {"lb": {"host": HOST, "checks": ["web"]}}, CHECKS)
    server = site.zone("example.com", "").start()
    server.wait_state("endpoint", "lb", observed="healthy")
    seen = {server.get("/v1/endpoints/lb")["observed"] for _ in range(20)
            if server.wait(lambda: len(web.requests(first)) > 2, "the dead one is checked as well")}
    assert seen == {"healthy"}


def test_a_name_that_leads_nowhere_is_unhealthy(site, resolver):
    make_site(site, resolver, {"lb": {"host": HOST, "checks": ["web"]}}, CHECKS)
    server = site.zone("example.com", "").start()
    endpoint = server.wait_state("endpoint", "lb", observed="unhealthy", last_outcome="unresolved")
    assert endpoint["addresses"] == [] and endpoint["host"]["state"] == "failing"
    address = kit.new_address()
    site.web(address)
    resolver.records[HOST] = {"A": [address]}
    server.wait_state("endpoint", "lb", observed="healthy", last_outcome="ok")


def test_metrics(site, resolver):
    resolver.records[HOST] = {"A": ["192.0.2.1"]}
    server = make_site(site, resolver, {"lb": {"host": HOST}}).zone("example.com", "").start()
    wait_host(server, "lb", ipv4={"state": "good"}, ipv6={"state": "good"})
    text = server.request("GET", "/metrics").body.decode()
    assert f'steerd_host_addresses{{host="{HOST}",family="ipv4",state="good"}} 1' in text
    assert f'steerd_host_addresses{{host="{HOST}",family="ipv6",state="good"}} 0' in text
    assert 'steerd_resolutions_total{result="answered"} 2' in text
