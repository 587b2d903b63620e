/* SPDX-License-Identifier: BSD-3-Clause
 *
 * See switchovers_order.h: commands that are asked before traffic moves, and rules that an emergency does not
 * ask. That hooks are run is noted in the store before the first of them is: whoever starts after a crash
 * sees where it stood. Nobody but the order waits for them. */
#include "config.h"

#include "daemon/switchovers_order.h"

#include "daemon/clustered.h"
#include "daemon/server.h"
#include "daemon/switchover_json.h"
#include "base/log.h"
#include "herald/hooks.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- hooks ---- */

static bool moves_forward(enum switchover_verb verb)
{
    return verb == SWITCHOVER_EXECUTE || verb == SWITCHOVER_FAIL_BACK || verb == SWITCHOVER_REDIRECT;
}

bool switchover_waits_for_hooks(const struct switchover_order *order)
{
    bool begins = order->asked.id != NULL || order->asked.executes;
    return begins && moves_forward(switchover_order_verb(order)) && !order->asked.is_emergency &&
           !order->has_asked && hooks_are_asked(order->all->server->hooks);
}

static void run_hooks(const struct switchover_order *order, const struct switchover *what, bool is_waited_for,
                      hooks_done *done, void *argument)
{
    const struct admin_switchover_order *asked = &order->asked;
    const struct switchover_target *first = &what->targets[0];
    char *json = admin_write_switchover(what);
    char target[SWITCHOVER_NAME_SIZE + 16];
    (void)snprintf(target, sizeof target, "%s:%s", health_kind_text(first->kind), first->name);
    hooks_run(order->all->server->hooks,
              &(struct hooks_occasion){.when = CONF_HOOK_BEFORE,
                                       .id = what->id,
                                       .phase = switchover_verb_text(switchover_order_verb(order)),
                                       .target = target,
                                       .actor = asked->actor,
                                       .peer = asked->peer,
                                       .reason = asked->reason,
                                       .json = json,
                                       .is_emergency = !is_waited_for},
              done, argument);
    free(json);
}

/* What they say is written with the turn, and what is done now judged on what holds by now: others of the
 * cluster have had it. */
static void on_turn(void *argument, const struct admin_turn *turn)
{
    struct switchover_order *order = argument;
    struct server *server = order->all->server;
    if (order->hook != NULL) {
        order->refuse(order, ADMIN_SWITCHOVER_HOOK, order->hook_why);
    } else if (server->is_frozen) {
        order->refuse(order, ADMIN_SWITCHOVER_BUSY, "another process has taken over: ask that one again");
    } else if (turn->error != 0) {
        order->refuse(order, ADMIN_SWITCHOVER_UNTOLD,
                      arena_print(order->arena,
                                  "hooks had nothing against it, but the turn did not come back%s%s",
                                  turn->why[0] == '\0' ? "" : ": ", turn->why));
    } else {
        order->go_on(order);
    }
}

static void on_asked(void *argument, const struct hooks_verdict *verdict)
{
    struct switchover_order *order = argument;
    if (!verdict->may_go_on) {
        order->hook = arena_copy_text(order->arena, verdict->hook);
        order->hook_why = arena_copy_text(order->arena, verdict->why);
    }
    clustered_resume_change(order->all->server->clustered, order->asked.change, on_turn, order);
}

/* Nobody else has to wait for them. */
static void on_rest(void *argument, const struct admin_spread *spread)
{
    struct switchover_order *order = argument;
    const struct kept_switchover *kept = switchovers_find(order->all, order->asked.id);
    if (spread->is_refused || spread->is_open) {
        order->refuse(order, ADMIN_SWITCHOVER_UNTOLD,
                      "that hooks are run could not be written to etcd, so none was");
    } else if (kept == NULL || order->all->server->hooks == NULL) {
        order->refuse(order, ADMIN_SWITCHOVER_CALLED_OFF, NULL);
    } else {
        /* Where it is to go is not kept before it does. */
        bool turns = order->asked.verb == SWITCHOVER_REDIRECT;
        run_hooks(order, turns ? order->what : kept->what, true, on_asked, order);
    }
}

static void on_noted(void *context, struct kept_switchover *kept, const struct batch_result *result)
{
    struct switchover_order *order = context;
    (void)kept;
    if (result->error != 0) {
        order->refuse(order, ADMIN_SWITCHOVER_CALLED_OFF, NULL);
    } else {
        clustered_rest_change(order->all->server->clustered, order->asked.change, on_rest, order);
    }
}

