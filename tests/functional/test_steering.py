# SPDX-License-Identifier: BSD-3-Clause
"""How an answer is chosen: tiers, weights, fallbacks, and the difference between drained and unhealthy. Health comes from
overrides here, so that nothing depends on the time that checks take."""
import dns.flags
import dns.rcode
import dns.rdatatype
import pytest

import kit

AZS = {"us-east-1a": "192.0.2.1", "us-east-1b": "192.0.2.2", "eu-west-1a": "192.0.2.11", "eu-west-1b": "192.0.2.12"}
EAST, WEST = {"192.0.2.1", "192.0.2.2"}, {"192.0.2.11", "192.0.2.12"}


def make(site, **names):
    """A topology without checks: nothing is known of its endpoints, so they serve until somebody says otherwise."""
    kit.make_regions(site)
    site.topology["checks"] = {}
    site.topology["endpoints"] = {f"web-{az}": {"az": az, "addresses": [address]} for az, address in AZS.items()}
    site.policy("example.com", names)
    site.zone("example.com", "www 60 IN A 192.0.2.99\nstatic 60 IN A 192.0.2.98\nalias 60 IN CNAME www\n")
    return site


def preferring(**more):
    return {"endpoints": ["web-*"], "tiers": [["us-east"], ["eu-west"]], **more}


def test_the_first_tier_serves(site):
    server = make(site, www=preferring(ttl=7)).start()
    assert set(server.sample("www.example.com")) == EAST
    reply = server.ask("www.example.com")
    assert reply.flags & dns.flags.AA and reply.answer[0].ttl == 7


def test_default_ttl_is_30(site):
    assert make(site, www=preferring()).start().ask("www.example.com").answer[0].ttl == 30


@pytest.mark.parametrize("state", ["down", "drain"])
@pytest.mark.parametrize("kind, names", [("region", ["us-east"]), ("az", ["us-east-1a", "us-east-1b"]),
                                         ("endpoint", ["web-us-east-1a", "web-us-east-1b"])])
def test_losing_a_tier_moves_every_answer(site, kind, names, state):
    server = make(site, www=preferring()).start()
    for name in names:
        server.override(kind, name, state)
    assert set(server.sample("www.example.com")) == WEST
    for name in names:
        server.override(kind, name, "auto")
    assert set(server.sample("www.example.com")) == EAST


def test_losing_an_az_keeps_the_tier(site):
    server = make(site, www=preferring()).start()
    server.override("az", "us-east-1a", "down")
    assert set(server.sample("www.example.com")) == {"192.0.2.2"}


def test_names_and_types_move_together(site):
    make(site, www=preferring(), api=preferring(pick="all"), **{"*.app": preferring()})
    for endpoint, last in zip(site.topology["endpoints"].values(), "1234"):
        endpoint["addresses"].append(f"2001:db8::{last}")
    server = site.start()
    server.override("region", "us-east", "down")
    for name in "www.example.com", "api.example.com", "x.app.example.com", "alias.example.com":
        assert set(server.sample(name)) == WEST, name
        assert set(server.sample(name, rtype="AAAA")) == {"2001:db8::3", "2001:db8::4"}, name


def test_narrowest_override_wins(site):
    server = make(site, www=preferring()).start()
    server.override("region", "us-east", "down")
    server.override("endpoint", "web-us-east-1a", "up")
    assert set(server.sample("www.example.com")) == {"192.0.2.1"}


def test_forced_up_outranks_a_lost_region_only_by_itself(site):
    server = make(site, www=preferring()).start()
    server.override("region", "us-east", "drain")
    server.override("az", "us-east-1b", "up")
    assert set(server.sample("www.example.com")) == {"192.0.2.2"}


def test_weights(site):
    weights = {"web-us-east-1a": 90, "web-us-east-1b": 10}
    server = make(site, www=preferring(weights=weights)).start()
    seen = server.sample("www.example.com", 400)
    assert set(seen) == EAST
    # 360 expected, standard deviation 6: the bounds are 10 of them
    assert 300 <= seen["192.0.2.1"] <= 399, seen


def test_weight_zero_is_picked_only_when_alone(site):
    weights = {"web-us-east-1a": 0, "web-us-east-1b": 1}
    server = make(site, www=preferring(weights=weights)).start()
    assert set(server.sample("www.example.com", 100)) == {"192.0.2.2"}
    server.override("endpoint", "web-us-east-1b", "down")
    assert set(server.sample("www.example.com")) == {"192.0.2.1"}


