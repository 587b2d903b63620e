/* SPDX-License-Identifier: BSD-3-Clause
 *
 * What rules forbid, and what fell when, as records and back: see record.h. Rules are known by name, so that
 * the next process need not have the same ones; a record of what is forbidden says between which regions, and
 * the latest one counts. Numbers are those of the writer, and go on from there. */
#include "config.h"

#include "base/buffer.h"
#include "base/cursor.h"
#include "base/memory.h"
#include "base/utf8.h"
#include "health/guard_inside.h"
#include "health/record_inside.h"
#include "health/record_kinds.h"

#include <string.h>

enum { PLACES_MAX = 4096, BODY = 256, RULE_NAME_MAX = 255 };

static const uint64_t number_max = UINT64_C(1) << 62;
static const int64_t time_max_ms = INT64_C(1) << 60;

/* ---- writing ---- */

void health_record_add_fall(const struct health *health, enum health_kind kind, uint32_t index,
                            struct buffer *to)
{
    struct health_fallen fallen;
    uint8_t bytes[BODY];
    struct cursor body = cursor_init(bytes, sizeof bytes);
    health_guard_read_fall(health, kind, index, &fallen);
    uint64_t any = fallen.ordered;
    cursor_write_u8(&body, (uint8_t)kind);
    cursor_write_u32(&body, index);
    cursor_write_u64(&body, fallen.ordered);
    for (enum health_family family = HEALTH_V4; family <= HEALTH_ANY; family++) {
        cursor_write_u64(&body, fallen.fell[family]);
        any |= fallen.fell[family];
    }
    if (any != 0) {
        health_record_add(to, HEALTH_RECORD_FALL, bytes, body.at);
    }
}

static void add_rule(const struct health *health, uint32_t rule, struct buffer *to)
{
    const uint8_t number = (uint8_t)rule;
    health_record_add_named(to, HEALTH_RECORD_RULE, &number, 1, health->guards->rules[rule].name);
}

static void add_time(const struct health_ban_time *time, struct cursor *body)
{
    cursor_write_u64(body, health_number_get(&time->was));
    cursor_write_u64(body, health_number_get(&time->ended));
}

/* Of a way what is said of its region as a whole is left out. */
static void add_place(const struct health *health, uint32_t place, struct buffer *to)
{
    uint32_t regions = health->counts[HEALTH_REGION];
    const struct health_guards *guards = health->guards;
    const struct health_ban *ban = health_ban_at(health, place);
    static const struct health_hold none = {.from = 0};
    const struct health_hold *hold = place < regions ? &guards->holds[place] : &none;
    uint8_t bytes[BODY];
    struct cursor body = cursor_init(bytes, sizeof bytes);
    cursor_write_u32(&body, health_guard_get_region(health, place));
    cursor_write_u32(&body, place < regions ? HEALTH_ANYWHERE : guards->bans.ways[place - regions].to);
    cursor_write_u64(&body, guards->number);
    cursor_write_u64(&body, health_number_get(&ban->since));
    add_time(&ban->times[0], &body);
    cursor_write_u64(&body, guards->said[place]);
    cursor_write_u64(&body, hold->released);
    cursor_write_u64(&body, hold->from);
    cursor_write_i64(&body, hold->since_ms);
    for (int i = 1; i < HEALTH_BAN_TIMES && health_number_get(&ban->times[i].was) != 0; i++) {
        add_time(&ban->times[i], &body);
    }
    health_record_add(to, HEALTH_RECORD_BAN, bytes, body.at);
}

static void add_move(const struct health *health, struct buffer *to)
{
    uint8_t bytes[BODY];
    struct cursor body = cursor_init(bytes, sizeof bytes);
    cursor_write_i64(&body, health->guards->last_move_ms);
    health_record_add(to, HEALTH_RECORD_MOVE, bytes, body.at);
}

/* Nothing was ever forbidden there. */
static bool is_blank(const struct health *health, uint32_t place)
{
    const struct health_ban *ban = health_ban_at(health, place);
    return health->guards->said[place] == 0 && health_number_get(&ban->since) == 0 &&
           health_number_get(&ban->times[0].was) == 0;
}

