/* SPDX-License-Identifier: BSD-3-Clause
 *
 * How many answers led where. */
#include "config.h"

#include "ctl/text.h"
#include "ctl/verbs.h"

#include <string.h>

/* A rate per second, with as many digits as tell something. */
static void add_rate(struct table *table, const json_t *rates, const char *window)
{
    char text[TEXT_NUMBER_SIZE];
    double rate = json_number_value(json_object_get(rates, window));
    snprintf(text, sizeof text, rate < 10 ? "%.2f" : rate < 100 ? "%.1f" : "%.0f", rate);
    table_add(table, text);
}

static void add_row(struct table *table, const json_t *item, const char *name)
{
    const json_t *rates = json_object_get(item, "rates"), *share = json_object_get(item, "share");
    char text[TEXT_NUMBER_SIZE];
    table_add(table, name);
    table_add(table, text_of(item, "of") != NULL ? text_of(item, "of") : text_of(item, "region"));
    add_rate(table, rates, "1m");
    add_rate(table, rates, "5m");
    add_rate(table, rates, "15m");
    snprintf(text, sizeof text, "%.1f %%", json_number_value(share) * 100);
    table_add(table, json_is_number(share) ? text : NULL);
    table_add(table, text_number(item, "answers", text));
}

static void show(const struct steerctl *ctl, const json_t *document)
{
    static const char *const headings[] = {"NAME",   "OF",    "1 MIN",   "5 MIN",
                                           "15 MIN", "SHARE", "ANSWERS", NULL};
    size_t i;
    const json_t *item;
    struct table *table = table_new(ctl, headings);
    json_array_foreach(json_object_get(document, "items"), i, item)
    {
        add_row(table, item, text_of(item, "name"));
    }
    add_row(table, json_object_get(document, "all"), "all");
    table_print(table);
}

/* "region" for regions; NULL: it is none of them. */
static const char *find_kind(const struct steerctl *ctl)
{
    static const char *const kinds[][2] = {{"regions", "region"},
                                           {"azs", "az"},
                                           {"endpoints", "endpoint"},
                                           {"names", "name"},
                                           {"classes", "class"}};
    if (ctl->word_count == 1) {
        return "region";
    }
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
        if (strcmp(ctl->words[1], kinds[i][0]) == 0 || strcmp(ctl->words[1], kinds[i][1]) == 0) {
            return kinds[i][1];
        }
    }
    return NULL;
}

enum steerctl_exit run_traffic(const struct steerctl *ctl)
{
    const char *kind = find_kind(ctl);
    struct buffer path;
    json_t *json = NULL;
    if (kind == NULL) {
        return steerctl_usage("found \"%s\", expected regions, azs, endpoints, names or classes",
                              ctl->words[1]);
    }
    buffer_init(&path);
    buffer_add_text(&path, "/v1/traffic?order=busiest&by=");
    buffer_add_text(&path, kind);
    steerctl_add_query(&path, "limit", ctl->limit);
    enum steerctl_exit code = steerctl_ask_json(ctl, "GET", path.bytes, NULL, &json);
    if (code == STEERCTL_OK && !ctl->json) {
        show(ctl, json);
    }
    json_decref(json);
    buffer_fini(&path);
    return code;
}