def test_several_answers_are_different_ones(site):
    server = make(site, www=preferring(answers=2), api={"endpoints": ["web-*"], "answers": 3}).start()
    for _ in range(20):
        assert set(server.addresses("www.example.com")) == EAST
        three = server.addresses("api.example.com")
        assert len(three) == len(set(three)) == 3


def test_pick_all(site):
    server = make(site, www={"endpoints": ["web-*"], "pick": "all"}).start()
    assert set(server.addresses("www.example.com")) == EAST | WEST
    server.override("az", "eu-west-1a", "down")
    assert set(server.addresses("www.example.com")) == EAST | {"192.0.2.12"}


def test_round_robin(site):
    server = make(site, www=preferring(pick="round-robin")).start()
    seen = [server.addresses("www.example.com")[0] for _ in range(10)]
    assert all(one != other for one, other in zip(seen, seen[1:])), seen


# ---- nothing is left ----

def lose_everything(server, state="down"):
    for region in "us-east", "eu-west":
        server.override("region", region, state)


def test_fallback_all_offers_what_is_down_but_not_what_is_drained(site):
    server = make(site, www=preferring(fallback="all", pick="all")).start()
    lose_everything(server)
    assert set(server.addresses("www.example.com")) == EAST | WEST
    server.override("az", "us-east-1a", "drain")
    assert set(server.addresses("www.example.com")) == {"192.0.2.2"} | WEST


def test_drained_is_never_served_by_any_fallback(site):
    server = make(site, www=preferring(fallback="all"), static=preferring(fallback="static")).start()
    lose_everything(server, "drain")
    assert server.addresses("www.example.com") == []
    assert server.addresses("static.example.com") == ["192.0.2.98"]


def test_fallback_static(site):
    server = make(site, www=preferring(fallback="static")).start()
    assert "192.0.2.99" not in server.sample("www.example.com")
    lose_everything(server)
    reply = server.ask("www.example.com")
    assert server.addresses("www.example.com") == ["192.0.2.99"]
    assert reply.answer[0].ttl == 60 and reply.flags & dns.flags.AA
    assert server.addresses("alias.example.com") == ["192.0.2.99"]


def test_fallback_nodata(site):
    server = make(site, www=preferring(fallback="nodata")).start()
    lose_everything(server)
    reply = server.ask("www.example.com")
    assert (reply.rcode(), reply.answer) == (dns.rcode.NOERROR, [])
    assert [rrset.rdtype for rrset in reply.authority] == [dns.rdatatype.SOA]


def test_fallback_servfail(site):
    server = make(site, www=preferring(fallback="servfail")).start()
    lose_everything(server)
    reply = server.ask("www.example.com")
    assert (reply.rcode(), reply.answer) == (dns.rcode.SERVFAIL, [])
    server.override("region", "eu-west", "auto")
    assert set(server.sample("www.example.com")) == WEST


def test_other_types_of_a_steered_name_come_from_the_zone(site):
    make(site, www=preferring())
    site.zone("example.com", 'www 60 IN TXT "here"\nwww 60 IN MX 10 mail\n')
    server = site.start()
    assert [str(rdata) for rdata in server.ask("www.example.com", "TXT").answer[0]] == ['"here"']
    assert server.ask("www.example.com", "AAAA").answer == []
    assert server.ask("www.example.com", "AAAA").rcode() == dns.rcode.NOERROR


def test_overrides_end_by_themselves(site):
    server = make(site, www=preferring()).start()
    server.override("region", "us-east", "down", expires_in="1s")
    assert set(server.sample("www.example.com")) <= WEST | EAST
    server.wait_state("region", "us-east", desired="auto", override=None)
    assert set(server.sample("www.example.com")) == EAST


def test_steering_over_tcp_and_with_edns(site):
    server = make(site, www=preferring()).start()
    assert set(server.addresses("www.example.com", tcp=True)) <= EAST
    assert set(server.addresses("www.example.com", edns=0)) <= EAST
    server.override("region", "us-east", "down")
    assert set(server.addresses("www.example.com", tcp=True)) <= WEST
    assert set(server.addresses("www.example.com", edns=0)) <= WEST


def test_a_flip_reaches_every_thread(site):
    site.server["threads"] = 4
    server = make(site, www=preferring()).start()
    for _ in range(5):
        server.override("region", "us-east", "down")
        assert set(server.sample("www.example.com", 60)) == WEST
        server.override("region", "us-east", "auto")
        assert set(server.sample("www.example.com", 60)) == EAST
