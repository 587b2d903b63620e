/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Reading topology.json: regions with their azs, then checks, then endpoints, which refer to both. An object
 * with errors inside still gets its place, so that references to it are not reported as well. */
#include "config.h"

#include "conf/topology.h"

#include "base/arena.h"
#include "base/memory.h"
#include "conf/brake.h"
#include "conf/check.h"
#include "conf/combine.h"
#include "conf/destination.h"
#include "conf/doc.h"
#include "conf/georule.h"
#include "conf/keytable.h"
#include "conf/name_groups.h"
#include "conf/objectives.h"
#include "conf/replication.h"
#include "conf/rules.h"
#include "conf/suggest.h"
#include "conf/use.h"
#include "conf/value.h"
#include "conf/vantages.h"

#include <stdlib.h>
#include <string.h>

enum { LOAD_AGE_DEFAULT_MS = 60000 };

/* Enters the name of a region, az, endpoint or group. Returns the copy of the name. */
static const char *add_place(struct conf_topology *topology, const struct doc_node *node, enum conf_kind kind,
                             size_t index)
{
    struct conf_place *place = arena_alloc(topology->arena, sizeof *place);
    char *name = arena_copy_text(topology->arena, node->key);
    *place = (struct conf_place){.kind = kind, .index = (uint32_t)index};
    if (!value_is_name(name)) {
        doc_error_at_key(node, "found the name \"%.100s\", expected %s", name, VALUE_NAME_RULE);
    }
    if (!keytable_add(topology->places, name, strlen(name), place)) {
        const struct conf_place *first = conf_find_place(topology, name);
        doc_error_at_key(node,
                         "the name \"%.100s\" is taken by %s: regions, azs, endpoints and groups share one "
                         "name space",
                         name, conf_kind_text(first->kind));
    }
    return name;
}

/* ---- regions and azs ---- */

static void read_location(const struct doc_node *node, struct conf_location *to)
{
    static const double latitude[2] = {-90, 90}, longitude[2] = {-180, 180};
    struct doc_node location, part = {0};
    if (!doc_find(node, "location", &location) || !doc_check_array(&location, "[latitude, longitude]")) {
        return;
    }
    if (doc_count(&location) != 2) {
        doc_error(&location, "found %zu numbers, expected [latitude, longitude], such as [38.9, -77.0]",
                  doc_count(&location));
        return;
    }
    (void)doc_next(&location, &part);
    (void)doc_read_real(&part, latitude, &to->latitude);
    (void)doc_next(&location, &part);
    (void)doc_read_real(&part, longitude, &to->longitude);
    to->latitude += 0.0; /* of two zeros only one is left */
    to->longitude += 0.0;
    to->is_known = 1;
}

static void read_azs(struct conf_topology *topology, const struct doc_node *region, uint32_t region_index)
{
    static const char *const keys[] = {"lost_at", "location", "replicates_to", "ramp", CONF_STAY_KEYS, NULL};
    struct doc_node azs, node = {0};
    if (!doc_require(region, "azs", &azs) || !doc_check_object(&azs, NULL)) {
        return;
    }
    size_t first = topology->az_count;
    while (doc_next(&azs, &node)) {
        struct conf_az *az = &topology->azs[topology->az_count];
        az->name = add_place(topology, &node, CONF_AZ, topology->az_count++);
        az->region = region_index;
        az->lost_at = 1;
        if (doc_check_object(&node, keys)) {
            az->lost_at = doc_get_share(&node, "lost_at", 1);
            read_location(&node, &az->location);
            stay_read(&node, &az->stay);
            ramp_read(&node, &az->ramp, &topology->ramp);
        }
    }
    if (topology->az_count == first) {
        doc_error(&azs, "region \"%.100s\" has no azs, expected at least one", region->key);
    }
}

static size_t count_azs(const struct doc_node *regions)
{
    size_t count = 0;
    struct doc_node region = {0}, azs;
    while (doc_next(regions, &region)) {
        count += doc_find(&region, "azs", &azs) ? doc_count(&azs) : 0;
    }
    return count;
}

