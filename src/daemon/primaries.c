/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Serials, renditions and NOTIFY, tied to the life of views: see primaries.h. */
#include "config.h"

#include "daemon/primaries.h"

#include "daemon/server.h"
#include "daemon/statefile.h"
#include "base/error.h"
#include "base/hash.h"
#include "base/log.h"
#include "base/memory.h"
#include "base/serial.h"
#include "dns/name.h"
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
    struct keeper *keeper;
    struct notifier *notifier;
    struct event *tick;
    char *path;          /* of the file of serials; NULL: there is no state folder */
    uint64_t generation; /* of the health table that the renditions show */
    bool changed;        /* the keeper holds what the file does not */
};

static uint32_t now_s(const struct primaries *primaries)
{
    return (uint32_t)(clock_wall_ms(&primaries->server->clock) / 1000);
}

/* ---- the state ---- */

static void load_state(struct primaries *primaries)
{
    char *text;
    size_t len;
    struct file file;
    if (statefile_read(primaries->path, &file, &text, &len) != 0) {
        log_warning("serials not read file=%s error=%s effect=\"serials begin anew with the Unix time\"",
                    primaries->path, file.why);
        return;
    }
    size_t bad = keeper_parse(primaries->keeper, text, len);
    if (bad != 0) {
        log_warning("serials partly read file=%s bad_lines=%zu expected=\"zone serial fingerprint\"",
                    primaries->path, bad);
    }
    free(text);
}

/* Before what it says is served. When it cannot be written serving goes on: serials follow the time, and most
 * of the time that is enough. */
static void save_state(struct primaries *primaries)
{
    if (!primaries->changed || primaries->path == NULL) {
        return;
    }
    struct buffer text;
    buffer_init(&text);
    keeper_write(primaries->keeper, &text);
    int error = statefile_write(primaries->path, text.bytes, text.len);
    buffer_fini(&text);
    primaries->changed = error != 0;
    if (error != 0) {
        log_warning("serials not kept file=%s error=%s", primaries->path, error_text(error));
    }
}

/* ---- serials ---- */

static void warn(const struct primaries *primaries, const struct view_primary *primary,
                 const struct zone *zone, const struct keeper_decision *decision)
{
    char name[DNS_NAME_TEXT_SIZE];
    dns_name_write(primary->apex, name);
    if (decision->is_silent) {
        log_warning(
            "zone changed zone=%s serial=%u reason=\"the serial of its file did not: nobody will copy it\"",
            name, decision->serial);
    }
    if (decision->is_older) {
        log_warning(
            "zone changed zone=%s serial=%u reason=\"the serial went back: copies that have a newer one "
            "will not follow\"",
            name, decision->serial);
    }
    if (primary->options->serial == CONF_SERIAL_AUTO && primaries->path == NULL &&
        serial_is_newer(zone->serial, now_s(primaries))) {
        log_warning(
            "serial unsafe zone=%s serial=%u reason=\"the serial of the file is ahead of the Unix time: "
            "without a state folder it may go back at a restart; expected the key state, or the serial "
            "unixtime\"",
            name, zone->serial);
    }
}

static struct keeper_decision decide(struct primaries *primaries, const struct view_primary *primary,
                                     const struct zone *zone, const struct view_rendition *rendition)
{
    uint64_t fingerprint = primary->fingerprint;
    if (rendition != NULL) {
        fingerprint =
            view_rendition_hash(rendition, hash_bytes(HASH_START, &fingerprint, sizeof fingerprint));
    }
    struct keeper_decision decision =
        keeper_decide(primaries->keeper, primary->apex,
                      &(struct keeper_content){.policy = primary->options->serial,
                                               .file_serial = zone->serial,
                                               .fingerprint = fingerprint,
                                               .now_s = now_s(primaries)});
    primaries->changed |= decision.is_news && primary->options->serial != CONF_SERIAL_FILE;
    return decision;
}

/* ---- views ---- */

static void prepare(struct primaries *primaries, struct view *view, struct view_primary *primary,
                    struct zone *zone)
{
    struct view_rendition *rendition =
        primary->options->renders_steered && zone->steered_count != 0 ? view_render_zone(view, zone) : NULL;
    struct keeper_decision decision = decide(primaries, primary, zone, rendition);
    warn(primaries, primary, zone, &decision);
    if (rendition != NULL) {
        rendition->serial = decision.serial;
    }
    struct view_rendition *old =
        atomic_exchange_explicit(&primary->rendition, rendition, memory_order_acq_rel);
    assert(old == NULL); /* the view is new, or has nothing to render in this zone */
    atomic_store_explicit(&zone->served, decision.serial, memory_order_relaxed);
    view->zone_list[primary->zone].serial = decision.serial;
    primary->is_news = decision.is_news;
}

