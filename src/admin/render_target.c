/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Regions, azs and endpoints, and their overrides. */
#include "config.h"

#include "admin/render.h"

#include "admin/render_set.h"

#include <string.h>

json_t *render_override(const struct operate_target *target)
{
    const struct health_override *override = target->override;
    if (override == NULL) {
        return json_null();
    }
    json_t *object = json_object();
    set_text(object, "state", health_desired_text(override->desired));
    set(object, "share", override->share == 0 ? json_null() : json_integer(override->share));
    set_text(object, "to", override->to[0] == '\0' ? NULL : override->to);
    set(object, "names", render_name_groups(override->names));
    set_text(object, "reason", override->reason);
    set_text(object, "actor", override->actor);
    set_text(object, "peer", override->peer[0] == '\0' ? NULL : override->peer);
    set_time(object, "set", override->set_ms);
    set_time(object, "starts", override->starts_ms);
    set_time(object, "expires", override->expires_ms);
    set(object, "planned", json_boolean(target->status.planned));
    return object;
}

static void add_addresses(json_t *to, const struct addr *addresses, size_t count)
{
    char text[ADDR_TEXT_SIZE];
    for (size_t i = 0; i < count; i++) {
        if (addresses[i].family != ADDR_NONE) {
            json_array_append_new(to, json_string(addr_write(&addresses[i], text)));
        }
    }
}

/* Those of the document, or what the host resolves to. */
static json_t *render_addresses(const struct operate_target *target)
{
    json_t *addresses = json_array();
    add_addresses(addresses, &target->endpoint->v4, 1);
    add_addresses(addresses, &target->endpoint->v6, 1);
    for (int family = 0; target->host != NULL && family < VIEW_FAMILIES; family++) {
        const struct view_news *news = &target->host->families[family];
        add_addresses(addresses, news->addresses, news->count);
    }
    return addresses;
}

static json_t *render_family(const struct view_news *news)
{
    json_t *object = json_object(), *addresses = json_array();
    add_addresses(addresses, news->addresses, news->count);
    set_text(object, "state", view_host_state_text(news->state));
    set(object, "addresses", addresses);
    set_text(object, "error", news->error);
    set_time(object, "answered", news->answered_ms);
    set_time(object, "fresh_until", (int64_t)news->until_s * 1000);
    return object;
}

static json_t *render_host(const struct operate_host *host)
{
    if (host == NULL) {
        return json_null();
    }
    json_t *object = json_object();
    set_text(object, "name", host->name);
    set_text(object, "state", view_host_state_text(host->state));
    set_text(object, "leads_back_to", host->loop);
    set(object, "ipv4", render_family(&host->families[VIEW_V4]));
    set(object, "ipv6", render_family(&host->families[VIEW_V6]));
    return object;
}

static json_t *real_or_null(bool is_known, double number)
{
    return is_known ? json_real(number) : json_null();
}

static json_t *render_load(const struct operate_target *target)
{
    const struct health_load_status *load = &target->status.load;
    const struct conf_load *marks = conf_get_load(target->endpoint);
    bool is_known = load->source != HEALTH_LOAD_NONE;
    if (!marks->is_given && load->reported_ms == 0) {
        return json_null();
    }
    json_t *object = json_object();
    set(object, "value", real_or_null(is_known, load->value));
    set(object, "shed", json_real(load->shed));
    set_text(object, "source", health_load_source_text(load->source));
    set_text(object, "actor", load->actor[0] == '\0' ? NULL : load->actor);
    set_text(object, "peer", load->peer[0] == '\0' ? NULL : load->peer);
    set_time(object, "reported", load->reported_ms);
    set_time(object, "until", load->until_ms);
    set(object, "low", real_or_null(marks->is_given, marks->low));
    set(object, "high", real_or_null(marks->is_given, marks->high));
    return object;
}

/* {"ipv4": "healthy", "ipv6": null} */
static json_t *render_observed_families(const struct operate_target *target)
{
    json_t *object = json_object();
    for (int i = HEALTH_V4; i < HEALTH_FAMILIES; i++) {
        enum health_family family = (enum health_family)i;
        set_text(object, health_family_text(family),
                 operate_has_family(target, family) ? health_observed_text(target->status.families[family])
                                                    : NULL);
    }
    return object;
}

/* How the checks of each family add up; null where it has no addresses, or no check counts. */
static json_t *render_combination(const struct operate_target *target)
{
    json_t *object = json_object();
    set(object, "at_least", number_or_null(target->endpoint->at_least));
    for (int i = HEALTH_V4; i < HEALTH_FAMILIES; i++) {
        const struct health_combination *combination = &target->status.combinations[i];
        char why[HEALTH_WHY_SIZE];
        json_t *family = json_null();
        if (operate_has_family(target, (enum health_family)i) && combination->members != 0) {
            family = json_object();
            set_number(family, "checks", combination->members);
            set_number(family, "healthy", combination->healthy);
            set_number(family, "needed", combination->need);
            health_write_combination(combination, why);
            set_text(family, "why", why);
        }
        set(object, health_family_text((enum health_family)i), family);
    }
    return object;
}

