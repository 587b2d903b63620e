# SPDX-License-Identifier: BSD-3-Clause
"""The files of the store while somebody does something to them that he should not: doc/store.md says what happens then."""
import json
import os
import pathlib
import sqlite3

import kit
import pytest


@pytest.fixture
def scene(site):
    """www in us-east, which is drained, else eu-west; nobody checks."""
    site.at = kit.make_regions(site, azs=("us-east-1a", "eu-west-1a"))
    for endpoint in site.topology["endpoints"].values():
        endpoint["checks"] = []
    site.zone("example.com", "")
    site.policy("example.com", {"www": {"ttl": 5, "endpoints": ["web-*"], "tiers": [["us-east"], ["eu-west"]]}})
    site.eu = [site.at["eu-west-1a"]]
    site.server["points"] = {"every": "0s"}
    site.steerd = site.start()
    # what it writes by itself would find out before the tests do
    site.steerd.wait(lambda: site.steerd.get("/v1/status")["archive"]["manifest"], "the configuration is kept")
    site.path = site.folder / "var/store.db"
    assert site.steerd.override("region", "us-east", "drain")["durable"] is True
    return site


def files(scene):
    return [path for path in (scene.path, scene.path.with_name("store.db-wal"), scene.path.with_name("store.db-shm")) if path.exists()]


def store(scene):
    return scene.steerd.get("/v1/status")["store"]


def wait_well(scene):
    scene.steerd.wait(lambda: store(scene)["state"] == "ok", "the store is well")


def order(scene, durable, words=""):
    """Something new: it holds at once in any case."""
    said = scene.steerd.override("az", "eu-west-1a", "up", "a word")
    assert said["durable"] is durable and said["effective"] == "forced_up"
    assert words in (said["not_durable_because"] or "")
    assert scene.steerd.addresses("www.example.com") == scene.eu


def overrides(scene):
    return {item["name"]: item["state"] for item in scene.steerd.get("/v1/overrides")["items"]}


def restart(scene):
    scene.steerd.kill()
    scene.steerd = scene.start()
    assert scene.steerd.addresses("www.example.com") == scene.eu
    assert overrides(scene) == {"us-east": "drain", "eu-west-1a": "up"}
    scene.steerd.ctl("audit", "verify")


def test_two_servers_of_one_folder(scene):
    """The second one does not start, and the first one does not notice."""
    with kit.new_site() as other:
        other.topology, other.zones, other.policies = scene.topology, scene.zones, scene.policies
        other.server["state"] = str(scene.folder / "var")
        other.write()
        done = kit.run_steerd("-c", str(other.config))
        assert done.returncode != 0 and str(scene.folder / "var") in done.stderr
        assert str(scene.steerd.process.pid) in done.stderr, "who has it"
    order(scene, True)
    restart(scene)


def test_a_store_of_another_machine(scene):
    """A copy, maybe: that is said once, and it is used."""
    if not os.access("/etc/machine-id", os.R_OK) or not kit.pathlib.Path("/etc/machine-id").read_text():
        pytest.skip("this machine has no id")
    order(scene, True)
    scene.steerd.stop()
    with sqlite3.connect(scene.path) as db:
        db.execute("UPDATE meta SET value = 'other' WHERE name = 'machine'")
    offset = len(scene.steerd.read_log())
    restart(scene)
    scene.steerd.wait_log("written on another machine", offset=offset)
    offset = len(scene.steerd.read_log())
    restart(scene)
    assert "another machine" not in scene.steerd.read_log(offset)


def test_deleted_while_it_is_used(scene):
    for path in files(scene):
        path.unlink()
    order(scene, False, "deleted")
    wait_well(scene)
    restart(scene)


def test_exchanged_while_it_is_used(scene):
    away = scene.path.with_name("away")
    scene.path.rename(away)
    scene.path.write_bytes(b"somebody else's")
    order(scene, False, "exchanged")
    assert store(scene)["state"] == "failing" and store(scene)["owed"] == 1
    away.rename(scene.path)
    wait_well(scene)
    restart(scene)


