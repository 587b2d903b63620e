/* SPDX-License-Identifier: BSD-3-Clause
 *
 * What other nodes ask for, and what they are told there is. Each has two messages on their way at most, so
 * what is read from the disk does not wait in memory for who is slow; one block for each in turn. */
#include "config.h"

#include "daemon/porter_inside.h"

#include "base/memory.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    ON_WAY_MAX = 2,
    SAY_MS = 100,   /* how old what others know may be */
    LOOK_MS = 1000, /* … and what we know of the store */
    RANGES_MAX = 2000,
};

static void give(struct porter *porter, unsigned number, const struct fleet_message *message, uint8_t *octets)
{
    struct asker *asker = &porter->askers[number];
    asker->on_way++;
    porter->options.ways.give(porter->options.ways.context, number, asker->connection, message, octets);
}

/* ---- what is asked ---- */

static struct asker *find_asker(struct porter *porter, const struct mail *mail)
{
    struct asker *asker = mail->number < ASKERS_MAX ? &porter->askers[mail->number] : NULL;
    if (asker != NULL && asker->connection != mail->connection) { /* it has forgotten what it asked before */
        *asker = (struct asker){.connection = mail->connection};
        porter->asker_count = mail->number < porter->asker_count ? porter->asker_count : mail->number + 1;
    }
    return asker;
}

static struct follow *find_follow(struct asker *asker, const char *id, enum fleet_part part)
{
    for (unsigned i = 0; i < asker->follow_count; i++) {
        struct follow *follow = &asker->follows[i];
        if (follow->part == part && strcmp(follow->id, id) == 0) {
            return follow;
        }
    }
    return NULL;
}

/* The oldest one goes: nobody says that it wants to hear no more. */
static void follow(struct asker *asker, const struct fleet_bulk *bulk)
{
    struct follow *follow = find_follow(asker, bulk->bundle, bulk->part);
    if (follow != NULL) {
        follow->epoch = 0; /* once more */
        return;
    }
    if (asker->follow_count == FOLLOWS_MAX) {
        memmove(asker->follows, asker->follows + 1, (FOLLOWS_MAX - 1) * sizeof *asker->follows);
        asker->follow_count--;
    }
    follow = &asker->follows[asker->follow_count++];
    *follow = (struct follow){.part = bulk->part};
    snprintf(follow->id, sizeof follow->id, "%s", bulk->bundle);
}

/* What is too much is asked for again, sometime. */
static void wish(struct asker *asker, const struct fleet_bulk *bulk, uint32_t block)
{
    if (asker->waiting < WISHES_MAX) {
        struct wish *wish = &asker->wishes[(asker->head + asker->waiting++) % WISHES_MAX];
        *wish = (struct wish){.part = bulk->part, .block = block, .scarce = bulk->scarce};
        snprintf(wish->id, sizeof wish->id, "%s", bulk->bundle);
    }
}

void give_hear_want(struct porter *porter, const struct mail *mail)
{
    const struct fleet_bulk *bulk = &mail->message.bulk;
    struct asker *asker = find_asker(porter, mail);
    if (asker == NULL) {
        return;
    }
    if (bulk->count == 0) {
        follow(asker, bulk);
        porter->said_ms = porter->looked_ms = 0; /* it is told at once */
    }
    for (size_t i = 0; i < bulk->count; i++) {
        for (uint32_t k = 0; k < bulk->items[i].count && asker->waiting < WISHES_MAX; k++) {
            wish(asker, bulk, bulk->items[i].first + k);
        }
    }
}

void give_hear_given(struct porter *porter, const struct mail *mail)
{
    struct asker *asker = mail->number < porter->asker_count ? &porter->askers[mail->number] : NULL;
    if (asker != NULL && asker->connection == mail->connection && asker->on_way > 0) {
        asker->on_way--;
    }
}

void give_hear_left(struct porter *porter, unsigned number)
{
    if (number < porter->asker_count) {
        porter->askers[number] = (struct asker){.connection = 0};
    }
}

/* ---- numbers of blocks ---- */

