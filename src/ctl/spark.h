/* SPDX-License-Identifier: BSD-3-Clause
 *
 * The last results of a check as a few characters, the latest at the right. Pure. */
#pragma once

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

enum { SPARK_RESULTS_MAX = 64, SPARK_SIZE = 3 * SPARK_RESULTS_MAX + 1 };

/* Does the locale have bars? Else letters are used. */
bool spark_has_bars(void);
/* `results` as the API has them, the latest first; so many at most. Bars are as long as the check took,
 * compared with the slowest of them. Returns out. */
const char *spark_write(const json_t *results, size_t most, bool bars, char out[SPARK_SIZE]);
