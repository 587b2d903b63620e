# SPDX-License-Identifier: BSD-3-Clause
"""A server with two vantages: what each of them, the server or an endpoint does when it is killed, stopped or thrown out."""
import collections
import signal

import pytest

import kit
import vantagekit

Scene = collections.namedtuple("Scene", "site server probes webs place at")
NAMES = "fra-1", "sin-1"


@pytest.fixture
def scene(site, request):
    """Everything is up and connected; each endpoint is a process of its own. A test may want another pace."""
    at = kit.make_regions(site)
    site.zone("example.com", "www 60 IN A 192.0.2.99\n")
    site.policy("example.com", {
        "www": {"ttl": 5, "endpoints": ["web-*"], "tiers": [["us-east"], ["eu-west"]], "fallback": "static"}})
    address = kit.new_address()
    place = f"{address}:{kit.find_port(address)}"
    site.server["vantages"] = {"listen": [place], "heartbeat": "200ms", "expires": "1s", **getattr(request, "param", {})}
    webs = {az: site.web(at[az]) for az in at}
    server = site.start()
    made = Scene(site, server, {name: vantagekit.Probe(site.folder / name) for name in NAMES}, webs, place, at)
    try:
        for name, probe in made.probes.items():
            probe.enrol(server.ctl_json("vantage", "enrol", name)["token"], place)
            probe.start()
        wait_opinions(made, up=4, down=0)
        yield made
    finally:
        for probe in made.probes.values():
            probe.close()


def look(scene, name):
    return next(item for item in scene.server.get("/v1/vantages")["items"] if item["name"] == name)


def wait_opinions(scene, names=NAMES, **expected):
    """Until those vantages count, and say so."""
    def holds():
        return all(look(scene, name)["opinions"]["count"] and
                   all(look(scene, name)["opinions"][key] == value for key, value in expected.items()) for name in names)
    scene.server.wait(holds, f"{names} say {expected}")


def wait_counts(scene, name, counts):
    scene.server.wait(lambda: look(scene, name)["opinions"]["count"] == counts, f"{name} counts: {counts}")


def count_flips(scene, az):
    return sum(f"kind=endpoint name=web-{az} " in line and "was=unknown" not in line
               for line in scene.server.read_log().splitlines())


def test_an_endpoint_is_killed(scene):
    scene.webs["us-east-1a"].kill()
    scene.server.wait_state("endpoint", "web-us-east-1a", observed="unhealthy")
    wait_opinions(scene, up=3, down=1)
    scene.server.wait_answers("www.example.com", [scene.at["us-east-1b"]])
    assert count_flips(scene, "us-east-1a") == 1
    for probe in scene.probes.values():
        probe.wait_log("verdict", "verdict=down", "web-us-east-1a")
    scene.webs["us-east-1a"].start()
    scene.server.wait_state("endpoint", "web-us-east-1a", observed="healthy")
    wait_opinions(scene, up=4, down=0)
    assert count_flips(scene, "us-east-1a") == 2


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGSTOP], ids=["killed", "stopped"])
def test_a_vantage_falls_silent(scene, number):
    """It leaves the judgement, and nothing else happens; who is left still sees an endpoint die."""
    probe = scene.probes["fra-1"]
    probe.send(number)
    wait_counts(scene, "fra-1", False)
    assert all(count_flips(scene, az) == 0 for az in scene.at)
    scene.webs["us-east-1a"].kill()
    scene.server.wait_state("endpoint", "web-us-east-1a", observed="unhealthy")
    assert look(scene, "fra-1")["opinions"]["count"] is False
    if number == signal.SIGSTOP:
        probe.send(signal.SIGCONT)
    else:
        probe.process.wait()
        probe.start()
    wait_opinions(scene, up=3, down=1)
    assert count_flips(scene, "us-east-1a") == 1


def test_the_server_is_killed(scene):
    """Meanwhile an endpoint dies. The vantages have seen it, and the next server hears of it from them."""
    scene.server.kill()
    for probe in scene.probes.values():
        probe.wait_log("server lost")
    scene.webs["us-east-1a"].kill()
    for probe in scene.probes.values():
        probe.wait_log("verdict", "verdict=down", "web-us-east-1a")
        assert [probe.status()["servers"][0]["list"][key] for key in ("up", "down")] == [3, 1]
    scene.server.start()
    wait_opinions(scene, up=3, down=1)
    scene.server.wait_state("endpoint", "web-us-east-1a", observed="unhealthy")
    assert all(count_flips(scene, az) == 0 for az in scene.at if az != "us-east-1a")
    for probe in scene.probes.values():
        assert probe.status()["servers"][0]["connections"] == 2


def test_a_vantage_is_revoked(scene):
    scene.server.ctl("vantage", "revoke", "fra-1", "--yes")
    line = scene.probes["fra-1"].wait_log("server lost", "why=")
    scene.probes["fra-1"].wait_log("server not reached")
    assert "fra-1" not in [item["name"] for item in scene.server.get("/v1/vantages")["items"]], line
    wait_opinions(scene, ["sin-1"], up=4, down=0)
    assert all(count_flips(scene, az) == 0 for az in scene.at)
    probe = scene.probes["fra-1"]  # and it may come back, as somebody else
    probe.enrol(scene.server.ctl_json("vantage", "enrol", "fra-2")["token"], scene.place)
    wait_opinions(scene, ["fra-2", "sin-1"], up=4, down=0)


def test_a_reload_is_followed_and_keeps_what_stays(scene):
    """Another check interval for one region: its verdicts begin anew, those of the other one go on."""
    topology = scene.site.topology
    topology["checks"]["other"] = {**topology["checks"]["web"], "path": "/other", "fall": 2}
    topology["endpoints"]["web-eu-west-1b"]["checks"] = ["other"]
    scene.site.write()
    assert scene.server.reload().status == 200
    wait_opinions(scene, up=4, down=0)
    for name, probe in scene.probes.items():
        kit.wait_for(lambda: look(scene, name)["list"]["current"], "it has the list")
        assert probe.status()["servers"][0]["list"]["checks"] == 2
        kept = [line for line in probe.read_log().splitlines() if "verdict=up" in line and "web-us-east-1a" in line]
        assert len(kept) == 1, "it never was unknown again"
    assert all(count_flips(scene, az) == 0 for az in scene.at)


@pytest.mark.parametrize("scene", [{"heartbeat": "100s", "expires": "300s"}], indirect=True)
def test_a_change_waits_for_no_heartbeat(scene):
    """The next one is later than anything here is waited for. What is new is checked, what is gone is not, by reload and by
    SIGHUP."""
    topology, address = scene.site.topology, kit.new_address()
    scene.site.web(address)
    topology["endpoints"]["web-new"] = {**topology["endpoints"]["web-eu-west-1b"], "addresses": [address]}
    scene.site.write()
    assert scene.server.reload().status == 200
    wait_opinions(scene, up=5, down=0)
    topology["endpoints"]["web-new"]["addresses"] = [kit.new_address()]
    scene.site.write()
    scene.server.process.send_signal(signal.SIGHUP)
    wait_opinions(scene, up=4, down=1)
    del topology["endpoints"]["web-new"]
    scene.site.write()
    assert scene.server.reload().status == 200
    wait_opinions(scene, up=4, down=0)
    for name, probe in scene.probes.items():
        assert look(scene, name)["list"]["current"]
        assert probe.status()["servers"][0]["connections"] == 1
        assert probe.status()["checks"]["targets"] == 4
