/* SPDX-License-Identifier: BSD-3-Clause
 *
 * What is told to one other node: of each target of its list what our own checks say, by the identity that
 * both give to the same question. What others say, and so what a quorum makes of it, is not in it. What is
 * told is remembered by target, and asked of the health machine when there is room to tell it: there is no
 * queue of what is over. */
#include "config.h"

#include "daemon/peers_bulk.h"
#include "daemon/peers_inside.h"
#include "daemon/peers_orders.h"
#include "daemon/porter.h"
#include "daemon/serials.h"

#include "base/log.h"
#include "base/memory.h"
#include "daemon/server.h"
#include "daemon/targets.h"
#include "health/opinion.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* By index in its list. */
struct target {
    uint64_t identity;
    int64_t since_ms; /* monotonic: that it was told so */
    uint8_t told;     /* enum health_observed */
    bool waits;       /* in the queue */
    bool is_unknown;  /* nobody checks that here */
};

/* Of the identities, sorted. */
struct place {
    uint64_t identity;
    uint32_t index;
};

struct peer_list {
    uint64_t generation;
    uint64_t mark; /* what the other side knows it by; 0: it has not said */
    struct target *targets;
    struct place *places; /* once it is whole */
    uint32_t *queue;      /* those that may be another, each once: a ring */
    size_t count, room, unknown;
    size_t head, waiting;
    size_t swept; /* all behind this may be another, too */
    size_t next;  /* of the round of all */
};

struct peer_link {
    const struct peer_world *world;
    char name[CONF_NODE_NAME_MAX + 1];
    struct addr_port addresses[FLEET_PLACES_MAX];
    size_t address_count;
    uint8_t fingerprint[TLS_FINGERPRINT_SIZE];
    struct fleet_link *link;
    struct peer_list *list, *coming; /* NULL: none */
    uint64_t told_serials;           /* in this connection: serials.h */
    struct peer_block block;         /* that comes in it */
};

/* ---- lists ---- */

static struct peer_list *new_list(uint64_t generation, size_t count)
{
    struct peer_list *list = memory_alloc(sizeof *list);
    *list = (struct peer_list){.generation = generation,
                               .targets = memory_alloc_array(count, sizeof *list->targets),
                               .queue = memory_alloc_array(count, sizeof *list->queue),
                               .room = count};
    return list;
}

static void free_list(struct peer_list *list)
{
    if (list != NULL) {
        free(list->targets);
        free(list->places);
        free(list->queue);
        free(list);
    }
}

static int compare(const void *left, const void *right)
{
    const struct place *a = left, *b = right;
    return a->identity < b->identity ? -1 : a->identity > b->identity;
}

static struct target *find(const struct peer_list *list, uint64_t identity)
{
    const struct place key = {.identity = identity};
    const struct place *found =
        list == NULL ? NULL : bsearch(&key, list->places, list->count, sizeof key, compare);
    return found == NULL ? NULL : &list->targets[found->index];
}

static enum fleet_fit begin(void *context, uint64_t generation, uint32_t count, char *why)
{
    struct peer_link *link = context;
    if (count > FLEET_LIST_MAX) {
        snprintf(why, FLEET_WHY_SIZE, "found a list of %" PRIu32 " targets, expected %d at most", count,
                 FLEET_LIST_MAX);
        return FLEET_DECLINED;
    }
    link->coming = new_list(generation, count);
    return FLEET_FITS;
}

static enum fleet_fit keep(struct peer_list *coming, const struct peer_list *from,
                           const struct fleet_range *range, char *why)
{
    if (range->from > from->count || range->count > from->count - range->from ||
        range->count > coming->room - coming->count) {
        snprintf(why, FLEET_WHY_SIZE,
                 "it keeps %" PRIu32 " from %" PRIu32 " on, of %zu, where there is room for %zu",
                 range->count, range->from, from->count, coming->room - coming->count);
        return FLEET_WRONG;
    }
    for (uint32_t i = 0; i < range->count; i++) {
        coming->targets[coming->count++].identity = from->targets[range->from + i].identity;
    }
    return FLEET_FITS;
}

static enum fleet_fit keep_all(const struct peer_link *link, const struct fleet_message *message, char *why)
{
    enum fleet_fit fit = FLEET_FITS;
    for (size_t i = 0; i < message->keep.count && fit == FLEET_FITS; i++) {
        fit = keep(link->coming, link->list, &message->keep.items[i], why);
    }
    return fit;
}

