# SPDX-License-Identifier: BSD-3-Clause
"""A steerd that is replaced by another one with another configuration, and in the midst of other things."""
import json
import os
import random
import signal
import socket
import subprocess
import threading

import dns.exception
import dns.message
import dns.query
import dns.rdatatype
import pytest

import kit
from takeovers import Stream, reaper, simple, take_over  # noqa: F401  pylint: disable=unused-import

ROUNDS = int(os.environ.get("TAKEOVERS", "5"))


# ---- another configuration ----

def test_other_addresses_and_threads(site):
    """Sockets that are not needed any more are read to their end; new ones open; the rest goes on."""
    address = kit.new_address()
    port = 20000 + os.getpid() % 10000  # which other tests do not have at any address: one is all of them
    site.listen = [(address, port)]
    server = simple(site, threads=3).start()
    first, second = site.listen[0], (kit.new_address(), port)
    with Stream(first) as stream:
        for listen, threads in ([first, second], 1), ([first], 4), ([second, first], 2), ([("0.0.0.0", port)], 2), ([first], 2):
            site.listen = listen
            site.server["threads"] = threads
            site.write()
            old, _ = take_over(server)
            assert old.wait(kit.PATIENCE_S) == 0
            before = stream.answered
            server.wait(lambda before=before: stream.answered > before + 500, "answers go on")
            for at in [first] if listen[0][0] == "0.0.0.0" else listen:
                assert server.ask("a.example.com", at=at).answer and server.ask("a.example.com", at=at, tcp=True).answer
    assert not stream.wrong and stream.asked == stream.answered
    with pytest.raises((ConnectionError, dns.exception.Timeout)):
        server.ask("a.example.com", at=second, tcp=True)


def test_a_thousand_addresses(site):
    port = kit.find_port("127.0.0.1")
    site.listen = [(f"127.{130 + os.getpid() % 100}.{i // 250}.{1 + i % 250}", port) for i in range(1000)]
    server = simple(site, threads=1).start()
    old, _ = take_over(server)
    assert old.wait(kit.PATIENCE_S) == 0
    for at in site.listen[::111]:
        assert server.ask("a.example.com", at=at).answer


def test_another_socket_of_the_api(site):
    server = simple(site).start()
    site.server["admin"] = {"socket": "other"}
    site.server["state"] = "var2"
    site.write()
    old, _ = take_over(server)
    assert old.wait(kit.PATIENCE_S) == 0
    assert not site.socket.exists()
    site.socket = site.folder / "other"
    assert server.get("/v1/status")["zones"] == 1
    take_over(server)


def test_an_address_that_cannot_be_had(site):
    server = simple(site).start()
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as taken:
        taken.bind((kit.new_address(), kit.DNS_PORT))
        site.listen.append(taken.getsockname())
        site.write()
        refusal = server.request("POST", "/v1/takeover")
        assert refusal.status == 422
        assert any("is another server running?" in error["message"] for error in refusal.json["errors"])
    assert server.ask("a.example.com").answer
    take_over(server)


def test_a_transfer_goes_on(site):
    site.zone("big.test", "".join(f"r{i} 60 IN TXT \"{'x' * 200}\"\n" for i in range(40000)))
    simple(site)
    site.server["zone_options"] = {"big.test": {"transfer_to": ["0.0.0.0/0"]}}
    site.server["tcp"] = {"idle": "60s"}  # nothing is read while it is taken over
    server = site.start()
    query = dns.message.make_query("big.test", "AXFR")
    with socket.socket() as one:
        one.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 16384)
        one.connect(site.listen[0])
        dns.query.send_tcp(one, query)
        message = dns.query.receive_tcp(one)[0]
        records = sum(len(rrset) for rrset in message.answer)
        old, _ = take_over(server)
        assert old.poll() is None
        soas = 1
        while soas < 2:
            message = dns.query.receive_tcp(one, one_rr_per_rrset=True)[0]
            records += len(message.answer)
            soas += sum(rrset.rdtype == dns.rdatatype.SOA for rrset in message.answer)
    assert records == 40000 + 4
    assert old.wait(kit.PATIENCE_S) == 0


