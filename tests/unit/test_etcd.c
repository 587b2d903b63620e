/* SPDX-License-Identifier: BSD-3-Clause
 *
 * What is said to etcd and what it answers, as texts; what a watch makes of lines; and frames between steerd
 * and steerd-etcd. No sockets but one pair. */
#include "unit.h"

#include "base/arena.h"
#include "base/buffer.h"
#include "base/error.h"
#include "etcd/body.h"
#include "etcd/feed.h"
#include "etcd/wire.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

/* ---- requests ---- */

static void requests_as_etcd_reads_them(void **state)
{
    (void)state;
    const struct etcd_condition conditions[] = {{.kind = ETCD_IF_ABSENT, .key = "a"},
                                                {.kind = ETCD_IF_MOD_REVISION, .key = "b", .number = 7},
                                                {.kind = ETCD_IF_CREATE_REVISION, .key = "b", .number = 5},
                                                {.kind = ETCD_IF_VALUE, .key = "c", .value = "foo"}};
    const struct etcd_op then[] = {{.kind = ETCD_PUT, .key = "a", .value = "foobar", .lease = 9},
                                   {.kind = ETCD_DELETE, .key = "b"}};
    const struct etcd_op otherwise[] = {{.kind = ETCD_GET, .key = "c", .at_revision = 3},
                                        {.kind = ETCD_LIST, .key = "d/", .limit = 10, .after = "d/1"},
                                        {.kind = ETCD_LIST, .key = "\xff"}};
    const struct etcd_request request = {conditions, 4, then, otherwise, 2, 3, 100, NULL, NULL};
    struct buffer body;
    const char *why;
    bool is_write;
    buffer_init(&body);
    assert_int_equal(etcd_write_txn(&request, &body, &is_write, &why), 0);
    assert_true(is_write);
    assert_string_equal(
        body.bytes,
        "{\"compare\":["
        "{\"result\":\"EQUAL\",\"key\":\"YQ==\",\"target\":\"CREATE\",\"create_revision\":\"0\"},"
        "{\"result\":\"EQUAL\",\"key\":\"Yg==\",\"target\":\"MOD\",\"mod_revision\":\"7\"},"
        "{\"result\":\"EQUAL\",\"key\":\"Yg==\",\"target\":\"CREATE\",\"create_revision\":\"5\"},"
        "{\"result\":\"EQUAL\",\"key\":\"Yw==\",\"target\":\"VALUE\",\"value\":\"Zm9v\"}],\"success\":["
        "{\"request_put\":{\"key\":\"YQ==\",\"value\":\"Zm9vYmFy\",\"lease\":\"9\"}},"
        "{\"request_delete_range\":{\"key\":\"Yg==\"}}],\"failure\":["
        "{\"request_range\":{\"key\":\"Yw==\",\"revision\":\"3\"}},"
        "{\"request_range\":{\"key\":\"ZC8xAA==\",\"range_end\":\"ZDA=\",\"limit\":\"10\"}},"
        "{\"request_range\":{\"key\":\"/w==\",\"range_end\":\"AA==\",\"limit\":\"0\"}}]}");
    buffer_fini(&body);
}

static void others_as_etcd_reads_them(void **state)
{
    (void)state;
    struct buffer body;
    buffer_init(&body);
    etcd_write_watch("ab/", 12, &body);
    assert_string_equal(body.bytes,
                        "{\"create_request\":{\"key\":\"YWIv\",\"range_end\":\"YWIw\",\"start_revision\":"
                        "\"12\",\"progress_notify\":true,\"fragment\":true}}");
    buffer_fini(&body);
    etcd_write_grant(5, &body);
    assert_string_equal(body.bytes, "{\"TTL\":\"5\"}");
    buffer_fini(&body);
    etcd_write_lease(INT64_MIN, &body);
    assert_string_equal(body.bytes, "{\"ID\":\"-9223372036854775808\"}");
    buffer_fini(&body);
    etcd_write_compact(INT64_MAX, &body);
    assert_string_equal(body.bytes, "{\"revision\":\"9223372036854775807\"}");
    buffer_fini(&body);
    etcd_write_beat("ab/", &body);
    assert_string_equal(body.bytes, "{\"key\":\"YWIv\",\"keys_only\":true}");
    buffer_fini(&body);
    etcd_write_login("ro\"ot", "a\\b\x01\xc3\xbc", &body);
    assert_string_equal(body.bytes, "{\"name\":\"ro\\u0022ot\",\"password\":\"a\\u005cb\\u0001\xc3\xbc\"}");
    buffer_fini(&body);
}

