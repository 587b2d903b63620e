/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Drills on the server: shadow ones are begun here, those and live ones listed, looked at, ended. */
#include "config.h"

#include "ctl/observe.h"
#include "ctl/observe_write.h"
#include "ctl/reports.h"
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

static const char *write_ms(const json_t *object, const char *key, char out[CELL])
{
    const json_t *value = get(object, key);
    if (!json_is_number(value)) {
        return "-";
    }
    double ms = json_number_value(value);
    snprintf(out, CELL, ms < 10 ? "%.3f ms" : ms < 1000 ? "%.0f ms" : "%.2f s", ms < 1000 ? ms : ms / 1000);
    return out;
}

static void show_clients(const json_t *clients)
{
    char list[TEXT_LIST_SIZE];
    if (json_array_size(get(clients, "prefixes")) != 0) {
        text_line("clients", text_join(get(clients, "prefixes"), ", ", list));
    }
    if (json_array_size(get(clients, "ecs")) != 0) {
        text_line("subnets", text_join(get(clients, "ecs"), ", ", list));
    }
    if (json_array_size(get(clients, "listen")) != 0) {
        text_line("listen", text_join(get(clients, "listen"), ", ", list));
    }
    if (text_of(clients, "tsig_key") != NULL) {
        text_line("key", text_of(clients, "tsig_key"));
    }
}

static void show_measured(const json_t *measured)
{
    char detection[CELL], decision[CELL], publication[CELL], back[CELL], text[5 * CELL];
    const char *returned = write_ms(measured, "return_ms", back);
    snprintf(text, sizeof text, "detection %s, decision %s, publication %s%s%s",
             write_ms(measured, "detection_ms", detection), write_ms(measured, "decision_ms", decision),
             write_ms(measured, "publication_ms", publication),
             json_is_number(get(measured, "return_ms")) ? ", return " : "",
             json_is_number(get(measured, "return_ms")) ? returned : "");
    text_line("measured", text);
}

static void show_proof(const json_t *proof)
{
    char text[CELL];
    if (!json_is_object(proof)) {
        text_line("proof", "none yet");
        return;
    }
    long long differences = (long long)json_integer_value(get(proof, "differences"));
    snprintf(text, sizeof text, "%lld answers of others compared, %lld differ%s",
             (long long)json_integer_value(get(proof, "sampled")), differences,
             differences == 0 ? "" : ": NOT UNTOUCHED");
    text_line("proof", text);
    snprintf(text, sizeof text, "%.70s", text_or_dash(text_of(proof, "hash")));
    text_line("hash", text);
}

static void show_progress(const json_t *progress)
{
    char text[2 * CELL], at[CELL], duration[CELL];
    if (json_is_object(progress)) {
        snprintf(text, sizeof text, "%lld %%, %s of %s: %s",
                 (long long)json_integer_value(get(progress, "percent")), write_ms(progress, "at_ms", at),
                 write_ms(progress, "duration_ms", duration), text_or_dash(text_of(progress, "step")));
        text_line("progress", text);
    }
}

static void show_live(const json_t *live, bool runs)
{
    char text[CELL];
    if (json_is_object(live)) {
        snprintf(text, sizeof text, "%s %lld %% of ALL clients %s it",
                 runs ? "LIVE:" : "live:", (long long)json_integer_value(get(live, "share")),
                 runs ? "see" : "saw");
        text_line("mode", text);
    }
}

void shadow_show(const struct steerctl *ctl, const json_t *drill)
{
    char text[2 * CELL], list[TEXT_LIST_SIZE];
    const char *because = text_of(drill, "because"), *why = text_of(get(drill, "live"), "why");
    text_line("drill", text_of(drill, "id"));
    show_live(get(drill, "live"), because == NULL);
    if (text_of(drill, "name") != NULL) {
        text_line("name", text_of(drill, "name"));
    }
    snprintf(text, sizeof text, "%s%s%s%s%s", text_or_dash(text_of(drill, "state")),
             because == NULL ? "" : ": ", because == NULL ? "" : because, why == NULL ? "" : ", ",
             why == NULL ? "" : why);
    text_line("state", text);
    text_line("lost", text_join(get(drill, "lose"), ", ", list));
    show_clients(get(drill, "clients"));
    text_line("since", text_of(drill, "started"));
    text_line(because == NULL ? "until" : "ended", text_of(drill, because == NULL ? "ends" : "ended"));
    text_line("by", text_of(drill, "actor"));
    text_line("reason", text_of(drill, "reason"));
    snprintf(text, sizeof text, "%lld", (long long)json_integer_value(get(drill, "queries")));
    text_line("queries", text);
    if (json_is_true(get(drill, "overrides_changed"))) {
        text_line("note", "overrides were changed since it began, in it as for everybody");
    }
    show_progress(get(drill, "progress"));
    show_measured(get(drill, "measured"));
    show_proof(get(drill, "proof"));
    if (json_is_object(get(drill, "report"))) {
        putchar('\n');
        drill_show_report(ctl, get(drill, "report"));
    }
    if (json_is_object(get(drill, "observed"))) {
        observe_show_beside(ctl, get(drill, "observed"));
    }
}

static void show_list(const struct steerctl *ctl, const json_t *items)
{
    static const char *const headings[] = {"DRILL",    "MODE",    "STATE",       "LOST", "STARTED",
                                           "DECISION", "QUERIES", "DIFFERENCES", NULL};
    size_t i;
    const json_t *item;
    struct table *table = table_new(ctl, headings);
    json_array_foreach(items, i, item)
    {
        char list[TEXT_LIST_SIZE], number[TEXT_NUMBER_SIZE], ms[CELL];
        table_add(table, text_of(item, "id"));
        table_add(table, text_of(item, "mode"));
        table_add(table, text_of(item, "state"));
        table_add(table, text_join(get(item, "lose"), ",", list));
        table_add(table, text_of(item, "started"));
        table_add(table, write_ms(get(item, "measured"), "decision_ms", ms));
        table_add(table, text_number(item, "queries", number));
        table_add(table, text_number(get(item, "proof"), "differences", number));
    }
    table_print(table);
}

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
    return steerctl_show(ctl, "/v1/drills", show_list);
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
