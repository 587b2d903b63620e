# SPDX-License-Identifier: BSD-3-Clause
"""steerctl from elsewhere: URL, token, certificates, profiles, and what it says when something is wrong."""
import json
import os
import re
import socket
import subprocess
import threading

import pytest

import gatekit
import kit


@pytest.fixture
def far(site):
    site.pki = gatekit.make_pki(site)
    site.pki.sign("old", "root", days=(-9, -1))
    site.pki.sign("elsewhere", "root", extensions="other")
    # certificates are for 127.0.0.1, and so is the listener
    site.at = ("127.0.0.1", kit.find_port("127.0.0.1"))
    site.server["admin"]["listen"] = [{"address": f"{site.at[0]}:{site.at[1]}", "certificate": site.pki.good_pem,
                                       "key": site.pki.good_key, "client_ca": site.pki.root_pem}]
    site.server["admin"]["client_roles"] = {"cn:ops": "operator"}
    kit.make_regions(site)
    site.zone("example.com", "www 60 IN A 192.0.2.99\n")
    server = site.start()
    server.url = f"https://127.0.0.1:{site.at[1]}"
    token = server.request("POST", "/v1/tokens", {"name": "alice", "role": "operator", "regions": ["us-east"]}).json["secret"]
    server.token = site.folder / "token"
    server.token.write_text(token + "\n")
    server.token.chmod(0o600)
    return server


def steerctl(far, *words, **environment):
    return subprocess.run([str(kit.STEERCTL), *map(str, words)], capture_output=True, text=True, timeout=kit.PATIENCE_S,
                          env={**os.environ, "HOME": str(far.site.folder), "XDG_CONFIG_HOME": "", **environment})


def remote(far, *words, **environment):
    return steerctl(far, "--url", far.url, "--ca", far.site.pki.root_pem, *words, **environment)


def test_a_token(far):
    done = remote(far, "--token-file", far.token, "drain", "region:us-east", "--reason", "a test", "--yes-unserved")
    assert done.returncode == 0, done
    assert far.get("/v1/overrides")["items"][0]["peer"] == "token:alice"
    refused = remote(far, "--token-file", far.token, "drain", "region:eu-west", "--reason", "a test")
    assert refused.returncode == 1 and "token:alice may not change region eu-west" in refused.stderr


def test_a_certificate(far):
    pki = far.site.pki
    listed = remote(far, "--cert", pki.ops_pem, "--key", pki.ops_key, "--json", "regions")
    assert listed.returncode == 0 and [item["name"] for item in json.loads(listed.stdout)["items"]] == ["us-east", "eu-west"]


def test_a_stream(far):
    """Those of the server that the URL says."""
    done = remote(far, "--token-file", far.token, "drain", "region:us-east", "--reason", "a test", "--yes-unserved")
    assert done.returncode == 0, done
    seen = remote(far, "--token-file", far.token, "events", "--kind", "override", "--json", STEERD_SOCKET="/nonexistent")
    assert seen.returncode == 0 and json.loads(seen.stdout.splitlines()[-1])["name"] == "region:us-east", seen
    refused = remote(far, "events")
    assert refused.returncode == 1 and refused.stdout == "", refused


def test_long_answers_come_whole(far):
    assert remote(far, "--token-file", far.token, "metrics").stdout.count("\n") > 300


def test_nobody(far):
    refused = remote(far, "status")
    assert refused.returncode == 1 and "has not shown who that is" in refused.stderr


VERBS = """
acme list; acme clear nobody; status; regions; regions us-east; azs; endpoints; checks; replication; lag; errors; objectives; rules; rules check region:us-east=drain
watch --once; check run web-us-east-1a; vantages; vantage show nobody; config show; config diff; tokens; token show nobody
show az:us-east-1a; drain az:us-east-1a --reason x; up az:us-east-1a --reason x; down az:us-east-1a --reason x; auto az:us-east-1a
failback az:us-east-1a --reason x; load endpoint:web-us-east-1a 0.5; report endpoint:web-us-east-1a web up; overrides; history
events; events region:us-east --since 5m; webhooks; webhooks nobody; retry nobody; hooks; audit verify; backup {folder}/backup
export; salvage; operations; operations nobody; incidents; incidents nobody; traffic; resolvers; drains; drains 7
switchover list; switchover plan region:us-east; switchover show nobody; point list; point show nobody; restore 1h --reason x
import {folder}/objects --reason x; explain www.example.com; diff 1h; what-if region us-east down; zones; names; geo; reload
takeover; drill list; drill reports; drill shadow --lose region:us-east --client 192.0.2.0/24 --for 1m --reason x
observe www.example.com --server 127.0.0.1 --drill nobody; nodes; serving; withdraw --reason x; announce; cluster; cluster conflicts; metrics; openapi
bundles; push {folder}/zones --check
"""


def test_each_verb_asks_the_server_of_the_url(far):
    """By somebody who may only look, so that nothing happens; there is no socket here that could be asked instead."""
    secret = far.request("POST", "/v1/tokens", {"name": "carol", "role": "viewer"}).json["secret"]
    token = far.site.folder / "viewer"
    token.write_text(secret + "\n")
    token.chmod(0o600)
    (far.site.folder / "objects").write_text('{"kind":"override"}\n')
    lines = [words.strip().format(folder=far.site.folder).split() for words in re.split("[;\n]", VERBS) if words.strip()]
    assert set(kit.list_verbs()) - {"help", "version", "init", "completion"} == {words[0] for words in lines}
    for words in lines:
        done = steerctl(far, "-s", "/nonexistent/socket", "--url", far.url, "--ca", far.site.pki.root_pem, "--token-file", token, *words)
        assert "/nonexistent" not in done.stderr and done.returncode in (0, 1, 4), (words, done)


