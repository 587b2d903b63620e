/* SPDX-License-Identifier: BSD-3-Clause
 *
 * See handed.h. Times are wall times: both processes are of one machine. */
#include "config.h"

#include "daemon/handed.h"

#include "daemon/durable.h"
#include "daemon/server.h"
#include "base/lock.h"
#include "health/health.h"
#include "operate/operate.h"

#include <stdio.h>
#include <string.h>

enum { ITEMS = 40, TURN = 64 }; /* of 1.5 kB at most in a message; objects in a turn at the health lock */

struct writer {
    json_t *items;
    void (*give)(void *context, json_t *items);
    void *context;
};

static void flush(struct writer *writer)
{
    if (json_array_size(writer->items) != 0) {
        writer->give(writer->context, writer->items);
        writer->items = json_array();
    }
}

static void add(struct writer *writer, json_t *item)
{
    json_array_append_new(writer->items, item);
    if (json_array_size(writer->items) == ITEMS) {
        flush(writer);
    }
}

/* ---- overrides ---- */

static void set_text(json_t *item, const char *key, const char *text)
{
    json_t *string = json_string(text);
    json_object_set_new(item, key, string != NULL ? string : json_string("(not UTF-8)"));
}

static json_t *write_override(enum health_kind kind, const char *name, const struct health_override *from,
                              bool planned)
{
    json_t *item = json_object();
    set_text(item, "kind", health_kind_text(kind));
    set_text(item, "name", name);
    set_text(item, "state", health_desired_text(from->desired));
    set_text(item, "reason", from->reason);
    set_text(item, "actor", from->actor);
    set_text(item, "peer", from->peer);
    json_object_set_new(item, "set_ms", json_integer(from->set_ms));
    json_object_set_new(item, "starts_ms", json_integer(from->starts_ms));
    json_object_set_new(item, "expires_ms", json_integer(from->expires_ms));
    json_object_set_new(item, "starts_by_duration", json_boolean(from->starts_by_duration));
    json_object_set_new(item, "expires_by_duration", json_boolean(from->expires_by_duration));
    json_object_set_new(item, "planned", json_boolean(planned));
    return item;
}

static int64_t number_of(const json_t *item, const char *key)
{
    return json_integer_value(json_object_get(item, key));
}

/* Returns whether it fits. */
static bool copy_text(const json_t *item, const char *key, char *to, size_t size)
{
    const char *text = json_string_value(json_object_get(item, key));
    return text != NULL && (size_t)snprintf(to, size, "%s", text) < size;
}

static bool read_kind(const json_t *item, enum health_kind *kind)
{
    const char *text = json_string_value(json_object_get(item, "kind"));
    for (int i = HEALTH_ENDPOINT; text != NULL && i <= HEALTH_REGION; i++) {
        if (strcmp(text, health_kind_text((enum health_kind)i)) == 0) {
            *kind = (enum health_kind)i;
            return true;
        }
    }
    return false;
}

static bool read_desired(const json_t *item, enum health_desired *desired)
{
    const char *text = json_string_value(json_object_get(item, "state"));
    for (int i = HEALTH_DESIRED_AUTO + 1; text != NULL && i <= HEALTH_DESIRED_DOWN; i++) {
        if (strcmp(text, health_desired_text((enum health_desired)i)) == 0) {
            *desired = (enum health_desired)i;
            return true;
        }
    }
    return false;
}

