# SPDX-License-Identifier: BSD-3-Clause
"""gdnsd's zone files -> master files that any server loads, and the DYNA and DYNC records in them.

The text stays as it is, comments and layout included, except where gdnsd's syntax is its own: @Z and @F, TTLs that gdnsd
would clamp or replace, long TXT strings, strings over line ends, a first record without an owner, $INCLUDE (its files are
written into the place, as they may hold records to take out). Records that are taken out stay as comments."""
import collections
import dataclasses
import os
import re

from .report import Failure

TYPES_WITH_NAMES = {"NS": (0,), "CNAME": (0,), "PTR": (0,), "DNAME": (0,), "MX": (1,), "SRV": (3,), "SOA": (0, 1),
                    "NAPTR": (5,)}
CLASS = re.compile("IN|CH|HS|CLASS[0-9]+", re.I)
TTL = re.compile(r"(?:[0-9]+[smhdw]?)+(?:/(?:[0-9]+[smhdw]?)+)?", re.I)
CHALLENGE = "_acme-challenge."
UNITS = {"": 1, "s": 1, "m": 60, "h": 3600, "d": 86400, "w": 604800}
INCLUDES_MAX = 32
STRING_MAX = 255


@dataclasses.dataclass
class Limits:
    """What options say about TTLs."""
    default_s: int = 86400
    minimum_s: int = 5
    maximum_s: int = 3600000
    negative_max_s: int = 10800
    challenge_s: int = 0  # of TXT records whose first label is _acme-challenge

    def clamp(self, seconds):
        return min(max(seconds, self.minimum_s), self.maximum_s)


@dataclasses.dataclass
class Word:
    start: int
    end: int
    text: str  # as written, quotes included


@dataclasses.dataclass
class Record:
    """A DYNA or DYNC record."""
    owner: str     # absolute, with the final dot
    rtype: str
    plugin: str
    resource: str
    ttl_max_s: int
    ttl_min_s: int
    limits: dict
    place: str
    at: int        # its index in the lines of the output


def parse_ttl(text):
    return sum(int(number) * UNITS[unit.lower()] for number, unit in re.findall("([0-9]+)([smhdw]?)", text, re.I))


def split_entries(text):
    """(line number, text with its line ends, words) of each entry: a line, or several within parentheses."""
    start, line, first, depth, at, words = 0, 1, 1, 0, 0, []
    while at < len(text):
        char = text[at]
        if char == "\n":
            at, line = at + 1, line + 1
            if depth == 0:
                yield first, text[start:at], words
                start, first, words = at, line, []
        elif char == ";":
            at = text.find("\n", at)
            at = len(text) if at == -1 else at
        elif char in "()":
            depth += 1 if char == "(" else -1
            at += 1
        elif char.isspace():
            at += 1
        else:
            end = find_word_end(text, at)
            words.append(Word(at - start, end - start, text[at:end]))
            line += text.count("\n", at, end)
            at = end
    if start < len(text):
        yield first, text[start:] + "\n", words


def find_word_end(text, at):
    quoted = text[at] == '"'
    at += quoted
    while at < len(text):
        char = text[at]
        if char == "\\":
            at += 1
        elif quoted and char == '"':
            return at + 1
        elif not quoted and (char.isspace() or char in ';()"'):
            return at
        at += 1
    return len(text)


class Zone:
    """One zone file on its way."""

    def __init__(self, path, name, origin, limits, report):
        self.origin, self.limits, self.report = origin, limits, report
        self.lines, self.records = [], []
        self.cname_place = None  # of the first CNAME record
        self.uses = collections.Counter()  # how many records an owner has
        self.default_s, self.address_limits = None, {}
        self.owner, self.written_owner = None, None  # of the record before: here, and in the output
        self.lines.append(f"$TTL {limits.default_s}\n")  # of the options; it holds up to the first $TTL
        self.read(path, name, origin, [])
        first = next((line for line in self.lines[1:] if line.split(";")[0].strip()), "")
        if first.upper().startswith("$TTL"):
            self.lines[0] = ""

    def read(self, path, name, origin, parents):
        real = os.path.realpath(path)
        if real in parents or len(parents) > INCLUDES_MAX:
            raise Failure(f"{name}: $INCLUDE of a file within itself, or deeper than {INCLUDES_MAX} files")
        try:
            with open(path, encoding="utf-8", errors="surrogateescape") as file:
                text = file.read()
        except OSError as error:
            raise Failure(f"{name}: {error.strerror}") from None
        File(self, path, name, origin, parents + [real]).read(text)

    def text(self):
        return "".join(self.lines)

    def comment_out(self, record, why):
        """The record's line becomes a comment that says what became of it."""
        lines = self.lines[record.at].splitlines()
        self.lines[record.at] = f"; gdnsd2steerd: {why}\n" + "".join(f"; {line}\n" for line in lines)

    def replace(self, record, lines):
        self.comment_out(record, "was")
        self.lines[record.at] += "".join(line + "\n" for line in lines)


