# SPDX-License-Identifier: BSD-3-Clause
"""Units of systemd: they are well-formed, keep what they promise to take away, and start what there is."""
import os
import pathlib
import re
import shutil
import signal
import subprocess

import pytest

import kit
import vantagekit

UNIT = kit.STEERD.parent.parent / "contrib/systemd/steerprobe.service"
ANALYZE = shutil.which("systemd-analyze")
EXPOSURE_MOST = 2.0  # of 10: what systemd-analyze thinks of it


@pytest.fixture
def unit(tmp_path):
    """As it is installed, but for the path of the program."""
    if not UNIT.exists():
        pytest.skip("units are not built")
    text = UNIT.read_text()
    assert "@" not in re.sub(r"[~@]*@(system-service|privileged|resources)", "", text), "what was not filled in"
    path = tmp_path / "steerprobe.service"
    path.write_text(re.sub(r"^ExecStart=\S+", f"ExecStart={vantagekit.STEERPROBE}", text, flags=re.M))
    return path


def analyze(*arguments):
    if ANALYZE is None:
        pytest.skip("there is no systemd-analyze")
    return subprocess.run([ANALYZE, *map(str, arguments)], capture_output=True, text=True, timeout=kit.PATIENCE_S, check=False,
                          env=dict(os.environ, SYSTEMD_LOG_LEVEL="info"))


def test_systemd_understands_it(unit):
    done = analyze("verify", "--man=no", unit)
    assert done.returncode == 0 and not [line for line in done.stderr.splitlines() if unit.name in line], done


def test_little_is_left_to_it(unit):
    done = analyze("security", "--offline=yes", f"--threshold={int(EXPOSURE_MOST * 10)}", "--no-pager", unit)
    assert done.returncode == 0, done.stdout[-3000:]


def test_what_it_starts_runs_and_reads_its_folder_again(unit, tmp_path):
    command = re.search(r"^ExecStart=(.*)$", unit.read_text(), flags=re.M).group(1).split()
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
