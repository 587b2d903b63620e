/* SPDX-License-Identifier: BSD-3-Clause
 *
 * See frame.h. */
#include "config.h"

#include "etcd/frame.h"

#include "base/arena.h"
#include "base/buffer.h"
#include "base/cursor.h"
#include "base/error.h"

#include <errno.h>
#include <string.h>

enum { KV_LEAST = 2 * 4 + 4 * 8 + 2 }; /* octets */

/* ---- writing ---- */

static void put_u32(struct buffer *to, uint32_t value)
{
    uint8_t bytes[4];
    struct cursor at = cursor_init(bytes, sizeof bytes);
    cursor_write_u32(&at, value);
    buffer_add(to, bytes, sizeof bytes);
}

static void put_u64(struct buffer *to, uint64_t value)
{
    put_u32(to, (uint32_t)(value >> 32));
    put_u32(to, (uint32_t)value);
}

static void put_u8(struct buffer *to, uint8_t value)
{
    buffer_add(to, &value, 1);
}

static void put_text(struct buffer *to, const char *text)
{
    buffer_add(to, text, strlen(text) + 1);
}

/* Returns where it begins. */
static size_t begin(struct buffer *to, uint32_t kind, uint64_t number)
{
    size_t at = to->len;
    put_u32(to, 0);
    put_u32(to, kind);
    put_u64(to, number);
    return at;
}

/* It takes back what is too long. */
static int end(struct buffer *to, size_t at)
{
    size_t len = to->len - at - ETCD_FRAME_HEAD;
    struct cursor head = cursor_init((uint8_t *)to->bytes + at, 4);
    if (len > ETCD_FRAME_MAX) {
        to->len = at;
        to->bytes[at] = '\0';
        return ERROR_TOO_LARGE;
    }
    cursor_write_u32(&head, (uint32_t)len);
    return 0;
}

void etcd_write_mark(uint32_t kind, uint64_t number, struct buffer *to)
{
    (void)end(to, begin(to, kind, number));
}

void etcd_write_setup(const struct etcd_setup *setup, struct buffer *to)
{
    const char *const texts[] = {setup->ca, setup->certificate, setup->key, setup->user, setup->password};
    size_t at = begin(to, ETCD_FRAME_SETUP, 0);
    put_u32(to, ETCD_VERSION);
    put_u8(to, (uint8_t)setup->endpoint_count);
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        put_text(to, texts[i]);
    }
    for (size_t i = 0; i < setup->endpoint_count; i++) {
        put_text(to, setup->endpoints[i]);
    }
    (void)end(to, at);
}

void etcd_write_call(uint64_t number, const struct etcd_call *call, struct buffer *to)
{
    size_t at = begin(to, ETCD_FRAME_CALL, number);
    put_u8(to, (uint8_t)call->kind);
    put_u8(to, call->is_write);
    put_u32(to, call->deadline_ms);
    put_u32(to, (uint32_t)call->body_len);
    buffer_add(to, call->body, call->body_len);
    buffer_add(to, call->beat, call->beat_len);
    (void)end(to, at);
}

static void put_kv(struct buffer *to, const struct etcd_kv *kv)
{
    put_u32(to, (uint32_t)kv->key_len);
    put_u32(to, (uint32_t)kv->value_len);
    put_u64(to, (uint64_t)kv->mod_revision);
    put_u64(to, (uint64_t)kv->create_revision);
    put_u64(to, (uint64_t)kv->version);
    put_u64(to, (uint64_t)kv->lease);
    buffer_add(to, kv->key, kv->key_len);
    put_u8(to, 0);
    buffer_add(to, kv->value, kv->value_len);
    put_u8(to, 0);
}

int etcd_write_answer(uint64_t number, const struct etcd_answer *answer, struct buffer *to)
{
    size_t at = begin(to, ETCD_FRAME_ANSWER, number);
    put_u32(to, (uint32_t)answer->error);
    put_u8(to, answer->more);
    put_u8(to, answer->may_have_effect);
    put_u64(to, (uint64_t)answer->revision);
    put_u64(to, answer->cluster_id);
    put_u64(to, answer->member_id);
    put_u64(to, answer->raft_term);
    put_u64(to, (uint64_t)answer->lease);
    put_u64(to, (uint64_t)answer->ttl_s);
    put_text(to, answer->why);
    put_text(to, answer->endpoint);
    put_u32(to, (uint32_t)answer->kv_count);
    for (size_t i = 0; i < answer->kv_count; i++) {
        put_kv(to, &answer->kvs[i]);
    }
    if (answer->room.is_known) { /* only whoever knows of it asks */
        put_u64(to, (uint64_t)answer->room.size);
        put_u64(to, (uint64_t)answer->room.quota);
        put_u8(to, answer->room.is_full);
        put_u8(to, answer->room.is_corrupt);
    }
    return end(to, at);
}

int etcd_write_news(uint32_t kind, uint64_t number, const struct etcd_news *news, struct buffer *to)
{
    size_t at = begin(to, kind, number);
    put_u64(to, (uint64_t)news->revision);
    put_text(to, news->endpoint);
    put_u32(to, (uint32_t)news->count);
    for (size_t i = 0; i < news->count; i++) {
        put_u8(to, news->changes[i].is_delete);
        put_kv(to, &news->changes[i].kv);
    }
    return end(to, at);
}

/* ---- parsing ---- */

static struct cursor look_at(const struct etcd_frame *frame)
{
    return cursor_init_const((const uint8_t *)frame->bytes, frame->len);
}

