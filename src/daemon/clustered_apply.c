/* SPDX-License-Identifier: BSD-3-Clause
 *
 * What others said comes into force here and into the store, with the position, in one transaction; one entry
 * after the other. Or all that there is, as the difference to what is here. */
#include "config.h"

#include "daemon/clustered_inside.h"

#include "daemon/batch.h"
#include "daemon/challenges.h"
#include "daemon/changes.h"
#include "daemon/durable.h"
#include "daemon/expiry.h"
#include "daemon/override_json.h"
#include "daemon/server.h"
#include "daemon/snapshot.h"
#include "base/arena.h"
#include "base/error.h"
#include "base/log.h"
#include "base/memory.h"
#include "past/objects.h"
#include "store/kinds.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* On its way. */
struct applying {
    struct clustered *clustered;
    struct cluster *cluster; /* to compare only: it may be another one by then */
    struct store_op *others; /* in the batch's arena, like their texts */
    size_t other_count;
    const struct cluster_pending
        *told;        /* by another node directly, while it is planned; NULL: it is not that */
    const char *text; /* … as the store gets it */
    uint64_t mark;    /* of that; 0: it is not that */
    int64_t lead_ms;  /* of this node's clock */
    bool is_over;     /* something of it has ended by that */
    clustered_put_fn *put;
};

/* ---- what is to be done ---- */

static const char *write_value(struct arena *arena, const struct batch_op *op)
{
    char *text = override_write_json(&op->what, op->planned, NULL);
    const char *copy = arena_copy_text(arena, text);
    free(text);
    return copy;
}

/* A length counts from here on by this node's clock, which is ahead by so much of the one that it was written
 * by. */
static void follow_lead(const struct server *server, int64_t lead_ms, struct arena *arena,
                        struct batch_op *op)
{
    const struct override_clock clock = {server->boot, server->clock_offset_ms};
    if (lead_ms != 0 && health_override_shift(&op->what, op->planned, lead_ms)) {
        char *text = override_write_json(&op->what, op->planned, &clock);
        op->written = arena_copy_text(arena, text);
        free(text);
    }
}

/* One that is over, or not understood, is as good as none. */
static bool read_override(const struct server *server, const struct store_op *from, int64_t lead_ms,
                          struct arena *arena, struct batch_op *op)
{
    const char *why = "its key is none";
    int64_t wall_ms = clock_wall_ms(&server->clock);
    *op =
        (struct batch_op){.key = arena_copy_text(arena, from->key), .what = {.desired = HEALTH_DESIRED_AUTO}};
    if (health_parse_target(op->key, &op->kind, &op->name) != 0 ||
        (from->value != NULL && override_read_json(from->value, &op->what, &op->planned, &why) != 0)) {
        log_error(
            "override of another node not understood key=%s why=\"%s\" effect=\"it is not in force here\"",
            from->key, why);
        return false;
    }
    op->written = arena_copy_text(arena, from->value);
    follow_lead(server, lead_ms, arena, op);
    bool is_over = op->what.expires_ms != 0 && op->what.expires_ms <= wall_ms;
    if (from->value == NULL || is_over) {
        op->written = NULL;
        op->what = (struct health_override){.desired = HEALTH_DESIRED_AUTO, .set_ms = wall_ms};
        op->planned = false;
        return true;
    }
    op->planned = op->planned && op->what.starts_ms > wall_ms;
    op->value = write_value(arena, op);
    return true;
}

static int compare_ops(const void *a, const void *b)
{
    return strcmp(((const struct batch_op *)a)->key, ((const struct batch_op *)b)->key);
}

/* Of several about one target the last holds; there are such in an entry only. */
static void add_override(struct batch_plan *plan, const struct batch_op *op, bool is_entry)
{
    size_t at = is_entry ? 0 : plan->ops.count;
    while (at < plan->ops.count && strcmp(plan->ops.items[at].key, op->key) != 0) {
        at++;
    }
    plan->ops.count += at == plan->ops.count;
    plan->ops.items[at] = *op;
}

static struct store_op copy_op(const struct store_op *op, struct arena *arena)
{
    return (struct store_op){.kind = arena_copy_text(arena, op->kind),
                             .key = arena_copy_text(arena, op->key),
                             .value = arena_copy_text(arena, op->value),
                             .expires_ms = op->expires_ms,
                             .if_revision = STORE_ANY};
}

