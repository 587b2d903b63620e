# SPDX-License-Identifier: BSD-3-Clause
"""The API over the unix socket: what it shows, what it changes, what it refuses."""
import datetime
import json
import os
import signal
import socket
import stat
import subprocess

import pytest

import kit
import openapi

TARGET_FIELDS = {"kind", "name", "observed", "desired", "effective", "decided_by", "since", "override"}


def parse_time(text):
    return datetime.datetime.fromisoformat(text.replace("Z", "+00:00"))


def assert_problem(reply, status, cause):
    """RFC 9457: media type, a type of its own for each cause, and the status repeated."""
    assert reply.status == status, reply
    assert reply.headers["Content-Type"].split(";")[0] == "application/problem+json"
    assert reply.json["type"].rsplit(":", 1)[-1] == cause
    assert reply.json["status"] == status and reply.json["title"]


def test_the_document_is_served(pair):
    """OpenAPI 3.1, the very one that all replies of the tests are held to."""
    reply = pair.server.request("GET", "/v1/openapi.yaml")
    assert reply.headers["Content-Type"] == "application/yaml" and reply.body == openapi.PATH.read_bytes()
    assert pair.server.ctl("openapi").stdout == openapi.PATH.read_text()
    assert json.loads(pair.server.ctl("openapi", "--json").stdout)["openapi"] == openapi.PATH.read_text()


def test_status(pair):
    status = pair.server.get("/v1/status")
    assert status["zones"] == 1 and status["names"] == 1 and status["generation"] >= 1
    assert status["regions"]["total"] == status["regions"]["healthy"] == 2
    assert status["azs"]["total"] == status["endpoints"]["total"] == 4
    assert status["overrides"] == 0
    assert parse_time(status["started"]) <= parse_time(status["loaded"]) + datetime.timedelta(seconds=1)


def test_lists_are_in_topology_order_with_all_fields(pair):
    for kind, names in (("regions", ["us-east", "eu-west"]),
                        ("azs", ["us-east-1a", "us-east-1b", "eu-west-1a", "eu-west-1b"]),
                        ("endpoints", [f"web-{az}" for az in ("us-east-1a", "us-east-1b", "eu-west-1a", "eu-west-1b")])):
        items = pair.server.get(f"/v1/{kind}")["items"]
        assert [item["name"] for item in items] == names
        for item in items:
            assert TARGET_FIELDS <= set(item)
            assert (item["observed"], item["desired"], item["effective"], item["decided_by"], item["override"]) == \
                ("healthy", "auto", "healthy", "verdict", None)
            one = pair.server.get(f"/v1/{kind}/{item['name']}")
            assert {key: one[key] for key in TARGET_FIELDS} == {key: item[key] for key in TARGET_FIELDS}


def test_endpoint_details(pair):
    endpoint = pair.server.get("/v1/endpoints/web-us-east-1a")
    assert endpoint["addresses"] == [pair.at["us-east-1a"]]
    assert (endpoint["az"], endpoint["region"], endpoint["weight"]) == ("us-east-1a", "us-east", 1)
    assert (endpoint["last_outcome"], endpoint["last_status"]) == ("ok", 200)
    assert endpoint["last_duration_ms"] > 0
    age = datetime.datetime.now(datetime.timezone.utc) - parse_time(endpoint["last_checked"])
    assert datetime.timedelta(0) <= age + datetime.timedelta(seconds=1)
    assert age < datetime.timedelta(seconds=kit.PATIENCE_S)


def test_paging(pair):
    first = pair.server.get("/v1/endpoints?limit=3")
    assert len(first["items"]) == 3 and first["next_cursor"]
    rest = pair.server.get(f"/v1/endpoints?limit=3&cursor={first['next_cursor']}")
    assert len(rest["items"]) == 1 and rest["next_cursor"] is None
    names = [item["name"] for item in first["items"] + rest["items"]]
    assert len(set(names)) == 4


def test_filters(pair):
    west = pair.server.get("/v1/endpoints?region=eu-west")["items"]
    assert [item["region"] for item in west] == ["eu-west", "eu-west"]
    pair.server.override("az", "eu-west-1b", "drain")
    drained = pair.server.get("/v1/endpoints?effective=drained")["items"]
    assert [item["name"] for item in drained] == ["web-eu-west-1b"]
    assert_problem(pair.server.request("GET", "/v1/endpoints?region=mars"), 422, "invalid-fields")


