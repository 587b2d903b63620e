/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Checks that an operator wants to see, now and step by step. Private to src/daemon. */
#pragma once

#include "admin/admin.h"

/* As admin_verbs.try_checks. */
int server_try_checks(void *context, struct admin_tries *tries, struct arena *arena);
