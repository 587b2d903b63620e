# SPDX-License-Identifier: BSD-3-Clause
"""steerctl watch: live in a terminal of any size, once in a pipe; and the terminal is left as it was."""
import contextlib
import fcntl
import json
import os
import pty
import re
import select
import signal
import struct
import subprocess
import termios
import threading
import time

import kit

LEFT = b"\x1b[?1049l"


class Terminal:
    """A terminal of our own, in which steerctl runs."""

    def __init__(self, server, *arguments, rows=24, columns=80):
        self.text = b""
        self.pid, self.fd = pty.fork()
        if self.pid == 0:
            os.environ.update({**kit.make_environment(), "TERM": "xterm"})
            os.environ.pop("NO_COLOR", None)
            os.execv(kit.STEERCTL, ["steerctl", "-s", str(server.site.socket), *arguments])
        self.resize(rows, columns)

    def resize(self, rows, columns):
        fcntl.ioctl(self.fd, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))

    def read(self):
        while select.select([self.fd], [], [], 0.02)[0]:
            try:
                octets = os.read(self.fd, 65536)
            except OSError:  # the other side has closed
                return
            if not octets:
                return
            self.text += octets

    def frame(self):
        """The lines of the last frame that is whole, as they look, and as they came."""
        self.read()
        frames = self.text.split(b"\x1b[H")[1:]
        whole = [frame for frame in frames if b"\x1b[J" in frame]
        if not whole:
            return [], ""
        raw = whole[-1].split(b"\x1b[J")[0].decode()
        return [re.sub(r"\x1b\[[0-9;?]*[a-zA-Z]", "", line) for line in raw.replace("\r", "").split("\n")], raw

    def wait(self, holds, what):
        return kit.wait_for(lambda: holds(*self.frame()), what)

    def end(self, keys=None, number=None):
        """Returns its exit status."""
        if keys is not None:
            os.write(self.fd, keys)
        if number is not None:
            os.kill(self.pid, number)
        def ended():
            self.read()
            pid, status = os.waitpid(self.pid, os.WNOHANG)
            return (status,) if pid else None
        (status,) = kit.wait_for(ended, "steerctl ends")
        self.pid = None
        return status

    def close(self):
        if self.pid is not None:
            os.kill(self.pid, signal.SIGKILL)
            os.waitpid(self.pid, 0)
        os.close(self.fd)


@contextlib.contextmanager
def watch(server, *arguments, **size):
    with contextlib.closing(Terminal(server, "watch", *arguments, **size)) as terminal:
        yield terminal


def has(*texts):
    return lambda lines, raw: all(any(text in line for line in lines) for text in texts)


def test_what_is_there_fits_the_screen(pair):
    with watch(pair.server) as terminal:
        terminal.wait(has("us-east-1a", "eu-west", "web-us-east-1a", "4 of 4 healthy"), "the first frame")
        terminal.wait(lambda lines, raw: any("▁" in line or "█" in line for line in lines), "results")
        terminal.wait(lambda lines, raw: len(lines) <= 24 and all(len(line) <= 80 for line in lines), "a size that fits")
        assert b"\x1b[?1049h" in terminal.text and LEFT not in terminal.text
        assert terminal.end(b"\x03") == 0
        assert terminal.text.endswith(LEFT)


def test_what_changes_is_marked_and_comes_first(pair):
    with watch(pair.server, rows=14) as terminal:
        terminal.wait(has("web-us-east-1a"), "the first frame")
        pair.east.kill()
        lines, raw = terminal.wait(
            lambda lines, raw: has("!us-east ", "!web-us-east-1a", "refused")(lines, raw) and (lines, raw), "the loss, marked")
        assert "\x1b[7m!us-east " in raw
        first = next(line for line in lines if "web-" in line)
        assert "web-us-east-1" in first and "unhealthy" in first and "✗" in first
        assert len(lines) <= 14
        assert terminal.end(b"q") == 0


def test_it_follows_the_size(pair):
    with watch(pair.server) as terminal:
        terminal.wait(has("web-us-east-1a"), "the first frame")
        terminal.resize(8, 40)
        terminal.wait(lambda lines, raw: 0 < len(lines) <= 8 and all(len(line) <= 40 for line in lines), "a small one")
        terminal.resize(50, 200)
        terminal.wait(has("to become unhealthy"), "a large one, with reasons")
        assert terminal.end(number=signal.SIGTERM) == 0 and terminal.text.endswith(LEFT)


def test_the_terminal_is_as_it_was(pair):
    with watch(pair.server) as terminal:
        before = termios.tcgetattr(terminal.fd)
        terminal.wait(has("web-us-east-1a"), "the first frame")
        assert not termios.tcgetattr(terminal.fd)[3] & termios.ECHO
        assert terminal.end(b"\x03") == 0
        assert before[3] & termios.ECHO == 0 or termios.tcgetattr(terminal.fd)[3] & termios.ECHO


def test_a_server_that_goes_and_comes_back(pair):
    with watch(pair.server) as terminal:
        terminal.wait(has("web-us-east-1a"), "the first frame")
        pair.server.stop()
        terminal.wait(has("DOES NOT ANSWER", "web-us-east-1a"), "what was known last, and that it is old")
        pair.server.start()
        terminal.wait(lambda lines, raw: has("4 of 4 healthy")(lines, raw) and not has("DOES NOT")(lines, raw), "it answers")
        assert terminal.end(b"\x03") == 0
        assert b"steerctl:" not in terminal.text


