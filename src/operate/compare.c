/* SPDX-License-Identifier: BSD-3-Clause
 *
 * See compare.h. Names are sorted in both views, so those that both have are found side by side; what they
 * are steered by is looked at once per pair of policies. */
#include "config.h"

#include "operate/compare_internal.h"

#include "base/memory.h"
#include "dns/types.h"
#include "operate/choice.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define SAME_SHARE 1e-6

enum { TYPES_MAX = 2 * STEER_TYPES_MAX };

/* Names that had the one policy and have the other one now. */
struct entry {
    uint32_t policy[2];
    uint16_t types[2];    /* bits of each policy */
    uint32_t name, count; /* name: the first one, of the view after */
};

/* What is told of a class in the end; again a few octets, since there may be many. */
struct row {
    uint32_t entry, types; /* types: bits of list_types() */
    uint16_t class_id[2];
    uint8_t severity;
};

struct comparing {
    const struct operate_compare *compare;
    struct arena *arena;
    struct operate_comparison *comparison;
    struct entry *entries;
    size_t entry_count, entry_capacity;
    uint32_t *slots; /* entries by hash: 1 + number, 0: none */
    size_t slot_count;
    uint32_t *same; /* of each endpoint after: the number of the same one before, or a number of its own */
    size_t union_count;
    double *share[2]; /* by those numbers; all 0 between two looks */
    double *shares;
    struct steer_choice choice[2];
    struct row *rows;
    size_t row_count, row_capacity;
};

static bool is_called_off(const struct comparing *c)
{
    return c->compare->report != NULL && report_is_cancelled(c->compare->report);
}

static const struct steer_policy *policy_of(const struct comparing *c, const struct entry *entry, int side)
{
    return steer_set_get(c->compare->view[side]->steer, entry->policy[side]);
}

static uint32_t number_of(const struct comparing *c, const struct steer_policy *policy, size_t member,
                          int side)
{
    uint32_t endpoint = policy->members[member].endpoint;
    return side == 0 ? endpoint : c->same[endpoint];
}

/* ---- endpoints ---- */

struct known {
    uint64_t key;
    const char *name;
    uint32_t number;
};

static uint64_t hash_bytes(uint64_t hash, const void *bytes, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        hash = (hash ^ ((const uint8_t *)bytes)[i]) * UINT64_C(0x100000001b3);
    }
    return hash;
}

static uint64_t key_of(const struct conf_endpoint *endpoint)
{
    uint64_t hash = UINT64_C(0xcbf29ce484222325);
    char text[ADDR_TEXT_SIZE];
    const struct addr *const addresses[] = {&endpoint->v4, &endpoint->v6};
    for (size_t i = 0; i < 2; i++) {
        const char *address = addresses[i]->family == ADDR_NONE ? "" : addr_write(addresses[i], text);
        hash = hash_bytes(hash, address, strlen(address) + 1);
    }
    return endpoint->host == NULL ? hash
                                  : hash_bytes(hash, endpoint->host->name, strlen(endpoint->host->name));
}

static int compare_known(const void *left, const void *right)
{
    const struct known *a = left, *b = right;
    int by_key = (a->key > b->key) - (a->key < b->key);
    return by_key != 0 ? by_key : strcmp(a->name, b->name);
}

/* Of several with the same addresses the one of the same name, else the first one. */
static const struct known *find_known(const struct known *known, size_t count, const struct known *wanted)
{
    size_t low = 0, high = count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (known[middle].key < wanted->key) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    for (size_t i = low; i < count && known[i].key == wanted->key; i++) {
        if (strcmp(known[i].name, wanted->name) == 0) {
            return &known[i];
        }
    }
    return low < count && known[low].key == wanted->key ? &known[low] : NULL;
}

