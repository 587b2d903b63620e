/* SPDX-License-Identifier: BSD-3-Clause
 *
 * What an override would change, computed from states as they are listed: for ?dry_run=true. Pure. */
#pragma once

#include "operate/operate.h"

struct plan {
    struct operate_targets
        targets[HEALTH_REGION + 1]; /* all, by kind, as they are now; the plan changes copies */
};

struct plan_change {
    enum health_kind kind;
    const char *name;
    struct health_effective before, after;
};

/* Put `desired` on the target in place (its status then says what would be) and list in the arena all objects
 * whose effective state would become another one. Returns 0 or ERROR_NOT_FOUND. */
int plan_override(struct plan *plan, enum health_kind kind, const char *name, enum health_desired desired,
                  struct arena *arena, struct plan_change **changes, size_t *change_count);
struct operate_target *plan_find(struct plan *plan, enum health_kind kind, const char *name); /* NULL: none */
