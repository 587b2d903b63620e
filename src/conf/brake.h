/* SPDX-License-Identifier: BSD-3-Clause
 *
 * "brake" of topology.json. Private to src/conf. */
#pragma once

#include "conf/doc.h"
#include "conf/topology.h"

/* The checks have been read. */
void brake_read(struct conf_topology *topology, const struct doc_node *root);
