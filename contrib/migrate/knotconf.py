# SPDX-License-Identifier: BSD-3-Clause
"""Knot DNS's configuration format, which looks like YAML and is less: sections at the margin, below them settings, or items
that begin with "- KEY: VALUE" and have settings of their own. Values are words, quoted texts and [lists] of them. Facts: Knot
DNS documentation, chapter Configuration (Syntax)."""
import dataclasses
import glob
import os

from .master import read_text, require_text
from .report import Failure

INCLUDES_MAX = 32


@dataclasses.dataclass
class Setting:
    key: str
    values: list
    place: str
    is_read: bool = False

    @property
    def value(self):
        if len(self.values) != 1:
            raise Failure(f"{self.place}: found {len(self.values)} values of {self.key}, expected one")
        return self.values[0]


class Item:
    """What stands behind one "-", or the settings of a section without items."""

    def __init__(self, place):
        self.place, self.settings = place, []

    def find(self, key):
        """The setting, which counts as read; None: there is none."""
        found = [setting for setting in self.settings if setting.key == key]
        for setting in found:
            setting.is_read = True
        return found[-1] if found else None

    def value(self, key, default=None):
        found = self.find(key)
        return default if found is None else found.value

    def values(self, key):
        return [value for setting in self.settings if setting.key == key and self.find(key) for value in setting.values]


@dataclasses.dataclass
class Section:
    name: str
    place: str
    items: list


class Reader:
    """The sections of a file, those of included files in their place."""

    def __init__(self, path):
        self.sections = []
        self.read(path, [])

    def read(self, path, parents):
        real = os.path.realpath(path)
        if real in parents or len(parents) > INCLUDES_MAX:
            raise Failure(f"{path}: include of a file within itself, or deeper than {INCLUDES_MAX} files")
        section = None
        for number, line in enumerate(require_text(read_text(path, path), path).split("\n"), 1):
            place = f"{path}:{number}"
            text = line.rstrip("\r")
            if "\t" in text[:len(text) - len(text.lstrip())]:
                raise Failure(f"{place}: found a tab before the text, expected spaces")
            if not text.strip() or text.lstrip().startswith("#"):
                continue
            key, values, is_item = self.split(text.strip(), place)
            if text[0] in " -":
                self.add(section, Setting(key, values, place), is_item)
            elif key == "include":
                self.include(values, os.path.dirname(path), place, parents + [real])
                section = None
            else:
                if values:
                    raise Failure(f"{place}: found a value behind {key}, expected a section")
                section = Section(key, place, [])
                self.sections.append(section)

    def include(self, values, folder, place, parents):
        for value in values:
            pattern = os.path.join(folder, value)
            if os.path.isdir(pattern):
                pattern = os.path.join(pattern, "*.conf")
            found = sorted(glob.glob(pattern))
            if not found:
                raise Failure(f"{place}: found include: {value}, which is no file")
            for path in found:
                self.read(path, parents)

    @staticmethod
    def add(section, setting, is_item):
        if section is None:
            raise Failure(f"{setting.place}: found {setting.key} in no section")
        if is_item:
            section.items.append(Item(setting.place))
        elif not section.items:
            section.items.append(Item(section.place))
        section.items[-1].settings.append(setting)

    # ---- a line ----

    def split(self, text, place):
        """(key, values, whether it begins an item)"""
        is_item = text.startswith("-")
        text = text[1:].lstrip() if is_item else text
        if text.startswith('"'):
            key, text = self.quoted(text, place)
        else:
            end = min((text.find(mark) for mark in (": ", " ") if mark in text), default=len(text))
            key, text = text[:end], text[end:]
            if key.endswith(":"):
                key, text = key[:-1], ":" + text
        text = text.lstrip()
        if not key or not text.startswith(":"):
            raise Failure(f"{place}: found '{(key + text)[:40]}', expected KEY: VALUE")
        return key, self.values(text[1:].lstrip(), place), is_item

    def values(self, text, place):
        if text.startswith("["):
            return self.listed(text[1:].lstrip(), place)
        if not text or text.startswith("#"):
            return []
        value, rest = self.word(text, place, "")
        if rest and not rest.startswith("#"):
            raise Failure(f"{place}: found '{rest[:40]}' behind the value, expected the end of the line")
        return [value]

    def listed(self, text, place):
        values = []
        while not text.startswith("]"):
            value, text = self.word(text, place, ",]")
            values.append(value)
            if text.startswith(","):
                text = text[1:].lstrip()
            elif not text.startswith("]"):
                raise Failure(f"{place}: found {repr(text[:1]) if text else 'the end of the line'}, expected ',' or ']'")
        rest = text[1:].lstrip()
        if rest and not rest.startswith("#"):
            raise Failure(f"{place}: found '{rest[:40]}' behind the list, expected the end of the line")
        return values

    def word(self, text, place, ends):
        """(value, what is behind it)"""
        if text.startswith('"'):
            return self.quoted(text, place)
        end = 0
        while end < len(text) and text[end] not in ends and not (text[end] == "#" and text[end - 1] == " "):
            if not ends and text[end] == " ":
                break
            end += 1
        value = text[:end].rstrip()
        if not value:
            raise Failure(f"{place}: found {repr(text[:1]) if text else 'the end of the line'}, expected a value")
        return value, text[end:].lstrip()

    @staticmethod
    def quoted(text, place):
        made, at = [], 1
        while at < len(text) and text[at] != '"':
            if text[at] == "\\" and at + 1 < len(text):
                at += 1
            made.append(text[at])
            at += 1
        if at >= len(text):
            raise Failure(f"{place}: found no end of the text {text[:40]}")
        return "".join(made), text[at + 1:].lstrip()
