# SPDX-License-Identifier: BSD-3-Clause
"""The packages in a system that systemd has booted (systemd-nspawn, with a network of nothing but loopback): what is promised of the
units is seen there. No query is lost by a restart or an upgrade, one at most by a kill -9, what hangs is ended by the watchdog, a refused
reload says so."""
import pathlib
import subprocess

import pytest
from debkit import Root, Stream, change_version, unpack_root, wait_for

MORE = ("systemd-sysv", "dbus", "iproute2", "procps")


class Booted(Root):
    def __init__(self, folder):  # pylint: disable=super-init-not-called
        self.folder = folder
        with open(folder.parent / "console", "wb") as console:
            self.process = subprocess.Popen(["systemd-nspawn", "-q", "-D", str(folder), "--boot", "--private-network", "--register=no", "--keep-unit"],
                                            stdin=subprocess.DEVNULL, stdout=console, stderr=console)
        self.pid = wait_for(self.find_first, "systemd is there")
        wait_for(lambda: self.ask("is-system-running") in ("running", "degraded"), "it has booted")

    def find_first(self):
        for pid in pathlib.Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children").read_text().split():
            if pathlib.Path(f"/proc/{pid}/comm").read_text() == "systemd\n":
                return pid
        return None

    def ask(self, *words):
        done = subprocess.run(self.enter("systemctl", *words), capture_output=True, text=True, check=False, stdin=subprocess.DEVNULL)
        return done.stdout.strip()

    def show(self, what):
        return self.ask("show", "-P", what, "steerd")

    def configure(self, unit, text):
        """A drop-in."""
        folder = self.folder / f"etc/systemd/system/{unit}.d"
        folder.mkdir(exist_ok=True)
        (folder / "test.conf").write_text(text)
        self.run("systemctl", "daemon-reload")

    def close(self):
        self.process.terminate()  # it halts
        try:
            self.process.wait(60)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()


@pytest.fixture(scope="module")
def system(debs, tmp_path_factory):
    found = Booted(unpack_root(debs, tmp_path_factory.mktemp("booted"), *MORE))
    found.install(*(debs[name] for name in ("steerd", "steerctl", "steerprobe")))
    yield found
    found.close()


def test_it_is_started_and_confined(system):
    assert system.ask("is-active", "steerd") == "active" and system.ask("is-enabled", "steerd") == "enabled"
    status = system.run("cat", f"/proc/{system.show('MainPID')}/status")
    assert "NoNewPrivs:\t1" in status and "CapEff:\t0000000000002400" in status  # CAP_NET_BIND_SERVICE, CAP_NET_RAW
    assert "steerd" == system.run("stat", "-c", "%U", "/run/steerd/admin.sock").strip()
    for unit in "steerd.service", "steerprobe.service":
        level = float(system.run("systemd-analyze", "security", "--no-pager", unit).rsplit("level for", 1)[1].split(":")[1].split()[0])
        assert level <= 1.6
    asked, answered = Stream(system).end()
    assert asked == answered > 0


def test_a_restart_loses_no_query(system):
    stream, before = Stream(system), system.show("MainPID")
    system.run("systemctl", "restart", "steerd")
    assert system.show("MainPID") != before
    asked, answered = stream.end()
    assert asked == answered > 0


def kill_it(system):
    """Queries wait in the sockets that systemd keeps. Only one that it has just read goes with it."""
    stream, killed = Stream(system), system.show("MainPID")
    system.run("kill", "-9", killed)
    wait_for(lambda: system.show("MainPID") not in ("0", killed) and system.ask("is-active", "steerd") == "active", "systemd starts another one")
    asked, answered = stream.end()
    assert asked - 1 <= answered > 1


def test_a_kill_costs_a_query_at_most(system):
    kill_it(system)
    assert system.show("NRestarts") == "1"


def test_an_upgrade_takes_over_and_systemd_follows(system, debs, tmp_path):
    stream, before = Stream(system), system.show("MainPID")
    system.install(change_version(debs["steerd"], tmp_path, "9.1"))
    now = wait_for(lambda: system.show("MainPID") not in ("0", before) and system.show("MainPID"), "systemd has heard who it is now")
    asked, answered = stream.end()
    assert asked == answered > 100 and system.ask("is-active", "steerd") == "active"
    assert "reception only permitted" not in system.run("journalctl", "-u", "steerd", "--no-pager")
    assert now == system.show("MainPID")
    kill_it(system)  # it is no child of systemd's


def test_a_reload_that_is_refused_says_so(system):
    file = system.folder / "etc/steerd/topology.json"
    good = file.read_text()
    file.write_text("{")
    system.run("systemctl", "reload", "steerd")
    wait_for(lambda: system.show("StatusText").startswith("reload refused"), "systemctl status tells")
    file.write_text(good)
    system.run("systemctl", "reload", "steerd")
    wait_for(lambda: system.show("StatusText").startswith("reload ok"), "systemctl status tells")


def test_what_hangs_is_started_again(system):
    system.configure("steerd.service", "[Service]\nWatchdogSec=2s\n")
    system.run("systemctl", "restart", "steerd")
    pid = system.show("MainPID")
    system.run("kill", "-STOP", pid)
    wait_for(lambda: system.show("MainPID") not in ("0", pid) and system.ask("is-active", "steerd") == "active", "the watchdog has ended it")
    asked, answered = Stream(system).end()
    assert asked == answered > 0


def test_a_query_starts_it(system):
    system.configure("steerd.socket", "[Socket]\nListenDatagram=\nListenStream=\nListenDatagram=127.0.0.1:5300\nListenStream=127.0.0.1:5300\n")
    system.run("systemctl", "stop", "steerd")
    system.run("systemctl", "start", "steerd.socket")
    assert system.ask("is-active", "steerd") != "active"
    asked, answered = Stream(system).end()
    assert asked == answered > 0 and system.ask("is-active", "steerd") == "active"
    assert "sockets given count=2" in system.run("journalctl", "-u", "steerd", "--no-pager")


def test_it_is_purged(system):
    system.run("dpkg", "-P", "steerd", "steerctl", "steerprobe")
    assert system.ask("is-active", "steerd") != "active" and not (system.folder / "var/lib/steerd").exists()
