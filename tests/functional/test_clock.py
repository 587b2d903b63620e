# SPDX-License-Identifier: BSD-3-Clause
"""The wall clock is set by a day, forward or back, while the server runs: see clock.c."""
import datetime
import mmap
import struct

import kit
import pytest

PRELOAD = kit.STEERD.parents[1] / "tests/functional/clock.so"
DAY_S = 86400
WAYS = pytest.mark.parametrize("step", [DAY_S, -DAY_S], ids=["forward", "back"])


class Clock:
    def __init__(self, site):
        control = site.folder / "clock"
        control.write_bytes(bytes(24))
        with open(control, "r+b") as stream:
            self.word = mmap.mmap(stream.fileno(), 24)
        own = kit.make_environment()
        site.environment = {**own, "LD_PRELOAD": str(PRELOAD), "TEST_CLOCK": str(control),
                            "ASAN_OPTIONS": own["ASAN_OPTIONS"] + ":verify_asan_link_order=0"}

    def set(self, server, by_s):
        """And the server has noticed."""
        offset = len(server.log_path.read_bytes())
        struct.pack_into("=q", self.word, 0, struct.unpack_from("=q", self.word, 0)[0] + by_s)
        server.wait_log("clock stepped", "by_ms=-" if by_s < 0 else "by_ms=", offset=offset)


    def slow_disk(self, by_ms):
        struct.pack_into("=q", self.word, 8, by_ms)

    def count_syncs(self):
        return struct.unpack_from("=q", self.word, 16)[0]


@pytest.fixture
def scene(site):
    """www in us-east, else eu-west; us-east has watermarks."""
    site.at = kit.make_regions(site, azs=("us-east-1a", "eu-west-1a"))
    for endpoint in site.topology["endpoints"].values():
        endpoint["load"] = {"low": 0.5, "high": 0.9}
    site.zone("example.com", "")
    site.policy("example.com", {"www": {"ttl": 5, "endpoints": ["web-*"], "tiers": [["us-east"], ["eu-west"]]}})
    site.us, site.eu = ([site.at[az]] for az in ("us-east-1a", "eu-west-1a"))
    site.east, site.west = site.web(*site.us), site.web(*site.eu)
    site.clock = Clock(site)
    site.server = site.start()
    for name in "web-us-east-1a", "web-eu-west-1a":
        site.server.wait_state("endpoint", name, observed="healthy")
    return site


def read_time(text):
    return datetime.datetime.fromisoformat(text.replace("Z", "+00:00")).timestamp()


@WAYS
def test_checks_go_on(scene, step):
    scene.clock.set(scene.server, step)
    assert set(scene.server.sample("www.example.com")) == set(scene.us)
    scene.east.kill()
    scene.server.wait_answers("www.example.com", scene.eu)
    scene.clock.set(scene.server, -step)
    scene.east.start()
    scene.server.wait_answers("www.example.com", scene.us)


@WAYS
def test_a_duration_keeps_its_length(scene, step):
    server = scene.server
    until = read_time(server.override("region", "us-east", "drain", expires_in="1h")["override"]["expires"])
    scene.clock.set(server, step)
    assert set(server.sample("www.example.com")) == set(scene.eu)
    moved = read_time(server.get("/v1/regions/us-east")["override"]["expires"]) - until
    assert abs(moved - step) < 1
    server.override("region", "us-east", "drain", expires_in="3s")
    assert set(server.sample("www.example.com")) == set(scene.eu)
    server.wait_answers("www.example.com", scene.us)
    server.override("region", "us-east", "drain", starts_in="3s", expires_in="2s")
    server.wait_answers("www.example.com", scene.eu)
    server.wait_answers("www.example.com", scene.us)


def test_a_duration_that_runs_when_the_clock_is_set_back(scene):
    scene.server.override("region", "us-east", "drain", expires_in="5s")
    scene.clock.set(scene.server, -DAY_S)
    scene.server.wait_answers("www.example.com", scene.us)


def in_an_hour():
    later = datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(hours=1)
    return later.strftime("%Y-%m-%dT%H:%M:%SZ")


def test_a_time_is_a_time(scene):
    server = scene.server
    server.override("region", "us-east", "drain", expires=in_an_hour())
    scene.clock.set(server, -DAY_S)
    assert set(server.sample("www.example.com")) == set(scene.eu), "that time is yet to come"
    scene.clock.set(server, 2 * DAY_S)
    server.wait_answers("www.example.com", scene.us)
    server.wait_log("override", "turn=expired", "name=us-east")


@WAYS
def test_a_load_counts_as_long_as_it_was_to(scene, step):
    server = scene.server

    def shed():
        return server.get("/v1/endpoints/web-us-east-1a")["load"]["shed"]
    path = "/v1/endpoints/web-us-east-1a/load"
    server.put(path, {"value": 0.7, "ttl": "1h"})
    server.wait(lambda: shed() == 0.5, "half is shed")
    scene.clock.set(server, step)
    assert shed() == 0.5, "it is as old as it was"
    server.put(path, {"value": 0.7, "ttl": "6s"})
    scene.clock.set(server, -DAY_S)
    assert shed() == 0.5
    server.wait(lambda: shed() == 0, "it is too old")
