# SPDX-License-Identifier: BSD-3-Clause
"""Fixtures. `site` is an empty configuration folder; whatever was started in it is ended after the test, and a steerd
that does not end with 0, or whose log has a sanitizer's report, fails the test. `pair` is a site of two regions.

For contrib/runtests: TEST_ORDER, a seed, brings the files into an order of its own, and what would begin after TEST_UNTIL,
a Unix time, is left out."""
import collections
import os
import random
import sys
import time

import pytest

sys.path.insert(0, os.path.dirname(__file__))
sys.dont_write_bytecode = True

import kit  # noqa: E402


@pytest.fixture
def site():
    with kit.new_site() as made:
        yield made


Pair = collections.namedtuple("Pair", "site server at east west us eu")


@pytest.fixture
def pair(site):
    """Two regions of two azs with live web servers; www prefers us-east. `us` and `eu` are their sets of addresses,
    `east` and `west` the processes. All is healthy when the test begins."""
    at = kit.make_regions(site)
    us = [at["us-east-1a"], at["us-east-1b"]]
    eu = [at["eu-west-1a"], at["eu-west-1b"]]
    site.zone("example.com", "www 60 IN A 192.0.2.99\n")
    site.policy("example.com", {
        "www": {"ttl": 5, "endpoints": ["web-*"], "tiers": [["us-east"], ["eu-west"]], "fallback": "static"}})
    east, west = site.web(*us), site.web(*eu)
    server = site.start()
    for az in at:
        server.wait_state("endpoint", f"web-{az}", observed="healthy")
    return Pair(site, server, at, east, west, us, eu)


def pytest_collection_modifyitems(items):
    """Files as a whole: what they share is made once. Every worker gets the same order."""
    seed = os.environ.get("TEST_ORDER")
    if seed:
        files = sorted({str(item.path) for item in items})
        random.Random(int(seed)).shuffle(files)
        items.sort(key=lambda item: files.index(str(item.path)))


def pytest_runtest_setup():
    if time.time() > float(os.environ.get("TEST_UNTIL") or "inf"):
        pytest.skip("the budget is used up")


def pytest_report_header():
    return f"steerd: {kit.STEERD}"
