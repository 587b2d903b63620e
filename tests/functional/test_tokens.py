# SPDX-License-Identifier: BSD-3-Clause
"""Tokens of the admin API: made once, shown once, good for what they say, and gone when they are."""
import contextlib
import re
import sqlite3
import subprocess

import pytest

import gatekit
import kit
import takeovers
from takeovers import reaper  # noqa: F401


@pytest.fixture
def far(site):
    """A server that listens by TLS and asks for no certificates."""
    site.pki = gatekit.make_pki(site)
    site.at = gatekit.listen(site, site.pki)
    kit.make_regions(site)
    site.zone("example.com", "www 60 IN A 192.0.2.99\n")
    site.zone("example.net", "www 60 IN A 192.0.2.99\n")
    server = site.start()
    server.remote = lambda token=None: gatekit.Remote(site.at, site.pki, token=token)
    return server


def make(server, name="alice", role="operator", **more):
    reply = server.request("POST", "/v1/tokens", {"name": name, "role": role, **more})
    assert reply.status == 201, reply
    return reply.json["secret"]


def put(remote, path="regions/us-east"):
    return remote.request("PUT", f"/v1/{path}/override", {"state": "drain", "reason": "a test", "allow_unserved": True})


def is_forbidden(reply, *words):
    return reply.status == 403 and reply.json["type"].endswith(":forbidden") and all(word in reply.json["detail"] for word in words)


def test_a_token_is_good_for_its_role(far):
    operator, viewer = far.remote(make(far)), far.remote(make(far, "bob", "viewer"))
    reply = put(operator)
    assert reply.status == 200 and reply.json["override"]["peer"] == "token:alice"
    assert viewer.request("GET", "/v1/regions").status == 200
    assert is_forbidden(put(viewer), "operator", "token:bob has viewer")
    assert is_forbidden(operator.request("GET", "/v1/tokens"), "admin")
    admin = far.remote(make(far, "carol", "admin"))
    reply = admin.request("POST", "/v1/tokens", {"name": "dave", "role": "viewer"})
    assert reply.status == 201 and reply.json["made_by"] == "token:carol"
    assert far.remote(reply.json["secret"]).request("GET", "/v1/status").status == 200


@pytest.mark.parametrize("spoil", [lambda t: t[:-1] + ("0" if t[-1] != "0" else "1"), lambda t: t + "0", lambda t: t[:-1], lambda t: "",
                                   lambda t: t.replace("alice", "bob"), lambda t: t.upper(), lambda t: t.replace("st1", "st2"),
                                   lambda t: "st1.alice.", lambda t: "st1..", lambda t: "x" * 5000])
def test_what_is_no_token_is_nobody(far, spoil):
    token = make(far)
    reply = far.remote("x").request("GET", "/v1/status", headers={"Authorization": "Bearer " + spoil(token)})
    assert reply.status == 401 and reply.json["type"].endswith(":unauthorized")
    assert far.remote(token).request("GET", "/v1/status").status == 200


def test_other_schemes_are_nobody(far):
    for header in "Basic YTpi", "bearer", "Digest x":
        assert far.remote().request("GET", "/v1/status", headers={"Authorization": header}).status == 401
    assert far.remote().request("GET", "/v1/status", headers={"Authorization": "bearer " + make(far)}).status == 200


def test_bad_tokens_make_wait(far):
    good, bad = far.remote(make(far)), far.remote("st1.alice." + "0" * 64)
    replies = [bad.request("GET", "/v1/status") for _ in range(7)]
    assert [reply.status for reply in replies[:6]] == [401] * 6
    assert replies[6].status == 429 and replies[6].json["type"].endswith(":too-many")
    assert 1 <= int(replies[6].headers["Retry-After"]) <= 60
    assert far.get("/v1/status")  # the socket is not concerned
    far.wait(lambda: good.request("GET", "/v1/status").status == 200, "a good one is looked at")
    assert [bad.request("GET", "/v1/status").status for _ in range(3)] == [401] * 3
    far.wait_log("access", "cause=lockout")


def test_the_secret_is_nowhere_but_in_the_answer(far):
    secret = make(far).rsplit(".", 1)[1]
    assert re.fullmatch("[0-9a-f]{64}", secret)
    for path in "/v1/tokens", "/v1/tokens/alice", "/v1/journal":
        assert secret not in far.request("GET", path).body.decode()
    far.stop()
    for path in far.site.folder.rglob("*"):
        if path.is_file():
            assert secret.encode() not in path.read_bytes(), path


