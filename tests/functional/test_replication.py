# SPDX-License-Identifier: BSD-3-Clause
"""Replication lag: from a check's JSON field or from reports, per pair of regions or azs. It is shown, counted and told; it marks
nothing down and moves no answer. What is too old is unknown and has an age."""
import json
import socket
import threading
import time

import pytest

import kit
import nameserver
import takeovers
from takeovers import take_over
from test_last_health import wait_kept

reaper = takeovers.reaper  # a fixture

US, EU = "us-east", "eu-west"


class Replica:
    """Says over HTTP how far it lags: `answer` is the body, or None to close without a word."""

    def __init__(self):
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        self.answer, self.asked = b'{"lag": 0.5}', 0
        threading.Thread(target=self.run, daemon=True).start()

    def say(self, text):
        self.answer = text if isinstance(text, bytes) or text is None else json.dumps(text).encode()

    def run(self):
        while True:
            try:
                connection, _ = self.listener.accept()
            except OSError:
                return
            with connection:
                connection.recv(4096)
                self.asked += 1
                if self.answer is not None:
                    connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s" % (len(self.answer), self.answer))

    def close(self):
        self.listener.close()


@pytest.fixture
def replica():
    one = Replica()
    yield one
    one.close()


@pytest.fixture
def scene(site, replica):
    site.at = kit.make_regions(site, azs=("us-east-1a", "eu-west-1a"))
    for endpoint in site.topology["endpoints"].values():
        endpoint["checks"] = []
    site.topology["checks"]["db"] = {"type": "http", "port": replica.port, "interval": "500ms", "timeout": "500ms",
                                     "lag": {"value": "/lag", "unit": "s", "stage": "/stage"}}
    site.topology["objectives"] = {"rpo": "30s"}
    regions = site.topology["regions"]
    regions[US]["replicates_to"] = [{"to": EU, "lag": {"check": "db", "address": "127.0.0.1"}, "max_age": "1500ms", "hold": "0s"}]
    regions[EU]["replicates_to"] = [{"to": US, "lag": "push", "stage": "full", "rpo": "1s", "max_age": "10m", "hold": "1s"}]
    site.zone("example.com", "")
    site.policy("example.com", {"www": {"ttl": 5, "endpoints": ["web-*"], "tiers": [["us-east"], ["eu-west"]]}})
    site.write()
    return site


def pair(server, origin=US, to=EU):
    return next(row for row in server.get("/v1/replication")["items"] if (row["from"], row["to"]) == (origin, to))


def wait(server, found, origin=US, to=EU):
    return server.wait(lambda: (row := pair(server, origin, to)) and found(row) and row, f"{origin} to {to} is as wanted")


def report(server, lag, origin=EU, to=US, status=200, **more):
    reply = server.request("POST", "/v1/report", {"from": origin, "to": to, "lag": lag, **more})
    assert reply.status == status, reply
    return reply.json


def counts(server):
    found = server.get("/v1/status")["replication"]
    return found["pairs"], found["over_rpo"], found["unknown"]


def metrics(server):
    return server.request("GET", "/metrics").body.decode()


def test_a_lag_grows_and_stops(scene, replica):
    server = scene.start()
    row = wait(server, lambda row: row["lag"] == 0.5)
    assert (row["unit"], row["rpo"], row["rpo_ms"], row["check"], row["outcome"]) == ("s", "kept", 30000, "db", "ok")
    assert row["address"] == f"127.0.0.1:{replica.port}" and row["why"] is None and row["source"] == "check"
    answers = server.addresses("www.example.com")
    replica.say({"lag": 31})
    row = wait(server, lambda row: row["rpo"] == "over")
    assert row["lag"] == 31 and counts(server) == (2, 1, 1)
    server.wait_log("replication", f"name={US}", "rpo_is=over", "rpo_was=kept", "lag=\"31 s\"")
    text = metrics(server)
    labels = f'{{kind="region",from="{US}",to="{EU}"}}'
    assert f"steerd_replication_lag_seconds{labels} 31" in text and f"steerd_replication_over_rpo{labels} 1" in text
    assert server.addresses("www.example.com") == answers, "it moves no answer"
    replica.say({"lag": 2})
    wait(server, lambda row: row["rpo"] == "kept" and row["lag"] == 2)
    replica.close()  # refused from now on
    row = wait(server, lambda row: row["rpo"] == "unknown")
    assert row["lag"] is None and row["last_lag"] == 2 and row["age_ms"] >= 1000 and "refused" in row["why"]
    assert counts(server) == (2, 0, 2)
    assert f"steerd_replication_lag_seconds{labels}" not in metrics(server)
    assert f"steerd_replication_over_rpo{labels}" not in metrics(server)
    server.wait_log("replication", f"name={US}", "rpo_is=unknown")
    assert {one["effective"] for one in server.get("/v1/endpoints")["items"]} == {"unknown"}, "and marks nothing down"
    assert server.addresses("www.example.com") == answers


