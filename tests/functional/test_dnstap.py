# SPDX-License-Identifier: BSD-3-Clause
"""dnstap and the query log: what receivers read is what was asked and answered, and no receiver, however it behaves, holds
up an answer, a reload or the end.

Messages are read by three that are not ours: fstrm_capture takes the streams, dnstap-read of BIND and python's protobuf
decode them."""
import contextlib
import json
import os
import re
import shlex
import signal
import socket
import struct
import subprocess
import threading
import time

import dns.edns
import dns.message
import dns.rcode
import pytest
from google.protobuf import descriptor_pb2, descriptor_pool, message_factory

import kit
from takeovers import reaper, take_over  # noqa: F401  pylint: disable=unused-import

CONTENT_TYPE = b"protobuf:dnstap.Dnstap"


# ---- decoding, by somebody else's code: dnstap.proto of dnstap.info, as far as it is used ----

def make_decoder():
    field = descriptor_pb2.FieldDescriptorProto
    kinds = {"bytes": field.TYPE_BYTES, "number": field.TYPE_UINT64, "small": field.TYPE_UINT32, "fixed": field.TYPE_FIXED32}
    shapes = {
        "Message": [("type", 1, "small"), ("socket_family", 2, "small"), ("socket_protocol", 3, "small"),
                    ("query_address", 4, "bytes"), ("response_address", 5, "bytes"), ("query_port", 6, "small"),
                    ("response_port", 7, "small"), ("query_time_sec", 8, "number"), ("query_time_nsec", 9, "fixed"),
                    ("query_message", 10, "bytes"), ("query_zone", 11, "bytes"), ("response_time_sec", 12, "number"),
                    ("response_time_nsec", 13, "fixed"), ("response_message", 14, "bytes")],
        "Dnstap": [("identity", 1, "bytes"), ("version", 2, "bytes"), ("extra", 3, "bytes"), ("message", 14, "Message"),
                   ("type", 15, "small")],
    }
    file = descriptor_pb2.FileDescriptorProto(name="dnstap.proto", package="dnstap", syntax="proto2")
    for name, fields in shapes.items():
        shape = file.message_type.add(name=name)
        for label, number, kind in fields:
            entry = shape.field.add(name=label, number=number, label=field.LABEL_OPTIONAL)
            if kind in kinds:
                entry.type = kinds[kind]
            else:
                entry.type, entry.type_name = field.TYPE_MESSAGE, f".dnstap.{kind}"
    pool = descriptor_pool.DescriptorPool()
    pool.Add(file)
    return message_factory.MessageFactory(pool).GetPrototype(pool.FindMessageTypeByName("dnstap.Dnstap"))


Dnstap = make_decoder()


def read_frames(stream):
    """The data frames of a Frame Streams file, which has to begin with START and its content type; whether STOP came."""
    frames, controls, at = [], [], 0
    while at + 4 <= len(stream):
        (length,) = struct.unpack_from(">I", stream, at)
        at += 4
        if length == 0:  # an escape: a control frame
            (length,) = struct.unpack_from(">I", stream, at)
            controls.append(stream[at + 4:at + 4 + length])
            at += 4
        elif at + length > len(stream):
            break
        else:
            frames.append(stream[at:at + length])
        at += length
    assert not frames or struct.unpack(">I", controls[0][:4]) == (2,) and CONTENT_TYPE in controls[0], controls
    return frames, len(controls) > 1 and struct.unpack(">I", controls[-1][:4]) == (3,)


def read_messages(path):
    messages = []
    for frame in read_frames(path.read_bytes())[0] if path.exists() else []:
        message = Dnstap()
        message.ParseFromString(frame)
        assert message.type == 1 and not message.UnknownFields() and not message.message.UnknownFields()
        messages.append(message)
    return messages


