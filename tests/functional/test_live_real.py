# SPDX-License-Identifier: BSD-3-Clause
"""Live drills whose loss is no injection: what is lost is overridden, in production."""
import contextlib
import datetime
import json
import sqlite3
import threading

from takeovers import reaper, take_over  # noqa: F401  pylint: disable=unused-import
from test_clock import Clock
from test_live import begin, is_back, wait_moved
from test_shadow import LOSE, addresses, ask, look, scene, stop, ttls, wait_end  # noqa: F401  pylint: disable=unused-import

OVERRIDE = {"by": "override", "failure": None, "duration": "1h"}


def overrides(server):
    return server.get("/v1/overrides")["items"]


def begin_override(scene, server, **body):
    drill = begin(server, **{**OVERRIDE, **body})
    wait_moved(scene, server)
    return drill


def test_by_override(scene):
    """The places are down, for everybody, by overrides that name the drill and end with it; who looks sees a drill."""
    server = scene.running[0]
    drill = begin_override(scene, server)
    assert drill["live"]["by"] == "override" and drill["live"]["share"] == 100
    override, = overrides(server)
    assert override["state"] == "down" and override["reason"] == f"live drill {drill['id']}: game day" and override["expires"]
    assert server.get("/v1/regions/us-east")["effective"] == "forced_down"
    reply = ask(server, source=None)
    assert addresses(reply) == scene.eu and addresses(ask(server, source=None, tcp=True)) == scene.eu
    assert server.get("/v1/status")["live_drill"]["id"] == drill["id"]
    explained = server.ctl("explain", "www.example.com").stdout
    assert "LIVE DRILL" in explained and "by override" in explained and scene.eu[0] in explained
    assert stop(server, drill)["because"] == "stopped"
    server.wait(lambda: not overrides(server) and is_back(scene, server), "nothing is left of it")
    ended = wait_end(server, drill)
    measured, report = ended["measured"], ended["report"]
    assert measured["detection_ms"] is None and measured["decision_ms"] is not None and measured["answers_changed"] >= 1
    assert report["answers_changed"] == 1 and [phase["text"] for phase in report["phases"]] == ["region:us-east lost"]
    assert report["phases"][0]["decision_ms"] is not None and not ended["overrides_changed"]
    entries = [entry for entry in server.get("/v1/journal?kind=override")["items"] if entry["key"] == "region:us-east"]
    assert len(entries) == 2 and all(drill["id"] in entry["reason"] for entry in entries) and entries[0]["after"] is None


def test_what_it_takes(scene):
    server = scene.running[0]
    for body, field in (({"canary": 5}, "by"), ({"by": "magic"}, "by"), ({"confirm": "x"}, "confirm")):
        assert [error["field"] for error in begin(server, 422, **{**OVERRIDE, **body})["errors"]] == [field], body
    document = {"duration": "5m", "live": {"by": "override"}, "events": [{"at": "0s", "what": "vantage:local", "how": "lost"}]}

    def refuse(what, status=422):
        return begin(server, status, lose=None, failure=None, document={**document, **what}, confirm="us-east")
    events = [{"at": "0s", "what": "region:us-east", "how": "lost"}]
    assert refuse({"events": [{"at": "0s", "what": "region:us-east", "how": "flapping", "down": "1s", "up": "1s"}]})["errors"][0]["field"] == "by"
    assert refuse({"events": [*events, {"at": "1s", "what": "az:us-east-1a", "how": "recovered"}]})["errors"][0]["field"] == "by"
    assert refuse({"events": events, "live": {"by": "override", "canary": 5}})["errors"][0]["field"] == "by"
    server.override("region", "us-east", "up")
    assert "overridden already" in begin(server, 409, **OVERRIDE)["detail"]
    assert "overridden already" in begin(server, 200, dry_run=True, **OVERRIDE)["obstacle"]
    assert len(overrides(server)) == 1 and server.get("/v1/drills")["items"] == []


