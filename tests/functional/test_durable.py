# SPDX-License-Identifier: BSD-3-Clause
"""What operators have ordered outlives steerd: kill -9, restarts, changed configurations, times that pass meanwhile."""
import datetime
import re
import sqlite3
import time
from concurrent.futures import ThreadPoolExecutor

import kit
import pytest
from test_clock import Clock, DAY_S

ORDERED = {"actor": "alice"}


@pytest.fixture
def scene(site):
    """www in us-east, else eu-west; nobody checks, so that only orders count."""
    site.at = kit.make_regions(site, azs=("us-east-1a", "eu-west-1a"))
    for endpoint in site.topology["endpoints"].values():
        endpoint["checks"] = []
    site.zone("example.com", "")
    site.policy("example.com", {"www": {"ttl": 5, "endpoints": ["web-*"], "tiers": [["us-east"], ["eu-west"]]}})
    site.server["keep_configuration"] = False  # the journal is counted
    site.server["points"] = {"every": "0s"}
    site.us, site.eu = ([site.at[az]] for az in ("us-east-1a", "eu-west-1a"))
    site.steerd = site.start()
    return site


def restart(scene, between=None):
    """After a kill -9."""
    scene.steerd.kill()
    if between is not None:
        between()
    scene.steerd = scene.start()
    return scene.steerd


def overrides(server):
    return {f"{item['kind']}:{item['name']}": item for item in server.get("/v1/overrides")["items"]}


def journal(scene):
    """(kind/key, reason) of all entries, in order."""
    with sqlite3.connect(f"file:{scene.folder}/var/store.db?mode=ro", uri=True) as store:
        return [f"{kind}/{key}" for kind, key in store.execute("SELECT kind, key FROM journal ORDER BY seq")]


def begin_with_clock(scene):
    """Time passes when a test says so: however busy the machine is, it is not late for anything."""
    clock = Clock(scene)
    scene.steerd.stop()
    scene.steerd = scene.start()
    return clock


HOUR_MS = 3600000


def in_ms(after_ms):
    moment = datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(milliseconds=after_ms)
    return moment.strftime("%Y-%m-%dT%H:%M:%S.%f")[:-3] + "Z"


def test_a_drain_outlives_a_crash(scene):
    said = scene.steerd.override("region", "us-east", "drain", "maintenance", expires_in="1h", **ORDERED)
    assert (said["durable"], said["not_durable_because"]) == (True, None)
    before = overrides(scene.steerd)
    server = restart(scene)
    assert server.addresses("www.example.com") == scene.eu, "the first answer"
    assert overrides(server) == before
    assert before["region:us-east"]["reason"] == "maintenance" and before["region:us-east"]["actor"] == "alice"
    server.wait_log("overrides restored", "in_force_or_planned=1")


def test_one_that_was_removed_stays_away(scene):
    scene.steerd.override("region", "us-east", "drain")
    assert scene.steerd.request("DELETE", "/v1/regions/us-east/override").json["durable"] is True
    server = restart(scene)
    assert server.addresses("www.example.com") == scene.us and overrides(server) == {}


@pytest.mark.parametrize("state", ["drain", "up", "down"])
@pytest.mark.parametrize("kind, name", [("region", "us-east"), ("az", "us-east-1a"), ("endpoint", "web-us-east-1a")])
def test_each_state_of_each_kind(scene, kind, name, state):
    scene.steerd.override(kind, name, state)
    before = scene.steerd.get(f"/v1/{kind}s/{name}")
    after = restart(scene).get(f"/v1/{kind}s/{name}")
    assert [before[key] for key in ("desired", "effective", "decided_by", "override")] == \
        [after[key] for key in ("desired", "effective", "decided_by", "override")]


def test_an_ordinary_end_keeps_them_as_well(scene):
    scene.steerd.override("region", "us-east", "drain")
    scene.steerd.stop()
    assert scene.start().addresses("www.example.com") == scene.eu


def test_what_ended_meanwhile_has_ended_before_the_first_answer(scene):
    clock = begin_with_clock(scene)
    scene.steerd.override("region", "us-east", "drain", expires=in_ms(HOUR_MS))
    server = restart(scene, lambda: clock.sleep(3700))
    assert server.addresses("www.example.com") == scene.us and overrides(server) == {}
    server.wait_log("overrides restored", "expired_meanwhile=1")
    assert overrides(restart(scene)) == {}