/* How it is checked is our own configuration's to say: whether that asks the same is in the identity. */
static enum fleet_fit add(void *context, const struct fleet_message *message, char *why)
{
    struct peer_list *coming = ((struct peer_link *)context)->coming;
    if (message->kind == FLEET_CHECK) {
        return FLEET_FITS;
    }
    if (message->kind == FLEET_KEEP) {
        return keep_all(context, message, why);
    }
    if (message->targets.count > coming->room - coming->count) {
        snprintf(why, FLEET_WHY_SIZE, "found more than the %zu that were announced", coming->room);
        return FLEET_WRONG;
    }
    for (size_t i = 0; i < message->targets.count; i++) {
        coming->targets[coming->count++].identity = message->targets.items[i].identity;
    }
    return FLEET_FITS;
}

static void drop(void *context)
{
    struct peer_link *link = context;
    free_list(link->coming);
    link->coming = NULL;
}

static bool sort_out(struct peer_list *list, char *why)
{
    list->places = memory_alloc_array(list->count, sizeof *list->places);
    for (size_t i = 0; i < list->count; i++) {
        list->places[i] = (struct place){list->targets[i].identity, (uint32_t)i};
    }
    qsort(list->places, list->count, sizeof *list->places, compare);
    for (size_t i = 1; i < list->count; i++) {
        if (list->places[i].identity == list->places[i - 1].identity) {
            snprintf(why, FLEET_WHY_SIZE, "found two targets of the identity %016" PRIx64,
                     list->places[i].identity);
            return false;
        }
    }
    return true;
}

/* Since when it was told so goes on. */
static void carry(struct peer_list *to, const struct peer_list *from)
{
    for (size_t i = 0; i < to->count; i++) {
        const struct target *old = find(from, to->targets[i].identity);
        if (old != NULL) {
            to->targets[i].told = old->told;
            to->targets[i].since_ms = old->since_ms;
        }
    }
}

static bool take(void *context, char *why)
{
    struct peer_link *link = context;
    struct peer_list *coming = link->coming;
    if (coming->count != coming->room) {
        snprintf(why, FLEET_WHY_SIZE, "found %zu targets, expected the %zu that were announced",
                 coming->count, coming->room);
        return false;
    }
    if (!sort_out(coming, why)) {
        return false;
    }
    carry(coming, link->list);
    free_list(link->list);
    link->list = coming;
    link->coming = NULL;
    return true;
}

static bool get(void *context, uint64_t *generation)
{
    const struct peer_link *link = context;
    *generation = link->list == NULL ? 0 : link->list->generation;
    return link->list != NULL;
}

static const struct fleet_untaken *get_refused(void *context, size_t *count)
{
    (void)context;
    *count = 0;
    return NULL;
}

static uint64_t get_mark(void *context)
{
    const struct peer_link *link = context;
    return link->list == NULL ? 0 : link->list->mark;
}

static void set_mark(void *context, uint64_t mark)
{
    const struct peer_link *link = context;
    if (link->list != NULL) {
        link->list->mark = mark;
    }
}

static void rename_list(void *context, uint64_t generation)
{
    ((struct peer_link *)context)->list->generation = generation;
}

/* Which addresses are checked is what our own configuration and resolver say. */
static bool aim(void *context, const struct fleet_message *message, char *why)
{
    (void)context, (void)message, (void)why;
    return true;
}

/* ---- opinions: within the health lock ---- */

static ptrdiff_t find_monitor(const struct view *view, uint64_t identity)
{
    ptrdiff_t monitor = view_find_monitor(view, identity);
    return monitor != -1 ? monitor : targets_find_control(view, identity);
}

static struct fleet_opinion think(const struct peer_link *link, size_t index, int64_t now_ms)
{
    struct peer_list *list = link->list;
    struct target *target = &list->targets[index];
    const struct view *view = link->world->server->view;
    ptrdiff_t monitor = find_monitor(view, target->identity);
    struct health_opinion own = {.verdict = HEALTH_OBSERVED_UNKNOWN};
    if (monitor != -1) {
        own = health_get_own_opinion(view->health, (uint32_t)monitor);
    }
    list->unknown -= target->is_unknown;
    target->is_unknown = monitor == -1;
    list->unknown += target->is_unknown;
    if (target->since_ms == 0 || own.verdict != (enum health_observed)target->told) {
        target->since_ms = now_ms;
    }
    return (struct fleet_opinion){.index = (uint32_t)index,
                                  .verdict = own.verdict,
                                  .streak = own.streak,
                                  .outcome = own.outcome,
                                  .detail = own.detail,
                                  .duration_us = own.duration_us,
                                  .age_ms = now_ms - target->since_ms};
}

