# SPDX-License-Identifier: BSD-3-Clause
"""Seeds come from --seeds or PROPERTY_SEEDS (seeds.py). Ten without either."""
import pathlib
import sys

import pytest

HERE = pathlib.Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent / "functional")]
sys.dont_write_bytecode = True

import kit  # noqa: E402
import seeds  # noqa: E402

DEFAULT_SEEDS = [2, 4, 7, 14, 24, 28, 37, 53, 59, 400]


def pytest_addoption(parser):
    seeds.add_option(parser, "PROPERTY_SEEDS")


def pytest_generate_tests(metafunc):
    seeds.generate(metafunc, DEFAULT_SEEDS)


@pytest.fixture
def site():
    with kit.new_site() as made:
        yield made
