/* SPDX-License-Identifier: BSD-3-Clause
 *
 * What was said of copies, as records and back: see record.h. A record says which pair it is of, so that no
 * plan of pairs is needed to read it; the latest one of a pair counts. For how long something has been better
 * is not written: who goes on waits anew. */
#include "config.h"

#include "base/buffer.h"
#include "base/cursor.h"
#include "base/memory.h"
#include "base/utf8.h"
#include "health/lag_inside.h"
#include "health/record_inside.h"
#include "health/record_kinds.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { PAIRS_MAX = 4096, BODY = 512 };

static const int64_t time_max_ms = INT64_C(1) << 60, ttl_max_ms = INT64_C(1) << 40;

/* ---- writing ---- */

static void write_text(struct cursor *body, const char *text)
{
    cursor_write_u8(body, (uint8_t)strlen(text));
    cursor_write(body, text, strlen(text));
}

static void add_lag(const struct health *health, uint32_t index, struct buffer *to)
{
    const struct health_lag *lag = &health->lags->items[index];
    const struct health_lag_plan *plan = &health->lags->plans[index];
    uint8_t bytes[BODY];
    struct cursor body = cursor_init(bytes, sizeof bytes);
    cursor_write_u8(&body, (uint8_t)plan->kind);
    cursor_write_u32(&body, plan->from);
    cursor_write_u32(&body, plan->to);
    cursor_write_u8(&body, lag->source);
    cursor_write_u8(&body, lag->unit);
    cursor_write_u8(&body, lag->said);
    cursor_write_u8(&body, lag->rpo);
    cursor_write_u8(&body, lag->stage);
    cursor_write_double(&body, lag->value);
    cursor_write_i64(&body, lag->reported_ms);
    cursor_write_i64(&body, lag->begun_ms);
    cursor_write_i64(&body, lag->ttl_ms);
    cursor_write_i64(&body, lag->time_ms);
    cursor_write_u64(&body, lag->seq);
    cursor_write_i64(&body, lag->since_ms);
    write_text(&body, lag->actor);
    write_text(&body, lag->peer);
    health_record_add(to, HEALTH_RECORD_LAG, bytes, body.at);
}

size_t health_record_catch_up_lags(struct health *health, size_t *at, size_t count, bool all,
                                   struct buffer *to)
{
    size_t total = health_count_lags(health), left = 0;
    for (; *at < total && count != 0; (*at)++) {
        struct health_lag *lag = &health->lags->items[*at];
        if (all || lag->is_news) {
            lag->is_news = false;
            add_lag(health, (uint32_t)*at, to);
            count--;
        }
    }
    for (size_t i = *at; i < total; i++) {
        left += all || health->lags->items[i].is_news;
    }
    *at = left == 0 ? 0 : *at;
    return left;
}

/* ---- reading ---- */

static bool read_text(struct cursor *body, char text[HEALTH_LAG_NAME_SIZE])
{
    size_t len = cursor_read_u8(body);
    const char *bytes = (const char *)cursor_take(body, len);
    if (bytes == NULL || len >= HEALTH_LAG_NAME_SIZE || utf8_check(bytes, len) != len ||
        memchr(bytes, 0, len) != NULL) {
        return false;
    }
    memcpy(text, bytes, len);
    return true;
}

static bool is_time(int64_t at_ms)
{
    return at_ms > -time_max_ms && at_ms < time_max_ms;
}

static bool is_good(const struct health_reader *reader, const struct read_lag *lag)
{
    const struct health_lag *what = &lag->what;
    return (lag->kind == HEALTH_AZ || lag->kind == HEALTH_REGION) && lag->from < reader->counts[lag->kind] &&
           lag->to < reader->counts[lag->kind] && what->source <= HEALTH_LAG_PUSHED &&
           what->unit <= HEALTH_LAG_BYTES && what->said < HEALTH_STAGES && what->rpo <= HEALTH_RPO_OVER &&
           what->stage < HEALTH_STAGES && isfinite(what->value) && what->value >= 0 &&
           is_time(what->reported_ms) && is_time(what->begun_ms) && is_time(what->time_ms) &&
           is_time(what->since_ms) && what->ttl_ms >= 0 && what->ttl_ms < ttl_max_ms;
}

static struct read_lag *find(struct health_reader *reader, const struct read_lag *lag)
{
    for (size_t i = 0; i < reader->lag_count; i++) {
        struct read_lag *other = &reader->lags[i];
        if (other->kind == lag->kind && other->from == lag->from && other->to == lag->to) {
            return other;
        }
    }
    return NULL;
}

bool health_record_read_lag(struct health_reader *reader, struct cursor *body)
{
    struct read_lag lag = {.kind = (enum health_kind)cursor_read_u8(body)};
    lag.from = cursor_read_u32(body);
    lag.to = cursor_read_u32(body);
    lag.what.source = cursor_read_u8(body);
    lag.what.unit = cursor_read_u8(body);
    lag.what.said = cursor_read_u8(body);
    lag.what.rpo = cursor_read_u8(body);
    lag.what.stage = cursor_read_u8(body);
    lag.what.value = cursor_read_double(body);
    lag.what.reported_ms = cursor_read_i64(body);
    lag.what.begun_ms = cursor_read_i64(body);
    lag.what.ttl_ms = cursor_read_i64(body);
    lag.what.time_ms = cursor_read_i64(body);
    lag.what.seq = cursor_read_u64(body);
    lag.what.since_ms = cursor_read_i64(body);
    if (!read_text(body, lag.what.actor) || !read_text(body, lag.what.peer) || !is_good(reader, &lag)) {
        return false;
    }
    struct read_lag *same = find(reader, &lag);
    if (same != NULL) {
        *same = lag;
    } else if (reader->lag_count < PAIRS_MAX) {
        reader->lags =
            memory_grow(reader->lags, reader->lag_count, &reader->lag_capacity, sizeof *reader->lags);
        reader->lags[reader->lag_count++] = lag;
    }
    return true;
}

/* Whose plan it was, and what it said, is for the machine that takes this over. */
void health_record_plan_lags(const struct health_reader *reader, struct arena *arena,
                             struct health_lags_plan *plan)
{
    struct health_lag_plan *items = arena_alloc(arena, reader->lag_count * sizeof *items);
    for (size_t i = 0; i < reader->lag_count; i++) {
        const struct read_lag *lag = &reader->lags[i];
        items[i] =
            (struct health_lag_plan){.kind = lag->kind, .from = lag->from, .to = lag->to, .max_age_ms = 1};
    }
    *plan = (struct health_lags_plan){.items = items, .count = reader->lag_count};
}

void health_record_fill_lags(const struct health_reader *reader, const struct health_reading *reading,
                             struct health *health)
{
    for (size_t i = 0; i < reader->lag_count; i++) {
        struct health_lag *lag = &health->lags->items[i];
        int64_t begun_ms;
        *lag = reader->lags[i].what;
        if (__builtin_add_overflow(lag->begun_ms, reading->shift_ms, &begun_ms) || !is_time(begun_ms)) {
            begun_ms = -time_max_ms; /* long ago */
        }
        bool is_ahead = reading->now_ms != 0 && begun_ms > reading->now_ms;
        lag->begun_ms = is_ahead ? reading->now_ms : begun_ms;
    }
    if (health->lags != NULL) {
        health->lags->changes++;
    }
}
