/* SPDX-License-Identifier: BSD-3-Clause
 *
 * The zones that somebody copies, sorted by apex: few among many as a rule, and asked for rarely. */
#include "config.h"

#include "view/compile_internal.h"

#include "base/memory.h"
#include "dns/name.h"
#include "tsig/tsig.h"
#include "view/content.h"
#include "view/rendition.h"
#include "zone/zone.h"

#include <stdlib.h>
#include <string.h>

static bool is_primary(const struct conf_zone_options *options)
{
    return options->transfer_to_count != 0 || options->notify_count != 0 ||
           options->serial != CONF_SERIAL_FILE;
}

/* Names in wire form: the length octets of their labels make every order total. */
static int compare_apexes(const uint8_t *a, const uint8_t *b)
{
    size_t a_len = dns_name_len(a, DNS_NAME_MAX), b_len = dns_name_len(b, DNS_NAME_MAX);
    int order = memcmp(a, b, a_len < b_len ? a_len : b_len);
    return order != 0 ? order : a_len < b_len ? -1 : a_len > b_len;
}

static int compare_primaries(const void *left, const void *right)
{
    const struct view_primary *a = left, *b = right;
    return compare_apexes(a->apex, b->apex);
}

/* That of the previous view's zone, if nothing has changed. */
static uint64_t find_fingerprint(const struct view *previous, const struct zone *zone)
{
    const struct view_primary *primary = previous == NULL ? NULL : view_find_primary(previous, zone->apex);
    const struct zone *old = primary == NULL ? NULL : zone_table_get(previous->zones, zone->apex);
    bool is_known = old != NULL && primary->fingerprint != 0 && zone_is_unchanged(old, zone);
    return zone->failed ? 0 : is_known ? primary->fingerprint : zone_fingerprint(zone);
}

static void add_primary(struct view *view, const struct view *previous, size_t index)
{
    uint8_t apex[DNS_NAME_MAX + 1];
    const struct conf_zone_source *source = &view->server->zones[index];
    int len = dns_name_parse(source->origin, NULL, apex);
    if (len < 0) {
        return; /* told when the zone was to be loaded */
    }
    dns_name_lower(apex, (size_t)len);
    struct view_primary *primary = &view->primaries[view->primary_count++];
    primary->apex = arena_copy(view->arena, apex, (size_t)len);
    primary->zone = index;
    primary->options = source->options;
    const struct zone *zone = zone_table_get(view->zones, apex);
    primary->fingerprint = zone == NULL ? 0 : find_fingerprint(previous, zone);
    atomic_init(&primary->rendition, NULL);
}

static void prepare_keys(struct view *view)
{
    const struct conf_server *server = view->server;
    struct tsig_key_plan *plans = memory_alloc_array(server->key_count, sizeof *plans);
    for (size_t i = 0; i < server->key_count; i++) {
        const struct conf_key *key = &server->keys[i];
        plans[i] = (struct tsig_key_plan){key->wire, key->algorithm, key->secret, key->secret_len};
    }
    view->keys = tsig_keys_new(plans, server->key_count);
    free(plans);
}

void compile_primaries(struct view *view, const struct view *previous)
{
    const struct conf_server *server = view->server;
    size_t count = 0;
    for (size_t i = 0; i < server->zone_count; i++) {
        count += is_primary(server->zones[i].options);
    }
    view->primaries = memory_alloc_array(count, sizeof *view->primaries);
    for (size_t i = 0; i < server->zone_count; i++) {
        if (is_primary(server->zones[i].options)) {
            add_primary(view, previous, i);
        }
    }
    if (view->primary_count != 0) {
        qsort(view->primaries, view->primary_count, sizeof *view->primaries, compare_primaries);
    }
    prepare_keys(view);
}

void view_free_primaries(struct view_primary *primaries, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        view_rendition_release(atomic_load_explicit(&primaries[i].rendition, memory_order_relaxed));
    }
    free(primaries);
}

struct view_primary *view_find_primary(const struct view *view, const uint8_t *apex)
{
    size_t low = 0, high = view->primary_count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        int order = compare_apexes(view->primaries[middle].apex, apex);
        if (order == 0) {
            return &view->primaries[middle];
        }
        if (order < 0) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return NULL;
}
