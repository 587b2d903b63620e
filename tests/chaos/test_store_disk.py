# SPDX-License-Identifier: BSD-3-Clause
"""The disk under the store is full, slow or hangs: what operators order holds at once and is said not to be durable, and
is written as soon as it can be."""
import threading

import pytest

import disk
import kit


class Server(kit.Server):
    """A steerd whose state folder lies on that disk."""

    def __init__(self, site):
        super().__init__(site)
        self.disk = disk.Disk(site.folder / "var", site.folder / "disk")
        site.environment = self.disk.environment()


@pytest.fixture
def server():
    with kit.new_site() as site:
        site.at = kit.make_regions(site, azs=("us-east-1a", "eu-west-1a"))
        for endpoint in site.topology["endpoints"].values():
            endpoint["checks"] = []
        site.zone("example.com", "")
        site.policy("example.com", {"www": {"ttl": 5, "endpoints": ["web-*"], "tiers": [["us-east"], ["eu-west"]]}}).write()
        server = Server(site)
        site.running.append(server)
        server.us, server.eu = ([site.at[az]] for az in ("us-east-1a", "eu-west-1a"))
        yield server.start()
        server.disk.heal()
        server.disk.close()


def store(server):
    return server.get("/v1/status")["store"]


def wait_durable(server):
    server.wait(lambda: store(server)["state"] == "ok", "everything is durable")


def restart(server):
    server.kill()
    server.start()


def test_a_full_disk(server):
    server.override("region", "eu-west", "down")
    server.override("region", "eu-west", "auto")
    server.disk.set(disk.FULL, 1)
    said = server.override("region", "us-east", "drain", "the house is on fire")
    assert said["durable"] is False and said["effective"] == "drained" and said["not_durable_because"]
    assert server.addresses("www.example.com") == server.eu
    failing = store(server)
    assert failing["state"] == "failing" and failing["owed"] == 1 and failing["since"] and failing["reason"]
    server.wait_log("store failing")
    server.override("az", "us-east-1a", "up")
    server.override("az", "us-east-1a", "auto")
    server.disk.heal()
    wait_durable(server)
    server.wait_log("store well")
    assert server.override("endpoint", "web-eu-west-1a", "up")["durable"] is True
    before = server.get("/v1/overrides")
    restart(server)
    assert server.get("/v1/overrides") == before
    assert server.addresses("www.example.com") == server.eu


def test_a_restart_while_the_disk_is_full(server):
    """What is durable holds, although nothing can be written."""
    server.override("region", "us-east", "drain")
    server.kill()
    server.disk.set(disk.FULL, 1)
    server.start()
    assert server.addresses("www.example.com") == server.eu
    assert server.override("region", "us-east", "auto")["durable"] is False
    assert server.addresses("www.example.com") == server.us
    server.disk.heal()
    wait_durable(server)
    restart(server)
    assert server.addresses("www.example.com") == server.us


def test_a_disk_that_hangs(server):
    server.disk.set(disk.SYNC_MS, 30000)
    said = server.override("region", "us-east", "drain")
    assert said["durable"] is False and said["effective"] == "drained"
    assert server.addresses("www.example.com") == server.eu
    said = server.override("region", "us-east", "auto")
    assert said["durable"] is False and server.addresses("www.example.com") == server.us
    server.stop()
    assert "may not be durable" in server.read_log()


def test_a_slow_disk_is_waited_for_a_moment(server):
    server.disk.set(disk.SYNC_MS, 2000)
    assert server.override("region", "us-east", "drain")["durable"] is False
    assert store(server)["state"] == "failing" and store(server)["owed"] == 1
    server.disk.heal()
    wait_durable(server)
    restart(server)
    assert server.addresses("www.example.com") == server.eu


def test_answers_change_before_the_disk_is_asked(server):
    """Whoever ordered it waits for the disk; who asks does not."""
    server.disk.set(disk.SYNC_MS, 2000)

    def put():
        server.override("region", "us-east", "drain")
        happened.append("reply")
    happened, client = [], threading.Thread(target=put)
    client.start()
    server.wait(lambda: server.addresses("www.example.com") == server.eu, "answers change")
    happened.append("answers")
    client.join()
    assert happened == ["answers", "reply"]
    assert server.override("endpoint", "web-us-east-1a", "drain")["durable"] is False
    server.wait_log("order durable", "key=override:region:us-east")
    server.wait_log("order durable", "key=override:endpoint:web-us-east-1a")
    server.disk.heal()
    wait_durable(server)
    before = server.get("/v1/overrides")
    restart(server)
    assert server.get("/v1/overrides") == before and server.addresses("www.example.com") == server.eu


def test_orders_of_one_target_while_the_disk_works(server):
    """None waits for the one before; the last one holds, also after a restart, and the journal has them in their order."""
    server.disk.set(disk.SYNC_MS, 300)
    clients = []
    for state in ("drain", "up", "down", "drain"):
        clients.append(threading.Thread(target=server.override, args=("region", "us-east", state)))
        clients[-1].start()
        server.wait_state("region", "us-east", desired=state)
    for client in clients:
        client.join()
    server.disk.heal()
    wait_durable(server)
    entries = server.get("/v1/journal?target=region:us-east&order=oldest")["items"]
    assert [entry["after"]["state"] for entry in entries] == ["drain", "up", "down", "drain"]
    restart(server)
    assert server.addresses("www.example.com") == server.eu


