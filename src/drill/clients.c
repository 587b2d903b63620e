/* SPDX-License-Identifier: BSD-3-Clause
 *
 * See clients.h. */
#include "config.h"

#include "drill/clients.h"

#include "base/error.h"
#include "base/number.h"
#include "conf/doc.h"
#include "conf/value.h"
#include "geo/geo.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

static const uint32_t any_ms[2] = {0, 7u * 24 * 3600 * 1000}, some_ms[2] = {1, 7u * 24 * 3600 * 1000};

static void read_ignoring(const struct doc_node *clients, struct drill_clients *to)
{
    static const char *const keys[] = {"share", "for", NULL};
    struct doc_node node, member;
    if (!doc_find(clients, "ignore_ttl", &node) || !doc_check_object(&node, keys)) {
        return;
    }
    if (doc_require(&node, "share", &member)) {
        to->ignore_share = doc_get_share(&node, "share", 0);
    }
    if (doc_require(&node, "for", &member)) {
        to->ignore_ms = doc_get_duration_ms(&node, "for", some_ms, 0);
    }
}

/* Absolute, in lower case. */
static const char *copy_owner(struct arena *arena, const char *text)
{
    size_t len = strlen(text);
    char *owner = arena_print(arena, "%s%s", text, text[len - 1] == '.' ? "" : ".");
    for (char *at = owner; *at != '\0'; at++) {
        *at = (char)tolower((unsigned char)*at);
    }
    return owner;
}

const char **clients_read_names(struct arena *arena, const struct doc_node *object, const char *key,
                                size_t *count)
{
    struct doc_node list, item = {.value = NULL};
    *count = 0;
    if (!doc_find(object, key, &list)) {
        return NULL;
    }
    if (doc_count_texts(&list) > DRILL_NAMES_MAX) { /* each is compared with all names */
        doc_error(&list, "found %zu names, expected %d at most", doc_count_texts(&list), DRILL_NAMES_MAX);
        return NULL;
    }
    const char **names = arena_alloc(arena, doc_count_texts(&list) * sizeof *names);
    while (doc_next_text(&list, "a name or an array of names, which may have a \"*\"", &item)) {
        const char *text = doc_text(&item);
        if (text == NULL || text[0] == '\0') {
            doc_error_expected(&item, "a name");
        } else {
            names[(*count)++] = copy_owner(arena, text);
        }
    }
    return names;
}

/* ---- where they are ---- */

static bool read_prefix(const struct doc_node *node, struct drill_clients_from *origin)
{
    const char *text = doc_text(node);
    struct addr addr;
    int error = text == NULL ? ERROR_SYNTAX : addr_parse_prefix(text, &origin->prefix);
    if (error == ERROR_SYNTAX && text != NULL && addr_parse(text, &addr) == 0) {
        origin->prefix = (struct addr_prefix){addr, (uint8_t)(8 * addr_len(&addr))};
        error = 0;
    }
    if (error != 0) {
        doc_error_expected(node, error == ERROR_INVALID ? "a prefix with no bits set behind its length"
                                                        : "an address or a prefix, such as \"192.0.2.0/24\"");
    }
    origin->kind = DRILL_FROM_PREFIX;
    return error == 0;
}

static bool read_country(const struct doc_node *node, struct drill_clients_from *origin)
{
    const char *text = doc_text(node);
    origin->kind = DRILL_FROM_COUNTRY;
    origin->value = text == NULL ? 0 : geo_number_country(text);
    if (origin->value == 0) {
        doc_error_expected(node, "an ISO 3166-1 country code of two letters, such as \"US\"");
    }
    return origin->value != 0;
}

/* 64496 or "AS64496" */
static bool read_asn(const struct doc_node *node, struct drill_clients_from *origin)
{
    static const uint32_t range[2] = {1, UINT32_MAX};
    const char *text = doc_text(node);
    origin->kind = DRILL_FROM_ASN;
    if (text == NULL) {
        return doc_read_number(node, range, &origin->value);
    }
    uint64_t number;
    if (strncasecmp(text, "AS", 2) != 0 || !number_read(text + 2, 10, UINT32_MAX, &number) || number == 0) {
        doc_error_expected(node, "the number of an autonomous system, such as 64496 or \"AS64496\"");
        return false;
    }
    origin->value = (uint32_t)number;
    return true;
}

static const struct {
    const char *key;
    bool (*read)(const struct doc_node *node, struct drill_clients_from *origin);
} ways[] = {{"country", read_country}, {"asn", read_asn}, {"prefix", read_prefix}};
enum { WAYS = sizeof ways / sizeof *ways };

/* Nobody shall believe that he has clients in a country that is misspelt. */
static void check_known(const struct drill_ground *ground, const struct doc_node *node,
                        const struct drill_clients_from *origin)
{
    enum geo_kind kind = origin->kind == DRILL_FROM_COUNTRY ? GEO_COUNTRY : GEO_ASN;
    if (origin->kind == DRILL_FROM_PREFIX) {
        return;
    }
    if (ground->geo_count == 0) {
        doc_error(node,
                  "found %s, expected a \"prefix\": there is no geo database that would say where that is",
                  origin->text);
    } else if (!geo_knows(ground->geo, ground->geo_count, kind, origin->value)) {
        doc_error(node, "found %s, expected one that the geo databases know: no network in them is there",
                  origin->text);
    }
}

