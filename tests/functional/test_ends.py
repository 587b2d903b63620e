# SPDX-License-Identifier: BSD-3-Clause
"""Ends and files: SIGTERM ends whatever runs, nothing waits for a file that is none, one steerd per state folder.

Bounds of time are generous: what they tell from is minutes, or for ever."""
import fcntl
import json
import os
import signal
import subprocess
import threading
import sys

import pytest

import kit

sys.path.insert(0, str(kit.TOP / "tests/chaos"))
import disk as chaos  # noqa: E402

SOON_S = 10
# 64 million records out of a small file: minutes, and more memory than the test waits for
HUGE = "".join(f"$GENERATE 1-65536 a$.b{i} 60 A 192.0.2.1\n" for i in range(1000))


def launch(site, environment=None):
    """A steerd that is not waited for, on the files as they are."""
    server = kit.Server(site)
    with open(server.log_path, "ab") as log:
        server.process = subprocess.Popen([str(kit.STEERD), "-c", str(site.config)], stderr=log,
                                          stdin=subprocess.DEVNULL, env=environment or kit.make_environment())
    return server


def end(server, number=signal.SIGTERM):
    """Exit 0, soon."""
    server.process.send_signal(number)
    try:
        code = server.process.wait(SOON_S)
    except subprocess.TimeoutExpired:
        server.kill()
        raise AssertionError(f"still there: {server.read_log()[-2000:]}") from None
    server.assert_no_defect()
    assert code == 0, server.read_log()[-2000:]


def memory_kb(server):
    with open(f"/proc/{server.process.pid}/status", encoding="ascii") as stream:
        return next(int(line.split()[1]) for line in stream if line.startswith("VmRSS"))


def wait_loading(server, more_kb=50000):
    before = memory_kb(server)
    server.wait(lambda: memory_kb(server) > before + more_kb, "a huge zone is being read")


# ---- the end ----

@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_the_first_load_can_be_called_off(site, number):
    server = launch(site.zone("example.com", HUGE).write())
    wait_loading(server)
    end(server, number)
    log = server.read_log()
    assert "stopped exit=0" in log and "start failed" not in log and "error:" not in log, log


def test_a_reload_can_be_called_off(site):
    server = site.zone("example.com", "www 60 IN A 192.0.2.1\n").start()
    site.zone("example.com", HUGE).write()
    server.process.send_signal(signal.SIGHUP)
    wait_loading(server)
    assert server.addresses("www.example.com") == ["192.0.2.1"]
    end(server)
    log = server.read_log()
    assert "stopped exit=0" in log and "reload result" not in log, log


def test_a_control_thread_that_waits_does_not_matter(site):
    """A disk that does not come back: the control thread is somewhere in it, and the log says where the end was."""
    site.server["zone_options"] = {"example.com": {"transfer_to": "127.0.0.0/8", "serial": "unixtime"}}
    site.zone("example.com", "www 60 IN A 192.0.2.1\n").write()
    (site.folder / "var").mkdir()
    disk = chaos.Disk(site.folder / "var", site.folder / "disk")
    disk.set(chaos.SYNC_MS, 3600 * 1000)
    server = launch(site, disk.environment())
    server.wait(lambda: disk.get(chaos.SYNCS) > 0, "something is to be synced")
    server.process.send_signal(signal.SIGTERM)
    assert server.process.wait(kit.PATIENCE_S) == 0, server.read_log()
    server.assert_no_defect()
    disk.close()


def test_a_control_thread_that_is_lost_is_not_waited_for(site):
    """The last resort: whatever it is in, the process ends, says so and where, and with 0."""
    site.zone("example.com", "www 60 IN A 192.0.2.1\n").write()
    disk = chaos.Disk(site.folder / "var", site.folder / "disk")
    server = launch(site, disk.environment())
    server.wait_log("answers queries")
    disk.set(chaos.HELD, 1)
    server.process.send_signal(signal.SIGHUP)  # something to take up
    server.wait(lambda: disk.get(chaos.HOLDS) > 0, "the control thread is held")
    assert server.addresses("www.example.com") == ["192.0.2.1"]
    server.process.send_signal(signal.SIGTERM)
    assert server.process.wait(kit.PATIENCE_S + 20) == 0, server.read_log()
    server.assert_no_defect()
    log = server.read_log()
    assert "stop forced" in log and "waiting_for=control" in log, log
    assert "stopped exit=0" not in log
    disk.close()


def test_warnings_that_nobody_reads_do_not_hold_up_the_start(site):
    """stderr is a full pipe, whose reader does not go on, and there is something to say."""
    site.zone("example.com", "www 60 IN A 192.0.2.1\nmail 60 IN MX 1 nowhere\n").write()
    reader, writer = os.pipe()
    os.write(writer, bytes(fcntl.fcntl(writer, fcntl.F_SETPIPE_SZ, 4096)))
    server = kit.Server(site)
    server.process = subprocess.Popen([str(kit.STEERD), "-c", str(site.config)], stderr=writer, stdin=subprocess.DEVNULL,
                                      env=kit.make_environment())
    os.close(writer)
    site.running.append(server)

    def answers():
        try:
            return server.addresses("www.example.com") == ["192.0.2.1"]
        except (OSError, kit.dns.exception.DNSException):
            return False
    server.wait(answers, "it answers")
    server.process.send_signal(signal.SIGTERM)
    assert server.process.wait(SOON_S + 20) == 0
    os.close(reader)


# ---- what is no file ----

