/* SPDX-License-Identifier: BSD-3-Clause
 *
 * A machine with rules, and names that are steered by it: four regions of two endpoints each, every one in an
 * az of its own, endpoint e in region e / 2; any way between two regions may be forbidden. */
#pragma once

#include "unit.h"

#include "health/health.h"
#include "steer/steer.h"

enum { US, EU, AP, SA, REGIONS };
enum { ENDPOINTS = 2 * REGIONS, WAYS = REGIONS * (REGIONS - 1), WALL = 1000000000 };
enum { TWO_LOST, LAG, FREEZE, RULES };  /* rules: no third region is lost; two that are told */
enum { WAIT = RULES, WAIT_MS = 60000 }; /* and one that wants time between two moves */
enum { GUARD_WAITS = 1, GUARD_IS_FRAIL = 2, GUARD_VARIANTS = 4 }; /* a region is lost with half of its azs */

/* A policy of tiers, and what it answers. */
struct name {
    struct steer_member members[ENDPOINTS];
    struct steer_place places[ENDPOINTS];
    uint16_t indices[ENDPOINTS];
    struct steer_tier tiers[REGIONS];
    struct steer_class class;
    struct steer_policy policy;
    struct steer_choice choice;
    void *memory;
};

/* What time it is; WALL whenever a machine was made by guard_machine(). */
extern int64_t guard_wall;

struct health *guard_machine(void);
struct health *guard_machine_of(unsigned variant);
/* Of tiers that are endpoints as letters of a text, "ab,c": a to h. */
struct name *guard_name(const char *tiers);
void guard_name_free(struct name *name);
/* Evaluate for A. */
void guard_ask(struct name *name, const struct health_table *table);
/* What it answers: "ab", "held ab", "nodata", … */
const char *guard_answer(struct name *name, const struct health *health);

void guard_lose(struct health *health, uint32_t endpoint);
void guard_heal(struct health *health, uint32_t endpoint);
void guard_forbid(struct health *health, size_t rule, uint32_t from, uint32_t to, bool forbids);
void guard_order(struct health *health, enum health_kind kind, uint32_t index, enum health_desired desired);
