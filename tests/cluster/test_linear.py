# SPDX-License-Identifier: BSD-3-Clause
"""The checker itself: histories that are good, and such that have one thing wrong."""
import pytest

from linear import (ANY, OK, REFUSED, UNKNOWN, UNMET, Denial, Read, Write, check_denials, check_log, check_reads, check_registers, check_visible,
                    find_order)


def write(value, start, end=None, outcome=OK, expected=ANY, seq=None):
    return Write("x", value, start, float("inf") if end is None else end, outcome, expected, seq)


GOOD = {
    "one after the other": [write("a", 1, 2), write("b", 3, 4), write("c", 5, 6, expected="b")],
    "overlapping, either way": [write("a", 1, 9), write("b", 2, 8), write("c", 10, 11, expected="a")],
    "unanswered, with effect": [write("a", 1, 2), write("b", 3, outcome=UNKNOWN), write("c", 4, 5, expected="b")],
    "unanswered, without": [write("a", 1, 2), write("b", 3, outcome=UNKNOWN), write("c", 4, 5, expected="a")],
    "unanswered, long after": [write("b", 1, outcome=UNKNOWN), write("a", 2, 3), write("c", 4, 5, expected="a"), write("d", 6, 7, expected="b")],
    "of two with one condition one": [write("a", 1, 2), write("b", 3, 6, expected="a"), write("c", 4, 5, UNMET, expected="a")],
    "removed and set": [write("a", 1, 2), write(None, 3, 4, expected="a"), write("b", 5, 6, expected=None)],
    "refused": [write("a", 1, 2), write("b", 3, 4, REFUSED), write("c", 5, 6, expected="a")],
}
BAD = {
    "lost": [write("a", 1, 2), write("b", 3, 4), write("c", 5, 6, expected="a")],
    "refused, with effect": [write("a", 1, 2), write("b", 3, 4, REFUSED), write("c", 5, 6, expected="b")],
    "of two with one condition both": [write("a", 1, 2), write("b", 3, 6, expected="a"), write("c", 4, 5, expected="a")],
    "unmet without a reason": [write("a", 1, 2), write("b", 3, 4, UNMET, expected="a")],
    "from the future": [write("a", 1, 2), write("c", 3, 4, expected="b"), write("b", 5, 6)],
    "unanswered, twice": [write("a", 1, 2), write("b", 3, outcome=UNKNOWN), write("c", 4, 5, expected="b"), write("d", 6, 7, expected="c"),
                          write("e", 8, 9, expected="b")],
    "back from the dead": [write("a", 1, 2), write(None, 3, 4), write("b", 5, 6, expected="a")],
}


@pytest.mark.parametrize("name", GOOD)
def test_good_ones_have_an_order(name):
    order = find_order(GOOD[name])
    assert order is not None and check_registers(GOOD[name]) == []
    for at, one in enumerate(order):
        assert not any(later.end < one.start for later in order[at + 1:])


@pytest.mark.parametrize("name", BAD)
def test_bad_ones_have_none(name):
    assert len(check_registers(BAD[name])) == 1


def test_registers_are_by_themselves():
    assert check_registers([*BAD["lost"], *(Write("y", one.value, one.start, one.end, one.outcome, one.expected) for one in GOOD["removed and set"])]) != []
    assert check_registers([Write("y", "a", 1, 2), Write("x", "b", 3, 4), Write("y", "c", 5, 6, expected="a")]) == []


def test_many_unanswered_ones_are_no_burden():
    lost = [write(f"u{number}", number, outcome=UNKNOWN) for number in range(12)]
    kept = [write("a", 20, 21), *(write(f"b{number}", 30 + number, 30.5 + number) for number in range(12))]
    assert find_order([*lost, *kept]) is not None
    assert find_order([*lost, *kept, write("z", 99, 100, expected="a")]) is None


def test_the_log_holds_what_was_answered():
    log = [(1, "x", "a"), (2, "x", "b"), (3, "x", None)]
    good = [write("a", 1, 2, seq=1), write("b", 3, 4, seq=2), write(None, 5, 6, seq=3), write("c", 1, 9, REFUSED), write("d", 1, outcome=UNKNOWN)]
    assert check_log(good, log) == []
    for bad in ([write("a", 1, 2, seq=2)], [write("e", 1, 2, seq=4)], [write("b", 1, 2, REFUSED)], [write("b", 1, 2, UNMET, expected="q")],
                [write("b", 1, 2, seq=2), write("a", 3, 4, seq=1)]):
        assert len(check_log(bad, log)) == 1, bad
    assert len(check_log([write("a", 1, outcome=UNKNOWN)], [*log, (4, "x", "a")])) == 1


def test_reads_of_a_process_do_not_go_back():
    log = [(1, "x", "a"), (2, "x", None), (3, "x", "b"), (4, "x", None)]

    def read(*values, run="n1", start=0):
        return [Read("x", value, run, start + at, start + at + 0.5) for at, value in enumerate(values)]
    for good in ((None, "a", "a", None, "b", None, None), ("b", None), (None, None, "b"), ("a", "b"), ()):
        assert check_reads(read(*good), log) == []
    for bad in (("b", "a"), ("b", None, "b"), ("a", "q"), (None, "a", None, "a")):
        assert len(check_reads(read(*bad), log)) == 1, bad
    assert check_reads([*read("b"), *read("a", run="n1 again", start=5)], log) == []
    assert check_reads([Read("x", "b", "n1", 1, 3), Read("x", "a", "n1", 2, 4)], log) == []  # at the same time
    assert len(check_reads([Read("x", "b", "n1", 1, 3), Read("x", "q", "n1", 2, 4), Read("x", "a", "n1", 3.5, 4)], log)) == 2


def test_what_is_in_force_there_is_seen_there():
    log = [(1, "x", "a"), (2, "x", "b")]
    one = write("b", 1, 2, seq=2)
    for run, start, value, faults in (("n1", 3, "a", 1), ("n1", 3, "b", 0), ("n2", 3, "a", 0), ("n1", 1.5, "a", 0), ("n1", 3, None, 1),
                                      ("n1#1", 3, "a", 1)):
        assert len(check_visible([one], [Read("x", value, run, start, start + 1)], log, {one: ["n1"]})) == faults


def test_what_is_good_is_not_denied():
    one, two = write("a", 1, 2, seq=1), write(None, 5, 6, seq=2)

    def denied(start, node="n1", value="a"):
        return Denial("x", value, node, start, start + 0.5)
    for denial, writes, faults in ((denied(3), [one], 1), (denied(3), [one, two], 1), (denied(5), [one, two], 0), (denied(1.5), [one], 0),
                                   (denied(3, node="n2"), [one], 0), (denied(3, value="b"), [one], 0), (denied(3), [one, write("c", 2.5, outcome=UNKNOWN)], 0),
                                   (denied(3), [one, write("c", 2.5, 9, REFUSED)], 1)):
        assert len(check_denials([denial], writes, {one: ["n1"]})) == faults, (denial, writes)
