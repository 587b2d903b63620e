/* SPDX-License-Identifier: BSD-3-Clause
 *
 * When something that is done regularly is done next: the five fields of crontab(5) (minute, hour, day of the
 * month, month, day of the week; lists, spans, steps, names of months and days), or @hourly, @daily, @weekly,
 * @monthly, @yearly. If both days are restricted, either will do, as cron has it.
 *
 * By the clocks of a place: what they skip in spring is due as soon as they have, what they show twice in
 * autumn is due the first time only. What is due at every hour goes by hours that pass instead. Pure. */
#pragma once

#include "base/tzif.h"

#include <stdbool.h>
#include <stdint.h>

struct cron {
    uint64_t minutes;             /* a bit each: 0..59 */
    uint32_t hours, days, months; /* 0..23, 1..31, 1..12 */
    uint8_t weekdays;             /* 0: Monday .. 6 */
    bool any_day, any_weekday;    /* not restricted */
    bool every_hour;
};

#define CRON_EXPECTED                                                                                        \
    "minute, hour, day, month and weekday as in crontab, such as \"30 3 * * mon\", or @daily, @weekly …"

/* 0 or ERROR_SYNTAX, also if it is never due (30 February). */
int cron_parse(const char *text, struct cron *cron);
/* The first moment after `after_s` (seconds since 1970) at which it is due. INT64_MAX: not within ten
 * years. */
int64_t cron_find_next(const struct cron *cron, const struct tzif *zone, int64_t after_s);
