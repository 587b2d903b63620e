# SPDX-License-Identifier: BSD-3-Clause
"""Nothing of a configuration of others is dropped silently, and nothing of it breaks the import: samples of tests/data/import,
changed in one place. IMPORT_SEEDS=500 for more of what is drawn; IMPORT_SEED=7 begins there."""
import contextlib
import io
import json
import os
import random
import re
import sys
import tempfile

import pytest

import gdnsd
import importkit
import kit

sys.path.insert(0, str(kit.TOP / "contrib"))
sys.dont_write_bytecode = True

from migrate import sources  # noqa: E402
from migrate.folder import dump  # noqa: E402
from migrate.report import Failure, Report  # noqa: E402

SEEDS, FIRST = int(os.environ.get("IMPORT_SEEDS", 60)), int(os.environ.get("IMPORT_SEED", 1))
TEXTS = ("powerdns", "knot")
CODES = {"region_pools", "country_pools", "pop_pools", "pool_weights", "header"}  # objects whose keys are no names of settings
UNTOLD = {  # keys without which nothing changes, since the report names them once for all
    "CallerReference", "HealthCheckVersion", "id", "created_on", "modified_on", "description", "notification_email", "pool",
    "healthy", "disable", "disabled_at", "networks", "proxiable", "auto_added", "tags", "comment", "zone_id", "port", "priority",
    "target", "weight", "count", "page", "per_page", "total_count"}
PAGING = {"SetIdentifier", "MaxItems", "success", "total_pages", "country_name", "subdivision_name", "iso_standard", "HostedZoneId", "CollectionId"}


@pytest.fixture(scope="module")
def samples():
    with tempfile.TemporaryDirectory(prefix="steerd.") as folder:
        yield {source: importkit.fill_in(source, importkit.pathlib.Path(folder) / source, importkit.PLAIN) for source in importkit.FILES}


def convert(source, folder):
    """(files, report) as texts; or the Failure's text, which names a file of the folder, and a line where there is one."""
    report, out = Report(), io.StringIO()
    try:
        files = sources.convert(source, [str(folder / name) for name in importkit.FILES[source]], None, report)
    except Failure as error:
        assert "\n" not in str(error) and str(error).startswith(str(folder)), error
        return None, str(error)
    report.write(out)
    return {path: content if isinstance(content, str) else dump(content) for path, content in files.items()}, out.getvalue()


@contextlib.contextmanager
def changed(path, content):
    """The file has another content for a while."""
    before = path.read_bytes()
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    try:
        yield
    finally:
        path.write_bytes(before)


def walk(value, path=()):
    """(path, value) of all objects, arrays and values of a document."""
    yield path, value
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, inner in items:
        yield from walk(inner, path + (key,))


def put(document, path, value):
    """A copy with another value there."""
    copy = json.loads(json.dumps(document))
    node = copy
    for key in path[:-1]:
        node = node[key]
    node[path[-1]] = value
    return copy


@pytest.mark.parametrize("source", ["route53", "cloudflare"])
def test_every_key_is_read_or_named(samples, source):
    """A key that nobody knows, in every object; all at once, each of another name."""
    folder = samples[source]
    for name in importkit.FILES[source]:
        document, added = json.loads((folder / name).read_text()), []
        for number, (path, value) in enumerate(list(walk(document))):
            if isinstance(value, dict) and not CODES & set(path):
                key = f"unheard-of-{number}."
                value[key] = number
                if not {"data", "meta", "settings", "notification_filter", "pool", "result_info"} & set(path):
                    added.append(key)
        with changed(folder / name, json.dumps(document, indent=1)):
            files, report = convert(source, folder)
        assert files is not None, report
        # what is not used at all is named as a whole
        missing = [key for key in added if key not in report]
        whole = [path for path, value in walk(document) if isinstance(value, dict) and set(value) & set(missing)]
        for path in whole:
            node = document
            for key in path:
                node = node[key]
            assert is_named_whole(document, path, report), f"{name}: {path}: {node}"


