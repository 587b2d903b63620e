/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Steps of switchovers that are on their way. Before each of them, and before the first one after TTLs went
 * down, it is looked again, on a worker and by the code of the plan: if nobody would serve names, the
 * destination is not well, or a safety rule objects, and nobody has accepted that, it is held where it is
 * until that is over, somebody accepts it, or it is rolled back. So is what somebody has overridden since.
 * Belongs to the control thread. */
#include "config.h"

#include "daemon/switchovers_inside.h"

#include "daemon/clustered.h"
#include "daemon/durable.h"
#include "daemon/expiry.h"
#include "daemon/lanes.h"
#include "daemon/reader.h"
#include "daemon/server.h"
#include "daemon/switchover_json.h"
#include "daemon/traffic.h"
#include "base/arena.h"
#include "base/error.h"
#include "base/log.h"
#include "base/memory.h"
#include "operate/switchover_look.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <event2/event.h>

enum {
    LOOK_AGAIN_MS = 500, /* at the soonest, while it is held: a hold ends within a second of its cause; … */
    LEFT_MS = 5000,
    LOOK_SHARE = 10,                  /* … and for a tenth of the time at most */
    PUT_OFF_MS = 24 * 60 * 60 * 1000, /* what is planned meanwhile is put off before it is due by itself */
};

/* A look on its way. */
struct step_look {
    struct worker_job job; /* the first, so that one is the other */
    struct switchovers *all;
    struct switchover *what; /* a copy; owned */
    struct arena *arena;
    struct reader *reader;
    struct switchover_look look;
    const char *missing;
    int error;
    int64_t began_ms;
    uint64_t sight; /* of what all nodes were told by then */
};

const char *switchovers_find_meddled(const struct switchovers *all, const struct switchover *what)
{
    struct server *server = all->server;
    const char *meddled = NULL;
    int64_t wall_ms = clock_wall_ms(&server->clock);
    lock_take(&server->lock);
    const struct health *health = server->view->health;
    for (size_t i = 0; i < what->target_count && meddled == NULL; i++) {
        const struct switchover_target *target = &what->targets[i];
        bool planned;
        struct health_override want = switchover_want(what, i, &planned);
        ptrdiff_t index = health_find(health, target->kind, target->name);
        const struct health_override *is =
            index < 0 ? NULL : health_get_override(health, target->kind, (uint32_t)index);
        bool is_wanted = is != NULL && is->desired == want.desired && is->share == want.share &&
                         strcmp(is->to, want.to) == 0 && strcmp(is->names, want.names) == 0 &&
                         strcmp(is->reason, want.reason) == 0;
        bool has_ended = is == NULL && want.expires_ms != 0 && want.expires_ms <= wall_ms; /* by itself */
        bool is_as_ever = is_wanted || has_ended || want.desired == HEALTH_DESIRED_AUTO;
        meddled = index < 0 || is_as_ever ? NULL : target->name;
    }
    lock_leave(&server->lock);
    return meddled;
}

/* ---- a step, or none ---- */

static void on_stepped(void *context, struct kept_switchover *kept, const struct batch_result *result)
{
    (void)context;
    if (result->is_refused) { /* it is due all the same, and looked at again */
        log_info("switchover step undone id=%s why=\"something else was ordered just before\"",
                 kept->what->id);
    } else if (result->error == 0) {
        log_info("switchover stepped id=%s state=%s share=%u durable=%s", kept->what->id,
                 switchover_state_text(kept->what->state), switchover_get_share(kept->what),
                 result->durable ? "yes" : "no");
    }
}

static void on_held(void *context, struct kept_switchover *kept, const struct batch_result *result)
{
    (void)context, (void)kept, (void)result;
}

/* By time, not by anybody; what it does now is `next`, which is taken. */
static void carry_out(struct switchovers *all, struct kept_switchover *kept, struct switchover *next,
                      bool moves, uint64_t sight)
{
    char request[SWITCHOVER_ID_SIZE + 32];
    snprintf(request, sizeof request, "step of switchover %s", next->id);
    switchovers_carry_out(
        all, kept,
        &(struct switchover_change){.next = next,
                                    .moves = moves,
                                    .sender = {.needs_sight = true, .sight = sight},
                                    .cause = {.actor = "steerd", .reason = next->reason, .request = request},
                                    .done = moves && !switchover_is_held(next) ? on_stepped : on_held});
}

