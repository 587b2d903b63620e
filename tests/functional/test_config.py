# SPDX-License-Identifier: BSD-3-Clause
"""Documents that the API owns: edits serve before they are acknowledged, outlive whatever ends, and are refused as a whole."""
import concurrent.futures
import json
import os
import shutil
import signal

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

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


def metric(server, name):
    lines = server.request("GET", "/metrics").body.decode().splitlines()
    return next(line.split()[1] for line in lines if line.split()[0] == name)


def test_an_edit_that_the_zone_file_forbids(scene):
    """The error is placed in the zone file; it is the edit's all the same."""
    server = settle(scene.zone("example.com", "old CNAME www\n").start())
    before = server.get("/v1/config")
    name = {"ttl": 5, "endpoints": ["web-*"]}
    for query in {"dry_run": "true"}, {}:
        reply = edit(server, "PUT", "zones/example.com/names/old", name, status=422, **query)
        [error] = reply["errors"]
        assert error["file"].endswith(("zones/example.com.zone", "zones/example.com.json"))
        assert error["line"] and "old.example.com" in error["message"]
    refused = server.ctl("config", "set", "name:example.com/old", json.dumps(name), code=1)
    assert "old.example.com" in refused.stderr and "serves:" not in refused.stdout
    scene.policies["example.com"]["names"]["old"] = name
    scene.put("zones/example.com.json", scene.policies["example.com"])
    assert server.request("POST", "/v1/config:import").status == 422, "a file that is taken over is an edit, too"
    assert server.get("/v1/config") == before and server.get("/v1/zones")["items"][0]["state"] == "current"
    edit(server, "PATCH", "zones/example.com/names/www", {"ttl": 9})
    assert server.ask("www.example.com").answer[0].ttl == 9 and metric(server, "steerd_documents_unsure") == "0"


def test_an_edit_beside_a_zone_that_is_broken_already(scene, server):
    """The edit is not to blame, but whoever makes it is told what it does not reach."""
    scene.put("zones/example.com.zone", scene.zones["example.com"] + "bad A nonsense\nold CNAME www\n")
    server.reload()
    assert server.get("/v1/zones")["items"][0]["state"] == "stale"
    reply = edit(server, "PATCH", "zones/example.com/names/www", {"ttl": 9})
    assert [error["file"].endswith("example.com.zone") for error in reply["errors"]] == [True]
    assert server.ask("www.example.com").answer[0].ttl == 5
    assert "example.com" in server.get("/v1/config")["unsure"] and metric(server, "steerd_documents_unsure") == "1"
    done = server.ctl("config", "merge", f"endpoint:web-{US}", '{"weight": 2}', code=1)
    assert "stored" in done.stdout and "stored, and serves" not in done.stdout and "example.com.zone" in done.stderr
    done = server.ctl("config", "merge", f"endpoint:web-{US}", '{"weight": 3}', "--dry-run", code=1)
    assert "example.com.zone" in done.stderr
    reply = edit(server, "PUT", "zones/example.com/names/old", {"ttl": 5, "endpoints": ["web-*"]}, status=422)
    assert len(reply["errors"]) == 2, "this one makes it worse"
    scene.write()
    server.reload()
    assert server.ask("www.example.com").answer[0].ttl == 9
    assert server.get("/v1/config")["unsure"] is None and metric(server, "steerd_documents_unsure") == "0"


