/* SPDX-License-Identifier: BSD-3-Clause
 *
 * From a machine to records: see record.h. What is written of an object is all of its history, so that the
 * latest record of it is enough. Times that every result moves and that follow from when the monitor was
 * heard of are written as ages, some hundred at once. */
#include "config.h"

#include "health/record.h"

#include "base/buffer.h"
#include "base/cursor.h"
#include "base/error.h"
#include "base/hash.h"
#include "base/memory.h"
#include "health/brake_frame.h"
#include "health/brake_inside.h"
#include "health/machine.h"
#include "health/record_inside.h"
#include "health/record_kinds.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

enum { BODY = 512 };

struct health_writer {
    struct health_sizes sizes;
    struct health *health;
    struct health_journal diary;
    size_t done;         /* of all objects, plans first */
    uint32_t aged;       /* monitors whose age was written in this round */
    uint64_t brake_hash; /* of what was written of it */
    size_t lags_done, guards_done;
    bool has_lags; /* they are written */
};

static void add(struct buffer *to, enum health_record_kind kind, const struct cursor *body)
{
    assert(!body->failed);
    health_record_add(to, (uint8_t)kind, body->bytes, body->at);
}

/* A name is at most as long as there is room for it. */
static void add_named(struct buffer *to, enum health_record_kind kind, const struct cursor *body,
                      const char *name)
{
    assert(!body->failed);
    health_record_add_named(to, (uint8_t)kind, body->bytes, body->at, name);
}

/* ---- the plan ---- */

static void add_machine(const struct health *health, struct buffer *to)
{
    uint8_t bytes[BODY];
    struct cursor body = cursor_init(bytes, sizeof bytes);
    const struct health_brake *brake = health->brake;
    size_t controls = brake == NULL ? 0 : brake->frame->plan.control_count;
    cursor_write_u8(&body, HEALTH_RECORD_VERSION);
    cursor_write_u32(&body, health->counts[HEALTH_REGION]);
    cursor_write_u32(&body, health->counts[HEALTH_AZ]);
    cursor_write_u32(&body, health->counts[HEALTH_ENDPOINT]);
    cursor_write_u32(&body, health->monitor_count);
    cursor_write_u8(&body, brake != NULL);
    cursor_write_u32(&body, (uint32_t)controls);
    add(to, HEALTH_RECORD_MACHINE, &body);
    for (size_t i = 0; i < controls; i++) {
        const struct health_brake_plan *plan = &brake->frame->plan;
        body.at = 0;
        cursor_write_u64(&body, plan->control_identities == NULL ? 0 : plan->control_identities[i]);
        cursor_write_u8(&body, plan->controls[i]);
        add(to, HEALTH_RECORD_CONTROL, &body);
    }
}

static void add_node_plan(const struct health *health, enum health_kind kind, uint32_t index,
                          struct buffer *to)
{
    static const enum health_record_kind kinds[] = {[HEALTH_ENDPOINT] = HEALTH_RECORD_ENDPOINT,
                                                    [HEALTH_AZ] = HEALTH_RECORD_AZ,
                                                    [HEALTH_REGION] = HEALTH_RECORD_REGION};
    uint8_t bytes[BODY];
    struct cursor body = cursor_init(bytes, sizeof bytes);
    const struct health_node *node = &health->nodes[kind][index];
    if (kind != HEALTH_REGION) {
        cursor_write_u32(&body, node->parent);
    }
    if (kind == HEALTH_ENDPOINT) {
        cursor_write_u64(&body, health->addressed[index]);
    } else {
        cursor_write_double(&body, health->lost_at[kind][index]);
    }
    add_named(to, kinds[kind], &body, node->name);
    if (node->at_least != 0 || node->together) {
        body.at = 0;
        cursor_write_u32(&body, index);
        cursor_write_u16(&body, node->at_least);
        cursor_write_u8(&body, node->together);
        add(to, HEALTH_RECORD_NEED, &body);
    }
}

