/* SPDX-License-Identifier: BSD-3-Clause
 *
 * What a check of type grpc asks, and how. Called by check.c; errors go to the document's report. */
#pragma once

#include "conf/doc.h"
#include "conf/topology.h"

/* Fills what its keys say, defaults included; in the clear if there is no "tls". */
void check_grpc_read(const struct doc_node *node, struct conf_topology *topology, struct conf_check *check);
