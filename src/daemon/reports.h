/* SPDX-License-Identifier: BSD-3-Clause
 *
 * What others say of endpoints: loads, and reports to checks of type push. Verbs of the admin API, on the
 * control thread; the context is the server. Private to src/daemon. */
#pragma once

#include "health/health.h"

int server_put_load(void *context, const char *endpoint, const struct health_load_report *report);
int server_push(void *context, const char *endpoint, const char *check, const struct health_push *push,
                enum health_push_fate *fate);
