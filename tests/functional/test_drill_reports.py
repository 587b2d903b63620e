# SPDX-License-Identifier: BSD-3-Clause
"""Drills that are over are kept in the store, with their figures and their reports."""
import json
import subprocess

import pytest

import kit
from takeovers import reaper, take_over  # noqa: F401  pylint: disable=unused-import

DOCUMENT = {"name": "us-east for a while", "mode": "simulate", "duration": "2m", "clients": {"count": 100},
            "events": [{"at": "0s", "what": "region:us-east", "how": "lost", "for": "1m"}], "objectives": {"rto": "1h"}}
SHORT = {"mode": "simulate", "lose": ["region:us-east"]}
SHADOW = {"mode": "shadow", "lose": ["region:us-east"], "clients": {"prefixes": ["127.1.2.0/24"]}, "reason": "a test"}


@pytest.fixture
def scene(site):
    at = kit.make_regions(site, azs=("us-east-1a", "eu-west-1a"), interval="100ms", timeout="100ms", fall=2)
    site.us, site.eu = ([at[az]] for az in ("us-east-1a", "eu-west-1a"))
    site.zone("example.com", "")
    site.policy("example.com", {"www": {"ttl": 60, "endpoints": ["web-*"], "tiers": [["us-east"], ["eu-west"]]}})
    site.web(*site.us), site.web(*site.eu)
    site.begin = lambda: settle(site.start())
    return site


def settle(server):
    for name in "web-us-east-1a", "web-eu-west-1a":
        server.wait_state("endpoint", name, effective="healthy")
    return server


def keep(server, body, query="", status=201):
    reply = server.request("POST", f"/v1/drills?keep=true{query}", body)
    assert reply.status == status, reply
    return reply.json


def reports(server):
    return server.get("/v1/drills/reports")["items"]


def wait_report(server, drill):
    """Of a drill on the server."""
    return server.wait(lambda: next((one for one in reports(server) if one["id"] == drill["id"]), None), "the drill is kept")


def test_a_simulation_is_kept(scene):
    server = scene.begin()
    kept = keep(server, DOCUMENT, "&reason=before%20the%20release&actor=alice")
    assert kept["durable"] and kept["outcome"] == "met" and kept["why"] is None and kept["mode"] == "simulate"
    assert kept["name"] == DOCUMENT["name"] and kept["actor"] == "alice" and kept["peer"] and kept["reason"] == "before the release"
    report = kept["report"]
    assert [kept[key] for key in ("recovery_ms", "detection_ms", "decision_ms", "ttl_ms", "rto_ms")] == [
        report[key] for key in ("recovery_ms", "detection_ms", "decision_ms", "ttl_ms", "rto_ms")]
    assert kept["failed_share"] == report["users"]["failed_share"] and kept["answers_changed"] == report["answers_changed"]
    missed = keep(server, {**DOCUMENT, "objectives": {"rto": "1s"}})
    assert missed["outcome"] == "missed" and "misses the RTO" in missed["why"] and missed["id"] != kept["id"]
    assert keep(server, SHORT)["name"] == "loss of region:us-east"
    assert [one["outcome"] for one in reports(server)].count("missed") == 1 and len(reports(server)) == 3
    found = server.get(f"/v1/drills/reports/{kept['id']}")
    assert found == {key: value for key, value in kept.items() if key != "durable"}
    first = server.get("/v1/drills/reports?limit=2")
    assert len(first["items"]) == 2 and first["items"] == reports(server)[:2]
    assert server.get(f"/v1/drills/reports?limit=2&cursor={first['next_cursor']}")["items"] == reports(server)[2:]
    entries = server.get("/v1/journal?kind=drill")["items"]
    assert {entry["key"] for entry in entries} == {one["id"] for one in reports(server)}
    assert all(entry["kind"] != "drill-report" for entry in server.get("/v1/journal")["items"])
    assert len(server.get("/v1/journal?kind=drill-report")["items"]) == 3


@pytest.mark.parametrize("how", ["kill", "takeover"])
def test_they_outlive_the_process(scene, how):
    server = scene.begin()
    kept = keep(server, DOCUMENT)
    if how == "kill":
        server.kill()
        server = scene.start()
    else:
        take_over(server)
    assert server.get(f"/v1/drills/reports/{kept['id']}") == {key: value for key, value in kept.items() if key != "durable"}
    assert keep(server, SHORT)["id"] != kept["id"] and len(reports(server)) == 2


