# SPDX-License-Identifier: BSD-3-Clause
"""Who may do what at the admin API: each role at each operation of doc/openapi.yaml, whose x-role says it."""
import os
import re

import pytest

import gatekit
import kit
import openapi

ROLES = ["none", "viewer", "operator", "editor", "admin"]
NAMES = {"plural": "regions", "kind": "regions", "zone": "example.com", "name": "nowhere", "id": "nowhere", "verb": "execute"}


def list_operations():
    for template, item in openapi.load()["paths"].items():
        for method in set(item) & {"get", "put", "patch", "post", "delete"}:
            path = re.sub(r"\{([^}]+)\}", lambda found: NAMES[found[1]], template)
            yield method.upper(), path, item[method]["x-role"]


def may_harm(method, path):
    """What would end the server, or take long, when it is let through."""
    return path in ("/v1/takeover", "/v1/restore", "/v1/import", "/v1/events")


@pytest.fixture
def guarded(site):
    """A server whose roles the test exchanges."""
    kit.make_regions(site)
    site.zone("example.com", "www 60 IN A 192.0.2.99\n")
    server = site.start()

    def use(roles):
        site.server["admin"]["socket_roles"] = roles
        offset = len(server.read_log())
        site.write()
        os.kill(server.process.pid, kit.signal.SIGHUP)
        server.wait_log("reload", "result=ok", offset=offset)
    server.use = use
    return server


def list_bodies():
    """Operations that need a body."""
    for template, item in openapi.load()["paths"].items():
        for method in set(item) & {"put", "patch", "post", "delete"}:
            if item[method].get("requestBody", {}).get("required"):
                yield method.upper(), re.sub(r"\{([^}]+)\}", lambda found: NAMES[found[1]], template)


def is_refused(reply):
    return reply.status == 403 and reply.json["type"] == "urn:steerd:problem:forbidden"


def test_each_operation_has_its_role_in_the_document():
    roles = [role for _, _, role in list_operations()]
    assert len(roles) > 40 and set(roles) == {"viewer", "operator", "editor", "admin"}


@pytest.mark.parametrize("role", ROLES)
def test_each_role_at_each_operation(guarded, role):
    guarded.use({f"uid:{os.getuid()}": role, "*": "admin"} if role != "none" else {})
    for method, path, needed in sorted(list_operations()):
        may = ROLES.index(role) >= ROLES.index(needed)
        if may and may_harm(method, path):
            continue
        reply = guarded.request(method, path, {} if method in ("PUT", "PATCH", "POST") else None)
        assert is_refused(reply) != may, (method, path, role, reply)
        if not may:
            assert f"needs the role {needed}" in reply.json["detail"]
        if method == "GET" and path != "/v1/events":
            assert (guarded.request("HEAD", path).status == 403) != may


def test_the_user_comes_before_groups_and_those_before_all(guarded):
    user, group = f"uid:{os.getuid()}", f"gid:{os.getgid()}"

    def may_override(roles):
        guarded.use(roles)
        return not is_refused(guarded.request("DELETE", "/v1/regions/us-east/override"))
    assert may_override({user: "operator", group: "viewer", "*": "viewer"})
    assert not may_override({user: "viewer", group: "admin", "*": "admin"})
    assert may_override({"uid:4000000": "viewer", group: "operator", "*": "viewer"})
    assert not may_override({group: "viewer", "*": "admin"})
    assert may_override({"*": "operator"})
    assert not may_override({"uid:4000000": "admin"})


def test_refusals_are_told_counted_and_bounded(guarded):
    guarded.use({"*": "viewer"})
    offset = len(guarded.read_log())
    for _ in range(200):
        assert is_refused(guarded.request("POST", "/v1/takeover"))
    line = guarded.wait_log("access", "cause=role", "resource=/v1/takeover", offset=offset)
    assert "method=POST" in line and f"peer=uid:{os.getuid()}" in line.replace('"', "")
    assert guarded.read_log(offset).count("cause=role") < 60
    metrics = guarded.request("GET", "/metrics").body.decode()
    assert 'steerd_admin_refused_total{cause="role"} 200' in metrics


