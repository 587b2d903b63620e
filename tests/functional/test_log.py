# SPDX-License-Identifier: BSD-3-Clause
"""The log: what its lines look like wherever they go, that nothing can be forged in them, and that nobody waits for who
reads them."""
import fcntl
import json
import os
import re
import shlex
import signal
import socket
import subprocess
import threading

import kit

FORGED = 'x" state=up\\nfoo=bar observed=healthy'


def fields(line):
    """The line as a dict: what is quoted is one value."""
    parts = [part for part in shlex.split(line) if "=" in part]
    return dict(part.split("=", 1) for part in parts)


def full_pipe():
    """A pipe that takes nothing more, and what it has in it."""
    reader, writer = os.pipe()
    flags = fcntl.fcntl(writer, fcntl.F_GETFL)
    fcntl.fcntl(writer, fcntl.F_SETFL, flags | os.O_NONBLOCK)
    filled = 0
    for size in 4096, 1:
        try:
            while True:
                filled += os.write(writer, b"." * size)
        except BlockingIOError:
            pass
    fcntl.fcntl(writer, fcntl.F_SETFL, flags)
    return reader, writer, filled


def make_pair(site):
    at = kit.make_regions(site)
    us, eu = [at["us-east-1a"], at["us-east-1b"]], [at["eu-west-1a"], at["eu-west-1b"]]
    site.zone("example.com", "")
    site.policy("example.com", {"www": {"ttl": 5, "endpoints": ["web-*"], "tiers": [["us-east"], ["eu-west"]]}})
    return us, eu, site.web(*us), site.web(*eu)


def dropped(server):
    metrics = server.request("GET", "/metrics").body.decode()
    return sum(int(count) for count in re.findall(r"^steerd_log_dropped_total\{.*\} (\d+)$", metrics, re.M))


# ---- nobody waits ----

def start_unread(site):
    reader, writer, filled = full_pipe()
    server = kit.Server(site.write())
    site.running.append(server)
    server.start_unread(writer)
    os.close(writer)
    return server, reader, filled


def test_stderr_that_nobody_reads(site):
    """Failover, DNS, the API and the end go on, however much there is to log."""
    us, eu, east, _ = make_pair(site)
    server, reader, filled = start_unread(site)
    server.wait_answers("www.example.com", us)
    server.wait_state("region", "us-east", observed="healthy")
    connection = kit.UnixConnection(site.socket)
    for turn in range(6000): # more than can wait
        body = {"state": ("drain", "auto")[turn % 2], "reason": "y" * 250}
        connection.request("PUT", "/v1/endpoints/web-eu-west-1a/override", json.dumps(body), {"Content-Type": "application/json"})
        reply = connection.getresponse()
        assert reply.status == 200 and reply.read()
    connection.close()
    east.kill()
    server.wait_answers("www.example.com", eu)
    server.wait_state("region", "us-east", observed="unhealthy")
    east.start()
    server.wait_answers("www.example.com", us)

    drained = []

    def drain():
        with os.fdopen(reader, "rb") as pipe:
            pipe.read(filled)
            for line in pipe:
                drained.append(line.decode())

    thread = threading.Thread(target=drain)
    thread.start()
    server.wait(lambda: any(" log dropped lines=" in line for line in drained), "the count of lines that were dropped")
    server.wait(lambda: dropped(server) > 0, "it is in the metrics")
    server.override("region", "us-east", "drain", reason="later")
    server.wait(lambda: any("reason=later" in line for line in drained), "the log goes on")
    server.stop()
    thread.join()
    told = sum(int(fields(line)["lines"]) for line in drained if " log dropped " in line)
    assert told > 0 and "stopped exit=0" in drained[-1]


def test_the_end_waits_for_no_reader(site):
    """SIGTERM while the pipe is full: what is not written is lost, and that is all."""
    make_pair(site)
    server, reader, _ = start_unread(site)
    server.process.send_signal(signal.SIGTERM)
    assert server.process.wait(kit.PATIENCE_S) == 0
    os.close(reader)


def test_a_journal_that_nobody_reads(site):
    us, eu, east, _ = make_pair(site)
    path = site.folder / "journal"
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as journal:
        journal.bind(str(path))
        site.server["log"] = {"target": "journal", "socket": "journal"}
        server = kit.Server(site.write())
        site.running.append(server)
        server.start_unread(subprocess.DEVNULL)
        server.wait_answers("www.example.com", us)
        for turn in range(100):
            server.override("endpoint", "web-eu-west-1a", ("drain", "auto")[turn % 2])
        east.kill()
        server.wait_answers("www.example.com", eu)
        server.stop()


def test_a_journal_that_nobody_reads_can_be_left(site):
    """A reload names another target: what is logged from then on is there, not behind a line that nobody takes."""
    make_pair(site)
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as journal:
        journal.bind(str(site.folder / "journal"))
        site.server["log"] = {"target": "journal", "socket": "journal"}
        server = kit.Server(site.write())
        site.running.append(server)
        with open(server.log_path, "ab") as log:
            server.start_unread(log)
        for turn in range(1000):  # more than a socket holds
            server.override("endpoint", "web-eu-west-1a", ("drain", "auto")[turn % 2])
        site.server["log"] = {"target": "stderr"}
        site.write()
        assert server.reload().status == 200
        server.override("region", "us-east", "drain", reason="left")
        server.wait_log("override", "reason=left")
        server.stop()


