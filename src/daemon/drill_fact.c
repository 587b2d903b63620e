/* SPDX-License-Identifier: BSD-3-Clause
 *
 * See drill_fact.h. What a later version adds is not understood and left out; what contradicts is refused. */
#include "config.h"

#include "daemon/drill_fact.h"

#include "base/clock.h"
#include "base/error.h"
#include "daemon/stored.h"

#include <math.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define TIME_MAX INT64_C(1000000000000000)

struct field {
    const char *key;
    size_t at;
};
#define AT(name) offsetof(struct drill_fact, figures.name)

/* -1: there is none. */
static const struct field times[] = {{"detection_ms", AT(detection_ms)},
                                     {"decision_ms", AT(decision_ms)},
                                     {"ttl_ms", AT(ttl_ms)},
                                     {"recovery_ms", AT(recovery_ms)},
                                     {"rto_ms", AT(rto_ms)}};
static const struct field shares[] = {{"failed_share", AT(failed_share)}, {"capacity_use", AT(capacity_use)}};
static const struct field counts[] = {{"answers_total", AT(answers)},     {"answers_changed", AT(changed)},
                                      {"answers_unserved", AT(unserved)}, {"answers_held", AT(held)},
                                      {"answers_to_lost", AT(to_lost)},   {"answers_late", AT(late)}};
enum {
    TIMES = sizeof times / sizeof *times,
    SHARES = sizeof shares / sizeof *shares,
    COUNTS = sizeof counts / sizeof *counts
};

const char *drill_outcome_text(enum drill_outcome outcome)
{
    static const char *const texts[DRILL_OUTCOMES] = {
        [DRILL_MET] = "met", [DRILL_MISSED] = "missed", [DRILL_NOT_RUN] = "not_run"};
    return outcome < DRILL_OUTCOMES ? texts[outcome] : NULL;
}

/* ---- writing ---- */

static void write_figures(json_t *object, const struct drill_fact *fact)
{
    const char *base = (const char *)fact;
    for (int i = 0; i < TIMES; i++) {
        int64_t ms = *(const int64_t *)(const void *)(base + times[i].at);
        if (ms >= 0) {
            json_object_set_new(object, times[i].key, json_integer(ms));
        }
    }
    for (int i = 0; i < SHARES; i++) {
        double share = *(const double *)(const void *)(base + shares[i].at);
        if (share >= 0) {
            json_object_set_new(object, shares[i].key, json_real(share));
        }
    }
    for (int i = 0; i < COUNTS; i++) {
        json_object_set_new(object, counts[i].key,
                            json_integer(*(const int64_t *)(const void *)(base + counts[i].at)));
    }
}

static json_t *write_object(const struct drill_fact *fact)
{
    json_t *object = json_object();
    stored_set_time(object, "time", fact->at_ms);
    stored_set_text(object, "mode", fact->figures.mode);
    stored_set_text(object, "name", fact->figures.name);
    stored_set_text(object, "schedule", fact->schedule);
    stored_set_text(object, "actor", fact->actor);
    stored_set_text(object, "peer", fact->peer);
    stored_set_text(object, "reason", fact->reason);
    stored_set_text(object, "outcome", drill_outcome_text(fact->outcome));
    stored_set_text(object, "why", fact->figures.why);
    write_figures(object, fact);
    stored_set_number(object, "octets", fact->octets);
    return object;
}

/* Takes it. */
static char *write_text(json_t *object)
{
    char *text = json_dumps(object, JSON_COMPACT | JSON_REAL_PRECISION(6));
    json_decref(object);
    return text;
}

char *drill_fact_write(const struct drill_fact *fact)
{
    return write_text(write_object(fact));
}

static void add_null(json_t *object, const char *key)
{
    if (json_object_get(object, key) == NULL) {
        json_object_set_new(object, key, json_null());
    }
}

char *drill_fact_write_shown(const struct drill_fact *fact)
{
    static const char *const texts[] = {"mode", "name", "schedule", "actor", "peer", "reason", "why"};
    json_t *object = json_object();
    json_object_set_new(object, "id", json_string(fact->id));
    json_object_update_new(object, write_object(fact));
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        add_null(object, texts[i]);
    }
    for (int i = 0; i < TIMES; i++) {
        add_null(object, times[i].key);
    }
    for (int i = 0; i < SHARES; i++) {
        add_null(object, shares[i].key);
    }
    json_object_set_new(object, "octets", json_integer((json_int_t)fact->octets));
    return write_text(object);
}

