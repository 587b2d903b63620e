# SPDX-License-Identifier: BSD-3-Clause
"""What the server takes away from itself: DNS threads are told by a debugger to do what somebody would who has taken one over."""
import fcntl
import mmap
import os
import pathlib
import pwd
import re
import shutil
import subprocess
import tempfile

import pytest

import injector
import kit
import takeovers
from takeovers import reaper  # noqa: F401  pylint: disable=unused-import
from test_soak import is_sanitized

EPERM, EACCES = 1, 13


def call_in_thread(server, name, *calls):
    """What each system call gave: its value, and errno where that is below 0."""
    for task in sorted(os.listdir(f"/proc/{server.process.pid}/task"), key=int):
        if pathlib.Path(f"/proc/{server.process.pid}/task/{task}/comm").read_text().strip() == name:
            given = injector.call(int(task), calls)
            return [(-1, -value) if value < 0 else (value, 0) for value in given]
    raise AssertionError(f"no thread {name}")


@pytest.fixture
def site():
    with kit.new_site() as site:
        site.zone("example.com", "www 60 IN A 192.0.2.99\n")
        yield site


def start(site):
    server = site.start()
    if is_sanitized(server):
        assert "not confined what=dns_threads" in server.read_log()
        pytest.skip("a sanitizer asks the kernel for more")
    server.wait(lambda: all(read_status(server.process.pid, thread, "Seccomp") == "2" for thread in ("udp/0", "tcp/0")),
                "its DNS threads have begun, which they do confined")
    return server


def test_a_dns_thread_can_only_answer(site, tmp_path):
    server = start(site)
    made = tmp_path / "made"
    escapes = [("open", "/etc/shadow", os.O_RDONLY), ("open", made, os.O_WRONLY | os.O_CREAT, 0o600), ("socket", 2, 1, 0),
               ("unlink", server.site.config), ("execve", "/bin/true", 0, 0), ("kill", 1, 0), ("fork",), ("ptrace", 16, os.getpid(), 0, 0)]
    for thread in ("udp/0", "tcp/0"):
        assert call_in_thread(server, thread, *escapes) == [(-1, EPERM)] * len(escapes), thread
    assert not made.exists()
    (opened,) = call_in_thread(server, "steerd", ("open", "/etc/hostname", os.O_RDONLY))
    assert opened[0] > 2, "another thread can, so it is not something else that forbids it"
    assert server.addresses("www.example.com") == ["192.0.2.99"]
    assert "confined user=" in server.read_log() and "dns_threads=yes" in server.read_log()


def test_a_dns_thread_gets_no_executable_memory(site):
    server = start(site)
    anonymous = mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS
    for thread in ("udp/0", "tcp/0"):
        refused, plain = call_in_thread(server, thread, ("mmap", 0, 4096, mmap.PROT_READ | mmap.PROT_EXEC, anonymous, -1, 0),
                                        ("mmap", 0, 4096, mmap.PROT_READ | mmap.PROT_WRITE, anonymous, -1, 0))
        assert refused == (-1, EPERM) and plain[0] > 0
        assert call_in_thread(server, thread, ("mprotect", plain[0], 4096, mmap.PROT_READ | mmap.PROT_EXEC)) == [(-1, EPERM)], thread
    assert server.addresses("www.example.com") == ["192.0.2.99"]


def test_a_dns_thread_writes_to_sockets_only(site):
    """… and to standard error, for the last words of a process; no other file can be made that."""
    site.server["state"] = str(site.folder / "var")
    server = start(site)
    before = (site.folder / "var/store.db").read_bytes()
    opened = {os.readlink(path): int(path.name) for path in pathlib.Path(f"/proc/{server.process.pid}/fd").iterdir()}
    store = opened[str((site.folder / "var/store.db").resolve())]
    for thread in ("udp/0", "tcp/0"):
        escapes = [("write", store, "nothing", 7), ("writev", store, 0, 0), ("pwrite", store, "nothing", 7, 0), ("read", store, 0, 0), ("close", 2),
                   ("dup", store), ("dup2", store, 2), ("fcntl", store, fcntl.F_DUPFD, 0)]
        assert call_in_thread(server, thread, *escapes) == [(-1, EPERM)] * len(escapes), thread
        assert call_in_thread(server, thread, ("write", 2, f"{thread} says its last\n", 20))[0] == (20, 0)
        assert f"{thread} says its last" in server.read_log()
    assert (site.folder / "var/store.db").read_bytes() == before
    assert server.addresses("www.example.com") == ["192.0.2.99"]


def read_status(pid, thread, key):
    """Of /proc, of the first thread of that name."""
    for task in sorted(os.listdir(f"/proc/{pid}/task"), key=int):
        text = open(f"/proc/{pid}/task/{task}/status", encoding="utf-8").read()
        if re.search(r"^Name:\s+(.*)$", text, re.M)[1] == thread:
            return re.search(rf"^{key}:\s+(.*)$", text, re.M)[1]
    return None