def test_a_condition_waits_for_what_it_is_about(server):
    """Who takes something for granted that is just being changed is told by whom, once that is written."""
    first = server.override("region", "us-east", "drain")
    tag = server.request("GET", "/v1/regions/us-east/override").headers["ETag"]
    server.disk.set(disk.SYNC_MS, 300)
    client = threading.Thread(target=server.override, args=("region", "us-east", "down"), kwargs={"actor": "zoe"})
    client.start()
    server.wait(lambda: "ETag" not in server.request("GET", "/v1/regions/us-east/override").headers, "it has changed, and has no revision yet")
    late = server.request("PUT", "/v1/regions/us-east/override", {"state": "up", "reason": "late", "allow_unserved": True}, {"If-Match": tag})
    client.join()
    assert first["durable"] and late.status == 412 and late.json["changed_by"] == "zoe", late


def test_an_order_that_ends_on_its_way(server):
    """It was good when it came and has replaced what was before, in the store as in answers: a crash changes nothing."""
    server.override("region", "us-east", "drain")
    server.disk.set(disk.SYNC_MS, 2000)
    said = server.override("region", "us-east", "up", expires_in="100ms")
    assert said["override"] is None and said["effective"] != "forced_up"
    assert server.get("/v1/overrides")["items"] == []
    server.disk.heal()
    wait_durable(server)
    restart(server)
    assert server.get("/v1/overrides")["items"] == []
    assert server.addresses("www.example.com") == server.us


def begin_emergency(server):
    reply = server.request("POST", "/v1/switchovers", {
        "source": "region:us-east", "emergency": True, "reason": "it burns", "actor": "ann"})
    assert reply.status == 201, reply
    return reply.json


def test_an_emergency_and_a_full_disk(server):
    """It is in force when the answer comes, which says that it is not written; and it is, by itself, as soon as there is room."""
    server.disk.set(disk.FULL, 1)
    made = begin_emergency(server)
    assert made["state"] == "moved" and made["durable"] is False and made["not_durable_because"]
    assert server.addresses("www.example.com") == server.eu
    server.wait(lambda: store(server)["owed"] == 2, "the switchover and its override are owed")
    server.disk.heal()
    server.wait_log("store well")  # nobody asks for anything meanwhile
    restart(server)
    assert server.get(f"/v1/switchovers/{made['id']}")["state"] == "moved"
    assert server.addresses("www.example.com") == server.eu
    rolled = server.request("POST", f"/v1/switchovers/{made['id']}:rollback", {}).json
    assert rolled["state"] == "rolled_back" and rolled["durable"] and server.addresses("www.example.com") == server.us


def test_a_crash_before_an_emergency_is_written(server):
    """Both are forgotten, as the answer said that they might be."""
    server.disk.set(disk.FULL, 1)
    assert begin_emergency(server)["durable"] is False
    restart(server)
    assert server.get("/v1/switchovers")["items"] == [] and server.get("/v1/overrides")["items"] == []
    assert server.addresses("www.example.com") == server.us


def test_an_emergency_waits_for_no_disk(server):
    """A moment, at most; the log tells when it was written after all."""
    server.disk.set(disk.SYNC_MS, 400)
    made = begin_emergency(server)
    assert made["durable"] is False and "2 ms" in made["not_durable_because"]
    server.wait_log("order durable", f"key=switchover:{made['id']}", "after_ms=")
    assert store(server)["owed"] == 0
    server.disk.heal()
    restart(server)
    assert server.get(f"/v1/switchovers/{made['id']}")["state"] == "moved" and server.addresses("www.example.com") == server.eu


def test_an_override_in_an_emergency(server):
    """Of which nobody asks whom it leaves unserved, nor the disk."""
    server.override("region", "eu-west", "drain")
    server.disk.set(disk.SYNC_MS, 300)
    body = {"state": "drain", "reason": "it burns", "emergency": True}
    said = server.put("/v1/regions/us-east/override", body)
    assert said["durable"] is False and "2 ms" in said["not_durable_because"] and said["effective"] == "drained"
    gone = server.request("DELETE", "/v1/regions/us-east/override?emergency=true").json
    assert gone["durable"] is False and gone["override"] is None and "2 ms" in gone["not_durable_because"]
    told = server.ctl("drain", "az:us-east-1a", "--reason", "it burns", "--emergency")
    assert "drained" in told.stdout and "2 ms" in told.stderr
    server.disk.heal()
    wait_durable(server)
    restart(server)
    assert {item["name"] for item in server.get("/v1/overrides")["items"]} == {"us-east-1a", "eu-west"}


def test_an_emergency_and_a_disk_that_hangs(server):
    server.disk.set(disk.SYNC_MS, 30000)
    made = begin_emergency(server)
    assert made["state"] == "moved" and made["durable"] is False and server.addresses("www.example.com") == server.eu
    server.disk.heal()


def test_edits_on_a_full_disk(server):
    """What cannot be written changes nothing; what was acknowledged before serves on, also after a start on the full disk."""
    server.site.server["documents"] = {"owner": "api"}
    server.site.write()
    assert server.reload().status == 200
    server.wait(lambda: all(document["revision"] for document in server.get("/v1/config")["documents"]), "files are taken over")

    def put(name):
        body = {"az": "eu-west-1a", "addresses": ["192.0.2.7"]}
        return server.request("PUT", f"/v1/config/endpoints/{name}", body).status

    def names():
        return {item["name"] for item in server.get("/v1/config/endpoints")["items"]} - {"web-us-east-1a", "web-eu-west-1a"}
    assert put("before") == 200
    server.disk.set(disk.FULL, 1)
    assert [put("during"), put("during")] == [503, 503] and names() == {"before"}
    restart(server)
    assert names() == {"before"} and server.get("/v1/config")["unsure"] is None and put("during") == 503
    server.disk.heal()
    server.wait(lambda: put("after") == 200, "edits are taken again")
    restart(server)
    assert names() == {"before", "after"}