static void match_endpoints(struct comparing *c)
{
    const struct conf_topology *before = c->compare->view[0]->topology,
                               *after = c->compare->view[1]->topology;
    size_t counts[] = {before == NULL ? 0 : before->endpoint_count,
                       after == NULL ? 0 : after->endpoint_count};
    struct known *known = memory_alloc_array(counts[0] + 1, sizeof *known);
    for (uint32_t i = 0; i < counts[0]; i++) {
        known[i] = (struct known){key_of(&before->endpoints[i]), before->endpoints[i].name, i};
    }
    qsort(known, counts[0], sizeof *known, compare_known);
    c->same = memory_alloc_array(counts[1] + 1, sizeof *c->same);
    c->union_count = counts[0] + counts[1];
    for (uint32_t i = 0; i < counts[1]; i++) {
        const struct known wanted = {.key = key_of(&after->endpoints[i]), .name = after->endpoints[i].name};
        const struct known *found = find_known(known, counts[0], &wanted);
        c->same[i] = found != NULL ? found->number : (uint32_t)(counts[0] + i);
    }
    free(known);
    for (int side = 0; side < 2; side++) {
        c->share[side] = memory_alloc_array(c->union_count + 1, sizeof **c->share);
    }
}

/* ---- pairs of policies ---- */

static size_t slot_of(const struct comparing *c, const uint32_t policy[2])
{
    uint64_t hash = hash_bytes(UINT64_C(0xcbf29ce484222325), policy, 2 * sizeof *policy);
    size_t at = (size_t)(hash ^ hash >> 32) & (c->slot_count - 1);
    for (; c->slots[at] != 0; at = (at + 1) & (c->slot_count - 1)) {
        const struct entry *entry = &c->entries[c->slots[at] - 1];
        if (entry->policy[0] == policy[0] && entry->policy[1] == policy[1]) {
            break;
        }
    }
    return at;
}

static void grow_slots(struct comparing *c)
{
    if (c->slots != NULL && c->entry_count < c->slot_count / 2) {
        return;
    }
    free(c->slots);
    c->slot_count = c->slot_count == 0 ? 1024 : 2 * c->slot_count;
    c->slots = memory_alloc_array(c->slot_count, sizeof *c->slots);
    for (size_t i = 0; i < c->entry_count; i++) {
        c->slots[slot_of(c, c->entries[i].policy)] = (uint32_t)i + 1;
    }
}

static void add_name(struct comparing *c, const struct view_name *before, const struct view_name *after)
{
    const uint32_t policy[2] = {before->policy, after->policy};
    grow_slots(c);
    size_t at = slot_of(c, policy);
    if (c->slots[at] == 0) {
        c->entries = memory_grow(c->entries, c->entry_count, &c->entry_capacity, sizeof *c->entries);
        c->entries[c->entry_count] = (struct entry){.policy = {policy[0], policy[1]},
                                                    .name = (uint32_t)(after - c->compare->view[1]->names)};
        c->slots[at] = (uint32_t)++c->entry_count;
    }
    struct entry *entry = &c->entries[c->slots[at] - 1];
    entry->count++;
    entry->types[0] |= before->types;
    entry->types[1] |= after->types;
}

static bool is_meant(const struct comparing *c, const struct view_name *name)
{
    return c->compare->zone == NULL || strcmp(name->zone, c->compare->zone) == 0;
}

static void list_entries(struct comparing *c)
{
    const struct view *before = c->compare->view[0], *after = c->compare->view[1];
    size_t i = 0, j = 0;
    while (i < before->name_count || j < after->name_count) {
        int order = i == before->name_count  ? 1
                    : j == after->name_count ? -1
                                             : strcmp(before->names[i].owner, after->names[j].owner);
        if (order == 0 && is_meant(c, &after->names[j])) {
            add_name(c, &before->names[i], &after->names[j]);
        }
        c->comparison->steered[0] += order <= 0 && is_meant(c, &before->names[i]);
        c->comparison->steered[1] += order >= 0 && is_meant(c, &after->names[j]);
        i += order <= 0;
        j += order >= 0;
    }
}

/* ---- members ---- */

static void note_member(struct comparing *c, struct operate_members *members, uint32_t endpoint, int side)
{
    if (members->count < OPERATE_MEMBERS_LISTED) {
        members->names[members->count++] =
            arena_copy_text(c->arena, c->compare->view[side]->topology->endpoints[endpoint].name);
    }
    members->total++;
}

