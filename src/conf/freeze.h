/* SPDX-License-Identifier: BSD-3-Clause
 *
 * "windows" of a rule of type freeze, and others that are written alike. Private to src/conf. */
#pragma once

#include "conf/doc.h"
#include "conf/rule.h"

struct arena;

/* key: where they are; what is not there is left alone. */
void freeze_read(const struct doc_node *node, const char *key, struct arena *arena, struct conf_rule *rule);
