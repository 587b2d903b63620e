# SPDX-License-Identifier: BSD-3-Clause
"""GET /v1/events: what changes is told as it happens, in order; who comes again goes on where he was; who is slow is told what
he missed, and holds up nobody."""
import json
import pathlib
import re
import socket
import subprocess
import threading

import kit
import openapi
import pytest
from takeovers import reaper, take_over  # noqa: F401  pylint: disable=unused-import
from test_history import order, remove, scene  # noqa: F401  pylint: disable=unused-import

US, EU = "region:us-east", "region:eu-west"


class Events:
    """One client: everything that it was sent."""

    def __init__(self, server, query="", **headers):
        self.connection = kit.UnixConnection(server.site.socket)
        self.connection.request("GET", f"/v1/events{query}", headers={key.replace("_", "-"): value for key, value in headers.items()})
        self.reply = self.connection.getresponse()
        self.items, self.ended, self.last_id, self.comments, self.error = [], False, None, 0, None
        self.thread = threading.Thread(target=self.read)
        if self.reply.status == 200:
            self.thread.start()

    def read(self):
        block = {}
        try:
            for line in self.reply:
                line = line.decode().rstrip("\n")
                if line == "":
                    self.last_id = block.get("id", self.last_id)
                    if "data" in block:
                        item = json.loads(block["data"])
                        openapi.validate({"$ref": f"#/components/schemas/{'Gap' if block['event'] == 'gap' else 'Event'}"}, item)
                        self.items.append({**item, "event": block["event"]})
                    block = {}
                elif line[0] == ":":
                    self.comments += 1
                else:
                    key, value = line.split(": ", 1)
                    block[key] = value
            self.ended = True
        except (OSError, ValueError) as error:
            self.error = error

    def find(self, **wanted):
        return [item for item in self.items if all(item.get(key) == value for key, value in wanted.items())]

    def wait(self, count=1, **wanted):
        kit.wait_for(lambda: len(self.find(**wanted)) >= count, f"{count} of {wanted} in {self.items[-5:]}")
        return self.find(**wanted)

    def close(self):
        """As a client that is gone."""
        try:
            self.connection.sock.shutdown(socket.SHUT_RDWR) if self.connection.sock else self.reply.fp.raw._sock.shutdown(2)
        except (OSError, AttributeError):
            pass
        if self.thread.is_alive():
            self.thread.join(kit.PATIENCE_S)
        self.reply.close()
        self.connection.close()


@pytest.fixture
def follow(scene):  # noqa: F811
    clients = []

    def begin(query="", **headers):
        clients.append(Events(scene.steerd, query, **headers))
        return clients[-1]
    yield begin
    for client in clients:
        client.close()


def metric(server, name):
    text = server.request("GET", "/metrics").body.decode()
    return float(next(line.split()[1] for line in text.splitlines() if line.startswith(name + " ")))


def test_every_kind_stands_in_the_document(scene):  # noqa: F811
    """What the server can tell of at all is what it counts."""
    counted = re.findall(r'^steerd_events_total\{kind="(\w+)"\}', scene.steerd.request("GET", "/metrics").body.decode(), re.M)
    page = (pathlib.Path(kit.__file__).parents[2] / "doc/events.md").read_text()
    table = page.split("| kind | when | `body` |\n")[1].split("\n\n")[0]
    assert len(counted) >= 20 and sorted(re.findall(r"^\| `(\w+)` \|", table, re.M)) == sorted(counted)


def test_what_happens_is_told(scene, follow):  # noqa: F811
    client = follow()
    assert client.reply.headers["Content-Type"] == "text/event-stream"
    order(scene, "region", "us-east", "drain", "storm \"1\"", expires_in="1h")
    event = client.wait(kind="override")[0]
    assert (event["event"], event["name"], event["actor"], event["reason"]) == ("override", US, "alice", 'storm "1"')
    assert event["body"]["state"] == "drain" and event["body"]["expires"] and event["time"].endswith("Z") and event["peer"]
    health = client.wait(kind="health", name=US)[0]
    assert health["body"]["effective"] == "drained" and "actor" not in health
    assert metric(scene.steerd, "steerd_event_streams") == 1
    client.close()
    scene.steerd.wait(lambda: metric(scene.steerd, "steerd_event_streams") == 0, "it has left")
    assert metric(scene.steerd, "steerd_event_stream_sent_total") >= 2


