/* SPDX-License-Identifier: BSD-3-Clause
 *
 * The life of a machine in virtual time, and of who writes down what becomes of it as daemon/last.c does: for
 * tests that ask for past moments. Beside it a copy of the machine after each turn. */
#pragma once

#include "health_random.h"

#include "base/buffer.h"
#include "base/clock.h"
#include "base/cursor.h"
#include "base/memory.h"
#include "base/trail.h"
#include "health/record.h"
#include "past/known.h"
#include "past/last_kinds.h"
#include "past/recorder.h"
#include "past/segments.h"

#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

enum { LIVES = 16, TURNS = 120, QUESTIONS = 60, EVERY_MS = 4000 };

struct snapshot {
    int64_t wall_ms;
    struct health *health; /* owned */
    bool begins;           /* of a process */
};

/* A state folder, and who writes there as daemon/last.c does. */
struct life {
    struct scene s;
    char folder[32];
    char *last_path;
    struct clock clock;
    int64_t ahead_ms; /* the wall clock, of the monotonic one */
    struct health *health;
    struct health_writer *writer;
    struct trail last;
    struct recorder *recorder;
    struct buffer buffer;
    struct snapshot snapshots[TURNS * 3];
    size_t count;
    int64_t before_ms; /* wall: of the turn before the latest */
    uint64_t reloads, crashes;
};

static inline void follow_time(struct life *life)
{
    life->clock.mono_us = life->s.now_ms * 1000;
    life->clock.wall_us = (life->s.now_ms + life->ahead_ms) * 1000;
}

static inline void add_moment(struct life *life)
{
    uint8_t bytes[24];
    struct cursor body = cursor_init(bytes, sizeof bytes);
    cursor_write_i64(&body, clock_wall_ms(&life->clock));
    cursor_write_i64(&body, clock_now_ms(&life->clock));
    cursor_write_i64(&body, clock_now_ms(&life->clock));
    health_record_add(&life->buffer, LAST_MOMENT, bytes, sizeof bytes);
}

static inline void keep_copy(struct life *life)
{
    struct health *copy = health_new_like(life->health);
    health_carry(copy, life->health, life->s.now_ms);
    assert_in_range(life->count, 0, TURNS * 3 - 1);
    life->snapshots[life->count++] =
        (struct snapshot){.wall_ms = clock_wall_ms(&life->clock), .health = copy};
    life->s.now_ms++; /* what comes then comes later */
}

static inline void flush(struct life *life)
{
    assert_int_equal(trail_add(&life->last, life->buffer.bytes, life->buffer.len), 0);
    assert_int_equal(recorder_take(life->recorder, life->buffer.bytes, life->buffer.len), 0);
    life->buffer.len = 0;
}

static inline void write_whole(struct life *life)
{
    follow_time(life);
    assert_int_equal(trail_begin(&life->last), 0);
    recorder_begin(life->recorder);
    health_record_add(&life->buffer, LAST_HEAD, "a boot", 6);
    flush(life);
    health_writer_restart(life->writer);
    while (health_writer_step(life->writer, 7, &life->buffer)) {
        flush(life);
    }
    add_moment(life);
    health_record_add(&life->buffer, LAST_WHOLE, "", 0);
    flush(life);
    assert_int_equal(trail_settle(&life->last), 0);
    assert_int_equal(recorder_settle(life->recorder, life->last.path), 0);
    keep_copy(life);
}

static inline void watch(struct life *life)
{
    struct health_sizes sizes = health_get_sizes(life->health);
    life->writer = health_writer_new(&sizes);
    health_writer_begin(life->writer, life->health);
    write_whole(life);
}

static inline void leave(struct life *life)
{
    health_writer_end(life->writer);
    health_writer_free(life->writer);
    life->writer = NULL;
}

static inline void turn(struct life *life)
{
    follow_time(life);
    life->before_ms = life->snapshots[life->count - 1].wall_ms;
    while (health_writer_catch_up(life->writer, 5, &life->buffer) != 0) {
    }
    while (health_writer_add_ages(life->writer, clock_wall_ms(&life->clock), &life->buffer)) {
    }
    add_moment(life);
    flush(life);
    keep_copy(life);
    if (recorder_is_due(life->recorder)) {
        write_whole(life);
    }
}

/* The same objects, or others. */
static inline void reload(struct life *life)
{
    struct health *before = life->health;
    leave(life);
    life->health = roll(&life->s, 2) == 0 ? make(&life->s) : health_new_like(before);
    health_carry(life->health, before, life->s.now_ms);
    health_free(before);
    watch(life);
    life->reloads++;
}

static inline void open_recorder(struct life *life, bool goes_on)
{
    life->recorder = recorder_new(life->folder, &life->clock);
    if (goes_on) {
        recorder_resume(life->recorder, "a boot");
    }
    recorder_set_limits(life->recorder,
                        &(struct recorder_limits){.every_ms = EVERY_MS, .octets = SEGMENTS_OCTETS});
}

/* What was not written by then never is. */
static inline void crash(struct life *life)
{
    struct recorder_stats stats;
    struct stat status;
    struct health *before = life->health;
    recorder_get_stats(life->recorder, &stats);
    char *path = segments_write_path(life->folder, stats.begun_ms);
    assert_int_equal(stat(path, &status), 0);
    leave(life);
    recorder_free(life->recorder);
    assert_int_equal(truncate(path, status.st_size), 0);
    free(path);
    life->s.now_ms += 1000 + (int64_t)roll(&life->s, 60000);
    follow_time(life);
    open_recorder(life, roll(&life->s, 2) == 0);
    life->health = health_new_like(before);
    health_carry(life->health, before, life->s.now_ms);
    health_free(before);
    watch(life);
    life->snapshots[life->count - 1].begins = true;
    life->crashes++;
}

static inline void begin_life(struct life *life, uint64_t seed)
{
    life->s = (struct scene){.arena = arena_new(0),
                             .now_ms = 1000000,
                             .has_no_overrides = true,
                             .has_no_loads = seed % 3 == 0,
                             .brakes = seed % 4 == 0};
    random_init(&life->s.random, seed);
    strcpy(life->folder, "test_known.XXXXXX");
    assert_non_null(mkdtemp(life->folder));
    life->last_path = memory_print("%s/" LAST_FILE, life->folder);
    trail_init(&life->last, life->last_path, LAST_TITLE);
    clock_init_virtual(&life->clock, 0, 0);
    buffer_init(&life->buffer);
    life->health = make_old(&life->s);
    open_recorder(life, true);
    watch(life);
}

static inline void end_writers(struct life *life)
{
    if (life->recorder != NULL) {
        leave(life);
        recorder_free(life->recorder);
        trail_fini(&life->last);
        life->recorder = NULL;
    }
}

static inline void end_life(struct life *life)
{
    end_writers(life);
    char *command = memory_print("rm -r %s", life->folder);
    assert_int_equal(system(command), 0); /* NOLINT(cert-env33-c): a folder of our own */
    for (size_t i = 0; i < life->count; i++) {
        health_free(life->snapshots[i].health);
    }
    free(command);
    free(life->last_path);
    buffer_fini(&life->buffer);
    health_free(life->health);
    arena_free(life->s.arena);
}
