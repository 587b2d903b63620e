# SPDX-License-Identifier: BSD-3-Clause
"""The embedded prober against real servers: every way a check can end, and the failover that follows. Tests assert order
and cause; how long things take is for the benchmark."""
import socket

import pytest

import kit

OUTCOMES = {
    "timeout": ("silent", {}),
    "bad_status": ("status", {"status": 500}),
    "bad_response": ("garbage", {}),
    "closed": ("close", {}),
    "reset": ("reset", {}),
}


@pytest.fixture
def single(site):
    """One endpoint in one az. Returns (server, web, address)."""
    at = kit.make_regions(site, ["us-east-1a"])
    site.zone("example.com", "www 60 IN A 192.0.2.99\n")
    site.policy("example.com", {"www": {"endpoints": ["web-*"], "fallback": "static"}})
    web = site.web(at["us-east-1a"])
    server = site.start()
    server.wait_state("endpoint", "web-us-east-1a", observed="healthy", last_outcome="ok", last_status=200)
    return server, web, at["us-east-1a"]


@pytest.mark.parametrize("outcome", OUTCOMES)
def test_outcome(single, outcome):
    server, web, address = single
    mode, how = OUTCOMES[outcome]
    web.behave(mode, **how)
    endpoint = server.wait_state("endpoint", "web-us-east-1a", observed="unhealthy", last_outcome=outcome)
    assert endpoint["effective"] == "unhealthy"
    assert endpoint["last_status"] == how.get("status")
    server.wait_answers("www.example.com", ["192.0.2.99"])
    web.behave("ok")
    server.wait_state("endpoint", "web-us-east-1a", observed="healthy", last_outcome="ok", last_status=200)
    server.wait_answers("www.example.com", [address])


@pytest.mark.parametrize("mode, outcome", [("half", "timeout"), ("drip", "timeout"), ("slow", "timeout")])
def test_slow_answers_do_not_count_as_answers(single, mode, outcome):
    server, web, _ = single
    if mode == "half":
        outcome = "closed"
    web.behave(mode, seconds=5)
    assert server.wait_state("endpoint", "web-us-east-1a", observed="unhealthy")["last_outcome"] in \
        (outcome, "bad_response")


def test_refused(single):
    server, web, address = single
    web.kill()
    server.wait_state("endpoint", "web-us-east-1a", observed="unhealthy", last_outcome="refused", last_status=None)
    server.wait_answers("www.example.com", ["192.0.2.99"])
    web.start()
    server.wait_state("endpoint", "web-us-east-1a", observed="healthy")
    server.wait_answers("www.example.com", [address])


def test_stopped_process_times_out(single):
    server, web, address = single
    web.stop()
    server.wait_state("endpoint", "web-us-east-1a", observed="unhealthy", last_outcome="timeout")
    web.resume()
    server.wait_state("endpoint", "web-us-east-1a", observed="healthy")
    server.wait_answers("www.example.com", [address])


def test_connect_timeout(site):
    """A listener whose queue is full and who never accepts: the kernel drops further SYNs."""
    at = kit.make_regions(site, ["us-east-1a"])
    site.zone("example.com", "")
    with socket.socket() as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((at["us-east-1a"], kit.WEB_PORT))
        listener.listen(0)
        queue = []
        for _ in range(4):
            filler = socket.socket()
            filler.setblocking(False)
            filler.connect_ex(listener.getsockname())
            queue.append(filler)
        server = site.start()
        server.wait_state("endpoint", "web-us-east-1a", observed="unhealthy", last_outcome="connect_timeout")
        for filler in queue:
            filler.close()


def test_no_route(site):
    """TCP to a multicast address has no route on any machine: that is said here, by nobody there."""
    kit.make_regions(site, ["us-east-1a"])
    site.zone("example.com", "")
    site.topology["endpoints"]["web-us-east-1a"]["addresses"] = ["224.0.0.1"]
    server = site.start()
    endpoint = server.wait_state("endpoint", "web-us-east-1a", last_outcome="local_error")
    assert endpoint["addresses"] == ["224.0.0.1"] and endpoint["observed"] == "unknown"
    server.wait_log("probe cannot check", "cause=no_route", "address=224.0.0.1:18080")


def test_tcp_checks(site):
    at = kit.make_regions(site, ["us-east-1a"])
    site.topology["checks"]["web"] = {"type": "tcp", "port": kit.WEB_PORT, "interval": "100ms", "timeout": "100ms"}
    site.zone("example.com", "")
    web = site.web(at["us-east-1a"])
    web.behave("garbage")
    server = site.start()
    server.wait_state("endpoint", "web-us-east-1a", observed="healthy", last_outcome="ok", last_status=None)
    web.kill()
    server.wait_state("endpoint", "web-us-east-1a", observed="unhealthy", last_outcome="refused")


