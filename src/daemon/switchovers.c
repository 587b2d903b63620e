/* SPDX-License-Identifier: BSD-3-Clause
 *
 * See switchovers.h. Carrying out: into the store and into force, and telling of it. */
#include "config.h"

#include "daemon/switchovers_inside.h"

#include "daemon/answers.h"
#include "daemon/durable.h"
#include "daemon/override_json.h"
#include "daemon/server.h"
#include "daemon/switchover_json.h"
#include "base/error.h"
#include "base/memory.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { KEPT_MAX = 200 }; /* that are over */

/* The oldest one that is over, if there are too many of them. */
static struct kept_switchover *find_surplus(const struct switchovers *all)
{
    size_t over = 0;
    struct kept_switchover *oldest = NULL;
    for (struct kept_switchover *kept = all->first; kept != NULL; kept = kept->next) {
        if (switchover_is_over(kept->what) && !kept->is_busy) {
            over++;
            oldest = kept;
        }
    }
    return over > KEPT_MAX ? oldest : NULL;
}

/* ---- overrides ---- */

void switchovers_note_before(const struct switchovers *all, struct switchover *next)
{
    struct server *server = all->server;
    lock_take(&server->lock);
    switchover_note_before(next, server->view->health);
    lock_leave(&server->lock);
}

static bool contains(const struct view *view, const struct switchover_target *a,
                     const struct switchover_target *b)
{
    const struct conf_topology *topology = view->topology;
    ptrdiff_t index = operate_find_target(view, b->kind, b->name);
    if (a->kind == b->kind || index < 0) {
        return a->kind == b->kind && strcmp(a->name, b->name) == 0;
    }
    if (a->kind < b->kind) {
        return false;
    }
    uint32_t az = b->kind == HEALTH_AZ ? (uint32_t)index : topology->endpoints[index].az;
    const char *parent =
        a->kind == HEALTH_AZ ? topology->azs[az].name : topology->regions[topology->azs[az].region].name;
    return strcmp(parent, a->name) == 0;
}

bool switchovers_overlap(const struct view *view, const struct switchover *a, const struct switchover *b)
{
    for (size_t i = 0; i < a->target_count; i++) {
        for (size_t j = 0; j < b->target_count; j++) {
            if (contains(view, &a->targets[i], &b->targets[j]) ||
                contains(view, &b->targets[j], &a->targets[i])) {
                return true;
            }
        }
    }
    return false;
}

static int compare_ops(const void *a, const void *b)
{
    return strcmp(((const struct batch_op *)a)->key, ((const struct batch_op *)b)->key);
}

static const char *write_override(struct arena *arena, const struct batch_op *op,
                                  const struct override_clock *clock)
{
    char *text = override_write_json(&op->what, op->planned, clock);
    const char *copy = arena_copy_text(arena, text);
    free(text);
    return copy;
}

static void make_op(const struct server *server, const struct switchover *next, size_t target,
                    struct arena *arena, struct batch_op *op)
{
    const struct switchover_target *of = &next->targets[target];
    const struct override_clock clock = {server->boot, server->clock_offset_ms};
    int64_t wall_ms = clock_wall_ms(&server->clock);
    *op = (struct batch_op){.kind = of->kind,
                            .name = arena_copy_text(arena, of->name),
                            .key = arena_print(arena, "%s:%s", health_kind_text(of->kind), of->name)};
    op->what = switchover_want(next, target, &op->planned);
    bool is_over = op->what.expires_ms != 0 && op->what.expires_ms <= wall_ms;
    if (op->what.desired == HEALTH_DESIRED_AUTO || is_over) {
        op->what.desired = HEALTH_DESIRED_AUTO;
        op->what.share = 0;
        return;
    }
    op->planned = op->planned && op->what.starts_ms > wall_ms;
    op->value = write_override(arena, op, NULL);
    op->written = write_override(arena, op, &clock);
}

