# SPDX-License-Identifier: BSD-3-Clause
"""What the configuration was is kept: every file that serves, by its content, and when it began to."""
import contextlib
import datetime
import hashlib
import json
import os
import re
import sqlite3
import stat
import subprocess
import threading
import time

import kit
import pytest

RULE = {"names": {"www": {"endpoints": ["web-*"]}}}


@pytest.fixture
def scene(site):
    site.at = kit.make_regions(site, azs=("us-east-1a",))
    for endpoint in site.topology["endpoints"].values():
        endpoint["checks"] = []
    site.zone("example.com", "$INCLUDE common\n").zone("example.net", "")
    site.policy("example.com", RULE["names"])
    (site.folder / "zones").mkdir()
    (site.folder / "zones/common").write_text("x TXT common\n")
    site.server["keys"] = {"k": {"secret_file": "k.secret"}}
    site.server["points"] = {"every": "0s"}  # blobs are counted
    (site.folder / "k.secret").write_text("AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\n")
    (site.folder / "k.secret").chmod(0o600)
    site.steerd = site.start()
    return site


ALL = ["k.secret", "steerd.json", "topology.json", "zones/common", "zones/example.com.json", "zones/example.com.zone",
       "zones/example.net.zone"]


def entries(scene):
    """(value, reason) of what the journal says of the configuration, in order."""
    with sqlite3.connect(f"file:{scene.folder}/var/store.db?mode=ro", uri=True) as store:
        rows = store.execute("SELECT after, reason FROM journal WHERE kind = 'configuration' ORDER BY seq").fetchall()
    return [(json.loads(after), reason) for after, reason in rows]


def blobs(scene):
    """What has its place, and what is still written beside it."""
    return {path.name: path for path in (scene.folder / "var/depot").glob("??/*")}


def settled(scene):
    return {name: path for name, path in blobs(scene).items() if not name.endswith(".new")}


def archive(server):
    return server.get("/v1/status")["archive"]


def read_blob(scene, name):
    content = blobs(scene)[name].read_bytes()
    assert hashlib.sha256(content).hexdigest() == name
    return content


def manifest_of(scene, entry):
    """path below the folder -> content; None: not kept."""
    manifest = json.loads(read_blob(scene, entry["manifest"]))
    assert manifest["version"] == 1 and manifest["main"] == entry["main"] == str(scene.config.resolve())
    top = str(scene.folder.resolve()) + "/"
    found = {}
    for file in manifest["files"]:
        assert file["path"].startswith(top)
        content = None if file["sha256"] is None else read_blob(scene, file["sha256"])
        assert content is None or len(content) == file["size"]
        found[file["path"][len(top):]] = content
    return found


def wait_kept(scene, server, count):
    """So many configurations are told of, beside those that could not be kept; the manifest of the last one."""
    def kept():
        return [entry for entry in entries(scene) if "why" not in entry[0]]
    server.wait(lambda: len(kept()) >= count, f"{count} configurations are kept")
    found = kept()
    assert len(found) == count
    server.wait(lambda: archive(server)["manifest"] == found[-1][0]["manifest"], "the status says so")
    return manifest_of(scene, found[-1][0])


def assert_as_on_disk(scene, kept):
    for name, content in kept.items():
        assert content == (scene.folder / name).read_bytes(), name


def test_a_start_keeps_every_file(scene):
    kept = wait_kept(scene, scene.steerd, 1)
    assert sorted(kept) == ALL
    assert_as_on_disk(scene, kept)
    (entry, reason), = entries(scene)
    assert reason == "start" and entry["generation"] == 1
    status = archive(scene.steerd)
    assert (status["state"], status["reason"], status["since"]) == ("ok", None, None)
    assert (status["files"], status["missing"]) == (len(ALL), 0) and status["kept"] is not None
    metrics = scene.steerd.request("GET", "/metrics").body.decode()
    assert "\nsteerd_archive_up 1\n" in metrics and f"\nsteerd_archive_files {len(ALL)}\n" in metrics


def test_nobody_else_may_read_it(scene):
    wait_kept(scene, scene.steerd, 1)
    depot = scene.folder / "var/depot"
    for path in [depot, *depot.glob("**/*")]:
        assert stat.S_IMODE(path.stat().st_mode) == (0o700 if path.is_dir() else 0o600), path


