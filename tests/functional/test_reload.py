# SPDX-License-Identifier: BSD-3-Clause
"""Reload: all or nothing for server and topology, zone by zone for zones; nobody loses an answer or its history."""
import pathlib
import re
import signal
import threading
import time

import pytest

import kit
from etcdkit import find_memory


def hup(server):
    """SIGHUP and the log line of the reload that it caused."""
    offset = len(server.log_path.read_bytes())
    server.process.send_signal(signal.SIGHUP)
    return server.wait_log("reload result=", offset=offset)


def reload_by_signal(server):
    line = hup(server)
    return "result=ok" in line


def reload_by_api(server):
    return server.reload().status == 200


WAYS = pytest.mark.parametrize("reload", [reload_by_signal, reload_by_api])


@WAYS
def test_changed_records(site, reload):
    server = site.zone("example.com", "www 60 IN A 192.0.2.1\nold 60 IN A 192.0.2.2\n").start()
    assert server.addresses("www.example.com") == ["192.0.2.1"]
    generation = server.get("/v1/status")["generation"]
    site.zone("example.com", "www 60 IN A 192.0.2.7\nnew 60 IN A 192.0.2.8\n").write()
    assert server.addresses("www.example.com") == ["192.0.2.1"], "changed without a reload"
    assert reload(server)
    assert server.addresses("www.example.com") == ["192.0.2.7"]
    assert server.addresses("new.example.com") == ["192.0.2.8"]
    assert server.ask("old.example.com").rcode().name == "NXDOMAIN"
    assert server.get("/v1/status")["generation"] == generation + 1


@WAYS
def test_new_and_removed_zones(site, reload):
    server = site.zone("example.com", "").zone("example.net", "www 60 IN A 192.0.2.1\n").start()
    site.zone("example.org", "www 60 IN A 192.0.2.3\n").write()
    (site.folder / "zones/example.net.zone").unlink()
    assert reload(server)
    assert server.addresses("www.example.org") == ["192.0.2.3"]
    assert server.ask("www.example.net").rcode().name == "REFUSED"


@pytest.mark.parametrize("path, content", [
    ("steerd.json", "{"),
    ("steerd.json", {"listen": ["127.0.0.1:5300"], "zones": "nowhere"}),
    ("topology.json", "{ \"regions\": 7 }"),
    ("topology.json", {"regions": {}, "endpoints": {"a": {"az": "mars", "addresses": ["192.0.2.1"]}}}),
])
@WAYS
def test_a_bad_document_keeps_everything_and_says_why(pair, reload, path, content):
    server, offset = pair.server, len(pair.server.log_path.read_bytes())
    generation = server.get("/v1/status")["generation"]
    pair.site.put(path, content)
    assert not reload(server)
    server.wait(lambda: any(path in line and "error" in line.lower() for line in server.read_log(offset).splitlines()),
                "the log says why")
    assert server.get("/v1/status")["generation"] == generation
    assert set(server.sample("www.example.com")) == set(pair.us)
    assert server.get("/v1/regions/us-east")["observed"] == "healthy"
    pair.site.write()
    assert reload(server)


def test_the_api_lists_every_error_with_its_place(pair):
    pair.site.put("topology.json", {"regions": {"us-east": {"azs": {"us-east-1a": {}}}}, "colour": "red",
                                    "endpoints": {"a": {"az": "mars", "addresses": ["192.0.2.1"]},
                                                  "b": {"az": "us-east-1a", "addresses": ["nonsense"]}}})
    reply = pair.server.reload()
    assert reply.status == 422 and reply.json["type"].endswith("reload-failed")
    assert len(reply.json["errors"]) >= 3
    assert all(error["file"].endswith("topology.json") and error["line"] > 0 for error in reply.json["errors"])
    text = str(reply.json["errors"])
    assert "colour" in text and "mars" in text and "nonsense" in text


@WAYS
def test_one_bad_zone_does_not_stop_the_others(site, reload):
    site.zone("example.com", "www 60 IN A 192.0.2.1\n").zone("example.net", "www 60 IN A 192.0.2.2\n")
    server = site.start()
    site.zone("example.com", "www 60 IN A 192.0.2.300\n").zone("example.net", "www 60 IN A 192.0.2.9\n").write()
    reload(server)
    assert server.addresses("www.example.com") == ["192.0.2.1"], "the broken zone keeps its previous version"
    assert server.addresses("www.example.net") == ["192.0.2.9"], "the good zone is updated"
    states = {zone["origin"]: zone["state"] for zone in server.get("/v1/zones")["items"]}
    assert states == {"example.com.": "stale", "example.net.": "current"}
    assert "example.com.zone" in server.read_log() and "192.0.2.300" in server.read_log()
    site.zone("example.com", "www 60 IN A 192.0.2.3\n").write()
    assert reload(server)
    assert server.addresses("www.example.com") == ["192.0.2.3"]
    assert {zone["state"] for zone in server.get("/v1/zones")["items"]} == {"current"}


def test_a_zone_that_was_never_good_says_servfail(site):
    site.zone("example.com", "www 60 IN A 192.0.2.1\n").zone("broken.example", "www 60 IN A nonsense\n")
    server = site.start()
    assert server.addresses("www.example.com") == ["192.0.2.1"]
    assert server.ask("www.broken.example").rcode().name == "SERVFAIL"


