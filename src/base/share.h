/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Shares of a number of things, as operators write them: 0.5, "50%", "66.67%". Pure. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

/* How much of an average thing may be missing: what is written with four digits means the fraction. "66.67%"
 * of three is two, "16.67%" of thirty is five; never is half of one forgiven. */
static inline double share_get_tolerance(double count)
{
    const double least = 0.0005, half_digit = 0.00006 * count, most = 0.49;
    return half_digit < least ? least : half_digit > most ? most : half_digit;
}

/* Is `part` at least this share of `whole`, which is that of `count` things (above 0)? */
static inline bool share_is_reached(double share, double part, double whole, double count)
{
    return part + share_get_tolerance(count) * whole / count >= share * whole;
}

/* How many of `count` things it takes to reach the share: at least one, at most all of them. */
static inline uint32_t share_count(double share, uint32_t count)
{
    double need = share * count - share_get_tolerance(count);
    if (!(need > 1)) {
        return 1;
    }
    if (need >= count) {
        return count;
    }
    uint32_t whole = (uint32_t)need;
    return whole < need ? whole + 1 : whole;
}