def test_scopes_of_regions(far):
    remote = far.remote(make(far, regions=["us-east"]))
    assert put(remote).status == 200
    assert put(remote, "azs/us-east-1a").status == 200
    assert put(remote, "endpoints/web-us-east-1b").status == 200
    for path in "regions/eu-west", "azs/eu-west-1a", "endpoints/web-eu-west-1a", "endpoints/nothing", "regions/mars":
        assert is_forbidden(put(remote, path), "token:alice may not change"), path
        assert is_forbidden(remote.request("DELETE", f"/v1/{path}/override"))
    assert is_forbidden(remote.request("PUT", "/v1/endpoints/web-eu-west-1a/load", {"value": 1}))
    assert remote.request("PUT", "/v1/endpoints/web-us-east-1a/load", {"value": 1}).status != 403
    for name, may in ("us-east", True), ("eu-west", False):
        reply = remote.request("POST", "/v1/failback", {"kind": "region", "name": name, "reason": "x"})
        assert is_forbidden(reply) != may, reply
        reply = remote.request("POST", "/v1/report", {"endpoint": f"web-{name}-1a", "check": "web", "state": "up"})
        assert is_forbidden(reply) != may, reply
        reply = remote.request("POST", f"/v1/checks:run?endpoint=web-{name}-1a")
        assert is_forbidden(reply) != may, reply
    for path in "/v1/reload", "/v1/reload?zone=example.com", "/v1/points":
        assert is_forbidden(remote.request("POST", path)), path
    release = [remote.request("POST", "/v1/rules/none:release", {"region": name, "reason": "x"}) for name in ("us-east", "eu-west")]
    assert release[0].status == 404 and is_forbidden(release[1], "eu-west")
    assert remote.request("GET", "/v1/regions/eu-west").status == 200  # to look is no change
    assert remote.request("POST", "/v1/what-if", {"assume": ["region:eu-west=down"]}).status == 200
    far.wait_log("access", "cause=scope", "token:alice")


def test_switchovers_within_a_scope(far):
    """All that is moved, and where it goes."""
    one, two = far.remote(make(far, regions=["us-east"])), far.remote(make(far, "bob", regions=["us-east", "eu-west"]))

    def ask(remote, body, path=""):
        return remote.request("POST", f"/v1/switchovers{path}", {"reason": "x", **body})
    body = {"source": "az:us-east-1a", "to": "eu-west"}
    made = ask(two, body)
    assert made.status == 201, made
    assert is_forbidden(ask(one, body), "region eu-west") and is_forbidden(ask(one, {**body, "to": "eu-west-1a"}), "az eu-west-1a")
    assert ask(one, {**body, "to": "us-east-1b"}).status == 201
    assert is_forbidden(ask(one, {"source": ["az:us-east-1a", "az:eu-west-1a"], "to": "us-east"}), "az eu-west-1a")
    assert is_forbidden(ask(one, {"source": "region:us-east", "emergency": True}), "name its destination")
    verb = f"/{made.json['id']}:cancel"
    assert is_forbidden(ask(one, {}, verb), "region eu-west")
    assert ask(one, {}, "/nothing:cancel").status == 404
    assert ask(two, {}, verb).status == 200


def test_live_drills_within_a_scope(far):
    """Whoever may lead a region may rehearse its loss, and nobody else's."""
    near, viewer = far.remote(make(far, regions=["us-east"])), far.remote(make(far, "bob", "viewer"))

    def ask(remote, *lose):
        return remote.request("POST", "/v1/drills?dry_run=true", {"mode": "live", "lose": lose, "reason": "x"})
    assert ask(near, "region:us-east").status == 200 and ask(near, "az:us-east-1a").status == 200
    assert is_forbidden(ask(near, "region:eu-west")) and is_forbidden(ask(near, "region:us-east", "az:eu-west-1a"))
    assert is_forbidden(ask(viewer, "region:us-east"), "operator")


def test_scopes_of_zones(far):
    remote = far.remote(make(far, zones=["Example.COM"]))
    assert remote.request("POST", "/v1/reload?zone=example.com").status == 200
    assert remote.request("POST", "/v1/reload?zone=EXAMPLE.com.").status == 200
    for path in "/v1/reload?zone=example.net", "/v1/reload", "/v1/reload?zone=nothing":
        assert is_forbidden(remote.request("POST", path)), path
    assert is_forbidden(put(remote))
    both = far.remote(make(far, "both", zones=["example.net"], regions=["eu-west", "us-east"]))
    assert both.request("POST", "/v1/reload?zone=example.net").status == 200 and put(both).status == 200


