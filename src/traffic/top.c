/* SPDX-License-Identifier: BSD-3-Clause
 *
 * See top.h. Places are a heap, the least frequent first; a hash table finds them by address. Instead of all
 * counts becoming smaller, what is added becomes larger with time; now and then all is scaled down. */
#include "config.h"

#include "traffic/top.h"

#include "base/hash.h"
#include "base/memory.h"

#include <math.h>
#include <stdlib.h>

enum { NOBODY = UINT32_MAX, HALVES_MAX = 500 };

struct place {
    struct traffic_top_item item;
    uint32_t next; /* of the same hash: a place's number, which stays */
    uint32_t at;   /* in the heap */
};

struct traffic_top {
    size_t room, count, bucket_count;
    struct place *places;
    uint32_t *heap, *buckets;
    double sum;
    int64_t half_ms, base_ms; /* base_ms: when 1 counted 1 */
};

struct traffic_top *traffic_top_new(size_t places, int64_t half_ms)
{
    struct traffic_top *top = memory_alloc(sizeof *top);
    *top = (struct traffic_top){.room = places, .bucket_count = 1, .half_ms = half_ms};
    while (top->bucket_count < 2 * places) {
        top->bucket_count *= 2;
    }
    top->places = memory_alloc_array(places, sizeof *top->places);
    top->heap = memory_alloc_array(places, sizeof *top->heap);
    top->buckets = memory_alloc_array(top->bucket_count, sizeof *top->buckets);
    for (size_t i = 0; i < top->bucket_count; i++) {
        top->buckets[i] = NOBODY;
    }
    return top;
}

void traffic_top_free(struct traffic_top *top)
{
    if (top != NULL) {
        free(top->places);
        free(top->heap);
        free(top->buckets);
        free(top);
    }
}

static uint32_t *find_bucket(const struct traffic_top *top, const struct addr *addr)
{
    uint64_t hash = hash_finish(hash_bytes(HASH_START, addr->bytes, sizeof addr->bytes));
    return &top->buckets[hash & (top->bucket_count - 1)];
}

/* ---- the heap ---- */

static double count_at(const struct traffic_top *top, size_t at)
{
    return top->places[top->heap[at]].item.count;
}

static void put_at(struct traffic_top *top, size_t at, uint32_t place)
{
    top->heap[at] = place;
    top->places[place].at = (uint32_t)at;
}

/* What has become more frequent goes down. */
static void sink(struct traffic_top *top, size_t at)
{
    uint32_t place = top->heap[at];
    for (size_t child; (child = 2 * at + 1) < top->count; at = child) {
        child += child + 1 < top->count && count_at(top, child + 1) < count_at(top, child);
        if (top->places[place].item.count <= count_at(top, child)) {
            break;
        }
        put_at(top, at, top->heap[child]);
    }
    put_at(top, at, place);
}

/* The last one may be the least frequent. */
static void rise(struct traffic_top *top, size_t at)
{
    uint32_t place = top->heap[at];
    for (; at != 0 && count_at(top, (at - 1) / 2) > top->places[place].item.count; at = (at - 1) / 2) {
        put_at(top, at, top->heap[(at - 1) / 2]);
    }
    put_at(top, at, place);
}

/* ---- weights ---- */

static double grow(const struct traffic_top *top, int64_t now_ms)
{
    return top->half_ms == 0 ? 1 : exp2((double)(now_ms - top->base_ms) / (double)top->half_ms);
}

/* Numbers stay finite: as if it had begun now. */
static void rebase(struct traffic_top *top, int64_t now_ms)
{
    double scale = 1 / grow(top, now_ms);
    for (size_t i = 0; i < top->count; i++) {
        top->places[i].item.count *= scale;
        top->places[i].item.error *= scale;
    }
    top->sum *= scale;
    top->base_ms = now_ms;
}

/* ---- counting ---- */

static uint32_t find(const struct traffic_top *top, const struct addr *addr)
{
    uint32_t place = *find_bucket(top, addr);
    while (place != NOBODY && !addr_equal(&top->places[place].item.addr, addr)) {
        place = top->places[place].next;
    }
    return place;
}

static void unlink_place(struct traffic_top *top, uint32_t place)
{
    uint32_t *at = find_bucket(top, &top->places[place].item.addr);
    while (*at != place) {
        at = &top->places[*at].next;
    }
    *at = top->places[place].next;
}

/* A place of its own, or that of the least frequent, who may have been this one all the time. */
static uint32_t take_place(struct traffic_top *top, const struct addr *addr)
{
    bool is_free = top->count < top->room;
    uint32_t place = is_free ? (uint32_t)top->count : top->heap[0];
    struct place *to = &top->places[place];
    if (is_free) {
        put_at(top, top->count++, place);
    } else {
        unlink_place(top, place);
    }
    to->item.error = to->item.count;
    to->item.addr = *addr;
    uint32_t *bucket = find_bucket(top, addr);
    to->next = *bucket;
    *bucket = place;
    return place;
}

void traffic_top_add(struct traffic_top *top, const struct addr *addr, double weight, int64_t now_ms)
{
    if (top->half_ms != 0 && now_ms - top->base_ms > HALVES_MAX * top->half_ms) {
        rebase(top, now_ms);
    }
    double more = weight * grow(top, now_ms);
    uint32_t place = find(top, addr);
    if (place == NOBODY) {
        place = take_place(top, addr);
    }
    top->places[place].item.count += more;
    top->sum += more;
    rise(top, top->places[place].at);
    sink(top, top->places[place].at);
}

double traffic_top_sum(const struct traffic_top *top, int64_t now_ms)
{
    return top->sum / grow(top, now_ms);
}

static int compare(const void *a, const void *b)
{
    double one = ((const struct traffic_top_item *)a)->count,
           other = ((const struct traffic_top_item *)b)->count;
    return (one < other) - (one > other);
}

size_t traffic_top_list(const struct traffic_top *top, int64_t now_ms, struct traffic_top_item *items,
                        size_t room)
{
    size_t count = top->count < room ? top->count : room;
    struct traffic_top_item *all = memory_alloc_array(top->count + 1, sizeof *all);
    double scale = 1 / grow(top, now_ms);
    for (size_t i = 0; i < top->count; i++) {
        all[i] = top->places[i].item;
        all[i].count *= scale;
        all[i].error *= scale;
    }
    qsort(all, top->count, sizeof *all, compare);
    for (size_t i = 0; i < count; i++) {
        items[i] = all[i];
    }
    free(all);
    return count;
}
