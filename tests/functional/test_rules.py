# SPDX-License-Identifier: BSD-3-Clause
"""Safety rules: each refuses what breaks it, is overridden by its name and nothing else, and that is written down."""
import concurrent.futures

import pytest

import kit
import takeovers
from takeovers import take_over
from test_last_health import wait_kept

reaper = takeovers.reaper  # a fixture

TYPE = "urn:steerd:problem:rules"


@pytest.fixture
def server(site):
    site.topology = {
        "regions": {"us": {"azs": {"us-1": {}, "us-2": {}}}, "eu": {"azs": {"eu-1": {}}}, "ap": {"azs": {"ap-1": {}}}},
        "endpoints": {"us-a": {"az": "us-1", "addresses": ["192.0.2.1"], "capacity": 50},
                      "us-b": {"az": "us-2", "addresses": ["192.0.2.2"], "capacity": 10},
                      "eu-a": {"az": "eu-1", "addresses": ["192.0.2.3"], "capacity": 20},
                      "ap-a": {"az": "ap-1", "addresses": ["192.0.2.4"], "capacity": 20}},
        "groups": {"old": ["us-b", "ap-a"]},
        "rules": {"two": {"type": "serving", "at_least": 2},
                  "azs": {"type": "serving", "kind": "az", "in": "us", "at_least": 1},
                  "pair": {"type": "not_all_of", "targets": ["region:eu", "group:old"]},
                  "room": {"type": "capacity", "at_least": "50%"},
                  "alone": {"type": "serving", "at_least": 3, "applies_to": "automatic"},
                  "lost": {"type": "lost", "at_most": 1}}}
    site.zone("example.com", "www 60 IN A 192.0.2.99\n").policy("example.com", {
        "www": {"endpoints": ["*"], "tiers": [["us"], ["eu"], ["ap"]]}, "us": {"endpoints": ["us-*"], "fallback": "nodata"}})
    return site.start()


def put(server, target, state="drain", **more):
    kind, name = target.split(":")
    return server.request("PUT", f"/v1/{kind}s/{name}/override", {"state": state, "reason": "a test", **more})


def violated(reply):
    assert (reply.status, reply.json["type"]) == (409, TYPE), reply.json
    return {error["rule"]: error["message"] for error in reply.json["errors"]}


def listed(server):
    return sorted(f"{item['kind']}:{item['name']}" for item in server.get("/v1/overrides")["items"])


def test_each_refuses(server):
    reply = put(server, "region:us")
    assert violated(reply) == {"azs": "0 of 2 azs of us would serve, expected at least 1",
                               "room": "40.0 % of the capacity would serve (40 of 100), expected at least 50 %"}
    assert reply.json["unserved"]["names"][0]["name"] == "us.example.com.", "all at once"
    assert "azs, room" in reply.json["detail"]
    assert put(server, "region:eu").status == 200
    assert set(violated(put(server, "az:ap-1"))) == {"two"}
    assert put(server, "endpoint:us-b").status == 200
    assert set(violated(put(server, "region:ap"))) == {"two", "pair"}
    assert listed(server) == ["endpoint:us-b", "region:eu"]


def test_what_is_left_counts(server):
    """A drain of 99 %, or of all names, takes away what a drain does; and gives it back."""
    assert put(server, "region:eu", share=99).status == 200
    reply = put(server, "region:ap", share=99)
    assert violated(reply) == {"two": "1 of 3 regions would serve (us), expected at least 2; less than half is left of eu (1 %), ap (1 %)"}
    assert put(server, "region:ap", share=40).status == 200
    assert set(violated(put(server, "az:us-1", share=90))) == {"room"}
    server.site.topology["rules"]["calm"] = {"type": "freeze", "windows": [
        {"begin": "2020-01-01T00:00:00Z", "end": "2090-01-01T00:00:00Z"}], "applies_to": "manual"}
    server.site.topology["name_groups"] = {"all": ["*.example.com"]}
    server.site.put("topology.json", server.site.topology)
    assert server.reload().status == 200
    assert set(violated(put(server, "az:us-2", share=1))) == {"calm"}
    assert put(server, "region:eu", share=50).status == 200, "it gives back"
    assert set(violated(put(server, "region:ap", names=["all"]))) == {"calm"}, "eu is at half, which serves"
    assert set(violated(put(server, "region:us", names=["all"]))) >= {"calm", "azs", "room"}


