# SPDX-License-Identifier: BSD-3-Clause
"""Failovers that a safety rule forbids: answers stay where they are, which is told and counted, until the rule allows it."""
import re

import pytest

import kit
import takeovers
from takeovers import take_over
from test_last_health import wait_kept

reaper = takeovers.reaper  # a fixture

US, EU, AP = "us-east", "eu-west", "ap-south"
NAME = "www.example.com"


@pytest.fixture
def scene(site):
    """us-east copies to eu-west; it may be left for there when that lags 30 s at most."""
    at = kit.make_regions(site, azs=("us-east-1a", "eu-west-1a", "ap-south-1a"))
    site.us, site.eu, site.ap = ([at[az]] for az in at)
    regions = site.topology["regions"]
    regions[US]["replicates_to"] = [{"to": EU, "lag": "push", "rpo": "30s", "max_age": "10m", "hold": "0s"}]
    site.topology["rules"] = {"fresh": {"type": "lag", "stage": "any"}}
    site.zone("example.com", "host 60 IN A 192.0.2.99\n")
    site.policy("example.com", {"www": {"ttl": 5, "endpoints": ["web-us-east-1a", "web-eu-west-1a"], "tiers": [[US], [EU]]},
                                "far": {"ttl": 5, "endpoints": ["web-*"], "tiers": [[US], [EU], [AP]]},
                                "none": {"ttl": 5, "endpoints": ["web-us-east-1a", "web-eu-west-1a"], "tiers": [[US], [EU]],
                                         "fallback": "nodata", "on_hold": "fallback"}})
    return site


def say(server, lag):
    reply = server.request("POST", "/v1/report", {"from": US, "to": EU, "lag": lag})
    assert reply.status == 200, reply


def wait_region(server, region, state):
    server.wait(lambda: server.get(f"/v1/regions/{region}")["effective"] == state, f"{region} is {state}")


def start(site):
    webs = [site.web(*site.us), site.web(*site.eu), site.web(*site.ap)]
    server = site.start()
    for region in US, EU, AP:
        wait_region(server, region, "healthy")
    return server, webs


def lose(server, web):
    web.kill()
    wait_region(server, US, "unhealthy")


def test_a_lag_holds_and_lets_go(scene):
    server, webs = start(scene)
    say(server, 31)
    lose(server, webs[0])
    assert server.addresses(NAME) == scene.us, "it may not go there"
    assert server.addresses("far.example.com") == scene.ap, "but there"
    assert server.addresses("none.example.com") == []
    server.wait_log("hold", f"name={US}", "turn=began", "rules=fresh")
    assert 'steerd_holds{rule="fresh"} 1' in server.request("GET", "/metrics").body.decode()
    explained = server.get(f"/v1/explain?name={NAME}&type=A")
    assert explained["source"] == "held" and any("fresh" in step for step in explained["steps"]), explained["steps"]
    tiers = {tier["label"]: tier for tier in explained["tiers"]}
    assert [tiers[US][key] for key in ("serving", "held", "healthy", "available", "share")] == [0, 1, 0, 0, 1], tiers[US]
    assert [tiers[EU][key] for key in ("serving", "held", "healthy", "share")] == [1, 0, 1, 0], tiers[EU]
    assert f"tier {US} is held by safety rules (fresh of region {US}): 0 of its 1 member may (0 %), and 1 that fell counts as if it had not" \
        in explained["steps"]
    assert any(f"web-us-east-1a is held, and answered all the same: unhealthy, decided by region_lost: region {US} is lost since " in step
               for step in explained["steps"]), explained["steps"]
    assert re.search(r"^us-east +0 of 1, held +0 % .* 100 %$", server.ctl("explain", NAME).stdout, re.M)
    for name in "far.example.com", "none.example.com":  # where the rule lets nobody go serves nonetheless
        explained = server.get(f"/v1/explain?name={name}&type=A")
        tiers = {tier["label"]: tier for tier in explained["tiers"]}
        assert [tiers[label]["healthy"] for label in (US, EU)] == [0, 1], tiers
        assert f"tier {EU} may not be gone to by safety rules (fresh of region {US}): 1 of its 1 member may (100 %)" in explained["steps"]
        assert explained["members"][1]["excluded"] == f"safety rules forbid to go to tier {EU}"
    say(server, 2)
    server.wait_answers(NAME, scene.eu)
    assert server.addresses("far.example.com") == scene.eu
    assert server.addresses("none.example.com") == scene.eu
    server.wait_log("hold", f"name={US}", "turn=allowed", "rules=fresh")
    assert 'steerd_holds{rule="fresh"} 0' in server.request("GET", "/metrics").body.decode()
    say(server, 60)
    assert server.addresses(NAME) == scene.eu, "who has moved does not come back"