class Capture:
    """fstrm_capture at a unix socket, or at TCP."""

    def __init__(self, folder, at=None):
        self.socket, self.file, self.at, self.process, self.count = folder / "tap", None, at, None, 0
        self.folder = folder

    def start(self):
        self.count += 1
        self.file = self.folder / f"captured.{self.count}"
        self.socket.unlink(missing_ok=True)
        where = ["-u", self.socket] if self.at is None else ["-a", self.at[0], "-p", str(self.at[1])]
        self.process = subprocess.Popen(["fstrm_capture", "-t", CONTENT_TYPE.decode(), *where, "-w", self.file],
                                        stderr=subprocess.DEVNULL)
        return self

    def has(self, count):
        """Has it taken so many? What it has it writes when it is told to."""
        self.process.send_signal(signal.SIGHUP)
        return len(read_messages(self.file)) >= count

    def end(self):
        """What it took."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGCONT)
            self.process.terminate()
        self.process.wait()
        return read_messages(self.file)

    def __enter__(self):
        return self.start()

    def __exit__(self, *_):
        self.end()


def make_site(site, **server):
    at = kit.make_regions(site)
    site.topology["endpoints"] = {name: {**each, "checks": []} for name, each in site.topology["endpoints"].items()}
    site.zone("example.com", "a 60 IN A 192.0.2.1\n* 60 IN TXT x\n")
    site.policy("example.com", {
        "www": {"ttl": 5, "endpoints": ["web-*"], "tiers": [["us-east"], ["eu-west"]],
                "geo": [{"when": {"cidr": "10.0.0.0/8"}, "tiers": [["eu-west"]]}]},
        "all": {"ttl": 5, "endpoints": ["web-*"], "tiers": [["us-east"]], "pick": "all", "answers": 8}})
    site.server.update(server)
    return at


def metric(server, output, result):
    text = server.request("GET", "/metrics").body.decode()
    return int(re.search(rf'^steerd_tap_records_total{{output="{output}",result="{result}"}} (\d+)$', text, re.M)[1])


def is_open(server, output="dnstap"):
    return f'steerd_tap_open{{output="{output}"}} 1' in server.request("GET", "/metrics").body.decode()


def wait_taken(server, count, output="dnstap"):
    server.wait(lambda: metric(server, output, "taken") >= count, f"{count} records were taken")


def ecs(text):
    return dns.edns.ECSOption.from_text(text)


def free_port(address):
    """For UDP and TCP."""
    while True:
        with socket.socket(socket.AF_INET6 if ":" in address else socket.AF_INET, socket.SOCK_STREAM) as one, \
                socket.socket(one.family, socket.SOCK_DGRAM) as other:
            one.bind((address, 0))
            with contextlib.suppress(OSError):
                other.bind((address, one.getsockname()[1]))
                return one.getsockname()[1]


# ---- what is told ----

def ask_all(server):
    """[(query, reply, over TCP)]"""
    make = dns.message.make_query
    plan = [(make("a.example.com", "A"), False), (make("a.example.com", "A", use_edns=0, payload=1400), False),
            (make("www.EXAMPLE.com", "A"), False), (make("www.example.com", "AAAA"), True),
            (make("www.example.com", "A", use_edns=0, options=[ecs("10.1.2.0/24")]), False),
            (make("nx.a.example.com", "A"), True), (make("foreign.example.net", "MX"), False), (make("all.example.com", "A"), True)]
    return [(query, server.send(query, tcp=tcp), tcp) for query, tcp in plan]


def assert_told(messages, asked, listen, begun):
    assert len(messages) == 2 * len(asked)
    pairs = zip(messages[::2], messages[1::2], asked)
    for question, answer, (query, reply, tcp) in sorted(pairs, key=lambda pair: pair[0].message.query_time_sec):
        for each, kind in ((question, 1), (answer, 2)):
            told = each.message
            assert (told.type, told.socket_family, told.socket_protocol) == (kind, 1, 2 if tcp else 1)
            assert (socket.inet_ntoa(told.response_address), told.response_port) == listen
            assert socket.inet_ntoa(told.query_address).startswith("127.") and told.query_port > 0
            assert begun - 1 < told.query_time_sec + told.query_time_nsec / 1e9 < time.time() + 1
            zone = b"" if "example.net" in query.question[0].name.to_text() else b"\7example\3com\0"
            assert told.query_zone.lower() == zone and each.version.startswith(b"steerd ")
        assert question.message.query_message == query.to_wire() and not question.message.HasField("response_message")
        told = answer.message
        assert dns.message.from_wire(told.response_message) == reply and not told.HasField("query_message")
        assert (told.response_time_sec, told.response_time_nsec) >= (told.query_time_sec, told.query_time_nsec)
        assert told.query_port == question.message.query_port


def by_transport(messages):
    """UDP and TCP are two threads with rings of their own."""
    return [message for kind in (1, 2) for message in messages if message.message.socket_protocol == kind]


@pytest.mark.parametrize("wildcard, asked", [("0.0.0.0", ["127.9.8.7", "127.0.0.1"]), ("::", ["::1"])])
def test_which_address_was_asked(site, wildcard, asked):
    """Of a socket that listens at all addresses, too."""
    make_site(site, dnstap={"file": "dns.fstrm"})
    port = free_port(wildcard)
    site.listen = [(wildcard, port)]
    server = site.start()
    plan = [(address, tcp) for address in asked for tcp in (False, True)]
    for address, tcp in plan:
        server.ask("a.example.com", tcp=tcp, at=(address, port))
    wait_taken(server, len(plan))
    server.stop()
    told = {(socket.inet_ntop(socket.AF_INET6 if ":" in wildcard else socket.AF_INET, each.message.response_address),
             each.message.socket_protocol == 2, each.message.response_port) for each in read_messages(site.folder / "dns.fstrm")}
    assert told == {(address, tcp, port) for address, tcp in plan}


def test_file(site):
    make_site(site, dnstap={"file": "dns.fstrm"}, identity="lhr1")
    server, begun = site.start(), time.time()
    asked = ask_all(server)
    wait_taken(server, len(asked))
    server.stop()
    path = site.folder / "dns.fstrm"
    messages = read_messages(path)
    assert read_frames(path.read_bytes())[1], "no STOP at the end"
    asked.sort(key=lambda each: each[2])
    assert_told(by_transport(messages), asked, site.listen[0], begun)
    assert {message.identity for message in messages} == {b"lhr1"}
    extras = [message.extra.decode() for message in by_transport(messages) if message.message.type == 2]
    assert re.fullmatch(r"class=default choice=tier tier=us-east endpoints=web-us-east-1[ab]@us-east", extras[2])
    assert re.fullmatch(r"class=geo\[0\] choice=tier tier=eu-west endpoints=web-eu-west-1[ab]@eu-west", extras[3])
    assert sorted(extras[-1].split("endpoints=")[1].split(",")) == ["web-us-east-1a@us-east", "web-us-east-1b@us-east"]
    assert extras[0] == extras[1] == "" and os.stat(path).st_mode & 0o777 == 0o640
    told = subprocess.run(["dnstap-read", path], capture_output=True, text=True, check=True).stdout.splitlines()
    assert len(told) == len(messages) and sum(" AQ " in line for line in told) == len(asked)


@pytest.mark.parametrize("how", ["socket", "tcp"])
def test_capture(site, how):
    at = (kit.new_address(), 6000) if how == "tcp" else None
    capture = Capture(site.folder, at)
    make_site(site, dnstap={"socket": "tap"} if at is None else {"tcp": f"{at[0]}:{at[1]}"})
    with capture:
        server, begun = site.start(), time.time()
        server.wait(lambda: is_open(server), "a receiver")
        asked = ask_all(server)
        wait_taken(server, len(asked))
        server.stop()
        messages = capture.end()
    asked.sort(key=lambda each: each[2])
    assert_told(by_transport(messages), asked, site.listen[0], begun)


def test_only_responses_of_a_sample(site):
    make_site(site, dnstap={"file": "dns.fstrm", "messages": "responses", "sample": 10, "identity": "", "version": ""})
    server = site.start()
    for _ in range(300):
        server.ask("a.example.com")
    server.stop()
    messages = read_messages(site.folder / "dns.fstrm")
    assert 10 <= len(messages) <= 60 and {message.message.type for message in messages} == {2}
    assert not messages[0].HasField("identity") and not messages[0].HasField("version")


def test_sample_of_clients(site):
    make_site(site, dnstap={"file": "dns.fstrm", "messages": "queries", "sample": 4, "sample_by": "client"})
    server, asked = site.start(), 3
    clients = [kit.new_address() for _ in range(40)]
    for address in clients * asked:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as udp:
            udp.bind((address, 0))
            udp.settimeout(kit.PATIENCE_S)
            udp.sendto(dns.message.make_query("a.example.com", "A").to_wire(), site.listen[0])
            udp.recv(512)
    server.stop()
    seen = [message.message.query_address for message in read_messages(site.folder / "dns.fstrm")]
    assert 1 <= len(set(seen)) <= 30 and all(seen.count(address) == asked for address in seen)


# ---- receivers that come, go and hang ----

def test_receiver_restarts(site):
    capture = Capture(site.folder)
    make_site(site, dnstap={"socket": "tap"})
    server = site.start()
    assert "dnstap not written" in server.wait_log("dnstap not written", "No such file")
    server.ask("a.example.com")  # waits for who is to come
    for begun in range(2):
        capture.start()
        server.wait(lambda: is_open(server), "a receiver")
        server.ask("a.example.com")
        server.wait(lambda begun=begun: capture.has(2 if begun else 4), "it has them")
        if begun == 0:
            assert len(capture.end()) == 4
            server.wait(lambda: server.ask("a.example.com") and not is_open(server), "it is noticed")
    server.stop()
    assert len(capture.end()) >= 2


def flood(server, octets):
    """Answers go on while so much is told of them."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as udp:
        udp.settimeout(kit.PATIENCE_S)
        udp.connect(server.site.listen[0])
        query = dns.message.make_query("a.example.com", "A").to_wire()
        for _ in range(octets // 400 // 32 + 1):
            for _ in range(32):
                udp.send(query)
            for _ in range(32):
                udp.recv(512)


def test_receiver_that_is_stopped(site):
    capture = Capture(site.folder)
    make_site(site, dnstap={"socket": "tap"})
    with capture:
        server = site.start()
        server.wait(lambda: is_open(server), "a receiver")
        capture.process.send_signal(signal.SIGSTOP)
        flood(server, 5 << 20)
        assert metric(server, "dnstap", "dropped") > 0
        other = Capture(site.folder)
        other.socket = site.folder / "other"
        other.count = 9
        with other:
            site.server["dnstap"] = {"socket": "other"}
            site.write()
            assert server.reload().status == 200
            server.wait(lambda: other.process.poll() is None and is_open(server), "the other one")
            taken = metric(server, "dnstap", "taken")
            server.ask("a.example.com")
            wait_taken(server, taken + 1)
            site.server["dnstap"] = {"socket": "tap"}  # back to the one that hangs
            site.write()
            assert server.reload().status == 200
            server.ask("a.example.com")
        begun = time.monotonic()
        server.stop()
        assert time.monotonic() - begun < 10


def test_not_a_receiver(site):
    """Somebody who takes connections and says nothing, or nonsense, or too much."""
    make_site(site, dnstap={"socket": "tap"})
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(site.folder / "tap"))
        listener.listen()
        server = site.start()
        for says in (None, b"HTTP/1.1 400 Bad Request\r\n\r\n", b"\0\0\0\0\xff\xff\xff\xff" + b"x" * 100):
            client, _ = listener.accept()
            with client:
                if says is not None:
                    client.sendall(says)
                server.ask("a.example.com")
                if says is None:
                    continue
                client.settimeout(kit.PATIENCE_S)
                with contextlib.suppress(ConnectionResetError):
                    while client.recv(4096):
                        pass
        assert metric(server, "dnstap", "lost") == 0 and not is_open(server)
        server.stop()


