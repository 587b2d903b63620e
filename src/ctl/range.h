/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Ranges of figures as the Monitoring Plugins Development Guidelines write them ("Threshold and Ranges"):
 * [@][START:]END. Whoever watches is told when a figure lies outside, or with @ inside; both ends belong to
 * the range. START is 0 if it is not there, "~" is no bound at all, and so is an END that is not there.
 * Beside that, seconds may be written as 90m, 12h or 7d, and shares with % behind them. Pure. */
#pragma once

#include <stdbool.h>

enum { RANGE_SIZE = 80 };

#define RANGE_EXPECTED "[@][START:]END, such as 10, 10:, ~:10, 10:20 or @10:20"

struct range {
    double start, end; /* -INFINITY, INFINITY: no bound */
    bool inside;       /* told of inside, not outside */
};

/* unit: "s", "%" or another text. Returns 0 or ERROR_SYNTAX. */
int range_parse(const char *text, const char *unit, struct range *range);
bool range_tells(const struct range *range, double value);
/* As short as it can be written, in seconds. Returns text. */
const char *range_write(const struct range *range, char text[RANGE_SIZE]);