/* What etcd would refuse, or take for something else, is not sent. */
static void requests_that_are_none(void **state)
{
    (void)state;
    char long_key[ETCD_KEY_MAX + 1];
    memset(long_key, 'k', ETCD_KEY_MAX);
    long_key[ETCD_KEY_MAX] = '\0';
    const struct etcd_op bad[] = {
        {.kind = ETCD_PUT, .key = "", .value = "x"},  {.kind = ETCD_PUT, .key = "k"},
        {.kind = ETCD_GET, .key = long_key},          {.kind = ETCD_DELETE},
        {.kind = ETCD_LIST, .key = "k", .after = ""}, {.kind = ETCD_LIST + 1, .key = "k"}};
    const struct etcd_op put = {.kind = ETCD_PUT, .key = "k", .value = "v"};
    struct etcd_op many[ETCD_OPS_MAX + 1];
    struct buffer body;
    const char *why;
    bool is_write;
    buffer_init(&body);
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        const struct etcd_request request = {.then = &bad[i], .then_count = 1};
        assert_int_equal(etcd_write_txn(&request, &body, &is_write, &why), ERROR_INVALID);
        assert_string_not_equal(why, "");
        buffer_fini(&body);
    }
    const struct etcd_request late = {.otherwise = &put, .otherwise_count = 1};
    assert_int_equal(etcd_write_txn(&late, &body, &is_write, &why), ERROR_INVALID);
    buffer_fini(&body);
    for (size_t i = 0; i <= ETCD_OPS_MAX; i++) {
        many[i] = put;
    }
    struct etcd_request request = {.then = many, .then_count = ETCD_OPS_MAX + 1};
    assert_int_equal(etcd_write_txn(&request, &body, &is_write, &why), ERROR_TOO_LARGE);
    request.then_count = ETCD_OPS_MAX;
    assert_int_equal(etcd_write_txn(&request, &body, &is_write, &why), 0);
    buffer_fini(&body);
}

/* ---- answers ---- */

#define HEAD                                                                                                 \
    "\"header\":{\"cluster_id\":\"14841639068965178418\",\"member_id\":\"10276657743932975437\","            \
    "\"revision\":\"6\",\"raft_term\":\"2\"}"

static void a_transaction_came_back(void **state)
{
    (void)state;
    static const char text[] =
        "{" HEAD ",\"succeeded\":true,\"responses\":[{\"response_put\":{\"header\":{\"revision\":\"6\"}}},"
        "{\"response_range\":{" HEAD
        ",\"kvs\":[{\"key\":\"YQ==\",\"create_revision\":\"2\",\"mod_revision\":\"6\","
        "\"version\":\"3\",\"value\":\"AAECAw==\",\"lease\":\"9\"},{\"key\":\"Yg==\"}],\"more\":true,"
        "\"count\":\"5\"}},"
        "{\"response_range\":{" HEAD "}}]}";
    struct arena *arena = arena_new(0);
    struct etcd_answer answer;
    struct etcd_fault fault;
    assert_int_equal(etcd_read_reply(ETCD_CALL_TXN, text, sizeof text - 1, arena, &answer, &fault), 0);
    assert_int_equal(answer.error, 0);
    assert_true(answer.cluster_id == 14841639068965178418u && answer.member_id == 10276657743932975437u);
    assert_int_equal(answer.revision, 6);
    assert_int_equal(answer.raft_term, 2);
    assert_int_equal(answer.kv_count, 2);
    assert_true(answer.more);
    assert_string_equal(answer.kvs[0].key, "a");
    assert_int_equal(answer.kvs[0].value_len, 4);
    assert_memory_equal(answer.kvs[0].value, "\0\1\2\3", 5);
    assert_int_equal(answer.kvs[0].version, 3);
    assert_int_equal(answer.kvs[0].lease, 9);
    assert_int_equal(answer.kvs[1].value_len, 0);
    static const char failed[] = "{" HEAD "}";
    assert_int_equal(etcd_read_reply(ETCD_CALL_TXN, failed, sizeof failed - 1, arena, &answer, &fault), 0);
    assert_int_equal(answer.error, ERROR_CONFLICT);
    arena_free(arena);
}