def test_off_by_reload(site):
    make_site(site, dnstap={"file": "dns.fstrm"})
    server = site.start()
    server.ask("a.example.com")
    wait_taken(server, 1)
    del site.server["dnstap"]
    site.write()
    assert server.reload().status == 200
    server.wait(lambda: read_frames((site.folder / "dns.fstrm").read_bytes())[1], "STOP")
    server.ask("a.example.com")
    assert "steerd_tap_open{" not in server.request("GET", "/metrics").body.decode()
    server.stop()
    assert len(read_messages(site.folder / "dns.fstrm")) == 2


# ---- files ----

def test_file_is_rotated(site):
    """By who moves it away and says so, as logrotate does; and by a start, which keeps what there was."""
    path = site.folder / "dns.fstrm"
    make_site(site, dnstap={"file": "dns.fstrm"}, query_log={"file": "q.log"})
    server = site.start()
    server.ask("a.example.com")
    wait_taken(server, 1), wait_taken(server, 1, "query_log")
    for name in "dns.fstrm", "q.log":
        (site.folder / name).rename(site.folder / (name + ".1"))
    server.process.send_signal(signal.SIGHUP)
    server.wait(path.exists, "a new file")
    server.wait((site.folder / "q.log").exists, "a new log")
    server.ask("www.example.com")
    wait_taken(server, 2), wait_taken(server, 2, "query_log")
    server.stop()
    assert len(read_messages(path)) == len(read_messages(site.folder / "dns.fstrm.1")) == 2
    assert read_frames((site.folder / "dns.fstrm.1").read_bytes())[1]
    assert "name=a." in (site.folder / "q.log.1").read_text() and "name=www." in (site.folder / "q.log").read_text()
    before = path.read_bytes()
    site.start().stop()
    kept = [each for each in site.folder.iterdir() if each.name.startswith("dns.fstrm.2")]
    assert len(kept) == 1 and kept[0].read_bytes() == before
    assert len((site.folder / "q.log").read_text().splitlines()) == 1  # goes on


