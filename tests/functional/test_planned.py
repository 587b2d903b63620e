# SPDX-License-Identifier: BSD-3-Clause
"""Planned switchovers: announced, TTLs go down at once and answers stay; when the time comes answers follow."""
import subprocess

import dns.rcode
import pytest
from test_ttl import make, name, told, ttl

IN_AN_HOUR = {"starts_in": "1h", "expires_in": "30m", "actor": "alice"}


def plan(server, kind, target, state="drain", **more):
    return server.override(kind, target, state, "a move", **{**IN_AN_HOUR, **more})


@pytest.fixture
def server(site):
    """www in us-east, else eu-west; only eu-west has IPv6."""
    site.at = make(site, www=name(), plain={"endpoints": ["web-*"], "tiers": [["us-east"], ["eu-west"]], "ttl": 30})
    site.topology["endpoints"]["web-eu-west-1a"]["addresses"] = [site.at[1], "2001:db8::1"]
    return site.start()


def negative_ttl(server):
    reply = server.ask("www.example.com", "AAAA")
    assert (reply.rcode(), reply.answer) == (dns.rcode.NOERROR, [])
    return reply.authority[0].ttl


@pytest.mark.parametrize("kind, target", [("region", "us-east"), ("az", "us-east-1a"), ("endpoint", "web-us-east-1a"),
                                          ("region", "eu-west")])
@pytest.mark.parametrize("state", ["drain", "down", "up"])
def test_announced(server, site, kind, target, state):
    assert (ttl(server), negative_ttl(server), told(server)) == (30, 30, (30, "ttl"))
    said = plan(server, kind, target, state)
    assert (said["desired"], said["effective"], said["override"]["planned"]) == ("auto", "unknown", True)
    assert (ttl(server), negative_ttl(server), told(server)) == (5, 5, (5, "planned"))
    assert ttl(server, "plain.example.com") == 30, "it has no ttl_failing"
    assert server.addresses("www.example.com") == [site.at[0]], "nothing else has changed"
    starts = said["override"]["starts"]
    steps = server.get("/v1/explain?name=www.example.com")["steps"]
    assert f"the TTL is at most 5 s (ttl_failing): {state} of {kind} {target} is planned for {starts} by alice: a move" in steps
    assert server.request("DELETE", f"/v1/{kind}s/{target}/override").status == 200
    assert (ttl(server), negative_ttl(server), told(server)) == (30, 30, (30, "ttl"))


def test_lists_and_metrics(server):
    plan(server, "region", "us-east")
    server.override("region", "eu-west", "up")
    listed = {item["name"]: item for item in server.get("/v1/overrides")["items"]}
    assert [listed[at]["planned"] for at in ("us-east", "eu-west")] == [True, False]
    assert listed["us-east"]["set"] < listed["us-east"]["starts"] < listed["us-east"]["expires"]
    assert listed["eu-west"]["starts"] is None
    status = server.get("/v1/status")
    assert (status["overrides"], status["overrides_planned"]) == (2, 1)
    text = server.request("GET", "/metrics").body
    checked = subprocess.run(["promtool", "check", "metrics"], input=text, capture_output=True, check=False)
    assert checked.returncode == 0, checked.stderr
    lines = [line for line in text.decode().splitlines() if line.startswith("steerd_override_start_time_seconds{")]
    assert len(lines) == 1 and 'kind="region",name="us-east",state="drain"' in lines[0]


def test_it_starts_and_ends_by_itself(server, site):
    us, eu = site.at
    plan(server, "region", "us-east", starts_in="2s", expires_in="2s")
    assert server.addresses("www.example.com") == [us] and ttl(server) == 5
    server.wait_answers("www.example.com", [eu])
    target = server.get("/v1/regions/us-east")
    assert (target["desired"], target["override"]["planned"], told(server)[1]) == ("drain", False, "ttl_failing")
    server.wait_log("override", "turn=started", "name=us-east", "actor=alice")
    server.wait_answers("www.example.com", [us])
    server.wait_log("override", "turn=expired", "name=us-east")
    assert (ttl(server), server.get("/v1/overrides")["items"]) == (30, [])


def test_it_survives_a_reload(server, site):
    plan(server, "region", "us-east")
    assert server.reload().status == 200
    assert server.get("/v1/regions/us-east")["override"]["planned"] and told(server) == (5, "planned")
    site.policies["example.com"]["names"]["www"] = name(ttl_failing=7)
    site.write()
    assert server.reload().status == 200 and told(server) == (7, "planned")


def test_the_floor(site):
    make(site, floor=10, www=name())
    server = site.start()
    plan(server, "region", "us-east")
    assert ttl(server) == 10


def test_only_who_is_concerned(site):
    """By class, and not where something narrower is in force."""
    make(site, www=name(tiers=[["us-east"]], geo=[{"when": {"cidr": "127.0.0.0/8"}, "tiers": [["eu-west"]]}]))
    server = site.start()
    plan(server, "region", "us-east")
    assert ttl(server) == 30, "tests ask from 127/8"
    plan(server, "region", "eu-west")
    assert ttl(server) == 5
    server.override("endpoint", "web-eu-west-1a", "up")
    assert ttl(server) == 30


