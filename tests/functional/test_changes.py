# SPDX-License-Identifier: BSD-3-Clause
"""What a reload changes for traffic: said before it happens (dry run, --check --against), said when it has happened, the same both
times, and true."""
import copy

import pytest

import kit

REFUSED = 1


@pytest.fixture
def site(site):
    site.topology = {
        "regions": {"us": {"azs": {"us-1": {}}}, "eu": {"azs": {"eu-1": {}}}},
        "endpoints": {"us-a": {"az": "us-1", "addresses": ["192.0.2.1", "2001:db8::1"]},
                      "us-b": {"az": "us-1", "addresses": ["192.0.2.2"]},
                      "eu-a": {"az": "eu-1", "addresses": ["192.0.2.3"]}}}
    steered = {"endpoints": ["*"], "tiers": [["us"], ["eu"]]}
    site.zone("example.com", "\n".join(f"n{i} 60 IN A 192.0.2.{i + 100}" for i in range(20)) +
              "\n" + "\n".join(f"many 60 IN A 192.0.2.{i + 100}" for i in range(8)) + "\n")
    site.policy("example.com", {"www": steered, "shop": steered, "alone": {"endpoints": ["us-b"], "fallback": "nodata"}})
    site.zone("gone.example", "www 60 IN A 192.0.2.99\n")
    return site


def dry(server, query=""):
    reply = server.request("POST", f"/v1/reload?dry_run=true{query}")
    assert reply.status == 200, reply
    assert reply.json["dry_run"] is True
    return reply.json["changes"]


def names(counts):
    return {item["name"]: (item["records_before"], item["records_after"]) for item in counts["items"]}


def test_nothing(site):
    server = site.start()
    generation = server.get("/v1/status")["generation"]
    changes = dry(server)
    assert changes["steps"] == [] and changes["steered_before"] == changes["steered_after"] == 3
    assert server.get("/v1/status")["generation"] == generation
    assert server.reload().json["changes"] == changes
    assert "  nothing changes for traffic\n" in server.ctl("reload", "--dry-run").stdout
    assert server.ctl("reload").stdout == "generation 3 serves\n"


def test_zones_and_names(site):
    server = site.start()
    del site.zones["gone.example"]
    (site.folder / "zones/gone.example.zone").unlink()
    site.zone("new.example", "www 60 IN A 192.0.2.99\n")
    site.zone("example.com", "\n".join(f"n{i} 60 IN A 192.0.2.{i + 100}" for i in range(18)) +
              "\nmany 60 IN A 192.0.2.100\nmany 60 IN A 192.0.2.101\nmany 60 IN A 192.0.2.102\nfresh.deep 60 IN TXT x\n")
    site.write()
    changes = dry(server)
    assert list(names(changes["zones"]["removed"])) == ["gone.example."] and list(names(changes["zones"]["added"])) == ["new.example."]
    assert names(changes["names"]["removed"]) == {"n18.example.com.": (1, 0), "n19.example.com.": (1, 0)}
    assert names(changes["names"]["added"]) == {"fresh.deep.example.com.": (0, 1)}
    assert names(changes["names"]["shrunk"]) == {"many.example.com.": (8, 3)}
    assert changes["answers"]["total"] == changes["members"]["total"] == 0
    only = dry(server, "&zone=gone.example")
    assert only["zones"]["removed"]["total"] == 1 and only["names"]["removed"]["total"] == 0
    few = dry(server, "&limit=1")["names"]["removed"]
    assert (few["total"], len(few["items"])) == (2, 1)
    told = server.ctl("reload", "--dry-run").stdout
    assert "  1 name keeps less than half of its records: many.example.com. (3 of 8)\n" in told
    assert "  1 zone goes: gone.example.\n" in told and "  1 zone comes: new.example.\n" in told
    assert server.reload().json["changes"] == changes


