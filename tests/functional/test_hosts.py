# SPDX-License-Identifier: BSD-3-Clause
"""Endpoints that are host names: looked up at a nameserver of the test's own, followed, kept when it fails."""
import dns.rdatatype
import pytest

import kit
import nameserver
import transfers

HOST = "lb-1.example.net"


@pytest.fixture
def resolver():
    server = nameserver.Nameserver({})
    yield server
    server.close()


def make_site(site, resolver, endpoints, checks=None):
    """Endpoints by name, each in us-east-1a unless it says otherwise."""
    site.server["resolver"] = {"servers": [resolver.at]}
    site.topology = {"regions": {region: {"azs": {f"{region}-1a": {}}} for region in ("us-east", "eu-west")},
                     "checks": checks or {},
                     "endpoints": {name: {"az": "us-east-1a", **what} for name, what in endpoints.items()}}
    return site


def wait_host(server, endpoint, **expected):
    """Until fields of a family are as expected: wait_host(…, ipv4={"state": "good"}). Returns the host."""
    def look():
        host = server.get(f"/v1/endpoints/{endpoint}")["host"]
        good = all(host[family][key] == value for family, fields in expected.items() for key, value in fields.items())
        return host if good else None
    return server.wait(look, f"the host of {endpoint} is {expected}")


def test_the_api_shows_hosts(site, resolver):
    resolver.records[HOST] = {"A": ["192.0.2.2", "192.0.2.1"], "AAAA": ["2001:db8::1"]}
    make_site(site, resolver, {"lb": {"host": "LB-1.example.net."}, "plain": {"addresses": "192.0.2.9"}})
    server = site.zone("example.com", "").start()
    host = wait_host(server, "lb", ipv4={"state": "good"}, ipv6={"state": "good"})
    assert host["name"] == HOST and host["state"] == "good" and host["leads_back_to"] is None
    assert host["ipv4"]["addresses"] == ["192.0.2.1", "192.0.2.2"]
    assert host["ipv4"]["answered"] < host["ipv4"]["fresh_until"]
    endpoint = server.get("/v1/endpoints/lb")
    assert endpoint["addresses"] == ["192.0.2.1", "192.0.2.2", "2001:db8::1"]
    assert endpoint["observed"] == "unknown" and endpoint["checks"] == []
    assert server.get("/v1/endpoints/plain")["host"] is None


def test_steerctl_shows_hosts(site, resolver):
    resolver.records[HOST] = {"A": ["192.0.2.1"]}
    server = make_site(site, resolver, {"lb": {"host": HOST}}).zone("example.com", "").start()
    wait_host(server, "lb", ipv4={"state": "good"}, ipv6={"state": "good"})
    lines = [line.split(None, 1) for line in server.ctl("endpoints", "lb").stdout.splitlines()]
    shown = {line[0]: line[1] for line in lines if len(line) == 2}
    assert shown["host"] == HOST and shown["addresses"] == "192.0.2.1"
    assert shown["ipv4"].startswith("good, 1 address, answered ") and shown["ipv6"].startswith("good, 0 addresses")


def test_last_good_addresses_are_kept_also_by_a_reload(site, resolver):
    resolver.records[HOST] = {"A": ["192.0.2.1"]}
    server = make_site(site, resolver, {"lb": {"host": HOST}}).zone("example.com", "").start()
    wait_host(server, "lb", ipv4={"state": "good"})
    resolver.mood = "NXDOMAIN"
    host = wait_host(server, "lb", ipv4={"state": "failing", "addresses": ["192.0.2.1"]})
    assert host["state"] == "failing" and host["ipv4"]["error"]
    server.wait_log("host name=lb-1.example.net", "family=ipv4", "state=failing", "kept=192.0.2.1")
    assert server.reload().status == 200
    host = wait_host(server, "lb", ipv4={"state": "failing", "addresses": ["192.0.2.1"]})
    resolver.records[HOST] = {"A": ["192.0.2.7"]}
    resolver.mood = "ok"
    wait_host(server, "lb", ipv4={"state": "good", "addresses": ["192.0.2.7"], "error": None})


