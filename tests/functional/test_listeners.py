# SPDX-License-Identifier: BSD-3-Clause
"""What listen addresses and policies make of who asks: client subnets that do not count, proxies that say for whom they
ask, and IPv6 addresses that stand for IPv4 ones."""
import ipaddress
import socket
import struct

import dns.edns
import dns.flags
import dns.message
import dns.query
import dns.rcode
import pytest

import kit

US, EU = "192.0.2.201", "192.0.2.202"
START = b"\r\n\r\n\0\r\nQUIT\n"
AMERICAN, EUROPEAN = "198.51.100.1", "203.0.113.1"


@pytest.fixture
def world(site):
    """www and careless go by a prefix; careless does not listen to resolvers. Everybody else is of us."""
    site.topology = {"regions": {"us": {"azs": {"us-1": {}}}, "eu": {"azs": {"eu-1": {}}}},
                     "endpoints": {"a": {"az": "us-1", "addresses": [US]}, "b": {"az": "eu-1", "addresses": [EU]}},
                     "geo_rules": {"here": [{"when": {"cidr": "203.0.113.0/24"}, "tiers": [["eu"]]}]}}
    common = {"endpoints": ["a", "b"], "tiers": [["us"]], "geo": "here"}
    site.zone("example.com", "fixed A 192.0.2.9\n")
    sticky = {"endpoints": ["a", "b"], "pick": "sticky", "client_subnet": "ignore"}
    site.policy("example.com", {"www": common, "careless": {**common, "client_subnet": "ignore"}, "sticky": sticky})
    return site


def ask(server, at, client, name="www.example.com", bits=None):
    """The address that answers this client subnet, and the scope; None: the option did not come back."""
    bits = bits or (128 if ":" in client else 32)
    query = dns.message.make_query(name, "A", use_edns=0, options=[dns.edns.ECSOption(client, bits)])
    reply = server.send(query, at=at)
    assert reply.rcode() == dns.rcode.NOERROR
    scopes = [one.scopelen for one in reply.options if isinstance(one, dns.edns.ECSOption)]
    return reply.answer[0][0].to_text(), scopes[0] if scopes else None


def test_subnets_count_ignored_or_off(world):
    """By listen address and by name; a reload changes it."""
    addresses = [kit.new_address() for _ in range(3)]
    world.server["listen"] = [f"{world.listen[0][0]}:{world.listen[0][1]}",
                              {"address": f"{addresses[0]}:5300", "client_subnet": "ignore"},
                              {"address": f"{addresses[1]}:5300", "client_subnet": "off"},
                              {"address": f"{addresses[2]}:5300", "client_subnet": "use", "allow": "127.0.0.0/8"}]
    server = world.start()
    used, ignored, off, explicit = world.listen[0], *((address, 5300) for address in addresses)
    for at in used, explicit:
        assert ask(server, at, EUROPEAN) == (EU, 24)
        assert ask(server, at, EUROPEAN, "careless.example.com") == (US, 0)
    assert len({ask(server, used, f"198.51.{net}.1", "sticky.example.com") for net in range(30)}) == 1, "one client: we"
    assert ask(server, ignored, EUROPEAN) == (US, 0)
    assert ask(server, ignored, EUROPEAN, "fixed.example.com") == ("192.0.2.9", 0)
    assert ask(server, off, EUROPEAN) == (US, None)
    assert EU in server.ctl("explain", "careless.example.com", "--client", EUROPEAN).stdout, "as a resolver it is there"
    world.server["listen"][1]["client_subnet"] = "use"
    del world.server["listen"][2]["client_subnet"]
    world.write()
    server.reload()
    assert ask(server, ignored, EUROPEAN) == ask(server, off, EUROPEAN) == (EU, 24)


def test_ipv6_that_stands_for_ipv4(world):
    """Mapped, compatible, of NAT64, 6to4 and Teredo: as the IPv4 client; unless a rule has a prefix there."""
    server = world.start()
    four = ipaddress.ip_address(EUROPEAN).packed
    ways = {"mapped": "::ffff:" + EUROPEAN, "compatible": "::" + EUROPEAN, "nat64": "64:ff9b::" + EUROPEAN,
            "6to4": str(ipaddress.IPv6Address(b"\x20\x02" + four + bytes(10))),
            "teredo": str(ipaddress.IPv6Address(b"\x20\x01\0\0" + bytes(8) + bytes(octet ^ 255 for octet in four)))}
    for way, client in ways.items():
        assert ask(server, None, client) == (EU, 40 if way == "6to4" else 120), way
        said = server.get(f"/v1/explain?name=www.example.com&type=A&client={client}")
        assert said["geo"]["rule"] == "here[0]" and said["geo"]["cidr"] == "203.0.113.0/24", way
    assert ask(server, None, "2001:db8::1")[0] == US
    assert ask(server, None, "2001:0:cb00:7101::1")[0] == US, "Teredo has the client at the end, not its server"
    world.topology["geo_rules"]["here"].append({"when": {"cidr": "2002:cb00:7100::/40"}, "tiers": [["us"]]})
    world.write()
    server.reload()
    assert ask(server, None, ways["6to4"])[0] == US and ask(server, None, ways["mapped"])[0] == EU


