/* SPDX-License-Identifier: BSD-3-Clause
 *
 * A steered RRset of any rdata: each list of records as the RRset that it is when it answers alone, and each
 * distinct record by itself, for answers that several lists make up. */
#include "config.h"

#include "zone/render_internal.h"

#include "base/memory.h"

#include <stdlib.h>

static struct zone_rrset render_records(struct renderer *r, const struct builder_owner *owner,
                                        const struct builder_record *const *records, size_t count)
{
    r->record_count = 0;
    for (size_t i = 0; i < count; i++) {
        r->records = memory_grow(r->records, r->record_count, &r->record_capacity,
                                 sizeof(const struct builder_record *));
        r->records[r->record_count++] = records[i];
    }
    return render_rrset(r, owner, records[0]->type);
}

static struct zone_single *single_at(const struct renderer *r, size_t singles, size_t number)
{
    return (struct zone_single *)(void *)(r->blob + singles) + number;
}

static void render_singles(struct renderer *r, const struct builder_owner *owner,
                           const struct builder_listed *from, size_t singles)
{
    for (size_t i = 0; i < from->single_count; i++) {
        struct zone_rrset rrset = render_records(r, owner, &from->singles[i], 1);
        *single_at(r, singles, i) = (struct zone_single){.rrset = rrset, .target = from->targets[i]};
    }
}

/* Returns the length of the block. */
static uint16_t render_set(struct renderer *r, const struct builder_owner *owner,
                           const struct builder_list *list, size_t singles, size_t set)
{
    struct zone_rrset rrset = single_at(r, singles, list->numbers[0])->rrset;
    if (list->count > 1) {
        const struct builder_record **records =
            memory_alloc_array(list->count, sizeof(const struct builder_record *));
        for (size_t i = 0; i < list->count; i++) {
            records[i] = &list->records[i];
        }
        rrset = render_records(r, owner, records, list->count);
        free(records);
    }
    size_t size = list->count * sizeof *list->numbers, at = render_take(r, size, sizeof(uint16_t));
    memcpy(r->blob + at, list->numbers, size);
    *(struct zone_set *)(void *)(r->blob + set) = (struct zone_set){.rrset = rrset, .singles = (uint32_t)at};
    return rrset.len;
}

struct zone_rrset render_listed(struct renderer *r, const struct builder_owner *owner,
                                const struct builder_steered *steered)
{
    const struct builder_listed *from = steered->listed;
    size_t members = steered->member_count * sizeof *from->of_member;
    size_t at = render_take(r, sizeof(struct zone_listed) + members, sizeof(uint32_t));
    size_t singles = render_take(r, from->single_count * sizeof(struct zone_single), sizeof(uint32_t));
    size_t sets = render_take(r, from->list_count * sizeof(struct zone_set), sizeof(uint32_t));
    uint16_t longest = 0;
    render_singles(r, owner, from, singles);
    for (size_t i = 0; i < from->list_count; i++) {
        uint16_t len = render_set(r, owner, &from->lists[i], singles, sets + i * sizeof(struct zone_set));
        longest = len > longest ? len : longest;
    }
    struct zone_listed *to = (struct zone_listed *)(void *)(r->blob + at);
    to->policy = steered->policy;
    to->name = steered->name;
    to->sets = (uint32_t)sets;
    to->singles = (uint32_t)singles;
    to->set_count = from->list_count;
    to->single_count = from->single_count;
    render_write_ttl(to->ttl, steered->ttl);
    memcpy(to->of_member, from->of_member, members);
    return (struct zone_rrset){.type = steered->type,
                               .count = steered->member_count,
                               .len = longest,
                               .types = steered->types,
                               .flags = ZONE_RRSET_STEERED | ZONE_RRSET_LISTED,
                               .block = (uint32_t)at};
}
