/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Answers for what a zone only knows where to find. Private to answer. */
#pragma once

#include "answer/work.h"

/* For a name at or below a cut, or below a DNAME. Returns where the name stands that a DNAME leads to. */
uint16_t redirect_answer(struct work *w, const struct zone *zone, const struct zone_node *cut,
                         struct target target);
