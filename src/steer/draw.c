/* SPDX-License-Identifier: BSD-3-Clause
 *
 * What few draws need: see draw.h. */
#include "config.h"

#include "steer/draw.h"

/* Not inlined: few choices are that long. */
const uint32_t *steer_find_scan(const uint32_t *weights, size_t count, uint32_t point)
{
    size_t low = 0, high = count - 1;
    while (high - low > STEER_SCAN_MAX) {
        size_t middle = (low + high) / 2;
        if (weights[middle] > point) {
            high = middle;
        } else {
            low = middle + 1;
        }
    }
    return weights + low;
}
