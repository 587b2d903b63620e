# SPDX-License-Identifier: BSD-3-Clause
"""When checks are made, as a real endpoint sees it: once for all who ask the same, sooner while a verdict hangs on it, not more
of them than the limits say, and none any more when nobody wants them."""
import socket
import threading
import time

import pytest

import kit
import vantagekit


class Counting:
    """Accepts at one address, and counts; holds connections open for a while."""

    def __init__(self, address, hold_s=0):
        self.accepted, self.open, self.most, self.hold_s = 0, 0, 0, hold_s
        self.lock = threading.Lock()
        self.listener = socket.create_server((address, 0), backlog=128)
        self.port = self.listener.getsockname()[1]
        threading.Thread(target=self.serve, daemon=True).start()

    def serve(self):
        while True:
            try:
                connection, _ = self.listener.accept()
            except OSError:
                return
            with self.lock:
                self.accepted += 1
                self.open += 1
                self.most = max(self.most, self.open)
            threading.Thread(target=self.answer, args=(connection,), daemon=True).start()

    def answer(self, connection):
        with connection:
            connection.settimeout(20)
            try:
                connection.recv(4096)
                time.sleep(self.hold_s)
                with self.lock:
                    self.open -= 1
                connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
            except OSError:
                pass

    def close(self):
        self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()


@pytest.fixture
def counting():
    opened = []

    def make(address, **how):
        opened.append(Counting(address, **how))
        return opened[-1]

    yield make
    for endpoint in opened:
        endpoint.close()


def read_metrics(server):
    lines = server.request("GET", "/metrics").body.decode().splitlines()
    return {line.rpartition(" ")[0]: float(line.rpartition(" ")[2]) for line in lines if line[0] != "#"}


def make_topology(site, address, names, **check):
    site.topology = {"regions": {"r": {"azs": {"a": {}, "b": {}}}}, "checks": {"it": {"timeout": "1s", **check}},
                     "endpoints": {name: {"az": "ab"[at % 2], "addresses": [address], "checks": ["it"]}
                                   for at, name in enumerate(names)}}


def test_who_asks_the_same_is_asked_once(site, counting):
    """Three endpoints of one address and a control target are one check; a fourth asks for something else. With the last one
    of them the check goes."""
    address = kit.new_address()
    web = counting(address)
    make_topology(site, address, ["x", "y", "z", "other"], type="http", port=web.port, interval="1h")
    site.topology["checks"]["else"] = {"type": "http", "port": web.port, "interval": "1h", "path": "/else"}
    site.topology["endpoints"]["other"]["checks"] = ["else"]
    site.topology["brake"] = {"control": [{"address": address, "check": "it"}]}
    site.zone("example.com", "")
    server = site.start()
    for name in ("x", "y", "z", "other"):
        server.wait_state("endpoint", name, observed="healthy", last_outcome="ok")
    assert web.accepted == 2 and read_metrics(server)["steerd_checks_planned"] == 2
    for name in ("x", "other"):
        del site.topology["endpoints"][name]
    del site.topology["brake"]
    site.write()
    server.reload()
    kit.wait_for(lambda: read_metrics(server)["steerd_checks_planned"] == 1, "one check is left")
    assert web.accepted == 2, "what stays is not asked again because others go"
    site.topology["checks"]["often"] = {"type": "http", "port": web.port, "interval": "50ms", "timeout": "50ms"}
    site.topology["checks"]["it"]["timeout"] = "50ms"
    site.topology["endpoints"]["y"]["checks"] = ["often"]
    site.write()
    server.reload()
    kit.wait_for(lambda: web.accepted > 10, "the shortest interval holds for both")
    assert read_metrics(server)["steerd_checks_planned"] == 1
    before = server.get("/v1/endpoints/z")["last_checked"]
    kit.wait_for(lambda: server.get("/v1/endpoints/z")["last_checked"] > before, "both hear of it")
    site.topology["endpoints"] = {}
    site.topology["checks"] = {}
    site.write()
    server.reload()
    kit.wait_for(lambda: read_metrics(server)["steerd_checks_planned"] == 0 and
                 read_metrics(server)["steerd_checks_in_flight"] == 0, "nothing is checked any more")
    seen = web.accepted
    time.sleep(0.5)
    assert web.accepted == seen