class File:
    """One file of a zone, with what @F stands for."""

    def __init__(self, zone, path, name, origin, parents):
        self.zone, self.path, self.name, self.parents = zone, path, name, parents
        self.start_origin = self.origin = origin

    def read(self, text):
        for number, entry, words in split_entries(text):
            self.place = f"{self.name}:{number}"
            if not words:
                self.zone.lines.append(entry)
            elif words[0].text.startswith("$"):
                self.read_directive(entry, words)
            else:
                self.read_record(entry, words)

    # ---- names ----

    def expand_special(self, text):
        """@Z and @F, alone or as the last label, become absolute; other names stay."""
        found = re.fullmatch(r"(?:(.+)\.)?@([ZzFf])", text, re.S)
        if found is None:
            return text
        base = self.zone.origin if found[2] in "Zz" else self.start_origin
        return base if found[1] is None else found[1] + "." + base.lstrip(".") if base == "." else f"{found[1]}.{base}"

    def absolute(self, text):
        text = self.expand_special(text)
        if text == "@":
            return self.origin
        if text.endswith(".") and not re.search(r"(?<!\\)(\\\\)*\\\.$", text):
            return text
        return f"{text}." if self.origin == "." else f"{text}.{self.origin}"

    # ---- directives ----

    def read_directive(self, entry, words):
        directive, zone = words[0].text.upper(), self.zone
        if directive == "$ORIGIN" and len(words) == 2:
            self.origin = self.absolute(words[1].text)
            zone.lines.append(f"$ORIGIN {self.origin}\n")
        elif directive == "$TTL" and len(words) == 2:
            zone.default_s = zone.limits.clamp(parse_ttl(words[1].text))
            zone.lines.append(self.replace_words(entry, {1: self.clamped(words[1].text)}, words))
        elif directive == "$INCLUDE" and len(words) in (2, 3):
            self.read_include(words)
        elif directive in ("$ADDR_LIMIT_V4", "$ADDR_LIMIT_V6") and len(words) == 2:
            zone.address_limits[directive] = int(words[1].text)
            zone.lines.append(f"; {entry}")
            self.zone.report.approximate(self.place, f"{directive}: steered names answer so many addresses in turn; static "
                                                     "records of the zone are answered completely")
        else:
            zone.lines.append(f"; gdnsd2steerd: left out\n; {entry}")
            zone.report.leave_out(self.place, f"unknown directive {words[0].text}")

    def read_include(self, words):
        zone, wanted = self.zone, unquote(words[1].text)
        origin = self.absolute(words[2].text) if len(words) == 3 else self.origin
        default_s, limits, owner = zone.default_s, dict(zone.address_limits), zone.owner
        zone.lines.append(f"; from {wanted}\n$ORIGIN {origin}\n")
        zone.owner = None
        zone.read(os.path.join(os.path.dirname(self.path), wanted),
                  os.path.normpath(os.path.join(os.path.dirname(self.name), wanted)), origin, self.parents)
        zone.lines.append(f"; end of {wanted}\n$ORIGIN {self.origin}\n")
        if zone.default_s != default_s:
            zone.lines.append(f"$TTL {zone.limits.default_s if default_s is None else default_s}\n")
        zone.default_s, zone.address_limits, zone.owner = default_s, limits, owner

    # ---- records ----

    def read_record(self, entry, words):
        zone = self.zone
        has_owner = words[0].start == 0
        if has_owner:
            zone.owner = self.absolute(words[0].text)
        elif zone.owner is None:
            zone.owner = zone.origin  # the first record of a file, whatever $ORIGIN says
        at = 1 if has_owner else 0
        ttl = None
        while at < len(words) and (CLASS.fullmatch(words[at].text) or (ttl is None and TTL.fullmatch(words[at].text))):
            if not CLASS.fullmatch(words[at].text):
                ttl = at
            at += 1
        if at == len(words):
            raise Failure(f"{self.place}: found no type in this record")
        rtype = words[at].text.upper()
        zone.uses[zone.owner.lower()] += 1
        if not self.is_inside():
            self.leave_glue(entry, rtype)
            return
        if rtype in ("DYNA", "DYNC"):
            self.add_dynamic(rtype, words[at + 1:], words[ttl].text if ttl is not None else None)
            zone.lines.append(entry)
            return
        zone.lines.append(self.convert_record(entry, words, ttl, at, has_owner))
        zone.written_owner = zone.owner

    def add_dynamic(self, rtype, rdata, ttl):
        zone = self.zone
        if len(rdata) != 1:
            raise Failure(f"{self.place}: found {len(rdata)} words behind {rtype}, expected plugin!resource")
        default_s = zone.limits.default_s if zone.default_s is None else zone.default_s
        longest, _, shortest = (ttl or str(default_s)).partition("/")
        longest_s = parse_ttl(longest)
        shortest_s = parse_ttl(shortest) if shortest else longest_s // 2
        plugin, _, resource = rdata[0].text.partition("!")
        zone.records.append(Record(zone.owner, rtype, plugin, resource, zone.limits.clamp(longest_s),
                                   zone.limits.clamp(shortest_s), dict(zone.address_limits), self.place, len(zone.lines)))

    def is_inside(self):
        owner, origin = self.zone.owner.lower(), self.zone.origin.lower()
        return origin == "." or owner == origin or owner.endswith("." + origin)

    def leave_glue(self, entry, rtype):
        """Addresses of name servers elsewhere, which no resolver takes from here (RFC 2181 section 5.4.1)."""
        zone = self.zone
        zone.lines.append("; gdnsd2steerd: outside of the zone\n" + "".join(f"; {line}\n" for line in entry.splitlines()))
        zone.report.approximate(self.place, f"{zone.owner} {rtype} is outside of the zone: gdnsd sends it beside "
                                            "delegations, steerd does not, and resolvers do not believe it")

    def clamped(self, text):
        seconds = parse_ttl(text)
        limited = self.zone.limits.clamp(seconds)
        return text if limited == seconds else str(limited)

    def convert_record(self, entry, words, ttl, at, has_owner):
        zone, rtype, changes = self.zone, words[at].text.upper(), {}
        if has_owner:
            changes[0] = self.expand_special(words[0].text)
        changes.update({index: join_lines(word.text) for index, word in enumerate(words) if "\n" in word.text})
        if ttl is not None:
            changes[ttl] = self.clamped(words[ttl].text)
        forced_s = self.forced_ttl(rtype, words, ttl, at)
        if forced_s is not None:
            changes[at if ttl is None else ttl] = f"{forced_s} {words[at].text}" if ttl is None else str(forced_s)
        for index in TYPES_WITH_NAMES.get(rtype, ()):
            if at + 1 + index < len(words):
                changes[at + 1 + index] = self.expand_special(words[at + 1 + index].text)
        if rtype == "CNAME" and zone.cname_place is None:
            zone.cname_place = self.place
        if rtype == "SOA" and len(words) == at + 8 and parse_ttl(words[-1].text) != self.negative_ttl(words):
            changes[at + 7] = str(self.negative_ttl(words))
        if rtype in ("TXT", "SPF"):
            changes.update({index: split_string(changes.get(index, words[index].text))
                            for index in range(at + 1, len(words))})
        changes.update({index: " " + changes.get(index, words[index].text) for index in range(1, len(words))
                        if words[index].start == words[index - 1].end})  # one quoted string right behind another
        converted = self.replace_words(entry, changes, words)
        if not has_owner and zone.written_owner != zone.owner:
            converted = zone.owner + converted  # begins with white space: the owner was on a line that is taken out
        return converted

    def forced_ttl(self, rtype, words, ttl, at):
        """What gdnsd gives a record whatever its line says: the SOA that of negative answers, challenges one of their own."""
        limits = self.zone.limits
        if rtype == "TXT" and self.zone.owner.lower().startswith(CHALLENGE):
            return limits.challenge_s
        if rtype != "SOA" or len(words) != at + 8:
            return None
        default_s = limits.default_s if self.zone.default_s is None else self.zone.default_s
        own_s = default_s if ttl is None else limits.clamp(parse_ttl(words[ttl].text))
        return min(own_s, self.negative_ttl(words))

    def negative_ttl(self, words):
        limits = self.zone.limits
        return max(min(parse_ttl(words[-1].text), limits.negative_max_s), limits.minimum_s)

    @staticmethod
    def replace_words(entry, changes, words):
        for index in sorted(changes, reverse=True):
            word = words[index]
            if changes[index] != word.text:
                entry = entry[:word.start] + changes[index] + entry[word.end:]
        return entry


def unquote(text):
    return text[1:-1] if text.startswith('"') else text


def join_lines(text):
    """A string over line ends, with them as escapes: gdnsd takes them as part of it."""
    return text.replace("\n", "\\010")


def split_string(text):
    """A string of more than 255 octets in several, as gdnsd does by itself."""
    inside = unquote(text)
    octets = re.findall(r"\\[0-9]{3}|\\.|[^\\]", inside, re.S)
    size = [len(one.encode("utf-8", "surrogateescape")) if len(one) == 1 else 1 for one in octets]
    if sum(size) <= STRING_MAX:
        return text
    parts, used = [""], 0
    for one, length in zip(octets, size):
        if used + length > STRING_MAX:
            parts.append("")
            used = 0
        parts[-1] += one
        used += length
    return " ".join(f'"{part}"' for part in parts)
