# SPDX-License-Identifier: BSD-3-Clause
"""Random tests repeat by seed. Seeds come from --seeds or a variable: how many (from 1 on), or a list as in 7,21 or
100-149."""
import os


def add_option(parser, variable):
    parser.addoption("--seeds", default=os.environ.get(variable, ""), help="how many, or a list: 7,21 or 100-149")


def parse(text, default):
    if not text:
        return default
    if text.isdigit():
        return list(range(1, int(text) + 1))
    seeds = []
    for part in text.split(","):
        low, _, high = part.partition("-")
        seeds += range(int(low), int(high or low) + 1)
    return seeds


def generate(metafunc, default):
    if "seed" in metafunc.fixturenames:
        metafunc.parametrize("seed", parse(metafunc.config.getoption("seeds"), default))
