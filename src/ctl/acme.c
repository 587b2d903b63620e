/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Challenges of ACME's DNS-01, for hooks of ACME clients: what is set is answered by all nodes that are there
 * when the command returns, so that whoever validates may ask any of them. */
#include "config.h"

#include "ctl/template.h"
#include "ctl/verbs.h"

#include <string.h>
#include <time.h>

enum { PAUSE_MS = 100, PATIENCE_MS = 30000 };

/* ---- all nodes ---- */

static bool is_named(const json_t *names, const char *name)
{
    size_t i;
    const json_t *item;
    json_array_foreach(names, i, item)
    {
        if (strcmp(json_string_value(item), name) == 0) {
            return true;
        }
    }
    return false;
}

/* Is a node there, and not as far as this entry? */
static bool is_behind(const json_t *nodes, const json_t *waiting_for, json_int_t seq)
{
    size_t i;
    const json_t *node;
    json_array_foreach(nodes, i, node)
    {
        const char *name = text_of(node, "name");
        if (name != NULL && json_is_true(json_object_get(node, "fresh")) && is_named(waiting_for, name) &&
            json_integer_value(json_object_get(node, "applied")) < seq) {
            return true;
        }
    }
    return false;
}

static bool are_behind(const struct steerctl *ctl, const json_t *waiting_for, json_int_t seq)
{
    struct steerctl_reply reply;
    if (!steerctl_ask(ctl, "GET", "/v1/nodes", NULL, &reply)) {
        return false;
    }
    bool are = reply.status == 200 && is_behind(json_object_get(reply.json, "items"), waiting_for, seq);
    steerctl_reply_fini(&reply);
    return are;
}

/* The answer came when `acknowledge` of steerd.json was satisfied; the rest follows within milliseconds. A
 * node that is stuck holds up nobody for ever. Returns whether there was somebody to wait for, and all are as
 * far. */
static bool wait_for_nodes(const struct steerctl *ctl, const json_t *answer)
{
    const json_t *cluster = json_object_get(answer, "cluster");
    const json_t *waiting_for = json_object_get(cluster, "waiting_for");
    json_int_t seq = json_integer_value(json_object_get(cluster, "seq"));
    const struct timespec pause = {.tv_nsec = PAUSE_MS * 1000000L};
    if (json_array_size(waiting_for) == 0 || seq == 0) {
        return false;
    }
    for (int waited_ms = 0; are_behind(ctl, waiting_for, seq); waited_ms += PAUSE_MS) {
        if (waited_ms >= PATIENCE_MS) {
            fputs("steerctl: not all nodes answer it yet; steerctl nodes shows which are behind\n", stderr);
            return false;
        }
        (void)nanosleep(&pause, NULL);
    }
    return true;
}

/* ---- showing ---- */

static void show_changed(const json_t *answer, bool is_everywhere)
{
    bool is_dry = json_is_true(json_object_get(answer, "dry_run"));
    if (is_dry) {
        puts("dry run: nothing is changed, and it would be accepted; now:");
    }
    template_print("{name|=-}[!challenge.values|: no challenge]", answer);
    template_print_each("  {value|=-} until {expires|=-}",
                        json_object_get(json_object_get(answer, "challenge"), "values"));
    if (!is_dry && json_is_false(json_object_get(answer, "durable"))) {
        puts("not durable: steerd.json has no \"state\", so a restart forgets it");
    }
    if (is_everywhere) {
        puts("in force on all nodes that are there");
    } else {
        nodes_show_spread(answer);
    }
}

static const struct template_row columns[] = {ROW("NAME", "{of.name}"),         ROW("VALUE", "{value}"),
                                              ROW("EXPIRES", "{expires:age}"),  ROW("BY", "{actor}"),
                                              ROW("ANSWERED", "{of.why|=yes}"), ROW_END};

/* A row each value. */
static void show_all(const struct steerctl *ctl, const json_t *items)
{
    json_t *rows = template_unfold(items, "values");
    template_table(ctl, columns, rows);
    json_decref(rows);
}

/* ---- verbs ---- */

static enum steerctl_exit change(const struct steerctl *ctl, const char *method, const char *target,
                                 json_t *body)
{
    json_t *json;
    enum steerctl_exit code = steerctl_ask_json(ctl, method, target, body, &json);
    if (code == STEERCTL_OK) {
        bool is_everywhere = wait_for_nodes(ctl, json);
        if (!ctl->json) {
            show_changed(json, is_everywhere);
        }
    }
    json_decref(json);
    return code;
}

static enum steerctl_exit set_value(const struct steerctl *ctl)
{
    struct buffer target;
    json_t *body = steerctl_make_body(ctl);
    steerctl_set(body, "name", ctl->words[2]);
    steerctl_set(body, "value", ctl->words[3]);
    steerctl_set(body, "expires_in", ctl->for_);
    buffer_init(&target);
    buffer_add_text(&target, "/v1/challenges");
    steerctl_add_query(&target, "dry_run", (ctl->given & OPTION_DRY_RUN) != 0 ? "true" : NULL);
    enum steerctl_exit code = change(ctl, "POST", target.bytes, body);
    buffer_fini(&target);
    return code;
}

static enum steerctl_exit clear(const struct steerctl *ctl)
{
    struct buffer target;
    buffer_init(&target);
    buffer_add_text(&target, "/v1/challenges/");
    steerctl_add_encoded(&target, ctl->words[2]);
    steerctl_add_query(&target, "value", ctl->word_count > 3 ? ctl->words[3] : NULL);
    steerctl_add_query(&target, "reason", ctl->reason);
    steerctl_add_query(&target, "actor", ctl->actor);
    steerctl_add_query(&target, "dry_run", (ctl->given & OPTION_DRY_RUN) != 0 ? "true" : NULL);
    enum steerctl_exit code = change(ctl, "DELETE", target.bytes, NULL);
    buffer_fini(&target);
    return code;
}

enum steerctl_exit run_acme(const struct steerctl *ctl)
{
    const char *what = ctl->words[1];
    bool sets = strcmp(what, "set") == 0, clears = strcmp(what, "clear") == 0;
    if (!sets && !clears && strcmp(what, "list") != 0) {
        return steerctl_usage("found \"acme %s\", expected set, clear or list", what);
    }
    if (sets && ctl->word_count != 4) {
        return steerctl_usage("expected: acme set NAME VALUE");
    }
    if (clears && ctl->word_count < 3) {
        return steerctl_usage("expected: acme clear NAME [VALUE]");
    }
    if (!sets && (ctl->given & OPTION_FOR) != 0) {
        return steerctl_usage("acme %s does not take --for", what);
    }
    if (!sets && !clears) {
        return ctl->word_count != 2 ? steerctl_usage("acme list takes no name")
                                    : steerctl_show(ctl, "/v1/challenges", show_all);
    }
    return sets ? set_value(ctl) : clear(ctl);
}
