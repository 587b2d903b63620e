/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Values are JSON texts, and go as strings: what one node wrote is the same to the octet on all others, which
 * JSON within JSON would not be (1.0, 1e0, \u00e9). The hash is over the text as it was written, so a version
 * that writes other members is followed by one that does not know them. */
#include "config.h"

#include "cluster/entry.h"

#include "base/arena.h"
#include "base/error.h"
#include "base/sha2.h"
#include "cluster/json.h"
#include "store/key.h"
#include "store/kinds.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

enum {
    FORMAT = 1,
    MARKS_MAX = INT32_MAX,
    LEAD_MS = 2000, /* less is what clocks differ by, and how long an order waits until it is written */
};

/* ---- what can be one ---- */

bool cluster_is_shared(const char *kind)
{
    enum store_kind_id id = store_kind_find(kind);
    return id != STORE_KINDS && store_kind_get(id)->is_shared;
}

/* What this version does not know another one may: it is kept, and passed on. */
bool cluster_may_share(const char *kind)
{
    size_t len = strnlen(kind, CLUSTER_KIND_MAX + 1);
    return len > 0 && len <= CLUSTER_KIND_MAX && strspn(kind, "abcdefghijklmnopqrstuvwxyz-") == len &&
           (store_kind_find(kind) == STORE_KINDS || cluster_is_shared(kind));
}

