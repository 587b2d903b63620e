/* SPDX-License-Identifier: BSD-3-Clause
 *
 * See rules_watch.h. Rules that count are looked at when a word of the table has changed; those that go by
 * the time, or by lags, every time. */
#include "config.h"

#include "daemon/rules_watch.h"

#include "daemon/changes.h"
#include "daemon/reader.h"
#include "daemon/rules.h"
#include "daemon/rules_feed.h"
#include "daemon/rules_lags.h"
#include "daemon/server.h"
#include "base/memory.h"
#include "operate/rules.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <event2/event.h>

struct rules_watch {
    struct server *server;
    int fd; /* eventfd: lags have changed */
    struct event *wake;
    struct rules_seen seen;
    const void *content; /* which rules, … */
    uint64_t generation; /* … and words they were looked at with */
};

static void on_wake(evutil_socket_t fd, short events, void *argument)
{
    uint64_t count;
    ssize_t got = read(fd, &count, sizeof count);
    (void)events, (void)got;
    rules_watch_follow(argument);
}

/* By any thread, under the health lock. */
static void on_lagged(void *context)
{
    const struct rules_watch *watch = context;
    const uint64_t one = 1;
    ssize_t put = write(watch->fd, &one, sizeof one);
    (void)put; /* a full counter wakes as well */
}

struct rules_watch *rules_watch_new(struct server *server)
{
    struct rules_watch *watch = memory_alloc(sizeof *watch);
    watch->server = server;
    watch->fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    watch->wake =
        watch->fd == -1 ? NULL : event_new(server->base, watch->fd, EV_READ | EV_PERSIST, on_wake, watch);
    if (watch->wake == NULL || event_add(watch->wake, NULL) != 0) {
        rules_watch_free(watch);
        return NULL;
    }
    changes_hook_lags(server->changes, on_lagged, watch);
    return watch;
}

void rules_watch_free(struct rules_watch *watch)
{
    if (watch == NULL) {
        return;
    }
    if (watch->wake != NULL) {
        event_free(watch->wake);
    }
    if (watch->fd != -1) {
        close(watch->fd);
    }
    free(watch);
}

int64_t rules_watch_get_last_move(const struct rules_watch *watch)
{
    const struct view *view = watch == NULL ? NULL : watch->server->view;
    if (view == NULL || view->health == NULL) {
        return 0;
    }
    lock_take(&watch->server->lock);
    int64_t last_ms = health_get_last_move(view->health);
    lock_leave(&watch->server->lock);
    return last_ms;
}

void rules_watch_get(const struct rules_watch *watch, struct rules_seen *seen)
{
    if (watch == NULL) {
        seen->count = 0;
    } else {
        *seen = watch->seen;
    }
}

static bool go_by_words(const struct conf_rules *rules)
{
    for (size_t i = 0; i < rules->count; i++) {
        enum conf_rule_type type = rules->items[i].type;
        if (type == CONF_RULE_LAG || type == CONF_RULE_WAIT || type == CONF_RULE_FREEZE) {
            return false;
        }
    }
    return true;
}

static const struct rules_seen_item *find(const struct rules_seen *seen, const char *name)
{
    for (size_t i = 0; i < seen->count; i++) {
        if (strcmp(seen->items[i].name, name) == 0) {
            return &seen->items[i];
        }
    }
    return NULL;
}

static void tell(const struct rules_watch *watch, const struct operate_rule *rule)
{
    changes_tell_rule(watch->server->changes, &(struct changes_rule){.name = rule->rule->name,
                                                                     .is_violated = rule->is_violated,
                                                                     .why = rule->why,
                                                                     .needs = rule->needs});
}

/* One that is new, and kept, is nothing to tell of. */
static void take(struct rules_watch *watch, const struct operate_rules *rules, int64_t wall_ms)
{
    const struct rules_seen before = watch->seen;
    watch->seen.count = rules->count;
    for (size_t i = 0; i < rules->count; i++) {
        const struct operate_rule *rule = &rules->items[i];
        const struct rules_seen_item *was = find(&before, rule->rule->name);
        struct rules_seen_item *is = &watch->seen.items[i];
        bool is_same = was != NULL && was->is_violated == rule->is_violated;
        is->since_ms = is_same ? was->since_ms : wall_ms;
        is->is_violated = rule->is_violated;
        snprintf(is->name, sizeof is->name, "%s", rule->rule->name);
        if (!is_same && (was != NULL || rule->is_violated)) {
            tell(watch, rule);
        }
    }
}

static void look(struct rules_watch *watch)
{
    struct server *server = watch->server;
    struct operate_rules rules;
    struct arena *arena = arena_new(0);
    size_t lag_count;
    struct health_lag_status *lags = rules_list_lags(server, &lag_count);
    int64_t wall_ms = clock_wall_ms(&server->clock);
    rules_feed_follow(server, wall_ms);
    struct operate_unserved_ask ask = {.view = server->view,
                                       .wall_ms = wall_ms,
                                       .lags = lags,
                                       .lag_count = lag_count,
                                       .last_move_ms = rules_watch_get_last_move(watch)};
    struct health_spell *spells = rules_list_spells(server->view, &server->lock, &ask.spell_count);
    ask.spells = spells;
    rules_weigh_names(server, &ask, arena);
    operate_look_at_rules(&ask, arena, &rules);
    take(watch, &rules, wall_ms);
    free(spells);
    free(lags);
    arena_free(arena);
}

void rules_watch_follow(struct rules_watch *watch)
{
    const struct view *view = watch == NULL ? NULL : watch->server->view;
    if (view == NULL) {
        return;
    }
    if (view->topology == NULL || view->topology->rules.count == 0) {
        watch->seen.count = 0;
        return;
    }
    uint64_t generation = atomic_load_explicit(&view->table->generation, memory_order_acquire);
    if (watch->content != view->content || watch->generation != generation ||
        !go_by_words(&view->topology->rules)) {
        watch->content = view->content;
        watch->generation = generation;
        look(watch);
    }
}
