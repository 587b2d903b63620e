# SPDX-License-Identifier: BSD-3-Clause
"""The ready scenarios of contrib/drills, each over a topology that fits, and the sweep over all losses of it."""
import json
import subprocess

import jsonschema
import pytest

import kit

LIBRARY = kit.TOP / "contrib/drills"


def schema(name):
    return json.loads((kit.TOP / "doc/schema" / name).read_text())


AZS = {"us-east": ["us-east-1a", "us-east-1b", "us-east-1c"], "eu-west": ["eu-west-1a", "eu-west-1b"],
       "on-premises": ["room-1", "room-2"], "cloud": ["cloud-1a"]}
ENDPOINTS = {"web-us-a": "us-east-1a", "web-us-b": "us-east-1b", "web-us-c": "us-east-1c", "web-eu-a": "eu-west-1a",
             "web-eu-b": "eu-west-1b", "slb-a": "us-east-1a", "slb-b": "us-east-1b", "slb-eu": "eu-west-1a", "vip-1": "us-east-1a",
             "vip-2": "us-east-1b", "vip-3": "us-east-1c", "vip-eu": "eu-west-1b", "site-1": "room-1", "site-2": "room-2",
             "site-c": "cloud-1a"}
OVERSEAS = [["us-east"], ["eu-west"]]
NAMES = {"www": {"endpoints": ["web-*"], "tiers": OVERSEAS}, "mzr": {"endpoints": ["web-*"], "tiers": OVERSEAS, "pick": "all"},
         "pair": {"endpoints": ["slb-*"], "tiers": [["us-east-1a"], ["us-east-1b"], ["eu-west"]]},
         "vip": {"endpoints": ["vip-*"], "tiers": OVERSEAS, "pick": "all"},
         "rooms": {"endpoints": ["site-*"], "tiers": [["room-1"], ["room-2"], ["cloud"]]},
         "standby": {"endpoints": ["site-*"], "tiers": [["on-premises"], ["cloud"]]},
         "split": {"endpoints": ["web-*"], "tiers": OVERSEAS,
                   "geo": [{"when": {"cidr": "198.51.100.0/24"}, "tiers": [["eu-west"], ["us-east"]]}]}}


@pytest.fixture
def fitting(site):
    """A configuration on disk in which the library's names stand for something."""
    site.zone("example.com", "")
    site.policy("example.com", {name: {"ttl": 20} | policy for name, policy in NAMES.items()})
    site.topology = {
        "regions": {region: {"azs": {az: {} for az in azs}} for region, azs in AZS.items()},
        "checks": {"web": {"type": "http", "port": 8080, "path": "/", "interval": "2s", "timeout": "1s", "fall": 3, "rise": 2}},
        "endpoints": {name: {"az": az, "addresses": [f"192.0.2.{number}"], "capacity": 1000, "checks": ["web"]}
                      for number, (name, az) in enumerate(ENDPOINTS.items(), 1)},
        "rules": {"data": {"type": "lag", "regions": ["us-east"], "stage": "any"}}}
    site.server["vantages"] = {}
    site.topology["regions"]["us-east"]["replicates_to"] = [{"to": "eu-west", "lag": "push", "rpo": "10s"}]
    return site.write()


def run(site, *arguments, code=0):
    done = kit.run_steerd("-c", str(site.config), *arguments, "--json")
    assert done.returncode == code, done.stderr + done.stdout[:2000]
    return json.loads(done.stdout)


