/* SPDX-License-Identifier: BSD-3-Clause
 *
 * One entry of "checks" in topology.json. Called by topology.c; errors go to the document's report. */
#pragma once

#include "base/arena.h"
#include "conf/doc.h"
#include "conf/topology.h"

/* Checks of type tcp that expect nothing, where an endpoint has no other: those see no process that is
 * stopped. One warning per check. The endpoints have been read. */
void check_warn_of_bare(const struct conf_topology *topology, const struct doc_node *root);

/* Fills the check, defaults included, from its node; texts go to the topology's arena, TLS contexts to its
 * list. */
void check_read(const struct doc_node *node, struct conf_topology *topology, struct conf_check *check);
