/* SPDX-License-Identifier: BSD-3-Clause
 *
 * See body.h. */
#include "config.h"

#include "etcd/body.h"

#include "base/base64.h"
#include "base/buffer.h"
#include "base/error.h"
#include "etcd/frame.h"

#include <inttypes.h>
#include <string.h>

/* ---- octets ---- */

static void add_octets(struct buffer *body, const char *name, const void *octets, size_t len)
{
    enum { PIECE = 3 * 256 };
    const char *at = octets;
    char text[BASE64_LEN(PIECE)];
    buffer_print(body, "\"%s\":\"", name);
    for (size_t done = 0; done < len; done += PIECE) {
        size_t n = len - done < PIECE ? len - done : PIECE;
        base64_encode(at + done, n, text);
        buffer_add(body, text, BASE64_LEN(n));
    }
    buffer_add_text(body, "\"");
}

static void add_key(struct buffer *body, const char *name, const char *key)
{
    add_octets(body, name, key, strlen(key));
}

/* What is behind all keys with this prefix: the same with its last octet one higher. */
static void add_behind(struct buffer *body, const char *prefix)
{
    char end[ETCD_KEY_MAX];
    size_t len = strlen(prefix);
    memcpy(end, prefix, len);
    while (len != 0 && (unsigned char)end[len - 1] == 0xff) {
        len--;
    }
    if (len == 0) {
        add_octets(body, "range_end", "", 1); /* a NUL alone: all that there is */
        return;
    }
    end[len - 1] = (char)((unsigned char)end[len - 1] + 1);
    add_octets(body, "range_end", end, len);
}

static bool is_key(const char *key)
{
    return key != NULL && key[0] != '\0' && strlen(key) < ETCD_KEY_MAX;
}

/* ---- transactions ---- */

static bool is_condition(const struct etcd_condition *condition)
{
    return is_key(condition->key) && condition->kind <= ETCD_IF_VALUE &&
           (condition->kind != ETCD_IF_VALUE || condition->value != NULL);
}

static void add_condition(struct buffer *body, const struct etcd_condition *condition)
{
    buffer_add_text(body, "{\"result\":\"EQUAL\",");
    add_key(body, "key", condition->key);
    switch (condition->kind) {
    case ETCD_IF_ABSENT: buffer_add_text(body, ",\"target\":\"CREATE\",\"create_revision\":\"0\"}"); break;
    case ETCD_IF_MOD_REVISION:
        buffer_print(body, ",\"target\":\"MOD\",\"mod_revision\":\"%" PRId64 "\"}", condition->number);
        break;
    case ETCD_IF_CREATE_REVISION:
        buffer_print(body, ",\"target\":\"CREATE\",\"create_revision\":\"%" PRId64 "\"}", condition->number);
        break;
    case ETCD_IF_VALUE:
        buffer_add_text(body, ",\"target\":\"VALUE\",");
        add_key(body, "value", condition->value);
        buffer_add_text(body, "}");
        break;
    }
}

static bool is_op(const struct etcd_op *op, bool may_write)
{
    bool is_write = op->kind == ETCD_PUT || op->kind == ETCD_DELETE;
    return is_key(op->key) && op->kind <= ETCD_LIST && (may_write || !is_write) &&
           (op->kind != ETCD_PUT || op->value != NULL) && (op->after == NULL || is_key(op->after));
}

static void add_range(struct buffer *body, const struct etcd_op *op)
{
    buffer_add_text(body, "{\"request_range\":{");
    if (op->kind == ETCD_GET) {
        add_key(body, "key", op->key);
    } else {
        if (op->after != NULL) {
            add_octets(body, "key", op->after,
                       strlen(op->after) + 1); /* with its NUL: the next possible key */
        } else {
            add_key(body, "key", op->key);
        }
        buffer_add_text(body, ",");
        add_behind(body, op->key);
        buffer_print(body, ",\"limit\":\"%zu\"", op->limit);
    }
    if (op->at_revision != 0) {
        buffer_print(body, ",\"revision\":\"%" PRId64 "\"", op->at_revision);
    }
    buffer_add_text(body, "}}");
}

static void add_op(struct buffer *body, const struct etcd_op *op)
{
    switch (op->kind) {
    case ETCD_PUT:
        buffer_add_text(body, "{\"request_put\":{");
        add_key(body, "key", op->key);
        buffer_add_text(body, ",");
        add_key(body, "value", op->value);
        if (op->lease != 0) {
            buffer_print(body, ",\"lease\":\"%" PRId64 "\"", op->lease);
        }
        buffer_add_text(body, "}}");
        break;
    case ETCD_DELETE:
        buffer_add_text(body, "{\"request_delete_range\":{");
        add_key(body, "key", op->key);
        buffer_add_text(body, "}}");
        break;
    case ETCD_GET:
    case ETCD_LIST: add_range(body, op); break;
    }
}

