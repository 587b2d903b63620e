# SPDX-License-Identifier: BSD-3-Clause
"""icmp checks against real kernels, and against a responder that loses, delays, repeats and forges: each has its outcome, over
ping sockets and over raw ones."""
import os
import re
import socket
import struct
import threading

import pytest

import kit

V4_KERNEL = "10.9.2.1"
RAW, PING = "1 0", "0 0"  # net.ipv4.ping_group_range: nobody, group 0


@pytest.fixture
def network():
    if os.geteuid() != 0:
        pytest.skip("needs network namespaces, which only root may make")
    made = kit.Network(V4_KERNEL)
    yield made
    made.close()


def write_sysctl(name, value):
    with open(f"/proc/sys/net/{name}", "w", encoding="ascii") as file:
        file.write(value)


def checksum(data):
    total = sum(struct.unpack(f"!{len(data) // 2}H", data[:len(data) & ~1])) + (data[-1] << 8 if len(data) % 2 else 0)
    while total >> 16:
        total = (total & 0xffff) + (total >> 16)
    return ~total & 0xffff


class Responder:
    """What answers pings to one address instead of the kernel: `answer(number, message)` gives what to send, from 0 on: None, a
    reply, or a list of (seconds to wait, reply, address that it comes from)."""

    def __init__(self, address, answer):
        self.address, self.answer, self.seen = address, answer, []
        kit.run_ip("address", "add", f"{address}/32", "dev", "lo")
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_ICMP)
        self.socket.bind((address, 0))
        self.others = {}
        threading.Thread(target=self.serve, daemon=True).start()

    def get_socket(self, address):
        if address not in self.others:
            kit.run_ip("address", "replace", f"{address}/32", "dev", "lo")
            self.others[address] = socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_ICMP)
            self.others[address].bind((address, 0))
        return self.others[address]

    def serve(self):
        while True:
            try:
                packet, peer = self.socket.recvfrom(2048)
            except OSError:
                return
            message = packet[(packet[0] & 15) * 4:]
            if message[0] != 8:
                continue
            assert checksum(message) == 0
            number = len(self.seen)
            self.seen.append(message)
            for pause, reply, source in self.list_replies(self.answer(number, message)):
                threading.Timer(pause, self.send, [reply, source, peer]).start()

    def list_replies(self, answer):
        return answer if isinstance(answer, list) else [] if answer is None else [(0, answer, self.address)]

    def send(self, reply, source, peer):
        try:
            (self.socket if source == self.address else self.get_socket(source)).sendto(reply, peer)
        except OSError:
            pass  # the test is over

    def close(self):
        for each in [self.socket, *self.others.values()]:
            each.close()


def reply_to(message, change=None, data=None):
    """The reply to it; `change` of the header: {octet: value to xor}."""
    made = bytearray(bytes([0, 0, 0, 0]) + message[4:8] + (message[8:] if data is None else data))
    for at, value in (change or {}).items():
        made[at] ^= value
    made[2:4] = b"\0\0"
    made[2:4] = struct.pack("!H", checksum(bytes(made)))
    return bytes(made)


def start(site, checks, at):
    """Endpoint e has the checks whose names `at` does not have; the others have endpoints of their own, at those addresses."""
    site.topology = {"regions": {"r": {"azs": {"a": {}}}}, "brake": False,
                     "checks": {name: {"type": "icmp", "interval": "600ms", "timeout": "400ms", "fall": 1, "rise": 1, **check}
                                for name, check in checks.items()},
                     "endpoints": {f"e-{name}": {"az": "a", "addresses": [at[name]], "checks": [name]} for name in checks}}
    site.zone("example.com", "")
    return site.start()


def see(server, name):
    return server.get(f"/v1/endpoints/e-{name}")["checks"][0]


def wait_all(server, expected):
    def find():
        seen = {name: see(server, name)["outcome"] for name in expected}
        return {name: (outcome, seen[name]) for name, outcome in expected.items() if seen[name] != outcome}
    try:
        server.wait(lambda: not find(), "outcomes")
    except AssertionError as error:
        raise AssertionError(f"expected and seen: {find()}") from error


def every(number_of, lost):
    """Of each round of so many packets some are lost."""
    return lambda number, message: None if number % number_of in lost else reply_to(message)


def after(seconds):
    return lambda _, message: [(seconds, reply_to(message), None)]


