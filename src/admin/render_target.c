/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Regions, azs and endpoints, and their overrides. */
#include "config.h"

#include "admin/render.h"

#include "admin/render_set.h"

#include "base/buffer.h"

#include <inttypes.h>
#include <stdlib.h>
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
    set(object, "ttl", override->has_ttl ? json_integer(override->ttl_s) : json_null());
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

/* ---- a row ---- */

/* Lists have rows by the hundred thousand, so these are written straight as text, and no tree is made of what
 * each row has. What few rows have is a tree that is written out. */
struct row {
    struct buffer *out;
    field_set fields;
    bool any;
};

/* What is not asked for is not made either. */
static bool begin_member(struct row *row, enum field field)
{
    bool is_wanted = fields_have(row->fields, field);
    if (is_wanted) {
        buffer_add_text(row->out, row->any ? ", \"" : "\"");
        buffer_add_text(row->out, field_text(field));
        buffer_add(row->out, "\": ", 3);
        row->any = true;
    }
    return is_wanted;
}

/* Takes the tree. */
static void add_tree(struct buffer *out, json_t *value)
{
    if (json_is_null(value)) {
        buffer_add(out, "null", 4);
        return;
    }
    char *text = json_dumps(value, JSON_ENCODE_ANY | JSON_REAL_PRECISION(12));
    buffer_add_text(out, text);
    free(text);
    json_decref(value);
}

static bool is_plain(const char *text)
{
    while (*text >= ' ' && *text < 127 && *text != '"' && *text != '\\') {
        text++;
    }
    return *text == '\0';
}

static void add_text(struct buffer *out, const char *text)
{
    if (text == NULL) {
        buffer_add(out, "null", 4);
    } else if (is_plain(text)) {
        buffer_add(out, "\"", 1);
        buffer_add_text(out, text);
        buffer_add(out, "\"", 1);
    } else {
        add_tree(out, render_text(text));
    }
}

static void put_text(struct row *row, enum field field, const char *text)
{
    if (begin_member(row, field)) {
        add_text(row->out, text);
    }
}

static void put_number(struct row *row, enum field field, uint64_t number)
{
    if (begin_member(row, field)) {
        buffer_print(row->out, "%" PRIu64, number);
    }
}

/* 0 is null. */
static void put_number_or_null(struct row *row, enum field field, uint32_t number)
{
    if (number != 0) {
        put_number(row, field, number);
    } else {
        put_text(row, field, NULL);
    }
}

static void put_boolean(struct row *row, enum field field, bool is)
{
    if (begin_member(row, field)) {
        buffer_add_text(row->out, is ? "true" : "false");
    }
}

/* 0 is "never". */
static void put_time(struct row *row, enum field field, int64_t wall_ms)
{
    char text[CLOCK_TEXT_SIZE];
    if (begin_member(row, field)) {
        add_text(row->out, wall_ms == 0 ? NULL : clock_write_rfc3339(wall_ms, text));
    }
}

#define PUT_TREE(row, field, value)                                                                          \
    do {                                                                                                     \
        if (begin_member(row, field)) {                                                                      \
            add_tree((row)->out, value);                                                                     \
        }                                                                                                    \
    } while (0)

/* ---- of an endpoint ---- */

static void list_addresses(struct buffer *out, const struct addr *addresses, size_t count, bool *any)
{
    char text[ADDR_TEXT_SIZE];
    for (size_t i = 0; i < count; i++) {
        if (addresses[i].family != ADDR_NONE) {
            buffer_print(out, "%s\"%s\"", *any ? ", " : "", addr_write(&addresses[i], text));
            *any = true;
        }
    }
}

/* Those of the document, or what the host resolves to. */
static void put_addresses(struct row *row, const struct operate_target *target)
{
    bool any = false;
    if (begin_member(row, FIELD_ADDRESSES)) {
        buffer_add(row->out, "[", 1);
        list_addresses(row->out, &target->endpoint->v4, 1, &any);
        list_addresses(row->out, &target->endpoint->v6, 1, &any);
        for (int family = 0; target->host != NULL && family < VIEW_FAMILIES; family++) {
            const struct view_news *news = &target->host->families[family];
            list_addresses(row->out, news->addresses, news->count, &any);
        }
        buffer_add(row->out, "]", 1);
    }
}

/* {"ipv4": "healthy", "ipv6": null} */
static void put_families(struct row *row, const struct operate_target *target)
{
    if (begin_member(row, FIELD_FAMILIES)) {
        for (int i = HEALTH_V4; i < HEALTH_FAMILIES; i++) {
            enum health_family family = (enum health_family)i;
            buffer_print(row->out, "%s\"%s\": ", i == HEALTH_V4 ? "{" : ", ", health_family_text(family));
            add_text(row->out, operate_has_family(target, family)
                                   ? health_observed_text(target->status.families[family])
                                   : NULL);
        }
        buffer_add(row->out, "}", 1);
    }
}

