# SPDX-License-Identifier: BSD-3-Clause
"""Explain says all of it: each part of a decision shows up as fields and as a sentence, from real servers that come to
be in the state that is explained."""
import datetime
import ipaddress
import random
import urllib.parse

import kit

PLACES = {"us": "192.0.2.1", "eu": "192.0.2.2"}


def make(site, **name):
    site.topology = {
        "regions": {region: {"azs": {f"{region}-az": {}}} for region in PLACES},
        "endpoints": {f"{region}-{i}": {"az": f"{region}-az", "addresses": [f"{address}{i}"]}
                      for region, address in PLACES.items() for i in range(3)}}
    www = {"endpoints": ["*"], "tiers": [["us"], ["eu"]], "ttl": 30, **name}
    return site.policy("example.com", {"www": www}).zone("example.com", "www 60 IN TXT x\n").start()


def explain(server, **more):
    query = "".join(f"&{key}={value}" for key, value in more.items())
    return server.get(f"/v1/explain?name=www.example.com{query}")


def member_of(told, name):
    return next(member for member in told["members"] if member["endpoint"] == name)


def step_of(told, *words):
    found = [step for step in told["steps"] if all(word in step for word in words)]
    assert len(found) == 1, (words, told["steps"])
    return found[0]


def test_an_override_says_who_why_and_until_when(site):
    server = make(site)
    until = (datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(hours=1)).strftime("%Y-%m-%dT%H:%M:%SZ")
    server.override("region", "us", "drain", "a storm", actor="alice", expires=until)
    server.override("endpoint", "us-2", "down", "disk full", actor="bob")
    told = explain(server)
    us_0, us_2 = member_of(told, "us-0"), member_of(told, "us-2")
    assert (us_0["effective"], us_0["decided_by"], us_0["observed"]) == ("drained", "region_override", "unknown")
    assert us_0["decider"]["kind"] == "region" and us_0["decider"]["name"] == "us"
    assert us_0["decider"]["override"]["actor"] == "alice" and us_0["decider"]["override"]["reason"] == "a storm"
    assert us_0["decider"]["override"]["expires"] == until.replace("Z", ".000Z")
    assert us_2["decider"]["kind"] == "endpoint" and us_2["decider"]["override"]["expires"] is None
    said = step_of(told, "us-0, us-1 are excluded")
    assert "region us was overridden to drain by alice at" in said and f"until {until[:-1]}" in said and "(a storm)" in said
    assert "without an end (disk full)" in step_of(told, "us-2 is excluded: forced_down", "by bob")
    assert member_of(told, "eu-0")["decider"] is None and member_of(told, "eu-0")["excluded"] is None


def write_canonical(number):
    """RFC 5952: python's way, and IPv4 within IPv6 with dots (section 5), as inet_ntop() writes it."""
    address = ipaddress.IPv6Address(number)
    if number >> 32 == 0xffff or (number >> 32 == 0 and number >> 16 != 0):
        return f"::{'ffff:' if number >> 32 else ''}{ipaddress.IPv4Address(number & 0xffffffff)}"
    return str(address)


def test_clients_are_written_as_rfc_5952_says(site):
    """Groups of zeros of every length and at every place, IPv4 in all its coats; and no colon runs into an address."""
    server = make(site, geo=[{"when": {"cidr": "2001:db8::/32"}, "tiers": [["eu"]]}])
    chance = random.Random(5952)
    numbers = [int(ipaddress.IPv6Address(text)) for text in (
        "2001:0:59a0:1480::", "::192.0.2.1", "::ffff:192.0.2.1", "64:ff9b::192.0.2.1", "2002:c000:201::", "::", "::1")]
    for _ in range(300):
        groups = [chance.choice([0, 0, 0, 1, 0xa, 0x1000, chance.randrange(1 << 16)]) for _ in range(8)]
        numbers.append(int("".join(f"{group:04x}" for group in groups), 16))
    for number in numbers:
        wanted = write_canonical(number)
        told = explain(server, client=urllib.parse.quote(ipaddress.IPv6Address(number).exploded))
        assert told["client"] == wanted
        assert not [step for step in told["steps"] if ":::" in step], told["steps"]
        assert step_of(told, f"client {wanted}", "is of class")
        network = ipaddress.ip_network(told["geo"]["network"])
        assert ipaddress.IPv6Address(number) in network
        assert told["geo"]["network"] == f"{write_canonical(int(network.network_address))}/{network.prefixlen}"


def test_forced_up_is_told_as_well(site):
    server = make(site)
    server.override("az", "eu-az", "up", "the checks are wrong")
    told = explain(server)
    assert member_of(told, "eu-1")["decider"]["override"]["state"] == "up"
    assert member_of(told, "eu-1")["excluded"] == "tier eu is not needed"


def test_a_roll_up_says_how_many_of_how_many(site):
    at = kit.make_regions(site)
    site.topology["regions"]["us-east"]["lost_at"] = 0.5
    site.policy("example.com", {"www": {"endpoints": ["*"], "tiers": [["us-east"], ["eu-west"]]}}).zone("example.com", "")
    lost, others = site.web(at["us-east-1a"]), site.web(*(at[az] for az in at if az != "us-east-1a"))
    server = site.start()
    for az in at:
        server.wait_state("endpoint", f"web-{az}", observed="healthy")
    lost.kill()
    server.wait_state("region", "us-east", observed="unhealthy")
    told = explain(server)
    decider = member_of(told, "web-us-east-1b")["decider"]
    assert (decider["kind"], decider["members"], decider["members_unhealthy"]) == ("region", 2, 1)
    assert member_of(told, "web-us-east-1b")["observed"] == "healthy"
    assert "region us-east is lost since" in step_of(told, "web-us-east-1a, web-us-east-1b are excluded: unhealthy")
    assert "1 of its 2 azs with checks lost" in step_of(told, "are excluded")
    server.override("region", "us-east", "auto", "back")
    others.behave("status", at["eu-west-1a"], status=503)
    server.wait_state("az", "eu-west-1a", observed="unhealthy")
    assert "az eu-west-1a is lost since" in member_of(explain(server), "web-eu-west-1a")["excluded"]


