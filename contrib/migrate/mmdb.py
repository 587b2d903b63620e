# SPDX-License-Identifier: BSD-3-Clause
"""Where an address is, by a geo database (MaxMind DB file format specification 2.0): as much of the format as coordinates
need."""
import ipaddress
import struct

from .report import Failure

MARK = b"\xab\xcd\xefMaxMind.com"
DEPTH_MAX, SIZE_MAX = 32, 1 << 31
POINTER, STRING, DOUBLE, BYTES, UINT16, UINT32, MAP, INT32, UINT64, UINT128, ARRAY, _, _, BOOLEAN, FLOAT = range(1, 16)
SEPARATOR = 16  # octets of zeros between the tree and the data


class Database:
    def __init__(self, path):
        self.path = path
        try:
            with open(path, "rb") as file:
                self.data = file.read(SIZE_MAX)
        except OSError as error:
            raise Failure(f"{path}: {error.strerror}") from None
        at = self.data.rfind(MARK)
        if at == -1:
            raise Failure(f"{path}: found no MaxMind DB, expected a file .mmdb")
        try:
            self.start = at + len(MARK)
            meta, _ = self.read(self.start, 0)
            self.nodes, self.size, self.version = (int(meta[key]) for key in ("node_count", "record_size", "ip_version"))
        except (KeyError, IndexError, ValueError, TypeError) as error:
            raise Failure(f"{path}: its metadata make no sense ({error})") from None
        if self.size not in (24, 28, 32):
            raise Failure(f"{path}: found records of {self.size} bits, expected 24, 28 or 32")
        self.start = self.nodes * self.size // 4 + SEPARATOR

    def locate(self, text):
        """[latitude, longitude], or None."""
        try:
            found = self.find(ipaddress.ip_address(text))
            place = found.get("location") if isinstance(found, dict) else None
            pair = [place["latitude"], place["longitude"]] if isinstance(place, dict) else []
        except (KeyError, IndexError, ValueError, TypeError):
            return None
        good = len(pair) == 2 and all(isinstance(number, (int, float)) for number in pair)
        return pair if good and abs(pair[0]) <= 90 and abs(pair[1]) <= 180 else None

    def find(self, address):
        bits = address.max_prefixlen
        value, node = int(address), 0
        if self.version == 6 and bits == 32:
            bits = 128
        elif self.version == 4 and bits == 128:
            return None
        for bit in range(bits - 1, -1, -1):
            node = self.child(node, value >> bit & 1)
            if node >= self.nodes:
                break
        if node <= self.nodes:
            return None
        return self.read(self.start + node - self.nodes - SEPARATOR, 0)[0]

    def child(self, node, right):
        at = node * self.size // 4
        octets = self.data[at:at + self.size // 4]
        if self.size == 28:
            middle = octets[3]
            high = middle & 15 if right else middle >> 4
            return high << 24 | int.from_bytes(octets[4:7] if right else octets[:3], "big")
        half = self.size // 8
        return int.from_bytes(octets[half:] if right else octets[:half], "big")

    # ---- values ----

    def read(self, at, depth):
        """(value, where the next one begins)"""
        if depth > DEPTH_MAX:
            raise ValueError("too deep")
        control = self.data[at]
        kind, at = control >> 5, at + 1
        if kind == POINTER:
            return self.follow(control, at, depth)
        if kind == 0:
            kind, at = self.data[at] + 7, at + 1
        size, at = self.read_size(control & 31, at)
        if kind == MAP:
            return self.read_map(size, at, depth)
        if kind == ARRAY:
            items = []
            for _ in range(size):
                item, at = self.read(at, depth + 1)
                items.append(item)
            return items, at
        if kind == BOOLEAN:
            return bool(size), at
        return self.scalar(kind, self.data[at:at + size]), at + size

    def read_size(self, size, at):
        if size < 29:
            return size, at
        more = size - 28
        return (29, 285, 65821)[more - 1] + int.from_bytes(self.data[at:at + more], "big"), at + more

    def follow(self, control, at, depth):
        more = (control >> 3 & 3) + 1
        value = int.from_bytes(self.data[at:at + more], "big")
        if more < 4:
            value += ((control & 7) << 8 * more) + (0, 2048, 526336)[more - 1]
        return self.read(self.start + value, depth + 1)[0], at + more

    def read_map(self, size, at, depth):
        made = {}
        for _ in range(size):
            key, at = self.read(at, depth + 1)
            made[key], at = self.read(at, depth + 1)
        return made, at

    @staticmethod
    def scalar(kind, octets):
        if kind == DOUBLE:
            return struct.unpack(">d", octets.rjust(8, b"\0")[:8])[0]
        if kind == FLOAT:
            return struct.unpack(">f", octets.rjust(4, b"\0")[:4])[0]
        if kind == STRING:
            return octets.decode("utf-8", "replace")
        return octets if kind == BYTES else int.from_bytes(octets, "big", signed=kind == INT32)