@pytest.mark.parametrize("query, kinds, names", [
    ("?kind=override", {"override"}, {US, EU, "az:us-east-1a"}),
    ("?kind=override,reload&target=region:us-east", {"override"}, {US}),
    ("?target=region:us-*", {"override", "health"}, {US}),
    ("?target=region:us-east,region:eu-west&kind=health", {"health"}, {US, EU}),
])
def test_filters(scene, follow, query, kinds, names):  # noqa: F811
    client, everything = follow(query), follow()
    for state in ("drain", "up"):
        order(scene, "region", "us-east", state)
        order(scene, "region", "eu-west", state)
    order(scene, "az", "us-east-1a", "up")
    everything.wait(kind="override", name="az:us-east-1a")
    wanted = [item for item in everything.items if item["kind"] in kinds and item["name"] in names]
    client.wait(len(wanted))
    assert client.items[:len(wanted)] == wanted and wanted
    assert all(item["kind"] in kinds and item["name"] in names for item in client.items)


def test_who_comes_again_goes_on(scene, follow):  # noqa: F811
    client = follow()
    order(scene, "region", "us-east", "drain")
    client.wait(kind="health", name=US)
    kit.wait_for(lambda: client.last_id, "an id")
    client.close()
    remove(scene, "region", "us-east")
    for headers, query in (({"Last_Event_ID": client.last_id}, ""), ({}, f"?after={client.last_id}"),
                           ({"Last_Event_ID": client.last_id}, "?since=1h")):
        again = follow(query, **headers)
        again.wait(kind="override")
        assert again.items[0]["seq"] == client.items[-1]["seq"] + 1 and not again.find(event="gap")


def test_an_id_before_the_first_event(scene, follow):  # noqa: F811
    client = follow()
    kit.wait_for(lambda: client.last_id, "an id")
    client.close()
    order(scene, "region", "us-east", "drain")
    assert follow(f"?after={client.last_id}").wait(kind="override")


def test_since(scene, follow):  # noqa: F811
    order(scene, "region", "us-east", "drain")
    client = follow("?since=1h&kind=override")
    assert client.wait(kind="override")[0]["name"] == US
    assert client.find(event="gap")[0] == {"event": "gap", "missed": None, "because": "other_run", "next": client.find(event="gap")[0]["next"],
                                           "journal": client.find(event="gap")[0]["journal"]}
    none = follow("?since=2200-01-01T00:00:00Z&kind=override")
    order(scene, "region", "us-east", "up")
    client.wait(2, kind="override")
    assert none.items == []


def test_another_run(scene, follow):  # noqa: F811
    client = follow()
    order(scene, "region", "us-east", "drain")
    client.wait(kind="override")
    scene.steerd.stop()
    client.thread.join(kit.PATIENCE_S)
    assert client.ended, "a clean end"
    scene.steerd.start()
    again = follow(Last_Event_ID=client.last_id)
    gap = again.wait(event="gap")[0]
    assert gap["because"] == "other_run" and gap["missed"] is None
    page = scene.steerd.get(gap["journal"])
    assert page["items"] == [] or page["items"][0]["actor"] == "alice"
    order(scene, "region", "us-east", "up")
    assert again.wait(kind="override")


def test_a_takeover_sends_clients_on(scene, follow, reaper):  # noqa: F811
    client = follow()
    order(scene, "region", "us-east", "drain")
    client.wait(kind="override")
    old, _ = take_over(scene.steerd)
    client.thread.join(kit.PATIENCE_S)
    assert client.ended and old.wait(kit.PATIENCE_S) == 0
    again = follow(Last_Event_ID=client.last_id)
    order(scene, "region", "us-east", "up")
    assert again.wait(event="gap")[0]["because"] == "other_run" and again.wait(kind="override")


@pytest.mark.parametrize("query, field", [
    ("?kind=weather", "kind"), ("?kind=health,", "kind"), ("?target=us-east", "target"), ("?target=region:a*b", "target"),
    ("?target=" + ",".join(f"az:{i}" for i in range(33)), "target"), ("?since=soon", "since"), ("?after=12", "after"),
    ("?after=0123456789abcdef-1&since=1h", "since"), ("?limit=1", "limit")])
def test_what_is_wrong(scene, query, field):  # noqa: F811
    reply = scene.steerd.request("GET", f"/v1/events{query}")
    assert reply.status == 422 and [error["field"] for error in reply.json["errors"]] == [field]


def test_a_header_that_is_wrong(scene):  # noqa: F811
    reply = scene.steerd.request("GET", "/v1/events", headers={"Last-Event-ID": "zero"})
    assert reply.status == 422 and reply.json["errors"][0]["field"] == "Last-Event-ID"
    assert scene.steerd.request("POST", "/v1/events").status == 405


