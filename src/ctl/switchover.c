/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Switchovers: planned, carried out, verified, committed or rolled back. */
#include "config.h"

#include "ctl/text.h"
#include "ctl/verbs.h"

#include <stdlib.h>
#include <string.h>

enum { CELL = 256, STEPS_MAX = 16 };

/* ---- showing ---- */

static const char *join(const json_t *list, char out[CELL])
{
    size_t used = 0, i;
    const json_t *item;
    out[0] = '\0';
    json_array_foreach(list, i, item)
    {
        const char *text = json_string_value(item);
        char number[24];
        snprintf(number, sizeof number, "%lld %%", (long long)json_integer_value(item));
        used += used >= CELL ? 0
                             : (size_t)snprintf(out + used, CELL - used, "%s%.100s", i == 0 ? "" : ", ",
                                                text == NULL ? number : text);
    }
    return out[0] == '\0' ? NULL : out;
}

static void show_findings(const json_t *look)
{
    size_t i;
    const json_t *finding;
    char name[64], text[2 * CELL];
    json_array_foreach(json_object_get(look, "findings"), i, finding)
    {
        printf("%s  %-12s %s\n", json_is_true(json_object_get(finding, "good")) ? "ok   " : "NOT  ",
               text_clean(text_or_dash(text_of(finding, "name")), name, sizeof name),
               text_clean(text_or_dash(text_of(finding, "text")), text, sizeof text));
    }
}

/* "30 s: 2 names (61.0 % of their answers), 300 s: 1 name (39.0 %)" */
static void show_ttls(const json_t *look)
{
    char text[4 * CELL] = "";
    size_t i, used = 0;
    const json_t *row;
    double all = json_number_value(json_object_get(json_object_get(look, "asked"), "per_second"));
    json_array_foreach(json_object_get(look, "ttls"), i, row)
    {
        long long names = (long long)json_integer_value(json_object_get(row, "names"));
        double rate = json_number_value(json_object_get(row, "per_second"));
        char share[64] = "";
        if (all > 0) {
            snprintf(share, sizeof share, " (%.1f %%%s)", 100 * rate / all,
                     i == 0 ? " of their answers" : "");
        }
        int len = snprintf(text + used, sizeof text - used, "%s%lld s: %lld name%s%s", i == 0 ? "" : ", ",
                           (long long)json_integer_value(json_object_get(row, "ttl_s")), names,
                           names == 1 ? "" : "s", share);
        used += (size_t)len < sizeof text - used ? (size_t)len : sizeof text - used - 1;
    }
    if (used != 0) {
        text_line("moved after", text);
    }
}

/* "example.com. (2), example.net. (1), and 3 more" */
static void show_touched(const json_t *look)
{
    enum { SHOWN = 5 };
    const json_t *zones = json_object_get(look, "zones"), *row;
    size_t i, used = 0, count = (size_t)json_integer_value(json_object_get(zones, "count"));
    char text[4 * CELL] = "", name[CELL];
    json_array_foreach(json_object_get(zones, "items"), i, row)
    {
        if (i < SHOWN && used < sizeof text) {
            int len = snprintf(text + used, sizeof text - used, "%s%s (%lld)", i == 0 ? "" : ", ",
                               text_clean(text_or_dash(text_of(row, "zone")), name, sizeof name),
                               (long long)json_integer_value(json_object_get(row, "names")));
            used += len < 0 ? 0 : (size_t)len;
        }
    }
    if (count > SHOWN && used < sizeof text) {
        snprintf(text + used, sizeof text - used, ", and %zu more", count - SHOWN);
    }
    if (count != 0) {
        text_line("zones", text);
    }
}

static void show_asked(const json_t *look)
{
    const json_t *asked = json_object_get(look, "asked");
    char text[CELL];
    if (json_is_object(asked)) {
        snprintf(text, sizeof text, "%.1f %% of all answers of the last 5 minutes, %.4g per second",
                 100 * json_number_value(json_object_get(asked, "share")),
                 json_number_value(json_object_get(asked, "per_second")));
        text_line("asked", text);
    }
}

/* "31 % of its capacity, 68.1 answers per second"; false: nothing is known. */
static bool write_load(const json_t *side, char *out, size_t size)
{
    const json_t *load = json_object_get(side, "load"), *rate = json_object_get(side, "answers_per_second");
    char text[64] = "";
    out[0] = '\0';
    if (json_is_number(load)) {
        snprintf(out, size, "%.0f %% of its capacity", 100 * json_number_value(load));
    }
    if (json_is_number(rate)) {
        snprintf(text, sizeof text, "%.4g answers per second", json_number_value(rate));
    }
    size_t used = strlen(out);
    snprintf(out + used, size - used, "%s%s", used != 0 && text[0] != '\0' ? ", " : "", text);
    return out[0] != '\0';
}

