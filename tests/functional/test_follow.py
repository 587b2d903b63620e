# SPDX-License-Identifier: BSD-3-Clause
"""Who follows the journal hears of each entry once, as it is committed: over restarts and takeovers, too."""
import json
import subprocess
import threading

import pytest

import kit
from takeovers import reaper, take_over  # noqa: F401  pylint: disable=unused-import
from test_history import journal, order, remove, scene  # noqa: F401  pylint: disable=unused-import

AZ = "az:eu-west-1a"


class Asked(threading.Thread):
    """One request that waits, beside the test."""

    def __init__(self, server, query):
        super().__init__()
        self.server, self.query, self.reply = server, query, None
        self.start()

    def run(self):
        try:
            self.reply = self.server.request("GET", f"/v1/journal?order=oldest&{self.query}")
        except OSError:
            pass  # the server has ended

    def end(self):
        self.join(kit.PATIENCE_S)
        assert not self.is_alive(), "it waits"
        return self.reply

    def page(self):
        reply = self.end()
        assert reply.status == 200, reply
        return [item["seq"] for item in reply.json["items"]], reply.json["next_cursor"]


def test_a_page_comes_when_there_is_something(scene):
    for cursor in (0, 1):
        asked = Asked(scene.steerd, f"wait=5m&cursor={cursor}")
        order(scene, "region", "us-east", "drain" if cursor == 0 else "down")
        assert asked.page() == ([cursor + 1], str(cursor + 1))
    assert Asked(scene.steerd, "wait=5m&cursor=1").page() == ([2], "2"), "what is there is told at once"
    assert Asked(scene.steerd, "wait=5m&limit=1").page() == ([1], "1")


def test_nothing_comes(scene):
    assert Asked(scene.steerd, "wait=20ms").page() == ([], "0")
    order(scene, "region", "us-east", "drain")
    assert Asked(scene.steerd, "wait=20ms&cursor=1").page() == ([], "1")
    assert Asked(scene.steerd, "wait=20ms&kind=drill").page() == ([], "1"), "what was left out is not looked at again"


@pytest.mark.parametrize("query", [f"target={AZ}", "actor=carol", f"kind=override&key={AZ}&actor=carol", "actor=carol&since=1h"])
def test_filters_wait(scene, query):
    asked = Asked(scene.steerd, f"wait=5m&{query}")
    order(scene, "region", "us-east", "drain")
    order(scene, "az", "eu-west-1a", "up", actor="carol")
    assert asked.page() == ([2], "2")


def test_a_key_that_begins_alike(scene):
    asked = Asked(scene.steerd, "wait=5m&target=endpoint:web-eu-west-1")
    order(scene, "endpoint", "web-eu-west-1a", "down")
    asked.join(0.2)
    assert asked.is_alive()
    scene.steerd.stop()
    assert asked.end() is None


@pytest.mark.parametrize("query, status", [("wait=1m&cursor=99", 409), ("wait=6m", 422), ("wait=soon", 422), ("wait=1m&until=1h", 422)])
def test_what_is_wrong(scene, query, status):
    assert Asked(scene.steerd, query).end().status == status


def test_a_takeover_sends_them_on(scene, reaper):  # noqa: F811
    order(scene, "region", "us-east", "drain")
    asked = Asked(scene.steerd, "wait=5m&cursor=1")
    scene.steerd.wait(lambda: asked.is_alive(), "it waits")
    old, _ = take_over(scene.steerd)
    assert asked.page() == ([], "1")
    assert old.wait(kit.PATIENCE_S) == 0
    asked = Asked(scene.steerd, "wait=5m&cursor=1")
    remove(scene, "region", "us-east")
    assert asked.page() == ([2], "2")


class Follower:
    """steerctl history --follow, line by line."""

    def __init__(self, server, *arguments):
        self.lines = []
        self.process = subprocess.Popen([str(kit.STEERCTL), "-s", str(server.site.socket), "history", "--follow", *arguments],
                                        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True,
                                        env=kit.make_environment())
        self.reader = threading.Thread(target=self.read)
        self.reader.start()

    def read(self):
        for line in self.process.stdout:
            self.lines.append(line)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.terminate()
        self.process.wait(kit.PATIENCE_S)
        self.reader.join(kit.PATIENCE_S)


def test_steerctl_follows(scene, reaper):  # noqa: F811
    for state in ("drain", "up", "down"):
        order(scene, "az", "eu-west-1a", state)
    with Follower(scene.steerd, "--json", "--limit", "2") as follower, Follower(scene.steerd, AZ) as people:
        def seqs():
            return [json.loads(line)["seq"] for line in follower.lines]
        scene.steerd.wait(lambda: seqs() == [2, 3], "the latest first")
        remove(scene, "az", "eu-west-1a")
        order(scene, "region", "us-east", "drain")
        scene.steerd.wait(lambda: seqs() == [2, 3, 4, 5], "as they come")
        old, _ = take_over(scene.steerd)
        order(scene, "region", "us-east", "up")
        scene.steerd.wait(lambda: seqs() == [2, 3, 4, 5, 6], "over a takeover")
        assert old.wait(kit.PATIENCE_S) == 0
        scene.steerd.process.kill()
        scene.steerd.process.wait()
        scene.steerd.start()
        order(scene, "az", "eu-west-1a", "down", "the last")
        scene.steerd.wait(lambda: seqs() == [2, 3, 4, 5, 6, 7], "over kill -9")
        scene.steerd.wait(lambda: len(people.lines) == 5, "those of the az")
        assert "auto -> down" in people.lines[-1] and "the last" in people.lines[-1] and "alice" in people.lines[-1]
        assert seqs() == [item["seq"] for item in reversed(journal(scene))][1:]
