/* SPDX-License-Identifier: BSD-3-Clause
 *
 * "rrl", "amplification" and "tcp" of steerd.json: what keeps abuse within bounds. Called by server.c only.
 */
#pragma once

#include "conf/doc.h"
#include "conf/server.h"

/* Fills rrl, amplification and tcp of the server. What is wrong goes to the document's report. */
void limits_read(const struct doc_node *root, struct conf_server *server);
