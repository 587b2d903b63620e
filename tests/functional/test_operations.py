# SPDX-License-Identifier: BSD-3-Clause
"""Prefer: respond-async (RFC 7240): what takes long goes on without its client, as an operation that is looked at, cancelled,
listed by who may see it, kept for a while, and gone with the process."""
import json
import os
import pty
import signal
import subprocess

import pytest

import gatekit
import kit
from test_work import DRILL, WHAT_IF, make_crowd, wait_running

ASYNC = {"Prefer": "respond-async"}
PROBLEM = "urn:steerd:problem:"
ENDED = ("succeeded", "failed", "cancelled")


@pytest.fixture
def server(site):
    kit.make_regions(site, interval="1h")
    site.zone("example.com", "www 60 IN A 192.0.2.99\n")
    return site.start()


@pytest.fixture(name="crowd")
def fixture_crowd(site):
    make_crowd(site, names=450, rules=99)  # a drill of seconds
    return site.start()


def begin(server, method, path, body=None, **headers):
    """202; returns the path of the operation."""
    reply = server.request(method, path, body, {**ASYNC, **headers})
    assert reply.status == 202 and reply.headers["Preference-Applied"] == "respond-async", reply
    assert reply.headers["Location"] == "/v1/operations/" + reply.json["id"] and reply.json["result"] is None
    return reply.headers["Location"]


def end(server, path):
    def look():
        operation = server.get(path)
        return operation if operation["state"] in ENDED else None
    return server.wait(look, f"{path} has ended")


DRAIN_US = b'{"kind":"override","key":"region:us","value":{"state":"drain","reason":"r"}}\n'
LOST = {"mode": "simulate", "lose": ["region:us-east"], "from": "healthy"}


@pytest.mark.parametrize("method, path, body", [
    ("POST", "/v1/drills", LOST), ("POST", "/v1/what-if", {"assume": ["region:us-east=down"]}), ("POST", "/v1/journal:verify", None),
    ("POST", "/v1/reload?dry_run=true", None), ("POST", "/v1/restore?dry_run=true", {"to": "1s"}), ("GET", "/v1/config/drift", None),
    ("POST", "/v1/import?dry_run=true", b'{"kind":"override","key":"region:us-east","value":{"state":"drain","reason":"r"}}\n')])
def test_the_result_is_the_answer_that_a_patient_client_gets(server, method, path, body):
    headers = {"Content-Type": "application/jsonl"} if isinstance(body, bytes) else {}
    location = begin(server, method, path, body, **headers)
    operation = end(server, location)
    patient = server.request(method, path, body, headers)
    assert operation["request"] == f"{method} {path}" and operation["status"] == patient.status, (operation, patient)
    told, other = (operation["result"], operation["problem"]) if patient.status == 200 else (operation["problem"], operation["result"])
    assert other is None and sorted(told) == sorted(patient.json), (operation, patient)
    assert operation["state"] == ("succeeded" if patient.status == 200 else "failed") and not operation["cancellable"]
    assert operation["created"] <= operation["ended"] < operation["expires"]


def test_a_change_is_made_once_and_its_answer_told_by_key_and_operation(server):
    key = {"Idempotency-Key": '"k"'}
    location = begin(server, "POST", "/v1/import?reason=r&allow_unserved=true&without_point=true",
                     b'{"kind":"override","key":"region:us-east","value":{"state":"drain","reason":"r"}}\n',
                     **{"Content-Type": "application/jsonl"}, **key)
    operation = end(server, location)
    assert operation["state"] == "succeeded" and server.get("/v1/regions/us-east/override")["state"] == "drain"
    again = server.request("POST", "/v1/import?reason=r&allow_unserved=true&without_point=true",
                           b'{"kind":"override","key":"region:us-east","value":{"state":"drain","reason":"r"}}\n',
                           {"Content-Type": "application/jsonl", **ASYNC, **key})
    assert (again.status, again.headers["Idempotency-Replayed"], again.json) == (200, "true", operation["result"])
    assert len(server.get("/v1/journal?kind=override")["items"]) == 1


