/* SPDX-License-Identifier: BSD-3-Clause
 *
 * What keeping and restoring health costs at size: a machine of so many endpoints (default 100,000) with one
 * check of IPv4 and one of IPv6 each is written, kept for some seconds in which every check has a result
 * every 2 s, loses a fifth, and is read and carried over. Run by hand; tells times and octets. usage:
 * bench_record [ENDPOINTS] */
#include "config.h"

#include "base/buffer.h"
#include "base/clock.h"
#include "health/record.h"
#include "tests/bench/machine.h"

#include <stdio.h>
#include <stdlib.h>

enum { TURN = 64, SECONDS = 10, INTERVAL_S = 2 };

struct bench {
    struct health_plan plan;
    struct health *health;
    struct health_writer *writer;
    struct buffer stream;
    int64_t wall_ms;
    uint64_t took_ns, longest_ns;
    size_t octets;
};

static void note(struct bench *b, uint64_t begun_ns)
{
    uint64_t took_ns = clock_thread_ns() - begun_ns;
    b->took_ns += took_ns;
    b->longest_ns = took_ns > b->longest_ns ? took_ns : b->longest_ns;
}

static void tell(struct bench *b, const char *what, double per)
{
    printf("%-44s %9.2f ms, longest turn %6.1f us, %10zu octets\n", what, (double)b->took_ns / 1e6 / per,
           (double)b->longest_ns / 1e3, (size_t)((double)(b->stream.len - b->octets) / per));
    b->octets = b->stream.len;
    b->took_ns = b->longest_ns = 0;
}

static void write_all(struct bench *b)
{
    bool more = true;
    while (more) {
        uint64_t begun_ns = clock_thread_ns();
        more = health_writer_step(b->writer, TURN, &b->stream);
        note(b, begun_ns);
    }
}

static void catch_up(struct bench *b)
{
    size_t left = 1;
    while (left != 0) {
        uint64_t begun_ns = clock_thread_ns();
        left = health_writer_catch_up(b->writer, TURN, &b->stream);
        note(b, begun_ns);
    }
}

static void add_ages(struct bench *b)
{
    bool more = true;
    while (more) {
        uint64_t begun_ns = clock_thread_ns();
        more = health_writer_add_ages(b->writer, b->wall_ms, &b->stream);
        note(b, begun_ns);
    }
}

/* A second of results; endpoints of the lost azs fail. */
static void observe(struct bench *b, uint32_t lost)
{
    uint32_t count = (uint32_t)health_monitor_count(b->health);
    for (uint32_t m = (uint32_t)(b->wall_ms / 1000) % INTERVAL_S; m < count; m += INTERVAL_S) {
        bool fails = m / PER_ENDPOINT % AZS < lost;
        health_observe(b->health, m, fails ? HEALTH_OUTCOME_TIMEOUT : HEALTH_OUTCOME_OK, b->wall_ms, 800,
                       fails ? 0 : 200);
    }
    b->wall_ms += 1000;
}

static void keep(struct bench *b, uint32_t lost, const char *what)
{
    for (int second = 0; second < SECONDS; second++) {
        observe(b, lost);
        catch_up(b);
    }
    tell(b, what, SECONDS);
}

static void restore(struct bench *b, size_t count)
{
    uint64_t begun_ns = clock_thread_ns();
    struct health_reader *reader = health_reader_new();
    struct health_record record;
    size_t at = 0;
    while (health_record_next((const uint8_t *)b->stream.bytes, b->stream.len, &at, &record) == 0) {
        if (health_reader_take(reader, &record) != 0) {
            exit(EXIT_FAILURE);
        }
    }
    struct health *from = health_reader_finish(reader, &(struct health_reading){.wall_ms = b->wall_ms});
    note(b, begun_ns);
    tell(b, "read, and a machine made of it", 1);
    struct health *to = make(count, b->wall_ms);
    begun_ns = clock_thread_ns();
    health_carry(to, from, b->wall_ms);
    note(b, begun_ns);
    tell(b, "carried over", 1);
    health_reader_free(reader);
    health_free(from);
    health_free(to);
}

int main(int argc, char **argv)
{
    size_t count = argc > 1 ? strtoul(argv[1], NULL, 10) : 100000;
    struct bench b = {.health = make(count, 0), .wall_ms = 1000000};
    struct health_sizes sizes = health_get_sizes(b.health);
    buffer_init(&b.stream);
    b.writer = health_writer_new(&sizes);
    for (int i = 0; i < 4; i++) {
        observe(&b, 0);
    }
    health_writer_begin(b.writer, b.health);
    printf("%zu endpoints, %zu checks\n", count, health_monitor_count(b.health));
    write_all(&b);
    tell(&b, "everything written", 1);
    keep(&b, 0, "a second in which nothing happens");
    add_ages(&b);
    tell(&b, "ages, every 10 s", 1);
    keep(&b, AZS / 5, "a second after a fifth is lost (mean of 10)");
    keep(&b, AZS / 5, "a second later on");
    restore(&b, count);
    health_writer_end(b.writer);
    health_writer_free(b.writer);
    health_free(b.health);
    buffer_fini(&b.stream);
    return EXIT_SUCCESS;
}
