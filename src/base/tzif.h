/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Time zones, as the system's database has them (TZif, RFC 9636, and the rule for the future at its end, as
 * POSIX writes TZ). Read by ourselves, because the C library knows one zone per process. Immutable once read:
 * for any thread. */
#pragma once

#include "base/arena.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define TZIF_FOLDER "/usr/share/zoneinfo"
enum { TZIF_SIZE_MAX = 1 << 18, TZIF_WHY_SIZE = 256 };

struct tzif;

/* Is it a name as the database has them ("Europe/Berlin"), which leads nowhere else? */
bool tzif_is_name(const char *name);
/* Of the folder, NULL: that of the system; "UTC" is known without a file. In the arena. NULL: it cannot be
 * read, or is broken, and why. */
const struct tzif *tzif_load(const char *folder, const char *name, struct arena *arena,
                             char why[TZIF_WHY_SIZE]);
/* Likewise, from octets. 0; ERROR_SYNTAX; ERROR_UNSUPPORTED: it counts leap seconds. */
int tzif_parse(const uint8_t *bytes, size_t len, struct arena *arena, const struct tzif **zone);

/* By how many seconds clocks are ahead of UTC at a time (seconds since 1970, UTC). */
int32_t tzif_find_offset(const struct tzif *zone, int64_t time_s);

/* What calendars and clocks show: the month (1..12) and its day (1..31), the day of the week (0: Monday), and
 * the second of the day. */
struct tzif_local {
    unsigned month, day, weekday, second;
};
struct tzif_local tzif_read_clock(int64_t local_s); /* seconds that clocks have counted since 1970 */
struct tzif_local tzif_find_local(const struct tzif *zone, int64_t time_s);
