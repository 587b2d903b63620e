/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Edit distance with swaps (optimal string alignment), three rows at a time. */
#include "config.h"

#include "base/words.h"

#include <stdint.h>
#include <string.h>

enum { DISTANCE_MAX_LEN = 64 };

static unsigned lower(char c)
{
    unsigned char u = (unsigned char)c;
    return u >= 'A' && u <= 'Z' ? u + 32u : u;
}

static unsigned least(unsigned a, unsigned b)
{
    return a < b ? a : b;
}

unsigned words_get_distance(const char *a, const char *b)
{
    /* rows[k] is the row of the k-th last character of a: the one before the last is for swaps */
    unsigned rows[3][DISTANCE_MAX_LEN + 1];
    size_t a_len = strnlen(a, DISTANCE_MAX_LEN + 1), b_len = strnlen(b, DISTANCE_MAX_LEN + 1);
    if (a_len > DISTANCE_MAX_LEN || b_len > DISTANCE_MAX_LEN) {
        return UINT32_MAX;
    }
    for (size_t j = 0; j <= b_len; j++) {
        rows[0][j] = (unsigned)j;
    }
    for (size_t i = 1; i <= a_len; i++) {
        unsigned *now = rows[i % 3], *last = rows[(i + 2) % 3], *before = rows[(i + 1) % 3];
        now[0] = (unsigned)i;
        for (size_t j = 1; j <= b_len; j++) {
            unsigned ca = lower(a[i - 1]), cb = lower(b[j - 1]);
            now[j] = least(least(last[j], now[j - 1]) + 1, last[j - 1] + (ca != cb));
            if (i > 1 && j > 1 && ca == lower(b[j - 2]) && cb == lower(a[i - 2])) {
                now[j] = least(now[j], before[j - 2] + 1);
            }
        }
    }
    return rows[a_len % 3][b_len];
}

bool words_are_close(const char *found, unsigned distance)
{
    size_t len = strlen(found);
    return distance < len && distance <= (len < 4 ? 1u : len < 8 ? 2u : 3u);
}

void words_offer(struct words_nearest *nearest, const char *word)
{
    unsigned distance = words_get_distance(nearest->found, word);
    if (nearest->best == NULL || distance < nearest->distance) {
        nearest->best = word;
        nearest->distance = distance;
    }
}

const char *words_nearest(const struct words_nearest *nearest)
{
    return nearest->best != NULL && words_are_close(nearest->found, nearest->distance) ? nearest->best : NULL;
}