/* What is asked for: a value that is not is not made either. */
struct form {
    json_t *object;
    field_set fields;
};

#define PUT(form, field, value)                                                                              \
    do {                                                                                                     \
        if (fields_have((form).fields, field)) {                                                             \
            set((form).object, field_text(field), value);                                                    \
        }                                                                                                    \
    } while (0)

static void add_endpoint(struct form form, const struct operate_target *target)
{
    const struct health_status *status = &target->status;
    bool checked = status->checked_ms != 0;
    if (target->endpoint != NULL) {
        PUT(form, FIELD_ADDRESSES, render_addresses(target));
        PUT(form, FIELD_HOST, render_host(target->host));
        PUT(form, FIELD_FAMILIES, render_observed_families(target));
        PUT(form, FIELD_COMBINATION, render_combination(target));
        PUT(form, FIELD_WEIGHT, json_integer((json_int_t)target->endpoint->weight));
        PUT(form, FIELD_CAPACITY, number_or_null(target->endpoint->capacity));
        PUT(form, FIELD_LOAD, render_load(target));
    }
    PUT(form, FIELD_LAST_OUTCOME, render_text(checked ? health_outcome_text(status->outcome) : NULL));
    PUT(form, FIELD_LAST_STATUS, number_or_null(status->detail));
    PUT(form, FIELD_LAST_CHECKED, render_time(status->checked_ms));
    PUT(form, FIELD_LAST_JUDGED, render_time(status->judged_ms));
    PUT(form, FIELD_HELD, json_boolean(status->held));
    PUT(form, FIELD_RESTORED, json_boolean(status->restored));
    PUT(form, FIELD_STALE, json_boolean(status->stale));
    PUT(form, FIELD_LAST_DURATION_MS, checked ? json_real(status->duration_us / 1000.0) : json_null());
}

/* How many of how many, who is missing, and what has to happen. */
static void add_group(struct form form, const struct operate_target *target)
{
    const struct health_status *status = &target->status;
    char why[HEALTH_WHY_SIZE] = "";
    if (fields_have(form.fields, FIELD_WHY)) {
        health_write_group_why(target->kind, status, why);
    }
    PUT(form, FIELD_MEMBERS, json_integer((json_int_t)status->members));
    PUT(form, FIELD_MEMBERS_HEALTHY, json_integer((json_int_t)status->members_healthy));
    PUT(form, FIELD_MEMBERS_UNHEALTHY, json_integer((json_int_t)status->members_unhealthy));
    PUT(form, FIELD_LOST_FROM, number_or_null(status->lost_from));
    PUT(form, FIELD_MISSING, render_texts(target->missing, target->missing_count));
    PUT(form, FIELD_WHY, render_text(why));
    PUT(form, FIELD_OUTLOOK, render_outlook(health_find_group_outlook(status)));
}

json_t *render_target(const struct operate_target *target, field_set fields)
{
    const struct health_status *status = &target->status;
    struct form form = {.object = json_object(), .fields = fields};
    PUT(form, FIELD_KIND, render_text(health_kind_text(target->kind)));
    PUT(form, FIELD_NAME, render_text(target->name));
    if (target->kind != HEALTH_REGION) {
        PUT(form, FIELD_REGION, render_text(target->region));
    }
    if (target->kind == HEALTH_ENDPOINT) {
        PUT(form, FIELD_AZ, render_text(target->az));
    }
    PUT(form, FIELD_OBSERVED, render_text(health_observed_text(status->observed)));
    PUT(form, FIELD_DESIRED, render_text(health_desired_text(status->desired)));
    PUT(form, FIELD_EFFECTIVE, render_text(health_state_text(status->effective.state)));
    PUT(form, FIELD_DECIDED_BY, render_text(health_decider_text(status->effective.decided_by)));
    PUT(form, FIELD_SINCE, render_time(status->since_ms));
    PUT(form, FIELD_STAYS_DOWN, render_stay(&status->stay));
    PUT(form, FIELD_RAMP, render_ramp(&status->ramp));
    PUT(form, FIELD_OVERRIDE, render_override(target));
    if (target->kind == HEALTH_ENDPOINT) {
        add_endpoint(form, target);
    } else {
        add_group(form, target);
    }
    return form.object;
}

json_t *render_override_item(const struct operate_target *target)
{
    json_t *object = render_override(target);
    set_text(object, "kind", health_kind_text(target->kind));
    set_text(object, "name", target->name);
    set_text(object, "effective", health_state_text(target->status.effective.state));
    set(object, "dormant", json_false());
    return object;
}
