/* SPDX-License-Identifier: BSD-3-Clause
 *
 * See owed.h. A table finds the latest change of an object; those before it that came one by one stay as they
 * are. */
#include "config.h"

#include "store/owed.h"

#include "base/clock.h"
#include "base/hash.h"
#include "base/memory.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { TABLE_FIRST = 64, NOTE_SIZE = 160 };

/* Who and why, of all changes of a job. */
struct said {
    size_t holders;
    size_t octets;
    struct store_cause cause;
    char texts[];
};

struct owed_entry {
    struct owed_entry *before, *next; /* in their order */
    struct owed_entry *chained;       /* of one slot of the table */
    struct said *said;
    uint64_t hash;
    bool is_latest; /* in the table */
    size_t octets;
    size_t folded;    /* so many changes before it are in it */
    int64_t first_ms; /* wall: of those */
    struct store_op op;
    char texts[];
};

void owed_init(struct owed *owed)
{
    *owed = (struct owed){.size = TABLE_FIRST};
    owed->table = memory_alloc_array(owed->size, sizeof(struct owed_entry *));
}

void owed_fini(struct owed *owed)
{
    owed_drop(owed, NULL);
    free(owed->table);
}

/* ---- copies ---- */

static size_t size_of(const char *text)
{
    return text == NULL ? 0 : strlen(text) + 1;
}

static const char *append(char **to, const char *text)
{
    size_t size = size_of(text);
    if (text == NULL) {
        return NULL;
    }
    const char *copy = memcpy(*to, text, size);
    *to += size;
    return copy;
}

static struct said *said_new(const struct store_cause *cause, int64_t wall_ms)
{
    size_t octets = sizeof(struct said) + size_of(cause->actor) + size_of(cause->peer) +
                    size_of(cause->reason) + size_of(cause->request);
    struct said *said = memory_alloc(octets);
    char *to = said->texts;
    said->octets = octets;
    said->cause.wall_ms = cause->wall_ms == 0 ? wall_ms : cause->wall_ms;
    said->cause.actor = append(&to, cause->actor);
    said->cause.peer = append(&to, cause->peer);
    said->cause.reason = append(&to, cause->reason);
    said->cause.request = append(&to, cause->request);
    return said;
}

static struct owed_entry *entry_new(const struct store_op *op, struct said *said)
{
    size_t octets = sizeof(struct owed_entry) + size_of(op->kind) + size_of(op->key) + size_of(op->value);
    struct owed_entry *entry = memory_alloc(octets);
    char *to = entry->texts;
    entry->said = said;
    said->holders++;
    entry->octets = octets;
    entry->op = (struct store_op){.if_revision = STORE_ANY, .expires_ms = op->expires_ms};
    entry->op.kind = append(&to, op->kind);
    entry->op.key = append(&to, op->key);
    entry->op.value = append(&to, op->value);
    entry->hash = hash_finish(
        hash_bytes(hash_bytes(HASH_START, op->kind, strlen(op->kind) + 1), op->key, strlen(op->key)));
    return entry;
}

/* ---- the table ---- */

static struct owed_entry **find_slot(const struct owed *owed, uint64_t hash)
{
    return &owed->table[hash & (owed->size - 1)];
}

static struct owed_entry *find(const struct owed *owed, const struct owed_entry *like)
{
    struct owed_entry *entry = *find_slot(owed, like->hash);
    while (entry != NULL && (entry->hash != like->hash || strcmp(entry->op.key, like->op.key) != 0 ||
                             strcmp(entry->op.kind, like->op.kind) != 0)) {
        entry = entry->chained;
    }
    return entry;
}

static void enter(struct owed *owed, struct owed_entry *entry)
{
    struct owed_entry **slot = find_slot(owed, entry->hash);
    entry->chained = *slot;
    entry->is_latest = true;
    *slot = entry;
}

static void leave(struct owed *owed, struct owed_entry *entry)
{
    struct owed_entry **at = find_slot(owed, entry->hash);
    while (entry->is_latest && *at != entry) {
        at = &(*at)->chained;
    }
    if (entry->is_latest) {
        *at = entry->chained;
        entry->is_latest = false;
    }
}

