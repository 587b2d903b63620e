/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Steered RRsets of any rdata: the lists of their members are copied, and their distinct records numbered, so
 * that an answer made of several lists has no record twice. */
#include "config.h"

#include "zone/builder_internal.h"

#include "base/memory.h"
#include "dns/name.h"

#include <stdlib.h>

/* ---- copying ---- */

static bool has_record(const struct builder_list *list, const struct builder_record *record)
{
    for (size_t i = 0; i < list->count; i++) {
        if (builder_compare_records(&list->records[i], record) == 0) {
            return true;
        }
    }
    return false;
}

static void copy_list(struct zone_builder *b, const struct zone_listed_plan *plan,
                      const struct zone_list *from, struct builder_list *to)
{
    char type[DNS_TYPE_TEXT_SIZE];
    const char *file = builder_keep_file(b, plan->file);
    to->records = arena_alloc(b->arena, from->count * sizeof *to->records);
    to->numbers = arena_alloc(b->arena, from->count * sizeof *to->numbers);
    for (size_t i = 0; i < from->count; i++) {
        const struct zone_rdata *rdata = &from->items[i];
        struct builder_record record = {
            .place = {file, rdata->line, rdata->column},
            .type = from->type,
            .ttl = plan->ttl,
            .rdata_len = rdata->len,
            .rdata = memcpy(arena_alloc_bytes(b->arena, rdata->len), rdata->bytes, rdata->len),
        };
        if (has_record(to, &record)) {
            builder_complain(b, REPORT_WARNING, &record.place, "duplicate %s record ignored",
                             dns_write_type(record.type, type));
            continue;
        }
        to->records[to->count++] = record;
    }
    if (from->type == DNS_TYPE_CNAME && to->count > 1) {
        builder_complain(b, REPORT_ERROR, &to->records[1].place,
                         "a second CNAME; a name leads to one other name, so each list has one");
    }
}

/* ---- numbering ---- */

struct numbered {
    struct builder_record *record;
    uint16_t *number; /* to be set */
};

static int compare_numbered(const void *left, const void *right)
{
    const struct numbered *a = left, *b = right;
    return builder_compare_records(a->record, b->record);
}

static size_t count_records(const struct builder_listed *listed)
{
    size_t count = 0;
    for (size_t i = 0; i < listed->list_count; i++) {
        count += listed->lists[i].count;
    }
    return count;
}

/* Equal records get the same number. Returns how many numbers there are. */
static size_t number_records(struct zone_builder *b, struct builder_listed *listed)
{
    size_t count = count_records(listed), at = 0, distinct = 0;
    struct numbered *all = memory_alloc_array(count, sizeof *all);
    for (size_t i = 0; i < listed->list_count; i++) {
        const struct builder_list *list = &listed->lists[i];
        for (size_t r = 0; r < list->count; r++) {
            all[at++] = (struct numbered){&list->records[r], &list->numbers[r]};
        }
    }
    qsort(all, count, sizeof *all, compare_numbered);
    listed->singles = arena_alloc(b->arena, count * sizeof(struct builder_record *));
    for (size_t i = 0; i < count; i++) {
        if (i == 0 || builder_compare_records(all[i - 1].record, all[i].record) != 0) {
            listed->singles[distinct++] = all[i].record;
        }
        *all[i].number = (uint16_t)(distinct - 1);
    }
    free(all);
    return distinct;
}

struct target_hash {
    uint64_t hash;
    uint16_t number;
};

static int compare_targets(const void *left, const void *right)
{
    const struct target_hash *a = left, *b = right;
    return a->hash < b->hash ? -1 : a->hash > b->hash ? 1 : (int)a->number - (int)b->number;
}

static uint64_t hash_target(const struct builder_record *record)
{
    struct dns_key key;
    int at = builder_target_at(record->type);
    if (at < 0 || record->rdata_len <= at ||
        dns_key_fill(&key, record->rdata + at, (size_t)(record->rdata_len - at)) == 0) {
        return 0;
    }
    return dns_key_hash_suffix(&key, 0);
}

static void find_targets(struct zone_builder *b, struct builder_listed *listed)
{
    size_t count = listed->single_count;
    struct target_hash *hashes = memory_alloc_array(count, sizeof *hashes);
    listed->targets = arena_alloc(b->arena, count * sizeof *listed->targets);
    for (size_t i = 0; i < count; i++) {
        hashes[i] = (struct target_hash){hash_target(listed->singles[i]), (uint16_t)i};
    }
    qsort(hashes, count, sizeof *hashes, compare_targets);
    for (size_t i = 0; i < count; i++) {
        uint16_t number = hashes[i].number;
        bool is_same = i != 0 && hashes[i - 1].hash == hashes[i].hash;
        listed->targets[number] = is_same ? listed->targets[hashes[i - 1].number] : number;
    }
    free(hashes);
}

void zone_builder_add_listed(struct zone_builder *b, const struct zone_listed_plan *plan)
{
    struct builder_place place = {builder_keep_file(b, plan->file), plan->line, plan->column};
    struct builder_steered *steered = builder_enter_steered(b, plan->owner, &place);
    if (steered == NULL) {
        return;
    }
    struct builder_listed *listed = arena_alloc(b->arena, sizeof *listed);
    listed->list_count = plan->list_count;
    listed->lists = arena_alloc(b->arena, plan->list_count * sizeof *listed->lists);
    for (size_t i = 0; i < plan->list_count; i++) {
        copy_list(b, plan, &plan->lists[i], &listed->lists[i]);
        listed->has_aliases |= plan->lists[i].type != plan->type;
    }
    size_t distinct = number_records(b, listed);
    if (distinct > ZONE_SINGLES_MAX) {
        builder_complain(b, REPORT_ERROR, &place, "%zu different records of a type, expected at most %d",
                         distinct, ZONE_SINGLES_MAX);
    }
    listed->single_count = (uint16_t)(distinct > ZONE_SINGLES_MAX ? ZONE_SINGLES_MAX : distinct);
    find_targets(b, listed);
    listed->of_member = arena_copy(b->arena, plan->of_member, plan->member_count * sizeof *plan->of_member);
    steered->listed = listed;
    steered->type = plan->type;
    steered->types = plan->types;
    steered->member_count = plan->member_count;
    steered->ttl = plan->ttl;
    steered->policy = plan->policy;
    steered->name = plan->name;
}