def test_events_from_elsewhere(far):
    """Those that were, and those that come."""
    far.override("az", "us-east-1a", "drain", reason="first")
    asked = ("--token-file", far.token)
    assert 'az:us-east-1a state=drain' in remote(far, *asked, "events", "--kind", "override").stdout
    refused = remote(far, "events")
    assert refused.returncode == 1 and "has not shown who that is" in refused.stderr
    gone = steerctl(far, "--url", f"https://127.0.0.1:{kit.find_port('127.0.0.1')}", "--ca", far.site.pki.root_pem, *asked, "events")
    assert gone.returncode == 3 and "cannot connect" in gone.stderr
    lines = []
    with subprocess.Popen([str(kit.STEERCTL), "--url", far.url, "--ca", str(far.site.pki.root_pem), "--token-file", str(far.token),
                           "--json", "events", "--follow", "--kind", "override"], stdout=subprocess.PIPE, text=True) as following:
        reader = threading.Thread(target=lambda: lines.extend(iter(following.stdout.readline, "")))
        reader.start()
        try:
            def is_told():
                far.override("az", "us-east-1b", "drain", reason="second")
                far.request("DELETE", "/v1/overrides/az/us-east-1b?reason=x")
                return any(json.loads(line)["name"] == "az:us-east-1b" for line in list(lines))
            far.wait(is_told, "it is told")
        finally:
            following.terminate()
            reader.join(kit.PATIENCE_S)


def test_profiles(far):
    far.override("az", "us-east-1a", "drain", reason="x")
    folder = far.site.folder / ".config/steerctl"
    folder.mkdir(parents=True)
    config = folder / "config.json"
    config.write_text(json.dumps({"profiles": {"prod": {"url": far.url, "ca": far.site.pki.root_pem, "token_file": str(far.token)},
                                               "here": {"socket": str(far.site.socket)}, "odd": {"colour": "red"}}}))
    assert steerctl(far, "--profile", "prod", "regions").returncode == 0
    assert steerctl(far, "regions", STEERCTL_PROFILE="prod").returncode == 0
    assert steerctl(far, "--profile", "here", "regions").returncode == 0
    assert steerctl(far, "--profile", "prod", "export").returncode != 3  # by a program of its own
    assert 'az:us-east' in steerctl(far, "--profile", "prod", "events", "az:us-east-1a").stdout
    for name, said in ("none", "there is no profile"), ("odd", "colour"):
        refused = steerctl(far, "--profile", name, "status")
        assert refused.returncode == 2 and said in refused.stderr
    config.write_text("{")
    assert steerctl(far, "--profile", "prod", "status").returncode == 2


def test_what_is_wrong_is_told(far):
    pki, token = far.site.pki, ("--token-file", far.token)
    cases = [((*token, "status"), "signed by nobody who is trusted", far.url, None),
             ((*token, "status"), "cannot connect", f"https://127.0.0.1:{kit.find_port('127.0.0.1')}", pki.root_pem),
             (("--token-file", "/nonexistent", "status"), "cannot be read", far.url, pki.root_pem),
             (("--cert", pki.ops_pem, "status"), "go together", far.url, pki.root_pem),
             (("--cert", pki.stranger_pem, "--key", pki.stranger_key, "status"), "steerctl", far.url, pki.root_pem)]
    for words, said, url, ca in cases:
        refused = steerctl(far, "--url", url, *(("--ca", ca) if ca else ()), *words)
        assert refused.returncode == 3 and said in refused.stderr, (words, refused)
    for url in "http://127.0.0.1:1", "https://", "https://x/y", "https://x:99999999", "https://a b", "https://[::1":
        refused = steerctl(far, "--url", url, "status")
        assert refused.returncode == 3 and "expected https://HOST:PORT" in refused.stderr, refused
    assert steerctl(far, "--ca", "x", "status").returncode == 2


@pytest.mark.parametrize("certificate, said", [("old", "expired"), ("elsewhere", "other hosts")])
def test_bad_servers_are_not_asked(far, certificate, said):
    site = far.site
    site.server["admin"]["listen"][0].update(certificate=getattr(site.pki, f"{certificate}_pem"), key=getattr(site.pki, f"{certificate}_key"))
    site.write()
    assert far.reload().status == 200
    refused = remote(far, "--token-file", far.token, "status")
    assert refused.returncode == 3 and said in refused.stderr


def test_a_server_that_speaks_something_else(far):
    with socket.create_server(("127.0.0.1", 0)) as other:
        process = subprocess.Popen([str(kit.STEERCTL), "--url", f"https://127.0.0.1:{other.getsockname()[1]}", "--ca", far.site.pki.root_pem,
                                    "status"], stderr=subprocess.PIPE, text=True)
        connection, _ = other.accept()
        with connection:
            connection.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n")
            _, said = process.communicate(timeout=kit.PATIENCE_S)
    assert process.returncode == 3 and "is not TLS" in said


def test_a_token_that_others_can_read_is_warned_of(far):
    far.token.chmod(0o644)
    done = remote(far, "--token-file", far.token, "status")
    assert done.returncode == 0 and "others can use" in done.stderr
