/* SPDX-License-Identifier: BSD-3-Clause
 *
 * "geo" of a steered name: which clients get which tiers. Called by policy.c; errors go to the document's
 * report. */
#pragma once

#include "conf/policy.h"
#include "conf/selector.h"

enum { GEORULE_MAX = 65534 }; /* as many classes as steering knows, less the default one */

/* "spill" of a name or rule. */
enum conf_spill georule_get_spill(const struct doc_node *node, enum conf_spill otherwise);

/* Fills geo and geo_count of the name from the array of rules. */
void georule_read(struct selector *selector, const struct doc_node *node,
                  const struct selector_members *members, struct arena *arena, struct conf_name *name);
