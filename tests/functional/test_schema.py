# SPDX-License-Identifier: BSD-3-Clause
"""The published JSON Schemas and steerd --check agree: what one accepts the other does, and likewise what they refuse, as
far as a schema can know it (not whether a name that is referred to exists)."""
import json
import re

import jsonschema
import pytest

import kit

KINDS = {"steerd": "steerd.json", "topology": "topology.json", "policy": "zones/example.com.json"}

TOPOLOGY = {
    "$comment": "all there is", "objectives": {"rto": "30s", "rpo": "5s"},
    "regions": {"us-east": {"location": [38.9, -77], "lost_at": 0.5, "azs": {"us-east-1a": {"lost_at": 1}}},
                "eu-west": {"azs": {"eu-west-1a": {}}}},
    "checks": {"web": {"type": "http", "port": 8080, "path": "/", "host": "www.example.com", "status": [200, 399],
                       "load": "/load", "interval": "2s", "timeout": "50ms", "fall": 3, "rise": 2},
               "port": {"type": "tcp", "port": 443}},
    "name_groups": {"shop": ["shop.example.com", "*.pay.example.com"], "none": []},
    "groups": {"both": ["a", "b"], "one": "a*"},
    "endpoints": {"a": {"az": "us-east-1a", "addresses": ["192.0.2.1", "2001:db8::1"], "weight": 60, "capacity": 1000,
                        "load": {"low": 0.5, "high": 1, "max_age": "10s"}, "checks": ["web", "port"]},
                  "b": {"az": "eu-west-1a", "addresses": ["192.0.2.2"]}, "c": {"same_as": "a", "vantages": ["eu-*"]}}}
POLICY = {"ttl_floor": "2s", "names": {
    "www": {"ttl": 30, "ttl_failing": 5, "endpoints": ["*"], "tiers": [["us-east"], ["eu-west"]], "pick": "weighted", "answers": 2,
            "weights": {"a": 5}, "fallback": "static", "min_healthy": 1, "spill_below": "75.5%", "spill": "next",
            "geo": [{"when": {"cidr": ["192.0.2.0/24", "2001:db8::/32"]}, "tiers": [["eu-west"]], "fence": True,
                     "spill": "next", "fallback": {"pool": ["b"]}}]},
    "pool": {"endpoints": "a", "fallback": {"pool": ["b", "both", "*"], "then": "static"}},
    "sticky": {"endpoints": ["both"], "pick": "sticky", "weights": {"a": "5%"},
               "sticky": {"ipv4_prefix": 20, "ipv6_prefix": 48, "hold": "30m"}},
    "tiers": {"endpoints": ["both"], "tiers": [["us-east", "a*"], {"members": ["eu-west"], "label": "far", "trickle": 0.01,
                                                                   "min_healthy": "50%", "spill_below": 2}]},
    "@": {"endpoints": ["a"], "pick": "all", "fallback": "nodata"},
    "*.app": {"endpoints": ["a", "b"], "pick": "round-robin", "fallback": "servfail"}},
    "static": {"mail": {"ttl": "1h", "records": {"MX": "10 www", "TXT": ["one", "two"]}}}}


def load(kind):
    with open(kit.TOP / f"doc/schema/{kind}.json", encoding="utf-8") as stream:
        return json.load(stream)


def test_what_is_marked_as_secret_is_what_is_redacted():
    def walk(node, key=None):
        if isinstance(node, dict):
            if node.get("x-secret") is True:
                yield key
            for name, item in node.items():
                yield from walk(item, name)
        elif isinstance(node, list):
            for item in node:
                yield from walk(item, key)
    table = re.search(r"secrets\[\] = \{([^}]*)\}", (kit.TOP / "src/conf/redact.c").read_text())[1]
    assert {key for kind in KINDS for key in walk(load(kind))} == set(re.findall('"(.*?)"', table))
    assert '"x-secret": "query"' in (kit.TOP / "doc/schema/topology.json").read_text()


def accepts(kind, document):
    return jsonschema.Draft202012Validator(load(kind)).is_valid(document)