def write(path, text):
    fresh = path.with_name(path.name + ".new")
    fresh.write_text(text if isinstance(text, str) else json.dumps(text))
    fresh.rename(path)


def source(scene, check, **asked):
    """The lag of the first pair is known from there."""
    lag = {"value": "/db/0/lag", "unit": "ms", "stage": {"pointer": "/db/0/state", "start": "INITIAL"}}
    scene.topology["checks"]["db"] = {"interval": "500ms", "lag": lag, **check}
    pair_of = scene.topology["regions"][US]["replicates_to"][0]
    pair_of["lag"] = {"check": "db", **asked}
    scene.write()


def said(value, state="full"):
    return {"about": "x" * 5000, "db": [{"state": state, "lag": value}]}


@pytest.mark.parametrize("asked", [{}, {"address": "192.0.2.7"}, {"address": "::1"}])
def test_from_a_command(scene, asked):
    """What it says is a document; what it exits with decides whether that counts."""
    said_path, code = scene.folder / "said.json", scene.folder / "code"
    write(said_path, said(1500, "INITIAL")), write(code, "0")
    source(scene, {"type": "exec", "timeout": "500ms", "output_max": 8192, "command": [
        "/bin/sh", "-c", 'test "$1" = "$2" || exit 2; cat "$3"; exit "$(cat "$4")"', "-", "%ADDRESS%", asked.get("address", "127.0.0.1"),
        str(said_path), str(code)]}, **asked)
    server = scene.start()
    row = wait(server, lambda row: row["lag"] == 1500)
    assert (row["unit"], row["stage"], row["rpo"], row["check"], row["outcome"]) == ("ms", "start", "kept", "db", "ok")
    assert (row["address"] is None) is (not asked) and row["source"] == "check"
    write(said_path, said(31000))
    row = wait(server, lambda row: row["rpo"] == "over" and row["stage"] == "full")
    assert row["lag"] == 31000
    write(said_path, said("31000"))
    row = wait(server, lambda row: row["rpo"] == "unknown")
    assert row["had_lag"] is False and "/db/0/lag" in row["why"] and row["last_lag"] == 31000
    write(said_path, said(0))
    wait(server, lambda row: row["lag"] == 0)
    write(code, "2")
    row = wait(server, lambda row: row["rpo"] == "unknown")
    assert row["outcome"] == "bad_exit" and row["last_lag"] == 0, "a command that fails says nothing of a lag"


def test_from_a_file(scene):
    """A new file is a new word, whatever the interval; one that nobody writes any more grows old."""
    path = scene.folder / "lag.json"
    write(path, said(250))
    source(scene, {"type": "file", "file": str(path), "max_age": "30s", "interval": "30s"})
    del scene.topology["regions"][US]["replicates_to"][0]["max_age"]
    scene.write()
    server = scene.start()
    row = wait(server, lambda row: row["lag"] == 250)
    assert (row["stage"], row["address"], row["outcome"]) == ("full", None, "ok")
    [file] = server.get("/v1/status")["files"]
    assert (file["path"], file["format"], file["state"]) == (str(path), "json", "good")
    write(path, said(40000))
    wait(server, lambda row: row["rpo"] == "over" and row["lag"] == 40000)
    write(path, '{"db": [{"lag": 7')
    server.wait(lambda: server.get("/v1/status")["files"][0]["state"] == "refused", "what is half a document is refused")
    assert pair(server)["lag"] == 40000, "what it said before stands"
    write(path, '[]')
    wait(server, lambda row: row["had_lag"] is False)
    path.unlink()
    row = wait(server, lambda row: row["outcome"] == "local_error")
    assert row["last_lag"] == 40000
    write(path, said(1))
    wait(server, lambda row: row["lag"] == 1 and row["rpo"] == "kept")


