/* SPDX-License-Identifier: BSD-3-Clause
 *
 * From records to a machine: see record.h. The bytes may come from a disk that was torn or from a socket:
 * every number is looked at before it is believed, and what is allocated is at most some times what was read.
 */
#include "config.h"

#include "health/record.h"

#include "base/cursor.h"
#include "base/error.h"
#include "base/memory.h"
#include "base/utf8.h"
#include "health/brake_frame.h"
#include "health/brake_inside.h"
#include "health/machine.h"
#include "health/record_kinds.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { OUTAGE_TIMES = 4 };

struct read_node {
    const char *name;
    uint32_t parent;
    double lost_at;
    uint64_t addressed;
    bool is_known; /* what follows is */
    int64_t since_ms;
    uint8_t state, more; /* more: resolved families, or was it lost */
    uint64_t outages[HEALTH_VIEWS][OUTAGE_TIMES];
};

struct read_monitor {
    struct health_monitor_plan plan;
    struct health_kin kin;
    uint8_t brake_family;
    struct health_monitor history; /* without the plan */
};

struct read_control {
    uint64_t identity;
    uint8_t family;
    struct brake_control what;
};

struct read_load {
    struct read_load *next; /* that was said before */
    uint32_t endpoint;
    uint8_t level;
    struct health_load what; /* without the plan */
};

struct read_brake {
    bool is_known;
    int64_t now_ms;
    struct brake_side sides[HEALTH_BRAKES]; /* without lists and counters */
};

struct health_reader {
    bool is_begun, has_brake;
    uint32_t wanted[HEALTH_KINDS], wanted_monitors, wanted_controls;
    struct read_node *nodes[HEALTH_KINDS];
    size_t counts[HEALTH_KINDS], capacities[HEALTH_KINDS];
    struct read_monitor *monitors;
    size_t monitor_count, monitor_capacity;
    struct read_control *controls;
    size_t control_count, control_capacity;
    struct read_load *loads; /* the latest first */
    struct read_brake brake;
    struct arena *arena;
};

struct health_reader *health_reader_new(void)
{
    struct health_reader *reader = memory_alloc(sizeof *reader);
    reader->arena = arena_new(0);
    return reader;
}

void health_reader_free(struct health_reader *reader)
{
    if (reader == NULL) {
        return;
    }
    for (int kind = HEALTH_ENDPOINT; kind < HEALTH_KINDS; kind++) {
        free(reader->nodes[kind]);
    }
    free(reader->monitors);
    free(reader->controls);
    arena_free(reader->arena);
    free(reader);
}

/* ---- the plan ---- */

static bool read_machine(struct health_reader *reader, struct cursor *body)
{
    bool is_first = !reader->is_begun && cursor_read_u8(body) == HEALTH_RECORD_VERSION;
    reader->wanted[HEALTH_REGION] = cursor_read_u32(body);
    reader->wanted[HEALTH_AZ] = cursor_read_u32(body);
    reader->wanted[HEALTH_ENDPOINT] = cursor_read_u32(body);
    reader->wanted_monitors = cursor_read_u32(body);
    reader->has_brake = cursor_read_u8(body) != 0;
    reader->wanted_controls = cursor_read_u32(body);
    reader->is_begun = is_first && !body->failed;
    return reader->is_begun;
}

/* The rest of a record: UTF-8 without control characters. NULL: it is none. */
static const char *read_text(struct cursor *body, struct arena *arena)
{
    size_t len = cursor_left(body), at = 0;
    const char *bytes = (const char *)cursor_take(body, len);
    while (bytes != NULL && at < len) {
        uint32_t code;
        size_t size = utf8_read(bytes + at, len - at, &code);
        if (size == 0 || utf8_is_control(code)) {
            return NULL;
        }
        at += size;
    }
    if (bytes == NULL) {
        return NULL;
    }
    char *text = arena_alloc(arena, len + 1);
    memcpy(text, bytes, len);
    return text;
}

