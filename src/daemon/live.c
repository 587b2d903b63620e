/* SPDX-License-Identifier: BSD-3-Clause
 *
 * See live.h. */
#include "config.h"

#include "daemon/live.h"

#include "daemon/incidents_inside.h"
#include "daemon/live_errors.h"
#include "daemon/live_stops.h"
#include "daemon/rules_watch.h"
#include "daemon/server.h"
#include "daemon/shadow_inside.h"
#include "base/buffer.h"
#include "base/memory.h"
#include "drill/abort.h"
#include "view/content.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { LOOK_MS = 1000, ALL = 100 };

/* Of the control thread, but for what has failed. */
struct live {
    unsigned canary; /* percent, as in struct admin_live_order */
    int64_t canary_ms;
    struct drill_limits limits;
    bool is_whole, has_widened;
    enum admin_live_by by;
    int64_t look_ms;              /* monotonic: when conditions are looked at next */
    struct rules_seen rules;      /* as they were when it began */
    struct errors_list reporters; /* likewise; owned */
    char why[DRILL_WHY_SIZE];
    struct answer_shadow *seen;
    /* In the lock of the server: */
    const char *failed; /* because of this it ends; NULL: nothing has failed */
    char failed_why[DRILL_WHY_SIZE];
};

static bool is_accepted(const struct admin_live_order *order, const char *name)
{
    for (size_t i = 0; i < order->accepted_count; i++) {
        if (strcmp(order->accepted[i], name) == 0) {
            return true;
        }
    }
    return false;
}

struct live *live_new(const struct server *server, const struct admin_live_order *order,
                      struct answer_shadow *seen)
{
    struct live *live = memory_alloc(sizeof *live);
    live->canary = order->canary;
    live->canary_ms = order->canary_ms;
    live->limits.capacity = order->capacity;
    live->limits.errors = order->errors;
    live->limits.recovery_ms = order->recovery_ms;
    live->limits.allows_unserved = is_accepted(order, "served");
    live->is_whole = order->canary == ALL;
    live->by = order->by;
    live->seen = seen;
    rules_watch_get(server->rules, &live->rules);
    live->reporters = live_list_reporters(server);
    seen->is_live = true;
    seen->below = ANSWER_SHARE_ALL * live->canary / ALL;
    return live;
}

void live_free(struct live *live)
{
    if (live != NULL) {
        free(live->reporters.items);
        free(live);
    }
}

/* ---- what ends it ---- */

static const char *note_why(struct shadow *shadow, const char *because, const char *why)
{
    snprintf(shadow->live->why, sizeof shadow->live->why, "%s", why);
    return because;
}

static void close_eyes(struct live *live)
{
    atomic_store_explicit(&live->seen->is_over, true, memory_order_relaxed);
}

void live_hear(void *context, const char *what, const char *name)
{
    struct shadows *all = context;
    uint64_t one = 1;
    bool is_brake = strcmp(what, "brake") == 0;
    for (size_t i = 0; i < all->fed_count; i++) {
        struct live *live = all->fed[i]->live;
        if (live == NULL || live->failed != NULL || live_real_stops(all->fed[i], name)) {
            continue;
        }
        close_eyes(live);
        live->failed = is_brake ? "brake" : "real_failure";
        snprintf(live->failed_why, sizeof live->failed_why,
                 is_brake ? "nearly everything of %s failed at once, in reality" : "%s failed, in reality",
                 name);
        ssize_t written = write(all->fd, &one, sizeof one);
        (void)written;
    }
}

const char *live_find_failure(struct shadow *shadow)
{
    struct live *live = shadow->live;
    struct lock *lock = &shadow->all->server->lock;
    char why[DRILL_WHY_SIZE];
    lock_take(lock);
    const char *failed = live->failed;
    memcpy(why, live->failed_why, sizeof why);
    lock_leave(lock);
    return failed == NULL ? NULL : note_why(shadow, failed, why);
}

/* ---- conditions ---- */

/* Reported load, as part of what is too much. */
struct region_load {
    double load, capacity;
};

/* -1: it says nothing that counts. */
static double find_load(const struct shadow *shadow, uint32_t endpoint)
{
    const struct view *view = shadow->all->server->view;
    const struct conf_load *marks = conf_get_load(&view->topology->endpoints[endpoint]);
    struct health_status status;
    if (!marks->is_given || drill_stage_is_silent(shadow->stage, endpoint, NULL) ||
        health_get_status(view->health, HEALTH_ENDPOINT, endpoint, &status) != 0 ||
        status.load.source == HEALTH_LOAD_NONE) {
        return -1;
    }
    return status.load.value / marks->high;
}