/* Of what lowers TTLs the drain is put off: it would begin by itself, if nobody ever led it on. Whoever has
 * overridden its target is left alone. */
static void hold(const struct step_look *look, struct kept_switchover *kept, const char *by, const char *why)
{
    const struct switchover *what = kept->what;
    int64_t wall_ms = clock_wall_ms(&look->all->server->clock);
    bool puts_off = what->state == SWITCHOVER_LOWERING && strcmp(by, SWITCHOVER_MEDDLED) != 0;
    bool is_known = strcmp(what->held_by, by) == 0;
    if (is_known && !(puts_off && wall_ms - switchover_next_ms(what) > PUT_OFF_MS)) {
        return;
    }
    if (!is_known) {
        log_warning(
            "switchover held id=%s state=%s share=%u by=%s why=\"%s\" effect=\"no further step until that "
            "is over, somebody accepts it (resume), or it is rolled back\"",
            what->id, switchover_state_text(what->state), switchover_get_share(what), by, why);
    }
    struct switchover *next = switchover_copy(what);
    switchover_hold(next, by, why, wall_ms);
    carry_out(look->all, kept, next, puts_off, look->sight);
}

static void take_step(const struct step_look *look, struct kept_switchover *kept)
{
    struct switchover *next = switchover_copy(kept->what);
    (void)switchover_follow(next, clock_wall_ms(&look->all->server->clock));
    if (switchover_is_held(kept->what)) {
        log_info("switchover released id=%s by=%s effect=\"its steps go on\"", next->id, kept->what->held_by);
    }
    carry_out(look->all, kept, next, true, look->sight);
}

/* ---- looking ---- */

static void prepare(struct worker_job *job)
{
    struct step_look *look = (struct step_look *)job;
    look->reader = reader_open(look->all->server);
}

static void run(struct worker_job *job)
{
    struct step_look *look = (struct step_look *)job;
    struct server *server = look->all->server;
    const struct clock *clock = &server->clock;
    const struct view *view = reader_begin(look->reader);
    const struct switchover_ask ask = {
        .switchover = look->what,
        .aim = look->what->state == SWITCHOVER_RETURNING ? SWITCHOVER_AIM_PLAN_RETURN : SWITCHOVER_AIM_PLAN,
        .view = view,
        .wall_ms = clock_wall_ms(clock),
        .now_ms = clock_now_ms(clock),
        .last_move_ms = look->reader->last_move_ms,
        .errors = &look->reader->errors,
        .rates = traffic_measure_rates(server->traffic, view, look->arena), /* as the plan had it */
        .limit = 1,
        .is_step = true,
        .progress = &job->progress};
    look->error = switchover_look(&ask, look->arena, &look->look, &look->missing);
    reader_end(look->reader);
    reader_close(look->reader);
    look->reader = NULL;
}

/* What was looked at is what is kept: nobody has led it on meanwhile, or overridden it. */
static void settle(const struct step_look *look, struct kept_switchover *kept)
{
    const struct switchover_finding *finding =
        look->error == 0 ? switchover_find_hold(kept->what, &look->look) : NULL;
    const char *meddled = switchovers_find_meddled(look->all, kept->what);
    if (meddled != NULL) {
        hold(look, kept, SWITCHOVER_MEDDLED, arena_print(look->arena, "somebody has overridden %s", meddled));
    } else if (look->error != 0) {
        hold(look, kept, "source", arena_print(look->arena, "there is no %s any more", look->missing));
    } else if (finding != NULL) {
        bool is_more = switchover_has_accepted(kept->what, finding->name, NULL);
        hold(look, kept, finding->name,
             is_more ? arena_print(look->arena, "%s; that is more than what was accepted", finding->text)
                     : finding->text);
    } else {
        take_step(look, kept);
    }
}