def is_named_whole(document, path, report):
    """Is this object, or one around it, passed over by its name?"""
    node, names = document, []
    for key in path:
        node = node[key]
        if isinstance(node, dict):
            names += [str(node[known]) for known in ("Id", "id", "name", "Name") if known in node]
    passed = report.split("Left out")[-1]
    return any(name in passed for name in names) or any(str(key) in passed for key in path if isinstance(key, str) and key != "result")


@pytest.mark.parametrize("source", ["route53", "cloudflare"])
def test_every_value_counts_or_is_named(samples, source):
    """Each value, changed: other files, another report, or an error; else it was dropped."""
    folder = samples[source]
    before = convert(source, folder)
    silent = []
    for name in importkit.FILES[source]:
        document = json.loads((folder / name).read_text())
        for path, value in walk(document):
            if isinstance(value, (dict, list)) or value is None or {"data", "result_info"} & set(path):
                continue
            other = not value if isinstance(value, bool) else value + 2 if isinstance(value, (int, float)) else value + "7"
            with changed(folder / name, json.dumps(put(document, path, other), indent=1)):
                after = convert(source, folder)
            keys = [key for key in path if isinstance(key, str)]
            if unplaced(after, before) and not (UNTOLD | PAGING) & set(keys) and not is_named_whole(document, path[:-1], before[1]):
                silent.append((name, path, value))
    assert not silent, "\n".join(map(str, silent))


def unplaced(one, other):
    """Are they the same, but for line numbers, which indentation changes?"""
    return [re.sub(r":[0-9]+: ", ": ", str(part)) for part in one] == [re.sub(r":[0-9]+: ", ": ", str(part)) for part in other]


def test_every_line_of_knot_counts_or_is_named(samples):
    folder = samples["knot"]
    before = convert("knot", folder)
    for name in ("knot.conf", "places.conf", "nets.conf", "chances.conf"):
        lines = (folder / name).read_text().splitlines()
        for number, line in enumerate(lines):
            key = line.strip("- ").partition(":")[0]
            if not line.strip() or line.strip().startswith("#") or line[0] not in " " or f"{key}:" in before[1] or key in ("any", "target") or \
                    line.strip() in ('file: "%s.zone"', "mode: subnet", "config-file: nowhere.conf"):  # as if nothing were said
                continue
            with changed(folder / name, "\n".join(lines[:number] + lines[number + 1:])):
                after = convert("knot", folder)
            assert not unplaced(after, before), f"{name}: without line {number + 1} ({line.strip()}) nothing is different"


def test_every_option_of_a_lua_record_counts_or_is_named(samples):
    folder = samples["powerdns"]
    text = (folder / "example.com.zone").read_text()
    options = {"selector": "'all'", "backupSelector": "'all'", "source": "'192.0.2.9'", "timeout": "0.5", "interval": "9",
               "minimumFailures": "4", "failOnIncompleteCheck": "'true'", "stringmatch": "'x'", "useragent": "'y'", "byteslimit": "77",
               "httpcode": "'204'", "unheard-of": "1"}

    def report_of(inside):
        record = f"probe IN LUA A \"ifurlup('http://h.example/', {{{{'192.0.2.1', '192.0.2.2'}}}}, {{{inside}}})\"\n"
        with changed(folder / "example.com.zone", text + record):
            return convert("powerdns", folder)
    plain = report_of("")
    for key, value in options.items():
        assert not unplaced(report_of(f"['{key}']={value}"), plain), key


def mutate(text, rng):
    """The text with octets lost, doubled, changed, or its end cut off."""
    data = bytearray(text)
    for _ in range(rng.randint(1, 4)):
        at, length = rng.randrange(len(data)), rng.randint(1, 12)
        how = rng.randrange(6)
        if how == 0:
            del data[at:at + length]
        elif how == 1:
            data[at:at] = data[at:at + length]
        elif how == 2:
            data[at] = rng.randrange(256)
        elif how == 3:
            data[at:at + 1] = rng.choice([b"{", b"}", b"[", b"]", b'"', b"'", b"\\", b";", b"(", b"\n", b"\0", b"-", b"999999999999"])
        elif how == 4:
            del data[at:]
        else:
            other = rng.randrange(len(data))
            data[at:at + length] = data[other:other + length]
        data = data or bytearray(b"x")
    return bytes(data)


