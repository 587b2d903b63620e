/* SPDX-License-Identifier: BSD-3-Clause
 *
 * A run (run.h) without a prober of its own. In the lock are its events, phases and times; of its thread are
 * answers, and what only that thread changes it reads without the lock. */
#include "config.h"

#include "drill/stage.h"

#include "base/lock.h"
#include "base/memory.h"
#include "drill/run.h"

#include <stdlib.h>

enum { EVENTS_MOST = 20 * 1000, CHANGES_MOST = 2 * 1000 * 1000 };

struct drill_stage {
    struct run run;
    struct drill_scenario scenario;
    struct lock *lock;
    struct arena *arena;        /* of events and phases */
    struct arena *answer_arena; /* of its thread */
    bool *touched;              /* by monitor: anything ever happens to it */
    uint64_t *rounds;           /* likewise: checks that it had since it began */
    bool is_blind;
    size_t first_event;        /* of those of the moment that was set */
    uint64_t noted_generation; /* of the table, when it was seen to have moved */
    int64_t moved_ms;          /* when that was */
    int64_t decided_ms;        /* the latest change of an answer, of its thread; -1: there was none */
    int64_t cut_ms;            /* when more had happened than is kept; -1: it has not */
};

/* ---- the whole ---- */

static void note_touched(struct drill_stage *stage)
{
    const struct run *run = &stage->run;
    stage->touched = memory_alloc_array(run->monitor_count, sizeof *stage->touched);
    stage->rounds = memory_alloc_array(run->monitor_count, sizeof *stage->rounds);
    for (size_t i = 0; i < run->monitor_count; i++) {
        const struct view_monitor *own = &run->monitors[i];
        for (size_t c = 0; c < run->causes.count && !stage->touched[i]; c++) {
            stage->touched[i] =
                drill_cause_touches(&run->causes, &run->causes.items[c], own->endpoint, own->check);
        }
    }
}

struct drill_stage *drill_stage_new(const struct view *view, const struct drill_document *document,
                                    struct lock *lock, struct progress *progress)
{
    struct drill_stage *stage = memory_alloc(sizeof *stage);
    struct run *run = &stage->run;
    stage->lock = lock;
    stage->arena = arena_new(0);
    stage->answer_arena = arena_new(0);
    stage->cut_ms = stage->decided_ms = -1;
    stage->scenario = (struct drill_scenario){.document = document, .from_live = true, .progress = progress};
    *run = (struct run){.view = view,
                        .topology = view->topology,
                        .scenario = &stage->scenario,
                        .health = view->health,
                        .monitors = view->monitors,
                        .monitor_count = view->monitor_count,
                        .until_ms = drill_document_duration(document),
                        .events_most = EVENTS_MOST,
                        .arena = stage->arena};
    run->causes = (struct drill_causes){.topology = view->topology,
                                        .items = document->causes,
                                        .count = document->cause_count,
                                        .seed = document->seed};
    run->vantages.items = document->vantages.items;
    run->vantages.count = document->vantages.count;
    run_open_moves(run);
    run->turn_ms = run_find_turn(run, 0);
    run->is_lost = memory_alloc_array(view->topology->endpoint_count, sizeof *run->is_lost);
    run->generation = atomic_load(&view->table->generation);
    run->answers = drill_answers_new(view, view->table, stage->answer_arena, progress);
    drill_answers_guard(run->answers, document->objectives.must_not_move,
                        document->objectives.must_not_move_count);
    note_touched(stage);
    run_open_sights(run);
    return stage;
}

void drill_stage_free(struct drill_stage *stage)
{
    if (stage == NULL) {
        return;
    }
    drill_answers_free(stage->run.answers);
    arena_free(stage->answer_arena);
    arena_free(stage->arena);
    run_close_lookouts(&stage->run);
    run_close_moves(&stage->run);
    free(stage->run.heap);
    free(stage->run.states);
    free(stage->run.is_lost);
    free(stage->run.phases);
    free(stage->run.events);
    free(stage->run.news);
    free(stage->touched);
    free(stage->rounds);
    free(stage);
}

/* ---- who leads the machine ---- */

