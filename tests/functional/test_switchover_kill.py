# SPDX-License-Identifier: BSD-3-Clause
"""kill -9 in each state of a switchover, by seed: when nothing happens, or while a verb is on its way. After the restart the
switchover is what was acknowledged, or what the verb would have made of it where nobody was told; overrides and answers are
what that state wants; and the chain of the journal is whole. `KILL_SWITCHOVER_SEEDS=100-149 pytest-3 -s
tests/functional/test_switchover_kill.py` for others; a failure names its seed."""
import os
import random
import threading
import time

import pytest

import kit
import seeds
from test_switchover import act, begin

SEEDS = seeds.parse(os.environ.get("KILL_SWITCHOVER_SEEDS", ""), [1, 2])
NOT_YET = {"accept": ["resolvers"], "reason": "resolvers are none of this"}  # the TTL is longer than all of it
HOW = {"verify": NOT_YET, "reprotect": {"accept": ["replication"], "confirm": "us-east", "reason": "there are no data"}}
THERE = ["execute", "verify", "commit"]
STATES = {  # state: the verbs that lead there, what the switchover is made with
    "planned": ([], {}),
    "lowering": (["execute"], {"lower_ttl": True}),
    "moving": (["execute"], {"steps": [50], "each": "1h"}),
    "moved": (["execute"], {}),
    "verified": (["execute", "verify"], {}),
    "unprotected": (THERE, {}),
    "protected": ([*THERE, "reprotect"], {}),
    "returning": ([*THERE, "reprotect", "failback"], {"steps": [50], "each": "2s"}),
    "returned": ([*THERE, "reprotect", "failback"], {}),
    "return_verified": ([*THERE, "reprotect", "failback", "verify"], {}),
    "closed": ([*THERE, "reprotect", "failback", "verify", "commit"], {}),
    "rolled_back": (["execute", "rollback"], {}),
    "cancelled": (["cancel"], {}),
}
NEXT = {("planned", "execute"): "moved", ("planned", "cancel"): "cancelled", ("moved", "verify"): "verified",
        ("verified", "verify"): "verified", ("verified", "commit"): "unprotected", ("unprotected", "reprotect"): "protected",
        ("unprotected", "close"): "closed", ("protected", "close"): "closed", ("protected", "failback"): "returned",
        ("returned", "verify"): "return_verified", ("return_verified", "verify"): "return_verified",
        ("return_verified", "commit"): "closed", ("returning", "rollback"): "protected", ("returned", "rollback"): "protected",
        ("return_verified", "rollback"): "protected", ("verified", "redirect"): "moved"}
AWAY = ("moved", "verified", "unprotected", "protected")


def lead(state, verb):
    if verb == "rollback" and (state, verb) not in NEXT:
        return "rolled_back"
    return NEXT.get((state, verb), state)  # a redirect stays where it is


class Order(threading.Thread):
    """A verb on its way while the server is killed."""

    def __init__(self, server, made, verb, to):
        super().__init__(daemon=True)
        self.server, self.made, self.verb, self.result = server, made, verb, None
        self.body = {"to": to, "reason": "elsewhere"} if verb == "redirect" else HOW.get(verb, {})

    def run(self):
        try:
            self.result = self.server.request("POST", f"/v1/switchovers/{self.made['id']}:{self.verb}", {"actor": "ann", **self.body})
        except (OSError, EOFError, ValueError, kit.http.client.HTTPException):
            pass