def test_a_server_that_hangs_does_not_hold_us(pair):
    with watch(pair.server) as terminal:
        terminal.wait(has("web-us-east-1a"), "the first frame")
        os.kill(pair.server.process.pid, signal.SIGSTOP)
        try:
            terminal.wait(has("DOES NOT ANSWER"), "that is told")
            began = time.monotonic()
            assert terminal.end(b"\x03") == 0
            assert time.monotonic() - began < kit.PATIENCE_S
        finally:
            os.kill(pair.server.process.pid, signal.SIGCONT)


def test_events_are_shown_as_they_come(pair):
    """Below the checks, the latest first: when, what kind, about whom and what."""
    pair.server.override("az", "us-east-1a", "drain", reason="before")
    with watch(pair.server, rows=40, columns=160) as terminal:
        terminal.wait(has("EVENTS", "az:us-east-1a"), "what was before")
        pair.server.override("az", "eu-west-1a", "drain", reason="a storm")
        def comes_first(lines, _):
            heading = next((i for i, line in enumerate(lines) if line.startswith(" EVENTS")), None)
            below = [] if heading is None else lines[heading + 1:]
            told = [line for line in below if re.match(r" \d\d:\d\d:\d\dZ override +az:eu-west-1a +state=drain .*a storm", line)]
            older = [line for line in below if " override " in line and "az:us-east-1a" in line]
            checks = next(i for i, line in enumerate(lines) if line.startswith(" ENDPOINT"))
            return told and older and below.index(told[0]) < below.index(older[0]) and checks < heading and len(lines) <= 40
        terminal.wait(comes_first, "the latest event, above the one before")
        assert terminal.end(b"q") == 0


def test_events_have_room_beside_many_checks(pair):
    pair.server.override("az", "us-east-1a", "drain", reason="x")
    with watch(pair.server, rows=12) as terminal:
        terminal.wait(lambda lines, raw: has("ENDPOINT", "EVENTS")(lines, raw) and len(lines) <= 12, "both")
        terminal.resize(5, 80)
        terminal.wait(lambda lines, raw: 0 < len(lines) <= 5, "a small one")
        terminal.resize(12, 80)
        terminal.wait(has("EVENTS"), "both once more")
        assert terminal.end(b"q") == 0


def test_events_go_on_behind_a_server_that_was_away(pair):
    with watch(pair.server, rows=40, columns=160) as terminal:
        terminal.wait(has("EVENTS"), "the first frame")
        pair.server.stop()
        terminal.wait(has("DOES NOT ANSWER"), "it is away")
        pair.server.start()
        def is_told(lines, raw):
            pair.server.override("az", "us-east-1b", "drain", reason="after that")
            return has("after that")(lines, raw)
        terminal.wait(is_told, "what comes after that")
        assert terminal.end(b"q") == 0


def test_once(pair):
    text = pair.server.ctl("watch", "--once").stdout
    pair.server.override("az", "us-east-1a", "auto", reason="x")
    assert "EVENTS" in text
    assert "\x1b" not in text and "web-us-east-1a" in text and "eu-west-1b" in text
    checks, events = pair.server.ctl("watch").stdout.split("EVENTS", 1)  # the output is no terminal
    assert checks.count("web-") == 4 and "us-east" in events
    one = pair.server.ctl("watch", "--once", "--region", "eu-west").stdout
    assert "web-eu-west-1a" in one and "us-east" not in one
    assert "eu-west" in pair.server.ctl("watch", "--once", "--region", "eu-wst", code=4).stderr
    pair.server.ctl("watch", "--json", "--once", code=2)
    made = pair.server.request("POST", "/v1/switchovers", {"source": ["region:us-east"], "steps": [20], "each": "1h", "execute": True, "reason": "x"})
    assert made.status == 201, made
    assert f"switchover {made.json['id']}: moving, 20 % off region:us-east" in pair.server.ctl("watch", "--once").stdout


def test_changes_are_lines_of_json(pair):
    lines = []
    with subprocess.Popen([str(kit.STEERCTL), "-s", str(pair.server.site.socket), "watch", "--json"], stdin=subprocess.DEVNULL,
                          stdout=subprocess.PIPE, text=True, env=kit.make_environment()) as watching:
        reader = threading.Thread(target=lambda: lines.extend(iter(watching.stdout.readline, "")))
        reader.start()
        try:
            def is_told():
                """From when it listens on."""
                pair.server.ctl("drain", "az:us-east-1a", "--reason", "x")
                pair.server.ctl("auto", "az:us-east-1a")
                return any(told["kind"] == "override" and told["name"] == "az:us-east-1a" for told in map(json.loads, list(lines)))
            pair.server.wait(is_told, "an override is told")
        finally:
            watching.terminate()
            reader.join(kit.PATIENCE_S)


def test_more_places_than_a_page_has(site):
    regions = [f"r{i:04}" for i in range(1001)]
    site.topology = {"regions": {name: {"azs": {f"{name}-a": {}}} for name in regions}, "endpoints": {}}
    site.zone("example.com", "")
    server = site.start()
    lines = server.ctl("watch", "--once", "--region", "r1000").stdout.splitlines()
    assert [line.split()[0] for line in lines if line.strip().startswith("r")] == ["r1000", "r1000-a"]
    assert server.ctl("watch", "--once").stdout.count("-a ") == len(regions)
