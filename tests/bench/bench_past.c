/* SPDX-License-Identifier: BSD-3-Clause
 *
 * What past health costs at size: a machine of so many endpoints (default 100,000) is written to segments for
 * hours of virtual time in which nothing happens, is reloaded, loses a fifth, and is asked for moments. Run
 * by hand in a folder on the disk in question; tells times and octets. usage: bench_past [ENDPOINTS [HOURS]]
 */
#include "config.h"

#include "base/buffer.h"
#include "base/clock.h"
#include "base/cursor.h"
#include "base/trail.h"
#include "health/record.h"
#include "past/known.h"
#include "past/last_kinds.h"
#include "past/recorder.h"
#include "past/segments.h"
#include "tests/bench/machine.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { TURN = 64, ROUND_S = 10 };

struct bench {
    char folder[32];
    struct clock clock;
    struct health *health;
    struct health_writer *writer;
    struct trail last;
    struct recorder *recorder;
    struct buffer buffer;
    uint64_t begun_ns, octets;
};

static void flush(struct bench *b)
{
    if (b->buffer.len != 0 && (trail_add(&b->last, b->buffer.bytes, b->buffer.len) != 0 ||
                               recorder_take(b->recorder, b->buffer.bytes, b->buffer.len) != 0)) {
        exit(EXIT_FAILURE);
    }
    b->buffer.len = 0;
}

static void add_moment(struct bench *b)
{
    uint8_t bytes[24];
    struct cursor body = cursor_init(bytes, sizeof bytes);
    cursor_write_i64(&body, clock_wall_ms(&b->clock));
    cursor_write_i64(&body, clock_now_ms(&b->clock));
    cursor_write_i64(&body, clock_now_ms(&b->clock));
    health_record_add(&b->buffer, LAST_MOMENT, bytes, sizeof bytes);
}

static void write_whole(struct bench *b)
{
    bool more = true;
    (void)trail_begin(&b->last);
    recorder_begin(b->recorder);
    health_writer_restart(b->writer);
    health_record_add(&b->buffer, LAST_HEAD, "boot", 4);
    while (more) {
        more = health_writer_step(b->writer, TURN, &b->buffer);
        flush(b);
    }
    add_moment(b);
    health_record_add(&b->buffer, LAST_WHOLE, "", 0);
    flush(b);
    if (trail_settle(&b->last) != 0 || recorder_settle(b->recorder, b->last.path) != 0) {
        exit(EXIT_FAILURE);
    }
}

/* Seconds as daemon/last.c spends them. */
static void pass(struct bench *b, int64_t seconds)
{
    for (int64_t second = 0; second < seconds; second++) {
        clock_advance(&b->clock, 1000);
        if (recorder_is_due(b->recorder)) {
            write_whole(b);
        }
        while (health_writer_catch_up(b->writer, TURN, &b->buffer) != 0) {
            flush(b);
        }
        while (second % ROUND_S == 0 &&
               health_writer_add_ages(b->writer, clock_wall_ms(&b->clock), &b->buffer)) {
        }
        add_moment(b);
        flush(b);
    }
}

static void tell(struct bench *b, const char *what)
{
    struct recorder_stats stats;
    recorder_get_stats(b->recorder, &stats);
    uint64_t now_ns = clock_machine_ns();
    printf("%-44s %9.1f ms, %10llu octets, %llu segments\n", what, (double)(now_ns - b->begun_ns) / 1e6,
           (unsigned long long)(stats.octets - b->octets), (unsigned long long)stats.segments);
    b->octets = stats.octets;
    b->begun_ns = clock_machine_ns();
}

static void observe(struct bench *b, uint32_t lost)
{
    for (uint32_t m = 0; m < (uint32_t)health_monitor_count(b->health); m++) {
        bool fails = m / PER_ENDPOINT % AZS < lost;
        health_observe(b->health, m, fails ? HEALTH_OUTCOME_TIMEOUT : HEALTH_OUTCOME_OK,
                       clock_wall_ms(&b->clock), 800, fails ? 0 : 200);
    }
}

static void reload(struct bench *b)
{
    struct health *before = b->health;
    struct health_sizes sizes = health_get_sizes(before);
    health_writer_end(b->writer);
    health_writer_free(b->writer);
    b->health = health_new_like(before);
    health_carry(b->health, before, clock_wall_ms(&b->clock));
    health_free(before);
    b->writer = health_writer_new(&sizes);
    health_writer_begin(b->writer, b->health);
    write_whole(b);
}

static void ask(struct bench *b, int64_t ago_ms)
{
    struct known_about about;
    int64_t at_ms = clock_wall_ms(&b->clock) - ago_ms;
    struct known *known = known_find(b->folder, at_ms, &about);
    struct health *health =
        known == NULL ? NULL : known_make_health(known, &(struct health_reading){.wall_ms = at_ms});
    if (health == NULL) {
        exit(EXIT_FAILURE);
    }
    health_free(health);
    known_free(known);
}

int main(int argc, char **argv)
{
    size_t count = argc > 1 ? strtoul(argv[1], NULL, 10) : 100000;
    int64_t hours = argc > 2 ? strtol(argv[2], NULL, 10) : 24;
    struct bench b = {.folder = "bench_past.XXXXXX", .health = make(count, 0)};
    struct health_sizes sizes = health_get_sizes(b.health);
    clock_init_virtual(&b.clock, 1000000, 1000000000);
    buffer_init(&b.buffer);
    if (mkdtemp(b.folder) == NULL) {
        return EXIT_FAILURE;
    }
    char *path = memory_print("%s/" LAST_FILE, b.folder);
    trail_init(&b.last, path, LAST_TITLE);
    b.recorder = recorder_new(b.folder, &b.clock);
    for (int i = 0; i < 4; i++) {
        observe(&b, 0);
    }
    b.writer = health_writer_new(&sizes);
    health_writer_begin(b.writer, b.health);
    printf("%zu endpoints, %zu checks\n", count, health_monitor_count(b.health));
    b.begun_ns = clock_machine_ns();
    write_whole(&b);
    tell(&b, "the first segment");
    pass(&b, 3600);
    tell(&b, "an hour in which nothing happens");
    pass(&b, (hours - 1) * 3600);
    tell(&b, "the rest of the hours");
    reload(&b);
    tell(&b, "a reload that changes nothing");
    for (int i = 0; i < 3; i++) {
        observe(&b, AZS / 5);
    }
    pass(&b, 1);
    tell(&b, "a fifth is lost");
    ask(&b, 500);
    tell(&b, "a moment ago, asked for");
    ask(&b, 1800000);
    tell(&b, "half an hour ago, asked for");
    recorder_free(b.recorder);
    printf("remove %s\n", b.folder);
    return EXIT_SUCCESS;
}
