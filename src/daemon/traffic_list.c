/* SPDX-License-Identifier: BSD-3-Clause
 *
 * The traffic view for the API and the metrics. */
#include "config.h"

#include "daemon/traffic_inside.h"

#include "base/error.h"
#include "base/memory.h"
#include "daemon/metrics_kept.h"
#include "daemon/reader.h"
#include "daemon/server.h"

#include <stdlib.h>
#include <string.h>

/* An answer with two endpoints counts for each of them, so the whole of a kind is the sum of its rows. */
static struct admin_traffic_row sum_rows(struct traffic_row *const *rows, size_t count, int64_t now_ms)
{
    struct admin_traffic_row all = {.share = -1};
    for (size_t i = 0; i < count; i++) {
        all.answers += rows[i]->rate.total;
        for (int w = 0; w < TRAFFIC_WINDOWS; w++) {
            all.rates[w] += traffic_rate_get(&rows[i]->rate, (enum traffic_window)w, now_ms);
        }
    }
    return all;
}

static void describe(struct admin_traffic_row *to, const struct traffic_row *row,
                     const struct admin_traffic *of, int64_t now_ms, struct arena *arena)
{
    const char *space = of->kind == TRAFFIC_CLASS ? strchr(row->key, ' ') : NULL;
    *to = (struct admin_traffic_row){
        .name = arena_copy_text(arena, space == NULL ? row->key : space + 1),
        .of = space == NULL ? NULL : arena_print(arena, "%.*s", (int)(space - row->key), row->key),
        .az = row->az == NULL ? NULL : arena_copy_text(arena, row->az->key),
        .region = row->region == NULL ? NULL : arena_copy_text(arena, row->region->key),
        .answers = row->rate.total,
        .since_ms = row->since_ms};
    for (int w = 0; w < TRAFFIC_WINDOWS; w++) {
        to->rates[w] = traffic_rate_get(&row->rate, (enum traffic_window)w, now_ms);
    }
    to->share = of->all.rates[TRAFFIC_5M] > 0 ? to->rates[TRAFFIC_5M] / of->all.rates[TRAFFIC_5M] : -1;
}

struct ranked {
    const struct traffic_row *row;
    double rate;
};

static int compare_ranked(const void *a, const void *b)
{
    const struct ranked *one = a, *other = b;
    return one->rate > other->rate   ? -1
           : one->rate < other->rate ? 1
                                     : strcmp(one->row->key, other->row->key);
}

static void list_busiest(struct admin_traffic *traffic, struct traffic_row *const *rows, size_t count,
                         int64_t now_ms, struct arena *arena)
{
    struct ranked *ranked = memory_alloc_array(count + 1, sizeof *ranked);
    for (size_t i = 0; i < count; i++) {
        ranked[i] = (struct ranked){rows[i], traffic_rate_get(&rows[i]->rate, TRAFFIC_5M, now_ms)};
    }
    qsort(ranked, count, sizeof *ranked, compare_ranked);
    traffic->count = count < traffic->limit ? count : traffic->limit;
    traffic->items = arena_alloc(arena, traffic->count * sizeof *traffic->items);
    for (size_t i = 0; i < traffic->count; i++) {
        describe(&traffic->items[i], ranked[i].row, traffic, now_ms, arena);
    }
    free(ranked);
}

/* The first row behind the key. */
static size_t find_behind(struct traffic_row *const *rows, size_t count, const char *key)
{
    size_t low = 0;
    while (low < count) {
        size_t middle = low + (count - low) / 2;
        if (strcmp(rows[middle]->key, key) <= 0) {
            low = middle + 1;
        } else {
            count = middle;
        }
    }
    return low;
}

static void list_page(struct admin_traffic *traffic, struct traffic_row *const *rows, size_t count,
                      int64_t now_ms, struct arena *arena)
{
    size_t first = traffic->cursor == NULL ? 0 : find_behind(rows, count, traffic->cursor);
    traffic->count = count - first < traffic->limit ? count - first : traffic->limit;
    traffic->items = arena_alloc(arena, traffic->count * sizeof *traffic->items);
    for (size_t i = 0; i < traffic->count; i++) {
        describe(&traffic->items[i], rows[first + i], traffic, now_ms, arena);
    }
    if (first + traffic->count < count) {
        traffic->next = arena_copy_text(arena, rows[first + traffic->count - 1]->key);
    }
}

static int list(void *context, struct admin_traffic *asked, struct arena *arena)
{
    const struct reader *reader = context;
    struct traffic *traffic = reader->server->traffic;
    traffic_catch_up(traffic);
    pthread_mutex_lock(&traffic->lock);
    int64_t now_ms = traffic_read(traffic);
    size_t count = traffic_book_count(traffic->book, asked->kind);
    struct traffic_row **rows = traffic_book_list(traffic->book, asked->kind);
    bool is_there =
        asked->cursor == NULL || traffic_book_find(traffic->book, asked->kind, asked->cursor) != NULL;
    if (is_there) {
        asked->all = sum_rows(rows, count, now_ms);
        asked->all.since_ms = traffic->since_ms;
        (asked->is_busiest ? list_busiest : list_page)(asked, rows, count, now_ms, arena);
    }
    pthread_mutex_unlock(&traffic->lock);
    return is_there ? 0 : ERROR_NOT_FOUND;
}

void traffic_fill_verbs(struct admin_traffic_verbs *verbs)
{
    *verbs = (struct admin_traffic_verbs){
        .list = list, .list_resolvers = traffic_list_resolvers, .list_drains = traffic_list_drains};
}

/* ---- metrics ---- */

static void print_places(struct traffic *traffic, enum traffic_kind kind, struct buffer *out)
{
    size_t count = traffic_book_count(traffic->book, kind);
    struct traffic_row **rows = traffic_book_list(traffic->book, kind);
    for (size_t i = 0; i < count; i++) {
        buffer_print(out, "steerd_traffic_answers_total{kind=\"%s\",name=\"", traffic_kind_text(kind));
        print_label(out, rows[i]->key);
        buffer_print(out, "\"} %lu\n", (unsigned long)rows[i]->rate.total);
    }
}

void traffic_write_metrics(struct traffic *traffic, struct buffer *out)
{
    print_head(out, "steerd_traffic_answers_total", "counter",
               "How often endpoints of a region or an az were in an answer.");
    pthread_mutex_lock(&traffic->lock);
    (void)traffic_read(traffic);
    print_places(traffic, TRAFFIC_REGION, out);
    print_places(traffic, TRAFFIC_AZ, out);
    traffic_write_drains(traffic, out);
    pthread_mutex_unlock(&traffic->lock);
}
