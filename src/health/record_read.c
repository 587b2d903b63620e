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
#include "health/record_inside.h"
#include "health/record_kinds.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

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
    free(reader->lags);
    free(reader->bans);
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

static bool read_need(struct health_reader *reader, struct cursor *body)
{
    uint32_t endpoint = cursor_read_u32(body);
    struct health_need need = {.at_least = cursor_read_u16(body)};
    need.together = cursor_read_u8(body) != 0;
    bool is_good = !body->failed && endpoint < reader->counts[HEALTH_ENDPOINT];
    if (is_good) {
        reader->nodes[HEALTH_ENDPOINT][endpoint].need = need;
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
    unsigned families = cursor_read_u8(body);
    monitor.plan.families = (uint8_t)(families & EVERY_FAMILY);
    monitor.role = (uint8_t)(families >> HEALTH_RECORD_ROLE_SHIFT);
    monitor.brake_family = cursor_read_u8(body);
    size_t count = reader->monitor_count;
    bool is_good = !body->failed && monitor.plan.endpoint < reader->counts[HEALTH_ENDPOINT] &&
                   (count == 0 || reader->monitors[count - 1].plan.endpoint <= monitor.plan.endpoint) &&
                   monitor.role <= HEALTH_WATCHED && monitor.brake_family < HEALTH_BRAKES &&
                   count < reader->wanted_monitors;
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

/* The rest of a record. False: it is there, and is none. */
static bool read_stay(struct cursor *body, struct health_stay *stay)
{
    *stay = (struct health_stay){.is_down = false};
    if (cursor_left(body) == 0) {
        return true;
    }
    unsigned flags = cursor_read_u8(body);
    stay->down_ms = cursor_read_i64(body);
    stay->ready_ms = cursor_read_i64(body);
    stay->penalty_ms = cursor_read_i64(body);
    double penalty = cursor_read_double(body);
    stay->is_down = (flags & HEALTH_FLAG_DOWN) != 0;
    stay->is_ready = (flags & HEALTH_FLAG_READY) != 0;
    stay->suppressed = (flags & HEALTH_FLAG_SUPPRESSED) != 0;
    stay->released = (flags & HEALTH_FLAG_RELEASED) != 0;
    stay->penalty = (float)penalty;
    return !body->failed && cursor_left(body) == 0 && flags <= HEALTH_FLAGS_STAY && isfinite(penalty) &&
           penalty >= 0 && penalty < 1e30;
}

static bool read_node(struct health_reader *reader, struct cursor *body)
{
    unsigned kind = cursor_read_u8(body);
    uint32_t index = cursor_read_u32(body);
    struct read_node read = {.since_ms = cursor_read_i64(body), .is_known = true};
    read.state = cursor_read_u8(body);
    read.more = cursor_read_u8(body);
    unsigned outages = cursor_read_u8(body);
    for (int family = HEALTH_V4; family < HEALTH_VIEWS; family++) {
        for (int i = 0; (outages >> family & 1) != 0 && i < HEALTH_OUTAGE_TIMES; i++) {
            read.outages[family][i] = cursor_read_u64(body);
        }
    }
    bool is_good = !body->failed && kind < HEALTH_KINDS && index < reader->counts[kind] &&
                   read.state < HEALTH_STATES &&
                   read.more <= HEALTH_WORD_RESOLVED >> HEALTH_WORD_RESOLVED_SHIFT &&
                   outages < 1u << HEALTH_VIEWS && read_stay(body, &read.stay);
    if (is_good) {
        struct read_node *node = &reader->nodes[kind][index];
        node->is_known = true;
        node->since_ms = read.since_ms;
        node->state = read.state;
        node->more = read.more;
        node->stay = read.stay;
        memcpy(node->outages, read.outages, sizeof node->outages);
    }
    return is_good;
}

static bool read_ramp(struct health_reader *reader, struct cursor *body)
{
    unsigned kind = cursor_read_u8(body);
    uint32_t index = cursor_read_u32(body);
    struct health_ramp ramp = {.begun_ms = cursor_read_i64(body)};
    ramp.families = cursor_read_u8(body);
    ramp.out = cursor_read_u8(body);
    unsigned withheld = cursor_read_u8(body);
    bool is_good = !body->failed && cursor_left(body) == 0 && kind < HEALTH_KINDS &&
                   index < reader->counts[kind] && ramp.families < 1u << HEALTH_VIEWS &&
                   ramp.out < 1u << HEALTH_VIEWS && withheld < HEALTH_RAMP_WHOLE &&
                   (withheld == 0) == (ramp.families == 0);
    if (is_good) {
        reader->nodes[kind][index].ramp = ramp;
        reader->nodes[kind][index].withheld = (uint8_t)withheld;
    }
    return is_good;
}

static bool read_result(struct health_reader *reader, struct cursor *body)
{
    uint32_t index = cursor_read_u32(body);
    struct health_history history = {.monitor.checked_ms = cursor_read_i64(body)};
    struct health_monitor *m = &history.monitor;
    m->judged_ms = cursor_read_i64(body);
    m->suspected_ms = cursor_read_i64(body);
    m->answered_ms = cursor_read_i64(body);
    m->duration_us = cursor_read_u32(body);
    m->detail = cursor_read_u16(body);
    m->streak = cursor_read_u16(body);
    unsigned flags = cursor_read_u8(body);
    m->verdict = cursor_read_u8(body);
    m->outcome = cursor_read_u8(body);
    m->says = cursor_read_u8(body);
    m->failing = (flags & HEALTH_FLAG_FAILING) != 0;
    m->idle = (flags & HEALTH_FLAG_IDLE) != 0;
    m->inherited = (flags & HEALTH_FLAG_INHERITED) != 0;
    m->untried = (flags & HEALTH_FLAG_UNTRIED) != 0;
    m->restored = (flags & HEALTH_FLAG_RESTORED) != 0;
    m->left_unhealthy = (flags & HEALTH_FLAG_LEFT_UNHEALTHY) != 0;
    m->own = (uint8_t)(flags >> HEALTH_FLAG_OWN_SHIFT);
    m->is_judged = m->own != HEALTH_OBSERVED_UNKNOWN;
    bool has_more = cursor_left(body) != 0;
    m->recent = has_more ? cursor_read_u64(body) : m->verdict == HEALTH_OBSERVED_UNHEALTHY ? UINT64_MAX : 0;
    bool is_good = read_stay(body, &history.stay) && !body->failed && index < reader->monitor_count &&
                   m->own <= HEALTH_OBSERVED_UNHEALTHY && m->verdict <= HEALTH_OBSERVED_UNHEALTHY &&
                   m->outcome < HEALTH_OUTCOME_COUNT && m->says <= HEALTH_SAYS_SUSPECT;
    if (is_good) {
        reader->monitors[index].history = history;
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
        age(&reader->monitors[at].history.monitor, wall_ms, now_ms, cursor_read_u16(body));
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
        case HEALTH_RECORD_NEED: is_good = read_need(reader, &body); break;
        case HEALTH_RECORD_RAMP: is_good = read_ramp(reader, &body); break;
        case HEALTH_RECORD_PUSH: is_good = health_record_read_push(reader, &body); break;
        case HEALTH_RECORD_FALL: is_good = health_record_read_fall(reader, &body); break;
        case HEALTH_RECORD_RULE: is_good = health_record_read_rule(reader, &body); break;
        case HEALTH_RECORD_BAN: is_good = health_record_read_ban(reader, &body); break;
        case HEALTH_RECORD_MOVE: is_good = health_record_read_move(reader, &body); break;
        case HEALTH_RECORD_LAG: is_good = health_record_read_lag(reader, &body); break;
        default: is_good = false;
        }
    }
    return is_good ? 0 : ERROR_SYNTAX;
}

int64_t health_reader_find_endpoint(const struct health_reader *reader, uint32_t monitor)
{
    return monitor < reader->monitor_count ? (int64_t)reader->monitors[monitor].plan.endpoint : -1;
}
