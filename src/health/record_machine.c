/* SPDX-License-Identifier: BSD-3-Clause
 *
 * The machine that follows from what was read: see record.h. Every number in it has been looked at by
 * record_read.c. */
#include "config.h"

#include "health/record.h"

#include "base/arena.h"
#include "base/memory.h"
#include "health/brake_frame.h"
#include "health/record_inside.h"

#include <stdlib.h>
#include <string.h>

static bool is_complete(const struct health_reader *reader)
{
    bool all = reader->is_begun && reader->monitor_count == reader->wanted_monitors &&
               reader->control_count == reader->wanted_controls;
    for (int kind = HEALTH_ENDPOINT; kind < HEALTH_KINDS; kind++) {
        all = all && reader->counts[kind] == reader->wanted[kind];
    }
    return all;
}

static void fill_nodes(const struct health_reader *reader, struct health_plan *plan, struct arena *arena)
{
    struct health_region_plan *regions = arena_alloc(arena, reader->counts[HEALTH_REGION] * sizeof *regions);
    struct health_az_plan *azs = arena_alloc(arena, reader->counts[HEALTH_AZ] * sizeof *azs);
    struct health_endpoint_plan *endpoints =
        arena_alloc(arena, reader->counts[HEALTH_ENDPOINT] * sizeof *endpoints);
    uint64_t *addressed = arena_alloc(arena, reader->counts[HEALTH_ENDPOINT] * sizeof *addressed);
    struct health_need *needs = arena_alloc(arena, reader->counts[HEALTH_ENDPOINT] * sizeof *needs);
    for (size_t i = 0; i < reader->counts[HEALTH_REGION]; i++) {
        const struct read_node *node = &reader->nodes[HEALTH_REGION][i];
        regions[i] = (struct health_region_plan){node->name, node->lost_at};
    }
    for (size_t i = 0; i < reader->counts[HEALTH_AZ]; i++) {
        const struct read_node *node = &reader->nodes[HEALTH_AZ][i];
        azs[i] = (struct health_az_plan){node->name, node->parent, node->lost_at};
    }
    for (size_t i = 0; i < reader->counts[HEALTH_ENDPOINT]; i++) {
        const struct read_node *node = &reader->nodes[HEALTH_ENDPOINT][i];
        endpoints[i] = (struct health_endpoint_plan){node->name, node->parent};
        addressed[i] = node->addressed;
        needs[i] = node->need;
    }
    *plan = (struct health_plan){.regions = regions,
                                 .region_count = reader->counts[HEALTH_REGION],
                                 .azs = azs,
                                 .az_count = reader->counts[HEALTH_AZ],
                                 .endpoints = endpoints,
                                 .endpoint_count = reader->counts[HEALTH_ENDPOINT],
                                 .addressed = addressed,
                                 .needs = needs};
}

/* What holds and for how long is for the brake of the other plan to say; this one says how it stands. */
static struct health_brake_plan *make_brake(const struct health_reader *reader, struct arena *arena)
{
    struct health_brake_plan *plan = arena_alloc(arena, sizeof *plan);
    struct health_brake_monitor *monitors = arena_alloc(arena, reader->monitor_count * sizeof *monitors);
    uint8_t *families = arena_alloc(arena, reader->control_count);
    uint64_t *identities = arena_alloc(arena, reader->control_count * sizeof *identities);
    for (size_t i = 0; i < reader->monitor_count; i++) {
        monitors[i] = (struct health_brake_monitor){.subject = reader->monitors[i].kin.subject,
                                                    .interval_ms = 1,
                                                    .family = reader->monitors[i].brake_family};
    }
    for (size_t i = 0; i < reader->control_count; i++) {
        families[i] = reader->controls[i].family;
        identities[i] = reader->controls[i].identity;
    }
    *plan = (struct health_brake_plan){.share = 1,
                                       .targets = 1,
                                       .hold_ms = 1,
                                       .monitors = monitors,
                                       .controls = families,
                                       .control_identities = identities,
                                       .control_count = reader->control_count};
    return plan;
}

