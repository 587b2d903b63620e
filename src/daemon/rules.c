/* SPDX-License-Identifier: BSD-3-Clause
 *
 * See rules.h. An order is judged twice: on the worker, with whom it would leave unserved, and on the control
 * thread in the turn in which it is put. That is short, sees what serves and all orders that are under way,
 * and so decides. */
#include "config.h"

#include "daemon/rules.h"

#include "daemon/metrics_kept.h"
#include "daemon/orders.h"
#include "daemon/holds.h"
#include "daemon/reader.h"
#include "daemon/rules_lags.h"
#include "daemon/server.h"
#include "daemon/traffic.h"
#include "daemon/whatif.h"
#include "base/memory.h"

#include <stdlib.h>
#include <string.h>

static int judge(void *live, struct operate_wish *wish, struct arena *arena, struct operate_rules *rules)
{
    const struct reader *reader = live;
    struct health_spell spell;
    int error = operate_find_spell(reader->live, wish, &spell);
    if (error == 0) {
        struct operate_unserved_ask ask = {.view = reader->live,
                                           .wish = &spell,
                                           .spells = reader->spells,
                                           .spell_count = reader->spell_count,
                                           .wall_ms = clock_wall_ms(&reader->server->clock),
                                           .lags = reader->lags,
                                           .lag_count = reader->lag_count,
                                           .last_move_ms = reader->last_move_ms};
        rules_weigh_names(reader->server, &ask, arena);
        operate_judge_rules(&ask, arena, rules);
    }
    return error;
}

/* Those that are under way take the place of what they replace. */
static struct health_spell *list_spells(struct server *server, size_t *count)
{
    size_t under_way = orders_list(server->orders, NULL, 0);
    struct health_spell *spells = rules_list_spells(server->view, &server->lock, count);
    if (under_way == 0) {
        return spells;
    }
    struct health_spell *all = memory_alloc_array(*count + under_way, sizeof *all);
    struct health_spell *more = memory_alloc_array(under_way, sizeof *more);
    memcpy(all, spells, *count * sizeof *all);
    (void)orders_list(server->orders, more, under_way);
    for (size_t i = 0; i < under_way; i++) {
        size_t at = 0;
        while (at < *count && (all[at].kind != more[i].kind || all[at].index != more[i].index)) {
            at++;
        }
        *count += at == *count;
        all[at] = more[i];
    }
    free(spells);
    free(more);
    return all;
}

static int judge_now(void *context, struct operate_wish *wish, struct arena *arena,
                     struct operate_rules *rules)
{
    struct server *server = context;
    const struct view *view = server->view;
    struct health_spell spell;
    size_t count, lag_count;
    if (view->topology == NULL || view->topology->rules.count == 0) {
        *rules = (struct operate_rules){.count = 0};
        return 0;
    }
    int error = operate_find_spell(view, wish, &spell);
    if (error == 0) {
        struct health_spell *spells = list_spells(server, &count);
        struct health_lag_status *lags = rules_list_lags(server, &lag_count);
        struct operate_unserved_ask ask = {.view = view,
                                           .wish = &spell,
                                           .spells = spells,
                                           .spell_count = count,
                                           .wall_ms = clock_wall_ms(&server->clock),
                                           .lags = lags,
                                           .lag_count = lag_count,
                                           .last_move_ms = rules_watch_get_last_move(server->rules)};
        rules_weigh_names(server, &ask, arena);
        operate_judge_rules(&ask, arena, rules);
        free(spells);
        free(lags);
    }
    return error;
}

/* ---- as they are, of a snapshot ---- */

static struct health_lag_status *list_lags(const struct reader *reader, const struct view *view,
                                           struct arena *arena, size_t *count)
{
    *count = operate_count_lags(view);
    struct health_lag_status *lags = arena_alloc(arena, *count * sizeof *lags);
    (void)operate_list_lags(view, clock_now_ms(&reader->server->clock), 0, lags, *count);
    return lags;
}

static void list_overrides(const struct view *view, struct operate_unserved_ask *ask, struct arena *arena)
{
    size_t count = health_count_overrides(view->health);
    struct health_spell *spells = arena_alloc(arena, count * sizeof *spells);
    ask->spells = spells;
    ask->spell_count = health_list_spells(view->health, 0, spells, count);
}

