/* SPDX-License-Identifier: BSD-3-Clause
 *
 * A drill report (JSON of the API) as text: the result in one line, the timeline, where which name goes. The
 * same story as `steerd --drill` tells. */
#include "config.h"

#include "ctl/steerctl.h"

#include <string.h>

enum { ROWS_MAX = 50, EVENTS_MAX = 40, DETAILS_MAX = 20 };

static json_int_t number_of(const json_t *object, const char *key)
{
    return json_integer_value(json_object_get(object, key));
}

static const char *time_text(const json_t *object, const char *key, char out[32])
{
    const json_t *value = json_object_get(object, key);
    if (!json_is_integer(value)) {
        snprintf(out, 32, "never");
    } else {
        snprintf(out, 32, "%.2f s", (double)json_integer_value(value) / 1000);
    }
    return out;
}

enum steerctl_exit judge_drill(const json_t *report)
{
    const json_t *meets = json_object_get(report, "meets_rto");
    bool failed = number_of(report, "answers_unserved") != 0 || number_of(report, "answers_to_lost") != 0 ||
                  json_is_false(meets);
    return failed ? STEERCTL_DRILL_FAILED : STEERCTL_OK;
}

static void print_headline(const struct steerctl *ctl, const json_t *report)
{
    char text[TABLE_CELL_SIZE], recovery[32];
    size_t i;
    const json_t *lost;
    fputs(text_colour(ctl, "heading"), stdout);
    json_array_foreach(json_object_get(report, "lost"), i, lost)
    {
        const char *name = json_string_value(lost);
        printf("%s%s", i == 0 ? "" : ", ", text_clean(name == NULL ? "?" : name, text, sizeof text));
    }
    printf(" lost: %lld of %lld names change", (long long)number_of(report, "names_changed"),
           (long long)number_of(report, "names"));
    if (json_is_integer(json_object_get(report, "recovery_ms"))) {
        printf(", recovery in %s", time_text(report, "recovery_ms", recovery));
    }
    puts(text_plain(ctl));
}

static void print_times(const json_t *report)
{
    char text[32], more[160], expected[32], rto[32];
    const json_t *objective = json_object_get(report, "rto_ms"),
                 *meets = json_object_get(report, "meets_rto");
    text_line("detection", time_text(report, "detection_ms", text));
    snprintf(more, sizeof more, "%s (expected %s)", time_text(report, "decision_ms", text),
             time_text(report, "decision_expected_ms", expected));
    text_line("decision", more);
    text_line("caches", time_text(report, "ttl_ms", text));
    snprintf(more, sizeof more, "%s: %s", time_text(report, "rto_ms", rto),
             json_is_true(meets) ? "met" : "MISSED");
    text_line("RTO", json_is_integer(objective) ? more : "no objective in the topology");
    snprintf(more, sizeof more, "%lld unserved, %lld still sent to what is lost",
             (long long)number_of(report, "answers_unserved"),
             (long long)number_of(report, "answers_to_lost"));
    text_line("answers", more);
}

/* In a large region single endpoints would hide what matters: they are the first to be left out. */
static void print_timeline(const json_t *report)
{
    const json_t *timeline = json_object_get(report, "timeline"), *event;
    size_t i, details = 0, others = 0;
    char clean[TABLE_CELL_SIZE], at[32];
    puts("\nTimeline (worst case)\n      0.00 s  loss");
    json_array_foreach(timeline, i, event)
    {
        const char *text = text_of(event, "text");
        bool detail = json_is_true(json_object_get(event, "detail"));
        size_t *printed = detail ? &details : &others;
        if (*printed < (detail ? DETAILS_MAX : EVENTS_MAX)) {
            ++*printed;
            printf("%12s  %s\n", time_text(event, "at_ms", at),
                   text_clean(text == NULL ? "?" : text, clean, sizeof clean));
        }
    }
    if (i > details + others) {
        printf("              ... and %zu more (--json has all)\n", i - details - others);
    }
}

/* "us-east 60% -> 0%, eu-west 40% -> 100%" */
static const char *shares_text(const json_t *shares, char out[TABLE_CELL_SIZE])
{
    size_t i, used = 0;
    const json_t *share;
    out[0] = '\0';
    json_array_foreach(shares, i, share)
    {
        const char *region = text_of(share, "region");
        snprintf(out + used, TABLE_CELL_SIZE - used, "%s%s %.0f%% -> %.0f%%", i == 0 ? "" : ", ",
                 region == NULL ? "nowhere" : region,
                 100 * json_number_value(json_object_get(share, "before")),
                 100 * json_number_value(json_object_get(share, "after")));
        used = strlen(out);
    }
    return out;
}

static void print_answers(const struct steerctl *ctl, const json_t *report)
{
    static const char *const headings[] = {"NAME",    "TYPE", "CLASS",  "BEFORE", "AFTER",
                                           "DECIDED", "TTL",  "SHARES", NULL};
    const json_t *answers = json_object_get(report, "answers"), *answer;
    size_t i;
    char text[TABLE_CELL_SIZE], small[32];
    if (json_array_size(answers) == 0) {
        return;
    }
    putchar('\n');
    struct table *table = table_new(ctl, headings);
    json_array_foreach(answers, i, answer)
    {
        bool changes = json_is_true(json_object_get(answer, "changes"));
        if (i == ROWS_MAX) {
            break;
        }
        table_add(table, text_of(answer, "name"));
        table_add(table, text_of(answer, "type"));
        table_add(table, text_of(answer, "class"));
        table_add(table, text_of(answer, "before"));
        snprintf(text, sizeof text, "%s%s", changes ? "" : "unchanged",
                 !changes                           ? ""
                 : text_of(answer, "after") == NULL ? "-"
                                                    : text_of(answer, "after"));
        table_add(table, text);
        table_add(table, changes ? time_text(answer, "decided_ms", small) : NULL);
        table_add(table, time_text(answer, "ttl_ms", small));
        table_add(table, shares_text(json_object_get(answer, "shares"), text));
    }
    table_print(table);
    if (json_array_size(answers) > ROWS_MAX) {
        printf("... and %zu more (--json has all)\n", json_array_size(answers) - ROWS_MAX);
    }
}

enum steerctl_exit show_drill(const struct steerctl *ctl, const json_t *report)
{
    char text[TABLE_CELL_SIZE];
    print_headline(ctl, report);
    print_times(report);
    text_line("traffic", shares_text(json_object_get(report, "shares"), text));
    print_timeline(report);
    print_answers(ctl, report);
    return judge_drill(report);
}