def test_a_document_by_override(scene):
    """Places are lost and come back when it says so."""
    server = scene.running[0]
    document = {"duration": "1h", "live": {"by": "override"}, "objectives": {"rto": "5m"},
                "events": [{"at": "0s", "what": "az:us-east-1a", "how": "lost"}, {"at": "2s", "what": "az:us-east-1a", "how": "recovered"}]}
    (scene.folder / "d.json").write_text(json.dumps(document))
    shown = server.ctl("drill", "live", scene.folder / "d.json", "--reason", "x", "--confirm", "us-east-1a").stdout
    drill = server.get("/v1/drills")["items"][0]
    assert drill["id"] in shown and drill["live"]["by"] == "override"
    wait_moved(scene, server)
    server.wait(lambda: not overrides(server) and is_back(scene, server), "it has recovered")
    assert look(server, drill)["state"] == "running"
    stop(server, drill)
    ended = wait_end(server, drill)
    assert ended["complete"] and [phase["text"] for phase in ended["report"]["phases"]] == ["az:us-east-1a lost", "az:us-east-1a back"]


def test_it_ends_by_itself(scene):
    server = scene.running[0]
    drill = begin_override(scene, server, duration="2s")
    assert wait_end(server, drill)["because"] == "time"
    server.wait(lambda: not overrides(server) and is_back(scene, server), "nothing is left of it")


def test_a_real_failure_wins(scene):
    server = scene.running[0]
    drill = begin_override(scene, server)
    scene.webs[0].kill()  # what is lost anyway may fail
    server.wait_state("endpoint", "web-us-east-1a", observed="unhealthy")
    assert look(server, drill)["state"] == "running"
    scene.webs[1].kill()
    assert wait_end(server, drill)["because"] in ("real_failure", "incident") and overrides(server) == []


def test_what_somebody_else_puts_there_stays(scene):
    server = scene.running[0]
    drill = begin_override(scene, server)
    server.override("region", "us-east", "drain", "mine")
    stop(server, drill)
    wait_end(server, drill)
    assert [(one["state"], one["reason"]) for one in overrides(server)] == [("drain", "mine")]


def test_what_an_import_puts_there_while_it_ends_stays(scene):
    """The order to remove its override waits for the import to be whole, and is about its own override only, whichever comes first."""
    server = scene.running[0]
    keys = [f"endpoint:other-{i}" for i in range(20000)] + ["region:us-east"]
    lines = "".join(json.dumps({"kind": "override", "key": key, "value": {"state": "drain", "reason": "mine"}}) + "\n" for key in keys)
    query = "reason=mine&replace=true&allow_unserved=true"
    drill, replies = begin_override(scene, server), []
    sending = threading.Thread(target=lambda: replies.append(
        server.request("POST", f"/v1/import?{query}", lines.encode(), {"Content-Type": "application/jsonl"})))
    sending.start()
    server.wait(lambda: server.get("/v1/status")["overrides_dormant"] > 0, "some of it is in force")
    stop(server, drill)
    sending.join()
    assert replies[0].status == 200, replies[0]
    wait_end(server, drill)
    assert [(one["state"], one["reason"]) for one in server.get("/v1/overrides?limit=1000")["items"] if one["kind"] == "region"] == [("drain", "mine")]


def test_what_somebody_else_has_put_there_before_stays(scene):
    """The drill cannot lose that place then, and ends."""
    server = scene.running[0]
    document = {"duration": "1h", "live": {"by": "override"}, "events": [{"at": "5s", "what": "region:us-east", "how": "lost"}]}
    drill = begin(server, lose=None, failure=None, document=document)
    server.override("region", "us-east", "drain", "mine")
    ended = wait_end(server, drill)
    assert ended["because"] == "failed" and "region:us-east" in ended["live"]["why"] and "somebody else" in ended["live"]["why"]
    assert [(one["state"], one["reason"]) for one in overrides(server)] == [("drain", "mine")]


