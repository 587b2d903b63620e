# SPDX-License-Identifier: BSD-3-Clause
"""The first drill: what would happen if a region died, computed with the code that serves, changing nothing."""
import json

import jsonschema
import pytest

import kit

LOSE = ["region:us-east"]
SCHEMA = json.loads((kit.TOP / "doc/schema/drill-report.json").read_text())


def offline(site, *arguments, code=0):
    done = kit.run_steerd("-c", str(site.config), *arguments)
    assert done.returncode == code, done
    return done


@pytest.fixture
def planned(site):
    """A configuration on disk; nothing runs."""
    kit.make_regions(site, interval="2s", timeout="1s", fall=3, rise=2)
    site.zone("example.com", "www 60 IN A 192.0.2.99\n")
    site.policy("example.com", {
        "www": {"ttl": 30, "endpoints": ["web-*"], "tiers": [["us-east"], ["eu-west"]], "fallback": "static"},
        "eu": {"ttl": 90, "endpoints": ["web-eu-*"]},
        "api": {"ttl": 10, "endpoints": ["web-*"], "pick": "all"}})
    return site.write()


def by_name(report):
    return {answer["name"]: answer for answer in report["answers"] if answer["type"] == "A"}


def shares(name):
    return {share["region"]: (round(share["before"], 6), round(share["after"], 6)) for share in name["shares"]}


def test_offline_report(planned):
    report = json.loads(offline(planned, "--drill", "region:us-east", "--json").stdout)
    jsonschema.validate(report, SCHEMA)
    assert report["lost"] == LOSE
    names = by_name(report)
    assert set(names) == {"www.example.com.", "eu.example.com.", "api.example.com."}
    assert {name for name, told in names.items() if told["changes"]} == {"www.example.com.", "api.example.com."}
    assert (report["names"], report["names_changed"], report["answers_unserved"]) == (3, 2, 0)
    assert shares(names["www.example.com."]) == {"us-east": (1, 0), "eu-west": (0, 1)}
    assert shares(names["api.example.com."])["us-east"] == (0.5, 0)
    assert not any(told["unserved"] for told in names.values())


def test_offline_times_follow_the_configuration(planned):
    """interval 2 s, timeout 1 s, fall 3: in the worst case the check has just passed when the region dies, so the third
    failure is known 3 intervals and a timeout later; caches follow within the largest TTL of what changes."""
    report = json.loads(offline(planned, "--drill", "region:us-east", "--json").stdout)
    assert report["detection_ms"] == 2000 + 1000
    assert report["decision_ms"] == 3 * 2000 + 1000
    assert report["ttl_ms"] == 30000
    assert report["recovery_ms"] == report["decision_ms"] + report["ttl_ms"]
    assert report["detections_ms"] == {"50": 2000, "90": 2800, "99": 2980, "max": 3000}, "the loss comes at any moment of 2 s"
    assert report["decisions_ms"] == {"50": 6000, "90": 6800, "99": 6980, "max": 7000}
    assert ("Over users and the moment of the loss: detection of 50% 2.0 s, 90% 2.8 s, 99% 2.98 s, all 3.0 s; "
            "decision of 50% 6.0 s, 90% 6.8 s, 99% 6.98 s, all 7.0 s\n") in report["text"]
    refused = json.loads(offline(planned, "--drill", "region:us-east", "--failure", "refused", "--json").stdout)
    assert refused["decision_ms"] < report["decision_ms"]


def test_offline_text(planned):
    text = offline(planned, "--drill", "region:us-east").stdout
    for word in "www.example.com.", "us-east", "eu-west", "api.example.com.":
        assert word in text


def test_losing_everything_is_unserved(planned):
    done = offline(planned, "--drill", "region:us-east", "--drill", "region:eu-west", "--json", code=1)
    report = json.loads(done.stdout)
    names = by_name(report)
    assert all(told["unserved"] for told in names.values())
    assert report["answers_unserved"] == len(report["answers"]) == 3