def test_what_ends_while_it_runs_is_forgotten(scene):
    clock = begin_with_clock(scene)
    scene.steerd.override("region", "us-east", "drain", expires=in_ms(HOUR_MS))
    clock.sleep(3700)
    scene.steerd.wait_answers("www.example.com", scene.us)
    scene.steerd.wait(lambda: len(journal(scene)) == 2, "the store knows that it has ended")
    server = restart(scene)
    assert overrides(server) == {} and "overrides restored" not in server.read_log()


def test_what_ends_together_is_forgotten_together(scene):
    """More than fit into one transaction, and some that stay."""
    clock = begin_with_clock(scene)
    for number in range(150):
        scene.topology["endpoints"][f"more-{number}"] = {"az": "us-east-1a", "addresses": [f"192.0.2.{number}"]}
    scene.write()
    assert scene.steerd.reload().status == 200
    for number in range(0, 150, 3):
        scene.steerd.override("endpoint", f"more-{number}", "drain")
    end = in_ms(HOUR_MS)
    for number in range(150):
        if number % 3:
            scene.steerd.override("endpoint", f"more-{number}", "drain", expires=end)
    clock.sleep(3700)
    scene.steerd.wait(lambda: len(overrides(scene.steerd)) == 50, "100 have ended", 60)
    scene.steerd.wait(lambda: len(journal(scene)) == 250, "the store knows that they have")
    before = overrides(scene.steerd)
    assert overrides(restart(scene)) == before and len(before) == 50


def test_a_plan_outlives_a_crash(scene):
    scene.steerd.override("region", "us-east", "drain", starts_in="1h", expires_in="1h")
    before = overrides(scene.steerd)
    server = restart(scene)
    assert overrides(server) == before and before["region:us-east"]["planned"]
    assert server.addresses("www.example.com") == scene.us


def test_a_plan_whose_time_came_meanwhile(scene):
    clock = begin_with_clock(scene)
    scene.steerd.override("region", "us-east", "drain", starts=in_ms(HOUR_MS), expires_in="1h")
    server = restart(scene, lambda: clock.sleep(3700))
    assert server.addresses("www.example.com") == scene.eu and not overrides(server)["region:us-east"]["planned"]


def test_a_plan_that_has_begun_is_none_any_more(scene):
    """Also when the clock has been set back since."""
    clock = begin_with_clock(scene)
    scene.steerd.override("region", "us-east", "drain", starts=in_ms(HOUR_MS))
    clock.sleep(3700)
    scene.steerd.wait_answers("www.example.com", scene.eu)
    scene.steerd.wait(lambda: len(journal(scene)) == 2, "the store knows that it has begun")
    server = restart(scene, lambda: clock.set_unseen(-DAY_S))
    assert server.addresses("www.example.com") == scene.eu and not overrides(server)["region:us-east"]["planned"]


def test_a_duration_that_went_along_with_the_clock(scene):
    clock = begin_with_clock(scene)
    scene.steerd.override("region", "us-east", "drain", expires_in="1h")
    clock.set(scene.steerd, DAY_S)
    moved = overrides(scene.steerd)
    scene.steerd.wait(lambda: len(journal(scene)) == 2, "the store knows of the new time")
    server = restart(scene)
    assert overrides(server) == moved and server.addresses("www.example.com") == scene.eu


@pytest.mark.parametrize("state", ["down", "auto"])
def test_a_clock_that_steps_while_an_order_is_on_its_way(scene, state):
    """What it replaces went along with the clock, and must not be what the store is told last."""
    clock = begin_with_clock(scene)
    scene.steerd.override("region", "us-east", "drain", expires_in="1h")
    clock.slow_disk(300)
    before = clock.count_syncs()
    with ThreadPoolExecutor() as pool:
        order = pool.submit(scene.steerd.override, "region", "us-east", state, "ordered last")
        scene.steerd.wait(lambda: clock.count_syncs() > before, "the order is on its way to the disk")
        clock.set(scene.steerd, DAY_S)
        order.result()
    clock.slow_disk(0)
    scene.steerd.wait(lambda: scene.steerd.get("/v1/status")["store"]["owed"] == 0, "all is written")
    scene.steerd.override("region", "eu-west", "up", "so that what was written before is on the disk")
    expected = overrides(scene.steerd)
    assert overrides(restart(scene)) == expected


