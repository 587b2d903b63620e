/* SPDX-License-Identifier: BSD-3-Clause
 *
 * steerd --drill and --sweep: drills over a configuration on disk, without a server. */
#pragma once

#include "base/arena.h"
#include "view/view.h"

enum { REHEARSE_LOSSES_MAX = 64 };

struct rehearse_options {
    const char *losses[REHEARSE_LOSSES_MAX]; /* targets, or one document */
    size_t loss_count;
    bool refused, sweeps, json;
    const char *html; /* also as a page, in this file; NULL: not */
};

/* Prints the report. Returns an enum exits_drill. */
int rehearse(const struct rehearse_options *options, const struct view *view, struct arena *arena);