def test_a_token_ends(far):
    remote = far.remote(make(far, expires_in="1s"))
    far.wait(lambda: remote.request("GET", "/v1/status").status == 401, "it has expired")
    assert far.get("/v1/tokens/alice")["expired"] is True
    gone = far.remote(make(far, "bob"))
    assert gone.request("GET", "/v1/status").status == 200
    assert far.request("DELETE", "/v1/tokens/bob?reason=left").json == {"name": "bob", "deleted": True}
    assert gone.request("GET", "/v1/status").status == 401
    assert far.request("DELETE", "/v1/tokens/bob").status == 404


def test_what_goes_on_ends_with_its_token(far):
    """A stream of events, a page of the journal that waits, an order whose body comes slowly."""
    for end in lambda: far.request("DELETE", "/v1/tokens/alice"), lambda: far.request("POST", "/v1/tokens/alice:rotate", {"overlap": "0s"}):
        secret = make(far)
        remote, other = far.remote(secret), far.remote(make(far, "bob"))
        body = b'{"state": "drain", "reason": "a test", "allow_unserved": true}'
        head = f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\nConnection: close\r\n"
        events, stays = gatekit.Lasting(remote, "GET", "/v1/events"), gatekit.Lasting(other, "GET", "/v1/events")
        events.read_until("up to date"), stays.read_until("up to date")
        page = gatekit.Lasting(remote, "GET", "/v1/journal?order=oldest&kind=load&wait=3s", "Connection: close\r\n")
        upload = gatekit.Lasting(remote, "PUT", "/v1/regions/us-east/override", head, body[:10])
        end()
        far.request("PUT", "/v1/regions/eu-west/override", {"state": "drain", "reason": "nobody hears of it", "allow_unserved": True})
        upload.socket.sendall(body[10:])
        got = upload.read_until("HTTP/1.1")
        assert " 401 " in got, got + upload.read_rest()
        assert "nobody hears of it" not in events.read_rest()
        got = page.read_until("HTTP/1.1")
        assert " 401 " in got, got + page.read_rest()
        stays.read_until("nobody hears of it")
        stays.socket.close()
        far.wait_log("access", "cause=token", "resource=/v1/events")
        for path in "/v1/regions/eu-west/override", "/v1/tokens/alice", "/v1/tokens/bob":
            far.request("DELETE", path)


def test_a_stream_of_a_rotated_token_ends_with_the_overlap(far):
    """That of the new secret goes on."""
    old = gatekit.Lasting(far.remote(make(far)), "GET", "/v1/events")
    old.read_until("up to date")
    new = gatekit.Lasting(far.remote(far.request("POST", "/v1/tokens/alice:rotate", {"overlap": "1s"}).json["secret"]), "GET", "/v1/events")
    new.read_until("up to date")
    old.read_rest()  # to its end
    far.request("PUT", "/v1/regions/eu-west/override", {"state": "drain", "reason": "one hears of it", "allow_unserved": True})
    new.read_until("one hears of it")
    new.socket.close()


def test_rotation_has_an_overlap(far):
    old = far.remote(make(far))
    reply = far.request("POST", "/v1/tokens/alice:rotate", {"overlap": "1h"})
    assert reply.status == 200 and reply.json["overlap"]
    new = far.remote(reply.json["secret"])
    assert old.request("GET", "/v1/status").status == new.request("GET", "/v1/status").status == 200
    newest = far.remote(far.request("POST", "/v1/tokens/alice:rotate", {"overlap": "0s"}).json["secret"])
    assert [one.request("GET", "/v1/status").status for one in (old, new, newest)] == [401, 401, 200]


def test_tokens_outlive_a_restart_and_a_takeover(far):
    token = make(far, regions=["us-east"])
    make(far, "gone")
    far.request("DELETE", "/v1/tokens/gone")
    assert far.remote(token).request("GET", "/v1/status").status == 200
    far.stop()
    far.start()
    assert put(far.remote(token)).status == 200 and is_forbidden(put(far.remote(token), "regions/eu-west"))
    assert [item["name"] for item in far.get("/v1/tokens")["items"]] == ["alice"]
    assert far.get("/v1/tokens/alice")["used"]
    old, _ = takeovers.take_over(far)
    assert put(far.remote(token)).status == 200
    assert far.remote(make(far, "bob")).request("GET", "/v1/status").status == 200
    assert old.wait(kit.PATIENCE_S) == 0


