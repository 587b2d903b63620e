/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Drills: asked for by losses or as a document, and a first document for somebody who has none. */
#include "config.h"

#include "ctl/reports.h"
#include "ctl/verbs.h"

#include "base/exits.h"

#include <stdlib.h>
#include <string.h>

#define KEEPING (OPTION_KEEP | OPTION_REASON | OPTION_ACTOR)

/* ---- what is asked for ---- */

static bool check_losses(const struct steerctl *ctl)
{
    for (size_t i = 0; i < ctl->loss_count; i++) {
        const char *plural, *name;
        if (!target_split(ctl->losses[i], &plural, &name)) {
            (void)steerctl_usage(TARGET_EXPECTED, ctl->losses[i]);
            return false;
        }
    }
    return true;
}

/* The short form. */
static json_t *make_body(const struct steerctl *ctl)
{
    json_t *body = json_object(), *losses = json_array();
    for (size_t i = 0; i < ctl->loss_count; i++) {
        json_array_append_new(losses, json_string(ctl->losses[i]));
    }
    steerctl_set(body, "mode", "simulate");
    json_object_set_new(body, "lose", losses);
    steerctl_set(body, "failure", ctl->failure);
    steerctl_set(body, "from", ctl->from);
    return body;
}

/* Takes the body. */
static enum steerctl_exit ask(const struct steerctl *ctl, json_t *body, json_t **answer)
{
    struct buffer target;
    buffer_init(&target);
    buffer_add_text(&target, "/v1/drills");
    if ((ctl->given & OPTION_KEEP) != 0) {
        steerctl_add_query(&target, "keep", "true");
        steerctl_add_query(&target, "actor", ctl->actor);
        steerctl_add_query(&target, "reason", ctl->reason);
    }
    enum steerctl_exit code = steerctl_ask_json(ctl, "POST", target.bytes, body, answer);
    buffer_fini(&target);
    return code;
}

static void show_kept(const json_t *answer)
{
    bool is_durable = !json_is_false(json_object_get(answer, "durable"));
    printf("\nKept as report %s%s\n", text_of(answer, "id"), is_durable ? "" : ", but not written yet");
}

/* Takes the body. */
static enum steerctl_exit simulate(const struct steerctl *ctl, json_t *body)
{
    json_t *answer = NULL;
    bool is_kept = (ctl->given & OPTION_KEEP) != 0;
    enum steerctl_exit code = ask(ctl, body, &answer);
    if (code == STEERCTL_OK) {
        const json_t *report = is_kept ? json_object_get(answer, "report") : answer;
        if (!ctl->json) {
            drill_show_report(ctl, report);
        }
        if (is_kept && !ctl->json) {
            show_kept(answer);
        }
        code = ctl->html != NULL && !drill_write_page(ctl, report) ? (enum steerctl_exit)EXITS_DRILL_NOT_RUN
               : json_is_true(json_object_get(report, "failed"))   ? (enum steerctl_exit)EXITS_DRILL_MISSED
                                                                   : STEERCTL_OK;
        json_decref(answer);
        return code;
    }
    for (size_t i = 0; code == STEERCTL_REFUSED && i < ctl->loss_count; i++) {
        code = target_explain_text(ctl, code, ctl->losses[i]);
    }
    json_decref(answer);
    return (enum steerctl_exit)EXITS_DRILL_NOT_RUN;
}

/* All losses: the text of it is a table of risks. */
static enum steerctl_exit sweep(const struct steerctl *ctl)
{
    const char *path = ctl->word_count > 2 ? ctl->words[2] : NULL;
    json_t *body = json_object(), *document = path == NULL ? NULL : drill_read_document(path), *risks = NULL;
    enum steerctl_exit code = (enum steerctl_exit)EXITS_DRILL_NOT_RUN;
    if (ctl->given != 0) {
        code = steerctl_usage("drill sweep takes a FILE, and no options");
    } else if (path == NULL || document != NULL) {
        steerctl_set(body, "mode", "sweep");
        if (document != NULL) {
            json_object_set(body, "document", document);
        }
        code = steerctl_ask_json(ctl, "POST", "/v1/drills", json_incref(body), &risks);
        if (code == STEERCTL_OK && !ctl->json) {
            drill_show_report(ctl, risks);
        }
        code = code != STEERCTL_OK                              ? (enum steerctl_exit)EXITS_DRILL_NOT_RUN
               : json_is_true(json_object_get(risks, "failed")) ? (enum steerctl_exit)EXITS_DRILL_MISSED
                                                                : STEERCTL_OK;
    }
    json_decref(risks);
    json_decref(document);
    json_decref(body);
    return code;
}

