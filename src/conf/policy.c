/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Reading zones/<origin>.json: the owner names, and per name its settings. Members, tiers and geo rules are
 * shared between names that are written alike (selector.h, refs.h, and the tables of geo rules here). */
#include "config.h"

#include "conf/policy.h"

#include "base/arena.h"
#include "base/memory.h"
#include "conf/doc.h"
#include "conf/georule.h"
#include "conf/keytable.h"
#include "conf/records.h"
#include "conf/selector.h"
#include "conf/statics.h"
#include "dns/name.h"

#include <stdlib.h>
#include <string.h>

enum { TTL_DEFAULT_S = 30, STICKY_V4_DEFAULT = 24, STICKY_V6_DEFAULT = 56 };

struct reader {
    struct conf_policy *policy;
    const struct conf_topology *topology;
    struct selector *selector;
    struct refs_reader *refs;
    struct records_reader records;
    struct arena *scratch;
    struct keytable *owners;       /* canonical owner -> conf_name */
    struct keytable *sets;         /* name -> shared conf_geo */
    struct keytable *geo;          /* "geo" as written -> conf_geo */
    struct keytable *outcomes;     /* (conf_geo, members) -> the tiers of its outcomes */
    uint8_t origin[255];           /* wire */
    char apex[DNS_NAME_TEXT_SIZE]; /* the owner of what stands at the origin */
};

/* ---- owner names ---- */

/* A label "*" that is not the first is no wildcard, which nobody means; in "a-*" it is a character as any
 * other (RFC 4592 section 2.1.1). */
static bool has_late_wildcard(const char *text)
{
    size_t len = strlen(text);
    return strstr(text, ".*.") != NULL || (len >= 2 && strcmp(text + len - 2, ".*") == 0);
}

/* ASCII without blanks. */
static bool is_owner_text(const struct doc_node *node)
{
    const char *text = node->key;
    for (const char *p = text; *p != '\0'; p++) {
        if (*p <= ' ' || *p >= 0x7f) { /* bytes over 127 are negative here */
            doc_error_at_key(
                node,
                "\"%.100s\" is no domain name: found a blank or a character outside ASCII, expected "
                "the xn-- form of internationalised names",
                text);
            return false;
        }
    }
    if (has_late_wildcard(text)) {
        doc_error_at_key(
            node, "\"%.100s\" is no owner name: the label \"*\" may only be the first one, as in \"*.app\"",
            text);
        return false;
    }
    return true;
}

/* "www.example.com" in the zone example.com without its final dot. */
static void warn_if_absolute_meant(const struct reader *reader, const struct doc_node *node,
                                   const uint8_t *wire)
{
    uint8_t absolute[255];
    char text[DNS_NAME_TEXT_SIZE];
    size_t len = strlen(node->key);
    bool relative = len > 0 && node->key[len - 1] != '.' && strcmp(node->key, "@") != 0;
    if (relative && reader->origin[0] != 0 && dns_name_parse(node->key, NULL, absolute) >= 0 &&
        dns_name_is_under(absolute, reader->origin)) {
        doc_warning(node,
                    "\"%.100s\" stands for %.300s; write \"%.100s.\" with a final dot if it is complete",
                    node->key, dns_name_write(wire, text), node->key);
    }
}

/* The canonical owner in the policy's arena, or NULL: reported. */
static const char *read_owner(struct reader *reader, const struct doc_node *node)
{
    uint8_t wire[255];
    char text[DNS_NAME_TEXT_SIZE];
    if (!is_owner_text(node)) {
        return NULL;
    }
    int len = dns_name_parse(node->key, reader->origin, wire);
    if (len < 0) {
        doc_error_at_key(
            node,
            "\"%.100s\" is no domain name: expected labels of 1 to 63 characters, separated by dots, "
            "at most 255 octets with the origin",
            node->key);
        return NULL;
    }
    dns_name_lower(wire, (size_t)len);
    if (!dns_name_is_under(wire, reader->origin)) {
        doc_error_at_key(node, "\"%.100s\" is outside the zone %.300s", node->key, reader->policy->origin);
        return NULL;
    }
    warn_if_absolute_meant(reader, node, wire);
    return arena_copy_text(reader->policy->arena, dns_name_write(wire, text));
}