void drill_stage_begin(struct drill_stage *stage, int64_t now_ms, int64_t wall_ms)
{
    stage->run.began_ms = now_ms;
    stage->run.wall_ms = wall_ms;
    stage->noted_generation = atomic_load(&stage->run.view->table->generation);
    run_listen(&stage->run);
}

void drill_stage_set_time(struct drill_stage *stage, int64_t at_ms, int64_t wall_ms)
{
    stage->run.vantages.wall_ms = wall_ms;
    stage->run.now_ms = at_ms < 0 ? 0 : at_ms;
    stage->first_event = stage->run.event_count;
}

bool drill_stage_has_moved(struct drill_stage *stage)
{
    uint64_t generation = atomic_load(&stage->run.view->table->generation);
    if (generation == stage->noted_generation) {
        return false;
    }
    run_sort_events(&stage->run, stage->first_event);
    stage->first_event = stage->run.event_count;
    stage->noted_generation = generation;
    stage->moved_ms = stage->run.now_ms;
    return true;
}

bool drill_stage_touches(const struct drill_stage *stage, uint32_t monitor)
{
    return stage->touched[monitor];
}

struct drill_result drill_stage_check(struct drill_stage *stage, uint32_t monitor, int64_t began_ms)
{
    const struct run *run = &stage->run;
    const struct view_monitor *own = &run->monitors[monitor];
    if (!stage->touched[monitor]) {
        return (struct drill_result){.outcome = HEALTH_OUTCOME_OK};
    }
    int64_t at_ms = began_ms < run->turn_ms ? began_ms : run->turn_ms; /* nothing more has happened yet */
    return drill_causes_check(&run->causes, own->endpoint, own->check, at_ms, stage->rounds[monitor]++);
}

bool drill_stage_note_check(struct drill_stage *stage, uint32_t monitor, enum health_outcome outcome)
{
    struct run *run = &stage->run;
    struct health_monitor_status before;
    if (!stage->touched[monitor] || run->phase_count == 0 ||
        health_get_monitor(run->health, monitor, &before) != 0 ||
        health_outcome_is_failure(before.outcome) == health_outcome_is_failure(outcome)) {
        return false; /* it has seen nothing new */
    }
    bool is_first = run->phases[run->phase_count - 1].detection_ms < 0;
    run_note_check(run, monitor, &(struct drill_result){.outcome = outcome});
    return is_first && run->phases[run->phase_count - 1].detection_ms >= 0;
}

bool drill_stage_is_silent(const struct drill_stage *stage, uint32_t endpoint, const char *check)
{
    const struct run *run = &stage->run;
    int64_t now_ms = run->now_ms < run->turn_ms ? run->now_ms : run->turn_ms - 1;
    bool is_silent = drill_causes_lose(&run->causes, endpoint, now_ms) >= 1;
    ptrdiff_t index = check == NULL ? -1 : conf_find_check(run->topology, check);
    if (index >= 0 && !is_silent) {
        struct drill_result result =
            drill_causes_check(&run->causes, endpoint, (uint32_t)index, now_ms + 1, (uint64_t)now_ms);
        is_silent = result.outcome != HEALTH_OUTCOME_OK;
    }
    return is_silent;
}

bool drill_stage_is_blind(const struct drill_stage *stage)
{
    return stage->is_blind;
}

double drill_stage_find_lag(const struct drill_stage *stage, uint32_t lag)
{
    return drill_causes_lag(&stage->run.causes, lag, stage->run.now_ms);
}

bool drill_stage_is_complete(const struct drill_stage *stage)
{
    const struct run *run = &stage->run;
    for (size_t i = 0; i < run->causes.count; i++) {
        const struct drill_cause *cause = &run->causes.items[i];
        if (cause->how != DRILL_RECOVERED && cause->until_ms == INT64_MAX) {
            return false;
        }
    }
    for (size_t i = 0; i < run->move_count; i++) {
        if (run_moves(&run->moves[i])) {
            return false;
        }
    }
    return run->turn_ms == INT64_MAX;
}

bool drill_stage_has_reached(const struct drill_stage *stage, int64_t at_ms)
{
    return stage->run.turn_ms > at_ms;
}

