/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Sending what notify.h makes, and hearing what comes back: one UDP socket per address family on the thread
 * of the event base. Every outcome is one line in the log. A hundred messages go out at once at most, then a
 * hundredth of a second passes. */
#pragma once

#include "base/addr.h"
#include "base/clock.h"
#include "notify/notify.h"

#include <stddef.h>

struct event_base;
struct notifier;

struct notifier_options {
    struct event_base *base;
    const struct clock *clock;
    /* The addresses that the server answers on: messages leave from one of them where they can, since
     * secondaries know their primary by its address. */
    const struct addr_port *listen;
    size_t listen_count;
};

struct notifier *notifier_new(const struct notifier_options *options); /* borrows base and clock; owned */
void notifier_free(struct notifier *notifier);                         /* NULL is fine */
/* For listing and looking; call notifier_wake() after telling. */
struct notify *notifier_get(struct notifier *notifier);
void notifier_wake(struct notifier *notifier);