void primaries_prepare(struct primaries *primaries, struct view *view)
{
    primaries->generation = atomic_load_explicit(&view->table->generation, memory_order_acquire);
    for (size_t i = 0; i < view->primary_count; i++) {
        struct view_primary *primary = &view->primaries[i];
        struct zone *zone = zone_table_get(view->zones, primary->apex);
        if (zone != NULL && !zone->failed) {
            prepare(primaries, view, primary, zone);
        }
    }
    save_state(primaries);
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
    save_state(primaries);
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

static bool has_renditions(const struct view *view)
{
    bool has = false;
    for (size_t i = 0; i < view->primary_count && !has; i++) {
        has = view->primaries[i].options->renders_steered;
    }
    return has;
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
    if (has_renditions(view)) {
        (void)event_add(primaries->tick, &(struct timeval){.tv_sec = TICK_S});
    } else {
        (void)event_del(primaries->tick);
    }
}

void primaries_follow_zone(struct primaries *primaries, const struct zone *zone)
{
    struct view_primary *primary = view_find_primary(primaries->server->view, zone->apex);
    if (primary != NULL && primary->is_news) {
        tell(primaries, primary, zone);
    }
}

/* ---- flips ---- */

/* What the zone looks like now, with a new serial; NULL: as before. */
static struct view_rendition *render_again(struct primaries *primaries, const struct view *view,
                                           const struct view_primary *primary, const struct zone *zone)
{
    const struct view_rendition *old = atomic_load_explicit(&primary->rendition, memory_order_relaxed);
    if (old == NULL) {
        return NULL;
    }
    struct view_rendition *rendition = view_render_again(view, old);
    if (view_rendition_equal(rendition, old)) {
        view_rendition_release(rendition);
        return NULL;
    }
    rendition->serial = decide(primaries, primary, zone, rendition).serial;
    return rendition;
}

/* Returns the old one. First the content, then the serial that says that it is there. */
static struct view_rendition *publish(struct view *view, struct view_primary *primary, struct zone *zone,
                                      struct view_rendition *rendition)
{
    struct view_rendition *old =
        atomic_exchange_explicit(&primary->rendition, rendition, memory_order_acq_rel);
    atomic_store_explicit(&zone->served, rendition->serial, memory_order_release);
    view->zone_list[primary->zone].serial = rendition->serial;
    return old;
}

static void log_flip(const struct view_primary *primary, const struct view_rendition *rendition)
{
    char name[DNS_NAME_TEXT_SIZE];
    log_info("zone rendered zone=%s serial=%u policies=%zu", dns_name_write(primary->apex, name),
             rendition->serial, rendition->count);
}

static void refresh(struct primaries *primaries, struct view *view)
{
    size_t count = view->primary_count, changed = 0;
    struct view_rendition **renditions = memory_alloc_array(count, sizeof(struct view_rendition *));
    for (size_t i = 0; i < count; i++) {
        const struct view_primary *primary = &view->primaries[i];
        const struct zone *zone = zone_table_get(view->zones, primary->apex);
        renditions[i] = render_again(primaries, view, primary, zone);
        changed += renditions[i] != NULL;
    }
    if (changed != 0) {
        save_state(primaries);
    }
    for (size_t i = 0; i < count; i++) {
        if (renditions[i] != NULL) {
            struct view_primary *primary = &view->primaries[i];
            log_flip(primary, renditions[i]);
            renditions[i] = publish(view, primary, zone_table_get(view->zones, primary->apex), renditions[i]);
            primary->is_news = true;
        }
    }
    if (changed != 0) {
        view_synchronize(); /* whoever begins a transfer with an old one holds it by then */
    }
    for (size_t i = 0; i < count; i++) {
        view_rendition_release(renditions[i]);
        if (view->primaries[i].is_news) {
            tell(primaries, &view->primaries[i], zone_table_get(view->zones, view->primaries[i].apex));
        }
    }
    free(renditions);
}

static void on_tick(evutil_socket_t fd, short what, void *argument)
{
    struct primaries *primaries = argument;
    struct view *view = primaries->server->view;
    uint64_t generation = atomic_load_explicit(&view->table->generation, memory_order_acquire);
    (void)fd;
    (void)what;
    if (generation != primaries->generation) {
        primaries->generation = generation;
        refresh(primaries, view);
    }
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
    primaries->keeper = keeper_new();
    primaries->notifier = open_notifier(server);
    primaries->tick = event_new(server->base, -1, EV_PERSIST, on_tick, primaries);
    assert(primaries->tick != NULL);
    if (view->server->state_path != NULL) {
        primaries->path = memory_print("%s/serials", view->server->state_path);
        load_state(primaries);
    }
    return primaries;
}

void primaries_close(struct primaries *primaries)
{
    if (primaries != NULL) {
        event_free(primaries->tick);
        notifier_free(primaries->notifier);
        keeper_free(primaries->keeper);
        free(primaries->path);
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
