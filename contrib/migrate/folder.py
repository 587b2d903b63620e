# SPDX-License-Identifier: BSD-3-Clause
"""What a conversion made -> a folder of steerd, whole or not at all; and how steerd calls files of zones and names."""
import json
import os
import re
import shutil
import tempfile

from .report import Failure

SAFE = re.compile(r"[A-Za-z0-9_.*-]")


def write_folder(files, target, force):
    """All files (path -> text or document), into a folder beside the target that then becomes the target."""
    target = os.path.abspath(target)
    if os.path.lexists(target) and not force:
        raise Failure(f"{target}: exists already; --force replaces the files in it")
    os.makedirs(os.path.dirname(target), exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=".migrate.", dir=os.path.dirname(target)) as work:
        made = os.path.join(work, "made")
        for folder in "zones", "var":
            os.makedirs(os.path.join(made, folder))
        for path, content in files.items():
            with open(os.path.join(made, path), "w", encoding="utf-8", errors="surrogateescape") as file:
                file.write(content if isinstance(content, str) else dump(content) + "\n")
        if os.path.lexists(target):
            shutil.copytree(made, target, dirs_exist_ok=True)
        else:
            os.rename(made, target)


def dump(value, indent=""):
    """JSON as a person would lay it out: what fits on a line stays on it."""
    flat = json.dumps(value, ensure_ascii=False)
    if not isinstance(value, (dict, list)) or len(indent) + len(flat) <= 100 and flat.count("{") <= 2:
        return flat
    inner = indent + "  "
    if isinstance(value, list):
        return "[\n" + ",\n".join(inner + dump(item, inner) for item in value) + f"\n{indent}]"
    return "{\n" + ",\n".join(f"{inner}{json.dumps(key, ensure_ascii=False)}: {dump(item, inner)}"
                              for key, item in value.items()) + f"\n{indent}}}"


# ---- names ----

def file_of(origin):
    """The name that steerd gives the file of a zone, without its end."""
    if origin == ".":
        return "%2E"
    return "".join(char if SAFE.fullmatch(char) else "".join(f"%{octet:02X}" for octet in char.encode("utf-8", "surrogateescape"))
                   for char in origin[:-1])


def relative(owner, origin):
    """As a policy writes it."""
    if owner.lower() == origin.lower():
        return "@"
    if origin != "." and owner.lower().endswith("." + origin.lower()):
        return owner[:-len(origin) - 1]
    return owner