def test_a_clock_that_goes_back_behind_the_start_of_a_plan(scene):
    clock = begin_with_clock(scene)
    scene.steerd.override("region", "us-east", "drain", starts=in_ms(HOUR_MS), expires_in="1h")
    clock.sleep(3700)
    scene.steerd.wait_answers("www.example.com", scene.eu)
    scene.steerd.wait(lambda: len(journal(scene)) == 2, "the store knows that it has begun")
    clock.set(scene.steerd, -DAY_S)
    scene.steerd.wait(lambda: len(journal(scene)) == 3, "the store knows of the new time")
    expected = overrides(scene.steerd)
    server = restart(scene)
    assert overrides(server) == expected and server.addresses("www.example.com") == scene.eu


def test_without_its_target_it_lies_dormant(scene):
    scene.steerd.override("endpoint", "web-us-east-1a", "drain", "broken disk")
    endpoints = scene.topology["endpoints"]
    endpoints["web-other"] = endpoints.pop("web-us-east-1a")
    server = restart(scene)
    assert overrides(server)["endpoint:web-us-east-1a"]["dormant"]
    server = restart(scene)
    endpoints["web-us-east-1a"] = endpoints.pop("web-other")
    scene.write()
    assert server.reload().status == 200
    assert server.addresses("www.example.com") == scene.eu
    assert restart(scene).addresses("www.example.com") == scene.eu


def test_orders_of_many_at_once(scene):
    """The last word about each target is what a crash leaves."""
    states = ["drain", "up", "down", "auto"] * 5
    for state in states[:-1]:
        for kind, name in ("region", "us-east"), ("region", "eu-west"), ("az", "us-east-1a"):
            scene.steerd.ctl(state, f"{kind}:{name}", "--yes-unserved", *([] if state == "auto" else ["--reason", "r"]))
    before = overrides(scene.steerd)
    assert len(before) == 3
    assert overrides(restart(scene)) == before


def test_what_is_not_understood_is_left_alone(scene):
    """Nobody knows what it meant, so it is neither in force nor deleted."""
    scene.steerd.override("region", "us-east", "drain")
    scene.steerd.stop()
    kit.write_objects(scene.folder, "override", {"region:us-east": '{"state":"sideways"}'})
    server = scene.steerd = scene.start()
    assert "override/region:us-east is not understood" in server.read_log()
    assert overrides(server) == {}
    assert len(journal(scene)) == 2


def test_without_a_state_folder_nothing_is_durable(scene):
    scene.steerd.stop()
    del scene.server["state"]
    server = scene.steerd = scene.start()
    said = server.override("region", "us-east", "drain")
    assert (said["durable"], said["not_durable_because"]) == (False, None)
    assert server.get("/v1/status")["store"]["state"] == "none"
    assert "a restart forgets overrides" in server.ctl("status").stdout


def test_the_status_and_the_metrics(scene):
    scene.steerd.override("region", "us-east", "drain")
    store = scene.steerd.get("/v1/status")["store"]
    assert re.fullmatch("[0-9a-f]{64}", store.pop("hash"))
    assert store == {"state": "ok", "reason": None, "since": None, "seq": 1, "owed": 0, "mended": 0, "is_other": False}
    text = scene.steerd.request("GET", "/metrics").body.decode()
    assert "\nsteerd_store_up 1\n" in text and "\nsteerd_store_seq 1\n" in text
    assert "store" not in scene.steerd.ctl("status").stdout


def test_a_store_that_cannot_be_read(scene):
    """It is left as it is, and everything else goes on."""
    scene.steerd.override("region", "us-east", "drain")
    scene.steerd.stop()
    (scene.folder / "var/store.db").write_bytes(b"no store " * 1000)
    server = scene.steerd = scene.start()
    assert server.get("/v1/status")["store"]["state"] == "failing"
    said = server.override("region", "us-east", "drain")
    assert said["durable"] is False and said["not_durable_because"]
    assert server.addresses("www.example.com") == scene.eu
    done = server.ctl("drain", "az:eu-west-1a", "--reason", "r", "--yes-unserved")
    assert "a restart would forget it" in done.stderr
    assert "FAILS" in server.ctl("status").stdout
    assert (scene.folder / "var/store.db").read_bytes().startswith(b"no store")