def test_by_name(server):
    """Each by itself; a bare force is none."""
    assert set(violated(put(server, "region:us", allow_unserved=True))) == {"azs", "room"}
    assert set(violated(put(server, "region:us", allow_unserved=True, override_rules=["azs"]))) == {"room"}
    reply = put(server, "region:us", override_rules=["azs", "room"])
    assert (reply.status, reply.json["type"]) == (409, "urn:steerd:problem:unserved"), "nor does a rule's name allow that"
    reply = put(server, "region:us", override_rules=["room", "azs", "two", "none", "alone"], allow_unserved=True)
    messages = [error["message"] for error in reply.json["errors"]]
    assert reply.status == 422 and len(messages) == 3
    assert messages[0] == 'rule "two" is not violated by this: 2 of 3 regions would serve (eu, ap), expected at least 2'
    assert messages[1] == 'found "none", expected names of rules for what people do: two, azs, pair, room'
    assert 'found "alone"' in messages[2] and listed(server) == []
    assert put(server, "region:us", override_rules=["azs", "room"], allow_unserved=True).status == 200
    assert server.addresses("www.example.com") == ["192.0.2.3"]
    [entry] = server.get("/v1/journal?target=region:us")["items"]
    assert entry["request"] == "PUT /v1/regions/us/override?override_rules=azs,room"
    assert (entry["reason"], entry["after"]["state"]) == ("a test", "drain")


@pytest.mark.parametrize("names", ["azs", [], [1], ["azs", "azs"], [""], None, ["x"] * 65])
def test_bad_names(server, names):
    assert put(server, "region:us", override_rules=names).status == 422
    assert listed(server) == []


def test_a_reason(server):
    assert put(server, "region:eu", "up").status == 200
    body = {"state": "auto", "override_rules": ["two"]}
    reply = server.request("PUT", "/v1/regions/eu/override", body)
    assert reply.status == 422 and [error["field"] for error in reply.json["errors"]] == ["reason"]


def test_what_brings_back_is_never_refused(server):
    assert put(server, "region:us", allow_unserved=True, override_rules=["azs", "room"]).status == 200
    assert put(server, "region:us", "down", allow_unserved=True).status == 200, "as bad as it was"
    assert put(server, "az:us-1", "up").status == 200
    assert server.request("DELETE", "/v1/regions/us/override").status == 200
    reply = server.request("DELETE", "/v1/azs/us-1/override")
    assert reply.status == 200 and listed(server) == []


def test_planned_and_dry(server):
    assert put(server, "region:eu", starts_in="1h", expires_in="1h").status == 200
    reply = put(server, "region:ap")
    starts = server.get("/v1/regions/eu")["override"]["starts"]
    assert violated(reply) == {"two": "1 of 3 regions would serve (us), expected at least 2"}
    assert reply.json["errors"][0]["from"] == starts
    assert put(server, "region:ap", expires_in="30m").status == 200
    dry = server.request("PUT", "/v1/regions/us/override?dry_run=true", {"state": "drain", "reason": "x"}).json
    assert [item["rule"] for item in dry["rules"]] == ["two", "azs", "room"]
    assert listed(server) == ["region:ap", "region:eu"]


def test_bursts_leave_what_is_needed(server):
    """Harmless alone, not together; also of those that wait for nothing."""
    for more in {}, {"allow_unserved": True}:
        with concurrent.futures.ThreadPoolExecutor(8) as pool:
            replies = list(pool.map(lambda number: put(server, ("region:eu", "region:ap")[number % 2], **more), range(16)))
        assert {reply.status for reply in replies} <= {200, 409} and len(listed(server)) == 1
        for target in listed(server):
            assert put(server, target, "auto").status == 200


def test_reload(server):
    """Rules are those of the configuration that serves."""
    server.site.topology["rules"] = {"all": {"type": "capacity", "at_least": "100%"}}
    server.site.write()
    server.reload()
    assert set(violated(put(server, "region:eu"))) == {"all"}
    assert put(server, "region:eu", override_rules=["two"]).status == 422


def test_list(server):
    assert put(server, "region:eu").status == 200
    rules = {rule["name"]: rule for rule in server.get("/v1/rules")["items"]}
    assert list(rules) == ["two", "azs", "pair", "room", "alone", "lost"]
    assert {name for name, rule in rules.items() if rule["state"] == "violated"} == {"alone"}
    assert rules["alone"]["why"] == "2 of 3 regions serve (us, ap), expected at least 3"
    assert (rules["alone"]["needs"], rules["alone"]["applies_to"]) == ("1 more has to serve: of eu", ["automatic"])
    assert rules["azs"]["definition"] == {"type": "serving", "kind": "az", "in": "us", "at_least": 1}
    server.wait(lambda: server.get("/v1/rules/alone")["since"] is not None, "it was seen")
    assert server.get("/v1/rules/alone")["state"] == "violated"
    assert server.request("GET", "/v1/rules/none").status == 404
    metrics = server.request("GET", "/metrics").body.decode()
    assert 'steerd_rule_violated{rule="alone"} 1\n' in metrics and 'steerd_rule_violated{rule="two"} 0\n' in metrics
    server.wait(lambda: "state=violated" in server.log_path.read_text(), "it is told")
    told = server.ctl("rules").stdout.splitlines()
    assert told[0].split() == ["RULE", "TYPE", "FOR", "STATE", "SINCE", "WHY"] and len(told) == 7
    assert server.ctl_json("rules")["items"][0]["name"] == "two"


