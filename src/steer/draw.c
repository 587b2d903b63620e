/* SPDX-License-Identifier: BSD-3-Clause
 *
 * What few draws need: see draw.h. */
#include "config.h"

#include "steer/draw.h"

/* Not inlined: few choices are that long. Which half it is cannot be foretold, so there is no branch on it.
 */
const uint32_t *steer_find_scan(const uint32_t *weights, size_t count, uint32_t point)
{
    while (count > STEER_SCAN_MAX) {
        size_t half = count / 2;
        weights = weights[half - 1] <= point ? weights + half : weights;
        count -= half;
    }
    return weights;
}

uint16_t steer_draw_single(const struct steer_choice *choice, struct random *random)
{
    if (choice->part_count > 1) {
        const struct steer_part *part = steer_draw_part(choice, random);
        return steer_draw_member(choice->weights + part->first, choice->members + part->first, part->count,
                                 part->total_weight, random);
    }
    return steer_draw_simple(choice, random);
}
