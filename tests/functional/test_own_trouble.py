# SPDX-License-Identifier: BSD-3-Clause
"""What lies in this host is not held against endpoints: no route, no address, no descriptors. Each test has a network of
its own to break."""
import pytest

import kit

ENDPOINTS = {"us-east-1a": "10.9.0.1", "us-east-1b": "10.9.0.2", "eu-west-1a": "10.9.0.3", "eu-west-1b": "10.9.0.4"}
ADDRESSES = list(ENDPOINTS.values())


@pytest.fixture
def network():
    try:
        made = kit.Network(*ENDPOINTS.values())
    except PermissionError:
        pytest.skip("needs network namespaces, which only root may make")
    yield made
    made.close()


def start(network, site, **check):
    return start_with(network, site, {}, **check)


def start_with(network, site, how, **check):
    """Everything is healthy, and www answers from us-east."""
    kit.make_regions(site, ENDPOINTS, **check)
    site.topology["brake"] = how
    for az, address in ENDPOINTS.items():
        site.topology["endpoints"][f"web-{az}"]["addresses"] = [address]
    site.zone("example.com", "www 60 IN A 192.0.2.99\n")
    site.policy("example.com", {"www": {"endpoints": ["web-*"], "tiers": [["us-east"], ["eu-west"]],
                                        "fallback": "static"}})
    with network.far():
        site.web(*ADDRESSES[:2])
        site.web(*ADDRESSES[2:])
    server = site.start()
    for az in ENDPOINTS:
        server.wait_state("endpoint", f"web-{az}", observed="healthy")
    return server


def kill_all(site):
    for web in site.webs:
        web.kill()


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
    assert "observed=unhealthy" not in server.read_log()
    network.raise_link()  # what fails from now on may be theirs
    for az in ENDPOINTS:
        server.wait_state("endpoint", f"web-{az}", last_outcome="ok", observed="healthy")
    server.wait_log("probe checks again", "cause=no_route")
    assert server.read_log().count("probe cannot check") == 1, "one line per cause"
    assert server.addresses("www.example.com")[0] in ("10.9.0.1", "10.9.0.2")


def test_what_cannot_be_checked_for_long_says_so(network, site):
    server = start(network, site, stale="1s")
    endpoint = "web-us-east-1a"
    assert metric(server, "steerd_checks_stale") == 0
    assert not server.get(f"/v1/endpoints/{endpoint}")["stale"]
    kit.run_ip("link", "set", "up0", "down")
    server.wait(lambda: metric(server, "steerd_checks_stale") == len(ENDPOINTS), "all of them stale")
    row = server.get(f"/v1/checks?endpoint={endpoint}")["items"][0]
    assert row["stale"] and row["verdict"] == "healthy" and row["why"].startswith("no result for ")
    assert server.get(f"/v1/endpoints/{endpoint}")["stale"] and states(server) == {"healthy"}
    network.raise_link()
    server.wait(lambda: metric(server, "steerd_checks_stale") == 0, "none of them stale")


def test_a_route_lost_is_not_a_region_lost(network, site):
    """One endpoint of a region cannot be reached from here; the other one is really dead."""
    server = start(network, site)
    for az, address in ENDPOINTS.items():
        if az != "us-east-1a":
            kit.run_ip("route", "add", f"{address}/32", "via", "10.9.1.2")
    kit.run_ip("route", "del", "default")
    server.wait_state("endpoint", "web-us-east-1a", last_outcome="local_error", observed="healthy")
    site.webs[0].kill()
    server.wait_state("endpoint", "web-us-east-1b", last_outcome="refused", observed="unhealthy")
    endpoint = server.get("/v1/endpoints/web-us-east-1a")
    assert endpoint["observed"] == "healthy" and endpoint["last_judged"] < endpoint["last_checked"]
    assert "cannot be checked from this host" in server.ctl("explain", "www.example.com").stdout
    server.wait_answers("www.example.com", ["10.9.0.1"])


GONE = {"link": [["link", "set", "up0", "down"]], **{kind: [["route", "add", kind, address] for address in ADDRESSES]
                                                     for kind in ("unreachable", "prohibit", "blackhole")},
        "rule": [["rule", "add", "to", "10.9.0.0/24", "prohibit"]]}


@pytest.mark.parametrize("how", GONE)
def test_a_check_under_way_when_the_way_goes(network, site, how):
    """It ends by its time-out: that nobody answered means nothing once there is no way to anybody."""
    server = start(network, site, fall=1, timeout="1s", interval="1s")
    for web in site.webs:
        web.behave("silent")
    server.wait(lambda: metric(server, "steerd_checks_in_flight") == 4, "all of them wait for an answer")
    for words in GONE[how]:
        kit.run_ip(*words)
    for az in ENDPOINTS:
        server.wait_state("endpoint", f"web-{az}", last_outcome="local_error")
    assert states(server) == {"healthy"} and "observed=unhealthy" not in server.read_log()


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