@pytest.mark.parametrize("how", ["time", "stopped", "reload", "takeover", "restart", "shutdown"])
def test_a_drill_on_the_server_is_kept_however_it_ends(scene, how):
    server = scene.begin()
    drill = server.request("POST", "/v1/drills", {**SHADOW, "duration": "1s" if how == "time" else "5m"}).json
    server.wait(lambda: server.get(f"/v1/drills/{drill['id']}")["measured"]["answers_changed"], "an answer has changed")
    if how == "stopped":
        server.request("DELETE", f"/v1/drills/{drill['id']}")
    elif how == "reload":
        assert server.reload().status == 200
    elif how == "takeover":
        take_over(server)
    elif how != "time":
        server.kill() if how == "restart" else server.stop()
        server = scene.start()
    kept = wait_report(server, drill)
    assert kept["mode"] == "shadow" and kept["reason"] == "a test" and kept["name"] == "loss of region:us-east"
    if how in ("time", "stopped"):
        assert kept["answers_changed"] == 1 and kept["detection_ms"] is not None
        assert (kept["outcome"], kept["why"]) == (("met", None) if how == "time" else ("not_run", f"interrupted: stopped by {kept['actor']}"))
        whole = server.get(f"/v1/drills/reports/{drill['id']}")["report"]
        assert whole["proof"]["differences"] == 0 and whole["report"]["answers_changed"] == 1 and whole["because"] == how
    else:
        assert kept["outcome"] == "not_run" and kept["why"] == f"interrupted: {how}"
    assert len(reports(server)) == 1


