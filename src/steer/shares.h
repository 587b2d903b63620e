/* SPDX-License-Identifier: BSD-3-Clause
 *
 * How much of all answers each tier gets. While shares are made they are those of tiers: each part of a tier
 * has the share of the whole tier. Internal to the folder. */
#pragma once

#include "steer/tier.h"

/* Less is not worth a part: a tier that sheds everything beside one that does not. */
#define SHARES_LEAST 1e-7

/* How much of what is left a tier gets. With `spread` the tiers behind the first only say what they have; the
 * left share is divided by that when all are known. */
double shares_take(const struct steer_class *class, size_t index, const struct steer_measure *measure,
                   double *left);
/* When all parts are known: their shares add up to 1, what moves off by overrides goes where these say
 * (reading->fence), and trickles are given. Returns false if nobody takes what moves off. */
bool shares_settle(const struct steer_reading *reading, const struct steer_class *class, double left);
