/* SPDX-License-Identifier: BSD-3-Clause
 *
 * What has to be done so that what operators desire is again what it was, or what a file says: the objects
 * that are wanted against the overrides of a view. Pure, but for the arena. Private to src/daemon. */
#pragma once

#include "admin/admin.h"
#include "daemon/batch.h"
#include "past/objects.h"

struct override_clock;
struct view;

struct restore_plan {
    struct batch_ops ops;             /* in the arena */
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
