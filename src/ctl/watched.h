/* SPDX-License-Identifier: BSD-3-Clause
 *
 * `steerctl check` as a monitoring plugin: figures of the server, each in its range or not, as one line of
 * text with performance data behind it and a line for each that is not. Exit codes, the line and the ranges
 * are those of the Monitoring Plugins Development Guidelines. */
#pragma once

#include "ctl/steerctl.h"

/* They are exit codes, and have nothing to do with those of other verbs. */
enum watched_state { WATCHED_OK, WATCHED_WARNING, WATCHED_CRITICAL, WATCHED_UNKNOWN };

enum steerctl_exit watched_run(const struct steerctl *ctl);
/* The command line was not understood, which stderr was told: whoever watches is told that nothing is known.
 */
enum steerctl_exit watched_misused(const struct steerctl *ctl);
