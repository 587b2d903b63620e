# SPDX-License-Identifier: BSD-3-Clause
"""A topology in several files: what they are together, and that messages name the right one."""
import pytest

import kit

PARTS = {"00-places.json": {"$comment": "one", "regions": {"us": {"azs": {"us-1": {}}}}, "checks": {}},
         "10-us.json": {"$comment": "two", "endpoints": {"$comment": "its", "web-us": {"az": "us-1", "addresses": ["192.0.2.1"]}}},
         "20-eu.json": {"regions": {"eu": {"azs": {"eu-1": {}}}}, "endpoints": {"$comment": "too", "web-eu": {"az": "eu-1", "addresses": ["192.0.2.2"]}}}}


@pytest.fixture
def parts(site):
    site.server["topology"] = ["topology.d/*.json"]
    (site.folder / "topology.d").mkdir()
    (site.folder / "topology.d/.hidden.json").write_text("broken")
    for name, document in PARTS.items():
        site.put(f"topology.d/{name}", document)
    site.zone("example.com", "").policy("example.com", {"www": {"endpoints": ["web-*"], "tiers": [["us"], ["eu"]]}})
    return site.write()


def check(site):
    return kit.run_steerd("-c", str(site.config), "--check")


def test_a_topology_in_several_files(parts):
    server = parts.start()
    assert server.addresses("www.example.com") == ["192.0.2.1"]
    parts.put("topology.d/30-more.json", {"endpoints": {"web-us-2": {"az": "us-1", "addresses": ["192.0.2.3"], "weight": 0}}})
    assert server.reload().status == 200
    assert {item["name"] for item in server.get("/v1/endpoints")["items"]} == {"web-us", "web-eu", "web-us-2"}
    parts.put("topology.d/30-more.json", {"endpoints": {"web-us-2": {"az": "nowhere", "addresses": ["192.0.2.3"]}}})
    reply = server.request("POST", "/v1/reload")
    assert reply.status == 422 and "30-more.json" in str(reply.json), reply
    assert server.addresses("www.example.com") == ["192.0.2.1"]


def test_errors_name_the_file(parts):
    parts.put("topology.d/10-us.json", '{\n  "endpoints": {\n    "web-us": { "az": "us-9", "addresses": ["192.0.2.1"] }\n  }\n}\n')
    done = check(parts)
    assert done.returncode == 1 and "topology.d/10-us.json:3:23: error" in done.stderr, done.stderr
    parts.put("topology.d/10-us.json", '{ "endpoints": { "web-us": { "az" } } }')
    done = check(parts)
    assert done.returncode == 1 and "topology.d/10-us.json:1:" in done.stderr and "not valid JSON" in done.stderr, done.stderr


def test_what_two_files_have(parts):
    parts.put("topology.d/30-again.json", {"endpoints": {"web-us": {"az": "us-1", "addresses": ["192.0.2.1"]}}})
    done = check(parts)
    assert done.returncode == 1 and "topology.d/30-again.json:" in done.stderr and "another file has it as well" in done.stderr, done.stderr
    parts.put("topology.d/30-again.json", {"brake": False})
    assert check(parts).returncode == 0
    parts.put("topology.d/20-eu.json", {**PARTS["20-eu.json"], "brake": False})
    done = check(parts)
    assert done.returncode == 1 and "another file has it as well" in done.stderr, done.stderr


@pytest.mark.parametrize("value, why", ((["none.d/*.json"], "cannot be listed"), (["topology.d/*.conf"], "found no file"), ([], "found no file"),
                                        ("*.d/x.json", "in the name of the file only"), ([""], "a non-empty string")))
def test_patterns_that_lead_nowhere(parts, value, why):
    parts.server["topology"] = value
    parts.write()
    done = check(parts)
    assert done.returncode == 1 and why in done.stderr and "$.topology" in done.stderr, done.stderr


def test_what_the_api_owns_is_one_file(parts):
    parts.server["documents"] = {"owner": "api"}
    parts.write()
    done = check(parts)
    assert done.returncode == 1 and "documents that the API owns are whole" in done.stderr, done.stderr
