# SPDX-License-Identifier: BSD-3-Clause
"""The wall clock is set by a day, forward or back, while the server runs: see clock.c."""
import datetime
import json
import mmap
import struct
import time
import uuid

import kit
import pytest

import takeovers as takeover
import tlskit

PRELOAD = kit.STEERD.parents[1] / "tests/functional/clock.so"
DAY_S = 86400
WAYS = pytest.mark.parametrize("step", [DAY_S, -DAY_S], ids=["forward", "back"])


class Clock:
    def __init__(self, site):
        control = site.folder / "clock"
        control.write_bytes(bytes(32))
        with open(control, "r+b") as stream:
            self.word = mmap.mmap(stream.fileno(), 32)
        boot = site.folder / "boot"
        boot.write_text(f"{uuid.uuid4()}\n")
        own = kit.make_environment()
        site.environment = {**own, "LD_PRELOAD": str(PRELOAD), "TEST_CLOCK": str(control), "TEST_BOOT": str(boot),
                            "ASAN_OPTIONS": own["ASAN_OPTIONS"] + ":verify_asan_link_order=0"}

    def set(self, server, by_s):
        """And the server has noticed."""
        offset = len(server.log_path.read_bytes())
        self.set_unseen(by_s)
        server.wait_log("clock stepped", "by_ms=-" if by_s < 0 else "by_ms=", offset=offset)

    def set_unseen(self, by_s, word=0):
        struct.pack_into("=q", self.word, word, struct.unpack_from("=q", self.word, word)[0] + by_s)

    def sleep(self, for_s):
        """The machine does, and no process of it lives through that."""
        self.set_unseen(for_s, 24)

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
    server.override("region", "us-east", "drain", expires_in="8s")
    assert set(server.sample("www.example.com", 20)) == set(scene.eu)
    server.wait_answers("www.example.com", scene.us)
    server.override("region", "us-east", "drain", starts_in="1s", expires_in="8s")
    server.wait_answers("www.example.com", scene.eu)
    server.wait_answers("www.example.com", scene.us)


def test_a_duration_that_runs_when_the_clock_is_set_back(scene):
    scene.server.override("region", "us-east", "drain", expires_in="5s")
    scene.clock.set(scene.server, -DAY_S)
    scene.server.wait_answers("www.example.com", scene.us)


@WAYS
def test_a_duration_keeps_its_length_over_a_restart(scene, step):
    """Also when the clock is set while nobody looks: what is written says by which clock."""
    server = scene.server
    until = read_time(server.override("region", "us-east", "drain", expires_in="1h")["override"]["expires"])
    server.override("region", "eu-west", "down", starts_in="1h", expires_in="1h")
    starts = read_time(server.get("/v1/regions/eu-west")["override"]["starts"])
    server.kill()
    scene.clock.set_unseen(step)
    server.start()
    for _ in range(2):
        assert set(server.sample("www.example.com", 20)) == set(scene.eu)
        assert abs(read_time(server.get("/v1/regions/us-east")["override"]["expires"]) - until - step) < 1
        assert abs(read_time(server.get("/v1/regions/eu-west")["override"]["starts"]) - starts - step) < 1
        server.stop()
        server.start()
    server.stop()
    scene.clock.set_unseen(-step)
    server.start()
    assert abs(read_time(server.get("/v1/regions/us-east")["override"]["expires"]) - until) < 1
    assert set(server.sample("www.example.com", 20)) == set(scene.eu)


@pytest.mark.parametrize("step", [0, DAY_S, -DAY_S], ids=["as ever", "forward", "back"])
def test_what_has_ended_meanwhile_has_ended_before_the_first_answer(scene, step):
    server = scene.server
    server.override("region", "us-east", "drain", expires_in="1h")
    assert set(server.sample("www.example.com", 20)) == set(scene.eu)
    server.kill()
    scene.clock.set_unseen(step)
    scene.clock.sleep(3601)
    server.start()
    assert set(server.sample("www.example.com", 20)) == set(scene.us)
    assert server.get("/v1/overrides")["items"] == []
    server.wait_log("overrides restored", "expired_meanwhile=1")


def test_a_time_that_has_come_meanwhile(scene):
    server = scene.server
    server.override("region", "us-east", "drain", expires=in_an_hour())
    server.kill()
    scene.clock.set_unseen(-DAY_S)
    server.start()
    assert set(server.sample("www.example.com", 20)) == set(scene.eu), "that time is yet to come"
    server.kill()
    scene.clock.set_unseen(DAY_S + 3700)
    server.start()
    assert set(server.sample("www.example.com", 20)) == set(scene.us)


