/* SPDX-License-Identifier: BSD-3-Clause
 *
 * The side table of opinions, for quorum.c, which judges by it, opinion.c, which moves it, opinion_carry.c,
 * which hands it over, and opinion_look.c, which describes it. */
#pragma once

#include "health/machine.h"

enum { LOCAL = 0, LOCAL_BIT = 1, DECISECOND_MS = 100 };

/* What one vantage says of one monitor. */
struct cell {
    uint32_t duration_us;
    int32_t turned_ds; /* monotonic, tenths of a second: since when it says so */
    uint16_t detail, streak;
    uint16_t epoch; /* of the vantage when it said so: else it is from before */
    uint8_t verdict, outcome;
    /* With the epoch 0, which nobody has, and a streak: it is asked something else since then. */
};

_Static_assert(sizeof(struct cell) == 16, "for each monitor and vantage");

struct vantage {
    char name[HEALTH_VANTAGE_NAME_SIZE];
    uint32_t weight;
    uint16_t epoch;
    bool has_spoken;    /* it has had an opinion of something in this epoch */
    int64_t heard_ms;   /* monotonic; INT64_MIN: never */
    int64_t awaited_ms; /* likewise: until then what it does not say yet is awaited; 0: it is not */
    uint32_t up, down;  /* monitors of which it says so, whenever that was */
    uint64_t enrolled;  /* the stamp that it came with: another one with its number has another one */
    struct cell *cells; /* of monitors, then of control targets; of ourselves: of the latter only */
};

/* Sets of vantages have a bit for each number. */
struct health_opinions {
    struct vantage vantages[HEALTH_VANTAGES_MAX];
    uint32_t present, drained, fresh;
    uint32_t aside[HEALTH_BRAKES]; /* by family */
    uint32_t *scopes;              /* by quorum: those that have a weight and are in it; owned */
    uint32_t at, left;             /* monitors that are judged again: the next one, and how many */
    int64_t walked_ms;             /* when that began the last time: our own results grow old in silence */
    int64_t asked_ms;              /* until then cells may be awaited for another question; 0: none are */
    uint64_t stamp;                /* another one whenever the list changes */
    bool assumes;                  /* our own results do not grow old: health_assume_opinions() */
};

struct counted {
    unsigned up, down, could, needed, awaited;
    uint32_t weight, weight_down, weight_awaited;
    uint32_t weight_needed; /* of COUNT: that says down; of what could say anything if that is less. Else 0 */
};

const struct health_quorum *opinion_quorum_of(const struct health *health, uint32_t monitor);
/* In its scope, with a weight. */
uint32_t opinion_scope_of(const struct health *health, uint32_t monitor);
unsigned opinion_family_of(const struct health *health, uint32_t monitor);
struct counted opinion_count(const struct health *health, uint32_t monitor);
/* Has it no opinion only because it, we, or the check begins anew? */
bool opinion_is_awaited(const struct health *health, unsigned vantage, uint32_t monitor);
/* What counts of it; of ourselves, too. */
enum health_observed opinion_of(const struct health *health, unsigned vantage, uint32_t monitor);
/* By who is there: `present` of the vantages. Takes a while if many quorums have names. Returns owned. */
uint32_t *opinion_make_scopes(const struct health *health, const struct vantage *vantages, uint32_t present);
/* Those who are there are those of another machine. */
void opinion_share_scopes(struct health *to, const struct health *from);
void opinion_set_cell(struct vantage *v, uint32_t monitor, const struct cell *cell);
/* All monitors are to be judged again. */
void opinion_begin_walk(struct health *health);
/* A column in which nobody has said anything. Returns owned. */
struct cell *opinion_make_cells(const struct health *health);
/* It is not there any more. Returns its column, for the caller to free. */
struct cell *opinion_remove(struct health *health, unsigned number);
/* What it says of control targets. */
struct cell *opinion_controls_of(const struct health *health, unsigned number);