def test_missed_objective(planned):
    planned.topology["objectives"] = {"rto": "10s"}
    planned.write()
    report = json.loads(offline(planned, "--drill", "region:us-east", "--json", code=1).stdout)
    assert report["rto_ms"] == 10000 and report["meets_rto"] is False and report["failed"] is True
    assert len(report["reasons"]) == 1
    said = offline(planned, "--drill", "region:us-east", code=1).stdout
    for text in report["reasons"][0], said:
        assert "recovery 37.0 s misses the RTO of 10.0 s: decision 7.0 s (3 checks of web-us-east-1" in text
        assert ", one every 2.0 s, and a timeout of 1.0 s) + TTL 30.0 s (www.example.com.)" in text
    assert report["text"] == said
    planned.topology["objectives"] = {"rto": "5m"}
    planned.write()
    assert json.loads(offline(planned, "--drill", "region:us-east", "--json").stdout)["meets_rto"] is True


def test_an_objective_of_a_name(planned):
    planned.topology["objectives"] = {"rto": "5m", "names": {"WWW.example.com": {"rto": "10s"}}}
    planned.write()
    report = json.loads(offline(planned, "--drill", "region:us-east", "--json", code=1).stdout)
    late = {row["name"] for row in report["answers"] if row["late"]}
    assert late == {"www.example.com."} and report["answers_late"] >= 1 and not report["meets_rto"]
    assert report["reasons"] == [
        "1 answer misses the RTO of the name: www.example.com. A (default) takes 37.0 s, of 10.0 s"]
    assert {(row["rto_ms"], row["rto_of"]) for row in report["answers"]} == {(10000, "the name"), (None, None)}


def test_what_has_an_objective_of_its_own_does_not_go_by_that_of_all(planned):
    """www takes 37 s, api 17 s. A pair takes the place of all, a name that of both; a document speaks of all."""
    pair = {"from": "us-east", "to": "eu-west"}
    for objectives, late, met in (
            ({"rto": "20s"}, [], False),
            ({"rto": "20s", "names": {"www.example.com": {"rto": "40s"}}}, [], True),
            ({"rto": "20s", "pairs": [pair | {"rto": "40s"}]}, [], True),
            ({"rto": "1m", "pairs": [pair | {"rto": "20s"}]}, ["www.example.com."], False),
            ({"rto": "1m", "pairs": [pair | {"rto": "20s"}], "names": {"www.example.com": {"rto": "40s"}}}, [], True),
            ({"rto": "1m", "pairs": [{"from": "eu-west", "to": "us-east", "rto": "20s"}]}, [], True)):
        planned.topology["objectives"] = objectives
        planned.write()
        report = json.loads(offline(planned, "--drill", "region:us-east", "--json", code=0 if met else 1).stdout)
        jsonschema.validate(report, SCHEMA)
        assert [row["name"] for row in report["answers"] if row["late"]] == late, objectives
        assert report["meets_rto"] is met and report["failed"] is not met
        if late:
            assert "misses the RTO of the pair us-east to eu-west: www.example.com. A (default) takes 37.0 s" in report["reasons"][0]
    document = {"events": [{"at": "0s", "what": "region:us-east", "how": "lost"}], "objectives": {"rto": "20s"}}
    report = json.loads(offline(planned, "--drill", write(planned, document), "--json", code=1).stdout)
    assert report["reasons"][0].startswith("recovery 37.0 s misses the RTO of 20.0 s")


def test_capacity_that_has_to_be_left(planned):
    """Each region has two endpoints, eu-west of half the capacity."""
    for name, endpoint in planned.topology["endpoints"].items():
        endpoint["capacity"] = 100 if "us" in name else 50
    pair = {"from": "us-east", "to": "eu-west"}
    for objectives, reason in (
            ({"capacity": "33%"}, None),
            ({"capacity": "34%"}, "33.3 % of the capacity of all is left at 0.0 s, the objective is 34 %"),
            ({"pairs": [pair | {"capacity": "50%"}]}, None),
            ({"pairs": [pair | {"capacity": "60%"}]},
             "eu-west has 50.0 % of the capacity of us-east at 0.0 s, the objective of the pair is 60 %"),
            ({"pairs": [{"from": "eu-west", "to": "us-east", "capacity": "100%"}]}, None),
            ({"names": {"api.example.com": {"capacity": "30%"}, "eu.example.com": {"capacity": "100%"}}}, None),
            ({"names": {"api.example.com": {"capacity": "60%"}, "eu.example.com": {"capacity": "100%"}}},
             "1 name has less capacity left than the objective of the name: api.example.com. 33.3 % at 0.0 s, of 60 %")):
        planned.topology["objectives"] = objectives
        planned.write()
        report = json.loads(offline(planned, "--drill", "region:us-east", "--json", code=1 if reason else 0).stdout)
        assert report["reasons"] == ([reason] if reason else []), objectives
    sweep = json.loads(offline(planned, "--sweep", "--json", code=1).stdout)
    risk, = (risk for risk in sweep["risks"] if risk["lost"] == "region:us-east")
    assert risk["reasons"] == [reason]


