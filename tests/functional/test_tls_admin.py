# SPDX-License-Identifier: BSD-3-Clause
"""The admin API by TLS: who gets in, what a reload and a takeover change, and what crowds there cannot do."""
import http.client
import os
import shutil
import signal
import socket
import ssl
import subprocess

import pytest

import gatekit
import kit
import takeovers
from takeovers import reaper  # noqa: F401


@pytest.fixture
def far(site):
    """A server that listens by TLS and asks for certificates."""
    site.pki = gatekit.make_pki(site)
    site.at = gatekit.listen(site, site.pki, client_ca=site.pki.root_pem)
    site.server["admin"]["client_roles"] = {"cn:ops": "operator", "*": "viewer"}
    kit.make_regions(site)
    site.zone("example.com", "www 60 IN A 192.0.2.99\n")
    server = site.start()
    server.remote = lambda certificate=None, at=None: gatekit.Remote(at or site.at, site.pki, certificate)
    return server


def reload(server):
    server.site.write()
    offset = len(server.read_log())
    os.kill(server.process.pid, signal.SIGHUP)
    server.wait_log("reload", "generation=", offset=offset)
    return offset


def put(server, remote, state="drain"):
    return remote.request("PUT", "/v1/regions/us-east/override", {"state": state, "reason": "a test"})


def test_a_certificate_says_who_it_is(far):
    reply = put(far, far.remote("ops"))
    assert reply.status == 200 and reply.json["override"]["peer"] == "cert:cn:ops"
    assert far.get("/v1/overrides")["items"][0]["actor"] == "cert:cn:ops"
    assert far.remote("desk").request("GET", "/v1/status").status == 200
    reply = put(far, far.remote("desk"))
    assert reply.status == 403 and "needs the role operator; cert:cn:desk has viewer" in reply.json["detail"]


def test_without_a_certificate_there_is_nothing(far):
    for method, path in ("GET", "/v1/status"), ("GET", "/v1/nothing"), ("PUT", "/v1/regions/us-east/override"), ("GET", "/metrics"):
        reply = far.remote().request(method, path)
        assert reply.status == 401 and reply.json["type"] == "urn:steerd:problem:unauthorized"
        assert reply.headers["WWW-Authenticate"].startswith("Bearer")
        assert reply.headers["Connection"] == "close"
    far.wait_log("access", "cause=nobody", f"peer={far.remote().connect().getsockname()[0]}")


def test_strangers_are_refused_in_the_handshake(far):
    with pytest.raises(ssl.SSLError):
        with far.remote("stranger").connect() as connection:
            connection.recv(1)


@pytest.mark.parametrize("version, works", [("TLSv1_1", False), ("TLSv1_2", True), ("TLSv1_3", True)])
def test_versions(far, version, works):
    remote = far.remote("ops")
    remote.context.set_ciphers("ALL:@SECLEVEL=0")
    remote.context.minimum_version = remote.context.maximum_version = getattr(ssl.TLSVersion, version)
    if works:
        assert remote.request("GET", "/v1/status").status == 200
    else:
        with pytest.raises((ssl.SSLError, ConnectionError)):
            remote.connect()


def test_what_is_no_tls_is_ended(far):
    for said in b"GET /v1/status HTTP/1.1\r\nHost: x\r\n\r\n", b"\0" * 100, b"\x16\x03\x01\x00\x05hello":
        with socket.create_connection(far.site.at, kit.PATIENCE_S) as raw:
            raw.sendall(said)
            raw.shutdown(socket.SHUT_WR)
            while raw.recv(4096):
                pass
    assert far.remote("ops").request("GET", "/v1/status").status == 200


def test_long_answers_and_bodies_go_through(far):
    with far.remote("ops").connect() as connection:
        client = http.client.HTTPConnection("x")
        client.sock = connection
        for _ in range(3):  # of one connection
            client.request("GET", "/metrics")
            assert len(client.getresponse().read()) > 20000
        body = b'{"assume": ["' + b"x" * 500000 + b'"]}'
        client.request("POST", "/v1/what-if", body, {"Content-Type": "application/json"})
        reply = client.getresponse()
        assert reply.status == 422 and b"urn:steerd:problem" in reply.read()


def serial_of(remote):
    with remote.connect() as connection:
        return connection.getpeercert()["serialNumber"]


def test_a_reload_exchanges_the_certificate_and_drops_nobody(far):
    site, remote = far.site, far.remote("ops")
    before = serial_of(remote)
    with remote.connect() as kept:
        client = http.client.HTTPConnection("x")
        client.sock = kept
        client.request("GET", "/v1/status")
        assert client.getresponse().read()
        site.pki.sign("other", "middle", chain=["middle"])
        shutil.copy(site.pki.other_pem, site.pki.good_pem)
        shutil.copy(site.pki.other_key, site.pki.good_key)
        reload(far)
        after = serial_of(remote)
        assert after != before
        client.request("GET", "/v1/status")
        assert client.getresponse().status == 200
    with open(site.pki.good_pem, "w", encoding="ascii") as file:
        file.write("broken")
    offset = reload(far)
    assert "found no certificate" in far.read_log(offset)
    assert serial_of(remote) == after
    assert remote.request("GET", "/v1/status").status == 200