def test_half_of_a_zone(site):
    server = site.start()
    site.zone("example.com", "n1 60 IN A 192.0.2.1\n").write()
    changes = server.reload().json["changes"]
    assert list(names(changes["zones"]["shrunk"])) == ["example.com."]
    assert changes["names"]["removed"]["total"] == 20 and len(changes["names"]["removed"]["items"]) == 20


def test_answers_follow_what_is_known(site):
    """us-b is drained: losing us-a sends www away, and its own name has nobody before and after."""
    server = site.start()
    server.override("endpoint", "us-b", "drain")
    before = copy.deepcopy(site.topology)
    site.topology["endpoints"]["us-a"]["addresses"] = ["192.0.2.77"]
    site.write()
    changes = dry(server)
    rows = {item["types"][0]: (item["names"], item["severity"]) for item in changes["answers"]["items"]}
    assert rows == {"A": (2, "moved"), "AAAA": (2, "unserved")}, "another address is another endpoint"
    assert changes["answers"]["names"] == {"unserved": 2, "fallback": 0, "moved": 0}, "each counts once"
    site.topology = before
    del site.topology["endpoints"]["us-a"]
    site.write()
    changes = dry(server)
    moved = [item for item in changes["answers"]["items"] if "A" in item["types"]]
    assert [(item["names"], item["before"], item["after"]) for item in moved] == [(2, "tier us", "tier eu")]
    assert (changes["members"]["gained"], changes["members"]["lost"]) == (0, 2)
    assert changes["members"]["items"][0]["lost"] == {"total": 1, "items": ["us-a"]}
    assert "alone" not in str(changes["answers"]), "nobody served it before"
    assert server.addresses("www.example.com") == ["192.0.2.1"], "a dry run installs nothing"
    assert server.reload().json["changes"] == changes
    assert server.addresses("www.example.com") == ["192.0.2.3"]


def test_last_place(site):
    server = site.start()
    del site.topology["endpoints"]["us-b"]
    site.policy("example.com", {"www": {"endpoints": ["*"], "tiers": [["us"], ["eu"]]}, "shop": {"endpoints": ["us-*"]},
                                "alone": {"endpoints": ["eu-a"]}}).write()
    changes = dry(server)
    assert changes["answers"]["names"]["moved"] == 3 and changes["answers"]["names"]["unserved"] == 0
    server.override("endpoint", "eu-a", "down")
    changes = dry(server)
    assert changes["answers"]["names"]["unserved"] == 1
    first = changes["answers"]["items"][0]
    assert (first["name"], first["severity"]) == ("alone.example.com.", "unserved")
    assert changes["steps"][0].startswith("1 name is served by nobody any more: alone.example.com. A (class default: tier ")


def test_renamed_is_the_same(site):
    server = site.start()
    site.topology["endpoints"]["us-z"] = site.topology["endpoints"].pop("us-b")
    site.policy("example.com", {"www": {"endpoints": ["*"], "tiers": [["us"], ["eu"]]},
                                "shop": {"endpoints": ["*"], "tiers": [["us"], ["eu"]]},
                                "alone": {"endpoints": ["us-z"], "fallback": "nodata"}}).write()
    changes = dry(server)
    assert (changes["answers"]["total"], changes["members"]["total"]) == (0, 0)


def test_one_zone(site):
    """Of a steered zone, and of one that is not: those of this zone alone."""
    server = site.start()
    site.zone("gone.example", "mail 60 IN A 192.0.2.99\n").policy("example.com", {
        "www": {"endpoints": ["eu-a"]}, "shop": {"endpoints": ["*"], "tiers": [["us"], ["eu"]]},
        "alone": {"endpoints": ["us-b"], "fallback": "nodata"}}).write()
    before = dry(server, "&zone=example.com")
    changes = server.request("POST", "/v1/reload?zone=example.com").json["changes"]
    assert changes == before
    assert [(item["name"], item["names"], item["severity"], item["types"]) for item in changes["answers"]["items"]] == [
        ("www.example.com.", 1, "unserved", ["AAAA"]), ("www.example.com.", 1, "moved", ["A"])]
    assert (changes["members"]["lost"], changes["names"]["removed"]["total"]) == (2, 0)
    changes = server.request("POST", "/v1/reload?zone=gone.example").json["changes"]
    assert (list(names(changes["names"]["removed"])), list(names(changes["names"]["added"]))) == (["www.gone.example."], ["mail.gone.example."])
    assert changes["answers"]["total"] == 0 and changes["steered_before"] == changes["steered_after"] == 0
    assert server.ctl("reload", "gone.example").stdout == f"generation {server.get('/v1/status')['generation']} serves\n"