static const char *take_text(struct cursor *at)
{
    size_t left = cursor_left(at);
    const char *text = (const char *)at->bytes + at->at;
    const char *nul = left == 0 ? NULL : memchr(text, '\0', left);
    if (nul == NULL) {
        at->failed = true;
        return "";
    }
    (void)cursor_take(at, (size_t)(nul - text) + 1);
    return text;
}

/* Nothing but false and true. */
static bool take_bool(struct cursor *at)
{
    uint8_t value = cursor_read_u8(at);
    at->failed = at->failed || value > 1;
    return value == 1;
}

static int judge(const struct cursor *at)
{
    return at->failed || at->at != at->len ? -EBADMSG : 0;
}

int etcd_parse_setup(const struct etcd_frame *frame, struct etcd_setup *setup)
{
    struct cursor at = look_at(frame);
    *setup = (struct etcd_setup){.endpoint_count = 0};
    uint32_t version = cursor_read_u32(&at);
    size_t count = cursor_read_u8(&at);
    if (!at.failed && version != ETCD_VERSION) {
        return -EPROTONOSUPPORT;
    }
    setup->ca = take_text(&at);
    setup->certificate = take_text(&at);
    setup->key = take_text(&at);
    setup->user = take_text(&at);
    setup->password = take_text(&at);
    if (count == 0 || count > ETCD_ENDPOINTS_MAX) {
        return -EBADMSG;
    }
    for (size_t i = 0; i < count; i++) {
        setup->endpoints[i] = take_text(&at);
    }
    setup->endpoint_count = count;
    return judge(&at);
}

int etcd_parse_call(const struct etcd_frame *frame, struct etcd_call *call)
{
    struct cursor at = look_at(frame);
    uint8_t kind = cursor_read_u8(&at);
    bool is_write = take_bool(&at);
    uint32_t deadline_ms = cursor_read_u32(&at);
    size_t body_len = cursor_read_u32(&at);
    const char *body = (const char *)cursor_take(&at, body_len);
    size_t beat_len = cursor_left(&at);
    const char *beat = (const char *)cursor_take(&at, beat_len);
    if (kind > ETCD_CALL_LOOK || body_len == 0 || (kind == ETCD_CALL_WATCH) != (beat_len != 0)) {
        return -EBADMSG;
    }
    *call = (struct etcd_call){.kind = (enum etcd_call_kind)kind,
                               .is_write = is_write,
                               .deadline_ms = deadline_ms,
                               .body = body,
                               .beat = beat,
                               .body_len = body_len,
                               .beat_len = beat_len};
    return judge(&at);
}

static const char *take_octets(struct cursor *at, size_t len)
{
    const char *octets = (const char *)cursor_take(at, len);
    uint8_t nul = cursor_read_u8(at);
    at->failed = at->failed || nul != 0;
    return octets;
}

/* Of one that is the last there can be nobody would know what comes next. */
static int64_t take_revision(struct cursor *at)
{
    int64_t revision = cursor_read_i64(at);
    at->failed = at->failed || revision < 0 || revision == INT64_MAX;
    return revision;
}

static void take_kv(struct cursor *at, struct etcd_kv *kv)
{
    kv->key_len = cursor_read_u32(at);
    kv->value_len = cursor_read_u32(at);
    kv->mod_revision = take_revision(at);
    kv->create_revision = take_revision(at);
    kv->version = cursor_read_i64(at);
    kv->lease = cursor_read_i64(at);
    kv->key = take_octets(at, kv->key_len);
    kv->value = take_octets(at, kv->value_len);
}

/* How many follow, each of which has at least so many octets: nobody allocates for more than that. */
static size_t take_count(struct cursor *at, size_t least)
{
    size_t count = cursor_read_u32(at);
    at->failed = at->failed || count > cursor_left(at) / least;
    return at->failed ? 0 : count;
}

int etcd_parse_answer(const struct etcd_frame *frame, struct arena *arena, struct etcd_answer *answer)
{
    struct cursor at = look_at(frame);
    *answer = (struct etcd_answer){.error = (int32_t)cursor_read_u32(&at)};
    answer->more = take_bool(&at);
    answer->may_have_effect = take_bool(&at);
    answer->revision = take_revision(&at);
    answer->cluster_id = cursor_read_u64(&at);
    answer->member_id = cursor_read_u64(&at);
    answer->raft_term = cursor_read_u64(&at);
    answer->lease = cursor_read_i64(&at);
    answer->ttl_s = cursor_read_i64(&at);
    answer->why = take_text(&at);
    answer->endpoint = take_text(&at);
    answer->kv_count = take_count(&at, KV_LEAST);
    struct etcd_kv *kvs = arena_alloc(arena, (answer->kv_count + 1) * sizeof *kvs);
    for (size_t i = 0; i < answer->kv_count && !at.failed; i++) {
        take_kv(&at, &kvs[i]);
    }
    answer->kvs = kvs;
    if (!at.failed && cursor_left(&at) != 0) {
        answer->room.is_known = true;
        answer->room.size = cursor_read_i64(&at);
        answer->room.quota = cursor_read_i64(&at);
        answer->room.is_full = take_bool(&at);
        answer->room.is_corrupt = take_bool(&at);
    }
    return judge(&at);
}

int etcd_parse_news(const struct etcd_frame *frame, struct arena *arena, struct etcd_news *news)
{
    struct cursor at = look_at(frame);
    news->revision = take_revision(&at);
    news->endpoint = take_text(&at);
    news->count = take_count(&at, KV_LEAST + 1);
    struct etcd_change *changes = arena_alloc(arena, (news->count + 1) * sizeof *changes);
    for (size_t i = 0; i < news->count && !at.failed; i++) {
        changes[i].is_delete = take_bool(&at);
        take_kv(&at, &changes[i].kv);
    }
    news->changes = changes;
    return judge(&at);
}
