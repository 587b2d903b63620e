/* SPDX-License-Identifier: BSD-3-Clause
 *
 * "healthy_if" of endpoints: how their checks combine. Private to src/conf. */
#pragma once

#include "conf/doc.h"
#include "conf/topology.h"

/* The checks of the endpoint have been read. */
void combine_read(const struct conf_topology *topology, const struct doc_node *node,
                  struct conf_endpoint *endpoint);
