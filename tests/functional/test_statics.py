# SPDX-License-Identifier: BSD-3-Clause
"""Static records of a policy ("static"): they answer, change by an edit and by the reload of a zone, and secondaries have
them."""
import kit
import pytest


@pytest.fixture
def scene(site):
    kit.make_regions(site, azs=("us-east-1a",))
    site.server["documents"] = {"owner": "api"}
    site.server["zone_options"] = {"*": {"serial": "auto", "transfer_to": ["127.0.0.1"]}}
    site.zone("example.com", "old TXT \"of the file\"\n")
    site.policies["example.com"] = {"names": {"www": {"endpoints": ["web-*"]}},
                                    "static": {"mail": {"ttl": "1h", "records": {"MX": "10 www", "TXT": ["\"a b\"", "c"]}},
                                               "www": {"records": {"TXT": "beside"}},
                                               "old": {"ttl": 7, "records": {"TXT": "\"of the policy\""}}}}
    return site


def texts(server, name, rtype="TXT"):
    reply = server.ask(f"{name}.example.com", rtype)
    return {rdata.to_text() for rrset in reply.answer for rdata in rrset}, {rrset.ttl for rrset in reply.answer}


def merge(server, value):
    return server.request("PATCH", "/v1/config/documents/zones%2Fexample.com.json", value)


def test_they_answer(scene):
    server = scene.start()
    assert texts(server, "mail") == ({'"a b"', '"c"'}, {3600})
    assert texts(server, "mail", "MX") == ({"10 www.example.com."}, {3600})
    assert texts(server, "www") == ({'"beside"'}, {300})
    assert texts(server, "old")[0] == {'"of the file"', '"of the policy"'}, "one set, with the smaller TTL"
    assert len(server.addresses("www.example.com")) == 1


def test_an_edit_changes_them_and_the_serial(scene):
    server = scene.start()
    server.wait(lambda: all(d["revision"] for d in server.get("/v1/config")["documents"]), "files are taken over")
    serial = server.ask("example.com", "SOA").answer[0][0].serial
    reply = merge(server, {"static": {"mail": None, "new": {"records": {"TXT": "now"}}}})
    assert reply.status == 200, reply.body
    assert texts(server, "mail") == (set(), set()) and texts(server, "new")[0] == {'"now"'}
    assert server.ask("example.com", "SOA").answer[0][0].serial > serial
    reply = merge(server, {"static": {"www": {"records": {"CNAME": "new"}}}})
    assert reply.status == 422 and "a CNAME has to be alone" in reply.json["errors"][0]["message"]
    assert reply.json["errors"][0]["file"].endswith("zones/example.com.json"), reply.json
    assert texts(server, "new")[0] == {'"now"'}


def test_a_zone_reloads_with_them(scene):
    del scene.server["documents"]
    server = scene.start()
    scene.policies["example.com"]["static"] = {"new": {"records": {"TXT": "now"}}}
    scene.write()
    assert server.request("POST", "/v1/reload?zone=example.com").status == 200
    assert texts(server, "new")[0] == {'"now"'} and texts(server, "mail") == (set(), set())


def test_they_are_the_last_resort_of_a_steered_name(scene):
    """"fallback": "static" takes what the policy has, as it takes what the zone file has."""
    del scene.topology["endpoints"]["web-us-east-1a"]["checks"]
    scene.policies["example.com"]["names"]["www"]["fallback"] = "static"
    scene.policies["example.com"]["static"]["www"] = {"records": {"A": "192.0.2.99"}}
    server = scene.start()
    server.wait(lambda: all(d["revision"] for d in server.get("/v1/config")["documents"]), "files are taken over")
    assert server.addresses("www.example.com") != ["192.0.2.99"]
    server.override("region", "us-east", "down")
    assert server.addresses("www.example.com") == ["192.0.2.99"]
    assert merge(server, {"static": {"www": None}}).status == 422 and server.addresses("www.example.com") == ["192.0.2.99"]
