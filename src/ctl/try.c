/* SPDX-License-Identifier: BSD-3-Clause
 *
 * One check of an endpoint, now, with every step and its time. */
#include "config.h"

#include "ctl/verbs.h"

#include "ctl/text.h"
#include "ctl/watched.h"

#include <string.h>

enum { LINE_SIZE = 1024 };

/* ">" what was said, "<" what was heard, "*" all else. */
static char mark_of(const char *step)
{
    return strcmp(step, "sent") == 0 ? '>' : strcmp(step, "received") == 0 ? '<' : '*';
}

static bool is_octets(const char *step)
{
    return mark_of(step) != '*';
}

static void print_line(const struct steerctl *ctl, char mark, double at_ms, bool is_first, const char *text)
{
    char clean[LINE_SIZE];
    const char *colour = text_colour(ctl, mark == '*' ? "heading" : "");
    if (is_first) {
        printf("%c %9.2f ms  ", mark, at_ms);
    } else {
        printf(text[0] == '\0' ? "%c" : "%c               ", mark);
    }
    printf("%s%s%s\n", colour, text_clean(text, clean, sizeof clean),
           colour[0] == '\0' ? "" : text_plain(ctl));
}

/* Lines that end with CRLF or LF; the last one may not end. */
static void print_octets(const struct steerctl *ctl, char mark, double at_ms, const char *text)
{
    char line[LINE_SIZE];
    bool is_first = true;
    while (*text != '\0') {
        size_t len = strcspn(text, "\n"), shown = len;
        shown -= shown != 0 && text[shown - 1] == '\r';
        snprintf(line, sizeof line, "%.*s", (int)(shown < sizeof line ? shown : sizeof line - 1), text);
        print_line(ctl, mark, at_ms, is_first, line);
        text += len + (text[len] == '\n');
        is_first = false;
    }
}

static void print_step(const struct steerctl *ctl, const json_t *step)
{
    const char *kind = text_or_dash(text_of(step, "step")), *text = text_or_dash(text_of(step, "text"));
    double at_ms = json_number_value(json_object_get(step, "at_ms"));
    if (is_octets(kind)) {
        print_octets(ctl, mark_of(kind), at_ms, text);
    } else {
        char line[LINE_SIZE];
        snprintf(line, sizeof line, "%s %s", kind, text);
        print_line(ctl, '*', at_ms, true, line);
    }
}

static void print_end(const struct steerctl *ctl, const json_t *made)
{
    char line[LINE_SIZE], found[64] = "";
    const char *outcome = text_or_dash(text_of(made, "outcome")), *expected = text_of(made, "expected");
    json_int_t status = json_integer_value(json_object_get(made, "status"));
    if (status != 0) {
        snprintf(found, sizeof found, ", found status %lld", (long long)status);
    }
    const char *said = text_of(made, "text");
    snprintf(line, sizeof line, "%s%s%s%s%s%s; it may take %lld ms", outcome, said == NULL ? "" : ": ",
             said == NULL ? "" : said, found, expected == NULL ? "" : ", expected ",
             expected == NULL ? "" : expected,
             (long long)json_integer_value(json_object_get(made, "timeout_ms")));
    bool is_good = strcmp(outcome, "ok") == 0;
    char clean[LINE_SIZE];
    printf("= %9.2f ms  %s%s%s\n", json_number_value(json_object_get(made, "duration_ms")),
           text_colour(ctl, is_good ? "healthy" : "unhealthy"), text_clean(line, clean, sizeof clean),
           text_plain(ctl));
}

static void show_tries(const struct steerctl *ctl, const json_t *items)
{
    size_t i, j;
    const json_t *made, *step;
    json_array_foreach(items, i, made)
    {
        char name[LINE_SIZE], clean[LINE_SIZE];
        snprintf(name, sizeof name, "%s: check %s (%s) of %s", text_or_dash(text_of(made, "endpoint")),
                 text_or_dash(text_of(made, "check")), text_or_dash(text_of(made, "type")),
                 text_or_dash(text_of(made, "address")));
        printf("%s%s\n", i == 0 ? "" : "\n", text_clean(name, clean, sizeof clean));
        json_array_foreach(json_object_get(made, "steps"), j, step)
        {
            print_step(ctl, step);
        }
        print_end(ctl, made);
    }
}

static bool are_good(const json_t *items)
{
    size_t i;
    const json_t *made;
    json_array_foreach(items, i, made)
    {
        const char *outcome = text_of(made, "outcome");
        if (outcome == NULL || strcmp(outcome, "ok") != 0) {
            return false;
        }
    }
    return true;
}

enum steerctl_exit run_check(const struct steerctl *ctl)
{
    struct buffer target;
    json_t *json;
    if (ctl->is_monitored) {
        return watched_run(ctl);
    }
    if (ctl->word_count != 3 || (ctl->given & (OPTION_WARNING | OPTION_CRITICAL)) != 0) {
        return steerctl_usage("expected check run ENDPOINT, without --warning and --critical");
    }
    buffer_init(&target);
    buffer_add_text(&target, "/v1/checks:run");
    steerctl_add_query(&target, "endpoint", ctl->words[2]);
    steerctl_add_query(&target, "check", ctl->check);
    steerctl_add_query(&target, "from", ctl->from);
    enum steerctl_exit code = steerctl_ask_json(ctl, "POST", target.bytes, NULL, &json);
    if (code == STEERCTL_OK) {
        const json_t *items = json_object_get(json, "items");
        if (!ctl->json) {
            show_tries(ctl, items);
        }
        code = are_good(items) ? STEERCTL_OK : STEERCTL_CHECK_FAILED;
    }
    json_decref(json);
    buffer_fini(&target);
    return code == STEERCTL_REFUSED ? target_explain(ctl, code, "endpoints", ctl->words[2]) : code;
}
