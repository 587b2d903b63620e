# SPDX-License-Identifier: BSD-3-Clause
"""No answer moves because steerd, or a vantage, is started anew: what a quorum judged stands until those who made it have
said what they think now, or are silent for `expires`."""
import contextlib
import re

import pytest

import kit
import vantage_client
from takeovers import reaper, take_over  # noqa: F401  pylint: disable=unused-import
from vantage_client import Vantage, invite, row

US, EU = "web-us-east-1a http ipv4", "web-eu-west-1a http ipv4"


class Scene:
    """Every endpoint answers, and so does this server see it: what its vantages say is another thing."""

    def __init__(self, site):
        self.site, self.made = site, []
        self.at = kit.make_regions(site, azs=("us-east-1a", "eu-west-1a"))
        self.us, self.eu = [self.at["us-east-1a"]], [self.at["eu-west-1a"]]
        self.web = site.web(*self.us, *self.eu)
        site.zone("example.com", "")
        site.policy("example.com", {"www": {"ttl": 5, "endpoints": ["web-*"], "tiers": [["us-east"], ["eu-west"]]}})

    def start(self, names, **vantages):
        self.vantages_at = vantage_client.listen(self.site, **vantages)
        self.server = self.site.start()
        self.server.vantages_at = self.vantages_at
        self.fleet = {name: Vantage(self.site.folder, self.server, name).come(invite(self.server, name)) for name in names}
        self.server.wait(lambda: self.server.get("/v1/endpoints/web-us-east-1a")["observed"] == "healthy", "our own checks")
        return self.fleet.values()

    def name(self, text):
        return next(target["name"] for vantage in self.fleet.values() for target in vantage.targets if text in target["name"])

    def think(self, vantage, us):
        vantage.think({self.name("us-east"): us, self.name("eu-west"): "up"})
        self.server.wait(lambda: row(self.server, vantage.name)["opinions"][us] >= 1, f"{vantage.name} says {us}")

    def return_of(self, vantage):
        """To the process that is there now; it has not said anything yet."""
        vantage.generation = None
        self.server.wait(lambda: "server" in vantage.hello(), "it is let in")
        vantage.hear("listed")

    def count_checks(self):
        text = self.server.request("GET", "/metrics").body.decode()
        return int(re.search(r'steerd_checks_total\{outcome="ok"\} (\d+)', text)[1])

    def wait_own_checks(self):
        """Enough to find out that both endpoints are up."""
        for vantage in self.fleet.values():
            with contextlib.suppress(OSError, ValueError):  # it may be away
                vantage.live()
        before = self.count_checks()
        self.server.wait(lambda: self.count_checks() >= before + 8, "our own checks")

    def expect_still(self, addresses, offset):
        assert self.server.addresses("www.example.com") == addresses
        log = self.server.read_log()[offset:]
        log = log.rsplit("steerd answers queries", 1)[-1]  # what it finds out before that moves no answer
        moved = [line for line in log.splitlines()
                 if "kind=endpoint name=web-us-east-1a " in line and "was=unknown" not in line]
        assert moved == []


@pytest.fixture
def scene(site):
    made = Scene(site)
    yield made
    for vantage in getattr(made, "fleet", {}).values():
        vantage.close()


@pytest.mark.parametrize("how", ["takeover", "restart"])
@pytest.mark.parametrize("quorum, names", [("any", ["fra-1"]), ("majority", ["fra-1", "sin-1"])])
def test_the_server_is_another_one(scene, how, quorum, names):
    """It sees that all is up, which its vantages do not; they come back one by one."""
    fleet = scene.start(names, quorum=quorum)
    for vantage in fleet:
        scene.think(vantage, "down")
    scene.server.wait_answers("www.example.com", scene.eu)
    if how == "restart":
        scene.server.wait_state("endpoint", "web-us-east-1a", observed="unhealthy")
        scene.server.stop()
    offset = len(scene.server.read_log())
    if how == "restart":
        scene.server.start()
    else:
        take_over(scene.server)
    scene.wait_own_checks()
    scene.expect_still(scene.eu, offset)
    for vantage in fleet:
        scene.return_of(vantage)
        scene.wait_own_checks()
        scene.think(vantage, "down")
        scene.expect_still(scene.eu, offset)
    for vantage in fleet:
        scene.think(vantage, "up")
    scene.server.wait_answers("www.example.com", scene.us)


def test_a_vantage_is_another_process(scene):
    """It begins without an opinion, and the others alone would judge otherwise."""
    fra, sin = scene.start(["fra-1", "sin-1"], quorum="majority")
    for vantage in (fra, sin):
        scene.think(vantage, "down")
    scene.server.wait_answers("www.example.com", scene.eu)
    offset = len(scene.server.read_log())
    fra.close()
    fra.run = 2
    scene.return_of(fra)
    fra.think({scene.name("us-east"): "none", scene.name("eu-west"): "none"})
    scene.wait_own_checks()
    scene.expect_still(scene.eu, offset)
    fra.think({scene.name("us-east"): "down", scene.name("eu-west"): "up"})
    scene.server.wait(lambda: row(scene.server, "fra-1")["opinions"]["down"] == 1, "its opinion")
    scene.expect_still(scene.eu, offset)


def test_a_check_asks_something_else(scene):
    """What vantages said of the question before is nothing that they say of this one."""
    fra, sin = scene.start(["fra-1", "sin-1"], quorum="majority")
    for vantage in (fra, sin):
        scene.think(vantage, "down")
    scene.server.wait_answers("www.example.com", scene.eu)
    offset = len(scene.server.read_log())
    scene.site.topology["checks"]["web"]["path"] = "/other"
    scene.site.write()
    assert scene.server.reload().status == 200
    for vantage in (fra, sin):
        scene.wait_own_checks()
        scene.expect_still(scene.eu, offset)
        vantage.hear("listed")
        vantage.think({scene.name("us-east"): "none", scene.name("eu-west"): "none"})
        scene.wait_own_checks()
        scene.expect_still(scene.eu, offset)
        vantage.think({scene.name("us-east"): "down", scene.name("eu-west"): "up"})
        scene.wait_own_checks()
        scene.expect_still(scene.eu, offset)


def break_store(scene):
    path = scene.site.folder / "var/store.db"
    good = path.read_bytes()
    path.unlink()
    path.write_bytes(b"no store " * 1000)
    return path, good


def test_who_they_are_is_learnt_when_the_store_can_be_read(scene):
    fra, = scene.start(["fra-1"], quorum="any")
    scene.server.stop()
    path, good = break_store(scene)
    scene.server.start()
    assert row(scene.server, "fra-1") is None
    assert "not enrolled" in fra.hello()["why"]
    assert scene.server.request("POST", "/v1/vantages", {"name": "nyc-1"}).status == 503, "it might take the number of another one"
    path.unlink()
    path.write_bytes(good)
    scene.server.wait(lambda: row(scene.server, "fra-1"), "it is known again")
    scene.return_of(fra)
    fra.think({scene.name("us-east"): "down"})
    scene.server.wait_answers("www.example.com", scene.eu)


def test_who_they_are_goes_over_without_the_store(scene):
    fra, = scene.start(["fra-1"], quorum="any")
    scene.think(fra, "down")
    scene.server.wait_answers("www.example.com", scene.eu)
    break_store(scene)
    offset = len(scene.server.read_log())
    take_over(scene.server)
    scene.wait_own_checks()
    scene.expect_still(scene.eu, offset)
    scene.return_of(fra)
    scene.think(fra, "down")
    scene.expect_still(scene.eu, offset)