def test_what_is_refused_at_once_is_answered_at_once(server):
    for path, body, status in (("/v1/restore", {"to": "1s"}, 422), ("/v1/config:apply", {"edits": []}, 422), ("/v1/drills", "{", 202)):
        reply = server.request("POST", path, body, ASYNC)  # bodies of drills are read by the worker
        assert reply.status == status and ("Location" in reply.headers) == (status == 202)
    assert end(server, reply.headers["Location"])["problem"]["type"] == PROBLEM + "bad-json"
    assert len(server.get("/v1/operations")["items"]) == 1


def test_what_is_refused_later_is_the_problem_of_the_operation(server):
    operation = end(server, begin(server, "POST", "/v1/drills", {"mode": "simulate", "lose": ["region:nowhere"]}))
    assert operation["state"] == "failed" and operation["status"] == 422 and operation["result"] is None
    assert operation["problem"]["type"] == PROBLEM + "invalid-fields"


def test_who_waits_long_enough_gets_the_answer(server):
    for prefer in "respond-async, wait=60", 'wait="60";x=",", Respond-Async; foo', "wait=60, handling=lenient", "wait=0":
        reply = server.request("POST", "/v1/drills", LOST, {"Prefer": prefer})
        assert reply.status == 200 and "Location" not in reply.headers, prefer
    assert server.request("GET", "/v1/status", None, ASYNC).status == 200  # no such work
    assert server.get("/v1/operations")["items"] == []


def test_progress_is_seen_and_the_running_and_the_waiting_are_cancelled(crowd):
    drill = begin(crowd, "POST", "/v1/drills", DRILL)
    wait_running(crowd, "drill")
    waiting = begin(crowd, "POST", "/v1/what-if", WHAT_IF)
    assert crowd.get(waiting)["state"] == "waiting" and crowd.get(waiting)["cancellable"]
    plan = begin(crowd, "POST", "/v1/import?dry_run=true", DRAIN_US, **{"Content-Type": "application/jsonl"})
    assert (crowd.get(plan)["state"], crowd.get(plan)["cancellable"]) == ("waiting", False)
    crowd.wait(lambda: (crowd.get(drill)["progress"] or {"done": 0})["done"] > 0, "it is further")
    operation = crowd.get(drill)
    assert operation["state"] == "running" and 0 < operation["progress"]["done"] <= operation["progress"]["of"]
    gone = crowd.request("DELETE", waiting)
    assert gone.status == 200 and gone.json["state"] == "cancelled" and gone.json["status"] is None
    assert [item["id"] for item in crowd.get("/v1/operations")["items"]] == [path.rsplit("/", 1)[1] for path in (plan, waiting, drill)]
    assert crowd.request("DELETE", drill).json["state"] in ("cancelling", "cancelled")
    operation = end(crowd, drill)
    assert operation["state"] == "cancelled" and operation["result"] is None and operation["problem"] is None
    assert crowd.request("DELETE", drill).status == 409
    planned = end(crowd, plan)
    assert planned["state"] == "succeeded" and planned["result"]["dry_run"]


def test_what_changes_something_is_not_given_up(server):
    location = begin(server, "POST", "/v1/reload")
    assert server.request("DELETE", location).json["type"] == PROBLEM + "conflict"
    assert end(server, location)["result"]["generation"] == 2


def test_pages(server):
    paths = [begin(server, "POST", "/v1/drills", LOST) for _ in range(5)]
    for path in paths:
        end(server, path)
        head, got = server.request("HEAD", path), server.request("GET", path)
        assert head.body == b"" and head.headers["Content-Length"] == got.headers["Content-Length"] == str(len(got.body))
    found, cursor = [], ""
    while cursor is not None:
        page = server.get("/v1/operations?limit=2" + (f"&cursor={cursor}" if cursor else ""))
        found += page["items"]
        cursor = page["next_cursor"]
    assert ["/v1/operations/" + item["id"] for item in found] == paths[::-1] and "result" not in found[0]


