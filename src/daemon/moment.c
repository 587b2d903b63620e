/* SPDX-License-Identifier: BSD-3-Clause
 *
 * See moment.h. The order is that of a start: the configuration, what was known of health, what operators had
 * ordered. */
#include "config.h"

#include "daemon/moment.h"

#include "daemon/moment_parts.h"
#include "daemon/overrides.h"
#include "base/error.h"
#include "base/memory.h"
#include "base/when.h"
#include "base/words.h"
#include "past/known.h"
#include "past/objects.h"
#include "past/points.h"
#include "past/segments.h"
#include "store/kinds.h"
#include "store/store.h"
#include "view/view.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- the state folder ---- */

int moment_open_source(struct moment_source *source, const char **why)
{
    struct report *report = report_new();
    int error = store_reader_open(source->folder, report, &source->store);
    if (error == 0) {
        store_reader_set_progress(source->store, source->progress);
    } else {
        *why = report_count(report) == 0 ? error_text(error)
                                         : arena_copy_text(source->arena, report_get(report, 0)->message);
    }
    report_free(report);
    return error;
}

void moment_close_source(struct moment_source *source)
{
    if (source->store != NULL) {
        store_reader_close(source->store);
        source->store = NULL;
    }
}

/* ---- which moment ---- */

struct first {
    int64_t wall_ms; /* 0: there is none */
};

static bool note_first(void *context, const struct store_entry *entry)
{
    ((struct first *)context)->wall_ms = entry->cause.wall_ms;
    return false;
}

static int refuse(struct moment *moment, const char *why)
{
    const char *text = moment->told->text;
    moment->told->bad =
        arena_print(moment->source->arena, "found \"%s\", %s", text == NULL ? "now" : text, why);
    return ERROR_INVALID;
}

/* Of the journal, or of health where nobody has ordered anything for long. 0: nothing is kept. */
static int find_oldest(struct moment *moment, int64_t *oldest_ms)
{
    struct first first = {0};
    struct segments list;
    int error =
        store_read_journal(moment->source->store, &(struct store_filter){.after_seq = 0}, note_first, &first);
    if (error != 0) {
        return moment_fail(moment, error, store_reader_why(moment->source->store));
    }
    *oldest_ms = first.wall_ms;
    if (segments_list(moment->source->folder, &list) == 0) {
        if (list.count != 0 && (*oldest_ms == 0 || list.items[0].begun_ms < *oldest_ms)) {
            *oldest_ms = list.items[0].begun_ms;
        }
        segments_fini(&list);
    }
    return 0;
}

static int judge(struct moment *moment, int64_t now_ms)
{
    char time[CLOCK_TEXT_SIZE], why[256];
    int64_t oldest_ms = 0;
    struct admin_moment *told = moment->told;
    if (told->wall_ms > now_ms) {
        snprintf(why, sizeof why, "which is in the future (now is %s), expected a moment of the past",
                 clock_write_rfc3339(now_ms, time));
        return refuse(moment, why);
    }
    int error = find_oldest(moment, &oldest_ms);
    if (error != 0) {
        return error;
    }
    if (oldest_ms == 0) {
        return refuse(moment, "but nothing is kept yet");
    }
    if (told->wall_ms < oldest_ms) {
        snprintf(why, sizeof why, "but the oldest moment that is kept is %s",
                 clock_write_rfc3339(oldest_ms, time));
        return refuse(moment, why);
    }
    return 0;
}

static void note_point(void *context, const struct store_object *object)
{
    struct moment *moment = context;
    struct point point;
    const char *why;
    struct arena *arena = moment->source->arena;
    if (points_read(object->key, object->value, arena, &point, &why) == 0) {
        moment->told->point = arena_copy_text(arena, point.id);
        moment->told->wall_ms = point.time_ms;
        moment->told->seq = point.seq;
    }
}

static int find_point(struct moment *moment)
{
    struct store_reader *store = moment->source->store;
    const char *text = moment->told->text;
    int error =
        points_is_id(text) ? store_get(store, OBJECTS_POINT, text, note_point, moment) : ERROR_NOT_FOUND;
    if (error != 0 && error != ERROR_NOT_FOUND) {
        return moment_fail(moment, error, store_reader_why(store));
    }
    return moment->told->point != NULL
               ? 0
               : refuse(moment, "expected " WHEN_EXPECTED ", or the ID of a recovery point");
}

static int find(struct moment *moment)
{
    const struct moment_source *source = moment->source;
    struct admin_moment *told = moment->told;
    int64_t now_ms = clock_wall_ms(&source->clock);
    int error = 0;
    if (told->text == NULL) {
        told->wall_ms = now_ms;
    } else if (when_parse(told->text, now_ms, &told->wall_ms) != 0) {
        error = find_point(moment);
    }
    error = error == 0 ? judge(moment, now_ms) : error;
    if (error == 0 && told->point == NULL) {
        error = store_find_seq(source->store, told->wall_ms, &told->seq);
        error = error == 0 ? 0 : moment_fail(moment, error, store_reader_why(source->store));
    }
    return error;
}

