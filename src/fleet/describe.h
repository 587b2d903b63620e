/* SPDX-License-Identifier: BSD-3-Clause
 *
 * A check of the configuration as the prober is asked to make it, of a server and of its vantages alike. */
#pragma once

#include "base/arena.h"
#include "conf/topology.h"
#include "probe/probe.h"

/* But for where it goes to and whose it is. Borrows from the check; parts are in the arena. */
struct probe_target fleet_describe_check(const struct conf_check *check, struct arena *arena);