static void add_monitor_plan(const struct health *health, uint32_t index, struct buffer *to)
{
    uint8_t bytes[BODY];
    struct cursor body = cursor_init(bytes, sizeof bytes);
    const struct health_monitor *monitor = &health->monitors[index];
    const struct brake_frame *frame = health->brake == NULL ? NULL : health->brake->frame;
    cursor_write_u32(&body, monitor->endpoint);
    cursor_write_u64(&body, monitor->identity);
    cursor_write_u64(&body, health->kin[index].subject);
    cursor_write_u64(&body, health->kin[index].check);
    cursor_write_u16(&body, monitor->rise);
    cursor_write_u16(&body, monitor->fall);
    cursor_write_u8(&body, (uint8_t)(monitor->families | monitor->role << HEALTH_RECORD_ROLE_SHIFT));
    cursor_write_u8(&body, frame == NULL ? 0 : frame->places[frame->target_of[index]].family);
    add(to, HEALTH_RECORD_MONITOR, &body);
}

/* ---- what came of results ---- */

static void write_outage(struct cursor *body, const struct health_outage *outage)
{
    cursor_write_u64(body, atomic_load_explicit(&outage->left_ms, memory_order_relaxed));
    cursor_write_u64(body, atomic_load_explicit(&outage->back_ms, memory_order_relaxed));
    cursor_write_u64(body, atomic_load_explicit(&outage->before_left_ms, memory_order_relaxed));
    cursor_write_u64(body, atomic_load_explicit(&outage->before_back_ms, memory_order_relaxed));
}

static bool has_outage(const struct health_outage *outage)
{
    return atomic_load_explicit(&outage->left_ms, memory_order_relaxed) != 0 ||
           atomic_load_explicit(&outage->back_ms, memory_order_relaxed) != 0;
}

static bool has_stay(const struct health_stay *stay)
{
    return stay->is_down || stay->penalty > 0;
}

static void write_stay(struct cursor *body, const struct health_stay *stay)
{
    unsigned flags = (stay->is_down ? HEALTH_FLAG_DOWN : 0u) | (stay->is_ready ? HEALTH_FLAG_READY : 0u) |
                     (stay->suppressed ? HEALTH_FLAG_SUPPRESSED : 0u) |
                     (stay->released ? HEALTH_FLAG_RELEASED : 0u);
    cursor_write_u8(body, (uint8_t)flags);
    cursor_write_i64(body, stay->down_ms);
    cursor_write_i64(body, stay->ready_ms);
    cursor_write_i64(body, stay->penalty_ms);
    cursor_write_double(body, (double)stay->penalty);
}

static void add_node(const struct health *health, enum health_kind kind, uint32_t index, struct buffer *to)
{
    uint8_t bytes[BODY], outages = 0;
    struct cursor body = cursor_init(bytes, sizeof bytes);
    int first = kind == HEALTH_ENDPOINT ? HEALTH_V4 : HEALTH_ANY;
    for (int family = first; family <= HEALTH_ANY; family++) {
        outages |= has_outage(health_outage_at(health, kind, index, (enum health_family)family))
                       ? (uint8_t)(1u << family)
                       : 0;
    }
    cursor_write_u8(&body, (uint8_t)kind);
    cursor_write_u32(&body, index);
    cursor_write_i64(&body, health_find_since(health, kind, index));
    cursor_write_u8(&body, (uint8_t)health_find_effective(health, kind, index).state);
    uint32_t resolved = health_word_get(health, kind, index) & HEALTH_WORD_RESOLVED;
    cursor_write_u8(&body, kind == HEALTH_ENDPOINT ? (uint8_t)(resolved >> HEALTH_WORD_RESOLVED_SHIFT)
                                                   : health->groups[kind][index].was_lost);
    cursor_write_u8(&body, outages);
    for (int family = first; family <= HEALTH_ANY; family++) {
        if ((outages >> family & 1) != 0) {
            write_outage(&body, health_outage_at(health, kind, index, (enum health_family)family));
        }
    }
    if (kind != HEALTH_ENDPOINT && has_stay(&health->groups[kind][index].stay)) {
        write_stay(&body, &health->groups[kind][index].stay);
    }
    add(to, HEALTH_RECORD_NODE, &body);
    health_record_add_fall(health, kind, index, to);
}