def test_other_servers_are_asked_after_a_reload(site, resolver):
    resolver.mood = "silent"
    server = make_site(site, resolver, {"lb": {"host": HOST}}).zone("example.com", "").start()
    server.wait(lambda: resolver.asked[HOST, "A"], "the first server is asked")
    assert wait_host(server, "lb", ipv4={"state": "pending"})["ipv4"]["answered"] is None
    other = nameserver.Nameserver({HOST: {"A": ["192.0.2.1"]}})
    try:
        site.server["resolver"] = {"servers": [other.at]}
        site.write()
        assert server.reload().status == 200
        wait_host(server, "lb", ipv4={"state": "good", "addresses": ["192.0.2.1"]})
    finally:
        other.close()


CHECKS = {"web": {"type": "http", "port": kit.WEB_PORT, "path": "/healthz", "interval": "100ms", "timeout": "100ms",
                  "fall": 2, "rise": 1}}


def test_checks_go_to_all_addresses_in_turn_and_follow(site, resolver):
    first, second, third = kit.new_address(), kit.new_address(), kit.new_address()
    web, other = site.web(first, second), site.web(third)
    resolver.records[HOST] = {"A": [first, second]}
    make_site(site, resolver, {"lb": {"host": HOST, "checks": ["web"]}}, CHECKS)
    server = site.zone("example.com", "").start()
    server.wait_state("endpoint", "lb", observed="healthy", last_outcome="ok")
    server.wait(lambda: web.requests(first) and web.requests(second), "both are checked")
    assert f"Host: {HOST}:{kit.WEB_PORT}\\r\\n" in str(web.requests(first))
    check, = server.get("/v1/endpoints/lb")["checks"]
    assert (check["address"], check["family"]) == (f"{HOST}:{kit.WEB_PORT}", "ipv4")
    web.kill()
    server.wait_state("endpoint", "lb", observed="unhealthy", last_outcome="refused")
    resolver.records[HOST] = {"A": [third]}
    server.wait_state("endpoint", "lb", observed="healthy")
    assert other.requests(third)


def test_a_live_drill_follows(site, resolver):
    """All clients of a live drill: who is sent to a host name is sent where that leads now."""
    us, first, second = kit.new_address(), kit.new_address(), kit.new_address()
    site.web(us), site.web(first), site.web(second)
    resolver.records[HOST] = {"A": [first]}
    make_site(site, resolver, {"web": {"addresses": us, "checks": ["web"]}, "lb": {"az": "eu-west-1a", "host": HOST, "checks": ["web"]}}, CHECKS)
    site.policy("example.com", {"@": {"endpoints": ["web", "lb"], "tiers": [["us-east"], ["eu-west"]]}})
    server = site.zone("example.com", "").start()
    for name in "web", "lb":
        server.wait_state("endpoint", name, observed="healthy", last_outcome="ok")
    reply = server.request("POST", "/v1/drills", {"mode": "live", "lose": ["region:us-east"], "reason": "x", "failure": "refused", "confirm": "us-east"})
    assert reply.status == 201, reply
    for address in first, second:
        resolver.records[HOST] = {"A": [address]}
        server.wait(lambda: server.addresses("example.com") == [address], f"clients are sent to {address}")
    assert server.get("/v1/drills")["items"][0]["state"] == "running"


def test_one_dead_address_of_two_does_not_take_the_endpoint_down(site, resolver):
    first, second = kit.new_address(), kit.new_address()
    web = site.web(first, second)
    web.behave("close", first)
    resolver.records[HOST] = {"A": [first, second]}
    make_site(site, resolver, {"lb": {"host": HOST, "checks": ["web"]}}, CHECKS)
    server = site.zone("example.com", "").start()
    server.wait_state("endpoint", "lb", observed="healthy")
    seen = {server.get("/v1/endpoints/lb")["observed"] for _ in range(20)
            if server.wait(lambda: len(web.requests(first)) > 2, "the dead one is checked as well")}
    assert seen == {"healthy"}


def test_a_name_that_leads_nowhere_is_unhealthy(site, resolver):
    make_site(site, resolver, {"lb": {"host": HOST, "checks": ["web"]}}, CHECKS)
    server = site.zone("example.com", "").start()
    endpoint = server.wait_state("endpoint", "lb", observed="unhealthy", last_outcome="unresolved")
    assert endpoint["addresses"] == [] and endpoint["host"]["state"] == "failing"
    address = kit.new_address()
    site.web(address)
    resolver.records[HOST] = {"A": [address]}
    server.wait_state("endpoint", "lb", observed="healthy", last_outcome="ok")


