# SPDX-License-Identifier: BSD-3-Clause
"""Recovery points: made by hand and by themselves, neither doubled nor lost, dropped when they have had their time."""
import json
import pathlib
import socket
import subprocess
import time

import kit
import pytest


@pytest.fixture
def scene(site):
    """www in us-east, else eu-west; nobody checks, so that only orders count. No point is made by itself."""
    site.at = kit.make_regions(site, azs=("us-east-1a", "eu-west-1a"))
    for endpoint in site.topology["endpoints"].values():
        endpoint["checks"] = []
    site.zone("example.com", "")
    site.policy("example.com", {"www": {"ttl": 5, "endpoints": ["web-*"], "tiers": [["us-east"], ["eu-west"]]}})
    site.us, site.eu = ([site.at[az]] for az in ("us-east-1a", "eu-west-1a"))
    site.server["points"] = {"every": "0s"}
    site.steerd = site.start()
    return site


def points(server):
    return server.get("/v1/points")["items"]


def save(server, name, **more):
    return server.request("POST", "/v1/points", {"name": name, **more})


def restart(scene):
    scene.steerd.kill()
    scene.steerd = scene.start()
    return scene.steerd


def test_one_by_name(scene):
    server = scene.steerd
    server.override("region", "us-east", "drain", "storm", actor="alice")
    made = save(server, "before-migration", reason="we move", actor="bob")
    assert made.status == 201
    point = made.json
    assert (point["id"], point["kind"], point["actor"], point["reason"]) == \
        ("before-migration", "named", "bob", "we move")
    assert points(server) == [point] == [server.get("/v1/points/before-migration")]
    blob = pathlib.Path(scene.folder, "var/depot", point["objects"][:2], point["objects"]).read_text("utf-8")
    lines = [json.loads(line) for line in blob.splitlines()]
    assert [line["value"]["state"] for line in lines if line["key"] == "region:us-east"] == ["drain"]
    assert all(line["kind"] != "point" for line in lines)
    assert points(restart(scene)) == [point]


@pytest.mark.parametrize("name", ["", "A", "-x", "a b", "../x", "2h", "hourly-1", "restore-1", "x" * 64, 7, None])
def test_names_that_are_none(scene, name):
    reply = save(scene.steerd, name)
    assert reply.status == 422 and reply.json["errors"][0]["field"] == "name"
    assert points(scene.steerd) == []


def test_the_same_name_twice(scene):
    assert save(scene.steerd, "x").status == 201
    reply = save(scene.steerd, "x")
    assert reply.status == 409 and "\"x\"" in reply.json["detail"]
    assert len(points(scene.steerd)) == 1


def test_deleted_and_used(scene):
    server = scene.steerd
    save(server, "a")
    save(server, "b")
    used = server.request("POST", "/v1/points/a:use", {"reason": "drill", "actor": "carol"}).json
    assert [(use["actor"], use["reason"]) for use in used["used"]] == [("carol", "drill")]
    assert server.get("/v1/points/a")["used"] == used["used"]
    assert server.request("DELETE", "/v1/points/b?actor=dave&reason=tidy").json == {"id": "b", "deleted": True}
    assert [point["id"] for point in points(server)] == ["a"]
    entry = server.get("/v1/journal?kind=point")["items"][0]
    assert (entry["key"], entry["actor"], entry["reason"], entry["after"]) == ("b", "dave", "tidy", None)
    for method, path in ("DELETE", "/v1/points/b"), ("POST", "/v1/points/b:use"), ("GET", "/v1/points/b"):
        assert server.request(method, path).status == 404


def test_pages(scene):
    for i in range(5):
        save(scene.steerd, f"p{i}")
    first = scene.steerd.get("/v1/points?limit=2")
    second = scene.steerd.get(f"/v1/points?limit=2&cursor={first['next_cursor']}")
    third = scene.steerd.get(f"/v1/points?limit=2&cursor={second['next_cursor']}")
    assert [item["id"] for page in (first, second, third) for item in page["items"]] == \
        ["p4", "p3", "p2", "p1", "p0"]
    assert third["next_cursor"] is None
    assert scene.steerd.request("GET", "/v1/points?cursor=nobody").status == 422


