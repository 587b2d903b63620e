/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Zones and names of two views: which come, go or shrink. A zone that both have is not looked into. */
#include "config.h"

#include "operate/compare_internal.h"

#include "dns/key.h"
#include "dns/name.h"
#include "zone/zone.h"

#include <string.h>

struct comparer {
    const struct operate_compare *compare;
    struct arena *arena;
    struct operate_comparison *comparison;
};

static void count(struct comparer *c, struct operate_counts *counts, const char *name,
                  const uint32_t records[2])
{
    if (counts->items == NULL) {
        counts->items = arena_alloc(c->arena, c->compare->limit * sizeof *counts->items);
    }
    if (counts->count < c->compare->limit) {
        counts->items[counts->count++] = (struct operate_counted){.name = arena_copy_text(c->arena, name),
                                                                  .records = {records[0], records[1]}};
    }
    counts->total++;
}

/* More than half of them are gone. */
static bool is_shrunk(const uint32_t records[2])
{
    return records[1] < records[0] - records[0] / 2 && records[1] != records[0];
}

/* ---- names ---- */

/* A node without records stands for names below it. */
static uint32_t count_records(const struct zone_node *node)
{
    uint32_t records = 0;
    for (unsigned i = 0; node != NULL && i < node->rrset_count; i++) {
        records += node->rrsets[i].count;
    }
    return records;
}

static void write_owner(const struct zone *zone, const struct zone_node *node, uint8_t wire[DNS_NAME_MAX])
{
    memcpy(wire, zone_node_name(node), node->name_len);
    memcpy(wire + node->name_len, zone->apex, zone->apex_len);
}

static void count_name(struct comparer *c, enum operate_fate fate, const struct zone *zone,
                       const struct zone_node *node, const uint32_t records[2])
{
    struct operate_counts *counts = &c->comparison->names[fate];
    uint8_t wire[DNS_NAME_MAX];
    char text[DNS_NAME_TEXT_SIZE] = "";
    if (counts->count < c->compare->limit) {
        write_owner(zone, node, wire);
        dns_name_write(wire, text);
    }
    count(c, counts, text, records);
}

/* The node of the same name in another version of the zone. */
static const struct zone_node *find_same(const struct zone *zone, const struct zone_node *node)
{
    uint8_t wire[DNS_NAME_MAX] = {0};
    struct dns_key key;
    write_owner(zone, node, wire);
    dns_key_fill(&key, wire, sizeof wire);
    uint32_t at = zone_find_node(zone, &key);
    return at == 0 ? NULL : zone_get_node(zone, at);
}

/* One direction: names of `zone` that the other one does not have, or has fewer records of. */
static void compare_nodes(struct comparer *c, const struct zone *zone, const struct zone *other, int side)
{
    enum { LOOK = 4096 };
    const struct zone_node *node;
    unsigned looked = 0;
    for (size_t slot = 0; (node = zone_next_node(zone, &slot)) != NULL;) {
        uint32_t own = count_records(node), others = own == 0 ? 0 : count_records(find_same(other, node));
        const uint32_t records[2] = {side == 0 ? own : others, side == 0 ? others : own};
        if (own != 0 && others == 0) {
            count_name(c, side == 0 ? OPERATE_REMOVED : OPERATE_ADDED, zone, node, records);
        } else if (side == 0 && is_shrunk(records)) {
            count_name(c, OPERATE_SHRUNK, zone, node, records);
        }
        if (++looked % LOOK == 0 && c->compare->report != NULL && report_is_cancelled(c->compare->report)) {
            return;
        }
    }
}

/* ---- zones ---- */

static const struct zone *find_zone(const struct view *view, const char *origin)
{
    uint8_t apex[DNS_NAME_MAX + 1];
    int len = dns_name_parse(origin, NULL, apex);
    if (len < 0 || view->zones == NULL) {
        return NULL;
    }
    dns_name_lower(apex, (size_t)len);
    return zone_table_get(view->zones, apex);
}

static void compare_zone(struct comparer *c, const char *origin)
{
    const struct zone *before = find_zone(c->compare->view[0], origin);
    const struct zone *after =
        c->compare->read != NULL ? c->compare->read : find_zone(c->compare->view[1], origin);
    const uint32_t records[2] = {before == NULL ? 0 : before->record_count,
                                 after == NULL ? 0 : after->record_count};
    struct operate_counts *zones = c->comparison->zones;
    if (before == NULL || after == NULL) {
        count(c, &zones[before == NULL ? OPERATE_ADDED : OPERATE_REMOVED], origin, records);
        return;
    }
    if (is_shrunk(records)) {
        count(c, &zones[OPERATE_SHRUNK], origin, records);
    }
    if (before != after && !before->failed && !after->failed) {
        compare_nodes(c, before, after, 0);
        compare_nodes(c, after, before, 1);
    }
}

void compare_zones(const struct operate_compare *compare, struct arena *arena,
                   struct operate_comparison *comparison)
{
    struct comparer c = {compare, arena, comparison};
    if (compare->zone != NULL) {
        compare_zone(&c, compare->zone);
        return;
    }
    for (int side = 0; side < 2; side++) {
        const struct view *view = compare->view[side];
        for (size_t i = 0; i < view->zone_count; i++) {
            const char *origin = view->zone_list[i].origin;
            if (side == 0 || find_zone(compare->view[0], origin) == NULL) {
                compare_zone(&c, origin);
            }
        }
    }
}
