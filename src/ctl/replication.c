/* SPDX-License-Identifier: BSD-3-Clause
 *
 * How far copies of data lag behind. */
#include "config.h"

#include "ctl/text.h"
#include "ctl/verbs.h"

#include <string.h>

/* "3.2 s"; of what does not count any more "unknown, was 3.2 s". */
static void add_lag(struct table *table, const json_t *item)
{
    const json_t *now = json_object_get(item, "lag"), *last = json_object_get(item, "last_lag");
    char text[TABLE_CELL_SIZE];
    bool is_known = json_is_number(now);
    snprintf(text, sizeof text, "%s%g %s", is_known ? "" : "unknown, was ", json_number_value(last),
             text_or_dash(text_of(item, "unit")));
    table_add(table, json_is_number(last) ? text : "unknown");
}

static void add_seconds(struct table *table, const json_t *item, const char *key)
{
    const json_t *ms = json_object_get(item, key);
    char text[TEXT_NUMBER_SIZE];
    snprintf(text, sizeof text, "%.1f s", json_number_value(ms) / 1000);
    table_add(table, json_is_number(ms) ? text : NULL);
}

/* "db-lag at 192.0.2.1:9100", "push by alice" */
static void add_source(struct table *table, const json_t *item)
{
    const char *check = text_of(item, "check"), *actor = text_of(item, "actor");
    char text[TABLE_CELL_SIZE];
    if (check != NULL) {
        snprintf(text, sizeof text, "%s at %s", check, text_or_dash(text_of(item, "address")));
    } else {
        snprintf(text, sizeof text, "push%s%s", actor == NULL ? "" : " by ", actor == NULL ? "" : actor);
    }
    table_add(table, text);
}

static void show(const struct steerctl *ctl, const json_t *items)
{
    static const char *const headings[] = {"FROM", "TO",    "STAGE",  "LAG", "AGE",
                                           "RPO",  "STATE", "SOURCE", "WHY", NULL};
    size_t i;
    const json_t *item;
    struct table *table = table_new(ctl, headings);
    json_array_foreach(items, i, item)
    {
        table_add(table, text_of(item, "from"));
        table_add(table, text_of(item, "to"));
        table_add(table, text_of(item, "stage"));
        add_lag(table, item);
        add_seconds(table, item, "age_ms");
        add_seconds(table, item, "rpo_ms");
        table_add_state(table, text_of(item, "rpo"));
        add_source(table, item);
        table_add(table, text_of(item, "why"));
    }
    table_print(table);
}

enum steerctl_exit run_replication(const struct steerctl *ctl)
{
    return steerctl_show(ctl, "/v1/replication", show);
}
