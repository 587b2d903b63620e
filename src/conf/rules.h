/* SPDX-License-Identifier: BSD-3-Clause
 *
 * "rules" of topology.json. Private to src/conf. */
#pragma once

#include "conf/doc.h"
#include "conf/topology.h"

/* Places, endpoints and groups have been read. */
void rules_read(struct conf_topology *topology, const struct doc_node *root);
