/* SPDX-License-Identifier: BSD-3-Clause
 *
 * An event of the stream as a line. */
#pragma once

#include "base/buffer.h"

#include <jansson.h>

/* " state=drain expires=2026-… actor=alice reason="storm"": what it says beyond its time, kind and name.
 * Without control characters. */
void event_write_what(const json_t *event, struct buffer *out);
/* "2026-… override    region:us-east state=drain …" */
void event_write_line(const json_t *event, struct buffer *out);
/* "12 events are missing here (slow)" */
void event_write_gap(const json_t *gap, struct buffer *out);
