# SPDX-License-Identifier: BSD-3-Clause
"""Documents that the API owns: edits serve before they are acknowledged, outlive whatever ends, and are refused as a whole."""
import concurrent.futures
import json
import os
import signal

import pytest

import kit
import takeovers
from takeovers import take_over

reaper = takeovers.reaper  # a fixture

US, EU = "us-east-1a", "eu-west-1a"


def make(site, owner="api"):
    site.at = kit.make_regions(site, azs=(US, EU))
    site.topology["checks"] = {"agent": {"type": "push", "ttl": "10m"}}
    for endpoint in site.topology["endpoints"].values():
        endpoint["checks"] = ["agent"]
    site.zone("example.com", "")
    site.policy("example.com", {"www": {"ttl": 5, "endpoints": ["web-*"], "tiers": [["us-east"], ["eu-west"]]}})
    site.us, site.eu = [site.at[US]], [site.at[EU]]
    site.server["start_wait"] = "0s"
    if owner is not None:
        site.server["documents"] = {"owner": owner}
    return site


def settle(server):
    server.wait(lambda: all(d["revision"] for d in server.get("/v1/config")["documents"]), "files are taken over")
    return server


@pytest.fixture
def scene(site):
    return make(site)


@pytest.fixture
def server(scene):
    return settle(scene.start())


def edit(server, method, path, body=None, status=200, **query):
    words = "&".join(f"{key}={value}" for key, value in query.items())
    reply = server.request(method, f"/v1/config/{path}" + ("?" + words if words else ""), body)
    assert reply.status == status, (reply.status, reply.body)
    return reply.json


def apply(server, *edits, status=200, query="", **more):
    reply = server.request("POST", "/v1/config:apply" + query, {"edits": list(edits), **more})
    assert reply.status == status, (reply.status, reply.body)
    return reply.json


def value(server, path):
    return server.get(f"/v1/config/{path}")["value"]


def new_endpoint(az, *addresses):
    return {"az": az, "addresses": list(addresses), "checks": ["agent"]}


def test_an_edit_serves_when_it_is_acknowledged(scene, server):
    before = server.get("/v1/status")["generation"]
    assert server.addresses("www.example.com") == scene.us
    reply = edit(server, "PATCH", f"endpoints/web-{US}", {"addresses": ["192.0.2.77"]})
    assert server.addresses("www.example.com") == ["192.0.2.77"]
    assert reply["generation"] > before and reply["generation"] == server.get("/v1/status")["generation"]
    assert [d["name"] for d in reply["documents"]] == ["topology.json"]
    assert value(server, f"endpoints/web-{US}") == {"az": US, "addresses": ["192.0.2.77"], "checks": ["agent"]}
    assert json.loads((scene.folder / "topology.json").read_text()) == scene.topology, "files are left alone"


def test_an_edit_outlives_a_kill(scene, server):
    edit(server, "PUT", "endpoints/web-new", new_endpoint(US, "192.0.2.78"), status=200)
    edit(server, "DELETE", f"endpoints/web-{US}")
    server.kill()
    again = scene.start()
    assert again.addresses("www.example.com") == ["192.0.2.78"]
    assert value(again, "endpoints/web-new")["az"] == US
    assert server.request("GET", f"/v1/config/endpoints/web-{US}").status == 404


def test_an_edit_outlives_a_reload(scene, server):
    edit(server, "PATCH", f"endpoints/web-{US}", {"addresses": ["192.0.2.77"]})
    scene.write()
    assert server.reload().status == 200
    assert server.addresses("www.example.com") == ["192.0.2.77"]


def test_an_edit_outlives_a_takeover(scene, server, reaper):
    edit(server, "PATCH", f"endpoints/web-{US}", {"addresses": ["192.0.2.77"]})
    take_over(server)
    assert server.addresses("www.example.com") == ["192.0.2.77"]
    edit(server, "PATCH", f"endpoints/web-{US}", {"addresses": ["192.0.2.79"]})
    assert server.addresses("www.example.com") == ["192.0.2.79"]


def test_files_own_documents_unless_it_is_said_otherwise(site):
    server = make(site, owner=None).start()
    assert server.get("/v1/config")["owner"] == "files"
    reply = edit(server, "PATCH", f"endpoints/web-{US}", {"weight": 2}, status=409)
    assert reply["type"].endswith(":owned-by-files") and "steerd.json" in reply["detail"]
    assert value(server, f"endpoints/web-{US}")["az"] == US
    assert server.addresses("www.example.com") == site.us


