# SPDX-License-Identifier: BSD-3-Clause
"""All other records: static ones of the policy, those of several clusters and of other people beside each other.

A name's "$comment" has what each cluster asked for, {"external-dns": {ID: [record, ...]}}; its records are those of all
of them, and what nobody there asked for, which stays."""
import re

from .documents import MARK, mark_of, write_name
from .records import Record

WITH_NAME = ("MX", "SRV", "NS", "PTR", "NAPTR")  # that end in a name, which is complete
TTL_DEFAULT = 300  # of steerd


def write_rdata(rtype, target):
    """As in a master file. A text that is not quoted is one."""
    if rtype in WITH_NAME and not target.endswith("."):
        return target + "."
    if rtype == "TXT" and not target.startswith('"'):
        octets = "".join(chr(c) if 32 <= c < 127 and c not in b'"\\' else f"\\{c:03d}" for c in target.encode())
        return " ".join(f'"{part}"' for part in re.findall(r"(?:\\\d{3}|.){1,255}", octets))
    return target


def write_rdatas(kept):
    return [write_rdata(kept["type"], target) for target in kept["targets"]]


def list_lists(value):
    """What is there: type → list of rdata."""
    return {rtype.upper(): [rdata] if isinstance(rdata, str) else list(rdata)
            for rtype, rdata in (value or {}).get("records", {}).items() if rtype != "$comment"}


def marks_of(value):
    """What clusters asked for: {ID: [record]}; what is not of that form is nobody's."""
    marks = mark_of(value)
    return {cluster: [kept for kept in mark if isinstance(kept, dict) and isinstance(kept.get("targets"), list) and
                      isinstance(kept.get("type"), str) and isinstance(kept.get("ttl"), int)]
            for cluster, mark in (marks if isinstance(marks, dict) else {}).items() if isinstance(mark, list)}


def list_static(documents, options):
    """Our records of which anything is there: {key: record}."""
    found = {}
    for zone, document in documents.zones.items():
        for relative, key in documents.list_keys(zone, "static").items():
            value = documents.after[document]["static"][key]
            name, lists = write_name(relative, zone), list_lists(value)
            for kept in marks_of(value).get(options.id, []):
                targets = [target for target in kept["targets"] if write_rdata(kept["type"], target) in lists.get(kept["type"], [])]
                record = Record(name, kept["type"], kept.get("set", ""), targets, kept["ttl"], kept.get("properties", {}))
                if targets:
                    found[name, record.type, record.set] = record
    return found


def keep_record(record):
    kept = {"type": record.type, "set": record.set, "targets": record.targets, "ttl": record.ttl, "properties": record.properties}
    return {key: value for key, value in kept.items() if value not in ("", {})}


def make_static(value, marks, lists):
    """What the policy is to say; `lists` are of those who are no cluster."""
    result = {"ttl": min((kept["ttl"] for mark in marks.values() for kept in mark), default=TTL_DEFAULT)}
    if any(lists.values()):
        result["ttl"] = (value or {}).get("ttl", TTL_DEFAULT)
    for kept in (kept for mark in marks.values() for kept in mark):
        rdatas = lists.setdefault(kept["type"], [])
        rdatas.extend(rdata for rdata in dict.fromkeys(write_rdatas(kept)) if rdata not in rdatas)
    comment = (value or {}).get("$comment")
    comment = {key: one for key, one in comment.items() if key != MARK} if isinstance(comment, dict) else {"text": comment} if comment else {}
    comment.update({MARK: marks} if marks else {})
    result["records"] = {rtype: rdatas for rtype, rdatas in lists.items() if rdatas}
    return {"$comment": comment, **result} if comment else result


def settle_static(documents, name, records, options):
    zone, relative = documents.find_zone(name)
    value = documents.find_in(zone, "static", relative)
    marks = marks_of(value)
    known = {(kept["type"], rdata) for mark in marks.values() for kept in mark for rdata in write_rdatas(kept)}
    lists = {rtype: [rdata for rdata in rdatas if (rtype, rdata) not in known] for rtype, rdatas in list_lists(value).items()}
    marks.pop(options.id, None)
    if records:
        marks[options.id] = [keep_record(record) for record in records]
    result = make_static(value, dict(sorted(marks.items())), lists)
    documents.set_in(zone, "static", relative, result if result["records"] else None)


def apply_static(documents, gone, wanted, options):
    have = list_static(documents, options)
    after = {**{key: record for key, record in have.items() if key not in gone}, **wanted}
    of_name = {}
    for key, record in sorted(after.items(), key=lambda item: item[0]):
        of_name.setdefault(key[0], []).append(record)
    for name in sorted({key[0] for key in gone | set(wanted) if key in have or key in wanted}):
        settle_static(documents, name, of_name.get(name, []), options)