/* The next one that may be another. False: there is none. */
static bool next_change(struct peer_list *list, size_t *index)
{
    if (list->waiting != 0) {
        *index = list->queue[list->head];
        list->head = (list->head + 1) % list->count;
        list->waiting--;
        list->targets[*index].waits = false;
        return true;
    }
    if (list->swept < list->count) {
        *index = list->swept++;
        return true;
    }
    return false;
}

static bool has_changes(const struct peer_list *list)
{
    return list->waiting != 0 || list->swept < list->count;
}

/* Others have the lock in between; then the view may be another one. */
static void pass(struct server *server, size_t looked)
{
    if (looked % HEALTH_HEAR_MAX == 0) {
        lock_pass(&server->lock);
    }
}

static size_t take_changes(void *context, struct fleet_opinion *opinions, size_t max)
{
    struct peer_link *link = context;
    struct server *server = link->world->server;
    struct peer_list *list = link->list;
    size_t taken = 0, looked = 0, index;
    if (!has_changes(list)) {
        return 0;
    }
    int64_t now_ms = clock_now_ms(&server->clock);
    lock_take(&server->lock);
    while (taken < max && next_change(list, &index)) {
        opinions[taken] = think(link, index, now_ms);
        bool is_new = (uint8_t)opinions[taken].verdict != list->targets[index].told;
        list->targets[index].told = (uint8_t)opinions[taken].verdict;
        taken += is_new;
        pass(server, ++looked);
    }
    lock_leave(&server->lock);
    return taken;
}

static size_t take_next(void *context, struct fleet_opinion *opinions, size_t max, bool *ends)
{
    struct peer_link *link = context;
    struct server *server = link->world->server;
    struct peer_list *list = link->list;
    size_t taken = 0;
    int64_t now_ms = clock_now_ms(&server->clock);
    lock_take(&server->lock);
    health_follow_time(server->view->health, now_ms); /* what grows old does so in silence */
    while (taken < max && list->next < list->count) {
        opinions[taken] = think(link, list->next, now_ms);
        list->targets[list->next++].told = (uint8_t)opinions[taken++].verdict;
        pass(server, taken);
    }
    lock_leave(&server->lock);
    *ends = list->next == list->count;
    list->next = *ends ? 0 : list->next;
    return taken;
}

/* What stood in the queue is in the round that follows; what was told is kept, for its time. */
static void begin_anew(void *context)
{
    struct peer_list *list = ((struct peer_link *)context)->list;
    for (; list->waiting != 0; list->waiting--) {
        list->targets[list->queue[list->head]].waits = false;
        list->head = (list->head + 1) % list->count;
    }
    list->next = 0;
    list->swept = list->count;
}

static void hear_piece(struct peer_link *link, const struct fleet_piece *piece)
{
    struct fleet_message block;
    uint8_t *octets = peer_block_add(&link->block, piece, &block);
    if (octets != NULL) {
        porter_hear_block(link->world->server->porter, link->name, fleet_link_connection(link->link), &block,
                          octets);
    }
}

/* Limits and the time are ours; and who wants to see a check asks the node itself. What it says of an order
 * that it was told is for who told it. */
static void hear(void *context, const struct fleet_message *message)
{
    struct peer_link *link = context;
    if (message->kind == FLEET_HOLDS) {
        peer_orders_hear(link->world->orders, link->name, message->holds.mark, message->holds.why);
    } else if (message->kind == FLEET_HAS || message->kind == FLEET_NONE) {
        porter_hear(link->world->server->porter, link->name, fleet_link_connection(link->link), message);
    } else if (message->kind == FLEET_BLOCK) {
        hear_piece(link, &message->piece);
    } else if (message->kind == FLEET_RUN) {
        fleet_link_refuse_run(link->link, message->run.id,
                              "a node of the cluster makes its own checks only: ask it itself");
    }
}

/* ---- the link ---- */

static void find_place(void *context)
{
    const struct peer_link *link = context;
    fleet_link_found(link->link, link->addresses, link->address_count, "it does not say where it listens");
}

static void tell_orders(const struct peer_link *link)
{
    peer_orders_tell(link->world->orders, link->name, link->link, clock_now_ms(&link->world->server->clock));
}

static void on_connected(void *context)
{
    struct peer_link *link = context;
    log_info("node connected node=%s", link->name);
    link->told_serials = 0;
    porter_hear_link(link->world->server->porter, link->name, fleet_link_connection(link->link), true);
    tell_orders(link);
    serials_tell(link->world->server->serials, link->link, &link->told_serials);
}