static bool read_node_plan(struct health_reader *reader, enum health_kind kind, struct cursor *body)
{
    struct read_node node = {.lost_at = 1};
    node.parent = kind == HEALTH_REGION ? 0 : cursor_read_u32(body);
    if (kind == HEALTH_ENDPOINT) {
        node.addressed = cursor_read_u64(body);
    } else {
        node.lost_at = cursor_read_double(body);
    }
    node.name = read_text(body, reader->arena);
    bool is_good = !body->failed && node.name != NULL && node.lost_at > 0 && node.lost_at <= 1 &&
                   (kind == HEALTH_REGION || node.parent < reader->counts[kind + 1]) &&
                   reader->counts[kind] < reader->wanted[kind];
    if (is_good) {
        reader->nodes[kind] = memory_grow(reader->nodes[kind], reader->counts[kind],
                                          &reader->capacities[kind], sizeof *reader->nodes[kind]);
        reader->nodes[kind][reader->counts[kind]++] = node;
    }
    return is_good;
}

static bool read_monitor_plan(struct health_reader *reader, struct cursor *body)
{
    enum { EVERY_FAMILY = 1 << HEALTH_V4 | 1 << HEALTH_V6 };
    struct read_monitor monitor = {.brake_family = 0};
    monitor.plan.endpoint = cursor_read_u32(body);
    monitor.plan.identity = cursor_read_u64(body);
    monitor.kin.subject = cursor_read_u64(body);
    monitor.kin.check = cursor_read_u64(body);
    monitor.plan.rise = cursor_read_u16(body);
    monitor.plan.fall = cursor_read_u16(body);
    monitor.plan.families = cursor_read_u8(body);
    monitor.brake_family = cursor_read_u8(body);
    size_t count = reader->monitor_count;
    bool is_good = !body->failed && monitor.plan.endpoint < reader->counts[HEALTH_ENDPOINT] &&
                   (count == 0 || reader->monitors[count - 1].plan.endpoint <= monitor.plan.endpoint) &&
                   (monitor.plan.families & ~(unsigned)EVERY_FAMILY) == 0 &&
                   monitor.brake_family < HEALTH_BRAKES && count < reader->wanted_monitors;
    if (is_good) {
        reader->monitors =
            memory_grow(reader->monitors, count, &reader->monitor_capacity, sizeof *reader->monitors);
        reader->monitors[reader->monitor_count++] = monitor;
    }
    return is_good;
}

static bool read_control_plan(struct health_reader *reader, struct cursor *body)
{
    struct read_control control = {.identity = cursor_read_u64(body)};
    control.family = cursor_read_u8(body);
    bool is_good =
        !body->failed && control.family < HEALTH_BRAKES && reader->control_count < reader->wanted_controls;
    if (is_good) {
        reader->controls = memory_grow(reader->controls, reader->control_count, &reader->control_capacity,
                                       sizeof *reader->controls);
        reader->controls[reader->control_count++] = control;
    }
    return is_good;
}

/* ---- what came of results ---- */

static bool read_node(struct health_reader *reader, struct cursor *body)
{
    unsigned kind = cursor_read_u8(body);
    uint32_t index = cursor_read_u32(body);
    struct read_node read = {.since_ms = cursor_read_i64(body), .is_known = true};
    read.state = cursor_read_u8(body);
    read.more = cursor_read_u8(body);
    unsigned outages = cursor_read_u8(body);
    for (int family = HEALTH_V4; family < HEALTH_VIEWS; family++) {
        for (int i = 0; (outages >> family & 1) != 0 && i < OUTAGE_TIMES; i++) {
            read.outages[family][i] = cursor_read_u64(body);
        }
    }
    bool is_good =
        !body->failed && kind < HEALTH_KINDS && index < reader->counts[kind] && read.state < HEALTH_STATES &&
        read.more <= HEALTH_WORD_RESOLVED >> HEALTH_WORD_RESOLVED_SHIFT && outages < 1u << HEALTH_VIEWS;
    if (is_good) {
        struct read_node *node = &reader->nodes[kind][index];
        node->is_known = true;
        node->since_ms = read.since_ms;
        node->state = read.state;
        node->more = read.more;
        memcpy(node->outages, read.outages, sizeof node->outages);
    }
    return is_good;
}

