/* SPDX-License-Identifier: BSD-3-Clause
 *
 * How a small resolver keeps an answer. It counts whole seconds of a clock of its own, which all of them
 * began at other moments. Half of them are like those that keep an answer until its second is over (unbound,
 * Knot Resolver: for the TTL and a second, if it is wanted all the time), half like those that drop it with
 * the beginning of that second (BIND, PowerDNS: for the TTL). Pure. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

struct stub {
    int64_t ahead_ms;  /* of its clock: 0 to 999 */
    bool keeps_second; /* the one in which the TTL ends */
    double phase;      /* 0 to 1: how old its first answer is */
};

/* One of `count`, spread evenly. */
struct stub stub_make(uint32_t index, uint32_t count);
/* When an answer that came at this time is to be asked for again. The first one is as old as the phase says.
 * An answer that may not be kept (TTL 0): now. */
int64_t stub_find_end(const struct stub *stub, int64_t now_ms, uint32_t ttl_s, bool is_first);
