/* SPDX-License-Identifier: BSD-3-Clause
 *
 * See switchovers_order.h: what is looked at before an order about a switchover is judged, on a worker and
 * over a snapshot. */
#include "config.h"

#include "daemon/switchovers_order.h"

#include "daemon/changes.h"
#include "daemon/reader.h"
#include "daemon/rules.h"
#include "daemon/server.h"
#include "daemon/switchover_probe.h"
#include "daemon/traffic.h"
#include "base/error.h"

#include <stdio.h>
#include <string.h>

enum { LISTED = 20 };

static enum switchover_aim find_aim(const struct switchover_order *order)
{
    enum switchover_state state = order->what->state;
    if (order->asked.id == NULL || order->asked.verb == SWITCHOVER_EXECUTE) {
        return SWITCHOVER_AIM_PLAN;
    }
    if (order->asked.verb == SWITCHOVER_FAIL_BACK) {
        return SWITCHOVER_AIM_PLAN_RETURN;
    }
    if (order->asked.verb == SWITCHOVER_RESUME) {
        return state == SWITCHOVER_RETURNING ? SWITCHOVER_AIM_PLAN_RETURN : SWITCHOVER_AIM_PLAN;
    }
    if (order->asked.verb == SWITCHOVER_REDIRECT) {
        return SWITCHOVER_AIM_PLAN;
    }
    return state == SWITCHOVER_RETURNED || state == SWITCHOVER_RETURN_VERIFIED ? SWITCHOVER_AIM_RETURN
                                                                               : SWITCHOVER_AIM_THERE;
}

bool switchover_needs_look(const struct switchover_order *order)
{
    enum switchover_verb verb = order->asked.verb;
    if (order->asked.is_emergency && !order->asked.dry_run) {
        return false;
    }
    return order->asked.id == NULL || verb == SWITCHOVER_EXECUTE || verb == SWITCHOVER_VERIFY ||
           verb == SWITCHOVER_REPROTECT || verb == SWITCHOVER_FAIL_BACK || verb == SWITCHOVER_RESUME ||
           verb == SWITCHOVER_REDIRECT;
}

/* What does not object: how much goes there, or how it leaves. */
static void look_at_traffic(struct switchover_order *order)
{
    struct traffic *traffic = order->all->server->traffic;
    bool is_plan = find_aim(order) == SWITCHOVER_AIM_PLAN,
         has_moved = find_aim(order) == SWITCHOVER_AIM_THERE;
    const char *text = is_plan     ? traffic_tell_share(traffic, order->what, order->arena)
                       : has_moved ? traffic_tell_drains(traffic, order->what, order->arena)
                                   : NULL;
    if (text != NULL) {
        switchover_add_finding(&order->look, is_plan ? "traffic" : "drain", true, text);
    }
}

void switchover_run_look(struct worker_job *job)
{
    struct switchover_order *order = (struct switchover_order *)job;
    struct server *server = order->all->server;
    const struct view *view = reader_begin(order->reader);
    int64_t now_ms = clock_now_ms(&server->clock);
    if (order->asked.id != NULL && order->asked.verb == SWITCHOVER_REPROTECT) {
        order->flows_back = switchover_flows_back(order->what, view, now_ms, order->arena, &order->flows);
    } else {
        const struct switchover_ask ask = {
            .switchover = order->what,
            .aim = find_aim(order),
            .view = view,
            .wall_ms = clock_wall_ms(&server->clock),
            .now_ms = now_ms,
            .last_move_ms = order->reader->last_move_ms,
            .errors = &order->reader->errors,
            .rates = traffic_measure_rates(server->traffic, view, order->arena),
            .limit = LISTED,
            .is_step = order->asked.id != NULL && order->asked.verb == SWITCHOVER_RESUME,
            .progress = &job->progress};
        order->error = switchover_look(&ask, order->arena, &order->look, &order->missing);
        order->has_looked = order->error == 0;
        if (order->has_looked && order->asked.id != NULL && order->asked.verb == SWITCHOVER_VERIFY) {
            switchover_probe(server, view, &ask, order->arena, &order->look);
        }
    }
    reader_end(order->reader);
    reader_close(order->reader);
    order->reader = NULL;
    if (order->has_looked) {
        look_at_traffic(order);
    }
}

void switchover_prepare_look(struct worker_job *job)
{
    struct switchover_order *order = (struct switchover_order *)job;
    if (order->reader == NULL) {
        order->reader = reader_open(order->all->server);
    }
}

