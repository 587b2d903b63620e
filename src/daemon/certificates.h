/* SPDX-License-Identifier: BSD-3-Clause
 *
 * When the certificates of endpoints end, as https checks see them: told when that comes near and when they
 * were renewed, and counted. It never changes a verdict. Private to src/daemon. */
#pragma once

#include "base/buffer.h"

#include <stddef.h>
#include <stdint.h>

struct changes;
struct probe_result;
struct view;

/* Of a result that belongs to a monitor of the view; on the prober's thread, under the lock. */
void certificates_note(struct changes *changes, const struct view *view, size_t monitor,
                       const struct probe_result *result, int64_t wall_ms);
void certificates_write_metrics(const struct view *view, struct buffer *out);
