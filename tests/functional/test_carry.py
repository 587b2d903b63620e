# SPDX-License-Identifier: BSD-3-Clause
"""A reload never moves an answer by itself: what is known to be dead stays dead whatever becomes of its checks."""
import pathlib

import kit
import nameserver
import pytest


@pytest.fixture
def lost(pair):
    """us-east is dead, and known to be."""
    pair.east.kill()
    pair.server.wait_answers("www.example.com", pair.eu)
    pair.server.wait_state("region", "us-east", observed="unhealthy")
    return pair


def reload_and_look(scene, expected):
    """Not one answer of another place; returns what the endpoints are."""
    scene.site.write()
    assert scene.server.reload().status == 200
    assert set(scene.server.sample("www.example.com", 100)) <= set(expected)
    return {item["name"]: item for item in scene.server.get("/v1/endpoints")["items"]}


def slow(topology):
    """So slow that the test is over before anything is checked."""
    topology["checks"]["web"].update(interval="1h")


@pytest.mark.parametrize("change", [{"timeout": "100ms"}, {"interval": "1h"}, {"fall": 9, "rise": 1}, {"path": "/other"},
                                    {"port": 9, "type": "tcp", "path": None, "interval": "1h"}])
def test_other_parameters(lost, change):
    """The last one would fail eu-west, too, were it slow to look."""
    check = lost.site.topology["checks"]["web"]
    for key, value in change.items():
        if value is None:
            del check[key]
        else:
            check[key] = value
    endpoints = reload_and_look(lost, lost.eu)
    assert endpoints["web-us-east-1a"]["observed"] == "unhealthy"
    assert endpoints["web-us-east-1a"]["last_outcome"] != "none"


def test_a_renamed_check_and_another_list(lost):
    checks = lost.site.topology["checks"]
    slow(lost.site.topology)
    checks["site"] = checks.pop("web")
    for endpoint in lost.site.topology["endpoints"].values():
        endpoint["checks"] = ["site"]
    assert reload_and_look(lost, lost.eu)["web-us-east-1b"]["observed"] == "unhealthy"
    checks["more"] = {"type": "tcp", "port": 9, "interval": "1h"}
    for endpoint in lost.site.topology["endpoints"].values():
        endpoint["checks"] = ["more", "site"]
    endpoints = reload_and_look(lost, lost.eu)
    assert endpoints["web-us-east-1b"]["observed"] == "unhealthy" and endpoints["web-eu-west-1a"]["observed"] == "healthy"


def test_renamed_endpoints_and_azs(lost):
    topology = lost.site.topology
    slow(topology)
    since = lost.server.get("/v1/endpoints/web-us-east-1a")["since"]
    topology["endpoints"] = {name.replace("web-", "web-new-"): each for name, each in topology["endpoints"].items()}
    endpoints = reload_and_look(lost, lost.eu)
    assert endpoints["web-new-us-east-1a"]["observed"] == "unhealthy" and endpoints["web-new-eu-west-1a"]["observed"] == "healthy"
    assert endpoints["web-new-us-east-1a"]["since"] == since
    topology["regions"]["us-east"]["azs"] = {"us-east-1x": {}}
    for name in "web-new-us-east-1a", "web-new-us-east-1b":
        topology["endpoints"][name]["az"] = "us-east-1x"
    reload_and_look(lost, lost.eu)
    assert lost.server.get("/v1/regions/us-east")["observed"] == "unhealthy"


def test_new_endpoints_of_a_lost_region(lost):
    """They are unhealthy with it until they are seen to be well, and it is lost though all of it is new."""
    topology = lost.site.topology
    new = {az: kit.new_address() for az in ("us-east-1a", "us-east-1b")}
    for az, address in new.items():
        topology["endpoints"][f"web-new-{az}"] = {"az": az, "addresses": [address], "checks": ["web"]}
    endpoints = reload_and_look(lost, lost.eu)
    assert endpoints["web-new-us-east-1a"]["observed"] == "unhealthy"
    assert lost.server.get("/v1/endpoints/web-new-us-east-1a")["checks"][0]["inherited"] in (True, False)
    for az in new:
        del topology["endpoints"][f"web-{az}"]
    reload_and_look(lost, lost.eu)
    lost.site.web(*new.values())
    lost.server.wait_answers("www.example.com", new.values())