static void lose(struct peer_link *link)
{
    peer_block_drop(&link->block);
    porter_hear_link(link->world->server->porter, link->name, 0, false);
}

static void on_ended(void *context, const struct fleet_link_end *end)
{
    struct peer_link *link = context;
    if (end->was_connected) {
        lose(link);
        log_warning("node lost node=%s why=\"%s\" again_in_ms=%" PRIu32, link->name, end->why, end->pause_ms);
    } else if (end->is_new) {
        log_warning("node not reached node=%s why=\"%s\" again_in_ms=%" PRIu32, link->name, end->why,
                    end->pause_ms);
    }
}

static void set_addresses(struct peer_link *link, const struct peer *peer)
{
    link->address_count =
        peer->address_count < FLEET_PLACES_MAX ? peer->address_count : (size_t)FLEET_PLACES_MAX;
    for (size_t i = 0; i < link->address_count; i++) {
        link->addresses[i] = peer->addresses[i];
    }
}

struct peer_link *peer_link_open(const struct peer_world *world, const struct peer *peer)
{
    struct peer_link *link = memory_alloc(sizeof *link);
    link->world = world;
    snprintf(link->name, sizeof link->name, "%s", peer->name);
    memcpy(link->fingerprint, peer->fingerprint, sizeof link->fingerprint);
    set_addresses(link, peer);
    struct fleet_link_plan plan = {
        .base = world->base,
        .clock = &world->server->clock,
        .context = world->context,
        .name = world->node,
        .run = world->run,
        .hooks = {.context = link, .find = find_place, .connected = on_connected, .ended = on_ended},
        .list = {.context = link,
                 .begin = begin,
                 .add = add,
                 .take = take,
                 .drop = drop,
                 .get = get,
                 .get_mark = get_mark,
                 .set_mark = set_mark,
                 .refused = get_refused,
                 .rename = rename_list,
                 .aim = aim,
                 .take_changes = take_changes,
                 .take_next = take_next,
                 .begin_anew = begin_anew,
                 .hear = hear}};
    memcpy(plan.fingerprint, peer->fingerprint, sizeof plan.fingerprint);
    link->link = fleet_link_open(&plan);
    if (link->link == NULL) {
        free(link);
        return NULL;
    }
    return link;
}

void peer_link_close(struct peer_link *link)
{
    lose(link);
    fleet_link_close(link->link);
    free_list(link->list);
    free_list(link->coming);
    free(link);
}

const char *peer_link_name(const struct peer_link *link)
{
    return link->name;
}

bool peer_link_adopt(struct peer_link *link, const struct peer *peer)
{
    if (strcmp(link->name, peer->name) != 0 || !peer->has_fingerprint ||
        memcmp(link->fingerprint, peer->fingerprint, sizeof link->fingerprint) != 0) {
        return false;
    }
    set_addresses(link, peer);
    return true;
}

void peer_link_note(struct peer_link *link, uint64_t identity)
{
    struct peer_list *list = link->list;
    struct target *target = find(list, identity);
    if (target != NULL && !target->waits) {
        target->waits = true;
        list->queue[(list->head + list->waiting++) % list->count] = (uint32_t)(target - list->targets);
    }
}

void peer_link_note_all(struct peer_link *link)
{
    if (link->list != NULL) {
        link->list->swept = 0;
    }
}

void peer_link_tell(struct peer_link *link)
{
    struct fleet_link_status status;
    fleet_link_get_status(link->link, &status);
    if (status.state == FLEET_LINK_CONNECTED) {
        tell_orders(link);
        serials_tell(link->world->server->serials, link->link, &link->told_serials);
    }
    fleet_link_tell(link->link);
}

void peer_link_ask(struct peer_link *link, uint64_t connection, const struct fleet_message *message)
{
    (void)fleet_link_say(link->link, connection, message); /* what is not asked now is asked of others */
}

void peer_link_get_status(const struct peer_link *link, struct peer_status *status)
{
    struct fleet_link_status now;
    fleet_link_get_status(link->link, &now);
    *status = (struct peer_status){.state = now.state,
                                   .since_ms = now.since_ms,
                                   .heard_ms = now.heard_ms,
                                   .round_trip_us = now.round_trip_us,
                                   .connections = now.connections,
                                   .told = now.told,
                                   .targets = link->list == NULL ? 0 : link->list->count,
                                   .unknown = link->list == NULL ? 0 : link->list->unknown};
    snprintf(status->why, sizeof status->why, "%s", now.why[0] != '\0' ? now.why : now.declined);
}
