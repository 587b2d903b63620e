/* SPDX-License-Identifier: BSD-3-Clause
 *
 * See moments.h. */
#include "config.h"

#include "operate/moments.h"

#include "base/memory.h"

#include <stdlib.h>

struct health_spell moments_get(const struct health_spell *spell, struct moments_span span, bool at_best)
{
    bool always = spell->from_ms <= span.from_ms && spell->until_ms >= span.until_ms;
    bool ever = spell->from_ms < span.until_ms && spell->until_ms > span.from_ms;
    bool counts = always || (ever && (spell->desired == HEALTH_DESIRED_UP) == at_best);
    return counts ? *spell
                  : (struct health_spell){
                        .kind = spell->kind, .index = spell->index, .desired = HEALTH_DESIRED_AUTO};
}

/* Does it say anything? */
static bool is_any(const struct health_spell *spell)
{
    return spell->desired != HEALTH_DESIRED_AUTO || spell->groups != 0 || spell->share != 0;
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
        if (is_any(both[i])) {
            life.from_ms = both[i]->from_ms < life.from_ms ? both[i]->from_ms : life.from_ms;
            life.until_ms = both[i]->until_ms > life.until_ms ? both[i]->until_ms : life.until_ms;
        }
    }
    life.from_ms = life.from_ms < now_ms ? now_ms : life.from_ms;
    return life;
}

/* How much of it there is for a name, percent; more: it is `up`. `is_meant`: the name is in its groups. */
static int find_left(const struct health_spell *spell, bool is_meant)
{
    bool is_drained = spell->groups != 0 ? is_meant : spell->share != 0;
    return is_drained && spell->share != 0         ? 100 - spell->share
           : is_drained                            ? 0
           : spell->desired == HEALTH_DESIRED_AUTO ? 100
           : spell->desired == HEALTH_DESIRED_UP   ? 101
                                                   : 0;
}

/* Is there less for any name? */
static void add_span(struct moments *moments, const struct health_spell *wish, const struct health_spell *old,
                     struct moments_span span)
{
    struct health_spell is = moments_get(wish, span, false), was = moments_get(old, span, true);
    const uint64_t meant[2][2] = {{UINT64_MAX, was.groups & ~is.groups},
                                  {is.groups & ~was.groups, is.groups & was.groups}};
    bool takes_away = false;
    for (int in_is = 0; in_is < 2; in_is++) {
        for (int in_was = 0; in_was < 2; in_was++) {
            takes_away |= meant[in_is][in_was] != 0 && find_left(&is, in_is) < find_left(&was, in_was);
        }
    }
    if (takes_away) {
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