/* ---- names ---- */

static enum conf_pick read_pick(const struct doc_node *node)
{
    static const char *const picks[] = {[CONF_PICK_WEIGHTED] = "weighted",
                                        [CONF_PICK_ROUND_ROBIN] = "round-robin",
                                        [CONF_PICK_ALL] = "all",
                                        [CONF_PICK_STICKY] = "sticky",
                                        NULL};
    return (enum conf_pick)doc_get_choice(node, "pick", picks, CONF_PICK_WEIGHTED);
}

static struct conf_sticky read_sticky(const struct doc_node *name, enum conf_pick pick)
{
    static const char *const keys[] = {"ipv4_prefix", "ipv6_prefix", "hold", NULL};
    static const uint32_t v4_range[2] = {1, 32}, v6_range[2] = {1, 128}, hold_ms[2] = {1000, 86400000};
    struct conf_sticky sticky = {.v4_len = STICKY_V4_DEFAULT, .v6_len = STICKY_V6_DEFAULT};
    struct doc_node node;
    if (!doc_find(name, "sticky", &node)) {
        return sticky;
    }
    if (doc_check_object(&node, keys)) {
        sticky.v4_len = (uint8_t)doc_get_number(&node, "ipv4_prefix", v4_range, STICKY_V4_DEFAULT);
        sticky.v6_len = (uint8_t)doc_get_number(&node, "ipv6_prefix", v6_range, STICKY_V6_DEFAULT);
        sticky.hold_ms = doc_get_duration_ms(&node, "hold", hold_ms, 0);
    }
    if (pick != CONF_PICK_STICKY) {
        doc_error_at_key(&node, "\"sticky\" has no meaning without \"pick\": \"sticky\"");
    }
    return sticky;
}

static enum conf_apart read_apart(const struct doc_node *name, const struct conf_name *of)
{
    static const char *const places[] = {"az", "region", NULL};
    struct doc_node node;
    if (!doc_find(name, "apart", &node)) {
        return CONF_APART_NOTHING;
    }
    if (of->pick != CONF_PICK_WEIGHTED || of->answers == 1) {
        doc_error_at_key(&node,
                         "\"apart\" has a meaning only for several \"answers\" that are picked by weight");
    }
    return doc_get_choice(name, "apart", places, 0) == 0 ? CONF_APART_AZ : CONF_APART_REGION;
}

/* ---- geo ---- */

static void report_no_set(const struct reader *reader, const struct doc_node *node)
{
    doc_error(node,
              "no geo rules \"%.100s\": neither the \"geo_rules\" of this document nor those of the topology "
              "%.300s have them",
              doc_text(node), reader->topology->path);
}

/* The rules that are written here or that the name refers to; NULL: reported. */
static const struct conf_geo *find_rules(struct reader *reader, const struct doc_node *node)
{
    struct buffer key;
    if (doc_is_text(node)) {
        const char *name = doc_text(node);
        const struct conf_geo *set = keytable_find(reader->sets, name, strlen(name));
        set = set != NULL ? set : keytable_find(reader->topology->geo, name, strlen(name));
        if (set == NULL) {
            report_no_set(reader, node);
        }
        return set;
    }
    buffer_init(&key);
    doc_dump(node, &key);
    const struct conf_geo *geo = keytable_find(reader->geo, key.bytes, key.len);
    if (geo == NULL) {
        size_t issues = doc_count_issues(node->doc);
        geo = georule_read(reader->refs, node, NULL, reader->policy->arena);
        if (issues == doc_count_issues(node->doc)) {
            (void)keytable_add(reader->geo, arena_copy(reader->scratch, key.bytes, key.len), key.len,
                               (void *)(uintptr_t)geo);
        }
    }
    buffer_fini(&key);
    return geo;
}

