/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Reading where an answer says how far a copy of data lags behind, in what, and in which words it says how
 * far the copying is. */
#include "config.h"

#include "conf/check_lag.h"

#include "base/arena.h"
#include "conf/value.h"

#include <string.h>

static const char *const stages[CONF_STAGES] = {"", "start", "full", "real_time"};

static const char *read_pointer(const struct doc_node *node, const char *key, struct arena *arena)
{
    const char *text = doc_get_text(node, key);
    struct doc_node member;
    if (text != NULL && !value_is_pointer(text)) {
        (void)doc_find(node, key, &member);
        doc_error_expected(&member, "a JSON pointer into the answer, such as \"/lag_seconds\" or "
                                    "\"/replicas/0/state\"");
        return NULL;
    }
    return arena_copy_text(arena, text);
}

/* A pointer, or where and in which words. */
static void read_stage(const struct doc_node *lag, struct arena *arena, struct conf_lag *to)
{
    static const char *const keys[] = {"pointer", "start", "full", "real_time", NULL};
    struct doc_node stage;
    for (int i = CONF_STAGE_START; i < CONF_STAGES; i++) {
        to->words[i] = stages[i];
    }
    if (!doc_find(lag, "stage", &stage)) {
        return;
    }
    if (doc_is_text(&stage)) {
        to->stage = read_pointer(lag, "stage", arena);
        return;
    }
    if (!doc_is_object(&stage)) {
        doc_error_expected(&stage, "a JSON pointer, or an object with \"pointer\" and the words for "
                                   "\"start\", \"full\" and \"real_time\"");
        return;
    }
    struct doc_node pointer;
    if (doc_check_object(&stage, keys) && doc_require(&stage, "pointer", &pointer)) {
        to->stage = read_pointer(&stage, "pointer", arena);
    }
    for (int i = CONF_STAGE_START; i < CONF_STAGES; i++) {
        const char *word = doc_get_text(&stage, stages[i]);
        to->words[i] = word == NULL ? stages[i] : arena_copy_text(arena, word);
        for (int j = CONF_STAGE_START; j < i; j++) {
            if (strcmp(to->words[j], to->words[i]) == 0) {
                doc_error(&stage, "\"%.100s\" means both \"%s\" and \"%s\", expected different words",
                          to->words[i], stages[j], stages[i]);
            }
        }
    }
}

void check_lag_read(const struct doc_node *node, struct arena *arena, struct conf_check *check)
{
    static const char *const keys[] = {"value", "unit", "stage", NULL};
    static const char *const units[] = {"s", "ms", "bytes", NULL};
    struct doc_node member, value, unit;
    if (!doc_find(node, "lag", &member)) {
        return;
    }
    if (check->load != NULL) {
        doc_error_at_key(&member, "found \"lag\" beside \"load\", expected one of them: a load is that of "
                                  "an endpoint, a lag that of a copy");
    }
    struct conf_lag *lag = arena_alloc(arena, sizeof *lag);
    if (!doc_check_object(&member, keys)) {
        return;
    }
    if (doc_require(&member, "value", &value)) {
        lag->value = read_pointer(&member, "value", arena);
    }
    if (doc_require(&member, "unit", &unit)) {
        lag->unit = (enum conf_lag_unit)doc_get_choice(&member, "unit", units, 0);
    }
    read_stage(&member, arena, lag);
    check->lag = lag;
}
