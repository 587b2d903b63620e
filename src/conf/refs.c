/* SPDX-License-Identifier: BSD-3-Clause
 *
 * See refs.h. */
#include "config.h"

#include "conf/refs.h"

#include "base/memory.h"
#include "conf/keytable.h"
#include "conf/suggest.h"
#include "conf/value.h"

#include <stdlib.h>
#include <string.h>

#define TRICKLE_MAX 0.5 /* of all answers, of all tiers together: it is a trickle */

static const char tiers_expected[] =
    "an array of tiers, such as [[\"us-east\"], [\"eu-west\"]], or \"nearest\"";

struct refs_reader {
    const struct conf_topology *topology;
    struct arena *arena;    /* of the caller, for results */
    struct arena *scratch;  /* for the table */
    struct keytable *known; /* JSON as written -> refs */
};

struct refs_reader *refs_reader_new(const struct conf_topology *topology, struct arena *arena)
{
    struct refs_reader *reader = memory_alloc(sizeof *reader);
    *reader = (struct refs_reader){.topology = topology, .arena = arena, .scratch = arena_new(0)};
    reader->known = keytable_new(reader->scratch);
    return reader;
}

void refs_reader_free(struct refs_reader *reader)
{
    arena_free(reader->scratch);
    free(reader);
}

void refs_report_missing(const struct conf_topology *topology, const struct doc_node *node, const char *what,
                         enum conf_kind first)
{
    const struct suggest_list lists[] = {
        [CONF_REGION] = {topology->regions, topology->region_count, sizeof *topology->regions},
        [CONF_AZ] = {topology->azs, topology->az_count, sizeof *topology->azs},
        [CONF_ENDPOINT] = {topology->endpoints, topology->endpoint_count, sizeof *topology->endpoints},
        [CONF_GROUP] = {topology->groups, topology->group_count, sizeof *topology->groups},
    };
    struct buffer words;
    buffer_init(&words);
    if (doc_wants_detail(node->doc)) {
        suggest_write(doc_text(node), lists + first, CONF_GROUP + 1 - first, &words);
    }
    doc_error(node, "%s \"%.100s\"%s", what, doc_text(node), words.bytes != NULL ? words.bytes : "");
    buffer_fini(&words);
}

/* ---- tiers ---- */

static bool matches_any(const struct conf_topology *topology, const char *pattern)
{
    size_t i = 0;
    while (i < topology->endpoint_count && !value_matches(pattern, topology->endpoints[i].name)) {
        i++;
    }
    return i < topology->endpoint_count;
}

/* A pattern, or a name of a kind from `first` on. */
static bool read_item(const struct refs_reader *reader, const struct doc_node *node, enum conf_kind first,
                      struct refs_item *item)
{
    const struct conf_topology *topology = reader->topology;
    const char *text = doc_text(node);
    const struct conf_place *place = conf_find_place(topology, text);
    bool is_pattern = value_is_pattern(text);
    if (is_pattern ? !matches_any(topology, text) : place == NULL) {
        refs_report_missing(topology, node,
                            is_pattern             ? "no endpoint matches"
                            : first == CONF_REGION ? "no region, az, endpoint or group"
                                                   : "no endpoint",
                            is_pattern ? CONF_ENDPOINT : first);
        return false;
    }
    if (!is_pattern && place->kind < first) {
        doc_error(node, "\"%.100s\" is %s, expected an endpoint, a pattern of endpoints or a group", text,
                  conf_kind_text(place->kind));
        return false;
    }
    *item = (struct refs_item){.text = arena_copy_text(reader->arena, text), .place = place};
    return true;
}

/* The references of a tier or pool, and its label. */
static void read_items(const struct refs_reader *reader, const struct doc_node *node, enum conf_kind first,
                       struct refs_tier *tier)
{
    struct doc_node item = {0};
    struct buffer label;
    size_t issues = doc_count_issues(node->doc);
    buffer_init(&label);
    buffer_add_text(&label, "");
    tier->items = arena_alloc(reader->arena, doc_count_texts(node) * sizeof *tier->items);
    while (doc_next_text(node, "an endpoint or an array of endpoints", &item)) {
        if (read_item(reader, &item, first, &tier->items[tier->count])) {
            buffer_print(&label, "%s%s", tier->count == 0 ? "" : "+", doc_text(&item));
            tier->count++;
        }
    }
    tier->label = arena_copy_text(reader->arena, label.bytes);
    tier->complete = issues == doc_count_issues(node->doc);
    if (tier->complete && tier->count == 0) {
        doc_error(node, first == CONF_REGION
                            ? "the tier is empty, expected names of regions, azs, endpoints or groups"
                            : "the pool is empty, expected endpoints");
        tier->complete = false;
    }
    buffer_fini(&label);
}

static double get_trickle(const struct doc_node *node, bool is_first)
{
    struct doc_node trickle;
    double share = doc_get_share(node, "trickle", 0);
    if (!doc_find(node, "trickle", &trickle)) {
        return 0;
    }
    if (share > TRICKLE_MAX) {
        doc_error_expected(&trickle, "a small share, above 0 and at most 0.5");
        return 0;
    }
    if (is_first) {
        doc_warning(&trickle, "the first tier has no use for a trickle: it is for tiers that wait");
    }
    return share;
}