/* What never ramped is not written, but that it does not any more is. */
static void add_ramp(const struct health *health, const struct health_place *place, bool changed,
                     struct buffer *to)
{
    uint8_t bytes[BODY];
    struct cursor body = cursor_init(bytes, sizeof bytes);
    const struct health_ramp *ramp = &health->nodes[place->kind][place->index].ramp;
    uint32_t word = health_word_get(health, place->kind, place->index);
    if (ramp->families == 0 && ramp->out == 0 && !(changed && ramp->begun_ms != 0)) {
        return;
    }
    cursor_write_u8(&body, (uint8_t)place->kind);
    cursor_write_u32(&body, place->index);
    cursor_write_i64(&body, ramp->begun_ms);
    cursor_write_u8(&body, ramp->families);
    cursor_write_u8(&body, ramp->out);
    uint32_t withheld = ramp->families == 0 ? 0 : word & HEALTH_WORD_RAMP; /* else an override's */
    cursor_write_u8(&body, (uint8_t)(withheld >> HEALTH_WORD_RAMP_SHIFT));
    add(to, HEALTH_RECORD_RAMP, &body);
}

static void add_result(const struct health *health, uint32_t index, struct buffer *to)
{
    uint8_t bytes[BODY];
    struct cursor body = cursor_init(bytes, sizeof bytes);
    const struct health_monitor *m = &health->monitors[index];
    unsigned flags = (m->failing ? HEALTH_FLAG_FAILING : 0u) | (m->idle ? HEALTH_FLAG_IDLE : 0u) |
                     (m->inherited ? HEALTH_FLAG_INHERITED : 0u) | (m->untried ? HEALTH_FLAG_UNTRIED : 0u) |
                     (m->restored ? HEALTH_FLAG_RESTORED : 0u) |
                     (m->left_unhealthy ? HEALTH_FLAG_LEFT_UNHEALTHY : 0u) |
                     (unsigned)m->own << HEALTH_FLAG_OWN_SHIFT;
    cursor_write_u32(&body, index);
    cursor_write_i64(&body, m->checked_ms);
    cursor_write_i64(&body, m->judged_ms);
    cursor_write_i64(&body, m->suspected_ms);
    cursor_write_i64(&body, m->answered_ms);
    cursor_write_u32(&body, m->duration_us);
    cursor_write_u16(&body, m->detail);
    cursor_write_u16(&body, m->streak);
    cursor_write_u8(&body, (uint8_t)flags);
    cursor_write_u8(&body, m->verdict);
    cursor_write_u8(&body, m->outcome);
    cursor_write_u8(&body, m->says);
    const struct health_stay *stay = &health->monitor_stays[index];
    if (has_stay(stay) || m->window != 0) {
        cursor_write_u64(&body, m->recent);
        write_stay(&body, stay);
    }
    add(to, HEALTH_RECORD_RESULT, &body);
}

/* What was never said is not written, but that it is not known any more is. */
static void add_load(const struct health *health, uint32_t endpoint, bool changed, struct buffer *to)
{
    uint8_t bytes[BODY];
    struct cursor body = cursor_init(bytes, sizeof bytes);
    const struct health_load *load = health_load_get(health, endpoint);
    unsigned level = health_word_shed(health_word_get(health, HEALTH_ENDPOINT, endpoint));
    bool is_known = load->status.source != HEALTH_LOAD_NONE || level != 0 || load->told_sheds;
    if (!is_known && !(changed && load->begun_ms != 0)) {
        return;
    }
    size_t actor = strlen(load->status.actor);
    cursor_write_u32(&body, endpoint);
    cursor_write_u8(&body, (uint8_t)load->status.source);
    cursor_write_double(&body, load->status.value);
    cursor_write_i64(&body, load->status.reported_ms);
    cursor_write_i64(&body, load->begun_ms);
    cursor_write_i64(&body, load->ttl_ms);
    cursor_write_i64(&body, load->ends_ms);
    cursor_write_u8(&body, (uint8_t)level);
    cursor_write_u8(&body, load->told_sheds);
    cursor_write_u8(&body, (uint8_t)actor);
    cursor_write(&body, load->status.actor, actor);
    cursor_write(&body, load->status.peer, strlen(load->status.peer));
    add(to, HEALTH_RECORD_LOAD, &body);
}

