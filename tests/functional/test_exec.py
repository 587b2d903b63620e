# SPDX-License-Identifier: BSD-3-Clause
"""exec checks: commands of all kinds, and what becomes of them; of the program that runs them, too. Nothing that says
nothing of an endpoint ever counts against it."""
import contextlib
import fcntl
import os
import pathlib
import shutil
import signal
import stat
import time

import pytest

import kit
from test_https import look, wait_outcomes

EXEC = kit.STEERD.parent / "steerd-exec"
SETPRIV = shutil.which("setpriv")


def command(site, name, text):
    path = site.folder / name
    path.write_text("#!/bin/sh\n" + text)
    path.chmod(0o755)
    return str(path)


def checks_of(site, **checks):
    """Endpoint "e" with these exec checks."""
    site.topology = {
        "regions": {"r": {"azs": {"a": {}}}}, "brake": False,
        "checks": {name: {"type": "exec", "interval": "1s", "timeout": "1s", "fall": 1, "rise": 1, **check}
                   for name, check in checks.items()},
        "endpoints": {"e": {"az": "a", "addresses": ["127.0.0.1"], "checks": list(checks)}},
    }
    site.zone("example.test", "")
    return site


def children(pid, name="steerd-exec"):
    found = []
    for folder in pathlib.Path("/proc").glob("[0-9]*"):
        try:
            words = (folder / "stat").read_text().rsplit(")", 1)
            is_named = name is None or words[0].split("(", 1)[1] == name[:15]
            if int(words[1].split()[1]) == pid and is_named and words[1].split()[0] != "Z":
                found.append(int(folder.name))
        except (OSError, ValueError):
            pass
    return found


def is_running(pid):
    try:
        return pathlib.Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except OSError:
        return False


def read_pid(path):
    return int(kit.wait_for(lambda: path.exists() and path.read_text().strip(), f"{path} written"))


def seen_text(server, name):
    return server.get(f"/v1/checks?endpoint=e&check={name}")["items"][0]["text"]


def test_every_way_to_end_has_its_outcome(site):
    plain = site.folder / "plain"
    plain.write_text("no program")
    server = checks_of(
        site,
        ok={"command": ["/bin/true"]},
        warning={"command": [command(site, "w", "echo WARNING - slow; exit 1")], "warning": "up"},
        strict={"command": [command(site, "strict", "exit 1")]},
        critical={"command": [command(site, "c", "echo 'CRITICAL - all gone|x=1'; exit 2")]},
        unknown={"command": [command(site, "u", "echo UNKNOWN - how; exit 3")]},
        severe={"command": [command(site, "v", "exit 3")], "unknown": "down"},
        other={"command": [command(site, "o", "exit 77")]},
        crash={"command": [command(site, "k", "kill -SEGV $$")]},
        missing={"command": ["/nonexistent/check"]},
        plain={"command": [str(plain)]},
        late={"command": ["/bin/sleep", "600"]},
    ).start()
    wait_outcomes(server, {
        "ok": "ok", "warning": "ok", "strict": "bad_exit", "critical": "bad_exit", "unknown": "local_error",
        "severe": "bad_exit", "other": "bad_exit", "crash": "local_error", "missing": "local_error",
        "plain": "local_error", "late": "timeout"})
    seen = look(server)
    assert [seen[name]["status"] for name in ("strict", "critical", "severe", "other")] == [1, 2, 3, 77]
    assert {seen[name]["verdict"] for name in ("unknown", "crash", "missing", "plain")} == {"unknown"}
    metrics = server.request("GET", "/metrics").body.decode()
    assert 'steerd_checks_not_possible{cause="command"} 4' in metrics
    assert seen_text(server, "critical") == "CRITICAL - all gone|x=1"
    assert seen_text(server, "missing") == "/nonexistent/check cannot be run: No such file or directory"
    assert "CRITICAL - all gone" in server.ctl("checks").stdout