def unread(scene):
    """A server that could not read its store, and what that holds."""
    scene.steerd.stop()
    put_back = scene.hide_store()
    scene.steerd = scene.start()
    return scene.steerd, put_back


def wait_well(server):
    server.wait(lambda: server.get("/v1/status")["store"]["state"] == "ok", "the store is well")


def test_a_store_that_comes_back_after_the_start(scene):
    """What it holds is in force as soon as it can be read, as it would have been at the start."""
    clock = begin_with_clock(scene)
    scene.steerd.override("region", "us-east", "drain")
    scene.steerd.override("az", "eu-west-1a", "up", "for a day", expires_in="1d")
    scene.steerd.override("endpoint", "web-eu-west-1a", "down", expires_in="1h")
    before = {name: item for name, item in overrides(scene.steerd).items() if not name.startswith("endpoint:")}
    server, put_back = unread(scene)
    store = server.get("/v1/status")["store"]
    assert store["state"] == "failing" and overrides(server) == {}
    assert server.addresses("www.example.com") == scene.us
    clock.sleep(3700)
    put_back()
    wait_well(server)
    assert overrides(server) == before
    assert server.addresses("www.example.com") == scene.eu
    server.wait_log("overrides restored late", "expired_meanwhile=1")
    server.wait_log("store well")
    server = restart(scene)
    assert overrides(server) == before


def test_what_was_ordered_meanwhile_is_later(scene):
    for kind, name in ("region", "us-east"), ("region", "eu-west"), ("az", "us-east-1a"), ("az", "eu-west-1a"):
        scene.steerd.override(kind, name, "drain", "the old one", actor="bob", allow_unserved=True)
    server, put_back = unread(scene)
    server.override("region", "us-east", "auto")
    server.override("region", "eu-west", "up", actor="alice")
    server.override("az", "us-east-1a", "up", actor="alice", expires_in="1s")
    server.wait(lambda: set(overrides(server)) == {"region:eu-west"}, "the short one has ended")
    put_back()
    wait_well(server)
    found = overrides(server)
    assert {name: (item["state"], item["actor"]) for name, item in found.items()} == {
        "region:eu-west": ("up", "alice"), "az:eu-west-1a": ("drain", "bob")}
    server.wait_log("override superseded", "name=us-east ", "stored=drain", "now=auto")
    server.wait_log("override superseded", "name=eu-west ", "stored_by=bob", "now=up", "now_by=alice")
    server.wait_log("override superseded", "name=us-east-1a", "now=auto")
    assert overrides(restart(scene)) == found


def test_many_that_come_back_after_the_start(scene):
    """In turns, each as it was; orders and answers go on meanwhile."""
    count = 300
    template = scene.topology["endpoints"]["web-us-east-1a"]
    many = {f"many-{i}": {**template, "addresses": [f"10.1.{i // 250}.{i % 250}"]} for i in range(count)}
    scene.topology["endpoints"].update(many)
    scene.write()
    server = restart(scene)
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda name: server.override("endpoint", name, "drain", name), many))
    before = overrides(server)
    server, put_back = unread(scene)
    put_back()
    for state in ["up", "auto"] * 10:
        assert server.override("region", "us-east", state)["override"] is not None or state == "auto"
    wait_well(server)
    assert overrides(server) == before
    server.wait_log("overrides restored late", f"in_force_or_planned={count} ")


def test_objects_that_somebody_has_changed(scene):
    """The journal says what an operator ordered: who makes objects expire in the file undoes nothing."""
    scene.steerd.override("region", "us-east", "drain")

    def expire():
        with sqlite3.connect(scene.folder / "var/store.db") as store:
            store.execute("UPDATE objects SET expires_ms = 1")
    server = restart(scene, expire)
    assert server.addresses("www.example.com") == scene.eu and set(overrides(server)) == {"region:us-east"}
    assert "1 objects were changed behind the journal's back" in server.read_log()
    assert "steerd_store_mended_total 1\n" in server.request("GET", "/metrics").body.decode()
    assert journal(scene) == ["override/region:us-east"]
    checked = scene.steerd.ctl("check", "store", code=1)
    assert "store_mended is 1" in checked.stdout, checked


