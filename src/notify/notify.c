/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Whom to tell, and what became of it: see notify.h. A secondary that waits for something is in the queue of
 * those with as many attempts; as each attempt has one delay, every queue is in the order of time by itself.
 */
#include "config.h"

#include "notify/notify.h"

#include "base/arena.h"
#include "base/memory.h"
#include "conf/keytable.h"
#include "dns/name.h"
#include "notify/message.h"

#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>

enum { FIRST_DELAY_MS = 2000, LAST_DELAY_MS = 32000, IDS = 65536 };

/* A secondary of a zone. */
struct link {
    struct notify_status status;
    struct notify_zone *zone;
    TAILQ_ENTRY(link) queue; /* of status.attempts, while WAITING */
    int64_t due_ms;
    bool in_flight; /* id and mac are those of a request that may be answered */
    uint16_t id;
    uint8_t mac_len;
    uint8_t mac[TSIG_MAC_MAX];
};

TAILQ_HEAD(link_queue, link);

/* One allocation. */
struct notify_zone {
    uint8_t apex[DNS_NAME_MAX + 1];
    uint8_t *soa; /* owned; NULL: nothing was told yet */
    size_t soa_len;
    uint32_t serial;
    size_t count;
    struct link links[];
};

struct zone_set {
    struct arena *arena; /* of the table */
    struct keytable *table;
    struct notify_zone **list;
    size_t count, capacity;
};

struct notify {
    struct notify_hooks hooks;
    struct random random;
    struct tsig_keys *keys;                        /* held */
    struct zone_set zones, before;                 /* before: of the last listing, while there is a new one */
    struct link_queue queues[NOTIFY_ATTEMPTS + 1]; /* by attempts made */
    struct link **by_id;                           /* IDS of them, once there is something to send */
    struct notify_stats stats;
};

const char *notify_state_text(enum notify_state state)
{
    static const char *const texts[] = {[NOTIFY_IDLE] = "idle",
                                        [NOTIFY_WAITING] = "waiting",
                                        [NOTIFY_ACKNOWLEDGED] = "acknowledged",
                                        [NOTIFY_REFUSED] = "refused",
                                        [NOTIFY_SILENT] = "silent"};
    return texts[state];
}

/* ---- zones ---- */

static struct zone_set new_set(void)
{
    struct zone_set set = {.arena = arena_new(0)};
    set.table = keytable_new(set.arena);
    return set;
}

static struct notify_zone *find_zone(const struct zone_set *set, const uint8_t *apex)
{
    return set->table == NULL ? NULL : keytable_find(set->table, apex, dns_name_len(apex, DNS_NAME_MAX));
}

static void free_zone(struct notify_zone *zone)
{
    free(zone->soa);
    free(zone);
}

static void free_set(struct zone_set *set)
{
    for (size_t i = 0; i < set->count; i++) {
        free_zone(set->list[i]);
    }
    free(set->list);
    arena_free(set->arena);
    *set = (struct zone_set){.count = 0};
}

struct notify *notify_new(const struct notify_hooks *hooks, uint64_t seed)
{
    struct notify *notify = memory_alloc(sizeof *notify);
    notify->hooks = *hooks;
    random_init(&notify->random, seed);
    notify->zones = new_set();
    for (size_t i = 0; i <= NOTIFY_ATTEMPTS; i++) {
        TAILQ_INIT(&notify->queues[i]);
    }
    return notify;
}

void notify_free(struct notify *notify)
{
    if (notify != NULL) {
        free_set(&notify->zones);
        free_set(&notify->before);
        tsig_keys_release(notify->keys);
        free(notify->by_id);
        free(notify);
    }
}

/* ---- waiting ---- */

static void end_flight(struct notify *notify, struct link *link)
{
    if (link->in_flight) {
        notify->by_id[link->id] = NULL;
        link->in_flight = false;
    }
}

static void leave_queue(struct notify *notify, struct link *link)
{
    if (link->status.state == NOTIFY_WAITING) {
        TAILQ_REMOVE(&notify->queues[link->status.attempts], link, queue);
    }
    end_flight(notify, link);
}

static void set_state(struct link *link, enum notify_state state, int64_t wall_ms)
{
    if (link->status.state != state) {
        link->status.state = state;
        link->status.since_ms = wall_ms;
    }
}

static void tell(struct notify *notify, struct link *link)
{
    leave_queue(notify, link);
    link->status.serial = link->zone->serial;
    link->status.attempts = 0;
    link->status.rcode = NOTIFY_NO_RCODE;
    link->status.state = NOTIFY_WAITING;
    link->status.since_ms = 0; /* once it is sent */
    link->due_ms = INT64_MIN;
    TAILQ_INSERT_TAIL(&notify->queues[0], link, queue);
}

