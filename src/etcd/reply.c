/* SPDX-License-Identifier: BSD-3-Clause
 *
 * See reply.h. */
#include "config.h"

#include "etcd/reply.h"

#include "base/arena.h"
#include "base/base64.h"
#include "base/error.h"
#include "base/number.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <jansson.h>

/* ---- faults ---- */

/* Printable: it goes into logs and tables. */
void etcd_set_fault(struct etcd_fault *fault, int error, const char *why)
{
    *fault = (struct etcd_fault){.error = error};
    (void)snprintf(fault->why, sizeof fault->why, "%s", why);
    for (char *at = fault->why; *at != '\0'; at++) {
        *at = (unsigned char)*at < ' ' || (unsigned char)*at >= 127 ? '?' : *at;
    }
}

enum grpc {
    GRPC_INVALID = 3,
    GRPC_DEADLINE = 4,
    GRPC_NOT_FOUND = 5,
    GRPC_DENIED = 7,
    GRPC_EXHAUSTED = 8,
    GRPC_PRECONDITION = 9,
    GRPC_RANGE = 11,
    GRPC_UNIMPLEMENTED = 12,
    GRPC_UNAVAILABLE = 14,
    GRPC_UNAUTHENTICATED = 16,
    GRPC_ANY = -1,
};

/* By what etcd says (api/v3rpc/rpctypes/error.go): the first that fits. What is not here may have had effect.
 */
static const struct judgement {
    int grpc;
    const char *word;
    int error;
    bool no_effect, is_final, is_token;
} judgements[] = {
    {GRPC_UNAUTHENTICATED, "", -EACCES, true, false, true},
    {GRPC_ANY, "invalid auth token", -EACCES, true, false, true},
    {GRPC_ANY, "revision of auth store is old", -EACCES, true, false, true},
    {GRPC_ANY, "user name is empty", -EACCES, true, false, true}, /* without a token */
    {GRPC_ANY, "authentication failed", -EACCES, true, true, false},
    {GRPC_DENIED, "", -EACCES, true, true, false},
    {GRPC_ANY, "permission denied", -EACCES, true, true, false},
    {GRPC_ANY, "no leader", -EAGAIN, true, false, false},
    {GRPC_ANY, "too many requests", -EAGAIN, true, false, false},
    {GRPC_ANY, "space exceeded", -ENOSPC, true, true, false},
    {GRPC_ANY, "compacted", ERROR_NOT_FOUND, true, true, false},
    {GRPC_NOT_FOUND, "", ERROR_NOT_FOUND, true, true, false},
    {GRPC_INVALID, "", ERROR_INVALID, true, true, false},
    {GRPC_RANGE, "", ERROR_INVALID, true, true, false},
    {GRPC_PRECONDITION, "", ERROR_INVALID, true, true, false},
    {GRPC_UNIMPLEMENTED, "", ERROR_UNSUPPORTED, true, true, false},
    {GRPC_EXHAUSTED, "received message larger", ERROR_TOO_LARGE, true, true, false},
    {GRPC_ANY, "timed out", -ETIMEDOUT, false, false, false},
    {GRPC_DEADLINE, "", -ETIMEDOUT, false, false, false},
    {GRPC_UNAVAILABLE, "", -EAGAIN, false, false, false},
    {GRPC_ANY, "", -EIO, false, false, false},
};

/* Who reads that has to know what to do: it does not end by itself. */
static const char full[] =
    "etcd is full (mvcc: database space exceeded): compact and defrag it, or raise its "
    "--quota-backend-bytes, then etcdctl alarm disarm";

static void judge(int grpc, const char *text, struct etcd_fault *fault)
{
    const struct judgement *found = judgements;
    while ((found->grpc != GRPC_ANY && found->grpc != grpc) || strstr(text, found->word) == NULL) {
        found++;
    }
    etcd_set_fault(fault, found->error,
                   found->error == -ENOSPC ? full
                   : text[0] == '\0'       ? "etcd does not say why"
                                           : text);
    fault->no_effect = found->no_effect;
    fault->is_final = found->is_final;
    fault->is_token = found->is_token;
    fault->is_said = true;
}

