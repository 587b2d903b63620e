/* SPDX-License-Identifier: BSD-3-Clause
 *
 * See revisions.h. A table by hash of kind and key, chained, with one block per object. Where two tell of one
 * object the greater entry is right. */
#include "config.h"

#include "daemon/revisions.h"

#include "admin/admin.h"
#include "admin/condition.h"
#include "base/error.h"
#include "base/hash.h"
#include "base/memory.h"
#include "daemon/durable.h"
#include "daemon/server.h"
#include "store/kinds.h"
#include "store/store.h"

#include <stdlib.h>
#include <string.h>

enum { SLOTS_FIRST = 64, ACTOR_MAX = 63 };

struct entry {
    struct entry *next;
    uint64_t hash, revision;
    uint64_t tag;       /* of what it says */
    int64_t written_ms; /* wall */
    unsigned begun;     /* changes of it that hold, and that the store has not said anything of */
    bool is_unwritten;  /* a later one holds, which could not be written */
    bool is_gone;       /* there is none as far as the store has said; kept for those that were begun */
    char actor[ACTOR_MAX + 1];
    const struct store_kind *kind;
    char key[];
};

struct revisions {
    struct server *server;
    struct entry **slots;
    size_t size, count;
    struct store_watch *watch; /* NULL: there is no store, or none is followed */
};

/* ---- the table ---- */

/* NULL: the API has no resources of it. */
static const struct store_kind *find_kind(const char *name)
{
    enum store_kind_id id = store_kind_find(name);
    const struct store_kind *kind = id == STORE_KINDS ? NULL : store_kind_get(id);
    return kind != NULL && kind->has_resource ? kind : NULL;
}

static uint64_t hash_of(const char *kind, const char *key)
{
    return hash_finish(hash_bytes(hash_bytes(HASH_START, kind, strlen(kind) + 1), key, strlen(key)));
}

static struct entry *find(const struct revisions *revisions, const char *kind, const char *key)
{
    uint64_t hash = hash_of(kind, key);
    struct entry *entry = revisions->slots[hash & (revisions->size - 1)];
    while (entry != NULL &&
           (entry->hash != hash || strcmp(entry->kind->name, kind) != 0 || strcmp(entry->key, key) != 0)) {
        entry = entry->next;
    }
    return entry;
}

static void grow(struct revisions *revisions)
{
    size_t size = 2 * revisions->size;
    struct entry **slots = memory_alloc_array(size, sizeof(struct entry *));
    for (size_t i = 0; i < revisions->size; i++) {
        for (struct entry *entry = revisions->slots[i], *next; entry != NULL; entry = next) {
            next = entry->next;
            entry->next = slots[entry->hash & (size - 1)];
            slots[entry->hash & (size - 1)] = entry;
        }
    }
    free(revisions->slots);
    revisions->slots = slots;
    revisions->size = size;
}

/* NULL: nobody asks about this kind. */
static struct entry *get(struct revisions *revisions, const char *kind, const char *key)
{
    struct entry *entry = find(revisions, kind, key);
    const struct store_kind *known = find_kind(kind);
    if (entry != NULL || known == NULL) {
        return entry;
    }
    if (revisions->count == revisions->size) {
        grow(revisions);
    }
    size_t len = strlen(key);
    entry = memory_alloc(sizeof *entry + len + 1);
    *entry = (struct entry){.hash = hash_of(kind, key), .kind = known};
    memcpy(entry->key, key, len + 1);
    struct entry **slot = &revisions->slots[entry->hash & (revisions->size - 1)];
    entry->next = *slot;
    *slot = entry;
    revisions->count++;
    return entry;
}

static void clear(struct revisions *revisions)
{
    for (size_t i = 0; i < revisions->size; i++) {
        while (revisions->slots[i] != NULL) {
            struct entry *entry = revisions->slots[i];
            revisions->slots[i] = entry->next;
            free(entry);
        }
    }
    revisions->count = 0;
}

