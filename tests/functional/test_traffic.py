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
