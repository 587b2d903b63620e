# SPDX-License-Identifier: BSD-3-Clause
"""Safety rules and what is read: a configuration that takes away what they are for is refused, whichever way it comes."""
import signal

import pytest

TYPE = "urn:steerd:problem:rules"
RULES = {"two": {"type": "serving", "at_least": 2}, "room": {"type": "capacity", "at_least": "50%"}}


def make(site):
    site.topology = {
        "regions": {region: {"azs": {f"{region}-1": {}}} for region in ("us", "eu", "ap")},
        "endpoints": {f"{region}-a": {"az": f"{region}-1", "addresses": [f"192.0.2.{number}"], "weight": 10, "capacity": 30}
                      for number, region in enumerate(("us", "eu", "ap"), 1)},
        "rules": dict(RULES)}
    site.zone("example.com", "www 60 IN A 192.0.2.99\n").policy("example.com", {"www": {"endpoints": ["*"]}, "api": {"endpoints": ["*"]}})
    return site


@pytest.fixture
def scene(site):
    return make(site)


@pytest.fixture
def files(scene):
    return scene.start()


@pytest.fixture
def api(scene):
    scene.server["documents"] = {"owner": "api"}
    server = scene.start()
    server.wait(lambda: all(d["revision"] for d in server.get("/v1/config")["documents"]), "files are taken over")
    return server


def violated(reply):
    assert (reply.status, reply.json["type"]) == (409, TYPE), reply.body
    return {error["rule"]: error["message"] for error in reply.json["errors"]}


def weigh(server, *endpoints, weight=0, query="", **more):
    edits = [{"op": "merge", "kind": "endpoint", "name": name, "value": {"weight": weight}} for name in endpoints]
    return server.request("POST", "/v1/config:apply" + query, {"edits": edits, **more})


def change(scene, **regions):
    """The files, with these endpoints changed; None: it is gone."""
    for name, what in regions.items():
        if what is None:
            del scene.topology["endpoints"][f"{name}-a"]
        else:
            scene.topology["endpoints"][f"{name}-a"].update(what)
    scene.write()


def test_weights_by_the_api(api):
    before = api.get("/v1/config")
    reply = weigh(api, "us-a", "eu-a")
    found = violated(reply)
    assert found["two"] == "1 of 3 regions would serve (ap), expected at least 2" and set(found) == {"two", "room"}
    dry = weigh(api, "us-a", "eu-a", query="?dry_run=true")
    assert dry.status == 200 and [rule["rule"] for rule in dry.json["rules"]] == ["two", "room"]
    assert api.get("/v1/config") == before
    assert set(violated(weigh(api, "us-a", "eu-a", reason="x", override_rules=["two"]))) == {"room"}
    assert weigh(api, "us-a", "eu-a", override_rules=["two", "room"]).status == 422, "without a reason"
    assert weigh(api, "us-a", reason="x", override_rules=["two"]).status == 422, "it is not violated"
    reply = weigh(api, "us-a", "eu-a", reason="they are old", override_rules=["two", "room"])
    assert reply.status == 200 and [rule["rule"] for rule in reply.json["rules"]] == ["two", "room"]
    assert set(api.addresses("www.example.com")) == {"192.0.2.3"}
    entry = api.get("/v1/journal?kind=document&limit=1")["items"][0]
    assert (entry["request"], entry["reason"]) == ("POST /v1/config:apply?override_rules=two,room", "they are old")
    api.wait(lambda: "turn=overridden" in api.log_path.read_text(), "it is told")
    assert weigh(api, "us-a", weight=5).status == 200, "what gives back"
    assert weigh(api, "ap-a", weight=20).status == 200, "what is as it was"


def test_little_weight_is_no_way_around(api):
    assert "two" in violated(weigh(api, "us-a", "eu-a", weight=1))
    assert "two" in violated(weigh(api, "ap-a", weight=1000)), "which is the same"
    assert weigh(api, "us-a", "eu-a", weight=5).status == 200, "half serves"


