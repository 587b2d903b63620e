/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Live drills whose loss is not injected: places are overridden, in production, while the document says that
 * they are lost. Each override says whose it is and ends when that does, whatever becomes of this process. */
#include "config.h"

#include "daemon/live.h"

#include "admin/condition.h"
#include "daemon/live_stops.h"
#include "daemon/orders.h"
#include "daemon/server.h"
#include "daemon/shadow_inside.h"
#include "base/error.h"
#include "base/log.h"
#include "base/memory.h"
#include "drill/abort.h"
#include "drill/places.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { GRACE_MS = 1000 }; /* that an override outlives its place's loss: whoever is there removes it before */

struct live_place {
    enum health_kind kind;
    const char *name;
    int64_t at_ms, until_ms; /* since it began */
    bool is_on, was_on;
};

/* What a switchover of the document moves: overridden as that wants. */
struct live_moved {
    enum health_kind kind;
    const char *name;
    size_t move, target; /* of the stage */
    int64_t until_ms;    /* since it began */
    bool is_on;
    uint8_t share; /* of the drain that was put last, as in health_override */
};

struct live_real {
    char why[DRILL_WHY_SIZE]; /* it cannot go on, in words; "": it can */
    bool has_hooks;
    const char **own; /* targets of which nobody is left, if it stops them; sorted */
    struct live_moved *moved;
    size_t moved_count;
    size_t own_count, count;
    struct live_place places[];
};

/* ---- what is possible ---- */

/* What comes back is what was lost, and no part of it. */
static bool ends_whole(const struct drill_document *document, const struct drill_cause *recovered)
{
    for (size_t i = 0; i < document->cause_count; i++) {
        const struct drill_cause *cause = &document->causes[i];
        if (cause->how == DRILL_LOST && strcmp(cause->text, recovered->text) == 0) {
            return true;
        }
    }
    return false;
}

/* Does it lose what a switchover of it moves? It has one override at a time. */
static bool is_moved(const struct drill_document *document, const struct drill_cause *cause)
{
    enum health_kind kind;
    const char *name;
    bool is = false;
    for (size_t i = 0; health_parse_target(cause->text, &kind, &name) == 0 && i < document->move_count; i++) {
        const struct switchover *plan = &document->moves[i].plan;
        for (size_t t = 0; t < plan->target_count; t++) {
            is |= plan->targets[t].kind == kind && strcmp(plan->targets[t].name, name) == 0;
        }
    }
    return is;
}

const char *live_real_judge(const struct drill_document *document, struct arena *arena)
{
    for (size_t i = 0; i < document->cause_count; i++) {
        const struct drill_cause *cause = &document->causes[i];
        if (cause->what != DRILL_PLACE || (cause->how != DRILL_LOST && cause->how != DRILL_RECOVERED)) {
            return arena_print(arena,
                               "found %s, of which something else is said than that it is lost: only "
                               "injection can do that",
                               cause->text);
        }
        if (is_moved(document, cause)) {
            return arena_print(arena,
                               "found that %s is lost, and moved by a switchover: only injection can do both",
                               cause->text);
        }
        if (cause->how == DRILL_RECOVERED && !ends_whole(document, cause)) {
            return arena_print(arena, "found that %s recovers, which is only a part of what is lost",
                               cause->text);
        }
    }
    return NULL;
}

