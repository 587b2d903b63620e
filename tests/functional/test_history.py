# SPDX-License-Identifier: BSD-3-Clause
"""Who did what, and is that the whole truth: the journal as the API and steerctl tell it, and what they say of one that
somebody has meddled with."""
import getpass
import hashlib
import os
import re
import sqlite3
import struct

import kit
import pytest
from test_durable import in_ms

BROKEN = 6
US = "region:us-east"


@pytest.fixture
def scene(site):
    """Two regions; nobody checks, so that only orders count."""
    site.at = kit.make_regions(site, azs=("us-east-1a", "eu-west-1a"))
    for endpoint in site.topology["endpoints"].values():
        endpoint["checks"] = []
    site.zone("example.com", "")
    site.policy("example.com", {"www": {"ttl": 5, "endpoints": ["web-*"], "tiers": [["us-east"], ["eu-west"]]}})
    site.server["keep_configuration"] = False  # entries are counted
    site.server["points"] = {"every": "0s"}
    site.steerd = site.start()
    return site


# By number until the name has been looked up, which nobody waits for.
ME = {f"uid:{os.getuid()}", f"uid:{os.getuid()}({getpass.getuser()})"}


def order(scene, kind, name, state, reason="a test", actor="alice", **more):
    scene.steerd.override(kind, name, state, reason, actor=actor, **more)


def remove(scene, kind, name, actor="bob"):
    assert scene.steerd.request("DELETE", f"/v1/{kind}s/{name}/override?actor={actor}").status == 200


def journal(scene, query=""):
    return scene.steerd.get(f"/v1/journal{query}")["items"]


def seqs(scene, query=""):
    return [item["seq"] for item in journal(scene, query)]


def fill(scene):
    """Six entries."""
    order(scene, "region", "us-east", "drain", "storm")
    order(scene, "az", "eu-west-1a", "up", actor="carol")
    remove(scene, "region", "us-east")
    order(scene, "endpoint", "web-us-east-1a", "down")
    order(scene, "region", "us-east", "down", "flood", actor="carol")
    remove(scene, "endpoint", "web-us-east-1a", actor="alice")


# ---- who did what ----


def test_who_did_what(scene):
    order(scene, "region", "us-east", "drain", "storm", expires_in="1h")
    remove(scene, "region", "us-east")
    after, before = journal(scene)
    assert (before["seq"], before["actor"], before["reason"]) == (1, "alice", "storm") and before["peer"] in ME
    assert (before["kind"], before["key"]) == ("override", US)
    assert before["request"] == "PUT /v1/regions/us-east/override"
    assert before["before"] is None and before["after"]["state"] == "drain" and before["after"]["expires"]
    assert (after["seq"], after["actor"]) == (2, "bob") and after["peer"] in ME
    assert after["request"] == "DELETE /v1/regions/us-east/override"
    assert after["before"] == before["after"] and after["after"] is None
    status = scene.steerd.get("/v1/status")["store"]
    assert (status["seq"], status["hash"]) == (2, after["hash"])


def test_what_came_about_by_itself(scene):
    order(scene, "region", "us-east", "drain", starts=in_ms(700), expires=in_ms(1400))
    scene.steerd.wait(lambda: len(journal(scene)) == 3, "it has started and ended")
    ended, started, ordered = journal(scene)
    assert ordered["after"]["planned"] and "planned" not in started["after"]
    assert (started["actor"], started["peer"], started["request"], started["reason"]) == \
        ("steerd", None, None, "started")
    assert (ended["actor"], ended["reason"], ended["after"]) == ("steerd", "expired", None)
    assert started["before"] == ordered["after"] and ended["before"] == started["after"]


def test_an_empty_journal(scene):
    assert scene.steerd.get("/v1/journal") == {"items": [], "next_cursor": None}
    assert scene.steerd.get("/v1/status")["store"]["hash"] is None
    assert "(none)" in scene.steerd.ctl("history").stdout
    assert scene.steerd.ctl_json("audit", "verify")["last"] is None