# exit code, and what a name is answered from over time
EXPECTED = {
    "az-of-three": (0, {"mzr": [(0, "tier us-east"), (7000, "tier us-east"), (604000, "tier us-east")]}),
    "primary-az": (0, {"pair": [(0, "tier us-east-1a"), (7000, "tier us-east-1b"), (604000, "tier us-east-1a")]}),
    "one-vip": (0, {"vip": [(0, "tier us-east"), (6000, "tier us-east"), (604000, "tier us-east")]}),
    "machine-room": (0, {"rooms": [(0, "tier room-1"), (7000, "tier room-2"), (604000, "tier room-1")]}),
    "region": (0, {"www": [(0, "tier us-east"), (7000, "tier eu-west"), (604000, "tier us-east")]}),
    "active-standby": (0, {"standby": [(0, "tier on-premises"), (7000, "tier cloud"), (604000, "tier on-premises")]}),
    "active-active": (0, {"split": [(0, "tier eu-west"), (7000, "tier us-east"), (604000, "tier eu-west")]}),
    "flapping-region": (0, {"www": [(at + ms, tier) for at in range(0, 300000, 60000)
                                    for ms, tier in ((7000, "tier eu-west"), (24000, "tier us-east"))]}),
    "prober-blackout": (0, {"www": [(0, "tier us-east")]}),
    "brown-out": (0, {"www": [(0, "tier us-east"), (7000, "tier eu-west"), (604000, "tier us-east")]}),
    "last-region": (1, {"www": [(0, "tier us-east"), (7000, "tier eu-west"),
                                (307000, "fallback first: tier us-east, of which nobody serves"), (604000, "tier eu-west"),
                                (904000, "tier us-east")]}),
    "growing-lag": (1, None),
    "loss-during-switchover": (0, None),
}

# likewise, where others look than the server itself, which cannot be on a server that runs
SIMULATED = {"vantages-blackout": (0, {"www": [(0, "tier us-east")]})}


def test_each_is_a_document_and_is_tried():
    documents = sorted(path.stem for path in LIBRARY.glob("*.json"))
    assert documents == sorted([*EXPECTED, *SIMULATED, "partition"])
    for name in documents:
        jsonschema.validate(json.loads((LIBRARY / f"{name}.json").read_text()), schema("drill.json"))


@pytest.mark.parametrize("name", [*EXPECTED, *SIMULATED])
def test_ready_scenarios(fitting, name):
    code, courses = (EXPECTED | SIMULATED)[name]
    report = run(fitting, "--drill", str(LIBRARY / f"{name}.json"), code=code)
    jsonschema.validate(report, schema("drill-report.json"))
    for owner, expected in (courses or {}).items():
        rows = [row for row in report["answers"] if row["name"] == f"{owner}.example.com."]
        course = report["courses"][rows[-1 if owner != "split" else [row["class"] for row in rows].index("geo[0]")]["course"]]
        steps = [(step["at_ms"], step["from"]) for step in course]
        assert steps[1 if name == "flapping-region" else 0:] == expected
    assert report["failed"] == (code != 0)
    users = report["users"]
    assert (users["failed_share"] == 0) == name.endswith("-blackout")
    if name == "growing-lag":
        assert report["answers_held"] > 0
        assert report["copies"] == [{"from": "us-east", "to": "eu-west", "lost": "region:us-east", "at_ms": 300000, "lag_ms": 30000,
                                     "rpo_ms": 10000}]
        assert any("30.0 s behind when region:us-east is lost at 300.0 s, the RPO is 10.0 s" in why for why in report["reasons"])
    if name == "growing-lag":
        assert report["level"]["level"] is None and report["level"]["why"] == "not all names were served again"
    if name == "region":
        assert report["copies"][0]["lag_ms"] is None and "nobody knows how far behind (RPO 10.0 s)" in report["text"]
    if name == "az-of-three":  # all three addresses, and a second try
        assert users["failed_share_all_addresses"] < users["failed_share_first_address"]