static void end(struct notify *notify, struct link *link, enum notify_state state, int64_t wall_ms)
{
    leave_queue(notify, link);
    set_state(link, state, wall_ms);
    uint64_t *counter = state == NOTIFY_ACKNOWLEDGED ? &notify->stats.acknowledged
                        : state == NOTIFY_REFUSED    ? &notify->stats.refused
                                                     : &notify->stats.silent;
    ++*counter;
    notify->hooks.ended(notify->hooks.context, link->zone->apex, &link->status);
}

/* ---- listing ---- */

void notify_begin(struct notify *notify, struct tsig_keys *keys)
{
    if (keys != NULL) {
        tsig_keys_hold(keys);
    }
    tsig_keys_release(notify->keys);
    notify->keys = keys;
    notify->before = notify->zones;
    notify->zones = new_set();
}

static struct link *find_link(struct notify_zone *zone, const struct addr_port *at)
{
    for (size_t i = 0; zone != NULL && i < zone->count; i++) {
        const struct addr_port *have = &zone->links[i].status.at;
        if (have->port == at->port && addr_equal(&have->addr, &at->addr)) {
            return &zone->links[i];
        }
    }
    return NULL;
}

/* What is known of it goes on: its place in a queue, and the answer that it waits for. */
static void move_link(struct notify *notify, struct link *from, struct link *to)
{
    int key = to->status.key;
    to->status = from->status;
    to->status.key = key;
    to->due_ms = from->due_ms;
    if (from->status.state == NOTIFY_WAITING) {
        TAILQ_INSERT_BEFORE(from, to, queue);
    }
    if (from->in_flight) {
        to->in_flight = true;
        to->id = from->id;
        to->mac_len = from->mac_len;
        memcpy(to->mac, from->mac, from->mac_len);
        notify->by_id[to->id] = to;
        from->in_flight = false;
    }
    leave_queue(notify, from);
    from->status.state = NOTIFY_IDLE;
}

void notify_list(struct notify *notify, const uint8_t *apex, const struct notify_secondary *secondaries,
                 size_t count)
{
    size_t len = dns_name_len(apex, DNS_NAME_MAX);
    struct notify_zone *zone = memory_alloc(sizeof *zone + count * sizeof *zone->links);
    struct notify_zone *before = find_zone(&notify->before, apex);
    struct zone_set *set = &notify->zones;
    memcpy(zone->apex, apex, len);
    zone->count = count;
    if (before != NULL) {
        zone->serial = before->serial;
        zone->soa_len = before->soa_len;
        zone->soa = before->soa;
        before->soa = NULL;
    }
    (void)keytable_add(set->table, zone->apex, len, zone);
    set->list = memory_grow(set->list, set->count, &set->capacity, sizeof(struct notify_zone *));
    set->list[set->count++] = zone;
    for (size_t i = 0; i < count; i++) {
        struct link *link = &zone->links[i], *known = find_link(before, &secondaries[i].at);
        link->zone = zone;
        link->status = (struct notify_status){
            .at = secondaries[i].at, .key = secondaries[i].key, .rcode = NOTIFY_NO_RCODE};
        if (known != NULL) {
            move_link(notify, known, link);
        } else if (zone->soa != NULL) {
            tell(notify, link);
        }
    }
}

void notify_end(struct notify *notify)
{
    for (size_t i = 0; i < notify->before.count; i++) {
        struct notify_zone *zone = notify->before.list[i];
        for (size_t j = 0; j < zone->count; j++) {
            leave_queue(notify, &zone->links[j]);
        }
    }
    free_set(&notify->before);
}

/* ---- telling ---- */

void notify_tell(struct notify *notify, const uint8_t *apex, uint32_t serial, const uint8_t *soa, size_t len)
{
    struct notify_zone *zone = find_zone(&notify->zones, apex);
    if (zone == NULL) {
        return;
    }
    free(zone->soa);
    zone->soa = memory_copy(soa, len);
    zone->soa_len = len;
    zone->serial = serial;
    for (size_t i = 0; i < zone->count; i++) {
        tell(notify, &zone->links[i]);
    }
}

/* false: every identifier is in use. */
static bool take_id(struct notify *notify, struct link *link)
{
    if (notify->by_id == NULL) {
        notify->by_id = memory_alloc_array(IDS, sizeof(struct link *));
    }
    uint16_t id = (uint16_t)random_next(&notify->random);
    for (uint32_t tries = 0; notify->by_id[id] != NULL; tries++, id++) {
        if (tries == IDS) {
            return false;
        }
    }
    notify->by_id[id] = link;
    link->id = id;
    link->in_flight = true;
    return true;
}

/* The delay behind an attempt, counted from 1. */
static int64_t delay_ms(unsigned attempt)
{
    int64_t delay = (int64_t)FIRST_DELAY_MS << (attempt - 1);
    return delay < LAST_DELAY_MS ? delay : LAST_DELAY_MS;
}