@pytest.mark.parametrize("kind", ["region", "az", "endpoint"])
def test_fields(pair, kind):
    """Each member that is asked for, as it is in the whole, and nothing else but the name."""
    whole = pair.server.get(f"/v1/{kind}s")["items"]
    assert all(len(item) > 10 for item in whole)
    still = {"name", "region", "az", "kind", "desired", "weight", "addresses", "host", "members", "capacity", "ramp", "override"}
    for field in whole[0]:
        parts = pair.server.get(f"/v1/{kind}s?fields={field}")["items"]
        assert [set(part) for part in parts] == [{"name", field}] * len(whole)
        if field in still:
            assert [part[field] for part in parts] == [item[field] for item in whole]
    several = pair.server.get(f"/v1/{kind}s?fields=effective,observed&limit=1&effective=healthy")
    assert set(several["items"][0]) == {"name", "effective", "observed"} and several["next_cursor"]


@pytest.mark.parametrize("fields", ["colour", "effective,", ",", "effective%20,az", "EFFECTIVE", "effective,,az"])
def test_fields_that_are_none(pair, fields):
    reply = pair.server.request("GET", f"/v1/endpoints?fields={fields}")
    assert_problem(reply, 422, "invalid-fields")
    assert [error["field"] for error in reply.json["errors"]] == ["fields"]


# ---- overrides ----

@pytest.mark.parametrize("state, effective", [("drain", "drained"), ("down", "forced_down"), ("up", "forced_up")])
@pytest.mark.parametrize("kind, name", [("region", "us-east"), ("az", "us-east-1a"), ("endpoint", "web-us-east-1a")])
def test_put_and_remove_an_override(pair, kind, name, state, effective):
    server = pair.server
    target = server.override(kind, name, state, "planned work", actor="alice")
    assert (target["desired"], target["effective"], target["decided_by"]) == (state, effective, f"{kind}_override")
    assert target["observed"] == "healthy"
    assert (target["override"]["state"], target["override"]["reason"], target["override"]["actor"]) == \
        (state, "planned work", "alice")
    assert target["override"]["expires"] is None
    listed = server.get("/v1/overrides")["items"]
    assert [(item["kind"], item["name"], item["state"]) for item in listed] == [(kind, name, state)]
    assert server.get("/v1/status")["overrides"] == 1
    assert server.request("DELETE", f"/v1/{kind}s/{name}/override").status == 200
    target = server.get(f"/v1/{kind}s/{name}")
    assert (target["desired"], target["effective"], target["override"]) == ("auto", "healthy", None)
    assert server.get("/v1/overrides")["items"] == []


def test_override_takes_effect_before_the_reply(pair):
    for _ in range(10):
        pair.server.override("region", "us-east", "down")
        assert set(pair.server.sample("www.example.com", 5)) <= set(pair.eu)
        pair.server.override("region", "us-east", "auto")
        assert set(pair.server.sample("www.example.com", 5)) <= set(pair.us)


def test_members_of_an_overridden_region_say_who_decided(pair):
    pair.server.override("region", "us-east", "drain")
    endpoint = pair.server.get("/v1/endpoints/web-us-east-1a")
    assert (endpoint["desired"], endpoint["effective"], endpoint["decided_by"]) == \
        ("auto", "drained", "region_override")
    assert endpoint["override"] is None


def test_since_moves_with_the_effective_state_only(pair):
    before = pair.server.get("/v1/regions/us-east")["since"]
    assert pair.server.get("/v1/regions/us-east")["since"] == before
    after = pair.server.override("region", "us-east", "drain")["since"]
    assert parse_time(after) > parse_time(before)
    assert pair.server.override("region", "us-east", "drain", "another reason")["since"] == after


def test_expiry(pair):
    target = pair.server.override("region", "us-east", "drain", expires_in="1s")
    assert parse_time(target["override"]["expires"]) > parse_time(target["override"]["set"])
    pair.server.wait_state("region", "us-east", desired="auto", effective="healthy", override=None)
    assert pair.server.get("/v1/overrides")["items"] == []
    pair.server.wait_log("expired")


def test_dry_run_changes_nothing(pair):
    reply = pair.server.request("PUT", "/v1/regions/us-east/override?dry_run=true",
                                {"state": "down", "reason": "what if"})
    assert reply.status == 200 and reply.json["dry_run"] is True
    changes = {(change["kind"], change["name"]): (change["before"], change["after"]) for change in reply.json["changes"]}
    assert changes[("region", "us-east")] == ("healthy", "forced_down")
    assert changes[("endpoint", "web-us-east-1a")] == ("healthy", "forced_down")
    assert not any("eu-west" in name for _, name in changes)
    assert pair.server.get("/v1/regions/us-east")["effective"] == "healthy"
    assert pair.server.get("/v1/overrides")["items"] == []
    assert set(pair.server.sample("www.example.com")) == set(pair.us)


