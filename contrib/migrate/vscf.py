# SPDX-License-Identifier: BSD-3-Clause
"""gdnsd's configuration language (gdnsd.config(5), LOW-LEVEL SYNTAX): hashes, arrays and strings, comments, escapes,
and $include in both of its contexts. The nodes are str, list and dict with a place, "file:line"."""
import glob
import os
import re

from .report import Failure

SPECIAL = frozenset('][}{;#,"=\\')
DEPTH_MAX = 32


class Text(str):
    def __new__(cls, value, place):
        self = super().__new__(cls, value)
        self.place = place
        return self


class Array(list):
    def __init__(self, items, place):
        super().__init__(items)
        self.place = place


class Hash(dict):
    """Keys in the order of the file; key_places says where each stands."""

    def __init__(self, place):
        super().__init__()
        self.place, self.key_places = place, {}

    def add(self, key, value, place):
        if key in self:
            raise Failure(f"{place}: found the key '{key}' again, it is at {self.key_places[key]} already")
        self[key] = value
        self.key_places[key] = place

    def place_of(self, key):
        return self.key_places.get(key, self.place)


class Reader:
    def __init__(self, path, name, depth=0):
        if depth > DEPTH_MAX:
            raise Failure(f"{name}: $include nests deeper than {DEPTH_MAX} files")
        self.path, self.name, self.depth = path, name, depth
        self.at, self.line = 0, 1
        try:
            with open(path, encoding="utf-8", errors="surrogateescape") as file:
                self.text = file.read()
        except OSError as error:
            raise Failure(f"{name}: {error.strerror}") from None

    @property
    def place(self):
        return f"{self.name}:{self.line}"

    def fail(self, expected):
        found = repr(self.peek()) if self.peek() else "the end of the file"
        raise Failure(f"{self.place}: found {found}, expected {expected}")

    def peek(self):
        return self.text[self.at:self.at + 1]

    def take(self, count=1):
        taken = self.text[self.at:self.at + count]
        self.at += count
        self.line += taken.count("\n")
        return taken

    def skip(self):
        while self.peek():
            if self.peek() in ";#":
                while self.peek() not in ("", "\n"):
                    self.take()
            elif self.peek().isspace():
                self.take()
            else:
                return

    def expect(self, text):
        self.skip()
        if not self.text.startswith(text, self.at):
            self.fail(f"'{text}'")
        self.take(len(text))

    # ---- strings ----

    def read_escape(self):
        self.take()
        number = re.compile("[0-9]{3}").match(self.text, self.at)
        if number and int(number[0]) < 256:
            self.take(3)
            return bytes([int(number[0])])
        if self.peek() == "" or self.peek().isdigit():
            self.fail("an escape: three digits up to 255, or a character that is none")
        return encode(self.take())

    def read_text(self):
        self.skip()
        place, octets = self.place, b""
        quoted = self.peek() == '"'
        if quoted:
            self.take()
        elif self.peek() == "$" or self.peek() == "" or (self.peek() in SPECIAL and self.peek() != "\\"):
            self.fail("a string")
        while True:
            char = self.peek()
            if char == "\\":
                octets += self.read_escape()
            elif quoted and char == "":
                self.fail("'\"'")
            elif quoted and char == '"':
                self.take()
                break
            elif not quoted and (char == "" or char.isspace() or char in SPECIAL):
                break
            else:
                octets += encode(self.take())
        return Text(octets.decode("utf-8", "surrogateescape"), place)

    # ---- $include ----

    def read_include(self):
        """The readers of the files that the include at this place names."""
        place = self.place
        self.take(len("$include{"))
        wanted = str(self.read_text())
        self.expect("}")
        pattern = os.path.join(os.path.dirname(self.path), wanted)
        if os.path.isdir(pattern):
            paths = sorted(glob.glob(os.path.join(glob.escape(pattern), "*")))
        else:
            paths = sorted(glob.glob(pattern))
            if not paths:
                raise Failure(f"{place}: found no file '{wanted}' to include")
        base = os.path.dirname(self.name)
        start = os.path.dirname(self.path)
        return place, [Reader(path, os.path.join(base, os.path.relpath(path, start)), self.depth + 1) for path in paths]

    def is_include(self):
        return self.text.startswith("$include{", self.at)

    def merge_include(self, into):
        place, readers = self.read_include()
        for reader in readers:
            node = reader.read_file()
            if not isinstance(node, Hash):
                raise Failure(f"{place}: found an array in {reader.name}, expected a hash to merge")
            for key, value in node.items():
                into.add(key, value, node.key_places[key])

    # ---- values ----

    def read_value(self):
        self.skip()
        if self.is_include():
            place, readers = self.read_include()
            if len(readers) != 1:
                raise Failure(f"{place}: found {len(readers)} files to include, expected one as a value")
            return readers[0].read_file()
        if self.peek() == "{":
            node = Hash(self.place)
            self.take()
            self.read_pairs(node, "}")
            self.expect("}")
            return node
        if self.peek() == "[":
            return self.read_array()
        return self.read_text()

    def read_array(self):
        node = Array([], self.place)
        self.expect("[")
        while True:
            self.skip()
            if self.peek() == "]":
                self.take()
                return node
            node.append(self.read_value())
            self.skip()
            if self.peek() == ",":
                self.take()

    def read_pairs(self, node, end):
        while True:
            self.skip()
            if self.peek() == end:
                return
            if self.is_include():
                self.merge_include(node)
            else:
                key = self.read_text()
                self.expect("=")
                if self.peek() == ">":
                    self.take()
                node.add(str(key), self.read_value(), key.place)
            self.skip()
            if self.peek() == ",":
                self.take()

    def read_file(self):
        self.skip()
        if self.peek() == "[":
            node = self.read_array()
        else:
            node = Hash(self.place)
            self.read_pairs(node, "")
        self.skip()
        if self.peek():
            self.fail("the end of the file")
        return node


def encode(text):
    return text.encode("utf-8", "surrogateescape")


def read(path, name):
    """The outermost node of a file; name is what messages call it."""
    return Reader(path, name).read_file()


# ---- nodes as values ----

def as_list(node):
    """A single value stands for an array of one."""
    return node if isinstance(node, Array) else [node]


def as_hash(node, what):
    if not isinstance(node, Hash):
        raise Failure(f"{node.place}: found {describe(node)}, expected a hash as {what}")
    return node


def as_text(node, what):
    if not isinstance(node, Text):
        raise Failure(f"{node.place}: found {describe(node)}, expected a string as {what}")
    return node


def as_integer(node, what):
    text = as_text(node, what)
    if not re.fullmatch("[0-9]+", text):
        raise Failure(f"{node.place}: found '{text}', expected a whole number as {what}")
    return int(text)


def as_number(node, what):
    text = as_text(node, what)
    try:
        return float(text)
    except ValueError:
        raise Failure(f"{node.place}: found '{text}', expected a number as {what}") from None


def as_boolean(node, what):
    text = as_text(node, what).lower()
    if text not in ("true", "false"):
        raise Failure(f"{node.place}: found '{text}', expected true or false as {what}")
    return text == "true"


def describe(node):
    return {Text: "a string", Array: "an array", Hash: "a hash"}[type(node)]