def test_a_machine_that_sleeps(scene):
    """Time goes on in the world, and with it durations: nobody has set a clock."""
    server = scene.server
    server.override("region", "us-east", "drain", expires_in="1h")
    server.override("region", "eu-west", "down", starts_in="3h", expires_in="1h")
    scene.clock.sleep(1800)
    assert set(server.sample("www.example.com", 20)) == set(scene.eu)
    scene.clock.sleep(1801)
    server.wait_answers("www.example.com", scene.us)
    server.kill()
    scene.clock.sleep(2 * 3600)
    server.start()
    server.wait_state("region", "eu-west", effective="forced_down")
    server.stop()
    scene.clock.sleep(3600)
    server.start()
    assert server.get("/v1/overrides")["items"] == []
    assert "clock stepped" not in server.read_log()


@WAYS
def test_a_takeover_while_the_clock_is_set(scene, step):
    """Each of the two notices it by itself, and no duration moves twice."""
    server = scene.server
    takeover.adopt_orphans()
    for durable in True, False:
        if not durable:
            server.stop()
            scene.put("steerd.json", {key: value for key, value in json.loads(scene.config.read_text()).items() if key != "state"})
            server.start()
            server.wait_state("endpoint", "web-us-east-1a", observed="healthy")
        until = read_time(server.override("region", "us-east", "drain", expires_in="1h")["override"]["expires"])
        thread, replies, heir = takeover.begin(server)
        scene.clock.set_unseen(step)
        thread.join()
        assert replies[0].status == 200
        old = takeover.follow(server, heir.pid)
        server.wait(lambda: abs(read_time(server.get("/v1/regions/us-east")["override"]["expires"]) - until - step) < 1, "it has moved along")
        time.sleep(1.5)
        assert abs(read_time(server.get("/v1/regions/us-east")["override"]["expires"]) - until - step) < 1
        assert old.wait(kit.PATIENCE_S) == 0
        scene.clock.set(server, -step)


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


@pytest.fixture
def certified(site):
    """An endpoint with a good certificate, and a check of it."""
    pki = tlskit.Pki(site.folder / "pki")
    pki.sign("direct", "root")
    listener = tlskit.Listener(tlskit.talk(pki.context("direct"), tlskit.GOOD))
    site.topology = {"regions": {"r": {"azs": {"a": {}}}}, "brake": False,
                     "checks": {"web": {"type": "https", "port": listener.port, "host": tlskit.HOST, "interval": "1s", "fall": 1,
                                        "rise": 1, "tls": {"ca": pki.root_pem, "resume": False}}},
                     "endpoints": {"e": {"az": "a", "addresses": ["127.0.0.1"], "checks": ["web"]}}}
    site.zone("example.com", "")
    site.clock = Clock(site)
    site.server = site.start()
    wait_outcome(site.server, "ok")
    yield site
    listener.close()


def wait_outcome(server, outcome):
    server.wait(lambda: server.get("/v1/endpoints/e")["checks"][0]["outcome"] == outcome, outcome)


@pytest.mark.skipif(tlskit.OPENSSL is None, reason="openssl is not installed (contrib/packages test)")
@WAYS
def test_a_certificate_is_not_bad_because_the_clock_was_set(certified, step):
    """By ten years, and then back. But what goes on for an hour counts."""
    server = certified.server
    certified.clock.set(server, step * 3650)
    wait_outcome(server, "local_error")
    assert server.get("/v1/endpoints/e")["observed"] == "healthy"
    server.wait_log("cause=clock")
    certified.clock.set(server, step * -3650)
    wait_outcome(server, "ok")
    certified.clock.set(server, step * 3650)
    wait_outcome(server, "local_error")
    certified.clock.sleep(3700)
    wait_outcome(server, "certificate_expired" if step > 0 else "certificate_not_yet_valid")
    assert server.get("/v1/endpoints/e")["observed"] == "unhealthy"


@pytest.mark.skipif(tlskit.OPENSSL is None, reason="openssl is not installed (contrib/packages test)")
def test_a_certificate_that_ends_while_the_machine_sleeps_has_ended(certified):
    certified.clock.sleep(3650 * DAY_S)
    wait_outcome(certified.server, "certificate_expired")
