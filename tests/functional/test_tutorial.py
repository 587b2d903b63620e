# SPDX-License-Identifier: BSD-3-Clause
"""doc/tutorial.md is what happens: each command of its blocks is run, in one shell, and what it says is held to what the page shows.

A block that begins with ```sh run is one command, which says nothing. One with ```console is a dialogue: lines with "$ " are commands, those with
"> " go on with one, the others are what is seen. Each command has to end with 0. Words behind `console` say what is different in a block:
    again     the last command is repeated until it says what the page shows, as a reader would do
    refused   the last command ends with another code than 0
    order     lines may come in any order
    varies=   with commas between: kinds of VARIES, which are taken for equal in this block
A line that is "…" alone stands for one line or more; one that ends in "…" for all that begin so. The page's ports become free ones, and
names made of a time (20261125T124702Z-us-east), once shown, become those that were really shown. Nothing else may differ, not even blanks,
but that those between columns do not count where values vary. test_each_line_counts() holds the runner itself to that."""
import os
import pathlib
import re
import signal
import socket
import subprocess
import time

import kit
import pytest

PAGE = (kit.TOP / "doc/tutorial.md").read_text()
PORTS = ("15310", "18080")
ADDRESSES = ("127.0.0.1", "127.0.11.1", "127.0.11.2", "127.0.12.1", "127.0.12.2")
VARIES = {
    "time": r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(\.\d+)?Z|\b\d{8}T\d{6}Z\b",
    "age": r"\b\d+[smh]\b( ago)?",
    "took": r"\b\d+(\.\d+)? m?s\b",
    "user": r"\buid:\d+\([^ )]+\)",
    "compared": r"\b\d+ answers of others",
}
NAME = re.compile(r"\b\d{8}T\d{6}Z-[a-z0-9-]+")


class Block:
    def __init__(self, kind, marks, text, line):
        self.line, self.marks, self.dialogue = line, {mark.partition("=")[0] for mark in marks}, []
        self.varies = [kind for mark in marks if mark.startswith("varies=") for kind in mark.partition("=")[2].split(",")]
        unknown = (self.marks - {"again", "refused", "order", "varies"}) | (set(self.varies) - VARIES.keys())
        assert not unknown, f"line {line}: no mark {unknown}"
        if kind == "sh run":
            self.dialogue.append((text.splitlines(), []))
            return
        for each in text.splitlines():
            if each.startswith("$ "):
                self.dialogue.append(([each[2:]], []))
            elif each.startswith("> ") and not self.dialogue[-1][1]:
                self.dialogue[-1][0].append(each[2:])
            else:
                self.dialogue[-1][1].append(each)


def read_blocks(page):
    return [Block(found[1], found[2].split(), found[3], page[:found.start()].count("\n") + 1)
            for found in re.finditer(r"^```(console|sh run)([^\n]*)\n(.*?)^```$", page, re.M | re.S)]


# ---- what is shown, and what is seen ----

def level(lines, varies):
    """What varies is replaced by its kind, and the columns that it shifts are one blank apart."""
    lines = [line.rstrip() for line in lines]
    for kind in varies:
        lines = [re.sub(VARIES[kind], f"<{kind}>", line) for line in lines]
    return [re.sub(r"(?<=\S)\s+", " ", line) for line in lines] if varies else lines


def line_matches(shown, seen):
    return seen.startswith(shown[:-1]) if shown.endswith("…") else shown == seen


def match(shown, seen):
    """For each line that is seen the number of the one that is shown, None where that is "…"; no list if they differ."""
    if not shown or not seen:
        return [] if shown == seen else None
    if shown[0] == "…":
        for skipped in range(1, len(seen) + 1):
            rest = match(shown[1:], seen[skipped:])
            if rest is not None:
                return [None] * skipped + [number if number is None else number + 1 for number in rest]
        return None
    if not line_matches(shown[0], seen[0]):
        return None
    rest = match(shown[1:], seen[1:])
    return None if rest is None else [0] + [number if number is None else number + 1 for number in rest]


