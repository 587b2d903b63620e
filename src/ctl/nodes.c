/* SPDX-License-Identifier: BSD-3-Clause
 *
 * The cluster: a table of its nodes, how this one is with it, what is in conflict, and the ways out. */
#include "config.h"

#include "ctl/text.h"
#include "ctl/verbs.h"

#include <string.h>

enum { CELL = 64 };

static bool is_true(const json_t *object, const char *key)
{
    return json_is_true(json_object_get(object, key));
}

/* What of a node that is not heard of is not as it is here, nobody knows. */
static const char *same_cell(const json_t *node, const char *key)
{
    return is_true(node, "self") || !is_true(node, "fresh") ? NULL : is_true(node, key) ? "same" : "DIFFERS";
}

/* The bundle that it serves, or how it is with the one that comes. */
static const char *bundle_cell(const json_t *node, char text[CELL])
{
    enum { SHORT = 12 };
    const json_t *bundle = json_object_get(node, "bundle");
    const char *is = text_of(bundle, "is"), *serves = text_of(bundle, "serves");
    if (bundle == NULL || json_is_null(bundle) || is == NULL) {
        return NULL;
    }
    if (strcmp(is, "fetching") == 0) {
        snprintf(text, CELL, "fetching %lld%%",
                 (long long)json_integer_value(json_object_get(bundle, "done")));
    } else if (strcmp(is, "none") != 0) {
        snprintf(text, CELL, "%s", strcmp(is, "failed") == 0 ? "FAILED" : is);
    } else if (is_true(bundle, "own_files")) {
        return "own files";
    } else {
        snprintf(text, CELL, "%.*s", SHORT, serves == NULL ? "none" : serves);
    }
    return text;
}

/* Why a node cannot have the bundle that it is to have. */
static void show_failures(const json_t *items)
{
    size_t i;
    const json_t *node;
    json_array_foreach(items, i, node)
    {
        const json_t *bundle = json_object_get(node, "bundle");
        const char *is = text_of(bundle, "is"), *why = text_of(bundle, "why");
        if (is != NULL && why != NULL && strcmp(is, "none") != 0) {
            printf("%s, bundle %.12s: %s\n", text_or_dash(text_of(node, "name")),
                   text_or_dash(text_of(bundle, "id")), why);
        }
    }
}

static bool has_bundles(const json_t *items)
{
    size_t i;
    const json_t *node;
    bool has = false;
    json_array_foreach(items, i, node)
    {
        const json_t *bundle = json_object_get(node, "bundle");
        const char *is = text_of(bundle, "is");
        has = has || text_of(bundle, "serves") != NULL || (is != NULL && strcmp(is, "none") != 0);
    }
    return has;
}

static void show_nodes(const struct steerctl *ctl, const json_t *items)
{
    static const char *const headings[] = {"NODE",   "PHASE",  "HEARD",      "APPLIED",  "BEHIND",
                                           "HEALTH", "CONFIG", "GENERATION", "SOFTWARE", NULL};
    static const char *const more[] = {"NODE",   "PHASE",  "HEARD",      "APPLIED",  "BEHIND", "HEALTH",
                                       "CONFIG", "BUNDLE", "GENERATION", "SOFTWARE", NULL};
    size_t i;
    const json_t *node;
    bool with_bundles = has_bundles(items);
    char name[CELL * 2], heard[CELL], bundle[CELL], number[TEXT_NUMBER_SIZE];
    struct table *table = table_new(ctl, with_bundles ? more : headings);
    json_array_foreach(items, i, node)
    {
        snprintf(name, sizeof name, "%s%s%s", text_or_dash(text_of(node, "name")),
                 is_true(node, "self") ? " (here)" : "", is_true(node, "works") ? " *" : "");
        snprintf(heard, sizeof heard, "%lld ms",
                 (long long)json_integer_value(json_object_get(node, "heard_ms")));
        table_add(table, name);
        table_add_state(table, is_true(node, "fresh") ? text_or_dash(text_of(node, "phase")) : "gone");
        table_add(table, is_true(node, "self") ? NULL : heard);
        table_add(table, text_number(node, "applied", number));
        table_add(table, text_number(node, "behind", number));
        table_add(table, same_cell(node, "same_health"));
        table_add(table, same_cell(node, "same_configuration"));
        if (with_bundles) {
            table_add(table, is_true(node, "fresh") ? bundle_cell(node, bundle) : NULL);
        }
        table_add(table, text_number(node, "generation", number));
        table_add(table, text_of(node, "software"));
    }
    table_print(table);
}

enum steerctl_exit run_nodes(const struct steerctl *ctl)
{
    json_t *json;
    enum steerctl_exit code = steerctl_ask_json(ctl, "GET", "/v1/nodes", NULL, &json);
    if (code == STEERCTL_OK && !ctl->json) {
        show_nodes(ctl, json_object_get(json, "items"));
        show_failures(json_object_get(json, "items"));
    }
    if (code == STEERCTL_OK && !ctl->json && is_true(json, "cut_off")) {
        puts("this node is CUT OFF from everything: it answers by its last verdicts; steerctl serving says "
             "since when");
    }
    json_decref(json);
    return code;
}