def test_changes_are_in_the_journal_and_uses_hardly(far):
    token = make(far, reason="on call")
    for _ in range(20):
        assert far.remote(token).request("GET", "/v1/status").status == 200
    far.request("DELETE", "/v1/tokens/alice")
    entries = far.get("/v1/journal?kind=token")["items"]
    assert len(entries) == 3  # made, used, deleted
    assert {entry["request"] for entry in entries} >= {"POST /v1/tokens", "DELETE /v1/tokens/alice"}


def test_bad_orders_are_told(far):
    make(far)
    for body, status, words in (({"name": "alice", "role": "viewer"}, 409, "already"), ({}, 422, "name"), ({"name": "x y", "role": "viewer"}, 422, "name"),
                                ({"name": "x", "role": "root"}, 422, "role"), ({"name": "x", "role": "viewer", "regions": []}, 422, "regions"),
                                ({"name": "x", "role": "viewer", "zones": ["a..b"]}, 422, "zones"), ({"name": "x", "role": "viewer", "expires_in": "x"}, 422, "expires_in"),
                                ({"name": "x", "role": "viewer", "secret": "x"}, 422, "secret")):
        reply = far.request("POST", "/v1/tokens", body)
        assert reply.status == status and words in reply.body.decode(), (body, reply)
    assert far.request("POST", "/v1/tokens/nobody:rotate", {}).status == 404
    assert far.request("GET", "/v1/tokens/nobody").status == 404


def test_without_a_state_folder_there_are_none(site):
    del site.server["state"]
    site.zone("example.com", "www 60 IN A 192.0.2.99\n")
    server = site.start()
    reply = server.request("POST", "/v1/tokens", {"name": "alice", "role": "viewer"})
    assert reply.status == 409 and "state" in reply.json["detail"]
    assert server.get("/v1/tokens") == {"items": []}


def test_what_the_store_says_wrongly_lets_in_nobody(far):
    token = make(far)
    far.stop()
    with contextlib.closing(sqlite3.connect(far.site.folder / "var/store.db")) as store:
        values = dict(store.execute("SELECT key, value FROM objects WHERE kind = 'token'"))
    kit.write_objects(far.site.folder, "token", {key: value.replace('"role"', '"rule"') for key, value in values.items()})
    far.start()
    far.wait_log("token not understood", "alice")
    assert far.remote(token).request("GET", "/v1/status").status == 401


def test_steerctl(far):
    def steerctl(*words):
        return subprocess.run([str(kit.STEERCTL), "-s", str(far.site.socket), *words], capture_output=True, text=True)
    made = steerctl("token", "add", "alice", "--role", "operator", "--region", "us-east,eu-west", "--zone", "example.com", "--expires", "7d")
    assert made.returncode == 0, made
    token = re.search(r"st1\.alice\.[0-9a-f]{64}", made.stdout)[0]
    assert far.remote(token).request("GET", "/v1/status").status == 200
    listed = steerctl("tokens").stdout
    assert re.search(r"alice +operator +us-east, eu-west, zone example\.com\. +6d", listed), listed
    assert "us-east, eu-west, zone example.com." in steerctl("token", "show", "alice").stdout
    rotated = steerctl("token", "rotate", "alice")
    assert re.search(r"st1\.alice\.[0-9a-f]{64}", rotated.stdout)[0] != token and "is good until" in rotated.stdout
    assert "lets in nobody" in steerctl("token", "delete", "alice", "--yes").stdout
    assert steerctl("token", "show", "alice").returncode == 4
    for words in (("token", "make", "x"), ("token", "show", "x", "--role", "viewer"), ("token", "rotate", "x", "--role", "viewer")):
        assert steerctl(*words).returncode == 2, words
    assert "--role" in steerctl("token", "add", "x").stderr


@pytest.mark.parametrize("code", [0x1b, 0x9b, 0x61c, 0x200e, 0x2028, 0x202a, 0x202e, 0x2066, 0x2069])
def test_a_reason_deceives_nobody(far, code):
    """Neither terminals, nor readers by the order of its letters."""
    reply = far.request("PUT", "/v1/regions/us-east/override", {"state": "drain", "reason": f"planned {chr(code)}work", "allow_unserved": True})
    assert reply.status == 422 and reply.json["errors"][0]["field"] == "reason"
    assert f"U+{code:04X}" in reply.json["errors"][0]["message"]
