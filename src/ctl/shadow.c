/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Shadow drills: begun, listed, looked at, ended. */
#include "config.h"

#include "ctl/text.h"
#include "ctl/verbs.h"

#include <string.h>

enum { CELL = 256, ROWS_MAX = 40 };

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
    if (text_of(clients, "tsig_key") != NULL) {
        text_line("key", text_of(clients, "tsig_key"));
    }
}

static void show_measured(const json_t *measured)
{
    char detection[CELL], decision[CELL], publication[CELL], text[4 * CELL];
    snprintf(text, sizeof text, "detection %s, decision %s, publication %s",
             write_ms(measured, "detection_ms", detection), write_ms(measured, "decision_ms", decision),
             write_ms(measured, "publication_ms", publication));
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

static void show_timeline(const json_t *report)
{
    size_t i, shown = 0;
    const json_t *event;
    char at[CELL], clean[CELL];
    json_array_foreach(get(report, "timeline"), i, event)
    {
        if (!json_is_true(get(event, "detail")) && shown++ < ROWS_MAX) {
            printf("%s%10s  %s\n", shown == 1 ? "\n" : "", write_ms(event, "at_ms", at),
                   text_clean(text_or_dash(text_of(event, "text")), clean, sizeof clean));
        }
    }
}

static void show_answers(const struct steerctl *ctl, const json_t *answers)
{
    static const char *const headings[] = {"NAME", "TYPE", "CLASS", "BEFORE", "DURING", "AT", NULL};
    size_t i;
    const json_t *row;
    char at[CELL];
    if (json_array_size(answers) == 0) {
        return;
    }
    struct table *table = table_new(ctl, headings);
    json_array_foreach(answers, i, row)
    {
        if (i < ROWS_MAX) {
            table_add(table, text_of(row, "name"));
            table_add(table, text_of(row, "type"));
            table_add(table, text_of(row, "class"));
            table_add(table, text_of(row, "before"));
            table_add(table, text_of(row, "during"));
            table_add(table, write_ms(row, "decided_ms", at));
        }
    }
    putchar('\n');
    table_print(table);
    if (json_array_size(answers) > ROWS_MAX) {
        printf("... and %zu more (--json has all)\n", json_array_size(answers) - ROWS_MAX);
    }
}

static void show_outcome(const struct steerctl *ctl, const json_t *report)
{
    char text[2 * CELL], recovery[CELL], rto[CELL];
    if (!json_is_object(report)) {
        return;
    }
    snprintf(text, sizeof text, "%lld of %lld change, %lld unserved, %lld still lead to what is lost",
             (long long)json_integer_value(get(report, "answers_changed")),
             (long long)json_integer_value(get(report, "answers_total")),
             (long long)json_integer_value(get(report, "answers_unserved")),
             (long long)json_integer_value(get(report, "answers_to_lost")));
    text_line("answers", text);
    snprintf(text, sizeof text, "%s with the longest TTL%s%s%s", write_ms(report, "recovery_ms", recovery),
             json_is_number(get(report, "rto_ms")) ? "; RTO " : "",
             json_is_number(get(report, "rto_ms")) ? write_ms(report, "rto_ms", rto) : "",
             json_is_true(get(report, "meets_rto"))    ? ", met"
             : json_is_false(get(report, "meets_rto")) ? ", MISSED"
                                                       : "");
    text_line("recovery", text);
    show_timeline(report);
    show_answers(ctl, get(report, "answers"));
}

static void show_shadow(const struct steerctl *ctl, const json_t *drill)
{
    char text[CELL], list[TEXT_LIST_SIZE];
    const char *because = text_of(drill, "because");
    text_line("drill", text_of(drill, "id"));
    snprintf(text, sizeof text, "%s%s%s", text_or_dash(text_of(drill, "state")), because == NULL ? "" : ": ",
             because == NULL ? "" : because);
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
    show_measured(get(drill, "measured"));
    show_proof(get(drill, "proof"));
    show_outcome(ctl, get(drill, "report"));
}

static void show_list(const struct steerctl *ctl, const json_t *items)
{
    static const char *const headings[] = {"DRILL",    "STATE",   "LOST",        "STARTED",
                                           "DECISION", "QUERIES", "DIFFERENCES", NULL};
    size_t i;
    const json_t *item;
    struct table *table = table_new(ctl, headings);
    json_array_foreach(items, i, item)
    {
        char list[TEXT_LIST_SIZE], number[TEXT_NUMBER_SIZE], ms[CELL];
        table_add(table, text_of(item, "id"));
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

static enum steerctl_exit ask(const struct steerctl *ctl, const char *method, const char *path, json_t *body)
{
    json_t *json;
    enum steerctl_exit code = steerctl_ask_json(ctl, method, path, body, &json);
    if (code == STEERCTL_OK && !ctl->json) {
        show_shadow(ctl, json);
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
    json_t *items;
    enum steerctl_exit code = steerctl_list(ctl, "/v1/drills", &items);
    if (code == STEERCTL_OK && ctl->json) {
        steerctl_print_page(items, NULL);
    } else if (code == STEERCTL_OK) {
        show_list(ctl, items);
    }
    json_decref(items);
    return code;
}

static enum steerctl_exit begin(const struct steerctl *ctl)
{
    json_t *body = json_object(), *losses = json_array(), *clients = json_object();
    for (size_t i = 0; i < ctl->loss_count; i++) {
        json_t *text = json_string(ctl->losses[i]);
        json_array_append_new(losses, text != NULL ? text : json_string("(not UTF-8)"));
    }
    steerctl_set_list(clients, "prefixes", ctl->client);
    steerctl_set_list(clients, "ecs", ctl->ecs);
    steerctl_set(clients, "tsig_key", ctl->tsig_key);
    steerctl_set(body, "mode", "shadow");
    json_object_set_new(body, "lose", losses);
    json_object_set_new(body, "clients", clients);
    steerctl_set(body, "failure", ctl->failure);
    steerctl_set(body, "duration", ctl->for_);
    steerctl_set(body, "reason", ctl->reason);
    steerctl_set(body, "actor", ctl->actor);
    enum steerctl_exit code = ask(ctl, "POST", "/v1/drills", body);
    for (size_t i = 0; code == STEERCTL_REFUSED && i < ctl->loss_count; i++) {
        code = target_explain_text(ctl, code, ctl->losses[i]);
    }
    return code;
}

bool shadow_has_word(const char *word)
{
    return strcmp(word, "shadow") == 0 || strcmp(word, "list") == 0 || strcmp(word, "show") == 0 ||
           strcmp(word, "stop") == 0;
}

enum steerctl_exit run_shadow(const struct steerctl *ctl)
{
    const char *what = ctl->words[1];
    if ((ctl->given & (OPTION_FROM | OPTION_OUTPUT | OPTION_HTML)) != 0) {
        return steerctl_usage("drill %s takes none of --from, --output and --html", what);
    }
    if (strcmp(what, "show") == 0 || strcmp(what, "stop") == 0) {
        return ask_one(ctl, what[1] == 'h' ? "GET" : "DELETE");
    }
    if (ctl->word_count != 2) {
        return steerctl_usage("drill %s takes nothing else", what);
    }
    if (strcmp(what, "list") == 0) {
        return list(ctl);
    }
    if (ctl->loss_count == 0) {
        return steerctl_usage("drill shadow needs --lose TARGET");
    }
    if (ctl->client == NULL && ctl->ecs == NULL && ctl->tsig_key == NULL) {
        return steerctl_usage(
            "drill shadow needs --client PREFIX, --ecs PREFIX or --tsig-key NAME: who sees it");
    }
    return begin(ctl);
}
