# SPDX-License-Identifier: BSD-3-Clause
"""Bundles of configuration on one node: brought by `steerctl push`, whole or not there, checked as a dry run, kept and removed."""
import contextlib
import hashlib
import json
import pathlib
import shutil
import subprocess
import tempfile

import pytest

import clusterkit
import etcdkit
import kit

pytestmark = pytest.mark.skipif(etcdkit.ETCD is None or not etcdkit.PROGRAM.exists(), reason="there is no etcd, or steerd-etcd was not built")
BLOCK = 256 << 10


@pytest.fixture(scope="module")
def node():
    """It has files of its own, as a node that is to go over to bundles has."""
    with contextlib.ExitStack() as stack:
        cluster = clusterkit.Cluster(stack, count=1).start()
        yield cluster.nodes["ns1"]


@pytest.fixture
def folder(node):
    """What the node's own files say, to be changed."""
    with tempfile.TemporaryDirectory() as made:
        folder = pathlib.Path(made)
        own = node.site.folder
        (folder / "zones").mkdir()
        for path in own.glob("zones/*"):
            (folder / "zones" / path.name).write_bytes(path.read_bytes())
        (folder / "topology.json").write_bytes((own / "topology.json").read_bytes())
        yield folder


def write_manifest(folder):
    files = sorted((str(path.relative_to(folder)), path.read_bytes()) for path in folder.rglob("*") if path.is_file())
    items = [{"path": path, "size": len(octets), "sha256": hashlib.sha256(octets).hexdigest()} for path, octets in files]
    text = json.dumps({"version": 1, "files": items}, separators=(",", ":"), ensure_ascii=False).encode()
    return hashlib.sha256(text).hexdigest(), text, b"".join(octets for _, octets in files)


def put_block(node, name, block, octets):
    return node.request("PUT", f"/v1/bundles/{name}/blocks/{block}", octets, {"Content-Type": "application/octet-stream"})


def list_ids(node):
    return {item["id"]: item["state"] for item in node.get("/v1/bundles")["items"]}


def test_a_folder_is_pushed_and_checked(node, folder):
    (folder / "steerd.json").write_text("{}")
    (folder / ".git").mkdir()
    (folder / "zones" / "new.test.zone").write_text((folder / "zones" / "example.com.zone").read_text())
    done = node.ctl("push", str(folder), "--check")
    assert "left out: 1 steerd.json" in done.stdout and "new.test." in done.stdout, done.stdout
    (folder / "steerd.json").unlink()
    name, _, stream = write_manifest(folder)
    assert list_ids(node)[name] == "here"
    item = node.get(f"/v1/bundles/{name}")
    assert (item["size"], item["serves"], item["needed"], item["missing"]) == (len(stream), False, False, [])
    tree = node.site.folder / "var" / "bundles" / name
    assert (tree / "zones" / "new.test.zone").read_bytes() == (folder / "zones" / "new.test.zone").read_bytes()
    assert tree.stat().st_mode & 0o777 == 0o700 and (tree / "topology.json").stat().st_mode & 0o777 == 0o600
    assert node.get("/v1/zones")["items"][0]["origin"] == "example.com." and len(node.get("/v1/zones")["items"]) == 1  # nothing was installed
    again = node.ctl_json("push", str(folder), "--dry-run")
    assert again["id"] == name and again["changes"]["zones"]["added"]["total"] == 1
    assert name[:12] in node.ctl("bundles").stdout
    assert node.ctl_json("bundles", "show", name[:8])["id"] == name
    node.ctl("bundles", "delete", name[:8], "--reason", "a test")
    assert name not in list_ids(node) and not tree.exists()
    node.ctl("bundles", "show", name[:8], code=4)


def test_all_that_is_wrong_is_told_with_its_place(node, folder):
    (folder / "zones" / "broken.test.zone").write_text("nonsense\n")
    (folder / "topology.json").write_text('{"regions": 7}')
    done = node.ctl("push", str(folder), "--check", code=1)
    own = node.site.folder
    assert f"{own}/topology.json:1:13" in done.stderr and f"{own}/zones/broken.test.zone:1" in done.stderr, done.stderr
    assert "bundles" not in done.stderr.replace("bundle ", "")
    node.ctl("push", str(folder / "none"), "--check", code=1)


