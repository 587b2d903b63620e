/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Words for people: which word was meant, and the plural. Pure. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

/* How many edits (insert, remove, replace, swap neighbours; without regard to case) lead from one to the
 * other; texts over 64 bytes are infinitely far from everything. */
unsigned words_get_distance(const char *a, const char *b);
/* Close enough to ask "did you mean"? */
bool words_are_close(const char *found, unsigned distance);

/* The nearest of some words, one by one: start from {.found = text}, offer each, ask for the nearest. */
struct words_nearest {
    const char *found; /* borrowed, as is what is offered */
    const char *best;
    unsigned distance;
};
void words_offer(struct words_nearest *nearest, const char *word);
const char *words_nearest(const struct words_nearest *nearest); /* NULL: none is close */

/* "s" for every number but 1. */
static inline const char *words_plural(size_t count)
{
    return count == 1 ? "" : "s";
}
