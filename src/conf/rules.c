/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Reading safety rules, each by the keys of its type; and laying out what they count. */
#include "config.h"

#include "conf/rules.h"

#include "base/arena.h"
#include "base/buffer.h"
#include "base/memory.h"
#include "conf/freeze.h"
#include "conf/suggest.h"
#include "conf/value.h"

#include <stdlib.h>
#include <string.h>

static const char *const types[] = {
    [CONF_RULE_SERVING] = "serving",   [CONF_RULE_LOST] = "lost", [CONF_RULE_NOT_ALL_OF] = "not_all_of",
    [CONF_RULE_CAPACITY] = "capacity", [CONF_RULE_LAG] = "lag",   [CONF_RULE_WAIT] = "wait",
    [CONF_RULE_FREEZE] = "freeze",     [CONF_RULE_TYPES] = NULL};

const char *conf_rule_type_text(enum conf_rule_type type)
{
    return types[type];
}

/* ---- regions and azs that are counted ---- */

static size_t count_azs(const struct conf_topology *topology, uint32_t region)
{
    size_t count = 0;
    for (size_t i = 0; i < topology->az_count; i++) {
        count += region == CONF_RULE_EVERYWHERE || topology->azs[i].region == region;
    }
    return count;
}

static void read_in(const struct conf_topology *topology, const struct doc_node *node, struct conf_rule *rule)
{
    struct doc_node in;
    rule->in = CONF_RULE_EVERYWHERE;
    if (!doc_find(node, "in", &in)) {
        return;
    }
    ptrdiff_t region = doc_is_text(&in) ? conf_find_region(topology, doc_text(&in)) : -1;
    if (!rule->of_azs) {
        doc_error_at_key(&in, "found \"in\" of a rule about regions, expected it with \"kind\": \"az\" only");
    } else if (!doc_is_text(&in)) {
        doc_error_expected(&in, "the name of a region");
    } else if (region < 0) {
        const struct suggest_list list = {topology->regions, topology->region_count,
                                          sizeof *topology->regions};
        suggest_report(&in, "region", &list);
    } else {
        rule->in = (uint32_t)region;
    }
}

static void read_counted(const struct conf_topology *topology, const struct doc_node *node,
                         struct conf_rule *rule)
{
    static const char *const kinds[] = {"region", "az", NULL};
    static const uint32_t any[2] = {0, UINT32_MAX};
    bool is_lost = rule->type == CONF_RULE_LOST;
    const char *key = is_lost ? "at_most" : "at_least";
    struct doc_node number;
    struct doc_node kind;
    rule->of_azs = doc_get_choice(node, "kind", kinds, 0) == 1;
    if (is_lost && rule->of_azs && doc_find(node, "kind", &kind)) {
        doc_error(&kind, "found \"az\", expected \"region\": an az that is lost is never held");
        rule->of_azs = false;
    }
    read_in(topology, node, rule);
    if (!doc_require(node, key, &number) || !doc_read_number(&number, any, &rule->count)) {
        return;
    }
    size_t there = rule->of_azs ? count_azs(topology, rule->in) : topology->region_count;
    if (!is_lost && rule->count == 0) {
        doc_error(&number, "found 0, expected at least 1");
    } else if (rule->count > there) {
        doc_error(&number, "found %u, expected at most %zu: there are no more %s%s%s%s", rule->count, there,
                  rule->of_azs ? "azs" : "regions", rule->in == CONF_RULE_EVERYWHERE ? "" : " in \"",
                  rule->in == CONF_RULE_EVERYWHERE ? "" : topology->regions[rule->in].name,
                  rule->in == CONF_RULE_EVERYWHERE ? "" : "\"");
    }
}

/* ---- targets ---- */

static void suggest_place(const struct conf_topology *t, const struct doc_node *item, const char *name)
{
    const struct suggest_list lists[] = {{t->regions, t->region_count, sizeof *t->regions},
                                         {t->azs, t->az_count, sizeof *t->azs},
                                         {t->groups, t->group_count, sizeof *t->groups},
                                         {t->endpoints, t->endpoint_count, sizeof *t->endpoints}};
    struct buffer words;
    buffer_init(&words);
    if (doc_wants_detail(item->doc)) {
        suggest_write(name, lists, sizeof lists / sizeof *lists, &words);
    }
    doc_error(item, "there is no region, az, group or endpoint \"%.100s\"%s", name,
              words.len == 0 ? "" : words.bytes);
    buffer_fini(&words);
}

