/* SPDX-License-Identifier: BSD-3-Clause
 *
 * See switchover_inside.h. */
#include "config.h"

#include "operate/switchover_inside.h"

#include "dns/key.h"
#include "dns/name.h"
#include "dns/types.h"
#include "operate/rdata.h"
#include "view/hosts.h"
#include "zone/zone.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

enum { SIDES = 2, ROOM = 64, MEMBERS_MAX = 65536 }; /* of all names together: whose records are looked at */

/* What is inside, and what is outside. */
struct gathering {
    const struct view *view;
    const bool *inside;
    struct arena *arena;
    struct addr *addresses[SIDES];
    size_t address_count[SIDES];
    const char **names[SIDES];
    size_t name_count[SIDES], name_room[SIDES], members;
};

static int compare_addresses(const void *a, const void *b)
{
    return memcmp(a, b, sizeof(struct addr));
}

static int compare_names(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static void add_address(struct gathering *g, bool is_inside, const struct addr *address)
{
    struct addr *item = &g->addresses[is_inside][g->address_count[is_inside]];
    if (address->family != ADDR_NONE) {
        memset(item, 0, sizeof *item); /* padding is compared, too */
        item->family = address->family;
        memcpy(item->bytes, address->bytes, addr_len(address));
        g->address_count[is_inside]++;
    }
}

static const char *copy_name(struct arena *arena, const char *name)
{
    char *copy = arena_copy_text(arena, name);
    size_t len = strlen(copy);
    for (size_t i = 0; i < len; i++) {
        copy[i] = (char)tolower((unsigned char)copy[i]);
    }
    if (len > 1 && copy[len - 1] == '.') {
        copy[len - 1] = '\0';
    }
    return copy;
}

static void add_name(struct gathering *g, bool is_inside, const char *name)
{
    if (g->name_count[is_inside] == g->name_room[is_inside]) {
        g->name_room[is_inside] *= 2;
        const char **grown = arena_alloc(g->arena, g->name_room[is_inside] * sizeof *grown);
        memcpy(grown, g->names[is_inside], g->name_count[is_inside] * sizeof *grown);
        g->names[is_inside] = grown;
    }
    g->names[is_inside][g->name_count[is_inside]++] = copy_name(g->arena, name);
}

/* ---- endpoints ---- */

static void add_host(struct gathering *g, bool is_inside, const struct conf_host *host)
{
    add_name(g, is_inside, host->name);
    if (host->index < g->view->host_count) {
        const struct view_addresses *addresses = view_get_addresses(g->view, host->index);
        for (int family = 0; family < VIEW_FAMILIES; family++) {
            for (size_t i = 0; i < addresses->count[family]; i++) {
                add_address(g, is_inside, &addresses->items[family][i]);
            }
        }
    }
}

static void gather_endpoints(struct gathering *g)
{
    const struct conf_topology *topology = g->view->topology;
    size_t room[SIDES] = {1, 1};
    for (size_t i = 0; i < topology->endpoint_count; i++) {
        room[g->inside[i]] +=
            topology->endpoints[i].host == NULL ? 2 : 2 + VIEW_FAMILIES * VIEW_ADDRESSES_MAX;
    }
    for (int side = 0; side < SIDES; side++) {
        g->addresses[side] = arena_alloc(g->arena, room[side] * sizeof **g->addresses);
        g->name_room[side] = ROOM;
        g->names[side] = arena_alloc(g->arena, ROOM * sizeof **g->names);
    }
    for (size_t i = 0; i < topology->endpoint_count; i++) {
        const struct conf_endpoint *endpoint = &topology->endpoints[i];
        add_address(g, g->inside[i], &endpoint->v4);
        add_address(g, g->inside[i], &endpoint->v6);
        if (endpoint->host != NULL) {
            add_host(g, g->inside[i], endpoint->host);
        }
    }
}

/* ---- records ---- */

/* What members of a name answer with by CNAME. */
static void gather_records(struct gathering *g, const struct view_name *name)
{
    const struct steer_policy *policy = steer_set_get(g->view->steer, name->policy);
    uint8_t owner[DNS_NAME_MAX + 1] = {0};
    struct dns_key key;
    if (steer_find_type(policy, DNS_TYPE_CNAME) == 0 || dns_name_parse(name->owner, NULL, owner) <= 0) {
        return;
    }
    dns_name_lower(owner, DNS_NAME_MAX);
    dns_key_fill(&key, owner, DNS_NAME_MAX);
    const struct zone *zone = zone_table_find(g->view->zones, &key, 0);
    uint32_t at = zone == NULL || zone->failed ? 0 : zone_find_node(zone, &key);
    const struct zone_rrset *rrset =
        at == 0 ? NULL : zone_find_rrset(zone_get_node(zone, at), DNS_TYPE_CNAME);
    if (rrset == NULL || (rrset->flags & ZONE_RRSET_STEERED) == 0) {
        return;
    }
    const struct rdata_place place = {zone, rrset, owner};
    for (size_t m = 0; m < policy->member_count && g->members < MEMBERS_MAX; m++, g->members++) {
        const struct steer_member *member = &policy->members[m];
        size_t count = 0;
        bool has = (member->types & rrset->types) != 0 && !member->is_alias;
        const char **texts = has ? rdata_list(&place, (unsigned)m, g->arena, &count) : NULL;
        for (size_t i = 0; i < count; i++) {
            add_name(g, g->inside[member->endpoint], texts[i]);
        }
    }
}

/* ---- the two sides ---- */

/* Of what is inside, what is not outside as well; returns how many are left. */
static size_t subtract(void *items, size_t count, const void *others, size_t other_count, size_t size,
                       int (*compare)(const void *, const void *))
{
    char *at = items;
    size_t kept = 0;
    for (size_t i = 0; i < count; i++) {
        if (other_count == 0 || bsearch(at + i * size, others, other_count, size, compare) == NULL) {
            memmove(at + kept++ * size, at + i * size, size);
        }
    }
    return kept;
}

void switchover_gather_inside(const struct view *view, const bool *inside,
                              const struct view_name *const *names, size_t name_count, struct arena *arena,
                              struct switchover_inside *to)
{
    struct gathering g = {.view = view, .inside = inside, .arena = arena};
    gather_endpoints(&g);
    for (size_t i = 0; i < name_count; i++) {
        gather_records(&g, names[i]);
    }
    for (int side = 0; side < SIDES; side++) {
        qsort(g.addresses[side], g.address_count[side], sizeof **g.addresses, compare_addresses);
        qsort(g.names[side], g.name_count[side], sizeof **g.names, compare_names);
    }
    *to = (struct switchover_inside){.addresses = g.addresses[1], .names = g.names[1]};
    to->address_count = subtract(g.addresses[1], g.address_count[1], g.addresses[0], g.address_count[0],
                                 sizeof **g.addresses, compare_addresses);
    to->name_count =
        subtract(g.names[1], g.name_count[1], g.names[0], g.name_count[0], sizeof **g.names, compare_names);
}

/* ---- to ask ---- */

static bool has_name(const struct switchover_inside *inside, const char *text)
{
    char name[DNS_NAME_TEXT_SIZE];
    size_t len = strlen(text);
    if (inside->name_count == 0 || len >= sizeof name) {
        return false;
    }
    for (size_t i = 0; i <= len; i++) {
        name[i] = (char)tolower((unsigned char)text[i]);
    }
    if (len > 1 && name[len - 1] == '.') {
        name[len - 1] = '\0';
    }
    const char *key = name;
    return bsearch(&key, inside->names, inside->name_count, sizeof key, compare_names) != NULL;
}

bool switchover_leads_inside(const struct switchover_inside *inside, const char *record)
{
    const char *last = strrchr(record, ' ');
    struct addr parsed, key;
    if (last == NULL) {
        return false;
    }
    if (strstr(record, " IN CNAME ") != NULL) {
        return has_name(inside, last + 1);
    }
    if (inside->address_count == 0 || addr_parse(last + 1, &parsed) != 0) {
        return false;
    }
    memset(&key, 0, sizeof key);
    key.family = parsed.family;
    memcpy(key.bytes, parsed.bytes, addr_len(&parsed));
    return bsearch(&key, inside->addresses, inside->address_count, sizeof key, compare_addresses) != NULL;
}
