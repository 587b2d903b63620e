/* SPDX-License-Identifier: BSD-3-Clause
 *
 * What is left of the capacity where traffic goes to: the finding "capacity", in the terms of what is known.
 * Private to src/operate. */
#pragma once

#include "operate/switchover_look.h"

/* What it is judged by. */
struct switchover_sides {
    const struct view *now;            /* as it is: loads are of this */
    const struct view *without, *with; /* the answers that were compared */
    bool is_now;                       /* what `with` would be is already: its loads are what is reported */
    bool is_known;                     /* one of both is how things are; else no load is of either */
    const struct operate_rates *rates; /* NULL: nothing was counted */
};

/* The answers have been compared: adds the finding, and the figures to look->capacity. */
void switchover_judge_capacity(const struct switchover_sides *sides, struct arena *arena,
                               struct switchover_look *look);