def test_a_signal_to_the_old_one_is_for_the_new_one(site):
    server = simple(site).start()
    with socket.create_connection(site.listen[0]) as one:
        dns.query.send_tcp(one, dns.message.make_query("a.example.com", "A"))
        assert dns.query.receive_tcp(one)[0].answer
        old, _ = take_over(server)
        site.zone("example.com", "a 60 IN A 192.0.2.10\n")
        site.write()
        old.send_signal(signal.SIGHUP)
        server.wait_answers("a.example.com", ["192.0.2.10"])
        assert old.poll() is None
        old.send_signal(signal.SIGTERM)
        assert old.wait(kit.PATIENCE_S) == 0
    assert server.addresses("a.example.com") == ["192.0.2.10"]


# ---- in the midst of other things ----

class Operator:
    """Drains one az after the other, and takes that back, as fast as the API says yes; knows what was acknowledged."""

    def __init__(self, server, names):
        self.server, self.names, self.held, self.acknowledged, self.unsure = server, names, set(), 0, set()
        self.stopping = threading.Event()
        self.thread = threading.Thread(target=self.run)

    def order(self, name):
        state = "auto" if name in self.held else "drain"
        body = {"state": state, "actor": "test", "allow_unserved": True} | ({} if state == "auto" else {"reason": "test"})
        try:
            reply = self.server.request("PUT", f"/v1/azs/{name}/override", body)
        except OSError:  # it was never answered: it may hold or not
            self.unsure.add(name)
            return
        if reply.status == 503:  # who goes has no time any more
            return
        assert reply.status == 200 and (reply.json["durable"] or "half a second" in reply.json["not_durable_because"]), reply
        self.acknowledged += 1
        (self.unsure.discard if reply.json["durable"] else self.unsure.add)(name)  # a slow disk, and that is said
        (self.held.discard if state == "auto" else self.held.add)(name)

    def run(self):
        number = 0
        while not self.stopping.is_set():
            self.order(self.names[number % len(self.names)])
            number += 1


def test_orders_in_flight(site):
    """What was acknowledged holds, across takeovers and a crash after them."""
    azs = [f"eu-{i}" for i in range(64)]
    kit.make_regions(site, azs=("us-east-1a", "eu-west-1a"))
    site.topology["regions"]["eu-west"]["azs"] |= {az: {} for az in azs}
    server = simple(site).start()
    operators = [Operator(server, azs[i::8]) for i in range(8)]
    for operator in operators:
        operator.thread.start()
    with Stream(site.listen[0]) as stream:
        for _ in range(ROUNDS):
            before = sum(operator.acknowledged for operator in operators)
            old, _ = take_over(server)
            server.wait(lambda before=before: sum(operator.acknowledged for operator in operators) > before + 100, "orders go on")
            assert old.wait(kit.PATIENCE_S) == 0
        for operator in operators:
            operator.stopping.set()
            operator.thread.join()
    assert not stream.wrong and stream.asked == stream.answered
    server.process.kill()
    server.process.wait()
    server.start()
    held = {one["name"] for one in server.get("/v1/overrides")["items"]}
    for operator in operators:
        assert (held & set(operator.names)) - operator.unsure == operator.held - operator.unsure


def test_in_the_midst_of_reloads_and_drills(site):
    """Whatever else is asked for meanwhile is done, refused in words, or waits; no query is lost."""
    kit.make_regions(site, azs=("us-east-1a", "eu-west-1a"))
    server = simple(site).policy("example.com", {"www": {"ttl": 5, "endpoints": ["web-*"], "tiers": [["us-east"], ["eu-west"]]}}).start()
    stopping, statuses = threading.Event(), set()

    def ask(path, body):
        while not stopping.is_set():
            try:
                statuses.add((path, server.request("POST", path, body).status))
            except OSError:
                statuses.add((path, 0))
    threads = [threading.Thread(target=ask, args=one) for one in (
        ("/v1/reload", None), ("/v1/reload?dry_run=true", None), ("/v1/drills", {"mode": "simulate", "lose": ["region:us-east"]}))]
    for thread in threads:
        thread.start()
    with Stream(site.listen[0]) as stream:
        for _ in range(ROUNDS):
            old, _ = take_over(server)
            before = stream.answered
            server.wait(lambda before=before: stream.answered > before + 500, "answers go on")
            assert old.wait(kit.PATIENCE_S) == 0
    stopping.set()
    for thread in threads:
        thread.join()
    assert not stream.wrong and stream.asked == stream.answered
    assert {path for path, status in statuses if status == 200} == {"/v1/reload", "/v1/reload?dry_run=true", "/v1/drills"}, statuses
    assert {status for _, status in statuses} <= {0, 200, 409, 503}, statuses


