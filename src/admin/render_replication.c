/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Copies and how far they lag behind to JSON. */
#include "config.h"

#include "admin/render_set.h"

#include <stdio.h>

enum { WHY_SIZE = 256 };

/* Why nothing is known that counts; NULL: something is. */
static const char *write_why(const struct admin_lag *lag, char text[WHY_SIZE])
{
    const struct health_lag_status *status = &lag->status;
    bool was_asked = status->asked_ms != 0, failed = was_asked && status->outcome != HEALTH_OUTCOME_OK;
    char age[64] = "nothing was ever said";
    if (status->is_known) {
        return NULL;
    }
    if (status->age_ms >= 0) {
        snprintf(age, sizeof age, "the last word is %.1f s old and counts for %.1f s",
                 (double)status->age_ms / 1000, (double)status->max_age_ms / 1000);
    }
    if (failed) {
        snprintf(text, WHY_SIZE, "%s; the last check: %s", age, health_outcome_text(status->outcome));
    } else if (was_asked && !status->had_value) {
        snprintf(text, WHY_SIZE, "%s; the last answer has no number from 0 on at %.100s", age, lag->pointer);
    } else {
        snprintf(text, WHY_SIZE, "%s%s", age, status->is_asked && !was_asked ? "; not asked yet" : "");
    }
    return text;
}

json_t *render_lag(const struct admin_lag *lag)
{
    const struct health_lag_status *status = &lag->status;
    char why[WHY_SIZE];
    bool was_said = status->age_ms >= 0, was_asked = status->asked_ms != 0,
         has_stage = status->stage != HEALTH_STAGE_UNKNOWN;
    json_t *object = json_object();
    set_text(object, "kind", health_kind_text(status->kind));
    set_text(object, "from", status->from);
    set_text(object, "to", status->to);
    set_text(object, "stage", health_stage_text(status->stage));
    set_text(object, "stage_source", !has_stage ? NULL : status->is_stage_said ? "feed" : "declared");
    set(object, "lag", status->is_known ? json_real(status->value) : json_null());
    set(object, "last_lag", was_said ? json_real(status->value) : json_null());
    set_text(object, "unit", was_said ? health_lag_unit_text(status->unit) : NULL);
    set(object, "age_ms", was_said ? json_integer(status->age_ms) : json_null());
    set_number(object, "max_age_ms", (uint64_t)status->max_age_ms);
    set(object, "rpo_ms", status->rpo_ms == 0 ? json_null() : json_integer(status->rpo_ms));
    set_text(object, "rpo", health_rpo_text(status->rpo));
    set_time(object, "since", status->since_ms);
    set_text(object, "source", health_lag_source_text(status->source));
    set_text(object, "actor", status->actor[0] == '\0' ? NULL : status->actor);
    set_text(object, "peer", status->peer[0] == '\0' ? NULL : status->peer);
    set_time(object, "reported", status->reported_ms);
    set_text(object, "check", lag->check);
    set_text(object, "address", lag->address);
    set_time(object, "checked", status->asked_ms);
    set_text(object, "outcome", was_asked ? health_outcome_text(status->outcome) : NULL);
    set(object, "had_lag", was_asked ? json_boolean(status->had_value) : json_null());
    set_text(object, "why", write_why(lag, why));
    return object;
}

json_t *render_lag_counts(const struct health_lag_counts *counts)
{
    json_t *object = json_object();
    set_number(object, "pairs", counts->pairs);
    set_number(object, "over_rpo", counts->over);
    set_number(object, "unknown", counts->unknown);
    return object;
}
