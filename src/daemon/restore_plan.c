/* SPDX-License-Identifier: BSD-3-Clause
 *
 * See restore_plan.h. Both sides are written by the same code, so that they are compared as texts. */
#include "config.h"

#include "daemon/restore_plan.h"

#include "daemon/answers.h"
#include "daemon/override_json.h"
#include "daemon/overrides.h"
#include "base/error.h"
#include "store/kinds.h"
#include "view/view.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* What a restore turns back is what operators said; all else is found out, or counts on. */
bool restore_is_kind(const char *kind)
{
    enum store_kind_id id = store_kind_find(kind);
    return id != STORE_KINDS && store_kind_get(id)->is_restored;
}

/* ---- what there is ---- */

static void add_present(struct objects *present, enum health_kind kind, const char *name,
                        const struct health_override *what, bool planned, struct arena *arena)
{
    char *value = override_write_json(what, planned, NULL);
    objects_add(present,
                &(struct store_object){.kind = OVERRIDE_KIND,
                                       .key = arena_print(arena, "%s:%s", health_kind_text(kind), name),
                                       .value = value});
    free(value);
}

static struct objects *list_present(const struct view *view, struct arena *arena)
{
    struct objects *present = objects_new();
    const struct health *health = view->health;
    const struct store_object *twice;
    for (enum health_kind kind = HEALTH_ENDPOINT; kind <= HEALTH_REGION; kind++) {
        for (uint32_t i = 0; i < health_count(health, kind); i++) {
            const struct health_override *what = health_get_override(health, kind, i);
            struct health_status status;
            if (what != NULL && health_get_status(health, kind, i, &status) == 0) {
                add_present(present, kind, status.name, what, status.planned, arena);
            }
        }
    }
    struct health_dormant_cursor cursor = {0};
    for (const struct health_dormant *dormant; (dormant = health_next_dormant(health, &cursor)) != NULL;) {
        add_present(present, dormant->kind, dormant->name, &dormant->what, dormant->planned, arena);
    }
    (void)objects_sort(present, &twice);
    return present;
}

/* ---- what is wanted ---- */

struct making {
    const struct restore_wanted *wanted;
    const struct view *view;
    struct arena *arena;
    struct restore_plan *plan;
    struct objects *good, *unread; /* of what is wanted */
    const struct store_object *bad;
    const char *why;
};

static void tell(struct making *making, enum admin_restore_fate fate, const struct batch_op *op,
                 const char *note)
{
    struct restore_plan *plan = making->plan;
    plan->fates[fate]++;
    if (plan->item_count < making->wanted->limit) {
        plan->items[plan->item_count++] = (struct admin_restore_item){.fate = fate,
                                                                      .kind = OVERRIDE_KIND,
                                                                      .key = op->key,
                                                                      .before = op->before,
                                                                      .after = op->value,
                                                                      .dormant = op->dormant,
                                                                      .note = note};
    }
}

static int read_object(const struct store_object *object, struct health_override *what, bool *planned,
                       const char **why)
{
    enum health_kind kind;
    const char *name;
    if (health_parse_target(object->key, &kind, &name) != 0 || name[0] == '\0') {
        *why = "\"key\": expected \"region:NAME\", \"az:NAME\" or \"endpoint:NAME\"";
        return ERROR_SYNTAX;
    }
    return override_read_json(object->value, what, planned, why);
}

/* What a line of a person need not say. */
static void complete(const struct restore_wanted *wanted, struct health_override *what)
{
    what->set_ms = what->set_ms == 0 ? wanted->wall_ms : what->set_ms;
    if (what->actor[0] == '\0') {
        snprintf(what->actor, sizeof what->actor, "%s", wanted->actor);
    }
    if (what->reason[0] == '\0') {
        snprintf(what->reason, sizeof what->reason, "%s", wanted->reason);
    }
}