@pytest.mark.parametrize("query, expected", [
    ("?order=newest", [6, 5, 4, 3, 2, 1]),
    ("?order=oldest", [1, 2, 3, 4, 5, 6]),
    (f"?target={US}", [5, 3, 1]),
    (f"?kind=override&key={US}&order=oldest", [1, 3, 5]),
    ("?target=region:atlantis", []),
    ("?kind=override", [6, 5, 4, 3, 2, 1]),
    ("?kind=drill", []),
    ("?actor=carol", [5, 2]),
    (f"?actor=carol&target={US}", [5]),
    ("?actor=nobody", []),
    ("?since=1h", [6, 5, 4, 3, 2, 1]),
    ("?until=1h", []),
    ("?until=1970-01-01T00:00:00Z", []),
    ("?since=2999-01-01T00:00:00Z", []),
    ("?until=2999-01-01T00:00:00Z&limit=2", [6, 5]),
    ("?cursor=3", [2, 1]),
    ("?cursor=3&order=oldest", [4, 5, 6]),
    ("?cursor=1", []),
    ("?cursor=9223372036854775807", [6, 5, 4, 3, 2, 1]),
])
def test_filters(scene, query, expected):
    fill(scene)
    assert seqs(scene, query) == expected


def test_by_whom_the_kernel_proves(scene):
    fill(scene)
    items = journal(scene)
    peer = items[0]["peer"]
    assert seqs(scene, f"?actor={peer}") == [item["seq"] for item in items if item["peer"] == peer]


def test_by_time(scene):
    fill(scene)
    with sqlite3.connect(f"file:{scene.folder}/var/store.db?mode=ro", uri=True) as store:
        third = store.execute("SELECT wall_ms FROM journal WHERE seq = 3").fetchone()[0]
    time = next(item["time"] for item in journal(scene) if item["seq"] == 3)
    assert time.endswith(f"{third % 1000:03}Z")
    assert 3 in seqs(scene, f"?since={time}") and 2 not in seqs(scene, f"?since={time}") or \
        journal(scene)[4]["time"] == time
    assert set(seqs(scene, f"?since={time}") + seqs(scene, f"?until={time}")) == {1, 2, 3, 4, 5, 6}


@pytest.mark.parametrize("query, field, found", [
    ("?cursor=x", "cursor", 'found "x", expected the next_cursor of a page, or the seq of an entry'),
    ("?cursor=9223372036854775808", "cursor", "expected the next_cursor"),
    ("?cursor=-1", "cursor", "expected the next_cursor"),
    ("?order=up", "order", 'found "up", expected newest or oldest'),
    ("?target=us-east", "target", 'found "us-east", expected region:NAME, az:NAME or endpoint:NAME'),
    ("?target=region:", "target", "expected region:NAME"),
    (f"?target={US}&kind=override", "target", "exclude each other"),
    ("?key=a", "key", "a key needs its kind"),
    ("?since=yesterday", "since", 'found "yesterday", expected a time such as'),
    ("?until=5", "until", 'found "5", expected a time such as'),
    ("?limit=1001", "limit", "expected a number from 1 to 1000"),
    ("?anchor=1", "anchor", "unknown query parameter"),
])
def test_bad_queries(scene, query, field, found):
    reply = scene.steerd.request("GET", f"/v1/journal{query}")
    assert reply.status == 422
    assert [(error["field"], found in error["message"]) for error in reply.json["errors"]] == [(field, True)]


def test_some_hundred_entries_in_pages(scene):
    count = 350
    for number in range(count):
        order(scene, "region", ("us-east", "eu-west")[number % 2], "up", f"order {number}",
              actor=("alice", "bob", "carol")[number % 3])
    for query, expected in (("?", range(count - 1, -1, -1)), ("?order=oldest&", range(count)),
                            (f"?target={US}&", range(count - 2, -1, -2)), ("?actor=carol&", range(count - 3, -1, -3))):
        got, cursor, pages = [], None, 0
        while pages == 0 or cursor is not None:
            page = scene.steerd.get(f"/v1/journal{query}limit=40" + (f"&cursor={cursor}" if cursor else ""))
            got += page["items"]
            cursor, pages = page["next_cursor"], pages + 1
            assert len(page["items"]) == 40 or cursor is None
        assert [item["reason"] for item in got] == [f"order {number}" for number in expected]
    text = scene.steerd.ctl("history", "--limit", "300").stdout
    assert "order 349" in text and "order 50" in text and "order 49" not in text
    assert "there are older ones" in text
    assert len(scene.steerd.ctl_json("history", "--limit", "1000")["items"]) == count
    assert scene.steerd.ctl_json("audit", "verify")["entries"] == count