@pytest.mark.parametrize("expects", [False, True])
def test_stopped_process_and_tcp(site, expects):
    """The kernel goes on accepting for it: only a check that expects an answer sees that, and who has no other kind of
    check is told so."""
    at = kit.make_regions(site, ["us-east-1a"])
    talk = {"send": "GET / HTTP/1.0\\x0d\\x0a\r\n", "expect": "HTTP/1.1 200"} if expects else {}
    site.topology["checks"] = {"web": {"type": "tcp", "port": kit.WEB_PORT, "interval": "100ms", "timeout": "100ms",
                                       **talk}}
    site.zone("example.com", "")
    web = site.web(at["us-east-1a"])
    server = site.start()
    server.wait_state("endpoint", "web-us-east-1a", observed="healthy", last_outcome="ok")
    assert ("the kernel accepts connections for it" in server.read_log()) == (not expects)
    assert ("the kernel accepts connections for it" in kit.run_steerd("--check", "-c", str(site.config)).stderr) \
        == (not expects)
    web.stop()
    checked = server.get("/v1/endpoints/web-us-east-1a")["last_checked"]
    if expects:
        server.wait_state("endpoint", "web-us-east-1a", observed="unhealthy", last_outcome="timeout")
    else:
        server.wait(lambda: server.get("/v1/endpoints/web-us-east-1a")["last_checked"] > checked, "another check")
        assert server.get("/v1/endpoints/web-us-east-1a")["last_outcome"] == "ok"
    web.resume()
    server.wait_state("endpoint", "web-us-east-1a", observed="healthy", last_outcome="ok")
    web.behave("garbage")
    if expects:
        server.wait_state("endpoint", "web-us-east-1a", observed="unhealthy", last_outcome="closed")


def test_request_is_what_was_configured(site):
    at = kit.make_regions(site, ["us-east-1a"], host="www.example.com", path="/health?deep=1", status=[200, 299])
    site.zone("example.com", "")
    web = site.web(at["us-east-1a"])
    server = site.start()
    server.wait_state("endpoint", "web-us-east-1a", observed="healthy")
    head = web.requests(at["us-east-1a"])[-1].split("\r\n")
    assert head[0].startswith("GET /health?deep=1 HTTP/1.")
    assert [line.split(":", 1)[1].strip() for line in head if line.lower().startswith("host:")] == ["www.example.com"]


@pytest.mark.parametrize("status, healthy", [(200, False), (301, True), (404, True), (500, False)])
def test_accepted_status_range(site, status, healthy):
    at = kit.make_regions(site, ["us-east-1a"], status=[300, 499])
    site.zone("example.com", "")
    site.web(at["us-east-1a"]).behave("status", status=status)
    server = site.start()
    server.wait_state("endpoint", "web-us-east-1a", observed="healthy" if healthy else "unhealthy", last_status=status)


def test_starting_never_waits_for_probes(site):
    """An endpoint that answers nothing at all: the name is served from the first moment, its state unknown."""
    at = kit.make_regions(site, ["us-east-1a"], interval="1h", timeout="30s", fall=1)
    site.zone("example.com", "").policy("example.com", {"www": {"endpoints": ["web-*"]}})
    site.web(at["us-east-1a"]).behave("silent")
    server = site.start()
    assert server.addresses("www.example.com") == [at["us-east-1a"]]
    endpoint = server.get("/v1/endpoints/web-us-east-1a")
    assert (endpoint["observed"], endpoint["effective"], endpoint["last_outcome"]) == ("unknown", "unknown", None)


# ---- failover ----

def test_region_dies_answers_flip_and_fail_back(pair):
    server = pair.server
    offset = len(server.log_path.read_bytes())
    assert set(server.sample("www.example.com")) == set(pair.us)

    pair.east.kill()
    server.wait_answers("www.example.com", pair.eu)
    region = server.wait_state("region", "us-east", observed="unhealthy", effective="unhealthy")
    assert region["decided_by"] == "verdict" and region["members_unhealthy"] == region["members"] == region["lost_from"] == 2
    assert region["missing"] == ["us-east-1a", "us-east-1b"]
    assert region["why"] == "2 of 2 azs are lost, lost from 2 on; 1 has to come back"
    assert region["outlook"] == {"to": "healthy", "by": "successes", "have": 0, "need": 1}
    shown = server.ctl("show", "region:us-east").stdout
    assert "us-east-1a, us-east-1b" in shown and region["why"] in shown
    for az in "us-east-1a", "us-east-1b":
        assert server.get(f"/v1/azs/{az}")["observed"] == "unhealthy"
        endpoint = server.get(f"/v1/endpoints/web-{az}")
        assert (endpoint["observed"], endpoint["last_outcome"]) == ("unhealthy", "refused")
        assert endpoint["decided_by"] in ("region_lost", "az_lost")
    assert server.get("/v1/regions/eu-west")["observed"] == "healthy"

    pair.east.start()
    server.wait_answers("www.example.com", pair.us)
    server.wait_state("region", "us-east", observed="healthy", effective="healthy")

    log = server.read_log(offset)
    order = [log.find(part) for part in ("web-us-east-1a", "us-east")]
    assert -1 not in order and "refused" in log, log


def transitions(server, offset):
    """The log's health lines as dicts, in order."""
    lines = [line.split(" health ", 1)[1] for line in server.read_log(offset).splitlines() if " health " in line]
    return [dict(field.split("=", 1) for field in line.split()) for line in lines]


