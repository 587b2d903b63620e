/* SPDX-License-Identifier: BSD-3-Clause
 *
 * See scenario_world.h: the documents made into what serves, and time. Between two steps everything comes
 * about that does by itself: checks that run, times that are over, vantages that are alive or are not. */
#include "config.h"

#include "scenario_world.h"

#include "base/memory.h"
#include "conf/doc.h"
#include "conf/vantages.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <jansson.h>

enum { TICK_MS = 100, MS = 1000 };

static bool is(const char *a, const char *b)
{
    return strcmp(a, b) == 0;
}

/* ---- saying what is wrong ---- */

static void say(struct scenario_world *w, const char *format, va_list list)
{
    int len = 0;
    if (w->step != NULL) {
        len = snprintf(w->why, SCENARIO_WHY_SIZE, "%s:%u (%.3f s): ", w->scenario->name, w->step->line,
                       (double)w->step->at_ms / 1000);
    }
    vsnprintf(w->why + len, (size_t)(SCENARIO_WHY_SIZE - len), format, list);
}

bool scenario_break(struct scenario_world *w, const char *format, ...)
{
    va_list list;
    if (w->end == SCENARIO_HOLDS) {
        va_start(list, format);
        say(w, format, list);
        va_end(list);
        w->end = SCENARIO_BROKEN;
    }
    return false;
}

bool scenario_miss(struct scenario_world *w, const char *format, ...)
{
    va_list list;
    if (w->end == SCENARIO_HOLDS) {
        va_start(list, format);
        say(w, format, list);
        va_end(list);
        w->end = SCENARIO_FAILS;
    }
    return false;
}

/* ---- who is meant ---- */

bool scenario_is_meant(const struct scenario_world *w, const struct scenario_target *target, size_t monitor)
{
    const struct view_monitor *m = &w->monitors[monitor];
    return m->endpoint == target->index && (target->check == -1 || (uint32_t)target->check == m->check) &&
           (target->family == HEALTH_ANY || (m->family == ADDR_V6) == (target->family == HEALTH_V6));
}

static bool find_parts(struct scenario_world *w, char *rest, struct scenario_target *target)
{
    char *at = NULL;
    for (char *part = strtok_r(rest, "/", &at); part != NULL; part = strtok_r(NULL, "/", &at)) {
        ptrdiff_t check = conf_find_check(w->topology, part);
        if (is(part, "ipv4") || is(part, "ipv6")) {
            target->family = is(part, "ipv4") ? HEALTH_V4 : HEALTH_V6;
        } else if (check != -1) {
            target->check = check;
        } else {
            return scenario_break(w, "there is no check \"%s\"", part);
        }
    }
    return true;
}

bool scenario_find_target(struct scenario_world *w, const char *word, struct scenario_target *target)
{
    char text[128];
    snprintf(text, sizeof text, "%s", word);
    char *rest = strchr(text, '/');
    if (rest != NULL) {
        *rest++ = '\0';
    }
    const struct conf_place *place = conf_find_place(w->topology, text);
    if (place == NULL || place->kind == CONF_GROUP) {
        return scenario_break(w, "there is no endpoint, az or region \"%s\"", text);
    }
    *target = (struct scenario_target){.kind = place->kind == CONF_REGION ? HEALTH_REGION
                                               : place->kind == CONF_AZ   ? HEALTH_AZ
                                                                          : HEALTH_ENDPOINT,
                                       .index = place->index,
                                       .check = -1,
                                       .family = HEALTH_ANY,
                                       .last = (uint32_t)w->monitor_count};
    if (rest != NULL && (target->kind != HEALTH_ENDPOINT || !find_parts(w, rest, target))) {
        return scenario_break(w, "\"%s\" has no parts", text);
    }
    for (size_t i = 0; target->kind == HEALTH_ENDPOINT && i < w->monitor_count; i++) {
        target->count += scenario_is_meant(w, target, i);
    }
    return true;
}

int scenario_find_vantage(const struct scenario_world *w, const char *name)
{
    for (size_t i = 0; i < w->vantage_count; i++) {
        if (is(w->vantages[i].name, name)) {
            return (int)i;
        }
    }
    return -1;
}

bool scenario_find_lag(struct scenario_world *w, const char *const *words, ptrdiff_t *lag)
{
    struct scenario_target from = {.check = -1}, to = {.check = -1};
    if (words[0] == NULL || words[1] == NULL || !scenario_find_target(w, words[0], &from) ||
        !scenario_find_target(w, words[1], &to)) {
        return scenario_break(w, "expected two regions or azs");
    }
    *lag = from.kind == to.kind ? health_find_lag(w->health, from.kind, from.index, to.index) : -1;
    return *lag != -1 || scenario_break(w, "%s does not replicate to %s", words[0], words[1]);
}

