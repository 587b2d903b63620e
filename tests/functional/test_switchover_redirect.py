# SPDX-License-Identifier: BSD-3-Clause
"""Before a switchover is committed it may be sent to another destination: in one step, with no answer that leads back to the
source in between, through kill -9; after that it may not."""
import time

import dns.edns
import pytest

import kit
from test_last_health import wait_state
from test_switchover import act, begin, finding, verify, wait_for
from test_switchover_steps import Asker, asked, shown  # noqa: F401  pylint: disable=unused-import

NAMES = "web-us-east-1a", "web-eu-west-1a", "web-ap-south-1a"


@pytest.fixture
def three(site):
    """www in us-east, else eu-west, else ap-south, each with a server that is checked."""
    at = kit.make_regions(site, azs=("us-east-1a", "eu-west-1a", "ap-south-1a"))
    site.us, site.eu, site.ap = ([at[az]] for az in ("us-east-1a", "eu-west-1a", "ap-south-1a"))
    site.zone("example.com", "")
    site.policy("example.com", {"www": {"ttl": 1, "endpoints": ["web-*"], "tiers": [["us-east"], ["eu-west"], ["ap-south"]]}})
    site.server["start_wait"] = "0s"
    site.web(*site.us), site.web(*site.eu), site.web(*site.ap)
    return site


def start(site):
    server = site.start()
    for name in NAMES:
        wait_state(server, "healthy", name)
    return server


def redirect(server, made, to, status=200, **body):
    return act(server, made, "redirect", status, **{"to": to, "reason": "not there", **body})


def test_another_destination(three, asked):
    server = start(three)
    made = begin(server, to="eu-west", execute=True)
    assert made["allowed"] == ["verify", "rollback", "redirect"] and server.addresses("www.example.com") == three.eu
    assert verify(server, made)["state"] == "verified"
    moved_at, asker = time.monotonic(), asked(server)
    for to, there in ("ap-south", three.ap), ("eu-west", three.eu), ("ap-south", three.ap):
        turned = redirect(server, made, to)
        assert turned["state"] == "moved" and turned["to"] == to and turned["verified"] is None and turned["share"] == 100
        assert turned["notes"][-1]["what"] == "redirect" and turned["notes"][-1]["reason"] == "not there"
        assert finding(turned["look"], "destination")["text"] == f"100.0 % of all answers move to {to}"
        assert server.addresses("www.example.com") == there
        asker.wait_more(100)
    answers = {addresses[0] for at, *addresses in asker.answers if at > moved_at}
    assert answers == {*three.eu, *three.ap}, "never the source"
    assert "does not lead on" in act(server, made, "commit", 409)["detail"], "what was verified was another place"
    assert server.get("/v1/regions/us-east")["override"]["to"] == "ap-south"
    server.kill()
    server = three.start()
    assert shown(server, made)["to"] == "ap-south" and shown(server, made)["state"] == "moved"
    server.wait_answers("www.example.com", three.ap)
    verify(server, made)
    act(server, made, "commit")
    late = redirect(server, made, "eu-west", 409)
    assert late["type"].endswith(":conflict") and "redirect does not lead on" in late["detail"]
    entries = [entry for entry in server.get("/v1/journal?kind=switchover&limit=1000")["items"] if ":redirect" in (entry["request"] or "")]
    assert len(entries) == 3 and all(entry["actor"] == "ann" and entry["reason"] == "not there" for entry in entries)
    act(server, made, "close")


def test_amid_steps(three, asked):
    """Those who have moved go elsewhere, and its steps go on there."""
    server = start(three)
    made = begin(server, to="eu-west", steps=[50], each="1h", execute=True)
    server.wait(lambda: set(server.sample("www.example.com", 40)) == {*three.us, *three.eu}, "half of it is there")
    three.webs[1].kill()
    wait_state(server, "unhealthy", NAMES[1])
    turned = redirect(server, made, "ap-south")
    assert turned["state"] == "moving" and turned["share"] == 50
    server.wait(lambda: set(server.sample("www.example.com", 40)) == {*three.us, *three.ap}, "they are elsewhere")
    act(server, made, "rollback")
    assert server.addresses("www.example.com") == three.us and server.get("/v1/overrides")["items"] == []


def test_nobody_comes_back_when_the_destination_dies(three):
    """Each client of a sticky name stays with who it was sent to, or goes to the next tier; no more of them are at the source."""
    three.policies["example.com"]["names"]["www"]["pick"] = "sticky"
    server = start(three)
    made = begin(server, to="ap-south", steps=[60], each="1h", execute=True)

    def seen():
        subnets = [dns.edns.ECSOption(f"10.{n // 200}.{n % 200}.0", 24) for n in range(600)]
        return [server.addresses("www.example.com", edns=0, options=[subnet]) for subnet in subnets]

    before = seen()
    assert {*map(tuple, before)} == {tuple(three.us), tuple(three.ap)} and 180 < before.count(three.us) < 300
    three.webs[2].kill()
    wait_state(server, "unhealthy", NAMES[2])
    after = seen()
    assert after == [three.us if there == three.us else three.eu for there in before]
    assert any("nobody serves where an override sends" in step for step in server.get("/v1/explain?name=www.example.com")["steps"])
    act(server, made, "rollback")


