/* SPDX-License-Identifier: BSD-3-Clause
 *
 * See sites.h. A site is called after what has the location: mostly a region. */
#include "config.h"

#include "conf/sites.h"

#include "conf/keytable.h"

#include <string.h>

enum { LABELS_SHOWN = 3 };

/* A site in the making. */
struct site {
    struct conf_tier *tier;
    struct buffer label;
    size_t labels;
    const char *last; /* the label that was added last */
};

struct gathering {
    struct site *sites;
    size_t count;
    struct keytable *by_location; /* location -> site */
    uint32_t *site_of;            /* per member: number of the site + 1, or 0 */
};

/* The name of what says where the endpoint is; NULL: nothing does. */
static const char *find_location(const struct conf_topology *topology, const struct conf_endpoint *endpoint,
                                 const struct conf_location **location)
{
    const struct conf_az *az = &topology->azs[endpoint->az];
    const struct conf_region *region = &topology->regions[endpoint->region];
    *location = endpoint->location != NULL ? endpoint->location
                : az->location.is_known    ? &az->location
                                           : &region->location;
    return endpoint->location != NULL  ? endpoint->name
           : az->location.is_known     ? az->name
           : region->location.is_known ? region->name
                                       : NULL;
}

static struct site *enter_site(struct gathering *gathering, const struct conf_location *location,
                               struct conf_tier *tiers)
{
    struct site *site = keytable_find(gathering->by_location, location, sizeof *location);
    if (site == NULL) {
        site = &gathering->sites[gathering->count];
        buffer_init(&site->label);
        site->tier = &tiers[gathering->count++];
        site->tier->latitude = location->latitude;
        site->tier->longitude = location->longitude;
        (void)keytable_add(gathering->by_location, location, sizeof *location, site);
    }
    return site;
}

static void add_label(struct site *site, const char *label)
{
    if (site->last == NULL || strcmp(site->last, label) != 0) {
        if (site->labels < LABELS_SHOWN) {
            buffer_print(&site->label, "%s%s", site->labels == 0 ? "" : "+", label);
        }
        site->labels++;
        site->last = label;
    }
}

static void finish_sites(const struct gathering *gathering, size_t member_count, struct arena *arena)
{
    for (size_t i = 0; i < gathering->count; i++) {
        struct site *site = &gathering->sites[i];
        if (site->labels > LABELS_SHOWN) {
            buffer_print(&site->label, "+%zu more", site->labels - LABELS_SHOWN);
        }
        site->tier->label = arena_copy_text(arena, site->label.bytes);
        site->tier->members = arena_alloc(arena, site->tier->member_count * sizeof *site->tier->members);
        site->tier->member_count = 0;
        buffer_fini(&site->label);
    }
    for (size_t m = 0; m < member_count; m++) {
        if (gathering->site_of[m] != 0) {
            struct conf_tier *tier = gathering->sites[gathering->site_of[m] - 1].tier;
            tier->members[tier->member_count++] = (uint32_t)m;
        }
    }
}

static void report_lost(const struct sites_source *source, const struct doc_node *node, size_t lost,
                        const struct conf_endpoint *first)
{
    const struct conf_topology *topology = source->topology;
    char more[40] = "";
    if (lost > 1) {
        snprintf(more, sizeof more, " (and %zu more)", lost - 1);
    }
    doc_error(
        node,
        "\"nearest\" needs to know where endpoint \"%.100s\"%s is: neither it nor its az \"%.100s\" nor "
        "its region \"%.100s\" has a \"location\"",
        first->name, more, topology->azs[first->az].name, topology->regions[first->region].name);
}

void sites_gather(const struct sites_source *source, const struct doc_node *node, struct arena *arena,
                  struct conf_tiers *tiers)
{
    struct arena *scratch = arena_new(0);
    struct gathering gathering = {.by_location = keytable_new(scratch)};
    size_t lost = 0;
    const struct conf_endpoint *first_lost = NULL;
    gathering.sites = arena_alloc(scratch, source->count * sizeof *gathering.sites);
    gathering.site_of = arena_alloc(scratch, source->count * sizeof *gathering.site_of);
    tiers->items = arena_alloc(arena, source->count * sizeof *tiers->items);
    for (size_t m = 0; m < source->count; m++) {
        const struct conf_endpoint *endpoint = &source->topology->endpoints[source->members[m].endpoint];
        const struct conf_location *location;
        const char *label = find_location(source->topology, endpoint, &location);
        if (source->members[m].is_spare) {
            continue;
        }
        if (label == NULL) {
            first_lost = lost++ == 0 ? endpoint : first_lost;
            continue;
        }
        struct site *site = enter_site(&gathering, location, tiers->items);
        add_label(site, label);
        site->tier->member_count++;
        gathering.site_of[m] = (uint32_t)(site - gathering.sites) + 1;
    }
    finish_sites(&gathering, source->count, arena);
    tiers->count = gathering.count;
    if (lost != 0) {
        report_lost(source, node, lost, first_lost);
    } else if (tiers->count > SITES_MAX) {
        doc_error(node, "the name's endpoints are in %zu places, expected at most %d for \"nearest\"",
                  tiers->count, SITES_MAX);
    }
    arena_free(scratch);
}
