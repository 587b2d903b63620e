/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Fuzzer of what etcd answers, as steerd-etcd reads it, and of the frames between that and steerd: what is
 * understood is written the same again. The first byte chooses. */
#include "config.h"

#include "base/arena.h"
#include "base/buffer.h"
#include "etcd/feed.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void expect(int truth)
{
    if (!truth) {
        abort();
    }
}

static void check_fault(const struct etcd_fault *fault)
{
    expect((fault->error == 0) == (fault->why[0] == '\0') &&
           memchr(fault->why, '\0', sizeof fault->why) != NULL);
}

/* What is read can be handed on, and is the same there. */
static void check_answer(const struct etcd_answer *answer)
{
    struct arena *arena = arena_new(0);
    struct etcd_answer read;
    struct buffer out, again;
    buffer_init(&out);
    buffer_init(&again);
    if (etcd_write_answer(1, answer, &out) == 0) {
        const struct etcd_frame frame = {ETCD_FRAME_ANSWER, 1, out.bytes + ETCD_FRAME_HEAD,
                                         out.len - ETCD_FRAME_HEAD};
        expect(etcd_parse_answer(&frame, arena, &read) == 0 && etcd_write_answer(1, &read, &again) == 0);
        expect(again.len == out.len && memcmp(again.bytes, out.bytes, out.len) == 0);
    }
    buffer_fini(&out);
    buffer_fini(&again);
    arena_free(arena);
}

static void try_reply(uint8_t choice, const char *text, size_t len)
{
    struct arena *arena = arena_new(0);
    struct etcd_answer answer;
    struct etcd_fault fault;
    (void)etcd_read_reply(choice % 5 == 4 ? ETCD_CALL_LOOK : (enum etcd_call_kind)(choice % 5), text, len,
                          arena, &answer, &fault);
    check_fault(&fault);
    if (fault.error == 0) {
        check_answer(&answer);
    }
    arena_free(arena);
}

static void try_refusal(uint8_t choice, const char *text, size_t len)
{
    struct etcd_fault fault;
    char token[ETCD_TOKEN_SIZE] = "";
    if (choice % 2 == 0) {
        etcd_read_refusal(500, text, len, &fault);
        expect(fault.error != 0);
    } else {
        expect((etcd_read_token(text, len, token, &fault) == 0) == (token[0] != '\0'));
    }
    check_fault(&fault);
}

static void on_begun(void *context, int64_t revision)
{
    (void)context, (void)revision;
}

/* Revisions ascend, and none comes twice. */
static void on_changed(void *context, const struct etcd_change *changes, size_t count, int64_t revision)
{
    int64_t before = 0;
    (void)context;
    for (size_t i = 0; i < count; i++) {
        const struct etcd_kv *kv = &changes[i].kv;
        expect(kv->mod_revision >= before && kv->mod_revision <= revision && kv->key_len != 0);
        expect(kv->key[kv->key_len] == '\0' && kv->value[kv->value_len] == '\0');
        before = kv->mod_revision;
    }
}

static void try_feed(uint8_t choice, const char *text, size_t len)
{
    struct feed feed;
    struct etcd_fault fault = {.error = 0};
    size_t piece = (size_t)choice + 1;
    feed_init(&feed);
    feed.begun = on_begun;
    feed.changed = on_changed;
    for (size_t at = 0; at < len && fault.error == 0; at += piece) {
        (void)feed_add(&feed, text + at, len - at < piece ? len - at : piece, &fault);
    }
    check_fault(&fault);
    feed_fini(&feed);
}

static void write_again(const struct etcd_frame *frame, struct arena *arena, struct buffer *out)
{
    struct etcd_answer answer;
    struct etcd_news news;
    struct etcd_setup setup;
    struct etcd_call call;
    if (frame->kind == ETCD_FRAME_ANSWER && etcd_parse_answer(frame, arena, &answer) == 0) {
        (void)etcd_write_answer(frame->number, &answer, out);
    } else if (frame->kind == ETCD_FRAME_CHANGES && etcd_parse_news(frame, arena, &news) == 0) {
        (void)etcd_write_news(frame->kind, frame->number, &news, out);
    } else if (frame->kind == ETCD_FRAME_SETUP && etcd_parse_setup(frame, &setup) == 0) {
        etcd_write_setup(&setup, out);
    } else if (frame->kind == ETCD_FRAME_CALL && etcd_parse_call(frame, &call) == 0) {
        etcd_write_call(frame->number, &call, out);
    }
}

static void try_frame(uint8_t choice, const char *bytes, size_t len)
{
    static const uint32_t kinds[] = {ETCD_FRAME_ANSWER, ETCD_FRAME_CHANGES, ETCD_FRAME_SETUP,
                                     ETCD_FRAME_CALL};
    const struct etcd_frame frame = {kinds[choice % 4], 0, bytes, len};
    struct arena *arena = arena_new(0);
    struct buffer out;
    buffer_init(&out);
    write_again(&frame, arena, &out);
    expect(out.len == 0 ||
           (out.len == len + ETCD_FRAME_HEAD && memcmp(out.bytes + ETCD_FRAME_HEAD, bytes, len) == 0));
    buffer_fini(&out);
    arena_free(arena);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 2) {
        return 0;
    }
    char *copy = malloc(size - 2 == 0 ? 1 : size - 2); /* so that every octet beyond is one too many */
    expect(copy != NULL);
    memcpy(copy, data + 2, size - 2);
    switch (data[0] % 4) {
    case 0: try_reply(data[1], copy, size - 2); break;
    case 1: try_refusal(data[1], copy, size - 2); break;
    case 2: try_feed(data[1], copy, size - 2); break;
    default: try_frame(data[1], copy, size - 2); break;
    }
    free(copy);
    return 0;
}
