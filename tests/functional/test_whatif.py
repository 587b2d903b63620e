# SPDX-License-Identifier: BSD-3-Clause
"""What if: what explain and reports say on assumptions is what happens when the assumptions come true, for any
configuration; and nothing that serves notices that somebody asked."""
import collections
import random

import pytest

import kit

CLIENTS = {"default": "192.0.2.200", "geo[0]": "198.51.100.7", "geo[1]": "203.0.113.9"}


def make(site):
    """us (two azs, 600 each), eu (1000 in all), ap (no capacity known)."""
    site.topology = {
        "regions": {"us": {"azs": {"us-1": {}, "us-2": {}}}, "eu": {"azs": {"eu-1": {}}}, "ap": {"azs": {"ap-1": {}}}},
        "endpoints": {
            "us-a": {"az": "us-1", "addresses": ["192.0.2.1", "2001:db8::1"], "capacity": 900},
            "us-b": {"az": "us-2", "addresses": ["192.0.2.2", "2001:db8::2"], "capacity": 900},
            "eu-a": {"az": "eu-1", "addresses": ["192.0.2.3", "2001:db8::3"], "capacity": 500},
            "eu-b": {"az": "eu-1", "addresses": ["192.0.2.4"], "capacity": 500},
            "ap-a": {"az": "ap-1", "addresses": ["192.0.2.5"]}}}
    geo = [{"when": {"cidr": ["198.51.100.0/24"]}, "tiers": [["eu"], ["us"]]},
           {"when": {"cidr": ["203.0.113.0/24"]}, "tiers": [["ap"]], "fence": True, "fallback": "nodata"}]
    return site.policy("example.com", {
        "www": {"ttl": 30, "ttl_failing": 5, "endpoints": ["*"], "tiers": [["us"], ["eu"]], "geo": geo, "fallback": "static"},
        "also": {"ttl": 30, "ttl_failing": 5, "endpoints": ["*"], "tiers": [["us"], ["eu"]], "geo": geo,
                 "fallback": "static"},
        "shop": {"endpoints": ["*"], "pick": "sticky", "fallback": {"pool": ["ap-a"], "then": "servfail"},
                 "tiers": [{"members": ["us"], "min_healthy": "60%", "spill_below": "100%"},
                           {"members": ["eu"], "trickle": "5%"}]},
        "api": {"endpoints": ["us-*"], "fallback": "nodata"},
        "any": {"endpoints": ["ap-a"], "fallback": "all"},
    }).zone("example.com", "www 60 IN A 192.0.2.99\nalso 60 IN A 192.0.2.98\nplain 60 IN A 192.0.2.97\n")


def explain(server, name, client=None, rtype="A", assume=()):
    query = "".join(f"&assume={text}" for text in assume) + (f"&client={client}" if client else "")
    return server.get(f"/v1/explain?name={name}&type={rtype}{query}")


def what_if(server, *assume, query="", **more):
    reply = server.request("POST", f"/v1/what-if{query}", {"assume": list(assume), **more})
    assert reply.status == 200, reply
    return reply.json


def put(server, assume):
    """Make it true."""
    target, state = assume.split("=")
    kind, name = target.split(":")
    state, _, share = state.partition(":")
    server.override(kind, name, state, **({"share": int(share)} if share else {}))


def essence(told):
    """What an explanation says, without who did it when, what was drawn, and what only assumptions have."""
    members = [{key: member[key] for key in ("endpoint", "tier", "effective", "decided_by", "odds", "chosen", "sticks", "shed",
                                               "effective_weight")}
               | {"held": member["held_until"] is not None,
                  "override": member["decider"] and member["decider"]["override"]
                  and (member["decider"]["name"], member["decider"]["override"]["state"])}
               for member in told["members"]]
    keys = ("class", "source", "tiers", "scope", "scope_reason", "rcode", "ttl", "ttl_reason", "pick", "sticks")
    return {key: told[key] for key in keys} | {"members": members, "is_empty": not told["answers"]}


def sides(report, side):
    """Row -> what the report says of it on that side."""
    def places(row):
        return {place["name"]: place[side] for kind in ("regions", "azs", "endpoints") for place in row[kind]
                if place[side]["share"]}
    def without_load(found):
        return {name: (round(place["share"], 9), place["capacity"]) for name, place in found.items()}
    return {(row["policy"], row["class"], rtype): (row[side], without_load(places(row)))
            for row in report["items"] for rtype in row["types"]}


