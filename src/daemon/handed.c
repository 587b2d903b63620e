/* SPDX-License-Identifier: BSD-3-Clause
 *
 * See handed.h. Times are wall times: both processes are of one machine. */
#include "config.h"

#include "daemon/handed.h"

#include "daemon/challenges.h"
#include "daemon/durable.h"
#include "daemon/overrides.h"
#include "daemon/server.h"
#include "base/error.h"
#include "base/lock.h"
#include "health/health.h"
#include "operate/operate.h"
#include "store/kinds.h"

#include <stdio.h>
#include <string.h>

enum { ITEMS = 40, TURN = 64 }; /* of 1.5 kB at most in a message; objects in a turn at the health lock */

struct writer {
    json_t *items;
    int64_t clock_offset_ms; /* by which times of durations are right */
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
                              bool planned, int64_t clock_offset_ms)
{
    json_t *item = json_object();
    json_object_set_new(item, "clock_offset_ms", json_integer(clock_offset_ms));
    set_text(item, "kind", health_kind_text(kind));
    set_text(item, "name", name);
    set_text(item, "state", health_desired_text(from->desired));
    json_object_set_new(item, "share", json_integer(from->share));
    set_text(item, "reason", from->reason);
    set_text(item, "actor", from->actor);
    set_text(item, "peer", from->peer);
    json_object_set_new(item, "ttl", from->has_ttl ? json_integer(from->ttl_s) : json_null());
    set_text(item, "to", from->to);
    set_text(item, "names", from->names);
    json_object_set_new(item, "set_ms", json_integer(from->set_ms));
    json_object_set_new(item, "starts_ms", json_integer(from->starts_ms));
    json_object_set_new(item, "expires_ms", json_integer(from->expires_ms));
    json_object_set_new(item, "starts_by_duration", json_boolean(from->starts_by_duration));
    json_object_set_new(item, "expires_by_duration", json_boolean(from->expires_by_duration));
    json_object_set_new(item, "planned", json_boolean(planned));
    return item;
}

