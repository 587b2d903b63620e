/* SPDX-License-Identifier: BSD-3-Clause
 *
 * What a check of type dns asks for and accepts. Called by check.c; errors go to the document's report. */
#pragma once

#include "base/arena.h"
#include "conf/doc.h"
#include "conf/topology.h"

/* Fills what its keys say, defaults included, in the arena. */
void check_dns_read(const struct doc_node *node, struct arena *arena, struct conf_check *check);