/* Of the target of an override, as the store has it. Owned; NULL: nothing. */
static char *write_present(struct server *server, const char *key)
{
    enum health_kind kind;
    const char *name;
    struct health_override what;
    if (health_parse_target(key, &kind, &name) != 0) {
        return NULL;
    }
    lock_take(&server->lock);
    const struct health *health = server->view->health;
    ptrdiff_t index = health_find(health, kind, name);
    const struct health_override *override =
        index < 0 ? NULL : health_get_override(health, kind, (uint32_t)index);
    bool is_there = override != NULL;
    if (is_there) {
        what = *override;
    }
    lock_leave(&server->lock);
    return is_there ? override_write_json(&what, what.starts_ms > clock_wall_ms(&server->clock), NULL) : NULL;
}

/* Until what is provisional is settled, the safer of two overrides is in force. */
static bool is_safer(struct server *server, const struct store_op *op)
{
    char *present = write_present(server, op->key);
    bool is = cluster_compare_safety(present, op->value, clock_wall_ms(&server->clock)) > 0;
    free(present);
    return is;
}

/* What holds here provisionally holds on until that is settled. */
static bool is_pending(const struct clustered *clustered, const struct store_op *op)
{
    return clustered->cluster != NULL && cluster_is_pending(clustered->cluster, op->kind, op->key);
}

/* In force only: the store has what the cluster said last, as far as it came here, and gets what comes of the
 * two when that is known. */
static void put_safer(struct server *server, const struct store_op *op)
{
    struct arena *arena = arena_new(0);
    struct batch_op put;
    int64_t wall_ms = clock_wall_ms(&server->clock);
    if (strcmp(op->kind, OVERRIDE_KIND) == 0 && is_safer(server, op) &&
        read_override(server, op, 0, arena, &put)) {
        lock_take(&server->lock);
        bool is_put = batch_apply(server->view, &put, wall_ms);
        lock_leave(&server->lock);
        if (is_put) {
            changes_tell_override(server->changes, put.kind, put.name, &put.what);
        }
        server_forget_snapshot(server);
        server_schedule_expiry(server);
    }
    arena_free(arena);
}

void clustered_put_safer(struct clustered *clustered, const struct cluster_pending *pending)
{
    for (size_t i = 0; i < pending->op_count; i++) {
        put_safer(clustered->server, &pending->ops[i]);
    }
}

/* Of what another node says directly: where it was given on top of what is here it holds as it is. */
static bool is_passed_over(const struct applying *applying, const struct store_op *op)
{
    if (applying->told == NULL || clustered_is_laid_over(applying->clustered, applying->told, op)) {
        return false;
    }
    put_safer(applying->clustered->server, op);
    return true;
}

static bool is_bound(const struct applying *applying, const struct store_op *op)
{
    return applying->told == NULL && is_pending(applying->clustered, op) &&
           !is_safer(applying->clustered->server, op);
}

static void plan_ops(struct applying *applying, const struct store_op *ops, size_t count,
                     struct batch_plan *plan)
{
    struct arena *arena = plan->arena;
    plan->ops.items = arena_alloc(arena, (count + 1) * sizeof *plan->ops.items);
    applying->others = arena_alloc(arena, (count + 2) * sizeof *applying->others); /* one more, or two */
    for (size_t i = 0; i < count; i++) {
        struct batch_op op;
        if (is_passed_over(applying, &ops[i])) {
            continue;
        }
        struct store_op *other = &applying->others[applying->other_count];
        *other = copy_op(&ops[i], arena);
        applying->other_count++;
        if (strcmp(ops[i].kind, OVERRIDE_KIND) != 0 ||
            !read_override(applying->clustered->server, &ops[i], applying->lead_ms, arena, &op)) {
            continue;
        }
        other->value = op.written; /* by this node's clock */
        other->expires_ms = op.written == NULL ? 0 : other->expires_ms;
        if (!is_bound(applying, &ops[i])) {
            applying->other_count--;
            add_override(plan, &op, count <= CLUSTER_OPS_MAX);
            applying->is_over |= ops[i].value != NULL && op.value == NULL;
        }
    }
    qsort(plan->ops.items, plan->ops.count, sizeof *plan->ops.items, compare_ops);
}

/* ---- in force ---- */

