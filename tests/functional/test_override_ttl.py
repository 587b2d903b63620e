# SPDX-License-Identifier: BSD-3-Clause
"""Overrides with a TTL: what depends on them lives at most so long, from their announcement to their end, however the
server came to know of them."""
import json

import pytest
from takeovers import reaper, take_over  # noqa: F401: a fixture
from test_durable import in_ms
from test_restore import line, restore, send_lines
from test_points import save
from test_ttl import make, name, told, ttl

PLAIN = {"endpoints": ["web-*"], "tiers": [["us-east"], ["eu-west"]], "ttl": 30}


@pytest.fixture
def server(site):
    site.at = make(site, www=PLAIN, short=name(), shop=PLAIN)
    site.topology["name_groups"] = {"shop": ["shop.example.com"]}
    return site.start()


def by_override(server, said):
    steps = server.get("/v1/explain?name=www.example.com&type=A")["steps"]
    return told(server)[1] == "override" and any(said in step for step in steps)


@pytest.mark.parametrize("state", ["drain", "up", "down"])
@pytest.mark.parametrize("kind, target", [("region", "eu-west"), ("az", "us-east-1a"), ("endpoint", "web-us-east-1a")])
def test_from_the_announcement_to_the_end(server, kind, target, state):
    item = f"{kind}:{target}"
    told_by = server.ctl(state, item, "--reason", "a move", "--in", "10m", "--for", "10m", "--ttl", "12", "--yes-unserved").stdout
    assert "; TTLs are at most 12 s, until " in told_by
    assert (ttl(server), ttl(server, "short.example.com")) == (12, 5), "what is less counts"
    assert by_override(server, f"the TTL is at most 12 s: so says the {state} of {kind} {target}, which is planned for 2")
    for verb in ["overrides"], ["show", item]:
        assert " 12 s" in server.ctl(*verb).stdout
    server.ctl(state, item, "--reason", "a move", "--ttl", "0", "--yes-unserved")
    assert ttl(server) == 0 and by_override(server, f"the TTL is at most 0 s: so says the {state} of {kind} {target} by ")
    server.ctl(state, item, "--reason", "a move", "--ttl", "300", "--yes-unserved")
    assert (ttl(server), told(server)) == (30, (30, "ttl")), "it never raises one"
    server.ctl("auto", item)
    assert (ttl(server), told(server)) == (30, (30, "ttl"))


def test_the_least_the_floor_and_who_is_concerned(site, server):
    server.override("region", "us-east", "drain", ttl=20)
    server.override("endpoint", "web-eu-west-1a", "up", ttl=10)
    assert ttl(server) == 10
    server.override("endpoint", "web-us-east-1a", "up")
    server.override("endpoint", "web-eu-west-1a", "auto")
    assert ttl(server) == 30, "nobody follows the region any more"
    server.override("endpoint", "web-us-east-1a", "auto")
    site.policies["example.com"]["ttl_floor"] = 25
    site.write()
    assert server.reload().status == 200
    assert ttl(server) == 25 and by_override(server, "the TTL is at most 25 s (ttl_floor): so says the drain of region us-east by")
    server.override("region", "us-east", "auto")
    server.override("region", "us-east", "drain", ttl=27, names=["shop"], share=50)
    assert (ttl(server), ttl(server, "shop.example.com")) == (30, 27)


def test_that_a_drain_is_in_part_outlives_what_the_server_does_not(site, server):
    """It is about to change, so ttl_failing counts, of those names alone that it is about."""
    before = ttl(server, "short.example.com")
    assert before > 5
    server.override("region", "us-east", "drain", share=20)
    assert (ttl(server, "short.example.com"), ttl(server)) == (5, 30), "www has no ttl_failing"
    assert server.reload().status == 200 and ttl(server, "short.example.com") == 5
    take_over(server)
    assert ttl(server, "short.example.com") == 5
    server.kill()
    server = site.start()
    assert ttl(server, "short.example.com") == 5
    server.override("region", "us-east", "auto")
    assert ttl(server, "short.example.com") == before
    server.override("region", "us-east", "drain", share=20, names=["shop"])
    assert ttl(server, "short.example.com") == before


def test_it_outlives_what_the_server_does_not(site, server):
    server.override("region", "us-east", "drain", ttl=7, starts_in="1h")
    save(server, "a")
    assert server.reload().status == 200 and ttl(server) == 7
    take_over(server)
    assert ttl(server) == 7
    server.request("DELETE", "/v1/regions/us-east/override")
    assert ttl(server) == 30
    restore(server, "a", reason="back")
    assert ttl(server) == 7
    exported = server.ctl("export").stdout
    assert '"ttl":7' in exported.replace(" ", "")
    server.request("DELETE", "/v1/regions/us-east/override")
    assert send_lines(server, exported).status == 200 and ttl(server) == 7
    server.kill()
    server = site.start()
    assert ttl(server) == 7 and server.get("/v1/overrides")["items"][0]["ttl"] == 7
    assert server.get("/v1/journal?kind=override")["items"][0]["after"]["ttl"] == 7
    assert "drain, TTL 7 s" in server.ctl("history", "region:us-east").stdout


@pytest.mark.parametrize("wrong, words", [("30", 'found a string, expected whole seconds, such as 30'), (-1, "found -1, expected seconds from 0 to 2147483647"),
                                          (2147483648, "expected seconds from 0 to 2147483647"), (1.5, "expected whole seconds"), (None, "expected whole seconds")])
def test_what_is_none(server, wrong, words):
    reply = server.request("PUT", "/v1/regions/us-east/override", {"state": "drain", "reason": "x", "ttl": wrong})
    assert reply.status == 422 and words in reply.json["errors"][0]["message"] and reply.json["errors"][0]["field"] == "ttl"
    assert server.get("/v1/overrides")["items"] == []
    lines = [line("region:us-east", "drain", ttl=wrong, set=in_ms(0))]
    assert send_lines(server, lines).status == 422


def test_drills_know_it(site):
    """Whoever asked since has the short TTL, so fewer requests go to what is lost."""
    for address in make(site, checks=True, www=PLAIN | {"ttl": 300}):
        site.web(address)
    server = site.start()
    for endpoint in "web-us-east-1a", "web-eu-west-1a":
        server.wait_state("endpoint", endpoint, observed="healthy")
    path = site.folder / "loss.json"
    path.write_text(json.dumps({"from": "live", "clients": {}, "events": [{"at": "1s", "what": "region:us-east", "how": "lost"}]}))

    def find_failed():
        return server.ctl_json("drill", "simulate", str(path), code=None)["users"]["failed_share"]
    before = find_failed()
    server.override("endpoint", "web-eu-west-1a", "up", ttl=5)
    assert 0 < find_failed() < before / 5
