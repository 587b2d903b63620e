/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Whose turn it is to change what all nodes share. A change has its turn from when it may be judged until it
 * was answered and what it wrote is written; then it waits for other nodes, while the next one is judged. */
#include "config.h"

#include "daemon/clustered_inside.h"

#include "daemon/server.h"
#include "base/error.h"
#include "base/memory.h"

#include <errno.h>
#include <stdlib.h>

enum {
    PATIENCE_MS = 5000, /* for the turn: others' orders take milliseconds, unless a node has died with it */
    EMERGENCY_MS = 200, /* of an emergency */
    WRITE_LEAST_MS = 1000, /* to write an entry */
    STORE_MS = 200,        /* for the store to have what etcd has not answered by then */
};

enum stage {
    WAITS,   /* for its turn */
    GOES,    /* and is judged, and carried out */
    STOPS,   /* it waits for something else, and what it wrote may be on its way yet */
    RESTS,   /* likewise, without the turn */
    WRITES,  /* it was answered, and what it wrote may be on its way yet */
    SPREADS, /* to other nodes */
    TELLS,   /* likewise, without etcd */
};

struct clustered_change {
    struct clustered_change *next; /* in the order in which they came */
    struct clustered *clustered;   /* NULL: it is no node any more */
    enum stage stage;
    bool is_emergency, has_turn;
    uint64_t number;
    uint64_t turn; /* number of the request for it */
    /* what it has sent: */
    size_t writing, open; /* jobs on their way, and such of which etcd has not said what became of them */
    uint64_t seq;         /* of its last entry; 0: it has none yet */
    bool is_pended, is_refused, is_unknown;
    uint64_t mark;    /* of the last of it that became pending; 0: nobody else is told */
    uint64_t await;   /* number */
    int64_t until_ms; /* monotonic: then it is not waited for any more, */
    uint64_t seen; /* … unless something was written since (cluster_see()): a long order is many entries */
    admin_turn_fn *ready;
    admin_spread_fn *done; /* NULL: nobody asks */
    void *argument;        /* of either */
    struct admin_spread spread;
};

static void forget(struct clustered_change *change)
{
    struct clustered *clustered = change->clustered;
    struct clustered_change **at = clustered == NULL ? NULL : &clustered->changes;
    while (at != NULL && *at != change) {
        at = &(*at)->next;
    }
    if (at != NULL) {
        *at = change->next;
    }
    free(change);
}

static void give_turn(struct clustered_change *change)
{
    struct clustered *clustered = change->clustered;
    if (change->has_turn && clustered != NULL && clustered->cluster != NULL) {
        cluster_give_turn(clustered->cluster);
        clustered_poke(clustered);
    }
    change->has_turn = false;
}

/* ---- taking it ---- */

static const char *describe(int error, const struct cluster_status *status)
{
    return error == ERROR_CANCELLED ? "" : status->why == NULL ? "" : status->why;
}

static void begin(struct clustered_change *change, int error)
{
    struct cluster_status status = {.why = ""};
    struct clustered *clustered = change->clustered;
    if (clustered != NULL && clustered->cluster != NULL) {
        cluster_get_status(clustered->cluster, &status);
    }
    change->stage = GOES;
    change->turn = 0;
    change->has_turn = error == 0;
    bool goes_on = change->is_emergency && error != ERROR_CANCELLED;
    if (clustered != NULL) {
        clustered->handled = change;
    }
    change->ready(change->argument,
                  &(struct admin_turn){.error = goes_on ? 0 : error,
                                       .why = describe(error, &status),
                                       .node = status.turn_node == NULL ? "" : status.turn_node});
    if (clustered != NULL) {
        clustered->handled = NULL;
    }
}

static void on_turn(void *context, int error)
{
    begin(context, error);
}

void *clustered_begin_change(void *context, bool is_emergency, admin_turn_fn *ready, void *argument)
{
    struct clustered *clustered = ((const struct server *)context)->clustered;
    struct clustered_change *change = memory_alloc(sizeof *change);
    struct clustered_change **last = &clustered->changes;
    *change = (struct clustered_change){.clustered = clustered,
                                        .number = ++clustered->next_change,
                                        .is_emergency = is_emergency,
                                        .ready = ready,
                                        .argument = argument};
    while (*last != NULL) {
        last = &(*last)->next;
    }
    *last = change;
    change->turn =
        cluster_take_turn(clustered->cluster, is_emergency ? EMERGENCY_MS : PATIENCE_MS, on_turn, change);
    clustered_poke(clustered);
    return change;
}

/* ---- what is sent of it ---- */

/* NULL: it is over. */
static struct clustered_change *seek(const struct clustered *clustered, const void *wanted)
{
    struct clustered_change *change = clustered->changes;
    while (change != NULL && change != wanted) {
        change = change->next;
    }
    return change;
}

