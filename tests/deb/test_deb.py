# SPDX-License-Identifier: BSD-3-Clause
"""The Debian packages: two builds are equal, lintian has nothing to say, and in a clean root they are installed, started, upgraded
by a takeover that loses no query, left alone by an upgrade that does not start, and removed. Needs root, debhelper, lintian and
debootstrap (contrib/packages deb), a build folder (BUILD), and a mirror of Debian for the clean root; takes as long as two builds
of the packages. contrib/runtests deb."""
import hashlib
import json
import os
import pathlib
import shutil
import subprocess

import pytest
from debkit import PACKAGES, TOP, Root, Stream, change_version, read_field, run, unpack_root, wait_for


def test_packages_are_those_that_are_promised(debs):
    assert set(debs) == PACKAGES


def test_lintian_has_nothing_to_say(debs):
    (changes,) = debs["steerd"].parent.glob("*.changes")
    done = subprocess.run(["lintian", "--allow-root", "--fail-on", "error,warning", "--tag-display-limit", "0", str(changes)], capture_output=True, text=True,
                          check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_two_builds_are_equal(source, debs, tmp_path):
    """In another folder, later."""
    other = tmp_path / "another-name" / "deeper"
    shutil.copytree(source, other / "renamed", symlinks=True)
    run(TOP / "contrib/make-deb", other / "renamed", other / "debs")
    again = {read_field(path, "Package"): path for path in (other / "debs").glob("*.deb")}
    differing = [name for name in debs if hashlib.sha256(debs[name].read_bytes()).digest() != hashlib.sha256(again[name].read_bytes()).digest()]
    assert set(again) == set(debs) and not differing


# ---- in a clean root ----

@pytest.fixture(scope="module")
def root(debs, tmp_path_factory):
    found = Root(unpack_root(debs, tmp_path_factory.mktemp("clean")))
    yield found
    found.close()


@pytest.fixture(scope="module")
def served(root, debs):
    """Installed and started as a system without systemd does."""
    root.install(*(debs[name] for name in ("steerd", "steerctl", "steerprobe", "steerd-doc")))
    with open(root.folder / "root/log", "wb") as log:
        process = subprocess.Popen(root.enter("setpriv", "--reuid=steerd", "--regid=steerd", "--init-groups", "/usr/sbin/steerd", "-c", "/etc/steerd/steerd.json"),
                                   stdin=subprocess.DEVNULL, stderr=log, env={"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL": "C.UTF-8"})
    wait_for(lambda: "answers queries" in read_log(root), "it answers")
    yield root
    process.kill()
    process.wait()


def read_log(root):
    return (root.folder / "root/log").read_text()


def read_pid(root):
    return int((root.folder / "var/lib/steerd/lock").read_text())


def test_it_is_installed_and_serves(served):
    assert "ok, 1 zone" in served.run("steerd", "-c", "/etc/steerd/steerd.json", "--check")
    assert "steerd" in served.run("getent", "passwd", "steerd")
    assert json.loads(served.run("steerctl", "--json", "status"))["generation"] == 1
    log = read_log(served)
    assert "confined user=steerd dns_threads=yes no_new_privileges=yes" in log
    stream = Stream(served)
    asked, answered = stream.end()
    assert asked == answered > 0
    assert "steerprobe" in served.run("steerprobe", "--version")


def test_an_upgrade_takes_over(served, debs, tmp_path):
    before, stream = read_pid(served), Stream(served)
    for version in ("9.1", "9.2"):
        served.install(change_version(debs["steerd"], tmp_path, version))
        now = wait_for(lambda before=before: read_pid(served) not in (0, before) and read_pid(served), "another process has taken over")
        wait_for(lambda before=before: "stopped exit=0" in read_log(served), "the one before has ended")
        before = now
    asked, answered = stream.end()
    assert asked == answered > 100
    assert json.loads(served.run("steerctl", "--json", "status"))["version"]


def test_an_upgrade_that_does_not_start(served, debs, tmp_path):
    before = read_pid(served)
    stream = Stream(served)
    said = served.install(change_version(debs["steerd"], tmp_path, "9.3", "#!/bin/sh\nexit 3\n"))
    assert "the version before goes on" in said
    asked, answered = stream.end()
    assert asked == answered > 0 and read_pid(served) == before
    served.install(change_version(debs["steerd"], tmp_path, "9.4"))
    wait_for(lambda: read_pid(served) not in (0, before), "a good one takes over")


def test_it_is_removed(served, debs):
    pid = read_pid(served)
    changed = served.folder / "etc/steerd/steerd.json"
    changed.write_text(changed.read_text().replace('"threads": 1', '"threads": 2'))
    served.run("dpkg", "-r", "steerd")
    assert changed.exists(), "what an operator wrote stays"
    wait_for(lambda: subprocess.run(served.enter("kill", "-0", str(pid)), capture_output=True, check=False).returncode != 0, "it has ended")
    assert not (served.folder / "usr/sbin/steerd").exists()
    served.run("dpkg", "-P", "steerd", "steerctl", "steerprobe", "steerd-doc")
    left = [path for place in ("etc", "usr", "lib", "var/lib") for path in (served.folder / place).rglob("*steer*") if "/dpkg/" not in str(path)]
    assert left == []
