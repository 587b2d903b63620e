# SPDX-License-Identifier: BSD-3-Clause
"""Seeds come from --seeds or PROPERTY_SEEDS: how many (from 1 on), or a list as in 7,21 or 100-149. Nine without
either."""
import os
import pathlib
import sys
import tempfile

import pytest

HERE = pathlib.Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent / "functional")]
sys.dont_write_bytecode = True

import kit  # noqa: E402

DEFAULT_SEEDS = [2, 4, 7, 14, 24, 28, 37, 53, 400]


def pytest_addoption(parser):
    parser.addoption("--seeds", default=os.environ.get("PROPERTY_SEEDS", ""),
                     help="how many, or a list: 7,21 or 100-149")


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


@pytest.fixture
def site():
    # not tmp_path: the path of a unix socket has 107 octets at most
    with tempfile.TemporaryDirectory(prefix="steerd.") as folder:
        made = kit.Site(pathlib.Path(folder))
        try:
            yield made
        finally:
            made.close()