/* ---- what an order says ---- */

enum switchover_verb switchover_order_verb(const struct switchover_order *order)
{
    return order->asked.id == NULL ? SWITCHOVER_EXECUTE : order->asked.verb;
}

/* ---- rules ---- */

void switchover_find_ignored(struct switchover_order *order, const struct switchover *next)
{
    struct operate_assumption drains[SWITCHOVER_TARGETS_MAX];
    struct server *server = order->all->server;
    size_t count = 0;
    for (size_t i = 0; order->asked.is_emergency && i < next->target_count; i++) {
        const struct switchover_target *target = &next->targets[i];
        ptrdiff_t index = operate_find_target(server->view, target->kind, target->name);
        if (index >= 0) {
            drains[count++] = (struct operate_assumption){
                .kind = target->kind, .index = (uint32_t)index, .desired = HEALTH_DESIRED_DRAIN};
        }
    }
    if (count != 0) {
        rules_judge_at_once(server, drains, count, order->arena, &order->ignored);
    }
}

static const char *join(const struct switchover_order *order, const char *between)
{
    const char *text = NULL;
    for (size_t i = 0; i < order->ignored.count; i++) {
        const struct operate_rule *rule = &order->ignored.items[i];
        if (rule->is_violated) {
            text = text == NULL ? rule->rule->name
                                : arena_print(order->arena, "%s%s%s", text, between, rule->rule->name);
        }
    }
    return text;
}

static const char *list_ignored(const struct switchover_order *order)
{
    return arena_print(order->arena, "rules ignored: %.230s", join(order, ", "));
}

void switchover_tell_ignored(const struct switchover_order *order)
{
    if (order->ignored.violated == 0) {
        return;
    }
    const struct switchover_target *first = &order->what->targets[0];
    const struct changes_overriding overriding = {
        .target = arena_print(order->arena, "%s:%s", health_kind_text(first->kind), first->name),
        .by = health_desired_text(HEALTH_DESIRED_DRAIN),
        .actor = order->asked.actor,
        .peer = order->asked.peer,
        .reason = order->asked.reason};
    changes_tell_overridden(order->all->server->changes, join(order, ","), &overriding);
}

/* ---- its notes ---- */

/* What was found, for the notes: what is not good first. */
static const char *tell_findings(struct switchover_order *order)
{
    const struct switchover_look *look = &order->look;
    if (order->ignored.violated != 0) {
        return list_ignored(order);
    }
    for (int good = 0; order->has_looked && good < 2; good++) {
        for (size_t i = 0; i < look->finding_count; i++) {
            if (look->findings[i].is_good == (good != 0)) {
                return arena_print(order->arena, "%.32s: %.200s", look->findings[i].name,
                                   look->findings[i].text);
            }
        }
    }
    return order->flows == NULL ? "" : arena_print(order->arena, "%.250s", order->flows);
}

/* What is accepted is what was found of it. */
static const struct switchover_accepted *list_accepted(const struct switchover_order *order, size_t *count)
{
    const struct admin_switchover_order *asked = &order->asked;
    struct switchover_accepted *list = arena_alloc(order->arena, (asked->accepted_count + 1) * sizeof *list);
    *count = 0;
    for (size_t i = 0; order->has_looked && i < asked->accepted_count; i++) {
        bool is_found = false;
        for (size_t f = 0; f < order->look.finding_count && !is_found; f++) {
            const struct switchover_finding *finding = &order->look.findings[f];
            is_found = !finding->is_good && strcmp(finding->name, asked->accepted[i]) == 0;
            if (is_found) {
                list[(*count)++] = (struct switchover_accepted){finding->name, finding->subject};
            }
        }
    }
    return list;
}

struct switchover_wish switchover_order_wish(struct switchover_order *order, enum switchover_verb verb)
{
    const struct admin_switchover_order *asked = &order->asked;
    size_t accepted_count;
    const struct switchover_accepted *accepted = list_accepted(order, &accepted_count);
    return (struct switchover_wish){.verb = verb,
                                    .is_emergency = asked->is_emergency,
                                    .actor = asked->actor,
                                    .peer = asked->peer,
                                    .reason = asked->reason,
                                    .text = tell_findings(order),
                                    .accepted = accepted,
                                    .accepted_count = accepted_count,
                                    .hooks_agreed = order->has_asked,
                                    .to = asked->to};
}
