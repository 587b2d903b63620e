/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Which of the files covers a moment, and who wrote before and after it: see known.h. A file is read twice:
 * first for its moments, then up to the one that was chosen. Of files that were begun before the moment the
 * latest few are looked at: usually the first one has it. */
#include "config.h"

#include "past/known.h"

#include "base/error.h"
#include "base/file.h"
#include "base/memory.h"
#include "past/known_internal.h"
#include "past/last_kinds.h"
#include "past/segments.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { LOOKS = 3 };

/* The moments of a file. */
struct scan {
    int64_t at_ms;
    size_t records;
    size_t take; /* records up to the moment that was chosen; 0: none is by then */
    bool has_first, has_next;
    bool is_whole;  /* by the moment that was chosen */
    bool was_later; /* one before it is after at_ms: the clock was set back */
    bool is_other;  /* another process began between it and the next */
    struct known_moment chosen, first, next;
    char boot[FILE_BOOT_SIZE];        /* at present */
    char chosen_boot[FILE_BOOT_SIZE]; /* of the chosen moment */
};

static void choose(struct scan *scan, const struct known_moment *moment)
{
    scan->was_later |= scan->has_next;
    scan->chosen = *moment;
    scan->take = scan->records;
    scan->has_next = scan->is_other = false;
    memcpy(scan->chosen_boot, scan->boot, sizeof scan->boot);
}

static bool scan_moment(struct scan *scan, const struct health_record *record)
{
    struct known_moment moment;
    if (!known_read_moment(record, &moment)) {
        return false;
    }
    if (!scan->has_first) {
        scan->has_first = true;
        scan->first = moment;
    }
    if (moment.wall_ms <= scan->at_ms) {
        choose(scan, &moment);
    } else if (!scan->has_next) {
        scan->has_next = true;
        scan->next = moment;
    }
    return true;
}

static bool scan_head(struct scan *scan, const struct health_record *record)
{
    if (record->len >= sizeof scan->boot) {
        return false;
    }
    memset(scan->boot, 0, sizeof scan->boot);
    memcpy(scan->boot, record->body, record->len);
    scan->is_other |= !scan->has_next;
    return true;
}

static int scan_frame(void *context, const uint8_t *bytes, size_t len)
{
    struct scan *scan = context;
    struct health_record record;
    size_t at = 0;
    int error;
    while ((error = health_record_next(bytes, len, &at, &record)) == 0) {
        scan->records++;
        if ((record.kind == LAST_MOMENT && !scan_moment(scan, &record)) ||
            (record.kind == LAST_HEAD && !scan_head(scan, &record))) {
            return ERROR_SYNTAX;
        }
        if (record.kind == LAST_WHOLE) {
            scan->is_whole = true;
            scan->take += scan->take + 1 == scan->records; /* it belongs to that moment */
        }
    }
    return error == ERROR_NOT_FOUND ? 0 : error;
}

static void scan_file(const char *path, int64_t at_ms, struct scan *scan, struct trail_reading *reading)
{
    *scan = (struct scan){.at_ms = at_ms};
    trail_read(path, LAST_TITLE, scan_frame, scan, reading);
}

/* ---- which file ---- */

struct search {
    const char *state;
    int64_t at_ms;
    char *path; /* of the best one; NULL: none yet */
    struct scan best;
    int64_t next_ms; /* somebody wrote then, and nobody known did between the moment and that; INT64_MAX */
    bool is_twice;
    int error; /* of a file that could not be read */
};

static void note_next(struct search *search, int64_t wall_ms)
{
    if (wall_ms > search->at_ms && wall_ms < search->next_ms) {
        search->next_ms = wall_ms;
    }
}

/* Both have the moment, or none has. */
static bool is_newer(const struct scan *scan, const struct scan *best)
{
    bool same = scan->chosen_boot[0] != '\0' && strcmp(scan->chosen_boot, best->chosen_boot) == 0;
    return same && scan->chosen.boot_ms > best->chosen.boot_ms;
}

static bool is_better(struct search *search, const struct scan *scan)
{
    const struct scan *best = &search->best;
    if (search->path == NULL) {
        return true;
    }
    if (scan->has_next && best->has_next) {
        search->is_twice = true;
        return is_newer(scan, best);
    }
    return scan->has_next != best->has_next ? scan->has_next : scan->chosen.wall_ms > best->chosen.wall_ms;
}

/* Takes the path. Returns whether there was anything. */
static bool look_at(struct search *search, char *path)
{
    struct scan scan;
    struct trail_reading reading;
    scan_file(path, search->at_ms, &scan, &reading);
    bool is_there = reading.end != TRAIL_UNREAD || reading.error != -ENOENT;
    if (scan.has_first) {
        note_next(search, scan.has_next ? scan.next.wall_ms : scan.first.wall_ms);
    } else if (is_there) {
        search->error = reading.end == TRAIL_UNREAD ? reading.error : ERROR_SYNTAX;
    }
    if (scan.take != 0 && scan.is_whole && is_better(search, &scan)) {
        free(search->path);
        search->path = path;
        search->best = scan;
    } else {
        free(path);
    }
    return is_there;
}