static void leases_came_back(void **state)
{
    (void)state;
    static const char granted[] = "{" HEAD ",\"ID\":\"7587\",\"TTL\":\"5\"}",
                      kept[] = "{\"result\":{" HEAD ",\"ID\":\"7587\",\"TTL\":\"5\"}}\n",
                      gone[] = "{\"result\":{" HEAD ",\"ID\":\"7587\"}}\n", none[] = "{" HEAD "}";
    struct etcd_answer answer;
    struct etcd_fault fault;
    assert_int_equal(etcd_read_reply(ETCD_CALL_GRANT, granted, sizeof granted - 1, NULL, &answer, &fault), 0);
    assert_true(answer.lease == 7587 && answer.ttl_s == 5);
    assert_int_equal(etcd_read_reply(ETCD_CALL_GRANT, none, sizeof none - 1, NULL, &answer, &fault), -EPROTO);
    assert_int_equal(etcd_read_reply(ETCD_CALL_KEEP, kept, sizeof kept - 1, NULL, &answer, &fault), 0);
    assert_true(answer.lease == 7587 && answer.ttl_s == 5);
    assert_int_equal(etcd_read_reply(ETCD_CALL_KEEP, gone, sizeof gone - 1, NULL, &answer, &fault),
                     ERROR_NOT_FOUND);
    assert_int_equal(etcd_read_reply(ETCD_CALL_REVOKE, none, sizeof none - 1, NULL, &answer, &fault), 0);
}

/* As 3.4 says it, and 3.6. */
static void a_member_says_how_full_it_is(void **state)
{
    (void)state;
    static const char full[] = "{" HEAD ",\"version\":\"3.4.23\",\"dbSize\":\"2019328\",\"errors\":"
                               "[\"memberID:10276657743932975437 alarm:NOSPACE \"]}",
                      good[] = "{" HEAD ",\"dbSize\":\"20480\",\"dbSizeQuota\":\"2147483648\"}",
                      bad[] = "{" HEAD ",\"dbSize\":\"-1\"}";
    struct arena *arena = arena_new(0);
    struct etcd_answer answer, read;
    struct etcd_fault fault;
    struct buffer out;
    assert_int_equal(etcd_read_reply(ETCD_CALL_LOOK, bad, sizeof bad - 1, NULL, &answer, &fault), -EPROTO);
    assert_int_equal(etcd_read_reply(ETCD_CALL_LOOK, good, sizeof good - 1, NULL, &answer, &fault), 0);
    assert_true(answer.room.size == 20480 && answer.room.quota == 2147483648 && !answer.room.is_full);
    assert_int_equal(etcd_read_reply(ETCD_CALL_LOOK, full, sizeof full - 1, NULL, &answer, &fault), 0);
    buffer_init(&out);
    assert_int_equal(etcd_write_answer(1, &answer, &out), 0);
    const struct etcd_frame frame = {ETCD_FRAME_ANSWER, 1, out.bytes + ETCD_FRAME_HEAD,
                                     out.len - ETCD_FRAME_HEAD};
    assert_int_equal(etcd_parse_answer(&frame, arena, &read), 0);
    assert_true(read.room.is_known && read.room.size == 2019328 && read.room.quota == 0);
    assert_true(read.room.is_full && !read.room.is_corrupt);
    buffer_fini(&out);
    arena_free(arena);
}