def test_a_file_that_is_not_written_any_more(scene):
    path = scene.folder / "lag.json"
    write(path, said(250))
    source(scene, {"type": "file", "file": str(path), "max_age": "2s"})
    server = scene.start()
    wait(server, lambda row: row["lag"] == 250)
    row = wait(server, lambda row: row["rpo"] == "unknown")
    assert row["last_lag"] == 250 and row["outcome"] == "local_error"


@pytest.mark.parametrize("kind", ["http", "exec"])
def test_a_host_name_is_asked(scene, replica, kind):
    """Its addresses follow what the resolver says."""
    resolver = nameserver.Nameserver({"db.example.net": {"A": ["127.0.0.2"]}})
    try:
        scene.server["resolver"] = {"servers": [resolver.at]}
        pair_of = scene.topology["regions"][US]["replicates_to"][0]
        pair_of["lag"]["address"] = "db.example.net"
        if kind == "exec":
            source(scene, {"type": "exec", "timeout": "500ms", "command": [
                "/bin/sh", "-c", 'test "$1" = 127.0.0.1 || exit 2; echo "{\\"db\\": [{\\"lag\\": 500, \\"host\\": \\"$2\\"}]}"', "-",
                "%ADDRESS%", "%HOST%"]}, address="db.example.net")
        scene.write()
        server = scene.start()
        row = wait(server, lambda row: row["outcome"] in ("refused", "bad_exit"))
        assert row["address"] == ("db.example.net" if kind == "exec" else f"db.example.net:{replica.port}")
        assert row["lag"] is None
        resolver.records["db.example.net"]["A"] = ["127.0.0.1"]
        wait(server, lambda row: row["lag"] in (0.5, 500) and row["outcome"] == "ok")
        scene.topology["objectives"]["rpo"] = "20s"
        scene.write()
        server.reload()
        wait(server, lambda row: row["rpo_ms"] == 20000 and row["outcome"] == "ok" and row["lag"] is not None)
        resolver.records["db.example.net"] = {}
        wait(server, lambda row: row["outcome"] == "unresolved")
    finally:
        resolver.close()


def test_stages_of_answers(scene, replica):
    """In their own words; where none is said the stage is not known."""
    scene.topology["checks"]["db"]["lag"]["stage"] = {"pointer": "/rep~1state", "start": "INITIAL", "real_time": "STREAMING"}
    scene.topology["checks"]["db"]["json"] = [{"pointer": "/ok", "value": True}]
    scene.write()
    server = scene.start()
    replica.say({"lag": 1, "ok": True, "rep/state": "STREAMING"})
    row = wait(server, lambda row: row["stage"] == "real_time")
    assert row["stage_source"] == "feed" and row["lag"] == 1
    replica.say({"rep/state": "INITIAL", "ok": True, "lag": 1})
    wait(server, lambda row: row["stage"] == "start")
    server.wait_log("replication", f"name={US}", "stage=start", "stage_was=real_time")
    replica.say({"lag": 1, "ok": True, "rep/state": "full"})
    wait(server, lambda row: row["stage"] == "full")
    for answer in ({"lag": 2, "ok": True, "rep/state": "?"}, {"lag": 3, "ok": True}, {"lag": 4, "ok": True, "rep/state": 5}):
        replica.say(answer)
        row = wait(server, lambda row, lag=answer["lag"]: row["lag"] == lag)
        assert (row["stage"], row["stage_source"]) == (None, None)
    replica.say({"lag": 5, "ok": False, "rep/state": "full"})
    row = wait(server, lambda row: row["rpo"] == "unknown")
    assert row["last_lag"] == 4 and "bad_body" in row["why"] and row["stage"] is None


@pytest.mark.parametrize("body", [b'{"lag": -1}', b'{"lag": NaN}', b'{"lag": 1e400}', b'{"lag": "7"}', b'{"lag": null}', b"{}",
                                  b"\xff\x00garbage", b'{"lag": 7', b'{"lag": -0.0}', b"", None, b'{"lag": [7]}', b'{"lag": true}'])
def test_what_is_no_lag(scene, replica, body):
    """It is not taken for 0, nor for anything else: the last word grows old."""
    server = scene.start()
    wait(server, lambda row: row["lag"] == 0.5)
    replica.say(body)
    row = wait(server, lambda row: row["rpo"] == "unknown")
    assert row["lag"] is None and row["last_lag"] == 0.5 and row["had_lag"] is False
    assert ("/lag" in row["why"]) is (row["outcome"] == "ok"), row
    replica.say({"lag": 1})
    wait(server, lambda row: row["lag"] == 1 and row["rpo"] == "kept")