def test_bad_rules_are_told(site):
    site.zone("example.com", "www 60 IN A 192.0.2.99\n")
    site.server["admin"]["socket_roles"] = {"uid:x": "admin", "alice": "viewer", "*": "root", "gid:0": "admin"}
    site.write()
    checked = kit.subprocess.run([str(kit.STEERD), "-c", str(site.config), "--check"], capture_output=True, text=True)
    assert checked.returncode == 1
    for found in ('found "uid:x"', 'found "alice"', 'found "root"'):
        assert found in checked.stderr, checked.stderr
    site.server["admin"]["socket_roles"] = {"group:no-such-group-here": "viewer", "*": "admin"}
    site.write()
    checked = kit.subprocess.run([str(kit.STEERD), "-c", str(site.config), "--check"], capture_output=True, text=True)
    assert checked.returncode == 0 and "no-such-group-here" in checked.stderr


def test_each_operation_that_needs_a_body_refuses_an_empty_one(guarded):
    needing = sorted(list_bodies())
    assert len(needing) > 15
    for method, path in needing:
        for more in ("", "?replace=true&reason=x") if path == "/v1/import" else ("",):
            reply = guarded.request(method, path + more, b"", {"Content-Type": "application/jsonl" if path == "/v1/import" else "application/json"})
            assert 400 <= reply.status < 500, (method, path, reply)


OWN = {"Origin": "https://{host}", "Sec-Fetch-Site": "same-origin"}
FOREIGN = [{"Sec-Fetch-Site": "cross-site"}, {"Sec-Fetch-Site": "same-site"}, {"Origin": "https://evil.example"}, {"Origin": "null"},
           {"Origin": "http://{host}"}, {"Origin": "https://{host}", "Sec-Fetch-Site": "cross-site"}]


def test_pages_of_other_sites_change_nothing(site):
    site.pki = gatekit.make_pki(site)
    at = gatekit.listen(site, site.pki, client_ca=site.pki.root_pem)
    site.server["admin"]["client_roles"] = {"*": "admin"}
    kit.make_regions(site)
    site.zone("example.com", "www 60 IN A 192.0.2.99\n")
    server = site.start()
    remote = gatekit.Remote(at, site.pki, "ops")

    def ask(method, path, headers, body=None):
        headers = {name: text.format(host=f"{at[0]}:{at[1]}") for name, text in headers.items()}
        return remote.request(method, path, body, {"Host": f"{at[0]}:{at[1]}", **headers})
    assert server.request("PUT", "/v1/regions/us-east/override", {"state": "drain", "reason": "a test"}).status == 200
    for method, path, _ in sorted(list_operations()):
        for headers in FOREIGN if method != "GET" else []:
            reply = ask(method, path, headers)
            assert is_refused(reply) and "another site" in reply.json["detail"], (method, path, headers, reply)
    assert len(server.get("/v1/overrides")["items"]) == 1
    assert ask("GET", "/v1/status", FOREIGN[0]).status == 200
    assert ask("DELETE", "/v1/regions/us-east/override", OWN).status == 200
    assert 'steerd_admin_refused_total{cause="origin"}' in server.request("GET", "/metrics").body.decode()


COMMANDS = {"exec": {"type": "exec", "command": ["/bin/true"]}, "file": {"type": "file", "file": "/etc/hostname"}}


@pytest.mark.parametrize("kind", sorted(COMMANDS))
def test_a_document_with_a_command_needs_an_admin(guarded, kind):
    guarded.site.server["documents"] = {"owner": "api"}
    ways = [("PUT", "/v1/config/checks/new", COMMANDS[kind]),
            ("POST", "/v1/config:apply", {"edits": [{"op": "put", "kind": "check", "name": "new", "value": COMMANDS[kind]}]})]
    guarded.use({f"uid:{os.getuid()}": "editor", "*": "admin"})
    for method, path, body in ways:
        for more in ("?dry_run=true", ""):
            reply = guarded.request(method, path + more, body)
            assert is_refused(reply) and "needs the role admin" in reply.json["detail"], (path, more, reply)
    assert guarded.request("GET", "/v1/config/checks/new").status == 404
    assert guarded.request("PUT", "/v1/config/checks/other", {"type": "tcp", "port": 80}).status == 200
    guarded.use({f"uid:{os.getuid()}": "admin"})
    for method, path, body in ways:
        assert guarded.request(method, path, body).status == 200
    guarded.use({f"uid:{os.getuid()}": "editor"})  # what is there already may stay
    assert guarded.request("PUT", "/v1/config/checks/other", {"type": "tcp", "port": 81}).status == 200
    changed = guarded.request("PATCH", "/v1/config/checks/new", {"interval": "7s"})
    assert is_refused(changed), changed