static bool is_due(const struct health *health, size_t item, bool all)
{
    size_t rules = health->guards->rule_count;
    return item < rules    ? all
           : item == rules ? all || health->guards->is_news[0]
           : all           ? !is_blank(health, (uint32_t)(item - rules))
                           : health->guards->is_news[item - rules];
}

size_t health_record_catch_up_guards(struct health *health, size_t *at, size_t count, bool all,
                                     struct buffer *to)
{
    struct health_guards *guards = health->guards;
    size_t left = 0, rules = guards == NULL ? 0 : guards->rule_count;
    size_t total =
        guards == NULL || (!all && guards->news == 0) ? 0 : rules + health_guard_count_places(health);
    for (; *at < total && count != 0; (*at)++) {
        if (!is_due(health, *at, all)) {
            continue;
        }
        count--;
        if (*at < rules) {
            add_rule(health, (uint32_t)*at, to);
            continue;
        }
        guards->news -= guards->is_news[*at - rules];
        guards->is_news[*at - rules] = false;
        if (*at == rules) {
            add_move(health, to);
        }
        add_place(health, (uint32_t)(*at - rules), to);
    }
    for (size_t i = *at; i < total; i++) {
        left += is_due(health, i, all);
    }
    *at = left == 0 ? 0 : *at;
    return left;
}

/* ---- reading ---- */

static bool is_number(struct health_reader *reader, uint64_t number)
{
    reader->number = number > reader->number && number < number_max ? number : reader->number;
    return number < number_max;
}

bool health_record_read_fall(struct health_reader *reader, struct cursor *body)
{
    unsigned kind = cursor_read_u8(body);
    uint32_t index = cursor_read_u32(body);
    struct health_fallen fallen = {.ordered = cursor_read_u64(body)};
    bool is_good = is_number(reader, fallen.ordered);
    for (int family = HEALTH_V4; family <= HEALTH_ANY; family++) {
        fallen.fell[family] = cursor_read_u64(body);
        is_good = is_number(reader, fallen.fell[family]) && is_good;
    }
    is_good = is_good && !body->failed && cursor_left(body) == 0 && kind < HEALTH_KINDS &&
              index < reader->counts[kind];
    if (is_good) {
        reader->nodes[kind][index].fallen = fallen;
    }
    return is_good;
}

bool health_record_read_rule(struct health_reader *reader, struct cursor *body)
{
    unsigned rule = cursor_read_u8(body);
    size_t len = cursor_left(body);
    const char *bytes = (const char *)cursor_take(body, len);
    bool is_good = bytes != NULL && rule == reader->rule_count && rule < HEALTH_GUARDS_MAX && len != 0 &&
                   len <= RULE_NAME_MAX && utf8_check(bytes, len) == len && memchr(bytes, 0, len) == NULL;
    if (is_good) {
        char *name = arena_alloc(reader->arena, len + 1);
        memcpy(name, bytes, len);
        reader->rules[reader->rule_count++] = name;
    }
    return is_good;
}

bool health_record_read_move(struct health_reader *reader, struct cursor *body)
{
    int64_t at_ms = cursor_read_i64(body);
    bool is_good = !body->failed && cursor_left(body) == 0 && at_ms >= 0 && at_ms < time_max_ms;
    reader->last_move_ms = is_good ? at_ms : reader->last_move_ms;
    return is_good;
}

static struct read_ban *find(struct health_reader *reader, uint32_t from, uint32_t to)
{
    for (size_t i = 0; i < reader->ban_count; i++) {
        if (reader->bans[i].from == from && reader->bans[i].to == to) {
            return &reader->bans[i];
        }
    }
    if (reader->ban_count == PLACES_MAX) {
        return NULL;
    }
    reader->bans = memory_grow(reader->bans, reader->ban_count, &reader->ban_capacity, sizeof *reader->bans);
    return &reader->bans[reader->ban_count++];
}

static bool read_time(struct health_reader *reader, struct cursor *body, struct read_ban *ban, int number)
{
    ban->times[number].was = cursor_read_u64(body);
    ban->times[number].ended = cursor_read_u64(body);
    return is_number(reader, ban->times[number].was) && is_number(reader, ban->times[number].ended);
}