CASES = {
    # name: (check, what answers, outcome)
    "good": ({}, lambda _, message: reply_to(message), "ok"),
    "one": ({"packets": 1}, lambda _, message: reply_to(message), "ok"),
    "most": ({"packets": 20, "spacing": "10ms", "loss": 0}, lambda _, message: reply_to(message), "ok"),
    "one-lost": ({}, every(3, [1]), "ok"),
    "two-lost": ({}, every(3, [0, 1]), "packet_loss"),
    "none-may": ({"loss": 0}, every(3, [2]), "packet_loss"),
    "half-may": ({"packets": 10, "spacing": "20ms", "loss": 0.5}, every(10, [0, 2, 4, 6, 8]), "ok"),
    "third-may": ({"packets": 10, "spacing": "20ms", "loss": 0.3}, every(10, [0, 2, 4, 6]), "packet_loss"),
    "silent": ({}, lambda *_: None, "timeout"),
    "late": ({"rtt": "60ms"}, after(0.15), "slow"),
    "late-may": ({}, after(0.15), "ok"),
    "too-late": ({}, after(0.7), "timeout"),
    "in-the-mean": ({"rtt": "100ms"}, lambda n, message: [(0.15 if n % 3 == 1 else 0, reply_to(message), None)], "ok"),
    "twice": ({"loss": 0}, lambda _, message: [(0, reply_to(message), None), (0, reply_to(message), None)], "ok"),
    "again-for-another": ({"loss": 0}, lambda n, message: [(0, reply_to(message), None)] * 3 if n % 3 == 0 else None, "packet_loss"),
    "aside": ({}, lambda _, message: [(0, reply_to(message), "10.9.7.1")], "timeout"),
    "wrong-number": ({}, lambda _, message: reply_to(message, {7: 1}), "timeout"),
    "wrong-id": ({}, lambda _, message: reply_to(message, {4: 1}), "timeout"),
    "wrong-data": ({}, lambda _, message: reply_to(message, {19: 1}), "timeout"),
    "wrong-key": ({}, lambda _, message: reply_to(message, {8: 1}), "timeout"),
    "short": ({}, lambda _, message: reply_to(message, data=b""), "timeout"),
    "long": ({}, lambda _, message: reply_to(message, data=message[8:] + bytes(500)), "ok"),
    "lies-first": ({"loss": 0}, lambda _, message: [(0, reply_to(message, {19: 1}), None), (0.02, reply_to(message), None)], "ok"),
}


@pytest.mark.parametrize("group", [RAW, PING], ids=["raw", "ping"])
def test_outcomes(site, network, group):
    responders, at = [], {}
    write_sysctl("ipv4/ping_group_range", group)
    with network.far():
        write_sysctl("ipv4/icmp_echo_ignore_all", "1")
        for number, (name, (_, answer, _)) in enumerate(CASES.items()):
            at[name] = f"10.9.6.{number + 1}"

            def to_own(number, message, answer=answer, address=at[name]):
                made = answer(number, message)
                return [(pause, reply, source or address) for pause, reply, source in made] if isinstance(made, list) else made
            responders.append(Responder(at[name], to_own))
        responders[-1].get_socket("10.9.7.1")
        for responder in responders:
            responder.others["10.9.7.1"] = responders[-1].others["10.9.7.1"]
    server = start(site, {name: check for name, (check, _, _) in CASES.items()}, at)
    try:
        wait_all(server, {name: outcome for name, (_, _, outcome) in CASES.items()})
        good = see(server, "good")
        assert good["type"] == "icmp" and good["verdict"] == "healthy" and good["address"] == at["good"]
        # until a reply, not until the end of the check, which comes 100 ms later
        server.wait(lambda: 150 <= see(server, "late-may")["duration_ms"] < 250, "a mean time until replies")
        assert see(server, "two-lost")["verdict"] == "unhealthy"
        seen = dict(zip(CASES, [responder.seen for responder in responders]))
        assert len(seen["good"]) >= 3
        ids = {message[4:6] for each in seen.values() for message in each}
        assert len(ids) == 1, "one socket for all"
        assert len({message[6:8] for message in seen["good"]}) == len(seen["good"]), "a number for each"
        turns, cpu_s = kit.cost_checks(server, 2 * len(CASES))
        assert turns < 100 and cpu_s < 0.05
        files = os.listdir(f"/proc/{server.process.pid}/fd")
        assert len(files) < 60
        metrics = server.request("GET", "/metrics").body.decode()
        assert 'steerd_checks_total{outcome="packet_loss"}' in metrics and 'steerd_checks_total{outcome="slow"}' in metrics
    finally:
        for responder in responders:
            responder.close()


