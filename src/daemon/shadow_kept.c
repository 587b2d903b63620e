/* SPDX-License-Identifier: BSD-3-Clause
 *
 * What a store that could not be read at the start had of live drills: it waits for the next look at time,
 * since what is done about it is written to that store. */
#include "config.h"

#include "daemon/shadow_inside.h"

#include "base/memory.h"
#include "store/store.h"

#include <stdlib.h>

#include <event2/event.h>

void shadows_regain(struct shadows *all, const struct store_object *object)
{
    struct shadow_kept *kept = memory_alloc(sizeof *kept);
    *kept = (struct shadow_kept){.next = all->kept,
                                 .kind = memory_copy_text(object->kind),
                                 .key = memory_copy_text(object->key),
                                 .value = memory_copy_text(object->value)};
    all->kept = kept;
    event_active(all->tick, EV_TIMEOUT, 0);
}

struct shadow_kept *shadow_pop_kept(struct shadows *all)
{
    struct shadow_kept *kept = all->kept;
    if (kept != NULL) {
        all->kept = kept->next;
    }
    return kept;
}

void shadow_free_kept(struct shadow_kept *kept)
{
    free(kept->kind);
    free(kept->key);
    free(kept->value);
    free(kept);
}
