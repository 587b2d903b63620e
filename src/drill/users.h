/* SPDX-License-Identifier: BSD-3-Clause
 *
 * What users notice of a drill: its names, courses and causes as a population. Inside of src/drill. */
#pragma once

#include "drill/causes.h"
#include "drill/drill.h"

/* Fill report->users from all else in it; lives in the arena. */
/* Some clients ask for this name. */
bool drill_is_asked_for(const struct drill_clients *clients, const char *name);
void drill_add_users(const struct drill_causes *causes, const struct drill_clients *clients,
                     struct arena *arena, struct drill_report *report);
