/* SPDX-License-Identifier: BSD-3-Clause
 *
 * What was read of a machine, for record_read.c and record_machine.c: names and texts are the arena's. */
#pragma once

#include "health/brake_frame.h"
#include "health/brake_inside.h"
#include "health/guard_inside.h"
#include "health/lag_inside.h"
#include "health/machine.h"
#include "health/record.h"

enum { HEALTH_OUTAGE_TIMES = 4 };

struct read_node {
    const char *name;
    uint32_t parent;
    double lost_at;
    uint64_t addressed;
    struct health_need need;
    bool is_known; /* what follows is */
    int64_t since_ms;
    uint8_t state, more; /* more: resolved families, or was it lost */
    uint64_t outages[HEALTH_VIEWS][HEALTH_OUTAGE_TIMES];
    struct health_stay stay;
    struct health_ramp ramp;
    uint8_t withheld; /* percent */
    struct health_fallen fallen;
};

struct read_ban {
    uint32_t from, to;
    uint64_t since, said, released, hold_from;
    int64_t hold_since_ms;
    struct {
        uint64_t was, ended;
    } times[HEALTH_BAN_TIMES];
};

struct read_push {
    int64_t ends_ms, time_ms;
    uint64_t seq;
};

struct read_monitor {
    struct health_monitor_plan plan;
    uint8_t role;
    struct health_kin kin;
    uint8_t brake_family;
    struct health_history history; /* without the plan, and without what follows */
    struct read_push push;
};

struct read_control {
    uint64_t identity;
    uint8_t family;
    struct brake_control what;
};

struct read_load {
    struct read_load *next; /* that was said before */
    uint32_t endpoint;
    uint8_t level;
    struct health_load what; /* without the plan */
};

struct read_lag {
    enum health_kind kind;
    uint32_t from, to;
    struct health_lag what; /* but for how long it has been better */
};

struct read_brake {
    bool is_known;
    int64_t now_ms;
    struct brake_side sides[HEALTH_BRAKES]; /* without lists and counters */
};

struct health_reader {
    bool is_begun, has_brake;
    uint32_t wanted[HEALTH_KINDS], wanted_monitors, wanted_controls;
    struct read_node *nodes[HEALTH_KINDS];
    size_t counts[HEALTH_KINDS], capacities[HEALTH_KINDS];
    struct read_monitor *monitors;
    size_t monitor_count, monitor_capacity;
    struct read_control *controls;
    size_t control_count, control_capacity;
    struct read_load *loads; /* the latest first */
    struct read_brake brake;
    struct read_lag *lags; /* each pair once */
    size_t lag_count, lag_capacity;
    const char *rules[HEALTH_GUARDS_MAX];
    size_t rule_count;
    struct read_ban *bans; /* each place once */
    size_t ban_count, ban_capacity;
    uint64_t number; /* the latest that was met */
    int64_t last_move_ms;
    struct arena *arena;
};

/* ---- record_push.c ---- */

struct buffer;
struct cursor;

/* Nothing, if nobody ever reported to it. */
void health_record_add_push(const struct health *health, uint32_t monitor, struct buffer *to);
/* Append up to `count` of those that have news. Returns how many are left. */
size_t health_record_catch_up_pushes(struct health *health, size_t count, struct buffer *to);
bool health_record_read_push(struct health_reader *reader, struct cursor *body);
/* By the clock of who reads. */
void health_record_fill_push(const struct read_push *push, const struct health_reading *reading,
                             struct health_report *report);

/* ---- record_lag.c ---- */

/* record_stream.c: a record that ends with a name. */
void health_record_add_named(struct buffer *to, uint8_t kind, const void *body, size_t len, const char *name);

/* Append all pairs, or those that have news, from *at on, at most `count`. Returns how many are left. */
size_t health_record_catch_up_lags(struct health *health, size_t *at, size_t count, bool all,
                                   struct buffer *to);
bool health_record_read_lag(struct health_reader *reader, struct cursor *body);
void health_record_plan_lags(const struct health_reader *reader, struct arena *arena,
                             struct health_lags_plan *plan);
void health_record_fill_lags(const struct health_reader *reader, const struct health_reading *reading,
                             struct health *health);

/* ---- record_guard.c ---- */

/* Nothing, if it never fell while anybody counted. */
void health_record_add_fall(const struct health *health, enum health_kind kind, uint32_t index,
                            struct buffer *to);
/* Append all rules and what they forbid, or what of that has news, from *at on, at most `count`. Returns how
 * many are left. */
size_t health_record_catch_up_guards(struct health *health, size_t *at, size_t count, bool all,
                                     struct buffer *to);
bool health_record_read_fall(struct health_reader *reader, struct cursor *body);
bool health_record_read_rule(struct health_reader *reader, struct cursor *body);
bool health_record_read_ban(struct health_reader *reader, struct cursor *body);
bool health_record_read_move(struct health_reader *reader, struct cursor *body);
void health_record_plan_guards(const struct health_reader *reader, struct arena *arena,
                               struct health_guards_plan *plan);
void health_record_fill_guards(const struct health_reader *reader, struct health *health);
