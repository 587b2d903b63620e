/* SPDX-License-Identifier: BSD-3-Clause
 *
 * What this node is to have, from the first question to the whole on the disk: first the manifest, which says
 * what the rest is, then the files. Both come in blocks of whoever has some (cluster/swarm.h). What turns out
 * to be no good is had again, of others. */
#include "config.h"

#include "daemon/porter_inside.h"

#include "base/clock.h"
#include "base/error.h"
#include "base/log.h"
#include "base/memory.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    TRIES_MAX = 5,
    AGAIN_MS = 1000,
    YIELDS_MS = 5000,
    FOLLOW_MS = 2000, /* when nothing is on its way all are asked anew what they have */
    ALL = 100,
};

static struct fetch *find(const struct porter *porter, const char *id)
{
    struct fetch *fetch = TAILQ_FIRST(&porter->fetches);
    while (fetch != NULL && strcmp(fetch->id, id) != 0) {
        fetch = TAILQ_NEXT(fetch, link);
    }
    return fetch;
}

static const struct shelf *get_shelf(const struct fetch *fetch)
{
    return &fetch->ware->shelves[fetch->part];
}

/* ---- its end ---- */

static void let_go(struct fetch *fetch)
{
    swarm_free(fetch->swarm);
    fetch->swarm = NULL;
    if (fetch->ware != NULL) {
        ware_remove(fetch->ware);
        fetch->ware = NULL;
    }
}

static void fail(struct fetch *fetch, const char *why)
{
    let_go(fetch);
    fetch->status.is = PORTER_FAILED;
    snprintf(fetch->status.why, sizeof fetch->status.why, "%.*s", PORTER_WHY_SIZE - 1, why);
    log_error("bundle not fetched id=%.12s why=\"%s\"", fetch->id, why);
}

static void try_later(const struct porter *porter, struct fetch *fetch, const char *why)
{
    let_go(fetch);
    fetch->again_ms = clock_now_ms(porter->options.clock) + AGAIN_MS;
    snprintf(fetch->status.why, sizeof fetch->status.why, "%.*s", PORTER_WHY_SIZE - 1, why);
}

/* What came is no good. */
static void try_again(const struct porter *porter, struct fetch *fetch, const char *why)
{
    log_warning("bundle comes damaged id=%.12s why=\"%s\"", fetch->id, why);
    fetch->tries++;
    fetch->turn++;
    if (fetch->tries < TRIES_MAX) {
        try_later(porter, fetch, why);
    } else {
        fail(fetch, why);
    }
}

static void note_here(struct fetch *fetch)
{
    swarm_free(fetch->swarm);
    fetch->swarm = NULL;
    fetch->ware = NULL; /* it is there for others */
    fetch->status.is = PORTER_HERE;
    fetch->status.percent = ALL;
    fetch->status.why[0] = '\0';
}

/* ---- who is linked ---- */

static bool may_ask(const struct porter *porter, const struct fetch *fetch, unsigned number)
{
    return porter->neighbours[number].is_up &&
           (fetch->part != FLEET_MANIFEST || fetch->only == -1 || fetch->only == (int)number);
}

static void ask(const struct porter *porter, const struct fetch *fetch, unsigned number,
                const struct fleet_bulk *bulk)
{
    const struct neighbour *of = &porter->neighbours[number];
    struct fleet_message want = {.kind = FLEET_WANT, .bulk = *bulk};
    want.bulk.bundle = fetch->id;
    want.bulk.part = fetch->part;
    porter->options.ways.ask(porter->options.ways.context, of->name, of->connection, &want);
}

/* What have you, and what will you have? */
static void follow(const struct porter *porter, const struct fetch *fetch, unsigned number)
{
    if (may_ask(porter, fetch, number)) {
        ask(porter, fetch, number, &(struct fleet_bulk){.count = 0});
    }
}

static void follow_all(const struct porter *porter, struct fetch *fetch)
{
    fetch->followed_ms = clock_now_ms(porter->options.clock);
    for (unsigned i = 0; i < SWARM_PEERS_MAX; i++) {
        follow(porter, fetch, i);
    }
}

/* All who are linked; nobody has anything yet. */
static void open_swarm(struct porter *porter, struct fetch *fetch)
{
    swarm_free(fetch->swarm);
    fetch->swarm = swarm_new(get_shelf(fetch)->blocks, random_next(&porter->random));
    for (unsigned i = 0; i < SWARM_PEERS_MAX; i++) {
        if (may_ask(porter, fetch, i)) {
            swarm_come(fetch->swarm, i);
        }
    }
}