@pytest.mark.parametrize("group", [RAW, PING], ids=["raw", "ping"])
def test_kernels(site, network, group):
    """Real pings: of both families, of a host that goes and comes back, and what routers say."""
    write_sysctl("ipv4/ping_group_range", group)
    kit.run_ip("address", "add", "fd09::1/64", "dev", "up0", "nodad")
    kit.run_ip("route", "add", "fd09:1::/32", "via", "fd09::2")
    with network.far():
        kit.run_ip("address", "add", "fd09::2/64", "dev", "up1", "nodad")
        kit.run_ip("address", "add", "fd09:1::1/128", "dev", "lo")
        kit.run_ip("route", "add", "unreachable", "10.9.3.0/24")
        kit.run_ip("route", "add", "prohibit", "10.9.4.0/24")
        kit.run_ip("route", "add", "unreachable", "fd09:1:3::/48")
        write_sysctl("ipv4/ip_forward", "1")
        write_sysctl("ipv4/icmp_ratelimit", "0")
        write_sysctl("ipv6/icmp/ratelimit", "0")
        write_sysctl("ipv6/conf/all/forwarding", "1")
    at = {"v4": V4_KERNEL, "v6": "fd09:1::1", "own": "127.0.0.1", "own-v6": "::1", "no-way": "10.9.3.1", "no-way-v6": "fd09:1:3::1",
          "prohibited": "10.9.4.1"}
    server = start(site, {name: {} for name in at}, at)
    wait_all(server, {name: "ok" if name in ("v4", "v6", "own", "own-v6") else "unreachable" for name in at})
    with network.far():
        write_sysctl("ipv4/icmp_echo_ignore_all", "1")
    wait_all(server, {"v4": "timeout", "v6": "ok", "own": "ok"})
    with network.far():
        write_sysctl("ipv4/icmp_echo_ignore_all", "0")
    wait_all(server, {"v4": "ok"})
    # what keeps us from sending says nothing of them
    kit.run_ip("route", "del", "default")
    wait_all(server, {"v4": "local_error", "own": "ok"})
    server.wait_log("probe cannot check", "cause=no_route")
    assert see(server, "v4")["verdict"] == "healthy"
    kit.run_ip("route", "add", "default", "via", "10.9.1.2")
    wait_all(server, {"v4": "ok"})


def test_forbidden(site, network):
    """Without a right to ping nothing is known; once there is one it goes on, without a restart."""
    write_sysctl("ipv4/ping_group_range", RAW)
    site.launcher = ["setpriv", "--bounding-set", "-net_raw", "--inh-caps", "-net_raw"]
    server = start(site, {"it": {}, "too": {}}, {"it": V4_KERNEL, "too": "::1"})
    wait_all(server, {"it": "local_error", "too": "local_error"})
    server.wait_log("probe cannot check", "cause=forbidden")
    assert "net.ipv4.ping_group_range" in server.read_log() and "CAP_NET_RAW" in server.read_log()
    assert see(server, "it")["verdict"] == "unknown"
    write_sysctl("ipv4/ping_group_range", PING)
    wait_all(server, {"it": "ok", "too": "ok"})


def test_check_now(site, network):
    write_sysctl("ipv4/ping_group_range", RAW)
    server = start(site, {"it": {"rtt": "5s", "interval": "30s", "timeout": "10s"}}, {"it": V4_KERNEL})
    wait_all(server, {"it": "ok"})
    done = server.ctl("check", "run", "e-it")
    steps = re.findall(r"^([<>]) +[0-9.]+ ms", done.stdout, re.M)  # an octet of a packet may be the end of a line
    assert steps.count(">") == 3 and steps.count("<") == 3 and "3 echo requests" in done.stdout


def test_reload(site, network):
    """A check that is what it was goes on; one that wants something else begins anew."""
    write_sysctl("ipv4/ping_group_range", RAW)
    server = start(site, {"it": {"interval": "200ms", "timeout": "150ms", "spacing": "10ms"}}, {"it": V4_KERNEL})
    server.wait(lambda: see(server, "it")["streak"] >= 5, "a streak")
    site.topology["regions"]["r"]["location"] = [1, 1]
    site.write()
    server.reload()
    assert see(server, "it")["streak"] >= 5
    for change in ({"packets": 2}, {"loss": 0}, {"rtt": "100ms"}, {"spacing": "20ms"}):
        before = see(server, "it")["streak"]
        site.topology["checks"]["it"].update(change)
        site.write()
        server.reload()
        server.wait(lambda before=before: see(server, "it")["streak"] < before, "it begins anew")
        server.wait(lambda: see(server, "it")["streak"] >= 5, "a streak")
