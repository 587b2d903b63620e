/* SPDX-License-Identifier: BSD-3-Clause
 *
 * See watch.h. */
#include "config.h"

#include "drill/watch.h"

#include "base/memory.h"
#include "dns/types.h"
#include "operate/choice.h"

#include <jansson.h>
#include <stdlib.h>

struct slot {
    const struct steer_policy *policy;
    uint16_t class_id, types;                /* one bit */
    size_t row_count;                        /* names that share it */
    struct steer_choice before, now, during; /* during: the latest that was another one than before */
    int64_t left_ms, back_ms; /* when it became another one the first time, and was as before the last time;
                                 -1: it did, and was, not */
};

struct drill_watch {
    const struct view *view;
    struct arena *arena;
    bool *is_lost;      /* by endpoint */
    size_t *first_slot; /* by policy; of each: class by class, type by type */
    struct slot *slots;
    size_t slot_count;
    struct steer_choice scratch;
    double *odds;
};

/* ---- who is lost ---- */

static bool is_within(const struct conf_topology *topology, uint32_t endpoint, const struct drill_loss *loss)
{
    const struct conf_endpoint *of = &topology->endpoints[endpoint];
    return loss->index == (loss->kind == HEALTH_REGION ? of->region
                           : loss->kind == HEALTH_AZ   ? of->az
                                                       : endpoint);
}

static void mark_lost(struct drill_watch *watch, const struct drill_loss *losses, size_t count)
{
    const struct conf_topology *topology = watch->view->topology;
    watch->is_lost = arena_alloc(watch->arena, topology->endpoint_count * sizeof *watch->is_lost);
    for (uint32_t i = 0; i < topology->endpoint_count; i++) {
        for (size_t n = 0; n < count; n++) {
            watch->is_lost[i] = watch->is_lost[i] || is_within(topology, i, &losses[n]);
        }
    }
}

bool drill_watch_is_lost(const struct drill_watch *watch, uint32_t endpoint)
{
    return watch->is_lost[endpoint];
}

/* ---- choices ---- */

static struct steer_choice new_choice(struct arena *arena, struct steer_room room)
{
    struct steer_choice choice;
    steer_choice_init(&choice, room, arena_alloc(arena, steer_room_size(room)));
    return choice;
}

static void list_slots(struct drill_watch *watch)
{
    const struct steer_set *set = watch->view->steer;
    struct steer_room room = {.members = 0};
    size_t policies = steer_set_count(set);
    watch->first_slot = arena_alloc(watch->arena, policies * sizeof *watch->first_slot);
    for (size_t i = 0; i < policies; i++) {
        const struct steer_policy *policy = steer_set_get(set, (uint32_t)i);
        watch->first_slot[i] = watch->slot_count;
        watch->slot_count += (size_t)policy->class_count * policy->type_count;
        steer_widen_room(&room, policy);
    }
    watch->slots = arena_alloc(watch->arena, watch->slot_count * sizeof *watch->slots);
    watch->scratch = new_choice(watch->arena, room);
    watch->odds = arena_alloc(watch->arena, room.members * sizeof *watch->odds);
}

/* What lasts: no hold has begun. */
static void evaluate(const struct drill_watch *watch, const struct slot *slot, struct steer_choice *choice)
{
    const struct steer_ask ask = {.now_ms = 0, .class_id = slot->class_id, .types = slot->types};
    steer_evaluate(slot->policy, ask, watch->view->table, choice, NULL);
}

static struct slot *slot_of(const struct drill_watch *watch, const struct view_name *name, uint16_t class_id,
                            unsigned type)
{
    const struct steer_policy *policy = steer_set_get(watch->view->steer, name->policy);
    return &watch->slots[watch->first_slot[name->policy] + (size_t)class_id * policy->type_count + type];
}

static void use_slot(struct drill_watch *watch, const struct view_name *name, uint16_t class_id,
                     unsigned type)
{
    struct slot *slot = slot_of(watch, name, class_id, type);
    if ((name->types & 1u << type) == 0 || slot->row_count++ != 0) {
        return;
    }
    slot->policy = steer_set_get(watch->view->steer, name->policy);
    slot->class_id = class_id;
    slot->types = (uint16_t)(1u << type);
    slot->left_ms = slot->back_ms = -1;
    struct steer_room room = steer_find_room(slot->policy, class_id);
    slot->before = new_choice(watch->arena, room);
    slot->now = new_choice(watch->arena, room);
    slot->during = new_choice(watch->arena, room);
    evaluate(watch, slot, &slot->before);
    steer_choice_copy(&slot->now, &slot->before);
    steer_choice_copy(&slot->during, &slot->before);
}

