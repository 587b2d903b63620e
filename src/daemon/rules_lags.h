/* SPDX-License-Identifier: BSD-3-Clause
 *
 * What safety rules have to know of copies. Private to src/daemon. */
#pragma once

#include "health/lag.h"

#include <stddef.h>

struct server;

/* Of all pairs that replicate, of what serves; NULL: no rule asks for them. Owned: free(). On the control
 * thread; takes the health lock in turns. */
struct health_lag_status *rules_list_lags(struct server *server, size_t *count);