def test_all_weights_alike_change_nothing(api):
    assert weigh(api, "us-a", "eu-a", "ap-a", weight=1).status == 200
    assert weigh(api, "us-a", "eu-a", "ap-a", weight=0).status == 200, "where nobody has a weight all serve"
    assert weigh(api, "us-a", "eu-a", weight=1).status == 200
    assert "two" in violated(weigh(api, "eu-a", weight=0))


def test_step_by_step_is_no_way_around(api):
    assert weigh(api, "ap-a").status == 200
    assert "two" in violated(weigh(api, "eu-a")), "a place that waits until nobody else serves does not count"


def test_by_steerctl(api):
    args = "config", "set", "name:example.com/www", '{"endpoints": ["ap-a"]}'
    done = api.ctl(*args)
    assert "stored, and serves" in done.stdout, "the other name has them all"
    args = "config", "set", "name:example.com/api", '{"endpoints": ["ap-a"]}'
    done = api.ctl(*args, code=1)
    assert "two: 1 of 3 regions would serve (ap)" in done.stderr and "--override-rule two" in done.stderr
    done = api.ctl(*args, "--dry-run")
    assert "two: 1 of 3 regions would serve (ap)" in done.stdout
    rules = [word for name in ("two", "room") for word in ("--override-rule", name)]
    assert "stored, and serves" in api.ctl(*args, "--reason", "x", *rules).stdout


def test_import(scene, api):
    change(scene, us={"weight": 0}, eu=None)
    assert "two" in violated(api.request("POST", "/v1/config:import?reason=x"))
    reply = api.request("POST", "/v1/config:import?reason=x&override_rules=two,room")
    assert reply.status == 200
    assert api.get("/v1/journal?kind=document&limit=1")["items"][0]["request"] == "POST /v1/config:import?override_rules=two,room"


def test_replacements_are_as_good(scene, files):
    """Blue and green: others in the same places."""
    for number, region in enumerate(("us", "eu", "ap"), 11):
        old = scene.topology["endpoints"].pop(f"{region}-a")
        scene.topology["endpoints"][f"{region}-b"] = {**old, "addresses": [f"192.0.2.{number}"]}
    scene.write()
    assert files.reload().status == 200
    assert set(files.addresses("www.example.com")) <= {"192.0.2.11", "192.0.2.12", "192.0.2.13"}


def test_a_reload(scene, files):
    change(scene, us={"weight": 0}, eu=None)
    found = violated(files.reload())
    assert set(found) == {"two", "room"}
    dry = files.request("POST", "/v1/reload?dry_run=true")
    assert dry.status == 200 and [rule["rule"] for rule in dry.json["rules"]] == ["two", "room"]
    assert files.get("/v1/config")["unsure"].startswith("the last reload was refused") and len(files.get("/v1/endpoints")["items"]) == 3
    assert files.request("POST", "/v1/reload?override_rules=two,room").status == 422, "without a reason"
    done = files.ctl("reload", code=1)
    assert "--override-rule two --override-rule room --reason TEXT" in done.stderr
    files.ctl("reload", "--override-rule", "two", "--override-rule", "room", "--reason", "they are old")
    assert set(files.addresses("www.example.com")) == {"192.0.2.3"} and files.get("/v1/config")["unsure"] is None
    assert files.reload().status == 200, "it is as bad as it was"


def test_a_signal(scene, files):
    change(scene, us=None, eu=None)
    files.process.send_signal(signal.SIGHUP)
    files.wait(lambda: files.get("/v1/config")["unsure"], "it is shown")
    unsure = files.get("/v1/config")["unsure"]
    assert "two,room" in unsure and "--override-rule" in unsure
    text = files.log_path.read_text()
    assert 'safety rule' in text and "steerctl reload --override-rule two" in text
    assert "\nsteerd_documents_unsure 1\n" in files.request("GET", "/metrics").body.decode()
    assert len(files.get("/v1/endpoints")["items"]) == 3
    files.stop()
    again = scene.start()
    assert len(again.get("/v1/endpoints")["items"]) == 1, "a start loads what there is"
    assert again.get("/v1/config")["unsure"] is None


