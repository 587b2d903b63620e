/* SPDX-License-Identifier: BSD-3-Clause
 *
 * What the prober checks. Private to src/daemon. */
#pragma once

#include "conf/topology.h"
#include "health/lag.h"
#include "probe/probe.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct arena;
struct targets;
struct view;

/* What there is to check in a view that nobody else changes meanwhile, for the prober; it takes as long as
 * the list is. Returns owned. */
struct targets *targets_make(const struct view *view);
/* Of the first view: what speaks against its verdict or is not known comes first. */
struct targets *targets_make_first(const struct view *view);

/* One of them, in the arena. */
struct probe_target targets_describe(const struct view *view, size_t monitor, struct arena *arena);
/* Control targets stand behind the monitors, and have identities as well. -1: there is none. */
uint64_t targets_identify_control(const struct view *view, size_t control);
ptrdiff_t targets_find_control(const struct view *view, uint64_t identity);
/* In what a check of a topology says a lag. */
enum health_lag_unit targets_lag_unit(enum conf_lag_unit unit);
/* Which stage an answer has told (probe_result). */
enum health_stage targets_told_stage(uint8_t told);
/* Is the verdict of a monitor one that the next results may change, because the latest ones speak against it,
 * or there is none? Of checks that want to be made again soon then. */
bool targets_hang(const struct view *view, size_t monitor);

/* The targets of all endpoints that are this host, with the addresses that it has now, in a list that was
 * made of this view: how many, and writes them. On the thread that publishes. */
size_t targets_count_of_host(const struct view *view, size_t host);
size_t targets_aim(const struct view *view, size_t host, struct probe_aim *aims);
