/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Drills on the server: shadow ones are begun here, those and live ones listed, looked at, ended. */
#include "config.h"

#include "ctl/observe.h"
#include "ctl/observe_write.h"
#include "ctl/reports.h"
#include "ctl/template.h"
#include "ctl/text.h"
#include "ctl/verbs.h"

#include "base/exits.h"

#include <string.h>
#include <time.h>
#include <unistd.h>

enum { CELL = 256, LINE = 70, PAUSE_MS = 250 };

/* ---- showing ---- */

static const json_t *get(const json_t *object, const char *key)
{
    return json_object_get(object, key);
}

static const struct template_row lines[] = {
    ROW("drill", "{id}"),
    ROW("?mode", "[?live|[?because|live:][!because|LIVE:] {live.share|=0} % of ALL clients "
                 "[?because|saw][!because|see] it]"),
    ROW("?name", "{name}"),
    ROW("state", "{state|=-}[: {because}][, {live.why}]"),
    ROW("lost", "{lose:, }"),
    ROW("?clients", "{clients.prefixes:, }"),
    ROW("?subnets", "{clients.ecs:, }"),
    ROW("?listen", "{clients.listen:, }"),
    ROW("?key", "{clients.tsig_key}"),
    ROW("since", "{started}"),
    ROW("?until", "[!because|{ends|=-}]"),
    ROW("?ended", "[?because|{ended|=-}]"),
    ROW("by", "{actor}"),
    ROW("reason", "{reason}"),
    ROW("queries", "{queries|=0}"),
    ROW("?note", "[?overrides_changed|overrides were changed since it began, in it as for everybody]"),
    ROW("?progress", "{progress.percent} %, {progress.at_ms|=-:span} of {progress.duration_ms|=-:span}: "
                     "{progress.step|=-}"),
    ROW("measured",
        "detection {measured.detection_ms|=-:span}, decision {measured.decision_ms|=-:span}, publication "
        "{measured.publication_ms|=-:span}[, return {measured.return_ms:span}]"),
    ROW("proof", "[{proof.sampled} answers of others compared, {proof.differences} "
                 "differ[+proof.differences|: NOT UNTOUCHED]]"
                 "[!proof|none yet]"),
    ROW("?hash", "[?proof|{proof.hash|=-:.70}]"),
    ROW_END};

void shadow_show(const struct steerctl *ctl, const json_t *drill)
{
    template_lines(ctl, lines, drill);
    if (json_is_object(get(drill, "report"))) {
        putchar('\n');
        drill_show_report(ctl, get(drill, "report"));
    }
    if (json_is_object(get(drill, "observed"))) {
        observe_show_beside(ctl, get(drill, "observed"));
    }
}

static const struct template_row columns[] = {ROW("DRILL", "{id}"),
                                              ROW("MODE", "{mode}"),
                                              ROW("STATE", "{state}"),
                                              ROW("LOST", "{lose:,}"),
                                              ROW("STARTED", "{started}"),
                                              ROW("DECISION", "{measured.decision_ms:span}"),
                                              ROW("QUERIES", "{queries}"),
                                              ROW("DIFFERENCES", "{proof.differences}"),
                                              ROW_END};

/* ---- asking ---- */

static enum steerctl_exit show_whole(const struct steerctl *ctl, json_t *drill)
{
    const json_t *report = get(drill, "report");
    if (!ctl->json) {
        shadow_show(ctl, drill);
    }
    if (ctl->html != NULL && !json_is_object(report)) {
        fprintf(stderr, "steerctl: %s was not written: the drill has no report yet\n", ctl->html);
        return (enum steerctl_exit)EXITS_DRILL_NOT_RUN;
    }
    return ctl->html != NULL && !drill_write_whole_page(ctl, drill) ? (enum steerctl_exit)EXITS_DRILL_NOT_RUN
                                                                    : STEERCTL_OK;
}

static enum steerctl_exit ask(const struct steerctl *ctl, const char *method, const char *path, json_t *body)
{
    json_t *json;
    enum steerctl_exit code = steerctl_ask_json(ctl, method, path, body, &json);
    if (code == STEERCTL_OK) {
        code = show_whole(ctl, json);
    }
    json_decref(json);
    return code;
}

static enum steerctl_exit ask_one(const struct steerctl *ctl, const char *method)
{
    struct buffer path;
    if (ctl->word_count != 3) {
        return steerctl_usage("drill %s needs the ID of one", ctl->words[1]);
    }
    buffer_init(&path);
    buffer_add_text(&path, "/v1/drills/");
    steerctl_add_encoded(&path, ctl->words[2]);
    if (strcmp(method, "DELETE") == 0) {
        steerctl_add_query(&path, "actor", ctl->actor);
    }
    enum steerctl_exit code = ask(ctl, method, path.bytes, NULL);
    buffer_fini(&path);
    return code;
}

