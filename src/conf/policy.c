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
#include "conf/selector.h"
#include "dns/name.h"

#include <stdlib.h>
#include <string.h>

enum { TTL_DEFAULT_S = 30 };

struct reader {
    struct conf_policy *policy;
    const struct conf_topology *topology;
    struct selector *selector;
    struct refs_reader *refs;
    struct arena *scratch;
    struct keytable *owners;   /* canonical owner -> conf_name */
    struct keytable *sets;     /* name -> shared conf_geo */
    struct keytable *geo;      /* "geo" as written -> conf_geo */
    struct keytable *outcomes; /* (conf_geo, members) -> the tiers of its outcomes */
    uint8_t origin[255];       /* wire */
};

/* ---- owner names ---- */

/* ASCII without blanks, and '*' as the whole first label only: elsewhere it would be an ordinary character,
 * which nobody means (RFC 4592 section 2.1.1). */
static bool is_owner_text(const struct doc_node *node)
{
    const char *text = node->key, *star = strchr(text, '*');
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
    if (star != NULL &&
        (star != text || (star[1] != '.' && star[1] != '\0') || strchr(star + 1, '*') != NULL)) {
        doc_error_at_key(
            node, "\"%.100s\" is no owner name: \"*\" may only be the whole first label, as in \"*.app\"",
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
                                        NULL};
    struct doc_node pick;
    if (doc_find(node, "pick", &pick) && doc_is_text(&pick) && strcmp(doc_text(&pick), "sticky") == 0) {
        doc_error(&pick,
                  "pick \"sticky\" is not supported yet, expected \"weighted\", \"round-robin\" or \"all\"");
        return CONF_PICK_WEIGHTED;
    }
    return (enum conf_pick)doc_get_choice(node, "pick", picks, CONF_PICK_WEIGHTED);
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
        struct selector_place place = {.node = node, .set = geo, .rule = geo->first_rules[i]};
        if (!geo->is_shared) {
            while (doc_next(node, &rule) && rule.ordinal < place.rule) {
            }
            bool found = doc_find(&rule, "tiers", &tiers);
            place = (struct selector_place){.node = found ? &tiers : node};
        }
        outcomes[i] = selector_resolve_tiers(reader->selector, geo->outcomes[i], members, &place);
    }
}

static void read_geo(struct reader *reader, const struct doc_node *node,
                     const struct selector_members *members, struct conf_name *name)
{
    name->geo = find_rules(reader, node);
    if (name->geo == NULL) {
        return;
    }
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

static void read_settings(struct reader *reader, const struct doc_node *node, struct conf_name *name)
{
    static const char *const keys[] = {"ttl",  "endpoints", "weights",  "tiers", "geo",
                                       "pick", "answers",   "fallback", NULL};
    static const char *const fallbacks[] = {[CONF_FALLBACK_ALL] = "all",
                                            [CONF_FALLBACK_STATIC] = "static",
                                            [CONF_FALLBACK_NODATA] = "nodata",
                                            [CONF_FALLBACK_SERVFAIL] = "servfail",
                                            NULL};
    static const uint32_t answers[2] = {1, 64};
    struct doc_node tiers, geo;
    if (!doc_check_object(node, keys)) {
        return;
    }
    name->ttl = doc_get_ttl(node, "ttl", TTL_DEFAULT_S);
    name->pick = read_pick(node);
    name->answers = doc_get_number(node, "answers", answers, 1);
    name->fallback = (enum conf_fallback)doc_get_choice(node, "fallback", fallbacks, CONF_FALLBACK_ALL);
    const struct selector_members *members = selector_read_members(reader->selector, node);
    name->members = members->items;
    name->member_count = members->count;
    bool has_tiers = doc_find(node, "tiers", &tiers);
    name->tiers =
        selector_resolve_tiers(reader->selector, has_tiers ? refs_read(reader->refs, &tiers) : NULL, members,
                               &(struct selector_place){.node = has_tiers ? &tiers : node});
    if (doc_find(node, "geo", &geo)) {
        read_geo(reader, &geo, members, name);
    }
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

static void read_names(struct reader *reader, const struct doc_node *root)
{
    static const char *const keys[] = {"names", "geo_rules", NULL};
    struct doc_node names, node = {0};
    (void)doc_check_object(root, keys);
    georule_read_sets(reader->refs, root, reader->policy->arena, reader->sets, reader->topology->geo);
    if (!doc_require(root, "names", &names) || !doc_check_object(&names, NULL)) {
        return;
    }
    reader->policy->names =
        arena_alloc(reader->policy->arena, doc_count(&names) * sizeof *reader->policy->names);
    while (doc_next(&names, &node)) {
        read_name(reader, &node);
    }
}

/* ---- the whole ---- */

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
    if (doc == NULL) {
        return NULL;
    }
    struct doc_node root = doc_get_root(doc);
    struct reader reader = {
        .policy = new_policy(path, origin), .topology = topology, .scratch = arena_new(0)};
    reader.selector = selector_new(topology, reader.policy->arena);
    reader.refs = refs_reader_new(topology, reader.policy->arena);
    reader.owners = keytable_new(reader.scratch);
    reader.sets = keytable_new(reader.scratch);
    reader.geo = keytable_new(reader.scratch);
    reader.outcomes = keytable_new(reader.scratch);
    if (dns_name_parse(origin, NULL, reader.origin) < 0) {
        doc_error(&root, "the origin \"%.300s\" is no domain name", origin);
    } else {
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
    return read_policy(doc_load(path, report), path, origin, topology);
}

struct conf_policy *conf_parse_policy(const char *path, const char *origin, const char *text, size_t len,
                                      const struct conf_topology *topology, struct report *report)
{
    return read_policy(doc_parse(path, text, len, report), path, origin, topology);
}

void conf_free_policy(struct conf_policy *policy)
{
    if (policy != NULL) {
        arena_free(policy->arena);
        free(policy);
    }
}
