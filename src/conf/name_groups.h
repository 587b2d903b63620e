/* SPDX-License-Identifier: BSD-3-Clause
 *
 * "name_groups" of topology.json. Private to src/conf. */
#pragma once

#include "conf/doc.h"
#include "conf/topology.h"

void name_groups_read(struct conf_topology *topology, const struct doc_node *root);
