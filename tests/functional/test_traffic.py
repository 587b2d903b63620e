# SPDX-License-Identifier: BSD-3-Clause
"""What is told of answers that were given: counts are exact, whoever asked and by whatever way, and outlive reloads."""
import dns.message
import dns.query
import pytest

import kit

WWW, API = "www.example.com.", "api.example.com."


@pytest.fixture
def server(site):
    at = kit.make_regions(site, azs=("us-east-1a", "us-east-1b", "eu-west-1a"))
    site.at = at
    site.zone("example.com", "")
    site.names = {"www": {"ttl": 5, "endpoints": ["web-*"], "tiers": [["us-east"], ["eu-west"]]},
                  "api": {"ttl": 5, "endpoints": ["web-*"], "tiers": [["eu-west"]],
                          "geo": [{"when": {"cidr": ["198.51.100.0/24"]}, "tiers": [["us-east"]]}]},
                  "all": {"ttl": 5, "endpoints": ["web-us-*"], "pick": "all"},
                  "none": {"ttl": 5, "endpoints": ["web-eu-*"], "fallback": "nodata"}}
    site.policy("example.com", site.names)
    site.topology["checks"] = {}
    for endpoint in site.topology["endpoints"].values():
        endpoint.pop("checks", None)
    site.server["start_wait"] = "0s"
    return site.start()


def traffic(server, by, **more):
    query = "".join(f"&{key}={value}" for key, value in more.items())
    return server.get(f"/v1/traffic?by={by}{query}")


def counts(server, by):
    return {row["name"]: row["answers"] for row in traffic(server, by)["items"]}


def ask(server, name, times=1, source=None, tcp=False, **options):
    address, port = server.site.listen[0]
    for _ in range(times):
        query = dns.message.make_query(name, "A", **options)
        (dns.query.tcp if tcp else dns.query.udp)(query, address, port=port, timeout=10, source=source)


def test_every_answer_counts_once_where_it_led(server):
    assert counts(server, "region") == {"eu-west": 0, "us-east": 0} and counts(server, "name") == {}
    for i in range(4):
        ask(server, WWW, 5, source=f"127.0.1.{i + 1}")
    ask(server, WWW, 3, tcp=True)
    ask(server, API, 7)
    ask(server, "all.example.com.", 2)
    ask(server, "example.com.", 2)  # not steered
    assert counts(server, "name") == {WWW: 23, API: 7, "all.example.com.": 2}
    assert counts(server, "region") == {"eu-west": 7, "us-east": 23 + 4}  # both endpoints were in the answer
    azs, endpoints = counts(server, "az"), counts(server, "endpoint")
    assert azs["us-east-1a"] + azs["us-east-1b"] == 27 and azs["eu-west-1a"] == 7
    assert {name.removeprefix("web-"): count for name, count in endpoints.items()} == azs
    page = traffic(server, "endpoint")
    assert page["all"]["answers"] == 34 and sum(row["share"] for row in page["items"]) == pytest.approx(1, abs=.01)
    row = next(row for row in page["items"] if row["name"] == "web-eu-west-1a")
    assert row["az"] == "eu-west-1a" and row["region"] == "eu-west" and row["rates"]["1m"] > 0


def test_classes_are_those_of_a_policy(server):
    ask(server, API, 2)
    ask(server, API, 3, use_edns=True, options=[kit.dns.edns.ECSOption("198.51.100.7", 32)])
    rows = {(row["of"], row["name"]): row["answers"] for row in traffic(server, "class")["items"]}
    assert rows == {(API, "default"): 2, (API, "geo[0]"): 3}


def test_names_without_anybody_are_answered_all_the_same(server):
    server.override("region", "eu-west", "drain", allow_unserved=True)
    ask(server, "none.example.com.", 4)
    assert counts(server, "name") == {"none.example.com.": 4} and counts(server, "region")["eu-west"] == 0


