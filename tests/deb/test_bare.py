# SPDX-License-Identifier: BSD-3-Clause
"""What README.md promises, on machines with nothing but Debian's base (minbase: no python3, git, sudo, ca-certificates; root's
home 0700): both commands in either order, and each line of "Use it" as root, as a user with sudo, and in /etc under a booted
systemd. Needs root, a mirror of Debian, and as long as two runs of all tests; BARE_STAGES="check lint" makes them shorter.
contrib/runtests bare."""
import os
import re
import shutil
import subprocess

import pytest
from debkit import TOP, Root, find_mirror, run, unpack
from test_booted import MORE, Booted

README = (TOP / "README.md").read_text()
STAGES = os.environ.get("BARE_STAGES", "").split()
HOME = "/root/steerd"  # which nobody else may enter


def read_lines():
    """The commands of "Use it", without what is said of them."""
    part = README.partition("\n## Use it\n")[2].partition("\n## ")[0]
    blocks = re.findall(r"^```sh\n(.*?)^```$", part, re.S | re.M)
    assert len(blocks) == 2
    return "".join(re.sub(r" +# .*", "", block) for block in blocks)


def make_script(is_root):
    """What a shell is given: the server in the foreground ends after a while, and the editor changes nothing."""
    text = re.sub(r"^(sudo steerd .*)$", r"timeout --preserve-status 5 \1", read_lines(), flags=re.M)
    text = text.replace("timeout --preserve-status 5 sudo", "sudo timeout --preserve-status 5")
    return "set -euxo pipefail\nEDITOR=true\n" + (text.replace("sudo ", "") if is_root else text) + "\nkill $!\nwait\necho all of it\n"


def put_sources(root):
    """The mirrors of this host, and this checkout."""
    lines = run("apt-get", "indextargets", "--format", "deb $(SITE) $(RELEASE) $(COMPONENT)", "Created-By: Packages")
    (root / "etc/apt/sources.list").write_text(lines)
    _, _, proxy = find_mirror()
    if proxy:
        (root / "etc/apt/apt.conf.d/proxy").write_text(f'Acquire::http::Proxy "{proxy["http_proxy"]}";\n')
    shutil.copy("/etc/resolv.conf", root / "etc/resolv.conf")
    shutil.copy("/etc/hosts", root / "etc/hosts")
    run("git", "clone", "-q", TOP, root / HOME.strip("/"))
    shutil.rmtree(root / HOME.strip("/") / ".git")
    (root / "root").chmod(0o700)


@pytest.fixture
def bare(tmp_path):
    folder = unpack((), tmp_path)
    put_sources(folder)
    root = Root(folder, has_network=True)
    yield root
    root.close()
    shutil.rmtree(folder, ignore_errors=True)


def run_shell(root, text, user="root"):
    """Its output, also where it fails, is kept for who looks: the last lines are in the assertion."""
    words = ["su", user, "-s", "/bin/bash", "-c", text] if user != "root" else ["bash", "-c", text]
    done = subprocess.run(root.enter(*words), stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False, stdin=subprocess.DEVNULL,
                          env={"PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "HOME": "/root", "LC_ALL": "C.UTF-8"})
    assert done.returncode == 0, done.stdout[-6000:]
    return done.stdout


def show_a_loss(root):
    said = run_shell(root, f"cd {HOME} && contrib/quickstart --once")
    assert "The answer moved to eu-west" in said and "The answer moved back to us-east" in said


def run_tests(root):
    said = run_shell(root, f"cd {HOME} && contrib/runtests {' '.join(STAGES)}")
    assert re.search(r"^[1-9][0-9]* passed, 0 failed$", said, re.M), said[-6000:]


def test_the_first_command_then_the_second(bare):
    show_a_loss(bare)
    run_tests(bare)


def test_the_second_command_then_the_first(bare):
    run_tests(bare)
    show_a_loss(bare)


@pytest.mark.parametrize("user", ["root", "ann"])
def test_each_line(bare, user):
    """With no network but loopback once the packages are there: the sample's endpoints are somebody's."""
    is_root = user == "root"
    if not is_root:
        bare.run("apt-get", "-qq", "update")
        bare.run("apt-get", "-qq", "-y", "--no-install-recommends", "install", "sudo")
        bare.run("useradd", "-m", user)
        (bare.folder / "etc/sudoers.d/ann").write_text("ann ALL=(ALL) NOPASSWD: ALL\n")
        bare.run("mv", HOME, "/home/ann/steerd")
        bare.run("chown", "-R", f"{user}:", "/home/ann/steerd")
    where = HOME if is_root else "/home/ann/steerd"
    run_shell(bare, f"cd {where} && {read_lines().splitlines()[0]}", user)
    alone = Root(bare.folder)
    try:
        said = run_shell(alone, f"cd {where}\n{make_script(is_root)}", user)
    finally:
        alone.close()
    assert said.endswith("all of it\n") and re.search(r"^(192\.0\.2|198\.51\.100)\.1[01]$", said, re.M), said[-6000:]
    assert "www.example.org" in said and "us-east" in said


def test_in_etc_under_systemd(bare):
    """`make install` where systemd runs; then a zone of one's own in the place of the sample."""
    lines = read_lines().splitlines()
    init = " ".join(line.strip(" \\") for line in lines[lines.index(next(line for line in lines if "steerctl init" in line)):][:2])
    init = init.replace("--to .", "--force")
    bare.run("apt-get", "-qq", "update")
    bare.run("apt-get", "-qq", "-y", "--no-install-recommends", "install", *MORE)
    run_shell(bare, f"cd {HOME} && {lines[0]} && {lines[1].replace('sudo make install', 'true')}")
    bare.close()
    booted = Booted(bare.folder)
    try:
        run_shell(booted, f"cd {HOME}/build && make install && cd /etc/steerd && steerd -c steerd.json --check && {init}"
                          " && steerd -c steerd.json --check && systemctl restart steerd")
        assert booted.ask("is-active", "steerd") == "active"
        run_shell(booted, "sleep 3; dig +short @127.0.0.1 -p 5310 www.example.org | grep . && steerctl regions && steerctl explain www.example.org")
    finally:
        booted.close()
