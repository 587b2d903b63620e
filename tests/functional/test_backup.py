# SPDX-License-Identifier: BSD-3-Clause
"""Backups: made while the server writes, opened by ordinary tools, restored to servers that answer as before; what was
damaged, left out or put in a wrong order is found, and said."""
import contextlib
import fcntl
import gzip
import hashlib
import io
import json
import os
import random
import signal
import sqlite3
import subprocess
import tarfile
import threading
import time

import kit
import pytest
from test_durable import overrides, scene  # noqa: F401 (a fixture)

REFUSED, USAGE, UNREACHABLE, BROKEN = 1, 2, 3, 6


def ctl(*arguments, code=0, **environment):
    """steerctl without a server."""
    done = subprocess.run([str(kit.STEERCTL), "-s", "/nonexistent", *map(str, arguments)], stdin=subprocess.DEVNULL,
                          capture_output=True, text=True, timeout=120, check=False,
                          env={**kit.make_environment(), **environment})
    assert not any(defect in done.stderr for defect in kit.DEFECTS), done.stderr
    assert code is None or done.returncode == code, done
    return done


def manifest_of(path):
    """By tar, as an operator would."""
    return json.loads(subprocess.run(["tar", "-xOf", path, "manifest.json"], capture_output=True, check=True).stdout)


def entries(state):
    with sqlite3.connect(f"file:{state}/store.db?mode=ro", uri=True) as store:
        return store.execute("SELECT * FROM journal ORDER BY seq").fetchall()


def start_on(scene, state, tmp_path):
    """Another server with the same configuration, on this state folder."""
    site = kit.Site(tmp_path / "other")
    site.folder.mkdir()
    site.server, site.topology, site.zones, site.policies = \
        {**scene.server, "state": str(state)}, scene.topology, scene.zones, scene.policies
    server = site.start()
    scene.running.append(server)
    return server


class Writer:
    """Somebody who puts and removes overrides until told to stop."""

    def __init__(self, server):
        self.server, self.ends, self.done, self.failed = server, threading.Event(), 0, None
        self.thread = threading.Thread(target=self.run)
        self.thread.start()

    def run(self):
        try:
            while not self.ends.is_set():
                self.server.override("endpoint", "web-us-east-1a", ("drain", "down", "up")[self.done % 3], f"number {self.done}")
                self.done += 1
        except Exception as error:  # pylint: disable=broad-except
            self.failed = error

    def wait(self, more):
        until = self.done + more
        kit.wait_for(lambda: self.done >= until or self.failed, f"{more} more writes")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.ends.set()
        self.thread.join()
        assert self.failed is None, self.failed


def test_a_full_backup_and_back(scene, tmp_path):
    scene.steerd.override("region", "us-east", "drain", "maintenance", actor="alice")
    scene.steerd.override("endpoint", "web-eu-west-1a", "up", "a \"reason\" with \\ and ümlauts")
    before = overrides(scene.steerd)
    told = scene.steerd.ctl_json("backup", str(tmp_path / "full.tar.gz"))
    assert told["kind"] == "full" and told["to"]["seq"] == len(entries(scene.folder / "var"))
    assert told["sha256"] == hashlib.sha256((tmp_path / "full.tar.gz").read_bytes()).hexdigest()
    assert oct((tmp_path / "full.tar.gz").stat().st_mode & 0o777) == "0o600"
    assert not (tmp_path / "full.tar.gz.partial").exists()
    assert "whole" in ctl("backup", "verify", tmp_path / "full.tar.gz").stdout
    ctl("backup", "restore", tmp_path / "full.tar.gz", "--to", tmp_path / "state")
    assert entries(tmp_path / "state") == entries(scene.folder / "var")[:told["to"]["seq"]]
    server = start_on(scene, tmp_path / "state", tmp_path)
    assert overrides(server) == before and server.addresses("www.example.com") == scene.eu
    assert server.ctl_json("audit", "verify", "--anchor", f"{told['to']['seq']}:{told['to']['hash']}")["whole"] is True


@pytest.mark.parametrize("name, test", [("b.tar.gz", ["gzip", "-t"]), ("b.tgz", ["gzip", "-t"]),
                                        ("b.tar.zst", ["zstd", "-q", "-t"])])
