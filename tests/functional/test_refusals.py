# SPDX-License-Identifier: BSD-3-Clause
"""Every refusal is kept: one entry of the journal per peer, cause and minute, with how often; however many knock, few entries, and answers go on."""
import socket
import threading

import pytest

import kit
from gatekit import Remote, listen, make_pki
from takeovers import reaper, take_over  # noqa: F401  pylint: disable=unused-import

WHO = "uid:"


@pytest.fixture
def scene(site):
    at = kit.make_regions(site, azs=("us-east-1a", "eu-west-1a"))
    for endpoint in site.topology["endpoints"].values():
        endpoint["checks"] = []
    site.zone("example.com", "").policy("example.com", {"www": {"ttl": 5, "endpoints": ["web-*"], "tiers": [["us-east"], ["eu-west"]]}})
    site.us, site.eu = ([at[az]] for az in at)
    return site


def kept(server):
    return [entry["after"] for entry in server.get("/v1/journal?kind=refusal&limit=1000")["items"]]


def again(scene, server):
    """What was of the last minute is written by now."""
    server.stop()
    return scene.start()


def count(server, **wanted):
    return sum(entry["count"] for entry in kept(server) if all(str(entry[key]).startswith(value) for key, value in wanted.items()))


def total(server):
    lines = server.request("GET", "/metrics").body.decode().splitlines()
    return {line.split('"')[1]: int(line.split()[-1]) for line in lines if line.startswith("steerd_admin_refused_total{")}


def test_a_flood_is_few_entries_with_the_right_count(scene):
    scene.server["admin"]["socket_roles"] = {"*": "viewer"}
    server = scene.start()
    size = store_size(server)
    asked, ends = [], threading.Event()

    def ask():
        while not ends.is_set():
            asked.append(server.addresses("www.example.com"))
    asker = threading.Thread(target=ask)
    asker.start()
    connection = kit.UnixConnection(server.site.socket)
    for _ in range(10000):
        reply = knock(connection)
        assert reply == 403
    ends.set()
    asker.join()
    assert len(asked) > 10 and all(answer == scene.us for answer in asked)
    assert total(server)["role"] == 10000
    server = again(scene, server)
    entries = kept(server)
    assert 1 <= len(entries) <= 10 and sum(entry["count"] for entry in entries) == 10000  # one per minute that it took
    assert all(entry["cause"] == "role" and entry["peer"].startswith(WHO) and entry["request"] == "POST /v1/takeover" for entry in entries)
    assert entries[0]["since"] <= entries[0]["until"] and "admin" in entries[0]["why"]
    assert len(server.get("/v1/journal?limit=1000")["items"]) <= 40
    assert store_size(server) - size < 1 << 20, "the store is not flooded"
    table = server.ctl("history").stdout
    assert "refusal role" in table and "POST /v1/takeover" in table and f"{entries[0]['count']} x {WHO}" in table
    server.ctl("audit", "verify")


def store_size(server):
    return next(float(line.split()[-1]) for line in server.request("GET", "/metrics").body.decode().splitlines() if line.startswith("steerd_store_bytes "))


def knock(connection):
    connection.request("POST", "/v1/takeover", b"{}", {"Content-Type": "application/json"})
    reply = connection.getresponse()
    reply.read()
    return reply.status


def test_many_peers_are_few_entries(scene):
    """Sixty addresses without a certificate: sixteen of them by name, the others as one."""
    pki = make_pki(scene)
    at = listen(scene, pki)
    server = scene.start()
    for number in range(60):
        assert Remote(at, pki, source=f"127.0.5.{number + 1}").request("GET", "/v1/status", judge=False).status == 401
    server = again(scene, server)
    entries = [entry for entry in kept(server) if entry["cause"] == "nobody"]
    named = {entry["peer"] for entry in entries} - {"others"}
    assert sum(entry["count"] for entry in entries) == 60 and len(entries) <= 2 * 17
    assert named <= {f"127.0.5.{number + 1}" for number in range(60)} and len(named) >= 16 and count(server, peer="others") > 0


def test_strangers_hide_nobody_who_is_known(scene):
    """Sixty who are nobody, and then a viewer who wanted to do more: he is told of, and kept by his name."""
    pki = make_pki(scene)
    at = listen(scene, pki)
    server = scene.start()
    for number in range(60):
        assert Remote(at, pki, source=f"127.0.6.{number + 1}").request("GET", "/v1/status", judge=False).status == 401
    assert server.request("GET", "/v1/status").status == 200
    token = server.request("POST", "/v1/tokens", {"name": "looker", "role": "viewer"}).json
    refused = Remote(at, pki, token=token["secret"]).request("POST", "/v1/takeover", {}, judge=False)
    assert refused.status == 403
    server = again(scene, server)
    assert [entry["cause"] for entry in kept(server) if "looker" in entry["peer"]] == ["role"]


def test_handshakes(scene):
    pki = make_pki(scene)
    at = listen(scene, pki, client_ca=pki.root_pem)
    server = scene.start()
    with socket.create_connection(at) as raw:
        raw.sendall(b"GET / HTTP/1.0\r\n\r\n")
        raw.settimeout(kit.PATIENCE_S)
        while raw.recv(4096):
            pass
    with pytest.raises(OSError):
        Remote(at, pki, certificate="stranger").request("GET", "/v1/status", judge=False)
    with socket.create_connection(at):
        pass  # who only looks whether the port is open was not refused
    server.wait(lambda: total(server)["handshake"] >= 2, "both are counted")
    server.wait_log("access", "cause=handshake", "what came is no TLS")
    server.wait_log("access", "cause=handshake", "signed by nobody who is trusted here")
    server = again(scene, server)
    entries = [entry for entry in kept(server) if entry["cause"] == "handshake"]
    assert sum(entry["count"] for entry in entries) == 2 and {entry["peer"] for entry in entries} == {"127.0.0.1"}


def test_what_rules_object_to_is_refused_too(scene):
    scene.topology["rules"] = {"some": {"type": "serving", "kind": "region", "at_least": 1}}
    server = scene.start()
    server.override("region", "us-east", "drain")
    refused = server.request("PUT", "/v1/regions/eu-west/override", {"state": "drain", "reason": "both"})
    assert refused.status == 409, refused
    server.wait_log("access", "cause=rules", "method=PUT")
    answers = [server.request("POST", "/v1/switchovers", {"source": "region:eu-west", "reason": "x", "execute": True}) for _ in range(3)]
    assert {answer.status for answer in answers} == {409}, answers
    server.wait_log("access", "cause=rules", "method=POST", "resource=/v1/switchovers", "a look at the switchover objects")
    assert total(server)["rules"] == 4
    take_over(server)  # what there is goes to the store with that
    entries = server.wait(lambda: [entry for entry in kept(server) if entry["cause"] == "rules"], "it is kept")
    assert sum(entry["count"] for entry in entries) == 4 and all(entry["peer"].startswith(WHO) for entry in entries)
    assert entries[0]["request"] == "POST /v1/switchovers"