static void on_done(void *context, const struct batch_result *result)
{
    struct applying *applying = context;
    struct clustered *clustered = applying->clustered;
    clustered->applying--;
    for (size_t i = 0; result->error == 0 && i < applying->other_count; i++) {
        const struct store_op *op = &applying->others[i];
        if (strcmp(op->kind, PENDING_KIND) != 0 && (applying->mark != 0 || !is_pending(clustered, op))) {
            clustered_follow_object(clustered, op->kind, op->key, op->value);
        }
    }
    challenges_publish(clustered->server->challenges); /* before it is said that it is in force */
    if (result->error == 0 && clustered->cluster != NULL && clustered->cluster == applying->cluster) {
        cluster_applied(clustered->cluster);
        clustered_poke(clustered);
    }
    if (applying->mark != 0) {
        applying->put(clustered, applying->mark, result->error == 0 && !applying->is_over);
    }
    free(applying);
}

/* By the clock as it is now: lengths are moved with it once. */
static struct applying *begin(struct clustered *clustered)
{
    server_follow_clock_step(clustered->server);
    struct applying *applying = memory_alloc(sizeof *applying);
    *applying = (struct applying){.clustered = clustered, .cluster = clustered->cluster};
    return applying;
}

/* Takes the arena of the plan. */
static void start(struct applying *applying, const struct store_op *ops, size_t count,
                  const struct cluster_position *at, struct batch_plan *plan)
{
    struct clustered *clustered = applying->clustered;
    plan_ops(applying, ops, count, plan);
    if (applying->is_over && applying->cluster != NULL) {
        cluster_note_over(applying->cluster);
    }
    if (at != NULL) {
        applying->others[applying->other_count++] = clustered_position_op(at, plan->arena);
    }
    if (applying->told != NULL) {
        applying->others[applying->other_count++] =
            (struct store_op){.kind = PENDING_KIND,
                              .key = arena_print(plan->arena, "%020" PRIu64, applying->told->number),
                              .value = arena_copy_text(plan->arena, applying->text),
                              .if_revision = STORE_ANY};
        applying->told = NULL;
    }
    plan->others = applying->others;
    plan->other_count = applying->other_count;
    plan->is_local = true;
    plan->clock_offset_ms = clustered->server->clock_offset_ms;
    plan->context = applying;
    plan->done = on_done;
    clustered->applying++;
    batches_start(clustered->server->batches, plan);
}

static struct store_cause copy_cause(const struct store_cause *cause, struct arena *arena)
{
    return (struct store_cause){.wall_ms = cause->wall_ms,
                                .actor = arena_copy_text(arena, cause->actor),
                                .peer = arena_copy_text(arena, cause->peer),
                                .reason = arena_copy_text(arena, cause->reason),
                                .request = arena_copy_text(arena, cause->request)};
}

static void apply(void *context, const struct cluster_entry *entry, const struct cluster_position *at)
{
    struct clustered *clustered = context;
    struct arena *arena = arena_new(0);
    log_info("order of a node seq=%llu node=%s actor=\"%s\" ops=%zu", (unsigned long long)entry->seq,
             entry->node, entry->cause.actor == NULL ? "" : entry->cause.actor, entry->op_count);
    struct batch_plan plan = {.arena = arena, .cause = copy_cause(&entry->cause, arena)};
    struct applying *applying = begin(clustered);
    applying->lead_ms = clustered_find_entry_lead(clustered, entry);
    start(applying, entry->ops, entry->op_count, at, &plan);
}

void clustered_put_again(struct clustered *clustered, const struct store_op *ops, size_t count,
                         const struct cluster_position *at, const char *reason)
{
    struct batch_plan plan = {.arena = arena_new(0), .cause = {.actor = "steerd", .reason = reason}};
    struct applying *applying = begin(clustered);
    applying->cluster = NULL; /* nobody waits for it */
    start(applying, ops, count, at, &plan);
}

void clustered_put_told(struct clustered *clustered, const struct cluster_pending *pending, const char *text,
                        clustered_put_fn *done)
{
    struct arena *arena = arena_new(0);
    struct batch_plan plan = {
        .arena = arena, .cause = copy_cause(&pending->cause, arena), .is_emergency = true};
    struct applying *applying = begin(clustered);
    applying->cluster = NULL; /* nobody waits for it */
    applying->told = pending;
    applying->text = text;
    applying->mark = pending->mark;
    applying->put = done;
    applying->lead_ms = clustered_find_told_lead(clustered, pending);
    start(applying, pending->ops, pending->op_count, NULL, &plan);
}

/* ---- all that there is ---- */

static bool take_object(void *context, const struct store_object *object)
{
    objects_add(context, object);
    return true;
}

