# SPDX-License-Identifier: BSD-3-Clause
"""Webhooks: every event reaches who wants it, at least once and in order, whatever receivers, disks and ends of steerd do;
and no receiver holds up another one, or an answer."""
import json
import os
import signal
import subprocess

import kit
import pytest
import tlskit
from receivers import SECRET, Receiver, dead_port
from takeovers import reaper, take_over  # noqa: F401  pylint: disable=unused-import
from test_events import metric
from test_history import order

POST = kit.STEERD.parent / "steerd-post"
pytestmark = pytest.mark.skipif(not os.access(POST, os.X_OK), reason="steerd-post was not built (libcurl4-openssl-dev)")


@pytest.fixture
def receiver():
    made = []

    def make(*arguments, **options):
        made.append(Receiver(*arguments, **options))
        return made[-1]
    yield make
    for one in made:
        one.close()


@pytest.fixture
def scene(site):
    """Two regions that nobody checks."""
    site.at = kit.make_regions(site, azs=("us-east-1a", "eu-west-1a"))
    for endpoint in site.topology["endpoints"].values():
        endpoint["checks"] = []
    site.zone("example.com", "").policy("example.com", {"www": {"endpoints": ["web-*"]}})
    site.server["points"] = {"every": "0s"}
    (site.folder / "secret").write_text(SECRET + "\n")
    (site.folder / "secret").chmod(0o600)
    return site


def hook(name, to, **options):
    return {"name": name, "url": to if isinstance(to, str) else to.url, "secret_file": "secret", "kinds": ["override"], "timeout": "5s",
            **options}


def start(scene, *webhooks):
    scene.server["webhooks"] = list(webhooks)
    scene.steerd = scene.start()


def look(scene, name):
    return next(item for item in scene.steerd.get("/v1/webhooks")["items"] if item["name"] == name)


def wait(scene, name, **expected):
    scene.steerd.wait(lambda: all(look(scene, name)[key] == value for key, value in expected.items()), f"{name} is {expected}")
    return look(scene, name)


def act(scene, count, first=0):
    """Overrides with numbers as reasons."""
    for i in range(first, first + count):
        order(scene, "region", "us-east", ("drain", "up")[i % 2], reason=str(i))


def reasons(receiver, **wanted):
    return [int(event["reason"]) for event in receiver.events(kind="override", **wanted)]


def test_events_are_delivered(scene, receiver):  # noqa: F811
    some, everything = receiver(), receiver()
    start(scene, hook("some", some, targets=["region:us-*"]), hook("everything", everything, kinds=[]))
    act(scene, 5)
    order(scene, "region", "eu-west", "up", reason="5")
    order(scene, "region", "us-east", "drain", reason="6")
    some.wait(6)
    assert reasons(some) == [0, 1, 2, 3, 4, 6] and not some.wrong
    assert everything.wait(1, kind="health", name="region:us-east")[0]["body"]["effective"] == "drained"
    request = some.requests[0]
    headers, body = request["headers"], request["body"]
    assert headers["Steerd-Id"] == body["id"] and headers["Steerd-Webhook"] == "some" and headers["Steerd-Attempt"] == "1"
    assert headers["Content-Type"] == "application/json" and "Expect" not in headers and body["missed"] == 0
    item = wait(scene, "some", waiting=0, delivered=6)
    assert item["state"] == "idle" and item["signed"] and item["last_status"] == 204 and item["last_error"] is None
    assert item["url"] == some.url.split("/events")[0] + "/..." and "token" not in json.dumps(item)
    assert metric(scene.steerd, 'steerd_webhook_delivered_total{webhook="some"}') == 6


@pytest.mark.parametrize("mode, why", [
    ("500", "status 500"), ("404", "status 404"), ("moved", "status 302"), ("close", None), ("drip", "timed out"), ("hang", "timed out")])
def test_who_fails_is_tried_again(scene, receiver, mode, why):  # noqa: F811
    """The same batch, with another time and signature."""
    bad = receiver(mode)
    start(scene, hook("bad", bad, timeout="300ms"))
    act(scene, 1)
    item = scene.steerd.wait(  # on a slow machine one of the failures is that time is up
        lambda: (item := look(scene, "bad"))["failures"] >= 2 and (why is None or why in item["last_error"].lower()) and item, f"it failed: {why}")
    assert item["state"] in ("retrying", "failing", "sending") and item["last_error"]
    bad.mode = "take"
    bad.wait(1, kind="override")
    assert wait(scene, "bad", state="idle", waiting=0)["delivered"] == 1 and not bad.wrong
    ids = {request["headers"]["Steerd-Id"] for request in bad.requests}
    attempts = [int(request["headers"]["Steerd-Attempt"]) for request in bad.requests]
    assert len(ids) == 1 and attempts == sorted(attempts) and attempts[-1] >= 3


