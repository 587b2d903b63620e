/* SPDX-License-Identifier: BSD-3-Clause
 *
 * What is told of events: what GET /v1/events shows, and how that went; webhooks and hooks. The
 * application's; readers of the counters may be on any thread. */
#pragma once

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

struct bell;
struct herald;
struct hooks;
struct stream;

struct admin_feed {
    struct herald *herald; /* webhooks; NULL: there are none. Likewise: */
    struct hooks *hooks;
    struct stream *stream;
    struct bell *bell;                  /* rings when something is published; the control thread's */
    bool (*has_journal)(void *context); /* can it be read just now? With the context of the verbs */
    _Atomic uint64_t open;              /* streams */
    _Atomic uint64_t sent;              /* events, to all of them */
    _Atomic uint64_t missed;            /* by those who could not follow */
    _Atomic uint64_t cut;               /* streams whose clients took nothing for a minute */
    _Atomic uint64_t refused;           /* one too many */
};
