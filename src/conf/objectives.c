/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Reading what a recovery has to reach: for all, for pairs of regions, for names. */
#include "config.h"

#include "conf/objectives.h"

#include "base/arena.h"
#include "conf/suggest.h"
#include "dns/name.h"

#include <stdlib.h>
#include <string.h>

static void read_objective(const struct doc_node *node, struct conf_objective *objective)
{
    static const uint32_t range_ms[2] = {1, 30u * 24 * 3600 * 1000};
    struct doc_node capacity;
    objective->rto_ms = doc_get_duration_ms(node, "rto", range_ms, 0);
    objective->rpo_ms = doc_get_duration_ms(node, "rpo", range_ms, 0);
    objective->capacity = doc_find(node, "capacity", &capacity) ? doc_get_share(node, "capacity", 1) : 0;
    objective->may_move = doc_get_bool(node, "may_move", true);
}

/* ---- pairs ---- */

static bool read_region(const struct conf_topology *topology, const struct doc_node *node, const char *key,
                        uint32_t *index)
{
    struct doc_node name;
    if (!doc_require(node, key, &name)) {
        return false;
    }
    ptrdiff_t region = doc_is_text(&name) ? conf_find_region(topology, doc_text(&name)) : -1;
    if (!doc_is_text(&name)) {
        doc_error_expected(&name, "the name of a region");
    } else if (region < 0) {
        const struct suggest_list list = {topology->regions, topology->region_count,
                                          sizeof *topology->regions};
        suggest_report(&name, "region", &list);
    }
    *index = region < 0 ? 0 : (uint32_t)region;
    return region >= 0;
}

static bool has_pair(const struct conf_topology *topology, const struct conf_objective *pair)
{
    for (size_t i = 0; i < topology->objective_count; i++) {
        const struct conf_objective *other = &topology->objectives[i];
        if (other->name == NULL && other->from == pair->from && other->to == pair->to) {
            return true;
        }
    }
    return false;
}

static void read_pair(struct conf_topology *topology, const struct doc_node *node)
{
    static const char *const keys[] = {"from", "to", "rto", "rpo", "capacity", "may_move", NULL};
    struct conf_objective pair = {.name = NULL};
    if (!doc_check_object(node, keys)) {
        return;
    }
    bool has_from = read_region(topology, node, "from", &pair.from);
    bool has_to = read_region(topology, node, "to", &pair.to);
    read_objective(node, &pair);
    if (has_from && has_to && pair.from == pair.to) {
        doc_error(node, "found the same region in \"from\" and \"to\", expected another one");
    } else if (has_from && has_to && has_pair(topology, &pair)) {
        doc_error(node, "this pair is there twice");
    } else {
        topology->objectives[topology->objective_count++] = pair;
    }
}

/* ---- names ---- */

static void read_name(struct conf_topology *topology, const struct doc_node *node)
{
    static const char *const keys[] = {"rto", "rpo", "capacity", "may_move", NULL};
    uint8_t wire[255];
    char text[DNS_NAME_TEXT_SIZE];
    struct conf_objective objective = {.name = ""};
    ptrdiff_t len = strcmp(node->key, "@") == 0 ? -1 : (ptrdiff_t)dns_name_parse(node->key, NULL, wire);
    if (len < 0) {
        doc_error_at_key(node, "found \"%.100s\", expected a name such as \"www.example.com\"", node->key);
    } else {
        dns_name_lower(wire, (size_t)len);
        objective.name = arena_copy_text(topology->arena, dns_name_write(wire, text));
    }
    if (doc_check_object(node, keys)) {
        read_objective(node, &objective);
        topology->objectives[topology->objective_count++] = objective;
    }
}

static int compare_names(const void *a, const void *b)
{
    return strcmp(((const struct conf_objective *)a)->name, ((const struct conf_objective *)b)->name);
}

static void sort_names(struct conf_topology *topology, const struct doc_node *node)
{
    size_t first = 0;
    while (first < topology->objective_count && topology->objectives[first].name == NULL) {
        first++;
    }
    struct conf_objective *names = &topology->objectives[first];
    topology->objective_name_count = topology->objective_count - first;
    if (topology->objective_name_count != 0) {
        qsort(names, topology->objective_name_count, sizeof *names, compare_names);
    }
    for (size_t i = 1; i < topology->objective_name_count; i++) {
        if (names[i].name[0] != '\0' && strcmp(names[i - 1].name, names[i].name) == 0) {
            doc_error(node, "the name \"%.100s\" is there twice", names[i].name);
        }
    }
}

/* ---- all ---- */

void objectives_read(struct conf_topology *topology, const struct doc_node *root)
{
    static const char *const keys[] = {"rto",      "rpo",   "capacity", "errors",
                                       "may_move", "pairs", "names",    NULL};
    struct doc_node objectives, pairs, names, item = {0};
    topology->objective = (struct conf_objective){.may_move = true};
    if (!doc_find(root, "objectives", &objectives) || !doc_check_object(&objectives, keys)) {
        return;
    }
    read_objective(&objectives, &topology->objective);
    topology->objective.errors = doc_get_share(&objectives, "errors", 0);
    topology->rto_ms = topology->objective.rto_ms;
    topology->rpo_ms = topology->objective.rpo_ms;
    bool has_pairs = doc_find(&objectives, "pairs", &pairs) &&
                     doc_check_array(&pairs, "an array of objects such as { \"from\": \"us-east\", \"to\": "
                                             "\"eu-west\", \"rto\": \"1m\" }");
    bool has_names = doc_find(&objectives, "names", &names) && doc_check_object(&names, NULL);
    size_t most = (has_pairs ? doc_count(&pairs) : 0) + (has_names ? doc_count(&names) : 0);
    topology->objectives = arena_alloc(topology->arena, most * sizeof *topology->objectives);
    while (has_pairs && doc_next(&pairs, &item)) {
        read_pair(topology, &item);
    }
    for (item = (struct doc_node){0}; has_names && doc_next(&names, &item);) {
        read_name(topology, &item);
    }
    sort_names(topology, &objectives);
}

void objectives_apply(struct conf_topology *topology, const struct doc_node *root)
{
    for (size_t i = 0; i < topology->replication_count; i++) {
        struct conf_replication *copy = &topology->replications[i];
        for (size_t j = 0; j < topology->objective_count && !copy->of_azs; j++) {
            const struct conf_objective *pair = &topology->objectives[j];
            bool is_same = pair->name == NULL && pair->from == copy->from && pair->to == copy->to;
            if (is_same && pair->rpo_ms != 0 && copy->rpo_ms != 0 && copy->rpo_ms != pair->rpo_ms) {
                doc_error(
                    root,
                    "\"%.60s\" replicates to \"%.60s\" with another RPO than \"objectives\" has for the "
                    "pair, expected it in one place",
                    topology->regions[copy->from].name, topology->regions[copy->to].name);
            }
            copy->rpo_ms = is_same && copy->rpo_ms == 0 ? pair->rpo_ms : copy->rpo_ms;
        }
    }
}
