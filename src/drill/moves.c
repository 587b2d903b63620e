/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Switchovers that a drill does. Each is one of operate/switchover.h, that is looked at before it is executed
 * and before each of its steps, by the code of real ones, on the health of the drill; its drains go into that
 * health. What would refuse a real one refuses it, what would hold its steps holds them until it is over, and
 * it is rolled back at its time. No phase of the drill begins with it: nobody has to detect, or to decide,
 * what an operator does. */
#include "config.h"

#include "base/lock.h"
#include "drill/run.h"
#include "operate/switchover_look.h"

#include "base/memory.h"

#include <stdlib.h>
#include <string.h>

enum { LOOK_AGAIN_MS = 1000 }; /* while it is held */

static const struct switchover_wish nobody = {.actor = "drill"};

/* ---- from and to ---- */

void run_open_moves(struct run *run)
{
    const struct drill_document *document = run->scenario->document;
    size_t count = document == NULL ? 0 : document->move_count;
    run->moves = count == 0 ? NULL : memory_alloc_array(count, sizeof *run->moves);
    run->move_count = count;
    for (size_t i = 0; i < count; i++) {
        const struct drill_move *of = &document->moves[i];
        struct switchover *what = arena_copy(run->arena, &of->plan, sizeof *what);
        what->targets =
            arena_copy(run->arena, of->plan.targets, of->plan.target_count * sizeof *what->targets);
        run->moves[i] = (struct run_move){.of = of, .what = what, .due_ms = of->at_ms};
    }
}

void run_close_moves(struct run *run)
{
    free(run->moves);
    free(run->notes);
}

int64_t run_find_turn(const struct run *run, int64_t from_ms)
{
    int64_t next_ms = drill_causes_next(&run->causes, from_ms);
    for (size_t i = 0; i < run->move_count; i++) {
        int64_t due_ms = run->moves[i].due_ms;
        due_ms = due_ms < from_ms ? from_ms : due_ms;
        next_ms = due_ms < next_ms ? due_ms : next_ms;
    }
    return next_ms;
}

/* ---- what is to be done ---- */

static bool is_accepted(const struct drill_move *of, const char *name)
{
    bool is = false;
    for (size_t i = 0; i < of->accepted_count && !is; i++) {
        is = strcmp(of->accepted[i], name) == 0;
    }
    return is;
}

static const struct switchover_finding *find_objection(const struct run_move *move,
                                                       const struct switchover_look *look)
{
    for (size_t i = 0; i < look->finding_count; i++) {
        if (!look->findings[i].is_good && !is_accepted(move->of, look->findings[i].name)) {
            return &look->findings[i];
        }
    }
    return NULL;
}

static void note_finding(struct run_move *move, const char *name, const char *text)
{
    snprintf(move->by, sizeof move->by, "%s", name);
    snprintf(move->why, sizeof move->why, "%s", text);
}

/* In real time others write down meanwhile what its targets come back to. */
static struct switchover *copy_plan(const struct run_move *move, struct lock *lock, struct arena *arena)
{
    if (lock != NULL) {
        lock_take(lock);
    }
    struct switchover *plan = arena_copy(arena, move->what, sizeof *plan);
    plan->targets = arena_copy(arena, plan->targets, plan->target_count * sizeof *plan->targets);
    if (lock != NULL) {
        lock_leave(lock);
    }
    return plan;
}

