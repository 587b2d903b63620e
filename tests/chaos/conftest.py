# SPDX-License-Identifier: BSD-3-Clause
"""CHAOS_ROUNDS rounds (default 8) from CHAOS_SEED on (default 1), KILL_ROUNDS (default 25) from KILL_SEED on; a failure
names the seed that repeats it."""
import os
import pathlib
import sys

HERE = pathlib.Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent / "property"), str(HERE.parent / "functional")]
sys.dont_write_bytecode = True

ROUNDS, FIRST = int(os.environ.get("CHAOS_ROUNDS") or 8), int(os.environ.get("CHAOS_SEED") or 1)
PER_SERVER = 4  # rounds that one test runs on one site, with ends and starts in between
KILLS, FIRST_KILL = int(os.environ.get("KILL_ROUNDS") or 25), int(os.environ.get("KILL_SEED") or FIRST)
KILLS_PER_SITE = 25


def pytest_generate_tests(metafunc):
    if "seed" in metafunc.fixturenames:
        metafunc.parametrize("seed", range(FIRST, FIRST + max(1, ROUNDS // PER_SERVER)))
    if "kill_seed" in metafunc.fixturenames:
        sites = -(-KILLS // KILLS_PER_SITE)
        metafunc.parametrize("kill_seed", range(FIRST_KILL, FIRST_KILL + sites))
