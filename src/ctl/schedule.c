/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Drills that are done regularly: when, and what came of the latest; and one of them now. */
#include "config.h"

#include "ctl/reports.h"

#include "ctl/text.h"
#include "ctl/verbs.h"

#include <string.h>

/* Of the latest time that it was due. */
static const char *find_result(const json_t *item)
{
    return json_is_true(json_object_get(item, "running"))      ? "running"
           : json_is_true(json_object_get(item, "was_missed")) ? "missed"
           : text_of(item, "outcome") == NULL                  ? "-"
           : strcmp(text_of(item, "outcome"), "missed") == 0   ? "not met"
           : strcmp(text_of(item, "outcome"), "not_run") == 0  ? "not run"
                                                               : text_of(item, "outcome");
}

static void show_list(const struct steerctl *ctl, const json_t *items)
{
    static const char *const headings[] = {"DRILL",  "CRON",   "TIME ZONE", "NEXT", "LATEST",
                                           "RESULT", "REPORT", "WHY",       NULL};
    size_t i;
    const json_t *item;
    struct table *table = table_new(ctl, headings);
    json_array_foreach(items, i, item)
    {
        const char *waits = text_of(item, "waits_for");
        table_add(table, text_of(item, "name"));
        table_add(table, text_of(item, "cron"));
        table_add(table, text_of(item, "time_zone"));
        table_add(table, json_is_true(json_object_get(item, "enabled")) ? text_of(item, "next") : "off");
        table_add(table, text_of(item, "due"));
        table_add(table, find_result(item));
        table_add(table, text_of(item, "report"));
        table_add(table, waits != NULL ? waits : text_of(item, "why"));
    }
    table_print(table);
}

static enum steerctl_exit list(const struct steerctl *ctl)
{
    return steerctl_show(ctl, "/v1/drills/schedule", show_list);
}

static enum steerctl_exit run_now(const struct steerctl *ctl)
{
    struct buffer path;
    json_t *item;
    if (ctl->word_count != 3) {
        return steerctl_usage("drill run needs the name of a regular drill");
    }
    buffer_init(&path);
    buffer_add_text(&path, "/v1/drills/schedule/");
    steerctl_add_encoded(&path, ctl->words[2]);
    buffer_add_text(&path, ":run");
    steerctl_add_query(&path, "actor", ctl->actor);
    enum steerctl_exit code = steerctl_ask_json(ctl, "POST", path.bytes, NULL, &item);
    buffer_fini(&path);
    if (code == STEERCTL_OK && !ctl->json) {
        char clean[128];
        printf("%s has begun: steerctl drill schedule\n",
               text_clean(text_or_dash(text_of(item, "name")), clean, sizeof clean));
    }
    json_decref(item);
    return code;
}

enum steerctl_exit run_schedule(const struct steerctl *ctl)
{
    bool is_list = strcmp(ctl->words[1], "schedule") == 0;
    if (is_list && ctl->word_count != 2) {
        return steerctl_usage("drill schedule takes nothing else, drill run a name");
    }
    return is_list ? list(ctl) : run_now(ctl);
}