/* Returns false to end the walk. */
static bool want(struct making *making, const struct store_object *object)
{
    struct health_override what;
    bool planned;
    const char *why;
    struct batch_op op = {.key = arena_copy_text(making->arena, object->key)};
    if (read_object(object, &what, &planned, &why) != 0) {
        making->bad = object;
        making->why = why;
        objects_add(making->unread, object);
        tell(making, ADMIN_RESTORE_UNREAD, &op, why);
        return !making->wanted->is_import;
    }
    int64_t by_ms = override_find_step(object->value, making->wanted->clock);
    if (by_ms != 0) {
        (void)health_override_shift(&what, planned, by_ms);
    }
    if (making->wanted->is_import) {
        complete(making->wanted, &what);
    }
    planned = planned && what.starts_ms > making->wanted->wall_ms;
    char *value = override_write_json(&what, planned, NULL);
    if (what.expires_ms != 0 && what.expires_ms <= making->wanted->wall_ms) {
        op.value = arena_copy_text(making->arena, value);
        tell(making, ADMIN_RESTORE_ENDED, &op, NULL);
    } else {
        objects_add(making->good,
                    &(struct store_object){.kind = OVERRIDE_KIND, .key = object->key, .value = value});
    }
    free(value);
    return true;
}

static bool want_all(struct making *making)
{
    const struct objects *objects = making->wanted->objects;
    const struct store_object *twice;
    bool on = true;
    for (size_t i = 0; on && i < objects_count(objects); i++) {
        const struct store_object *object = objects_get(objects, i);
        if (restore_is_kind(object->kind)) {
            on = want(making, object);
        } else if (strcmp(object->kind, ANSWER_KIND) != 0) { /* those are nobody's to turn back */
            making->plan->left_alone++;
        }
    }
    (void)objects_sort(making->good, &twice);
    (void)objects_sort(making->unread, &twice);
    return on;
}

/* ---- the difference ---- */

static void add(struct making *making, enum admin_restore_fate fate, struct batch_op *op)
{
    struct restore_plan *plan = making->plan;
    (void)health_parse_target(op->key, &op->kind, &op->name);
    if (fate != ADMIN_RESTORE_REMOVED) {
        op->dormant = operate_find_target(making->view, op->kind, op->name) < 0;
        plan->dormant += op->dormant;
    }
    tell(making, fate, op, NULL);
    plan->ops.items[plan->ops.count++] = *op;
}

static void take_away(struct making *making, const struct store_object *before)
{
    struct batch_op op = {.key = arena_copy_text(making->arena, before->key),
                          .before = arena_copy_text(making->arena, before->value)};
    if (!making->wanted->keeps_others && objects_find(making->unread, OVERRIDE_KIND, before->key) == NULL) {
        add(making, ADMIN_RESTORE_REMOVED, &op);
    }
}

static const char *write_value(struct making *making, const struct batch_op *op,
                               const struct override_clock *clock)
{
    char *value = override_write_json(&op->what, op->planned, clock);
    const char *copy = arena_copy_text(making->arena, value);
    free(value);
    return copy;
}

static void put(struct making *making, const char *before, const struct store_object *after)
{
    struct batch_op op = {.key = arena_copy_text(making->arena, after->key),
                          .before = arena_copy_text(making->arena, before)};
    const char *why;
    (void)override_read_json(after->value, &op.what, &op.planned, &why);
    if (making->wanted->is_import) {
        snprintf(op.what.peer, sizeof op.what.peer, "%s", making->wanted->peer);
    }
    op.value = write_value(making, &op, NULL);
    op.written = write_value(making, &op, making->wanted->clock);
    if (op.before == NULL || strcmp(op.before, op.value) != 0) {
        add(making, op.before == NULL ? ADMIN_RESTORE_ADDED : ADMIN_RESTORE_CHANGED, &op);
    }
}

static bool take(void *context, const struct store_object *before, const struct store_object *after)
{
    if (after == NULL) {
        take_away(context, before);
    } else {
        put(context, before == NULL ? NULL : before->value, after);
    }
    return true;
}

int restore_make_plan(const struct restore_wanted *wanted, const struct view *view, struct arena *arena,
                      struct restore_plan *plan, const struct store_object **bad, const char **why)
{
    struct making making = {.wanted = wanted,
                            .view = view,
                            .arena = arena,
                            .plan = plan,
                            .good = objects_new(),
                            .unread = objects_new()};
    *plan = (struct restore_plan){.ops = {.count = 0}};
    plan->items = arena_alloc(arena, wanted->limit * sizeof *plan->items);
    bool is_good = want_all(&making);
    *bad = making.bad;
    *why = making.why;
    if (is_good) {
        struct objects *present = list_present(view, arena);
        plan->ops.items = arena_alloc(arena, (objects_count(present) + objects_count(making.good)) *
                                                 sizeof *plan->ops.items);
        objects_compare(present, making.good, take, &making);
        objects_close(present);
    }
    objects_close(making.good);
    objects_close(making.unread);
    return is_good ? 0 : ERROR_SYNTAX;
}
