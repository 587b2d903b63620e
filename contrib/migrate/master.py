# SPDX-License-Identifier: BSD-3-Clause
"""Master files (RFC 1035 section 5) of other servers: the text stays as it is, comments and layout included, but for records
that become something else, which stay as comments. $INCLUDE is written into the place; an owner that stood on a line that is
taken out is said again."""
import dataclasses
import os
import re

from .report import Failure
from .zonefile import CLASS, INCLUDES_MAX, TTL, parse_ttl, split_entries

SIZE_MAX = 64 << 20
DEFAULT_S = 3600  # where nothing says a TTL
NAME_MAX = 1004  # 255 octets, each as an escape


@dataclasses.dataclass
class Record:
    owner: str    # absolute, with the final dot
    ttl_s: int
    rtype: str
    rdata: list   # words, as written
    place: str
    at: int       # its index in the lines of the output


def require_text(text, name):
    """Only UTF-8 may stand in documents of steerd."""
    found = re.search("[\ud800-\udfff]", text)
    if found is not None:
        line = text.count("\n", 0, found.start()) + 1
        raise Failure(f"{name}:{line}: found an octet that is not UTF-8, expected text")
    return text


def read_text(path, name):
    try:
        if os.path.getsize(path) > SIZE_MAX:
            raise Failure(f"{name}: more than {SIZE_MAX >> 20} MB")
        with open(path, encoding="utf-8", errors="surrogateescape") as file:
            text = file.read()
    except OSError as error:
        raise Failure(f"{name}: {error.strerror}") from None
    if "\0" in text:
        line = text.count("\n", 0, text.index("\0")) + 1
        raise Failure(f"{name}:{line}: found a NUL, expected text")
    return text


class MasterFile:
    """taken: the types that become something else; `records` has those, `types` all that stays: owner in small letters -> type -> rdata."""

    def __init__(self, path, origin, taken, report):
        self.origin, self.taken, self.report = origin, taken, report
        self.lines, self.records, self.types = [], [], {}
        self.has_soa = False
        self.ttl_s, self.owner, self.written_owner = None, None, None
        self.read(path, path, origin, [])

    def text(self):
        return "".join(self.lines)

    def has(self, owner, rtype):
        return rtype in self.types.get(owner.lower(), ())

    def rdata(self, owner, rtype):
        """Of each record, as written."""
        return self.types.get(owner.lower(), {}).get(rtype, [])

    def read(self, path, name, origin, parents):
        real = os.path.realpath(path)
        if real in parents or len(parents) > INCLUDES_MAX:
            raise Failure(f"{name}: $INCLUDE of a file within itself, or deeper than {INCLUDES_MAX} files")
        for number, entry, words in split_entries(read_text(path, name)):
            place = f"{name}:{number}"
            if not words:
                self.lines.append(entry)
            elif words[0].text.startswith("$"):
                origin = self.read_directive(entry, [word.text for word in words], place, origin, (path, parents + [real]))
            else:
                self.read_record(entry, words, place, origin)

    @staticmethod
    def absolute(text, origin):
        if text == "@":
            return origin
        if text.endswith(".") and not re.search(r"(?<!\\)(\\\\)*\\\.$", text):
            return text
        return f"{text}." if origin == "." else f"{text}.{origin}"

    def comment_out(self, at, why):
        lines = self.lines[at].splitlines()
        self.lines[at] = f"; {why}\n" + "".join(f"; {line}\n" for line in lines)

    # ---- directives ----

    def read_directive(self, entry, words, place, origin, file):
        """Returns the origin of what follows."""
        directive = words[0].upper()
        if directive == "$ORIGIN" and len(words) == 2:
            self.lines.append(entry)
            return self.absolute(words[1], origin)
        if directive == "$TTL" and len(words) == 2 and TTL.fullmatch(words[1]):
            self.ttl_s = parse_ttl(words[1])
            self.lines.append(entry)
        elif directive == "$INCLUDE" and len(words) in (2, 3):
            self.read_include(words, origin, *file)
        else:
            self.lines.append("; left out\n" + "".join(f"; {line}\n" for line in entry.splitlines()))
            self.report.leave_out(place, f"{words[0]}: steerd reads no such line; write its records out")
        return origin

    def read_include(self, words, origin, path, parents):
        wanted = words[1].strip('"')
        inner = self.absolute(words[2], origin) if len(words) == 3 else origin
        self.lines.append(f"; from {wanted}\n$ORIGIN {inner}\n")
        owner, self.owner = self.owner, None
        included = os.path.join(os.path.dirname(path), wanted)
        self.read(included, included, inner, parents)
        self.lines.append(f"; end of {wanted}\n$ORIGIN {origin}\n")
        self.owner, self.written_owner = owner, None

    # ---- records ----

    def read_record(self, entry, words, place, origin):
        has_owner = words[0].start == 0
        if has_owner:
            if len(words[0].text) > NAME_MAX:
                raise Failure(f"{place}: found a name of {len(words[0].text)} characters, which is too long (RFC 1035 section 2.3.4)")
            self.owner = self.absolute(words[0].text, origin)
        if self.owner is None:
            raise Failure(f"{place}: found a record without an owner at the beginning, expected a name")
        at, ttl_s = int(has_owner), None
        while at < len(words) and (CLASS.fullmatch(words[at].text) or (ttl_s is None and TTL.fullmatch(words[at].text))):
            if not CLASS.fullmatch(words[at].text):
                ttl_s = parse_ttl(words[at].text)
            at += 1
        if at == len(words):
            raise Failure(f"{place}: found no type in this record")
        rtype = words[at].text.upper()
        if not re.fullmatch("[A-Z][A-Z0-9-]*", rtype):
            raise Failure(f"{place}: found {words[at].text[:40]!r}, expected the type of a record")
        if ttl_s is not None and ttl_s >= 1 << 31:
            raise Failure(f"{place}: found a TTL of {ttl_s}, expected at most {(1 << 31) - 1} (RFC 2181 section 8)")
        self.add(entry, has_owner, Record(self.owner, ttl_s, rtype, [word.text for word in words[at + 1:]], place,
                                          len(self.lines)))

    def add(self, entry, has_owner, record):
        if record.rtype == "SOA":
            if self.has_soa:
                raise Failure(f"{record.place}: found a second SOA record, expected one zone in a file")
            self.origin, self.has_soa = record.owner, True
        if record.ttl_s is None:
            record.ttl_s = DEFAULT_S if self.ttl_s is None else self.ttl_s
        if record.rtype in self.taken:
            require_text(entry + record.owner, record.place)
            self.records.append(record)
            self.lines.append(entry)
            return
        self.types.setdefault(record.owner.lower(), {}).setdefault(record.rtype, []).append(" ".join(record.rdata))
        if not has_owner and self.written_owner != record.owner:
            entry = record.owner + entry  # begins with white space: the owner was on a line that is taken out
        self.lines.append(entry)
        self.written_owner = record.owner
