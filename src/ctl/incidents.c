/* SPDX-License-Identifier: BSD-3-Clause
 *
 * What was lost, and how long it took. */
#include "config.h"

#include "ctl/text.h"
#include "ctl/verbs.h"

#include <string.h>

enum { CELL = 256 };

/* "1.5 s", or NULL for null. */
static const char *span(const json_t *object, const char *key, char out[32])
{
    const json_t *value = json_object_get(object, key);
    if (!json_is_integer(value)) {
        return NULL;
    }
    snprintf(out, 32, "%.1f s", (double)json_integer_value(value) / 1000);
    return out;
}

static const char *target(const json_t *incident, char out[CELL])
{
    snprintf(out, CELL, "%s:%.200s", text_or_dash(text_of(incident, "kind")),
             text_or_dash(text_of(incident, "name")));
    return out;
}

/* By the most that it can have been the RTO is judged, where that is known. */
static const char *judged_by(const json_t *incident)
{
    return json_is_integer(json_object_get(incident, "recovery_most_ms")) ? "recovery_most_ms"
                                                                          : "recovery_ms";
}

static void show_recovery(const json_t *incident)
{
    char text[CELL], least[32], most[32];
    if (span(incident, "recovery_most_ms", most) == NULL) {
        text_line("recovery", span(incident, "recovery_ms", least));
        return;
    }
    snprintf(text, sizeof text, "%s from the first failed check, at most %s (from the last good one)",
             text_or_dash(span(incident, "recovery_ms", least)), most);
    text_line("recovery", text);
}

static void show_rto(const json_t *incident)
{
    char text[CELL];
    const char *of = text_of(incident, "rto_of"), *rto = text_of(incident, "rto");
    snprintf(text, sizeof text, "%s%s%.500s", text_or_dash(rto), of == NULL ? "" : ", that of ",
             of == NULL ? "" : of);
    text_line("RTO", rto == NULL ? NULL : text);
}

static void show_list(const struct steerctl *ctl, const json_t *items)
{
    static const char *const headings[] = {"INCIDENT", "LOST", "SINCE", "LASTED", "DETECTION",
                                           "RECOVERY", "RTO",  "NAMES", NULL};
    size_t i;
    const json_t *item;
    struct table *table = table_new(ctl, headings);
    json_array_foreach(items, i, item)
    {
        char name[CELL], age[32], since[48], lasted[32], detection[32], recovery[32], names[TEXT_NUMBER_SIZE];
        snprintf(since, sizeof since, "%s ago", text_age(text_of(item, "lost"), age));
        table_add(table, text_of(item, "id"));
        table_add(table, target(item, name));
        table_add(table, since);
        table_add(table,
                  json_is_null(json_object_get(item, "back")) ? "still" : span(item, "lasted_ms", lasted));
        table_add(table, span(item, "detection_ms", detection));
        table_add(table, span(item, judged_by(item), recovery));
        table_add(table, text_of(item, "rto"));
        table_add(table, text_number(item, "names", names));
    }
    table_print(table);
    json_array_foreach(items, i, item)
    {
        show_hold("held", item);
    }
}

static void show_copies(const json_t *incident)
{
    size_t i;
    const json_t *copy;
    json_array_foreach(json_object_get(incident, "copies"), i, copy)
    {
        char line[CELL], lag[64] = "not known";
        const json_t *value = json_object_get(copy, "lag");
        if (json_is_number(value)) {
            snprintf(lag, sizeof lag, "%.9g %s behind", json_number_value(value),
                     text_or_dash(text_of(copy, "unit")));
        }
        snprintf(line, sizeof line, "to %.100s: %s, stage %s, RPO %s", text_or_dash(text_of(copy, "to")), lag,
                 text_or_dash(text_of(copy, "stage")), text_or_dash(text_of(copy, "rpo")));
        text_line("copy", line);
    }
}

static void show_prediction(const json_t *predicted)
{
    char text[CELL], detection[32], recovery[32], decision[32], moved[32], failed[32];
    if (!json_is_object(predicted)) {
        return;
    }
    snprintf(text, sizeof text, "detection %s, recovery %s; from the loss on: decision %s, 99 %% moved %s",
             span(predicted, "detection_ms", detection), span(predicted, "recovery_ms", recovery),
             span(predicted, "decision_ms", decision), text_or_dash(span(predicted, "moved_99_ms", moved)));
    text_line("predicted", text);
    snprintf(text, sizeof text, "%s of all requests", text_or_dash(span(predicted, "failed_ms", failed)));
    text_line("failed", json_is_integer(json_object_get(predicted, "failed_ms")) ? text : NULL);
}

