/* SPDX-License-Identifier: BSD-3-Clause
 *
 * What time it is, as the servers say: certificates of endpoints are judged by that, so the wall clock of
 * this host may be set to anything. It is kept as what it is ahead of the time since the machine was switched
 * on, which nobody sets. One server is believed. Of several the middle one is; where that would be two, our
 * own clock is asked as well, so that one of two that is wrong is not believed. Of the control thread, but
 * for what is agreed on, which anybody reads. Pure. */
#pragma once

#include "steerprobe/crew.h"

struct wall {
    int64_t said_ms[CREW_SLOTS]; /* ahead; 0: that server has said nothing, or there is none */
    _Atomic int64_t ahead_ms;    /* what is agreed on; 0: nobody has said anything */
    bool is_off;                 /* our own clock is a minute or more from that */
};

/* What a server says, 0: it is forgotten; and what our own clock says. Returns whether is_off has changed. */
bool wall_note(struct wall *wall, size_t slot, int64_t ahead_ms, int64_t own_ms);
/* By how much our own clock is ahead of what is agreed on; 0: nothing is. */
int64_t wall_measure(const struct wall *wall, int64_t own_ms);
