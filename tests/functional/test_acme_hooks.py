# SPDX-License-Identifier: BSD-3-Clause
"""Hooks of ACME clients (contrib/acme), called as these call them; and the clients themselves with a test CA, where these are installed."""
import contextlib
import json
import os
import shutil
import socket
import subprocess

import pytest

import kit
import tlskit

HOOKS = kit.TOP / "contrib/acme"
ONE, TWO = "-oqXcYV8q5ONbJQxbmR7SCTNo3tiAXDfowyjxAjEuX0", "evaGxfADs6pSRb2LAv9IZf17Dt3juxGJ-PCt92wr-oA"
NAME = "_acme-challenge.www.example.com"
ACME_SH = """
_err() { echo "err: $*" >&2; }
_readaccountconf_mutable() { sed -n "s/^SAVED_$1=//p" account.conf 2>/dev/null; }
_saveaccountconf_mutable() { echo "SAVED_$1=$2" >account.conf; }
. "$1"; shift
"$@"
"""


@pytest.fixture
def server(site):
    return site.zone("example.com", "www 60 IN A 192.0.2.99\n").start()


def run(server, *words, **environment):
    """With the server's socket, as steerctl finds it."""
    return subprocess.run([str(word) for word in words], capture_output=True, text=True, timeout=60, check=False, cwd=server.site.folder,
                          env={**kit.make_environment(), "STEERCTL": str(kit.STEERCTL), "STEERD_SOCKET": str(server.site.socket), **environment})


def texts(server, name=NAME):
    return sorted(text.strip('"') for text in server.addresses(name, "TXT"))


# ---- called as they are ----

def test_certbot(server):
    hook = HOOKS / "certbot-steerd"
    for value in ONE, TWO:
        done = run(server, hook, "set", CERTBOT_DOMAIN="www.example.com", CERTBOT_VALIDATION=value)
        assert done.returncode == 0, done
    assert texts(server) == sorted([ONE, TWO])
    assert server.get(f"/v1/challenges/{NAME}")["values"][0]["reason"] == "certbot"
    for value, left in (ONE, [TWO]), (TWO, []), (TWO, []):  # a second time: it may have ended by then
        done = run(server, hook, "clear", CERTBOT_DOMAIN="www.example.com", CERTBOT_VALIDATION=value, CERTBOT_AUTH_OUTPUT="x")
        assert done.returncode == 0 and texts(server) == left, done
    done = run(server, hook, "set", CERTBOT_DOMAIN="www.example.org", CERTBOT_VALIDATION=ONE)
    assert done.returncode == 1 and "no zone that is served here has it" in done.stderr
    assert run(server, hook, "set").returncode != 0 and "CERTBOT_DOMAIN" in run(server, hook, "set").stderr
    assert run(server, hook, "x", CERTBOT_DOMAIN="a", CERTBOT_VALIDATION="b").returncode == 2


def test_lego(server):
    hook = HOOKS / "lego-steerd"
    assert run(server, hook, "present", NAME + ".", ONE).returncode == 0
    assert run(server, hook, "present", "--", "www.example.com.", "token", "token.thumbprint").returncode == 0
    digest = subprocess.run("printf token.thumbprint | openssl dgst -sha256 -binary | basenc --base64url", shell=True, capture_output=True, text=True, check=True)
    raw = digest.stdout.strip().rstrip("=")
    assert texts(server) == sorted([ONE, raw])
    assert run(server, hook, "cleanup", "--", "www.example.com.", "token", "token.thumbprint").returncode == 0 and texts(server) == [ONE]
    for _ in range(2):
        assert run(server, hook, "cleanup", NAME + ".", ONE).returncode == 0 and texts(server) == []
    assert run(server, hook, "present", NAME + ".", "x").returncode == 1
    assert {run(server, hook, *words).returncode for words in ([], ["present"], ["timeout"], ["present", "a"], ["remove", NAME, ONE])} == {2}


