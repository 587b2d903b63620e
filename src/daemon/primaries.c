/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Serials, renditions and NOTIFY, tied to the life of views: see primaries.h. */
#include "config.h"

#include "daemon/primaries.h"

#include "daemon/changes.h"
#include "daemon/keeping.h"
#include "daemon/peers.h"
#include "daemon/rerender.h"
#include "daemon/serials.h"
#include "daemon/server.h"
#include "base/hash.h"
#include "base/log.h"
#include "base/memory.h"
#include "base/serial.h"
#include "dns/name.h"
#include "health/opinion.h"
#include "notify/notifier.h"
#include "transfer/keeper.h"
#include "transfer/transfer.h"
#include "view/rendition.h"
#include "zone/zone.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include <event2/event.h>

enum { TICK_S = 1 };

struct primaries {
    struct server *server;
    struct keeping *keeping;
    struct notifier *notifier;
    struct event *tick;
    struct rerender *rerender; /* NULL: none is under way */
    uint64_t generation; /* of the health table that the renditions show, or are being made to; 0: none */
};

/* ---- serials ---- */

static void warn(const struct primaries *primaries, const struct view_primary *primary,
                 const struct zone *zone, const struct keeper_decision *decision)
{
    char name[DNS_NAME_TEXT_SIZE];
    dns_name_write(primary->apex, name);
    if (decision->is_silent) {
        log_warning(
            "zone changed zone=%s serial=%u why=\"the serial of its file did not: nobody will copy it\"",
            name, decision->serial);
    }
    if (decision->is_older) {
        log_warning("zone changed zone=%s serial=%u why=\"the serial went back: copies that have a newer one "
                    "will not follow\"",
                    name, decision->serial);
    }
    if (decision->is_waiting) {
        log_warning(
            "zone changed zone=%s serial=%u why=\"the state folder cannot be written: its next serial "
            "waits, so nobody will copy it\"",
            name, decision->serial);
    }
    uint32_t now_s = (uint32_t)(clock_wall_ms(&primaries->server->clock) / 1000);
    if (primary->options->serial == CONF_SERIAL_AUTO && !keeping_has_file(primaries->keeping) &&
        serial_is_newer(zone->serial, now_s)) {
        log_warning(
            "serial unsafe zone=%s serial=%u why=\"the serial of the file is ahead of the Unix time: "
            "without a state folder it may go back at a restart; expected the key state, or the serial "
            "unixtime\"",
            name, zone->serial);
    }
}

/* rendition: what copies hold of it; NULL: what its file says. */
static struct keeper_content describe(const struct view_primary *primary, const struct zone *zone,
                                      const struct view_rendition *rendition)
{
    uint64_t fingerprint = primary->fingerprint;
    if (rendition != NULL) {
        fingerprint =
            view_rendition_hash(rendition, hash_bytes(HASH_START, &fingerprint, sizeof fingerprint));
    }
    return (struct keeper_content){
        .policy = primary->options->serial, .file_serial = zone->serial, .fingerprint = fingerprint};
}

/* The other nodes are told before anybody can copy it. */
static void tell_nodes(const struct primaries *primaries, const struct view_primary *primary,
                       uint64_t fingerprint, uint32_t serial)
{
    const struct server *server = primaries->server;
    if (primary->options->serial != CONF_SERIAL_FILE &&
        serials_set(server->serials, primary->apex, fingerprint, serial)) {
        peers_tell_serials(server->peers);
    }
}

/* ---- views ---- */

static bool is_rendered(const struct view_primary *primary, const struct zone *zone)
{
    return primary->options->renders_steered && zone->steered_count != 0;
}

void primaries_reserve(struct primaries *primaries, const struct view *view)
{
    for (size_t i = 0; i < view->primary_count; i++) {
        const struct view_primary *primary = &view->primaries[i];
        const struct zone *zone = zone_table_get(view->zones, primary->apex);
        if (zone != NULL && !zone->failed) {
            keeping_reserve(primaries->keeping, primary->apex, describe(primary, zone, NULL),
                            is_rendered(primary, zone));
        }
    }
    keeping_wait(primaries->keeping);
}

void primaries_reserve_zone(struct primaries *primaries, const struct view *view, const struct zone *zone,
                            uint64_t fingerprint)
{
    const struct view_primary *primary = view_find_primary(view, zone->apex);
    if (primary != NULL) {
        struct keeper_content content = describe(primary, zone, NULL);
        content.fingerprint = fingerprint;
        keeping_reserve(primaries->keeping, zone->apex, content, false);
        keeping_wait(primaries->keeping);
    }
}

