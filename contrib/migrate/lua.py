# SPDX-License-Identifier: BSD-3-Clause
"""As much of Lua as calls of functions with literal arguments are made of: strings, numbers, true, false, nil, tables, calls
within calls. Whatever else stands there raises NotLiteral, which says what was found; nothing is guessed."""
import re

DEPTH_MAX = 20
TOKEN = re.compile(r"""(?:\s|--\[(=*)\[.*?\]\1\]|--[^\n]*)*(?:
    (?P<name>[A-Za-z_][A-Za-z0-9_]*) |
    (?P<number>0[xX][0-9A-Fa-f]+|[0-9]+\.?[0-9]*(?:[eE][+-]?[0-9]+)?|\.[0-9]+) |
    (?P<string>'(?:[^'\\\n]|\\.)*'|"(?:[^"\\\n]|\\.)*") |
    (?P<long>\[(?P<level>=*)\[.*?\](?P=level)\]) |
    (?P<mark>[-{}(),;=.\[\]]) |
    (?P<end>\Z) |
    (?P<other>.))""", re.X | re.S)
ESCAPES = {"n": "\n", "t": "\t", "r": "\r", "a": "\a", "b": "\b", "f": "\f", "v": "\v", "\n": "\n"}
WORDS = {"true": True, "false": False, "nil": None}


class NotLiteral(Exception):
    """The text is more than literals; what was found."""


class Call:
    def __init__(self, name, arguments):
        self.name, self.arguments = name, arguments


class Word:
    """A variable."""

    def __init__(self, name):
        self.name = name


class Table:
    """items: values in order; fields: key -> value."""

    def __init__(self):
        self.items, self.fields = [], {}


def unescape(text):
    def one(found):
        code = found[1]
        if code[0] in "0123456789":
            if int(code) > 255:
                raise NotLiteral(f"\\{code} in a string")
            return chr(int(code))
        return chr(int(code[1:], 16)) if len(code) == 3 and code[0] == "x" else ESCAPES.get(code, code)
    return re.sub(r"\\([0-9]{1,3}|x[0-9A-Fa-f]{2}|.)", one, text, flags=re.S)


class Parser:
    def __init__(self, text):
        self.text, self.at = text, 0
        self.kind = self.token = None
        self.take()

    def take(self):
        """The next token becomes the current one; returns the one before."""
        before = self.token
        found = TOKEN.match(self.text, self.at)
        self.at, self.kind = found.end(), found.lastgroup if found.lastgroup != "level" else "long"
        self.token = found[self.kind]
        return before

    def fail(self, expected):
        found = "the end" if self.kind == "end" else f"'{self.token}'"
        raise NotLiteral(f"{found}, expected {expected}")

    def skip(self, mark):
        if self.kind == "mark" and self.token == mark:
            self.take()
            return True
        return False

    def expect(self, mark):
        if not self.skip(mark):
            self.fail(f"'{mark}'")

    def read(self):
        """The whole text: one expression."""
        if self.kind == "name" and self.token == "return":
            self.take()
        value = self.expression(0)
        self.skip(";")
        if self.kind != "end":
            self.fail("the end")
        return value

    def expression(self, depth):
        if depth > DEPTH_MAX:
            raise NotLiteral(f"tables or calls nested deeper than {DEPTH_MAX}")
        if self.kind == "string":
            return unescape(self.take()[1:-1])
        if self.kind == "long":
            text = self.take()
            start = text.index("[", 1) + 1
            return text[start:-start].removeprefix("\n")
        if self.kind == "number":
            return self.number(self.take())
        if self.skip("-"):
            if self.kind != "number":
                self.fail("a number")
            return -self.number(self.take())
        if self.kind == "mark" and self.token == "{":
            return self.table(depth)
        if self.kind == "name":
            return self.call(depth)
        return self.fail("a value")

    @staticmethod
    def number(text):
        if len(text) > 30:
            raise NotLiteral("a number of more than 30 digits")
        return int(text, 16) if text[:2] in ("0x", "0X") else float(text) if re.search("[.eE]", text) else int(text)

    def call(self, depth):
        name = self.take()
        if name in WORDS:
            return WORDS[name]
        while self.skip("."):
            if self.kind != "name":
                self.fail("a name")
            name += "." + self.take()
        if not self.skip("("):
            if depth == 0 or (self.kind == "mark" and self.token in "=.") or self.kind in ("string", "long"):
                raise NotLiteral(f"the word '{name}'")
            return Word(name)
        arguments = []
        while not self.skip(")"):
            arguments.append(self.expression(depth + 1))
            if not self.skip(",") and not (self.kind == "mark" and self.token == ")"):
                self.fail("',' or ')'")
        return Call(name, arguments)

    def table(self, depth):
        self.expect("{")
        table = Table()
        while not self.skip("}"):
            self.field(table, depth)
            if not self.skip(",") and not self.skip(";") and not (self.kind == "mark" and self.token == "}"):
                self.fail("',' or '}'")
        return table

    def field(self, table, depth):
        if self.skip("["):
            key = self.expression(depth + 1)
            self.expect("]")
            self.expect("=")
        elif self.kind == "name" and self.token not in WORDS and re.match(r"\s*=(?!=)", self.text[self.at:]):
            key = self.take()
            self.expect("=")
        else:
            table.items.append(self.expression(depth + 1))
            return
        if not isinstance(key, (str, int)) or isinstance(key, bool):
            raise NotLiteral("a key that is neither a text nor a number")
        if key in table.fields:
            raise NotLiteral(f"the key '{key}' twice")
        table.fields[key] = self.expression(depth + 1)


def parse(text):
    """A value: a text, number, bool or None, Table, Word or Call; NotLiteral if it is anything else."""
    return Parser(text).read()