@pytest.mark.parametrize("body, fields", [
    ({}, {"state"}),
    ({"state": "down", "expires_in": ""}, {"reason", "expires_in"}),
    ({"state": "sideways", "reason": "x"}, {"state"}),
    ({"state": "drain"}, {"reason"}),
    ({"state": "drain", "reason": ""}, {"reason"}),
    ({"state": "drain", "reason": "x" * 1000}, {"reason"}),
    ({"state": "drain", "reason": 5, "colour": "red"}, {"reason", "colour"}),
    ({"state": "drain", "reason": "x", "expires_in": "soon"}, {"expires_in"}),
    ({"state": "drain", "reason": "x", "expires": "2001-01-01T00:00:00Z"}, {"expires"}),
    ({"state": "drain", "reason": "x", "expires_in": "1h", "expires": "2099-01-01T00:00:00Z"}, {"expires"}),
])
def test_bad_overrides_name_every_field_and_change_nothing(pair, body, fields):
    reply = pair.server.request("PUT", "/v1/regions/us-east/override", body)
    assert_problem(reply, 422, "invalid-fields")
    assert {error["field"] for error in reply.json["errors"]} == fields
    assert all(error["message"] for error in reply.json["errors"])
    assert pair.server.get("/v1/overrides")["items"] == []


def test_things_that_do_not_exist(pair):
    server = pair.server
    for path in "/v1/regions/mars", "/v1/azs/us-east", "/v1/endpoints/nobody", "/v2/status", "/", "/v1/regions/a/b/c/d":
        assert_problem(server.request("GET", path), 404, "not-found")
    assert_problem(server.request("PUT", "/v1/regions/mars/override", {"state": "down", "reason": "x"}), 404, "not-found")
    reply = server.request("DELETE", "/v1/regions")
    assert_problem(reply, 405, "method-not-allowed")
    assert "GET" in reply.headers["Allow"]


# ---- explain ----

def test_explain_a_steered_name(pair):
    told = pair.server.get("/v1/explain?name=www.example.com&type=A")
    assert (told["steered"], told["zone"], told["rcode"], told["source"]) == (True, "example.com.", "NOERROR", "tier")
    assert told["steered_name"] == "www.example.com." and told["ttl"] == 5
    assert [(tier["label"], tier["selected"]) for tier in told["tiers"]] == [("us-east", True), ("eu-west", False)]
    odds = {member["address"]: member["odds"] for member in told["members"] if member["chosen"]}
    assert set(odds) == set(pair.us) and all(abs(share - 0.5) < 1e-9 for share in odds.values())
    assert len(told["answers"]) == 1 and any(address in told["answers"][0] for address in pair.us)
    assert told["steps"] and all(told["steps"])


def test_explain_follows_a_failover(pair):
    pair.server.override("region", "us-east", "drain")
    told = pair.server.get("/v1/explain?name=www.example.com&type=A")
    assert [(tier["label"], tier["serving"], tier["selected"]) for tier in told["tiers"]] == \
        [("us-east", 0, False), ("eu-west", 2, True)]
    east = [member for member in told["members"] if member["region"] == "us-east"]
    assert {(member["effective"], member["decided_by"], member["odds"]) for member in east} == \
        {("drained", "region_override", 0)}
    pair.server.override("region", "eu-west", "drain")
    told = pair.server.get("/v1/explain?name=www.example.com&type=A")
    assert told["source"] == "static" and "192.0.2.99" in told["answers"][0]
    assert not any(tier["selected"] for tier in told["tiers"])


@pytest.mark.parametrize("name, rcode, zone", [("nothing.example.com", "NXDOMAIN", "example.com."),
                                               ("ns1.example.com", "NOERROR", "example.com."),
                                               ("www.example.net", "REFUSED", None)])
def test_explain_names_that_nobody_steers(pair, name, rcode, zone):
    told = pair.server.get(f"/v1/explain?name={name}&type=A")
    assert (told["steered"], told["rcode"], told["zone"]) == (False, rcode, zone)
    assert told["tiers"] == told["members"] == [] and told["steps"]


def test_explain_refuses_nonsense(pair):
    for query in "", "?type=A", "?name=www..com", "?name=www.example.com&type=NOPE", \
            "?name=www.example.com&client=here", "?name=a&name=b", "?name=www.example.com&colour=red":
        reply = pair.server.request("GET", "/v1/explain" + query)
        assert reply.status in (400, 422), (query, reply)
        assert reply.headers["Content-Type"].startswith("application/problem+json")


def test_explain_counts_as_no_query(pair):
    def count():
        text = pair.server.request("GET", "/metrics").body.decode()
        return [line for line in text.splitlines() if line.startswith("steerd_queries_total")]
    before = count()
    for _ in range(5):
        pair.server.get("/v1/explain?name=www.example.com&type=A")
    assert count() == before


# ---- zones, names, metrics ----

