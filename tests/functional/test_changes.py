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
    assert server.request("POST", "/v1/reload?limit=101").status == 422
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
