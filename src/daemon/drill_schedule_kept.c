/* SPDX-License-Identifier: BSD-3-Clause
 *
 * What is known of drills that are done regularly: read from the store, listed, counted. */
#include "config.h"

#include "daemon/drill_schedule_inside.h"

#include "daemon/server.h"
#include "daemon/stored.h"
#include "base/buffer.h"
#include "base/error.h"
#include "base/log.h"
#include "base/memory.h"
#include "store/store.h"
#include "view/view.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- the list ---- */

struct scheduled *drill_schedule_find(const struct drill_schedule *all, const char *name)
{
    struct scheduled *item = all->first;
    while (item != NULL && strcmp(item->state.name, name) != 0) {
        item = item->next;
    }
    return item;
}

static struct scheduled *put(struct drill_schedule *all, const struct drill_state *state)
{
    struct scheduled *item = memory_alloc(sizeof *item);
    *item = (struct scheduled){.next = all->first, .state = *state};
    all->first = item;
    return item;
}

/* What left the configuration is kept: it may come back. */
void drill_schedule_match(struct drill_schedule *all, const struct conf_drills *drills)
{
    for (size_t i = 0; i < drills->schedule_count; i++) {
        if (drill_schedule_find(all, drills->schedule[i].name) == NULL) {
            struct drill_state state = {.handled_ms = 0};
            snprintf(state.name, sizeof state.name, "%s", drills->schedule[i].name);
            put(all, &state);
        }
    }
}

const struct conf_schedule *drill_schedule_find_conf(const struct server *server, const char *name)
{
    const struct conf_drills *drills = &server->view->server->drills;
    for (size_t i = 0; i < drills->schedule_count; i++) {
        if (strcmp(drills->schedule[i].name, name) == 0) {
            return &drills->schedule[i];
        }
    }
    return NULL;
}

void drill_schedule_drop_all(struct drill_schedule *all)
{
    while (all->first != NULL) {
        struct scheduled *item = all->first;
        all->first = item->next;
        free(item);
    }
}

/* ---- from the store ---- */

static bool read_one(void *context, const struct store_object *object)
{
    struct drill_schedule *all = context;
    struct drill_state state;
    const char *why;
    if (drill_state_read(object->key, object->value, &state, &why) != 0) {
        log_warning("schedule of a drill not understood name=%s why=\"%s\"", object->key, why);
    } else if (drill_schedule_find(all, state.name) == NULL) {
        put(all, &state);
    }
    return true;
}

void drill_schedule_follow(struct drill_schedule *all, const char *name, const char *value)
{
    struct drill_state state;
    const char *why;
    struct scheduled *item = drill_schedule_find(all, name);
    if (value == NULL) {
        state = (struct drill_state){.handled_ms = 0};
        snprintf(state.name, sizeof state.name, "%s", item == NULL ? "" : item->state.name);
    } else if (drill_state_read(name, value, &state, &why) != 0) {
        log_warning("schedule of a drill not understood name=%s why=\"%s\"", name, why);
        return;
    }
    if (item != NULL) {
        item->state = state;
        item->next_ms = 0;
    } else if (value != NULL) {
        put(all, &state);
    }
}

void drill_schedule_learn(struct drill_schedule *all, const char *folder)
{
    struct report *report = report_new();
    struct store_reader *reader;
    int error = folder == NULL ? ERROR_NOT_FOUND : store_reader_open(folder, report, &reader);
    if (error == 0) {
        error = store_list(reader, DRILL_SCHEDULE_KIND, "", NULL, read_one, all);
        store_reader_close(reader);
    }
    report_free(report);
    if (error != 0 && error != ERROR_NOT_FOUND) {
        log_warning("schedule of drills cannot be read why=\"%s\" effect=\"they count from now\"",
                    error_text(error));
    }
}

/* ---- showing ---- */

static json_t *write_time(int64_t wall_ms)
{
    char text[CLOCK_TEXT_SIZE];
    return wall_ms == 0 ? json_null() : json_string(clock_write_rfc3339(wall_ms, text));
}

static json_t *write_text(const char *text)
{
    json_t *value = text == NULL || text[0] == '\0' ? json_null() : json_string(text);
    return value != NULL ? value : json_string("?");
}

static json_t *write_next(const struct server *server, const struct conf_schedule *conf,
                          const struct drill_state *state)
{
    int64_t wall_ms = clock_wall_ms(&server->clock), from_ms = state->handled_ms;
    int64_t next_s = cron_find_next(&conf->cron, conf->zone, (from_ms == 0 ? wall_ms : from_ms) / 1000);
    return !conf->enabled || next_s == INT64_MAX ? json_null() : write_time(next_s * 1000);
}

