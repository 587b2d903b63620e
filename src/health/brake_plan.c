/* SPDX-License-Identifier: BSD-3-Clause
 *
 * The brake, from its plan: which monitors look at the same target, and how long a window is. */
#include "config.h"

#include "health/brake_frame.h"
#include "health/brake_inside.h"

#include "base/memory.h"

#include <stdlib.h>

static int compare_subjects(const void *left, const void *right, void *context)
{
    const struct health_brake_monitor *monitors = context;
    const struct health_brake_monitor *a = &monitors[*(const uint32_t *)left],
                                      *b = &monitors[*(const uint32_t *)right];
    if (a->family != b->family) {
        return a->family < b->family ? -1 : 1;
    }
    return a->subject < b->subject ? -1 : a->subject > b->subject;
}

static uint32_t find_class(struct brake_frame *frame, uint32_t interval_ms)
{
    uint32_t i = 0;
    while (i < frame->class_count && frame->intervals_ms[i] != interval_ms) {
        i++;
    }
    if (i == frame->class_count) {
        frame->intervals_ms[frame->class_count++] = interval_ms;
    }
    return i;
}

static uint32_t count_intervals(const struct health_brake_monitor *monitors, uint32_t count)
{
    uint32_t changes = 1;
    for (uint32_t i = 1; i < count; i++) {
        changes += monitors[i].interval_ms != monitors[i - 1].interval_ms;
    }
    return changes;
}

/* A target's checks come at the pace of the first. */
static void number_targets(struct brake_frame *frame, const struct health_brake_monitor *monitors,
                           uint32_t count)
{
    uint32_t *sorted = memory_alloc_array(count, sizeof *sorted);
    for (uint32_t i = 0; i < count; i++) {
        sorted[i] = i;
    }
    qsort_r(sorted, count, sizeof *sorted, compare_subjects, (void *)(uintptr_t)monitors);
    for (uint32_t i = 0; i < count; i++) {
        const struct health_brake_monitor *monitor = &monitors[sorted[i]];
        const struct health_brake_monitor *before = i == 0 ? NULL : &monitors[sorted[i - 1]];
        if (before == NULL || monitor->subject == 0 || before->subject != monitor->subject ||
            before->family != monitor->family) {
            frame->places[frame->target_count++] =
                (struct brake_place){monitor->family, find_class(frame, monitor->interval_ms)};
            frame->totals[monitor->family]++;
        }
        frame->target_of[sorted[i]] = frame->target_count - 1;
    }
    free(sorted);
}

static struct brake_frame *make_frame(struct arena *arena, const struct health_brake_plan *plan,
                                      uint32_t count)
{
    struct brake_frame *frame = arena_alloc(arena, sizeof *frame);
    const struct health_brake_monitor *monitors = plan->monitors;
    frame->plan = *plan;
    frame->plan.monitors = NULL;
    frame->plan.controls = arena_copy(arena, plan->controls, plan->control_count);
    if (plan->control_identities != NULL) {
        frame->plan.control_identities =
            arena_copy(arena, plan->control_identities, plan->control_count * sizeof(uint64_t));
    }
    frame->target_of = arena_alloc(arena, count * sizeof *frame->target_of);
    frame->places = arena_alloc(arena, count * sizeof *frame->places);
    frame->intervals_ms = arena_alloc(arena, count_intervals(monitors, count) * sizeof(uint32_t));
    number_targets(frame, monitors, count);
    for (uint32_t i = 0; i < count; i++) {
        /* checks start up to a twentieth late */
        int64_t round_ms =
            (int64_t)monitors[i].interval_ms + monitors[i].interval_ms / 20 + monitors[i].timeout_ms;
        frame->window_ms = round_ms > frame->window_ms ? round_ms : frame->window_ms;
    }
    frame->window_ms = frame->window_ms < plan->hold_ms ? frame->window_ms : plan->hold_ms;
    return frame;
}

static void add(struct health *health, const struct brake_frame *frame)
{
    struct arena *arena = health->arena;
    struct health_brake *brake = arena_alloc(arena, sizeof *brake);
    brake->frame = frame;
    brake->targets = arena_alloc(arena, frame->target_count * sizeof *brake->targets);
    brake->links = arena_alloc(arena, health->monitor_count * sizeof *brake->links);
    brake->heard = arena_alloc(arena, health->monitor_count * sizeof *brake->heard);
    brake->controls = arena_alloc(arena, frame->plan.control_count * sizeof *brake->controls);
    for (int i = 0; i < HEALTH_BRAKES; i++) {
        struct brake_side *side = &brake->sides[i];
        side->first = side->last = side->cursor = HEALTH_BRAKE_NONE;
        side->window = 1; /* nobody is heard in it yet */
        side->members = arena_alloc(arena, frame->class_count * sizeof(uint32_t));
        side->quiet = arena_alloc(arena, frame->class_count * sizeof(uint32_t));
    }
    health->brake = brake;
}

void health_brake_add(struct health *health, const struct health_brake_plan *plan)
{
    if (plan != NULL) {
        add(health, make_frame(health->frame->arena, plan, health->monitor_count));
    }
}

void health_brake_add_like(struct health *health, const struct health *from)
{
    if (from->brake != NULL) {
        add(health, from->brake->frame);
    }
}
