# SPDX-License-Identifier: BSD-3-Clause
"""A fleet, and its network in pieces. One link at a time is cut or mended, so every state is reached from one that differs in
one thing, and a verdict has to change once or not at all. `FLEET_STEPS=all pytest-3 -s tests/fleet` goes through every
combination of what can be cut for one region, with the other one cut at random beside it; else it is a walk by FLEET_SEED."""
import random
import time

import pytest

import conftest
import internet
import kit
import world


@pytest.fixture
def fleet():
    try:
        net = internet.Internet(world.SERVER, *world.VANTAGES, *world.REGIONS)
    except PermissionError:
        pytest.skip("needs network namespaces, which only root may make")
    try:
        with kit.new_site() as site:
            made = world.World(site, net)
            try:
                made.start()
                yield made
            finally:
                made.print_table()
                made.close()
    finally:
        net.close()


def gray(count):
    """Numbers of bits to turn so that every combination is met once."""
    for number in range(1, 1 << count):
        yield (number & -number).bit_length() - 1


def walk(draw):
    """Links to turn."""
    if conftest.STEPS == "all":
        first = world.CONTROL + [link for link in world.DATA if link[1] == world.REGIONS[0]]
        other = [link for link in world.DATA if link[1] == world.REGIONS[1]]
        for step, bit in enumerate(gray(len(first))):
            yield first[bit]
            if step % 4 == 3:
                yield draw.choice(other)
        return
    for _ in range(int(conftest.STEPS)):
        if time.time() > conftest.UNTIL:
            return
        yield draw.choice(world.LINKS)


def test_partitions(fleet):
    """No flip without a quorum, and none lost with one."""
    for link in walk(random.Random(conftest.SEED)):
        fleet.turn(link)
    assert fleet.rows


def test_everything_is_cut(fleet):
    """Nobody is heard any more, and then the server sees nothing itself: what was known stands. All of it heals."""
    for vantage in world.VANTAGES:
        fleet.turn((world.SERVER, vantage))
    for region in world.REGIONS:
        fleet.turn((world.SERVER, region))
        assert fleet.thought[region] == "healthy"
    for vantage in world.VANTAGES[:1]:
        fleet.turn((world.SERVER, vantage))  # two opinions of each, one of which is down
    assert set(fleet.thought.values()) == {"healthy"}
    for region in world.REGIONS:
        fleet.turn((world.VANTAGES[0], region))  # both of two
    assert set(fleet.thought.values()) == {"unhealthy"}
    for vantage in world.VANTAGES[1:]:
        fleet.turn((world.SERVER, vantage))
    assert set(fleet.thought.values()) == {"healthy"}, "two of four is no majority"
