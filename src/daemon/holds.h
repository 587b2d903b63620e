/* SPDX-License-Identifier: BSD-3-Clause
 *
 * What safety rules hold (health/guard.h), in words and figures. */
#pragma once

#include "base/buffer.h"
#include "view/view.h"

enum { HOLDS_TEXT_SIZE = 384 };

/* "lag, freeze"; cut off if it does not fit. Returns the text; NULL: there is none. */
const char *holds_write_rules(const struct health *health, uint64_t rules, char text[HOLDS_TEXT_SIZE]);
/* Of each rule: regions in which it holds something; and these regions, with their rules. */
void holds_print_metrics(const struct view *view, struct buffer *out);
