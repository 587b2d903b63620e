# SPDX-License-Identifier: BSD-3-Clause
"""JSON of an API, read so that nothing of it is lost silently: objects know their file and line, what was asked of them, and
whoever has read a document names the rest."""
import json
import json.decoder
import json.scanner

from .master import read_text, require_text
from .report import Failure

KINDS = {str: "a text", bool: "true or false", int: "a whole number", float: "a number", list: "an array", dict: "an object",
         type(None): "null"}


class Object(dict):
    """Keys in the order of the file. What the methods give is of the kind that their name says, or a Failure with the place."""

    def __init__(self, pairs, place):
        super().__init__(pairs)
        self.place, self.seen = place, set()

    def take(self, key, kinds, default=None):
        self.seen.add(key)
        value = self.get(key)
        if value is None:
            return default
        if not isinstance(value, kinds) or (isinstance(value, bool) and bool not in kinds):
            raise Failure(f"{self.place}: found {shorten(value)} as {key}, expected {KINDS[kinds[0]]}")
        return value

    def text(self, key, default=None):
        return self.take(key, (str,), default)

    def boolean(self, key, default=False):
        return self.take(key, (bool,), default)

    def integer(self, key, default=None, least=0, most=(1 << 31) - 1):
        return self.check(key, self.take(key, (int,), default), least, most)

    def number(self, key, default=None, least=-1e9, most=1e9):
        """Also one in a text, as some APIs write it."""
        value = self.take(key, (float, int, str), default)
        try:
            value = float(value) if isinstance(value, str) else value
        except ValueError:
            raise Failure(f"{self.place}: found {shorten(value)} as {key}, expected a number") from None
        return self.check(key, value, least, most)

    def check(self, key, value, least, most):
        if value is not None and not least <= value <= most:
            raise Failure(f"{self.place}: found {shorten(value)} as {key}, expected {least} to {most}")
        return value

    def object(self, key):
        return self.take(key, (dict,))

    def array(self, key, kind=None):
        """Of one kind: Object, or a type of Python; null is an empty one."""
        items = self.take(key, (list,), [])
        for item in items:
            if kind is not None and (not isinstance(item, kind) or isinstance(item, bool)):
                raise Failure(f"{self.place}: found {shorten(item)} in {key}, expected {KINDS[dict if kind is Object else kind]}")
        return items

    def pass_over(self, *keys):
        """Nothing has to come of them, and no report needs to tell."""
        self.seen.update(keys)

    def pass_all(self):
        """The same of all that is in it."""
        self.seen.update(self)
        for value in self.values():
            for item in value if isinstance(value, list) else [value]:
                if isinstance(item, Object):
                    item.pass_all()

    def need(self, key, value):
        if value is None:
            raise Failure(f"{self.place}: found no {key}, which is required")
        return value


def shorten(value):
    try:
        text = json.dumps(value, ensure_ascii=False)
    except (ValueError, RecursionError):
        text = "a value"
    return text if len(text) <= 60 else text[:57] + "..."


class Decoder(json.JSONDecoder):
    """Objects with their lines."""

    def __init__(self, name):
        super().__init__(parse_constant=self.refuse)
        self.name, self.starts = name, [0]
        self.parse_object = self.read_object
        self.scan_once = json.scanner.py_make_scanner(self)

    def refuse(self, text):
        raise Failure(f"{self.name}: found {text}, which is no number of JSON")

    def place(self, at):
        """Places are asked for in order, almost: counted from the last one on."""
        known, line = self.last if self.last[0] <= at else (0, 1)
        self.last = at, line + self.text.count("\n", known, at)
        return f"{self.name}:{self.last[1]}"

    def read_object(self, state, *rest):
        text, at = state
        place = self.place(at - 1)
        pairs, end = json.decoder.JSONObject(state, rest[0], rest[1], None, list, *rest[4:])
        keys = set()
        for key, _ in pairs:
            if key in keys:
                raise Failure(f"{place}: found the key {shorten(key)} twice in an object")
            keys.add(key)
        return Object(pairs, place), end

    def read(self, text):
        self.text, self.last = text, (0, 1)
        try:
            document = self.decode(text)
            json.dumps(document, ensure_ascii=False).encode()
            return document
        except json.JSONDecodeError as error:
            raise Failure(f"{self.name}:{error.lineno}:{error.colno}: {error.msg}, expected JSON") from None
        except RecursionError:
            raise Failure(f"{self.name}: nested too deeply") from None
        except UnicodeEncodeError:
            raise Failure(f"{self.name}: found half of a character (\\ud800 to \\udfff), expected text") from None
        except ValueError as error:  # a number of thousands of digits
            raise Failure(f"{self.name}: {error}") from None


def read(path):
    """The object of a file."""
    document = Decoder(path).read(require_text(read_text(path, path), path))
    if not isinstance(document, Object):
        raise Failure(f"{path}:1: found {shorten(document)}, expected an object")
    return document


def name_rest(value, report, shown=""):
    """Each key that nobody has asked for is left out by name; shown: what the object is called."""
    if isinstance(value, list):
        for item in value:
            name_rest(item, report, shown)
    elif isinstance(value, Object):
        for key, inner in value.items():
            if key not in value.seen:
                report.leave_out(value.place, f"{shown}{key}: {shorten(inner)}: steerd has none like it")
            elif isinstance(inner, (list, Object)):
                name_rest(inner, report, f"{shown}{key}: ")
