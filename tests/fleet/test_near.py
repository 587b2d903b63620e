# SPDX-License-Identifier: BSD-3-Clause
"""Clients follow the vantages near them: a site is an endpoint for each side that looks at it, the same address with the
vantages of that side, and the geo rules of a side name its own. A partition between the two then moves those clients
who are on the far side of it, and nobody else."""
import dns.edns
import pytest

import internet
import kit
import vantagekit

SERVER, SITES, VANTAGES, PORT = "steerd", ("us", "eu"), ("us-1", "eu-1"), 5307
CLIENTS = {"us": "198.51.100.0", "eu": "203.0.113.0"}


def describe(site, net):
    """As in doc/vantages.md."""
    site.topology = {
        "regions": {place: {"azs": {f"{place}-a": {}}} for place in SITES}, "brake": False,
        "checks": {"port": {"type": "tcp", "port": kit.WEB_PORT, "interval": "200ms", "timeout": "200ms", "fall": 3, "rise": 2}},
        "endpoints": {f"{place}-from-us": {"az": f"{place}-a", "addresses": [net.address(place)], "checks": ["port"],
                                           "vantages": "us-*"} for place in SITES} | {
            f"{place}-from-eu": {"same_as": f"{place}-from-us", "vantages": "eu-*"} for place in SITES},
        "groups": {f"{place}-seen-from-{side}": [f"{place}-from-{side}"] for place in SITES for side in SITES}}
    site.zone("example.com", "www 60 IN A 192.0.2.99\n")
    site.policy("example.com", {"www": {
        "ttl": 5, "endpoints": ["*"], "tiers": [["us-seen-from-us"], ["eu-seen-from-us"]],
        "geo": [{"when": {"cidr": "203.0.113.0/24"}, "tiers": [["us-seen-from-eu"], ["eu-seen-from-eu"]]}]}})
    site.server["vantages"] = {"listen": [f"{net.address(SERVER)}:{PORT}"], "heartbeat": "200ms", "expires": "1s"}


class Near:
    def __init__(self, site, net):
        self.site, self.net, self.probes = site, net, {}
        for place in SITES:
            with net.at(place):
                site.web(net.address(place))
        describe(site, net)
        with net.at(SERVER):
            self.server = site.start()
        for name in VANTAGES:
            token = self.server.ctl_json("vantage", "enrol", name)["token"]
            probe = self.probes[name] = vantagekit.Probe(site.folder / name)
            with net.at(name):
                probe.enrol(token, f"{net.address(SERVER)}:{PORT}")
                probe.start()
        for name in VANTAGES:
            self.wait_opinions(name, up=2, down=0)

    def wait_opinions(self, name, **expected):
        def holds():
            (it,) = [item["opinions"] for item in self.server.get("/v1/vantages")["items"] if item["name"] == name]
            return it["count"] and all(it[key] == value for key, value in expected.items())
        self.server.wait(holds, f"{name} says {expected}")

    def wait_clients(self, **expected):
        """Where the clients of each side are sent."""
        for side, place in expected.items():
            def sees():
                with self.net.at(SERVER):
                    found = self.server.addresses("www.example.com", edns=0, options=[dns.edns.ECSOption(CLIENTS[side], 24)])
                return found == [self.net.address(place)]
            self.server.wait(sees, f"clients in {side} are sent to {place}")

    def flips(self):
        return [line for line in self.server.read_log().splitlines() if "kind=endpoint" in line and
                ("observed_was=healthy" in line or "observed_was=unhealthy" in line)]

    def close(self):
        for probe in self.probes.values():
            probe.close()


@pytest.fixture
def near():
    try:
        net = internet.Internet(SERVER, *VANTAGES, *SITES)
    except PermissionError:
        pytest.skip("needs network namespaces, which only root may make")
    try:
        with kit.new_site() as site:
            made = None
            try:
                made = Near(site, net)
                yield made
            finally:
                if made is not None:
                    made.close()
    finally:
        net.close()


def test_a_partition_moves_those_who_are_behind_it(near):
    near.wait_clients(us="us", eu="us")
    near.net.set_cut("eu-1", "us", True)
    near.wait_opinions("eu-1", up=1, down=1)
    near.wait_clients(eu="eu", us="us")
    assert len(near.flips()) == 1 and "name=us-from-eu " in near.flips()[0], near.flips()
    region = near.server.get("/v1/regions/us")
    assert region["observed"] == "healthy" and near.server.get("/v1/azs/us-a")["missing"] == ["us-from-eu"]
    near.net.set_cut("eu-1", "us", False)
    near.wait_clients(us="us", eu="us")
    assert len(near.flips()) == 2
    near.site.webs[0].kill()  # now it is lost, and both sides see that
    near.wait_clients(us="eu", eu="eu")
    near.server.wait_state("region", "us", observed="unhealthy")


def test_an_order_for_the_place_holds_for_both_sides(near):
    near.server.ctl("drain", "az:us-a", "--reason", "a test")
    near.wait_clients(us="eu", eu="eu")
    near.server.ctl("auto", "az:us-a", "--reason", "a test")
    near.wait_clients(us="us", eu="us")


def test_each_vantage_checks_what_it_is_asked_about_once(near):
    for probe in near.probes.values():
        status = probe.status()
        assert status["servers"][0]["list"]["targets"] == 2, status