def test_a_restart_writes_nothing_again(scene):
    wait_kept(scene, scene.steerd, 1)
    before = {name: (path.stat().st_ino, path.stat().st_mtime_ns) for name, path in blobs(scene).items()}
    inodes = {name: inode for name, (inode, _) in before.items()}
    for end in (scene.steerd.kill, scene.steerd.stop):
        end()
        scene.steerd.start()
        scene.steerd.wait(lambda: archive(scene.steerd)["kept"] is not None, "it is kept")
        assert {name: path.stat().st_ino for name, path in blobs(scene).items()} == inodes
        assert len(entries(scene)) == 1


def test_a_reload_keeps_what_is_new(scene):
    first = wait_kept(scene, scene.steerd, 1)
    count = len(blobs(scene))
    scene.steerd.reload()
    scene.steerd.reload()
    scene.zone("example.net", "y A 192.0.2.1\n").write()
    scene.steerd.reload()
    kept = wait_kept(scene, scene.steerd, 2)
    assert sorted(kept) == ALL and b"192.0.2.1" in kept["zones/example.net.zone"]
    assert {name for name in kept if kept[name] != first[name]} == {"zones/example.net.zone"}
    assert len(blobs(scene)) == count + 2, "the zone, and the manifest"
    assert entries(scene)[1][1] == "reload" and entries(scene)[1][0]["generation"] == 4
    assert manifest_of(scene, entries(scene)[0][0]) == first, "the one before is still there"


@pytest.mark.parametrize("origin", ["example.com", "example.net"], ids=["steered", "plain"])
def test_the_reload_of_a_zone_keeps_its_files(scene, origin):
    wait_kept(scene, scene.steerd, 1)
    scene.put("zones/common", "x TXT other\n")
    scene.zone(origin, "$INCLUDE common\nz TXT new\n").write()
    assert scene.steerd.ctl("reload", origin)
    kept = wait_kept(scene, scene.steerd, 2)
    assert kept[f"zones/{origin}.zone"] == (scene.folder / f"zones/{origin}.zone").read_bytes()
    assert entries(scene)[1][1] == f"reload of {origin}."
    if origin == "example.com":
        assert kept["zones/common"] == b"x TXT other\n"


def test_back_again_is_told_and_not_copied(scene):
    wait_kept(scene, scene.steerd, 1)
    before = scene.zones["example.net"]
    scene.zone("example.net", "y A 192.0.2.1\n").write()
    scene.steerd.reload()
    wait_kept(scene, scene.steerd, 2)
    count = len(blobs(scene))
    scene.zones["example.net"] = before
    scene.write()
    scene.steerd.reload()
    wait_kept(scene, scene.steerd, 3)
    assert len(blobs(scene)) == count
    found = entries(scene)
    assert found[0][0]["manifest"] == found[2][0]["manifest"]


def test_a_broken_zone_is_kept_as_it_serves(scene):
    first = wait_kept(scene, scene.steerd, 1)
    scene.put("zones/example.net.zone", "nonsense\n")
    scene.put("zones/common", "x TXT other\n")
    scene.steerd.request("POST", "/v1/reload")
    kept = wait_kept(scene, scene.steerd, 2)
    assert kept["zones/example.net.zone"] == first["zones/example.net.zone"]
    assert kept["zones/common"] == b"x TXT other\n"


def test_what_changed_after_the_load_is_not_taken_for_it(scene):
    """While the depot cannot be written the file becomes another one."""
    wait_kept(scene, scene.steerd, 1)
    with blocked(scene):
        scene.zone("example.net", "y A 192.0.2.1\n").write()
        scene.steerd.reload()
        scene.steerd.wait(lambda: archive(scene.steerd)["state"] == "failing", "it cannot be kept")
        scene.put("zones/example.net.zone", "not what was loaded\n")
    kept = wait_kept(scene, scene.steerd, 2)
    assert kept["zones/example.net.zone"] is None
    assert {name for name in kept if kept[name] is None} == {"zones/example.net.zone"}
    manifest = json.loads(read_blob(scene, last_entry(scene)["manifest"]))
    why, = [file["why"] for file in manifest["files"] if file["sha256"] is None]
    assert "changed after it was loaded" in why
    assert archive(scene.steerd)["missing"] == 1
    scene.steerd.wait_log("configuration not kept as a whole", "example.net.zone")
    assert b"not what was loaded\n" not in [path.read_bytes() for path in blobs(scene).values()]


@contextlib.contextmanager
def blocked(scene):
    """Something else is where the depot was."""
    depot, aside = scene.folder / "var/depot", scene.folder / "var/aside"
    depot.rename(aside)
    depot.write_text("")
    yield
    depot.unlink()
    aside.rename(depot)


