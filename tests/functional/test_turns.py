# SPDX-License-Identifier: BSD-3-Clause
"""The control thread's turns stay short however large the configuration is: what takes long in a reload is done elsewhere. What
counts is its processor time, and whether one reload of several gets by; no clock is looked at."""
import re

import pytest

import kit
from test_soak import is_sanitized

ENDPOINTS, RELOADS = 30000, 5
BOUND = "0.01"  # seconds; preparing the checks of all endpoints takes longer


@pytest.fixture(name="crowd")
def fixture_crowd(site):
    site.topology = {
        "regions": {"us": {"azs": {"us-1": {}}}},
        "checks": {"web": {"type": "http", "port": 9, "path": "/health", "interval": "3600s", "timeout": "1s"}},
        "endpoints": {f"web-{i}": {"az": "us-1", "checks": ["web"], "addresses": [f"127.8.{i >> 8}.{i & 255}"]}
                      for i in range(1, ENDPOINTS + 1)}}
    site.zone("example.com", "").policy("example.com", {"www": {"endpoints": ["web-1"]}})
    return site.start()


def count_turns(server):
    """All turns of the control thread, and those that were long."""
    text = server.request("GET", "/metrics").body.decode()
    turns = {bound: int(count) for bound, count in re.findall(r'^steerd_control_turn_cpu_seconds_bucket{le="(.*)"} (\d+)$', text, re.M)}
    return turns["+Inf"], turns["+Inf"] - turns[BOUND]


def test_a_reload_takes_no_long_turn(crowd):
    before, long_before = count_turns(crowd)
    for _ in range(RELOADS):
        assert crowd.reload().status == 200
    after, long_after = count_turns(crowd)
    assert after >= before + RELOADS
    assert is_sanitized(crowd) or long_after - long_before < RELOADS
