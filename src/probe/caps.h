/* SPDX-License-Identifier: BSD-3-Clause
 *
 * What keeps a check that is due from starting now: how many are under way, in all and to one address, and
 * how many begin in a second. Pure: no clock, no I/O. What waits for its address waits here, in the order in
 * which it came; what waits for the rest stays where it was. */
#pragma once

#include "base/addr.h"
#include "probe/probe.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct check;

/* An address to which checks are under way, or wait for that. */
struct caps_address {
    struct caps_address *next; /* of its chain */
    struct addr addr;
    uint32_t under_way;
    struct check *first, *last; /* that wait */
};

struct caps {
    struct probe_limits limits;
    int64_t paid_ns; /* up to when the starts so far have used the rate up */
    struct caps_address **chains;
    size_t mask, count;
    struct caps_address commands; /* of all addresses */
    size_t waiting;
};

void caps_init(struct caps *caps);
void caps_fini(struct caps *caps); /* nothing is under way */

/* When the next check may start as far as the rate goes: now, or later. */
int64_t caps_find_start(const struct caps *caps, int64_t now_us);
/* One starts. */
void caps_spend(struct caps *caps, int64_t now_us);

/* A check to an address is about to start. True: it may, and *place is to be given back by caps_leave()
 * (NULL: nobody counts). False: it has been put in line. */
bool caps_enter(struct caps *caps, const struct addr *addr, struct check *check, struct caps_address **place);
/* Likewise of one that runs a command. */
bool caps_enter_command(struct caps *caps, struct check *check, struct caps_address **place);
/* One has ended. Returns the check that may start now, which is not in line any more, or NULL. */
struct check *caps_leave(struct caps *caps, struct caps_address *place);
/* Take all that wait out of line: linked by `behind`, in no particular order. To be called when what waits
 * may not want its address any more, and when the limits are others. */
struct check *caps_take_all(struct caps *caps);
