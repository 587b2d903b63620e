# SPDX-License-Identifier: BSD-3-Clause
"""What steerd, BIND's named-compilezone, Knot's kzonecheck and dnspython make of a master file."""
import collections
import json
import os
import re
import shutil
import subprocess

import dns.exception
import dns.name
import dns.rdata
import dns.rdataclass
import dns.rdatatype
import dns.zone

import kit

PATH = os.environ.get("PATH", "") + ":/usr/sbin:/sbin"
TIMEOUT_S = 60
UNKNOWN_TYPES = {"knot": "DLV GPOS HIP ISDN MB MG MR NSAP PX WKS X25".split(), "dnspython": "KEY MB MG MINFO MR".split()}
ORIGIN = dns.name.from_text("example.com.")
# what is no matter of reading: names of hosts, addresses of name servers
QUIET = [option for flag in "kimMnrSWT" for option in ("-" + flag, "none" if flag == "i" else "ignore")]


class Verdict:
    """records: the text of a dump (steerd), the file of one (BIND), a set (dnspython), None (Knot)."""

    def __init__(self, accepted, said, records=None):
        self.accepted, self.said, self.records = accepted, said.strip(), records


def run(*command, folder):
    return subprocess.run(command, cwd=folder, capture_output=True, timeout=TIMEOUT_S, check=False, stdin=subprocess.DEVNULL)


def text_of(octets):
    return octets.decode("latin-1")


def read_by_steerd(folder, file="zone"):
    config = {"listen": "127.0.0.1:5300", "zones": [{"origin": "example.com.", "file": file}]}
    (folder / "steerd.json").write_text(json.dumps(config))
    done = run(kit.STEERD, "-c", "steerd.json", "--dump", "example.com", folder=folder)
    assert done.returncode in (0, 1), f"steerd ended with {done.returncode}\n{text_of(done.stderr)}"
    return Verdict(done.returncode == 0, text_of(done.stderr), text_of(done.stdout))


def read_by_bind(folder):
    done = run(shutil.which("named-compilezone", path=PATH), *QUIET, "-s", "full", "-F", "text", "-o", "bind.out",
               "example.com", "zone", folder=folder)
    good = done.returncode == 0
    return Verdict(good, text_of(done.stdout + done.stderr), "bind.out" if good else None)


def read_by_knot(folder):
    """What kzonecheck warns of, Knot loads: only a file that cannot be read or a serious error is refused."""
    done = run(shutil.which("kzonecheck", path=PATH), "-v", "-o", "example.com", "zone", folder=folder)
    said = text_of(done.stdout + done.stderr)
    return Verdict(done.returncode == 0 or not ("Serious" in said or "failed to run" in said), said)


def parse(text):
    """Lines of a dump, all names absolute, as a set of (owner, type, TTL, rdata): dnspython reads the rdata. Of types
    that it does not know the text is compared."""
    records = set()
    for line in text.splitlines():
        owner, ttl, _, rtype, rdata = line.split(" ", 4)
        rtype = dns.rdatatype.from_text(rtype)
        if dns.rdatatype.to_text(rtype) in UNKNOWN_TYPES["dnspython"] and not rdata.startswith("\\#"):
            octets = rdata.lower().encode()
        else:
            octets = dns.rdata.from_text(dns.rdataclass.IN, rtype, rdata, relativize=False).to_digestable()
        records.add((dns.name.from_text(owner).canonicalize(), rtype, int(ttl), octets))
    return records


def records_of(zone):
    return {(name.canonicalize(), rdataset.rdtype, rdataset.ttl, rdata.to_digestable())
            for name, node in zone.items() for rdataset in node for rdata in rdataset}


def read_by_dnspython(folder):
    before = os.getcwd()
    os.chdir(folder)  # it opens what is included from there
    try:
        return Verdict(True, "", records_of(dns.zone.from_file("zone", ORIGIN, relativize=False)))
    except Exception as error:  # pylint: disable=broad-except
        return Verdict(False, f"{type(error).__name__}: {error}")
    finally:
        os.chdir(before)


