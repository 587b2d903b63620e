/* SPDX-License-Identifier: BSD-3-Clause
 *
 * What a reload changes for traffic, as JSON. */
#include "config.h"

#include "admin/render.h"

#include "admin/render_set.h"

static json_t *render_list(size_t total, json_t *items)
{
    json_t *object = json_object();
    set_number(object, "total", total);
    set(object, "items", items);
    return object;
}

static json_t *render_counts_of(const struct operate_counts *counts, const char *before, const char *after)
{
    json_t *items = json_array();
    for (size_t i = 0; i < counts->count; i++) {
        json_t *item = json_object();
        set(item, "name", render_text(counts->items[i].name));
        set_number(item, before, counts->items[i].records[0]);
        set_number(item, after, counts->items[i].records[1]);
        json_array_append_new(items, item);
    }
    return render_list(counts->total, items);
}

static json_t *render_fates(const struct operate_counts *counts, int fates)
{
    json_t *object = json_object();
    for (int fate = 0; fate < fates; fate++) {
        bool is_ttl = fate == OPERATE_RETIMED;
        set(object, operate_fate_text((enum operate_fate)fate),
            render_counts_of(&counts[fate], is_ttl ? "ttl_before" : "records_before",
                             is_ttl ? "ttl_after" : "records_after"));
    }
    return object;
}

static json_t *render_members(const struct operate_comparison *changes)
{
    json_t *items = json_array();
    for (size_t i = 0; i < changes->membership_count; i++) {
        const struct operate_membership *from = &changes->memberships[i];
        json_t *item = json_object();
        set(item, "name", render_text(from->name));
        set_number(item, "names", from->name_count);
        set(item, "gained",
            render_list(from->gained.total, render_texts(from->gained.names, from->gained.count)));
        set(item, "lost", render_list(from->lost.total, render_texts(from->lost.names, from->lost.count)));
        json_array_append_new(items, item);
    }
    json_t *object = render_list(changes->membership_total, items);
    set_number(object, "gained", changes->gained);
    set_number(object, "lost", changes->lost);
    return object;
}

static json_t *render_move(const struct operate_move *move)
{
    json_t *item = json_object(), *types = json_array();
    for (size_t i = 0; move->types[i] != NULL; i++) {
        json_array_append_new(types, render_text(move->types[i]));
    }
    set(item, "name", render_text(move->name));
    set_number(item, "names", move->name_count);
    set(item, "class", render_text(move->class_label));
    set_text(item, "class_before", move->class_before);
    set(item, "types", types);
    set(item, "severity", render_text(operate_severity_text(move->severity)));
    set(item, "before", render_text(move->before));
    set(item, "after", render_text(move->after));
    return item;
}

static json_t *render_answers(const struct operate_comparison *changes)
{
    static const enum operate_severity severities[] = {OPERATE_UNSERVED, OPERATE_FALLBACK, OPERATE_MOVED};
    json_t *items = json_array(), *names = json_object();
    for (size_t i = 0; i < changes->move_count; i++) {
        json_array_append_new(items, render_move(&changes->moves[i]));
    }
    for (size_t i = 0; i < sizeof severities / sizeof *severities; i++) {
        set_number(names, operate_severity_text(severities[i]), changes->names_moved[severities[i]]);
    }
    json_t *object = render_list(changes->move_total, items);
    set(object, "names", names);
    return object;
}

static json_t *render_settings(const struct operate_comparison *changes)
{
    json_t *list = json_array();
    for (size_t i = 0; i < changes->setting_count; i++) {
        const struct operate_setting *setting = &changes->settings[i];
        json_t *item = json_object();
        set_text(item, "of", operate_scope_text(setting->scope));
        set_text(item, "key", setting->key);
        set_number(item, "total", setting->total);
        set(item, "items", render_texts(setting->items, setting->count));
        set(item, "at_start", json_boolean(setting->at_start));
        json_array_append_new(list, item);
    }
    return list;
}

json_t *render_comparison(const struct operate_comparison *changes)
{
    json_t *object = json_object();
    set(object, "steps", render_texts(changes->steps, changes->step_count));
    json_t *zones = render_fates(changes->zones, OPERATE_ZONE_FATES);
    set(zones, "held_up", render_counts_of(&changes->held_up, "serial_before", "serial_after"));
    set(object, "zones", zones);
    set(object, "names", render_fates(changes->names, OPERATE_FATES));
    set_number(object, "steered_before", changes->steered[0]);
    set_number(object, "steered_after", changes->steered[1]);
    set(object, "members", render_members(changes));
    set(object, "answers", render_answers(changes));
    set(object, "settings", render_settings(changes));
    return object;
}
