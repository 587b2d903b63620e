# SPDX-License-Identifier: BSD-3-Clause
"""Rounds by seed: see rounds.py. `CHAOS_ROUNDS=500 pytest-3 -s tests/chaos` for all of it, a few by default."""
import contextlib

import conftest
import kit
import losses
import rounds


def print_figures(seed, figures):
    for what, values in sorted(figures.items()):
        values.sort()
        print(f"  seed {seed}: {what}: {len(values)} times, median {1000 * values[len(values) // 2]:.0f} ms, "
              f"most {1000 * values[-1]:.0f} ms")


@contextlib.contextmanager
def make_network():
    """None where only root may make one: then it is not lost."""
    try:
        network = losses.Network(rounds.FAR)
    except PermissionError:
        yield None
        return
    try:
        yield network
    finally:
        network.close()


def test_nothing_moves_for_a_reason_of_ours(seed):
    with make_network() as network, kit.new_site() as site:
        world = rounds.Site(site, seed, network)
        try:
            world.start()
            world.settle()
            for _ in range(conftest.PER_SERVER):
                world.round()
        finally:
            try:
                world.close()
            finally:
                print_figures(seed, world.figures)
