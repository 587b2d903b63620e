/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Zones and names of two views: which come, go, shrink, or have other records or TTLs. Steered records of
 * addresses are their policies' matter, but for the TTL. What a delegation hides is not there. */
#include "config.h"

#include "operate/compare_internal.h"

#include "dns/key.h"
#include "dns/name.h"
#include "steer/steer.h"
#include "zone/differ.h"

#include <string.h>

void compare_count(struct comparing *c, struct operate_counts *counts, const char *name,
                   const uint32_t numbers[2])
{
    if (counts->items == NULL) {
        counts->items = arena_alloc(c->arena, c->compare->limit * sizeof *counts->items);
    }
    if (counts->count < c->compare->limit) {
        counts->items[counts->count++] = (struct operate_counted){.name = arena_copy_text(c->arena, name),
                                                                  .records = {numbers[0], numbers[1]}};
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
static uint32_t count_records(const struct zone_node *node, bool with_steered)
{
    uint32_t records = 0;
    for (unsigned i = 0; node != NULL && i < node->rrset_count; i++) {
        bool steered = (node->rrsets[i].flags & ZONE_RRSET_STEERED) != 0;
        records += steered && !with_steered ? 0 : node->rrsets[i].count;
    }
    return records;
}

uint32_t compare_count_records(const struct zone_node *node)
{
    return count_records(node, true);
}

static void write_owner(const struct zone *zone, const struct zone_node *node, uint8_t wire[DNS_NAME_MAX])
{
    memcpy(wire, zone_node_name(node), node->name_len);
    memcpy(wire + node->name_len, zone->apex, zone->apex_len);
}

static void count_name(struct comparing *c, enum operate_fate fate, const struct zone *zone,
                       const struct zone_node *node, const uint32_t numbers[2])
{
    struct operate_counts *counts = &c->comparison->names[fate];
    uint8_t wire[DNS_NAME_MAX];
    char text[DNS_NAME_TEXT_SIZE] = "";
    if (counts->count < c->compare->limit) {
        write_owner(zone, node, wire);
        dns_name_write(wire, text);
    }
    compare_count(c, counts, text, numbers);
}

static bool is_hidden(const struct zone_node *node)
{
    return node != NULL && (node->flags & ZONE_NODE_OCCLUDED) != 0;
}

/* ---- records ---- */

/* A number of all records that the members of a listed RRset have: equal members with equal records, equal
 * number, in whatever order they are. */
static uint64_t sum_listed(const struct comparing *c, int side, const struct zone *zone,
                           const struct zone_rrset *rrset)
{
    const struct zone_listed *listed = zone_get_listed(zone, rrset);
    const struct steer_policy *policy = steer_set_get(c->compare->view[side]->steer, listed->policy);
    uint64_t sum = 0;
    for (unsigned i = 0; i < rrset->count && i < policy->member_count; i++) {
        uint64_t records = zone_sum_set(zone, rrset, i), key = c->keys[side][policy->members[i].endpoint];
        sum += records == 0 ? 0 : compare_hash(key, &records, sizeof records);
    }
    return sum;
}

static enum zone_difference compare_pair(const struct comparing *c, const struct zone_at at[2])
{
    bool listed = (at[0].rrset->flags & at[1].rrset->flags & ZONE_RRSET_LISTED) != 0;
    if (listed && c->keys[0] != NULL &&
        sum_listed(c, 0, at[0].zone, at[0].rrset) != sum_listed(c, 1, at[1].zone, at[1].rrset)) {
        return ZONE_OTHER_DATA;
    }
    return zone_compare_rrsets(&at[0], &at[1]);
}

static bool is_steered(const struct zone_at *at)
{
    return (at->rrset->flags & ZONE_RRSET_STEERED) != 0;
}

/* By type, steered ones before static ones. */
static int compare_order(const struct zone_at at[2])
{
    unsigned a = 2u * at[0].rrset->type + !is_steered(&at[0]),
             b = 2u * at[1].rrset->type + !is_steered(&at[1]);
    return (a > b) - (a < b);
}

/* The worst difference of all RRsets; of a TTL, which. One that becomes steered or ceases to be is told as
 * that. */
static enum zone_difference compare_rrsets(struct comparing *c, struct zone_at at[2], uint32_t ttl[2])
{
    const struct zone_rrset *end[2] = {at[0].node->rrsets + at[0].node->rrset_count,
                                       at[1].node->rrsets + at[1].node->rrset_count};
    enum zone_difference worst = ZONE_SAME;
    at[0].rrset = at[0].node->rrsets;
    at[1].rrset = at[1].node->rrsets;
    while (at[0].rrset != end[0] || at[1].rrset != end[1]) {
        int order = at[0].rrset == end[0] ? 1 : at[1].rrset == end[1] ? -1 : compare_order(at);
        bool steered = is_steered(&at[order <= 0 ? 0 : 1]);
        enum zone_difference found = order == 0 ? compare_pair(c, at) : steered ? ZONE_SAME : ZONE_OTHER_DATA;
        c->has_other_statics |= !steered && found != ZONE_SAME;
        if (found == ZONE_OTHER_TTL && worst == ZONE_SAME) {
            ttl[0] = zone_get_ttl(&at[0]);
            ttl[1] = zone_get_ttl(&at[1]);
        }
        worst = found > worst ? found : worst;
        at[0].rrset += order <= 0;
        at[1].rrset += order >= 0;
    }
    return worst;
}

/* How many records of a name are left. Where steering comes or goes, that is told, and the members are left
 * out here. */
static bool is_name_shrunk(const struct zone_at at[2], const uint32_t records[2])
{
    const uint32_t statics[2] = {count_records(at[0].node, false), count_records(at[1].node, false)};
    bool was_steered = statics[0] != records[0], is_steered = statics[1] != records[1];
    return is_shrunk(was_steered == is_steered ? records : statics);
}

static void compare_node(struct comparing *c, struct zone_at at[2], const uint32_t records[2])
{
    uint32_t ttl[2] = {0, 0};
    enum zone_difference found = compare_rrsets(c, at, ttl);
    if (is_name_shrunk(at, records)) {
        count_name(c, OPERATE_SHRUNK, at[0].zone, at[0].node, records);
    } else if (found == ZONE_OTHER_DATA) {
        count_name(c, OPERATE_CHANGED, at[0].zone, at[0].node, records);
    } else if (found == ZONE_OTHER_TTL) {
        count_name(c, OPERATE_RETIMED, at[0].zone, at[0].node, ttl);
    }
}

/* A name that comes, goes or stays. What is hidden on one side only is as if it were not there. */
static void compare_name(struct comparing *c, struct zone_at at[2])
{
    uint32_t records[2] = {compare_count_records(at[0].node), compare_count_records(at[1].node)};
    if (at[0].node != NULL && at[1].node != NULL && is_hidden(at[0].node) != is_hidden(at[1].node)) {
        records[is_hidden(at[0].node) ? 0 : 1] = 0;
    }
    if (records[0] != 0 && records[1] != 0) {
        compare_node(c, at, records);
    } else if (records[0] != records[1]) {
        int side = records[0] != 0 ? 0 : 1;
        count_name(c, side == 0 ? OPERATE_REMOVED : OPERATE_ADDED, at[side].zone, at[side].node, records);
        c->has_other_statics |= count_records(at[side].node, false) != 0;
    }
}

static void compare_names(struct comparing *c, const struct zone *before, const struct zone *after)
{
    enum { LOOK = 4096 };
    struct zone_pairs pairs = {.zone = {before, after}};
    const struct zone_node *node[2];
    for (unsigned looked = 1; zone_next_pair(&pairs, node); looked++) {
        compare_name(c, (struct zone_at[2]){{before, node[0], NULL}, {after, node[1], NULL}});
        if (looked % LOOK == 0 && compare_is_called_off(c)) {
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

/* What there is to answer from: one that cannot be read is none. */
static const struct zone *find_good(const struct view *view, const char *origin)
{
    const struct zone *zone = find_zone(view, origin);
    return zone == NULL || zone->failed ? NULL : zone;
}

/* Secondaries take a zone for what they have until its serial is a later one (RFC 1982). */
static void compare_serials(struct comparing *c, const char *origin, const struct zone *before,
                            const struct zone *after)
{
    const struct view_primary *primary = view_find_primary(c->compare->view[1], after->apex);
    const struct conf_zone_options *options = primary == NULL ? NULL : primary->options;
    bool is_copied = options != NULL && options->transfer_to_count + options->notify_count != 0;
    if (c->has_other_statics && is_copied && options->serial == CONF_SERIAL_FILE &&
        (int32_t)(after->serial - before->serial) <= 0) {
        const uint32_t serials[2] = {before->serial, after->serial};
        compare_count(c, &c->comparison->held_up, origin, serials);
    }
}

static void compare_zone(struct comparing *c, const char *origin)
{
    const struct zone *before = find_good(c->compare->view[0], origin);
    const struct zone *after =
        c->compare->read != NULL ? c->compare->read : find_good(c->compare->view[1], origin);
    if (before == NULL && after == NULL) {
        return;
    }
    const uint32_t records[2] = {before == NULL ? 0 : before->record_count,
                                 after == NULL ? 0 : after->record_count};
    struct operate_counts *zones = c->comparison->zones;
    if (before == NULL || after == NULL) {
        compare_count(c, &zones[before == NULL ? OPERATE_ADDED : OPERATE_REMOVED], origin, records);
        return;
    }
    if (is_shrunk(records)) {
        compare_count(c, &zones[OPERATE_SHRUNK], origin, records);
    }
    if (!zone_is_unchanged(before, after)) {
        c->has_other_statics = false;
        compare_names(c, before, after);
        compare_serials(c, origin, before, after);
    }
}

const struct zone_node *compare_find_node(const struct comparing *c, int side, const char *owner,
                                          const struct zone **zone)
{
    uint8_t wire[DNS_NAME_MAX + 1] = {0};
    struct dns_key key;
    const struct zone *read = side == 1 ? c->compare->read : NULL;
    *zone = NULL;
    if (dns_name_parse(owner, NULL, wire) < 0 || dns_key_fill(&key, wire, sizeof wire) == 0 ||
        c->compare->view[side]->zones == NULL) {
        return NULL;
    }
    const struct zone *found = zone_table_find(c->compare->view[side]->zones, &key, 0);
    if (found != NULL && read != NULL && found->apex_len == read->apex_len &&
        memcmp(found->apex, read->apex, read->apex_len) == 0) {
        found = read;
    }
    uint32_t at = found == NULL || found->failed ? 0 : zone_find_node(found, &key);
    const struct zone_node *node = at == 0 ? NULL : zone_get_node(found, at);
    if (node == NULL || is_hidden(node) || compare_count_records(node) == 0) {
        return NULL;
    }
    *zone = found;
    return node;
}

void compare_zones(struct comparing *c)
{
    const struct operate_compare *compare = c->compare;
    if (compare->zone != NULL) {
        compare_zone(c, compare->zone);
        return;
    }
    for (int side = 0; side < 2; side++) {
        const struct view *view = compare->view[side];
        for (size_t i = 0; i < view->zone_count; i++) {
            const char *origin = view->zone_list[i].origin;
            if (side == 0 || find_zone(compare->view[0], origin) == NULL) {
                compare_zone(c, origin);
            }
        }
    }
}
