/* SPDX-License-Identifier: BSD-3-Clause
 *
 * A simulation that runs, and what its parts do with it: simulate.c lets time pass, checks.c makes checks,
 * phases.c knows what begins and ends when, follow.c looks at answers, hear.c writes down what the health
 * machine tells. Inside of src/drill. */
#pragma once

#include "drill/answers.h"
#include "drill/causes.h"
#include "drill/drill.h"
#include "view/view.h"

struct run_check {
    int64_t ends_ms, starts_ms;
    uint32_t monitor, round; /* the round-th check since something happened to it, from 1 */
    struct drill_result result;
};

struct run_event {
    struct drill_event what;
    int rank;
};

struct run_monitor {
    uint64_t count;   /* of checks so far */
    bool is_pending;  /* it has a check in the heap */
    bool is_left_out; /* it is not checked, or was down when the drill began */
};

struct run {
    const struct view *view;
    const struct conf_topology *topology;
    const struct drill_scenario *scenario;
    struct drill_causes causes;
    struct health *health;
    struct drill_answers *answers;
    struct view_monitor *monitors;
    struct run_monitor *states; /* of those */
    size_t monitor_count;
    struct run_check *heap; /* the earliest first */
    size_t heap_count;
    struct drill_decider decider; /* of the last answers that changed in a loss */
    int64_t now_ms, wall_ms; /* since the start; wall time of the start, by which overrides start and end */
    int64_t began_ms;        /* monotonic, as the machine has it */
    int64_t until_ms;        /* when it ends; INT64_MAX: when no check is pending */
    int64_t turn_ms;         /* when something begins or ends next; INT64_MAX: nothing does */
    int64_t lags_ms;         /* when lags are told of next; likewise */
    uint64_t generation;     /* of the table, when answers were looked at last */
    bool *is_lost;           /* by endpoint: in this phase */
    struct drill_phase *phases; /* the last one is now */
    size_t phase_count, phase_capacity;
    size_t changed;      /* answers, each time that they did */
    struct arena *arena; /* of the report */
    struct run_event *events;
    size_t event_count, event_capacity;
    size_t events_most, left_out; /* 0: as many as there are; and how many are not kept */
    char *news;                   /* what begins or ends, between two phases; owned */
    bool is_back;                 /* it is ends only */
};

/* ---- hear.c ---- */

/* Of what happens at once, causes come before consequences. The machine tells regions first. */
enum run_rank {
    RUN_ENDPOINT = HEALTH_ENDPOINT,
    RUN_AZ = HEALTH_AZ,
    RUN_REGION = HEALTH_REGION,
    RUN_CONSEQUENCE
};

void run_add_event(struct run *run, enum run_rank rank, bool is_detail, const char *text);
/* Of those from `first` on. */
void run_sort_events(struct run *run, size_t first);
void run_listen(struct run *run);
void run_list_events(const struct run *run, struct drill_report *report);

/* ---- checks.c ---- */

void run_start_checks(struct run *run);
/* Something began or ended now: what it touches is checked, from the worst moment on. */
void run_wake_checks(struct run *run, const struct drill_cause *cause);
/* Everything that ends at the earliest time. */
void run_end_checks(struct run *run);

/* ---- phases.c ---- */

/* What begins or ends at `turn_ms`: the end of a phase, the begin of the next one, and its checks. */
void run_turn(struct run *run);
/* What the phase that is now did to answers is marked. Returns whether anything begins or ends then. */
bool run_end_phase(struct run *run);
void run_begin_phase(struct run *run);
void run_mark_answers(struct run *run);

/* ---- follow.c ---- */

void run_note_check(struct run *run, uint32_t monitor, enum health_outcome outcome);
/* Answers are looked at if the table has changed. */
void run_follow_answers(struct run *run, int64_t interval_ms, const struct drill_decider *decider);
void run_note_change(struct run *run, size_t changed, const struct drill_decider *decider);
void run_tell_lags(struct run *run);

/* ---- conclude.c ---- */

void run_make_report(const struct run *run, struct drill_report *report);
