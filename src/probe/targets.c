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

static void set_addresses(struct check *check, const struct addr *addresses, size_t count)
{
    check->address_count = count_addresses(count);
    if (check->address_count != 0) {
        memcpy(check->addresses, addresses, check->address_count * sizeof *addresses);
    }
}

static void init_check(struct check *check, const struct probe_target *target, struct arena *arena)
{
    *check = (struct check){
        .at = target->at,
        .in_turn = target->in_turn,
        .is_first = target->is_first,
        .idle = target->idle,
        .type = target->type,
        .interval_ms = at_least_shortest(target->interval_ms),
        .timeout_ms = at_least_shortest(target->timeout_ms),
        .identity = target->identity,
        .status_low = target->status_low,
        .status_high = target->status_high,
    };
    if (target->in_turn) {
        check->addresses = arena_alloc(arena, PROBE_ADDRESSES_MAX * sizeof *check->addresses);
        set_addresses(check, target->addresses, target->address_count);
    }
    check_get_kind(target->type)->prepare(check, target, arena);
}

static size_t find_start(const struct targets *targets, uint64_t identity)
{
    return (size_t)hash_finish(identity) & targets->index_mask;
}

static void build_index(struct targets *targets)
{
    size_t size = 4;
    while (size < targets->count * 2) {
        size *= 2;
    }
    targets->index = memory_alloc_array(size, sizeof *targets->index);
    targets->index_mask = size - 1;
    for (size_t i = 0; i < targets->count; i++) {
        size_t at = find_start(targets, targets->checks[i].identity);
        while (targets->index[at] != 0) {
            at = (at + 1) & targets->index_mask;
        }
        targets->index[at] = (uint32_t)i + 1;
    }
}

struct targets *targets_new(uint64_t generation, const struct probe_target *targets, size_t count)
{
    struct targets *list = memory_alloc(sizeof *list);
    *list = (struct targets){
        .generation = generation,
        .checks = memory_alloc_array(count, sizeof *list->checks),
        .count = count,
        .requests = arena_new(0),
    };
    for (size_t i = 0; i < count; i++) {
        init_check(&list->checks[i], &targets[i], list->requests);
    }
    build_index(list);
    return list;
}

void targets_free(struct targets *targets)
{
    if (targets == NULL) {
        return;
    }
    arena_free(targets->requests);
    free(targets->index);
    free(targets->checks);
    free(targets);
}

static bool expects_same(const struct check *a, const struct check *b)
{
    return a->expect == NULL || b->expect == NULL
               ? a->expect == b->expect
               : a->expect->len == b->expect->len &&
                     memcmp(a->expect->octets, b->expect->octets, a->expect->len) == 0;
}

static bool is_same(const struct check *a, const struct check *b)
{
    return a->type == b->type && a->at.port == b->at.port && a->in_turn == b->in_turn &&
           (a->in_turn || addr_equal(&a->at.addr, &b->at.addr)) && a->request_len == b->request_len &&
           (a->request_len == 0 || memcmp(a->request, b->request, a->request_len) == 0) &&
           expects_same(a, b) &&
           (a->load == NULL ? b->load == NULL : b->load != NULL && strcmp(a->load, b->load) == 0);
}

static bool has_addresses(const struct check *check, const struct addr *addresses, size_t count)
{
    return check->address_count == count_addresses(count) &&
           (check->address_count == 0 ||
            memcmp(check->addresses, addresses, check->address_count * sizeof *addresses) == 0);
}

struct check *targets_find_same(const struct targets *targets, const struct check *wanted)
{
    for (size_t at = find_start(targets, wanted->identity); targets->index[at] != 0;
         at = (at + 1) & targets->index_mask) {
        struct check *found = &targets->checks[targets->index[at] - 1];
        if (found->identity == wanted->identity && !found->carried && is_same(found, wanted)) {
            return found;
        }
    }
    return NULL;
}

void targets_carry(struct check *from, struct check *to, int64_t now_us)
{
    /* A shorter interval counts from now on, not only after the long one has passed. */
    int64_t latest_us = now_us + (int64_t)to->interval_ms * MS;
    to->schedule = from->schedule;
    to->next_us = from->next_us < latest_us ? from->next_us : latest_us;
    to->cause = from->cause;
    from->carried = true;
    if (to->in_turn) {
        to->turn = from->turn;
        to->at = from->at;
    }
    bool is_of_use = !to->idle && has_addresses(from, to->addresses, to->address_count);
    if (from->flight != NULL && is_of_use) {
        to->flight = from->flight;
        to->flight->check = to;
        from->flight = NULL;
        if (to->flight->stage == FLIGHT_JUDGED) {
            load_scan_move(&to->flight->body.scan, to->load);
        }
    }
}

bool targets_take_aim(struct check *check, const struct probe_aim *aim)
{
    if (!check->in_turn ||
        (check->idle == aim->idle && has_addresses(check, aim->addresses, aim->address_count))) {
        return false;
    }
    set_addresses(check, aim->addresses, aim->address_count);
    check->idle = aim->idle;
    return true;
}
