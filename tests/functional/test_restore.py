# SPDX-License-Identifier: BSD-3-Clause
"""Going back: to a point, to a moment, to what a file says; previewed, recorded, reversible."""
import json
import random
import sqlite3
import time

import kit
import pytest
from test_durable import in_ms, overrides
from test_points import points, restart, save, scene  # noqa: F401, a fixture

US, EU = "region:us-east", "region:eu-west"


def restore(server, to, dry_run=False, **more):
    return server.request("POST", "/v1/restore" + ("?dry_run=true" if dry_run else ""),
                          {"to": to, **({} if dry_run else {"reason": "a test"}), **more})


def send_lines(server, lines, query="reason=a+test"):
    body = lines if isinstance(lines, str) else "".join(json.dumps(line) + "\n" for line in lines)
    return server.request("POST", f"/v1/import?{query}", body.encode(), {"Content-Type": "application/jsonl"})


def line(target, state, **more):
    return {"kind": "override", "key": target, "value": {"state": state, "reason": "imported", **more}}


def stored(scene):
    """What the store holds of overrides, but for the clock by which durations are told."""
    with sqlite3.connect(f"file:{scene.folder}/var/store.db?mode=ro", uri=True) as store:
        found = {key: json.loads(value) for key, value in
                 store.execute("SELECT key, value FROM objects WHERE kind = 'override'")}
    return {key: {name: part for name, part in value.items() if name != "clock"} for key, value in found.items()}


def test_back_to_a_point_and_forth_again(scene):
    server = scene.steerd
    server.override("region", "us-east", "drain", "storm", actor="alice", expires_in="1h")
    before, answers = stored(scene), server.addresses("www.example.com")
    assert answers == scene.eu
    save(server, "storm")
    server.request("DELETE", "/v1/regions/us-east/override")
    server.override("endpoint", "web-eu-west-1a", "up", "by hand")
    later = stored(scene)
    preview = restore(server, "storm", dry_run=True).json
    assert (preview["counts"]["added"], preview["counts"]["removed"], preview["durable"]) == (1, 1, None)
    assert {change["key"]: change["change"] for change in preview["changes"]} == \
        {US: "added", "endpoint:web-eu-west-1a": "removed"}
    assert preview["answers"]["names_changed"] == 1 and preview["unserved"]["total"] == 0
    assert stored(scene) == later and len(points(server)) == 1, "a dry run changes nothing"
    done = restore(server, "storm", actor="bob").json
    assert (done["durable"], done["point"], done["transactions"]) == (True, "storm", 1)
    assert stored(scene) == before and server.addresses("www.example.com") == scene.eu
    saved = server.get(f"/v1/points/{done['saved']}")
    assert (saved["kind"], saved["actor"]) == ("before_restore", "bob")
    server.wait(lambda: len(server.get("/v1/points/storm")["used"]) == 1, "it is marked")
    entry = server.get("/v1/journal?kind=override")["items"][0]
    assert (entry["actor"], entry["reason"], entry["request"]) == ("bob", "a test", "POST /v1/restore")
    back = restore(server, done["saved"]).json
    assert stored(scene) == later and back["durable"]
    assert overrides(restart(scene)).keys() == {"endpoint:web-eu-west-1a"}


def test_to_a_time_and_to_so_long_ago(scene):
    server = scene.steerd
    server.override("region", "us-east", "drain", "storm")
    time.sleep(1.1)
    moment = in_ms(0)
    time.sleep(0.1)
    server.request("DELETE", "/v1/regions/us-east/override")
    assert restore(server, "100d", dry_run=True).status == 404, "the journal is younger"
    time.sleep(0.1)
    assert restore(server, in_ms(0), dry_run=True).json["changes"] == []
    assert restore(server, moment).json["counts"]["added"] == 1
    assert overrides(server).keys() == {US}