/* As 3.4 says it, 3.5, and streams; and what each means for a write. */
static void refusals_are_told_apart(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        int error;
        bool no_effect, is_final, is_token;
    } all[] = {
        {"{\"error\":\"etcdserver: no leader\",\"message\":\"etcdserver: no leader\",\"code\":14}", -EAGAIN,
         true, false, false},
        {"{\"code\":14,\"message\":\"etcdserver: request timed out\",\"details\":[]}", -ETIMEDOUT, false,
         false, false},
        {"{\"code\":14,\"message\":\"etcdserver: leader changed\"}", -EAGAIN, false, false, false},
        {"{\"error\":\"etcdserver: server stopped\",\"code\":14}", -EAGAIN, false, false, false},
        {"{\"error\":\"context deadline exceeded\",\"code\":4}", -ETIMEDOUT, false, false, false},
        {"{\"error\":{\"grpc_code\":14,\"http_code\":503,\"message\":\"etcdserver: no leader\"}}", -EAGAIN,
         true, false, false},
        {"{\"error\":\"etcdserver: invalid auth token\",\"code\":16}", -EACCES, true, false, true},
        {"{\"error\":\"etcdserver: revision of auth store is old\",\"code\":3}", -EACCES, true, false, true},
        {"{\"error\":\"etcdserver: permission denied\",\"code\":7}", -EACCES, true, true, false},
        {"{\"error\":\"etcdserver: authentication failed, invalid user ID or password\",\"code\":3}", -EACCES,
         true, true, false},
        {"{\"error\":\"etcdserver: duplicate key given in txn request\",\"code\":3}", ERROR_INVALID, true,
         true, false},
        {"{\"error\":\"etcdserver: mvcc: required revision has been compacted\",\"code\":11}",
         ERROR_NOT_FOUND, true, true, false},
        {"{\"error\":\"etcdserver: requested lease not found\",\"code\":5}", ERROR_NOT_FOUND, true, true,
         false},
        {"{\"error\":\"etcdserver: mvcc: database space exceeded\",\"code\":8}", -ENOSPC, true, true, false},
        {"{\"error\":\"grpc: received message larger than max (2800000 vs. 2097152)\",\"code\":8}",
         ERROR_TOO_LARGE, true, true, false},
        {"{\"error\":\"who knows\",\"code\":2}", -EIO, false, false, false},
        {"{\"code\":12}", ERROR_UNSUPPORTED, true, true, false},
        {"<html>", -EPROTO, false, false, false},
        {"", -EPROTO, false, false, false},
        {"[]", -EPROTO, false, false, false},
    };
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
        struct etcd_fault fault;
        etcd_read_refusal(503, all[i].text, strlen(all[i].text), &fault);
        assert_int_equal(fault.error, all[i].error);
        assert_int_equal(fault.no_effect, all[i].no_effect);
        assert_int_equal(fault.is_final, all[i].is_final);
        assert_int_equal(fault.is_token, all[i].is_token);
        assert_string_not_equal(fault.why, "");
    }
}

#define KVS(kvs) "{\"header\":{},\"responses\":[{\"response_range\":{\"kvs\":[" kvs "]}}]}"

static void answers_that_etcd_would_not_give(void **state)
{
    (void)state;
    static const char *const all[] = {
        "",
        "{",
        "[]",
        "{}",
        "{\"header\":1}",
        "{\"header\":{\"revision\":\"x\"}}",
        "{\"header\":{\"revision\":\"99999999999999999999\"}}",
        "{\"header\":{\"revision\":\"9223372036854775807\"}}", /* what would come next? */
        "{\"header\":{\"revision\":\"-1\"}}",
        "{\"header\":{\"cluster_id\":\"-1\"}}",
        KVS("1"),
        KVS("{}"),
        KVS("{\"key\":\"Y\"}"),
        KVS("{\"key\":\"YQ==\",\"value\":1}"),
        KVS("{\"key\":\"YQ==\",\"version\":\"1x\"}"),
        KVS("{\"key\":\"YQ==\",\"mod_revision\":\"9223372036854775807\"}"),
        KVS("{\"key\":\"YQ==\",\"create_revision\":\"-1\"}"),
    };
    struct arena *arena = arena_new(0);
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
        struct etcd_answer answer;
        struct etcd_fault fault;
        assert_int_equal(etcd_read_reply(ETCD_CALL_TXN, all[i], strlen(all[i]), arena, &answer, &fault),
                         -EPROTO);
    }
    arena_free(arena);
}

