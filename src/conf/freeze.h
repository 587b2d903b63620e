/* SPDX-License-Identifier: BSD-3-Clause
 *
 * "windows" of a rule of type freeze. Private to src/conf. */
#pragma once

#include "conf/doc.h"
#include "conf/rule.h"

struct arena;

void freeze_read(const struct doc_node *node, struct arena *arena, struct conf_rule *rule);
