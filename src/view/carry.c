/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Keeping a zone whose files are broken now, or need not be read: its last good version goes on, with its
 * policies entered into the new view's steer set. Endpoints are matched by name, since the topology may have
 * changed meanwhile. What was entered is known for all zones of a load. */
#include "config.h"

#include "view/compile_internal.h"

#include "base/error.h"
#include "base/hash.h"
#include "base/memory.h"
#include "base/sanitizer.h"

#include <stdlib.h>
#include <string.h>

struct carry {
    struct compiler *c;
    const char *origin; /* of the zone in hand */
    uint32_t *ids;      /* new id by old id, UINT32_MAX: not entered yet */
    uint32_t *numbers;  /* of names, likewise; what has none is not looked up */
    /* The previous view's names by zone: 1 + the first one by a hash of the origin, and the next ones. */
    uint32_t *first, *next;
    uint32_t mask;
};

static uint32_t *find_first(const struct carry *carry, const char *origin)
{
    return &carry->first[hash_finish(view_hash_text(HASH_START, origin)) & carry->mask];
}

static struct carry *start(struct compiler *c)
{
    const struct view *previous = c->previous;
    size_t count = steer_set_count(previous->steer);
    struct carry *carry = memory_alloc(sizeof *carry);
    *carry = (struct carry){
        .c = c,
        .ids = memory_alloc_array(count, sizeof *carry->ids),
        .numbers = memory_alloc_array(steer_set_count_names(previous->steer), sizeof *carry->numbers),
        .next = memory_alloc_array(previous->name_count, sizeof *carry->next),
        .mask = 63};
    memset(carry->ids, 0xff, count * sizeof *carry->ids);
    while (carry->mask < previous->zone_count) {
        carry->mask = carry->mask * 2 + 1;
    }
    carry->first = memory_alloc_array((size_t)carry->mask + 1, sizeof *carry->first);
    for (size_t i = previous->name_count; i-- > 0;) {
        uint32_t *first = find_first(carry, previous->names[i].zone);
        carry->next[i] = *first;
        *first = (uint32_t)i + 1;
    }
    return carry;
}

void compile_free_carry(struct compiler *c)
{
    if (c->carry != NULL) {
        free(c->carry->ids);
        free(c->carry->numbers);
        free(c->carry->first);
        free(c->carry->next);
        free(c->carry);
        c->carry = NULL;
    }
}

static const struct steer_member *map_members(struct carry *carry, const struct steer_policy *old,
                                              struct arena *arena)
{
    const struct view *view = carry->c->view;
    struct steer_member *members = arena_alloc(arena, old->member_count * sizeof *members);
    for (size_t i = 0; i < old->member_count; i++) {
        const char *name = carry->c->previous->topology->endpoints[old->members[i].endpoint].name;
        ptrdiff_t at = view->topology == NULL ? -1 : conf_find_endpoint(view->topology, name);
        if (at == -1) {
            report_add(carry->c->report, REPORT_ERROR, NULL,
                       "the last good version of zone %s cannot be kept either: its endpoint %s is not in "
                       "the topology "
                       "any more",
                       carry->origin, name);
            return NULL;
        }
        const struct conf_endpoint *endpoint = &view->topology->endpoints[at];
        if (old->members[i].has_host && endpoint->host == NULL) {
            report_add(
                carry->c->report, REPORT_ERROR, NULL,
                "the last good version of zone %s cannot be kept either: its endpoint %s is not a host "
                "name any more",
                carry->origin, name);
            return NULL;
        }
        members[i] = old->members[i];
        members[i].endpoint = (uint32_t)at;
    }
    return members;
}

/* Names stay in their group for as long as there is one of its name. */
static uint32_t map_group(const struct carry *carry, uint32_t old)
{
    const struct conf_topology *was = carry->c->previous->topology, *is = carry->c->view->topology;
    for (uint32_t i = 0; old != 0 && is != NULL && i < is->name_group_count; i++) {
        if (strcmp(is->name_groups[i].name, was->name_groups[old - 1].name) == 0) {
            return i + 1;
        }
    }
    return 0;
}

