/* SPDX-License-Identifier: BSD-3-Clause
 *
 * "listen" of steerd.json: addresses, who may ask there, and how. Called by server.c only. */
#pragma once

#include "conf/doc.h"
#include "conf/server.h"

/* Fills listen, listeners and listen_count. What is wrong goes to the document's report. */
void listen_read(const struct doc_node *root, struct conf_server *server);