static void look(struct reader *reader, struct arena *arena, struct operate_rules *rules)
{
    const struct view *view = reader_begin(reader);
    struct operate_unserved_ask ask = {
        .view = view, .wall_ms = clock_wall_ms(&reader->server->clock), .last_move_ms = reader->last_move_ms};
    ask.lags = list_lags(reader, view, arena, &ask.lag_count);
    list_overrides(view, &ask, arena);
    rules_weigh_names(reader->server, &ask, arena);
    operate_look_at_rules(&ask, arena, rules);
    reader_end(reader);
}

/* It may have turned since it was seen last: then it is as if it had a moment ago. */
static int64_t find_since(const struct reader *reader, const struct operate_rule *rule)
{
    for (size_t i = 0; i < reader->rules.count; i++) {
        const struct rules_seen_item *item = &reader->rules.items[i];
        if (strcmp(item->name, rule->rule->name) == 0) {
            return item->is_violated == rule->is_violated ? item->since_ms
                                                          : clock_wall_ms(&reader->server->clock);
        }
    }
    return 0;
}

/* What the machine makes of a rule that holds what is lost by itself. */
static void add_bans(const struct view *view, struct admin_rule *to, struct arena *arena)
{
    const struct conf_topology *t = view->topology;
    ptrdiff_t guard = health_find_guard(view->health, to->judged.rule->name);
    if (guard < 0) {
        return;
    }
    size_t count = health_guard_list(view->health, (size_t)guard, NULL, 0);
    struct health_way *ways = arena_alloc(arena, count * sizeof *ways);
    struct admin_ban *bans = arena_alloc(arena, count * sizeof *bans);
    size_t found = health_guard_list(view->health, (size_t)guard, ways, count);
    for (to->ban_count = 0; to->ban_count < count && to->ban_count < found; to->ban_count++) {
        struct health_way way = ways[to->ban_count];
        const char *target = way.to == HEALTH_ANYWHERE ? NULL : t->regions[way.to].name;
        bans[to->ban_count] = (struct admin_ban){t->regions[way.from].name, target};
    }
    to->holds = arena_alloc(arena, t->region_count * sizeof *to->holds);
    for (uint32_t i = 0; i < t->region_count; i++) {
        struct health_hold_status hold;
        if (health_get_hold(view->health, i, &hold) == 0 && hold.is_held && (hold.rules >> guard & 1) != 0) {
            to->holds[to->hold_count++] = t->regions[i].name;
        }
    }
    to->bans = bans;
}

static bool has_any(void *context)
{
    const struct server *server = context;
    return server->view->topology != NULL && server->view->topology->rules.count != 0;
}

static size_t list(void *context, struct arena *arena, struct admin_rule **items)
{
    struct reader *reader = context;
    struct operate_rules rules;
    look(reader, arena, &rules);
    *items = arena_alloc(arena, rules.count * sizeof **items);
    for (size_t i = 0; i < rules.count; i++) {
        (*items)[i] =
            (struct admin_rule){.judged = rules.items[i], .since_ms = find_since(reader, &rules.items[i])};
        add_bans(reader_begin(reader), &(*items)[i], arena);
        reader_end(reader);
    }
    return rules.count;
}

void rules_write_metrics(void *context, struct buffer *out)
{
    struct operate_rules rules;
    struct arena *arena = arena_new(0);
    look(context, arena, &rules);
    if (rules.count != 0) {
        print_head(out, "steerd_rule_violated", "gauge",
                   "1: a safety rule is violated as things are, or forbids to move now; 0: it is kept.");
    }
    for (size_t i = 0; i < rules.count; i++) {
        buffer_print(out, "steerd_rule_violated{rule=\"%s\"} %d\n", rules.items[i].rule->name,
                     rules.items[i].is_violated);
    }
    holds_print_metrics(reader_begin(context), out);
    reader_end(context);
    arena_free(arena);
}

static struct admin_objective describe(const struct conf_topology *topology,
                                       const struct conf_objective *from)
{
    bool is_all = from == &topology->objective, is_pair = !is_all && from->name == NULL;
    return (struct admin_objective){.scope = is_all    ? "all"
                                             : is_pair ? "pair"
                                                       : "name",
                                    .name = from->name,
                                    .from = is_pair ? topology->regions[from->from].name : NULL,
                                    .to = is_pair ? topology->regions[from->to].name : NULL,
                                    .rto_ms = from->rto_ms,
                                    .rpo_ms = from->rpo_ms,
                                    .capacity = from->capacity,
                                    .errors = from->errors,
                                    .may_move = from->may_move};
}

