# SPDX-License-Identifier: BSD-3-Clause
"""Two servers of one anycast address are one to their clients: what has to be the same in their configuration is that, and cookies
and sticky choices are good at both."""
import contextlib

import dns.edns
import dns.message
import dns.query
import dns.rcode
import pytest

import kit

SECRET, OTHER = "e5e973e5a6b2a43f48e7dc849e37bfcf", "445536bcd2513298075a5d379663c962"
CLIENTS = [f"127.9.{i}.{j}" for i in range(8) for j in (3, 77, 200)]


@pytest.fixture
def pair_of():
    """Two servers of the same zone and endpoints, each with the settings that it is given."""
    with contextlib.ExitStack() as stack:
        def make(*settings):
            at = {f"e{i}": kit.new_address() for i in range(8)}
            servers = []
            for number, own in enumerate(settings):
                site = stack.enter_context(kit.new_site())
                site.server.update({"identity": f"ns{number + 1}", **own})
                site.topology = {"regions": {"r": {"azs": {"a": {}}}}, "checks": {"pushed": {"type": "push", "ttl": "10m"}},
                                 "endpoints": {name: {"az": "a", "addresses": [address], "checks": ["pushed"]} for name, address in at.items()}}
                site.zone("example.com", "host 60 IN A 192.0.2.1\n")
                site.policy("example.com", {"www": {"endpoints": ["*"], "pick": "sticky", "ttl": 5}})
                servers.append(site.start())
            return servers
        yield make


def ask(server, client, name="host.example.com", cookie=None):
    options = [] if cookie is None else [dns.edns.GenericOption(10, cookie)]
    address, port = server.site.listen[0]
    return dns.query.udp(dns.message.make_query(name, "A", use_edns=0, options=options), address, port=port, source=client, timeout=kit.PATIENCE_S)


def cookie_in(reply):
    return next(bytes(option.data) for option in reply.options if option.otype == 10)


def test_a_cookie_of_one_is_good_at_the_other(pair_of):
    """Also while the secret is exchanged on one after the other, in the three steps that doc/cluster.md has."""
    one, other = pair_of(*[{"cookies": {"secrets": [SECRET], "require": "always"}}] * 2)
    for first, second in ((one, other), (other, one)):
        reply = ask(first, "127.1.2.3", cookie=b"12345678")
        assert reply.rcode() == dns.rcode.BADCOOKIE
        cookie = cookie_in(reply)
        assert ask(second, "127.1.2.3", cookie=cookie).rcode() == dns.rcode.NOERROR
        assert cookie_in(ask(second, "127.1.2.3", cookie=cookie)) == cookie, "nobody would tell them apart"
        assert ask(second, "127.1.2.4", cookie=cookie).rcode() == dns.rcode.BADCOOKIE, "it is that client's"
    for secrets in ([SECRET, OTHER], [OTHER, SECRET], [OTHER]):
        for server in (one, other):
            server.site.server["cookies"]["secrets"] = secrets
            server.site.write()
            assert server.reload().status == 200
            for first, second in ((one, other), (other, one)):
                cookie = cookie_in(ask(first, "127.1.2.3", cookie=b"12345678"))
                assert ask(second, "127.1.2.3", cookie=cookie).rcode() == dns.rcode.NOERROR, (secrets, "amid the exchange")


def test_without_a_secret_each_has_its_own(pair_of):
    """What doc/cluster.md warns of."""
    one, other = pair_of(*[{"cookies": {"require": "always"}}] * 2)
    cookie = cookie_in(ask(one, "127.1.2.3", cookie=b"12345678"))
    assert ask(other, "127.1.2.3", cookie=cookie).rcode() == dns.rcode.BADCOOKIE


def test_a_sticky_client_is_sent_to_the_same_place_by_both(pair_of):
    one, other = pair_of({}, {})

    def choices(server):
        return [sorted(rdata.to_text() for rdata in ask(server, client, "www.example.com").answer[0]) for client in CLIENTS]
    assert choices(one) == choices(other) and len({str(choice) for choice in choices(one)}) > 3
    before = choices(one)
    for server in (one, other):
        server.override("endpoint", "e3", "down")
    assert choices(one) == choices(other) and choices(one) != before
    other.stop()
    other.start()
    assert choices(one) == choices(other), "it is no matter of the process"
    for server in (one, other):
        server.override("endpoint", "e3", "auto")
    assert choices(one) == choices(other) == before
