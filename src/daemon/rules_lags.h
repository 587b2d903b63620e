/* SPDX-License-Identifier: BSD-3-Clause
 *
 * What safety rules have to know of copies and of traffic. Private to src/daemon. */
#pragma once

#include "health/lag.h"

#include <stddef.h>

struct arena;
struct health_spell;
struct lock;
struct operate_unserved_ask;
struct server;
struct view;

/* Of all pairs that replicate, of what serves; NULL: no rule asks for them. Owned: free(). On the control
 * thread; takes the health lock in turns. */
struct health_lag_status *rules_list_lags(struct server *server, size_t *count);

/* How much names are asked for that somebody is drained for; in the arena. By any thread. */
void rules_weigh_names(struct server *server, struct operate_unserved_ask *ask, struct arena *arena);

/* All overrides of what serves, returns owned; on the control thread. */
struct health_spell *rules_list_spells(const struct view *view, struct lock *lock, size_t *count);
