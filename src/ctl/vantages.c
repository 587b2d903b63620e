/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Hosts that check, too: a table of them, and who may be one. */
#include "config.h"

#include "ctl/template.h"
#include "ctl/verbs.h"

#include <stdlib.h>
#include <string.h>

#define STATE                                                                                                \
    "{state|=-}[?drained|, drained][?opinions.set_aside|, set aside]"                                        \
    "[!state=invited|[!drained|[!opinions.count|, does not count]]]"                                         \
    "[?node.state|[!node.state=connected|, not reached]]"
/* "1200+": the latest list is on its way. */
#define CHECKS                                                                                               \
    "{list.targets|=0}[!list.current|+][?list.declined_because| (list refused)]"                             \
    "[!list.declined_because|[+list.refused| ({list.refused} refused)]]"

static const struct template_row columns[] = {ROW("VANTAGE", "{name}"),
                                              ROW("STATE", STATE),
                                              ROW("SINCE", "{since:age}"),
                                              ROW("HEARD", "{heard:age}"),
                                              ROW("CHECKS", CHECKS),
                                              ROW("UP", "{opinions.up}"),
                                              ROW("DOWN", "{opinions.down}"),
                                              ROW("ROUND TRIP", "{round_trip_us:us}"),
                                              ROW("WEIGHT", "{weight}"),
                                              ROW("FROM", "{from}"),
                                              ROW_END};

enum steerctl_exit run_vantages(const struct steerctl *ctl)
{
    json_t *json;
    enum steerctl_exit code = steerctl_ask_json(ctl, "GET", "/v1/vantages", NULL, &json);
    if (code == STEERCTL_OK && !ctl->json) {
        template_table(ctl, columns, json_object_get(json, "items"));
        template_print("fingerprint of this server: {fingerprint}", json); /* which the others have to know */
        if (!json_is_true(json_object_get(json, "open"))) {
            puts("no vantage can come: steerd.json has no \"listen\" in \"vantages\", or their key cannot be "
                 "used");
        }
    }
    json_decref(json);
    return code;
}

/* ---- one of them ---- */

static const struct template_row lines[] = {
    ROW("vantage", "{name}"),
    ROW("state", STATE),
    ROW("since", "{since}"),
    ROW("from", "{from}"),
    ROW("software", "{software}"),
    ROW("enrolled", "{enrolled}"),
    ROW("invited", "{invited_until}"),
    ROW("fingerprint", "{fingerprint}"),
    ROW("weight", "{weight}"),
    ROW("heard", "{heard}"),
    ROW("round trip", "{round_trip_us:us}"),
    ROW("checks", CHECKS),
    ROW("refused", "{list.refused_because}"),
    ROW("list refused", "{list.declined_because}"),
    ROW("opinions", "{opinions.up|=0} up, {opinions.down|=0} down"),
    ROW("ended", "{ended_because}"),
    ROW("?there", "{node.state}"), /* what this server is to a node */
    ROW("?there since", "{node.since}"),
    ROW("?heard there", "{node.heard}"),
    ROW("?targets", "{node.unknown} of {node.targets} unknown here, {node.told} told"),
    ROW("?not reached", "{node.ended_because}"),
    ROW_END};

static const char invitation[] =
    "{name|=-} may become a vantage until {expires|=-}. There, with the address of this server:\n\n"
    "  steerprobe enrol {token|=-} --server HOST:PORT\n\n"
    "The token can be used once, and is not shown again.";

static json_t *make_body(const struct steerctl *ctl, const char *name)
{
    json_t *body = steerctl_make_body(ctl);
    steerctl_set(body, "name", name);
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
        enrols ? template_print(invitation, json) : template_lines(ctl, lines, json);
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
