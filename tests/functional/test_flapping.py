# SPDX-License-Identifier: BSD-3-Clause
"""Several endpoints of one name flap, each in a rhythm of its own, and take their azs along: answers change no oftener
than steerd-topology(5) says, COMING BACK. FLAPPING_SECONDS=120 lets them for two minutes, and prints what came of it (-s). The
same in virtual time, for hours: tests/unit/test_health_flapping.c."""
import os
import re
import threading
import time

import pytest

import kit

HALF_LIFE_S, FLAPPING_S = 10, int(os.environ.get("FLAPPING_SECONDS", "8"))
FLAP = {"half_life": f"{HALF_LIFE_S}s", "max_suppress": "1m"}
RHYTHMS_S = (0.11, 0.17, 0.23, 0.31)


def bound_falls(seconds):
    """As documented, for the default penalties."""
    return 2 * (1 + 0.7 * seconds / HALF_LIFE_S) + 1


@pytest.fixture
def scene(site):
    """Four endpoints that flap in two azs with penalties of their own, and one elsewhere that does not."""
    site.at = [kit.new_address() for _ in range(5)]
    check = {"type": "http", "port": kit.WEB_PORT, "path": "/healthz", "interval": "50ms", "timeout": "50ms", "fall": 1, "rise": 1,
             "flap": FLAP}
    site.topology = {
        "regions": {"us": {"azs": {"us-a": {"lost_at": 0.5, "flap": FLAP}, "us-b": {"flap": FLAP}}}, "eu": {"azs": {"eu-a": {}}}},
        "checks": {"web": check}, "brake": False,
        "endpoints": {f"web-{i}": {"az": ("us-a", "us-a", "us-b", "us-b", "eu-a")[i], "addresses": address, "checks": ["web"]}
                      for i, address in enumerate(site.at)}}
    site.zone("example.com", "")
    site.policy("example.com", {"www": {"ttl": 1, "endpoints": ["web-*"], "pick": "all", "answers": 5}})
    site.web(*site.at)
    return site


def flap(web, address, period_s, stopped):
    while not stopped.is_set():
        web.behave("close", address)
        stopped.wait(period_s)
        web.behave("ok", address)
        stopped.wait(period_s)


def count_changes(server, seconds):
    changes, last, end = 0, server.addresses("www.example.com"), time.monotonic() + seconds
    while time.monotonic() < end:
        now = server.addresses("www.example.com")
        changes, last = changes + (now != last), now
    return changes


def read_turns(server):
    """How often azs became unhealthy, and all endpoints together."""
    text = server.request("GET", "/metrics").body.decode()
    found = {name or "endpoints": int(count) for name, count in re.findall(
        r'^steerd_transitions_total\{kind="(?:az|endpoint)"(?:,name="([^"]*)")?,state="unhealthy"\} (\d+)$', text, re.M)}
    assert found.keys() == {"endpoints", "us-a", "us-b", "eu-a"}
    return found


def test_a_name_changes_no_oftener_than_all_that_it_is_answered_with(scene):
    server = scene.start()
    server.wait_answers("www.example.com", sorted(scene.at))
    stopped, began, lock = threading.Event(), time.monotonic(), threading.Lock()

    class OneAtATime:
        """The endpoint's process takes commands from one at a time."""
        @staticmethod
        def behave(mode, address):
            with lock:
                scene.webs[0].behave(mode, address)
    threads = [threading.Thread(target=flap, args=(OneAtATime, address, period_s, stopped))
               for address, period_s in zip(scene.at, RHYTHMS_S)]
    for thread in threads:
        thread.start()
    try:
        changes = count_changes(server, FLAPPING_S)
        kept = server.wait(lambda: [it["name"] for it in server.get("/v1/endpoints")["items"]
                                    if (it["stays_down"] or {}).get("because") == "flap"], "something is kept down")
    finally:
        stopped.set()
        for thread in threads:
            thread.join()
    took = time.monotonic() - began
    bound = 2 * (4 + 2) * bound_falls(took)  # of each of four endpoints and two azs: down and up
    turns = read_turns(server)
    print(f"\n{took:.1f} s: {changes} changes of the answer, at most {bound:.0f}; became unhealthy, at most "
          f"{bound_falls(took):.1f} each: {turns}; kept down at the end: {kept}")
    assert 0 < changes <= bound, f"{changes}, of four endpoints and two azs, with {kept} kept down"
    assert all(count <= bound_falls(took) for name, count in turns.items() if name != "endpoints"), turns
    assert turns["endpoints"] <= 2 * 4 * bound_falls(took), turns  # by itself, and with its az
    assert scene.at[4] in server.addresses("www.example.com")
