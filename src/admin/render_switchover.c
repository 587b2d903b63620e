/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Switchovers, and what was found about them, to JSON. */
#include "config.h"

#include "admin/render_set.h"

#include <stdio.h>
#include <string.h>

static json_t *render_source(const struct switchover *switchover)
{
    json_t *list = json_array();
    for (size_t i = 0; i < switchover->target_count; i++) {
        const struct switchover_target *target = &switchover->targets[i];
        char text[SWITCHOVER_NAME_SIZE + 16];
        snprintf(text, sizeof text, "%s:%s", health_kind_text(target->kind), target->name);
        json_array_append_new(list, render_text(text));
    }
    return list;
}

static json_t *render_steps(const struct switchover *switchover)
{
    json_t *list = json_array();
    for (size_t i = 0; i < switchover->step_count; i++) {
        json_array_append_new(list, json_integer(switchover->steps[i]));
    }
    json_array_append_new(list, json_integer(HEALTH_RAMP_WHOLE));
    return list;
}

static json_t *render_allowed(const struct switchover *switchover)
{
    json_t *list = json_array();
    for (int verb = 0; verb < SWITCHOVER_VERBS; verb++) {
        if (switchover_allows(switchover, (enum switchover_verb)verb, false)) {
            json_array_append_new(list, json_string(switchover_verb_text((enum switchover_verb)verb)));
        }
    }
    return list;
}

/* Why no step is taken; null: nothing holds it. */
static json_t *render_held(const struct switchover *switchover)
{
    if (!switchover_is_held(switchover)) {
        return json_null();
    }
    json_t *object = json_object();
    set_text(object, "by", switchover->held_by);
    set_text(object, "why", switchover->held);
    set_time(object, "since", switchover->held_ms);
    return object;
}

static json_t *render_accepted(const struct switchover *switchover)
{
    json_t *list = json_array();
    for (const char *at = switchover->accepted; *at != '\0';) {
        char name[SWITCHOVER_FINDING_SIZE];
        at = switchover_read_accepted(at, name);
        json_array_append_new(list, render_text(name));
    }
    return list;
}

static json_t *render_notes(const struct switchover *switchover)
{
    json_t *list = json_array();
    for (size_t i = 0; i < switchover->note_count; i++) {
        const struct switchover_note *note = &switchover->notes[i];
        json_t *object = json_object();
        set_time(object, "time", note->wall_ms);
        set_text(object, "what", note->what);
        set_text(object, "state", switchover_state_text(note->state));
        set_text(object, "actor", note->actor[0] == '\0' ? NULL : note->actor);
        set_text(object, "peer", note->peer[0] == '\0' ? NULL : note->peer);
        set_text(object, "reason", note->reason[0] == '\0' ? NULL : note->reason);
        set_text(object, "found", note->text[0] == '\0' ? NULL : note->text);
        json_array_append_new(list, object);
    }
    return list;
}

json_t *render_switchover(const struct switchover *switchover, bool with_notes)
{
    json_t *object = json_object();
    enum switchover_state state = switchover->state;
    int64_t next_ms = switchover_next_ms(switchover);
    bool has_peer = switchover->peer[0] != '\0';
    set_text(object, "id", switchover->id);
    set_text(object, "state", switchover_state_text(state));
    set_time(object, "since", switchover->since_ms);
    set(object, "source", render_source(switchover));
    set_text(object, "to", switchover->to[0] == '\0' ? NULL : switchover->to);
    set(object, "names", render_name_groups(switchover->names));
    set(object, "emergency", json_boolean(switchover->is_emergency));
    set(object, "lower_ttl", json_boolean(switchover->lowers_ttl));
    set_number(object, "share", switchover_get_share(switchover));
    set(object, "steps", render_steps(switchover));
    set_number(object, "each_ms", (uint64_t)switchover->each_ms);
    set_time(object, "next_step", next_ms);
    set_number(object, "ttl_s", switchover->ttl_s);
    set_time(object, "verified", switchover->verified_ms);
    set_text(object, "hooks_before",
             switchover->asks_hooks ? switchover_verb_text(switchover->asked_for) : NULL);
    set(object, "protected", json_boolean(state != SWITCHOVER_UNPROTECTED));
    set(object, "held", render_held(switchover));
    set(object, "accepted", render_accepted(switchover));
    set(object, "allowed", render_allowed(switchover));
    set_text(object, "actor", switchover->actor);
    set_text(object, "peer", has_peer ? switchover->peer : NULL);
    set_text(object, "reason", switchover->reason);
    set_time(object, "created", switchover->created_ms);
    set_number(object, "changes", switchover->changes);
    if (with_notes) {
        set(object, "notes", render_notes(switchover));
        set_number(object, "notes_lost", switchover->notes_lost);
    }
    return object;
}

char *admin_write_switchover(const struct switchover *switchover)
{
    json_t *object = render_switchover(switchover, false);
    char *text = json_dumps(object, JSON_COMPACT);
    json_decref(object);
    return text;
}