bool scenario_find_outcome(struct scenario_world *w, const char *word, enum health_outcome *outcome)
{
    for (int i = 0; word != NULL && i < HEALTH_OUTCOME_COUNT; i++) {
        if (is(word, health_outcome_text((enum health_outcome)i))) {
            *outcome = (enum health_outcome)i;
            return i != HEALTH_OUTCOME_NONE;
        }
    }
    return scenario_break(w, "\"%s\" is no outcome of a check", word == NULL ? "" : word);
}

/* ---- time ---- */

int64_t scenario_wall(const struct scenario_world *w)
{
    return SCENARIO_WALL_MS + w->now_ms;
}

void scenario_observe(struct scenario_world *w, uint32_t monitor, enum health_outcome outcome)
{
    health_follow_time(w->health, w->now_ms);
    health_observe(w->health, monitor, outcome, scenario_wall(w), 1000, 0);
    w->checks[monitor].made++;
    (void)health_follow_brake(w->health, SIZE_MAX, scenario_wall(w));
}

void scenario_follow(struct scenario_world *w)
{
    health_follow_time(w->health, w->now_ms);
    while (health_follow_stays(w->health, w->now_ms, scenario_wall(w)) != 0) {
    }
    (void)health_follow_brake(w->health, SIZE_MAX, scenario_wall(w));
    while (health_expire_pushes(w->health, scenario_wall(w), w->now_ms)) {
    }
    while (health_follow_vantages(w->health, scenario_wall(w), w->now_ms)) {
    }
    health_expire_loads(w->health, scenario_wall(w), w->now_ms);
    health_follow_lags(w->health, scenario_wall(w), w->now_ms);
    (void)health_follow_clock(w->health, scenario_wall(w));
}

static void begin_check(struct scenario_world *w, struct scenario_checks *checks,
                        const struct conf_check *check)
{
    bool waits = checks->meets == HEALTH_OUTCOME_TIMEOUT || checks->meets == HEALTH_OUTCOME_CONNECT_TIMEOUT;
    int64_t at_us = checks->next_us;
    checks->started_us = at_us;
    checks->ends_us = at_us + (waits ? (int64_t)check->timeout_ms * MS : MS);
    checks->next_us = schedule_next(&checks->schedule, at_us, (int64_t)check->interval_ms * MS, &w->random);
}

/* As probe/flight.c and daemon/results.c do. */
static void end_check(struct scenario_world *w, uint32_t monitor, const struct conf_check *check)
{
    struct scenario_checks *checks = &w->checks[monitor];
    struct health_monitor_status status;
    scenario_observe(w, monitor, checks->meets);
    (void)health_get_monitor(w->health, monitor, &status);
    const struct schedule_pace pace = {.interval_us = (int64_t)check->interval_ms * MS,
                                       .recheck_us = (int64_t)check->recheck_ms * MS,
                                       .back_off_us = (int64_t)check->back_off_ms * MS};
    const struct schedule_end end = {.started_us = checks->started_us,
                                     .at_us = checks->ends_us,
                                     .next_us = checks->next_us,
                                     .failed = health_outcome_is_failure(checks->meets),
                                     .hangs = health_hangs(&status, status.verdict)};
    checks->ends_us = 0;
    if (checks->meets != HEALTH_OUTCOME_LOCAL_ERROR) {
        checks->next_us = schedule_end(&checks->schedule, &pace, &end);
    }
}

static void run_checks(struct scenario_world *w)
{
    for (uint32_t i = 0; w->runs && i < w->monitor_count; i++) {
        const struct conf_check *check = &w->topology->checks[w->monitors[i].check];
        struct scenario_checks *checks = &w->checks[i];
        if (check->type == CONF_CHECK_PUSH) {
            continue;
        }
        if (checks->ends_us != 0 && checks->ends_us <= w->now_ms * MS) {
            end_check(w, i, check);
        }
        if (checks->ends_us == 0 && checks->next_us <= w->now_ms * MS) {
            begin_check(w, checks, check);
        }
    }
}

/* Vantages say that they are there. */
void scenario_keep_alive(struct scenario_world *w)
{
    for (size_t i = 0; i < w->vantage_count; i++) {
        if (!w->silent[i]) {
            health_hear_vantage(w->health, (unsigned)i + 1, w->now_ms);
        }
    }
}

void scenario_pass(struct scenario_world *w, int64_t to_ms)
{
    while (w->now_ms < to_ms) {
        int64_t stay_ms = health_next_stay(w->health), next_ms = w->runs ? w->now_ms + 1 : to_ms;
        int64_t tick_ms = (w->now_ms / TICK_MS + 1) * TICK_MS;
        next_ms = tick_ms < next_ms ? tick_ms : next_ms;
        next_ms = stay_ms > w->now_ms && stay_ms < next_ms ? stay_ms : next_ms;
        w->now_ms = next_ms;
        if (w->now_ms == tick_ms) {
            scenario_keep_alive(w);
        }
        run_checks(w);
        scenario_follow(w);
    }
}

/* ---- life ---- */