def test_a_level_is_measured_and_declared(planned):
    """Recovery 37 s and 10 s of data are times of level 5; what is declared lower is what counts."""
    planned.topology["regions"]["us-east"]["replicates_to"] = [{"to": "eu-west", "lag": "push"}]
    planned.write()
    events = [{"at": "0s", "what": "copy:us-east/eu-west", "how": "lag", "value": "10s"},
              {"at": "1m", "what": "region:us-east", "how": "lost"}]
    kinds = ["backup", "processing", "network", "site", "support", "operation", "plan"]

    def find(resources, code=0):
        document = {"events": events, "objectives": {"resources": resources}}
        done = offline(planned, "--drill", write(planned, document), "--json", code=code)
        if code == 2:
            return done.stderr
        report = json.loads(done.stdout)
        jsonschema.validate(report, SCHEMA)
        conditions = [(one["how"], one["level"]) for one in report["level"]["conditions"]]
        return report["level"]["level"], report["level"]["of_times"], conditions, report["text"]

    level, of_times, conditions, text = find({})
    assert (level, of_times) == (5, 5) and conditions == [("computed", 5)] + [("unknown", None)] * 7
    assert "level 5 of GB/T 20988-2007 at most: recovery 37.0 s and data 10.0 s, as computed, allow 5\n" in text
    level, of_times, conditions, text = find(dict.fromkeys(kinds, 6))
    assert (level, of_times) == (5, 5) and conditions == [("computed", 5)] + [("declared", 6)] * 7
    level, of_times, conditions, text = find({"site": 4, "plan": 3})
    assert (level, of_times) == (3, 5) and conditions.count(("unknown", None)) == 5
    assert "  declared: spare site 4, recovery plan 3\n  neither measured nor declared: backup of data, spare processing, " in text
    assert "$.objectives.resources.site" in find({"site": 7}, code=2)
    assert "resources" in find({"people": 5}, code=2)


def test_data_that_may_be_lost(planned):
    """By the RPO of the copy and of names that need it, as far as it is known how far the copy is behind."""
    planned.topology["regions"]["us-east"]["replicates_to"] = [{"to": "eu-west", "lag": "push"}]
    behind = {"at": "0s", "what": "copy:us-east/eu-west", "how": "lag", "value": "10s"}
    lost = {"at": "1m", "what": "region:us-east", "how": "lost"}
    pair = {"from": "us-east", "to": "eu-west"}
    whole = "the copy from us-east to eu-west is 10.0 s behind when region:us-east lost is lost, "
    for objectives, events, reason in (
            ({"rpo": "5s"}, [lost], None),
            ({"rpo": "5s"}, [behind, lost], "the RPO of all is 5.0 s"),
            ({"rpo": "5s", "pairs": [pair | {"rpo": "20s"}]}, [behind, lost], None),
            ({"rpo": "1m", "pairs": [pair | {"rpo": "9s"}]}, [behind, lost], "the RPO of the copy is 9.0 s"),
            ({"names": {"www.example.com": {"rpo": "3s"}, "eu.example.com": {"rpo": "1s"}}}, [behind, lost],
             "1 name by it misses the RPO of the name: www.example.com., 3.0 s")):
        planned.topology["objectives"] = objectives
        planned.write()
        report = json.loads(offline(planned, "--drill", write(planned, {"events": events}), "--json",
                                    code=1 if reason else 0).stdout)
        assert [said.replace("region:us-east is lost", "region:us-east lost is lost") for said in report["reasons"]] == (
            [whole + reason] if reason else []), objectives


def test_losing_an_az_keeps_the_region(planned):
    report = json.loads(offline(planned, "--drill", "az:us-east-1a", "--json").stdout)
    assert shares(by_name(report)["www.example.com."])["us-east"] == (1, 1)


