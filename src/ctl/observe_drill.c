/* SPDX-License-Identifier: BSD-3-Clause
 *
 * See observe_drill.h. Nobody but the drill knows what is lost when, and of most of it only in the end. */
#include "config.h"

#include "ctl/observe_drill.h"

#include "ctl/text.h"
#include "ctl/verbs.h"

#include "base/clock.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { PAUSE_MS = 200, REPORT_PATIENCE_MS = 60 * 1000, SECONDS_MAX = 600 };

static const json_t *get(const json_t *object, const char *key)
{
    return json_object_get(object, key);
}

static int64_t now_us(void)
{
    struct clock clock;
    clock_init(&clock);
    return clock_now_us(&clock);
}

static void pause_a_little(void)
{
    const struct timespec pause = {.tv_nsec = PAUSE_MS * 1000000L};
    (void)nanosleep(&pause, NULL);
}

static enum steerctl_exit ask(const struct observed_drill *drill, const char *place, const char *method,
                              json_t *body, json_t **json)
{
    struct steerctl quiet = *drill->ctl;
    struct buffer path;
    quiet.json = false;
    buffer_init(&path);
    buffer_add_text(&path, place);
    steerctl_add_encoded(&path, drill->id);
    buffer_add_text(&path, body == NULL ? "" : "/observed");
    enum steerctl_exit code = steerctl_ask_json(&quiet, method, path.bytes, body, json);
    buffer_fini(&path);
    return code;
}

/* ---- meanwhile ---- */

static void go_on(void *context)
{
    struct observed_drill *drill = context;
    if (drill->follow != NULL) {
        drill_follow_glance(drill->follow);
    }
}

/* ---- what was lost ---- */

static void wait_for_end(struct observed_drill *drill)
{
    while (!*drill->is_over && ask(drill, "/v1/drills/", "GET", NULL, &drill->ended) == STEERCTL_OK &&
           strcmp(text_or_dash(text_of(drill->ended, "state")), "ended") != 0) {
        json_decref(drill->ended);
        drill->ended = NULL;
        go_on(drill);
        pause_a_little();
    }
}

/* The addresses of a target, {"192.0.2.1": true}; owned. Each is asked for once. */
static json_t *find_addresses(const struct observed_drill *drill, json_t *known, const char *target)
{
    json_t *addresses = json_object_get(known, target);
    if (addresses == NULL) {
        addresses = json_object();
        (void)target_list_addresses(drill->ctl, target, addresses);
        json_object_set_new(known, target, addresses);
    }
    return json_incref(addresses);
}

/* Of a phase, likewise. */
static json_t *list_lost(const struct observed_drill *drill, json_t *known, const json_t *phase)
{
    json_t *lost = json_object();
    size_t i;
    const json_t *target;
    json_array_foreach(get(phase, "lost"), i, target)
    {
        json_t *addresses = find_addresses(drill, known, json_string_value(target));
        json_object_update(lost, addresses);
        json_decref(addresses);
    }
    return lost;
}

/* What is lost from a time on: those that were asked about, and no others. */
static void note_phase(struct tally *tally, const json_t *before, const json_t *lost, int64_t at_ms)
{
    for (size_t i = 0; i < tally_count_addresses(tally); i++) {
        char text[ADDR_TEXT_SIZE];
        const char *address = addr_write(tally_get_address(tally, i), text);
        bool was_lost = get(before, address) != NULL, is_lost = get(lost, address) != NULL;
        if (was_lost != is_lost) {
            tally_note_service(tally, i, is_lost, at_ms < 0 ? 0 : at_ms);
        }
    }
}