def test_a_repair_in_part(scene):
    """Of a document with several errors: fewer are accepted and told, as many or others are not."""
    bad = {"ttl": 5, "endpoints": ["nobody"]}
    scene.policy("example.com", {"www": {"ttl": 5, "endpoints": ["web-*"]}, "a": bad, "b": bad, "c": bad})
    scene.zone("example.net", "").policy("example.net", {"www": {"ttl": 5, "endpoints": ["web-*"]}})
    server = scene.start()
    server.wait(lambda: sum(d["revision"] is not None for d in server.get("/v1/config")["documents"]) == 2, "the good ones are")
    good, path = {"ttl": 5, "endpoints": ["web-*"]}, "zones/example.com/names/"
    assert len(edit(server, "PUT", path + "d", good, status=422)["errors"]) == 3, "it mends nothing"
    for query in {"dry_run": "true"}, {}:
        reply = edit(server, "PUT", path + "a", good, **query)
        assert len(reply["errors"]) == 2 and all(error["file"].endswith("example.com.json") for error in reply["errors"])
    assert len(edit(server, "PUT", path + "b", {"ttl": 5, "endpoints": ["others"]}, status=422)["errors"]) == 2, "another error"
    reply = apply(server, {"op": "put", "kind": "name", "zone": "example.com", "name": "b", "value": good},
                  {"op": "put", "kind": "name", "zone": "example.com", "name": "d", "value": bad}, status=422)
    assert len(reply["errors"]) == 2, "one mended, one made"
    reply = edit(server, "PUT", "endpoints/web-more", new_endpoint(EU, "192.0.2.83"))
    assert len(reply["errors"]) == 2 and "web-more" in reply["errors"][0]["message"], "the same errors, though their advice is another"
    done = server.ctl("config", "set", "name:example.com/b", json.dumps(good), code=1)
    assert "stored" in done.stdout and "and serves" not in done.stdout and "example.com.json" in done.stderr
    assert metric(server, "steerd_documents_unsure") == "1" and "example.com" in server.get("/v1/config")["unsure"]
    server.stop()
    server = scene.start()
    assert sorted(value(server, path + name)["endpoints"] == ["web-*"] for name in "abc") == [False, True, True], "what was stored"
    done = server.ctl("config", "set", "name:example.com/c", json.dumps(good))
    assert "stored, and serves" in done.stdout and server.addresses("a.example.com")
    assert server.get("/v1/config")["unsure"] is None and metric(server, "steerd_documents_unsure") == "0"


def test_a_file_with_errors_is_not_taken_over(scene):
    scene.zone("example.net", "").policy("example.net", {"www": {"ttl": 5, "endpoints": ["nobody"]}})
    server = scene.start()
    server.wait(lambda: sum(d["revision"] is not None for d in server.get("/v1/config")["documents"]) == 2, "the others are")
    assert "example.net" in server.get("/v1/config")["unsure"] and metric(server, "steerd_documents_unsure") == "1"
    scene.policy("example.net", {"www": {"ttl": 5, "endpoints": ["web-*"]}}).write()
    server.reload()
    assert server.addresses("www.example.net") and server.get("/v1/config")["unsure"] is None
    settle(server)


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


def secret_check(word):
    return {"type": "http", "port": 1, "interval": "1m", "headers": {"Authorization": word}, "method": "POST", "send": word}


def test_secrets_are_shown_to_editors_only(scene, server):
    """A viewer reads that they are there and that they change; the journal, and what it had before, is without them for everybody."""
    words = ["hunter2-first", "hunter2-second", "hunter2-third"]
    scene.topology["checks"]["run"] = {"type": "exec", "command": ["/bin/true", words[0]], "environment": {"PW": words[0]}}
    scene.write()
    assert server.request("POST", "/v1/config:import").status == 200
    for word in words[:2]:
        edit(server, "PUT", "checks/web", secret_check(word))
        kit.time.sleep(1.1)  # moments are told by the second
    edit(server, "PATCH", "checks/web", {"headers": {"Authorization": words[2]}})
    assert value(server, "checks/web")["headers"] == {"Authorization": words[2]}, "who edits sees them"
    assert words[0] in server.request("GET", "/v1/config/documents/topology.json").body.decode()
    refused = edit(server, "PUT", "checks/web", {**secret_check("x"), "headers": {"Authorization": [words[0]]}, "send": 7}, status=422)
    assert "hunter2" not in str(refused)

    def roles(given):
        scene.server["admin"]["socket_roles"] = {"*": given}
        scene.write()
        os.kill(server.process.pid, signal.SIGHUP)
        server.wait(lambda: (server.request("DELETE", "/v1/regions/nowhere/override").status == 403) == (given == "viewer"), given)
    roles("viewer")
    shown = value(server, "checks/web")
    assert list(shown["headers"]["Authorization"]) == ["$redacted"] and shown["port"] == 1
    documents = server.get("/v1/config/documents/topology.json")
    assert documents["checks"]["run"]["command"][0] == "/bin/true" and "PW" in documents["checks"]["run"]["environment"]
    journal = server.get("/v1/journal?kind=document")["items"]
    edits = [e["after"]["edits"][0]["value"]["headers"]["Authorization"]["$redacted"] for e in journal if e["after"].get("edits")]
    assert len(set(edits)) == 3, "each is told to be another one"
    for path in ("/v1/config/checks", "/v1/config/checks/run", "/v1/config/documents", "/v1/config/drift", "/v1/journal", "/v1/checks",
                 "/v1/config/documents/topology.json", "/v1/diff?from=2s", "/v1/diff?from=1h", "/v1/explain?name=www.example.com"):
        assert b"hunter2" not in server.request("GET", path).body, path
    refused = server.ctl("config", "export", str(scene.folder / "out"), code=1)
    assert "editor" in refused.stderr and not (scene.folder / "out/topology.json").exists()
    roles("editor")
    server.stop()
    assert b"hunter2" not in (scene.folder / "var/store.db").read_bytes() and "hunter2" not in server.read_log()
    again = scene.start()
    assert value(again, "checks/web")["headers"] == {"Authorization": words[2]}


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


