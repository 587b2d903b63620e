/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Moments of the past, and what differs between two, as JSON. */
#include "config.h"

#include "admin/render.h"

#include "admin/render_set.h"

json_t *render_moment(const struct admin_moment *moment)
{
    json_t *used = json_object(), *configuration = json_object(), *health = json_object();
    json_t *object = json_object();
    set_text(configuration, "main", moment->main);
    set_text(configuration, "manifest", moment->manifest);
    set(configuration, "generation",
        moment->generation == 0 ? json_null() : json_integer((json_int_t)moment->generation));
    set_time(configuration, "since", moment->configured_ms);
    set_text(health, "segment", moment->segment);
    set_time(health, "moment", moment->health_ms);
    set_number(used, "seq", moment->seq);
    set_text(used, "point", moment->point);
    set(used, "configuration", configuration);
    set(used, "health", health);
    set_time(object, "time", moment->wall_ms);
    set(object, "now", json_boolean(moment->is_now));
    set(object, "used", used);
    set(object, "missing", render_texts(moment->missing, moment->missing_count));
    set(object, "steps", render_texts(moment->steps, moment->step_count));
    return object;
}

json_t *render_explained(const struct operate_explanation *explanation, const struct admin_moment *moment)
{
    json_t *document = render_explanation(explanation);
    set(document, "before", json_null());
    set(document, "report", json_null());
    set(document, "at", moment == NULL ? json_null() : render_moment(moment));
    return document;
}

/* ---- what differs ---- */

static json_t *render_list(size_t total, json_t *items)
{
    json_t *object = json_object();
    set_number(object, "total", total);
    set(object, "items", items);
    return object;
}

static json_t *render_journal(const struct admin_difference *difference)
{
    json_t *object = json_object(), *kinds = json_array();
    for (size_t i = 0; i < difference->kind_count; i++) {
        json_t *item = json_object();
        set_text(item, "kind", difference->kinds[i].kind);
        set_number(item, "entries", difference->kinds[i].entries);
        json_array_append_new(kinds, item);
    }
    set_number(object, "entries", difference->entries);
    set(object, "kinds", kinds);
    return object;
}

static json_t *render_objects(const struct admin_difference *difference)
{
    json_t *items = json_array();
    for (size_t i = 0; i < difference->object_count; i++) {
        const struct admin_changed_object *from = &difference->objects[i];
        json_t *item = json_object();
        set_text(item, "kind", from->kind);
        set_text(item, "key", from->key);
        set(item, "before", render_value(from->before));
        set(item, "after", render_value(from->after));
        set_time(item, "time", from->time_ms);
        set_text(item, "actor", from->actor[0] == '\0' ? NULL : from->actor);
        set_text(item, "reason", from->reason[0] == '\0' ? NULL : from->reason);
        json_array_append_new(items, item);
    }
    return render_list(difference->object_total, items);
}

static json_t *render_file_side(const struct admin_changed_file *file, int side)
{
    if (!file->is_there[side]) {
        return json_null();
    }
    json_t *object = json_object();
    set_number(object, "size", file->size[side]);
    set_text(object, "sha256", file->sha256[side]);
    return object;
}

static json_t *render_files(const struct admin_difference *difference)
{
    json_t *items = json_array();
    for (size_t i = 0; i < difference->file_count; i++) {
        const struct admin_changed_file *file = &difference->files[i];
        json_t *item = json_object();
        set_text(item, "path", file->path);
        set(item, "before", render_file_side(file, 0));
        set(item, "after", render_file_side(file, 1));
        set_text(item, "diff", file->text);
        set_text(item, "why_no_diff", file->why);
        json_array_append_new(items, item);
    }
    return render_list(difference->file_total, items);
}

static json_t *render_health(const struct admin_difference *difference)
{
    json_t *items = json_array();
    for (size_t i = 0; i < difference->health_count; i++) {
        const struct admin_changed_health *from = &difference->health[i];
        json_t *item = json_object();
        set_text(item, "kind", health_kind_text(from->kind));
        set_text(item, "name", from->name);
        set_text(item, "before", from->before);
        set_text(item, "after", from->after);
        set_time(item, "since", from->since_ms);
        json_array_append_new(items, item);
    }
    return render_list(difference->health_total, items);
}

json_t *render_difference(const struct admin_difference *difference)
{
    json_t *object = json_object();
    set(object, "from", render_moment(&difference->moments[0]));
    set(object, "to", render_moment(&difference->moments[1]));
    set(object, "steps", render_texts(difference->steps, difference->step_count));
    set(object, "journal", render_journal(difference));
    set(object, "objects", render_objects(difference));
    set(object, "files", render_files(difference));
    set(object, "changes", render_comparison(difference->changes));
    set(object, "health", render_health(difference));
    return object;
}

/* ---- without a server ---- */

static char *write_document(json_t *document)
{
    char *text = json_dumps(document, JSON_INDENT(2) | JSON_REAL_PRECISION(12));
    json_decref(document);
    return text;
}

char *admin_write_explained(const struct operate_explanation *explanation, const struct admin_moment *moment)
{
    return write_document(render_explained(explanation, moment));
}

char *admin_write_difference(const struct admin_difference *difference)
{
    return write_document(render_difference(difference));
}