def make(site):
    """A configuration that uses every key."""
    site.topology = json.loads(json.dumps(TOPOLOGY))
    site.zone("example.com", "www 60 IN A 192.0.2.99\npool 60 IN A 192.0.2.99\n")
    site.policies["example.com"] = json.loads(json.dumps(POLICY))
    site.server.update({"points": {"every": "0s", "keep": {"count": 3, "days": 9}, "health_size": "1MiB"}})
    site.server.update({"threads": 2, "edns_size": 1400, "log": {"level": "info"},
                        "admin": {"socket": "s", "mode": "0660"}, "amplification": 10,
                        "minimal_responses": True, "rotate": True, "extended_errors": False,
                        "cookies": {"secrets": ["0" * 32], "require": "always"},
                        "zone_options": {"example.com": {"allow_query": ["!192.0.2.1", "192.0.2.0/24"]}},
                        "rrl": {"rate": 20, "rates": {"nxdomain": 0, "all": 500}, "burst": "5s", "slip": 1,
                                "ipv4_prefix": 32, "ipv6_prefix": 48, "exempt": "192.0.2.1", "table_size": 1024,
                                "log_only": True},
                        "tcp": {"clients": 500, "clients_per_address": 0, "ipv4_prefix": 24, "ipv6_prefix": 56,
                                "idle": "1m"}})
    return site.write()


def check(site):
    return kit.run_steerd("-c", str(site.config), "--check")


@pytest.mark.parametrize("kind", KINDS)
def test_schemas_are_schemas(kind):
    schema = load(kind)
    jsonschema.Draft202012Validator.check_schema(schema)
    assert schema["$schema"].endswith("2020-12/schema")
    named = set(re.findall(r'"\$ref": "([^"]*)"', json.dumps(schema)))
    assert named <= {f"#/$defs/{name}" for name in schema.get("$defs", {})}


def test_both_accept_a_document_with_everything(site):
    make(site)
    done = check(site)
    assert done.returncode == 0, done.stderr
    for kind, path in KINDS.items():
        jsonschema.Draft202012Validator(load(kind)).validate(json.loads((site.folder / path).read_text()))


def test_both_accept_the_sample():
    for kind, path in (("steerd", "steerd.json"), ("topology", "topology.json"), ("policy", "data/example.com.json")):
        jsonschema.Draft202012Validator(load(kind)).validate(json.loads((kit.TOP / "zones" / path).read_text()))