static void tokens(void **state)
{
    (void)state;
    static const char good[] = "{\"header\":{},\"token\":\"sssvIpwfnLAcWAQH.9\"}",
                      bad[] = "{\"token\":\"a\\r\\nHost: b\"}";
    struct etcd_fault fault;
    char token[ETCD_TOKEN_SIZE] = "";
    assert_int_equal(etcd_read_token(good, sizeof good - 1, token, &fault), 0);
    assert_string_equal(token, "sssvIpwfnLAcWAQH.9");
    assert_int_equal(etcd_read_token(bad, sizeof bad - 1, token, &fault), -EPROTO);
    assert_int_equal(etcd_read_token("{}", 2, token, &fault), -EPROTO);
    assert_string_equal(token, "sssvIpwfnLAcWAQH.9");
}

/* ---- watches ---- */

struct heard {
    struct buffer text;
};

static void on_begun(void *context, int64_t revision)
{
    struct heard *heard = context;
    buffer_print(&heard->text, "begun %d; ", (int)revision);
}

static void on_changed(void *context, const struct etcd_change *changes, size_t count, int64_t revision)
{
    struct heard *heard = context;
    for (size_t i = 0; i < count; i++) {
        buffer_print(&heard->text, "%s%s=%s@%d ", changes[i].is_delete ? "-" : "", changes[i].kv.key,
                     changes[i].kv.value, (int)changes[i].kv.mod_revision);
    }
    buffer_print(&heard->text, "to %d; ", (int)revision);
}

/* What a watch makes of a text that comes in pieces of so many octets. */
static int hear(const char *text, size_t piece, struct heard *heard, struct etcd_fault *fault)
{
    struct feed feed;
    int error = 0;
    feed_init(&feed);
    feed.context = heard;
    feed.begun = on_begun;
    feed.changed = on_changed;
    for (size_t at = 0, len = strlen(text); at < len && error == 0; at += piece) {
        error = feed_add(&feed, text + at, len - at < piece ? len - at : piece, fault);
    }
    feed_fini(&feed);
    return error;
}

static void check_heard(const char *text, int error, const char *expected)
{
    for (size_t piece = 1; piece < 200; piece += 33) {
        struct heard heard;
        struct etcd_fault fault;
        buffer_init(&heard.text);
        buffer_add_text(&heard.text, "");
        assert_int_equal(hear(text, piece, &heard, &fault), error);
        assert_string_equal(heard.text.bytes, expected);
        buffer_fini(&heard.text);
    }
}

#define RESULT(what) "{\"result\":{\"header\":{\"revision\":\"9\"}," what "}}\n"
#define PUT(key, revision)                                                                                   \
    "{\"kv\":{\"key\":\"" key "\",\"mod_revision\":\"" revision "\",\"value\":\"eA==\"}}"

static void a_watch_in_pieces(void **state)
{
    (void)state;
    check_heard(RESULT("\"created\":true") RESULT("\"events\":[" PUT(
                    "YQ==", "8") ",{\"type\":\"DELETE\",\"kv\":{\"key\":\"Yg==\",\"mod_revision\":\"9\"}}]")
                    RESULT("\"watch_id\":\"0\""),
                0, "begun 9; a=x@8 -b=@9 to 9; to 9; ");
}

/* A revision is told when all of it is there, whichever way etcd has cut it. */
static void a_revision_is_never_told_in_parts(void **state)
{
    (void)state;
    check_heard(RESULT("\"fragment\":true,\"events\":[" PUT("YQ==", "3") "," PUT("Yg==", "4") "]")
                    RESULT("\"fragment\":true,\"events\":[" PUT("Yw==", "4") "]")
                        RESULT("\"events\":[" PUT("ZA==", "4") "," PUT("ZQ==", "5") "]"),
                0, "a=x@3 to 3; b=x@4 c=x@4 d=x@4 to 4; e=x@5 to 5; ");
    check_heard(RESULT("\"fragment\":true,\"events\":[" PUT("YQ==", "4") "]")
                    RESULT("\"events\":[" PUT("Yg==", "5") "]"),
                0, "a=x@4 to 4; b=x@5 to 5; ");
    check_heard(RESULT("\"fragment\":true,\"events\":[" PUT("YQ==", "4") "]")
                    RESULT("\"fragment\":true,\"events\":[" PUT("Yg==", "5") "]"),
                0, "a=x@4 to 4; ");
}

