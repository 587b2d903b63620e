# SPDX-License-Identifier: BSD-3-Clause
"""What went down comes back when its checks say so and its rules allow it: hold_down, failback, and penalties for
flapping; through reloads, restarts and crashes."""
import time

import pytest

import kit
from takeovers import reaper, take_over  # noqa: F401  pylint: disable=unused-import
from test_last_health import wait_kept, wait_state


@pytest.fixture
def scene(site):
    """www in us-east, else eu-west; each a region of one endpoint."""
    at = kit.make_regions(site, azs=("us-east-1a", "eu-west-1a"))
    site.us, site.eu = ([at[az]] for az in ("us-east-1a", "eu-west-1a"))
    site.zone("example.com", "")
    site.policy("example.com", {"www": {"ttl": 5, "endpoints": ["web-*"], "tiers": [["us-east"], ["eu-west"]]}})
    site.server["start_wait"] = "0s"
    site.web(*site.us), site.web(*site.eu)
    return site


def start(site):
    server = site.start()
    wait_state(server, "healthy"), wait_state(server, "healthy", "web-eu-west-1a")
    return server


def lose(site, server):
    site.webs[0].kill()
    server.wait_answers("www.example.com", site.eu)


def get_well(site, server, path, because):
    """Its checks are fine again, and it stays down because of that. Returns what is said of it."""
    site.webs[0].start()
    return server.wait(lambda: (it := server.get(path))["stays_down"] and it["stays_down"]["because"] == because and it,
                       f"{path} stays down because of {because}")


def metrics(server):
    """Lines of text, by what stands before the value."""
    lines = server.request("GET", "/metrics").body.decode().splitlines()
    return {line.rsplit(" ", 1)[0]: float(line.rsplit(" ", 1)[1]) for line in lines if not line.startswith("#")}


def count_turns(server, state):
    """Of the endpoint, az and region that are lost in these tests, by kind; of endpoints: of both."""
    values = metrics(server)
    return [values[f'steerd_transitions_total{{kind="{kind}"{name},state="{state}"}}'] for kind, name in
            (("endpoint", ""), ("az", ',name="us-east-1a"'), ("region", ',name="us-east"'))]


def test_a_failback_that_is_read_late(scene):
    """The store cannot be read at the start, and what is kept of health is older than the order."""
    scene.topology["regions"]["us-east"]["failback"] = "manual"
    server = start(scene)
    lose(scene, server)
    get_well(scene, server, "/v1/regions/us-east", "manual")
    wait_kept(scene, server)
    kept = {path: path.read_bytes() for path in (scene.folder / "var").glob("health*") if path.is_file()}
    server.ctl("failback", "region:us-east", "--reason", "its data are in sync")
    server.kill()
    for path, octets in kept.items():
        path.write_bytes(octets)
    put_back = scene.hide_store()
    server.start()
    server.wait(lambda: server.get("/v1/regions/us-east")["stays_down"], "nothing else knows of the order")
    put_back()
    server.wait_answers("www.example.com", scene.us)


def test_metrics_of_what_turns_and_of_what_stays_down(scene, reaper):
    """Every loss is one transition of each, and one of a process that takes over, too: neither a reload nor that begins anew
    or counts what it was told."""
    scene.topology["regions"]["us-east"]["failback"] = "manual"
    server = start(scene)
    assert count_turns(server, "healthy") == [2, 1, 1] and count_turns(server, "unhealthy") == [0, 0, 0]
    lose(scene, server)
    assert count_turns(server, "unhealthy") == [1, 1, 1]
    get_well(scene, server, "/v1/regions/us-east", "manual")
    values = metrics(server)
    assert {key: value for key, value in values.items() if key.startswith("steerd_stays_down{") and value} == \
        {'steerd_stays_down{kind="region",because="manual"}': 1}
    assert sum(key.startswith("steerd_stays_down{") for key in values) == 3 * 5
    server.ctl("failback", "region:us-east", "--reason", "its data are in sync")
    server.wait(lambda: count_turns(server, "healthy") == [3, 2, 2], "all are back")
    scene.topology["endpoints"]["web-us-east-1a"]["weight"] = 7
    scene.write()
    server.ctl("reload")
    assert (count_turns(server, "healthy"), count_turns(server, "unhealthy")) == ([3, 2, 2], [1, 1, 1])
    take_over(server)
    assert (count_turns(server, "healthy"), count_turns(server, "unhealthy")) == ([3, 2, 2], [1, 1, 1])
    lose(scene, server)
    assert (count_turns(server, "healthy"), count_turns(server, "unhealthy")) == ([3, 2, 2], [2, 2, 2])
    server.ctl("down", "region:us-east", "--reason", "a test")
    assert metrics(server)['steerd_transitions_total{kind="az",name="us-east-1a",state="forced_down"}'] == 1