static int find_number(const json_t *object, const char *name)
{
    const json_t *number = json_object_get(object, name);
    json_int_t value = json_is_integer(number) ? json_integer_value(number) : 0;
    return value >= 0 && value <= 100 ? (int)value : 0;
}

static const char *find_text(const json_t *object, const char *name)
{
    const char *text = json_string_value(json_object_get(object, name));
    return text == NULL ? "" : text;
}

/* {"error": "…", "code": 5}, {"message": "…", "code": 5} or, of streams, {"error": {"grpc_code": 5,
 * "message": "…"}}. Returns whether it is one. */
static bool find_fault(const json_t *root, struct etcd_fault *fault)
{
    const json_t *error = json_object_get(root, "error");
    const json_t *holder = json_is_object(error) ? error : root;
    const char *text = find_text(holder, "message");
    int grpc = find_number(holder, "grpc_code");
    text = text[0] != '\0' ? text : find_text(root, "error");
    grpc = grpc != 0 ? grpc : find_number(holder, "code");
    if (grpc == 0 && text[0] == '\0' && error == NULL) {
        return false;
    }
    judge(grpc, text, fault);
    return true;
}

void etcd_read_refusal(long status, const char *text, size_t len, struct etcd_fault *fault)
{
    json_t *root = json_loadb(text, len, 0, NULL);
    if (!find_fault(root, fault)) {
        char why[64];
        (void)snprintf(why, sizeof why, "HTTP status %ld, and nothing that etcd would say", status);
        etcd_set_fault(fault, -EPROTO, why);
    }
    json_decref(root);
}

static int refuse(struct etcd_fault *fault)
{
    etcd_set_fault(fault, -EPROTO, "an answer that etcd would not give");
    return fault->error;
}

/* ---- values ---- */

/* A string of digits, or a number; nothing is 0. */
static bool read_i64(const json_t *object, const char *name, int64_t *value)
{
    const json_t *found = json_object_get(object, name);
    const char *text = json_string_value(found);
    char *end = NULL;
    *value = json_is_integer(found) ? json_integer_value(found) : 0;
    if (text == NULL) {
        return found == NULL || json_is_integer(found);
    }
    errno = 0;
    *value = strtoll(text, &end, 10);
    return errno == 0 && *end == '\0' && (text[0] == '-' || (text[0] >= '0' && text[0] <= '9'));
}

/* There is one behind it: watches begin there. */
static bool read_revision(const json_t *object, const char *name, int64_t *revision)
{
    return read_i64(object, name, revision) && *revision >= 0 && *revision < INT64_MAX;
}

static bool read_u64(const json_t *object, const char *name, uint64_t *value)
{
    const char *text = json_string_value(json_object_get(object, name));
    *value = 0;
    return text == NULL || number_read(text, 10, UINT64_MAX, value);
}

/* Nothing is no octets. */
static bool read_octets(const json_t *object, const char *name, struct arena *arena, const char **octets,
                        size_t *len)
{
    const json_t *found = json_object_get(object, name);
    *octets = "";
    *len = 0;
    if (found == NULL) {
        return true;
    }
    size_t text_len = json_string_length(found);
    char *to = arena_alloc_bytes(arena, text_len / 4 * 3 + 1);
    int n = json_is_string(found)
                ? base64_decode(json_string_value(found), text_len, (uint8_t *)to, text_len / 4 * 3)
                : ERROR_SYNTAX;
    if (n < 0) {
        return false;
    }
    to[n] = '\0';
    *octets = to;
    *len = (size_t)n;
    return true;
}