def test_broken(site):
    server = site.start()
    site.put("topology.json", "{ nonsense")
    reply = server.request("POST", "/v1/reload?dry_run=true")
    assert (reply.status, reply.json["type"]) == (422, "urn:steerd:problem:reload-failed")
    assert "topology.json" in server.ctl("reload", "--dry-run", code=REFUSED).stderr
    for limit in "101", "x", "0":
        reply = server.request("POST", f"/v1/reload?limit={limit}")
        assert (reply.status, reply.json["errors"]) == (422, [{**reply.json["errors"][0], "message": f'found "{limit}", expected a number from 1 to 100'}])
    assert server.request("POST", "/v1/reload?dry_run=true&zone=nowhere.example").status == 404


def test_check_against(site):
    old = str(site.write().config)
    with kit.new_site() as new:
        new.topology = copy.deepcopy(site.topology)
        new.zone("example.com", "n1 60 IN A 192.0.2.1\n").policy("example.com", {
            "www": {"endpoints": ["eu-a"]}, "shop": {"endpoints": ["*"], "tiers": [["us"], ["eu"]]}})
        done = kit.run_steerd("-c", str(new.write().config), "--check", "--against", old)
    assert done.returncode == 0, done
    assert f"against {old}:\n" in done.stdout
    assert "  1 name is served by nobody any more: www.example.com. AAAA (class default: tier us -> " in done.stdout
    assert "  1 zone goes: gone.example.\n" in done.stdout
    assert " www.example.com. loses us-a, us-b" in done.stdout
    assert "  nothing changes for traffic\n" in kit.run_steerd("-c", old, "--check", "--against", old).stdout
    bad = kit.run_steerd("-c", old, "--check", "--against", "/nonexistent")
    assert bad.returncode == 1 and "--against /nonexistent" in bad.stderr
    assert kit.run_steerd("-c", old, "--against", old).returncode == 2


def settings(changes):
    return {(item["of"], item["key"]): (item["total"], item["items"]) for item in changes["settings"]}


def told_names(changes, fate):
    return {item["name"]: tuple(item.values())[1:] for item in changes["names"][fate]["items"]}


STEERED = {"endpoints": ["*"], "tiers": [["us"], ["eu"]]}
ALONE = {"endpoints": ["us-b"], "fallback": "nodata"}