def test_truncated_while_it_is_used(scene):
    """What was cut off is lost: that is said, and what holds goes on. It can be put aside, and what is owed is written."""
    os.truncate(scene.path, 100)
    order(scene, False, "truncated")
    assert store(scene)["state"] == "failing"
    assert overrides(scene) == {"us-east": "drain", "eu-west-1a": "up"}
    scene.steerd.kill()
    scene.steerd = scene.start()
    assert store(scene)["state"] == "failing" and overrides(scene) == {}
    assert scene.steerd.override("region", "us-east", "drain")["durable"] is False
    assert scene.steerd.addresses("www.example.com") == scene.eu
    for path in files(scene):
        path.rename(path.with_name("aside." + path.name))
    wait_well(scene)
    order(scene, True)
    restart(scene)


def damage(scene, at, size):
    scene.steerd.stop()
    with open(scene.path, "r+b") as file:
        file.seek(at)
        file.write(os.urandom(size))
    scene.path.with_name("store.db-wal").unlink(missing_ok=True)
    scene.steerd = scene.start()
    assert store(scene)["state"] == "failing" and "steerctl salvage" in store(scene)["reason"]


def salvage(scene):
    found = json.loads(scene.steerd.ctl("--json", "salvage").stdout)
    assert pathlib.Path(found["aside"]).exists()
    wait_well(scene)
    return found


def test_a_damaged_store_without_a_backup(scene):
    """It is put aside on request, and the latest recovery point is found without it."""
    assert " has it" in scene.steerd.ctl("salvage", code=1).stderr
    scene.steerd.ctl("point", "save", "before-it")
    scene.steerd.override("az", "eu-west-1a", "up", "after the point")
    scene.steerd.stop()
    assert "is whole" in kit.run_ctl("salvage", "--state", str(scene.path.parent)).stderr
    scene.steerd = scene.start()
    damage(scene, 4096, scene.path.stat().st_size - 4096)
    assert overrides(scene) == {}
    found = salvage(scene)
    assert overrides(scene) == {} and found["objects"] >= 1
    scene.steerd.ctl("import", found["lines"], "--reason", "the disk was bad")
    assert overrides(scene) == {"us-east": "drain"}
    scene.steerd.override("az", "eu-west-1a", "up", "once more")
    restart(scene)


def test_a_store_that_is_damaged_in_part(scene):
    """What could be read of it holds, and is in the new one."""
    scene.steerd.override("az", "eu-west-1a", "up", "too")
    damage(scene, 8192, 8192)
    assert overrides(scene) == {"us-east": "drain", "eu-west-1a": "up"}, "of these two pages none is of objects"
    salvage(scene)
    scene.steerd.wait(lambda: scene.steerd.get("/v1/journal")["items"], "they are in the new one")
    restart(scene)


def test_an_older_store_in_the_place_of_a_damaged_one(scene):
    """It is made to hold what does: what had been removed since does not come back with a restart."""
    scene.steerd.override("endpoint", "web-us-east-1a", "down", "only in the older one")
    scene.steerd.stop()
    older = scene.path.read_bytes()
    scene.steerd = scene.start()
    scene.steerd.override("endpoint", "web-us-east-1a", "auto")
    scene.steerd.override("az", "eu-west-1a", "up", "only in the later one")
    damage(scene, 8192, 8192)
    assert overrides(scene) == {"us-east": "drain", "eu-west-1a": "up"}
    for path in files(scene):
        path.unlink()
    scene.path.with_name("other").write_bytes(older)
    scene.path.with_name("other").rename(scene.path)
    scene.steerd.wait_log("store holds what does")
    wait_well(scene)
    found = [entry for entry in scene.steerd.get("/v1/journal?limit=100")["items"] if "took the place" in entry["reason"]]
    assert [entry["key"] for entry in found] == ["endpoint:web-us-east-1a"], found
    restart(scene)
