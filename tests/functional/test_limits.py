# SPDX-License-Identifier: BSD-3-Clause
"""What keeps abuse of UDP within bounds: response rates, cookies that are demanded, the bound on amplification, access
lists of listen addresses and zones. Counts are exact or bounded by the time that the test itself took."""
import contextlib
import json
import re
import socket
import time

import dns.edns
import dns.flags
import dns.message
import dns.rcode
import pytest

import kit

ZONE = ("host 60 IN A 192.0.2.1\nother 60 IN A 192.0.2.2\nalias 60 IN CNAME www.example.net.\n"
        + "big 60 IN TXT " + " ".join('"%s"' % ("x" * 200) for _ in range(4)) + "\n")
TRUNCATED, BADCOOKIE = "truncated", "badcookie"


@contextlib.contextmanager
def client(server, address):
    """A UDP socket of this address that talks to the server."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 22)
        sock.bind((address, 0))
        sock.connect(server.site.listen[0])
        sock.settimeout(kit.PATIENCE_S)
        yield sock


def describe(wire):
    if wire[2] & 2:
        return TRUNCATED
    message = dns.message.from_wire(wire)
    return BADCOOKIE if message.rcode() == 23 else dns.rcode.to_text(message.rcode())


def ask_from(server, address, name="host.example.com", **options):
    """What one query from this address gets."""
    with client(server, address) as sock:
        sock.send(dns.message.make_query(name, "A", **options).to_wire())
        return describe(sock.recv(65535))


def flood(server, address, exempt, name="host.example.com", count=600):
    """Send so many queries; returns what came back, by kind, and how long it took. An answer to somebody exempt that
    asked behind them says that all were dealt with: there is one UDP thread."""
    kinds, begin = {}, time.monotonic()
    with client(server, address) as sock:
        for number in range(count):
            sock.send(dns.message.make_query(name, "A", id=number).to_wire())
            if number % 50 == 49:
                assert ask_from(server, exempt) == "NOERROR"
        sock.setblocking(False)
        with contextlib.suppress(BlockingIOError):
            while True:
                kind = describe(sock.recv(65535))
                kinds[kind] = kinds.get(kind, 0) + 1
    return kinds, time.monotonic() - begin


def metric(server, name):
    found = re.search(rf"^{re.escape(name)} (\d+)$", server.request("GET", "/metrics").body.decode(), re.M)
    return int(found[1])


EXEMPT = "127.1.9.9"


@pytest.fixture
def limited(site):
    site.zone("example.com", ZONE).zone("example.net", "www 60 IN A 192.0.2.80\n")
    site.server["rrl"] = {"rate": 5, "exempt": [EXEMPT]}
    return site


def test_a_flood_is_bounded_and_others_are_not_hurt(limited):
    server = limited.start()
    kinds, took = flood(server, "127.1.2.3", EXEMPT)
    full, slipped = kinds.get("NOERROR", 0), kinds.get(TRUNCATED, 0)
    assert 5 <= full <= 5 + 5 * took + 1
    assert abs(slipped - (600 - full) / 2) <= 1 + took
    assert metric(server, 'steerd_rrl_limited_total{kind="positive"}') == 600 - full
    assert metric(server, "steerd_rrl_slipped_total") == slipped
    assert metric(server, "steerd_rrl_dropped_total") == 600 - full - slipped
    assert ask_from(server, "127.1.3.3") == "NOERROR"                              # another prefix
    assert ask_from(server, "127.1.2.4", "other.example.com") == "NOERROR"         # another answer
    query = dns.message.make_query("host.example.com", "A")
    assert dns.query.tcp(query, limited.listen[0][0], port=limited.listen[0][1], source="127.1.2.3").answer
    # whatever names it makes up: the same zone
    kinds, took = {}, 0
    with client(server, "127.1.2.3") as sock:
        begin = time.monotonic()
        for number in range(100):
            sock.send(dns.message.make_query(f"n{number}.example.com", "A").to_wire())
        assert ask_from(server, EXEMPT) == "NOERROR"
        took = time.monotonic() - begin
        sock.setblocking(False)
        with contextlib.suppress(BlockingIOError):
            while True:
                kind = describe(sock.recv(65535))
                kinds[kind] = kinds.get(kind, 0) + 1
    assert kinds["NXDOMAIN"] <= 5 + 5 * took + 1
    line = server.wait_log("rrl limited=", "most=127.1.2.0/24:")
    assert "log_only=false" in line


def test_no_slip_all_slip_and_only_logging(limited):
    limited.server["rrl"]["slip"] = 0
    server = limited.start()
    kinds, took = flood(server, "127.1.2.3", EXEMPT, count=200)
    assert set(kinds) == {"NOERROR"} and kinds["NOERROR"] <= 5 + 5 * took + 1
    limited.server["rrl"]["slip"] = 1
    limited.write()
    assert server.reload().status == 200
    kinds, took = flood(server, "127.1.2.3", EXEMPT, count=200)
    assert kinds.get("NOERROR", 0) + kinds[TRUNCATED] == 200
    limited.server["rrl"]["log_only"] = True
    limited.write()
    assert server.reload().status == 200
    before = metric(server, 'steerd_rrl_limited_total{kind="positive"}')
    assert flood(server, "127.1.2.3", EXEMPT, count=200)[0] == {"NOERROR": 200}
    assert metric(server, 'steerd_rrl_limited_total{kind="positive"}') > before
    del limited.server["rrl"]
    limited.write()
    assert server.reload().status == 200
    assert flood(server, "127.1.2.3", EXEMPT, count=200)[0] == {"NOERROR": 200}


def test_rates_are_those_of_the_server_not_of_a_thread(limited):
    """Several threads, several sockets (the kernel deals them out by port), one prefix."""
    limited.server["threads"] = 4
    limited.server["rrl"] = {"rate": 10, "slip": 0}
    server = limited.start()
    with contextlib.ExitStack() as stack:
        socks = [stack.enter_context(client(server, f"127.1.2.{1 + i}")) for i in range(40)]
        begin = time.monotonic()
        for number in range(10):
            for sock in socks:
                sock.send(dns.message.make_query("host.example.com", "A", id=number).to_wire())
        wait = 'steerd_queries_total{transport="udp"}'
        server.wait(lambda: metric(server, wait) == 400, "all queries were dealt with")
        took, full = time.monotonic() - begin, 0
        for sock in socks:
            sock.setblocking(False)
            with contextlib.suppress(BlockingIOError):
                while sock.recv(65535):
                    full += 1
    assert 10 <= full <= 10 + 10 * took + 4


# ---- cookies ----

def cookie_of(server, address, cookie):
    """(what came, the cookie that came with it) for a query with this one."""
    with client(server, address) as sock:
        query = dns.message.make_query("host.example.com", "A", use_edns=0, options=[dns.edns.GenericOption(10, cookie)])
        sock.send(query.to_wire())
        wire = sock.recv(65535)
    options = {option.otype: option for option in dns.message.from_wire(wire).options}
    return describe(wire), options[10].data


def test_who_holds_a_cookie_is_not_limited(limited):
    server = limited.start()
    kind, cookie = cookie_of(server, "127.1.2.3", b"12345678")
    assert kind == "NOERROR"
    flood(server, "127.1.2.3", EXEMPT, count=100)
    for _ in range(50):
        assert cookie_of(server, "127.1.2.3", cookie)[0] == "NOERROR"


def test_cookies_may_be_demanded(limited):
    del limited.server["rrl"]
    limited.server["cookies"] = {"require": "always"}
    server = limited.start()
    kind, cookie = cookie_of(server, "127.1.2.3", b"12345678")
    assert kind == BADCOOKIE and len(cookie) == 24 and cookie[:8] == b"12345678"
    assert cookie_of(server, "127.1.2.3", cookie)[0] == "NOERROR"
    assert cookie_of(server, "127.1.2.4", cookie)[0] == BADCOOKIE
    assert ask_from(server, "127.1.2.3") == "NOERROR"
    assert metric(server, 'steerd_answers_total{rcode="badcookie"}') == 2
    assert server.ask("host.example.com", tcp=True, edns=0, options=[dns.edns.GenericOption(10, b"12345678")]).answer


# ---- amplification ----

def test_answers_are_no_larger_than_the_factor_says(limited):
    limited.server.update({"amplification": 10, "rrl": {"rate": 1000}})
    server = limited.start()
    query = dns.message.make_query("big.example.com", "TXT", use_edns=0)
    with client(server, "127.1.2.3") as sock:
        sock.send(query.to_wire())
        reply = sock.recv(65535)
    assert describe(reply) == TRUNCATED and len(reply) <= len(query.to_wire())
    assert server.send(query, tcp=True).answer
    assert metric(server, "steerd_answers_bounded_total") == 1
    _, cookie = cookie_of(server, "127.1.2.3", b"12345678")
    query.use_edns(0, options=[dns.edns.GenericOption(10, cookie)])
    with client(server, "127.1.2.3") as sock:
        sock.send(query.to_wire())
        assert describe(sock.recv(65535)) == "NOERROR"


# ---- access lists ----

def test_zones_are_for_whom_they_are_for(limited):
    del limited.server["rrl"]
    limited.server["zone_options"] = {"example.net": {"allow_query": ["!127.1.2.3", "127.1.2.0/24"]}}
    server = limited.start()
    assert ask_from(server, "127.1.2.4", "www.example.net") == "NOERROR"
    assert ask_from(server, "127.1.2.3", "www.example.net") == "REFUSED"
    assert ask_from(server, "127.1.3.4", "www.example.net") == "REFUSED"
    assert ask_from(server, "127.1.3.4") == "NOERROR"
    # the source counts, not the subnet it speaks for
    ecs = [dns.edns.ECSOption("127.1.2.0", 24)]
    assert ask_from(server, "127.1.3.4", "www.example.net", use_edns=0, options=ecs) == "REFUSED"
    # a chain into it ends where it would enter
    for address, records in ("127.1.2.4", 2), ("127.1.3.4", 1):
        reply = dns.query.udp(dns.message.make_query("alias.example.com", "A"), limited.listen[0][0],
                              port=limited.listen[0][1], source=address)
        assert reply.rcode() == 0 and len(reply.answer) == records
    with pytest.raises(AssertionError):  # over TCP likewise
        reply = dns.query.tcp(dns.message.make_query("www.example.net", "A"), limited.listen[0][0],
                              port=limited.listen[0][1], source="127.1.3.4")
        assert reply.rcode() == 0
    assert metric(server, 'steerd_queries_forbidden_total{by="zone"}') == 4


def test_options_follow_a_reload_although_the_zone_did_not_change(limited):
    del limited.server["rrl"]
    server = limited.start()
    assert ask_from(server, "127.1.3.4", "www.example.net") == "NOERROR"
    limited.server["zone_options"] = {"*": {"allow_query": "127.1.2.0/24"}}
    limited.write()
    assert server.reload().status == 200
    assert ask_from(server, "127.1.3.4", "www.example.net") == "REFUSED"
    assert ask_from(server, "127.1.2.4", "www.example.net") == "NOERROR"
    limited.zone("example.net", "www 60 IN A 192.0.2.81\n").write()
    assert server.request("POST", "/v1/reload?zone=example.net").status == 200  # one zone: the list stays
    assert ask_from(server, "127.1.3.4", "www.example.net") == "REFUSED"
    assert server.addresses("www.example.net") == []
    limited.server["zone_options"] = {}
    limited.write()
    assert server.reload().status == 200
    assert server.addresses("www.example.net") == ["192.0.2.81"]


def test_listen_addresses_are_for_whom_they_are_for(limited):
    del limited.server["rrl"]
    limited.listen = [(kit.new_address(), kit.DNS_PORT), (kit.new_address(), kit.DNS_PORT)]
    texts = [f"{address}:{port}" for address, port in limited.listen]
    limited.server["listen"] = [texts[0], {"address": texts[1], "allow": "127.1.2.0/24"}]
    server = limited.start()

    def ask(place, source, tcp=False):
        address, port = limited.listen[place]
        way = dns.query.tcp if tcp else dns.query.udp
        return way(dns.message.make_query("host.example.com", "A"), address, port=port, source=source, timeout=10).rcode()

    for tcp in False, True:
        assert ask(0, "127.1.3.4", tcp) == dns.rcode.NOERROR
        assert ask(1, "127.1.2.4", tcp) == dns.rcode.NOERROR
        assert ask(1, "127.1.3.4", tcp) == dns.rcode.REFUSED
    assert metric(server, 'steerd_queries_forbidden_total{by="listen"}') == 2
    # another order in the document, other lists: each goes where it belongs
    limited.server["listen"] = [{"address": texts[1], "allow": "127.1.3.0/24"}, {"address": texts[0], "allow": []}]
    limited.write()
    assert server.reload().status == 200
    assert ask(0, "127.1.3.4") == dns.rcode.REFUSED
    assert ask(1, "127.1.2.4") == dns.rcode.REFUSED
    assert ask(1, "127.1.3.4") == dns.rcode.NOERROR
    # an address that is not in the document any more stays bound, and closed to whom it was
    limited.server["listen"] = [texts[0]]
    limited.write()
    assert json.loads(server.reload().body)["warnings"]
    assert ask(0, "127.1.3.4") == dns.rcode.NOERROR
    assert ask(1, "127.1.2.4") == dns.rcode.REFUSED
    assert ask(1, "127.1.3.4") == dns.rcode.NOERROR
