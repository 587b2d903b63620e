# SPDX-License-Identifier: BSD-3-Clause
"""The reader of master files against named-compilezone, kzonecheck and dnspython, in both directions: a good file gives
the same records everywhere; what all of them refuse is refused, what all of them take is taken, with the same records.
What may differ, and why, is in readers.RULES. A failure prints the number of the file; ZONE_FILES=100-199 repeats those
numbers alone, and says how many files of each kind a seed has."""
import collections
import os
import pathlib
import shutil
import tempfile

import pytest

import readers
import zonebreak
import zonefile

GOOD, BROKEN = 50, 80
SHOWN = 5


def numbers(seed, count):
    wanted = os.environ.get("ZONE_FILES", "")
    low, _, high = wanted.partition("-")
    if high:
        return range(int(low), int(high) + 1)
    count = int(wanted) if wanted else count
    return range(seed * 100000, seed * 100000 + count)


@pytest.fixture(scope="module", autouse=True)
def oracles():
    for program, package in readers.PROGRAMS.items():
        if shutil.which(program, path=readers.PATH) is None:
            pytest.skip(f"{program} is not installed ({package}; contrib/packages oracle)")


def judge(files, check):
    """Have (number, file) pairs read, and fail with what differs."""
    failures, used, outcomes = [], collections.Counter(), collections.Counter()
    for number, file in files:
        with tempfile.TemporaryDirectory(prefix="zone.") as folder:
            case = readers.Case(file, pathlib.Path(folder))
            differences = check(case, used)
            outcomes[case.outcome()] += 1
        if differences:
            text = "\n".join(f"{at + 1:4} {line!r}" for at, line in enumerate(file.text.split("\n")))
            failures.append(f"file {number}, features {sorted(file.features)}\n" + "\n".join(differences) + f"\n{text}\n")
    print(f"outcomes: {dict(outcomes)}, rules used: {dict(used)}")
    assert not failures, f"{len(failures)} files differ\n" + "\n".join(failures[:SHOWN])


def test_good_files_give_the_same_records(seed):
    judge([(number, zonefile.make_good(number)) for number in numbers(seed, GOOD)], readers.check_good)


def test_broken_files_get_the_same_verdict(seed):
    judge([(number, zonebreak.make_broken(number)) for number in numbers(seed, BROKEN)], readers.check_broken)
