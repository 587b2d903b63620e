/* SPDX-License-Identifier: BSD-3-Clause
 *
 * See clustered_pending.h. What another node says directly comes here, too: what is not understood is none.
 */
#include "config.h"

#include "daemon/clustered_pending.h"

#include "base/arena.h"
#include "base/error.h"
#include "base/hex.h"
#include "base/memory.h"

#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { AGE_MAX_MS = INT32_MAX }; /* of an order that is told: 24 days */

/* ---- written ---- */

/* ["feedbeef01234567"]: owned. */
static char *write_marks(const uint64_t *marks, size_t count)
{
    json_t *list = json_array();
    char text[17];
    for (size_t i = 0; i < count; i++) {
        snprintf(text, sizeof text, "%016" PRIx64, marks[i]);
        json_array_append_new(list, json_string(text));
    }
    char *json = json_dumps(list, JSON_COMPACT);
    json_decref(list);
    return json;
}

/* {"at": …, "over": …, "entry": …}; at: null: there was no position. Owned. */
char *clustered_write_pending(const struct cluster_pending *pending, const char *node)
{
    char text[CLUSTER_HEAD_SIZE];
    struct cluster_entry entry = {.node = node,
                                  .mark = pending->mark,
                                  .mark_to = (uint32_t)pending->op_count,
                                  .cause = pending->cause,
                                  .provisional_since_ms = pending->since_ms,
                                  .ops = pending->ops,
                                  .op_count = pending->op_count};
    char *body = cluster_write_entry(&pending->at, &entry);
    char *over = write_marks(pending->over, pending->over_count);
    char *value = body == NULL
                      ? NULL
                      : memory_print("{\"at\":%s,\"over\":%s,\"entry\":%s}",
                                     pending->has_position ? cluster_write_head(&pending->at, text) : "null",
                                     over, body);
    free(over);
    free(body);
    return value;
}

/* ---- read ---- */

static bool read_marks(const json_t *list, struct arena *arena, struct cluster_pending *pending)
{
    size_t count = json_array_size(list);
    if (!json_is_array(list) || count > CLUSTERED_OVER_MAX) {
        return false;
    }
    uint64_t *marks = arena_alloc(arena, (count + 1) * sizeof *marks);
    pending->over = marks;
    pending->over_count = count;
    for (size_t i = 0; i < count; i++) {
        const char *text = json_string_value(json_array_get(list, i));
        if (text == NULL || !hex_read_word(text, &marks[i])) {
            return false;
        }
    }
    return true;
}

int64_t clustered_find_birth(const char *text, int64_t now_ms)
{
    json_t *object = json_loads(text, JSON_REJECT_DUPLICATES, NULL);
    const json_t *age = json_object_get(object, "age_ms");
    json_int_t age_ms = json_integer_value(age);
    bool is_known = json_is_integer(age) && age_ms >= 0 && age_ms <= AGE_MAX_MS;
    json_decref(object);
    return is_known ? now_ms - age_ms : 0;
}

int clustered_parse_pending(const char *text, struct arena *arena, struct cluster_pending *pending,
                            const char **why)
{
    struct cluster_entry entry;
    json_t *object = json_loads(text, JSON_REJECT_DUPLICATES, NULL);
    char *head = json_dumps(json_object_get(object, "at"), JSON_COMPACT | JSON_ENCODE_ANY),
         *body = json_dumps(json_object_get(object, "entry"), JSON_COMPACT);
    bool has_marks = read_marks(json_object_get(object, "over"), arena, pending);
    json_decref(object);
    *why = head == NULL || body == NULL ? "it is none"
                                        : "\"over\": expected up to 256 marks of 16 hexadecimal digits";
    int error = head == NULL || body == NULL || !has_marks ? ERROR_SYNTAX : 0;
    pending->has_position = error == 0 && strcmp(head, "null") != 0;
    error = error == 0 && pending->has_position ? cluster_read_head(head, strlen(head), &pending->at, why)
                                                : error;
    error = error == 0 ? cluster_read_entry(body, strlen(body), arena, &entry, why) : error;
    if (error == 0) {
        pending->mark = entry.mark;
        pending->node = entry.node;
        pending->since_ms = entry.provisional_since_ms;
        pending->cause = entry.cause;
        pending->ops = entry.ops;
        pending->op_count = entry.op_count;
    }
    free(head);
    free(body);
    return error;
}
