# SPDX-License-Identifier: BSD-3-Clause
"""IPv4 and IPv6 of an endpoint fail apart. In a network of the test's own, where lo has IPv6 addresses to spare."""
import pytest

import kit
import nameserver
import transfers

V4 = {"us-1": "127.8.0.1", "us-2": "127.8.0.2", "eu-1": "127.8.0.3"}
V6 = {"us-1": "fd00:8::1", "us-2": "fd00:8::2", "eu-1": "fd00:8::3"}
US4, US6 = [V4["us-1"], V4["us-2"]], [V6["us-1"], V6["us-2"]]
HOST = "lb.example.net"


@pytest.fixture
def network():
    try:
        made = kit.Network()
    except PermissionError:
        pytest.skip("needs network namespaces, which only root may make")
    for address in V6.values():
        kit.run_ip("address", "add", f"{address}/128", "dev", "lo", "nodad")
    yield made
    made.close()


class Scene:
    """Two regions; `web` serves all addresses; www prefers us, mail is MX records, cold falls back to nothing."""

    def __init__(self, site, families=None, together=()):
        self.site, self.web = site, site.web(*V4.values(), *V6.values())
        site.topology = {
            "regions": {"us": {"azs": {"us-a": {}, "us-b": {}}}, "eu": {"azs": {"eu-a": {}}}},
            "checks": {"web": {"type": "http", "port": kit.WEB_PORT, "path": "/healthz", "interval": "100ms",
                               "timeout": "100ms", "fall": 2, "rise": 1}},
            "endpoints": {name: {"az": name[:3] + ("b" if name.endswith("2") else "a"), "addresses": [V4[name], V6[name]],
                                 "checks": ["web"]} | ({"families": "together"} if name in together else {})
                          for name in V4}}
        if families:
            site.topology["families"] = families
        tiers = [["us"], ["eu"]]
        site.zone("example.com", "mx1 IN A 192.0.2.1\nmx2 IN A 192.0.2.2\n")
        site.policy("example.com", {
            "www": {"endpoints": ["*"], "tiers": tiers, "pick": "all"},
            "mail": {"endpoints": ["*"], "tiers": tiers, "pick": "all",
                     "records": {"MX": {"us": "10 mx1", "eu": "10 mx2"}}},
            "cold": {"endpoints": ["us-*"], "pick": "all", "fallback": "nodata"}})
        site.server["zone_options"] = {"*": {"transfer_to": "127.0.0.0/8", "transfer_steered": "rendered"}}
        self.server = site.start()
        for name in V4:
            self.wait(name, ipv4="healthy", ipv6="healthy")

    def wait(self, endpoint, **families):
        return self.server.wait_state("endpoint", endpoint, families=families)

    def fail(self, *addresses):
        for address in addresses:
            self.web.behave("close", address)

    def heal(self, *addresses):
        for address in addresses:
            self.web.behave("ok", address)

    def www(self):
        return self.server.addresses("www.example.com", "A"), self.server.addresses("www.example.com", "AAAA")


def test_one_family_leaves_its_own_records_alone(network, site):
    scene = Scene(site)
    server = scene.server
    assert scene.www() == (US4, US6)
    scene.fail(V6["us-1"])
    seen = scene.wait("us-1", ipv4="healthy", ipv6="unhealthy")
    assert (seen["observed"], seen["effective"]) == ("healthy", "healthy")
    assert scene.www() == (US4, [V6["us-2"]])
    assert server.get("/v1/azs/us-a")["effective"] == "healthy"
    server.wait_log("health kind=endpoint name=us-1", "observed=healthy", "ipv4=healthy", "ipv4_was=healthy",
                    "ipv6=unhealthy", "ipv6_was=healthy")
    scene.heal(V6["us-1"])
    scene.wait("us-1", ipv4="healthy", ipv6="healthy")
    assert scene.www() == (US4, US6)
    scene.fail(V4["us-1"])
    scene.wait("us-1", ipv4="unhealthy", ipv6="healthy")
    assert scene.www() == ([V4["us-2"]], US6)
    scene.fail(V6["us-1"])
    seen = scene.wait("us-1", ipv4="unhealthy", ipv6="unhealthy")
    assert seen["effective"] == "unhealthy"
    assert server.get("/v1/azs/us-a")["effective"] == "unhealthy", "no endpoint of it has a family that works"
    assert scene.www() == ([V4["us-2"]], [V6["us-2"]])


def test_each_family_goes_to_the_tier_where_it_works(network, site):
    scene = Scene(site)
    scene.fail(*US6)
    for name in "us-1", "us-2":
        scene.wait(name, ipv4="healthy", ipv6="unhealthy")
    assert scene.www() == (US4, [V6["eu-1"]])
    mx, = scene.server.ask("mail.example.com", "MX").answer
    assert "mx1" in mx.to_text(), "records of other types need any family"
    assert scene.server.addresses("cold.example.com", "A") == US4
    assert scene.server.addresses("cold.example.com", "AAAA") == [], "a fallback is a family's own"
    assert scene.server.get("/v1/regions/us")["effective"] == "healthy"
    scene.server.override("region", "us", "drain")
    assert scene.www() == ([V4["eu-1"]], [V6["eu-1"]]), "overrides hold for both"


def test_together_is_as_it_was(network, site):
    scene = Scene(site, families="together")
    scene.fail(V6["us-1"])
    seen = scene.wait("us-1", ipv4="unhealthy", ipv6="unhealthy")
    assert seen["effective"] == "unhealthy"
    assert scene.www() == ([V4["us-2"]], [V6["us-2"]])