/* Each slot that a name has, by its number among the types of the policy. */
/* NOLINTBEGIN(bugprone-macro-parentheses): names of variables */
#define FOR_EACH_ROW(watch, name, class_id, type)                                                            \
    for (uint16_t class_id = 0; class_id < steer_set_get((watch)->view->steer, (name)->policy)->class_count; \
         class_id++)                                                                                         \
        for (unsigned type = 0; type < steer_set_get((watch)->view->steer, (name)->policy)->type_count;      \
             type++)
/* NOLINTEND(bugprone-macro-parentheses) */

struct drill_watch *drill_watch_new(const struct view *view, const struct drill_loss *losses, size_t count)
{
    struct drill_watch *watch = memory_alloc(sizeof *watch);
    watch->view = view;
    watch->arena = arena_new(0);
    mark_lost(watch, losses, count);
    list_slots(watch);
    for (size_t i = 0; i < view->name_count; i++) {
        FOR_EACH_ROW(watch, &view->names[i], class_id, type)
        {
            use_slot(watch, &view->names[i], class_id, type);
        }
    }
    return watch;
}

void drill_watch_free(struct drill_watch *watch)
{
    if (watch != NULL) {
        arena_free(watch->arena);
        free(watch);
    }
}

static bool follow_slot(struct drill_watch *watch, struct slot *slot, int64_t at_ms)
{
    evaluate(watch, slot, &watch->scratch);
    if (steer_choice_equal(&slot->now, &watch->scratch)) {
        return false;
    }
    steer_choice_copy(&slot->now, &watch->scratch);
    if (steer_choice_equal(&slot->now, &slot->before)) {
        slot->back_ms = at_ms;
    } else {
        steer_choice_copy(&slot->during, &slot->now);
        slot->left_ms = slot->left_ms < 0 ? at_ms : slot->left_ms;
        slot->back_ms = -1;
    }
    return true;
}

size_t drill_watch_follow(struct drill_watch *watch, int64_t at_ms)
{
    size_t changed = 0;
    for (size_t i = 0; i < watch->slot_count; i++) {
        struct slot *slot = &watch->slots[i];
        changed += slot->row_count != 0 && follow_slot(watch, slot, at_ms) ? slot->row_count : 0;
    }
    return changed;
}

/* ---- telling ---- */

struct sums {
    size_t rows, changed, unserved, to_lost;
    uint32_t ttl;       /* the longest of those that changed */
    int64_t decided_ms; /* the last of them; -1: none did */
};

/* The part of the latest answer that leads to what is lost. */
static double find_to_lost(struct drill_watch *watch, const struct slot *slot)
{
    const struct steer_choice *choice = &slot->now;
    double lost = 0;
    if (choice->count == 0) {
        return 0;
    }
    operate_find_shares(slot->policy, choice, watch->odds);
    for (size_t i = 0; i < choice->count; i++) {
        lost += watch->is_lost[slot->policy->members[choice->members[i]].endpoint] ? watch->odds[i] : 0;
    }
    return lost;
}

static bool is_unserved(const struct slot *slot)
{
    enum steer_source source = slot->now.source;
    bool serves = source == STEER_FROM_TIER || source == STEER_FROM_POOL || source == STEER_FROM_FIRST;
    return !serves || (slot->now.count == 0 && slot->before.count != 0);
}

static json_t *write_time(int64_t ms)
{
    return ms < 0 ? json_null() : json_integer(ms);
}

static json_t *write_choice(const struct slot *slot, const struct steer_choice *choice, const char *type)
{
    const struct steer_class *class = &slot->policy->classes[slot->class_id];
    struct arena *arena = arena_new(0);
    json_t *text = json_string(operate_describe_choice(class, choice, type, arena));
    arena_free(arena);
    return text;
}

