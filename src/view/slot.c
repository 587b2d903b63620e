/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Publishing and retiring views with liburcu's QSBR flavour: readers pay two barriers per batch, the
 * publisher waits until every reader that could hold the old view has gone offline or come back online. */
#include "config.h"

#include "view/view.h"

#include "base/memory.h"
#include "base/sanitizer.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <urcu-qsbr.h>

struct view_slot {
    _Atomic(struct view *) current;
};

/* ThreadSanitizer does not see the library's barriers: tell it what they order. */
static char quiescent;

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

void view_synchronize(void)
{
    urcu_qsbr_synchronize_rcu();
    SANITIZER_ACQUIRE(&quiescent);
}

struct view *view_current(struct view_slot *slot)
{
    return atomic_load_explicit(&slot->current, memory_order_acquire);
}

void view_reader_register(void)
{
    urcu_qsbr_register_thread();
}

void view_reader_unregister(void)
{
    SANITIZER_RELEASE(&quiescent);
    urcu_qsbr_unregister_thread();
}

void view_reader_online(void)
{
    urcu_qsbr_thread_online();
}

void view_reader_offline(void)
{
    SANITIZER_RELEASE(&quiescent);
    urcu_qsbr_thread_offline();
}

const struct view *view_read(struct view_slot *slot)
{
    return atomic_load_explicit(&slot->current, memory_order_acquire);
}
