/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Tests of what nodes tell each other of bundles: messages are read again as they were written and nothing
 * else is, and blocks come whole over a link, with octets that look like lines, beside what else is said. */
#include "config.h"

#include "unit.h"

#include "base/arena.h"
#include "base/clock.h"
#include "base/error.h"
#include "base/memory.h"
#include "fleet/link.h"
#include "fleet/listener.h"

#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <event2/event.h>

#define ID "8f43000000000000000000000000000000000000000000000000000000000001"

/* ---- messages ---- */

static void hold(const struct fleet_message *message, const char *expected)
{
    char why[FLEET_WHY_SIZE];
    struct buffer line, again;
    struct fleet_message read;
    struct arena *arena = arena_new(0);
    buffer_init(&line);
    buffer_init(&again);
    fleet_write(message, &line);
    assert_string_equal(line.bytes, expected);
    if (fleet_read(line.bytes, line.len - 1, arena, &read, why) != 0) {
        fail_msg("%s: %s", line.bytes, why);
    }
    assert_int_equal(read.kind, message->kind);
    fleet_write(&read, &again);
    assert_string_equal(again.bytes, line.bytes);
    buffer_fini(&line);
    buffer_fini(&again);
    arena_free(arena);
}

static void messages_are_read_as_they_were_written(void **state)
{
    (void)state;
    const struct fleet_blocks blocks[] = {{0, 17}, {FLEET_BLOCKS_MAX - 1, 1}};
    hold(&(struct fleet_message){.kind = FLEET_HAS,
                                 .bulk = {.bundle = ID,
                                          .part = FLEET_STREAM,
                                          .size = 1073741824,
                                          .is_anew = true,
                                          .items = blocks,
                                          .count = 2}},
         "{\"has\":{\"bundle\":\"" ID "\",\"part\":\"stream\",\"size\":1073741824,\"anew\":true,"
         "\"blocks\":[[0,17],[131071,1]]}}\n");
    hold(&(struct fleet_message){.kind = FLEET_WANT, .bulk = {.bundle = ID}},
         "{\"want\":{\"bundle\":\"" ID "\",\"part\":\"manifest\",\"blocks\":[]}}\n");
    hold(&(struct fleet_message){.kind = FLEET_WANT,
                                 .bulk = {.bundle = ID, .items = blocks, .count = 1, .scarce = true}},
         "{\"want\":{\"bundle\":\"" ID "\",\"part\":\"manifest\",\"blocks\":[[0,17]],\"scarce\":true}}\n");
    hold(&(struct fleet_message){.kind = FLEET_NONE,
                                 .bulk = {.bundle = ID, .items = blocks, .count = 1, .is_gone = true}},
         "{\"none\":{\"bundle\":\"" ID "\",\"part\":\"manifest\",\"blocks\":[[0,17]],\"gone\":true}}\n");
    hold(&(struct fleet_message){.kind = FLEET_BLOCK,
                                 .piece = {.bundle = ID,
                                           .part = FLEET_STREAM,
                                           .number = 3,
                                           .of = FLEET_BLOCK_MAX,
                                           .from = FLEET_BLOCK_MAX - FLEET_PIECE_MAX,
                                           .len = FLEET_PIECE_MAX}},
         "{\"block\":{\"bundle\":\"" ID "\",\"part\":\"stream\",\"number\":3,\"of\":262144,\"from\":229376,"
         "\"len\":32768}}\n");
}

