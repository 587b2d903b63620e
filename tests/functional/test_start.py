# SPDX-License-Identifier: BSD-3-Clause
"""Starts in the middle of a disaster: the first answer knows what the first checks found. Sockets are there at once, so
queries wait; nobody waits for longer than "start_wait", and a server without checks not at all."""
import socket
import subprocess

import pytest

import asking
import kit

LONG = "1m"  # longer than any test's patience


def make(site, us, eu, **check):
    site.topology = {
        "regions": {"us": {"azs": {"us-a": {}}}, "eu": {"azs": {"eu-a": {}}}, "ap": {"azs": {"ap-a": {}}}},
        "checks": {"port": {"type": "tcp", "port": kit.WEB_PORT, "interval": "1s", "timeout": "900ms", "fall": 3, "rise": 2, **check}},
        "endpoints": {"us-1": {"az": "us-a", "addresses": [us], "checks": ["port"]},
                      "eu-1": {"az": "eu-a", "addresses": [eu], "checks": ["port"]}}}
    site.zone("example.com", "").policy("example.com", {"www": {"endpoints": ["us-1", "eu-1"], "tiers": [["us"], ["eu"]],
                                                                "ttl": 30, "ttl_failing": 5}})
    return site


@pytest.fixture
def silent():
    """An address whose checks neither succeed nor end: a listener whose queue is full."""
    address, waiting = kit.new_address(), []
    with socket.create_server((address, kit.WEB_PORT), backlog=0):  # also where connections of others linger
        for _ in range(8):
            client = socket.socket()
            client.setblocking(False)
            client.connect_ex((address, kit.WEB_PORT))
            waiting.append(client)
        yield address
        for client in waiting:
            client.close()


def launch(site):
    """Without waiting for anything."""
    server = kit.Server(site.write())
    site.running.append(server)
    with open(server.log_path, "ab") as log:
        server.process = subprocess.Popen([str(kit.STEERD), "-c", str(site.config)], stderr=log, stdin=subprocess.DEVNULL,
                                          env=kit.make_environment())
    server.wait(server.talks, "the API answers")
    return server


def test_the_first_answer_knows_of_the_disaster(site):
    """us is dead, and its check wants three failures: not one answer leads there."""
    us, eu = kit.new_address(), kit.new_address()
    make(site, us, eu)
    site.server["start_wait"] = LONG
    site.web(eu)
    server = site.start()
    assert server.addresses("www.example.com") == [eu]
    assert server.get("/v1/endpoints/us-1")["effective"] == "unhealthy"
    assert "start waited" not in server.read_log()


def test_one_success_takes_back_a_first_failure(site):
    us, eu = kit.new_address(), kit.new_address()
    make(site, us, eu, fall=50, rise=50, interval="100ms", timeout="100ms")
    site.web(eu)
    server = site.start()
    assert server.addresses("www.example.com") == [eu]
    site.web(us)
    server.wait_answers("www.example.com", [us])


def test_queries_wait_in_the_sockets(site, silent):
    """Who asks before it answers is answered when the time is over; then the unknown serves, for a short time each."""
    make(site, silent, kit.new_address(), interval="1h", timeout="1m")
    site.server["start_wait"] = "3s"
    server = launch(site)
    assert "answers queries" not in server.read_log()
    client = asking.Client(site.listen[0])
    answer = client.ask("www.example.com", "A")
    client.close()
    assert answer.addresses == [silent] and answer.ttls == [5]
    assert "unknown=1" in server.wait_log("start waited")
    server.wait_log("answers queries")


def test_it_ends_and_reloads_while_it_waits(site, silent):
    make(site, silent, kit.new_address(), interval="1h", timeout="1m")
    site.server["start_wait"] = LONG
    server = launch(site)
    assert server.get("/v1/endpoints/us-1")["effective"] == "unknown"
    server.ctl("reload")
    assert server.get("/v1/status")["generation"] == 2 and "answers queries" not in server.read_log()
    server.stop()


def test_only_what_policies_use_is_waited_for(site, silent):
    make(site, silent, kit.new_address(), interval="1h", timeout="1m")
    site.topology["endpoints"]["ap-1"] = site.topology["endpoints"].pop("us-1") | {"az": "ap-a"}
    site.topology["endpoints"]["us-1"] = {"az": "us-a", "addresses": ["192.0.2.1"]}
    site.server["start_wait"] = LONG
    server = site.start()
    assert server.addresses("www.example.com") == ["192.0.2.1"]


def test_not_at_all(site, silent):
    make(site, silent, kit.new_address(), interval="1h", timeout="1m")
    site.server["start_wait"] = "0s"
    server = site.start()
    assert server.addresses("www.example.com") == [silent] and "start waited" not in server.read_log()


def test_bad_waits_are_refused(site):
    make(site, "127.0.0.1", "127.0.0.2")
    for value in "2", 2, "61s", "-1s":
        site.server["start_wait"] = value
        site.write()
        done = kit.run_steerd("-c", str(site.config), "--check")
        assert done.returncode == 1 and "$.start_wait" in done.stderr, value
