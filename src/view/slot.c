/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Where readers find the current view. When they do not use the old one any more is readers.c's. */
#include "config.h"

#include "view/view.h"

#include "base/memory.h"

#include <stdatomic.h>
#include <stdlib.h>

struct view_slot {
    _Atomic(struct view *) current;
};

struct view_slot *view_slot_new(void)
{
    struct view_slot *slot = memory_alloc(sizeof *slot);
    atomic_init(&slot->current, NULL);
    return slot;
}

void view_slot_free(struct view_slot *slot)
{
    if (slot != NULL) {
        view_free(atomic_load_explicit(&slot->current, memory_order_acquire));
        free(slot);
    }
}

struct view *view_exchange(struct view_slot *slot, struct view *view)
{
    return atomic_exchange_explicit(&slot->current, view, memory_order_acq_rel);
}

struct view *view_publish(struct view_slot *slot, struct view *view)
{
    struct view *old = view_exchange(slot, view);
    view_synchronize();
    return old;
}

struct view *view_current(struct view_slot *slot)
{
    return atomic_load_explicit(&slot->current, memory_order_acquire);
}

const struct view *view_read(struct view_slot *slot)
{
    return atomic_load_explicit(&slot->current, memory_order_acquire);
}
