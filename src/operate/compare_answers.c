/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Answers before and after: of a policy as steer_evaluate() gives them, and where one side does not steer a
 * type those of the zone file. */
#include "config.h"

#include "operate/compare_internal.h"

#include "base/memory.h"
#include "dns/types.h"
#include "operate/choice.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define SAME_SHARE 1e-6

enum { RECORD_FIXED = 12 };

/* Where an answer comes from, as far as the two sides can be told apart by it. */
enum kind { KIND_MEMBERS, KIND_ZONE_FILE, KIND_NODATA, KIND_SERVFAIL, KINDS };

static const struct zone_rrset *find_statics(const struct zone_node *node, uint16_t type)
{
    for (unsigned i = 0; node != NULL && i < node->rrset_count; i++) {
        const struct zone_rrset *rrset = &node->rrsets[i];
        if ((rrset->flags & ZONE_RRSET_STEERED) == 0 &&
            (rrset->type == type || rrset->type == DNS_TYPE_CNAME)) {
            return rrset;
        }
    }
    return NULL;
}

static uint16_t bit_of(const struct comparing *c, const struct compare_entry *entry, int side, uint16_t type)
{
    const struct steer_policy *policy = compare_policy(c, entry, side);
    return policy == NULL ? 0 : steer_find_type(policy, type) & entry->types[side];
}

static void evaluate(struct comparing *c, const struct compare_entry *entry, const uint16_t class_id[2],
                     uint16_t type)
{
    for (int side = 0; side < 2; side++) {
        uint16_t bit = bit_of(c, entry, side, type);
        struct steer_choice *choice = &c->choice[side];
        c->statics[side] = bit != 0 ? NULL : find_statics(entry->node[side], type);
        if (bit == 0) {
            choice->count = choice->part_count = 0;
            choice->source = STEER_FROM_NODATA;
            continue;
        }
        const struct steer_ask ask = {
            .now_ms = (uint64_t)c->compare->wall_ms[side], .class_id = class_id[side], .types = bit};
        steer_evaluate(compare_policy(c, entry, side), ask, c->compare->view[side]->table, choice, NULL);
    }
}

static enum kind kind_of(const struct comparing *c, int side)
{
    const struct steer_choice *choice = &c->choice[side];
    return c->statics[side] != NULL                ? KIND_ZONE_FILE
           : choice->count != 0                    ? KIND_MEMBERS
           : choice->source == STEER_FROM_STATIC   ? KIND_ZONE_FILE
           : choice->source == STEER_FROM_SERVFAIL ? KIND_SERVFAIL
                                                   : KIND_NODATA;
}

/* Does any endpoint get another share? */
static bool shares_move(struct comparing *c, const struct compare_entry *entry)
{
    bool moved = false;
    for (int side = 0; side < 2; side++) {
        const struct steer_policy *policy = compare_policy(c, entry, side);
        operate_find_shares(policy, &c->choice[side], c->shares);
        for (size_t i = 0; i < c->choice[side].count; i++) {
            c->share[side][compare_number(c, policy, c->choice[side].members[i], side)] += c->shares[i];
        }
    }
    for (int side = 0; side < 2; side++) {
        const struct steer_policy *policy = compare_policy(c, entry, side);
        for (size_t i = 0; i < c->choice[side].count; i++) {
            uint32_t number = compare_number(c, policy, c->choice[side].members[i], side);
            moved |= fabs(c->share[0][number] - c->share[1][number]) > SAME_SHARE;
            c->share[0][number] = c->share[1][number] = 0; /* one that both have was looked at */
        }
    }
    return moved;
}

/* Is the address among those of a block of static ones? */
static bool has_address(const struct zone *zone, const struct zone_rrset *rrset, const struct addr *addr)
{
    size_t len = addr_len(addr);
    const uint8_t *record = zone->blob + rrset->block;
    for (unsigned i = 0; i < rrset->count; i++, record += RECORD_FIXED + len) {
        if (memcmp(record + RECORD_FIXED, addr->bytes, len) == 0) {
            return true;
        }
    }
    return false;
}

