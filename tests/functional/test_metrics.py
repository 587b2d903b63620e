# SPDX-License-Identifier: BSD-3-Clause
"""doc/metrics.md against what is exported, both ways: by a server that has one of everything, by a node of a cluster, and by what the sources
name. A metric, a label or a value that somebody adds, or takes away, is a row of that page."""
import json
import pathlib
import re
import subprocess

import everykit
import kit
import pytest
import yaml

TOP = pathlib.Path(kit.__file__).parents[2]
CONTRIB = TOP / "contrib"
TEXT = (TOP / "doc" / "metrics.md").read_text()
ROWS = {cells[0].strip("`"): cells[1:] for line in TEXT.splitlines() if line.startswith("| `steerd_")
        for cells in [[cell.strip() for cell in line.strip("|").split(" | ")]]}
VALUES = {name: re.findall("`([^`]+)`", values) for name, values in re.findall(r"^\| ([a-z ]+) \| (`.*) \|$", TEXT.split("## Values")[1], re.M)}


def read_labels(cell):
    """label -> the values that there are; None: any."""
    labels = {}
    for one in filter(None, cell.split("; ")):
        label, said = re.fullmatch(r"`(\w+)`: (.+)", one).groups()
        listed = re.fullmatch(r"\[(.*)\]\(#values\)", said)
        labels[label] = VALUES[listed[1]] if listed else re.findall("`([^`]+)`", said) or None
    return labels


@pytest.fixture(scope="module")
def texts():
    with everykit.one_of_everything() as server:
        whole = everykit.read_metrics(server)
    with everykit.node_of_a_cluster() as server:
        return [whole, everykit.read_metrics(server)]


@pytest.fixture(scope="module")
def exported(texts):
    """metric -> (type, help, label -> values), as they are; `le` of histograms is not worth a word."""
    metrics = {}
    for line in "".join(texts).splitlines():
        if line.startswith("# HELP "):
            name, text = line[7:].split(" ", 1)
            metrics.setdefault(name, [None, text, {}])
        elif line.startswith("# TYPE "):
            name, metrics[name][0] = line[7:].split(" ")
        else:
            sample, labels = re.fullmatch(r"(\w+)(?:\{(.*)\})? \S+", line).groups()
            name = re.sub("_(bucket|sum|count)$", "", sample) if metrics.get(sample) is None else sample
            for label, value in re.findall(r'(\w+)="((?:[^"\\]|\\.)*)"', labels or ""):
                if label != "le":
                    metrics[name][2].setdefault(label, set()).add(value)
    return metrics


def test_promtool_finds_nothing(texts):
    for text in texts:
        done = subprocess.run(["promtool", "check", "metrics"], input=text, capture_output=True, text=True, check=False)
        assert (done.returncode, done.stdout + done.stderr) == (0, "")


def test_the_page_and_the_server_agree(exported):
    assert sorted(set(exported) - set(ROWS)) == [], "are not in doc/metrics.md"
    assert sorted(set(ROWS) - set(exported)) == [], "are in doc/metrics.md, and nobody exports them"


def judge(name, real_kind, real_help, real_labels):
    """What is wrong with a row."""
    kind, labels, unit, says, _ = ROWS[name]
    wanted = read_labels(labels)
    if (kind, says) != (real_kind, real_help):
        yield f"is a {real_kind}: {real_help}"
    if set(wanted) != set(real_labels):
        yield f"has the labels {sorted(real_labels)}"
    for label, values in wanted.items():
        if values is not None and not real_labels.get(label, set()) <= set(values):
            yield f"has {label} {sorted(real_labels[label] - set(values))}, too"
    if (kind == "counter") != name.endswith("_total"):
        yield "counters end with _total, and nothing else does"
    if unit != unit_of(name) and (unit_of(name) != "count" or not unit):
        yield f"has the unit {unit_of(name)}"


def test_rows_say_what_is_so(exported):
    faults = [f"{name}: {fault}" for name in ROWS if name in exported for fault in judge(name, *exported[name])]
    assert not faults, "\n".join(faults)


def unit_of(name):
    """What its name promises."""
    for end, unit in {"_time_seconds": "Unix time", "_timestamp_seconds": "Unix time", "_seconds": "s", "_seconds_total": "s", "_seconds_max": "s",
                      "_bytes": "octets", "_bytes_total": "octets", "_octets_total": "octets", "_ratio": "0 to 1", "_share": "0 to 1", "_percent": "%"}.items():
        if name.endswith(end):
            return unit
    return "count"


def read_sources():
    """All string literals of the server, those that stand one behind the other as one."""
    text = "\n".join(re.sub(r'"\s*\n\s*"', "", path.read_text()) for path in sorted((TOP / "src").rglob("*.[ch]")) if path.parts[-2] != "ctl")
    return re.findall(r'"((?:[^"\\\n]|\\.)*)"', text)


def test_no_name_of_the_sources_is_missing():
    """Whatever state it takes to export it."""
    named = {name for literal in read_sources() for name in re.findall(r"\bsteerd_[a-z0-9_]*", literal.replace("\\n", " "))}
    histograms = {name + end for name, row in ROWS.items() if row[0] == "histogram" for end in ("_bucket", "_sum", "_count")}
    assert sorted(named - set(ROWS) - histograms) == [], "are not in doc/metrics.md; a name is written in one piece"
    assert sorted(set(ROWS) - named) == [], "are in doc/metrics.md, and no source names them"


def test_no_label_of_the_sources_is_missing():
    """Also one that is put in only sometimes."""
    named = {label for literal in read_sources() for label in re.findall(r'(?:\{|,|\\",)([a-z_]+)=\\"', literal)}
    listed = {label for row in ROWS.values() for label in read_labels(row[1])}
    assert sorted(named - {"le"} - listed) == [], "are in no row of doc/metrics.md"


def test_each_value_is_one_of_the_sources():
    words = {word for literal in read_sources() for word in re.findall(r"[a-z0-9_]+", literal.replace("\\n", " "))}
    for name, row in ROWS.items():
        for label, values in read_labels(row[1]).items():
            assert set(values or ()) <= words, (name, label, set(values) - words)


def test_what_uses_a_metric_is_told():
    uses = {rule["alert"]: rule["expr"] + " ".join(rule["annotations"].values()) for path in sorted((CONTRIB / "prometheus").glob("*.rules.yml"))
            for group in yaml.safe_load(path.read_text())["groups"] for rule in group["rules"]}
    for path in sorted((CONTRIB / "grafana").glob("*.json")):
        for panel in json.loads(path.read_text())["panels"]:
            uses[f'panel "{panel["title"]}"'] = " ".join(target["expr"] for target in panel["targets"])
    for name, row in ROWS.items():
        expected = ", ".join(use for use, text in uses.items() if re.search(rf"\b{name}(?:_bucket|_sum|_count)?\b", text))
        assert row[4] == expected, f"{name} is used by: {expected}"
