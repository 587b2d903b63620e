# SPDX-License-Identifier: BSD-3-Clause
"""Seeds come from --seeds or DIFF_SEEDS (seeds.py). Three without either."""
import pathlib
import sys

HERE = pathlib.Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent / "functional")]
sys.dont_write_bytecode = True

import seeds  # noqa: E402

DEFAULT_SEEDS = [1, 20, 300]


def pytest_addoption(parser):
    seeds.add_option(parser, "DIFF_SEEDS")


def pytest_generate_tests(metafunc):
    seeds.generate(metafunc, DEFAULT_SEEDS)