def test_arguments_are_filled_in_and_nothing_is_injected(site):
    out = site.folder / "arguments"
    program = command(site, "args", f'printf "%s\\n" "$#" "$@" >{out}.new; env | sort >>{out}.new; mv {out}.new {out}')
    checks_of(site, args={
        "port": 8443, "timeout": "900ms",
        "command": [program, "-H", "%ADDRESS%", "x%PORT%y", "%ENDPOINT%", "%HOST%", "%FAMILY%", "%TIMEOUT%", "$(id); `id`", "100%", ""],
        "environment": {"LANG": "C", "WHO": "%ADDRESS% $HOME"}})
    site.start()
    lines = kit.wait_for(lambda: out.exists() and out.read_text(), "arguments").split("\n")
    assert lines[:11] == ["10", "-H", "127.0.0.1", "x8443y", "e", "127.0.0.1", "4", "1", "$(id); `id`", "100%", ""]
    variables = {line.split("=", 1)[0]: line.split("=", 1)[1] for line in lines[11:] if "=" in line}
    assert variables.pop("PATH").startswith("/usr/local/sbin:")
    assert {name: variables[name] for name in ("LANG", "WHO")} == {"LANG": "C", "WHO": "%ADDRESS% $HOME"}
    assert set(variables) <= {"LANG", "WHO", "PWD", "SHLVL", "_", "OLDPWD"}


def test_what_a_command_finds(site):
    """No descriptors but its own, no signals ignored or blocked, a group of its own, in /."""
    out = site.folder / "found"
    program = command(site, "look", f"""
ls /proc/self/fd >{out}.new
grep -E '^Sig(Blk|Ign)' /proc/self/status >>{out}.new
echo "group $(cut -d' ' -f5 /proc/self/stat) $$ $(pwd)" >>{out}.new
mv {out}.new {out}""")
    checks_of(site, look={"command": [program]})
    site.start()
    text = kit.wait_for(lambda: out.exists() and out.read_text(), "what it found")
    lines = text.split("\n")
    assert lines[:3] == ["0", "1", "2"] and lines[3] in ("3", "SigBlk:\t0000000000000000")  # 3: the folder that ls reads
    ignored = next(line for line in lines if line.startswith("SigIgn"))
    assert "SigBlk:\t0000000000000000" in lines and int(ignored.split()[1], 16) & ~0x180000000 == 0  # 32 and 33 are libc's
    group = next(line for line in lines if line.startswith("group")).split()
    assert group[1] == group[2] and group[3] == "/"


def test_time_out_kills_the_group(site):
    """SIGTERM would be ignored, and children stay in the group; one that has left it is not ours any more."""
    pids = [site.folder / "leader", site.folder / "child"]
    program = command(site, "stubborn", f"""
trap '' TERM INT HUP
echo $$ >{pids[0]}.new; mv {pids[0]}.new {pids[0]}
sh -c 'trap "" TERM; echo $$ >{pids[1]}.new; mv {pids[1]}.new {pids[1]}; while :; do sleep 1; done' &
while :; do sleep 1; done""")
    server = checks_of(site, stubborn={"command": [program], "interval": "1h"}).start()
    leader, child = read_pid(pids[0]), read_pid(pids[1])
    wait_outcomes(server, {"stubborn": "timeout"})
    kit.wait_for(lambda: not is_running(leader) and not is_running(child), "both killed")


def test_a_daemon_holds_nothing_up(site):
    """What a command leaves in the background is ended with it; its output is heard all the same, and nobody waits for it."""
    pid = site.folder / "daemon"
    program = command(site, "fork", f"(echo $$; sh -c 'echo $$ >{pid}.new; mv {pid}.new {pid}; exec sleep 600') &\n"
                                    f"while ! test -e {pid}; do sleep 0.01; done; echo started; exit 0")
    server = checks_of(site, fork={"command": [program], "interval": "1h", "timeout": "10s"}).start()
    background = read_pid(pid)
    wait_outcomes(server, {"fork": "ok"})
    kit.wait_for(lambda: not is_running(background), "the background killed")