static void leave(struct porter *porter, unsigned number)
{
    struct fetch *fetch;
    porter->neighbours[number].is_up = false;
    for (fetch = TAILQ_FIRST(&porter->fetches); fetch != NULL; fetch = TAILQ_NEXT(fetch, link)) {
        if (fetch->swarm != NULL) {
            swarm_leave(fetch->swarm, number);
        }
    }
}

static void come(struct porter *porter, unsigned number, const char *node, uint64_t connection)
{
    struct fetch *fetch;
    struct neighbour *neighbour = &porter->neighbours[number];
    *neighbour = (struct neighbour){.is_up = true, .connection = connection};
    snprintf(neighbour->name, sizeof neighbour->name, "%s", node);
    for (fetch = TAILQ_FIRST(&porter->fetches); fetch != NULL; fetch = TAILQ_NEXT(fetch, link)) {
        if (fetch->ware != NULL && may_ask(porter, fetch, number)) {
            if (fetch->swarm != NULL) {
                swarm_come(fetch->swarm, number);
            }
            follow(porter, fetch, number);
        }
    }
}

void fetch_hear_link(struct porter *porter, const char *node, uint64_t connection, bool is_up)
{
    int place = -1;
    for (unsigned i = 0; i < SWARM_PEERS_MAX; i++) {
        const struct neighbour *neighbour = &porter->neighbours[i];
        if (neighbour->is_up && strcmp(neighbour->name, node) == 0) {
            leave(porter, i);
        }
        place = place == -1 && !neighbour->is_up ? (int)i : place;
    }
    if (is_up && place != -1) {
        come(porter, (unsigned)place, node, connection);
    }
}

static int find_neighbour(const struct porter *porter, const char *node, uint64_t connection)
{
    for (int i = 0; i < SWARM_PEERS_MAX; i++) {
        const struct neighbour *neighbour = &porter->neighbours[i];
        if (neighbour->is_up && neighbour->connection == connection && strcmp(neighbour->name, node) == 0) {
            return i;
        }
    }
    return -1;
}

/* ---- from one part to the next ---- */

/* After a manifest that was none, one after the other is asked alone, and then all. */
static int choose_only(const struct porter *porter, const struct fetch *fetch)
{
    unsigned up[SWARM_PEERS_MAX] = {0}, count = 0;
    for (unsigned i = 0; i < SWARM_PEERS_MAX; i++) {
        if (porter->neighbours[i].is_up) {
            up[count++] = i;
        }
    }
    unsigned turn = fetch->turn == 0 ? count : (fetch->turn - 1) % (count + 1);
    return turn == count ? -1 : (int)up[turn];
}

static void start(struct porter *porter, struct fetch *fetch)
{
    struct ware *before = ware_peek(porter, fetch->id);
    if (ware_is_stored(porter, fetch->id)) {
        note_here(fetch);
        return;
    }
    if (before != NULL) { /* it was here once */
        ware_remove(before);
    }
    fetch->ware = ware_begin(porter, fetch->id);
    fetch->part = FLEET_MANIFEST;
    fetch->only = choose_only(porter, fetch);
    follow_all(porter, fetch);
}

static void note_percent(struct fetch *fetch)
{
    uint32_t blocks = swarm_count_blocks(fetch->swarm), missing = swarm_count_missing(fetch->swarm);
    bool is_stream = fetch->part == FLEET_STREAM && blocks != 0;
    fetch->status.percent = is_stream ? (unsigned)((uint64_t)(blocks - missing) * ALL / blocks) : 0;
}

static void begin_stream(struct porter *porter, struct fetch *fetch)
{
    struct ware *ware = fetch->ware;
    fetch->part = FLEET_STREAM;
    fetch->tries = fetch->turn = 0;
    fetch->status.size = bundle_part_get(ware->part)->size;
    ware_size(porter, ware, FLEET_STREAM, fetch->status.size);
    open_swarm(porter, fetch);
    for (uint32_t i = 0; i < ware->shelves[FLEET_STREAM].blocks; i++) {
        if (bundle_part_has(ware->part, i)) {
            swarm_set(fetch->swarm, i);
            ware_put(ware, FLEET_STREAM, i);
        }
    }
    note_percent(fetch);
    follow_all(porter, fetch);
}

