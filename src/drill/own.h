/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Objectives of the topology besides the RTO: the capacity that has to be left, of all, of pairs of regions
 * and of names; and the RPO of copies and names, as far as it is known how far a copy is behind. Inside of
 * src/drill. */
#pragma once

#include "drill/causes.h"
#include "drill/drill.h"
#include "view/view.h"

/* Adds to the report's misses, from its answers and copies. objectives: of the document, whose RPO is in the
 * place of those of all and of copies; NULL: there is none. */
void drill_judge_topology(const struct view *view, const struct drill_causes *causes,
                          const struct drill_objectives *objectives, struct arena *arena,
                          struct drill_report *report);