KEY = {"keys": {"k.": {"secret_file": "key"}}}
PLACES = {
    "zone": "zones/example.com.zone",
    "policy": "zones/example.com.json",
    "topology": "topology.json",
    "configuration": "steerd.json",
    "key": "key",
    "include": "zones/more",
    "geo": "geo.mmdb",
    "serials": "var/serials",
}


@pytest.fixture
def everything(site):
    """One file of each kind."""
    kit.make_regions(site, ["us-east-1a"], interval="1h")
    site.zone("example.com", "$INCLUDE more\n").policy("example.com", {"www": {"endpoints": ["*"]}})
    site.server.update(KEY, geo=["geo.mmdb"])
    site.write()
    site.put("key", "c2VjcmV0IHNlY3JldCBzZWNyZXQ=\n")
    (site.folder / "key").chmod(0o600)
    site.put("zones/more", "static 60 IN A 192.0.2.1\n")
    (site.folder / "geo.mmdb").write_bytes((kit.TOP / "tests/data/geo/country.mmdb").read_bytes())
    (site.folder / "var").mkdir()
    return site


def start_as_it_is(site):
    """Without writing the documents anew."""
    server = kit.Server(site)
    site.running.append(server)
    return server.start()


def replace_by_fifo(path):
    path.unlink(missing_ok=True)
    os.mkfifo(path)


@pytest.mark.parametrize("kind", PLACES)
def test_a_fifo_is_refused_by_name(everything, kind):
    replace_by_fifo(everything.folder / PLACES[kind])
    if kind != "serials":  # which --check does not read
        done = kit.run_steerd("-c", str(everything.config), "--check")
        assert done.returncode == 1 and "found a FIFO, expected a regular file" in done.stderr, done
    server = launch(everything)
    server.wait(lambda: "answers queries" in server.read_log() or server.process.poll() is not None, "started or ended")
    assert "found a FIFO, expected a regular file" in server.read_log()
    if server.process.poll() is None:
        end(server)
    server.assert_no_defect()


@pytest.mark.parametrize("kind", [kind for kind in PLACES if kind != "serials"])
def test_a_reload_does_not_wait_for_a_fifo(everything, kind):
    server = start_as_it_is(everything)
    replace_by_fifo(everything.folder / PLACES[kind])
    reply = server.reload()
    assert "found a FIFO, expected a regular file" in str(reply.json), reply
    assert server.addresses("static.example.com") == ["192.0.2.1"]
    end(server)


@pytest.mark.parametrize("size", [1 << 30, 10 << 30])
@pytest.mark.parametrize("kind", [kind for kind in PLACES if kind != "serials"])
def test_a_gigabyte_of_zeros_is_refused(everything, kind, size):
    """Sparse: it takes no room on the disk. What is read of it, or kept, is next to nothing."""
    os.truncate(everything.folder / PLACES[kind], 0)
    os.truncate(everything.folder / PLACES[kind], size)
    done = subprocess.run([str(kit.STEERD), "-c", str(everything.config), "--check"], stdin=subprocess.DEVNULL,
                          capture_output=True, text=True, timeout=SOON_S, check=False, env=kit.make_environment())
    assert done.returncode == 1 and PLACES[kind].rpartition("/")[2] in done.stderr, done


# ---- SIGHUP ----

def test_a_sighup_during_a_reload_is_remembered(site):
    server = site.zone("example.com", "www 60 IN A 192.0.2.1\n").start()
    site.zone("example.com", "".join(HUGE.splitlines(keepends=True)[:8])).write()
    server.process.send_signal(signal.SIGHUP)
    wait_loading(server, 20000)
    site.zone("example.com", "www 60 IN A 192.0.2.2\n").write()
    for _ in range(3):
        offset = len(server.log_path.read_bytes())
        server.process.send_signal(signal.SIGHUP)
    server.wait(lambda: server.read_log().count("reload result=ok") == 2, "two reloads", 4 * kit.PATIENCE_S)
    server.wait_answers("www.example.com", ["192.0.2.2"])
    assert "reload remembered" in server.read_log(), server.read_log(offset)
    status = server.get("/v1/status")
    assert status["generation"] == 3, "several are one"


def test_signals_without_end_keep_nobody_out(site):
    """The one reload is remembered while the other runs, for ever; who asks by the API has a turn all the same."""
    server = site.zone("example.com", "".join(HUGE.splitlines(keepends=True)[:8])).start()
    ended = threading.Event()

    def hang_up():
        while not ended.wait(0.001):
            server.process.send_signal(signal.SIGHUP)
    signals = threading.Thread(target=hang_up)
    signals.start()
    try:
        server.wait_log("reload remembered")
        for _ in range(3):
            assert server.request("POST", "/v1/reload").status == 200
    finally:
        ended.set()
        signals.join()



# ---- a second server ----

def make_second(site, **server):
    other = kit.Site(site.folder)
    other.config = site.folder / "second.json"
    document = {"listen": [f"{kit.new_address()}:{kit.DNS_PORT}"], **site.server, **server}
    site.put("second.json", json.dumps(document))
    return other


@pytest.mark.parametrize("own", [{"admin": {"socket": "other"}}, {"state": "othervar"}])
def test_a_second_server_is_refused(site, own):
    """Of the state folder, or of the socket, even if its file is gone."""
    server = site.zone("example.com", "").start()
    other = make_second(site, **own)
    if "state" in own:
        site.socket.unlink(missing_ok=True)
    done = kit.run_steerd("-c", str(other.config))
    assert done.returncode == 1 and f"the process {server.process.pid} has this" in done.stderr, done
    assert kit.run_steerd("-c", str(other.config), "--check").returncode == 0
    server.kill()
    offset = len(server.read_log())
    second = launch(other)
    second.wait_log("answers queries", offset=offset)
    end(second)
