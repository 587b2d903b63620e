/* SPDX-License-Identifier: BSD-3-Clause
 *
 * One entry of "checks" in topology.json. Called by topology.c; errors go to the document's report. */
#pragma once

#include "base/arena.h"
#include "conf/doc.h"
#include "conf/topology.h"

/* Fills the check, defaults included, from its node; texts go to the arena. */
void check_read(const struct doc_node *node, struct arena *arena, struct conf_check *check);
