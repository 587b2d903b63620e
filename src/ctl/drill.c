/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Drills: asked for by losses or as a document, and a first document for somebody who has none. */
#include "config.h"

#include "ctl/observe.h"
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
static enum steerctl_exit run_sweep(const struct steerctl *ctl)
{
    const char *path = ctl->word_count > 2 ? ctl->words[2] : NULL;
    json_t *body = json_object(), *document = path == NULL ? NULL : drill_read_document(path), *risks = NULL;
    enum steerctl_exit code = (enum steerctl_exit)EXITS_DRILL_NOT_RUN;
    if (path == NULL || document != NULL) {
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

static enum steerctl_exit run_simulation(const struct steerctl *ctl)
{
    const char *path = ctl->word_count > 2 ? ctl->words[2] : NULL;
    if (path == NULL && ctl->loss_count == 0) {
        return steerctl_usage("drill needs --lose TARGET, or drill simulate a FILE");
    }
    if (path != NULL && (ctl->given & (OPTION_LOSE | OPTION_FAILURE | OPTION_FROM)) != 0) {
        return steerctl_usage("found \"%s\" beside what is said by options, expected one of them", path);
    }
    if ((ctl->given & OPTION_KEEP) == 0 && (ctl->given & KEEPING) != 0) {
        return steerctl_usage("--reason and --actor belong to --keep");
    }
    if (!check_losses(ctl)) {
        return STEERCTL_USAGE;
    }
    json_t *body = path == NULL ? make_body(ctl) : drill_read_document(path);
    if (body != NULL) { /* whatever it was written for */
        steerctl_set(body, "mode", "simulate");
    }
    return body == NULL ? (enum steerctl_exit)EXITS_DRILL_NOT_RUN : simulate(ctl, body);
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

static enum steerctl_exit run_new(const struct steerctl *ctl)
{
    if (ctl->loss_count == 0 || ctl->word_count != 2) {
        return steerctl_usage("drill new takes --lose TARGET, and no FILE");
    }
    return check_losses(ctl) ? write_first(ctl) : STEERCTL_USAGE;
}

/* ---- the verb ---- */

#define BEGINNING                                                                                            \
    (OPTION_LOSE | OPTION_FAILURE | OPTION_FOR | OPTION_REASON | OPTION_ACTOR | OPTION_WAIT | OPTION_HTML |  \
     OPTIONS_OBSERVE)

static const struct word {
    const char *name;
    option_set options;
    int max_words; /* behind it */
    enum steerctl_exit (*run)(const struct steerctl *ctl);
} words[] = {
    {"simulate", OPTION_LOSE | OPTION_FAILURE | OPTION_FROM | OPTION_HTML | KEEPING, 1, run_simulation},
    {"sweep", 0, 1, run_sweep},
    {"new", OPTION_LOSE | OPTION_OUTPUT, 1, run_new},
    {"shadow", BEGINNING | OPTION_CLIENT | OPTION_ECS | OPTION_LISTEN | OPTION_TSIG_KEY, 1, run_shadow},
    {"live", BEGINNING | OPTION_LIVE | OPTION_ACCEPT | OPTION_CONFIRM | OPTION_DRY_RUN, 1, run_live},
    {"list", 0, 1, run_shadows},
    {"show", OPTION_HTML, 1, run_shadows},
    {"stop", OPTION_ACTOR, 1, run_shadows},
    {"reports", 0, 1, run_reports},
    {"report", OPTION_HTML, 1, run_reports},
    {"schedule", 0, 1, run_schedule},
    {"run", OPTION_ACTOR, 1, run_schedule},
    {"diff", 0, 2, run_compare},
    {"trend", 0, 1, run_compare},
};

enum steerctl_exit run_drill(const struct steerctl *ctl)
{
    const struct word *word = NULL;
    for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
        word = strcmp(ctl->words[1], words[i].name) == 0 ? &words[i] : word;
    }
    if (word == NULL) {
        return steerctl_usage("found drill \"%s\", expected simulate, sweep, new, shadow, live, list, show, "
                              "stop, reports, report, schedule, run, diff or trend",
                              ctl->words[1]);
    }
    if (ctl->word_count - 2 > word->max_words) {
        return steerctl_usage("found \"%s\" behind drill %s", ctl->words[2 + word->max_words], word->name);
    }
    const char *odd = options_find_odd(ctl, word->options);
    return odd != NULL ? steerctl_usage("drill %s does not take --%s", word->name, odd) : word->run(ctl);
}
