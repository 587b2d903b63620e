/* SPDX-License-Identifier: BSD-3-Clause
 *
 * See nearest.h. Places and sites are unit vectors, and the nearer of two sites is the one with the larger
 * scalar product: no trigonometry per pair, and exact to centimetres. Of two equally far the one that is
 * listed first comes first. */
#include "config.h"

#include "geo/nearest.h"

#include "base/arena.h"
#include "base/memory.h"

#include <assert.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

struct vector {
    double x, y, z;
};

struct list {
    struct vector *sites;
    size_t site_count;
    unsigned count;  /* of nearest ones */
    size_t orders;   /* met so far */
    bool overflowed; /* more than GEO_ORDERS_MAX */
};

/* An order as it is kept in the pool. */
struct record {
    uint32_t list;
    uint16_t count;
    uint16_t sites[GEO_NEAREST_MAX];
};

struct geo_sites {
    struct list *lists;
    size_t list_count;
    size_t first_class;
    size_t otherwise;       /* the list whose order as listed is class 0; list_count: none is */
    struct geo_pool orders; /* number 0 is none */
};

static struct vector direction(const struct geo_site *site)
{
    static const double radians = 0.017453292519943295; /* of a degree */
    double latitude = site->latitude * radians, longitude = site->longitude * radians;
    return (struct vector){cos(latitude) * cos(longitude), cos(latitude) * sin(longitude), sin(latitude)};
}

static double closeness(const struct vector *a, const struct vector *b)
{
    return a->x * b->x + a->y * b->y + a->z * b->z;
}

struct geo_sites *geo_sites_new(const struct geo_plan *plan)
{
    struct geo_sites *sites = memory_alloc(sizeof *sites);
    sites->first_class = plan->class_count;
    sites->list_count = plan->nearest_count;
    sites->otherwise =
        (plan->otherwise & GEO_NEAREST) != 0 ? plan->otherwise & ~GEO_NEAREST : plan->nearest_count;
    sites->lists = memory_alloc_array(sites->list_count, sizeof *sites->lists);
    geo_pool_init(&sites->orders, "", 0);
    for (size_t i = 0; i < plan->nearest_count; i++) {
        const struct geo_nearest *from = &plan->nearest[i];
        struct list *list = &sites->lists[i];
        assert(from->site_count > 0 && from->site_count <= GEO_SITES_MAX && from->count > 0 &&
               from->count <= GEO_NEAREST_MAX);
        list->site_count = from->site_count;
        list->count = from->count < from->site_count ? from->count : (unsigned)from->site_count;
        list->sites = memory_alloc_array(list->site_count, sizeof *list->sites);
        for (size_t s = 0; s < list->site_count; s++) {
            list->sites[s] = direction(&from->sites[s]);
        }
    }
    return sites;
}

void geo_sites_free(struct geo_sites *sites)
{
    for (size_t i = 0; i < sites->list_count; i++) {
        free(sites->lists[i].sites);
    }
    free(sites->lists);
    geo_pool_fini(&sites->orders);
    free(sites);
}

/* The nearest ones by insertion: there are few of them. */
static void sort_nearest(const struct list *list, const struct vector *from, struct record *record)
{
    double best[GEO_NEAREST_MAX];
    for (size_t s = 0; s < list->site_count; s++) {
        double close = closeness(&list->sites[s], from);
        size_t at = record->count;
        while (at > 0 && best[at - 1] < close) {
            at--;
        }
        if (at == list->count) {
            continue;
        }
        size_t moved = record->count - at;
        if (record->count < list->count) {
            record->count++;
        } else {
            moved--;
        }
        memmove(best + at + 1, best + at, moved * sizeof *best);
        memmove(record->sites + at + 1, record->sites + at, moved * sizeof *record->sites);
        best[at] = close;
        record->sites[at] = (uint16_t)s;
    }
}

/* Class 0 of a plan whose default is this list? */
static bool is_default(const struct geo_sites *sites, const struct record *record)
{
    bool as_listed = record->list == sites->otherwise;
    for (uint16_t i = 0; i < record->count; i++) {
        as_listed &= record->sites[i] == i;
    }
    return as_listed;
}

uint16_t geo_sites_find(struct geo_sites *sites, uint32_t number, const struct geo_site *location)
{
    struct list *list = &sites->lists[number];
    struct record record;
    memset(&record, 0, sizeof record);
    record.list = number;
    if (location != NULL) {
        struct vector from = direction(location);
        sort_nearest(list, &from, &record);
    }
    while (record.count < list->count) { /* nothing is nearer than anything */
        record.sites[record.count] = record.count;
        record.count++;
    }
    if (is_default(sites, &record)) {
        return 0;
    }
    size_t before = sites->orders.count;
    uint32_t order = geo_pool_find(&sites->orders, &record, sizeof record);
    if (order == 0 && list->orders == GEO_ORDERS_MAX) {
        list->overflowed = true;
        return 0;
    }
    order = order != 0 ? order : geo_pool_add(&sites->orders, &record, sizeof record);
    list->orders += sites->orders.count - before;
    assert(sites->first_class + order - 1 <= UINT16_MAX);
    return (uint16_t)(sites->first_class + order - 1);
}

bool geo_sites_shorten(struct geo_sites *sites)
{
    bool any = false;
    for (size_t i = 0; i < sites->list_count; i++) {
        struct list *list = &sites->lists[i];
        any |= list->overflowed;
        list->count -= list->overflowed ? 1 : 0; /* one site alone has at most GEO_SITES_MAX orders */
        list->overflowed = false;
    }
    if (any) {
        geo_pool_fini(&sites->orders);
        geo_pool_init(&sites->orders, "", 0);
        for (size_t i = 0; i < sites->list_count; i++) {
            sites->lists[i].orders = 0;
        }
    }
    return any;
}

size_t geo_sites_list(const struct geo_sites *sites, struct arena *arena, const struct geo_order **orders)
{
    size_t count = sites->orders.count - 1;
    struct geo_order *items = arena_alloc(arena, count * sizeof *items);
    for (size_t i = 0; i < count; i++) {
        const struct record *record = geo_pool_get(&sites->orders, (uint32_t)i + 1);
        items[i] = (struct geo_order){
            .nearest = record->list,
            .count = record->count,
            .sites = arena_copy(arena, record->sites, record->count * sizeof *record->sites)};
    }
    *orders = items;
    return count;
}

unsigned geo_sites_count(const struct geo_sites *sites, uint32_t list)
{
    return sites->lists[list].count;
}
