/* SPDX-License-Identifier: BSD-3-Clause
 *
 * See switchover_spread.h. Names of a view are sorted by owner, so zones may alternate. */
#include "config.h"

#include "operate/switchover_spread.h"

#include "operate/whatif.h"
#include "view/view.h"

#include <stdlib.h>
#include <string.h>

static int compare_ttls(const void *a, const void *b)
{
    const uint32_t *left = a, *right = b;
    return (*left > *right) - (*left < *right);
}

/* Rows of equal TTLs; beyond SWITCHOVER_TTLS_MAX, of about as many names each. Equal ones stay together. */
static void cut_rows(const uint32_t *ttls, size_t count, struct switchover_spread *spread)
{
    size_t different = 0, taken = 0;
    for (size_t i = 0; i < count; i++) {
        different += i == 0 || ttls[i] != ttls[i - 1];
    }
    bool merges = different > SWITCHOVER_TTLS_MAX;
    for (size_t row = 0; taken < count; row++) {
        size_t end = merges ? (row + 1) * count / SWITCHOVER_TTLS_MAX : taken + 1;
        end = end <= taken ? taken + 1 : end;
        while (end < count && ttls[end] == ttls[end - 1]) {
            end++;
        }
        spread->ttls[spread->ttl_count++] =
            (struct switchover_ttl){.ttl_s = ttls[end - 1], .names = end - taken};
        taken = end;
    }
}

static int compare_zones(const void *a, const void *b)
{
    const struct switchover_zone *left = a, *right = b;
    return left->names != right->names ? (left->names < right->names) - (left->names > right->names)
                                       : strcmp(left->zone, right->zone);
}

static size_t count_zones(const struct view *view, const bool *touched, struct switchover_zone *zones)
{
    size_t count = 0;
    for (size_t i = 0; i < view->name_count; i++) {
        const struct view_name *name = &view->names[i];
        if (!touched[name->policy]) {
            continue;
        }
        if (count == 0 || strcmp(zones[count - 1].zone, name->zone) != 0) {
            zones[count++] = (struct switchover_zone){.zone = name->zone};
        }
        zones[count - 1].names++;
    }
    return count;
}

static int compare_origins(const void *a, const void *b)
{
    return strcmp(((const struct switchover_zone *)a)->zone, ((const struct switchover_zone *)b)->zone);
}

/* Of a zone whose names are not listed together. */
static size_t merge_zones(struct switchover_zone *zones, size_t count)
{
    size_t kept = 0;
    qsort(zones, count, sizeof *zones, compare_origins);
    for (size_t i = 0; i < count; i++) {
        if (kept != 0 && strcmp(zones[kept - 1].zone, zones[i].zone) == 0) {
            zones[kept - 1].names += zones[i].names;
        } else {
            zones[kept++] = zones[i];
        }
    }
    return kept;
}

void switchover_find_spread(const struct view *view, const bool *touched, size_t limit, struct arena *arena,
                            struct switchover_spread *spread)
{
    uint32_t *ttls = arena_alloc(arena, (view->name_count + 1) * sizeof *ttls);
    struct switchover_zone *zones = arena_alloc(arena, (view->name_count + 1) * sizeof *zones);
    size_t count = 0;
    for (size_t i = 0; i < view->name_count; i++) {
        if (touched[view->names[i].policy]) {
            ttls[count++] = view->names[i].ttl;
        }
    }
    qsort(ttls, count, sizeof *ttls, compare_ttls);
    *spread = (struct switchover_spread){
        .ttls = arena_alloc(arena, SWITCHOVER_TTLS_MAX * sizeof *spread->ttls), .zones = zones};
    cut_rows(ttls, count, spread);
    spread->zone_total = merge_zones(zones, count_zones(view, touched, zones));
    qsort(zones, spread->zone_total, sizeof *zones, compare_zones);
    spread->zone_count = spread->zone_total < limit ? spread->zone_total : limit;
    for (size_t i = 0; i < spread->zone_count; i++) {
        zones[i].zone = arena_copy_text(arena, zones[i].zone);
    }
}

struct switchover_ttl *switchover_find_ttl(const struct switchover_spread *spread, uint32_t ttl_s)
{
    size_t row = 0;
    while (row + 1 < spread->ttl_count && spread->ttls[row].ttl_s < ttl_s) {
        row++;
    }
    return &spread->ttls[row];
}

void switchover_weigh_spread(const struct view *view, const bool *touched, const struct operate_rates *rates,
                             struct switchover_spread *spread)
{
    for (size_t i = 0; i < view->name_count; i++) {
        const struct view_name *name = &view->names[i];
        if (touched[name->policy]) {
            switchover_find_ttl(spread, name->ttl)->rate += rates->names[i];
        }
    }
    spread->rate = rates->all;
    spread->has_rates = spread->rate > 0;
}