def test_metrics(site, resolver):
    resolver.records[HOST] = {"A": ["192.0.2.1"]}
    server = make_site(site, resolver, {"lb": {"host": HOST}}).zone("example.com", "").start()
    wait_host(server, "lb", ipv4={"state": "good"}, ipv6={"state": "good"})
    text = server.request("GET", "/metrics").body.decode()
    for family, count in ("ipv4", 1), ("ipv6", 0):
        assert f'steerd_host_addresses{{host="{HOST}",family="{family}"}} {count}' in text
        for state in "pending", "good", "failing":
            assert f'steerd_host_state{{host="{HOST}",family="{family}",state="{state}"}} {int(state == "good")}' in text
    assert 'steerd_resolutions_total{result="answered"} 2' in text


# ---- answers ----

def rdata(reply, rtype):
    return sorted(item.to_text() for rrset in reply.answer if rrset.rdtype == dns.rdatatype.from_text(rtype)
                  for item in rrset)


def ttl(reply, rtype):
    ttls = {rrset.ttl for rrset in reply.answer if rrset.rdtype == dns.rdatatype.from_text(rtype)}
    assert len(ttls) == 1
    return ttls.pop()


def test_a_cname_where_one_is_allowed(site, resolver):
    """At once: nothing has to be resolved for it."""
    resolver.mood = "silent"
    make_site(site, resolver, {"lb": {"host": HOST}})
    site.zone("example.com", "").policy("example.com", {"www": {"endpoints": ["lb"], "ttl": 20}})
    server = site.start()
    for rtype in ("A", "AAAA", "CNAME", "MX", "HTTPS"):
        reply = server.ask("www.example.com", rtype)
        assert rdata(reply, "CNAME") == [HOST + "."] and len(reply.answer) == 1 and ttl(reply, "CNAME") == 20, reply
        assert not reply.authority


def test_addresses_at_the_apex(site, resolver):
    resolver.ttl = 3000
    resolver.records[HOST] = {"A": ["192.0.2.1", "192.0.2.2"], "AAAA": ["2001:db8::1"]}
    make_site(site, resolver, {"lb": {"host": HOST}})
    site.zone("example.com", "").policy("example.com", {"@": {"endpoints": ["lb"], "ttl": 20}})
    server = site.start()
    server.wait(lambda: server.addresses("example.com") == ["192.0.2.1", "192.0.2.2"], "both addresses are answered")
    server.wait(lambda: server.addresses("example.com", "AAAA") == ["2001:db8::1"], "the IPv6 address is answered")
    assert ttl(server.ask("example.com"), "A") == 20
    assert not server.ask("example.com", "CNAME").answer
    assert rdata(server.ask("example.com", "NS"), "NS")
    firsts = {server.ask("example.com").answer[0][0].to_text() for _ in range(60)}
    assert firsts == {"192.0.2.1", "192.0.2.2"}, "clients take the first: it has to differ"


def test_the_ttl_is_what_is_left_of_the_hosts(site, resolver):
    resolver.records[HOST] = {"A": ["192.0.2.1"]}
    resolver.ttl = 100
    make_site(site, resolver, {"lb": {"host": HOST}})
    site.zone("example.com", "").policy("example.com", {"@": {"endpoints": ["lb"], "ttl": 3600}})
    server = site.start()
    server.wait(lambda: server.addresses("example.com"), "resolved")
    assert 5 <= ttl(server.ask("example.com"), "A") <= 100


def test_a_change_flips_the_answers_without_a_reload(site, resolver):
    resolver.records[HOST] = {"A": ["192.0.2.1"]}
    make_site(site, resolver, {"lb": {"host": HOST}})
    site.zone("example.com", "").policy("example.com", {"@": {"endpoints": ["lb"], "fallback": "nodata"}})
    server = site.start()
    server.wait_answers("example.com", ["192.0.2.1"])
    resolver.records[HOST] = {"A": ["192.0.2.7", "192.0.2.8"]}
    server.wait(lambda: server.addresses("example.com") == ["192.0.2.7", "192.0.2.8"], "the new addresses are answered")
    resolver.records[HOST] = {"AAAA": ["2001:db8::1"]}
    server.wait(lambda: server.addresses("example.com", "AAAA") == ["2001:db8::1"], "the other family is answered")
    server.wait(lambda: server.addresses("example.com") == [], "no address of the type any more")


