/* SPDX-License-Identifier: BSD-3-Clause
 *
 * What an override would change, computed from states as they are listed: for ?dry_run=true. Pure. */
#pragma once

#include "operate/operate.h"

struct plan_change {
    enum health_kind kind;
    const char *name;
    struct health_effective before, after;
};

struct plan {
    struct operate_targets
        targets[HEALTH_REGION + 1]; /* all, by kind, as they are now; the plan changes them */
    struct plan_change
        *changes; /* in the arena: all objects whose effective state would become another one */
    size_t change_count;
};

/* Put `desired` on the target in place (its status then says what would be) and list the changes. Returns 0
 * or ERROR_NOT_FOUND. */
int plan_override(struct plan *plan, enum health_kind kind, const char *name, enum health_desired desired,
                  struct arena *arena);
struct operate_target *plan_find(struct plan *plan, enum health_kind kind, const char *name); /* NULL: none */