/* Owned, sorted; NULL: they cannot be read. */
static struct objects *read_all(const struct clustered *clustered)
{
    struct objects *objects = objects_new();
    struct report *report = report_new();
    struct store_reader *reader;
    const struct store_object *twice;
    int error = store_reader_open(clustered->folder, report, &reader);
    for (int i = 0; error == 0 && i < STORE_KINDS; i++) {
        const struct store_kind *kind = store_kind_get((enum store_kind_id)i);
        error = kind->is_shared ? store_list(reader, kind->name, "", NULL, take_object, objects) : 0;
    }
    if (error == 0) {
        store_reader_close(reader);
    }
    report_free(report);
    if (error != 0 && error != ERROR_NOT_FOUND) {
        log_error("shared objects cannot be read why=\"%s\"", error_text(error));
        objects_close(objects);
        return NULL;
    }
    (void)objects_sort(objects, &twice);
    return objects;
}

struct difference {
    const struct cluster_object *from;
    size_t from_count;
    const struct cluster_position *at;
    struct arena *arena;
    struct store_op *ops;
    size_t count, taken_away;
};

/* Of overrides only what goes: the others are compared with what is in force, since in the store their times
 * have followed this node's clock. */
static bool differ(void *context, const struct store_object *before, const struct store_object *after)
{
    struct difference *difference = context;
    if (after == NULL) {
        difference->taken_away++;
        log_warning("object taken away kind=%s key=%s why=\"the cluster does not have it\"", before->kind,
                    before->key);
        difference->ops[difference->count++] =
            (struct store_op){.kind = before->kind, .key = before->key, .if_revision = STORE_ANY};
    } else if (strcmp(after->kind, OVERRIDE_KIND) != 0) {
        difference->ops[difference->count++] = (struct store_op){.kind = after->kind,
                                                                 .key = after->key,
                                                                 .value = after->value,
                                                                 .expires_ms = after->expires_ms,
                                                                 .if_revision = STORE_ANY};
    }
    return true;
}

static bool parse_override(const char *key, const char *value, struct batch_op *op)
{
    const char *why;
    return health_parse_target(key, &op->kind, &op->name) == 0 &&
           override_read_json(value, &op->what, &op->planned, &why) == 0;
}

/* 0: nothing is there, in force, planned or dormant. */
static uint64_t hash_present(struct server *server, enum health_kind kind, const char *name)
{
    lock_take(&server->lock);
    const struct health *health = server->view->health;
    ptrdiff_t index = health_find(health, kind, name);
    const struct health_dormant *dormant = index < 0 ? health_find_dormant(health, kind, name) : NULL;
    const struct health_override *what = index >= 0 ? health_get_override(health, kind, (uint32_t)index)
                                         : dormant != NULL ? &dormant->what
                                                           : NULL;
    uint64_t hash = what == NULL ? 0 : health_hash_override(kind, name, what);
    lock_leave(&server->lock);
    return hash;
}

/* What of it is here has the times of this node's clock, and keeps them; what has ended is not missed. */
static void add_missing(const struct clustered *clustered, const struct cluster_object *from,
                        struct difference *difference)
{
    struct server *server = clustered->server;
    struct batch_op op;
    const struct store_op as = {.kind = from->kind, .key = from->key, .value = from->value};
    if (!parse_override(from->key, from->value, &op)) {
        return;
    }
    uint64_t present = hash_present(server, op.kind, op.name);
    if (present != health_hash_override(op.kind, op.name, &op.what) &&
        read_override(server, &as, clustered_find_lead(clustered, from->value, from->node, from->at_ms),
                      difference->arena, &op) &&
        (op.written != NULL || present != 0)) {
        difference->ops[difference->count++] = (struct store_op){
            .kind = from->kind, .key = op.key, .value = op.written, .if_revision = STORE_ANY};
    }
}

/* 0: it is none. */
static uint64_t hash_stored(const struct store_object *object)
{
    struct batch_op op;
    return parse_override(object->key, object->value, &op) ? health_hash_override(op.kind, op.name, &op.what)
                                                           : 0;
}

static bool count_own(void *context, const struct store_object *before, const struct store_object *after)
{
    size_t *count = context;
    bool is_own = before != NULL && strcmp(before->kind, OVERRIDE_KIND) == 0;
    *count += is_own && (after == NULL || hash_stored(before) != hash_stored(after));
    return true;
}