static void read_regions(struct conf_topology *topology, const struct doc_node *root)
{
    static const char *const keys[] = {"location", "lost_at",      "azs", "replicates_to",
                                       "ramp",     CONF_STAY_KEYS, NULL};
    struct doc_node regions, node = {0};
    if (!doc_require(root, "regions", &regions) || !doc_check_object(&regions, NULL)) {
        return;
    }
    topology->regions = arena_alloc(topology->arena, doc_count(&regions) * sizeof *topology->regions);
    topology->azs = arena_alloc(topology->arena, count_azs(&regions) * sizeof *topology->azs);
    while (doc_next(&regions, &node)) {
        size_t index = topology->region_count++;
        struct conf_region *region = &topology->regions[index];
        region->name = add_place(topology, &node, CONF_REGION, index);
        region->lost_at = 1;
        if (doc_check_object(&node, keys)) {
            region->lost_at = doc_get_share(&node, "lost_at", 1);
            read_location(&node, &region->location);
            stay_read(&node, &region->stay);
            ramp_read(&node, &region->ramp, &topology->ramp);
            read_azs(topology, &node, (uint32_t)index);
        }
    }
    if (topology->region_count == 0) {
        doc_error(&regions, "there are no regions, expected at least one");
    }
}

/* ---- checks ---- */

static void read_checks(struct conf_topology *topology, const struct doc_node *root)
{
    struct doc_node checks, node = {0};
    if (!doc_find(root, "checks", &checks) || !doc_check_object(&checks, NULL)) {
        return;
    }
    topology->checks = arena_alloc(topology->arena, doc_count(&checks) * sizeof *topology->checks);
    while (doc_next(&checks, &node)) {
        struct conf_check *check = &topology->checks[topology->check_count++];
        check->name = arena_copy_text(topology->arena, node.key);
        (void)keytable_add(topology->check_names, check->name, strlen(check->name), check);
        if (!value_is_name(node.key)) {
            doc_error_at_key(&node, "found the name \"%.100s\", expected %s", node.key, VALUE_NAME_RULE);
        }
        check_read(&node, topology, check);
    }
}

/* ---- endpoints ---- */

static void read_az_of_endpoint(const struct conf_topology *topology, const struct doc_node *node,
                                struct conf_endpoint *endpoint)
{
    struct doc_node az;
    if (!doc_require(node, "az", &az)) {
        return;
    }
    if (!doc_is_text(&az)) {
        doc_error_expected(&az, "the name of an az");
        return;
    }
    const struct conf_place *place = conf_find_place(topology, doc_text(&az));
    if (place == NULL || place->kind == CONF_ENDPOINT || place->kind == CONF_GROUP) {
        struct suggest_list list = {topology->azs, topology->az_count, sizeof *topology->azs};
        suggest_report(&az, "az", &list);
    } else if (place->kind == CONF_REGION) {
        doc_error(&az, "\"%.100s\" is a region, expected one of its azs", doc_text(&az));
    } else {
        endpoint->az = place->index;
        endpoint->region = topology->azs[place->index].region;
    }
}

static void read_load_marks(const struct doc_node *node, struct conf_load *load)
{
    static const char *const keys[] = {"low", "high", "max_age", NULL};
    static const double range[2] = {0, 1e15};
    static const uint32_t age_ms[2] = {1000, 24u * 3600 * 1000};
    struct doc_node child, low, high;
    load->max_age_ms = LOAD_AGE_DEFAULT_MS;
    if (!doc_find(node, "load", &child) || !doc_check_object(&child, keys)) {
        return;
    }
    load->max_age_ms = doc_get_duration_ms(&child, "max_age", age_ms, LOAD_AGE_DEFAULT_MS);
    bool has_low = doc_require(&child, "low", &low), has_high = doc_require(&child, "high", &high);
    load->is_given = has_low && has_high && doc_read_real(&low, range, &load->low) &&
                     doc_read_real(&high, range, &load->high);
    if (load->is_given && load->low >= load->high) {
        doc_error(&high, "found %g, expected more than \"low\", which is %g", load->high, load->low);
    }
}

