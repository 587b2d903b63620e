# SPDX-License-Identifier: BSD-3-Clause
"""The report of a drill as a page: looked at by a browser, which has no network."""
import html
import json
import os
import pathlib
import re
import shutil
import struct
import subprocess
import zlib

import pytest

import kit
from test_drill import offline, planned  # noqa: F401  pylint: disable=unused-import
from test_shadow import scene  # noqa: F401  pylint: disable=unused-import

NAME = "a <b>bold</b> loss </script><script>document.title='taken'</script> & more"


def embedded(page):
    return json.loads(re.search(r'<script type="application/json" id="report">(.*?)</script', page, re.DOTALL).group(1))


def browse(path, folder, *words):
    browser = shutil.which("chromium")
    if browser is None:
        pytest.skip("no chromium")
    done = subprocess.run(
        [browser, "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
         "--disable-component-update", "--disable-sync", "--disable-dev-shm-usage", f"--user-data-dir={folder}", *words, path.as_uri()],
        stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=kit.PATIENCE_S, check=True)
    return done.stdout


def render(path, folder):
    """The document as the browser has it when its scripts have run."""
    return browse(path, folder, "--dump-dom")


def corner(picture):
    """Red, green and blue of the first pixel of a PNG, which no filter changes: there is nothing above it, nor left of it."""
    data = picture.read_bytes()
    assert data[:8] == b"\x89PNG\r\n\x1a\n" and data[24:26] in (b"\x08\x02", b"\x08\x06"), "8 bits each, with or without alpha"
    at, packed = 8, b""
    while at < len(data):
        length, kind = struct.unpack(">I4s", data[at:at + 8])
        packed += data[at + 8:at + 8 + length] if kind == b"IDAT" else b""
        at += 12 + length
    return tuple(zlib.decompress(packed)[1:4])


def test_a_browser_shows_it(planned, tmp_path):
    drill, page = tmp_path / "drill.json", tmp_path / "page.html"
    drill.write_text(json.dumps({"name": NAME, "duration": "10m", "objectives": {"rto": "20s"},
                                 "events": [{"at": "10s", "what": "region:us-east", "how": "lost", "for": "2m"}]}))
    report = json.loads(offline(planned, "--drill", str(drill), "--json", "--html", str(page), code=1).stdout)
    assert embedded(page.read_text()) == report and report["name"] == NAME
    shown = render(page, tmp_path / "browser")
    assert f"<title>Drill: {html.escape(NAME, quote=False)}</title>" in shown
    assert f"<h1>Drill: {html.escape(NAME, quote=False)}</h1>" in shown
    assert '<div class="verdict bad"><strong>FAILED</strong>' in shown
    for reason in report["reasons"]:
        assert f"<li>{html.escape(reason, quote=False)}</li>" in shown
    assert shown.count("<svg") == 5, "the recovery beside the RTO, failed requests, requests, answers by region and by az"
    for answer in report["answers"]:
        assert answer["changes"] == (f"<td>{answer['name']}</td>" in shown)
    for phase in report["phases"]:
        assert f"<td>{phase['text']}</td>" in shown


def test_it_follows_light_and_dark(planned, tmp_path):
    """PICTURES=doc/img makes the pictures of the documentation."""
    drill, page = tmp_path / "drill.json", tmp_path / "page.html"
    drill.write_text(json.dumps({"name": "us-east is lost for ten minutes", "duration": "20m", "objectives": {"rto": "60s"},
                                 "events": [{"at": "0s", "what": "region:us-east", "how": "lost", "for": "10m"}]}))
    offline(planned, "--drill", str(drill), "--html", str(page))
    folder = pathlib.Path(os.environ.get("PICTURES", tmp_path)).resolve()
    shown = {}
    for scheme, name in (0, "dark"), (1, "light"):
        picture = folder / f"drill-{name}.png"
        browse(page, tmp_path / name, "--hide-scrollbars", "--window-size=800,1900", f"--blink-settings=preferredColorScheme={scheme}",
               f"--screenshot={picture}")
        shown[name] = corner(picture)
    assert max(shown["dark"]) < 64 and min(shown["light"]) > 192, shown


def test_a_level_says_what_is_declared(planned, tmp_path):
    planned.topology["regions"]["us-east"]["replicates_to"] = [{"to": "eu-west", "lag": "push"}]
    planned.write()
    drill, page = tmp_path / "drill.json", tmp_path / "page.html"
    drill.write_text(json.dumps({"objectives": {"resources": {"site": 4}}, "events": [
        {"at": "0s", "what": "copy:us-east/eu-west", "how": "lag", "value": "10s"}, {"at": "1m", "what": "region:us-east", "how": "lost"}]}))
    offline(planned, "--drill", str(drill), "--html", str(page))
    shown = render(page, tmp_path / "browser")
    assert "Level 4 of GB/T 20988-2007 at most" in shown
    for item, how in ("times", "computed"), ("spare site", "declared"), ("recovery plan", "unknown"):
        assert re.search(f"<td>{item}</td><td>{how}</td>", shown), item


def test_both_programs_write_it(planned, tmp_path):
    server = planned.start()
    page = tmp_path / "page.html"
    server.ctl("drill", "simulate", "--lose", "region:us-east", "--from", "healthy", "--html", str(page), code=None)
    ours = embedded(page.read_text())
    offline(planned, "--drill", "region:us-east", "--html", str(page))
    assert ours == embedded(page.read_text()) and ours["lost"] == ["region:us-east"]
    for done in (offline(planned, "--drill", "region:us-east", "--html", "/none/page.html", code=2),
                 server.ctl("drill", "simulate", "--lose", "region:us-east", "--html", "/none/page.html", code=2)):
        assert "/none/page.html: No such file" in done.stderr


@pytest.mark.parametrize("mode, words", [("shadow", ["--client", "127.1.2.0/24"]), ("live", ["--reason", "game day", "--confirm", "us-east"])])
def test_what_was_measured_and_proved_is_on_it(scene, tmp_path, mode, words):
    """Also when it is made later, of what is kept; and nothing on it says that it was computed for the worst case."""
    server, first, later = scene.running[0], tmp_path / "first.html", tmp_path / "later.html"
    done = server.ctl("drill", mode, "--lose", "region:us-east", "--failure", "refused", "--for", "3s", *words, "--wait", "--html", str(first))
    drill = server.get("/v1/drills")["items"][0]
    assert " 0 differ" in done.stdout and drill["proof"]["hash"] in done.stdout and "publication" in done.stdout
    assert "return " in done.stdout
    server.ctl("drill", "report", drill["id"], "--html", str(later))
    for page in first, later:
        told = embedded(page.read_text())
        assert told["proof"] == drill["proof"] and told["measured"] == drill["measured"]
        shown = render(page, tmp_path / "browser")
        assert "On the server" in shown and f">{drill['proof']['hash']}<" in shown and "worst case:" not in re.sub(r"<script.*?</script>", "", shown, flags=re.DOTALL)
        assert f"{drill['proof']['sampled']} answers of clients that are not the drill's" in shown
        assert (">return<" in shown) is (mode == "live")
