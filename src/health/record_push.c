/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Which report to a monitor was the last one, and until when it counts, as records and back: see record.h. So
 * the next process ignores it when it comes again, and it grows too old when it would have. */
#include "config.h"

#include "base/buffer.h"
#include "base/cursor.h"
#include "health/record_inside.h"
#include "health/record_kinds.h"

enum { BODY = 28, END_MAX_MS = 7 * 24 * 3600 * 1000 };

static const int64_t time_max_ms = INT64_C(1) << 60;

void health_record_add_push(const struct health *health, uint32_t monitor, struct buffer *to)
{
    const struct health_report *report = &health->reports[monitor];
    uint8_t bytes[BODY];
    struct cursor body = cursor_init(bytes, sizeof bytes);
    if (health_get_push_plan(health, monitor)->ttl_ms == 0 ||
        (report->ends_ms == 0 && report->time_ms == 0 && report->seq == 0)) {
        return;
    }
    cursor_write_u32(&body, monitor);
    cursor_write_i64(&body, report->ends_ms);
    cursor_write_i64(&body, report->time_ms);
    cursor_write_u64(&body, report->seq);
    health_record_add(to, HEALTH_RECORD_PUSH, bytes, body.at);
}

size_t health_record_catch_up_pushes(struct health *health, size_t count, struct buffer *to)
{
    for (; count != 0 && health->push_news_count != 0; count--) {
        uint32_t monitor = health->push_news[--health->push_news_count];
        health->reports[monitor].is_news = false;
        health_record_add_push(health, monitor, to);
    }
    return health->push_news_count;
}

static bool is_time(int64_t at_ms)
{
    return at_ms > -time_max_ms && at_ms < time_max_ms;
}

bool health_record_read_push(struct health_reader *reader, struct cursor *body)
{
    uint32_t monitor = cursor_read_u32(body);
    int64_t ends_ms = cursor_read_i64(body), time_ms = cursor_read_i64(body);
    uint64_t seq = cursor_read_u64(body);
    bool is_good = !body->failed && cursor_left(body) == 0 && monitor < reader->monitor_count &&
                   is_time(ends_ms) && is_time(time_ms);
    if (is_good) {
        struct read_push *push = &reader->monitors[monitor].push;
        *push = (struct read_push){.ends_ms = ends_ms, .time_ms = time_ms, .seq = seq};
    }
    return is_good;
}

/* What is said of a far future was said by another clock: then it ends as if only its result was known. */
void health_record_fill_push(const struct read_push *push, const struct health_reading *reading,
                             struct health_report *report)
{
    int64_t ends_ms = push->ends_ms;
    report->time_ms = push->time_ms;
    report->seq = push->seq;
    report->ends_ms = 0;
    if (ends_ms != 0 && !__builtin_add_overflow(ends_ms, reading->shift_ms, &ends_ms) &&
        (reading->now_ms == 0 || ends_ms - reading->now_ms < END_MAX_MS)) {
        report->ends_ms = ends_ms == 0 ? -1 : ends_ms;
    }
}
