# SPDX-License-Identifier: BSD-3-Clause
"""What the tests of Debian packages share: commands, roots of Debian, queries from the first moment to the last."""
import hashlib
import os
import pathlib
import re
import shutil
import signal
import stat
import subprocess
import sys
import time

TOP = pathlib.Path(__file__).resolve().parent.parent.parent
BUILD = pathlib.Path(os.environ.get("BUILD", TOP / "build"))
PROGRAMS = ("dh", "lintian", "debootstrap", "nsenter", "unshare", "systemd-nspawn")
MISSING = [program for program in PROGRAMS if shutil.which(program) is None]
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


def find_mirror():
    """That of this host, and the proxy by which its apt goes there."""
    lines = run("apt-get", "indextargets", "--format", "$(SITE) $(RELEASE)", "Created-By: Packages").split("\n")
    site, release = lines[0].split()[:2]
    proxy = run("apt-config", "dump", "Acquire::http::Proxy")
    found = re.search(r'"(http[^"]+)"', proxy)
    return site, release.removesuffix("-security").removesuffix("-updates"), {"http_proxy": found[1], "https_proxy": found[1]} if found else {}


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


def unpack_root(debs, folder, *more):
    """Debian with what the packages need, and these."""
    needed = set(more)
    for deb in ("steerd", "steerctl", "steerprobe"):
        for field in ("Depends", "Pre-Depends"):
            needed |= {re.split(r"[ (|:]", one.strip())[0] for one in read_field(debs[deb], field).split(",") if one.strip()}
    return unpack(needed, folder)


def unpack(needed, folder):
    """Debian's base, with these packages and what they need."""
    site, release, proxy = find_mirror()
    packed = BUILD / f"deb-root-{hashlib.sha256(repr((release, sorted(needed))).encode()).hexdigest()[:8]}.tar"
    if not packed.exists():  # it takes minutes, and is the same until a dependency changes
        made = folder / "made"
        include = [f"--include={','.join(sorted(needed - PACKAGES))}"] if needed else []
        run("debootstrap", "--variant=minbase", *include, release, made, site, env={**os.environ, **proxy})
        run("tar", "-C", made, "--numeric-owner", "-cf", f"{packed}.new", ".")
        os.rename(f"{packed}.new", packed)
        shutil.rmtree(made)
    root = folder / "root"
    root.mkdir()
    run("tar", "-C", root, "--numeric-owner", "-xpf", packed)
    root.chmod(0o755)
    (root / "dev/net").mkdir()
    os.mknod(root / "dev/net/tun", stat.S_IFCHR | 0o666, os.makedev(10, 200))  # on a machine it is the kernel that makes it
    (root / "dev/net/tun").chmod(0o666)
    return root


class Root:
    """Debian in a folder, in namespaces of its own: mounts, processes, a network with nothing but loopback; or with the host's."""

    def __init__(self, folder, has_network=False):
        self.folder = folder
        script = f"mount -t proc proc {folder}/proc && mount -t tmpfs tmpfs {folder}/run && ip link set lo up && exec chroot {folder} sleep infinity"
        self.process = subprocess.Popen(["unshare", "--mount", "--pid", *([] if has_network else ["--net"]), "--fork", "--kill-child", "sh", "-c", script],
                                        stdin=subprocess.DEVNULL)
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
