# SPDX-License-Identifier: BSD-3-Clause
"""Malformed, hostile and merely odd packets (packets.py), each against the rcode that the standards want, over UDP and
TCP; and TCP messages of every length. What is answered at all has to be a sound message by itself."""
import socket
import struct

import dns.exception
import dns.message
import dns.rcode
import pytest

import kit
import packets

OPCODES_OF_DNSPYTHON = (0, 1, 2, 4, 5)
OPT = b"\0\0\x29"
FAMILY_0, FAMILY_1 = b"\0\x08\0\4\0\0\0\0", b"\0\x08\0\4\0\1\0\0"


@pytest.fixture
def server(site):
    site.server["identity"] = "here"
    return site.zone(packets.ORIGIN, packets.ZONE).start()


def judge(query, reply):
    """What holds for every reply; returns its rcode as text."""
    number, flags, *counts = struct.unpack("!6H", reply[:12])
    asked = struct.unpack("!H", query[2:4])[0]
    assert number == struct.unpack("!H", query[:2])[0], "another id"
    assert flags & 0x8000 and (flags ^ asked) & 0x7800 == 0, "QR is set, the opcode is the query's"
    assert flags & 0x0100 == asked & 0x0100, "RD comes back"
    assert flags & 0x00c0 == 0, "neither RA nor Z"
    assert counts[0] in (0, 1)
    if counts[0] == 1:
        end = 12
        while query[end] != 0:
            end += query[end] + 1
        assert reply[12:end + 5] == query[12:end + 5], "the question comes back as it was"
    if asked >> 11 & 15 not in OPCODES_OF_DNSPYTHON or counts[0] == 0:
        return dns.rcode.to_text(packets.rcode_of(reply))
    message = dns.message.from_wire(reply.replace(FAMILY_0, FAMILY_1))  # dnspython does not read what dig sends
    if message.rcode() not in (dns.rcode.NOERROR, dns.rcode.NXDOMAIN):
        assert message.answer == [] and message.authority == [], "an error carries no records"
    if message.edns >= 0:
        assert message.edns == 0 and message.payload >= 512 and message.ednsflags & 0x7fff == 0
    return dns.rcode.to_text(message.rcode())


def check(case, reply):
    """None, or what is wrong."""
    expected = case.expected.split("|")
    try:
        got = packets.SILENCE if reply is None else judge(case.wire, reply)
    except (AssertionError, ValueError, dns.exception.DNSException) as error:
        return f"{case.name} ({case.source}): {error!r}: {reply.hex()}"
    return None if got in expected else f"{case.name} ({case.source}): {got}, expected {case.expected}"


# ---- UDP ----

@pytest.mark.parametrize("group", packets.groups)
def test_udp(server, group):
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.settimeout(kit.PATIENCE_S)
        sock.connect(server.site.listen[0])
        wrong = [check(case, packets.ask_udp(sock, case.wire)) for case in packets.groups[group]]
    assert [line for line in wrong if line] == []


def test_edns_is_answered_with_edns_and_else_not(server):
    """RFC 6891 section 6.1.1, wherever the query could be read."""
    wrong = []
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.settimeout(kit.PATIENCE_S)
        sock.connect(server.site.listen[0])
        for case in packets.every():
            reply = packets.ask_udp(sock, case.wire)
            if reply is not None and case.expected != "FORMERR" and (OPT in reply[12:]) != (OPT in case.wire[12:]):
                wrong.append(case.name)
    assert wrong == []


# ---- TCP ----

def framed(wire):
    return struct.pack("!H", len(wire)) + wire


def receive(sock):
    """One message, or None at the end of the stream."""
    got = b""
    while len(got) < 2 or len(got) < 2 + struct.unpack("!H", got[:2])[0]:
        try:
            more = sock.recv(65537)
        except ConnectionResetError:
            more = b""
        if more == b"":
            assert got == b"", f"the stream ends within a message: {got.hex()}"
            return None
        got += more
        assert len(got) <= 2 + struct.unpack("!H", got[:2])[0] if len(got) >= 2 else True, "more than was asked for"
    return got[2:]


def connect(server):
    return socket.create_connection(server.site.listen[0], timeout=kit.PATIENCE_S)


@pytest.mark.parametrize("group", packets.groups)
def test_tcp(server, group):
    """The same rcodes; where UDP is silent the connection ends, and where it is not it goes on."""
    wrong, sock = [], connect(server)
    for case in packets.groups[group]:
        sock.sendall(framed(case.wire))
        reply = receive(sock)
        wrong.append(check(case, reply))
        if reply is None:
            sock.close()
            sock = connect(server)
    sock.close()
    assert [line for line in wrong if line] == []


def test_tcp_messages_of_any_length(server):
    """RFC 7766 section 8: the length says where a message ends, whatever is in it."""
    for length in [0, 1, 2, *range(8, 16), 511, 512, 4095, 4096, 4097, 16384, 65534, 65535]:
        with connect(server) as sock:
            sock.sendall(struct.pack("!H", length) + packets.PLAIN[:length].ljust(length, b"\0"))
            reply = receive(sock)
            if length < 12:
                assert reply is None, length
                continue
            assert judge(packets.PLAIN, reply) == "FORMERR", length
            sock.sendall(framed(packets.PLAIN))
            assert judge(packets.PLAIN, receive(sock)) == "NOERROR", "what is behind it is read as before"


def test_tcp_lengths_that_are_wrong(server):
    for length in (len(packets.PLAIN) - 1, len(packets.PLAIN) - 4):
        with connect(server) as sock:  # too small: what is left over is the length of the next one
            sock.sendall(struct.pack("!H", length) + packets.PLAIN)
            assert judge(packets.PLAIN, receive(sock)) == "FORMERR"
    with connect(server) as sock:  # too large: the message waits for its end
        sock.sendall(struct.pack("!H", len(packets.PLAIN) + 1) + packets.PLAIN)
        sock.shutdown(socket.SHUT_WR)
        assert receive(sock) is None


def test_tcp_octet_by_octet_with_nonsense_between(server):
    with connect(server) as sock:
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for wire, rcode in ((packets.PLAIN, "NOERROR"), (packets.PLAIN[:20], "FORMERR"), (packets.FULL, "NOERROR")):
            for at in range(len(framed(wire))):
                sock.send(framed(wire)[at:at + 1])
            assert judge(wire, receive(sock)) == rcode


def test_tcp_half_a_message_and_the_end(server):
    for length in range(len(framed(packets.PLAIN))):
        with connect(server) as sock:
            sock.sendall(framed(packets.PLAIN)[:length])
            sock.shutdown(socket.SHUT_WR)
            assert receive(sock) is None, length