static void write_side(struct cursor *body, const struct brake_side *side)
{
    unsigned flags = (side->engaged ? HEALTH_FLAG_ENGAGED : 0u) |
                     (side->cursor != HEALTH_BRAKE_NONE ? HEALTH_FLAG_WALKS : 0u);
    cursor_write_u8(body, (uint8_t)flags);
    cursor_write_i64(body, side->engaged_ms);
    cursor_write_i64(body, side->until_ms);
    cursor_write_i64(body, side->freed_ms);
    cursor_write_i64(body, side->failing != 0 ? side->window_ms : 0);
    cursor_write_u64(body, side->engagements);
}

/* Control targets are written while anybody is suspected, which is when they count. */
static void add_brake(struct health_writer *writer, bool always, struct buffer *to)
{
    enum { SIDE = 41, CONTROL = 9, START = 8 };
    const struct health_brake *brake = writer->health->brake;
    if (brake == NULL) {
        return;
    }
    size_t controls = brake->frame->plan.control_count,
           size = START + HEALTH_BRAKES * SIDE + controls * CONTROL;
    uint8_t bytes[BODY + 64 * CONTROL];
    bool is_suspected = brake->sides[0].failing != 0 || brake->sides[1].failing != 0;
    struct cursor body = cursor_init(bytes, sizeof bytes);
    cursor_write_i64(&body, writer->health->now_ms);
    for (int i = 0; i < HEALTH_BRAKES; i++) {
        write_side(&body, &brake->sides[i]);
    }
    for (size_t i = 0; size <= sizeof bytes && i < controls; i++) {
        cursor_write_u8(&body, brake->controls[i].answers);
        cursor_write_i64(&body, brake->controls[i].at_ms);
    }
    size_t compared = is_suspected ? body.at : START + HEALTH_BRAKES * SIDE;
    uint64_t hash = hash_finish(hash_bytes(HASH_START, bytes + START, compared - START));
    if (always || hash != writer->brake_hash) {
        writer->brake_hash = hash;
        add(to, HEALTH_RECORD_BRAKE, &body);
    }
}

static void add_endpoint(const struct health *health, uint32_t index, bool changed, struct buffer *to)
{
    const struct health_node *node = &health->nodes[HEALTH_ENDPOINT][index];
    add_node(health, HEALTH_ENDPOINT, index, to);
    add_ramp(health, &(struct health_place){HEALTH_ENDPOINT, index}, changed, to);
    add_load(health, index, changed, to);
    for (uint32_t i = 0; i < node->child_count; i++) {
        add_result(health, node->first_child + i, to);
        if (!changed) {
            health_record_add_push(health, node->first_child + i, to);
        }
    }
}

/* ---- everything ---- */

struct health_sizes health_get_sizes(const struct health *health)
{
    struct health_sizes sizes;
    memcpy(sizes.counts, health->counts, sizeof sizes.counts);
    return sizes;
}

struct health_writer *health_writer_new(const struct health_sizes *sizes)
{
    struct health_writer *writer = memory_alloc(sizeof *writer);
    writer->sizes = *sizes;
    health_journal_init(&writer->diary, sizes->counts);
    return writer;
}

void health_writer_begin(struct health_writer *writer, struct health *health)
{
    assert(health->diary == NULL && memcmp(writer->sizes.counts, health->counts, sizeof health->counts) == 0);
    writer->health = health;
    health->diary = &writer->diary;
}

/* Number `at` of regions, azs, endpoints, monitors; plans refer backwards. */
static bool add_plan(const struct health *health, size_t at, struct buffer *to)
{
    for (int kind = HEALTH_REGION; kind >= HEALTH_ENDPOINT; kind--) {
        if (at < health->counts[kind]) {
            add_node_plan(health, (enum health_kind)kind, (uint32_t)at, to);
            return true;
        }
        at -= health->counts[kind];
    }
    if (at < health->monitor_count) {
        add_monitor_plan(health, (uint32_t)at, to);
        return true;
    }
    return false;
}

static bool add_history(const struct health *health, size_t at, struct buffer *to)
{
    for (int kind = HEALTH_REGION; kind >= HEALTH_ENDPOINT; kind--) {
        if (at < health->counts[kind] && kind == HEALTH_ENDPOINT) {
            add_endpoint(health, (uint32_t)at, false, to);
            return true;
        }
        if (at < health->counts[kind]) {
            add_node(health, (enum health_kind)kind, (uint32_t)at, to);
            add_ramp(health, &(struct health_place){(enum health_kind)kind, (uint32_t)at}, false, to);
            return true;
        }
        at -= health->counts[kind];
    }
    return false;
}

