# SPDX-License-Identifier: BSD-3-Clause
"""Checks of type push: others report, each report counts for a while; late and replayed ones are ignored, silence is unknown
or down, and a restart forgets nothing."""
import time

import pytest

import kit
import takeovers
from takeovers import take_over
from test_last_health import wait_kept

reaper = takeovers.reaper  # a fixture

US, EU = "web-us-east-1a", "web-eu-west-1a"


@pytest.fixture
def scene(site):
    site.at = kit.make_regions(site, azs=("us-east-1a", "eu-west-1a"))
    site.topology["checks"] = {"agent": {"type": "push", "ttl": "10m"},
                               "beat": {"type": "push", "ttl": "1s", "absent": "down"},
                               "other": {"type": "tcp", "port": 1, "interval": "1h"}}
    for endpoint in site.topology["endpoints"].values():
        endpoint["checks"] = ["agent"]
    site.zone("example.com", "")
    site.policy("example.com", {"www": {"ttl": 5, "endpoints": ["web-*"], "tiers": [["us-east"], ["eu-west"]]}})
    site.us, site.eu = [site.at["us-east-1a"]], [site.at["eu-west-1a"]]
    site.server["start_wait"] = "20s"  # nobody waits for reports
    site.write()
    return site


def report(server, endpoint, state, check="agent", **more):
    reply = server.request("POST", "/v1/report", {"endpoint": endpoint, "check": check, "state": state, **more})
    assert reply.status == 200, reply
    assert reply.json["taken"] is (reply.json["ignored"] is None)
    return reply.json["ignored"]


def check_of(server, endpoint, name="agent"):
    return next(row for row in server.get(f"/v1/endpoints/{endpoint}")["checks"] if row["check"] == name)


def test_reports_move_answers(scene):
    server = scene.start()
    assert server.addresses("www.example.com") == scene.us, "unknown serves"
    assert report(server, US, "down") is None
    assert server.addresses("www.example.com") == scene.eu
    row = check_of(server, US)
    assert (row["type"], row["address"], row["verdict"], row["outcome"]) == ("push", None, "unhealthy", "reported_down")
    assert report(server, US, "up") is None
    assert server.addresses("www.example.com") == scene.us
    assert "taken" in server.ctl("report", f"endpoint:{US}", "agent", "down", "--for", "1m").stdout
    assert server.addresses("www.example.com") == scene.eu


def test_late_and_replayed_ones(scene):
    server = scene.start()
    long_ago = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() - 700))
    assert report(server, US, "down", time=long_ago) == "late"
    assert report(server, US, "up", seq=5) is None
    assert report(server, US, "down", seq=5) == report(server, US, "down", seq=4) == "replayed"
    assert check_of(server, US)["verdict"] == "healthy"
    metrics = server.request("GET", "/metrics").body.decode()
    assert 'steerd_reports_total{result="taken"} 1' in metrics and 'steerd_reports_total{result="replayed"} 2' in metrics
    assert 'steerd_reports_total{result="late"} 1' in metrics


@pytest.mark.parametrize("body, status", [
    ({"endpoint": "nobody", "check": "agent", "state": "up"}, 404),
    ({"endpoint": US, "check": "beat", "state": "up"}, 422),
    ({"endpoint": EU, "check": "other", "state": "up"}, 422),
    ({"endpoint": US, "check": "agent"}, 422),
    ({"endpoint": US, "check": "agent", "state": "well"}, 422),
    ({"endpoint": US, "check": "agent", "state": "up", "ttl": "0s"}, 422),
    ({"endpoint": US, "check": "agent", "state": "up", "seq": 0}, 422),
    ({"endpoint": US, "check": "agent", "state": "up", "time": "now"}, 422),
    ({"endpoint": US, "check": "agent", "state": "up", "load": 1}, 422),
    ([], 422),
])
def test_what_is_wrong(scene, body, status):
    scene.topology["endpoints"][EU]["checks"] = ["other"]
    server = scene.start()
    assert server.request("POST", "/v1/report", body).status in (status, 400 if body == [] else status)


