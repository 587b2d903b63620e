/* SPDX-License-Identifier: BSD-3-Clause
 *
 * How many requests fail, as others report it: of regions, azs and endpoints, by any number of sources each.
 * It is for those who decide, and changes no verdict. What nobody has said lately is unknown, and has an age;
 * it is never 0. Kept in memory only, by name: reloads change nothing of it. Ages are of the monotonic clock.
 *
 * A source is who reports: who he says he is (the actor), and who the kernel or a token says he is (the
 * peer), so that nobody speaks for another by his name. Its next report replaces the one before. What sources
 * count is added up; a share without counts stands for itself, and the highest one counts. */
#pragma once

#include "health/health.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    ERRORS_NAME_SIZE = 256,
    ERRORS_SOURCES_MAX = 4096,       /* of all places */
    ERRORS_PLACE_MAX = 64,           /* of one of them */
    ERRORS_PEER_MAX = 1024,          /* of one peer, who calls himself what he likes */
    ERRORS_TTL_MS = 60 * 1000,       /* how long a report counts that does not say it */
    ERRORS_KEPT_MS = 60 * 60 * 1000, /* for so long after that it is known that there was one */
};

struct errors_report {
    enum health_kind kind;
    const char *name; /* of a region, an az or an endpoint */
    bool is_counted;
    double errors, requests;  /* that failed, of how many; if they were counted; else … */
    double share;             /* … this is the share, 0 to 1 */
    int64_t ttl_ms;           /* how long it counts; 0: ERRORS_TTL_MS */
    int64_t time_ms;          /* wall: when that was, as the reporter says; it counts from then. 0: now */
    uint64_t seq;             /* of the reporter; rises; 0: he does not count */
    const char *actor, *peer; /* both together are the source */
};

/* What is known of a place. */
struct errors_status {
    enum health_kind kind;
    char name[ERRORS_NAME_SIZE];
    bool is_known;           /* the share counts; else it is what was said last */
    double share;            /* of all requests, 0 to 1 */
    double errors, requests; /* as far as they were counted */
    size_t sources;          /* whose word counts; if none does, those who reported before */
    int64_t age_ms;          /* of the latest word; the others are of it, too */
    int64_t max_age_ms;      /* from which age on it does not count */
    int64_t reported_ms;     /* wall */
    char actor[HEALTH_ACTOR_SIZE], peer[HEALTH_PEER_SIZE];
};

struct errors_list {
    struct errors_status *items; /* regions first, by name */
    size_t count;
};

struct errors_feed;

struct errors_feed *errors_new(void);
void errors_free(struct errors_feed *feed); /* NULL is fine */

/* 0 and what becomes of it, by the rules of health_push(); or ERROR_BUSY: there are as many sources as
 * there may be. One whose word does not count makes room, the oldest first; where each counts, the oldest of
 * the peer that has most of that place, or of all, and at least two more than who comes. So whoever calls
 * himself by many names shuts out nobody else. */
int errors_take(struct errors_feed *feed, const struct errors_report *report, int64_t wall_ms, int64_t now_ms,
                enum health_push_fate *fate);

/* What is known of all places of which there was a word lately. The items are owned: free(). A feed that is
 * NULL has none. */
struct errors_list errors_look(const struct errors_feed *feed, int64_t now_ms);
const struct errors_status *errors_find(const struct errors_list *list, enum health_kind kind,
                                        const char *name);