/* Outcomes are in the order of the rules that lead to them first. */
static void resolve_outcomes(struct reader *reader, const struct doc_node *node, const struct conf_geo *geo,
                             const struct selector_members *members, struct conf_tiers *outcomes)
{
    struct doc_node rule = {0}, tiers;
    for (size_t i = 0; i < geo->outcome_count; i++) {
        const struct conf_geo_outcome *outcome = &geo->outcomes[i];
        struct selector_place place = {.node = node, .set = geo, .rule = outcome->first_rule};
        if (!geo->is_shared) {
            while (doc_next(node, &rule) && rule.ordinal < place.rule) {
            }
            bool found = doc_find(&rule, "tiers", &tiers);
            place = (struct selector_place){.node = found ? &tiers : node};
        }
        outcomes[i] = selector_resolve_tiers(reader->selector, outcome->tiers, members, &place);
        outcomes[i].spill = outcome->spill;
        outcomes[i].fence = outcome->fence;
        if (outcome->fallback != NULL) {
            outcomes[i].fallback = selector_resolve_fallback(reader->selector, outcome->fallback, members);
        }
    }
}

static void read_geo(struct reader *reader, const struct doc_node *node,
                     const struct selector_members *members, struct conf_name *name)
{
    const void *identity[2] = {name->geo, members};
    name->outcomes = keytable_find(reader->outcomes, identity, sizeof identity);
    if (name->outcomes != NULL) {
        return;
    }
    size_t issues = doc_count_issues(node->doc);
    struct conf_tiers *outcomes =
        arena_alloc(reader->policy->arena, name->geo->outcome_count * sizeof *outcomes);
    resolve_outcomes(reader, node, name->geo, members, outcomes);
    name->outcomes = outcomes;
    if (issues == doc_count_issues(node->doc)) {
        (void)keytable_add(reader->outcomes, arena_copy(reader->scratch, identity, sizeof identity),
                           sizeof identity, outcomes);
    }
}

/* ---- settings ---- */

static void read_ttls(const struct reader *reader, const struct doc_node *node, struct conf_name *name)
{
    struct doc_node failing;
    uint32_t floor = reader->policy->ttl_floor;
    size_t issues = doc_count_issues(node->doc);
    name->ttl = doc_get_ttl(node, "ttl", TTL_DEFAULT_S);
    name->has_ttl_failing = doc_find(node, "ttl_failing", &failing);
    name->ttl_failing = doc_get_ttl(node, "ttl_failing", name->ttl);
    if (name->ttl_failing > name->ttl && issues == doc_count_issues(node->doc)) {
        doc_error(&failing, "found %u s, expected at most the ttl of %u s", name->ttl_failing, name->ttl);
    }
    name->ttl = name->ttl < floor ? floor : name->ttl;
    name->ttl_failing = name->ttl_failing < floor ? floor : name->ttl_failing;
}

/* Spreading by capacity needs to know all of them. */
static void check_capacities(const struct reader *reader, const struct doc_node *node,
                             const struct conf_name *name)
{
    bool by_capacity = name->spill == CONF_SPILL_CAPACITY;
    struct doc_node spill;
    for (size_t i = 0; name->geo != NULL && i < name->geo->outcome_count; i++) {
        by_capacity |= name->geo->outcomes[i].spill == CONF_SPILL_CAPACITY;
    }
    for (size_t i = 0; by_capacity && i < name->member_count; i++) {
        const struct conf_endpoint *endpoint = &reader->topology->endpoints[name->members[i].endpoint];
        if (endpoint->capacity == 0 && !name->members[i].is_spare) {
            doc_error(
                doc_find(node, "spill", &spill) ? &spill : node,
                "spilling by \"capacity\" needs the capacity of every endpoint; \"%.100s\" has none in the "
                "topology",
                endpoint->name);
            return;
        }
    }
}

