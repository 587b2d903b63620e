/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Recovery points as JSON. */
#include "config.h"

#include "admin/render.h"

#include "admin/render_set.h"

static void set_known(json_t *object, const char *key, const char *text)
{
    set_text(object, key, text == NULL || text[0] == '\0' ? NULL : text);
}

json_t *render_point(const struct point *point)
{
    json_t *object = json_object(), *uses = json_array();
    set_text(object, "id", point->id);
    set_time(object, "time", point->time_ms);
    set_text(object, "kind", points_kind_text(point->kind));
    set_number(object, "seq", point->seq);
    set_hash(object, "hash", point->hash);
    set_known(object, "actor", point->actor);
    set_known(object, "reason", point->reason);
    set_text(object, "objects", point->objects);
    set_text(object, "configuration", point->configuration);
    set(object, "generation",
        point->generation == 0 ? json_null() : json_integer((json_int_t)point->generation));
    for (size_t i = 0; i < point->use_count; i++) {
        json_t *use = json_object();
        set_time(use, "time", point->uses[i].time_ms);
        set_known(use, "actor", point->uses[i].actor);
        set_known(use, "reason", point->uses[i].reason);
        json_array_append_new(uses, use);
    }
    set(object, "used", uses);
    return object;
}

json_t *render_points(const struct admin_points_stats *stats)
{
    if (!stats->is_kept) {
        return json_null();
    }
    json_t *object = json_object();
    set_number(object, "count", stats->count);
    set_time(object, "last", stats->last_ms);
    set_known(object, "error", stats->why);
    return object;
}

/* ---- restores ---- */

static const char *const fates[ADMIN_RESTORE_FATES] = {[ADMIN_RESTORE_ADDED] = "added",
                                                       [ADMIN_RESTORE_REMOVED] = "removed",
                                                       [ADMIN_RESTORE_CHANGED] = "changed",
                                                       [ADMIN_RESTORE_ENDED] = "ended",
                                                       [ADMIN_RESTORE_UNREAD] = "not_understood"};

static json_t *render_item(const struct admin_restore_item *item)
{
    json_t *object = json_object();
    set_text(object, "change", fates[item->fate]);
    set_text(object, "kind", item->kind);
    set_text(object, "key", item->key);
    set(object, "before", render_value(item->before));
    set(object, "after", render_value(item->after));
    set(object, "dormant", json_boolean(item->dormant));
    set_text(object, "note", item->note);
    return object;
}

json_t *render_restore(const struct admin_restore_result *result)
{
    json_t *object = json_object(), *counts = json_object(), *items = json_array();
    bool is_moment = result->seq != 0 || result->time_ms != 0;
    for (int fate = 0; fate < ADMIN_RESTORE_FATES; fate++) {
        set_number(counts, fates[fate], result->fates[fate]);
    }
    set_number(counts, "dormant", result->dormant);
    set_number(counts, "left_alone", result->left_alone);
    for (size_t i = 0; i < result->item_count; i++) {
        json_array_append_new(items, render_item(&result->items[i]));
    }
    set(object, "dry_run", json_boolean(result->dry_run));
    set(object, "seq", is_moment ? json_integer((json_int_t)result->seq) : json_null());
    set_time(object, "time", result->time_ms);
    set_text(object, "point", result->id);
    set(object, "counts", counts);
    set(object, "changes", items);
    set(object, "answers", result->answers == NULL ? json_null() : render_what_if(result->answers));
    set(object, "unserved", result->unserved == NULL ? json_null() : render_unserved(result->unserved));
    set(object, "rules", result->rules == NULL ? json_null() : render_violated(result->rules));
    set_text(object, "saved", result->saved);
    set(object, "durable", result->dry_run ? json_null() : json_boolean(result->durable));
    set_text(object, "not_durable_because", result->not_durable_because);
    set_number(object, "transactions", result->transactions);
    return object;
}