static int compare(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* Endpoints that are in it, and azs and regions that have no others. */
static void list_own(const struct shadow *shadow, struct live_real *real)
{
    const struct conf_topology *topology = shadow->all->server->view->topology;
    const struct drill_causes causes = {
        .topology = topology, .items = shadow->document->causes, .count = shadow->document->cause_count};
    bool *is_own = memory_alloc_array(topology->endpoint_count, sizeof *is_own),
         *is_others = memory_alloc_array(topology->az_count + topology->region_count, sizeof *is_others);
    size_t count = 0;
    real->own =
        arena_alloc(shadow->arena, (topology->endpoint_count + topology->az_count + topology->region_count) *
                                       sizeof *real->own);
    drill_mark_concerned(&causes, is_own);
    for (uint32_t i = 0; i < topology->endpoint_count; i++) {
        const struct conf_endpoint *endpoint = &topology->endpoints[i];
        is_others[endpoint->az] |= !is_own[i];
        is_others[topology->az_count + endpoint->region] |= !is_own[i];
        if (is_own[i]) {
            real->own[count++] = arena_print(shadow->arena, "endpoint:%s", endpoint->name);
        }
    }
    for (uint32_t i = 0; i < topology->az_count; i++) {
        if (!is_others[i]) {
            real->own[count++] = arena_print(shadow->arena, "az:%s", topology->azs[i].name);
        }
    }
    for (uint32_t i = 0; i < topology->region_count; i++) {
        if (!is_others[topology->az_count + i]) {
            real->own[count++] = arena_print(shadow->arena, "region:%s", topology->regions[i].name);
        }
    }
    if (count != 0) {
        qsort(real->own, count, sizeof *real->own, compare);
    }
    real->own_count = count;
    free(is_own);
    free(is_others);
}

static void list_moved(const struct shadow *shadow, struct live_real *real)
{
    const struct drill_document *document = shadow->document;
    size_t room = 0;
    for (size_t i = 0; i < document->move_count; i++) {
        room += document->moves[i].plan.target_count;
    }
    real->moved = arena_alloc(shadow->arena, (room + 1) * sizeof *real->moved);
    for (size_t i = 0; i < document->move_count; i++) {
        const struct drill_move *move = &document->moves[i];
        int64_t until_ms = move->until_ms < shadow->duration_ms ? move->until_ms : shadow->duration_ms;
        for (size_t t = 0; t < move->plan.target_count; t++) {
            const struct switchover_target *target = &move->plan.targets[t];
            real->moved[real->moved_count++] = (struct live_moved){
                .kind = target->kind, .name = target->name, .move = i, .target = t, .until_ms = until_ms};
        }
    }
}

void live_real_prepare(struct shadow *shadow, bool has_hooks)
{
    const struct drill_document *document = shadow->document;
    const struct conf_topology *topology = shadow->all->server->view->topology;
    struct live_real *real =
        arena_alloc(shadow->arena, sizeof *real + document->cause_count * sizeof *real->places);
    *real = (struct live_real){.has_hooks = has_hooks};
    for (size_t i = 0; i < document->cause_count; i++) {
        const struct drill_cause *cause = &document->causes[i];
        const struct drill_loss loss = {cause->kind, cause->index};
        if (cause->how == DRILL_LOST) {
            real->places[real->count++] = (struct live_place){
                .kind = cause->kind,
                .name = arena_copy_text(shadow->arena, drill_place_name(topology, &loss)),
                .at_ms = cause->at_ms,
                .until_ms = cause->until_ms < shadow->duration_ms ? cause->until_ms : shadow->duration_ms};
        }
    }
    list_own(shadow, real);
    list_moved(shadow, real);
    shadow->real = real;
}

bool live_real_stops(const struct shadow *shadow, const char *target)
{
    const struct live_real *real = shadow->real;
    return real != NULL && real->has_hooks && real->own_count != 0 &&
           bsearch(&target, real->own, real->own_count, sizeof *real->own, compare) != NULL;
}

/* ---- orders ---- */

/* Whose it is stands in front of its reason. */
static void write_mark(const char *id, char mark[SHADOW_ID_SIZE + 16])
{
    snprintf(mark, SHADOW_ID_SIZE + 16, "live drill %s:", id);
}

/* Is its override there, and not one that somebody else has put in its place? */
static bool is_own(const struct shadows *all, const char *id, enum health_kind kind, const char *name)
{
    char mark[SHADOW_ID_SIZE + 16];
    struct server *server = all->server;
    write_mark(id, mark);
    lock_take(&server->lock);
    const struct health *health = server->view->health;
    ptrdiff_t index = health_find(health, kind, name);
    const struct health_dormant *dormant = index < 0 ? health_find_dormant(health, kind, name) : NULL;
    const struct health_override *is = index >= 0        ? health_get_override(health, kind, (uint32_t)index)
                                       : dormant != NULL ? &dormant->what
                                                         : NULL;
    bool is_marked = is != NULL && strncmp(is->reason, mark, strlen(mark)) == 0;
    lock_leave(&server->lock);
    return is_marked;
}

/* One of them; the drill may be gone when it is answered. */
struct ordering {
    struct shadows *all;
    char id[SHADOW_ID_SIZE], target[DRILL_WHY_SIZE];
    enum health_kind kind;
    const char *name; /* in target */
    bool begins;
};

static struct shadow *find(const struct shadows *all, const char *id)
{
    struct shadow *shadow = all->first;
    while (shadow != NULL && strcmp(shadow->id, id) != 0) {
        shadow = shadow->next;
    }
    return shadow;
}

static void fail(const struct ordering *ordering, int error)
{
    struct shadow *shadow = find(ordering->all, ordering->id);
    const char *why =
        error == ERROR_PRECONDITION ? "somebody else has overridden it meanwhile" : error_text(error);
    log_warning("live drill override id=%s target=%s order=%s why=\"%s\"", ordering->id, ordering->target,
                ordering->begins ? "put" : "remove", why);
    if (ordering->begins && shadow != NULL && shadow->real != NULL) {
        snprintf(shadow->real->why, sizeof shadow->real->why, "%.100s could not be overridden: %.80s",
                 ordering->target, why);
    }
}

static void take_back(struct shadows *all, const char *id, enum health_kind kind, const char *name,
                      const char *why);

/* What it waited for may have taken longer than the loss. */
static bool is_wanted(const struct ordering *ordering)
{
    const struct shadow *shadow = find(ordering->all, ordering->id);
    const struct live_real *real = shadow == NULL || shadow->state != SHADOW_RUNNING ? NULL : shadow->real;
    for (size_t i = 0; real != NULL && i < real->count; i++) {
        const struct live_place *place = &real->places[i];
        if (place->is_on && place->kind == ordering->kind && strcmp(place->name, ordering->name) == 0) {
            return true;
        }
    }
    for (size_t i = 0; real != NULL && i < real->moved_count; i++) {
        const struct live_moved *moved = &real->moved[i];
        if (moved->is_on && moved->kind == ordering->kind && strcmp(moved->name, ordering->name) == 0) {
            return true;
        }
    }
    return false;
}

static void on_ordered(void *argument, const struct admin_ordered *ordered)
{
    struct ordering *ordering = argument;
    bool is_gone = ordered->error == ERROR_PRECONDITION && !ordering->begins; /* it is not its own any more */
    if (ordered->error != 0 && ordered->error != ERROR_CANCELLED && !is_gone) {
        fail(ordering, ordered->error);
    } else if (ordered->error == 0 && ordering->begins && !is_wanted(ordering)) {
        take_back(ordering->all, ordering->id, ordering->kind, ordering->name, "it came too late");
    }
    free(ordering);
}

/* Put unless somebody else's is there; or removed, if it is its own yet when it is its turn. */
static void order(struct shadows *all, const char *id, enum health_kind kind, const char *name,
                  const struct health_override *what)
{
    const struct condition is_none = {.must_be_new = true};
    struct ordering *ordering = memory_alloc(sizeof *ordering);
    char request[SHADOW_ID_SIZE + 32], mark[SHADOW_ID_SIZE + 16];
    *ordering = (struct ordering){.all = all, .kind = kind, .begins = what->desired != HEALTH_DESIRED_AUTO};
    snprintf(ordering->id, sizeof ordering->id, "%s", id);
    snprintf(ordering->target, sizeof ordering->target, "%s:%.200s", health_kind_text(kind), name);
    ordering->name = strchr(ordering->target, ':') + 1;
    snprintf(request, sizeof request, "live drill %s", id);
    write_mark(id, mark);
    bool is_there = !ordering->begins || is_own(all, id, kind, name);
    int error = orders_put(all->server->orders,
                           &(struct admin_order){.kind = kind,
                                                 .name = name,
                                                 .override = what,
                                                 .request = request,
                                                 .condition = is_there ? NULL : &is_none,
                                                 .mark = is_there ? mark : NULL,
                                                 .is_emergency = true},
                           on_ordered, ordering);
    if (error != 0) {
        if (error != ERROR_PRECONDITION || ordering->begins) {
            fail(ordering, error);
        }
        free(ordering);
    }
}

static void stop(const struct shadow *shadow, const struct live_place *place)
{
    char target[DRILL_WHY_SIZE];
    snprintf(target, sizeof target, "%s:%.200s", health_kind_text(place->kind), place->name);
    live_stops_begin(shadow->all->stops, &(struct live_stop){.id = shadow->id,
                                                             .target = target,
                                                             .actor = shadow->actor,
                                                             .peer = shadow->peer,
                                                             .reason = shadow->reason});
}

static bool is_lost(const struct live_place *place, int64_t now_ms)
{
    return place->at_ms <= now_ms && now_ms < place->until_ms;
}

static bool is_same(const struct live_place *a, const struct live_place *b)
{
    return a->kind == b->kind && strcmp(a->name, b->name) == 0;
}

/* It may be lost more than once, for as long as the longest of that. */
static int64_t find_end(const struct live_real *real, const struct live_place *of, int64_t now_ms)
{
    int64_t until_ms = of->until_ms;
    for (size_t i = 0; i < real->count; i++) {
        const struct live_place *place = &real->places[i];
        bool is_later = is_same(place, of) && is_lost(place, now_ms) && place->until_ms > until_ms;
        until_ms = is_later ? place->until_ms : until_ms;
    }
    return until_ms;
}

/* It says whose it is, and ends by itself. */
static void sign(const struct shadow *shadow, int64_t until_ms, struct health_override *what)
{
    char mark[SHADOW_ID_SIZE + 16];
    int64_t wall_ms = clock_wall_ms(&shadow->all->server->clock),
            now_ms = (clock_now_us(&shadow->all->server->clock) - shadow->began_us) / 1000;
    what->set_ms = wall_ms;
    what->expires_ms = wall_ms + until_ms - now_ms + GRACE_MS;
    what->expires_by_duration = true;
    write_mark(shadow->id, mark);
    snprintf(what->reason, sizeof what->reason, "%s %.150s", mark, shadow->reason);
    snprintf(what->actor, sizeof what->actor, "%s", shadow->actor);
    snprintf(what->peer, sizeof what->peer, "%s", shadow->peer);
}

static void put(const struct shadow *shadow, const struct live_place *place)
{
    if (shadow->real->has_hooks) {
        stop(shadow, place);
        return;
    }
    int64_t now_ms = (clock_now_us(&shadow->all->server->clock) - shadow->began_us) / 1000;
    struct health_override what = {.desired = HEALTH_DESIRED_DOWN};
    sign(shadow, find_end(shadow->real, place, now_ms), &what);
    order(shadow->all, shadow->id, place->kind, place->name, &what);
}

static void take_back(struct shadows *all, const char *id, enum health_kind kind, const char *name,
                      const char *why)
{
    char mark[SHADOW_ID_SIZE + 16];
    struct health_override what = {.desired = HEALTH_DESIRED_AUTO, .actor = "steerd"};
    if (is_own(all, id, kind, name)) {
        write_mark(id, mark);
        what.set_ms = clock_wall_ms(&all->server->clock);
        snprintf(what.reason, sizeof what.reason, "%s ended: %.100s", mark, why);
        order(all, id, kind, name, &what);
    }
}

static void give_back(const struct shadow *shadow, const struct live_place *place, const char *why)
{
    char target[DRILL_WHY_SIZE];
    snprintf(target, sizeof target, "%s:%.200s", health_kind_text(place->kind), place->name);
    if (shadow->real->has_hooks) {
        live_stops_undo(shadow->all->stops, shadow->id, target);
    } else {
        take_back(shadow->all, shadow->id, place->kind, place->name, why);
    }
}

void live_real_fail(void *context, const char *id, const char *target, const char *why)
{
    struct shadow *shadow = find(context, id);
    log_warning("live drill stop id=%s target=%s why=\"%s\"", id, target, why);
    if (shadow != NULL && shadow->real != NULL) {
        snprintf(shadow->real->why, sizeof shadow->real->why, "%.80s could not be stopped: %.100s", target,
                 why);
    }
}

/* ---- while it runs ---- */

/* Another one of the same place may go on. */
static bool is_lost_by_others(const struct live_real *real, const struct live_place *of, int64_t now_ms)
{
    for (size_t i = 0; i < real->count; i++) {
        const struct live_place *place = &real->places[i];
        if (place != of && is_same(place, of) && place->is_on && is_lost(place, now_ms)) {
            return true;
        }
    }
    return false;
}

static bool turn(struct shadow *shadow, struct live_place *place, int64_t now_ms)
{
    struct lock *lock = &shadow->all->server->lock;
    lock_take(lock); /* first it is written down that it begins */
    bool is_due = drill_stage_has_reached(shadow->stage, place->at_ms) && is_lost(place, now_ms);
    lock_leave(lock);
    if (is_due && !place->was_on) {
        place->is_on = place->was_on = true;
        put(shadow, place);
        return true;
    }
    if (place->is_on && !is_lost(place, now_ms)) {
        place->is_on = false;
        if (!is_lost_by_others(shadow->real, place, now_ms)) {
            give_back(shadow, place, "it is back");
        }
        return true;
    }
    return false;
}

/* As its switchover wants it: a step more, or back. */
static bool move(struct shadow *shadow, struct live_moved *moved)
{
    struct lock *lock = &shadow->all->server->lock;
    struct health_override want = {.desired = HEALTH_DESIRED_AUTO};
    lock_take(lock);
    bool wants = drill_stage_get_want(shadow->stage, moved->move, moved->target, &want);
    lock_leave(lock);
    if (wants && (!moved->is_on || moved->share != want.share)) {
        moved->is_on = true;
        moved->share = want.share;
        sign(shadow, moved->until_ms, &want);
        order(shadow->all, shadow->id, moved->kind, moved->name, &want);
        return true;
    }
    if (moved->is_on && !wants) {
        moved->is_on = false;
        take_back(shadow->all, shadow->id, moved->kind, moved->name, "it is rolled back");
        return true;
    }
    return false;
}

void live_real_follow(struct shadow *shadow)
{
    struct live_real *real = shadow->real;
    struct server *server = shadow->all->server;
    int64_t now_ms = (clock_now_us(&server->clock) - shadow->began_us) / 1000;
    bool any = false;
    for (size_t i = 0; i < real->count; i++) {
        any |= turn(shadow, &real->places[i], now_ms);
    }
    for (size_t i = 0; i < real->moved_count; i++) {
        any |= move(shadow, &real->moved[i]);
    }
    if (any) { /* what it has done itself is no order of others */
        shadow->override_changes = health_count_override_changes(server->view->health);
        shadow_follow_overrides(shadow);
    }
}

bool live_real_is_due(const struct shadow *shadow)
{
    int64_t now_ms = (clock_now_us(&shadow->all->server->clock) - shadow->began_us) / 1000;
    for (size_t i = 0; i < shadow->real->count; i++) {
        const struct live_place *place = &shadow->real->places[i];
        if (!place->was_on && is_lost(place, now_ms)) {
            return true;
        }
    }
    return false;
}

const char *live_real_get_trouble(const struct shadow *shadow)
{
    return shadow->real == NULL || shadow->real->why[0] == '\0' ? NULL : shadow->real->why;
}

void live_real_end(struct shadow *shadow)
{
    struct live_real *real = shadow->real;
    for (size_t i = 0; i < real->count; i++) {
        if (real->places[i].is_on) {
            real->places[i].is_on = false;
            give_back(shadow, &real->places[i], shadow->because);
        }
    }
    for (size_t i = 0; i < real->moved_count; i++) {
        if (real->moved[i].is_on) {
            real->moved[i].is_on = false;
            take_back(shadow->all, shadow->id, real->moved[i].kind, real->moved[i].name, shadow->because);
        }
    }
}

/* ---- after a crash ---- */

void live_real_clean(struct shadows *all, const char *id)
{
    const struct health *health = all->server->view->health;
    for (enum health_kind kind = HEALTH_ENDPOINT; kind <= HEALTH_REGION; kind++) {
        size_t count = health_count(health, kind);
        for (uint32_t i = 0; i < count; i++) {
            struct health_status status;
            if (health_get_override(health, kind, i) != NULL &&
                health_get_status(health, kind, i, &status) == 0) {
                take_back(all, id, kind, status.name, "restart");
            }
        }
    }
}
