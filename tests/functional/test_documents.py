# SPDX-License-Identifier: BSD-3-Clause
"""What the documents say is there: every page is on the map (doc/README.md), every link and anchor leads somewhere, every verb and option of
steerctl that is named exists, and every whole document in a fence loads.

What is added to doc/ needs a line in doc/README.md and nothing here."""
import functools
import json
import pathlib
import re
import subprocess
import urllib.parse

import jsonschema
import kit
import pytest

PAGES = sorted(pathlib.Path(name) for name in subprocess.run(
    ["find", ".", "-name", "*.md", "-not", "-path", "./build*", "-not", "-path", "./.*"], cwd=kit.TOP, capture_output=True, text=True,
    check=True).stdout.split())
MAP = pathlib.Path("doc/README.md")


def read(page):
    return (kit.TOP / page).read_text()


def drop_fences(text):
    return re.sub(r"^( *)```.*?^ *```", "", text, flags=re.M | re.S)


def list_fences(text):
    """(what stands behind the opening one, what is between)"""
    return re.findall(r"^ *```([^\n]*)\n(.*?)^ *```", text, re.M | re.S)


def drop_code(text):
    """Without fences and what stands in backticks: there, brackets are brackets."""
    return re.sub(r"`[^`]*`", "``", drop_fences(text))


# ---- the map ----

def list_of_map(text):
    return {(MAP.parent / link.partition("#")[0]) for link in re.findall(r"\]\(([^)]+)\)", text)}


def missing_on(text):
    documents = [path.relative_to(kit.TOP) for path in [*kit.TOP.glob("doc/*.md"), *kit.TOP.glob("doc/man/*.[1-8]"), *kit.TOP.glob("doc/*.yaml")]]
    return sorted(str(path) for path in documents if path != MAP and path not in list_of_map(text))


def test_every_page_is_on_the_map():
    assert missing_on(read(MAP)) == [], "a line in doc/README.md, please"
    assert missing_on(read(MAP).replace("](rules.md)", "](steering.md)")) == ["doc/rules.md"]


def test_every_page_is_distributed():
    listed = (kit.TOP / "doc/local.mk").read_text()
    files = [path.relative_to(kit.TOP) for folder in ("doc", "doc/img", "doc/man", "doc/schema") for path in (kit.TOP / folder).iterdir() if path.is_file()]
    assert [str(path) for path in files if path.name != "local.mk" and str(path) not in listed] == []


# ---- links ----