READERS = {"bind": read_by_bind, "knot": read_by_knot, "dnspython": read_by_dnspython}
PROGRAMS = {"named-compilezone": "bind9-utils", "kzonecheck": "knot-dnssecutils"}


class Case:
    """A file in a folder of its own, and what each reader makes of it."""

    def __init__(self, file, folder):
        self.file, self.folder = file, folder
        (folder / "zone").write_bytes(file.text.encode("latin-1"))
        for name, text in file.includes.items():
            (folder / name).write_bytes(text.encode("latin-1"))
        self.ours = read_by_steerd(folder)
        self.theirs = {name: read(folder) for name, read in READERS.items()}

    def outcome(self):
        accepted = {verdict.accepted for verdict in self.theirs.values()}
        them = "mixed" if len(accepted) != 1 else "accepted" if True in accepted else "refused"
        return f"{them} by them, {'accepted' if self.ours.accepted else 'refused'} by us"

    def errors(self):
        return [line for line in self.ours.said.splitlines() if ": error: " in line]


# ---- what may differ ----

Rule = collections.namedtuple("Rule", "name readers reason holds")
REFUSALS, RECORDS, VERDICTS = [], [], []


def rule(rules, name, readers, reason):
    def enter(holds):
        rules.append(Rule(name, readers, reason, holds))
        return holds
    return enter


def excuse(rules, reader, case, used):
    for each in rules:
        if reader in each.readers and each.holds(case):
            used[each.name] += 1
            return True
    return False


def feature(rules, name, readers, reason):
    rule(rules, name, readers, reason)(lambda case: name in case.file.features)


# A good file that one reader refuses
feature(REFUSALS, "class-first", ("dnspython",), "dnspython 2.3 takes a TTL behind the class for the type")
feature(REFUSALS, "class1", ("knot",), "CLASS1 as the class (RFC 3597 section 5) is a type to Knot")
feature(REFUSALS, "crlf", ("knot",), "Knot wants lines to end with LF alone")
feature(REFUSALS, "relative-origin", ("knot",), "Knot wants $ORIGIN, and the origin of $INCLUDE, with a final dot")
feature(REFUSALS, "odd-split", ("knot",), "Knot takes white space only between whole octets, or groups of base64")
feature(REFUSALS, "generate", ("knot", "dnspython"), "Knot has no $GENERATE, dnspython's knows no negative offset")
feature(REFUSALS, "generic", ("dnspython",), "dnspython fails on names of the zone in rdata given as octets")

@rule(REFUSALS, "type-without-text-form", ("knot",), "types that Knot knows no text form of")
def _(case):
    return case.file.types.intersection(UNKNOWN_TYPES["knot"])


@rule(REFUSALS, "type-without-text-form", ("dnspython",), "types that dnspython knows no text form of")
def _(case):
    return case.file.types.intersection(UNKNOWN_TYPES["dnspython"])


PIECE = re.compile(r'(\\.)|("(?:\\.|[^"\\])*")|(;[^\n]*)|([()])|(\r?\n)|(.)', re.DOTALL)


def flatten(text):
    """Without parentheses: what they hold on one line, without comments."""
    out, depth = "", 0
    for match in PIECE.finditer(text):
        _, _, comment, parenthesis, line_end, _ = match.groups()
        if parenthesis:
            depth += 1 if parenthesis == "(" else -1
        out += " " if parenthesis or (line_end and depth) else "" if comment else match.group()
    return out


@rule(REFUSALS, "parentheses-in-knot", ("knot",),
      "Knot does not take a line end within parentheses behind every word; without them it takes the same file")
def _(case):
    for name, text in {"zone": case.file.text, **case.file.includes}.items():
        (case.folder / name).write_bytes(flatten(text).encode("latin-1"))
    return "(" in case.file.text + "".join(case.file.includes.values()) and read_by_knot(case.folder).accepted


def begins_without_ttl(case):
    return not re.search(r"^\$ttl", re.split("soa", case.file.text, maxsplit=1, flags=re.IGNORECASE)[0], re.I | re.M)


