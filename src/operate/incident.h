/* SPDX-License-Identifier: BSD-3-Clause
 *
 * A real loss of a region or an az, told in the terms of drills: when its checks began to fail, when answers
 * left it, until when resolvers may have kept old ones, how far copies of its data lagged behind then, and
 * whether objectives were met. Pure. */
#pragma once

#include "base/arena.h"
#include "health/health.h"
#include "view/view.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { INCIDENT_ID_SIZE = 64, INCIDENT_NAME_SIZE = 256, INCIDENT_COPIES_MAX = 8 };

/* A copy of its data as it was then. */
struct incident_copy {
    char to[INCIDENT_NAME_SIZE];
    bool is_known; /* how far it lagged behind */
    double lag;
    enum health_lag_unit unit;
    enum health_stage stage;
    enum health_rpo rpo;
};

/* What a drill says of such a loss, from all healthy; times are at worst. */
struct incident_prediction {
    bool is_known;
    int64_t detection_ms; /* from the first failed check on */
    int64_t decision_ms;  /* from the loss on */
    int64_t ttl_ms;       /* of answers that change */
    int64_t failed_ms;    /* so long all requests together would fail; -1: not computed */
    int64_t moved_ms;     /* from the loss on, until 99 % have moved; -1 likewise, or they never do */
};

enum { INCIDENT_MARKS = 3 }; /* 50, 90 and 99 % of resolvers */

/* How resolvers have left it, by what was seen last. */
struct incident_drain {
    int64_t began_ms;                 /* wall; 0: nothing is known */
    uint32_t members;                 /* resolvers that had been led there */
    uint32_t asked, expired;          /* have asked again since; have not, and their TTL is over */
    int64_t marks_ms[INCIDENT_MARKS]; /* from its begin until so many had done either; -1: they have not */
    bool is_over,
        is_cut; /* nobody looks any more: its time is over, or steerd was started again before that */
};

/* What becomes of answers after the loss. */
struct incident_course {
    bool was_held;        /* safety rules kept answers where they were */
    int64_t decided_ms;   /* wall: answers were to leave; 0: not yet, or none did */
    int64_t published_ms; /* wall: every DNS thread answered so; 0: likewise, or not known */
    struct incident_drain drain;
};

struct incident {
    char id[INCIDENT_ID_SIZE];
    enum health_kind kind; /* a region or an az */
    char name[INCIDENT_NAME_SIZE];
    int64_t well_ms;     /* wall: the last good check before that began; 0: not known */
    int64_t failing_ms;  /* wall: the first failed check of those that decided began; 0: not known */
    int64_t lost_ms;     /* wall: from then on it was observed as lost */
    int64_t back_ms;     /* wall: well again; 0: it goes on */
    bool was_overridden; /* it was drained, or down, or up by an order: no answer moved */
    uint32_t ttl_s;      /* the largest of names with a member in it */
    uint32_t names, endpoints, unhealthy;
    enum health_outcome outcome;     /* of the check that failed first */
    int64_t rto_ms;                  /* the objective then: of its pairs, else of all; 0: none */
    char rto_to[INCIDENT_NAME_SIZE]; /* of the pair with this region; "": of all */
    uint32_t own, own_late;          /* names with an objective of their own; that missed their RTO */
    struct incident_course course;
    struct incident_prediction predicted;
    struct incident_copy copies[INCIDENT_COPIES_MAX];
    size_t copy_count;
};

/* Wall: when the last DNS thread gave the last old answer, as far as is known; 0: answers have not left. */
int64_t incident_find_left(const struct incident *incident);
/* From then (wall) until no resolver that keeps to TTLs has an old answer, ms; -1: not known. From failing_ms
 * it is the least that it can have been; from well_ms the most. */
int64_t incident_find_recovery(const struct incident *incident, int64_t from_ms);
/* "met", "missed", by the most; NULL: there is no objective, or nothing moved, or it is not known. */
const char *incident_judge_rto(const struct incident *incident);

/* What can be seen of the loss of `incident` (kind, name, lost_ms) into it; reads a view, and the results of
 * its checks. */
void incident_look(struct incident *incident, const struct view *view, int64_t now_ms, struct arena *arena);
/* Objectives once more, of one that was held and is not any more. */
void incident_look_again(struct incident *incident, const struct view *view, struct arena *arena);
