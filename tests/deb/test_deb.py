# SPDX-License-Identifier: BSD-3-Clause
"""The Debian packages: two builds are equal, lintian has nothing to say, and in a clean root they are installed, started, upgraded
by a takeover that loses no query, left alone by an upgrade that does not start, and removed. Needs root, debhelper, lintian and
debootstrap (contrib/packages deb), a build folder (BUILD), and a mirror of Debian for the clean root; takes as long as two builds
of the packages. contrib/runtests deb. DEBS is a folder of packages that are made already."""
import hashlib
import json
import os
import pathlib
import re
import shutil
import signal
import subprocess
import sys
import time

import pytest

TOP = pathlib.Path(__file__).resolve().parent.parent.parent
BUILD = pathlib.Path(os.environ.get("BUILD", TOP / "build"))
PROGRAMS = ("dh", "lintian", "debootstrap", "nsenter", "unshare")
MISSING = [program for program in PROGRAMS if shutil.which(program) is None]
pytestmark = [pytest.mark.skipif(os.geteuid() != 0, reason="needs root"),
              pytest.mark.skipif(bool(MISSING), reason=f"there is no {', '.join(MISSING)} (contrib/packages deb)")]
PACKAGES = {"steerd", "steerctl", "steerprobe", "steerd-doc", "steerd-dbgsym", "steerctl-dbgsym", "steerprobe-dbgsym"}
PATIENCE_S = 60


# Whatever is committed while the packages are made
os.environ.setdefault("SOURCE_DATE_EPOCH", str(int(time.time())))


def run(*words, **more):
    done = subprocess.run([str(word) for word in words], capture_output=True, text=True, check=False, stdin=subprocess.DEVNULL, **more)
    assert done.returncode == 0, (words, done.stdout[-3000:], done.stderr[-3000:])
    return done.stdout


def read_field(deb, field):
    return run("dpkg-deb", "-f", deb, field).strip()


@pytest.fixture(scope="module")
def source(tmp_path_factory):
    """What `make dist` packs."""
    folder = tmp_path_factory.mktemp("source") / "steerd"
    run("make", "-s", "-C", BUILD, "distdir", f"distdir={folder}")
    return folder


@pytest.fixture(scope="module")
def debs(source, tmp_path_factory):
    folder = pathlib.Path(os.environ.get("DEBS") or tmp_path_factory.mktemp("debs"))
    if "DEBS" not in os.environ:
        run(TOP / "contrib/make-deb", source, folder)
    return {read_field(path, "Package"): path for path in folder.glob("*.deb")}


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

def find_mirror():
    """That of this host, and the proxy by which its apt goes there."""
    lines = run("apt-get", "indextargets", "--format", "$(SITE) $(RELEASE)", "Created-By: Packages").split("\n")
    site, release = lines[0].split()[:2]
    proxy = run("apt-config", "dump", "Acquire::http::Proxy")
    found = re.search(r'"(http[^"]+)"', proxy)
    return site, release.removesuffix("-security").removesuffix("-updates"), {"http_proxy": found[1], "https_proxy": found[1]} if found else {}