def test_it_can_be_turned_off(site):
    site.server["confine"] = {"dns_threads": False}
    server = site.start()
    server.wait(lambda: read_status(server.process.pid, "udp/0", "Seccomp") == "0", "its DNS threads have begun")
    assert "dns_threads=off" in server.read_log()


def test_dns_threads_have_no_capabilities(site):
    server = start(site)
    for thread in ("udp/0", "tcp/0"):
        assert read_status(server.process.pid, thread, "Seccomp") == "2"
        assert read_status(server.process.pid, thread, "NoNewPrivs") == "1"
        sets = ("CapEff", "CapPrm", "CapBnd") if os.geteuid() == 0 else ("CapEff", "CapPrm")  # nobody else can empty the last one
        assert {key: int(read_status(server.process.pid, thread, key), 16) for key in sets} == dict.fromkeys(sets, 0)


USER = "nobody"
KEPT = 1 << 10 | 1 << 13  # CAP_NET_BIND_SERVICE, CAP_NET_RAW


@pytest.fixture
def owned(site, monkeypatch):
    """A site of that user's, who can also run the programs."""
    if os.geteuid() != 0:
        pytest.skip("needs root, which can become somebody else")
    programs = site.folder / "bin"
    programs.mkdir()
    for program in kit.STEERD.parent.glob("steerd*"):
        if program.is_file():
            shutil.copy2(program, programs)
    monkeypatch.setattr(kit, "STEERD", programs / "steerd")
    site.server["confine"] = {"user": USER}
    site.write()
    give(site)
    return site


def give(site):
    who = pwd.getpwnam(USER)
    for folder, _, files in os.walk(site.folder):
        for path in (folder, *(os.path.join(folder, name) for name in files)):
            os.chown(path, who.pw_uid, who.pw_gid)


def is_theirs(pid):
    who = pwd.getpwnam(USER)
    return read_status(pid, "steerd", "Uid").split() == [str(who.pw_uid)] * 4 and read_status(pid, "steerd", "Gid").split() == [str(who.pw_gid)] * 4


def test_it_becomes_somebody_else_and_binds_low_ports(owned):
    address, _ = owned.listen[0]
    owned.listen = [(address, 53)]
    server = owned.start()
    give(owned)
    assert is_theirs(server.process.pid)
    assert int(read_status(server.process.pid, "steerd", "CapEff"), 16) == KEPT
    assert int(read_status(server.process.pid, "steerd", "CapBnd"), 16) & ~KEPT == 0
    assert server.addresses("www.example.com") == ["192.0.2.99"]
    assert f"confined user={USER}" in server.read_log()
    # one that takes over binds a port that is new
    other = kit.new_address()
    owned.listen.append((other, 53))
    owned.write()
    give(owned)
    old, _ = takeovers.take_over(server)
    assert old.wait(kit.PATIENCE_S) == 0
    assert is_theirs(server.process.pid)
    assert server.addresses("www.example.com", at=(other, 53)) == ["192.0.2.99"]


def test_commands_of_checks_get_nothing_of_it(owned):
    found = owned.folder / "found"
    owned.topology = {"regions": {"r": {"azs": {"a": {}}}}, "brake": False,
                      "checks": {"look": {"type": "exec", "interval": "10s", "timeout": "10s", "rise": 1, "command": [str(owned.folder / "look")]}},
                      "endpoints": {"e": {"az": "a", "addresses": ["127.0.0.1"], "checks": ["look"]}}}
    script = owned.folder / "look"
    script.write_text(f"#!/bin/sh\ngrep -E '^(Cap|Uid)' /proc/self/status > {found}.new && mv {found}.new {found}\n")
    script.chmod(0o755)
    owned.write()
    give(owned)
    server = owned.start()
    server.wait(found.exists, "the command has run")
    sets = dict(line.split(":", 1) for line in found.read_text().splitlines())
    assert sets["Uid"].split() == [str(pwd.getpwnam(USER).pw_uid)] * 4
    assert {key: int(sets[key], 16) for key in ("CapInh", "CapPrm", "CapEff", "CapAmb")} == dict.fromkeys(("CapInh", "CapPrm", "CapEff", "CapAmb"), 0)


@pytest.mark.parametrize("user, why", (("no-such-user", "there is no such user"), ("", "expected a non-empty string")))
def test_who_is_not_there(site, user, why):
    site.server["confine"] = {"user": user}
    site.write()
    done = subprocess.run([str(kit.STEERD), "-c", str(site.config)], capture_output=True, text=True, timeout=kit.PATIENCE_S, check=False,
                          stdin=subprocess.DEVNULL, env=kit.make_environment())
    assert done.returncode == 1
    assert why in done.stderr
    assert "$.confine.user" in done.stderr


def test_a_configuration_that_they_cannot_read(owned):
    os.chown(owned.config, 0, 0)
    owned.config.chmod(0o600)
    done = subprocess.run([str(kit.STEERD), "-c", str(owned.config)], capture_output=True, text=True, timeout=kit.PATIENCE_S, check=False,
                          stdin=subprocess.DEVNULL, env=kit.make_environment())
    assert done.returncode == 1
    assert "Permission denied" in done.stderr


