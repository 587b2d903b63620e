# SPDX-License-Identifier: BSD-3-Clause
"""HISTORY_ROUNDS rounds (default 2) from HISTORY_SEED on (default 1); a failure names the seed that repeats it. FAULTS: so many states of
test_faults.py (default 10), drawn by FAULTS_SEED (default 1), or a share of all, such as 2/5, or "all"; or
names of some that begin or end one after the other ("ns1 dark,us lost,ns1 dark").

For contrib/runtests: no state begins after TEST_UNTIL, a Unix time."""
import os
import pathlib
import sys

HERE = pathlib.Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent / "functional"), str(HERE.parent / "fleet")]
sys.dont_write_bytecode = True

ROUNDS, FIRST = int(os.environ.get("HISTORY_ROUNDS") or 2), int(os.environ.get("HISTORY_SEED") or 1)
FAULTS, FAULTS_SEED = os.environ.get("FAULTS") or "10", int(os.environ.get("FAULTS_SEED") or 1)
UNTIL = float(os.environ.get("TEST_UNTIL") or "inf")


def pytest_generate_tests(metafunc):
    if "cluster_seed" in metafunc.fixturenames:
        metafunc.parametrize("cluster_seed", range(FIRST, FIRST + ROUNDS))