static void show_cluster(const json_t *cluster)
{
    char text[TEXT_NUMBER_SIZE];
    const json_t *etcd = json_object_get(cluster, "etcd");
    text_line("cluster", text_of(cluster, "name"));
    text_line("node", text_of(cluster, "node"));
    text_line("phase", text_of(cluster, "phase"));
    text_line("since", text_of(cluster, "since"));
    text_line("why", text_of(cluster, "why"));
    text_line("position", text_number(cluster, "position", text));
    text_line("head", text_number(cluster, "head", text));
    text_line("turn", text_of(cluster, "turn"));
    text_line("works", text_of(cluster, "works"));
    text_line("pending", text_number(cluster, "pending", text));
    text_line("conflicts", text_number(cluster, "conflicts", text));
    text_line("acknowledge", text_of(cluster, "acknowledge"));
    text_line("etcd", is_true(etcd, "reached") ? text_of(etcd, "endpoint") : "not reached");
    text_line("etcd says", text_of(etcd, "why"));
    text_line("etcd size", text_number(etcd, "size", text));
    text_line("etcd alarm", text_of(etcd, "alarm"));
}

static const char *describe(const json_t *value)
{
    const char *state = text_of(value, "state");
    return value == NULL || json_is_null(value) ? "nothing" : state == NULL ? "something" : state;
}

static void show_conflicts(const struct steerctl *ctl, const json_t *items)
{
    static const char *const headings[] = {"OBJECT",  "HOLDS", "OF NODE", "INSTEAD OF",
                                           "OF NODE", "SINCE", NULL};
    size_t i;
    const json_t *item;
    char age[32];
    struct table *table = table_new(ctl, headings);
    json_array_foreach(items, i, item)
    {
        const json_t *conflict = json_object_get(item, "conflict");
        bool ours = is_true(conflict, "ours_holds");
        const char *since = text_of(conflict, "since");
        table_add(table, text_of(item, "id"));
        table_add(table, describe(json_object_get(conflict, ours ? "ours" : "theirs")));
        table_add(table, text_of(conflict, ours ? "node" : "their_node"));
        table_add(table, describe(json_object_get(conflict, ours ? "theirs" : "ours")));
        table_add(table, text_of(conflict, ours ? "their_node" : "node"));
        table_add(table, since == NULL ? NULL : text_age(since, age));
    }
    table_print(table);
}

static enum steerctl_exit list_conflicts(const struct steerctl *ctl)
{
    json_t *json;
    enum steerctl_exit code = steerctl_ask_json(ctl, "GET", "/v1/cluster/conflicts", NULL, &json);
    const json_t *items = json_object_get(json, "items");
    if (code == STEERCTL_OK && !ctl->json && json_array_size(items) == 0) {
        puts("there are no conflicts");
    } else if (code == STEERCTL_OK && !ctl->json) {
        show_conflicts(ctl, items);
    }
    json_decref(json);
    return code;
}

static enum steerctl_exit ask(const struct steerctl *ctl, const char *method, const char *target)
{
    json_t *json;
    enum steerctl_exit code = steerctl_ask_json(ctl, method, target, NULL, &json);
    if (code == STEERCTL_OK && !ctl->json) {
        show_cluster(json);
    }
    json_decref(json);
    return code;
}

static enum steerctl_exit mend(const struct steerctl *ctl, const char *what)
{
    bool replaces = (ctl->given & OPTION_REPLACE) != 0;
    const char *target = strcmp(what, "adopt") == 0 ? "/v1/cluster:adopt"
                         : replaces                 ? "/v1/cluster:refill?replace=true"
                                                    : "/v1/cluster:refill";
    enum steerctl_exit code =
        confirm_typed(ctl, what,
                      strcmp(what, "adopt") == 0 ? "take what etcd has, instead of what this node has"
                                                 : "write what this node has into etcd, for all nodes");
    return code == STEERCTL_OK ? ask(ctl, "POST", target) : code;
}

enum steerctl_exit run_cluster(const struct steerctl *ctl)
{
    const char *what = ctl->word_count == 1 ? "status" : ctl->words[1];
    enum steerctl_exit code;
    if (members_run(ctl, &code)) {
        return code;
    }
    const char *odd = options_find_odd(ctl, OPTION_REPLACE | OPTION_CONFIRM);
    if (odd != NULL || ctl->word_count > 2) {
        return odd != NULL ? steerctl_usage("cluster %s does not take --%s", what, odd)
                           : steerctl_usage("cluster %s takes nothing more", what);
    }
    bool mends = strcmp(what, "refill") == 0 || strcmp(what, "adopt") == 0;
    if ((ctl->given & OPTION_REPLACE) != 0 && strcmp(what, "refill") != 0) {
        return steerctl_usage("--replace belongs to cluster refill and invite");
    }
    if ((ctl->given & OPTION_CONFIRM) != 0 && !mends) {
        return steerctl_usage("cluster %s asks nothing: --yes and --confirm belong to refill and adopt",
                              what);
    }
    if (mends) {
        return mend(ctl, what);
    }
    if (strcmp(what, "conflicts") == 0) {
        return list_conflicts(ctl);
    }
    if (strcmp(what, "status") != 0) {
        return steerctl_usage(
            "found \"cluster %s\", expected status, conflicts, refill, adopt, init, invite, "
            "join or remove",
            what);
    }
    return ask(ctl, "GET", "/v1/cluster");
}