def test_a_depot_that_cannot_be_written(scene):
    """It is said once, disturbs nobody, and is made good."""
    wait_kept(scene, scene.steerd, 1)
    offset = len(scene.steerd.read_log())
    with blocked(scene):
        scene.zone("example.net", "y A 192.0.2.1\n").write()
        assert scene.steerd.reload().status == 200
        assert scene.steerd.addresses("y.example.net") == ["192.0.2.1"]
        scene.steerd.wait(lambda: archive(scene.steerd)["state"] == "failing", "it cannot be kept")
        status = archive(scene.steerd)
        assert "var/depot" in status["reason"] and status["since"] is not None
        assert "\nsteerd_archive_up 0\n" in scene.steerd.request("GET", "/metrics").body.decode()
        assert scene.steerd.override("region", "us-east", "up")["durable"] is True
        scene.steerd.wait(lambda: metric(scene.steerd, 'steerd_archive_captures_total{result="failed"}') >= 2, "again")
        assert "archive" in scene.steerd.ctl("status").stdout
    kept = wait_kept(scene, scene.steerd, 2)
    assert_as_on_disk(scene, kept)
    scene.steerd.wait_log("archive well", offset=offset)
    log = scene.steerd.read_log(offset)
    assert log.count("archive failing") == 1 and log.count("archive well") == 1
    assert archive(scene.steerd)["state"] == "ok"


def test_what_was_replaced_before_it_could_be_kept_is_told(scene):
    """Also if what serves afterwards is what served before it."""
    wait_kept(scene, scene.steerd, 1)
    text = scene.zones["example.net"]
    with blocked(scene):
        scene.zone("example.net", "y A 192.0.2.1\n").write()
        scene.steerd.reload()
        assert scene.steerd.addresses("y.example.net") == ["192.0.2.1"]
        time.sleep(0.005)
        moment = datetime.datetime.now(datetime.timezone.utc).isoformat(timespec="milliseconds").replace("+00:00", "Z")
        time.sleep(0.005)
        scene.zones["example.net"] = text
        scene.write()
        scene.steerd.reload()
        assert scene.steerd.addresses("y.example.net") == []
    wait_kept(scene, scene.steerd, 2)
    found = scene.steerd.get(f"/v1/explain?name=y.example.net&at={moment}")
    assert any("replaced before it could be kept" in missing for missing in found["at"]["missing"]), found
    found = scene.steerd.get("/v1/explain?name=y.example.net&at=" + entries(scene)[-1][0]["since"])
    assert found["at"]["missing"] == []
    scene.steerd.reload()
    wait_kept(scene, scene.steerd, 2)


def last_entry(scene):
    return entries(scene)[-1][0]


def test_a_crash_while_nothing_can_be_kept(scene):
    """What served then is not taken for what is kept from before."""
    wait_kept(scene, scene.steerd, 1)
    with blocked(scene):
        scene.zone("example.net", "y A 192.0.2.1\n").write()
        scene.steerd.reload()
        scene.steerd.wait(lambda: last_entry(scene)["manifest"] is None, "the journal says it")
        lack = last_entry(scene)
        assert "var/depot" in lack["why"]
        time.sleep(0.005)
        moment = datetime.datetime.now(datetime.timezone.utc).isoformat(timespec="milliseconds").replace("+00:00", "Z")
        scene.steerd.wait(lambda: metric(scene.steerd, 'steerd_archive_captures_total{result="failed"}') >= 2, "again")
        assert len(entries(scene)) == 2, "it is told once"
        scene.steerd.kill()
    scene.zone("example.net", "y A 192.0.2.3\n").write()
    scene.steerd.start()
    wait_kept(scene, scene.steerd, 2)
    assert len(entries(scene)) == 3
    for at in moment, lack["since"]:
        said = scene.steerd.get(f"/v1/explain?name=y.example.net&at={at}")["at"]
        assert said["used"]["configuration"]["manifest"] is None
        assert any("is not kept" in one and "var/depot" in one for one in said["missing"]), said
    at = scene.steerd.get("/v1/explain?name=y.example.net&at=" + last_entry(scene)["since"])["at"]
    assert at["used"]["configuration"]["manifest"] is not None
    assert not any("is not kept" in one for one in at["missing"]), at  # health may be known from a moment later on


def test_what_can_be_kept_after_all_is_known_since_it_served(scene):
    wait_kept(scene, scene.steerd, 1)
    with blocked(scene):
        scene.zone("example.net", "y A 192.0.2.1\n").write()
        scene.steerd.reload()
        scene.steerd.wait(lambda: last_entry(scene)["manifest"] is None, "the journal says it")
        lack = last_entry(scene)
    wait_kept(scene, scene.steerd, 2)
    assert last_entry(scene)["since"] == lack["since"] and last_entry(scene)["manifest"] is not None
    found = scene.steerd.get("/v1/explain?name=y.example.net&at=" + lack["since"])
    assert found["at"]["missing"] == [] and found["answers"][0].endswith("192.0.2.1")


