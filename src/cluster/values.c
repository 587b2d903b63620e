/* SPDX-License-Identifier: BSD-3-Clause
 *
 * See values.h. */
#include "config.h"

#include "cluster/values.h"

#include "base/arena.h"
#include "base/error.h"
#include "cluster/json.h"
#include "store/kinds.h"

#include <stdlib.h>
#include <string.h>

enum { MARKS_MAX = INT32_MAX };

static const char *copy_found(struct json_reading *reading, const char *key, struct arena *arena)
{
    const char *text = json_find_text(reading, key, "expected a text");
    return text == NULL ? NULL : arena_copy_text(arena, text);
}

static const char *copy_or_empty(struct json_reading *reading, const char *key, struct arena *arena)
{
    const char *text = copy_found(reading, key, arena);
    return text == NULL ? "" : text;
}

/* ---- what holds ---- */

char *cluster_write_record(const struct cluster_record *record)
{
    json_t *object = json_object();
    json_set_number(object, "seq", record->seq);
    json_set_time(object, "at", record->at_ms);
    json_set_text(object, "node", record->node);
    json_put_text(object, "value", record->value);
    json_set_time(object, "expires", record->expires_ms);
    return json_finish(object);
}

int cluster_read_record(const char *text, size_t len, struct arena *arena, struct cluster_record *record)
{
    struct json_reading reading;
    *record = (struct cluster_record){.value = ""};
    json_open(&reading, text, len);
    record->seq = json_get_number(&reading, "seq", INT64_MAX - 1, "\"seq\": expected a number");
    record->at_ms = json_find_time(&reading, "at", "\"at\": expected milliseconds");
    record->node = copy_or_empty(&reading, "node", arena);
    record->value = arena_copy_text(arena, json_get_text(&reading, "value", "\"value\": expected a text"));
    record->expires_ms = json_find_time(&reading, "expires", "\"expires\": expected milliseconds");
    struct store_op op = {.kind = OVERRIDE_KIND, .key = "a", .value = record->value};
    const char *why = cluster_judge_ops(&op, 1);
    if (why != NULL) {
        json_fail(&reading, why);
    }
    return json_close(&reading, NULL);
}

/* ---- who has what ---- */

const char *cluster_write_holder(const struct cluster_holder *holder, char text[CLUSTER_HOLDER_SIZE])
{
    json_t *object = json_object();
    json_put_text(object, "node", holder->node);
    json_set_word(object, "run", holder->run);
    json_set_number(object, "take", holder->take);
    return json_finish_into(object, text, CLUSTER_HOLDER_SIZE);
}

int cluster_read_holder(const char *text, size_t len, struct cluster_holder *holder)
{
    struct json_reading reading;
    *holder = (struct cluster_holder){0};
    json_open(&reading, text, len);
    const char *node = json_get_text(&reading, "node", "\"node\": expected a name");
    if (cluster_is_name(node)) {
        memcpy(holder->node, node, strlen(node) + 1);
    } else {
        json_fail(&reading, "\"node\": expected a name");
    }
    holder->run = json_get_word(&reading, "run", "\"run\": expected 16 hexadecimal digits");
    holder->take = json_get_number(&reading, "take", INT64_MAX, "\"take\": expected a number");
    return json_close(&reading, NULL);
}

/* ---- marks ---- */

const char *cluster_write_mark(const struct cluster_mark *mark, char text[CLUSTER_MARK_SIZE])
{
    json_t *object = json_object();
    json_set_number(object, "seq", mark->seq);
    json_set_number(object, "to", mark->to);
    return json_finish_into(object, text, CLUSTER_MARK_SIZE);
}

int cluster_read_mark(const char *text, size_t len, struct cluster_mark *mark)
{
    struct json_reading reading;
    json_open(&reading, text, len);
    mark->seq = json_get_number(&reading, "seq", INT64_MAX - 1, "\"seq\": expected a number");
    mark->to = (uint32_t)json_get_number(&reading, "to", MARKS_MAX, "\"to\": expected a number");
    return json_close(&reading, NULL);
}

