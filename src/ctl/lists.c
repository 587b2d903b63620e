/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Zones, names and geo databases as tables. */
#include "config.h"

#include "ctl/text.h"

#include <string.h>

/* ---- zones and names ---- */

/* How many of a zone's secondaries have said that they know its serial. */
static const char *secondaries_text(const json_t *zone, char text[32])
{
    const json_t *secondaries = json_object_get(zone, "secondaries"), *one;
    size_t i, know = 0;
    json_array_foreach(secondaries, i, one)
    {
        know += strcmp(text_of(one, "state"), "acknowledged") == 0;
    }
    if (json_array_size(secondaries) == 0) {
        return "-";
    }
    snprintf(text, 32, "%zu of %zu know", know, json_array_size(secondaries));
    return text;
}

void show_zones(const struct steerctl *ctl, const json_t *items)
{
    static const char *const headings[] = {"ZONE",    "STATE",       "SERIAL", "NAMES", "RECORDS",
                                           "STEERED", "SECONDARIES", "FILE",   NULL};
    size_t i;
    const json_t *item;
    char text[32];
    struct table *table = table_new(ctl, headings);
    json_array_foreach(items, i, item)
    {
        table_add(table, text_of(item, "origin"));
        table_add_state(table, text_of(item, "state"));
        table_add(table, text_number(item, "serial", text));
        table_add(table, text_number(item, "names", text));
        table_add(table, text_number(item, "records", text));
        table_add(table, text_number(item, "steered", text));
        table_add(table, secondaries_text(item, text));
        table_add(table, text_of(item, "file"));
    }
    table_print(table);
}

/* "us-east > eu-west, else pool spare, else static; 2 other classes" */
static void add_tiers(struct table *table, const json_t *name)
{
    char list[TEXT_LIST_SIZE];
    struct buffer text;
    buffer_init(&text);
    const char *pool = text_of(name, "pool"), *fallback = text_of(name, "fallback");
    json_int_t classes = json_integer_value(json_object_get(name, "classes"));
    buffer_print(&text, "%s", text_join(json_object_get(name, "tiers"), " > ", list));
    if (pool != NULL) {
        buffer_print(&text, ", else pool %s", pool);
    }
    if (fallback != NULL) {
        buffer_print(&text, ", else %s", fallback);
    }
    if (classes > 1) {
        buffer_print(&text, "; %lld other class%s", (long long)classes - 1, classes == 2 ? "" : "es");
    }
    table_add(table, text.bytes);
    buffer_fini(&text);
}

void show_names(const struct steerctl *ctl, const json_t *items)
{
    static const char *const headings[] = {"NAME", "ZONE",    "TYPES", "TTL", "POLICY",
                                           "PICK", "MEMBERS", "TIERS", NULL};
    size_t i;
    const json_t *item;
    char text[32];
    struct table *table = table_new(ctl, headings);
    json_array_foreach(items, i, item)
    {
        char list[TEXT_LIST_SIZE];
        table_add(table, text_of(item, "name"));
        table_add(table, text_of(item, "zone"));
        table_add(table, text_join(json_object_get(item, "types"), " ", list));
        table_add(table, text_number(item, "ttl", text));
        table_add(table, text_number(item, "policy", text));
        table_add(table, text_of(item, "pick"));
        table_add(table, text_number(item, "members", text));
        add_tiers(table, item);
    }
    table_print(table);
}

/* ---- geo ---- */

void show_geo(const struct steerctl *ctl, const json_t *items)
{
    static const char *const headings[] = {"FILE", "STATE", "TYPE", "BUILT", "NETWORKS", "KNOWS", NULL};
    size_t i;
    const json_t *item;
    char text[TEXT_LIST_SIZE], age[TEXT_NUMBER_SIZE];
    struct table *table = table_new(ctl, headings);
    json_array_foreach(items, i, item)
    {
        table_add(table, text_of(item, "file"));
        table_add_state(table, text_of(item, "state"));
        table_add(table, text_of(item, "type"));
        snprintf(text, sizeof text, "%s ago", text_age(text_of(item, "built"), age));
        table_add(table, text);
        table_add(table, text_number(item, "networks", age));
        table_add(table, text_join(json_object_get(item, "knows"), ", ", text));
    }
    table_print(table);
}
