/* SPDX-License-Identifier: BSD-3-Clause
 *
 * "zone_options" of steerd.json: what holds for one zone, or ("*") for all. A key that a zone does not give
 * is taken from "*". Called by server.c after the zones are known. */
#pragma once

#include "conf/doc.h"
#include "conf/server.h"

/* Gives every zone source its options. What is wrong goes to the document's report. */
void zone_options_read(const struct doc_node *root, struct conf_server *server);
