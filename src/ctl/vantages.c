/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Hosts that check, too: a table of them, and who may be one. */
#include "config.h"

#include "ctl/text.h"
#include "ctl/verbs.h"

#include <stdlib.h>
#include <string.h>

enum { CELL = 256 };

static const json_t *of(const json_t *object, const char *part, const char *key)
{
    return json_object_get(json_object_get(object, part), key);
}

static long long number_of(const json_t *object, const char *part, const char *key)
{
    return json_integer_value(of(object, part, key));
}

/* "connected", "away, drained", "connected, set aside" */
static const char *state_cell(const json_t *vantage, char out[CELL])
{
    const char *state = text_of(vantage, "state");
    bool is_enrolled = strcmp(text_or_dash(state), "invited") != 0;
    bool is_drained = json_is_true(json_object_get(vantage, "drained"));
    bool is_aside = json_array_size(of(vantage, "opinions", "set_aside")) != 0;
    bool is_silent = is_enrolled && !is_drained && !json_is_true(of(vantage, "opinions", "count"));
    const json_t *there = of(vantage, "node", "state");
    bool is_deaf = json_is_string(there) && strcmp(json_string_value(there), "connected") != 0;
    snprintf(out, CELL, "%s%s%s%s%s", text_or_dash(state), is_drained ? ", drained" : "",
             is_aside ? ", set aside" : "", is_silent ? ", does not count" : "",
             is_deaf ? ", not reached" : "");
    return out;
}

static const char *age_cell(const json_t *vantage, const char *key, char out[32])
{
    const char *time = text_of(vantage, key);
    return time == NULL ? NULL : text_age(time, out);
}

/* "1200", "1200+" while the latest list is on its way, "1200 (2 refused)", "1200+ (list refused)" */
static const char *checks_cell(const json_t *vantage, char out[CELL])
{
    long long refused = number_of(vantage, "list", "refused");
    char more[40] = "";
    if (json_is_string(of(vantage, "list", "declined_because"))) {
        snprintf(more, sizeof more, " (list refused)");
    } else if (refused != 0) {
        snprintf(more, sizeof more, " (%lld refused)", refused);
    }
    snprintf(out, CELL, "%lld%s%s", number_of(vantage, "list", "targets"),
             json_is_true(of(vantage, "list", "current")) ? "" : "+", more);
    return out;
}

static const char *round_trip_cell(const json_t *vantage, char out[TEXT_NUMBER_SIZE])
{
    const json_t *value = json_object_get(vantage, "round_trip_us");
    if (!json_is_integer(value)) {
        return NULL;
    }
    snprintf(out, TEXT_NUMBER_SIZE, "%.1f ms", (double)json_integer_value(value) / 1000);
    return out;
}

static void show_vantages(const struct steerctl *ctl, const json_t *items)
{
    static const char *const headings[] = {"VANTAGE", "STATE",      "SINCE",  "HEARD", "CHECKS", "UP",
                                           "DOWN",    "ROUND TRIP", "WEIGHT", "FROM",  NULL};
    size_t i;
    const json_t *vantage;
    char text[CELL], number[TEXT_NUMBER_SIZE], age[32];
    struct table *table = table_new(ctl, headings);
    json_array_foreach(items, i, vantage)
    {
        table_add(table, text_of(vantage, "name"));
        table_add(table, state_cell(vantage, text));
        table_add(table, age_cell(vantage, "since", age));
        table_add(table, age_cell(vantage, "heard", age));
        table_add(table, checks_cell(vantage, text));
        table_add(table, text_number(json_object_get(vantage, "opinions"), "up", number));
        table_add(table, text_number(json_object_get(vantage, "opinions"), "down", number));
        table_add(table, round_trip_cell(vantage, number));
        table_add(table, text_number(vantage, "weight", number));
        table_add(table, text_of(vantage, "from"));
    }
    table_print(table);
}

enum steerctl_exit run_vantages(const struct steerctl *ctl)
{
    json_t *json;
    enum steerctl_exit code = steerctl_ask_json(ctl, "GET", "/v1/vantages", NULL, &json);
    if (code == STEERCTL_OK && !ctl->json) {
        show_vantages(ctl, json_object_get(json, "items"));
        if (json_is_string(json_object_get(json, "fingerprint"))) { /* which the others have to know */
            printf("fingerprint of this server: %s\n", text_of(json, "fingerprint"));
        }
        if (!json_is_true(json_object_get(json, "open"))) {
            puts("no vantage can come: steerd.json has no \"listen\" in \"vantages\", or their key cannot be "
                 "used");
        }
    }
    json_decref(json);
    return code;
}

/* ---- one of them ---- */

/* What this server is to a node. */
static void show_node(const json_t *vantage)
{
    char text[CELL];
    const json_t *node = json_object_get(vantage, "node");
    if (!json_is_object(node)) {
        return;
    }
    text_line("there", text_of(node, "state"));
    text_line("there since", text_of(node, "since"));
    text_line("heard there", text_of(node, "heard"));
    snprintf(text, sizeof text, "%lld of %lld unknown here, %lld told", number_of(vantage, "node", "unknown"),
             number_of(vantage, "node", "targets"), number_of(vantage, "node", "told"));
    text_line("targets", text);
    text_line("not reached", text_of(node, "ended_because"));
}

