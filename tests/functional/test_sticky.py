# SPDX-License-Identifier: BSD-3-Clause
"""Sticky picks: a client prefix keeps its endpoint, here and on every other server; losing one of N moves a N-th; the
client subnet option says honestly what the answer depends on. And canaries: a weight written as a share."""
import collections
import json

import dns.edns
import dns.message
import pytest

import kit

CLIENTS = [f"10.{n // 256}.{n % 256}.0" for n in range(600)]


def make(site, count=10, sticky=None, **more):
    """Endpoints w0 … w9 with 192.0.2.100 … 109; nothing is known of them, so they serve."""
    site.topology = {
        "regions": {"us": {"azs": {"us-a": {}}}, "eu": {"azs": {"eu-a": {}}}},
        "endpoints": {f"w{n}": {"az": "us-a" if n < count - 2 else "eu-a", "addresses": [f"192.0.2.{100 + n}"]}
                      for n in range(count)}}
    name = {"endpoints": ["*"], "pick": "sticky", **more}
    if sticky is not None:
        name["sticky"] = sticky
    return site.policy("example.com", {"www": name}).zone("example.com", "")


def ask(server, client, bits=24):
    """(endpoints in the order of the answer, scope)"""
    query = dns.message.make_query("www.example.com", "A", use_edns=0, options=[dns.edns.ECSOption(client, bits)])
    reply = server.send(query)
    option, = [option for option in reply.options if isinstance(option, dns.edns.ECSOption)]
    return [f"w{int(str(rdata).rsplit('.', 1)[1]) - 100}" for rrset in reply.answer for rdata in rrset], option.scopelen


def map_clients(server, clients=None):
    return {client: ask(server, client)[0][0] for client in clients or CLIENTS}


def test_a_client_keeps_its_endpoint(site):
    server = make(site).start()
    first = map_clients(server, CLIENTS[:100])
    assert map_clients(server, CLIENTS[:100]) == first
    assert len(set(first.values())) == 10
    assert {ask(server, client, 32)[0][0] for client in ("10.0.7.1", "10.0.7.99", "10.0.7.255")} == {first["10.0.7.0"]}


def test_two_servers_agree(site, tmp_path_factory):
    other = kit.Site(tmp_path_factory.mktemp("other"))
    try:
        make(other)
        # the same endpoints in another order, and one more thing that is not the name's business
        endpoints = other.topology["endpoints"]
        other.topology["endpoints"] = {name: endpoints[name] for name in sorted(endpoints, reverse=True)}
        assert map_clients(make(site).start(), CLIENTS[:200]) == map_clients(other.start(), CLIENTS[:200])
    finally:
        other.close()


def test_losing_one_moves_its_clients_only(site):
    server = make(site).start()
    before = map_clients(server)
    server.override("endpoint", "w3", "drain")
    after = map_clients(server)
    moved = [client for client in CLIENTS if before[client] != after[client]]
    assert {before[client] for client in moved} == {"w3"} and "w3" not in after.values()
    assert 25 < len(moved) < 110  # 60 expected, deviation 7.3
    assert len({after[client] for client in moved}) >= 6, "they go to all others"
    server.override("endpoint", "w3", "auto")
    assert map_clients(server) == before, "and come back"


def test_a_reload_with_one_more_moves_few(site):
    server = make(site).start()
    before = map_clients(server)
    site.topology["endpoints"]["w10"] = {"az": "us-a", "addresses": ["192.0.2.110"]}
    site.write()
    assert server.reload().status == 200
    after = map_clients(server)
    moved = sum(before[client] != after[client] for client in CLIENTS)
    assert 20 < moved < 120  # a bit more than 600 / 11


def test_weights_hold_over_clients(site):
    server = make(site, weights={"*": 1, "w0": 9}).start()
    seen = collections.Counter(map_clients(server).values())
    assert 230 < seen["w0"] < 340  # 300 / 600 expected of 9 in 18, deviation 12


def test_the_scope_is_what_the_answer_depends_on(site):
    server = make(site, sticky={"ipv4_prefix": 20, "ipv6_prefix": 48}).start()
    assert ask(server, "10.1.2.0")[1] == 20
    assert ask(server, "10.1.0.0", 16)[1] == 20, "finer than it was asked (RFC 7871 section 7.2.1)"
    assert ask(server, "2001:db8::", 56)[1] == 48
    assert {ask(server, f"10.1.{third}.0")[0][0] for third in range(16)} == {ask(server, "10.1.15.0")[0][0]}
    for n in range(1, 10):
        server.override("endpoint", f"w{n}", "down")
    assert ask(server, "10.1.2.0") == (["w0"], 0), "one is left: it is everybody's"