def test_steering_comes_and_goes(site):
    """The zone file keeps its records: what answers is another thing, and a report that says nothing of it would be wrong."""
    site.zone("example.com", "www 60 IN A 192.0.2.80\nshop 60 IN A 192.0.2.81\nplain 60 IN A 192.0.2.82\nalone 60 IN A 192.0.2.2\n")
    server = site.start()
    server.override("endpoint", "us-b", "drain")
    assert server.addresses("plain.example.com") == ["192.0.2.82"] and server.addresses("www.example.com") == ["192.0.2.1"]
    site.policy("example.com", {"shop": STEERED, "plain": STEERED, "alone": ALONE}).write()
    changes = dry(server)
    assert told_names(changes, "unsteered") == {"www.example.com.": (7, 1)} and told_names(changes, "steered") == {"plain.example.com.": (1, 7)}
    assert changes["names"]["removed"]["total"] == changes["names"]["shrunk"]["total"] == changes["names"]["changed"]["total"] == 0
    assert (changes["steered_before"], changes["steered_after"]) == (3, 3)
    rows = {(item["name"], item["types"][0]): (item["severity"], item["before"], item["after"]) for item in changes["answers"]["items"]}
    assert rows == {("plain.example.com.", "AAAA"): ("moved", "no records", "tier us"),
                    ("www.example.com.", "AAAA"): ("unserved", "tier us", "no records"),
                    ("www.example.com.", "A"): ("moved", "tier us", "static records"),
                    ("plain.example.com.", "A"): ("moved", "static records", "tier us")}
    assert changes["answers"]["names"] == {"unserved": 1, "fallback": 0, "moved": 1}
    told = server.ctl("reload", "--dry-run").stdout
    assert "  1 name is not steered any more: www.example.com.\n" in told and "  1 name becomes steered: plain.example.com.\n" in told
    assert server.reload().json["changes"] == changes
    assert server.addresses("plain.example.com") == ["192.0.2.1"] and server.addresses("www.example.com") == ["192.0.2.80"]
    site.policy("example.com", {"shop": STEERED, "plain": {"endpoints": ["us-*"]}, "alone": ALONE}).write()
    server.override("endpoint", "us-a", "down")
    assert server.request("POST", "/v1/reload?zone=example.com").status == 200
    site.policy("example.com", {"shop": STEERED, "alone": ALONE}).write()
    before, after = dry(server, "&zone=example.com"), server.request("POST", "/v1/reload?zone=example.com").json["changes"]
    assert before == after
    assert told_names(after, "unsteered") == {"plain.example.com.": (5, 1)}
    assert not [item for item in after["answers"]["items"] if item["severity"] != "moved"], "static records serve whom nobody served"


def test_steering_with_the_same_addresses(site):
    """Two endpoints alike, and the same two addresses in the zone file: clients are where they were."""
    site.zone("example.com", "www 60 IN A 192.0.2.2\nwww 60 IN A 192.0.2.3\nodd 60 IN A 192.0.2.3\n")
    site.policy("example.com", {"shop": STEERED})
    server = site.start()
    both = {"endpoints": ["us-b", "eu-a"]}
    site.policy("example.com", {"shop": STEERED, "www": both, "odd": both}).write()
    changes = dry(server)
    assert list(told_names(changes, "steered")) == ["odd.example.com.", "www.example.com."]
    assert [item["name"] for item in changes["answers"]["items"]] == ["odd.example.com."]
    assert changes["members"]["total"] == 0, "nobody came to names that were steered"


def test_a_type_loses_its_steering(site):
    site.zone("example.com", "www 60 IN A 192.0.2.80\nwww 60 IN TXT static\n")
    steered = {**STEERED, "addresses": True, "records": {"TXT": {"*": "steered"}}}
    server = site.policy("example.com", {"www": steered}).start()
    site.policy("example.com", {"www": STEERED}).write()
    changes = dry(server)
    assert [(item["types"], item["before"], item["after"]) for item in changes["answers"]["items"]] == [(["TXT"], "tier us", "static records")]
    assert changes["names"]["unsteered"]["total"] == 0
    site.policy("example.com", {"www": {**steered, "records": {"TXT": {"us-*": "steered", "eu-*": "other"}}}}).write()
    assert list(told_names(dry(server), "changed")) == ["www.example.com."], "eu-a says another text"


