/* SPDX-License-Identifier: BSD-3-Clause
 *
 * What the tests of conf share: comparing a report with the lines that it should hold. */
#pragma once

#include "unit.h"

#include "base/report.h"

#include <stdio.h>
#include <string.h>

/* The report holds exactly these lines ("file:1:2: error: ..."; NULL ends them), in this order. Frees it. */
static inline void expect_report(struct report *report, const char *const *lines)
{
    char text[2048];
    size_t count = 0;
    for (; lines[count] != NULL; count++) {
        if (count < report_count(report)) {
            assert_string_equal(report_write_item(report_get(report, count), text, sizeof text),
                                lines[count]);
        }
    }
    for (size_t i = count; i < report_count(report); i++) {
        print_error("not expected: %s\n", report_write_item(report_get(report, i), text, sizeof text));
    }
    assert_int_equal(report_count(report), count);
    report_free(report);
}

static inline void expect_line(struct report *report, const char *line)
{
    const char *const lines[] = {line, NULL};
    expect_report(report, lines);
}