static bool read_result(struct health_reader *reader, struct cursor *body)
{
    uint32_t index = cursor_read_u32(body);
    struct health_monitor m = {.checked_ms = cursor_read_i64(body)};
    m.judged_ms = cursor_read_i64(body);
    m.suspected_ms = cursor_read_i64(body);
    m.answered_ms = cursor_read_i64(body);
    m.duration_us = cursor_read_u32(body);
    m.detail = cursor_read_u16(body);
    m.streak = cursor_read_u16(body);
    unsigned flags = cursor_read_u8(body);
    m.verdict = cursor_read_u8(body);
    m.outcome = cursor_read_u8(body);
    m.says = cursor_read_u8(body);
    m.failing = (flags & HEALTH_FLAG_FAILING) != 0;
    m.idle = (flags & HEALTH_FLAG_IDLE) != 0;
    m.inherited = (flags & HEALTH_FLAG_INHERITED) != 0;
    m.untried = (flags & HEALTH_FLAG_UNTRIED) != 0;
    m.restored = (flags & HEALTH_FLAG_RESTORED) != 0;
    m.left_unhealthy = (flags & HEALTH_FLAG_LEFT_UNHEALTHY) != 0;
    bool is_good = !body->failed && index < reader->monitor_count && flags <= HEALTH_FLAGS_RESULT &&
                   m.verdict <= HEALTH_OBSERVED_UNHEALTHY && m.outcome < HEALTH_OUTCOME_COUNT &&
                   m.says <= HEALTH_SAYS_SUSPECT;
    if (is_good) {
        reader->monitors[index].history = m;
    }
    return is_good;
}

static bool read_load(struct health_reader *reader, struct cursor *body)
{
    struct read_load *load = arena_alloc(reader->arena, sizeof *load);
    struct health_load_status *status = &load->what.status;
    load->endpoint = cursor_read_u32(body);
    unsigned source = cursor_read_u8(body);
    status->value = cursor_read_double(body);
    status->reported_ms = cursor_read_i64(body);
    load->what.begun_ms = cursor_read_i64(body);
    load->what.ttl_ms = cursor_read_i64(body);
    load->what.ends_ms = cursor_read_i64(body);
    load->level = cursor_read_u8(body);
    load->what.told_sheds = cursor_read_u8(body) != 0;
    size_t actor_len = cursor_read_u8(body);
    const uint8_t *actor = cursor_take(body, actor_len);
    const char *peer = read_text(body, reader->arena);
    if (actor == NULL || peer == NULL || actor_len >= HEALTH_ACTOR_SIZE || strlen(peer) >= HEALTH_PEER_SIZE ||
        utf8_check((const char *)actor, actor_len) != actor_len || memchr(actor, 0, actor_len) != NULL) {
        return false;
    }
    bool is_good = load->endpoint < reader->counts[HEALTH_ENDPOINT] && source <= HEALTH_LOAD_PUSHED &&
                   isfinite(status->value) && status->value >= 0 && load->level <= HEALTH_SHED_ALL &&
                   load->what.ttl_ms >= 0;
    if (is_good) {
        status->source = (enum health_load_source)source;
        memcpy(status->actor, actor, actor_len);
        memcpy(status->peer, peer, strlen(peer));
        load->next = reader->loads;
        reader->loads = load;
    }
    return is_good;
}

static struct brake_side read_side(struct cursor *body)
{
    unsigned flags = cursor_read_u8(body);
    struct brake_side side = {.engaged = (flags & HEALTH_FLAG_ENGAGED) != 0,
                              .cursor = (flags & HEALTH_FLAG_WALKS) != 0 ? 0 : HEALTH_BRAKE_NONE};
    side.engaged_ms = cursor_read_i64(body);
    side.until_ms = cursor_read_i64(body);
    side.freed_ms = cursor_read_i64(body);
    side.window_ms = cursor_read_i64(body);
    side.engagements = cursor_read_u64(body);
    return side;
}

