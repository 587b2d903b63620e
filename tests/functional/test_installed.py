# SPDX-License-Identifier: BSD-3-Clause
"""What is installed beside the programs: the sample configuration, completion for shells, and what `steerctl init` writes."""
import json
import os
import pathlib
import pty
import re
import select
import shutil
import subprocess

import dns.message
import dns.query
import pytest

import kit

SAMPLE = kit.TOP / "contrib/sample"


# ---- the sample ----

def test_the_sample_is_good():
    done = kit.run_steerd("-c", str(SAMPLE / "steerd.json"), "--check")
    assert done.returncode == 0 and "error" not in done.stderr and "warning" not in done.stderr, done.stderr


def test_the_sample_is_commented():
    for path in (SAMPLE / "steerd.json", SAMPLE / "topology.json", SAMPLE / "zones/example.com.json"):
        assert "$comment" in json.loads(path.read_text())


# ---- completion ----

def complete(*words):
    """What bash offers for the last word."""
    script = ("source <(%s completion bash); COMP_WORDS=(%s); COMP_CWORD=$((${#COMP_WORDS[@]} - 1)); _steerctl; printf '%%s\\n' \"${COMPREPLY[@]}\""
              % (kit.STEERCTL, " ".join(f"'{word}'" for word in ("steerctl", *words))))
    done = subprocess.run(["bash", "-c", script], capture_output=True, text=True, timeout=kit.PATIENCE_S, check=True, env=kit.make_environment())
    assert done.stderr == ""
    return done.stdout.split()


def test_bash_completes_verbs_and_options(tmp_path):
    assert sorted(complete("")) == sorted(kit.list_verbs()), "each of them once"
    assert complete("-s", "/run/x", "dr") == ["drains", "drain", "drill"] or set(complete("dr")) == {"drain", "drains", "drill"}
    assert {"simulate", "sweep", "live", "shadow"} <= set(complete("drill", ""))
    assert set(complete("rules", "")) == {"check", "release"}
    assert complete("help", "wat") == ["watch"]
    assert "--reason" in complete("drain", "region:us-east", "--") and "--lose" not in complete("drain", "--")
    assert "--socket" in complete("--s") and complete("drain", "--reason", "") == []
    (tmp_path / "some-file").write_text("")
    assert complete("--token-file", f"{tmp_path}/so") == [f"{tmp_path}/some-file"]
    assert complete("regions", "") == []


@pytest.mark.parametrize("verb", ("status", "drain", "drill", "init", "switchover"))
def test_options_are_those_of_help(verb):
    told = set(re.findall(r"^  (--[a-z-]+)", kit.run_ctl("help", verb).stdout, flags=re.M))
    assert told <= set(complete(verb, "--"))
    assert set(complete(verb, "--")) - told == set(complete("version", "--"))


@pytest.mark.parametrize("shell", ("bash", "zsh", "fish"))
def test_scripts_are_good(shell):
    done = kit.run_ctl("completion", shell)
    assert done.returncode == 0 and "steerctl" in done.stdout
    for verb in kit.list_verbs():
        assert re.search(rf"\b{re.escape(verb)}\b", done.stdout), verb
    if shutil.which(shell) is None:
        pytest.skip(f"there is no {shell}")
    assert subprocess.run([shell, "-n"], input=done.stdout, capture_output=True, text=True, timeout=kit.PATIENCE_S, check=False).returncode == 0


@pytest.mark.skipif(shutil.which("fish") is None, reason="there is no fish")
def test_fish_completes(tmp_path):
    script = f"{kit.STEERCTL} completion fish | source; complete -C 'steerctl drain --rea'; complete -C 'steerctl dri'"
    done = subprocess.run(["fish", "--no-config", "-c", script], capture_output=True, text=True, timeout=kit.PATIENCE_S, check=True,
                          env={**kit.make_environment(), "HOME": str(tmp_path)})
    assert "--reason\t" in done.stdout and "drill\t" in done.stdout


def test_another_shell():
    done = kit.run_ctl("completion", "csh")
    assert done.returncode == 2 and "expected bash, zsh or fish" in done.stderr


# ---- init ----

ANSWERS = ("--listen", "127.0.0.1:5300,[::1]:5300", "--zone", "Example.ORG", "--names", "www", "--check", "https:8443/healthz",
           "--endpoints", "us-east=192.0.2.10+2001:db8::10,192.0.2.11 eu-west=198.51.100.10")


def init(folder, *arguments):
    return kit.run_ctl("init", "--to", str(folder), *arguments)


