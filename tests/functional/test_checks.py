# SPDX-License-Identifier: BSD-3-Clause
"""What is checked and how it went: GET /v1/checks and steerctl checks; and checks that are made now, to be seen."""
import contextlib

import pytest

import kit
import tlskit

ENDPOINTS = ["web-us-east-1a", "web-us-east-1b", "web-eu-west-1a", "web-eu-west-1b"]


def row(server, endpoint):
    rows = server.get(f"/v1/checks?endpoint={endpoint}")["items"]
    assert len(rows) == 1
    return rows[0]


def test_results_come_in_the_latest_first(pair):
    def full():
        found = row(pair.server, "web-us-east-1a")
        return found if len(found["results"]) == 8 else None
    found = kit.wait_for(full, "eight results")
    assert (found["region"], found["az"], found["verdict"]) == ("us-east", "us-east-1a", "healthy")
    times = [result["time"] for result in found["results"]]
    assert times == sorted(times, reverse=True) and len(set(times)) == 8
    for result in found["results"]:
        assert (result["outcome"], result["status"], result["vantage"]) == ("ok", 200, "local")
    assert found["next"] > times[1]


def test_a_failure_shows_and_what_it_takes_to_come_back(pair):
    address = pair.at["us-east-1a"]
    pair.east.behave("status", address, status=500)
    pair.server.wait_state("endpoint", "web-us-east-1a", observed="unhealthy")
    found = row(pair.server, "web-us-east-1a")
    assert (found["results"][0]["outcome"], found["results"][0]["status"]) == ("bad_status", 500)
    assert (found["outlook"]["to"], found["outlook"]["by"], found["outlook"]["have"]) == ("healthy", "successes", 0)
    assert "failure" in found["why"] and found["why"].endswith("to become healthy")
    assert [each["endpoint"] for each in pair.server.get("/v1/checks?verdict=unhealthy")["items"]] == ["web-us-east-1a"]
    assert [each["endpoint"] for each in pair.server.get("/v1/checks?outcome=bad_status")["items"]] == ["web-us-east-1a"]
    assert pair.server.get("/v1/checks?verdict=unhealthy&region=eu-west")["items"] == []


def test_pages_and_filters(pair):
    assert [each["endpoint"] for each in pair.server.get("/v1/checks")["items"]] == ENDPOINTS
    seen, cursor = [], ""
    while cursor is not None:
        page = pair.server.get("/v1/checks?limit=1" + (f"&cursor={cursor}" if cursor else ""))
        assert len(page["items"]) == 1
        seen.append(page["items"][0]["endpoint"])
        cursor = page["next_cursor"]
    assert seen == ENDPOINTS
    assert [each["endpoint"] for each in pair.server.get("/v1/checks?az=us-east-1b")["items"]] == ["web-us-east-1b"]
    assert [each["endpoint"] for each in pair.server.get("/v1/checks?region=us-east")["items"]] == ENDPOINTS[:2]
    assert pair.server.get("/v1/checks?check=nothing")["items"] == []


@pytest.mark.parametrize("query, field", [
    ("endpoint=web-9", "endpoint"), ("region=mars", "region"), ("az=mars", "az"), ("verdict=well", "verdict"),
    ("outcome=fine", "outcome"), ("cursor=web-9/0", "cursor"), ("cursor=web-us-east-1a", "cursor"),
    ("cursor=web-us-east-1a/x", "cursor"), ("effective=healthy", "effective")])
def test_bad_questions_are_explained(pair, query, field):
    reply = pair.server.request("GET", f"/v1/checks?{query}")
    assert reply.status == 422 and [error["field"] for error in reply.json["errors"]] == [field]


def test_a_reload_keeps_the_results(pair):
    kit.wait_for(lambda: len(row(pair.server, "web-us-east-1a")["results"]) == 8, "eight results")
    oldest = row(pair.server, "web-us-east-1a")["results"][-1]["time"]
    pair.site.topology["checks"]["web"]["fall"] = 7  # the same question, counted in another way
    pair.site.write()
    pair.server.reload()
    results = row(pair.server, "web-us-east-1a")["results"]
    assert len(results) == 8 and results[-1]["time"] >= oldest


def test_steerctl_checks(pair):
    for endpoint in "web-us-east-1a", "web-eu-west-1a":
        kit.wait_for(lambda name=endpoint: len(row(pair.server, name)["results"]) == 8, "eight results")
    text = pair.server.ctl("checks").stdout
    lines = text.splitlines()
    assert lines[0].split() == ["ENDPOINT", "CHECK", "TYPE", "ADDRESS", "VERDICT", "LAST", "TOOK", "NEXT", "RESULTS", "WHY"]
    assert [line.split()[0] for line in lines[1:]] == ENDPOINTS
    assert "ok 200" in lines[1] and "to become unhealthy" in lines[1]
    one = pair.server.ctl("checks", "web-eu-west-1a").stdout.splitlines()
    assert one[1].startswith("web-eu-west-1a") and not one[2]
    assert one[3].split() == ["CHECK", "ADDRESS", "AGO", "VANTAGE", "OUTCOME", "STATUS", "TOOK"]
    assert [line.split()[3] for line in one[4:]] == ["local"] * 8
    assert [each["endpoint"] for each in pair.server.ctl_json("checks", "--region", "us-east")["items"]] == ENDPOINTS[:2]
    assert "web-us-east-1a" in pair.server.ctl("checks", "web-us-east-1", code=4).stderr


