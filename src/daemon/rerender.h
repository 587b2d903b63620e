/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Rendering what copies hold anew after a flip, on a thread of its own: there may be a hundred thousand
 * policies, and the control thread has other things to do. The thread reads the current view as DNS threads
 * do, policy by policy, so nobody waits for it longer than one takes. Private to src/daemon. */
#pragma once

#include "view/rendition.h"
#include "view/view.h"

#include <stdatomic.h>
#include <stddef.h>

struct event_base;
struct rerender;

/* A zone whose copies look different now. */
struct rerender_item {
    size_t primary;                   /* of the view */
    struct view_rendition *rendition; /* owned; exchanged for the old one by whoever publishes it */
};

struct rerender_plan {
    struct event_base *base;
    const struct view *view; /* its renditions and the view stay until rerender_stop() or the end */
    /* On the thread of the base. rendered: what is left in the items then is released when no reader has it
     * any more. ended: the last thing; the struct is gone. */
    void (*rendered)(void *context, struct rerender_item *items, size_t count);
    void (*ended)(void *context);
    void *context;
};

/* Returns owned until it ends, or NULL: no thread could be started. */
struct rerender *rerender_start(const struct rerender_plan *plan);
/* Waits for the policy in hand, or for readers; nothing is called any more. NULL is fine. */
void rerender_stop(struct rerender *rerender);
