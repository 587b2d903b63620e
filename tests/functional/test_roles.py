# SPDX-License-Identifier: BSD-3-Clause
"""Who may do what at the admin API: each role at each operation of doc/openapi.yaml, whose x-role says it."""
import itertools
import json
import os
import re
import shutil

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


HARMLESS = {"/v1/journal:verify", "/v1/what-if"}  # which change nothing


@pytest.fixture
def far(site):
    """Likewise, by TLS too."""
    site.pki = gatekit.make_pki(site)
    site.at = gatekit.listen(site, site.pki, client_ca=site.pki.root_pem)
    return start_guarded(site)


@pytest.fixture
def guarded(site):
    """A server whose roles the test exchanges."""
    return start_guarded(site)


def start_guarded(site):
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


def test_each_route_is_in_the_document():
    """So one that is new has its row below, or fails here."""
    table = re.search(r"resources\[ROUTE_IDS\] = \{(.*?)\n\};", (kit.TOP / "src/admin/route.c").read_text(), re.DOTALL)[1]
    rows = re.findall(r"\[ROUTE_\w+\] =\s*\{\{([^}]*)\}[^\"]*\"([A-Z, ]+)\"", table)
    assert len(rows) == table.count("[ROUTE_") > 80

    def level(path):
        return re.sub(r"^/v1/(regions|azs|endpoints)\b", "/v1/*", re.sub(r"\{[^}]+\}|[%&@]", "*", path))
    routes = {(level("/" + "/".join(re.findall('"([^"]+)"', segments))), method)
              for segments, allow in rows for method in allow.split(", ") if method != "HEAD"}
    documented = {(level(path), method.upper())
                  for path, item in openapi.load()["paths"].items() for method in set(item) & {"get", "put", "patch", "post", "delete"}}
    assert routes == documented


def come_as_user(server, role):
    server.use({f"uid:{os.getuid()}": role, "*": "admin"} if role != "none" else {})
    return server


def come_as_group(server, role):
    server.use({f"gid:{os.getgid()}": role, "*": "admin"} if role != "none" else {"uid:4000000": "admin"})
    return server


def come_by_certificate(server, role):
    server.site.server["admin"]["client_roles"] = {"cn:ops": role, "*": "admin"} if role != "none" else {"cn:desk": "admin"}
    server.use({"*": "admin"})
    return gatekit.Remote(server.site.at, server.site.pki, "ops")


def come_by_token(server, role, **more):
    """The certificate is an admin's: the token counts."""
    server.site.server["admin"]["client_roles"] = {"*": "admin"}
    server.use({"*": "admin"})
    made = server.request("POST", "/v1/tokens", {"name": "who", "role": role, **more})
    assert made.status == 201, made
    return gatekit.Remote(server.site.at, server.site.pki, "ops", token=made.json["secret"])


WAYS = {"user": come_as_user, "group": come_as_group, "certificate": come_by_certificate, "token": come_by_token}


@pytest.mark.parametrize("role", ROLES)
@pytest.mark.parametrize("way", sorted(WAYS))
def test_each_role_at_each_operation_by_each_way(far, way, role):
    if way == "token" and role == "none":
        return  # a token has a role
    client = WAYS[way](far, role)
    for method, path, needed in sorted(list_operations()):
        may = ROLES.index(role) >= ROLES.index(needed)
        if may and may_harm(method, path):
            continue
        reply = client.request(method, path, {} if method in ("PUT", "PATCH", "POST") else None)
        assert reply.status != 401 and is_refused(reply) != may, (method, path, role, reply)
        if not may:
            assert f"needs the role {needed}" in reply.json["detail"]
        if method == "GET" and path != "/v1/events":
            assert (client.request("HEAD", path).status == 403) != may


def test_nobody_has_an_operation_by_tls(far):
    stranger = gatekit.Remote(far.site.at, far.site.pki, token="st1.who." + "0" * 64)
    for client, expected in (gatekit.Remote(far.site.at, far.site.pki), {401}), (stranger, {401, 429}):
        for method, path, _ in sorted(list_operations()):
            assert client.request(method, path, {} if method in ("PUT", "PATCH", "POST") else None).status in expected, (method, path)


@pytest.mark.parametrize("role", ROLES[1:])
def test_a_scope_ends_at_what_it_names(far, role):
    """A token for a region and a zone that are not the ones asked for changes nothing, whatever its role."""
    client = come_by_token(far, role, regions=["eu-west"], zones=["example.net"])

    def look():
        lists = [far.get(path)["items"] for path in ("/v1/overrides", "/v1/tokens", "/v1/challenges", "/v1/points", "/v1/operations")]
        return [[{**item, "used": None} for item in items] for items in lists], far.get("/v1/status")["generation"]
    before = look()
    for method, path, _ in sorted(list_operations()):
        if method == "GET":
            continue
        body = {"state": "drain", "reason": "a test", "region": "us-east", "name": "us-east", "regions": ["us-east"], "role": "admin"}
        reply = client.request(method, path, body if method != "DELETE" else None)
        assert not 200 <= reply.status < 300 or path in HARMLESS, (method, path, reply)
    assert look() == before


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
    for members in ({"hooks": [{"name": "h", "command": ["/bin/true"], "on": "override"}]}, {"withdraw": {"how": "hook", "command": ["/bin/true"]}}):
        site.server.update(members)
        checked = check()
        assert checked.returncode == 1 and "found a command, expected none" in checked.stderr, checked.stderr
        del site.server["commands"]
        allowed = check()
        assert allowed.returncode == 0, allowed.stderr  # nothing else is wrong with it
        site.server["commands"] = "never"
        for member in members:
            del site.server[member]


