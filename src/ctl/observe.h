/* SPDX-License-Identifier: BSD-3-Clause
 *
 * A drill that this process begins and observes at the same time: --observe and what belongs to it. */
#pragma once

#include "ctl/drill_follow.h"

#include <jansson.h>

struct observation;

/* Before it begins: can it be observed so? Returns owned; NULL: not, and why was said. */
struct observation *observation_plan(const struct steerctl *ctl);
/* One that has begun: until it has ended. Its report has then what was seen. Returns the drill as it ended,
 * owned, with what was seen as "observed"; NULL: why was said. *is_kept: the server has what was seen. A
 * drill that cannot be observed after all is stopped. */
json_t *observation_run(struct observation *all, const json_t *begun, bool *is_kept);
void observation_free(struct observation *all); /* NULL is fine */

/* What of the options belongs to it. */
#define OPTIONS_OBSERVE (OPTION_OBSERVE | OPTION_SERVER | OPTION_RESOLVERS | OPTION_TTL | OPTION_RETRY)