/* Those of one side that the other one lacks. */
static void list_missing(struct comparing *c, const struct entry *entry, int side,
                         struct operate_members *members)
{
    const struct steer_policy *own = policy_of(c, entry, side), *other = policy_of(c, entry, 1 - side);
    double *marks = c->share[0];
    for (size_t i = 0; i < other->member_count; i++) {
        marks[number_of(c, other, i, 1 - side)] = 1;
    }
    for (size_t i = 0; i < own->member_count; i++) {
        if (marks[number_of(c, own, i, side)] == 0) {
            note_member(c, members, own->members[i].endpoint, side);
        }
    }
    for (size_t i = 0; i < other->member_count; i++) {
        marks[number_of(c, other, i, 1 - side)] = 0;
    }
}

static void compare_members(struct comparing *c, const struct entry *entry)
{
    struct operate_comparison *to = c->comparison;
    struct operate_membership membership = {.name_count = entry->count};
    struct arena *arena = c->arena;
    list_missing(c, entry, 1, &membership.gained);
    list_missing(c, entry, 0, &membership.lost);
    if (membership.gained.total + membership.lost.total == 0) {
        return;
    }
    to->gained += membership.gained.total * entry->count;
    to->lost += membership.lost.total * entry->count;
    if (to->membership_count < c->compare->limit) {
        membership.name = arena_copy_text(arena, c->compare->view[1]->names[entry->name].owner);
        to->memberships[to->membership_count++] = membership;
    }
    to->membership_total++;
}

/* ---- answers ---- */

/* DNS types that either side steers, in a fixed order. */
static unsigned list_types(const struct comparing *c, const struct entry *entry, uint16_t types[TYPES_MAX])
{
    unsigned count = 0;
    for (int side = 1; side >= 0; side--) {
        const struct steer_policy *policy = policy_of(c, entry, side);
        for (unsigned bit = 0; bit < policy->type_count; bit++) {
            bool is_new = (entry->types[side] >> bit & 1) != 0;
            for (unsigned i = 0; i < count; i++) {
                is_new &= types[i] != policy->types[bit];
            }
            if (is_new) {
                types[count++] = policy->types[bit];
            }
        }
    }
    return count;
}

static void evaluate(struct comparing *c, const struct entry *entry, const uint16_t class_id[2],
                     uint16_t type)
{
    for (int side = 0; side < 2; side++) {
        const struct steer_policy *policy = policy_of(c, entry, side);
        uint16_t bit = steer_find_type(policy, type) & entry->types[side];
        struct steer_choice *choice = &c->choice[side];
        if (bit == 0) {
            choice->count = choice->part_count = 0;
            choice->source = STEER_FROM_NODATA;
            continue;
        }
        const struct steer_ask ask = {
            .now_ms = (uint64_t)c->compare->wall_ms, .class_id = class_id[side], .types = bit};
        steer_evaluate(policy, ask, c->compare->view[side]->table, choice, NULL);
    }
}

/* Does any endpoint get another share? */
static bool moves(struct comparing *c, const struct entry *entry)
{
    bool moved = (c->choice[0].count == 0) != (c->choice[1].count == 0) ||
                 (c->choice[0].count == 0 && c->choice[0].source != c->choice[1].source);
    for (int side = 0; side < 2; side++) {
        const struct steer_policy *policy = policy_of(c, entry, side);
        operate_find_shares(policy, &c->choice[side], c->shares);
        for (size_t i = 0; i < c->choice[side].count; i++) {
            c->share[side][number_of(c, policy, c->choice[side].members[i], side)] += c->shares[i];
        }
    }
    for (int side = 0; side < 2; side++) {
        const struct steer_policy *policy = policy_of(c, entry, side);
        for (size_t i = 0; i < c->choice[side].count; i++) {
            uint32_t number = number_of(c, policy, c->choice[side].members[i], side);
            moved |= fabs(c->share[0][number] - c->share[1][number]) > SAME_SHARE;
            c->share[0][number] = c->share[1][number] = 0; /* one that both have was looked at */
        }
    }
    return moved;
}

