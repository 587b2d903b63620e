# SPDX-License-Identifier: BSD-3-Clause
"""Seeds come from --seeds or PROPERTY_SEEDS (seeds.py). Five without either."""
import pathlib
import sys

import pytest

HERE = pathlib.Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent / "functional")]
sys.dont_write_bytecode = True

import kit  # noqa: E402
import seeds  # noqa: E402

DEFAULT_SEEDS = [2, 7, 24, 37, 59]


def pytest_addoption(parser):
    seeds.add_option(parser, "PROPERTY_SEEDS")


def pytest_generate_tests(metafunc):
    seeds.generate(metafunc, DEFAULT_SEEDS)


@pytest.fixture
def site():
    with kit.new_site() as made:
        yield made
