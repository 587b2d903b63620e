/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Who asks most often, and how resolvers have left a place. */
#include "config.h"

#include "ctl/text.h"
#include "ctl/verbs.h"

#include <string.h>

enum { CELL = 128, BAR = 40 };

static void write_percent(const json_t *object, const char *key, char out[32])
{
    const json_t *value = json_object_get(object, key);
    snprintf(out, 32, "%.1f %%", json_number_value(value) * 100);
    if (!json_is_number(value)) {
        snprintf(out, 32, "-");
    }
}

/* "in 12.0 s", "about 12.0 s"; NULL: nobody was there. */
static const char *write_99(const json_t *drain, char out[CELL])
{
    const char *how = text_of(drain, "until_99");
    if (how == NULL) {
        return NULL;
    }
    snprintf(out, CELL, "%s %.1f s", strcmp(how, "reached") == 0 ? "after" : "about",
             (double)json_integer_value(json_object_get(drain, "until_99_ms")) / 1000);
    return out;
}

/* "us-east", "az:us-east-1a", "us-east for shop, pay" */
static const char *write_target(const json_t *drain, char out[TABLE_CELL_SIZE])
{
    char names[TEXT_LIST_SIZE];
    const char *region = text_of(drain, "region");
    const json_t *groups = json_object_get(drain, "names");
    snprintf(out, TABLE_CELL_SIZE, "%s%s%s", region != NULL ? region : text_or_dash(text_of(drain, "target")),
             json_array_size(groups) == 0 ? "" : " for ", text_join(groups, ", ", names));
    return out;
}

static void show_list(const struct steerctl *ctl, const json_t *items)
{
    static const char *const headings[] = {"DRAIN",   "OF",   "SINCE", "RESOLVERS", "ASKED",
                                           "DRAINED", "99 %", "CAUSE", NULL};
    size_t i;
    const json_t *item;
    struct table *table = table_new(ctl, headings);
    json_array_foreach(items, i, item)
    {
        char age[32], since[48], number[TEXT_NUMBER_SIZE], asked[32], drained[32], until[CELL];
        char target[TABLE_CELL_SIZE];
        snprintf(since, sizeof since, "%s ago", text_age(text_of(item, "time"), age));
        write_percent(item, "asked_share", asked);
        write_percent(item, "drained_share", drained);
        table_add(table, text_of(item, "id"));
        table_add(table, write_target(item, target));
        table_add(table, since);
        table_add(table, text_number(item, "resolvers", number));
        table_add(table, asked);
        table_add(table, drained);
        table_add(table, write_99(item, until));
        table_add(table, text_of(item, "cause"));
    }
    table_print(table);
}

/* A line per point: # have asked again, - expired without. */
static void show_curve(const json_t *curve)
{
    size_t i;
    const json_t *point;
    json_array_foreach(curve, i, point)
    {
        char bar[BAR + 1];
        double asked = json_number_value(json_object_get(point, "asked"));
        double drained = json_number_value(json_object_get(point, "drained"));
        int hashes = (int)(asked * BAR + .5), all = (int)(drained * BAR + .5);
        memset(bar, ' ', BAR);
        memset(bar, '-', (size_t)(all > hashes ? all : hashes));
        memset(bar, '#', (size_t)hashes);
        bar[BAR] = '\0';
        printf("  %6.1f s  |%s|  %5.1f %%  %5.1f %%\n", json_number_value(json_object_get(point, "after_s")),
               bar, asked * 100, drained * 100);
    }
}

static void show_missing(const struct steerctl *ctl, const json_t *missing)
{
    static const char *const headings[] = {"HAS NOT ASKED", "SEEN", "TTL OVER", "SECONDS", NULL};
    size_t i;
    const json_t *host;
    if (json_array_size(missing) == 0) {
        return;
    }
    struct table *table = table_new(ctl, headings);
    json_array_foreach(missing, i, host)
    {
        char number[TEXT_NUMBER_SIZE];
        table_add(table, text_of(host, "address"));
        table_add(table, text_of(host, "seen"));
        table_add(table, text_of(host, "until"));
        table_add(table, text_number(host, "seconds", number));
    }
    putchar('\n');
    table_print(table);
}

static void show(const struct steerctl *ctl, const json_t *drain)
{
    char text[CELL], target[TABLE_CELL_SIZE], asked[32], drained[32];
    write_percent(drain, "asked_share", asked);
    write_percent(drain, "drained_share", drained);
    text_line("of", write_target(drain, target));
    text_line("since", text_of(drain, "time"));
    text_line("cause", text_of(drain, "cause"));
    snprintf(text, sizeof text, "%lld seen there before, %lld asked again (%s), %lld expired, %lld waiting",
             (long long)json_integer_value(json_object_get(drain, "resolvers")),
             (long long)json_integer_value(json_object_get(drain, "asked")), asked,
             (long long)json_integer_value(json_object_get(drain, "expired")),
             (long long)json_integer_value(json_object_get(drain, "waiting")));
    text_line("resolvers", text);
    text_line("99 %", write_99(drain, text));
    printf("\n  %8s  |%-*s|  %7s  %7s\n", "", BAR, "# asked again  - expired", "asked", "drained");
    show_curve(json_object_get(drain, "curve"));
    show_missing(ctl, json_object_get(drain, "missing"));
}

enum steerctl_exit run_drains(const struct steerctl *ctl)
{
    json_t *json = NULL;
    enum steerctl_exit code;
    if (ctl->word_count == 1) {
        return steerctl_show(ctl, "/v1/drains", show_list);
    }
    struct buffer path;
    buffer_init(&path);
    buffer_add_text(&path, "/v1/drains/");
    steerctl_add_encoded(&path, ctl->words[1]);
    code = steerctl_ask_json(ctl, "GET", path.bytes, NULL, &json);
    if (code == STEERCTL_OK && !ctl->json) {
        show(ctl, json);
    }
    json_decref(json);
    buffer_fini(&path);
    return code;
}

static void show_resolvers(const struct steerctl *ctl, const json_t *document)
{
    static const char *const headings[] = {"RESOLVER", "PER SECOND", "AT LEAST", "SHARE", NULL};
    size_t i;
    const json_t *item;
    struct table *table = table_new(ctl, headings);
    json_array_foreach(json_object_get(document, "items"), i, item)
    {
        char text[32];
        table_add(table, text_of(item, "address"));
        snprintf(text, sizeof text, "%.2f", json_number_value(json_object_get(item, "rate")));
        table_add(table, text);
        snprintf(text, sizeof text, "%.2f", json_number_value(json_object_get(item, "rate_least")));
        table_add(table, text);
        write_percent(item, "share", text);
        table_add(table, text);
    }
    table_print(table);
}

enum steerctl_exit run_resolvers(const struct steerctl *ctl)
{
    struct buffer path;
    json_t *json = NULL;
    buffer_init(&path);
    buffer_add_text(&path, "/v1/traffic/resolvers");
    steerctl_add_query(&path, "limit", ctl->limit == NULL ? "20" : ctl->limit);
    enum steerctl_exit code = steerctl_ask_json(ctl, "GET", path.bytes, NULL, &json);
    if (code == STEERCTL_OK && !ctl->json) {
        show_resolvers(ctl, json);
    }
    json_decref(json);
    buffer_fini(&path);
    return code;
}