def check(server, *wishes):
    return server.get("/v1/rules:check?" + "&".join(f"wish={wish}" for wish in wishes))


def test_check(server):
    told = check(server, "region:eu=drain")
    assert (told["allowed"], told["rules"], told["wishes"]) == (True, [], ["region:eu=drain"])
    told = check(server, "region:eu=drain", "az:ap-1=down")
    assert (told["allowed"], [rule["rule"] for rule in told["rules"]]) == (False, ["two"])
    told = check(server, "region:us=drain")
    assert [rule["rule"] for rule in told["rules"]] == ["azs", "room"] and told["unserved"]["total"] == 1
    assert check(server, "region:eu=drain:40", "region:ap=drain:40")["allowed"]
    told = check(server, "region:eu=drain:60", "region:ap=drain:60")
    assert (told["wishes"][0], [rule["rule"] for rule in told["rules"]]) == ("region:eu=drain:60", ["two"])
    assert put(server, "region:eu").status == 200
    assert check(server, "region:ap=drain")["rules"] and check(server, "region:ap=drain", "region:eu=up")["allowed"]
    for wish in "", "wish=region:mars=drain", "wish=region:us", "wish=us=drain", "wish=region:us=gone":
        assert server.request("GET", f"/v1/rules:check?{wish}").status == 422
    told = server.ctl("rules", "check", "region:ap=drain", code=1).stdout
    assert told == ("not allowed\nsafety rules forbid it, so it takes --override-rule for each:\n"
                    "  two: 1 of 3 regions would serve (us), expected at least 2; 1 more has to serve: of eu\n")
    assert server.ctl("rules", "check", "az:us-1=up").stdout == "allowed\n"
    assert server.ctl_json("rules", "check", "az:us-1=up")["allowed"] is True
    assert listed(server) == ["region:eu"]


def test_restore_and_import(server):
    """What would be put back is judged as a whole."""
    assert server.request("POST", "/v1/points", {"name": "calm", "reason": "x"}).status == 201
    assert put(server, "region:us", allow_unserved=True, override_rules=["azs", "room"]).status == 200
    assert server.request("POST", "/v1/points", {"name": "storm", "reason": "x"}).status == 201
    assert server.request("POST", "/v1/restore", {"to": "calm", "reason": "x"}).status == 200
    ask = {"to": "storm", "reason": "x"}
    reply = server.request("POST", "/v1/restore", ask)
    assert set(violated(reply)) == {"azs", "room"} and reply.json["unserved"]["total"] == 1
    assert set(violated(server.request("POST", "/v1/restore", {**ask, "allow_unserved": True}))) == {"azs", "room"}
    reply = server.request("POST", "/v1/restore", {**ask, "allow_unserved": True, "override_rules": ["azs", "room", "two"]})
    assert reply.status == 422 and reply.json["errors"][0]["field"] == "override_rules"
    dry = server.request("POST", "/v1/restore?dry_run=true", ask).json
    assert [rule["rule"] for rule in dry["rules"]] == ["azs", "room"]
    assert listed(server) == []
    assert server.request("POST", "/v1/restore", {**ask, "allow_unserved": True, "override_rules": ["azs", "room"]}).status == 200
    assert listed(server) == ["region:us"]
    [entry] = server.get("/v1/journal?target=region:us&limit=1")["items"]
    assert entry["request"] == "POST /v1/restore?override_rules=azs,room"
    server.ctl("restore", "calm", "--reason", "x")
    lines = server.site.folder / "lines.jsonl"
    lines.write_text('{"kind": "override", "key": "region:eu", "value": {"state": "drain", "reason": "x"}}\n'
                     '{"kind": "override", "key": "region:ap", "value": {"state": "drain", "reason": "x"}}\n')
    told = server.ctl("import", str(lines), "--reason", "x", code=1).stderr
    assert "two: 1 of 3 regions would serve (us)" in told and "--override-rule two" in told
    server.ctl("import", str(lines), "--reason", "x", "--override-rule", "two")
    assert listed(server) == ["region:ap", "region:eu"]


