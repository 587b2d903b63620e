/* SPDX-License-Identifier: BSD-3-Clause
 *
 * What a check of type http or https asks for and accepts. Called by check.c; errors go to the document's
 * report. */
#pragma once

#include "base/arena.h"
#include "conf/doc.h"
#include "conf/topology.h"

/* Fills what "host" and "headers" say; texts go to the arena. */
void check_http_read_head(const struct doc_node *node, struct arena *arena, struct conf_check *check);
/* Fills what these keys and all others of http say, defaults included; texts go to the arena. */
void check_http_read(const struct doc_node *node, struct arena *arena, struct conf_check *check);