/* ---- reading ---- */

static double read_share(struct stored_reading *reading, const char *key)
{
    const json_t *value = stored_find(reading, key);
    double share = value == NULL ? -1 : json_number_value(value);
    if (value != NULL && (!json_is_number(value) || !isfinite(share) || share < 0)) {
        stored_fail(reading, "a share is none");
        return -1;
    }
    return share;
}

static void read_figures(struct stored_reading *reading, struct drill_fact *fact)
{
    static const char no_number[] = "a number is none, or too large";
    char *base = (char *)fact;
    for (int i = 0; i < TIMES; i++) {
        bool is_there = json_object_get(reading->object, times[i].key) != NULL;
        uint64_t ms = stored_get_number(reading, times[i].key, TIME_MAX, no_number);
        *(int64_t *)(void *)(base + times[i].at) = is_there ? (int64_t)ms : -1;
    }
    for (int i = 0; i < SHARES; i++) {
        *(double *)(void *)(base + shares[i].at) = read_share(reading, shares[i].key);
    }
    for (int i = 0; i < COUNTS; i++) {
        *(int64_t *)(void *)(base + counts[i].at) =
            (int64_t)stored_get_number(reading, counts[i].key, TIME_MAX, no_number);
    }
    fact->octets = stored_get_number(reading, "octets", TIME_MAX, no_number);
    fact->figures.has_report = fact->octets != 0;
}

static void read_texts(struct stored_reading *reading, struct drill_fact *fact)
{
    static const char too_long[] = "a text is none, or too long";
    struct page_figures *figures = &fact->figures;
    stored_get_text(reading, "mode", figures->mode, sizeof figures->mode, too_long);
    stored_get_text(reading, "name", figures->name, sizeof figures->name, too_long);
    stored_get_text(reading, "why", figures->why, sizeof figures->why, too_long);
    stored_get_text(reading, "schedule", fact->schedule, sizeof fact->schedule, too_long);
    stored_get_text(reading, "actor", fact->actor, sizeof fact->actor, too_long);
    stored_get_text(reading, "peer", fact->peer, sizeof fact->peer, too_long);
    stored_get_text(reading, "reason", fact->reason, sizeof fact->reason, too_long);
}

static void read_outcome(struct stored_reading *reading, struct drill_fact *fact)
{
    char text[16] = "";
    stored_get_text(reading, "outcome", text, sizeof text, "\"outcome\": expected met, missed or not_run");
    fact->outcome = DRILL_OUTCOMES;
    for (int i = 0; i < DRILL_OUTCOMES; i++) {
        fact->outcome = strcmp(text, drill_outcome_text((enum drill_outcome)i)) == 0 ? (enum drill_outcome)i
                                                                                     : fact->outcome;
    }
    if (fact->outcome == DRILL_OUTCOMES) {
        stored_fail(reading, "\"outcome\": expected met, missed or not_run");
    }
}

int drill_fact_read(const char *id, const char *text, struct drill_fact *fact, const char **why)
{
    json_t *object = json_loads(text, JSON_REJECT_DUPLICATES, NULL);
    struct stored_reading reading = {.object = object};
    *fact = (struct drill_fact){.at_ms = 0};
    *why = NULL;
    if (!json_is_object(object)) {
        *why = "expected a JSON object";
    } else if ((size_t)snprintf(fact->id, sizeof fact->id, "%s", id) >= sizeof fact->id) {
        *why = "its ID is too long";
    } else {
        stored_need(&reading, "time", "\"time\" is missing");
        fact->at_ms = stored_get_time(&reading, "time", "\"time\": expected an RFC 3339 time");
        read_texts(&reading, fact);
        read_outcome(&reading, fact);
        read_figures(&reading, fact);
        fact->figures.is_met = fact->outcome == DRILL_MET;
        *why = reading.why;
    }
    json_decref(object);
    return *why == NULL ? 0 : ERROR_SYNTAX;
}