def test_a_long_answer_is_not_waited_for(scene, receiver):  # noqa: F811
    flood = receiver("flood")
    start(scene, hook("flood", flood))
    act(scene, 1)
    assert wait(scene, "flood", delivered=1)["last_status"] == 200


def test_nobody_waits_for_another(scene, receiver):  # noqa: F811
    """One hangs, one refuses, one does not resolve: the good one has everything, and so has the API."""
    hangs, good = receiver("hang"), receiver()
    refuses = f"http://{good.address[0]}:{dead_port(good.address[0])}/"
    start(scene, hook("hangs", hangs, timeout="60s"), hook("refuses", refuses), hook("nowhere", "http://nowhere.invalid/"), hook("good", good))
    for i in range(20):
        act(scene, 1, i)
        good.wait(i + 1, kind="override")
    assert reasons(good) == list(range(20)) and look(scene, "hangs")["state"] == "sending"
    scene.steerd.wait(lambda: look(scene, "refuses")["state"] == "failing" and look(scene, "nowhere")["failures"] > 0, "they fail")
    assert look(scene, "hangs")["waiting"] == 20


def test_steerctl(scene, receiver):  # noqa: F811
    bad = receiver("503")
    start(scene, hook("bad", bad, give_up="1s"))
    act(scene, 2)
    wait(scene, "bad", dead=2, waiting=0)
    row = scene.steerd.ctl("webhooks").stdout.splitlines()[1].split()
    assert row[:5] == ["bad", "failing", "0", "2", "0"] and "status 503" in " ".join(row)
    assert "reason=\"0\"" in scene.steerd.ctl("webhooks", "bad").stdout
    assert scene.steerd.ctl_json("webhooks")["items"][0]["dead"] == 2 and len(scene.steerd.ctl_json("webhooks", "bad")["items"]) == 2
    bad.mode = "take"
    assert "bad: 2 events" in scene.steerd.ctl("retry", "bad").stdout
    bad.wait(2, kind="override")
    assert scene.steerd.ctl("retry", "none", code=None).returncode == scene.steerd.ctl("webhooks", "none", code=None).returncode == 4


def test_failing_and_back_are_events(scene, receiver):  # noqa: F811
    bad, watcher = receiver("500"), receiver()
    start(scene, hook("bad", bad), hook("watcher", watcher, kinds=["webhook"]))
    act(scene, 1)
    event = watcher.wait(1, kind="webhook", name="webhook:bad")[0]
    assert event["body"]["turn"] == "failing" and "500" in event["body"]["why"]
    bad.mode = "take"
    assert watcher.wait(2, kind="webhook")[1]["body"]["turn"] == "delivers"


def test_what_is_too_old_is_given_up_and_can_be_tried_again(scene, receiver):  # noqa: F811
    bad = receiver("503")
    start(scene, hook("bad", bad, give_up="1s"))
    act(scene, 3)
    wait(scene, "bad", dead=3, waiting=0)
    dead = scene.steerd.get("/v1/webhooks/bad/dead?limit=2")
    more = scene.steerd.get(f"/v1/webhooks/bad/dead?limit=2&cursor={dead['next_cursor']}")
    assert [item["event"]["reason"] for item in dead["items"] + more["items"]] == ["0", "1", "2"] and more["next_cursor"] is None
    bad.mode = "take"
    act(scene, 1, 3)
    bad.wait(1, reason="3")
    assert scene.steerd.request("POST", "/v1/webhooks/bad:retry").json == {"name": "bad", "retried": 3}
    bad.wait(4, kind="override")
    assert wait(scene, "bad", dead=0, state="idle")["given_up"] == 3
    assert scene.steerd.request("POST", "/v1/webhooks/none:retry").status == 404
    assert scene.steerd.request("GET", "/v1/webhooks/none/dead").status == 404
    assert scene.steerd.request("GET", "/v1/webhooks/bad/dead?cursor=x").status == 422


