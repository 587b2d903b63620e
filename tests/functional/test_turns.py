# SPDX-License-Identifier: BSD-3-Clause
"""The control thread's turns stay short however large the configuration is: what takes long in a reload is done elsewhere. What
counts is its processor time, and whether one reload of several gets by; no clock is looked at."""
import datetime
import json
import re

import pytest

import kit
import nameserver
from test_soak import is_sanitized

ENDPOINTS, HOSTS, RELOADS = 30000, 4000, 5
BOUND = "0.01"  # seconds; preparing the checks of all endpoints takes longer
TURN = "0.001"  # as long as a turn is meant to be at the most


@pytest.fixture(name="crowd")
def fixture_crowd(site):
    site.topology = {
        "regions": {"us": {"azs": {"us-1": {}}}},
        "checks": {"web": {"type": "http", "port": 9, "path": "/health", "interval": "3600s", "timeout": "1s"}},
        "endpoints": {f"web-{i}": {"az": "us-1", "checks": ["web"], "addresses": [f"127.8.{i >> 8}.{i & 255}"]}
                      for i in range(1, ENDPOINTS + 1)}}
    site.zone("example.com", "").policy("example.com", {"www": {"endpoints": ["web-1"]}})
    return site.start()


def count_turns(server, bound=BOUND):
    """All turns of the control thread, and those that were long."""
    text = server.request("GET", "/metrics").body.decode()
    turns = {bound: int(count) for bound, count in re.findall(r'^steerd_control_turn_cpu_seconds_bucket{le="(.*)"} (\d+)$', text, re.M)}
    return turns["+Inf"], turns["+Inf"] - turns[bound]


def test_a_reload_takes_no_long_turn(crowd):
    before, long_before = count_turns(crowd)
    for _ in range(RELOADS):
        assert crowd.reload().status == 200
    after, long_after = count_turns(crowd)
    assert after >= before + RELOADS
    assert is_sanitized(crowd) or long_after - long_before < RELOADS


def test_hosts_take_no_long_turn(site):
    """Thousands of names are looked up, brought in and checked some at a time: at the start, by a reload, and when all change."""
    resolver = nameserver.Nameserver({f"h{i}.example.net": {"A": [f"127.9.{i >> 8}.{i & 255}"]} for i in range(HOSTS)}, ttl=3600)
    site.topology = {
        "regions": {"us": {"azs": {"us-1": {}}}},
        "checks": {"web": {"type": "http", "port": 9, "path": "/health", "interval": "3600s", "timeout": "1s"}},
        "endpoints": {f"web-{i}": {"az": "us-1", "checks": ["web"], "host": f"h{i}.example.net"} for i in range(HOSTS)}}
    site.server["resolver"] = {"servers": [resolver.at]}
    site.zone("example.com", "").policy("example.com", {"www": {"endpoints": ["web-1"]}})
    server = site.start()

    def are_all_checked():
        counts = dict(re.findall(r'^steerd_checks_total{outcome="(.*)"} (\d+)$', server.request("GET", "/metrics").body.decode(), re.M))
        return sum(map(int, counts.values())) >= HOSTS
    server.wait(are_all_checked, "everything was looked up and checked", 60)
    for _ in range(RELOADS):
        assert server.reload().status == 200
    turns, long = count_turns(server, TURN)
    resolver.close()
    assert turns > HOSTS / 64
    assert is_sanitized(server) or long < RELOADS


def test_thousands_that_end_together_take_no_long_turn(crowd):
    """They go in pieces, and so does what becomes of them in the store."""
    count, slow = 10000, is_sanitized(crowd)
    crowd.stop()
    ends = datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(seconds=30 if slow else 6)
    value = json.dumps({"state": "drain", "reason": "all at once", "actor": "alice", "set": "2026-01-01T00:00:00.000Z",
                        "expires": ends.strftime("%Y-%m-%dT%H:%M:%S.000Z")})
    kit.write_objects(crowd.site.folder, "override", {f"endpoint:web-{i}": value for i in range(1, count + 1)})
    crowd.start()
    assert crowd.get("/v1/status")["overrides"] == count
    _, long_before = count_turns(crowd)
    crowd.wait(lambda: crowd.get("/v1/status")["overrides"] == 0, "all have ended", 60)
    crowd.wait(lambda: crowd.get("/v1/status")["store"]["seq"] >= 2 * count, "all are forgotten", 60)
    _, long_after = count_turns(crowd)
    assert is_sanitized(crowd) or long_after == long_before
