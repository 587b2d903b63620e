/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Switchovers: planned, carried out, verified, committed or rolled back. */
#include "config.h"

#include "ctl/template.h"
#include "ctl/text.h"
#include "ctl/verbs.h"

#include <stdlib.h>
#include <string.h>

enum { CELL = 256, STEPS_MAX = 16 };

/* ---- showing ---- */

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

#define LOAD(side)                                                                                           \
    "[{" side ".load:%0d} of its capacity][?" side ".load|[?" side ".answers_per_second|, ]]"                \
    "[{" side ".answers_per_second:4} answers per second]"

/* Of regions that get more than they had. */
static void show_capacity(const struct steerctl *ctl, const json_t *look)
{
    enum { SHOWN = 5 };
    static const struct template_row lines[] = {
        ROW("?gets", "{region}: " LOAD("after") "[ (before: " LOAD("before") ")]"), ROW_END};
    size_t i, shown = 0;
    const json_t *region;
    json_array_foreach(json_object_get(json_object_get(look, "capacity"), "regions"), i, region)
    {
        const json_t *before = json_object_get(region, "before"), *after = json_object_get(region, "after");
        bool gains = json_number_value(json_object_get(after, "share")) >
                     json_number_value(json_object_get(before, "share"));
        bool is_known = json_is_number(json_object_get(after, "load")) ||
                        json_is_number(json_object_get(after, "answers_per_second"));
        if (gains && is_known && shown++ < SHOWN) {
            template_lines(ctl, lines, region);
        }
    }
}

void switchover_show_look(const struct steerctl *ctl, const json_t *look)
{
    static const struct template_row names[] = {ROW("names", "{names}, the longest TTL is {ttl_s} s"),
                                                ROW_END};
    static const struct template_row asked[] = {
        ROW("?asked",
            "{asked.share:p1} of all answers of the last 5 minutes, {asked.per_second:4} per second"),
        ROW_END};
    size_t i;
    const json_t *step;
    if (!json_is_object(look)) {
        return;
    }
    template_lines(ctl, names, look);
    show_ttls(look);
    show_touched(look);
    template_lines(ctl, asked, look);
    show_capacity(ctl, look);
    putchar('\n');
    template_print_each("[?good|ok   ][!good|NOT  ]  {name|=-:<12} {text|=-}",
                        json_object_get(look, "findings"));
    json_array_foreach(json_object_get(json_object_get(look, "answers"), "steps"), i, step)
    {
        char clean[TABLE_CELL_SIZE * 2];
        printf("%s%s\n", i == 0 ? "\n" : "", text_clean(json_string_value(step), clean, sizeof clean));
    }
}

static const struct template_row lines[] = {
    ROW("switchover", "[?dry_run|dry run: nothing has changed][!dry_run|{id}]"),
    ROW("state", "{state|=-}[?emergency|, an emergency][!protected|: nothing stands by]"),
    ROW("off", "{source:, }"),
    ROW("to", "{to}"),
    ROW("?names", "{names:, }"),
    ROW("moved", "{share|=0} %[, the next step at {next_step}]"),
    ROW("?held", "{held.by}: {held.why}"),
    ROW("by", "{actor}"),
    ROW("reason", "{reason}"),
    ROW("verified", "{verified}"),
    ROW("hooks run before", "{hooks_before}"),
    ROW("next", "{allowed:, }"),
    ROW("?durable", "{not_durable_because}"),
    ROW_END};

static void show_switchover(const struct steerctl *ctl, const json_t *switchover)
{
    const json_t *notes = json_object_get(switchover, "notes");
    template_lines(ctl, lines, switchover);
    nodes_show_spread(switchover);
    template_print_each("NOT    rule {name|=-} is violated: {why|=-}",
                        json_object_get(switchover, "rules_ignored"));
    switchover_show_look(ctl, json_object_get(switchover, "look"));
    if (json_array_size(notes) != 0) {
        putchar('\n');
    }
    template_print_each("{time:when}  {what|=-:<10} [{actor}][: {reason}][; {found}]", notes);
}

static const struct template_row columns[] = {
    ROW("SWITCHOVER", "{id}"), ROW("STATE", "{state}"),   ROW("SINCE", "{since:age} ago"),
    ROW("OFF", "{source:, }"), ROW("TO", "{to}"),         ROW("MOVED", "{share|=0} %"),
    ROW("BY", "{actor}"),      ROW("REASON", "{reason}"), ROW_END};

/* ---- asking ---- */

static bool has(const struct steerctl *ctl, uint64_t option)
{
    return (ctl->given & option) != 0;
}

static json_t *make_body(const struct steerctl *ctl)
{
    json_t *body = steerctl_make_body(ctl);
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
        show_switchover(ctl, json);
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
    return steerctl_show_rows(ctl, "/v1/switchovers", columns);
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
