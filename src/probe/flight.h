/* SPDX-License-Identifier: BSD-3-Clause
 *
 * One check under way, from its start to its end: its kind opens and judges, all else is here. end_check() is
 * the only way out. The connection of an endpoint that answered is left on good terms then: it is read until
 * the other side closes, so that nobody's log says that it was reset. Private to the engine. */
#pragma once

#include "probe/check.h"

/* Begin `check`, which is in no heap. It may have ended, and be in that of starts again, on return; or stand
 * in line for its address. */
void flight_start(struct engine *engine, struct check *check, int64_t at_us);
/* The first one in the heap of deadlines: its time is up, or it wanted to be woken. */
void flight_expire(struct flight *flight, int64_t at_us);
/* Without a result: nobody wants it any more. */
void flight_drop(struct flight *flight);
/* The same for one that is leaving. */
void flight_free(struct flight *flight);
/* The connection that rests until the next check, if there is one, is closed on good terms. */
void flight_end_rest(struct check *check);
