/* SPDX-License-Identifier: BSD-3-Clause
 *
 * "configuration": "bundle" of a cluster: what steerd.json gives by relative paths as zones, topology and geo
 * databases is read from the tree of a bundle, which stands for the folder of steerd.json. Which one, whoever
 * loads says (report_set_chooser()). */
#pragma once

#include "conf/doc.h"

struct conf_server;

/* When all else of steerd.json was read, and before any of these files is. Where there is no tree yet the
 * server has neither zones nor topology nor databases, and is_bare. Returns 0, or ERROR_INVALID: the tree
 * that is asked for is not there. */
int conf_place_tree(const struct doc_node *root, struct conf_server *server, struct report *report);