def test_much_output_is_cut_and_read(site):
    server = checks_of(
        site,
        much={"command": ["/usr/bin/head", "-c", "1000000000", "/dev/zero"], "interval": "1h", "timeout": "30s", "output_max": 256},
        text={"command": [command(site, "t", "yes '0123456789' | head -c 100000000")], "interval": "1h", "timeout": "30s", "output_max": 65536},
    ).start()
    wait_outcomes(server, {"much": "ok", "text": "ok"})
    helper = children(server.process.pid)[0]
    peak = next(line for line in pathlib.Path(f"/proc/{helper}/status").read_text().split("\n") if line.startswith("VmHWM"))
    assert kit.DEFECTS and ("Sanitizer" in os.environ.get("ASAN_OPTIONS", "") or int(peak.split()[1]) < 200000)


def test_the_helper_dies(site):
    """By itself, or killed while commands run: those say nothing of the endpoint, and are made again."""
    pid = site.folder / "pid"
    program = command(site, "slow", f"echo $$ >{pid}.new; mv {pid}.new {pid}; exec sleep 600")
    server = checks_of(site, ok={"command": ["/bin/true"]},
                       slow={"command": [program], "interval": "20s", "timeout": "20s"}).start()
    wait_outcomes(server, {"ok": "ok"})
    running = read_pid(pid)
    helper = children(server.process.pid)[0]
    os.kill(helper, signal.SIGKILL)
    wait_outcomes(server, {"slow": "local_error"})
    kit.wait_for(lambda: not is_running(running), "the command ended with it")
    kit.wait_for(lambda: [other for other in children(server.process.pid) if other != helper], "another one")
    server.wait(lambda: look(server)["ok"]["outcome"] == "ok", "checks go on")
    assert look(server)["ok"]["verdict"] == "healthy"
    assert server.get("/v1/endpoints/e")["observed"] != "unhealthy"


@pytest.mark.parametrize("who", ["the helper", "the warden first"])
def test_what_commands_have_started_ends_with_the_helper(site, who):
    """The kernel ends the commands with it, and knows nothing of theirs."""
    pid = site.folder / "pid"
    program = command(site, "slow", f"""
sh -c 'trap "" TERM HUP; echo $$ >{pid}.new; mv {pid}.new {pid}; exec sleep 600' &
exec sleep 600""")
    server = checks_of(site, slow={"command": [program], "interval": "20s", "timeout": "20s"}).start()
    running = read_pid(pid)
    helper = children(server.process.pid)[0]
    warden = kit.wait_for(lambda: children(helper, "steerd-warden"), "the warden")[0]
    if who == "the warden first":
        os.kill(warden, signal.SIGKILL)
        warden = kit.wait_for(lambda: [pid for pid in children(helper, "steerd-warden") if pid != warden], "another one")[0]
        assert is_running(running)
    os.kill(helper, signal.SIGKILL)
    kit.wait_for(lambda: not is_running(running), "what the command has started has ended")
    kit.wait_for(lambda: not is_running(warden), "the warden, too")


def test_a_helper_that_hangs_counts_against_nobody(site):
    server = checks_of(site, ok={"command": ["/bin/true"], "interval": "3s", "timeout": "3s"}).start()  # enough for any machine
    wait_outcomes(server, {"ok": "ok"})
    helper = children(server.process.pid)[0]
    os.kill(helper, signal.SIGSTOP)
    wait_outcomes(server, {"ok": "local_error"})
    assert look(server)["ok"]["verdict"] == "healthy"
    os.kill(helper, signal.SIGCONT)
    wait_outcomes(server, {"ok": "ok"})
    os.kill(helper, signal.SIGSTOP)  # the end does not wait for it
    server.stop()
    kit.wait_for(lambda: not is_running(helper), "killed")


