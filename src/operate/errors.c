/* SPDX-License-Identifier: BSD-3-Clause
 *
 * See errors.h. Reports are kept in order of their places, so that those of one stand beside each other. */
#include "config.h"

#include "operate/errors.h"

#include "base/error.h"
#include "base/memory.h"

#include <assert.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The latest report of a source. */
struct source {
    enum health_kind kind;
    char name[ERRORS_NAME_SIZE];
    bool is_counted;
    double errors, requests, share;
    int64_t begun_ms, ttl_ms; /* monotonic: it counts from then, for so long */
    int64_t reported_ms, time_ms;
    uint64_t seq;
    char actor[HEALTH_ACTOR_SIZE], peer[HEALTH_PEER_SIZE];
};

struct errors_feed {
    struct source **items; /* owned; regions, azs, endpoints, by name, actor and peer */
    size_t count, capacity;
};

struct errors_feed *errors_new(void)
{
    return memory_alloc(sizeof(struct errors_feed));
}

void errors_free(struct errors_feed *feed)
{
    for (size_t i = 0; feed != NULL && i < feed->count; i++) {
        free(feed->items[i]);
    }
    if (feed != NULL) {
        free(feed->items);
        free(feed);
    }
}

/* ---- who reports ---- */

static int compare_places(enum health_kind kind, const char *name, enum health_kind other_kind,
                          const char *other_name)
{
    return kind != other_kind ? (kind > other_kind ? -1 : 1) : strcmp(name, other_name);
}

/* The name of a user is in brackets behind his number once it has been looked up; he is the same without. */
static size_t len_of_peer(const char *peer)
{
    return strncmp(peer, "uid:", 4) == 0 ? strcspn(peer, "(") : strlen(peer);
}

static int compare_peers(const char *peer, const char *other)
{
    size_t len = len_of_peer(peer), other_len = len_of_peer(other);
    int order = memcmp(peer, other, len < other_len ? len : other_len);
    return order != 0 ? order : (len > other_len) - (len < other_len);
}

/* The first that is not before it. */
static size_t find_place(const struct errors_feed *feed, const struct errors_report *report, bool *is_there)
{
    size_t low = 0, high = feed->count;
    *is_there = false;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        const struct source *source = feed->items[middle];
        int order = compare_places(source->kind, source->name, report->kind, report->name);
        order = order != 0 ? order : strcmp(source->actor, report->actor);
        order = order != 0 ? order : compare_peers(source->peer, report->peer);
        *is_there |= order == 0;
        if (order < 0) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low;
}

static bool is_known(const struct source *source, int64_t now_ms)
{
    return now_ms - source->begun_ms < source->ttl_ms;
}

static bool is_forgotten(const struct source *source, int64_t now_ms)
{
    return now_ms - source->begun_ms >= source->ttl_ms + ERRORS_KEPT_MS;
}

static void forget_old(struct errors_feed *feed, int64_t now_ms)
{
    size_t kept = 0;
    for (size_t i = 0; i < feed->count; i++) {
        if (is_forgotten(feed->items[i], now_ms)) {
            free(feed->items[i]);
        } else {
            feed->items[kept++] = feed->items[i];
        }
    }
    feed->count = kept;
}

/* ---- bounds ---- */

/* In this order they are asked: nobody is put out for one who has too many himself. */
enum bound { OF_PEER, OF_PLACE, OF_ALL, BOUNDS };

static const size_t bounds[BOUNDS] = {ERRORS_PEER_MAX, ERRORS_PLACE_MAX, ERRORS_SOURCES_MAX};

static bool is_within(const struct source *source, const struct errors_report *report, enum bound bound)
{
    return bound == OF_PLACE  ? compare_places(source->kind, source->name, report->kind, report->name) == 0
           : bound == OF_PEER ? compare_peers(source->peer, report->peer) == 0
                              : true;
}

static void drop(struct errors_feed *feed, size_t at)
{
    free(feed->items[at]);
    feed->count--;
    memmove(feed->items + at, feed->items + at + 1, (feed->count - at) * sizeof *feed->items);
}

static int compare_by_peer(const void *a, const void *b)
{
    return compare_peers((*(const struct source *const *)a)->peer, (*(const struct source *const *)b)->peer);
}

