/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Who asks, and how they leave, for the API. */
#include "config.h"

#include "daemon/traffic_inside.h"

#include "base/clock.h"
#include "daemon/metrics_kept.h"
#include "daemon/reader.h"
#include "daemon/server.h"
#include "operate/switchover_look.h"
#include "view/view.h"

#include <math.h>
#include <string.h>

enum { MEAN_S = 900 };

void traffic_list_resolvers(void *context, struct admin_resolvers *to, struct arena *arena)
{
    const struct reader *reader = context;
    struct traffic *traffic = reader->server->traffic;
    struct traffic_crowd_stats stats;
    struct traffic_top_item *items = arena_alloc(arena, to->limit * sizeof *items);
    traffic_catch_up(traffic);
    pthread_mutex_lock(&traffic->lock);
    int64_t now_ms = traffic_read(traffic);
    traffic_crowd_get_stats(traffic->crowd, &stats);
    const struct traffic_top *top = traffic_crowd_get_top(traffic->crowd);
    double sum = traffic_top_sum(top, now_ms);
    to->count = traffic_top_list(top, now_ms, items, to->limit);
    pthread_mutex_unlock(&traffic->lock);
    double age_s = (double)(now_ms - stats.since_ms + 1) / 1000;
    double span_s = MEAN_S * (1 - exp(-age_s / MEAN_S)); /* as of rates: what is younger has its own mean */
    to->items = arena_alloc(arena, to->count * sizeof *to->items);
    to->places = TRAFFIC_PLACES;
    to->every = stats.every;
    to->lost = stats.lost;
    to->rate = sum / span_s;
    for (size_t i = 0; i < to->count; i++) {
        to->items[i] = (struct admin_resolver){.addr = items[i].addr,
                                               .rate = items[i].count / span_s,
                                               .least = (items[i].count - items[i].error) / span_s,
                                               .share = sum > 0 ? items[i].count / sum : 0};
    }
}

/* Of each region the latest. */
static void print_drains(const struct traffic_drains *drains, int64_t wall_ms, struct buffer *out)
{
    struct traffic_drain_look look, later;
    for (size_t i = 0; i < traffic_drains_count(drains); i++) {
        bool is_latest = true;
        traffic_drains_look(drains, i, wall_ms, &look);
        for (size_t k = 0; k < i && is_latest; k++) {
            traffic_drains_look(drains, k, wall_ms, &later);
            is_latest = strcmp(later.region, look.region) != 0;
        }
        if (is_latest && look.is_open && look.members != 0) {
            buffer_print(out, "steerd_drain_share{region=\"");
            print_label(out, look.region);
            buffer_print(out, "\"} %.4g\n", (double)(look.asked + look.expired) / look.members);
        }
    }
}

void traffic_write_drains(struct traffic *traffic, struct buffer *out)
{
    struct traffic_crowd_stats stats;
    traffic_crowd_get_stats(traffic->crowd, &stats);
    print_head(
        out, "steerd_drain_share", "gauge",
        "Share of the resolvers that were led to a region before it lost answers, and have asked since or "
        "let their TTL run out. Not there when nobody looks any more.");
    print_drains(traffic_crowd_get_drains(traffic->crowd), clock_wall_ms(traffic->clock), out);
    print_head(out, "steerd_sample_hosts", "gauge", "Share of resolvers that drains see.");
    buffer_print(out, "steerd_sample_hosts %.6g\n", stats.hosts);
    print_head(out, "steerd_sample_lost_total", "counter", "Notes of resolvers that were not read in time.");
    buffer_print(out, "steerd_sample_lost_total %lu\n", (unsigned long)stats.lost);
}

void traffic_list_drains(void *context, struct admin_drains *to, struct arena *arena)
{
    const struct reader *reader = context;
    struct traffic *traffic = reader->server->traffic;
    struct traffic_crowd_stats stats;
    traffic_catch_up(traffic);
    pthread_mutex_lock(&traffic->lock);
    (void)traffic_read(traffic);
    int64_t wall_ms = clock_wall_ms(traffic->clock);
    traffic_crowd_get_stats(traffic->crowd, &stats);
    const struct traffic_drains *drains = traffic_crowd_get_drains(traffic->crowd);
    to->hosts = stats.hosts;
    to->count = traffic_drains_count(drains);
    to->items = arena_alloc(arena, to->count * sizeof *to->items);
    for (size_t i = 0; i < to->count; i++) {
        traffic_drains_look(drains, i, wall_ms, &to->items[i]);
        to->items[i].region = arena_copy_text(arena, to->items[i].region);
        to->items[i].cause = arena_copy_text(arena, to->items[i].cause);
    }
    pthread_mutex_unlock(&traffic->lock);
}

