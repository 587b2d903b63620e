# SPDX-License-Identifier: BSD-3-Clause
"""What external-dns asks for: the records that there are, and plans, each of which is one edit of steerd's documents."""
import collections
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


def apply_plan(documents, plan, options):
    """Into the documents. What is to go and is not there is gone; what is to come and is there becomes what it is to be."""
    wrong, parsed = [], collections.defaultdict(list)
    for list_name, raws in plan.items():
        for raw in raws:
            try:
                record = parse_record(raw, options)
                if list_name in ("create", "updatenew"):
                    check_record(record, documents)
                parsed[list_name].append(record)
            except ValueError as error:
                wrong.append(f"{raw.get('dnsName')} {raw.get('recordType')}: {error}")
    if wrong:
        raise Refused(500, "; ".join(wrong[:20]))
    gone = {key_of(record) for name in ("delete", "updateold") for record in parsed[name] if documents.find_zone(record.name)[0]}
    wanted = {key_of(record): record for name in ("create", "updatenew") for record in parsed[name]}
    for change, steered in ((apply_steered, True), (apply_static, False)):
        change(documents, {key for key in gone if (key[1] in STEERED) == steered},
               {key: record for key, record in wanted.items() if (key[1] in STEERED) == steered}, options)


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
                self.count("steerd_external_dns_left_out_total")
                log("warning", "left_out", name=str(raw.get("dnsName")), type=str(raw.get("recordType")), why=str(error))
        return kept

    def apply(self, plan):
        size = " ".join(f"{len(raws)} {name}" for name, raws in plan.items() if raws)
        with self.lock:
            for attempt in range(ATTEMPTS):
                documents = self.read()
                apply_plan(documents, plan, self.options)
                edits = documents.write_edits()
                try:
                    return self.send(edits, size) if edits else None
                except Stale:
                    self.count("steerd_external_dns_retries_total")
                    time.sleep(random.uniform(0, 0.1) * (attempt + 1))
        raise Refused(503, f"the documents of steerd were changed by others {ATTEMPTS} times meanwhile; nothing was done")

    def send(self, edits, size):
        options = self.options
        _, answer = self.steerd.ask("POST", "/v1/config:apply" + ("?dry_run=true" if options.dry_run else ""),
                                    {"edits": edits, "actor": f"external-dns:{options.id}"[:63], "reason": f"external-dns: {size}"[:255]})
        self.count("steerd_external_dns_edits_total", not options.dry_run)
        log("info", "would_apply" if options.dry_run else "applied", plan=size, generation=answer["generation"])
        for step in answer["changes"]["steps"] if options.dry_run else []:
            log("info", "would_change", step=step)