def compare(block, shown, seen):
    """Whether they are the same, as the marks of the block have it; and the names that are called otherwise."""
    if "order" in block.marks:
        cut = next((number for number, line in enumerate(shown) if line in ("", "…")), len(shown))
        shown, seen = sorted(shown[:cut]) + shown[cut:], sorted(seen[:cut]) + seen[cut:]
    numbers = match(level(shown, block.varies), level(seen, block.varies))
    if numbers is None:
        return False, {}
    names = {}
    for line, number in zip(seen, numbers):
        if number is not None:
            names.update(zip(NAME.findall(shown[number]), NAME.findall(line)))
    return True, names


# ---- the shell ----

class Shell:
    """One bash for the whole page, with the programs of this build in front of its PATH. All that it starts has its process group."""

    def __init__(self, folder):
        self.folder, self.count = folder, 0
        programs = os.pathsep.join(dict.fromkeys([str(kit.STEERD.parent), str(kit.STEERCTL.parent)]))
        environment = {**kit.make_environment(), "PATH": f"{programs}:/usr/sbin:/usr/bin:/sbin:/bin", "HOME": str(folder), "TMPDIR": str(folder),
                       "LC_ALL": "C.UTF-8"}
        environment.pop("STEERD_SOCKET", None)
        self.process = subprocess.Popen(["/bin/bash", "--norc", "--noprofile"], stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, text=True,
                                        cwd=folder, env=environment, start_new_session=True)

    def run(self, command):
        """Its code, and the lines that it says to stdout and stderr."""
        self.count += 1
        base = self.folder / f"command-{self.count}"
        base.write_text(command + "\n")
        self.process.stdin.write(f". {base} >{base}.out 2>&1 </dev/null; echo $? >{base}.new; mv {base}.new {base}.code\n")
        self.process.stdin.flush()
        code = pathlib.Path(f"{base}.code")
        kit.wait_for(lambda: code.exists() or self.process.poll() is not None, command)
        assert self.process.poll() is None, f"the shell ended with: {command}"
        return int(code.read_text()), pathlib.Path(f"{base}.out").read_text().splitlines()

    def close(self):
        try:
            os.killpg(self.process.pid, signal.SIGKILL)
        except ProcessLookupError:
            pass
        self.process.wait()
        self.process.stdin.close()


class Reader:
    """Goes through a page, and keeps what was seen: `records` of (block, shown, seen)."""

    def __init__(self, shell, patience_s=kit.PATIENCE_S):
        self.shell, self.patience_s, self.records, self.names, self.ports = shell, patience_s, [], {}, {}

    def replace(self, text):
        for here, there in [*self.ports.items(), *self.names.items()]:
            text = text.replace(here, there)
        return text

    def follow(self, block, lines, shown, is_last):
        command, shown = self.replace("\n".join(lines)), [self.replace(line) for line in shown]
        deadline = time.monotonic() + self.patience_s
        while True:
            code, seen = self.shell.run(command)
            is_same, names = compare(block, shown, seen)
            if is_same and (code != 0) == (is_last and "refused" in block.marks):
                self.names.update(names)
                self.records.append((block, shown, seen))
                return
            again = "again" in block.marks and is_last and time.monotonic() < deadline
            assert again, f"line {block.line}: $ {command}\nended with {code}\nshown:\n" + "\n".join(shown) + "\nseen:\n" + "\n".join(seen)
            time.sleep(0.1)

    def read(self, page):
        for block in read_blocks(page):
            for number, (command, shown) in enumerate(block.dialogue):
                self.follow(block, command, shown, number == len(block.dialogue) - 1)


def is_free(address, port):
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as udp, socket.socket() as tcp:
        try:
            udp.bind((address, port)), tcp.bind((address, port))
            return True
        except OSError:
            return False


def find_port():
    """One that is free at all addresses of the page."""
    return kit.wait_for(lambda: all(is_free(address, port := kit.find_port(ADDRESSES[0])) for address in ADDRESSES) and port, "a free port")


def is_gone(process, folder):
    """Numbers of processes come again: those of the page are in its folder."""
    try:
        return not pathlib.Path(os.readlink(f"/proc/{process}/cwd")).is_relative_to(folder)
    except OSError:
        return True