/* ---- a first document ---- */

static json_t *make_document(const struct steerctl *ctl)
{
    json_t *events = json_array();
    struct buffer name;
    buffer_init(&name);
    for (size_t i = 0; i < ctl->loss_count; i++) {
        buffer_print(&name, "%s%s", i == 0 ? "loss of " : " and ", ctl->losses[i]);
        json_array_append_new(events, json_pack("{s:s, s:s, s:s, s:s}", "at", "0s", "what", ctl->losses[i],
                                                "how", "lost", "for", "10m"));
    }
    json_t *document =
        json_pack("{s:s, s:s, s:s, s:s, s:s, s:o, s:{s:s}}", "name", name.bytes, "description",
                  "Lost at 0 s, and back after ten minutes: turn what happens, and when.", "mode", "simulate",
                  "from", "healthy", "duration", "30m", "events", events, "objectives", "rto", "60s");
    buffer_fini(&name);
    return document;
}

static enum steerctl_exit write_first(const struct steerctl *ctl)
{
    json_t *document = make_document(ctl);
    char *text = document == NULL ? NULL : json_dumps(document, JSON_INDENT(2));
    FILE *to = ctl->output == NULL ? stdout : fopen(ctl->output, "wxe");
    enum steerctl_exit code = STEERCTL_OK;
    if (text == NULL) {
        code = steerctl_usage("found a --lose that is no UTF-8");
    } else if (to == NULL || fprintf(to, "%s\n", text) < 0) {
        perror(ctl->output == NULL ? "steerctl: stdout" : ctl->output);
        code = (enum steerctl_exit)EXITS_DRILL_NOT_RUN;
    }
    if (ctl->output != NULL && to != NULL && fclose(to) != 0) {
        perror(ctl->output);
        code = (enum steerctl_exit)EXITS_DRILL_NOT_RUN;
    }
    free(text);
    json_decref(document);
    return code;
}

/* ---- the verb ---- */

enum steerctl_exit run_drill(const struct steerctl *ctl)
{
    const char *what = ctl->words[1], *path = ctl->word_count > 2 ? ctl->words[2] : NULL;
    bool is_new = strcmp(what, "new") == 0;
    if (compare_has_word(what)) {
        return run_compare(ctl);
    }
    if (ctl->word_count > 3) {
        return steerctl_usage("found \"%s\" behind drill %s", ctl->words[3], what);
    }
    if (strcmp(what, "live") == 0) {
        return run_live(ctl);
    }
    if (shadow_has_word(what)) {
        return run_shadow(ctl);
    }
    if (reports_has_word(what)) {
        return run_reports(ctl);
    }
    if (schedule_has_word(what)) {
        return run_schedule(ctl);
    }
    if (strcmp(what, "sweep") == 0) {
        return sweep(ctl);
    }
    if (!is_new && strcmp(what, "simulate") != 0) {
        return steerctl_usage("found drill \"%s\", expected simulate, sweep, new, shadow, live, list, show, "
                              "stop, reports, report, schedule, run, diff or trend",
                              what);
    }
    if (path != NULL ? is_new || (ctl->given & ~(OPTION_HTML | KEEPING)) != 0 : ctl->loss_count == 0) {
        return path != NULL
                   ? steerctl_usage("found \"%s\" beside what is said by options, expected one of them", path)
                   : steerctl_usage("drill needs --lose TARGET, or drill simulate a FILE");
    }
    if ((is_new && (ctl->given & ~(OPTION_LOSE | OPTION_OUTPUT)) != 0) ||
        (!is_new &&
         (ctl->given & ~(OPTION_LOSE | OPTION_FAILURE | OPTION_FROM | OPTION_HTML | KEEPING)) != 0)) {
        return steerctl_usage("found an option that belongs to the other kind of drill: new takes --lose and "
                              "--output, simulate --lose, --failure and --from");
    }
    if ((ctl->given & OPTION_KEEP) == 0 && (ctl->given & KEEPING) != 0) {
        return steerctl_usage("--reason and --actor belong to --keep");
    }
    if (!check_losses(ctl)) {
        return STEERCTL_USAGE;
    }
    if (is_new) {
        return write_first(ctl);
    }
    json_t *body = path == NULL ? make_body(ctl) : drill_read_document(path);
    if (body != NULL) { /* whatever it was written for */
        steerctl_set(body, "mode", "simulate");
    }
    return body == NULL ? (enum steerctl_exit)EXITS_DRILL_NOT_RUN : simulate(ctl, body);
}
