/* SPDX-License-Identifier: BSD-3-Clause
 *
 * "vantages" of steerd.json, and what a check or an endpoint says of them: who counts, and how. */
#pragma once

#include "conf/doc.h"
#include "conf/quorum.h"
#include "conf/server.h"

struct arena;

/* Fills vantages of the server. What is wrong goes to the document's report. */
void vantages_read(const struct doc_node *root, struct conf_server *server);
/* "quorum", "at_least" and "vantages" of an object that may have them. Texts are the arena's. */
void quorum_read(const struct doc_node *node, struct arena *arena, struct conf_quorum *quorum);
/* Of them "vantages" only. */
void quorum_read_names(const struct doc_node *node, struct arena *arena, struct conf_quorum *quorum);
