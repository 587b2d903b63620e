# SPDX-License-Identifier: BSD-3-Clause
"""Steps of switchovers last as long as they are to, whenever the wall clock is set: before they begin, and on the way to the disk."""
import threading

import pytest

from test_clock import Clock, read_time
from test_switchover import act, ask, begin, wait_for
from test_switchover_redirect import start, three  # noqa: F401  pylint: disable=unused-import
from test_switchover_steps import shown

HOUR_S = 3600


@pytest.fixture
def scene(three):  # noqa: F811
    three.clock = Clock(three)
    return three


def see_steps_taken(server):
    """Of another one: whatever else was due by then has been looked at."""
    other = ask(server, body={"source": ["region:ap-south"], "reason": "power work", "steps": [50], "each": "2s", "execute": True})
    wait_for(server, other, "moved")


@pytest.mark.parametrize("step", [HOUR_S, -HOUR_S], ids=["forward", "back"])
def test_a_clock_that_was_set_before_it_began(scene, step):
    """With no step to come nobody has looked at the clock on its behalf."""
    server = start(scene)
    scene.clock.set(server, step)
    made = begin(server, to="eu-west", steps=[5, 50], each="30m", execute=True)
    see_steps_taken(server)
    seen = shown(server, made)
    assert (seen["share"], seen["next_step"]) == (5, made["next_step"])


@pytest.mark.parametrize("step", [HOUR_S, -HOUR_S], ids=["forward", "back"])
def test_a_clock_that_is_set_while_it_is_written_down(scene, step):
    """What is to be in force soon goes with the clock as does what is."""
    server = start(scene)
    made = begin(server, to="eu-west", steps=[5, 50], each="30m")
    scene.clock.slow_disk(3000)
    replies = []
    thread = threading.Thread(target=lambda: replies.append(act(server, made, "execute")))
    thread.start()
    path = f"/v1/switchovers/{made['id']}:resume"
    server.wait(lambda: server.get("/v1/regions/us-east")["override"], "it is in force, and on its way to the disk")
    scene.clock.set_unseen(step)
    server.request("POST", path, {"actor": "ann"})  # before whom it looks at the clock
    thread.join()
    scene.clock.slow_disk(0)
    server.wait_log("clock stepped")
    see_steps_taken(server)
    seen = shown(server, made)
    assert seen["share"] == 5
    act(server, made, "rollback")
    again = begin(server, to="eu-west", steps=[5, 50], each="30m", execute=True)
    assert abs(read_time(again["next_step"]) - read_time(seen["next_step"])) < HOUR_S / 2, "by the clock as it is now"


@pytest.mark.parametrize("step", [HOUR_S, -HOUR_S], ids=["forward", "back"])
@pytest.mark.parametrize("is_seen", [True, False], ids=["while it runs", "while it is down"])
def test_a_clock_that_is_set_before_it_starts_anew(scene, step, is_seen):
    """What is in the store says by which clock it is, whoever has seen it being set."""
    server = start(scene)
    made = begin(server, to="eu-west", steps=[5, 50], each="30m", execute=True)
    if is_seen:
        scene.clock.set(server, step)
    server.kill()
    if not is_seen:
        scene.clock.set_unseen(step)
    server.start()
    see_steps_taken(server)
    seen = shown(server, made)
    assert seen["share"] == 5 and abs(read_time(seen["next_step"]) - read_time(made["next_step"]) - step) < 1, seen
