# SPDX-License-Identifier: BSD-3-Clause
"""State folders that are half of something, and stores that are gone from under a server: doc/continuity.md."""
import ctypes
import os
import sys

import kit
import takeovers


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