static struct health *make_machine(const struct health_reader *reader, int64_t wall_ms)
{
    struct arena *arena = arena_new(0);
    struct health_plan plan;
    fill_nodes(reader, &plan, arena);
    struct health_monitor_plan *monitors = arena_alloc(arena, reader->monitor_count * sizeof *monitors);
    struct health_kin *kin = arena_alloc(arena, reader->monitor_count * sizeof *kin);
    uint8_t *roles = arena_alloc(arena, reader->monitor_count);
    for (size_t i = 0; i < reader->monitor_count; i++) {
        monitors[i] = reader->monitors[i].plan;
        kin[i] = reader->monitors[i].kin;
        roles[i] = reader->monitors[i].role;
    }
    plan.monitors = monitors;
    plan.monitor_count = reader->monitor_count;
    plan.kin = kin;
    plan.roles = roles;
    struct health_lags_plan lags;
    health_record_plan_lags(reader, arena, &lags);
    plan.lags = &lags;
    struct health_guards_plan guards;
    health_record_plan_guards(reader, arena, &guards);
    plan.guards = &guards;
    plan.brake = reader->has_brake ? make_brake(reader, arena) : NULL;
    struct health *health = health_new(&plan, wall_ms);
    arena_free(arena);
    return health;
}

/* A monotonic time; 0 is none. */
static int64_t shift(int64_t at_ms, int64_t by_ms)
{
    int64_t shifted;
    return at_ms == 0 || __builtin_add_overflow(at_ms, by_ms, &shifted) ? at_ms : shifted;
}

/* It was found out by then, and again since. */
static void bound(int64_t *at_ms, int64_t wall_ms)
{
    *at_ms = *at_ms > wall_ms ? wall_ms : *at_ms;
}

/* What is said of the future was said by another clock. */
static struct health_stay move_stay(const struct health_stay *stay, const struct health_reading *reading)
{
    struct health_stay moved = *stay;
    int64_t *const times[] = {&moved.down_ms, &moved.ready_ms, &moved.penalty_ms};
    for (size_t i = 0; i < sizeof times / sizeof *times; i++) {
        int64_t by_ms = reading->shift_ms + (times[i] == &moved.ready_ms ? reading->gap_ms : 0);
        *times[i] = shift(*times[i], by_ms);
        if (reading->now_ms != 0) {
            bound(times[i], reading->now_ms);
        }
    }
    return moved;
}

static void fill_results(const struct health_reader *reader, const struct health_reading *reading,
                         struct health *health)
{
    for (uint32_t i = 0; i < health->monitor_count; i++) {
        struct health_monitor *m = &health->monitors[i];
        struct health_history history = reader->monitors[i].history;
        m->is_judged = history.monitor.is_judged;
        history.stay = move_stay(&history.stay, reading);
        health_record_fill_push(&reader->monitors[i].push, reading, &history.report);
        health_history_put(health, i, &history);
        m->suspected_ms = shift(m->suspected_ms, reading->shift_ms);
        m->answered_ms = shift(m->answered_ms, reading->shift_ms);
        m->result_ms =
            m->judged_ms == 0 || reading->now_ms == 0
                ? 0
                : reading->now_ms - (reading->wall_ms > m->judged_ms ? reading->wall_ms - m->judged_ms : 0);
        m->restored = (m->restored || reading->is_restored) && m->outcome != HEALTH_OUTCOME_NONE &&
                      reading->alive_ms == 0;
        m->doubted = m->restored;
        if (reading->alive_ms != 0) {
            bound(&m->checked_ms, reading->wall_ms);
            bound(&m->judged_ms, reading->wall_ms);
        }
    }
}