def test_silence_is_unknown(scene):
    server = scene.start()
    report(server, US, "up", ttl="1s")
    report(server, EU, "down", ttl="1s")
    assert check_of(server, US)["verdict"] == "healthy"
    server.wait(lambda: check_of(server, US)["outcome"] == check_of(server, EU)["outcome"] == "stale", "both have expired")
    assert check_of(server, US)["verdict"] == "unknown"
    assert check_of(server, EU)["verdict"] == "unhealthy", "silence moves no answer"
    assert report(server, EU, "up") is None
    assert check_of(server, EU)["verdict"] == "healthy"


def test_a_heartbeat(scene):
    scene.topology["endpoints"][US]["checks"] = ["beat"]
    server = scene.start()
    server.wait(lambda: check_of(server, US, "beat")["verdict"] == "unhealthy", "it never came")
    report(server, US, "up", check="beat", ttl="1m")
    assert server.addresses("www.example.com") == scene.us
    report(server, US, "up", check="beat")
    server.wait(lambda: server.addresses("www.example.com") == scene.eu, "it stopped")
    assert check_of(server, US, "beat")["outcome"] == "absent"


@pytest.mark.parametrize("how", ["stop", "kill", "reload", "takeover"])
def test_what_was_reported_stays(scene, how, reaper):
    server = scene.start()
    report(server, US, "down", seq=5)
    wait_kept(scene, server)
    report(server, US, "down", seq=9)  # which says nothing new
    wait_kept(scene, server)
    if how == "reload":
        scene.server["threads"] = 1
        scene.topology["checks"]["more"] = {"type": "push"}
        scene.write()
        assert server.reload().status == 200
        assert report(server, US, "up", seq=9) == "replayed"
    elif how == "takeover":
        old, _ = take_over(server)
        assert old.wait(kit.PATIENCE_S) == 0
    else:
        getattr(server, how)()
        server = scene.start()
    assert server.addresses("www.example.com") == scene.eu
    assert check_of(server, US)["outcome"] == "reported_down"
    assert report(server, US, "up", seq=9) == report(server, US, "up", seq=8) == "replayed"
    report(server, US, "up", seq=10)
    assert server.addresses("www.example.com") == scene.us


def test_age_goes_on_while_nothing_runs(scene):
    scene.topology["checks"]["agent"]["ttl"] = "3s"
    scene.write()
    server = scene.start()
    report(server, US, "up")
    wait_kept(scene, server)
    server.kill()
    server = scene.start()
    server.wait(lambda: check_of(server, US)["outcome"] == "stale", "it expires")
    assert check_of(server, US)["verdict"] == "unknown"


def test_its_own_time_goes_on_while_nothing_runs(scene):
    """That of the check is ten minutes."""
    server = scene.start()
    report(server, US, "up", ttl="3s", seq=4)
    wait_kept(scene, server)
    server.kill()
    server = scene.start()
    server.wait(lambda: check_of(server, US)["outcome"] == "stale", "it expires")
    assert report(server, US, "up", seq=4) == "replayed"
    assert report(server, US, "up", seq=1) is None, "one that counts anew once the last one has expired"


def test_bad_configuration(scene):
    scene.topology["checks"]["agent"] = {"type": "push", "port": 80, "absent": "gone"}
    scene.topology["checks"]["other"]["ttl"] = "1s"
    scene.topology["brake"] = {"control": [{"address": "192.0.2.1", "check": "beat"}]}
    scene.write()
    said = kit.run_steerd("-c", str(scene.config), "--check").stderr
    assert '"port" has no meaning in a check of type "push"' in said and '"ttl" has no meaning in a check of type "tcp"' in said
    assert "absent" in said and "which goes by what others say" in said