def chain(before, *parts):
    """As doc/store.md describes it: numbers, then texts."""
    octets = b""
    for part in parts:
        octets += struct.pack(">q", part) if isinstance(part, int) else \
            struct.pack(">I", len(part.encode())) + part.encode()
    return hashlib.sha256(before + octets).digest()


def test_a_long_journal(scene):
    """Written by others by the book: it is whole, and whoever did something is found however far away."""
    last, rare = 50000, {1: "first", 20001: "middle", 49999: "last"}
    scene.steerd.stop()
    with sqlite3.connect(scene.folder / "var/store.db") as store:
        store_id = store.execute("SELECT value FROM meta WHERE name = 'id'").fetchone()[0]
        rows, value = [], hashlib.sha256(b"steerd journal 1\n" + store_id.encode()).digest()
        for seq in range(1, last + 1):
            row = (seq, 1000 * seq, 0, max(0, seq - 1), "note", "n", "carol" if seq in rare else "alice", "uid:7",
                   rare.get(seq, ""), "", f"{seq}")
            value = chain(value, *row)
            rows.append((*row, value))
        store.executemany("INSERT INTO journal VALUES(?,?,?,?,?,?,?,?,?,?,?,?)", rows)
        store.execute("INSERT INTO objects VALUES('note', 'n', ?, ?, ?, 0)", (str(last), last, 1000 * last))
    store.close()
    scene.steerd = scene.start()
    said = scene.steerd.ctl_json("audit", "verify", "--anchor", f"{last}:{value.hex()}")
    assert said["whole"] and said["entries"] == last
    for query, expected in (("?actor=carol", [49999, 20001, 1]), ("?actor=carol&order=oldest", [1, 20001, 49999]),
                            ("?actor=carol&kind=note&key=n", [49999, 20001, 1]),
                            ("?actor=carol&since=1970-01-01T01:00:00Z&until=1970-01-01T10:00:00Z", [20001]),
                            ("?actor=carol&kind=override", []), ("?actor=nobody", [])):
        page = scene.steerd.get(f"/v1/journal{query}")
        found = page["items"]
        while page["next_cursor"] is not None:
            page = scene.steerd.get(f"/v1/journal{query}&cursor={page['next_cursor']}")
            found += page["items"]
        assert [item["seq"] for item in found] == expected
    text = scene.steerd.ctl("history", "--actor", "carol").stdout
    assert re.findall(r"note n +changed +(\w+)|note n +made +(\w+)", text) == \
        [("last", ""), ("middle", ""), ("", "first")]


# ---- steerctl ----


