/* SPDX-License-Identifier: BSD-3-Clause
 *
 * "ramp" of endpoints, azs and regions, and of the topology for all of them: in which steps the weight of
 * what came back returns (health/ramp.h). */
#pragma once

#include <stdbool.h>
#include <stdint.h>

struct doc_node;

enum { CONF_RAMP_STEPS = 16 };

struct conf_ramp {
    uint8_t steps[CONF_RAMP_STEPS]; /* percent, ascending, without the 100 that is the end */
    uint8_t count;                  /* 0: all of it at once */
    uint32_t each_ms;               /* 1 s .. 168 h; default 5 min */
};

/* The key "ramp" of the node; if it has none, what counts otherwise. NULL: all at once. */
void ramp_read(const struct doc_node *node, struct conf_ramp *ramp, const struct conf_ramp *otherwise);
bool conf_is_same_ramp(const struct conf_ramp *a, const struct conf_ramp *b);