/* Of regions and azs two at a time: what is said of copies, what is forbidden. Returns whether that is all.
 */
static bool add_pairs(struct health_writer *writer, size_t count, struct buffer *to)
{
    writer->has_lags = writer->has_lags ||
                       health_record_catch_up_lags(writer->health, &writer->lags_done, count, true, to) == 0;
    return writer->has_lags &&
           health_record_catch_up_guards(writer->health, &writer->guards_done, count, true, to) == 0;
}

bool health_writer_step(struct health_writer *writer, size_t count, struct buffer *to)
{
    const struct health *health = writer->health;
    size_t nodes =
        health->counts[HEALTH_REGION] + health->counts[HEALTH_AZ] + health->counts[HEALTH_ENDPOINT];
    size_t plans = nodes + health->monitor_count;
    if (writer->done == 0) {
        add_machine(health, to);
    }
    for (; count != 0 && writer->done < plans + nodes; count--, writer->done++) {
        if (writer->done < plans) {
            (void)add_plan(health, writer->done, to);
        } else {
            (void)add_history(health, writer->done - plans, to);
        }
    }
    if (writer->done < plans + nodes || !add_pairs(writer, count, to)) {
        return true;
    }
    add_brake(writer, true, to);
    return false;
}

void health_writer_restart(struct health_writer *writer)
{
    writer->done = 0;
    writer->aged = 0;
    writer->brake_hash = 0;
    writer->lags_done = writer->guards_done = 0;
    writer->has_lags = false;
}

/* ---- what changed ---- */

size_t health_writer_catch_up(struct health_writer *writer, size_t count, struct buffer *to)
{
    struct health_journal *diary = &writer->diary;
    for (; count != 0 && diary->count != 0; count--) {
        struct health_place place = diary->places[--diary->count];
        diary->noted[place.kind][place.index] = false;
        if (place.kind == HEALTH_ENDPOINT) {
            add_endpoint(writer->health, place.index, true, to);
        } else {
            add_node(writer->health, place.kind, place.index, to);
            add_ramp(writer->health, &place, true, to);
        }
    }
    size_t pushes = health_record_catch_up_pushes(writer->health, count, to);
    size_t lags_at = 0, lags = health_record_catch_up_lags(writer->health, &lags_at, count, false, to);
    size_t bans_at = 0, bans = health_record_catch_up_guards(writer->health, &bans_at, count, false, to);
    if (diary->count == 0) {
        add_brake(writer, false, to);
    }
    return diary->count + pushes + lags + bans;
}

bool health_writer_add_ages(struct health_writer *writer, int64_t wall_ms, struct buffer *to)
{
    enum { START = 20 };
    uint8_t bytes[START + 2 * HEALTH_WRITER_AGES];
    struct cursor body = cursor_init(bytes, sizeof bytes);
    const struct health *health = writer->health;
    uint32_t end = writer->aged + HEALTH_WRITER_AGES;
    end = end < health->monitor_count ? end : health->monitor_count;
    cursor_write_u32(&body, writer->aged);
    cursor_write_i64(&body, wall_ms);
    cursor_write_i64(&body, health->now_ms);
    for (; writer->aged < end; writer->aged++) {
        const struct health_monitor *m = &health->monitors[writer->aged];
        int64_t age_s = (wall_ms - m->checked_ms) / 1000;
        bool is_known = m->checked_ms != 0 && age_s >= 0 && age_s < HEALTH_AGE_UNKNOWN;
        cursor_write_u16(&body, is_known ? (uint16_t)age_s : HEALTH_AGE_UNKNOWN);
    }
    if (body.at > START) {
        add(to, HEALTH_RECORD_AGES, &body);
    }
    bool more = end < health->monitor_count;
    writer->aged = more ? end : 0;
    return more;
}

void health_writer_end(struct health_writer *writer)
{
    writer->health->diary = NULL;
}

void health_writer_free(struct health_writer *writer)
{
    if (writer != NULL) {
        health_journal_fini(&writer->diary);
        free(writer);
    }
}