def test_health_and_overrides_survive(pair):
    server = pair.server
    pair.east.kill()
    server.wait_answers("www.example.com", pair.eu)
    server.override("az", "eu-west-1a", "drain", "by hand", actor="alice")
    before = {kind: server.get(f"/v1/{kind}")["items"] for kind in ("regions", "azs", "endpoints")}
    pair.site.topology["endpoints"]["web-eu-west-1b"]["weight"] = 7
    pair.site.policies["example.com"]["names"]["www"]["ttl"] = 9
    pair.site.write()
    assert server.reload().status == 200
    assert server.ask("www.example.com").answer[0].ttl == 9
    assert set(server.sample("www.example.com")) == {pair.at["eu-west-1b"]}
    for kind, items in before.items():
        for item in items:
            now = server.get(f"/v1/{kind}/{item['name']}")
            for key in "observed", "desired", "effective", "decided_by", "since", "override":
                assert now[key] == item[key], (item["name"], key)


def test_new_endpoints_are_unknown_and_probed_and_old_ones_are_not_forgotten(pair):
    server, site = pair.server, pair.site
    address = kit.new_address()
    site.topology["endpoints"]["new"] = {"az": "us-east-1a", "addresses": [address], "checks": ["web"]}
    site.write()
    assert server.reload().status == 200
    assert server.get("/v1/endpoints/web-us-east-1a")["observed"] == "healthy"
    server.wait_state("endpoint", "new", observed="unhealthy", last_outcome="refused")
    del site.topology["endpoints"]["new"]
    site.write()
    assert server.reload().status == 200
    assert server.request("GET", "/v1/endpoints/new").status == 404


def test_a_failover_works_after_reloads(pair):
    for _ in range(5):
        assert pair.server.reload().status == 200
    pair.east.kill()
    pair.server.wait_answers("www.example.com", pair.eu)
    assert pair.server.reload().status == 200
    assert set(pair.server.sample("www.example.com")) == set(pair.eu)
    pair.east.start()
    pair.server.wait_answers("www.example.com", pair.us)


def test_no_query_is_lost_while_reloading(pair):
    """Every query of several clients is answered, rightly, while views come and go."""
    stop, answers, faults = threading.Event(), [], []

    def query(tcp):
        try:
            while not stop.is_set():
                got = pair.server.addresses("www.example.com", tcp=tcp)
                answers.append(got)
                assert len(got) == 1 and got[0] in pair.us, got
        except Exception as fault:  # pylint: disable=broad-except
            faults.append(fault)

    threads = [threading.Thread(target=query, args=(tcp,)) for tcp in (False, False, True)]
    for thread in threads:
        thread.start()
    for _ in range(20):
        assert pair.server.reload().status == 200
    stop.set()
    for thread in threads:
        thread.join()
    assert not faults and len(answers) > 20


def test_reload_without_changes_has_nothing_to_say(pair):
    done = pair.server.ctl("reload")
    assert done.stdout == "generation 2 serves\n" and done.stderr == ""


def test_reload_without_changes_keeps_probing_in_step(pair):
    """Targets of equal identity keep their schedule: reloading often does not stop checks from ending."""
    pair.east.kill()
    deadline = iter(range(400))

    def lost():
        next(deadline)
        pair.server.reload()
        return pair.server.get("/v1/regions/us-east")["observed"] == "unhealthy"
    pair.server.wait(lost, "us-east is lost although reloads never end")


# ---- what did not change ----

def count_read(server):
    return int(re.search(r"rchar: (\d+)", pathlib.Path(f"/proc/{server.process.pid}/io").read_text())[1])


def make_old(server):
    """Until no file was written lately, so that what is written from now on shows in its times, and a load of them has seen that."""
    time.sleep(2.1)
    assert server.reload().status == 200


def many_endpoints():
    return {"regions": {"r": {"azs": {"a": {}}}},
            "endpoints": {f"web-{number}": {"az": "a", "addresses": [f"10.0.{number // 250}.{number % 250 + 1}"]} for number in range(5000)}}


def test_nothing_is_read_that_did_not_change(site):
    """No document either; what was warned of is said again, and overrides stand."""
    site.topology = many_endpoints()
    site.zone("example.com", "ns2 60 IN NS ns9\n").policy("example.com", {"www": {"endpoints": ["web-1", "web-2"]}})
    server = site.start()
    make_old(server)
    warned = server.reload()
    server.override("endpoint", "web-1", "drain")
    size = (site.folder / "topology.json").stat().st_size
    before, status = count_read(server), server.get("/v1/status")
    for _ in range(4):
        assert reload_by_signal(server)
    again = server.reload()
    assert count_read(server) - before < size, "less than once of five times"
    assert again.json["warnings"] == warned.json["warnings"] != []
    assert server.get("/v1/status")["generation"] == status["generation"] + 5
    assert set(server.sample("www.example.com")) == {"10.0.0.3"}
    assert "nothing changes" in server.ctl("reload", "--dry-run").stdout
    site.policy("example.com", {"www": {"endpoints": ["web-7"]}}).write()
    assert "www.example.com" in server.ctl("reload", "--dry-run").stdout
    assert reload_by_signal(server)
    assert server.addresses("www.example.com") == ["10.0.0.8"]


@pytest.mark.parametrize("changes", [0, 1])
def test_reloads_take_no_memory_that_stays(site, changes):
    """Views and lists of files that served before go, however fast reloads come."""
    for number in range(10000):
        site.zone(f"z{number}.example.com", "www 60 IN A 192.0.2.1\n")
    server = site.start()
    make_old(server)

    def reload_some(count):
        for number in range(count):
            if changes:
                site.put("zones/z7.example.com.zone", kit.SOA + f"www 60 IN A 192.0.2.{number + 1}\n")
            assert server.reload().status == 200
        return find_memory(server.process.pid)
    first = reload_some(2)
    assert reload_some(20) < first * 1.5