/* Whoever makes this server a node need not know that the cluster is another one, or what would go. */
static bool refuse_to_lose(const struct clustered *clustered, const struct objects *present,
                           const struct objects *wanted)
{
    char why[200];
    size_t count = 0;
    objects_compare(present, wanted, count_own, &count);
    if (count != 0) {
        snprintf(
            why, sizeof why,
            "etcd holds the orders of a cluster; to follow them would end %zu override%s of this server: "
            "\"steerctl cluster adopt\" does it all the same",
            count, count == 1 ? "" : "s");
        cluster_refuse_taking(clustered->cluster, why);
    }
    return count != 0;
}

static bool is_here(const struct clustered *clustered, const struct cluster_position *at)
{
    struct cluster_status status;
    cluster_get_status(clustered->cluster, &status);
    return status.has_position && cluster_is_at(&status.at, at);
}

static void take_difference(struct clustered *clustered, struct difference *difference,
                            const struct objects *present, const struct objects *wanted)
{
    size_t most = objects_count(present) + difference->from_count;
    difference->arena = arena_new(0);
    difference->ops = arena_alloc(difference->arena, (most + 1) * sizeof *difference->ops);
    objects_compare(present, wanted, differ, difference);
    for (size_t i = 0; i < difference->from_count; i++) {
        if (strcmp(difference->from[i].kind, OVERRIDE_KIND) == 0) {
            add_missing(clustered, &difference->from[i], difference);
        }
    }
    if (difference->count == 0 && is_here(clustered, difference->at)) {
        arena_free(difference->arena);
        cluster_applied(clustered->cluster);
        return;
    }
    log_info("cluster adopted seq=%llu objects=%zu changed=%zu taken_away=%zu",
             (unsigned long long)difference->at->seq, difference->from_count, difference->count,
             difference->taken_away);
    struct batch_plan plan = {
        .arena = difference->arena,
        .cause = {.actor = "steerd", .reason = "the cluster has it so", .request = "steerctl cluster adopt"}};
    start(begin(clustered), difference->ops, difference->count, difference->at, &plan);
}

static void adopt(void *context, const struct cluster_object *from, size_t count,
                  const struct cluster_position *at, bool may_refuse)
{
    struct clustered *clustered = context;
    server_follow_clock_step(clustered->server);
    struct objects *present = read_all(clustered), *wanted = objects_new();
    const struct store_object *twice;
    if (present == NULL) {
        objects_close(wanted);
        return; /* it is asked again when etcd is reached anew */
    }
    for (size_t i = 0; i < count; i++) {
        objects_add(wanted, &(struct store_object){.kind = from[i].kind,
                                                   .key = from[i].key,
                                                   .value = from[i].value,
                                                   .expires_ms = from[i].expires_ms});
    }
    (void)objects_sort(wanted, &twice);
    if (!may_refuse || !refuse_to_lose(clustered, present, wanted)) {
        struct difference difference = {.from = from, .from_count = count, .at = at};
        take_difference(clustered, &difference, present, wanted);
    }
    objects_close(present);
    objects_close(wanted);
}

static void collect(void *context)
{
    struct clustered *clustered = context;
    struct objects *present = read_all(clustered);
    for (size_t i = 0; present != NULL && i < objects_count(present); i++) {
        const struct store_object *object = objects_get(present, i);
        cluster_offer(clustered->cluster, &(struct cluster_object){.kind = object->kind,
                                                                   .key = object->key,
                                                                   .value = object->value,
                                                                   .expires_ms = object->expires_ms});
    }
    if (present != NULL) {
        objects_close(present);
        cluster_offered(clustered->cluster);
        clustered_poke(clustered);
    }
}

static bool is_over(void *context, const char *key, const char *value)
{
    enum { OVER_MS = 60000 };
    const struct clustered *clustered = context;
    struct batch_op op;
    return parse_override(key, value, &op) && op.what.expires_ms != 0 &&
           op.what.expires_ms + OVER_MS <= clock_wall_ms(&clustered->server->clock) &&
           hash_present(clustered->server, op.kind, op.name) == 0;
}

static void changed(void *context)
{
    clustered_poke(context);
}

void clustered_fill_hooks(struct clustered *clustered, struct cluster_hooks *hooks)
{
    *hooks = (struct cluster_hooks){.context = clustered,
                                    .wake = changed,
                                    .apply = apply,
                                    .adopt = adopt,
                                    .collect = collect,
                                    .is_over = is_over,
                                    .changed = changed};
}
