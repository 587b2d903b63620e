# SPDX-License-Identifier: BSD-3-Clause
"""Shares between tiers: what a tier has to have, where the missing share goes, trickles, fences. Explain says the shares
exactly; answers are held to them loosely (bounds of ten standard deviations and more)."""
import collections

import pytest

import kit

PLACES = {"us": "192.0.2.1", "eu": "192.0.2.2", "ap": "192.0.2.3"}


def make(site, capacities=None, **names):
    """Four endpoints in each of three regions: REGION-0 … REGION-3; nothing is known of them, so they serve."""
    site.topology = {
        "regions": {region: {"azs": {f"{region}-a": {}}} for region in PLACES},
        "endpoints": {f"{region}-{i}": {"az": f"{region}-a", "addresses": [f"{address}{i}"]}
                      for region, address in PLACES.items() for i in range(4)}}
    for name, endpoint in site.topology["endpoints"].items():
        if capacities is not None:
            endpoint["capacity"] = capacities[name[:-2]]
    return site.policy("example.com", names).zone("example.com", "www 60 IN A 192.0.2.99\n")


def ordered(**more):
    return {"endpoints": ["*"], "tiers": [["us"], ["eu"], ["ap"]], **more}


def lose(server, *endpoints):
    for endpoint in endpoints:
        server.override("endpoint", endpoint, "down")


def explain(server, name="www.example.com", **more):
    query = "".join(f"&{key}={value}" for key, value in more.items())
    return server.get(f"/v1/explain?name={name}{query}")


def shares(server, **more):
    """Region -> share of the answers, as explain says; the odds of the endpoints agree."""
    told = explain(server, **more)
    by_tier = {tier["label"]: round(tier["share"], 6) for tier in told["tiers"]}
    by_region = collections.Counter()
    for member in told["members"]:
        by_region[member["tier"]] += member["odds"]
    answers = sum(by_region.values())
    assert {tier: round(by_region[tier] / answers, 6) for tier in by_tier} == by_tier
    return {tier: share for tier, share in by_tier.items() if share}


def sample(server, count=400):
    regions = {address: region for region, address in PLACES.items()}
    seen = collections.Counter()
    for _ in range(count):
        seen.update(regions[address[:-1]] for address in server.addresses("www.example.com"))
    return seen


def test_below_its_minimum_a_tier_is_passed_over(site):
    server = make(site, www=ordered(min_healthy="50%")).start()
    lose(server, "us-0", "us-1")
    assert shares(server) == {"us": 1}
    lose(server, "us-2")
    assert shares(server) == {"eu": 1} and set(sample(server, 40)) == {"eu"}
    assert any("min_healthy is 50 %" in step for step in explain(server)["steps"])


def test_no_tier_has_its_minimum(site):
    server = make(site, www=ordered(min_healthy=3, fallback="static")).start()
    lose(server, *(f"{region}-{i}" for region in PLACES for i in range(2)))
    assert server.addresses("www.example.com") == ["192.0.2.99"]
    server.override("endpoint", "ap-0", "auto")
    assert set(sample(server, 20)) == {"ap"}


def test_the_missing_share_spills_over(site):
    server = make(site, www=ordered(spill_below="100%")).start()
    assert shares(server) == {"us": 1}
    lose(server, "us-0")
    assert shares(server) == {"us": 0.75, "eu": 0.25}
    seen = sample(server)
    assert 200 < seen["us"] < 390 and seen["us"] + seen["eu"] == 400  # 300 expected, deviation 9
    lose(server, "us-1", "us-2", "eu-0", "eu-1")
    assert shares(server) == {"us": 0.25, "eu": 0.5, "ap": 0.25}


