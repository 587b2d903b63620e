# SPDX-License-Identifier: BSD-3-Clause
"""Geography beyond countries: cities, subdivisions, autonomous systems, shared rules, distance, and databases that
change while the server runs. The databases are those of tests/data/geo (contrib/mkgeo)."""
import pathlib
import shutil

import dns.edns
import dns.message
import dns.rcode
import pytest

import kit

DATA = pathlib.Path(__file__).resolve().parent.parent / "data" / "geo"
AT = {"us-east": "192.0.2.201", "eu-west": "192.0.2.202", "ap-south": "192.0.2.203"}
LOCATIONS = {"us-east": [38.9, -77.0], "eu-west": [53.3, -6.3], "ap-south": [1.3, 103.8]}
EU = [["eu-west"], ["us-east"]]


def make(site, databases, names, locations=True, **policy):
    site.topology = {
        "regions": {region: {"azs": {region + "-1": {}}, **({"location": LOCATIONS[region]} if locations else {})}
                    for region in AT},
        "endpoints": {"web-" + region: {"az": region + "-1", "addresses": [address]} for region, address in AT.items()}}
    site.server["geo"] = [str(path if isinstance(path, pathlib.Path) else DATA / path) for path in databases]
    site.zone("example.com", "")
    site.policies["example.com"] = {"names": {name: {"endpoints": ["web-*"], **rest} for name, rest in names.items()},
                                    **policy}
    return site


def ask(server, client, name="www.example.com", rtype="A"):
    """The region that answers this client, and the scope."""
    bits = 128 if ":" in client else 32
    option = dns.edns.ECSOption(client, bits)
    reply = server.send(dns.message.make_query(name, rtype, use_edns=0, options=[option]))
    assert reply.rcode() == dns.rcode.NOERROR
    scope, = [one.scopelen for one in reply.options if isinstance(one, dns.edns.ECSOption)]
    regions = {address: region for region, address in AT.items()}
    found = [regions[rdata.to_text()] for rrset in reply.answer for rdata in rrset]
    return (found[0] if found else None), scope


def explain(server, client, name="www.example.com"):
    return server.get(f"/v1/explain?name={name}&type=A&client={client}")


# ---- rules ----

def test_city_subdivision_and_asn(site):
    rules = [{"when": {"country": "US"}, "tiers": [["us-east"]]},
             {"when": {"city": "Paris", "country": "FR"}, "tiers": [["eu-west"]]},
             {"when": {"subdivision": "US-TX"}, "tiers": [["ap-south"]]},
             {"when": {"city": 2643743}, "tiers": [["eu-west"]]},
             {"when": {"asn": "AS64498"}, "tiers": [["ap-south"]]}]
    server = make(site, ["city.mmdb", "asn.mmdb"], {"www": {"geo": rules, "tiers": [["us-east"]]}}).start()
    assert ask(server, "203.0.113.1") == ("eu-west", 25), "Paris"
    assert ask(server, "203.0.113.200") == ("ap-south", 25), "Paris, Texas: the subdivision is narrower than the country"
    assert ask(server, "192.0.2.1")[0] == "us-east"
    assert ask(server, "10.1.2.3") == ("eu-west", 16), "London, by its GeoNames id"
    assert ask(server, "198.51.100.1") == ("ap-south", 25), "the autonomous system has half of Dublin"
    assert ask(server, "198.51.100.129")[0] == "us-east"
    said = explain(server, "203.0.113.200")
    assert said["class"] == "geo[2]" and said["scope"] == 25
    assert said["geo"] == {"rule": "geo[2]", "cidr": None, "network": "203.0.113.128/25", "place": {
        "country": "US", "continent": "NA", "subdivisions": ["US-TX", "US-Texas"], "city": "Paris", "city_id": 4717560,
        "asn": None, "location": [pytest.approx(33.7), pytest.approx(-95.6)]}}
    assert any("rule geo[2] matches" in step for step in said["steps"])
    said = explain(server, "10.1.2.3")
    assert (said["class"], said["geo"]["rule"]) == ("geo[1]", "geo[3]"), "rules with the same tiers are one class"
    assert explain(server, "8.8.8.8")["geo"]["rule"] is None


