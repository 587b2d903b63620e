/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Serial number arithmetic (RFC 1982) and the rule by which a zone's serial goes on. Pure. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

/* Is a newer than b? Numbers half the circle apart are not. */
static inline bool serial_is_newer(uint32_t a, uint32_t b)
{
    uint32_t ahead = a - b;
    return ahead != 0 && ahead < UINT32_C(0x80000000);
}

/* The serial after `last` for content that changed: newer than it in any case, and as new as `wanted` and
 * `also` where these are newer. */
static inline uint32_t serial_next(uint32_t last, uint32_t wanted, uint32_t also)
{
    uint32_t next = last + 1;
    next = serial_is_newer(wanted, next) && serial_is_newer(wanted, last) ? wanted : next;
    return serial_is_newer(also, next) && serial_is_newer(also, last) ? also : next;
}