/* Of regions that get more than they had. */
static void show_capacity(const json_t *look)
{
    enum { SHOWN = 5 };
    size_t i, shown = 0;
    const json_t *region;
    json_array_foreach(json_object_get(json_object_get(look, "capacity"), "regions"), i, region)
    {
        const json_t *before = json_object_get(region, "before"), *after = json_object_get(region, "after");
        bool gains = json_number_value(json_object_get(after, "share")) >
                     json_number_value(json_object_get(before, "share"));
        char was[CELL], is[CELL], text[3 * CELL], clean[CELL];
        bool had = write_load(before, was, sizeof was);
        if (gains && write_load(after, is, sizeof is) && shown++ < SHOWN) {
            snprintf(text, sizeof text, "%s: %s%s%s%s",
                     text_clean(text_or_dash(text_of(region, "region")), clean, sizeof clean), is,
                     had ? " (before: " : "", was, had ? ")" : "");
            text_line("gets", text);
        }
    }
}

void switchover_show_look(const json_t *look)
{
    char text[CELL], clean[TABLE_CELL_SIZE * 2];
    size_t i;
    const json_t *step;
    if (!json_is_object(look)) {
        return;
    }
    snprintf(text, sizeof text, "%lld, the longest TTL is %lld s",
             (long long)json_integer_value(json_object_get(look, "names")),
             (long long)json_integer_value(json_object_get(look, "ttl_s")));
    text_line("names", text);
    show_ttls(look);
    show_touched(look);
    show_asked(look);
    show_capacity(look);
    putchar('\n');
    show_findings(look);
    json_array_foreach(json_object_get(json_object_get(look, "answers"), "steps"), i, step)
    {
        printf("%s%s\n", i == 0 ? "\n" : "", text_clean(json_string_value(step), clean, sizeof clean));
    }
}

static void show_notes(const json_t *switchover)
{
    size_t i;
    const json_t *note;
    char time[CELL], who[64], why[CELL], found[2 * CELL];
    json_array_foreach(json_object_get(switchover, "notes"), i, note)
    {
        const char *reason = text_of(note, "reason"), *seen = text_of(note, "found");
        printf("%s%s  %-10s %s%s%s%s%s\n", i == 0 ? "\n" : "", text_when(note, time),
               text_or_dash(text_of(note, "what")),
               text_of(note, "actor") == NULL ? "" : text_clean(text_of(note, "actor"), who, sizeof who),
               reason == NULL ? "" : ": ", reason == NULL ? "" : text_clean(reason, why, sizeof why),
               seen == NULL ? "" : "; ", seen == NULL ? "" : text_clean(seen, found, sizeof found));
    }
}

/* What an emergency did not ask. */
static void show_ignored(const json_t *switchover)
{
    size_t i;
    const json_t *rule;
    char name[64], why[2 * CELL];
    json_array_foreach(json_object_get(switchover, "rules_ignored"), i, rule)
    {
        printf("NOT    rule %s is violated: %s\n",
               text_clean(text_or_dash(text_of(rule, "name")), name, sizeof name),
               text_clean(text_or_dash(text_of(rule, "why")), why, sizeof why));
    }
}

/* Why its next step is not taken, and by what name that is accepted. */
static void show_held(const json_t *switchover)
{
    const json_t *held = json_object_get(switchover, "held");
    char by[CELL], why[2 * CELL], text[4 * CELL];
    if (json_is_object(held)) {
        snprintf(text, sizeof text, "%s: %s", text_clean(text_or_dash(text_of(held, "by")), by, sizeof by),
                 text_clean(text_or_dash(text_of(held, "why")), why, sizeof why));
        text_line("held", text);
    }
}

