/* SPDX-License-Identifier: BSD-3-Clause
 *
 * What a check of type file says: which file, in which format, and what is looked for in it. The file itself
 * is not opened here: it may well come later. Called while a topology is read. */
#pragma once

#include "conf/doc.h"
#include "conf/topology.h"

/* Fills what its keys say, defaults included, in the arena. */
void check_file_read(const struct doc_node *node, struct conf_topology *topology, struct conf_check *check);

/* "key" of a check, or of an endpoint's use of it: "name", "address", or the name in the file, in which some
 * words stand for something. NULL: it is not there, or was reported. */
const char *check_file_read_key(const struct doc_node *node, struct arena *arena);
