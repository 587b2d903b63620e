/* SPDX-License-Identifier: BSD-3-Clause
 *
 * See targets.h. One array of checks, one table by identity, one arena for what they send. */
#include "config.h"

#include "probe/targets.h"

#include "base/hash.h"
#include "base/memory.h"

#include <stdlib.h>
#include <string.h>

enum { SHORTEST_MS = 50, MS = 1000 };

static uint32_t at_least_shortest(uint32_t ms)
{
    return ms < SHORTEST_MS ? SHORTEST_MS : ms;
}

static uint32_t count_addresses(size_t count)
{
    return count < PROBE_ADDRESSES_MAX ? (uint32_t)count : PROBE_ADDRESSES_MAX;
}

static void set_addresses(struct check_turns *turns, const struct addr *addresses, size_t count)
{
    turns->address_count = count_addresses(count);
    if (turns->address_count != 0) {
        memcpy(turns->addresses, addresses, turns->address_count * sizeof *addresses);
    }
}

/* Of what differs between most of those that differ; is_same() decides. */
static uint64_t hash_content(const struct check *check)
{
    const struct check_ask *ask = check->ask;
    uint64_t hash =
        HASH_START ^ ((uint64_t)ask->type << 48 | (uint64_t)check->at.port << 32 | ask->timeout_ms);
    const struct check_turns *turns = check_get_own(check)->turns;
    hash = turns != NULL ? hash_bytes(hash, &turns->subject, sizeof turns->subject)
                         : hash_bytes(hash, &check->at.addr, sizeof check->at.addr);
    return hash_bytes(hash, ask->request, check_get_kept_len(ask));
}

static void init_check(struct check *check, const struct probe_target *target, struct arena *arena)
{
    struct check_ask ask;
    memset(&ask, 0, sizeof ask); /* with what lies between its members: equal ones are equal octets */
    ask.type = target->type;
    ask.interval_ms = at_least_shortest(target->interval_ms);
    ask.timeout_ms = at_least_shortest(target->timeout_ms);
    ask.recheck_ms = target->recheck_ms == 0 ? 0 : at_least_shortest(target->recheck_ms);
    ask.back_off_ms = target->back_off_ms;
    ask.proxy = target->proxy;
    *check = (struct check){.at = target->at, .is_first = target->is_first, .idle = target->idle};
    if (target->in_turn) {
        struct check_turns *turns = arena_alloc(arena, sizeof *turns);
        turns->subject = target->subject != 0 ? target->subject : target->identity;
        set_addresses(turns, target->addresses, target->address_count);
        check_make_own(check, arena)->turns = turns;
    }
    check_get_kind(target->type)->prepare(check, &ask, target, arena);
    check->ask = arena_share(arena, &ask, sizeof ask);
}

static bool goes_to_same(const struct check *a, const struct check *b)
{
    const struct check_turns *one = check_get_own(a)->turns, *other = check_get_own(b)->turns;
    return one == NULL || other == NULL ? one == other && addr_equal(&a->at.addr, &b->at.addr)
                                        : one->subject == other->subject;
}

static bool asks_same(const struct check_ask *a, const struct check_ask *b)
{
    return a == b ||
           (a->type == b->type && a->timeout_ms == b->timeout_ms && a->proxy == b->proxy &&
            a->request_len == b->request_len && a->host_len == b->host_len && a->host_at == b->host_at &&
            (a->request_len == 0 || memcmp(a->request, b->request, check_get_kept_len(a)) == 0));
}

static bool is_same(const struct check *a, const struct check *b)
{
    const struct check_kind *kind = check_get_kind(a->ask->type);
    return a->at.port == b->at.port && goes_to_same(a, b) && asks_same(a->ask, b->ask) &&
           (kind->is_same == NULL || kind->is_same(a, b));
}

static void drop_check(struct check *check)
{
    const struct check_kind *kind = check_get_kind(check->ask->type);
    if (kind->drop != NULL) {
        kind->drop(check);
    }
}

/* ---- which ask the same ---- */

/* Where the same one stands in the index, or has its place. */
static uint32_t *find_slot(const struct targets *targets, const struct check *wanted)
{
    size_t at = (size_t)hash_finish(hash_content(wanted)) & targets->index_mask;
    while (targets->index[at] != 0 && !is_same(&targets->checks[targets->index[at] - 1], wanted)) {
        at = (at + 1) & targets->index_mask;
    }
    return &targets->index[at];
}

static uint32_t least_given(uint32_t a, uint32_t b)
{
    return a == 0 || (b != 0 && b < a) ? b : a;
}

/* One more target asks for the same: the most eager of them decides. */
static void share(struct check *check, const struct check *more, struct arena *arena)
{
    struct check_ask ask;
    const struct check_ask *a = check->ask, *b = more->ask;
    memcpy(&ask, a, sizeof ask);
    ask.interval_ms = b->interval_ms < a->interval_ms ? b->interval_ms : a->interval_ms;
    ask.recheck_ms = least_given(a->recheck_ms, b->recheck_ms);
    ask.back_off_ms = b->back_off_ms < a->back_off_ms ? b->back_off_ms : a->back_off_ms;
    check->ask = arena_share(arena, &ask, sizeof ask);
    check->is_first |= more->is_first;
    check->idle &= more->idle;
}

