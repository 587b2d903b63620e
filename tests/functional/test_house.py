# SPDX-License-Identifier: BSD-3-Clause
"""The lint tools themselves, on small trees with one fault each: a linter that cannot fail protects nothing."""
import subprocess

import pytest

import kit


def run(tool, top):
    return subprocess.run([str(kit.TOP / "tests/lint" / tool), str(top)], capture_output=True, text=True, check=False)


def make(top, layers="base:\ndns: base\ndaemon: base dns\n", **files):
    for folder in "base", "dns", "daemon":
        (top / "src" / folder).mkdir(parents=True)
        (top / "src" / folder / "a.c").write_text('#include "config.h"\n')
    (top / "src/LAYERS").write_text(layers)
    for name, text in files.items():
        (top / "src" / name.replace("__", "/").replace("_h", ".h").replace("_c", ".c")).write_text(text)
    return top


def test_good_tree(tmp_path):
    make(tmp_path, dns__b_c='#include "base/x.h"\n#include "dns/y.h"\n#include <stdio.h>\n')
    assert run("layers", tmp_path).returncode == 0


@pytest.mark.parametrize("file, text, word", [
    ("base__b_c", '#include "dns/y.h"\n', "row of base"),
    ("dns__b_c", '#  include  "daemon/y.h"\n', "row of dns"),
    ("dns__b_c", '#include "y.h"\n', "not rooted"),
    ("dns__b_c", "#include <jansson.h>\n", "jansson.h"),
    ("base__b_c", "#include <event2/event.h>\n", "event2"),
    ("dns__b_c", '#include "nowhere/y.h"\n', "no folder"),
])
def test_includes_that_are_not_allowed(tmp_path, file, text, word):
    done = run("layers", make(tmp_path, **{file: text}))
    assert done.returncode == 1 and word in done.stdout
    assert done.stdout.count("not ok") == 1


def test_layers_file_itself(tmp_path):
    assert run("layers", make(tmp_path, layers="base: dns\ndns:\ndaemon:\n")).returncode == 1
    (tmp_path / "src/extra").mkdir()
    (tmp_path / "src/LAYERS").write_text("base:\ndns: base\ndaemon: base dns\n")
    done = run("layers", tmp_path)
    assert done.returncode == 1 and "extra" in done.stdout


def test_sizes(tmp_path):
    function = "int f(void)\n{\n" + "    x();\n" * 70 + "}\n"
    done = run("sizes", make(tmp_path, dns__b_c=function))
    assert done.returncode == 0 and "f() has 73 lines" in done.stdout
    (tmp_path / "src/dns/b.c").write_text(function.replace("    x();\n", "    x();\n    y();\n"))
    assert run("sizes", tmp_path).returncode == 1
    (tmp_path / "src/dns/b.c").write_text("/* */\n" * 1001)
    assert run("sizes", tmp_path).returncode == 1
    (tmp_path / "src/dns/b.c").write_text("int f(int a, int (*b)(int, int), int c,\n      int d, int e, int f)\n{\n}\n")
    assert "f() has 6 parameters" in run("sizes", tmp_path).stdout


def test_the_distribution_has_every_test():
    folder = kit.TOP / "tests/functional"
    listed = (folder / "local.mk").read_text()
    missing = [path.name for path in folder.iterdir() if path.is_file() and f"tests/functional/{path.name}" not in listed
               and path.name != "local.mk"]
    assert missing == []
