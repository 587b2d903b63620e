# SPDX-License-Identifier: BSD-3-Clause
"""A restart and a crash change no answer by themselves: what was last known of health is kept in the state folder, and
holds until checks know better."""
import contextlib
import struct
import subprocess
import time

import pytest

import kit
import nameserver
import test_clock

HOST = "lb-1.example.net"


@pytest.fixture
def scene(site):
    """www in us-east, else eu-west; each a region of one endpoint."""
    site.at = kit.make_regions(site, azs=("us-east-1a", "eu-west-1a"))
    site.us, site.eu = ([site.at[az]] for az in ("us-east-1a", "eu-west-1a"))
    site.zone("example.com", "")
    site.policy("example.com", {"www": {"ttl": 5, "endpoints": ["web-*"], "tiers": [["us-east"], ["eu-west"]]}})
    site.server["start_wait"] = "0s"
    return site


@pytest.fixture
def resolver():
    server = nameserver.Nameserver({})
    yield server
    server.close()


def kept(site):
    return site.folder / "var/last-health"


def look(server, endpoint="web-us-east-1a"):
    return server.get(f"/v1/endpoints/{endpoint}")


def wait_state(server, state, endpoint="web-us-east-1a"):
    return server.wait(lambda: (found := look(server, endpoint))["effective"] == state and found, f"{endpoint} is {state}")


def wait_kept(site, server):
    """All that is known by now is in the file: two frames have come since."""
    def beats():
        return metric(server, "steerd_last_health_writes_total")
    first = beats()
    server.wait(lambda: beats() >= first + 2, "what is known is kept")


def metric(server, name):
    for line in server.request("GET", "/metrics").body.decode().splitlines():
        if line.startswith(name + " "):
            return float(line.split()[1])
    raise AssertionError(f"no {name}")


def slow_down(site):
    """Nobody is checked again for a long time."""
    site.topology["checks"]["web"] |= {"interval": "1h"}


def lose_us_east(site):
    """Returns the server, which knows that us-east is dead."""
    site.web(*site.us), site.web(*site.eu)
    server = site.start()
    wait_state(server, "healthy"), wait_state(server, "healthy", "web-eu-west-1a")
    site.webs[0].kill()
    server.wait_answers("www.example.com", site.eu)
    wait_kept(site, server)
    return server


def test_the_first_answer_after_a_crash_avoids_the_dead_region(scene):
    """Nobody waits for checks, and these fail late: `interval` aside the check is another one, but it asks the same."""
    server = lose_us_east(scene)
    before = look(server)
    server.kill()
    slow_down(scene)
    scene.write()
    server.start()
    assert server.addresses("www.example.com") == scene.eu
    after = look(server)
    assert after["effective"] == "unhealthy" and after["since"] == before["since"]
    assert "last health restored" in server.read_log()


def test_neither_a_crash_nor_a_restart_moves_what_is_healthy(scene):
    """Nobody is checked any more, and nobody waits for that: what is known is known."""
    scene.server["start_wait"] = "1m"
    scene.web(*scene.us), scene.web(*scene.eu)
    server = scene.start()
    for end in server.stop, server.kill:
        before = wait_state(server, "healthy")
        wait_kept(scene, server)
        end()
        slow_down(scene)
        scene.write()
        server.start()
        assert server.addresses("www.example.com") == scene.us
        after = look(server)
        assert after["effective"] == "healthy" and after["since"] == before["since"]


def count_requests(web):
    """Up to ten."""
    return len(web.requests(web.addresses[0]))


def test_what_was_healthy_falls_as_ever(scene):
    """It is dead by now: not one failure, but `fall` of them say so."""
    us, _ = scene.web(*scene.us), scene.web(*scene.eu)
    server = scene.start()
    wait_state(server, "healthy")
    wait_kept(scene, server)
    server.stop()
    us.kill()
    us = scene.web(*scene.us)
    us.behave("500")
    server.start()
    assert look(server)["effective"] == "healthy"
    server.wait_answers("www.example.com", scene.eu)
    assert count_requests(us) >= 3
    found = look(server)
    assert found["effective"] == "unhealthy" and not found["restored"]


def test_what_was_unhealthy_comes_back_as_ever(scene):
    """The first success takes nothing back."""
    scene.topology["checks"]["web"]["rise"] = 4
    server = lose_us_east(scene)
    server.kill()
    us = scene.web(*scene.us)
    server.start()
    assert server.addresses("www.example.com") == scene.eu
    server.wait_answers("www.example.com", scene.us)
    assert count_requests(us) >= 4