/* ["us-east"], or an object with more about it. */
static void read_tier(const struct refs_reader *reader, const struct doc_node *node, bool is_first,
                      struct refs_tier *tier)
{
    static const char *const keys[] = {"members", "label", "min_healthy", "spill_below", "trickle", NULL};
    static const char expected[] =
        "an array of names of regions, azs, endpoints or groups, such as [\"us-east\"]";
    struct doc_node members = *node;
    tier->label = "";
    if (doc_is_object(node)) {
        (void)doc_check_object(node, keys);
        tier->min_healthy = need_get(node, "min_healthy");
        tier->spill_below = need_get(node, "spill_below");
        tier->trickle = get_trickle(node, is_first);
        if (!doc_require(node, "members", &members)) {
            return;
        }
    }
    if (!doc_check_array(&members, expected)) {
        return;
    }
    read_items(reader, &members, CONF_REGION, tier);
    const char *label = doc_is_object(node) ? doc_get_text(node, "label") : NULL;
    tier->label = label == NULL ? tier->label : arena_copy_text(reader->arena, label);
}

static void read_list(const struct refs_reader *reader, const struct doc_node *node, struct refs *refs)
{
    struct doc_node child = {0};
    if (doc_count(node) == 0) {
        doc_error(node, "there are no tiers, expected at least one");
    }
    refs->tiers = arena_alloc(reader->arena, doc_count(node) * sizeof *refs->tiers);
    double trickles = 0;
    while (doc_next(node, &child)) {
        struct refs_tier *tier = &refs->tiers[refs->count++];
        read_tier(reader, &child, refs->count == 1, tier);
        trickles += tier->trickle;
    }
    if (trickles > TRICKLE_MAX) {
        doc_error(node, "the trickles add up to %g, expected at most 0.5 of all tiers together", trickles);
    }
}

/* {"nearest": 2, "others": false} */
static void read_nearest(const struct doc_node *node, struct refs *refs)
{
    static const char *const keys[] = {"nearest", "others", NULL};
    static const uint32_t range[2] = {1, REFS_NEAREST_MAX};
    struct doc_node member;
    (void)doc_check_object(node, keys);
    (void)doc_require(node, "nearest", &member);
    refs->nearest = doc_get_number(node, "nearest", range, REFS_NEAREST_DEFAULT);
    refs->others = doc_get_bool(node, "others", true);
}

static void read_refs(const struct refs_reader *reader, const struct doc_node *node, struct refs *refs)
{
    if (doc_is_array(node)) {
        read_list(reader, node, refs);
    } else if (doc_is_object(node)) {
        read_nearest(node, refs);
    } else if (doc_is_text(node) && strcmp(doc_text(node), "nearest") == 0) {
        refs->nearest = REFS_NEAREST_DEFAULT;
        refs->others = true;
    } else {
        doc_error_expected(node, tiers_expected);
    }
}

/* What is known of this text, or NULL and the key to enter it. `what` keeps tiers and fallbacks apart. */
static void *find_known(const struct refs_reader *reader, const struct doc_node *node, const char *what,
                        struct buffer *key)
{
    buffer_init(key);
    buffer_add_text(key, what);
    doc_dump(node, key);
    return keytable_find(reader->known, key->bytes, key->len);
}

/* Unless there was an issue since. */
static void enter(struct refs_reader *reader, const struct doc_node *node, size_t issues, struct buffer *key,
                  void *value)
{
    if (issues == doc_count_issues(node->doc)) {
        (void)keytable_add(reader->known, arena_copy(reader->scratch, key->bytes, key->len), key->len, value);
    }
}

const struct refs *refs_read(struct refs_reader *reader, const struct doc_node *node)
{
    struct buffer key;
    struct refs *refs = find_known(reader, node, "tiers ", &key);
    if (refs == NULL) {
        size_t issues = doc_count_issues(node->doc);
        refs = arena_alloc(reader->arena, sizeof *refs);
        read_refs(reader, node, refs);
        enter(reader, node, issues, &key, refs);
    }
    buffer_fini(&key);
    return refs;
}

/* ---- fallback ---- */

static enum conf_fallback get_fallback(const struct doc_node *object, const char *key)
{
    static const char *const fallbacks[] = {
        [CONF_FALLBACK_FIRST] = "first",       [CONF_FALLBACK_ALL] = "all",
        [CONF_FALLBACK_STATIC] = "static",     [CONF_FALLBACK_NODATA] = "nodata",
        [CONF_FALLBACK_SERVFAIL] = "servfail", NULL};
    return (enum conf_fallback)doc_get_choice(object, key, fallbacks, CONF_FALLBACK_FIRST);
}

/* "static", or {"pool": ["sorry-*"], "then": "static"} */
static void read_fallback(const struct refs_reader *reader, const struct doc_node *object,
                          const struct doc_node *node, struct refs_fallback *fallback)
{
    static const char *const keys[] = {"pool", "then", NULL};
    struct doc_node list;
    if (!doc_is_object(node)) {
        fallback->then = get_fallback(object, "fallback");
        return;
    }
    (void)doc_check_object(node, keys);
    fallback->then = get_fallback(node, "then");
    if (doc_require(node, "pool", &list)) {
        struct refs_tier *pool = arena_alloc(reader->arena, sizeof *pool);
        read_items(reader, &list, CONF_ENDPOINT, pool);
        fallback->pool = pool;
    }
}

const struct refs_fallback *refs_read_fallback(struct refs_reader *reader, const struct doc_node *object)
{
    struct doc_node node;
    struct buffer key;
    if (!doc_find(object, "fallback", &node)) {
        return NULL;
    }
    struct refs_fallback *fallback = find_known(reader, &node, "fallback ", &key);
    if (fallback == NULL) {
        size_t issues = doc_count_issues(node.doc);
        fallback = arena_alloc(reader->arena, sizeof *fallback);
        read_fallback(reader, object, &node, fallback);
        enter(reader, &node, issues, &key, fallback);
    }
    buffer_fini(&key);
    return fallback;
}
