/* SPDX-License-Identifier: BSD-3-Clause
 *
 * What the machine keeps of what stays down (stay.h), and what stay.c does for the files of src/health. */
#pragma once

#include "health/health.h"

#include <stdbool.h>

/* What is known of how long an object stays down. */
struct health_stay {
    int64_t down_ms, ready_ms; /* monotonic: since when it is down; and well, if it is ready */
    int64_t penalty_ms;        /* likewise: when the penalty was that */
    float penalty;
    bool is_down;    /* it went down, and did not come back */
    bool is_ready;   /* and is well */
    bool suppressed; /* it has flapped */
    bool released;   /* an operator said that it may come back */
};

/* When it is looked at whether an object comes back. */
struct health_stay_due {
    int64_t at_ms;
    enum health_kind kind; /* ENDPOINT: a monitor */
    uint32_t index;
};

struct health_stay_queue {
    struct health_stay_due *items;
    size_t count, capacity;
};

/* A ramp begins with the next whole second. */
enum { HEALTH_RAMP_EARLY_MS = 1000 };

/* What is known of how the weight of an object returns. Families: a bit for each of enum health_family; azs
 * and regions have HEALTH_ANY alone. */
struct health_ramp {
    int64_t begun_ms; /* monotonic, a whole second */
    int64_t queue_ms; /* when it is looked at again; 0: never */
    uint32_t plan;    /* 1 + index of it; 0: none */
    uint8_t families; /* that came back with it, and are well; 0: it does not ramp */
    uint8_t out;      /* that served once, and are down */
    uint8_t was;      /* of these, that came down from a ramp */
    uint8_t told;     /* percent that was told last; 0: that it does not ramp */
};

/* ---- queue.c ---- */

void health_queue_add(struct health_stay_queue *queue, const struct health_stay_due *due);
/* Take out the first; there is one. */
struct health_stay_due health_queue_take(struct health_stay_queue *queue);

/* ---- ramp.c ---- */

void health_ramps_add(struct health *health, const struct health_ramps *ramps);
/* The word of an object is about to become `word`: what it is to be instead, with its ramp. */
uint32_t health_ramp_follow(struct health *health, enum health_kind kind, uint32_t index, uint32_t word);
/* The first result after a start, which took it down, was no accident. */
void health_ramp_confirm(struct health *health, uint32_t endpoint);
/* Its word with the step that it is at by now, which may be the end. */
uint32_t health_ramp_step(struct health *health, enum health_kind kind, uint32_t index);
/* Likewise, after words were made anew: what was down and is not comes back. */
uint32_t health_ramp_settle(struct health *health, enum health_kind kind, uint32_t index);
/* What was written down of it does not go with its word: what is down does not ramp, what is not is not out.
 */
void health_ramp_prune(struct health *health, enum health_kind kind, uint32_t index);
/* What is looked at next; returns whether that is of any use still. */
bool health_ramp_take(struct health *health, struct health_stay_due *due);
struct health_ramp_status health_find_ramp(const struct health *health, enum health_kind kind,
                                           uint32_t index);
/* Told to whoever listens, if that is news. */
void health_ramp_tell(struct health *health, enum health_kind kind, uint32_t index);

/* ---- stay.c ---- */

void health_add_rules(struct health *health, const struct health_rules *rules);
/* By its results alone a monitor is this now: what it is to be. `counts`: a result says so, not the brake. */
enum health_observed health_stay_monitor(struct health *health, uint32_t monitor,
                                         enum health_observed verdict);
/* Likewise of an az or region, by what is inside: of HEALTH_WORD_OBSERVED. */
uint32_t health_stay_group(struct health *health, enum health_kind kind, uint32_t index, uint32_t judged);
/* An order that kept a region from serving is about to end: it stays down where a rule about copies wants
 * that, as if it had fallen. */
void health_stay_return(struct health *health, uint32_t region);
/* Which of these rules keep a region that is well and stays down: a bit each. */
uint64_t health_stay_keeps(const struct health *health, uint32_t region);
/* Does nothing keep it down any more? Nobody has looked at it since then. */
bool health_stay_is_over(const struct health *health, uint32_t region);
/* The brake takes back that the monitor went down. */
void health_stay_undo(struct health *health, uint32_t monitor);
/* What stays has another history. */
void health_stay_queue(struct health *health, enum health_kind kind, uint32_t index);
void health_stay_queue_all(struct health *health);
/* Take out what is looked at next. Returns whether nothing keeps it down any more. */
bool health_stay_take(struct health *health, struct health_stay_due *due);
/* It may come back. Returns whether it does at once: then it is to be turned, or climbed from. */
bool health_stay_release(struct health *health, enum health_kind kind, uint32_t index);
void health_stay_forgive(struct health *health, enum health_kind kind, uint32_t index);
/* Someone said at a wall time that what was down may come back. */
void health_stay_restore(struct health *health, enum health_kind kind, uint32_t index, int64_t said_ms);
struct health_stay_status health_find_stay(const struct health *health, enum health_kind kind,
                                           uint32_t index);
struct health_stay_status health_find_monitor_stay(const struct health *health, uint32_t monitor);
