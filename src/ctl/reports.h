/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Reports of drills, for the verbs of drills. */
#pragma once

#include "ctl/steerctl.h"

/* A drill on the server, with its report (shadow.c). */
void shadow_show(const struct steerctl *ctl, const json_t *drill);
/* One that has begun: until it has ended; then it is shown, with its report, and judged. */
enum steerctl_exit shadow_wait(const struct steerctl *ctl, const json_t *begun);

/* drill reports, report (reports.c) */
bool reports_has_word(const char *word);
enum steerctl_exit run_reports(const struct steerctl *ctl);
/* drill diff, trend (compare.c) */
bool compare_has_word(const char *word);
enum steerctl_exit run_compare(const struct steerctl *ctl);
/* drill schedule, run (schedule.c) */
bool schedule_has_word(const char *word);
enum steerctl_exit run_schedule(const struct steerctl *ctl);
