/* SPDX-License-Identifier: BSD-3-Clause
 *
 * What the prober checks. Private to src/daemon. */
#pragma once

struct targets;
struct view;

/* What there is to check in a view that nobody else changes meanwhile, for the prober; it takes as long as
 * the list is. Returns owned. */
struct targets *targets_make(const struct view *view);
