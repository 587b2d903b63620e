# SPDX-License-Identifier: BSD-3-Clause
"""What external-dns asks for: the records that there are, and plans, each of which is one edit of steerd's documents."""
import collections
import copy
import random
import threading
import time

from .api import Refused, Stale, Steerd, log
from .documents import Documents
from .records import STEERED, check_record, key_of, parse_record, write_record
from .statics import apply_static, list_static
from .steered import apply_steered, list_served

ATTEMPTS = 10


def list_records(documents, options):
    return list(list_served(documents, options)) + list(list_static(documents, options).values())


class Plan:
    """What is to go and what is to come, by key. What cannot be is in `bad` with why, and stays as it is."""

    def __init__(self, raws_of, documents, options):
        self.options, self.bad, parsed = options, {}, collections.defaultdict(list)
        for list_name, raws in raws_of.items():
            for raw in raws:
                try:
                    record = parse_record(raw, options)
                    if list_name in ("create", "updatenew"):
                        check_record(record, documents)
                    parsed[list_name].append(record)
                except ValueError as error:
                    name = str(raw.get("dnsName") or "").lower().rstrip(".")
                    self.bad[name, str(raw.get("recordType")), str(raw.get("setIdentifier") or "")] = str(error)
        self.gone = {key_of(record) for name in ("delete", "updateold") for record in parsed[name]
                     if documents.find_zone(record.name)[0]} - set(self.bad)
        self.wanted = {key_of(record): record for name in ("create", "updatenew") for record in parsed[name]
                       if key_of(record) not in self.bad}

    def keys(self):
        return sorted(self.gone | set(self.wanted))

    def apply(self, documents, keys):
        """Into a copy of the documents. What is to go and is not there is gone; what is to come and is there becomes what it is to be."""
        documents, keys = copy.deepcopy(documents), set(keys)
        for change, steered in ((apply_steered, True), (apply_static, False)):
            mine = {key for key in keys if (key[1] in STEERED) == steered}
            change(documents, self.gone & mine, {key: self.wanted[key] for key in mine & set(self.wanted)}, self.options)
        return documents.write_edits()

    def tell_bad(self):
        return "; ".join(f"{name} {rtype}: {why}" for (name, rtype, _), why in list(self.bad.items())[:20])


class Provider:
    """What external-dns asks for, over steerd."""

    def __init__(self, options):
        self.options, self.steerd, self.lock = options, Steerd(options), threading.Lock()
        self.counts, self.count_lock = collections.Counter(), threading.Lock()

    def count(self, metric, by=1):
        with self.count_lock:
            self.counts[metric] += by

    def read(self):
        return Documents(self.steerd, self.options.zone)

    def negotiate(self):
        return {"include": sorted(self.read().zones)}

    def records(self):
        found = [write_record(record) for record in list_records(self.read(), self.options)]
        with self.count_lock:
            self.counts["steerd_external_dns_records"] = len(found)
        return found

    def adjust(self, raws):
        documents, kept = self.read(), []
        for raw in raws:
            try:
                record = parse_record(raw, self.options)
                check_record(record, documents)
                kept.append({**raw, **write_record(record)})
                if not record.properties:
                    kept[-1].pop("providerSpecific", None)
            except ValueError as error:
                self.leave_out((str(raw.get("dnsName")), str(raw.get("recordType"))), str(error))
        return kept

    def leave_out(self, key, why):
        self.count("steerd_external_dns_left_out_total")
        log("warning", "left_out", name=key[0], type=key[1], why=why)

    def find_good(self, plan, documents, keys, good):
        """Adds to `good` what steerd takes beside it: it is asked about all, and of what it refuses about each half."""
        try:
            self.send(plan.apply(documents, good + keys), None)
            good.extend(keys)
        except Refused as error:
            if not error.is_judged:
                raise
            if len(keys) == 1:
                plan.bad[keys[0]] = str(error)
                return
            for half in (keys[:len(keys) // 2], keys[len(keys) // 2:]):
                self.find_good(plan, documents, half, good)

    def carry_out(self, raws_of, size):
        documents = self.read()
        plan = Plan(raws_of, documents, self.options)
        keys = plan.keys()
        try:
            self.send(plan.apply(documents, keys), size)
        except Refused as error:
            if not error.is_judged:
                raise
            good = []
            self.find_good(plan, documents, keys, good)
            keys = good
            self.send(plan.apply(documents, keys), size)
        if plan.bad and not keys:
            raise Refused(500, plan.tell_bad())
        for key, why in plan.bad.items():
            self.leave_out(key, why)

    def apply(self, raws_of):
        size = " ".join(f"{len(raws)} {name}" for name, raws in raws_of.items() if raws)
        with self.lock:
            for attempt in range(ATTEMPTS):
                try:
                    return self.carry_out(raws_of, size)
                except Stale:
                    self.count("steerd_external_dns_retries_total")
                    time.sleep(random.uniform(0, 0.1) * (attempt + 1))
        raise Refused(503, f"the documents of steerd were changed by others {ATTEMPTS} times meanwhile; nothing was done")

    def send(self, edits, size):
        """`size`: in words; None: only to be judged."""
        options = self.options
        if not edits:
            return
        is_dry = options.dry_run or size is None
        _, answer = self.steerd.ask("POST", "/v1/config:apply" + ("?dry_run=true" if is_dry else ""),
                                    {"edits": edits, "actor": f"external-dns:{options.id}"[:63], "reason": f"external-dns: {size}"[:255]})
        if size is None:
            return
        self.count("steerd_external_dns_edits_total", not options.dry_run)
        log("info", "would_apply" if options.dry_run else "applied", plan=size, generation=answer["generation"])
        for error in answer["errors"][:10]:  # which were there before: its zone goes on with an older version
            log("warning", "not_served", file=str(error.get("file")), why=error["message"])
        for step in answer["changes"]["steps"] if options.dry_run else []:
            log("info", "would_change", step=step)
