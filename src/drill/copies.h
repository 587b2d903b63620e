/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Data that a loss takes along: how far copies of what is lost are behind at that moment. Inside of
 * src/drill. */
#pragma once

#include "drill/causes.h"
#include "drill/drill.h"

/* Fill report->copies. live: the machine that the drill begins from, and what time it is there; NULL: none.
 */
void drill_list_copies(const struct drill_causes *causes, const struct drill_objectives *objectives,
                       const struct health *live, struct arena *arena, struct drill_report *report);
