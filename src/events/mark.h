/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Where a reader stands in a stream, as a text that outlives both: "RUN-SEQ-TIME" of the last change that it
 * has. RUN tells this stream from that of any other process, SEQ the change, TIME when that was, for those
 * who have to look it up elsewhere once the stream is gone. Pure. */
#pragma once

#include <stddef.h>
#include <stdint.h>

enum { MARK_TEXT_SIZE = 64 };

struct mark {
    uint64_t run;
    uint64_t seq;    /* 0: before the first one */
    int64_t wall_ms; /* 0: not known */
};

const char *mark_write(const struct mark *mark, char text[MARK_TEXT_SIZE]);
/* Also without -TIME. Returns 0 or ERROR_SYNTAX. */
int mark_parse(const char *text, struct mark *mark);
