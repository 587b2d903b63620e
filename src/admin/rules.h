/* SPDX-License-Identifier: BSD-3-Clause
 *
 * What the API asks the application about safety rules. */
#pragma once

#include "base/arena.h"
#include "operate/foresee.h"
#include "operate/rules.h"
#include "operate/whatif.h"

/* A rule as it is. */
struct admin_rule {
    struct operate_rule judged;
    int64_t since_ms; /* wall: it is kept, or violated, since then; 0: not known */
    /* Regions that may not be left by themselves now, for another one or (`to` NULL) for anywhere; and those
     * in which something was lost that it holds. */
    const struct admin_ban {
        const char *from, *to;
    } * bans;
    size_t ban_count;
    const char **holds;
    size_t hold_count;
};

/* What would be allowed now. */
struct admin_wishes {
    const char *const *texts; /* "region:us-east=drain" … */
    size_t count;
    const char *bad; /* set by the verb: the one that is not understood (ERROR_SYNTAX) or not there */
    struct progress *progress;
    size_t limit; /* unserved names to list */
    struct operate_rules rules;
    struct operate_unserved unserved;
};

/* A rule lets go what it holds in a region. */
struct admin_release {
    const char *rule, *region;
    struct progress *progress;
    size_t limit; /* rows */
    struct operate_report report;
};

/* What a recovery has to reach. */
struct admin_objective {
    const char *scope;            /* "all", "pair", "name" */
    const char *name, *from, *to; /* NULL where that does not apply */
    uint32_t rto_ms, rpo_ms;      /* 0: not given */
    double capacity, errors;
    bool may_move;
};

struct admin_rules_verbs {
    /* Which rules an order would violate: 0 or ERROR_NOT_FOUND. On the worker of orders; see
     * admin_verbs.find_unserved. */
    int (*judge)(void *live, struct operate_wish *wish, struct arena *arena, struct operate_rules *rules);
    /* The same at once, on the control thread, with all orders that are under way. Takes a moment: one walk
     * over the words of the health table, two for each moment of its time. */
    int (*judge_now)(void *context, struct operate_wish *wish, struct arena *arena,
                     struct operate_rules *rules);
    /* Are there any? On the control thread. */
    bool (*has_any)(void *context);
    /* All of them, in the order of the topology; returns how many. */
    size_t (*list)(void *reader, struct arena *arena, struct admin_rule **items);
    /* Of all first, then of pairs and of names; returns how many. */
    size_t (*list_objectives)(void *reader, struct arena *arena, struct admin_objective **items);
    /* 0, ERROR_SYNTAX, ERROR_NOT_FOUND, ERROR_CANCELLED. */
    int (*check)(void *reader, struct admin_wishes *wishes, struct arena *arena);
    /* What would be answered then: 0, ERROR_NOT_FOUND, ERROR_CONFLICT: it holds nothing there,
     * ERROR_CANCELLED. */
    int (*foresee_release)(void *reader, struct admin_release *release, struct arena *arena);
};