static size_t list_objectives(void *context, struct arena *arena, struct admin_objective **items)
{
    struct reader *reader = context;
    const struct conf_topology *topology = reader_begin(reader)->topology;
    size_t count = topology == NULL ? 0 : topology->objective_count + 1;
    *items = arena_alloc(arena, count * sizeof **items);
    for (size_t i = 0; i < count; i++) {
        (*items)[i] = describe(topology, i == 0 ? &topology->objective : &topology->objectives[i - 1]);
    }
    reader_end(reader);
    return count;
}

/* ---- what would be allowed ---- */

static int parse(const struct view *view, struct admin_wishes *wishes, struct operate_assumption *parsed)
{
    for (size_t i = 0; i < wishes->count; i++) {
        int error = operate_parse_assumption(view, wishes->texts[i], &parsed[i]);
        if (error != 0) {
            wishes->bad = wishes->texts[i];
            return error;
        }
    }
    return 0;
}

/* All overrides, with the wishes in the place of what they replace. */
static void fill_after(struct operate_unserved_ask *ask, const struct operate_assumption *wishes,
                       size_t count, struct arena *arena)
{
    struct health_spell *after = arena_alloc(arena, (ask->spell_count + count) * sizeof *after);
    memcpy(after, ask->spells, ask->spell_count * sizeof *after);
    size_t used = ask->spell_count;
    for (size_t i = 0; i < count; i++) {
        size_t at = 0;
        while (at < used && (after[at].kind != wishes[i].kind || after[at].index != wishes[i].index)) {
            at++;
        }
        used += at == used;
        bool is_partly = wishes[i].share != 0; /* nothing is desired of all of it then */
        after[at] = (struct health_spell){.kind = wishes[i].kind,
                                          .index = wishes[i].index,
                                          .desired = is_partly ? HEALTH_DESIRED_AUTO : wishes[i].desired,
                                          .share = wishes[i].share,
                                          .from_ms = INT64_MIN,
                                          .until_ms = INT64_MAX};
    }
    ask->after = after;
    ask->after_count = used;
}

void rules_judge_at_once(struct server *server, const struct operate_assumption *wishes, size_t count,
                         struct arena *arena, struct operate_rules *rules)
{
    size_t spell_count, lag_count;
    *rules = (struct operate_rules){.count = 0};
    if (server->view->topology == NULL || server->view->topology->rules.count == 0) {
        return;
    }
    struct health_spell *spells = list_spells(server, &spell_count);
    struct health_lag_status *lags = rules_list_lags(server, &lag_count);
    struct operate_unserved_ask ask = {.view = server->view,
                                       .spells = spells,
                                       .spell_count = spell_count,
                                       .wall_ms = clock_wall_ms(&server->clock),
                                       .lags = lags,
                                       .lag_count = lag_count,
                                       .last_move_ms = rules_watch_get_last_move(server->rules)};
    fill_after(&ask, wishes, count, arena);
    rules_weigh_names(server, &ask, arena);
    operate_judge_rules(&ask, arena, rules);
    operate_keep_rules(rules, arena);
    free(spells);
    free(lags);
}

static int check(void *context, struct admin_wishes *wishes, struct arena *arena)
{
    struct reader *reader = context;
    const struct view *view = reader_begin(reader);
    struct operate_assumption *parsed = arena_alloc(arena, wishes->count * sizeof *parsed);
    int error = parse(view, wishes, parsed);
    if (error == 0) {
        struct operate_unserved_ask ask = {.view = view,
                                           .wall_ms = clock_wall_ms(&reader->server->clock),
                                           .last_move_ms = reader->last_move_ms,
                                           .limit = wishes->limit,
                                           .progress = wishes->progress};
        ask.lags = list_lags(reader, view, arena, &ask.lag_count);
        list_overrides(view, &ask, arena);
        fill_after(&ask, parsed, wishes->count, arena);
        rules_weigh_names(reader->server, &ask, arena);
        operate_judge_rules(&ask, arena, &wishes->rules);
        error = operate_find_unserved(&ask, arena, &wishes->unserved);
    }
    reader_end(reader);
    return error;
}

void rules_fill_verbs(struct admin_rules_verbs *verbs)
{
    *verbs = (struct admin_rules_verbs){.judge = judge,
                                        .judge_now = judge_now,
                                        .has_any = has_any,
                                        .list = list,
                                        .list_objectives = list_objectives,
                                        .check = check,
                                        .foresee_release = server_foresee_release};
}