static bool read_brake(struct health_reader *reader, struct cursor *body)
{
    struct read_brake brake = {.is_known = true, .now_ms = cursor_read_i64(body)};
    for (int i = 0; i < HEALTH_BRAKES; i++) {
        brake.sides[i] = read_side(body);
    }
    if (body->failed || !reader->has_brake) {
        return false;
    }
    reader->brake = brake;
    for (size_t i = 0; i < reader->control_count && cursor_left(body) != 0; i++) {
        reader->controls[i].what.answers = cursor_read_u8(body) != 0;
        reader->controls[i].what.at_ms = cursor_read_i64(body);
    }
    return !body->failed;
}

/* It was heard of so many seconds ago, or a little less. */
static void age(struct health_monitor *m, int64_t wall_ms, int64_t now_ms, uint16_t age_s)
{
    int64_t age_ms = (int64_t)age_s * 1000 + 999, at_ms = wall_ms - age_ms;
    if (age_s == HEALTH_AGE_UNKNOWN || m->checked_ms == 0 || at_ms <= m->checked_ms) {
        return;
    }
    m->checked_ms = at_ms;
    if (m->outcome != HEALTH_OUTCOME_LOCAL_ERROR) {
        m->judged_ms = at_ms;
        m->answered_ms = m->says == HEALTH_SAYS_ANSWERS ? now_ms - age_ms : m->answered_ms;
    }
}

static bool read_ages(struct health_reader *reader, struct cursor *body)
{
    uint32_t at = cursor_read_u32(body);
    int64_t wall_ms = cursor_read_i64(body), now_ms = cursor_read_i64(body);
    for (; cursor_left(body) != 0 && at < reader->monitor_count; at++) {
        age(&reader->monitors[at].history, wall_ms, now_ms, cursor_read_u16(body));
    }
    return !body->failed && cursor_left(body) == 0;
}

int health_reader_take(struct health_reader *reader, const struct health_record *record)
{
    struct cursor body = cursor_init_const(record->body, record->len);
    bool is_good = reader->is_begun == (record->kind != HEALTH_RECORD_MACHINE);
    if (is_good) {
        switch (record->kind) {
        case HEALTH_RECORD_MACHINE: is_good = read_machine(reader, &body); break;
        case HEALTH_RECORD_REGION: is_good = read_node_plan(reader, HEALTH_REGION, &body); break;
        case HEALTH_RECORD_AZ: is_good = read_node_plan(reader, HEALTH_AZ, &body); break;
        case HEALTH_RECORD_ENDPOINT: is_good = read_node_plan(reader, HEALTH_ENDPOINT, &body); break;
        case HEALTH_RECORD_MONITOR: is_good = read_monitor_plan(reader, &body); break;
        case HEALTH_RECORD_CONTROL: is_good = read_control_plan(reader, &body); break;
        case HEALTH_RECORD_NODE: is_good = read_node(reader, &body); break;
        case HEALTH_RECORD_RESULT: is_good = read_result(reader, &body); break;
        case HEALTH_RECORD_LOAD: is_good = read_load(reader, &body); break;
        case HEALTH_RECORD_BRAKE: is_good = read_brake(reader, &body); break;
        case HEALTH_RECORD_AGES: is_good = read_ages(reader, &body); break;
        default: is_good = false;
        }
    }
    return is_good ? 0 : ERROR_SYNTAX;
}

/* ---- the machine ---- */

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
    }
    *plan = (struct health_plan){.regions = regions,
                                 .region_count = reader->counts[HEALTH_REGION],
                                 .azs = azs,
                                 .az_count = reader->counts[HEALTH_AZ],
                                 .endpoints = endpoints,
                                 .endpoint_count = reader->counts[HEALTH_ENDPOINT],
                                 .addressed = addressed};
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
    for (size_t i = 0; i < reader->monitor_count; i++) {
        monitors[i] = reader->monitors[i].plan;
        kin[i] = reader->monitors[i].kin;
    }
    plan.monitors = monitors;
    plan.monitor_count = reader->monitor_count;
    plan.kin = kin;
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