static int compare(const void *left, const void *right)
{
    uint32_t a = *(const uint32_t *)left, b = *(const uint32_t *)right;
    return a < b ? -1 : a > b;
}

/* Returns how many. */
static size_t make_ranges(uint32_t *blocks, size_t count, struct fleet_blocks ranges[RANGES_MAX])
{
    size_t made = 0;
    qsort(blocks, count, sizeof *blocks, compare);
    for (size_t i = 0; i < count; i++) {
        struct fleet_blocks *last = made == 0 ? NULL : &ranges[made - 1];
        if (last != NULL && last->first + last->count == blocks[i]) {
            last->count++;
        } else {
            ranges[made++] = (struct fleet_blocks){blocks[i], 1};
        }
    }
    return made;
}

/* ---- blocks ---- */

/* What it would be refused as well, and was not told of: RANGES_MAX - 1 at most. Returns how many. */
static size_t list_tired(struct porter *porter, unsigned number, const struct wish *wish, uint32_t *blocks)
{
    const struct ware *ware = ware_peek(porter, wish->id);
    struct follow *follow = find_follow(&porter->askers[number], wish->id, wish->part);
    if (ware == NULL || follow == NULL) {
        return 0;
    }
    const struct swarm_giver *giver = &ware->shelves[wish->part].giver;
    uint32_t from = follow->tired <= giver->tired_count ? follow->tired : 0, left = giver->tired_count - from;
    uint32_t taken = left < RANGES_MAX ? left : RANGES_MAX - 1;
    memcpy(blocks, giver->tired + from, taken * sizeof *blocks);
    follow->tired = from + taken;
    return taken;
}

static void refuse(struct porter *porter, unsigned number, const struct wish *wish, bool is_gone)
{
    struct fleet_blocks ranges[RANGES_MAX];
    uint32_t blocks[RANGES_MAX] = {wish->block};
    size_t count = 1 + (is_gone ? 0 : list_tired(porter, number, wish, blocks + 1));
    const struct fleet_message none = {.kind = FLEET_NONE,
                                       .bulk = {.bundle = wish->id,
                                                .part = wish->part,
                                                .items = ranges,
                                                .count = make_ranges(blocks, count, ranges),
                                                .is_gone = is_gone}};
    porter_count(porter, &porter->stats.refused, 1);
    give(porter, number, &none, NULL);
}

static void fulfil(struct porter *porter, unsigned number, const struct wish *wish, int64_t now_ms)
{
    size_t len = 0;
    struct ware *ware = ware_open(porter, wish->id);
    bool may =
        ware != NULL && swarm_giver_may(&ware->shelves[wish->part].giver, wish->block, wish->scarce, now_ms);
    uint8_t *octets = may ? ware_read(ware, wish->part, wish->block, &len) : NULL;
    if (octets == NULL) {
        refuse(porter, number, wish, ware == NULL || may);
        return;
    }
    const struct fleet_message block = {
        .kind = FLEET_BLOCK,
        .piece = {.bundle = wish->id, .part = wish->part, .number = wish->block, .of = (uint32_t)len}};
    porter_count(porter, &porter->stats.given_octets, len);
    give(porter, number, &block, octets);
}

/* False: there is nothing to do for it now. */
static bool fulfil_next(struct porter *porter, unsigned number, int64_t now_ms)
{
    struct asker *asker = &porter->askers[number];
    if (asker->waiting == 0 || asker->on_way >= ON_WAY_MAX) {
        return false;
    }
    struct wish wish = asker->wishes[asker->head];
    asker->head = (asker->head + 1) % WISHES_MAX;
    asker->waiting--;
    fulfil(porter, number, &wish, now_ms);
    return true;
}

/* ---- what there is ---- */

static void say(struct porter *porter, unsigned number, const struct follow *follow,
                const struct shelf *shelf, struct fleet_bulk *bulk)
{
    bulk->bundle = follow->id;
    bulk->part = follow->part;
    bulk->size = shelf->size;
    bulk->is_anew = follow->epoch != shelf->epoch && follow->epoch != 0;
    give(porter, number, &(struct fleet_message){.kind = FLEET_HAS, .bulk = *bulk}, NULL);
}