def test_a_dead_endpoint_stays_dead_when_its_name_moves_to_the_other_family(site, resolver):
    """New addresses of either family are those of the endpoint that is known: it does not lose its region's verdict by DNS."""
    resolver.records[HOST] = {"A": [kit.new_address()]}
    check = {"type": "http", "port": kit.WEB_PORT, "interval": "100ms", "timeout": "90ms", "fall": 2}
    eu = kit.new_address()
    make_site(site, resolver, {"lb": {"host": HOST, "checks": ["web"]}, "eu": {"addresses": eu, "az": "eu-west-1a", "checks": ["web"]}},
              {"web": check})
    site.web(eu)
    site.zone("example.com", "").policy("example.com", {"@": {"endpoints": ["*"], "tiers": [["us-east"], ["eu-west"]], "ttl": 5}})
    server = site.start()
    server.wait_state("region", "us-east", observed="unhealthy")
    server.wait_state("endpoint", "eu", observed="healthy")
    assert server.get("/v1/endpoints/lb")["families"] == {"ipv4": "unhealthy", "ipv6": None}, "there is none that could be dead"
    check.update(interval="1h", fall=9)  # nothing more is found out
    site.write()
    assert server.reload().status == 200
    resolver.records[HOST] = {"AAAA": ["::1"]}
    wait_host(server, "lb", ipv6={"addresses": ["::1"]}, ipv4={"addresses": []})
    endpoint = server.get("/v1/endpoints/lb")
    assert endpoint["observed"] == "unhealthy" and endpoint["families"] == {"ipv4": None, "ipv6": "unhealthy"}
    assert server.get("/v1/regions/us-east")["observed"] == "unhealthy"
    assert server.addresses("example.com") == [eu] and server.addresses("example.com", "AAAA") == []


@pytest.mark.parametrize("mood", ["silent", "SERVFAIL", "NXDOMAIN", "REFUSED"])
def test_last_good_addresses_are_answered_when_resolving_fails(site, resolver, mood):
    resolver.records[HOST] = {"A": ["192.0.2.1"]}
    make_site(site, resolver, {"lb": {"host": HOST}})
    site.zone("example.com", "").policy("example.com", {"@": {"endpoints": ["lb"], "ttl": 600}})
    server = site.start()
    server.wait_answers("example.com", ["192.0.2.1"])
    resolver.mood = mood
    wait_host(server, "lb", ipv4={"state": "failing"})
    reply = server.ask("example.com")
    assert rdata(reply, "A") == ["192.0.2.1"] and ttl(reply, "A") == 30  # RFC 8767
    assert server.reload().status == 200
    assert server.addresses("example.com") == ["192.0.2.1"]


def test_who_was_never_resolved_is_left_out(site, resolver):
    resolver.mood = "silent"
    make_site(site, resolver, {"lb": {"host": HOST}, "own": {"addresses": "192.0.2.9"}})
    site.zone("example.com", "").policy("example.com", {"@": {"endpoints": ["lb", "own"], "tiers": [["lb"], ["own"]]}})
    server = site.start()
    assert server.addresses("example.com") == ["192.0.2.9"]
    resolver.records[HOST] = {"A": ["192.0.2.1"]}
    resolver.mood = "ok"
    server.wait_answers("example.com", ["192.0.2.1"])