def test_a_reload_tells_what_a_rule_that_goes_lets_go(scene):
    server, webs = start(scene)
    say(server, 31)
    lose(server, webs[0])
    del scene.topology["rules"]
    scene.write()
    dry = server.request("POST", "/v1/reload?dry_run=true").json["changes"]
    assert server.addresses(NAME) == scene.us, "that was a look"
    told = server.reload().json["changes"]
    for changes in dry, told:
        assert {item["name"] for item in changes["answers"]["items"]} == {"www.example.com.", "far.example.com.", "none.example.com."}
    assert server.addresses(NAME) == server.addresses("far.example.com") == scene.eu


@pytest.mark.parametrize("end", ["stop", "kill"])
def test_a_restart_in_the_middle_moves_nothing(scene, end):
    server, webs = start(scene)
    say(server, 31)
    lose(server, webs[0])
    wait_kept(scene, server)
    getattr(server, end)()
    server.start()
    assert server.addresses(NAME) == scene.us
    assert server.addresses("far.example.com") == scene.ap
    server.reload()
    assert server.addresses(NAME) == scene.us
    say(server, 2)
    server.wait_answers(NAME, scene.eu)


def test_a_takeover_moves_nothing(scene, reaper):  # pylint: disable=unused-argument
    server, webs = start(scene)
    say(server, 31)
    lose(server, webs[0])
    take_over(server)
    assert server.addresses(NAME) == scene.us
    assert server.addresses("far.example.com") == scene.ap
    say(server, 2)
    server.wait_answers(NAME, scene.eu)


def test_orders_are_never_held(scene):
    server, webs = start(scene)
    say(server, 31)
    lose(server, webs[0])
    reply = server.request("PUT", f"/v1/regions/{US}/override", {"state": "drain", "reason": "gone"})
    assert reply.status == 200, reply.json
    server.wait_answers(NAME, scene.eu)
    assert server.request("DELETE", f"/v1/regions/{US}/override").status == 200
    assert server.addresses(NAME) == scene.eu, "what an operator moved does not come back to what is dead"


def test_a_drill_says_so(scene):
    server, _ = start(scene)
    say(server, 31)
    report = server.request("POST", "/v1/drills", {"mode": "simulate", "lose": [f"region:{US}"]}).json
    held = {row["name"] for row in report["answers"] if row["held"]}
    assert held == {"www.example.com.", "none.example.com."} and report["answers_held"] == 2, report["text"]
    assert report["failed"] and "HELD" in report["text"]


def test_of_two_that_die_at_once_one_waits(scene):
    """Both are lost within the same second, before anything else could have said a word."""
    scene.topology["rules"] = {"slowly": {"type": "wait", "for": "10m"}}
    scene.policy("example.com", {"us": {"ttl": 5, "endpoints": ["web-*"], "tiers": [[US], [AP]]},
                                 "eu": {"ttl": 5, "endpoints": ["web-*"], "tiers": [[EU], [AP]]}})
    server, webs = start(scene)
    for web in webs[:2]:
        web.process.kill()
    for region in US, EU:
        wait_region(server, region, "unhealthy")
    answers = [server.addresses("us.example.com"), server.addresses("eu.example.com")]
    assert answers in ([scene.ap, scene.eu], [scene.us, scene.ap]), answers
    rule = server.get("/v1/rules/slowly")
    assert rule["state"] == "violated" and rule["holds"] == [EU if answers[0] == scene.ap else US]


def test_of_two_regions_one_is_left(scene):
    scene.topology["rules"] = {"one": {"type": "lost", "at_most": 1}}
    scene.policy("example.com", {"us": {"ttl": 5, "endpoints": ["web-*"], "tiers": [[US], [AP]]},
                                 "eu": {"ttl": 5, "endpoints": ["web-*"], "tiers": [[EU], [AP]]}})
    server, webs = start(scene)
    lose(server, webs[0])
    server.wait_answers("us.example.com", scene.ap)
    webs[1].kill()
    wait_region(server, EU, "unhealthy")
    assert server.addresses("eu.example.com") == scene.eu
    scene.web(*scene.us)
    server.wait_answers("us.example.com", scene.us)
    server.wait_answers("eu.example.com", scene.ap)


def release(server, rule="fresh", region=US, query="", **body):
    return server.request("POST", f"/v1/rules/{rule}:release{query}", {"region": region, "reason": "the copy is good", **body})


def test_an_operator_lets_go(scene):
    server, webs = start(scene)
    say(server, 31)
    assert release(server).status == 409, "it holds nothing"
    lose(server, webs[0])
    look = release(server, query="?dry_run=true")
    assert look.status == 200 and look.json["dry_run"] and look.json["report"]["names_changed"] == 3, look.json
    assert any("eu-west" in step for step in look.json["report"]["steps"])
    assert server.addresses(NAME) == scene.us, "that was a look"
    done = release(server, actor="alice")
    assert done.status == 200 and done.json["durable"] and done.json["name"] == US, done.json
    assert server.addresses(NAME) == scene.eu
    server.wait_log("hold", f"name={US}", "turn=released", "rules=fresh")
    server.wait_log("rule", "name=fresh", "turn=released", f"target=region:{US}", "actor=alice")
    entry = server.get("/v1/journal?kind=release")["items"][0]
    assert entry["reason"] == "the copy is good" and entry["actor"] == "alice" and entry["request"] == "POST /v1/rules/fresh:release", entry
    assert release(server).status == 409
    assert server.get("/v1/rules/fresh")["holds"] == []