/* The oldest of the peer that has most of some sources, if it has at least two more than `peer`: so whoever
 * comes gets in, and nobody is put out for one who has as many. SIZE_MAX: there is none. */
static size_t find_surplus(const struct errors_feed *feed, const struct errors_report *report,
                           enum bound bound)
{
    struct source **within = memory_alloc_array(feed->count + 1, sizeof *within);
    const struct source *most = NULL;
    size_t count = 0, most_count = 0, own_count = 0, oldest = SIZE_MAX;
    for (size_t i = 0; i < feed->count; i++) {
        if (is_within(feed->items[i], report, bound)) {
            within[count++] = feed->items[i];
        }
    }
    qsort(within, count, sizeof *within, compare_by_peer);
    for (size_t first = 0, i = 1; i <= count; i++) {
        if (i == count || compare_peers(within[i]->peer, within[first]->peer) != 0) {
            own_count = compare_peers(within[first]->peer, report->peer) == 0 ? i - first : own_count;
            most = i - first > most_count ? within[first] : most;
            most_count = i - first > most_count ? i - first : most_count;
            first = i;
        }
    }
    for (size_t i = 0; i < feed->count && most_count >= own_count + 2; i++) {
        const struct source *source = feed->items[i];
        bool is_older = oldest == SIZE_MAX || source->begun_ms < feed->items[oldest]->begun_ms;
        bool is_meant = is_within(source, report, bound) && compare_peers(source->peer, most->peer) == 0;
        oldest = is_meant && is_older ? i : oldest;
    }
    free(within);
    return oldest;
}

/* For one more. Who makes room is the oldest whose word does not count any more; where each counts, one of
 * the peer that has most. False: nobody does. */
static bool make_room(struct errors_feed *feed, const struct errors_report *report, enum bound bound,
                      int64_t now_ms)
{
    size_t count = 0, oldest = SIZE_MAX;
    for (size_t i = 0; i < feed->count; i++) {
        const struct source *source = feed->items[i];
        if (is_within(source, report, bound)) {
            bool is_older = oldest == SIZE_MAX || source->begun_ms < feed->items[oldest]->begun_ms;
            oldest = is_older && !is_known(source, now_ms) ? i : oldest;
            count++;
        }
    }
    if (count >= bounds[bound] && oldest == SIZE_MAX && bound != OF_PEER) {
        oldest = find_surplus(feed, report, bound);
    }
    if (count >= bounds[bound] && oldest != SIZE_MAX) {
        drop(feed, oldest);
    }
    return count < bounds[bound] || oldest != SIZE_MAX;
}

/* ---- reports ---- */

/* A counter may begin anew once it was silent; and a clock that ran ahead may have been put right by then. */
static bool is_replayed(const struct source *latest, const struct errors_report *report, int64_t wall_ms,
                        int64_t now_ms)
{
    bool may_begin_anew = !is_known(latest, now_ms);
    bool was_ahead = may_begin_anew && latest->time_ms > wall_ms;
    if (report->time_ms != 0 && latest->time_ms != 0 &&
        (was_ahead ? report->time_ms == latest->time_ms : report->time_ms <= latest->time_ms)) {
        return true;
    }
    return report->seq != 0 && latest->seq != 0 &&
           (may_begin_anew ? report->seq == latest->seq : report->seq <= latest->seq);
}

/* NULL: there is no room. */
static struct source *add(struct errors_feed *feed, const struct errors_report *report, int64_t now_ms)
{
    bool is_there;
    for (enum bound bound = OF_PEER; bound < BOUNDS; bound++) {
        if (!make_room(feed, report, bound, now_ms)) {
            return NULL;
        }
    }
    size_t at = find_place(feed, report, &is_there);
    struct source *source = memory_alloc(sizeof *source);
    source->kind = report->kind;
    snprintf(source->name, sizeof source->name, "%s", report->name);
    snprintf(source->actor, sizeof source->actor, "%s", report->actor);
    feed->items = memory_grow(feed->items, feed->count, &feed->capacity, sizeof *feed->items);
    memmove(feed->items + at + 1, feed->items + at, (feed->count - at) * sizeof *feed->items);
    feed->items[at] = source;
    feed->count++;
    return source;
}

