# SPDX-License-Identifier: BSD-3-Clause
"""Drains and switchovers of a place within some names only: groups of names, and nobody else moves; through restarts, reloads
and takeovers."""
import pytest

import kit
from takeovers import reaper, take_over  # noqa: F401  pylint: disable=unused-import
from test_last_health import wait_state
from test_switchover import act, ask, begin, finding, start, state_of, verify, wait_for

NAMES = ("shop.example.com", "a.pay.example.com", "www.example.com")


@pytest.fixture
def scene(site):
    """Three names of one policy: us-east, else eu-west; shop and what is below pay are groups."""
    at = kit.make_regions(site, azs=("us-east-1a", "eu-west-1a"))
    site.us, site.eu = ([at[az]] for az in ("us-east-1a", "eu-west-1a"))
    site.zone("example.com", "")
    policy = {"ttl": 1, "endpoints": ["web-*"], "tiers": [["us-east"], ["eu-west"]]}
    site.policy("example.com", {"www": policy, "shop": policy, "a.pay": policy})
    site.topology["name_groups"] = {"shop": ["shop.example.com"], "money": ["*.pay.example.com"]}
    site.server["start_wait"] = "0s"
    site.web(*site.us), site.web(*site.eu)
    return site


def where(scene, server):
    """Of shop, pay and www: who is at home."""
    found = [server.addresses(name) for name in NAMES]
    assert all(addresses in (scene.us, scene.eu) for addresses in found), found
    return tuple("us" if addresses == scene.us else "eu" for addresses in found)


def drain(server, status=200, **body):
    reply = server.request("PUT", "/v1/regions/us-east/override",
                           {"state": "drain", "reason": "its database", "actor": "ann", **body})
    assert reply.status == status, reply
    return reply.json


def test_a_drain_is_about_its_names_only(scene):
    server = start(scene)
    assert where(scene, server) == ("us", "us", "us")
    drained = drain(server, names=["shop"])
    assert drained["override"]["names"] == ["shop"] and drained["effective"] == "healthy"
    assert where(scene, server) == ("eu", "us", "us")
    assert server.get("/v1/endpoints/web-us-east-1a")["effective"] == "healthy"
    told = server.get("/v1/explain?name=shop.example.com")
    assert "us-east was overridden to drain for names of shop by ann" in str(told)
    assert "drained" not in str(server.get("/v1/explain?name=www.example.com")["members"])
    drain(server, names=["shop", "money"])
    assert where(scene, server) == ("eu", "eu", "us")
    # Who would be let back by another order is not, but by one that says so.
    assert drain(server, 409, names="money")["type"].endswith(":conflict")
    assert where(scene, server) == ("eu", "eu", "us")
    drain(server)
    assert where(scene, server) == ("eu", "eu", "eu")
    assert drain(server, 409, names="shop")["type"].endswith(":conflict")
    server.request("DELETE", "/v1/regions/us-east/override")
    assert where(scene, server) == ("us", "us", "us")


def test_it_survives_restart_reload_and_takeover(scene, reaper):  # noqa: F811
    server = start(scene)
    drain(server, names=["money"])
    server.reload()
    assert where(scene, server) == ("us", "eu", "us")
    server.kill()
    server = scene.start()
    wait_state(server, "healthy")
    assert where(scene, server) == ("us", "eu", "us")
    take_over(server)
    assert where(scene, server) == ("us", "eu", "us")
    # Groups are told by their names, wherever they stand.
    scene.topology["name_groups"] = {"first": ["x.example.com"], "money": ["*.pay.example.com"], "shop": ["shop.example.com"]}
    scene.write()
    server.reload()
    assert where(scene, server) == ("us", "eu", "us")


def test_orders_that_make_no_sense(scene):
    server = start(scene)
    assert drain(server, 422, names=["nobody"])["errors"][0]["field"] == "names"
    assert drain(server, 422, names=[])["errors"][0]["field"] == "names"
    assert drain(server, 422, names=["shop", "shop"])["errors"][0]["field"] == "names"
    assert drain(server, 422, names=["shop"], state="up")["errors"][0]["field"] == "names"
    assert where(scene, server) == ("us", "us", "us")


