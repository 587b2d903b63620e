/* SPDX-License-Identifier: BSD-3-Clause
 *
 * A drill on the server, told on stderr as it goes on: a line for each step of it, when it happens (events of
 * the kinds "step" and "drill"), and on a terminal below them how far it is. */
#pragma once

#include "ctl/tail.h"

struct drill_follow {
    const struct steerctl *ctl;
    struct tail tail;
    bool has_ended;                           /* the server has said so */
    bool has_gap;                             /* something was not told: the rest is not listened to */
    bool has_line;                            /* on a terminal: what stands there will be written over */
    int64_t began_ms, duration_ms, looked_ms; /* monotonic, of this machine */
};

/* From its begin on. Without a stream of events there is nothing to be told here. */
void drill_follow_open(struct drill_follow *follow, const struct steerctl *ctl, const json_t *begun);
/* What has happened; to be called now and then, and does not wait. */
void drill_follow_glance(struct drill_follow *follow);
/* Until it has ended, or nothing more can be heard of it; at most so long, if that is not 0. */
void drill_follow_wait(struct drill_follow *follow, int64_t most_ms);
void drill_follow_close(struct drill_follow *follow);