def test_takeover(site):
    """Whoever goes writes what it has; whoever comes goes on: in the same query log, and in a stream of its own."""
    make_site(site, dnstap={"file": "dns.fstrm"}, query_log={"file": "q.log"})
    server = site.start()
    for number in range(20):
        server.ask(f"old{number}.example.com", "TXT")
    old, _ = take_over(server)
    for number in range(20):
        server.ask(f"new{number}.example.com", "TXT")
    old.wait(kit.PATIENCE_S)
    wait_taken(server, 20), wait_taken(server, 20, "query_log")
    server.stop()
    names = re.findall(r"name=((?:old|new)\d+)\.", (site.folder / "q.log").read_text())
    assert names == [f"{who}{number}" for who in ("old", "new") for number in range(20)]
    streams = [path for path in site.folder.iterdir() if path.name.startswith("dns.fstrm")]
    assert sorted(len(read_messages(path)) for path in streams) == [40, 40]
    assert all(read_frames(path.read_bytes())[1] for path in streams), "an end without STOP"


def test_no_file_to_write_to(site):
    """A FIFO that nobody reads, a folder that is not there: answers go on."""
    os.mkfifo(site.folder / "fifo")
    make_site(site, dnstap={"file": "none/dns.fstrm"}, query_log={"file": "fifo"})
    server = site.start()
    server.wait_log("dnstap not written", "No such file"), server.wait_log("query_log not written")
    assert server.addresses("a.example.com") == ["192.0.2.1"]
    (site.folder / "none").mkdir()
    server.wait(lambda: is_open(server), "it is written")
    server.stop()
    assert len(read_messages(site.folder / "none/dns.fstrm")) == 2