# ---- proxies ----

def head(client, port=1234, command=0x21, family=0x11, more=b""):
    """PROXY protocol, version 2."""
    body = ipaddress.ip_address(client).packed * 2 + struct.pack("!HH", port, 53) + more
    return START + bytes([command, family]) + struct.pack("!H", len(body)) + body


def ask_udp(at, before, name="www.example.com"):
    """What a datagram gets; None: nothing, and the next one is answered."""
    query = dns.message.make_query(name, "A")
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as talk:
        talk.settimeout(10)
        talk.connect(at)
        talk.send(before + query.to_wire())
        talk.send(head(AMERICAN) + dns.message.make_query("fixed.example.com", "A", id=query.id ^ 1).to_wire())
        reply = dns.message.from_wire(talk.recv(4096))
        return reply.answer[0][0].to_text() if reply.id == query.id else None


def ask_tcp(at, *pieces):
    """The answers to what is sent piece by piece, until the server closes or all queries were answered."""
    found = []
    with socket.create_connection(at, timeout=10) as talk:
        talk.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for piece in pieces:
            talk.sendall(piece)
        talk.shutdown(socket.SHUT_WR)
        rest = b""
        while octets := talk.recv(65536):
            rest += octets
    while rest:
        length, = struct.unpack("!H", rest[:2])
        found.append(dns.message.from_wire(rest[2:2 + length]).answer[0][0].to_text())
        rest = rest[2 + length:]
    return found


def test_proxies(world):
    """Whom they ask for is the client, over UDP and TCP; who is none is not believed, and who is one has to say so."""
    ours, elsewhere = world.listen[0], (kit.new_address(), 5300)
    world.server["listen"] = [{"address": f"{ours[0]}:{ours[1]}", "proxies": "127.0.0.0/8"},
                              {"address": f"{elsewhere[0]}:{elsewhere[1]}", "proxies": ["!127.0.0.0/8", "192.0.2.0/24"]}]
    world.start()
    query = dns.message.make_query("www.example.com", "A").to_wire()
    framed = struct.pack("!H", len(query)) + query
    for client, answer in (EUROPEAN, EU), (AMERICAN, US):
        assert ask_udp(ours, head(client, family=0x12)) == answer
        assert ask_udp(ours, head(client, more=b"\x04\0\1x")) == answer, "with a TLV"
        assert ask_tcp(ours, head(client) + framed * 2) == [answer] * 2
        whole = head(client) + framed
        assert ask_tcp(ours, *(whole[at:at + 1] for at in range(len(whole)))) == [answer], "octet by octet"
    mapped = "::ffff:" + EUROPEAN
    assert ask_udp(ours, head(mapped, family=0x22)) == EU and ask_tcp(ours, head(mapped, family=0x21) + framed) == [EU]
    assert ask_udp(ours, head(EUROPEAN, command=0x20)) == US, "the proxy asks for itself"
    assert ask_tcp(ours, START + b"\x20\0\0\0" + framed) == [US]
    for bad in b"", b"PROXY TCP4 203.0.113.1 192.0.2.1 1 53\r\n", head(EUROPEAN, command=0x22), START[:-1] + b"\r":
        assert ask_udp(ours, bad) is None, bad
        assert ask_tcp(ours, bad + framed) == [], bad
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as talk:
        talk.settimeout(10)
        talk.connect(elsewhere)
        talk.send(query)
        assert dns.message.from_wire(talk.recv(4096)).answer[0][0].to_text() == US, "whoever is no proxy asks as always"
    assert ask_tcp(elsewhere, head(EUROPEAN) + framed) == [], "and is not believed"


def test_access_lists_are_about_clients_of_proxies(world):
    ours = world.listen[0]
    world.server["listen"] = [{"address": f"{ours[0]}:{ours[1]}", "proxies": "127.0.0.0/8", "allow": ["203.0.113.0/24"]}]
    world.start()
    query = dns.message.make_query("www.example.com", "A")
    for client, rcode in (EUROPEAN, dns.rcode.NOERROR), (AMERICAN, dns.rcode.REFUSED):
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as talk:
            talk.settimeout(10)
            talk.connect(ours)
            talk.send(head(client) + query.to_wire())
            assert dns.message.from_wire(talk.recv(4096)).rcode() == rcode, client
