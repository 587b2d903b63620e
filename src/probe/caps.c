/* SPDX-License-Identifier: BSD-3-Clause
 *
 * See caps.h. The rate is one number: the time up to which it has been used (GCRA, as in ITU-T I.371). A
 * burst of a few milliseconds is let through, so that what is due within one tick of the engine can start
 * together. Addresses are in a chained table while something is under way to them. */
#include "config.h"

#include "probe/caps.h"

#include "base/hash.h"
#include "base/memory.h"
#include "probe/check.h"

#include <stdlib.h>

enum { SECOND_NS = 1000000000, US = 1000, BURST_US = 10000, CHAINS_AT_FIRST = 64, COMMANDS = 64 };

void caps_init(struct caps *caps)
{
    *caps = (struct caps){.paid_ns = INT64_MIN};
}

void caps_fini(struct caps *caps)
{
    (void)caps_take_all(caps);
    free(caps->chains);
    caps_init(caps);
}

/* ---- the rate ---- */

int64_t caps_find_start(const struct caps *caps, int64_t now_us)
{
    int64_t from_us = caps->limits.per_second == 0 ? INT64_MIN : caps->paid_ns / US - BURST_US;
    return from_us > now_us ? from_us : now_us;
}

void caps_spend(struct caps *caps, int64_t now_us)
{
    if (caps->limits.per_second != 0) {
        int64_t from_ns = caps->paid_ns > now_us * US ? caps->paid_ns : now_us * US;
        caps->paid_ns = from_ns + SECOND_NS / caps->limits.per_second;
    }
}

/* ---- addresses ---- */

static struct caps_address **find_chain(const struct caps *caps, const struct addr *addr)
{
    return &caps->chains[hash_finish(hash_bytes(HASH_START, addr, sizeof *addr)) & caps->mask];
}

static void grow(struct caps *caps)
{
    struct caps_address **before = caps->chains;
    size_t size = before == NULL ? 0 : caps->mask + 1;
    if (caps->count < size) {
        return;
    }
    caps->mask = (size == 0 ? CHAINS_AT_FIRST : size * 2) - 1;
    caps->chains = memory_alloc_array(caps->mask + 1, sizeof(struct caps_address *));
    for (size_t i = 0; i < size; i++) {
        for (struct caps_address *place = before[i], *next; place != NULL; place = next) {
            struct caps_address **chain = find_chain(caps, &place->addr);
            next = place->next;
            place->next = *chain;
            *chain = place;
        }
    }
    free(before);
}

static struct caps_address *get_address(struct caps *caps, const struct addr *addr)
{
    grow(caps);
    struct caps_address **chain = find_chain(caps, addr);
    for (struct caps_address *place = *chain; place != NULL; place = place->next) {
        if (addr_equal(&place->addr, addr)) {
            return place;
        }
    }
    struct caps_address *place = memory_alloc(sizeof *place);
    *place = (struct caps_address){.next = *chain, .addr = *addr};
    *chain = place;
    caps->count++;
    return place;
}

static void drop_unused(struct caps *caps, struct caps_address *place)
{
    if (place == &caps->commands || place->under_way != 0 || place->first != NULL) {
        return;
    }
    struct caps_address **at = find_chain(caps, &place->addr);
    while (*at != place) {
        at = &(*at)->next;
    }
    *at = place->next;
    caps->count--;
    free(place);
}

static void put_in_line(struct caps *caps, struct caps_address *place, struct check *check)
{
    check->behind = NULL;
    if (place->first == NULL) {
        place->first = check;
    } else {
        place->last->behind = check;
    }
    place->last = check;
    caps->waiting++;
}

bool caps_enter(struct caps *caps, const struct addr *addr, struct check *check, struct caps_address **place)
{
    *place = NULL;
    if (caps->limits.per_address == 0) {
        return true;
    }
    struct caps_address *found = get_address(caps, addr);
    if (found->under_way >= caps->limits.per_address) {
        put_in_line(caps, found, check);
        return false;
    }
    found->under_way++;
    *place = found;
    return true;
}

static uint32_t get_most_commands(const struct caps *caps)
{
    return caps->limits.commands == 0 ? COMMANDS : caps->limits.commands;
}

bool caps_enter_command(struct caps *caps, struct check *check, struct caps_address **place)
{
    *place = NULL;
    if (caps->commands.under_way >= get_most_commands(caps)) {
        put_in_line(caps, &caps->commands, check);
        return false;
    }
    caps->commands.under_way++;
    *place = &caps->commands;
    return true;
}

static struct check *take_first(struct caps *caps, struct caps_address *place)
{
    struct check *check = place->first;
    place->first = check->behind;
    check->behind = NULL;
    caps->waiting--;
    return check;
}

struct check *caps_leave(struct caps *caps, struct caps_address *place)
{
    if (place == NULL) {
        return NULL;
    }
    uint32_t most = place == &caps->commands ? get_most_commands(caps) : caps->limits.per_address;
    bool has_room = --place->under_way < most || most == 0;
    struct check *next = place->first == NULL || !has_room ? NULL : take_first(caps, place);
    drop_unused(caps, place);
    return next;
}

static void take_line(struct caps *caps, struct caps_address *place, struct check **all)
{
    while (place->first != NULL) {
        struct check *check = take_first(caps, place);
        check->behind = *all;
        *all = check;
    }
}

struct check *caps_take_all(struct caps *caps)
{
    struct check *all = NULL;
    take_line(caps, &caps->commands, &all);
    for (size_t i = 0; caps->waiting != 0 && i <= caps->mask; i++) {
        for (struct caps_address *place = caps->chains[i], *next; place != NULL; place = next) {
            next = place->next; /* it may be dropped */
            take_line(caps, place, &all);
            drop_unused(caps, place);
        }
    }
    return all;
}
