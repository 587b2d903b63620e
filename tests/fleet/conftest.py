# SPDX-License-Identifier: BSD-3-Clause
"""FLEET_SEED (default 1) draws the walk; FLEET_STEPS: so many steps of it (default 20), or "all": every combination.

For contrib/runtests: no step begins after TEST_UNTIL, a Unix time."""
import os
import pathlib
import sys

HERE = pathlib.Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent / "functional")]
sys.dont_write_bytecode = True

SEED = int(os.environ.get("FLEET_SEED") or 1)
STEPS = os.environ.get("FLEET_STEPS") or "20"
UNTIL = float(os.environ.get("TEST_UNTIL") or "inf")