static void fill_brake(const struct health_reader *reader, const struct health_reading *reading,
                       struct health *health)
{
    int64_t by_ms = reading->shift_ms;
    health->now_ms = reading->now_ms != 0 ? reading->now_ms : shift(reader->brake.now_ms, by_ms);
    health->offset_ms = reading->wall_ms - health->now_ms;
    for (int i = 0; reader->brake.is_known && i < HEALTH_BRAKES; i++) {
        struct brake_side *side = &health->brake->sides[i];
        const struct brake_side *read = &reader->brake.sides[i];
        side->engaged = read->engaged;
        side->cursor = read->cursor;
        side->engaged_ms = shift(read->engaged_ms, by_ms);
        side->until_ms = shift(read->until_ms, by_ms);
        side->freed_ms = shift(read->freed_ms, by_ms);
        side->window_ms = shift(read->window_ms, by_ms);
        side->engagements = read->engagements;
    }
    for (size_t i = 0; reader->has_brake && i < reader->control_count; i++) {
        health->brake->controls[i] = reader->controls[i].what;
        health->brake->controls[i].at_ms = shift(reader->controls[i].what.at_ms, by_ms);
    }
}

/* It was reported again by then, at the latest when it would have grown too old. */
static void keep_alive(struct health_load *load, int64_t alive_ms)
{
    int64_t passed_ms, ends_ms, reported_ms;
    if (alive_ms != 0 && load->status.source != HEALTH_LOAD_NONE && load->ends_ms <= alive_ms &&
        !__builtin_sub_overflow(alive_ms, load->begun_ms, &passed_ms) &&
        !__builtin_add_overflow(load->ends_ms, passed_ms, &ends_ms) &&
        !__builtin_add_overflow(load->status.reported_ms, passed_ms, &reported_ms)) {
        load->begun_ms = alive_ms;
        load->ends_ms = ends_ms;
        load->status.reported_ms = reported_ms;
    }
}

static void fill_loads(const struct health_reader *reader, const struct health_reading *reading,
                       struct health *health)
{
    bool *said = memory_alloc_array(health->counts[HEALTH_ENDPOINT], sizeof *said);
    for (const struct read_load *load = reader->loads; load != NULL; load = load->next) {
        if (said[load->endpoint]) {
            continue;
        }
        struct health_load *to = health_load_make(health, load->endpoint);
        said[load->endpoint] = true;
        *to = load->what;
        to->begun_ms = shift(to->begun_ms, reading->shift_ms);
        to->ends_ms = shift(to->ends_ms, reading->shift_ms);
        keep_alive(to, reading->alive_ms);
        health_word_set_shed(health, load->endpoint, load->level);
    }
    free(said);
}

static void fill_more(const struct health_reader *reader, const struct health_reading *reading,
                      struct health *health)
{
    for (uint32_t i = 0; i < health->counts[HEALTH_ENDPOINT]; i++) {
        uint32_t resolved = reader->nodes[HEALTH_ENDPOINT][i].more;
        health_word_set_resolved(health, i, resolved << HEALTH_WORD_RESOLVED_SHIFT);
    }
    for (int kind = HEALTH_AZ; kind <= HEALTH_REGION; kind++) {
        for (uint32_t i = 0; i < health->counts[kind]; i++) {
            health->groups[kind][i].was_lost = reader->nodes[kind][i].more != 0;
            health->groups[kind][i].stay = move_stay(&reader->nodes[kind][i].stay, reading);
        }
    }
}

/* The plan of it is not known here: it is where it was. */
static void fill_ramps(const struct health_reader *reader, const struct health_reading *reading,
                       struct health *health)
{
    for (enum health_kind kind = HEALTH_ENDPOINT; kind <= HEALTH_REGION; kind++) {
        for (uint32_t i = 0; i < health->counts[kind]; i++) {
            const struct read_node *node = &reader->nodes[kind][i];
            struct health_ramp *ramp = &health->nodes[kind][i].ramp;
            *ramp = node->ramp;
            ramp->begun_ms = shift(shift(ramp->begun_ms, reading->shift_ms), reading->gap_ms);
            if (reading->now_ms != 0) {
                bound(&ramp->begun_ms, reading->now_ms + HEALTH_RAMP_EARLY_MS);
            }
            ramp->told = node->withheld == 0 ? 0 : (uint8_t)(HEALTH_RAMP_WHOLE - node->withheld);
            health_ramp_prune(health, kind, i);
            uint32_t withheld = ramp->families == 0 ? 0 : node->withheld;
            health_word_set_ramp(health, kind, i,
                                 withheld << HEALTH_WORD_RAMP_SHIFT | (uint32_t)ramp->families
                                                                          << HEALTH_WORD_RAMPING_SHIFT);
        }
    }
}