static void take_out(struct revisions *revisions, struct entry *entry)
{
    struct entry **at = &revisions->slots[entry->hash & (revisions->size - 1)];
    while (*at != entry) {
        at = &(*at)->next;
    }
    *at = entry->next;
    revisions->count--;
    free(entry);
}

/* Of what all nodes of a cluster have the same: not by which clock it was written, nor when a token was used
 * here. 19 digits, as no revision has. */
static uint64_t make_tag(const struct store_object *object)
{
    enum { USED = sizeof ",\"used\":\"" - 1 };
    const uint64_t first = 1000000000000000000;
    uint64_t hash = hash_of(object->kind, object->key);
    const char *value = object->value, *end = strstr(value, ",\"clock\":{"); /* a quote in a text has a \\ */
    const char *used = strstr(value, ",\"used\":\"");
    end = end == NULL ? value + strlen(value) : end;
    if (used != NULL && used < end) {
        hash = hash_bytes(hash, value, (size_t)(used - value));
        value = used + USED + strcspn(used + USED, "\"");
    }
    return first + hash_finish(hash_bytes(hash, value, (size_t)(end - value))) % (8 * first);
}

static void put(struct revisions *revisions, const struct store_object *object)
{
    struct entry *entry = get(revisions, object->kind, object->key);
    if (entry == NULL || object->revision <= entry->revision) {
        return;
    }
    if (object->value == NULL && entry->begun == 0) {
        take_out(revisions, entry);
        return;
    }
    entry->revision = object->revision;
    entry->is_unwritten = false;
    entry->is_gone = object->value == NULL;
    entry->tag = entry->is_gone ? 0 : make_tag(object);
    entry->written_ms = object->written_ms;
    snprintf(entry->actor, sizeof entry->actor, "%s", object->actor == NULL ? "" : object->actor);
}

/* ---- who tells ---- */

static void note_unwritten(struct revisions *revisions, const char *kind, const char *key)
{
    struct entry *entry = get(revisions, kind, key);
    if (entry != NULL) {
        entry->is_unwritten = true;
    }
}

void revisions_begin(struct revisions *revisions, const struct store_job *job)
{
    for (size_t i = 0; i < job->op_count; i++) {
        struct entry *entry = get(revisions, job->ops[i].kind, job->ops[i].key);
        if (entry != NULL) {
            entry->begun++;
        }
    }
}

void revisions_end(struct revisions *revisions, const struct store_job *job)
{
    revisions_note(revisions, job);
    for (size_t i = 0; i < job->op_count; i++) {
        struct entry *entry = find(revisions, job->ops[i].kind, job->ops[i].key);
        if (entry == NULL) {
            continue;
        }
        entry->begun -= entry->begun != 0; /* all was read anew meanwhile */
        if (entry->begun == 0 && entry->is_gone && !entry->is_unwritten) {
            take_out(revisions, entry);
        }
    }
}

void revisions_note(struct revisions *revisions, const struct store_job *job)
{
    int64_t now_ms = clock_wall_ms(&revisions->server->clock);
    int64_t wall_ms = job->cause.wall_ms != 0 ? job->cause.wall_ms : now_ms;
    for (size_t i = 0; i < job->op_count; i++) {
        const struct store_op *op = &job->ops[i];
        uint64_t seq = job->seqs != NULL ? job->seqs[i] : job->op_count == 1 ? job->seq : 0;
        if (job->error == ERROR_CONFLICT && job->insists) {
            continue; /* it does not hold: what the store has does */
        }
        if (job->error != 0 && job->insists) {
            note_unwritten(revisions, op->kind, op->key);
        } else if (job->error == 0 && seq != 0) {
            put(revisions, &(struct store_object){.kind = op->kind,
                                                  .key = op->key,
                                                  .value = op->value,
                                                  .revision = seq,
                                                  .written_ms = wall_ms,
                                                  .actor = job->cause.actor});
        }
    }
}