def test_without_a_state_folder(site):
    del site.server["state"]
    site.zone("example.com", "")
    server = site.start()
    assert save(server, "x").status == 503 and server.request("GET", "/v1/points").status == 503
    assert server.get("/v1/status")["points"] is None


# ---- by themselves ----

def automatic(server):
    return [point for point in points(server) if point["kind"] == "hourly"]


def test_the_first_one_is_made_soon_and_a_restart_makes_no_other(scene):
    scene.server["points"] = {"every": "168h"}
    server = restart(scene)
    server.wait(lambda: len(automatic(server)) == 1, "the first one")
    made = automatic(server)
    assert made[0]["id"].startswith("hourly-") and made[0]["actor"] == "steerd"
    for _ in range(2):
        server = restart(scene)
        server.wait(lambda: server.get("/v1/status")["points"]["count"] == 1, "it has looked at them")
        assert automatic(server) == made


def test_of_many_the_latest_are_kept_and_so_are_those_with_a_name(scene):
    save(scene.steerd, "forever")
    scene.server["points"] = {"every": "1s", "keep": {"count": 2}}
    server = restart(scene)
    server.wait(lambda: len(server.get("/v1/journal?kind=point")["items"]) >= 9, "some came, some went")
    server.wait(lambda: len(automatic(server)) in (2, 3), "two are kept")
    seqs = [point["seq"] for point in automatic(server)]
    assert seqs == sorted(seqs, reverse=True)
    assert points(server)[-1]["id"] == "forever"
    blobs = {path.name for path in pathlib.Path(scene.folder, "var/depot").glob("*/*")}
    assert {point["objects"] for point in points(server)} <= blobs


def test_a_point_that_cannot_be_written_is_told_and_made_later(scene):
    scene.server["points"] = {"every": "168h"}
    scene.steerd.kill()
    depot = pathlib.Path(scene.folder, "var/depot")
    subprocess.run(["rm", "-rf", depot], check=True)
    depot.write_text("in the way")
    scene.steerd = server = scene.start()
    server.wait(lambda: server.get("/v1/status")["points"]["error"] is not None, "it says why")
    server.wait_log("recovery point not saved")
    metrics = server.request("GET", "/metrics").body.decode()
    assert "\nsteerd_points 0\n" in metrics and "\nsteerd_points_failures_total 0\n" not in metrics
    assert points(server) == [] and save(server, "x").status == 503
    reply = server.request("POST", "/v1/import?reason=x", b'{"kind":"override","key":"az:eu-west-1a","value":{"state":"up"}}',
                           {"Content-Type": "application/jsonl"})
    assert reply.json["type"].endswith("not-saved"), "no way back, no restore"
    reply = server.request("POST", "/v1/import?reason=x&without_point=true",
                           b'{"kind":"override","key":"az:eu-west-1a","value":{"state":"up"}}',
                           {"Content-Type": "application/jsonl"})
    assert reply.status == 200 and reply.json["saved"] is None and reply.json["durable"]
    server.override("region", "us-east", "drain")
    assert server.addresses("www.example.com") == scene.eu, "nothing else cares"
    depot.unlink()
    server.wait(lambda: len(automatic(server)) == 1, "and it is made", patience_s=30)
    assert server.get("/v1/status")["points"]["error"] is None


def test_the_end_may_come_while_one_is_saved(scene):
    """Asked for, not waited for: there is such a point behind it, whole, or there is none."""
    for turn in range(24):
        server = scene.steerd
        with socket.socket(socket.AF_UNIX) as sock:
            sock.connect(str(scene.socket))
            body = json.dumps({"name": f"turn-{turn}"})
            sock.sendall(f"POST /v1/points HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
                         f"Content-Length: {len(body)}\r\n\r\n{body}".encode())
            time.sleep(turn % 8 * 0.001)
            server.stop()
        scene.steerd = scene.start()
        for point in points(scene.steerd):
            assert pathlib.Path(scene.folder, "var/depot", point["objects"][:2], point["objects"]).exists()


def test_what_is_no_point_is_left_alone(scene):
    save(scene.steerd, "x")
    kept = [point["id"] for point in points(scene.steerd)]
    scene.steerd.kill()
    kit.write_objects(scene.folder, "point", {point: "{}" for point in kept})
    scene.steerd = scene.start()
    assert points(scene.steerd) == []
    assert scene.steerd.request("DELETE", "/v1/points/x").status in (200, 503)