@pytest.mark.parametrize("target", ["us-east", "planet:us-east", "", "region:"])
def test_bad_targets(planned, target):
    done = offline(planned, "--drill", target, code=2)
    assert done.stdout == "" and "expected" in done.stderr


def test_unknown_targets_are_not_found(planned):
    done = offline(planned, "--drill", "region:us-eats", code=2)
    assert done.stdout == "" and 'there is no region "us-eats", did you mean "us-east"?' in done.stderr


def test_drills_need_a_topology(site):
    site.zone("example.com", "").write()
    done = kit.run_steerd("-c", str(site.config), "--drill", "region:us-east")
    assert done.returncode == 2 and "no topology" in done.stderr


# ---- documents ----

LOSS = {"name": "a day", "duration": "20m", "events": [{"at": "0s", "what": "region:us-east", "how": "lost", "for": "5m"}],
        "objectives": {"rto": "1m", "must_not_move": "eu.example.com"}}


def write(site, document, name="drill.json"):
    path = site.config.parent / name
    path.write_text(json.dumps(document, indent=1))
    return str(path)


def steps(report, name):
    """All answers over time: [(ms, from)]."""
    course = report["courses"][by_name(report)[name]["course"]]
    return [(step["at_ms"], step["from"]) for step in course]


def test_a_document_has_the_way_back(planned):
    report = json.loads(offline(planned, "--drill", write(planned, LOSS), "--json").stdout)
    assert report["name"] == "a day" and report["duration_ms"] == 1200000 and report["failed"] is False
    assert steps(report, "www.example.com.") == [(0, "tier us-east"), (7000, "tier eu-west"), (304000, "tier us-east")]
    lost, back = report["phases"]
    assert (lost["text"], lost["detection_ms"], lost["decision_ms"], lost["back"]) == ("region:us-east lost", 3000, 7000, False)
    assert (back["text"], back["detection_ms"], back["decision_ms"], back["back"]) == ("region:us-east back", 2000, 4000, True)
    assert report["text"] == offline(planned, "--drill", write(planned, LOSS)).stdout


def test_what_users_notice(planned):
    """One address and no second try fails until caches have followed; where one of three places is lost and clients
    that got all three addresses try the next one, nobody notices. Both are in one report."""
    for az in "abc":
        planned.topology["regions"].setdefault("mzr", {"azs": {}})["azs"][f"mzr-{az}"] = {}
        planned.topology["endpoints"][f"vip-{az}"] = {"az": f"mzr-{az}", "addresses": [f"192.0.2.{ord(az)}"], "capacity": 100,
                                                      "checks": [next(iter(planned.topology["checks"]))]}
    document = {"events": [{"at": "0s", "what": "az:mzr-a", "how": "lost"}], "duration": "10m",
                "clients": {"requests_per_second": 150, "retry": 1.0}, "objectives": {"capacity": 1, "max_failed": 0}}
    for answers, code in (1, 1), (3, 0):
        planned.policy("example.com", {"www": {"ttl": 30, "endpoints": ["vip-*"], "answers": answers}})
        planned.write()
        path = write(planned, document)
        report = json.loads(offline(planned, "--drill", path, "--json", code=code).stdout)
        jsonschema.validate(report, SCHEMA)
        users = report["users"]
        assert users["failed_share_first_address"] == pytest.approx((7 + 30.5 / 2) / 600 / 3, rel=0.02)
        if answers == 1:
            assert users["failed_share"] == users["failed_share_first_address"]
            assert 37000 <= users["failed_last_ms"] <= 38000 and 37000 <= users["moved_ms"]["100"] <= 38000
            assert users["failed_requests"] == pytest.approx(users["failed_share"] * 150 * 600, rel=1e-4)
            assert report["reasons"] == [report["reasons"][0]] and "of all requests fail, 0 % may" in report["reasons"][0]
        else:
            assert users["failed_share"] == 0 and users["failed_first_ms"] is None and report["reasons"] == []
        seconds = users["by_second"]
        assert len(seconds["failed"]) == 600 and seconds["azs"]["mzr-a"][-1] == 0 and seconds["regions"]["mzr"][-1] == pytest.approx(1)
        mzr, = (row for row in users["capacities"] if row["region"] == "mzr")
        assert (mzr["capacity"], mzr["left"]) == (300, 200) and mzr["use"] == pytest.approx(0.75)
    missed = document | {"objectives": {"capacity": 0.7}}
    assert "needs 75 % of its capacity of 200/s" in offline(planned, "--drill", write(planned, missed), code=1).stdout


