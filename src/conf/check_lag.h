/* SPDX-License-Identifier: BSD-3-Clause
 *
 * "lag" of a check in topology.json. Private to src/conf. */
#pragma once

#include "conf/doc.h"
#include "conf/topology.h"

struct arena;

void check_lag_read(const struct doc_node *node, struct arena *arena, struct conf_check *check);