def test_reloads_lose_nothing(server, site):
    ask(server, WWW, 5), ask(server, API, 1)
    server.reload()
    ask(server, WWW, 2)
    assert counts(server, "name") == {WWW: 7, API: 1}
    assert server.request("POST", "/v1/reload?zone=example.com").status == 200  # with the caches that there are
    ask(server, WWW, 3)
    assert counts(server, "name") == {WWW: 10, API: 1} and counts(server, "region") == {"eu-west": 1, "us-east": 10}
    site.names["new"] = {"ttl": 7, "endpoints": ["web-eu-*"], "answers": 2}
    del site.names["api"]
    site.policy("example.com", site.names), site.write()
    assert server.request("POST", "/v1/reload?zone=example.com").status == 200
    ask(server, "new.example.com.", 2), ask(server, WWW)
    assert counts(server, "name") == {WWW: 11, "new.example.com.": 2}
    assert counts(server, "region") == {"eu-west": 3, "us-east": 11}
    del site.topology["endpoints"]["web-us-east-1b"]
    site.write()
    server.reload()
    assert set(counts(server, "endpoint")) == {"web-us-east-1a", "web-eu-west-1a"}
    assert counts(server, "region") == {"eu-west": 3, "us-east": 11}


def test_a_broken_zone_that_is_kept_goes_on_counting(server, site):
    ask(server, WWW, 5)
    site.put("zones/example.com.json", "{")
    server.request("POST", "/v1/reload")
    ask(server, WWW, 5), ask(server, API, 2)
    assert counts(server, "name") == {WWW: 10, API: 2}


def test_pages_and_orders(server):
    for name, times in (("www", 3), ("api", 5), ("all", 1)):
        ask(server, f"{name}.example.com.", times)
    first = traffic(server, "name", limit=2)
    assert [row["name"] for row in first["items"]] == ["all.example.com.", API] and first["next_cursor"] == API
    assert [row["name"] for row in traffic(server, "name", limit=2, cursor=API)["items"]] == [WWW]
    assert [row["answers"] for row in traffic(server, "name", order="busiest")["items"]] == [5, 3, 1]
    for query in ("by=zone", "order=oldest", "cursor=nobody.", f"by=name&order=busiest&cursor={API}"):
        assert server.request("GET", f"/v1/traffic?{query}").status == 422


def test_steerctl_and_metrics(server):
    ask(server, WWW, 3)
    table = server.ctl("traffic").stdout.splitlines()
    assert table[0].split()[0] == "NAME" and table[1].split()[0] == "us-east" and table[1].split()[-1] == "3"
    assert server.ctl_json("traffic", "names", "--limit", "1")["items"][0]["name"] == WWW
    assert server.ctl("traffic", "zones", code=2).stderr
    text = server.request("GET", "/metrics").body.decode()
    assert 'steerd_traffic_answers_total{kind="region",name="us-east"} 3' in text


# ---- who asks, and how they leave ----

def resolvers(server):
    return {row["address"]: row for row in server.get("/v1/traffic/resolvers")["items"]}


def drains(server):
    return server.get("/v1/drains")["items"]


HOSTS = [f"127.0.1.{i}" for i in range(1, 11)]


def test_the_most_frequent_resolvers(server):
    for i, host in enumerate(HOSTS):
        ask(server, WWW, i + 1, source=host)
    ask(server, WWW, 20, source="127.0.2.1", tcp=True)
    found = server.get("/v1/traffic/resolvers?limit=3")
    assert [row["address"] for row in found["items"]] == ["127.0.2.1", HOSTS[9], HOSTS[8]] and found["every"] == 1
    shares = {address: row["share"] for address, row in resolvers(server).items()}
    total = 20 + sum(range(1, 11))  # each query of each host was counted: none is lost, none comes twice
    assert shares == pytest.approx({"127.0.2.1": 20 / total} | {host: (i + 1) / total for i, host in enumerate(HOSTS)},
                                   abs=.001)
    assert all(row["rate_least"] == row["rate"] for row in resolvers(server).values())