def test_the_command_line(scene, server):
    thing = f"endpoint:web-{US}"
    assert json.loads(server.ctl("config", "get", thing).stdout) == new_endpoint(US, *scene.us)
    assert server.ctl("config", "get", "endpoints").stdout.split() == [f"web-{US}", f"web-{EU}"]
    assert server.ctl("config", "get", "name:example.com").stdout.split() == ["www"]
    said = server.ctl("config", "merge", thing, '{"weight": 2}', "--dry-run").stdout
    assert "dry run" in said and "topology.json" in said
    said = server.ctl("config", "merge", thing, '{"weight": 2}', "--reason", "larger").stdout
    assert "generation" in said and "topology.json" in said
    server.ctl("config", "set", "endpoint:web-new", json.dumps(new_endpoint(EU, "192.0.2.78")))
    refused = server.ctl("config", "delete", f"az:{EU}", "--yes", code=1)
    assert "topology.json" in refused.stderr and "endpoints" in refused.stderr
    server.ctl("config", "delete", "endpoint:nobody", "--yes", code=4)
    batch = scene.folder / "batch.json"
    batch.write_text(json.dumps([{"op": "delete", "kind": "endpoint", "name": "web-new"},
                                 {"op": "merge", "kind": "name", "zone": "example.com", "name": "www", "value": {"ttl": 7}}]))
    assert "zones/example.com.json" in server.ctl("config", "apply", str(batch)).stdout
    said = server.ctl("config", "diff").stdout
    assert f"web-{US}" in said and "changed" in said and "owner: api" in said
    folder = scene.folder / "out"
    assert "topology.json" in server.ctl("config", "export", str(folder)).stdout
    assert json.loads((folder / "topology.json").read_text())["endpoints"][f"web-{US}"]["weight"] == 2
    assert json.loads((folder / "zones/example.com.json").read_text())["names"]["www"]["ttl"] == 7
    assert "generation" in server.ctl("config", "import", "--reason", "back").stdout
    assert server.ctl_json("config", "diff")["differing"] == 0
    assert "same" not in server.ctl("config").stdout and "topology.json" in server.ctl("config", "show").stdout
    for words in (["config", "set", thing], ["config", "set", thing, "{"], ["config", "get", "moon:x"], ["config", "dance"], ["config", "set", "endpoints", "{}"]):
        server.ctl(*words, code=2)


EDITS = st.lists(st.one_of(
    st.tuples(st.just("endpoint"), st.sampled_from(["a", "b", "c"]), st.sampled_from([US, EU, "us-east-1z"]), st.integers(1, 9)),
    st.tuples(st.just("az"), st.sampled_from(["us-east-1z", "eu-west-1z"]), st.booleans()),
    st.tuples(st.just("drop"), st.sampled_from(["a", "b", "c"])),
    st.tuples(st.just("name"), st.sampled_from(["www", "other", "@"]), st.integers(1, 99), st.booleans())), min_size=1, max_size=8)


