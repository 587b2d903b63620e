/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Safety rules, as the API asks about them. Private to src/daemon. */
#pragma once

#include "admin/rules.h"
#include "operate/whatif.h"

struct buffer;
struct operate_unserved_ask;
struct server;

void rules_write_metrics(void *reader, struct buffer *out);
/* Which rules it would violate if all of this was desired at once: on the control thread, with all orders
 * that are under way; a moment, likewise. What they are called is copied. */
void rules_judge_at_once(struct server *server, const struct operate_assumption *wishes, size_t count,
                         struct arena *arena, struct operate_rules *rules);
void rules_fill_verbs(struct admin_rules_verbs *verbs);