@pytest.mark.parametrize("source", sorted(importkit.FILES))
def test_broken_files_end_in_an_error_with_its_place(samples, source):
    """Whatever was changed: a configuration, or an error that names the file; never a traceback."""
    folder = samples[source]
    names = sorted(path.name for path in folder.iterdir())
    for seed in range(FIRST, FIRST + SEEDS):
        rng = random.Random(f"{source} {seed}")
        name = rng.choice(names)
        with changed(folder / name, mutate((folder / name).read_bytes(), rng)):
            try:
                files, _ = convert(source, folder)
                json.dumps(files, ensure_ascii=False).encode("utf-8", "surrogateescape")
            except Exception as error:
                raise AssertionError(f"{source}: IMPORT_SEED={seed} broke {name}: {error!r}") from error


@pytest.mark.parametrize("source, content", [
    ("route53", "[" * 100000), ("route53", '{"ResourceRecordSets": ' + "9" * 5000 + "}"), ("route53", '{"a": 1, "a": 2}'),
    ("cloudflare", '{"result": NaN}'), ("cloudflare", "\0"), ("cloudflare", '{"result": [[]]}'), ("cloudflare", ""),
    ("powerdns", "@ SOA a b 1 2 3 4 5\nx IN LUA A \"f(" + "{" * 100000 + '"\n'), ("powerdns", "("), ("powerdns", '"'),
    ("knot", "zone:\n  - domain: \"\n"), ("knot", "  a: b\n"), ("knot", "include: knot.conf\n"), ("knot", "server:\n\tx: y\n")])
def test_hostile_files(samples, source, content):
    folder = samples[source]
    with changed(folder / importkit.FILES[source][0], content):
        files, report = convert(source, folder)
    assert files is None or "100000" not in report and source == "powerdns", report


@pytest.mark.parametrize("source", sorted(importkit.FILES))
def test_what_comes_of_broken_files_is_accepted(samples, source, tmp_path):
    """What was still converted passes steerd --check, or says what is wrong: it never crashes."""
    from migrate.folder import write_folder
    folder, made = samples[source], 0
    for seed in range(FIRST, FIRST + SEEDS):
        rng = random.Random(f"check {source} {seed}")
        name = importkit.FILES[source][rng.randrange(len(importkit.FILES[source]))]
        report = Report()
        with changed(folder / name, mutate((folder / name).read_bytes(), rng)), contextlib.suppress(Failure):
            files = sources.convert(source, [str(folder / each) for each in importkit.FILES[source]], None, report)
            write_folder(files, tmp_path / str(seed), False)
            checked = importkit.check(tmp_path / str(seed))
            assert checked.returncode in (0, 1), checked
            made += 1
            if made == 5:
                return


@pytest.mark.parametrize("sample", sorted(path.name for path in gdnsd.SAMPLES.iterdir()))
def test_broken_configurations_of_gdnsd(sample, tmp_path):
    """Likewise, in a whole folder of it."""
    values = dict.fromkeys("ABCDEFGHIJ", "192.0.2.1") | {"LISTEN": "127.0.0.1", "PORT": 8080, "FOLDER": tmp_path, "PROGRAM": "/bin/true"}
    folder = gdnsd.fill_in(sample, tmp_path / sample, values)
    files = sorted(path for path in folder.rglob("*") if path.is_file() and path.stat().st_size)
    assert sources.convert("gdnsd", [str(folder)], None, Report())
    for seed in range(FIRST, FIRST + SEEDS):
        rng = random.Random(f"{sample} {seed}")
        path = rng.choice(files)
        with changed(path, mutate(path.read_bytes(), rng)):
            try:
                made = sources.convert("gdnsd", [str(folder)], None, Report())
                json.dumps(made, default=str, ensure_ascii=False).encode("utf-8", "surrogateescape")
            except Failure as error:
                assert "\n" not in str(error), error
            except Exception as error:
                raise AssertionError(f"{sample}: IMPORT_SEED={seed} broke {path.relative_to(folder)}: {error!r}") from error