static void show_switchover(const json_t *switchover)
{
    char text[CELL];
    const char *next = text_of(switchover, "next_step"), *why = text_of(switchover, "not_durable_because");
    bool is_dry = json_is_true(json_object_get(switchover, "dry_run"));
    bool is_emergency = json_is_true(json_object_get(switchover, "emergency"));
    text_line("switchover", is_dry ? "dry run: nothing has changed" : text_of(switchover, "id"));
    snprintf(text, sizeof text, "%s%s%s", text_or_dash(text_of(switchover, "state")),
             is_emergency ? ", an emergency" : "",
             json_is_true(json_object_get(switchover, "protected")) ? "" : ": nothing stands by");
    text_line("state", text);
    text_line("off", join(json_object_get(switchover, "source"), text));
    text_line("to", text_of(switchover, "to"));
    if (json_is_array(json_object_get(switchover, "names"))) {
        text_line("names", join(json_object_get(switchover, "names"), text));
    }
    snprintf(text, sizeof text, "%lld %%%s%s",
             (long long)json_integer_value(json_object_get(switchover, "share")),
             next == NULL ? "" : ", the next step at ", next == NULL ? "" : next);
    text_line("moved", text);
    show_held(switchover);
    text_line("by", text_of(switchover, "actor"));
    text_line("reason", text_of(switchover, "reason"));
    text_line("verified", text_of(switchover, "verified"));
    text_line("hooks run before", text_of(switchover, "hooks_before"));
    text_line("next", join(json_object_get(switchover, "allowed"), text));
    if (why != NULL) {
        text_line("durable", why);
    }
    nodes_show_spread(switchover);
    show_ignored(switchover);
    switchover_show_look(json_object_get(switchover, "look"));
    show_notes(switchover);
}

static void show_list(const struct steerctl *ctl, const json_t *items)
{
    static const char *const headings[] = {"SWITCHOVER", "STATE", "SINCE",  "OFF", "TO",
                                           "MOVED",      "BY",    "REASON", NULL};
    size_t i;
    const json_t *item;
    struct table *table = table_new(ctl, headings);
    json_array_foreach(items, i, item)
    {
        char off[CELL], moved[32], age[32], since[48];
        snprintf(moved, sizeof moved, "%lld %%",
                 (long long)json_integer_value(json_object_get(item, "share")));
        snprintf(since, sizeof since, "%s ago", text_age(text_of(item, "since"), age));
        table_add(table, text_of(item, "id"));
        table_add(table, text_of(item, "state"));
        table_add(table, since);
        table_add(table, join(json_object_get(item, "source"), off));
        table_add(table, text_of(item, "to"));
        table_add(table, moved);
        table_add(table, text_of(item, "actor"));
        table_add(table, text_of(item, "reason"));
    }
    table_print(table);
}

/* ---- asking ---- */

static bool has(const struct steerctl *ctl, uint64_t option)
{
    return (ctl->given & option) != 0;
}

static json_t *make_body(const struct steerctl *ctl)
{
    json_t *body = json_object();
    steerctl_set(body, "reason", ctl->reason);
    steerctl_set(body, "actor", ctl->actor);
    if (ctl->accepted_count != 0) {
        json_t *list = json_array();
        for (size_t i = 0; i < ctl->accepted_count; i++) {
            json_t *text = json_string(ctl->accepted[i]);
            json_array_append_new(list, text != NULL ? text : json_string("(not UTF-8)"));
        }
        json_object_set_new(body, "accept", list);
    }
    return body;
}

/* "5,25": a list of numbers, or whatever it is, for the server to say. */
static json_t *read_steps(const char *text)
{
    json_t *list = json_array();
    while (*text != '\0') {
        char *end;
        long step = strtol(text, &end, 10);
        if (end == text || (*end != ',' && *end != '\0')) {
            json_decref(list);
            return json_string(text);
        }
        json_array_append_new(list, json_integer(step));
        text = *end == ',' ? end + 1 : end;
    }
    return list;
}

static enum steerctl_exit ask(const struct steerctl *ctl, const char *method, const char *path, json_t *body)
{
    json_t *json;
    struct buffer target;
    buffer_init(&target);
    buffer_add_text(&target, path);
    steerctl_add_query(&target, "dry_run", has(ctl, OPTION_DRY_RUN) ? "true" : NULL);
    struct steerctl quiet = *ctl;
    quiet.json = ctl->json && !has(ctl, OPTION_WAIT);
    enum steerctl_exit code = steerctl_ask_json(&quiet, method, target.bytes, body, &json);
    if (code == STEERCTL_OK && has(ctl, OPTION_WAIT)) {
        code = switchover_watch(ctl, json);
    } else if (code == STEERCTL_OK && !ctl->json) {
        show_switchover(json);
    }
    json_decref(json);
    buffer_fini(&target);
    return code;
}

static enum steerctl_exit ask_one(const struct steerctl *ctl, const char *method, const char *suffix,
                                  json_t *body)
{
    struct buffer target;
    buffer_init(&target);
    buffer_add_text(&target, "/v1/switchovers/");
    steerctl_add_encoded(&target, ctl->words[2]);
    buffer_add_text(&target, suffix);
    enum steerctl_exit code = ask(ctl, method, target.bytes, body);
    buffer_fini(&target);
    return code;
}

