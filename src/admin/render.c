/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Structs to JSON. A field that exists is always there: what is not known or does not apply is null, so that
 * a client never has to guess. */
#include "config.h"

#include "admin/render.h"

#include "admin/render_set.h"

/* ---- problems and reports ---- */

static json_t *render_place(const struct report_place *place)
{
    json_t *item = json_object();
    set_text(item, "file", place->file);
    set(item, "line", number_or_null(place->line));
    set(item, "column", number_or_null(place->column));
    set_text(item, "path", place->path);
    return item;
}

static json_t *render_problem_error(const struct problem_error *error)
{
    json_t *item = error->field != NULL ? json_object() : render_place(&error->place);
    if (error->field != NULL) {
        set_text(item, "field", error->field);
    }
    set_text(item, "message", error->message);
    return item;
}

json_t *render_unserved(const struct operate_unserved *unserved)
{
    json_t *document = json_object(), *names = json_array();
    for (size_t i = 0; i < unserved->count; i++) {
        const struct operate_unserved_name *name = &unserved->names[i];
        json_t *item = json_object();
        size_t types = 0;
        while (name->types[types] != NULL) {
            types++;
        }
        set_text(item, "name", name->name);
        set_text(item, "zone", name->zone);
        set(item, "types", render_texts(name->types, types));
        set_text(item, "class", name->class_label);
        set_number(item, "classes", name->class_count);
        json_array_append_new(names, item);
    }
    set_number(document, "total", unserved->total);
    set_time(document, "from", unserved->from_ms);
    set(document, "names", names);
    return document;
}

static json_t *render_whole(const struct whole *whole)
{
    json_t *document = json_object(), *points = json_array();
    for (size_t i = 0; i < whole->count; i++) {
        json_t *point = json_object();
        set_text(point, "id", whole->points[i].id);
        set_time(point, "time", whole->points[i].time_ms);
        json_array_append_new(points, point);
    }
    set_time(document, "since", whole->since_ms);
    set(document, "points", points);
    return document;
}

json_t *render_problem(const struct problem *problem)
{
    json_t *document = json_object();
    set(document, "type", json_sprintf("urn:steerd:problem:%s", problem_name(problem->kind)));
    set_text(document, "title", problem_title(problem->kind));
    set(document, "status", json_integer(problem_status(problem->kind)));
    if (problem->detail != NULL) {
        set_text(document, "detail", problem->detail);
    }
    if (problem->error_count != 0) {
        json_t *errors = json_array();
        for (size_t i = 0; i < problem->error_count; i++) {
            json_array_append_new(errors, render_problem_error(&problem->errors[i]));
        }
        set(document, "errors", errors);
    }
    if (problem->rules != NULL) {
        set(document, "errors", render_violated(problem->rules));
    }
    if (problem->unserved != NULL) {
        set(document, "unserved", render_unserved(problem->unserved));
    }
    if (problem->whole != NULL) {
        set(document, "kept", render_whole(problem->whole));
    }
    if (problem->present != NULL) {
        set_text(document, "etag", problem->present->tag);
        set_text(document, "changed_by", problem->present->actor);
        set_time(document, "changed", problem->present->changed_ms);
    }
    return document;
}

static json_t *render_report(const struct report *report, enum report_severity severity)
{
    json_t *items = json_array();
    for (size_t i = 0; report != NULL && i < report_count(report); i++) {
        const struct report_item *from = report_get(report, i);
        if (from->severity == severity) {
            json_t *item = render_place(&from->place);
            set_text(item, "message", from->message);
            json_array_append_new(items, item);
        }
    }
    return items;
}

json_t *render_takeover(const struct admin_takeover_result *result)
{
    json_t *object = json_object();
    set(object, "pid", json_integer(result->pid));
    set(object, "version", render_text(result->version));
    set(object, "duration_ms", json_integer(result->duration_ms));
    set_number(object, "overrides", result->overrides);
    return object;
}

json_t *render_reload(const struct admin_reload_result *result)
{
    json_t *document = json_object();
    set_number(document, "generation", result->generation);
    set(document, "errors", render_report(result->report, REPORT_ERROR));
    set(document, "warnings", render_report(result->report, REPORT_WARNING));
    set(document, "changes", result->changes == NULL ? json_null() : render_comparison(result->changes));
    if (result->dry_run) {
        set(document, "dry_run", json_true());
    }
    return document;
}

