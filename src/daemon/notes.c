/* SPDX-License-Identifier: BSD-3-Clause
 *
 * See notes.h. */
#include "config.h"

#include "daemon/notes.h"

#include "daemon/override_json.h"
#include "base/arena.h"
#include "base/memory.h"
#include "store/kinds.h"

#include <assert.h>
#include <stdlib.h>

struct held {
    enum health_kind kind;
    const char *name;
    bool is, planned;
    struct health_override what;
};

struct note {
    struct store_job job; /* the first, so that one is the other */
    struct arena *texts;
    struct held *held; /* until it is submitted */
    size_t count, capacity;
};

static void on_noted(struct store_job *job)
{
    struct note *note = (struct note *)job;
    arena_free(note->texts);
    free(note->held);
    free(note);
}

struct note *note_new(size_t capacity, const char *reason)
{
    struct note *note = memory_alloc(sizeof *note);
    *note = (struct note){.texts = arena_new(0), .capacity = capacity};
    note->held = memory_alloc_array(capacity, sizeof *note->held);
    note->job =
        (struct store_job){.cause = {.actor = "steerd", .reason = arena_copy_text(note->texts, reason)},
                           .insists = true,
                           .done = on_noted};
    return note;
}

void note_add_one(struct note *note, enum health_kind kind, const char *name,
                  const struct health_override *override, bool planned)
{
    assert(note->count < note->capacity);
    struct held *held = &note->held[note->count++];
    held->kind = kind;
    held->name = arena_copy_text(note->texts, name);
    held->is = override != NULL;
    held->planned = planned;
    if (override != NULL) {
        held->what = *override;
    }
}

void note_add(struct note *note, const struct health *health, enum health_kind kind, const char *name)
{
    ptrdiff_t index = health_find(health, kind, name);
    struct health_status status = {.planned = false};
    if (index >= 0) {
        health_get_status(health, kind, (uint32_t)index, &status);
        note_add_one(note, kind, name, health_get_override(health, kind, (uint32_t)index), status.planned);
        return;
    }
    const struct health_dormant *dormant = health_find_dormant(health, kind, name);
    note_add_one(note, kind, name, dormant == NULL ? NULL : &dormant->what,
                 dormant != NULL && dormant->planned);
}

size_t note_count(const struct note *note)
{
    return note->count;
}

static void write_ops(struct note *note, const struct override_clock *clock)
{
    struct store_op *ops = arena_alloc(note->texts, note->count * sizeof *ops);
    for (size_t i = 0; i < note->count; i++) {
        const struct held *held = &note->held[i];
        char *json = held->is ? override_write_json(&held->what, held->planned, clock) : NULL;
        ops[i] = (struct store_op){
            .kind = OVERRIDE_KIND,
            .key = arena_print(note->texts, "%s:%s", health_kind_text(held->kind), held->name),
            .value = arena_copy_text(note->texts, json),
            .if_revision = STORE_ANY};
        free(json);
    }
    note->job.ops = ops;
    note->job.op_count = note->count;
    free(note->held);
    note->held = NULL;
}

void note_submit(struct note *note, struct store *store, const struct override_clock *clock)
{
    if (store == NULL || note->count == 0) {
        on_noted(&note->job);
    } else {
        write_ops(note, clock);
        store_submit(store, &note->job);
    }
}