def test_a_tier_of_its_own_kind(site):
    tiers = [{"members": ["us"], "min_healthy": "25%", "spill_below": 4}, {"members": ["eu-0", "eu-1"], "label": "near"},
             ["ap*"]]
    server = make(site, www={"endpoints": ["*"], "tiers": tiers}).start()
    lose(server, "us-0")
    assert shares(server) == {"us": 0.75, "near": 0.25}
    told = {tier["label"]: tier for tier in explain(server)["tiers"]}
    assert (told["us"]["min_healthy"], told["us"]["spill_below"], told["us"]["healthy"]) == ("25 %", "4", 0.75)
    assert told["near"]["min_healthy"] is None and not told["ap*"]["considered"]
    lose(server, "us-1", "us-2", "us-3")
    assert shares(server) == {"near": 1}


def test_a_lost_region_goes_to_all_by_capacity(site):
    server = make(site, {"us": 1000, "eu": 300, "ap": 100}, www=ordered(spill="capacity")).start()
    assert shares(server) == {"us": 1}
    server.override("region", "us", "down")
    assert shares(server) == {"eu": 0.75, "ap": 0.25}
    seen = sample(server)
    assert 200 < seen["eu"] < 390 and seen["eu"] + seen["ap"] == 400
    server.override("az", "eu-a", "down")
    assert shares(server) == {"ap": 1}


def test_capacity_measures_health(site):
    make(site, {"us": 100, "eu": 100, "ap": 100}, www=ordered(spill_below="100%"))
    site.topology["endpoints"]["us-0"]["capacity"] = 700
    server = site.start()
    lose(server, "us-0")
    assert shares(server) == {"us": 0.3, "eu": 0.7}


def test_a_trickle_keeps_the_standby_warm(site):
    tiers = [["us"], {"members": ["eu"], "trickle": "5%"}]
    server = make(site, www={"endpoints": ["us-*", "eu-*"], "tiers": tiers}).start()
    assert shares(server) == {"us": 0.95, "eu": 0.05}
    seen = sample(server, 1000)
    assert 1 <= seen["eu"] <= 150  # 50 expected, deviation 7
    server.override("region", "eu", "drain")
    assert shares(server) == {"us": 1} and set(sample(server, 100)) == {"us"}


GEO = {"geo": [{"when": {"cidr": "198.51.100.0/24"}, "tiers": [["eu"]]},
               {"when": {"cidr": "203.0.113.0/24"}, "tiers": [["eu"]], "fence": True}]}


@pytest.mark.parametrize("fallback, sources, outside", [("all", ("all", "all"), {"us", "eu", "ap"}),
                                                        ("first", ("first", "first_sick"), {"us", "ap"})])
def test_a_fence_is_never_crossed(site, fallback, sources, outside):
    server = make(site, www=ordered(pick="all", fallback=fallback, **GEO)).start()
    assert shares(server, client="198.51.100.1") == shares(server, client="203.0.113.1") == {"eu": 1}
    lose(server, *(f"eu-{i}" for i in range(4)))
    free, fenced = (explain(server, client=client) for client in ("198.51.100.1", "203.0.113.1"))
    assert (free["source"], fenced["source"]) == sources
    assert {member["region"] for member in free["members"] if member["chosen"]} == outside
    assert {member["region"] for member in fenced["members"] if member["chosen"]} == {"eu"}
    assert {answer.split()[-1][:-1] for answer in fenced["answers"]} == {PLACES["eu"]}
    assert any("fenced" in step for step in fenced["steps"])
    server.override("region", "eu", "drain")
    for i in range(4):
        server.override("endpoint", f"eu-{i}", "auto")
    assert explain(server, client="203.0.113.1")["answers"] == []
    assert {member["region"] for member in explain(server, client="198.51.100.1")["members"] if member["chosen"]} \
        == {"us", "ap"}, "what is drained stays out on this side of it too"


