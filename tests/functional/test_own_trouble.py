# SPDX-License-Identifier: BSD-3-Clause
"""What lies in this host is not held against endpoints: no route, no address, no descriptors. Each test has a network of
its own to break."""
import pytest

import kit

ENDPOINTS = {"us-east-1a": "10.9.0.1", "us-east-1b": "10.9.0.2", "eu-west-1a": "10.9.0.3", "eu-west-1b": "10.9.0.4"}


@pytest.fixture
def network():
    try:
        made = kit.Network(*ENDPOINTS.values())
    except PermissionError:
        pytest.skip("needs network namespaces, which only root may make")
    yield made
    made.close()


def start(network, site, **check):
    """Everything is healthy, and www answers from us-east."""
    kit.make_regions(site, ENDPOINTS, **check)
    for az, address in ENDPOINTS.items():
        site.topology["endpoints"][f"web-{az}"]["addresses"] = [address]
    site.zone("example.com", "www 60 IN A 192.0.2.99\n")
    site.policy("example.com", {"www": {"endpoints": ["web-*"], "tiers": [["us-east"], ["eu-west"]],
                                        "fallback": "static"}})
    with network.far():
        site.web(*ENDPOINTS.values())
    server = site.start()
    for az in ENDPOINTS:
        server.wait_state("endpoint", f"web-{az}", observed="healthy")
    return server


def metric(server, name):
    lines = server.request("GET", "/metrics").body.decode().splitlines()
    return float(next(line.split()[-1] for line in lines if line.startswith(name + " ")))


def states(server):
    return {item["observed"] for item in server.get("/v1/endpoints")["items"]}


def test_link_down(network, site):
    """Long enough for every check to fail by its fall count, were that held against it."""
    server = start(network, site, fall=1)
    kit.run_ip("link", "set", "up0", "down")
    for az in ENDPOINTS:
        server.wait_state("endpoint", f"web-{az}", last_outcome="local_error", observed="healthy")
    missed = metric(server, 'steerd_checks_not_made_total{cause="no_route"}')
    server.wait(lambda: metric(server, 'steerd_checks_not_made_total{cause="no_route"}') > missed + 20, "20 more")
    assert states(server) == {"healthy"}
    assert metric(server, 'steerd_checks_not_possible{cause="no_route"}') == 4
    network.raise_link()
    for az in ENDPOINTS:
        server.wait_state("endpoint", f"web-{az}", last_outcome="ok", observed="healthy")
    server.wait_log("probe checks again", "cause=no_route")
    assert server.read_log().count("probe cannot check") == 1, "one line per cause"
    assert "observed=unhealthy" not in server.read_log()
    assert server.addresses("www.example.com")[0] in ("10.9.0.1", "10.9.0.2")


def test_a_route_lost_is_not_a_region_lost(network, site):
    """The addresses of a region cannot be reached from here; an endpoint of the other one is really dead."""
    server = start(network, site)
    web = site.webs[-1]
    for az, address in ENDPOINTS.items():
        if az != "us-east-1a":
            kit.run_ip("route", "add", f"{address}/32", "via", "10.9.1.2")
    kit.run_ip("route", "del", "default")
    server.wait_state("endpoint", "web-us-east-1a", last_outcome="local_error", observed="healthy")
    web.kill()
    server.wait_state("region", "eu-west", observed="unhealthy")
    server.wait_state("endpoint", "web-us-east-1b", last_outcome="refused", observed="unhealthy")
    assert server.get("/v1/endpoints/web-us-east-1a")["observed"] == "healthy"
    server.wait_answers("www.example.com", ["10.9.0.1"])


def test_a_check_under_way_when_the_link_goes(network, site):
    """It ends by its time-out: that nobody answered means nothing once there is no way to anybody."""
    server = start(network, site, fall=1, timeout="1s", interval="1s")
    web = site.webs[-1]
    server.wait(lambda: server.get("/v1/endpoints/web-us-east-1a")["last_outcome"] == "ok", "checked")
    web.behave("silent")
    server.wait(lambda: metric(server, "steerd_checks_in_flight") == 4, "all of them wait for an answer")
    kit.run_ip("link", "set", "up0", "down")
    for az in ENDPOINTS:
        server.wait_state("endpoint", f"web-{az}", last_outcome="local_error")
    assert states(server) == {"healthy"}


def test_no_ipv6_address_but_a_route(network, site):
    """The kernel sends from the loopback address then, and nothing arrives: that is our trouble, too."""
    kit.run_ip("address", "add", "fd09:1::1/64", "dev", "up0", "nodad")
    kit.run_ip("-6", "route", "add", "default", "via", "fd09:1::2")
    with network.far():
        kit.run_ip("address", "add", "fd09:1::2/64", "dev", "up1", "nodad")
        kit.run_ip("address", "add", "fd09::1/128", "dev", "lo")
        site.web("fd09::1")
    kit.make_regions(site, ["us-east-1a"], fall=1)
    site.topology["endpoints"]["web-us-east-1a"]["addresses"] = ["fd09::1"]
    server = site.zone("example.com", "").policy("example.com", {"www": {"endpoints": ["*"]}}).start()
    server.wait_state("endpoint", "web-us-east-1a", observed="healthy")
    kit.run_ip("-6", "address", "flush", "dev", "up0")
    server.wait_state("endpoint", "web-us-east-1a", last_outcome="local_error", observed="healthy")
    missed = metric(server, 'steerd_checks_not_made_total{cause="no_address"}')
    server.wait(lambda: metric(server, 'steerd_checks_not_made_total{cause="no_address"}') > missed + 5, "5 more")
    kit.run_ip("address", "add", "fd09:1::1/64", "dev", "up0", "nodad")
    server.wait_state("endpoint", "web-us-east-1a", last_outcome="ok", observed="healthy")
    assert "observed=unhealthy" not in server.read_log()