def test_blocks_come_in_any_order_and_damage_comes_anew(node, folder):
    (folder / "geo.mmdb").write_bytes(bytes(range(256)) * 5000)
    name, manifest, stream = write_manifest(folder)
    begun = node.request("POST", "/v1/bundles", manifest)
    count = -(-len(stream) // BLOCK)
    assert begun.status == 200 and begun.json["id"] == name and begun.json["state"] == "coming", begun
    assert (begun.json["missing"], begun.json["blocks"]) == ([[0, count - 1]], count)
    assert list_ids(node)[name] == "coming"
    assert node.request("POST", f"/v1/bundles/{name}:check").status == 409
    blocks = [stream[at:at + BLOCK] for at in range(0, len(stream), BLOCK)]
    assert put_block(node, name, count, b"x").status == 422
    assert put_block(node, name, 0, blocks[0][:-1]).status == 422
    assert put_block(node, name, "x", blocks[0]).status == 404
    assert put_block(node, "0" * 64, 0, blocks[0]).status == 404
    assert put_block(node, name, 3, b"".join(blocks[3:])).json["missing"] == [[0, 2]]
    assert put_block(node, name, 1, bytes([blocks[1][0] ^ 1]) + blocks[1][1:]).json["missing"] == [[0, 0], [2, 2]]
    put_block(node, name, 2, blocks[2])
    last = put_block(node, name, 0, blocks[0]).json
    assert last["state"] == "coming" and "geo.mmdb" in last["damaged"], last
    for first, end in last["missing"]:
        for block in range(first, end + 1):
            last = put_block(node, name, block, blocks[block]).json
    assert (last["state"], last["damaged"], last["missing"]) == ("here", None, [])
    assert node.request("DELETE", f"/v1/bundles/{name}?reason=over").status == 200


def test_abandoned_uploads_make_room(node, folder):
    """There is room for four; who has brought nothing for longest goes, and `push` waits for that."""
    begun = []
    for number in range(4):
        (folder / "geo.mmdb").write_bytes(bytes([number]) * 3 * BLOCK)
        name, manifest, stream = write_manifest(folder)
        assert node.request("POST", "/v1/bundles", manifest).json["state"] == "coming"
        begun.append((name, stream))
    name, stream = begun[0]  # the first one goes on
    assert put_block(node, name, 0, stream[:BLOCK]).status == 200
    (folder / "geo.mmdb").write_bytes(b"the one that is to come")
    assert node.request("POST", "/v1/bundles", write_manifest(folder)[1]).status == 503
    done = subprocess.run([str(kit.STEERCTL), "-s", str(node.site.socket), "push", str(folder), "--check"], stdin=subprocess.DEVNULL,
                          capture_output=True, text=True, timeout=3 * kit.PATIENCE_S, check=False, env=kit.make_environment())
    assert done.returncode == 0 and "waiting" in done.stderr, done
    states = list_ids(node)
    assert states[write_manifest(folder)[0]] == "here"
    assert [states.get(name) for name, _ in begun] == ["coming", None, "coming", "coming"]
    for name in set(states) & {name for name, _ in begun}:
        assert node.request("DELETE", f"/v1/bundles/{name}?reason=over").status == 200


def test_what_is_no_manifest_is_refused(node):
    for text, says in ((b"{}", "expected a manifest"), (b'{"version":2,"parts":[]}', "later version"), (b'{"version":1,"files":[]}', "files[0]"),
                       (b'{"version":1,"files":[{"path":"../x","size":1,"sha256":"' + b"0" * 64 + b'"}]}', "files[0].path")):
        reply = node.request("POST", "/v1/bundles", text)
        assert reply.status == 422 and says in json.dumps(reply.json), reply
    assert node.request("POST", "/v1/bundles").status == 422
    for path in "/v1/bundles/x", f"/v1/bundles/{'0' * 64}":
        assert node.request("GET", path).status == 404 and node.request("DELETE", path).status == 404
        assert node.request("POST", path + ":check").status == 404


def test_a_manifest_may_be_as_long_as_is_said(node):
    """As that of 131,072 files with names of usual lengths: longer than other bodies may be."""
    entry = '{"path":"zones/%06d.customers.example.com.zone.%s","size":%d,"sha256":"' + "a" * 64 + '"}'
    files = ",".join(entry % (number, "x" * 100, number % 9 + 1) for number in range(80000))
    manifest = ('{"version":1,"files":[' + files + "]}").encode()
    assert len(manifest) > 17 << 20
    begun = node.request("POST", "/v1/bundles", manifest)
    assert begun.status == 200 and begun.json["files"] == 80000, begun
    assert node.request("DELETE", f"/v1/bundles/{begun.json['id']}").status == 200


def test_what_a_process_left_goes(node, folder):
    """Also where there are few bundles: it may be as large as the disk."""
    left = node.site.folder / "var" / "bundles" / ("ab" * 32 + ".part")
    left.mkdir(parents=True)
    (left / "geo.mmdb").write_bytes(b"half of it")
    node.ctl("push", str(folder), "--check")
    node.wait(lambda: not left.exists(), "it goes")


def test_old_ones_go(node, folder):
    names = []
    for number in range(7):
        (folder / "zones" / "example.com.zone").write_text(kit.SOA + f"www 60 IN A 192.0.2.{number}\n")
        node.ctl("push", str(folder), "--check")
        names.append(write_manifest(folder)[0])
    node.wait(lambda: set(list_ids(node)) == set(names[-5:]), "five are kept")
    inodes = {(node.site.folder / "var" / "bundles" / name / "topology.json").stat().st_ino for name in names[-5:]}
    assert len(inodes) == 1  # what is the same is there once


def test_a_server_by_itself_has_no_bundles():
    with kit.new_site() as site:
        site.zone("example.com", "www 60 IN A 192.0.2.1\n")
        server = site.start()
        assert server.request("GET", "/v1/bundles").status == 404
        assert server.request("POST", "/v1/bundles", b"{}").status == 404


def test_without_an_active_one_there_is_nothing():
    with contextlib.ExitStack() as stack:
        cluster = clusterkit.Cluster(stack, count=1, configuration="bundle").start()
        node = cluster.nodes["ns1"]
        assert node.get("/v1/zones")["items"] == [] and node.ask("www.example.com").rcode() == 5  # REFUSED
        assert "there is none yet" in node.read_log()
        site = node.site
        shutil.copytree(site.folder, site.folder / "var" / "copy", ignore=shutil.ignore_patterns("var", "s"))
        name = node.ctl_json("push", str(site.folder / "var" / "copy"), "--check")["id"]
        assert list_ids(node) == {name: "here"}
        node.reload()  # what is not active is not served
        assert node.get("/v1/zones")["items"] == []


@pytest.mark.parametrize("path", ["steerd.json", "zones/steerd.json", "var/store.db", "sub/var/state/x"])
def test_what_belongs_to_the_node_is_in_no_bundle(node, path):
    items = [{"path": path, "size": 2, "sha256": hashlib.sha256(b"{}").hexdigest()}]
    reply = node.request("POST", "/v1/bundles", json.dumps({"version": 1, "files": items}, separators=(",", ":")))
    assert reply.status == 422 and "belong to the node" in reply.body.decode(), reply
    assert f'found "{path}"' in reply.json["errors"][0]["message"], reply


def test_a_bundle_with_a_command_needs_an_admin(node, folder):
    me = f"uid:{kit.os.getuid()}"

    def use(role):
        node.site.server["admin"]["socket_roles"] = {me: role}
        node.site.write()
        offset = len(node.read_log())
        kit.os.kill(node.process.pid, kit.signal.SIGHUP)
        node.wait_log("reload", "result=ok", offset=offset)

    def bring():
        name, manifest, stream = write_manifest(folder)
        assert node.request("POST", "/v1/bundles", manifest).status == 200
        assert put_block(node, name, 0, stream).status == 200
        return name
    topology = json.loads((folder / "topology.json").read_text())
    topology["checks"]["new"] = {"type": "exec", "command": ["/bin/true", "hunter2"]}
    (folder / "topology.json").write_text(json.dumps(topology))
    try:
        use("operator")
        assert node.request("POST", "/v1/bundles", write_manifest(folder)[1]).status == 403
        use("editor")
        name = bring()
        use("viewer")
        for path in "/v1/bundles", f"/v1/bundles/{name}", "/v1/nodes", "/v1/journal", "/v1/status", "/metrics":
            reply = node.request("GET", path)
            assert reply.status == 200 and b"hunter2" not in reply.body and b"/bin/true" not in reply.body, (path, reply)
        use("editor")
        for path, body in ((":check", None), (":activate?dry_run=true", {"reason": "a test"}), (":activate", {"reason": "a test"})):
            reply = node.request("POST", f"/v1/bundles/{name}{path}", body)
            assert reply.status == 403 and "needs the role admin" in reply.json["detail"], (path, reply)
            assert "found a new exec check" in reply.json["errors"][0]["message"], (path, reply)
        assert node.get("/v1/bundles")["rollout"]["next"] is None
        topology["checks"]["new"] = {"type": "tcp", "port": 80}
        (folder / "topology.json").write_text(json.dumps(topology))
        plain = node.request("POST", f"/v1/bundles/{bring()}:activate?dry_run=true", {"reason": "a test"})
        assert plain.status == 200 and plain.json["changed"], plain
    finally:
        use("admin")