@pytest.mark.parametrize("to, status", [("nobody", 404), ("2999-01-01T00:00:00Z", 422), ("1999-01-01T00:00:00Z", 404),
                                        ("10000d", 404), ("what is this?", 422), ("", 422), (7, 422), (None, 422)])
def test_moments_that_are_none(scene, to, status):
    scene.steerd.override("region", "us-east", "drain")
    reply = restore(scene.steerd, to)
    assert reply.status == status, reply.body
    assert overrides(scene.steerd).keys() == {US}


def test_what_would_have_ended_is_not_put_again(scene):
    server = scene.steerd
    server.override("region", "us-east", "drain", "short", expires_in="1s")
    save(server, "x")
    server.wait(lambda: overrides(server) == {}, "it ends")
    preview = restore(server, "x", dry_run=True).json
    assert (preview["counts"]["ended"], preview["counts"]["added"]) == (1, 0)
    assert restore(server, "x").json["saved"] is None, "there is nothing to do"
    assert overrides(server) == {}


def test_a_target_that_is_gone_lies_dormant(scene):
    server = scene.steerd
    server.override("endpoint", "web-us-east-1a", "down", "broken")
    save(server, "x")
    server.request("DELETE", "/v1/endpoints/web-us-east-1a/override")
    gone = scene.topology["endpoints"].pop("web-us-east-1a")
    scene.topology["endpoints"]["web-us-east-1b"] = {**gone, "addresses": ["192.0.2.77"]}
    scene.write()
    server.reload()
    done = restore(server, "x").json
    assert done["counts"]["dormant"] == 1 and done["changes"][0]["dormant"]
    assert server.get("/v1/overrides")["items"][0]["dormant"]


def test_names_that_nobody_would_serve(scene):
    server = scene.steerd
    for region in "us-east", "eu-west":
        server.override("region", region, "drain", allow_unserved=True)
    save(server, "dark")
    for region in "us-east", "eu-west":
        server.request("DELETE", f"/v1/regions/{region}/override")
    reply = restore(server, "dark")
    assert (reply.status, reply.json["type"]) == (409, "urn:steerd:problem:unserved")
    assert [name["name"] for name in reply.json["unserved"]["names"]] == ["www.example.com."]
    assert overrides(server) == {} and len(points(server)) == 1, "no point was saved for nothing"
    assert restore(server, "dark", allow_unserved=True).status == 200
    assert overrides(server).keys() == {US, EU}


def test_two_plans_that_are_harmless_alone(scene):
    server = scene.steerd
    lines = [line(US, "drain", planned=True, starts=in_ms(3600000)), line(EU, "drain", planned=True, starts=in_ms(7200000))]
    assert send_lines(server, lines[:1]).status == 200
    reply = send_lines(server, lines[1:])
    assert reply.json["type"] == "urn:steerd:problem:unserved" and "from 2" in reply.json["detail"]
    assert send_lines(server, lines[1:], "reason=x&allow_unserved=true").status == 200


def test_without_a_reason_only_a_preview(scene):
    save(scene.steerd, "x")
    reply = scene.steerd.request("POST", "/v1/restore", {"to": "x"})
    assert (reply.status, reply.json["errors"][0]["field"]) == (422, "reason")


# ---- imports ----

def test_an_import_adds_and_replaces_only_when_told(scene):
    server = scene.steerd
    server.override("endpoint", "web-eu-west-1a", "up")
    done = send_lines(server, [line(US, "drain"), {"kind": "serials", "key": "x", "value": 7}]).json
    assert (done["counts"]["added"], done["counts"]["removed"], done["counts"]["left_alone"]) == (1, 0, 1)
    assert overrides(server).keys() == {US, "endpoint:web-eu-west-1a"}
    done = send_lines(server, [line(US, "down")], "reason=x&replace=true").json
    assert (done["counts"]["changed"], done["counts"]["removed"]) == (1, 1)
    assert {key: item["state"] for key, item in overrides(server).items()} == {US: "down"}


