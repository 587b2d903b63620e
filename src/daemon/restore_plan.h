/* SPDX-License-Identifier: BSD-3-Clause
 *
 * What has to be done so that what operators desire is again what it was, or what a file says: the objects
 * that are wanted against the overrides of a view. Pure, but for the arena. Private to src/daemon. */
#pragma once

#include "admin/admin.h"
#include "past/objects.h"

struct override_clock;
struct view;

/* One object that is put or removed. */
struct restore_op {
    enum health_kind kind;
    const char *name, *key; /* "us-east", "region:us-east" */
    const char *before;     /* its value now; NULL: there is none */
    const char *value;      /* what it becomes; NULL: it is removed */
    const char *written;    /* the same as the store gets it, with the clock that it goes by */
    struct health_override what;
    bool planned; /* its start is yet to come */
    bool dormant; /* its target is not there */
};

struct restore_plan {
    struct restore_op *ops; /* by key; in the arena */
    size_t count;
    struct admin_restore_item *items; /* the first `limit` of what is told */
    size_t item_count;
    size_t fates[ADMIN_RESTORE_FATES]; /* how many of each */
    size_t dormant;                    /* of those that are put */
    size_t left_alone;                 /* objects of kinds that are not restored */
};

struct restore_wanted {
    const struct objects *objects; /* sorted */
    bool keeps_others;             /* what is not among them stays: an import */
    /* An import: what is not understood is an error. What a line does not say is the importer's word; who is
     * proven to have ordered it is he, but for what is there already. */
    bool is_import;
    const char *actor, *peer, *reason; /* of the importer */
    size_t limit;
    int64_t wall_ms;                    /* now */
    const struct override_clock *clock; /* likewise: durations follow it */
};

/* Of a view that nobody changes meanwhile. 0; ERROR_SYNTAX: *bad is not understood, and why (imports only).
 */
int restore_make_plan(const struct restore_wanted *wanted, const struct view *view, struct arena *arena,
                      struct restore_plan *plan, const struct store_object **bad, const char **why);

/* Is the kind turned back by a restore? */
bool restore_is_kind(const char *kind);

/* Do it to a machine that nobody else has meanwhile. Returns false if it has ended by now: nothing is put. */
bool restore_apply(const struct view *view, const struct restore_op *op, int64_t wall_ms);
const struct restore_op *restore_find(const struct restore_plan *plan, enum health_kind kind,
                                      const char *name);