# ---- what a process before says that is not as it should be ----

ODD = (None, True, -1, 0, 1, 2**63 - 1, -2**63, 1.5e300, "", "eu-west-1", "down", "\u202e", "x" * 3000, [], {}, [[]], {"say": "frozen"})
OVERRIDE = {"clock_offset_ms": 0, "kind": "region", "name": "eu-west-1", "state": "drain", "share": 0, "reason": "r", "actor": "a", "peer": "p",
            "ttl": None, "to": "", "names": "", "set_ms": 1, "starts_ms": 0, "expires_ms": 0, "starts_by_duration": False,
            "expires_by_duration": True, "planned": False}
SAID = (
    ("sockets", "sockets", {"address": "127.0.0.1:53", "tcp": False}), ("files", "files", "state"), ("state", "items", OVERRIDE),
    ("state", "items", {"endpoint": "web-eu-west-1a", "actor": "a", "peer": "p", "value": 0.5, "until_ms": 2**62}),
    ("state", "items", {"kind": "region", "name": "eu-west-1", "gone": True}), ("vantages", "items", {"name": "fra-1", "value": "{}"}),
    ("transitions", "items", {"kind": "region", "name": "eu-west-1", "counts": {"down": 3}}), ("counters", "values", {"answers:queries": 7}),
)


def spoil(rng, value):
    """One thing in it is another one, or is not there; a value of the right kind stays likelier than none."""
    if isinstance(value, dict) and value and rng.random() < 0.8:
        key = rng.choice(list(value))
        rest = {k: v for k, v in value.items() if k != key}
        return rest if rng.random() < 0.2 else {**rest, key: spoil(rng, value[key])}
    return rng.choice(ODD)


def make_message(rng):
    say, member, item = rng.choice(SAID)
    items = [spoil(rng, item) if rng.random() < 0.8 else item for _ in range(rng.randrange(4))]
    value = spoil(rng, item) if say == "counters" else items
    return {"say": say, member: rng.choice(ODD) if rng.random() < 0.05 else value}


@pytest.mark.parametrize("number", range(int(os.environ.get("SPOILED", "4"))))
def test_what_is_handed_over_is_read_with_care(site, number):
    """The test plays the process before: most of what it says is not as it should be. The new one serves all the same."""
    rng = random.Random(int(os.environ.get("TEST_SEED", "7")) + number)
    kit.make_regions(site)
    simple(site).write()
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    theirs.setblocking(False)
    server = kit.Server(site)

    def say(body):
        socket.send_fds(ours, [json.dumps(body).encode()], [nothing] * rng.randrange(3))

    def hear(what):
        said = json.loads(ours.recv(65536))
        assert said["say"] == what, (said, server.read_log()[-2000:])
    nothing = os.open("/dev/null", os.O_RDONLY)
    with open(server.log_path, "ab") as log, ours:
        ours.settimeout(kit.PATIENCE_S)
        with theirs:
            server.process = subprocess.Popen([str(kit.STEERD), "-c", str(site.config)], stderr=log, stdin=subprocess.DEVNULL,
                                              pass_fds=[theirs.fileno()], env=kit.make_environment() | {"STEERD_TAKEOVER": str(theirs.fileno())})
        site.running.append(server)
        hear("hello")
        for _ in range(20):
            say(make_message(rng))
        say({"say": "begin"})
        hear("loaded")
        for _ in range(100):
            say(make_message(rng))
        say({"say": "frozen", "owed": rng.choice(ODD)})
        hear("answering")
        say({"say": "commit"})
        hear("committed")
        say({"say": "left"})
        server.wait(server.answers, "it serves")
    assert server.addresses("a.example.com") == ["192.0.2.1"]
    os.close(nothing)