def test_what_was_accepted_is_not_its_death(three):
    """some.example.com has nobody in ap-south, and that was accepted; the death of ap-south was not. What serves there still is of
    no name."""
    three.web(other := kit.new_address())
    three.topology["endpoints"]["other"] = {"az": "ap-south-1a", "addresses": [other], "checks": ["web"]}
    three.policies["example.com"]["names"]["some"] = {"endpoints": ["web-us-*", "web-eu-*"], "tiers": [["us-east"], ["eu-west"]]}
    server = start(three)
    made = begin(server, to="ap-south", steps=[20, 60], each="3s", execute=True, accept=["destination"])
    three.webs[2].kill()
    wait_state(server, "unhealthy", NAMES[2])
    held = server.wait(lambda: shown(server, made)["held"], "its death holds the steps")
    assert held["by"] == "destination_serves" and "serves nobody" in held["why"]
    three.webs[2].start()
    wait_for(server, made, "moved")


def test_what_was_accepted_is_of_these_names(three):
    """some.example.com has nobody in ap-south, where an endpoint is down, and that was accepted; that more.example.com loses its
    only one there was not. When it is back the findings are what they were, and hold nothing."""
    web = three.web(other := kit.new_address())
    three.topology["endpoints"]["other"] = {"az": "ap-south-1a", "addresses": [other], "checks": ["web"]}
    three.topology["endpoints"]["dead"] = {"az": "ap-south-1a", "addresses": [kit.new_address()], "checks": ["web"]}
    three.policies["example.com"]["names"].update({
        "some": {"endpoints": ["web-us-*", "web-eu-*"], "tiers": [["us-east"], ["eu-west"]]},
        "more": {"endpoints": ["web-us-*", "web-eu-*", "other"], "tiers": [["us-east"], ["eu-west"], ["ap-south"]]}})
    server = start(three)
    wait_state(server, "unhealthy", "dead")
    made = begin(server, to="ap-south", steps=[20, 60], each="3s", execute=True, accept=["destination", "health"])
    web.kill()
    wait_state(server, "unhealthy", "other")
    held = server.wait(lambda: shown(server, made)["held"], "more of it holds the steps")
    assert held["by"] == "destination" and "more than what was accepted" in held["why"]
    assert shown(server, made)["accepted"] == ["destination", "health"]
    refused = act(server, made, "resume", 409, reason="go on")
    assert "destination" in [error["field"] for error in refused["errors"]]
    web.start()
    wait_for(server, made, "moved")
    assert [note["what"] for note in shown(server, made)["notes"]] == ["execute", "held", "released", "moved"]


def test_while_ttls_are_low(three):
    three.policies["example.com"]["names"]["www"].update({"ttl": 4, "ttl_failing": 1})
    server = start(three)
    made = begin(server, to="eu-west", lower_ttl=True, execute=True)
    turned = redirect(server, made, "ap-south")
    assert turned["state"] == "lowering" and turned["next_step"] == made["next_step"]
    wait_for(server, made, "moved")
    server.wait_answers("www.example.com", three.ap)


def test_a_destination_that_is_no_good_objects(three):
    server = start(three)
    made = begin(server, to="eu-west", execute=True)
    three.webs[2].kill()
    wait_state(server, "unhealthy", NAMES[2])
    refused = redirect(server, made, "ap-south", 409)
    assert refused["type"].endswith(":objections") and "destination" in [error["field"] for error in refused["errors"]]
    assert shown(server, made)["to"] == "eu-west" and server.addresses("www.example.com") == three.eu
    for body, field in ({"to": "nowhere"}, "to"), ({"to": 5}, "to"), ({"to": ""}, "to"):
        assert [e["field"] for e in act(server, made, "redirect", 422, reason="x", **body)["errors"]] == [field]
    assert [e["field"] for e in act(server, made, "redirect", 422, reason="x")["errors"]] == ["to"]
    assert [e["field"] for e in act(server, made, "redirect", 422, to="ap-south")["errors"]] == ["reason"]
    assert [e["field"] for e in act(server, made, "verify", 422, to="ap-south")["errors"]] == ["to"]
    assert redirect(server, made, "eu-west", 409)["detail"] == "it goes there already"
    server.override("region", "us-east", "up", "no, wait")
    three.webs[2].start()
    wait_state(server, "healthy", NAMES[2])
    assert "somebody has overridden us-east" in redirect(server, made, "ap-south", 409)["detail"]
    now = redirect(server, made, "ap-south", emergency=True)  # which asks nobody
    assert now["to"] == "ap-south" and now["look"] is None and server.addresses("www.example.com") == three.ap


def test_a_redirect_waits_for_its_hooks(three):
    """They see where it is to go; one that is against it stops it, and all stays as it is."""
    (three.folder / "h").write_text(f'#!/bin/sh\n[ "$STEERD_PHASE" != redirect ] || {{ echo "$STEERD_EVENT" > {three.folder}/asked; exit 1; }}\n')
    (three.folder / "h").chmod(0o755)
    three.server["hooks"] = [{"name": "asks", "command": [str(three.folder / "h")], "on": ["switchover"], "when": "before"}]
    server = start(three)
    made = begin(server, to="eu-west", execute=True)
    refused = redirect(server, made, "ap-south", 409)
    assert refused["type"].endswith(":hook") and server.addresses("www.example.com") == three.eu
    assert kit.json.loads((three.folder / "asked").read_text())["to"] == "ap-south"
    server.wait(lambda: shown(server, made)["hooks_before"] is None, "that is written down, too")
    kept = shown(server, made)
    assert kept["to"] == "eu-west" and kept["state"] == "moved"


def test_by_steerctl(three):
    server = start(three)
    made = begin(server, to="eu-west", execute=True)
    turned = server.ctl("switchover", "redirect", made["id"], "--to", "ap-south", "--reason", "the other one").stdout
    assert "ap-south" in turned and server.addresses("www.example.com") == three.ap
