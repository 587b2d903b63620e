/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Drills that are over: listed, and one with its report. */
#include "config.h"

#include "ctl/reports.h"

#include "ctl/observe_write.h"
#include "ctl/template.h"
#include "ctl/text.h"
#include "ctl/verbs.h"

#include <string.h>

static const json_t *get(const json_t *object, const char *key)
{
    return json_object_get(object, key);
}

static const struct template_row columns[] = {ROW("REPORT", "{id}"),
                                              ROW("MODE", "{mode}"),
                                              ROW("NAME", "{name}"),
                                              ROW("OUTCOME", "{outcome}"),
                                              ROW("DECISION", "{decision_ms:s}"),
                                              ROW("RECOVERY", "{recovery_ms:s}"),
                                              ROW("RTO", "{rto_ms:s}"),
                                              ROW("FAILED", "{failed_share:%}"),
                                              ROW("BY", "{schedule|actor}"),
                                              ROW_END};

static const struct template_row lines[] = {
    ROW("report", "{id}"),         ROW("drill", "{name}"), ROW("time", "{time}"),
    ROW("schedule", "{schedule}"), ROW("by", "{actor}"),   ROW("reason", "{reason}"),
    ROW("outcome", "{outcome}"),   ROW("why", "{why}"),    ROW_END};

static void show(const struct steerctl *ctl, const json_t *found)
{
    const json_t *report = get(found, "report");
    template_lines(ctl, lines, found);
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
    return is_list ? steerctl_show_rows(ctl, "/v1/drills/reports", columns) : show_one(ctl);
}
