/* SPDX-License-Identifier: BSD-3-Clause
 *
 * See salvage.h. */
#include "config.h"

#include "past/salvage.h"

#include "base/arena.h"
#include "base/error.h"
#include "base/memory.h"
#include "past/depot_internal.h"
#include "past/lines.h"
#include "store/store.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* ---- is it damaged? ---- */

static void wake(void *context)
{
    (void)context; /* nothing is submitted */
}

/* As a server would. */
static int try_open(const char *folder, struct report *report)
{
    enum { PATIENCE_MS = 60000 };
    struct store *store = NULL;
    int error = store_open(&(struct store_options){.folder = folder, .wake = wake}, report, &store);
    return error == 0 && !store_close(store, PATIENCE_MS) ? -ETIMEDOUT : error;
}

static int verify(const char *folder, struct report *report, bool *is_whole)
{
    struct store_reader *reader = NULL;
    struct store_verdict verdict = {.is_whole = false};
    int error = store_reader_open(folder, report, &reader);
    if (error == 0) {
        error = store_verify(reader, 0, NULL, &verdict);
        store_reader_close(reader);
    }
    *is_whole = error == 0 && verdict.is_whole;
    return error == ERROR_SYNTAX ? 0 : error;
}

/* 0: it is. */
static int judge(const char *folder, struct report *report)
{
    bool is_whole = false;
    struct report *why = report_new();
    int error = try_open(folder, why);
    error = error == 0 ? verify(folder, why, &is_whole) : error;
    if (error == ERROR_SYNTAX) {
        error = 0;
    } else if (is_whole) {
        error = ERROR_CONFLICT;
        report_add(report, REPORT_ERROR, &(struct report_place){.file = folder},
                   "its store is whole, so there is nothing to salvage");
    } else if (error != 0) {
        report_append(report, why);
    }
    report_free(why);
    return error;
}

/* ---- the latest point ---- */

struct looking {
    struct depot *depot;
    char name[DEPOT_NAME_SIZE]; /* "": none yet */
    int64_t modified_ns;
    size_t objects;
};

static bool begins_as_lines(const struct depot *depot, const char *name)
{
    static const char head[] = "{\"kind\":\"";
    char found[sizeof head - 1], *path = depot_path(depot, name, "");
    struct file file;
    size_t len = 0;
    bool begins = file_open(path, UINT64_MAX, &file) == 0 &&
                  file_read(&file, found, sizeof found, &len) == 0 && len == sizeof found &&
                  memcmp(found, head, sizeof found) == 0;
    file_close(&file);
    free(path);
    return begins;
}

static bool count_object(void *context, const struct store_object *object, size_t line)
{
    (void)object, (void)line;
    ++*(size_t *)context;
    return true;
}

static bool are_lines(struct depot *depot, const char *name, size_t *count)
{
    char why[LINES_WHY_SIZE];
    struct arena *arena = arena_new(0);
    size_t len, line;
    int code;
    char *text = begins_as_lines(depot, name) ? depot_get(depot, name, SIZE_MAX / 2, &len, &code) : NULL;
    *count = 0;
    bool good = text != NULL && lines_walk(text, len, arena, count_object, count, &line, why) == 0;
    free(text);
    arena_free(arena);
    return good;
}

static int look_at(void *context, const struct depot_item *item)
{
    struct looking *looking = context;
    size_t count;
    bool is_later = looking->name[0] == '\0' || item->modified_ns > looking->modified_ns;
    if (is_later && are_lines(looking->depot, item->name, &count)) {
        memcpy(looking->name, item->name, sizeof looking->name);
        looking->modified_ns = item->modified_ns;
        looking->objects = count;
    }
    return 0;
}

static void find_lines(const char *folder, struct salvage *salvage)
{
    enum { MS_NS = 1000000 };
    struct depot depot;
    struct looking looking = {.depot = &depot};
    depot_init(&depot, folder);
    if (depot_list(&depot, look_at, &looking) == 0 && looking.name[0] != '\0') {
        salvage->lines = depot_path(&depot, looking.name, "");
        salvage->time_ms = looking.modified_ns / MS_NS;
        salvage->objects = looking.objects;
    }
    depot_fini(&depot);
}

int salvage_store(const char *folder, bool force, struct report *report, struct salvage *salvage)
{
    *salvage = (struct salvage){.aside = NULL};
    int error = force ? 0 : judge(folder, report);
    error = error != 0 ? error : store_set_aside(folder, report, &salvage->aside);
    if (error == 0) {
        find_lines(folder, salvage);
    }
    return error;
}

void salvage_fini(struct salvage *salvage)
{
    free(salvage->aside);
    free(salvage->lines);
}