def test_a_zone(scene, files):
    scene.policies["example.com"]["names"] = {name: {"endpoints": ["ap-a"]} for name in ("www", "api")}
    scene.write()
    assert "two" in violated(files.request("POST", "/v1/reload?zone=example.com"))
    assert files.get("/v1/config")["unsure"]
    reply = files.request("POST", "/v1/reload?zone=example.com&override_rules=two,room&reason=x")
    assert reply.status == 200 and files.addresses("www.example.com") == ["192.0.2.3"]
    assert files.get("/v1/config")["unsure"] is None


def test_a_freeze(scene, files):
    scene.topology["rules"] = {"calm": {"type": "freeze", "windows": [{"begin": "2020-01-01T00:00:00Z", "end": "2090-01-01T00:00:00Z"}]}}
    scene.write()
    assert files.reload().status == 200
    change(scene, us={"weight": 0})
    assert set(violated(files.reload())) == {"calm"}
    change(scene, us={"weight": 10})
    scene.topology["endpoints"]["us-b"] = {"az": "us-1", "addresses": ["192.0.2.9"], "weight": 10, "capacity": 30}
    scene.write()
    assert files.reload().status == 200, "it gives"


def test_drained_ones_count_as_drained(files, scene):
    reply = files.request("PUT", "/v1/regions/eu/override", {"state": "drain", "reason": "x"})
    assert reply.status == 200
    change(scene, us=None)
    assert violated(files.reload()) == {"two": "1 of 3 regions would serve (ap), expected at least 2",
                                        "room": "33.3 % of the capacity would serve (30 of 90), expected at least 50 %"}


def test_tiers(scene):
    """Who is in a tier may be chosen, whatever its weight beside those of other tiers; who is in none may not."""
    steered = {"endpoints": ["*"], "tiers": [["us"], ["eu"], ["ap"]]}
    scene.topology["rules"] = {"three": {"type": "serving", "at_least": 3}}
    scene.policy("example.com", {"www": dict(steered), "api": dict(steered)})
    files = scene.start()
    change(scene, us={"weight": 0}, eu={"weight": 1000})
    assert files.reload().status == 200
    scene.policy("example.com", {name: {"endpoints": ["*"], "tiers": [["us"], ["ap"]]} for name in ("www", "api")}).write()
    assert violated(files.reload()) == {"three": "2 of 3 regions would serve (us, ap), expected at least 3"}
    scene.policy("example.com", {name: {"endpoints": ["*"], "tiers": [["ap"], ["us"], ["eu"]]} for name in ("www", "api")}).write()
    assert files.reload().status == 200


def test_a_change_of_rules_is_judged_by_those_that_stand(scene, files):
    del scene.topology["rules"]["two"]
    change(scene, us=None, eu={"weight": 0})
    assert set(violated(files.reload())) == {"two", "room"}
    scene.topology.pop("rules")
    scene.topology["endpoints"]["eu-a"]["weight"] = 10
    scene.write()
    assert files.reload().status == 200, "two of three serve"
    change(scene, eu={"weight": 0})
    assert files.reload().status == 200, "there are no rules any more"


def test_the_whole_topology_goes(scene, files):
    scene.topology = None
    scene.policies.clear()
    (scene.folder / "zones/example.com.json").unlink()
    scene.write()
    assert set(violated(files.reload())) == {"two", "room"}
    assert files.request("POST", "/v1/reload?override_rules=two,room&reason=x").status == 200
    assert files.addresses("www.example.com") == ["192.0.2.99"]


def test_drains_for_some_names(scene, files):
    """Groups of names keep their drains, also under other numbers."""
    scene.topology["name_groups"] = {"all": ["*.example.com"]}
    scene.write()
    assert files.reload().status == 200
    assert files.request("PUT", "/v1/regions/eu/override", {"state": "drain", "reason": "x", "names": ["all"]}).status == 200
    scene.topology["name_groups"] = {"a-new-one": ["other.example.com"], "all": ["*.example.com"]}
    change(scene, us={"weight": 0})
    assert violated(files.reload())["two"] == "1 of 3 regions would serve (ap), expected at least 2"
    change(scene, us={"weight": 10})
    assert files.reload().status == 200
    change(scene, eu={"weight": 0})
    assert files.reload().status == 200, "it is drained, so it loses nothing"