def test_acme_sh(server):
    hook = HOOKS / "dns_steerd.sh"
    (server.site.folder / "acme.sh").write_text(ACME_SH)
    assert run(server, "sh", "acme.sh", hook, "dns_steerd_add", NAME, ONE).returncode == 0 and texts(server) == [ONE]
    for _ in range(2):
        assert run(server, "sh", "acme.sh", hook, "dns_steerd_rm", NAME, ONE).returncode == 0 and texts(server) == []
    done = run(server, "sh", "acme.sh", hook, "dns_steerd_add", "_acme-challenge.example.org", ONE)
    assert done.returncode == 1 and "err: steerctl has not set" in done.stderr and "no zone" in done.stderr
    config = server.site.folder / "steerctl"
    config.mkdir()
    (config / "config.json").write_text(json.dumps({"profiles": {"dns": {"socket": str(server.site.socket)}}}))
    away = {"XDG_CONFIG_HOME": str(server.site.folder), "STEERD_SOCKET": "/nonexistent"}
    assert run(server, "sh", "acme.sh", hook, "dns_steerd_add", NAME, TWO, STEERCTL_PROFILE="dns", **away).returncode == 0
    assert run(server, "sh", "acme.sh", hook, "dns_steerd_rm", NAME, TWO, **away).returncode == 0 and texts(server) == []  # it is kept for renewals
    (server.site.folder / "account.conf").unlink()
    assert run(server, "sh", "acme.sh", hook, "dns_steerd_rm", NAME, TWO, **away).returncode == 1


# ---- with a CA ----

@contextlib.contextmanager
def authority(server):
    """pebble, which asks the server and nobody else; its directory, and whom to trust."""
    folder, (address, port) = server.site.folder, server.site.listen[0]
    pki = tlskit.Pki(folder / "pki")
    pki.sign("good", "root")
    ports = [kit.find_port("127.0.0.1") for _ in range(2)]
    (folder / "pebble.json").write_text(json.dumps({"pebble": {
        "listenAddress": f"127.0.0.1:{ports[0]}", "managementListenAddress": f"127.0.0.1:{ports[1]}", "certificate": str(pki.good_pem),
        "privateKey": str(pki.good_key), "httpPort": 1, "tlsPort": 1}}))
    with open(folder / "pebble.log", "w", encoding="utf-8") as log, subprocess.Popen(
            ["pebble", "-config", str(folder / "pebble.json"), "-dnsserver", f"{address}:{port}"], stdout=log, stderr=log,
            env={**os.environ, "PEBBLE_VA_NOSLEEP": "1", "PEBBLE_WFE_NONCEREJECT": "0", "PEBBLE_AUTHZREUSE": "0"}) as process:
        def listens():
            with contextlib.suppress(OSError):
                socket.create_connection(("127.0.0.1", ports[0])).close()
                return True
            return False
        try:
            kit.wait_for(listens, "pebble listens")
            yield f"https://127.0.0.1:{ports[0]}/dir", str(pki.root_pem)
        finally:
            process.terminate()


def need(*programs):
    missing = [program for program in programs if shutil.which(program) is None]
    if missing:
        pytest.skip(f"skipped: not installed: {', '.join(missing)}")


def names_of(certificate):
    done = subprocess.run(["openssl", "x509", "-in", str(certificate), "-noout", "-ext", "subjectAltName"], capture_output=True, text=True, check=True)
    return sorted(word.strip(" ,\n").removeprefix("DNS:") for word in done.stdout.splitlines()[1].split(", "))


def test_certbot_gets_a_certificate(server):
    need("pebble", "certbot")
    folder, hook = server.site.folder, HOOKS / "certbot-steerd"
    with authority(server) as (directory, root):
        done = run(server, "certbot", "certonly", "--manual", "--preferred-challenges", "dns", "-n", "--agree-tos", "-m", "ops@example.com",
                   "--server", directory, "--config-dir", folder / "c", "--work-dir", folder / "w", "--logs-dir", folder / "l",
                   "-d", "www.example.com", "-d", "*.www.example.com", "--manual-auth-hook", f"{hook} set", "--manual-cleanup-hook", f"{hook} clear",
                   REQUESTS_CA_BUNDLE=root)
    assert done.returncode == 0, (done, (folder / "pebble.log").read_text()[-2000:])
    assert names_of(folder / "c/live/www.example.com/fullchain.pem") == ["*.www.example.com", "www.example.com"] and texts(server) == []


def test_lego_gets_a_certificate(server):
    need("pebble", "lego")
    folder, (address, port) = server.site.folder, server.site.listen[0]
    with authority(server) as (directory, root):
        done = run(server, "lego", "--accept-tos", "--server", directory, "--email", "ops@example.com", "--path", folder / "lego", "--dns", "exec",
                   "--dns.disable-cp", "--dns.resolvers", f"{address}:{port}", "-d", "www.example.com", "run",
                   LEGO_CA_CERTIFICATES=root, EXEC_PATH=str(HOOKS / "lego-steerd"), EXEC_POLLING_INTERVAL="1", EXEC_SEQUENCE_INTERVAL="1")
    assert done.returncode == 0, (done, (folder / "pebble.log").read_text()[-2000:])
    assert names_of(folder / "lego/certificates/www.example.com.crt") == ["www.example.com"] and texts(server) == []