def slug(title):
    """What GitHub and others make of a title, so that one can link to it."""
    title = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", title).replace("`", "").strip().lower()
    return re.sub(r"[^\w\- ]", "", title).replace(" ", "-")


@functools.cache
def anchors_of(page):
    found = {}
    text = drop_fences(read(page))
    for title in re.findall(r"^#+ (.+)$", text, re.M):
        number = found[slug(title)] = found.get(slug(title), -1) + 1
        if number:
            found[f"{slug(title)}-{number}"] = 0
    return {*found, *re.findall(r'<a id="([^"]+)">', text)}


def broken_links(page, text):
    broken = []
    for link in re.findall(r"\]\(([^)\s]+)\)", drop_code(text)):
        if re.match(r"[a-z]+:", link):
            continue
        path, _, anchor = link.partition("#")
        target = pathlib.Path(*(kit.TOP / page.parent / urllib.parse.unquote(path)).resolve().parts) if path else kit.TOP / page
        if not target.exists() or (anchor and (target.suffix != ".md" or anchor not in anchors_of(target.relative_to(kit.TOP)))):
            broken.append(link)
    return broken


@pytest.mark.parametrize("page", PAGES, ids=str)
def test_links_lead_somewhere(page):
    assert broken_links(page, read(page)) == []


@pytest.mark.parametrize("link, is_broken", [
    ("steering.md", False), ("steering.md#recipes", False), ("steering.md#recipe", True), ("nowhere.md", True), ("#the-map", False), ("#the-mop", True),
    ("../README.md#use-it", False), ("local.mk#x", True), ("https://example.org/x", False),
])
def test_what_a_broken_link_is(link, is_broken):
    assert bool(broken_links(MAP, f"see [it]({link})\n")) == is_broken
    assert not broken_links(MAP, f"`[it]({link})`\n```\n[it]({link})\n```\n")


# ---- files ----

def list_paths(text):
    """What is named in backticks as a file of this tree; `build/…` is built from one of the same name."""
    for code in re.findall(r"`([^`]*)`", drop_fences(text)):
        yield from re.findall(r"(?:^|[\s=(/]build/|[\s=(])((?:tests|src|contrib|doc)/[a-z0-9_][\w./-]*[\w/])(?![\w*{…])", code)


def missing_paths(text):
    return [path for path in list_paths(text) if "NAME" not in path and not any((kit.TOP / f"{path}{end}").exists() for end in ("", ".c", ".in"))]


@pytest.mark.parametrize("page", PAGES, ids=str)
def test_files_that_are_named_are_there(page):
    assert missing_paths(read(page)) == []


def test_what_a_file_is():
    assert missing_paths("`tests/bench/nothing 5`, `FLEET_CORE=0 tests/bench/fleet`, `tests/unit/test_swarm`") == ["tests/bench/nothing"]
    assert missing_paths("`RESPONDER=build/tests/bench/responder x`, `make tests/bench/responders`") == ["tests/bench/responders"]


# ---- steerctl ----

@functools.cache
def help_of(verb=None):
    done = kit.run_ctl("help", *([verb] if verb else []))
    return done.stdout if done.returncode == 0 else None


@functools.cache
def list_verbs():
    return set(kit.list_verbs())


@functools.cache
def list_options(verb):
    common = re.findall(r"--[a-z][a-z-]*", help_of().partition("Options of every verb")[2])
    return {*re.findall(r"^  (--[a-z][a-z-]*)", help_of(verb), re.M), *re.findall(r"^usage:.*", help_of(verb), re.M), *common, "--help"}


def list_calls(text):
    """Each `steerctl …` in fences and backticks, as its words up to what ends a command; calls that go on in a second line are whole."""
    text = re.sub(r"\\\n[> ]*", " ", text)
    codes = [code.replace("\n", " ") for part in re.split(r"\n\s*\n", drop_fences(text)) for code in re.findall(r"`([^`]*)`", part)]
    codes += [line for info, block in list_fences(text) if not info.startswith("json") for line in block.splitlines()]
    for code in codes:
        for found in re.finditer(r"(?:^|[\s(/\"])steerctl (?!:)([^|;&#)]*)", code):
            yield re.sub(r'"[^"]*"|\'[^\']*\'', "TEXT", found[1].replace("…", " … ")).split()


def find_verb(words):
    """The verb, and what stands behind it; options of steerctl itself and their values go before it."""
    rest = list(words)
    while rest and rest[0].startswith("-"):
        rest = rest[1:] if rest[0] in ("--json", "-j", "--help", "-h", "--version", "-V") else rest[2:]
    return (rest[0].rstrip(".,:"), rest[1:]) if rest else (None, [])


def unknown_in(words):
    verb, rest = find_verb(words)
    if verb is None or not re.fullmatch(r"[a-z][a-z-]*", verb):
        return []  # VERB, …
    if verb not in list_verbs():
        return [verb]
    return [word for word in (re.match(r"--?[a-z-]+|.*", each)[0] for each in rest) if word.startswith("--") and len(word) > 2 and word not in list_options(verb)]


@pytest.mark.parametrize("page", PAGES, ids=str)
def test_verbs_and_options_exist(page):
    assert [(" ".join(words), unknown) for words in list_calls(read(page)) if (unknown := unknown_in(words))] == []


def test_what_is_looked_at():
    calls = [find_verb(words)[0] for page in PAGES for words in list_calls(read(page))]
    assert len(calls) > 300 and len(list_verbs() - set(calls)) < 20, list_verbs() - set(calls)


@pytest.mark.parametrize("text, unknown", [
    ("`steerctl regions`", []), ("`steerctl region`", ["region"]), ("`steerctl drain az:x --for 5m`", []), ("`steerctl drain az:x --vor 5m`", ["--vor"]),
    ("```sh\nsteerctl -s x --json drain az:x \\\n  --wrong\n```", ["--wrong"]), ("```console\n$ x=$(steerctl nonsense)\n```", ["nonsense"]),
    ("steerctl nonsense", []), ("`steerctl VERB`", []), ("`steerctl drain x --reason \"no --such\"`", []), ("`sudo steerctl drayn`", ["drayn"]),
])
def test_what_is_unknown(text, unknown):
    assert [each for words in list_calls(text) for each in unknown_in(words)] == unknown


# ---- documents ----

SCHEMAS = {name: json.loads((kit.TOP / f"doc/schema/{name}.json").read_text()) for name in ("steerd", "topology", "policy", "drill")}
ZONE = "$TTL 300\n@ IN SOA ns1 hostmaster ( 1 3600 600 604800 30 )\n@ IN NS ns1\nns1 IN A 192.0.2.1\n"


def list_values(text):
    """What is in fences of JSON: objects, and what stands in one (`"key": …`). Those with "…" for what is left out are no documents."""
    for info, block in list_fences(text):
        for whole in block, "{" + block + "}":
            try:
                value = json.loads(whole)
            except ValueError:
                continue
            if info.startswith("json") and isinstance(value, dict) and "…" not in whole:
                yield block, value


def list_parts():
    """Those that are a part of a document that one writes: its names, by what it has, and the value."""
    for page in PAGES:
        for block, value in list_values(read(page)):
            names = [name for name, schema in SCHEMAS.items() if value.keys() <= schema["properties"].keys()]
            if names:
                yield pytest.param(names, value, id=f"{page}:{read(page).partition(block)[0].count(chr(10))}")


def errors_of(name, value):
    schema = {key: part for key, part in SCHEMAS[name].items() if key != "required"}
    return [error.message for error in jsonschema.Draft202012Validator(schema).iter_errors(value)]


PARTS = list(list_parts())


@pytest.mark.parametrize("names, value", PARTS)
def test_parts_are_what_a_schema_says(names, value):
    assert [] in [errors_of(name, value) for name in names]


def test_which_parts_there_are():
    assert len(PARTS) > 40 and {name for part in PARTS for name in part.values[0]} == set(SCHEMAS)
    assert errors_of("steerd", {"brake": {"hald": "2m"}}) and errors_of("policy", {"names": {"www": {"ttl": "soon"}}})


def check(folder, value):
    """`steerd --check` of a steerd.json, with all that it names beside it."""
    (folder / "zones").mkdir()
    (folder / "zones/example.com.zone").write_text(ZONE)
    (folder / "topology.json").write_text('{ "regions": { "us-east": { "azs": { "us-east-1a": {} } } } }')
    for key in value.get("keys", {}).values():
        (folder / key["secret_file"]).write_text("c3RlZXJkc3RlZXJkc3RlZXJkc3RlZXJk\n")
        (folder / key["secret_file"]).chmod(0o600)
    (folder / "steerd.json").write_text(json.dumps({**value, "topology": "topology.json"}))
    return kit.run_steerd("-c", str(folder / "steerd.json"), "--check")


WHOLE = [pytest.param(part.values[1], id=part.id) for part in PARTS if {"listen", "zones"} <= part.values[1].keys()]


@pytest.mark.parametrize("value", WHOLE)
def test_settings_load(tmp_path, value):
    done = check(tmp_path, value)
    assert done.returncode == 0, done.stderr


def test_settings_that_do_not_load(tmp_path):
    assert len(WHOLE) > 1 and check(tmp_path, {**WHOLE[0].values[0], "listne": "192.0.2.1"}).returncode == 1
