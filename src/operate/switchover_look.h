/* SPDX-License-Identifier: BSD-3-Clause
 *
 * What a switchover would do, or has done: the answers without it beside those with it, what objects to it,
 * and whether it is where it is to be. By the code that answers (operate/whatif.h), over a copy of what
 * serves. */
#pragma once

#include "base/arena.h"
#include "base/progress.h"
#include "operate/errors.h"
#include "operate/switchover.h"
#include "operate/switchover_spread.h"
#include "operate/unserved.h"
#include "operate/whatif.h"

/* One thing that was looked at. */
struct switchover_finding {
    const char *name; /* "drained", "served" …: by this it is accepted */
    bool is_good;
    const char *text;              /* in words, with figures */
    const struct subject *subject; /* what it is about */
};

enum { SWITCHOVER_FINDINGS_MAX = 13 + 64 }; /* and safety rules that are violated */

/* A copy of data that traffic would move to. */
struct switchover_copy {
    const char *from, *to;
    struct health_lag_status lag; /* its names are borrowed from the view; use these */
};

/* Steered names with a member in what is moved off. */
struct switchover_names {
    size_t count;
    uint32_t ttl_s; /* the largest of theirs */
    /* Before it moves TTLs go down where policies have ttl_failing: of how many names, and the largest of all
     * by then. */
    size_t lowered;
    uint32_t lowered_ttl_s;
};

/* How full a region gets. [0]: without it, [1]: with all of it. */
struct switchover_load {
    const char *region;
    double capacity; /* requests per second, of its endpoints that serve with it; 0: none is declared */
    double share[2]; /* of the answers */
    double load[2];  /* of its capacity, as is reported and follows from that; < 0: not known */
    double rate[2];  /* answers per second that lead there, by those of the last 5 minutes; < 0: not known */
};

struct switchover_capacity {
    bool is_reported;   /* the finding goes by loads that endpoints report; else by what just fits before */
    const char *silent; /* an az, what moves of which does not report all; NULL: none */
    struct switchover_load *items;
    size_t count;
};

struct switchover_look {
    struct operate_report answers; /* [0]: without it, [1]: with all of it */
    struct operate_unserved unserved;
    struct switchover_names names;
    struct switchover_spread spread; /* of these */
    struct switchover_capacity capacity;
    const bool *touched; /* by policy: those that have such names */
    struct switchover_copy *copies;
    size_t copy_count;
    struct switchover_finding findings[SWITCHOVER_FINDINGS_MAX];
    size_t finding_count;
};

enum switchover_aim {
    SWITCHOVER_AIM_PLAN,        /* nothing has moved: what would happen? */
    SWITCHOVER_AIM_THERE,       /* it has moved: is it there? */
    SWITCHOVER_AIM_PLAN_RETURN, /* what would happen if it returned? */
    SWITCHOVER_AIM_RETURN,      /* it has returned: is it there? */
};

struct switchover_ask {
    const struct switchover *switchover;
    enum switchover_aim aim;
    const struct view *view;           /* a copy, as it is now */
    int64_t wall_ms, now_ms;           /* now_ms: monotonic */
    int64_t last_move_ms;              /* wall, of a region: for rules; 0: none is known */
    const struct errors_list *errors;  /* as reported; NULL: nothing was */
    const struct operate_rates *rates; /* of answers, by which names weigh; NULL: not known, they are alike */
    size_t limit;                      /* rows and names to list */
    struct progress *progress;
    /* The next step of what is on its way: hooks that have agreed have moved the data. How long ago the last
     * move was is not asked of what has set out: it was its own. */
    bool is_step;
};

/* 0; ERROR_NOT_FOUND: a target is not there (any more), and *missing its name; ERROR_CANCELLED. All lives in
 * the arena, but for what is borrowed from the view. */
int switchover_look(const struct switchover_ask *ask, struct arena *arena, struct switchover_look *look,
                    const char **missing);
bool switchover_look_is_good(const struct switchover_look *look);
/* What holds the next step, of all that would object to the whole of it: names that nobody would serve, a
 * destination that is not well, that fails too many requests, or that it does not lead to, a safety rule.
 * NULL: nothing that was not accepted. */
const struct switchover_finding *switchover_find_hold(const struct switchover *switchover,
                                                      const struct switchover_look *look);
bool switchover_holds(const struct switchover_finding *finding); /* does it, if it is not accepted? */
/* One more, of whoever has other means to look; and of what is about something. */
void switchover_add_finding(struct switchover_look *look, const char *name, bool is_good, const char *text);
void switchover_add_finding_about(struct switchover_look *look, const struct switchover_finding *finding);

/* Do the data flow back, in real time and within their RPO, to all that was moved off? In words; false also
 * where no copy back is declared. Reads the view. */
bool switchover_flows_back(const struct switchover *switchover, const struct view *view, int64_t now_ms,
                           struct arena *arena, const char **text);

/* Policies with a member among these endpoints, of the groups of names (as in health_override): one bool for
 * each, in the arena. */
const bool *switchover_mark_policies(const struct view *view, const bool *inside, const char *names,
                                     struct arena *arena);
/* Steered names with such a policy. */
void switchover_find_names(const struct view *view, const bool *touched, struct switchover_names *names);

/* Which endpoints lie in what is moved off: one bool for each of the topology, in the arena. */
const bool *switchover_mark_endpoints(const struct switchover *switchover, const struct view *view,
                                      struct arena *arena);