/* How resolvers have left, as far as it was seen. */
static void show_drain(const json_t *drain)
{
    char text[CELL], half[32], most[32], all[32], last[64] = "";
    if (!json_is_object(drain)) {
        return;
    }
    if (strcmp(text_or_dash(text_of(drain, "state")), "cut") == 0) {
        snprintf(last, sizeof last, "; not seen to its end: steerd was started again");
    }
    snprintf(
        text, sizeof text,
        "%.1f %% of %lld resolvers have asked again or let their TTL run out; 50 %% after %s, 90 %% after "
        "%s, 99 %% after %s; %.1f %% have not asked again%s",
        json_number_value(json_object_get(drain, "drained_share")) * 100,
        (long long)json_integer_value(json_object_get(drain, "resolvers")),
        text_or_dash(span(drain, "moved_50_ms", half)), text_or_dash(span(drain, "moved_90_ms", most)),
        text_or_dash(span(drain, "moved_99_ms", all)),
        json_number_value(json_object_get(drain, "missing_share")) * 100, last);
    text_line("drain", text);
}

static void show_decision(const json_t *incident)
{
    char text[CELL], decision[32], publication[64] = "not known";
    const json_t *published = json_object_get(incident, "publication_ms");
    bool was_held = json_is_true(json_object_get(incident, "held"));
    if (span(incident, "decision_ms", decision) == NULL) {
        text_line("decision", was_held ? "none: safety rules keep answers where they are" : NULL);
        return;
    }
    if (json_is_integer(published)) {
        snprintf(publication, sizeof publication, "%lld ms", (long long)json_integer_value(published));
    }
    snprintf(text, sizeof text, "%s after the loss%s; published after %s", decision,
             was_held ? ", until then held by safety rules" : "", publication);
    text_line("decision", text);
}

static void show(const json_t *incident)
{
    char text[CELL], number[32];
    text_line("incident", text_of(incident, "id"));
    text_line("lost", target(incident, text));
    text_line("last good", text_of(incident, "last_good"));
    text_line("failing", text_of(incident, "failing"));
    text_line("since", text_of(incident, "lost"));
    text_line("resolvers", text_of(incident, "resolvers_until"));
    text_line("back", text_of(incident, "back"));
    text_line("detection", span(incident, "detection_ms", number));
    show_decision(incident);
    show_hold("held", incident);
    show_recovery(incident);
    text_line("lasted", span(incident, "lasted_ms", number));
    show_drain(json_object_get(incident, "drain"));
    show_prediction(json_object_get(incident, "predicted"));
    show_rto(incident);
    snprintf(text, sizeof text, "%lld of %lld missed",
             (long long)json_integer_value(json_object_get(incident, "own_missed")),
             (long long)json_integer_value(json_object_get(incident, "own_objectives")));
    text_line("of names", json_integer_value(json_object_get(incident, "own_objectives")) == 0 ? NULL : text);
    snprintf(text, sizeof text, "%lld of %lld, first with %s",
             (long long)json_integer_value(json_object_get(incident, "unhealthy")),
             (long long)json_integer_value(json_object_get(incident, "endpoints")),
             text_or_dash(text_of(incident, "outcome")));
    text_line("endpoints", text);
    if (json_is_true(json_object_get(incident, "overridden"))) {
        text_line("answers", "were overridden: none moved");
    }
    show_copies(incident);
}

enum steerctl_exit run_incidents(const struct steerctl *ctl)
{
    json_t *json;
    enum steerctl_exit code;
    if (ctl->word_count == 1) {
        return steerctl_show(ctl, "/v1/incidents", show_list);
    }
    struct buffer path;
    buffer_init(&path);
    buffer_add_text(&path, "/v1/incidents/");
    steerctl_add_encoded(&path, ctl->words[1]);
    code = steerctl_ask_json(ctl, "GET", path.bytes, NULL, &json);
    if (code == STEERCTL_OK && !ctl->json) {
        show(json);
    }
    json_decref(json);
    buffer_fini(&path);
    return code;
}