def test_zones_and_names(pair):
    zone, = pair.server.get("/v1/zones")["items"]
    assert (zone["origin"], zone["state"], zone["serial"], zone["steered"]) == ("example.com.", "current", 1, 1)
    name, = pair.server.get("/v1/names")["items"]
    assert (name["name"], name["zone"], name["types"], name["ttl"]) == \
        ("www.example.com.", "example.com.", ["A"], 5)


def test_metrics_are_clean_and_count(pair):
    pair.server.sample("www.example.com", 10)
    pair.server.ask("nothing.example.com", tcp=True)
    reply = pair.server.request("GET", "/metrics")
    assert reply.status == 200 and reply.headers["Content-Type"].startswith("text/plain")
    checked = subprocess.run(["promtool", "check", "metrics"], input=reply.body, capture_output=True, check=False)
    assert (checked.returncode, checked.stdout + checked.stderr) == (0, b"")
    values = dict(line.rsplit(" ", 1) for line in reply.body.decode().splitlines() if not line.startswith("#"))
    assert float(values['steerd_queries_total{transport="udp"}']) == 10
    assert float(values['steerd_queries_total{transport="tcp"}']) == 1
    assert float(values['steerd_answers_total{rcode="nxdomain"}']) == 1
    assert float(values["steerd_answers_steered_total"]) == 10
    assert float(values['steerd_checks_total{outcome="ok"}']) > 0


def series_of(server, metric):
    """The series of a metric and their values."""
    text = server.request("GET", "/metrics").body.decode()
    checked = subprocess.run(["promtool", "check", "metrics"], input=text.encode(), capture_output=True, check=False)
    assert (checked.returncode, checked.stdout + checked.stderr) == (0, b"")
    return {series: int(value) for series, value in (line.rsplit(" ", 1) for line in text.splitlines()
                                                     if line.startswith(metric + "{"))}


def test_a_change_of_state_makes_no_new_series(pair):
    target = 'kind="region",name="us-east"'
    pair.server.wait_state("region", "us-east", effective="healthy")
    before = {name: series_of(pair.server, f"steerd_target_{name}") for name in ("serving", "state")}
    pair.server.override("region", "us-east", "down")
    after = {name: series_of(pair.server, f"steerd_target_{name}") for name in ("serving", "state")}
    assert [set(series) for series in after.values()] == [set(series) for series in before.values()]
    for now, serving, state in (before, 1, "healthy"), (after, 0, "forced_down"):
        assert now["serving"][f"steerd_target_serving{{{target}}}"] == serving
        assert {series: value for series, value in now["state"].items() if target in series} == {
            f'steerd_target_state{{{target},state="{one}"}}': int(one == state)
            for one in ("unknown", "healthy", "unhealthy", "drained", "forced_up", "forced_down")}


def test_metrics_of_a_name_with_quotes(site):
    kit.make_regions(site, ["us-east-1a"])
    site.zone("example.com", "")
    server = site.start()
    checked = subprocess.run(["promtool", "check", "metrics"], input=server.request("GET", "/metrics").body,
                             capture_output=True, check=False)
    assert (checked.returncode, checked.stdout + checked.stderr) == (0, b"")


# ---- the socket ----

def test_socket_is_for_its_owner_only(pair):
    mode = os.stat(pair.site.socket).st_mode
    assert stat.S_ISSOCK(mode) and stat.S_IMODE(mode) == 0o600


def test_abandoned_socket_is_replaced_and_a_live_one_is_not(pair):
    pair.site.listen = [(kit.new_address(), kit.DNS_PORT)]
    second = kit.Server(pair.site)
    pair.site.write()
    done = kit.run_steerd("-c", str(pair.site.config))
    assert done.returncode == 1 and f"the process {pair.server.process.pid} has this" in done.stderr, done
    assert pair.server.get("/v1/status")["zones"] == 1
    pair.server.kill()
    assert pair.site.socket.exists()
    second.start()
    pair.site.running.append(second)
    assert second.get("/v1/status")["zones"] == 1


def test_socket_is_gone_after_the_end(pair):
    pair.server.stop()
    assert not pair.site.socket.exists()


def test_keep_alive(pair):
    connection = kit.UnixConnection(pair.site.socket)
    for _ in range(5):
        connection.request("GET", "/v1/status")
        reply = connection.getresponse()
        assert reply.status == 200 and reply.read()
    connection.close()


def test_head(pair):
    reply = pair.server.request("HEAD", "/v1/status")
    assert reply.status == 200 and reply.body == b"" and int(reply.headers["Content-Length"]) > 0


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_signals_end_it_cleanly_even_with_clients(pair, number):
    idle = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    idle.connect(str(pair.site.socket))
    with socket.create_connection(pair.site.listen[0]):
        pair.server.stop(number)
    idle.close()
