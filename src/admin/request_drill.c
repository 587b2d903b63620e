/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Reading what is asked of a drill: the short form. A document, which has events, is left to the drill. */
#include "config.h"

#include "admin/request_inside.h"

#include "base/error.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Is the field absent or one of the words? Gives the index, 0 if absent or wrong. */
static size_t check_word(const json_t *body, const char *key, const char *const *words,
                         struct problem *problem)
{
    const char *text = request_get_text(body, key, problem);
    char expected[128] = "";
    if (text == NULL) {
        return 0;
    }
    for (size_t i = 0; words[i] != NULL; i++) {
        if (strcmp(text, words[i]) == 0) {
            return i;
        }
        size_t used = strlen(expected);
        snprintf(expected + used, sizeof expected - used, "%s%s", i == 0 ? "" : " or ", words[i]);
    }
    problem_add_field(problem, key, "found \"%s\", expected %s", text, expected);
    return 0;
}

/* All losses, by the clients, objectives and duration of a document, if there is one. */
static void check_sweep(json_t *body, struct request_drill *drill, struct problem *problem)
{
    static const char *const known[] = {"mode", "document", NULL};
    const json_t *document = json_object_get(body, "document");
    drill->sweeps = true;
    request_reject_unknown(body, known, problem);
    if (document != NULL && !json_is_object(document)) {
        problem_add_field(problem, "document", "expected an object: a drill document");
        return;
    }
    char *text = document == NULL ? NULL : json_dumps(document, JSON_INDENT(2));
    drill->document = arena_copy_text(problem->arena, text);
    free(text);
}

static bool has_mode(const json_t *body, const char *mode)
{
    const char *text = json_string_value(json_object_get(body, "mode"));
    return text != NULL && strcmp(text, mode) == 0;
}

static void check_losses(const json_t *body, struct request_drill *drill, struct problem *problem)
{
    const json_t *lose = json_object_get(body, "lose");
    size_t count = json_array_size(lose);
    if (lose == NULL || !json_is_array(lose) || count == 0 || count > REQUEST_LOSSES_MAX) {
        problem_add_field(problem, "lose", "expected an array of 1 to %d targets such as \"region:us-east\"",
                          REQUEST_LOSSES_MAX);
        return;
    }
    drill->loss_count = request_take_texts(lose, "lose", &drill->losses, problem);
}

int request_parse_drill(const char *text, size_t len, struct request_drill *drill, struct problem *problem)
{
    static const char *const known[] = {"mode", "lose", "failure", "from", NULL};
    static const char *const modes[] = {"simulate", "shadow", "live", NULL},
                             *const failures[] = {"timeout", "refused", NULL},
                             *const starts[] = {"live", "healthy", NULL};
    *drill = (struct request_drill){.loss_count = 0};
    json_t *body = request_parse_object(text, len, problem);
    if (body == NULL) {
        return ERROR_INVALID;
    }
    if (json_object_get(body, "events") != NULL) { /* read by whoever knows the topology */
        drill->is_document = true;
        json_decref(body);
        return 0;
    }
    if (has_mode(body, "sweep")) {
        check_sweep(body, drill, problem);
        json_decref(body);
        return problem_is_set(problem) ? ERROR_INVALID : 0;
    }
    request_reject_unknown(body, known, problem);
    if (json_object_get(body, "mode") == NULL) {
        problem_add_field(problem, "mode", "required: simulate, sweep, shadow or live");
    }
    check_word(body, "mode", modes, problem);
    drill->failure = failures[check_word(body, "failure", failures, problem)];
    drill->from_live = check_word(body, "from", starts, problem) == 0;
    check_losses(body, drill, problem);
    json_decref(body);
    return problem_is_set(problem) ? ERROR_INVALID : 0;
}
