/* SPDX-License-Identifier: BSD-3-Clause
 *
 * The admin API's verb for drills: what is asked becomes a scenario, over a snapshot of the running server.
 */
#pragma once

#include "admin/admin.h"

/* Of struct admin_verbs; the context is a reader. */
int drills_simulate(void *context, struct admin_drill *asked, char **json);