def test_lost_twice_at_once(scene):
    """For as long as the longer one says; the shorter one ends nothing."""
    server = scene.running[0]
    events = [("0s", "region:us-east", "30m"), ("1s", "region:us-east", "1s"), ("4s", "az:us-east-1a", "1m")]
    document = {"duration": "1h", "live": {"by": "override"},
                "events": [{"at": at, "what": what, "how": "lost", "for": lasts} for at, what, lasts in events]}
    drill = begin(server, lose=None, failure=None, document=document, confirm=None, dry_run=True, status=200)
    drill = begin(server, lose=None, failure=None, document=document, confirm=drill["confirm"])
    wait_moved(scene, server)
    first, = overrides(server)
    server.wait(lambda: len(overrides(server)) != 1, "the third loss has begun, and the second one is over")
    found = {one["kind"]: one for one in overrides(server)}
    assert set(found) == {"region", "az"} and addresses(ask(server, source=None)) == scene.eu
    ends = [datetime.datetime.fromisoformat(one["expires"].replace("Z", "+00:00")) for one in (first, found["region"])]
    assert abs(ends[1] - ends[0]) < datetime.timedelta(minutes=5)
    stop(server, drill)
    server.wait(lambda: not overrides(server) and is_back(scene, server), "nothing is left of it")


def test_a_reload_a_takeover_and_a_crash(scene):
    """After each nothing is left: a reload and a takeover end it, a crash leaves its override to its end, and the next process to whom it says so."""
    server = scene.running[0]
    drill = begin_override(scene, server)
    assert server.reload().status == 200
    server.wait(lambda: not overrides(server) and is_back(scene, server), "the reload has ended it")
    assert wait_end(server, drill)["because"] == "reload"
    begin_override(scene, server)
    take_over(server)
    server.wait(lambda: not overrides(server) and is_back(scene, server), "the takeover has ended it")
    drill = begin_override(scene, server)
    note = scene.folder / "var/drills"
    server.wait(lambda: note.exists() and drill["id"] in note.read_text(), "it is written down that it runs")
    server.wait(lambda: [entry for entry in server.get("/v1/journal?kind=override")["items"] if drill["id"] in entry["reason"]], "so is its override")
    server.kill()
    server = scene.start()
    server.wait(lambda: not overrides(server) and is_back(scene, server), "the next process has removed it")
    assert look(server, drill)["because"] == "restart"


def test_the_switch_of_a_dead_man(scene):
    """Nobody knows of the drill any more, and its end comes all the same."""
    server = scene.running[0]
    drill = begin_override(scene, server, duration="4s")
    server.wait(lambda: [entry for entry in server.get("/v1/journal?kind=override")["items"] if drill["id"] in entry["reason"]], "its override is written")
    server.kill()
    (scene.folder / "var/drills").write_text("")
    with contextlib.closing(sqlite3.connect(scene.folder / "var/store.db", isolation_level=None)) as store:
        for table in "objects", "journal":
            store.execute(f"DELETE FROM {table} WHERE kind = 'live-drill'")
    server = scene.start()
    server.wait(lambda: not overrides(server) and is_back(scene, server), "it has expired")
    assert server.get("/v1/drills")["items"] == []


def test_the_wall_clock_is_set(scene):
    scene.close(), scene.running.clear(), scene.webs.clear()
    clock = Clock(scene)
    scene.web(*scene.us), scene.web(*scene.eu)
    server = scene.start()
    server.wait_state("endpoint", "web-us-east-1a", effective="healthy")
    server.wait_state("endpoint", "web-eu-west-1a", effective="healthy")
    drill = begin_override(scene, server, duration="6s")
    clock.set(server, -86400), clock.set(server, 2 * 86400)
    assert look(server, drill)["state"] == "running" and addresses(ask(server, source=None)) == scene.eu
    assert wait_end(server, drill)["because"] == "time"
    server.wait(lambda: not overrides(server) and is_back(scene, server), "nothing is left of it")
