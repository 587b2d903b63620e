/* SPDX-License-Identifier: BSD-3-Clause
 *
 * What steerd writes down of its own accord: see durable_note() in durable.h. */
#include "config.h"

#include "daemon/durable.h"

#include "base/arena.h"
#include "base/memory.h"

#include <stdlib.h>

struct writing {
    struct store_job job; /* the first, so that one is the other */
    struct arena *arena;  /* all that it points to */
};

static void on_written(struct store_job *job)
{
    struct writing *writing = (struct writing *)job;
    arena_free(writing->arena);
    free(writing);
}

void durable_note(struct durable *durable, const struct store_op *ops, size_t count, const char *why)
{
    if (!durable_has_store(durable)) {
        return;
    }
    struct writing *writing = memory_alloc(sizeof *writing);
    struct arena *arena = writing->arena = arena_new(0);
    struct store_op *copies = arena_copy(arena, ops, count * sizeof *ops);
    for (size_t i = 0; i < count; i++) {
        copies[i].key = arena_copy_text(arena, ops[i].key);
        copies[i].value = arena_copy_text(arena, ops[i].value);
    }
    writing->job = (struct store_job){.cause = {.actor = "steerd", .reason = arena_copy_text(arena, why)},
                                      .ops = copies,
                                      .op_count = count,
                                      .insists = true,
                                      .done = on_written};
    durable_submit(durable, &writing->job);
}
