/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Reading zone options: "*" first, the defaults of the others; zones that are not named share it. */
#include "config.h"

#include "conf/zone_options.h"

#include "base/arena.h"
#include "conf/access.h"
#include "conf/keytable.h"
#include "conf/transfer.h"
#include "conf/zones.h"

#include <string.h>

static void read_options(const struct doc_node *object, const struct conf_server *server,
                         struct conf_zone_options *options)
{
    static const char *const keys[] = {"allow_query", TRANSFER_KEYS, NULL};
    if (!doc_check_object(object, keys)) {
        return;
    }
    struct acl *allow_query = access_read(object, "allow_query", server->arena);
    options->allow_query = allow_query != NULL ? allow_query : options->allow_query;
    transfer_read(object, server, options);
}

static struct keytable *index_zones(struct conf_server *server, struct arena *scratch)
{
    struct keytable *table = keytable_new(scratch);
    for (size_t i = 0; i < server->zone_count; i++) {
        struct conf_zone_source *source = &server->zones[i];
        (void)keytable_add(table, source->origin, strlen(source->origin), source);
    }
    return table;
}

static void read_zone(const struct doc_node *item, struct conf_server *server, const struct keytable *zones,
                      struct arena *scratch)
{
    const char *origin = zones_parse_origin(scratch, item->key);
    struct conf_zone_source *source = origin == NULL ? NULL : keytable_find(zones, origin, strlen(origin));
    if (source == NULL && server->is_bare) {
        return; /* it may come with a bundle */
    }
    if (source == NULL) {
        doc_error_at_key(item,
                         "there is no zone \"%.300s\", expected the origin of one of the zones, or \"*\"",
                         item->key);
        return;
    }
    struct conf_zone_options *options = arena_alloc(server->arena, sizeof *options);
    *options = *source->options;
    read_options(item, server, options);
    source->options = options;
}

void zone_options_read(const struct doc_node *root, struct conf_server *server)
{
    struct doc_node map = {0}, item = {0}, all;
    struct conf_zone_options *defaults = arena_alloc(server->arena, sizeof *defaults);
    bool given = doc_find(root, "zone_options", &map) && doc_check_object(&map, NULL);
    if (given && doc_find(&map, "*", &all)) {
        read_options(&all, server, defaults);
    }
    server->zone_defaults = defaults;
    for (size_t i = 0; i < server->zone_count; i++) {
        server->zones[i].options = defaults;
    }
    struct arena *scratch = arena_new(0);
    struct keytable *zones = given ? index_zones(server, scratch) : NULL;
    while (given && doc_next(&map, &item)) {
        if (strcmp(item.key, "*") != 0) {
            read_zone(&item, server, zones, scratch);
        }
    }
    arena_free(scratch);
}
