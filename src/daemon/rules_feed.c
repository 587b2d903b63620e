/* SPDX-License-Identifier: BSD-3-Clause
 *
 * See rules_feed.h. What a rule says is said again every time, which costs nothing if it is the same: so a
 * reload, a restart and a takeover need nothing of their own. */
#include "config.h"

#include "daemon/rules_feed.h"

#include "daemon/server.h"
#include "daemon/snapshot.h"
#include "operate/rules_time.h"

/* [lock] Of each region the same. */
static void forbid_all(const struct view *view, size_t guard, bool forbids, int64_t wall_ms)
{
    for (uint32_t i = 0; i < view->topology->region_count; i++) {
        (void)health_forbid(view->health, guard, i, HEALTH_ANYWHERE, forbids, wall_ms);
    }
}

/* [lock] All others the machine follows by itself. */
static void tell(const struct view *view, const struct conf_rule *rule, int64_t wall_ms)
{
    ptrdiff_t guard = rule->automatic ? health_find_guard(view->health, rule->name) : -1;
    if (guard >= 0 && rule->type == CONF_RULE_FREEZE) {
        forbid_all(view, (size_t)guard, rules_are_frozen(rule, wall_ms), wall_ms);
    }
}

void rules_feed_follow(struct server *server, int64_t wall_ms)
{
    const struct view *view = server->view;
    uint64_t generation = atomic_load_explicit(&view->table->generation, memory_order_acquire);
    for (size_t i = 0; i < view->topology->rules.count; i++) {
        lock_take(&server->lock);
        tell(view, &view->topology->rules.items[i], wall_ms);
        lock_leave(&server->lock);
    }
    lock_take(&server->lock);
    health_follow_guards(view->health, wall_ms);
    lock_leave(&server->lock);
    if (atomic_load_explicit(&view->table->generation, memory_order_acquire) != generation) {
        server_forget_snapshot(server);
    }
}