/* "region:eu-west", or just "eu-west"; NULL: reported. */
static const struct conf_place *read_target(const struct conf_topology *topology, const struct doc_node *item)
{
    static const char *const prefixes[] = {
        [CONF_REGION] = "region", [CONF_AZ] = "az", [CONF_ENDPOINT] = "endpoint", [CONF_GROUP] = "group"};
    const char *text = doc_text(item), *colon = strchr(text, ':');
    const struct conf_place *place = conf_find_place(topology, colon == NULL ? text : colon + 1);
    if (place == NULL) {
        suggest_place(topology, item, colon == NULL ? text : colon + 1);
        return NULL;
    }
    size_t len = colon == NULL ? 0 : (size_t)(colon - text);
    const char *prefix = prefixes[place->kind];
    if (colon != NULL && (len != strlen(prefix) || memcmp(text, prefix, len) != 0)) {
        doc_error(item, "\"%.100s\" is %s, expected \"%s:%.100s\"", colon + 1, conf_kind_text(place->kind),
                  prefix, colon + 1);
        return NULL;
    }
    return place;
}

static bool has_target(const struct conf_rule *rule, const struct conf_place *place)
{
    for (size_t i = 0; i < rule->target_count; i++) {
        if (rule->targets[i]->kind == place->kind && rule->targets[i]->index == place->index) {
            return true;
        }
    }
    return false;
}

static void read_targets(const struct conf_topology *topology, const struct doc_node *node,
                         struct conf_rule *rule)
{
    static const char expected[] = "an array of at least two targets such as \"region:eu-west\"";
    struct doc_node list, item = {0};
    size_t issues = doc_count_issues(node->doc);
    if (!doc_require(node, "targets", &list) || !doc_check_array(&list, expected)) {
        return;
    }
    if (doc_count(&list) > CONF_RULE_TARGETS_MAX) {
        doc_error(&list, "found %zu targets, expected at most %d", doc_count(&list), CONF_RULE_TARGETS_MAX);
        return;
    }
    rule->targets = arena_alloc(topology->arena, doc_count(&list) * sizeof(const struct conf_place *));
    while (doc_next_text(&list, expected, &item)) {
        const struct conf_place *place = read_target(topology, &item);
        if (place != NULL && has_target(rule, place)) {
            doc_error(&item, "\"%.100s\" is there twice", doc_text(&item));
        } else if (place != NULL) {
            rule->targets[rule->target_count++] = place;
        }
    }
    if (rule->target_count < 2 && issues == doc_count_issues(node->doc)) {
        doc_error_expected(&list, expected);
    }
}

/* ---- pairs that replicate ---- */

/* Which regions are named; all, if none is. */
static bool *read_regions(const struct conf_topology *topology, const struct doc_node *node)
{
    bool *wanted = memory_alloc_array(topology->region_count, sizeof *wanted);
    struct doc_node list, item = {0};
    bool has_list = doc_find(node, "regions", &list);
    for (size_t i = 0; i < topology->region_count; i++) {
        wanted[i] = !has_list;
    }
    while (has_list && doc_next_text(&list, "the name of a region or an array of names", &item)) {
        ptrdiff_t region = conf_find_region(topology, doc_text(&item));
        if (region >= 0) {
            wanted[region] = true;
        } else {
            const struct suggest_list regions = {topology->regions, topology->region_count,
                                                 sizeof *topology->regions};
            suggest_report(&item, "region", &regions);
        }
    }
    return wanted;
}

static const char *name_end(const struct conf_topology *topology, const struct conf_replication *pair,
                            uint32_t index)
{
    return pair->of_azs ? topology->azs[index].name : topology->regions[index].name;
}

/* What could never be known to be in time would forbid for ever. */
static void check_pair(const struct conf_topology *topology, const struct doc_node *node,
                       const struct conf_replication *pair)
{
    const struct conf_check *check = pair->is_asked ? &topology->checks[pair->check] : NULL;
    const char *from = name_end(topology, pair, pair->from), *to = name_end(topology, pair, pair->to);
    if (pair->rpo_ms == 0 && topology->rpo_ms == 0) {
        doc_error_at_key(node,
                         "the rule asks how far \"%.60s\" lags behind \"%.60s\", for which there is no RPO: "
                         "expected \"rpo\" in \"replicates_to\" or in \"objectives\"",
                         to, from);
    } else if (check != NULL && check->lag->unit == CONF_LAG_BYTES) {
        doc_error_at_key(node,
                         "the rule asks how far \"%.60s\" lags behind \"%.60s\", and check \"%.60s\" says "
                         "that in bytes, which no RPO can be compared with",
                         to, from, check->name);
    }
}