@pytest.fixture
def data(site):
    """Copies of data: us to eu and ap."""
    site.topology = {
        "regions": {"us": {"azs": {"us-1": {}}, "replicates_to": [{"to": "eu", "hold": "0s"}, {"to": "ap", "hold": "0s"}]},
                    "eu": {"azs": {"eu-1": {}}}, "ap": {"azs": {"ap-1": {}}}},
        "endpoints": {"us-a": {"az": "us-1", "addresses": ["192.0.2.1"]}, "eu-a": {"az": "eu-1", "addresses": ["192.0.2.3"]},
                      "ap-a": {"az": "ap-1", "addresses": ["192.0.2.4"]}},
        "objectives": {"rpo": "30s"},
        "rules": {"data": {"type": "lag"}, "slow": {"type": "wait", "for": "1h"},
                  "calm": {"type": "freeze", "windows": [{"begin": "2020-01-01T00:00:00Z", "end": "2020-01-02T00:00:00Z"}]}}}
    site.zone("example.com", "www 60 IN A 192.0.2.99\n").policy("example.com", {
        "www": {"endpoints": ["*"], "tiers": [["us"], ["eu"], ["ap"]]}})
    return site.start()


def say(server, to, lag, stage="real_time"):
    reply = server.request("POST", "/v1/report", {"from": "us", "to": to, "lag": lag, "unit": "s", "stage": stage})
    assert reply.json["taken"] is True


def test_data(data):
    """Asked is who would get the answers: eu, and ap once eu is gone."""
    both = "region:us=drain", "region:eu=drain"
    assert violated(put(data, "region:us")) == {"data": "how far eu lags behind us is not known"}
    assert [rule["message"] for rule in check(data, *both)["rules"]] == ["how far ap lags behind us is not known"]
    say(data, "eu", 3)
    assert check(data, "region:us=drain")["allowed"], "nothing goes to ap"
    say(data, "ap", 31)
    assert [rule["message"] for rule in check(data, *both)["rules"]] == ["ap lags 31 s behind us, the RPO is 30s"]
    say(data, "ap", 30, "full")
    assert [rule["message"] for rule in check(data, *both)["rules"]] == ["the copying from us to ap is at stage full, expected real_time"]
    assert data.get("/v1/rules/data")["state"] == "violated"
    say(data, "eu", 31)
    assert violated(put(data, "region:us", share=10)) == {"data": "eu lags 31 s behind us, the RPO is 30s"}
    say(data, "eu", 3)
    assert put(data, "region:us").status == 200


def test_data_of_strangers(data):
    """A region without a copy takes over only while all copies are good; or never."""
    data.site.topology["regions"]["us"]["replicates_to"] = [{"to": "ap", "hold": "0s"}]
    data.site.put("topology.json", data.site.topology)
    assert data.reload().status == 200
    assert violated(put(data, "region:us")) == {"data": "eu has no copy of us"}
    say(data, "ap", 3)
    assert check(data, "region:us=drain")["allowed"]
    data.site.topology["rules"]["data"]["targets"] = "real_time"
    data.site.put("topology.json", data.site.topology)
    assert data.reload().status == 200
    assert violated(put(data, "region:us")) == {"data": "eu has no copy of us"}
    assert check(data, "region:us=drain", "region:eu=drain")["allowed"], "answers go to ap"


def test_wait(data):
    assert put(data, "region:eu").status == 200
    [(name, message)] = violated(put(data, "az:ap-1")).items()
    assert name == "slow" and message.endswith("s since a region moved last, expected 1h")
    assert data.get("/v1/rules/slow")["state"] == "violated"
    assert put(data, "region:eu", "auto").status == 200, "what brings back does not wait"
    assert put(data, "az:ap-1", starts_in="61m").status == 200
    assert put(data, "region:eu", override_rules=["slow"]).status == 200
    data.kill()
    data.start()
    assert data.get("/v1/rules/slow")["state"] == "violated", "a restart forgets no move"


def test_freeze(data):
    windows = [{"begin": "2020-01-01T00:00:00Z", "end": "2090-01-01T00:00:00Z"}]
    data.site.topology["rules"]["calm"] = {"type": "freeze", "windows": windows}
    data.site.put("topology.json", data.site.topology)
    assert data.reload().status == 200
    assert set(violated(put(data, "endpoint:eu-a"))) == {"calm"}
    assert set(violated(put(data, "region:eu"))) == {"calm"}
    assert put(data, "endpoint:ap-a", "up").status == 200
    assert put(data, "region:eu", override_rules=["calm"]).status == 200


def lose(server, endpoint, state="down"):
    reply = server.request("POST", "/v1/report", {"endpoint": endpoint, "check": "agent", "state": state, "ttl": "1h"})
    assert reply.json["taken"] is True


