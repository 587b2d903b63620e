/* SPDX-License-Identifier: BSD-3-Clause
 *
 * See difference.h. */
#include "config.h"

#include "daemon/difference.h"

#include "daemon/difference_parts.h"
#include "daemon/moment_parts.h"
#include "base/error.h"
#include "base/memory.h"
#include "past/objects.h"
#include "store/kinds.h"
#include "store/store.h"
#include "view/view.h"

#include <stdlib.h>
#include <string.h>

enum { KINDS_MAX = 64, COUNTED_MAX = 1000000 };

/* ---- the journal ---- */

struct counting {
    struct difference *d;
    uint64_t counted;
};

static bool count_entry(void *context, const struct store_entry *entry)
{
    struct counting *counting = context;
    struct admin_difference *to = counting->d->to;
    size_t i = 0;
    while (i < to->kind_count && strcmp(to->kinds[i].kind, entry->kind) != 0) {
        i++;
    }
    if (i == to->kind_count && i < KINDS_MAX) {
        to->kinds[to->kind_count++].kind = arena_copy_text(counting->d->arena, entry->kind);
    }
    if (i < to->kind_count) {
        to->kinds[i].entries++;
    }
    return ++counting->counted < COUNTED_MAX && !progress_is_cancelled(to->progress);
}

/* By kind while they are few enough to be looked through. */
static int count_entries(struct difference *d)
{
    struct counting counting = {.d = d};
    uint64_t from = d->moments[0].told->seq, to = d->moments[1].told->seq;
    const struct store_filter between = {.after_seq = from, .before_seq = to + 1, .without_before = true};
    d->to->entries = to > from ? to - from : 0;
    d->to->kinds = arena_alloc(d->arena, KINDS_MAX * sizeof *d->to->kinds);
    if (d->to->entries == 0) {
        return 0;
    }
    return store_read_journal(d->store, &between, count_entry, &counting);
}

/* ---- objects ---- */

/* What was answered to a request with a key is no difference, nor is what has lists of its own. */
static bool is_shown(const struct store_object *object)
{
    enum store_kind_id kind = store_kind_find(object->kind);
    bool is_aside = kind != STORE_KINDS && store_kind_get(kind)->is_aside;
    return !is_aside && kind != STORE_CONFIGURATION && kind != STORE_POINT;
}

static bool note_object(void *context, const struct store_object *before, const struct store_object *after)
{
    struct difference *d = context;
    struct admin_difference *to = d->to;
    const struct store_object *any = after != NULL ? after : before;
    if (!is_shown(any)) {
        return true;
    }
    if (to->object_count < to->limit) {
        to->objects[to->object_count++] = (struct admin_changed_object){
            .kind = arena_copy_text(d->arena, any->kind),
            .key = arena_copy_text(d->arena, any->key),
            .before = before == NULL ? NULL : redaction_apply(&d->redaction, before->value, d->arena),
            .after = after == NULL ? NULL : redaction_apply(&d->redaction, after->value, d->arena),
            .actor = "",
            .reason = ""};
    }
    to->object_total++;
    return !progress_is_cancelled(to->progress);
}

struct who {
    struct difference *d;
    struct admin_changed_object *object;
};

static bool note_who(void *context, const struct store_entry *entry)
{
    const struct who *who = context;
    who->object->time_ms = entry->cause.wall_ms;
    who->object->actor = arena_copy_text(who->d->arena, entry->cause.actor);
    who->object->reason = arena_copy_text(who->d->arena, entry->cause.reason);
    return false;
}

static int compare_objects(struct difference *d)
{
    struct admin_difference *to = d->to;
    int error = 0;
    to->objects = arena_alloc(d->arena, to->limit * sizeof *to->objects);
    objects_compare(d->moments[0].objects, d->moments[1].objects, note_object, d);
    for (size_t i = 0; i < to->object_count && error == 0; i++) {
        struct who who = {d, &to->objects[i]};
        const struct store_filter last = {.kind = who.object->kind,
                                          .key = who.object->key,
                                          .before_seq = d->moments[1].told->seq + 1,
                                          .backward = true,
                                          .without_before = true};
        error = store_read_journal(d->store, &last, note_who, &who);
    }
    return error;
}

/* ---- health ---- */

/* false: it is not there. */
static bool look_at(const struct health *health, enum health_kind kind, const char *name,
                    struct health_status *status)
{
    ptrdiff_t index = health == NULL ? -1 : health_find(health, kind, name);
    return index >= 0 && health_get_status(health, kind, (uint32_t)index, status) == 0;
}