def test_what_is_in_force_stays(server, site):
    server.override("region", "us-east", "drain", actor="bob", expires_in="1h")
    for dry_run in "", "?dry_run=true":
        reply = server.request("PUT", f"/v1/regions/us-east/override{dry_run}",
                               {"state": "down", "reason": "later", "starts_in": "10m"})
        assert (reply.status, reply.json["type"]) == (409, "urn:steerd:problem:conflict")
        assert reply.json["detail"].startswith('drain of region "us-east" by bob is in force until 2')
        assert "remove it first (auto), or replace it at once" in reply.json["detail"]
    assert server.get("/v1/regions/us-east")["override"]["actor"] == "bob"
    plan(server, "az", "us-east-1a")  # which is narrower, and has none


def test_a_plan_is_replaced(server, site):
    plan(server, "region", "us-east")
    plan(server, "region", "us-east", "down", actor="bob")
    listed = server.get("/v1/overrides")["items"]
    assert [(item["state"], item["actor"], item["planned"]) for item in listed] == [("down", "bob", True)]
    server.override("region", "us-east", "drain")  # at once
    assert server.addresses("www.example.com") == [site.at[1]]
    assert server.get("/v1/status")["overrides_planned"] == 0


def test_dry_run(server, site):
    reply = server.request("PUT", "/v1/regions/us-east/override?dry_run=true",
                           {"state": "drain", "reason": "what if", "starts_in": "10m"})
    assert reply.status == 200 and (reply.json["effective"], reply.json["desired"]) == ("unknown", "auto")
    assert reply.json["override"]["planned"] is True
    changes = {(each["kind"], each["name"]): each["after"] for each in reply.json["changes"]}
    assert changes == {("region", "us-east"): "drained", ("az", "us-east-1a"): "drained",
                       ("endpoint", "web-us-east-1a"): "drained"}
    assert (ttl(server), server.get("/v1/overrides")["items"]) == (30, [])


@pytest.mark.parametrize("body, field", [
    ({"starts_in": "soon"}, "starts_in"), ({"starts": "2001-01-01T00:00:00Z"}, "starts"), ({"starts": "noon"}, "starts"),
    ({"starts_in": "1h", "starts": "2099-01-01T00:00:00Z"}, "starts"),
    ({"starts": "2099-01-01T00:00:00Z", "expires": "2098-01-01T00:00:00Z"}, "expires"),
    ({"state": "auto", "starts_in": "1h"}, "starts_in"),
])
def test_what_is_wrong_is_said(server, body, field):
    reply = server.request("PUT", "/v1/regions/us-east/override", {"state": "drain", "reason": "x", **body})
    assert reply.status == 422 and [error["field"] for error in reply.json["errors"]] == [field]
    assert server.get("/v1/overrides")["items"] == [] and ttl(server) == 30


def test_a_drill_starts_it_in_its_own_time(pair):
    """Losing us-east while eu-west is about to be drained: within the drill, or long after it."""
    def after(starts_in):
        pair.server.override("region", "eu-west", "drain", starts_in=starts_in)
        report = pair.server.request("POST", "/v1/drills", {"mode": "simulate", "lose": ["region:us-east"]}).json
        return {row["after"] for row in report["answers"] if row["name"] == "www.example.com."}
    assert after("1h") == {"tier eu-west"}
    pair.site.topology["checks"]["web"]["interval"] = "1h"  # it takes hours until us-east is lost
    pair.site.write()
    assert pair.server.reload().status == 200
    assert after("10m") == {"fallback static"}
    assert pair.server.get("/v1/regions/eu-west")["override"]["planned"], "the live one waits"


def test_steerctl_follows_the_runbook(server, site):
    """As doc/operations.md says it."""
    text = server.ctl("drain", "region:us-east", "--in", "10m", "--for", "30m", "--reason", "power work", "--dry-run").stdout
    assert "WOULD CHANGE THEN" in text and "endpoint:web-us-east-1a" in text
    text = server.ctl("drain", "region:us-east", "--in", "10m", "--for", "30m", "--reason", "power work").stdout
    assert text.startswith("region:us-east is unknown, decided by verdict; drain is planned for 2")
    line = next(line for line in server.ctl("overrides").stdout.splitlines() if "us-east" in line)
    assert "in 9m" in line and "in 39m" in line and "power work" in line
    assert "is planned for" in server.ctl("explain", "www.example.com").stdout
    assert ttl(server) == 5
    server.ctl("drain", "region:us-east", "--at", "2099-01-01T00:00:00Z", "--reason", "later")
    assert server.get("/v1/regions/us-east")["override"]["starts"] == "2099-01-01T00:00:00.000Z"
    server.ctl("auto", "region:us-east")
    assert ttl(server) == 30
    server.ctl("down", "region:us-east", "--reason", "now")
    assert "is in force" in server.ctl("drain", "region:us-east", "--in", "1m", "--reason", "x", code=1).stderr
