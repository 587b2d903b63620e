# SPDX-License-Identifier: BSD-3-Clause
"""Seeds come from --seeds or DIFF_SEEDS: how many (from 1 on), or a list as in 7,21 or 100-149.
Three without either."""
import os
import pathlib
import sys

HERE = pathlib.Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent / "functional")]
sys.dont_write_bytecode = True

DEFAULT_SEEDS = [1, 20, 300]


def pytest_addoption(parser):
    parser.addoption("--seeds", default=os.environ.get("DIFF_SEEDS", ""), help="how many, or a list: 7,21 or 100-149")


def parse_seeds(text):
    if not text:
        return DEFAULT_SEEDS
    if text.isdigit():
        return list(range(1, int(text) + 1))
    seeds = []
    for part in text.split(","):
        low, _, high = part.partition("-")
        seeds += range(int(low), int(high or low) + 1)
    return seeds


def pytest_generate_tests(metafunc):
    if "seed" in metafunc.fixturenames:
        metafunc.parametrize("seed", parse_seeds(metafunc.config.getoption("seeds")))
