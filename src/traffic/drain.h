/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Which hosts of a sample got answers that led where lately, and after a switch how they leave: a drain, of a
 * region, an az or an endpoint. Its members are the hosts that were led there within TRAFFIC_DRAIN_WINDOW_MS
 * before. A member has *asked* once it got any answer after the switch: it knows where things lead now. One
 * that has not has *expired* when the TTL of the latest answer is over that led there: whoever keeps to TTLs
 * does not use that any more. Until then it is *waiting*. A switch that is about some groups of names only
 * has members, and answers, of these names only. Belongs to one thread, or to whoever holds the lock of that.
 * Times are wall times in ms. */
#pragma once

#include "base/addr.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    TRAFFIC_DRAIN_WINDOW_MS = 15 * 60 * 1000, /* who was seen before */
    TRAFFIC_DRAIN_OPEN_MS = 60 * 60 * 1000,   /* for so long it is looked who asks */
    TRAFFIC_DRAINS_MAX = 32,                  /* that are kept of regions, and of azs; the oldest go */
    TRAFFIC_DRAINS_ENDPOINTS = 64,            /* likewise: as many as one switchover may have */
    TRAFFIC_DRAINS_ALL = 2 * TRAFFIC_DRAINS_MAX + TRAFFIC_DRAINS_ENDPOINTS,
    TRAFFIC_DRAIN_TEXT = 256,
    TRAFFIC_DRAIN_TARGET = 300,
    TRAFFIC_DRAIN_POINTS = 25,
    TRAFFIC_DRAIN_MISSING = 20,
};

enum traffic_level { TRAFFIC_OF_REGION, TRAFFIC_OF_AZ, TRAFFIC_OF_ENDPOINT, TRAFFIC_LEVELS };

/* Where an answer led, each by its key, and of which group of names it was. All 0: nowhere; of none. */
struct traffic_place {
    uint64_t keys[TRAFFIC_LEVELS];
    uint64_t group;
};

struct traffic_drains;

struct traffic_drains *traffic_drains_new(size_t hosts_max); /* returns owned */
void traffic_drains_free(struct traffic_drains *drains);     /* NULL is fine */
/* Of "region:us-east", and of the name of a group of names; the same for good, and never 0. */
uint64_t traffic_drains_key(const char *text);

/* A host got an answer. */
void traffic_drains_see(struct traffic_drains *drains, const struct addr *addr, uint32_t number,
                        const struct traffic_place *place, int64_t at_ms, uint32_t ttl_s);

/* Answers have left a place, or some of them. */
struct traffic_switch {
    const char *target; /* "region:us-east", "az:…", "endpoint:…" */
    int64_t at_ms;
    unsigned share;    /* so many percent of its weight; 100: all */
    const char *names; /* groups of names that it is about, with commas between; "": all names */
    const char *cause;
};
/* Nothing if as much was told of it within the last second. What was answered before may still be seen
 * afterwards. */
void traffic_drains_begin(struct traffic_drains *drains, const struct traffic_switch *what);
/* From now on only hosts whose number (sight.h) is below are seen: all others are forgotten, and left out of
 * drains as if they had never been. */
void traffic_drains_limit(struct traffic_drains *drains, uint32_t below);
void traffic_drains_tidy(struct traffic_drains *drains, int64_t now_ms); /* now and then */
size_t traffic_drains_count_hosts(const struct traffic_drains *drains);
bool traffic_drains_any_open(const struct traffic_drains *drains, int64_t now_ms);

/* ---- looking ---- */

struct traffic_drain_point {
    int64_t after_ms;
    double asked, drained; /* shares of the members: asked; asked or expired */
};

struct traffic_drain_host {
    struct addr addr;
    uint32_t seconds;          /* in which it got answers that led there before */
    int64_t seen_ms, until_ms; /* the last of these; when its TTL is over */
};

struct traffic_drain_look {
    uint64_t id;
    const char *target, *names, *cause; /* borrowed until the next one begins; names "": of all */
    int64_t at_ms;
    unsigned share;
    bool is_open;
    uint32_t members, asked, back, expired, waiting; /* back: of those that asked, led there again */
    int64_t t99_ms;  /* from the switch until 99 % have asked or expired; -1: there are no members */
    bool is_reached; /* it was so; else it is the estimate */
    struct traffic_drain_point points[TRAFFIC_DRAIN_POINTS];
    size_t point_count;
    /* Who has not asked, those first that got most answers before. */
    struct traffic_drain_host missing[TRAFFIC_DRAIN_MISSING];
    size_t missing_count;
};

/* Without the curve, and without guesses. */
enum { TRAFFIC_DRAIN_MARKS = 3 }; /* 50, 90 and 99 % */
struct traffic_drain_progress {
    int64_t at_ms; /* of the switch */
    bool is_over;  /* nobody looks any more, or everybody has asked */
    uint32_t members, asked, expired;
    int64_t
        marks_ms[TRAFFIC_DRAIN_MARKS]; /* from the switch until so many have asked or expired; -1: not yet */
};

size_t traffic_drains_count(const struct traffic_drains *drains);
/* The latest one of a target and these groups of names ("": of all); the count of all: there is none. */
size_t traffic_drains_find(const struct traffic_drains *drains, const char *target, const char *names);
/* That of an index, the latest first, and whether it is the latest of its target and names. Borrowed. */
const char *traffic_drains_get_target(const struct traffic_drains *drains, size_t index, const char **names,
                                      bool *is_latest);
/* Who has asked, or need not any more, of the members; -1: there are none, or nobody looks any more. */
double traffic_drains_get_share(const struct traffic_drains *drains, size_t index, int64_t now_ms);
/* Of the first drain of all names of the target that began in this span, both ends included. */
bool traffic_drains_measure(const struct traffic_drains *drains, const char *target, const int64_t span_ms[2],
                            int64_t now_ms, struct traffic_drain_progress *progress);
/* The latest first: index 0. */
void traffic_drains_look(const struct traffic_drains *drains, size_t index, int64_t now_ms,
                         struct traffic_drain_look *look);