@pytest.mark.parametrize("ends", ["stop", "kill"])
def test_a_restart_loses_nothing(scene, receiver, ends):  # noqa: F811
    """What waited is sent by the next process; after a sudden end it says that something may be missing."""
    away = receiver("503")
    start(scene, hook("away", away))
    act(scene, 5)
    scene.steerd.wait(lambda: look(scene, "away")["failures"] > 0, "it failed")
    path = scene.folder / "var/webhooks"
    scene.steerd.wait(lambda: path.exists() and path.read_text().count("\nQ ") == 5, "it is written down")
    getattr(scene.steerd, ends)()
    away.mode = "take"
    scene.steerd = scene.start()
    act(scene, 1, 5)
    away.wait(6, kind="override")
    assert reasons(away) == list(range(6))
    first = next(request["body"] for request in away.requests if request["mode"] == "take")
    assert first["missed"] == (0 if ends == "stop" else None) and first["run"] != away.requests[-1]["body"]["run"]
    wait(scene, "away", state="idle", waiting=0)


def test_kill_in_the_middle(scene, receiver):  # noqa: F811
    """Of steerd-post, again and again: what was under way is sent again."""
    good = receiver()
    start(scene, hook("good", good, batch=1))
    for i in range(5):
        act(scene, 2, 2 * i)
        good.wait(2 * i + 1, kind="override")
        found = subprocess.run(["pgrep", "-P", str(scene.steerd.process.pid), "steerd-post"], capture_output=True, text=True, check=False)
        for pid in found.stdout.split():
            os.kill(int(pid), signal.SIGKILL)
    good.wait(10, kind="override")
    assert reasons(good) == list(range(10))


def test_a_takeover_goes_on(scene, receiver, reaper):  # noqa: F811
    away = receiver("503")
    start(scene, hook("away", away))
    act(scene, 3)
    scene.steerd.wait(lambda: look(scene, "away")["failures"] > 0, "it failed")
    old, _ = take_over(scene.steerd)
    away.mode = "take"
    act(scene, 1, 3)
    away.wait(4, kind="override")
    assert reasons(away) == list(range(4))
    assert old.wait(kit.PATIENCE_S) == 0
    assert all(request["body"]["missed"] == 0 for request in away.requests)


def test_reloads(scene, receiver):  # noqa: F811
    """One that is removed in flight is told nothing more; one that stays keeps what waits; one that is new begins now."""
    hangs, away, new = receiver("hang"), receiver("503"), receiver()
    start(scene, hook("hangs", hangs, timeout="60s"), hook("away", away))
    act(scene, 2)
    scene.steerd.wait(lambda: hangs.requests and look(scene, "away")["failures"] > 0, "both were told")
    scene.server["webhooks"] = [hook("away", away, batch=1), hook("new", new)]
    scene.write()
    assert scene.steerd.reload().status == 200
    assert [item["name"] for item in scene.steerd.get("/v1/webhooks")["items"]] == ["away", "new"]
    away.mode = "take"
    act(scene, 1, 2)
    away.wait(3, kind="override"), new.wait(1, kind="override")
    assert reasons(away) == [0, 1, 2] and reasons(new) == [2]
    scene.server["webhooks"] = []
    scene.write()
    assert scene.steerd.reload().status == 200 and scene.steerd.get("/v1/webhooks")["items"] == []
    act(scene, 1, 3)
    assert len(hangs.requests) == 1


def test_a_state_folder_that_takes_nothing(scene, receiver):  # noqa: F811
    """Delivery goes on, and it is told."""
    good = receiver()
    (scene.folder / "var/webhooks").mkdir(parents=True)  # where the file is to be
    start(scene, hook("good", good))
    act(scene, 3)
    good.wait(3, kind="override")
    scene.steerd.wait(lambda: metric(scene.steerd, "steerd_webhooks_kept") == 0, "it is told")
    (scene.folder / "var/webhooks").rmdir()
    scene.steerd.wait(lambda: metric(scene.steerd, "steerd_webhooks_kept") == 1, "it is well again")


def test_a_file_that_is_none(scene, receiver):  # noqa: F811
    good = receiver()
    (scene.folder / "var").mkdir()
    (scene.folder / "var/webhooks").write_text("steerd webhooks 1\nopen\nQ x\n")
    start(scene, hook("good", good))
    assert scene.steerd.wait_log("webhooks not read")
    act(scene, 1)
    good.wait(1, kind="override")


def test_many_wait(scene, receiver):  # noqa: F811
    """A thousand do, and what comes after them stays in the stream for a while."""
    away = receiver("503")
    start(scene, hook("away", away, batch=100))
    act(scene, 1050)
    wait(scene, "away", waiting=1000)
    away.mode = "take"
    assert scene.steerd.request("POST", "/v1/webhooks/away:retry").status == 200
    away.wait(1050, kind="override")
    assert reasons(away) == list(range(1050)) and look(scene, "away")["lost"] == 0
    assert all(request["body"]["missed"] == 0 for request in away.requests)


