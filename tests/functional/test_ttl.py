# SPDX-License-Identifier: BSD-3-Clause
"""TTLs while something fails: shorter for records, static records and negative answers alike, never below the floor, and
already while a check is about to change its verdict."""
import dns.rcode

import kit


def make(site, floor=None, checks=False, **names):
    azs = ("us-east-1a", "eu-west-1a")
    at = kit.make_regions(site, azs, interval="100ms", timeout="100ms", fall=50, rise=2)
    if not checks:
        site.topology["checks"] = {}
        for endpoint in site.topology["endpoints"].values():
            del endpoint["checks"]
    site.policy("example.com", names).zone("example.com", "www 60 IN A 192.0.2.99\nwww 60 IN TXT x\nalias 60 IN CNAME www\n")
    if floor is not None:
        site.policies["example.com"]["ttl_floor"] = floor
    return [at[az] for az in azs]


def name(**more):
    return {"endpoints": ["web-*"], "tiers": [["us-east"], ["eu-west"]], "ttl": 30, "ttl_failing": 5, **more}


def ttl(server, qname="www.example.com", rtype="A"):
    reply = server.ask(qname, rtype)
    return (reply.answer or reply.authority)[-1].ttl


def told(server):
    said = server.get("/v1/explain?name=www.example.com&type=A")
    return said["ttl"], said["ttl_reason"]


def test_shorter_while_a_member_is_out(site):
    make(site, www=name(answers=2, tiers=[["us-east", "eu-west"]]))
    server = site.start()
    assert ttl(server) == 30 and told(server) == (30, "ttl")
    for state in "down", "drain":
        server.override("endpoint", "web-eu-west-1a", state)
        assert ttl(server) == ttl(server, "alias.example.com") == 5 and told(server) == (5, "ttl_failing")
        said = server.get("/v1/explain?name=www.example.com")
        assert "the TTL is at most 5 s (ttl_failing): web-eu-west-1a does not serve" in said["steps"]
        server.override("endpoint", "web-eu-west-1a", "auto")
        assert ttl(server) == 30


def test_a_tier_that_waits_counts_too(site):
    make(site, www=name())
    server = site.start()
    server.override("region", "eu-west", "drain")
    assert ttl(server) == 5


def test_another_class_does_not_count(site):
    make(site, www=name(tiers=[["us-east"]], geo=[{"when": {"cidr": "127.0.0.0/8"}, "tiers": [["eu-west"]]}]))
    server = site.start()
    server.override("region", "us-east", "down")
    assert ttl(server) == 30, "tests ask from 127/8"
    server.override("region", "eu-west", "down")
    assert ttl(server) == 5


def test_without_ttl_failing_nothing_changes(site):
    make(site, www={"endpoints": ["web-*"], "ttl": 30})
    server = site.start()
    server.override("region", "us-east", "down")
    assert ttl(server) == 30 and told(server) == (30, "ttl")


def test_the_floor(site):
    make(site, floor=10, www=name(), low={"endpoints": ["web-*"], "ttl": 2})
    server = site.start()
    assert ttl(server, "low.example.com") == 10
    server.override("region", "us-east", "drain")
    assert ttl(server) == 10


def test_negative_answers_and_static_records(site):
    make(site, nodata=name(fallback="nodata"), www=name(fallback="static"), v6=name())
    server = site.start()
    assert ttl(server, "www.example.com", "TXT") == 60
    server.override("region", "us-east", "down")
    server.override("region", "eu-west", "down")
    assert ttl(server) == 5, "static records of 60 s"
    assert ttl(server, "www.example.com", "TXT") == 60, "which steering has nothing to do with"
    reply = server.ask("nodata.example.com")
    assert (reply.rcode(), reply.answer, reply.authority[0].ttl) == (dns.rcode.NOERROR, [], 5)  # the SOA says 30
    server.override("region", "us-east", "auto")
    server.override("region", "eu-west", "auto")
    assert ttl(server) == 30


def test_a_check_that_is_about_to_change(site):
    """It takes 50 failures to fall: the first of them shortens the TTL."""
    us, eu = make(site, checks=True, www=name())
    east, _ = site.web(us), site.web(eu)
    server = site.start()
    server.wait_state("endpoint", "web-us-east-1a", observed="healthy")
    server.wait_state("endpoint", "web-eu-west-1a", observed="healthy")
    server.wait(lambda: ttl(server) == 30, "settled")
    generation = server.get("/v1/status")["generation"]
    east.behave("status", status=503)
    server.wait(lambda: ttl(server) == 5, "shorter at the first failure")
    assert server.get("/v1/endpoints/web-us-east-1a")["effective"] == "healthy", "which is no verdict yet"
    assert server.addresses("www.example.com") == [us]
    east.behave("ok")
    server.wait(lambda: ttl(server) == 30, "long again")
    assert server.get("/v1/status")["generation"] == generation, "no view was made for it"


def test_what_is_wrong_is_said(site):
    make(site, www=name(ttl_failing=31))
    site.write()
    done = kit.run_steerd("-c", str(site.config), "--check")
    assert done.returncode == 1 and "found 31 s, expected at most the ttl of 30 s" in done.stderr