def test_ordinary_tools_open_it(scene, tmp_path, name, test):
    path = tmp_path / name
    scene.steerd.override("region", "us-east", "drain")
    scene.steerd.ctl("backup", str(path))
    subprocess.run([*test, str(path)], check=True, capture_output=True)
    listed = subprocess.run(["tar", "-tf", path], check=True, capture_output=True, text=True)
    assert listed.stdout.splitlines()[:2] == ["manifest.json", "store.db"] and listed.stderr == ""
    manifest = manifest_of(path)
    assert [member["path"] for member in manifest["members"]] == listed.stdout.splitlines()[1:]
    (tmp_path / "out").mkdir()
    subprocess.run(["tar", "-xf", path, "-C", tmp_path / "out"], check=True, capture_output=True)
    for member in manifest["members"]:
        octets = (tmp_path / "out" / member["path"]).read_bytes()
        assert (len(octets), hashlib.sha256(octets).hexdigest()) == (member["size"], member["sha256"])
    assert ctl("backup", "verify", path)


def test_while_overrides_are_written(scene, tmp_path):
    """A full one, incrementals on each other, a differential on the full one: each is a moment of the journal."""
    full, first, second, differential = [tmp_path / f"{name}.tar.gz" for name in ("full", "one", "two", "diff")]
    with Writer(scene.steerd) as writer:
        writer.wait(50)
        scene.steerd.ctl("backup", str(full))
        writer.wait(50)
        scene.steerd.ctl("backup", str(first), "--incremental", "--base", str(full))
        writer.wait(50)
        scene.steerd.ctl("backup", str(second), "--incremental", "--base", str(first))
        writer.wait(50)
        scene.steerd.ctl("backup", str(differential), "--differential", "--base", str(full))
    journal = entries(scene.folder / "var")
    for number, files in enumerate(([full], [full, first], [full, first, second], [full, differential])):
        ctl("backup", "verify", *files)
        state = tmp_path / f"state-{number}"
        ctl("backup", "restore", *files, "--to", state)
        seq = manifest_of(files[-1])["to"]["seq"]
        assert entries(state) == journal[:seq]
    for base, then in ((first, differential), (differential, second)):
        done = ctl("backup", "verify", full, base, then, code=REFUSED)
        assert "goes on from" in done.stderr and then.name in done.stderr
    server = start_on(scene, tmp_path / "state-3", tmp_path)
    expected = json.loads([row for row in journal[:manifest_of(differential)["to"]["seq"]] if row[4] == "override"][-1][10])
    assert overrides(server)["endpoint:web-us-east-1a"]["reason"] == expected["reason"]
    assert server.ctl_json("audit", "verify")["whole"] is True


def test_without_a_server(scene, tmp_path):
    scene.steerd.override("region", "us-east", "drain")
    done = ctl("backup", tmp_path / "b.tar.gz", code=UNREACHABLE)
    assert "--state" in done.stderr
    scene.steerd.kill()
    ctl("backup", tmp_path / "b.tar.gz", "--state", scene.folder / "var")
    ctl("backup", "verify", tmp_path / "b.tar.gz")
    before = sorted(os.listdir(scene.folder / "var"))
    lines = [json.loads(line) for line in ctl("export", "--state", scene.folder / "var").stdout.splitlines()]
    assert [(line["kind"], line["key"], line["value"]["state"]) for line in lines if line["kind"] == "override"] == \
        [("override", "region:us-east", "drain")]
    assert sorted(os.listdir(scene.folder / "var")) == before


def test_nothing_is_replaced(scene, tmp_path):
    path = tmp_path / "b.tar.gz"
    path.write_text("mine")
    done = scene.steerd.ctl("backup", str(path), code=REFUSED)
    assert "--force" in done.stderr and path.read_text() == "mine"
    scene.steerd.ctl("backup", str(path), "--force")
    ctl("backup", "verify", path)
    (tmp_path / "state").mkdir()
    (tmp_path / "state" / "letter").write_text("mine")
    done = ctl("backup", "restore", path, "--to", tmp_path / "state", code=REFUSED)
    assert '"letter"' in done.stderr and os.listdir(tmp_path / "state") == ["letter"]
    (tmp_path / "state" / "letter").unlink()
    ctl("backup", "restore", path, "--to", tmp_path / "state")