@pytest.mark.parametrize("lines, words", [
    ("{", ["line 1", "expected a JSON object"]),
    ('\n\n[]\n', ["line 3", "found an array"]),
    ('{"kind":"override","key":"region:us-east"}\n', ["line 1", '"value"']),
    ('{"kind":"override","key":"region:us-east","value":{"state":"drain"}}\n{"kind":"Override"}', ["line 2", '"kind"']),
    ('{"kind":"override","key":"us-east","value":{"state":"drain"}}', ["override/us-east", "region:NAME"]),
    ('{"kind":"override","key":"region:us-east","value":{"state":"drained"}}', ["region:us-east", "\"drain\""]),
    ('{"kind":"override","key":"region:us-east","value":{"state":"drain"}}\n' * 2, ["twice"]),
    ("\xff", ["line 1"])])
def test_an_import_that_is_none(scene, lines, words):
    reply = send_lines(scene.steerd, lines)
    assert reply.status == 422 and all(word in reply.json["detail"] for word in words), reply.json
    assert overrides(scene.steerd) == {} and points(scene.steerd) == []


def test_ten_thousand(scene):
    """In three transactions; those without a target have no room, so there are as many endpoints."""
    for i in range(10000):
        scene.topology["endpoints"][f"many-{i}"] = {
            "az": "eu-west-1a", "addresses": [f"10.1.{i // 250}.{i % 250 + 1}"], "checks": []}
    scene.steerd.kill()
    scene.write()
    server = scene.steerd = scene.start()
    save(server, "none")
    done = send_lines(server, [line(f"endpoint:many-{i}", "down") for i in range(10000)]).json
    assert (done["counts"]["added"], done["transactions"]) == (10000, 3)
    scene.steerd.wait(lambda: len(stored(scene)) == 10000, "the store has them", 60)  # a disk that is busy takes its time
    assert restore(server, "none").json["counts"]["removed"] == 10000
    scene.steerd.wait(lambda: stored(scene) == {}, "nor has the store", 60)
    assert restore(server, done["saved"]).json["changes"] == []


# ---- a model ----

def random_step(server, rng):
    """An order, or the end of one."""
    kind, name = rng.choice([("region", "us-east"), ("region", "eu-west"), ("az", "us-east-1a"), ("az", "eu-west-1a"),
                             ("endpoint", "web-us-east-1a"), ("endpoint", "web-eu-west-1a")])
    if rng.random() < 0.3:
        server.request("DELETE", f"/v1/{kind}s/{name}/override")
        return
    more = {"expires_in": "2h"} if rng.random() < 0.5 else {}
    if rng.random() < 0.2:
        more["starts_in"] = "1h"
    server.request("PUT", f"/v1/{kind}s/{name}/override", {
        "state": rng.choice(["drain", "up", "down"]), "reason": str(rng.random()), "allow_unserved": True, **more})


@pytest.mark.parametrize("seed", range(3))
def test_every_point_is_what_was(scene, seed):
    """Random orders and points; restored in random order, with restarts, each gives what was, and its way back as well."""
    server, rng, known = scene.steerd, random.Random(seed), {}
    for i in range(6):
        for _ in range(rng.randrange(6)):
            random_step(server, rng)
        assert save(server, f"p{i}").status == 201
        known[f"p{i}"] = stored(scene)
    for _ in range(15):
        if rng.random() < 0.15:
            server = restart(scene)
        if rng.random() < 0.4:
            random_step(server, rng)
        before, to = stored(scene), rng.choice(list(known))
        reply = restore(server, to, allow_unserved=True)
        assert reply.status == 200, reply.body
        assert stored(scene) == known[to]
        if reply.json["saved"] is not None:
            known[reply.json["saved"]] = before
    listed = {f"{item['kind']}:{item['name']}": item["state"] for item in server.get("/v1/overrides")["items"]}
    assert listed == {key: value["state"] for key, value in stored(scene).items()}