/* "static", or {"pool": [...], "then": "static"} */
static const struct report_place *keep_static(const struct reader *reader, const struct doc_node *object)
{
    struct doc_node fallback, then;
    bool found = doc_find(object, "fallback", &fallback);
    const struct doc_node *at = !found                                                           ? object
                                : doc_is_object(&fallback) && doc_find(&fallback, "then", &then) ? &then
                                                                                                 : &fallback;
    struct report_place place = doc_keep_place(at, reader->policy->arena);
    return arena_copy(reader->policy->arena, &place, sizeof place);
}

/* A rule of the name is told by itself, one of a set that names share by "geo" of the name. */
static const struct report_place *keep_static_of_rule(const struct reader *reader, const struct doc_node *geo,
                                                      const struct conf_name *name, size_t outcome)
{
    struct doc_node rule = {0};
    if (name->geo->is_shared) {
        return keep_static(reader, geo);
    }
    while (doc_next(geo, &rule) && rule.ordinal < name->geo->outcomes[outcome].first_rule) {
    }
    return keep_static(reader, &rule);
}

static const struct report_place *find_static(const struct reader *reader, const struct doc_node *node,
                                              const struct doc_node *geo, const struct conf_name *name)
{
    if (name->fallback->then == CONF_FALLBACK_STATIC) {
        return keep_static(reader, node);
    }
    for (size_t i = 0; name->geo != NULL && i < name->geo->outcome_count; i++) {
        const struct refs_fallback *own = name->geo->outcomes[i].fallback;
        if (own != NULL && own->then == CONF_FALLBACK_STATIC) {
            return keep_static_of_rule(reader, geo, name, i);
        }
    }
    return NULL;
}

static void read_members(struct reader *reader, const struct doc_node *node, struct conf_name *name)
{
    struct doc_node tiers, geo;
    const struct refs_fallback *fallback = refs_read_fallback(reader->refs, node);
    name->geo = doc_find(node, "geo", &geo) ? find_rules(reader, &geo) : NULL;
    struct selector_pools pools = {.own = fallback != NULL && fallback->pool != NULL ? fallback : NULL,
                                   .geo = name->geo != NULL && name->geo->has_pools ? name->geo : NULL};
    const struct selector_members *members = selector_read_members(reader->selector, node, &pools);
    name->members = members->items;
    name->member_count = members->count;
    name->fallback = selector_resolve_fallback(reader->selector, fallback, members);
    bool has_tiers = doc_find(node, "tiers", &tiers);
    name->tiers =
        selector_resolve_tiers(reader->selector, has_tiers ? refs_read(reader->refs, &tiers) : NULL, members,
                               &(struct selector_place){.node = has_tiers ? &tiers : node});
    if (name->geo != NULL) {
        read_geo(reader, &geo, members, name);
    }
    name->wants_static = find_static(reader, node, &geo, name);
    check_capacities(reader, node, name);
    bool is_apex = name->owner != NULL && strcmp(name->owner, reader->apex) == 0;
    records_read(&reader->records, node, members, is_apex, name);
}

static void read_settings(struct reader *reader, const struct doc_node *node, struct conf_name *name)
{
    static const char *const keys[] = {"ttl",         "ttl_failing", "endpoints",     "weights", "tiers",
                                       "min_healthy", "spill_below", "spill",         "geo",     "pick",
                                       "sticky",      "answers",     "fallback",      "records", "addresses",
                                       "host_answer", "on_hold",     "client_subnet", "apart",   NULL};
    static const char *const holds[] = {"stay", "fallback", NULL};
    static const char *const subnets[] = {"use", "ignore", NULL};
    static const uint32_t answers[2] = {1, 64};
    if (!doc_check_object(node, keys)) {
        return;
    }
    read_ttls(reader, node, name);
    name->pick = read_pick(node);
    name->sticky = read_sticky(node, name->pick);
    name->answers = doc_get_number(node, "answers", answers, 1);
    name->apart = read_apart(node, name);
    name->min_healthy = need_get(node, "min_healthy");
    name->spill_below = need_get(node, "spill_below");
    name->spill = georule_get_spill(node, CONF_SPILL_NEXT);
    name->falls_back = doc_get_choice(node, "on_hold", holds, 0) != 0;
    name->ignores_subnet = doc_get_choice(node, "client_subnet", subnets, 0) != 0;
    read_members(reader, node, name);
}

