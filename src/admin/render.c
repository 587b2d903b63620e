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
    if (problem->allowed != NULL) {
        set(document, "allowed", render_texts(problem->allowed, problem->allowed_count));
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
    set(document, "rules", result->rules == NULL ? json_array() : render_violated(result->rules));
    if (result->dry_run) {
        set(document, "dry_run", json_true());
    }
    return document;
}

/* ---- targets ---- */

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
        set_number(item, "held", tier->held);
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