def test_a_check_that_failed_is_quoted(site):
    at = kit.make_regions(site)
    for az in ("us-east-1b", "eu-west-1b"):  # the az is not lost with one of two
        site.topology["endpoints"][f"web-{az}"]["az"] = az[:-1] + "a"
    site.policy("example.com", {"www": {"endpoints": ["*"], "tiers": [["us-east"], ["eu-west"]]}}).zone("example.com", "")
    web = site.web(*at.values())
    server = site.start()
    server.wait_state("endpoint", "web-us-east-1a", observed="healthy")
    web.behave("status", at["us-east-1a"], status=503)
    server.wait_state("endpoint", "web-us-east-1a", observed="unhealthy")
    told = explain(server)
    assert "ended with bad_status (HTTP status 503)" in step_of(told, "web-us-east-1a is excluded: unhealthy, decided by verdict")
    assert member_of(told, "web-us-east-1a")["decider"]["kind"] == "endpoint"


def test_groups_and_standbys(site):
    server = make(site, endpoints=["us-0", "us-1", "us-2"], weights={"us-0": 0, "us-2": "10%"}, tiers=[["us"]])
    told = explain(server)
    assert step_of(told, "90 % of that goes to us-1") and step_of(told, "10 % of that goes to us-2")
    assert "standby" in member_of(told, "us-0")["excluded"]
    assert [round(member_of(told, f"us-{i}")["odds"], 6) for i in range(3)] == [0, 0.9, 0.1]
    for name in "us-1", "us-2":
        server.override("endpoint", name, "down")
    told = explain(server)
    assert step_of(told, "us-0: weight 0, standing in")


def test_what_stands_in(site):
    server = make(site, tiers=[["us"]], fallback={"pool": ["eu-0"], "then": "nodata"}, ttl_failing=7)
    told = explain(server)
    assert (told["fallback"], told["pool"], told["source"], told["ttl_reason"]) == ("nodata", "pool eu-0", "tier", "ttl")
    assert member_of(told, "eu-0")["excluded"] == "the pool is not needed"
    server.override("region", "us", "down")
    told = explain(server)
    assert (told["source"], told["ttl"], told["ttl_reason"]) == ("pool", 7, "ttl_failing")
    assert step_of(told, "the pool eu-0 stands in") and step_of(told, "(ttl_failing): us-0 does not serve")
    server.override("region", "eu", "drain")
    told = explain(server)
    assert (told["source"], told["ttl"], told["ttl_reason"], told["answers"]) == ("nodata", 7, "ttl_failing", [])


def test_a_negative_answer(site):
    server = make(site, tiers=[["us"]], fallback="nodata",
                  geo=[{"when": {"cidr": ["198.51.100.0/24"]}, "tiers": [["eu"]]}])
    server.override("region", "us", "down")
    told = explain(server, client="192.0.2.200")
    assert (told["answers"], told["ttl"], told["ttl_reason"]) == ([], 30, "negative")  # the SOA's last number
    assert (told["scope"], told["scope_reason"]) == (0, "negative")
    assert step_of(told, "resolvers remember that there is nothing for 30 s")
    told = explain(server, client="198.51.100.7")
    assert (told["scope"], told["scope_reason"]) == (24, "geo") and len(told["answers"]) == 1
    assert step_of(told, "ECS scope 24: geography tells clients of 198.51.100.0/24 from others")


def test_a_sticky_client(site):
    server = make(site, pick="sticky", tiers=[["us", "eu"]])
    told = explain(server, client="203.0.113.77")
    mine = [member["address"] for member in told["members"] if member["sticks"]]
    assert told["answers"][0].split()[-1] == mine[0] and len(mine) == 1
    assert (told["scope"], told["scope_reason"], told["sticks"]) == (24, "sticky", "203.0.113.0/24")
    assert all(0 < member["odds"] < 1 for member in told["members"])
    assert step_of(told, "odds are those over all clients")


def test_the_scope_is_that_of_the_reply(site):
    server = make(site, geo=[{"when": {"cidr": ["198.51.100.0/25"]}, "tiers": [["eu"]]}])
    for client in "198.51.100.7", "198.51.100.200", "192.0.2.200", "2001:db8::1":
        told = explain(server, client=client)
        option = kit.dns.edns.ECSOption(client, 128 if ":" in client else 32)
        reply = server.ask("www.example.com", edns=0, options=[option])
        assert [option.scopelen for option in reply.options if option.otype == kit.dns.edns.ECS] == [told["scope"]]


def test_many_members_share_one_sentence(site):
    server = make(site)
    site.topology["endpoints"].update({f"us-x{i}": {"az": "us-az", "addresses": [f"10.0.0.{i + 1}"]} for i in range(200)})
    site.write()
    assert server.reload().status == 200
    server.override("region", "us", "drain")
    told = explain(server)
    assert "us-0, us-1, us-2, us-x0, us-x1, us-x2 and 197 more are excluded" in step_of(told, "are excluded")
    assert len(told["steps"]) < 20
