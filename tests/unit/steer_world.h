/* SPDX-License-Identifier: BSD-3-Clause
 *
 * A policy with four tiers of four endpoints each, all unknown and alike, for tests of shares. Endpoint e is
 * in az e / 2, az a in region a / 2. */
#pragma once

#include "unit.h"

#include "steer/steer.h"

enum { TIERS = 4, EACH = 4, MEMBERS = TIERS * EACH };

struct world {
    _Atomic uint32_t endpoints[MEMBERS], azs[MEMBERS / 2], regions[TIERS];
    struct health_table table;
    struct steer_member members[MEMBERS];
    struct steer_place places[MEMBERS];
    uint16_t indices[MEMBERS];
    struct steer_tier tiers[TIERS];
    struct steer_class class;
    struct steer_policy policy;
    struct steer_choice choice;
    struct steer_trace trace;
    struct steer_trace_tier traced[TIERS];
    void *memory;
};

struct world *world_new(void);
void world_free(struct world *w);
/* The first `count` endpoints of a tier are unhealthy, the others healthy. */
void lose(struct world *w, size_t tier, size_t count);
bool is_near(double a, double b);
/* Evaluate, and hold the shares of the tiers to these. Twice: a trace changes nothing. */
void expect_shares(struct world *w, double a, double b, double c, double d);