static const struct conf_load *read_load(const struct doc_node *node, struct arena *arena)
{
    struct conf_load load;
    memset(&load, 0, sizeof load); /* with what lies between its members: equal ones are equal octets */
    read_load_marks(node, &load);
    return arena_share(arena, &load, sizeof load);
}

static const struct conf_location *read_own_location(const struct doc_node *node, struct arena *arena)
{
    struct conf_location location = {.is_known = 0};
    read_location(node, &location);
    return location.is_known ? arena_share(arena, &location, sizeof location) : NULL;
}

/* Member by member: nothing is said of what a whole struct brings along between them. */
static const struct conf_manner *share_manner(const struct conf_manner *from, struct arena *arena)
{
    struct conf_manner manner;
    memset(&manner, 0, sizeof manner);
    manner.stay.has_hold_down = from->stay.has_hold_down;
    manner.stay.has_flap = from->stay.has_flap;
    manner.stay.hold_down_ms = from->stay.hold_down_ms;
    manner.stay.failback_ms = from->stay.failback_ms;
    manner.stay.flap.is_on = from->stay.flap.is_on;
    manner.stay.flap.penalty = from->stay.flap.penalty;
    manner.stay.flap.suppress = from->stay.flap.suppress;
    manner.stay.flap.reuse = from->stay.flap.reuse;
    manner.stay.flap.half_life_ms = from->stay.flap.half_life_ms;
    manner.stay.flap.max_suppress_ms = from->stay.flap.max_suppress_ms;
    memcpy(manner.ramp.steps, from->ramp.steps, sizeof manner.ramp.steps);
    manner.ramp.count = from->ramp.count;
    manner.ramp.each_ms = from->ramp.each_ms;
    manner.quorum.kind = from->quorum.kind;
    manner.quorum.count = from->quorum.count;
    manner.quorum.at_least = from->quorum.at_least;
    manner.quorum.names = from->quorum.names;
    manner.quorum.name_count = from->quorum.name_count;
    return arena_share(arena, &manner, sizeof manner);
}

static const struct conf_manner *read_manner(const struct conf_topology *topology,
                                             const struct doc_node *node)
{
    struct conf_manner manner = {.quorum.kind = CONF_QUORUM_DEFAULT};
    stay_read(node, &manner.stay);
    ramp_read(node, &manner.ramp, &topology->ramp);
    quorum_read_names(node, topology->arena, &manner.quorum);
    return share_manner(&manner, topology->arena);
}

static bool read_together(const struct doc_node *node, bool otherwise)
{
    static const char *const choices[] = {"apart", "together", NULL};
    return doc_get_choice(node, "families", choices, otherwise) != 0;
}

/* One above it, seen by other vantages: what is new about it is its name, and who counts. */
static void read_same(struct conf_topology *topology, const struct doc_node *node,
                      const struct doc_node *same, struct conf_endpoint *endpoint)
{
    static const char *const keys[] = {"same_as", "vantages", NULL};
    struct doc_node vantages;
    const char *name = endpoint->name;
    const struct conf_place *place = doc_is_text(same) ? conf_find_place(topology, doc_text(same)) : NULL;
    if (!doc_check_object(node, keys) || !doc_require(node, "vantages", &vantages)) {
        return;
    }
    if (place == NULL || place->kind != CONF_ENDPOINT || &topology->endpoints[place->index] == endpoint) {
        doc_error_expected(same, "the name of an endpoint that stands above this one");
        return;
    }
    *endpoint = topology->endpoints[place->index];
    endpoint->name = name;
    struct conf_manner manner = *conf_get_manner(endpoint);
    manner.quorum = (struct conf_quorum){.kind = CONF_QUORUM_DEFAULT};
    quorum_read_names(node, topology->arena, &manner.quorum);
    endpoint->manner = share_manner(&manner, topology->arena);
}