static void fill_results(const struct health_reader *reader, const struct health_reading *reading,
                         struct health *health)
{
    for (uint32_t i = 0; i < health->monitor_count; i++) {
        struct health_monitor *m = &health->monitors[i];
        health_copy_history(m, &reader->monitors[i].history);
        m->suspected_ms = shift(m->suspected_ms, reading->shift_ms);
        m->answered_ms = shift(m->answered_ms, reading->shift_ms);
        m->restored = (m->restored || reading->is_restored) && m->outcome != HEALTH_OUTCOME_NONE;
    }
}

static void fill_brake(const struct health_reader *reader, const struct health_reading *reading,
                       struct health *health)
{
    int64_t by_ms = reading->shift_ms;
    health->now_ms = shift(reader->brake.now_ms, by_ms);
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

static void fill_loads(const struct health_reader *reader, const struct health_reading *reading,
                       struct health *health)
{
    bool *said = memory_alloc_array(health->counts[HEALTH_ENDPOINT], sizeof *said);
    for (const struct read_load *load = reader->loads; load != NULL; load = load->next) {
        if (said[load->endpoint]) {
            continue;
        }
        struct health_load *to = &health->loads[load->endpoint];
        said[load->endpoint] = true;
        *to = load->what;
        to->begun_ms = shift(to->begun_ms, reading->shift_ms);
        to->ends_ms = shift(to->ends_ms, reading->shift_ms);
        health_word_set_shed(health, load->endpoint, load->level);
    }
    free(said);
}

static void fill_more(const struct health_reader *reader, struct health *health)
{
    for (uint32_t i = 0; i < health->counts[HEALTH_ENDPOINT]; i++) {
        uint32_t resolved = reader->nodes[HEALTH_ENDPOINT][i].more;
        health_word_set_resolved(health, i, resolved << HEALTH_WORD_RESOLVED_SHIFT);
    }
    for (int kind = HEALTH_AZ; kind <= HEALTH_REGION; kind++) {
        for (uint32_t i = 0; i < health->counts[kind]; i++) {
            health->nodes[kind][i].was_lost = reader->nodes[kind][i].more != 0;
        }
    }
}

static void fill_outages(const struct read_node *node, struct health *health, enum health_kind kind,
                         uint32_t index)
{
    for (int family = kind == HEALTH_ENDPOINT ? HEALTH_V4 : HEALTH_ANY; family <= HEALTH_ANY; family++) {
        struct health_outage *outage = health_outage_at(health, kind, index, (enum health_family)family);
        _Atomic uint64_t *const times[OUTAGE_TIMES] = {&outage->left_ms, &outage->back_ms,
                                                       &outage->before_left_ms, &outage->before_back_ms};
        for (int i = 0; i < OUTAGE_TIMES; i++) {
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
            to->told = health_find_effective(health, kind, i);
            to->told_verdicts = health_word_get(health, kind, i) & HEALTH_WORD_VERDICTS;
            bool is_same = node->is_known && node->state == to->told.state;
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
    health->wall_ms = reading->wall_ms;
    fill_results(reader, reading, health);
    fill_brake(reader, reading, health);
    fill_loads(reader, reading, health);
    fill_more(reader, health);
    health_rebuild(health);
    health_table_advance(health);
    health->is_filled = true;
    fill_times(reader, reading, health);
    return health;
}

void health_reader_put_right(const struct health_reader *reader, struct health *health)
{
    for (enum health_kind kind = HEALTH_ENDPOINT; kind <= HEALTH_REGION; kind++) {
        for (size_t i = 0; i < reader->counts[kind]; i++) {
            const struct read_node *node = &reader->nodes[kind][i];
            bool is_ordered = node->is_known && node->state >= HEALTH_DRAINED;
            ptrdiff_t index = is_ordered ? health_find(health, kind, node->name) : -1;
            if (index < 0) {
                continue;
            }
            bool is_same = health_find_effective(health, kind, (uint32_t)index).state == node->state;
            if (is_same && node->since_ms < health_find_since(health, kind, (uint32_t)index)) {
                health_set_since(health, kind, (uint32_t)index, node->since_ms);
                fill_outages(node, health, kind, (uint32_t)index);
            }
        }
    }
}