@pytest.mark.parametrize("end", ["stop", "kill", "reload", "takeover", "late"])
def test_what_was_let_go_stays_so(scene, reaper, end):  # pylint: disable=unused-argument
    server, webs = start(scene)
    say(server, 31)
    lose(server, webs[0])
    if end in ("stop", "kill", "late"):
        wait_kept(scene, server)
    assert release(server).status == 200
    if end == "takeover":
        take_over(server)
    elif end == "reload":
        server.reload()
    elif end == "late":  # the store cannot be read at the start, and can be later
        server.kill()
        put_back = scene.hide_store()
        server.start()
        assert server.addresses(NAME) == scene.us, "nothing else knows of it"
        put_back()
        server.wait_answers(NAME, scene.eu)
    else:
        getattr(server, end)()
        server.start()
    assert server.addresses(NAME) == scene.eu
    scene.web(*scene.us)
    server.wait_answers(NAME, scene.us)
    say(server, 40)


def test_a_release_that_makes_no_sense(scene):
    server, webs = start(scene)
    say(server, 31)
    lose(server, webs[0])
    assert release(server, rule="none").status == 404
    assert release(server, region="nowhere").status == 404
    assert release(server, region=EU).status == 409
    bad = server.request("POST", "/v1/rules/fresh:release", {"regions": US})
    assert bad.status == 422 and {error["field"] for error in bad.json["errors"]} == {"regions", "region", "reason"}


def test_steerctl_looks_and_lets_go(scene):
    server, webs = start(scene)
    say(server, 31)
    lose(server, webs[0])
    words = ["rules", "release", "fresh", f"region:{US}", "--reason", "copied by hand"]
    assert "eu-west" in server.ctl(*words, "--dry-run").stdout
    assert server.addresses(NAME) == scene.us
    server.ctl(*words)
    assert server.addresses(NAME) == scene.eu
    assert "holds nothing" in server.ctl(*words, code=1).stderr
    server.ctl("rules", "release", "fresh", f"region:{US}", code=2)


def test_whoever_looks_is_told_what_holds_and_how_to_let_go(scene):
    """One sentence, with the command that releases all rules that hold a region; as it stands there it works."""
    scene.topology["rules"]["slowly"] = {"type": "wait", "for": "10m"}
    server, webs = start(scene)
    told = "safety rules hold answers at region us-east; to release all of them: steerctl rules release fresh slowly region:us-east --reason TEXT"
    say(server, 31)
    webs[2].kill()
    server.wait(lambda: server.get("/v1/rules/slowly")["forbids"], "ap-south moved, and so nobody else may")
    assert server.get(f"/v1/regions/{US}")["hold"] is None and server.get("/v1/status")["holds"] == []
    lose(server, webs[0])
    hold = server.get(f"/v1/regions/{US}")["hold"]
    assert (hold["of"], hold["rules"], hold["why"]) == ("failover", ["fresh", "slowly"], told) and hold["since"]
    assert server.get("/v1/status")["holds"] == [{"region": US, **hold}]
    assert server.get("/v1/regions?fields=hold")["items"][0] == {"name": US, "hold": hold}
    server.wait(lambda: any(one["name"] == US for one in server.get("/v1/incidents")["items"]), "it is noted")
    [incident] = [one for one in server.get("/v1/incidents")["items"] if one["name"] == US]
    assert incident["hold"] == hold
    for words in ["status"], ["regions"], ["regions", US], ["show", f"region:{US}"], ["incidents"], ["incidents", incident["id"]]:
        assert told in server.ctl(*words).stdout, words
    for words in ["check"], ["check", "holds"]:
        checked = server.ctl(*words, code=2).stdout
        assert f"holds is 1 ({US})" in checked.splitlines()[0] and told in checked, checked
    server.wait_log("hold", f"name={US}", "turn=began", told)
    assert any(told in line for line in server.ctl("events").stdout.splitlines() if f"region:{US}" in line)
    assert 'steerd_region_held{region="us-east",rules="fresh slowly"} 1\n' in server.request("GET", "/metrics").body.decode()
    command = told.rpartition(": steerctl ")[2].replace("TEXT", "enough").split()
    server.ctl(*command[:3], *command[-3:], "--dry-run")
    assert "one RULE" in server.ctl(*command, "--dry-run", code=2).stderr
    assert server.addresses(NAME) == scene.us
    server.ctl(*command)
    assert server.addresses(NAME) == scene.eu
    assert server.get("/v1/status")["holds"] == [] and server.get(f"/v1/regions/{US}")["hold"] is None
    for words in ["status"], ["regions"], ["show", f"region:{US}"], ["incidents"], ["incidents", incident["id"]]:
        assert "rules release" not in server.ctl(*words).stdout, words
    assert "steerd_region_held{" not in server.request("GET", "/metrics").body.decode()