bool drill_stage_get_phase(const struct drill_stage *stage, size_t index, struct drill_phase *phase)
{
    const struct run *run = &stage->run;
    if (index >= run->phase_count) {
        return false;
    }
    *phase = run->phases[index];
    return true;
}

const char *drill_stage_get_move(const struct drill_stage *stage, size_t index, int64_t *at_ms)
{
    const struct run *run = &stage->run;
    if (index >= run->note_count) {
        return NULL;
    }
    *at_ms = run->notes[index].at_ms;
    return run->notes[index].text;
}

void drill_stage_leave_moves(struct drill_stage *stage)
{
    stage->run.leaves_moves = true;
}

bool drill_stage_get_want(const struct drill_stage *stage, size_t move, size_t target,
                          struct health_override *want)
{
    const struct run_move *own = &stage->run.moves[move];
    bool planned, wants = run_moves(own);
    if (wants) {
        *want = switchover_want(own->what, target, &planned);
    }
    return wants;
}

bool drill_stage_keep_before(struct drill_stage *stage, enum health_kind kind,
                             const struct health_status *target, const struct health_override *is)
{
    return run_keep_before(&stage->run, kind, target, is);
}

const char *drill_stage_get_step(const struct drill_stage *stage)
{
    const struct run *run = &stage->run;
    const struct drill_phase *phase = run->phase_count == 0 ? NULL : &run->phases[run->phase_count - 1];
    const struct run_note *note = run->note_count == 0 ? NULL : &run->notes[run->note_count - 1];
    bool is_move = note != NULL && (phase == NULL || note->at_ms > phase->at_ms);
    return is_move ? note->text : phase == NULL ? NULL : phase->text;
}

/* ---- vantages ---- */

void drill_stage_hear(struct drill_stage *stage, unsigned vantage, const struct health_heard *heard,
                      size_t count)
{
    run_hear(&stage->run, vantage, heard, count);
}

void drill_stage_hear_alive(struct drill_stage *stage, unsigned vantage, bool is_new)
{
    run_hear_alive(&stage->run, vantage, is_new);
}

void drill_stage_set_silent(struct drill_stage *stage, uint32_t silent)
{
    run_set_silent(&stage->run, silent);
}

uint32_t drill_stage_take_returned(struct drill_stage *stage)
{
    uint32_t returned = stage->run.vantages.returned;
    stage->run.vantages.returned = 0;
    return returned;
}

int64_t drill_stage_next_look(const struct drill_stage *stage)
{
    const struct run *run = &stage->run;
    int64_t ends_ms = run->heap_count == 0 ? INT64_MAX : run->heap[0].ends_ms;
    return ends_ms < run->turn_ms ? ends_ms : INT64_MAX; /* nothing more has happened yet */
}

bool drill_stage_look(struct drill_stage *stage, size_t most)
{
    struct run *run = &stage->run;
    const struct drill_phase *phase = run->phase_count == 0 ? NULL : &run->phases[run->phase_count - 1];
    bool sees = phase != NULL && phase->detection_ms < 0 && !phase->is_back;
    for (size_t i = 0; i < most && drill_stage_next_look(stage) <= run->now_ms; i++) {
        (void)run_end_check(run);
    }
    return sees && phase->detection_ms >= 0;
}

/* ---- its thread ---- */