/* For lists, which copy it under the lock. */
static void note_serial(struct primaries *primaries, struct view *view, const struct view_primary *primary,
                        uint32_t serial)
{
    lock_take(&primaries->server->lock);
    view->zone_list[primary->zone].serial = serial;
    lock_leave(&primaries->server->lock);
}

static void prepare(struct primaries *primaries, struct view *view, struct view_primary *primary,
                    struct zone *zone)
{
    struct view_rendition *rendition = is_rendered(primary, zone) ? view_render_zone(view, zone) : NULL;
    const struct keeper_content content = describe(primary, zone, rendition);
    struct keeper_decision decision = keeping_decide(primaries->keeping, primary->apex, content);
    warn(primaries, primary, zone, &decision);
    tell_nodes(primaries, primary, content.fingerprint, decision.serial);
    if (rendition != NULL) {
        atomic_init(&rendition->serial, decision.serial);
    }
    struct view_rendition *old =
        atomic_exchange_explicit(&primary->rendition, rendition, memory_order_acq_rel);
    assert(old == NULL); /* the view is new, or has nothing to render in this zone */
    atomic_store_explicit(&zone->served, decision.serial, memory_order_relaxed);
    note_serial(primaries, view, primary, decision.serial);
    primary->is_news = decision.is_news;
}

void primaries_prepare(struct primaries *primaries, struct view *view)
{
    keeping_freeze(primaries->keeping);
    for (size_t i = 0; i < view->primary_count; i++) {
        struct view_primary *primary = &view->primaries[i];
        struct zone *zone = zone_table_get(view->zones, primary->apex);
        if (zone != NULL && !zone->failed) {
            prepare(primaries, view, primary, zone);
        }
    }
}

void primaries_drop(struct primaries *primaries)
{
    keeping_thaw(primaries->keeping);
}

void primaries_let_go(struct primaries *primaries)
{
    rerender_stop(primaries->rerender);
    primaries->rerender = NULL;
    primaries->generation = 0;
}

void primaries_prepare_zone(struct primaries *primaries, struct zone *zone, uint64_t fingerprint)
{
    struct view *view = primaries->server->view;
    struct view_primary *primary = view_find_primary(view, zone->apex);
    if (primary == NULL) {
        return;
    }
    assert(zone->steered_count == 0 || !primary->options->renders_steered); /* else everything is loaded */
    primary->fingerprint = fingerprint;
    prepare(primaries, view, primary, zone);
}

/* ---- telling ---- */

static void tell(struct primaries *primaries, struct view_primary *primary, const struct zone *zone)
{
    uint8_t soa[TRANSFER_SOA_MAX];
    uint32_t serial = atomic_load_explicit(&zone->served, memory_order_relaxed);
    primary->is_news = false;
    if (primary->options->notify_count != 0) {
        size_t len = transfer_write_soa(zone, serial, soa, sizeof soa);
        notify_tell(notifier_get(primaries->notifier), primary->apex, serial, soa, len);
        notifier_wake(primaries->notifier);
    }
}

static void list_secondaries(struct primaries *primaries, const struct view *view)
{
    struct notify *notify = notifier_get(primaries->notifier);
    notify_begin(notify, view->keys);
    for (size_t i = 0; i < view->primary_count; i++) {
        const struct conf_zone_options *options = view->primaries[i].options;
        struct notify_secondary *list = memory_alloc_array(options->notify_count, sizeof *list);
        for (size_t j = 0; j < options->notify_count; j++) {
            const struct conf_secondary *one = &options->notify[j];
            list[j] = (struct notify_secondary){one->at, one->key == CONF_NO_KEY ? TSIG_NO_KEY : one->key};
        }
        if (options->notify_count != 0) {
            notify_list(notify, view->primaries[i].apex, list, options->notify_count);
        }
        free(list);
    }
    notify_end(notify);
    notifier_wake(primaries->notifier);
}

void primaries_follow(struct primaries *primaries, struct view *view)
{
    list_secondaries(primaries, view);
    for (size_t i = 0; i < view->primary_count; i++) {
        struct view_primary *primary = &view->primaries[i];
        if (primary->is_news) {
            tell(primaries, primary, zone_table_get(view->zones, primary->apex));
        }
    }
    primaries->generation = 0; /* health went on since the view was rendered */
    keeping_thaw(primaries->keeping);
}