def test_order_and_cause_in_the_log(pair):
    """The region is lost with the last of its azs and not before; every line names the cause; nothing else moves."""
    server = pair.server
    offset = len(server.log_path.read_bytes())
    pair.east.kill()
    server.wait_state("region", "us-east", observed="unhealthy")
    lost = [(line["kind"], line["name"]) for line in transitions(server, offset) if line["observed"] == "unhealthy"]
    first_az = next(name for kind, name in lost if kind == "az")
    other_az = {"us-east-1a": "us-east-1b", "us-east-1b": "us-east-1a"}[first_az]
    region = lost.index(("region", "us-east"))
    assert lost.index(("az", first_az)) < region and lost.index(("endpoint", f"web-{first_az}")) < region
    assert ("az", other_az) not in lost[:region]
    assert {line["cause"] for line in transitions(server, offset)} == {"refused"}
    assert not any("eu-west" in line["name"] for line in transitions(server, offset))

    offset = len(server.log_path.read_bytes())
    pair.east.start()
    for az in "us-east-1a", "us-east-1b":
        server.wait_state("endpoint", f"web-{az}", effective="healthy", decided_by="verdict")
    back = [(line["kind"], line["name"]) for line in transitions(server, offset) if line["observed"] == "healthy"]
    assert {("region", "us-east"), ("az", "us-east-1a"), ("az", "us-east-1b")} <= set(back)
    assert {line["cause"] for line in transitions(server, offset)} == {"ok"}


def test_one_endpoint_lost_takes_out_its_az_only(pair):
    server = pair.server
    pair.east.behave("status", pair.at["us-east-1a"], status=503)
    server.wait_state("az", "us-east-1a", observed="unhealthy")
    server.wait_answers("www.example.com", [pair.at["us-east-1b"]])
    region = server.get("/v1/regions/us-east")
    assert (region["effective"], region["members"], region["members_unhealthy"]) == ("healthy", 2, 1)
    pair.east.behave("ok")
    server.wait_answers("www.example.com", pair.us)


def test_one_instance_takes_out_itself_and_never_its_az(site):
    at = kit.make_regions(site, ["us-east-1a", "us-east-1b"])
    more = kit.new_address()
    site.topology["endpoints"]["more"] = {"az": "us-east-1a", "addresses": [more], "checks": ["web"]}
    site.zone("example.com", "").policy("example.com", {"www": {"endpoints": ["*"], "pick": "all"}})
    web = site.web(*at.values(), more)
    server = site.start()
    for name in "more", "web-us-east-1a", "web-us-east-1b":
        server.wait_state("endpoint", name, observed="healthy")
    web.behave("status", more, status=500)
    server.wait_answers("www.example.com", at.values())
    az = server.get("/v1/azs/us-east-1a")
    assert (az["effective"], az["members"], az["members_unhealthy"]) == ("healthy", 2, 1)


def test_lost_at_share(site):
    at = kit.make_regions(site, ["us-east-1a", "us-east-1b"])
    site.topology["regions"]["us-east"]["lost_at"] = 0.5
    site.zone("example.com", "").policy("example.com", {"www": {"endpoints": ["*"], "pick": "all"}})
    web = site.web(*at.values())
    server = site.start()
    server.wait_state("region", "us-east", observed="healthy")
    web.behave("status", at["us-east-1a"], status=500)
    server.wait_state("region", "us-east", observed="unhealthy", members_unhealthy=1)
    assert server.get("/v1/endpoints/web-us-east-1b")["decided_by"] == "region_lost"


def test_both_regions_lost_then_static_then_back(pair):
    """Without the brake, which would hold this for a minute."""
    server = pair.server
    pair.site.topology["brake"] = False
    pair.site.write()
    assert server.reload().status == 200
    pair.east.kill()
    pair.west.kill()
    server.wait_answers("www.example.com", ["192.0.2.99"])
    pair.west.start()
    server.wait_answers("www.example.com", pair.eu)
    pair.east.start()
    server.wait_answers("www.example.com", pair.us)


def test_override_outranks_what_is_observed(pair):
    server = pair.server
    pair.east.kill()
    server.wait_answers("www.example.com", pair.eu)
    server.override("region", "us-east", "up")
    assert set(server.sample("www.example.com")) == set(pair.us)
    region = server.get("/v1/regions/us-east")
    assert (region["observed"], region["desired"], region["effective"]) == ("unhealthy", "up", "forced_up")
    server.override("region", "us-east", "auto")
    server.wait_answers("www.example.com", pair.eu)


def test_drained_while_healthy_and_recovered_while_drained(pair):
    server = pair.server
    server.override("region", "us-east", "drain")
    assert set(server.sample("www.example.com")) == set(pair.eu)
    region = server.get("/v1/regions/us-east")
    assert (region["observed"], region["effective"], region["decided_by"]) == \
        ("healthy", "drained", "region_override")
    pair.east.kill()
    server.wait_state("region", "us-east", observed="unhealthy", effective="drained")
    pair.east.start()
    server.wait_state("region", "us-east", observed="healthy", effective="drained")
    assert set(server.sample("www.example.com")) == set(pair.eu)
