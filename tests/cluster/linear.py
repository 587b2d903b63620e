# SPDX-License-Identifier: BSD-3-Clause
"""Is there an order of all that was said in which each answer is right? Each override's target is a register; operations overlap, and what
was not answered may have taken effect at any time after it began, or never. Each value is written once in a history, so a
value names its write. Pure: no server is needed to test it (test_linear.py)."""
import collections
import dataclasses
import math

ANY = object()  # no condition
OK, REFUSED, UNMET, UNKNOWN = "ok", "refused", "unmet", "unknown"


@dataclasses.dataclass(frozen=True)
class Write:
    """target becomes value (None: nothing) if it is `expected`. REFUSED: it has no effect; UNMET: because it was another value than
    expected; UNKNOWN: nobody was told."""
    target: str
    value: str | None
    start: float
    end: float = math.inf
    outcome: str = OK
    expected: object = ANY
    seq: int | None = None  # as the answer says
    node: str = ""


@dataclasses.dataclass(frozen=True)
class Read:
    """What one process of a node (`run`) said, in the order in which it was asked."""
    target: str
    value: str | None
    run: str
    start: float
    end: float


def step(write, value):
    """Whether it can take effect on this value, and what becomes of that."""
    if write.outcome == UNMET:
        return write.expected is not ANY and value != write.expected, value
    return write.expected is ANY or value == write.expected, write.value


def find_order(writes, first=None):
    """An order of the writes of one target that explains all answers, or None. Unanswered ones may be left out."""
    writes = sorted((write for write in writes if write.outcome != REFUSED), key=lambda write: write.start)
    must = sum(1 << at for at, write in enumerate(writes) if write.outcome != UNKNOWN)
    seen, stack = set(), [(0, first, ())]
    while stack:
        done, value, order = stack.pop()
        if done & must == must:
            return [writes[at] for at in order]
        if (done, value) in seen:
            continue
        seen.add((done, value))
        until = min((write.end for at, write in enumerate(writes) if not done >> at & 1 and write.outcome != UNKNOWN), default=math.inf)
        for at, write in enumerate(writes):
            if done >> at & 1 or write.start > until:
                continue
            fits, after = step(write, value)
            if fits:
                stack.append((done | 1 << at, after, (*order, at)))
    return None


def check_registers(writes, firsts=None):
    """Faults, as texts."""
    by_target = collections.defaultdict(list)
    for write in writes:
        by_target[write.target].append(write)
    return [f"{target}: no order explains {sorted(found, key=lambda write: write.start)}"
            for target, found in by_target.items() if find_order(found, (firsts or {}).get(target)) is None]


def check_log(writes, log):
    """log: (seq, target, value) of what the nodes agreed on. Each answer has to fit to it."""
    faults, places = [], collections.defaultdict(list)
    for seq, target, value in log:
        places[target, value].append(seq)
    for write in writes:
        found = places[write.target, write.value]
        if write.outcome == OK and write.seq not in found:
            faults.append(f"acknowledged, and not where it was said to be: {write} (it is at {found})")
        if write.value is not None and len(found) > 1:
            faults.append(f"written more than once, at {found}: {write}")
        if write.value is not None and write.outcome in (REFUSED, UNMET) and found:
            faults.append(f"refused, and written at {found}: {write}")
    answered = sorted((write for write in writes if write.outcome == OK), key=lambda write: write.end)
    for at, write in enumerate(answered):
        faults += [f"{later} began after the end of {write} and has a lower number"
                   for later in answered[at + 1:] if later.start > write.end and later.seq < write.seq]
    return faults


def check_reads(reads, log, begin=0):
    """What one process says of one target never goes back, and was said by somebody. Reads at the same time may be answered in any order."""
    faults, places, shown = [], collections.defaultdict(list), collections.defaultdict(list)
    for seq, target, value in log:
        places[target, value].append(seq)
    for read in sorted(reads, key=lambda read: read.start):
        before = shown[read.run, read.target]
        floor = max((seq for end, seq in before if end < read.start), default=begin)
        seqs = places[read.target, read.value] + ([begin] if read.value is None else [])
        ahead = [seq for seq in seqs if seq >= floor]
        if ahead:
            before.append((read.end, min(ahead)))
        else:
            faults.append(f"{read}: behind entry {floor}, which it has shown before (it is at {seqs})")
    return faults


def node_of(run):
    return run.partition("#")[0]


def check_visible(writes, reads, log, in_force):
    """in_force: write -> names of nodes on which its answer said that it is in force: what is asked of them later is not older, though
    they were started anew since."""
    faults, places = [], collections.defaultdict(list)
    for seq, target, value in log:
        places[target, value].append(seq)
    for write in writes:
        for read in reads:
            if read.target == write.target and read.start > write.end and node_of(read.run) in in_force.get(write, ()):
                seqs = places[read.target, read.value]
                if not seqs or max(seqs) < write.seq:
                    faults.append(f"{read} is older than {write}, which was said to be in force there")
    return faults


@dataclasses.dataclass(frozen=True)
class Denial:
    """A node did not take it for good: that value of the target."""
    target: str
    value: str
    node: str
    start: float
    end: float


def check_denials(denials, writes, in_force):
    """What was in force there is denied only if somebody said something else of it, who may have been first."""
    faults = []
    for denial in denials:
        for write in writes:
            if (write.target, write.value) != (denial.target, denial.value) or write.end > denial.start or denial.node not in in_force.get(write, ()):
                continue
            if not any(other is not write and other.target == write.target and other.outcome not in (REFUSED, UNMET) and
                       other.start < denial.end and other.end > write.start for other in writes):
                faults.append(f"{denial} though nobody has ended {write}")
    return faults
