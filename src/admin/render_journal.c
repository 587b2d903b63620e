/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Entries of the journal, and whether it is whole, as JSON. */
#include "config.h"

#include "admin/render.h"

#include "admin/render_set.h"

#include <string.h>

static void set_known(json_t *object, const char *key, const char *text)
{
    set_text(object, key, text[0] == '\0' ? NULL : text);
}

/* What is in the store is JSON, unless somebody has meddled with it; then it is shown as the text that it is.
 */
json_t *render_value(const char *value)
{
    json_t *json = value == NULL ? json_null() : json_loads(value, JSON_DECODE_ANY | JSON_ALLOW_NUL, NULL);
    return json == NULL ? render_text(value) : json;
}

json_t *render_entry(const struct admin_entry *entry)
{
    json_t *object = json_object();
    set_number(object, "seq", entry->seq);
    set_time(object, "time", entry->time_ms);
    set_known(object, "actor", entry->actor);
    set_known(object, "peer", entry->peer);
    set_known(object, "reason", entry->reason);
    set_known(object, "request", entry->request);
    set_text(object, "kind", entry->kind);
    set_text(object, "key", entry->key);
    set(object, "before", render_value(entry->before));
    set(object, "after", render_value(entry->after));
    set_hash(object, "hash", entry->hash);
    return object;
}

static json_t *render_anchor(uint64_t seq, const unsigned char *hash)
{
    if (hash == NULL || seq == 0) {
        return json_null();
    }
    json_t *object = json_object();
    set_number(object, "seq", seq);
    set_hash(object, "hash", hash);
    return object;
}

json_t *render_audit(const struct admin_audit *audit)
{
    json_t *object = json_object();
    set(object, "whole", json_boolean(audit->is_whole));
    set_number(object, "entries", audit->entries);
    set(object, "bad_seq", audit->bad_seq == 0 ? json_null() : json_integer((json_int_t)audit->bad_seq));
    set_text(object, "why", audit->is_whole ? NULL : audit->why);
    set(object, "anchor", render_anchor(audit->anchor_seq, audit->anchor));
    set(object, "last", render_anchor(audit->last_seq, audit->last_hash));
    set(object, "duration_ms", json_integer((json_int_t)audit->duration_ms));
    return object;
}