/* A look at the health of the drill as it is now; what it finds wrong stays in the move. */
static enum run_deed look(const struct run *run, struct run_move *move, struct lock *lock)
{
    struct switchover_look found;
    const char *missing = NULL;
    bool begins = move->what->state == SWITCHOVER_PLANNED;
    int64_t wall_ms = run->wall_ms + run->turn_ms;
    struct view seen = *run->view;
    seen.health = run->health;
    seen.table = health_get_table(run->health);
    struct arena *arena = arena_new(0);
    struct view *copy = view_copy(&seen, wall_ms, lock);
    const struct switchover_ask ask = {.switchover = copy_plan(move, lock, arena),
                                       .aim = SWITCHOVER_AIM_PLAN,
                                       .view = copy,
                                       .wall_ms = wall_ms,
                                       .now_ms = run->began_ms + run->turn_ms,
                                       .limit = 1,
                                       .is_step = !begins};
    int error = switchover_look(&ask, arena, &found, &missing);
    const struct switchover_finding *finding = error != 0 ? NULL
                                               : begins   ? find_objection(move, &found)
                                                          : switchover_find_hold(move->what, &found);
    if (error != 0) {
        note_finding(move, "source", "it is not there");
    } else if (finding != NULL) {
        note_finding(move, finding->name, finding->text);
    }
    view_free(copy);
    arena_free(arena);
    bool is_good = error == 0 && finding == NULL;
    return begins ? is_good ? RUN_EXECUTE : RUN_REFUSE : is_good ? RUN_STEP : RUN_HOLD;
}

/* Whatever held it holds it as long as health is what it was. */
static enum run_deed find_deed(const struct run *run, struct run_move *move, struct lock *lock)
{
    uint64_t generation = atomic_load(&health_get_table(run->health)->generation);
    if (run->turn_ms >= move->of->until_ms) {
        return move->what->state == SWITCHOVER_PLANNED ? RUN_GIVE_UP : RUN_ROLL_BACK;
    }
    if (switchover_is_held(move->what) && move->generation == generation) {
        return RUN_HOLD;
    }
    move->generation = generation;
    return look(run, move, lock);
}

void run_look_moves(struct run *run, struct lock *lock)
{
    for (size_t i = 0; i < run->move_count; i++) {
        struct run_move *move = &run->moves[i];
        move->deed = move->due_ms > run->turn_ms ? RUN_NOTHING : find_deed(run, move, lock);
    }
}

/* ---- it is done ---- */

static void note(struct run *run, const char *text)
{
    run->notes = memory_grow(run->notes, run->note_count, &run->note_capacity, sizeof *run->notes);
    run->notes[run->note_count++] = (struct run_note){run->now_ms, text};
    run_add_event(run, RUN_ENDPOINT, false, text);
}

/* What it wants of a target, into the health of the drill. */
static void put(struct run *run, const struct run_move *move, size_t target, int64_t wall_ms)
{
    static const struct health_override none = {.desired = HEALTH_DESIRED_AUTO};
    const struct switchover_target *of = &move->what->targets[target];
    ptrdiff_t index = health_find(run->health, of->kind, of->name);
    bool planned = false;
    struct health_override want = switchover_want(move->what, target, &planned);
    bool is_drain = switchover_get_share(move->what) != 0;
    if (index < 0) {
        return;
    }
    if (is_drain) {
        (void)health_set_override(run->health, of->kind, (uint32_t)index, &want, wall_ms);
        return;
    }
    (void)health_set_override(run->health, of->kind, (uint32_t)index, &none, wall_ms);
    if (of->had_override) {
        (void)health_restore_override(run->health, of->kind, of->name, &want, planned, wall_ms);
    }
}

static void put_all(struct run *run, const struct run_move *move, int64_t wall_ms)
{
    int64_t now_ms = run->began_ms + run->now_ms;
    if (run->leaves_moves) {
        return;
    }
    if (now_ms > health_get_time(run->health)) {
        health_follow_time(run->health, now_ms);
    }
    for (size_t i = 0; i < move->what->target_count; i++) {
        put(run, move, i, wall_ms);
    }
}

static void execute(struct run *run, struct run_move *move, int64_t wall_ms)
{
    struct switchover_wish wish = nobody;
    wish.verb = SWITCHOVER_EXECUTE;
    wish.accepted_count = move->of->accepted_count;
    struct switchover_accepted *accepted = memory_alloc((wish.accepted_count + 1) * sizeof *accepted);
    for (size_t i = 0; i < wish.accepted_count; i++) { /* before anything was found */
        accepted[i] = (struct switchover_accepted){.name = move->of->accepted[i]};
    }
    wish.accepted = accepted;
    switchover_note_before(move->what, run->health);
    switchover_do(move->what, &wish, wall_ms);
    free(accepted);
}