def test_the_scope_with_geography_is_the_finer_one(site):
    rules = [{"when": {"cidr": "10.9.9.0/28"}, "tiers": [["eu"]]}]
    server = make(site, geo=rules).start()
    assert ask(server, "10.9.9.0", 32)[1] == 28
    assert ask(server, "10.200.9.0")[1] == 24


def test_several_answers(site):
    server = make(site, answers=3).start()
    for client in CLIENTS[:30]:
        answers, _ = ask(server, client)
        assert len(set(answers)) == 3
        server.override("endpoint", answers[0], "down")
        assert set(answers[1:]) < set(ask(server, client)[0]), "the others stay"
        server.override("endpoint", answers[0], "auto")


def find_needless(before, after, lost):
    """Clients who were not on what was lost, and moved."""
    return [client for client in before if before[client] != after[client] and before[client] not in lost]


def lose_one_more(server, endpoint, how="down"):
    """What serves loses one: nobody else moves, and all come back with it."""
    before = map_clients(server)
    assert endpoint in before.values()
    server.override("endpoint", endpoint, how)
    after = map_clients(server)
    assert endpoint not in after.values()
    assert find_needless(before, after, {endpoint}) == []
    server.override("endpoint", endpoint, "auto" if how == "down" else "down")
    assert map_clients(server) == before
    return before, after


def test_spilling_moves_the_missing_share_only(site):
    server = make(site, count=10, tiers=[["us"], ["eu"]], spill_below="100%").start()
    before = map_clients(server)
    assert not {"w8", "w9"} & set(before.values())
    for n in range(4):
        server.override("endpoint", f"w{n}", "down")
        after = map_clients(server)
        moved = {client for client in CLIENTS if before[client] != after[client]}
        assert moved == {client for client in CLIENTS if before[client] == f"w{n}"}
        assert {after[client] for client in moved} == {"w8", "w9"}
        before = after
    assert 230 < sum(endpoint in ("w8", "w9") for endpoint in after.values()) < 370  # half of 600


def test_losing_one_of_standbys_that_serve(site):
    lose_one_more(make(site, count=8, weights={"*": 0}).start(), "w3")


def test_draining_one_while_the_fallback_answers(site):
    server = make(site, fallback="all").start()
    for n in range(10):
        server.override("endpoint", f"w{n}", "down")
    lose_one_more(server, "w3", "drain")


def test_light_endpoints_beside_a_heavy_one_that_is_out(site):
    server = make(site, count=4, weights={"w0": 1000}).start()
    lose_one_more(server, "w0")
    server.override("endpoint", "w0", "down")
    for endpoint in "w1", "w2", "w3":
        before, after = lose_one_more(server, endpoint)
        assert min(collections.Counter(before.values()).values()) > 150  # 200 expected, deviation 11.5
        assert min(collections.Counter(after.values()).values()) > 240


def test_a_few_of_many_are_left(site):
    server = make(site, count=40).start()
    for n in range(4, 40):
        server.override("endpoint", f"w{n}", "down")
    lose_one_more(server, "w2")


def test_a_hold_keeps_clients_where_they_went(site):
    server = make(site, sticky={"hold": "1h"}).start()
    before = map_clients(server, CLIENTS[:100])
    server.override("endpoint", "w3", "down")
    away = map_clients(server, CLIENTS[:100])
    server.override("endpoint", "w3", "auto")
    assert map_clients(server, CLIENTS[:100]) == away != before
    told = server.get("/v1/explain?name=www.example.com&client=10.0.1.0")
    held, = [member for member in told["members"] if member["held_until"] is not None]
    assert held["endpoint"] == "w3" and not held["chosen"] and held["effective"] == "unknown"
    assert any("w3 is excluded: it came back a moment ago" in step for step in told["steps"])
    assert server.reload().status == 200
    assert map_clients(server, CLIENTS[:100]) == away, "a reload does not end it"


def test_a_rolling_restart_moves_whom_it_stops(site):
    server = make(site, count=3, sticky={"hold": "1h"}).start()
    before = map_clients(server)
    for n in range(3):
        server.override("endpoint", f"w{n}", "down")
        after = map_clients(server)
        assert find_needless(before, after, {f"w{n}"}) == []
        assert len(set(after.values())) == 2, "both that are left share the clients"
        server.override("endpoint", f"w{n}", "auto")
        assert map_clients(server) == after
        assert server.reload().status == 200
        assert map_clients(server) == after
        before = after