def make_automatic(site, rules, regions=("us", "eu", "ap")):
    """Regions of one endpoint each, whose state is reported."""
    site.topology = {
        "regions": {region: {"azs": {f"{region}-1": {}}} for region in regions},
        "checks": {"agent": {"type": "push", "fall": 1, "rise": 1, "ttl": "1h"}},
        "endpoints": {f"{region}-a": {"az": f"{region}-1", "addresses": [f"192.0.2.{number}"], "checks": ["agent"]}
                      for number, region in enumerate(regions, 1)},
        "brake": False, "objectives": {"rpo": "30s"}, "rules": rules}
    site.zone("example.com", "www 60 IN A 192.0.2.99\n").policy("example.com", {
        "www": {"endpoints": ["*"], "tiers": [[region] for region in regions]}})


def start_automatic(site):
    server = site.start()
    for endpoint in site.topology["endpoints"]:
        lose(server, endpoint, "up")
    return server


def answers(server, number):
    server.wait(lambda: server.addresses("www.example.com") == [f"192.0.2.{number}"], f"answers are at {number}")


def test_automatic_lag(site):
    """Who has not the data does not take over, until he has them; at once then."""
    make_automatic(site, {"data": {"type": "lag"}})
    site.topology["regions"]["us"]["replicates_to"] = [{"to": "eu", "hold": "0s"}, {"to": "ap", "hold": "0s"}]
    server = start_automatic(site)
    lose(server, "us-a")
    server.wait_state("endpoint", "us-a", observed="unhealthy")
    answers(server, 1)
    say(server, "ap", 3)
    answers(server, 3)
    say(server, "eu", 3)
    answers(server, 2)
    lose(server, "us-a", "up")
    answers(server, 1)
    say(server, "eu", 31)
    lose(server, "us-a")
    answers(server, 3)


def forbids(server):
    return [(way["from"], way["to"]) for way in server.get("/v1/rules/data")["forbids"]]


def test_automatic_lag_of_strangers(site):
    """eu has a copy of us and ap has none: with targets real_time ap is no better than eu while that lags, nor after it."""
    make_automatic(site, {"data": {"type": "lag", "targets": "real_time"}})
    site.topology["regions"]["us"]["replicates_to"] = [{"to": "eu", "hold": "0s"}]
    site.policy("example.com", {"www": {"endpoints": ["*"], "tiers": [["us"], ["eu"], ["ap"]]},
                                "far": {"endpoints": ["us-a", "ap-a"], "tiers": [["us"], ["ap"]]}})
    server = start_automatic(site)
    assert forbids(server) == [("us", "eu"), ("us", "ap")]
    say(server, "eu", 31)
    lose(server, "us-a")
    server.wait_state("endpoint", "us-a", observed="unhealthy")
    answers(server, 1)
    server.wait(lambda: server.get("/v1/rules/data")["holds"] == ["us"], "it is held")
    say(server, "eu", 3)
    answers(server, 2)
    assert forbids(server) == [("us", "ap")] and server.get("/v1/rules/data")["holds"] == [], "answers have a copy to go to"
    assert server.addresses("far.example.com") == ["192.0.2.1"]
    explained = server.get("/v1/explain?name=far.example.com&type=A")
    assert explained["source"] == "held" and any("data of region us" in step for step in explained["steps"]), explained["steps"]
    lose(server, "us-a", "up")
    answers(server, 1)
    lose(server, "eu-a")
    lose(server, "us-a")
    server.wait(lambda: server.get("/v1/rules/data")["holds"] == ["us"], "no copy serves")
    answers(server, 1)
    server.ctl("rules", "release", "data", "region:us", "--reason", "lost for good")
    answers(server, 3)
    assert server.addresses("far.example.com") == ["192.0.2.3"]
    lose(server, "us-a", "up")
    answers(server, 1)
    site.topology["rules"]["data"]["targets"] = "any"
    site.put("topology.json", site.topology)
    assert server.reload().status == 200
    assert forbids(server) == []
    say(server, "eu", 31)
    lose(server, "us-a")
    answers(server, 3)


def stays(server):
    return server.get("/v1/regions/us")["stays_down"]


def fail_back(server):
    return server.request("POST", "/v1/failback", {"kind": "region", "name": "us", "reason": "x"})


def let_back_by_hand(server):
    """It is down until somebody says so, which is no word about data."""
    lose(server, "us-a", "up")
    server.wait(lambda: stays(server) is not None, "it is well")
    assert fail_back(server).status == 200
    assert server.addresses("www.example.com") == ["192.0.2.2"]


