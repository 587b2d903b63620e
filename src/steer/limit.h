/* SPDX-License-Identifier: BSD-3-Clause
 *
 * How long an answer lives at most: by ttl_failing of the policy, and by overrides that say so (`ttls` of the
 * table). Internal to the folder. The least counts, and ttl_floor holds. */
#pragma once

#include "steer/tier.h"

/* Before anything is read. */
void limit_begin(struct steer_reading *reading);
/* Of a member and its words, where reading->ttls is not NULL: the narrowest override that is in force decides
 * alone, so what wider ones say does not count. */
void limit_note(struct steer_reading *reading, uint16_t index, const uint32_t words[3]);
/* The choice gets its TTL. trace may be NULL. */
void limit_end(const struct steer_reading *reading, struct steer_trace *trace);