def test_who_is_picked_decides_between_cname_and_address(site, resolver):
    resolver.records[HOST] = {"A": ["192.0.2.1"]}
    make_site(site, resolver, {"lb": {"host": HOST}, "own": {"addresses": ["192.0.2.9", "2001:db8::9"]}})
    site.zone("example.com", "").policy("example.com", {"www": {"endpoints": ["lb", "own"]}})
    server = site.start()
    for rtype, address in (("A", "192.0.2.9"), ("AAAA", "2001:db8::9")):
        replies = [server.ask("www.example.com", rtype) for _ in range(60)]
        seen = {tuple(item.to_text() for rrset in reply.answer for item in rrset) for reply in replies}
        assert seen == {(HOST + ".",), (address,)}
    server.override("endpoint", "lb", "drain")
    server.wait_answers("www.example.com", ["192.0.2.9"])
    reply = server.ask("www.example.com", "MX")
    assert not reply.answer and reply.authority
    server.override("endpoint", "lb", "auto")
    server.override("endpoint", "own", "down")
    server.wait(lambda: rdata(server.ask("www.example.com", "MX"), "CNAME") == [HOST + "."], "the host is picked")


def test_several_members_at_the_apex_are_one_set(site, resolver):
    resolver.records[HOST] = {"A": ["192.0.2.1", "192.0.2.2"]}
    resolver.records["lb-2.example.net"] = {"A": ["192.0.2.2", "192.0.2.3"]}
    make_site(site, resolver, {"lb": {"host": HOST}, "lb2": {"host": "lb-2.example.net"}, "own": {"addresses": "192.0.2.9"}})
    site.zone("example.com", "").policy("example.com", {"@": {"endpoints": ["*"], "pick": "all"}})
    server = site.start()
    server.wait(lambda: server.addresses("example.com") == ["192.0.2.1", "192.0.2.2", "192.0.2.3", "192.0.2.9"],
                "each address once")


def test_host_answer(site, resolver):
    resolver.records[HOST] = {"A": ["192.0.2.1"]}
    make_site(site, resolver, {"lb": {"host": HOST}})
    site.zone("example.com", "mail 60 IN MX 10 mx\nmx 60 IN A 192.0.2.25\n")
    site.policy("example.com", {"www": {"endpoints": ["lb"], "host_answer": "addresses"}, "mail": {"endpoints": ["lb"]}})
    server = site.start()
    server.wait_answers("www.example.com", ["192.0.2.1"])
    server.wait_answers("mail.example.com", ["192.0.2.1"])
    assert rdata(server.ask("mail.example.com", "MX"), "MX") == ["10 mx.example.com."]


def test_a_cname_that_must_be_and_cannot_is_an_error(site, resolver):
    make_site(site, resolver, {"lb": {"host": HOST}})
    site.zone("example.com", "mail 60 IN MX 10 mx\nmx 60 IN A 192.0.2.25\n")
    site.policy("example.com", {"mail": {"endpoints": ["lb"], "host_answer": "cname"}}).write()
    done = kit.run_steerd("-c", str(site.config), "--check")
    assert done.returncode == 1
    assert 'found "host_answer": "cname" where the zone file has a record of type MX' in done.stderr


def test_a_host_of_our_own_is_followed(site, resolver):
    """The CNAME leads to a zone of this server: its answer comes along."""
    make_site(site, resolver, {"lb": {"host": "lb.example.net"}})
    site.zone("example.com", "").zone("example.net", "lb 60 IN A 192.0.2.1\n")
    server = site.policy("example.com", {"www": {"endpoints": ["lb"]}}).start()
    reply = server.ask("www.example.com")
    assert rdata(reply, "CNAME") == ["lb.example.net."] and rdata(reply, "A") == ["192.0.2.1"]


def test_the_static_last_resort_stands_beside(site, resolver):
    make_site(site, resolver, {"lb": {"host": HOST}})
    site.zone("example.com", "www 60 IN A 192.0.2.99\n")
    server = site.policy("example.com", {"www": {"endpoints": ["lb"], "fallback": "static"}}).start()
    assert rdata(server.ask("www.example.com"), "CNAME") == [HOST + "."]
    server.override("endpoint", "lb", "down")
    server.wait_answers("www.example.com", ["192.0.2.99"])


# ---- copies ----