static void on_looked(struct worker_job *job)
{
    struct step_look *look = (struct step_look *)job;
    struct switchovers *all = look->all;
    struct kept_switchover *kept = switchovers_find(all, look->what->id);
    bool is_off = progress_is_cancelled(&job->progress) || look->error == ERROR_CANCELLED;
    server_follow_clock_step(all->server); /* a step begins by the clock as it is now */
    if (kept != NULL) {
        kept->is_looking = false;
        kept->looked_ms = clock_now_ms(&all->server->clock);
        kept->look_took_ms = kept->looked_ms - look->began_ms;
    }
    if (kept != NULL && !is_off && !kept->is_busy && !all->server->is_frozen && !kept->what->asks_hooks &&
        kept->what->changes == look->what->changes && look->sight == durable_see(all->server->durable)) {
        settle(look, kept);
    }
    if (!is_off) {
        switchovers_schedule(all);
    }
    if (look->reader != NULL) {
        reader_close(look->reader);
    }
    switchover_free(look->what);
    arena_free(look->arena);
    free(look);
}

static bool is_too_soon(const struct switchovers *all, const struct kept_switchover *kept)
{
    int64_t pause_ms = kept->look_took_ms * LOOK_SHARE;
    pause_ms = pause_ms < LOOK_AGAIN_MS ? LOOK_AGAIN_MS : pause_ms;
    return switchover_is_held(kept->what) && clock_now_ms(&all->server->clock) - kept->looked_ms < pause_ms;
}

static void look_again(struct switchovers *all, struct kept_switchover *kept)
{
    struct step_look *look = memory_alloc(sizeof *look);
    *look =
        (struct step_look){.job = {.name = "switchover", .prepare = prepare, .run = run, .done = on_looked},
                           .all = all,
                           .what = switchover_copy(kept->what),
                           .arena = arena_new(0),
                           .sight = durable_see(all->server->durable),
                           .began_ms = clock_now_ms(&all->server->clock)};
    kept->is_looking = true;
    if (worker_submit(lanes_get(all->server->lanes, ADMIN_LONG), &look->job) != 0) {
        kept->is_looking = false; /* too many wait: it is due all the same, a moment later */
        switchover_free(look->what);
        arena_free(look->arena);
        free(look);
    }
}

/* A process that nothing is heard of for so long, in a cluster, does not run hooks any more, or what they say
 * is not taken: somebody has to say so. */
static void look_after_hooks(struct switchovers *all, struct kept_switchover *kept)
{
    const struct switchover *what = kept->what;
    int64_t now_ms = clock_now_ms(&all->server->clock);
    bool is_left = what->asks_hooks && !kept->is_busy && !switchovers_asks_here(all, what->id) &&
                   !clustered_hears(all->server->clustered, what->asker);
    kept->left_ms = !is_left ? 0 : kept->left_ms == 0 ? now_ms : kept->left_ms;
    if (is_left && now_ms - kept->left_ms >= LEFT_MS) {
        struct switchover *next = switchover_copy(what);
        kept->left_ms = 0;
        switchovers_note_interruption(next, &all->server->clock);
        carry_out(all, kept, next, false, durable_see(all->server->durable));
    }
}

static void step(struct switchovers *all, struct kept_switchover *kept, int64_t wall_ms)
{
    const struct switchover *what = kept->what;
    bool is_due = switchover_next_ms(what) != 0 && switchover_next_ms(what) <= wall_ms;
    if (is_due && !kept->is_busy && !kept->is_looking && !what->asks_hooks && !is_too_soon(all, kept)) {
        look_again(all, kept);
    }
}

/* ---- time ---- */

static void on_timer(evutil_socket_t fd, short what, void *argument)
{
    struct switchovers *all = argument;
    (void)fd, (void)what;
    server_follow_clock_step(all->server);
    int64_t wall_ms = clock_wall_ms(&all->server->clock);
    if (!all->server->is_frozen && !all->server->works_elsewhere) {
        for (struct kept_switchover *kept = all->first, *next; kept != NULL; kept = next) {
            next = kept->next;
            look_after_hooks(all, kept);
            step(all, kept, wall_ms);
        }
    }
    switchovers_schedule(all);
}

/* ---- life ---- */

struct switchovers *switchovers_open(struct server *server)
{
    struct switchovers *all = memory_alloc(sizeof *all);
    *all = (struct switchovers){.server = server};
    all->timer = evtimer_new(server->base, on_timer, all);
    if (all->timer == NULL) {
        free(all);
        return NULL;
    }
    return all;
}

void switchovers_free(struct switchovers *all)
{
    while (all->first != NULL) {
        switchovers_drop(all, all->first);
    }
    event_free(all->timer);
    free(all);
}
