/* SPDX-License-Identifier: BSD-3-Clause
 *
 * See refs.h. */
#include "config.h"

#include "conf/refs.h"

#include "base/memory.h"
#include "conf/keytable.h"
#include "conf/suggest.h"

#include <stdlib.h>
#include <string.h>

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
    };
    struct buffer words;
    buffer_init(&words);
    if (doc_wants_detail(node->doc)) {
        suggest_write(doc_text(node), lists + first, CONF_ENDPOINT + 1 - first, &words);
    }
    doc_error(node, "%s \"%.100s\"%s", what, doc_text(node), words.bytes != NULL ? words.bytes : "");
    buffer_fini(&words);
}

static void read_tier(const struct refs_reader *reader, const struct doc_node *node, struct refs_tier *tier)
{
    struct doc_node item = {0};
    struct buffer label;
    size_t issues = doc_count_issues(node->doc);
    tier->label = "";
    if (!doc_check_array(node, "an array of names of regions, azs or endpoints, such as [\"us-east\"]")) {
        return;
    }
    buffer_init(&label);
    buffer_add_text(&label, "");
    tier->places = arena_alloc(reader->arena, doc_count(node) * sizeof(const struct conf_place *));
    while (doc_next_text(node, "a name", &item)) {
        const struct conf_place *place = conf_find_place(reader->topology, doc_text(&item));
        if (place == NULL) {
            refs_report_missing(reader->topology, &item, "no region, az or endpoint", CONF_REGION);
            continue;
        }
        buffer_print(&label, "%s%s", tier->count == 0 ? "" : "+", doc_text(&item));
        tier->places[tier->count++] = place;
    }
    tier->label = arena_copy_text(reader->arena, label.bytes);
    tier->complete = issues == doc_count_issues(node->doc);
    if (tier->complete && tier->count == 0) {
        doc_error(node, "the tier is empty, expected names of regions, azs or endpoints");
        tier->complete = false;
    }
    buffer_fini(&label);
}

static void read_list(const struct refs_reader *reader, const struct doc_node *node, struct refs *refs)
{
    struct doc_node child = {0};
    if (doc_count(node) == 0) {
        doc_error(node, "there are no tiers, expected at least one");
    }
    refs->tiers = arena_alloc(reader->arena, doc_count(node) * sizeof *refs->tiers);
    while (doc_next(node, &child)) {
        read_tier(reader, &child, &refs->tiers[refs->count++]);
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
    refs->others = true;
    if (doc_find(node, "others", &member)) {
        refs->others = !doc_is_bool(&member, false);
        if (refs->others && !doc_is_bool(&member, true)) {
            doc_error_expected(&member, "true or false");
        }
    }
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

const struct refs *refs_read(struct refs_reader *reader, const struct doc_node *node)
{
    struct buffer key;
    buffer_init(&key);
    doc_dump(node, &key);
    struct refs *refs = keytable_find(reader->known, key.bytes, key.len);
    if (refs == NULL) {
        size_t issues = doc_count_issues(node->doc);
        refs = arena_alloc(reader->arena, sizeof *refs);
        read_refs(reader, node, refs);
        if (issues == doc_count_issues(node->doc)) {
            (void)keytable_add(reader->known, arena_copy(reader->scratch, key.bytes, key.len), key.len, refs);
        }
    }
    buffer_fini(&key);
    return refs;
}
