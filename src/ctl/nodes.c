/* SPDX-License-Identifier: BSD-3-Clause
 *
 * The cluster: a table of its nodes, how this one is with it, what is in conflict, and the ways out. */
#include "config.h"

#include "ctl/template.h"
#include "ctl/verbs.h"

#include <string.h>

static bool is_true(const json_t *object, const char *key)
{
    return json_is_true(json_object_get(object, key));
}

/* Why a node cannot have the bundle that it is to have. */
static const char failure[] =
    "[!bundle.is=none|[?bundle.is|{name|=-}, bundle {bundle.id|=-:.12}: {bundle.why}]]";

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

/* What of a node that is not heard of is not as it is here, nobody knows. */
#define SAME(key) "[?fresh|[!self|[?" key "|same][!" key "|DIFFERS]]]"

static void show_nodes(const struct steerctl *ctl, const json_t *items)
{
    enum { BUNDLE = 7 };
    struct template_row columns[] = {
        ROW("NODE", "{name|=-}[?self| (here)][?works| *]"),
        ROW_STATE("PHASE", "[?fresh|{phase|=-}][!fresh|gone]"),
        ROW("HEARD", "[!self|{heard_ms|=0} ms]"),
        ROW("APPLIED", "{applied}"),
        ROW("BEHIND", "{behind}"),
        ROW("HEALTH", SAME("same_health")),
        ROW("CONFIG", SAME("same_configuration")),
        ROW("BUNDLE",
            "[?fresh|[?bundle.is=fetching|fetching {bundle.done|=0}%][?bundle.is=failed|FAILED]"
            "[?bundle.is=none|[?bundle.own_files|own files][!bundle.own_files|{bundle.serves|=none:.12}]]"
            "[!bundle.is=fetching|[!bundle.is=failed|[!bundle.is=none|{bundle.is}]]]]"),
        ROW("GENERATION", "{generation}"),
        ROW("SOFTWARE", "{software}"),
        ROW_END};
    if (!has_bundles(items)) {
        memmove(columns + BUNDLE, columns + BUNDLE + 1, sizeof columns - (BUNDLE + 1) * sizeof *columns);
    }
    template_table(ctl, columns, items);
}

enum steerctl_exit run_nodes(const struct steerctl *ctl)
{
    json_t *json;
    enum steerctl_exit code = steerctl_ask_json(ctl, "GET", "/v1/nodes", NULL, &json);
    if (code == STEERCTL_OK && !ctl->json) {
        show_nodes(ctl, json_object_get(json, "items"));
        template_print_each(failure, json_object_get(json, "items"));
    }
    if (code == STEERCTL_OK && !ctl->json && is_true(json, "cut_off")) {
        puts("this node is CUT OFF from everything: it answers by its last verdicts; steerctl serving says "
             "since when");
    }
    json_decref(json);
    return code;
}

static const struct template_row cluster_lines[] = {
    ROW("cluster", "{name}"),
    ROW("node", "{node}"),
    ROW("phase", "{phase}"),
    ROW("since", "{since}"),
    ROW("why", "{why}"),
    ROW("position", "{position}"),
    ROW("head", "{head}"),
    ROW("turn", "{turn}"),
    ROW("works", "{works}"),
    ROW("pending", "{pending}"),
    ROW("conflicts", "{conflicts}"),
    ROW("acknowledge", "{acknowledge}"),
    ROW("etcd", "[?etcd.reached|{etcd.endpoint}][!etcd.reached|not reached]"),
    ROW("etcd says", "{etcd.why}"),
    ROW("etcd size", "{etcd.size}"),
    ROW("etcd alarm", "{etcd.alarm}"),
    ROW_END};

#define SIDE(side)          "[?" side "|{" side ".state|=something}][!" side "|nothing]"
#define HOLDS(ours, theirs) "[?conflict.ours_holds|" ours "][!conflict.ours_holds|" theirs "]"

static const struct template_row conflict_columns[] = {
    ROW("OBJECT", "{id}"),
    ROW("HOLDS", HOLDS(SIDE("conflict.ours"), SIDE("conflict.theirs"))),
    ROW("OF NODE", HOLDS("{conflict.node}", "{conflict.their_node}")),
    ROW("INSTEAD OF", HOLDS(SIDE("conflict.theirs"), SIDE("conflict.ours"))),
    ROW("OF NODE", HOLDS("{conflict.their_node}", "{conflict.node}")),
    ROW("SINCE", "{conflict.since:age}"),
    ROW_END};

static enum steerctl_exit list_conflicts(const struct steerctl *ctl)
{
    json_t *json;
    enum steerctl_exit code = steerctl_ask_json(ctl, "GET", "/v1/cluster/conflicts", NULL, &json);
    const json_t *items = json_object_get(json, "items");
    if (code == STEERCTL_OK && !ctl->json && json_array_size(items) == 0) {
        puts("there are no conflicts");
    } else if (code == STEERCTL_OK && !ctl->json) {
        template_table(ctl, conflict_columns, items);
    }
    json_decref(json);
    return code;
}

static enum steerctl_exit ask(const struct steerctl *ctl, const char *method, const char *target)
{
    json_t *json;
    enum steerctl_exit code = steerctl_ask_json(ctl, method, target, NULL, &json);
    if (code == STEERCTL_OK && !ctl->json) {
        template_lines(ctl, cluster_lines, json);
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
