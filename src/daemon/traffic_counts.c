/* SPDX-License-Identifier: BSD-3-Clause
 *
 * See traffic_counts.h. Arrays are walked from end to end: 100,000 names are 400 kB per DNS thread. */
#include "config.h"

#include "daemon/traffic_counts.h"

#include "base/memory.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* One array of every cache. */
struct column {
    const _Atomic uint32_t **caches;
    uint32_t *seen; /* sums when it was read last */
    size_t count;
};

struct traffic_counts {
    struct view *view;
    size_t cache_count;
    struct column names, answered, offered;
    uint32_t *name_of;               /* 1 + index in the view's names, by number; 0: none */
    uint32_t *first_of;              /* of each policy, 1 + the first name that has it; 0: none */
    struct traffic_row **endpoints;  /* by index; NULL: without a topology */
    struct traffic_row **name_rows;  /* by number; NULL: none yet */
    struct traffic_row **class_rows; /* by slot; likewise */
};

/* ---- making ---- */

static void make_columns(struct traffic_counts *counts)
{
    struct column *columns[] = {&counts->names, &counts->answered, &counts->offered};
    for (size_t i = 0; i < sizeof columns / sizeof *columns; i++) {
        columns[i]->caches = memory_alloc_array(counts->cache_count, sizeof(const _Atomic uint32_t *));
    }
    for (size_t i = 0; i < counts->cache_count; i++) {
        struct steer_counts of;
        steer_cache_get_counts(counts->view->caches[i], &of);
        counts->names.caches[i] = of.names;
        counts->answered.caches[i] = of.answered;
        counts->offered.caches[i] = of.offered;
        counts->names.count = of.name_count;
        counts->answered.count = of.answered_count;
        counts->offered.count = of.offered_count;
    }
}

static void give_seen(struct column *column, struct column *before)
{
    if (before != NULL) {
        column->seen = before->seen;
        before->seen = NULL;
    } else {
        column->seen = memory_alloc_array(column->count, sizeof *column->seen);
    }
}

static void number_names(struct traffic_counts *counts)
{
    const struct view *view = counts->view;
    counts->name_of = memory_alloc_array(counts->names.count, sizeof *counts->name_of);
    counts->first_of = memory_alloc_array(steer_set_count(view->steer), sizeof *counts->first_of);
    for (size_t i = 0; i < view->name_count; i++) {
        const struct view_name *name = &view->names[i];
        if (name->number < counts->names.count) {
            counts->name_of[name->number] = (uint32_t)i + 1;
        }
        if (counts->first_of[name->policy] == 0) {
            counts->first_of[name->policy] = (uint32_t)i + 1;
        }
    }
}

struct traffic_counts *traffic_counts_new(struct view *view, struct traffic_counts *before)
{
    struct traffic_counts *counts = memory_alloc(sizeof *counts);
    bool goes_on = before != NULL && view_counts_alike(before->view, view);
    counts->view = view;
    counts->cache_count = view->cache_count;
    make_columns(counts);
    give_seen(&counts->names, goes_on ? &before->names : NULL);
    give_seen(&counts->answered, goes_on ? &before->answered : NULL);
    give_seen(&counts->offered, goes_on ? &before->offered : NULL);
    number_names(counts);
    counts->name_rows = memory_alloc_array(counts->names.count, sizeof(struct traffic_row *));
    counts->class_rows = memory_alloc_array(counts->answered.count, sizeof(struct traffic_row *));
    return counts;
}

void traffic_counts_free(struct traffic_counts *counts)
{
    if (counts == NULL) {
        return;
    }
    struct column *columns[] = {&counts->names, &counts->answered, &counts->offered};
    for (size_t i = 0; i < sizeof columns / sizeof *columns; i++) {
        free(columns[i]->caches);
        free(columns[i]->seen);
    }
    free(counts->name_of);
    free(counts->first_of);
    free(counts->endpoints);
    free(counts->name_rows);
    free(counts->class_rows);
    view_free(counts->view);
    free(counts);
}

const struct view *traffic_counts_get_view(const struct traffic_counts *counts)
{
    return counts->view;
}

/* ---- rows ---- */

enum { KEY_SIZE = 2048 };

/* "www.example.com. geo[0]"; false: it is too long, or no name has the policy. */
static bool write_class(const struct traffic_counts *counts, const struct steer_policy *policy,
                        size_t class_id, char key[KEY_SIZE])
{
    uint32_t first = counts->first_of[policy->id];
    return first != 0 && snprintf(key, KEY_SIZE, "%s %s", counts->view->names[first - 1].owner,
                                  policy->classes[class_id].label) < KEY_SIZE;
}

void traffic_counts_enter(struct traffic_counts *counts, struct traffic_book *book, int64_t now_ms,
                          int64_t wall_ms)
{
    const struct conf_topology *topology = counts->view->topology;
    if (topology == NULL) {
        return;
    }
    for (size_t i = 0; i < topology->region_count; i++) {
        (void)traffic_book_get(book, TRAFFIC_REGION, topology->regions[i].name, now_ms, wall_ms);
    }
    for (size_t i = 0; i < topology->az_count; i++) {
        const struct conf_az *az = &topology->azs[i];
        struct traffic_row *row = traffic_book_get(book, TRAFFIC_AZ, az->name, now_ms, wall_ms);
        row->region = traffic_book_find(book, TRAFFIC_REGION, topology->regions[az->region].name);
    }
    counts->endpoints = memory_alloc_array(topology->endpoint_count, sizeof(struct traffic_row *));
    for (size_t i = 0; i < topology->endpoint_count; i++) {
        const struct conf_endpoint *endpoint = &topology->endpoints[i];
        struct traffic_row *row = traffic_book_get(book, TRAFFIC_ENDPOINT, endpoint->name, now_ms, wall_ms);
        row->az = traffic_book_find(book, TRAFFIC_AZ, topology->azs[endpoint->az].name);
        row->region = traffic_book_find(book, TRAFFIC_REGION, topology->regions[endpoint->region].name);
        counts->endpoints[i] = row;
    }
}

