/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Which of two overrides sends less traffic where it may be lost: the members that say so are read here as
 * src/daemon/override_json.c writes them (tests/unit/test_override_json.c holds the two together). */
#include "config.h"

#include "cluster/entry.h"

#include "base/clock.h"
#include "cluster/json.h"

#include <string.h>

enum { RANK_UP, RANK_NONE, RANK_DRAIN, RANK_DOWN = RANK_DRAIN + 101 }; /* shares lie between */

static bool get_time(const json_t *object, const char *key, int64_t *wall_ms)
{
    const char *text = json_string_value(json_object_get(object, key));
    return text != NULL && clock_parse_rfc3339(text, wall_ms) == 0;
}

static int rank_state(const json_t *object)
{
    const char *state = json_string_value(json_object_get(object, "state"));
    json_int_t share = json_integer_value(json_object_get(object, "share"));
    if (state == NULL) {
        return RANK_NONE;
    }
    if (strcmp(state, "drain") == 0) {
        return RANK_DRAIN + (share < 1 || share > 100 ? 100 : (int)share);
    }
    return strcmp(state, "down") == 0 ? RANK_DOWN : strcmp(state, "up") == 0 ? RANK_UP : RANK_NONE;
}

static int rank(const char *value, int64_t wall_ms)
{
    json_t *object = value == NULL ? NULL : json_loads(value, 0, NULL);
    int64_t starts_ms, expires_ms;
    int found = rank_state(object);
    if (json_is_true(json_object_get(object, "planned")) && get_time(object, "starts", &starts_ms) &&
        starts_ms > wall_ms) {
        found = RANK_NONE;
    }
    if (get_time(object, "expires", &expires_ms) && expires_ms <= wall_ms) {
        found = RANK_NONE;
    }
    json_decref(object);
    return found;
}

int cluster_compare_safety(const char *a, const char *b, int64_t wall_ms)
{
    return rank(b, wall_ms) - rank(a, wall_ms);
}