int moment_open(const struct moment_source *source, struct admin_moment *told, struct moment *moment)
{
    char why[OBJECTS_WHY_SIZE];
    *moment = (struct moment){.told = told, .source = source};
    int error = find(moment);
    if (error != 0) {
        return error;
    }
    const struct objects_ask ask = {
        .reader = source->store, .folder = source->folder, .seq = told->seq, .wall_ms = told->wall_ms};
    error = objects_open(&ask, &moment->objects, why);
    return error == 0 ? moment_find_files(moment) : moment_fail(moment, error, why);
}

void moment_close(struct moment *moment)
{
    view_free(moment->view);
    moment_free_files(moment);
    objects_close(moment->objects);
    *moment = (struct moment){.told = moment->told};
}

/* ---- the view ---- */

/* The store's part. */
static void put_overrides(struct moment *moment, struct report *report)
{
    struct overrides_reading reading = {.health = moment->view->health,
                                        .wall_ms = moment->told->wall_ms,
                                        .folder = moment->source->folder,
                                        .report = report};
    for (size_t i = 0; i < objects_count(moment->objects); i++) {
        const struct store_object *object = objects_get(moment->objects, i);
        if (strcmp(object->kind, OVERRIDE_KIND) == 0) {
            overrides_put(&reading, object);
        }
    }
    if (reading.unread != 0) {
        moment_miss(moment, "%zu override%s of then cannot be read, and %s left out", reading.unread,
                    words_plural(reading.unread), reading.unread == 1 ? "is" : "are");
    }
}

/* What is to be said of where it comes from. */
static void note_health(struct moment *moment, const struct known_about *about)
{
    struct arena *arena = moment->source->arena;
    if (about->note[0] != '\0') {
        moment_miss(moment, "%s", about->note);
    }
    if (about->state == KNOWN_FOUND) {
        moment->told->segment = arena_copy_text(arena, about->file);
        moment->told->health_ms = about->as_of_ms;
    }
}

/* As at a start: what was known of health, then what was ordered, and then since when it is so. */
static void put_state(struct moment *moment, struct report *report)
{
    struct view *view = moment->view;
    int64_t wall_ms = moment->told->wall_ms, now_ms = 0;
    struct known_about about;
    if (view->health == NULL) {
        return;
    }
    struct known *known = known_find(moment->source->folder, wall_ms, &about);
    note_health(moment, &about);
    if (known != NULL && known_put_into(known, view, wall_ms, &now_ms) != 0) {
        moment_miss(moment, "what is kept of health cannot be read (%s): nothing is known of endpoints",
                    about.file);
        moment->told->segment = NULL;
        moment->told->health_ms = 0;
    }
    put_overrides(moment, report);
    if (known != NULL) {
        known_put_right(known, view);
    }
    health_expire_loads(view->health, wall_ms, now_ms);
    health_follow_lags(view->health, wall_ms, now_ms);
    known_free(known);
}

static void note_errors(struct moment *moment, const struct report *report)
{
    char text[512];
    size_t errors = report_errors(report);
    for (size_t i = 0; errors != 0 && i < report_count(report); i++) {
        const struct report_item *item = report_get(report, i);
        if (item->severity == REPORT_ERROR) {
            moment_miss(moment,
                        "what its files say has %zu error%s, so zones may have been served as they were "
                        "before: %s",
                        errors, words_plural(errors), report_write_item(item, text, sizeof text));
            return;
        }
    }
}

/* What had to be there for a view is not. */
static int confess(struct moment *moment, int error, const struct report *report)
{
    char text[512];
    for (size_t i = 0; i < report_count(report); i++) {
        const struct report_item *item = report_get(report, i);
        if (item->severity == REPORT_ERROR) {
            return moment_fail(moment, error,
                               arena_print(moment->source->arena,
                                           "the configuration of %s cannot be loaded: %s",
                                           moment->told->manifest == NULL ? "now" : "then",
                                           report_write_item(item, text, sizeof text)));
        }
    }
    return moment_fail(moment, error, NULL);
}

int moment_make_view(struct moment *moment)
{
    struct report *report = report_new();
    report_set_cancel(report, moment->source->progress);
    int error = moment_load_files(moment, report);
    if (progress_is_cancelled(moment->source->progress)) {
        error = ERROR_CANCELLED;
    } else if (error != 0 && moment->told->why == NULL) {
        error = confess(moment, error, report);
    }
    if (error == 0) {
        note_errors(moment, report);
        put_state(moment, report);
        moment_tell(moment, moment->view);
    }
    report_free(report);
    return error;
}

int moment_explain(struct moment *moment, const struct operate_question *question,
                   struct operate_explanation *explanation)
{
    struct operate_question then = *question;
    then.wall_ms = moment->told->wall_ms;
    int error = operate_explain(moment->view, &then, moment->source->arena, explanation);
    if (error == 0) {
        moment_tell_answer(moment, explanation);
    }
    return error;
}

void moment_take_view(struct moment *moment, const struct view *view)
{
    struct admin_moment *told = moment->told;
    told->is_now = true;
    told->missing_count = 0; /* it is at hand */
    told->generation = view_number(view);
    told->health_ms = told->wall_ms;
    moment_tell(moment, view);
}