# TTLs of records that are otherwise the same
@rule(RECORDS, "last-ttl", ("dnspython",),
      "without $TTL, dnspython takes the minimum of the SOA, BIND and steerd the TTL before (RFC 1035 section 5.1)")
def _(case):
    return begins_without_ttl(case)


@rule(RECORDS, "last-ttl-inside", ("bind",),
      "without $TTL, a TTL within $INCLUDE or $GENERATE goes on behind it in BIND; in steerd it ends with it, as origin "
      "and owner do")
def _(case):
    return begins_without_ttl(case) and case.file.features.intersection({"include", "generate"})


@rule(RECORDS, "ttl-of-a-set", ("bind", "dnspython"),
      "of TTLs that differ in an RRset steerd and dnspython take the lowest (RFC 2181 section 5.2), BIND the first")
def _(case):
    return "the TTLs of the" in case.ours.said or "duplicate " in case.ours.said


# A file that all take and steerd refuses
CONSEQUENCES = ["has no SOA record", "has no NS records"]  # of a record that was dropped
OUTSIDE = " is outside the zone "


def all_errors_contain(case, *texts):
    """Is there no other error, but for what follows from these?"""
    errors = case.errors()
    return any(text in line for line in errors for text in texts) \
        and all(any(text in line for text in [*texts, *CONSEQUENCES]) for line in errors)


@rule(VERDICTS, "ttl-above-31-bits", ("all",),
      "RFC 2181 section 8: BIND serves 0 instead, the others what nobody may believe; steerd says so")
def _(case):
    return all_errors_contain(case, "is above 2147483647", OUTSIDE)


@rule(VERDICTS, "outside-the-zone", ("all",),
      "they drop records whose owner is not in the zone, with a warning at most; NSD and steerd refuse them: the name "
      "that was meant would be missing")
def _(case):
    return all_errors_contain(case, OUTSIDE)


@rule(VERDICTS, "nul-in-a-comment", ("all",),
      "a file with NULs, wherever they are, is one that was damaged")
def _(case):
    return all_errors_contain(case, "a NUL octet") and re.search(r";[^\n]*\x00", case.file.text)


# ---- judging ----

def without_ttl(records):
    return {(owner, rtype, rdata) for owner, rtype, _, rdata in records}


def compare_records(reader, case, used):
    """Differences between our records and theirs."""
    theirs = case.theirs[reader].records
    theirs = parse(read_by_steerd(case.folder, theirs).records) if reader == "bind" else theirs
    ours = parse(case.ours.records)
    if ours == theirs or (without_ttl(ours) == without_ttl(theirs) and excuse(RECORDS, reader, case, used)):
        return []
    show = [f"  {who}: {owner} {ttl} {dns.rdatatype.to_text(rtype)} {rdata.hex()}"
            for who, records in (("steerd", ours - theirs), (reader, theirs - ours))
            for owner, rtype, ttl, rdata in sorted(records, key=str)[:4]]
    return [f"records differ between steerd and {reader}", *show]


def check_good(case, used):
    if not case.ours.accepted:
        return ["steerd refuses it", case.ours.said]
    differences = []
    for reader, verdict in case.theirs.items():
        if not verdict.accepted:
            if not excuse(REFUSALS, reader, case, used):
                differences += [f"{reader} refuses it: {verdict.said}"]
        elif verdict.records is not None:
            differences += compare_records(reader, case, used)
    return differences


def check_broken(case, used):
    accepted = {verdict.accepted for verdict in case.theirs.values()}
    if accepted == {False} and case.ours.accepted:
        return ["all of them refuse it", *[f"{reader}: {verdict.said}" for reader, verdict in case.theirs.items()]]
    if accepted == {True} and not case.ours.accepted:
        return [] if excuse(VERDICTS, "all", case, used) else ["all of them take it", case.ours.said]
    if accepted == {True}:
        return [line for reader in ("bind", "dnspython") for line in compare_records(reader, case, used)]
    return []
