# SPDX-License-Identifier: BSD-3-Clause
"""Queries with a client subnet by UDP, thousands a second: no library between the test and the octets; but every reply
that is not like one before is read by dnspython as well, which is less forgiving."""
import collections
import functools
import ipaddress
import socket
import struct

import dns.message

A, NS, CNAME, SOA, MX, TXT, AAAA, SRV, OPT, ECS = 1, 2, 5, 6, 15, 16, 28, 33, 41, 8
TYPES = {"A": A, "AAAA": AAAA, "CNAME": CNAME, "MX": MX, "SRV": SRV, "TXT": TXT}
NUMBERS = {MX: 1, SRV: 3, CNAME: 0}  # that stand in front of the target
TIMEOUT_S, TRIES = 5, 3

# addresses: the rdata of the type asked, in order, as text; ttls: of the answer section; scope: None without a client subnet
Answer = collections.namedtuple("Answer", "rcode addresses ttls negative_ttl scope additional truncated")


def write_name(name):
    return b"".join(bytes([len(label)]) + label.encode() for label in name.rstrip(".").split(".") if label) + b"\0"


def write_subnet(network):
    octets = network.network_address.packed[:(network.prefixlen + 7) // 8]
    data = struct.pack("!HBB", 1 if network.version == 4 else 2, network.prefixlen, 0) + octets
    return struct.pack("!HH", ECS, len(data)) + data


def write_query(number, name, rtype, subnet):
    options = b"" if subnet is None else write_subnet(subnet)
    return struct.pack("!6H", number, 0, 1, 0, 0, 1) + write_name(name) + struct.pack("!HH", TYPES[rtype], 1) + \
        b"\0" + struct.pack("!HHIH", OPT, 4096, 0, len(options)) + options


def skip_name(wire, at):
    while wire[at] != 0 and wire[at] < 192:
        at += wire[at] + 1
    return at + (1 if wire[at] == 0 else 2)


def read_name(wire, at):
    if wire[at] == 0:
        return ""
    if wire[at] >= 192:
        return read_name(wire, struct.unpack_from("!H", wire, at)[0] & 0x3fff)
    return wire[at + 1:at + 1 + wire[at]].decode() + "." + read_name(wire, at + 1 + wire[at])


def read_rdata(wire, at, length, kind):
    """As a master file has it, names absolute."""
    if kind in (A, AAAA):
        return ipaddress.ip_address(wire[at:at + length]).compressed
    if kind == TXT:
        return f'"{wire[at + 1:at + length].decode()}"'  # of one string
    count = NUMBERS[kind]
    numbers = struct.unpack_from(f"!{count}H", wire, at)
    return " ".join([*map(str, numbers), read_name(wire, at + 2 * count)])


def read_options(rdata):
    at = 0
    while at < len(rdata):
        code, length = struct.unpack_from("!HH", rdata, at)
        yield code, rdata[at + 4:at + 4 + length]
        at += 4 + length


def read(wire, rtype):
    _, flags, _, *counts = struct.unpack_from("!6H", wire)
    at = skip_name(wire, 12) + 4
    addresses, ttls, additional, negative_ttl, scope = [], [], [], None, None
    for section, count in enumerate(counts):
        for _ in range(count):
            at = skip_name(wire, at)
            kind, _, ttl, length = struct.unpack_from("!HHIH", wire, at)
            start, at = at + 10, at + 10 + length
            rdata = wire[start:at]
            if section == 0:
                ttls.append(ttl)
            if section == 0 and kind == TYPES[rtype]:
                addresses.append(read_rdata(wire, start, length, kind))
            elif kind in (A, AAAA):
                additional.append(ipaddress.ip_address(rdata).compressed)
            elif kind == SOA and section == 1:
                negative_ttl = min(ttl, struct.unpack("!I", rdata[-4:])[0])
            elif kind == OPT:
                scope = next((data[3] for code, data in read_options(rdata) if code == ECS), None)
    assert at == len(wire)
    return Answer(flags & 15, addresses, ttls, negative_ttl, scope, additional, flags >> 9 & 1)


@functools.lru_cache(maxsize=4096)
def check(body):
    """A reply behind its number."""
    try:
        dns.message.from_wire(b"\0\0" + body)
    except Exception as error:
        raise AssertionError(f"{type(error).__name__}: {error}: {body.hex()}") from error


class Client:
    """One socket towards a server."""

    def __init__(self, at, source=None):
        self.number = 0
        self.udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        if source is not None:
            self.udp.bind((source, 0))
        self.udp.settimeout(TIMEOUT_S)
        self.udp.connect(at)

    def close(self):
        self.udp.close()

    def ask(self, name, rtype, subnet=None):
        self.number = (self.number + 1) % 65536
        query = write_query(self.number, name, rtype, subnet)
        for _ in range(TRIES):
            self.udp.send(query)
            try:
                while True:
                    wire = self.udp.recv(65535)
                    if wire[:2] == query[:2]:
                        check(wire[2:])
                        return read(wire, rtype)
            except socket.timeout:
                continue
        raise AssertionError(f"no answer to {name} {rtype} {subnet}")
