# SPDX-License-Identifier: BSD-3-Clause
"""Serials and the disk that they are kept on: slow, full, or cut off by kill -9. SERIAL_ROUNDS and SERIAL_SEED make the
last test longer, or another one."""
import os
import pathlib
import random
import sys
import threading

import pytest

import kit
from test_primary import copied, steered_site
from transfers import fetch, metric, serial_of

sys.path.append(str(pathlib.Path(__file__).resolve().parents[1] / "chaos"))
import disk  # noqa: E402  pylint: disable=wrong-import-position

FOR_EVER_MS = 10 ** 8
ROUNDS, SEED = int(os.environ.get("SERIAL_ROUNDS", "10")), int(os.environ.get("SERIAL_SEED", "1"))


def set_plain(site, number):
    site.zone("plain.test", f"a 60 IN A 192.0.2.{number}\n")
    if site.folder.joinpath("zones").exists():
        site.write()


@pytest.fixture
def broken(site, tmp_path):
    """A site with a rendered zone and one whose serial is kept, on a disk that obeys."""
    steered_site(site, transfer_steered="rendered")
    site.server["zone_options"]["plain.test"] = {"transfer_to": ["0.0.0.0/0"], "serial": "auto"}
    set_plain(site, 1)
    site.disk = disk.Disk(site.folder / "var", tmp_path / "control")
    site.environment = site.disk.environment()
    yield site
    site.disk.heal()


def rises(server, change, zone="example.com"):
    before = serial_of(server, zone)
    change()
    server.wait(lambda: serial_of(server, zone) > before, "the serial rises")
    return serial_of(server, zone)


def test_a_disk_that_hangs_holds_nothing_up(broken):
    server = broken.start()
    us, eu = ([broken.webs_at[f"{region}-1{az}"] for az in "ab"] for region in ("us-east", "eu-west"))
    server.wait_state("region", "eu-west", effective="healthy")
    broken.disk.set(disk.SYNC_MS, FOR_EVER_MS)
    syncs = broken.disk.get(disk.SYNCS)
    set_plain(broken, 2)  # its serial has to be kept first: this reload waits for the disk
    waiting = threading.Thread(target=lambda: kit.run_ctl("-s", str(broken.socket), "reload"))
    waiting.start()
    server.wait(lambda: broken.disk.get(disk.SYNCS) > syncs, "the disk hangs")
    for state, expected in ("down", eu), ("auto", us), ("drain", eu):
        rises(server, lambda state=state: server.override("region", "us-east", state))
        assert copied(server, "www") == sorted(expected)
        server.wait_answers("www.example.com", expected)
    for address in eu:
        broken.webs[0].behave("status", address, status=500)
    server.wait_state("region", "eu-west", effective="unhealthy")
    assert server.addresses("a.plain.test") == ["192.0.2.1"], "not before its serial is kept"
    server.stop()
    waiting.join()


def test_a_full_disk_makes_a_serial_wait(broken):
    server = broken.start()
    before = serial_of(server, "plain.test")
    broken.disk.set(disk.FULL, 1)
    set_plain(broken, 2)
    assert server.reload().status == 200
    assert server.addresses("a.plain.test") == ["192.0.2.2"] and serial_of(server, "plain.test") == before
    assert "serial={}".format(before) in server.wait_log("zone changed zone=plain.test.", "waits")
    assert "No space left" in server.wait_log("serials not kept")
    assert metric(server, "steerd_serials_waiting") == 1
    assert metric(server, "steerd_serials_kept_total", result="failed") > 0
    rises(server, lambda: server.override("region", "us-east", "down"))  # the block is not used up
    broken.disk.set(disk.FULL, 0)
    server.wait(lambda: serial_of(server, "plain.test") > before, "the serial goes on")
    assert fetch(server, "plain.test")[0][0][2].serial == serial_of(server, "plain.test")
    assert metric(server, "steerd_serials_waiting") == 0
    server.wait_log("serials kept", "failures=")


def test_after_a_crash_and_with_a_full_disk_no_number_is_used_twice(broken):
    us, eu = ([broken.webs_at[f"{region}-1{az}"] for az in "ab"] for region in ("us-east", "eu-west"))
    server = broken.start()
    last = rises(server, lambda: server.override("region", "us-east", "down"))
    server.kill()
    broken.disk.set(disk.FULL, 1)
    server = broken.start()
    first = serial_of(server)
    assert first > last, "above all that was kept"
    assert copied(server, "www") == sorted(eu)
    server.override("region", "us-east", "auto")
    server.wait(lambda: copied(server, "www") == sorted(us), "content does not wait")
    assert serial_of(server) == first
    server.wait_log("zone changed zone=example.com.", "waits")
    server.kill()
    server = broken.start()
    assert serial_of(server) == first
    broken.disk.set(disk.FULL, 0)
    server.wait(lambda: serial_of(server) > first, "the serial goes on")
    assert fetch(server)[0][0][2].serial == serial_of(server)


def test_a_clean_end_gives_the_block_back(broken):
    server = broken.start()
    last = rises(server, lambda: server.override("region", "us-east", "down"))
    server.stop()
    for file in (broken.folder / "var").glob("store.db*"):
        file.unlink()  # nobody knows of the override: that is a change
    server = broken.start()
    assert last < serial_of(server) < last + 300, "about the time, not the end of the block"
    last, plain = serial_of(server), serial_of(server, "plain.test")
    server.stop()
    server = broken.start()
    assert (serial_of(server), serial_of(server, "plain.test")) == (last, plain), "nothing changed"


def test_no_serial_ever_goes_back(broken):
    """Flips, reloads, a disk that fills up, ends and crashes at any moment."""
    chance = random.Random(SEED)
    print(f"SERIAL_SEED={SEED}")
    zones, last, number = ("example.com", "plain.test"), {}, 1

    def look():
        for zone in zones:
            serial = server.ask(zone, "SOA").answer[0][0].serial
            assert serial >= last.get(zone, 0), f"SERIAL_SEED={SEED}: {zone} went back from {last[zone]} to {serial}"
            last[zone] = serial

    server = broken.start()
    for _ in range(ROUNDS):
        for _ in range(chance.randrange(1, 8)):
            look()
            match chance.randrange(4):
                case 0:
                    server.override("region", chance.choice(["us-east", "eu-west"]), chance.choice(["down", "auto"]))
                case 1:
                    number = number % 200 + 1
                    set_plain(broken, number)
                    assert server.reload().status == 200
                case 2:
                    broken.disk.set(disk.FULL, chance.randrange(2))
                case 3:
                    server.override("endpoint", "web-us-east-1a", chance.choice(["down", "auto"]))
                    seen = last["example.com"]
                    if chance.randrange(2):
                        server.wait(lambda seen=seen: serial_of(server) != seen or metric(
                            server, "steerd_serials_waiting") or chance.randrange(50) == 0, "the flip is looked for")
        look()
        getattr(server, chance.choice(["kill", "kill", "stop"]))()
        server = broken.start()
        look()