def test_init_writes_what_steerd_takes(tmp_path):
    folder = tmp_path / "conf"
    done = init(folder, *ANSWERS)
    assert done.returncode == 0, done.stderr
    assert {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()} == {
        "steerd.json", "topology.json", "zones/example.org.zone", "zones/example.org.json"}
    checked = kit.run_steerd("-c", str(folder / "steerd.json"), "--check")
    assert checked.returncode == 0 and "warning" not in checked.stderr, checked.stderr
    topology = json.loads((folder / "topology.json").read_text())
    assert topology["endpoints"]["www-us-east-1"]["addresses"] == ["192.0.2.10", "2001:db8::10"]
    assert topology["checks"]["www"] == {"type": "https", "port": 8443, "path": "/healthz", "interval": "5s", "timeout": "2s", "fall": 3, "rise": 2}
    assert f"steerd -c {folder}/steerd.json --check" in done.stdout
    again = init(folder, *ANSWERS)
    assert again.returncode == 1 and "--force" in again.stderr
    assert init(folder, *ANSWERS, "--force").returncode == 0


def test_init_replaces_the_whole_of_a_configuration(tmp_path):
    """Zones of the sample would be read beside a topology without their endpoints. Nothing of what was there is lost."""
    folder = tmp_path / "conf"
    shutil.copytree(SAMPLE, folder)
    (folder / "zones" / "README").write_text("not of steerd")
    was = {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    done = init(folder, *ANSWERS, "--force")
    assert done.returncode == 0, done.stderr
    checked = kit.run_steerd("-c", str(folder / "steerd.json"), "--check")
    assert checked.returncode == 0 and "warning" not in checked.stderr, checked.stderr
    assert (folder / "zones" / "README").exists()
    aside = {str(path.relative_to(folder)): path for path in folder.rglob("*.old-*")}
    assert {name.split(".old-")[0]: path.read_bytes() for name, path in aside.items()} == \
        {name: text for name, text in was.items() if name != "zones/README"}
    assert len({name.split(".old-")[1] for name in aside}) == 1, "one suffix for all"
    assert all(str(path) in done.stderr for path in aside.values()), "and it is told"


def test_init_writes_nothing_beside_policies_of_others(tmp_path):
    """A zone file that was there is served as it is; a policy would miss its endpoints."""
    folder = tmp_path / "conf"
    (folder / "zones").mkdir(parents=True)
    for name in ("example.com.zone", "example.com.json"):
        shutil.copy(SAMPLE / "zones" / name, folder / "zones")
    done = init(folder, *ANSWERS)
    assert done.returncode == 1 and "zones/example.com.json is there" in done.stderr and "--force" in done.stderr
    assert sorted(path.name for path in folder.rglob("*.*")) == ["example.com.json", "example.com.zone"]
    (folder / "zones" / "example.com.json").rename(folder / "topology.json")
    done = init(folder, *ANSWERS)
    assert done.returncode == 1 and "nothing was written" in done.stderr and not (folder / "steerd.json").exists()
    (folder / "topology.json").unlink()
    assert init(folder, *ANSWERS).returncode == 0
    checked = kit.run_steerd("-c", str(folder / "steerd.json"), "--check")
    assert checked.returncode == 0 and "warning" not in checked.stderr, checked.stderr


@pytest.mark.parametrize("check", ("http", "http:8080", "tcp:25", "icmp", "none"))
@pytest.mark.parametrize("name", ("www", "@", "*", "a.b"))
def test_init_of_any_kind(tmp_path, check, name):
    done = init(tmp_path, "--zone", "example.com", "--names", name, "--check", check, "--endpoints", "here=2001:db8::1")
    assert done.returncode == 0, done.stderr
    checked = kit.run_steerd("-c", str(tmp_path / "steerd.json"), "--check")
    assert checked.returncode == 0, checked.stderr


@pytest.mark.parametrize("option, value, why", (
    ("--listen", "192.0.2.1", "an address with a port"), ("--listen", "", "expected where queries are answered"),
    ("--zone", "a..b", "the name of a zone"), ("--zone", "a/b", "the name of a zone"), ("--zone", ".", "the name of a zone"),
    ("--names", "www.example.com.", "a name within"), ("--names", "a b", "a name within"), ("--endpoints", "us-east", "REGION=ADDRESS"),
    ("--endpoints", "us=x", "an address of IPv4 or IPv6"), ("--endpoints", "us=192.0.2.1+192.0.2.2", "beside another"),
    ("--endpoints", "us=192.0.2.1 us=192.0.2.2", "there twice"), ("--endpoints", "us=192.0.2.1 us-a=192.0.2.2", "would be called"),
    ("--endpoints", " ", "expected servers"), ("--check", "smtp:25", "expected http:PORT/PATH"), ("--check", "tcp:0", "expected http:PORT/PATH"),
    ("--check", "icmp:1", "expected http:PORT/PATH"), ("--check", "tcp:25/x", "expected http:PORT/PATH"), ("--check", "http:80x", "expected http:PORT/PATH")))
def test_answers_that_cannot_be(tmp_path, option, value, why):
    answers = dict(zip(ANSWERS[::2], ANSWERS[1::2]))
    answers[option] = value
    done = init(tmp_path / "conf", *(word for pair in answers.items() for word in pair))
    assert done.returncode == 2 and why in done.stderr, done
    assert not (tmp_path / "conf").exists()


def test_what_is_not_said_where_nobody_can_be_asked(tmp_path):
    done = init(tmp_path)
    assert done.returncode == 2 and "it takes --endpoints" in done.stderr


def test_five_questions(site):
    """At a terminal; what was written serves as it is, but for the place of its socket."""
    listen = "%s:%d" % site.listen[0]
    lines = [listen, "example.net", "", "nonsense", "us=127.0.0.9", "none"]  # an answer that cannot be is asked for again
    pid, terminal = pty.fork()
    if pid == 0:
        os.execv(kit.STEERCTL, ["steerctl", "init", "--to", str(site.folder / "conf")])
    shown = b""
    while True:
        if not select.select([terminal], [], [], kit.PATIENCE_S)[0]:
            break
        try:
            part = os.read(terminal, 4096)
        except OSError:
            break
        shown += part
        if shown.endswith(b"\n   ") and lines:
            os.write(terminal, lines.pop(0).encode() + b"\n")
            shown += b"|"
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0, shown
    assert shown.count(b"4. Where are the servers?") == 2 and not lines
    site.config = pathlib.Path(site.folder / "conf/steerd.json")
    site.write = lambda: site
    server = kit.Server(site)
    site.running.append(server)
    server.start()
    answer = dns.query.udp(dns.message.make_query("www.example.net", "A"), site.listen[0][0], port=site.listen[0][1], timeout=kit.PATIENCE_S)
    assert answer.answer[0][0].address == "127.0.0.9"


# ---- README ----

@pytest.mark.skipif(os.geteuid() != 0 or shutil.which("dig") is None or shutil.which("unshare") is None, reason="needs root, dig and unshare")
def test_from_the_sample_to_a_zone_of_ones_own(tmp_path):
    """The lines of README.md, copied and run, in a network that has nothing but loopback."""
    block = re.search(r"From the sample to your own zone:\n\n```sh\n(.*?)```", (kit.TOP / "README.md").read_text(), flags=re.S)[1]
    assert block.count("\n") <= 11
    (tmp_path / "bin").mkdir()
    for program in (kit.STEERD, kit.STEERCTL):
        (tmp_path / "bin" / program.name).symlink_to(program)
    script = tmp_path / "lines"
    script.write_text(f"set -e\nip link set lo up\n{block}\nkill %1\nwait %1\n")
    done = subprocess.run(["unshare", "--net", "bash", str(script)], capture_output=True, text=True, timeout=kit.PATIENCE_S, check=False, stdin=subprocess.DEVNULL,
                          env={**kit.make_environment(), "PATH": f"{tmp_path}/bin:{os.environ['PATH']}", "EDITOR": "true", "TMPDIR": str(tmp_path)})
    assert done.returncode == 0, (done.stdout[-3000:], done.stderr[-3000:])
    answers = [line for line in done.stdout.splitlines() if re.fullmatch(r"192\.0\.2\.1[01]", line)]
    assert len(answers) == 1 and "us-east" in done.stdout and "eu-west" in done.stdout, done.stdout


# ---- packages ----

def test_every_file_that_is_installed_is_in_a_package(tmp_path):
    """What `make deb` finds out after a build of its own (contrib/runtests deb)."""
    folders = {"prefix": "/usr", "sysconfdir": "/etc", "libexecdir": "/usr/libexec", "systemdunitdir": "/lib/systemd/system",
               "zshcompletiondir": "/usr/share/zsh/vendor-completions"}
    done = subprocess.run(["make", "-s", "-C", pathlib.Path(kit.STEERD).parents[1], "install", f"DESTDIR={tmp_path}",
                           *(f"{name}={folder}" for name, folder in folders.items())], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    packed = [line for path in (kit.TOP / "contrib/debian").glob("*.install") for line in path.read_text().splitlines()]
    installed = [str(path.relative_to(tmp_path)) for path in tmp_path.rglob("*") if path.is_file()]
    assert len(installed) > 20
    assert [name for name in installed if not any(name == one or name.startswith(f"{one}/") for one in packed)] == []
    assert [one for one in packed if not (tmp_path / one).exists()] == []
