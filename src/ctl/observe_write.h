/* SPDX-License-Identifier: BSD-3-Clause
 *
 * What was observed, as JSON and as text. */
#pragma once

#include "ctl/steerctl.h"
#include "observe/observe.h"

/* retry: the share of clients that try the other addresses of an answer. Returns owned. */
json_t *observe_write(const struct observe_plan *plan, const struct observe_report *report, double retry);
void observe_show(const struct steerctl *ctl, const json_t *observed);
void observe_show_beside(const struct steerctl *ctl, const json_t *observed); /* a report */