/* What is newer, or else older, than what was begun by then. */
static void look_at_all(struct search *search, const struct segments *list)
{
    size_t count = list->count;
    while (count != 0 && list->items[count - 1].begun_ms > search->at_ms) {
        note_next(search, list->items[--count].begun_ms);
    }
    for (size_t looks = 0; count != 0 && looks < LOOKS; count--) {
        (void)look_at(search, segments_write_path(search->state, list->items[count - 1].begun_ms));
        looks += search->path != NULL;
    }
}

/* ---- what is to be said of it ---- */

static void write_note(struct known_about *about)
{
    char from[CLOCK_TEXT_SIZE], until[CLOCK_TEXT_SIZE];
    (void)clock_write_rfc3339(about->gap_from_ms, from);
    (void)clock_write_rfc3339(about->gap_until_ms, until);
    if (about->gap_from_ms != 0 && about->gap_until_ms != 0) {
        snprintf(about->note, sizeof about->note,
                 "no steerd ran between %s and %s, or none could write: this is what was known before", from,
                 until);
    } else if (about->gap_from_ms != 0) {
        snprintf(about->note, sizeof about->note,
                 "no steerd has run since %s, or none could write: this is what was known then", from);
    } else if (about->is_twice) {
        snprintf(about->note, sizeof about->note,
                 "the wall clock was set back, and this time came twice: this is the later one");
    }
}

static void note_absence(const struct search *search, const struct segments *list, struct known_about *about)
{
    char oldest[CLOCK_TEXT_SIZE];
    int64_t first_ms = list->count != 0 ? list->items[0].begun_ms : search->next_ms;
    if (first_ms != INT64_MAX && search->at_ms < first_ms) {
        about->state = KNOWN_BEFORE;
        about->oldest_ms = first_ms;
        snprintf(about->note, sizeof about->note, "health is not kept for that time: the oldest is of %s",
                 clock_write_rfc3339(first_ms, oldest));
    } else if (search->error != 0) {
        about->state = KNOWN_UNREAD;
        about->error = search->error;
        snprintf(about->note, sizeof about->note, "health of that time cannot be read: %s",
                 error_text(search->error));
    } else {
        about->state = KNOWN_NONE;
        snprintf(about->note, sizeof about->note, "health is not kept");
    }
}

static void note_gap(const struct search *search, struct known_about *about)
{
    const struct scan *best = &search->best;
    bool is_same = best->has_next && !best->is_other && best->next.wall_ms == search->next_ms;
    int64_t most_ms = is_same ? KNOWN_GAP_MS : KNOWN_RESTART_MS;
    if (search->next_ms == INT64_MAX) {
        about->gap_from_ms = search->at_ms - about->as_of_ms > KNOWN_GAP_MS ? about->as_of_ms : 0;
    } else if (search->next_ms - about->as_of_ms > most_ms) {
        about->gap_from_ms = about->as_of_ms;
        about->gap_until_ms = search->next_ms;
    }
}

static void note_found(const struct search *search, const struct segments *list, struct known_about *about)
{
    const char *file = search->path + strlen(search->state) + 1;
    about->state = KNOWN_FOUND;
    about->as_of_ms = search->best.chosen.wall_ms;
    about->is_twice = search->is_twice || search->best.was_later;
    about->oldest_ms = list->count != 0 ? list->items[0].begun_ms : search->best.first.wall_ms;
    snprintf(about->file, sizeof about->file, "%s", file);
    note_gap(search, about);
    write_note(about);
}

struct known *known_find(const char *state, int64_t at_ms, struct known_about *about)
{
    struct segments list;
    struct trail_reading reading;
    struct known *known = NULL;
    struct search search = {.state = state, .at_ms = at_ms, .next_ms = INT64_MAX};
    *about = (struct known_about){.state = KNOWN_NONE};
    search.error = segments_list(state, &list);
    look_at_all(&search, &list);
    if (search.path == NULL) {
        (void)look_at(&search, memory_print("%s/" LAST_FILE, state));
    }
    if (search.path != NULL) {
        known = known_read_records(search.path, search.best.take, at_ms, &reading);
    }
    if (known != NULL && known_is_whole(known)) {
        note_found(&search, &list, about);
    } else {
        search.error = known != NULL && search.error == 0 ? ERROR_SYNTAX : search.error;
        note_absence(&search, &list, about);
        known_free(known);
        known = NULL;
    }
    free(search.path);
    segments_fini(&list);
    return known;
}