def test_a_pool_stands_in(site):
    make(site, www={"endpoints": ["us-*"], "fallback": {"pool": ["eu-0", "eu-1"], "then": "nodata"}, "pick": "all"})
    server = site.start()
    assert {member["tier"] for member in explain(server)["members"]} == {"all", "pool eu-0+eu-1"}
    assert len(server.addresses("www.example.com")) == 4
    server.override("region", "us", "down")
    assert server.addresses("www.example.com") == ["192.0.2.20", "192.0.2.21"]
    assert explain(server)["source"] == "pool"
    lose(server, "eu-0")
    assert server.addresses("www.example.com") == ["192.0.2.21"]
    lose(server, "eu-1")
    assert server.addresses("www.example.com") == [] and explain(server)["source"] == "nodata"


@pytest.mark.parametrize("fallback, source", [("all", "all"), ("first", "first_sick")])
def test_nothing_drained_is_served_by_any_fallback(site, fallback, source):
    """Everything is down; of what is left some is drained: the pool, its `then`, `all` and `first` leave it out."""
    make(site, www={"endpoints": ["us-*"], "fallback": {"pool": ["eu-*"], "then": fallback}, "pick": "all"},
         sticky={"endpoints": ["us-*", "eu-*"], "pick": "sticky", "answers": 8, "fallback": fallback})
    server = site.start()
    server.override("region", "us", "down")
    server.override("endpoint", "eu-0", "drain")
    assert "192.0.2.20" not in server.addresses("www.example.com") and len(server.addresses("www.example.com")) == 3
    server.override("region", "eu", "drain")
    server.override("endpoint", "us-2", "drain")
    assert explain(server)["source"] == source
    assert server.addresses("www.example.com") == ["192.0.2.10", "192.0.2.11", "192.0.2.13"]
    assert server.addresses("sticky.example.com") == ["192.0.2.10", "192.0.2.11", "192.0.2.13"]
    server.override("region", "us", "drain")
    assert server.addresses("www.example.com") == server.addresses("sticky.example.com") == []


def test_whoever_is_healthy_comes_first(site):
    """Too few in each tier: the default serves who is healthy, tier by tier. Nobody is: answers stay with the first tier."""
    server = make(site, www=ordered(min_healthy="75%", pick="all", answers=8)).start()
    for region in PLACES:
        lose(server, f"{region}-0", f"{region}-1")
    told = explain(server)
    assert (told["fallback"], told["source"]) == ("first", "first")
    assert server.addresses("www.example.com") == ["192.0.2.12", "192.0.2.13"]
    assert [(tier["label"], tier["share"], tier["qualifies"]) for tier in told["tiers"]] == \
        [("us", 1, False), ("eu", 0, False), ("ap", 0, False)]
    assert "no tier has what it needs: fallback first, of tier us those that may serve" in told["steps"]
    lose(server, "us-2", "us-3")
    assert server.addresses("www.example.com") == ["192.0.2.22", "192.0.2.23"]
    for region in "eu", "ap":
        lose(server, f"{region}-2", f"{region}-3")
    told = explain(server)
    assert told["source"] == "first_sick" and server.addresses("www.example.com") == [f"192.0.2.1{i}" for i in range(4)]
    assert any("fallback first, of tier us those that are not drained, healthy or not" in step for step in told["steps"])
    server.override("region", "us", "drain")
    for i in range(4):
        server.override("endpoint", f"us-{i}", "auto")
    assert server.addresses("www.example.com") == [f"192.0.2.2{i}" for i in range(4)]


def test_who_was_taken_down_is_offered_last(site):
    """Checks may be mistaken where all of them fail; an operator is not."""
    make(site, www=ordered(pick="all"))
    site.topology["checks"] = {"none": {"type": "tcp", "port": 9, "interval": "100ms", "timeout": "100ms", "fall": 1}}
    for name, endpoint in site.topology["endpoints"].items():
        endpoint |= {"addresses": [endpoint["addresses"][0].replace("192.0.2.", "127.0.9.")], "checks": ["none"]}
    server = site.start()
    server.wait(lambda: explain(server)["source"] == "first_sick", "everything is unhealthy")
    assert server.addresses("www.example.com") == [f"127.0.9.1{i}" for i in range(4)]
    lose(server, "us-1")
    assert server.addresses("www.example.com") == ["127.0.9.10", "127.0.9.12", "127.0.9.13"]
    server.override("region", "us", "down")
    assert server.addresses("www.example.com") == [f"127.0.9.2{i}" for i in range(4)]
    server.override("region", "eu", "down")
    server.override("region", "ap", "down")
    assert server.addresses("www.example.com") == [f"127.0.9.1{i}" for i in range(4)]