def test_rendered_copies_hold_a_cname_or_addresses(site, resolver):
    resolver.records[HOST] = {"A": ["192.0.2.1", "192.0.2.2"]}
    make_site(site, resolver, {"lb": {"host": HOST}, "own": {"addresses": "192.0.2.9"}})
    site.zone("example.com", "").policy("example.com", {
        "@": {"endpoints": ["lb"], "fallback": "nodata"}, "www": {"endpoints": ["lb"], "fallback": "nodata"},
        "mixed": {"endpoints": ["*"], "fallback": "nodata"}})
    site.server["zone_options"] = {"*": {"transfer_to": ["0.0.0.0/0"], "transfer_steered": "rendered"}}
    server = site.start()

    def copied():
        wanted = {dns.rdatatype.A, dns.rdatatype.CNAME}
        records, _ = transfers.fetch(server)
        return {(owner.to_text(), rdata.to_text()) for owner, _, rdata in records if rdata.rdtype in wanted}

    always = {("ns1.example.com.", "192.0.2.53"), ("www.example.com.", HOST + ".")}
    expected = always | {("example.com.", "192.0.2.1"), ("example.com.", "192.0.2.2"), ("mixed.example.com.", "192.0.2.9")}
    server.wait(lambda: copied() == expected, "the copy holds what is answered")
    serial = transfers.serial_of(server)
    resolver.records[HOST] = {"A": ["192.0.2.7"]}
    server.override("endpoint", "own", "drain")
    expected = always | {("example.com.", "192.0.2.7"), ("mixed.example.com.", HOST + ".")}
    server.wait(lambda: copied() == expected, "the copy follows")
    assert transfers.serial_of(server) > serial


# ---- what leads nowhere ----

def test_loops_are_warned_of_and_harmless(site, resolver):
    """The apex is answered with the addresses of www, which is an alias of the apex."""
    make_site(site, resolver, {"loop": {"host": "www.example.com"}, "far": {"host": "a.example.com"},
                               "own": {"addresses": "192.0.2.9"}, "lb": {"host": HOST}})
    resolver.records[HOST] = {"A": ["192.0.2.1"]}
    resolver.records["a.example.com"] = resolver.records["www.example.com"] = {"A": ["192.0.2.66"]}
    site.zone("example.com", "www 60 IN CNAME @\na 60 IN CNAME b\n")
    site.policy("example.com", {"@": {"endpoints": ["loop", "own"], "pick": "all"}, "b": {"endpoints": ["far"]},
                                "good": {"endpoints": ["lb"]}}).write()
    done = kit.run_steerd("-c", str(site.config), "--check")
    assert done.returncode == 0
    for host, name in (("www.example.com", "example.com."), ("a.example.com", "b.example.com.")):
        assert f"the host {host} of endpoint" in done.stderr and f"by way of the steered name {name}" in done.stderr
    assert HOST not in done.stderr
    server = site.start()
    assert server.get("/v1/endpoints/loop")["host"]["leads_back_to"] == "example.com."
    wait_host(server, "lb", ipv4={"state": "good"})
    assert server.addresses("example.com") == ["192.0.2.9"]
    assert not resolver.asked["www.example.com", "A"]
    assert "A" not in [rrset.rdtype for rrset in server.ask("b.example.com").answer]


def test_a_zone_that_is_read_alone_can_make_and_end_loops(site, resolver):
    """By a CNAME of a zone without policies, and by the members of a policy."""
    make_site(site, resolver, {"far": {"host": "a.example.net"}, "near": {"host": "www.example.com"},
                               "own": {"addresses": "192.0.2.9"}})
    resolver.records["a.example.net"] = resolver.records["www.example.com"] = {"A": ["192.0.2.66"]}
    site.zone("example.net", "a 60 IN A 192.0.2.66\n")
    site.zone("example.com", "").policy("example.com", {"@": {"endpoints": ["far", "own"]}, "www": {"endpoints": ["own"]}})
    server = site.start()
    generation = 1

    def reload(origin, everything, **loops):
        nonlocal generation
        site.write()
        server.ctl("reload", origin)
        for endpoint in "far", "near":
            assert server.get(f"/v1/endpoints/{endpoint}")["host"]["leads_back_to"] == loops.get(endpoint)
        generation += everything
        assert server.get("/v1/status")["generation"] == generation

    site.zone("example.net", "a 60 IN CNAME example.com.\n")
    reload("example.net", True, far="example.com.")
    server.wait_log("reload goes on with everything zone=example.net.")
    site.zone("example.net", "a 60 IN CNAME example.com.\nb 60 IN A 192.0.2.1\n")
    reload("example.net", False, far="example.com.")
    site.policy("example.com", {"@": {"endpoints": ["far", "own"]}, "www": {"endpoints": ["near", "own"], "pick": "all"}})
    reload("example.com", True, far="example.com.", near="www.example.com.")
    assert server.addresses("www.example.com") == ["192.0.2.9"]
    site.zone("example.net", "a 60 IN A 192.0.2.66\n")
    reload("example.net", True, near="www.example.com.")
    wait_host(server, "far", ipv4={"state": "good"})


