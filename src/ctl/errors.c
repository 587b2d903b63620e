/* SPDX-License-Identifier: BSD-3-Clause
 *
 * How many requests fail, as others report it. */
#include "config.h"

#include "ctl/text.h"
#include "ctl/verbs.h"

#include <string.h>

/* "1.2 %"; of what does not count any more "unknown, was 1.2 %". */
static void add_share(struct table *table, const json_t *item)
{
    char text[TABLE_CELL_SIZE];
    snprintf(text, sizeof text, "%s%.3g %%",
             json_is_number(json_object_get(item, "share")) ? "" : "unknown, was ",
             100 * json_number_value(json_object_get(item, "last_share")));
    table_add(table, text);
}

/* "12 of 1000" */
static void add_counts(struct table *table, const json_t *item)
{
    const json_t *requests = json_object_get(item, "requests");
    char text[TABLE_CELL_SIZE];
    snprintf(text, sizeof text, "%.9g of %.9g", json_number_value(json_object_get(item, "errors")),
             json_number_value(requests));
    table_add(table, json_is_number(requests) ? text : NULL);
}

static void add_most(struct table *table, const json_t *item)
{
    const json_t *most = json_object_get(item, "most");
    char text[TEXT_NUMBER_SIZE];
    snprintf(text, sizeof text, "%.3g %%", 100 * json_number_value(most));
    table_add(table, json_is_number(most) ? text : NULL);
}

/* "lb-1", "lb-2 and 1 more" */
static void add_source(struct table *table, const json_t *item)
{
    json_int_t more = json_integer_value(json_object_get(item, "sources")) - 1;
    char text[TABLE_CELL_SIZE], rest[TEXT_NUMBER_SIZE] = "";
    if (more > 0) {
        snprintf(rest, sizeof rest, " and %" JSON_INTEGER_FORMAT " more", more);
    }
    snprintf(text, sizeof text, "%s%s", text_or_dash(text_of(item, "actor")), rest);
    table_add(table, text);
}

static void show(const struct steerctl *ctl, const json_t *items)
{
    static const char *const headings[] = {"KIND", "NAME", "ERRORS", "REQUESTS",
                                           "MOST", "AGE",  "SOURCE", NULL};
    char age[TEXT_NUMBER_SIZE];
    size_t i;
    const json_t *item;
    struct table *table = table_new(ctl, headings);
    json_array_foreach(items, i, item)
    {
        table_add(table, text_of(item, "kind"));
        table_add(table, text_of(item, "name"));
        add_share(table, item);
        add_counts(table, item);
        add_most(table, item);
        snprintf(age, sizeof age, "%.1f s", json_number_value(json_object_get(item, "age_ms")) / 1000);
        table_add(table, age);
        add_source(table, item);
    }
    table_print(table);
}

enum steerctl_exit run_errors(const struct steerctl *ctl)
{
    return steerctl_show(ctl, "/v1/errors", show);
}