static void read_name(struct reader *reader, const struct doc_node *node)
{
    struct conf_policy *policy = reader->policy;
    struct conf_name *name = &policy->names[policy->name_count++];
    name->owner = read_owner(reader, node);
    if (name->owner != NULL && !keytable_add(reader->owners, name->owner, strlen(name->owner), name)) {
        const struct conf_name *first = keytable_find(reader->owners, name->owner, strlen(name->owner));
        doc_error_at_key(node, "the name %.300s is there already, in line %u", name->owner, first->line);
    }
    doc_find_key_place(node, &name->line, &name->column);
    read_settings(reader, node, name);
}

/* ---- names that tell who asks ---- */

static const char *read_whoami_of(struct reader *reader, const struct doc_node *node)
{
    struct doc_node of;
    const char *text = doc_get_text(node, "of");
    uint8_t wire[255];
    char name[DNS_NAME_TEXT_SIZE];
    if (text == NULL) {
        return NULL;
    }
    (void)doc_find(node, "of", &of);
    int len = dns_name_parse(text, reader->origin, wire);
    if (len >= 0) {
        dns_name_lower(wire, (size_t)len);
        dns_name_write(wire, name);
    }
    if (len < 0 || keytable_find(reader->owners, name, strlen(name)) == NULL) {
        doc_error_expected(&of, "a name of \"names\"");
    }
    return len < 0 ? NULL : arena_copy_text(reader->policy->arena, name);
}

static void read_whoami(struct reader *reader, const struct doc_node *node)
{
    static const char *const keys[] = {"of", "address", NULL};
    static const char *const addresses[] = {[CONF_WHOAMI_BEST] = "best",
                                            [CONF_WHOAMI_RESOLVER] = "resolver",
                                            [CONF_WHOAMI_SUBNET] = "subnet",
                                            [CONF_WHOAMI_BOTH] = "both",
                                            NULL};
    struct conf_policy *policy = reader->policy;
    struct conf_whoami *whoami = &policy->whoamis[policy->whoami_count];
    whoami->owner = read_owner(reader, node);
    whoami->place.file = policy->path;
    doc_find_key_place(node, &whoami->place.line, &whoami->place.column);
    if (!doc_check_object(node, keys) || whoami->owner == NULL) {
        return;
    }
    if (keytable_find(reader->owners, whoami->owner, strlen(whoami->owner)) != NULL) {
        doc_error_at_key(node, "the name %.300s is steered, and cannot tell who asks", whoami->owner);
    }
    whoami->of = read_whoami_of(reader, node);
    whoami->address = (enum conf_whoami_address)doc_get_choice(node, "address", addresses, CONF_WHOAMI_BEST);
    policy->whoami_count++;
}

/* Behind all names, which they may be about. */
static void read_whoamis(struct reader *reader, const struct doc_node *root)
{
    struct doc_node list, node = {0};
    if (!doc_find(root, "whoami", &list) || !doc_check_object(&list, NULL)) {
        return;
    }
    reader->policy->whoamis =
        arena_alloc(reader->policy->arena, doc_count(&list) * sizeof *reader->policy->whoamis);
    while (doc_next(&list, &node)) {
        read_whoami(reader, &node);
    }
}

/* ---- records that are the same for everybody ---- */