static void write_latest(json_t *object, const struct drill_state *state)
{
    const char *outcome =
        state->is_running || !state->has_outcome ? NULL : drill_outcome_text(state->outcome);
    json_object_set_new(object, "running", json_boolean(state->is_running));
    json_object_set_new(object, "due", write_time(state->due_ms));
    json_object_set_new(object, "last_run", write_time(state->ran_ms));
    json_object_set_new(object, "last_success", write_time(state->success_ms));
    json_object_set_new(object, "outcome", write_text(outcome));
    json_object_set_new(object, "was_missed", json_boolean(state->was_missed));
    json_object_set_new(object, "why", write_text(state->why));
    json_object_set_new(object, "report", write_text(state->report));
    json_object_set_new(object, "met", json_integer((json_int_t)state->runs[DRILL_MET]));
    json_object_set_new(object, "not_met", json_integer((json_int_t)state->runs[DRILL_MISSED]));
    json_object_set_new(object, "not_run", json_integer((json_int_t)state->runs[DRILL_NOT_RUN]));
    json_object_set_new(object, "missed", json_integer((json_int_t)state->missed));
}

static const char *show(const struct server *server, const struct conf_schedule *conf, struct arena *arena)
{
    const struct scheduled *item = drill_schedule_find(server->drill_schedule, conf->name);
    const struct drill_state none = {.handled_ms = 0};
    const struct drill_state *state = item == NULL ? &none : &item->state;
    json_t *object = json_object();
    json_object_set_new(object, "name", json_string(conf->name));
    json_object_set_new(object, "cron", json_string(conf->cron_text));
    json_object_set_new(object, "time_zone", json_string(conf->zone_name));
    json_object_set_new(object, "enabled", json_boolean(conf->enabled));
    json_object_set_new(object, "deadline_ms", json_integer(conf->deadline_ms));
    json_object_set_new(object, "next", write_next(server, conf, state));
    json_object_set_new(object, "waits_for", write_text(item == NULL ? NULL : item->was));
    write_latest(object, state);
    char *text = json_dumps(object, JSON_COMPACT);
    const char *kept = arena_copy_text(arena, text);
    json_decref(object);
    free(text);
    return kept;
}

size_t drill_schedule_list(void *context, const char *name, struct arena *arena,
                           struct admin_scheduled **items)
{
    const struct server *server = context;
    const struct conf_drills *drills = &server->view->server->drills;
    size_t count = 0;
    *items = arena_alloc(arena, (drills->schedule_count + 1) * sizeof **items);
    for (size_t i = 0; i < drills->schedule_count; i++) {
        const struct conf_schedule *conf = &drills->schedule[i];
        if (name == NULL || strcmp(name, conf->name) == 0) {
            (*items)[count++] = (struct admin_scheduled){.name = arena_copy_text(arena, conf->name),
                                                         .json = show(server, conf, arena)};
        }
    }
    return count;
}

/* ---- metrics ---- */

struct metric {
    const char *name, *type, *help;
};

static void print(const struct drill_schedule *all, const struct metric *metric, struct buffer *out,
                  void (*print_one)(const char *name, const struct drill_state *state, struct buffer *out))
{
    const struct conf_drills *drills = &all->server->view->server->drills;
    buffer_print(out, "# HELP %s %s\n# TYPE %s %s\n", metric->name, metric->help, metric->name, metric->type);
    for (size_t i = 0; i < drills->schedule_count; i++) {
        const struct scheduled *item = drill_schedule_find(all, drills->schedule[i].name);
        if (item != NULL) {
            print_one(metric->name, &item->state, out);
        }
    }
}

static void print_success(const char *name, const struct drill_state *state, struct buffer *out)
{
    buffer_print(out, "%s{schedule=\"%s\"} %.3f\n", name, state->name, (double)state->success_ms / 1000);
}

static void print_run(const char *name, const struct drill_state *state, struct buffer *out)
{
    buffer_print(out, "%s{schedule=\"%s\"} %.3f\n", name, state->name, (double)state->ran_ms / 1000);
}

static void print_missed(const char *name, const struct drill_state *state, struct buffer *out)
{
    buffer_print(out, "%s{schedule=\"%s\"} %llu\n", name, state->name, (unsigned long long)state->missed);
}

static void print_runs(const char *name, const struct drill_state *state, struct buffer *out)
{
    for (int i = 0; i < DRILL_OUTCOMES; i++) {
        buffer_print(out, "%s{schedule=\"%s\",result=\"%s\"} %llu\n", name, state->name,
                     drill_outcome_text((enum drill_outcome)i), (unsigned long long)state->runs[i]);
    }
}

char *drill_schedule_write_metrics(const struct drill_schedule *all)
{
    struct buffer out;
    if (all == NULL || all->server->view == NULL || all->server->view->server->drills.schedule_count == 0) {
        return NULL;
    }
    buffer_init(&out);
    print(all,
          &(struct metric){"steerd_drill_last_success_timestamp_seconds", "gauge",
                           "When the latest regular drill began that met all objectives; 0: none did."},
          &out, print_success);
    print(all,
          &(struct metric){"steerd_drill_last_run_timestamp_seconds", "gauge",
                           "When the latest regular drill began; 0: none did."},
          &out, print_run);
    print(all,
          &(struct metric){"steerd_drill_missed_total", "counter",
                           "Regular drills that were not run at their time."},
          &out, print_missed);
    print(all,
          &(struct metric){"steerd_drill_runs_total", "counter",
                           "Regular drills that were run, by what came of them."},
          &out, print_runs);
    return out.bytes;
}