def end_at_its_time(server):
    """The drain was to end by itself; so it does, a while later than now."""
    server.wait(lambda: listed(server) == [], "it has expired")


def roll_back(server):
    [move] = [move for move in server.get("/v1/switchovers")["items"] if move["state"] == "moved"]
    reply = server.request("POST", f"/v1/switchovers/{move['id']}:rollback", {"reason": "x"})
    assert reply.status == 200, reply.json


BACK = {"lost": lambda server: lose(server, "us-a", "up"), "manual": let_back_by_hand,
        "drained": lambda server: put(server, "region:us", "auto"), "expired": end_at_its_time,
        "restored": lambda server: server.ctl("restore", "calm", "--reason", "x"),
        "imported": lambda server: server.ctl("import", server.site.folder / "calm.jsonl", "--replace", "--yes", "--reason", "x"),
        "down": lambda server: put(server, "region:us", "auto"), "switched": roll_back}


def leave(server, how):
    if how in ("lost", "manual"):
        lose(server, "us-a")
    elif how == "switched":
        assert server.request("POST", "/v1/switchovers", {"source": "region:us", "reason": "x", "execute": True}).json["state"] == "moved"
    else:
        more = {"expires_in": "3s"} if how == "expired" else {}
        assert put(server, "region:us", "down" if how == "down" else "drain", **more).status == 200
    answers(server, 2)


def say_back(server, lag, stage="real_time"):
    report = {"from": "eu", "to": "us", "lag": lag, "unit": "s", "stage": stage}
    assert server.request("POST", "/v1/report", report).json["taken"] is True


def come_back(server, how):
    BACK[how](server)
    server.wait(lambda: (stays(server) or {}).get("because") == "data", "it stays down")
    assert (stays(server)["rule"], stays(server)["until"]) == ("data", None)
    assert fail_back(server).status in (200, 409)
    assert server.addresses("www.example.com") == ["192.0.2.2"] and stays(server) is not None


@pytest.fixture
def both_ways(site):
    """us and eu copy to each other."""
    make_automatic(site, {"data": {"type": "lag"}}, ("us", "eu"))
    for region, other in ("us", "eu"), ("eu", "us"):
        site.topology["regions"][region]["replicates_to"] = [{"to": other, "hold": "0s", "max_age": "10m"}]
    return site


@pytest.mark.parametrize("how", BACK)
def test_the_way_back_waits_for_the_data(both_ways, how):
    """Who took over has newer data: us comes back when they are there, or when the rule is released by name."""
    if how == "manual":
        both_ways.topology["regions"]["us"]["failback"] = "manual"
    (both_ways.folder / "calm.jsonl").write_text('{"kind": "override", "key": "region:eu", "value": {"state": "up", "reason": "x"}}\n')
    server = start_automatic(both_ways)
    assert server.request("POST", "/v1/points", {"name": "calm", "reason": "x"}).status == 201
    told = "a safety rule keeps region us down until its data are there; to release it: steerctl rules release data region:us --reason TEXT"
    say(server, "eu", 0)
    say_back(server, 0)
    leave(server, how)
    say_back(server, 600, "start")
    come_back(server, how)
    assert "data: well again" in server.ctl("show", "region:us").stdout
    for words in ["status"], ["regions"], ["show", "region:us"]:
        assert told in server.ctl(*words).stdout, words
    [hold] = server.get("/v1/status")["holds"]
    assert (hold["region"], hold["of"], hold["rules"], hold["why"]) == ("us", "return", ["data"], told)
    assert server.reload().status == 200
    assert stays(server)["because"] == "data", "a reload forgets nothing"
    say_back(server, 600)
    say_back(server, 10, "full")
    assert stays(server)["because"] == "data" and server.addresses("www.example.com") == ["192.0.2.2"]
    say_back(server, 0)
    answers(server, 1)
    assert server.get("/v1/status")["holds"] == []
    say(server, "eu", 0)
    leave(server, how)
    say_back(server, 600, "start")
    come_back(server, how)
    server.ctl("rules", "release", "data", "region:us", "--reason", "x")
    answers(server, 1)
    assert "release region:us rule:data" in server.ctl("history").stdout


@pytest.mark.parametrize("share", [10, 99])
def test_the_way_back_in_part_waits_as_well(both_ways, share):
    server = start_automatic(both_ways)
    say(server, "eu", 0)
    leave(server, "drained")
    say_back(server, 600, "start")
    assert put(server, "region:us", share=share).status == 200
    assert stays(server)["because"] == "data" and server.addresses("www.example.com") == ["192.0.2.2"]
    say_back(server, 0)
    server.wait(lambda: stays(server) is None, "the data are there")