def test_there_is_a_bound(scene, follow):  # noqa: F811
    clients = [follow() for _ in range(16)]
    assert all(client.reply.status == 200 for client in clients)
    refused = follow()
    assert refused.reply.status == 503
    clients[3].close()
    scene.steerd.wait(lambda: metric(scene.steerd, "steerd_event_streams") == 15, "it has left")
    again = follow()
    order(scene, "region", "us-east", "drain")
    for client in clients[:3] + clients[4:] + [again]:
        assert client.wait(kind="override")


def test_who_reads_nothing_holds_up_nobody(scene, follow):  # noqa: F811
    """It is written to no more, overtaken by thousands of events, and told so when it reads again."""
    good = follow("?kind=override")
    slow = kit.UnixConnection(scene.socket)
    slow.connect()
    slow.sock.sendall(b"GET /v1/events HTTP/1.1\r\nHost: x\r\n\r\n")
    scene.steerd.wait(lambda: metric(scene.steerd, "steerd_event_streams") == 2, "both are there")
    loader = kit.UnixConnection(scene.socket)
    sent = 0
    while metric(scene.steerd, "steerd_events_seq") < 9000:
        for _ in range(500):
            body = json.dumps({"state": ("drain", "up")[sent % 2], "reason": "r" * 200, "allow_unserved": True})
            loader.request("PUT", "/v1/azs/eu-west-1a/override", body, {"Content-Type": "application/json"})
            assert loader.getresponse().read()
            sent += 1
    good.wait(sent, kind="override")
    missed, data = 0, b""
    slow.sock.settimeout(kit.PATIENCE_S)
    while b"event: gap" not in data:
        data += slow.sock.recv(65536)
    while data[data.index(b"event: gap"):].count(b"\n\n") == 0:
        data += slow.sock.recv(65536)
    block = data[data.index(b"event: gap"):].split(b"\n")
    gap = json.loads(block[1].removeprefix(b"data: "))
    missed = gap["missed"]
    assert gap["because"] == "slow" and missed > 1000 and gap["next"] > missed
    assert metric(scene.steerd, "steerd_event_stream_missed_total") >= missed
    slow.close()


def test_a_beat(scene, follow):  # noqa: F811
    """Nothing happens, and it is heard that the server is there."""
    client = follow("?kind=drill")
    kit.wait_for(lambda: client.comments == 1, "it is up to date")
    before = client.last_id
    order(scene, "region", "us-east", "drain")
    kit.wait_for(lambda: client.comments == 2, "a beat", 60)
    kit.wait_for(lambda: client.last_id != before, "the id goes on")
    assert client.items == []


# ---- steerctl ----


class Follower:
    """steerctl events --follow, line by line."""

    def __init__(self, server, *arguments):
        self.lines = []
        self.process = subprocess.Popen([str(kit.STEERCTL), "-s", str(server.site.socket), "events", "--follow", *arguments],
                                        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True,
                                        env=kit.make_environment())
        self.reader = threading.Thread(target=lambda: self.lines.extend(iter(self.process.stdout.readline, "")))
        self.reader.start()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.terminate()
        self.process.wait(kit.PATIENCE_S)
        self.reader.join(kit.PATIENCE_S)
        self.process.stdout.close()


def test_steerctl_shows_what_was(scene):  # noqa: F811
    order(scene, "region", "us-east", "drain", "a storm")
    done = scene.steerd.ctl("events", "--kind", "override")
    lines = done.stdout.splitlines()
    assert lines[0].startswith("-- events may be missing here (other_run)")
    assert " override    region:us-east state=drain actor=alice reason=\"a storm\"" in lines[1] and len(lines) == 2
    items = [json.loads(line) for line in scene.steerd.ctl("events", "region:us-*", "--json").stdout.splitlines()]
    assert items[0]["kind"] == "gap" and {item["name"] for item in items[1:]} == {US}
    assert scene.steerd.ctl("events", "us-east", code=None).returncode == 1
    assert "expected names" in scene.steerd.ctl("events", "us-east", code=None).stderr


def test_steerctl_follows(scene, reaper):  # noqa: F811
    """Also over a takeover: what is missing is said."""
    with Follower(scene.steerd, "--json", "--kind", "override") as follower:
        scene.steerd.wait(lambda: metric(scene.steerd, "steerd_event_streams") == 1, "it listens")
        order(scene, "region", "us-east", "drain")
        kit.wait_for(lambda: len(follower.lines) == 1, "it is shown")
        old, _ = take_over(scene.steerd)
        order(scene, "region", "us-east", "up")
        kit.wait_for(lambda: len(follower.lines) == 3, f"all is shown: {follower.lines}")
        kinds = [json.loads(line)["kind"] for line in follower.lines]
        assert kinds == ["override", "gap", "override"]
        assert old.wait(kit.PATIENCE_S) == 0
