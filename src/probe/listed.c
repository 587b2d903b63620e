/* SPDX-License-Identifier: BSD-3-Clause
 *
 * The engine and its list: what stays of one list in the next, when new checks begin, other addresses. */
#include "config.h"

#include "base/memory.h"
#include "probe/engine_inside.h"
#include "probe/flight.h"

#include <stdlib.h>

static void carry_what_stays(struct engine *engine, struct targets *targets, int64_t at_us)
{
    for (size_t i = 0; i < engine->targets->count; i++) {
        struct check *from = &engine->targets->checks[i], *to = targets_find_same(targets, from);
        if (to != NULL) {
            targets_carry(from, to, at_us);
        }
    }
    targets_forget_index(targets);
}

static size_t count_fresh(const struct targets *targets)
{
    size_t fresh = 0;
    for (size_t i = 0; i < targets->count; i++) {
        fresh += targets->checks[i].next_us == 0 && !targets->checks[i].idle;
    }
    return fresh;
}

static void plan_first(struct check *check, int64_t at_us, size_t nth, size_t of)
{
    schedule_init(&check->schedule, at_us, (int64_t)check->ask->interval_ms * MS, nth, of);
    check->next_us = check->schedule.grid_us;
}

/* Number `nth` and so on of those that are new, in the order in which they begin. Returns the next number. */
static size_t plan_fresh(struct targets *targets, bool is_first, size_t nth, size_t fresh, int64_t at_us)
{
    for (size_t i = 0; i < targets->count; i++) {
        struct check *check = &targets->checks[i];
        if (check->next_us == 0 && !check->idle && check->is_first == is_first) {
            plan_first(check, at_us, nth++, fresh);
        }
    }
    return nth;
}

static void schedule_the_rest(struct engine *engine, struct targets *targets, size_t fresh, int64_t at_us)
{
    size_t nth = plan_fresh(targets, true, 0, fresh, at_us);
    (void)plan_fresh(targets, false, nth, fresh, at_us);
    for (size_t i = 0; i < targets->count; i++) {
        struct check *check = &targets->checks[i];
        if (check->idle) {
            check->next_us = 0; /* to be planned when it is used */
        } else if (check->flight == NULL) {
            timer_heap_add(&engine->starts, &check->timer, check->next_us);
        }
    }
}

void listed_drop(struct engine *engine)
{
    for (size_t i = 0; i < engine->targets->count; i++) {
        struct check *check = &engine->targets->checks[i];
        if (check->flight != NULL) {
            flight_drop(check->flight);
        }
        flight_end_rest(check);
        if (!check->carried) {
            trouble_forget(&engine->trouble, (enum probe_cause)check->cause, engine_now_us(engine));
        }
    }
    (void)caps_take_all(&engine->caps);
    targets_free(engine->targets);
}

void listed_leave_lines(struct engine *engine)
{
    for (struct check *check = caps_take_all(&engine->caps), *next; check != NULL; check = next) {
        next = check->behind;
        check->behind = NULL;
        engine_plan(engine, check);
    }
}

void listed_hurry(struct engine *engine)
{
    enum { TURN = 1024 };
    const struct targets *targets = engine->targets;
    int64_t at_us = engine_now_us(engine);
    for (size_t i = 0; i < TURN && engine->hurry_left != 0; i++, engine->hurry_left--) {
        engine->hurry_at = engine->hurry_at < targets->eager_count ? engine->hurry_at : 0;
        struct check *check = &targets->checks[targets->eager[engine->hurry_at++]];
        bool is_planned = !check->idle && check->flight == NULL && check->next_us > at_us;
        if (is_planned && check_get_kind(check->ask->type)->is_news(check)) {
            timer_heap_remove(&engine->starts, &check->timer);
            check->next_us = at_us;
            engine_plan(engine, check);
        }
    }
}

void engine_replace_targets(struct engine *engine, struct targets *targets)
{
    int64_t at_us = engine_now_us(engine);
    carry_what_stays(engine, targets, at_us);
    size_t fresh = count_fresh(targets);
    listed_drop(engine);
    timer_heap_clear(&engine->starts);
    schedule_the_rest(engine, targets, fresh, at_us);
    engine->targets = targets;
    engine_hurry(engine);
    atomic_store_explicit(&engine->counters.targets, targets->member_count, memory_order_relaxed);
    atomic_store_explicit(&engine->counters.checks, targets->count, memory_order_relaxed);
}

/* Returns the check if it is not planned any more, or not yet: NULL where nothing is new. */
static struct check *take_aim(struct engine *engine, const struct probe_aim *aim)
{
    const struct targets *targets = engine->targets;
    struct check *check =
        aim->target < targets->member_count ? &targets->checks[targets->check_of[aim->target]] : NULL;
    if (check == NULL || !targets_take_aim(check, aim)) {
        return NULL;
    }
    if (check->flight != NULL) {
        flight_drop(check->flight);
        check->flight = NULL;
    }
    flight_end_rest(check);
    timer_heap_remove(&engine->starts, &check->timer);
    check->next_us = check->idle ? 0 : check->next_us;
    return check;
}

void engine_aim(struct engine *engine, uint64_t generation, const struct probe_aim *aims, size_t count)
{
    struct check **taken = memory_alloc_array(count, sizeof *taken);
    size_t taken_count = 0, fresh = 0, nth = 0;
    int64_t at_us = engine_now_us(engine);
    listed_leave_lines(engine);
    for (size_t i = 0; generation == engine->targets->generation && i < count; i++) {
        taken[taken_count] = take_aim(engine, &aims[i]);
        if (taken[taken_count] != NULL && !taken[taken_count]->idle) {
            fresh += taken[taken_count++]->next_us == 0;
        }
    }
    for (size_t i = 0; i < taken_count; i++) {
        if (taken[i]->next_us == 0) {
            plan_first(taken[i], at_us, nth++, fresh);
        }
        timer_heap_add(&engine->starts, &taken[i]->timer, taken[i]->next_us);
    }
    engine->wake_us = 0;
    free(taken);
}