def test_a_hold_counts_for_who_came_up_with_the_server(site):
    """All endpoints are down when the server starts and come up after it: an outage within the hold's length from then on is one like
    any other."""
    addresses = [kit.new_address() for _ in range(3)]
    make(site, count=3, sticky={"hold": "1h"})
    site.topology["checks"] = {"port": {"type": "tcp", "port": kit.WEB_PORT, "interval": "100ms", "timeout": "100ms", "fall": 1, "rise": 1}}
    for n, address in enumerate(addresses):
        site.topology["endpoints"][f"w{n}"].update(addresses=[address], checks=["port"])
    server = site.start()

    def wait_all(observed):
        for n in range(3):
            server.wait_state("endpoint", f"w{n}", observed=observed)

    def map_all():
        return {client: addresses.index(str(server.send(dns.message.make_query(
            "www.example.com", "A", use_edns=0, options=[dns.edns.ECSOption(client, 24)])).answer[0][0])) for client in CLIENTS[:60]}

    wait_all("unhealthy")
    webs = [site.web(address) for address in addresses]
    wait_all("healthy")
    before = map_all()
    assert set(before.values()) == {0, 1, 2}
    webs[1].kill()
    server.wait_state("endpoint", "w1", observed="unhealthy")
    away = map_all()
    assert 1 not in away.values() and find_needless(before, away, {1}) == []
    site.web(addresses[1])
    server.wait_state("endpoint", "w1", observed="healthy")
    assert map_all() == away, "it is back, and nobody goes back to it for an hour"


def test_a_short_hold_ends(site):
    server = make(site, sticky={"hold": "1s"}).start()
    before = map_clients(server, CLIENTS[:60])
    server.override("endpoint", "w3", "down")
    server.override("endpoint", "w3", "auto")
    server.wait(lambda: map_clients(server, CLIENTS[:60]) == before, "everybody is back")


def test_explain_names_the_endpoint_of_the_client(site):
    server = make(site).start()
    for client in CLIENTS[:10]:
        told = server.get(f"/v1/explain?name=www.example.com&client={client}")
        endpoint = ask(server, client)[0][0]
        assert told["pick"] == "sticky" and told["sticks"] == f"{client}/24" and told["scope"] == 24
        assert f"clients of {client}/24 stick to {endpoint}" in told["steps"]
        assert told["answers"][0].endswith(f"192.0.2.{100 + int(endpoint[1:])}")
        assert sum(member["odds"] for member in told["members"]) == pytest.approx(1)
    assert server.get("/v1/explain?name=www.example.com")["sticks"] is None


# ---- canaries ----

def test_a_canary_gets_its_share(site):
    server = make(site, pick="weighted", weights={"w9": "5%"}).start()
    odds = {member["endpoint"]: round(member["odds"], 6)
            for member in server.get("/v1/explain?name=www.example.com")["members"]}
    assert odds["w9"] == 0.05 and odds["w0"] == round(0.95 / 9, 6)
    for n in range(8):
        server.override("endpoint", f"w{n}", "down")
    odds = {member["endpoint"]: round(member["odds"], 6)
            for member in server.get("/v1/explain?name=www.example.com")["members"]}
    assert (odds["w8"], odds["w9"]) == (0.95, 0.05), "the share does not grow while others fail"
    seen = server.sample("www.example.com", 400)
    assert 340 < seen["192.0.2.108"] < 400
    server.override("endpoint", "w8", "down")
    assert set(server.sample("www.example.com", 20)) == {"192.0.2.109"}, "but better the canary than nobody"


def test_a_group_of_canaries(site):
    make(site, pick="weighted", weights={"new": "20%", "w0": 3})
    site.topology["groups"] = {"new": ["w8", "w9"]}
    server = site.start()
    odds = {member["endpoint"]: round(member["odds"], 6)
            for member in server.get("/v1/explain?name=www.example.com")["members"]}
    assert (odds["w8"], odds["w9"], odds["w0"], odds["w1"]) == (0.1, 0.1, 0.24, 0.08)


def test_sticky_needs_its_pick(site):
    make(site, pick="weighted", sticky={"hold": "1m"}).write()
    done = kit.run_steerd("-c", str(site.config), "--check")
    assert done.returncode == 1 and "has no meaning" in done.stderr and json.dumps("sticky") in done.stderr