static void end_manifest(struct porter *porter, struct fetch *fetch)
{
    char why[BUNDLE_WHY_SIZE];
    struct bundle *bundle;
    struct ware *ware = fetch->ware;
    size_t size = ware->shelves[FLEET_MANIFEST].size;
    int error = bundle_read((const char *)ware->manifest, size, &bundle, why);
    if (error == 0 && strcmp(bundle->id, fetch->id) != 0) {
        bundle_free(bundle);
        snprintf(why, sizeof why, "what came as its manifest has another name");
        error = ERROR_SYNTAX;
    }
    if (error != 0) {
        try_again(porter, fetch, why);
        return;
    }
    error = bundle_part_begin(porter->store, bundle, &porter->progress, &ware->part, why);
    if (error == 0) {
        begin_stream(porter, fetch);
    } else if (error == ERROR_BUSY || error == ERROR_CONFLICT || error == ERROR_CANCELLED) {
        try_later(porter, fetch, why); /* maybe it is here then */
    } else {
        fail(fetch, why);
    }
}

static void lose_damaged(struct porter *porter, struct fetch *fetch, const char *why)
{
    uint32_t lost = 0;
    fetch->tries++;
    for (uint32_t i = 0; i < get_shelf(fetch)->blocks; i++) {
        if (!bundle_part_has(fetch->ware->part, i)) {
            swarm_lose(fetch->swarm, i, fetch->tries);
            lost++;
        }
    }
    porter_count(porter, &porter->stats.damaged, lost);
    ware_recount(porter, fetch->ware, FLEET_STREAM);
    fetch->status.is = PORTER_FETCHING;
    log_warning("bundle comes damaged id=%.12s blocks=%" PRIu32 " why=\"%s\"", fetch->id, lost, why);
    if (fetch->tries >= TRIES_MAX) {
        fail(fetch, why);
    }
}

static void end_stream(struct porter *porter, struct fetch *fetch)
{
    char why[BUNDLE_WHY_SIZE];
    fetch->status.is = PORTER_VERIFYING;
    fetch->status.percent = ALL;
    fetch->status.why[0] = '\0';
    fetch_show(porter);
    int error = bundle_part_end(fetch->ware->part, why);
    if (error == 0) {
        ware_settle(porter, fetch->ware);
        note_here(fetch);
        log_info("bundle fetched id=%.12s octets=%" PRIu64, fetch->id, fetch->status.size);
    } else if (error == ERROR_SYNTAX) {
        lose_damaged(porter, fetch, why);
    } else if (error == ERROR_CANCELLED) {
        try_later(porter, fetch, why);
        fetch->status.is = PORTER_FETCHING;
    } else {
        fail(fetch, why);
    }
}

/* ---- what is heard ---- */

/* The first one who says how long it is is believed; whether that was right the whole shows. */
static void hear_size(struct porter *porter, struct fetch *fetch, uint64_t size)
{
    if (fetch->swarm == NULL && fetch->part == FLEET_MANIFEST && size != 0 && size <= BUNDLE_MANIFEST_MAX) {
        ware_size(porter, fetch->ware, FLEET_MANIFEST, size);
        open_swarm(porter, fetch);
    }
}

static void hear_has(struct porter *porter, struct fetch *fetch, unsigned number,
                     const struct fleet_bulk *bulk)
{
    hear_size(porter, fetch, bulk->size);
    if (fetch->swarm == NULL || bulk->size != get_shelf(fetch)->size) {
        return;
    }
    if (bulk->is_anew) {
        swarm_hear_anew(fetch->swarm, number);
    }
    for (size_t i = 0; i < bulk->count; i++) {
        swarm_hear_has(fetch->swarm, number, bulk->items[i].first, bulk->items[i].count);
    }
}

static void hear_none(const struct porter *porter, const struct fetch *fetch, unsigned number,
                      const struct fleet_bulk *bulk)
{
    int64_t now_ms = clock_now_ms(porter->options.clock);
    for (size_t i = 0; i < bulk->count && fetch->swarm != NULL; i++) {
        const struct fleet_blocks *blocks = &bulk->items[i];
        for (uint32_t k = 0; k < blocks->count; k++) {
            swarm_hear_none(fetch->swarm, number, blocks->first + k, bulk->is_gone, now_ms);
        }
    }
}

/* 0, or why it cannot be kept. */
static int keep(const struct fetch *fetch, const struct mail *mail, char why[BUNDLE_WHY_SIZE])
{
    const struct fleet_piece *piece = &mail->message.piece;
    if (fetch->part == FLEET_STREAM) {
        return bundle_part_put(fetch->ware->part, piece->number, mail->octets, piece->of, why);
    }
    memcpy(fetch->ware->manifest + (size_t)piece->number * BUNDLE_BLOCK_SIZE, mail->octets, piece->of);
    return 0;
}