static bool read_kv(const json_t *object, struct arena *arena, struct etcd_kv *kv)
{
    return json_is_object(object) && read_octets(object, "key", arena, &kv->key, &kv->key_len) &&
           kv->key_len != 0 && read_octets(object, "value", arena, &kv->value, &kv->value_len) &&
           read_revision(object, "mod_revision", &kv->mod_revision) &&
           read_revision(object, "create_revision", &kv->create_revision) &&
           read_i64(object, "version", &kv->version) && read_i64(object, "lease", &kv->lease);
}

static bool read_header(const json_t *object, struct etcd_answer *answer)
{
    const json_t *header = json_object_get(object, "header");
    return json_is_object(header) && read_revision(header, "revision", &answer->revision) &&
           read_u64(header, "cluster_id", &answer->cluster_id) &&
           read_u64(header, "member_id", &answer->member_id) &&
           read_u64(header, "raft_term", &answer->raft_term);
}

/* ---- replies ---- */

static size_t count_kvs(const json_t *responses)
{
    size_t i, count = 0;
    const json_t *response;
    json_array_foreach(responses, i, response)
    {
        count += json_array_size(json_object_get(json_object_get(response, "response_range"), "kvs"));
    }
    return count;
}

static bool read_range(const json_t *range, struct arena *arena, struct etcd_kv *kvs,
                       struct etcd_answer *answer)
{
    size_t i;
    const json_t *kv;
    answer->more = answer->more || json_is_true(json_object_get(range, "more"));
    json_array_foreach(json_object_get(range, "kvs"), i, kv)
    {
        if (!read_kv(kv, arena, &kvs[answer->kv_count++])) {
            return false;
        }
    }
    return true;
}

static bool read_txn(const json_t *root, struct arena *arena, struct etcd_answer *answer)
{
    size_t i;
    const json_t *response, *responses = json_object_get(root, "responses");
    struct etcd_kv *kvs = arena_alloc(arena, (count_kvs(responses) + 1) * sizeof *kvs);
    answer->kvs = kvs;
    answer->error = json_is_true(json_object_get(root, "succeeded")) ? 0 : ERROR_CONFLICT;
    json_array_foreach(responses, i, response)
    {
        if (!read_range(json_object_get(response, "response_range"), arena, kvs, answer)) {
            return false;
        }
    }
    return true;
}

static bool read_lease(const json_t *root, struct etcd_answer *answer)
{
    return read_i64(root, "ID", &answer->lease) && read_i64(root, "TTL", &answer->ttl_s);
}

static bool has_alarm(const json_t *errors, const char *alarm)
{
    size_t i;
    const json_t *item;
    json_array_foreach(errors, i, item)
    {
        const char *text = json_string_value(item);
        if (text != NULL && strstr(text, alarm) != NULL) {
            return true;
        }
    }
    return false;
}

static bool read_room(const json_t *root, struct etcd_room *room)
{
    const json_t *errors = json_object_get(root, "errors"); /* "memberID:1234 alarm:NOSPACE " */
    room->is_known = true;
    room->is_full = has_alarm(errors, "alarm:NOSPACE");
    room->is_corrupt = has_alarm(errors, "alarm:CORRUPT");
    return read_i64(root, "dbSize", &room->size) && room->size >= 0 &&
           read_i64(root, "dbSizeQuota", &room->quota) && room->quota >= 0;
}

static int read_kind(enum etcd_call_kind kind, const json_t *root, struct arena *arena,
                     struct etcd_answer *answer, struct etcd_fault *fault)
{
    const json_t *result = kind == ETCD_CALL_KEEP ? json_object_get(root, "result") : root;
    bool good = read_header(result, answer);
    switch (kind) {
    case ETCD_CALL_TXN: good = good && read_txn(result, arena, answer); break;
    case ETCD_CALL_GRANT: good = good && read_lease(result, answer) && answer->lease != 0; break;
    case ETCD_CALL_KEEP: good = good && read_lease(result, answer); break;
    case ETCD_CALL_LOOK: good = good && read_room(root, &answer->room); break;
    case ETCD_CALL_REVOKE:
    case ETCD_CALL_COMPACT:
    case ETCD_CALL_WATCH: break;
    }
    if (!good) {
        return refuse(fault);
    }
    if (kind == ETCD_CALL_KEEP && answer->ttl_s <= 0) { /* this is how etcd says it */
        judge(GRPC_NOT_FOUND, "the lease is gone", fault);
    }
    return fault->error;
}