RULED_OUT = "expected none: steerd.json has \"commands\": \"never\""


@pytest.mark.parametrize("kind", sorted(COMMANDS))
@pytest.mark.parametrize("way", ["document", "documents", "files", "files taken over", "takeover", "import", "signal"])
def test_no_way_in_brings_a_command_where_they_are_ruled_out(site, way, kind):
    """Not even an admin's."""
    kit.make_regions(site)
    site.zone("example.com", "www 60 IN A 192.0.2.99\n")
    site.server.update({"commands": "never", "documents": {"owner": "api" if way in ("document", "documents", "files taken over") else "files"}})
    server = site.start()
    if site.server["documents"]["owner"] == "api":
        server.wait(lambda: all(item["revision"] for item in server.get("/v1/config")["documents"]), "files are taken over")
    generation = server.get("/v1/status")["generation"]
    if way in ("files", "files taken over", "takeover", "signal"):
        site.topology["checks"]["new"] = COMMANDS[kind]
        site.write()
    if way == "signal":
        offset = len(server.read_log())
        os.kill(server.process.pid, kit.signal.SIGHUP)
        assert RULED_OUT in server.wait_log("found a check of type", offset=offset).replace("\\", "")
        server.wait_log("reload", "result=refused", offset=offset)
    else:
        method, path, body, _ = list_ways(COMMANDS[kind])[way]
        for more in ("?dry_run=true", "") if way in ("document", "documents", "files") else ("",):
            reply = server.request(method, path + more, body)
            assert reply.status == (200 if way == "import" else 422), reply  # which leaves documents out
            assert way == "import" or any(RULED_OUT in error["message"] for error in reply.json["errors"]), reply
    assert server.get("/v1/status")["generation"] == generation
    if way not in ("files", "takeover", "signal"):  # their file has it
        assert server.request("GET", "/v1/config/checks/new").status == 404
    assert server.ask("www.example.com").answer


@pytest.mark.parametrize("kind", sorted(COMMANDS))
def test_a_backup_brings_no_command_where_they_are_ruled_out(site, kind):
    kit.make_regions(site)
    site.zone("example.com", "www 60 IN A 192.0.2.99\n")
    site.server.update({"documents": {"owner": "api"}})
    server = site.start()
    assert server.request("PUT", "/v1/config/checks/new", COMMANDS[kind]).status == 200
    server.ctl("backup", str(site.folder / "b.tar.gz"))
    server.stop()
    shutil.rmtree(site.folder / "var")
    kit.run_ctl("backup", "restore", str(site.folder / "b.tar.gz"), "--to", str(site.folder / "var"))
    site.server["commands"] = "never"
    site.write()
    started = kit.subprocess.run([str(kit.STEERD), "-c", str(site.config)], capture_output=True, text=True, timeout=kit.PATIENCE_S)
    assert started.returncode != 0 and RULED_OUT in started.stderr.replace("\\", ""), started.stderr
    del site.server["commands"]
    site.start()


@pytest.mark.parametrize("kind", sorted(COMMANDS))
def test_a_restore_brings_no_command_where_they_are_ruled_out(guarded, kind):
    """What it turns back is what was ordered: the checks of then stay out."""
    site = guarded.site
    site.server["documents"] = {"owner": "api"}
    guarded.use({f"uid:{os.getuid()}": "admin"})
    assert guarded.request("PUT", "/v1/config/checks/new", COMMANDS[kind]).status == 200
    assert guarded.request("POST", "/v1/points", {"name": "then", "reason": "a test"}).status == 201
    guarded.override("region", "us-east", "drain")
    assert guarded.request("DELETE", "/v1/config/checks/new").status == 200
    site.server["commands"] = "never"
    guarded.use({f"uid:{os.getuid()}": "admin"})
    restored = guarded.request("POST", "/v1/restore", {"to": "then", "reason": "a test"})
    assert restored.status == 200 and guarded.get("/v1/overrides")["items"] == [], restored
    assert guarded.request("GET", "/v1/config/checks/new").status == 404