def test_together_is_said_of_one_and_a_reload_changes_it(network, site):
    scene = Scene(site, together=["us-1"])
    scene.fail(V6["us-1"], V6["us-2"])
    scene.wait("us-1", ipv4="unhealthy", ipv6="unhealthy")
    scene.wait("us-2", ipv4="healthy", ipv6="unhealthy")
    assert scene.www() == ([V4["us-2"]], [V6["eu-1"]])
    del site.topology["endpoints"]["us-1"]["families"]
    site.write()
    assert scene.server.reload().status == 200
    scene.wait("us-1", ipv4="healthy", ipv6="unhealthy")
    assert scene.www() == (US4, [V6["eu-1"]])


def test_everything_says_so(network, site):
    """explain, steerctl, metrics and copies."""
    scene = Scene(site)
    server = scene.server
    scene.fail(V6["us-1"])
    scene.wait("us-1", ipv4="healthy", ipv6="unhealthy")
    told = server.get("/v1/explain?name=www.example.com&type=AAAA")
    member = next(member for member in told["members"] if member["endpoint"] == "us-1")
    assert (member["observed"], member["effective"], member["chosen"]) == ("unhealthy", "unhealthy", False)
    assert member["excluded"].startswith("unhealthy, decided by verdict: with ipv6, which AAAA records go by; its last check")
    assert any("not alike at us-1" in step and "IPv6 alone" in step for step in told["steps"])
    told = server.get("/v1/explain?name=www.example.com&type=A")
    member = next(member for member in told["members"] if member["endpoint"] == "us-1")
    assert (member["observed"], member["effective"], member["chosen"]) == ("healthy", "healthy", True)
    assert "healthy (ipv6 unhealthy)" in server.ctl("endpoints").stdout
    lines = [line.split() for line in server.ctl("endpoints", "us-1").stdout.splitlines()]
    assert ["ipv4", "healthy"] in lines and ["ipv6", "unhealthy"] in lines
    metrics = server.request("GET", "/metrics").body.decode()
    assert 'steerd_endpoint_family_serving{endpoint="us-1",family="ipv4"} 1\n' in metrics
    assert 'steerd_endpoint_family_serving{endpoint="us-1",family="ipv6"} 0\n' in metrics

    def copied(address):
        return any(rdata.to_text() == address for _, _, rdata in transfers.fetch(server)[0])
    server.wait(lambda: not copied(V6["us-1"]) and copied(V4["us-1"]), "copies have its A records alone")
    scene.fail(V6["us-2"])
    scene.wait("us-2", ipv4="healthy", ipv6="unhealthy")
    tried = server.ctl_json("what-if", "region", "eu", "down")
    lost = [row["types"] for row in tried["items"] if row["severity"] != "unchanged"]
    assert ["AAAA"] in lost and ["A"] not in lost, "AAAA is what eu serves"


def test_families_of_a_host_name(network, site):
    resolver = nameserver.Nameserver({HOST: {"A": [V4["us-1"]], "AAAA": [V6["us-1"]]}})
    try:
        web = site.web(V4["us-1"], V6["us-1"])
        site.server["resolver"] = {"servers": [resolver.at]}
        site.topology = {
            "regions": {"us": {"azs": {"us-a": {}}}},
            "checks": {"web": {"type": "http", "port": kit.WEB_PORT, "interval": "100ms", "timeout": "100ms", "fall": 2,
                               "rise": 1}},
            "endpoints": {"lb": {"az": "us-a", "host": HOST, "checks": ["web"]}}}
        site.zone("example.com", "")
        site.policy("example.com", {"www": {"endpoints": ["lb"], "host_answer": "addresses", "fallback": "nodata"}})
        server = site.start()
        server.wait_state("endpoint", "lb", families={"ipv4": "healthy", "ipv6": "healthy"})
        web.behave("close", V6["us-1"])
        server.wait_state("endpoint", "lb", observed="healthy", families={"ipv4": "healthy", "ipv6": "unhealthy"})
        assert server.addresses("www.example.com", "A") == [V4["us-1"]]
        assert server.addresses("www.example.com", "AAAA") == []
        resolver.records[HOST] = {"A": [V4["us-1"]]}
        server.wait_state("endpoint", "lb", observed="healthy", families={"ipv4": "healthy", "ipv6": None})
    finally:
        resolver.close()


def test_who_has_no_ipv6_does_not_hide_that_it_fails(network, site):
    """Of a tier in which some have IPv6 these alone count for AAAA; where nobody has, there is no AAAA, and nothing has failed."""
    scene = Scene(site)
    server, endpoints = scene.server, site.topology["endpoints"]
    endpoints["us-2"]["addresses"] = [V4["us-2"]]
    site.write()
    assert server.reload().status == 200
    server.wait_answers("www.example.com", [V6["us-1"]], "AAAA")
    scene.fail(V6["us-1"])
    server.wait_answers("www.example.com", [V6["eu-1"]], "AAAA")
    assert set(server.addresses("www.example.com")) == set(US4), "A records stay"
    told = server.ctl("explain", "www.example.com", "AAAA").stdout
    assert "tier us does not serve: none of its 1 member with AAAA may" in told, told
    endpoints["us-1"]["addresses"] = [V4["us-1"]]
    site.write()
    assert server.reload().status == 200
    server.wait(lambda: server.addresses("www.example.com", "AAAA") == [], "no AAAA beside A records of us")
    assert set(server.addresses("www.example.com")) == set(US4)
    scene.fail(*US4)
    server.wait_answers("www.example.com", [V6["eu-1"]], "AAAA")
