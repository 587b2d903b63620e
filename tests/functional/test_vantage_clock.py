# SPDX-License-Identifier: BSD-3-Clause
"""A vantage whose wall clock is a year off (clock.c): certificates are judged by the time of the servers, so what it thinks is
what the others think."""
import re
import time
import types

import pytest

import kit
import test_clock
import tlskit
import vantagekit

pytestmark = pytest.mark.skipif(tlskit.OPENSSL is None, reason="openssl is not installed (contrib/packages test)")
YEAR_S = 365 * 86400
SKEWS = pytest.mark.parametrize("skew_s", [YEAR_S, -YEAR_S], ids=["ahead", "behind"])
# Days from now; what is to be said of it, and what who is a year ahead or behind would say. With min_days of 30.
CERTIFICATES = {"good": (-1, 90, "ok"), "expired": (-400, -2, "certificate_expired"), "early": (2, 400, "certificate_not_yet_valid"),
                "expiring": (-400, 20, "certificate_expiring")}


@pytest.fixture(scope="module")
def pki(tmp_path_factory):
    made = tlskit.Pki(tmp_path_factory.mktemp("pki") / "files")
    made.sign("lasting", None, days=(-1000, 1000), extensions="authority")
    for name, (begin, end, _) in CERTIFICATES.items():
        made.sign(name, "lasting", days=(begin, end))
    return made


@pytest.fixture
def listeners(pki):
    made = {name: tlskit.Listener(tlskit.talk(pki.context(name), tlskit.GOOD)) for name in CERTIFICATES}
    yield made
    for listener in made.values():
        listener.close()


@pytest.fixture
def probe(tmp_path):
    """With a clock of its own."""
    made = vantagekit.Probe(tmp_path / "state")
    made.clock = test_clock.Clock(scene := types.SimpleNamespace(folder=tmp_path))
    made.environment = scene.environment
    yield made
    made.close()


def define(pki, port):
    return {"type": "https", "port": port, "host": tlskit.HOST, "interval": "500ms", "timeout": "500ms", "fall": 1, "rise": 1,
            "tls": {"ca": pki.lasting_pem, "min_days": 30, "resume": False}}


@SKEWS
def test_the_time_of_the_server_counts(site, pki, listeners, probe, skew_s):
    web = site.web(kit.new_address())
    site.topology = {"regions": {"r": {"azs": {"a": {}}}}, "brake": False,
                     "checks": {name: {**define(pki, listener.port), "vantages": ["fra-1"]} for name, listener in listeners.items()},
                     "endpoints": {name: {"az": "a", "addresses": ["127.0.0.1"], "checks": [name]} for name in listeners}}
    site.topology["checks"]["port"] = {"type": "tcp", "port": kit.WEB_PORT, "interval": "100ms", "fall": 1, "vantages": ["fra-1"]}
    site.topology["endpoints"]["plain"] = {"az": "a", "addresses": web.addresses, "checks": ["port"]}
    site.zone("example.com", "")
    address = kit.new_address()
    place = f"{address}:{kit.find_port(address)}"
    site.server["vantages"] = {"listen": [place], "heartbeat": "100ms", "expires": "5s", "quorum": "any"}
    server = site.start()
    probe.clock.set_unseen(skew_s)
    probe.enrol(server.ctl_json("vantage", "enrol", "fra-1")["token"], place)
    probe.start()
    expected = {**{name: outcome for name, (_, _, outcome) in CERTIFICATES.items()}, "plain": "ok"}

    def opinions():
        """Of the vantage: what this server sees by itself is in the rows as well, and no part of the judgement."""
        rows = server.get("/v1/checks")["items"]
        said = {row["endpoint"]: [opinion for opinion in row["judgement"]["opinions"] if opinion["counts"]] for row in rows}
        assert all(opinion["vantage"] == "fra-1" for row in said.values() for opinion in row)
        return {name: (row[0]["verdict"], row[0]["outcome"]) for name, row in said.items() if row}

    wanted = {name: ("healthy" if outcome == "ok" else "unhealthy", outcome) for name, outcome in expected.items()}
    server.wait(lambda: opinions() == wanted, f"{wanted}")
    for name in expected:
        server.wait_state("endpoint", name, observed=wanted[name][0])
        seen = server.ctl("check", "run", name, "--from", "fra-1", code=None).stdout
        assert expected[name] in seen, seen
    assert "ahead of" in vantagekit.run_probe("status", "--state", probe.folder).stdout or skew_s < 0
    assert abs(probe.status()["clock_ahead_ms"] - 1000 * skew_s) < 60000
    said_ms = int(re.search(r"ahead_ms=(-?\d+)", probe.wait_log("clock differs from that of the servers"))[1])
    assert abs(said_ms - 1000 * skew_s) < 60000
    # It is set right while it runs, and then to the other side: nobody notices.
    for step_s in -skew_s, -skew_s:
        probe.clock.set_unseen(step_s)
        made = probe.status()["checks"]["started"]
        probe.wait(lambda: probe.status()["checks"]["started"] > made + 20, "some checks more")
        server.wait(lambda: opinions() == wanted, f"{wanted}")
    probe.wait_log("clock agrees with that of the servers")
    ended = probe.status()["checks"]["ended"]
    assert set(ended) <= set(expected.values()) | {"timeout", "tls_timeout", "connect_timeout"}, ended


@SKEWS
def test_a_server_that_does_not_say_what_time_it_is(pki, listeners, probe, skew_s):
    """Of a version before that: the clock of this host counts, until somebody says."""
    identity = vantagekit.Identity(probe.folder.parent / "server")
    server = vantagekit.FakeServer(identity)
    try:
        server.enrol(probe)
        probe.clock.set_unseen(skew_s)
        probe.start()
        connection = server.accept()
        connection.greet()
        files = {pki.lasting_pem: open(pki.lasting_pem, encoding="ascii").read()}
        connection.list(1, [(define(pki, listeners["good"].port), files)], [{"addresses": ["127.0.0.1"]}])
        expected = "certificate_expired" if skew_s > 0 else "certificate_not_yet_valid"
        assert connection.expect_opinion(0, "down")[3] == expected
        assert probe.status()["clock_ahead_ms"] == 0
        connection.say(clock={"wall_ms": int(1000 * time.time())})
        assert connection.expect_opinion(0, "up")[3] == "ok"
        # What was said holds while nobody is there to say it.
        server.stop_listening()
        connection.close()
        probe.wait_log("server lost")
        before = probe.status()["checks"]["ended"]
        probe.wait(lambda: probe.status()["checks"]["ended"]["ok"] > before["ok"] + 3, "some checks more")
        assert probe.status()["checks"]["ended"][expected] == before[expected]
    finally:
        server.close()