static void show_vantage(const json_t *vantage)
{
    char text[CELL], number[TEXT_NUMBER_SIZE];
    text_line("vantage", text_of(vantage, "name"));
    text_line("state", state_cell(vantage, text));
    text_line("since", text_of(vantage, "since"));
    text_line("from", text_of(vantage, "from"));
    text_line("software", text_of(vantage, "software"));
    text_line("enrolled", text_of(vantage, "enrolled"));
    text_line("invited", text_of(vantage, "invited_until"));
    text_line("fingerprint", text_of(vantage, "fingerprint"));
    text_line("weight", text_number(vantage, "weight", number));
    text_line("heard", text_of(vantage, "heard"));
    text_line("round trip", round_trip_cell(vantage, number));
    text_line("checks", checks_cell(vantage, text));
    text_line("refused", json_string_value(of(vantage, "list", "refused_because")));
    text_line("list refused", json_string_value(of(vantage, "list", "declined_because")));
    snprintf(text, sizeof text, "%lld up, %lld down", number_of(vantage, "opinions", "up"),
             number_of(vantage, "opinions", "down"));
    text_line("opinions", text);
    text_line("ended", text_of(vantage, "ended_because"));
    show_node(vantage);
}

static void show_token(const json_t *json)
{
    const char *token = text_of(json, "token");
    printf("%s may become a vantage until %s. There, with the address of this server:\n\n"
           "  steerprobe enrol %s --server HOST:PORT\n\n"
           "The token can be used once, and is not shown again.\n",
           text_or_dash(text_of(json, "name")), text_or_dash(text_of(json, "expires")), text_or_dash(token));
}

static json_t *make_body(const struct steerctl *ctl, const char *name)
{
    json_t *body = json_object();
    steerctl_set(body, "name", name);
    steerctl_set(body, "reason", ctl->reason);
    steerctl_set(body, "actor", ctl->actor);
    if (ctl->weight != NULL) {
        char *end;
        long weight = strtol(ctl->weight, &end, 10);
        json_object_set_new(body, "weight", *end == '\0' ? json_integer(weight) : json_string(ctl->weight));
    }
    return body;
}

static const struct action {
    const char *word, *method, *suffix, *done;
} actions[] = {{"drain", "POST", ":drain", "drained: it checks, and does not count"},
               {"undrain", "POST", ":undrain", "counts again"},
               {"revoke", "DELETE", "", "is no vantage any more"},
               {"rename", "POST", ":rename", "renamed"},
               {"show", "GET", "", NULL},
               {"enrol", "POST", "", NULL}};

static bool is(const struct action *action, const char *word)
{
    return strcmp(action->word, word) == 0;
}

static enum steerctl_exit act(const struct steerctl *ctl, const struct action *action)
{
    json_t *json, *body = NULL;
    bool renames = is(action, "rename"), enrols = is(action, "enrol");
    if (strcmp(action->method, "POST") == 0) {
        body = make_body(ctl, renames ? ctl->words[3] : enrols ? ctl->words[2] : NULL);
    }
    enum steerctl_exit code =
        enrols ? steerctl_ask_json(ctl, "POST", "/v1/vantages", body, &json)
               : steerctl_ask_one(ctl, action->method, "/v1/vantages/", action->suffix, body, &json);
    if (code == STEERCTL_OK && !ctl->json && action->done != NULL) {
        printf("vantage %s: %s\n", ctl->words[2], action->done);
    } else if (code == STEERCTL_OK && !ctl->json) {
        enrols ? show_token(json) : show_vantage(json);
    }
    json_decref(json);
    return code;
}

enum steerctl_exit run_vantage(const struct steerctl *ctl)
{
    const char *what = ctl->words[1];
    const struct action *action = actions, *end = actions + sizeof actions / sizeof *actions;
    while (action < end && !is(action, what)) {
        action++;
    }
    if (action == end) {
        return steerctl_usage("found \"vantage %s\", expected enrol, show, drain, undrain, rename or revoke",
                              what);
    }
    if (is(action, "rename") != (ctl->word_count == 4)) {
        return steerctl_usage("vantage %s takes %s", what,
                              is(action, "rename") ? "a name and the new one" : "one name");
    }
    if (ctl->weight != NULL && !is(action, "enrol")) {
        return steerctl_usage("vantage %s does not take --weight", what);
    }
    if ((ctl->given & OPTION_CONFIRM) != 0 && !is(action, "revoke")) {
        return steerctl_usage("vantage %s asks nothing: --yes and --confirm belong to revoke", what);
    }
    enum steerctl_exit code =
        is(action, "revoke") ? confirm_typed(ctl, ctl->words[2], "revoke it") : STEERCTL_OK;
    return code == STEERCTL_OK ? act(ctl, action) : code;
}