json_t *render_ignored_rules(const struct operate_rules *rules)
{
    json_t *list = json_array();
    for (size_t i = 0; rules != NULL && i < rules->count; i++) {
        if (rules->items[i].is_violated) {
            json_t *item = json_object();
            set_text(item, "name", rules->items[i].rule->name);
            set_text(item, "why", rules->items[i].why);
            set_text(item, "needs", rules->items[i].needs);
            json_array_append_new(list, item);
        }
    }
    return list;
}

static json_t *render_copy(const struct switchover_copy *copy)
{
    json_t *object = json_object();
    const struct health_lag_status *lag = &copy->lag;
    set_text(object, "from", copy->from);
    set_text(object, "to", copy->to);
    set(object, "lag", lag->is_known ? json_real(lag->value) : json_null());
    set_text(object, "unit", lag->is_known ? health_lag_unit_text(lag->unit) : NULL);
    set_text(object, "stage", health_stage_text(lag->stage));
    set_text(object, "rpo", health_rpo_text(lag->rpo));
    return object;
}

/* How many of the latest answers of the names, per second; null: nothing was counted. */
static json_t *render_rate(const struct switchover_spread *spread, double rate)
{
    return spread->has_rates ? json_real(rate) : json_null();
}

static json_t *render_ttls(const struct switchover_spread *spread)
{
    json_t *list = json_array();
    for (size_t i = 0; i < spread->ttl_count; i++) {
        json_t *item = json_object();
        set_number(item, "ttl_s", spread->ttls[i].ttl_s);
        set_number(item, "names", spread->ttls[i].names);
        set(item, "per_second", render_rate(spread, spread->ttls[i].rate));
        json_array_append_new(list, item);
    }
    return list;
}

static json_t *render_zones(const struct switchover_spread *spread)
{
    json_t *object = json_object(), *list = json_array();
    for (size_t i = 0; i < spread->zone_count; i++) {
        json_t *item = json_object();
        set_text(item, "zone", spread->zones[i].zone);
        set_number(item, "names", spread->zones[i].names);
        json_array_append_new(list, item);
    }
    set_number(object, "count", spread->zone_total);
    set(object, "items", list);
    return object;
}

/* Of all that steered names answered in the last 5 minutes, what was of these. */
static json_t *render_asked(const struct switchover_spread *spread)
{
    double rate = 0;
    for (size_t i = 0; i < spread->ttl_count; i++) {
        rate += spread->ttls[i].rate;
    }
    if (!spread->has_rates) {
        return json_null();
    }
    json_t *object = json_object();
    set(object, "per_second", json_real(rate));
    set(object, "share", json_real(rate < spread->rate ? rate / spread->rate : 1));
    return object;
}

static json_t *number_or_none(double number)
{
    return number < 0 ? json_null() : json_real(number);
}

static json_t *render_load(const struct switchover_load *load)
{
    static const char *const sides[] = {"before", "after"};
    json_t *object = json_object();
    set_text(object, "region", load->region);
    set(object, "capacity", load->capacity > 0 ? json_real(load->capacity) : json_null());
    for (int side = 0; side < 2; side++) {
        json_t *of = json_object();
        set(of, "share", json_real(load->share[side]));
        set(of, "load", number_or_none(load->load[side]));
        set(of, "answers_per_second", number_or_none(load->rate[side]));
        set(object, sides[side], of);
    }
    return object;
}

/* By what it was judged, and the figures. */
static json_t *render_capacity(const struct switchover_look *look)
{
    const struct switchover_capacity *capacity = &look->capacity;
    json_t *object = json_object(), *items = json_array();
    for (size_t i = 0; i < capacity->count; i++) {
        json_array_append_new(items, render_load(&capacity->items[i]));
    }
    set_text(object, "by", capacity->is_reported ? "reported_loads" : "just_full_before");
    set_text(object, "weights", look->answers.is_by_rates ? "answers" : "names");
    set_text(object, "silent", capacity->silent);
    set(object, "regions", items);
    return object;
}

json_t *render_switchover_look(const struct switchover_look *look)
{
    json_t *object = json_object(), *findings = json_array(), *copies = json_array();
    for (size_t i = 0; i < look->finding_count; i++) {
        json_t *finding = json_object();
        set_text(finding, "name", look->findings[i].name);
        set(finding, "good", json_boolean(look->findings[i].is_good));
        set_text(finding, "text", look->findings[i].text);
        json_array_append_new(findings, finding);
    }
    for (size_t i = 0; i < look->copy_count; i++) {
        json_array_append_new(copies, render_copy(&look->copies[i]));
    }
    set(object, "good", json_boolean(switchover_look_is_good(look)));
    set(object, "findings", findings);
    set_number(object, "names", look->names.count);
    set_number(object, "ttl_s", look->names.ttl_s);
    set(object, "ttls", render_ttls(&look->spread));
    set(object, "zones", render_zones(&look->spread));
    set(object, "asked", render_asked(&look->spread));
    set(object, "capacity", render_capacity(look));
    set(object, "copies", copies);
    set(object, "unserved", render_unserved(&look->unserved));
    set(object, "answers", render_what_if(&look->answers));
    return object;
}
