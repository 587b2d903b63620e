/* SPDX-License-Identifier: BSD-3-Clause
 *
 * What `steerctl watch` shows, as lines: what the server said, and a size, in; text out. Pure, but that it
 * keeps what it has shown, by which it knows what changed. */
#pragma once

#include "base/buffer.h"

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

/* As the API has them; all borrowed, and NULL where nothing is known. */
struct watch_data {
    const json_t *status, *regions, *azs; /* the latter two: arrays */
    const json_t *failing, *checks;       /* rows of checks: unhealthy ones, and the first of all */
    const json_t *switchovers, *drills;   /* the latest; those that go on are shown */
    const json_t *events;                 /* the latest last */
    const char *no_events;                /* why there are none; NULL or "": there may be */
};

struct watch_screen {
    unsigned columns, rows; /* rows 0: as many as there are */
    bool colour, bars;
    bool is_stale;           /* the server does not answer: this is what it said last */
    int64_t now_ms;          /* monotonic */
    const char *clear, *end; /* behind each line: "\033[K", "\r\n"; "\n" */
};

enum { WATCH_MARKS_MS = 10000 }; /* for so long what changed is marked */

struct watch_memory {
    json_t *seen; /* owned: what each row was, and when it became so; NULL: nothing yet */
};

/* Append the lines. */
void watch_draw(struct watch_memory *memory, const struct watch_data *data, const struct watch_screen *screen,
                struct buffer *out);
void watch_forget(struct watch_memory *memory);