def test_all_kinds(scene, server):
    edit(server, "PUT", "regions/ap-south", {"azs": {"ap-south-1a": {}}})
    edit(server, "PUT", "azs/ap-south-1b", {"region": "ap-south", "lost_at": 0.5})
    assert value(server, "azs/ap-south-1b") == {"region": "ap-south", "lost_at": 0.5}
    edit(server, "PUT", "checks/more", {"type": "push", "ttl": "1m"})
    edit(server, "PUT", "endpoints/web-ap", {"az": "ap-south-1b", "addresses": ["192.0.2.80"], "checks": ["agent", "more"]})
    edit(server, "PUT", "groups/two", ["web-ap", f"web-{US}"])
    edit(server, "PATCH", "zones/example.com/names/www", {"tiers": [["ap-south"]], "ttl": None})
    assert server.addresses("www.example.com") == ["192.0.2.80"]
    assert value(server, "zones/example.com/names/www.example.com.") == {"endpoints": ["web-*"], "tiers": [["ap-south"]]}
    edit(server, "DELETE", "groups/two")
    names = [item["name"] for item in server.get("/v1/config/azs")["items"]]
    assert names == [US, EU, "ap-south-1a", "ap-south-1b"]


def test_a_batch_is_one_generation_or_none(scene, server):
    before = server.get("/v1/status")["generation"]
    batch = [{"op": "put", "kind": "az", "name": "us-east-1x", "value": {"region": "us-east"}},
             {"op": "put", "kind": "endpoint", "name": "web-x", "value": new_endpoint("us-east-1x", "192.0.2.81")},
             {"op": "merge", "kind": "name", "zone": "example.com", "name": "www", "value": {"tiers": [["us-east-1x"]]}}]
    reply = apply(server, *batch, reason="another az")
    assert reply["generation"] == before + 1 and len(reply["documents"]) == 2
    assert server.addresses("www.example.com") == ["192.0.2.81"]
    reply = apply(server, {"op": "put", "kind": "endpoint", "name": "web-y", "value": new_endpoint("us-east-1x", "192.0.2.82")},
                  {"op": "delete", "kind": "endpoint", "name": "nobody"}, status=404)
    assert "edit 2" in reply["detail"]
    assert server.request("GET", "/v1/config/endpoints/web-y").status == 404
    assert server.get("/v1/status")["generation"] == before + 1


def test_what_others_refer_to_stays(scene, server):
    reply = edit(server, "DELETE", f"azs/{US}", status=422)
    assert reply["type"].endswith(":config-invalid")
    assert any("endpoints" in error["path"] for error in reply["errors"] if error.get("path"))
    reply = edit(server, "DELETE", "regions/us-east", status=422)
    assert edit(server, "DELETE", "checks/agent", status=422)["errors"]
    assert server.addresses("www.example.com") == scene.us


def test_all_errors_at_once(scene, server):
    reply = edit(server, "PUT", "endpoints/web-new", {"az": "mars", "addresses": ["nonsense"], "colour": "red"}, status=422)
    assert len(reply["errors"]) == 3 and all(error["file"].endswith("topology.json") for error in reply["errors"])


def test_a_dry_run_changes_nothing(scene, server):
    before = server.get("/v1/config")
    reply = edit(server, "PATCH", f"endpoints/web-{US}", {"addresses": ["192.0.2.77"]}, dry_run="true")
    assert reply["dry_run"] and reply["changes"]["steps"]
    assert server.get("/v1/config") == before and server.addresses("www.example.com") == scene.us
    assert edit(server, "PATCH", f"endpoints/web-{US}", {"az": "mars"}, dry_run="true", status=422)["errors"]


def test_a_tag_that_does_not_fit(scene, server):
    path = f"/v1/config/endpoints/web-{US}"
    tag = server.request("GET", path).headers["ETag"]
    assert tag == f'"{server.get(path)["tag"]}"'
    assert server.request("GET", path, headers={"If-None-Match": tag}).status == 304

    def patch(weight, **headers):
        return server.request("PATCH", path, {"weight": weight}, {name.replace("_", "-"): text for name, text in headers.items()})
    assert patch(2, If_Match=tag).status == 200
    reply = patch(3, If_Match=tag)
    assert reply.status == 412 and reply.json["type"].endswith(":precondition-failed")
    assert patch(4, If_None_Match="*").status == 412
    assert patch(5, If_Match="*").status == 200
    assert value(server, f"endpoints/web-{US}")["weight"] == 5
    batch = {"op": "put", "kind": "endpoint", "name": "other", "value": new_endpoint(EU, "192.0.2.83")}
    apply(server, {**batch, "if_tag": "*"}, status=412)
    apply(server, {**batch, "if_tag": "12"}, status=412)
    apply(server, batch)


