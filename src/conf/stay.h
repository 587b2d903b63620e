/* SPDX-License-Identifier: BSD-3-Clause
 *
 * What topology.json says of verdicts besides fall and rise: "hold_down", "failback" and "flap" of checks,
 * endpoints, azs and regions: how long what went down stays so (health/stay.h); and "window" of checks. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

struct doc_node;

enum { CONF_MANUAL = UINT32_MAX };

/* Penalties of whole numbers: what goes down costs one, which halves every half_life. */
struct conf_flap {
    bool is_on;
    uint32_t penalty, suppress, reuse; /* default 1000, 2000, 750 */
    uint32_t half_life_ms;             /* default 1 min */
    uint32_t max_suppress_ms;          /* default four times that */
};

struct conf_stay {
    bool has_hold_down, has_flap; /* given: of an endpoint they count instead of its checks' */
    uint32_t hold_down_ms;        /* 0, or 1 s .. 168 h; default 0 */
    uint32_t failback_ms;         /* likewise; 0: "auto"; or CONF_MANUAL */
    struct conf_flap flap;
};

/* A check is down while so many of its last `of` results are failures; of 0: not asked. */
struct conf_window {
    uint8_t of, fail; /* 2..64, 1..of */
};

#define CONF_STAY_KEYS "hold_down", "failback", "flap"

/* The keys that the node has. */
void stay_read(const struct doc_node *node, struct conf_stay *stay);
/* "window" of a check; one that has "fall" or "rise" as well is an error. */
void window_read(const struct doc_node *node, struct conf_window *window);
bool conf_is_same_flap(const struct conf_flap *a, const struct conf_flap *b);