/* ---- conflicts ---- */

static void put_side(json_t *object, const char *key, const char *value, const char *expires,
                     int64_t expires_ms)
{
    if (value != NULL) {
        json_put_text(object, key, value);
        json_set_time(object, expires, expires_ms);
    }
}

/* The one before, and those that it brings along, each by itself: what lost is never lost sight of. */
static void put_earlier(json_t *object, const char *text)
{
    json_t *last = text == NULL ? NULL : json_loads(text, JSON_REJECT_DUPLICATES, NULL), *list = json_array();
    json_t *before = json_incref(json_object_get(last, "earlier"));
    if (json_is_object(last)) {
        json_object_del(last, "earlier");
        if (json_is_array(before)) {
            json_array_extend(list, before);
        }
        json_array_append(list, last);
        json_object_set(object, "earlier", list);
    }
    json_decref(before);
    json_decref(list);
    json_decref(last);
}

static const char *read_earlier(struct json_reading *reading, struct arena *arena)
{
    const json_t *list = json_object_get(reading->object, "earlier");
    if (list != NULL && !json_is_array(list)) {
        json_fail(reading, "\"earlier\": expected a list");
    }
    char *text = json_is_array(list) ? json_dumps(list, JSON_COMPACT) : NULL;
    const char *copy = text == NULL ? NULL : arena_copy_text(arena, text);
    free(text);
    return copy;
}

char *cluster_write_conflict(const struct cluster_conflict *conflict)
{
    json_t *object = json_object();
    json_put_text(object, "kind", conflict->kind);
    json_put_text(object, "key", conflict->key);
    put_side(object, "ours", conflict->ours, "ours_expires", conflict->ours_expires_ms);
    put_side(object, "theirs", conflict->theirs, "theirs_expires", conflict->theirs_expires_ms);
    json_object_set_new(object, "ours_holds", json_boolean(conflict->ours_holds));
    json_set_time(object, "since", conflict->since_ms);
    json_set_text(object, "node", conflict->node);
    json_set_text(object, "their_node", conflict->their_node);
    json_set_text(object, "actor", conflict->actor);
    json_set_text(object, "reason", conflict->reason);
    put_earlier(object, conflict->earlier);
    return json_finish(object);
}

int cluster_read_conflict(const char *text, size_t len, struct arena *arena,
                          struct cluster_conflict *conflict)
{
    struct json_reading reading;
    *conflict = (struct cluster_conflict){.kind = "", .key = ""};
    json_open(&reading, text, len);
    conflict->kind = arena_copy_text(arena, json_get_text(&reading, "kind", "\"kind\": expected a text"));
    conflict->key = arena_copy_text(arena, json_get_text(&reading, "key", "\"key\": expected a text"));
    conflict->ours = copy_found(&reading, "ours", arena);
    conflict->theirs = copy_found(&reading, "theirs", arena);
    conflict->ours_expires_ms = json_find_time(&reading, "ours_expires", "\"ours_expires\": expected a time");
    conflict->theirs_expires_ms =
        json_find_time(&reading, "theirs_expires", "\"theirs_expires\": expected a time");
    conflict->ours_holds = json_find_flag(&reading, "ours_holds", "\"ours_holds\": expected true or false");
    conflict->since_ms = json_find_time(&reading, "since", "\"since\": expected milliseconds");
    conflict->node = copy_or_empty(&reading, "node", arena);
    conflict->their_node = copy_or_empty(&reading, "their_node", arena);
    conflict->actor = copy_or_empty(&reading, "actor", arena);
    conflict->reason = copy_or_empty(&reading, "reason", arena);
    conflict->earlier = read_earlier(&reading, arena);
    return json_close(&reading, NULL);
}