static bool is_group(const char *word)
{
    static const char group[] = "group:";
    return strncmp(word, group, sizeof group - 1) == 0 && word[sizeof group - 1] != '\0';
}

static enum steerctl_exit make_new(const struct steerctl *ctl, bool executes, bool is_emergency)
{
    json_t *body = make_body(ctl), *source = json_array();
    const char *plural, *name;
    for (int i = 2; i < ctl->word_count; i++) {
        if (!is_group(ctl->words[i]) && !target_split(ctl->words[i], &plural, &name)) {
            json_decref(body);
            json_decref(source);
            return steerctl_usage(TARGET_EXPECTED, ctl->words[i]);
        }
        json_array_append_new(source, json_string(ctl->words[i]));
    }
    json_object_set_new(body, "source", source);
    steerctl_set(body, "to", ctl->to);
    steerctl_set_list(body, "names", ctl->names);
    steerctl_set(body, "each", ctl->each);
    if (ctl->steps != NULL) {
        json_object_set_new(body, "steps", read_steps(ctl->steps));
    }
    if (has(ctl, OPTION_LOWER_TTL)) {
        json_object_set_new(body, "lower_ttl", json_true());
    }
    if (executes) {
        json_object_set_new(body, "execute", json_true());
    }
    if (is_emergency) {
        json_object_set_new(body, "emergency", json_true());
    }
    return ask(ctl, "POST", "/v1/switchovers", body);
}

static enum steerctl_exit list(const struct steerctl *ctl)
{
    return steerctl_show(ctl, "/v1/switchovers", show_list);
}

static bool is_one_of(const char *word, const char *const *words)
{
    for (size_t i = 0; words[i] != NULL; i++) {
        if (strcmp(words[i], word) == 0) {
            return true;
        }
    }
    return false;
}

static enum steerctl_exit run_verb(const struct steerctl *ctl)
{
    char suffix[32];
    if (ctl->word_count != 3) {
        return steerctl_usage("switchover %s needs the ID of one", ctl->words[1]);
    }
    if (strcmp(ctl->words[1], "show") == 0) {
        return ask_one(ctl, "GET", "", NULL);
    }
    json_t *body = make_body(ctl);
    steerctl_set(body, "confirm", ctl->confirm);
    steerctl_set(body, "to", ctl->to);
    if (has(ctl, OPTION_EMERGENCY)) {
        json_object_set_new(body, "emergency", json_true());
    }
    snprintf(suffix, sizeof suffix, ":%s", ctl->words[1]);
    return ask_one(ctl, "POST", suffix, body);
}

enum steerctl_exit run_switchover(const struct steerctl *ctl)
{
    static const char *const news[] = {"plan", "new", "start", "now", NULL}, *const verbs[] = {
                                                                                 "show",     "execute",
                                                                                 "verify",   "commit",
                                                                                 "rollback", "reprotect",
                                                                                 "failback", "cancel",
                                                                                 "close",    "resume",
                                                                                 "redirect", NULL};
    const char *what = ctl->words[1];
    if (has(ctl, OPTION_WAIT) &&
        (has(ctl, OPTION_DRY_RUN) || strcmp(what, "plan") == 0 || strcmp(what, "list") == 0)) {
        return steerctl_usage("--watch follows a switchover: there is none");
    }
    if (is_one_of(what, verbs)) {
        return run_verb(ctl);
    }
    if (strcmp(what, "list") == 0) {
        return ctl->word_count == 2 ? list(ctl) : steerctl_usage("switchover list takes nothing else");
    }
    if (!is_one_of(what, news)) {
        return steerctl_usage(
            "found \"switchover %s\", expected list, show, plan, new, start, now, execute, verify, "
            "commit, rollback, reprotect, failback, cancel, close, resume or redirect",
            what);
    }
    if (ctl->word_count < 3) {
        return steerctl_usage("switchover %s needs what traffic is to be moved off", what);
    }
    if (ctl->reason == NULL && strcmp(what, "plan") != 0) {
        return steerctl_usage("switchover %s needs --reason TEXT", what);
    }
    if (strcmp(what, "plan") == 0) {
        struct steerctl dry = *ctl;
        dry.given |= OPTION_DRY_RUN;
        dry.reason = ctl->reason == NULL ? "a plan" : ctl->reason;
        return make_new(&dry, false, false);
    }
    return make_new(ctl, strcmp(what, "start") == 0, strcmp(what, "now") == 0);
}