def test_failed_requests_follow_where_clients_are(planned):
    """Clients of DE go to eu-west first and notice nothing; those of the US do. Without "from" a rule for a single
    country weighs as much as the one for all others."""
    planned.server["geo"] = [str(kit.TOP / "tests/data/geo" / name) for name in ("country.mmdb", "asn.mmdb")]
    planned.policy("example.com", {"www": {
        "ttl": 30, "endpoints": ["web-*"], "tiers": [["us-east"], ["eu-west"]],
        "geo": [{"when": {"country": "DE"}, "tiers": [["eu-west"], ["us-east"]]}]}})
    planned.write()

    def failed(*origins, code=0):
        document = {"events": [{"at": "0s", "what": "region:us-east", "how": "lost"}], "duration": "10m",
                    **({"clients": {"from": origins}} if origins else {})}
        done = offline(planned, "--drill", write(planned, document), "--json", code=code)
        if code == 2:
            return done.stderr
        report = json.loads(done.stdout)
        jsonschema.validate(report, SCHEMA)
        assert report["users"].get("from", []) == [
            {"where": str(next(iter(one.values()))), "share": one["share"]} for one in origins]
        return report["users"]["failed_share"]

    whole = failed({"country": "US", "share": 1})
    assert whole == pytest.approx((7 + 30.5 / 2) / 600, rel=0.02)
    assert failed() == pytest.approx(whole / 2, rel=1e-4)
    assert failed({"country": "DE", "share": 1}) == 0
    assert failed({"country": "DE", "share": 0.9}, {"country": "US", "share": 0.1}) == pytest.approx(whole / 10, rel=1e-4)
    assert failed({"prefix": "198.51.100.0/23", "share": 1}) == pytest.approx(whole / 2, rel=1e-4), "half of it is in DE"
    assert "found FI, expected one that the geo databases know" in failed({"country": "FI", "share": 1}, code=2)
    assert "$.clients.from[0].asn" in failed({"asn": 65000, "share": 1}, code=2)


def test_where_clients_are_on_a_server(planned):
    """By the databases of the server; whoever misspells a country is told, whatever kind of drill it is."""
    planned.server["geo"] = [str(kit.TOP / "tests/data/geo/country.mmdb")]
    planned.policy("example.com", {"www": {
        "ttl": 30, "endpoints": ["web-*"], "tiers": [["us-east"], ["eu-west"]],
        "geo": [{"when": {"country": "DE"}, "tiers": [["eu-west"], ["us-east"]]}]}})
    server = planned.start()

    def order(country, **more):
        document = {"events": [{"at": "0s", "what": "region:us-east", "how": "lost"}], "duration": "1m",
                    "clients": {"from": [{"country": country, "share": 1}]}}
        return server.request("POST", "/v1/drills", {"document": document, **more} if more else document)

    assert order("DE").json["users"]["failed_share"] == 0 and order("US").json["users"]["failed_share"] > 0
    for more in {}, {"mode": "shadow", "clients": {"prefixes": ["127.1.2.0/24"]}}, {"mode": "live", "confirm": "us-east", "reason": "a test"}:
        reply = order("FI", **more)
        assert reply.status == 422, reply
        assert any("found FI, expected one that the geo databases know" in error["message"] for error in reply.json["errors"]), reply
    reply = order("DE", mode="shadow", clients={"prefixes": ["127.1.2.0/24"]})
    assert reply.status == 201, reply


def test_objectives_of_a_document(planned):
    missed = LOSS | {"objectives": {"rto": "20s", "must_move": "eu.example.com"}}
    report = json.loads(offline(planned, "--drill", write(planned, missed), "--json", code=1).stdout)
    assert len(report["reasons"]) == 2 and report["rto_ms"] == 20000
    assert "eu.example.com. A (default) must move" in report["reasons"][1]