struct clustered_order clustered_find_order(const struct clustered *clustered,
                                            const struct durable_sender *sender)
{
    const void *wanted = sender->change == NULL ? clustered->handled : sender->change;
    const struct clustered_change *change = seek(clustered, wanted);
    struct clustered_order order = {.number = 0};
    if (change != NULL) {
        order = (struct clustered_order){
            .number = change->number, .is_emergency = change->is_emergency, .has_turn = change->has_turn};
    }
    return order;
}

/* NULL: it is nobody's, or was told already. */
static struct clustered_change *find(struct clustered *clustered, uint64_t number)
{
    struct clustered_change *change = clustered->changes;
    while (change != NULL && change->number != number) {
        change = change->next;
    }
    return change;
}

void clustered_begin_job(struct clustered *clustered, uint64_t order)
{
    struct clustered_change *change = find(clustered, order);
    clustered->writing++;
    if (change != NULL) {
        change->writing++;
        change->open++;
    }
}

void clustered_end_job(struct clustered *clustered, uint64_t order)
{
    struct clustered_change *change = find(clustered, order);
    clustered->writing--;
    if (change != NULL) {
        change->writing--;
    }
}

void clustered_note_known(struct clustered *clustered, uint64_t order)
{
    struct clustered_change *change = find(clustered, order);
    if (change != NULL) {
        change->open--;
    }
}

void clustered_note_fate(struct clustered *clustered, uint64_t order, enum clustered_fate fate,
                         uint64_t number)
{
    struct clustered_change *change = find(clustered, order);
    clustered->written += fate == CLUSTERED_WRITTEN;
    clustered->pended += fate == CLUSTERED_PENDED;
    if (change != NULL) {
        change->seq = fate == CLUSTERED_WRITTEN ? number : change->seq;
        change->mark = fate == CLUSTERED_PENDED ? number : change->mark;
        change->is_pended = change->is_pended || fate == CLUSTERED_PENDED;
        change->is_refused = change->is_refused || fate == CLUSTERED_REFUSED;
        change->is_unknown = change->is_unknown || fate == CLUSTERED_UNKNOWN;
    }
}

/* Is an emergency carried out now? */
static bool burns(const struct clustered *clustered)
{
    const struct clustered_change *change = clustered->changes;
    while (change != NULL && !(change->is_emergency && change->stage == GOES)) {
        change = change->next;
    }
    return change != NULL;
}

uint32_t clustered_find_deadline(const struct clustered *clustered, bool is_emergency)
{
    return is_emergency                              ? EMERGENCY_MS
           : clustered->deadline_ms > WRITE_LEAST_MS ? clustered->deadline_ms
                                                     : WRITE_LEAST_MS;
}

uint32_t clustered_find_patience(const struct clustered *clustered)
{
    return clustered_find_deadline(clustered, burns(clustered));
}

/* ---- ending it ---- */

static void tell(struct clustered_change *change)
{
    admin_spread_fn *done = change->done;
    change->done = NULL;
    done(change->argument, &change->spread);
    forget(change);
}

static void on_spread(void *context, const struct cluster_spread *spread)
{
    struct clustered_change *change = context;
    change->await = 0;
    change->spread.in_force_on = spread->in_force_on;
    change->spread.in_force_count = spread->in_force_count;
    change->spread.waiting_for = spread->waiting_for;
    change->spread.waiting_count = spread->waiting_count;
    tell(change);
}

static void look_at_fate(struct clustered_change *change)
{
    bool is_open = change->is_unknown || change->open != 0;
    change->spread.seq = change->seq;
    change->spread.is_provisional = change->is_pended || (change->is_emergency && is_open);
    change->spread.is_open = !change->is_emergency && is_open;
    change->spread.is_refused = !change->is_emergency && change->is_refused;
}

/* As far as it has come by now. */
static void tell_reach(struct clustered_change *change)
{
    struct clustered_reach reach;
    clustered_find_reach(change->clustered, change->mark, &reach);
    change->spread.in_force_on = reach.in_force_on;
    change->spread.in_force_count = reach.in_force_count;
    change->spread.waiting_for = reach.waiting_for;
    change->spread.waiting_count = reach.waiting_count;
    tell(change);
}

static bool is_reached(const struct clustered_change *change)
{
    struct clustered_reach reach;
    clustered_find_reach(change->clustered, change->mark, &reach);
    return reach.is_over;
}

/* What holds here goes to the nodes that are linked with this one. */
static void tell_directly(struct clustered_change *change)
{
    struct clustered *clustered = change->clustered;
    change->stage = TELLS;
    change->until_ms = clock_now_ms(&clustered->server->clock) + clustered->deadline_ms;
    clustered_poke(clustered);
}

