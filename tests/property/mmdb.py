# SPDX-License-Identifier: BSD-3-Clause
"""Writes databases in MaxMind format 2.0: networks with a record each, the longest one around an address counts."""
import struct
import time

MARKER = b"\xab\xcd\xefMaxMind.com"
EMPTY = None
BITS = {4: 32, 6: 128}


def encode(value):
    if isinstance(value, dict):
        return control(7, len(value)) + b"".join(encode(key) + encode(item) for key, item in value.items())
    if isinstance(value, list):
        return control(11, len(value)) + b"".join(map(encode, value))
    if isinstance(value, str):
        return control(2, len(value.encode())) + value.encode()
    if isinstance(value, float):
        return control(3, 8) + struct.pack(">d", value)
    octets = value.to_bytes((value.bit_length() + 7) // 8, "big")
    return control(6 if value < 1 << 32 else 9, len(octets)) + octets


def control(kind, size):
    assert size < 29 + 256
    head = bytes([(kind if kind < 8 else 0) << 5 | min(size, 29)])
    return head + (bytes([kind - 7]) if kind >= 8 else b"") + (bytes([size - 29]) if size >= 29 else b"")


def small(value, kind):
    """A number of a type that the format wants for it."""
    octets = value.to_bytes((value.bit_length() + 7) // 8, "big")
    return control(kind, len(octets)) + octets


def place(network, ip_version):
    """The bits of a network in the tree, as text: IPv4 is below ::/96 of an IPv6 tree."""
    bits = format(int(network.network_address), f"0{BITS[network.version]}b")[:network.prefixlen]
    return "0" * 96 + bits if network.version == 4 and ip_version == 6 else bits


def plant(networks, ip_version):
    """Nested pairs; leaves are offsets of data, or EMPTY."""
    data, offsets, root = bytearray(), {}, [EMPTY, EMPTY]
    for network, record in sorted(networks, key=lambda item: item[0].prefixlen + (96 if item[0].version == 4 else 0)):
        octets = encode(record)
        offset = offsets.setdefault(octets, len(data))
        data += octets if offset == len(data) else b""
        node, path = root, place(network, ip_version)
        for bit in map(int, path[:-1]):
            if not isinstance(node[bit], list):
                node[bit] = [node[bit], node[bit]]  # what the wider network says, on both sides
            node = node[bit]
        node[int(path[-1])] = offset
    return root, bytes(data)


def write(path, networks, ip_version=6, record_size=24):
    """networks: (ipaddress network without host bits, at least one bit long; record) in any order."""
    root, data = plant(networks, ip_version)
    nodes = [root]
    for node in nodes:  # grows on the way: breadth first
        nodes += [child for child in node if isinstance(child, list)]
    numbers = {id(node): number for number, node in enumerate(nodes)}

    def point(child):
        if isinstance(child, list):
            return numbers[id(child)]
        return len(nodes) if child is EMPTY else len(nodes) + 16 + child

    tree = bytearray()
    for left, right in (map(point, node) for node in nodes):
        if record_size == 28:
            tree += (left & 0xffffff).to_bytes(3, "big") + bytes([left >> 24 << 4 | right >> 24])
            tree += (right & 0xffffff).to_bytes(3, "big")
        else:
            tree += left.to_bytes(record_size // 8, "big") + right.to_bytes(record_size // 8, "big")
    about = {"binary_format_major_version": small(2, 5), "binary_format_minor_version": small(0, 5),
             "build_epoch": small(int(time.time()), 9), "database_type": encode("steerd-random"),
             "description": encode({"en": "Random"}), "ip_version": small(ip_version, 5), "languages": encode(["en"]),
             "node_count": small(len(nodes), 6), "record_size": small(record_size, 5)}
    head = control(7, len(about)) + b"".join(encode(key) + value for key, value in about.items())
    path.write_bytes(bytes(tree) + bytes(16) + data + MARKER + head)