static enum steerctl_exit list(const struct steerctl *ctl)
{
    return steerctl_show_rows(ctl, "/v1/drills", columns);
}

/* ---- waiting ---- */

/* A line on a terminal that is written over; elsewhere one for each step. */
static void tell_step(const json_t *progress, char last[CELL])
{
    char line[2 * CELL], clean[CELL];
    const char *step = text_of(progress, "step");
    bool is_terminal = isatty(STDERR_FILENO) == 1;
    if (step == NULL) {
        return;
    }
    (void)text_clean(step, clean, sizeof clean);
    snprintf(line, sizeof line, "%3lld %%: %s", (long long)json_integer_value(get(progress, "percent")),
             clean);
    if (is_terminal) {
        fprintf(stderr, "\r%-*.*s", LINE, LINE, line);
    } else if (strcmp(last, clean) != 0) {
        fprintf(stderr, "%s\n", line);
    }
    snprintf(last, CELL, "%s", clean);
}

/* Until it has ended. Returns owned; NULL: it is not known any more, which was said. */
static json_t *wait_for_end(const struct steerctl *ctl, const char *id)
{
    const struct timespec pause = {.tv_nsec = PAUSE_MS * 1000000L};
    struct steerctl quiet = *ctl;
    struct buffer path;
    json_t *drill = NULL;
    char last[CELL] = "";
    quiet.json = false;
    buffer_init(&path);
    buffer_add_text(&path, "/v1/drills/");
    steerctl_add_encoded(&path, id);
    while (steerctl_ask_json(&quiet, "GET", path.bytes, NULL, &drill) == STEERCTL_OK &&
           strcmp(text_or_dash(text_of(drill, "state")), "ended") != 0) {
        tell_step(get(drill, "progress"), last);
        json_decref(drill);
        drill = NULL;
        (void)nanosleep(&pause, NULL);
    }
    if (last[0] != '\0' && isatty(STDERR_FILENO) == 1) {
        fprintf(stderr, "\r%*s\r", LINE, "");
    }
    buffer_fini(&path);
    return drill;
}

/* 0: it ran to its end and met all objectives, 1: it missed one, 2: it did not, or has no report. */
static enum steerctl_exit judge(const json_t *drill)
{
    const json_t *report = get(drill, "report");
    return !json_is_object(report) || !json_is_true(get(drill, "complete"))
               ? (enum steerctl_exit)EXITS_DRILL_NOT_RUN
           : json_is_true(get(report, "failed")) ? (enum steerctl_exit)EXITS_DRILL_MISSED
                                                 : STEERCTL_OK;
}

static json_t *follow(const struct steerctl *ctl, const json_t *begun)
{
    struct drill_follow follow;
    drill_follow_open(&follow, ctl, begun);
    drill_follow_wait(&follow, 0);
    drill_follow_close(&follow);
    return wait_for_end(ctl, text_or_dash(text_of(begun, "id")));
}

enum steerctl_exit shadow_wait(const struct steerctl *ctl, const json_t *begun,
                               struct observation *observation)
{
    bool is_kept = true;
    json_t *drill = observation == NULL ? follow(ctl, begun) : observation_run(observation, begun, &is_kept);
    enum steerctl_exit code = is_kept ? judge(drill) : (enum steerctl_exit)EXITS_DRILL_NOT_RUN;
    if (drill != NULL && ctl->json) {
        text_print_json(drill, JSON_INDENT(2) | JSON_REAL_PRECISION(9));
    }
    if (drill != NULL && show_whole(ctl, drill) != STEERCTL_OK) {
        code = (enum steerctl_exit)EXITS_DRILL_NOT_RUN;
    }
    json_decref(drill);
    return code;
}

bool shadow_waits(const struct steerctl *ctl)
{
    return (ctl->given & (OPTION_WAIT | OPTION_OBSERVE)) != 0;
}

bool shadow_may_observe(const struct steerctl *ctl, struct observation **observation)
{
    const option_set of_it = OPTIONS_OBSERVE & ~OPTION_OBSERVE;
    *observation = NULL;
    if (ctl->observe == NULL && (ctl->given & of_it) != 0) {
        (void)steerctl_usage("--server, --resolvers, --ttl and --retry belong to --observe NAME");
        return false;
    }
    if (ctl->html != NULL && !shadow_waits(ctl)) {
        (void)steerctl_usage("drill %s has a report when it has ended: --html needs --wait", ctl->words[1]);
        return false;
    }
    *observation = ctl->observe == NULL ? NULL : observation_plan(ctl);
    return ctl->observe == NULL || *observation != NULL;
}

