/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Reports of drills, for the verbs of drills. */
#pragma once

#include "ctl/steerctl.h"

struct observation;

/* A drill on the server, with its report (shadow.c). */
void shadow_show(const struct steerctl *ctl, const json_t *drill);
/* Is what begins followed to its end? May it be observed, as the options say (*observation: owned; NULL:
 * nobody asks for it)? False: why not was said. */
bool shadow_waits(const struct steerctl *ctl);
bool shadow_may_observe(const struct steerctl *ctl, struct observation **observation);
/* One that has begun: until it has ended; then it is shown, with its report, and judged. */
enum steerctl_exit shadow_wait(const struct steerctl *ctl, const json_t *begun,
                               struct observation *observation);
enum steerctl_exit run_shadow(const struct steerctl *ctl);
enum steerctl_exit run_shadows(const struct steerctl *ctl); /* list, show, stop */
/* drill live (live.c) */
enum steerctl_exit run_live(const struct steerctl *ctl);
/* drill reports, report (reports.c) */
enum steerctl_exit run_reports(const struct steerctl *ctl);
/* drill diff, trend (compare.c) */
enum steerctl_exit run_compare(const struct steerctl *ctl);
/* drill schedule, run (schedule.c) */
enum steerctl_exit run_schedule(const struct steerctl *ctl);
