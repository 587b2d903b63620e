/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Restores and imports, as the API asks for them and is told what became of them. Plain data. */
#pragma once

#include "operate/rules.h"
#include "operate/unserved.h"
#include "operate/whatif.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct worker_job;

struct admin_restore {
    const char *to;    /* a moment: the ID of a point, a time, how long ago; NULL: an import */
    const char *lines; /* of that: objects as lines of JSON (past/lines.h) */
    size_t lines_len;
    bool replaces; /* an import: what is not in it is removed */
    bool dry_run, allow_unserved;
    bool without_point;       /* also if none can be saved before */
    const char *const *rules; /* that it overrides */
    size_t rule_count;
    const char *actor, *peer, *reason, *request;
    const struct admin_receipt *receipt; /* goes with it into the store; borrowed; NULL: none */
    const void *change;                  /* of a cluster (cluster.h): what it belongs to; NULL: none */
    size_t limit;                        /* of each list */
    /* Called at once with the argument of `done`: how far it is, until it is done. NULL: nobody looks */
    void (*show)(void *argument, const struct worker_job *job);
};

enum admin_restore_fate {
    ADMIN_RESTORE_ADDED,
    ADMIN_RESTORE_REMOVED,
    ADMIN_RESTORE_CHANGED,
    ADMIN_RESTORE_ENDED,  /* it was there, and would have ended since */
    ADMIN_RESTORE_UNREAD, /* it was there, and is not understood: what there is now stays */
    ADMIN_RESTORE_FATES
};

struct admin_restore_item {
    enum admin_restore_fate fate;
    const char *kind, *key;
    const char *before, *after; /* JSON; NULL: none */
    bool dormant;               /* its target is not there */
    const char *note;           /* NULL: none */
};

enum admin_restore_trouble {
    ADMIN_RESTORE_GOOD,
    ADMIN_RESTORE_MOMENT,   /* there is none such: `error` says whether it is no text for one */
    ADMIN_RESTORE_LINES,    /* a line is not understood */
    ADMIN_RESTORE_STORE,    /* it cannot be read */
    ADMIN_RESTORE_UNSERVED, /* nobody would serve some names */
    ADMIN_RESTORE_RULES,    /* safety rules forbid it, or one that it overrides does not */
    ADMIN_RESTORE_NO_POINT, /* none could be saved before */
    ADMIN_RESTORE_RUNNING,  /* another one is being carried out */
    ADMIN_RESTORE_CALLED_OFF,
};

/* What a restore would do, or has done. Borrowed for the call. */
struct admin_restore_result {
    enum admin_restore_trouble trouble;
    int error;
    const char *why; /* of the trouble, in words */
    size_t line;     /* of ADMIN_RESTORE_LINES */
    bool dry_run;
    uint64_t seq;    /* of the moment; 0: an import */
    int64_t time_ms; /* likewise, wall */
    const char *id;  /* of the point; NULL: it was a time, or an import */
    size_t fates[ADMIN_RESTORE_FATES], dormant, left_alone;
    const struct admin_restore_item *items; /* the first ones */
    size_t item_count;
    const struct operate_report *answers;    /* what would change for clients; NULL: nothing changes */
    const struct operate_unserved *unserved; /* likewise */
    struct operate_rules *rules;             /* likewise: for what people do */
    const char *const *rule_names;           /* of ADMIN_RESTORE_RULES: those that it overrides */
    size_t rule_count;
    const char *saved; /* the point that was saved before; NULL: none */
    bool durable;
    const char *not_durable_because; /* NULL: it is, or nothing was to be done */
    size_t transactions;
};
typedef void admin_restore_done(void *argument, const struct admin_restore_result *result);