def test_a_partition_between_two_regions(fitting, site):
    """What the vantages of a side see is what its clients go by; who is judged by all is where it was."""
    site.topology["endpoints"] |= {
        "main": {"az": "us-east-1a", "addresses": ["192.0.2.101"], "checks": ["web"], "vantages": ["local", "us-*"]},
        "main-from-eu": {"same_as": "main", "vantages": "eu-*"},
        "spare": {"az": "eu-west-1a", "addresses": ["192.0.2.102"], "checks": ["web"], "vantages": "eu-*"},
        "spare-from-us": {"same_as": "spare", "vantages": ["local", "us-*"]}}
    sides = {"endpoints": ["main*", "spare*"], "tiers": [["main"], ["spare-from-us"]],
             "geo": [{"when": {"cidr": "198.51.100.0/24"}, "tiers": [["main-from-eu"], ["spare"]]}]}
    site.policy("example.com", {name: {"ttl": 20} | policy for name, policy in {**NAMES, "main": sides}.items()})
    site.write()
    report = run(site, "--drill", str(LIBRARY / "partition.json"))
    jsonschema.validate(report, schema("drill-report.json"))
    moved = {(row["name"], row["class"]): report["courses"][row["course"]] for row in report["answers"] if row["changes"]}
    steps = {key: [(step["at_ms"], step["from"]) for step in course] for key, course in moved.items()}
    assert steps == {("main.example.com.", "geo[0]"): [(0, "tier main-from-eu"), (7000, "tier spare"), (604000, "tier main-from-eu")]}
    assert 0 < report["users"]["failed_share"] < 0.01 and "first failed check of" in report["text"]
    site.server["vantages"] = {"quorum": "any"}  # whoever sees a loss is believed, and everything moves
    site.write()
    report = run(site, "--drill", str(LIBRARY / "partition.json"), code=1)
    assert {row["name"] for row in report["answers"] if row["changes"]} >= {"www.example.com.", "main.example.com."}
    del site.server["vantages"]
    for endpoint in site.topology["endpoints"].values():
        endpoint.pop("vantages", None)
    site.topology["endpoints"] = {name: endpoint for name, endpoint in site.topology["endpoints"].items() if "same_as" not in endpoint}
    site.policy("example.com", {})
    site.write()
    done = kit.run_steerd("-c", str(site.config), "--drill", str(LIBRARY / "partition.json"))
    assert done.returncode == 2 and 'found vantage "us-1", expected "local" alone: steerd.json has no "vantages"' in done.stderr


def test_clients_may_ask_for_some_names(fitting, site):
    """What they fail by is theirs alone."""
    document = json.loads((LIBRARY / "region.json").read_text()) | {"objectives": {}}
    shares = {}
    for names in (None, "www.example.com", ["standby.example.com", "r*.example.com"], "none.example.com"):
        document["clients"] = {"names": names} if names else {}
        jsonschema.validate(document, schema("drill.json"))
        site.put("some.json", document)
        shares[str(names)] = run(site, "--drill", str(site.folder / "some.json"))["users"]["failed_share"]
    everybody, one, others, nobody = shares.values()
    assert one > everybody > 0 and others == nobody == 0


def test_a_loss_while_traffic_is_drained(pair):
    """From what is: us-east is drained, and where its traffic went is lost."""
    pair.server.override("region", "us-east", "drain")
    pair.server.site.put("drill.json", {"from": "live", "duration": "20m",
                                        "events": [{"at": "0s", "what": "region:eu-west", "how": "lost", "for": "10m"}]})
    report = pair.server.ctl_json("drill", "simulate", str(pair.server.site.folder / "drill.json"), code=1)
    assert report["from_live"] and report["answers_unserved"] >= 1
    assert report["phases"][1]["back"] and report["phases"][1]["decision_ms"] is not None


def test_a_sweep_is_a_table_of_risks(fitting):
    report = run(fitting, "--sweep", "--drill", str(LIBRARY / "region.json"), code=1)
    jsonschema.validate(report, schema("drill-sweep.json"))
    risks = {risk["lost"]: risk for risk in report["risks"]}
    azs, regions = sum(len(azs) for azs in AZS.values()), len(AZS)
    assert len(risks) == report["losses"] == azs + regions + azs * (azs - 1) // 2 + regions * (regions - 1) // 2
    assert not risks["az:us-east-1a"]["failed"] and not risks["region:us-east"]["failed"]
    assert risks["region:us-east, region:eu-west"]["answers_unserved"] == 6
    assert risks["region:us-east"]["region"] in AZS and risks["region:us-east"]["use"] > 0
    assert [risk["failed"] for risk in report["risks"]] == sorted((risk["failed"] for risk in report["risks"]), reverse=True)
    assert report["single_points"] == []
    fitting.policy("example.com", {"alone": {"endpoints": ["slb-a"]}, "there": {"endpoints": ["web-eu-*"]}})
    fitting.write()
    report = run(fitting, "--sweep", code=1)
    assert report["single_points"] == [{"name": "alone.example.com.", "lost": "az:us-east-1a"},
                                       {"name": "there.example.com.", "lost": "region:eu-west"}]
    said = kit.run_steerd("-c", str(fitting.config), "--sweep")
    assert said.returncode == 1 and said.stdout == report["text"] and "alone.example.com.: az:us-east-1a" in said.stdout


def test_bad_sweeps(fitting, site):
    for words in (["--sweep", "--drill", "region:us-east"], ["--sweep", "--failure", "refused"], ["--sweep", "--check"]):
        assert kit.run_steerd("-c", str(fitting.config), *words).returncode == 2