def test_a_switchover_of_some_names(scene):
    server = start(scene)
    plan = ask(server, "?dry_run=true", {"source": "region:us-east", "reason": "a look", "names": ["shop"]})
    assert plan["look"]["good"] and plan["look"]["names"] == 1 and plan["names"] == ["shop"]
    made = begin(server, names=["shop"], to="eu-west")
    act(server, made, "execute")
    assert where(scene, server) == ("eu", "us", "us")
    verified = verify(server, made)
    assert finding(verified["look"], "answers")["text"] == "none of 4 answers leads to what was moved off (1 name for 1 client, at 1 address by udp and tcp)"
    server.kill()
    server = scene.start()
    wait_state(server, "healthy"), wait_state(server, "healthy", "web-eu-west-1a")
    assert where(scene, server) == ("eu", "us", "us") and state_of(server, made) == "verified"
    act(server, made, "rollback")
    assert where(scene, server) == ("us", "us", "us") and server.get("/v1/overrides")["items"] == []


def test_there_and_back_in_steps(scene):
    server = start(scene)
    made = begin(server, names=["shop", "money"], steps=[40], each="2s", execute=True)
    assert made["state"] == "moving" and server.get("/v1/regions/us-east")["override"]["share"] == 40
    assert server.addresses("www.example.com") == scene.us
    wait_for(server, made, "moved")
    assert where(scene, server) == ("eu", "eu", "us")
    verify(server, made)
    act(server, made, "commit")
    act(server, made, "reprotect", accept=["replication"], confirm="us-east", reason="there are no data")
    act(server, made, "failback", reason="it is back")
    wait_for(server, made, "returned")
    assert where(scene, server) == ("us", "us", "us")
    verify(server, made)
    assert act(server, made, "commit")["state"] == "closed"


def test_steerctl(scene):
    server = start(scene)
    told = server.ctl("drain", "region:us-east", "--names", "shop,money", "--reason", "its database").stdout
    assert "region:us-east is healthy" in told and "it is drained for names of shop,money only, until it is removed" in told
    assert "drain for shop,money" in server.ctl("overrides").stdout
    assert "shop,money" in server.ctl("show", "region:us-east").stdout
    assert where(scene, server) == ("eu", "eu", "us")
    server.ctl("auto", "region:us-east", "--reason", "done")
    server.ctl("switchover", "now", "region:us-east", "--names", "money", "--reason", "it burns")
    assert where(scene, server) == ("us", "eu", "us")
    shown = server.ctl("switchover", "list").stdout
    assert "region:us-east" in shown


def test_the_last_place_is_asked_of_its_names_only(scene):
    server = start(scene)
    server.override("region", "eu-west", "drain")
    refused = drain(server, 409, names=["shop"])
    assert refused["type"].endswith(":unserved") and [name["name"] for name in refused["unserved"]["names"]] == ["shop.example.com."]
    drain(server, names=["shop"], allow_unserved=True)
    # Of those that were drained already nothing more is taken away.
    refused = drain(server, 409, names=["shop", "money"])
    assert [name["name"] for name in refused["unserved"]["names"]] == ["a.pay.example.com."]


def test_rules_about_moves_count_it_and_those_about_places_do_not(scene):
    scene.topology["rules"] = {"two": {"type": "serving", "kind": "region", "at_least": 2},
                               "never": {"type": "freeze", "windows": [{"begin": "2020-01-01T00:00:00Z", "end": "2090-01-01T00:00:00Z"}]}}
    server = start(scene)
    refused = drain(server, 409, names=["shop"])
    assert refused["type"].endswith(":rules") and "two" not in refused["detail"] and "never" in refused["detail"]
    drain(server, names=["shop"], override_rules=["never"])
    assert where(scene, server) == ("eu", "us", "us")


def test_an_emergency_lets_nobody_back(scene):
    server = start(scene)
    drain(server, names=["shop"])
    made = begin(server, names=["money"], emergency=True)
    assert where(scene, server) == ("eu", "eu", "us")
    act(server, made, "rollback")
    assert where(scene, server) == ("eu", "us", "us")
    drain(server)
    made = begin(server, names=["money"], emergency=True)
    assert where(scene, server) == ("eu", "eu", "eu")
    act(server, made, "rollback")
    assert where(scene, server) == ("eu", "eu", "eu")


