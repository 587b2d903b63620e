/* SPDX-License-Identifier: BSD-3-Clause
 *
 * See crew.h. The prober has one list: those of the slots, one behind the other. Which part is whose, and the
 * verdicts, are under a lock that both threads hold for microseconds; only to go on from one list to the next
 * takes as long as the list is. Results of the list before, from then until the prober has the new one, are
 * dropped: the next ones come. */
#include "config.h"

#include "steerprobe/crew.h"

#include "base/lock.h"
#include "base/log.h"
#include "base/memory.h"
#include "probe/probe.h"

#include <stdlib.h>

struct slot {
    /* Written by the control thread under the lock. */
    const char *server;            /* for the log; borrowed */
    struct assignment *assignment; /* NULL: none; held */
    struct verdicts *verdicts;
    size_t first;               /* in the prober's list */
    struct fleet_limits limits; /* of the control thread; they outlive lists */
};

struct crew {
    const struct clock *clock;
    struct crew_hooks hooks;
    struct prober *prober;
    struct lock lock;
    uint64_t generation; /* of the prober's list; likewise */
    struct slot slots[CREW_SLOTS];
};

/* ---- results ---- */

/* NULL: nobody's any more. *index: in the list of the slot. */
static struct slot *find_slot(struct crew *crew, const struct probe_result *result, uint32_t *index)
{
    for (size_t i = 0; i < CREW_SLOTS && result->generation == crew->generation; i++) {
        struct slot *slot = &crew->slots[i];
        if (slot->verdicts != NULL && result->target - slot->first < verdicts_count(slot->verdicts)) {
            *index = (uint32_t)(result->target - slot->first);
            return slot;
        }
    }
    return NULL;
}

static void log_turn(const struct slot *slot, uint32_t index, const struct verdicts_turn *turn,
                     const struct probe_result *result)
{
    if (turn->before != turn->after) {
        log_info("verdict target=%s verdict=%s was=%s outcome=%s server=%s",
                 assignment_name(slot->assignment, index), fleet_verdict_text(turn->after),
                 fleet_verdict_text(turn->before), health_outcome_text(result->outcome), slot->server);
    }
}

static bool on_ended(void *context, const struct probe_result *result)
{
    struct crew *crew = context;
    const struct verdicts_result what = {
        .outcome = result->outcome, .detail = result->detail, .duration_us = result->duration_us};
    struct verdicts_turn turn = {.tells = false};
    uint32_t index;
    lock_take(&crew->lock);
    struct slot *slot = find_slot(crew, result, &index);
    if (slot != NULL) {
        turn = verdicts_note(slot->verdicts, index, &what, clock_now_ms(crew->clock));
        log_turn(slot, index, &turn, result);
    }
    lock_leave(&crew->lock);
    if (turn.tells) {
        crew->hooks.changed(crew->hooks.context);
    }
    return turn.hangs;
}

/* ---- lists ---- */

static size_t count_slot(const struct slot *slot)
{
    return slot->assignment == NULL ? 0 : assignment_count(slot->assignment);
}

/* For the next generation, in which a slot has that assignment (NULL: none). */
static struct targets *make_targets(const struct crew *crew, size_t slot, const struct assignment *next)
{
    const struct assignment *lists[CREW_SLOTS];
    size_t count = 0, done = 0;
    for (size_t i = 0; i < CREW_SLOTS; i++) {
        lists[i] = i == slot ? next : crew->slots[i].assignment;
        count += lists[i] == NULL ? 0 : assignment_count(lists[i]);
    }
    struct probe_target *targets = memory_alloc_array(count, sizeof *targets);
    struct arena *arena = arena_new(0);
    for (size_t i = 0; i < CREW_SLOTS; i++) {
        for (size_t j = 0; lists[i] != NULL && j < assignment_count(lists[i]); j++) {
            targets[done++] = assignment_describe(lists[i], j, arena);
        }
    }
    struct targets *made = prober_make_targets(crew->generation + 1, targets, count);
    arena_free(arena);
    free(targets);
    return made;
}

static struct verdicts *make_verdicts(const struct assignment *assignment, int64_t blind_ms, int64_t now_ms)
{
    size_t count = assignment_count(assignment);
    struct verdicts_plan *plans = memory_alloc_array(count, sizeof *plans);
    assignment_plan(assignment, plans);
    struct verdicts *verdicts = verdicts_new(plans, count, blind_ms, now_ms);
    free(plans);
    return verdicts;
}

/* Returns what was there before. */
static struct slot put(struct crew *crew, struct slot *to, const struct slot *made)
{
    lock_take(&crew->lock);
    struct slot before = *to;
    if (before.verdicts != NULL && made->verdicts != NULL) {
        verdicts_carry(made->verdicts, before.verdicts, clock_now_ms(crew->clock));
    }
    *to = *made;
    crew->generation++;
    size_t first = 0;
    for (size_t i = 0; i < CREW_SLOTS; i++) {
        crew->slots[i].first = first;
        first += count_slot(&crew->slots[i]);
    }
    lock_leave(&crew->lock);
    return before;
}

void crew_assign(struct crew *crew, size_t slot, const char *server, struct assignment *assignment,
                 int64_t blind_ms)
{
    struct slot made = {.server = server, .assignment = assignment, .limits = crew->slots[slot].limits};
    if (assignment != NULL) {
        made.verdicts = make_verdicts(assignment, blind_ms, clock_now_ms(crew->clock));
    }
    struct targets *targets = make_targets(crew, slot, assignment); /* as long as the list before is in use */
    struct slot before = put(crew, &crew->slots[slot], &made);
    prober_use_targets(crew->prober, targets);
    verdicts_free(before.verdicts);
    assignment_drop(before.assignment);
    memory_trim();
}

