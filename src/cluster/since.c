/* SPDX-License-Identifier: BSD-3-Clause
 *
 * What entries mean to what is pending: which of its ops they settle, and which objects somebody else has
 * changed. */
#include "config.h"

#include "cluster/inside.h"

#include "base/memory.h"
#include "store/kinds.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void cluster_forget_touched(struct cluster *cluster)
{
    struct pending *pending = &cluster->pending;
    for (size_t i = 0; i < pending->touched_count; i++) {
        free(pending->touched[i].kind);
        free(pending->touched[i].key);
    }
    free(pending->touched);
    pending->touched = NULL;
    pending->touched_count = pending->touched_capacity = 0;
    pending->has_table = pending->is_reading = false;
}

static bool holds(const struct pend *pend, const char *kind, const char *key)
{
    for (size_t i = 0; i < pend->what.op_count; i++) {
        const struct store_op *op = &pend->what.ops[i];
        if (!pend->is_settled[i] && strcmp(op->kind, kind) == 0 && strcmp(op->key, key) == 0) {
            return true;
        }
    }
    return false;
}

bool cluster_is_pending(const struct cluster *cluster, const char *kind, const char *key)
{
    for (const struct pend *pend = cluster->pending.first; pend != NULL; pend = pend->next) {
        if (holds(pend, kind, key)) {
            return true;
        }
    }
    return false;
}

struct touched *cluster_find_touched(const struct pending *pending, const struct store_op *op)
{
    for (size_t i = 0; i < pending->touched_count; i++) {
        struct touched *touched = &pending->touched[i];
        if (strcmp(touched->kind, op->kind) == 0 && strcmp(touched->key, op->key) == 0) {
            return touched;
        }
    }
    return NULL;
}

static size_t add_mark(uint64_t *marks, size_t count, size_t most, uint64_t mark)
{
    if (count < most) {
        marks[count++] = mark;
    }
    return count;
}

size_t cluster_list_marks(const struct cluster *cluster, const struct store_op *op, uint64_t *marks,
                          size_t most)
{
    const struct cluster_entry *entry = &cluster->write.entry;
    size_t count = 0;
    for (size_t i = 0; cluster->write.flight != FLIGHT_NONE && i < entry->op_count; i++) {
        if (strcmp(entry->ops[i].kind, op->kind) == 0 && strcmp(entry->ops[i].key, op->key) == 0) {
            count = add_mark(marks, count, most, entry->mark);
            break;
        }
    }
    for (const struct pend *pend = cluster->pending.first; pend != NULL; pend = pend->next) {
        if (holds(pend, op->kind, op->key)) {
            count = add_mark(marks, count, most, pend->what.mark);
        }
    }
    return count;
}

static void touch(struct pending *pending, const struct cluster_entry *entry, const struct store_op *op)
{
    struct touched *touched = cluster_find_touched(pending, op);
    if (touched == NULL) {
        pending->touched = memory_grow(pending->touched, pending->touched_count, &pending->touched_capacity,
                                       sizeof *pending->touched);
        touched = &pending->touched[pending->touched_count++];
        *touched = (struct touched){.kind = memory_copy_text(op->kind), .key = memory_copy_text(op->key)};
    }
    if (entry->seq >= touched->seq) {
        touched->seq = entry->seq;
        touched->mark = entry->mark;
        touched->at_ms =
            entry->provisional_since_ms != 0 ? entry->provisional_since_ms : entry->cause.wall_ms;
        snprintf(touched->node, sizeof touched->node, "%s", cluster_entry_origin(entry));
    }
}

/* Only of objects that somebody may ask for. */
static bool is_wanted(const struct cluster *cluster, const struct store_op *op)
{
    return cluster_is_pending(cluster, op->kind, op->key);
}

static void add_conflict(struct pend *pend, const struct store_op *op)
{
    struct cluster_conflict conflict;
    if (strcmp(op->kind, CONFLICT_KIND) == 0 && op->value != NULL &&
        cluster_read_conflict(op->value, strlen(op->value), pend->arena, &conflict) == 0) {
        pend->conflicts =
            memory_grow(pend->conflicts, pend->conflict_count, &pend->conflict_capacity, sizeof conflict);
        pend->conflicts[pend->conflict_count++] = conflict;
    }
}

static void settle(struct pend *pend, const struct cluster_entry *entry)
{
    for (size_t i = entry->mark_from; i < entry->mark_to && i < pend->what.op_count; i++) {
        pend->is_settled[i] = true;
    }
    for (size_t i = 0; i < entry->op_count; i++) {
        add_conflict(pend, &entry->ops[i]);
    }
}

const struct cluster_pending *cluster_find_pending(const struct cluster *cluster, uint64_t mark)
{
    const struct pend *pend = cluster->pending.first;
    while (pend != NULL && pend->what.mark != mark) {
        pend = pend->next;
    }
    return pend == NULL ? NULL : &pend->what;
}

bool cluster_knows_mark(const struct cluster *cluster, uint64_t mark)
{
    const struct pending *pending = &cluster->pending;
    bool knows = cluster_find_pending(cluster, mark) != NULL;
    for (size_t i = 0; i < MARKS_LATELY && i < pending->mark_count && !knows; i++) {
        knows = pending->marks[i] == mark;
    }
    return knows;
}

/* What this node itself wrote is touched like another's: of orders that were given elsewhere, and that it
 * brought, it is one. What was seen where a pending one was given is among those that that is laid over. */
void cluster_pending_hear(struct cluster *cluster, const struct cluster_entry *entry)
{
    struct pending *pending = &cluster->pending;
    pending->marks[pending->mark_count++ % MARKS_LATELY] = entry->mark;
    for (struct pend *pend = pending->first; pend != NULL; pend = pend->next) {
        if (entry->mark == pend->what.mark) {
            settle(pend, entry);
            cluster_note(cluster);
        }
    }
    for (size_t i = 0; i < entry->op_count; i++) {
        if (is_wanted(cluster, &entry->ops[i])) {
            touch(pending, entry, &entry->ops[i]);
        }
    }
}

/* All was taken anew: what had happened since then is not known. */
void cluster_pending_lose(struct cluster *cluster)
{
    for (struct pend *pend = cluster->pending.first; pend != NULL; pend = pend->next) {
        pend->has_gap = true;
    }
    cluster_call_off(cluster, &cluster->pending.ask);
    cluster->pending.stage = PENDING_IDLE;
    cluster_forget_touched(cluster);
}