@pytest.fixture(scope="module")
def reader(tmp_path_factory):
    """The whole page, read once, by somebody who tidied up."""
    shell = Shell(tmp_path_factory.mktemp("tutorial"))
    try:
        reader = Reader(shell)
        reader.ports = {port: str(find_port()) for port in PORTS}
        reader.read(PAGE)
        (folder,) = shell.folder.glob("tmp.*")
        processes = [int(number) for name in ("steerd.pid", "us-east/pids", "eu-west/pids") for number in (folder / name).read_text().split()]
        kit.wait_for(lambda: all(is_gone(process, folder) for process in processes), "all that was started has ended")
        reader.log = (folder / "steerd.log").read_text()
        yield reader
    finally:
        shell.close()


# ---- the page ----

def test_the_page_is_what_happens(reader):
    assert len(reader.records) == sum(len(block.dialogue) for block in read_blocks(PAGE)) > 30
    assert not [defect for defect in kit.DEFECTS if defect in reader.log]


def test_each_mark_is_needed():
    """What varies is said as narrowly as it can be: each kind stands in the block that names it."""
    for block in read_blocks(PAGE):
        shown = "\n".join(line for _, lines in block.dialogue for line in lines)
        assert [kind for kind in block.varies if not re.search(VARIES[kind], shown)] == [], f"line {block.line}"
        assert "order" not in block.marks or shown.count("\n") > 0, f"line {block.line}"


def test_each_line_counts(reader):
    """Whatever is dropped from what the page shows, doubled, or has a word changed that is not said to vary, is seen."""
    tried = 0
    for block, shown, seen in reader.records:
        for number, line in enumerate(shown):
            words = [word for word in level([line], block.varies)[0].split() if "<" not in word and word != "…"]
            wrong = [shown[:number] + [line.replace(word.rstrip("…"), "else", 1)] + shown[number + 1:] for word in words]
            if line != "…":
                wrong.append(shown[:number + 1] + shown[number:])
            if "…" not in (shown + [""])[number + 1] + shown[number - 1]:  # that would stand for it
                wrong.append(shown[:number] + shown[number + 1:])
            for each in wrong:
                assert not compare(block, each, seen)[0], (block.line, line, each)
            tried += len(wrong)
    assert tried > 500


# ---- the runner, on small pages ----

@pytest.fixture
def shell(tmp_path):
    shell = Shell(tmp_path)
    yield shell
    shell.close()


SMALL = """Text.

```sh run
x=1
true
```

```sh
echo this is not run; exit
```

```console
$ for i in 1 2 3; do
>   echo "$x$i"
> done
11
12
13
```

```console again varies=age
$ echo tick >>ticks; echo "for $(wc -l <ticks)s"; test "$(wc -l <ticks)" -gt 2
for 9s
```

```console refused varies=time
$ echo made 20261125T130000Z-1; false
made 20261125T124719Z-1
```

```console order varies=time
$ printf '%s\\n' b a 20261125T130000Z-1
a
b
20261125T124719Z-1
```

```console
$ echo 20261125T124719Z-1
20261125T124719Z-1
```
"""


def test_a_good_page(shell):
    Reader(shell, 5).read(SMALL)


@pytest.mark.parametrize("old, new", [
    ("\n12\n", "\n"), ("\n13\n", "\n14\n"), ("\n13\n", "\n13\n14\n"), ("x=1\n", ""), ("x=1", "x=2"), ("x=1", "echo $x"), ("true\n", "false\n"), ("sh run", "sh"), ("```sh\n", "```sh run\n"), ("for 9s", "for 9 s"), ("again ", ""),
    (" varies=age", ""), (" refused", ""), ("; false", ""), (" order", ""), ("console order", "console order refused"), ("\n11\n", "\n…\n11\n"),
    ("$ echo 20261125T124719Z-1", "$ echo 20261125T124718Z-1"), ("x=1", "exit"), ("varies=age", "varies=ages"), ("again", "agian"),
])
def test_a_page_that_is_wrong(shell, old, new):
    assert old in SMALL
    with pytest.raises(AssertionError):
        Reader(shell, 0.5).read(SMALL.replace(old, new, 1))