void primaries_follow_zone(struct primaries *primaries, const struct zone *zone)
{
    struct view_primary *primary = view_find_primary(primaries->server->view, zone->apex);
    if (primary != NULL && primary->is_news) {
        tell(primaries, primary, zone);
    }
}

/* ---- flips ---- */

static void tell_flip(const struct primaries *primaries, const struct view_primary *primary, uint32_t serial,
                      size_t policies)
{
    char name[DNS_NAME_TEXT_SIZE];
    dns_name_write(primary->apex, name);
    log_info("zone rendered zone=%s serial=%u policies=%zu", name, serial, policies);
    changes_tell_rendition(primaries->server->changes, name, serial, policies);
}

/* The old one takes its place in the item. First the content, then the serial that says that it is there. */
static void publish(struct primaries *primaries, struct view *view, struct rerender_item *item,
                    uint32_t serial)
{
    struct view_primary *primary = &view->primaries[item->primary];
    struct zone *zone = zone_table_get(view->zones, primary->apex);
    atomic_init(&item->rendition->serial, serial);
    item->rendition = atomic_exchange_explicit(&primary->rendition, item->rendition, memory_order_acq_rel);
    atomic_store_explicit(&zone->served, serial, memory_order_release);
    note_serial(primaries, view, primary, serial);
}

static void on_rendered(void *context, struct rerender_item *items, size_t count)
{
    struct primaries *primaries = context;
    struct view *view = primaries->server->view;
    for (size_t i = 0; i < count; i++) {
        struct view_primary *primary = &view->primaries[items[i].primary];
        const struct zone *zone = zone_table_get(view->zones, primary->apex);
        struct keeper_decision decision;
        const struct keeper_content content = describe(primary, zone, items[i].rendition);
        if (!keeping_decide_flip(primaries->keeping, primary->apex, content, &decision)) {
            primaries->generation = 0; /* once more, in the view that comes or in this one */
            return;
        }
        warn(primaries, primary, zone, &decision);
        tell_nodes(primaries, primary, content.fingerprint, decision.serial);
        tell_flip(primaries, primary, decision.serial, items[i].rendition->count);
        publish(primaries, view, &items[i], decision.serial);
        if (decision.is_news) {
            tell(primaries, primary, zone);
        }
    }
}

static void on_ended(void *context)
{
    ((struct primaries *)context)->rerender = NULL;
}

/* The content stays, and has another serial. */
static void renumber(struct primaries *primaries, struct view_primary *primary, uint32_t serial)
{
    struct view *view = primaries->server->view;
    struct zone *zone = zone_table_get(view->zones, primary->apex);
    struct view_rendition *rendition = atomic_load_explicit(&primary->rendition, memory_order_relaxed);
    tell_nodes(primaries, primary, describe(primary, zone, rendition).fingerprint, serial);
    if (rendition != NULL) {
        atomic_store_explicit(&rendition->serial, serial, memory_order_relaxed);
    }
    atomic_store_explicit(&zone->served, serial, memory_order_release);
    note_serial(primaries, view, primary, serial);
    tell_flip(primaries, primary, serial, rendition == NULL ? 0 : rendition->count);
    tell(primaries, primary, zone);
}

/* Serials that waited for the disk. */
static void go_on(struct primaries *primaries, const struct view *view)
{
    for (size_t i = 0; i < view->primary_count; i++) {
        struct view_primary *primary = &view->primaries[i];
        struct keeper_decision decision;
        if (zone_table_get(view->zones, primary->apex) != NULL &&
            keeping_go_on(primaries->keeping, primary->apex, &decision)) {
            renumber(primaries, primary, decision.serial);
        }
    }
}

/* ---- other nodes ---- */

static void on_heard(void *context, const uint8_t *apex, const struct keeper_heard *heard)
{
    struct primaries *primaries = context;
    struct view *view = primaries->server->view;
    struct view_primary *primary = view_find_primary(view, apex);
    struct keeper_decision decision;
    if (primary != NULL && zone_table_get(view->zones, apex) != NULL &&
        keeping_hear(primaries->keeping, apex, heard, &decision)) {
        renumber(primaries, primary, decision.serial);
    }
}