static void read_override(struct server *server, const json_t *item)
{
    const char *name = json_string_value(json_object_get(item, "name"));
    enum health_kind kind;
    struct health_override override = {.set_ms = number_of(item, "set_ms"),
                                       .starts_ms = number_of(item, "starts_ms"),
                                       .expires_ms = number_of(item, "expires_ms")};
    override.starts_by_duration = json_is_true(json_object_get(item, "starts_by_duration"));
    override.expires_by_duration = json_is_true(json_object_get(item, "expires_by_duration"));
    if (name == NULL || !read_kind(item, &kind) || !read_desired(item, &override.desired) ||
        (override.expires_ms != 0 && override.expires_ms <= override.starts_ms) ||
        !copy_text(item, "reason", override.reason, sizeof override.reason) ||
        !copy_text(item, "actor", override.actor, sizeof override.actor) ||
        !copy_text(item, "peer", override.peer, sizeof override.peer)) {
        return;
    }
    lock_take(&server->lock);
    (void)health_restore_override(server->view->health, kind, name, &override,
                                  json_is_true(json_object_get(item, "planned")),
                                  clock_wall_ms(&server->clock));
    lock_leave(&server->lock);
    durable_keep(server->durable, kind, name, "taken over");
}

/* ---- loads ---- */

static json_t *write_load(const char *endpoint, const struct health_load_status *load)
{
    json_t *item = json_object();
    set_text(item, "endpoint", endpoint);
    set_text(item, "actor", load->actor);
    set_text(item, "peer", load->peer);
    json_object_set_new(item, "value", json_real(load->value));
    json_object_set_new(item, "until_ms", json_integer(load->until_ms));
    return item;
}

static void read_load(struct server *server, const json_t *item)
{
    const char *endpoint = json_string_value(json_object_get(item, "endpoint"));
    int64_t wall_ms = clock_wall_ms(&server->clock), left_ms = number_of(item, "until_ms") - wall_ms;
    struct health_load_report report = {.load = json_number_value(json_object_get(item, "value")),
                                        .source = HEALTH_LOAD_PUSHED,
                                        .ttl_ms = left_ms,
                                        .actor = json_string_value(json_object_get(item, "actor")),
                                        .peer = json_string_value(json_object_get(item, "peer"))};
    if (left_ms > 0 && report.load >= 0 && report.actor != NULL && report.peer != NULL) {
        (void)operate_put_load(server->view, endpoint, &report, wall_ms, clock_now_ms(&server->clock));
    }
}

/* ---- both ---- */

static void write_one(struct writer *writer, const struct health *health, enum health_kind kind,
                      uint32_t index)
{
    struct health_status status;
    const struct health_override *override = health_get_override(health, kind, index);
    if (kind != HEALTH_ENDPOINT && override == NULL) {
        return;
    }
    (void)health_get_status(health, kind, index, &status);
    if (override != NULL) {
        add(writer, write_override(kind, status.name, override, status.planned));
    }
    if (kind == HEALTH_ENDPOINT && status.load.source == HEALTH_LOAD_PUSHED) {
        add(writer, write_load(status.name, &status.load));
    }
}

void handed_write(struct server *server, void (*give)(void *context, json_t *items), void *context)
{
    struct writer writer = {.items = json_array(), .give = give, .context = context};
    lock_take(&server->lock);
    const struct health *health = server->view->health;
    for (int kind = HEALTH_ENDPOINT; kind <= HEALTH_REGION; kind++) {
        size_t count = health_count(health, (enum health_kind)kind);
        for (uint32_t i = 0; i < count; i++) {
            if (i % TURN == 0) {
                lock_pass(&server->lock);
            }
            write_one(&writer, health, (enum health_kind)kind, i);
        }
    }
    for (size_t i = 0; i < health_count_dormant(health); i++) {
        const struct health_dormant *dormant = health_get_dormant(health, i);
        add(&writer, write_override(dormant->kind, dormant->name, &dormant->what, dormant->planned));
    }
    lock_leave(&server->lock);
    flush(&writer);
    json_decref(writer.items);
}

size_t handed_read(struct server *server, const json_t *items, bool with_overrides)
{
    size_t i, overrides = 0;
    const json_t *item;
    json_array_foreach(items, i, item)
    {
        bool is_load = json_object_get(item, "endpoint") != NULL;
        overrides += !is_load;
        if (is_load) {
            lock_take(&server->lock);
            read_load(server, item);
            lock_leave(&server->lock);
        } else if (with_overrides) {
            read_override(server, item);
        }
    }
    return overrides;
}
