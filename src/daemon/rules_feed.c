/* SPDX-License-Identifier: BSD-3-Clause
 *
 * See rules_feed.h. What a rule says is said again every time, which costs nothing if it is the same: so a
 * reload, a restart and a takeover need nothing of their own. */
#include "config.h"

#include "daemon/rules_feed.h"

#include "daemon/server.h"
#include "daemon/snapshot.h"
#include "base/memory.h"
#include "operate/rules.h"
#include "operate/rules_time.h"

#include <stdlib.h>

struct rules_feed {
    struct server *server;
    int64_t last_move_ms; /* wall */
    bool *was_held;       /* by region */
    size_t region_count;
    const void *content; /* whose regions */
};

struct rules_feed *rules_feed_new(struct server *server)
{
    struct rules_feed *feed = memory_alloc(sizeof *feed);
    feed->server = server;
    return feed;
}

void rules_feed_free(struct rules_feed *feed)
{
    if (feed != NULL) {
        free(feed->was_held);
        free(feed);
    }
}

int64_t rules_feed_get_last_move(const struct rules_feed *feed)
{
    return feed == NULL ? 0 : feed->last_move_ms;
}

/* ---- moves ---- */

static void follow_content(struct rules_feed *feed, const struct view *view)
{
    if (feed->content != view->content) {
        free(feed->was_held);
        feed->region_count = view->topology->region_count;
        feed->was_held = memory_alloc_array(feed->region_count, sizeof *feed->was_held);
        feed->content = view->content;
    }
}

/* [lock] One that was held and is let go leaves now, and not when it fell. */
static int64_t find_move(struct rules_feed *feed, const struct view *view, uint32_t region, int64_t wall_ms)
{
    struct health_hold_status hold;
    uint32_t word = atomic_load_explicit(&view->table->regions[region], memory_order_relaxed);
    bool is_held = health_get_hold(view->health, region, &hold) == 0 && hold.is_held;
    bool is_let_go = feed->was_held[region] && !is_held && health_word_blocks(word);
    feed->was_held[region] = is_held;
    return is_let_go ? wall_ms : rules_find_move(view->table, region, !is_held);
}

/* [lock] */
static void find_last_move(struct rules_feed *feed, const struct view *view, int64_t wall_ms)
{
    int64_t last = feed->last_move_ms <= wall_ms ? feed->last_move_ms : 0; /* the clock was set back */
    for (uint32_t i = 0; i < feed->region_count; i++) {
        int64_t at = find_move(feed, view, i, wall_ms);
        last = at > last && at <= wall_ms ? at : last;
    }
    feed->last_move_ms = last;
}

/* ---- telling ---- */

/* [lock] Of each region the same. */
static void forbid_all(const struct view *view, size_t guard, bool forbids, int64_t wall_ms)
{
    for (uint32_t i = 0; i < view->topology->region_count; i++) {
        (void)health_forbid(view->health, guard, i, HEALTH_ANYWHERE, forbids, wall_ms);
    }
}

/* [lock] Those that go by copies the machine follows by itself, as those that count. */
static void tell(const struct rules_feed *feed, const struct view *view, const struct conf_rule *rule,
                 int64_t wall_ms)
{
    ptrdiff_t guard = rule->automatic ? health_find_guard(view->health, rule->name) : -1;
    if (guard < 0) {
        return;
    }
    if (rule->type == CONF_RULE_WAIT) {
        bool is_soon = feed->last_move_ms != 0 && wall_ms - feed->last_move_ms < (int64_t)rule->wait_ms;
        forbid_all(view, (size_t)guard, is_soon, wall_ms);
    } else if (rule->type == CONF_RULE_FREEZE) {
        forbid_all(view, (size_t)guard, rules_are_frozen(rule, wall_ms), wall_ms);
    }
}

void rules_feed_follow(struct rules_feed *feed, int64_t wall_ms)
{
    struct server *server = feed->server;
    const struct view *view = server->view;
    uint64_t generation = atomic_load_explicit(&view->table->generation, memory_order_acquire);
    follow_content(feed, view);
    lock_take(&server->lock);
    find_last_move(feed, view, wall_ms);
    lock_leave(&server->lock);
    for (size_t i = 0; i < view->topology->rules.count; i++) {
        lock_take(&server->lock);
        tell(feed, view, &view->topology->rules.items[i], wall_ms);
        lock_leave(&server->lock);
    }
    if (atomic_load_explicit(&view->table->generation, memory_order_acquire) != generation) {
        server_forget_snapshot(server);
    }
}