@pytest.mark.parametrize("end", ["stop", "kill", "takeover"])
def test_the_way_back_waits_in_the_next_process(both_ways, reaper, end):  # pylint: disable=unused-argument
    server = start_automatic(both_ways)
    say(server, "eu", 0)
    say_back(server, 0)
    leave(server, "lost")
    say_back(server, 600, "start")
    come_back(server, "lost")
    if end == "takeover":
        take_over(server)
    else:
        wait_kept(both_ways, server)
        getattr(server, end)()
        server.start()
    assert server.addresses("www.example.com") == ["192.0.2.2"] and stays(server)["because"] == "data"
    say_back(server, 0)
    answers(server, 1)


def test_a_copy_to_where_nothing_goes_forbids_nothing(both_ways):
    """The copy from eu to us is behind; names that eu answers first would go there, and those of us do not."""
    server = start_automatic(both_ways)
    say(server, "eu", 0)
    say_back(server, 600, "start")
    plan = server.request("POST", "/v1/switchovers?dry_run=true", {"source": "region:us", "reason": "x"}).json
    assert plan["look"]["good"], plan["look"]["findings"]
    for region in "us", "eu":
        assert check(server, f"region:{region}=drain")["allowed"]
        assert put(server, f"region:{region}").status == 200
        assert put(server, f"region:{region}", "auto").status == 200
        say_back(server, 0)
        answers(server, 1)
        say_back(server, 600, "start")
    both_ways.policy("example.com", {"www": {"endpoints": ["*"], "tiers": [["eu"], ["us"]]}}).write()
    assert server.reload().status == 200
    answers(server, 2)
    assert violated(put(server, "region:eu")) == {"data": "us lags 600 s behind eu, the RPO is 30s"}


def test_history_names_what_was_overridden(server):
    assert put(server, "region:us", allow_unserved=True, override_rules=["azs", "room"]).status == 200
    line = server.ctl("history", "region:us").stdout.splitlines()[1]
    assert "auto -> drain, overrides azs, room" in line
    assert put(server, "region:us", "auto").status == 200
    assert "overrides" not in server.ctl("history", "region:us").stdout.splitlines()[1]


@pytest.mark.parametrize("rule", [{"type": "serving", "at_least": 2}, {"type": "lost", "at_most": 1},
                                  {"type": "not_all_of", "targets": ["us", "eu"]}, {"type": "capacity", "at_least": "50%"}])
def test_automatic_counts(site, rule):
    """The first one goes, the second one stays, and goes when the first one is back."""
    make_automatic(site, {"brake": rule})
    server = start_automatic(site)
    lose(server, "us-a")
    answers(server, 2)
    lose(server, "eu-a")
    server.wait_state("endpoint", "eu-a", observed="unhealthy")
    answers(server, 2)
    lose(server, "us-a", "up")
    answers(server, 1)


def test_automatic_freeze(site):
    """It is about what is planned, unless it says that it holds failovers, too; then --check warns."""
    make_automatic(site, {"calm": {"type": "freeze", "windows": [{"begin": "2020-01-01T00:00:00Z", "end": "2090-01-01T00:00:00Z"}]}})
    server = start_automatic(site)
    lose(server, "us-a")
    answers(server, 2)
    assert set(violated(put(server, "region:eu"))) == {"calm"}
    lose(server, "us-a", "up")
    answers(server, 1)
    site.topology["rules"]["calm"]["applies_to"] = ["manual", "automatic"]
    site.put("topology.json", site.topology)
    checked = kit.run_steerd("-c", str(site.config), "--check")
    assert checked.returncode == 0 and "$.rules.calm.applies_to" in checked.stderr and "1 warning" in checked.stdout, checked
    assert server.reload().status == 200
    server.wait(lambda: server.get("/v1/rules/calm")["forbids"], "it forbids")
    lose(server, "us-a")
    server.wait_state("endpoint", "us-a", observed="unhealthy")
    answers(server, 1)
    site.topology["rules"]["calm"]["windows"][0]["end"] = "2021-01-01T00:00:00Z"
    site.put("topology.json", site.topology)
    assert server.reload().status == 200
    answers(server, 2)


def test_automatic_wait(site):
    make_automatic(site, {"slow": {"type": "wait", "for": "1h"}})
    server = start_automatic(site)
    lose(server, "us-a")
    answers(server, 2)
    server.wait(lambda: server.get("/v1/rules/slow")["state"] == "violated", "a move was seen")
    server.wait(lambda: server.get("/v1/rules/slow")["forbids"], "it forbids")
    lose(server, "eu-a")
    server.wait_state("endpoint", "eu-a", observed="unhealthy")
    answers(server, 2)
    held = server.get("/v1/rules/slow")
    assert held["holds"] == ["eu"] and {"from": "eu", "to": None} in held["forbids"]


