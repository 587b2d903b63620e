/* SPDX-License-Identifier: BSD-3-Clause
 *
 * See served.h. */
#include "config.h"

#include "past/served.h"

#include "base/clock.h"
#include "past/depot.h"

#include <jansson.h>

static json_t *write_text(const char *text)
{
    return text == NULL ? json_null() : json_string(text);
}

char *served_write(const struct served *served)
{
    json_t *value = json_object();
    char since[CLOCK_TEXT_SIZE];
    int error = json_object_set_new(value, "main", write_text(served->main));
    error |= json_object_set_new(value, "manifest", write_text(served->manifest));
    error |= json_object_set_new(value, "generation", json_integer((json_int_t)served->generation));
    error |= json_object_set_new(value, "since", json_string(clock_write_rfc3339(served->since_ms, since)));
    if (served->why != NULL) {
        error |= json_object_set_new(value, "why", json_string(served->why));
    }
    if (served->gap_ms != 0) {
        error |=
            json_object_set_new(value, "gap_since", json_string(clock_write_rfc3339(served->gap_ms, since)));
    }
    char *text = error == 0 ? json_dumps(value, JSON_COMPACT) : NULL;
    json_decref(value);
    return text;
}

void served_read(const char *value, int64_t written_ms, struct arena *arena, struct served *served)
{
    json_t *json = value == NULL ? NULL : json_loads(value, JSON_REJECT_DUPLICATES, NULL);
    const char *since = json_string_value(json_object_get(json, "since"));
    const char *manifest = json_string_value(json_object_get(json, "manifest"));
    if (since == NULL || clock_parse_rfc3339(since, &served->since_ms) != 0) {
        served->since_ms = written_ms;
    }
    const char *gap = json_string_value(json_object_get(json, "gap_since"));
    bool has_gap = gap != NULL && clock_parse_rfc3339(gap, &served->gap_ms) == 0;
    served->gap_ms = has_gap ? served->gap_ms : 0;
    served->gap_until_ms = has_gap ? served->since_ms : 0;
    served->generation = (uint64_t)json_integer_value(json_object_get(json, "generation"));
    served->main = arena_copy_text(arena, json_string_value(json_object_get(json, "main")));
    served->manifest = manifest == NULL || !depot_is_name(manifest) ? NULL : arena_copy_text(arena, manifest);
    served->why = served->manifest != NULL
                      ? NULL
                      : arena_copy_text(arena, json_string_value(json_object_get(json, "why")));
    json_decref(json);
}

/* ---- at a moment ---- */

struct search {
    struct arena *arena;
    int64_t wall_ms;
    struct served *found;
    bool is_known; /* of that time */
    int64_t gap_ms, gap_until_ms;
};

/* What could not be kept may have been later. */
static bool take_later(void *context, const struct store_entry *entry)
{
    struct search *search = context;
    struct served next;
    served_read(entry->after, entry->cause.wall_ms, search->arena, &next);
    search->gap_ms = next.gap_ms;
    search->gap_until_ms = next.gap_until_ms;
    if (next.since_ms > search->wall_ms && search->is_known) {
        return false;
    }
    search->is_known = next.since_ms <= search->wall_ms;
    *search->found = next;
    return search->is_known && next.why != NULL;
}

int served_find(const struct served_ask *ask, struct arena *arena, struct served *served)
{
    const struct store_object *object = objects_find(ask->objects, SERVED_KIND, SERVED_KEY);
    const struct store_filter later = {.kind = SERVED_KIND, .key = SERVED_KEY, .after_seq = ask->seq};
    struct search search = {
        .arena = arena, .wall_ms = ask->wall_ms, .found = served, .is_known = object != NULL};
    *served = (struct served){.since_ms = 0};
    if (object != NULL) {
        served_read(object->value, object->written_ms, arena, served);
    }
    int error = store_read_journal(ask->reader, &later, take_later, &search);
    bool is_lost = search.gap_ms != 0 && ask->wall_ms >= search.gap_ms && ask->wall_ms < search.gap_until_ms;
    served->gap_ms = is_lost ? search.gap_ms : 0;
    served->gap_until_ms = is_lost ? search.gap_until_ms : 0;
    return error;
}
