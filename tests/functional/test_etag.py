# SPDX-License-Identifier: BSD-3-Clause
"""Entity tags and conditions (RFC 9110 section 13): a change is made only to what whoever asks takes it for."""
import concurrent.futures
import signal

import pytest

import kit
import takeovers

reaper = takeovers.reaper
REGION, AZ = "/v1/regions/us-east/override", "/v1/azs/us-east-1a/override"
DRAIN = {"state": "drain", "reason": "a test", "actor": "alice", "allow_unserved": True}
FAILED = "urn:steerd:problem:precondition-failed"


@pytest.fixture
def server(site):
    kit.make_regions(site, interval="1h")
    site.zone("example.com", "www 60 IN A 192.0.2.99\n")
    return site.start()


def get(server, path, **headers):
    return server.request("GET", path, headers={name.replace("_", "-"): value for name, value in headers.items()})


def tag(server, path):
    reply = get(server, path)
    assert reply.status == 200, reply
    return reply.headers["ETag"]


def change(server, method, path, body=None, **headers):
    return server.request(method, path, body, {name.replace("_", "-"): value for name, value in headers.items()})


def assert_failed(reply, present, by=None):
    assert (reply.status, reply.json["type"], reply.json["etag"]) == (412, FAILED, present), reply
    assert by is None or reply.json["changed_by"] == by and reply.json["changed"]


def test_an_override_has_the_seq_of_its_entry(server):
    assert get(server, REGION).status == 404
    server.put(REGION, DRAIN)
    first = tag(server, REGION)
    seq = server.get("/v1/journal?kind=override&limit=1")["items"][0]["seq"]
    assert first == f'"{seq}"'
    shown = server.get(REGION)
    assert (shown["state"], shown["actor"], shown["kind"], shown["name"], shown["dormant"]) == ("drain", "alice", "region", "us-east", False)
    assert server.request("HEAD", REGION).headers["ETag"] == first
    server.put(AZ, DRAIN)
    assert tag(server, REGION) == first != tag(server, AZ)
    server.put(REGION, {**DRAIN, "reason": "another"})
    assert int(tag(server, REGION).strip('"')) > int(first.strip('"'))


@pytest.mark.parametrize("value, good", [
    ("{tag}", True), ('"1", {tag}', True), (', {tag} ,', True), ("*", True), (' {tag}', True), ("{revision}-0123456789abcdef", None),
    ('"{revision}-0123456789abcdef"', True), ("W/{tag}", False), ('"0"', False), ('""', False), ('"x"', False), ('"{revision}0"', False),
    ('"0{revision}"', False), ("{revision}", None), ("", None), (",", None), ('"', None), ('"a" "b"', None), ("*, *", None), ("w/{tag}", None),
    (", ".join(f'"{number}"' for number in range(1, 40)), None)])
def test_what_if_match_may_say(server, value, good):
    server.put(REGION, DRAIN)
    present = tag(server, REGION)
    reply = change(server, "PUT", REGION, {**DRAIN, "reason": "changed"}, If_Match=value.format(tag=present, revision=present.strip('"')))
    if good is None:
        assert (reply.status, reply.json["type"]) == (400, "urn:steerd:problem:bad-request"), reply
    elif not good:
        assert_failed(reply, present, "alice")
    else:
        assert reply.status == 200
    assert server.get(REGION)["reason"] == ("changed" if good else "a test")


def test_creation_only_if_there_is_none(server):
    assert_failed(change(server, "PUT", REGION, DRAIN, If_Match="*"), None)
    assert_failed(change(server, "DELETE", REGION, If_Match='"1"'), None)
    assert change(server, "PUT", REGION, DRAIN, If_None_Match="*").status == 200
    assert_failed(change(server, "PUT", REGION, DRAIN, If_None_Match="*"), tag(server, REGION))
    assert change(server, "PUT", REGION, DRAIN, If_None_Match='"1"').status == 400
    assert change(server, "PUT", "/v1/regions/nowhere/override", DRAIN, If_Match="*").status == 404
    assert change(server, "DELETE", REGION + "?allow_unserved=true", If_Match=tag(server, REGION)).status == 200
    assert get(server, REGION).status == 404


def test_a_dry_run_looks_at_it_too(server):
    server.put(REGION, DRAIN)
    present = tag(server, REGION)
    assert_failed(change(server, "PUT", REGION + "?dry_run=true", DRAIN, If_Match='"1000"'), present)
    assert change(server, "PUT", REGION + "?dry_run=true", DRAIN, If_Match=present).status == 200
    assert tag(server, REGION) == present


def test_who_has_it_gets_no_body(server):
    server.put(REGION, DRAIN)
    present = tag(server, REGION)
    for value in present, f"W/{present}", f'"x", {present}', "*":
        reply = get(server, REGION, If_None_Match=value)
        assert (reply.status, reply.body, reply.headers["ETag"]) == (304, b"", present)
    assert server.request("HEAD", REGION, headers={"If-None-Match": present}).status == 304
    for value in '"1000"', "x", present + "x":
        assert get(server, REGION, If_None_Match=value).status == 200
    server.put(REGION, {**DRAIN, "reason": "another"})
    assert get(server, REGION, If_None_Match=present).status == 200