@pytest.mark.parametrize("arguments", [
    ["backup"], ["backup", "verify"], ["backup", "restore", "x"], ["backup", "x", "--base", "y"],
    ["backup", "x", "--incremental"], ["backup", "x", "--incremental", "--differential", "--base", "y"],
    ["backup", "verify", "x", "--force"], ["backup", "x", "y"], ["backup", "x", "--to", "y"], ["export", "a", "b"],
])
def test_usage(arguments):
    assert "Try 'steerctl help'" in ctl(*arguments, code=USAGE).stderr


def test_damage_anywhere_is_found(scene, tmp_path):
    """A bit, anywhere; and what is cut off, added, moved."""
    scene.steerd.override("region", "us-east", "drain")
    draw = random.Random(7)
    for name in ("b.tar.gz", "b.tar.zst"):
        path = tmp_path / name
        scene.steerd.ctl("backup", str(path))
        good = path.read_bytes()
        size = len(good)
        places = {0, 3, 4, 8, 9, size - 1, size - 8, size - 40, size - 80, size - 100, *draw.sample(range(size), 20)}
        damaged = [good[:at] + bytes([good[at] ^ (1 << draw.randrange(8))]) + good[at + 1:] for at in sorted(places)]
        damaged += [good[:at] for at in (0, 1, 50, size // 2, size - 100, size - 1)]
        damaged += [good + b"\0", good + good, good[:100] + b"x" + good[100:], good[:100] + good[101:], b"x" + good,
                    good[:200] + good[300:400] + good[200:300] + good[400:]]
        for octets in damaged:
            path.write_bytes(octets)
            done = ctl("backup", "verify", path, code=BROKEN)
            assert path.name in done.stderr and "BROKEN" in done.stdout
        done = ctl("backup", "restore", path, "--to", tmp_path / "state", code=BROKEN)
        assert not (tmp_path / "state").exists()
        path.write_bytes(good)
        ctl("backup", "verify", path)


def test_no_half_file_after_a_kill(scene, tmp_path):
    """At any moment; and the next one takes away what was left."""
    for number in range(200):
        scene.steerd.override("endpoint", "web-us-east-1a", ("drain", "down")[number % 2])
    draw = random.Random(11)
    path = tmp_path / "b.tar.gz"
    for _ in range(20):
        process = subprocess.Popen([str(kit.STEERCTL), "-s", str(scene.socket), "backup", str(path), "--force"],
                                   stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        threading.Event().wait(draw.random() * 0.06)
        process.send_signal(draw.choice((signal.SIGKILL, signal.SIGTERM)))
        process.wait()
        if path.exists():
            ctl("backup", "verify", path)
            path.unlink()
    scene.steerd.ctl("backup", str(path))
    ctl("backup", "verify", path)
    assert sorted(os.listdir(tmp_path)) == ["b.tar.gz"]


def seal(octets):
    """As the format has it: doc/continuity.md."""
    text = b"sha256 " + hashlib.sha256(octets).hexdigest().encode() + b"\0"
    return octets + b"\x1f\x8b\x08\x10\0\0\0\0\0\xff" + text + b"\x03\0" + bytes(8)


def forge(path, members, manifest):
    """A backup that somebody else has made: any members behind any manifest."""
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w", format=tarfile.PAX_FORMAT) as archive:
        for member, octets in [(tarfile.TarInfo("manifest.json"), json.dumps(manifest).encode()), *members]:
            if member.isreg() and member.size == 0:
                member.size = len(octets)
            archive.addfile(member, io.BytesIO(octets) if octets is not None else None)
    path.write_bytes(seal(gzip.compress(stream.getvalue(), mtime=0)))


def described(manifest, members):
    return {**manifest, "members": [{"path": path, "size": len(octets), "sha256": hashlib.sha256(octets).hexdigest()}
                                    for path, octets in members]}


def odd_archives(store):
    """(what it is, members, what is to be said)"""
    def plain(path, octets=b"", **more):
        member = tarfile.TarInfo(path)
        for key, value in more.items():
            setattr(member, key, value)
        return member, octets
    good = plain("store.db", store)
    serials = [("store.db", store), ("serials", b"")]
    yield "a path that leads out", [good, plain("../../etc/cron.d/x", b"x")], [("store.db", store), ("../../etc/cron.d/x", b"x")], "no file of a state folder"
    yield "an absolute path", [good, plain("/etc/passwd", b"x")], [("store.db", store), ("/etc/passwd", b"x")], "no file of a state folder"
    yield "a lock", [good, plain("store.lock", b"x")], [("store.db", store), ("store.lock", b"x")], "no file of a state folder"
    yield "a log", [good, plain("store.db-wal", b"x")], [("store.db", store), ("store.db-wal", b"x")], "no file of a state folder"
    yield "not listed", [good, plain("serials", b"x")], [("store.db", store)], "does not list"
    yield "missing", [good], serials, "found the end, expected the member serials"
    yield "no store", [plain("serials")], [("serials", b"")], "expected store.db first"
    yield "twice", [good, plain("serials"), plain("serials")], [*serials, ("serials", b"")], "in it twice"
    yield "another order", [plain("serials"), good], serials, "expected the member store.db"
    yield "another size", [good, plain("serials", b"x")], serials, "another size"
    yield "other octets", [good, plain("serials", b"x")], [("store.db", store), ("serials", b"y")], "octets are others"
    for kind, what in ((tarfile.SYMTYPE, "a link"), (tarfile.LNKTYPE, "a link"), (tarfile.CHRTYPE, "a device"),
                       (tarfile.FIFOTYPE, "a device"), (tarfile.DIRTYPE, "a folder")):
        yield what, [good, plain("serials", None, type=kind, linkname="store.db")], serials, what
    yield "a wrong depot file", [good, plain("depot/aa/" + "a" * 64)], [("store.db", store), ("depot/aa/" + "a" * 64, b"")], "depot"


def test_hostile_archives(scene, tmp_path):
    path, state = tmp_path / "b.tar.gz", tmp_path / "state"
    scene.steerd.ctl("backup", str(path))
    manifest = manifest_of(path)
    store = subprocess.run(["tar", "-xOf", path, "store.db"], capture_output=True, check=True).stdout
    forge(path, [(tarfile.TarInfo("store.db"), store)], described(manifest, [("store.db", store)]))
    ctl("backup", "verify", path)  # what is forged is good as long as nothing is wrong with it
    for what, members, listed, said in odd_archives(store):
        forge(path, members, described(manifest, listed))
        done = ctl("backup", "restore", path, "--to", state, code=BROKEN)
        assert said in done.stderr, (what, done.stderr)
        assert not state.exists()
    assert sorted(os.listdir(tmp_path)) == ["b.tar.gz"]


def test_hostile_manifests(scene, tmp_path):
    path = tmp_path / "b.tar.gz"
    scene.steerd.ctl("backup", str(path))
    good = manifest_of(path)
    store = subprocess.run(["tar", "-xOf", path, "store.db"], capture_output=True, check=True).stdout
    huge = [{**good["members"][0], "size": 1 << 62}]
    for change, said, code in [
            ({"version": 2}, "newer", REFUSED), ({"format": "tar"}, "format", BROKEN), ({"kind": "half"}, "kind", BROKEN),
            ({"more": 1}, "more", BROKEN), ({"members": []}, "store.db first", BROKEN), ({"members": huge}, "room", REFUSED),
            ({"members": 7}, "members", BROKEN), ({"to": {"seq": -1, "hash": "0" * 64}}, "to", BROKEN),
            ({"to": {**good["to"], "seq": good["to"]["seq"] + 1}}, "ends with entry", BROKEN),
            ({"to": {**good["to"], "hash": "0" * 64}}, "ends with entry", BROKEN), ({"store": "0" * 64}, "ends with", BROKEN),
            ({"objects": {**good["objects"], "count": 99}}, "objects", BROKEN),
            ({"objects": {**good["objects"], "sha256": "0" * 64}}, "objects", BROKEN), ({"made": "yesterday"}, "made", BROKEN),
            ({"base": {"id": "0" * 64, "kind": "full", "made": good["made"]}}, "base", BROKEN)]:
        document = {**described(good, [("store.db", store)]), **change}
        forge(path, [(tarfile.TarInfo("store.db"), store)], document)
        done = ctl("backup", "verify", path, code=code)
        assert said in done.stderr, (change, done.stderr)


def test_those_of_another_store(scene, tmp_path):
    scene.steerd.override("region", "us-east", "drain")
    full, after = tmp_path / "full.tar.gz", tmp_path / "after.tar.gz"
    scene.steerd.ctl("backup", str(full))
    scene.steerd.override("region", "us-east", "down")
    scene.steerd.ctl("backup", str(after), "--incremental", "--base", str(full))
    done = ctl("backup", "verify", after, code=REFUSED)
    assert "expected a full backup first" in done.stderr
    done = ctl("backup", "verify", full, full, code=REFUSED)
    assert "expected incremental" in done.stderr
    # the store goes back in time: what comes then is another history
    scene.steerd.kill()
    ctl("backup", "restore", full, "--to", tmp_path / "state")
    server = start_on(scene, tmp_path / "state", tmp_path)
    server.override("region", "us-east", "up")
    done = server.ctl("backup", str(tmp_path / "more.tar.gz"), "--incremental", "--base", str(after), code=REFUSED)
    assert "make a full backup" in done.stderr
    server.ctl("backup", str(tmp_path / "more.tar.gz"), "--incremental", "--base", str(full))
    ctl("backup", "verify", full, tmp_path / "more.tar.gz")
    ctl("backup", "verify", full, after, tmp_path / "more.tar.gz", code=REFUSED)
    done = server.ctl("backup", str(full), "--incremental", "--base", str(full), "--force", code=REFUSED)
    assert "the base itself" in done.stderr
    done = server.ctl("backup", str(tmp_path / "d.tar.gz"), "--differential", "--base", str(after), code=REFUSED)
    assert "expected a full backup as the base" in done.stderr


ROOT = pytest.mark.skipif(os.geteuid() != 0, reason="needs root: a small disk, another owner")


def on_small_disk(folder, size, *arguments):
    """steerctl, with a disk of `size` at `folder`; (exit code, stderr, what is on the disk then)."""
    script = f'mount -t tmpfs -o size={size} tmpfs "$1" && shift && "$@"; code=$?; ls -A "{folder}"; exit $code'
    done = subprocess.run(["unshare", "-m", "sh", "-c", script, "sh", str(folder), str(kit.STEERCTL), "-s", "/nonexistent",
                           *map(str, arguments)], stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=120,
                          check=False, env={**kit.make_environment(), "TMPDIR": str(folder)})
    return done.returncode, done.stderr, done.stdout.splitlines()


@ROOT
def test_a_full_disk(scene, tmp_path):
    """Says so, and leaves nothing that looks like a backup or a state folder."""
    (tmp_path / "disk").mkdir()
    noise = random.Random(3)
    for number in range(300):
        scene.steerd.override("endpoint", "web-us-east-1a", ("drain", "down")[number % 2],
                              "".join(chr(noise.randrange(0x4e00, 0x9fff)) for _ in range(80)))
    state, path = scene.folder / "var", tmp_path / "b.tar.gz"
    scene.steerd.ctl("backup", str(path))
    for size in ("16k", "64k", "160k", "256k"):
        code, said, left = on_small_disk(tmp_path / "disk", size, "backup", tmp_path / "disk/b.tar.gz", "--state", state)
        assert code == REFUSED and ("No space" in said or "full" in said) and left == [], (size, said, left)
        code, said, left = on_small_disk(tmp_path / "disk", size, "backup", "restore", path, "--to", tmp_path / "disk/state")
        assert code == REFUSED and ("No space" in said or "room for" in said) and left == [], (size, said, left)
        code, said, left = on_small_disk(tmp_path / "disk", size, "backup", "verify", path)
        assert code == REFUSED and ("No space" in said or "room for" in said) and left == [], (size, said, left)
    code, said, left = on_small_disk(tmp_path / "disk", "20m", "backup", tmp_path / "disk/b.tar.gz", "--state", state)
    assert code == 0 and left[-1] == "b.tar.gz", (said, left)


@ROOT
def test_files_belong_to_the_owner_of_the_folder(scene, tmp_path):
    scene.steerd.override("region", "us-east", "drain")
    scene.steerd.ctl("backup", str(tmp_path / "b.tar.gz"))
    state = tmp_path / "state"
    state.mkdir()
    os.chown(state, 4711, 4712)
    ctl("backup", "restore", tmp_path / "b.tar.gz", "--to", state)
    found = [os.path.join(at, name) for at, folders, files in os.walk(state) for name in folders + files]
    assert str(state / "store.db") in found
    assert {(os.stat(path).st_uid, os.stat(path).st_gid) for path in found} == {(4711, 4712)}
    assert all(os.stat(path).st_mode & 0o007 == 0 for path in found)


def test_every_file_of_the_state_folder_is_known(scene, tmp_path):
    """Whoever makes steerd keep something more has to say whether a new host needs it."""
    not_needed = {"lock", "store.lock", "store.db-wal", "store.db-shm", "journal-end", "redaction.key"}
    scene.zone("example.net", "").policy("example.net", {"www": {"endpoints": ["web-*"]}})
    del scene.server["keep_configuration"]
    scene.server["zone_options"] = {"example.com": {"transfer_to": ["127.0.0.1"], "serial": "unixtime"}}
    scene.steerd.stop()
    server = scene.start()
    server.override("region", "us-east", "drain")
    assert server.reload().status == 200
    kit.wait_for(lambda: (scene.folder / "var/last-health").exists(), "last health is kept")
    kit.wait_for(lambda: server.get("/v1/status")["archive"]["kept"], "the configuration is kept")
    server.ctl("backup", str(tmp_path / "b.tar.gz"))
    server.stop()
    ctl("backup", tmp_path / "c.tar.gz", "--state", scene.folder / "var")
    manifest = manifest_of(tmp_path / "c.tar.gz")
    there = {os.path.relpath(os.path.join(at, name), scene.folder / "var")
             for at, _, files in os.walk(scene.folder / "var") for name in files}
    assert there - not_needed == {member["path"] for member in manifest["members"]}
    assert {"store.db", "last-health"} <= there
    ctl("backup", "verify", tmp_path / "b.tar.gz")
    ctl("backup", "verify", tmp_path / "c.tar.gz")


def test_a_broken_journal_is_said_while_it_is_backed_up(scene, tmp_path):
    scene.steerd.override("region", "us-east", "drain", "maintenance")
    scene.steerd.stop()
    with sqlite3.connect(scene.folder / "var/store.db") as store:
        store.execute("UPDATE journal SET reason = 'nothing' WHERE reason = 'maintenance'")
    done = ctl("backup", tmp_path / "b.tar.gz", "--state", scene.folder / "var")
    assert "not whole" in done.stderr
    done = ctl("backup", "verify", tmp_path / "b.tar.gz", code=BROKEN)
    assert "not whole" in done.stderr


def test_export(scene, tmp_path):
    scene.steerd.override("region", "us-east", "drain")
    told = [json.loads(line) for line in scene.steerd.ctl("export").stdout.splitlines()]
    assert [(line["key"], line["value"]["state"]) for line in told if line["kind"] == "override"] == [("region:us-east", "drain")]
    scene.steerd.ctl("export", str(tmp_path / "objects"))
    assert [json.loads(line) for line in (tmp_path / "objects").read_text().splitlines()] == told
    assert "--force" in scene.steerd.ctl("export", str(tmp_path / "objects"), code=REFUSED).stderr
    assert scene.steerd.ctl("export", "--at", "1h ago").stdout == ""
    assert "expected a time" in scene.steerd.ctl("export", "--at", "noon", code=USAGE).stderr


def test_a_server_without_a_state_folder(site):
    del site.server["state"]
    site.zone("example.com", "")
    server = site.start()
    assert server.get("/v1/status")["state_folder"] is None
    assert "no state folder" in server.ctl("backup", "x", code=REFUSED).stderr


def test_the_documented_script(scene, tmp_path):
    """That of doc/continuity.md, as an operator has copied it: twice a full one would be none."""
    text = (kit.TOP / "doc/continuity.md").read_text()
    script = text[text.index("#!/bin/sh\n# /usr/local/sbin/steerd-backup"):].split("```")[0]
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin/steerctl").write_text(f'#!/bin/sh\nexec {kit.STEERCTL} -s {scene.socket} "$@"\n')
    (tmp_path / "bin/steerctl").chmod(0o755)
    (tmp_path / "script").write_text(script.replace("/backup/", f"{tmp_path}/backup/").replace(
        "mkdir -p", f"mkdir -p {tmp_path}/backup; mkdir -p"))
    for number in range(3):
        scene.steerd.override("region", "us-east", ("drain", "down", "up")[number])
        done = subprocess.run(["sh", str(tmp_path / "script")], capture_output=True, text=True, check=False,
                              env={**kit.make_environment(), "PATH": f"{tmp_path}/bin:{os.environ['PATH']}"})
        assert done.returncode == 0 and "whole" in done.stdout, done
        kit.wait_for(lambda now=int(time.time()): time.time() >= now + 1, "a name of its own")
    weeks = list((tmp_path / "backup").iterdir())
    assert sum(len(list(week.iterdir())) for week in weeks) == 3


def test_the_configuration_comes_along(scene, tmp_path):
    """What served is in it, and the past can be asked on the new host; what was lost on the old one is told."""
    scene.steerd.stop()
    del scene.server["keep_configuration"]
    server = scene.start()
    server.override("region", "us-east", "drain", "maintenance")
    var = scene.folder / "var"
    kit.wait_for(lambda: server.get("/v1/status")["archive"]["kept"], "the configuration is kept")
    path, files = tmp_path / "b.tar.gz", tmp_path / "files"
    server.ctl("backup", str(path))
    assert ctl("backup", "verify", path).stderr == ""
    ctl("backup", "restore", path, "--to", tmp_path / "state", "--files", files)
    for name in "steerd.json", "topology.json", "zones/example.com.zone", "zones/example.com.json":
        assert (files / str(scene.folder / name).lstrip("/")).read_text() == (scene.folder / name).read_text()
    made = manifest_of(path)["made"]
    told = kit.run_steerd("-c", str(scene.config), "--state", str(tmp_path / "state"), "--at", made, "--explain",
                          "www.example.com").stdout
    assert "maintenance" in told and scene.eu[0] in told
    done = ctl("backup", "restore", path, "--to", tmp_path / "more", "--files", files, code=REFUSED)
    assert "expected an empty folder" in done.stderr
    server.ctl("point", "save", "as-it-was")
    changed = scene.folder / "zones/example.com.zone"
    before = changed.read_text()
    changed.write_text(before + "more 60 IN A 192.0.2.77\n")
    manifest = server.get("/v1/status")["archive"]["manifest"]
    assert server.reload().status == 200
    kit.wait_for(lambda: server.get("/v1/status")["archive"]["manifest"] != manifest, "it is kept again")
    kit.wait_for(lambda now=int(time.time()): time.time() >= now + 1, "a second that began after it")
    for moment, expected in ("as-it-was", before), (time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time())), before + "more 60 IN A 192.0.2.77\n"):
        folder = tmp_path / moment
        ctl("point", "files", moment, "--to", folder, "--state", var)
        assert (folder / str(changed).lstrip("/")).read_text() == expected
    assert "no recovery point" in ctl("point", "files", "never", "--to", tmp_path / "x", "--state", var, code=4).stderr
    assert "journal" in ctl("point", "files", "2001-01-01T00:00:00Z", "--to", tmp_path / "x", "--state", var, code=4).stderr
    lost = sorted((var / "depot").glob("??/*"))[0]
    lost.unlink()
    server.ctl("backup", str(path), "--force")
    assert lost.name in ctl("backup", "verify", path).stderr


def test_a_restore_that_is_killed(scene, tmp_path):
    """What is there then is whole, or is refused by steerd."""
    for number in range(100):
        scene.steerd.override("endpoint", "web-us-east-1a", ("drain", "down")[number % 2])
    scene.steerd.ctl("backup", str(tmp_path / "b.tar.gz"))
    draw = random.Random(5)
    for number in range(12):
        state = tmp_path / f"state-{number}"
        process = subprocess.Popen([str(kit.STEERCTL), "backup", "restore", str(tmp_path / "b.tar.gz"), "--to", str(state)],
                                   stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        threading.Event().wait(draw.random() * 0.04)
        process.kill()
        process.wait()
        if (state / "store.db").exists() and (state / "store.db").stat().st_size > 0:
            assert entries(state) == entries(scene.folder / "var") and not (state / "store.db-wal").exists()
        elif state.exists() and os.listdir(state) not in ([], ["store.partial"]):
            assert (state / "store.db").stat().st_size == 0


def test_what_has_expired_since_is_expired(scene, tmp_path):
    scene.steerd.override("region", "us-east", "drain", expires_in="2s")
    scene.steerd.override("az", "eu-west-1a", "up", starts_in="1h")
    before = overrides(scene.steerd)
    scene.steerd.ctl("backup", str(tmp_path / "b.tar.gz"))
    ctl("backup", "restore", tmp_path / "b.tar.gz", "--to", tmp_path / "state")
    kit.wait_for(lambda: "region:us-east" not in overrides(scene.steerd), "it has expired")
    server = start_on(scene, tmp_path / "state", tmp_path)
    assert server.addresses("www.example.com") == scene.us
    assert overrides(server) == {"az:eu-west-1a": before["az:eu-west-1a"]}
    assert server.ctl_json("audit", "verify")["whole"] is True


@contextlib.contextmanager
def locked(folder, how):
    fd = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    fcntl.flock(fd, how)
    yield
    os.close(fd)


def make_unneeded(state):
    """A file of the depot that is old, and nobody's."""
    path = state / "depot/00" / ("00" * 32)
    path.parent.mkdir(exist_ok=True)
    path.write_text("")
    os.utime(path, (1, 1))
    return path


def test_nothing_is_swept_while_it_is_made(scene, tmp_path):
    """A backup waits for a sweep that is under way, and the next one for the backup."""
    state, server = scene.folder / "var", scene.steerd
    assert server.request("POST", "/v1/points", {"name": "x"}).status == 201
    with locked(state / "depot", fcntl.LOCK_EX):
        making = subprocess.Popen([str(kit.STEERCTL), "backup", str(tmp_path / "b.tar.gz"), "--state", str(state)])
        time.sleep(1)
        assert making.poll() is None
    assert making.wait(60) == 0
    with locked(state / "depot", fcntl.LOCK_SH):
        unneeded = make_unneeded(state)
        assert server.request("DELETE", "/v1/points/x").status == 200  # it looks within a second or two
        time.sleep(4)
        assert unneeded.exists()
    server.wait(lambda: not unneeded.exists(), "it is swept, when it is tried again")


def test_serials_are_not_turned_back(scene, tmp_path):
    """What the zone was at the time of the backup it is again after the restore: with a serial that is newer than all that were
    served in between, although it is ahead of the time, so that this says nothing of it."""
    def serial(server):
        return server.ask("example.com", "SOA").answer[0][0].serial
    scene.steerd.stop()
    scene.zone("example.com", "", soa=kit.SOA.replace("hostmaster 1 ", "hostmaster 2026112101 "))
    scene.server.setdefault("zone_options", {})["example.com"] = {"transfer_steered": "rendered"}
    scene.write()
    scene.steerd.start()
    scene.steerd.ctl("backup", str(tmp_path / "full.tar"))
    before = serial(scene.steerd)
    for state in ("drain", "auto", "drain"):
        was = serial(scene.steerd)
        scene.steerd.override("region", "us-east", state)
        scene.steerd.wait(lambda was=was: serial(scene.steerd) > was, "the serial rises")
    last = serial(scene.steerd)
    assert last == before + 3
    scene.steerd.kill()
    ctl("backup", "restore", tmp_path / "full.tar", "--to", tmp_path / "state")
    server = start_on(scene, tmp_path / "state", tmp_path)
    assert serial(server) > last
    found = serial(server)
    server.stop()
    assert "# restored" not in (tmp_path / "state/serials").read_text()
    assert serial(server.start()) == found, "that was once"
