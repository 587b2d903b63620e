/* SPDX-License-Identifier: BSD-3-Clause
 *
 * steerd -c FILE --dump ZONE: a zone as it was loaded, as a master file: what is served, for comparing with
 * what was meant, or with what another server makes of the same file. */
#include "config.h"

#include "daemon/steerd.h"

#include "base/buffer.h"
#include "base/exits.h"
#include "base/memory.h"
#include "base/words.h"
#include "dns/name.h"
#include "dns/types.h"
#include "view/view.h"
#include "zone/walk.h"
#include "zone/writer.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct dump {
    const struct view *view;
    const struct zone *zone;
    struct buffer line;
    const char *endpoint; /* whose record is printed */
};

static int print_record(void *context, const struct zone_record *record)
{
    struct dump *dump = context;
    dump->line.len = 0;
    zone_write_record(&dump->line, record);
    return fwrite(dump->line.bytes, dump->line.len, 1, stdout) == 1 ? 0 : -errno;
}

/* A comment for a record of a steered name: the file that comes out is a static zone. */
static int print_comment(void *context, const struct zone_record *record)
{
    struct dump *dump = context;
    dump->line.len = 0;
    zone_write_record(&dump->line, record);
    dump->line.len--; /* without the newline */
    return printf("; %.*s ; endpoint %s\n", (int)dump->line.len, dump->line.bytes, dump->endpoint) < 0
               ? -errno
               : 0;
}

/* The addresses of a host name are not known here. */
static int print_host(const struct dump *dump, const uint8_t *owner, const struct zone_rrset *rrset,
                      const struct steer_member *member)
{
    char name[DNS_NAME_TEXT_SIZE], type[DNS_TYPE_TEXT_SIZE];
    const struct conf_endpoint *endpoint = &dump->view->topology->endpoints[member->endpoint];
    return printf("; %s\tIN\t%s\t; what %s resolves to ; endpoint %s\n", dns_name_write(owner, name),
                  dns_write_type(rrset->type, type), endpoint->host->name, endpoint->name) < 0
               ? -errno
               : 0;
}

static int print_steered(void *context, const uint8_t *owner, const struct zone_rrset *rrset)
{
    struct dump *dump = context;
    const struct zone_steered *block = zone_get_steered(dump->zone, rrset);
    const struct steer_policy *policy = steer_set_get(dump->view->steer, block->policy);
    const struct zone_sink sink = {.context = dump, .record = print_comment};
    int code = 0;
    for (unsigned i = 0; i < rrset->count && code == 0; i++) {
        bool is_host = (rrset->flags & ZONE_RRSET_HOSTS) != 0 && policy->members[i].has_host;
        if (is_host) {
            code = print_host(dump, owner, rrset, &policy->members[i]);
        } else if ((policy->members[i].types & rrset->types) != 0) {
            dump->endpoint = dump->view->topology->endpoints[policy->members[i].endpoint].name;
            code = zone_walk_member(dump->zone, owner, rrset, i, &sink);
        }
    }
    return code;
}

int dump_zone(const struct view *view, const char *origin)
{
    uint8_t apex[DNS_NAME_MAX + 1];
    int len = dns_name_parse(origin, NULL, apex);
    if (len > 0) {
        dns_name_lower(apex, (size_t)len);
    }
    const struct zone *zone = len > 0 ? zone_table_get(view->zones, apex) : NULL;
    if (zone == NULL) {
        fprintf(stderr, "steerd: --dump %s: there is no such zone; %s leads to %zu zone%s\n", origin,
                view->server->path, view->zone_count, words_plural(view->zone_count));
        return EXITS_NOT_FOUND;
    }
    if (zone->failed) {
        fprintf(stderr, "steerd: --dump %s: the zone has errors and is not loaded\n", origin);
        return 1;
    }
    struct dump dump = {.view = view, .zone = zone};
    buffer_init(&dump.line);
    int error = zone_walk(
        zone, &(struct zone_visitor){.context = &dump, .record = print_record, .steered = print_steered});
    if (error == 0 && fflush(stdout) != 0) {
        error = -errno;
    }
    buffer_fini(&dump.line);
    if (error != 0) {
        fprintf(stderr, "steerd: the zone cannot be written: %s\n", strerror(-error));
    }
    return error == 0 ? 0 : 1;
}
