/* SPDX-License-Identifier: BSD-3-Clause
 *
 * See call.h. */
#include "config.h"

#include "etcd/call.h"

#include "base/error.h"
#include "base/memory.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum {
    ANSWER_MAX = 8 << 20,
    PIECE_MAX = 1 << 20, /* of a watch: taken at once */
    SMALL_MAX = 65536,   /* what nobody has asked for */
};

static const char *const paths[] = {
    [CALL_TXN] = "/v3/kv/txn",
    [CALL_GRANT] = "/v3/lease/grant",
    [CALL_KEEP] = "/v3/lease/keepalive",
    [CALL_REVOKE] = "/v3/lease/revoke",
    [CALL_WATCH] = "/v3/watch",
    [CALL_LOGIN] = "/v3/auth/authenticate",
    [CALL_BEAT] = "/v3/kv/range",
    [CALL_COMPACT] = "/v3/kv/compaction",
    [CALL_LOOK] = "/v3/maintenance/status",
};

struct call *call_new(enum call_kind kind, const char *body, size_t body_len)
{
    struct call *call = memory_alloc(sizeof *call);
    call->kind = kind;
    call->body = memory_copy(body, body_len);
    call->body_len = body_len;
    call->is_hard = true;
    feed_init(&call->feed);
    return call;
}

void call_free(struct call *call)
{
    call_end(call);
    feed_fini(&call->feed);
    if (call->kind == CALL_LOGIN) {
        explicit_bzero(call->body, call->body_len);
    }
    free(call->body);
    free(call->beat);
    free(call);
}

/* ---- attempts ---- */

bool call_begin(struct call *call, const struct call_member *member)
{
    const struct etcd_setup *setup = member->setup;
    const struct exchange_options options = {.multi = member->multi,
                                             .ca = setup->ca,
                                             .certificate = setup->certificate,
                                             .key = setup->key,
                                             .endpoint = setup->endpoints[call->at],
                                             .path = paths[call->kind],
                                             .token = member->token,
                                             .body = call->body,
                                             .body_len = call->body_len,
                                             .answer_max = call->kind == CALL_WATCH ? PIECE_MAX
                                                           : call->number == 0      ? SMALL_MAX
                                                                                    : ANSWER_MAX,
                                             .is_once = call->is_write,
                                             .context = call,
                                             .is_full = member->is_full,
                                             .came = call->kind == CALL_WATCH ? member->came : NULL};
    call->exchange = exchange_begin(&options);
    if (call->exchange == NULL) {
        etcd_set_fault(&call->fault, -EINVAL, "libcurl does not take such a request");
        call->fault.no_effect = true;
    }
    return call->exchange != NULL;
}

void call_end(struct call *call)
{
    exchange_end(call->exchange);
    call->exchange = NULL;
}

/* ---- what came of them ---- */

/* What a connection made of it; etcd has said nothing. */
static void fail(struct call *call, int error, const char *text)
{
    const struct exchange *exchange = call->exchange;
    char *why = memory_print("%s: %s", exchange->options.endpoint, text);
    etcd_set_fault(&call->fault, error, why);
    free(why);
    call->fault.no_effect = exchange->handed == 0;
}

int call_judge(struct call *call, CURLcode code, struct arena *arena, struct etcd_answer *answer)
{
    const struct exchange *exchange = call->exchange;
    const struct buffer *in = &exchange->in;
    const char *text = in->len == 0 ? "" : in->bytes;
    long status = exchange_find_status(exchange);
    bool is_stream = call->kind == CALL_WATCH;
    call->fault = (struct etcd_fault){.error = 0};
    if (code == CURLE_ABORTED_BY_CALLBACK) {
        fail(call, -ECONNRESET, "the connection ended after the request had been sent");
    } else if (code != CURLE_OK) {
        fail(call, exchange_judge(exchange, code),
             exchange->why[0] != '\0' ? exchange->why : curl_easy_strerror(code));
        call->fault.is_final = exchange->is_too_long;
    } else if (status != 200) {
        etcd_read_refusal(status, text, in->len, &call->fault);
    } else if (is_stream) {
        fail(call, -ECONNRESET, "the watch was ended");
    } else if (call->kind == CALL_LOGIN) {
        *answer = (struct etcd_answer){.why = ""}; /* the token is the desk's */
    } else {
        (void)etcd_read_reply(call->kind == CALL_BEAT ? ETCD_CALL_REVOKE : (enum etcd_call_kind)call->kind,
                              text, in->len, arena, answer, &call->fault);
    }
    bool is_connect = code != CURLE_OK && exchange->handed == 0;
    bool is_stranger = call->fault.error == -EPROTO && !is_stream && status != 0 && status < 500;
    call->is_hard = call->is_hard && (is_connect || is_stranger);
    return call->fault.error;
}

void call_time_out(struct call *call)
{
    fail(call, -ETIMEDOUT, "no answer in time");
    call->is_hard = false;
}