static json_t *write_row(const struct view_name *name, const struct slot *slot, double to_lost)
{
    char type[DNS_TYPE_TEXT_SIZE];
    json_t *row = json_object();
    dns_write_type(slot->policy->types[__builtin_ctz(slot->types)], type);
    json_object_set_new(row, "name", json_string(name->owner));
    json_object_set_new(row, "type", json_string(type));
    json_object_set_new(row, "class", json_string(slot->policy->classes[slot->class_id].label));
    json_object_set_new(row, "ttl_ms", json_integer((json_int_t)name->ttl * 1000));
    json_object_set_new(row, "before", write_choice(slot, &slot->before, type));
    json_object_set_new(row, "during", write_choice(slot, &slot->during, type));
    json_object_set_new(row, "decided_ms", write_time(slot->left_ms));
    json_object_set_new(row, "back_ms", write_time(slot->back_ms));
    json_object_set_new(row, "unserved", json_boolean(is_unserved(slot)));
    json_object_set_new(row, "to_lost", json_real(to_lost));
    return row;
}

static void add_row(struct drill_watch *watch, const struct view_name *name, const struct slot *slot,
                    json_t *rows, struct sums *sums)
{
    double to_lost = find_to_lost(watch, slot);
    bool changes = slot->left_ms >= 0;
    sums->rows++;
    sums->changed += changes;
    sums->unserved += is_unserved(slot);
    sums->to_lost += to_lost > 0;
    sums->ttl = changes && name->ttl > sums->ttl ? name->ttl : sums->ttl;
    sums->decided_ms = slot->left_ms > sums->decided_ms ? slot->left_ms : sums->decided_ms;
    if (changes || to_lost > 0 || is_unserved(slot)) {
        json_array_append_new(rows, write_row(name, slot, to_lost));
    }
}

static json_t *write_timeline(const struct drill_seen *seen)
{
    json_t *list = json_array();
    for (size_t i = 0; i < seen->event_count; i++) {
        json_t *item = json_object();
        json_object_set_new(item, "at_ms", json_integer(seen->events[i].at_ms));
        json_object_set_new(item, "text", json_string(seen->events[i].text));
        json_object_set_new(item, "detail", json_boolean(seen->events[i].is_detail));
        json_array_append_new(list, item);
    }
    return list;
}

char *drill_watch_write(struct drill_watch *watch, const struct drill_seen *seen)
{
    json_t *object = json_object(), *rows = json_array();
    struct sums sums = {.decided_ms = -1};
    for (size_t i = 0; i < watch->view->name_count; i++) {
        const struct view_name *name = &watch->view->names[i];
        FOR_EACH_ROW(watch, name, class_id, type)
        {
            if ((name->types & 1u << type) != 0) {
                add_row(watch, name, slot_of(watch, name, class_id, type), rows, &sums);
            }
        }
    }
    int64_t ttl_ms = (int64_t)sums.ttl * 1000, rto_ms = watch->view->topology->rto_ms;
    int64_t recovery_ms = sums.decided_ms < 0 ? -1 : sums.decided_ms + ttl_ms;
    json_object_set_new(object, "answers_total", json_integer((json_int_t)sums.rows));
    json_object_set_new(object, "answers_changed", json_integer((json_int_t)sums.changed));
    json_object_set_new(object, "answers_unserved", json_integer((json_int_t)sums.unserved));
    json_object_set_new(object, "answers_to_lost", json_integer((json_int_t)sums.to_lost));
    json_object_set_new(object, "ttl_ms", write_time(sums.decided_ms < 0 ? -1 : ttl_ms));
    json_object_set_new(object, "recovery_ms", write_time(recovery_ms));
    json_object_set_new(object, "rto_ms", rto_ms == 0 ? json_null() : json_integer(rto_ms));
    json_object_set_new(object, "meets_rto",
                        rto_ms == 0
                            ? json_null()
                            : json_boolean(recovery_ms <= rto_ms && sums.unserved == 0 && sums.to_lost == 0));
    json_object_set_new(object, "timeline", write_timeline(seen));
    json_object_set_new(object, "answers", rows);
    char *text = json_dumps(object, JSON_COMPACT | JSON_REAL_PRECISION(6));
    json_decref(object);
    return text;
}