# ---- the query log ----

def fields(line):
    return dict(part.split("=", 1) for part in shlex.split(line) if "=" in part)


def test_query_log(site):
    make_site(site, query_log={"file": "q.log"})
    server = site.start()
    asked = ask_all(server)
    wait_taken(server, len(asked), "query_log")
    server.stop()
    lines = [fields(line) for line in (site.folder / "q.log").read_text().splitlines()]
    assert len(lines) == len(asked)
    first = next(line for line in lines if line["name"] == "a.example.com." and line["protocol"] == "udp")
    assert first.items() >= {"type": "A", "zone": "example.com.", "rcode": "NOERROR"}.items() and "class" not in first
    geo = next(line for line in lines if "ecs" in line)
    assert geo.items() >= {"ecs": "10.1.2.0/24", "class": "geo[0]", "choice": "tier", "tier": "eu-west", "regions": "eu-west"}.items()
    many = next(line for line in lines if line["name"] == "all.example.com.")
    assert sorted(many["endpoints"].split(",")) == ["web-us-east-1a", "web-us-east-1b"] and many["regions"] == "us-east"
    assert {line["rcode"] for line in lines} == {"NOERROR", "NXDOMAIN", "REFUSED"}


def test_query_log_as_json_says_why(site):
    make_site(site, query_log={"file": "q.log", "format": "json"})
    server = site.start()
    for az in "1a", "1b":
        server.override("endpoint", f"web-us-east-{az}", "down")
    server.ask("www.example.com")
    for az in "1a", "1b":
        server.override("endpoint", f"web-eu-west-{az}", "down")
    server.ask("www.example.com")
    server.ask('odd\\"\\010name.example.com', "TXT")
    wait_taken(server, 3, "query_log")
    server.stop()
    lines = [json.loads(line) for line in (site.folder / "q.log").read_text().splitlines()]
    assert lines[0].items() >= {"event": "query", "name": "www.example.com.", "choice": "tier", "tier": "eu-west"}.items()
    assert lines[0]["endpoints"].startswith("web-eu-west-1") and isinstance(lines[0]["us"], int)
    assert lines[1]["choice"] == "first_sick" and lines[2]["name"] == 'odd\\"\\010name.example.com.'