static void a_watch_that_ends(void **state)
{
    (void)state;
    check_heard(RESULT("\"created\":true") RESULT("\"canceled\":true,\"compact_revision\":\"8\""),
                ERROR_NOT_FOUND, "begun 9; ");
    check_heard(
        RESULT("\"created\":true,\"canceled\":true,\"cancel_reason\":\"etcdserver: permission denied\""),
        -EACCES, "");
    check_heard("{\"error\":{\"grpc_code\":14,\"http_code\":503,\"message\":\"etcdserver: no leader\"}}\n",
                -EAGAIN, "");
    check_heard("{\"result\":1}\n", -EPROTO, "");
    check_heard(RESULT("\"events\":[" PUT("YQ==", "5") "," PUT("YQ==", "4") "]"), -EPROTO, "");
    check_heard(RESULT("\"events\":[{}]"), -EPROTO, "");
    check_heard(RESULT("\"events\":[" PUT("YQ==", "9223372036854775807") "]"), -EPROTO, "");
    check_heard("{\"result\":{\"header\":{\"revision\":\"9223372036854775807\"},\"created\":true}}\n",
                -EPROTO, "");
}

/* ---- frames ---- */

static void frames_over_a_stream(void **state)
{
    (void)state;
    const struct etcd_kv kv = {"k", "va\0lue", 1, 6, 1, 2, 3, 4};
    const struct etcd_change change = {true, kv};
    const struct etcd_answer answer = {-EAGAIN, true, "why", "http://a", 5, 6,  7,
                                       8,       &kv,  1,     true,       9, 10, {0}};
    const struct etcd_news news = {11, "http://a", &change, 1};
    struct arena *arena = arena_new(0);
    struct etcd_wire near, far;
    struct etcd_frame frame;
    struct etcd_answer read;
    struct etcd_news read_news;
    int ends[2], error;
    assert_return_code(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, ends), errno);
    etcd_wire_init(&near, ends[0]);
    etcd_wire_init(&far, ends[1]);
    assert_int_equal(etcd_write_answer(3, &answer, &near.out), 0);
    assert_int_equal(etcd_write_news(ETCD_FRAME_CHANGES, 4, &news, &near.out), 0);
    while (etcd_wire_count_waiting(&near) != 0 || (error = etcd_wire_next(&far, &frame)) == -EAGAIN) {
        assert_int_equal(etcd_wire_flush(&near), 0);
        assert_int_equal(etcd_wire_receive(&far), 0);
    }
    assert_int_equal(error, 0);
    assert_int_equal(frame.kind, ETCD_FRAME_ANSWER);
    assert_int_equal(frame.number, 3);
    assert_int_equal(etcd_parse_answer(&frame, arena, &read), 0);
    assert_true(read.error == -EAGAIN && read.may_have_effect && read.more && read.revision == 5 &&
                read.kv_count == 1);
    assert_string_equal(read.why, "why");
    assert_memory_equal(read.kvs[0].value, "va\0lue", 7);
    assert_int_equal(etcd_wire_next(&far, &frame), 0);
    assert_int_equal(etcd_parse_news(&frame, arena, &read_news), 0);
    assert_true(read_news.count == 1 && read_news.changes[0].is_delete && read_news.changes[0].kv.lease == 4);
    assert_int_equal(etcd_wire_next(&far, &frame), -EAGAIN);
    close(ends[0]);
    assert_int_equal(etcd_wire_receive(&far), -EPIPE);
    close(ends[1]);
    etcd_wire_fini(&near);
    etcd_wire_fini(&far);
    arena_free(arena);
}

