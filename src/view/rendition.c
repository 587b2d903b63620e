/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Rendering policies for copies: see rendition.h. */
#include "config.h"

#include "view/rendition.h"

#include "base/hash.h"
#include "base/memory.h"
#include "dns/types.h"
#include "view/hosts.h"
#include "zone/zone.h"

#include <stdlib.h>
#include <string.h>

static uint64_t key_of(uint32_t policy, uint16_t type)
{
    return (uint64_t)policy << 16 | type;
}

static int compare_keys(const void *left, const void *right)
{
    const uint64_t *a = left, *b = right;
    return *a < *b ? -1 : *a > *b;
}

/* The distinct (policy, type) of a zone's steered RRsets, ascending; *count of them. Returns owned. */
static uint64_t *list_keys(const struct zone *zone, size_t *count)
{
    uint64_t *keys = memory_alloc_array(zone->steered_count, sizeof *keys);
    const struct zone_node *node;
    size_t found = 0;
    for (size_t slot = 0; zone->steered_count != 0 && (node = zone_next_node(zone, &slot)) != NULL;) {
        for (unsigned i = 0; i < node->rrset_count; i++) {
            const struct zone_rrset *rrset = &node->rrsets[i];
            if ((rrset->flags & ZONE_RRSET_STEERED) != 0 && found < zone->steered_count) {
                const struct zone_steered *steered = zone_get_steered(zone, rrset);
                keys[found++] = key_of(steered->policy, rrset->type);
            }
        }
    }
    qsort(keys, found, sizeof *keys, compare_keys);
    *count = 0;
    for (size_t i = 0; i < found; i++) {
        if (i == 0 || keys[i] != keys[*count - 1]) {
            keys[(*count)++] = keys[i];
        }
    }
    return keys;
}

/* ---- one policy ---- */

static int compare_members(const void *left, const void *right)
{
    return (int)*(const uint16_t *)left - (int)*(const uint16_t *)right;
}

/* A copy would give a standby as much as everybody else: what only trickles is left out,
 * unless nobody else has records of the type. */
static bool is_left_out(const struct steer_choice *choice, size_t part)
{
    bool others = false;
    for (size_t i = 0; i < choice->part_count; i++) {
        others |= !choice->parts[i].trickles;
    }
    return choice->parts[part].trickles && others;
}

/* One more of the heaviest; of equal ones the first. odds: of those that are there, in order. */
static void take(struct view_rendered *to, double odds[STEER_ANSWERS_MAX], uint16_t member, double own)
{
    size_t at = to->count, room = to->type == DNS_TYPE_CNAME ? 1 : STEER_ANSWERS_MAX;
    while (at > 0 && odds[at - 1] < own) {
        at--;
    }
    if (at == room) {
        return;
    }
    size_t keep = to->count < room ? to->count : room - 1;
    memmove(odds + at + 1, odds + at, (keep - at) * sizeof *odds);
    memmove(to->members + at + 1, to->members + at, (keep - at) * sizeof *to->members);
    odds[at] = own;
    to->members[at] = member;
    to->count = (uint16_t)(keep + 1);
}

/* Names of which some members answer with a CNAME, and others with addresses. */
static bool has_aliases(const struct steer_policy *policy)
{
    size_t i = 0;
    while (i < policy->member_count && !policy->members[i].is_alias) {
        i++;
    }
    return i < policy->member_count;
}

/* A copy has addresses or a CNAME: what does not go with the others is left out. */
static void choose_side(const struct steer_policy *policy, struct view_rendered *to, bool any_address)
{
    size_t kept = 0;
    for (size_t i = 0; i < to->count; i++) {
        bool is_alias = policy->members[to->members[i]].is_alias;
        if (to->type == DNS_TYPE_CNAME ? is_alias && !any_address : !is_alias) {
            to->members[kept++] = to->members[i];
        }
    }
    to->count = (uint16_t)kept;
}

/* Hosts among the members become their addresses of the type. */
static void resolve_hosts(const struct view *view, const struct steer_policy *policy,
                          struct view_rendered *to)
{
    enum view_family family = to->type == DNS_TYPE_A ? VIEW_V4 : VIEW_V6;
    size_t kept = 0, capacity = 0;
    for (size_t i = 0; i < to->count; i++) {
        uint32_t host = steer_get_host(policy, to->members[i]);
        if (host == 0) {
            to->members[kept++] = to->members[i];
            continue;
        }
        const struct view_addresses *addresses = view_get_addresses(view, host - 1);
        for (size_t a = 0; a < addresses->count[family] && to->address_count < STEER_ANSWERS_MAX; a++) {
            to->addresses = memory_grow(to->addresses, to->address_count, &capacity, sizeof *to->addresses);
            to->addresses[to->address_count++] = addresses->items[family][a];
        }
    }
    to->count = (uint16_t)kept;
}

static bool is_address(uint16_t type)
{
    return type == DNS_TYPE_A || type == DNS_TYPE_AAAA;
}

static void take_heaviest(const struct steer_policy *policy, const struct steer_choice *choice,
                          struct view_rendered *to)
{
    double *all = memory_alloc_array(choice->count, sizeof *all), odds[STEER_ANSWERS_MAX] = {0};
    bool any_address = false;
    steer_odds(policy, choice, all);
    for (size_t p = 0; p < choice->part_count; p++) {
        const struct steer_part *part = &choice->parts[p];
        for (size_t i = 0; i < part->count && !is_left_out(choice, p); i++) {
            uint16_t member = choice->members[part->first + i];
            any_address |= !policy->members[member].is_alias;
            take(to, odds, member, all[part->first + i]);
        }
    }
    free(all);
    if (has_aliases(policy)) {
        choose_side(policy, to, any_address);
    }
    qsort(to->members, to->count, sizeof *to->members, compare_members);
}