static void what_nobody_would_write_is_refused(void **state)
{
    (void)state;
    const char *const lines[] = {
        "{\"has\":{\"bundle\":\"" ID "\",\"part\":\"stream\",\"blocks\":[]}}",
        "{\"has\":{\"bundle\":\"" ID "\",\"part\":\"stream\",\"size\":-1,\"blocks\":[]}}",
        "{\"has\":{\"bundle\":\"" ID "\",\"part\":\"stream\",\"size\":1,\"blocks\":[],\"gone\":true}}",
        "{\"has\":{\"bundle\":\"" ID "\",\"part\":\"rest\",\"size\":1,\"blocks\":[]}}",
        "{\"has\":{\"bundle\":\"8f43\",\"part\":\"stream\",\"size\":1,\"blocks\":[]}}",
        "{\"has\":{\"bundle\":\"../0000000000000000000000000000000000000000000000000000000000001\","
        "\"part\":\"stream\",\"size\":1,\"blocks\":[]}}",
        "{\"want\":{\"bundle\":\"" ID "\",\"part\":\"stream\",\"blocks\":[[0,0]]}}",
        "{\"want\":{\"bundle\":\"" ID "\",\"part\":\"stream\",\"blocks\":[[131071,2]]}}",
        "{\"want\":{\"bundle\":\"" ID "\",\"part\":\"stream\",\"blocks\":[[-1,1]]}}",
        "{\"want\":{\"bundle\":\"" ID "\",\"part\":\"stream\",\"blocks\":[[1]]}}",
        "{\"want\":{\"bundle\":\"" ID "\",\"part\":\"stream\",\"blocks\":[[1,1.5]]}}",
        "{\"want\":{\"bundle\":\"" ID "\",\"part\":\"stream\",\"blocks\":{}}}",
        "{\"want\":{\"bundle\":\"" ID "\",\"part\":\"stream\",\"blocks\":[],\"scarce\":1}}",
        "{\"want\":{\"bundle\":\"" ID "\",\"part\":\"stream\",\"blocks\":[[0,131072],[7,1]]}}",
        "{\"want\":[]}",
        "{\"none\":{\"bundle\":\"" ID "\",\"part\":\"stream\"}}",
        "{\"block\":{\"bundle\":\"" ID "\",\"part\":\"stream\",\"number\":0,\"of\":10,\"from\":0,\"len\":0}}",
        "{\"block\":{\"bundle\":\"" ID "\",\"part\":\"stream\",\"number\":0,\"of\":10,\"from\":5,\"len\":6}}",
        "{\"block\":{\"bundle\":\"" ID
        "\",\"part\":\"stream\",\"number\":0,\"of\":10,\"from\":10,\"len\":1}}",
        "{\"block\":{\"bundle\":\"" ID
        "\",\"part\":\"stream\",\"number\":0,\"of\":262145,\"from\":0,\"len\":1}}",
        "{\"block\":{\"bundle\":\"" ID
        "\",\"part\":\"stream\",\"number\":0,\"of\":262144,\"from\":0,\"len\":32769}}",
        "{\"block\":{\"bundle\":\"" ID
        "\",\"part\":\"stream\",\"number\":131072,\"of\":1,\"from\":0,\"len\":1}}"};
    for (size_t i = 0; i < sizeof lines / sizeof *lines; i++) {
        char why[FLEET_WHY_SIZE];
        struct fleet_message message;
        struct arena *arena = arena_new(0);
        assert_int_equal(fleet_read(lines[i], strlen(lines[i]), arena, &message, why), ERROR_INVALID);
        assert_true(strncmp(why, "has: ", 5) == 0 || strncmp(why, "want: ", 6) == 0 ||
                    strncmp(why, "none: ", 6) == 0 || strncmp(why, "block: ", 7) == 0);
        arena_free(arena);
    }
}

/* ---- a link ---- */

enum { NUMBER = 31, BLOCKS = 24, PATIENCE_S = 30 };

struct world {
    struct clock clock;
    struct event_base *base;
    struct fleet *fleet;
    struct fleet_link *link;
    struct tls_context *contexts[2];
    uint8_t fingerprints[2][TLS_FINGERPRINT_SIZE];
    struct addr_port at;
    uint8_t *block;
    uint32_t blocks, have, held; /* whole ones; octets of the one that is coming; "holds" that came */
    bool is_connected;
    _Atomic unsigned given, wanted;
};

static void make_block(uint8_t *block, uint32_t number)
{
    for (uint32_t i = 0; i < FLEET_BLOCK_MAX; i++) {
        block[i] = i % 7 == 0 ? '\n' : (uint8_t)(i * (number + 1) >> 3);
    }
}

static void make_identity(struct world *w, int side, enum tls_use use)
{
    char why[TLS_WHY_SIZE];
    enum tls_part part;
    struct tls_identity identity;
    assert_true(tls_identity_make("a host", &identity));
    struct tls_plan plan = {.use = use,
                            .certificate = {identity.certificate, strlen(identity.certificate)},
                            .key = {identity.key, strlen(identity.key)}};
    assert_true(tls_fingerprint_read(&plan.certificate, w->fingerprints[side]));
    w->contexts[side] = tls_context_new(&plan, &part, why);
    assert_non_null(w->contexts[side]);
    tls_identity_fini(&identity);
}

/* The server's side, on its thread. */

static void on_wanted(void *context, unsigned number, uint64_t connection,
                      const struct fleet_message *message)
{
    struct world *w = context;
    for (uint32_t i = 0; i < message->bulk.items[0].count; i++) {
        uint8_t *octets = memory_alloc(FLEET_BLOCK_MAX);
        make_block(octets, i);
        const struct fleet_message block = {
            .kind = FLEET_BLOCK,
            .piece = {
                .bundle = message->bulk.bundle, .part = FLEET_STREAM, .number = i, .of = FLEET_BLOCK_MAX}};
        fleet_give(w->fleet, number, connection, &block, octets);
        fleet_answer_order(w->fleet, number, i, "");
    }
    fleet_give(w->fleet, number, connection + 1, message, NULL); /* nobody: it is another connection */
    w->wanted++;
}

static void on_given(void *context, unsigned number, uint64_t connection)
{
    struct world *w = context;
    (void)connection;
    assert_int_equal(number, NUMBER);
    w->given++;
}

static void on_tick(void *context)
{
    (void)context;
}

static void on_notice(void *context, const struct fleet_notice *notice)
{
    (void)context, (void)notice;
}

