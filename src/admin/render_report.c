/* SPDX-License-Identifier: BSD-3-Clause
 *
 * What-if reports as JSON. As everywhere, a field that is not known is null. */
#include "config.h"

#include "admin/render.h"

#include "admin/render_set.h"

static json_t *number_above(double number, double least)
{
    return number > least ? json_real(number) : json_null();
}

static json_t *render_place_side(const struct operate_place *place, int side)
{
    json_t *object = json_object();
    set(object, "share", json_real(place->share[side]));
    set(object, "capacity", number_above(place->capacity[side], 0));
    set(object, "load", number_above(place->load[side], -0.5));
    return object;
}

static json_t *render_places(const struct operate_places *places)
{
    json_t *items = json_array();
    for (size_t i = 0; i < places->count; i++) {
        json_t *item = json_object();
        set(item, "name", render_text(places->items[i].name));
        set(item, "before", render_place_side(&places->items[i], 0));
        set(item, "after", render_place_side(&places->items[i], 1));
        json_array_append_new(items, item);
    }
    return items;
}

static json_t *render_side(const struct operate_side *side)
{
    json_t *object = json_object();
    set(object, "answer", render_text(side->answer));
    set(object, "source", render_text(side->source));
    set(object, "unserved", json_integer(side->unserved));
    set(object, "carries", number_above(side->carries, 0));
    return object;
}

static json_t *render_row(const struct operate_row *row)
{
    json_t *object = json_object(), *types = json_array();
    for (size_t i = 0; row->types[i] != NULL; i++) {
        json_array_append_new(types, render_text(row->types[i]));
    }
    set(object, "policy", json_integer(row->policy));
    set(object, "class", render_text(row->class_label));
    set(object, "types", types);
    set(object, "names", render_texts(row->names, row->name_listed));
    set(object, "name_count", json_integer(row->name_count));
    set(object, "severity", json_string(operate_severity_text(row->severity)));
    set(object, "changed", json_boolean(row->changed));
    set(object, "before", render_side(&row->side[0]));
    set(object, "after", render_side(&row->side[1]));
    set(object, "regions", render_places(&row->regions));
    set(object, "azs", render_places(&row->azs));
    set(object, "endpoints", render_places(&row->endpoints));
    set(object, "endpoint_count", json_integer((json_int_t)row->endpoints.total));
    return object;
}

static json_t *render_row_counts(const struct operate_report *report)
{
    json_t *object = json_object();
    set(object, "total", json_integer((json_int_t)report->rows_total));
    for (int i = 0; i < OPERATE_SEVERITIES; i++) {
        set(object, operate_severity_text((enum operate_severity)i),
            json_integer((json_int_t)report->rows_by_severity[i]));
    }
    return object;
}

json_t *render_what_if(const struct operate_report *report)
{
    json_t *object = json_object(), *unserved = json_object(), *items = json_array();
    set(unserved, "before", json_integer((json_int_t)report->names_unserved[0]));
    set(unserved, "after", json_integer((json_int_t)report->names_unserved[1]));
    for (size_t i = 0; i < report->row_count; i++) {
        json_array_append_new(items, render_row(&report->rows[i]));
    }
    set(object, "assumed", render_texts(report->assumed, report->assumed_count));
    set(object, "steps", render_texts(report->steps, report->step_count));
    set(object, "names", json_integer((json_int_t)report->names));
    set(object, "names_changed", json_integer((json_int_t)report->names_changed));
    set(object, "names_unserved", unserved);
    set(object, "rows", render_row_counts(report));
    set(object, "traffic", number_above(report->traffic, 0));
    set(object, "traffic_given", json_boolean(report->traffic_is_given));
    set_text(object, "weights", report->is_by_rates ? "answers" : "names");
    set(object, "regions", render_places(&report->regions));
    set(object, "azs", render_places(&report->azs));
    set(object, "items", items);
    set(object, "next_cursor", render_text(report->next_cursor));
    return object;
}