def test_a_region_comes_back_when_somebody_says_so(scene):
    scene.topology["regions"]["us-east"]["failback"] = "manual"
    server = start(scene)
    assert server.get("/v1/regions/us-east")["stays_down"] is None
    done = server.ctl("failback", "region:us-east", "--reason", "too early", code=None)
    assert done.returncode != 0 and "is not down" in done.stderr
    lose(scene, server)
    done = server.ctl("failback", "region:us-east", "--reason", "too early", code=None)
    assert done.returncode != 0 and "because of its checks" in done.stderr
    region = get_well(scene, server, "/v1/regions/us-east", "manual")
    assert region["effective"] == "unhealthy" and region["observed"] == "unhealthy" and region["members_unhealthy"] == 0
    assert region["stays_down"]["until"] is None and region["stays_down"]["needs_failback"]
    assert region["why"] == "0 of 1 az is lost, lost from 1 on; stays lost until it is let back (failback)"
    assert region["outlook"]["need"] == 0 and region["missing"] == []
    counts = server.get("/v1/status")
    assert (counts["regions"]["stays_down"], counts["azs"]["stays_down"], counts["endpoints"]["stays_down"]) == (1, 0, 0)
    assert server.get("/v1/azs/us-east-1a")["observed"] == "healthy"
    endpoint = server.get("/v1/endpoints/web-us-east-1a")
    assert endpoint["observed"] == "healthy" and endpoint["decided_by"] == "region_lost"
    assert server.addresses("www.example.com") == scene.eu
    assert "until somebody says steerctl failback" in server.ctl("show", "region:us-east").stdout
    assert "stays down until an operator lets it back" in server.ctl("explain", "www.example.com").stdout
    since = region["since"]
    wait_kept(scene, server)
    scene.topology["endpoints"]["web-us-east-1a"]["weight"] = 7
    scene.write()
    server.ctl("reload")
    for end in (lambda: None, server.kill, server.stop):
        end()
        if end is not None and server.process.poll() is not None:
            server.start()
        region = server.wait(lambda: (it := server.get("/v1/regions/us-east"))["stays_down"] and it, "it stays down")
        assert region["stays_down"]["because"] == "manual" and region["since"] == since
        assert server.addresses("www.example.com") == scene.eu
    server.ctl("failback", "region:us-east", "--reason", "its data are in sync")
    assert server.addresses("www.example.com") == scene.us
    assert server.get("/v1/regions/us-east")["stays_down"] is None
    history = server.ctl("history").stdout
    assert "its data are in sync" in history
    log = server.read_log()
    assert 'turn=stays_down because=manual' in log and "turn=let_back" in log


def test_what_was_let_back_is_so_after_a_crash(scene):
    """The store knows of it, even if the file of last health is from before."""
    scene.topology["regions"]["us-east"]["azs"]["us-east-1a"]["failback"] = "manual"
    server = start(scene)
    lose(scene, server)
    get_well(scene, server, "/v1/azs/us-east-1a", "manual")
    wait_kept(scene, server)
    before = (scene.folder / "var/last-health").read_bytes()
    server.ctl("failback", "az:us-east-1a", "--reason", "checked")
    server.kill()
    (scene.folder / "var/last-health").write_bytes(before)
    server.start()
    server.wait_answers("www.example.com", scene.us)
    scene.webs[0].kill()
    server.wait_answers("www.example.com", scene.eu)
    get_well(scene, server, "/v1/azs/us-east-1a", "manual")
    assert server.addresses("www.example.com") == scene.eu