bool health_record_read_ban(struct health_reader *reader, struct cursor *body)
{
    struct read_ban ban = {.from = cursor_read_u32(body)};
    ban.to = cursor_read_u32(body);
    bool is_good = is_number(reader, cursor_read_u64(body));
    ban.since = cursor_read_u64(body);
    is_good = is_number(reader, ban.since) && is_good;
    is_good = read_time(reader, body, &ban, 0) && is_good;
    ban.said = cursor_read_u64(body);
    ban.released = cursor_read_u64(body);
    ban.hold_from = cursor_read_u64(body);
    ban.hold_since_ms = cursor_read_i64(body);
    for (int i = 1; i < HEALTH_BAN_TIMES && !body->failed && cursor_left(body) != 0; i++) {
        is_good = read_time(reader, body, &ban, i) && is_good;
    }
    is_good = is_number(reader, ban.hold_from) && is_good && !body->failed && cursor_left(body) == 0 &&
              ban.from < reader->counts[HEALTH_REGION] && ban.from != ban.to &&
              (ban.to == HEALTH_ANYWHERE || ban.to < reader->counts[HEALTH_REGION]) &&
              ban.hold_since_ms > -time_max_ms && ban.hold_since_ms < time_max_ms;
    struct read_ban *to = is_good ? find(reader, ban.from, ban.to) : NULL;
    if (to != NULL) {
        *to = ban;
    }
    return is_good;
}

/* They say what they said last; which of them counts is for the machine that takes this over. */
void health_record_plan_guards(const struct health_reader *reader, struct arena *arena,
                               struct health_guards_plan *plan)
{
    struct health_guard_plan *rules = arena_alloc(arena, reader->rule_count * sizeof *rules);
    struct health_way *ways = arena_alloc(arena, reader->ban_count * sizeof *ways);
    *plan = (struct health_guards_plan){.rules = rules, .rule_count = reader->rule_count, .ways = ways};
    for (size_t i = 0; i < reader->rule_count; i++) {
        rules[i] = (struct health_guard_plan){.name = reader->rules[i]};
    }
    for (size_t i = 0; i < reader->ban_count; i++) {
        if (reader->bans[i].to != HEALTH_ANYWHERE) {
            ways[plan->way_count++] = (struct health_way){reader->bans[i].from, reader->bans[i].to};
        }
    }
}

static void fill_ban(const struct read_ban *read, struct health *health)
{
    uint32_t place = health_guard_find_place(health, read->from, read->to);
    struct health_ban *ban = health_ban_at(health, place);
    health_number_set(&ban->since, read->since);
    for (int i = 0; i < HEALTH_BAN_TIMES; i++) {
        health_number_set(&ban->times[i].was, read->times[i].was);
        health_number_set(&ban->times[i].ended, read->times[i].ended);
    }
    health->guards->said[place] = read->said;
    if (read->to == HEALTH_ANYWHERE) {
        struct health_hold *hold = &health->guards->holds[read->from];
        hold->released = read->released;
        hold->from = read->hold_from;
        hold->since_ms = read->hold_since_ms;
    }
}

void health_record_fill_guards(const struct health_reader *reader, struct health *health)
{
    if (health->guards == NULL) {
        return;
    }
    health->guards->number = reader->number;
    health->guards->last_move_ms = reader->last_move_ms;
    health->guards->knows_moves = false;
    health->guards->changes++;
    for (size_t i = 0; i < reader->ban_count; i++) {
        fill_ban(&reader->bans[i], health);
    }
    for (enum health_kind kind = HEALTH_ENDPOINT; kind <= HEALTH_REGION; kind++) {
        for (uint32_t i = 0; i < health->counts[kind]; i++) {
            struct health_fall *fall = health_fall_at(health, kind, i);
            const struct health_fallen *read = &reader->nodes[kind][i].fallen;
            for (int family = HEALTH_V4; family <= HEALTH_ANY; family++) {
                if (read->fell[family] != 0) {
                    health_number_set(&fall->fell[family], read->fell[family]);
                }
            }
            if (read->ordered != 0) {
                health_number_set(&fall->ordered, read->ordered);
            }
        }
    }
}