static void follow_nodes(struct primaries *primaries)
{
    struct server *server = primaries->server;
    bool is_fresh[HEALTH_VANTAGES_MAX] = {false};
    if (server->view->server->cluster == NULL || server->is_frozen) {
        return;
    }
    lock_take(&server->lock);
    int64_t now_ms = clock_now_ms(&server->clock);
    for (unsigned number = 1; number < HEALTH_VANTAGES_MAX; number++) {
        struct health_vantage_status status;
        is_fresh[number] =
            health_get_vantage(server->view->health, number, now_ms, &status) && status.is_fresh;
    }
    lock_leave(&server->lock);
    serials_follow(server->serials, is_fresh, on_heard, primaries);
}

static bool has_renditions(const struct view *view)
{
    bool has = false;
    for (size_t i = 0; i < view->primary_count && !has; i++) {
        has = view->primaries[i].options->renders_steered;
    }
    return has;
}

static void render(struct primaries *primaries, const struct view *view, uint64_t generation)
{
    if (has_renditions(view)) {
        primaries->rerender = rerender_start(&(struct rerender_plan){.base = primaries->server->base,
                                                                     .view = view,
                                                                     .rendered = on_rendered,
                                                                     .ended = on_ended,
                                                                     .context = primaries});
    }
    primaries->generation = generation;
}

static void on_tick(evutil_socket_t fd, short what, void *argument)
{
    struct primaries *primaries = argument;
    struct view *view = primaries->server->view;
    uint64_t generation = atomic_load_explicit(&view->table->generation, memory_order_acquire);
    (void)fd;
    (void)what;
    if (generation != primaries->generation && primaries->rerender == NULL) {
        render(primaries, view, generation);
    }
    follow_nodes(primaries);
    if (keeping_tick(primaries->keeping)) {
        go_on(primaries, view);
    }
}

/* ---- another process takes over ---- */

void primaries_give(struct primaries *primaries)
{
    keeping_give(primaries->keeping);
}

bool primaries_are_given(struct primaries *primaries)
{
    return keeping_is_given(primaries->keeping);
}

void primaries_take_back(struct primaries *primaries)
{
    keeping_take_back(primaries->keeping);
    primaries->generation = 0; /* what changed meanwhile got no serial */
}

/* ---- open and close ---- */

static struct notifier *open_notifier(struct server *server)
{
    size_t count = server->serve_options.listen_count;
    struct addr_port *listen = memory_alloc_array(count, sizeof *listen);
    for (size_t i = 0; i < count; i++) {
        listen[i] = *serve_get_address(server->serve, i);
    }
    struct notifier *notifier = notifier_new(&(struct notifier_options){
        .base = server->base, .clock = &server->clock, .listen = listen, .listen_count = count});
    free(listen);
    return notifier;
}

struct primaries *primaries_open(struct server *server, const struct view *view)
{
    struct primaries *primaries = memory_alloc(sizeof *primaries);
    primaries->server = server;
    primaries->keeping = keeping_open(view->server->state_path, &server->clock);
    primaries->notifier = open_notifier(server);
    primaries->tick = event_new(server->base, -1, EV_PERSIST, on_tick, primaries);
    assert(primaries->tick != NULL);
    (void)event_add(primaries->tick, &(struct timeval){.tv_sec = TICK_S});
    return primaries;
}

void primaries_hurry(struct primaries *primaries)
{
    if (primaries != NULL) {
        keeping_hurry(primaries->keeping);
    }
}

void primaries_close(struct primaries *primaries)
{
    if (primaries != NULL) {
        rerender_stop(primaries->rerender);
        event_free(primaries->tick);
        notifier_free(primaries->notifier);
        keeping_close(primaries->keeping);
        free(primaries);
    }
}

/* ---- looking ---- */

const struct notify_status *primaries_list(const struct primaries *primaries, const char *origin,
                                           struct arena *arena, size_t *count)
{
    const struct notify *notify = notifier_get(primaries->notifier);
    uint8_t apex[DNS_NAME_MAX];
    int len = dns_name_parse(origin, NULL, apex);
    *count = len < 0 ? 0 : notify_count(notify, apex);
    struct notify_status *list = arena_alloc(arena, *count * sizeof *list);
    for (size_t i = 0; i < *count; i++) {
        list[i] = *notify_get(notify, apex, i);
    }
    return list;
}

void primaries_get_stats(const struct primaries *primaries, struct notify_stats *stats)
{
    notify_get_stats(notifier_get(primaries->notifier), stats);
}

void primaries_get_keeping(const struct primaries *primaries, struct keeping_stats *stats)
{
    keeping_get_stats(primaries->keeping, stats);
}