/* How the checks of each family add up; null where it has no addresses, or no check counts. */
static void put_combination(struct row *row, const struct operate_target *target)
{
    if (!begin_member(row, FIELD_COMBINATION)) {
        return;
    }
    buffer_add_text(row->out, "{\"at_least\": ");
    if (target->endpoint->at_least == 0) {
        buffer_add_text(row->out, "null");
    } else {
        buffer_print(row->out, "%u", (unsigned)target->endpoint->at_least);
    }
    for (int i = HEALTH_V4; i < HEALTH_FAMILIES; i++) {
        const struct health_combination *combination = &target->status.combinations[i];
        char why[HEALTH_WHY_SIZE];
        buffer_print(row->out, ", \"%s\": ", health_family_text((enum health_family)i));
        if (!operate_has_family(target, (enum health_family)i) || combination->members == 0) {
            buffer_add_text(row->out, "null");
            continue;
        }
        health_write_combination(combination, why);
        buffer_print(row->out, "{\"checks\": %u, \"healthy\": %u, \"needed\": %u, \"why\": ",
                     (unsigned)combination->members, (unsigned)combination->healthy,
                     (unsigned)combination->need);
        add_text(row->out, why);
        buffer_add(row->out, "}", 1);
    }
    buffer_add(row->out, "}", 1);
}

static void add_endpoint(struct row *row, const struct operate_target *target)
{
    const struct health_status *status = &target->status;
    bool checked = status->checked_ms != 0;
    if (target->endpoint != NULL) {
        put_addresses(row, target);
        PUT_TREE(row, FIELD_HOST, render_host(target->host));
        put_families(row, target);
        put_combination(row, target);
        put_number(row, FIELD_WEIGHT, target->endpoint->weight);
        put_number_or_null(row, FIELD_CAPACITY, target->endpoint->capacity);
        PUT_TREE(row, FIELD_LOAD, render_load(target));
    }
    put_text(row, FIELD_LAST_OUTCOME, checked ? health_outcome_text(status->outcome) : NULL);
    put_number_or_null(row, FIELD_LAST_STATUS, status->detail);
    put_time(row, FIELD_LAST_CHECKED, status->checked_ms);
    put_time(row, FIELD_LAST_JUDGED, status->judged_ms);
    put_boolean(row, FIELD_HELD, status->held);
    put_boolean(row, FIELD_RESTORED, status->restored);
    put_boolean(row, FIELD_STALE, status->stale);
    PUT_TREE(row, FIELD_LAST_DURATION_MS, real_or_null(checked, status->duration_us / 1000.0));
}

/* ---- of a group ---- */

/* How many of how many, who is missing, and what has to happen. */
static void add_group(struct row *row, const struct operate_target *target)
{
    const struct health_status *status = &target->status;
    char why[HEALTH_WHY_SIZE] = "";
    if (fields_have(row->fields, FIELD_WHY)) {
        health_write_group_why(target->kind, status, why);
    }
    if (target->kind == HEALTH_REGION) {
        PUT_TREE(row, FIELD_HOLD, render_hold(target));
    }
    put_number(row, FIELD_MEMBERS, status->members);
    put_number(row, FIELD_MEMBERS_HEALTHY, status->members_healthy);
    put_number(row, FIELD_MEMBERS_UNHEALTHY, status->members_unhealthy);
    put_number_or_null(row, FIELD_LOST_FROM, status->lost_from);
    PUT_TREE(row, FIELD_MISSING, render_texts(target->missing, target->missing_count));
    put_text(row, FIELD_WHY, why);
    PUT_TREE(row, FIELD_OUTLOOK, render_outlook(health_find_group_outlook(status)));
}

/* ---- all of it ---- */

void render_target_row(const struct operate_target *target, field_set fields,
                       const struct render_checks *checks, struct buffer *out)
{
    const struct health_status *status = &target->status;
    struct row row = {.out = out, .fields = fields};
    buffer_add(out, "{", 1);
    put_text(&row, FIELD_KIND, health_kind_text(target->kind));
    put_text(&row, FIELD_NAME, target->name);
    if (target->kind != HEALTH_REGION) {
        put_text(&row, FIELD_REGION, target->region);
    }
    if (target->kind == HEALTH_ENDPOINT) {
        put_text(&row, FIELD_AZ, target->az);
    }
    put_text(&row, FIELD_OBSERVED, health_observed_text(status->observed));
    put_text(&row, FIELD_DESIRED, health_desired_text(status->desired));
    put_text(&row, FIELD_EFFECTIVE, health_state_text(status->effective.state));
    put_text(&row, FIELD_DECIDED_BY, health_decider_text(status->effective.decided_by));
    put_time(&row, FIELD_SINCE, status->since_ms);
    PUT_TREE(&row, FIELD_STAYS_DOWN, render_stay(&status->stay));
    PUT_TREE(&row, FIELD_RAMP, render_ramp(&status->ramp));
    PUT_TREE(&row, FIELD_OVERRIDE, render_override(target));
    if (target->kind == HEALTH_ENDPOINT) {
        add_endpoint(&row, target);
    } else {
        add_group(&row, target);
    }
    if (checks != NULL) {
        PUT_TREE(&row, FIELD_CHECKS, render_monitors(checks->items, checks->count));
    }
    buffer_add(out, "}", 1);
}

json_t *render_target(const struct operate_target *target, field_set fields)
{
    struct buffer text;
    buffer_init(&text);
    render_target_row(target, fields, NULL, &text);
    json_t *object = json_loadb(text.bytes, text.len, 0, NULL);
    buffer_fini(&text);
    return object;
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