@pytest.mark.parametrize("where, rule, because", [
    ("endpoint", {"hold_down": "3s"}, "hold_down"), ("check", {"hold_down": "3s"}, "hold_down"),
    ("endpoint", {"failback": "2s"}, "failback"), ("az", {"failback": "2s"}, "failback"),
    ("region", {"hold_down": "3s"}, "hold_down")])
def test_it_comes_back_by_itself_at_its_time(scene, where, rule, because):
    region = scene.topology["regions"]["us-east"]
    {"endpoint": scene.topology["endpoints"]["web-us-east-1a"], "check": scene.topology["checks"]["web"],
     "az": region["azs"]["us-east-1a"], "region": region}[where].update(rule)
    path = {"az": "/v1/azs/us-east-1a", "region": "/v1/regions/us-east"}.get(where, "/v1/endpoints/web-us-east-1a")
    server = start(scene)
    lose(scene, server)
    lost = time.monotonic()
    it = get_well(scene, server, path, because)
    well = time.monotonic()
    assert it["stays_down"]["until"] is not None and not it["stays_down"]["needs_failback"]
    assert server.addresses("www.example.com") == scene.eu
    server.wait_answers("www.example.com", scene.us)
    back = time.monotonic()
    if because == "hold_down":
        assert back - lost > 2  # it was seen a moment after it went
    else:
        assert back - well > 1
    assert server.get(path)["stays_down"] is None


def test_an_operator_need_not_wait(scene):
    scene.topology["endpoints"]["web-us-east-1a"]["hold_down"] = "1h"
    server = start(scene)
    lose(scene, server)
    get_well(scene, server, "/v1/endpoints/web-us-east-1a", "hold_down")
    answer = server.request("POST", "/v1/failback", {"kind": "endpoint", "name": "web-us-east-1a", "reason": "repaired"})
    assert answer.status == 200 and server.addresses("www.example.com") == scene.us
    for body, word in [({}, "kind"), ({"kind": "zone", "name": "x", "reason": "r"}, "zone"),
                       ({"kind": "az", "name": "x", "reason": "r"}, "x"), ({"kind": "az", "name": "x"}, "reason")]:
        answer = server.request("POST", "/v1/failback", body)
        assert answer.status in (404, 422) and word in answer.body.decode(), answer


def test_what_flaps_stays_down(scene):
    """Without penalties every cycle moves the answers twice. Nothing decays here, however slow the machine is."""
    scene.topology["checks"]["web"] |= {"fall": 1, "rise": 1, "flap": {"half_life": "24h", "max_suppress": "96h"}}
    server = start(scene)
    web, changes, last = scene.webs[0], 0, scene.us

    def follow(state):
        nonlocal changes, last
        web.behave("ok" if state else "close")
        end = time.monotonic() + 0.7
        while time.monotonic() < end:
            now = server.addresses("www.example.com")
            changes, last = changes + (now != last), now
            time.sleep(0.02)
    for _ in range(12):
        follow(False), follow(True)
    assert last == scene.eu and changes <= 5, changes
    it = server.wait(lambda: (it := server.get("/v1/endpoints/web-us-east-1a"))["stays_down"] and it, "it is well")
    assert it["stays_down"]["because"] == "flap"
    server.ctl("failback", "endpoint:web-us-east-1a", "--reason", "it has a new power supply")
    server.wait_answers("www.example.com", scene.us)


def test_a_takeover_brings_nothing_back(scene, reaper):
    scene.topology["regions"]["us-east"]["failback"] = "manual"
    server = start(scene)
    lose(scene, server)
    since = get_well(scene, server, "/v1/regions/us-east", "manual")["since"]
    wait_kept(scene, server)  # else it is known as of the takeover, where the new one was told at the end
    take_over(server)
    region = server.get("/v1/regions/us-east")
    assert region["stays_down"]["because"] == "manual" and region["since"] == since
    assert server.addresses("www.example.com") == scene.eu
    server.ctl("failback", "region:us-east", "--reason", "its data are in sync")
    assert server.addresses("www.example.com") == scene.us
    take_over(server)
    assert server.get("/v1/regions/us-east")["stays_down"] is None
    assert server.addresses("www.example.com") == scene.us
