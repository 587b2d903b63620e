# SPDX-License-Identifier: BSD-3-Clause
"""One vantage of three loses all but its server: it sees everything down, the control targets too, which the others see up. It
is set aside, and nothing moves; not even with one more opinion of that kind, which would be enough with its own. When the
cut heals it counts again."""
import pytest

import internet
import kit
import world

BLIND, OTHER = world.VANTAGES[:2]
FAR = "far"  # where the control targets are, on the far side of everything


class Sighted(world.World):
    """Two of those who look have to say down, and there are two control targets."""

    def describe(self):
        super().describe()
        with self.internet.at(FAR):
            addresses = [self.internet.address(FAR, number) for number in range(2)]
            self.site.web(*addresses)
        self.site.topology["brake"] = {"control": [{"address": address, "check": "port"} for address in addresses]}
        self.site.server["vantages"]["quorum"] = 2

    def look(self, name):
        (item,) = [item for item in self.server.get("/v1/vantages")["items"] if item["name"] == name]
        return item

    def wait_aside(self, families):
        self.server.wait(lambda: self.look(BLIND)["opinions"]["set_aside"] == families, f"{BLIND} is set aside for {families}")

    def read_metric(self):
        """1: it is set aside; by vantage."""
        lines = self.server.request("GET", "/metrics").body.decode().splitlines()
        return {line.split('"')[1]: int(line.split()[-1]) for line in lines if line.startswith("steerd_vantage_set_aside{")}

    def wait_turns(self, *expected):
        def find():
            lines = [line for line in self.server.read_log().splitlines() if f"kind=vantage name={BLIND} " in line]
            return [line.split("turn=")[1].split()[0] for line in lines if "turn=set_aside" in line or "turn=returned" in line]
        self.server.wait(lambda: find() == list(expected), f"events of {BLIND}: {expected}")

    def list_opinions(self, region):
        (check,) = self.server.get(f"/v1/checks?endpoint=web-{region}")["items"]
        return {opinion["vantage"]: (opinion["verdict"], opinion["because"]) for opinion in check["judgement"]["opinions"]}

    def wait_opinion(self, region, vantage, verdict, because):
        self.server.wait(lambda: self.list_opinions(region)[vantage] == (verdict, because), f"{vantage} says {verdict} of {region}")

    def expect_nothing_moved(self):
        assert {region: self.count_flips(region) for region in world.REGIONS} == dict.fromkeys(world.REGIONS, 0)
        with self.internet.at(world.SERVER):
            assert self.server.addresses("www.example.com") == [self.internet.address("us")]


@pytest.fixture
def fleet():
    try:
        net = internet.Internet(world.SERVER, *world.VANTAGES, *world.REGIONS, FAR)
    except PermissionError:
        pytest.skip("needs network namespaces, which only root may make")
    try:
        with kit.new_site() as site:
            made = Sighted(site, net)
            try:
                made.start()
                yield made
            finally:
                made.close()
    finally:
        net.close()


def test_who_is_blind_is_set_aside_and_returns(fleet):
    assert fleet.read_metric() == dict.fromkeys(world.VANTAGES, 0)
    for place in (*world.REGIONS, FAR):
        fleet.internet.set_cut(BLIND, place, True)
    fleet.wait_aside(["ipv4"])
    for region in world.REGIONS:
        fleet.wait_opinion(region, BLIND, "unhealthy", "set_aside")
    assert fleet.read_metric() == {**dict.fromkeys(world.VANTAGES, 0), BLIND: 1}
    assert fleet.server.get("/v1/status")["vantages"] == {"enrolled": 3, "fresh": 2, "silent": 0, "set_aside": 1, "drained": 0}
    shown = fleet.server.ctl("vantages").stdout
    assert ["set_aside" in line.replace(" ", "_") for line in shown.splitlines() if line.startswith(BLIND)] == [True], shown
    fleet.wait_turns("set_aside")
    # One more that says down of a region: with the blind one these would be two.
    fleet.internet.set_cut(OTHER, "us", True)
    fleet.wait_opinion("us", OTHER, "unhealthy", None)
    fleet.expect_nothing_moved()
    fleet.internet.set_cut(OTHER, "us", False)
    fleet.wait_opinion("us", OTHER, "healthy", None)
    # The server is still heard, so it was not silence. All of it heals.
    for place in (*world.REGIONS, FAR):
        fleet.internet.set_cut(BLIND, place, False)
    fleet.wait_aside([])
    for region in world.REGIONS:
        fleet.wait_opinion(region, BLIND, "healthy", None)
    fleet.expect_nothing_moved()
    fleet.wait_turns("set_aside", "returned")
    assert fleet.read_metric() == dict.fromkeys(world.VANTAGES, 0)
    # It counts again: two of them that say down are enough.
    for vantage in BLIND, OTHER:
        fleet.internet.set_cut(vantage, "us", True)
    fleet.server.wait(lambda: fleet.observe("us") == "unhealthy", "two say down")
    fleet.wait_turns("set_aside", "returned")