static const char *name_origin(const struct drill_clients_from *origin, const struct doc_node *node,
                               struct arena *arena)
{
    char text[ADDR_TEXT_SIZE];
    switch (origin->kind) {
    case DRILL_FROM_PREFIX:
        return arena_print(arena, "%s/%u", addr_write(&origin->prefix.addr, text), origin->prefix.len);
    case DRILL_FROM_COUNTRY: {
        const char *code = doc_text(node);
        return arena_print(arena, "%c%c", toupper((unsigned char)code[0]), toupper((unsigned char)code[1]));
    }
    case DRILL_FROM_ASN: break;
    }
    return arena_print(arena, "AS%u", origin->value);
}

static void read_origin(const struct drill_ground *ground, const struct doc_node *item, struct arena *arena,
                        struct drill_clients_from *origin)
{
    static const char *const keys[] = {"country", "asn", "prefix", "share", NULL};
    struct doc_node where[WAYS], member;
    size_t given = 0, way = 0;
    *origin = (struct drill_clients_from){.share = 0};
    if (!doc_check_object(item, keys)) {
        return;
    }
    for (size_t i = 0; i < WAYS; i++) {
        if (doc_find(item, ways[i].key, &where[i])) {
            given++;
            way = i;
        }
    }
    if (given != 1) {
        doc_error(item, "found %zu of \"country\", \"asn\" and \"prefix\", expected one of them", given);
    } else if (ways[way].read(&where[way], origin)) {
        origin->text = name_origin(origin, &where[way], arena);
        check_known(ground, &where[way], origin);
    }
    origin->share = doc_require(item, "share", &member) ? doc_get_share(item, "share", 0) : 0;
}

static void read_origins(const struct drill_ground *ground, const struct doc_node *clients,
                         struct arena *arena, struct drill_clients *to)
{
    struct doc_node list, item = {.value = NULL};
    double sum = 0;
    if (!doc_find(clients, "from", &list) || !doc_check_array(&list, "an array of places with shares")) {
        return;
    }
    if (doc_count(&list) > DRILL_ORIGINS_MAX) {
        doc_error(&list, "found %zu places, expected %d at most", doc_count(&list), DRILL_ORIGINS_MAX);
        return;
    }
    struct drill_clients_from *origins = arena_alloc(arena, doc_count(&list) * sizeof *origins);
    while (doc_next(&list, &item)) {
        read_origin(ground, &item, arena, &origins[to->origin_count]);
        sum += origins[to->origin_count++].share;
    }
    to->origins = origins;
    if (sum > 1 + 1e-9) {
        doc_error(&list, "found shares that add up to %.4g, expected 1 at most", sum);
    }
}

/* ---- a recording ---- */

/* Who asks over the network names no file of the server. */
static void read_recorded(const struct drill_ground *ground, const struct doc_node *clients,
                          struct arena *arena, struct drill_clients *to)
{
    struct doc_node member, from;
    if (!doc_find(clients, "recorded", &member)) {
        return;
    }
    const char *path = doc_text(&member);
    if (ground->beside == NULL) {
        doc_error(&member, "found a recording, expected none: a server reads no file that a drill names; run "
                           "steerd -c FILE --drill DOCUMENT where the recording is");
    } else if (path == NULL || path[0] == '\0') {
        doc_error_expected(&member, "the path of a dnstap file or a query log");
    } else if (doc_find(clients, "from", &from)) {
        doc_error(&member, "found \"recorded\" and \"from\", expected one of them: a recording says where "
                           "clients are");
    } else {
        const char *slash = path[0] == '/' ? NULL : strrchr(ground->beside, '/');
        int folder = slash == NULL ? 0 : (int)(slash + 1 - ground->beside);
        to->recorded = arena_print(arena, "%.*s%s", folder, ground->beside, path);
    }
}

/* ---- all of it ---- */

void clients_read(const struct drill_ground *ground, const struct doc_node *root, struct arena *arena,
                  struct drill_clients *to)
{
    static const char *const keys[] = {"count",     "requests_per_second",
                                       "resolvers", "ignore_ttl",
                                       "retry",     "negative",
                                       "timeout",   "names",
                                       "from",      "recorded",
                                       NULL};
    static const uint32_t counts[2] = {1, UINT32_MAX}, some[2] = {16, 10000};
    const double rates[2] = {0, 1e12};
    struct doc_node node, member;
    *to = (struct drill_clients)DRILL_CLIENTS_DEFAULT;
    if (!doc_find(root, "clients", &node) || !doc_check_object(&node, keys)) {
        return;
    }
    to->count = doc_get_number(&node, "count", counts, 1000000);
    to->resolvers = doc_get_number(&node, "resolvers", some, 256);
    if (doc_find(&node, "requests_per_second", &member)) {
        (void)doc_read_real(&member, rates, &to->per_second);
    }
    read_ignoring(&node, to);
    to->retry_share = doc_find(&node, "retry", &member) ? doc_get_share(&node, "retry", 0) : 0;
    to->negative_ms = doc_get_duration_ms(&node, "negative", any_ms, 60000);
    to->patience_ms = doc_get_duration_ms(&node, "timeout", some_ms, 5000);
    to->names = clients_read_names(arena, &node, "names", &to->name_count);
    read_origins(ground, &node, arena, to);
    read_recorded(ground, &node, arena, to);
}
