# SPDX-License-Identifier: BSD-3-Clause
"""Reloads while checks of every kind are under way, those that never end among them: what is under way goes on in the next list,
with whatever it needs of the one before, and nothing of it counts against an endpoint."""
import os

import h2kit
import kit
import tlskit
from test_https import LATE, count_outcomes, listen, pki, things, trusting  # noqa: F401  pylint: disable=unused-import
from test_no_descriptors import Eye, every_kind, speaking  # noqa: F401  pylint: disable=unused-import

ROUNDS = int(os.environ.get("RELOADS", "30"))


def stall_in(octets):
    """Says so much of an answer, and then nothing."""
    def serve(connection, _=0):
        connection.recv(4096)
        connection.sendall(octets)
        tlskit.hold(connection)
    return serve


def add_slow_ones(site, pki, things):  # noqa: F811  pylint: disable=redefined-outer-name
    head = b"HTTP/1.1 200 OK\r\nContent-Length: 4096\r\n\r\n{\"a\": [1, \"is we"
    plain, secure = listen(things, stall_in(head)), listen(things, tlskit.secured(pki.context("direct"), stall_in(head)))
    two = listen(things, tlskit.secured(speaking(pki, "h2"), stall_in(h2kit.HELLO)))
    body = {"expect": "is well", "expect_regex": "a.*b(c|d)+", "json": [{"pointer": "/a/0", "op": "==", "value": 1}], "load": "/b"}
    slow = {"interval": "500ms", "timeout": "450ms"}
    site.topology["checks"].update({
        "slow-tcp": {"type": "tcp", "port": plain, "send": "x", "expect": "never", **slow},
        "slow-http": {"type": "http", "port": plain, **body, **slow},
        "slow-https": {"type": "https", **trusting(pki, secure), **body, **slow},
        "slow-shake": {"type": "https", **trusting(pki, listen(things, tlskit.hold)), **slow},
        "slow-h2": {"type": "https", **trusting(pki, two, alpn=["h2"]), **body, **slow, "method": "POST"},
        "slow-grpc": {"type": "grpc", "port": listen(things, stall_in(h2kit.HELLO)), **slow},
        "slow-exec": {"type": "exec", "command": ["/bin/sleep", "9"], **slow},
        "slow-icmp": {"type": "icmp", "packets": 4, "spacing": "100ms", **slow}})
    site.topology["endpoints"]["e"]["checks"] = list(site.topology["checks"])


def turn(site, number):
    """Another order, another pace, and somebody else who asks the same."""
    checks = site.topology["endpoints"]["e"]["checks"]
    site.topology["endpoints"]["e"]["checks"] = checks[1:] + checks[:1]
    site.topology["checks"]["slow-http"]["interval"] = f"{500 + number % 3}ms"
    if number % 2 == 0:
        site.topology["endpoints"]["other"] = {"az": "a", "addresses": ["127.0.0.1"], "checks": checks[::2]}
    else:
        del site.topology["endpoints"]["other"]
    site.write()


def test_whatever_is_under_way_goes_on(every_kind, pki, things):  # noqa: F811  pylint: disable=redefined-outer-name
    add_slow_ones(every_kind, pki, things)
    server = every_kind.start()
    eye = Eye(server)
    well = {name for name in every_kind.topology["checks"] if not name.startswith("slow-") or name == "slow-icmp"}
    eye.wait_once({"ok"}, well)
    for number in range(ROUNDS):
        turn(every_kind, number)
        assert server.reload().status == 200
    assert set(count_outcomes(server)) <= {"ok"} | LATE
    eye.wait_once(LATE, set(every_kind.topology["checks"]) - well)
    before = eye.count()
    server.wait(lambda: sum(eye.count().values()) >= sum(before.values()) + 100, "they go on", 4 * kit.PATIENCE_S)
    assert not {name for name, check in eye.look().items() if check["verdict"] == "unhealthy"} & well