bool traffic_measure_drain(struct traffic *traffic, const char *region, const int64_t span_ms[2],
                           struct traffic_drain_progress *progress)
{
    pthread_mutex_lock(&traffic->lock);
    (void)traffic_read(traffic);
    bool is_there = traffic_drains_measure(traffic_crowd_get_drains(traffic->crowd), region, span_ms,
                                           clock_wall_ms(traffic->clock), progress);
    pthread_mutex_unlock(&traffic->lock);
    return is_there;
}

/* ---- for switchovers ---- */

static enum traffic_kind kind_of(enum health_kind kind)
{
    return kind == HEALTH_REGION ? TRAFFIC_REGION : kind == HEALTH_AZ ? TRAFFIC_AZ : TRAFFIC_ENDPOINT;
}

/* Per second over 5 minutes. */
static double sum_rate(struct traffic *traffic, enum traffic_kind kind, int64_t now_ms)
{
    double sum = 0;
    struct traffic_row **rows = traffic_book_list(traffic->book, kind);
    for (size_t i = 0; i < traffic_book_count(traffic->book, kind); i++) {
        sum += traffic_rate_get(&rows[i]->rate, TRAFFIC_5M, now_ms);
    }
    return sum;
}

const char *traffic_tell_share(struct traffic *traffic, const struct switchover *switchover,
                               struct arena *arena)
{
    double rate = 0;
    traffic_catch_up(traffic);
    pthread_mutex_lock(&traffic->lock);
    int64_t now_ms = traffic_read(traffic);
    double all = sum_rate(traffic, TRAFFIC_REGION, now_ms);
    for (size_t i = 0; i < switchover->target_count; i++) {
        const struct switchover_target *target = &switchover->targets[i];
        const struct traffic_row *row = traffic_book_find(traffic->book, kind_of(target->kind), target->name);
        rate += row == NULL ? 0 : traffic_rate_get(&row->rate, TRAFFIC_5M, now_ms);
    }
    pthread_mutex_unlock(&traffic->lock);
    return all <= 0 ? NULL
                    : arena_print(arena,
                                  "%.1f %% of the answers of the last 5 minutes led there, %.4g per second%s",
                                  100 * rate / all, rate,
                                  switchover->names[0] == '\0' ? "" : ", of all names together");
}

void traffic_weigh_names(struct traffic *traffic, const struct view *view, struct switchover_look *look)
{
    struct switchover_spread *spread = &look->spread;
    pthread_mutex_lock(&traffic->lock);
    int64_t now_ms = traffic_read(traffic);
    for (size_t i = 0; i < view->name_count; i++) {
        const struct view_name *name = &view->names[i];
        const struct traffic_row *row = traffic_book_find(traffic->book, TRAFFIC_NAME, name->owner);
        double rate = row == NULL ? 0 : traffic_rate_get(&row->rate, TRAFFIC_5M, now_ms);
        spread->rate += rate;
        if (look->touched[name->policy]) {
            switchover_find_ttl(spread, name->ttl)->rate += rate;
        }
    }
    spread->has_rates = spread->rate > 0;
    pthread_mutex_unlock(&traffic->lock);
}

static const char *tell_drain(const struct traffic_drain_look *look, struct arena *arena)
{
    return look->members == 0
               ? arena_print(arena, "no resolver was seen in %s before", look->region)
               : arena_print(arena,
                             "%.1f %% of %u resolvers that were led to %s before have asked again, %.1f %% "
                             "with those "
                             "whose TTL is over; 99 %% %s %.1f s",
                             100. * look->asked / look->members, look->members, look->region,
                             100. * (look->asked + look->expired) / look->members,
                             look->is_reached ? "after" : "probably after", (double)look->t99_ms / 1000);
}

const char *traffic_tell_drains(struct traffic *traffic, const struct switchover *switchover,
                                struct arena *arena)
{
    struct traffic_drain_look look;
    const char *text = NULL;
    pthread_mutex_lock(&traffic->lock);
    (void)traffic_read(traffic);
    int64_t wall_ms = clock_wall_ms(traffic->clock);
    const struct traffic_drains *drains = traffic_crowd_get_drains(traffic->crowd);
    for (size_t t = 0; t < switchover->target_count; t++) {
        for (size_t i = 0; i < traffic_drains_count(drains); i++) {
            traffic_drains_look(drains, i, wall_ms, &look);
            if (switchover->targets[t].kind == HEALTH_REGION &&
                strcmp(look.region, switchover->targets[t].name) == 0) {
                const char *one = tell_drain(&look, arena);
                text = text == NULL ? one : arena_print(arena, "%s; %s", text, one);
                break; /* the latest */
            }
        }
    }
    pthread_mutex_unlock(&traffic->lock);
    return text;
}