def make_other_folder(site, kind, **more):
    """Configuration elsewhere, with a command, for the same addresses and the same admin socket."""
    other = kit.Site(site.folder / "other")
    other.folder.mkdir()
    other.listen, other.topology, other.zones = site.listen, json.loads(json.dumps(site.topology)), site.zones
    other.server = {**site.server, "admin": {"socket": str(site.socket)}, **more}
    if kind == "hook":
        other.server["hooks"] = [{"name": "page", "command": ["/bin/true"], "on": "override"}]
    else:
        other.topology["checks"]["new"] = COMMANDS[kind]
    return other.write()


@pytest.mark.parametrize("says, kind", [*itertools.product(["never", "allowed"], sorted(COMMANDS)), ("allowed", "hook")])
def test_a_process_with_another_folder_brings_no_command_where_they_are_ruled_out(site, says, kind):
    """Whatever that one says of commands itself: the server that runs does not give way to it."""
    kit.make_regions(site)
    site.zone("example.com", "www 60 IN A 192.0.2.99\n")
    site.server["commands"] = "never"
    server = site.start()
    other = make_other_folder(site, kind, commands=says)
    heir = kit.subprocess.run([str(kit.STEERD), "-c", str(other.config), "--takeover"], capture_output=True, text=True, timeout=kit.PATIENCE_S)
    ruled_out = RULED_OUT if says == "never" else RULED_OUT.replace("steerd.json", "the server that runs")
    assert heir.returncode != 0 and ruled_out in heir.stderr.replace("\\", ""), heir.stderr
    assert server.process.poll() is None and server.ask("www.example.com").answer
    server.wait_log("takeover failed")
    assert server.get("/v1/status")["generation"] == 1


def list_ways(check=COMMANDS["exec"]):
    """Every way in which a check may come: what is asked, and the role that it takes without a command."""
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


HIDDEN = "hunter2"
SECRET_CHECKS = {
    "header": {"type": "http", "port": 81, "headers": {"Authorization": HIDDEN}},
    "query": {"type": "http", "port": 82, "path": f"/health?token={HIDDEN}"},
    "send": {"type": "tcp", "port": 83, "send": HIDDEN, "expect": "ok"},
    "command": {"type": "exec", "command": ["/bin/true", HIDDEN], "environment": {"PW": HIDDEN}},
}
MORE = {"/v1/explain": "?name=www.example.com", "/v1/diff": "?from=1h", "/v1/rules:check": "?wish=" + "x"}


def list_paths(names):
    """Every operation that looks, of whatever there is."""
    for template, item in openapi.load()["paths"].items():
        if "get" in item and template != "/v1/events":
            parts = [[(part, name) for name in names.get(part, ["nothing"])] for part in re.findall(r"\{([^}]+)\}", template)]
            for chosen in itertools.product(*parts):
                path = template
                for part, name in chosen:
                    path = path.replace("{" + part + "}", name)
                yield path + MORE.get(template, "")


def test_no_operation_shows_a_viewer_a_secret(far):
    """What checks, hooks and webhooks say to others, wherever it is looked for; and who edits sees that of checks."""
    site = far.site
    site.topology["checks"].update(SECRET_CHECKS)
    site.topology["endpoints"]["web-us-east-1a"]["checks"] = list(SECRET_CHECKS)
    site.server.update({
        "hooks": [{"name": "page", "command": ["/bin/true", HIDDEN], "environment": {"PW": HIDDEN}, "on": "override"}],
        "webhooks": [{"name": "ops", "url": f"http://127.0.0.1:9/{HIDDEN}?token={HIDDEN}"}],
        "documents": {"owner": "api"}})
    far.use({"*": "admin"})
    far.wait(lambda: all(item["revision"] for item in far.get("/v1/config")["documents"]), "files are taken over")
    for name, check in SECRET_CHECKS.items():
        edited = far.request("PUT", f"/v1/config/checks/{name}", {**check, "interval": "7s"})
        assert edited.status == 200, edited
    assert far.request("PUT", "/v1/regions/us-east/override", {"state": "drain", "reason": "a test"}).status == 200
    names = {"plural": ["regions", "azs", "endpoints"], "kind": ["checks", "endpoints", "regions", "azs"], "zone": ["example.com"],
             "name": [*SECRET_CHECKS, "us-east", "us-east-1a", "web-us-east-1a", "ops", "page", "www", "topology.json", "steerd.json"],
             "id": ["1", "nothing"]}
    paths = sorted(set(list_paths(names)))
    assert HIDDEN in far.request("GET", "/v1/config/checks/query").body.decode()
    far.use({f"uid:{os.getuid()}": "operator"})
    replies = {path: far.request("GET", path) for path in paths}
    assert sum(reply.status == 200 for reply in replies.values()) > 45
    shown = [path for path, reply in replies.items() if HIDDEN.encode() in reply.body]
    assert shown == []
    query = replies["/v1/config/checks/query"].json["value"]["path"]
    assert list(query) == ["$redacted"], query
    log = far.read_log()
    assert HIDDEN not in log, [line for line in log.splitlines() if HIDDEN in line]
    far.stop()
    assert HIDDEN.encode() not in (site.folder / "var/store.db").read_bytes()
