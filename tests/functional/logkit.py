# SPDX-License-Identifier: BSD-3-Clause
"""What the sources say of the log: every call of log_info() and its sisters with its event, its fields and their types; and every field of the lines that
events become. Read as base/log_record.h describes formats."""
import pathlib
import re

TOP = pathlib.Path(__file__).resolve().parents[2]
CALL = re.compile(r"\b(?:log_(info|warning|error|debug)|say)\((?=\s*\")")  # say: log_error or log_warning
PIECE = re.compile(r'\s*(?:"((?:[^"\\\n]|\\.)*)"|PRI([diuxX])\w*|[A-Z][A-Z0-9_]{2,}\b(?!\())')
CONVERSION = re.compile(r"%[-+ #0]*[\d*]*(?:\.[\d*]+)?(?:hh|h|ll|l|j|z|t|L)?([a-zA-Z])")
KEY = re.compile(r"([A-Za-z0-9_.-]+)=")
NUMBERS = "dieufg"
# Functions that put a pair into the body of a change: which of them are numbers.
PAIR = re.compile(r'\b(change_body_add|change_body_add_number|change_body_add_real|add_time|add_seconds|add_[a-z]+)\(\s*&?\w+,\s*"(\w+)"')
WRITERS = ("daemon/changes.c", "daemon/changes_rules.c", "daemon/changes_moves.c", "herald/herald.c", "herald/hooks.c")
QUERY_LOG = "tap/lines.c"


def read_formats(text):
    """(level, format) of each call, as the compiler joins it."""
    for call in CALL.finditer(text):
        at, joined = call.end(), ""
        while piece := PIECE.match(text, at):
            joined += piece[1].replace('\\"', '"') if piece[1] is not None else piece[2] or "x"
            at = piece.end()
        if call[1] is not None:
            yield call[1], joined
        elif KEY.search(joined):
            yield from (("error", joined), ("warning", joined))


def take_value(text, at):
    """A template that begins there, and where it ends."""
    if text[at:at + 1] == '"':
        end = text.index('"', at + 1)
        return text[at + 1:end], end + 1
    end = re.compile(r" (?=[A-Za-z0-9_.-]+=)").search(text, at)
    return text[at:end.start() if end else len(text)], end.start() if end else len(text)


def parse_format(text):
    """The event, with an ellipsis where words are put in, and field -> "number" or "text"."""
    first = re.search(r"(?:^| )[A-Za-z0-9_.-]+=", text)
    at, fields = first.start() if first else len(text), {}
    event = CONVERSION.sub("…", text[:at]).strip()
    while at < len(text):
        key = KEY.match(text, at)
        if key is None:
            at += 1
            continue
        value, at = take_value(text, key.end())
        only = CONVERSION.fullmatch(value)
        fields[key[1]] = "number" if only and only[1] in NUMBERS else "text"
    return event, fields


def list_sources():
    return [path for path in sorted((TOP / "src").rglob("*.c")) if path.parent.name not in ("base", "ctl", "observe", "page")]


def read_calls():
    """event -> (levels, field -> types)"""
    events = {}
    for path in list_sources():
        for level, text in read_formats(path.read_text()):
            event, fields = parse_format(text)
            levels, known = events.setdefault(event, (set(), {}))
            levels.add(level)
            for key, kind in fields.items():
                known.setdefault(key, set()).add(kind)
    return events


def read_changes():
    """Of lines that tell of changes: field -> types, whatever its kind."""
    fields = {}
    for name in WRITERS:
        for function, key in PAIR.findall((TOP / "src" / name).read_text()):
            kind = "number" if function in ("change_body_add_number", "change_body_add_real", "add_seconds") else "text"
            fields.setdefault("event_seq" if key == "event" else key, set()).add(kind)
    return fields


def read_query_log():
    text = (TOP / "src" / QUERY_LOG).read_text()
    return {key: {"number" if function == "add_number" else "text"} for function, key in re.findall(r'\b(add_number|log_record_add)\(line, "(\w+)"', text)}
