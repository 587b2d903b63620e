/* SPDX-License-Identifier: BSD-3-Clause
 *
 * How often regions, azs and endpoints changed their state, and how many are kept down although their checks
 * are fine: metrics, and what of the former goes from one process to the next. Private to src/daemon. */
#pragma once

#include "operate/operate.h"

#include <jansson.h>

struct buffer;
struct health;

/* targets: by enum health_kind. */
void transitions_print_metrics(const struct health *health, const struct operate_targets *targets,
                               struct buffer *out);
/* An array of names and counts; an object that is not there any more is left out when it is read. Both need
 * the machine for themselves. */
json_t *transitions_write(const struct health *health);
void transitions_read(struct health *health, const json_t *items);