def test_explain_tells_of_hosts(site, resolver):
    resolver.records[HOST] = {"A": ["192.0.2.1"]}
    make_site(site, resolver, {"lb": {"host": HOST}, "gone": {"host": "gone.example.net"}})
    site.zone("example.com", "").policy("example.com", {"@": {"endpoints": ["*"]}, "www": {"endpoints": ["lb"]}})
    server = site.start()
    wait_host(server, "lb", ipv4={"state": "good"})
    wait_host(server, "gone", ipv4={"state": "failing"})
    explained = server.get("/v1/explain?name=example.com&type=A")
    story = "\n".join(explained["steps"])
    assert f"lb is the host name {HOST}; IPv4: 192.0.2.1, answered" in story
    assert "gone is the host name gone.example.net; IPv4: no address, now failing: " in story
    members = {member["endpoint"]: member for member in explained["members"]}
    assert members["lb"]["address"] == "192.0.2.1" and members["lb"]["odds"] == 1
    assert members["gone"]["address"] is None and members["gone"]["odds"] == 0
    story = "\n".join(server.get("/v1/explain?name=www.example.com&type=A")["steps"])
    assert f"lb is the host name {HOST}, answered as a CNAME" in story


def test_drills_know_what_names_resolve_to(site, resolver):
    first = kit.new_address()
    site.web(first)
    resolver.records[HOST] = {"A": [first]}
    make_site(site, resolver, {"lb": {"host": HOST, "checks": ["web"]},
                               "own": {"addresses": "192.0.2.9", "az": "eu-west-1a"}}, CHECKS)
    site.zone("example.com", "").policy("example.com", {"@": {"endpoints": ["*"], "tiers": [["lb"], ["own"]]}})
    server = site.start()
    server.wait_answers("example.com", [first])
    server.wait_state("endpoint", "lb", observed="healthy")
    report = server.ctl_json("drill", "simulate", "--lose", "endpoint:lb")
    answer, = (answer for answer in report["answers"] if answer["type"] == "A")
    assert (answer["before"], answer["after"], answer["decided_ms"]) == ("tier lb", "tier own", 300)


def test_what_if_knows_what_hosts_resolve_to(site, resolver):
    """The next region's host has no addresses: at the apex the one behind it stands in, elsewhere its CNAME does."""
    resolver.records[HOST] = {"A": ["192.0.2.1"]}
    make_site(site, resolver, {"lb": {"host": HOST}, "void": {"az": "eu-west-1a", "host": "gone.example.net"},
                               "plain": {"az": "eu-west-1a", "addresses": "192.0.2.9"}})
    tiers = {"endpoints": ["*"], "tiers": [["us-east"], ["void"], ["plain"]]}
    server = site.zone("example.com", "").policy("example.com", {"@": tiers, "app": tiers}).start()
    wait_host(server, "lb", ipv4={"state": "good"})
    wait_host(server, "void", ipv4={"state": "failing"})
    assume = "region:us-east=down"
    said = {name: server.get(f"/v1/explain?name={name}&assume={assume}")
            for name in ("example.com", "app.example.com")}
    report = server.request("POST", "/v1/what-if", {"assume": [assume]}).json
    rows = {row["names"][0]: row for row in report["items"] if "A" in row["types"]}
    assert rows["example.com."]["before"]["answer"] == rows["app.example.com."]["before"]["answer"] == "tier us-east"
    assert rows["example.com."]["after"]["answer"] == "tier plain"
    assert rows["app.example.com."]["after"]["answer"] == "tier void"
    assert server.addresses("example.com") == ["192.0.2.1"]  # asking changed nothing
    server.override("region", "us-east", "down")
    for name, told in said.items():
        assert [rrset.to_text() for rrset in server.ask(name).answer] == told["answers"]
    assert server.addresses("example.com") == ["192.0.2.9"]