bool cluster_is_name(const char *text)
{
    static const char letters[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-";
    size_t len = strnlen(text, CLUSTER_NAME_MAX + 1);
    return len > 0 && len <= CLUSTER_NAME_MAX && strspn(text, letters) == len && text[0] != '-' &&
           text[len - 1] != '-';
}

static bool is_json(const char *value)
{
    json_t *json = json_loads(value, JSON_DECODE_ANY, NULL);
    json_decref(json);
    return json != NULL;
}

static const char *judge_op(const struct store_op *op)
{
    if (op->kind == NULL || !cluster_may_share(op->kind)) {
        return "a kind that nodes do not share";
    }
    if (op->key == NULL || !store_is_key(op->key)) {
        return "a key that is none";
    }
    if (op->value != NULL &&
        (strnlen(op->value, STORE_VALUE_MAX + 1) > STORE_VALUE_MAX || !is_json(op->value))) {
        return "a value that is no JSON";
    }
    return NULL;
}

const char *cluster_judge_ops(const struct store_op *ops, size_t count)
{
    const char *why = NULL;
    for (size_t i = 0; why == NULL && i < count; i++) {
        bool is_known = ops[i].kind != NULL && cluster_is_shared(ops[i].kind);
        why = is_known ? judge_op(&ops[i]) : "a kind that nodes do not share";
    }
    return why;
}

/* ---- clocks ---- */

/* What held on a node before it was an entry is older than the entry, by as much as that says. */
int64_t cluster_find_clock_lead(const struct cluster_entry *entry, int64_t now_ms, int64_t wall_ms)
{
    bool is_provisional = entry->provisional_since_ms != 0;
    bool is_bounded = entry->after_ms != 0 && (!is_provisional || entry->provisional_ms != 0);
    int64_t written_ms =
        is_provisional ? entry->provisional_since_ms + entry->provisional_ms : entry->cause.wall_ms;
    int64_t age_ms = wall_ms - written_ms, most_ms = is_bounded ? now_ms - entry->after_ms : 0;
    if (written_ms == 0) {
        return 0;
    }
    if (age_ms < -LEAD_MS) {
        return age_ms;
    }
    return is_bounded && age_ms > most_ms + LEAD_MS ? age_ms - most_ms : 0;
}

/* ---- positions ---- */

void cluster_begin(const unsigned char id[CLUSTER_ID_SIZE], struct cluster_position *position)
{
    struct sha256 sha;
    *position = (struct cluster_position){0};
    memcpy(position->id, id, CLUSTER_ID_SIZE);
    sha256_init(&sha);
    sha256_add(&sha, id, CLUSTER_ID_SIZE);
    sha256_end(&sha, position->hash);
}

static void compute_hash(struct cluster_entry *entry, const char *text, size_t len)
{
    struct sha256 sha;
    sha256_init(&sha);
    sha256_add(&sha, entry->before, sizeof entry->before);
    sha256_add(&sha, text, len);
    sha256_end(&sha, entry->hash);
}

bool cluster_follows(const struct cluster_position *at, const struct cluster_entry *entry)
{
    return entry->seq == at->seq + 1 && memcmp(at->hash, entry->before, sizeof at->hash) == 0;
}

void cluster_step(struct cluster_position *at, const struct cluster_entry *entry)
{
    at->seq = entry->seq;
    memcpy(at->hash, entry->hash, sizeof at->hash);
}

bool cluster_is_at(const struct cluster_position *a, const struct cluster_position *b)
{
    return a->seq == b->seq && memcmp(a->id, b->id, sizeof a->id) == 0 &&
           memcmp(a->hash, b->hash, sizeof a->hash) == 0;
}

const char *cluster_write_head(const struct cluster_position *head, char text[CLUSTER_HEAD_SIZE])
{
    json_t *object = json_object();
    json_set_hex(object, "id", head->id, sizeof head->id);
    json_set_number(object, "seq", head->seq);
    json_set_hex(object, "hash", head->hash, sizeof head->hash);
    return json_finish_into(object, text, CLUSTER_HEAD_SIZE);
}

int cluster_read_head(const char *text, size_t len, struct cluster_position *head, const char **why)
{
    struct json_reading reading;
    *head = (struct cluster_position){0};
    json_open(&reading, text, len);
    json_get_hex(&reading, "id", head->id, sizeof head->id, "\"id\": expected 32 hexadecimal digits");
    head->seq = json_get_number(&reading, "seq", INT64_MAX - 1, "\"seq\": expected a number");
    json_get_hex(&reading, "hash", head->hash, sizeof head->hash, "\"hash\": expected 64 hexadecimal digits");
    return json_close(&reading, why);
}

/* ---- writing ---- */

static json_t *write_op(const struct store_op *op)
{
    json_t *object = json_object();
    json_put_text(object, "kind", op->kind);
    json_put_text(object, "key", op->key);
    if (op->value != NULL) {
        json_put_text(object, "value", op->value);
        json_set_time(object, "expires", op->expires_ms);
    }
    return object;
}

static json_t *write_object(const struct cluster_entry *entry)
{
    json_t *object = json_object(), *ops = json_array();
    json_set_number(object, "version", FORMAT);
    json_set_number(object, "seq", entry->seq);
    json_set_hex(object, "before", entry->before, sizeof entry->before);
    json_put_text(object, "node", entry->node);
    json_set_text(object, "given_on", entry->given_on);
    json_set_word(object, "mark", entry->mark);
    json_set_number(object, "from", entry->mark_from);
    json_set_number(object, "to", entry->mark_to);
    json_set_time(object, "at", entry->cause.wall_ms);
    json_set_text(object, "actor", entry->cause.actor);
    json_set_text(object, "peer", entry->cause.peer);
    json_set_text(object, "reason", entry->cause.reason);
    json_set_text(object, "request", entry->cause.request);
    json_set_time(object, "provisional_since", entry->provisional_since_ms);
    json_set_time(object, "provisional_ms", entry->provisional_ms);
    for (size_t i = 0; i < entry->op_count; i++) {
        json_array_append_new(ops, write_op(&entry->ops[i]));
    }
    json_object_set_new(object, "ops", ops);
    return object;
}

char *cluster_write_entry(const struct cluster_position *at, struct cluster_entry *entry)
{
    entry->seq = at->seq + 1;
    memcpy(entry->before, at->hash, sizeof entry->before);
    char *text = json_finish(write_object(entry));
    size_t len = text == NULL ? 0 : strlen(text);
    if (text == NULL || len > CLUSTER_ENTRY_MAX || entry->op_count > CLUSTER_OPS_MAX) {
        free(text);
        return NULL;
    }
    compute_hash(entry, text, len);
    return text;
}

/* ---- reading ---- */

static const char *copy_text(struct arena *arena, const char *text)
{
    return text == NULL ? NULL : arena_copy_text(arena, text);
}

static void read_op(struct json_reading *entry, json_t *object, struct arena *arena, struct store_op *op)
{
    struct json_reading reading = {.object = object};
    if (!json_is_object(object)) {
        json_fail(entry, "\"ops\": expected objects");
        return;
    }
    op->if_revision = STORE_ANY;
    op->kind = arena_copy_text(arena, json_get_text(&reading, "kind", "\"kind\": expected a text"));
    op->key = arena_copy_text(arena, json_get_text(&reading, "key", "\"key\": expected a text"));
    op->value = copy_text(arena, json_find_text(&reading, "value", "\"value\": expected a text"));
    op->expires_ms = json_find_time(&reading, "expires", "\"expires\": expected milliseconds");
    if (reading.error == 0 && op->value == NULL && op->expires_ms != 0) {
        json_fail(&reading, "what is deleted does not expire");
    }
    const char *why = reading.error == 0 ? judge_op(op) : reading.why;
    if (why != NULL) {
        json_fail(entry, why);
    }
}

static void read_ops(struct json_reading *reading, struct arena *arena, struct cluster_entry *entry)
{
    const json_t *ops = json_object_get(reading->object, "ops");
    size_t count = json_array_size(ops);
    if (!json_is_array(ops) || count > CLUSTER_OPS_MAX) {
        json_fail(reading, "\"ops\": expected a list of up to 60 changes");
        return;
    }
    struct store_op *list = arena_alloc(arena, (count == 0 ? 1 : count) * sizeof *list);
    for (size_t i = 0; i < count && reading->error == 0; i++) {
        read_op(reading, json_array_get(ops, i), arena, &list[i]);
    }
    entry->ops = list;
    entry->op_count = count;
}

static const char *read_cause(struct json_reading *reading, const char *key, struct arena *arena)
{
    const char *text = json_find_text(reading, key, "a text of its cause is none");
    if (text != NULL && strlen(text) > STORE_CAUSE_MAX) {
        json_fail(reading, "a text of its cause is too long");
        return NULL;
    }
    return copy_text(arena, text);
}

static void read_head(struct json_reading *reading, struct arena *arena, struct cluster_entry *entry)
{
    entry->seq = json_get_number(reading, "seq", INT64_MAX - 1, "\"seq\": expected a number");
    json_get_hex(reading, "before", entry->before, sizeof entry->before,
                 "\"before\": expected 64 hexadecimal digits");
    entry->node = arena_copy_text(arena, json_get_text(reading, "node", "\"node\": expected a name"));
    entry->given_on = copy_text(arena, json_find_text(reading, "given_on", "\"given_on\": expected a name"));
    entry->mark = json_get_word(reading, "mark", "\"mark\": expected 16 hexadecimal digits");
    entry->mark_from = (uint32_t)json_get_number(reading, "from", MARKS_MAX, "\"from\": expected a number");
    entry->mark_to = (uint32_t)json_get_number(reading, "to", MARKS_MAX, "\"to\": expected a number");
    entry->provisional_since_ms =
        json_find_time(reading, "provisional_since", "\"provisional_since\": expected milliseconds");
    entry->provisional_ms =
        json_find_time(reading, "provisional_ms", "\"provisional_ms\": expected milliseconds");
    entry->cause.wall_ms = json_find_time(reading, "at", "\"at\": expected milliseconds");
    entry->cause.actor = read_cause(reading, "actor", arena);
    entry->cause.peer = read_cause(reading, "peer", arena);
    entry->cause.reason = read_cause(reading, "reason", arena);
    entry->cause.request = read_cause(reading, "request", arena);
    if (entry->seq == 0 || entry->mark_from > entry->mark_to || !cluster_is_name(entry->node) ||
        !cluster_is_name(cluster_entry_origin(entry))) {
        json_fail(reading, "\"seq\", \"node\", \"given_on\", \"from\" or \"to\" is none");
    }
}

int cluster_read_entry(const char *text, size_t len, struct arena *arena, struct cluster_entry *entry,
                       const char **why)
{
    struct json_reading reading;
    *entry = (struct cluster_entry){.node = ""};
    if (len > CLUSTER_ENTRY_MAX) {
        *why = "it is too long";
        return ERROR_INVALID;
    }
    json_open(&reading, text, len);
    if (reading.error == 0) {
        (void)json_get_number(&reading, "version", FORMAT, "a later version of steerd has written it");
        read_head(&reading, arena, entry);
        read_ops(&reading, arena, entry);
        compute_hash(entry, text, len);
    }
    return json_close(&reading, why);
}
