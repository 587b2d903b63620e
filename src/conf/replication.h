/* SPDX-License-Identifier: BSD-3-Clause
 *
 * "replicates_to" of regions and azs in topology.json. Private to src/conf. */
#pragma once

#include "conf/doc.h"
#include "conf/topology.h"

enum { REPLICATIONS_MAX = 256 };

/* Places and checks have been read. */
void replication_read(struct conf_topology *topology, const struct doc_node *root);