static enum operate_severity judge(struct comparing *c, const struct entry *entry, uint16_t type)
{
    bool served[2];
    for (int side = 0; side < 2; side++) {
        const struct steer_policy *policy = policy_of(c, entry, side);
        served[side] = operate_is_served(policy, &c->choice[side], c->compare->view[side]->table,
                                         steer_get_family(steer_find_type(policy, type)));
    }
    if (served[0] && !served[1]) {
        return OPERATE_UNSERVED;
    }
    bool falls_back = c->choice[0].source == STEER_FROM_TIER && c->choice[1].source != STEER_FROM_TIER;
    return falls_back ? OPERATE_FALLBACK : moves(c, entry) ? OPERATE_MOVED : OPERATE_UNCHANGED;
}

/* A row for each severity that some type has. */
static void compare_class(struct comparing *c, uint32_t entry_at, const uint16_t class_id[2])
{
    const struct entry *entry = &c->entries[entry_at];
    uint16_t types[TYPES_MAX];
    uint32_t found[OPERATE_MOVED + 1] = {0};
    unsigned count = list_types(c, entry, types);
    for (unsigned i = 0; i < count; i++) {
        evaluate(c, entry, class_id, types[i]);
        enum operate_severity severity = judge(c, entry, types[i]);
        if (severity <= OPERATE_MOVED) {
            found[severity] |= UINT32_C(1) << i;
        }
    }
    for (unsigned severity = 0; severity <= OPERATE_MOVED; severity++) {
        if (found[severity] != 0) {
            c->rows = memory_grow(c->rows, c->row_count, &c->row_capacity, sizeof *c->rows);
            c->rows[c->row_count++] = (struct row){.entry = entry_at,
                                                   .types = found[severity],
                                                   .class_id = {class_id[0], class_id[1]},
                                                   .severity = (uint8_t)severity};
        }
    }
}

/* ---- classes ---- */

static int compare_labels(const void *left, const void *right, void *context)
{
    const struct steer_class *classes = context;
    return strcmp(classes[*(const uint16_t *)left].label, classes[*(const uint16_t *)right].label);
}

static uint16_t *sort_classes(const struct steer_policy *policy)
{
    uint16_t *sorted = memory_alloc_array(policy->class_count, sizeof *sorted);
    for (uint16_t i = 0; i < policy->class_count; i++) {
        sorted[i] = i;
    }
    qsort_r(sorted, policy->class_count, sizeof *sorted, compare_labels, (void *)(uintptr_t)policy->classes);
    return sorted;
}

static void compare_classes_by_label(struct comparing *c, uint32_t entry_at,
                                     const struct steer_policy *before, const struct steer_policy *after)
{
    uint16_t *sorted[2] = {sort_classes(before), sort_classes(after)};
    for (size_t i = 0, j = 0; i < before->class_count || j < after->class_count;) {
        int order = i == before->class_count ? 1
                    : j == after->class_count
                        ? -1
                        : strcmp(before->classes[sorted[0][i]].label, after->classes[sorted[1][j]].label);
        const uint16_t class_id[2] = {order > 0 ? 0 : sorted[0][i], order < 0 ? 0 : sorted[1][j]};
        compare_class(c, entry_at, class_id);
        i += order <= 0;
        j += order >= 0;
    }
    free(sorted[0]);
    free(sorted[1]);
}

static void compare_answers(struct comparing *c, uint32_t entry_at)
{
    const struct steer_policy *before = policy_of(c, &c->entries[entry_at], 0);
    const struct steer_policy *after = policy_of(c, &c->entries[entry_at], 1);
    bool alike = before->class_count == after->class_count;
    for (size_t i = 0; alike && i < before->class_count; i++) {
        alike = strcmp(before->classes[i].label, after->classes[i].label) == 0;
    }
    if (!alike) {
        compare_classes_by_label(c, entry_at, before, after);
    }
    for (uint16_t i = 0; alike && i < before->class_count; i++) {
        compare_class(c, entry_at, (const uint16_t[2]){i, i});
    }
}

/* ---- telling ---- */