static void roll_back(struct run_move *move, int64_t wall_ms)
{
    struct switchover_wish wish = nobody;
    wish.verb = SWITCHOVER_ROLL_BACK;
    switchover_do(move->what, &wish, wall_ms);
}

static void hold(struct run *run, struct run_move *move, int64_t wall_ms)
{
    bool is_new = strcmp(move->what->held_by, move->by) != 0;
    switchover_hold(move->what, move->by, move->why, wall_ms);
    if (is_new) {
        note(run, arena_print(run->arena, "%s held at %u %%: %s: %s", move->of->text,
                              switchover_get_share(move->what), move->by, move->why));
    }
}

/* Behind what was done: the next step, or the end. */
static int64_t find_due(const struct run *run, const struct run_move *move)
{
    int64_t next_ms = switchover_next_ms(move->what), until_ms = move->of->until_ms;
    int64_t due_ms = next_ms == 0 ? INT64_MAX : next_ms - run->wall_ms;
    due_ms = switchover_is_held(move->what) ? run->now_ms + LOOK_AGAIN_MS : due_ms;
    return due_ms < until_ms ? due_ms : until_ms;
}

static void do_one(struct run *run, struct run_move *move)
{
    int64_t wall_ms = run->wall_ms + run->now_ms;
    const char *text = move->of->text;
    switch (move->deed) {
    case RUN_NOTHING: return;
    case RUN_EXECUTE: execute(run, move, wall_ms); break;
    case RUN_STEP: (void)switchover_follow(move->what, wall_ms); break;
    case RUN_HOLD: hold(run, move, wall_ms); break;
    case RUN_ROLL_BACK: roll_back(move, wall_ms); break;
    case RUN_REFUSE:
        move->refused = arena_print(run->arena, "%s was not executed: %s: %s", text, move->by, move->why);
        note(run, move->refused);
        break;
    case RUN_GIVE_UP: break;
    }
    if (move->deed == RUN_EXECUTE || move->deed == RUN_STEP) {
        put_all(run, move, wall_ms);
        note(run, arena_print(run->arena, "%s: %u %% moved", text, switchover_get_share(move->what)));
    } else if (move->deed == RUN_ROLL_BACK) {
        put_all(run, move, wall_ms);
        note(run, arena_print(run->arena, "%s rolled back", text));
    }
    bool is_over = move->deed == RUN_REFUSE || move->deed == RUN_GIVE_UP || move->deed == RUN_ROLL_BACK;
    move->due_ms = is_over ? INT64_MAX : find_due(run, move);
}

void run_do_moves(struct run *run)
{
    for (size_t i = 0; i < run->move_count; i++) {
        do_one(run, &run->moves[i]);
        run->moves[i].deed = RUN_NOTHING;
    }
}

/* ---- for others ---- */

bool run_moves(const struct run_move *move)
{
    return move->what->state != SWITCHOVER_PLANNED && !switchover_is_over(move->what);
}

bool run_keep_before(struct run *run, enum health_kind kind, const struct health_status *target,
                     const struct health_override *is)
{
    bool has = false;
    for (size_t i = 0; i < run->move_count && !run->leaves_moves; i++) {
        struct run_move *move = &run->moves[i];
        for (size_t t = 0; run_moves(move) && t < move->what->target_count; t++) {
            struct switchover_target *own = &move->what->targets[t];
            if (own->kind == kind && strcmp(own->name, target->name) == 0) {
                own->had_override = is != NULL;
                own->before = is != NULL ? *is : own->before;
                own->was_planned = is != NULL && target->planned;
                has = true;
            }
        }
    }
    return has;
}
