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
/* Names and counts of some, from that one on, into the array: as many as fit a message and a turn at the
 * lock. Returns where the next ones begin; 0: there are none. An object that is not there any more is left
 * out when they are read. Both need the machine for themselves. */
enum { TRANSITIONS_TURN = 64 };
size_t transitions_write(const struct health *health, size_t from, json_t *items);
void transitions_read(struct health *health, const json_t *items);
