/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Which hosts of a sample got answers in which region lately, and after a switch how they leave: a drain. Its
 * members are the hosts that were led to the region within TRAFFIC_DRAIN_WINDOW_MS before. A member has
 * *asked* once it got any answer after the switch: it knows where things lead now. One that has not has
 * *expired* when the TTL of the latest answer is over that it got in the region: whoever keeps to TTLs does
 * not use that any more. Until then it is *waiting*. Belongs to one thread, or to whoever holds the lock of
 * that. Times are wall times in ms. */
#pragma once

#include "base/addr.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    TRAFFIC_DRAIN_WINDOW_MS = 15 * 60 * 1000, /* who was seen before */
    TRAFFIC_DRAIN_OPEN_MS = 60 * 60 * 1000,   /* for so long it is looked who asks */
    TRAFFIC_DRAINS_MAX = 32,                  /* that are kept; the oldest go */
    TRAFFIC_DRAIN_TEXT = 256,
    TRAFFIC_DRAIN_POINTS = 25,
    TRAFFIC_DRAIN_MISSING = 20,
};

#define TRAFFIC_NO_REGION UINT32_MAX

struct traffic_drains;

struct traffic_drains *traffic_drains_new(size_t hosts_max); /* returns owned */
void traffic_drains_free(struct traffic_drains *drains);     /* NULL is fine */
/* A number for a region of this name, the same for good. */
uint32_t traffic_drains_number(struct traffic_drains *drains, const char *region);

/* A host got an answer that led to a region, or to none. */
void traffic_drains_see(struct traffic_drains *drains, const struct addr *addr, uint32_t number,
                        uint32_t region, int64_t at_ms, uint32_t ttl_s);
/* Answers have left the region, or some of them. `share`: so many percent of its weight; 100: all. Nothing
 * if as much was told of it within the last second. What was answered before may still be seen afterwards. */
void traffic_drains_begin(struct traffic_drains *drains, const char *region, int64_t at_ms, unsigned share,
                          const char *cause);
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
    uint32_t seconds;          /* in which it got answers in the region before */
    int64_t seen_ms, until_ms; /* the last of these; when its TTL is over */
};

struct traffic_drain_look {
    uint64_t id;
    const char *region, *cause; /* borrowed until the next one begins */
    int64_t at_ms;
    unsigned share;
    bool is_open;
    uint32_t members, asked, back, expired, waiting; /* back: of those that asked, led to the region again */
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
/* Of the first drain of the region that began in this span, both ends included. */
bool traffic_drains_measure(const struct traffic_drains *drains, const char *region, const int64_t span_ms[2],
                            int64_t now_ms, struct traffic_drain_progress *progress);
/* The latest first: index 0. */
void traffic_drains_look(const struct traffic_drains *drains, size_t index, int64_t now_ms,
                         struct traffic_drain_look *look);