def test_shared_rules(site):
    here = {"here": [{"when": {"continent": "EU"}, "tiers": EU}, {"when": {"cidr": "198.51.100.128/25"}, "tiers": "nearest"}]}
    names = {"www": {"geo": "here"}, "few": {"geo": "here", "endpoints": ["web-us-east", "web-ap-south"]},
             "far": {"geo": "everywhere"}}
    make(site, ["city.mmdb"], names, geo_rules=here)
    site.topology["geo_rules"] = {"everywhere": [{"when": {"continent": ["EU", "NA"]}, "tiers": [["ap-south"]]}]}
    server = site.start()
    assert ask(server, "10.1.2.3") == ("eu-west", 16)
    assert ask(server, "10.1.2.3", "few.example.com") == ("us-east", 16), "none of it is in eu-west"
    assert ask(server, "10.1.2.3", "far.example.com")[0] == "ap-south"
    assert explain(server, "10.1.2.3", "few.example.com")["class"] == "here[0]"
    said = explain(server, "198.51.100.200")
    assert said["geo"]["rule"] == "here[1]" and said["geo"]["cidr"] == "198.51.100.128/25"
    assert said["class"] == "nearest(eu-west,us-east,ap-south)"


def test_one_zone_is_read_again_with_other_rules(site):
    make(site, ["city.mmdb"], {"www": {"geo": [{"when": {"city": "London"}, "tiers": [["eu-west"]]}], "tiers": [["us-east"]]}})
    server = site.start()
    assert ask(server, "10.1.2.3") == ("eu-west", 16)
    site.policies["example.com"]["names"]["www"].update(geo=[{"when": {"subdivision": "BR-SP"}, "tiers": "nearest"}])
    site.write()
    server.ctl("reload", "example.com")
    assert ask(server, "10.1.2.3") == ("us-east", 15) and ask(server, "10.2.2.3") == ("us-east", 16)
    assert explain(server, "10.2.2.3")["class"] == "nearest(us-east,eu-west,ap-south)"


# ---- distance ----

def test_nearest(site):
    server = make(site, ["city.mmdb", "country.mmdb"],
                  {"www": {"tiers": "nearest"}, "one": {"tiers": {"nearest": 1, "others": False}, "fallback": "nodata"}}).start()
    assert ask(server, "192.0.2.1")[0] == "us-east"
    assert ask(server, "203.0.113.1")[0] == "eu-west"
    assert ask(server, "2001:db8::1") == ("ap-south", 32), "Sydney"
    assert ask(server, "2001:db8::1", "one.example.com") == ("ap-south", 32)
    assert [tier["label"] for tier in explain(server, "2001:db8::1")["tiers"]] == ["ap-south", "us-east", "eu-west"]
    said = explain(server, "8.8.8.8")
    assert said["class"] == "nearest(us-east,eu-west,ap-south)" and said["geo"]["rule"] is None, "as in the topology"
    server.override("region", "ap-south", "down")
    assert ask(server, "2001:db8::1") == ("us-east", 32), "the next nearest, and the scope stays"
    assert ask(server, "2001:db8::1", "one.example.com") == (None, 0), "nothing else; scope 0 (RFC 7871 section 7.4)"
    said = explain(server, "2001:db8::1", "one.example.com")
    assert said["scope"] == 0 and said["geo"]["network"] == "2001:db8::/32"


def test_a_country_stands_in_for_its_coordinates(site):
    server = make(site, ["country.mmdb"], {"www": {"tiers": "nearest"}}).start()
    assert ask(server, "198.51.100.1")[0] == "eu-west", "Germany"
    assert ask(server, "203.0.113.1")[0] == "ap-south", "Japan"
    assert ask(server, "192.0.2.1")[0] == "us-east"


def test_negative_answers_have_scope_0(site):
    make(site, ["country.mmdb"], {"www": {"geo": [{"when": {"country": "DE"}, "tiers": [["eu-west"]]}],
                                          "tiers": [["us-east"]]}})
    site.topology["endpoints"]["web-us-east"]["addresses"].append("2001:db8::201")
    server = site.start()
    assert ask(server, "198.51.100.1") == ("eu-west", 24)
    assert ask(server, "198.51.100.1", rtype="AAAA") == (None, 0), "only us-east has IPv6"
    assert ask(server, "198.51.100.1", rtype="TXT") == (None, 0)


