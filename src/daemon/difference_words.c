/* SPDX-License-Identifier: BSD-3-Clause
 *
 * A difference in sentences: what operators did, what was changed in files, what became of answers, and who
 * was lost or came back. */
#include "config.h"

#include "daemon/difference_parts.h"

#include "daemon/moment_parts.h"
#include "daemon/override_json.h"
#include "base/words.h"
#include "view/view.h"
#include "store/kinds.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

enum { LISTED = 20, STEP_SIZE = 1024, TEXT_SIZE = 512 };

__attribute__((format(printf, 2, 3))) static void say(struct difference *d, const char *format, ...)
{
    char text[STEP_SIZE];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    d->to->steps[d->to->step_count++] = arena_copy_text(d->arena, text);
}

/* ---- objects ---- */

/* "auto", "drain", "planned drain". */
static const char *state_words(const char *value, char out[48])
{
    struct health_override override;
    bool planned;
    const char *why;
    if (value == NULL) {
        return "auto";
    }
    if (override_read_json(value, &override, &planned, &why) != 0) {
        return "unreadable";
    }
    char text[HEALTH_OVERRIDE_TEXT_SIZE];
    snprintf(out, 48, "%s%s", planned ? "planned " : "", health_override_text(&override, text));
    return out;
}

static void tell_object(struct difference *d, const struct admin_changed_object *object)
{
    char time[CLOCK_TEXT_SIZE], before[48], after[48], by[TEXT_SIZE] = "";
    if (object->time_ms != 0) {
        snprintf(by, sizeof by, ", by %s (\"%s\") at %s",
                 object->actor[0] == '\0' ? "somebody" : object->actor, object->reason,
                 moment_write_time(object->time_ms, time));
    }
    if (strcmp(object->kind, OVERRIDE_KIND) == 0) {
        const char *old = state_words(object->before, before), *new = state_words(object->after, after);
        say(d, "%s: %s%s%s%s", object->key, old, strcmp(old, new) == 0 ? "" : " -> ",
            strcmp(old, new) == 0 ? ", with other words or times" : new, by);
    } else {
        say(d, "%s %s was %s%s", object->kind, object->key,
            object->before == NULL  ? "made"
            : object->after == NULL ? "removed"
                                    : "changed",
            by);
    }
}

static void tell_objects(struct difference *d)
{
    size_t told = d->to->object_count < LISTED ? d->to->object_count : LISTED;
    for (size_t i = 0; i < told; i++) {
        tell_object(d, &d->to->objects[i]);
    }
    if (told < d->to->object_total) {
        say(d, "%zu more objects differ", d->to->object_total - told);
    }
}

/* ---- files ---- */

static void tell_files(struct difference *d)
{
    size_t told = d->to->file_count < LISTED ? d->to->file_count : LISTED;
    for (size_t i = 0; i < told; i++) {
        const struct admin_changed_file *file = &d->to->files[i];
        if (file->is_there[0] && file->is_there[1]) {
            say(d, "file %s was changed (%llu -> %llu octets)", file->path, (unsigned long long)file->size[0],
                (unsigned long long)file->size[1]);
        } else {
            say(d, "file %s %s", file->path, file->is_there[1] ? "came" : "went");
        }
    }
    if (told < d->to->file_total) {
        say(d, "%zu more files differ", d->to->file_total - told);
    }
}

/* ---- health ---- */

/* What follows from something that is told goes without saying. */
static void tell_health(struct difference *d)
{
    size_t told = 0, left = d->to->health_total - d->to->health_count;
    for (size_t i = 0; i < d->to->health_count; i++) {
        const struct admin_changed_health *found = &d->to->health[i];
        char since[CLOCK_TEXT_SIZE];
        const char *kind = health_kind_text(found->kind);
        if (found->follows) {
            continue;
        }
        if (told == LISTED) {
            left++;
            continue;
        }
        told++;
        if (found->before == NULL || found->after == NULL) {
            say(d, "%s %s %s", kind, found->name, found->after == NULL ? "is not there any more" : "is new");
        } else {
            say(d, "%s %s: %s -> %s, since %s", kind, found->name, found->before, found->after,
                moment_write_time(found->since_ms, since));
        }
    }
    if (left != 0) {
        say(d, "%zu more objects have other states", left);
    }
}

void difference_tell(struct difference *d)
{
    size_t answers = d->to->changes->step_count;
    d->to->steps = arena_alloc(d->arena, (3 * (LISTED + 1) + answers) * sizeof *d->to->steps);
    tell_objects(d);
    tell_files(d);
    for (size_t i = 0; i < answers; i++) {
        d->to->steps[d->to->step_count++] = d->to->changes->steps[i];
    }
    tell_health(d);
}