class World:
    def __init__(self, site, seed):
        self.site, self.random = site, random.Random(seed)
        at = kit.make_regions(site, azs=("us-east-1a", "eu-west-1a", "ap-south-1a"))
        for endpoint in site.topology["endpoints"].values():
            endpoint["checks"] = []
        self.at = {"us-east": at["us-east-1a"], "eu-west": at["eu-west-1a"], "ap-south": at["ap-south-1a"]}
        site.zone("example.com", "")
        site.policy("example.com", {"www": {"ttl": 3600, "ttl_failing": 1, "endpoints": ["web-*"],
                                            "tiers": [["us-east"], ["eu-west"], ["ap-south"]]}})
        self.server = site.start()
        self.figures = {"killed idle": 0, "before a verb": 0, "after a verb": 0, "told": 0}

    def show(self, made):
        return self.server.get(f"/v1/switchovers/{made['id']}")

    def make(self, state):
        """One that is in this state."""
        verbs, how = STATES[state]
        made = begin(self.server, to=self.random.choice(("eu-west", "ap-south")), **how)
        for verb in verbs:
            if how.get("each") == "2s" and verb == "verify":
                self.server.wait(lambda: self.show(made)["state"] == "moved", "it has moved")
            act(self.server, made, verb, **HOW.get(verb, {}))
        return self.show(made)

    def check(self, found):
        """Overrides and answers are what its state wants."""
        share, closed_away = found["share"], found["state"] == "closed" and found["notes"][-1]["what"] == "close"
        items = self.server.get("/v1/overrides")["items"]
        is_there = found["state"] in AWAY or closed_away
        if is_there or found["state"] in ("lowering", "moving", "returning"):
            [item] = items
            assert (item["kind"], item["name"], item["state"], item["to"]) == ("region", "us-east", "drain", found["to"])
            assert item["planned"] == (found["state"] == "lowering")
            assert item["share"] == (share if found["state"] in ("moving", "returning") else None)
        else:
            assert items == []
        answers = set(self.server.sample("www.example.com", 20))
        us, there = self.at["us-east"], self.at[found["to"]]
        wanted = {us, there} if 0 < share < 100 else {there} if is_there else {us}
        assert answers <= wanted and answers, (found["state"], answers, wanted)

    def kill(self, made, before):
        """In this state; returns the verb that was on its way, and what was said of it."""
        verbs = [verb for verb in before["allowed"] if verb != "resume"]
        if not verbs or self.random.random() < 0.3:
            self.server.kill()
            self.figures["killed idle"] += 1
            return None, None
        other = "ap-south" if before["to"] == "eu-west" else "eu-west"
        order = Order(self.server, made, self.random.choice(verbs), other)
        order.start()
        time.sleep(self.random.choice((0, 0.002, 0.01, 0.05)) * self.random.random())
        self.server.kill()
        order.join()
        return order, order.result

    def judge(self, before, order, result):
        after = self.show(before)
        if order is not None and result is not None and result.status == 200 and result.json["durable"]:
            self.figures["told"] += 1
            assert after["changes"] >= result.json["changes"], "what was acknowledged as durable is not there"
        is_done = order is not None and len(after["notes"]) > len(before["notes"]) and after["notes"][-1]["what"] == order.verb
        if is_done:
            self.figures["after a verb"] += 1
            assert after["state"] in (lead(before["state"], order.verb), *(("lowering", "moving") if order.verb == "execute" else ()))
            assert order.verb != "redirect" or after["to"] == order.body["to"]
        elif before["state"] == "returning":  # time goes on
            assert after["state"] in ("returning", "returned") and after["to"] == before["to"]
        else:
            self.figures["before a verb"] += order is not None
            assert after == before, "it is what it was"
        self.check(after)
        return after

    def end(self, made):
        """Nothing is left of it for the next one."""
        if "rollback" in made["allowed"]:
            act(self.server, made, "rollback")
        elif "cancel" in made["allowed"]:
            act(self.server, made, "cancel")
        found = self.show(made)
        if "close" in found["allowed"]:
            act(self.server, made, "close")
        self.server.override("region", "us-east", "auto")

    def round(self, state):
        before = self.make(state)
        assert before["state"] in (state, "returned" if state == "returning" else state)
        order, result = self.kill(before, before)
        self.server.start()
        after = self.judge(before, order, result)
        self.server.kill()  # once more: what was read is what is written
        self.server.start()
        if after["state"] != "returning":
            assert self.show(after) == after
        self.server.ctl("audit", "verify")
        self.end(self.show(after))


@pytest.mark.parametrize("seed", SEEDS)
def test_each_state_outlives_a_kill(site, seed):
    world = World(site, seed)
    states = list(STATES)
    world.random.shuffle(states)
    try:
        for state in states:
            world.round(state)
        assert sum(world.figures[key] for key in ("killed idle", "before a verb", "after a verb")) >= len(states) - 1
    finally:
        print(f"  seed {seed}: {world.figures}")