def test_what_no_database_knows_is_said(site):
    make(site, ["country.mmdb"], {"www": {"geo": [{"when": {"asn": 1, "city": "Paris"}, "tiers": EU}]}}).write()
    done = kit.run_steerd("-c", str(site.config), "--check")
    assert done.returncode == 0
    assert "asks for cities, which none of the 1 databases" in done.stderr
    assert "asks for autonomous systems" in done.stderr and "countries" not in done.stderr
    make(site, [], {"www": {"tiers": "nearest"}}, locations=False).write()
    done = kit.run_steerd("-c", str(site.config), "--check")
    assert done.returncode == 1 and '"nearest" needs to know where endpoint "web-us-east" (and 2 more) is' in done.stderr


def test_places_that_are_nowhere(site):
    """Warned of with their rule; what some database knows is not, whatever the case of its letters."""
    rules = [{"when": {"country": ["UK", "DE", "ZZ"]}, "tiers": EU}, {"when": {"city": ["Pariss", "PARIS", 2643743, 7]}, "tiers": EU},
             {"when": {"subdivision": ["us-tx", "US-XX"]}, "tiers": EU}]
    make(site, ["city.mmdb"], {"www": {"geo": rules}, "same": {"geo": rules}}).write()
    done = kit.run_steerd("-c", str(site.config), "--check")
    assert done.returncode == 0, done
    warnings = [line.split("warning: ")[1] for line in done.stderr.splitlines() if "no client is there" in line]
    assert warnings == [
        'rule geo[0]: "UK" is no country of ISO 3166-1, so no client is there; did you mean "GB"?',
        'rule geo[0]: "ZZ" is no country of ISO 3166-1, so no client is there',
        'rule geo[1]: no database knows the city "Pariss", so no client is there',
        'rule geo[1]: no database knows the city 7, so no client is there',
        'rule geo[2]: no database knows the subdivision "US-XX", so no client is there']
    many = [{"when": {"city": [f"nowhere {i}" for i in range(1000)]}, "tiers": EU}]
    make(site, ["city.mmdb"], {"www": {"geo": many}}).write()
    lines = kit.run_steerd("-c", str(site.config), "--check").stderr.splitlines()
    assert len(lines) == 11 and "example.com.json:" in lines[0] and "rules geo: 990 more places that nobody is in" in lines[-1]
    make(site, ["country.mmdb"], {"www": {"geo": rules[1:]}}).write()
    done = kit.run_steerd("-c", str(site.config), "--check").stderr
    assert "which none of the 1 databases" in done and "no client" not in done, "said once, for all of them"


# ---- databases that change ----

def states(server):
    return {pathlib.Path(item["file"]).name: item["state"] for item in server.get("/v1/geo")["items"]}


def replace(path, content):
    """As an updater does: beside it, then over it."""
    beside = path.with_suffix(".new")
    beside.write_bytes(content)
    beside.rename(path)


def test_databases_are_listed(site):
    server = make(site, ["city.mmdb", "flat-city.mmdb", "asn.mmdb"], {"www": {"tiers": "nearest"}}).start()
    items = server.get("/v1/geo")["items"]
    assert [pathlib.Path(item["file"]).name for item in items] == ["city.mmdb", "flat-city.mmdb", "asn.mmdb"]
    assert items[0]["knows"] == ["continent", "country", "subdivision", "city", "location"]
    assert items[2]["knows"] == ["asn"] and items[2]["networks"] == 4 and items[2]["type"] == "steerd-test"
    assert server.get("/v1/geo?limit=1")["next_cursor"] == items[0]["file"]
    assert server.ctl_json("geo")["items"] == items
    assert "continent, country" in server.ctl("geo").stdout
    text = server.request("GET", "/metrics").body.decode()
    assert f'steerd_geo_stale{{file="{items[2]["file"]}"}} 0' in text
    assert text.count("steerd_geo_build_time_seconds{") == 3


def damage_epoch(content):
    """Made at the end of time."""
    at = content.rindex(b"build_epoch") + len("build_epoch")
    return content[:at] + b"\x08\x02" + b"\xff" * 8 + content[at + 2 + (content[at] & 31):]


def test_a_database_made_at_the_end_of_time_is_shown_without_date(site):
    strange = site.folder / "strange.mmdb"
    strange.write_bytes(damage_epoch((DATA / "country.mmdb").read_bytes()))
    server = make(site, [strange], {"www": {"geo": [{"when": {"country": "DE"}, "tiers": [["eu-west"]]}],
                                            "tiers": [["us-east"]]}}).start()
    assert ask(server, "198.51.100.1")[0] == "eu-west"
    assert server.get("/v1/geo")["items"][0]["built"] is None
    assert "strange.mmdb" in server.ctl("geo").stdout
    assert f'steerd_geo_build_time_seconds{{file="{strange}"}} 0' in server.request("GET", "/metrics").body.decode()


