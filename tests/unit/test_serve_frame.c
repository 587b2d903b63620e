/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Tests of the framing: where queries begin and end, however the stream was cut. */
#include "config.h"

#include "unit.h"

#include "serve/tcp_frame.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

enum { OUT_SIZE = 2 * TCP_FRAME_MAX };

struct room {
    uint8_t in[2 * TCP_FRAME_MAX], out[OUT_SIZE];
    struct tcp_frame_batch batch;
};

/* Echoes; a first octet of 'z' gets no reply, 'f' the longest one. */
static size_t echo(void *argument, const uint8_t *query, size_t len, uint8_t *out, size_t cap)
{
    size_t *calls = argument;
    (*calls)++;
    assert_true(cap == TCP_FRAME_MESSAGE_MAX);
    memcpy(out, query, len);
    if (query[0] == 'f') {
        memset(out + len, 'f', cap - len);
        return cap;
    }
    return query[0] == 'z' ? 0 : len;
}

static struct room *room_new(void)
{
    struct room *room = calloc(1, sizeof *room);
    assert_non_null(room);
    room->batch = (struct tcp_frame_batch){.in = room->in, .out = room->out, .out_cap = OUT_SIZE};
    return room;
}

static void add_query(struct room *room, char first, size_t len)
{
    uint8_t *at = room->in + room->batch.in_len;
    at[0] = (uint8_t)(len >> 8);
    at[1] = (uint8_t)len;
    memset(at + 2, first, len);
    room->batch.in_len += 2 + len;
}

static void answers_all_that_is_complete(void **state)
{
    (void)state;
    struct room *room = room_new();
    size_t calls = 0;
    add_query(room, 'a', 12);
    add_query(room, 'b', 13);
    add_query(room, 'c', 300);
    assert_int_equal(tcp_frame_answer(&room->batch, echo, &calls), TCP_FRAME_HUNGRY);
    assert_int_equal(calls, 3);
    assert_int_equal(room->batch.queries, 3);
    assert_int_equal(room->batch.in_at, room->batch.in_len);
    assert_int_equal(room->batch.out_len, room->batch.in_len);
    assert_memory_equal(room->out, room->in, room->batch.in_len);
    free(room);
}

static void waits_for_the_rest(void **state)
{
    (void)state;
    struct room *room = room_new();
    add_query(room, 'a', 20);
    add_query(room, 'b', 40);
    for (size_t len = 0; len < 2 + 20 + 2 + 40; len++) {
        size_t calls = 0;
        room->batch.in_len = len;
        room->batch.in_at = room->batch.out_len = room->batch.queries = 0;
        assert_int_equal(tcp_frame_answer(&room->batch, echo, &calls), TCP_FRAME_HUNGRY);
        assert_int_equal(calls, len >= 22);
        assert_int_equal(room->batch.in_at, len >= 22 ? 22 : 0);
        assert_int_equal(room->batch.out_len, room->batch.in_at);
    }
    free(room);
}

static void short_lengths_end_the_stream(void **state)
{
    (void)state;
    for (size_t len = 0; len < TCP_FRAME_MESSAGE_MIN; len++) {
        struct room *room = room_new();
        size_t calls = 0;
        add_query(room, 'a', 12);
        add_query(room, 'b', len);
        add_query(room, 'c', 12);
        assert_int_equal(tcp_frame_answer(&room->batch, echo, &calls), TCP_FRAME_BAD);
        assert_int_equal(calls, 1);
        assert_int_equal(room->batch.out_len, 14);
        /* At once, not when its octets have come. */
        room->batch.in_len = 16;
        room->batch.in_at = 14;
        assert_int_equal(tcp_frame_answer(&room->batch, echo, &calls), TCP_FRAME_BAD);
        free(room);
    }
}

static void no_reply_ends_the_stream(void **state)
{
    (void)state;
    struct room *room = room_new();
    size_t calls = 0;
    add_query(room, 'a', 12);
    add_query(room, 'z', 12);
    add_query(room, 'c', 12);
    assert_int_equal(tcp_frame_answer(&room->batch, echo, &calls), TCP_FRAME_BAD);
    assert_int_equal(calls, 2);
    assert_int_equal(room->batch.out_len, 14);
    free(room);
}

static void full_output_is_resumed(void **state)
{
    (void)state;
    struct room *room = room_new();
    size_t calls = 0, rounds = 0;
    enum tcp_frame_state frame;
    for (int i = 0; i < 5; i++) {
        add_query(room, 'f', 12);
    }
    do {
        room->batch.out_len = 0;
        frame = tcp_frame_answer(&room->batch, echo, &calls);
        rounds++;
        assert_true(room->batch.out_len % TCP_FRAME_MAX == 0);
        assert_true(rounds <= 5);
    } while (frame == TCP_FRAME_FULL);
    assert_int_equal(frame, TCP_FRAME_HUNGRY);
    assert_int_equal(calls, 5);
    assert_int_equal(rounds, 3); /* two fit at a time */
    assert_int_equal(room->out[0], 0xff);
    assert_int_equal(room->out[1], 0xff);
    free(room);
}

static void longest_query_fits(void **state)
{
    (void)state;
    struct room *room = room_new();
    size_t calls = 0;
    add_query(room, 'a', TCP_FRAME_MESSAGE_MAX);
    room->batch.in_len--;
    assert_int_equal(tcp_frame_answer(&room->batch, echo, &calls), TCP_FRAME_HUNGRY);
    assert_int_equal(calls, 0);
    room->batch.in_len++;
    assert_int_equal(tcp_frame_answer(&room->batch, echo, &calls), TCP_FRAME_HUNGRY);
    assert_int_equal(calls, 1);
    assert_int_equal(room->batch.out_len, TCP_FRAME_MAX);
    free(room);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(answers_all_that_is_complete), cmocka_unit_test(waits_for_the_rest),
        cmocka_unit_test(short_lengths_end_the_stream), cmocka_unit_test(no_reply_ends_the_stream),
        cmocka_unit_test(full_output_is_resumed),       cmocka_unit_test(longest_query_fits),
    };
    return cmocka_run_group_tests_name("serve_frame", tests, NULL, NULL);
}
