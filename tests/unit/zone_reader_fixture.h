/* SPDX-License-Identifier: BSD-3-Clause
 *
 * What the tests of the master-file reader share: one reading as text, and tables of good and bad input. */
#pragma once

#include "base/buffer.h"
#include "base/report.h"
#include "zone/reader.h"

#include <stddef.h>

struct outcome {
    struct buffer records; /* "owner TTL type rdata", rdata in hexadecimal */
    struct buffer places;  /* "file:line:column" of each */
    struct report *report;
    size_t count, stop_at;
    int code;
};

void outcome_begin(struct outcome *outcome);
void outcome_end(struct outcome *outcome);
int outcome_collect(void *context, const struct zone_record *record); /* 77 when stop_at is reached */
/* With the origin example.com. and nothing to include; begins. */
void outcome_read(struct outcome *outcome, const char *text);
void outcome_read_bytes(struct outcome *outcome, const char *text, size_t len);
/* The item of the report must have this place and hold this text. */
void outcome_assert_item(const struct outcome *outcome, size_t index, unsigned line, unsigned column,
                         const char *text);

struct good {
    const char *text, *records;
};

struct bad {
    const char *text;
    unsigned line, column; /* of the first error */
    const char *message;
    size_t records; /* that were fine */
};

void outcome_assert_good(const struct good *cases, size_t count);
void outcome_assert_bad(const struct bad *one, const char *text);

#define ASSERT_GOOD(cases) outcome_assert_good(cases, sizeof(cases) / sizeof *(cases))
