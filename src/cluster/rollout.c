/* SPDX-License-Identifier: BSD-3-Clause
 *
 * See rollout.h. Whoever decides has the records of all nodes, and writes only if nothing else was written
 * since (cluster_write.needs_sight); so what is decided is decided once, and a cancel that came first holds.
 */
#include "config.h"

#include "cluster/rollout.h"

#include "base/error.h"
#include "base/utf8.h"
#include "cluster/json.h"

#include <stdio.h>
#include <string.h>

static const char no_id[] = "an ID: expected 64 hexadecimal digits",
                  no_time[] = "a time: expected milliseconds",
                  no_object[] = "\"active\", \"next\", \"last\": expected an object or null",
                  no_round[] = "\"round\": expected 16 hexadecimal digits, not all 0",
                  no_require[] = "\"require\": expected all or majority",
                  no_result[] = "\"result\": expected active, failed or cancelled",
                  no_nodes[] = "\"nodes\": expected names and texts";

const char *rollout_require_text(enum rollout_require require)
{
    return require == ROLLOUT_MAJORITY ? "majority" : "all";
}

const char *rollout_result_text(enum rollout_result result)
{
    switch (result) {
    case ROLLOUT_ACTIVE: return "active";
    case ROLLOUT_FAILED: return "failed";
    case ROLLOUT_CANCELLED: return "cancelled";
    }
    return "";
}

/* What does not fit is cut behind a whole character. */
static void copy_cut(char *to, size_t size, const char *text)
{
    size_t len = text == NULL ? 0 : strlen(text);
    len = utf8_check(text == NULL ? "" : text, len < size ? len : size - 1);
    memcpy(to, text == NULL ? "" : text, len);
    to[len] = '\0';
}

/* ---- reading ---- */

/* A member that is an object, or not there; what is wrong within is told by `outer`. */
static bool enter(struct json_reading *outer, const char *key, struct json_reading *inner)
{
    json_t *member = json_object_get(outer->object, key);
    *inner = (struct json_reading){.object = member};
    if (member != NULL && !json_is_object(member) && !json_is_null(member)) {
        json_fail(outer, no_object);
    }
    return json_is_object(member);
}

static void leave(struct json_reading *outer, const struct json_reading *inner)
{
    if (inner->error != 0) {
        json_fail(outer, inner->why);
    }
}

static void read_id(struct json_reading *reading, const char *key, char id[CLUSTER_BUNDLE_ID_SIZE])
{
    const char *text = json_get_text(reading, key, no_id);
    if (cluster_is_bundle_id(text)) {
        memcpy(id, text, CLUSTER_BUNDLE_ID_SIZE);
    } else {
        json_fail(reading, no_id);
    }
}

static void read_said(struct json_reading *reading, struct rollout_said *said)
{
    read_id(reading, "id", said->id);
    said->since_ms = json_find_time(reading, "since", no_time);
    copy_cut(said->actor, sizeof said->actor, json_find_text(reading, "actor", "\"actor\": expected a text"));
    copy_cut(said->reason, sizeof said->reason,
             json_find_text(reading, "reason", "\"reason\": expected a text"));
    copy_cut(said->role, sizeof said->role, json_find_text(reading, "role", "\"role\": expected a text"));
}

static void read_next(struct json_reading *reading, struct rollout *rollout)
{
    read_said(reading, &rollout->next);
    rollout->round = json_get_word(reading, "round", no_round);
    rollout->until_ms = json_find_time(reading, "until", no_time);
    const char *require = json_get_text(reading, "require", no_require);
    rollout->require =
        strcmp(require, rollout_require_text(ROLLOUT_MAJORITY)) == 0 ? ROLLOUT_MAJORITY : ROLLOUT_ALL;
    if (strcmp(require, rollout_require_text(rollout->require)) != 0) {
        json_fail(reading, no_require);
    }
    if (rollout->round == 0) {
        json_fail(reading, no_round);
    }
    if (rollout->until_ms == 0) {
        json_fail(reading, no_time);
    }
}

static void read_nodes(struct json_reading *reading, struct rollout *rollout)
{
    json_t *nodes = json_object_get(reading->object, "nodes"), *value;
    const char *name;
    if (nodes != NULL && !json_is_object(nodes)) {
        json_fail(reading, no_nodes);
        return;
    }
    json_object_foreach(nodes, name, value)
    {
        if (!cluster_is_name(name) || !json_is_string(value) ||
            rollout->last.node_count == CLUSTER_NODES_MAX) {
            json_fail(reading, no_nodes);
            return;
        }
        struct rollout_absent *absent = &rollout->last.nodes[rollout->last.node_count++];
        snprintf(absent->node, sizeof absent->node, "%s", name);
        copy_cut(absent->why, sizeof absent->why, json_string_value(value));
    }
}