static void hear_block(struct porter *porter, struct fetch *fetch, unsigned number, const struct mail *mail)
{
    char why[BUNDLE_WHY_SIZE];
    const struct fleet_piece *piece = &mail->message.piece;
    bool fits = fetch->swarm != NULL && piece->number < swarm_count_blocks(fetch->swarm) &&
                piece->of == bundle_block_len(get_shelf(fetch)->size, piece->number);
    int64_t now_ms = clock_now_ms(porter->options.clock);
    if (!fits || !swarm_hear_block(fetch->swarm, number, piece->number, now_ms)) {
        porter_count(porter, &porter->stats.damaged, 1);
        if (!fits && fetch->swarm != NULL) {
            swarm_hear_none(fetch->swarm, number, piece->number, true, now_ms);
        }
        return;
    }
    int error = keep(fetch, mail, why);
    if (error != 0) {
        fail(fetch, why);
        return;
    }
    ware_put(fetch->ware, fetch->part, piece->number);
    porter_count(porter, &porter->stats.got_octets, piece->of);
    note_percent(fetch);
}

void fetch_hear(struct porter *porter, const struct mail *mail)
{
    const struct fleet_message *message = &mail->message;
    bool is_block = message->kind == FLEET_BLOCK;
    enum fleet_part part = is_block ? message->piece.part : message->bulk.part;
    struct fetch *fetch = find(porter, mail->id);
    int number = find_neighbour(porter, mail->node, mail->connection);
    if (fetch == NULL || number == -1 || fetch->ware == NULL || fetch->part != part ||
        !may_ask(porter, fetch, (unsigned)number)) {
        return;
    }
    switch (message->kind) {
    case FLEET_HAS: hear_has(porter, fetch, (unsigned)number, &message->bulk); break;
    case FLEET_NONE: hear_none(porter, fetch, (unsigned)number, &message->bulk); break;
    default: hear_block(porter, fetch, (unsigned)number, mail); break;
    }
}

/* ---- going on ---- */

static bool is_linked(const struct porter *porter)
{
    bool is = false;
    for (unsigned i = 0; i < SWARM_PEERS_MAX; i++) {
        is = is || porter->neighbours[i].is_up;
    }
    return is;
}

/* Why it does not come on, if nothing is on its way. */
static void explain(const struct porter *porter, struct fetch *fetch)
{
    char *why = fetch->status.why;
    why[0] = '\0';
    if (!is_linked(porter)) {
        snprintf(why, PORTER_WHY_SIZE, "this node is linked with no other one");
    } else if (fetch->swarm == NULL) {
        snprintf(why, PORTER_WHY_SIZE, "no node that this one is linked with has any of it");
    } else if (swarm_count_unknown(fetch->swarm) != 0) {
        snprintf(why, PORTER_WHY_SIZE,
                 "%" PRIu32 " of %" PRIu32 " blocks are at no node that this one is linked with",
                 swarm_count_unknown(fetch->swarm), swarm_count_blocks(fetch->swarm));
    }
}

static int64_t ask_all(struct porter *porter, struct fetch *fetch, int64_t now_ms)
{
    struct swarm_ask wanted;
    if (fetch->swarm == NULL) {
        return INT64_MAX;
    }
    (void)swarm_follow_time(fetch->swarm, now_ms);
    bool is_anew = fetch->tries != 0 || fetch->turn != 0; /* not for want of another one to give it */
    while (swarm_next(fetch->swarm, now_ms, &wanted)) {
        const struct fleet_blocks blocks = {wanted.block, 1};
        ask(porter, fetch, wanted.peer,
            &(struct fleet_bulk){.items = &blocks, .count = 1, .scarce = wanted.scarce || is_anew});
    }
    return swarm_follow_time(fetch->swarm, now_ms);
}

/* Nothing is on its way. Who said how long the manifest is may not have it, or who is asked alone. */
static int64_t wait_idly(struct porter *porter, struct fetch *fetch, int64_t now_ms, int64_t when)
{
    explain(porter, fetch);
    bool is_due = now_ms - fetch->followed_ms >= FOLLOW_MS;
    if (is_due && fetch->part == FLEET_MANIFEST && (fetch->swarm != NULL || fetch->only != -1)) {
        fetch->turn++;
        let_go(fetch);
        start(porter, fetch);
    } else if (is_due) {
        follow_all(porter, fetch);
    }
    return when < fetch->followed_ms + FOLLOW_MS ? when : fetch->followed_ms + FOLLOW_MS;
}

