# SPDX-License-Identifier: BSD-3-Clause
"""Units of systemd: they are well-formed, keep what they promise to take away, and start what there is."""
import os
import pathlib
import re
import shutil
import signal
import socket
import subprocess

import pytest

import kit
import vantagekit

UNITS = kit.STEERD.parent.parent / "contrib/systemd"
PROGRAMS = {"steerd": kit.STEERD, "steerprobe": vantagekit.STEERPROBE}
ANALYZE = shutil.which("systemd-analyze")
EXPOSURE_MOST = 1.6  # of 10: what systemd-analyze thinks of it


def write_unit(name, folder):
    """As it is installed, but for the path of the program."""
    built = UNITS / f"{name}.service"
    if not built.exists():
        pytest.skip("units are not built")
    text = built.read_text()
    assert "@" not in re.sub(r"[~@]*@(system-service|privileged|resources)", "", text), "what was not filled in"
    path = folder / built.name
    path.write_text(re.sub(r"^ExecStart=\S+", f"ExecStart={PROGRAMS[name]}", text, flags=re.M))
    return path


@pytest.fixture(params=sorted(PROGRAMS))
def unit(request, tmp_path):
    return write_unit(request.param, tmp_path)


def analyze(*arguments):
    if ANALYZE is None:
        pytest.skip("there is no systemd-analyze")
    return subprocess.run([ANALYZE, *map(str, arguments)], capture_output=True, text=True, timeout=kit.PATIENCE_S, check=False,
                          env=dict(os.environ, SYSTEMD_LOG_LEVEL="info"))


def test_systemd_understands_it(unit):
    done = analyze("verify", "--man=no", unit)
    assert done.returncode == 0 and not [line for line in done.stderr.splitlines() if unit.name in line], done


def test_it_is_started_as_often_as_it_takes(unit):
    """However long an address or a disk takes to come, systemd does not give up."""
    sections = dict(re.findall(r"^\[(\w+)\]\n((?:(?!\[).*\n?)*)", unit.read_text(), flags=re.M))
    assert "StartLimitIntervalSec=0" in sections["Unit"].splitlines() and re.search("^Restart=", sections["Service"], flags=re.M)


def test_the_socket_unit_is_understood(tmp_path):
    write_unit("steerd", tmp_path)
    socket_unit = tmp_path / "steerd.socket"
    socket_unit.write_text((kit.TOP / "contrib/systemd/steerd.socket").read_text())
    done = analyze("verify", "--man=no", socket_unit)
    assert done.returncode == 0 and "steerd." not in done.stderr, done
    said = socket_unit.read_text()
    assert set(re.findall("^ListenDatagram=(.*)", said, flags=re.M)) == set(re.findall("^ListenStream=(.*)", said, flags=re.M))


def test_little_is_left_to_it(unit):
    done = analyze("security", "--offline=yes", f"--threshold={int(EXPOSURE_MOST * 10)}", "--no-pager", unit)
    assert done.returncode == 0, done.stdout[-3000:]


def read_command(unit):
    return re.search(r"^ExecStart=(.*)$", unit.read_text(), flags=re.M).group(1).split()


def test_steerd_says_that_it_is_ready_and_has_been_reloaded(tmp_path):
    """With the words of the unit, but for the place of the configuration; systemd is a socket here."""
    command = read_command(write_unit("steerd", tmp_path))
    assert command[1:] == ["-c", command[-1]] and command[-1].endswith("/steerd/steerd.json")
    with kit.new_site() as site, socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as supervisor:
        supervisor.bind(str(site.folder / "notify"))
        supervisor.settimeout(kit.PATIENCE_S)
        site.environment = dict(kit.make_environment(), NOTIFY_SOCKET=str(site.folder / "notify"))
        server = site.zone("example.com", "").start()
        assert supervisor.recv(1000).decode() == f"READY=1\nMAINPID={server.process.pid}"
        server.process.send_signal(signal.SIGHUP)
        assert "RELOADING=1" in supervisor.recv(1000).decode()
        assert "READY=1" in supervisor.recv(1000).decode()


def test_what_it_starts_runs_and_reads_its_folder_again(tmp_path):
    unit = write_unit("steerprobe", tmp_path)
    command = read_command(unit)
    folder = pathlib.Path(tmp_path / "steerprobe")
    command = [word.replace("%S", str(tmp_path)).replace("journal", "stderr") for word in command]
    with open(tmp_path / "log", "wb") as log:
        process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stderr=log, env=kit.make_environment())
    try:
        kit.wait_for(lambda: "started" in (tmp_path / "log").read_text(), "it runs")
        process.send_signal(signal.SIGHUP)
        status = vantagekit.run_probe("status", "--json", "--state", folder).stdout
        assert '"servers"' in status and process.poll() is None
        process.send_signal(signal.SIGTERM)
        assert process.wait(kit.PATIENCE_S) == 0
    finally:
        process.kill()
        process.wait()