/* Times in milliseconds, of which the sum and the difference of two are times as well. */
static int64_t number_of(const json_t *item, const char *key)
{
    json_int_t number = json_integer_value(json_object_get(item, key));
    return number > INT64_MAX / 2 ? INT64_MAX / 2 : number < INT64_MIN / 2 ? INT64_MIN / 2 : number;
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

/* Each of the two notices by itself when the clock is set: what durations were right by there, they are to be
 * right by here. */
static int64_t find_step(const struct server *server, const json_t *item)
{
    enum { STEP_MS = 100 };
    int64_t by_ms = server->clock_offset_ms - number_of(item, "clock_offset_ms");
    bool is_known = json_object_get(item, "clock_offset_ms") != NULL;
    return is_known && (by_ms <= -STEP_MS || by_ms >= STEP_MS) ? by_ms : 0;
}

static void read_override(struct server *server, const json_t *item)
{
    const char *name = json_string_value(json_object_get(item, "name"));
    enum health_kind kind;
    struct health_override override = {.set_ms = number_of(item, "set_ms"),
                                       .starts_ms = number_of(item, "starts_ms"),
                                       .expires_ms = number_of(item, "expires_ms")};
    int64_t share = number_of(item, "share");
    override.share = share > 0 && share < HEALTH_RAMP_WHOLE ? (uint8_t)share : 0;
    int64_t ttl_s = number_of(item, "ttl");
    override.has_ttl =
        json_is_integer(json_object_get(item, "ttl")) && ttl_s >= 0 && ttl_s <= HEALTH_TTL_MAX_S;
    override.ttl_s = override.has_ttl ? (uint32_t)ttl_s : 0;
    (void)copy_text(item, "to", override.to, sizeof override.to); /* a version before this one knew none */
    (void)copy_text(item, "names", override.names, sizeof override.names); /* likewise */
    override.starts_by_duration = json_is_true(json_object_get(item, "starts_by_duration"));
    override.expires_by_duration = json_is_true(json_object_get(item, "expires_by_duration"));
    if (name == NULL || !read_kind(item, &kind) || !read_desired(item, &override.desired) ||
        (override.expires_ms != 0 && override.expires_ms <= override.starts_ms) ||
        !copy_text(item, "reason", override.reason, sizeof override.reason) ||
        !copy_text(item, "actor", override.actor, sizeof override.actor) ||
        !copy_text(item, "peer", override.peer, sizeof override.peer)) {
        return;
    }
    bool planned = json_is_true(json_object_get(item, "planned"));
    (void)health_override_shift(&override, planned, find_step(server, item));
    lock_take(&server->lock);
    (void)health_restore_override(server->view->health, kind, name, &override, planned,
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
    if (endpoint != NULL && left_ms > 0 && report.load >= 0 && report.actor != NULL && report.peer != NULL) {
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
        add(writer, write_override(kind, status.name, override, status.planned, writer->clock_offset_ms));
    }
    if (kind == HEALTH_ENDPOINT && status.load.source == HEALTH_LOAD_PUSHED) {
        add(writer, write_load(status.name, &status.load));
    }
}

struct looking {
    struct server *server;
    json_t *gone;
};

/* An override that the store holds: was it taken back, and could that not be written? */
static bool look_for(void *context, const struct store_object *object)
{
    const struct looking *looking = context;
    struct server *server = looking->server;
    enum health_kind kind;
    const char *name;
    if (health_parse_target(object->key, &kind, &name) != 0) {
        return true;
    }
    lock_take(&server->lock);
    const struct health *health = server->view->health;
    ptrdiff_t index = health_find(health, kind, name);
    bool holds = index >= 0 ? health_get_override(health, kind, (uint32_t)index) != NULL
                            : health_find_dormant(health, kind, name) != NULL;
    lock_leave(&server->lock);
    if (!holds) {
        json_t *item = json_object();
        set_text(item, "kind", health_kind_text(kind));
        set_text(item, "name", name);
        json_object_set_new(item, "gone", json_true());
        json_array_append_new(looking->gone, item);
    }
    return true;
}

static bool owes(const struct server *server)
{
    struct durable_status status;
    durable_get_status(server->durable, &status);
    return status.stats.owed != 0;
}

static int find_gone(struct server *server, json_t *gone)
{
    struct looking looking = {server, gone};
    struct report *report = report_new();
    struct store_reader *reader;
    int error = store_reader_open(durable_get_folder(server->durable), report, &reader);
    if (error == 0) {
        error = store_list(reader, OVERRIDE_KIND, "", NULL, look_for, &looking);
        store_reader_close(reader);
    }
    report_free(report);
    /* there is no store at all, or none that can be read, but it has been told of everything */
    return error == ERROR_NOT_FOUND || !owes(server) ? 0 : error;
}

static void write_all(struct writer *writer, struct server *server)
{
    lock_take(&server->lock);
    const struct health *health = server->view->health;
    for (int kind = HEALTH_ENDPOINT; kind <= HEALTH_REGION; kind++) {
        size_t count = health_count(health, (enum health_kind)kind);
        for (uint32_t i = 0; i < count; i++) {
            if (i % TURN == 0) {
                lock_pass(&server->lock);
            }
            write_one(writer, health, (enum health_kind)kind, i);
        }
    }
    struct health_dormant_cursor cursor = {0};
    for (const struct health_dormant *dormant; (dormant = health_next_dormant(health, &cursor)) != NULL;) {
        add(writer, write_override(dormant->kind, dormant->name, &dormant->what, dormant->planned,
                                   writer->clock_offset_ms));
    }
    lock_leave(&server->lock);
}

/* What a store has is read there. */
static void hand_challenges(struct writer *writer, const struct challenges *challenges)
{
    json_t *item;
    for (size_t i = 0; (item = challenges_hand(challenges, i)) != NULL; i++) {
        add(writer, item);
    }
}

int handed_write(struct server *server, bool is_owed, void (*give)(void *context, json_t *items),
                 void *context)
{
    struct writer writer = {
        .items = json_array(), .clock_offset_ms = server->clock_offset_ms, .give = give, .context = context};
    json_t *gone = json_array();
    int error = is_owed ? find_gone(server, gone) : 0;
    if (error == 0) {
        size_t i;
        json_t *item;
        json_array_foreach(gone, i, item)
        {
            add(&writer, json_incref(item));
        }
        write_all(&writer, server);
        if (!durable_has_store(server->durable)) {
            hand_challenges(&writer, server->challenges);
        }
        flush(&writer);
    }
    json_decref(gone);
    json_decref(writer.items);
    return error;
}

static void keep(struct server *server, const json_t *item, const char *why)
{
    const char *name = json_string_value(json_object_get(item, "name"));
    enum health_kind kind;
    if (name != NULL && read_kind(item, &kind)) {
        durable_keep(server->durable, kind, name, why);
    }
}

void handed_keep(struct server *server, const json_t *items, const char *why)
{
    size_t i;
    const json_t *item;
    json_array_foreach(items, i, item)
    {
        keep(server, item, why);
    }
}

size_t handed_read(struct server *server, const json_t *items, bool with_overrides)
{
    size_t i, overrides = 0;
    const json_t *item;
    json_array_foreach(items, i, item)
    {
        if (challenges_take(server->challenges, item)) {
            continue;
        }
        bool is_load = json_object_get(item, "endpoint") != NULL;
        bool is_gone = json_is_true(json_object_get(item, "gone"));
        overrides += !is_load && !is_gone;
        if (is_gone) {
            keep(server, item, "taken back before the takeover");
        } else if (is_load) {
            lock_take(&server->lock);
            read_load(server, item);
            lock_leave(&server->lock);
        } else if (with_overrides) {
            read_override(server, item);
        }
    }
    return overrides;
}