# ---- where to ----

def journal_entry(datagram):
    """The native protocol: KEY=value, or KEY, 64 bits of length and the value."""
    entry = {}
    while datagram:
        end = datagram.index(b"\n")
        key, is_short, value = datagram[:end].partition(b"=")
        if is_short:
            datagram = datagram[end + 1:]
        else:
            size = int.from_bytes(datagram[end + 1:end + 9], "little")
            value, datagram = datagram[end + 9:end + 9 + size], datagram[end + 10 + size:]
        assert key.decode() not in entry, key
        entry[key.decode()] = value.decode()
    return entry


def receive(sock, holds):
    """The first message for which it holds."""
    sock.settimeout(kit.PATIENCE_S)
    while True:
        message = sock.recv(1 << 16)
        got = holds(message)
        if got:
            return got


def test_journal_and_syslog(site):
    make_pair(site)
    site.server["log"] = {"target": "journal", "socket": "journal"}
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as journal, socket.socket(
            socket.AF_UNIX, socket.SOCK_DGRAM) as syslog:
        journal.bind(str(site.folder / "journal"))
        syslog.bind(str(site.folder / "syslog"))
        server = kit.Server(site.write())
        site.running.append(server)
        server.start_unread(subprocess.DEVNULL)
        server.override("region", "us-east", "drain", reason='a "reason" = \u00e4')

        def of_override(message):
            entry = journal_entry(message)
            return entry if entry["STEERD_EVENT"] == "override" else None

        entry = receive(journal, of_override)
        assert entry["STEERD_REASON"] == 'a "reason" = \u00e4' and entry["STEERD_NAME"] == "us-east"
        assert entry["PRIORITY"] == "6" and entry["SYSLOG_IDENTIFIER"] == "steerd"
        assert 'reason="a \\"reason\\" = \u00e4"' in entry["MESSAGE"]

        site.server["log"] = {"target": "syslog", "socket": "syslog", "format": "json"}
        site.write()
        assert server.reload().status == 200
        server.override("region", "us-east", "auto")
        found = receive(syslog, lambda message: re.fullmatch(rb"<30>\w{3} [ \d]\d [\d:]{8} steerd\[(\d+)\]: (\{.*\})", message))
        assert int(found[1]) == server.process.pid and json.loads(found[2])["level"] == "info"
        server.stop()


def test_json(pair):
    server = pair.server
    offset = len(server.log_path.read_bytes())
    pair.site.server["log"] = {"format": "json"}
    pair.site.write()
    assert server.reload().status == 200
    server.override("region", "us-east", "drain", reason='q " \\ \u00e4')
    pair.east.kill()
    server.wait_state("region", "us-east", observed="unhealthy")
    server.wait_log('"event":"override"', offset=offset)
    pair.site.server["log"] = {"level": "warning"}
    pair.site.write()
    assert server.reload().status == 200
    server.wait_log('"event":"reload"', offset=offset)
    lines = [line for line in server.read_log(offset).split("\n") if line.startswith("{")]
    documents = [json.loads(line) for line in lines]
    assert all({"time", "level", "event"} <= set(document) for document in documents)
    override = next(document for document in documents if document["event"] == "override")
    assert override["reason"] == 'q " \\ \u00e4' and override["state"] == "drain"
    assert {"health", "override"} <= {document["event"] for document in documents}
    reload = next(document for document in documents if document["event"] == "reload")
    assert reload["errors"] == 0 and isinstance(reload["generation"], int)


# ---- what is in it ----

def health_lines(server, offset):
    lines = [line for line in server.read_log(offset).splitlines() if " health " in line]
    return [(found["kind"], found["name"], found["observed"], found["effective"]) for found in map(fields, lines)]


def test_a_region_loss_tells_each_object_once(pair):
    """And each is told as what it has become in the end."""
    server, offset = pair.server, len(pair.server.log_path.read_bytes())
    pair.east.kill()
    server.wait_state("region", "us-east", observed="unhealthy")
    server.wait_log(" health ", "kind=region", "name=us-east", "observed=unhealthy", offset=offset)
    server.wait(lambda: len(health_lines(server, offset)) >= 5, "all objects are in the log")
    assert server.reload().status == 200 # a line behind them
    server.wait_log(" reload ", "result=ok", offset=offset)
    expected = [("region", "us-east"), ("az", "us-east-1a"), ("az", "us-east-1b"), ("endpoint", "web-us-east-1a"),
                ("endpoint", "web-us-east-1b")]
    assert sorted(health_lines(server, offset)) == sorted(pair + ("unhealthy", "unhealthy") for pair in expected)


def test_a_reason_is_one_field(pair):
    server = pair.server
    server.override("region", "us-east", "drain", reason=FORGED.replace("\\n", " "), actor='eve" reason=none')
    line = server.wait_log(" override ", "name=us-east")
    assert fields(line)["reason"] == FORGED.replace("\\n", " ")
    assert fields(line)["actor"] == 'eve" reason=none' and fields(line)["state"] == "drain"