def test_what_any_thread_cannot_do(owned, tmp_path):
    """The process as a whole: other people's files, files outside its folders, a program with more privileges than it has."""
    server = start(owned)
    if "file_access=no" in server.read_log():
        pytest.skip("the kernel has no Landlock")
    assert "no_new_privileges=yes file_access=yes" in server.read_log()
    outside = pathlib.Path(tempfile.mkdtemp(dir="/var/lib"))
    try:
        victim = outside / "victim"
        victim.write_text("all of it")
        for path in (outside, victim):
            path.chmod(0o777)
        inside = owned.folder / "var/made"
        escapes = [("open", "/etc/shadow", os.O_RDONLY), ("open", outside / "made", os.O_WRONLY | os.O_CREAT, 0o600), ("open", victim, os.O_WRONLY),
                   ("truncate", victim, 0), ("unlink", victim), ("rename", victim, inside), ("mkdir", outside / "folder", 0o700),
                   ("symlink", "/etc/shadow", outside / "link"), ("setuid", 0), ("mount", "/tmp", "/mnt", 0, 4096, 0)]
        given = call_in_thread(server, "steerd", *escapes, ("open", victim, os.O_RDONLY), ("open", inside, os.O_WRONLY | os.O_CREAT, 0o600))
        assert [value for value, _ in given[:-2]] == [-1] * len(escapes), given
        for thread in "quick", "long", "store":
            given_there = call_in_thread(server, thread, ("open", "/etc/shadow", os.O_RDONLY), ("open", victim, os.O_WRONLY))
            assert given_there == [(-1, EACCES)] * 2, thread
        assert given[-2][0] > 2 and given[-1][0] > 2 and inside.exists(), "what it may it can, so it is not something else that forbids it"
        assert sorted(os.listdir(outside)) == ["victim"] and victim.read_text() == "all of it"
        assert read_status(server.process.pid, "steerd", "NoNewPrivs") == "1"
        assert server.addresses("www.example.com") == ["192.0.2.99"]
        # and so it is for who takes over
        old, _ = takeovers.take_over(server)
        assert old.wait(kit.PATIENCE_S) == 0
        assert call_in_thread(server, "steerd", ("open", victim, os.O_WRONLY)) == [(-1, EACCES)]
    finally:
        shutil.rmtree(outside)


def test_folders_of_commands(owned):
    """"write" names more of them; commands of hooks and checks have those."""
    outside = pathlib.Path(tempfile.mkdtemp(dir="/var/lib"))
    try:
        for name in ("one", "other"):
            (outside / name).mkdir()
        for path in (outside, outside / "one", outside / "other"):
            path.chmod(0o777)
        found = owned.folder / "found"
        script = owned.folder / "look"
        script.write_text(f"#!/bin/sh\ntouch {outside}/one/a; one=$?; touch {outside}/other/a; echo $one $? >{found}.new && mv {found}.new {found}\n")
        script.chmod(0o755)
        owned.server["confine"]["write"] = str(outside / "one")
        owned.topology = {"regions": {"r": {"azs": {"a": {}}}}, "brake": False,
                          "checks": {"look": {"type": "exec", "interval": "10s", "timeout": "10s", "rise": 1, "command": [str(script)]}},
                          "endpoints": {"e": {"az": "a", "addresses": ["127.0.0.1"], "checks": ["look"]}}}
        owned.write()
        give(owned)
        server = owned.start()
        if "file_access=no" in server.read_log():
            pytest.skip("the kernel has no Landlock")
        server.wait(found.exists, "the command has run")
        assert found.read_text().split() == ["0", "1"] and (outside / "one/a").exists() and not (outside / "other/a").exists()
    finally:
        shutil.rmtree(outside)


def test_each_can_be_turned_off(site):
    site.server["confine"] = {"no_new_privileges": False, "dns_threads": False}
    server = site.start()
    assert "dns_threads=off no_new_privileges=off file_access=off" in server.read_log()
    assert read_status(server.process.pid, "steerd", "NoNewPrivs") == "0"


def test_files_need_no_new_privileges(site):
    site.server["confine"] = {"no_new_privileges": False, "files": True}
    site.write()
    done = kit.run_steerd("-c", str(site.config), "--check")
    assert done.returncode == 1 and "$.confine.files" in done.stderr and "no_new_privileges" in done.stderr


def test_the_store_is_for_its_owner_only(site):
    site.server["state"] = str(site.folder / "var")
    server = site.start()
    assert server.request("POST", "/v1/tokens", {"name": "one", "role": "viewer", "reason": "a test"}).status == 201
    files = list((site.folder / "var").glob("store.db*"))
    assert files and all(path.stat().st_mode & 0o077 == 0 for path in files), files
    server.process.kill()
    server.process.wait()
    (site.folder / "var" / "store.db").chmod(0o644)  # as it was made before
    site.start()
    assert (site.folder / "var" / "store.db").stat().st_mode & 0o077 == 0