def test_a_restart_forgets_them_and_says_so(server):
    location = begin(server, "POST", "/v1/drills", LOST)
    end(server, location)
    server.stop()
    server.start()
    reply = server.request("GET", location)
    assert reply.status == 404 and "not of this process" in reply.json["detail"]
    assert "there is no operation" in server.request("GET", "/v1/operations/nothing").json["detail"]
    assert server.request("DELETE", "/v1/operations/00000000-99").status == 404


def test_the_server_ends_amid_them(crowd):
    begin(crowd, "POST", "/v1/drills", DRILL)
    begin(crowd, "POST", "/v1/what-if", WHAT_IF)
    key = {"Idempotency-Key": '"k"'}
    location = begin(crowd, "POST", "/v1/reload", **key)  # the same request, while it is under way: the same operation
    again = crowd.request("POST", "/v1/reload", None, {**ASYNC, **key})
    assert again.headers["Location"] == location or again.headers["Idempotency-Replayed"] == "true"
    crowd.stop()


def test_who_asked_and_admins_see_them(site):
    site.pki = gatekit.make_pki(site)
    at = gatekit.listen(site, site.pki)
    kit.make_regions(site, interval="1h")
    server = site.zone("example.com", "www 60 IN A 192.0.2.99\n").start()

    def make(name, role):
        secret = server.request("POST", "/v1/tokens", {"name": name, "role": role}).json["secret"]
        return gatekit.Remote(at, site.pki, token=secret)
    alice, bob, carol = make("alice", "viewer"), make("bob", "operator"), make("carol", "admin")
    location = begin(alice, "POST", "/v1/drills", LOST)
    assert end(server, location)["peer"] == "token:alice"  # over the socket comes an admin
    assert alice.request("GET", location).json["result"] == carol.request("GET", location).json["result"] is not None
    assert bob.request("GET", location).status == bob.request("DELETE", location).status == 404
    assert "not kept any more, or somebody else's" in bob.request("GET", location).json["detail"]
    assert [len(who.request("GET", "/v1/operations").json["items"]) for who in (alice, bob, carol)] == [1, 0, 1]


def test_who_leaves_at_once_begins_nothing_that_fails(crowd):
    """Whether it is noticed before or after the 202 is open; what goes on then is a drill that nobody has cancelled."""
    body = json.dumps(DRILL)
    for _ in range(8):
        connection = kit.UnixConnection(crowd.site.socket)
        connection.request("POST", "/v1/drills", body, {"Content-Type": "application/json", **ASYNC})
        connection.close()
    waited = crowd.request("POST", "/v1/drills", LOST, {"Prefer": "respond-async, wait=0"})
    assert waited.status in (202, 422)
    begun = crowd.get("/v1/operations")["items"]
    assert all(item["state"] in ("waiting", "running") for item in begun if item["id"] not in waited.headers.get("Location", "")), begun
    for item in begun:
        crowd.request("DELETE", "/v1/operations/" + item["id"])


def test_edits_and_what_was_are_operations_as_well(site):
    kit.make_regions(site, interval="1h")
    site.server["documents"] = {"owner": "api"}
    server = site.zone("example.com", "www 60 IN A 192.0.2.99\n").start()
    server.wait(lambda: all(document["revision"] for document in server.get("/v1/config")["documents"]), "files are taken over")

    def carry_out(method, path, body=None):
        return end(server, begin(server, method, path, body))

    def edit(**value):
        return {"edits": [{"op": "merge", "kind": "endpoint", "name": "web-us-east-1a", "value": value}]}
    assert carry_out("POST", "/v1/config:apply?dry_run=true", edit(weight=7))["result"]["dry_run"]
    assert "weight" not in server.get("/v1/config/endpoints/web-us-east-1a")["value"]
    assert carry_out("POST", "/v1/config:apply", edit(weight=7))["result"]["documents"][0]["name"] == "topology.json"
    assert server.get("/v1/config/endpoints/web-us-east-1a")["value"]["weight"] == 7
    refused = carry_out("POST", "/v1/config:apply", edit(az="mars"))
    assert (refused["state"], refused["status"], refused["problem"]["type"]) == ("failed", 422, PROBLEM + "config-invalid")
    assert carry_out("POST", "/v1/config:import?reason=back")["state"] == "succeeded"
    assert "weight" not in server.get("/v1/config/endpoints/web-us-east-1a")["value"]
    for path in "/v1/diff?from=1h", "/v1/explain?name=www.example.com&at=1h":
        assert carry_out("GET", path)["problem"]["errors"][0]["field"] in ("from", "at")  # that was before the server
    assert server.get("/v1/operations")["items"][0]["request"] == "GET /v1/explain"