static void keep(struct traffic_row *row)
{
    if (row != NULL) {
        row->is_there = true;
    }
}

static void keep_classes(const struct traffic_counts *counts, struct traffic_book *book)
{
    char key[KEY_SIZE];
    for (uint32_t id = 0; id < steer_set_count(counts->view->steer); id++) {
        const struct steer_policy *policy = steer_set_get(counts->view->steer, id);
        for (size_t c = 0; c < policy->class_count && write_class(counts, policy, c, key); c++) {
            keep(traffic_book_find(book, TRAFFIC_CLASS, key));
        }
    }
}

void traffic_counts_keep(struct traffic_counts *counts, struct traffic_book *book)
{
    const struct view *view = counts->view;
    for (size_t i = 0; view->topology != NULL && i < view->topology->endpoint_count; i++) {
        struct traffic_row *row = counts->endpoints[i];
        keep(row);
        keep(row->az);
        keep(row->region);
    }
    for (size_t i = 0; view->topology != NULL && i < view->topology->az_count; i++) {
        keep(traffic_book_find(book, TRAFFIC_AZ, view->topology->azs[i].name));
    }
    for (size_t i = 0; view->topology != NULL && i < view->topology->region_count; i++) {
        keep(traffic_book_find(book, TRAFFIC_REGION, view->topology->regions[i].name));
    }
    if (traffic_book_count(book, TRAFFIC_NAME) != 0) {
        for (size_t i = 0; i < view->name_count; i++) {
            keep(traffic_book_find(book, TRAFFIC_NAME, view->names[i].owner));
        }
    }
    if (traffic_book_count(book, TRAFFIC_CLASS) != 0) {
        keep_classes(counts, book);
    }
}

/* ---- reading ---- */

/* What came since it was read last. */
static uint32_t take(const struct traffic_counts *counts, struct column *column, size_t index)
{
    uint32_t sum = 0, seen = column->seen[index];
    for (size_t i = 0; i < counts->cache_count; i++) {
        sum += atomic_load_explicit(&column->caches[i][index], memory_order_relaxed);
    }
    column->seen[index] = sum;
    return sum - seen;
}

static uint64_t read_names(struct traffic_counts *counts, struct traffic_book *book,
                           const struct traffic_span *span, int64_t wall_ms)
{
    uint64_t all = 0;
    size_t given = steer_set_count_names(counts->view->steer);
    size_t count = given < counts->names.count ? given : counts->names.count;
    for (size_t i = 0; i < count; i++) {
        /* one that is not known is of a later view: its answers are for who reads that */
        uint32_t more = counts->name_of[i] == 0 ? 0 : take(counts, &counts->names, i);
        if (more != 0) {
            if (counts->name_rows[i] == NULL) {
                const char *owner = counts->view->names[counts->name_of[i] - 1].owner;
                counts->name_rows[i] = traffic_book_get(book, TRAFFIC_NAME, owner, span->from_ms, wall_ms);
            }
            traffic_book_add(counts->name_rows[i], span, more);
            all += more;
        }
    }
    return all;
}

/* Of all types of a class. */
static void read_class(struct traffic_counts *counts, struct traffic_book *book,
                       const struct steer_policy *policy, size_t class_id, const struct traffic_span *span,
                       int64_t wall_ms)
{
    char key[KEY_SIZE];
    size_t slot = steer_find_slot(policy, class_id, 0);
    uint64_t more = 0;
    for (unsigned type = 0; type < policy->type_count; type++) {
        more += take(counts, &counts->answered, slot + type);
    }
    if (more == 0) {
        return;
    }
    if (counts->class_rows[slot] == NULL && write_class(counts, policy, class_id, key)) {
        counts->class_rows[slot] = traffic_book_get(book, TRAFFIC_CLASS, key, span->from_ms, wall_ms);
    }
    if (counts->class_rows[slot] != NULL) {
        traffic_book_add(counts->class_rows[slot], span, more);
    }
}

static void read_policy(struct traffic_counts *counts, struct traffic_book *book,
                        const struct steer_policy *policy, const struct traffic_span *span, int64_t wall_ms)
{
    for (size_t c = 0; c < policy->class_count; c++) {
        read_class(counts, book, policy, c, span, wall_ms);
    }
    for (size_t m = 0; m < policy->member_count; m++) {
        uint32_t more = take(counts, &counts->offered, policy->offered_at + m);
        struct traffic_row *row = more == 0 ? NULL : counts->endpoints[policy->members[m].endpoint];
        if (row != NULL) {
            traffic_book_add(row, span, more);
            traffic_book_add(row->az, span, more);
            traffic_book_add(row->region, span, more);
        }
    }
}

uint64_t traffic_counts_read(struct traffic_counts *counts, struct traffic_book *book,
                             const struct traffic_span *span, int64_t wall_ms)
{
    uint64_t all = read_names(counts, book, span, wall_ms);
    for (uint32_t id = 0; id < steer_set_count(counts->view->steer); id++) {
        read_policy(counts, book, steer_set_get(counts->view->steer, id), span, wall_ms);
    }
    return all;
}
