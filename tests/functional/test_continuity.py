# SPDX-License-Identifier: BSD-3-Clause
"""State folders that are half of something, stores that are gone from under a server or of a newer one, and backups that take
more memory than they say: doc/continuity.md."""
import contextlib
import ctypes
import os
import sqlite3
import sys
import tarfile

import kit
import takeovers
import test_backup


def test_what_is_refused_is_there_first(pair, tmp_path):
    """Whenever a restore is cut off: half of a folder is none in which steerd would begin a new store."""
    made, libc = [], ctypes.CDLL(None, use_errno=True)
    pair.server.ctl("backup", str(tmp_path / "b.tar.gz"))
    state = tmp_path / "state"
    state.mkdir()
    watch = libc.inotify_init1(os.O_CLOEXEC | os.O_NONBLOCK)
    try:
        assert libc.inotify_add_watch(watch, os.fsencode(state), 0x180) != -1  # what is made there or moved there
        pair.server.ctl("backup", "restore", str(tmp_path / "b.tar.gz"), "--to", str(state))
        events = os.read(watch, 1 << 16)
    finally:
        os.close(watch)
    while events:
        size = 16 + int.from_bytes(events[12:16], sys.byteorder)
        made.append(events[16:size].rstrip(b"\0").decode())
        events = events[size:]
    assert made[0] == made[-1] == "store.db", made


def test_a_store_that_cannot_be_read_any_more(pair):
    """It had been told of all that holds, so nothing is missing from what is handed over. If it had not, nobody would know what it
    still holds that was taken back since, and the new process does not get its turn."""
    server, site = pair.server, pair.site
    takeovers.adopt_orphans()
    server.override("region", "us-east", "drain")
    before = server.get("/v1/overrides")["items"]
    server.wait(lambda: server.get("/v1/status")["archive"]["manifest"], "nothing is under way")
    path = site.folder / "var/store.db"
    path.rename(site.folder / "var/away")
    path.write_bytes(b"no store " * 1000)
    site.zones["example.com"] += "more 60 IN A 192.0.2.1\n"
    site.write()
    assert server.reload().status == 200
    server.wait_log("store failing")
    assert server.get("/v1/status")["store"]["owed"] == 0
    old, _ = takeovers.take_over(server)
    assert old.wait(kit.PATIENCE_S) == 0
    assert server.get("/v1/overrides")["items"] == before and set(server.sample("www.example.com", 20)) <= set(pair.eu)


def test_a_store_of_a_newer_version(pair):
    """A steerd that is older again leaves it alone, says what it is, and forgets nothing of it."""
    server, path = pair.server, pair.site.folder / "var/store.db"

    def set_version(version):
        with contextlib.closing(sqlite3.connect(path)) as db:
            db.execute(f"PRAGMA user_version = {version}")
    server.override("region", "us-east", "drain")
    server.stop()
    set_version(2)
    before = path.read_bytes()
    server.start()
    status = server.get("/v1/status")["store"]
    assert status["state"] == "failing" and "newer steerd" in status["reason"]
    reply = server.request("POST", "/v1/points", {"name": "x"})
    assert reply.status == 503 and "newer steerd" in reply.json["detail"]
    assert "newer steerd" in server.ctl("salvage", code=1).stderr
    order = server.override("az", "eu-west-1a", "up")
    assert order["durable"] is False and path.read_bytes() == before
    set_version(1)
    server.wait(lambda: server.get("/v1/status")["store"]["state"] == "ok", "it is written")
    assert sorted(one["name"] for one in server.get("/v1/overrides")["items"]) == ["eu-west-1a", "us-east"]
    server.wait_answers("www.example.com", pair.eu)


def test_what_was_rescued_has_not_got_its_name_back(pair):
    """steerd was killed just then: it begins no new store beside all that the old one held."""
    server, path = pair.server, pair.site.folder / "var/store.db"
    rescued = path.with_name("store.db.rescued")
    server.override("region", "us-east", "drain")
    server.stop()
    path.rename(rescued)
    server.start()
    status = server.get("/v1/status")["store"]
    assert status["state"] == "failing" and "store.db.rescued is there" in status["reason"] and not path.exists()
    rescued.rename(path)
    server.wait(lambda: server.get("/v1/status")["store"]["state"] == "ok", "it is taken into use")
    server.wait_answers("www.example.com", pair.eu)


def test_a_manifest_that_is_larger_than_it_looks(pair, tmp_path):
    path = tmp_path / "b.tar.gz"
    member = tarfile.TarInfo("store.db")
    test_backup.forge(path, [(member, b"x")], [[]] * 3000000)
    done = pair.server.ctl("backup", "verify", str(path), code=test_backup.BROKEN)
    assert "more values than" in done.stderr