def test_a_database_that_knows_nothing_does_not_replace_a_good_one(site):
    moving = site.folder / "moving.mmdb"
    good = (DATA / "country.mmdb").read_bytes()
    useless = good.replace(b"country", b"kountry").replace(b"continent", b"kontinent")
    rules = [{"when": {"country": "DE"}, "tiers": [["eu-west"]]}]
    moving.write_bytes(good)
    server = make(site, [moving], {"www": {"geo": rules, "tiers": [["us-east"]]}}).start()
    replace(moving, useless)
    server.wait(lambda: states(server) == {"moving.mmdb": "stale"}, "the file is known to be useless")
    assert ask(server, "198.51.100.1")[0] == "eu-west"
    assert "moving.mmdb" in server.wait_log("config", "knows nothing, expected one that knows as much as before")
    assert "moving.mmdb" in server.ctl("reload", code=1).stderr
    assert ask(server, "198.51.100.1")[0] == "eu-west"
    replace(moving, good)
    server.wait(lambda: states(server) == {"moving.mmdb": "current"}, "a good one is back")
    server.stop()
    moving.write_bytes(useless)
    server = site.start()  # there is no better one: it is taken, with a warning
    assert ask(server, "198.51.100.1")[0] == "us-east" and states(server) == {"moving.mmdb": "current"}


def test_a_changed_database_is_read_by_itself(site):
    moving = site.folder / "moving.mmdb"
    shutil.copy(DATA / "country.mmdb", moving)
    rules = [{"when": {"country": "DE"}, "tiers": [["eu-west"]]}, {"when": {"country": "IE"}, "tiers": [["ap-south"]]}]
    server = make(site, [moving], {"www": {"geo": rules, "tiers": [["us-east"]]}}).start()
    assert ask(server, "198.51.100.1")[0] == "eu-west"
    replace(moving, (DATA / "city.mmdb").read_bytes())
    server.wait(lambda: ask(server, "198.51.100.1")[0] == "ap-south", "the new database decides")
    assert "a geo database changed" in server.wait_log("reload started")
    generation = server.get("/v1/status")["generation"]

    # A broken one is refused, the old one goes on, and everything says so; nothing is tried twice.
    replace(moving, (DATA / "country.mmdb").read_bytes()[:700])
    server.wait(lambda: states(server) == {"moving.mmdb": "stale"}, "the file is known to be broken")
    assert ask(server, "198.51.100.1")[0] == "ap-south"
    assert "moving.mmdb" in server.wait_log("config", "not a MaxMind database")
    assert server.get("/v1/status")["generation"] == generation + 1
    assert f'steerd_geo_stale{{file="{moving}"}} 1' in server.request("GET", "/metrics").body.decode()

    # Other changes still take effect, by hand.
    site.policies["example.com"]["names"]["www"]["tiers"] = [["eu-west"]]
    site.write()
    done = server.ctl("reload", code=1)
    assert "moving.mmdb" in done.stderr
    assert ask(server, "8.8.8.8")[0] == "eu-west" and ask(server, "198.51.100.1")[0] == "ap-south"

    moving.unlink()
    server.wait_log("config", "cannot open the geo database")
    assert ask(server, "198.51.100.1")[0] == "ap-south"
    replace(moving, (DATA / "country.mmdb").read_bytes())
    server.wait(lambda: ask(server, "198.51.100.1")[0] == "eu-west", "the file is good again")
    assert states(server) == {"moving.mmdb": "current"}


def test_an_unchanged_database_is_not_read_again(site):
    server = make(site, ["country.mmdb"], {"www": {"geo": [{"when": {"country": "DE"}, "tiers": EU}]}}).start()
    before, = server.get("/v1/geo")["items"]
    server.ctl("reload")
    after, = server.get("/v1/geo")["items"]
    assert server.get("/v1/status")["generation"] == 2
    assert after["loaded"] == before["loaded"]
    assert ask(server, "198.51.100.1") == ("eu-west", 24)


def test_a_database_that_was_never_good_stops_the_start(site):
    broken = site.folder / "broken.mmdb"
    broken.write_bytes(b"nothing")
    make(site, [broken], {"www": {}}).write()
    done = kit.run_steerd("-c", str(site.config), "--check")
    assert done.returncode == 1 and "broken.mmdb: error: not a MaxMind database" in done.stderr
