/* SPDX-License-Identifier: BSD-3-Clause
 *
 * What an override would do, before it is put. */
#pragma once

#include "operate/operate.h"
#include "operate/rules.h"
#include "operate/unserved.h"

struct operate_change {
    enum health_kind kind;
    const char *name;
    struct health_effective before, after;
};

struct operate_foresight {
    struct operate_target target;   /* as it would be told */
    struct operate_change *changes; /* all objects that would be in another effective state, regions first */
    size_t change_count;
    struct operate_unserved unserved;
    struct operate_rules rules; /* for what people do */
};

struct operate_wish {
    enum health_kind kind;
    const char *name;
    const struct health_override *override;
    int64_t wall_ms;                   /* now */
    int64_t now_ms;                    /* likewise, monotonic: only for operate_foresee_override(), … */
    int64_t last_move_ms;              /* … as this is: see operate_unserved_ask */
    const struct operate_rates *rates; /* likewise */
    size_t limit;                      /* unserved names to list */
    struct progress *progress;
};

/* When it is in force: 0 or ERROR_NOT_FOUND. */
int operate_find_spell(const struct view *view, const struct operate_wish *wish, struct health_spell *spell);

/* Reads the view, which nobody else changes (a copy). Changes of an override that is planned are those of its
 * start, were it now. Errors are those of operate_put_override(), and ERROR_CANCELLED. Results live in the
 * arena, but for the endpoint of the target. */
int operate_foresee_override(const struct view *view, const struct operate_wish *wish, struct arena *arena,
                             struct operate_foresight *foresight);