static void add_load(struct region_load *region, const struct conf_endpoint *endpoint, double load)
{
    double capacity = endpoint->capacity == 0 ? 1 : endpoint->capacity;
    region->load += load * capacity;
    region->capacity += capacity;
}

/* The fullest endpoint, or -1; regions are summed up. */
static ptrdiff_t sum_loads(const struct shadow *shadow, struct region_load *regions, double *most)
{
    const struct conf_topology *topology = shadow->all->server->view->topology;
    struct lock *lock = &shadow->all->server->lock;
    ptrdiff_t fullest = -1;
    *most = 0;
    lock_take(lock);
    for (uint32_t i = 0; i < topology->endpoint_count; i++) {
        double load = find_load(shadow, i);
        if (load >= 0) {
            add_load(&regions[topology->endpoints[i].region], &topology->endpoints[i], load);
        }
        if (load > *most) {
            *most = load;
            fullest = (ptrdiff_t)i;
        }
        if (i % VIEW_TURN == VIEW_TURN - 1) {
            lock_pass(lock);
        }
    }
    lock_leave(lock);
    return fullest;
}

static void see_capacity(const struct shadow *shadow, struct drill_sight *sight)
{
    const struct conf_topology *topology = shadow->all->server->view->topology;
    struct region_load *regions = memory_alloc_array(topology->region_count, sizeof *regions);
    ptrdiff_t fullest = sum_loads(shadow, regions, &sight->load);
    if (fullest >= 0) {
        sight->fullest_kind = "endpoint";
        sight->fullest = topology->endpoints[fullest].name;
    }
    for (size_t i = 0; i < topology->region_count; i++) {
        double load = regions[i].capacity == 0 ? 0 : regions[i].load / regions[i].capacity;
        if (load > sight->load) { /* by a hair: an average is no more than the most */
            sight->load = load;
            sight->fullest_kind = "region";
            sight->fullest = topology->regions[i].name;
        }
    }
    free(regions);
}

static bool was_violated(const struct rules_seen *seen, const char *name)
{
    for (size_t i = 0; i < seen->count; i++) {
        if (strcmp(seen->items[i].name, name) == 0) {
            return seen->items[i].is_violated;
        }
    }
    return false;
}

static void see_rules(const struct shadow *shadow, const struct rules_seen *seen, struct drill_sight *sight)
{
    for (size_t i = 0; i < seen->count; i++) {
        const char *name = seen->items[i].name;
        sight->rule =
            seen->items[i].is_violated && !was_violated(&shadow->live->rules, name) ? name : sight->rule;
    }
}

/* What it has stopped itself is none. */
static void see_incident(const struct shadow *shadow, char target[DRILL_WHY_SIZE], struct drill_sight *sight)
{
    const struct kept_incident *kept = shadow->all->server->incidents->first;
    for (; kept != NULL && sight->incident == NULL; kept = kept->next) {
        snprintf(target, DRILL_WHY_SIZE, "%s:%.200s", health_kind_text(kept->what.kind), kept->what.name);
        bool is_open = kept->what.back_ms == 0 && !live_real_stops(shadow, target);
        sight->incident = is_open ? kept->what.id : NULL;
        sight->incident_target = is_open ? target : NULL;
    }
}

static const char *look(struct shadow *shadow)
{
    struct drill_sight sight = {.load = 0};
    struct rules_seen rules;
    struct errors_status failing;
    char target[DRILL_WHY_SIZE];
    int64_t now_ms = (clock_now_us(&shadow->all->server->clock) - shadow->began_us) / 1000;
    pthread_mutex_lock(&shadow->lock);
    sight.unserved = shadow->unserved;
    sight.unserved_before = shadow->unserved_before;
    sight.misled = shadow->misled;
    sight.misled_ms = shadow->misled_since_ms == -1 ? 0 : now_ms - shadow->misled_since_ms;
    sight.moved = shadow->moved;
    pthread_mutex_unlock(&shadow->lock);
    rules_watch_get(shadow->all->server->rules, &rules);
    see_rules(shadow, &rules, &sight);
    see_incident(shadow, target, &sight);
    see_capacity(shadow, &sight);
    if (shadow->live->limits.errors != 0) {
        live_see_errors(shadow, &shadow->live->reporters, &failing, &sight);
    }
    return drill_find_abort(&shadow->live->limits, &sight, shadow->live->why);
}