def find_ttls(server):
    return [server.ask(name).answer[0].ttl for name in NAMES]


def test_ttls_go_down_before_its_names_move(scene):
    for policy in scene.policies["example.com"]["names"].values():
        policy.update(ttl=60, ttl_failing=5)
    server = start(scene)
    made = begin(server, names=["shop"], lower_ttl=True, execute=True)
    assert made["state"] == "lowering" and where(scene, server) == ("us", "us", "us")
    assert find_ttls(server) == [5, 60, 60]
    told = server.get("/v1/explain?name=shop.example.com")
    assert told["ttl_reason"] == "planned" and "drain" in " ".join(told["steps"])
    act(server, made, "execute", emergency=True, reason="it burns")
    assert where(scene, server) == ("eu", "us", "us") and find_ttls(server) == [5, 60, 60]


def test_a_reload_tells_which_names_it_lets_back_or_moves(scene):
    server = start(scene)
    drain(server, names=["shop"])

    def load(groups, moved):
        scene.topology["name_groups"] = groups
        scene.write()
        before = where(scene, server)
        dry = server.request("POST", "/v1/reload?dry_run=true").json
        assert where(scene, server) == before
        told = server.reload().json
        assert dry["warnings"] == told["warnings"]
        for changes in dry["changes"], told["changes"]:
            assert {item["name"] for item in changes["answers"]["items"]} == moved
            assert any("name_groups" in step for step in changes["steps"])
        return told["warnings"]
    shop, pay = ["shop.example.com"], ["*.pay.example.com"]
    gone = load({"money": pay}, {"shop.example.com."})
    assert len(gone) == 1 and "the drain of region us-east by ann is about names of group shop" in gone[0]["message"]
    assert where(scene, server) == ("us", "us", "us")
    assert load({"money": pay, "shop": shop}, {"shop.example.com."}) == []
    assert where(scene, server) == ("eu", "us", "us")
    assert load({"shop": pay, "money": shop}, {"shop.example.com.", "a.pay.example.com."}) == []
    assert where(scene, server) == ("us", "eu", "us")


def test_a_plan_knows_who_is_drained_already(scene):
    """Of other names: they are taken along, so nobody comes back, and what moves is what is new."""
    scene.policies["example.com"]["names"]["a.pay"]["fallback"] = "nodata"
    server = start(scene)
    server.override("region", "eu-west", "drain")

    def plan(*names):
        return ask(server, "?dry_run=true", {"source": "region:us-east", "reason": "a look", "names": list(names)})["look"]
    drain(server, names=["shop"], allow_unserved=True)
    look = plan("money")
    assert [name["name"] for name in look["unserved"]["names"]] == ["a.pay.example.com."] and look["answers"]["names_changed"] == 1
    drain(server, allow_unserved=True)
    look = plan("money")
    assert look["unserved"]["total"] == 0 and look["answers"]["names_changed"] == 0
    server.override("region", "us-east", "up")
    look = plan("money")
    assert [name["name"] for name in look["unserved"]["names"]] == ["a.pay.example.com."]


def test_a_switchover_whose_group_is_gone_finds_back(scene):
    server = start(scene)
    made = begin(server, names=["money", "shop"], execute=True)
    verify(server, made)
    act(server, made, "commit")
    act(server, made, "reprotect", accept=["replication"], confirm="us-east", reason="there are no data")
    assert where(scene, server) == ("eu", "eu", "us")
    scene.topology["name_groups"] = {"money": ["*.pay.example.com"]}
    scene.write()
    assert len(server.reload().json["warnings"]) == 1 and where(scene, server) == ("us", "eu", "us")
    refused = ask(server, body={"source": "region:eu-west", "reason": "x", "names": ["money", "shop"]}, status=422)
    assert [error["field"] for error in refused["errors"]] == ["names"] and '"shop"' in refused["errors"][0]["message"]
    act(server, made, "failback", reason="it is back")
    assert where(scene, server) == ("us", "us", "us")