def totals(report, side):
    return {place["name"]: round(place[side]["share"], 9) for place in report["regions"] + report["azs"]
            if place[side]["share"]}


def hold_to_truth(server, names, assume):
    """Everything that is said on the assumptions beforehand is found when they are true. Returns the report."""
    asked = [(name, client, rtype) for name in names
             for client, rtype in [(None, "A"), *((client, "A") for client in CLIENTS.values()),
                                   (CLIENTS["geo[0]"], "AAAA")]]
    now = {key: essence(explain(server, *key)) for key in asked}
    said = {key: explain(server, *key, assume=assume) for key in asked}
    report = what_if(server, *assume, query="?limit=1000")
    assert {key: essence(explain(server, *key)) for key in asked} == now, "asking changed something"
    assert server.get("/v1/overrides")["items"] == []
    for text in assume:
        put(server, text)
    true = what_if(server, query="?limit=1000")
    for key in asked:
        assert essence(said[key]) == essence(explain(server, *key)), key
        assert essence(said[key]["before"]) == now[key], key
    assert sides(report, "after") == sides(true, "before") == sides(true, "after")
    assert totals(report, "after") == totals(true, "before")
    assert report["names_unserved"]["after"] == true["names_unserved"]["before"]
    hold_answers_to(server, said)
    return report


def hold_answers_to(server, said):
    """Real answers have the records, and only those, that were foretold."""
    for (name, client, rtype), told in said.items():
        if client is None or not told["steered"]:
            continue
        odds = {member["address"]: member["odds"] for member in told["members"] if member["odds"]}
        seen = collections.Counter()
        for _ in range(6):
            seen.update(server.addresses(name, rtype, edns=0, options=[kit.dns.edns.ECSOption(client, len_of(client))]))
        assert set(seen) <= set(odds) or told["source"] == "static", (name, client, rtype, seen, odds)
        assert bool(seen) == bool(told["answers"]), (name, client, rtype, seen)
        assert all(seen[address] == 6 for address, chance in odds.items()
                   if chance == 1 and told["pick"] != "sticky"), (name, client, rtype)


def len_of(client):
    return 128 if ":" in client else 32


NAMES = ["www.example.com", "shop.example.com", "api.example.com", "any.example.com"]


@pytest.mark.parametrize("assume", [
    ["region:us=down"], ["region:us=drain"], ["region:us=drain:20"], ["az:us-1=drain"], ["endpoint:us-a=down", "endpoint:eu-a=drain"],
    ["region:us=down", "region:eu=drain"], ["region:us=down", "endpoint:us-a=up"],
    ["region:us=down", "region:eu=down", "region:ap=drain"]], ids=" ".join)
def test_what_is_said_comes_true(site, assume):
    hold_to_truth(make(site).start(), NAMES, assume)


def test_the_ttl_of_a_drain_in_part_is_foreseen(site):
    """It lasts for the next step of a switchover, as is said of it in force."""
    server = make(site).start()
    told = explain(server, "www.example.com", None, "A", assume=["region:us=drain:20"])
    assert (told["before"]["ttl"], told["ttl"], told["ttl_reason"]) == (30, 5, "planned")
    assert "region:us=drain:20" in server.ctl("what-if", "region", "us", "drain:20").stdout


def test_a_region_is_lost(site):
    server = make(site).start()
    report = what_if(server, "region:us=down")
    rows = {(row["names"][-1].split(".")[0], row["class"]): row for row in report["items"] if "A" in row["types"]}
    www = rows["www", "default"]
    assert www["name_count"] == 2 and www["severity"] == "overloaded"
    assert (www["before"]["answer"], www["after"]["answer"]) == ("tier us", "tier eu")
    assert (www["before"]["carries"], www["after"]["carries"]) == (1800, 1000)
    eu = next(place for place in www["regions"] if place["name"] == "eu")
    assert eu["after"] == {"share": 1, "capacity": 1000, "load": 1.8}
    assert rows["api", "default"]["severity"] == "unserved" and rows["api", "default"]["after"]["unserved"] == 1
    assert rows["www", "geo[1]"]["severity"] == rows["any", "default"]["severity"] == "unchanged"
    order = ["unserved", "fallback", "overloaded", "moved", "still_unserved", "still_fallback", "unchanged"]
    assert [row["severity"] for row in report["items"]] == sorted((row["severity"] for row in report["items"]), key=order.index)
    aaaa = next(row for row in report["items"] if row["class"] == "geo[1]" and row["types"] == ["AAAA"])
    assert aaaa["severity"] == "still_unserved" and aaaa["after"]["answer"] == "tier ap (no AAAA)" and not aaaa["changed"]
    assert report["names"] == 5 and report["names_changed"] == 4
    assert report["names_unserved"] == {"before": 2, "after": 3}  # ap has no AAAA
    assert sum(count for severity, count in report["rows"].items() if severity != "total") == report["rows"]["total"]
    assert any(step.startswith("records lost: 1 row: api.example.com. A (class default)") for step in report["steps"])