/* ---- targets ---- */

static json_t *render_override(const struct operate_target *target)
{
    const struct health_override *override = target->override;
    if (override == NULL) {
        return json_null();
    }
    json_t *object = json_object();
    set_text(object, "state", health_desired_text(override->desired));
    set(object, "share", override->share == 0 ? json_null() : json_integer(override->share));
    set_text(object, "to", override->to[0] == '\0' ? NULL : override->to);
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

static void add_endpoint(json_t *object, const struct operate_target *target)
{
    const struct health_status *status = &target->status;
    bool checked = status->checked_ms != 0;
    if (target->endpoint != NULL) {
        set(object, "addresses", render_addresses(target));
        set(object, "host", render_host(target->host));
        set(object, "families", render_observed_families(target));
        set(object, "combination", render_combination(target));
        set_number(object, "weight", target->endpoint->weight);
        set(object, "capacity", number_or_null(target->endpoint->capacity));
        set(object, "load", render_load(target));
    }
    set_text(object, "last_outcome", checked ? health_outcome_text(status->outcome) : NULL);
    set(object, "last_status", number_or_null(status->detail));
    set_time(object, "last_checked", status->checked_ms);
    set_time(object, "last_judged", status->judged_ms);
    set(object, "held", json_boolean(status->held));
    set(object, "restored", json_boolean(status->restored));
    set(object, "stale", json_boolean(status->stale));
    set(object, "last_duration_ms", checked ? json_real(status->duration_us / 1000.0) : json_null());
}

/* How many of how many, who is missing, and what has to happen. */
static void add_group(json_t *object, const struct operate_target *target)
{
    const struct health_status *status = &target->status;
    char why[HEALTH_WHY_SIZE];
    health_write_group_why(target->kind, status, why);
    set_number(object, "members", status->members);
    set_number(object, "members_healthy", status->members_healthy);
    set_number(object, "members_unhealthy", status->members_unhealthy);
    set(object, "lost_from", number_or_null(status->lost_from));
    set(object, "missing", render_texts(target->missing, target->missing_count));
    set_text(object, "why", why);
    set(object, "outlook", render_outlook(health_find_group_outlook(status)));
}

json_t *render_target(const struct operate_target *target)
{
    const struct health_status *status = &target->status;
    json_t *object = json_object();
    set_text(object, "kind", health_kind_text(target->kind));
    set_text(object, "name", target->name);
    if (target->kind != HEALTH_REGION) {
        set_text(object, "region", target->region);
    }
    if (target->kind == HEALTH_ENDPOINT) {
        set_text(object, "az", target->az);
    }
    set_text(object, "observed", health_observed_text(status->observed));
    set_text(object, "desired", health_desired_text(status->desired));
    set_text(object, "effective", health_state_text(status->effective.state));
    set_text(object, "decided_by", health_decider_text(status->effective.decided_by));
    set_time(object, "since", status->since_ms);
    set(object, "stays_down", render_stay(&status->stay));
    set(object, "ramp", render_ramp(&status->ramp));
    set(object, "override", render_override(target));
    if (target->kind == HEALTH_ENDPOINT) {
        add_endpoint(object, target);
    } else {
        add_group(object, target);
    }
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

json_t *render_dormant(const struct health_dormant *dormant)
{
    const struct operate_target target = {
        .kind = dormant->kind, .override = &dormant->what, .status = {.planned = dormant->planned}};
    json_t *object = render_override(&target);
    set_text(object, "kind", health_kind_text(dormant->kind));
    set_text(object, "name", dormant->name);
    set_text(object, "effective", NULL);
    set(object, "dormant", json_true());
    return object;
}

/* ---- zones, names ---- */

static json_t *render_secondary(const struct admin_secondary *secondary)
{
    json_t *object = json_object();
    set_text(object, "address", secondary->address);
    set_text(object, "key", secondary->key);
    set_text(object, "state", secondary->state);
    set(object, "serial", secondary->told ? json_integer(secondary->serial) : json_null());
    set_number(object, "attempts", secondary->attempts);
    set_text(object, "rcode", secondary->rcode);
    set_time(object, "since", secondary->since_ms);
    return object;
}

json_t *render_zone(const struct view_zone *zone, const struct admin_secondary *secondaries, size_t count)
{
    json_t *list = json_array();
    for (size_t i = 0; i < count; i++) {
        json_array_append_new(list, render_secondary(&secondaries[i]));
    }
    json_t *object = json_object();
    set_text(object, "origin", zone->origin);
    set_text(object, "file", zone->path);
    set_text(object, "state", zone->failed ? "failed" : zone->stale ? "stale" : "current");
    set(object, "serial", zone->failed ? json_null() : json_integer(zone->serial));
    set_number(object, "names", zone->names);
    set_number(object, "records", zone->records);
    set_number(object, "steered", zone->steered);
    set(object, "secondaries", list);
    return object;
}

/* Of the default class: who gets the answers in which order. */
static void add_policy(json_t *object, const struct steer_policy *policy)
{
    const struct steer_class *class = &policy->classes[0];
    json_t *tiers = json_array();
    for (unsigned i = 0; i < class->tier_count; i++) {
        json_array_append_new(tiers, render_text(class->tiers[i].label));
    }
    set_text(object, "pick", steer_pick_text(policy->pick));
    set_number(object, "members", policy->member_count);
    set_number(object, "classes", policy->class_count);
    set(object, "tiers", tiers);
    set_text(object, "fallback",
             steer_fallback_text(class->has_fallback ? class->fallback : policy->fallback));
    set_text(object, "pool", class->pool == NULL ? NULL : class->pool->label);
}

json_t *render_name(const struct view_name *name, const struct admin_verbs *verbs, void *reader)
{
    json_t *object = json_object(), *types = json_array();
    char text[ADMIN_TYPE_SIZE];
    for (unsigned bit = 0; bit < STEER_TYPES_MAX; bit++) {
        if ((name->types & 1u << bit) != 0) {
            verbs->write_type(reader, name, bit, text);
            json_array_append_new(types, json_string(text));
        }
    }
    set_text(object, "name", name->owner);
    set_text(object, "zone", name->zone);
    set(object, "types", types);
    set_number(object, "ttl", name->ttl);
    set_number(object, "policy", name->policy);
    const struct steer_policy *policy = verbs->get_policy(reader, name);
    if (policy != NULL) {
        add_policy(object, policy);
    }
    return object;
}

json_t *render_geo(const struct admin_geo *geo)
{
    json_t *object = json_object(), *knows = json_array();
    for (size_t i = 0; geo->knows[i] != NULL; i++) {
        json_array_append_new(knows, json_string(geo->knows[i]));
    }
    set_text(object, "file", geo->file);
    set_text(object, "state", geo->stale ? "stale" : "current");
    set_text(object, "type", geo->type);
    set_number(object, "ip_version", geo->ip_version);
    set(object, "knows", knows);
    set_time(object, "built", geo->built_ms);
    set_time(object, "loaded", geo->loaded_ms);
    set_number(object, "networks", (json_int_t)geo->networks);
    set_number(object, "places", (json_int_t)geo->places);
    set_number(object, "file_size", (json_int_t)geo->file_size);
    set_number(object, "memory", (json_int_t)geo->memory);
    return object;
}

/* ---- explain ---- */

static json_t *render_tiers(const struct operate_explanation *explanation)
{
    json_t *items = json_array();
    for (size_t i = 0; i < explanation->tier_count; i++) {
        const struct operate_tier *tier = &explanation->tiers[i];
        json_t *item = json_object();
        set_text(item, "label", tier->label);
        set_number(item, "members", tier->members);
        set_number(item, "serving", tier->serving);
        set(item, "healthy", json_real(tier->healthy));
        set_text(item, "measured_by", tier->by_capacity ? "capacity" : "number");
        set(item, "available", json_real(tier->available));
        set_text(item, "min_healthy", tier->min_healthy);
        set_text(item, "spill_below", tier->spill_below);
        set(item, "trickle", json_real(tier->trickle));
        set(item, "share", json_real(tier->share));
        set(item, "considered", json_boolean(tier->considered));
        set(item, "qualifies", json_boolean(tier->qualifies));
        set(item, "selected", json_boolean(tier->selected));
        json_array_append_new(items, item);
    }
    return items;
}

/* The object that made a member what it is. */
static json_t *render_decider(const struct operate_target *target)
{
    if (target == NULL) {
        return json_null();
    }
    bool is_endpoint = target->kind == HEALTH_ENDPOINT;
    json_t *object = json_object();
    set_text(object, "kind", health_kind_text(target->kind));
    set_text(object, "name", target->name);
    set_time(object, "since", target->status.since_ms);
    set(object, "members", is_endpoint ? json_null() : json_integer(target->status.members));
    set(object, "members_unhealthy",
        is_endpoint ? json_null() : json_integer(target->status.members_unhealthy));
    set(object, "override", render_override(target));
    return object;
}

static json_t *render_members(const struct operate_explanation *explanation)
{
    json_t *items = json_array();
    for (size_t i = 0; i < explanation->member_count; i++) {
        const struct operate_member *member = &explanation->members[i];
        json_t *item = json_object();
        set_text(item, "endpoint", member->endpoint);
        set_text(item, "az", member->az);
        set_text(item, "region", member->region);
        set_text(item, "tier", member->tier);
        set_text(item, "observed", health_observed_text(member->observed));
        set_text(item, "effective", health_state_text(member->effective.state));
        set_text(item, "decided_by", health_decider_text(member->effective.decided_by));
        set(item, "decider", render_decider(member->decider));
        set_number(item, "weight", member->weight);
        set(item, "shed", json_real(member->shed));
        set_number(item, "ramp_percent", member->ramp);
        set(item, "effective_weight", json_real(member->counts));
        set(item, "odds", json_real(member->odds));
        set(item, "chosen", json_boolean(member->chosen));
        set_text(item, "address", member->address);
        set(item, "records", render_texts(member->records, member->record_count));
        set_time(item, "held_until", member->held_ms);
        set(item, "sticks", json_boolean(member->sticks));
        set_text(item, "excluded", member->excluded);
        json_array_append_new(items, item);
    }
    return items;
}

static json_t *render_geo_place(const struct geo_place *place)
{
    json_t *object = json_object(), *location = json_null();
    if (place->has_location) {
        location = json_array();
        json_array_append_new(location, json_real(place->latitude));
        json_array_append_new(location, json_real(place->longitude));
    }
    set_text(object, "country", place->country[0] == '\0' ? NULL : place->country);
    set_text(object, "continent", place->continent[0] == '\0' ? NULL : place->continent);
    set(object, "subdivisions",
        render_texts((const char **)(uintptr_t)place->subdivisions, place->subdivision_count));
    set_text(object, "city", place->city);
    set(object, "city_id", number_or_null(place->city_id));
    set(object, "asn", number_or_null(place->asn));
    set(object, "location", location);
    return object;
}

static json_t *render_reason(const struct operate_geo *geo)
{
    if (geo == NULL) {
        return json_null();
    }
    json_t *object = json_object();
    set_text(object, "rule", geo->rule);
    set_text(object, "cidr", geo->cidr);
    set_text(object, "network", geo->network);
    set(object, "place", render_geo_place(&geo->place));
    return object;
}

json_t *render_explanation(const struct operate_explanation *explanation)
{
    json_t *object = json_object();
    set_text(object, "name", explanation->name);
    set_text(object, "type", explanation->type);
    set_text(object, "client", explanation->client);
    set_text(object, "zone", explanation->zone);
    set_text(object, "rcode", explanation->rcode);
    set(object, "steered", json_boolean(explanation->steered));
    set(object, "policy", explanation->steered ? json_integer(explanation->policy) : json_null());
    set_text(object, "steered_name", explanation->steered_name);
    set_text(object, "class", explanation->class_label);
    set_text(object, "pick", explanation->pick);
    set_text(object, "sticks", explanation->sticks);
    set_number(object, "scope", explanation->scope);
    set_text(object, "scope_reason", explanation->scope_reason);
    set(object, "geo", render_reason(explanation->geo));
    set_text(object, "source", explanation->source);
    set_number(object, "ttl", explanation->ttl);
    set_text(object, "ttl_reason", explanation->ttl_reason);
    set_text(object, "fallback", explanation->fallback);
    set_text(object, "pool", explanation->pool);
    set(object, "fenced", json_boolean(explanation->fenced));
    set(object, "tiers", render_tiers(explanation));
    set(object, "members", render_members(explanation));
    set(object, "answers", render_texts(explanation->answers, explanation->answer_count));
    set(object, "steps", render_texts(explanation->steps, explanation->step_count));
    return object;
}