static int64_t go_on(struct porter *porter, struct fetch *fetch, int64_t now_ms)
{
    if (porter->store == NULL) {
        return INT64_MAX;
    }
    if (fetch->ware == NULL) {
        if (now_ms < fetch->again_ms) {
            return fetch->again_ms;
        }
        start(porter, fetch);
    }
    if (fetch->swarm != NULL && swarm_count_missing(fetch->swarm) == 0) {
        (fetch->part == FLEET_MANIFEST ? end_manifest : end_stream)(porter, fetch);
        return now_ms;
    }
    int64_t when = ask_all(porter, fetch, now_ms);
    if (fetch->status.is != PORTER_FETCHING ||
        (fetch->swarm != NULL && swarm_count_asked(fetch->swarm) != 0)) {
        fetch->status.why[0] = '\0';
        return when;
    }
    return wait_idly(porter, fetch, now_ms, when);
}

int64_t fetch_go_on(struct porter *porter, int64_t now_ms)
{
    struct fetch *fetch;
    int64_t when = INT64_MAX;
    for (fetch = TAILQ_FIRST(&porter->fetches); fetch != NULL; fetch = TAILQ_NEXT(fetch, link)) {
        int64_t due = fetch->status.is == PORTER_FETCHING ? go_on(porter, fetch, now_ms) : INT64_MAX;
        when = due < when ? due : when;
    }
    return when;
}

/* ---- what is wanted ---- */

static void forget(struct porter *porter, struct fetch *fetch)
{
    let_go(fetch);
    TAILQ_REMOVE(&porter->fetches, fetch, link);
    free(fetch);
}

static void make_room(struct porter *porter)
{
    unsigned count = 0;
    struct fetch *fetch, *oldest = NULL;
    for (fetch = TAILQ_FIRST(&porter->fetches); fetch != NULL; fetch = TAILQ_NEXT(fetch, link)) {
        bool is_over = fetch->status.is == PORTER_HERE || fetch->status.is == PORTER_FAILED;
        oldest = oldest == NULL && is_over ? fetch : oldest;
        count++;
    }
    if (count == PORTER_FETCHES_MAX) {
        forget(porter, oldest != NULL ? oldest : TAILQ_FIRST(&porter->fetches));
    }
}

void fetch_begin(struct porter *porter, const char *id)
{
    struct fetch *fetch = find(porter, id);
    if (fetch != NULL && (fetch->status.is == PORTER_FETCHING || fetch->status.is == PORTER_VERIFYING ||
                          (fetch->status.is == PORTER_HERE && ware_is_stored(porter, id)))) {
        return;
    }
    if (fetch == NULL) {
        make_room(porter);
        fetch = memory_alloc(sizeof *fetch);
        snprintf(fetch->id, sizeof fetch->id, "%s", id);
        TAILQ_INSERT_TAIL(&porter->fetches, fetch, link);
    }
    fetch->status = (struct porter_status){.is = PORTER_FETCHING};
    fetch->tries = fetch->turn = 0;
    fetch->only = -1;
    fetch->again_ms = 0;
}

void fetch_drop(struct porter *porter, const char *id)
{
    struct fetch *fetch = find(porter, id);
    if (fetch != NULL) {
        forget(porter, fetch);
    }
}

void fetch_yield(struct porter *porter, const char *id)
{
    struct fetch *fetch = find(porter, id);
    bool is_stuck = fetch != NULL && fetch->status.is == PORTER_FETCHING && fetch->swarm != NULL &&
                    swarm_count_asked(fetch->swarm) == 0;
    if (is_stuck) {
        try_later(porter, fetch, "it is being brought here by somebody");
        fetch->again_ms += YIELDS_MS;
    }
}

void fetch_leave_all(struct porter *porter)
{
    struct fetch *fetch;
    for (fetch = TAILQ_FIRST(&porter->fetches); fetch != NULL; fetch = TAILQ_NEXT(fetch, link)) {
        fetch->ware = NULL;
        let_go(fetch);
        fetch->status.is = fetch->status.is == PORTER_FAILED ? PORTER_FAILED : PORTER_FETCHING;
    }
}

void fetch_free_all(struct porter *porter)
{
    struct fetch *next;
    for (struct fetch *fetch = TAILQ_FIRST(&porter->fetches); fetch != NULL; fetch = next) {
        next = TAILQ_NEXT(fetch, link);
        let_go(fetch);
        free(fetch);
    }
    TAILQ_INIT(&porter->fetches);
}