def test_records_by_region(site):
    """A name with other types than addresses: what is said of its mail is what comes."""
    records = {"MX": {"us": ["10 mx1.us", "20 mx2.us"], "eu": "10 mx.eu"}}
    make(site).policies["example.com"]["names"]["mail"] = {
        "endpoints": ["us-*", "eu-*"], "tiers": [["us"], ["eu"]], "records": records, "fallback": "nodata"}
    server, name, assume = site.start(), "mail.example.com", "region:us=down"
    said, report = explain(server, name, rtype="MX", assume=[assume]), what_if(server, assume, query="?limit=1000")
    row = next(row for row in report["items"] if row["types"] == ["MX"])
    assert (row["before"]["answer"], row["after"]["answer"]) == ("tier us", "tier eu")
    assert mail(server, name) == ["10 mx1.us.example.com.", "20 mx2.us.example.com."]
    put(server, assume)
    assert essence(said) == essence(explain(server, name, rtype="MX"))
    assert sides(report, "after") == sides(what_if(server, query="?limit=1000"), "before")
    assert mail(server, name) == ["10 mx.eu.example.com."]


def mail(server, name):
    return sorted(rdata.to_text() for rrset in server.ask(name, "MX").answer for rdata in rrset)


def test_the_load_of_a_given_traffic(site):
    server = make(site).start()
    report = what_if(server, "region:us=down", traffic=3000)
    eu = next(place for place in report["regions"] if place["name"] == "eu")
    assert eu["after"]["load"] == pytest.approx(3000 * eu["after"]["share"] / 1000)
    assert report["traffic_given"] and report["traffic"] == 3000
    assert any("MORE THAN IT CAN TAKE" in step and step.startswith("eu ") for step in report["steps"])


def test_nothing_is_assumed(site):
    report = what_if(make(site).start())
    assert report["assumed"] == [] and report["names_changed"] == 0
    assert {row["severity"] for row in report["items"]} == {"unchanged", "still_unserved"}


def test_assumptions_replace_what_is(site):
    server = make(site).start()
    server.override("region", "us", "drain")
    told = explain(server, "api.example.com", assume=["region:us=auto"])
    assert told["before"]["rcode"] == "NOERROR" and told["before"]["answers"] == [] and len(told["answers"]) == 1
    assert told["report"]["assumed"] == ["region:us=auto"]
    assert server.addresses("api.example.com") == []


def test_names_that_are_not_steered(site):
    told = explain(make(site).start(), "plain.example.com", assume=["region:us=down"])
    assert told["answers"] == told["before"]["answers"] and told["report"]["items"] == []


@pytest.mark.parametrize("assume, word", [
    ("region:mars=down", "exists"), ("us=down", "expected region:NAME=STATE"), ("region:us", "expected region:NAME=STATE"),
    ("region:us=off", "expected region:NAME=STATE"), ("region:us=drain:100", "1 to 99"), ("rack:us=down", "expected region:NAME=STATE")])
def test_assumptions_that_are_none(site, assume, word):
    server = make(site).start()
    for reply in (server.request("POST", "/v1/what-if", {"assume": ["region:eu=down", assume]}),
                  server.request("GET", f"/v1/explain?name=www.example.com&assume=region:eu=down&assume={assume}")):
        assert reply.status == 422
        assert [error["field"] for error in reply.json["errors"]] == ["assume"]
        assert f'found "{assume}"' in reply.json["errors"][0]["message"] and word in reply.json["errors"][0]["message"]