@pytest.mark.parametrize("where", ["name", "rule"])
def test_static_needs_static_records(site, where):
    www = {"endpoints": ["*"], "fallback": "static"} if where == "name" else \
        {"endpoints": ["*"], "geo": [{"when": {"cidr": "10.0.0.0/8"}, "tiers": [["us"]], "fallback": "static"}]}
    make(site, www=www).write()
    assert kit.run_steerd("-c", str(site.config), "--check").returncode == 0
    site.zone("example.com", "www 60 IN TXT words\n").write()
    done = kit.run_steerd("-c", str(site.config), "--check")
    path = "$.names.www.fallback" if where == "name" else "$.names.www.geo[0].fallback"
    assert done.returncode == 1 and "example.com.json:" in done.stderr and path in done.stderr
    assert 'found "static", expected records of www.example.com. in the zone file' in done.stderr


def test_a_rule_falls_back_its_own_way(site):
    rules = [{"when": {"cidr": "198.51.100.0/24"}, "tiers": [["eu"]], "fence": True, "fallback": {"pool": ["ap-0"], "then": "nodata"}},
             {"when": {"cidr": "203.0.113.0/24"}, "tiers": [["eu"]], "fence": True}]
    make(site, www={"endpoints": ["us-*", "eu-*"], "tiers": [["us"]], "geo": rules, "fallback": {"pool": ["ap-*"]}})
    server = site.start()
    server.override("region", "eu", "drain")
    assert explain(server, client="198.51.100.1")["answers"][0].endswith("192.0.2.30")
    assert explain(server, client="203.0.113.1")["answers"] == [], "the name's pool stays outside the fence"
    server.override("region", "us", "down")
    assert explain(server, client="192.0.2.1")["source"] == "pool"
    lose(server, "ap-0")
    assert explain(server, client="198.51.100.1")["source"] == "nodata"


def test_groups_of_the_topology(site):
    make(site, www={"endpoints": ["first", "second"], "tiers": [["first"], ["second"]], "weights": {"first": 5}})
    site.topology["groups"] = {"first": ["us-0", "eu-0"], "second": ["ap-*"]}
    server = site.start()
    assert shares(server) == {"first": 1} and set(sample(server, 60)) == {"us", "eu"}
    assert {member["endpoint"]: member["weight"] for member in explain(server)["members"]}["us-0"] == 5
    lose(server, "us-0", "eu-0")
    assert shares(server) == {"second": 1}


def test_drills_know_the_shares(site):
    make(site, {"us": 1000, "eu": 300, "ap": 100}, www=ordered(spill="capacity"))
    server = site.start()
    server.override("region", "us", "down")
    report = server.ctl_json("drill", "simulate", "--lose", "region:us")
    told, = [answer for answer in report["answers"] if answer["name"] == "www.example.com."]
    assert told["after"] == "tiers eu 75 %, ap 25 %"
    assert {share["region"]: share["after"] for share in told["shares"]} == pytest.approx({"eu": 0.75, "ap": 0.25})


def test_what_is_wrong_is_said(site):
    make(site, www=ordered(spill="capacity", min_healthy=1.5, spill_below="0%")).write()
    done = kit.run_steerd("-c", str(site.config), "--check")
    assert done.returncode == 1
    for word in "needs the capacity", "min_healthy", "spill_below":
        assert word in done.stderr, word
