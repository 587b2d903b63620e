/* SPDX-License-Identifier: BSD-3-Clause
 *
 * The verbs that assume something; the context is a reader. Private to src/daemon. */
#pragma once

#include "admin/admin.h"

int server_foresee_override(void *reader, struct operate_wish *wish, struct arena *arena,
                            struct operate_foresight *foresight);
int server_find_unserved(void *live, struct operate_wish *wish, struct arena *arena,
                         struct operate_unserved *unserved);
int server_explain_if(void *context, const struct operate_question *question,
                      struct admin_assumptions *assumptions, struct arena *arena,
                      struct admin_explained *explained);
/* What would be answered if a rule let go what it holds: admin_rules_verbs.foresee_release. */
int server_foresee_release(void *context, struct admin_release *release, struct arena *arena);
int server_what_if(void *context, struct admin_what_if *what_if, struct arena *arena,
                   struct operate_report *report);