@pytest.mark.parametrize("body, field", [
    ({}, "assume"), ({"assume": "region:us=down"}, "assume"), ({"assume": [1]}, "assume[0]"),
    ({"assume": ["region:us=down"] * 257}, "assume"), ({"assume": [], "traffic": 0}, "traffic"),
    ({"assume": [], "traffic": "much"}, "traffic"), ({"assume": [], "x": 1}, "x")])
def test_bodies_that_are_none(site, body, field):
    reply = make(site).start().request("POST", "/v1/what-if", body)
    assert reply.status == 422 and [error["field"] for error in reply.json["errors"]] == [field]


def test_too_many_and_odd_cursors(site):
    server = make(site).start()
    many = "".join("&assume=region:us=down" for _ in range(65))
    assert server.request("GET", f"/v1/explain?name=www.example.com{many}").status == 422
    assert server.request("POST", "/v1/what-if?cursor=x", {"assume": []}).json["errors"][0]["field"] == "cursor"
    assert server.request("GET", "/v1/names?policy=-1").status == 422


def test_many_names(site):
    make(site)
    ways = [{"endpoints": ["us-*", "eu-*"], "tiers": [["us"], ["eu"]], "answers": 1 + i % 2, "min_healthy": f"{i}%"}
            for i in range(1, 100)]
    names = {f"n{i}": ways[i % len(ways)] for i in range(5000)}
    server = site.policy("example.com", names).start()
    items, cursor, pages = [], None, 0
    while cursor is not None or pages == 0:
        report = what_if(server, "region:us=down", query="?limit=40" + (f"&cursor={cursor}" if cursor else ""))
        assert len(report["items"]) <= 40 and report["names"] == report["names_changed"] == 5000
        items, cursor, pages = items + report["items"], report["next_cursor"], pages + 1
    assert len(items) == report["rows"]["total"] and sum(row["name_count"] for row in items if "A" in row["types"]) == 5000
    assert all(len(row["names"]) == 10 for row in items)
    listed = server.get(f"/v1/names?policy={items[0]['policy']}&limit=1000")["items"]
    assert len(listed) == items[0]["name_count"]
    assert {name["name"] for name in listed} >= set(items[0]["names"])


# ---- any configuration ----

def pick_members(dice, places):
    return dice.sample(places, dice.randint(1, len(places)))


def make_tier(dice, members, is_first):
    tier = {"members": members, "label": "-".join(members)}
    if dice.random() < 0.4:
        tier["min_healthy"] = dice.choice(["30%", "50%", "75%", 1, 2])
    if dice.random() < 0.4:
        tier["spill_below"] = dice.choice(["60%", "100%", 2])
    if not is_first and dice.random() < 0.3:
        tier["trickle"] = "5%"
    return tier


def make_tiers(dice, regions):
    order = dice.sample(regions, dice.randint(1, len(regions)))
    return [make_tier(dice, [region], region == order[0]) for region in order]


def make_name(dice, regions, has_capacities):
    fallbacks = ["first", "all", "static", "nodata", "servfail", {"pool": [f"{dice.choice(regions)}-*"], "then": "nodata"}]
    name = {"endpoints": ["*"], "tiers": make_tiers(dice, regions), "fallback": dice.choice(fallbacks), "ttl": 30,
            "pick": dice.choice(["weighted", "round-robin", "all", "sticky"]), "answers": dice.randint(1, 3)}
    if name["pick"] == "all":
        del name["answers"]
    if dice.random() < 0.3:
        name["ttl_failing"] = 7
    if has_capacities and dice.random() < 0.5:
        name["spill"] = "capacity"
    if dice.random() < 0.6:
        name["geo"] = [{"when": {"cidr": ["198.51.100.0/24"]}, "tiers": make_tiers(dice, regions)},
                       {"when": {"cidr": ["203.0.113.0/24"]}, "tiers": make_tiers(dice, regions), "fence": True,
                        "fallback": "nodata"}]
    return name