/* One side has members, the other one records of the zone file: do these bring clients to the same places? */
static bool is_same_as_statics(struct comparing *c, const struct compare_entry *entry, int steered,
                               uint16_t type)
{
    const struct zone_rrset *rrset = c->statics[1 - steered];
    const struct steer_policy *policy = compare_policy(c, entry, steered);
    const struct steer_choice *choice = &c->choice[steered];
    const struct conf_endpoint *endpoints = c->compare->view[steered]->topology->endpoints;
    if (rrset == NULL || rrset->type != type || (type != DNS_TYPE_A && type != DNS_TYPE_AAAA) ||
        choice->count != rrset->count) {
        return false;
    }
    operate_find_shares(policy, choice, c->shares);
    for (size_t i = 0; i < choice->count; i++) {
        const struct steer_member *member = &policy->members[choice->members[i]];
        const struct conf_endpoint *endpoint = &endpoints[member->endpoint];
        const struct addr *addr = type == DNS_TYPE_A ? &endpoint->v4 : &endpoint->v6;
        if (member->is_alias || addr->family == ADDR_NONE ||
            !has_address(entry->zone[1 - steered], rrset, addr) ||
            fabs(c->shares[i] - 1.0 / (double)rrset->count) > SAME_SHARE) {
            return false;
        }
    }
    return true;
}

static bool moves(struct comparing *c, const struct compare_entry *entry, uint16_t type)
{
    enum kind before = kind_of(c, 0), after = kind_of(c, 1);
    if (before == KIND_MEMBERS && after == KIND_MEMBERS) {
        return shares_move(c, entry);
    }
    if (before == KIND_MEMBERS || after == KIND_MEMBERS) {
        return !is_same_as_statics(c, entry, before == KIND_MEMBERS ? 0 : 1, type);
    }
    return before != after;
}

static enum operate_severity judge(struct comparing *c, const struct compare_entry *entry, uint16_t type)
{
    bool served[2], falls_back[2];
    for (int side = 0; side < 2; side++) {
        uint16_t bit = bit_of(c, entry, side, type);
        served[side] = c->statics[side] != NULL ||
                       (bit != 0 && operate_is_served(compare_policy(c, entry, side), &c->choice[side],
                                                      c->compare->view[side]->table, steer_get_family(bit)));
        falls_back[side] = bit != 0 && c->choice[side].source != STEER_FROM_TIER;
    }
    if (served[0] && !served[1]) {
        return OPERATE_UNSERVED;
    }
    bool is_left = served[0] && !falls_back[0] && falls_back[1];
    return is_left ? OPERATE_FALLBACK : moves(c, entry, type) ? OPERATE_MOVED : OPERATE_UNCHANGED;
}

static void add_row(struct comparing *c, const struct compare_row *row)
{
    c->rows = memory_grow(c->rows, c->row_count, &c->row_capacity, sizeof *c->rows);
    c->rows[c->row_count++] = *row;
}

/* A row for each severity that some type has, and for each kind of answer: so what is told of its first type
 * is true of all. */
static void compare_class(struct comparing *c, uint32_t entry_at, const uint16_t class_id[2])
{
    const struct compare_entry *entry = &c->entries[entry_at];
    uint16_t types[COMPARE_TYPES_MAX];
    uint32_t found[(OPERATE_MOVED + 1) * KINDS * KINDS] = {0};
    unsigned count = compare_list_types(c, entry, types);
    for (unsigned i = 0; i < count; i++) {
        evaluate(c, entry, class_id, types[i]);
        enum operate_severity severity = judge(c, entry, types[i]);
        if (severity <= OPERATE_MOVED) {
            found[((unsigned)severity * KINDS + kind_of(c, 0)) * KINDS + kind_of(c, 1)] |= UINT32_C(1) << i;
        }
    }
    for (unsigned i = 0; i < sizeof found / sizeof *found; i++) {
        if (found[i] != 0) {
            add_row(c, &(struct compare_row){.entry = entry_at,
                                             .types = found[i],
                                             .class_id = {class_id[0], class_id[1]},
                                             .severity = (uint8_t)(i / (KINDS * KINDS))});
        }
    }
}

static bool has_class(const struct comparing *c, const struct compare_entry *entry, int side, uint16_t id)
{
    const struct steer_policy *policy = compare_policy(c, entry, side);
    return policy == NULL || id < policy->class_count;
}