static void spread(struct clustered_change *change)
{
    struct clustered *clustered = change->clustered;
    change->stage = SPREADS;
    give_turn(change);
    if (change->done == NULL) {
        forget(change);
        return;
    }
    look_at_fate(change);
    if (change->mark != 0 && clustered->cluster != NULL) {
        tell_directly(change);
        return;
    }
    if (change->seq == 0 || change->spread.is_refused || clustered->cluster == NULL) {
        tell(change);
        return;
    }
    change->await = cluster_await(clustered->cluster, change->spread.seq, clustered->acknowledge,
                                  clustered->deadline_ms, on_spread, change);
    clustered_poke(clustered);
}

static void rest(struct clustered_change *change)
{
    admin_spread_fn *rests = change->done;
    change->stage = RESTS;
    change->done = NULL;
    give_turn(change);
    look_at_fate(change);
    rests(change->argument, &change->spread);
}

static void wait_for_writes(struct clustered_change *change)
{
    const struct clustered *clustered = change->clustered;
    change->until_ms = clock_now_ms(&clustered->server->clock) +
                       clustered_find_deadline(clustered, change->is_emergency) + STORE_MS;
    change->seen = clustered->cluster == NULL ? 0 : cluster_see(clustered->cluster);
}

/* What it wrote is written, or is not waited for any more. */
static bool has_written(struct clustered_change *change, int64_t now_ms)
{
    const struct clustered *clustered = change->clustered;
    if (change->writing == 0 || change->until_ms > now_ms) {
        return change->writing == 0;
    }
    if (change->is_emergency || clustered->cluster == NULL ||
        cluster_see(clustered->cluster) == change->seen) {
        return true;
    }
    wait_for_writes(change);
    return false;
}

void clustered_changes_go_on(struct clustered *clustered)
{
    struct clustered_change *change = clustered->changes;
    int64_t now_ms = clock_now_ms(&clustered->server->clock);
    while (change != NULL) {
        struct clustered_change *next = change->next;
        bool waits = change->stage == WRITES || change->stage == STOPS;
        if (waits && has_written(change, now_ms)) {
            (change->stage == STOPS ? rest : spread)(change);
            next = clustered->changes; /* it may have begun something */
        } else if (change->stage == TELLS && (is_reached(change) || change->until_ms <= now_ms)) {
            tell_reach(change);
            next = clustered->changes;
        }
        change = next;
    }
}

/* ---- resting ---- */

void clustered_rest_change(struct clustered *clustered, const void *resting, admin_spread_fn *rests,
                           void *argument)
{
    struct clustered_change *change = seek(clustered, resting);
    if (change == NULL || change->stage != GOES) {
        rests(argument, &(struct admin_spread){.seq = 0});
        return;
    }
    change->stage = STOPS;
    change->done = rests;
    change->argument = argument;
    wait_for_writes(change);
    clustered_poke(clustered);
}

void clustered_resume_change(struct clustered *clustered, const void *resting, admin_turn_fn *ready,
                             void *argument)
{
    struct clustered_change *change = seek(clustered, resting);
    if (change == NULL || change->stage != RESTS) { /* of no cluster; or that is over */
        ready(argument,
              &(struct admin_turn){.error = resting == NULL ? 0 : ERROR_CANCELLED, .why = "", .node = ""});
        return;
    }
    change->stage = WAITS;
    change->ready = ready;
    change->argument = argument;
    change->turn = cluster_take_turn(clustered->cluster, PATIENCE_MS, on_turn, change);
    clustered_poke(clustered);
}

/* ---- the end ---- */

void clustered_end_change(void *ended, admin_spread_fn *done, void *argument)
{
    struct clustered_change *change = ended;
    struct clustered *clustered = change->clustered;
    if (change->stage == WAITS && clustered != NULL && clustered->cluster != NULL) {
        cluster_call_off_turn(clustered->cluster, change->turn);
    }
    if (done == NULL && (clustered == NULL || change->writing == 0)) {
        give_turn(change);
        forget(change);
        return;
    }
    change->done = done;
    change->argument = argument;
    change->stage = WRITES;
    if (clustered != NULL) {
        wait_for_writes(change);
    }
    if (clustered == NULL) {
        tell(change);
    } else {
        clustered_poke(clustered); /* never within this call */
    }
}

void clustered_drop_changes(struct clustered *clustered)
{
    while (clustered->changes != NULL) {
        struct clustered_change *change = clustered->changes;
        clustered->changes = change->next;
        change->clustered = NULL;
        change->has_turn = false;
        if (change->stage == WAITS) {
            begin(change, ERROR_CANCELLED);
        } else if (change->stage == STOPS) {
            rest(change);
        } else if (change->stage >= WRITES && change->done != NULL) {
            tell(change);
        } else if (change->stage >= WRITES) {
            free(change);
        }
    }
}