def generate(site, dice):
    """A random configuration; returns its names and places."""
    regions = [f"r{i}" for i in range(dice.randint(2, 4))]
    azs = [(region, f"{region}-{letter}") for region in regions for letter in "xy"[:dice.randint(1, 2)]]
    endpoints, has_capacities = {}, dice.random() < 0.5
    for region, az in azs:
        for i in range(dice.randint(1, 3)):
            number = len(endpoints) + 1
            addresses = [f"192.0.2.{number}"] + ([f"2001:db8::{number}"] if dice.random() < 0.7 else [])
            endpoints[f"{az}-{i}"] = {"az": az, "addresses": addresses, "weight": dice.choice([0, 1, 1, 5, 20])}
            if dice.random() < 0.4:
                endpoints[f"{az}-{i}"]["load"] = {"low": 0, "high": 1, "max_age": "10m"}
            if has_capacities or dice.random() < 0.6:
                endpoints[f"{az}-{i}"]["capacity"] = dice.choice([100, 500, 1000])
    site.topology = {"regions": {region: {"azs": {az: {} for of, az in azs if of == region}} for region in regions},
                     "endpoints": endpoints}
    names = {f"n{i}": make_name(dice, regions, has_capacities) for i in range(4)}
    statics = {"n0": "A 192.0.2.99", "n1": "AAAA 2001:db8::99"}  # what falls back on static records has some
    has_v6 = any(len(endpoint["addresses"]) > 1 for endpoint in endpoints.values())
    statics |= {name: "A 192.0.2.99" for name, policy in names.items()
                if policy["fallback"] == "static" and (name not in statics or not has_v6)}
    site.policy("example.com", names)
    site.zone("example.com", "".join(f"{name} 60 IN {rdata}\n" for name, rdata in statics.items()))
    places = [f"region:{region}" for region in regions] + [f"az:{az}" for _, az in azs]
    return [f"{name}.example.com" for name in names], places + [f"endpoint:{name}" for name in endpoints]


def burden(server, endpoint, load):
    """The endpoint is as busy as that, and sheds as much."""
    assert server.request("PUT", f"/v1/endpoints/{endpoint}/load", {"value": load}).status == 200
    server.wait(lambda: abs(server.get(f"/v1/endpoints/{endpoint}")["load"]["shed"] - load) < 0.01, f"{endpoint} sheds")


@pytest.mark.parametrize("seed", range(4))
def test_any_configuration(site, seed):
    dice = random.Random(seed)
    names, places = generate(site, dice)
    assume = [f"{place}={dice.choice(['down', 'drain', 'up'])}" for place in dice.sample(places, dice.randint(1, 4))]
    server = site.start()
    for name, endpoint in site.topology["endpoints"].items():
        if "load" in endpoint:
            burden(server, name, dice.choice([0.25, 0.5, 1]))
    report = hold_to_truth(server, names, assume)
    assert report["assumed"] == assume
    for row in report["items"]:
        for side in "before", "after":
            whole = sum(place[side]["share"] for place in row["regions"])
            assert whole == pytest.approx(1), (row["names"], side)


# ---- steerctl ----

def test_steerctl_what_if(site):
    server = make(site).start()
    said = server.ctl("what-if", "region", "us", "down").stdout
    assert "assumed       region:us=down" in said and "records lost: 1 row" in said
    assert "tier us" in said and "tier eu" in said and "OVER" in said
    for words in (["region:us", "down"], ["region:us=down"], ["region", "us", "down"]):
        assert server.ctl_json("what-if", *words)["assumed"] == ["region:us=down"]
    two = server.ctl_json("what-if", "region", "us", "down", "endpoint", "eu-a", "drained", "--traffic", "100")
    assert two["assumed"] == ["region:us=down", "endpoint:eu-a=drain"] and two["traffic"] == 100
    assert "... 1 of" in server.ctl("what-if", "region:us=down", "--limit", "1").stdout
    assert "nothing is assumed" in server.ctl("what-if").stdout
    assert "expected region NAME STATE" in server.ctl("what-if", "region", "us", code=2).stderr
    assert "expected requests per second" in server.ctl("what-if", "--traffic", "lots", code=2).stderr
    assert "exists" in server.ctl("what-if", "region", "mars", "down", code=4).stderr


def test_steerctl_explain_assume(site):
    server = make(site).start()
    said = server.ctl("explain", "www.example.com", "--client", CLIENTS["geo[0]"], "--assume", "region:eu=down",
                      "--assume", "endpoint:us-a=drained").stdout
    assert "assumed       region:eu=down endpoint:us-a=drain" in said
    assert "one answer now:\n    www.example.com. 30 IN A 192.0.2." in said
    assert "one answer then:\n    www.example.com. 5 IN A 192.0.2.2" in said
    assert "eu-a, eu-b are excluded: forced_down, decided by region_override: region eu was overridden to down by what-if" \
        in said
    assert server.ctl_json("explain", "www.example.com", "--assume", "region:eu=down")["report"]["names"] == 2
