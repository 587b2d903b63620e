/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Requests with an Idempotency-Key, before they are carried out: one that was is answered as it was then. */
#include "config.h"

#include "admin/replay.h"

#include "admin/call.h"
#include "admin/receipts.h"
#include "base/error.h"
#include "base/hex.h"

#include <event2/buffer.h>
#include <event2/http.h>
#include <event2/keyvalq_struct.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

static const char name_of_header[] = "Idempotency-Key";

/* NULL: there is none, or the problem is set. */
static const char *find_key(struct call *call)
{
    const struct evkeyvalq *headers = evhttp_request_get_input_headers(call->request);
    const char *found = NULL;
    for (const struct evkeyval *header = headers->tqh_first; header != NULL; header = header->next.tqe_next) {
        if (strcasecmp(header->key, name_of_header) == 0 && found != NULL) {
            problem_set(&call->problem, PROBLEM_BAD_REQUEST, "%s is given twice", name_of_header);
            return NULL;
        }
        found = strcasecmp(header->key, name_of_header) == 0 ? header->value : found;
    }
    return found;
}

/* Who has taken over cannot know what the one before has answered to that. */
static bool changes_something(const struct call *call)
{
    return (call->method & (ROUTE_PUT | ROUTE_POST | ROUTE_PATCH | ROUTE_DELETE)) != 0 &&
           !call->route.dry_run && call->route.id != ROUTE_TAKEOVER &&
           route_get_role(call->route.id, call->method) != ROLE_VIEWER;
}

static void write_hash(struct sha256 *sha, char text[RECEIPTS_NAME_SIZE])
{
    uint8_t digest[SHA256_SIZE];
    sha256_end(sha, digest);
    (void)hex_write(digest, sizeof digest, text);
}

/* "uid:1000(alice)" is "uid:1000" before the name has been looked up. */
static void hash_name(const struct call *call, const char *key, char name[RECEIPTS_NAME_SIZE])
{
    struct sha256 sha;
    const char *peer = call->caller.peer;
    sha256_init(&sha);
    sha256_add(&sha, peer, strncmp(peer, "uid:", 4) == 0 ? strcspn(peer, "(") : strlen(peer));
    sha256_add(&sha, "", 1);
    sha256_add(&sha, key, strlen(key));
    write_hash(&sha, name);
}

static void hash_content(const struct call *call, char content[RECEIPTS_NAME_SIZE])
{
    struct sha256 sha;
    const char *target = evhttp_request_get_uri(call->request);
    const char method = (char)call->method;
    sha256_init(&sha);
    sha256_add(&sha, &method, 1);
    sha256_add(&sha, target, strlen(target) + 1);
    sha256_add(&sha, call->body, call->body_len);
    write_hash(&sha, content);
}

static void answer_again(struct call *call, const struct receipt *receipt)
{
    evhttp_add_header(evhttp_request_get_output_headers(call->request), "Idempotency-Replayed", "true");
    if (receipt->body == NULL && call->route.id == ROUTE_OVERRIDE) {
        override_tell(call);
        return;
    }
    if (receipt->body == NULL) {
        problem_set(&call->problem, PROBLEM_ALREADY_DONE,
                    "it was done with this key, and not again; what was answered then is not known any more");
        call_reply_problem(call);
        return;
    }
    struct evbuffer *body = evbuffer_new();
    evbuffer_add(body, receipt->body, receipt->body_len);
    call_send(call, &(struct call_answer){.status = receipt->status, .type = receipt->type, .body = body});
}

static void judge(struct call *call, const struct receipt *receipt, const char *content)
{
    if (strcmp(receipt->content, content) != 0) {
        problem_set(&call->problem, PROBLEM_KEY_REUSED,
                    "this key came with another request: take a new one for each");
    } else if (receipt->is_under_way && operation_tell_again(call, receipt)) {
        return;
    } else if (receipt->is_under_way) {
        problem_set(&call->problem, PROBLEM_IN_PROGRESS,
                    "the request that came with this key first is under way");
        call->retry_ms = 1000;
    } else {
        answer_again(call, receipt);
        return;
    }
    call_reply_problem(call);
}

bool replay_begin(struct call *call)
{
    char key[RECEIPTS_KEY_MAX + 1], name[RECEIPTS_NAME_SIZE], content[RECEIPTS_NAME_SIZE];
    const char *text = changes_something(call) ? find_key(call) : NULL;
    if (text != NULL && receipts_parse_key(text, key) != 0) {
        problem_set(&call->problem, PROBLEM_BAD_REQUEST,
                    "%s is not a string of 1 to %d octets with its quotes", name_of_header, RECEIPTS_KEY_MAX);
    }
    if (problem_is_set(&call->problem)) {
        call_reply_problem(call);
        return true;
    }
    if (text == NULL) {
        return false;
    }
    hash_name(call, key, name);
    hash_content(call, content);
    call_drop_receipts(call->admin);
    const struct receipt *receipt = receipts_find(&call->admin->receipts, name);
    receipt = receipt != NULL ? receipt : receipts_find(&call->admin->passing, name);
    if (receipt != NULL) {
        judge(call, receipt, content);
        return true;
    }
    call->receipt = receipts_add(call_get_receipts(call), name, content, clock_wall_ms(&call->admin->clock));
    return false;
}

int admin_learn_answer(struct admin *admin, const char *key, const char *value)
{
    return receipts_read(&admin->receipts, key, value);
}