def test_a_helper_that_is_stopped_while_a_command_runs_counts_against_nobody(site):
    """The command has ended in time, and nobody is there to say so."""
    running, go = site.folder / "running", site.folder / "go"
    os.mkfifo(go)
    path = command(site, "waits", f'echo $$ > {running}.new; mv {running}.new {running}; read line < {go}\n')
    server = checks_of(site, ok={"command": [path], "timeout": "10s", "interval": "10s"}).start()
    read_pid(running)
    go.write_text("go\n")
    wait_outcomes(server, {"ok": "ok"})
    running.unlink()
    pid = read_pid(running)  # the next one
    helper = children(server.process.pid)[0]
    os.kill(helper, signal.SIGSTOP)
    go.write_text("go\n")
    kit.wait_for(lambda: not is_running(pid), "it has ended")
    wait_outcomes(server, {"ok": "local_error"})
    assert look(server)["ok"]["verdict"] == "healthy"
    os.kill(helper, signal.SIGCONT)


def test_the_time_of_a_command_begins_with_it(site):
    """The helper was held up for half of the time-out: that is no part of the command's time."""
    running, go = site.folder / "running", site.folder / "go"
    os.mkfifo(go)
    path = command(site, "waits", f'echo $$ > {running}.new; mv {running}.new {running}; read line < {go}\n')
    server = checks_of(site, ok={"command": [path], "timeout": "4s", "interval": "5s"}).start()
    read_pid(running)
    helper = children(server.process.pid)[0]
    go.write_text("go\n")
    wait_outcomes(server, {"ok": "ok"})
    running.unlink()
    os.kill(helper, signal.SIGSTOP)
    server.wait(lambda: "\nsteerd_checks_in_flight 1\n" in server.request("GET", "/metrics").body.decode(), "one under way")
    began = time.monotonic()
    time.sleep(2)
    os.kill(helper, signal.SIGCONT)
    pid = read_pid(running)
    kit.wait_for(lambda: time.monotonic() - began > 4.2 or not is_running(pid), "its time would have been up")
    assert is_running(pid)
    go.write_text("go\n")
    server.wait(lambda: look(server)["ok"]["outcome"] != "none" and not is_running(pid), "it has ended")
    assert 'steerd_checks_total{outcome="timeout"} 0\n' in server.request("GET", "/metrics").body.decode()


@pytest.mark.skipif(os.geteuid() != 0 or SETPRIV is None, reason="only root may become somebody else")
def test_commands_that_cannot_be_killed_leave_room_for_others(site):
    """They run as root, the server does not: their number has an end, the check goes on to fail, others go on to be well."""
    path = site.folder / "rises"
    shutil.copy(SETPRIV, path)
    path.chmod(0o4755)
    site.folder.chmod(0o777)
    site.launcher = [SETPRIV, "--reuid=65534", "--regid=65534", "--clear-groups"]
    site.program, _ = kit.copy_for_others(site.folder, kit.STEERD, kit.STEERD.parent / "steerd-exec")
    site.server["confine"] = {"no_new_privileges": False}
    server = checks_of(site, ok={"command": ["/bin/true"]}, stuck={
        "command": [str(path), "--reuid=0", "--regid=0", "--clear-groups", "/bin/sleep", "600"],
        "interval": "200ms", "timeout": "200ms"}).start()
    helper = kit.wait_for(lambda: children(server.process.pid), "the helper")[0]
    try:
        server.wait(lambda: seen_text(server, "stuck") == "not run: 16 of it were killed and have not ended", "enough of it")
        assert look(server)["stuck"]["outcome"] == "timeout" and look(server)["stuck"]["verdict"] == "unhealthy"
        wait_outcomes(server, {"ok": "ok"})
        stuck = children(helper, "sleep")
        assert len(stuck) == 16
        os.kill(stuck[0], signal.SIGKILL)
        kit.wait_for(lambda: set(children(helper, "sleep")) - set(stuck), "one more")
    finally:
        os.kill(helper, signal.SIGSTOP)  # so that no more of them come
        left = children(helper, None)
        server.stop()
        for pid in left:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)