/* steerd believes its helper no more than etcd: a watch goes on from the revision after this one. */
static void a_revision_that_none_can_follow(void **state)
{
    (void)state;
    static const int64_t bad[] = {INT64_MAX, -1};
    struct arena *arena = arena_new(0);
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        const struct etcd_change change = {
            .kv = {.key = "k", .value = "", .key_len = 1, .mod_revision = bad[i]}};
        const struct etcd_answer answer = {.revision = bad[i], .why = "", .endpoint = ""};
        const struct etcd_news all[] = {{.revision = bad[i], .endpoint = ""},
                                        {.revision = 1, .endpoint = "", .changes = &change, .count = 1}};
        struct etcd_answer read;
        struct etcd_news read_news;
        struct buffer out;
        buffer_init(&out);
        for (size_t j = 0; j < 2; j++) {
            assert_int_equal(etcd_write_news(ETCD_FRAME_CHANGES, 1, &all[j], &out), 0);
            const struct etcd_frame frame = {ETCD_FRAME_CHANGES, 1, out.bytes + ETCD_FRAME_HEAD,
                                             out.len - ETCD_FRAME_HEAD};
            assert_int_equal(etcd_parse_news(&frame, arena, &read_news), -EBADMSG);
            buffer_remove_front(&out, out.len);
        }
        assert_int_equal(etcd_write_answer(1, &answer, &out), 0);
        const struct etcd_frame frame = {ETCD_FRAME_ANSWER, 1, out.bytes + ETCD_FRAME_HEAD,
                                         out.len - ETCD_FRAME_HEAD};
        assert_int_equal(etcd_parse_answer(&frame, arena, &read), -EBADMSG);
        buffer_fini(&out);
    }
    arena_free(arena);
}

/* Cut anywhere, or with something behind it, it is none. */
static void frames_that_are_none(void **state)
{
    (void)state;
    const struct etcd_setup setup = {"ca", "", "", "user", "word", {"http://a", "http://b"}, 2};
    const struct etcd_call call = {ETCD_CALL_WATCH, false, 100, "body", "beat", 4, 4};
    struct etcd_setup read;
    struct etcd_call read_call;
    struct buffer out;
    buffer_init(&out);
    etcd_write_setup(&setup, &out);
    struct etcd_frame frame = {ETCD_FRAME_SETUP, 0, out.bytes + ETCD_FRAME_HEAD, out.len - ETCD_FRAME_HEAD};
    assert_int_equal(etcd_parse_setup(&frame, &read), 0);
    assert_string_equal(read.endpoints[1], "http://b");
    assert_string_equal(read.password, "word");
    for (size_t len = 0; len <= frame.len + 1; len++) {
        const struct etcd_frame cut = {ETCD_FRAME_SETUP, 0, frame.bytes, len};
        assert_int_equal(etcd_parse_setup(&cut, &read), len == frame.len ? 0 : -EBADMSG);
    }
    out.bytes[ETCD_FRAME_HEAD + 3] = ETCD_VERSION + 1;
    assert_int_equal(etcd_parse_setup(&frame, &read), -EPROTONOSUPPORT);
    buffer_fini(&out);
    etcd_write_call(1, &call, &out);
    frame = (struct etcd_frame){ETCD_FRAME_CALL, 1, out.bytes + ETCD_FRAME_HEAD, out.len - ETCD_FRAME_HEAD};
    assert_int_equal(etcd_parse_call(&frame, &read_call), 0);
    assert_memory_equal(read_call.beat, "beat", 4);
    frame.len -= 4; /* a watch without a beat */
    assert_int_equal(etcd_parse_call(&frame, &read_call), -EBADMSG);
    buffer_fini(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(requests_as_etcd_reads_them),
        cmocka_unit_test(others_as_etcd_reads_them),
        cmocka_unit_test(requests_that_are_none),
        cmocka_unit_test(a_transaction_came_back),
        cmocka_unit_test(leases_came_back),
        cmocka_unit_test(a_member_says_how_full_it_is),
        cmocka_unit_test(refusals_are_told_apart),
        cmocka_unit_test(answers_that_etcd_would_not_give),
        cmocka_unit_test(tokens),
        cmocka_unit_test(a_watch_in_pieces),
        cmocka_unit_test(a_revision_is_never_told_in_parts),
        cmocka_unit_test(a_watch_that_ends),
        cmocka_unit_test(frames_over_a_stream),
        cmocka_unit_test(a_revision_that_none_can_follow),
        cmocka_unit_test(frames_that_are_none),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