def test_the_journal_says_who_did_what(scene, server):
    edit(server, "PATCH", f"endpoints/web-{US}", {"weight": 2}, reason="more%20of%20it", actor="alice")
    entry = server.get("/v1/journal?kind=document&limit=1")["items"][0]
    assert (entry["actor"], entry["reason"], entry["key"]) == ("alice", "more of it", "topology.json")
    assert entry["request"] == f"PATCH /v1/config/endpoints/web-{US}"
    assert entry["after"]["edits"] == [{"op": "merge", "kind": "endpoint", "name": f"web-{US}", "value": {"weight": 2}}]


def test_drift_is_shown_and_files_are_taken_over_on_purpose(scene, server):
    assert server.get("/v1/config/drift")["differing"] == 0
    edit(server, "PUT", "endpoints/web-new", new_endpoint(US, "192.0.2.78"))
    edit(server, "PATCH", f"endpoints/web-{US}", {"weight": 2})
    drift = server.get("/v1/config/drift")
    assert drift["differing"] == 1
    assert {(d["kind"], d["name"], d["change"]) for d in drift["differences"]} == {
        ("endpoint", "web-new", "added"), ("endpoint", f"web-{US}", "changed")}
    reply = server.request("POST", "/v1/config:import?reason=back")
    assert reply.status == 200 and [d["name"] for d in reply.json["documents"]] == ["topology.json"]
    assert server.get("/v1/config/drift")["differing"] == 0
    assert server.request("GET", "/v1/config/endpoints/web-new").status == 404


def test_an_export_loads_to_the_same(scene, server):
    edit(server, "PUT", "endpoints/web-new", new_endpoint(US, "192.0.2.78"))
    reply = server.request("GET", "/v1/config/documents/topology.json")
    assert list(reply.json["endpoints"]) == [f"web-{US}", f"web-{EU}", "web-new"], "the order stays"
    scene.topology = reply.json
    scene.put("topology.json", reply.body.decode())
    assert server.get("/v1/config/drift")["differing"] == 0


def test_health_survives_an_edit(scene, server):
    reply = server.request("POST", "/v1/report", {"endpoint": f"web-{US}", "check": "agent", "state": "down"})
    assert reply.status == 200
    assert server.addresses("www.example.com") == scene.eu
    edit(server, "PUT", "endpoints/web-new", new_endpoint(EU, "192.0.2.78"))
    assert set(server.sample("www.example.com")) == {scene.eu[0], "192.0.2.78"}


def test_a_start_without_a_store_that_can_be_read(scene, server):
    edit(server, "PATCH", f"endpoints/web-{US}", {"addresses": ["192.0.2.77"]})
    server.stop()
    (scene.folder / "var/store.db").write_bytes(b"damaged" * 4096)
    again = scene.start()
    assert again.addresses("www.example.com") == ["192.0.2.77"], "what served last"
    assert "cannot be read" in again.get("/v1/config")["unsure"]
    assert edit(again, "PATCH", f"endpoints/web-{US}", {"weight": 3}, status=503)["type"].endswith(":not-saved")


def test_files_own_documents_again(scene, server):
    edit(server, "PATCH", f"endpoints/web-{US}", {"addresses": ["192.0.2.77"]})
    scene.server["documents"]["owner"] = "files"
    scene.write()
    assert server.reload().status == 200
    assert server.addresses("www.example.com") == scene.us
    edit(server, "PATCH", f"endpoints/web-{US}", {"weight": 2}, status=409)
    scene.server["documents"]["owner"] = "api"
    scene.write()
    assert server.reload().status == 200
    assert settle(server).addresses("www.example.com") == scene.us, "what was said before does not come back"


def test_edits_that_meet(scene, server):
    """All are done, one after the other, also beside reloads."""
    names = [f"web-{number}" for number in range(12)]

    def put(name):
        return server.request("PUT", f"/v1/config/endpoints/{name}", new_endpoint(EU, f"192.0.2.{100 + names.index(name)}"))
    with concurrent.futures.ThreadPoolExecutor(6) as pool:
        futures = [pool.submit(put, name) for name in names]
        server.request("POST", "/v1/reload")
        os.kill(server.process.pid, signal.SIGHUP)
        assert [future.result().status for future in futures] == [200] * len(names)
    assert [item["name"] for item in server.get("/v1/config/endpoints")["items"]][2:] == sorted(
        names, key=lambda name: [item["name"] for item in server.get("/v1/config/endpoints")["items"]].index(name))
    server.kill()
    again = scene.start()
    assert {item["name"] for item in again.get("/v1/config/endpoints")["items"]} >= set(names)