static void count_change(void *context, const struct health_change *change)
{
    struct scenario_world *w = context;
    w->changes[change->kind][change->index] += change->before.state != change->after.state;
}

/* A copy in which nothing has the key. The brake is there without it, too. */
static json_t *strip(const json_t *value, const char *without)
{
    const char *key;
    json_t *member, *copy = json_is_object(value)  ? json_object()
                            : json_is_array(value) ? json_array()
                                                   : json_deep_copy(value);
    size_t index;
    if (json_is_array(value)) {
        json_array_foreach(value, index, member)
        { /* NOLINT: of jansson */
            json_array_append_new(copy, strip(member, without));
        }
    }
    json_object_foreach((json_t *)(uintptr_t)value, key, member)
    {
        bool is_server = is(key, "vantages") && json_is_object(member); /* of steerd.json: there are none */
        if (without == NULL || !is(key, without) || is_server) {
            json_object_set_new(copy, key, strip(member, without));
        } else if (is(key, "brake")) {
            json_object_set_new(copy, key, json_false());
        }
    }
    return copy;
}

static bool read_topology(struct scenario_world *w, const json_t *from, struct report *report)
{
    json_t *document = strip(from, w->without);
    char *text = json_dumps(document, 0);
    w->topology = conf_parse_topology(w->scenario->name, text, strlen(text), report);
    free(text);
    json_decref(document);
    return w->topology != NULL;
}

static bool read_server(struct scenario_world *w, struct report *report, struct conf_server *server)
{
    if (w->scenario->server == NULL) {
        return true;
    }
    json_t *document = strip(w->scenario->server, w->without);
    char *text = json_dumps(document, 0);
    struct doc *doc = doc_parse(w->scenario->name, text, strlen(text), report);
    bool is_good = doc != NULL;
    if (is_good) {
        static const char *const keys[] = {"vantages", NULL};
        struct doc_node root = doc_get_root(doc);
        (void)doc_check_object(&root, keys);
        vantages_read(&root, server);
        is_good = !doc_has_errors(doc);
    }
    doc_free(doc);
    free(text);
    json_decref(document);
    return is_good;
}

void scenario_listen(struct scenario_world *w)
{
    health_set_listener(w->health, &(struct health_listener){.context = w, .changed = count_change});
}

void scenario_begin_checks(struct scenario_world *w, size_t monitor)
{
    const struct conf_check *check = &w->topology->checks[w->monitors[monitor].check];
    struct scenario_checks *checks = &w->checks[monitor];
    schedule_init(&checks->schedule, w->now_ms * MS, (int64_t)check->interval_ms * MS, monitor,
                  w->monitor_count);
    checks->next_us = checks->schedule.grid_us;
    checks->ends_us = 0;
}

static void fill(struct scenario_world *w)
{
    w->checks = memory_alloc_array(w->monitor_count, sizeof *w->checks);
    for (size_t i = 0; i < w->monitor_count; i++) {
        w->checks[i].meets = HEALTH_OUTCOME_OK;
    }
    for (int kind = HEALTH_ENDPOINT; kind <= HEALTH_REGION; kind++) {
        w->changes[kind] =
            memory_alloc_array(health_count(w->health, (enum health_kind)kind), sizeof *w->changes[kind]);
    }
}

static void break_by(struct scenario_world *w, const struct report *report)
{
    char line[SCENARIO_WHY_SIZE];
    report_write_item(report_get(report, 0), line, sizeof line);
    (void)scenario_break(w, "%s", line);
}

bool scenario_load(struct scenario_world *w, const json_t *document)
{
    struct report *report = report_new();
    bool is_good = read_topology(w, document, report);
    if (is_good) {
        w->document = document;
        w->monitor_count = view_list_monitors(w->topology, &w->monitors);
        w->health = view_new_health(w->topology, &w->quorums, scenario_wall(w));
        fill(w);
    } else {
        break_by(w, report);
    }
    report_free(report);
    return is_good;
}

void scenario_unload(struct scenario_world *w)
{
    for (int kind = HEALTH_ENDPOINT; kind <= HEALTH_REGION; kind++) {
        free(w->changes[kind]);
    }
    free(w->checks);
    free(w->monitors);
    health_free(w->health);
    conf_free_topology(w->topology);
}

bool scenario_open(struct scenario_world *w, const char *without)
{
    struct report *report = report_new();
    struct conf_server server = {.vantages = {.is_on = false}};
    w->without = without;
    bool is_good = read_server(w, report, &server);
    if (!is_good) {
        break_by(w, report);
    } else {
        w->quorums = server.vantages;
        w->has_quorums = server.vantages.is_on;
        is_good = scenario_load(w, w->scenario->topology);
    }
    report_free(report);
    if (is_good) {
        scenario_listen(w);
    }
    return is_good;
}

void scenario_close(struct scenario_world *w)
{
    if (w->health != NULL) {
        scenario_unload(w);
    }
}