def test_resolvers_leave_a_region(server):
    for host in HOSTS:
        ask(server, WWW, source=host)
    ask(server, API, source="127.0.2.1")  # was never led there
    assert drains(server) == []
    server.override("region", "us-east", "drain", allow_unserved=True)
    (drain,) = drains(server)
    assert drain["region"] == "us-east" and drain["resolvers"] == drain["waiting"] == 10 and drain["share"] == 100
    assert drain["asked"] == drain["expired"] == 0 and drain["until_99"] == "estimated" and drain["hosts"] == 1
    assert 0 < drain["until_99_ms"] <= 5000 and "region_override" in drain["cause"]
    assert {host["address"] for host in drain["missing"]} == set(HOSTS)
    for host in HOSTS[:7]:
        ask(server, WWW, 2, source=host)
    ask(server, WWW, source="127.0.2.1")
    drain = server.get(f"/v1/drains/{drain['id']}")
    assert drain["asked"] == 7 and drain["asked_share"] == .7 and drain["asked_back"] == 0
    assert {host["address"] for host in drain["missing"]} == set(HOSTS[7:])
    for host in HOSTS[7:]:
        ask(server, WWW, source=host, tcp=True)
    drain = drains(server)[0]
    assert drain["asked_share"] == drain["drained_share"] == 1 and drain["until_99"] == "reached" and drain["missing"] == []
    assert server.request("GET", "/v1/drains/x").status == 404


def test_steerctl_shows_who_asks_and_how_they_leave(server):
    for host in HOSTS[:4]:
        ask(server, WWW, source=host)
    server.override("region", "us-east", "drain", allow_unserved=True)
    ask(server, WWW, 2, source=HOSTS[0])
    table = server.ctl("resolvers", "--limit", "1").stdout.splitlines()
    assert len(table) == 2 and table[1].split()[0] == HOSTS[0] and table[1].split()[-2:] == ["50.0", "%"]
    row = server.ctl("drains").stdout.splitlines()[1]
    assert row.split()[:2] == ["1", "us-east"] and "25.0 %" in row and "about" in row
    shown = server.ctl("drains", "1").stdout
    assert "4 seen there before, 1 asked again (25.0 %), 0 expired, 3 waiting" in shown and HOSTS[3] in shown and "##########" in shown
    assert server.ctl_json("drains")["items"][0]["id"] == "1" and server.ctl("drains", "7", code=None).stderr
    text = server.request("GET", "/metrics").body.decode()
    assert 'steerd_drain_share{region="us-east"} 0.25' in text


def test_who_does_not_ask_expires(site, server):
    site.names["www"]["ttl"] = 1
    site.policy("example.com", site.names), site.write()
    server.reload()
    ask(server, WWW, source=HOSTS[0]), ask(server, WWW, source=HOSTS[1])
    server.override("region", "us-east", "drain", allow_unserved=True)
    ask(server, WWW, source=HOSTS[0])
    server.wait(lambda: drains(server)[0]["expired"] == 1, "the TTL of one is over")
    drain = drains(server)[0]
    assert (drain["asked"], drain["waiting"], drain["drained_share"], drain["until_99"]) == (1, 0, 1, "reached")
    assert drain["until_99_ms"] <= 1000 and [host["address"] for host in drain["missing"]] == [HOSTS[1]]


def test_a_step_of_a_switchover_is_a_drain_of_a_part(server):
    ask(server, WWW, source=HOSTS[0])
    server.override("region", "us-east", "drain", allow_unserved=True, share=25)
    (drain,) = drains(server)
    assert drain["share"] == 25 and "25 %" in drain["cause"] and drain["resolvers"] == 1
    server.wait(lambda: ask(server, WWW, source=HOSTS[0]) or drains(server)[0]["asked"] == 1, "it has asked, wherever it was led")
    server.override("region", "us-east", "drain", allow_unserved=True)
    assert len(server.wait(lambda: drains(server) if len(drains(server)) == 2 else None, "another one begins")) == 2
    assert drains(server)[0]["resolvers"] == 1 and drains(server)[0]["asked"] == 0


def test_reloads_keep_drains(server):
    ask(server, WWW, source=HOSTS[0])
    server.reload()
    ask(server, WWW, source=HOSTS[1])
    server.override("region", "us-east", "drain", allow_unserved=True)
    ask(server, WWW, source=HOSTS[0])
    server.reload()
    ask(server, WWW, source=HOSTS[1])
    drain = server.wait(lambda: [one for one in drains(server) if one["asked"] == 2], "both have asked")[0]
    assert drain["resolvers"] == 2 and drain["asked_share"] == 1


