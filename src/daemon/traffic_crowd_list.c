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
#include <stdio.h>
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

/* Of each place the latest. */
static void print_drains(const struct traffic_drains *drains, int64_t wall_ms, struct buffer *out)
{
    for (size_t i = 0; i < traffic_drains_count(drains); i++) {
        bool is_latest;
        const char *names, *target = traffic_drains_get_target(drains, i, &names, &is_latest);
        double share = is_latest ? traffic_drains_get_share(drains, i, wall_ms) : -1;
        const char *name = strchr(target, ':') + 1;
        if (share >= 0) {
            buffer_print(out, "steerd_drain_share{%.*s=\"", (int)(name - 1 - target), target);
            print_label(out, name);
            if (names[0] != '\0') {
                buffer_add_text(out, "\",names=\"");
                print_label(out, names);
            }
            buffer_print(out, "\"} %.4g\n", share);
        }
    }
}

void traffic_write_drains(struct traffic *traffic, struct buffer *out)
{
    struct traffic_crowd_stats stats;
    traffic_crowd_get_stats(traffic->crowd, &stats);
    print_head(
        out, "steerd_drain_share", "gauge",
        "Share of the resolvers that were led to a region, an az or an endpoint before it lost answers, and "
        "have asked since or let their TTL run out. Not there when nobody looks any more.");
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
        to->items[i].target = arena_copy_text(arena, to->items[i].target);
        to->items[i].names = arena_copy_text(arena, to->items[i].names);
        to->items[i].cause = arena_copy_text(arena, to->items[i].cause);
    }
    pthread_mutex_unlock(&traffic->lock);
}

bool traffic_measure_drain(struct traffic *traffic, const char *target, const int64_t span_ms[2],
                           struct traffic_drain_progress *progress)
{
    pthread_mutex_lock(&traffic->lock);
    (void)traffic_read(traffic);
    bool is_there = traffic_drains_measure(traffic_crowd_get_drains(traffic->crowd), target, span_ms,
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

static double get_rate(const struct traffic *traffic, enum traffic_kind kind, const char *key, int64_t now_ms)
{
    const struct traffic_row *row = traffic_book_find(traffic->book, kind, key);
    return row == NULL ? 0 : traffic_rate_get(&row->rate, TRAFFIC_5M, now_ms);
}

/* Of each policy the first name, by which the rows of its classes are known. */
static const char **find_firsts(const struct view *view, struct arena *arena)
{
    const char **firsts = arena_alloc(arena, (steer_set_count(view->steer) + 1) * sizeof *firsts);
    memset(firsts, 0, steer_set_count(view->steer) * sizeof *firsts);
    for (size_t i = 0; i < view->name_count; i++) {
        const char **first = &firsts[view->names[i].policy];
        *first = *first == NULL ? view->names[i].owner : *first;
    }
    return firsts;
}

/* NULL: it has one class, or no name. */
static const double *measure_classes(const struct traffic *traffic, const struct steer_policy *policy,
                                     const char *first, struct arena *arena)
{
    enum { KEY_SIZE = 2048 };
    char key[KEY_SIZE];
    if (first == NULL || policy->class_count < 2) {
        return NULL;
    }
    double *rates = arena_alloc(arena, policy->class_count * sizeof *rates);
    for (size_t i = 0; i < policy->class_count; i++) {
        snprintf(key, sizeof key, "%s %s", first, policy->classes[i].label);
        rates[i] = get_rate(traffic, TRAFFIC_CLASS, key, traffic->read_ms);
    }
    return rates;
}

const struct operate_rates *traffic_measure_rates(struct traffic *traffic, const struct view *view,
                                                  struct arena *arena)
{
    size_t count = steer_set_count(view->steer);
    struct operate_rates *rates = arena_alloc(arena, sizeof *rates);
    double *names = arena_alloc(arena, (view->name_count + 1) * sizeof *names);
    const double **classes = arena_alloc(arena, (count + 1) * sizeof *classes);
    const char **firsts = find_firsts(view, arena);
    *rates = (struct operate_rates){.names = names, .classes = classes};
    traffic_catch_up(traffic);
    pthread_mutex_lock(&traffic->lock);
    int64_t now_ms = traffic_read(traffic);
    for (size_t i = 0; i < view->name_count; i++) {
        names[i] = get_rate(traffic, TRAFFIC_NAME, view->names[i].owner, now_ms);
        rates->all += names[i];
    }
    for (uint32_t i = 0; i < count; i++) {
        classes[i] = measure_classes(traffic, steer_set_get(view->steer, i), firsts[i], arena);
    }
    pthread_mutex_unlock(&traffic->lock);
    return rates;
}

static const char *tell_drain(const struct traffic_drain_look *look, struct arena *arena)
{
    const char *region = strncmp(look->target, "region:", 7) == 0 ? look->target + 7 : look->target;
    return look->members == 0
               ? arena_print(arena, "no resolver was seen in %s before", region)
               : arena_print(arena,
                             "%.1f %% of %u resolvers that were led to %s before have asked again, %.1f %% "
                             "with those "
                             "whose TTL is over; 99 %% %s %.1f s",
                             100. * look->asked / look->members, look->members, region,
                             100. * (look->asked + look->expired) / look->members,
                             look->is_reached ? "after" : "probably after", (double)look->t99_ms / 1000);
}

/* Is this one further from its end? Where nobody was there is nothing to wait for. */
static bool is_slower(const struct traffic_drain_look *a, const struct traffic_drain_look *b)
{
    return a->is_reached != b->is_reached ? !a->is_reached && a->members != 0 : a->t99_ms > b->t99_ms;
}

/* The latest ones of its targets; of many only the slowest. */
const char *traffic_tell_drains(struct traffic *traffic, const struct switchover *switchover,
                                struct arena *arena)
{
    enum { FEW = 3 };
    struct traffic_drain_look *looks = arena_alloc(arena, switchover->target_count * sizeof *looks);
    size_t count = 0, slowest = 0;
    pthread_mutex_lock(&traffic->lock);
    (void)traffic_read(traffic);
    int64_t wall_ms = clock_wall_ms(traffic->clock);
    const struct traffic_drains *drains = traffic_crowd_get_drains(traffic->crowd);
    for (size_t t = 0; t < switchover->target_count; t++) {
        const struct switchover_target *target = &switchover->targets[t];
        const char *text = arena_print(arena, "%s:%s", health_kind_text(target->kind), target->name);
        size_t at = traffic_drains_find(drains, text, switchover->names);
        if (at < traffic_drains_count(drains)) {
            traffic_drains_look(drains, at, wall_ms, &looks[count]);
            looks[count].target = text;
            slowest = is_slower(&looks[count], &looks[slowest]) ? count : slowest;
            count++;
        }
    }
    pthread_mutex_unlock(&traffic->lock);
    const char *text = count == 0 ? NULL : tell_drain(&looks[slowest], arena);
    for (size_t i = 0; i < count && count <= FEW; i++) {
        const char *one = tell_drain(&looks[i], arena);
        text = i == 0 ? one : arena_print(arena, "%s; %s", text, one);
    }
    return count <= FEW ? text : arena_print(arena, "of %zu places, the slowest: %s", count, text);
}
