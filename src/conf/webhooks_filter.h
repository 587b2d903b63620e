/* SPDX-License-Identifier: BSD-3-Clause
 *
 * What webhooks and hooks have in common. Private to src/conf. */
#pragma once

#include "conf/doc.h"
#include "events/filter.h"

#include <stdbool.h>

struct arena;

/* `key` has the kinds; "switchover" among them only where is_about_switches is not NULL. */
const struct filter *webhooks_read_filter(const struct doc_node *node, const char *key, struct arena *arena,
                                          bool *is_about_switches);
/* "": reported. */
const char *webhooks_read_name(const struct doc_node *node, struct arena *arena);