struct assignment *crew_get(const struct crew *crew, size_t slot)
{
    return crew->slots[slot].assignment;
}

void crew_rename(struct crew *crew, size_t slot, uint64_t generation)
{
    assignment_rename(crew->slots[slot].assignment, generation);
}

static struct probe_aim aim_at(const struct fleet_aim *from, size_t first)
{
    struct probe_aim aim = {.target = (uint32_t)(first + from->index), .idle = from->idle};
    for (; aim.address_count < from->address_count && aim.address_count < PROBE_ADDRESSES_MAX;
         aim.address_count++) {
        aim.addresses[aim.address_count] = from->addresses[aim.address_count];
    }
    return aim;
}

bool crew_aim(struct crew *crew, size_t slot, const struct fleet_aim *aims, size_t count,
              char why[FLEET_WHY_SIZE])
{
    struct slot *to = &crew->slots[slot];
    if (!assignment_aim(to->assignment, aims, count, why)) {
        return false;
    }
    struct probe_aim *probe_aims = memory_alloc_array(count, sizeof *probe_aims);
    lock_take(&crew->lock);
    for (size_t i = 0; i < count; i++) {
        probe_aims[i] = aim_at(&aims[i], to->first);
        verdicts_use(to->verdicts, aims[i].index, !aims[i].idle, clock_now_ms(crew->clock));
    }
    lock_leave(&crew->lock);
    prober_aim(crew->prober, crew->generation, probe_aims, count);
    free(probe_aims);
    crew->hooks.changed(crew->hooks.context);
    return true;
}

/* ---- limits ---- */

static uint32_t get_least(uint32_t a, uint32_t b)
{
    return a == 0 || (b != 0 && b < a) ? b : a;
}

struct fleet_limits crew_get_limits(const struct crew *crew)
{
    struct fleet_limits least = {.in_flight = 0};
    for (size_t i = 0; i < CREW_SLOTS; i++) {
        const struct fleet_limits *said = &crew->slots[i].limits;
        least.in_flight = get_least(least.in_flight, said->in_flight);
        least.per_address = get_least(least.per_address, said->per_address);
        least.per_second = get_least(least.per_second, said->per_second);
    }
    return least;
}

void crew_limit(struct crew *crew, size_t slot, const struct fleet_limits *limits)
{
    static const struct fleet_limits none = {.in_flight = 0};
    crew->slots[slot].limits = limits == NULL ? none : *limits;
    struct fleet_limits least = crew_get_limits(crew);
    prober_set_limits(crew->prober, &(struct probe_limits){.in_flight = least.in_flight,
                                                           .per_address = least.per_address,
                                                           .per_second = least.per_second});
}

/* ---- what is told ---- */

size_t crew_take_changes(struct crew *crew, size_t slot, struct fleet_opinion *opinions, size_t max)
{
    lock_take(&crew->lock);
    size_t taken =
        verdicts_take_changes(crew->slots[slot].verdicts, opinions, max, clock_now_ms(crew->clock));
    lock_leave(&crew->lock);
    return taken;
}

size_t crew_take_next(struct crew *crew, size_t slot, struct fleet_opinion *opinions, size_t max, bool *ends)
{
    lock_take(&crew->lock);
    size_t taken =
        verdicts_take_next(crew->slots[slot].verdicts, opinions, max, clock_now_ms(crew->clock), ends);
    lock_leave(&crew->lock);
    return taken;
}

void crew_hold_up(struct crew *crew, int64_t for_ms)
{
    lock_take(&crew->lock);
    for (size_t i = 0; i < CREW_SLOTS; i++) {
        if (crew->slots[i].verdicts != NULL) {
            verdicts_hold_up(crew->slots[i].verdicts, for_ms, clock_now_ms(crew->clock));
        }
    }
    lock_leave(&crew->lock);
    crew->hooks.changed(crew->hooks.context);
}

void crew_begin_anew(struct crew *crew, size_t slot)
{
    lock_take(&crew->lock);
    verdicts_begin_anew(crew->slots[slot].verdicts);
    lock_leave(&crew->lock);
}

struct verdicts_counts crew_sum_up(struct crew *crew, size_t slot)
{
    lock_take(&crew->lock);
    struct verdicts_counts counts = verdicts_sum_up(crew->slots[slot].verdicts);
    lock_leave(&crew->lock);
    return counts;
}

void crew_get_stats(struct crew *crew, struct probe_stats *stats)
{
    prober_get_stats(crew->prober, stats);
}

/* ---- life ---- */

int crew_open(const struct clock *clock, const struct crew_hooks *hooks, struct crew **crew)
{
    struct crew *made = memory_alloc(sizeof *made);
    made->clock = clock;
    made->hooks = *hooks;
    lock_init(&made->lock);
    int error =
        prober_open(&(struct probe_hooks){.context = made, .ended = on_ended, .ahead_ms = hooks->ahead_ms},
                    &made->prober);
    if (error != 0) {
        lock_fini(&made->lock);
        free(made);
        return error;
    }
    *crew = made;
    return 0;
}

void crew_close(struct crew *crew)
{
    if (crew == NULL) {
        return;
    }
    prober_close(crew->prober);
    for (size_t i = 0; i < CREW_SLOTS; i++) {
        verdicts_free(crew->slots[i].verdicts);
        assignment_drop(crew->slots[i].assignment);
    }
    lock_fini(&crew->lock);
    free(crew);
}