# ---- steerctl ----

def run_at_terminal(server, *words):
    """steerctl with a terminal as its stderr: the process, and what comes out of that."""
    ours, its = pty.openpty()
    process = subprocess.Popen([str(kit.STEERCTL), "-s", str(server.site.socket), *words], stdout=subprocess.PIPE, stderr=its, text=True)
    os.close(its)
    return process, ours


def read_until(ours, *words):
    text = ""
    while not any(word in text for word in words):
        try:
            text += os.read(ours, 4096).decode()
        except OSError:  # it has ended
            break
    return text


def occupy(server, count=3):
    """Work that whatever comes later waits for, until it is cancelled."""
    return [begin(server, "POST", "/v1/drills", DRILL) for _ in range(count)]


VERIFY = ["audit", "verify"]  # quick, but it has to wait for drills


def test_steerctl_shows_progress_and_gives_up_when_it_is_interrupted_or_cancelled(crowd):
    before = occupy(crowd)
    started = [run_at_terminal(crowd, *VERIFY) for _ in range(3)]
    for _, ours in started:
        assert "\raudit: waiting, " in read_until(ours, "audit: waiting, ")
    theirs = [item["id"] for item in crowd.get("/v1/operations")["items"][:3]]
    (first, _), (second, _), (third, _) = started
    second.send_signal(signal.SIGINT)
    second.communicate(timeout=kit.PATIENCE_S)
    assert second.returncode == -signal.SIGINT
    left = [name for name in theirs if crowd.get(f"/v1/operations/{name}")["state"] == "waiting"]
    assert len(left) == 2
    assert "cancelled" in crowd.ctl("operations", "cancel", left[0]).stdout
    for path in before:
        crowd.request("DELETE", path)
    outs = {process.returncode: out for process, out in ((each, each.communicate(timeout=kit.PATIENCE_S)[0]) for each in (first, third))}
    told = "".join(read_until(ours, "never") for _, ours in started)
    assert outs.keys() == {0, 1} and "whole" in outs[0] and outs[1] == "" and "Somebody has cancelled it" in told
    for _, ours in started:
        os.close(ours)
    assert crowd.get(f"/v1/operations/{left[1]}")["state"] == "succeeded"


def test_steerctl_lists_and_shows_them(server):
    path = begin(server, "POST", "/v1/drills", LOST)
    end(server, path)
    bad = begin(server, "POST", "/v1/drills", "{")
    end(server, bad)
    name, other = path.rsplit("/", 1)[1], bad.rsplit("/", 1)[1]
    lines = server.ctl("operations").stdout.splitlines()
    assert lines[0].split() == ["OPERATION", "REQUEST", "BY", "STATE", "PROGRESS", "BEGUN"]
    assert [(line.split()[0], word in line) for line, word in zip(lines[1:], ("failed", "succeeded"))] == [(other, True), (name, True)]
    assert server.ctl_json("operations", name) == server.get(path) and '"text":' in server.ctl("operations", name).stdout
    assert "The body is not valid JSON" in server.ctl("operations", other).stdout
    assert len(server.ctl_json("operations")["items"]) == 2
    assert "it has ended (failed)" in server.ctl("operations", "cancel", other, code=1).stderr
    assert "there is no operation" in server.ctl("operations", "x", code=4).stderr
    assert "expected: operations cancel ID" in server.ctl("operations", "stop", "x", code=2).stderr