def test_the_table(scene):
    order(scene, "region", "us-east", "drain", "storm", expires_in="1h")
    remove(scene, "region", "us-east")
    order(scene, "az", "us-east-1a", "down", "planned work", starts_in="1h", expires_in="1h")
    text = scene.steerd.ctl("history").stdout
    heading, planned, removed, drained = text.splitlines()
    assert re.split(r"  +", heading) == ["WHEN", "WHO [PROVEN]", "WHAT", "BEFORE -> AFTER", "REASON"]
    when, who, what, change, reason = re.split(r"  +", drained)
    assert re.fullmatch(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\dZ \(\d+s\)", when)
    assert who in {f"alice [{me}]" for me in ME}
    assert (what, reason) == (US, "storm")
    time = r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\dZ"
    assert re.fullmatch(f"auto -> drain until {time}", change)
    assert re.fullmatch(f"drain until {time} -> auto", re.split(r"  +", removed)[3])
    assert re.fullmatch(f"auto -> planned down from {time} until {time}", re.split(r"  +", planned)[3])
    text = scene.steerd.ctl("history", US, "--actor", "alice", "--since", "1h").stdout
    assert "storm" in text and "planned work" not in text and "bob" not in text
    said = scene.steerd.ctl_json("history", US, "--limit", "1")
    assert [item["seq"] for item in said["items"]] == [2] and said["next_cursor"] == "2"


def test_a_target_that_is_gone_has_a_history(scene):
    order(scene, "endpoint", "web-us-east-1a", "drain", "broken disk")
    endpoints = scene.topology["endpoints"]
    endpoints["web-other"] = endpoints.pop("web-us-east-1a")
    scene.write()
    assert scene.steerd.reload().status == 200
    assert "broken disk" in scene.steerd.ctl("history", "endpoint:web-us-east-1a").stdout
    said = scene.steerd.ctl("history", "endpoint:web-othr", code=4)
    assert "did you mean endpoint:web-other?" in said.stderr


@pytest.mark.parametrize("arguments, code, complaint", [
    (["history", "us-east"], 2, 'found "us-east", expected region:NAME'),
    (["history", "--limit", "0"], 2, 'found --limit "0", expected a number from 1 to 1000'),
    (["history", "--limit", "1001"], 2, "expected a number from 1 to 1000"),
    (["history", "--since", "noon"], 1, '--since: found "noon", expected a time such as'),
    (["history", "--reason", "x"], 2, "history does not take --reason"),
    (["audit"], 2, "expected: audit verify"),
    (["audit", "trust"], 2, 'found "trust", expected audit verify'),
    (["audit", "verify", "--anchor", "1:xyz"], 1, '--anchor: found "1:xyz", expected SEQ:HASH'),
    (["audit", "verify", "--anchor", "0:" + "a" * 64], 1, "expected SEQ:HASH"),
])
def test_bad_words(scene, arguments, code, complaint):
    assert complaint in scene.steerd.ctl(*arguments, code=code).stderr


# ---- without a journal ----


def test_without_a_state_folder(scene):
    scene.steerd.stop()
    scene.server.pop("state")
    scene.steerd = scene.start()
    for method, path in (("GET", "/v1/journal"), ("POST", "/v1/journal:verify")):
        reply = scene.steerd.request(method, path)
        assert (reply.status, reply.json["type"]) == (503, "urn:steerd:problem:no-journal")
        assert '"state"' in reply.json["detail"]
    assert "nothing is kept" in scene.steerd.ctl("history", code=1).stderr


def test_a_store_that_is_gone(scene):
    fill(scene)
    for file in (scene.folder / "var").glob("store.db*"):
        file.rename(file.with_name("away-" + file.name))
    for method, path in (("GET", "/v1/journal"), ("POST", "/v1/journal:verify")):
        reply = scene.steerd.request(method, path)
        assert (reply.status, reply.json["type"]) == (503, "urn:steerd:problem:no-journal")
    for file in (scene.folder / "var").glob("away-store.db*"):
        file.rename(file.with_name(file.name.removeprefix("away-")))
    assert len(journal(scene)) == 6


# ---- is it whole? ----


def anchors(server, offset=0):
    return re.findall(r"journal anchor seq=(\d+) hash=([0-9a-f]{64})", server.read_log(offset))


def meddle(scene, *statements):
    """By hand, while steerd does not look."""
    scene.steerd.stop()
    with sqlite3.connect(scene.folder / "var/store.db") as store:
        for statement in statements:
            store.execute(statement)
    store.close()
    scene.steerd = scene.start()


def verify(scene, *options, code=BROKEN):
    return scene.steerd.ctl_json("audit", "verify", *options, code=code)


def test_a_whole_journal(scene):
    fill(scene)
    said = scene.steerd.ctl_json("audit", "verify")
    last = journal(scene)[0]
    assert said == {"whole": True, "entries": 6, "bad_seq": None, "why": None, "anchor": None,
                    "last": {"seq": 6, "hash": last["hash"]}, "duration_ms": said["duration_ms"]}
    text = scene.steerd.ctl("audit", "verify").stdout
    assert "journal       whole\n" in text and f"last          6:{last['hash']}\n" in text
    scene.steerd.wait_log("journal verified", "entries=6")


def test_an_anchor_of_any_entry_is_found(scene):
    fill(scene)
    for item in journal(scene):
        said = scene.steerd.ctl_json("audit", "verify", "--anchor", f"{item['seq']}:{item['hash']}")
        assert said["whole"] and said["anchor"] == {"seq": item["seq"], "hash": item["hash"]}


RENUMBER = ("UPDATE journal SET seq = seq + 1000 WHERE seq > 3", "UPDATE journal SET seq = seq - 1001 WHERE seq > 1000")
SWAP = ("UPDATE journal SET seq = 1000 WHERE seq = 3", "UPDATE journal SET seq = 3 WHERE seq = 4",
        "UPDATE journal SET seq = 4 WHERE seq = 1000")


@pytest.mark.parametrize("statements, bad_seq, why", [
    (["UPDATE journal SET actor = 'mallory' WHERE seq = 3"], 3, "its hash is not that of what it says"),
    (["UPDATE journal SET peer = 'uid:77(mallory)' WHERE seq = 3"], 3, "its hash"),
    (["UPDATE journal SET reason = '' WHERE seq = 5"], 5, "its hash"),
    (["UPDATE journal SET wall_ms = wall_ms + 1 WHERE seq = 1"], 1, "its hash"),
    (["UPDATE journal SET after = NULL WHERE seq = 1"], 1, "its hash"),
    (["UPDATE journal SET hash = zeroblob(32) WHERE seq = 2"], 2, "its hash"),
    (["DELETE FROM journal WHERE seq = 3"], 3, "it is missing"),
    (["DELETE FROM journal WHERE seq = 1"], 1, "it is missing"),
    (["DELETE FROM journal WHERE seq = 3", *RENUMBER], 3, "its hash"),
    (SWAP, 3, "its hash"),
    (["DELETE FROM journal WHERE seq > 4"], None, "is not what the journal says"),
], ids=["who", "proof", "reason", "time", "value", "hash", "removed", "first", "renumbered", "reordered", "cut"])
def test_meddling_is_found_and_named(scene, statements, bad_seq, why):
    fill(scene)
    meddle(scene, *statements)
    said = verify(scene)
    assert not said["whole"] and said["bad_seq"] == bad_seq and why in said["why"]
    text = scene.steerd.ctl("audit", "verify", code=BROKEN).stdout
    assert "journal       BROKEN\n" in text and why in text
    assert bad_seq is None or f"where         entry {bad_seq}\n" in text
    scene.steerd.wait_log("journal broken", why)


def test_a_cut_that_is_done_well_shows_by_an_anchor(scene):
    """The state of the objects is put back as well, so that all of it fits."""
    fill(scene)
    scene.steerd.stop()
    good = anchors(scene.steerd)[-1]
    assert good[0] == "6"
    meddle(scene, "DELETE FROM journal WHERE seq > 4", "DELETE FROM objects WHERE revision > 4",
           "INSERT INTO objects SELECT kind, key, after, seq, wall_ms, expires_ms FROM journal WHERE seq = 4")
    assert verify(scene, code=0)["whole"], "nothing else can show"
    said = verify(scene, "--anchor", ":".join(good))
    assert (said["whole"], said["bad_seq"]) == (False, 6) and "it is missing" in said["why"]
    order(scene, "region", "us-east", "up")
    order(scene, "region", "us-east", "down")
    said = verify(scene, "--anchor", ":".join(good))
    assert (said["bad_seq"], "not the one that was noted" in said["why"]) == (6, True)


def test_a_running_steerd_knows_what_it_has_written(scene):
    fill(scene)
    with sqlite3.connect(scene.folder / "var/store.db") as store:
        for statement in ("DELETE FROM journal WHERE seq > 4", "DELETE FROM objects WHERE revision > 4",
                          "INSERT INTO objects SELECT kind, key, after, seq, wall_ms, expires_ms FROM journal "
                          "WHERE seq = 4"):
            store.execute(statement)
    store.close()
    said = verify(scene)
    assert said["bad_seq"] == 6 and "this steerd has written it" in said["why"]


def test_a_file_that_is_no_journal_any_more(scene):
    fill(scene)
    meddle(scene, "DROP INDEX journal_by_kind")
    said = verify(scene)
    assert not said["whole"] and "its tables are not those" in said["why"]


def test_anchors_are_in_the_log(scene):
    assert anchors(scene.steerd) == [], "of nothing there is none"
    fill(scene)
    scene.steerd.wait(lambda: anchors(scene.steerd)[-1:] and anchors(scene.steerd)[-1][0] == "6", "a moment later")
    hashes = {str(item["seq"]): item["hash"] for item in journal(scene)}
    assert all(hashes[seq] == value for seq, value in anchors(scene.steerd))
    order(scene, "region", "us-east", "up")
    scene.steerd.stop()
    assert anchors(scene.steerd)[-1][0] == "7", "at the end"
    offset = len(scene.steerd.read_log())
    scene.steerd = scene.start()
    assert anchors(scene.steerd, offset) == anchors(scene.steerd)[-2:-1], "at the start the same"
    assert verify(scene, "--anchor", ":".join(anchors(scene.steerd)[-1]), code=0)["whole"]
