/* SPDX-License-Identifier: BSD-3-Clause
 *
 * What is checked, and how the checks went. */
#include "config.h"

#include "ctl/verbs.h"

#include "base/clock.h"
#include "ctl/spark.h"
#include "ctl/text.h"

#include <string.h>

/* "1.4 s": until an RFC 3339 time; NULL: not known. */
static const char *text_until(const char *time, char out[TEXT_NUMBER_SIZE])
{
    struct clock clock;
    int64_t then;
    if (time == NULL || clock_parse_rfc3339(time, &then) != 0) {
        return NULL;
    }
    clock_init(&clock);
    int64_t left_ms = then - clock_wall_ms(&clock);
    if (left_ms < 0) { /* it is under way, or about to be */
        snprintf(out, TEXT_NUMBER_SIZE, "now");
    } else {
        snprintf(out, TEXT_NUMBER_SIZE, "in %.1f s", (double)left_ms / 1000);
    }
    return out;
}

/* "ok 200", "refused" */
static void add_outcome(struct table *table, const json_t *check)
{
    char text[TABLE_CELL_SIZE];
    const char *outcome = text_of(check, "outcome");
    json_int_t status = json_integer_value(json_object_get(check, "status"));
    if (outcome != NULL && status != 0) {
        snprintf(text, sizeof text, "%s %lld", outcome, (long long)status);
        table_add(table, text);
    } else {
        table_add(table, outcome);
    }
}

static void add_duration(struct table *table, const json_t *check)
{
    char text[TEXT_NUMBER_SIZE];
    const json_t *duration = json_object_get(check, "duration_ms");
    snprintf(text, sizeof text, "%.1f ms", json_number_value(duration));
    table_add(table, json_is_number(duration) ? text : NULL);
}

/* "3 failures in a row …; CRITICAL - 0 of 4 answer" */
static void add_why(struct table *table, const json_t *check)
{
    char text[TABLE_CELL_SIZE];
    const char *why = text_of(check, "why"), *said = text_of(check, "text");
    if (said == NULL) {
        table_add(table, why);
    } else {
        snprintf(text, sizeof text, "%s; it says: %s", why, said);
        table_add(table, text);
    }
}

static void show_checks(const struct steerctl *ctl, const json_t *items)
{
    static const char *const headings[] = {"ENDPOINT", "CHECK", "TYPE",    "ADDRESS", "VERDICT", "LAST",
                                           "TOOK",     "NEXT",  "RESULTS", "WHY",     NULL};
    size_t i;
    const json_t *item;
    bool bars = spark_has_bars();
    struct table *table = table_new(ctl, headings);
    json_array_foreach(items, i, item)
    {
        char text[TEXT_NUMBER_SIZE], spark[SPARK_SIZE];
        table_add(table, text_of(item, "endpoint"));
        table_add(table, text_of(item, "check"));
        table_add(table, text_of(item, "type"));
        table_add(table, text_of(item, "address"));
        table_add_state(table, text_of(item, "verdict"));
        add_outcome(table, item);
        add_duration(table, item);
        table_add(table, text_until(text_of(item, "next"), text));
        table_add(table, spark_write(json_object_get(item, "results"), SPARK_RESULTS_MAX, bars, spark));
        add_why(table, item);
    }
    table_print(table);
}

/* Of one endpoint each result, and where it is from. */
static void show_results(const struct steerctl *ctl, const json_t *items)
{
    static const char *const headings[] = {"CHECK",   "ADDRESS", "AGO",  "VANTAGE",
                                           "OUTCOME", "STATUS",  "TOOK", NULL};
    size_t i, j;
    const json_t *item, *result;
    struct table *table = table_new(ctl, headings);
    json_array_foreach(items, i, item)
    {
        json_array_foreach(json_object_get(item, "results"), j, result)
        {
            char text[TEXT_NUMBER_SIZE];
            table_add(table, text_of(item, "check"));
            table_add(table, text_of(item, "address"));
            table_add(table, text_age(text_of(result, "time"), text));
            table_add(table, text_of(result, "vantage"));
            table_add(table, text_of(result, "outcome"));
            table_add(table, text_number(result, "status", text));
            add_duration(table, result);
        }
    }
    putchar('\n');
    table_print(table);
}

static const char *get_endpoint(const struct steerctl *ctl)
{
    return ctl->word_count > 1 ? ctl->words[1] : NULL;
}

static void show_all(const struct steerctl *ctl, const json_t *items)
{
    show_checks(ctl, items);
    if (get_endpoint(ctl) != NULL) {
        show_results(ctl, items);
    }
}

enum steerctl_exit run_checks(const struct steerctl *ctl)
{
    const char *endpoint = get_endpoint(ctl);
    struct buffer target;
    buffer_init(&target);
    buffer_add_text(&target, "/v1/checks");
    steerctl_add_query(&target, "endpoint", endpoint);
    steerctl_add_query(&target, "region", ctl->region);
    steerctl_add_query(&target, "az", ctl->az);
    steerctl_add_query(&target, "check", ctl->check);
    steerctl_add_query(&target, "verdict", ctl->verdict);
    steerctl_add_query(&target, "outcome", ctl->outcome);
    enum steerctl_exit code = steerctl_show(ctl, target.bytes, show_all);
    buffer_fini(&target);
    const char *const named[][2] = {{"endpoints", endpoint}, {"regions", ctl->region}, {"azs", ctl->az}};
    for (size_t i = 0; code == STEERCTL_REFUSED && i < sizeof named / sizeof *named; i++) {
        code = named[i][1] == NULL ? code : target_explain(ctl, code, named[i][0], named[i][1]);
    }
    return code;
}
