/* SPDX-License-Identifier: BSD-3-Clause
 *
 * "objectives" of topology.json. Private to src/conf. */
#pragma once

#include "conf/doc.h"
#include "conf/topology.h"

/* Regions have been read. */
void objectives_read(struct conf_topology *topology, const struct doc_node *root);
/* And what replicates to where: an RPO of a pair is that of its copy. */
void objectives_apply(struct conf_topology *topology, const struct doc_node *root);