static bool make_attempt(struct notify *notify, struct link *link, const struct notify_now *now,
                         struct notify_message *message)
{
    struct tsig_exchange exchange;
    bool is_signed = link->status.key != TSIG_NO_KEY;
    end_flight(notify, link);
    if (!take_id(notify, link)) {
        return false;
    }
    TAILQ_REMOVE(&notify->queues[link->status.attempts], link, queue);
    link->status.attempts++;
    link->status.since_ms = link->status.since_ms == 0 ? now->wall_ms : link->status.since_ms;
    link->due_ms = now->mono_ms + delay_ms(link->status.attempts);
    TAILQ_INSERT_TAIL(&notify->queues[link->status.attempts], link, queue);
    const struct notify_zone *zone = link->zone;
    message->to = link->status.at;
    message->len = message_write_request(message->bytes, link->id, zone->apex, zone->soa, zone->soa_len);
    if (is_signed) {
        tsig_begin(&exchange, notify->keys, link->status.key);
        message->len = tsig_sign_request(&exchange, message->bytes, message->len, sizeof message->bytes,
                                         (uint64_t)now->wall_ms / 1000);
        link->mac_len = exchange.mac_len;
        memcpy(link->mac, exchange.mac, exchange.mac_len);
    }
    notify->stats.sent++;
    return true;
}

static void give_up(struct notify *notify, struct link *link, int64_t wall_ms)
{
    bool heard = link->status.rcode != NOTIFY_NO_RCODE;
    end(notify, link, heard ? NOTIFY_REFUSED : NOTIFY_SILENT, wall_ms);
}

bool notify_next(struct notify *notify, const struct notify_now *now, struct notify_message *message)
{
    struct link *link;
    for (size_t attempts = NOTIFY_ATTEMPTS + 1; attempts-- > 0;) {
        while ((link = TAILQ_FIRST(&notify->queues[attempts])) != NULL && link->due_ms <= now->mono_ms) {
            if (attempts < NOTIFY_ATTEMPTS) {
                return make_attempt(notify, link, now, message);
            }
            give_up(notify, link, now->wall_ms);
        }
    }
    return false;
}

int64_t notify_due_ms(const struct notify *notify)
{
    int64_t due_ms = INT64_MAX;
    for (size_t i = 0; i <= NOTIFY_ATTEMPTS; i++) {
        const struct link *first = TAILQ_FIRST(&notify->queues[i]);
        due_ms = first != NULL && first->due_ms < due_ms ? first->due_ms : due_ms;
    }
    return due_ms;
}

/* ---- answers ---- */

/* Is it signed as the request was? */
static bool is_proven(const struct notify *notify, const struct link *link, const struct tsig_message *reply,
                      const struct notify_now *now)
{
    struct tsig_exchange exchange;
    if (link->status.key == TSIG_NO_KEY) {
        return true;
    }
    if (reply->at == 0) {
        return false;
    }
    tsig_begin(&exchange, notify->keys, link->status.key);
    exchange.mac_len = link->mac_len;
    memcpy(exchange.mac, link->mac, link->mac_len);
    return tsig_judge_reply(&exchange, reply, (uint64_t)now->wall_ms / 1000) == TSIG_GOOD;
}

bool notify_take(struct notify *notify, const struct addr_port *from, const uint8_t *bytes, size_t len,
                 const struct notify_now *now)
{
    struct message_reply reply;
    struct link *link =
        notify->by_id != NULL && message_read_reply(&reply, bytes, len) ? notify->by_id[reply.id] : NULL;
    if (link == NULL || from->port != link->status.at.port ||
        !addr_equal(&from->addr, &link->status.at.addr) || !message_is_about(&reply, link->zone->apex)) {
        return false;
    }
    if (is_proven(notify, link, &(struct tsig_message){bytes, len, reply.tsig_at}, now)) {
        link->status.rcode = reply.rcode;
        end(notify, link, reply.rcode == DNS_RCODE_NOERROR ? NOTIFY_ACKNOWLEDGED : NOTIFY_REFUSED,
            now->wall_ms);
    } else if (reply.rcode != DNS_RCODE_NOERROR) {
        link->status.rcode = reply.rcode;
    }
    return true;
}

/* ---- looking ---- */

size_t notify_count(const struct notify *notify, const uint8_t *apex)
{
    const struct notify_zone *zone = find_zone(&notify->zones, apex);
    return zone == NULL ? 0 : zone->count;
}

const struct notify_status *notify_get(const struct notify *notify, const uint8_t *apex, size_t index)
{
    return &find_zone(&notify->zones, apex)->links[index].status;
}

void notify_get_stats(const struct notify *notify, struct notify_stats *stats)
{
    *stats = notify->stats;
}