def test_objects_that_somebody_changes_while_it_runs(scene):
    scene.steerd.override("region", "us-east", "drain")
    scene.steerd.ctl("check", "store")
    for times in (1, 2):
        offset = len(scene.steerd.read_log())
        with sqlite3.connect(scene.folder / "var/store.db") as store:
            store.execute("UPDATE objects SET expires_ms = 1")
        scene.steerd.override("region", "us-east", "drain", "again")
        scene.steerd.wait_log("store objects mended", "count=1", "key=override/region:us-east", offset=offset)
        assert scene.steerd.get("/v1/status")["store"]["mended"] == times
        checked = scene.steerd.ctl("check", "store", code=1)
        assert f"store_mended is {times}" in checked.stdout, checked
    assert scene.steerd.addresses("www.example.com") == scene.eu


def test_an_older_copy_of_the_store(scene):
    """It is said while the server runs on it, not only in the log of its start."""
    scene.steerd.override("region", "us-east", "drain")
    scene.steerd.stop()
    path = scene.folder / "var/store.db"
    older = path.read_bytes()
    scene.steerd = scene.start()
    scene.steerd.override("region", "us-east", "down")
    scene.steerd.stop()
    path.write_bytes(older)
    server = scene.steerd = scene.start()
    assert "an older copy, or another one?" in server.read_log()
    assert server.get("/v1/status")["store"]["is_other"] is True
    checked = scene.steerd.ctl("check", "store", code=1)
    assert "store_is_other is 1" in checked.stdout, checked


def test_a_store_that_could_not_be_opened(scene):
    """Nothing is damaged, it was only not there to be opened: a mount that comes late, a permission."""
    scene.steerd.override("region", "us-east", "drain")
    scene.steerd.stop()
    path = scene.folder / "var/store.db"
    good = path.rename(path.with_suffix(".late"))
    path.mkdir()
    server = scene.steerd = scene.start()
    assert server.get("/v1/status")["store"]["state"] == "failing" and overrides(server) == {}
    path.rmdir()
    good.rename(path)
    wait_well(server)
    assert server.addresses("www.example.com") == scene.eu


def test_a_damaged_store_that_is_set_aside_is_over(scene):
    """There is nothing to be read any more."""
    scene.steerd.override("region", "us-east", "drain")
    server, _ = unread(scene)
    said = server.override("az", "eu-west-1a", "up")
    assert said["durable"] is False
    path = scene.folder / "var/store.db"
    path.rename(path.with_suffix(".aside"))
    wait_well(server)
    assert set(overrides(server)) == {"az:eu-west-1a"} == set(overrides(restart(scene)))


def test_thousands_without_a_target(scene):
    """Each can be seen and removed, and wakes with its target."""
    count = 1500
    endpoints = scene.topology["endpoints"]
    template = endpoints["web-us-east-1a"]
    many = {f"gone-{i}": {**template, "addresses": [f"10.{i // 250}.{i % 250}.1"]} for i in range(count)}
    endpoints.update(many)
    scene.write()
    server = restart(scene)
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda name: server.override("endpoint", name, "drain", allow_unserved=True), many))
    for name in many:
        del endpoints[name]
    server = restart(scene, scene.write)
    assert server.get("/v1/status")["overrides_dormant"] == count
    listed, cursor = [], ""
    while cursor is not None:
        page = server.get(f"/v1/overrides?limit=400{cursor and '&cursor=' + cursor}")
        listed += [item["name"] for item in page["items"]]
        cursor = page["next_cursor"]
    assert len(listed) == count and set(listed) == set(many)
    for name in ("gone-0", "gone-1499"):
        assert server.request("DELETE", f"/v1/endpoints/{name}/override").status == 200
    assert server.get("/v1/status")["overrides_dormant"] == count - 2
    endpoints.update(many)
    scene.write()
    assert server.reload().status == 200
    assert server.get("/v1/status")["overrides"] == count - 2 and server.get("/v1/status")["overrides_dormant"] == 0