static void read_lag(const struct conf_topology *topology, const struct doc_node *node,
                     struct conf_rule *rule)
{
    static const char *const stages[] = {"real_time", "any", NULL}, *const targets[] = {"any", "real_time",
                                                                                        NULL};
    size_t issues = doc_count_issues(node->doc);
    bool *wanted = read_regions(topology, node);
    struct doc_node stage;
    rule->any_stage = doc_get_choice(node, "stage", stages, 0) == 1;
    rule->only_copies = doc_get_choice(node, "targets", targets, 0) == 1;
    if (rule->only_copies && rule->any_stage && doc_find(node, "stage", &stage)) {
        doc_error(&stage,
                  "found \"any\" beside \"targets\": \"real_time\", expected \"real_time\" or nothing");
    }
    rule->pairs = arena_alloc(topology->arena, topology->replication_count * sizeof *rule->pairs);
    for (uint32_t i = 0; i < topology->replication_count; i++) {
        const struct conf_replication *pair = &topology->replications[i];
        if (wanted[pair->of_azs ? topology->azs[pair->from].region : pair->from]) {
            rule->pairs[rule->pair_count++] = i;
            check_pair(topology, node, pair);
        }
    }
    if (rule->pair_count == 0 && issues == doc_count_issues(node->doc)) {
        doc_error_at_key(node,
                         "nothing replicates from there, expected \"replicates_to\" in a region or an az");
    }
    free(wanted);
}

/* ---- a rule ---- */

static void read_wait(const struct doc_node *node, struct conf_rule *rule)
{
    static const uint32_t range_ms[2] = {1000, 30u * 24 * 3600 * 1000};
    struct doc_node time;
    if (doc_require(node, "for", &time)) {
        rule->wait_ms = doc_get_duration_ms(node, "for", range_ms, 0);
    }
}

static void read_share(const struct doc_node *node, struct conf_rule *rule)
{
    struct doc_node share;
    if (doc_require(node, "at_least", &share)) {
        rule->share = doc_get_share(node, "at_least", 1);
    }
}

/* What falls by itself is held region by region: a rule about anything else is for people. NULL: it may be
 * for both. */
static const char *find_only(const struct conf_rule *rule)
{
    bool of_regions = !rule->of_azs;
    for (size_t i = 0; i < rule->target_count; i++) {
        of_regions &= rule->targets[i]->kind == CONF_REGION;
    }
    return rule->type == CONF_RULE_LOST ? "automatic" : of_regions ? NULL : "manual";
}

/* Without a word of its own a freeze is about what is planned. */
static void set_default_scope(struct conf_rule *rule, const char *only)
{
    rule->automatic = only == NULL ? rule->type != CONF_RULE_FREEZE : only[0] == 'a';
    rule->manual = only == NULL || only[0] == 'm';
}

/* "automatic", "manual": a text or an array of them. */
static void read_scope(const struct doc_node *node, struct conf_rule *rule)
{
    static const char expected[] = "\"automatic\", \"manual\" or an array of them";
    const char *only = find_only(rule);
    struct doc_node scope, item = {0};
    if (!doc_find(node, "applies_to", &scope)) {
        set_default_scope(rule, only);
        return;
    }
    while (doc_next_text(&scope, expected, &item)) {
        bool is_automatic = strcmp(doc_text(&item), "automatic") == 0;
        bool is_manual = strcmp(doc_text(&item), "manual") == 0;
        if (!is_automatic && !is_manual) {
            doc_error_expected(&item, "\"automatic\" or \"manual\"");
        } else if (only != NULL && strcmp(only, doc_text(&item)) != 0) {
            doc_error(&item, "found \"%s\", expected \"%s\": %s", doc_text(&item), only,
                      is_manual ? "the rule counts what is lost by itself"
                                : "only regions are held when they are lost by themselves");
        }
        rule->automatic |= is_automatic;
        rule->manual |= is_manual;
    }
    if (doc_is_array(&scope) && doc_count(&scope) == 0) {
        doc_error_expected(&scope, expected);
    }
    if (rule->type == CONF_RULE_FREEZE && rule->automatic) {
        doc_warning(&scope,
                    "this freeze holds failovers, too: in its windows a region that is lost keeps its "
                    "answers until somebody releases the rule there; \"manual\" is for changes that "
                    "people plan");
    }
}

static const char *keep_definition(const struct conf_topology *topology, const struct doc_node *node)
{
    struct buffer text;
    buffer_init(&text);
    doc_dump(node, &text);
    const char *kept = arena_copy_text(topology->arena, text.len == 0 ? "" : text.bytes);
    buffer_fini(&text);
    return kept;
}