def test_only_who_was_never_heard_of_is_waited_for(scene):
    """A new endpoint, which fails: without the wait it would serve at first. The others are not checked any more."""
    scene.server["start_wait"] = "1m"
    scene.web(*scene.us), scene.web(*scene.eu)
    server = scene.start()
    wait_kept(scene, server)
    server.stop()
    slow_down(scene)
    for web in scene.webs:
        web.stop()
    scene.topology["checks"]["web"] |= {"timeout": "59m"}
    scene.topology["endpoints"]["web-new"] = {"az": "us-east-1a", "addresses": [kit.new_address()], "checks": ["web"]}
    scene.write()
    server.start()
    assert look(server, "web-new")["effective"] == "unhealthy" and look(server)["restored"]
    assert all(server.addresses("www.example.com") == scene.us for _ in range(20))
    assert "start waited" not in server.read_log()


def test_it_says_what_is_from_before(scene):
    server = lose_us_east(scene)
    assert server.get("/v1/status")["last_health"]["start"] == "none"
    server.kill()
    slow_down(scene)
    scene.webs[1].kill()
    scene.topology["checks"]["web"] |= {"timeout": "59m"}
    scene.write()
    server.start()
    found = look(server, "web-eu-west-1a")
    status = server.get("/v1/status")["last_health"]
    assert status["start"] == "restored" and status["checks"] == 2 and status["down_ms"] >= 0
    assert found["effective"] == "healthy" and found["last_outcome"]
    assert "restored" in server.ctl("status").stdout


def test_what_was_ordered_is_so_since_it_was(scene):
    """Overrides are kept elsewhere; what they brought is no older and no younger for that."""
    scene.web(*scene.us), scene.web(*scene.eu)
    server = scene.start()
    wait_state(server, "healthy")
    server.override("region", "us-east", "drain")
    before = wait_state(server, "drained")
    wait_kept(scene, server)
    server.kill()
    server.start()
    assert server.addresses("www.example.com") == scene.eu
    after = look(server)
    assert after["effective"] == "drained" and after["since"] == before["since"]


def test_addresses_of_hosts_are_served_while_the_resolver_is_dead(site, resolver):
    address = kit.new_address()
    resolver.records[HOST] = {"A": [address]}
    site.web(address)
    site.server |= {"resolver": {"servers": [resolver.at]}, "start_wait": "1m"}
    site.topology = {"regions": {"us": {"azs": {"us-1": {}}}},
                     "checks": {"web": {"type": "http", "port": kit.WEB_PORT, "interval": "200ms", "timeout": "200ms"}},
                     "endpoints": {"lb": {"az": "us-1", "host": HOST, "checks": ["web"]}}}
    site.zone("example.com", "").policy("example.com", {"www": {"endpoints": ["lb"], "host_answer": "addresses"}})
    server = site.start()
    wait_state(server, "healthy", "lb")
    wait_kept(site, server)
    server.kill()
    site.webs[0].kill()
    web = site.web(address)
    resolver.mood = "silent"
    server.start()
    assert server.addresses("www.example.com") == [address]
    found = server.get("/v1/endpoints/lb")
    assert found["effective"] == "healthy" and found["addresses"] == [address]
    server.wait(lambda: count_requests(web) > 1, "it is checked there")
    assert server.get("/v1/status")["last_health"]["hosts"] == 1
    resolver.mood = "ok"
    resolver.records[HOST] = {"A": [other := kit.new_address()]}
    server.wait_answers("www.example.com", [other])


def test_what_is_too_old_is_unknown(scene):
    scene.server["last_health"] = "100ms"
    server = lose_us_east(scene)
    server.kill()
    time.sleep(0.2)  # down for longer than that
    slow_down(scene)
    scene.webs[1].stop()
    scene.topology["checks"]["web"] |= {"timeout": "59m"}
    scene.write()
    server.start()
    assert "last health too old" in server.read_log()
    assert look(server, "web-eu-west-1a")["effective"] == "unknown"
    status = server.get("/v1/status")["last_health"]
    assert status["start"] == "too_old" and status["down_ms"] > 100 and status["checks"] == 0


@pytest.mark.parametrize("how", ["no folder", "not wanted"])
def test_without_it_nothing_is_kept_and_nothing_said(scene, how):
    if how == "no folder":
        del scene.server["state"]
    else:
        scene.server["last_health"] = "0s"
    scene.web(*scene.us)
    server = scene.start()
    wait_state(server, "healthy")
    server.stop()
    assert not kept(scene).exists() and "last health" not in server.read_log()
    slow_down(scene)
    scene.webs[0].stop()
    scene.topology["checks"]["web"] |= {"timeout": "59m"}
    scene.write()
    server.start()
    assert look(server)["effective"] == "unknown"
    status = server.get("/v1/status")["last_health"]
    assert status["start"] == "none" and status["written"] is None and status["error"] is None