def test_resolvers_leave_an_az_and_an_endpoint(server):
    """Only those are members that were led to that az, to that endpoint; what lies in it begins no drain of its own."""
    for host in HOSTS:
        ask(server, WWW, source=host)
    led = counts(server, "az")
    server.override("az", "us-east-1a", "drain")
    (drain,) = drains(server)
    assert (drain["target"], drain["region"], drain["names"], drain["resolvers"]) == ("az:us-east-1a", None, None, led["us-east-1a"])
    for host in HOSTS:
        ask(server, WWW, source=host)
    (drain,) = drains(server)
    assert drain["asked"] == drain["resolvers"] and drain["asked_back"] == 0
    server.override("endpoint", "web-us-east-1b", "drain", allow_unserved=True)
    drain = drains(server)[0]
    assert (drain["target"], drain["resolvers"], drain["waiting"]) == ("endpoint:web-us-east-1b", 10, 10)
    ask(server, WWW, source=HOSTS[0])
    assert drains(server)[0]["asked"] == 1
    rows = [row.split()[:2] for row in server.ctl("drains").stdout.splitlines()[1:]]
    assert rows == [["2", "endpoint:web-us-east-1b"], ["1", "az:us-east-1a"]]
    assert "endpoint:web-us-east-1b" in server.ctl("drains", "2").stdout
    text = server.request("GET", "/metrics").body.decode()
    assert 'steerd_drain_share{endpoint="web-us-east-1b"} 0.1' in text
    assert not led["us-east-1a"] or 'steerd_drain_share{az="us-east-1a"} 1' in text


def test_resolvers_of_some_names_only(server, site):
    """Who was led there for other names is no member, and who asks for others has not asked."""
    site.topology["name_groups"] = {"shop": ["www.example.com"], "pay": ["api.example.com"]}
    site.write()
    assert server.reload().status == 200
    for host in HOSTS[:3]:
        ask(server, WWW, source=host)
    for host in HOSTS[3:]:
        ask(server, "all.example.com.", source=host)
    server.override("region", "us-east", "drain", names=["shop"], allow_unserved=True)
    (drain,) = drains(server)
    assert (drain["target"], drain["names"], drain["resolvers"], drain["share"]) == ("region:us-east", ["shop"], 3, 100)
    assert {host["address"] for host in drain["missing"]} == set(HOSTS[:3])
    for host in HOSTS:
        ask(server, "all.example.com.", source=host)
    assert drains(server)[0]["asked"] == 0
    ask(server, WWW, source=HOSTS[0]), ask(server, WWW, source=HOSTS[5])
    drain = drains(server)[0]
    assert drain["asked"] == 1 and drain["asked_back"] == 0
    assert "us-east for shop" in server.ctl("drains").stdout
    assert 'steerd_drain_share{region="us-east",names="shop"}' in server.request("GET", "/metrics").body.decode()


def test_a_switchover_of_azs_tells_how_they_drain(server):
    for host in HOSTS:
        ask(server, WWW, source=host)
    body = {"source": ["az:us-east-1a", "az:us-east-1b"], "reason": "power work", "execute": True, "accept": ["served"]}
    made = server.request("POST", "/v1/switchovers", body)
    assert made.status == 201, made
    for host in HOSTS:
        ask(server, WWW, source=host)
    assert {drain["target"] for drain in drains(server)} == {"az:us-east-1a", "az:us-east-1b"}
    path = f"/v1/switchovers/{made.json['id']}:verify"
    objections = [error["field"] for error in server.request("POST", path, {"reason": "x"}).json["errors"]]
    looked = server.request("POST", path, {"reason": "x", "accept": objections}).json
    texts = [finding["text"] for finding in looked["look"]["findings"] if finding["name"] == "drain"]
    assert len(texts) == 1 and "az:us-east-1a" in texts[0] and "az:us-east-1b" in texts[0] and "have asked again" in texts[0], looked