static void on_came(void *context, const struct fleet_notice *notice, bool is_new)
{
    (void)context, (void)notice, (void)is_new;
}

static void on_alive(void *context, unsigned number)
{
    (void)context, (void)number;
}

/* The other side. */

static void find_place(void *context)
{
    struct world *w = context;
    fleet_link_found(w->link, &w->at, 1, "");
}

static void on_connected(void *context)
{
    struct world *w = context;
    w->is_connected = true;
    const struct fleet_blocks blocks = {0, BLOCKS};
    assert_true(fleet_link_answer(
        w->link,
        &(struct fleet_message){.kind = FLEET_WANT,
                                .bulk = {.bundle = ID, .part = FLEET_STREAM, .items = &blocks, .count = 1}}));
}

static void on_ended(void *context, const struct fleet_link_end *end)
{
    struct world *w = context;
    assert_false(w->is_connected);
    (void)end;
}

static bool get(void *context, uint64_t *generation)
{
    (void)context;
    *generation = 0;
    return false;
}

static void set_mark(void *context, uint64_t mark)
{
    (void)context, (void)mark;
}

static void hear(void *context, const struct fleet_message *message)
{
    struct world *w = context;
    const struct fleet_piece *piece = &message->piece;
    w->held += message->kind == FLEET_HOLDS;
    if (message->kind != FLEET_BLOCK) {
        return;
    }
    assert_int_equal(piece->number, w->blocks);
    assert_int_equal(piece->from, w->have);
    assert_string_equal(piece->bundle, ID);
    if (piece->from == 0) {
        make_block(w->block, piece->number);
    }
    assert_memory_equal(piece->octets, w->block + piece->from, piece->len);
    w->have = (piece->from + piece->len) % FLEET_BLOCK_MAX;
    w->blocks += w->have == 0;
}

static void open_server(struct world *w)
{
    struct fleet_member member = {.name = "node:ns2", .number = NUMBER, .is_enrolled = true};
    struct sockaddr_storage at;
    socklen_t len = sizeof at;
    memcpy(member.fingerprint, w->fingerprints[1], sizeof member.fingerprint);
    assert_int_equal(fleet_open(&(struct fleet_options){.clock = &w->clock,
                                                        .server = "ns1",
                                                        .hooks = {.context = w,
                                                                  .alive = on_alive,
                                                                  .came = on_came,
                                                                  .left = on_notice,
                                                                  .wanted = on_wanted,
                                                                  .given = on_given,
                                                                  .tick = on_tick}},
                                &w->fleet),
                     0);
    int fd = fleet_bind(&(struct addr_port){.addr = {ADDR_V4, {127, 0, 0, 1}}});
    assert_true(fd >= 0);
    assert_int_equal(getsockname(fd, (struct sockaddr *)&at, &len), 0);
    addr_from_sockaddr((const struct sockaddr *)&at, &w->at);
    fleet_set_members(w->fleet, &member, 1);
    fleet_listen(w->fleet, &fd, 1, w->contexts[0]);
}

static void blocks_come_whole_beside_what_else_is_said(void **state)
{
    (void)state;
    struct world world = {.block = memory_alloc(FLEET_BLOCK_MAX)}, *w = &world;
    clock_init(&w->clock);
    make_identity(w, 0, TLS_USE_PINNED_SERVER);
    make_identity(w, 1, TLS_USE_PINNED_CLIENT);
    open_server(w);
    w->base = event_base_new();
    struct fleet_link_plan plan = {
        .base = w->base,
        .clock = &w->clock,
        .context = w->contexts[1],
        .name = "ns2",
        .run = 1,
        .hooks = {.context = w, .find = find_place, .connected = on_connected, .ended = on_ended},
        .list = {.context = w, .get = get, .set_mark = set_mark, .hear = hear}};
    memcpy(plan.fingerprint, w->fingerprints[0], sizeof plan.fingerprint);
    w->link = fleet_link_open(&plan);
    int64_t end_ms = clock_now_ms(&w->clock) + PATIENCE_S * 1000;
    while ((w->blocks < BLOCKS || w->held < BLOCKS || w->given < BLOCKS) &&
           clock_now_ms(&w->clock) < end_ms) {
        assert_int_equal(event_base_loop(w->base, EVLOOP_ONCE), 0);
    }
    assert_int_equal(w->blocks, BLOCKS);
    assert_int_equal(w->held, BLOCKS);
    assert_int_equal(w->given, BLOCKS);
    assert_int_equal(w->wanted, 1);
    fleet_link_close(w->link);
    fleet_close(w->fleet);
    event_base_free(w->base);
    tls_context_drop(w->contexts[0]);
    tls_context_drop(w->contexts[1]);
    free(w->block);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(messages_are_read_as_they_were_written),
                                       cmocka_unit_test(what_nobody_would_write_is_refused),
                                       cmocka_unit_test(blocks_come_whole_beside_what_else_is_said)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