static struct store_cause find_cause(const struct switchover_order *order)
{
    return (struct store_cause){.actor = order->asked.actor,
                                .peer = order->asked.peer,
                                .reason = order->asked.reason,
                                .request = order->asked.request};
}

void switchover_ask_before(struct switchover_order *order, struct kept_switchover *kept,
                           struct switchover *next)
{
    enum switchover_verb verb = switchover_order_verb(order);
    struct switchover_wish wish = switchover_order_wish(order, verb);
    char self[CLUSTERED_SELF_SIZE];
    wish.asker = clustered_write_self(order->all->server->clustered, self);
    switchover_ask_hooks(next, &wish, clock_wall_ms(&order->all->server->clock));
    order->asked.id = arena_copy_text(order->arena, next->id); /* a new one is there from now on */
    order->asked.verb = verb;
    order->asks_hooks = true;
    order->changes = next->changes;
    switchovers_carry_out(order->all, kept,
                          &(struct switchover_change){.next = next,
                                                      .cause = find_cause(order),
                                                      .sender = {.change = order->asked.change},
                                                      .context = order,
                                                      .done = on_noted});
}

static void nobody_asked(void *argument, const struct hooks_verdict *verdict)
{
    (void)argument, (void)verdict;
}

void switchover_run_before(const struct switchover_order *order, const struct switchover *what)
{
    enum switchover_verb verb = switchover_order_verb(order);
    bool is_urgent = verb == SWITCHOVER_ROLL_BACK || (moves_forward(verb) && order->asked.is_emergency);
    if (is_urgent && hooks_are_asked(order->all->server->hooks)) {
        run_hooks(order, what, false, nobody_asked, NULL);
    }
}

bool switchovers_asks_here(const struct switchovers *all, const char *id)
{
    const struct switchover_order *order = all->orders;
    while (order != NULL && !(order->asks_hooks && strcmp(order->asked.id, id) == 0)) {
        order = order->next;
    }
    return order != NULL;
}

bool switchover_is_for_hooks(const struct switchover_order *order, const struct switchover_finding *finding)
{
    const struct conf_rules *rules = &order->all->server->view->topology->rules;
    bool is_lag = false;
    for (size_t i = 0; strncmp(finding->name, "rule:", 5) == 0 && i < rules->count; i++) {
        is_lag = is_lag || (rules->items[i].type == CONF_RULE_LAG &&
                            strcmp(finding->name + 5, rules->items[i].name) == 0);
    }
    return is_lag || strcmp(finding->name, "replication") == 0;
}

/* ---- their end ---- */

static void on_ended(void *context, struct kept_switchover *kept, const struct batch_result *result)
{
    (void)context, (void)kept, (void)result;
}

/* What the note says. */
static const char *tell_end(const struct switchover_order *order, enum admin_switchover_trouble trouble,
                            const char *why)
{
    if (order->hook != NULL) {
        return arena_print(order->arena, "hook %s: %.180s", order->hook, why);
    }
    return trouble == ADMIN_SWITCHOVER_FINDINGS
               ? "hooks had nothing against it; what was found after them had"
           : why == NULL ? "hooks had nothing against it"
                         : arena_print(order->arena, "%.200s", why);
}

void switchover_end_asking(struct switchover_order *order, enum admin_switchover_trouble trouble,
                           const char *why)
{
    struct switchovers *all = order->all;
    struct kept_switchover *kept = order->asks_hooks ? switchovers_find(all, order->asked.id) : NULL;
    order->asks_hooks = false;
    if (kept == NULL || kept->is_busy || kept->what->changes != order->changes || !kept->what->asks_hooks) {
        return; /* somebody has led it on meanwhile */
    }
    struct switchover_wish wish = switchover_order_wish(order, order->asked.verb);
    wish.text = tell_end(order, trouble, why);
    log_warning("switchover stopped id=%s before=%s why=\"%s\" effect=\"nothing has moved\"", order->asked.id,
                switchover_verb_text(order->asked.verb), wish.text);
    if (all->server->is_frozen || trouble == ADMIN_SWITCHOVER_CALLED_OFF) { /* nothing is written any more */
        switchover_end_hooks(kept->what, "stopped", &wish, clock_wall_ms(&all->server->clock));
        return;
    }
    struct switchover *next = switchover_copy(kept->what);
    switchover_end_hooks(next, "stopped", &wish, clock_wall_ms(&all->server->clock));
    switchovers_carry_out(all, kept,
                          &(struct switchover_change){.next = next,
                                                      .cause = find_cause(order),
                                                      .sender = {.change = order->asked.change,
                                                                 .needs_sight = true,
                                                                 .sight = durable_see(all->server->durable)},
                                                      .done = on_ended});
}