void compare_answers(struct comparing *c, uint32_t entry_at)
{
    const struct compare_entry *entry = &c->entries[entry_at];
    size_t count;
    const uint16_t(*pairs)[2] = compare_find_pairs(c, entry, &count);
    for (size_t i = 0; i < count; i++) {
        if (has_class(c, entry, 0, pairs[i][0]) && has_class(c, entry, 1, pairs[i][1])) {
            compare_class(c, entry_at, pairs[i]);
        }
    }
}

/* ---- telling ---- */

static int compare_rows(const void *left, const void *right, void *context)
{
    const struct compare_entry *entries = context;
    const struct compare_row *a = left, *b = right;
    uint32_t as[] = {a->severity,    UINT32_MAX - entries[a->entry].count,
                     a->entry,       a->class_id[1],
                     a->class_id[0], a->types};
    uint32_t bs[] = {b->severity,    UINT32_MAX - entries[b->entry].count,
                     b->entry,       b->class_id[1],
                     b->class_id[0], b->types};
    for (size_t i = 0; i < sizeof as / sizeof *as; i++) {
        if (as[i] != bs[i]) {
            return as[i] < bs[i] ? -1 : 1;
        }
    }
    return 0;
}

static const char *describe(const struct comparing *c, const struct compare_row *row, int side, uint16_t type)
{
    char text[DNS_TYPE_TEXT_SIZE];
    const struct compare_entry *entry = &c->entries[row->entry];
    const struct steer_policy *policy = compare_policy(c, entry, side);
    if (c->statics[side] != NULL) {
        return "static records";
    }
    if (policy == NULL || bit_of(c, entry, side, type) == 0) {
        return "no records";
    }
    return operate_describe_choice(&policy->classes[row->class_id[side]], &c->choice[side],
                                   dns_write_type(type, text), c->arena);
}

static void tell_class(struct comparing *c, const struct compare_row *row, struct operate_move *move)
{
    const char *labels[2];
    for (int side = 0; side < 2; side++) {
        const struct steer_policy *policy = compare_policy(c, &c->entries[row->entry], side);
        labels[side] = policy == NULL ? NULL : policy->classes[row->class_id[side]].label;
    }
    const char *after = labels[1] == NULL ? labels[0] : labels[1];
    move->class_label = arena_copy_text(c->arena, after);
    if (labels[0] != NULL && strcmp(labels[0], after) != 0) {
        move->class_before = arena_copy_text(c->arena, labels[0]);
    }
}

static void tell_move(struct comparing *c, const struct compare_row *row, struct operate_move *move)
{
    const struct compare_entry *entry = &c->entries[row->entry];
    uint16_t types[COMPARE_TYPES_MAX];
    unsigned count = compare_list_types(c, entry, types), listed = 0;
    char text[DNS_TYPE_TEXT_SIZE];
    *move = (struct operate_move){.name = arena_copy_text(c->arena, entry->owner),
                                  .name_count = entry->count,
                                  .severity = (enum operate_severity)row->severity};
    tell_class(c, row, move);
    for (unsigned i = 0; i < count && listed + 1 < OPERATE_ROW_TYPES; i++) {
        if ((row->types >> i & 1) != 0) {
            move->types[listed++] = arena_copy_text(c->arena, dns_write_type(types[i], text));
        }
    }
    uint16_t first = types[__builtin_ctz(row->types)];
    evaluate(c, entry, row->class_id, first);
    move->before = describe(c, row, 0, first);
    move->after = describe(c, row, 1, first);
}

void compare_tell_moves(struct comparing *c)
{
    struct operate_comparison *to = c->comparison;
    size_t limit = c->compare->limit;
    if (c->row_count != 0) {
        qsort_r(c->rows, c->row_count, sizeof *c->rows, compare_rows, c->entries);
    }
    to->move_total = c->row_count;
    to->moves = arena_alloc(c->arena, limit * sizeof *to->moves);
    for (size_t i = 0; i < c->row_count && i < limit; i++) {
        tell_move(c, &c->rows[i], &to->moves[to->move_count++]);
    }
    for (size_t i = 0; i < c->row_count; i++) { /* the worst row of an entry comes first */
        struct compare_entry *entry = &c->entries[c->rows[i].entry];
        to->names_moved[c->rows[i].severity] += entry->is_told ? 0 : entry->count;
        entry->is_told = true;
    }
}