static void read_endpoint(struct conf_topology *topology, const struct doc_node *node,
                          struct conf_endpoint *endpoint)
{
    static const char *const keys[] = {"az",           "addresses", "host",       "weight",   "capacity",
                                       "load",         "checks",    "healthy_if", "location", "families",
                                       CONF_STAY_KEYS, "ramp",      "vantages",   NULL};
    static const uint32_t weights[2] = {0, 65535}, capacities[2] = {0, UINT32_MAX};
    struct doc_node same;
    if (doc_find(node, "same_as", &same)) {
        read_same(topology, node, &same, endpoint);
    } else if (doc_check_object(node, keys)) {
        read_az_of_endpoint(topology, node, endpoint);
        destination_read(topology, node, endpoint);
        size_t issues = doc_count_issues(node->doc);
        endpoint->weight = doc_get_number(node, "weight", weights, 1);
        endpoint->capacity = doc_get_number(node, "capacity", capacities, 0);
        use_read(topology, node, endpoint);
        if (issues == doc_count_issues(node->doc)) { /* else what it names may be missing for that */
            combine_read(topology, node, endpoint);
        }
        use_share(topology, endpoint);
        endpoint->load = read_load(node, topology->arena);
        endpoint->location = read_own_location(node, topology->arena);
        endpoint->together = read_together(node, topology->together);
        endpoint->manner = read_manner(topology, node);
    }
}

/* Of endpoints, and of those that are asked how far a copy lags behind. */
static void make_hosts(struct conf_topology *topology, const struct doc_node *root)
{
    struct doc_node endpoints;
    bool has_any = doc_find(root, "endpoints", &endpoints) && doc_is_object(&endpoints);
    size_t most = REPLICATIONS_MAX + (has_any ? destination_count_hosts(&endpoints) : 0);
    topology->hosts = arena_alloc(topology->arena, most * sizeof *topology->hosts);
}

static void read_endpoints(struct conf_topology *topology, const struct doc_node *root)
{
    struct doc_node endpoints, node = {0};
    make_hosts(topology, root);
    if (!doc_find(root, "endpoints", &endpoints) || !doc_check_object(&endpoints, NULL)) {
        return;
    }
    topology->endpoints = arena_alloc(topology->arena, doc_count(&endpoints) * sizeof *topology->endpoints);
    keytable_reserve(topology->places, doc_count(&endpoints));
    while (!doc_is_cancelled(root->doc) && doc_next(&endpoints, &node)) {
        size_t index = topology->endpoint_count++;
        topology->endpoints[index].name = add_place(topology, &node, CONF_ENDPOINT, index);
        read_endpoint(topology, &node, &topology->endpoints[index]);
    }
}

/* ---- groups ---- */

/* Marks the endpoints that an item of a group stands for; returns how many are new. */
static size_t mark_endpoints(const struct conf_topology *topology, const struct doc_node *item, bool *marked)
{
    const char *text = doc_text(item);
    bool is_pattern = value_is_pattern(text);
    size_t found = 0, fresh = 0;
    ptrdiff_t one = is_pattern ? -1 : conf_find_endpoint(topology, text);
    for (size_t i = 0; is_pattern && i < topology->endpoint_count; i++) {
        if (value_matches(text, topology->endpoints[i].name)) {
            found++;
            fresh += !marked[i];
            marked[i] = true;
        }
    }
    if (one >= 0) {
        fresh += !marked[one];
        marked[one] = true;
    } else if (found == 0) {
        struct suggest_list list = {topology->endpoints, topology->endpoint_count,
                                    sizeof *topology->endpoints};
        suggest_report(item, is_pattern ? "endpoint matches" : "endpoint", &list);
    }
    return fresh;
}

