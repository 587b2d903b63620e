/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Checks of endpoints and their results to JSON. */
#include "config.h"

#include "admin/render.h"

#include "admin/render_set.h"

static json_t *render_monitor(const struct admin_monitor *monitor)
{
    const struct health_monitor_status *status = &monitor->status;
    json_t *item = json_object();
    bool checked = status->checked_ms != 0;
    set_text(item, "check", monitor->check);
    set_text(item, "type", monitor->type);
    set_text(item, "address", monitor->address);
    set_text(item, "family", monitor->family);
    set_text(item, "role", health_role_text(status->role));
    set_text(item, "verdict", health_observed_text(status->verdict));
    set(item, "inherited", json_boolean(status->inherited));
    set_text(item, "outcome", checked ? health_outcome_text(status->outcome) : NULL);
    set(item, "status", number_or_null(status->detail));
    set_number(item, "streak", status->streak);
    set(item, "held", json_boolean(status->held));
    set(item, "stays_down", render_stay(&status->stay));
    set(item, "restored", json_boolean(status->restored));
    set(item, "stale", json_boolean(status->stale));
    set_time(item, "checked", status->checked_ms);
    set_time(item, "judged", status->judged_ms);
    set(item, "duration_ms", checked ? json_real(status->duration_us / 1000.0) : json_null());
    set_time(item, "certificate_ends", status->certificate_s * 1000);
    set(item, "certificate_ending", json_boolean(status->certificate_near));
    return item;
}

json_t *render_monitors(const struct admin_monitor *monitors, size_t count)
{
    json_t *items = json_array();
    for (size_t i = 0; i < count; i++) {
        json_array_append_new(items, render_monitor(&monitors[i]));
    }
    return items;
}

static json_t *render_results(const struct admin_monitor *monitor)
{
    json_t *items = json_array();
    for (size_t i = 0; i < monitor->result_count; i++) {
        const struct health_result *result = &monitor->results[i];
        json_t *item = json_object();
        set_time(item, "time", result->ended_ms);
        set_text(item, "outcome", health_outcome_text((enum health_outcome)result->outcome));
        set(item, "status", number_or_null(result->detail));
        set(item, "duration_ms", json_real(result->duration_us / 1000.0));
        set_text(item, "vantage", monitor->from[i]);
        json_array_append_new(items, item);
    }
    return items;
}

static json_t *render_opinion(const struct health_opinion_status *from)
{
    const struct health_opinion *opinion = &from->opinion;
    bool has = opinion->outcome != HEALTH_OUTCOME_NONE;
    json_t *object = json_object();
    set_text(object, "vantage", from->vantage);
    set_number(object, "weight", from->weight);
    set_text(object, "verdict", health_observed_text(opinion->verdict));
    set(object, "counts", json_boolean(from->discount == HEALTH_COUNTS));
    set_text(object, "because", health_discount_text(from->discount));
    set_text(object, "outcome", has ? health_outcome_text(opinion->outcome) : NULL);
    set(object, "status", number_or_null(opinion->detail));
    set_number(object, "streak", opinion->streak);
    set(object, "duration_ms", has ? json_real(opinion->duration_us / 1000.0) : json_null());
    set(object, "for_ms", has && opinion->age_ms >= 0 ? json_integer(opinion->age_ms) : json_null());
    return object;
}

static json_t *render_judgement(const struct admin_monitor *monitor)
{
    const struct health_judgement *from = &monitor->judgement;
    if (!from->is_by_quorum) {
        return json_null();
    }
    json_t *object = json_object(), *opinions = json_array();
    bool is_count = from->kind == HEALTH_QUORUM_COUNT;
    set_text(object, "judged", health_observed_text(from->judged));
    set(object, "quorum", is_count ? json_integer(from->count) : json_string(health_quorum_text(from->kind)));
    set_number(object, "up", from->up);
    set_number(object, "down", from->down);
    set_number(object, "weight", from->weight);
    set_number(object, "weight_down", from->weight_down);
    set_number(object, "needed", from->needed);
    set_number(object, "possible", from->could);
    for (size_t i = 0; i < monitor->opinion_count; i++) {
        json_array_append_new(opinions, render_opinion(&monitor->opinions[i]));
    }
    set(object, "opinions", opinions);
    return object;
}

json_t *render_check(const struct operate_target *endpoint, const struct admin_monitor *monitor)
{
    char why[HEALTH_WHY_SIZE];
    json_t *object = render_monitor(monitor);
    health_write_why(&monitor->status, why);
    set_text(object, "endpoint", endpoint->name);
    set_text(object, "az", endpoint->az);
    set_text(object, "region", endpoint->region);
    set_number(object, "interval_ms", monitor->interval_ms);
    set_number(object, "timeout_ms", monitor->timeout_ms);
    set_text(object, "why", monitor->why != NULL ? monitor->why : why);
    set(object, "judgement", render_judgement(monitor));
    set(object, "outlook", render_outlook(health_find_outlook(&monitor->status)));
    set_text(object, "text", monitor->text[0] == '\0' ? NULL : monitor->text);
    set_time(object, "next", monitor->next_ms);
    set(object, "results", render_results(monitor));
    return object;
}

json_t *render_try(const char *endpoint, const struct admin_try *made)
{
    json_t *object = json_object(), *steps = json_array();
    for (size_t i = 0; i < made->step_count; i++) {
        const struct admin_step *step = &made->steps[i];
        json_t *item = json_object();
        set(item, "at_ms", json_real(step->at_us / 1000.0));
        set_text(item, "step", step->step);
        set_text(item, "text", step->text);
        json_array_append_new(steps, item);
    }
    set_text(object, "endpoint", endpoint);
    set_text(object, "check", made->check);
    set_text(object, "type", made->type);
    set_text(object, "family", made->family);
    set_text(object, "address", made->address);
    set_text(object, "expected", made->expected);
    set_text(object, "outcome", health_outcome_text(made->outcome));
    set(object, "status", number_or_null(made->detail));
    set_text(object, "text", made->text);
    set(object, "duration_ms", json_real(made->duration_us / 1000.0));
    set_number(object, "timeout_ms", made->timeout_ms);
    set(object, "steps", steps);
    return object;
}