@pytest.mark.parametrize("ends", [True, False])
def test_who_stops_it_interrupts_it_unless_all_has_ended(scene, ends):
    """The report that is kept, the exit code, the trend and metrics agree, whatever was found until then."""
    event = {"at": "0s", "what": "region:us-east", "how": "lost", **({"for": "1s"} if ends else {})}
    (scene.folder / "drill.json").write_text(json.dumps({"name": "cut short", "mode": "shadow", "duration": "5m", "events": [event],
                                                         "shadow": {"prefixes": ["127.1.2.0/24"]}}))
    server = scene.begin()
    with subprocess.Popen([str(kit.STEERCTL), "-s", str(scene.socket), "drill", "shadow", str(scene.folder / "drill.json"), "--wait"],
                          stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as waiting:
        drill = server.wait(lambda: next(iter(server.get("/v1/drills")["items"]), None), "it has begun")
        path = f"/v1/drills/{drill['id']}"
        server.wait(lambda: (server.get(path)["progress"]["step"] or "").endswith("back" if ends else "lost"), "all has happened")
        server.wait(lambda: server.get(path)["measured"]["answers_changed"] >= 1, "an answer has changed")
        assert server.get(path)["complete"] is None
        server.request("DELETE", f"{path}?actor=bob")
        assert waiting.wait(timeout=60) == (0 if ends else 2)
    kept = wait_report(server, drill)
    assert (kept["outcome"], kept["why"]) == (("met", None) if ends else ("not_run", "interrupted: stopped by bob"))
    assert server.get(path)["complete"] is ends and server.get(f"/v1/drills/reports/{drill['id']}")["report"]["complete"] is ends
    assert ("1 of 1 met" if ends else "0 of 0 met, 1 not run") in server.ctl("drill", "trend").stdout
    server.ctl("drill", "report", drill["id"], code=0 if ends else 2)


def test_what_resolvers_see_of_a_drill_is_kept(scene):
    """A shadow drill of a document: only its clients are sent elsewhere, and keep answers although their TTL is 0. What is lost, and when, is what the drill
    says, and what was seen is kept beside its report."""
    server = scene.begin()
    address, port = scene.listen[0]
    document = {"name": "gone for a while", "mode": "shadow", "duration": "5s", "shadow": {"prefixes": ["127.1.2.0/24"]},
                "events": [{"at": "1s", "what": "region:us-east", "how": "lost", "for": "3s"}]}
    words = ["observe", "www.example.com", "--server", f"{address}:{port}", "--resolvers", "16"]
    drill = server.request("POST", "/v1/drills", {"mode": "shadow", "document": document}).json["id"]
    assert "--ttl" in server.ctl(*words, "--drill", drill, code=2).stderr
    seen = json.loads(server.ctl(*words, "--drill", drill, "--ttl", "1", "--json").stdout)
    kept = server.get(f"/v1/drills/reports/{drill}")
    assert [phase["lost"] for phase in kept["report"]["report"]["phases"]] == [["region:us-east"], []]
    assert kept["observed"] == seen and 0 < seen["lost_ms"] < 1000 and seen["duration_ms"] <= 5000
    users = seen["users"]
    assert seen["decision_ms"] is not None and users["moved_ms"]["50"] is not None and 0 < users["failed_share"] < 0.6
    assert users["failed_last_ms"] < seen["lost_ms"] + 3100, "what is back fails no more"
    assert "Seen by resolvers" in server.ctl("drill", "report", drill, "--html", str(scene.folder / "page.html")).stdout
    assert json.dumps(seen["names"][0]) in (scene.folder / "page.html").read_text()
    assert "is over" in server.ctl(*words, "--drill", drill, "--ttl", "1", code=1).stderr
    place = f"/v1/drills/reports/{drill}/observed"
    for body, field in (({**seen, "names": 1}, "names"), ({**seen, "late_ms": -1}, "late_ms"), ({**seen, "more": 1}, "more"),
                        ({key: value for key, value in seen.items() if key != "cut"}, "cut"),
                        ({**seen, "users": {**users, "moved_ms": {"50": 1}}}, "users.moved_ms.90"),
                        ({**seen, "users": {**users, "by_second": {**users["by_second"], "failed": ["x"]}}}, "users.by_second.failed")):
        reply = server.request("PUT", place, body)
        assert reply.status == 422 and [error["field"] for error in reply.json["errors"]][0] == field, reply
    assert server.request("PUT", "/v1/drills/reports/none/observed", seen).status == 404
    again = {**seen, "resolvers": 17}
    assert server.request("PUT", place, again).json == {"id": drill, "observed": True}
    server.kill()
    assert scene.start().get(f"/v1/drills/reports/{drill}")["observed"] == again


def test_the_oldest_go(scene):
    scene.server["drills"] = {"keep": 2}
    server = scene.begin()
    ids = [keep(server, SHORT)["id"] for _ in range(4)]
    assert {one["id"] for one in reports(server)} == set(ids[2:])
    assert server.request("GET", f"/v1/drills/reports/{ids[0]}").status == 404
    assert len(server.get("/v1/journal?kind=drill")["items"]) == 6  # the journal knows
    server.kill()
    server = scene.start()
    assert {one["id"] for one in reports(server)} == set(ids[2:])


def test_one_is_deleted(scene):
    server = scene.begin()
    kept = keep(server, SHORT)
    path = f"/v1/drills/reports/{kept['id']}"
    reply = server.request("DELETE", f"{path}?reason=noise")
    assert reply.status == 200 and reply.json == {"id": kept["id"], "deleted": True}
    assert reports(server) == [] and server.request("GET", path).status == server.request("DELETE", path).status == 404
    assert server.get("/v1/journal?kind=drill")["items"][0]["reason"] == "noise"
    server.kill()
    assert reports(scene.start()) == []


def test_what_cannot_be_kept_is_refused(scene):
    server = scene.begin()
    assert keep(server, {**SHORT, "lose": ["region:x"]}, status=422)["errors"][0]["field"] == "lose"
    assert keep(server, {**DOCUMENT, "events": [{"at": "0s", "what": "region:x", "how": "lost"}]}, status=422)["errors"]
    assert keep(server, DOCUMENT, "&keep=false", status=422)["errors"]
    assert server.request("POST", "/v1/drills?keep=perhaps", SHORT).status == 422
    assert reports(server) == []


def test_steerctl(scene, tmp_path):
    server = scene.begin()
    (tmp_path / "drill.json").write_text(json.dumps(DOCUMENT))
    shown = server.ctl("drill", "simulate", tmp_path / "drill.json", "--keep", "--reason", "a look").stdout
    name = shown.rsplit("Kept as report ", 1)[1].strip()
    assert [one["id"] for one in reports(server)] == [name]
    table = server.ctl("drill", "reports").stdout
    assert name in table and "us-east for a while" in table and "met" in table
    shown = server.ctl("drill", "report", name, "--html", tmp_path / "page.html").stdout
    assert "a look" in shown and "RTO: 3600.0 s, met" in shown and "us-east for a while" in (tmp_path / "page.html").read_text()
    assert server.ctl_json("drill", "report", name)["id"] == name
    server.ctl("drill", "simulate", "--lose", "region:us-east", "--reason", "x", code=2)
    assert "there is no report" in server.ctl("drill", "report", "x", code=None).stderr


def test_two_are_compared_and_one_over_time(scene, tmp_path):
    server = scene.begin()
    slow = {**DOCUMENT, "clients": {"count": 100, "ignore_ttl": {"share": 1, "for": "90s"}}, "objectives": {"rto": "1s"}}
    first, second = keep(server, DOCUMENT), keep(server, slow)
    shown = server.ctl("drill", "diff", first["id"], second["id"], code=1).stdout
    assert "objectives" in shown and "met -> missed  WORSE" in shown and "failed_share" in shown
    assert "better" in server.ctl("drill", "diff", second["id"], first["id"]).stdout
    assert "no difference" in server.ctl("drill", "diff", first["id"], first["id"]).stdout
    for name, report in ("a", first["report"]), ("b", second):
        (tmp_path / name).write_text(json.dumps(report))
    found = kit.run_ctl("-s", tmp_path / "none", "drill", "diff", "--json", tmp_path / "a", tmp_path / "b")  # without a server
    assert found.returncode == 1 and json.loads(found.stdout)["worse"] is True
    assert kit.run_ctl("-s", tmp_path / "none", "drill", "diff", tmp_path / "a", tmp_path / "c").returncode == 2
    (tmp_path / "c").write_text("{}")
    assert kit.run_ctl("-s", tmp_path / "none", "drill", "diff", tmp_path / "a", tmp_path / "c").returncode == 2
    shown = server.ctl("drill", "trend").stdout
    assert "us-east for a while: 1 of 2 met" in shown and "recovery_ms" in shown and "failed_share" in shown
    assert list(server.ctl_json("drill", "trend", "nothing")) == [] and len(server.ctl_json("drill", "trend")["us-east for a while"]) == 2
