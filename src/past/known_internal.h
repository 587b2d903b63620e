/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Shared by the files of known.h only. */
#pragma once

#include "past/known.h"

struct health_record;

/* Of a LAST_MOMENT. false: it is none. */
bool known_read_moment(const struct health_record *record, struct known_moment *moment);
/* The first records of a file, and of those up to the next moment what came to be by then (wall). */
struct known *known_read_records(const char *path, size_t count, int64_t until_ms,
                                 struct trail_reading *reading);