def test_metrics_by_type(pair):
    def values():
        text = pair.server.request("GET", "/metrics").body.decode()
        return dict(line.rsplit(" ", 1) for line in text.splitlines() if line.startswith("steerd_check_"))
    pair.east.kill()
    pair.server.wait_state("endpoint", "web-us-east-1a", observed="unhealthy")
    found = values()
    assert int(found['steerd_check_results_total{type="http",outcome="ok"}']) >= 4
    assert int(found['steerd_check_results_total{type="http",outcome="refused"}']) >= 2
    assert not any('type="tcp"' in name for name in found)
    buckets = [int(value) for name, value in found.items() if "_bucket" in name]
    assert buckets == sorted(buckets) and buckets[-1] == int(found['steerd_check_duration_seconds_count{type="http"}'])
    assert float(found['steerd_check_duration_seconds_sum{type="http"}']) > 0


# ---- now, and step by step ----


def steps(run, kind):
    return [step["text"] for step in run["steps"] if step["step"] == kind]


def run(server, endpoint, **more):
    query = "&".join(f"{key}={value}" for key, value in {"endpoint": endpoint, **more}.items())
    reply = server.request("POST", f"/v1/checks:run?{query}")
    assert reply.status == 200, reply
    return reply.json["items"]


def test_a_check_now_shows_every_step(pair):
    (made,) = run(pair.server, "web-us-east-1a")
    address = f"{pair.at['us-east-1a']}:{kit.WEB_PORT}"
    assert (made["check"], made["type"], made["outcome"], made["status"]) == ("web", "http", "ok", 200)
    assert (made["address"], made["expected"]) == (address, "status 200-299")
    assert steps(made, "connect") == [address] and len(steps(made, "connected")) == 1
    assert "".join(steps(made, "sent")).startswith("GET /healthz HTTP/1.1\r\nHost: ")
    assert "".join(steps(made, "received")).startswith("HTTP/1.1 200")
    times = [step["at_ms"] for step in made["steps"]]
    assert times == sorted(times) and times[-1] <= made["duration_ms"] + 1
    text = pair.server.ctl("check", "run", "web-us-east-1a", "--check", "web").stdout
    assert f"web-us-east-1a: check web (http) of {address}" in text
    assert "GET /healthz HTTP/1.1" in text and "HTTP/1.1 200" in text and "expected status 200-299" in text


def test_what_is_expected_is_told(site):
    at = kit.make_regions(site, azs=("us-east-1a",), expect_regex="^a+$", json=[{"pointer": "/db/lag", "op": "<", "value": 5}],
                          expect="good", status="200,204")["us-east-1a"]
    site.zone("example.com", "")
    site.web(at)
    (made,) = run(site.start(), "web-us-east-1a")
    assert made["outcome"] == "bad_body"
    assert made["expected"] == 'status 200, 204, and "good" in the body, and what "expect_regex" says in the body, ' \
                               'and what "json" says of /db/lag'


def test_a_check_now_counts_for_nothing(site):
    """The one that counts runs once per hour: what it said first stays, whatever is found out meanwhile."""
    at = kit.make_regions(site, azs=("us-east-1a",), interval="1h", timeout="2s", fall=1, rise=1)["us-east-1a"]
    site.zone("example.com", "")
    web = site.web(at)
    server = site.start()
    server.wait_state("endpoint", "web-us-east-1a", observed="healthy")
    before = row(server, "web-us-east-1a")
    web.behave("status", at, status=500)
    done = server.ctl("check", "run", "web-us-east-1a", code=7)
    assert "bad_status, found status 500, expected status 200-299" in done.stdout
    web.kill()
    assert "refused" in server.ctl("check", "run", "web-us-east-1a", code=7).stdout
    assert row(server, "web-us-east-1a") == before


def test_what_cannot_be_checked_now(pair):
    assert "web-us-east-1a" in pair.server.ctl("check", "run", "web-us-east-1", code=4).stderr
    assert "expected a check of endpoint" in pair.server.ctl("check", "run", "web-us-east-1a", "--check", "x", code=1).stderr
    assert 'nothing called "walk"' in pair.server.ctl("check", "walk", "web-us-east-1a", code=3).stdout
    assert pair.server.request("POST", "/v1/checks:run").status == 422


@pytest.mark.skipif(tlskit.OPENSSL is None, reason="openssl is not installed (contrib/packages test)")
def test_certificates_are_shown_also_if_they_are_refused(site, tmp_path):
    pki = tlskit.Pki(tmp_path / "files")
    pki.sign("good", "middle", chain=["middle"])
    pki.sign("expired", "root", days=(-9, -2))
    with contextlib.ExitStack() as stack:
        def listen(name):
            serve = tlskit.talk(pki.context(name), tlskit.GOOD)
            return stack.enter_context(contextlib.closing(tlskit.Listener(serve))).port
        site.topology = {"regions": {"r": {"azs": {"a": {}}}}, "brake": False, "checks": {
            name: {"type": "https", "port": listen(name), "host": tlskit.HOST, "tls": {"ca": pki.root_pem}}
            for name in ("good", "expired")},
            "endpoints": {"e": {"az": "a", "addresses": ["127.0.0.1"], "checks": ["good", "expired"]}}}
        site.zone("example.com", "")
        server = site.start()
        made = {each["check"]: each for each in run(server, "e")}
        assert made["good"]["outcome"] == "ok" and made["expired"]["outcome"] == "certificate_expired"
        assert len(steps(made["good"], "certificate")) == 2 and len(steps(made["expired"], "certificate")) == 1
        assert "for www.example.com,127.0.0.1" in steps(made["good"], "certificate")[0]
        assert steps(made["good"], "secured")[0].startswith("TLSv1.") and steps(made["expired"], "secured") == []