@pytest.mark.parametrize("kind", sorted(COMMANDS))
def test_commands_can_be_ruled_out(site, kind):
    kit.make_regions(site)
    site.zone("example.com", "www 60 IN A 192.0.2.99\n")
    site.server["commands"] = "never"

    def check():
        site.write()
        return kit.subprocess.run([str(kit.STEERD), "-c", str(site.config), "--check"], capture_output=True, text=True)
    assert check().returncode == 0
    site.topology["checks"]["new"] = COMMANDS[kind]
    checked = check()
    assert checked.returncode == 1 and f"found a check of type {kind}" in checked.stderr and "$.checks.new" in checked.stderr, checked.stderr
    del site.topology["checks"]["new"]
    site.server["hooks"] = [{"name": "h", "command": ["/bin/true"], "on": ["region"]}]
    assert check().returncode == 1


def list_ways():
    """Every way in which a check may come: what is asked, and the role that it takes without a command."""
    check = COMMANDS["exec"]
    return {
        "document": ("PUT", "/v1/config/checks/new", check, "editor"),
        "documents": ("POST", "/v1/config:apply", {"edits": [{"op": "put", "kind": "check", "name": "new", "value": check}]}, "editor"),
        "files": ("POST", "/v1/reload", None, "operator"),
        "files taken over": ("POST", "/v1/config:import", None, "admin"),
        "takeover": ("POST", "/v1/takeover", None, "admin"),
        "restore": ("POST", "/v1/restore", {"to": "1h", "reason": "a test"}, "admin"),
        "import": ("POST", "/v1/import?reason=x", {"kind": "document", "key": "topology.json", "value": {"checks": {"new": check}}}, "admin"),
    }


FILES = {"files", "files taken over", "takeover"}  # whose files have the command


@pytest.mark.parametrize("way", sorted(list_ways()))
def test_no_way_in_brings_a_command_without_an_admin(guarded, way):
    site = guarded.site
    site.server["documents"] = {"owner": "api"} if way in ("document", "documents") else {"owner": "files"}
    method, path, body, needed = list_ways()[way]
    for role in ROLES[1:]:
        guarded.use({f"uid:{os.getuid()}": role})
        if way in FILES:
            site.topology["checks"]["new"] = COMMANDS["exec"]
            site.write()
        harms = role == "admin" and may_harm(method, path)
        before = guarded.get("/v1/status")["generation"]
        for more in ("?dry_run=true", "") if way in ("document", "documents", "files") else ("",) if not harms else ():
            reply = guarded.request(method, path + more, body)
            assert is_refused(reply) == (role != "admin"), (way, role, more, reply)
            if role != "admin":
                assert f"needs the role {'admin' if ROLES.index(role) >= ROLES.index(needed) else needed}" in reply.json["detail"], reply
            if role != "admin" and ROLES.index(role) >= ROLES.index(needed):
                assert any("found a new exec check" in error["message"] for error in reply.json["errors"]), reply
        is_new = guarded.get("/v1/status")["generation"] != before
        assert is_new == (role == "admin" and way in ("document", "documents", "files")), (way, role)
        if way in FILES:
            del site.topology["checks"]["new"]
            site.write()


def test_a_hook_that_is_new_is_not_loaded_for_an_operator(guarded):
    site = guarded.site
    guarded.use({f"uid:{os.getuid()}": "operator"})
    assert guarded.request("POST", "/v1/reload").status == 200
    site.server["hooks"] = [{"name": "page", "command": ["/bin/true"], "on": "override"}]
    site.write()
    for more in ("?dry_run=true", ""):
        reply = guarded.request("POST", "/v1/reload" + more)
        assert is_refused(reply) and reply.json["errors"][0]["message"] == "found a new hook, which only the role admin may bring", reply
    assert guarded.get("/v1/hooks")["items"] == []
    guarded.use({f"uid:{os.getuid()}": "operator"})  # whoever may send signals to the server may
    assert guarded.request("POST", "/v1/reload").status == 200
