/* SPDX-License-Identifier: BSD-3-Clause
 *
 * The text of GET /metrics. Private to src/daemon. */
#pragma once

#include "base/buffer.h"

struct reader;

void server_write_metrics(struct reader *reader, struct buffer *out);
