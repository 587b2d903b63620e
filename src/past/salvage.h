/* SPDX-License-Identifier: BSD-3-Clause
 *
 * What is left when a store is damaged: the store is put aside, so that a new one can begin, and the objects
 * of the latest recovery point are looked for, which are in the depot and do not need the store to be found.
 * For an operator who was told that there is no backup, or that it is older than that point. */
#pragma once

#include "base/report.h"
#include "past/depot.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct salvage {
    char *aside;     /* owned: what store.db is called now; NULL: it still is */
    char *lines;     /* owned: path of the objects of a point, for `steerctl import`; NULL: none were found */
    int64_t time_ms; /* wall: when they were saved, or found to be the same again */
    size_t objects;
};

/* A store that is whole is left alone unless `force`; one that a process has open always is. 0;
 * ERROR_CONFLICT: it is whole; ERROR_UNSUPPORTED: of a newer version; else an error, with a report. The
 * result is to be finished with in any case. */
int salvage_store(const char *folder, bool force, struct report *report, struct salvage *salvage);
void salvage_fini(struct salvage *salvage);