static void read_statics(struct reader *reader, const struct doc_node *root)
{
    struct doc_node list, node = {0};
    struct conf_policy *policy = reader->policy;
    size_t count = 0;
    if (!doc_find(root, "static", &list) || !doc_check_object(&list, NULL)) {
        return;
    }
    while (doc_next(&list, &node)) {
        count += statics_count(&node);
    }
    policy->statics = arena_alloc(policy->arena, count * sizeof *policy->statics);
    node = (struct doc_node){0};
    while (doc_next(&list, &node)) {
        const char *owner = read_owner(reader, &node);
        if (owner != NULL) {
            statics_read(&node, owner, policy);
        }
    }
}

/* ---- the whole document ---- */

static void read_names(struct reader *reader, const struct doc_node *root)
{
    static const char *const keys[] = {"names", "geo_rules", "ttl_floor", "whoami", "static", NULL};
    struct doc_node names, node = {0};
    (void)doc_check_object(root, keys);
    reader->policy->ttl_floor = doc_get_ttl(root, "ttl_floor", 0);
    georule_read_sets(reader->refs, root, reader->policy->arena, reader->sets, reader->topology->geo);
    if (!doc_require(root, "names", &names) || !doc_check_object(&names, NULL)) {
        return;
    }
    reader->policy->names =
        arena_alloc(reader->policy->arena, doc_count(&names) * sizeof *reader->policy->names);
    while (!doc_is_cancelled(root->doc) && doc_next(&names, &node)) {
        read_name(reader, &node);
    }
    read_whoamis(reader, root);
    read_statics(reader, root);
}

/* ---- loading ---- */

static struct conf_policy *new_policy(const char *path, const char *origin)
{
    struct conf_policy *policy = memory_alloc(sizeof *policy);
    policy->arena = arena_new(0);
    policy->path = arena_copy_text(policy->arena, path);
    policy->origin = arena_copy_text(policy->arena, origin);
    return policy;
}

/* Reads the document and frees it. */
static struct conf_policy *read_policy(struct doc *doc, const char *path, const char *origin,
                                       const struct conf_topology *topology)
{
    if (doc == NULL || topology == NULL) {
        doc_free(doc);
        return NULL;
    }
    struct doc_node root = doc_get_root(doc);
    struct reader reader = {
        .policy = new_policy(path, origin), .topology = topology, .scratch = arena_new(0)};
    reader.selector = selector_new(topology, reader.policy->arena);
    reader.refs = refs_reader_new(topology, reader.policy->arena);
    records_reader_init(&reader.records, reader.selector, reader.policy->arena);
    reader.owners = keytable_new(reader.scratch);
    reader.sets = keytable_new(reader.scratch);
    reader.geo = keytable_new(reader.scratch);
    reader.outcomes = keytable_new(reader.scratch);
    if (dns_name_parse(origin, NULL, reader.origin) < 0) {
        doc_error(&root, "the origin \"%.300s\" is no domain name", origin);
    } else {
        dns_name_lower(reader.origin, dns_name_len(reader.origin, sizeof reader.origin));
        dns_name_write(reader.origin, reader.apex);
        read_names(&reader, &root);
    }
    bool failed = doc_has_errors(doc);
    selector_free(reader.selector);
    refs_reader_free(reader.refs);
    arena_free(reader.scratch);
    doc_free(doc);
    if (failed) {
        conf_free_policy(reader.policy);
        return NULL;
    }
    return reader.policy;
}

struct conf_policy *conf_load_policy(const char *path, const char *origin,
                                     const struct conf_topology *topology, struct report *report)
{
    return read_policy(doc_load_split(path, "names", report), path, origin, topology);
}

struct conf_policy *conf_parse_policy(const char *path, const char *origin, const char *text, size_t len,
                                      const struct conf_topology *topology, struct report *report)
{
    return read_policy(doc_parse_split(path, &(struct doc_text){text, len}, "names", report), path, origin,
                       topology);
}

void conf_free_policy(struct conf_policy *policy)
{
    if (policy != NULL) {
        arena_free(policy->arena);
        free(policy);
    }
}