def damage(path, how):
    octets = path.read_bytes()
    if how == "its end is torn":
        path.write_bytes(octets[:-5])
    elif how == "its beginning is torn":
        path.write_bytes(octets[:40])
    elif how == "of another version":
        path.write_bytes(octets.replace(b"health 1\n", b"health 9\n"))
    elif how == "bent":
        path.write_bytes(octets[:60] + bytes([octets[60] ^ 1]) + octets[61:])
    elif how == "empty":
        path.write_bytes(b"")
    elif how == "a folder":
        path.unlink()
        path.mkdir()


@pytest.mark.parametrize("how", ["its end is torn", "its beginning is torn", "of another version", "bent", "empty", "a folder"])
def test_a_broken_file_harms_nobody(scene, how):
    server = lose_us_east(scene)
    server.kill()
    damage(kept(scene), how)
    offset = len(server.read_log())
    server.start()
    usable = how == "its end is torn"
    assert ("last health torn" if usable else "last health not read") in server.read_log(offset)
    assert server.get("/v1/status")["last_health"]["start"] == ("restored" if usable else "unreadable")
    server.wait_answers("www.example.com", scene.eu)
    if how == "a folder":
        kept(scene).rmdir()
    server.wait(lambda: server.get("/v1/status")["last_health"]["error"] is None, "it is kept again")
    wait_kept(scene, server)
    server.kill()
    server.start()
    assert server.addresses("www.example.com") == scene.eu


def test_after_a_reload_it_is_kept_as_before(scene):
    """Other endpoints have other numbers."""
    server = lose_us_east(scene)
    first = metric(server, "steerd_last_health_files_total")
    scene.topology["endpoints"]["another"] = {"az": "us-east-1a", "addresses": ["192.0.2.1"]}
    scene.topology["endpoints"] = dict(sorted(scene.topology["endpoints"].items()))
    scene.write()
    assert server.reload().status == 200
    server.wait(lambda: metric(server, "steerd_last_health_files_total") > first, "the file is begun anew")
    server.kill()
    slow_down(scene)
    scene.write()
    server.start()
    assert server.addresses("www.example.com") == scene.eu


def test_a_folder_that_goes_and_comes_back(scene):
    """While the file cannot be written everything goes on, and that is said once."""
    server = lose_us_east(scene)
    aside = scene.folder / "aside"
    (scene.folder / "var").rename(aside)
    assert server.reload().status == 200
    server.wait(lambda: metric(server, "steerd_last_health_failures_total") >= 2, "it was tried again")
    assert server.read_log().count("last health not kept") == 1
    assert server.get("/v1/status")["last_health"]["error"]
    assert "NOT KEPT" in server.ctl("status").stdout
    assert server.addresses("www.example.com") == scene.eu
    us = scene.web(*scene.us)
    server.wait_answers("www.example.com", scene.us)
    aside.rename(scene.folder / "var")
    server.wait_log("last health kept")
    wait_kept(scene, server)
    server.kill()
    us.stop()
    server.start()
    assert server.addresses("www.example.com") == scene.us


@pytest.fixture
def small_disk(site):
    """The state folder is a disk of its own, of a megabyte."""
    folder = site.folder / "var"
    folder.mkdir()
    if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=1m", "none", str(folder)], capture_output=True).returncode != 0:
        pytest.skip("no disk can be mounted here")
    yield folder
    subprocess.run(["umount", "-l", str(folder)], check=True)


def test_a_full_disk(small_disk, scene):
    server = lose_us_east(scene)
    filler = small_disk / "filler"
    with contextlib.suppress(OSError), open(filler, "wb", buffering=0) as stream:
        while True:
            stream.write(bytes(4096))
    with contextlib.suppress(OSError), open(filler, "ab", buffering=0) as stream:
        while True:
            stream.write(b"x")
    us = scene.web(*scene.us)
    server.wait_answers("www.example.com", scene.us)
    assert server.reload().status == 200  # the file is begun anew
    server.wait(lambda: metric(server, "steerd_last_health_failures_total") >= 2, "there is no room")
    assert server.read_log().count("last health not kept") == 1
    filler.unlink()
    server.wait_log("last health kept")
    wait_kept(scene, server)
    server.kill()
    us.stop()
    server.start()
    assert server.addresses("www.example.com") == scene.us


@pytest.mark.parametrize("step", [86400, -86400], ids=["forward", "back"])
def test_a_clock_that_is_set_while_nobody_runs(scene, step):
    """The machine was on all the time, and knows better."""
    clock = test_clock.Clock(scene)
    server = lose_us_east(scene)
    before = look(server)["since"]
    server.kill()
    struct.pack_into("=q", clock.word, 0, step)
    slow_down(scene)
    scene.write()
    server.start()
    assert server.addresses("www.example.com") == scene.eu
    status = server.get("/v1/status")
    assert status["last_health"]["start"] == "restored" and status["last_health"]["down_ms"] < 3600000
    assert (look(server)["since"] == before) == (step > 0)
    assert ("is of the future" in server.read_log()) == (step < 0)