static void settle(void *context, struct tally *tally, int64_t began_us, int64_t *duration_ms)
{
    struct observed_drill *drill = context;
    json_t *known = json_object(), *before = json_object();
    const json_t *phase;
    size_t i;
    wait_for_end(drill);
    const json_t *report = get(drill->ended, "report");
    int64_t offset_ms = (drill->began_us - began_us) / 1000; /* of the drill's times: below 0, mostly */
    int64_t end_ms = json_integer_value(get(report, "duration_ms")) + offset_ms;
    if (json_is_object(report) && end_ms < *duration_ms) {
        *duration_ms = end_ms < 0 ? 0 : end_ms; /* afterwards nothing is lost, and nobody is in it */
    }
    json_array_foreach(get(report, "phases"), i, phase)
    {
        json_t *lost = list_lost(drill, known, phase);
        note_phase(tally, before, lost, json_integer_value(get(phase, "at_ms")) + offset_ms);
        json_decref(before);
        before = lost;
    }
    json_decref(before);
    json_decref(known);
}

/* ---- the begin ---- */

enum steerctl_exit observed_drill_take(const struct steerctl *ctl, const char *id,
                                       struct observed_drill *drill, struct observe_plan *plan)
{
    *drill = (struct observed_drill){.ctl = ctl, .id = id, .is_over = plan->is_over};
    int64_t asked_us = now_us();
    enum steerctl_exit code = ask(drill, "/v1/drills/", "GET", NULL, &drill->now);
    const json_t *progress = get(drill->now, "progress");
    if (code != STEERCTL_OK) {
        return code;
    }
    if (!json_is_object(progress)) {
        fprintf(stderr, "steerctl: drill %s is over: begin it, and observe it while it runs\n", id);
        return STEERCTL_REFUSED;
    }
    if (strcmp(text_or_dash(text_of(drill->now, "mode")), "shadow") == 0 && plan->ttl_s == 0) {
        return steerctl_usage(OBSERVED_DRILL_NEEDS_TTL);
    }
    int64_t at_ms = json_integer_value(get(progress, "at_ms"));
    drill->began_us = (asked_us + now_us()) / 2 - at_ms * 1000;
    plan->duration_ms = json_integer_value(get(progress, "duration_ms")) - at_ms;
    plan->settle = settle;
    plan->meanwhile = go_on;
    plan->context = drill;
    return STEERCTL_OK;
}

/* ---- the end ---- */

static bool is_kept(const struct observed_drill *drill)
{
    struct steerctl quiet = *drill->ctl;
    json_t *items = NULL;
    const json_t *item;
    size_t i;
    bool is_there = false;
    quiet.json = false;
    if (steerctl_list(&quiet, "/v1/drills/reports", &items) == STEERCTL_OK) {
        json_array_foreach(items, i, item)
        {
            is_there = is_there || strcmp(text_or_dash(text_of(item, "id")), drill->id) == 0;
        }
    }
    json_decref(items);
    return is_there;
}

enum steerctl_exit observed_drill_keep(const struct observed_drill *drill, json_t *observed)
{
    json_t *answer = NULL;
    int64_t until_us = now_us() + (int64_t)REPORT_PATIENCE_MS * 1000;
    if (!json_is_object(get(drill->ended, "report"))) {
        fprintf(stderr, "steerctl: drill %s has no report%s: what was lost when is not known\n", drill->id,
                *drill->is_over ? " as long as it runs" : "");
        return STEERCTL_REFUSED;
    }
    while (!is_kept(drill) && now_us() < until_us) {
        pause_a_little(); /* a report is cut and written after the drill's end */
    }
    json_t *by_second = json_object_get(json_object_get(observed, "users"), "by_second"), *list;
    const char *key;
    json_object_foreach(by_second, key, list)
    {
        if (json_array_size(list) > SECONDS_MAX) {
            json_array_clear(list);
        }
    }
    enum steerctl_exit code = ask(drill, "/v1/drills/reports/", "PUT", json_incref(observed), &answer);
    json_decref(answer);
    return code;
}

void observed_drill_fini(struct observed_drill *drill)
{
    json_decref(drill->now);
    json_decref(drill->ended);
}