/* A line takes RANGES_MAX at most, and so many numbers are worth one. */
static void tell_some(struct porter *porter, unsigned number, struct follow *follow,
                      const struct shelf *shelf)
{
    struct fleet_blocks ranges[RANGES_MAX];
    struct fleet_bulk bulk = {.items = ranges};
    uint32_t from = follow->epoch == shelf->epoch ? follow->told : 0, left = shelf->count - from;
    uint32_t taken = left < RANGES_MAX ? left : (uint32_t)RANGES_MAX;
    uint32_t *blocks = memory_copy(shelf->log + from, taken * sizeof *blocks);
    bulk.count = make_ranges(blocks, taken, ranges);
    free(blocks);
    say(porter, number, follow, shelf, &bulk);
    follow->told = from + taken;
}

static void tell_whole(struct porter *porter, unsigned number, struct follow *follow,
                       const struct shelf *shelf)
{
    const struct fleet_blocks all = {0, shelf->blocks};
    struct fleet_bulk bulk = {.items = &all, .count = shelf->blocks == 0 ? 0 : 1};
    say(porter, number, follow, shelf, &bulk);
}

static bool has_news(const struct follow *follow, const struct shelf *shelf)
{
    return shelf->epoch != 0 &&
           (follow->epoch != shelf->epoch || (!shelf->is_whole && follow->told < shelf->count));
}

static void tell(struct porter *porter, unsigned number, struct follow *follow, const struct shelf *shelf)
{
    if (has_news(follow, shelf)) {
        (shelf->is_whole ? tell_whole : tell_some)(porter, number, follow, shelf);
        follow->epoch = shelf->epoch;
    }
}

/* Of what was never there it is looked in the store now and then. */
static void tell_asker(struct porter *porter, unsigned number, bool looks)
{
    struct asker *asker = &porter->askers[number];
    for (unsigned i = 0; i < asker->follow_count && asker->on_way < ON_WAY_MAX; i++) {
        struct follow *follow = &asker->follows[i];
        const struct ware *ware =
            looks && follow->epoch == 0 ? ware_open(porter, follow->id) : ware_peek(porter, follow->id);
        if (ware != NULL) {
            tell(porter, number, follow, &ware->shelves[follow->part]);
        }
    }
}

static void tell_all(struct porter *porter, int64_t now_ms)
{
    bool looks = now_ms - porter->looked_ms >= LOOK_MS;
    for (unsigned i = 0; i < porter->asker_count; i++) {
        tell_asker(porter, i, looks);
    }
    porter->said_ms = now_ms;
    porter->looked_ms = looks ? now_ms : porter->looked_ms;
    ware_forget_old(porter, now_ms);
}

/* When to tell: who waits for something that was never there is no hurry. */
static int64_t when_to_tell(struct porter *porter)
{
    int64_t when = INT64_MAX;
    for (unsigned i = 0; i < porter->asker_count; i++) {
        const struct asker *asker = &porter->askers[i];
        for (unsigned k = 0; k < asker->follow_count; k++) {
            const struct follow *follow = &asker->follows[k];
            const struct ware *ware = ware_peek(porter, follow->id);
            bool is_new = ware != NULL && has_news(follow, &ware->shelves[follow->part]);
            int64_t due = is_new               ? porter->said_ms + SAY_MS
                          : follow->epoch == 0 ? porter->looked_ms + LOOK_MS
                                               : INT64_MAX;
            when = due < when ? due : when;
        }
    }
    return when;
}

int64_t give_go_on(struct porter *porter, int64_t now_ms)
{
    bool more = false;
    if (now_ms >= when_to_tell(porter)) {
        tell_all(porter, now_ms);
    }
    for (unsigned i = 0; i < porter->asker_count; i++) {
        more = fulfil_next(porter, i, now_ms) || more;
    }
    return more ? now_ms : when_to_tell(porter);
}