const char *live_find_end(struct shadow *shadow, int64_t now_ms)
{
    struct live *live = shadow->live;
    const char *because = live_find_failure(shadow), *trouble = live_real_get_trouble(shadow);
    if (because == NULL && trouble != NULL) {
        because = note_why(shadow, "failed", trouble);
    }
    if (because == NULL && now_ms >= live->look_ms) {
        live->look_ms = now_ms + LOOK_MS;
        because = look(shadow);
    }
    return because;
}

bool live_widen(struct shadow *shadow, int64_t now_ms)
{
    struct live *live = shadow->live;
    bool is_due = !live->is_whole && now_ms >= shadow->began_us / 1000 + live->canary_ms;
    if (is_due) {
        live->is_whole = live->has_widened = true;
        live->seen->below = ANSWER_SHARE_ALL;
    }
    return is_due;
}

/* ---- telling ---- */

bool live_has_hooks(const struct live *live)
{
    return live->by == ADMIN_LIVE_HOOKS;
}

bool live_is_injected(const struct live *live)
{
    return live->by == ADMIN_LIVE_INJECT;
}

bool live_is_fresh(const struct live *live)
{
    return !live->has_widened;
}

unsigned live_get_percent(const struct live *live)
{
    return live->is_whole ? ALL : live->canary;
}

const char *live_get_why(const struct live *live)
{
    return live->why;
}

json_t *live_write(const struct live *live)
{
    json_t *object = json_object();
    json_object_set_new(object, "by", json_string(admin_live_by_text(live->by)));
    json_object_set_new(object, "share", json_integer(live_get_percent(live)));
    json_object_set_new(object, "canary", json_integer(live->canary));
    json_object_set_new(object, "canary_ms", json_integer(live->canary_ms));
    json_object_set_new(object, "abort_capacity", json_integer(live->limits.capacity));
    json_object_set_new(object, "abort_errors",
                        live->limits.errors == 0 ? json_null() : json_real(live->limits.errors));
    json_object_set_new(object, "abort_recovery_ms",
                        live->limits.recovery_ms == 0 ? json_null() : json_integer(live->limits.recovery_ms));
    json_object_set_new(object, "allows_unserved", json_boolean(live->limits.allows_unserved));
    json_object_set_new(object, "why", live->why[0] == '\0' ? json_null() : json_string(live->why));
    return object;
}

struct shadow *live_find(const struct shadows *all)
{
    struct shadow *shadow = all->first;
    while (shadow != NULL && (shadow->live == NULL || shadow->state >= SHADOW_ENDING)) {
        shadow = shadow->next;
    }
    return shadow;
}

void live_get_note(const struct shadows *all, struct admin_live *note)
{
    const struct shadow *shadow = live_find(all);
    *note = (struct admin_live){.not_undone = live_stops_count_failed(all->stops)};
    if (shadow == NULL || shadow->state != SHADOW_RUNNING) {
        return;
    }
    snprintf(note->id, sizeof note->id, "%s", shadow->id);
    for (size_t i = 0; i < shadow->lose_count; i++) {
        size_t used = strlen(note->lose);
        snprintf(note->lose + used, sizeof note->lose - used, "%s%s", i == 0 ? "" : ",", shadow->lose[i]);
    }
    snprintf(note->actor, sizeof note->actor, "%s", shadow->actor);
    snprintf(note->reason, sizeof note->reason, "%s", shadow->reason);
    note->share = live_get_percent(shadow->live);
    note->by = shadow->live->by;
    note->ends_ms = shadow->started_ms + shadow->duration_ms;
}

void live_print_metrics(const struct admin_live *note, struct buffer *out)
{
    buffer_print(out,
                 "# HELP steerd_drill_live 1 while a live drill runs, else 0.\n"
                 "# TYPE steerd_drill_live gauge\nsteerd_drill_live %d\n"
                 "# HELP steerd_drill_live_share Share of all clients that see the live drill.\n"
                 "# TYPE steerd_drill_live_share gauge\nsteerd_drill_live_share %.2f\n"
                 "# HELP steerd_drill_not_undone Places that live drills have stopped by hooks, and could "
                 "not undo so far.\n"
                 "# TYPE steerd_drill_not_undone gauge\nsteerd_drill_not_undone %zu\n",
                 note->id[0] != '\0', note->share / (double)ALL, note->not_undone);
}