static void render_policy(const struct view *view, struct view_rendered *to)
{
    const struct steer_policy *policy = steer_set_get(view->steer, to->policy);
    struct steer_room room = steer_find_room(policy, 0);
    void *memory = memory_alloc(steer_room_size(room));
    struct steer_ask ask = {.types = steer_find_type(policy, to->type), .ignores_load = true};
    struct steer_choice choice;
    steer_choice_init(&choice, room, memory);
    steer_evaluate(policy, ask, view->table, &choice, NULL);
    switch (choice.source) {
    case STEER_FROM_TIER:
    case STEER_FROM_POOL:
    case STEER_FROM_FIRST:
    case STEER_FROM_SICK:
    case STEER_FROM_HELD:
    case STEER_FROM_ALL:
        take_heaviest(policy, &choice, to);
        if (is_address(to->type)) {
            resolve_hosts(view, policy, to);
        }
        break;
    case STEER_FROM_STATIC: to->is_static = true; break;
    case STEER_FROM_NODATA:
    case STEER_FROM_SERVFAIL: break;
    }
    free(memory);
}

/* ---- the whole ---- */

static struct view_rendition *new_rendition(size_t count)
{
    struct view_rendition *rendition = memory_alloc(sizeof *rendition + count * sizeof *rendition->items);
    atomic_init(&rendition->references, 1);
    rendition->count = count;
    return rendition;
}

struct view_rendition *view_render_zone(const struct view *view, const struct zone *zone)
{
    size_t count;
    uint64_t *keys = list_keys(zone, &count);
    struct view_rendition *rendition = new_rendition(count);
    for (size_t i = 0; i < count; i++) {
        rendition->items[i].policy = (uint32_t)(keys[i] >> 16);
        rendition->items[i].type = (uint16_t)keys[i];
        render_policy(view, &rendition->items[i]);
    }
    free(keys);
    return rendition;
}

struct view_rendition *view_render_again(const struct view *view, const struct view_rendition *rendition,
                                         bool (*go_on)(void *context), void *context)
{
    struct view_rendition *again = new_rendition(rendition->count);
    for (size_t i = 0; i < rendition->count; i++) {
        if (go_on != NULL && !go_on(context)) {
            view_rendition_release(again);
            return NULL;
        }
        again->items[i].policy = rendition->items[i].policy;
        again->items[i].type = rendition->items[i].type;
        render_policy(view, &again->items[i]);
    }
    return again;
}

static bool has_equal_addresses(const struct view_rendered *a, const struct view_rendered *b)
{
    size_t len = a->address_count * sizeof *a->addresses;
    return a->address_count == b->address_count && (len == 0 || memcmp(a->addresses, b->addresses, len) == 0);
}

static bool is_equal(const struct view_rendered *a, const struct view_rendered *b)
{
    return has_equal_addresses(a, b) && a->policy == b->policy && a->type == b->type &&
           a->is_static == b->is_static && a->count == b->count &&
           memcmp(a->members, b->members, a->count * sizeof *a->members) == 0;
}

bool view_rendition_equal(const struct view_rendition *a, const struct view_rendition *b)
{
    bool equal = a->count == b->count;
    for (size_t i = 0; equal && i < a->count; i++) {
        equal = is_equal(&a->items[i], &b->items[i]);
    }
    return equal;
}

uint64_t view_rendition_hash(const struct view_rendition *rendition, uint64_t hash)
{
    for (size_t i = 0; i < rendition->count; i++) {
        const struct view_rendered *item = &rendition->items[i];
        hash = hash_bytes(hash, &item->policy, sizeof item->policy);
        hash = hash_bytes(hash, &item->type, sizeof item->type);
        hash = hash_bytes(hash, &item->is_static, sizeof item->is_static);
        hash = hash_bytes(hash, &item->count, sizeof item->count);
        hash = hash_bytes(hash, item->members, item->count * sizeof *item->members);
        if (item->address_count != 0) {
            hash = hash_bytes(hash, item->addresses, item->address_count * sizeof *item->addresses);
        }
    }
    return hash_finish(hash);
}

void view_rendition_hold(struct view_rendition *rendition)
{
    atomic_fetch_add_explicit(&rendition->references, 1, memory_order_relaxed);
}

void view_rendition_release(struct view_rendition *rendition)
{
    if (rendition != NULL &&
        atomic_fetch_sub_explicit(&rendition->references, 1, memory_order_acq_rel) == 1) {
        for (size_t i = 0; i < rendition->count; i++) {
            free(rendition->items[i].addresses);
        }
        free(rendition);
    }
}

const struct view_rendered *view_rendition_find(const struct view_rendition *rendition, uint32_t policy,
                                                uint16_t type)
{
    uint64_t key = key_of(policy, type);
    size_t low = 0, high = rendition->count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        const struct view_rendered *item = &rendition->items[middle];
        uint64_t have = key_of(item->policy, item->type);
        if (have == key) {
            return item;
        }
        if (have < key) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return NULL;
}