def metric(server, name):
    found = re.search(rf"^{re.escape(name)} (\S+)$", server.request("GET", "/metrics").body.decode(), re.M)
    return float(found[1])


@pytest.fixture
def small_disk(site):
    folder = site.folder / "var"
    folder.mkdir()
    if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=2m", "none", str(folder)], capture_output=True).returncode != 0:
        pytest.skip("no disk can be mounted here")
    yield folder
    subprocess.run(["umount", "-l", str(folder)], check=True)


def test_a_full_disk(small_disk, scene):
    wait_kept(scene, scene.steerd, 1)
    big = "".join(f"h{number} A 192.0.2.1\n" for number in range(200000))
    scene.zone("example.net", big).write()
    assert scene.steerd.reload().status == 200
    assert scene.steerd.addresses("h1.example.net") == ["192.0.2.1"]
    scene.steerd.wait(lambda: archive(scene.steerd)["state"] == "failing", "there is no room")
    assert "No space left" in archive(scene.steerd)["reason"]
    assert not list(small_disk.glob("depot/*/*.new")), "nothing of it lies about"
    assert scene.steerd.override("region", "us-east", "up")["durable"] is True
    scene.zone("example.net", "y A 192.0.2.2\n").write()
    # should it be tried again right now, it is not the large file any more that lies there, and the rest is kept without it
    scene.steerd.reload()

    def is_kept():
        last = last_entry(scene)
        return last["manifest"] is not None and (manifest_of(scene, last)["zones/example.net.zone"] or b"").endswith(b"y A 192.0.2.2\n")
    scene.steerd.wait(is_kept, "what serves now is kept")
    scene.steerd.wait(lambda: archive(scene.steerd)["state"] == "ok", "that is said")


def test_what_the_store_cannot_be_told_of_for_hours_is_not_swept(scene):
    """The store is held by somebody else, the depot is not; a look at what it keeps for nobody comes after a deletion."""
    wait_kept(scene, scene.steerd, 1)
    assert scene.steerd.request("POST", "/v1/points", {"name": "x"}).status == 201
    scene.zone("example.net", "y A 192.0.2.1\n").write()
    with sqlite3.connect(scene.folder / "var/store.db", isolation_level=None) as store:
        assert scene.steerd.request("DELETE", "/v1/points/x").status == 200  # it looks again within a second
        store.execute("BEGIN IMMEDIATE")
        before = set(settled(scene))
        scene.steerd.reload()
        scene.steerd.wait(lambda: len(set(settled(scene)) - before) >= 2, "what is new is in the depot")
        for path in settled(scene).values():
            os.utime(path, (1, 1))
        time.sleep(2.5)  # the look comes
        store.execute("ROLLBACK")
    assert_as_on_disk(scene, wait_kept(scene, scene.steerd, 2))


def test_kill_in_the_middle(scene):
    """Whatever is there after a kill -9 is whole, and the next start makes it complete."""
    server = scene.steerd
    for number in range(6):
        text = "".join(f"h{name} A 192.0.2.{number}\n" for name in range(30000))
        scene.zone("example.net", text).write()
        killer = threading.Timer(0.02 * number, server.kill)
        with contextlib.suppress(Exception):
            server.request("POST", "/v1/reload")
        killer.start()
        killer.join()
        for name, path in blobs(scene).items():
            assert name.endswith(".new") or hashlib.sha256(path.read_bytes()).hexdigest() == name
        for entry, _ in entries(scene):
            manifest_of(scene, entry)
        server.start()
        server.wait(lambda: archive(server)["kept"] is not None, "it is kept")
        assert_as_on_disk(scene, manifest_of(scene, entries(scene)[-1][0]))


def test_an_end_does_not_wait_for_long_copies(scene):
    wait_kept(scene, scene.steerd, 1)
    text = "".join(f"h{name} A 192.0.2.1\n" for name in range(1000000))
    scene.zone("example.net", text).write()
    assert scene.steerd.reload().status == 200
    scene.steerd.stop()
    scene.zone("example.net", "").write()
    scene.steerd.start()
    scene.steerd.wait(lambda: archive(scene.steerd)["kept"] is not None, "it is kept")
    assert_as_on_disk(scene, manifest_of(scene, entries(scene)[-1][0]))


