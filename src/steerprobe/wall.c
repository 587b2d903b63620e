/* SPDX-License-Identifier: BSD-3-Clause
 *
 * See wall.h. */
#include "config.h"

#include "steerprobe/wall.h"

#include <stdatomic.h>
#include <stdlib.h>

enum { OFF_MS = 60000 };

static int compare(const void *a, const void *b)
{
    const int64_t *left = a, *right = b;
    return (*left > *right) - (*left < *right);
}

static int64_t agree(const struct wall *wall, int64_t own_ms)
{
    int64_t said_ms[CREW_SLOTS + 1];
    size_t count = 0;
    for (size_t i = 0; i < CREW_SLOTS; i++) {
        if (wall->said_ms[i] != 0) {
            said_ms[count++] = wall->said_ms[i];
        }
    }
    if (count == 0) {
        return 0;
    }
    if (count % 2 == 0) {
        said_ms[count++] = own_ms;
    }
    qsort(said_ms, count, sizeof *said_ms, compare);
    return said_ms[count / 2];
}

int64_t wall_measure(const struct wall *wall, int64_t own_ms)
{
    int64_t ahead_ms = atomic_load_explicit(&wall->ahead_ms, memory_order_relaxed);
    return ahead_ms == 0 ? 0 : own_ms - ahead_ms;
}

bool wall_note(struct wall *wall, size_t slot, int64_t ahead_ms, int64_t own_ms)
{
    wall->said_ms[slot] = ahead_ms;
    atomic_store_explicit(&wall->ahead_ms, agree(wall, own_ms), memory_order_relaxed);
    int64_t off_ms = wall_measure(wall, own_ms);
    bool before = wall->is_off;
    wall->is_off = off_ms >= OFF_MS || off_ms <= -OFF_MS;
    return wall->is_off != before;
}
