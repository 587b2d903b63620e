/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Who shows one bad token after the other waits before the next one is looked at: longer each time, never for
 * ever, and hardly where good ones come from, too. A secret of 256 bits is not found by trying, so this keeps
 * out noise and not burglars. By address, of IPv6 by /64; a table of fixed size, in which the longest silent
 * one gives way. Pure: the time is an argument, milliseconds of the monotonic clock. */
#pragma once

#include "base/addr.h"

#include <stddef.h>
#include <stdint.h>

enum {
    LOCKOUT_FREE = 5, /* bad ones that cost nothing */
    LOCKOUT_FIRST_MS = 1000,
    LOCKOUT_MOST_MS = 60000,
    LOCKOUT_FRIEND_MS = 1000,        /* at most, where a good one came from within */
    LOCKOUT_FRIEND_FOR_MS = 3600000, /* … this time */
    LOCKOUT_FORGET_MS = 600000,      /* without a bad one */
    LOCKOUT_SETS = 256,
    LOCKOUT_WAYS = 4,
};

struct lockout_entry {
    struct addr who; /* family NONE: free */
    uint32_t bad;
    int64_t last_ms, until_ms, good_ms; /* good_ms 0: never */
};

struct lockout {
    uint64_t secret;
    struct lockout_entry entries[LOCKOUT_SETS][LOCKOUT_WAYS];
};

void lockout_init(struct lockout *lockout, uint64_t secret);
/* How long who comes from there has to wait; 0: it may try. */
int64_t lockout_get_wait_ms(const struct lockout *lockout, const struct addr *from, int64_t now_ms);
/* What was shown was bad, or good. */
void lockout_note_bad(struct lockout *lockout, const struct addr *from, int64_t now_ms);
void lockout_note_good(struct lockout *lockout, const struct addr *from, int64_t now_ms);
