/* SPDX-License-Identifier: BSD-3-Clause
 *
 * What a file says, read strictly: one thing wrong refuses all of it, and its place is told. Pure; any octets
 * are fine. Called by the thread that watches the file, and by a fuzzer. */
#pragma once

#include "sheet/ask.h"
#include "sheet/table.h"

#include <stddef.h>

enum { SHEET_WHY_SIZE = 200 };

struct sheet_fault {
    unsigned line, column;    /* from 1; the column counts characters; line 0: it has no place */
    char why[SHEET_WHY_SIZE]; /* what was found, and what was expected */
};

/* Returns owned, NULL: see *fault. A table without a name is one, too. At most SHEET_SIZE_MAX octets. */
struct sheet_table *sheet_parse(enum sheet_format format, const char *bytes, size_t len,
                                struct sheet_fault *fault);