static int compare_rows(const void *left, const void *right, void *context)
{
    const struct entry *entries = context;
    const struct row *a = left, *b = right;
    uint32_t as[] = {a->severity, UINT32_MAX - entries[a->entry].count, a->entry, a->class_id[1],
                     a->class_id[0]};
    uint32_t bs[] = {b->severity, UINT32_MAX - entries[b->entry].count, b->entry, b->class_id[1],
                     b->class_id[0]};
    for (size_t i = 0; i < sizeof as / sizeof *as; i++) {
        if (as[i] != bs[i]) {
            return as[i] < bs[i] ? -1 : 1;
        }
    }
    return 0;
}

static void tell_move(struct comparing *c, const struct row *row, struct operate_move *move)
{
    const struct entry *entry = &c->entries[row->entry];
    uint16_t types[TYPES_MAX];
    unsigned count = list_types(c, entry, types), listed = 0;
    const char *answers[2];
    char text[DNS_TYPE_TEXT_SIZE];
    *move = (struct operate_move){
        .name = arena_copy_text(c->arena, c->compare->view[1]->names[entry->name].owner),
        .name_count = entry->count,
        .class_label = arena_copy_text(c->arena, policy_of(c, entry, 1)->classes[row->class_id[1]].label),
        .severity = (enum operate_severity)row->severity};
    for (unsigned i = 0; i < count && listed + 1 < OPERATE_ROW_TYPES; i++) {
        if ((row->types >> i & 1) != 0) {
            move->types[listed++] = arena_copy_text(c->arena, dns_write_type(types[i], text));
        }
    }
    evaluate(c, entry, row->class_id, types[__builtin_ctz(row->types)]);
    for (int side = 0; side < 2; side++) {
        const struct steer_class *class = &policy_of(c, entry, side)->classes[row->class_id[side]];
        answers[side] = operate_describe_choice(class, &c->choice[side], move->types[0], c->arena);
    }
    move->before = answers[0];
    move->after = answers[1];
}

static void tell_moves(struct comparing *c)
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
        struct entry *entry = &c->entries[c->rows[i].entry];
        to->names_moved[c->rows[i].severity] +=
            entry->types[0] == 0 && entry->types[1] == 0 ? 0 : entry->count;
        entry->types[0] = entry->types[1] = 0;
    }
}

static void make_room(struct comparing *c)
{
    struct steer_room room = {.members = 0};
    for (size_t i = 0; i < c->entry_count; i++) {
        steer_widen_room(&room, policy_of(c, &c->entries[i], 0));
        steer_widen_room(&room, policy_of(c, &c->entries[i], 1));
    }
    for (int side = 0; side < 2; side++) {
        steer_choice_init(&c->choice[side], room, memory_alloc(steer_room_size(room)));
    }
    c->shares = memory_alloc_array(room.members + 1, sizeof *c->shares);
}

static void compare_steered(struct comparing *c)
{
    if (c->compare->view[0] == c->compare->view[1]) {
        return; /* no policy is another one */
    }
    list_entries(c);
    match_endpoints(c);
    make_room(c);
    c->comparison->memberships =
        arena_alloc(c->arena, c->compare->limit * sizeof *c->comparison->memberships);
    for (uint32_t i = 0; i < c->entry_count && !(i % 64 == 0 && is_called_off(c)); i++) {
        compare_members(c, &c->entries[i]);
        compare_answers(c, i);
    }
    tell_moves(c);
}

void operate_compare_views(const struct operate_compare *compare, struct arena *arena,
                           struct operate_comparison *comparison)
{
    struct comparing c = {.compare = compare, .arena = arena, .comparison = comparison};
    *comparison = (struct operate_comparison){.gained = 0};
    compare_zones(compare, arena, comparison);
    compare_steered(&c);
    compare_tell_story(arena, comparison);
    for (int side = 0; side < 2; side++) {
        free(c.share[side]);
        free(c.choice[side].parts); /* and all that lies behind */
    }
    free(c.shares);
    free(c.entries);
    free(c.slots);
    free(c.same);
    free(c.rows);
}