int etcd_read_reply(enum etcd_call_kind kind, const char *text, size_t len, struct arena *arena,
                    struct etcd_answer *answer, struct etcd_fault *fault)
{
    /* A stream of one line is no document */
    json_t *root = json_loadb(text, len, JSON_DISABLE_EOF_CHECK, NULL);
    *fault = (struct etcd_fault){.error = 0};
    *answer = (struct etcd_answer){.why = "", .endpoint = ""};
    if (!json_is_object(root)) {
        (void)refuse(fault);
    } else if (!find_fault(root, fault)) {
        (void)read_kind(kind, root, arena, answer, fault);
    }
    json_decref(root);
    return fault->error;
}

int etcd_read_token(const char *text, size_t len, char token[ETCD_TOKEN_SIZE], struct etcd_fault *fault)
{
    json_t *root = json_loadb(text, len, 0, NULL);
    const char *found = find_text(root, "token");
    size_t found_len = strlen(found);
    *fault = (struct etcd_fault){.error = 0};
    /* It becomes a line of a head. */
    if (found_len == 0 || found_len >= ETCD_TOKEN_SIZE ||
        strspn(found, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/=-_.~") != found_len) {
        (void)refuse(fault);
    } else {
        memcpy(token, found, found_len + 1);
    }
    json_decref(root);
    return fault->error;
}

/* ---- watches ---- */

static bool read_changes(const json_t *events, struct arena *arena, struct etcd_line *line)
{
    size_t i;
    const json_t *event;
    struct etcd_change *changes = arena_alloc(arena, (json_array_size(events) + 1) * sizeof *changes);
    int64_t before = 0;
    line->changes = changes;
    json_array_foreach(events, i, event)
    {
        struct etcd_change *change = &changes[line->count++];
        change->is_delete = strcmp(find_text(event, "type"), "DELETE") == 0;
        if (!read_kv(json_object_get(event, "kv"), arena, &change->kv) || change->kv.mod_revision < before ||
            change->kv.mod_revision <= 0) {
            return false;
        }
        before = change->kv.mod_revision;
    }
    return true;
}

static int read_result(const json_t *result, struct arena *arena, struct etcd_line *line,
                       struct etcd_fault *fault)
{
    int64_t compacted;
    struct etcd_answer head = {.revision = 0};
    if (!json_is_object(result) || !read_i64(result, "compact_revision", &compacted)) {
        return refuse(fault);
    }
    if (compacted != 0) {
        judge(GRPC_RANGE, "the revision has been compacted", fault);
    } else if (json_is_true(json_object_get(result, "canceled"))) {
        judge(0, find_text(result, "cancel_reason"), fault);
    } else if (!read_header(result, &head) || !read_changes(json_object_get(result, "events"), arena, line)) {
        return refuse(fault);
    }
    line->revision = head.revision;
    line->is_begun = json_is_true(json_object_get(result, "created"));
    line->is_fragment = json_is_true(json_object_get(result, "fragment"));
    return fault->error;
}

int etcd_read_line(const char *text, size_t len, struct arena *arena, struct etcd_line *line,
                   struct etcd_fault *fault)
{
    json_t *root = json_loadb(text, len, 0, NULL);
    *fault = (struct etcd_fault){.error = 0};
    *line = (struct etcd_line){.revision = 0};
    if (!json_is_object(root)) {
        (void)refuse(fault);
    } else if (!find_fault(root, fault)) {
        (void)read_result(json_object_get(root, "result"), arena, line, fault);
    }
    json_decref(root);
    return fault->error;
}
