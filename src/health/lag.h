/* SPDX-License-Identifier: BSD-3-Clause
 *
 * How far copies of data lag behind: per pair of regions or azs of which one replicates to the other, what
 * was said of it last, by a check or by somebody who reports it. It is for those who decide, and changes no
 * verdict and no word of the table. What nobody has said lately is unknown, and has an age; it is never 0.
 *
 * What is worse counts at once: a lag over the RPO, an earlier stage, no word for too long. What is better
 * counts when it has stayed so for `hold_ms`, but after silence at once: so a pair changes at most twice per
 * hold, or once per max_age. Ages are of the monotonic clock. */
#pragma once

#include "health/outcome.h"
#include "health/table.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct health;

enum health_lag_unit { HEALTH_LAG_SECONDS, HEALTH_LAG_MILLISECONDS, HEALTH_LAG_BYTES };
const char *health_lag_unit_text(enum health_lag_unit unit); /* "s" "ms" "bytes" */

/* How far the copying is. */
enum health_stage {
    HEALTH_STAGE_UNKNOWN,
    HEALTH_STAGE_START,     /* "start": the first copy of everything is under way */
    HEALTH_STAGE_FULL,      /* "full": everything is there, changes follow now and then */
    HEALTH_STAGE_REAL_TIME, /* "real_time": changes follow as they come */
};
enum { HEALTH_STAGES = HEALTH_STAGE_REAL_TIME + 1 };
const char *health_stage_text(enum health_stage stage); /* NULL for unknown */

enum health_rpo {
    HEALTH_RPO_NONE,    /* there is none */
    HEALTH_RPO_UNKNOWN, /* "unknown": nothing that counts was said, or not in time */
    HEALTH_RPO_KEPT,    /* "kept" */
    HEALTH_RPO_OVER,    /* "over" */
};
const char *health_rpo_text(enum health_rpo rpo); /* NULL for none */

struct health_lag_plan {
    enum health_kind kind;   /* of both: regions or azs */
    uint32_t from, to;       /* which, each pair once */
    enum health_stage stage; /* as it is declared; one that is said counts more */
    int64_t rpo_ms;          /* 0: none */
    int64_t max_age_ms;      /* of a word that counts; above 0 */
    int64_t hold_ms;         /* 0 or more */
    bool is_asked;           /* by a check; else it is reported */
};

struct health_lags_plan {
    const struct health_lag_plan *items;
    size_t count;
};

enum health_lag_source { HEALTH_LAG_NONE, HEALTH_LAG_FROM_CHECK, HEALTH_LAG_PUSHED };
const char *health_lag_source_text(enum health_lag_source source); /* "check" "push"; NULL for none */

enum { HEALTH_LAG_NAME_SIZE = 64 }; /* of who reports */

struct health_lag_status {
    enum health_kind kind;
    const char *from, *to; /* borrowed from the machine */
    bool is_asked;
    bool is_known; /* what follows counts; else it is what was said last, if ever */
    double value;
    enum health_lag_unit unit;
    enum health_lag_source source; /* NONE: nothing was ever said */
    int64_t age_ms;                /* of it; -1: nothing was ever said */
    int64_t reported_ms;           /* wall; 0: likewise */
    int64_t max_age_ms;            /* from which age on it does not count */
    enum health_stage stage;       /* as judged */
    bool is_stage_said;            /* by who says the lag; else declared */
    int64_t rpo_ms;                /* 0: none */
    enum health_rpo rpo;           /* as judged */
    int64_t since_ms;              /* wall: of that; 0: not known */
    int64_t asked_ms;              /* wall: when it was asked for last; 0: never */
    enum health_outcome outcome;   /* of that; … */
    bool had_value;                /* … and did the answer say a lag? */
    char actor[HEALTH_LAG_NAME_SIZE], peer[HEALTH_LAG_NAME_SIZE]; /* of a report; "" for checks */
};

/* It begins or ends to be over its RPO, or to be unknown, or is at another stage. */
struct health_lag_change {
    const struct health_lag_status *status;
    enum health_rpo rpo_before;
    enum health_stage stage_before;
};

/* ---- to look at ---- */

size_t health_count_lags(const struct health *health);
/* The pair between two objects of a kind; -1: it is none. */
ptrdiff_t health_find_lag(const struct health *health, enum health_kind kind, uint32_t from, uint32_t to);
/* As it is at a monotonic time: one that has grown too old meanwhile is unknown. */
void health_get_lag(const struct health *health, size_t lag, int64_t now_ms,
                    struct health_lag_status *status);

struct health_lag_counts {
    size_t pairs, over, unknown; /* unknown: also those without an RPO */
};
struct health_lag_counts health_count_lag_states(const struct health *health, int64_t now_ms);

/* ---- to tell ---- */

struct health_lag_report {
    double value; /* 0 or more, finite */
    enum health_lag_unit unit;
    enum health_stage stage; /* UNKNOWN: nothing is said of it */
    enum health_lag_source source;
    int64_t ttl_ms;           /* how long it counts; 0: the plan's max_age */
    int64_t time_ms;          /* wall: when that was, as the reporter says; it counts from then. 0: now */
    uint64_t seq;             /* of the reporter; rises; 0: he does not count */
    const char *actor, *peer; /* NULL for checks */
};

/* Late and replayed ones are not taken, by the rules of health_push(). */
enum health_push_fate health_report_lag(struct health *health, size_t lag,
                                        const struct health_lag_report *report, int64_t wall_ms,
                                        int64_t now_ms);
/* It was asked for: with or without a lag in the answer, which health_report_lag() is told. */
void health_note_lag_asked(struct health *health, size_t lag, enum health_outcome outcome, bool had_value,
                           int64_t wall_ms);
/* What has become too old, or has stayed better for long enough. At least once a second. */
void health_follow_lags(struct health *health, int64_t wall_ms, int64_t now_ms);
