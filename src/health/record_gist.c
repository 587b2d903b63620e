/* SPDX-License-Identifier: BSD-3-Clause
 *
 * What a record says, without what changes all the time: see record.h. Two records of an object with the same
 * gist are as good as each other for whoever asks what was answered and why. */
#include "config.h"

#include "health/record.h"

#include "base/cursor.h"
#include "base/hash.h"
#include "health/machine.h"
#include "health/record_kinds.h"

static uint64_t hash_from(uint64_t hash, const struct health_record *record, size_t from)
{
    hash = hash_bytes(hash, record->body + from, record->len - from);
    hash = hash_finish(hash);
    return hash != 0 ? hash : 1;
}

static struct health_gist find_node(const struct health_record *record, struct cursor *body)
{
    unsigned kind = cursor_read_u8(body);
    struct health_gist gist = {.index = cursor_read_u32(body)};
    gist.kind = kind < HEALTH_KINDS ? (enum health_gist_kind)kind : HEALTH_GIST_OTHER;
    gist.hash = hash_from(HASH_START, record, 0);
    return gist;
}

/* Streaks count as long as they lead somewhere. */
static struct health_gist find_result(struct cursor *body)
{
    enum { TIMES = 36 };
    struct health_gist gist = {.kind = HEALTH_GIST_RESULT, .index = cursor_read_u32(body)};
    (void)cursor_take(body, TIMES);
    uint16_t detail = cursor_read_u16(body), streak = cursor_read_u16(body);
    uint8_t flags = cursor_read_u8(body), verdict = cursor_read_u8(body), outcome = cursor_read_u8(body),
            says = cursor_read_u8(body);
    bool is_failing = (flags & HEALTH_FLAG_FAILING) != 0;
    bool agrees = verdict == (is_failing ? HEALTH_OBSERVED_UNHEALTHY : HEALTH_OBSERVED_HEALTHY);
    flags &= (uint8_t) ~(unsigned)HEALTH_FLAG_RESTORED;
    streak = agrees ? 0 : streak;
    const uint8_t all[] = {(uint8_t)(detail >> 8),
                           (uint8_t)detail,
                           (uint8_t)(streak >> 8),
                           (uint8_t)streak,
                           flags,
                           verdict,
                           outcome,
                           says};
    size_t left = cursor_left(body);
    uint64_t hash = hash_bytes(HASH_START, all, sizeof all);
    gist.hash = hash_finish(hash_bytes(hash, cursor_take(body, left), left)) | 1;
    return gist;
}

static struct health_gist find_load(const struct health_record *record, struct cursor *body)
{
    enum { REPORT = 24, REST = 45 };
    struct health_gist gist = {.kind = HEALTH_GIST_LOAD, .index = cursor_read_u32(body)};
    uint8_t source = cursor_read_u8(body);
    (void)cursor_take(body, REPORT); /* value, reported, begun */
    uint64_t ttl_ms = cursor_read_u64(body);
    (void)cursor_read_u64(body); /* until when */
    uint8_t level = cursor_read_u8(body), told = cursor_read_u8(body);
    uint64_t all = ttl_ms << 8 | source; /* it is less than 2^56 */
    bool is_said = source != HEALTH_LOAD_NONE || level != 0 || told != 0;
    if (!body->failed && is_said) {
        gist.hash = hash_from(hash_bytes(HASH_START, &all, sizeof all), record, REST);
    }
    return gist;
}

struct health_gist health_record_gist(const struct health_record *record)
{
    enum { NOW = 8 };
    struct cursor body = cursor_init_const(record->body, record->len);
    struct health_gist gist = {.kind = HEALTH_GIST_OTHER};
    switch (record->kind) {
    case HEALTH_RECORD_MACHINE:
    case HEALTH_RECORD_REGION:
    case HEALTH_RECORD_AZ:
    case HEALTH_RECORD_ENDPOINT:
    case HEALTH_RECORD_MONITOR:
    case HEALTH_RECORD_CONTROL:
    case HEALTH_RECORD_NEED:
        gist.kind = HEALTH_GIST_PLAN;
        gist.hash = hash_from(hash_bytes(HASH_START, &record->kind, 1), record, 0);
        break;
    case HEALTH_RECORD_NODE: gist = find_node(record, &body); break;
    case HEALTH_RECORD_RESULT: gist = find_result(&body); break;
    case HEALTH_RECORD_LOAD: gist = find_load(record, &body); break;
    case HEALTH_RECORD_BRAKE:
        gist.kind = HEALTH_GIST_BRAKE;
        gist.hash = record->len < NOW ? 0 : hash_from(HASH_START, record, NOW);
        break;
    case HEALTH_RECORD_AGES:
        gist.kind = HEALTH_GIST_AGES;
        gist.index = cursor_read_u32(&body);
        break;
    default: break;
    }
    if (body.failed) {
        gist.kind = HEALTH_GIST_OTHER;
    }
    return gist;
}

/* The latest time of the outages that follow. */
static int64_t read_latest(struct cursor *body, unsigned outages)
{
    int64_t latest_ms = INT64_MIN;
    for (int left = 4 * __builtin_popcount(outages); left > 0 && !body->failed; left--) {
        uint64_t time_ms = cursor_read_u64(body);
        bool is_later = time_ms <= INT64_MAX && (int64_t)time_ms > latest_ms;
        latest_ms = is_later ? (int64_t)time_ms : latest_ms;
    }
    return latest_ms;
}

bool health_record_is_between(const struct health_record *record, int64_t after_ms, int64_t until_ms)
{
    enum { KIND = 1, INDEX = 4, STATES = 2 };
    struct cursor body = cursor_init_const(record->body, record->len);
    bool is_node = record->kind == HEALTH_RECORD_NODE;
    if (!is_node && record->kind != HEALTH_RECORD_RESULT) {
        return false;
    }
    (void)cursor_take(&body, is_node ? KIND + INDEX : INDEX);
    int64_t at_ms = cursor_read_i64(&body);
    if (is_node && at_ms <= after_ms) {
        (void)cursor_take(&body, STATES);
        unsigned outages = cursor_read_u8(&body);
        at_ms = read_latest(&body, outages);
    }
    return !body.failed && at_ms > after_ms && at_ms <= until_ms;
}
