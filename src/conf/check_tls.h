/* SPDX-License-Identifier: BSD-3-Clause
 *
 * The "tls" of a check of type https: whom it asks for, whom it trusts, what it shows. Files are read here,
 * by whoever loads, and made into contexts; checks that say the same share one. Called by check.c; errors go
 * to the document's report. */
#pragma once

#include "conf/doc.h"
#include "conf/topology.h"

void check_tls_read(const struct doc_node *node, struct conf_topology *topology, struct conf_check *check);