def test_a_sweep_by_the_api(pair):
    """As steerd --sweep of the same configuration; as an operation it counts losses."""
    done = kit.run_steerd("-c", str(pair.site.config), "--sweep", "--json")
    report = json.loads(done.stdout)
    jsonschema.validate(report, schema("drill-sweep.json"))
    assert pair.server.ctl_json("drill", "sweep", code=done.returncode) == report
    assert pair.server.ctl("drill", "sweep", code=done.returncode).stdout == report["text"]
    document = json.loads((LIBRARY / "region.json").read_text()) | {"objectives": {"rto": "1ms"}}
    document["events"][0]["what"] = "region:us-east"
    reply = pair.server.request("POST", "/v1/drills", {"mode": "sweep", "document": document}, headers={"Prefer": "respond-async"})
    assert reply.status == 202, reply
    ended = pair.server.wait(lambda: (found := pair.server.get(f"/v1/operations/{reply.json['id']}"))["ended"] and found, "it has ended")
    assert ended["state"] == "succeeded" and ended["result"]["losses"] == report["losses"]
    assert ended["result"]["losses_failed"] > 0 and ended["progress"] == {"done": report["losses"], "of": report["losses"]}
    for body, field in (({"mode": "sweep", "lose": []}, "lose"), ({"mode": "sweep", "document": []}, "document")):
        reply = pair.server.request("POST", "/v1/drills", body)
        assert reply.status == 422 and reply.json["errors"][0]["field"] == field
    reply = pair.server.request("POST", "/v1/drills?keep=true", {"mode": "sweep"})
    assert reply.status == 422 and reply.json["errors"][0]["field"] == "keep"
    document["events"][0]["what"] = "region:nowhere"
    assert pair.server.request("POST", "/v1/drills", {"mode": "sweep", "document": document}).status == 422
    pair.server.ctl("drill", "sweep", str(LIBRARY / "none.json"), code=2)
    pair.server.ctl("drill", "sweep", "--lose", "region:us-east", code=2)


GATE = kit.TOP / "contrib/ci/drill-gate"


def gate(site, *arguments, code=0):
    done = subprocess.run([str(GATE), "-o", str(site.folder / "report"), *arguments], capture_output=True, text=True, check=False,
                          env={**kit.make_environment(), "STEERD": str(kit.STEERD)})
    assert done.returncode == code, done.stdout + done.stderr
    return done.stdout


def test_the_gate_of_a_pipeline(fitting, site):
    """What breaks an objective fails the change; what was so before does not, if that is said."""
    drills = [str(LIBRARY / f"{name}.json") for name in ("region", "primary-az")]
    config, report = str(fitting.config), site.folder / "report"
    said = gate(site, "-c", config, "-n", *drills)
    assert said.splitlines()[0].startswith("ok      region: a region is lost") and (report / "region.html").exists()
    assert json.loads((report / "region.json").read_text())["failed"] is False
    said = gate(site, "-c", config, *drills, code=1)
    assert "MISSED  loss of region:on-premises, region:cloud" in said and "| MISSED |" in (report / "summary.md").read_text()
    assert "was     loss of region:on-premises, region:cloud" in gate(site, "-c", config, "-b", config, *drills)
    with kit.new_site() as changed:  # the standby is taken out
        changed.zone("example.com", "")
        changed.policy("example.com", {name: {"ttl": 20} | policy for name, policy in NAMES.items()}
                       | {"pair": {"ttl": 20, "endpoints": ["slb-a"]}})
        changed.topology = site.topology
        changed.write()
        said = gate(site, "-c", str(changed.config), "-b", config, "-s", drills[0], *drills, code=1)
        assert "MISSED  region: " in said and "MISSED  primary-az: " in said and "MISSED  loss of az:us-east-1a: " in said
        assert "was     loss of region:on-premises, region:cloud" in said
        (changed.folder / "zones" / "x").mkdir(parents=True, exist_ok=True)
        changed.config.write_text("{")
        assert "BROKEN  configuration" in gate(site, "-c", str(changed.config), *drills, code=2)
    assert "BROKEN  none" in gate(site, "-c", config, "-n", "none.json", code=2)
    gate(site, *drills, code=2)