def test_a_start_with_a_broken_certificate_answers_queries(site):
    pki = gatekit.make_pki(site)
    at = gatekit.listen(site, pki)
    with open(pki.good_key, "r+", encoding="ascii") as file:
        key = file.read()
        file.seek(0)
        file.write("x")
    site.zone("example.com", "www 60 IN A 192.0.2.99\n")
    server = site.start()
    assert server.addresses("www.example.com") == ["192.0.2.99"] and server.get("/v1/status")
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(at)
    with open(pki.good_key, "w", encoding="ascii") as file:
        file.write(key)
    reload(server)
    assert gatekit.Remote(at, pki).request("GET", "/v1/status").status == 401


def test_addresses_come_and_go_with_a_reload(far):
    site, first = far.site, far.site.at
    second = gatekit.listen(site, site.pki, client_ca=site.pki.root_pem)
    reload(far)
    assert far.remote("ops", second).request("GET", "/v1/status").status == 200
    assert far.remote("ops", first).request("GET", "/v1/status").status == 200
    del site.server["admin"]["listen"][0]
    reload(far)
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(first)
    assert far.remote("ops", second).request("GET", "/v1/status").status == 200
    site.server["admin"]["client_roles"] = {"cn:desk": "admin"}
    reload(far)
    assert far.remote("ops", second).request("GET", "/v1/status").status == 403
    assert far.remote("desk", second).request("GET", "/v1/points").status == 200


def test_an_address_that_is_taken_is_tried_again(site):
    pki = gatekit.make_pki(site)
    at = gatekit.listen(site, pki)
    site.zone("example.com", "www 60 IN A 192.0.2.99\n")
    with socket.create_server(at):
        server = site.start()
        server.wait_log("admin listener failed", f"{at[0]}:{at[1]}")
        assert server.get("/v1/status")
    server.wait(lambda: "admin listens" in server.read_log(), "listens")
    assert gatekit.Remote(at, pki).request("GET", "/v1/status").status == 401


def test_a_takeover_hands_the_listener_over(far):
    with socket.create_connection(far.site.at, kit.PATIENCE_S):  # somebody is there all the time
        old, _ = takeovers.take_over(far)
        for _ in range(5):
            assert far.remote("ops").request("GET", "/v1/status").status == 200
        assert put(far, far.remote("ops")).status == 200
    assert old.wait(kit.PATIENCE_S) == 0


def test_a_crowd_there_takes_no_place_of_the_socket(far):
    crowd = []
    try:
        for i in range(500):  # that has shaken hands, or never does
            crowd.append(far.remote("desk").connect() if i % 10 == 0 else socket.create_connection(far.site.at, kit.PATIENCE_S))
        for _ in range(20):
            assert far.get("/v1/status") and far.addresses("www.example.com") == ["192.0.2.99"]
        assert far.remote("ops").request("GET", "/v1/status").status == 200
    finally:
        for one in crowd:
            one.close()
    far.wait(lambda: far.remote("ops").request("GET", "/v1/status").status == 200, "serves the next one")


def test_a_handshake_that_never_ends_is_ended(far):
    with socket.create_connection(far.site.at, kit.PATIENCE_S) as raw:
        raw.sendall(b"\x16\x03\x01")
        assert raw.recv(1) == b""


def test_curl(far):
    pki, (address, port) = far.site.pki, far.site.at
    got = subprocess.run(["curl", "-sS", "--cacert", pki.root_pem, "--cert", pki.ops_pem, "--key", pki.ops_key, "--resolve",
                          f"www.example.com:{port}:{address}", f"https://www.example.com:{port}/v1/regions?limit=1"],
                         capture_output=True, text=True)
    assert got.returncode == 0 and '"us-east"' in got.stdout, got


def test_bad_configurations_are_told(site):
    pki = gatekit.make_pki(site)
    site.zone("example.com", "www 60 IN A 192.0.2.99\n")
    good = {"address": "127.0.0.1:8443", "certificate": pki.good_pem, "key": pki.good_key}

    def check(listen, **more):
        site.server["admin"].update(listen=listen, **more)
        site.write()
        return subprocess.run([str(kit.STEERD), "-c", str(site.config), "--check"], capture_output=True, text=True)
    for listen, found in (({}, "array"), ([{"address": "x", **{k: good[k] for k in ("certificate", "key")}}], "an address and a port"),
                          ([{"address": "127.0.0.1:1"}], '"certificate"'), ([good, good], "twice"), ([{**good, "ca": "x"}], '"ca"')):
        checked = check(listen)
        assert checked.returncode == 1 and found in checked.stderr, (listen, checked)
    checked = check([{**good, "key": pki.ops_key}])
    assert checked.returncode == 0 and "does not belong to the certificate" in checked.stderr
    checked = check([{**good, "client_ca": pki.root_pem}])
    assert checked.returncode == 0 and "client_roles" in checked.stderr
    checked = check([good], client_roles={"alice": "admin"})
    assert checked.returncode == 1 and "cn:NAME" in checked.stderr


def test_a_stream_ends_with_the_role_of_its_certificate(far):
    gone, stays = (gatekit.Lasting(far.remote(name), "GET", "/v1/events") for name in ("desk", "ops"))
    gone.read_until("up to date"), stays.read_until("up to date")
    far.site.server["admin"]["client_roles"] = {"cn:ops": "viewer"}
    far.site.write()
    assert far.request("POST", "/v1/reload").status == 200
    far.request("PUT", "/v1/regions/eu-west/override", {"state": "drain", "reason": "not for all", "allow_unserved": True})
    assert "not for all" not in gone.read_rest()
    stays.read_until("not for all")
    stays.socket.close()
