/* SPDX-License-Identifier: BSD-3-Clause
 *
 * What a drain looks like at some moment. Nothing of it is kept: when each member asked, and when its TTL is
 * over, is the whole curve. */
#include "config.h"

#include "traffic/drain_parts.h"

#include "base/memory.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static const uint32_t points_s[] = {0,  1,  2,  3,  4,   5,   7,   10,  15,  20,   25,   30,
                                    40, 50, 60, 90, 120, 180, 300, 600, 900, 1200, 1800, 3600};
_Static_assert(sizeof points_s / sizeof *points_s + 1 == TRAFFIC_DRAIN_POINTS, "one for each, and now");

/* When it has asked or its TTL is over, whichever comes first. */
static int64_t find_end(const struct member *member)
{
    bool asks_first = member->asked_ms != 0 && member->asked_ms < member->until_ms;
    return asks_first ? member->asked_ms : member->until_ms;
}

static void count_members(const struct drain *drain, int64_t now_ms, struct traffic_drain_look *look)
{
    for (size_t i = 0; i < drain->member_count; i++) {
        const struct member *member = &drain->members[i];
        bool asked = member->asked_ms != 0, is_over = member->until_ms <= now_ms;
        look->asked += asked;
        look->back += asked && member->is_back;
        look->expired += !asked && is_over;
        look->waiting += !asked && !is_over;
    }
}

static void add_point(const struct drain *drain, int64_t at_ms, struct traffic_drain_look *look)
{
    struct traffic_drain_point *point = &look->points[look->point_count++];
    size_t asked = 0, drained = 0, all = drain->member_count;
    for (size_t i = 0; i < all; i++) {
        const struct member *member = &drain->members[i];
        asked += member->asked_ms != 0 && member->asked_ms <= at_ms;
        drained += find_end(member) <= at_ms;
    }
    point->after_ms = at_ms - drain->at_ms;
    point->asked = all == 0 ? 0 : (double)asked / (double)all;
    point->drained = all == 0 ? 0 : (double)drained / (double)all;
}

static void draw_curve(const struct drain *drain, int64_t now_ms, struct traffic_drain_look *look)
{
    int64_t last_ms = drain->at_ms - 1, end_ms = drain->at_ms + TRAFFIC_DRAIN_OPEN_MS;
    for (size_t i = 0; i < sizeof points_s / sizeof *points_s; i++) {
        int64_t at_ms = drain->at_ms + (int64_t)points_s[i] * 1000;
        if (at_ms <= now_ms) {
            add_point(drain, at_ms, look);
            last_ms = at_ms;
        }
    }
    if (now_ms > last_ms && now_ms < end_ms) {
        add_point(drain, now_ms, look);
    }
}

static int compare_times(const void *a, const void *b)
{
    int64_t one = *(const int64_t *)a, other = *(const int64_t *)b;
    return (one > other) - (one < other);
}

/* When each member is done, the first first. Returns owned. */
static int64_t *sort_ends(const struct drain *drain)
{
    int64_t *ends = memory_alloc_array(drain->member_count, sizeof *ends);
    for (size_t i = 0; i < drain->member_count; i++) {
        ends[i] = find_end(&drain->members[i]);
    }
    qsort(ends, drain->member_count, sizeof *ends, compare_times);
    return ends;
}

static size_t count_of(size_t all, size_t percent)
{
    return (all * percent + 99) / 100;
}

/* When the 99th of 100 is done. Who has not asked is so at the end of its TTL at the latest; before, the pace
 * at which the others asked tells when, as if all were alike. */
static void estimate(const struct drain *drain, int64_t now_ms, struct traffic_drain_look *look)
{
    size_t all = drain->member_count, wanted = count_of(all, 99);
    look->t99_ms = -1;
    if (all == 0) {
        return;
    }
    int64_t *ends = sort_ends(drain);
    int64_t end_ms = ends[wanted - 1];
    free(ends);
    look->is_reached = end_ms <= now_ms;
    if (!look->is_reached && look->asked != 0) {
        double left = 1 - (double)look->asked / (double)all;
        double pace_ms = (double)(now_ms - drain->at_ms) * log(0.01) / log(left);
        int64_t by_pace = drain->at_ms + (int64_t)pace_ms;
        by_pace = by_pace > now_ms ? by_pace : now_ms;
        end_ms = by_pace < end_ms ? by_pace : end_ms;
    }
    look->t99_ms = end_ms > drain->at_ms ? end_ms - drain->at_ms : 0;
}

static int compare_hosts(const void *a, const void *b)
{
    const struct member *one = *(const struct member *const *)a, *other = *(const struct member *const *)b;
    int by_count = (one->seconds < other->seconds) - (one->seconds > other->seconds);
    return by_count != 0 ? by_count : (one->seen_ms < other->seen_ms) - (one->seen_ms > other->seen_ms);
}