def test_reports(scene):
    server = scene.start()
    row = pair(server, EU, US)
    assert (row["lag"], row["rpo"], row["stage"], row["stage_source"]) == (None, "unknown", "full", "declared")
    assert report(server, 400, unit="ms", stage="real_time", actor="dr-tool") == {
        "from": EU, "to": US, "lag": 400, "unit": "ms", "taken": True, "ignored": None}
    row = wait(server, lambda row: row["stage"] == "real_time", EU, US)  # has held
    assert (row["lag"], row["unit"], row["rpo"], row["actor"], row["stage_source"]) == (400, "ms", "kept", "dr-tool", "feed")
    server.wait_log("replication", f"name={EU}", "stage=real_time", "stage_was=full", "actor=dr-tool")
    report(server, 1.5, seq=7)
    row = pair(server, EU, US)
    assert (row["rpo"], row["stage"], row["stage_source"]) == ("over", "full", "declared")
    assert report(server, 0, seq=7)["ignored"] == report(server, 0, seq=6)["ignored"] == "replayed"
    long_ago = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() - 700))
    assert report(server, 0, time=long_ago)["ignored"] == "late"
    report(server, 0, seq=8)
    assert pair(server, EU, US)["lag"] == 0
    wait(server, lambda row: row["rpo"] == "kept", EU, US)
    report(server, 5e9, unit="bytes", ttl="1s")
    row = pair(server, EU, US)
    assert (row["lag"], row["unit"], row["rpo"]) == (5e9, "bytes", "unknown")
    wait(server, lambda row: row["lag"] is None and row["last_lag"] == 5e9, EU, US)


@pytest.mark.parametrize("body, status", [
    ({"from": EU, "to": "nowhere", "lag": 1}, 404), ({"from": "web-1", "to": US, "lag": 1}, 404), ({"from": US, "to": US, "lag": 1}, 404),
    ({"from": US, "to": EU, "lag": 1}, 422), ({"from": EU, "to": US}, 422), ({"from": EU, "to": US, "lag": -1}, 422),
    ({"from": EU, "to": US, "lag": "1"}, 422), ({"from": EU, "to": US, "lag": 1e16}, 422), ({"lag": 1}, 422),
    ({"from": EU, "to": US, "lag": 1, "unit": "h"}, 422), ({"from": EU, "to": US, "lag": 1, "stage": "done"}, 422),
    ({"from": EU, "to": US, "lag": 1, "state": "up"}, 422), ({"from": EU, "to": US, "lag": 1, "ttl": "0s"}, 422),
])
def test_what_is_no_report(scene, body, status):
    server = scene.start()
    reply = server.request("POST", "/v1/report", body)
    assert reply.status == status, reply
    reply = server.request("POST", "/v1/report", b'{"from": "eu-west", "to": "us-east", "lag": 1e400}')
    assert reply.status == 400, reply
    assert pair(server, EU, US)["age_ms"] is None


def test_kept(scene, reaper):  # pylint: disable=unused-argument
    """By a reload, a restart and a takeover; with its age."""
    server = scene.start()
    report(server, 20, stage="start", seq=3, actor="dr-tool")
    was = pair(server, EU, US)
    assert (was["rpo"], was["stage"]) == ("over", "start")

    def same():
        row = pair(server, EU, US)
        return all(row[key] == was[key] for key in ("lag", "rpo", "stage", "actor", "since", "reported")) and row["age_ms"] >= 0
    scene.topology["objectives"]["rpo"] = "20s"
    scene.write()
    server.reload()
    assert pair(server)["rpo_ms"] == 20000 and same()
    wait_kept(scene, server)
    server.stop()
    server = scene.start()
    assert same(), (was, pair(server, EU, US))
    assert report(server, 0, seq=3)["ignored"] == "replayed"
    old, _ = take_over(server)
    assert old.wait(kit.PATIENCE_S) == 0
    assert same(), (was, pair(server, EU, US))


