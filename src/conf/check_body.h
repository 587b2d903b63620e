/* SPDX-License-Identifier: BSD-3-Clause
 *
 * What a check of type http or https wants of a body: "expect_regex" and "json". Called by check_http.c;
 * errors go to the document's report. */
#pragma once

#include "base/arena.h"
#include "conf/doc.h"
#include "conf/topology.h"

void check_body_read(const struct doc_node *node, struct arena *arena, struct conf_check *check);
