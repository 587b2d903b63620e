/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Metrics of what came back and has a part of its weight only (health/ramp.h). Pure; for metrics.c. */
#pragma once

#include "operate/operate.h"

struct buffer;

/* targets: by enum health_kind. */
void ramps_print_metrics(const struct operate_targets *targets, struct buffer *out);
