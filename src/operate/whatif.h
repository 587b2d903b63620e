/* SPDX-License-Identifier: BSD-3-Clause
 *
 * What a whole configuration answers before and after an assumption: one row per distinct policy, class of
 * clients and record type, however many names share it, the worst first; and where the traffic of all names
 * goes. The answers come from steer_evaluate() and steer_odds(), as those of queries do.
 *
 * How much traffic there is nobody tells the server. So loads are of this question: if what the answers give
 * to the fullest place just fits now, how full does each place get? A row asks that of the endpoints of its
 * policy alone, the whole of all names, or for a traffic that the operator gives. Names weigh alike there,
 * and so do all classes of a name; or as they were asked for lately, where that is known. */
#pragma once

#include "base/arena.h"
#include "base/progress.h"
#include "operate/subject.h"
#include "view/view.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The worst first; that is the order of rows. */
enum operate_severity {
    OPERATE_UNSERVED,       /* names that got records get none: no data, SERVFAIL */
    OPERATE_FALLBACK,       /* no tier serves any more: a fallback answers */
    OPERATE_OVERLOADED,     /* a place gets more than its capacity, if the fullest is just full now */
    OPERATE_MOVED,          /* other answers, or other shares */
    OPERATE_STILL_UNSERVED, /* bad, but not by the assumption */
    OPERATE_STILL_FALLBACK,
    OPERATE_UNCHANGED,
    OPERATE_SEVERITIES
};

static inline const char *operate_severity_text(enum operate_severity severity)
{
    static const char *const texts[] = {
        [OPERATE_UNSERVED] = "unserved",
        [OPERATE_FALLBACK] = "fallback",
        [OPERATE_OVERLOADED] = "overloaded",
        [OPERATE_MOVED] = "moved",
        [OPERATE_STILL_UNSERVED] = "still_unserved",
        [OPERATE_STILL_FALLBACK] = "still_fallback",
        [OPERATE_UNCHANGED] = "unchanged",
    };
    return texts[severity];
}

/* An endpoint, az or region, and its part in the answers. [0]: before, [1]: after. */
struct operate_place {
    const char *name;   /* NULL: to no endpoint (records of the zone file, no data, SERVFAIL) */
    double share[2];    /* of all records of the answers */
    double capacity[2]; /* requests per second, of the endpoints that have a share; 0: not known, or none */
    double load[2];     /* of the capacity; -1: not known */
};

struct operate_places {
    struct operate_place *items;
    size_t count, total; /* how many are listed, and how many there are */
};

struct operate_side {
    const char *answer; /* "tier us-east", "fallback static" … */
    const char *source; /* steer_source_text() */
    uint32_t unserved;  /* of the names: who get no records */
    double carries;     /* requests per second, until the first region or az is full; 0: not known */
};

enum { OPERATE_ROW_TYPES = 17, OPERATE_ROW_NAMES = 10, OPERATE_ROW_ENDPOINTS = 100 };

struct operate_row {
    uint32_t policy; /* as in the list of names */
    const char *class_label;
    const char *types[OPERATE_ROW_TYPES]; /* that are answered alike; NULL ends them */
    const char **names;                   /* the first ones */
    size_t name_listed;
    uint32_t name_count;
    enum operate_severity severity;
    bool changed;
    struct operate_side side[2];
    struct operate_places regions, azs, endpoints;
};

/* How many answers were given lately, per second. */
struct operate_rates {
    const double *names;          /* by index in the names of the view */
    const double *const *classes; /* by policy: of each class, as parts of each other; NULL: not known */
    double all;                   /* of all names; 0: nothing was asked, and nothing weighs */
};

/* Where answers should go, and which of those that move go elsewhere. */
struct operate_aim {
    const char *to;         /* a region or az */
    struct subject subject; /* names, classes and places; as the amount the sum of their shares */
};

struct operate_what_if {
    const struct view *view[2]; /* before, after: both are copies, so that nobody changes them */
    const char *const *assumed; /* what is different, as text: for the report */
    size_t assumed_count;
    ptrdiff_t policy;                  /* of this policy only; -1: of all */
    double traffic;                    /* of all names, requests per second; 0: not known */
    const struct operate_rates *rates; /* by which names weigh; NULL: alike */
    size_t limit;                      /* rows */
    const char *cursor;                /* next_cursor of the page before; NULL: from the start */
    int64_t wall_ms;                   /* now */
    struct progress *progress;         /* NULL: nobody looks */
    struct operate_aim *aim;           /* filled in; NULL: they may go anywhere */
};

struct operate_report {
    const char **assumed;
    size_t assumed_count;
    size_t names, names_changed;
    size_t names_unserved[2]; /* with a class or type that gets no records */
    size_t rows_total, rows_by_severity[OPERATE_SEVERITIES];
    double traffic;        /* that loads of the whole are of; 0: not known */
    bool traffic_is_given; /* else it is what just fits now */
    bool is_by_rates;      /* names weigh as they were asked for lately; else alike */
    struct operate_places regions, azs;
    /* Engaged: where it would hold what is assumed to be down, if checks found that and no operator said it.
     * By family; of reports of all policies. */
    struct health_brake_status brakes[HEALTH_BRAKES];
    const char **steps; /* the report in sentences */
    size_t step_count;
    struct operate_row *rows; /* of this page */
    size_t row_count;
    const char *next_cursor; /* NULL: there are no more */
};

/* 0, ERROR_SYNTAX: the cursor is none of ours, or ERROR_CANCELLED by the progress. The report lives in the
 * arena and borrows nothing. */
int operate_report_what_if(const struct operate_what_if *question, struct arena *arena,
                           struct operate_report *report);