static void add_target(struct targets *list, size_t target, const struct probe_target *what)
{
    struct check *check = &list->checks[list->count];
    init_check(check, what, list->requests);
    uint32_t *slot = find_slot(list, check);
    if (*slot == 0) {
        *slot = (uint32_t)++list->count;
    } else {
        share(&list->checks[*slot - 1], check, list->requests);
        drop_check(check);
    }
    list->check_of[target] = *slot - 1;
    list->checks[*slot - 1].member_count++;
}

static void fill_members(struct targets *list, const struct probe_target *targets)
{
    uint32_t first = 0;
    for (size_t i = 0; i < list->count; i++) {
        list->checks[i].first_member = first;
        first += list->checks[i].member_count;
        list->checks[i].member_count = 0;
    }
    for (size_t i = 0; i < list->member_count; i++) {
        struct check *check = &list->checks[list->check_of[i]];
        list->members[check->first_member + check->member_count++] = (uint32_t)i;
        list->identities[i] = targets[i].identity;
    }
}

static void list_eager(struct targets *list)
{
    size_t capacity = 0;
    for (size_t i = 0; i < list->count; i++) {
        if (check_get_kind(list->checks[i].ask->type)->is_news != NULL) {
            list->eager = memory_grow(list->eager, list->eager_count, &capacity, sizeof *list->eager);
            list->eager[list->eager_count++] = (uint32_t)i;
        }
    }
}

static void open_index(struct targets *list)
{
    size_t size = 4;
    while (size < list->member_count * 2) {
        size *= 2;
    }
    list->index = memory_alloc_array(size, sizeof *list->index);
    list->index_mask = size - 1;
}

struct targets *targets_new(uint64_t generation, const struct probe_target *targets, size_t count)
{
    struct targets *list = memory_alloc(sizeof *list);
    *list = (struct targets){
        .generation = generation,
        .checks = memory_alloc_array(count, sizeof *list->checks),
        .check_of = memory_alloc_array(count, sizeof *list->check_of),
        .members = memory_alloc_array(count, sizeof *list->members),
        .identities = memory_alloc_array(count, sizeof *list->identities),
        .member_count = count,
        .requests = arena_new(0),
    };
    open_index(list);
    for (size_t i = 0; i < count; i++) {
        add_target(list, i, &targets[i]);
    }
    fill_members(list, targets);
    list_eager(list);
    return list;
}

void targets_free(struct targets *targets)
{
    if (targets == NULL) {
        return;
    }
    for (size_t i = 0; i < targets->count; i++) {
        drop_check(&targets->checks[i]);
    }
    arena_free(targets->requests);
    free(targets->index);
    free(targets->eager);
    free(targets->members);
    free(targets->identities);
    free(targets->check_of);
    free(targets->checks);
    free(targets);
}

static bool has_addresses(const struct check_turns *turns, const struct addr *addresses, size_t count)
{
    return turns->address_count == count_addresses(count) &&
           (turns->address_count == 0 ||
            memcmp(turns->addresses, addresses, turns->address_count * sizeof *addresses) == 0);
}

void targets_forget_index(struct targets *targets)
{
    free(targets->index);
    targets->index = NULL;
}

struct check *targets_find_same(const struct targets *targets, const struct check *wanted)
{
    uint32_t at = *find_slot(targets, wanted);
    return at == 0 ? NULL : &targets->checks[at - 1];
}

void targets_carry(struct check *from, struct check *to, int64_t now_us)
{
    const struct check_kind *kind = check_get_kind(to->ask->type);
    to->schedule = from->schedule;
    to->next_us = schedule_hurry(&to->schedule, from->next_us, now_us, (int64_t)to->ask->interval_ms * MS);
    to->cause = from->cause;
    if (kind->carry != NULL) {
        kind->carry(from, to);
    }
    from->carried = true;
    struct check_turns *turns = check_get_own(to)->turns;
    const struct check_turns *were = turns == NULL ? NULL : from->own->turns;
    if (turns != NULL) {
        turns->turn = were->turn;
        to->at = from->at;
    }
    to->rest = from->rest;
    from->rest = NULL;
    if (to->rest != NULL) {
        to->rest->check = to;
    }
    bool is_of_use =
        !to->idle && (turns == NULL || has_addresses(were, turns->addresses, turns->address_count));
    if (from->flight != NULL && is_of_use) {
        to->flight = from->flight;
        to->flight->check = to;
        from->flight = NULL;
        if (kind->move != NULL) {
            kind->move(to->flight);
        }
    }
}

bool targets_take_aim(struct check *check, const struct probe_aim *aim)
{
    struct check_turns *turns = check_get_own(check)->turns;
    if (turns == NULL ||
        (check->idle == aim->idle && has_addresses(turns, aim->addresses, aim->address_count))) {
        return false;
    }
    set_addresses(turns, aim->addresses, aim->address_count);
    check->idle = aim->idle;
    return true;
}