/* is_move: what has changed them was a switchover of the drill. */
static void follow_answers(struct drill_stage *stage, bool is_move)
{
    struct run *run = &stage->run;
    uint64_t generation = atomic_load(&run->view->table->generation);
    if (generation == run->generation || stage->cut_ms >= 0) {
        return;
    }
    run->generation = generation;
    lock_take(stage->lock);
    int64_t moved_ms = stage->moved_ms < run->turn_ms ? stage->moved_ms : run->turn_ms;
    lock_leave(stage->lock);
    const struct drill_phase *phase = run->phase_count == 0 ? NULL : &run->phases[run->phase_count - 1];
    int64_t since_ms = phase == NULL ? 0 : phase->at_ms;
    int64_t at_ms = moved_ms < since_ms ? since_ms : moved_ms;
    bool is_seen = phase != NULL && phase->detection_ms >= 0;
    size_t changed = drill_answers_follow(
        run->answers, &(struct drill_moment){.at_ms = at_ms,
                                             .since_ms = since_ms,
                                             .is_back = is_move || phase == NULL || phase->is_back,
                                             .failed_ms = is_seen ? since_ms + phase->detection_ms : -1});
    if (changed != 0) {
        lock_take(stage->lock);
        run->now_ms = at_ms;
        if (is_move) {
            run_note_moved(run, changed);
        } else {
            run_note_change(run, changed, &(struct drill_decider){.failed_ms = -1});
        }
        stage->cut_ms = run->changed > CHANGES_MOST ? at_ms : -1;
        lock_leave(stage->lock);
        stage->decided_ms = at_ms;
    }
}

void drill_stage_follow(struct drill_stage *stage)
{
    follow_answers(stage, false);
}

size_t drill_stage_count_unserved(const struct drill_stage *stage)
{
    return drill_answers_count_unserved(stage->run.answers);
}

size_t drill_stage_count_misled(const struct drill_stage *stage)
{
    return drill_answers_count_misled(stage->run.answers, stage->run.is_lost);
}

const char *drill_stage_find_moved(const struct drill_stage *stage)
{
    return drill_answers_find_moved(stage->run.answers);
}

size_t drill_stage_count_changes(const struct drill_stage *stage, int64_t *decided_ms)
{
    *decided_ms = stage->decided_ms;
    return stage->run.changed;
}

static void note_sight(struct drill_stage *stage)
{
    const struct run *run = &stage->run;
    for (size_t i = 0; i < run->causes.count; i++) {
        enum drill_turn turn = drill_cause_turns(&run->causes.items[i], run->now_ms);
        if (turn != DRILL_TURN_NONE && run->causes.items[i].what == DRILL_VANTAGE &&
            (run->causes.items[i].from >> DRILL_LOCAL & 1) != 0) {
            stage->is_blind = turn == DRILL_TURN_BEGINS;
        }
    }
}

/* What others look at, and something begins or ends for, is looked at; so many at a time. */
static void wake_lookouts(struct drill_stage *stage)
{
    enum { AT_ONCE = 512 };
    struct run *run = &stage->run;
    int64_t now_ms = run->now_ms;
    for (size_t i = 0; i < run->causes.count; i++) {
        const struct drill_cause *cause = &run->causes.items[i];
        bool turns = drill_cause_turns(cause, now_ms) != DRILL_TURN_NONE && cause->how != DRILL_SILENT;
        for (size_t n = 0; turns && n < run->vantages.lookout_count; n++) {
            run_wake_check(run, (uint32_t)(run->monitor_count + n), cause);
            if (n % AT_ONCE == AT_ONCE - 1) {
                lock_pass(stage->lock);
            }
        }
    }
}

int64_t drill_stage_turn(struct drill_stage *stage, int64_t at_ms)
{
    struct run *run = &stage->run;
    while (run->turn_ms <= at_ms && stage->cut_ms < 0) {
        run_look_moves(run, stage->lock);
        drill_stage_follow(stage);
        (void)run_end_phase(run);
        lock_take(stage->lock);
        stage->first_event = run->event_count;
        run_begin_phase(run);
        bool has_moved = run->move_count != 0 && drill_stage_has_moved(stage);
        note_sight(stage);
        run_turn_hush(run);
        wake_lookouts(stage);
        lock_leave(stage->lock);
        if (has_moved) {
            follow_answers(stage, true);
        }
    }
    return run->turn_ms;
}

char *drill_stage_write(struct drill_stage *stage, const char *mode, int64_t until_ms)
{
    struct run *run = &stage->run;
    struct drill_report report = {.detection_ms = -1, .mode = mode, .is_cut = stage->cut_ms >= 0};
    drill_stage_follow(stage);
    run_mark_answers(run);
    run->until_ms = report.is_cut ? stage->cut_ms : until_ms;
    run_make_report(run, &report);
    return drill_write_json(&report);
}
