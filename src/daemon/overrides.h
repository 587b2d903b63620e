/* SPDX-License-Identifier: BSD-3-Clause
 *
 * What the store holds of overrides goes into a health machine: at the start of a server, and wherever a view
 * of the past is made. Private to src/daemon. */
#pragma once

#include "base/report.h"
#include "health/health.h"
#include "store/store.h"

struct lock;

struct overrides_reading {
    struct health *health;
    struct lock *lock; /* of the machine; NULL: nobody else has it */
    int64_t wall_ms;   /* the moment at which they hold */
    const char *boot;  /* of the machine, and by how much its clock is ahead: what was written as the end of a
                          duration follows them; NULL: times are as they were written */
    const int64_t *clock_offset_ms;
    const char *folder; /* of the store, for the report */
    struct report *report;
    void *context;
    /* One that the store still has is over; NULL: nobody wants to know. */
    void (*ended)(void *context, enum health_kind kind, const char *name);
    size_t in_force, dormant, over, unread; /* counted; in_force: or planned */
    size_t moved;                           /* along with a clock that was set */
};

/* What an object says. */
struct overrides_item {
    enum health_kind kind;
    const char *name; /* borrowed from its key */
    struct health_override what;
    bool planned;
};
/* One object of the kind "override", whose key is "region:us-east". What is not understood is in the report.
 */
void overrides_put(struct overrides_reading *reading, const struct store_object *object);
/* The same in two steps; false: it is not understood. */
bool overrides_parse(struct overrides_reading *reading, const struct store_object *object,
                     struct overrides_item *item);
void overrides_put_item(struct overrides_reading *reading, const struct overrides_item *item);
/* A line in the log, "overrides" and this ("restored"), if there was anything. */
void overrides_tell(const struct overrides_reading *reading, const char *what);