class Root:
    """Debian in a folder, in namespaces of its own: mounts, processes, a network with nothing but loopback."""

    def __init__(self, folder):
        self.folder = folder
        script = f"mount -t proc proc {folder}/proc && mount -t tmpfs tmpfs {folder}/run && ip link set lo up && exec chroot {folder} sleep infinity"
        self.process = subprocess.Popen(["unshare", "--mount", "--pid", "--net", "--fork", "--kill-child", "sh", "-c", script], stdin=subprocess.DEVNULL)
        wait_for(lambda: (children := pathlib.Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children").read_text().split())
                 and os.readlink(f"/proc/{children[0]}/root") == str(folder), "the root is there")
        self.pid = pathlib.Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children").read_text().split()[0]

    def enter(self, *words):
        return ["nsenter", "-t", self.pid, "-m", "-p", "-n", f"--root=/proc/{self.pid}/root", f"--wd=/proc/{self.pid}/root", *map(str, words)]

    def run(self, *words, code=0):
        done = subprocess.run(self.enter(*words), capture_output=True, text=True, check=False, stdin=subprocess.DEVNULL,
                              env={"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "DEBIAN_FRONTEND": "noninteractive", "LC_ALL": "C.UTF-8"})
        assert done.returncode == code, (words, done.stdout[-3000:], done.stderr[-3000:])
        return done.stdout + done.stderr

    def install(self, *debs):
        for deb in debs:
            shutil.copy(deb, self.folder / "root")
        return self.run("dpkg", "-i", *(f"/root/{deb.name}" for deb in debs))

    def close(self):
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()


def wait_for(holds, what):
    end = time.monotonic() + PATIENCE_S
    while time.monotonic() < end:
        try:
            if found := holds():
                return found
        except OSError:
            pass
        time.sleep(0.1)
    raise AssertionError(f"in vain: {what}")


@pytest.fixture(scope="module")
def root(debs, tmp_path_factory):
    folder = tmp_path_factory.mktemp("root")
    needed = set()
    for deb in ("steerd", "steerctl", "steerprobe"):
        for field in ("Depends", "Pre-Depends"):
            needed |= {re.split(r"[ (|:]", one.strip())[0] for one in read_field(debs[deb], field).split(",") if one.strip()}
    site, release, proxy = find_mirror()
    packed = BUILD / f"deb-root-{hashlib.sha256(repr((release, sorted(needed))).encode()).hexdigest()[:8]}.tar"
    if not packed.exists():  # it takes minutes, and is the same until a dependency changes
        made = tmp_path_factory.mktemp("made")
        run("debootstrap", "--variant=minbase", f"--include={','.join(sorted(needed - PACKAGES))}", release, made, site, env={**os.environ, **proxy})
        run("tar", "-C", made, "--numeric-owner", "-cf", f"{packed}.new", ".")
        os.rename(f"{packed}.new", packed)
    run("tar", "-C", folder, "--numeric-owner", "-xpf", packed)
    folder.chmod(0o755)
    found = Root(folder)
    yield found
    found.close()


STREAM = """
import socket, struct, sys, time
query = bytes([0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0]) + b"\\3www\\7example\\3com\\0" + bytes([0, 1, 0, 1])
one = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
one.connect(("127.0.0.1", 5300))
one.settimeout(5)
asked = answered = 0
print("begun", flush=True)
import select
while asked < 50 or not select.select([sys.stdin], [], [], 0)[0]:
    asked += 1
    one.send(struct.pack("!H", asked % 65536) + query[2:])
    try:
        reply = one.recv(512)
    except OSError:
        continue
    answered += reply[:2] == struct.pack("!H", asked % 65536) and reply[3] & 15 == 0
print(asked, answered, flush=True)
"""


class Stream:
    """Queries from the first moment to the last, one after the other; the program is that of the host."""

    def __init__(self, root):
        self.process = subprocess.Popen(["nsenter", "-t", root.pid, "-n", sys.executable, "-c", STREAM], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        assert self.process.stdout.readline() == "begun\n"

    def end(self):
        out, _ = self.process.communicate("\n", timeout=PATIENCE_S)
        return tuple(map(int, out.split()))


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


def change_version(deb, folder, version, program=None):
    """The same package as a later one, perhaps with another program."""
    tree = folder / f"tree-{version}"
    run("dpkg-deb", "-R", deb, tree)
    control = tree / "DEBIAN/control"
    control.write_text(re.sub(r"^Version: .*", f"Version: {version}", control.read_text(), flags=re.M))
    if program is not None:
        (tree / "usr/sbin/steerd").write_text(program)
    run("dpkg-deb", "--root-owner-group", "-b", tree, folder / f"steerd_{version}.deb")
    return folder / f"steerd_{version}.deb"


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