def test_a_bad_document_is_no_drill(planned):
    document = LOSS | {"mode": "game", "events": [{"at": "0s", "what": "region:us-eats", "how": "lost"}]}
    done = offline(planned, "--drill", write(planned, document), code=2)
    assert "drill.json:" in done.stderr and 'did you mean "us-east"?' in done.stderr and "$.mode" in done.stderr
    assert offline(planned, "--drill", "missing.json", code=2).stdout == ""
    assert "no present health" in offline(planned, "--drill", write(planned, LOSS | {"from": "live"}), code=2).stderr
    offline(planned, "--drill", write(planned, LOSS), "--drill", "region:us-east", code=2)


def test_documents_on_a_server(pair):
    """What steerctl writes as a first document runs, and a server says the same as the program without one."""
    path = str(pair.site.config.parent / "first.json")
    pair.server.ctl("drill", "new", "--lose", "region:us-east", "-o", path)
    with open(path, encoding="utf-8") as file:
        first = file.read()
    assert pair.server.ctl("drill", "new", "--lose", "region:us-east").stdout == first
    pair.server.ctl("drill", "new", "--lose", "region:us-east", "-o", path, code=2)  # it is there
    live = pair.server.ctl("drill", "simulate", path)
    assert live.stdout == kit.run_steerd("-c", str(pair.site.config), "--drill", path).stdout
    assert "region:us-east back" in live.stdout
    assert pair.server.ctl_json("drill", "simulate", path)["description"] == json.loads(first)["description"]
    bad = write(pair.site, LOSS | {"events": [{"at": "0s", "what": "az:mars", "how": "lost"}]})
    assert "mars" in pair.server.ctl("drill", "simulate", bad, code=2).stderr
    for words in (["simulate", "missing.json"], ["simulate", path, "--lose", "region:us-east"], ["new"], ["live"],
                  ["new", "--lose", "us-east"], ["simulate", "--lose", "region:us-east", "-o", path]):
        pair.server.ctl("drill", *words, code=2)


def test_documents_from_what_is(pair):
    pair.server.override("region", "eu-west", "drain")
    path = write(pair.site, LOSS | {"from": "live"})
    assert pair.server.ctl_json("drill", "simulate", path, code=1)["answers_unserved"] >= 1
    reply = pair.server.request("POST", "/v1/drills", {"events": [{"at": "0s", "what": "region:us-east", "how": "slow"}]})
    assert reply.status == 422 and reply.json["errors"]


# ---- on a running server ----

def look(server):
    """All that must not change: states with their since, overrides, the view's generation."""
    kinds = {kind: [{key: item[key] for key in ("name", "observed", "desired", "effective", "decided_by", "since")}
                    for item in server.get(f"/v1/{kind}")["items"]] for kind in ("regions", "azs", "endpoints")}
    return kinds, server.get("/v1/overrides"), server.get("/v1/status")["generation"]


def test_simulation_changes_nothing(pair):
    server = pair.server
    before = look(server)
    report = server.ctl_json("drill", "simulate", "--lose", "region:us-east")
    assert report["lost"] == LOSE
    assert shares(by_name(report)["www.example.com."]) == {"us-east": (1, 0), "eu-west": (0, 1)}
    assert set(server.sample("www.example.com")) == set(pair.us)
    assert look(server) == before


def test_simulation_and_reality_agree(pair):
    told = by_name(pair.server.ctl_json("drill", "simulate", "--lose", "region:us-east"))["www.example.com."]
    pair.east.kill()
    pair.server.wait_answers("www.example.com", pair.eu)
    assert shares(told)["eu-west"] == (0, 1)


def test_the_way_back_agrees_too(pair):
    path = write(pair.site, LOSS)
    told = pair.server.ctl_json("drill", "simulate", path, code=None)
    assert [source for _, source in steps(told, "www.example.com.")] == ["tier us-east", "tier eu-west", "tier us-east"]
    pair.east.stop()
    pair.server.wait_answers("www.example.com", pair.eu)
    pair.east.resume()
    pair.server.wait_answers("www.example.com", pair.us)


def test_what_a_document_may_cost(planned):
    """A few lines must not ask for days of a server's time, nor say what never happens."""
    flap = {"at": "0s", "what": "region:us-east", "how": "flapping", "down": "1ms", "up": "1ms"}
    for bad, why in ((LOSS | {"duration": "168h"}, "expected 24 at most"), (LOSS | {"events": [flap]}, "1000 at most"),
                     (LOSS | {"events": [LOSS["events"][0] | {"at": "2h"}]}, "after the end of the drill"),
                     (LOSS | {"objectives": {"must_move": ["*a*b*"] * 1001}}, "found 1001 names")):
        assert why in offline(planned, "--drill", write(planned, bad), code=2).stderr