static void list_missing(const struct drain *drain, struct traffic_drain_look *look)
{
    const struct member **missing = memory_alloc_array(drain->member_count + 1, sizeof(struct member *));
    size_t count = 0;
    for (size_t i = 0; i < drain->member_count; i++) {
        if (drain->members[i].asked_ms == 0) {
            missing[count++] = &drain->members[i];
        }
    }
    qsort(missing, count, sizeof(struct member *), compare_hosts);
    look->missing_count = count < TRAFFIC_DRAIN_MISSING ? count : TRAFFIC_DRAIN_MISSING;
    for (size_t i = 0; i < look->missing_count; i++) {
        look->missing[i] = (struct traffic_drain_host){.addr = missing[i]->addr,
                                                       .seconds = missing[i]->seconds,
                                                       .seen_ms = missing[i]->seen_ms,
                                                       .until_ms = missing[i]->until_ms};
    }
    free(missing);
}

size_t traffic_drains_count(const struct traffic_drains *drains)
{
    return drains->count;
}

static const struct drain *drain_at(const struct traffic_drains *drains, size_t index)
{
    return drains->items[drains->count - 1 - index];
}

size_t traffic_drains_find(const struct traffic_drains *drains, const char *target, const char *names)
{
    size_t i = 0;
    while (i < drains->count && (strcmp(drain_at(drains, i)->target, target) != 0 ||
                                 strcmp(drain_at(drains, i)->names, names) != 0)) {
        i++;
    }
    return i;
}

const char *traffic_drains_get_target(const struct traffic_drains *drains, size_t index, const char **names,
                                      bool *is_latest)
{
    const struct drain *drain = drain_at(drains, index);
    *names = drain->names;
    *is_latest = traffic_drains_find(drains, drain->target, drain->names) == index;
    return drain->target;
}

double traffic_drains_get_share(const struct traffic_drains *drains, size_t index, int64_t now_ms)
{
    const struct drain *drain = drain_at(drains, index);
    struct traffic_drain_look look = {.id = drain->id};
    if (drain->member_count == 0 || now_ms >= drain->at_ms + TRAFFIC_DRAIN_OPEN_MS) {
        return -1;
    }
    count_members(drain, now_ms, &look);
    return (double)(look.asked + look.expired) / (double)drain->member_count;
}

void traffic_drains_look(const struct traffic_drains *drains, size_t index, int64_t now_ms,
                         struct traffic_drain_look *look)
{
    const struct drain *drain = drain_at(drains, index);
    *look = (struct traffic_drain_look){.id = drain->id,
                                        .target = drain->target,
                                        .names = drain->names,
                                        .cause = drain->cause,
                                        .at_ms = drain->at_ms,
                                        .share = drain->share,
                                        .is_open = now_ms < drain->at_ms + TRAFFIC_DRAIN_OPEN_MS,
                                        .members = (uint32_t)drain->member_count};
    count_members(drain, now_ms, look);
    draw_curve(drain, now_ms, look);
    estimate(drain, now_ms, look);
    list_missing(drain, look);
}

static void measure(const struct drain *drain, int64_t now_ms, struct traffic_drain_progress *progress)
{
    static const size_t percents[TRAFFIC_DRAIN_MARKS] = {50, 90, 99};
    struct traffic_drain_look counts = {.id = drain->id};
    size_t all = drain->member_count;
    count_members(drain, now_ms, &counts);
    *progress = (struct traffic_drain_progress){.at_ms = drain->at_ms,
                                                .is_over = now_ms >= drain->at_ms + TRAFFIC_DRAIN_OPEN_MS ||
                                                           (all != 0 && counts.asked == all),
                                                .members = (uint32_t)all,
                                                .asked = counts.asked,
                                                .expired = counts.expired};
    int64_t *ends = sort_ends(drain);
    for (int i = 0; i < TRAFFIC_DRAIN_MARKS; i++) {
        int64_t end_ms = all == 0 ? INT64_MAX : ends[count_of(all, percents[i]) - 1];
        progress->marks_ms[i] = end_ms > now_ms ? -1 : end_ms > drain->at_ms ? end_ms - drain->at_ms : 0;
    }
    free(ends);
}

bool traffic_drains_measure(const struct traffic_drains *drains, const char *target, const int64_t span_ms[2],
                            int64_t now_ms, struct traffic_drain_progress *progress)
{
    for (size_t i = 0; i < drains->count; i++) {
        const struct drain *drain = drains->items[i];
        if (drain->at_ms >= span_ms[0] && drain->at_ms <= span_ms[1] && drain->group_count == 0 &&
            strcmp(drain->target, target) == 0) {
            measure(drain, now_ms, progress);
            return true;
        }
    }
    return false;
}