static void fill_outages(const struct read_node *node, struct health *health, enum health_kind kind,
                         uint32_t index)
{
    for (int family = kind == HEALTH_ENDPOINT ? HEALTH_V4 : HEALTH_ANY; family <= HEALTH_ANY; family++) {
        struct health_outage *outage = health_outage_at(health, kind, index, (enum health_family)family);
        _Atomic uint64_t *const times[HEALTH_OUTAGE_TIMES] = {
            &outage->left_ms, &outage->back_ms, &outage->before_left_ms, &outage->before_back_ms};
        for (int i = 0; i < HEALTH_OUTAGE_TIMES; i++) {
            atomic_store_explicit(times[i], node->outages[family][i], memory_order_relaxed);
        }
    }
}

/* Since when, where the state is the one that was written: what an override made of it is not known here. */
static void fill_times(const struct health_reader *reader, const struct health_reading *reading,
                       struct health *health)
{
    for (enum health_kind kind = HEALTH_ENDPOINT; kind <= HEALTH_REGION; kind++) {
        for (uint32_t i = 0; i < health->counts[kind]; i++) {
            const struct read_node *node = &reader->nodes[kind][i];
            struct health_node *to = &health->nodes[kind][i];
            health_node_note_told(to, health_find_effective(health, kind, i));
            to->told_verdicts = health_word_get(health, kind, i) & HEALTH_WORD_VERDICTS;
            bool is_same = node->is_known && (uint8_t)node->state == to->told_state;
            bool is_past = is_same && node->since_ms < reading->wall_ms;
            health_set_since(health, kind, i, is_past ? node->since_ms : reading->wall_ms);
            fill_outages(node, health, kind, i);
        }
    }
}

struct health *health_reader_finish(struct health_reader *reader, const struct health_reading *reading)
{
    if (!is_complete(reader)) {
        return NULL;
    }
    struct health *health = make_machine(reader, reading->wall_ms);
    health->is_filled = false;
    health->is_joining = true;
    health_guards_rest(health);
    health->keeps_stays = true;
    health->wall_ms = reading->wall_ms;
    fill_results(reader, reading, health);
    fill_brake(reader, reading, health);
    fill_loads(reader, reading, health);
    health_record_fill_lags(reader, reading, health);
    fill_more(reader, reading, health);
    health_rebuild(health);
    fill_ramps(reader, reading, health);
    health_table_advance(health);
    health->is_filled = true;
    health_record_fill_guards(reader, health);
    fill_times(reader, reading, health);
    return health;
}

void health_reader_put_right(const struct health_reader *reader, struct health *health)
{
    health_guards_resume(health);
    for (enum health_kind kind = HEALTH_ENDPOINT; kind <= HEALTH_REGION; kind++) {
        for (size_t i = 0; i < reader->counts[kind]; i++) {
            const struct read_node *node = &reader->nodes[kind][i];
            bool is_ordered = node->is_known && node->state >= HEALTH_DRAINED;
            ptrdiff_t found = is_ordered ? health_find(health, kind, node->name) : -1;
            uint32_t index = (uint32_t)found;
            if (found >= 0 && health_find_effective(health, kind, index).state == node->state &&
                node->since_ms < health_find_since(health, kind, index)) {
                health_set_since(health, kind, index, node->since_ms);
                fill_outages(node, health, kind, index);
            }
        }
    }
}