static void make_ops(const struct server *server, const struct switchover *next, struct batch_plan *plan)
{
    plan->ops.items = arena_alloc(plan->arena, next->target_count * sizeof *plan->ops.items);
    plan->ops.count = next->target_count;
    for (size_t i = 0; i < next->target_count; i++) {
        make_op(server, next, i, plan->arena, &plan->ops.items[i]);
    }
    qsort(plan->ops.items, plan->ops.count, sizeof *plan->ops.items, compare_ops);
}

/* ---- carrying out ---- */

/* On its way to the store and into force. */
struct carrying {
    struct switchovers *all;
    struct kept_switchover *kept;
    struct switchover *next;
    struct switchover_change change;
};

static void on_carried_out(void *context, const struct batch_result *result)
{
    struct carrying *carrying = context;
    struct switchovers *all = carrying->all;
    struct kept_switchover *kept = carrying->kept;
    struct switchover *before = kept->what;
    bool is_new = before == carrying->next, is_done = result->error == 0 && !result->is_refused;
    kept->is_busy = false;
    kept->coming = NULL;
    if (is_done || is_new) {
        kept->what = carrying->next;
        if (is_done) {
            switchovers_tell(all, is_new ? NULL : before, kept->what, &carrying->change.cause);
        }
        if (!is_new) {
            switchover_free(before);
        }
    } else {
        switchover_free(carrying->next);
    }
    char *id = memory_copy_text(kept->what->id);
    switchovers_schedule(all);
    carrying->change.done(carrying->change.context, kept, result);
    if (is_new && result->is_refused) {
        switchovers_drop(all, kept);
    }
    free(carrying);
    if (all->rests != NULL) {
        all->rests(all, id);
    }
    free(id);
}

static void add_surplus(struct switchovers *all, struct arena *arena, struct store_op *ops, size_t *count)
{
    struct kept_switchover *surplus = find_surplus(all);
    if (surplus != NULL) {
        ops[(*count)++] = (struct store_op){.kind = SWITCHOVER_KIND,
                                            .key = arena_copy_text(arena, surplus->what->id),
                                            .if_revision = STORE_ANY};
        switchovers_drop(all, surplus);
    }
}

void switchovers_carry_out(struct switchovers *all, struct kept_switchover *kept,
                           const struct switchover_change *change)
{
    struct arena *arena = arena_new(0);
    struct store_op *ops = arena_alloc(arena, 3 * sizeof *ops);
    struct carrying *carrying = memory_alloc(sizeof *carrying);
    const struct override_clock clock = {all->server->boot, all->server->clock_offset_ms};
    char *value = switchover_write_json(change->next, &clock);
    size_t count = 1;
    if (kept == NULL) {
        kept = switchovers_keep(all, change->next);
    }
    kept->is_busy = true;
    kept->coming = change->next;
    ops[0] = (struct store_op){.kind = SWITCHOVER_KIND,
                               .key = arena_copy_text(arena, change->next->id),
                               .value = arena_copy_text(arena, value),
                               .if_revision = STORE_ANY};
    free(value);
    add_surplus(all, arena, ops, &count);
    count += answers_add_op(change->receipt, arena, &ops[count]);
    *carrying = (struct carrying){.all = all, .kept = kept, .next = change->next, .change = *change};
    carrying->change.cause = (struct store_cause){.actor = arena_copy_text(arena, change->cause.actor),
                                                  .peer = arena_copy_text(arena, change->cause.peer),
                                                  .reason = arena_copy_text(arena, change->cause.reason),
                                                  .request = arena_copy_text(arena, change->cause.request)};
    struct batch_plan plan = {.arena = arena,
                              .others = ops,
                              .other_count = count,
                              .cause = carrying->change.cause,
                              .sender = change->sender,
                              .is_emergency = change->is_emergency,
                              .clock_offset_ms = all->server->clock_offset_ms,
                              .context = carrying,
                              .done = on_carried_out};
    if (change->moves) {
        make_ops(all->server, change->next, &plan);
    }
    batches_start(all->server->batches, &plan);
}
