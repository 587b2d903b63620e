# SPDX-License-Identifier: BSD-3-Clause
"""Whatever the umask is, what may hold secrets or state is its owner's alone: each file 0600, each folder 0700, but a state
folder 0750, because the admin socket may be in it, for a group."""
import contextlib
import json
import os
import stat
import subprocess

import clusterkit
import etcdkit
import kit
import pytest
from bundlekit import Bundle, make_files
from everykit import one_of_everything
from test_installed import ANSWERS
from test_members import admit, adopt_config, listen_at, new_machine
from vantagekit import FakeServer, Identity, Probe


@pytest.fixture(autouse=True)
def umask():
    before = os.umask(0)
    yield
    os.umask(before)


def list_modes(folder):
    """Of everything in it that others may read, write or enter."""
    found = {path: path.lstat().st_mode for path in folder.rglob("*")}
    return {str(path): oct(stat.S_IMODE(mode)) for path, mode in found.items()
            if not stat.S_ISLNK(mode) and stat.S_IMODE(mode) != (0o700 if stat.S_ISDIR(mode) else 0o600)}


def is_private(folder, mode=0o700):
    assert stat.S_IMODE(folder.stat().st_mode) == mode, folder
    found = list_modes(folder)
    assert any(folder.iterdir()) and not found, found


def ctl(*words, **more):
    done = subprocess.run([str(kit.STEERCTL), *map(str, words)], capture_output=True, text=True, timeout=120, check=False, env=kit.make_environment(), **more)
    assert done.returncode == 0, done
    return done


def test_the_state_folder(tmp_path):
    def prepare(site):
        site.server.update({"admin": {"socket": "run/s"}, "zone_options": {"example.com": {"transfer_to": ["127.0.0.1"], "serial": "unixtime"}}})
        site.socket = site.folder / "run" / "s"
    with one_of_everything(prepare) as server:
        folder = server.site.folder / "var"
        assert server.request("POST", "/v1/tokens", {"name": "one", "role": "viewer", "reason": "a test"}).status == 201
        assert server.request("POST", "/v1/report", {"region": "us-east", "errors": 9, "requests": 10}).status == 200
        wanted = {"store.db", "store.lock", "lock", "serials", "last-health", "health", "depot", "webhooks", "vantages.pem", "redaction.key"}
        server.wait(lambda: {path.name for path in folder.iterdir()} >= wanted, f"{wanted} are written")
        is_private(folder, 0o750)
        server.stop()
        is_private(folder, 0o750)
        (folder / "store.db").write_bytes(b"no store " * 1000)
        ctl("salvage", "--state", folder)  # it is put aside, and another one made
        server.start()
        is_private(folder, 0o750)
        server.ctl("backup", tmp_path / "b.tar.gz")
        server.ctl("config", "export", tmp_path / "exported")
        ctl("backup", "restore", tmp_path / "b.tar.gz", "--to", tmp_path / "state")
        is_private(tmp_path / "state", 0o750)
        is_private(tmp_path / "exported")
        assert stat.S_IMODE((tmp_path / "b.tar.gz").stat().st_mode) == 0o600


def test_a_vantage(tmp_path):
    """Its folder is made by enrol, or by a start."""
    server = FakeServer(Identity(tmp_path / "identity"))
    probe = Probe(tmp_path / "probe")
    with contextlib.closing(server), contextlib.closing(probe):
        server.enrol(probe)
        probe.start()
        assert {path.name for path in probe.folder.iterdir()} >= {"lock", "servers", "status"}
        is_private(probe.folder)


def test_what_init_writes_is_changed_by_its_owner_only(tmp_path):
    """It holds no secrets: the server's user may be another one."""
    ctl("init", "--to", tmp_path / "conf", *ANSWERS)
    found = list((tmp_path / "conf").rglob("*"))
    assert found and all(path.stat().st_mode & 0o022 == 0 for path in [tmp_path / "conf", *found]), found


def test_a_program_without_a_state_folder(site):
    """The socket is as it was asked for, its folder lets in whom that is for."""
    site.server = {"zones": "zones", "admin": {"socket": "run/s", "mode": "0660"}}
    site.socket = site.folder / "run" / "s"
    site.zone("example.com", "").start()
    assert [stat.S_IMODE(path.stat().st_mode) for path in (site.socket, site.socket.parent)] == [0o660, 0o750]


@pytest.mark.skipif(etcdkit.ETCD is None or not etcdkit.PROGRAM.exists(), reason="there is no etcd, or steerd-etcd was not built")
def test_nodes(tmp_path):
    """One that begins a cluster, one that joins it, and what they keep: a bundle, too."""
    def use_bundles(node):
        site = node.site
        site.server["cluster"]["configuration"] = "bundle"
        site.write()
        node.ctl("reload")
    with clusterkit.new_cluster(0, has_links=True) as cluster:
        site = new_machine(cluster, "ns1")
        site.config.chmod(0o600)
        ctl("cluster", "init", "--name", "prod", "--node", "ns1", "--etcd", ",".join(cluster.etcd.urls), "--listen", listen_at(), "--config", site.config)
        adopt_config(site)
        cluster.nodes["ns1"] = one = site.start()
        cluster.wait_phase("ns1", "following")
        two = admit(cluster, one, "ns2")
        use_bundles(one)
        Bundle(make_files(cluster.topology, kit.new_address())).push(one)
        one.wait(lambda: list((site.folder / "var/bundles").rglob("*.zone")), "the bundle is there")
        for node in one, two:
            is_private(node.site.folder / "var", 0o750)
        for path in (two.site.folder / "cluster").glob("*"):
            assert path.stat().st_mode & 0o077 == 0 or path.suffix == ".pem" and path.stat().st_mode & 0o022 == 0, path