def test_without_checks_it_is_served(lost):
    slow(lost.site.topology)
    for az in "us-east-1a", "us-east-1b":
        lost.site.topology["endpoints"][f"web-{az}"]["checks"] = []
    endpoints = reload_and_look(lost, lost.us)
    assert endpoints["web-us-east-1a"]["observed"] == "unknown"


def test_other_thresholds_are_followed_at_once(pair):
    """One az of two is lost: a region that is lost at half of its azs is lost with the reload that says so."""
    pair.east.behave("status", pair.us[0], status=500)
    pair.server.wait_state("az", "us-east-1a", observed="unhealthy")
    assert set(pair.server.sample("www.example.com")) == {pair.us[1]}
    pair.site.topology["regions"]["us-east"]["lost_at"] = 0.5
    reload_and_look(pair, pair.eu)
    assert pair.server.get("/v1/regions/us-east")["observed"] == "unhealthy"


def test_reloads_without_end_do_not_put_off_a_flip(pair):
    """Each takes over what was counted, and what is being asked."""
    pair.site.topology["checks"]["web"].update(interval="1s", timeout="900ms")
    pair.site.write()
    assert pair.server.reload().status == 200
    pair.east.stop()  # takes connections and says nothing: every check lasts for 900 ms

    def storm():
        assert pair.server.reload().status == 200
        return set(pair.server.sample("www.example.com", 20)) <= set(pair.eu)
    pair.server.wait(storm, "the flip in spite of reloads")


# ---- overrides ----

def test_an_override_whose_target_is_gone_lies_dormant(pair):
    server, topology = pair.server, pair.site.topology
    server.override("endpoint", "web-us-east-1a", "drain", "broken disk", actor="alice")
    server.override("endpoint", "web-eu-west-1a", "drain", "later", actor="bob", starts_in="1h")
    assert set(server.sample("www.example.com")) == {pair.us[1]}
    topology["endpoints"]["web-other"] = topology["endpoints"].pop("web-us-east-1a")
    gone = topology["endpoints"].pop("web-eu-west-1a")
    pair.site.write()
    offset = len(server.log_path.read_bytes())
    reply = server.reload()
    warnings = [item["message"] for item in reply.json["warnings"]]
    assert any("the drain of endpoint web-us-east-1a by alice lies dormant" in text and "those of web-other" in text
               for text in warnings), warnings
    server.wait_log("web-us-east-1a", "lies dormant", offset=offset)
    server.wait_log("override", "turn=dormant", "name=web-us-east-1a", "actor=alice", offset=offset)
    assert set(server.sample("www.example.com")) == set(pair.us), "nobody has said anything of web-other"
    listed = {item["name"]: item for item in server.get("/v1/overrides")["items"]}
    assert [listed[name]["dormant"] for name in ("web-us-east-1a", "web-eu-west-1a")] == [True, True]
    assert listed["web-eu-west-1a"]["planned"] and listed["web-us-east-1a"]["effective"] is None
    assert server.get("/v1/status")["overrides_dormant"] == 2
    assert "steerd_overrides_dormant 2" in server.request("GET", "/metrics").body.decode()
    assert "(dormant)" in server.ctl("overrides").stdout
    assert "2 overrides from before lie dormant" in str(server.reload().json["warnings"])
    dry = server.request("DELETE", "/v1/endpoints/web-eu-west-1a/override?dry_run=true")
    assert (dry.status, dry.json["dormant"], dry.json["dry_run"]) == (200, True, True)
    assert "its override is not, either" in server.ctl("auto", "endpoint:web-eu-west-1a").stdout
    assert server.request("DELETE", "/v1/endpoints/web-eu-west-1a/override").status == 404
    topology["endpoints"]["web-us-east-1a"] = topology["endpoints"].pop("web-other")
    topology["endpoints"]["web-eu-west-1a"] = gone
    pair.site.write()
    assert server.reload().json["warnings"] == []
    assert set(server.sample("www.example.com")) == {pair.us[1]}
    server.wait_log("override", "turn=woken", "name=web-us-east-1a", offset=offset)
    assert [item["dormant"] for item in server.get("/v1/overrides")["items"]] == [False]