@pytest.mark.parametrize("kind, path, value", [
    ("steerd", ["colour"], "red"),
    ("steerd", ["listen"], []),
    ("steerd", ["listen"], 53),
    ("steerd", ["listen"], [{"allow": "192.0.2.1"}]),
    ("steerd", ["listen"], {"address": "127.0.0.1:0", "deny": []}),
    ("steerd", ["rrl"], False),
    ("steerd", ["rrl", "rate"], 0),
    ("steerd", ["rrl", "slip"], 11),
    ("steerd", ["rrl", "ipv6_prefix"], 128),
    ("steerd", ["rrl", "log_only"], "yes"),
    ("steerd", ["rrl", "burst"], 5),
    ("steerd", ["rrl", "rates", "all"], -1),
    ("steerd", ["rrl", "rates", "referrals"], 1),
    ("steerd", ["amplification"], 0),
    ("steerd", ["cookies", "require"], True),
    ("steerd", ["tcp", "clients"], 0),
    ("steerd", ["tcp", "idle"], "forever"),
    ("steerd", ["threads"], 0),
    ("steerd", ["threads"], 65),
    ("steerd", ["threads"], "2"),
    ("steerd", ["edns_size"], 100),
    ("steerd", ["zones"], 7),
    ("steerd", ["zones"], None),
    ("steerd", ["admin", "sockets"], "s"),
    ("steerd", ["log", "level"], "loud"),
    ("topology", ["colour"], "red"),
    ("topology", ["regions"], {}),
    ("topology", ["regions", "us-east", "location"], [91, 0]),
    ("topology", ["regions", "us-east", "location"], [1]),
    ("topology", ["regions", "us-east", "lost_at"], 0),
    ("topology", ["regions", "us-east", "lost_at"], 1.5),
    ("topology", ["regions", "bad name"], {"azs": {}}),
    ("topology", ["checks", "web", "type"], "smoke"),
    ("topology", ["checks", "web", "port"], 0),
    ("topology", ["checks", "web", "port"], 65536),
    ("topology", ["checks", "web", "interval"], "soon"),
    ("topology", ["checks", "web", "interval"], 2),
    ("topology", ["checks", "web", "fall"], 0),
    ("topology", ["checks", "web", "path"], "healthz"),
    ("topology", ["checks", "web", "status"], 99),
    ("topology", ["checks", "port", "path"], "/"),
    ("topology", ["checks", "port", "load"], "/load"),
    ("topology", ["checks", "web", "load"], "load"),
    ("topology", ["checks", "web", "load"], "/~"),
    ("topology", ["endpoints", "a", "load"], 0.5),
    ("topology", ["endpoints", "a", "load"], {"low": 0.5}),
    ("topology", ["endpoints", "a", "load", "low"], -1),
    ("topology", ["endpoints", "a", "load", "max_age"], "soon"),
    ("topology", ["endpoints", "a", "weight"], -1),
    ("topology", ["endpoints", "a", "weight"], 65536),
    ("topology", ["endpoints", "a", "weight"], 1.5),
    ("topology", ["endpoints", "a", "addresses"], []),
    ("topology", ["endpoints", "a", "az"], None),
    ("topology", ["objectives", "rto"], "-1s"),
    ("topology", ["groups", "one"], []),
    ("topology", ["groups", "bad name"], "a"),
    ("topology", ["regions", "us-east", "lost_at"], "0%"),
    ("policy", ["names", "www", "ttl"], -1),
    ("policy", ["names", "www", "pick"], "best"),
    ("policy", ["names", "www", "answers"], 0),
    ("policy", ["names", "www", "answers"], 65),
    ("policy", ["names", "www", "fallback"], "hope"),
    ("policy", ["names", "pool", "fallback"], {}),
    ("policy", ["names", "pool", "fallback", "then"], "hope"),
    ("policy", ["names", "pool", "fallback", "pool"], []),
    ("policy", ["names", "pool", "fallback", "pools"], ["a"]),
    ("policy", ["names", "www", "geo", 0, "fallback"], "hope"),
    ("policy", ["names", "www", "endpoints"], []),
    ("policy", ["names", "www", "tiers"], []),
    ("policy", ["names", "www", "tiers"], [[]]),
    ("policy", ["names", "www", "colour"], "red"),
    ("policy", ["names", "www", "min_healthy"], 0),
    ("policy", ["names", "www", "min_healthy"], 1.5),
    ("policy", ["names", "www", "min_healthy"], "0.0%"),
    ("topology", ["endpoints", "c", "az"], "us-east-1a"),
    ("topology", ["endpoints", "c", "same_as"], 5),
    ("topology", ["endpoints", "c"], {"same_as": "a"}),
    ("topology", ["endpoints", "a", "same_as"], "b"),
    ("policy", ["names", "www", "spill_below"], "101%"),
    ("policy", ["names", "www", "spill_below"], "half"),
    ("policy", ["names", "www", "spill"], "over"),
    ("policy", ["names", "www", "geo", 0, "fence"], "yes"),
    ("policy", ["names", "tiers", "tiers", 1, "trickle"], 0.51),
    ("policy", ["names", "www", "ttl_failing"], "-1"),
    ("policy", ["ttl_floor"], "soon"),
    ("policy", ["static", "mail", "ttl"], "-1"),
    ("policy", ["static", "mail", "record"], {}),
    ("policy", ["static", "mail", "records", "MX"], {"a": "10 www"}),
    ("policy", ["static", "mail", "records", "SOA"], "a b 1 1 1 1 1"),
    ("policy", ["names", "sticky", "sticky", "ipv4_prefix"], 0),
    ("policy", ["names", "sticky", "sticky", "ipv6_prefix"], 129),
    ("policy", ["names", "sticky", "sticky", "hold"], 30),
    ("policy", ["names", "sticky", "sticky", "prefix"], 24),
    ("policy", ["names", "sticky", "pick"], "weighted"),
    ("policy", ["names", "sticky", "weights", "a"], "0%"),
    ("policy", ["names", "sticky", "weights", "a"], 0.5),
    ("policy", ["names", "tiers", "tiers", 1, "members"], []),
    ("policy", ["names", "tiers", "tiers", 1, "member"], ["a"]),
    ("policy", ["names", "www", "geo", 0, "when"], {}),
    ("policy", ["names", "www", "geo", 0, "when", "continent"], ["Europe"]),
    ("policy", ["name"], {}),
])
def test_both_refuse(site, kind, path, value):
    make(site)
    document = json.loads((site.folder / KINDS[kind]).read_text())
    at = document
    for key in path[:-1]:
        at = at[key]
    at[path[-1]] = value
    site.put(KINDS[kind], document)
    done = check(site)
    assert done.returncode == 1 and KINDS[kind].rsplit("/", 1)[-1] in done.stderr, "--check accepts it"
    assert not accepts(kind, document), "the schema accepts it"