class Hung:
    """A program that cannot be read for now: opening it waits, as on a disk that hangs."""

    def __init__(self, path):
        self.before = signal.signal(signal.SIGIO, signal.SIG_IGN)
        self.fd = os.open(path, os.O_RDONLY)
        try:
            fcntl.fcntl(self.fd, fcntl.F_SETLEASE, fcntl.F_WRLCK)
            os.close(os.open(path, os.O_RDONLY | os.O_NONBLOCK))
        except BlockingIOError:
            return
        except OSError:
            pass
        self.close()
        pytest.skip("no leases on this file system")

    def release(self):
        fcntl.fcntl(self.fd, fcntl.F_SETLEASE, fcntl.F_UNLCK)

    def close(self):
        os.close(self.fd)
        signal.signal(signal.SIGIO, self.before)


@pytest.mark.parametrize("how", ["released", "stopped"])
def test_the_helper_comes_from_a_disk_that_hangs(site, tmp_path, how):
    """All other checks go on, and so does the end of the server."""
    for program in kit.STEERD, EXEC:
        (tmp_path / program.name).write_bytes(program.read_bytes())
        (tmp_path / program.name).chmod(0o755)
    at = kit.make_regions(site, azs=("us-east-1a", "eu-west-1a"))
    site.topology["checks"]["own"] = {"type": "exec", "command": ["/bin/true"], "interval": "1s", "timeout": "500ms"}
    site.topology["endpoints"]["web-eu-west-1a"]["checks"].append("own")
    site.zone("example.com", "")
    site.policy("example.com", {"www": {"ttl": 5, "endpoints": ["web-*"], "tiers": [["us-east"], ["eu-west"]]}})
    east = site.web(at["us-east-1a"])
    site.web(at["eu-west-1a"])
    hung = Hung(tmp_path / EXEC.name)
    site.program = tmp_path / kit.STEERD.name
    if how == "stopped":  # who looks for leaks stops all threads first, and would wait for the one that hangs
        site.environment = {**kit.make_environment(), "ASAN_OPTIONS": "detect_leaks=0:exitcode=66"}
    try:
        server = site.start()

        def own():
            return next(check for check in server.get("/v1/endpoints/web-eu-west-1a")["checks"] if check["check"] == "own")
        server.wait(lambda: own()["outcome"] == "local_error", "no command has begun")
        server.wait_answers("www.example.com", [at["us-east-1a"]])
        east.kill()
        server.wait_answers("www.example.com", [at["eu-west-1a"]])
        if how == "released":
            hung.release()
            server.wait(lambda: own()["outcome"] == "ok", "commands run")
        server.stop()
    finally:
        hung.close()


@pytest.mark.parametrize("how", ["stop", "kill", "reload"])
def test_commands_end_with_what_wanted_them(site, how):
    pid = site.folder / "pid"
    program = command(site, "slow", f"echo $$ >{pid}.new; mv {pid}.new {pid}; exec sleep 600")
    server = checks_of(site, slow={"command": [program], "interval": "1h", "timeout": "1h"}).start()
    running = read_pid(pid)
    helper = children(server.process.pid)[0]
    if how == "reload":
        checks_of(site, slow={"command": ["/bin/true"]}).write()
        server.reload()
        wait_outcomes(server, {"slow": "ok"})
        assert children(server.process.pid) == [helper]
    else:
        getattr(server, how)()
        kit.wait_for(lambda: not is_running(helper), "the helper ended")
    kit.wait_for(lambda: not is_running(running), "the command ended")


def test_a_reload_leaves_a_running_command_alone(site):
    pid = site.folder / "pid"
    go = site.folder / "go"
    program = command(site, "slow", f"echo $$ >>{pid}; while ! test -e {go}; do sleep 0.02; done")
    server = checks_of(site, slow={"command": [program], "interval": "1h", "timeout": "1h"}).start()
    read_pid(pid)
    site.topology["checks"]["slow"]["fall"] = 2
    site.write()
    server.reload()
    go.write_text("")
    wait_outcomes(server, {"slow": "ok"})
    assert len(pid.read_text().split()) == 1