def test_what_sleeps_ends_in_time(pair):
    server, topology = pair.server, pair.site.topology
    server.override("endpoint", "web-us-east-1a", "drain", expires_in="2s")
    gone = topology["endpoints"].pop("web-us-east-1a")
    pair.site.write()
    assert server.reload().status == 200
    server.wait(lambda: server.get("/v1/overrides")["items"] == [], "the dormant override has ended")
    server.wait_log("override", "turn=expired", "name=web-us-east-1a")
    topology["endpoints"]["web-us-east-1a"] = gone
    pair.site.write()
    assert server.reload().status == 200
    assert server.get("/v1/endpoints/web-us-east-1a")["override"] is None


# ---- host names ----

HOST, NEW_HOST = "lb-1.example.net", "lb-2.example.net"


@pytest.fixture
def resolver():
    server = nameserver.Nameserver({})
    yield server
    server.close()


def test_endpoints_that_are_host_names(site, resolver):
    dead, alive = kit.new_address(), kit.new_address()
    resolver.records[HOST] = {"A": [dead]}
    at = kit.make_regions(site, azs=("us-east-1a", "eu-west-1a"))
    eu = at["eu-west-1a"]
    site.server["resolver"] = {"servers": [resolver.at]}
    endpoints = site.topology["endpoints"]
    endpoints["web-us-east-1a"] = {"az": "us-east-1a", "host": HOST, "checks": ["web"]}
    site.zone("example.com", "")
    site.policy("example.com", {"www": {"ttl": 5, "endpoints": ["web-*"], "tiers": [["us-east"], ["eu-west"]],
                                        "host_answer": "addresses"}})
    site.web(eu, alive)
    server = site.start()
    server.wait_state("endpoint", "web-eu-west-1a", observed="healthy")
    server.wait_state("region", "us-east", observed="unhealthy")
    assert server.addresses("www.example.com") == [eu]

    def reload():
        site.write()
        assert server.reload().status == 200
        assert set(server.sample("www.example.com", 100)) == {eu}
        assert server.get("/v1/regions/us-east")["observed"] == "unhealthy"
    endpoints["web-new"] = endpoints.pop("web-us-east-1a")
    reload()
    assert server.get("/v1/endpoints/web-new")["observed"] == "unhealthy"
    resolver.mood = "silent"
    endpoints["web-other"] = {"az": "us-east-1a", "host": NEW_HOST, "checks": ["web"]}
    reload()
    del endpoints["web-new"]  # now the region has nobody but one of whom nothing is known
    reload()
    assert server.get("/v1/endpoints/web-other")["observed"] == "unhealthy"
    resolver.records[NEW_HOST] = {"A": [alive]}
    resolver.mood = "ok"
    server.wait_answers("www.example.com", [alive])


# ---- all kinds of reload ----

def test_whatever_is_reloaded(lost):
    """One zone, a broken zone, a broken topology, another geo database: us-east is dead and stays it."""
    site, server = lost.site, lost.server

    def look():
        assert set(server.sample("www.example.com", 100)) == set(lost.eu)
        assert server.get("/v1/regions/us-east")["observed"] == "unhealthy"
    lost.site.topology["checks"]["web"]["timeout"] = "150ms"
    names = site.policies["example.com"]["names"]
    names["www"]["ttl"] = 7
    names["new"] = dict(names["www"], tiers=[["us-east"]], fallback="all")
    site.write()
    assert server.request("POST", "/v1/reload?zone=example.com").status == 200
    assert server.ask("www.example.com").answer[0].ttl == 7
    look()
    site.put("topology.json", "{")
    assert server.reload().status == 422
    look()
    site.put("zones/example.com.json", "{")
    site.put("topology.json", site.topology)
    assert server.reload().status == 200 and server.get("/v1/zones")["items"][0]["state"] == "stale"
    look()
    database = pathlib.Path(__file__).resolve().parents[1] / "data/geo/country.mmdb"
    site.put("here.mmdb", "")
    (site.folder / "here.mmdb").write_bytes(database.read_bytes())
    site.server["geo"] = ["here.mmdb"]
    site.write()
    assert server.reload().status == 200
    look()
    generation = server.get("/v1/status")["generation"]
    (site.folder / "next.mmdb").write_bytes(database.read_bytes())
    (site.folder / "next.mmdb").rename(site.folder / "here.mmdb")
    server.wait(lambda: server.get("/v1/status")["generation"] > generation, "the database was read again")
    look()