def test_one_that_cannot_be_checked_is_not_taken_for_dead_for_ever(network, site):
    """It is new in a lost region, which it follows both ways: what it inherited holds neither itself nor the region."""
    server = start(network, site)
    site.webs[0].kill()
    server.wait_state("region", "us-east", observed="unhealthy")
    site.topology["endpoints"]["web-new"] = {"az": "us-east-1a", "checks": ["web"], "addresses": ["fd09::1"]}
    site.topology["regions"]["us-east"]["azs"]["us-east-1a"]["lost_at"] = 0.5
    site.write()
    assert server.reload().status == 200
    server.wait_state("endpoint", "web-new", last_outcome="local_error", observed="unhealthy")
    assert server.get("/v1/endpoints/web-new")["checks"][0]["inherited"] is True
    with network.far():
        site.web(*ADDRESSES[:2])
    server.wait_state("region", "us-east", observed="healthy")
    server.wait_state("endpoint", "web-new", observed="unknown")
    assert server.get("/v1/endpoints/web-new")["checks"][0]["inherited"] is False


# ---- the brake ----

def brake(server, family="ipv4"):
    return server.get("/v1/status")["brake"][family]


def wait_brake(server, state):
    return server.wait(lambda: brake(server)["state"] == state and brake(server), f"the brake is {state}")


def test_far_side_gone(network, site):
    """Nobody says so: there is a link and a route, and no answer."""
    server = start(network, site)
    with network.far():
        kit.run_ip("link", "set", "up1", "down")
    held = wait_brake(server, "holding")
    assert held["failing"] == held["targets"] == 4 and held["answering"] == 0 and held["until"] > held["since"]
    for az in ENDPOINTS:
        endpoint = server.wait_state("endpoint", f"web-{az}", held=True)
        assert endpoint["observed"] == endpoint["effective"] == "healthy"
    server.wait_log("brake", "turn=engaged", "failing=4", "why=")
    assert "HOLDS until" in server.ctl("status").stdout
    assert "the brake holds" in server.ctl("explain", "www.example.com").stdout
    assert metric(server, 'steerd_brake_holding{family="ipv4"}') == 1
    assert set(server.sample("www.example.com")) <= {"10.9.0.1", "10.9.0.2"}
    server.override("region", "us-east", "down")
    server.wait_answers("www.example.com", ["10.9.0.3", "10.9.0.4"])
    server.override("region", "us-east", "auto")
    offset = len(server.read_log())
    assert server.reload().status == 200
    server.wait_log("reload", "result=ok", offset=offset)
    assert brake(server)["state"] == "holding" and states(server) == {"healthy"}
    with network.far():
        kit.run_ip("link", "set", "up1", "up")
    wait_brake(server, "ready")
    server.wait_log("brake", "turn=recovered")
    for az in ENDPOINTS:
        server.wait_state("endpoint", f"web-{az}", last_outcome="ok", held=False)
    assert "observed=unhealthy" not in server.read_log()


def test_the_brake_lets_go_in_time(network, site):
    server = start_with(network, site, {"hold": "2s"})
    kill_all(site)
    wait_brake(server, "holding")
    for az in ENDPOINTS:
        server.wait_state("endpoint", f"web-{az}", observed="unhealthy", held=False)
    server.wait_log("brake", "turn=expired")
    assert brake(server)["engagements"] == 1
    server.wait_answers("www.example.com", ["192.0.2.99"])


def test_a_control_target_that_answers_is_believed(network, site):
    with network.far():
        kit.run_ip("address", "add", "10.9.0.9/32", "dev", "lo")
        control = kit.Web("10.9.0.9")
    server = start_with(network, site, {"hold": "1h", "control": [{"address": "10.9.0.9", "check": "web"}]})
    server.wait(lambda: brake(server)["controls_answering"] == 1, "the control target answers")
    kill_all(site)
    for az in ENDPOINTS:
        server.wait_state("endpoint", f"web-{az}", observed="unhealthy")
    control.close()
    server.wait(lambda: brake(server)["controls_answering"] == 0, "the control target is dead")


def test_one_region_of_two_flips(network, site):
    server = start(network, site)
    with network.far():
        kit.run_ip("address", "del", "10.9.0.1/32", "dev", "lo")
        kit.run_ip("address", "del", "10.9.0.2/32", "dev", "lo")
    server.wait_state("region", "us-east", observed="unhealthy")
    server.wait_answers("www.example.com", ["10.9.0.3", "10.9.0.4"])
    assert brake(server)["engagements"] == 0


def test_no_brake(network, site):
    server = start_with(network, site, False)
    assert brake(server)["state"] == "off"
    kill_all(site)
    for az in ENDPOINTS:
        server.wait_state("endpoint", f"web-{az}", observed="unhealthy")


def test_a_drill_says_what_the_brake_does(network, site):
    server = start(network, site)
    done = server.ctl("drill", "simulate", "--lose", "region:us-east", "--lose", "region:eu-west",
                      "--from", "healthy", code=None)
    assert "the brake holds: 4 of 4 targets over IPv4 failed at once; nothing falls for up to 60 s" in done.stdout
    assert "the brake lets go over IPv4 (expired)" in done.stdout
    assert "the brake" not in server.ctl("drill", "simulate", "--lose", "region:us-east", code=None).stdout
