# SPDX-License-Identifier: BSD-3-Clause
"""What tests of takeovers share: a process that becomes ours, a stream of queries that notices any that is lost, and a
program that can be exchanged."""
import ctypes
import os
import signal
import socket
import struct
import subprocess
import threading

import dns.message
import pytest

import kit

PR_SET_CHILD_SUBREAPER = 36
PROGRAM = kit.STEERD
RECORDS = "".join(f"n{i} 60 IN A 10.0.{i // 256}.{i % 256}\n" for i in range(1000))  # that Stream asks for


class Heir:
    """A process that somebody else started; it becomes ours when that one ends."""

    def __init__(self, pid):
        self.pid, self.returncode = pid, None

    def poll(self):
        if self.returncode is None:
            try:
                pid, status = os.waitpid(self.pid, os.WNOHANG)
                if pid == self.pid:
                    self.returncode = os.waitstatus_to_exitcode(status)
            except ChildProcessError:
                if not os.path.exists(f"/proc/{self.pid}"):
                    self.returncode = 0  # whatever it was, its parent has heard it
        return self.returncode

    def wait(self, timeout=kit.PATIENCE_S):
        try:
            kit.wait_for(lambda: self.poll() is not None, f"process {self.pid} ends", timeout)
        except AssertionError:
            raise subprocess.TimeoutExpired("steerd", timeout) from None
        return self.returncode

    def send_signal(self, number):
        os.kill(self.pid, number)

    def kill(self):
        self.send_signal(signal.SIGKILL)


def adopt_orphans():
    """A process whose parent ends becomes a child of this one."""
    ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 1)


@pytest.fixture(autouse=True, scope="module")
def reaper():
    adopt_orphans()


def follow(server, pid):
    """The test goes on with the new process; returns the old one."""
    old, server.process = server.process, Heir(pid)
    return old


def take_over(server):
    """Returns the process that went, and what it said."""
    reply = server.request("POST", "/v1/takeover")
    assert reply.status == 200, (reply, server.read_log()[-3000:])
    return follow(server, reply.json["pid"]), reply.json


def simple(site, **options):
    site.server.update(options)
    return site.zone("example.com", "a 60 IN A 192.0.2.1\n" + RECORDS)


class Stream:
    """Asks for n0 … n999 with many sockets, as fast as one thread can: every query is answered, by its own answer."""

    def __init__(self, at, sockets=32):
        self.at, self.asked, self.answered, self.wrong = at, 0, 0, []
        self.sockets = [socket.socket(socket.AF_INET, socket.SOCK_DGRAM) for _ in range(sockets)]
        for one in self.sockets:
            one.connect(at)
            one.settimeout(5)
        self.stopping = threading.Event()
        self.thread = threading.Thread(target=self.run)
        self.queries = [dns.message.make_query(f"n{i}.example.com", "A", flags=0).to_wire() for i in range(1000)]

    def ask_all(self, number):
        """One query per socket, then their answers."""
        sent = []
        for one in self.sockets:
            which, ident = number % 1000, number % 65536
            one.send(struct.pack("!H", ident) + self.queries[which][2:])
            sent.append((one, ident, which))
            number += 1
        self.asked += len(sent)
        for one, ident, which in sent:
            try:
                reply = one.recv(512)
            except TimeoutError:
                self.wrong.append((number, "lost"))
                continue
            good = struct.unpack("!H", reply[:2])[0] == ident and reply[-4:] == bytes([10, 0, which // 256, which % 256])
            self.answered += good
            if not good:
                self.wrong.append((number, reply))
        return number

    def run(self):
        number = 0
        while not self.stopping.is_set():
            number = self.ask_all(number)

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.stopping.set()
        self.thread.join()
        for one in self.sockets:
            one.close()


@pytest.fixture
def installed(site, monkeypatch):
    """The program is a link, which a test may let lead to another one."""
    link = site.folder / "steerd"
    link.symlink_to(kit.STEERD)
    monkeypatch.setattr(kit, "STEERD", link)
    return link


def install(link, text):
    """A script in the place of the program."""
    link.unlink()
    link.write_text("#!/bin/sh\n" + text)
    link.chmod(0o755)


def begin(server):
    """A takeover that somebody else waits for; returns the thread, a list that gets the reply, and the new process."""
    replies, offset = [], len(server.read_log())

    def ask():
        try:
            replies.append(server.request("POST", "/v1/takeover"))
        except OSError as error:
            replies.append(error)
    thread = threading.Thread(target=ask)
    thread.start()
    line = server.wait_log("takeover begins program=", offset=offset)
    return thread, replies, Heir(int(line.rsplit("pid=", 1)[1]))


def is_served(server, name="a.example.com"):
    try:
        return server.send(dns.message.make_query(name, "A"), timeout=1).answer
    except (OSError, dns.exception.Timeout):
        return False
