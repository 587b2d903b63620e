/* SPDX-License-Identifier: BSD-3-Clause
 *
 * See switchovers_order.h: commands that are asked before traffic moves, and rules that an emergency does not
 * ask. That hooks are run is noted in the store before the first of them is: whoever starts after a crash
 * sees where it stood. Nobody but the order waits for them. */
#include "config.h"

#include "daemon/switchovers_order.h"

#include "daemon/server.h"
#include "daemon/switchover_json.h"
#include "base/log.h"
#include "herald/hooks.h"

#include <stdio.h>
#include <stdlib.h>

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

static void on_asked(void *argument, const struct hooks_verdict *verdict)
{
    struct switchover_order *order = argument;
    struct server *server = order->all->server;
    if (!verdict->may_go_on) {
        order->hook = arena_copy_text(order->arena, verdict->hook);
        order->refuse(order, ADMIN_SWITCHOVER_HOOK, arena_copy_text(order->arena, verdict->why));
    } else if (server->is_frozen) {
        order->refuse(order, ADMIN_SWITCHOVER_BUSY, "another process has taken over: ask that one again");
    } else {
        order->go_on(order);
    }
}

static void on_noted(void *context, struct kept_switchover *kept, const struct batch_result *result)
{
    struct switchover_order *order = context;
    if (result->error != 0 || order->all->server->hooks == NULL) {
        order->refuse(order, ADMIN_SWITCHOVER_CALLED_OFF, NULL);
    } else {
        /* Where it is to go is not kept before it does. */
        bool turns = order->asked.verb == SWITCHOVER_REDIRECT;
        run_hooks(order, turns ? order->what : kept->what, true, on_asked, order);
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
    const struct switchover_wish wish = switchover_order_wish(order, verb);
    switchover_ask_hooks(next, &wish, clock_wall_ms(&order->all->server->clock));
    order->asked.id = arena_copy_text(order->arena, next->id); /* a new one is there from now on */
    order->asked.verb = verb;
    order->asks_hooks = true;
    order->changes = next->changes;
    switchovers_carry_out(order->all, kept,
                          &(struct switchover_change){
                              .next = next, .cause = find_cause(order), .context = order, .done = on_noted});
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
    log_warning("switchover stopped id=%s before=%s reason=\"%s\" effect=\"nothing has moved\"",
                order->asked.id, switchover_verb_text(order->asked.verb), wish.text);
    if (all->server->is_frozen || trouble == ADMIN_SWITCHOVER_CALLED_OFF) { /* nothing is written any more */
        switchover_end_hooks(kept->what, "stopped", &wish, clock_wall_ms(&all->server->clock));
        return;
    }
    struct switchover *next = switchover_copy(kept->what);
    switchover_end_hooks(next, "stopped", &wish, clock_wall_ms(&all->server->clock));
    switchovers_carry_out(
        all, kept, &(struct switchover_change){.next = next, .cause = find_cause(order), .done = on_ended});
}