def test_a_thousand_at_once(site):
    program = command(site, "some", "exec sleep 0.05")
    checks_of(site, some={"command": [program, "%ENDPOINT%"], "interval": "10s", "timeout": "10s"})
    site.topology["endpoints"] = {f"e{i}": {"az": "a", "addresses": [f"127.0.{i // 250}.{i % 250 + 1}"], "checks": ["some"]}
                                  for i in range(1000)}
    server = site.start()
    kit.wait_for(lambda: 'steerd_check_results_total{type="exec",outcome="ok"} ' in server.request("GET", "/metrics").body.decode()
                 and server.get("/v1/checks?verdict=healthy&limit=1")["items"], "the first", 60)
    server.wait(lambda: not server.get("/v1/checks?verdict=unknown&limit=1")["items"], "all of them", 90)
    assert not server.get("/v1/checks?verdict=unhealthy&limit=1")["items"]


def test_check_run_shows_the_command(site):
    program = command(site, "say", "echo \"OK - $1 answers|time=0.1\"; echo more; exit 0")
    server = checks_of(site, say={"command": [program, "%ADDRESS%"]}).start()
    text = server.ctl("check", "run", "e").stdout
    assert f"{program} 127.0.0.1" in text and "OK - 127.0.0.1 answers|time=0.1" in text and "exit code 0" in text
    bad = command(site, "bad", "echo gone; exit 2")
    checks_of(site, say={"command": [bad]}).write()
    server.reload()
    assert "bad_exit" in server.ctl("check", "run", "e", code=7).stdout


def test_without_the_helper_nothing_counts(site, tmp_path):
    """A server whose folder has no steerd-exec, and nothing is installed: said, and no verdict."""
    if os.path.exists("/usr/local/libexec/steerd/steerd-exec"):
        pytest.skip("steerd is installed here")
    copy = tmp_path / "steerd"
    copy.write_bytes(kit.STEERD.read_bytes())
    copy.chmod(copy.stat().st_mode | stat.S_IXUSR)
    checks_of(site, ok={"command": ["/bin/true"]}).write()
    site.program = copy
    server = site.start()
    wait_outcomes(server, {"ok": "local_error"})
    server.wait_log("cause=helper")
    assert 'steerd_checks_not_possible{cause="helper"} 1' in server.request("GET", "/metrics").body.decode()


@pytest.mark.parametrize("check, words", [
    ({"command": ["true"]}, 'expected the absolute path of a program'),
    ({"command": "/bin/true"}, "expected an array of a program and its arguments"),
    ({"command": []}, "expected a program and its arguments"),
    ({}, '"command"'),
    ({"command": ["/bin/true", "%ADRESS%"]}, "found %ADRESS%, expected one of %ADDRESS%"),
    ({"command": ["/bin/true", "%PORT%"]}, 'without "port"'),
    ({"command": ["/bin/true", 5]}, "found a number, expected a string"),
    ({"command": ["/bin/true"], "environment": {"A B": "c"}}, "expected the name of a variable"),
    ({"command": ["/bin/true"], "environment": {"A": 1}}, "expected a text"),
    ({"command": ["/bin/true"], "output_max": 100}, "256"),
    ({"command": ["/bin/true"], "warning": "unknown"}, '"up" or "down"'),
    ({"command": ["/bin/true", "x" * 20000]}, "expected at most 16384"),
    ({"command": ["/bin/true"], "path": "/"}, '"path" has no meaning'),
])
def test_what_is_wrong_is_named(site, check, words):
    checks_of(site, bad=check).write()
    said = kit.run_steerd("-c", str(site.config), "--check")
    assert said.returncode == 1 and words in said.stderr + said.stdout, said.stderr + said.stdout