/* False: one of them is none. */
static bool add_ops(struct buffer *body, const struct etcd_op *ops, size_t count, bool may_write)
{
    for (size_t i = 0; i < count; i++) {
        if (!is_op(&ops[i], may_write) || body->len > ETCD_BODY_MAX) {
            return false;
        }
        buffer_add_text(body, i == 0 ? "" : ",");
        add_op(body, &ops[i]);
    }
    return true;
}

static bool has_write(const struct etcd_op *ops, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (ops[i].kind == ETCD_PUT || ops[i].kind == ETCD_DELETE) {
            return true;
        }
    }
    return false;
}

static bool add_conditions(struct buffer *body, const struct etcd_request *request)
{
    for (size_t i = 0; i < request->condition_count; i++) {
        if (!is_condition(&request->conditions[i]) || body->len > ETCD_BODY_MAX) {
            return false;
        }
        buffer_add_text(body, i == 0 ? "" : ",");
        add_condition(body, &request->conditions[i]);
    }
    return true;
}

int etcd_write_txn(const struct etcd_request *request, struct buffer *body, bool *is_write, const char **why)
{
    *is_write = has_write(request->then, request->then_count);
    *why = "more conditions or operations than a transaction may have";
    if (request->condition_count > ETCD_OPS_MAX || request->then_count > ETCD_OPS_MAX ||
        request->otherwise_count > ETCD_OPS_MAX) {
        return ERROR_TOO_LARGE;
    }
    buffer_add_text(body, "{\"compare\":[");
    bool good = add_conditions(body, request);
    buffer_add_text(body, "],\"success\":[");
    good = good && add_ops(body, request->then, request->then_count, true);
    buffer_add_text(body, "],\"failure\":[");
    good = good && add_ops(body, request->otherwise, request->otherwise_count, false);
    buffer_add_text(body, "]}");
    if (body->len > ETCD_BODY_MAX) {
        *why = "longer than a request may be";
        return ERROR_TOO_LARGE;
    }
    *why = good ? "" : "a condition or an operation without a key or a value, or a write where none may be";
    return good ? 0 : ERROR_INVALID;
}

/* ---- the rest ---- */

void etcd_write_grant(int64_t ttl_s, struct buffer *body)
{
    buffer_print(body, "{\"TTL\":\"%" PRId64 "\"}", ttl_s);
}

void etcd_write_compact(int64_t revision, struct buffer *body)
{
    buffer_print(body, "{\"revision\":\"%" PRId64 "\"}", revision);
}

void etcd_write_lease(int64_t lease, struct buffer *body)
{
    buffer_print(body, "{\"ID\":\"%" PRId64 "\"}", lease);
}

/* fragment: else etcd sends everything of a thousand revisions as one line. */
void etcd_write_watch(const char *prefix, int64_t from_revision, struct buffer *body)
{
    buffer_add_text(body, "{\"create_request\":{");
    add_key(body, "key", prefix);
    buffer_add_text(body, ",");
    add_behind(body, prefix);
    buffer_print(body, ",\"start_revision\":\"%" PRId64 "\",\"progress_notify\":true,\"fragment\":true}}",
                 from_revision);
}

void etcd_write_beat(const char *key, struct buffer *body)
{
    buffer_add_text(body, "{");
    add_key(body, "key", key);
    buffer_add_text(body, ",\"keys_only\":true}");
}

/* In a string of JSON: what is not ASCII stays as it is. */
static void add_quoted(struct buffer *body, const char *text)
{
    buffer_add_text(body, "\"");
    for (; *text != '\0'; text++) {
        if (*text == '"' || *text == '\\' || (unsigned char)*text < ' ') {
            buffer_print(body, "\\u%04x", (unsigned)(unsigned char)*text);
        } else {
            buffer_add(body, text, 1);
        }
    }
    buffer_add_text(body, "\"");
}

void etcd_write_login(const char *user, const char *password, struct buffer *body)
{
    buffer_add_text(body, "{\"name\":");
    add_quoted(body, user);
    buffer_add_text(body, ",\"password\":");
    add_quoted(body, password);
    buffer_add_text(body, "}");
}