static void read_last(struct json_reading *reading, struct rollout *rollout)
{
    read_id(reading, "id", rollout->last.id);
    const char *result = json_get_text(reading, "result", no_result);
    int at = ROLLOUT_ACTIVE;
    while (at <= ROLLOUT_CANCELLED && strcmp(result, rollout_result_text((enum rollout_result)at)) != 0) {
        at++;
    }
    if (at > ROLLOUT_CANCELLED) {
        json_fail(reading, no_result);
        return;
    }
    rollout->last.result = (enum rollout_result)at;
    copy_cut(rollout->last.why, sizeof rollout->last.why,
             json_find_text(reading, "why", "\"why\": expected a text"));
    rollout->last.at_ms = json_find_time(reading, "at", no_time);
    read_nodes(reading, rollout);
}

int rollout_read(const char *text, size_t len, struct rollout *rollout, const char **why)
{
    struct json_reading reading, inner;
    *rollout = (struct rollout){.round = 0};
    json_open(&reading, text, len);
    if (enter(&reading, "active", &inner)) {
        read_said(&inner, &rollout->active);
        leave(&reading, &inner);
    }
    const json_t *before = json_object_get(reading.object, "before");
    if (before != NULL && !json_is_null(before)) {
        read_id(&reading, "before", rollout->before);
    }
    if (enter(&reading, "next", &inner)) {
        read_next(&inner, rollout);
        leave(&reading, &inner);
    }
    if (enter(&reading, "last", &inner)) {
        read_last(&inner, rollout);
        leave(&reading, &inner);
    }
    return json_close(&reading, why);
}

/* ---- writing ---- */

static json_t *write_said(const struct rollout_said *said)
{
    if (said->id[0] == '\0') {
        return json_null();
    }
    json_t *object = json_object();
    json_put_text(object, "id", said->id);
    json_set_time(object, "since", said->since_ms);
    json_set_text(object, "actor", said->actor);
    json_set_text(object, "reason", said->reason);
    json_set_text(object, "role", said->role);
    return object;
}

static json_t *write_next(const struct rollout *rollout)
{
    json_t *object = write_said(&rollout->next);
    if (rollout->next.id[0] != '\0') {
        json_set_word(object, "round", rollout->round);
        json_set_time(object, "until", rollout->until_ms);
        json_put_text(object, "require", rollout_require_text(rollout->require));
    }
    return object;
}

static json_t *write_last(const struct rollout *rollout)
{
    if (rollout->last.id[0] == '\0') {
        return json_null();
    }
    json_t *object = json_object(), *nodes = json_object();
    json_put_text(object, "id", rollout->last.id);
    json_put_text(object, "result", rollout_result_text(rollout->last.result));
    json_set_text(object, "why", rollout->last.why);
    json_set_time(object, "at", rollout->last.at_ms);
    for (size_t i = 0; i < rollout->last.node_count; i++) {
        json_put_text(nodes, rollout->last.nodes[i].node, rollout->last.nodes[i].why);
    }
    json_object_set_new(object, "nodes", nodes);
    return object;
}

char *rollout_write(const struct rollout *rollout)
{
    json_t *object = json_object();
    json_object_set_new(object, "active", write_said(&rollout->active));
    json_object_set_new(object, "before",
                        rollout->before[0] == '\0' ? json_null() : json_string(rollout->before));
    json_object_set_new(object, "next", write_next(rollout));
    json_object_set_new(object, "last", write_last(rollout));
    return json_finish(object);
}

/* ---- what becomes of it ---- */

int rollout_begin(struct rollout *rollout, const struct rollout_wish *wish)
{
    if (rollout->next.id[0] != '\0') {
        return ERROR_BUSY;
    }
    if (strcmp(rollout->active.id, wish->id) == 0 && !wish->may_more) {
        return ERROR_CONFLICT;
    }
    struct rollout_said *next = &rollout->next;
    snprintf(next->id, sizeof next->id, "%s", wish->id);
    next->since_ms = wish->now_ms;
    copy_cut(next->actor, sizeof next->actor, wish->actor);
    copy_cut(next->reason, sizeof next->reason, wish->reason);
    copy_cut(next->role, sizeof next->role, wish->role);
    rollout->round = wish->round;
    rollout->until_ms = wish->now_ms + wish->within_ms;
    rollout->require = wish->require;
    return 0;
}

static void end(struct rollout *rollout, enum rollout_result result, const char *why, int64_t now_ms)
{
    memcpy(rollout->last.id, rollout->next.id, sizeof rollout->last.id);
    rollout->last.result = result;
    rollout->last.at_ms = now_ms;
    copy_cut(rollout->last.why, sizeof rollout->last.why, why);
    rollout->next = (struct rollout_said){.id = ""};
    rollout->round = 0;
    rollout->until_ms = 0;
    rollout->require = ROLLOUT_ALL;
}