def test_a_crowd_of_events(scene, receiver):  # noqa: F811
    """More at once than may wait: who takes them has them all."""
    for i in range(3000):
        scene.topology["endpoints"][f"many-{i}"] = {"az": "us-east-1a", "addresses": [f"10.1.{i // 250}.{i % 250 + 1}"]}
    good = receiver()
    start(scene, hook("good", good, kinds=["health"], batch=100))
    act(scene, 1)
    good.wait(3000, kind="health")
    assert wait(scene, "good", waiting=0)["lost"] == 0


@pytest.mark.skipif(tlskit.OPENSSL is None, reason="openssl is not installed (contrib/packages test)")
def test_tls_is_verified(scene, receiver, tmp_path):  # noqa: F811
    """By the authority of the configuration, and for the address; who shows another certificate is told nothing."""
    key, certificate, address = tmp_path / "key.pem", tmp_path / "cert.pem", kit.new_address()
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout", str(key), "-out",
                    str(certificate), "-days", "3", "-subj", "/CN=receiver", "-addext", f"subjectAltName=IP:{address}"],
                   check=True, capture_output=True)
    good, other = receiver("take", certificate, key, address), receiver("take", certificate, key)
    start(scene, hook("unknown", good), hook("other", other, ca=str(certificate)), hook("good", good, ca=str(certificate)))
    act(scene, 1)
    good.wait(1, kind="override")
    scene.steerd.wait(lambda: look(scene, "unknown")["failures"] and look(scene, "other")["failures"], "they are refused")
    assert "certificate" in look(scene, "unknown")["last_error"].lower()
    assert len(good.requests) == 1 and other.requests == [] and not good.wrong


@pytest.mark.skipif(tlskit.OPENSSL is None, reason="openssl is not installed (contrib/packages test)")
def test_a_ca_that_is_renewed(scene, receiver, tmp_path):  # noqa: F811
    """What the file holds now is trusted, not what it held when it was looked at first."""
    address, ca = kit.new_address(), tmp_path / "ca.pem"

    def make(name):
        key, certificate = tmp_path / f"{name}.key", tmp_path / f"{name}.pem"
        subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout", str(key), "-out",
                        str(certificate), "-days", "3", "-subj", f"/CN={name}", "-addext", f"subjectAltName=IP:{address}"],
                       check=True, capture_output=True)
        return certificate, key
    old, new = make("old"), make("new")
    ca.write_text(old[0].read_text())
    good = receiver("take", *old, address)
    start(scene, hook("good", good, ca=str(ca)))
    act(scene, 1)
    good.wait(1, kind="override")
    good.show(*new)
    good.mode = "close"  # it would go on with the connection that it has
    act(scene, 1, first=1)
    scene.steerd.wait(lambda: "certificate" in (look(scene, "good")["last_error"] or "").lower(), "the new certificate is not trusted")
    good.mode = "take"
    ca.write_text(new[0].read_text())
    good.wait(2, kind="override")
    assert not good.wrong


@pytest.mark.parametrize("webhook, words", [
    ({"name": "x"}, ["url"]), ({"url": "https://x/"}, ["name"]), ({"name": "x", "url": "ftp://x/"}, ["https://"]),
    ({"name": "x", "url": "https://u:p@x/"}, ["password"]), ({"name": "x", "url": "https:///"}, ["host"]),
    ({"name": "x", "url": "https://x/", "kinds": ["weather"]}, ["weather", "kind"]),
    ({"name": "x", "url": "https://x/", "targets": "us-east"}, ["us-east", "region:us-east"]),
    ({"name": "x", "url": "https://x/", "batch": 101}, ["batch"]), ({"name": "x", "url": "https://x/", "secret_file": "none"}, ["none"]),
    ({"name": "x", "url": "https://x/", "secret_file": "short"}, ["no secret"]), ({"name": "a b", "url": "https://x/"}, ["name"]),
    ({"name": "x", "url": "https://x/", "retry": 1}, ["retry"])])
def test_what_is_wrong(scene, webhook, words):
    (scene.folder / "short").write_text("short\n")
    scene.server["webhooks"] = [webhook]
    scene.write()
    done = kit.run_steerd("-c", str(scene.config), "--check")
    assert done.returncode == 1 and all(word in done.stderr for word in words), done.stderr


def test_names_are_there_once(scene):
    scene.server["webhooks"] = [{"name": "x", "url": "https://x/"}] * 2
    scene.write()
    done = kit.run_steerd("-c", str(scene.config), "--check")
    assert done.returncode == 1 and "second webhook" in done.stderr
