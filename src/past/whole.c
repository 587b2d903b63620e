/* SPDX-License-Identifier: BSD-3-Clause
 *
 * See whole.h. The journal is read backward, for as long as there is a manifest to each entry. A sweep that
 * was called off may have left a list without its files: then the next one is taken. */
#include "config.h"

#include "past/whole.h"

#include "base/error.h"
#include "base/progress.h"
#include "past/depot.h"
#include "past/kept.h"
#include "past/manifest.h"
#include "past/served.h"
#include "store/store.h"

#include <stdbool.h>
#include <string.h>

enum { TRIES = 8 };

struct search {
    struct depot depot;
    /* the oldest entry so far; seq 0: there is none */
    uint64_t seq;
    int64_t since_ms;
    char manifest[DEPOT_NAME_SIZE];
    /* the manifest that was looked at last, and what was found: */
    char seen[DEPOT_NAME_SIZE];
    bool is_seen_whole;
};

/* Before a gap something served that is not there. What could not be kept at first is, if the entry behind it
 * has it since the same time. */
static bool take_entry(void *context, const struct store_entry *entry)
{
    struct search *search = context;
    struct served served;
    struct arena *arena = arena_new(0);
    served_read(entry->after, entry->cause.wall_ms, arena, &served);
    bool is_told_later = search->seq != 0 && served.why != NULL && served.since_ms >= search->since_ms;
    bool goes_on = is_told_later;
    if (served.manifest != NULL &&
        (strcmp(served.manifest, search->manifest) == 0 || depot_has(&search->depot, served.manifest))) {
        memcpy(search->manifest, served.manifest, sizeof search->manifest);
        search->since_ms = served.since_ms;
        search->seq = entry->seq;
        goes_on = served.gap_ms == 0;
    }
    arena_free(arena);
    return goes_on;
}

static bool is_whole(struct search *search, const char *name)
{
    struct manifest manifest;
    if (strcmp(name, search->seen) != 0) {
        memcpy(search->seen, name, sizeof search->seen);
        search->is_seen_whole = manifest_load(&search->depot, name, &manifest) == 0;
        for (size_t i = 0; search->is_seen_whole && i < manifest.count; i++) {
            const char *file = manifest.files[i].sha256;
            search->is_seen_whole = file[0] == '\0' || depot_has(&search->depot, file);
        }
        manifest_fini(&manifest);
    }
    return search->is_seen_whole;
}

static int find_since(const struct whole_ask *ask, struct search *search, struct whole *whole)
{
    struct store_filter filter = {
        .kind = SERVED_KIND, .key = SERVED_KEY, .backward = true, .without_before = true};
    int error = 0;
    for (int i = 0; i < TRIES && error == 0 && whole->since_ms == 0; i++) {
        search->seq = 0;
        search->manifest[0] = '\0';
        error = store_read_journal(ask->reader, &filter, take_entry, search);
        if (error != 0 || search->seq == 0) {
            break;
        }
        whole->since_ms = is_whole(search, search->manifest) ? search->since_ms : 0;
        filter.after_seq = search->seq;
    }
    return error;
}

static bool is_named(const struct whole *whole, const struct point *point)
{
    return point->kind == POINTS_NAMED && point->configuration != NULL &&
           depot_is_name(point->configuration) && (whole->since_ms == 0 || point->time_ms < whole->since_ms);
}

static int find_points(const struct whole_ask *ask, struct search *search, struct arena *arena,
                       struct whole *whole)
{
    struct kept_list list;
    int error = kept_list(ask->reader, arena, &list);
    whole->points = arena_alloc(arena, WHOLE_POINTS_MAX * sizeof *whole->points);
    for (size_t i = 0; error == 0 && i < list.count && whole->count < WHOLE_POINTS_MAX; i++) {
        const struct point *point = &list.items[i];
        if (is_named(whole, point) && is_whole(search, point->configuration)) {
            whole->points[whole->count++] = (struct whole_point){.id = point->id, .time_ms = point->time_ms};
        }
        error = progress_is_cancelled(ask->progress) ? ERROR_CANCELLED : 0;
    }
    return error;
}

int whole_find(const struct whole_ask *ask, struct arena *arena, struct whole *whole)
{
    struct search search = {.seq = 0};
    *whole = (struct whole){.since_ms = 0};
    depot_init(&search.depot, ask->folder);
    search.depot.progress = ask->progress;
    int error = find_since(ask, &search, whole);
    error = error == 0 ? find_points(ask, &search, arena, whole) : error;
    depot_fini(&search.depot);
    return error;
}