def test_one_of_many_that_change_at_once(server):
    """Each takes the same for granted, so one of them is right."""
    for _ in range(5):
        server.put(REGION, DRAIN)
        present = tag(server, REGION)
        with concurrent.futures.ThreadPoolExecutor(8) as pool:
            replies = list(pool.map(lambda i: change(server, "PUT", REGION, {**DRAIN, "reason": f"number {i}"}, If_Match=present).status, range(8)))
        assert sorted(replies) == [200] + [412] * 7, replies


def test_each_kind_that_can_be_changed(server):
    """What is changed by POST and by DELETE: a condition that does not hold, and one that does."""
    for path, body in (("/v1/points", {"name": "p", "reason": "r", "actor": "bob"}), ("/v1/tokens", {"name": "t", "role": "viewer", "actor": "bob"}),
                       ("/v1/switchovers", {"source": "region:us-east", "reason": "r", "actor": "bob"})):
        assert server.request("POST", path, body).status == 201
    switchover = server.get("/v1/switchovers")["items"][0]["id"]
    for path, verb, body in (("/v1/points/p", "use", {"reason": "r"}), ("/v1/tokens/t", "rotate", {}), (f"/v1/switchovers/{switchover}", "cancel", {"reason": "r"})):
        present = tag(server, path)
        revision = '"' + present.strip('"').split("-")[0] + '"'
        assert_failed(change(server, "POST", f"{path}:{verb}", body, If_Match='"1000"'), revision, "bob")
        assert change(server, "POST", f"{path}:{verb}", body, If_Match=present).status == 200
        assert tag(server, path) != present
        assert_failed(change(server, "POST", f"{path}:{verb}", body, If_Match=present), '"' + tag(server, path).strip('"').split("-")[0] + '"')
        assert get(server, path, If_None_Match=tag(server, path)).status == 304
    for path in "/v1/points/p", "/v1/tokens/t":
        assert change(server, "DELETE", path, If_Match='"1000"').status == 412
        assert change(server, "DELETE", path, If_Match=tag(server, path)).status == 200
        assert change(server, "DELETE", path, If_Match="*").status == 404


def test_vantages_have_them(site):
    kit.make_regions(site, interval="1h")
    site.zone("example.com", "")
    address = kit.new_address()
    site.server["vantages"] = {"listen": [f"{address}:{kit.find_port(address)}"]}
    server = site.start()
    assert server.request("POST", "/v1/vantages", {"name": "v1"}).status == 201
    present = tag(server, "/v1/vantages/v1")
    assert change(server, "POST", "/v1/vantages/v1:drain", {}, If_Match='"1000"').status == 412
    assert change(server, "POST", "/v1/vantages/v1:drain", {}, If_Match=present).status == 200
    assert change(server, "POST", "/v1/vantages/v1:rename", {"name": "v2"}, If_Match=present).status == 412
    assert change(server, "POST", "/v1/vantages/v1:rename", {"name": "v2"}, If_Match=tag(server, "/v1/vantages/v1")).status == 200
    assert change(server, "DELETE", "/v1/vantages/v2", If_Match=tag(server, "/v1/vantages/v2")).status == 200


def test_what_has_none_takes_no_condition(server):
    for method, path, body in ("POST", "/v1/reload", None), ("PUT", "/v1/endpoints/web-us-east-1a/load", {"load": 1}), ("POST", "/v1/points", {"name": "p", "reason": "r"}):
        assert_failed(change(server, method, path, body, If_Match="*"), None)
    assert get(server, "/v1/points/p").status == 404


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGTERM])
def test_a_restart_changes_no_tag(site, server, how):
    server.put(REGION, DRAIN)
    assert server.request("POST", "/v1/tokens", {"name": "t", "role": "viewer"}).status == 201
    before = [tag(server, path) for path in (REGION, "/v1/tokens/t")]
    if how == signal.SIGKILL:
        server.kill()
    else:
        server.stop()
    server = site.start()
    assert [tag(server, path) for path in (REGION, "/v1/tokens/t")] == before
    assert_failed(change(server, "PUT", REGION, DRAIN, If_Match='"1000"'), before[0], "alice")  # who did that before it began
    assert change(server, "PUT", REGION, {**DRAIN, "reason": "x"}, If_Match=before[0]).status == 200


def test_what_ends_by_itself_has_another_one(server):
    server.put(REGION, {**DRAIN, "expires_in": "300ms"})
    present = tag(server, REGION)
    server.wait(lambda: get(server, REGION).status == 404, "the override has ended")
    assert_failed(change(server, "PUT", REGION, DRAIN, If_Match=present), None)
    server.put(REGION, DRAIN)
    assert tag(server, REGION) != present


def test_batches_have_tags(server):
    """A switchover and the overrides that it puts are written together."""
    made = server.request("POST", "/v1/switchovers", {"source": "region:us-east", "reason": "r", "execute": True, "emergency": True})
    assert made.status == 201
    for path in f"/v1/switchovers/{made.json['id']}", REGION:
        server.wait(lambda path=path: tag(server, path), f"{path} has one")  # an emergency is answered before it is written


def test_a_takeover_changes_no_tag(server):
    server.put(REGION, DRAIN)
    before = tag(server, REGION)
    reply = server.request("POST", "/v1/takeover")
    assert reply.status == 200
    server.process = takeovers.Heir(reply.json["pid"])
    assert tag(server, REGION) == before
    assert change(server, "PUT", REGION, {**DRAIN, "reason": "x"}, If_Match='"1000"').status == 412
    assert change(server, "PUT", REGION, {**DRAIN, "reason": "x"}, If_Match=before).status == 200
    assert tag(server, REGION) != before