def test_query_log_within_the_log(site):
    make_site(site, query_log={"sample": 1})
    server = site.start()
    server.ask("www.example.com", "AAAA")
    line = server.wait_log("query client=", "name=www.example.com.", "type=AAAA")
    assert fields(line)["rcode"] == "NOERROR"
    server.stop()


def test_both_under_load_and_reloads(site):
    """Threads, rings and options change hands all the time; for ThreadSanitizer as well."""
    make_site(site, dnstap={"file": "dns.fstrm"}, query_log={"file": "q.log"}, threads=2)
    server, ends = site.start(), threading.Event()

    def ask():
        while not ends.is_set():
            server.ask("www.example.com"), server.ask("all.example.com", tcp=True)
    askers = [threading.Thread(target=ask) for _ in range(2)]
    for asker in askers:
        asker.start()
    try:
        for round_ in range(6):
            site.server["dnstap"] = {"file": f"dns.{round_ % 2}", "sample": 1 + round_}
            site.server["query_log"] = {"file": "q.log", "format": "json"} if round_ % 2 else {"file": "q.log"}
            site.write()
            assert server.reload().status == 200
    finally:
        ends.set()
        for asker in askers:
            asker.join()
    server.stop()
    assert all(line.startswith("{") or " query " in line for line in (site.folder / "q.log").read_text().splitlines())


# ---- configuration ----

@pytest.mark.parametrize("key,value,words", [
    ("dnstap", {}, 'found 0 of "socket", "tcp" and "file", expected one'),
    ("dnstap", {"socket": "a", "file": "b"}, "found 2 of"),
    ("dnstap", {"tcp": "localhost:6000"}, "expected an address and a port"),
    ("dnstap", {"socket": "x" * 200}, "for a unix socket"),
    ("dnstap", {"file": "a", "sample": 0}, "expected a whole number from 1"),
    ("dnstap", {"file": "a", "messages": "some"}, '"both"'),
    ("dnstap", {"file": "a", "rate": 1}, "rate"),
    ("query_log", {"sample_by": "name"}, '"query"'),
    ("query_log", {"format": "json"}, 'without "file"'),
    ("query_log", {"file": 3}, "q"),
])
def test_errors(site, key, value, words):
    make_site(site, **{key: value}).clear()
    site.write()
    done = kit.run_steerd("-c", str(site.config), "--check")
    assert done.returncode == 1 and f"$.{key}" in done.stderr and words in done.stderr, done.stderr
