/* SPDX-License-Identifier: BSD-3-Clause
 *
 * See moments.h. */
#include "config.h"

#include "operate/moments.h"

#include "base/memory.h"

#include <stdlib.h>

enum health_desired moments_get_desired(const struct health_spell *spell, struct moments_span span,
                                        bool at_best)
{
    bool always = spell->from_ms <= span.from_ms && spell->until_ms >= span.until_ms;
    bool ever = spell->from_ms < span.until_ms && spell->until_ms > span.from_ms;
    bool counts = always || (ever && (spell->desired == HEALTH_DESIRED_UP) == at_best);
    return counts ? spell->desired : HEALTH_DESIRED_AUTO;
}

/* The times at which something changes, between two times. */
struct edges {
    int64_t *times;
    size_t count;
    struct moments_span between;
};

static void add_edges(struct edges *edges, const struct health_spell *spell)
{
    const int64_t both[] = {spell->from_ms, spell->until_ms};
    for (int i = 0; i < 2; i++) {
        if (both[i] > edges->between.from_ms && both[i] < edges->between.until_ms) {
            edges->times[edges->count++] = both[i];
        }
    }
}

static int compare_times(const void *left, const void *right)
{
    int64_t a = *(const int64_t *)left, b = *(const int64_t *)right;
    return a < b ? -1 : a > b;
}

static void sort_edges(struct edges *edges)
{
    size_t kept = 0;
    qsort(edges->times, edges->count, sizeof *edges->times, compare_times);
    for (size_t i = 0; i < edges->count; i++) {
        if (kept == 0 || edges->times[kept - 1] != edges->times[i]) {
            edges->times[kept++] = edges->times[i];
        }
    }
    edges->count = kept;
}

/* From when until when one of them wants something. */
static struct moments_span find_life(const struct health_spell *wish, const struct health_spell *old,
                                     int64_t now_ms)
{
    const struct health_spell *const both[] = {wish, old};
    struct moments_span life = {.from_ms = INT64_MAX, .until_ms = INT64_MIN};
    for (int i = 0; i < 2; i++) {
        if (both[i]->desired != HEALTH_DESIRED_AUTO || both[i]->groups != 0) {
            life.from_ms = both[i]->from_ms < life.from_ms ? both[i]->from_ms : life.from_ms;
            life.until_ms = both[i]->until_ms > life.until_ms ? both[i]->until_ms : life.until_ms;
        }
    }
    life.from_ms = life.from_ms < now_ms ? now_ms : life.from_ms;
    return life;
}

/* How much there is for clients. */
static int rank(enum health_desired desired)
{
    return desired == HEALTH_DESIRED_UP ? 2 : desired == HEALTH_DESIRED_AUTO ? 1 : 0;
}

uint64_t moments_get_groups(const struct health_spell *spell, struct moments_span span, bool at_best)
{
    struct health_spell drain = *spell;
    drain.desired = HEALTH_DESIRED_DRAIN;
    return moments_get_desired(&drain, span, at_best) == HEALTH_DESIRED_DRAIN ? spell->groups : 0;
}

/* A drain of other names than before takes away as well. */
static void add_span(struct moments *moments, const struct health_spell *wish, const struct health_spell *old,
                     struct moments_span span)
{
    uint64_t more = moments_get_groups(wish, span, false) & ~moments_get_groups(old, span, true);
    enum health_desired is = moments_get_desired(wish, span, false),
                        was = moments_get_desired(old, span, true);
    if (rank(is) < rank(was) || (more != 0 && rank(was) > 0)) {
        moments->spans[moments->count++] = span;
    }
}

void moments_find(struct moments *moments, const struct health_spell *wish, const struct health_spell *old,
                  const struct health_spell *others, size_t count, int64_t now_ms)
{
    struct edges edges = {.between = find_life(wish, old, now_ms)};
    moments->count = 0;
    if (edges.between.from_ms >= edges.between.until_ms) {
        return;
    }
    edges.times = memory_alloc_array(2 * count + 4, sizeof *edges.times);
    add_edges(&edges, wish);
    add_edges(&edges, old);
    for (size_t i = 0; i < count; i++) {
        add_edges(&edges, &others[i]);
    }
    sort_edges(&edges);
    size_t spans = edges.count < MOMENTS_MAX ? edges.count + 1 : MOMENTS_MAX;
    int64_t from_ms = edges.between.from_ms;
    for (size_t i = 1; i < spans; i++) {
        int64_t until_ms = edges.times[i * (edges.count + 1) / spans - 1];
        add_span(moments, wish, old, (struct moments_span){from_ms, until_ms});
        from_ms = until_ms;
    }
    add_span(moments, wish, old, (struct moments_span){from_ms, edges.between.until_ms});
    free(edges.times);
}

void moments_find_all(struct moments *moments, const struct health_spell *before, size_t before_count,
                      const struct health_spell *after, size_t after_count, int64_t now_ms)
{
    struct edges edges = {.between = {.from_ms = now_ms, .until_ms = INT64_MAX}};
    edges.times = memory_alloc_array(2 * (before_count + after_count) + 1, sizeof *edges.times);
    for (size_t i = 0; i < before_count; i++) {
        add_edges(&edges, &before[i]);
    }
    for (size_t i = 0; i < after_count; i++) {
        add_edges(&edges, &after[i]);
    }
    sort_edges(&edges);
    size_t spans = edges.count < MOMENTS_MAX ? edges.count + 1 : MOMENTS_MAX;
    int64_t from_ms = now_ms;
    moments->count = 0;
    for (size_t i = 1; i <= spans; i++) {
        int64_t until_ms = i == spans ? INT64_MAX : edges.times[i * (edges.count + 1) / spans - 1];
        moments->spans[moments->count++] = (struct moments_span){from_ms, until_ms};
        from_ms = until_ms;
    }
    free(edges.times);
}