static void read_rule(const struct conf_topology *topology, const struct doc_node *node,
                      struct conf_rule *rule)
{
#define COMMON "type", "applies_to"
    static const char *const keys[][6] = {
        [CONF_RULE_SERVING] = {COMMON, "kind", "in", "at_least", NULL},
        [CONF_RULE_LOST] = {COMMON, "kind", "at_most", NULL},
        [CONF_RULE_NOT_ALL_OF] = {COMMON, "targets", NULL},
        [CONF_RULE_CAPACITY] = {COMMON, "at_least", NULL},
        [CONF_RULE_LAG] = {COMMON, "regions", "stage", "targets", NULL},
        [CONF_RULE_WAIT] = {COMMON, "for", NULL},
        [CONF_RULE_FREEZE] = {COMMON, "windows", NULL},
    };
#undef COMMON
    struct doc_node type, windows;
    size_t issues = doc_count_issues(node->doc);
    if (!doc_is_object(node)) {
        (void)doc_check_object(node, NULL);
        return;
    }
    if (!doc_require(node, "type", &type)) {
        return;
    }
    rule->type = (enum conf_rule_type)doc_get_choice(node, "type", types, CONF_RULE_TYPES);
    if (issues != doc_count_issues(node->doc) || !doc_check_object(node, keys[rule->type])) {
        return;
    }
    switch (rule->type) {
    case CONF_RULE_SERVING:
    case CONF_RULE_LOST: read_counted(topology, node, rule); break;
    case CONF_RULE_NOT_ALL_OF: read_targets(topology, node, rule); break;
    case CONF_RULE_CAPACITY: read_share(node, rule); break;
    case CONF_RULE_LAG: read_lag(topology, node, rule); break;
    case CONF_RULE_WAIT: read_wait(node, rule); break;
    default:
        if (doc_require(node, "windows", &windows)) {
            freeze_read(node, "windows", topology->arena, rule);
        }
    }
    read_scope(node, rule);
}

/* ---- all of them ---- */

static void lay_out(struct conf_topology *topology)
{
    struct conf_rules *rules = &topology->rules;
    size_t count = topology->endpoint_count;
    rules->az_first = arena_alloc(topology->arena, (topology->az_count + 2) * sizeof *rules->az_first);
    rules->by_az = arena_alloc(topology->arena, count * sizeof *rules->by_az);
    rules->capacities = arena_alloc(topology->arena, count * sizeof *rules->capacities);
    memset(rules->az_first, 0, (topology->az_count + 2) * sizeof *rules->az_first);
    for (size_t i = 0; i < count; i++) { /* how many, two on; */
        rules->az_first[topology->endpoints[i].az + 2]++;
        rules->capacity += topology->endpoints[i].capacity;
    }
    for (size_t i = 2; i < topology->az_count + 2; i++) { /* where they begin, one on; */
        rules->az_first[i] += rules->az_first[i - 1];
    }
    rules->is_by_number = rules->capacity == 0;
    for (uint32_t i = 0; i < count; i++) { /* and, when all of them are there, in place */
        uint32_t at = rules->az_first[topology->endpoints[i].az + 1]++;
        rules->by_az[at] = i;
        rules->capacities[at] = rules->is_by_number ? 1 : topology->endpoints[i].capacity;
    }
    rules->capacity = rules->is_by_number ? count : rules->capacity;
}

void rules_read(struct conf_topology *topology, const struct doc_node *root)
{
    struct conf_rules *rules = &topology->rules;
    struct doc_node list, node = {0};
    if (!doc_find(root, "rules", &list) || !doc_check_object(&list, NULL)) {
        return;
    }
    if (doc_count(&list) > CONF_RULES_MAX) {
        doc_error(&list, "found %zu rules, expected at most %d", doc_count(&list), CONF_RULES_MAX);
        return;
    }
    rules->items = arena_alloc(topology->arena, doc_count(&list) * sizeof *rules->items);
    while (doc_next(&list, &node)) {
        struct conf_rule *rule = &rules->items[rules->count++];
        *rule = (struct conf_rule){.name = arena_copy_text(topology->arena, node.key),
                                   .definition = keep_definition(topology, &node)};
        if (!value_is_name(rule->name)) {
            doc_error_at_key(&node, "found \"%.100s\" as the name of a rule, expected " VALUE_NAME_RULE,
                             rule->name);
        }
        read_rule(topology, &node, rule);
    }
    if (rules->count != 0 && !doc_has_errors(root->doc)) {
        lay_out(topology);
    }
}