def test_records_and_ttls(site):
    site.zone("example.com", "a 60 IN A 192.0.2.1\nb 60 IN A 192.0.2.2\nb 60 IN A 192.0.2.3\nc 60 IN MX 10 a\nc 60 IN MX 20 b\n"
              "d 60 IN TXT x\ne 60 IN A 192.0.2.9\nsub 60 IN NS a\nx.sub 60 IN A 192.0.2.4\ny 60 IN A 192.0.2.5\nx.y 60 IN A 192.0.2.6\n")
    server = site.start()
    site.policy("example.com", {"www": {**STEERED, "ttl": 17}, "shop": STEERED, "alone": ALONE})
    site.zone("example.com", "c 60 IN MX 20 b\nc 60 IN MX 10 a\nb 60 IN A 192.0.2.3\nb 60 IN A 192.0.2.2\na 60 IN A 192.0.2.7\nd 90 IN TXT x\n"
              "e 60 IN AAAA 2001:db8::9\nsub 60 IN NS b\nx.sub 60 IN A 192.0.2.4\ny 60 IN A 192.0.2.5\ny 60 IN NS a\nx.y 60 IN A 192.0.2.6\n",
              soa=kit.SOA.replace(" 1 ", " 2 ", 1)).write()
    changes = dry(server)
    assert set(told_names(changes, "changed")) == {"a.example.com.", "e.example.com.", "sub.example.com.", "y.example.com."}
    assert told_names(changes, "ttl_changed") == {"d.example.com.": (60, 90), "www.example.com.": (30, 17)}
    assert list(told_names(changes, "removed")) == ["x.y.example.com."], "it is hidden by the new delegation"
    assert changes["answers"]["total"] == 0
    told = server.ctl("reload", "--dry-run").stdout
    assert "  4 names have other records: " in told and "d.example.com. (60 -> 90 s)" in told
    assert server.reload().json["changes"] == changes


def test_rules_move_clients(site):
    """Labels of classes are numbers of rules: what counts is where clients are sent."""
    def rule(cidr, tier):
        return {"when": {"cidr": cidr}, "tiers": [[tier]]}
    def policy(*rules):
        site.policy("example.com", {"www": {**STEERED, "geo": list(rules)}})
        return site.write()
    policy(rule("10.1.0.0/16", "eu"))
    server = site.start()
    policy(rule("10.9.0.0/16", "us-a"), rule("10.1.0.0/16", "eu"))
    changes = dry(server)
    assert [(item["class"], item["class_before"]) for item in changes["answers"]["items"]] == [("geo[0]", "default")]
    assert "A (class default -> geo[0]: tier us -> tier us-a)" in "\n".join(changes["steps"])
    policy(rule("10.2.0.0/16", "eu"))
    changes = dry(server)
    assert {(item["class_before"], item["class"], item["before"], item["after"]) for item in changes["answers"]["items"] if "A" in item["types"]} == {
        ("geo[0]", "default", "tier eu", "tier us"), ("default", "geo[0]", "tier us", "tier eu")}, "other clients in the same class"
    policy(rule("10.1.0.0/16", "eu"), rule("10.1.2.0/24", "eu"))
    assert dry(server)["steps"] == []


def test_settings(site):
    """What shows only when something fails, or to secondaries and strangers."""
    site.topology["checks"] = {"web": {"type": "tcp", "port": 80, "expect": "x"}, "old": {"type": "tcp", "port": 81, "expect": "x"}}
    for endpoint in site.topology["endpoints"].values():
        endpoint["checks"] = ["web"]
    server = site.start()
    www = {"endpoints": ["*"], "tiers": [["us"], ["eu"]], "pick": "sticky", "fallback": "nodata", "min_healthy": 2, "answers": 2}
    site.policy("example.com", {"www": www, "shop": {"endpoints": ["*"], "tiers": [["us"], ["eu"]], "spill_below": "50%"}, "alone": ALONE})
    site.topology["checks"]["web"].update(fall=7, port=8080)
    site.topology["endpoints"]["us-a"]["checks"] = ["old"]
    site.topology["endpoints"]["us-b"]["capacity"] = 7
    site.topology["regions"]["eu"]["lost_at"] = "50%"
    site.topology["brake"] = False
    site.server.update(rotate=True, edns_size=1400, threads=2, zone_options={"gone.example": {"allow_query": "10.0.0.0/8"}})
    site.write()
    changes = dry(server)
    assert settings(changes) == {
        ("server", "threads"): (1, []), ("server", "edns_size"): (1, []), ("server", "rotate"): (1, []),
        ("zone", "allow_query"): (1, ["gone.example."]), ("topology", "brake"): (1, []), ("region", "lost_at"): (1, ["eu"]),
        ("endpoint", "checks"): (1, ["us-a"]), ("endpoint", "capacity"): (1, ["us-b"]), ("check", "fall"): (1, ["web"]),
        ("check", "port"): (1, ["web"]), ("name", "pick"): (1, ["www.example.com."]), ("name", "answers"): (1, ["www.example.com."]),
        ("name", "fallback"): (1, ["www.example.com."]), ("name", "min_healthy"): (1, ["www.example.com."]),
        ("name", "spill"): (1, ["shop.example.com."])}
    assert [item["key"] for item in changes["settings"] if item["at_start"]] == ["threads"]
    told = server.ctl("reload", "--dry-run").stdout
    assert '  1 name differs in "fallback": www.example.com.\n' in told and '  1 check differs in "fall": web\n' in told
    assert '  the server differs in "edns_size", "rotate"\n' in told and '  the server differs in "threads", from its next start on\n' in told
    assert server.reload().json["changes"] == changes


