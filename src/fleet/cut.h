/* SPDX-License-Identifier: BSD-3-Clause
 *
 * What comes, in pieces of any size, cut into lines. Keeps what has no end yet; who feeds it asks whether it
 * is too much. */
#pragma once

#include "base/buffer.h"

#include <stdbool.h>

struct fleet_cut {
    struct buffer in;
    size_t taken;   /* octets of it that were handed out, */
    size_t scanned; /* … and that have no end of a line behind them */
};

/* Zeroed it is empty. */
void fleet_cut_fini(struct fleet_cut *cut);
/* The next line without its end, borrowed until the next call of anything. False: there is none yet. */
bool fleet_cut_next(struct fleet_cut *cut, const char **text, size_t *len);
/* The next `len` octets, whatever they are, likewise. */
bool fleet_cut_take(struct fleet_cut *cut, size_t len, const char **octets);
/* When there is none: what a line that has no end yet has so far. Forgets what was handed out. */
size_t fleet_cut_rest(struct fleet_cut *cut);
void fleet_cut_add(struct fleet_cut *cut, const char *bytes, size_t len);