/* What decides about it, or did so before it came back. */
static bool follows(const struct health_status *before, const struct health_status *after,
                    enum health_kind kind)
{
    bool is_back = after->effective.decided_by == HEALTH_BY_VERDICT;
    return moment_is_inherited((is_back ? before : after)->effective.decided_by, kind);
}

static void note_health(struct difference *d, enum health_kind kind, const char *name)
{
    struct admin_difference *to = d->to;
    struct health_status before, after;
    bool was = look_at(d->views[0]->health, kind, name, &before);
    bool is = look_at(d->views[1]->health, kind, name, &after);
    if (was && is && before.effective.state == after.effective.state) {
        return;
    }
    if (to->health_count < to->limit) {
        to->health[to->health_count++] =
            (struct admin_changed_health){.kind = kind,
                                          .name = arena_copy_text(d->arena, name),
                                          .before = was ? health_state_text(before.effective.state) : NULL,
                                          .after = is ? health_state_text(after.effective.state) : NULL,
                                          .since_ms = is ? after.since_ms : 0,
                                          .follows = was && is && follows(&before, &after, kind)};
    }
    to->health_total++;
}

/* Of both: those that are gone first. */
static void compare_kind(struct difference *d, enum health_kind kind)
{
    const struct health *before = d->views[0]->health, *after = d->views[1]->health;
    struct health_status status;
    for (uint32_t i = 0; before != NULL && i < health_count(before, kind); i++) {
        if (health_get_status(before, kind, i, &status) == 0 &&
            (after == NULL || health_find(after, kind, status.name) < 0)) {
            note_health(d, kind, status.name);
        }
    }
    for (uint32_t i = 0; after != NULL && i < health_count(after, kind); i++) {
        if (health_get_status(after, kind, i, &status) == 0) {
            note_health(d, kind, status.name);
        }
    }
}

static void compare_health(struct difference *d)
{
    d->to->health = arena_alloc(d->arena, d->to->limit * sizeof *d->to->health);
    for (int kind = HEALTH_REGION; kind >= HEALTH_ENDPOINT; kind--) {
        compare_kind(d, (enum health_kind)kind);
    }
}

/* ---- all of it ---- */

static void compare_answers(struct difference *d)
{
    struct report *report = report_new();
    report_set_cancel(report, d->to->progress);
    const struct operate_compare compare = {
        .view = {d->views[0], d->views[1]},
        .limit = d->to->limit,
        .wall_ms = {d->moments[0].told->wall_ms, d->moments[1].told->wall_ms},
        .report = report};
    d->to->changes = arena_alloc(d->arena, sizeof *d->to->changes);
    operate_compare_views(&compare, d->arena, d->to->changes);
    report_free(report);
}

static int find(struct moment moments[2], const struct view *now, struct admin_difference *difference)
{
    struct difference d = {.moments = moments,
                           .views = {moments[0].view, now != NULL ? now : moments[1].view},
                           .store = moments[0].source->store,
                           .arena = moments[0].source->arena,
                           .to = difference};
    redaction_open(moments[0].source->folder, &d.redaction);
    int error = count_entries(&d);
    error = error == 0 ? compare_objects(&d) : error;
    if (error != 0) {
        return progress_is_cancelled(difference->progress)
                   ? ERROR_CANCELLED
                   : moment_fail(&moments[0], error, store_reader_why(d.store));
    }
    difference_compare_files(&d);
    compare_health(&d);
    compare_answers(&d);
    difference_tell(&d);
    return progress_is_cancelled(difference->progress) ? ERROR_CANCELLED : 0;
}

/* All that is bad at once. */
static int open_both(const struct moment_source *source, struct moment moments[2],
                     struct admin_difference *difference)
{
    struct admin_moment *from = &difference->moments[0], *to = &difference->moments[1];
    int first = moment_open(source, from, &moments[0]);
    int second = moment_open(source, to, &moments[1]);
    if (first == 0 && second == 0 && to->wall_ms < from->wall_ms) {
        to->bad = arena_print(source->arena, "found \"%s\", expected a moment after \"%s\"",
                              to->text == NULL ? "now" : to->text, from->text);
        return ERROR_INVALID;
    }
    return first != 0 ? first : second;
}

int difference_ask(const struct moment_source *source, const struct view *now,
                   struct admin_difference *difference)
{
    struct moment moments[2];
    int error = open_both(source, moments, difference);
    error = error == 0 ? moment_make_view(&moments[0]) : error;
    if (error == 0 && now != NULL) {
        moment_take_view(&moments[1], now);
    } else if (error == 0) {
        error = moment_make_view(&moments[1]);
    }
    error = error == 0 ? find(moments, now, difference) : error;
    moment_close(&moments[0]);
    moment_close(&moments[1]);
    return error;
}