static int enter_policy(struct carry *carry, uint32_t old_id)
{
    if (carry->ids[old_id] != UINT32_MAX) {
        return 0;
    }
    const struct steer_policy *old = steer_set_get(carry->c->previous->steer, old_id);
    struct arena *arena = arena_new(4096);
    struct steer_policy plan = *old;
    plan.members = map_members(carry, old, arena);
    plan.group = map_group(carry, old->group);
    if (plan.members != NULL) {
        geo_hold_tree(old->geo);
        carry->ids[old_id] =
            steer_set_add(carry->c->view->steer, &plan, (struct geo_tree *)(uintptr_t)old->geo,
                          (uint64_t)(uintptr_t)old->geo);
    }
    arena_free(arena);
    return plan.members != NULL ? 0 : ERROR_CONFLICT;
}

static int enter_names(struct carry *carry)
{
    const struct view *previous = carry->c->previous;
    for (uint32_t i = *find_first(carry, carry->origin); i != 0; i = carry->next[i - 1]) {
        struct view_name name = previous->names[i - 1];
        if (strcmp(name.zone, carry->origin) != 0) {
            continue;
        }
        if (enter_policy(carry, name.policy) != 0) {
            return ERROR_CONFLICT;
        }
        name.policy = carry->ids[name.policy];
        carry->numbers[name.number] = steer_set_number_name(carry->c->view->steer);
        name.number = carry->numbers[name.number];
        compile_add_name(carry->c, &name);
    }
    return 0;
}

/* Of a policy that no name has any more no class is told. */
static void renumber_whoamis(struct zone *zone, const struct carry *carry)
{
    for (size_t i = 0; i < zone->whoami_count; i++) {
        struct zone_whoami *whoami = &zone->whoamis[i];
        whoami->policy = whoami->policy == ZONE_NO_POLICY ? ZONE_NO_POLICY : carry->ids[whoami->policy];
    }
}

static void renumber(struct zone *zone, const struct carry *carry)
{
    renumber_whoamis(zone, carry);
    for (size_t s = 0; s < zone->slot_room; s++) {
        if (zone->slots[s].tag == ZONE_SLOT_EMPTY) {
            continue;
        }
        const struct zone_node *node = zone_get_node(zone, zone->slots[s].node);
        for (unsigned i = 0; i < node->rrset_count; i++) {
            if ((node->rrsets[i].flags & ZONE_RRSET_STEERED) != 0) {
                struct zone_steered *steered =
                    (struct zone_steered *)(void *)(zone->blob + node->rrsets[i].block);
                steered->policy = carry->ids[steered->policy];
                steered->name = carry->numbers[steered->name];
            }
        }
    }
}

/* The old one is being served: its two atomic members change meanwhile. */
static struct zone *copy_zone(struct zone *old)
{
    struct dns_key apex;
    dns_key_fill(&apex, old->apex, old->apex_len);
    struct zone *zone = zone_new(&apex);
    size_t from = offsetof(struct zone, apex_len), to = offsetof(struct zone, served);
    memcpy((uint8_t *)zone + from, (const uint8_t *)old + from, to - from);
    zone->stamp = 0;
    zone->notes = NULL;
    atomic_init(&zone->served, atomic_load_explicit(&old->served, memory_order_relaxed));
    zone->slots = memory_copy(old->slots, old->slot_room * sizeof *old->slots);
    sanitizer_unpoison(old->blob, old->blob_len); /* its gaps are copied, too */
    zone->blob = memory_copy(old->blob, old->blob_len);
    zone->whoamis = memory_copy(old->whoamis, old->whoami_count * sizeof *old->whoamis);
    return zone;
}

struct zone *compile_carry_zone(struct compiler *c, struct zone *old, const struct conf_zone_source *source)
{
    bool keeps_serial = source->options->serial != CONF_SERIAL_FILE;
    if (old->steered_count == 0 && keeps_serial == zone_keeps_serial(old)) {
        zone_hold(old);
        return old;
    }
    size_t names = c->view->name_count;
    struct carry *carry = c->carry = c->carry == NULL ? start(c) : c->carry;
    carry->origin = source->origin;
    if (enter_names(carry) != 0) {
        c->view->name_count = names;
        return NULL;
    }
    struct zone *zone = copy_zone(old);
    renumber(zone, carry);
    zone_keep_serial(zone, keeps_serial);
    return zone;
}