def test_automatic_manual(site):
    """A rule for people holds nothing; orders move what is held."""
    make_automatic(site, {"two": {"type": "serving", "at_least": 2, "applies_to": "manual"},
                          "calm": {"type": "freeze", "applies_to": "automatic",
                                   "windows": [{"begin": "2020-01-01T00:00:00Z", "end": "2090-01-01T00:00:00Z"}]}})
    server = start_automatic(site)
    lose(server, "us-a")
    answers(server, 1)
    assert put(server, "region:us").status == 200
    answers(server, 2)


def test_objectives(data):
    data.site.topology["objectives"].update({"capacity": "60%", "pairs": [{"from": "us", "to": "eu", "rpo": "9s", "may_move": False}],
                                             "names": {"www.example.com": {"rto": "10s"}}})
    data.site.put("topology.json", data.site.topology)
    assert data.reload().status == 200
    items = data.get("/v1/objectives")["items"]
    assert [(item["scope"], item["rto_ms"], item["rpo_ms"], item["capacity"], item["may_move"]) for item in items] == [
        ("all", None, 30000, 0.6, True), ("pair", None, 9000, None, False), ("name", 10000, None, None, True)]
    assert (items[1]["from"], items[1]["to"], items[2]["name"]) == ("us", "eu", "www.example.com.")
    assert [pair["rpo_ms"] for pair in data.get("/v1/replication")["items"]] == [9000, 30000]
    assert data.ctl("objectives").stdout.splitlines()[2].split() == ["us", "to", "eu", "-", "9", "s", "-", "-", "no"]


def test_a_delete_overrides_by_name(server):
    path = "/v1/regions/us/override"
    bad = server.request("DELETE", path + "?override_rules=azs")
    assert bad.status == 422 and {error["field"] for error in bad.json["errors"]} == {"reason"}, bad.json
    bad = server.request("DELETE", path + "?override_rules=azs&reason=x")
    assert bad.status == 422 and "not violated" in bad.json["errors"][0]["message"], bad.json
    assert put(server, "region:eu", "up", actor="alice").status == 200
    bad = server.request("PUT", path + "?reason=x", {"state": "up", "reason": "x"})
    assert bad.status == 422 and bad.json["errors"][0]["field"] == "reason"


def test_what_a_delete_overrides_is_done(server):
    """Who takes the last one away that others lean on says so by name; steerctl likewise."""
    assert put(server, "region:us", allow_unserved=True, override_rules=["azs", "room"]).status == 200
    path = "/v1/azs/us-1/override"
    for how in "DELETE", "steerctl":
        assert put(server, "az:us-1", "up").status == 200
        refused = violated(server.request("DELETE", path))
        assert "azs" in refused and "az:us-1" in listed(server)
        offset = len(server.read_log())
        if how == "DELETE":
            done = server.request("DELETE", f"{path}?allow_unserved=true&reason=x&override_rules={','.join(refused)}")
            assert done.status == 200 and done.json["override"] is None and done.json["durable"], done
        else:
            server.ctl("auto", "az:us-1", "--reason", "x", "--yes-unserved", *(word for rule in refused for word in ("--override-rule", rule)))
        assert listed(server) == ["region:us"]
        server.wait_log("rule", "overridden", "az:us-1", offset=offset)
        entry = server.get("/v1/journal?target=az:us-1&limit=1")["items"][0]
        assert entry["after"] is None and entry["reason"] == "x" and f"override_rules={','.join(refused)}" in entry["request"]


def test_steerctl(server):
    told = server.ctl("drain", "region:us", "--reason", "power work", code=1).stderr
    assert "  azs: 0 of 2 azs of us would serve, expected at least 1; all of them serve now: there is no other az\n" in told
    assert told.endswith("to do it all the same: steerctl -s " + str(server.site.socket) + " drain region:us --reason 'power work' "
                         "--override-rule azs --override-rule room --yes-unserved\n")
    dry = server.ctl("drain", "region:us", "--reason", "x", "--dry-run").stdout
    assert "safety rules forbid it, so this takes --override-rule for each:\n  azs: 0 of 2" in dry
    done = server.ctl("drain", "region:us", "--reason", "x", "--override-rule", "azs", "--override-rule", "room", "--yes-unserved")
    assert "drained" in done.stdout and listed(server) == ["region:us"]
    told = server.ctl("drain", "region:eu", "--reason", "x", "--override-rule", "none", code=1).stderr
    assert '--override-rule: found "none"' in told
