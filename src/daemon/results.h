/* SPDX-License-Identifier: BSD-3-Clause
 *
 * What the prober of this process finds out, and what becomes of it. Private to src/daemon. */
#pragma once

#include <stdbool.h>

struct probe_result;

/* On the prober's thread; the context is the server. The verdict changes answers before this returns. Returns
 * whether it hangs on the next result. */
bool results_take(void *context, const struct probe_result *result);
