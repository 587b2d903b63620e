/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Safety rules, as the API asks about them. Private to src/daemon. */
#pragma once

#include "admin/rules.h"

struct buffer;

void rules_write_metrics(void *reader, struct buffer *out);
void rules_fill_verbs(struct admin_rules_verbs *verbs);