static void grow(struct owed *owed)
{
    if (owed->count < owed->size) {
        return;
    }
    free(owed->table);
    owed->size *= 2;
    owed->table = memory_alloc_array(owed->size, sizeof(struct owed_entry *));
    for (struct owed_entry *entry = owed->first; entry != NULL; entry = entry->next) {
        if (entry->is_latest) {
            enter(owed, entry);
        }
    }
}

/* ---- the order ---- */

static void append_entry(struct owed *owed, struct owed_entry *entry)
{
    entry->before = owed->last;
    if (owed->last == NULL) {
        owed->first = entry;
    } else {
        owed->last->next = entry;
    }
    owed->last = entry;
    owed->count++;
    owed->octets += entry->octets;
}

static void remove_entry(struct owed *owed, struct owed_entry *entry)
{
    leave(owed, entry);
    *(entry->before == NULL ? &owed->first : &entry->before->next) = entry->next;
    *(entry->next == NULL ? &owed->last : &entry->next->before) = entry->before;
    owed->count--;
    owed->octets -= entry->octets;
    if (--entry->said->holders == 0) {
        owed->octets -= entry->said->octets;
        free(entry->said);
    }
    free(entry);
}

static void fold(struct owed *owed, struct owed_entry *into, struct owed_entry *gone)
{
    into->folded = gone->folded + 1;
    into->first_ms = gone->folded != 0 ? gone->first_ms : gone->said->cause.wall_ms;
    owed->folded++;
    remove_entry(owed, gone);
}

void owed_add(struct owed *owed, const struct store_job *job, int64_t wall_ms)
{
    struct said *said = job->op_count == 0 ? NULL : said_new(&job->cause, wall_ms);
    owed->octets += said == NULL ? 0 : said->octets;
    for (size_t i = 0; i < job->op_count; i++) {
        struct owed_entry *entry = entry_new(&job->ops[i], said);
        struct owed_entry *latest = find(owed, entry);
        bool is_full = owed->count >= OWED_MAX || owed->octets >= OWED_OCTETS_MAX;
        if (latest != NULL && is_full) {
            fold(owed, entry, latest);
        } else if (latest != NULL) {
            leave(owed, latest);
        }
        append_entry(owed, entry);
        enter(owed, entry);
        grow(owed);
    }
}

/* ---- writing ---- */

/* The reason with how many changes it stands for; what there is no room for is cut. Owned. */
static char *tell_folded(const struct owed_entry *entry)
{
    const char *reason = entry->said->cause.reason == NULL ? "" : entry->said->cause.reason;
    char note[NOTE_SIZE], since[CLOCK_TEXT_SIZE];
    snprintf(note, sizeof note, "%sthe last of %zu changes since %s, which could not be written one by one",
             reason[0] == '\0' ? "" : "; ", entry->folded + 1, clock_write_rfc3339(entry->first_ms, since));
    size_t len = strnlen(reason, STORE_CAUSE_MAX - NOTE_SIZE);
    while (len != 0 && ((unsigned char)reason[len] & 0xc0) == 0x80) { /* inside a character */
        len--;
    }
    return memory_print("%.*s%s", (int)len, reason, note);
}

static int write_entry(const struct owed_entry *entry, struct writer *writer)
{
    struct store_cause cause = entry->said->cause;
    if (entry->folded == 0) {
        return writer_write(writer, &entry->op, &cause, cause.wall_ms, false);
    }
    char *reason = tell_folded(entry);
    cause.reason = reason;
    int error = writer_write(writer, &entry->op, &cause, cause.wall_ms, true);
    free(reason);
    return error;
}

int owed_write(struct owed *owed, struct writer *writer, size_t ops, struct owed_entry **end)
{
    const struct said *said = NULL;
    size_t written = 0;
    int error = 0;
    struct owed_entry *entry = owed->first;
    for (; entry != NULL && error == 0 && (said == NULL || written < ops || entry->said == said);
         entry = entry->next) {
        said = entry->said;
        error = write_entry(entry, writer);
        written++;
    }
    *end = entry;
    return error;
}

void owed_drop(struct owed *owed, const struct owed_entry *end)
{
    while (owed->first != end) {
        remove_entry(owed, owed->first);
    }
}