int errors_take(struct errors_feed *feed, const struct errors_report *report, int64_t wall_ms, int64_t now_ms,
                enum health_push_fate *fate)
{
    int64_t ttl_ms = report->ttl_ms != 0 ? report->ttl_ms : ERRORS_TTL_MS;
    int64_t age_ms = report->time_ms != 0 && report->time_ms < wall_ms ? wall_ms - report->time_ms : 0;
    bool is_there;
    assert(strlen(report->name) < ERRORS_NAME_SIZE && strlen(report->actor) < HEALTH_ACTOR_SIZE &&
           strlen(report->peer) < HEALTH_PEER_SIZE);
    forget_old(feed, now_ms);
    size_t at = find_place(feed, report, &is_there);
    *fate = age_ms >= ttl_ms                                                    ? HEALTH_PUSH_LATE
            : is_there && is_replayed(feed->items[at], report, wall_ms, now_ms) ? HEALTH_PUSH_REPLAYED
                                                                                : HEALTH_PUSH_TAKEN;
    if (*fate != HEALTH_PUSH_TAKEN) {
        return 0;
    }
    struct source *source = is_there ? feed->items[at] : add(feed, report, now_ms);
    if (source == NULL) {
        return ERROR_BUSY;
    }
    source->is_counted = report->is_counted;
    source->errors = report->errors;
    source->requests = report->requests;
    source->share = report->share;
    source->begun_ms = now_ms - age_ms;
    source->ttl_ms = ttl_ms;
    source->reported_ms = wall_ms - age_ms;
    source->time_ms = report->time_ms != 0 ? report->time_ms : source->time_ms;
    source->seq = report->seq;
    snprintf(source->peer, sizeof source->peer, "%s", report->peer);
    return 0;
}

/* ---- to look at ---- */

static void copy_latest(const struct source *source, int64_t now_ms, struct errors_status *status)
{
    status->age_ms = now_ms > source->begun_ms ? now_ms - source->begun_ms : 0;
    status->max_age_ms = source->ttl_ms;
    status->reported_ms = source->reported_ms;
    memcpy(status->actor, source->actor, sizeof status->actor);
    memcpy(status->peer, source->peer, sizeof status->peer);
}

static double divide(double errors, double requests)
{
    return requests == 0 ? 0 : errors / requests;
}

/* One more source: whose word counts puts aside those whose word does not. */
static void add_source(struct errors_status *status, const struct source *source, int64_t now_ms)
{
    bool counts = is_known(source, now_ms);
    if (counts && !status->is_known) {
        status->is_known = true;
        status->errors = status->requests = status->share = 0;
        status->sources = 0;
    } else if (!counts && status->is_known) {
        return;
    }
    bool is_latest = status->sources == 0 || source->begun_ms > now_ms - status->age_ms;
    if (source->is_counted) {
        status->errors += source->errors;
        status->requests += source->requests;
    } else if (source->share > status->share) {
        status->share = source->share;
    }
    status->sources++;
    if (is_latest) {
        copy_latest(source, now_ms, status);
    }
}

static void finish(struct errors_status *status)
{
    double counted = divide(status->errors, status->requests);
    status->share = counted > status->share ? counted : status->share;
}

struct errors_list errors_look(const struct errors_feed *feed, int64_t now_ms)
{
    struct errors_list list = {.count = 0};
    struct errors_status *last = NULL;
    if (feed == NULL || feed->count == 0) {
        return list;
    }
    list.items = memory_alloc_array(feed->count, sizeof *list.items);
    for (size_t i = 0; i < feed->count; i++) {
        const struct source *source = feed->items[i];
        if (is_forgotten(source, now_ms)) {
            continue;
        }
        if (last == NULL || compare_places(last->kind, last->name, source->kind, source->name) != 0) {
            last = &list.items[list.count++];
            last->kind = source->kind;
            memcpy(last->name, source->name, sizeof last->name);
        }
        add_source(last, source, now_ms);
    }
    for (size_t i = 0; i < list.count; i++) {
        finish(&list.items[i]);
    }
    return list;
}

const struct errors_status *errors_find(const struct errors_list *list, enum health_kind kind,
                                        const char *name)
{
    for (size_t i = 0; i < list->count; i++) {
        if (list->items[i].kind == kind && strcmp(list->items[i].name, name) == 0) {
            return &list->items[i];
        }
    }
    return NULL;
}
