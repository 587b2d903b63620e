/* SPDX-License-Identifier: BSD-3-Clause
 *
 * How two texts differ, in unified format (as diff -u writes it, without the lines that name the files): for
 * people who ask which line of a document was changed. Pure; bounded in time and memory. */
#pragma once

#include "base/buffer.h"

#include <stdbool.h>
#include <stddef.h>

enum { UNIFIED_LINES_MAX = 20000, UNIFIED_CELLS_MAX = 4 << 20 };

/* Appends to `out`; nothing where they are equal. Of what is changed in one place and large, all is told as
 * replaced. false: one has more than UNIFIED_LINES_MAX lines, or more than `octets` came of it; then what was
 * added is of no use. */
bool unified_write(const char *before, const char *after, size_t octets, struct buffer *out);
