/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Live drills: what one would do is shown, then it has to be typed what is lost, and then it begins. */
#include "config.h"

#include "ctl/observe.h"
#include "ctl/reports.h"
#include "ctl/text.h"
#include "ctl/verbs.h"

#include "base/exits.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* "5 %" as a number; what is none is for the server to say. */
static void set_percent(json_t *body, const char *key, const char *text)
{
    char *end = NULL;
    long value = text == NULL ? 0 : strtol(text, &end, 10);
    if (text != NULL && end != text && (*end == '\0' || strcmp(end, "%") == 0)) {
        json_object_set_new(body, key, json_integer(value));
    } else {
        steerctl_set(body, key, text);
    }
}

static void set_texts(json_t *body, const char *key, const char *const *items, size_t count)
{
    json_t *list = json_array();
    for (size_t i = 0; i < count; i++) {
        json_t *text = json_string(items[i]);
        json_array_append_new(list, text != NULL ? text : json_string("(not UTF-8)"));
    }
    json_object_set_new(body, key, list);
}

/* document: NULL: what is lost is said by options. */
static json_t *make_body(const struct steerctl *ctl, json_t *document, const char *confirm)
{
    json_t *body = steerctl_make_body(ctl);
    steerctl_set(body, "mode", "live");
    if (document != NULL) {
        json_object_set(body, "document", document);
    } else {
        set_texts(body, "lose", ctl->losses, ctl->loss_count);
        steerctl_set(body, "failure", ctl->failure);
        steerctl_set(body, "duration", ctl->for_);
    }
    steerctl_set(body, "by", ctl->by);
    set_percent(body, "canary", ctl->canary);
    steerctl_set(body, "canary_for", ctl->canary_for);
    set_percent(body, "abort_capacity", ctl->abort_capacity);
    steerctl_set(body, "abort_errors", ctl->abort_errors);
    steerctl_set(body, "abort_recovery", ctl->abort_recovery);
    if (ctl->accepted_count != 0) {
        set_texts(body, "accept", ctl->accepted, ctl->accepted_count);
    }
    steerctl_set(body, "confirm", confirm);
    return body;
}

static void show_preview(const struct steerctl *ctl, const json_t *preview)
{
    const char *obstacle = text_of(preview, "obstacle");
    char clean[CONFIRM_SIZE];
    puts("LIVE drill: ALL clients would be answered as if this were lost, in the end");
    switchover_show_look(ctl, json_object_get(preview, "look"));
    if (obstacle != NULL) {
        printf("\nNOT now: %s\n", text_clean(obstacle, clean, sizeof clean));
    }
    putchar('\n');
}

static enum steerctl_exit explain_losses(const struct steerctl *ctl, enum steerctl_exit code)
{
    for (size_t i = 0; code == STEERCTL_REFUSED && i < ctl->loss_count; i++) {
        code = target_explain_text(ctl, code, ctl->losses[i]);
    }
    return code;
}

/* It is shown, then begun. */
static enum steerctl_exit rehearse(const struct steerctl *ctl, json_t *document,
                                   struct observation *observation)
{
    json_t *preview, *drill = NULL;
    char line[CONFIRM_SIZE];
    bool is_dry = (ctl->given & OPTION_DRY_RUN) != 0, waits = shadow_waits(ctl);
    struct steerctl quiet = *ctl;
    quiet.json = ctl->json && is_dry; /* what is printed as JSON is one document */
    enum steerctl_exit code = steerctl_ask_json(&quiet, "POST", "/v1/drills?dry_run=true",
                                                make_body(ctl, document, NULL), &preview);
    if (code == STEERCTL_OK && !ctl->json) {
        show_preview(ctl, preview);
    }
    if (code != STEERCTL_OK || is_dry) {
        json_decref(preview);
        return explain_losses(ctl, code);
    }
    const char *confirm = ctl->confirm != NULL || ctl->json
                              ? ctl->confirm
                              : confirm_read(text_of(preview, "confirm"), "begin", line);
    quiet.json = ctl->json && !waits;
    code = steerctl_ask_json(&quiet, "POST", "/v1/drills", make_body(ctl, document, confirm), &drill);
    if (code == STEERCTL_OK && waits) {
        code = shadow_wait(ctl, drill, observation);
    } else if (code == STEERCTL_OK && !ctl->json) {
        shadow_show(ctl, drill);
    }
    json_decref(preview);
    json_decref(drill);
    return code;
}

enum steerctl_exit run_live(const struct steerctl *ctl)
{
    const char *path = ctl->word_count > 2 ? ctl->words[2] : NULL;
    struct observation *observation;
    if ((path == NULL) == (ctl->loss_count == 0)) {
        return steerctl_usage("drill live needs either --lose TARGET, or a FILE");
    }
    if (path != NULL && (ctl->given & (OPTION_FAILURE | OPTION_FOR)) != 0) {
        return steerctl_usage("found \"%s\" beside --failure or --for, which it says itself", path);
    }
    if (ctl->reason == NULL) {
        return steerctl_usage("drill live needs --reason TEXT");
    }
    if (!shadow_may_observe(ctl, &observation)) {
        return STEERCTL_USAGE;
    }
    json_t *document = path == NULL ? NULL : drill_read_document(path);
    enum steerctl_exit code = path != NULL && document == NULL ? (enum steerctl_exit)EXITS_DRILL_NOT_RUN
                                                               : rehearse(ctl, document, observation);
    json_decref(document);
    observation_free(observation);
    return code;
}