def test_secondaries_keep_what_has_no_later_serial(site):
    secondaries = {"transfer_to": ["127.0.0.0/8"]}
    site.server["zone_options"] = {"example.com": secondaries, "gone.example": {**secondaries, "serial": "auto"}}
    server = site.start()
    site.zone("example.com", "www 60 IN A 192.0.2.7\n").zone("gone.example", "www 60 IN A 192.0.2.7\n").write()
    changes = dry(server)
    assert changes["zones"]["held_up"] == {"total": 1, "items": [{"name": "example.com.", "serial_before": 1, "serial_after": 1}]}
    assert ("1 zone has no later serial with its other records, so secondaries keep the old ones: example.com. (1 -> 1)"
            in "\n".join(changes["steps"]))
    site.zone("example.com", "www 60 IN A 192.0.2.7\n", soa=kit.SOA.replace(" 1 ", " 2 ", 1)).write()
    assert dry(server)["zones"]["held_up"]["total"] == 0
    assert server.reload().json["changes"]["zones"]["held_up"]["total"] == 0
    site.policy("example.com", {"www": {**STEERED, "ttl": 9}})
    site.server["zone_options"]["example.com"].update(notify=["127.0.0.9:5353"])
    changes = dry(site.write() and server)
    assert changes["names"]["ttl_changed"]["total"] == 1 and changes["zones"]["held_up"]["total"] == 0, "copies have the static ones"
    assert settings(changes)["zone", "notify"] == (1, ["example.com."]) and ("zone", "transfer_to") not in settings(changes)
    site.server["zone_options"]["example.com"].update(transfer_to=["127.0.0.1"], transfer_steered="rendered")
    changes = settings(dry(site.write() and server))
    assert ("zone", "transfer_to") in changes and ("zone", "transfer_steered") in changes


def test_glue_and_delegations(site):
    site.zone("example.com", "sub 60 IN NS ns.sub\nns.sub 60 IN A 192.0.2.4\nalso.sub 60 IN NS ns.sub\nback 60 IN NS ns.sub\nx.back 60 IN A 192.0.2.5\n")
    server = site.start()
    site.zone("example.com", "sub 60 IN NS ns.sub\nns.sub 60 IN A 192.0.2.6\nback 60 IN TXT x\nx.back 60 IN A 192.0.2.5\n").write()
    changes = dry(server)
    assert set(told_names(changes, "changed")) == {"ns.sub.example.com.", "back.example.com."}
    assert list(told_names(changes, "added")) == ["x.back.example.com."], "the delegation hid it"
    site.zone("example.com", "sub 60 IN NS ns1\nback 60 IN TXT x\nx.back 60 IN A 192.0.2.5\n").write()
    assert set(told_names(dry(server), "removed")) == {"ns.sub.example.com.", "also.sub.example.com."}, "glue goes, too"
