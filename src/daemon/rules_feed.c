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

/* [lock] A pair of which nothing is known is forbidden, too. */
static void forbid_ways(const struct view *view, const struct conf_rule *rule, size_t guard,
                        const struct operate_unserved_ask *ask)
{
    for (size_t i = 0; i < rule->pair_count; i++) {
        uint32_t number = rule->pairs[i];
        const struct conf_replication *pair = &view->topology->replications[number];
        bool is_good = number < ask->lag_count && operate_copy_is_good(rule, &ask->lags[number]);
        if (!pair->of_azs) {
            (void)health_forbid(view->health, guard, pair->from, pair->to, !is_good, ask->wall_ms);
        }
    }
}

/* [lock] */
static void tell(const struct rules_feed *feed, const struct conf_rule *rule,
                 const struct operate_unserved_ask *ask)
{
    const struct view *view = ask->view;
    ptrdiff_t guard = rule->automatic ? health_find_guard(view->health, rule->name) : -1;
    if (guard < 0) {
        return;
    }
    if (rule->type == CONF_RULE_LAG) {
        forbid_ways(view, rule, (size_t)guard, ask);
    } else if (rule->type == CONF_RULE_WAIT) {
        bool is_soon = feed->last_move_ms != 0 && ask->wall_ms - feed->last_move_ms < (int64_t)rule->wait_ms;
        forbid_all(view, (size_t)guard, is_soon, ask->wall_ms);
    } else if (rule->type == CONF_RULE_FREEZE) {
        forbid_all(view, (size_t)guard, rules_are_frozen(rule, ask->wall_ms), ask->wall_ms);
    }
}

void rules_feed_follow(struct rules_feed *feed, const struct health_lag_status *lags, size_t lag_count,
                       int64_t wall_ms)
{
    struct server *server = feed->server;
    const struct view *view = server->view;
    const struct operate_unserved_ask ask = {
        .view = view, .wall_ms = wall_ms, .lags = lags, .lag_count = lag_count};
    uint64_t generation = atomic_load_explicit(&view->table->generation, memory_order_acquire);
    follow_content(feed, view);
    lock_take(&server->lock);
    find_last_move(feed, view, wall_ms);
    lock_leave(&server->lock);
    for (size_t i = 0; i < view->topology->rules.count; i++) {
        lock_take(&server->lock);
        tell(feed, &view->topology->rules.items[i], &ask);
        lock_leave(&server->lock);
    }
    if (atomic_load_explicit(&view->table->generation, memory_order_acquire) != generation) {
        server_forget_snapshot(server);
    }
}
