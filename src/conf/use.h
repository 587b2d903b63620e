/* SPDX-License-Identifier: BSD-3-Clause
 *
 * "checks" of endpoints: names, or objects that say where and for which family a check is run. Private to
 * src/conf. */
#pragma once

#include "conf/doc.h"
#include "conf/topology.h"

/* The checks of the topology and the addresses of the endpoint have been read. */
void use_read(const struct conf_topology *topology, const struct doc_node *node,
              struct conf_endpoint *endpoint);
/* All of them are read, and what they count for: they are kept once for all endpoints that have the same. */
void use_share(const struct conf_topology *topology, struct conf_endpoint *endpoint);