int rollout_cancel(struct rollout *rollout, const char *why, int64_t now_ms)
{
    if (rollout->next.id[0] == '\0') {
        return ERROR_NOT_FOUND;
    }
    rollout->last.node_count = 0;
    end(rollout, ROLLOUT_CANCELLED, why, now_ms);
    return 0;
}

/* ---- deciding ---- */

enum stand { STAND_READY, STAND_FAILED, STAND_UNDER_WAY, STAND_GONE };

static bool is_about(const struct rollout *rollout, const struct cluster_bundle *bundle)
{
    return bundle != NULL && rollout->round != 0 && bundle->round == rollout->round &&
           strcmp(bundle->id, rollout->next.id) == 0;
}

bool rollout_is_ready(const struct rollout *rollout, const struct cluster_bundle *bundle)
{
    return is_about(rollout, bundle) && bundle->is == CLUSTER_BUNDLE_READY;
}

static enum stand judge(const struct rollout *rollout, const struct rollout_look *look,
                        const struct rollout_node *node)
{
    if (!node->is_fresh) {
        return look->is_settled ? STAND_GONE : STAND_UNDER_WAY;
    }
    if (!is_about(rollout, node->bundle)) {
        return STAND_UNDER_WAY;
    }
    return node->bundle->is == CLUSTER_BUNDLE_READY    ? STAND_READY
           : node->bundle->is == CLUSTER_BUNDLE_FAILED ? STAND_FAILED
                                                       : STAND_UNDER_WAY;
}

static const char *describe(const struct rollout *rollout, const struct rollout_node *node, enum stand stand)
{
    switch (stand) {
    case STAND_READY: break;
    case STAND_FAILED: return node->bundle->why[0] == '\0' ? "it failed" : node->bundle->why;
    case STAND_GONE: return "it is not heard of";
    case STAND_UNDER_WAY:
        if (!node->is_fresh) {
            return "it is not heard of";
        }
        return !is_about(rollout, node->bundle)              ? "it does not say how it is with it"
               : node->bundle->is == CLUSTER_BUNDLE_CHECKING ? "it was not done checking it"
                                                             : "it was not done fetching it";
    }
    return "";
}

/* Of all, or those that failed. */
static void name_absent(struct rollout *rollout, const struct rollout_look *look, bool failed_only)
{
    rollout->last.node_count = 0;
    for (size_t i = 0; i < look->count && rollout->last.node_count < CLUSTER_NODES_MAX; i++) {
        enum stand stand = judge(rollout, look, &look->nodes[i]);
        if (stand != STAND_READY && (!failed_only || stand == STAND_FAILED)) {
            struct rollout_absent *absent = &rollout->last.nodes[rollout->last.node_count++];
            snprintf(absent->node, sizeof absent->node, "%s", look->nodes[i].name);
            copy_cut(absent->why, sizeof absent->why, describe(rollout, &look->nodes[i], stand));
        }
    }
}

static void activate(struct rollout *rollout, const struct rollout_look *look)
{
    struct rollout_said next = rollout->next;
    name_absent(rollout, look, false);
    end(rollout, ROLLOUT_ACTIVE, "", look->now_ms);
    if (strcmp(rollout->active.id, next.id) != 0) {
        memcpy(rollout->before, rollout->active.id, sizeof rollout->before);
    }
    next.since_ms = look->now_ms;
    rollout->active = next;
}

static void give_up(struct rollout *rollout, const struct rollout_look *look, bool failed_only,
                    const char *why)
{
    name_absent(rollout, look, failed_only);
    end(rollout, ROLLOUT_FAILED, why, look->now_ms);
}

bool rollout_decide(struct rollout *rollout, const struct rollout_look *look)
{
    size_t counts[STAND_GONE + 1] = {0};
    if (rollout->next.id[0] == '\0') {
        return false;
    }
    for (size_t i = 0; i < look->count; i++) {
        counts[judge(rollout, look, &look->nodes[i])]++;
    }
    bool is_over = look->now_ms >= rollout->until_ms, is_done = counts[STAND_UNDER_WAY] == 0;
    if (rollout->require == ROLLOUT_ALL && counts[STAND_FAILED] != 0) {
        give_up(rollout, look, true, "a node cannot take it");
        return true;
    }
    if (!is_done && !is_over) {
        return false;
    }
    bool is_enough = rollout->require == ROLLOUT_ALL ? is_done && counts[STAND_READY] != 0
                                                     : counts[STAND_READY] > look->count / 2;
    if (is_enough) {
        activate(rollout, look);
    } else {
        give_up(rollout, look, false,
                rollout->require == ROLLOUT_MAJORITY ? "no majority of all nodes is ready"
                                                     : "not all nodes were ready in time");
    }
    return true;
}