def carry_out(server, edit_):
    """One edit, which may well be refused."""
    kind, name, *rest = edit_
    if kind == "endpoint":
        az, weight = rest
        body = {**new_endpoint(az, f"192.0.2.{weight}"), "weight": weight}
        return server.request("PUT", f"/v1/config/endpoints/{name}", body).status
    if kind == "az":
        return server.request("DELETE" if rest[0] else "PUT", f"/v1/config/azs/{name}",
                              None if rest[0] else {"region": name[:-3]}).status
    if kind == "drop":
        return server.request("DELETE", f"/v1/config/endpoints/{name}").status
    body = {"ttl": rest[0], "endpoints": ["*"], "tiers": [["us-east"], ["eu-west"]] if rest[1] else [["eu-west"]]}
    return server.request("PUT", f"/v1/config/zones/example.com/names/{name}", body).status


def test_random_edits_export_to_the_same(scene, server):
    """Whatever was edited: a second server that loads the export has the same things, and gives the same answers."""
    def look(one):
        effective = {kind: one.get(f"/v1/{kind}?limit=1000")["items"] for kind in ("regions", "azs", "endpoints", "names")}
        for item in effective["regions"] + effective["azs"] + effective["endpoints"]:
            for key in "since", "last_checked", "checks":
                item.pop(key, None)
        return effective, {name: set(one.sample(name + "example.com", 20)) for name in ("www.", "other.", "")}

    @settings(max_examples=3, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck), database=None)
    @given(EDITS)
    def check(edits):
        assert {carry_out(server, edit_) for edit_ in edits} <= {200, 404, 422}
        with kit.new_site() as other:
            make(other, owner=None)
            other.topology = server.request("GET", "/v1/config/documents/topology.json").json
            other.policies["example.com"] = server.request("GET", "/v1/config/documents/zones%2Fexample.com.json").json
            assert look(other.start()) == look(server)
    check()


def test_a_backup_has_what_was_edited(scene, server):
    scene.server["keep_configuration"] = False  # else the depot has it, too
    scene.write()
    assert server.reload().status == 200
    edit(server, "PATCH", f"endpoints/web-{US}", {"addresses": ["192.0.2.77"]})
    server.ctl("backup", str(scene.folder / "b.tar.gz"))
    assert "documents" not in server.ctl("backup", "verify", str(scene.folder / "b.tar.gz")).stderr
    server.stop()
    shutil.rmtree(scene.folder / "var")
    kit.run_ctl("backup", "restore", str(scene.folder / "b.tar.gz"), "--to", str(scene.folder / "var"))
    assert scene.start().addresses("www.example.com") == ["192.0.2.77"]


def test_a_content_that_is_lost(scene, server):
    edit(server, "PATCH", f"endpoints/web-{US}", {"addresses": ["192.0.2.77"]})
    sha256 = next(d["sha256"] for d in server.get("/v1/config")["documents"] if d["name"] == "topology.json")
    for folder in "documents", "depot":
        (scene.folder / "var" / folder / sha256[:2] / sha256).unlink(missing_ok=True)
    reply = server.reload()
    assert reply.status == 422 and "lost" in str(reply.json["errors"])
    assert server.addresses("www.example.com") == ["192.0.2.77"]
    server.stop()
    again = scene.start()
    assert again.addresses("www.example.com") == scene.us and "lost" in again.get("/v1/config")["unsure"]
    assert "FILE is served" in again.read_log()


def test_a_disk_that_is_full(scene, server):
    """Nothing that was not stored is acknowledged, or serves."""
    documents = scene.folder / "var/documents"
    documents.rename(scene.folder / "var/aside")
    documents.write_text("no folder")
    reply = edit(server, "PATCH", f"endpoints/web-{US}", {"addresses": ["192.0.2.77"]}, status=503)
    assert reply["type"].endswith(":not-saved")
    assert server.addresses("www.example.com") == scene.us
    documents.unlink()
    (scene.folder / "var/aside").rename(documents)
    edit(server, "PATCH", f"endpoints/web-{US}", {"addresses": ["192.0.2.77"]})
    assert server.addresses("www.example.com") == ["192.0.2.77"]


def test_an_edit_is_an_event(scene, server):
    edit(server, "PATCH", f"endpoints/web-{US}", {"weight": 2})
    server.wait_log("reload", "documents", "result=ok")
    assert "documents" in server.ctl("events", "--kind", "reload").stdout