def test_what_hangs_is_checked_again_soon(site):
    """Twenty results decide, and they come within a few seconds though checks are 3 s apart otherwise."""
    at = kit.make_regions(site, ["us-east-1a"], interval="3s", timeout="1s", recheck="50ms", fall=20, rise=20)
    site.zone("example.com", "")
    web = site.web(at["us-east-1a"])
    server = site.start()
    server.wait_state("endpoint", "web-us-east-1a", observed="healthy")
    web.kill()
    server.wait_state("endpoint", "web-us-east-1a", observed="unhealthy", last_outcome="refused")
    web.start()
    server.wait_state("endpoint", "web-us-east-1a", observed="healthy")


def test_limits(site, counting):
    """Thirty different checks of an endpoint that takes its time: never more than so many at once, and all succeed."""
    address = kit.new_address()
    web = counting(address, hold_s=0.02)
    names = [f"e{number}" for number in range(30)]
    make_topology(site, address, names, type="http", port=web.port, interval="1s")
    for name in names:
        site.topology["checks"][name] = {**site.topology["checks"]["it"], "path": f"/{name}"}
        site.topology["endpoints"][name]["checks"] = [name]
    del site.topology["checks"]["it"]
    site.zone("example.com", "")
    site.server["probe"] = {"per_address": 2}
    server = site.start()
    for name in names:
        server.wait_state("endpoint", name, observed="healthy")
    assert web.most <= 2
    late = "steerd_checks_lateness_seconds"
    metrics = read_metrics(server)
    assert metrics[late + '_bucket{le="+Inf"}'] == metrics[late + "_count"] >= 30
    assert metrics[late + '_bucket{le="0.01"}'] < metrics[late + "_count"], "who waited was late"
    site.server["probe"] = {"in_flight": 3, "per_second": 1000}
    site.write()
    server.reload()
    seen = web.accepted
    kit.wait_for(lambda: web.accepted > seen + 60, "checks go on")
    assert web.most <= 3
    assert all(server.get(f"/v1/endpoints/{name}")["observed"] == "healthy" for name in names)


def test_limits_hold_for_vantages(site, counting):
    """As above, with a vantage that checks beside the server: each of them by itself."""
    address = kit.new_address()
    web = counting(address, hold_s=0.1)
    names = [f"e{number}" for number in range(30)]
    make_topology(site, address, names, type="http", port=web.port, interval="1s")
    for name in names:
        site.topology["checks"][name] = {**site.topology["checks"]["it"], "path": f"/{name}"}
        site.topology["endpoints"][name]["checks"] = [name]
    del site.topology["checks"]["it"]
    site.zone("example.com", "")
    listen = kit.new_address()
    place = f"{listen}:{kit.find_port(listen)}"
    site.server["vantages"] = {"listen": [place], "heartbeat": "60s", "expires": "600s", "quorum": "all"}
    site.server["probe"] = {"per_address": 2}
    server = site.start()
    probe = vantagekit.Probe(site.folder / "state")

    def wait_checks(more=20):
        made = probe.status()["checks"]["started"]
        probe.wait(lambda: probe.status()["checks"]["started"] > made + more, "it checks")
    try:
        probe.enrol(server.ctl_json("vantage", "enrol", "fra-1")["token"], place)
        probe.start()
        wait_checks()
        assert web.most <= 2 * 2
        site.server["probe"] = {"in_flight": 1, "per_second": 1000}
        site.write()
        server.reload()
        probe.wait(lambda: probe.status()["checks"]["limits"] == {"in_flight": 1, "per_second": 1000}, "the new limits, at once")
        probe.wait(lambda: probe.status()["checks"]["in_flight"] <= 1 and web.open <= 2, "what was under way has ended")
        web.most = 0
        wait_checks()
        assert web.most <= 2 * 1
    finally:
        probe.close()