/* ---- beginning ---- */

static void set_losses(const struct steerctl *ctl, json_t *body)
{
    json_t *losses = json_array();
    for (size_t i = 0; i < ctl->loss_count; i++) {
        json_t *text = json_string(ctl->losses[i]);
        json_array_append_new(losses, text != NULL ? text : json_string("(not UTF-8)"));
    }
    json_object_set_new(body, "lose", losses);
    steerctl_set(body, "failure", ctl->failure);
    steerctl_set(body, "duration", ctl->for_);
}

static bool has_clients(const struct steerctl *ctl)
{
    return ctl->client != NULL || ctl->ecs != NULL || ctl->listen != NULL || ctl->tsig_key != NULL;
}

/* NULL: why was said. */
static json_t *make_body(const struct steerctl *ctl, const char *path)
{
    json_t *body = json_object(), *clients = json_object();
    json_t *document = path == NULL ? NULL : drill_read_document(path);
    steerctl_set(body, "mode", "shadow");
    if (document != NULL) {
        json_object_set_new(body, "document", document);
    } else if (path == NULL) {
        set_losses(ctl, body);
    }
    steerctl_set_list(clients, "prefixes", ctl->client);
    steerctl_set_list(clients, "ecs", ctl->ecs);
    steerctl_set_list(clients, "listen", ctl->listen);
    steerctl_set(clients, "tsig_key", ctl->tsig_key);
    if (has_clients(ctl)) { /* else a document says them */
        json_object_set(body, "clients", clients);
    }
    json_decref(clients);
    steerctl_set(body, "reason", ctl->reason);
    steerctl_set(body, "actor", ctl->actor);
    if (path != NULL && document == NULL) {
        json_decref(body);
        return NULL;
    }
    return body;
}

static enum steerctl_exit begin(const struct steerctl *ctl, const char *path, struct observation *observation)
{
    bool waits = shadow_waits(ctl);
    struct steerctl quiet = *ctl;
    json_t *body = make_body(ctl, path), *begun = NULL;
    if (body == NULL) {
        return (enum steerctl_exit)EXITS_DRILL_NOT_RUN;
    }
    quiet.json = ctl->json && !waits;
    enum steerctl_exit code = steerctl_ask_json(&quiet, "POST", "/v1/drills", body, &begun);
    for (size_t i = 0; code == STEERCTL_REFUSED && i < ctl->loss_count; i++) {
        code = target_explain_text(ctl, code, ctl->losses[i]);
    }
    if (code == STEERCTL_OK) {
        code = waits ? shadow_wait(ctl, begun, observation) : show_whole(ctl, begun);
    } else if (waits) {
        code = (enum steerctl_exit)EXITS_DRILL_NOT_RUN;
    }
    json_decref(begun);
    return code;
}

enum steerctl_exit run_shadow(const struct steerctl *ctl)
{
    const char *path = ctl->word_count > 2 ? ctl->words[2] : NULL;
    struct observation *observation;
    if (path == NULL && ctl->loss_count == 0) {
        return steerctl_usage("drill shadow needs --lose TARGET, or a FILE");
    }
    if (path != NULL && (ctl->given & (OPTION_LOSE | OPTION_FAILURE | OPTION_FOR)) != 0) {
        return steerctl_usage("found \"%s\" beside --lose, --failure or --for, which it says itself", path);
    }
    if (path == NULL && !has_clients(ctl)) {
        return steerctl_usage("drill shadow needs --client PREFIX, --ecs PREFIX, --listen ADDRESS:PORT or "
                              "--tsig-key NAME: who sees it");
    }
    if (!shadow_may_observe(ctl, &observation)) {
        return STEERCTL_USAGE;
    }
    enum steerctl_exit code = begin(ctl, path, observation);
    observation_free(observation);
    return code;
}

/* ---- those that there are ---- */

enum steerctl_exit run_shadows(const struct steerctl *ctl)
{
    const char *what = ctl->words[1];
    if (strcmp(what, "list") != 0) {
        return ask_one(ctl, strcmp(what, "show") == 0 ? "GET" : "DELETE");
    }
    return ctl->word_count == 2 ? list(ctl) : steerctl_usage("drill %s takes nothing else", what);
}