def test_it_can_be_switched_off(scene):
    wait_kept(scene, scene.steerd, 1)
    scene.server["keep_configuration"] = False
    scene.write()
    scene.steerd.reload()
    scene.steerd.wait(lambda: len(entries(scene)) == 2, "the journal says so")
    assert entries(scene)[1][0]["manifest"] is None
    count = len(blobs(scene))
    assert archive(scene.steerd)["state"] == "none"
    scene.zone("example.net", "y A 192.0.2.1\n").write()
    scene.steerd.reload()
    scene.steerd.stop()
    scene.steerd.start()
    assert len(blobs(scene)) == count and len(entries(scene)) == 2
    scene.server["keep_configuration"] = True
    scene.write()
    scene.steerd.reload()
    assert_as_on_disk(scene, wait_kept(scene, scene.steerd, 3))


def test_without_a_state_folder(site):
    del site.server["state"]
    site.zone("example.com", "")
    server = site.start()
    assert archive(server) == {"state": "none", "reason": None, "since": None, "manifest": None, "files": 0, "missing": 0,
                               "kept": None}
    server.reload()


def test_a_relative_path_and_a_link(site):
    """Files are told by absolute paths, as they were asked for."""
    site.zone("example.com", "")
    site.write()
    (site.folder / "zones").rename(site.folder / "real")
    os.symlink("real", site.folder / "zones")
    site.config = site.config.relative_to(site.folder)
    here = os.getcwd()
    os.chdir(site.folder)
    try:
        server = kit.Server(site)
        site.running.append(server)
        server.start()
    finally:
        os.chdir(here)
        site.config = site.folder / site.config
    assert sorted(wait_kept(site, server, 1)) == ["steerd.json", "zones/example.com.zone"]


def test_a_takeover_tells_what_serves_then(scene):
    wait_kept(scene, scene.steerd, 1)
    scene.zone("example.net", "y A 192.0.2.1\n").write()
    said = scene.steerd.request("POST", "/v1/takeover")
    assert said.status == 200, said.body
    scene.steerd.wait(lambda: len(entries(scene)) == 2, "the new one keeps what it serves")
    (entry, reason) = entries(scene)[1]
    assert reason == "takeover"
    assert_as_on_disk(scene, manifest_of(scene, entry))
    os.kill(said.json["pid"], 15)


def test_of_a_long_list_the_part_is_written_that_changed(site):
    """And it is read, swept, backed up and restored as a whole."""
    for number in range(1100):
        site.zone(f"z{number}.example", "y A 192.0.2.1\n")
    site.server["points"] = {"every": "0s"}
    site.steerd = server = site.start()
    server.wait(lambda: archive(server)["kept"] is not None, "it is kept")
    before = set(blobs(site))
    first = last_entry(site)
    head = json.loads(read_blob(site, first["manifest"]))
    assert (head["version"], head["count"]) == (2, 1101) and len(head["parts"]) > 1
    assert len(sum((json.loads(read_blob(site, part)) for part in head["parts"]), [])) == 1101
    assert server.request("POST", "/v1/points", {"name": "x"}).status == 201
    site.zone("z1.example", "y A 192.0.2.2\n").write()
    server.reload()
    server.wait(lambda: len(entries(site)) == 2, "it is told")
    assert len(set(blobs(site)) - before) == 4, "the zone, a part, the list; and what the point holds"
    assert server.request("POST", "/v1/points", {"name": "y"}).status == 201
    unwanted = site.folder / "var/depot/00" / ("00" * 32)
    unwanted.parent.mkdir(exist_ok=True)
    unwanted.write_text("")
    for path in blobs(site).values():
        os.utime(path, (1, 1))
    assert server.request("DELETE", "/v1/points/y").status == 200
    server.wait(lambda: not unwanted.exists(), "it is swept")
    for moment, answer in ("x", "192.0.2.1"), (last_entry(site)["since"], "192.0.2.2"):
        found = server.get(f"/v1/explain?name=y.z1.example&at={moment}")
        assert found["at"]["missing"] == ["health is not kept"] and found["answers"][0].endswith(answer), moment
    server.ctl("backup", str(site.folder / "b.tar.gz"))
    assert "warning" not in server.ctl("backup", "verify", str(site.folder / "b.tar.gz")).stderr
    read_blob(site, head["parts"][0])
    blobs(site)[head["parts"][0]].unlink()
    server.ctl("backup", str(site.folder / "c.tar.gz"))
    assert head["parts"][0] in server.ctl("backup", "verify", str(site.folder / "c.tar.gz")).stderr
