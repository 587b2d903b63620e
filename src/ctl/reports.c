/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Drills that are over: listed, and one with its report. */
#include "config.h"

#include "ctl/reports.h"

#include "ctl/observe_write.h"
#include "ctl/text.h"
#include "ctl/verbs.h"

#include <string.h>

enum { CELL = 256 };

static const json_t *get(const json_t *object, const char *key)
{
    return json_object_get(object, key);
}

static const char *write_ms(const json_t *object, const char *key, char out[CELL])
{
    const json_t *value = get(object, key);
    if (!json_is_number(value)) {
        return NULL;
    }
    snprintf(out, CELL, "%.1f s", json_number_value(value) / 1000);
    return out;
}

static const char *write_percent(const json_t *object, const char *key, char out[CELL])
{
    const json_t *value = get(object, key);
    if (!json_is_number(value)) {
        return NULL;
    }
    snprintf(out, CELL, "%.3g %%", json_number_value(value) * 100);
    return out;
}

static void show_list(const struct steerctl *ctl, const json_t *items)
{
    static const char *const headings[] = {"REPORT",   "MODE", "NAME",   "OUTCOME", "DECISION",
                                           "RECOVERY", "RTO",  "FAILED", "BY",      NULL};
    size_t i;
    const json_t *item;
    struct table *table = table_new(ctl, headings);
    json_array_foreach(items, i, item)
    {
        char decision[CELL], recovery[CELL], rto[CELL], failed[CELL];
        const char *schedule = text_of(item, "schedule");
        table_add(table, text_of(item, "id"));
        table_add(table, text_of(item, "mode"));
        table_add(table, text_of(item, "name"));
        table_add(table, text_of(item, "outcome"));
        table_add(table, write_ms(item, "decision_ms", decision));
        table_add(table, write_ms(item, "recovery_ms", recovery));
        table_add(table, write_ms(item, "rto_ms", rto));
        table_add(table, write_percent(item, "failed_share", failed));
        table_add(table, schedule != NULL ? schedule : text_of(item, "actor"));
    }
    table_print(table);
}

static enum steerctl_exit list(const struct steerctl *ctl)
{
    return steerctl_show(ctl, "/v1/drills/reports", show_list);
}

static void show_head(const json_t *found)
{
    text_line("report", text_of(found, "id"));
    text_line("drill", text_of(found, "name"));
    text_line("time", text_of(found, "time"));
    text_line("schedule", text_of(found, "schedule"));
    text_line("by", text_of(found, "actor"));
    text_line("reason", text_of(found, "reason"));
    text_line("outcome", text_of(found, "outcome"));
    text_line("why", text_of(found, "why"));
}

static void show(const struct steerctl *ctl, const json_t *found)
{
    const json_t *report = get(found, "report");
    show_head(found);
    if (json_is_object(report)) {
        putchar('\n');
        if (text_of(report, "text") != NULL) {
            drill_show_report(ctl, report);
        } else {
            shadow_show(ctl, report);
        }
    }
    if (json_is_object(get(found, "observed"))) {
        observe_show_beside(ctl, get(found, "observed"));
    }
}

static enum steerctl_exit judge(const json_t *found)
{
    const char *outcome = text_or_dash(text_of(found, "outcome"));
    return (enum steerctl_exit)(strcmp(outcome, "met") == 0      ? EXITS_OK
                                : strcmp(outcome, "missed") == 0 ? EXITS_DRILL_MISSED
                                                                 : EXITS_DRILL_NOT_RUN);
}

/* The page is of the report itself, also where a drill on the server has it in it, with what was seen of it.
 */
static bool write_page(const struct steerctl *ctl, const json_t *found)
{
    json_t *report = json_object_get(found, "report"), *inner = json_object_get(report, "report");
    if (json_is_object(report) && json_is_object(get(found, "observed"))) {
        json_object_set(report, "observed", json_object_get(found, "observed"));
    }
    return json_is_object(inner) ? drill_write_whole_page(ctl, report) : drill_write_page(ctl, report);
}

static enum steerctl_exit show_one(const struct steerctl *ctl)
{
    struct buffer path;
    json_t *found;
    if (ctl->word_count != 3) {
        return steerctl_usage("drill report needs the ID of one");
    }
    buffer_init(&path);
    buffer_add_text(&path, "/v1/drills/reports/");
    steerctl_add_encoded(&path, ctl->words[2]);
    enum steerctl_exit code = steerctl_ask_json(ctl, "GET", path.bytes, NULL, &found);
    buffer_fini(&path);
    if (code == STEERCTL_OK && !ctl->json) {
        show(ctl, found);
    }
    if (code == STEERCTL_OK) {
        bool is_written = ctl->html == NULL || write_page(ctl, found);
        code = is_written ? judge(found) : (enum steerctl_exit)EXITS_DRILL_NOT_RUN;
    }
    json_decref(found);
    return code;
}

enum steerctl_exit run_reports(const struct steerctl *ctl)
{
    bool is_list = strcmp(ctl->words[1], "reports") == 0;
    if (is_list && ctl->word_count != 2) {
        return steerctl_usage("drill reports takes nothing else; drill report takes an ID");
    }
    return is_list ? list(ctl) : show_one(ctl);
}
