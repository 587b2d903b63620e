/* SPDX-License-Identifier: BSD-3-Clause
 *
 * What the prober checks. Private to src/daemon. */
#pragma once

#include <stddef.h>

struct probe_aim;
struct targets;
struct view;

/* What there is to check in a view that nobody else changes meanwhile, for the prober; it takes as long as
 * the list is. Returns owned. */
struct targets *targets_make(const struct view *view);
/* Of the first view: what speaks against its verdict or is not known comes first. */
struct targets *targets_make_first(const struct view *view);

/* The targets of all endpoints that are this host, with the addresses that it has now, in a list that was
 * made of this view: how many, and writes them. On the thread that publishes. */
size_t targets_count_of_host(const struct view *view, size_t host);
size_t targets_aim(const struct view *view, size_t host, struct probe_aim *aims);