def test_steerctl(scene, replica):
    replica.say({"lag": 3.25, "stage": "real_time"})
    server = scene.start()
    wait(server, lambda row: row["lag"] == 3.25)
    text = server.ctl("replication").stdout
    assert text.split("\n")[0].split() == ["FROM", "TO", "STAGE", "LAG", "AGE", "RPO", "STATE", "SOURCE", "WHY"]
    assert "3.25 s" in text and "unknown" in text and "nothing was ever said" in text
    assert server.ctl("lag").stdout.split("\n")[0] == text.split("\n")[0]
    assert len(json.loads(server.ctl("lag", "--json").stdout)["items"]) == 2
    first = server.get("/v1/replication?limit=1")
    assert first["next_cursor"] == f"{US}/{EU}" and len(first["items"]) == 1
    rest = server.get(f"/v1/replication?limit=1&cursor={first['next_cursor']}")
    assert rest["next_cursor"] is None and rest["items"][0]["from"] == EU
    assert server.request("GET", "/v1/replication?cursor=x/y").status == 422
    assert "0 of 2 pairs over their RPO, 1 unknown" in server.ctl("status").stdout


def as_file(topology):
    check = {"type": "file", "file": "/nonexistent", "format": "json", "max_age": "1m", "lag": {"value": "/lag", "unit": "s"}}
    topology["checks"]["db"] = check
    return check


@pytest.mark.parametrize("change, words", [
    (lambda t: t["regions"][US]["replicates_to"].append({"to": "nowhere"}), 'no region "nowhere"'),
    (lambda t: t["regions"][US]["replicates_to"].append(US), f'region "{US}" replicates to itself'),
    (lambda t: t["regions"][US]["replicates_to"].append(EU), f'"{US}" replicates to "{EU}" already, in line'),
    (lambda t: t["regions"][US]["replicates_to"].append("us-east-1a"), '"us-east-1a" is an az, expected a region'),
    (lambda t: t["regions"][US].update(replicates_to=EU), "expected an array of names"),
    (lambda t: t["regions"][US]["replicates_to"][0].update(lag={"check": "db"}), "address"),
    (lambda t: t["regions"][US]["replicates_to"][0].update(lag={"check": "web", "address": "127.0.0.1"}), 'asks for no lag'),
    (lambda t: t["regions"][US]["replicates_to"][0].update(lag={"check": "x", "address": "127.0.0.1"}), "the name of a check"),
    (lambda t: t["regions"][US]["replicates_to"][0].update(lag="pull"), 'expected "push", or an object'),
    (lambda t: t["regions"][US]["replicates_to"][0].update(stage="done"), '"start", "full" or "real_time"'),
    (lambda t: t["regions"][US]["replicates_to"][0].update(pace=1), "pace"),
    (lambda t: t["regions"][US]["replicates_to"][0].update(stage="full"), "says the stage itself"),
    (lambda t: (t["checks"]["db"].update(interval="1m", timeout="1s")), "the interval and the timeout"),
    (lambda t: (t["checks"]["db"]["lag"].update(unit="bytes"), t["regions"][US]["replicates_to"][0].update(rpo="1s")),
     "which no RPO can be compared with"),
    (lambda t: t["checks"]["db"]["lag"].update(unit="h"), '"s", "ms" or "bytes"'),
    (lambda t: t["checks"]["db"]["lag"].update(value="lag"), "a JSON pointer"),
    (lambda t: t["regions"][US]["replicates_to"][0]["lag"].update(address="a..b"), "a host name such as"),
    (lambda t: t["regions"][US]["replicates_to"][0]["lag"].update(address=7), "an IPv4 or IPv6 address, or a host name"),
    (lambda t: as_file(t).update(format="steerd"), '"lag" without the format "json"'),
    (lambda t: as_file(t).pop("lag"), 'the format "json" without "lag"'),
    (lambda t: as_file(t).update(key="x"), '"key" has no meaning beside "lag"'),
    (lambda t: as_file(t).pop("max_age"), '"max_age"'),
    (as_file, "looks into a file"),
    (lambda t: t["checks"]["db"].update(load="/load"), '"lag" beside "load"'),
    (lambda t: t["checks"]["db"].update(method="HEAD"), "to which there is no body"),
    (lambda t: t["checks"]["db"]["lag"].update(stage={"pointer": "/s", "full": "x", "start": "x"}), "means both"),
    (lambda t: next(iter(t["endpoints"].values())).update(checks=["db"]), "which is no verdict of an endpoint"),
])
def test_words_of_errors(scene, change, words):
    change(scene.topology)
    scene.write()
    done = kit.run_steerd("-c", str(scene.config), "--check")
    assert done.returncode == 1 and words in done.stderr, done.stderr