static void read_group(const struct conf_topology *topology, const struct doc_node *node,
                       struct conf_group *group)
{
    bool *marked = memory_alloc_array(topology->endpoint_count, sizeof *marked);
    struct doc_node item = {0};
    size_t issues = doc_count_issues(node->doc);
    while (doc_next_text(node, "an endpoint, a pattern or an array of them", &item)) {
        group->endpoint_count += mark_endpoints(topology, &item, marked);
    }
    group->endpoints = arena_alloc(topology->arena, group->endpoint_count * sizeof *group->endpoints);
    size_t count = 0;
    for (uint32_t i = 0; i < topology->endpoint_count; i++) {
        if (marked[i]) {
            group->endpoints[count++] = i;
        }
    }
    if (count == 0 && issues == doc_count_issues(node->doc)) {
        doc_error(node, "the group is empty, expected endpoints");
    }
    free(marked);
}

static void read_groups(struct conf_topology *topology, const struct doc_node *root)
{
    struct doc_node groups, node = {0};
    if (!doc_find(root, "groups", &groups) || !doc_check_object(&groups, NULL)) {
        return;
    }
    topology->groups = arena_alloc(topology->arena, doc_count(&groups) * sizeof *topology->groups);
    while (doc_next(&groups, &node)) {
        size_t index = topology->group_count++;
        topology->groups[index].name = add_place(topology, &node, CONF_GROUP, index);
        read_group(topology, &node, &topology->groups[index]);
    }
}

/* ---- the whole ---- */

static void read_geo_rules(struct conf_topology *topology, const struct doc_node *root)
{
    struct refs_reader *refs = refs_reader_new(topology, topology->arena);
    topology->geo = keytable_new(topology->arena);
    georule_read_sets(refs, root, topology->arena, topology->geo, NULL);
    refs_reader_free(refs);
}

/* Reads the document and frees it. */
static struct conf_topology *read_topology(const char *path, struct doc *doc)
{
    static const char *const keys[] = {"regions", "checks",    "endpoints", "groups", "objectives",  "rules",
                                       "brake",   "geo_rules", "families",  "ramp",   "name_groups", NULL};
    if (doc == NULL) {
        return NULL;
    }
    struct doc_node root = doc_get_root(doc);
    struct arena *arena = arena_new(0);
    struct conf_topology *topology = memory_alloc(sizeof *topology);
    topology->arena = arena;
    topology->path = arena_copy_text(arena, path);
    topology->places = keytable_new(arena);
    topology->check_names = keytable_new(arena);
    topology->host_names = keytable_new(arena);
    topology->contexts = keytable_new(arena);
    (void)doc_check_object(&root, keys);
    topology->together = read_together(&root, false);
    ramp_read(&root, &topology->ramp, NULL);
    read_regions(topology, &root);
    read_checks(topology, &root);
    brake_read(topology, &root);
    read_endpoints(topology, &root);
    check_warn_of_bare(topology, &root);
    read_groups(topology, &root);
    objectives_read(topology, &root);
    name_groups_read(topology, &root);
    replication_read(topology, &root);
    objectives_apply(topology, &root);
    rules_read(topology, &root);
    read_geo_rules(topology, &root);
    bool failed = doc_has_errors(doc);
    doc_free(doc);
    if (failed) {
        conf_free_topology(topology);
        return NULL;
    }
    return topology;
}

struct conf_topology *conf_load_topology(const char *path, struct report *report)
{
    return conf_load_topologies(&path, 1, report);
}

struct conf_topology *conf_load_topologies(const char *const *paths, size_t count, struct report *report)
{
    static const char *const together[] = {"regions",   "checks",      "endpoints", "groups",
                                           "geo_rules", "name_groups", NULL};
    return read_topology(paths[0], doc_load_several(paths, count, together, report));
}

struct conf_topology *conf_parse_topology(const char *path, const char *text, size_t len,
                                          struct report *report)
{
    return read_topology(path, doc_parse(path, text, len, report));
}