static bool on_entry(void *context, const struct store_entry *entry)
{
    put(context, &(struct store_object){.kind = entry->kind,
                                        .key = entry->key,
                                        .value = entry->after,
                                        .revision = entry->seq,
                                        .written_ms = entry->cause.wall_ms,
                                        .actor = entry->cause.actor});
    return true;
}

static void on_end(void *context, int error, const char *why)
{
    struct revisions *revisions = context;
    (void)error, (void)why;
    revisions->watch = NULL;
}

/* ---- the beginning ---- */

struct reading {
    struct revisions *revisions;
    uint64_t last;
};

static bool read_one(void *context, const struct store_object *object)
{
    struct reading *reading = context;
    put(reading->revisions, object);
    reading->last = object->revision > reading->last ? object->revision : reading->last;
    return true;
}

static int read_all(struct reading *reading, const char *folder, struct report *report)
{
    struct store_reader *reader;
    int error = store_reader_open(folder, report, &reader);
    if (error != 0) {
        return error;
    }
    for (int i = 0; i < STORE_KINDS && error == 0; i++) {
        const struct store_kind *kind = store_kind_get((enum store_kind_id)i);
        error = kind->has_resource ? store_list(reader, kind->name, "", NULL, read_one, reading) : 0;
    }
    store_reader_close(reader);
    return error;
}

/* What cannot be read now is told from the first entry on as soon as it can be. */
void revisions_learn(struct revisions *revisions, const char *folder)
{
    struct reading reading = {.revisions = revisions};
    struct report *report = report_new();
    clear(revisions);
    if (folder != NULL && read_all(&reading, folder, report) != 0) {
        reading.last = 0;
    }
    report_free(report);
    if (revisions->watch == NULL) {
        revisions->watch = durable_watch(
            revisions->server->durable,
            &(struct store_watch_options){
                .after_seq = reading.last, .context = revisions, .changed = on_entry, .ended = on_end});
    }
}

struct revisions *revisions_new(struct server *server)
{
    struct revisions *revisions = memory_alloc(sizeof *revisions);
    *revisions = (struct revisions){.server = server,
                                    .size = SLOTS_FIRST,
                                    .slots = memory_alloc_array(SLOTS_FIRST, sizeof(struct entry *))};
    return revisions;
}

void revisions_free(struct revisions *revisions)
{
    if (revisions != NULL) {
        clear(revisions);
        free(revisions->slots);
        free(revisions);
    }
}

/* ---- who asks ---- */

static bool is_written(const struct entry *entry)
{
    return entry->begun == 0 && !entry->is_unwritten && !entry->is_gone;
}

/* What nodes of a cluster share has a tag that is good on all of them. */
static uint64_t find_tag(const struct revisions *revisions, const struct entry *entry)
{
    bool is_shared = revisions->server->is_node && entry->kind->is_shared;
    return is_shared ? entry->tag : entry->revision;
}

int revisions_judge(const struct revisions *revisions, const char *kind, const char *key, bool is_there,
                    const struct condition *condition)
{
    const struct entry *entry = find(revisions, kind, key);
    bool is_known = entry != NULL && is_written(entry);
    return condition == NULL ||
                   condition_holds(condition, is_there, is_known ? find_tag(revisions, entry) : 0)
               ? 0
               : ERROR_PRECONDITION;
}

bool server_find_revision(void *context, const char *kind, const char *key, struct admin_revision *revision)
{
    const struct revisions *revisions = ((const struct server *)context)->revisions;
    const struct entry *entry = find(revisions, kind, key);
    *revision = (struct admin_revision){.revision = 0};
    if (entry == NULL || !is_written(entry)) {
        return false;
    }
    *revision = (struct admin_revision){.revision = entry->revision,
                                        .tag = find_tag(revisions, entry),
                                        .written_ms = entry->written_ms,
                                        .actor = entry->actor};
    return true;
}