def test_simulation_starts_from_what_is(pair):
    """With eu-west drained there is nowhere to go: the drill says so, and the exit code too."""
    pair.server.override("region", "eu-west", "drain")
    report = pair.server.ctl_json("drill", "simulate", "--lose", "region:us-east", code=1)
    assert by_name(report)["www.example.com."]["unserved"] is True


def test_api(pair):
    reply = pair.server.request("POST", "/v1/drills", {"mode": "simulate", "lose": LOSE, "failure": "refused"})
    assert reply.status == 200 and reply.json["lost"] == LOSE
    for body in {}, {"mode": "live", "lose": LOSE}, {"mode": "simulate"}, {"mode": "simulate", "lose": ["region:mars"]}, \
            {"mode": "simulate", "lose": []}, {"mode": "simulate", "lose": LOSE, "failure": "boredom"}:
        reply = pair.server.request("POST", "/v1/drills", body)
        assert reply.status == 422 and reply.json["errors"], body


def test_both_programs_say_the_same(pair):
    """The text and the exit code do not depend on who computes the drill."""
    for arguments, code in (["region:us-east"], 0), (["region:us-east", "region:eu-west"], 1):
        lose = [word for target in arguments for word in ("--lose", target)]
        drill = [word for target in arguments for word in ("--drill", target)]
        offline_text = kit.run_steerd("-c", str(pair.site.config), *drill)
        live = pair.server.ctl("drill", "simulate", "--from", "healthy", *lose, code=code)
        assert (offline_text.stdout, offline_text.returncode) == (live.stdout, code)
        assert ("FAILED: " in live.stdout) == (code == 1)


def test_text_for_people(pair):
    text = pair.server.ctl("drill", "simulate", "--lose", "region:us-east").stdout
    assert "www.example.com." in text and "eu-west" in text
    assert "mars" in pair.server.ctl("drill", "simulate", "--lose", "region:mars", code=2).stderr
    pair.server.ctl("drill", "simulate", code=2)


def test_a_real_loss_in_the_middle_changes_nothing_of_a_simulation(pair):
    """It is computed from the moment in which it began. Eight hours of ten thousand resolvers for each of many TTLs take
    longer than three checks."""
    server = pair.server
    pair.site.policy("example.com", {
        "www": {"ttl": 60, "endpoints": ["web-*"], "tiers": [["us-east"], ["eu-west"]]},
        **{f"{first}-{then}-{ttl}": {"ttl": ttl, "endpoints": ["web-*"], "tiers": [[first], [then]]}
           for first in ("us-east", "us-east-1a", "us-east-1b") for then in ("eu-west", "eu-west-1a", "eu-west-1b")
           for ttl in range(1, 30)}})
    pair.site.write()
    server.reload()
    document = {"from": "live", "duration": "8h", "clients": {"resolvers": 10000},
                "events": [{"at": f"{hour}h", "what": "region:us-east", "how": "refused", "for": "30m"} for hour in range(1, 8)]}
    path = write(pair.site, document)
    before = server.ctl_json("drill", "simulate", path)
    assert before["answers_changed"] >= 1 and before["phases"][0]["decision_ms"] is not None
    reply = server.request("POST", "/v1/drills", document, headers={"Prefer": "respond-async"})
    assert reply.status == 202, reply

    def operation():
        return server.get(f"/v1/operations/{reply.json['id']}")

    server.wait(lambda: operation()["state"] == "running" and operation()["progress"], "it has begun")
    pair.east.stop()
    server.wait_state("region", "us-east", observed="unhealthy")
    assert set(server.sample("www.example.com")) == set(pair.eu)
    during = operation()
    assert not during["ended"], "it was to go on for longer than the loss took to be seen"
    ended = server.wait(lambda: (found := operation())["ended"] and found, "it has ended")
    after = server.ctl_json("drill", "simulate", path)
    assert after["phases"] != before["phases"], "what begins now begins without us-east"
    assert ended["result"] == before
